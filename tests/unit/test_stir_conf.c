/* stir_shaken.conf: every option, what shows through from where, and what is wrong in which line. */
#include "base/obj.h"
#include "config/report.h"
#include "net/address.h"
#include "service/object/settings.h"
#include "service/stir/stir_conf.h"
#include "stir_stage.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct pki pki;
static struct report *report;
static struct stir_conf *conf;
static struct buf text;

static int setup_all(void **state)
{
	(void)state;
	pki_make(&pki);
	pki_files(&pki, NULL);
	return 0;
}

static int teardown_all(void **state)
{
	(void)state;
	pki_free(&pki);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	report = report_new();
	conf = NULL;
	text = (struct buf)BUF_INIT;
	return report ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	obj_drop(conf);
	report_free(report);
	buf_free(&text);
	return 0;
}

/* %s in `fmt` is the directory with the files. */
static void add(const char *fmt)
{
	struct str rest = str_z(fmt);

	while (rest.n) {
		size_t at = str_chr(rest, '%');

		buf_put(&text, str_sub(rest, 0, at));
		if (at < rest.n)
			buf_put(&text, str_z(pki.dir));
		rest = str_skip(rest, at + 1);
	}
}

static void load_over(const char *fmt, const struct stir_conf *previous)
{
	struct named_acls *acls = NULL;
	struct stir_conf_prm prm = { .data_dir = str_z(pki.dir), .previous = previous };

	buf_reset(&text);
	add(fmt);
	assert_int_equal(named_acls_parse(&acls, STR("[home]\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n"), NULL), 0);
	prm.acls = acls;
	assert_int_equal(stir_conf_parse(&conf, buf_view(&text), &prm, report), 0);
	obj_drop(acls);
}

static void load(const char *fmt)
{
	load_over(fmt, NULL);
}

static struct stir_section *effective(const char *name)
{
	struct stir_section *p = stir_list_get(&conf->eprofiles, str_z(name));

	assert_non_null(p);
	return p;
}

/* The one fault is in that line and says so. */
static void assert_fault(uint32_t line, const char *words)
{
	bool found = false;

	for (size_t i = 0; i < report_count(report); i++) {
		const struct report_entry *e = report_at(report, i);

		found = found || (e->line == line && str_find(e->text, str_z(words)) < e->text.n);
	}
	if (!found) {
		report_print(report, stderr);
		fail_msg("no fault at line %u with '%s'", line, words);
	}
}

static void test_none(void **state)
{
	(void)state;
	load("");
	assert_null(conf->verification);
	assert_null(conf->attestation);
	/* The system's authorities are enough. */
	obj_drop(conf);
	load("[verification]\nload_system_certs=yes\n");
	assert_non_null(conf->verification->store);
	/* A profile without the global sections does nothing. */
	obj_drop(conf);
	load("[p]\ntype=profile\nendpoint_behavior=on\nca_file=%/ca.pem\n");
	assert_int_equal(effective("p")->endpoint_behavior, STIR_OFF);
}

static void test_defaults(void **state)
{
	struct stir_section *p;
	char dir[128];

	(void)state;
	load("[verification]\nca_file=%/ca.pem\n[attestation]\n[p]\ntype=profile\nendpoint_behavior=on\n");
	p = effective("p");
	assert_int_equal(report_errors(report), 0);
	assert_int_equal(p->endpoint_behavior, STIR_ON);
	assert_int_equal(p->curl_timeout, 2);
	assert_int_equal(p->max_iat_age, 15);
	assert_int_equal(p->max_date_header_age, 15);
	assert_int_equal(p->max_cache_entry_age, 3600);
	assert_int_equal(p->failure_action, STIR_CONTINUE);
	assert_int_equal(p->use_rfc9410_responses, STIR_NO);
	assert_int_equal(p->send_mky, STIR_NO);
	assert_int_equal(p->attest_level, 0);
	assert_non_null(p->store);
	snprintf(dir, sizeof(dir), "%s/keys/stir_shaken/cache", pki.dir);
	assert_true(str_eq(p->cert_cache_dir, str_z(dir)));
	assert_int_equal(access(dir, W_OK), 0);
}

