/* T.38 as channels say it to each other: requests and answers, the state, where the stream is.
 * Who stands between is t38_between.c's. */
#include "pbx/t38.h"
#include "base/obj.h"
#include "pbx/channel_private.h"
#include <errno.h>

unsigned t38_bits_per_second(enum t38_rate r)
{
	switch (r) {
	case T38_2400:
		return 2400;
	case T38_4800:
		return 4800;
	case T38_7200:
		return 7200;
	case T38_9600:
		return 9600;
	case T38_12000:
		return 12000;
	case T38_14400:
		return 14400;
	}
	return 0;
}

const char *t38_what_name(enum t38_what w)
{
	static const char *const names[] = { "", "Request Negotiate", "Request Terminate", "Negotiated", "Terminated", "Refused",
		"Request Parameters" };

	return (size_t)w < ARRAY_LEN(names) ? names[w] : "";
}

struct t38_parameters *t38_parameters_new(const struct t38_parameters *like)
{
	struct t38_parameters *p = obj_new(sizeof(*p), NULL);

	if (p)
		*p = *like;
	return p;
}

const struct t38_parameters *t38_of_event(const struct chan_event *e)
{
	return e->type == CE_T38 ? e->data : NULL;
}

/* A Local half holds what it passes on, so it gets an obj as well. */
static int indicate(struct channel *ch, const struct t38_parameters *p, bool past)
{
	struct t38_parameters *said;
	int err;

	if (!ch->tech->indicate)
		return ENOSYS;
	if (ch->dead)
		return ECANCELED;
	said = t38_parameters_new(p);
	if (!said)
		return ENOMEM;
	err = past ? ch->tech->indicate(ch, IND_T38, said) : channel_indicate(ch, IND_T38, said);
	obj_drop(said);
	return err;
}

int channel_t38_indicate(struct channel *ch, const struct t38_parameters *p)
{
	return indicate(ch, p, false);
}

int channel_t38_indicate_past(struct channel *ch, const struct t38_parameters *p)
{
	return indicate(ch, p, true);
}

static struct chan_event *event_of(const struct t38_parameters *p)
{
	struct chan_event *e = chan_event_new(CE_T38);

	if (e)
		e->data = t38_parameters_new(p);
	if (e && !e->data) {
		chan_event_free(e);
		e = NULL;
	}
	return e;
}

int channel_t38_tell(struct channel *ch, const struct t38_parameters *p)
{
	struct chan_event *e = event_of(p);

	if (!e)
		return ENOMEM;
	channel_event(ch, e);
	return 0;
}

int channel_t38_tell_past(struct channel *ch, const struct t38_parameters *p)
{
	struct chan_event *e = ch->dead ? NULL : event_of(p);

	if (!e)
		return ch->dead ? ECANCELED : ENOMEM;
	channel_deliver(ch, e);
	return 0;
}

enum t38_state channel_t38_state(struct channel *ch)
{
	const struct channel *end = channel_end(ch);

	return !end->dead && end->tech->t38_state ? (enum t38_state)end->tech->t38_state(end) : T38_UNAVAILABLE;
}

struct media_session *channel_t38_media(struct channel *ch)
{
	struct channel *end = channel_end(ch);

	return !end->dead && end->tech->image ? end->tech->image(end) : NULL;
}
