/* What `check` says of the applications' arguments: each judges its own (pbx/app/judge.h). */
#include "manage/check_apps.h"
#include "pbx/app/judge.h"
#include "pbx/dialplan.h"

static const struct {
	const char *name;
	bool (*judge)(struct str data, struct buf *why);
} rows[] = {
	{ "ReceiveFAX", app_judge_receive_fax },
	{ "SendFAX", app_judge_send_fax },
	{ "StatsD", app_judge_statsd },
};

static void judge_step(void *arg, const struct dialplan_row *step)
{
	for (size_t i = 0; step->type == ROW_STEP && step->priority > 0 && i < ARRAY_LEN(rows); i++) {
		struct buf why = BUF_INIT;

		if (str_ieq(step->app, str_z(rows[i].name)) && !rows[i].judge(step->data, &why))
			report_add(arg, REPORT_ERROR, step->file, step->line, "%s() in '%.*s': %.*s", rows[i].name,
				   STR_ARG(step->context), STR_ARG(buf_view(&why)));
		buf_free(&why);
	}
}

void check_apps(struct dialplan *d, struct report *r)
{
	struct pbx bare = { .plan = d };        /* nothing of it but the dialplan is looked at */
	struct dialplan_count n;

	dialplan_each(&bare, STR_NULL, STR_NULL, &n, judge_step, r);
}
