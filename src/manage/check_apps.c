/* manage/check_apps.c -- `check`: arguments of the dialplan's applications that are wrong whatever
 * the call. Those that hold ${...} or $[...] are known only then. */
#include "manage/check_apps.h"
#include "pbx/app/judge.h"
#include "pbx/dialplan.h"
#include "service/call/functions.h"

static const char *judge_hangup(struct str data)
{
	return !data.n ? "status is missing" : pjsip_status_named(data) ? NULL : "it is no status from 400 to 699 and no name of one";
}

static const char *judge_notify(struct str data)
{
	struct str v[2];

	pbx_args(data, v, 2);
	return str_trim(v[1]).n ? NULL : "it needs a section of pjsip_notify.conf, or headers";
}

static const char *judge_stream_echo(struct str data)
{
	struct str v[2];
	uint32_t n;

	pbx_args(data, v, 2);
	v[1] = str_trim(v[1]);
	if (str_trim(v[0]).n && str_u32(str_trim(v[0]), &n))
		return "the number of streams is no number";
	return !v[1].n || str_ieq(v[1], STR("audio")) || str_ieq(v[1], STR("video")) ? NULL : "the type is neither audio nor video";
}

static const char *judge_message_send(struct str data)
{
	struct str v[2];

	pbx_args(data, v, 2);
	return str_trim(v[0]).n ? NULL : "destination is missing";
}

/* Those of their own; for all others there is a table, pbx/app/judge.c. */
static const struct { struct str app; app_judge_fn *judge; } rows[] = {
	{ STR_INIT("MessageSend"), judge_message_send },
	{ STR_INIT("PJSIPHangup"), judge_hangup },
	{ STR_INIT("PJSIPNotify"), judge_notify },
	{ STR_INIT("StreamEcho"), judge_stream_echo },
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
	char room[APP_WHY];
	const char *why = NULL;

	if (!cut_app(v, &app, &args) || !is_fixed(args))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_ieq(app, rows[i].app))
			why = rows[i].judge(args);
	if (!why && app_judge(app, args, room))
		why = room;
	if (why)
		report_add(r, REPORT_ERROR, config_file_name(c, v->file), v->line, "%.*s(%.*s) in '%.*s': %s",
			   STR_ARG(app), STR_ARG(args), STR_ARG(s->name), why);
}

void check_apps(const struct config *c, struct report *r)
{
	for (const struct config_section *s = config_first(c); s; s = config_next(s))
		for (const struct config_var *v = s->first; v; v = v->next)
			judge(c, s, v, r);
}
