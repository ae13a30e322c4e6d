/* STIR/SHAKEN: certificates that are kept; and the signing of our own calls. */
#include "stir_calls.h"
#include "base/obj.h"
#include "store/astdb.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- the cache --------------------------------------------------------------------------------------- */

struct disk {
	struct store *store;
	struct astdb *db;
};

static void disk_open(struct disk *d)
{
	struct store_prm prm = { .path = str_z(pki_path(&pki, "db")) };
	struct text why = { 0 };

	remove(pki_path(&pki, "db"));
	oom_pause(true);
	assert_int_equal(store_open(&d->store, t.w.loop, &prm, &why), 0);
	assert_int_equal(astdb_new(&d->db, d->store), 0);
	oom_pause(false);
	t.w.pbx->db = d->db;
}

static void disk_close(struct disk *d)
{
	t.w.pbx->db = NULL;
	store_close(d->store);
	astdb_free(d->db);
}

/* "expiration" of the one certificate that is kept; 0: none is. */
static int64_t expires(struct disk *d)
{
	struct map_walk w = { 0 };
	struct str path, value;
	int64_t at = 0;

	while (astdb_next(d->db, &w, STR("STIR_SHAKEN"), STR("hash"), &path, &value))
		if (str_ends(path, STR("/expiration")))
			assert_int_equal(str_i64(value, &at), 0);
	map_walk_end(&w);
	return at;
}

static void test_cache(void **state)
{
	struct disk d;
	char pem[4096];

	(void)state;
	disk_open(&d);
	str_copy(pem, sizeof(pem), good_pem());
	put_conf("max_cache_entry_age=100");
	calls("600", DATE, good());
	job_gives(STIR_JOB_GET, 200, str_z(pem));
	assert_result("success");
	assert_int_equal(njobs, 1);
	assert_true(str_ends(text_view(&jobs[0]->file), STR(".pem")));
	assert_true(str_starts(text_view(&jobs[0]->file), str_z(pki.dir)));
	assert_true(str_eq(buf_view(&jobs[0]->body), str_z(pem)));
	job_done(STIR_JOB_WRITE);
	assert_int_equal(expires(&d), STAGE_NOW + 100);
	/* Out of the file. */
	alice_starts_anew();
	calls("600", DATE, good());
	job_gives(STIR_JOB_READ, 200, str_z(pem));
	assert_int_equal(njobs, 0);
	assert_int_equal(count(SIP_INVITE, 200), 1);
	/* The file is gone: it is fetched again. */
	alice_starts_anew();
	calls("600", DATE, good());
	job_gives(STIR_JOB_READ, 0, STR(""));
	assert_int_equal(expires(&d), 0);
	job_done(STIR_JOB_REMOVE);
	jobs[0]->cache_control = (struct text){ 0 };
	oom_pause(true);
	text_set(&jobs[0]->cache_control, STR("max-age=200"));
	oom_pause(false);
	job_gives(STIR_JOB_GET, 200, str_z(pem));
	assert_int_equal(expires(&d), STAGE_NOW + 200);
	job_done(STIR_JOB_WRITE);
	/* Too old. */
	t.deaf = true;
	world_pass(&t.w, 201000);
	t.deaf = false;
	alice_starts_anew();
	calls("600", "Date: Tue, 14 Nov 2023 22:16:41 GMT\r\n",
	      pki_identity(&pki, &(struct identity_of){ .x5u = X5U, .orig = NUMBER, .iat = STAGE_NOW + 201 }));
	job_done(STIR_JOB_REMOVE);
	job_gives(STIR_JOB_GET, 200, str_z(pem));
	assert_int_equal(count(SIP_INVITE, 200), 1);
	job_done(STIR_JOB_WRITE);
	disk_close(&d);
}

