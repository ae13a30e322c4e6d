/* Subscriptions in SQLite, and how often the program has started with this file. */
#include "store/subscription.h"
#include "store/rows.h"
#include <errno.h>
#include <stdlib.h>

#define FIELD(name, type) DB_FIELD(struct kept_subscription, name, type)

static const struct db_field fields[] = {
	FIELD(endpoint, DB_TEXT), FIELD(event, DB_TEXT), FIELD(resource, DB_TEXT), FIELD(body, DB_TEXT), FIELD(eventlist, DB_BOOL),
	FIELD(scheme, DB_TEXT), FIELD(host, DB_TEXT), FIELD(user_agent, DB_TEXT), FIELD(transport, DB_TEXT),
	FIELD(call_id, DB_TEXT), FIELD(local_tag, DB_TEXT), FIELD(remote_tag, DB_TEXT), FIELD(local_uri, DB_TEXT),
	FIELD(remote_uri, DB_TEXT), FIELD(target, DB_TEXT), FIELD(route, DB_TEXT), FIELD(contact, DB_TEXT),
	FIELD(via_host, DB_TEXT), FIELD(remote_cseq, DB_U32), FIELD(secure, DB_BOOL), FIELD(use_path, DB_BOOL),
	FIELD(proto, DB_TEXT), FIELD(peer, DB_TEXT), FIELD(local, DB_TEXT), FIELD(local_cseq, DB_U32), FIELD(version, DB_U32),
	FIELD(starts, DB_I64), FIELD(expires_us, DB_I64), FIELD(prune_on_boot, DB_BOOL),
};

static const struct db_table table = { "subscription", fields, ARRAY_LEN(fields) };

struct subscription_store {
	struct rows *rows;
	int64_t starts;
};

/* On disk before anybody is told anything: synchronous=FULL. */
static int count_start(struct subscription_store *ss, sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int err = db_exec(db, "INSERT INTO subscription_start VALUES(1,1) ON CONFLICT(id) DO UPDATE SET n=max(0,n)+1");

	if (!err)
		err = db_prepare(db, &st, "SELECT n FROM subscription_start");
	if (!err)
		err = db_errno(db, sqlite3_step(st));
	if (!err)
		ss->starts = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return err;
}

int subscription_store_new(struct subscription_store **out, struct store *s)
{
	struct subscription_store *ss = calloc(1, sizeof(*ss));
	int err;

	if (!ss)
		return ENOMEM;
	err = rows_new(&ss->rows, s, &table, sizeof(struct kept_subscription));
	err = err ? err : db_exec(store_db(s), "CREATE TABLE IF NOT EXISTS subscription_start(id INTEGER PRIMARY KEY CHECK(id=1), n INTEGER)");
	err = err ? err : store_on_close(s, free, ss);
	if (err)
		free(ss);
	else
		*out = ss;
	return err;
}

int64_t subscription_store_starts(const struct subscription_store *ss)
{
	return ss->starts;
}

uint64_t subscription_store_id(struct subscription_store *ss)
{
	return rows_next_id(ss->rows);
}

struct load {
	subscription_row_fn *fn;
	void *arg;
};

static int load_row(void *arg, const void *row, int err)
{
	const struct load *l = arg;

	return l->fn(l->arg, row, err);
}

int subscription_store_load(struct subscription_store *ss, int64_t now_us, subscription_row_fn *fn, void *arg)
{
	struct load l = { fn, arg };
	sqlite3 *db = rows_db(ss->rows);
	sqlite3_stmt *st = NULL;
	int err = count_start(ss, db);

	err = err ? err : db_prepare(db, &st, "DELETE FROM subscription WHERE expires_us<=? OR prune_on_boot OR expires_us IS NULL");

	if (!err) {
		sqlite3_bind_int64(st, 1, now_us);
		err = db_run(db, st);
	}
	sqlite3_finalize(st);
	return err ? err : rows_load(ss->rows, load_row, &l);
}

int subscription_store_put(struct subscription_store *ss, const struct kept_subscription *row, void (*done)(void *arg, int err),
			   void *arg)
{
	return rows_put(ss->rows, row, done, arg);
}

void subscription_store_end(struct subscription_store *ss)
{
	rows_end(ss->rows);
}

void subscription_store_del(struct subscription_store *ss, uint64_t id)
{
	rows_del(ss->rows, id);
}
