/* devstate, presencestate, core show hints. */
#include "manage/command.h"
#include "pbx/devstate.h"
#include <errno.h>

/* ---- devices ---------------------------------------------------------- */

static enum command_result devstate_list(struct command_ctx *c)
{
	struct device_walk w = { 0 };
	struct device_row row;

	command_printf(c, "\n---------------------------------------------------------------------\n"
		       "--- Custom Device States --------------------------------------------\n"
		       "---------------------------------------------------------------------\n---\n");
	while (device_next(c->m->pbx, &w, &row)) {
		if (!row.again && str_istarts(row.name, STR("Custom:")))
			command_printf(c, "--- Name: '%.*s'  State: '%s'\n---\n", STR_ARG(row.name), device_state_name(row.state));
		if (!command_row(c))
			break;
	}
	device_walk_end(&w);
	command_printf(c, "---------------------------------------------------------------------\n"
		       "---------------------------------------------------------------------\n\n");
	return COMMAND_OK;
}

static enum command_result devstate_change(struct command_ctx *c)
{
	enum device_state s;

	if (c->args != 2)
		return COMMAND_USAGE;
	if (!str_istarts(c->arg[0], STR("Custom:"))) {
		command_printf(c, "The devstate command can only be used to set 'Custom:' device state!\n");
		return COMMAND_FAILED;
	}
	if (device_state_of(c->arg[1], &s) || s == DEV_UNKNOWN)
		return COMMAND_USAGE;
	command_printf(c, "Changing %.*s to %.*s\n", STR_ARG(str_skip(c->arg[0], 7)), STR_ARG(c->arg[1]));
	return device_set_custom(c->m->pbx, c->arg[0], s) ? COMMAND_FAILED : COMMAND_OK;
}

/* ---- presence --------------------------------------------------------- */

static enum command_result presence_list(struct command_ctx *c)
{
	struct presence_walk w = { 0 };
	struct presence_row row;

	command_printf(c, "\n---------------------------------------------------------------------\n"
		       "--- Custom Presence States ------------------------------------------\n"
		       "---------------------------------------------------------------------\n---\n");
	while (presence_next(c->m->pbx, &w, &row)) {
		if (!row.again)
			command_printf(c, "--- Name: 'CustomPresence:%.*s'\n    --- State: '%.*s'\n    --- Subtype: '%.*s'\n"
				       "    --- Message: '%.*s'\n    --- Base64 Encoded: 'No'\n---\n", STR_ARG(row.name),
				       STR_ARG(row.v.state), STR_ARG(row.v.subtype), STR_ARG(row.v.message));
		if (!command_row(c))
			break;
	}
	presence_walk_end(&w);
	command_printf(c, "---------------------------------------------------------------------\n"
		       "---------------------------------------------------------------------\n\n");
	return COMMAND_OK;
}

static enum command_result presence_change(struct command_ctx *c)
{
	struct presence v = { 0 };
	struct str rest;
	int err;

	if (c->args != 2)
		return COMMAND_USAGE;
	if (!str_istarts(c->arg[0], STR("CustomPresence:"))) {
		command_printf(c, "The presencestate command can only be used to set 'CustomPresence:' presence state!\n");
		return COMMAND_FAILED;
	}
	rest = c->arg[1];
	v.state = str_cut_raw(&rest, ',');
	v.subtype = str_cut_raw(&rest, ',');
	v.message = str_cut_raw(&rest, ',');
	err = presence_set_custom(c->m->pbx, c->arg[0], &v);
	if (err == EINVAL)
		return COMMAND_USAGE;
	command_printf(c, "Changing %.*s to %.*s\n", STR_ARG(str_skip(c->arg[0], 15)), STR_ARG(v.state));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

/* ---- hints ------------------------------------------------------------ */

struct hints {
	struct command_ctx *c;
	struct str exten, context;      /* of `core show hint`; empty: all */
	size_t n;
};

static void print_hint(struct hints *l, const struct hint_row *h)
{
	struct buf name = BUF_INIT;

	if ((l->exten.n && !str_eq(l->exten, h->exten)) || (l->context.n && !str_eq(l->context, h->context)))
		return;
	buf_puts(&name, h->exten, STR("@"), h->context);
	command_printf(l->c, "%-30.*s: %-60.*s  State:%-15.15s Presence:%-15.*s Watchers %2zu\n", STR_ARG(buf_view(&name)),
		       STR_ARG(str_sub(h->hint, 0, 60)), exten_state_name(h->state),
		       STR_ARG(h->presence.state.n ? h->presence.state : STR("not_set")), h->watchers);
	buf_free(&name);
	l->n++;
}

static void each_hint(struct hints *l)
{
	struct hint_walk w = { 0 };
	struct hint_row row;

	while (hint_next(l->c->m->pbx, &w, &row)) {
		print_hint(l, &row);
		if (!command_row(l->c))
			break;
	}
	hint_walk_end(&w);
}

static enum command_result hints(struct command_ctx *c)
{
	struct hints l = { .c = c };

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n    -= Registered Asterisk Dial Plan Hints =-\n");
	each_hint(&l);
	command_printf(c, "----------------\n- %zu hints registered\n", l.n);
	return COMMAND_OK;
}

static enum command_result hint(struct command_ctx *c)
{
	struct hints l = { .c = c };

	if (c->args != 1)
		return COMMAND_USAGE;
	l.context = c->arg[0];
	l.exten = str_cut_raw(&l.context, '@');
	each_hint(&l);
	if (l.n)
		command_printf(c, "%zu hint%s matching extension %.*s\n", l.n, l.n == 1 ? "" : "s", STR_ARG(l.exten));
	else
		command_printf(c, "No hints matching extension %.*s\n", STR_ARG(l.exten));
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "devstate list", NULL, "List custom device states", devstate_list, false, NULL },
	{ "devstate change", "<device> <state>", "Change a custom device state", devstate_change, false,
	  "Changes a custom device, such as Custom:lamp, to a new state:\n"
	  "UNKNOWN | NOT_INUSE | INUSE | BUSY | INVALID | UNAVAILABLE | RINGING | RINGINUSE | ONHOLD" },
	{ "presencestate list", NULL, "List custom presence states", presence_list, false, NULL },
	{ "presencestate change", "CustomPresence:<name> <state>[,subtype[,message]]", "Set a custom presence state",
	  presence_change, false, "States: not_set unavailable available away xa chat dnd" },
	{ "core show hints", NULL, "List hints and their states", hints, false, NULL },
	{ "core show hint", "<exten>[@<context>]", "Show a hint", hint, false, NULL },
};
const struct command_table commands_state = { rows, ARRAY_LEN(rows) };
