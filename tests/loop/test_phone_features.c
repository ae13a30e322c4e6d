/* Event as-feature-event: what a phone's user sets at it, and who hears of it. */
#include "watcher.h"
#include "service/event/feature.h"
#include "store/astdb.h"
#include "../unit/store_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char plan[] = "[default]\nexten => 100,1,NoOp()\n";
static const char conf[] = WIRE_UDP
	"[alice]\ntype=endpoint\naors=line1\ncontext=default\nallow=!all,ulaw\n[line1]\ntype=aor\n"
	"[bob]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n";
#define TYPE "application/x-as-feature-event+xml"
#define NS " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define DND(v) "<?xml version=\"1.0\"?><SetDoNotDisturb" NS "><device/><doNotDisturbOn>" v "</doNotDisturbOn></SetDoNotDisturb>"
#define FORWARD(type, on, to, more) "<SetForwarding" NS "><device/><forwardingType>" type "</forwardingType><activateForward>" on \
	"</activateForward><forwardDN>" to "</forwardDN>" more "</SetForwarding>"

static struct wire t;
static struct store_world disk;
static struct watcher alice, other;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	memset(&disk, 0, sizeof(disk));
	oom_pause(true);
	make_dir(&disk);
	open_all(&disk);
	assert_int_equal(store_start(disk.store), 0);
	oom_pause(false);
	t.w.pbx->db = disk.db;
	alice = (struct watcher){ .t = &t, .user = "alice", .to = "alice", .peer = "192.0.2.1:5070", .call = 1 };
	other = (struct watcher){ .t = &t, .user = "alice", .to = "line1", .peer = "192.0.2.2:5070", .call = 2 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	t.w.pbx->db = NULL;
	store_close(disk.store);
	astdb_free(disk.db);
	loop_free(disk.loop);
	wire_close(&t);
	remove_dir(&disk);
	return 0;
}

static unsigned sets(struct watcher *w, const char *body)
{
	char headers[300];
	unsigned status;

	snprintf(headers, sizeof(headers), "Contact: <sip:alice@%s>\r\nEvent: as-feature-event\r\nAccept: " TYPE "\r\n"
		 "Expires: 3600\r\nContent-Type: " TYPE "\r\n", w->peer);
	status = watcher_ask(w, "SUBSCRIBE", headers, body);
	world_pass(&t.w, 20);
	return status;
}

static const char *get(const char *family, const char *key)
{
	static char room[128];
	struct str v = STR_NULL;

	(void)astdb_get(t.w.pbx->db, str_z(family), str_z(key), &v);
	return str_copy(room, sizeof(room), v);
}

static void set_at_the_phone(void **state)
{
	(void)state;
	assert_int_equal(watcher_subscribe(&alice, "Event: as-feature-event\r\nAccept: " TYPE "\r\nExpires: 3600\r\n"), 200);
	assert_true(str_starts(str_z(wire_header(watcher_notify(&alice), "Content-Type")), STR("multipart/mixed;boundary=")));
	watcher_hears(&alice, "active", "Content-Type: " TYPE "\r\n\r\n<?xml", "<device>alice</device>", "<doNotDisturbOn>false</doNotDisturbOn>",
		      "<forwardingType>forwardImmediate</forwardingType>", "<forwardingType>forwardBusy</forwardingType>",
		      "<forwardingType>forwardNoAns</forwardingType>", "<ringCount>0</ringCount>", NULL);
	assert_int_equal(watcher_subscribe(&other, "Event: as-feature-event\r\n"), 200);
	watcher_hears(&other, "active", "<device>line1</device>", NULL);
	/* Whoever set it hears all, others what has changed. */
	assert_int_equal(sets(&alice, DND("true")), 200);
	assert_string_equal(get("DND", "alice"), "YES");
	assert_string_equal(wire_header(watcher_notify(&other), "Content-Type"), TYPE);
	assert_true(str_find(watcher_notify(&other)->body, STR("Forwarding")) == watcher_notify(&other)->body.n);
	for (size_t i = 0, n = t.n; i < n; i++)
		if (t.sent[i]->request)
			wire_answer(&t, i, 200, "");
	assert_int_equal(sets(&alice, FORWARD("forwardNoAns", "true", "tel:+49 (30) 123", "<ringCount>4</ringCount>")), 200);
	assert_string_equal(get("CFU", "alice"), "+4930123");
	assert_string_equal(get("CFU", "alice/rings"), "4");
	watcher_hears(&other, "active", "<forwardStatus>true</forwardStatus>", "<forwardTo>+4930123</forwardTo>", "<ringCount>4</ringCount>", NULL);
	assert_int_equal(sets(&alice, DND("false")), 200);
	assert_string_equal(get("DND", "alice"), "");
}