/* Each option: of the global section, then over it the profile's. */
static void test_options(void **state)
{
	static const struct { const char *global, *profile; size_t at; uint32_t g, p; uint8_t size; } rows[] = {
#define ROW(f, gt, gv, pt, pv) { "[verification]\nca_file=%/ca.pem\n" #f "=" gt "\n", #f "=" pt "\n", offsetof(struct stir_section, f), gv, pv, \
		sizeof(((struct stir_section *)0)->f) }
#define AROW(f, gt, gv, pt, pv) { "[attestation]\n" #f "=" gt "\n", #f "=" pt "\n", offsetof(struct stir_section, f), gv, pv, \
		sizeof(((struct stir_section *)0)->f) }
		ROW(curl_timeout, "7", 7, "9", 9), ROW(max_iat_age, "7", 7, "9", 9), ROW(max_date_header_age, "7", 7, "9", 9),
		ROW(max_cache_entry_age, "7", 7, "9", 9), ROW(max_cache_size, "7", 7, "9", 9),
		ROW(failure_action, "reject_request", STIR_CONTINUE, "continue_return_reason", STIR_RETURN_REASON),
		ROW(use_rfc9410_responses, "yes", STIR_YES, "no", STIR_NO),
		ROW(relax_x5u_port_scheme_restrictions, "yes", STIR_YES, "no", STIR_NO),
		ROW(relax_x5u_path_restrictions, "yes", STIR_YES, "no", STIR_NO), ROW(load_system_certs, "yes", STIR_YES, "no", STIR_NO),
		ROW(ignore_sip_date_header, "true", STIR_YES, "off", STIR_NO),
		AROW(attest_level, "A", 'A', "c", 'C'), AROW(unknown_tn_attest_level, "B", 'B', "A", 'A'),
		AROW(check_tn_cert_public_url, "yes", STIR_YES, "no", STIR_NO), AROW(send_mky, "yes", STIR_YES, "no", STIR_NO),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char room[1024];
		const void *g, *p;

		snprintf(room, sizeof(room), "%s[g]\ntype=profile\n[p]\ntype=profile\n%s", rows[i].global, rows[i].profile);
		load(room);
		g = (char *)effective("g") + rows[i].at;
		p = (char *)effective("p") + rows[i].at;
		if ((rows[i].size == 1 ? *(const uint8_t *)g : *(const uint32_t *)g) != rows[i].g ||
		    (rows[i].size == 1 ? *(const uint8_t *)p : *(const uint32_t *)p) != rows[i].p)
			fail_msg("%s and %s do not come through", rows[i].global, rows[i].profile);
		conf = obj_drop(conf);
	}
}

static void test_strings(void **state)
{
	struct stir_section *p;

	(void)state;
	load("[attestation]\nprivate_key_file=%/key.pem\npublic_cert_url=https://a/\n"
	     "[verification]\nca_file=%/ca.pem\ncrl_file=%/crl.pem\nuntrusted_cert_file=%/ca.pem\ncert_cache_dir=%\n"
	     "[g]\ntype=profile\n"
	     "[p]\ntype=profile\nendpoint_behavior=attest\nprivate_key_file=%/other.pem\npublic_cert_url=https://b/\ncert_cache_dir=/tmp\n"
	     "[v]\ntype=profile\nendpoint_behavior=verify\nca_file=%/ca_expired.pem\n");
	p = effective("g");
	assert_ptr_equal(p->key, conf->attestation->key);
	assert_ptr_equal(p->store, conf->verification->store);
	assert_true(str_eq(p->public_cert_url, STR("https://a/")));
	assert_true(str_eq(p->cert_cache_dir, str_z(pki.dir)));
	p = effective("p");
	assert_non_null(p->key);
	assert_ptr_not_equal(p->key, conf->attestation->key);
	assert_true(str_eq(p->public_cert_url, STR("https://b/")));
	assert_true(str_eq(p->cert_cache_dir, STR("/tmp")));
	/* Authorities are one whole, and the global ones come first. */
	p = effective("v");
	assert_ptr_equal(p->store, conf->verification->store);
	assert_fault(17, "have no effect");
	assert_int_equal(report_errors(report), 0);
}

