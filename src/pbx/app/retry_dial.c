/* RetryDial(): Dial() over and over, with an announcement and music between. */
#define LOG_MODULE "dial"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/app/dial.h"
#include "pbx/channel_private.h"
#include "pbx/func/text.h"
#include "pbx/sound.h"
#include <errno.h>

enum { PAUSE_MS = 10000 };      /* when none of a second or more is asked for */

struct retry {
	struct str announce, dial;
	uint64_t pause_ms;
	int64_t times;                  /* <0: for ever */
};

static void parse(struct retry *r, const struct str *v)
{
	int64_t n;

	*r = (struct retry){ .announce = v[0], .dial = v[3], .pause_ms = PAUSE_MS, .times = -1 };
	if (text_leading_int(v[1], &n) && n > 0 && n < INT32_MAX)
		r->pause_ms = (uint64_t)n * 1000;
	if (text_leading_int(v[2], &n) && n)
		r->times = n;
}

/* The digit that was pressed, '\0': none. ECANCELED: the caller has gone. */
static int between(struct channel *ch, const struct retry *r, bool stoppable, char *digit)
{
	int err = 0;

	if (r->announce.n)
		err = sound_play(ch, r->announce, stoppable ? STR("0123456789*#ABCD") : STR(""), NULL);
	if (err == ECANCELED)
		return err;
	if (err)
		log_warning("RetryDial: there is no sound '%.*s'", STR_ARG(r->announce));
	if (!ch->moh)
		channel_moh_start(ch, STR_NULL);
	return sound_digit(ch, r->pause_ms, digit) == ECANCELED ? ECANCELED : 0;
}

/* <0: the call ends here; 0: on with the dialplan; >0: once more. */
static int once(struct channel *ch, const struct retry *r)
{
	struct dial_outcome o = { 0 };
	char digit = '\0';
	int res = dial_run(ch, r->dial, &o);

	if (o.done || res < 0 || o.exit_digit)
		return o.done && !ch->hungup ? 0 : res;
	if (between(ch, r, o.digit_exit, &digit))
		return -1;
	return !digit || !dial_exit_to(ch, digit);
}

/* RetryDial(announcement,seconds,times,arguments of Dial) */
static int run(struct channel *ch, struct str data)
{
	struct str v[4] = { { 0 } };
	struct retry r;
	int res = 1;

	if (pbx_args(data, v, ARRAY_LEN(v)) < ARRAY_LEN(v)) {
		log_error("RetryDial needs announcement,seconds,times and what Dial() would get");
		return -1;
	}
	parse(&r, v);
	while (res > 0 && r.times) {
		if (ch->moh)
			channel_moh_stop(ch);
		res = once(ch, &r);
		r.times -= r.times > 0;
	}
	if (ch->moh)
		channel_moh_stop(ch);
	return res < 0 ? -1 : 0;
}

const struct app app_retry_dial = { .name = "RetryDial", .synopsis = "Call again and again until somebody answers",
	.run = run };
