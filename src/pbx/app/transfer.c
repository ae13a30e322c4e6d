/* Transfer: the peer is asked to call somebody else. */
#define LOG_MODULE "transfer"
#include "base/log.h"
#include "pbx/app/app.h"
#include <errno.h>
#include <stdio.h>

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

static int transfer(struct channel *ch, struct str dest)
{
	/* sip:user@host/... holds no technology, PJSIP/alice does. */
	struct str tech = str_sub(dest, 0, str_chr(dest, '/'));
	int err = ENOSYS;

	if (!dest.n) {
		log_warning("Transfer needs a destination");
		return EINVAL;
	}
	if (tech.n < dest.n && str_chr(tech, ':') == tech.n) {
		if (!str_ieq(tech, str_z(ch->tech->type)))
			return EINVAL;
		dest = str_skip(dest, tech.n + 1);
	}
	if (ch->tech->transfer)
		err = ch->tech->transfer(ch, dest);
	return err == EINPROGRESS ? outcome(ch) : err;
}

/* Transfer([TECH/]destination): TRANSFERSTATUS; TRANSFERSTATUSPROTOCOL has the status that refused it, 1 when it failed
 * without one, 0 when it was not tried or went well. */
static int run(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	char code[16];
	int err;

	pbx_args(data, v, ARRAY_LEN(v));
	ch->transfer_status = 0;
	err = transfer(ch, v[0]);
	if (err && err != EINVAL && err != ENOSYS && err != ECANCELED && !ch->transfer_status)
		ch->transfer_status = 1;
	snprintf(code, sizeof(code), "%u", ch->transfer_status);
	pbx_setvar(ch->pbx, ch, STR("TRANSFERSTATUS"), !err ? STR("SUCCESS") : err == ENOSYS ? STR("UNSUPPORTED") : STR("FAILURE"));
	pbx_setvar(ch->pbx, ch, STR("TRANSFERSTATUSPROTOCOL"), str_z(code));
	return ch->hungup ? -1 : 0;
}

const struct app app_transfer = { .name = "Transfer", .synopsis = "Ask the peer to call another place", .run = run };