static void test_behavior(void **state)
{
	static const struct { const char *off; uint8_t on, attest, verify; } rows[] = {
		{ "[verification]\nca_file=%/ca.pem\n[attestation]\n", STIR_ON, STIR_ATTEST, STIR_VERIFY },
		{ "[verification]\nca_file=%/ca.pem\nglobal_disable=yes\n[attestation]\n", STIR_ATTEST, STIR_ATTEST, STIR_OFF },
		{ "[verification]\nca_file=%/ca.pem\n[attestation]\nglobal_disable=yes\n", STIR_VERIFY, STIR_OFF, STIR_VERIFY },
		{ "[attestation]\n", STIR_ATTEST, STIR_ATTEST, STIR_OFF },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char room[512];

		snprintf(room, sizeof(room), "%s[a]\ntype=profile\nendpoint_behavior=attest\n[v]\ntype=profile\nendpoint_behavior=verify\n"
			 "[on]\ntype=profile\nendpoint_behavior=both\n[off]\ntype=profile\n", rows[i].off);
		load(room);
		assert_int_equal(effective("on")->endpoint_behavior, rows[i].on);
		assert_int_equal(effective("a")->endpoint_behavior, rows[i].attest);
		assert_int_equal(effective("v")->endpoint_behavior, rows[i].verify);
		assert_int_equal(effective("off")->endpoint_behavior, STIR_OFF);
		conf = obj_drop(conf);
	}
}

static bool permits(const struct stir_section *x, const char *address)
{
	struct sa sa;

	assert_int_equal(sa_parse(&sa, str_z(address)), 0);
	return acl_set_permits(x->acl, &sa, NULL);
}

static void test_lists(void **state)
{
	static const char *const special[] = { "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "172.31.0.1", "100.64.0.1", "::1",
		"fe80::1", "fd00::1", "::ffff:127.0.0.1", "0.0.0.0" };

	(void)state;
	load("[verification]\nca_file=%/ca.pem\n[g]\ntype=profile\n[p]\ntype=profile\nx5u_deny=0.0.0.0/0\nx5u_permit=127.0.0.0/8\n"
	     "[n]\ntype=profile\nx5u_acl=home\n[u]\ntype=profile\nx5u_acl=nowhere\n");
	for (size_t i = 0; i < ARRAY_LEN(special); i++)
		if (permits(effective("g"), special[i]))
			fail_msg("%s is permitted", special[i]);
	assert_true(permits(effective("g"), "8.8.8.8"));
	assert_true(permits(effective("g"), "2a00::1"));
	assert_true(permits(effective("p"), "127.0.0.1"));
	assert_false(permits(effective("p"), "8.8.8.8"));
	assert_true(permits(effective("n"), "10.1.1.1"));
	assert_false(permits(effective("n"), "127.0.0.1"));
	assert_false(permits(effective("u"), "8.8.8.8"));
	assert_fault(12, "nowhere");
}

