/* How subscriptions that are on disk end, and with what they do not go on. */
#include "fake_disk.h"
#include "kept_stage.h"
#include "service/service.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* ---- it does not ---------------------------------------------------------------------- */

static void ended(void **state)
{
	(void)state;
	assert_int_equal(subscribe("100", "Event: presence\r\nExpires: 60\r\n"), 200);
	assert_int_equal(disk_rows("subscription"), 1);
	notified(481, "active", "Ready");
	assert_int_equal(disk_commit(9, 0), 1);
	assert_int_equal(disk_rows("subscription"), 0);
	another();              /* by time */
	assert_int_equal(subscribe("100", "Event: presence\r\nExpires: 60\r\n"), 200);
	notified(200, "active", "Ready");
	wire_forget(&t);
	world_pass(&t.w, 61000);
	notified(200, "terminated;reason=timeout", "Ready");
	disk_commit(9, 0);
	assert_int_equal(disk_rows("subscription"), 0);
	another();              /* by a reload */
	assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
	notified(200, "active", "Ready");
	wire_forget(&t);
	wire_reload(&t, TRANSPORTS);
	world_turn(&t.w);
	notified(200, "terminated;reason=rejected", "Ready");
	disk_commit(9, 0);
	assert_int_equal(disk_rows("subscription"), 0);
}

/* While nobody was there. */
static void dropped_at_start(void **state)
{
	static const struct { const char *conf, *sql; } tv[] = {
		{ kept_conf, "UPDATE subscription SET expires_us=1" },
		{ TRANSPORTS, NULL },
		{ TRANSPORTS "[alice]\ntype=endpoint\ncontext=default\nallow_subscribe=no\n", NULL },
		{ TRANSPORTS "[alice]\ntype=endpoint\ncontext=elsewhere\n", NULL },
		{ TRANSPORTS "[x]\ntype=transport\nprotocol=udp\nbind=[::1]\n" ALICE,
		  "UPDATE subscription SET use_path=1, proto='tls'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		another();
		t.deaf = false;
		assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
		restart_with(tv[i].conf, tv[i].sql);
		world_pass(&t.w, 50);
		if (i == 4) {           /* a stream's way is found anew */
			assert_int_equal(subscriptions(), 1);
			continue;
		}
		assert_int_equal(t.n, 0);
		assert_int_equal(subscriptions(), 0);
		disk_commit(9, 0);
		assert_int_equal(disk_rows("subscription"), 0);
		restart();
	}
}

/* By a connection that was the only way there, or was not. */
static const struct { struct how how; bool stays; } by_connection[] = {
	{ { "alice", NET_TCP, 7, "Contact: <sip:alice@" PHONE ";transport=tcp>\r\n" }, true },
	{ { "nat", NET_TCP, 7, "Contact: <sip:nat@10.0.0.1;transport=tcp>\r\n" }, false },
	{ { "alice", NET_WS, 7, "Contact: <sip:alice@x.invalid;transport=ws>\r\n" }, false },
	{ { "alice", NET_UDP, 0, "Contact: <sip:alice@" PHONE ">\r\n" }, true },
};

/* It is closed while the server runs: nobody can be told. */
static void connection_closed(void **state)
{
	const struct how *ws = &by_connection[2].how;
	struct how other = *ws;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(by_connection); i++) {
		another();
		assert_int_equal(subscribe_by(&by_connection[i].how, "100", "Event: presence\r\n"), 200);
		notified(200, "active", "Ready");
		wire_forget(&t);
		service_closed(t.svc, 7);
		world_pass(&t.w, 100);
		assert_int_equal(t.n, 0);
		disk_commit(9, 0);
		if (subscriptions() != by_connection[i].stays || disk_rows("subscription") != by_connection[i].stays)
			fail_msg("%zu", i);
		if (by_connection[i].stays) {
			assert_int_equal(subscribe_by(&by_connection[i].how, "100", "Event: presence\r\nExpires: 0\r\n"), 200);
			notified(200, "terminated", "Ready");
			disk_commit(9, 0);
		}
	}
	/* Before its NOTIFY is answered. */
	another();
	assert_int_equal(subscribe_by(ws, "100", "Event: presence\r\n"), 200);
	service_closed(t.svc, 7);
	assert_int_equal(subscriptions(), 0);
	/* The renewal came by another one. */
	another();
	assert_int_equal(subscribe_by(ws, "100", "Event: presence\r\n"), 200);
	notified(200, "active", "Ready");
	other.conn = 8;
	assert_int_equal(subscribe_by(&other, "100", "Event: presence\r\n"), 200);
	notified(200, "active", "Ready");
	service_closed(t.svc, 7);
	assert_int_equal(subscriptions(), 1);
	service_closed(t.svc, 8);
	assert_int_equal(subscriptions(), 0);
}

static void connections(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(by_connection); i++) {
		another();
		assert_int_equal(subscribe_by(&by_connection[i].how, "100", "Event: presence\r\n"), 200);
		notified(200, "active", "Ready");
		restart();
		if (subscriptions() != by_connection[i].stays)
			fail_msg("%zu", i);
		if (!by_connection[i].stays)
			continue;
		assert_int_equal(t.path[t.n - 1].conn, 0);
		assert_int_equal(t.path[t.n - 1].proto, by_connection[i].how.proto);
		assert_int_equal(sa_port(&t.path[t.n - 1].peer), 5070);
		notified(481, "active", "Ready");
		disk_commit(9, 0);
	}
}

/* ---- how long, and what its phone says ------------------------------------------------------ */

/* As Asterisk grants it: an hour at most, and as before when a renewal does not say. */
static void how_long(void **state)
{
	static const struct { const char *headers; unsigned status; const char *granted; } tv[] = {
		{ "Event: presence\r\nExpires: 7200\r\n", 200, "3600" }, { "Event: presence\r\nExpires: 300\r\n", 200, "300" },
		{ "Event: presence\r\n", 200, "300" }, { "Event: presence\r\nExpires: 600\r\n", 200, "600" },
		{ "Event: presence\r\nExpires: 1\r\n", 200, "1" },
	};

	static const struct how brief = { "brief", NET_UDP, 0, "Contact: <sip:brief@" PHONE ">\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(subscribe_by(&brief, "100", tv[i].headers), tv[i].status);
		assert_string_equal(wire_header(kept(SIP_SUBSCRIBE, false), "Expires"), tv[i].granted);
	}
	another();
	assert_int_equal(subscribe_by(&brief, "100", "Event: presence\r\nExpires: 1\r\n"), 423);
	assert_int_equal(subscribe("100", "Event: presence\r\nExpires: 4294967296\r\n"), 400);
}

/* Without a time it is not wanted any more. */
static void not_at_all(void **state)
{
	static const unsigned tv[] = { 403, 408, 500, 503, 603 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
		assert_int_equal(subscriptions(), 1);
		notified(tv[i], "active", "Ready");
		assert_int_equal(subscriptions(), 0);
		another();
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kept_setup, kept_teardown)
	const struct CMUnitTest tests[] = {
		T(ended), T(dropped_at_start), T(connections), T(connection_closed), T(how_long), T(not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
