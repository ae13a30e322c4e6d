/* Wait, WaitUntil, WaitExten, WaitForCondition: time that passes in the dialplan. */
#define LOG_MODULE "pbx"
#include "base/buf.h"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/app/judge.h"
#include "pbx/channel_private.h"
#include "pbx/run.h"
#include "pbx/sound.h"
#include <errno.h>

bool app_duration(struct str s, uint64_t *ms)
{
	static const struct {
		struct str unit;
		double ms;
	} units[] = {
		{ STR_INIT("ms"), 1 }, { STR_INIT("s"), 1000 }, { STR_INIT("m"), 60000 }, { STR_INIT("h"), 3600000 },
		{ STR_INIT(""), 1000 },
	};
	size_t n = 0;
	double v;

	s = str_trim(s);
	while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
		n++;
	if (!n || str_double(str_sub(s, 0, n), &v) || v < 0 || v > 1e9)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_ieq(str_trim(str_skip(s, n)), units[i].unit)) {
			*ms = (uint64_t)(v * units[i].ms);
			return true;
		}
	return false;
}

/* Nothing happens; with transmit_silence the peer hears that. */
static int wait_quietly(struct channel *ch, uint64_t ms)
{
	bool silence = sound_silence(ch, true);
	int err = channel_sleep(ch, ms);

	if (silence && !ch->dead)
		sound_silence(ch, false);
	return err;
}

static int run_wait(struct channel *ch, struct str data)
{
	uint64_t ms;

	if (!app_duration(data, &ms)) {
		log_warning("Wait needs a number of seconds, not '%.*s'", STR_ARG(data));
		return 0;
	}
	return ms && wait_quietly(ch, ms) ? -1 : 0;
}

static int run_wait_until(struct channel *ch, struct str data)
{
	int64_t now = clock_wall_us(ch->pbx->clock), wait;
	double at;

	if (str_double(str_trim(data), &at) || at < 0 || at > 4e9) {
		log_warning("WaitUntil needs a time in seconds since 1970");
		(void)pbx_setvar(ch->pbx, ch, STR("WAITUNTILSTATUS"), STR("FAILURE"));
		return 0;
	}
	wait = (int64_t)(at * 1e6) - now;
	if (wait < 0) {
		(void)pbx_setvar(ch->pbx, ch, STR("WAITUNTILSTATUS"), STR("PAST"));
		return 0;
	}
	if (wait_quietly(ch, (uint64_t)wait / 1000)) {
		(void)pbx_setvar(ch->pbx, ch, STR("WAITUNTILSTATUS"), STR("HANGUP"));
		return -1;
	}
	(void)pbx_setvar(ch->pbx, ch, STR("WAITUNTILSTATUS"), STR("OK"));
	return 0;
}

/* Nobody pressed anything: on to the next step, or to t. */
static int no_digit(struct channel *ch)
{
	struct pbx *p = ch->pbx;
	struct str context = text_view(&ch->context), caller = run_caller(ch);

	if (dialplan_exists(p, context, text_view(&ch->exten), ch->priority + 1, caller)) {
		log_verbose(3, "Timeout on %s, continuing...", text_z(&ch->name));
		return 0;
	}
	if (dialplan_exists(p, context, STR("t"), 1, caller)) {
		channel_set_exten(ch, context, STR("t"), 0);    /* the next step is 1 */
		return 0;
	}
	if (dialplan_exists(p, context, STR("e"), 1, caller)) {
		run_exception(ch, "RESPONSETIMEOUT", 0);
		return 0;
	}
	log_warning("Timeout but no rule 't' or 'e' in context '%.*s'", STR_ARG(context));
	return -1;
}

/* WaitExten([seconds][,m(class)]) */
static int run_wait_exten(struct channel *ch, struct str data)
{
	struct run *r = run_get(ch);
	struct str v[2], class;
	uint64_t ms = r ? r->response_ms : 10000;
	char digit = '\0';
	bool moh;
	int err;

	pbx_args(data, v, 2);
	if (v[0].n && !app_duration(v[0], &ms))
		log_warning("WaitExten needs a number of seconds, not '%.*s'", STR_ARG(v[0]));
	moh = pbx_option(v[1], 'm', &class);
	if (moh)
		channel_moh_start(ch, class);
	err = sound_digit(ch, ms, &digit);
	if (moh)
		channel_moh_stop(ch);
	if (err == ECANCELED || ch->hungup)
		return -1;
	return !err && digit ? digit : no_digit(ch);
}

/* WaitForCondition(replace,expression[,timeout[,interval]]): `replace` stands for $. */
static int run_wait_for_condition(struct channel *ch, struct str data)
{
	struct str v[4], status = STR("TIMEOUT");
	uint64_t left = UINT64_MAX, step = 50;
	bool holds = false, gone = false;

	if (pbx_args(data, v, 4) < 2 || v[0].n != 1 || !v[1].n) {
		log_warning("WaitForCondition needs a character for $ and an expression");
		return 0;
	}
	if (v[2].n && !app_duration(v[2], &left))
		left = 0;
	if (v[3].n && (!app_duration(v[3], &step) || !step))
		step = 50;
	while (!holds && !gone) {
		struct buf text = BUF_INIT, value = BUF_INIT;

		for (size_t i = 0; i < v[1].n; i++)
			buf_char(&text, v[1].p[i] == v[0].p[0] ? '$' : v[1].p[i]);
		pbx_substitute(ch->pbx, ch, buf_view(&text), &value);
		holds = run_condition(buf_view(&value));
		buf_free(&text);
		buf_free(&value);
		if (holds || !left)
			break;
		step = step < left ? step : left;
		gone = wait_quietly(ch, step) != 0;
		left -= left == UINT64_MAX ? 0 : step;
	}
	if (holds)
		status = STR("TRUE");
	else if (gone)
		status = STR("HANGUP");
	(void)pbx_setvar(ch->pbx, ch, STR("WAITFORCONDITIONSTATUS"), status);
	return gone ? -1 : 0;
}

const struct app app_wait = { .name = "Wait", .synopsis = "Wait some seconds", .run = run_wait };
const struct app app_wait_until = { .name = "WaitUntil", .synopsis = "Wait until a time", .run = run_wait_until };
const struct app app_wait_exten = { .name = "WaitExten", .synopsis = "Wait for the digits of an extension",
	.run = run_wait_exten };
const struct app app_wait_for_condition = { .name = "WaitForCondition",
	.synopsis = "Wait until an expression is true", .run = run_wait_for_condition };
