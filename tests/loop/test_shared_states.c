/* States of devices and mailboxes that servers share by PUBLISH (asterisk-devicestate, asterisk-mwi): what
 * we say of ours, and what becomes of theirs. */
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

#define US "00:16:3e:00:00:01"
#define THEM "00:16:3e:00:00:02"
#define PEER "127.0.0.1:5061"
#define OUT(event, more) "[out]\ntype=outbound-publish\nserver_uri=sip:shared@127.0.0.1:5061\nevent=" event "\n" more
/* Names are matched by From: a trunk to the other server. */
#define IN(more) "[peer]\ntype=endpoint\nallow=ulaw\n[shared]\ntype=inbound-publication\n" more \
	"event_asterisk-devicestate=both\nevent_asterisk-mwi=both\n"
#define BOTH(more) "[both]\ntype=asterisk-publication\n" more

static const char plan[] = "[default]\nexten => 100,hint,Custom:one\n";

static struct wire t;
static unsigned calls;

static int close_wire(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static bool is_body(const struct sip_msg *m, const char *text)
{
	return m && str_eq(m->body, str_z(text));
}

static void set(const char *device, enum device_state s)
{
	assert_int_equal(device_set_custom(t.w.pbx, str_z(device), s), 0);
	world_pass(&t.w, 20);
}

static void begin(const char *pjsip)
{
	wire_open(&t, plan, pjsip);
	world_pass(&t.w, 1100);
}

/* `more`: further header lines. Gives the status. */
static unsigned come(const char *event, const char *to, const char *more, const char *type, const char *body)
{
	char text[2048];

	wire_forget(&t);
	calls++;
	snprintf(text, sizeof(text), "PUBLISH sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " PEER ";branch=z9hG4bKp%u\r\n"
		 "From: <sip:peer@x>;tag=1\r\nTo: <sip:%s@x>\r\nCall-ID: p%u\r\nCSeq: 1 PUBLISH\r\n%s%s%s%s%sContent-Length: %zu\r\n\r\n%s",
		 to, calls, to, calls, *event ? "Event: " : "", event, *event ? "\r\n" : "", more, type, strlen(body), body);
	wire_come(&t, PEER, text);
	world_pass(&t.w, 20);
	for (size_t i = 0; i < t.n; i++)
		if (t.sent[i]->status)
			return t.sent[i]->status;
	return 0;
}

#define JSON "Content-Type: application/json\r\n"
#define DEVICE(name, state, eid) "{\"type\":\"devicestate\",\"device\":\"" name "\",\"state\":\"" state \
	"\",\"cachable\":1,\"eid\":\"" eid "\"}"
#define MAILBOX(name, old, new, eid) "{\"type\":\"mailboxstate\",\"uniqueid\":\"" name "\",\"old\":" old ",\"new\":" new \
	",\"eid\":\"" eid "\"}"

static unsigned device_comes(const char *body)
{
	return come("asterisk-devicestate", "shared", "", JSON, body);
}

static struct sip_msg *response(void)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.sent[i]->status)
			return t.sent[i];
	return NULL;
}

/* ---- ours --------------------------------------------------------------------------------- */

static void devices(void **state)
{
	(void)state;
	wire_open(&t, plan, WIRE_UDP OUT("asterisk-devicestate", "@device_state_filter=^custom:\n"));
	set("one", DEV_BUSY);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 1100);
	assert_true(str_eq(wire_last(&t)->ruri.text, STR("sip:shared@127.0.0.1:5061")));
	assert_string_equal(wire_header(wire_last(&t), "Event"), "asterisk-devicestate");
	assert_string_equal(wire_header(wire_last(&t), "Content-Type"), "application/json");
	assert_true(is_body(wire_last(&t), DEVICE("Custom:one", "BUSY", US)));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	set("one", DEV_NOT_INUSE);
	assert_true(is_body(wire_last(&t), DEVICE("Custom:one", "NOT_INUSE", US)));
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e1");
	/* A server that has forgotten all hears all. */
	wire_reply(&t, SIP_PUBLISH, 412, "");
	world_pass(&t.w, 20);
	assert_true(is_body(wire_last(&t), DEVICE("Custom:one", "NOT_INUSE", US)));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e2\r\n");
	/* Another device, which does not pass. */
	device_changed(t.w.pbx, STR("Fake/2"));
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 0);
}

static void mailboxes(void **state)
{
	(void)state;
	begin(WIRE_UDP OUT("asterisk-mwi", "@mailbox_state_filter=^1\n"));
	assert_int_equal(t.n, 0);
	assert_int_equal(mailbox_set(t.svc, STR("200@default"), 1, 0), 0);
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 0);
	assert_int_equal(mailbox_set(t.svc, STR("100@default"), 3, 2), 0);
	world_pass(&t.w, 20);
	assert_true(is_body(wire_last(&t), MAILBOX("100@default", "2", "3", US)));
}

