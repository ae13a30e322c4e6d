/* pjsip.conf as a whole: every object and option, what the tables say of them, and what a
 * reload keeps. */
#include "objects_stage.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

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

static void check_alice(const struct snapshot *s)
{
	const struct endpoint *e = snapshot_endpoint(s, STR("alice"));

	assert_non_null(e);
	assert_ptr_equal(e->of, s);
	assert_true(str_eq(e->context, STR("inside")));
	assert_shows(&e->o, "allow", "(ulaw|alaw|opus)");
	assert_int_equal(e->allow->v[1].ptime, 30);
	assert_shows(&e->o, "set_var", "A=2,B=x=y");
	assert_shows(&e->o, "callerid", "\"Alice \"A\" Smith\" <2025550100>");
	assert_shows(&e->o, "100rel", "peer_supported");
	assert_shows(&e->o, "timers", "always");
	assert_shows(&e->o, "dtmf_mode", "auto_info");
	assert_shows(&e->o, "tos_audio", "184");
	assert_shows(&e->o, "identify_by", "auth_username,username");
	assert_shows(&e->o, "call_group", "1, 2, 3, 5");
	assert_shows(&e->o, "acl", "deny/permit");
	assert_shows(&e->o, "aors", "alice,shared");
	assert_shows(&e->o, "codec_prefs_outgoing_offer", "prefer:pending, operation:union, keep:all, transcode:allow");
	assert_int_equal(e->aor_n, 2);
	assert_true(str_eq(e->aor_objs[1]->name, STR("shared")));
	assert_int_equal(e->auth_n, 1);
	assert_int_equal(e->outbound_auths.n, 1);
	assert_ptr_equal(e->transport_obj, snapshot_transport(s, STR("udp")));
	/* webrtc=yes brings these along. */
	assert_true(e->bundle && e->rtcp_mux && e->use_avpf && e->ice_support && e->dtls_auto_generate_cert);
	assert_int_equal(e->media_encryption, ENCRYPTION_DTLS);
	assert_int_equal(e->dtls_setup, DTLS_SETUP_ACTPASS);
	assert_shows(&e->o, "dtls_verify", "Fingerprint");
	assert_shows(&e->o, "webrtc", "yes");
	assert_shows(&e->o, "srtp_tag_32", "false");
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
	assert_shows(&i->o, "match", "192.0.2.0/255.255.255.0,198.51.100.7:5080/255.255.255.255");

	assert_true(str_eq(bob->ha1[DIGEST_MD5].s, STR("00112233445566778899aabbccddeeff")));
	assert_int_equal(bob->supported_algorithms_uas.n, 2);
	assert_true(bob->own_algorithms_uas);
	assert_int_equal(alice->supported_algorithms_uas.v[0], DIGEST_SHA256);
	assert_false(alice->own_algorithms_uas);
	assert_shows(&alice->o, "password", "***");
	assert_shows(&bob->o, "password_digest", "***");

	assert_int_equal(sa_port(&t->bind), 5060);
	assert_int_equal(sa_port(&snapshot_transport(s, STR("tls"))->bind), 5061);
	assert_int_equal(t->local_net_n, 3);
	assert_int_equal(t->tos, 96);
	assert_shows(&t->o, "bind", "0.0.0.0:5060");
	assert_shows(&t->o, "method", "unspecified");
	assert_shows(&t->o, "verify_client", "No");

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
		"type=resource_list\nx=1\n[pub]\ntype=outbound-publish\nx=1\n[vm]\ntype=outbound-subscription\nx=1\n"
		"[inpub]\ntype=inbound-publication\nx=1\n"
		"[apub]\ntype=asterisk-publication\nx=1\n[prov]\ntype=phoneprov\nPROFILE=\n[stored]\ntype=contact\nx=1\n"
		"[sub]\ntype=subscription_persistence\nx=1\n[global]\ntype=global\nx=1\n[system]\ntype=system\nx=1\n"),
		office, s, r), 0);
	assert_int_equal(report_errors(r), 23);
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

static void defaults(void **state)
{
	struct snapshot *s = parse_clean(STR(EP), no_acl);
	const struct endpoint *e = snapshot_endpoint(s, STR("a"));

	(void)state;
	assert_shows(&e->o, "callerid", "<unknown>");
	assert_shows(&e->o, "allow", "(nothing)");
	assert_shows(&e->o, "sdp_owner", "-");
	assert_shows(&e->o, "dtls_setup", "active");
	assert_shows(&e->o, "identify_by", "username,ip");
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
			assert_shows(s->list[OBJECT_ENDPOINT].v[0], "allow", tv[i].shown);
		else
			assert_null(snapshot_endpoint(s, STR("a")));
		obj_drop(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option), cmocka_unit_test(whole_file), cmocka_unit_test(reloads),
		cmocka_unit_test(defaults), cmocka_unit_test(first_type), cmocka_unit_test(codec_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
