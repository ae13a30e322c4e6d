/* Publications outlive the program: ours at other servers, others' here, and what they have said. */
#include "fake_disk.h"
#include "svc_wire.h"
#include "pbx/devstate.h"
#include "service/event/publish.h"
#include "service/event/subscription.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PEER "127.0.0.1:5061"
#define THEM "00:16:3e:00:00:02"
#define OURS "[far]\ntype=outbound-publish\nserver_uri=sip:far@" PEER "\nevent=presence\n@body=application/pidf+xml\n@exten=^1\n"
#define SHARED "[out]\ntype=outbound-publish\nserver_uri=sip:shared@" PEER "\nevent=asterisk-devicestate\n" \
	"@device_state_filter=^custom:\n"
#define THEIRS "[peer]\ntype=endpoint\nallow=ulaw\n[alice]\ntype=endpoint\nallow=ulaw\ncontext=default\n" \
	"[shared]\ntype=inbound-publication\nevent_asterisk-devicestate=both\nevent_asterisk-mwi=both\n" \
	"[100]\ntype=inbound-publication\nendpoint=alice\nevent_dialog=Custom:one\n" \
	"[both]\ntype=asterisk-publication\ndevice_state=yes\nmailbox_state=yes\n"
#define JSON "Content-Type: application/json\r\n"
#define DEVICE(name, state) "{\"type\":\"devicestate\",\"device\":\"" name "\",\"state\":\"" state "\",\"cachable\":1,\"eid\":\"" THEM "\"}"
#define MAILBOX(name, old, new) "{\"type\":\"mailboxstate\",\"uniqueid\":\"" name "\",\"old\":" old ",\"new\":" new ",\"eid\":\"" THEM "\"}"
#define INFO(inner) "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" entity=\"sip:100@x\">" \
	inner "</dialog-info>"
#define BUSY "<dialog id=\"1\"><state>confirmed</state></dialog>"

static const char plan[] = "[default]\nexten => 100,hint,Custom:one\nexten => 200,hint,Custom:two\n";
static const char nothing[] = "[default]\nexten => 200,hint,Custom:two\n";

static struct wire t;
static unsigned calls;

static int teardown(void **state)
{
	(void)state;
	t.deaf = true;
	disk_lose();
	wire_close(&t);
	disk_close();
	return 0;
}

static void begin(const char *dialplan, const char *pjsip)
{
	wire_open_kept(&t, dialplan, pjsip, disk_open, disk_kept);
	world_pass(&t.w, 1100);
}

/* kill -9 once all is written, and a new process with the same file. `sql` is done to it meanwhile. */
static void restart(const char *dialplan, const char *pjsip, const char *sql)
{
	while (disk_commit(9, 0))
		;
	t.deaf = true;
	wire_close(&t);
	if (sql)
		disk_exec(sql);
	disk_leave();
	begin(dialplan, pjsip);
}

static void commit(void)
{
	while (disk_commit(9, 0))
		;
}

static void set(const char *device, enum device_state s)
{
	assert_int_equal(device_set_custom(t.w.pbx, str_z(device), s), 0);
	world_pass(&t.w, 20);
}

/* ---- ours -------------------------------------------------------------------------------- */

static void ours_go_on(void **state)
{
	(void)state;
	begin(plan, WIRE_UDP OURS);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "");
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\nExpires: 600\r\n");
	restart(plan, WIRE_UDP OURS, NULL);
	assert_int_equal(t.n, 1);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e1");
	assert_true(wire_last(&t)->body.n > 0);
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e2\r\nExpires: 600\r\n");
	set("one", DEV_INUSE);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e2");
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e3\r\nExpires: 600\r\n");
	restart(plan, WIRE_UDP OURS, NULL);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e3");
	/* It has forgotten us. */
	wire_reply(&t, SIP_PUBLISH, 412, "");
	world_pass(&t.w, 20);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "");
	assert_true(wire_last(&t)->body.n > 0);
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: f1\r\nExpires: 600\r\n");
	/* The extension is not there any more: taken back. */
	restart(nothing, WIRE_UDP OURS, NULL);
	assert_int_equal(t.n, 1);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "f1");
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: f2\r\nExpires: 0\r\n");
	commit();
	assert_int_equal(disk_rows("publication"), 0);
}

