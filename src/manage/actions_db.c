/* Actions on the astdb. */
#include "manage/manager_private.h"
#include "store/astdb.h"
#include <errno.h>

/* Family and key; the errors' words differ by action. */
static bool read_where(struct ami_ctx *a, struct str *family, struct str *key, bool key_needed, const char *dot)
{
	*family = ami_get(a, "Family");
	*key = ami_get(a, "Key");
	if (!family->n)
		ami_error(a, "No family specified%s", dot);
	else if (key_needed && !key->n)
		ami_error(a, "No key specified%s", dot);
	else if (!a->m->db)
		ami_error(a, "Database unavailable");
	else
		return true;
	return false;
}

static void write_entry(struct ami_ctx *a)
{
	struct str family, key;

	if (!read_where(a, &family, &key, true, ""))
		return;
	if (astdb_put(a->m->db, family, key, ami_get(a, "Val")))
		ami_error(a, "Failed to update entry");
	else
		ami_ok(a, "Updated database successfully");
}

static void read_entry(struct ami_ctx *a)
{
	struct str family, key, value;

	if (!read_where(a, &family, &key, true, "."))
		return;
	if (!astdb_get(a->m->db, family, key, &value)) {
		ami_error(a, "Database entry not found");
		return;
	}
	ami_list_start(a, "Result will follow");
	ami_put(a, "Event", STR("DBGetResponse"));
	ami_put(a, "Family", family);
	ami_put(a, "Key", key);
	ami_put(a, "Val", value);
	if (a->id.n)
		ami_put(a, "ActionID", a->id);
	ami_item_end(a);
	ami_list_end(a, "DBGetComplete");
}

static bool put_entry(struct ami_ctx *a, struct str path, struct str value)
{
	ami_put(a, "Event", STR("DBGetTreeResponse"));
	ami_put(a, "Key", path);
	ami_put(a, "Val", value);
	if (a->id.n)
		ami_put(a, "ActionID", a->id);
	return ami_item_end(a);
}

static void get_tree(struct ami_ctx *a)
{
	struct str family = ami_get(a, "Family"), key = ami_get(a, "Key"), path, value;
	struct map_walk w = { 0 };

	if (!a->m->db) {
		ami_error(a, "Unable to search database");
		return;
	}
	ami_list_start(a, "Result will follow");
	while (astdb_next(a->m->db, &w, family, key, &path, &value) && put_entry(a, path, value))
		;
	map_walk_end(&w);
	ami_list_end(a, "DBGetTreeComplete");
}

static void remove_entry(struct ami_ctx *a)
{
	struct str family, key;

	if (!read_where(a, &family, &key, true, "."))
		return;
	if (astdb_del(a->m->db, family, key))
		ami_error(a, "Database entry could not be deleted");
	else
		ami_ok(a, "Key deleted successfully");
}

static void del_tree(struct ami_ctx *a)
{
	struct str family, key;
	size_t n = 0;

	if (!read_where(a, &family, &key, false, "."))
		return;
	if (astdb_del_tree(a->m->db, family, key, &n) || !n)
		ami_error(a, "Database entry not found");
	else
		ami_ok(a, "Key tree deleted successfully");
}

static const struct ami_action rows[] = {
	{ "DBPut", EV_SYSTEM, "Write an entry of the database", write_entry, false },
	{ "DBGet", EV_SYSTEM | EV_REPORTING, "Read an entry of the database", read_entry, false },
	{ "DBGetTree", EV_SYSTEM | EV_REPORTING, "Read all entries below", get_tree, false },
	{ "DBDel", EV_SYSTEM, "Remove an entry of the database", remove_entry, false },
	{ "DBDelTree", EV_SYSTEM, "Remove all entries below", del_tree, false },
};
const struct ami_table ami_db_actions = { rows, ARRAY_LEN(rows) };
