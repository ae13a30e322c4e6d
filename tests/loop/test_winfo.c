/* Events presence.winfo and dialog.winfo (RFC 3857): whose extension it is hears who watches it. */
#include "watcher.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char plan[] = "[default]\nexten => 200,hint,PJSIP/bob&Custom:x(Bob)\nexten => 100,hint,Custom:one\n"
	"[else]\nexten => 200,hint,PJSIP/bob\n";
static const char conf[] = WIRE_UDP
	"[alice]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n"
	"[bob]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n"
	"[far]\ntype=endpoint\ncontext=else\nallow=!all,ulaw\n"
	"[all]\ntype=resource_list\nevent=presence\nlist_item=100\nlist_item=200\n";

static struct wire t;
static struct watcher alice, bob;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	alice = (struct watcher){ .t = &t, .user = "alice", .to = "200", .peer = "192.0.2.1:5070", .call = 1 };
	bob = (struct watcher){ .t = &t, .user = "bob", .to = "200", .peer = "192.0.2.2:5070", .call = 2 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static void they_come_and_go(void **state)
{
	(void)state;
	assert_int_equal(watcher_subscribe(&bob, "Event: presence.winfo\r\nAccept: application/watcherinfo+xml\r\nExpires: 3600\r\n"), 200);
	watcher_hears(&bob, "active", "version=\"0\" state=\"full\"", "resource=\"sip:200@127.0.0.1\" package=\"presence\"", NULL);
	world_pass(&t.w, 6000);
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\nExpires: 600\r\n"), 200);
	wire_answer(&t, t.n - 1, 200, "");
	world_pass(&t.w, 5);
	watcher_hears(&bob, "active", "version=\"1\" state=\"partial\"", "status=\"active\" event=\"subscribe\" duration-subscribed=\"0\" expiration=",
		      "display-name=\"A\">sip:alice@127.0.0.1</watcher>", NULL);
	world_pass(&t.w, 10000);
	/* Asked again: all of them. */
	assert_int_equal(watcher_subscribe(&bob, "Event: presence.winfo\r\nExpires: 3600\r\n"), 200);
	watcher_hears(&bob, "active", "version=\"2\" state=\"full\"", "duration-subscribed=\"10\"", "sip:alice@127.0.0.1", NULL);
	world_pass(&t.w, 6000);
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\nExpires: 0\r\n"), 200);
	world_pass(&t.w, 5);
	watcher_hears(&bob, "active", "version=\"3\" state=\"partial\"", "status=\"terminated\" event=\"timeout\" duration-subscribed=\"16\"", NULL);
	assert_int_equal(watcher_subscribe(&bob, "Event: presence.winfo\r\nExpires: 3600\r\n"), 200);
	assert_true(str_find(watcher_notify(&bob)->body, STR("<watcher ")) == watcher_notify(&bob)->body.n);
}

/* Another event, context and extension are nothing to him; a list with his extension is. */
static void which_ones(void **state)
{
	struct watcher w;

	(void)state;
	assert_int_equal(watcher_subscribe(&bob, "Event: dialog.winfo\r\n"), 200);
	watcher_hears(&bob, "active", "state=\"full\"", "package=\"dialog\"", NULL);
	world_pass(&t.w, 6000);
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\n"), 200);
	w = (struct watcher){ .t = &t, .user = "far", .to = "200", .peer = "192.0.2.3:5070", .call = 3 };
	assert_int_equal(watcher_subscribe(&w, "Event: dialog\r\n"), 200);
	world_pass(&t.w, 5);
	watcher_hears_nothing(&bob);
	bob.call = 9;
	bob.tag[0] = '\0';
	assert_int_equal(watcher_subscribe(&bob, "Event: presence.winfo\r\n"), 200);
	watcher_hears(&bob, "active", "sip:alice@127.0.0.1", NULL);
	world_pass(&t.w, 6000);
	w = (struct watcher){ .t = &t, .user = "alice", .to = "all", .peer = "192.0.2.3:5070", .call = 4 };
	assert_int_equal(watcher_subscribe(&w, "Event: presence\r\nSupported: eventlist\r\n"), 200);
	world_pass(&t.w, 5);
	watcher_hears(&bob, "active", "state=\"partial\"", "sip:alice@127.0.0.1", NULL);
	t.deaf = true;
}

static void refused(void **state)
{
	(void)state;
	assert_int_equal(watcher_subscribe(&alice, "Event: presence.winfo\r\n"), 403);
	bob.to = "100";
	assert_int_equal(watcher_subscribe(&bob, "Event: presence.winfo\r\n"), 403);
	bob.to = "999";
	assert_int_equal(watcher_subscribe(&bob, "Event: presence.winfo\r\n"), 403);
	assert_int_equal(watcher_subscribe(&bob, "Event: presence.winfo.winfo\r\n"), 489);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(they_come_and_go), T(which_ones), T(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
