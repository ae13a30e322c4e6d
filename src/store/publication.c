/* Publications in SQLite: three tables. */
#include "store/publication.h"
#include "store/rows.h"
#include <errno.h>
#include <stdlib.h>

#define P(name, type) DB_FIELD(struct kept_publication, name, type)
static const struct db_field publication_fields[] = {
	P(section, DB_TEXT), P(user, DB_TEXT), P(target, DB_TEXT), P(event, DB_TEXT), P(etag, DB_TEXT), P(expires_us, DB_I64),
};
#undef P

#define T(name, type) DB_FIELD(struct kept_taken, name, type)
static const struct db_field taken_fields[] = {
	T(etag, DB_TEXT), T(event, DB_TEXT), T(resource, DB_TEXT), T(endpoint, DB_TEXT), T(section, DB_TEXT), T(state, DB_U32),
	T(expires_s, DB_U32), T(expires_us, DB_I64),
};
#undef T

#define S(name, type) DB_FIELD(struct kept_state, name, type)
static const struct db_field state_fields[] = {
	S(section, DB_TEXT), S(mailboxes, DB_BOOL), S(eid, DB_TEXT), S(name, DB_TEXT), S(body, DB_TEXT),
};
#undef S

enum { OURS, TAKEN, STATES, TABLES };

static const struct {
	struct db_table table;
	size_t size;
} tables[] = {
	[OURS] = { { "publication", publication_fields, ARRAY_LEN(publication_fields) }, sizeof(struct kept_publication) },
	[TAKEN] = { { "publication_taken", taken_fields, ARRAY_LEN(taken_fields) }, sizeof(struct kept_taken) },
	[STATES] = { { "publication_state", state_fields, ARRAY_LEN(state_fields) }, sizeof(struct kept_state) },
};

struct publication_store {
	struct rows *rows[TABLES];
};

int publication_store_new(struct publication_store **out, struct store *s)
{
	struct publication_store *ps = calloc(1, sizeof(*ps));
	int err = ps ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < TABLES; i++)
		err = rows_new(&ps->rows[i], s, &tables[i].table, tables[i].size);
	err = err ? err : store_on_close(s, free, ps);
	if (err)
		free(ps);
	else
		*out = ps;
	return err;
}

static int delete_ended(struct rows *r, const char *sql, int64_t now_us)
{
	sqlite3 *db = rows_db(r);
	sqlite3_stmt *st = NULL;
	int err = db_prepare(db, &st, sql);

	if (!err) {
		sqlite3_bind_int64(st, 1, now_us);
		err = db_run(db, st);
	}
	sqlite3_finalize(st);
	return err;
}

struct load {
	union {
		kept_publication_fn *ours;
		kept_taken_fn *taken;
		kept_state_fn *state;
	} fn;
	void *arg;
};

static int load_ours(void *arg, const void *row, int err)
{
	const struct load *l = arg;

	return l->fn.ours(l->arg, row, err);
}

static int load_taken(void *arg, const void *row, int err)
{
	const struct load *l = arg;

	return l->fn.taken(l->arg, row, err);
}

static int load_state(void *arg, const void *row, int err)
{
	const struct load *l = arg;

	return l->fn.state(l->arg, row, err);
}

int kept_publication_load(struct publication_store *ps, int64_t now_us, kept_publication_fn *fn, void *arg)
{
	struct load l = { .fn.ours = fn, .arg = arg };
	int err = delete_ended(ps->rows[OURS], "DELETE FROM publication WHERE expires_us<=? OR expires_us IS NULL", now_us);

	return err ? err : rows_load(ps->rows[OURS], load_ours, &l);
}

int kept_publication_put(struct publication_store *ps, struct kept_publication *row)
{
	if (!row->id)
		row->id = rows_next_id(ps->rows[OURS]);
	return rows_put(ps->rows[OURS], row, NULL, NULL);
}

void kept_publication_del(struct publication_store *ps, uint64_t id)
{
	rows_del(ps->rows[OURS], id);
}

int kept_taken_load(struct publication_store *ps, int64_t now_us, kept_taken_fn *fn, void *arg)
{
	struct load l = { .fn.taken = fn, .arg = arg };
	int err = delete_ended(ps->rows[TAKEN], "DELETE FROM publication_taken WHERE expires_us<=? OR expires_us IS NULL", now_us);

	return err ? err : rows_load(ps->rows[TAKEN], load_taken, &l);
}

int kept_taken_put(struct publication_store *ps, struct kept_taken *row)
{
	if (!row->id)
		row->id = rows_next_id(ps->rows[TAKEN]);
	return rows_put(ps->rows[TAKEN], row, NULL, NULL);
}

void kept_taken_del(struct publication_store *ps, uint64_t id)
{
	rows_del(ps->rows[TAKEN], id);
}

int kept_state_load(struct publication_store *ps, kept_state_fn *fn, void *arg)
{
	struct load l = { .fn.state = fn, .arg = arg };

	return rows_load(ps->rows[STATES], load_state, &l);
}

int kept_state_put(struct publication_store *ps, struct kept_state *row)
{
	if (!row->id)
		row->id = rows_next_id(ps->rows[STATES]);
	return rows_put(ps->rows[STATES], row, NULL, NULL);
}

void kept_state_del(struct publication_store *ps, uint64_t id)
{
	rows_del(ps->rows[STATES], id);
}

void publication_store_end(struct publication_store *ps)
{
	for (size_t i = 0; i < TABLES; i++)
		rows_end(ps->rows[i]);
}
