/* manage/check_apps.c -- `check`: arguments of the dialplan's applications that are wrong whatever
 * the call. Those that hold ${...} or $[...] are known only then. */
#include "manage/check_apps.h"
#include "pbx/app/judge.h"

static const struct { struct str app; app_judge_fn *judge; } rows[] = {
	{ STR_INIT("ReceiveFAX"), judge_receive_fax },
	{ STR_INIT("SendFAX"), judge_send_fax },
	{ STR_INIT("StatsD"), judge_statsd }, { STR_INIT("QueueLog"), judge_queue_log },
};

/* "123,1,App(args)" of exten, "n(label),App(args)" of same: the last of them. */
static bool cut_app(const struct config_var *v, struct str *app, struct str *args)
{
	bool exten = str_ieq(v->name, STR("exten"));
	struct str rest = v->value;
	size_t end;

	if (!exten && !str_ieq(v->name, STR("same")))
		return false;
	if (exten)
		str_cut_raw(&rest, ',');
	str_cut_raw(&rest, ',');
	rest = str_trim(rest);
	end = str_rchr(rest, ')');
	*app = str_trim(str_sub(rest, 0, str_chr(rest, '(')));
	*args = end < rest.n && app->n < end ? str_sub(rest, str_chr(rest, '(') + 1, end - str_chr(rest, '(') - 1) : STR_NULL;
	return true;
}

static bool is_fixed(struct str s)
{
	return str_find(s, STR("${")) == s.n && str_find(s, STR("$[")) == s.n;
}

static void judge(const struct config *c, const struct config_section *s, const struct config_var *v, struct report *r)
{
	struct str app, args;

	if (!cut_app(v, &app, &args) || !is_fixed(args))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why = str_ieq(app, rows[i].app) ? rows[i].judge(args) : NULL;

		if (why)
			report_add(r, REPORT_ERROR, config_file_name(c, v->file), v->line, "%.*s(%.*s) in '%.*s': %s",
				   STR_ARG(app), STR_ARG(args), STR_ARG(s->name), why);
	}
}

void check_apps(const struct config *c, struct report *r)
{
	for (const struct config_section *s = config_first(c); s; s = config_next(s))
		for (const struct config_var *v = s->first; v; v = v->next)
			judge(c, s, v, r);
}