/* Never longer than it is valid; and what proves nothing is not kept. */
static void test_cache_bounds(void **state)
{
	struct disk d;

	(void)state;
	disk_open(&d);
	put_conf("max_cache_entry_age=1000000");
	calls("600", DATE, good());
	job_gives(STIR_JOB_GET, 200, pki_leaf(&pki, &(struct leaf){ .issuer = pki.ca_expired }));
	assert_int_equal(njobs, 0);
	assert_int_equal(expires(&d), 0);
	alice_starts_anew();
	calls("600", DATE, good());
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_int_equal(expires(&d), STAGE_NOW + 86400);
	disk_close(&d);
}

/* ---- ours --------------------------------------------------------------------------------------------- */

static struct sip_msg *to_bob(const char *exten)
{
	alice("INVITE", exten, 1, "", SDP_ULAW);
	return requested(SIP_INVITE, BOB);
}

static void test_signed(void **state)
{
	struct sip_msg *m;
	struct passport p;
	struct stir_cert *c = stir_cert_read(good_pem());
	char identity[2048];

	(void)state;
	put_conf("endpoint_behavior=off");
	m = to_bob("700");
	assert_string_equal(wire_header(m, "Date"), "Tue, 14 Nov 2023 22:13:20 GMT");
	str_copy(identity, sizeof(identity), str_z(wire_header(m, "Identity")));
	assert_true(str_ends(str_z(identity), STR(";info=<" X5U ">;alg=ES256;ppt=shaken")));
	if (c && !passport_read(&p, str_z(identity))) {
		assert_true(str_eq(text_view(&p.attest), STR("A")));
		assert_true(str_eq(text_view(&p.orig_tn), STR(NUMBER)));
		assert_int_equal(p.iat, STAGE_NOW);
		assert_int_equal(p.origid.n, 36);
		assert_true(stir_cert_verifies(c, p.signed_part, p.signature));
		passport_free(&p);
	}
	stir_cert_free(c);
}

static bool claims_have(const char *identity, const char *what)
{
	struct str rest = str_z(identity);
	struct buf b = BUF_INIT;
	bool has_it;

	str_cut_raw(&rest, '.');
	oom_pause(true);
	base64url_read(&b, str_cut_raw(&rest, '.'));
	oom_pause(false);
	has_it = str_find(buf_view(&b), str_z(what)) < b.n;
	buf_free(&b);
	return has_it;
}

/* The fingerprint of our SDP, when send_mky says so. A called user without digits has no number. */
static void test_mky(void **state)
{
	struct sip_msg *m;

	(void)state;
	put_conf("endpoint_behavior=off");
	alice("INVITE", "705", 1, "", SDP_ULAW);
	m = requested(SIP_INVITE, CARL);
	assert_true(claims_have(wire_header(m, "Identity"), "\"dest\":{\"tn\":[\"\"]}"));
	assert_false(claims_have(wire_header(m, "Identity"), "mky"));
	alice_starts_anew();
	put_conf("endpoint_behavior=off\n[out](+)\nsend_mky=yes");
	alice("INVITE", "705", 1, "", SDP_ULAW);
	m = requested(SIP_INVITE, CARL);
	assert_true(claims_have(wire_header(m, "Identity"), "\"mky\":[{\"alg\":\"sha-256\",\"dig\":\""));
}

static void test_not_signed(void **state)
{
	static const struct { const char *exten, *identity; } rows[] = { { "701", "" }, { "702", "mine" }, { "703", "" }, { "704", "" } };

	(void)state;
	put_conf("endpoint_behavior=off");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_msg *m = to_bob(rows[i].exten);

		if (strcmp(wire_header(m, "Identity"), rows[i].identity))
			fail_msg("%s: %s", rows[i].exten, wire_header(m, "Identity"));
		assert_string_equal(wire_header(m, "Date"), "");
		alice_starts_anew();
	}
	put_conf("endpoint_behavior=off\n[attestation](+)\nglobal_disable=yes");
	assert_string_equal(wire_header(to_bob("700"), "Identity"), "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, stir_setup, stir_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cache), TEST(test_cache_bounds), TEST(test_signed), TEST(test_mky), TEST(test_not_signed),
	};

	return cmocka_run_group_tests(tests, stir_setup_all, stir_teardown_all);
}
