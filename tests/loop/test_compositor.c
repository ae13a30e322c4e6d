/* What phones publish of themselves (type=inbound-publication, events presence and dialog): who may, what is
 * answered, and who sees it. */
#include "svc_wire.h"
#include "pbx/devstate.h"
#include "service/common/reason.h"
#include "service/event/compositor.h"
#include "service/event/publish.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PHONE "127.0.0.1:5061"
#define PIDF "application/pidf+xml"
#define DIALOGS "application/dialog-info+xml"
#define ENDPOINTS WIRE_UDP "[alice]\ntype=endpoint\nallow=ulaw\ncontext=default\n[bob]\ntype=endpoint\nallow=ulaw\ncontext=default\n" \
	"sub_min_expiry=60\n"
#define OWN "[100]\ntype=inbound-publication\nendpoint=alice\nevent_presence=yes\nevent_dialog=Custom:one\n"
#define OTHERS "[200]\ntype=inbound-publication\nevent_presence=Custom:two\n"

#define PRESENCE(inner) "<?xml version=\"1.0\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" " \
	"xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" " \
	"entity=\"sip:100@x\">" inner "</presence>"
#define BASIC(s) "<tuple id=\"a" s "\"><status><basic>" s "</basic></status></tuple>"
#define ACTIVE(s) "<dm:person id=\"p\"><r:activities><r:" s "/></r:activities></dm:person>"
#define INFO(inner) "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" entity=\"sip:100@x\">" \
	inner "</dialog-info>"
#define DIALOG(id, more, state) "<dialog id=\"" id "\"" more "><state>" state "</state></dialog>"

static const char plan[] = "[default]\nexten => 100,hint,PJSIP/alice\nexten => 101,hint,Custom:one\nexten => 200,hint,Custom:two\n";

static struct wire t;
static unsigned calls;

static int close_wire(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static void begin(const char *pjsip)
{
	wire_open(&t, plan, pjsip);
	world_pass(&t.w, 1100);
}

static struct sip_msg *response(void)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.sent[i]->status)
			return t.sent[i];
	return NULL;
}

/* `more`: further header lines. Gives the status. */
static unsigned come(const char *from, const char *to, const char *event, const char *more, const char *type, struct str body)
{
	size_t room = body.n + 1024;
	char *text = malloc(room);

	assert_non_null(text);
	wire_forget(&t);
	calls++;
	snprintf(text, room, "PUBLISH sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " PHONE ";branch=z9hG4bKp%u\r\n"
		 "From: <sip:%s@x>;tag=1\r\nTo: <sip:%s@x>\r\nCall-ID: p%u\r\nCSeq: 1 PUBLISH\r\nEvent: %s\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%.*s",
		 to, calls, from, to, calls, event, more, *type ? "Content-Type: " : "", type, *type ? "\r\n" : "", body.n, STR_ARG(body));
	wire_come(&t, PHONE, text);
	free(text);
	world_pass(&t.w, 20);
	return response() ? response()->status : 0;
}

static unsigned presence(const char *more, const char *body)
{
	return come("alice", "100", "presence", more, *body ? PIDF : "", str_z(body));
}

static unsigned dialog(const char *more, const char *body)
{
	return come("alice", "100", "dialog", more, *body ? DIALOGS : "", str_z(body));
}

static const char *match(const char *more)
{
	static char line[160];

	snprintf(line, sizeof(line), "SIP-If-Match: %s\r\n%s", wire_header(response(), "SIP-ETag"), more);
	return line;
}

static int state_of(const char *exten)
{
	return hint_state(t.w.pbx, STR("default"), str_z(exten), NULL);
}

/* ---- what is said ------------------------------------------------------------------------------ */

