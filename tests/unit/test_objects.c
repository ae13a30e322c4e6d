/* pjsip.conf as a whole: every object and option, what the tables say of them, the
 * faults with their places, and what a reload keeps. */
#include "service/object.h"
#include "service/settings.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const struct str no_acl = STR_INIT("");

static char *read_data(const char *name)
{
	char path[512];
	struct buf b = BUF_INIT;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/config/%s", TEST_DATA, name);
	f = fopen(path, "r");
	assert_non_null(f);
	do {
		char *at = buf_room(&b, 4096);

		n = fread(at, 1, 4096, f);
		b.n += n;
	} while (n);
	fclose(f);
	return buf_take(&b);
}

static void show_faults(const struct report *r)
{
	report_print(r, stderr);
}

static struct snapshot *parse_clean(struct str text, struct str acl)
{
	struct report *r = GOT(report_new());
	struct snapshot *s = NULL;
	int err = snapshot_parse(&s, text, acl, NULL, r);

	if (err || report_count(r))
		show_faults(r);
	assert_int_equal(err, 0);
	assert_int_equal(report_count(r), 0);
	report_free(r);
	return s;
}

/* A row for every option there is, with the default that is registered. */
static void every_option(void **state)
{
	char *text = read_data("pjsip-options.tsv");
	struct str rest = str_z(text), line;
	struct arena *arena = GOT(arena_new(0));
	struct option_ctx ctx = { .arena = arena, .intern = GOT(intern_new(arena)) };
	struct option_index *index[OBJECT_TYPES] = { 0 };
	size_t n = 0;

	(void)state;
	for (size_t t = 0; t < OBJECT_TYPES; t++) {
		if (option_index_new(&index[t], object_options((enum object_type)t), &ctx))
			fail_msg("%s", ctx.why);
		option_each(o, object_options((enum object_type)t)) {
			/* One sentence of help, without a line break. */
			assert_true(strlen(o->help) > 5 && !strchr(o->help, '\n') && strchr(o->help, '.'));
		}
	}
	while (str_line(&rest, &line)) {
		struct str type = str_cut_raw(&line, '\t'), name = str_cut_raw(&line, '\t');
		enum object_type t = object_type_of(type);
		const struct option *o;

		if (type.p[0] == '#')
			continue;
		if (t == OBJECT_TYPES)
			fail_msg("no type %.*s", STR_ARG(type));
		o = str_eq(name, STR("*")) ? option_find(index[t], STR("anything")) : option_find(index[t], name);
		if (!o)
			fail_msg("%.*s has no %.*s", STR_ARG(type), STR_ARG(name));
		if (line.n && !str_ieq(line, str_z(o->def)))
			fail_msg("%.*s %.*s: the default is %s, not %.*s", STR_ARG(type), STR_ARG(name), o->def, STR_ARG(line));
		n++;
	}
	assert_int_equal(n, 348);
	for (size_t t = 0; t < OBJECT_TYPES; t++)
		option_index_free(index[t]);
	intern_free(ctx.intern);
	arena_free(arena);
	free(text);
}

static void shows(const struct object *o, const char *name, const char *want)
{
	const struct option_set *set = object_options((enum object_type)o->type);
	struct buf b = BUF_INIT;

	option_each(row, set)
		if (!strcmp(row->name, name))
			option_write(&b, row, o, false);
	if (strcmp(buf_z(&b), want))
		fail_msg("%s: shows %s, not %s", name, buf_z(&b), want);
	buf_free(&b);
}

