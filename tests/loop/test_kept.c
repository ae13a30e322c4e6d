/* Subscriptions outlive the program: killed or stopped, it goes on in the same dialogs. */
#include "fake_disk.h"
#include "kept_stage.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- it goes on -------------------------------------------------------------------- */

static void in_the_same_dialog(void **state)
{
	char before[64], id[16];
	uint32_t n;

	(void)state;
	send_by(&udp, "100", "Event: presence;id=7\r\nExpires: 600\r\nUser-Agent: Phone\r\n");
	/* Not before it is on disk. */
	assert_int_equal(answered(), 0);
	assert_true(!kept(SIP_NOTIFY, true) && !subscriptions());
	assert_int_equal(disk_commit(9, 0), 1);
	world_turn(&t.w);
	assert_int_equal(answered(), 200);
	n = notified(200, "active;expires=600", "Ready");
	str_copy(before, sizeof(before), kept(SIP_NOTIFY, true)->from.tag);
	world_pass(&t.w, 100000);
	restart();
	assert_int_equal(subscriptions(), 1);
	assert_string_equal(wire_header(kept(SIP_NOTIFY, true), "Event"), "presence;id=7");
	snprintf(id, sizeof(id), "s%u", call);
	assert_true(str_eq(kept(SIP_NOTIFY, true)->call_id, str_z(id)));
	assert_true(str_eq(kept(SIP_NOTIFY, true)->from.tag, str_z(before)));
	assert_true(str_eq(kept(SIP_NOTIFY, true)->to.tag, STR("a")));
	assert_true(str_eq(kept(SIP_NOTIFY, true)->ruri.text, STR("sip:alice@" PHONE)));
	assert_true(kept(SIP_NOTIFY, true)->cseq > n);
	n = notified(200, "active;expires=600", "Ready");
	set_state("one", DEV_INUSE);
	assert_int_equal(notified(200, "active", "On the phone"), n + 1);
	/* Renewed in it, and ended. */
	assert_int_equal(subscribe("100", "Event: presence;id=7\r\nExpires: 900\r\n"), 200);
	assert_int_equal(notified(200, "active;expires=900", "On the phone"), n + 2);
	restart();
	notified(200, "active;expires=90", "<presence");
	assert_int_equal(subscribe("100", "Event: presence;id=7\r\nExpires: 0\r\n"), 200);
	notified(200, "terminated", "<presence");
	disk_commit(9, 0);
	assert_int_equal(disk_rows("subscription"), 0);
	restart();
	assert_int_equal(subscriptions(), 0);
}

/* Whatever of its numbers the disk has not seen. */
static void numbers_only_grow(void **state)
{
	uint32_t last = 0, version = 0;

	(void)state;
	assert_int_equal(subscribe("100", "Event: dialog\r\n"), 200);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 700; i++) {
			uint32_t n, v = version_of("dialog-info\" version=\"");

			assert_true(!round || i || v > version);
			n = notified(200, "active", "state=\"full\"");
			assert_true(n > last && (v > version || (!round && !i)));
			last = n;
			version = v;
			set_state("one", i % 2 ? DEV_NOT_INUSE : DEV_INUSE);
			if (i == 600 && round % 2)
				disk_commit(9, 0);
		}
		restart();
	}
	/* They were written now and then, not with each. */
	assert_true(disk_waiting() <= 1);
}

/* Nobody writes anything in many starts. */
static void often_restarted(void **state)
{
	uint32_t last, n;

	(void)state;
	assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
	last = notified(200, "active", "Ready");
	for (unsigned i = 0; i < 10; i++) {
		restart();
		assert_int_equal(disk_waiting(), 0);
		n = notified(200, "active", "Ready");
		assert_true(n > last);
		last = n;
	}
}

static void a_list(void **state)
{
	uint32_t list, one;

	(void)state;
	assert_int_equal(subscribe("rooms", "Event: dialog\r\nSupported: eventlist\r\n"), 200);
	notified(200, "active", "fullState=\"true\"");
	set_state("one", DEV_INUSE);
	list = version_of("rlmi\" uri=\"sip:rooms@127.0.0.1\" version=\"");
	one = version_of("dialog-info\" version=\"");
	notified(200, "active", "fullState=\"false\"");
	restart();
	assert_string_equal(wire_header(kept(SIP_NOTIFY, true), "Require"), "eventlist");
	assert_true(version_of("rlmi\" uri=\"sip:rooms@127.0.0.1\" version=\"") > list);
	assert_true(version_of("dialog-info\" version=\"") > one);
	notified(200, "active", "fullState=\"true\"");
	set_state("two", DEV_RINGING);
	notified(200, "active", "fullState=\"false\"");
	/* It is another list now; what was told of one of it does not begin anew. */
	assert_int_equal(subscribe("rooms", "Event: dialog\r\nSupported: eventlist\r\n"), 200);
	one = version_of("dialog-info\" version=\"");
	notified(200, "active", "sip:101@127.0.0.1");
	restart_with(TRANSPORTS ALICE "[rooms]\ntype=resource_list\nevent=dialog\nlist_item=100\n", NULL);
	world_pass(&t.w, 50);
	assert_true(version_of("dialog-info\" version=\"") > one);
	assert_int_equal(str_find(kept(SIP_NOTIFY, true)->body, STR("sip:101@")), kept(SIP_NOTIFY, true)->body.n);
	notified(200, "active", "sip:100@127.0.0.1");
}

