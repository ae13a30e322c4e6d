/* One allocation fails, whichever it is: what was asked for may be refused or go
 * unanswered, but nothing is left behind, and the next one is served as ever. The
 * other tests run under failures too (tests/oom.c), but stop at their first. */
#include "alice.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/dialplan.h"
#include "sdp/sdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define MOST 5000       /* allocations of one scenario: more means that it never ends */
#define DENSE 100       /* every one up to here fails in its turn, then every third */
#define OURS_ENDS_MS 70000      /* Timers B, F, H and J have fired */

static const char plan[] =
	"[default]\n"
	"exten => bob,hint,PJSIP/bob\n"
	"exten => up,1,Answer()\n same => n,Set(X=${CALLERID(num)})\n same => n,Wait(600)\n"
	"exten => note,1,Set(Y=${MESSAGE(body)})\n same => n,Hangup()\n"
	"exten => bob,1,Dial(PJSIP/bob,20,tT)\n";

static const char conf[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n"
	"[alice](phone)\naors=alice\ncallerid=Alice <100>\n[alice]\ntype=aor\nmax_contacts=4\nremove_existing=yes\n"
	"[bob](phone)\naors=bob\ncallerid=Bob <200>\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n";

static unsigned cseq;

/* What comes next shall not fill the wire: it keeps 16 messages. */
static void pass(uint64_t ms)
{
	t.deaf = true;
	world_pass(&t.w, ms);
	t.deaf = false;
}

/* Everything that began is over. */
static void over(void)
{
	t.deaf = true;
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_turn(&t.w);
	pass(OURS_ENDS_MS);
	assert_int_equal(channels(), 0);
	alice_starts_anew();
}

/* `scenario(false)` with each of its allocations failing in turn, and after each
 * `scenario(true)`, which must succeed. */
static void each_fails(void (*scenario)(bool strict))
{
	size_t n = 0;
	bool failed = true;

	/* SIDETONE_OOM_SEED says which third. */
	size_t seed = getenv("SIDETONE_OOM_SEED") ? strtoul(getenv("SIDETONE_OOM_SEED"), NULL, 10) : 0;

	for (n = 1; failed; n += n < DENSE ? 1 : n == DENSE ? 1 + seed % 3 : 3) {
		assert_true(n < MOST);
		wire_open(&t, plan, conf);
		alice_begins();
		oom_begin(n);
		scenario(false);
		failed = oom_end();
		over();
		scenario(true);
		over();
		wire_close(&t);
	}
	print_message("about %zu allocations\n", n);
}

static void ask(const char *method, const char *to, const char *headers, const char *body)
{
	alice(method, to, ++cseq, headers, body);
}

/* ---- a call with two legs --------------------------------------------------------- */

static void a_call(bool strict)
{
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	if (strict)
		assert_true(request(SIP_INVITE, BOB) != SIZE_MAX);
	if (request(SIP_INVITE, BOB) != SIZE_MAX)
		answer(SIP_INVITE, BOB, 180, "", "");
	if (request(SIP_INVITE, BOB) != SIZE_MAX)
		answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	if (strict)
		assert_int_equal(status(SIP_INVITE), 200);
	if (status(SIP_INVITE) == 200) {
		learn_tag();
		wire_forget(&t);
		alice("ACK", "bob", 1, "", "");
		wire_forget(&t);
		alice("INVITE", "bob", 2, "", SDP_ULAW);
		if (strict)
			assert_int_equal(status(SIP_INVITE), 200);
		alice("ACK", "bob", 2, "", "");
		wire_forget(&t);
		alice("BYE", "bob", 3, "", "");
		if (strict) {
			assert_int_equal(status(SIP_BYE), 200);
			assert_true(request(SIP_BYE, BOB) != SIZE_MAX);
		}
		if (request(SIP_BYE, BOB) != SIZE_MAX)
			answer(SIP_BYE, BOB, 200, "", "");
	}
}

static void a_call_goes_through(void **state)
{
	(void)state;
	each_fails(a_call);
}

/* Alice gives up while it rings. */
static void a_cancel(bool strict)
{
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	if (request(SIP_INVITE, BOB) != SIZE_MAX)
		answer(SIP_INVITE, BOB, 180, "", "");
	wire_forget(&t);
	alice("CANCEL", "bob", 1, "", "");
	if (strict) {
		assert_int_equal(status(SIP_INVITE), 487);
		assert_true(request(SIP_CANCEL, BOB) != SIZE_MAX);
	}
}

static void a_call_is_cancelled(void **state)
{
	(void)state;
	each_fails(a_cancel);
}

/* ---- what is no call -------------------------------------------------------------- */

static void a_registration(bool strict)
{
	ask("REGISTER", "alice", "Expires: 600\r\n", "");
	if (strict)
		assert_int_equal(status(SIP_REGISTER), 200);
	wire_forget(&t);
	ask("REGISTER", "alice", "Expires: 0\r\n", "");
	if (strict)
		assert_int_equal(status(SIP_REGISTER), 200);
}

static void a_phone_registers(void **state)
{
	(void)state;
	each_fails(a_registration);
}

static void a_subscription(bool strict)
{
	ask("SUBSCRIBE", "bob", "Event: presence\r\nAccept: application/pidf+xml\r\nExpires: 600\r\n", "");
	if (strict) {
		assert_int_equal(status(SIP_SUBSCRIBE), 200);
		assert_true(request(SIP_NOTIFY, 5061) != SIZE_MAX);
	}
	if (request(SIP_NOTIFY, 5061) != SIZE_MAX)
		answer(SIP_NOTIFY, 5061, 200, "", "");
	wire_forget(&t);
	alice("INVITE", "up", ++cseq, "", SDP_ULAW);
	/* Its time is up before the next begins. */
	pass(700000);
}

static void a_phone_subscribes(void **state)
{
	(void)state;
	each_fails(a_subscription);
}

static void a_message(bool strict)
{
	ask("MESSAGE", "note", "Content-Type: text/plain\r\n", "");
	if (strict)
		assert_int_equal(status(SIP_MESSAGE), 202);
	pass(1000);
}

static void a_message_runs_the_dialplan(void **state)
{
	(void)state;
	each_fails(a_message);
}

/* ---- configuration ---------------------------------------------------------------- */

static void a_reload(bool strict)
{
	struct snapshot *s = NULL;
	struct config_prm prm = { .dir = "/" };
	struct dialplan *d = NULL;
	struct config *c = NULL;

	if (!snapshot_parse(&s, str_z(conf), STR_NULL, NULL, NULL))
		service_set_conf(t.svc, s, NULL);
	else
		assert_null(s);
	obj_drop(s);
	if (!config_parse(&c, &prm, STR("extensions.conf"), str_z(plan), NULL) &&
	    !dialplan_build(&d, c, &t.w.pbx->globals, NULL, NULL))
		dialplan_install(t.w.pbx, d, NULL);
	config_free(c);
	if (strict)
		a_call(true);
}

static void a_reload_goes_on(void **state)
{
	(void)state;
	each_fails(a_reload);
}

/* ---- one function ----------------------------------------------------------------- */

static void a_message_is_parsed(void **state)
{
	static const char text[] =
		"INVITE sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
		"Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKb\r\nFrom: \"A\" <sip:a@127.0.0.1>;tag=a\r\n"
		"To: <sip:b@127.0.0.1>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nRoute: <sip:c;lr>, <sip:d;lr>\r\n"
		"Contact: <sip:a@192.0.2.1>\r\nSubject: folded\r\n again\r\nContent-Length: 0\r\n\r\n";
	size_t live = obj_live();
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct sip_msg *m = NULL;
		int err;

		oom_begin(n);
		err = sip_msg_parse(&m, str_z(text), true);
		failed = oom_end();
		assert_int_equal(err, failed ? ENOMEM : 0);
		assert_true(err ? !m : m && !m->fault);
		obj_drop(m);
		assert_int_equal(obj_live(), live);
	}
}

static void a_description_is_parsed(void **state)
{
	size_t live = obj_live();
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct sdp *s = NULL;
		int err;

		oom_begin(n);
		err = sdp_parse(&s, STR(SDP_ULAW));
		failed = oom_end();
		assert_int_equal(err, failed ? ENOMEM : 0);
		assert_true(!err == !!s);
		obj_drop(s);
		assert_int_equal(obj_live(), live);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_parsed),
		cmocka_unit_test(a_description_is_parsed),
		cmocka_unit_test(a_reload_goes_on),
		cmocka_unit_test(a_phone_registers),
		cmocka_unit_test(a_message_runs_the_dialplan),
		cmocka_unit_test(a_phone_subscribes),
		cmocka_unit_test(a_call_is_cancelled),
		cmocka_unit_test(a_call_goes_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