static void presences(void **state)
{
	static const struct { const char *body; enum device_state s; } rows[] = {
		{ PRESENCE(BASIC("open")), DEV_NOT_INUSE },
		{ PRESENCE(BASIC("closed")), DEV_UNAVAILABLE },
		{ PRESENCE(BASIC("closed") BASIC("open")), DEV_NOT_INUSE },
		{ PRESENCE(BASIC("open") ACTIVE("on-the-phone")), DEV_INUSE },
		{ PRESENCE(BASIC("closed") ACTIVE("busy")), DEV_BUSY },
		{ PRESENCE(ACTIVE("meeting") BASIC("open")), DEV_BUSY },
		{ PRESENCE(BASIC("open") ACTIVE("vacation")), DEV_NOT_INUSE },
		{ PRESENCE("<dm:person><r:activities><r:activity>busy</r:activity></r:activities></dm:person>"), DEV_BUSY },
		{ "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple id='1'><status/></tuple></presence>", DEV_INVALID },
	};

	(void)state;
	begin(ENDPOINTS OWN OTHERS);
	assert_int_equal(come("alice", "200", "presence", "", PIDF, str_z(rows[0].body)), 200);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(come("alice", "200", "presence", match(""), PIDF, str_z(rows[i].body)), 200);
		assert_int_equal(device_get(t.w.pbx, STR("Custom:two")), rows[i].s == DEV_INVALID ? DEV_UNKNOWN : rows[i].s);
	}
}

static void dialogs(void **state)
{
	static const struct { const char *body; int s; } rows[] = {
		{ INFO(""), EXTEN_IDLE },
		{ INFO(DIALOG("1", "", "confirmed")), EXTEN_INUSE },
		{ INFO(DIALOG("1", " direction=\"recipient\"", "early")), EXTEN_RINGING },
		{ INFO(DIALOG("1", " direction=\"initiator\"", "proceeding")), EXTEN_INUSE },
		{ INFO(DIALOG("1", "", "terminated")), EXTEN_IDLE },
		{ INFO(DIALOG("1", "", "confirmed") DIALOG("2", "", "early")), EXTEN_INUSE | EXTEN_RINGING },
		{ INFO("<dialog id=\"1\"><state>confirmed</state><local><target uri=\"sip:a@b\"><param pname=\"+sip.rendering\" pval=\"no\"/>"
		       "</target></local></dialog>"), EXTEN_ONHOLD },
	};

	(void)state;
	begin(ENDPOINTS OWN);
	assert_int_equal(dialog("", INFO("")), 200);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(dialog(match(""), rows[i].body), 200);
		assert_int_equal(state_of("101"), rows[i].s);
	}
	assert_int_equal(world_events(&t.w, "DeviceStateChange", "Device: Custom:one"), 7);
}

/* Beside what is known here, and gone when it ends. */
static void composed(void **state)
{
	(void)state;
	begin(ENDPOINTS OWN);
	assert_int_equal(dialog("", INFO(DIALOG("1", "", "early"))), 200);
	assert_int_equal(device_set_custom(t.w.pbx, STR("one"), DEV_INUSE), 0);
	world_pass(&t.w, 20);
	assert_int_equal(state_of("101"), EXTEN_INUSE | EXTEN_RINGING);
	/* A second phone of the same. */
	assert_int_equal(dialog("", INFO(DIALOG("1", "", "confirmed"))), 200);
	assert_int_equal(dialog(match("Expires: 0\r\n"), ""), 200);
	assert_int_equal(state_of("101"), EXTEN_INUSE | EXTEN_RINGING);
	assert_int_equal(device_set_custom(t.w.pbx, STR("one"), DEV_NOT_INUSE), 0);
	world_pass(&t.w, 20);
	assert_int_equal(state_of("101"), EXTEN_RINGING);
	world_pass(&t.w, 3600 * 1000);
	assert_int_equal(state_of("101"), EXTEN_IDLE);
}

/* Who is closed has no call; who has one is not closed. */
static void closed(void **state)
{
	(void)state;
	begin(ENDPOINTS OTHERS);
	assert_int_equal(device_set_custom(t.w.pbx, STR("two"), DEV_NOT_INUSE), 0);
	assert_int_equal(come("alice", "200", "presence", "", PIDF, STR(PRESENCE(BASIC("closed")))), 200);
	assert_int_equal(state_of("200"), EXTEN_UNAVAILABLE);
	assert_int_equal(device_set_custom(t.w.pbx, STR("two"), DEV_INUSE), 0);
	world_pass(&t.w, 20);
	assert_int_equal(state_of("200"), EXTEN_INUSE);
	assert_int_equal(device_set_custom(t.w.pbx, STR("two"), DEV_NOT_INUSE), 0);
	assert_int_equal(come("bob", "200", "presence", "", PIDF, STR(PRESENCE(BASIC("open")))), 200);
	assert_int_equal(state_of("200"), EXTEN_IDLE);
}