static void messages(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "Event: message-summary\r\n"), 200);
	notified(200, "active", "Voice-Message: 0/0");
	restart();
	assert_string_equal(wire_header(kept(SIP_NOTIFY, true), "Event"), "message-summary");
	notified(200, "active", "Voice-Message: 0/0");
	wire_forget(&t);
	assert_int_equal(mailbox_set(t.svc, STR("box1"), 2, 1), 0);
	world_turn(&t.w);
	notified(200, "active", "Voice-Message: 2/1");
}

/* Whatever is watched, and however it is told: first the whole state, by a greater number. */
static void every_event(void **state)
{
	static const struct { const char *to, *headers, *has, *version; } tv[] = {
		{ "100", "Event: presence\r\nAccept: application/xpidf+xml\r\n", "<presence>", NULL },
		{ "100", "Event: presence\r\nAccept: application/pidf+xml, application/pidf-diff+xml\r\n", "pidf-full", "\" version=\"" },
		{ "100", "Event: presence\r\nAccept: application/dialog-info+xml\r\n", "state=\"full\"", "dialog-info\" version=\"" },
		{ "alice", "Event: reg\r\n", "state=\"full\"", "reginfo\" version=\"" },
		{ "102", "Event: presence.winfo\r\n", "state=\"full\"", "watcherinfo\" version=\"" },
		{ "102", "Event: dialog.winfo;id=3\r\n", "package=\"dialog\"", "watcherinfo\" version=\"" },
		{ "alice", "Event: message-summary;id=x\r\n", "Voice-Message: 0/0", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		unsigned version;
		uint32_t n;

		another();
		assert_int_equal(subscribe(tv[i].to, tv[i].headers), 200);
		version = tv[i].version ? version_of(tv[i].version) : 0;
		n = notified(200, "active", tv[i].has);
		restart();
		assert_true(!tv[i].version || version_of(tv[i].version) > version);
		assert_true(notified(481, "active", tv[i].has) > n);
		disk_commit(9, 0);
		assert_int_equal(disk_rows("subscription"), 0);
	}
}

/* News does not wait for its turn, and is told once. */
static void in_turns(void **state)
{
	size_t n;

	(void)state;
	t.deaf = true;
	for (unsigned i = 0; i < 13; i++) {
		another();
		send_by(&udp, i == 12 ? "101" : "100", "Event: presence\r\n");
	}
	disk_commit(13, 0);
	restart_with(kept_conf, NULL);
	assert_int_equal(subscriptions(), 13);
	set_state("two", DEV_INUSE);
	n = t.n;
	assert_true(n == 1 || n == 11);
	world_pass(&t.w, 5);
	assert_int_equal(t.n, 11);
	world_pass(&t.w, 100);
	assert_int_equal(t.n, 13);
}

/* Nobody is told to come again but who cannot be found again. */
static void stopped_in_order(void **state)
{
	static const struct how ws = { "alice", NET_WS, 7, "Contact: <sip:alice@x.invalid;transport=ws>\r\n" };

	(void)state;
	assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
	notified(200, "active", "Ready");
	another();
	assert_int_equal(subscribe_by(&ws, "100", "Event: presence\r\n"), 200);
	notified(200, "active", "Ready");
	wire_forget(&t);
	service_free(t.svc);
	t.svc = NULL;
	assert_int_equal(t.n, 1);
	assert_string_equal(wire_header(t.sent[0], "Subscription-State"), "terminated;reason=deactivated");
	restart();
	assert_int_equal(subscriptions(), 1);
}

/* ---- a disk that fails, or is slow ------------------------------------------------------ */

static void disk_fails(void **state)
{
	(void)state;
	send_by(&udp, "100", "Event: presence\r\n");
	disk_commit(1, ENOSPC);
	world_turn(&t.w);
	assert_int_equal(answered(), 503);
	assert_true(!kept(SIP_NOTIFY, true) && !subscriptions());
	another();
	assert_int_equal(subscribe("100", "Event: presence\r\nExpires: 600\r\n"), 200);
	notified(200, "active", "Ready");
	/* What was granted before is still granted. */
	send_by(&udp, "100", "Event: presence\r\nExpires: 9000\r\n");
	disk_commit(1, EIO);
	world_turn(&t.w);
	assert_int_equal(answered(), 503);
	restart();
	notified(200, "active;expires=600", "Ready");
	/* A deletion that failed goes with the next. */
	another();
	assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
	notified(481, "active", "Ready");
	disk_commit(1, EIO);
	assert_int_equal(disk_rows("subscription"), 2);
	another();
	assert_int_equal(subscribe("101", "Event: presence\r\n"), 200);
	notified(481, "active", "Ready");
	disk_commit(9, 0);
	assert_int_equal(disk_rows("subscription"), 1);
}

/* Much may happen while it is being written. */
static void meanwhile(void **state)
{
	(void)state;
	/* Another state: the newest is told. */
	send_by(&udp, "100", "Event: presence\r\n");
	device_set_custom(t.w.pbx, STR("one"), DEV_INUSE);
	world_turn(&t.w);
	assert_null(kept(SIP_NOTIFY, true));
	disk_commit(1, 0);
	world_turn(&t.w);
	notified(200, "active", "On the phone");
	assert_int_equal(answered(), 200);
	/* It ends while its renewal is written. */
	send_by(&udp, "100", "Event: presence\r\nExpires: 100\r\n");
	device_set_custom(t.w.pbx, STR("one"), DEV_NOT_INUSE);
	world_turn(&t.w);
	notified(481, "active", "Ready");
	disk_commit(9, 0);
	world_turn(&t.w);
	assert_int_equal(answered(), 481);
	assert_int_equal(disk_rows("subscription"), 0);
	/* Its endpoint goes before it was ever answered. */
	another();
	send_by(&udp, "100", "Event: presence\r\n");
	wire_reload(&t, TRANSPORTS);
	disk_commit(9, 0);
	world_turn(&t.w);
	assert_int_equal(answered(), 200);
	notified(200, "active", "Ready");
	notified(200, "terminated;reason=rejected", "Ready");
	disk_commit(9, 0);
	assert_int_equal(disk_rows("subscription"), 0);
	assert_int_equal(subscriptions(), 0);
}

/* The file may have been written by anybody. */
static void hostile_rows(void **state)
{
	static const char *const sets[] = {
		"call_id=''", "call_id='a b'", "call_id=x'61000a62'", "local_tag=''", "local_tag='a;b'", "local_uri='<sip:a@b'",
		"local_uri='<sip:a@b>' || char(13,10) || 'X: y'", "remote_uri='*'", "remote_uri='<sip:a@b>;tag=x'", "target='mailto:x'",
		"target='sip:a@b>'", "target=''", "target=zeroblob(70000)", "route='<sip:a@b>,,'", "route='<sip:a@b>' || char(10)",
		"contact=''", "contact='x'", "via_host='a b'", "via_host='a;b'", "local_cseq=-1", "local_cseq=2147483647",
		"local_cseq=99999999999", "remote_cseq=-5", "version=4294967295", "starts=-9223372036854775808", "starts=99",
		"starts=-99999999", "event='presence' || char(13,10)", "event='winfo'", "event=''", "body='text/html'", "body=''",
		"resource='nobody'", "resource='100' || char(10)", "scheme='tel'", "scheme=''", "host='a>b'", "host=''",
		"host='127.0.0.1' || char(13,10,13,10)", "proto='sctp'", "peer='x'", "peer=NULL", "endpoint='nobody'", "endpoint=zeroblob(9)",
		"prune_on_boot='yes',expires_us=NULL", "expires_us='soon'",
	};
	char sql[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		another();
		assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
		snprintf(sql, sizeof(sql), "UPDATE subscription SET %s", sets[i]);
		restart_with(kept_conf, sql);
		world_pass(&t.w, 50);
		if (subscriptions() || t.n)
			fail_msg("%s", sets[i]);
		disk_commit(9, 0);
		assert_int_equal(disk_rows("subscription"), 0);
	}
	/* The same dialog twice. */
	assert_int_equal(subscribe("100", "Event: presence\r\n"), 481);
	another();
	assert_int_equal(subscribe("100", "Event: presence\r\n"), 200);
	restart_with(kept_conf, "CREATE TABLE x AS SELECT * FROM subscription; UPDATE x SET id=id+1; INSERT INTO subscription SELECT * FROM x");
	world_pass(&t.w, 50);
	assert_int_equal(subscriptions(), 1);
	disk_commit(9, 0);
	assert_int_equal(disk_rows("subscription"), 1);
	disk_exec("DROP TABLE x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, kept_setup, kept_teardown)
		T(in_the_same_dialog), T(numbers_only_grow), T(often_restarted), T(a_list), T(messages), T(every_event), T(in_turns), T(stopped_in_order),
		T(disk_fails), T(meanwhile), T(hostile_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
