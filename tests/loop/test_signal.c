/* What options of signalling change in the messages of a call: each test fails when its
 * option is ignored. */
#include "alice.h"
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
	"exten => _b.,1,Dial(PJSIP/${EXTEN},,g)\n same => n,Set(GLOBAL(was)=${DIALSTATUS})\n same => n,Hangup()\n"
	"exten => hi,1,Dial(PJSIP/bplain)\n";

#define CONF \
	"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\n" \
	"[au]\ntype=auth\nusername=u\npassword=p\n" \
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\naors=bob\noutbound_auth=au\n" \
	"[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n" \
	"[alice](phone)\naors=alice\n[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n" \
	"[bplain](phone)\n[btimer](phone)\ntimers=required\n[bboth](phone)\ntimers=required\n100rel=required\n" \
	"[bbare](phone)\ntimers=no\n100rel=no\n[bkeep](phone)\ntimers=always\n" \
	"[buser](phone)\nredirect_method=user\n[bcore](phone)\nredirect_method=uri_core\n" \
	"[bpjsip](phone)\nredirect_method=uri_pjsip\n"

static int setup_conf(const char *more)
{
	char text[sizeof(CONF) + 256];

	snprintf(text, sizeof(text), "%s%s", CONF, more);
	wire_open(&t, plan, text);
	alice_begins();
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_conf("");
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

static bool said(const struct sip_msg *m, const char *what)
{
	return m && has(m->bytes, what);
}

/* ---- what is offered and asked for ------------------------------------------------------------- */

static void test_timer_required(void **state)
{
	(void)state;
	alice_calls("btimer");
	assert_true(said(requested(SIP_INVITE, BOB), "\r\nRequire: timer\r\n"));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_true(request(SIP_ACK, BOB) != SIZE_MAX);
	assert_true(said(requested(SIP_BYE, BOB), "\r\nReason: SIP;cause=421;"));
	answer(SIP_BYE, BOB, 200, "", "");
	assert_string_equal(global("was"), "ANSWER");
}

static void test_timer_required_and_kept(void **state)
{
	(void)state;
	alice_calls("btimer");
	answer(SIP_INVITE, BOB, 200, "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n", SDP_ULAW);
	assert_true(request(SIP_BYE, BOB) == SIZE_MAX);
	learn_tag();
	alice("ACK", "btimer", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 46000);
	/* The re-INVITE asks for it too. */
	assert_true(said(requested(SIP_INVITE, BOB), "\r\nRequire: timer\r\n"));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_true(said(requested(SIP_BYE, BOB), "cause=421;"));
}

static void test_timer_not_required(void **state)
{
	(void)state;
	alice_calls("bkeep");
	assert_false(said(requested(SIP_INVITE, BOB), "\r\nRequire:"));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_true(request(SIP_BYE, BOB) == SIZE_MAX);
}

static void test_what_is_on_is_named(void **state)
{
	static const struct { const char *exten, *supported, *require, *allow; } tv[] = {
		{ "bplain", "\r\nSupported: 100rel, timer, replaces, norefersub, histinfo\r\n", NULL, "PRACK" },
		{ "bboth", "\r\nSupported: 100rel, timer, replaces, norefersub, histinfo\r\n", "\r\nRequire: 100rel, timer\r\n", "PRACK" },
		{ "bbare", "\r\nSupported: replaces, norefersub, histinfo\r\n", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sip_msg *m;

		alice_starts_anew();
		alice_calls(tv[i].exten);
		m = requested(SIP_INVITE, BOB);
		assert_true(said(m, tv[i].supported));
		assert_int_equal(said(m, "\r\nRequire:"), tv[i].require != NULL);
		assert_true(!tv[i].require || said(m, tv[i].require));
		assert_int_equal(said(m, "PRACK"), tv[i].allow != NULL);
	}
	/* What answers names no histinfo, which is asked of whoever is called. */
	alice_starts_anew();
	alice_calls("up");
	assert_true(said(response(SIP_INVITE), "\r\nSupported: 100rel, timer, replaces, norefersub\r\n"));
}

static int setup_norefersub(void **state)
{
	(void)state;
	return setup_conf("[global]\ntype=global\nnorefersub=no\n");
}

static void test_norefersub(void **state)
{
	(void)state;
	alice_calls("bplain");
	assert_false(said(requested(SIP_INVITE, BOB), "norefersub"));
	alice_starts_anew();
	alice_calls("up");
	assert_false(said(response(SIP_INVITE), "norefersub"));
	alice_starts_anew();
	alice("OPTIONS", "up", 9, "", "");
	assert_false(said(response(SIP_OPTIONS), "norefersub"));
	/* Whoever wants no subscription gets none all the same, RFC 4488 asks nobody: the response says that nobody is there
	 * who could be sent on. */
	alice_starts_anew();
	alice_calls("up");
	alice("ACK", "up", 1, "", "");
	alice("REFER", "up", 2, "Refer-To: <sip:bplain@127.0.0.1>\r\nRefer-Sub: false\r\n", "");
	assert_int_equal(status(SIP_REFER), 400);
	assert_true(request(SIP_NOTIFY, 5061) == SIZE_MAX);
}

/* ---- every request of a call ------------------------------------------------------------------------ */

static int setup_hops(void **state)
{
	(void)state;
	return setup_conf("[system]\ntype=system\ndisable_rport=yes\n[global]\ntype=global\nmax_forwards=20\n");
}

static void check_hops(enum sip_method m, uint16_t port)
{
	struct sip_msg *msg = requested(m, port);

	assert_int_equal(msg->max_forwards, 20);
	assert_false(said(msg, ";rport"));
}

static void test_hops_and_rport(void **state)
{
	(void)state;
	/* CANCEL, and the ACK of a refusal */
	alice_calls("bplain");
	check_hops(SIP_INVITE, BOB);
	answer(SIP_INVITE, BOB, 180, "Require: 100rel\r\nRSeq: 1\r\n", "");
	check_hops(SIP_PRACK, BOB);
	answer(SIP_PRACK, BOB, 200, "", "");
	alice("CANCEL", "bplain", 1, "", "");
	check_hops(SIP_CANCEL, BOB);
	answer(SIP_CANCEL, BOB, 200, "", "");
	answer(SIP_INVITE, BOB, 487, "", "");
	check_hops(SIP_ACK, BOB);
	/* re-INVITE, and a fork that lost */
	alice_starts_anew();
	alice_calls("bkeep");
	fork_answer("one", SIP_INVITE, BOB, 200, "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n", SDP_ULAW);
	check_hops(SIP_ACK, BOB);
	fork_answer("two", SIP_INVITE, BOB, 200, "", SDP_ULAW);
	check_hops(SIP_BYE, BOB);
	fork_answer("two", SIP_BYE, BOB, 200, "", "");
	learn_tag();
	alice("ACK", "bkeep", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 45100);
	check_hops(SIP_INVITE, BOB);
	/* ... and what a call of theirs gets from us */
	alice_starts_anew();
	alice_talks("up");
	alice("REFER", "up", 2, "Refer-To: <sip:bplain@127.0.0.1>\r\n", "");
	check_hops(SIP_NOTIFY, 5061);
}

/* ---- user_agent ---------------------------------------------------------------------------------------- */

static int setup_no_agent(void **state)
{
	(void)state;
	return setup_conf("[global]\ntype=global\nuser_agent=\n");
}

static void talk_of_agents(bool some)
{
	alice_calls("bplain");
	assert_int_equal(said(requested(SIP_INVITE, BOB), "\r\nUser-Agent: " GLOBAL_USER_AGENT "\r\n"), some);
	assert_int_equal(said(requested(SIP_INVITE, BOB), "\r\nUser-Agent:"), some);
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_int_equal(said(response(SIP_INVITE), "\r\nServer: " GLOBAL_USER_AGENT "\r\n"), some);
	assert_int_equal(said(response(SIP_INVITE), "\r\nServer:"), some);
	assert_int_equal(said(requested(SIP_ACK, BOB), "\r\nUser-Agent:"), some);
}

static void test_agent_named(void **state)
{
	(void)state;
	talk_of_agents(true);
}

static void test_agent_not_named(void **state)
{
	(void)state;
	talk_of_agents(false);
}

/* ---- redirect_method --------------------------------------------------------------------------------------- */

#define THREE "Contact: <sip:low@127.0.0.1:5065>;q=0.2, <tel:+123>;q=1.0, <sip:mid@127.0.0.1:5064>;q=0.5\r\n" \
	"Contact: \"Hi\" <sip:hi@127.0.0.1:5063>;q=0.9\r\n"
#define REALM "WWW-Authenticate: Digest realm=\"x\",nonce=\"abc\",algorithm=MD5,qop=\"auth\"\r\n"

static void test_redirect_user(void **state)
{
	(void)state;
	alice_calls("buser");
	answer(SIP_INVITE, BOB, 302, THREE, "");
	/* Extension hi of the context. */
	assert_true(request(SIP_INVITE, CARL) == SIZE_MAX);
	assert_int_equal(t.sent[request(SIP_INVITE, BOB)]->cseq, 1);
	assert_int_equal(count(SIP_INVITE, 181), 1);
	answer(SIP_INVITE, BOB, 180, "", "");
	assert_int_equal(count(SIP_INVITE, 180), 1);
}

static void test_redirect_core(void **state)
{
	const struct sip_msg *first, *m;

	(void)state;
	alice_calls("bcore");
	first = obj_hold(requested(SIP_INVITE, BOB));
	answer(SIP_INVITE, BOB, 302, THREE, "");
	m = requested(SIP_INVITE, CARL);
	assert_true(str_eq(m->ruri.user, STR("hi")));
	/* Another call, which says whence it comes; the next one is not asked. */
	assert_false(str_eq(m->call_id, first->call_id));
	assert_int_equal(count(SIP_INVITE, 181), 1);
	answer(SIP_INVITE, CARL, 486, "", "");
	assert_true(request(SIP_INVITE, 5064) == SIZE_MAX);
	assert_int_equal(status(SIP_INVITE), 486);
	obj_drop((void *)(uintptr_t)first);
}

/* One dialog: the same From, To and Call-ID, the next CSeq, and the credentials go along. */
static void test_redirect_pjsip(void **state)
{
	struct sip_msg *first, *m;

	(void)state;
	alice_calls("bpjsip");
	first = obj_hold(requested(SIP_INVITE, BOB));
	answer(SIP_INVITE, BOB, 302, THREE, "");
	m = requested(SIP_INVITE, CARL);
	assert_true(str_eq(m->call_id, first->call_id) && str_eq(m->from.tag, first->from.tag));
	assert_true(str_eq(sip_hdr_value(m, SIP_H_TO), sip_hdr_value(first, SIP_H_TO)));
	assert_int_equal(m->cseq, first->cseq + 1);
	obj_drop(first);
	answer(SIP_INVITE, CARL, 401, REALM, "");
	assert_true(said(requested(SIP_INVITE, CARL), "\r\nAuthorization: Digest "));
	answer(SIP_INVITE, CARL, 180, "", "");
	answer(SIP_INVITE, CARL, 486, "", "");
	m = requested(SIP_INVITE, 5064);
	assert_true(said(m, "\r\nAuthorization: Digest "));
	/* What says no q is the best; whoever was asked is not asked again. */
	answer(SIP_INVITE, 5064, 302, "Contact: <sip:hi@127.0.0.1:5063>, <sip:new@127.0.0.1:5066>\r\n", "");
	answer(SIP_INVITE, 5066, 404, "", "");
	wire_forget(&t);
	assert_true(request(SIP_INVITE, CARL) == SIZE_MAX);
	world_pass(&t.w, 600);
	m = requested(SIP_INVITE, 5065);
	assert_int_equal(m->cseq, 6);
	fork_answer("low", SIP_INVITE, 5065, 200, "", SDP_ULAW);
	assert_true(request(SIP_ACK, 5065) != SIZE_MAX);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(count(SIP_INVITE, 181), 0);
}

static void test_redirect_pjsip_to_nobody(void **state)
{
	static const struct { unsigned code; const char *more; unsigned status; } tv[] = {
		{ 302, "", 0 }, { 302, "Contact: <tel:+123>\r\n", 0 }, { 302, "Contact: <sip:bob@127.0.0.1:5062>\r\n", 0 },
		{ 486, "", 486 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		alice_calls("bpjsip");
		answer(SIP_INVITE, BOB, tv[i].code, tv[i].more, "");
		assert_in_range(status(SIP_INVITE), 302, 699);
		assert_true(!tv[i].status || status(SIP_INVITE) == tv[i].status);
		tag[0] = '\0';
	}
}

/* A 6xx speaks for all, and who hangs up is not sent on. */
static void test_redirect_pjsip_ends(void **state)
{
	(void)state;
	alice_calls("bpjsip");
	answer(SIP_INVITE, BOB, 302, THREE, "");
	answer(SIP_INVITE, CARL, 603, "", "");
	assert_true(request(SIP_INVITE, 5064) == SIZE_MAX);
	assert_int_equal(status(SIP_INVITE), 403);      /* cause 21 */
	alice_starts_anew();
	alice_calls("bpjsip");
	answer(SIP_INVITE, BOB, 302, THREE, "");
	answer(SIP_INVITE, CARL, 180, "", "");
	alice("CANCEL", "bpjsip", 1, "", "");
	answer(SIP_CANCEL, CARL, 200, "", "");
	answer(SIP_INVITE, CARL, 487, "", "");
	assert_true(request(SIP_INVITE, 5064) == SIZE_MAX);
}

/* Somebody who sends us round and round comes to an end. */
static void test_redirect_pjsip_for_ever(void **state)
{
	char contact[64];
	unsigned n = 0;

	(void)state;
	alice_calls("bpjsip");
	while (n < 100 && request(SIP_INVITE, BOB) != SIZE_MAX) {
		wire_forget(&t);
		n++;
		world_pass(&t.w, 600);
		if (request(SIP_INVITE, BOB) == SIZE_MAX)
			break;
		snprintf(contact, sizeof(contact), "Contact: <sip:next%u@127.0.0.1:5062>\r\n", n);
		answer(SIP_INVITE, BOB, 302, contact, "");
	}
	assert_in_range(n, 32, 34);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define S(f, with) cmocka_unit_test_setup_teardown(f, with, teardown)
	const struct CMUnitTest tests[] = {
		T(test_timer_required), T(test_timer_required_and_kept), T(test_timer_not_required), T(test_what_is_on_is_named),
		S(test_norefersub, setup_norefersub), S(test_hops_and_rport, setup_hops), T(test_agent_named),
		S(test_agent_not_named, setup_no_agent), T(test_redirect_user), T(test_redirect_core), T(test_redirect_pjsip),
		T(test_redirect_pjsip_to_nobody), T(test_redirect_pjsip_ends), T(test_redirect_pjsip_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
