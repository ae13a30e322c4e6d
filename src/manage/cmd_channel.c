/* channel ...: originate, hang up, send elsewhere. */
#include "manage/command.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/originate.h"
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

static void ignore(void *arg, enum originate_reason reason, struct channel *ch)
{
	(void)arg;
	(void)reason;
	(void)ch;
}

static enum command_result originate_cmd(struct command_ctx *c)
{
	struct originate_prm prm = { .channel = command_arg(c, 0), .priority = 1 };
	int err;

	if (c->args < 2)
		return COMMAND_USAGE;
	if (str_ieq(c->arg[1], STR("application"))) {
		if (c->args < 3)
			return COMMAND_USAGE;
		prm.app = c->arg[2];
		prm.data = c->args > 3 ? c->rest[3] : STR_NULL;
	} else if (str_ieq(c->arg[1], STR("extension"))) {
		prm.context = command_arg(c, 2);
		prm.exten = str_cut_raw(&prm.context, '@');
		if (!prm.exten.n)
			prm.exten = STR("s");
		if (!prm.context.n)
			prm.context = STR("default");
	} else {
		return COMMAND_USAGE;
	}
	err = originate(c->m->pbx, &prm, ignore, NULL);
	if (err)
		command_printf(c, "Originate failed: %s\n", strerror(err));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

/* ---- hangup ----------------------------------------------------------- */

struct pick {
	bool all, re_on;
	regex_t re;
	const char *glob;
};

static bool is_picked(const struct pick *p, const struct channel *ch)
{
	const char *name = text_z(&ch->name);

	return p->all || (p->re_on ? pattern_has(&p->re, text_view(&ch->name)) : !fnmatch(p->glob, name, FNM_PATHNAME));
}

/* Those of now, held: hanging up changes the list. */
static size_t hangup_picked(struct command_ctx *c, const struct pick *p)
{
	size_t cap = channel_count(c->m->pbx), n = 0;
	struct channel **v = calloc(cap + 1, sizeof(struct channel *));

	if (!v)
		return 0;
	list_each(l, &c->m->pbx->channels) {
		struct channel *ch = container_of(l, struct channel, link);

		if (n < cap && !ch->hungup && !ch->dead && is_picked(p, ch))
			v[n++] = obj_hold(ch);
	}
	for (size_t i = 0; i < n; i++) {
		if (!v[i]->hungup && !v[i]->dead) {
			command_printf(c, "Requested Hangup on channel '%s'\n", text_z(&v[i]->name));
			channel_soft_hangup(v[i], CAUSE_NORMAL, SOFT_EXPLICIT);
		}
		obj_drop(v[i]);
		(void)command_row(c);
	}
	free(v);
	return n;
}

static void hangup_one(struct command_ctx *c, struct str name)
{
	struct channel *ch = channel_by_name(c->m->pbx, name);
	struct pick p = { .all = str_ieq(name, STR("all")) };
	char z[256];

	if (ch) {
		command_printf(c, "Requested Hangup on channel '%s'\n", text_z(&ch->name));
		channel_soft_hangup(ch, CAUSE_NORMAL, SOFT_EXPLICIT);
		return;
	}
	if (name.n > 2 && name.p[0] == '/' && name.p[name.n - 1] == '/') {
		if (pattern_compile(&p.re, str_sub(name, 1, name.n - 2))) {
			command_printf(c, "Expression provided to hangup channel(s) failed to compile\n");
			return;
		}
		p.re_on = true;
	} else {
		p.glob = str_copy(z, sizeof(z), name);
	}
	if (!hangup_picked(c, &p) && !p.all)
		command_printf(c, "%.*s is not a known channel\n", STR_ARG(name));
	if (p.re_on)
		regfree(&p.re);
}

static enum command_result hangup(struct command_ctx *c)
{
	if (!c->args)
		return COMMAND_USAGE;
	for (size_t i = 0; i < c->args; i++)
		hangup_one(c, c->arg[i]);
	return COMMAND_OK;
}

/* ---- redirect --------------------------------------------------------- */

static enum command_result redirect_channel(struct command_ctx *c)
{
	struct channel *ch;
	struct str part[3], v[3] = { 0 };
	size_t n;
	uint32_t priority = 1;

	if (c->args != 2)
		return COMMAND_USAGE;
	ch = channel_by_name(c->m->pbx, c->arg[0]);
	if (!ch) {
		command_printf(c, "Channel '%.*s' not found\n", STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	n = pbx_args(c->arg[1], v, 3);
	/* [[context,]exten,]priority */
	part[2] = n ? v[n - 1] : STR_NULL;
	part[1] = n > 1 ? v[n - 2] : text_view(&ch->exten);
	part[0] = n > 2 ? v[0] : text_view(&ch->context);
	if (!n || str_u32(part[2], &priority))
		priority = (uint32_t)dialplan_label(c->m->pbx, part[0], part[1], part[2], STR_NULL);
	if (!priority || pbx_async_goto(ch, part[0], part[1], (int)priority)) {
		command_printf(c, "Channel '%s' failed to redirect to %.*s\n", text_z(&ch->name), STR_ARG(c->arg[1]));
		return COMMAND_FAILED;
	}
	command_printf(c, "Channel '%s' successfully redirected to %.*s\n", text_z(&ch->name), STR_ARG(c->arg[1]));
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "channel originate", "<tech/dest> application <app> [data] | <tech/dest> extension <exten>@<context>",
	  "Call somebody", originate_cmd, false, NULL },
	{ "channel request hangup", "<channel>|all|/<regex>/|<glob> ...", "End calls", hangup, false, NULL },
	{ "channel redirect", "<channel> [[context,]exten,]priority", "Send a channel elsewhere in the dialplan",
	  redirect_channel,
	  false, NULL },
};
const struct command_table commands_channel = { rows, ARRAY_LEN(rows) };
