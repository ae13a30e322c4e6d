/* PASSporTs, Identity headers, dates and the like as bytes. */
#include "base/obj.h"
#include "service/stir/passport.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* RFC 8225, appendix A */
#define A_HEADER "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9"
#define A_CLAIMS "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19"
#define A_SIGNATURE "VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ_iUkqk79UD81fHQ0E1b3_GluIkba7UWYRM47ZbNFdOJquE35cw"

#define IS(t, s) assert_true(str_eq(text_view(&(t)), STR(s)))

static void test_example(void **state)
{
	struct passport p;

	(void)state;
	assert_int_equal(passport_read(&p, STR(A_HEADER "." A_CLAIMS "." A_SIGNATURE ";info=<https://cert.example.org/passport.cer>")), 0);
	IS(p.alg, "ES256");
	IS(p.typ, "passport");
	IS(p.x5u, "https://cert.example.org/passport.cer");
	IS(p.ppt, "");
	IS(p.orig_tn, "12155551212");
	assert_true(p.has_orig && p.has_orig_tn && p.has_dest);
	assert_int_equal(p.iat, 1471375418);
	assert_int_equal(p.signature_n, 64);
	assert_int_equal(p.signature[0], 0x54);
	assert_true(str_eq(p.signed_part, STR(A_HEADER "." A_CLAIMS)));
	passport_free(&p);
}

static void test_faults(void **state)
{
	static const char *const bad[] = {
		"", ";", "a", A_HEADER "." A_CLAIMS "." A_SIGNATURE, "..x;info=<x>", A_HEADER ";", A_HEADER "." ";", "." A_CLAIMS ".;",
		A_HEADER "." A_CLAIMS "." A_SIGNATURE "." A_SIGNATURE ";", "!" A_HEADER "." A_CLAIMS ".;", A_HEADER ".W10.x;",
		A_HEADER "." A_CLAIMS ".!;", A_HEADER "." A_CLAIMS ".A;", "e30=.e30.;", "W10.e30.;", "bnVsbA.e30.;", "eyJhIjoxLCJhIjoyfQ.e30.;",
	};
	struct passport p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (passport_read(&p, str_z(bad[i])) != EBADMSG)
			fail_msg("'%s' was read", bad[i]);
	/* What is missing or of another type is not there, and whoever reads it says so. */
	assert_int_equal(passport_read(&p, STR("e30.e30.AAAA;")), 0);
	assert_int_equal(p.signature_n, 3);
	assert_false(p.has_dest || p.has_orig || p.iat || p.alg.n);
	passport_free(&p);
	/* {"iat":"1","orig":"x","attest":1} */
	assert_int_equal(passport_read(&p, STR("e30.eyJpYXQiOiIxIiwib3JpZyI6IngiLCJhdHRlc3QiOjF9.;")), 0);
	assert_true(p.has_orig && !p.has_orig_tn && !p.iat && !p.attest.n);
	passport_free(&p);
}

/* As deep or as long as a message may be. */
static void test_large(void **state)
{
	struct buf b = BUF_INIT, deep = BUF_INIT;
	struct passport p;

	(void)state;
	for (int i = 0; i < 11000; i++)
		buf_char(&deep, '[');
	buf_put(&b, STR("e30."));
	base64url_write(&b, deep.p, deep.n);
	buf_put(&b, STR(".;"));
	assert_int_equal(passport_read(&p, buf_view(&b)), EBADMSG);
	buf_reset(&b);
	for (int i = 0; i <= PASSPORT_MAX; i++)
		buf_char(&b, ';');
	assert_int_equal(passport_read(&p, buf_view(&b)), EBADMSG);
	buf_free(&b);
	buf_free(&deep);
}