static int set_feature(const char *args, const char *value)
{
	int err = func_phone_feature_write(t.w.pbx, NULL, str_z(args), str_z(value));

	world_pass(&t.w, 20);
	return err;
}

static void set_by_the_dialplan(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(watcher_subscribe(&alice, "Event: as-feature-event\r\n"), 200);
	watcher_hears(&alice, "active", "forwardBusy", NULL);
	assert_int_equal(set_feature("alice,cfb", "200"), 0);
	watcher_hears(&alice, "active", "<forwardingType>forwardBusy</forwardingType>", "<forwardStatus>true</forwardStatus>", "<forwardTo>200<", NULL);
	assert_int_equal(set_feature("alice,cfb", "200"), 0);
	watcher_hears_nothing(&alice);
	assert_int_equal(func_phone_feature_read(t.w.pbx, NULL, STR("alice,cfb"), &b), 0);
	assert_string_equal(buf_z(&b), "200");
	buf_free(&b);
	assert_int_equal(set_feature("alice,cfb", ""), 0);
	watcher_hears(&alice, "active", "<forwardStatus>false</forwardStatus>", NULL);
	assert_int_equal(set_feature("alice,dnd", "1"), 0);
	watcher_hears(&alice, "active", "<doNotDisturbOn>true<", NULL);
	assert_int_equal(set_feature("alice,dnd", "no"), 0);
	watcher_hears(&alice, "active", "<doNotDisturbOn>false<", NULL);
	assert_int_not_equal(set_feature("alice,cf", "200&PJSIP/x"), 0);
	assert_int_not_equal(set_feature("nobody,cf", "200"), 0);
	assert_int_not_equal(set_feature("alice,what", "200"), 0);
	assert_int_not_equal(set_feature("alice", "200"), 0);
}

static void refused(void **state)
{
	static const struct { const char *body; unsigned status; } tv[] = {
		{ DND("maybe"), 400 }, { "<SetDoNotDisturb/>", 400 }, { "no XML", 400 },
		{ FORWARD("forwardSometimes", "true", "1", ""), 400 }, { FORWARD("forwardBusy", "true", "", ""), 400 },
		{ FORWARD("forwardBusy", "true", "1&amp;2", ""), 400 }, { FORWARD("forwardBusy", "true", "${X}", ""), 400 },
		{ FORWARD("forwardNoAns", "true", "1", "<ringCount>100</ringCount>"), 400 },
		{ "<!DOCTYPE x [<!ENTITY e \"true\">]>" DND("&e;"), 400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++)
		if (sets(&alice, tv[i].body) != tv[i].status)
			fail_msg("%s", tv[i].body);
	assert_int_equal(watcher_ask(&alice, "SUBSCRIBE", "Contact: <sip:alice@192.0.2.1>\r\nEvent: as-feature-event\r\nContent-Type: text/plain\r\n",
				     DND("true")), 415);
	alice.to = "bob";
	assert_int_equal(watcher_subscribe(&alice, "Event: as-feature-event\r\n"), 403);
	/* With the first SUBSCRIBE too. */
	alice.to = "alice";
	assert_int_equal(sets(&alice, FORWARD("forwardImmediate", "1", "200", "")), 200);
	watcher_hears(&alice, "active", "<forwardTo>200</forwardTo>", NULL);
	assert_string_equal(get("CF", "alice"), "200");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(set_at_the_phone), T(set_by_the_dialplan), T(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