/* Whoever shares both ways asks for what the other has, and is asked. */
static void refresh(void **state)
{
	(void)state;
	begin(WIRE_UDP OUT("asterisk-devicestate", "") IN("") BOTH("devicestate_publish=out\ndevice_state=yes\n"));
	assert_true(is_body(wire_last(&t), "{\"type\":\"refresh\",\"eid\":\"" US "\"}"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	set("one", DEV_INUSE);
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e2\r\n");
	assert_int_equal(device_comes("{\"type\":\"refresh\",\"eid\":\"" THEM "\"}"), 200);
	assert_int_equal(t.n, 2);
	assert_true(is_body(t.sent[0], DEVICE("Custom:one", "INUSE", US)) || is_body(t.sent[1], DEVICE("Custom:one", "INUSE", US)));
}

/* ---- theirs -------------------------------------------------------------------------------- */

static int exten_state(void)
{
	return hint_state(t.w.pbx, STR("default"), STR("100"), NULL);
}

/* Of all servers together, and not sent on. */
static void taken(void **state)
{
	(void)state;
	begin(WIRE_UDP OUT("asterisk-devicestate", "") IN("endpoint=peer\n") BOTH("device_state=yes\n"));
	wire_forget(&t);
	assert_int_equal(device_comes(DEVICE("Custom:one", "INUSE", THEM)), 200);
	assert_int_equal(t.n, 1);
	assert_true(str_starts(str_z(wire_header(response(), "SIP-ETag")), STR("")));
	assert_string_equal(wire_header(response(), "Expires"), "3600");
	assert_int_equal(exten_state(), EXTEN_INUSE);
	assert_int_equal(device_get(t.w.pbx, STR("Custom:one")), DEV_INUSE);
	/* Ours rings, theirs talks. */
	set("one", DEV_RINGING);
	assert_int_equal(exten_state(), EXTEN_INUSE | EXTEN_RINGING);
	assert_true(is_body(wire_last(&t), DEVICE("Custom:one", "RINGING", US)));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	assert_int_equal(device_comes(DEVICE("Custom:one", "NOT_INUSE", THEM)), 200);
	assert_int_equal(exten_state(), EXTEN_RINGING);
	/* What we have said ourselves, and what is not to be kept. */
	assert_int_equal(device_comes(DEVICE("Custom:one", "BUSY", US)), 200);
	assert_int_equal(device_comes("{\"type\":\"devicestate\",\"device\":\"Custom:one\",\"state\":\"BUSY\",\"cachable\":0,\"eid\":\"" THEM "\"}"), 200);
	assert_int_equal(exten_state(), EXTEN_RINGING);
}

static void mailboxes_taken(void **state)
{
	uint32_t n, o;

	(void)state;
	begin(WIRE_UDP IN("") BOTH("mailbox_state=yes\nmailbox_state_filter=^1\n"));
	assert_int_equal(mailbox_set(t.svc, STR("100@default"), 1, 1), 0);
	assert_int_equal(come("asterisk-mwi", "shared", "", JSON, MAILBOX("100@default", "4", "2", THEM)), 200);
	assert_int_equal(come("asterisk-mwi", "shared", "", JSON, MAILBOX("200@default", "4", "2", THEM)), 200);
	assert_true(mailbox_get(t.svc, STR("100@default"), &n, &o));
	assert_int_equal(n, t.w.pbx->db ? 3 : 2);
	assert_int_equal(o, t.w.pbx->db ? 5 : 4);
	assert_false(mailbox_get(t.svc, STR("200@default"), &n, &o));
	assert_int_equal(world_events(&t.w, "MessageWaiting", "Mailbox: 100@default"), 2);
	assert_int_equal(device_get(t.w.pbx, STR("MWI:100@default")), DEV_INUSE);
}

/* device_state, device_state_filter; what is off is answered 200 and does nothing. */
static void filtered(void **state)
{
	(void)state;
	begin(WIRE_UDP IN("") BOTH("device_state=no\n"));
	assert_int_equal(device_comes(DEVICE("Custom:one", "INUSE", THEM)), 200);
	assert_int_equal(exten_state(), EXTEN_IDLE);
	wire_reload(&t, WIRE_UDP IN("") BOTH("device_state=yes\ndevice_state_filter=^PJSIP/\n"));
	assert_int_equal(device_comes(DEVICE("Custom:one", "INUSE", THEM)), 200);
	assert_int_equal(exten_state(), EXTEN_IDLE);
	wire_reload(&t, WIRE_UDP IN("") BOTH("device_state=yes\ndevice_state_filter=^custom\n"));
	assert_int_equal(device_comes(DEVICE("Custom:one", "INUSE", THEM)), 200);
	assert_int_equal(exten_state(), EXTEN_INUSE);
}

static void tags(void **state)
{
	char etag[80], line[128];

	(void)state;
	begin(WIRE_UDP IN("") BOTH("device_state=yes\n"));
	assert_int_equal(come("asterisk-devicestate", "shared", "Expires: 60\r\n", JSON, DEVICE("Custom:one", "INUSE", THEM)), 200);
	assert_string_equal(wire_header(response(), "Expires"), "60");
	snprintf(etag, sizeof(etag), "%s", wire_header(response(), "SIP-ETag"));
	snprintf(line, sizeof(line), "SIP-If-Match: %s\r\n", etag);
	/* A renewal has no body and gives a new tag; the old one is worth nothing. */
	assert_int_equal(come("asterisk-devicestate", "shared", line, "", ""), 200);
	assert_string_not_equal(wire_header(response(), "SIP-ETag"), etag);
	snprintf(etag, sizeof(etag), "%s", wire_header(response(), "SIP-ETag"));
	assert_int_equal(come("asterisk-devicestate", "shared", line, "", ""), 412);
	snprintf(line, sizeof(line), "SIP-If-Match: %s\r\n", etag);
	/* Of another event it is not. */
	assert_int_equal(come("asterisk-mwi", "shared", line, "", ""), 412);
	assert_int_equal(come("asterisk-devicestate", "shared", line, JSON, DEVICE("Custom:one", "BUSY", THEM)), 200);
	assert_int_equal(exten_state(), EXTEN_BUSY);
	snprintf(line, sizeof(line), "Expires: 0\r\nSIP-If-Match: %s\r\n", wire_header(response(), "SIP-ETag"));
	assert_int_equal(come("asterisk-devicestate", "shared", line, "", ""), 200);
	assert_int_equal(come("asterisk-devicestate", "shared", line, "", ""), 412);
	/* And one that is not renewed is over. */
	assert_int_equal(come("asterisk-devicestate", "shared", "Expires: 60\r\n", JSON, DEVICE("Custom:one", "INUSE", THEM)), 200);
	snprintf(line, sizeof(line), "SIP-If-Match: %s\r\n", wire_header(response(), "SIP-ETag"));
	world_pass(&t.w, 61000);
	assert_int_equal(come("asterisk-devicestate", "shared", line, "", ""), 412);
}

static void refused(void **state)
{
	static const char *const bodies[] = { "", "{", "[]", "{}", "{\"type\":\"devicestate\",\"eid\":\"" THEM "\"}",
		DEVICE("Custom:one", "INUSE", "nobody"), DEVICE("Custom:one", "SLEEPING", THEM),
		"{\"type\":\"weather\",\"eid\":\"" THEM "\"}", MAILBOX("1", "1", "1", THEM) };

	(void)state;
	begin(WIRE_UDP IN("") BOTH("device_state=yes\n") "[other]\ntype=inbound-publication\nendpoint=peer2\nevent_asterisk-mwi=both\n"
	      "[peer2]\ntype=endpoint\nallow=ulaw\n[lost]\ntype=inbound-publication\nevent_asterisk-devicestate=gone\n");
	assert_int_equal(come("", "shared", "", JSON, "{}"), 489);
	assert_int_equal(come("conference", "shared", "", JSON, "{}"), 489);
	assert_int_equal(come("presence", "shared", "", JSON, "{}"), 489);
	assert_string_equal(wire_header(response(), "Allow-Events"), "asterisk-devicestate, asterisk-mwi");
	assert_int_equal(come("asterisk-devicestate", "nobody", "", JSON, "{}"), 404);
	assert_int_equal(come("asterisk-devicestate", "other", "", JSON, "{}"), 403);
	assert_int_equal(come("asterisk-devicestate", "lost", "", JSON, "{}"), 404);
	assert_int_equal(come("asterisk-devicestate", "shared", "Expires: 0\r\n", JSON, "{}"), 412);
	assert_int_equal(come("asterisk-devicestate", "shared", "SIP-If-Match: x\r\n", JSON, "{}"), 412);
	assert_int_equal(come("asterisk-devicestate", "shared", "", "Content-Type: text/plain\r\n", DEVICE("Custom:one", "INUSE", THEM)), 500);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_int_equal(device_comes(bodies[i]), *bodies[i] ? 500 : 400);
	assert_int_equal(exten_state(), EXTEN_IDLE);
}

int main(void)
{
#define W(f) cmocka_unit_test_teardown(f, close_wire)
	const struct CMUnitTest tests[] = { W(devices), W(mailboxes), W(refresh), W(taken), W(mailboxes_taken), W(filtered),
		W(tags), W(refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