/* All states of a section are one publication. */
static void shared_goes_on(void **state)
{
	(void)state;
	begin(plan, WIRE_UDP SHARED);
	set("one", DEV_BUSY);
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\nExpires: 600\r\n");
	restart(plan, WIRE_UDP SHARED, NULL);
	set("one", DEV_NOT_INUSE);
	assert_int_equal(t.n, 1);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e1");
	/* Nothing to say: it is kept alive. */
	restart(plan, WIRE_UDP SHARED, NULL);
	world_pass(&t.w, 590000);
	assert_int_equal(t.sent[0]->method, SIP_PUBLISH);
	assert_string_equal(wire_header(t.sent[0], "SIP-If-Match"), "e1");
	assert_int_equal(t.sent[0]->body.n, 0);
	t.deaf = true;
}

static void ours_do_not(void **state)
{
	static const struct { const char *conf, *sql; } tv[] = {
		{ WIRE_UDP OURS, "UPDATE publication SET expires_us=1" },
		{ WIRE_UDP OURS, "UPDATE publication SET etag=''" },
		{ WIRE_UDP OURS, "UPDATE publication SET etag='a' || char(13,10) || 'b'" },
		{ WIRE_UDP OURS, "UPDATE publication SET event='dialog'" },
		{ WIRE_UDP OURS, "UPDATE publication SET target='sip:100@192.0.2.9'" },
		{ WIRE_UDP OURS, "UPDATE publication SET section='x'" },
		{ WIRE_UDP OURS, "UPDATE publication SET expires_us='soon'" },
		{ WIRE_UDP OURS, "UPDATE publication SET user=zeroblob(300)" },
		{ WIRE_UDP, NULL },
	};

	(void)state;
	begin(plan, WIRE_UDP OURS);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\nExpires: 600\r\n");
		restart(plan, tv[i].conf, tv[i].sql);
		if (t.n)
			assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "");
		commit();
		assert_int_equal(disk_rows("publication"), 0);
	}
	/* In order. */
	restart(plan, WIRE_UDP OURS, NULL);
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\nExpires: 600\r\n");
	commit();
	assert_int_equal(disk_rows("publication"), 1);
	service_stop(t.svc);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e2\r\nExpires: 0\r\n");
	assert_true(service_stopped(t.svc));
	commit();
	assert_int_equal(disk_rows("publication"), 0);
}

/* ---- others' ------------------------------------------------------------------------------- */

static struct sip_msg *response(void)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.sent[i]->status)
			return t.sent[i];
	return NULL;
}

static unsigned come(const char *from, const char *to, const char *event, const char *more, const char *body)
{
	char text[2048];

	wire_forget(&t);
	calls++;
	snprintf(text, sizeof(text), "PUBLISH sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " PEER ";branch=z9hG4bKp%u\r\n"
		 "From: <sip:%s@x>;tag=1\r\nTo: <sip:%s@x>\r\nCall-ID: p%u\r\nCSeq: 1 PUBLISH\r\nEvent: %s\r\n%sContent-Length: %zu\r\n\r\n%s",
		 to, calls, from, to, calls, event, more, strlen(body), body);
	wire_come(&t, PEER, text);
	world_pass(&t.w, 20);
	return response() ? response()->status : 0;
}

static const char *match(const char *etag)
{
	static char line[160];

	snprintf(line, sizeof(line), "SIP-If-Match: %s\r\nExpires: 60\r\n", etag);
	return line;
}

static int state_of(const char *exten)
{
	return hint_state(t.w.pbx, STR("default"), str_z(exten), NULL);
}

