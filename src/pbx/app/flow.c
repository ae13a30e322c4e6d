/* Where the dialplan goes next. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/hangup_cause.h"
#include "pbx/run.h"
#include "pbx/timing.h"
#include <errno.h>

static int run_noop(struct channel *ch, struct str data)
{
	(void)ch;
	(void)data;
	return 0;
}

static int go(struct channel *ch, struct str where)
{
	int err = pbx_parse_goto(ch, where);
	const struct run *r = run_of(ch);

	if (err)
		return -1;
	log_verbose(3, "Goto (%s,%s,%d)", text_z(&ch->context), text_z(&ch->exten),
		    ch->priority + (r && r->loops ? 1 : 0));
	return 0;
}

static int run_goto(struct channel *ch, struct str data)
{
	if (!data.n) {
		log_warning("Goto needs [[context,]extension,]priority");
		return -1;
	}
	return go(ch, data);
}

static int run_goto_if(struct channel *ch, struct str data)
{
	struct str condition, yes, no, where;

	if (!data.n) {
		log_warning("GotoIf needs condition?place:place");
		return 0;
	}
	run_branches(data, &condition, &yes, &no);
	where = str_trim(run_condition(str_trim(condition)) ? yes : no);
	return where.n ? go(ch, where) : 0;
}

static int run_goto_if_time(struct channel *ch, struct str data)
{
	bool whole = str_chr(data, '?') < data.n;
	struct str times = str_cut_raw(&data, '?'), no = data, yes = str_cut_raw(&no, ':'), where;
	struct timing t;

	if (!times.n || !whole) {
		log_warning("GotoIfTime needs times,weekdays,mdays,months[,timezone]?place:place");
		return -1;
	}
	if (timing_parse(&t, times))
		log_warning("Some of the times '%.*s' is not understood", STR_ARG(times));
	where = str_trim(timing_holds(&t, run_now(ch->pbx, ch)) ? yes : no);
	return where.n ? go(ch, where) : 0;
}

static int run_hangup(struct channel *ch, struct str data)
{
	uint32_t number;
	int cause = 0;

	data = str_trim(data);
	(void)text_set(&ch->hangsource, STR("dialplan/builtin"));
	if (data.n) {
		cause = cause_of(data);
		if (cause <= 0)
			cause = str_u32(data, &number) || number > 127 ? 0 : (int)number;
		if (cause <= 0)
			log_warning("Invalid cause given to Hangup(): \"%.*s\"", STR_ARG(data));
	}
	if (cause <= 0)
		cause = ch->cause > 0 ? ch->cause : CAUSE_NORMAL;
	/* No SoftHangupRequest: that comes once, when the dialplan is left. */
	ch->cause = cause;
	ch->hungup = true;
	return -1;
}

static int run_hangup_cause_clear(struct channel *ch, struct str data)
{
	(void)data;
	hangup_cause_clear(ch);
	return 0;
}

static int run_raise_exception(struct channel *ch, struct str data)
{
	struct text reason = { 0 };

	(void)text_set(&reason, data);
	run_exception(ch, text_z(&reason), 0);
	text_free(&reason);
	return 0;
}

const struct app app_noop = { .name = "NoOp", .synopsis = "Do nothing; the log shows the arguments", .run = run_noop };
const struct app app_goto = { .name = "Goto", .synopsis = "Go on elsewhere in the dialplan", .run = run_goto };
const struct app app_goto_if = { .name = "GotoIf", .synopsis = "Go on elsewhere if a condition holds",
	.run = run_goto_if };
const struct app app_goto_if_time = { .name = "GotoIfTime", .synopsis = "Go on elsewhere at certain times",
	.run = run_goto_if_time };
const struct app app_hangup = { .name = "Hangup", .synopsis = "End the call", .run = run_hangup };
const struct app app_hangup_cause_clear = { .name = "HangupCauseClear", .synopsis = "Forget why channels ended",
	.run = run_hangup_cause_clear };
const struct app app_raise_exception = { .name = "RaiseException",
	.synopsis = "Go to extension e with a reason of your own", .run = run_raise_exception };