static void test_write(void **state)
{
	struct passport_key_print print = { "sha-256", STR("AB:CD:EF") };
	struct passport_prm prm = { .x5u = STR("https://a/\"b"), .orig_tn = STR("1800"), .dest_tn = STR("600"), .origid = STR("id"),
		.attest = 'C', .iat = 1700000000 };
	struct buf b = BUF_INIT, text = BUF_INIT, all = BUF_INIT;
	struct passport p;
	struct str rest, part;

	(void)state;
	assert_int_equal(passport_write(&b, &prm), 0);
	rest = buf_view(&b);
	part = str_cut_raw(&rest, '.');
	assert_int_equal(base64url_read(&text, part), 0);
	assert_string_equal(buf_z(&text), "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"https://a/\\\"b\"}");
	buf_reset(&text);
	assert_int_equal(base64url_read(&text, rest), 0);
	assert_string_equal(buf_z(&text), "{\"attest\":\"C\",\"dest\":{\"tn\":[\"600\"]},\"iat\":1700000000,\"orig\":{\"tn\":\"1800\"},\"origid\":\"id\"}");
	buf_put(&b, STR(".AAAA"));
	passport_write_identity(&all, buf_view(&b), prm.x5u);
	assert_true(str_ends(buf_view(&all), STR(".AAAA;info=<https://a/\"b>;alg=ES256;ppt=shaken")));
	assert_int_equal(passport_read(&p, buf_view(&all)), 0);
	IS(p.attest, "C");
	IS(p.origid, "id");
	passport_free(&p);
	buf_reset(&b);
	buf_reset(&text);
	prm.mky = &print;
	prm.mkys = 1;
	assert_int_equal(passport_write(&b, &prm), 0);
	rest = buf_view(&b);
	str_cut_raw(&rest, '.');
	assert_int_equal(base64url_read(&text, rest), 0);
	assert_true(str_find(buf_view(&text), STR(",\"mky\":[{\"alg\":\"sha-256\",\"dig\":\"ABCDEF\"}],\"orig\"")) < text.n);
	buf_free(&b);
	buf_free(&text);
	buf_free(&all);
}

static void test_base64url(void **state)
{
	static const struct { const char *text, *coded; } rows[] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "\xff\xfe\xfb", "__77" }, { "foob", "Zm9vYg" },
	};
	static const char *const bad[] = { "A", "Zh", "Zm9", "Zm9v+", "Zm9v/", "Zg==", "Z g" };
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&b);
		base64url_write(&b, rows[i].text, strlen(rows[i].text));
		assert_string_equal(buf_z(&b), rows[i].coded);
		buf_reset(&b);
		assert_int_equal(base64url_read(&b, str_z(rows[i].coded)), 0);
		assert_string_equal(buf_z(&b), rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(base64url_read(&b, str_z(bad[i])), EBADMSG);
	buf_free(&b);
}

static void test_numbers(void **state)
{
	char room[TN_MAX];

	(void)state;
	assert_true(str_eq(tn_canonical(STR("+1 (800) 555-1212"), room), STR("18005551212")));
	assert_true(str_eq(tn_canonical(STR("*72#x"), room), STR("*72#")));
	assert_int_equal(tn_canonical(STR("alice"), room).n, 0);
}

static void test_dates(void **state)
{
	static const char *const bad[] = {
		"", "Tue, 14 Nov 2023 22:13:20", "Tue, 14 Nov 2023 22:13:20 EST", "Xyz, 14 Nov 2023 22:13:20 GMT",
		"Tue, 14 Nox 2023 22:13:20 GMT", "Tue, 32 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 23 22:13:20 GMT", "Tue, 14 Nov 2023 24:13:20 GMT",
		"Tue, 14 Nov 2023 22:13:20 GMT more", "Tue 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13 GMT",
	};
	struct buf b = BUF_INIT;
	int64_t at = 0;

	(void)state;
	assert_int_equal(stir_date_read(STR("Tue, 14 Nov 2023 22:13:20 GMT"), &at), 0);
	assert_int_equal(at, 1700000000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (stir_date_read(str_z(bad[i]), &at) != EBADMSG)
			fail_msg("'%s' was read", bad[i]);
	stir_date_write(&b, 1700000000);
	assert_string_equal(buf_z(&b), "Tue, 14 Nov 2023 22:13:20 GMT");
	buf_free(&b);
}

static void test_cache(void **state)
{
	static const struct { const char *control, *expires; int64_t until; } rows[] = {
		{ "", "", 0 }, { "max-age=60", "", 1060 }, { "private, max-age = 60, s-maxage=90", "", 1090 }, { "max-age=\"60\"", "", 1060 },
		{ "x-max-age=60", "", 0 }, { "max-age=-1", "", 0 }, { "max-age=99999999999", "", 0 },
		{ "max-age=60", "Thu, 01 Jan 1970 01:00:00 GMT", 3600 }, { "", "0", 0 }, { "no-store", "Thu, 01 Jan 1970 00:20:00 GMT", 1200 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(stir_cache_until(str_z(rows[i].control), str_z(rows[i].expires), 1000), rows[i].until);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example), cmocka_unit_test(test_faults), cmocka_unit_test(test_large), cmocka_unit_test(test_write),
		cmocka_unit_test(test_base64url), cmocka_unit_test(test_numbers), cmocka_unit_test(test_dates), cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
