/* The configuration from files: which of them changed, the wizard's, manager.conf, acl.conf. */
#include "objects_stage.h"
#include "service/object/http_conf.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

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

static void http_from_file(const char *dir, const char *text, struct snapshot **s, const char *fault)
{
	struct snapshot_prm prm = { .dir = dir };
	struct report *r = GOT(report_new());

	put_file(dir, "http.conf", text);
	obj_drop(*s);
	*s = NULL;
	assert_int_equal(snapshot_build(s, &prm, r), 0);
	if (!fault && report_count(r))
		show_faults(r);
	assert_int_equal(report_count(r), fault ? 1 : 0);
	if (fault && str_find(report_at(r, 0)->text, str_z(fault)) == report_at(r, 0)->text.n)
		fail_msg("%.*s", STR_ARG(report_at(r, 0)->text));
	report_free(r);
}

static void assert_listens(const struct sa *a, const char *z)
{
	char text[SA_TEXT];

	assert_string_equal(sa_text(a, text), z);
}

/* What stands there more than once, and names of the same thing. */
static void http_others(const char *dir, struct snapshot **s)
{
	const struct http_conf *h;
	struct str list;
	struct sa a;

	http_from_file(dir, "[general]\nenablestatic=yes\nenablestatus=yes\nservername=\nsessionlimit=7\nsession_inactivity=8\n"
		       "session_keep_alive=0\nredirect=/ /static/index.html\nredirect = /a   http://b/,c\nsslenable=yes\n"
		       "sslbindaddr=127.0.0.1:99\ntlscert=c\nsslprivatekey=k\nsslcipher=x\n", s, NULL);
	h = (*s)->http;
	assert_true(h->enable_static && h->enable_status && !h->servername.n && h->tls);
	assert_int_equal(h->sessionlimit, 7);
	assert_int_equal(h->session_inactivity, 8);
	assert_int_equal(h->session_keep_alive, 0);
	assert_int_equal(h->redirects_n, 2);
	assert_true(str_eq(h->redirects[0].from, STR("/")) && str_eq(h->redirects[0].to, STR("/static/index.html")));
	assert_true(str_eq(h->redirects[1].from, STR("/a")) && str_eq(h->redirects[1].to, STR("http://b/,c")));
	assert_true(str_eq(h->tlscertfile, STR("c")) && str_eq(h->tlsprivatekey, STR("k")) && str_eq(h->tlscipher, STR("x")));
	http_from_file(dir, "[general]\n", s, NULL);
	h = (*s)->http;
	assert_true(!h->enable_static && !h->enable_status && str_starts(h->servername, STR("Asterisk/")));
	assert_true(h->sessionlimit == 100 && h->session_inactivity == 30000 && h->session_keep_alive == 15000);
	http_from_file(dir, "[general]\nredirect=/alone\n", s, "must be two paths");
	assert_int_equal((*s)->http->redirects_n, 0);
	http_from_file(dir, "[/a]\ntype=restriction\ndeny=0.0.0.0/0\npermit=127.0.0.1\n[/b]\ntype=restriction\n", s, NULL);
	h = (*s)->http;
	assert_true(str_eq(h->restrictions->path, STR("/a")) && str_eq(h->restrictions->next->path, STR("/b")));
	assert_null(h->restrictions->next->next);
	assert_int_equal(sa_parse(&a, STR("127.0.0.1")), 0);
	assert_true(acl_set_permits(h->restrictions->acl, &a, &list));
	assert_true(acl_set_permits(h->restrictions->next->acl, &a, &list));
	assert_int_equal(sa_parse(&a, STR("127.0.0.2")), 0);
	assert_false(acl_set_permits(h->restrictions->acl, &a, &list));
}

/* A rule that cannot be read lets nobody in. */
static void http_broken_rule(const char *dir, struct snapshot **s)
{
	struct snapshot_prm prm = { .dir = dir };
	struct str list;
	struct sa a;

	put_file(dir, "http.conf", "[/a]\ntype=restriction\ndeny=nonsense\n");
	obj_drop(*s);
	*s = NULL;
	assert_int_equal(snapshot_build(s, &prm, NULL), 0);
	assert_int_equal(sa_parse(&a, STR("127.0.0.1")), 0);
	assert_false(acl_set_permits((*s)->http->restrictions->acl, &a, &list));
	/* Nor does one with a word that is none of ours; and paths begin with a '/'. */
	put_file(dir, "http.conf", "[/a]\ntype=restriction\nallow=127.0.0.1\n");
	obj_drop(*s);
	*s = NULL;
	assert_int_equal(snapshot_build(s, &prm, NULL), 0);
	assert_false(acl_set_permits((*s)->http->restrictions->acl, &a, &list));
	http_from_file(dir, "[a]\ntype=restriction\ndeny=0.0.0.0/0\n", s, "is taken as '/a'");
	assert_true(str_eq((*s)->http->restrictions->path, STR("/a")));
}

