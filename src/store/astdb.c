/* Asterisk's database of families and keys: in memory, written behind to the disk. */
#define LOG_MODULE "astdb"
#include "store/astdb.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/obj.h"
#include "store/db.h"
#include <errno.h>
#include <stdlib.h>

#define PATH_BYTES 512          /* "/" family "/" key, each of at most 255 */
#define PART_MAX 255
#define RETRY_MS 5000           /* after a full disk or a full queue */

/* A key that is in memory, or was and is not deleted on disk yet. */
struct entry {
	struct list unsaved;    /* in astdb.unsaved: to be written at the next try */
	struct text path, value;
	bool dead;              /* deleted: kept until the disk knows */
	uint64_t version;       /* of the last change */
};

struct astdb {
	struct store *store;
	sqlite3_stmt *put, *del;        /* the store thread's */
	struct map *live, *dead;        /* of entry, by path */
	struct list unsaved;
	struct timer retry;
	bool closed;
};

struct change {
	struct store_job job;
	struct astdb *db;
	struct text path, value;
	bool del;
	uint64_t version;
};

/* ---- the store thread ------------------------------------------------- */

static int change_run(struct store_job *j, sqlite3 *db)
{
	struct change *c = container_of(j, struct change, job);
	sqlite3_stmt *st = c->del ? c->db->del : c->db->put;

	db_bind(st, 1, text_view(&c->path));
	if (!c->del)
		db_bind(st, 2, text_view(&c->value));
	return db_run(db, st);
}

/* ---- writing behind --------------------------------------------------- */

static void entry_free(struct entry *e)
{
	list_remove(&e->unsaved);
	text_free(&e->path);
	text_free(&e->value);
	free(e);
}

static void save_entry(struct astdb *db, struct entry *e);

static void on_retry(void *arg)
{
	struct astdb *db = arg;
	struct list todo;

	list_init(&todo);
	while (!list_empty(&db->unsaved)) {
		struct list *e = db->unsaved.next;

		list_remove(e);
		list_append(&todo, e);
	}
	while (!list_empty(&todo)) {
		struct entry *e = container_of(todo.next, struct entry, unsaved);

		list_remove(&e->unsaved);
		save_entry(db, e);
	}
}

static void save_later(struct astdb *db, struct entry *e, int err)
{
	if (db->closed) {
		log_error("%.*s is lost: %s", STR_ARG(text_view(&e->path)), strerror(err));
		return;
	}
	if (!list_linked(&e->unsaved))
		list_append(&db->unsaved, &e->unsaved);
	if (timer_running(&db->retry))
		return;
	log_error("changes of the database are not on disk yet: %s; trying again", strerror(err));
	timer_start(loop_wheel(store_loop(db->store)), &db->retry, RETRY_MS, on_retry, db);
}

static void change_done(struct store_job *j, int err)
{
	struct change *c = container_of(j, struct change, job);
	struct astdb *db = c->db;
	struct entry *e = map_get(c->del ? db->dead : db->live, text_view(&c->path));

	if (!e || e->version != c->version)
		return;                 /* changed since: that change has its own job */
	if (err) {
		save_later(db, e, err);
	} else if (e->dead) {
		map_del(db->dead, text_view(&e->path));
		entry_free(e);
	}
}

static void change_free(void *arg)
{
	struct change *c = arg;

	text_free(&c->path);
	text_free(&c->value);
}

static void save_entry(struct astdb *db, struct entry *e)
{
	struct change *c = obj_new(sizeof(*c), change_free);
	int err = c ? 0 : ENOMEM;

	list_remove(&e->unsaved);       /* this says all that an earlier try would */
	if (!err)
		err = text_set(&c->path, text_view(&e->path));
	if (!err && !e->dead)
		err = text_set(&c->value, text_view(&e->value));
	if (!err) {
		c->job.run = change_run;
		c->job.done = change_done;
		c->db = db;
		c->del = e->dead;
		c->version = e->version;
		err = store_submit(db->store, &c->job);
	}
	obj_drop(c);
	if (err)
		save_later(db, e, err);
}

/* ---- life ------------------------------------------------------------- */

static int load_one(struct astdb *db, struct str path, struct str value)
{
	struct entry *e = calloc(1, sizeof(*e));
	int err = e ? 0 : ENOMEM;

	if (!err)
		err = text_set(&e->path, path);
	if (!err)
		err = text_set(&e->value, value);
	if (!err)
		err = map_add(db->live, text_view(&e->path), e);
	if (err && e)
		entry_free(e);
	return err;
}

static int load_entries(struct astdb *db, sqlite3 *sql)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_DONE, err = db_prepare(sql, &st, "SELECT key,value FROM astdb");

	while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW)
		err = load_one(db, db_text(st, 0), db_text(st, 1));
	if (!err)
		err = db_errno(sql, rc);
	sqlite3_finalize(st);
	return err;
}

static void on_store_close(void *arg)
{
	struct astdb *db = arg;

	db->closed = true;
	timer_stop(&db->retry);
	sqlite3_finalize(db->put);
	sqlite3_finalize(db->del);
	db->put = db->del = NULL;
	list_each(e, &db->unsaved)
		log_error("%.*s is lost: the disk did not take it",
			  STR_ARG(text_view(&container_of(e, struct entry, unsaved)->path)));
}