static void test_signing(void **state)
{
	struct stir_signing how;
	struct stir_section *p;

	(void)state;
	load("[attestation]\nattest_level=B\nprivate_key_file=%/key.pem\npublic_cert_url=https://a/\n"
	     "[18005551212]\ntype=tn\n[18005551213]\ntype=tn\nattest_level=A\npublic_cert_url=https://c/\nprivate_key_file=%/other.pem\nsend_mky=yes\n"
	     "[p]\ntype=profile\nendpoint_behavior=attest\n[u]\ntype=profile\nendpoint_behavior=attest\nunknown_tn_attest_level=C\n");
	p = effective("p");
	assert_int_equal(stir_conf_signing(conf, p, STR("18005551212"), &how), STIR_SIGN_OK);
	assert_int_equal(how.level, 'B');
	assert_true(str_eq(how.url, STR("https://a/")) && !how.mky && how.key == conf->attestation->key);
	assert_int_equal(stir_conf_signing(conf, p, STR("18005551213"), &how), STIR_SIGN_OK);
	assert_int_equal(how.level, 'A');
	assert_true(str_eq(how.url, STR("https://c/")) && how.mky && how.key != conf->attestation->key);
	assert_int_equal(stir_conf_signing(conf, p, STR("1"), &how), STIR_SIGN_UNKNOWN);
	assert_int_equal(stir_conf_signing(conf, effective("u"), STR("1"), &how), STIR_SIGN_OK);
	assert_int_equal(how.level, 'C');
	assert_int_equal(stir_conf_signing(conf, effective("u"), STR(""), &how), STIR_SIGN_UNKNOWN);
	conf = obj_drop(conf);
	load("[attestation]\n[1]\ntype=tn\n[2]\ntype=tn\nattest_level=A\n[3]\ntype=tn\nattest_level=A\npublic_cert_url=https://a/\n[p]\ntype=profile\n");
	p = effective("p");
	assert_int_equal(stir_conf_signing(conf, p, STR("1"), &how), STIR_SIGN_NO_LEVEL);
	assert_int_equal(stir_conf_signing(conf, p, STR("2"), &how), STIR_SIGN_NO_URL);
	assert_int_equal(stir_conf_signing(conf, p, STR("3"), &how), STIR_SIGN_NO_KEY);
}