static void phones_go_on(void **state)
{
	char etag[64];

	(void)state;
	begin(plan, WIRE_UDP THEIRS);
	assert_int_equal(come("alice", "100", "dialog", "Expires: 60\r\nContent-Type: application/dialog-info+xml\r\n", INFO(BUSY)), 200);
	str_copy(etag, sizeof(etag), str_z(wire_header(response(), "SIP-ETag")));
	assert_int_equal(state_of("100"), EXTEN_INUSE);
	restart(plan, WIRE_UDP THEIRS, NULL);
	assert_int_equal(state_of("100"), EXTEN_INUSE);
	assert_int_equal(come("alice", "100", "dialog", match("x"), ""), 412);
	assert_int_equal(come("alice", "100", "dialog", match(etag), ""), 200);
	commit();
	assert_int_equal(disk_rows("publication_taken"), 1);
	restart(plan, WIRE_UDP THEIRS, NULL);
	/* Not renewed. */
	world_pass(&t.w, 62000);
	assert_int_equal(state_of("100"), EXTEN_IDLE);
	commit();
	assert_int_equal(disk_rows("publication_taken"), 0);
}

static void phones_do_not(void **state)
{
	static const struct { const char *conf, *sql; } tv[] = {
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET expires_us=1" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET expires_us='x'" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET etag=''" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET etag=zeroblob(99)" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET event='x'" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET state=99" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET state=-1" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET section='Custom:two'" },
		{ WIRE_UDP THEIRS, "UPDATE publication_taken SET endpoint='bob'" },
		{ WIRE_UDP, NULL },
	};

	(void)state;
	begin(plan, WIRE_UDP THEIRS);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(come("alice", "100", "dialog", "Content-Type: application/dialog-info+xml\r\n", INFO(BUSY)), 200);
		restart(plan, tv[i].conf, tv[i].sql);
		if (state_of("100") != EXTEN_IDLE)
			fail_msg("%zu", i);
		commit();
		assert_int_equal(disk_rows("publication_taken"), 0);
	}
}

/* What servers say of many devices by one publication. */
static void servers_go_on(void **state)
{
	uint32_t new_msgs, old_msgs;

	(void)state;
	begin(plan, WIRE_UDP THEIRS);
	assert_int_equal(come("peer", "shared", "asterisk-devicestate", JSON, DEVICE("Custom:two", "INUSE")), 200);
	assert_int_equal(come("peer", "shared", "asterisk-devicestate", match(wire_header(response(), "SIP-ETag")), ""), 200);
	assert_int_equal(come("peer", "shared", "asterisk-mwi", JSON, MAILBOX("box", "1", "2")), 200);
	assert_int_equal(come("peer", "shared", "asterisk-mwi", JSON, MAILBOX("box", "1", "3")), 200);
	assert_int_equal(state_of("200"), EXTEN_INUSE);
	commit();
	assert_int_equal(disk_rows("publication_state"), 2);
	restart(plan, WIRE_UDP THEIRS, NULL);
	assert_int_equal(state_of("200"), EXTEN_INUSE);
	assert_true(mailbox_get(t.svc, STR("box"), &new_msgs, &old_msgs));
	assert_int_equal(new_msgs, 3);
	assert_int_equal(disk_waiting(), 0);
	/* The next state takes the place of the row. */
	assert_int_equal(come("peer", "shared", "asterisk-devicestate", JSON, DEVICE("Custom:two", "BUSY")), 200);
	commit();
	assert_int_equal(disk_rows("publication_state"), 2);
	/* Nobody publishes devices any more; and what is no state is none. */
	restart(plan, WIRE_UDP THEIRS, "DELETE FROM publication_taken WHERE event='asterisk-devicestate';"
		"UPDATE publication_state SET body='{' WHERE mailboxes");
	assert_int_equal(state_of("200"), EXTEN_IDLE);
	commit();
	assert_int_equal(disk_rows("publication_state"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_teardown(fn, teardown)
		T(ours_go_on), T(shared_goes_on), T(ours_do_not), T(phones_go_on), T(phones_do_not), T(servers_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
