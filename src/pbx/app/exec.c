/* Applications named by the data of another. */
#define LOG_MODULE "pbx"
#include "base/buf.h"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/run.h"
#include "pbx/timing.h"
#include <errno.h>

/* Runs "app(args)"; `again`: what is in args is substituted once more. */
static int call(struct channel *ch, struct str text, bool again, bool *known)
{
	struct buf args = BUF_INIT;
	const struct app *app;
	struct str name, in;
	int res = 0;

	run_cut_call(text, &name, &in);
	app = pbx_app(ch->pbx, name);
	*known = app != NULL;
	if (!app)
		return -1;
	if (again)
		pbx_substitute(ch->pbx, ch, in, &args);
	else
		buf_put(&args, in);
	(void)buf_z(&args);
	res = run_app(ch, app, args.n ? buf_view(&args) : STR(""));
	buf_free(&args);
	return res;
}

static int run_exec(struct channel *ch, struct str data)
{
	bool known;
	int res;

	if (!data.n)
		return 0;
	res = call(ch, data, true, &known);
	if (!known)
		log_warning("Exec: no application in '%.*s'", STR_ARG(data));
	return res;
}

static int run_try_exec(struct channel *ch, struct str data)
{
	bool known;
	int res;

	if (!data.n)
		return 0;
	res = call(ch, data, true, &known);
	(void)pbx_setvar(ch->pbx, ch, STR("TRYSTATUS"), !known ? STR("NOAPP") : res ? STR("FAILED") : STR("SUCCESS"));
	return ch->hungup ? -1 : 0;
}

static int branch(struct channel *ch, bool holds, struct str yes, struct str no)
{
	struct str text = str_trim(holds ? yes : no);
	bool known = true;
	int res;

	if (!text.n)
		return 0;
	res = call(ch, text, false, &known);
	if (!known) {
		log_warning("ExecIf: no application in '%.*s'", STR_ARG(text));
		return -1;
	}
	return res;
}

static int run_exec_if(struct channel *ch, struct str data)
{
	struct str condition, yes, no;

	run_branches(data, &condition, &yes, &no);
	if (!yes.n && !no.n) {
		log_warning("ExecIf needs condition?app(args):app(args)");
		return -1;
	}
	return branch(ch, run_condition(str_trim(condition)), yes, no);
}

static int run_exec_if_time(struct channel *ch, struct str data)
{
	struct str times = str_cut_raw(&data, '?');
	struct timing t;

	if (!times.n || !data.n) {
		log_warning("ExecIfTime needs times,weekdays,mdays,months[,timezone]?app(args)");
		return -1;
	}
	(void)timing_parse(&t, times);
	return branch(ch, timing_holds(&t, run_now(ch->pbx, ch)), data, STR(""));
}

const struct app app_exec = { .name = "Exec", .synopsis = "Run an application named by variables", .run = run_exec };
const struct app app_try_exec = { .name = "TryExec", .synopsis = "Exec that goes on when it fails: TRYSTATUS",
	.run = run_try_exec };
const struct app app_exec_if = { .name = "ExecIf", .synopsis = "Run an application if a condition holds",
	.run = run_exec_if };
const struct app app_exec_if_time = { .name = "ExecIfTime", .synopsis = "Run an application at certain times",
	.run = run_exec_if_time };
