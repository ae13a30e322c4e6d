/* Event conference (RFC 4575), driven as somebody who has rooms would. */
#include "watcher.h"
#include "service/event/conference.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char plan[] = "[default]\nexten => 100,1,NoOp()\n";
static const char conf[] = WIRE_UDP "[alice]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n"
	"[bob]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n";

static struct wire t;
static struct watcher alice;
static struct conference *room;

static bool not_bob(void *arg, const struct endpoint *ep)
{
	(void)arg;
	return !str_eq(ep->name, STR("bob"));
}

static const struct conference_prm prm = { .name = STR_INIT("5000"), .subject = STR_INIT("Monday <all>"), .most_users = 200, .may = not_bob };

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	alice = (struct watcher){ .t = &t, .user = "alice", .to = "5000", .peer = "192.0.2.1:5070", .call = 1 };
	room = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	conference_close(room);
	return 0;
}

static void comes(const char *entity, enum conference_status status)
{
	const struct conference_user u = { .entity = str_z(entity), .display = STR("\"Q\""), .status = status, .joining = CONFERENCE_DIALED_IN,
		.audio = CONFERENCE_SENDRECV };

	assert_int_equal(conference_set_user(room, &u), 0);
}

static void people(void **state)
{
	(void)state;
	assert_int_equal(conference_open(t.svc, &prm, &room), 0);
	comes("sip:one@192.0.2.1", CONFERENCE_CONNECTED);
	assert_int_equal(watcher_subscribe(&alice, "Event: conference\r\nAccept: application/conference-info+xml\r\nExpires: 3600\r\n"), 200);
	watcher_hears(&alice, "active", "entity=\"sip:5000@127.0.0.1\" state=\"full\" version=\"1\"", "<subject>Monday &lt;all&gt;</subject>",
		      "<maximum-user-count>200</maximum-user-count>", "<user-count>1</user-count>", "<user entity=\"sip:one@192.0.2.1\" state=\"full\">",
		      "<display-text>&quot;Q&quot;</display-text>", "<status>connected</status>", "<joining-method>dialed-in</joining-method>",
		      "<when>", "<media id=\"audio\">", "<status>sendrecv</status>", NULL);
	world_pass(&t.w, 200);
	/* What changes in one moment is told together, and what did not is left out. */
	comes("sip:two@192.0.2.2", CONFERENCE_ALERTING);
	comes("sip:two@192.0.2.2", CONFERENCE_MUTED);
	conference_lock(room, true);
	world_pass(&t.w, 150);
	assert_true(str_find(watcher_notify(&alice)->body, STR("sip:one@")) == watcher_notify(&alice)->body.n);
	watcher_hears(&alice, "active", "state=\"partial\" version=\"2\"", "<user-count>2</user-count>", "<locked>true</locked>",
		      "<users state=\"partial\">", "sip:two@192.0.2.2", "<status>muted-via-focus</status>", NULL);
	conference_drop_user(room, STR("sip:one@192.0.2.1"));
	world_pass(&t.w, 150);
	watcher_hears(&alice, "active", "version=\"3\"", "<user-count>1</user-count>", "<user entity=\"sip:one@192.0.2.1\" state=\"deleted\"/>", NULL);
	/* Who came back is there, and who asks again hears of all. */
	comes("sip:one@192.0.2.1", CONFERENCE_ON_HOLD);
	world_pass(&t.w, 150);
	watcher_hears(&alice, "active", "version=\"4\"", "<user entity=\"sip:one@192.0.2.1\" state=\"full\">", "<status>on-hold</status>", NULL);
	assert_int_equal(watcher_subscribe(&alice, "Event: conference\r\nExpires: 600\r\n"), 200);
	watcher_hears(&alice, "active", "state=\"full\" version=\"5\"", "sip:one@", "sip:two@", NULL);
}

static void it_is_over(void **state)
{
	(void)state;
	assert_int_equal(conference_open(t.svc, &prm, &room), 0);
	assert_int_equal(watcher_subscribe(&alice, "Event: conference\r\n"), 200);
	watcher_hears(&alice, "active", "<user-count>0</user-count>", "<active>false</active>", NULL);
	conference_close(room);
	room = NULL;
	world_turn(&t.w);
	watcher_hears(&alice, "terminated;reason=noresource", "state=\"deleted\"", NULL);
	alice.call++;
	alice.tag[0] = '\0';
	assert_int_equal(watcher_subscribe(&alice, "Event: conference\r\n"), 404);
}

/* More left at a time than are remembered. */
static void many_leave(void **state)
{
	char entity[64];

	(void)state;
	assert_int_equal(conference_open(t.svc, &prm, &room), 0);
	for (int i = 0; i < 110; i++) {
		snprintf(entity, sizeof(entity), "sip:%d@192.0.2.1", i);
		comes(entity, CONFERENCE_CONNECTED);
	}
	assert_int_equal(watcher_subscribe(&alice, "Event: conference\r\n"), 200);
	watcher_hears(&alice, "active", "<user-count>110</user-count>", NULL);
	world_pass(&t.w, 200);
	for (int i = 0; i < 109; i++) {
		snprintf(entity, sizeof(entity), "sip:%d@192.0.2.1", i);
		conference_drop_user(room, str_z(entity));
	}
	world_pass(&t.w, 150);
	watcher_hears(&alice, "active", "state=\"full\" version=\"2\"", "<user-count>1</user-count>", "sip:109@", NULL);
}

static void refused(void **state)
{
	struct conference *twice = NULL;
	struct watcher bob = { .t = &t, .user = "bob", .to = "5000", .peer = "192.0.2.2:5070", .call = 9 };

	(void)state;
	assert_int_equal(watcher_subscribe(&alice, "Event: conference\r\n"), 404);
	assert_int_equal(conference_open(t.svc, &prm, &room), 0);
	assert_int_not_equal(conference_open(t.svc, &prm, &twice), 0);
	assert_int_equal(watcher_subscribe(&bob, "Event: conference\r\n"), 403);
	assert_int_equal(watcher_subscribe(&alice, "Event: conference\r\n"), 200);
	t.deaf = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(people), T(it_is_over), T(many_leave), T(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
