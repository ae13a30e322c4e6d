/* Faults of pjsip.conf with their places, and what an endpoint is worth whose authentication is
 * not right. */
#include "objects_stage.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* One fault each: what check would print. */
static const struct {
	const char *text, *fault;
} faults[] = {
	{ EP "alow=ulaw\n", "pjsip.conf:3: endpoint 'a': unknown option 'alow'; did you mean 'allow'?" },
	{ EP "allow=ulav\n", "pjsip.conf:3: endpoint 'a': allow: unknown codec 'ulav'; did you mean 'ulaw'?" },
	{ EP "allow=ulaw:x\n", "pjsip.conf:3: endpoint 'a': allow: 'x' is not a packet length in ms (NAME:MS)" },
	{ EP "timers_min_se=89\n", "pjsip.conf:3: endpoint 'a': timers_min_se: 89 is not within 90..4294967295" },
	{ EP "timers_min_se=300\ntimers_sess_expires=200\n",
	  "pjsip.conf:1: endpoint 'a': timers_sess_expires is shorter than timers_min_se" },
	{ EP "100rel=perhaps\n",
	  "pjsip.conf:3: endpoint 'a': 100rel: 'perhaps' is not one of no, yes, required, peer_supported" },
	{ EP "direct_media=maybe\n", "pjsip.conf:3: endpoint 'a': direct_media: 'maybe' is neither yes nor no" },
	{ EP "deny=10.0.0.0/99\n",
	  "pjsip.conf:3: endpoint 'a': deny: '10.0.0.0/99' is not an address or network (1.2.3.4, 10.0.0.0/8, ::1)" },
	{ EP "set_var=A\n", "pjsip.conf:3: endpoint 'a': set_var: 'A' is not NAME=value" },
	{ EP "from_user=a b\n", "pjsip.conf:3: endpoint 'a': from_user: byte 0x20 cannot stand in a URI's user part" },
	{ EP "tos_audio=fast\n",
	  "pjsip.conf:3: endpoint 'a': tos_audio: 'fast' is neither 0..255 (also 0x..) nor CS0..CS7, AF11..AF43, EF" },
	{ EP "call_group=64\n", "pjsip.conf:3: endpoint 'a': call_group: '64' is not a group 0..63 or a range of them" },
	{ EP "identify_by=name\n", "pjsip.conf:3: endpoint 'a': identify_by: 'name' is not username, auth_username, ip, "
	  "header or request_uri" },
	{ EP "rtp_port_start=2000\n", "pjsip.conf:1: endpoint 'a': rtp_port_start and rtp_port_end need each other" },
	{ EP "dtls_cert_file=/none/x.pem\n", "pjsip.conf:3: endpoint 'a': dtls_cert_file: '/none/x.pem' cannot be read: "
	  "No such file or directory" },
	{ EP "codec_prefs_incoming_offer=operation: union\n",
	  "pjsip.conf:3: endpoint 'a': codec_prefs_incoming_offer: operation union makes no sense here" },
	{ EP "aors=b\n", "pjsip.conf:3: endpoint 'a': aors: there is no aor 'b'; add a section [b] with type=aor" },
	{ EP "transport=t\n",
	  "pjsip.conf:3: endpoint 'a': transport: there is no transport 't'; add a section [t] with type=transport" },
	{ EP "acl=x\n", "pjsip.conf:1: endpoint 'a': acl 'x' is not in acl.conf, so every address is refused; "
	  "add [x] there" },
	{ "[a]\ntype=endpont\n", "pjsip.conf:2: section 'a': unknown type 'endpont'; did you mean 'endpoint'?" },
	{ "[a]\ncontext=x\n", "pjsip.conf:1: section 'a' has no type=, so it is ignored" },
	{ "[a]\ntype=auth\npassword=b\n", "pjsip.conf:1: auth 'a': needs username=" },
	{ "[a]\ntype=auth\nusername=b\n", "pjsip.conf:1: auth 'a': supported_algorithms_uas has MD5, but there is neither "
	  "a password nor a password_digest for it" },
	{ "[a]\ntype=auth\nusername=b\nmd5_cred=00\n", "pjsip.conf:4: auth 'a': md5_cred: a MD5 digest has 32 hex "
	  "digits, not 2" },
	{ AUTH "password_digest=SHA-1:00\n", "pjsip.conf:5: auth 'a': password_digest: 'SHA-1' is not MD5, SHA-256 or "
	  "SHA-512-256" },
	{ AUTH "auth_type=google_oauth\n",
	  "pjsip.conf:1: auth 'a': google_oauth needs refresh_token, oauth_clientid and oauth_secret" },
	{ OAUTH "[b]\ntype=endpoint\nauth=a\n", "pjsip.conf:10: endpoint 'b': auth 'a' cannot authenticate anybody: "
	  "give it a password or password_digest and supported_algorithms_uas" },
	{ AUTH AUTH, "pjsip.conf:5: auth 'a': there is one of that name at pjsip.conf:1; until one is taken away, "
	  "no auth is loaded" },
	{ "[a]\ntype=global\n[b]\ntype=global\n", "pjsip.conf:3: there is more than one section of type global (the other "
	  "at pjsip.conf:1); until one is taken away, none is loaded" },
	{ "[a]\ntype=inbound-publication\nevent_dialog=100\n", "pjsip.conf:1: inbound-publication 'a': event_dialog=100 is no "
	  "device, so the state is that of the endpoint's" },
	{ "[a]\ntype=outbound-publish\nserver_uri=sip:b@c\nevent=asterisk-mwi\nmulti_user=yes\n", "pjsip.conf:1: "
	  "outbound-publish 'a': publishes nothing: its states have no user, and multi_user=yes has no others" },
	{ "[a]\ntype=outbound-publish\nserver_uri=sip:b@c\nevent=dialog\n", "pjsip.conf:1: outbound-publish 'a': publishes "
	  "nothing: it needs @body=, the content type" },
	{ "[a]\ntype=transport\n", "pjsip.conf:1: transport 'a': needs bind=, for example bind=0.0.0.0" },
	{ "[a]\ntype=transport\nbind=localhost\n",
	  "pjsip.conf:3: transport 'a': bind: 'localhost' is not an address (0.0.0.0:5060, [::]:5060)" },
	{ "[a]\ntype=transport\nbind=0.0.0.0\nexternal_signaling_address=a\nexternal_signaling_hostname=b\n",
	  "pjsip.conf:1: transport 'a': external_signaling_address and external_signaling_hostname exclude each other" },
	{ "[a]\ntype=aor\ncontact=bob\n", "pjsip.conf:1: aor 'a': contact: 'bob' is not a sip: or sips: URI" },
	{ "[r]\ntype=registration\nserver_uri=sip:192.0.2.1:5060:5099\nclient_uri=sip:a@192.0.2.1\n",
	  "pjsip.conf:1: registration 'r': server_uri: 'sip:192.0.2.1:5060:5099' is not a sip: or sips: URI" },
	{ "[a]\ntype=aor\nqualify_frequency=86401\n", "pjsip.conf:3: aor 'a': qualify_frequency: 86401 is not within 0..86400" },
	{ "[a]\ntype=registration\nclient_uri=sip:a\n", "pjsip.conf:1: registration 'a': needs server_uri=" },
	{ "[a]\ntype=registration\nclient_uri=sip:a\nserver_uri=sip:b:5060:5099\n",
	  "pjsip.conf:1: registration 'a': server_uri: 'sip:b:5060:5099' is not a sip: or sips: URI" },
	{ "[a]\ntype=registration\nclient_uri=sip:a\nserver_uri=sip:b\nline=yes\n",
	  "pjsip.conf:1: registration 'a': line=yes needs endpoint=" },
	{ "[a]\ntype=registration\nclient_uri=sip:a\nserver_uri=sip:b\nendpoint=x\n",
	  "pjsip.conf:1: registration 'a': endpoint= needs line=yes" },
	{ "[a]\ntype=identify\nmatch=1.2.3.4\n", "pjsip.conf:1: identify 'a': needs endpoint=" },
	{ "[a]\ntype=identify\nendpoint=a\n", "pjsip.conf:1: identify 'a': needs match=, match_header= or match_request_uri=" },
	{ EP "[a]\ntype=identify\nendpoint=a\nmatch=1.2.3.4/x\n",
	  "pjsip.conf:6: identify 'a': match: '1.2.3.4/x' is not a network (10.0.0.0/8, fd00::/8)" },
	{ EP "[a]\ntype=identify\nendpoint=a\nmatch_header=X: /(/\n",
	  "pjsip.conf:3: identify 'a': match_header: '/(/' is no regular expression: Unmatched ( or \\x5c(" },
	{ EP "[a]\ntype=identify\nendpoint=a\nmatch_header=X\n", "pjsip.conf:3: identify 'a': match_header is not \"Name: value\"" },
	{ "[a]\ntype=resource_list\nevent=x\n", "pjsip.conf:1: resource_list 'a': needs list_item=" },
	{ "[a]\ntype=asterisk-publication\ndevice_state_filter=(\n",
	  "pjsip.conf:3: asterisk-publication 'a': device_state_filter: '(' is no regular expression" },
	{ "x=1\n", "pjsip.conf:1: a line before any [section]; put it under one: 'x'" },
};

