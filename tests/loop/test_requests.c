/* What a call leg does with requests of the peer beside offers: who is refused
 * before there is a call, INFO, MESSAGE and others within one, and reliable
 * provisional responses (RFC 3262) in both directions. */
#include "alice.h"
#include "base/log.h"
#include "service/call/session.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => short,1,Answer()\n same => n,Hangup()\n"
	"exten => read,1,Answer()\n same => n,Read(GOT,,1)\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n"
	"exten => sips,1,Dial(PJSIP/bob/sips:bob@127.0.0.1:5062)\n"
	"exten => slow,1,Ringing()\n same => n,Progress()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => 5551,1,Wait(600)\n";

#define CONF(alice_has) \
	WIRE_UDP \
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n" \
	"[alice](phone)\naors=alice\n" alice_has "[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n" \
	BOB_LINE

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, CONF(""));
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(0);
	wire_close(&t);
	return 0;
}

/* A request of alice's within the call to `exten`, with a body that is no SDP. */
static void alice_says(const char *method, const char *exten, unsigned cseq, const char *type, const char *body)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s sip:%s@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bK%usay%u\r\n"
		 "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:%s@127.0.0.1>;tag=%s\r\nCall-ID: c%u\r\nCSeq: %u %s\r\n"
		 "Max-Forwards: 70\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
		 method, exten, call_number, cseq, exten, tag, call_number, cseq, method, type, strlen(body), body);
	wire_come(&t, ALICE, text);
}

static struct sip_msg *last(void)
{
	assert_non_null(wire_last(&t));
	return wire_last(&t);
}

/* ---- refused before there is a call ------------------------------------------------------- */

static void unknown_to_us(void **state)
{
	(void)state;
	alice("UPDATE", "up", 1, "", "");
	assert_int_equal(last()->status, 405);
	assert_true(has(str_z(wire_header(last(), "Allow")), "INVITE"));
	alice("DANCE", "up", 2, "", "");
	assert_int_equal(last()->status, 501);
	alice("INVITE", "up", 3, "Require: timer, teleport\r\nRequire: levitate\r\n", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 420);
	assert_string_equal(wire_header(response(SIP_INVITE), "Unsupported"), "teleport, levitate");
	assert_true(has(str_z(wire_header(response(SIP_INVITE), "Supported")), "replaces"));
	assert_int_equal(channels(), 0);
}

/* The newest line of `pjsip explain alice`. */
static bool explains(const char *what)
{
	struct buf b = BUF_INIT;
	bool found;

	reasons_explain(t.svc->reasons, STR("alice"), 1, &b);
	found = strstr(buf_z(&b), what) != NULL;
	if (!found)
		print_error("%s\n", buf_z(&b));
	buf_free(&b);
	return found;
}

/* A sips URI that came in the open, or would have to go so (RFC 5630). */
static void sips_over_nothing_but_tls(void **state)
{
	static const char *const methods[] = { "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "REGISTER" };
	char text[512];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
		snprintf(text, sizeof(text), "%s sips:up@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKsips%u\r\n"
			 "From: <sip:alice@127.0.0.1>;tag=s\r\nTo: <sip:up@127.0.0.1>\r\nCall-ID: sips%u\r\nCSeq: 1 %s\r\n"
			 "Contact: <sip:alice@" ALICE ">\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", methods[i], i, i, methods[i]);
		wire_come(&t, ALICE, text);
		assert_int_equal(last()->status, 403);
		assert_true(explains("a sips URI came over UDP"));
	}
	assert_int_equal(channels(), 0);
}

static bool bob_explains(const char *what)
{
	struct buf b = BUF_INIT;
	bool found;

	reasons_explain(t.svc->reasons, STR("bob"), 1, &b);
	found = strstr(buf_z(&b), what) != NULL;
	if (!found)
		print_error("%s\n", buf_z(&b));
	buf_free(&b);
	return found;
}