static void check_alice(const struct snapshot *s)
{
	const struct endpoint *e = snapshot_endpoint(s, STR("alice"));

	assert_non_null(e);
	assert_ptr_equal(e->of, s);
	assert_true(str_eq(e->context, STR("inside")));
	shows(&e->o, "allow", "(ulaw|alaw|opus)");
	assert_int_equal(e->allow->v[1].ptime, 30);
	shows(&e->o, "set_var", "A=2,B=x=y");
	shows(&e->o, "callerid", "\"Alice \"A\" Smith\" <2025550100>");
	shows(&e->o, "100rel", "peer_supported");
	shows(&e->o, "timers", "always");
	shows(&e->o, "dtmf_mode", "auto_info");
	shows(&e->o, "tos_audio", "184");
	shows(&e->o, "identify_by", "auth_username,username");
	shows(&e->o, "call_group", "1, 2, 3, 5");
	shows(&e->o, "acl", "deny/permit");
	shows(&e->o, "aors", "alice,shared");
	shows(&e->o, "codec_prefs_outgoing_offer", "prefer:pending, operation:union, keep:all, transcode:allow");
	assert_int_equal(e->aor_n, 2);
	assert_true(str_eq(e->aor_objs[1]->name, STR("shared")));
	assert_int_equal(e->auth_n, 1);
	assert_int_equal(e->outbound_auths.n, 1);
	assert_ptr_equal(e->transport_obj, snapshot_transport(s, STR("udp")));
	/* webrtc=yes brings these along. */
	assert_true(e->bundle && e->rtcp_mux && e->use_avpf && e->ice_support && e->dtls_auto_generate_cert);
	assert_int_equal(e->media_encryption, ENCRYPTION_DTLS);
	assert_int_equal(e->dtls_setup, DTLS_SETUP_ACTPASS);
	shows(&e->o, "dtls_verify", "Fingerprint");
	shows(&e->o, "webrtc", "yes");
	shows(&e->o, "srtp_tag_32", "false");
}

static void check_acls(const struct snapshot *s)
{
	const struct endpoint *e = snapshot_endpoint(s, STR("alice")), *b = snapshot_endpoint(s, STR("bob"));
	const struct acl_conf *doors = (const void *)s->list[OBJECT_ACL].v[0];
	struct sa sa;
	struct str which = STR("?");

	/* Equal rules of two endpoints are one set. */
	assert_ptr_equal(e->acl, b->acl);
	assert_int_equal(e->acl->n, 2);
	sa_parse(&sa, STR("10.1.2.3"));
	assert_true(acl_set_permits(e->acl, &sa, NULL));
	sa_parse(&sa, STR("10.9.9.9"));
	assert_false(acl_set_permits(e->acl, &sa, &which));
	assert_true(str_eq(which, STR("office")));
	sa_parse(&sa, STR("11.1.2.3"));
	assert_false(acl_set_permits(e->acl, &sa, &which));
	assert_true(str_eq(which, STR("")));
	assert_true(acl_set_permits(NULL, &sa, NULL));
	assert_non_null(doors->acl);
	assert_non_null(doors->contact_acl);
}

static void check_rest(const struct snapshot *s)
{
	const struct identify_conf *i = snapshot_identify(s, STR("trunk"));
	const struct auth_conf *bob = snapshot_auth(s, STR("bob")), *alice = snapshot_auth(s, STR("alice"));
	const struct transport_conf *t = snapshot_transport(s, STR("udp"));
	const struct registration_conf *r = snapshot_registration(s, STR("trunk"));
	const struct inbound_publication *p = snapshot_inbound_publication(s, STR("inpub"));
	const struct phoneprov_conf *prov = (const void *)s->list[OBJECT_PHONEPROV].v[0];

	assert_int_equal(i->net_n, 2);
	assert_int_equal(i->nets[1].port, 5080);
	assert_int_equal(i->hosts.n, 1);
	assert_true(str_eq(i->hosts.v[0], STR("trunk.example.com")));
	assert_true(str_eq(i->header_name, STR("X-Trunk")));
	assert_int_equal(regexec(i->header_re, "123", 0, NULL, 0), 0);
	assert_null(i->request_uri_re);
	assert_ptr_equal(i->endpoint_obj, snapshot_endpoint(s, STR("trunk")));
	shows(&i->o, "match", "192.0.2.0/255.255.255.0,198.51.100.7:5080/255.255.255.255");

	assert_true(str_eq(bob->ha1[DIGEST_MD5].s, STR("00112233445566778899aabbccddeeff")));
	assert_int_equal(bob->supported_algorithms_uas.n, 2);
	assert_true(bob->own_algorithms_uas);
	assert_int_equal(alice->supported_algorithms_uas.v[0], DIGEST_SHA256);
	assert_false(alice->own_algorithms_uas);
	shows(&alice->o, "password", "***");
	shows(&bob->o, "password_digest", "***");

	assert_int_equal(sa_port(&t->bind), 5060);
	assert_int_equal(sa_port(&snapshot_transport(s, STR("tls"))->bind), 5061);
	assert_int_equal(t->local_net_n, 3);
	assert_int_equal(t->tos, 96);
	shows(&t->o, "bind", "0.0.0.0:5060");
	shows(&t->o, "method", "unspecified");
	shows(&t->o, "verify_client", "No");

	assert_ptr_equal(r->endpoint_obj, i->endpoint_obj);
	assert_int_equal(p->events->n, 2);
	assert_true(str_eq(p->events->v[1].name, STR("message-summary")));
	assert_int_equal(prov->vars->n, 1);
	assert_int_equal(snapshot_resource_list(s, STR("team"))->list_item.n, 3);
	assert_int_equal(snapshot_aor(s, STR("alice"))->contact.n, 3);
	assert_true(snapshot_aor(s, STR("shared"))->qualify_timeout == 1.5);
	assert_true(str_eq(snapshot_endpoint(s, STR("bob"))->media_address, STR("2001:db8::1")));
	assert_true(str_eq(snapshot_endpoint(s, STR("bob"))->callerid_num, STR("5550101")));
	assert_int_equal(s->system->timer_b, 6400);
	assert_int_equal(s->system->timer_t1, 500);
	assert_int_equal(s->global->endpoint_identifier_order.n, 3);
	assert_int_equal(snapshot_contact(s, STR("stored"))->expiration_time, 1700000000);
	assert_true(str_eq(snapshot_domain_alias(s, STR("example.org"))->domain, STR("example.com")));
}

