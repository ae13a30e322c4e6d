/* Options of which a single request shows the effect: who may send it, to which address it is
 * answered, what a request of ours says. A row has the line that sets the option. */
#include "alice.h"
#include "base/obj.h"
#include "pbx/devstate.h"
#include "pbx/dialplan.h"
#include "service/place/location.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define AUTH "[me]\ntype=auth\nauth_type=userpass\nusername=me\npassword=x\n"

static const char plan[] = "[default]\nexten => up,1,Answer()\n same => n,Wait(600)\nexten => bob,1,Dial(PJSIP/bob)\n"
	"exten => both,1,Progress()\n same => n,Ringing()\n same => n,Wait(600)\n"
	"exten => 100,hint,PJSIP/bob\n[subs]\nexten => 300,hint,Custom:x\n";
static char conf[4096];

/* `general`: whole sections; `endpoint`, `aor`: lines of alice's. */
static const char *write_conf(const char *general, const char *endpoint, const char *aor)
{
	snprintf(conf, sizeof(conf), "%s[alice]\ntype=endpoint\ncontext=default\nallow=!all,ulaw,alaw\naors=alice\n%s"
		 "[alice]\ntype=aor\n%s[bob]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\naors=bob\n[bob]\ntype=aor\n"
		 "contact=sip:bob@127.0.0.1:5062\n" AUTH, strstr(general, "type=transport") ? "" : WIRE_UDP, endpoint, aor);
	snprintf(conf + strlen(conf), sizeof(conf) - strlen(conf), "%s", general);
	return conf;
}

static void with(const char *general, const char *endpoint, const char *aor)
{
	wire_reload(&t, write_conf(general, endpoint, aor));
	alice_starts_anew();
}

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, write_conf("", "", "max_contacts=1\n"));
	alice_begins();
	return 0;
}