static void fault_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct report *r = GOT(report_new());
		struct snapshot *s = NULL;
		struct buf b = BUF_INIT;
		size_t before = obj_live();
		int err = snapshot_parse(&s, str_z(faults[i].text), no_acl, NULL, r);

		assert_int_equal(err, faults[i].text[0] == '[' ? 0 : EBADMSG);
		if (report_count(r) != 1) {
			show_faults(r);
			fail_msg("%s: %zu faults", faults[i].fault, report_count(r));
		}
		report_write(&b, report_at(r, 0));
		assert_string_equal(buf_z(&b), faults[i].fault);
		buf_free(&b);
		obj_drop(s);
		report_free(r);
		assert_int_equal(obj_live(), before);
	}
}

/* Whatever is wrong with a line, its value may be a password: reports go to the log. */
static void no_secret_in_a_report(void **state)
{
	static const char *const texts[] = {
		"password=hunter2\n",
		"password hunter2\n",
		"[a]\ntype=auth\nusername=a\npassword hunter2\n",
		"[a]\ntype=auth\nusername=a\npasword=hunter2\n",
		"[a]\ntype=auth\npassword=hunter2\n",
		"[a]\ntype=auth\nusername=a\npassword=hunter2\nsupported_algorithms_uas=SHA-9\n",
		"[a]\ntype=auth\nusername=a\nmd5_cred=hunter2\n",
		"[a]\ntype=auth\nusername=a\npassword_digest=hunter2\n",
		"[a]\ntype=auth\nusername=a\npassword_digest=MD5:hunter2\n",
		"[a]\ntype=auth\nusername=a\nauth_type=google_oauth\nrefresh_token=hunter2\n",
		OAUTH "oauth_secret=hunter2\n[b]\ntype=endpoint\nauth=a\n",
		"[a]\ntype=atuh\npassword=hunter2\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct report *r = GOT(report_new());
		struct snapshot *s = NULL;
		struct buf b = BUF_INIT;

		snapshot_parse(&s, str_z(texts[i]), no_acl, NULL, r);
		assert_int_not_equal(report_count(r), 0);
		for (size_t k = 0; k < report_count(r); k++)
			report_write(&b, report_at(r, k));
		if (strstr(buf_z(&b), "hunter2"))
			fail_msg("%s", buf_z(&b));
		buf_free(&b);
		obj_drop(s);
		report_free(r);
	}
}