/* Whether the endpoint names a transport or any would do. */
static void sips_is_not_called_in_the_open(void **state)
{
	static const char *const confs[] = { CONF(""), CONF("") "[bob](+)\ntransport=udp\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(confs); i++) {
		wire_reload(&t, confs[i]);
		wire_forget(&t);
		alice("INVITE", "sips", 1, "", SDP_ULAW);
		world_turn(&t.w);
		assert_true(request(SIP_INVITE, BOB) == SIZE_MAX);
		assert_int_equal(status(SIP_INVITE), 503);
		assert_true(bob_explains("a sips URI goes over TLS and nothing else"));
		alice_starts_anew();
	}
}

/* A call that began with a sips URI over TLS is one whose requests go nowhere else (RFC 3261 12.1.1), also where the
 * Contact is none: test_ua has what becomes of them. */
static void secure_dialogs_are_known(void **state)
{
	static const char *const uris[] = { "sip", "sips" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(uris); i++) {
		char text[700];

		wire_forget(&t);
		snprintf(text, sizeof(text), "INVITE %s:up@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS " ALICE ";branch=z9hG4bKsec%u\r\n"
			 "From: <sip:alice@127.0.0.1>;tag=s\r\nTo: <sip:up@127.0.0.1>\r\nCall-ID: sec%u\r\nCSeq: 1 INVITE\r\n"
			 "Contact: <sip:alice@" ALICE ">\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n"
			 "Content-Length: %zu\r\n\r\n%s", uris[i], i, i, sizeof(SDP_ULAW) - 1, SDP_ULAW);
		wire_come_by(&t, NET_TLS, 7, ALICE, text);
		world_turn(&t.w);
		assert_int_equal(status(SIP_INVITE), 200);
		assert_int_equal(session_dialog(session_of_channel(channel_at(i)))->secure, i);
	}
}

static void of_a_dialog_that_is_not_there(void **state)
{
	static const char *const methods[] = { "INVITE", "BYE", "PRACK", "UPDATE", "INFO", "SUBSCRIBE", "NOTIFY" };

	(void)state;
	str_copy(tag, sizeof(tag), STR("gone"));
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
		alice(methods[i], "up", i + 1, "Event: x\r\n", "");
		assert_int_equal(last()->status, 481);
	}
}

