/* Options of registrations, of message waiting, of lists of addresses and of times: what is sent because
 * of them, and when. */
#include "alice.h"
#include "base/obj.h"
#include "service/event/subscription.h"
#include "service/outbound/outbound.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define TWO "[two]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5070\n"

static int close_wire(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

/* ---- registrations ------------------------------------------------------------------------------------- */

static void open_registration(const char *lines)
{
	char conf[1024];

	snprintf(conf, sizeof(conf), WIRE_UDP TWO "[far]\ntype=registration\nserver_uri=sip:127.0.0.1:5062\n"
		 "client_uri=sip:us@127.0.0.1\nmax_random_initial_delay=0\nretry_interval=7\n%s", lines);
	wire_open(&t, "", conf);
	world_pass(&t.w, 1100);
	assert_non_null(wire_last(&t));
}

static void registers(void **state)
{
	static const struct { const char *lines, *header, *what; } rows[] = {
		{ "contact_header_params=a=b\n", "Contact", ">;a=b" },
		{ "outbound_proxy=sip:127.0.0.1:5064\\;lr\n", "Route", "<sip:127.0.0.1:5064;lr>" },
		{ "user_agent=Mine\n", "User-Agent", "Mine" },
		{ "support_outbound=yes\n", "Supported", "outbound" },
		{ "support_path=yes\n", "Supported", "path" },
		{ "transport=two\n", "Contact", "@127.0.0.1:5070>" },
		{ "contact_user=cu\n", "Contact", "<sip:cu@" },
		{ "expiration=77\n", "Expires", "77" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_registration(rows[i].lines);
		if (!strstr(wire_header(wire_last(&t), rows[i].header), rows[i].what))
			fail_msg("%s: %s", rows[i].header, wire_header(wire_last(&t), rows[i].header));
		if (i + 1 < ARRAY_LEN(rows))
			wire_close(&t);
	}
}

/* A refusal, and whether there is another try in 8 s. */
static void tries_again(void **state)
{
	static const struct { const char *lines; unsigned status; bool again; } rows[] = {
		{ "", 404, false }, { "fatal_retry_interval=5\n", 404, true },
		{ "", 403, false }, { "forbidden_retry_interval=5\n", 403, true },
		{ "", 401, false }, { "auth_rejection_permanent=no\n", 401, true },
		{ "", 503, true }, { "max_retries=0\n", 503, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_registration(rows[i].lines);
		wire_reply(&t, SIP_REGISTER, rows[i].status, "");
		world_pass(&t.w, 8000);
		if ((wire_last(&t) != NULL) != rows[i].again)
			fail_msg("%u: %s", rows[i].status, rows[i].lines);
		if (i + 1 < ARRAY_LEN(rows))
			wire_close(&t);
	}
}

/* ---- message waiting --------------------------------------------------------------------------------------- */

static size_t notifies(void)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += t.sent[i]->request && t.sent[i]->method == SIP_NOTIFY;
	return n;
}

static void open_mailboxes(const char *general, const char *endpoint)
{
	char conf[1024];

	snprintf(conf, sizeof(conf), WIRE_UDP "[bob]\ntype=endpoint\naors=bob\nmailboxes=one,two\n%s[bob]\ntype=aor\n"
		 "contact=sip:bob@127.0.0.1:5062\n%s", endpoint, general);
	wire_open(&t, "", conf);
	world_pass(&t.w, 100);
}

static void messages_wait(void **state)
{
	static const struct { const char *general, *endpoint, *account; size_t n; } rows[] = {
		{ "", "", "", 1 },
		{ "", "voicemail_extension=*97\n", "Message-Account: sip:*97@", 1 },
		{ "[global]\ntype=global\ndefault_voicemail_extension=*98\n", "", "Message-Account: sip:*98@", 1 },
		{ "", "mwi_from_user=mail\n", "", 1 },
		{ "", "aggregate_mwi=no\n", "", 2 },
		{ "[global]\ntype=global\nmwi_disable_initial_unsolicited=yes\n", "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_mailboxes(rows[i].general, rows[i].endpoint);
		if (notifies() != rows[i].n)
			fail_msg("%zu by %s%s", notifies(), rows[i].general, rows[i].endpoint);
		if (rows[i].n && !has(requested(SIP_NOTIFY, BOB)->body, rows[i].account))
			fail_msg("%.*s by %s%s", STR_ARG(requested(SIP_NOTIFY, BOB)->body), rows[i].general, rows[i].endpoint);
		if (strstr(rows[i].endpoint, "mwi_from"))
			assert_true(str_starts(str_z(wire_header(requested(SIP_NOTIFY, BOB), "From")), STR("<sip:mail@")));
		if (i + 1 < ARRAY_LEN(rows))
			wire_close(&t);
	}
}

/* ---- the rest ------------------------------------------------------------------------------------------------- */

static void asked_soon(void **state)
{
	(void)state;
	wire_open(&t, "", WIRE_UDP "[global]\ntype=global\nmax_initial_qualify_time=1\n[bob]\ntype=endpoint\naors=bob\n"
		  "[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\nqualify_frequency=80000\n");
	world_pass(&t.w, 1100);
	assert_true(request(SIP_OPTIONS, BOB) != SIZE_MAX);
}

/* Lists of acl.conf, by their names. */
static void lists_by_name(void **state)
{
	static const struct { const char *general, *endpoint; const char *method; unsigned status; } rows[] = {
		{ "", "", "OPTIONS", 200 }, { "", "acl=walls\n", "OPTIONS", 401 }, { "", "contact_acl=walls\n", "REGISTER", 401 },
		{ "[a]\ntype=acl\nacl=walls\n", "", "OPTIONS", 403 }, { "[a]\ntype=acl\ncontact_acl=walls\n", "", "REGISTER", 403 },
	};

	(void)state;
	wire_open(&t, "[default]\nexten => up,1,Answer()\n", WIRE_UDP);
	alice_begins();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct snapshot *s = NULL;
		char conf[1024];

		snprintf(conf, sizeof(conf), WIRE_UDP "[alice]\ntype=endpoint\ncontext=default\naors=alice\n%s[alice]\ntype=aor\nmax_contacts=1\n%s",
			 rows[i].endpoint, rows[i].general);
		assert_int_equal(snapshot_parse(&s, str_z(conf), STR("[walls]\ndeny=0.0.0.0/0\n"), NULL, NULL), 0);
		service_set_conf(t.svc, s, NULL);
		obj_drop(s);
		alice_starts_anew();
		alice(rows[i].method, rows[i].method[0] == 'O' ? "up" : "alice", 1, "", "");
		world_turn(&t.w);
		if (status(sip_method_of(str_z(rows[i].method))) != rows[i].status)
			fail_msg("%u by %s%s", status(sip_method_of(str_z(rows[i].method))), rows[i].general, rows[i].endpoint);
	}
}

static void by_its_transport(void **state)
{
	(void)state;
	wire_open_media(&t, "[default]\nexten => bob,1,Dial(PJSIP/bob)\n", WIRE_UDP TWO
			"[alice]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\naors=alice\n[alice]\ntype=aor\n"
			"[bob]\ntype=endpoint\nallow=!all,ulaw\naors=bob\ntransport=two\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n");
	alice_begins();
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	assert_true(str_ends(str_z(wire_header(requested(SIP_INVITE, BOB), "Contact")), STR("@127.0.0.1:5070>")));
	alice_ends(40000);
}

/* Encrypted media offered under the plain profile. */
static void by_its_profile(void **state)
{
	(void)state;
	wire_open_media(&t, "[default]\nexten => bob,1,Dial(PJSIP/bob)\n", WIRE_UDP
			"[alice]\ntype=endpoint\ncontext=default\nallow=!all,ulaw\naors=alice\n[alice]\ntype=aor\n"
			"[bob]\ntype=endpoint\nallow=!all,ulaw\naors=bob\nmedia_encryption=dtls\ndtls_auto_generate_cert=yes\nforce_avp=yes\n"
			"[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n");
	alice_begins();
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	if (!has(requested(SIP_INVITE, BOB)->body, " RTP/SAVP 0"))
		fail_msg("%.*s", STR_ARG(requested(SIP_INVITE, BOB)->body));
	alice_ends(40000);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, close_wire)
	const struct CMUnitTest tests[] = { T(registers), T(tries_again), T(messages_wait), T(asked_soon), T(lists_by_name),
		T(by_its_transport), T(by_its_profile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