/* http.conf: the addresses, and what WebSockets ask for. */
static void http_conf(void **state)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX";
	struct snapshot *s = NULL;
	struct snapshot_prm prm = { .dir = dir };

	(void)state;
	assert_non_null(mkdtemp(dir));
	put_file(dir, "pjsip.conf", EP);
	assert_int_equal(snapshot_build(&s, &prm, NULL), 0);
	assert_false(s->http->enabled || s->http->tlsenable);
	assert_true(!s->http->path.n && !s->http->plain && !s->http->tls);
	http_from_file(dir, "[general]\nenabled=yes\n", &s, "bindaddr is missing, so nothing is served");
	assert_true(s->http->enabled && !s->http->plain);
	http_from_file(dir, "[general]\nenabled=yes\nbindaddr=localhost\nbindport=0\n", &s, NULL);
	assert_true(s->http->plain && !s->http->tls);
	assert_listens(&s->http->listen, "127.0.0.1:8088");
	assert_listens(&s->http->tls_listen, "127.0.0.1:8089");
	http_from_file(dir, "[general]\nbindaddr=127.0.0.1\n[other]\nx=y\n", &s, "[other] does nothing");
	assert_false(s->http->plain);
	http_from_file(dir, "[general]\n[post_mappings]\nuploads=/tmp\n", &s, "[post_mappings]: files are not taken");
	http_from_file(dir, "[general]\nenabled=yes\nbindaddr=127.0.0.1\nbindport=80\nprefix=/a/\ntlsenable=yes\n"
		       "tlsbindaddr=[::1]:443\ntlscertfile=c\ntlsprivatekey=k\ntlscipher=x\ntlsdisablev12=yes\n", &s, NULL);
	assert_listens(&s->http->listen, "127.0.0.1:80");
	assert_listens(&s->http->tls_listen, "[::1]:443");
	assert_true(str_eq(s->http->path, STR("/a")) && s->http->plain && s->http->tls && str_eq(s->http->tlscertfile, STR("c")));
	assert_true(str_eq(s->http->tlsprivatekey, STR("k")) && str_eq(s->http->tlscipher, STR("x")));
	assert_true(s->http->tlsenable && s->http->tlsdisablev12);
	http_from_file(dir, "[general]\nbindaddr=127.0.0.9:81\nbindport=82\n", &s, NULL);
	assert_listens(&s->http->listen, "127.0.0.9:81");
	assert_listens(&s->http->tls_listen, "127.0.0.9:8089");
	http_from_file(dir, "[general]\nbindaddr=nowhere\n", &s, "bindaddr: 'nowhere' is not an address; 127.0.0.1 is used");
	assert_listens(&s->http->listen, "127.0.0.1:8088");
	http_from_file(dir, "[general]\ntlsbindaddr=nowhere\n", &s, "tlsbindaddr: 'nowhere' is not an address");
	http_from_file(dir, "[general]\ntlsenable=yes\ntlsbindaddr=127.0.0.1\n", &s, NULL);
	assert_true(s->http->tls && !s->http->plain);
	assert_listens(&s->http->tls_listen, "127.0.0.1:8089");
	http_others(dir, &s);
	http_broken_rule(dir, &s);
	http_from_file(dir, "[general]\nbindport=99999\n", &s, "bindport");
	http_from_file(dir, "[general]\nbindprot=1\n", &s, "did you mean 'bindport'?");
	obj_drop(s);
	drop_file(dir, "pjsip.conf");
	drop_file(dir, "http.conf");
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
	assert_shows(&e->aor_objs[0]->o, "contact", "sip:127.0.0.5:41060,sip:127.0.0.6");
	assert_shows(&snapshot_identify(s, STR("trunk-identify"))->o, "match",
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
		cmocka_unit_test(from_files), cmocka_unit_test(http_conf), cmocka_unit_test(wizard), cmocka_unit_test(manager),
		cmocka_unit_test(broken_acl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
