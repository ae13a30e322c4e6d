/* REFER outside of a call: the phone is called, and goes on where Refer-To says. */
#include "alice.h"
#include "pbx/dialplan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => 103,1,Set(GLOBAL(CALLER)=${CALLERID(num)})\n same => n,Set(GLOBAL(BY)=${SIPREFERREDBYHDR})\n"
	" same => n,Dial(PJSIP/bob)\n"
	"[other]\nexten => 900,1,NoOp()\n";
static const char conf[] = WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n" ALICE_LINE BOB_LINE
	"[tied](phone)\naors=alice\nallow_transfer=no\n[homeless](phone)\n[named](phone)\naors=alice\ncallerid=Desk <55>\n";

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, conf);
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

#define TO_103 "Refer-To: <sip:103@127.0.0.1>\r\n"

static unsigned refers(const char *from, unsigned n, const char *more)
{
	char text[2048];

	wire_forget(&t);
	snprintf(text, sizeof(text), "REFER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKr%u\r\nFrom: <sip:%s@127.0.0.1>;tag=r\r\n"
		 "To: <sip:127.0.0.1>\r\nCall-ID: r%u\r\nCSeq: 1 REFER\r\nMax-Forwards: 70\r\nContact: <sip:alice@" ALICE ">\r\n%s"
		 "Content-Length: 0\r\n\r\n", n, from, n, more);
	wire_come(&t, ALICE, text);
	world_turn(&t.w);
	return status(SIP_REFER);
}

/* The newest NOTIFY, which is then answered. */
static void told(const char *state, const char *fragment)
{
	struct sip_msg *m = requested(SIP_NOTIFY, 5061);

	assert_int_equal(strncmp(wire_header(m, "Subscription-State"), state, strlen(state)), 0);
	assert_string_equal(wire_header(m, "Event"), "refer");
	assert_string_equal(wire_header(m, "Content-Type"), "message/sipfrag;version=2.0");
	if (!str_eq(m->body, str_z(fragment)))
		fail_msg("%.*s", STR_ARG(m->body));
	answer(SIP_NOTIFY, 5061, 200, "", "");
	world_turn(&t.w);
}

static void clicked(void **state)
{
	(void)state;
	assert_int_equal(refers("alice", 1, TO_103 "Referred-By: <sip:page@127.0.0.1>\r\n"), 202);
	assert_true(has(str_z(wire_header(response(SIP_REFER), "Contact")), "sip:"));
	told("active;expires=600", "SIP/2.0 100 Trying\r\n");
	/* Her own phone first, at the place that it named. */
	assert_true(str_eq(requested(SIP_INVITE, 5061)->ruri.text, STR("sip:alice@127.0.0.1:5061")));
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW);
	world_turn(&t.w);
	assert_string_equal(global("CALLER"), "alice");
	assert_string_equal(global("BY"), "<sip:page@127.0.0.1>");
	answer(SIP_INVITE, BOB, 180, "", "");
	world_turn(&t.w);
	told("active", "SIP/2.0 180 Ringing\r\n");
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	world_turn(&t.w);
	told("terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
	assert_int_equal(channels(), 2);
}

static void nobody_picks_up(void **state)
{
	(void)state;
	assert_int_equal(refers("alice", 1, TO_103), 202);
	told("active", "SIP/2.0 100 Trying\r\n");
	answer(SIP_INVITE, 5061, 486, "", "");
	world_turn(&t.w);
	told("terminated;reason=noresource", "SIP/2.0 480 Temporarily Unavailable\r\n");
	/* The number called is busy. */
	assert_int_equal(refers("alice", 2, TO_103), 202);
	told("active", "SIP/2.0 100 Trying\r\n");
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW);
	world_turn(&t.w);
	answer(SIP_INVITE, BOB, 486, "", "");
	world_turn(&t.w);
	told("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n");
	/* She hears the tone of a busy line. */
	assert_int_equal(channels(), 1);
}

static void without_subscription(void **state)
{
	(void)state;
	assert_int_equal(refers("named", 1, TO_103 "Refer-Sub: false\r\n"), 202);
	assert_string_equal(wire_header(response(SIP_REFER), "Refer-Sub"), "false");
	assert_int_equal(request(SIP_NOTIFY, 5061), SIZE_MAX);
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW);
	world_turn(&t.w);
	assert_string_equal(global("CALLER"), "55");
	assert_int_equal(refers("alice", 2, TO_103 "Require: nosub\r\n"), 200);
	assert_string_equal(wire_header(response(SIP_REFER), "Refer-Sub"), "");
	assert_int_equal(request(SIP_NOTIFY, 5061), SIZE_MAX);
}