/* With options that count at the start only. */
static void start_with(const char *general)
{
	wire_close(&t);
	wire_open_media(&t, plan, write_conf(general, "", "max_contacts=1\n"));
	alice_begins();
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

static void over(void)
{
	pbx_hangup_all(t.w.pbx, 16);
	world_turn(&t.w);
	wire_forget(&t);
	t.deaf = true;
	world_pass(&t.w, 40000);
	t.deaf = false;
	wire_forget(&t);
}

/* ---- who may ask -------------------------------------------------------------------------------------- */

static void permissions(void **state)
{
	static const struct { const char *general, *endpoint; const char *method, *more; unsigned status; } rows[] = {
		{ "", "", "OPTIONS", "", 200 },
		{ "", "auth=me\n", "OPTIONS", "", 401 },
		{ "", "auth=me\nallow_unauthenticated_options=yes\n", "OPTIONS", "", 200 },
		{ "", "deny=0.0.0.0/0\n", "OPTIONS", "", 401 },
		{ "", "deny=0.0.0.0/0\npermit=127.0.0.1\n", "OPTIONS", "", 200 },
		{ "[walls]\ntype=acl\ndeny=0.0.0.0/0\n", "", "OPTIONS", "", 403 },
		{ "[walls]\ntype=acl\ndeny=0.0.0.0/0\npermit=127.0.0.1\n", "", "OPTIONS", "", 200 },
		{ "[walls]\ntype=acl\ncontact_deny=0.0.0.0/0\n", "", "REGISTER", "", 403 },
		{ "[walls]\ntype=acl\ncontact_deny=0.0.0.0/0\ncontact_permit=127.0.0.1\n", "", "REGISTER", "", 200 },
		{ "", "contact_deny=0.0.0.0/0\n", "REGISTER", "", 401 },
		{ "", "contact_deny=0.0.0.0/0\ncontact_permit=127.0.0.1\n", "REGISTER", "", 200 },
		{ "", "allow_subscribe=no\n", "SUBSCRIBE", "Event: presence\r\nAccept: application/pidf+xml\r\n", 603 },
		{ "", "subscribe_context=subs\n", "SUBSCRIBE", "Event: presence\r\nAccept: application/pidf+xml\r\n", 404 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum sip_method m = sip_method_of(str_z(rows[i].method));

		with(rows[i].general, rows[i].endpoint, "max_contacts=1\n");
		alice(rows[i].method, m == SIP_SUBSCRIBE ? "100" : m == SIP_OPTIONS ? "up" : "alice", 1, rows[i].more, "");
		world_turn(&t.w);
		if (!response(m) || status(m) != rows[i].status)
			fail_msg("%u, not %u by %s%s", response(m) ? status(m) : 0, rows[i].status, rows[i].general, rows[i].endpoint);
		over();
	}
}

/* ---- where an answer goes --------------------------------------------------------------------------------- */

static void answered_to_where_it_came_from(void **state)
{
	(void)state;
	for (int forced = 0; forced < 2; forced++) {
		with("", forced ? "force_rport=yes\n" : "force_rport=no\n", "");
		wire_come(&t, "127.0.0.1:5099", "OPTIONS sip:up@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bKx\r\n"
			  "From: <sip:alice@127.0.0.1>;tag=1\r\nTo: <sip:alice@127.0.0.1>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\r\n");
		assert_int_equal(status(SIP_OPTIONS), 200);
		assert_int_equal(sa_port(&t.path[t.n - 1].peer), forced ? 5099 : 5061);
		over();
	}
}

/* ---- requests of ours -------------------------------------------------------------------------------------- */

static void our_invites(void **state)
{
	static const struct { const char *general, *header, *what; } rows[] = {
		{ "[global]\ntype=global\nmax_forwards=33\n", "Max-Forwards", "33" },
		{ "[global]\ntype=global\nuser_agent=Mine\n", "User-Agent", "Mine" },
		{ "[system]\ntype=system\ndisable_rport=yes\n", "Via", "SIP/2.0/UDP 127.0.0.1:5060;branch" },
		{ "[global]\ntype=global\ndefault_from_user=us\n", "Contact", "<sip:us@" },
		{ "[global]\ntype=global\nnorefersub=no\n", "Supported", "replaces, histinfo" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *value;

		with(rows[i].general, "", "");
		alice("INVITE", "bob", 1, "", SDP_ULAW);
		value = wire_header(requested(SIP_INVITE, BOB), rows[i].header);
		if (!strstr(value, rows[i].what))
			fail_msg("%s: %s by %s", rows[i].header, value, rows[i].general);
		over();
	}
}

/* The number that calls is in Contact. */
static void caller_in_contact(void **state)
{
	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		with(yes ? "[global]\ntype=global\nuse_callerid_contact=yes\n" : "", "callerid=Al <100>\n", "");
		alice("INVITE", "bob", 1, "", SDP_ULAW);
		assert_int_equal(str_starts(str_z(wire_header(requested(SIP_INVITE, BOB), "Contact")), STR("<sip:100@")), yes);
		over();
	}
}

static void ringing_after_progress(void **state)
{
	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		with(yes ? "[global]\ntype=global\nallow_sending_180_after_183=yes\n" : "", "", "");
		alice("INVITE", "both", 1, "", SDP_ULAW);
		assert_int_equal(count(SIP_INVITE, 183), 1);
		assert_int_equal(count(SIP_INVITE, 180), yes);
		over();
	}
}

/* A re-INVITE without an offer. */
static void all_codecs_again(void **state)
{
	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		with(yes ? "[global]\ntype=global\nall_codecs_on_empty_reinvite=yes\n" : "", "", "");
		alice_talks("up");
		alice("INVITE", "up", 2, "", "");
		assert_int_equal(status(SIP_INVITE), 200);
		assert_int_equal(has(response(SIP_INVITE)->body, "PCMA"), yes);
		over();
	}
}

/* ---- challenges ---------------------------------------------------------------------------------------------- */

