/* Publications of ours (type=outbound-publish), as their server sees them: each option, the states of
 * hints, a reload, the end. */
#include "svc_wire.h"
#include "pbx/devstate.h"
#include "service/common/reason.h"
#include "service/event/publish.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PUB(more) WIRE_UDP "[far]\ntype=outbound-publish\nserver_uri=sip:far@127.0.0.1:5061\n" more
#define PIDF "event=presence\n@body=application/pidf+xml\n"
#define DIALOG "event=dialog\n@body=application/dialog-info+xml\n"

static const char plan[] = "[default]\nexten => 100,hint,Custom:one\nexten => 200,hint,Custom:two\n"
	"[other]\nexten => Hall,hint,Custom:two\n";

static struct wire t;

static int close_wire(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static bool body_has(const struct sip_msg *m, const char *text)
{
	return m && str_find(m->body, str_z(text)) < m->body.n;
}

static void set(const char *device, enum device_state s)
{
	assert_int_equal(device_set_custom(t.w.pbx, str_z(device), s), 0);
	world_pass(&t.w, 20);
}

static void begin(const char *pjsip)
{
	wire_open(&t, plan, pjsip);
	world_pass(&t.w, 900);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 200);
}

/* The state there is at the start is said first. */
static void pidf(void **state)
{
	struct sip_msg *m;

	(void)state;
	begin(PUB(PIDF "@exten=^1\n"));
	assert_int_equal(t.n, 1);
	m = wire_last(&t);
	assert_int_equal(m->method, SIP_PUBLISH);
	assert_true(str_eq(m->ruri.text, STR("sip:100@127.0.0.1:5061")));
	assert_string_equal(wire_header(m, "Event"), "presence");
	assert_string_equal(wire_header(m, "Expires"), "3600");
	assert_string_equal(wire_header(m, "To"), "<sip:100@127.0.0.1>");
	assert_true(str_starts(str_z(wire_header(m, "From")), STR("<sip:100@127.0.0.1>;tag=")));
	assert_string_equal(wire_header(m, "Content-Type"), "application/pidf+xml");
	assert_true(body_has(m, "<presence entity=\"sip:100@127.0.0.1:5061\""));
	assert_true(body_has(m, "<contact priority=\"1\">sip:100@127.0.0.1:5061</contact>"));
	assert_true(body_has(m, "<note>Ready</note>"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\nExpires: 60\r\n");
	set("one", DEV_RINGING);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e1");
	assert_true(body_has(wire_last(&t), "<note>Ringing</note>"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e2\r\nExpires: 60\r\n");
	/* Another extension's does not count. */
	set("two", DEV_INUSE);
	assert_int_equal(t.n, 0);
}

static void dialog_info(void **state)
{
	(void)state;
	begin(PUB(DIALOG "@exten=^100$\nfrom_uri=sip:us@192.0.2.7:5080\nto_uri=sip:them@example.com\n"));
	assert_string_equal(wire_header(wire_last(&t), "To"), "<sip:100@example.com>");
	assert_true(str_starts(str_z(wire_header(wire_last(&t), "From")), STR("<sip:100@192.0.2.7>;tag=")));
	assert_true(body_has(wire_last(&t), "version=\"0\" state=\"full\" entity=\"sip:100@192.0.2.7:5080\""));
	assert_true(body_has(wire_last(&t), "<state>terminated</state>"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	set("one", DEV_RINGING);
	assert_true(body_has(wire_last(&t), "version=\"1\""));
	assert_true(body_has(wire_last(&t), "<state>early</state>"));
	assert_true(body_has(wire_last(&t), "<identity>sip:100@192.0.2.7:5080</identity>"));
}

/* Which extensions: both expressions, whatever the case. */
static void filters(void **state)
{
	static const struct { const char *more; size_t n; const char *first; } rows[] = {
		{ "", 3, "" }, { "@context=^OTHER$\n", 1, "sip:Hall@127.0.0.1:5061" }, { "@exten=^[12]00$\n", 2, "" },
		{ "@exten=hall\n", 1, "sip:Hall@127.0.0.1:5061" }, { "@context=default\n@exten=2\n", 1, "sip:200@127.0.0.1:5061" },
		{ "@context=nowhere\n", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char conf[512];

		snprintf(conf, sizeof(conf), "%s%s", PUB(PIDF), rows[i].more);
		begin(conf);
		assert_int_equal(t.n, rows[i].n);
		if (*rows[i].first)
			assert_true(str_eq(wire_last(&t)->ruri.text, str_z(rows[i].first)));
		wire_close(&t);
	}
	wire_open(&t, plan, PUB(PIDF));
}

/* expiration, outbound_auth, max_auth_attempts, outbound_proxy, transport. */
static void options(void **state)
{
	(void)state;
	begin(PUB(PIDF "@exten=100\nexpiration=120\noutbound_auth=me\nmax_auth_attempts=3\n"
		  "outbound_proxy=sip:192.0.2.9\\;lr\ntransport=second\n"
		  "[me]\ntype=auth\nauth_type=userpass\nusername=me\npassword=pw\n"
		  "[second]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5090\n"));
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "120");
	assert_string_equal(wire_header(wire_last(&t), "Route"), "<sip:192.0.2.9;lr>");
	assert_true(str_find(str_z(wire_header(wire_last(&t), "Via")), STR("127.0.0.1:5090")) < 40);
	for (unsigned i = 0; i < 2; i++) {
		wire_reply(&t, SIP_PUBLISH, 401, "WWW-Authenticate: Digest realm=\"far\",nonce=\"1\",stale=true\r\n");
		assert_true(str_starts(str_z(wire_header(wire_last(&t), "Authorization")), STR("Digest username=\"me\"")));
	}
	/* The third is one too many: nothing more goes out. */
	wire_reply(&t, SIP_PUBLISH, 401, "WWW-Authenticate: Digest realm=\"far\",nonce=\"1\",stale=true\r\n");
	assert_int_equal(t.n, 0);
	set("one", DEV_INUSE);
	assert_int_equal(t.n, 0);
}

/* What did not change stays as it is; what did is taken back and published anew. */
static void reloads(void **state)
{
	(void)state;
	begin(PUB(PIDF "@exten=100\n"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	wire_reload(&t, PUB(PIDF "@exten=100\n"));
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 0);
	wire_reload(&t, PUB(PIDF "@exten=200\n"));
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 2);
	assert_string_equal(wire_header(t.sent[0], "SIP-If-Match"), "e1");
	assert_string_equal(wire_header(t.sent[0], "Expires"), "0");
	assert_true(str_eq(t.sent[1]->ruri.text, STR("sip:200@127.0.0.1:5061")));
	wire_answer(&t, 0, 200, "");
	wire_answer(&t, 1, 200, "SIP-ETag: e2\r\n");
	wire_forget(&t);
	wire_reload(&t, WIRE_UDP);
	world_pass(&t.w, 20);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e2");
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	assert_true(publications_busy(t.svc));
	wire_reply(&t, SIP_PUBLISH, 200, "");
	assert_false(publications_busy(t.svc));
	set("two", DEV_BUSY);
	assert_int_equal(t.n, 0);
}

/* What is changed as it stands: nothing is taken back. */
static void reloads_in_place(void **state)
{
	(void)state;
	begin(PUB(PIDF "@exten=100\n"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	wire_reload(&t, PUB(PIDF "@exten=100\nexpiration=77\n"));
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 0);
	set("one", DEV_BUSY);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "77");
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e1");
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e2\r\n");
	/* One more is let in, and the one that was there is left alone. */
	wire_reload(&t, PUB(PIDF "@exten=00\n"));
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 1);
	assert_true(str_eq(wire_last(&t)->ruri.text, STR("sip:200@127.0.0.1:5061")));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: f1\r\n");
	wire_reload(&t, PUB(PIDF "@exten=200\n"));
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 1);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e2");
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
}

/* What a PUBLISH looks into lives as long as it does, whatever a reload replaces. */
static void another_agent(void **state)
{
	(void)state;
	begin(PUB(PIDF "@exten=100\n"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	for (unsigned i = 0; i < 3; i++) {
		char conf[512], agent[64];

		snprintf(agent, sizeof(agent), "another one, the %uth, longer than any short string is", i);
		snprintf(conf, sizeof(conf), "%s[global]\ntype=global\nuser_agent=%s\n", PUB(PIDF "@exten=100\n"), agent);
		wire_reload(&t, conf);
		world_pass(&t.w, 20);
		assert_int_equal(t.n, 0);
		set("one", i % 2 ? DEV_NOT_INUSE : DEV_INUSE);
		assert_string_equal(wire_header(wire_last(&t), "User-Agent"), agent);
		wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e2\r\n");
	}
	/* One that waits for its answer meanwhile, and is challenged after. */
	set("one", DEV_BUSY);
	wire_reload(&t, PUB(PIDF "@exten=100\noutbound_proxy=sip:192.0.2.9\\;lr\n"));
	world_pass(&t.w, 20);
	wire_reload(&t, WIRE_UDP);
	world_pass(&t.w, 20);
	wire_answer(&t, 0, 200, "SIP-ETag: e3\r\n");
	world_pass(&t.w, 20);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e3");
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
}

#define AUTH(name, realm, password) "[" name "]\ntype=auth\nauth_type=userpass\nusername=" name "\nrealm=" realm "\npassword=" password "\n"

/* Of several the one whose realm asks; a wrong password ends it until it is put right. */
static void realms(void **state)
{
	(void)state;
	begin(PUB(PIDF "@exten=100\noutbound_auth=here,there\nmax_auth_attempts=2\n") AUTH("here", "here.example", "1")
	      AUTH("there", "there.example", "2"));
	wire_reply(&t, SIP_PUBLISH, 401, "WWW-Authenticate: Digest realm=\"there.example\",nonce=\"1\"\r\n");
	assert_true(str_starts(str_z(wire_header(wire_last(&t), "Authorization")), STR("Digest username=\"there\"")));
	wire_reply(&t, SIP_PUBLISH, 401, "WWW-Authenticate: Digest realm=\"there.example\",nonce=\"2\"\r\n");
	assert_int_equal(t.n, 0);
	set("one", DEV_BUSY);
	assert_int_equal(t.n, 0);
	wire_reload(&t, PUB(PIDF "@exten=100\noutbound_auth=here,there\nmax_auth_attempts=2\n") AUTH("here", "here.example", "1")
		    AUTH("there", "there.example", "3"));
	world_pass(&t.w, 20);
	wire_reply(&t, SIP_PUBLISH, 407, "Proxy-Authenticate: Digest realm=\"here.example\",nonce=\"3\"\r\n");
	assert_true(str_starts(str_z(wire_header(wire_last(&t), "Proxy-Authorization")), STR("Digest username=\"here\"")));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	assert_int_equal(t.n, 0);
}

/* Extensions have users, with multi_user or without it; states that servers share have none. */
static void users(void **state)
{
	(void)state;
	begin(PUB(PIDF "multi_user=yes\n"));
	assert_int_equal(t.n, 3);
	wire_close(&t);
	begin(PUB("event=asterisk-devicestate\n"));
	set("one", DEV_BUSY);
	assert_int_equal(t.n, 1);
	wire_close(&t);
	begin(PUB("event=asterisk-devicestate\nmulti_user=yes\n"));
	set("one", DEV_BUSY);
	assert_int_equal(t.n, 0);
}

/* What the console lists, counts and has said again. */
static void listed(void **state)
{
	struct publisher_walk w = { 0 };
	struct publish_counters n;
	struct publisher_row row;
	struct buf b = BUF_INIT;

	(void)state;
	begin(PUB(PIDF "@exten=00\n"));
	assert_int_equal(t.n, 2);
	wire_answer(&t, 0, 200, "SIP-ETag: e1\r\nExpires: 100\r\n");
	wire_answer(&t, 1, 503, "Retry-After: 30\r\n");
	wire_forget(&t);
	reasons_explain(t.svc->reasons, STR("far"), 5, &b);
	assert_true(str_find(buf_view(&b), STR("PUBLISH to 'sip:200@127.0.0.1:5061', event 'presence', not taken there; another")) < b.n);
	buf_free(&b);
	publications_count(t.svc, &n);
	assert_int_equal(n.accepted, 1);
	assert_int_equal(n.refused, 1);
	assert_int_equal(n.now, 1);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(publisher_next(t.svc, &w, &row));
		assert_true(str_eq(row.section, STR("far")));
		assert_true(str_eq(row.event, STR("presence")));
		if (row.etag.n) {
			assert_string_equal(row.state, "published");
			assert_int_equal(row.status, 200);
			assert_in_range(row.left_s, 89, 90);
		} else {
			assert_string_equal(row.state, "refused");
			assert_int_equal(row.status, 503);
			assert_in_range(row.left_s, 29, 30);
		}
	}
	assert_false(publisher_next(t.svc, &w, &row));
	publisher_walk_end(&w);
	/* What waits after trouble waits on. */
	assert_int_equal(publications_send(t.svc, STR("nobody")), ENOENT);
	assert_int_equal(publications_send(t.svc, STR("far")), 0);
	world_pass(&t.w, 20);
	assert_int_equal(t.n, 1);
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "e1");
}

/* A stop takes all back and waits for it; a stop that is taken back says all again. */
static void stops(void **state)
{
	(void)state;
	begin(PUB(PIDF "@exten=100\n"));
	wire_reply(&t, SIP_PUBLISH, 200, "SIP-ETag: e1\r\n");
	publications_stop(t.svc);
	world_pass(&t.w, 20);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	assert_true(publications_busy(t.svc));
	wire_reply(&t, SIP_PUBLISH, 200, "");
	assert_false(publications_busy(t.svc));
	set("one", DEV_BUSY);
	assert_int_equal(t.n, 0);
	publications_resume(t.svc);
	world_pass(&t.w, 20);
	assert_true(body_has(wire_last(&t), "<note>On the phone</note>"));
	assert_string_equal(wire_header(wire_last(&t), "SIP-If-Match"), "");
}

/* Events that nothing here publishes are left alone. */
static void others(void **state)
{
	(void)state;
	begin(PUB("event=asterisk-devicestate\n"));
	assert_int_equal(t.n, 0);
	assert_false(publications_busy(t.svc));
}

int main(void)
{
#define W(f) cmocka_unit_test_teardown(f, close_wire)
	const struct CMUnitTest tests[] = { W(pidf), W(dialog_info), W(filters), W(options), W(reloads), W(reloads_in_place), W(another_agent), W(realms), W(users),
		W(listed), W(stops), W(others) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