/* auth= that leads nowhere leaves the endpoint locked, not open. */
static void locked(void **state)
{
	struct snapshot *s = NULL;
	const struct endpoint *a, *b, *c;

	(void)state;
	assert_int_equal(snapshot_parse(&s, STR("[a]\ntype=endpoint\nauth=x\n[b]\ntype=endpoint\nauth=x,y\n[c]\n"
		"type=endpoint\n[x]\ntype=auth\nusername=x\n[y]\ntype=auth\nusername=y\npassword=p\n"), no_acl, NULL, NULL), 0);
	a = snapshot_endpoint(s, STR("a"));
	b = snapshot_endpoint(s, STR("b"));
	c = snapshot_endpoint(s, STR("c"));
	assert_int_equal(a->auth_n, 1);
	assert_int_equal(a->auth_objs[0]->ha1[DIGEST_MD5].s.n, 32);
	assert_int_equal(a->auth_objs[0]->ha1[DIGEST_SHA512_256].s.n, 64);
	assert_true(a->auth_objs[0]->supported_algorithms_uas.n > 0);
	assert_true(str_empty(a->auth_objs[0]->password.s));
	assert_int_equal(b->auth_n, 1);
	assert_true(str_eq(b->auth_objs[0]->name, STR("y")));
	assert_int_equal(c->auth_n, 0);
	obj_drop(s);
}

