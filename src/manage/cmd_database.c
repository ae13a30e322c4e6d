/* database ...: the astdb. */
#include "manage/command.h"
#include "store/astdb.h"

static bool there(struct command_ctx *c)
{
	if (!c->m->db)
		command_printf(c, "Database unavailable.\n");
	return c->m->db != NULL;
}

struct listing {
	struct command_ctx *c;
	struct str key;                 /* showkey: the last part to find; empty: all */
	size_t n;
};

static void print_entry(struct listing *l, struct str path, struct str value)
{
	if (l->key.n && !str_eq(str_skip(path, str_rchr(path, '/') + 1), l->key))
		return;
	command_printf(l->c, "%-50.*s: %-25.*s\n", STR_ARG(path), STR_ARG(value));
	l->n++;
}

/* "/family/key", "family key", "family" */
static void cut_path(const struct command_ctx *c, struct str *family, struct str *key)
{
	struct str s = command_arg(c, 0);

	*key = command_arg(c, 1);
	if (s.n && s.p[0] == '/') {
		s = str_skip(s, 1);
		*family = str_cut_raw(&s, '/');
		if (s.n)
			*key = s;
	} else {
		*family = s;
	}
}

static void each_entry(struct listing *l, struct str family, struct str key)
{
	struct map_walk w = { 0 };
	struct str path, value;

	while (astdb_next(l->c->m->db, &w, family, key, &path, &value)) {
		print_entry(l, path, value);
		if (!command_row(l->c))
			break;
	}
	map_walk_end(&w);
}

static enum command_result show_entries(struct command_ctx *c)
{
	struct listing l = { .c = c };
	struct str family, key;

	if (c->args > 2)
		return COMMAND_USAGE;
	if (!there(c))
		return COMMAND_FAILED;
	cut_path(c, &family, &key);
	each_entry(&l, family, key);
	command_printf(c, "%zu results found.\n", l.n);
	return COMMAND_OK;
}

static enum command_result showkey(struct command_ctx *c)
{
	struct listing l = { .c = c, .key = command_arg(c, 0) };

	if (c->args != 1)
		return COMMAND_USAGE;
	if (!there(c))
		return COMMAND_FAILED;
	each_entry(&l, STR_NULL, STR_NULL);
	command_printf(c, "%zu results found.\n", l.n);
	return COMMAND_OK;
}

static enum command_result write_entry(struct command_ctx *c)
{
	if (c->args != 3)
		return COMMAND_USAGE;
	if (!there(c))
		return COMMAND_FAILED;
	if (astdb_put(c->m->db, c->arg[0], c->arg[1], c->arg[2])) {
		command_printf(c, "Failed to update entry\n");
		return COMMAND_FAILED;
	}
	command_printf(c, "Updated database successfully\n");
	return COMMAND_OK;
}

static enum command_result read_entry(struct command_ctx *c)
{
	struct str value;

	if (c->args != 2)
		return COMMAND_USAGE;
	if (!there(c))
		return COMMAND_FAILED;
	if (astdb_get(c->m->db, c->arg[0], c->arg[1], &value))
		command_printf(c, "Value: %.*s\n", STR_ARG(value));
	else
		command_printf(c, "Database entry not found.\n");
	return COMMAND_OK;
}

static enum command_result remove_entry(struct command_ctx *c)
{
	if (c->args != 2)
		return COMMAND_USAGE;
	if (!there(c))
		return COMMAND_FAILED;
	command_printf(c, astdb_del(c->m->db, c->arg[0], c->arg[1]) ? "Database entry could not be removed.\n" :
		       "Database entry removed.\n");
	return COMMAND_OK;
}

static enum command_result deltree(struct command_ctx *c)
{
	struct str family, key;
	size_t n = 0;

	if (!c->args || c->args > 2)
		return COMMAND_USAGE;
	if (!there(c))
		return COMMAND_FAILED;
	cut_path(c, &family, &key);
	if (astdb_del_tree(c->m->db, family, key, &n) || !n)
		command_printf(c, "Database entries do not exist.\n");
	else
		command_printf(c, "%zu database entries removed.\n", n);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "database show", "[family [key]]", "Show the database", show_entries, false, NULL },
	{ "database showkey", "<key>", "Show a key of all families", showkey, false, NULL },
	{ "database put", "<family> <key> <value>", "Write an entry", write_entry, false, NULL },
	{ "database get", "<family> <key>", "Read an entry", read_entry, false, NULL },
	{ "database del", "<family> <key>", "Remove an entry", remove_entry, false, NULL },
	{ "database deltree", "<family> [key]", "Remove all entries below", deltree, false, NULL },
};
const struct command_table commands_database = { rows, ARRAY_LEN(rows) };