static const struct str office = STR_INIT("[office]\ndeny=10.9.0.0/16\n");

static void whole_file(void **state)
{
	char *text = read_data("pjsip-all.conf");
	size_t before = obj_live();
	struct snapshot *s = parse_clean(str_z(text), office), *again;
	struct report *r = GOT(report_new());

	(void)state;
	for (size_t t = 0; t < OBJECT_TYPES; t++)
		assert_true(s->list[t].n > 0);
	check_alice(s);
	check_acls(s);
	check_rest(s);

	/* The same through a reload in which every object has become bad. */
	assert_int_equal(snapshot_parse(&again, STR(
		"[udp]\ntype=transport\nx=1\n[tls]\ntype=transport\nx=1\n[alice]\ntype=endpoint\nx=1\n"
		"[alice]\ntype=auth\nx=1\n[alice]\ntype=aor\nx=1\n[shared]\ntype=aor\nx=1\n[bob]\ntype=endpoint\nx=1\n"
		"[bob]\ntype=auth\nx=1\n[trunk]\ntype=endpoint\nx=1\n[trunk]\ntype=identify\nx=1\n[trunk]\n"
		"type=registration\nx=1\n[example.org]\ntype=domain_alias\nx=1\n[doors]\ntype=acl\nx=1\n[team]\n"
		"type=resource_list\nx=1\n[pub]\ntype=outbound-publish\nx=1\n[inpub]\ntype=inbound-publication\nx=1\n"
		"[apub]\ntype=asterisk-publication\nx=1\n[prov]\ntype=phoneprov\nPROFILE=\n[stored]\ntype=contact\nx=1\n"
		"[sub]\ntype=subscription_persistence\nx=1\n[global]\ntype=global\nx=1\n[system]\ntype=system\nx=1\n"),
		office, s, r), 0);
	assert_int_equal(report_errors(r), 22);
	for (size_t t = 0; t < OBJECT_TYPES; t++)
		assert_int_equal(again->list[t].n, s->list[t].n);
	/* What was kept needs nothing of the old one. */
	obj_drop(s);
	check_alice(again);
	check_acls(again);
	check_rest(again);
	assert_true(snapshot_endpoint(again, STR("alice"))->o.kept);
	assert_int_equal(again->serial, 2);
	obj_drop(again);
	assert_int_equal(obj_live(), before);
	report_free(r);
	free(text);
}

#define EP "[a]\ntype=endpoint\n"
#define AUTH "[a]\ntype=auth\nusername=a\npassword=b\n"
#define OAUTH "[a]\ntype=auth\nusername=a\nauth_type=google_oauth\nrefresh_token=r\noauth_clientid=c\noauth_secret=s\n"
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