/* ---- who sees it ------------------------------------------------------------------------------- */

static bool sent(enum sip_method m, const char *text)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.sent[i]->method == m && str_find(t.sent[i]->body, str_z(text)) < t.sent[i]->body.n)
			return true;
	return false;
}

static void watched(void **state)
{
	(void)state;
	begin(ENDPOINTS OWN);
	wire_come(&t, "127.0.0.1:5062", "SUBSCRIBE sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKs\r\n"
		  "From: <sip:bob@x>;tag=2\r\nTo: <sip:101@x>\r\nCall-ID: s\r\nCSeq: 1 SUBSCRIBE\r\nEvent: presence\r\n"
		  "Contact: <sip:bob@127.0.0.1:5062>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n");
	world_pass(&t.w, 20);
	assert_true(sent(SIP_NOTIFY, "<note>Ready</note>"));
	wire_reply(&t, SIP_NOTIFY, 200, "");
	assert_int_equal(dialog("", INFO(DIALOG("1", "", "confirmed"))), 200);
	assert_true(sent(SIP_NOTIFY, "<note>On the phone</note>"));
}

/* Its own device is that of whoever publishes; other servers hear of it too. */
static void shared(void **state)
{
	(void)state;
	begin(ENDPOINTS OWN "[out]\ntype=outbound-publish\nserver_uri=sip:shared@127.0.0.1:5069\nevent=asterisk-devicestate\n"
	      "@device_state_filter=alice\n");
	assert_true(sent(SIP_PUBLISH, "\"device\":\"PJSIP/alice\",\"state\":\"UNAVAILABLE\""));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	assert_int_equal(presence("", PRESENCE(BASIC("open") ACTIVE("on-the-phone"))), 200);
	assert_int_equal(state_of("100"), EXTEN_INUSE);
	assert_true(sent(SIP_PUBLISH, "\"device\":\"PJSIP/alice\",\"state\":\"INUSE\""));
}

/* ---- the protocol -------------------------------------------------------------------------------- */

static void tags(void **state)
{
	char etag[80], line[128];
	struct taken_counters n;

	(void)state;
	begin(ENDPOINTS OWN "[101]\ntype=inbound-publication\nevent_dialog=Custom:one\n");
	assert_int_equal(dialog("Expires: 100000\r\n", INFO(DIALOG("1", "", "confirmed"))), 200);
	assert_string_equal(wire_header(response(), "Expires"), "86400");
	snprintf(etag, sizeof(etag), "%s", wire_header(response(), "SIP-ETag"));
	snprintf(line, sizeof(line), "SIP-If-Match: %s\r\n", etag);
	/* Somebody else's, another event's, another resource's. */
	assert_int_equal(come("bob", "100", "dialog", line, "", STR_NULL), 412);
	assert_int_equal(presence(line, ""), 412);
	assert_int_equal(come("alice", "101", "dialog", line, "", STR_NULL), 412);
	/* What cannot be read changes nothing. */
	assert_int_equal(dialog(line, "<nothing/>"), 400);
	assert_int_equal(dialog(line, ""), 200);
	assert_string_not_equal(wire_header(response(), "SIP-ETag"), etag);
	assert_string_equal(wire_header(response(), "Expires"), "3600");
	assert_int_equal(dialog(line, ""), 412);
	assert_int_equal(state_of("101"), EXTEN_INUSE);
	assert_int_equal(dialog("Expires: 60\r\n", INFO(DIALOG("1", "", "confirmed"))), 200);
	assert_int_equal(dialog(match("SIP-If-Match: other\r\n"), ""), 400);
	world_pass(&t.w, 61000);
	compositor_count(t.svc, &n);
	assert_int_equal(n.begun, 2);
	assert_int_equal(n.renewed, 1);
	assert_int_equal(n.expired, 1);
	assert_int_equal(n.now, 1);
	assert_true(n.refused >= 4);
}