int astdb_new(struct astdb **out, struct store *s)
{
	struct astdb *db = calloc(1, sizeof(*db));
	sqlite3 *sql = store_db(s);
	int err;

	if (!db)
		return ENOMEM;
	db->store = s;
	list_init(&db->unsaved);
	db->live = map_new_ordered();
	db->dead = map_new(false);
	err = db->live && db->dead ? 0 : ENOMEM;
	if (!err)
		err = db_exec(sql, "CREATE TABLE IF NOT EXISTS astdb(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
	if (!err)
		err = load_entries(db, sql);
	if (!err)
		err = db_prepare(sql, &db->put, "REPLACE INTO astdb(key,value) VALUES(?,?)");
	if (!err)
		err = db_prepare(sql, &db->del, "DELETE FROM astdb WHERE key=?");
	if (!err)
		err = store_on_close(s, on_store_close, db);
	if (err) {
		sqlite3_finalize(db->put);
		sqlite3_finalize(db->del);
		astdb_free(db);
	} else {
		*out = db;
	}
	return err;
}

void astdb_free(struct astdb *db)
{
	struct map *maps[2];
	struct entry *e;

	if (!db)
		return;
	maps[0] = db->live;
	maps[1] = db->dead;
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		for (size_t it = 0; maps[i] && (e = map_next(maps[i], &it)); )
			entry_free(e);
		map_free(maps[i]);
	}
	free(db);
}

size_t astdb_count(const struct astdb *db)
{
	return map_count(db->live);
}

/* ---- keys ------------------------------------------------------------- */

static int path_of(struct buf *b, char array[PATH_BYTES], struct str family, struct str key)
{
	if (!family.n || family.n > PART_MAX || !key.n || key.n > PART_MAX)
		return EINVAL;
	buf_init(b, array, PATH_BYTES, PATH_BYTES);
	buf_puts(b, STR("/"), family, STR("/"), key);
	return buf_err(b) ? EINVAL : 0;
}

bool astdb_get(const struct astdb *db, struct str family, struct str key, struct str *value)
{
	char array[PATH_BYTES];
	struct buf b;
	struct entry *e = path_of(&b, array, family, key) ? NULL : map_get(db->live, buf_view(&b));

	if (e && value)
		*value = text_view(&e->value);
	return e != NULL;
}

static int entry_of(struct astdb *db, struct str path, struct entry **out)
{
	struct entry *e = map_get(db->live, path);
	int err;

	if (e) {
		*out = e;
		return 0;
	}
	e = map_del(db->dead, path);
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e || text_set(&e->path, path)) {
			free(e);
			return ENOMEM;
		}
	}
	err = map_add(db->live, text_view(&e->path), e);
	if (err) {
		entry_free(e);
		return err;
	}
	e->dead = false;
	*out = e;
	return 0;
}

int astdb_put(struct astdb *db, struct str family, struct str key, struct str value)
{
	char array[PATH_BYTES];
	struct entry *e;
	struct buf b;
	int err = path_of(&b, array, family, key);

	if (!err)
		err = entry_of(db, buf_view(&b), &e);
	if (!err)
		err = text_set(&e->value, value);
	if (err)
		return err;
	e->version++;
	save_entry(db, e);
	return 0;
}

static int remove_entry(struct astdb *db, struct entry *e)
{
	int err = map_add(db->dead, text_view(&e->path), e);

	if (err)
		return err;
	map_del(db->live, text_view(&e->path));
	e->dead = true;
	e->version++;
	save_entry(db, e);
	return 0;
}

int astdb_del(struct astdb *db, struct str family, struct str key)
{
	char array[PATH_BYTES];
	struct buf b;
	struct entry *e = path_of(&b, array, family, key) ? NULL : map_get(db->live, buf_view(&b));

	return e ? remove_entry(db, e) : ENOENT;
}

/* ---- trees ------------------------------------------------------------ */

static bool is_below(struct str path, struct str root)
{
	return !root.n || str_eq(path, root) ||
	       (str_starts(path, root) && path.n > root.n && path.p[root.n] == '/');
}

static int root_of(struct buf *b, char array[PATH_BYTES], struct str family, struct str key)
{
	buf_init(b, array, PATH_BYTES, PATH_BYTES);
	if (family.n)
		buf_puts(b, STR("/"), family);
	if (family.n && key.n)
		buf_puts(b, STR("/"), key);
	return buf_err(b) ? EINVAL : 0;
}

int astdb_del_tree(struct astdb *db, struct str family, struct str key, size_t *n)
{
	char array[PATH_BYTES];
	struct buf root;
	struct entry *e;
	size_t gone = 0;
	int err = root_of(&root, array, family, key);

	for (size_t it = 0; !err && (e = map_next(db->live, &it)); ) {
		if (!is_below(text_view(&e->path), buf_view(&root)))
			continue;
		err = remove_entry(db, e);
		if (!err)
			gone++;
	}
	if (n)
		*n = gone;
	return err;
}

bool astdb_next(const struct astdb *db, struct map_walk *w, struct str family, struct str key, struct str *path,
		struct str *value)
{
	char array[PATH_BYTES];
	const struct entry *e;
	struct buf root;

	if (root_of(&root, array, family, key))
		return false;
	if (w->state == MAP_WALK_FIRST)
		map_walk_from(w, buf_view(&root));
	/* Between "/a/b" and "/a/b/c" stands "/a/b-c". */
	do
		e = map_walk_next(db->live, w);
	while (e && str_starts(text_view(&e->path), buf_view(&root)) && !is_below(text_view(&e->path), buf_view(&root)));
	if (!e || !is_below(text_view(&e->path), buf_view(&root)))
		return false;
	*path = buf_view(&w->last);
	*value = text_view(&e->value);
	return true;
}
