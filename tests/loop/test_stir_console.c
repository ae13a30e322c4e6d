/* The console's stir_shaken commands: what stir_shaken.conf says and comes to, and what a certificate is worth. */
#include "manager_stage.h"
#include "../unit/stir_stage.h"
#include "base/obj.h"
#include "service/stir/stir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct pki pki;

static struct peer run(const char *cmd)
{
	struct peer p = dial_console();
	char line[512];

	snprintf(line, sizeof(line), "x %s\n", cmd);
	say(&p, line);
	if (!is_closed(&p))
		fail_msg("no end of: %s", cmd);
	return p;
}

static int up(void **state)
{
	pki_make(&pki);
	pki_files(&pki, NULL);
	return manager_up(state);
}

static int down(void **state)
{
	int err = manager_down(state);

	pki_free(&pki);
	return err;
}

static void put_conf(const char *text)
{
	struct stir_conf_prm prm = { 0 };
	struct stir_conf *c = NULL;
	struct buf b = BUF_INIT;

	oom_pause(true);
	buf_printf(&b, text, pki.dir, pki.dir);
	assert_int_equal(stir_conf_parse(&c, buf_view(&b), &prm, NULL), 0);
	assert_int_equal(stir_set_conf(t.svc, c), 0);
	buf_free(&b);
	obj_drop(c);
	oom_pause(false);
}

static void test_show(void **state)
{
	static const struct { const char *cmd, *want; } rows[] = {
		{ "stir_shaken show verification", "\nDefault Verification\n------" },
		{ "stir_shaken show verification", "\ncurl_timeout                      : 2\n" },
		{ "stir_shaken show verification", "\nfailure_action                    : reject_request\n" },
		{ "stir_shaken show verification", "\nx5u_acl:\n   (permit/deny)\n     0: allow - 0.0.0.0/0.0.0.0\n     1:  deny - 0.0.0.0/255.0.0.0\n" },
		{ "stir_shaken show verification", "    25:  deny - fe80::/ffc0::\nVerification CA certificate store :\nCert: /O=Test/CN=Authority\n" },
		{ "stir_shaken show attestation", "\nDefault Attestation\n------" },
		{ "stir_shaken show attestation", "\nattest_level            : B\ncheck_tn_cert_public_url: no\nglobal_disable          : no\n" },
		{ "stir_shaken show tns", "\nTN: 1800\n------" },
		{ "stir_shaken show tn 1800", "\nattest_level            : A\ncheck_tn_cert_public_url: \n" },
		{ "stir_shaken show tn 1", "No stir/shaken configuration found\n" },
		{ "stir_shaken show profiles", "\nProfile: p\n------" },
		{ "stir_shaken show profile p", "\ncurl_timeout                      : \nendpoint_behavior                 : on\nfailure_action                    : continue\n" },
		{ "stir_shaken show profile q", "\nx5u_acl                           : (none)\nVerification CA certificate store : (none)\n" },
		{ "stir_shaken show profile x", "failed.\n" },
		{ "stir_shaken show eprofiles", "\nEffective Profile: q\n------" },
		{ "stir_shaken show eprofile p", "\ncurl_timeout                      : 2\nendpoint_behavior                 : on\nfailure_action                    : continue\n" },
		{ "stir_shaken show eprofile p", "\nx5u_acl:\n   (permit/deny)\n     0:  deny - 0.0.0.0/0.0.0.0\n     1: allow - 127.0.0.0/255.0.0.0\n" },
		{ "stir_shaken show profile", "Usage: stir_shaken show profile <id>\n" },
		{ "stir_shaken show tns x", "Usage: stir_shaken show tns" },
	};

	(void)state;
	put_conf("[verification]\nca_file=%s/ca.pem\nfailure_action=reject_request\n[attestation]\nattest_level=B\n[1800]\ntype=tn\nattest_level=A\n"
		 "[p]\ntype=profile\nendpoint_behavior=on\nx5u_deny=0.0.0.0/0\nx5u_permit=127.0.0.0/8\n[q]\ntype=profile\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer p = run(rows[i].cmd);

		HAS(&p, rows[i].want);
		hang_up(&p);
	}
}

static void test_nothing(void **state)
{
	static const struct { const char *cmd, *want; } rows[] = {
		{ "stir_shaken show verification", "failed.\n" }, { "stir_shaken show attestation", "failed.\n" },
		{ "stir_shaken show tns", "No stir/shaken TNs found\n" }, { "stir_shaken show profiles", "No stir/shaken profiles found\n" },
		{ "stir_shaken show eprofiles", "No stir/shaken eprofiles found\n" },
		{ "stir_shaken verify certificate_file /x", "No verification store found\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer p = run(rows[i].cmd);

		HAS(&p, rows[i].want);
		hang_up(&p);
	}
}

static void verifies(const char *file, const char *profile, const char *want)
{
	char line[512];
	struct peer p;

	snprintf(line, sizeof(line), "stir_shaken verify certificate_file %s %s", pki_path(&pki, file), profile);
	p = run(line);
	HAS(&p, want);
	hang_up(&p);
}

static void test_verify(void **state)
{
	struct peer p;

	(void)state;
	pki_put(&pki, "good.pem", pki_leaf(&pki, &(struct leaf){ 0 }));
	pki_put(&pki, "old.pem", pki_leaf(&pki, &(struct leaf){ .to = STAGE_NOW - 1 }));
	put_conf("[verification]\nca_file=%s/ca.pem\n[p]\ntype=profile\n[q]\ntype=profile\nendpoint_behavior=verify\nca_file=%s/ca_expired.pem\n");
	verifies("good.pem", "", "good.pem trusted\n");
	verifies("old.pem", "", "old.pem NOT trusted: certificate has expired\n");
	verifies("good.pem", "q", "good.pem NOT trusted: unable to get local issuer certificate\n");
	verifies("good.pem", "p", "Profile p doesn't have a certificate store\n");
	verifies("good.pem", "x", "Profile x doesn't exist\n");
	verifies("key.pem", "", "Failed to load certificate from ");
	verifies("none.pem", "", "Failed to load certificate from ");
	p = run("stir_shaken verify certificate_file");
	HAS(&p, "Usage: ");
	hang_up(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_show, up, down), cmocka_unit_test_setup_teardown(test_nothing, up, down),
		cmocka_unit_test_setup_teardown(test_verify, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
