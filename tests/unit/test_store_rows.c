/* Rows of the store: subscriptions and publications come back as they went, older files get the new columns, and the
 * starts of the program are counted. */
#include "store_stage.h"
#include "base/obj.h"
#include "store/publication.h"
#include "store/subscription.h"
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define END INT64_C(2000000000000000)

static struct store_world w;
static struct subscription_store *ss;
static struct publication_store *ps;

static void open_it(void)
{
	open_all(&w);
	assert_int_equal(subscription_store_new(&ss, w.store), 0);
	assert_int_equal(publication_store_new(&ps, w.store), 0);
	w.rows = 0;
}

static int setup(void **state)
{
	(void)state;
	make_dir(&w);
	open_it();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_all(&w);
	remove_dir(&w);
	return 0;
}

static void reopen(void)
{
	close_all(&w);
	open_it();
}

static void exec(const char *sql)
{
	assert_int_equal(sqlite3_exec(store_db(w.store), sql, NULL, NULL, NULL), SQLITE_OK);
}

static void on_done(void *arg, int err)
{
	(void)arg;
	w.err = err;
	w.done++;
}

static struct kept_subscription subscription(uint64_t id)
{
	return (struct kept_subscription){ .id = id, .endpoint = STR("e"), .event = STR("presence;id=7"), .resource = STR("100"),
		.body = STR("application/pidf+xml"), .eventlist = true, .scheme = STR("sip"), .host = STR("pbx:5060"),
		.user_agent = STR("phone"), .transport = STR("udp"), .call_id = STR("c@h"), .local_tag = STR("l"), .remote_tag = STR("r"),
		.local_uri = STR("<sip:100@pbx>"), .remote_uri = STR("\"A\" <sip:a@pbx>"), .target = STR("sip:a@192.0.2.1"),
		.route = STR("<sip:p;lr>"), .contact = STR("<sip:pbx>"), .via_host = STR("pbx:5060"), .remote_cseq = UINT32_MAX,
		.secure = true, .use_path = true, .proto = STR("tls"), .peer = STR("192.0.2.1:5060"), .local = STR("192.0.2.2:5061"),
		.local_cseq = 2147483646, .version = 4294967294, .starts = 3, .expires_us = END + 1 };
}

/* Every field of it; a field that nobody named in the table is found by its zero. */
static int check_subscription(void *arg, const struct kept_subscription *a, int err)
{
	const struct kept_subscription b = subscription(a->id);

	assert_ptr_equal(arg, &w);
	assert_int_equal(err, 0);
	w.rows++;
#define SAME(f) assert_true(str_eq(a->f, b.f))
	SAME(endpoint); SAME(event); SAME(resource); SAME(body); SAME(scheme); SAME(host); SAME(user_agent); SAME(transport);
	SAME(call_id); SAME(local_tag); SAME(remote_tag); SAME(local_uri); SAME(remote_uri); SAME(target); SAME(route);
	SAME(contact); SAME(via_host); SAME(proto); SAME(peer); SAME(local);
	assert_true(a->eventlist && a->secure && a->use_path && !a->prune_on_boot);
	assert_int_equal(a->remote_cseq, b.remote_cseq);
	assert_int_equal(a->local_cseq, b.local_cseq);
	assert_int_equal(a->version, b.version);
	assert_int_equal(a->starts, b.starts);
	assert_int_equal(a->expires_us, b.expires_us);
	return 0;
}

static void subscriptions_come_back(void **state)
{
	struct kept_subscription row;
	uint64_t first, second;

	(void)state;
	assert_int_equal(subscription_store_starts(ss), 0);
	assert_int_equal(subscription_store_load(ss, END, check_subscription, &w), 0);
	assert_int_equal(subscription_store_starts(ss), 1);
	first = subscription_store_id(ss);
	second = subscription_store_id(ss);
	assert_true(first && second > first);
	row = subscription(first);
	row.call_id = STR("other");
	assert_int_equal(subscription_store_put(ss, &row, on_done, NULL), 0);
	row = subscription(first);
	assert_int_equal(subscription_store_put(ss, &row, on_done, NULL), 0);   /* in its place */
	row = subscription(second);
	assert_int_equal(subscription_store_put(ss, &row, NULL, NULL), 0);
	/* One that has ended, and one that cannot be reached again. */
	row = subscription(subscription_store_id(ss));
	row.expires_us = END;
	assert_int_equal(subscription_store_put(ss, &row, NULL, NULL), 0);
	row = subscription(subscription_store_id(ss));
	row.prune_on_boot = true;
	assert_int_equal(subscription_store_put(ss, &row, NULL, NULL), 0);
	assert_int_equal(w.done, 0);
	assert_int_equal(store_start(w.store), 0);
	reopen();
	assert_int_equal(w.done, 2);
	assert_int_equal(w.err, 0);
	assert_int_equal(subscription_store_load(ss, END, check_subscription, &w), 0);
	assert_int_equal(subscription_store_starts(ss), 2);
	assert_int_equal(w.rows, 2);
	assert_true(subscription_store_id(ss) > second);
	subscription_store_del(ss, first);
	subscription_store_del(ss, 12345);
	subscription_store_del(ss, second);
	assert_int_equal(store_start(w.store), 0);
	reopen();
	assert_int_equal(subscription_store_load(ss, END, check_subscription, &w), 0);
	assert_int_equal(subscription_store_starts(ss), 3);
	assert_int_equal(w.rows, 0);
}

