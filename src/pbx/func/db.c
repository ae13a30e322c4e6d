/* DB(family/key) and its like: the database that outlives a restart. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/channel.h"
#include "pbx/func/func.h"
#include "store/astdb.h"
#include <errno.h>

static int place(struct pbx *p, struct str args, struct str *family, struct str *key)
{
	*key = str_trim(args);
	*family = str_cut_raw(key, '/');
	if (!p->db)
		return ENOSYS;
	if (family->n && key->n)
		return 0;
	log_warning("DB needs family/key, not '%.*s'", STR_ARG(args));
	return EINVAL;
}

static void set_result(struct pbx *p, struct channel *ch, struct str value)
{
	if (ch)
		(void)pbx_setvar(p, ch, STR("DB_RESULT"), value.n ? value : STR(""));
}

static int read_db(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str family, key, value;
	int err = place(p, args, &family, &key);

	if (err)
		return err;
	if (!astdb_get(p->db, family, key, &value))
		return ENOENT;
	buf_put(out, value);
	set_result(p, ch, value);
	return 0;
}

static int write_db(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str family, key;
	int err = place(p, args, &family, &key);

	(void)ch;
	return err ? err : astdb_put(p->db, family, key, value);
}

static int read_exists(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str family, key, value;
	int err = place(p, args, &family, &key);
	bool found;

	if (err)
		return err;
	found = astdb_get(p->db, family, key, &value);
	buf_char(out, found ? '1' : '0');
	if (found)
		set_result(p, ch, value);
	return 0;
}

static int read_delete(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str family, key, value;
	int err = place(p, args, &family, &key);

	if (err)
		return err;
	if (!astdb_get(p->db, family, key, &value)) {
		set_result(p, ch, STR_NULL);
		return 0;
	}
	buf_put(out, value);
	set_result(p, ch, value);
	return astdb_del(p->db, family, key);
}

static int write_delete(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct buf was = BUF_INIT;
	int err = read_delete(p, ch, args, &was);

	(void)value;
	buf_free(&was);
	return err;
}

/* ---- what stands right below a prefix */

struct keys {
	struct buf *out;
	size_t skip;            /* of the path: "/prefix/" */
	struct str last;        /* the name before */
	uint64_t n;
	char name[256];
};

static void add_key(struct keys *k, struct str path)
{
	struct str name = str_skip(path, k->skip);

	name = str_cut_raw(&name, '/');
	if (!name.n || name.n >= sizeof(k->name) || str_eq(name, k->last))
		return;
	if (k->out) {
		if (k->n)
			buf_char(k->out, ',');
		buf_put(k->out, name);
	}
	k->n++;
	str_copy(k->name, sizeof(k->name), name);
	k->last = str_mk(k->name, name.n);
}

static int walk(struct pbx *p, struct str args, struct keys *k)
{
	struct str key = str_trim(args), family, path, value;
	struct map_walk w = { 0 };

	if (!p->db)
		return ENOSYS;
	while (str_starts(key, STR("/")))
		key = str_skip(key, 1);
	while (str_ends(key, STR("/")))
		key.n--;
	k->skip = key.n ? key.n + 2 : 1;
	family = str_cut_raw(&key, '/');
	while (astdb_next(p->db, &w, family, key, &path, &value))
		add_key(k, path);
	map_walk_end(&w);
	return 0;
}

static int read_keys(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct keys k = { .out = out };

	(void)ch;
	return walk(p, args, &k);
}

static int read_count(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct keys k = { .out = NULL };
	int err = walk(p, args, &k);

	(void)ch;
	if (!err)
		buf_u64(out, k.n);
	return err;
}

/* ---- DBdel(family/key), DBdeltree(family[/key]) */

static int run_del(struct channel *ch, struct str data)
{
	struct str family, key;

	if (!place(ch->pbx, data, &family, &key))
		(void)astdb_del(ch->pbx->db, family, key);
	return 0;
}

static int run_deltree(struct channel *ch, struct str data)
{
	struct str key = str_trim(data), family = str_cut_raw(&key, '/');

	if (ch->pbx->db && family.n)
		(void)astdb_del_tree(ch->pbx->db, family, key, NULL);
	return 0;
}

/* The caller's number is a key of family "blacklist". */
static int read_blacklist(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str value;

	(void)args;
	if (!ch || !p->db)
		return ENOENT;
	buf_char(out, ch->caller.number_valid &&
		 astdb_get(p->db, STR("blacklist"), text_view(&ch->caller.number), &value) ? '1' : '0');
	return 0;
}

const struct func func_db = { .name = "DB", .synopsis = "The database, by family/key", .read = read_db,
	.write = write_db };
const struct func func_db_exists = { .name = "DB_EXISTS", .synopsis = "Is that key in the database?",
	.read = read_exists };
const struct func func_db_delete = { .name = "DB_DELETE", .synopsis = "Takes a key out of the database",
	.read = read_delete, .write = write_delete };
const struct func func_db_keys = { .name = "DB_KEYS", .synopsis = "The keys below a place in the database",
	.read = read_keys };
const struct func func_db_keycount = { .name = "DB_KEYCOUNT", .synopsis = "How many keys are below a place",
	.read = read_count };
const struct func func_blacklist = { .name = "BLACKLIST", .synopsis = "Is the caller blacklisted?",
	.read = read_blacklist };
const struct app app_dbdel = { .name = "DBdel", .synopsis = "Take a key out of the database", .run = run_del };
const struct app app_dbdeltree = { .name = "DBdeltree", .synopsis = "Take a family out of the database",
	.run = run_deltree };