/* Which auth objects can tell a right response from a wrong one, and what becomes of
 * an endpoint whose only auth is such a one. */
static void auths_that_prove_nothing(void **state)
{
	static const char digits[] = "0123456789abcdef0123456789abcdef";
	static const struct { const char *auth; bool proves, oauth; } rows[] = {
		{ "password=p\n", true, false },
		{ "md5_cred=%s\n", true, false },
		{ "password_digest=MD5:%s\n", true, false },
		{ "password=\n", false, false },
		{ "", false, false },
		{ "md5_cred=%s\nsupported_algorithms_uas=MD5,SHA-256\n", false, false },
		{ "md5_cred=%s\nsupported_algorithms_uas=SHA-256\n", false, false },
		{ "supported_algorithms_uas=MD5\n", false, false },
		{ "", false, true },
		{ "supported_algorithms_uas=MD5\n", false, true },
		{ "supported_algorithms_uas=MD5\npassword=\n", false, true },
		{ "password=p\n", false, true },
		{ "supported_algorithms_uas=SHA-256\nmd5_cred=%s\n", false, true },
		{ "supported_algorithms_uas=SHA-256,MD5\nmd5_cred=%s\n", true, true },
		{ "supported_algorithms_uas=MD5\npassword=p\n", true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct endpoint *alone, *both, *out;
		struct snapshot *s = NULL;
		char row[256], text[1024];

		snprintf(row, sizeof(row), rows[i].auth, digits);
		snprintf(text, sizeof(text), "[alone]\ntype=endpoint\nauth=x\n[both]\ntype=endpoint\nauth=x,y\n"
			 "[out]\ntype=endpoint\noutbound_auth=x\n[y]\ntype=auth\nusername=y\npassword=p\n"
			 "[x]\ntype=auth\nusername=x\n%s%s",
			 rows[i].oauth ? "auth_type=google_oauth\nrefresh_token=r\noauth_clientid=c\noauth_secret=s\n" : "",
			 row);
		assert_int_equal(snapshot_parse(&s, str_z(text), no_acl, NULL, NULL), 0);
		alone = snapshot_endpoint(s, STR("alone"));
		both = snapshot_endpoint(s, STR("both"));
		out = snapshot_endpoint(s, STR("out"));
		if (alone->auth_n != 1 || (alone->auth_objs[0] == s->nobody) == rows[i].proves)
			fail_msg("row %zu: %s", i, row);
		assert_int_equal(both->auth_n, rows[i].proves ? 2 : 1);
		assert_true(str_eq(both->auth_objs[both->auth_n - 1]->name, STR("y")));
		/* As client it is what it was. */
		if (rows[i].oauth)
			assert_int_equal(out->outbound_auths.n, 1);
		obj_drop(s);
	}
}

/* Stands for names that do not exist: it always has a challenge, and no secret. */
static void nobody(void **state)
{
	static const struct { const char *text; unsigned n, first; } rows[] = {
		{ EP, 1, DIGEST_MD5 },
		{ EP "[global]\ntype=global\ndefault_auth_algorithms_uas=SHA-256,MD5\n", 2, DIGEST_SHA256 },
		{ EP "[global]\ntype=global\ndefault_auth_algorithms_uas=\n", 1, DIGEST_MD5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct snapshot *s = NULL, *other = NULL;

		assert_int_equal(snapshot_parse(&s, str_z(rows[i].text), no_acl, NULL, NULL), 0);
		assert_int_equal(snapshot_parse(&other, str_z(rows[i].text), no_acl, NULL, NULL), 0);
		assert_int_equal(s->nobody->supported_algorithms_uas.n, rows[i].n);
		assert_int_equal(s->nobody->supported_algorithms_uas.v[0], rows[i].first);
		assert_true(auth_proves_any(s->nobody));
		assert_false(str_eq(s->nobody->ha1[DIGEST_MD5].s, other->nobody->ha1[DIGEST_MD5].s));
		obj_drop(s);
		obj_drop(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_lines), cmocka_unit_test(no_secret_in_a_report), cmocka_unit_test(locked),
		cmocka_unit_test(auths_that_prove_nothing), cmocka_unit_test(nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