static bool explained(const char *what, const char *text)
{
	struct buf b = BUF_INIT;
	bool found;

	reasons_explain(t.svc->reasons, str_z(what), 20, &b);
	found = str_find(buf_view(&b), str_z(text)) < b.n;
	buf_free(&b);
	return found;
}

static void refused(void **state)
{
	(void)state;
	begin(ENDPOINTS OWN OTHERS "[shared]\ntype=inbound-publication\nevent_asterisk-devicestate=both\n"
	      "[both]\ntype=asterisk-publication\ndevice_state=yes\n");
	assert_int_equal(come("alice", "100", "conference", "", PIDF, STR("x")), 489);
	assert_string_equal(wire_header(response(), "Allow-Events"), "asterisk-devicestate, asterisk-mwi, presence, dialog");
	assert_int_equal(come("bob", "100", "presence", "", PIDF, STR(PRESENCE(BASIC("closed")))), 403);
	assert_true(explained("bob", "PUBLISH for '100', event 'presence'"));
	assert_int_equal(come("alice", "nobody", "presence", "", PIDF, STR("x")), 404);
	assert_int_equal(come("alice", "200", "dialog", "", DIALOGS, STR("x")), 404);
	assert_int_equal(come("bob", "200", "presence", "Expires: 59\r\n", PIDF, STR(PRESENCE(BASIC("open")))), 423);
	assert_string_equal(wire_header(response(), "Min-Expires"), "60");
	assert_int_equal(presence("", ""), 400);
	assert_int_equal(presence("Expires: 0\r\n", PRESENCE(BASIC("open"))), 412);
	assert_int_equal(come("alice", "100", "presence", "", DIALOGS, STR(INFO(""))), 415);
	assert_string_equal(wire_header(response(), "Accept"), PIDF);
	assert_int_equal(come("alice", "100", "presence", "Content-Encoding: gzip\r\n", PIDF, STR("x")), 415);
	assert_int_equal(presence("", INFO("")), 400);
	assert_int_equal(dialog("", INFO("<dialog id=\"1\"/>")), 400);
	assert_int_equal(presence("", PRESENCE(BASIC("open"))), 200);
	assert_true(explained("alice", "event 'presence', begun: NOT_INUSE, 3600 s"));
}

/* `n` times `one` between two ends. */
static struct str many(struct buf *b, const char *head, const char *one, size_t n, const char *tail)
{
	buf_reset(b);
	buf_put(b, str_z(head));
	while (n--)
		buf_put(b, str_z(one));
	buf_put(b, str_z(tail));
	return buf_err(b) ? STR_NULL : buf_view(b);
}

static void hostile(void **state)
{
	static const char bomb[] = "<?xml version=\"1.0\"?><!DOCTYPE p [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
		"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\">&b;</presence>";
	static const char fetch[] = "<!DOCTYPE p SYSTEM \"http://127.0.0.1:5070/x.dtd\"><presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>";
	struct buf b = BUF_INIT;
	struct str s;

	(void)state;
	begin(ENDPOINTS OWN "[shared]\ntype=inbound-publication\nevent_asterisk-devicestate=both\n[both]\ntype=asterisk-publication\n"
	      "device_state=yes\n");
	assert_int_equal(presence("", bomb), 400);
	assert_int_equal(presence("", fetch), 400);
	s = many(&b, "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\">", "<a>", 2000, "");
	assert_int_equal(s.n ? come("alice", "100", "presence", "", PIDF, s) : 400, 400);
	s = many(&b, PRESENCE(""), " ", 33000, "");
	assert_int_equal(s.n ? come("alice", "100", "presence", "", PIDF, s) : 413, 413);
	s = many(&b, "", "[", 10000, "");
	assert_int_equal(s.n ? come("alice", "shared", "asterisk-devicestate", "", "application/json", s) : 500, 500);
	s = many(&b, "", "{\"a\":", 10000, "");
	assert_int_equal(s.n ? come("alice", "shared", "asterisk-devicestate", "", "application/json", s) : 500, 500);
	buf_free(&b);
	assert_int_equal(presence("", PRESENCE(BASIC("open"))), 200);
}