/* The order in which they were asked for holds between puts and deletions too. */
static void deletions_in_order(void **state)
{
	struct kept_subscription row;
	sqlite3_stmt *st = NULL;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		row = subscription(subscription_store_id(ss));
		assert_int_equal(subscription_store_put(ss, &row, on_done, NULL), 0);
		subscription_store_del(ss, row.id);
	}
	assert_int_equal(store_start(w.store), 0);
	store_drain(w.store);
	assert_int_equal(w.done, 1000);
	assert_int_equal(sqlite3_prepare_v2(store_db(w.store), "SELECT count(*) FROM subscription", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 0);
	sqlite3_finalize(st);
}

static int no_number(void *arg, const struct kept_subscription *a, int err)
{
	(void)arg;
	assert_int_equal(err, a->id == 1 ? EBADMSG : 0);
	w.rows++;
	return a->id == 3 ? EPERM : 0;
}

static void odd_files(void **state)
{
	(void)state;
	exec("INSERT INTO subscription(id,local_cseq,expires_us) VALUES(1,-1,9e15),(2,5,9e15),(3,6,9e15),(4,7,9e15)");
	assert_int_equal(subscription_store_load(ss, END, no_number, &w), EPERM);
	assert_int_equal(w.rows, 3);
	/* Of an older version. */
	exec("DROP TABLE subscription; CREATE TABLE subscription(id INTEGER PRIMARY KEY, endpoint TEXT);"
	     "INSERT INTO subscription VALUES(7,'x'); UPDATE subscription_start SET n=-5");
	reopen();
	assert_int_equal(subscription_store_load(ss, END, no_number, &w), 0);
	assert_int_equal(subscription_store_starts(ss), 1);
	assert_int_equal(w.rows, 0);    /* without an end */
	assert_int_equal(subscription_store_id(ss), 8);
}

static int check_ours(void *arg, const struct kept_publication *a, int err)
{
	(void)arg;
	w.rows++;
	assert_true(!err && str_eq(a->section, STR("s")) && str_eq(a->user, STR("u")) && str_eq(a->target, STR("sip:u@x")) &&
		    str_eq(a->event, STR("presence")) && str_eq(a->etag, STR("t")) && a->expires_us == END + 1);
	return 0;
}

static int check_taken(void *arg, const struct kept_taken *a, int err)
{
	(void)arg;
	w.rows++;
	assert_true(!err && str_eq(a->etag, STR("t")) && str_eq(a->event, STR("dialog")) && str_eq(a->resource, STR("100")) &&
		    str_eq(a->endpoint, STR("e")) && str_eq(a->section, STR("s")) && a->state == 3 && a->expires_s == 60 &&
		    a->expires_us == END + 1);
	return 0;
}

static int check_state(void *arg, const struct kept_state *a, int err)
{
	(void)arg;
	w.rows++;
	assert_true(!err && str_eq(a->section, STR("s")) && a->mailboxes && str_eq(a->eid, STR("00:01")) &&
		    str_eq(a->name, STR("box")) && str_eq(a->body, STR("{}")));
	return 0;
}

static void publications_come_back(void **state)
{
	struct kept_publication ours = { .section = STR("s"), .user = STR("u"), .target = STR("sip:u@x"), .event = STR("presence"),
		.etag = STR("t"), .expires_us = END + 1 };
	struct kept_taken taken = { .etag = STR("t"), .event = STR("dialog"), .resource = STR("100"), .endpoint = STR("e"),
		.section = STR("s"), .state = 3, .expires_s = 60, .expires_us = END + 1 };
	struct kept_state said = { .section = STR("s"), .mailboxes = true, .eid = STR("00:01"), .name = STR("box"), .body = STR("{}") };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(kept_publication_put(ps, &ours), 0);
		assert_int_equal(kept_taken_put(ps, &taken), 0);
		assert_int_equal(kept_state_put(ps, &said), 0);
		assert_int_equal(ours.id, 1);
	}
	ours.id = taken.id = 0;
	ours.expires_us = taken.expires_us = END;
	assert_int_equal(kept_publication_put(ps, &ours), 0);
	assert_int_equal(kept_taken_put(ps, &taken), 0);
	assert_int_equal(store_start(w.store), 0);
	reopen();
	assert_int_equal(kept_publication_load(ps, END, check_ours, &w), 0);
	assert_int_equal(kept_taken_load(ps, END, check_taken, &w), 0);
	assert_int_equal(kept_state_load(ps, check_state, &w), 0);
	assert_int_equal(w.rows, 3);
	kept_publication_del(ps, 1);
	kept_taken_del(ps, 1);
	kept_state_del(ps, 1);
	assert_int_equal(store_start(w.store), 0);
	reopen();
	assert_int_equal(kept_publication_load(ps, END, check_ours, &w), 0);
	assert_int_equal(kept_taken_load(ps, END, check_taken, &w), 0);
	assert_int_equal(kept_state_load(ps, check_state, &w), 0);
	assert_int_equal(w.rows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(subscriptions_come_back), T(deletions_in_order), T(odd_files), T(publications_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
