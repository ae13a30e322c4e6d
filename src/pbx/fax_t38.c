/* Faxes that turn from sound to T.38. */
#define LOG_MODULE "fax"
#include "pbx/fax_t38.h"
#include "base/log.h"
#include "pbx/channel_private.h"
#include "pbx/sound.h"
#include <errno.h>

/* CED [T.30 4.2] for 3 s; CNG [T.30 4.1] three times, and once more to wake the way of sound again. */
#define CED "!2100/3000"
#define CNG "!1100/500,!0/3000"
enum { CED_MS = 3000, CNG_MS = 10500, ASK_MS = 5000, CNG_AGAIN_MS = 3500, END_MS = 5000 };

struct t38_parameters fax_t38_ours(enum t38_what what)
{
	return (struct t38_parameters){ .what = what, .version = 0, .max_ifp = 400, .rate = T38_14400,
		.management = T38_TRANSFERRED_TCF };
}

static int say(struct channel *ch, enum t38_what what)
{
	struct t38_parameters p = fax_t38_ours(what);

	return channel_t38_indicate(ch, &p);
}

void fax_t38_theirs(struct fax_details *d, const struct t38_parameters *p)
{
	d->theirs = (struct fax_t38){ .version = p->version, .max_ifp = p->max_ifp, .fill_bit_removal = p->fill_bit_removal,
		.mmr = p->transcoding_mmr, .jbig = p->transcoding_jbig, .local_tcf = p->management == T38_LOCAL_TCF };
}

static bool is_negotiated(struct channel *ch)
{
	return channel_t38_state(ch) == T38_NEGOTIATED;
}

int fax_t38_look(struct channel *ch, struct fax_details *d)
{
	switch (channel_t38_state(ch)) {
	case T38_UNKNOWN:
		d->can_t38 = true;
		return 0;
	case T38_REJECTED:
	case T38_UNAVAILABLE:
		d->can_audio = true;
		return 0;
	case T38_NEGOTIATING:
	case T38_NEGOTIATED:
		break;
	}
	/* The peer has asked before we were here: it comes again. */
	d->can_t38 = true;
	return is_negotiated(ch) || !say(ch, T38_ASK_PARAMETERS) ? 0 : EPROTO;
}

static void negotiated(struct channel *ch, struct fax_details *d, const struct t38_parameters *p)
{
	fax_t38_theirs(d, p);
	d->can_audio = false;
	fax_tell_status(ch, d, "T.38 Negotiated");
}

/* Until T.38 is there: 0; `asked`, and the peer does not want to: EACCES; ETIMEDOUT; ECANCELED. */
static int wait_for(struct channel *ch, struct fax_details *d, uint64_t ms, bool asked)
{
	uint64_t end = clock_ms(ch->pbx->clock) + ms, now;

	while ((now = clock_ms(ch->pbx->clock)) < end) {
		const struct t38_parameters *p;
		struct chan_event *e = NULL;
		int err = channel_next(ch, end - now, &e);
		enum t38_what what;

		if (err)
			return err;
		p = t38_of_event(e);
		what = p ? p->what : 0;
		if (what == T38_IS_NEGOTIATED)
			negotiated(ch, d, p);
		chan_event_free(e);
		if (what == T38_IS_NEGOTIATED)
			return 0;
		if (what == T38_ASK_NEGOTIATE) {
			(void)say(ch, d->can_t38 ? T38_IS_NEGOTIATED : T38_IS_REFUSED);
			sound_tone(ch, STR_NULL);
		} else if (what && asked) {
			log_warning("channel '%s' refused to negotiate T.38", text_z(&ch->name));
			return EACCES;
		}
	}
	return ETIMEDOUT;
}

/* The tone is heard until T.38 is there, or its time is over. */
static int wait_with_tone(struct channel *ch, struct fax_details *d, struct str tone, uint64_t ms)
{
	int err;

	if (tone.n)
		sound_tone(ch, tone);
	err = wait_for(ch, d, ms, false);
	if (err != ECANCELED)
		sound_tone(ch, STR_NULL);
	return err;
}

static int ask(struct channel *ch, struct fax_details *d, uint64_t ms)
{
	int err = say(ch, T38_ASK_NEGOTIATE);

	if (err)
		return err;
	err = wait_for(ch, d, ms, true);
	if (err == ETIMEDOUT)
		log_warning("channel '%s' timed-out during the T.38 negotiation", text_z(&ch->name));
	if (err == ETIMEDOUT || err == EACCES)
		d->can_t38 = false;
	return err;
}

/* T.38 has not come about. */
static int fall_back(struct channel *ch, struct fax_details *d)
{
	if (is_negotiated(ch))
		return 0;
	if (!d->allow_audio) {
		log_warning("Audio FAX not allowed on channel '%s' and T.38 negotiation failed; aborting", text_z(&ch->name));
		return EACCES;
	}
	d->can_audio = true;
	return 0;
}

int fax_t38_receive(struct channel *ch, struct fax_details *d)
{
	int err = 0;

	if (channel_t38_state(ch) == T38_UNKNOWN)
		err = wait_with_tone(ch, d, STR(CED), CED_MS);
	if (err == ECANCELED || is_negotiated(ch))
		return err == ECANCELED ? err : 0;
	err = ask(ch, d, d->t38timeout);
	if (err && err != ETIMEDOUT && err != EACCES)
		return err;
	return fall_back(ch, d);
}

int fax_t38_send(struct channel *ch, struct fax_details *d)
{
	bool waits = channel_t38_state(ch) == T38_UNKNOWN;
	int err = is_negotiated(ch) ? 0 : wait_with_tone(ch, d, waits ? STR(CNG "," CNG "," CNG) : STR_NULL, CNG_MS);

	if (err == ECANCELED || is_negotiated(ch))
		return err == ECANCELED ? err : 0;
	if (d->request_t38) {
		err = ask(ch, d, ASK_MS);
		if (err && err != ETIMEDOUT && err != EACCES)
			return err;
		if (!is_negotiated(ch) && d->allow_audio)
			err = wait_with_tone(ch, d, STR(CNG), CNG_AGAIN_MS);
		if (err == ECANCELED)
			return err;
	}
	return fall_back(ch, d);
}

bool fax_t38_event(struct channel *ch, struct fax_details *d, const struct chan_event *e)
{
	const struct t38_parameters *p = t38_of_event(e);

	if (p && p->what == T38_ASK_NEGOTIATE)
		(void)say(ch, d->can_t38 ? T38_IS_NEGOTIATED : T38_IS_REFUSED);
	if (!p || p->what != T38_IS_NEGOTIATED || d->t38)
		return false;
	d->t38 = true;
	negotiated(ch, d, p);
	return true;
}

void fax_t38_end(struct channel *ch)
{
	uint64_t end = clock_ms(ch->pbx->clock) + END_MS, now;

	if (!is_negotiated(ch) || say(ch, T38_ASK_TERMINATE))
		return;
	while ((now = clock_ms(ch->pbx->clock)) < end) {
		const struct t38_parameters *p;
		struct chan_event *e = NULL;
		bool over;

		if (channel_next(ch, end - now, &e))
			return;
		p = t38_of_event(e);
		over = p && (p->what == T38_IS_TERMINATED || p->what == T38_IS_REFUSED);
		chan_event_free(e);
		if (over)
			return;
	}
}