static struct snapshot *reload(struct snapshot *old, const char *text)
{
	struct snapshot *s = NULL;
	struct report *r = GOT(report_new());

	assert_int_equal(snapshot_parse(&s, str_z(text), no_acl, old, r), 0);
	report_free(r);
	obj_drop(old);
	return s;
}

static void reloads(void **state)
{
	struct snapshot *s = reload(NULL, EP "context=one\n[b]\ntype=endpoint\ncontext=two\n" AUTH);

	(void)state;
	/* A bad one stays as it was, again and again; a good one changes; a missing one goes. */
	for (int i = 0; i < 3; i++) {
		s = reload(s, EP "context=three\nnonsense=1\n[c]\ntype=endpoint\n" AUTH);
		assert_true(str_eq(snapshot_endpoint(s, STR("a"))->context, STR("one")));
		assert_null(snapshot_endpoint(s, STR("b")));
		assert_non_null(snapshot_endpoint(s, STR("c")));
		assert_int_equal(s->list[OBJECT_ENDPOINT].n, 2);
	}
	/* Twins keep the whole type as it was, and no other type. */
	s = reload(s, EP EP "[d]\ntype=endpoint\n[e]\ntype=auth\nusername=x\npassword=y\n");
	assert_int_equal(s->list[OBJECT_ENDPOINT].n, 2);
	assert_true(str_eq(snapshot_endpoint(s, STR("a"))->context, STR("one")));
	assert_null(snapshot_endpoint(s, STR("d")));
	assert_null(snapshot_auth(s, STR("a")));
	assert_non_null(snapshot_auth(s, STR("e")));
	s = reload(s, EP "context=four\n");
	assert_true(str_eq(snapshot_endpoint(s, STR("a"))->context, STR("four")));
	assert_false(snapshot_endpoint(s, STR("a"))->o.kept);
	obj_drop(s);
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

static void defaults(void **state)
{
	struct snapshot *s = parse_clean(STR(EP), no_acl);
	const struct endpoint *e = snapshot_endpoint(s, STR("a"));

	(void)state;
	shows(&e->o, "callerid", "<unknown>");
	shows(&e->o, "allow", "(nothing)");
	shows(&e->o, "sdp_owner", "-");
	shows(&e->o, "dtls_setup", "active");
	shows(&e->o, "identify_by", "username,ip");
	assert_null(e->acl);
	assert_null(e->set_var);
	assert_int_equal(s->global->max_forwards, 70);
	assert_true(str_eq(s->global->default_realm, STR("asterisk")));
	assert_int_equal(s->global->default_auth_algorithms_uas.n, 1);
	assert_int_equal(s->system->timer_b, 32000);
	assert_null(snapshot_endpoint(s, STR("A")));
	obj_drop(s);
}

/* The first type= decides, as it does in Asterisk. */
static void first_type(void **state)
{
	struct snapshot *s = parse_clean(STR("[t](!)\ntype=endpoint\n[a](t)\ntype=aor\n"), no_acl);

	(void)state;
	assert_non_null(snapshot_endpoint(s, STR("a")));
	assert_null(snapshot_aor(s, STR("a")));
	obj_drop(s);
}

static void codec_order(void **state)
{
	static const struct {
		const char *text, *shown;
	} tv[] = {
		{ "allow=ulaw\nallow=alaw\n", "(ulaw|alaw)" },
		{ "allow=ulaw\ndisallow=all\n", "(nothing)" },
		{ "disallow=all\nallow=g722,ulaw\n", "(g722|ulaw)" },
		{ "allow=ulaw|alaw|ulaw\n", "(ulaw|alaw)" },
		{ "allow=(opus|ulaw)\n", "(opus|ulaw)" },
		{ "allow=gsm,(x\n", NULL },
		{ "allow=ULAW,!ulaw,h264\n", "(h264)" },
		{ "allow=\n", "(nothing)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct snapshot *s = NULL;
		char text[128];

		snprintf(text, sizeof(text), "%s%s", EP, tv[i].text);
		assert_int_equal(snapshot_parse(&s, str_z(text), no_acl, NULL, NULL), 0);
		if (tv[i].shown)
			shows(s->list[OBJECT_ENDPOINT].v[0], "allow", tv[i].shown);
		else
			assert_null(snapshot_endpoint(s, STR("a")));
		obj_drop(s);
	}
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void drop_file(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static void from_files(void **state)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX";
	struct snapshot *a = NULL, *b = NULL;
	struct snapshot_prm prm = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	prm.dir = dir;
	assert_int_equal(snapshot_build(&a, &prm, NULL), ENOENT);
	put_file(dir, "pjsip.conf", EP "acl=x\n");
	assert_int_equal(snapshot_build(&a, &prm, NULL), 0);
	assert_true(snapshot_endpoint(a, STR("a"))->acl->undefined);
	prm.previous = a;
	assert_int_equal(snapshot_build(&b, &prm, NULL), EALREADY);
	/* A file that comes is a change, too. */
	put_file(dir, "acl.conf", "[x]\ndeny=1.2.3.4\n");
	assert_int_equal(snapshot_build(&b, &prm, NULL), 0);
	assert_false(snapshot_endpoint(b, STR("a"))->acl->undefined);
	obj_drop(a);
	prm.previous = b;
	assert_int_equal(snapshot_build(&a, &prm, NULL), EALREADY);
	put_file(dir, "pjsip.conf", "x\n" EP);
	assert_int_equal(snapshot_build(&a, &prm, NULL), EBADMSG);
	obj_drop(b);
	drop_file(dir, "pjsip.conf");
	drop_file(dir, "acl.conf");
	rmdir(dir);
}

/* A phone and a trunk by the wizard are what discrete sections would be. */
static void wizard(void **state)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX";
	struct snapshot *s = NULL;
	struct snapshot_prm prm = { .dir = dir };
	struct report *r = GOT(report_new());
	const struct endpoint *e;
	const struct registration_conf *reg;
	struct buf b = BUF_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	put_file(dir, "pjsip.conf", "[udp]\ntype=transport\nbind=0.0.0.0\n");
	put_file(dir, "pjsip_wizard.conf", "[w](!)\ntype=wizard\ntransport=udp\n[trunk](w)\nsends_auth=yes\n"
		"sends_registrations=yes\nremote_hosts=127.0.0.5:41060, 127.0.0.6\nendpoint/context=inside\n"
		"outbound_auth/username=me\noutbound_auth/password=p\nregistration/retry_interval=38\n"
		"[phone](w)\naccepts_auth=yes\naccepts_registrations=yes\naor/max_contacts=7\ninbound_auth/username=u\n"
		"inbound_auth/password=p\nhas_hint=yes\nhint_exten=100\nendpoint/allow=ulaw\n"
		"[bad](w)\naccepts_auth=yes\nendpoint/alow=ulaw\n[worse](w)\nacepts_auth=yes\n");
	assert_int_equal(snapshot_build(&s, &prm, r), 0);
	e = snapshot_endpoint(s, STR("trunk"));
	assert_non_null(e);
	assert_int_equal(e->outbound_auths.n, 1);
	assert_int_equal(e->auth.n, 0);
	assert_true(str_eq(e->context, STR("inside")));
	assert_ptr_equal(e->transport_obj, snapshot_transport(s, STR("udp")));
	shows(&e->aor_objs[0]->o, "contact", "sip:127.0.0.5:41060,sip:127.0.0.6");
	shows(&snapshot_identify(s, STR("trunk-identify"))->o, "match",
	      "127.0.0.5:41060/255.255.255.255,127.0.0.6/255.255.255.255");
	reg = snapshot_registration(s, STR("trunk-reg-1"));
	assert_true(str_eq(reg->client_uri, STR("sip:me@127.0.0.6")));
	assert_int_equal(reg->retry_interval, 38);
	assert_int_equal(reg->outbound_auths.n, 1);
	e = snapshot_endpoint(s, STR("phone"));
	assert_int_equal(e->auth_n, 1);
	assert_true(str_eq(e->auth_objs[0]->name, STR("phone-iauth")));
	assert_int_equal(snapshot_aor(s, STR("phone"))->max_contacts, 7);
	assert_null(snapshot_identify(s, STR("phone-identify")));
	assert_int_equal(s->hint_n, 1);
	assert_true(str_eq(s->hints[0].context, STR("default")));
	assert_true(str_eq(s->hints[0].endpoint, STR("phone")));

	assert_null(snapshot_endpoint(s, STR("bad")));
	assert_int_equal(report_errors(r), 4);
	report_write(&b, report_at(r, 0));
	assert_string_equal(buf_z(&b), "pjsip_wizard.conf:21: wizard 'bad': accepts_auth needs inbound_auth/username=");
	buf_reset(&b);
	report_write(&b, report_at(r, 2));
	assert_string_equal(buf_z(&b), "pjsip_wizard.conf:25: wizard 'worse': unknown option 'acepts_auth'; did you mean "
			    "'accepts_auth'?");
	buf_reset(&b);
	report_write(&b, report_at(r, 3));
	assert_string_equal(buf_z(&b), "pjsip_wizard.conf:23: endpoint 'bad': unknown option 'alow'; did you mean 'allow'?");
	buf_free(&b);
	obj_drop(s);
	report_free(r);
	drop_file(dir, "pjsip.conf");
	drop_file(dir, "pjsip_wizard.conf");
	rmdir(dir);
}

static void manager(void **state)
{
	struct report *r = GOT(report_new());
	struct named_acls *acls = NULL;
	struct manager_conf *c = NULL;
	const struct manager_user *u;
	struct sa sa;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(named_acls_parse(&acls, office, r), 0);
	assert_int_equal(manager_conf_parse(&c, STR("[general]\nenabled=yes\nbindaddr=127.0.0.1\nport=5039\n"
		"displayconnects=no\n[joe]\nsecret=s\nread=system,call\nwrite=all\npermit=127.0.0.1\ndeny=0.0.0.0/0\n"
		"acl=office\neventfilter=Event: A\neventfilter=!Event: B\nsetvar=X=1\n[ann]\nsecret=t\nread=sistem\n"),
		acls, r), 0);
	assert_true(c->enabled);
	assert_int_equal(sa_port(&c->listen), 5039);
	assert_true(sa_is_loopback(&c->listen));
	assert_int_equal(c->users, 1);
	u = manager_conf_user(c, STR("joe"));
	assert_int_equal(u->read, PERM_SYSTEM | PERM_CALL);
	assert_int_equal(u->write, PERM_ALL);
	assert_false(u->displayconnects);
	assert_int_equal(u->eventfilter->n, 2);
	assert_int_equal(u->setvar->n, 1);
	sa_parse(&sa, STR("127.0.0.1"));
	/* The last rule that fits decides. */
	assert_false(acl_set_permits(u->acl, &sa, NULL));
	assert_int_equal(report_count(r), 1);
	manager_perm_write(&b, u->read);
	assert_string_equal(buf_z(&b), "system,call");
	buf_free(&b);
	obj_drop(c);
	obj_drop(acls);
	report_free(r);
}

/* A list with a rule that cannot be read lets nobody in. */
static void broken_acl(void **state)
{
	struct named_acls *acls = NULL;
	struct report *r = GOT(report_new());
	struct sa sa;

	(void)state;
	assert_int_equal(named_acls_parse(&acls, STR("[x]\ndeny=10.0.0/8x\npermit=1.2.3.4\n"), r), 0);
	sa_parse(&sa, STR("1.2.3.4"));
	assert_false(acl_permits(named_acls_get(acls, STR("X")), &sa));
	assert_int_equal(report_errors(r), 1);
	obj_drop(acls);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option), cmocka_unit_test(whole_file), cmocka_unit_test(fault_lines),
		cmocka_unit_test(reloads), cmocka_unit_test(defaults), cmocka_unit_test(locked), cmocka_unit_test(auths_that_prove_nothing),
		cmocka_unit_test(nobody), cmocka_unit_test(no_secret_in_a_report), cmocka_unit_test(first_type),
		cmocka_unit_test(codec_order), cmocka_unit_test(from_files), cmocka_unit_test(wizard),
		cmocka_unit_test(manager),
		cmocka_unit_test(broken_acl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
