/* Transfer: the peer is asked to call somebody else. */
#define LOG_MODULE "transfer"
#include "base/log.h"
#include "pbx/app/app.h"
#include <errno.h>

/* The REFER's outcome comes by NOTIFY; RFC 3515 section 2.4.4 gives it time. */
#define OUTCOME_MS 60000

static int outcome(struct channel *ch)
{
	uint64_t end = clock_ms(ch->pbx->clock) + OUTCOME_MS;

	for (;;) {
		uint64_t now = clock_ms(ch->pbx->clock);
		struct chan_event *e = NULL;
		int err = channel_next(ch, end > now ? end - now : 0, &e);
		bool done;

		if (err)
			return err;
		done = e->type == CE_TRANSFER;
		err = e->cause;
		chan_event_free(e);
		if (done)
			return err;
	}
}

/* Transfer([TECH/]destination): TRANSFERSTATUS */
static int run(struct channel *ch, struct str data)
{
	struct str dest = data, tech, status = STR("SUCCESS");
	struct str v[2] = { { 0 } };
	int err = ENOSYS;

	pbx_args(data, v, ARRAY_LEN(v));
	dest = v[0];
	if (!dest.n) {
		log_warning("Transfer needs a destination");
		pbx_setvar(ch->pbx, ch, STR("TRANSFERSTATUS"), STR("FAILURE"));
		return 0;
	}
	/* sip:user@host/... holds no technology, PJSIP/alice does. */
	tech = str_sub(dest, 0, str_chr(dest, '/'));
	if (tech.n < dest.n && str_chr(tech, ':') == tech.n) {
		if (!str_ieq(tech, str_z(ch->tech->type))) {
			pbx_setvar(ch->pbx, ch, STR("TRANSFERSTATUS"), STR("FAILURE"));
			return 0;
		}
		dest = str_skip(dest, tech.n + 1);
	}
	if (ch->tech->transfer)
		err = ch->tech->transfer(ch, dest);
	if (err == EINPROGRESS)
		err = outcome(ch);
	if (err == ENOSYS)
		status = STR("UNSUPPORTED");
	else if (err)
		status = STR("FAILURE");
	pbx_setvar(ch->pbx, ch, STR("TRANSFERSTATUS"), status);
	return ch->hungup ? -1 : 0;
}

const struct app app_transfer = { .name = "Transfer", .synopsis = "Ask the peer to call another place", .run = run };