/* Nobody fills the server with them. */
static void bounded(void **state)
{
	unsigned n = 0;

	(void)state;
	begin(ENDPOINTS OWN);
	while (n < 100 && presence("", PRESENCE(BASIC("open"))) == 200)
		n++;
	assert_int_equal(n, 64);
	assert_int_equal(response()->status, 503);
	assert_string_equal(wire_header(response(), "Retry-After"), "10");
}

/* Permission that a reload takes away; what stays allowed stays. */
static void other_devices(void **state)
{
	(void)state;
	begin(ENDPOINTS OWN);
	assert_int_equal(dialog("", INFO(DIALOG("1", "", "confirmed"))), 200);
	wire_reload(&t, ENDPOINTS "[100]\ntype=inbound-publication\nendpoint=alice\nevent_dialog=Custom:two\n");
	world_pass(&t.w, 20);
	assert_int_equal(state_of("101"), EXTEN_IDLE);
	assert_int_equal(dialog(match(""), ""), 412);
	assert_int_equal(dialog("", INFO(DIALOG("1", "", "confirmed"))), 200);
	assert_int_equal(state_of("200"), EXTEN_INUSE);
}

static void reloads(void **state)
{
	(void)state;
	begin(ENDPOINTS OWN OTHERS);
	assert_int_equal(dialog("", INFO(DIALOG("1", "", "confirmed"))), 200);
	wire_reload(&t, ENDPOINTS OWN);
	world_pass(&t.w, 20);
	assert_int_equal(state_of("101"), EXTEN_INUSE);
	wire_reload(&t, ENDPOINTS OTHERS);
	world_pass(&t.w, 20);
	assert_int_equal(state_of("101"), EXTEN_IDLE);
}

/* All that there is of one, and made again. */
static void kept(void **state)
{
	struct map_walk w = { 0 };
	struct taken_row row;
	char etag[80], line[128];

	(void)state;
	begin(ENDPOINTS OWN);
	assert_int_equal(dialog("Expires: 600\r\n", INFO(DIALOG("1", "", "early"))), 200);
	world_pass(&t.w, 100000);
	assert_true(compositor_next(t.svc, &w, &row));
	assert_true(str_eq(row.event, STR("dialog")));
	assert_true(str_eq(row.resource, STR("100")));
	assert_true(str_eq(row.endpoint, STR("alice")));
	assert_true(str_eq(row.device, STR("Custom:one")));
	assert_int_equal(row.state, DEV_RINGING);
	assert_int_equal(row.expires_s, 600);
	assert_in_range(row.left_s, 499, 500);
	assert_int_equal(compositor_restore(t.svc, &row), EEXIST);
	snprintf(etag, sizeof(etag), "%.*s", STR_ARG(row.etag));
	map_walk_end(&w);
	wire_close(&t);
	begin(ENDPOINTS OWN);
	row = (struct taken_row){ .etag = str_z(etag), .event = STR("dialog"), .resource = STR("100"), .endpoint = STR("alice"),
		.section = STR("Custom:one"), .state = DEV_RINGING, .expires_s = 600, .left_s = 100 };
	assert_int_equal(compositor_restore(t.svc, &row), 0);
	world_pass(&t.w, 20);
	assert_int_equal(state_of("101"), EXTEN_RINGING);
	snprintf(line, sizeof(line), "SIP-If-Match: %s\r\n", etag);
	assert_int_equal(dialog(line, ""), 200);
	row.etag = STR("another");
	row.endpoint = STR("bob");
	assert_int_equal(compositor_restore(t.svc, &row), EPERM);
	row.event = STR("weather");
	assert_int_equal(compositor_restore(t.svc, &row), EINVAL);
}

int main(void)
{
#define W(f) cmocka_unit_test_teardown(f, close_wire)
	const struct CMUnitTest tests[] = { W(presences), W(dialogs), W(composed), W(closed), W(watched), W(shared), W(tags), W(refused),
		W(hostile), W(bounded), W(reloads), W(other_devices), W(kept) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