static void challenges(void **state)
{
	static const struct { const char *general, *what; } rows[] = {
		{ "", "realm=\"asterisk\"" },
		{ "[global]\ntype=global\ndefault_realm=here\n", "realm=\"here\"" },
		{ "[global]\ntype=global\ndefault_auth_algorithms_uas=SHA-256\n", "algorithm=SHA-256" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		with(rows[i].general, "auth=me\n", "");
		alice("OPTIONS", "up", 1, "", "");
		assert_int_equal(status(SIP_OPTIONS), 401);
		if (!strstr(wire_header(response(SIP_OPTIONS), "WWW-Authenticate"), rows[i].what))
			fail_msg("%s by %s", wire_header(response(SIP_OPTIONS), "WWW-Authenticate"), rows[i].general);
		over();
	}
}

/* The first algorithm of ours that the challenge has is answered. */
static void answers_to_challenges(void **state)
{
	static const char both[] = "WWW-Authenticate: Digest realm=\"far\",nonce=\"1\",algorithm=SHA-256\r\n"
		"WWW-Authenticate: Digest realm=\"far\",nonce=\"1\",algorithm=MD5\r\n";
	static const struct { const char *general, *own; bool sha; } rows[] = {
		{ "", "", false }, { "", "supported_algorithms_uac=SHA-256\n", true },
		{ "[global]\ntype=global\ndefault_auth_algorithms_uac=SHA-256\n", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2048];
		const char *said;

		snprintf(text, sizeof(text), WIRE_UDP "[alice]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\naors=alice\n[alice]\ntype=aor\n"
			 "[bob]\ntype=endpoint\nallow=!all,ulaw\naors=bob\noutbound_auth=me\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"
			 AUTH "%s%s", rows[i].own, rows[i].general);
		wire_reload(&t, text);
		alice_starts_anew();
		alice("INVITE", "bob", 1, "", SDP_ULAW);
		answer(SIP_INVITE, BOB, 401, both, "");
		said = wire_header(requested(SIP_INVITE, BOB), "Authorization");
		assert_true(str_starts(str_z(said), STR("Digest ")));
		if ((strstr(said, "SHA-256") != NULL) != rows[i].sha)
			fail_msg("%s by %s%s", said, rows[i].own, rows[i].general);
		over();
	}
}

/* ---- registrations with us ------------------------------------------------------------------------------------ */

static void registered(void **state)
{
	static const struct { const char *general, *aor, *more, *what; } rows[] = {
		{ "", "max_contacts=1\nmaximum_expiration=500\n", "Expires: 1000\r\n", "expires=499|expires=500" },
		{ "", "max_contacts=1\nminimum_expiration=900\n", "Expires: 100\r\n", "expires=899|expires=900" },
		{ "", "max_contacts=1\ndefault_expiration=777\n", "", "expires=776|expires=777" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *bar = strchr(rows[i].what, '|'), *got;
		char less[32];

		with(rows[i].general, "", rows[i].aor);
		alice("REGISTER", "alice", 1, rows[i].more, "");
		world_turn(&t.w);
		got = wire_header(response(SIP_REGISTER), "Contact");
		snprintf(less, sizeof(less), "%.*s", (int)(bar - rows[i].what), rows[i].what);
		if (!strstr(got, less) && !strstr(got, bar + 1))
			fail_msg("%s by %s", got, rows[i].aor);
		over();
	}
}

/* ContactStatus also of one that is only renewed. */
static void told_of_renewals(void **state)
{
	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		size_t before;

		with(yes ? "[global]\ntype=global\nsend_contact_status_on_update_registration=yes\n" : "", "", "max_contacts=1\n");
		alice("REGISTER", "alice", 1, "", "");
		world_turn(&t.w);
		before = world_events(&t.w, "ContactStatus", "AOR: alice");
		alice("REGISTER", "alice", 2, "", "");
		world_turn(&t.w);
		assert_int_equal(world_events(&t.w, "ContactStatus", "AOR: alice") > before, yes);
		over();
	}
}

/* An extension named as the endpoint, as long as it is reachable. */
static void extension_while_reachable(void **state)
{
	(void)state;
	with("[global]\ntype=global\nregcontext=reg\n", "", "max_contacts=1\n");
	alice("REGISTER", "alice", 1, "", "");
	world_turn(&t.w);
	assert_true(dialplan_exists(t.w.pbx, STR("reg"), STR("alice"), 1, STR_NULL));
	over();
}

/* ---- timers ------------------------------------------------------------------------------------------------------- */

static size_t sent_to_bob(void)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += t.sent[i]->request && t.sent[i]->method == SIP_INVITE && sa_port(&t.path[i].peer) == BOB;
	return n;
}

static void repeated_after_t1(void **state)
{
	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		start_with(slow ? "[system]\ntype=system\ntimer_t1=2000\ntimer_b=128000\n" : "");
		alice("INVITE", "bob", 1, "", SDP_ULAW);
		world_pass(&t.w, 1000);
		assert_int_equal(sent_to_bob() > 1, !slow);
		over();
	}
}

static void given_up_after_timer_b(void **state)
{
	(void)state;
	for (int brief = 0; brief < 2; brief++) {
		start_with(brief ? "[system]\ntype=system\ntimer_t1=100\ntimer_b=6400\n" : "[system]\ntype=system\ntimer_t1=100\n");
		alice("INVITE", "bob", 1, "", SDP_ULAW);
		t.deaf = true;
		world_pass(&t.w, 8000);
		t.deaf = false;
		assert_int_equal(channels() > 1, !brief);
		over();
	}
}

static void compact_names(void **state)
{
	(void)state;
	start_with("[system]\ntype=system\ncompact_headers=yes\n");
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	assert_true(str_eq(requested(SIP_INVITE, BOB)->hdr[0].name, STR("v")));
	over();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(permissions), T(answered_to_where_it_came_from), T(our_invites), T(caller_in_contact),
		T(ringing_after_progress), T(all_codecs_again), T(challenges), T(answers_to_challenges), T(registered),
		T(told_of_renewals), T(extension_while_reachable), T(repeated_after_t1), T(given_up_after_timer_b), T(compact_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