static void test_faults(void **state)
{
	static const struct { const char *text; uint32_t line; const char *words; } rows[] = {
		{ "[verification]\nca_fil=x\n", 2, "did you mean 'ca_file'?" },
		{ "[verification]\nmax_iat_age=old\n", 2, "whole number" },
		{ "[verification]\nfailure_action=stop\n", 2, "not one of continue" },
		{ "[verification]\nca_file=/nowhere\n", 1, "'/nowhere' cannot be read" },
		{ "[verification]\nca_path=/nowhere\n", 1, "'/nowhere' cannot be read" },
		{ "[verification]\nca_file=%/ca.pem\ncrl_path=/nowhere\n", 1, "'/nowhere' cannot be read" },
		{ "[verification]\nca_file=%/ca.pem\nuntrusted_cert_path=/nowhere\n", 1, "'/nowhere' cannot be read" },
		{ "[verification]\ncert_cache_dir=/nowhere\n", 1, "cannot be written" },
		{ "[verification]\nx5u_deny=here\n", 2, "not an address" },
		{ "[attestation]\nprivate_key_file=/nowhere\n", 1, "'/nowhere' cannot be read" },
		{ "[attestation]\nprivate_key_file=%/ca.pem\n", 1, "no private key" },
		{ "[attestation]\nprivate_key_file=%/rsa.pem\n", 1, "P-256" },
		{ "[1]\ntype=tn\nattest_level=D\n", 3, "not one of" },
		{ "[+1]\ntype=tn\n", 1, "no caller's number" },
		{ "[1]\ntype=tn\ncurl_timeout=2\n", 3, "unknown option" },
		{ "[1]\ntype=x\n", 1, "unknown type" },
		{ "[1]\nattest_level=A\n", 1, "no type" },
		{ "[mine]\ntype=verification\n", 1, "is called [verification]" },
		{ "[p]\ntype=profile\n[p]\ntype=profile\n", 3, "twice" },
		{ "[verification]\n[verification]\n", 2, "twice" },
		{ "[general]\nca_file=x\n", 1, "format before" },
		{ "[x]\ntype=certificate\n", 1, "format before" },
		{ "[verification]\n[p]\ntype=profile\nendpoint_behavior=verify\n", 2, "neither it nor" },
		{ "[p]\ntype=profile\nendpoint_behavior=sometimes\n", 3, "not one of" },
		{ "[verification]\nca_file=%/ca.pem\nfailure_action=reject_request\n[p]\ntype=profile\nendpoint_behavior=verify\n", 4, "no failure_action" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		report_free(report);
		report = report_new();
		assert_non_null(report);
		load(rows[i].text);
		assert_fault(rows[i].line, rows[i].words);
		conf = obj_drop(conf);
	}
}

/* What cannot be read stays as it was, and goes when nothing was. */
static void test_reload(void **state)
{
	struct stir_conf *before;

	(void)state;
	load("[verification]\nca_file=%/ca.pem\nmax_iat_age=7\n[p]\ntype=profile\nendpoint_behavior=verify\n[1]\ntype=tn\nattest_level=A\n");
	before = conf;
	conf = NULL;
	load_over("[verification]\nca_file=/nowhere\n[p]\ntype=profile\nendpoint_behavior=off\n[1]\ntype=tn\nx=y\n[2]\ntype=tn\nx=y\n", before);
	assert_ptr_equal(conf->verification, before->verification);
	assert_int_equal(effective("p")->endpoint_behavior, STIR_OFF);
	assert_int_equal(effective("p")->max_iat_age, 7);
	assert_int_equal(conf->tns.n, 1);
	obj_drop(before);
	assert_int_equal(conf->tns.v[0]->attest_level, 'A');
}

static void test_x5u(void **state)
{
	static const struct { const char *url; bool strict, any_scheme, any_path; } rows[] = {
		{ "https://a/c.pem", true, true, true }, { "https://a", true, true, true }, { "https://a:443/", true, true, true },
		{ "https://a:8443/", true, true, true }, { "https://[2a00::1]/x", true, true, true }, { "https://[2a00::1]:443", true, true, true },
		{ "http://a/c.pem", false, true, false }, { "https://a:80/", false, true, false }, { "http://a:8080/", false, true, false },
		{ "https://a/?q", false, false, true }, { "https://a/#f", false, false, true }, { "https://u:p@a/", false, false, true },
		{ "https://a?q", false, false, true }, { "file:///etc/passwd", false, false, false }, { "ftp://a/", false, false, false },
		{ "HTTPS://a/", false, false, false }, { "", false, false, false }, { "https://", false, false, false },
		{ "https:///x", false, false, false }, { "https://:443/x", false, false, false }, { "https://a:/x", false, false, false },
		{ "https://a:0/x", false, false, false }, { "https://a:65536/x", false, false, false }, { "https://a:4x/", false, false, false },
		{ "https://[::1/x", false, false, false }, { "https://[]/x", false, false, false }, { "https://[::1]x/", false, false, false },
		{ "https://a/b c", false, false, false }, { "https://a/\nb", false, false, false }, { "gopher://a", false, false, false },
	};
	struct stir_section strict = { 0 }, scheme = { .relax_x5u_port_scheme_restrictions = STIR_YES },
		path = { .relax_x5u_path_restrictions = STIR_YES };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (stir_x5u_allowed(&strict, str_z(rows[i].url)) != rows[i].strict ||
		    stir_x5u_allowed(&scheme, str_z(rows[i].url)) != rows[i].any_scheme ||
		    stir_x5u_allowed(&path, str_z(rows[i].url)) != rows[i].any_path)
			fail_msg("'%s'", rows[i].url);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_none), TEST(test_defaults), TEST(test_options), TEST(test_strings), TEST(test_behavior), TEST(test_lists),
		TEST(test_signing), TEST(test_faults), TEST(test_reload), TEST(test_x5u),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
