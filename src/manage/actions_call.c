/* Originate: a call that the manager starts. */
#include "manage/manager_private.h"
#include "base/fiber.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/originate.h"
#include <errno.h>
#include <stdlib.h>

#define VARS 256
#define UNIQUEID_MAX 149        /* AST_MAX_PUBLIC_UNIQUEID */

struct vars_list {
	struct originate_var v[VARS];
	size_t n;
};

static void add_var(void *arg, struct str name, struct str value)
{
	struct vars_list *l = arg;

	if (l->n < VARS)
		l->v[l->n++] = (struct originate_var){ name, value };
}

/* As it stands; or in other letters, as functions are found too, before a bracket. */
static bool names_function(struct str data, struct str word)
{
	if (str_find(data, word) < data.n)
		return true;
	for (size_t at; (at = str_ifind(data, word)) < data.n; data = str_skip(data, at + word.n))
		if (str_starts(str_ltrim(str_skip(data, at + word.n)), STR("(")))
			return true;
	return false;
}

/* Applications and functions that run programs or change the server need the
 * right to do so by other ways too. */
static bool permitted(const struct ami_ctx *a, struct str app, struct str data)
{
	static const char *const apps[] = { "agi", "dbdeltree", "exec", "externalivr", "mixmonitor", "originate",
		"reload", "system" };
	static const char *const words[] = { "CURL", "DB", "EVAL", "FILE", "ODBC", "REALTIME", "SHELL" };

	if (a->s->write & EV_SYSTEM)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(apps); i++)
		if (str_ifind(app, str_z(apps[i])) < app.n)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (names_function(data, str_z(words[i])))
			return false;
	return true;
}

/* "Name" <number>, <number>, number */
static void parse_callerid(struct str s, struct str *name, struct str *number)
{
	size_t open = str_rchr(s, '<');

	s = str_trim(s);
	open = str_rchr(s, '<');
	if (open < s.n && str_ends(s, STR(">"))) {
		*number = str_trim(str_sub(s, open + 1, s.n - open - 2));
		*name = str_trim(str_unquote(str_trim(str_sub(s, 0, open))));
	} else if (s.n && (s.p[0] == '"' || str_chr(s, ' ') < s.n)) {
		*name = str_unquote(s);
	} else {
		*number = s;
	}
}

/* What is wrong with it, or NULL. */
static const char *fill_originate(struct ami_ctx *a, struct originate_prm *p)
{
	struct str priority = ami_get(a, "Priority"), timeout = ami_get(a, "Timeout");
	uint32_t n = 0;
	int64_t ms = 30000;

	p->channel = ami_get(a, "Channel");
	p->context = ami_get(a, "Context");
	p->exten = ami_get(a, "Exten");
	p->app = ami_get(a, "Application");
	p->data = ami_get(a, "Data");
	p->account = ami_get(a, "Account");
	p->codecs = ami_get(a, "Codecs");
	p->uniqueid = ami_get(a, "ChannelId");
	p->other_uniqueid = ami_get(a, "OtherChannelId");
	p->early_media = ami_get_bool(a, "Earlymedia");
	p->actionid = a->id;
	if (!p->channel.n)
		return "Channel not specified";
	if (priority.n && (!str_u32(priority, &n) ? n > INT32_MAX : true)) {
		int label = dialplan_label(a->m->pbx, p->context, p->exten, priority, STR_NULL);

		if (label < 1)
			return "Invalid priority";
		n = (uint32_t)label;
	}
	p->priority = (int)n;
	if (timeout.n && str_i64(timeout, &ms))
		return "Invalid timeout";
	p->timeout_ms = ms > 0 && ms < UINT32_MAX ? (uint32_t)ms : 30000;
	if (str_chr(p->channel, '/') == p->channel.n)
		return "Invalid channel";
	parse_callerid(ami_get(a, "CallerID"), &p->caller_name, &p->caller_number);
	if (p->app.n && !permitted(a, p->app, p->data))
		return "Originate Access Forbidden: app or data blacklisted";
	if (p->exten.n && p->context.n && n &&
	    !dialplan_exists(a->m->pbx, p->context, p->exten, p->priority, p->caller_number))
		return "Extension does not exist.";
	if (!p->app.n && !(p->exten.n && p->context.n && n))
		return "Originate with 'Exten' requires 'Context' and 'Priority'";
	return NULL;
}

static void on_originated(void *arg, enum originate_reason reason, struct channel *ch)
{
	(void)arg;
	(void)reason;
	(void)ch;
}

static void start_originate(struct ami_ctx *a, struct originate_prm *p)
{
	bool ok;
	int err = 0;

	if (ami_get_bool(a, "Async")) {
		p->tell = true;
		ok = !originate(a->m->pbx, p, on_originated, NULL);
		pace_end_slice(a->m->pace);
	} else {
		/* What happens on the way may be heard meanwhile. */
		ami_release(a);
		ok = originate_wait(a->m->pbx, p, &err) == ORIGINATE_ANSWERED && !err;
		a->s->hold = true;
	}
	if (ok)
		ami_ok(a, "Originate successfully queued");
	else
		ami_error(a, "Originate failed");
}

static void originate_action(struct ami_ctx *a)
{
	struct originate_prm p = { 0 };
	struct vars_list *vars;
	const char *why;

	if (ami_get(a, "ChannelId").n > UNIQUEID_MAX || ami_get(a, "OtherChannelId").n > UNIQUEID_MAX) {
		ami_error(a, "Uniqueid length exceeds maximum of %d", UNIQUEID_MAX);
		return;
	}
	why = fill_originate(a, &p);
	if (why) {
		ami_error(a, "%s", why);
		return;
	}
	vars = calloc(1, sizeof(*vars));
	if (!vars) {
		ami_error(a, "Internal Error. Memory allocation failure.");
		return;
	}
	for (size_t i = 0; a->s->vars && i < a->s->vars->n; i++)
		add_var(vars, a->s->vars->v[i].name, a->s->vars->v[i].value);
	ami_each_var(a, add_var, vars);
	p.vars = vars->v;
	p.nvars = vars->n;
	start_originate(a, &p);
	free(vars);
}

static const struct ami_action rows[] = {
	{ "Originate", EV_ORIGINATE, "Call somebody and run an application or extension", originate_action, false },
};
const struct ami_table ami_call_actions = { rows, ARRAY_LEN(rows) };