/* The phone subscribes by itself, where it is told to (RFC 7614). */
static void subscribed_to(void **state)
{
	char text[2048];
	struct sip_addr a;

	(void)state;
	assert_int_equal(refers("alice", 1, TO_103 "Require: explicitsub\r\n"), 200);
	assert_int_equal(request(SIP_NOTIFY, 5061), SIZE_MAX);
	assert_int_equal(sip_addr_parse(&a, str_z(wire_header(response(SIP_REFER), "Refer-Events-At"))), 0);
	for (unsigned n = 1; n < 3; n++) {
		snprintf(text, sizeof(text), "SUBSCRIBE %.*s SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKe%u\r\nFrom: <sip:%s@127.0.0.1>;tag=e\r\n"
			 "To: <%.*s>\r\nCall-ID: e%u\r\nCSeq: 1 SUBSCRIBE\r\nMax-Forwards: 70\r\nContact: <sip:alice@" ALICE ">\r\nEvent: refer\r\n"
			 "Accept: message/sipfrag\r\nContent-Length: 0\r\n\r\n", STR_ARG(a.uri_text), n, n == 1 ? "named" : "alice", STR_ARG(a.uri_text), n);
		wire_come(&t, ALICE, text);
		world_turn(&t.w);
		assert_int_equal(status(SIP_SUBSCRIBE), n == 1 ? 489 : 200);
	}
	assert_true(str_eq(requested(SIP_NOTIFY, 5061)->body, STR("SIP/2.0 100 Trying\r\n")));
	answer(SIP_NOTIFY, 5061, 200, "", "");
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW);
	world_turn(&t.w);
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	world_turn(&t.w);
	assert_string_equal(wire_header(requested(SIP_NOTIFY, 5061), "Subscription-State"), "terminated;reason=noresource");
	assert_true(str_eq(requested(SIP_NOTIFY, 5061)->body, STR("SIP/2.0 200 OK\r\n")));
	answer(SIP_NOTIFY, 5061, 200, "", "");
	/* It is known for a while, and its end is told at once. */
	wire_forget(&t);
	text[str_find(str_z(text), STR("Call-ID: e")) + 10] = '7';
	text[str_find(str_z(text), STR("branch=z9hG4bKe")) + 15] = '7';
	wire_come(&t, ALICE, text);
	world_turn(&t.w);
	assert_int_equal(status(SIP_SUBSCRIBE), 200);
	assert_true(str_eq(requested(SIP_NOTIFY, 5061)->body, STR("SIP/2.0 200 OK\r\n")));
	answer(SIP_NOTIFY, 5061, 200, "", "");
	world_turn(&t.w);
	assert_string_equal(wire_header(requested(SIP_NOTIFY, 5061), "Subscription-State"), "terminated;reason=noresource");
	answer(SIP_NOTIFY, 5061, 200, "", "");
	t.deaf = true;
}

static void refused(void **state)
{
	static const struct { const char *from, *more; unsigned status; } tv[] = {
		{ "alice", "", 400 }, { "alice", "Refer-To: <http://x>\r\n", 400 },
		{ "tied", TO_103, 603 }, { "homeless", TO_103, 480 },
		{ "alice", "Refer-To: <sip:900@127.0.0.1>\r\n", 404 },
		{ "alice", "Refer-To: <sip:103@127.0.0.1;method=BYE>\r\n", 603 },
		{ "alice", "Refer-To: <sip:103@127.0.0.1?Replaces=a>\r\n", 603 },
		{ "alice", TO_103 "Target-Dialog: x;local-tag=1;remote-tag=2\r\n", 603 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++)
		if (refers(tv[i].from, (unsigned)i, tv[i].more) != tv[i].status)
			fail_msg("%s %s: %u", tv[i].from, tv[i].more, status(SIP_REFER));
	assert_int_equal(channels(), 0);
}

/* Eight at a time; and the end of the service while they ring. */
static void bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(refers("alice", i, TO_103 "Refer-Sub: false\r\n"), 202);
	assert_int_equal(refers("alice", 9, TO_103), 503);
	assert_string_equal(wire_header(response(SIP_REFER), "Retry-After"), "10");
	wire_forget(&t);
	t.deaf = true;
	world_pass(&t.w, 70000);
	t.deaf = false;
	assert_int_equal(refers("alice", 10, TO_103), 202);
	wire_forget(&t);
	t.deaf = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(clicked), T(nobody_picks_up), T(without_subscription), T(subscribed_to), T(refused), T(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
