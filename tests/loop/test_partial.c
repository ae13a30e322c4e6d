/* PIDF of which only the changes are told (RFC 5263): who asks for it, and what it hears. */
#include "watcher.h"
#include "pbx/devstate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char plan[] = "[default]\nexten => 100,hint,Custom:one(Kitchen),CustomPresence:one\nexten => 101,hint,Custom:two\nexten => _9.,hint,Custom:${EXTEN}\n";
static const char conf[] = WIRE_UDP "[alice]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n"
	"[rooms]\ntype=resource_list\nevent=presence\nlist_item=100\nlist_item=101\n";
#define DIFF "application/pidf-diff+xml"

static struct wire t;
static struct watcher alice;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	alice = (struct watcher){ .t = &t, .user = "alice", .to = "100", .peer = "192.0.2.1:5070", .call = 1 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static void becomes(const char *device, enum device_state s)
{
	wire_forget(&t);
	device_set_custom(t.w.pbx, str_z(device), s);
	world_turn(&t.w);
}

static void only_changes(void **state)
{
	(void)state;
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\nAccept: application/pidf+xml, " DIFF "\r\nExpires: 600\r\n"), 200);
	assert_string_equal(wire_header(watcher_notify(&alice), "Content-Type"), DIFF);
	watcher_hears(&alice, "active", "<p:pidf-full", "entity=\"sip:100@127.0.0.1\"", "version=\"0\"", "<note>Ready</note>",
		      "<basic>open</basic>", NULL);
	becomes("one", DEV_INUSE);
	assert_string_equal(wire_header(watcher_notify(&alice), "Content-Type"), DIFF);
	/* The tuple is as it was. */
	assert_true(str_find(watcher_notify(&alice)->body, STR("tuple")) == watcher_notify(&alice)->body.n);
	watcher_hears(&alice, "active", "<p:pidf-diff", "xmlns=\"urn:ietf:params:xml:ns:pidf\"", "entity=\"sip:100@127.0.0.1\" version=\"1\"",
		      "<p:replace sel=\"*/note[1]\"><note>On the phone</note></p:replace>", "<p:replace sel=\"*/dm:person[1]\"><dm:person>",
		      "rpid:on-the-phone", NULL);
	becomes("one", DEV_UNAVAILABLE);
	watcher_hears(&alice, "active", "version=\"2\"", "<p:replace sel=\"*/tuple[@id='100']\"><tuple id=\"100\">", "<basic>closed</basic>", NULL);
	/* Who asks again gets the whole. */
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\nAccept: " DIFF "\r\nExpires: 600\r\n"), 200);
	watcher_hears(&alice, "active", "<p:pidf-full", "version=\"3\"", "<basic>closed</basic>", NULL);
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\nExpires: 0\r\n"), 200);
	watcher_hears(&alice, "terminated", "<p:pidf-full", "version=\"4\"", NULL);
}

/* What it refused it does not know: the next one is whole. */
static void refused_once(void **state)
{
	(void)state;
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\nAccept: " DIFF "\r\n"), 200);
	watcher_hears(&alice, "active", "<p:pidf-full", NULL);
	becomes("one", DEV_INUSE);
	wire_answer(&t, 0, 503, "Retry-After: 1\r\n");
	becomes("one", DEV_NOT_INUSE);
	world_pass(&t.w, 1100);
	watcher_hears(&alice, "active", "<p:pidf-full", "version=\"2\"", "<note>Ready</note>", NULL);
}

/* What no XML can hold: there is no body, and nothing else goes wrong. */
static void no_text(void **state)
{
	(void)state;
	alice.to = "9%FF";
	assert_int_equal(watcher_subscribe(&alice, "Event: presence\r\nAccept: " DIFF "\r\nExpires: 60\r\n"), 200);
	assert_non_null(watcher_notify(&alice));
	assert_int_equal(watcher_notify(&alice)->body.n, 0);
	watcher_hears(&alice, "active", NULL);
	world_pass(&t.w, 10000);
	watcher_hears_nothing(&alice);
}

static void who_asks_for_it(void **state)
{
	static const struct { const char *accept, *type; } tv[] = {
		{ "application/pidf+xml", "application/pidf+xml" },
		{ DIFF, DIFF },
		{ "application/pidf+xml;q=0.5, " DIFF ";q=0.8", DIFF },
		{ "application/pidf+xml;q=1, " DIFF ";q=0.8", "application/pidf+xml" },
		{ "application/pidf+xml, " DIFF ";q=0.000", "application/pidf+xml" },
		{ "application/xpidf+xml, " DIFF, "application/xpidf+xml" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char headers[300];

		alice.call++;
		alice.tag[0] = '\0';
		snprintf(headers, sizeof(headers), "Event: presence\r\nAccept: %s\r\n", tv[i].accept);
		assert_int_equal(watcher_subscribe(&alice, headers), 200);
		if (strcmp(wire_header(watcher_notify(&alice), "Content-Type"), tv[i].type) != 0)
			fail_msg("%s: %s", tv[i].accept, wire_header(watcher_notify(&alice), "Content-Type"));
		watcher_hears(&alice, "active", "", NULL);
	}
	t.deaf = true;
}

/* A Digium phone's further tuple: it is there before and after. */
static void in_lists(void **state)
{
	(void)state;
	alice.to = "rooms";
	assert_int_equal(watcher_subscribe(&alice, "User-Agent: Digium D50\r\nEvent: presence\r\nSupported: eventlist\r\nAccept: " DIFF
					   ", application/rlmi+xml, multipart/related\r\n"), 200);
	watcher_hears(&alice, "active", "fullState=\"true\"", "<p:pidf-full", "digium-presence", "id=\"101\"", NULL);
	becomes("two", DEV_INUSE);
	assert_true(str_find(watcher_notify(&alice)->body, STR("entity=\"sip:100@")) == watcher_notify(&alice)->body.n);
	watcher_hears(&alice, "active", "fullState=\"false\"", "<p:pidf-diff", "entity=\"sip:101@", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(only_changes), T(refused_once), T(no_text), T(who_asks_for_it), T(in_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