static void bodies_and_addresses_that_are_none(void **state)
{
	(void)state;
	wire_come(&t, ALICE, "INVITE urn:service:sos SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKu\r\n"
		  "From: <sip:alice@127.0.0.1>;tag=u\r\nTo: <urn:service:sos>\r\nCall-ID: u\r\nCSeq: 1 INVITE\r\n"
		  "Contact: <sip:alice@" ALICE ">\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(status(SIP_INVITE), 416);
	wire_come(&t, ALICE, "INVITE sip:up@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKm\r\n"
		  "From: <sip:alice@127.0.0.1>;tag=m\r\nTo: <sip:up@127.0.0.1>\r\nCall-ID: m\r\nCSeq: 1 INVITE\r\n"
		  "Contact: <mailto:alice@example.org>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(status(SIP_INVITE), 416);
	wire_come(&t, ALICE, "INVITE sip:up@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKb\r\n"
		  "From: <sip:alice@127.0.0.1>;tag=b\r\nTo: <sip:up@127.0.0.1>\r\nCall-ID: b\r\nCSeq: 1 INVITE\r\n"
		  "Contact: <sip:alice@" ALICE ">\r\nMax-Forwards: 70\r\nContent-Type: text/html\r\n"
		  "Content-Disposition: render;handling=required\r\nContent-Length: 2\r\n\r\nhi");
	assert_int_equal(status(SIP_INVITE), 415);
	assert_string_equal(wire_header(response(SIP_INVITE), "Accept"), "application/sdp");
	assert_int_equal(channels(), 0);
	/* What has no type is no body: an INVITE without an offer. */
	wire_forget(&t);
	wire_come(&t, ALICE, "INVITE sip:nobody@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKn\r\n"
		  "From: <sip:alice@127.0.0.1>;tag=n\r\nTo: <sip:nobody@127.0.0.1>\r\nCall-ID: n\r\nCSeq: 1 INVITE\r\n"
		  "Contact: <sip:alice@" ALICE ">\r\nMax-Forwards: 70\r\n\r\nContent-Length: 0\r\n");
	assert_int_equal(status(SIP_INVITE), 404);
}

static void too_many_calls(void **state)
{
	(void)state;
	t.w.pbx->calls_max = 1;
	alice_talks("up");
	alice_starts_anew();
	alice("INVITE", "up", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 503);
	assert_true(wire_header(response(SIP_INVITE), "Retry-After")[0]);
	alice("OPTIONS", "up", 2, "", "");      /* calls alone are refused */
	assert_int_equal(status(SIP_OPTIONS), 200);
	assert_int_equal(channels(), 1);
}

static uint64_t free_mb;

static uint64_t fake_free(void)
{
	return free_mb;
}

/* asterisk.conf minmemfree: calls are refused, and nothing else. */
static void too_little_memory(void **state)
{
	(void)state;
	t.svc->load.least_mb = 100;
	t.svc->load.available_mb = fake_free;
	free_mb = 99;
	alice("INVITE", "up", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 503);
	alice_starts_anew();
	alice("OPTIONS", "up", 1, "", "");
	assert_int_equal(status(SIP_OPTIONS), 200);
	free_mb = 100;
	world_pass(&t.w, 1100);
	alice_starts_anew();
	alice_calls("up");
	assert_int_equal(status(SIP_INVITE), 200);
	/* The kernel says something. */
	t.svc->load.available_mb = NULL;
	t.svc->load.least_mb = 1;
	world_pass(&t.w, 1100);
	alice_starts_anew();
	alice_calls("up");
	assert_int_equal(status(SIP_INVITE), 200);
}

static void while_it_stops(void **state)
{
	(void)state;
	service_stop(t.svc);
	alice("INVITE", "up", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 503);
	service_resume(t.svc);
	alice_starts_anew();
	alice("INVITE", "up", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
}

static void more_digits_may_follow(void **state)
{
	(void)state;
	alice("INVITE", "55", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 484);
	wire_reload(&t, CONF("allow_overlap=no\n"));
	alice_starts_anew();
	alice("INVITE", "55", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 404);
}

/* ---- within a call --------------------------------------------------------------------------- */

static void digits_by_info(void **state)
{
	static const struct { const char *type, *body, *got; } tv[] = {
		{ "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5" },
		{ "application/dtmf-relay", "Signal= *\r\nDuration=99999\r\n", "*" },
		{ "application/dtmf-relay", "Signal=12\r\n", "A" }, { "application/dtmf", "7", "7" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		alice_talks("read");
		world_pass(&t.w, 600);
		alice_says("INFO", "read", 2, tv[i].type, tv[i].body);
		assert_int_equal(status(SIP_INFO), 200);
		world_pass(&t.w, 1000);
		assert_string_equal(world_var(only_channel(), "GOT"), tv[i].got);
		alice("BYE", "read", 3, "", "");
		assert_int_equal(channels(), 0);
	}
}

static void other_infos(void **state)
{
	static const struct { const char *type, *body; unsigned status; } tv[] = {
		{ "application/dtmf-relay", "Signal=16\r\n", 200 }, { "application/dtmf-relay", "Duration=5\r\n", 200 },
		{ "application/dtmf-relay", "", 200 }, { "text/plain", "", 200 }, { "text/plain", "hello", 415 },
	};

	(void)state;
	alice_talks("read");
	world_pass(&t.w, 600);
	for (unsigned i = 0; i < ARRAY_LEN(tv); i++) {
		alice_says("INFO", "read", 2 + i, tv[i].type, tv[i].body);
		assert_int_equal(status(SIP_INFO), tv[i].status);
	}
	world_pass(&t.w, 1000);
	assert_string_equal(world_var(only_channel(), "GOT"), "");      /* a flash is no digit */
}

static void texts_go_to_the_other_leg(void **state)
{
	struct sip_msg *m;

	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	alice_says("MESSAGE", "bob", 2, "text/plain", "hello");
	assert_int_equal(status(SIP_MESSAGE), 202);
	m = requested(SIP_MESSAGE, BOB);
	assert_true(str_eq(m->body, STR("hello")));
	assert_true(str_eq(m->content_type, STR("text/plain")));
}

static void other_requests(void **state)
{
	(void)state;
	alice_talks("up");
	alice("OPTIONS", "up", 2, "", "");
	assert_int_equal(status(SIP_OPTIONS), 200);
	assert_true(has(str_z(wire_header(response(SIP_OPTIONS), "Allow")), "INVITE"));
	assert_true(has(str_z(wire_header(response(SIP_OPTIONS), "Accept")), "application/sdp"));
	assert_true(has(str_z(wire_header(response(SIP_OPTIONS), "Supported")), "100rel"));
	/* force_rport: as if it had been asked for. */
	assert_true(has(str_z(wire_header(response(SIP_OPTIONS), "Via")), ";rport=5061;received=127.0.0.1"));
	alice("PUBLISH", "up", 3, "", "");
	assert_int_equal(last()->status, 405);
	assert_int_equal(channels(), 1);
}

static void after_its_end(void **state)
{
	(void)state;
	alice_calls("short");
	assert_int_equal(channels(), 0);
	/* Our BYE waits for the ACK; theirs does not. */
	alice("INFO", "short", 2, "", "");
	assert_int_equal(status(SIP_INFO), 481);
	alice("BYE", "short", 3, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	alice("ACK", "short", 1, "", "");
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
}

/* Behind a NAT, what she says of herself is wrong; the way of her packets counts. */
static void contact_is_rewritten(void **state)
{
	char text[512];

	(void)state;
	wire_reload(&t, CONF("rewrite_contact=yes\nforce_rport=yes\n"));
	snprintf(text, sizeof(text), "INVITE sip:short@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5099;branch=z9hG4bKn\r\n"
		 "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:short@127.0.0.1>\r\nCall-ID: nat\r\nCSeq: 1 INVITE\r\n"
		 "Contact: <sip:alice:pw@10.0.0.9:5099;ob;transport=tcp;maddr=10.0.0.8>\r\nMax-Forwards: 70\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" SDP_ULAW, strlen(SDP_ULAW));
	wire_come(&t, ALICE, text);
	assert_int_equal(status(SIP_INVITE), 200);
	last();
	assert_int_equal(sa_port(&t.path[t.n - 1].peer), 5061);
	learn_tag();
	snprintf(text, sizeof(text), "ACK sip:short@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5099;branch=z9hG4bKna\r\n"
		 "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:short@127.0.0.1>;tag=%s\r\nCall-ID: nat\r\nCSeq: 1 ACK\r\n"
		 "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n", tag);
	wire_come(&t, ALICE, text);
	assert_true(str_eq(requested(SIP_BYE, 5061)->ruri.text, STR("sip:alice:pw@127.0.0.1:5061;ob")));
}

/* With a Record-Route the first proxy is what packets go to. */
static void route_is_rewritten(void **state)
{
	char text[640];

	(void)state;
	wire_reload(&t, CONF("rewrite_contact=yes\nforce_rport=yes\n"));
	snprintf(text, sizeof(text), "INVITE sip:short@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5099;branch=z9hG4bKn\r\n"
		 "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:short@127.0.0.1>\r\nCall-ID: nat\r\nCSeq: 1 INVITE\r\n"
		 "Record-Route: <sip:10.0.0.7;lr>;x=y, <sip:10.0.0.6;lr>\r\n"
		 "Contact: <sip:alice@10.0.0.9>\r\nMax-Forwards: 70\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" SDP_ULAW, strlen(SDP_ULAW));
	wire_come(&t, ALICE, text);
	learn_tag();
	snprintf(text, sizeof(text), "ACK sip:short@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5099;branch=z9hG4bKna\r\n"
		 "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:short@127.0.0.1>;tag=%s\r\nCall-ID: nat\r\nCSeq: 1 ACK\r\n"
		 "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n", tag);
	wire_come(&t, ALICE, text);
	assert_string_equal(wire_header(requested(SIP_BYE, 5061), "Route"), "<sip:127.0.0.1:5061;lr>;x=y");
	assert_true(has(requested(SIP_BYE, 5061)->bytes, "Route: <sip:10.0.0.6;lr>\r\n"));
	assert_true(str_eq(requested(SIP_BYE, 5061)->ruri.text, STR("sip:alice@10.0.0.9")));
}

/* A proxy of before RFC 3261 ("lr" is missing) wants to stand in the first line itself (12.2.1.1). */
static void strict_route(void **state)
{
	(void)state;
	alice("INVITE", "short", 1, "Record-Route: <sip:127.0.0.1:5070;old>, <sip:127.0.0.1:5071;lr>\r\n", SDP_ULAW);
	learn_tag();
	alice("ACK", "short", 1, "", "");
	assert_true(str_eq(requested(SIP_BYE, 5070)->ruri.text, STR("sip:127.0.0.1:5070;old")));
	assert_true(has(requested(SIP_BYE, 5070)->bytes,
			"Route: <sip:127.0.0.1:5071;lr>\r\nRoute: <sip:alice@127.0.0.1:5061>\r\n"));
}

static char logged[4096];

static void keep_log(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	size_t n = strlen(logged);

	(void)arg;
	(void)level;
	(void)module;
	(void)verbosity;
	snprintf(logged + n, sizeof(logged) - n, "%.*s\n", STR_ARG(line));
}

/* pjsip set logger on */
static void messages_are_logged(void **state)
{
	unsigned mask = log_mask();

	(void)state;
	logged[0] = '\0';
	log_set_sink(keep_log, NULL);
	log_set_mask(mask | 1u << LOG_VERBOSE);
	alice("OPTIONS", "up", 1, "", "");
	assert_string_equal(logged, "");
	sip_log_all(&t.svc->wire.log);
	alice("OPTIONS", "up", 2, "", "");
	log_set_sink(NULL, NULL);
	log_set_mask(mask);
	assert_true(has(str_z(logged), "Received SIP request ("));
	assert_true(has(str_z(logged), "OPTIONS sip:up@127.0.0.1:5060 SIP/2.0\n"));
	assert_true(has(str_z(logged), "CSeq: 2 OPTIONS\n"));
	assert_true(has(str_z(logged), "SIP/2.0 200 OK\n"));
	assert_true(has(str_z(logged), "UDP:127.0.0.1:5061"));
}

/* ---- reliable provisional responses ------------------------------------------------------------ */

static void wanted_or_not(void **state)
{
	(void)state;
	wire_reload(&t, CONF("100rel=no\n"));
	alice("INVITE", "slow", 1, "Require: 100rel\r\n", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 420);
	assert_string_equal(wire_header(response(SIP_INVITE), "Unsupported"), "100rel");
	wire_reload(&t, CONF("100rel=required\n"));
	alice_starts_anew();
	alice("INVITE", "slow", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 421);
	assert_string_equal(wire_header(response(SIP_INVITE), "Require"), "100rel");
	assert_true(has(str_z(wire_header(response(SIP_INVITE), "Supported")), "100rel"));
	alice_starts_anew();
	alice("INVITE", "slow", 1, "Supported: 100rel\r\n", SDP_ULAW);
	assert_string_equal(wire_header(response(SIP_INVITE), "Require"), "100rel");
}

/* PRACK of the newest provisional response. */
static void alice_pracks(unsigned cseq, const char *body)
{
	char rack[64];

	snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\r\n", wire_header(response(SIP_INVITE), "RSeq"));
	alice("PRACK", "slow", cseq, rack, body);
}

static void one_after_the_other(void **state)
{
	unsigned long rseq;

	(void)state;
	alice("INVITE", "slow", 1, "Require: 100rel\r\n", SDP_ULAW);
	learn_tag();
	/* 183 and 200 stand behind the 180. */
	world_pass(&t.w, 1600);
	assert_int_equal(count(SIP_INVITE, 183) + count(SIP_INVITE, 200), 0);
	rseq = strtoul(wire_header(response(SIP_INVITE), "RSeq"), NULL, 10);
	wire_forget(&t);
	{
		char rack[64];

		snprintf(rack, sizeof(rack), "RAck: %lu 1 INVITE\r\n", rseq);
		alice("PRACK", "slow", 2, rack, "");
	}
	assert_int_equal(status(SIP_PRACK), 200);
	assert_int_equal(status(SIP_INVITE), 183);
	assert_int_equal(strtoul(wire_header(response(SIP_INVITE), "RSeq"), NULL, 10), rseq + 1);
	assert_int_equal(count(SIP_INVITE, 200), 0);
	alice_pracks(3, "");
	assert_int_equal(status(SIP_INVITE), 200);
}

static void offer_in_the_prack(void **state)
{
	(void)state;
	alice("INVITE", "slow", 1, "Require: 100rel\r\n", SDP_ULAW);
	learn_tag();
	alice_pracks(2, "");
	assert_int_equal(status(SIP_INVITE), 183);
	assert_true(response(SIP_INVITE)->body.n > 0);  /* the answer to her offer */
	alice_pracks(3, SDP_HEAD "m=audio 6004 RTP/AVP 0\r\n");
	assert_int_equal(status(SIP_PRACK), 200);
	assert_true(has(response(SIP_PRACK)->body, "m=audio 4000 RTP/AVP 0"));
}

static void answer_in_the_prack(void **state)
{
	(void)state;
	alice("INVITE", "slow", 1, "Require: 100rel\r\n", "");
	learn_tag();
	alice_pracks(2, "");
	assert_int_equal(status(SIP_INVITE), 183);
	assert_true(has(response(SIP_INVITE)->body, "m=audio 4000"));   /* our offer */
	alice_pracks(3, SDP_ULAW);
	assert_int_equal(status(SIP_PRACK), 200);
	assert_int_equal(response(SIP_PRACK)->body.n, 0);
}

static void never_acknowledged(void **state)
{
	unsigned seconds = 0;

	(void)state;
	alice("INVITE", "slow", 1, "Require: 100rel\r\n", SDP_ULAW);
	learn_tag();
	/* 64 times T1 (RFC 3262 3). */
	while (count(SIP_INVITE, 504) == 0 && seconds < 70) {
		wire_forget(&t);
		world_pass(&t.w, 1000);
		seconds++;
	}
	assert_int_equal(seconds, 32);
	assert_int_equal(status(SIP_INVITE), 504);
	world_turn(&t.w);
	assert_int_equal(channels(), 0);
}

static void of_the_called(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, BOB, 180, "Require: 100rel\r\nRSeq: 41\r\n", "");
	assert_string_equal(wire_header(requested(SIP_PRACK, BOB), "RAck"), "41 1 INVITE");
	answer(SIP_PRACK, BOB, 200, "", "");
	/* the same again and one that is older: no other PRACK */
	answer(SIP_INVITE, BOB, 180, "Require: 100rel\r\nRSeq: 41\r\n", "");
	answer(SIP_INVITE, BOB, 180, "Require: 100rel\r\nRSeq: 40\r\n", "");
	{
		size_t n = 0;

		for (size_t i = 0; i < t.n; i++)
			n += t.sent[i]->request && t.sent[i]->method == SIP_PRACK;
		assert_int_equal(n, 1);
	}
	answer(SIP_INVITE, BOB, 183, "Require: 100rel\r\nRSeq: 42\r\n", SDP_ULAW);
	assert_string_equal(wire_header(requested(SIP_PRACK, BOB), "RAck"), "42 1 INVITE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(unknown_to_us), T(sips_over_nothing_but_tls), T(sips_is_not_called_in_the_open), T(secure_dialogs_are_known), T(of_a_dialog_that_is_not_there), T(bodies_and_addresses_that_are_none),
		T(too_many_calls), T(too_little_memory), T(while_it_stops), T(more_digits_may_follow), T(digits_by_info), T(other_infos),
		T(texts_go_to_the_other_leg), T(other_requests), T(after_its_end), T(contact_is_rewritten),
		T(route_is_rewritten), T(strict_route), T(messages_are_logged), T(wanted_or_not),
		T(one_after_the_other), T(offer_in_the_prack),
		T(answer_in_the_prack), T(never_acknowledged), T(of_the_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
