/* Digest: challenges, answers, nonces, with the values of RFC 7616. */
#include "base/obj.h"
#include "service/common/hash_openssl.h"
#include "sip/nonce.h"
#include "sip/siphash.h"
#include "data.h"
#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define assert_str(a, b) check_str((a), str_z(b), #a, __FILE__, __LINE__)

static void check_str(struct str got, struct str want, const char *what, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error("%s is '%.*s', not '%.*s'\n", what, STR_ARG(got), STR_ARG(want));
	_fail(file, line);
}

struct fixture {
	struct clock_fake clock;
	struct digest_ctx *d;
	struct sa peer;
};

static int setup(void **state)
{
	static struct fixture f;

	clock_fake_init(&f.clock, 1700000000);
	f.d = GOT(digest_openssl_new(&f.clock.c));
	assert_non_null(f.d);
	*state = &f;
	return sa_parse(&f.peer, STR("192.0.2.1:5060")) ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	obj_drop(f->d);
	return obj_live() != 0;
}

/* The published vectors: RFC 2617 3.5 (and the same without qop), RFC 7616 3.9.1. */
static void published_vectors_come_out(void **state)
{
	static const struct {
		enum digest_alg alg;
		const char *user, *realm, *password, *nonce, *uri, *cnonce, *nc, *qop, *response;
	} tv[] = {
		{ DIGEST_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		  "/dir/index.html", "0a4f113b", "00000001", "auth", "6629fae49393a05397450978507c4ef1" },
		{ DIGEST_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		  "/dir/index.html", "", "", "", "670fd8c2df070c60b045671b8b24ff02" },
		{ DIGEST_MD5, "Mufasa", "http-auth@example.org", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		  "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "00000001", "auth",
		  "8ca523f5e9506fed4657c9700eebdbec" },
		{ DIGEST_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		  "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "00000001", "auth",
		  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct digest_fields fields = { .nonce = str_z(tv[i].nonce), .uri = str_z(tv[i].uri),
			.cnonce = str_z(tv[i].cnonce), .nc = str_z(tv[i].nc), .qop = str_z(tv[i].qop) };
		char ha1[DIGEST_HEX], out[DIGEST_HEX];

		digest_ha1(f->d, tv[i].alg, str_z(tv[i].user), str_z(tv[i].realm), str_z(tv[i].password), ha1);
		digest_response(f->d, tv[i].alg, str_z(ha1), STR("GET"), &fields, STR_NULL, out);
		assert_string_equal(out, tv[i].response);
	}
}

/* The definition again, by the library's one-shot call. */
static void hex_of(const char *md, struct str text, char out[DIGEST_HEX])
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	size_t n = 0;

	assert_int_equal(EVP_Q_digest(NULL, md, NULL, text.p, text.n, sum, &n), 1);
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

static void responses_are_what_the_rfc_defines(void **state)
{
	static const char *const mds[] = { "MD5", "SHA256", "SHA512-256" };
	static const char *const qops[] = { "", "auth", "auth-int" };
	struct fixture *f = *state;
	char *uri = malloc(3000);

	memset(uri, 'u', 3000);
	/* Lengths around the size of the piece that is hashed at once. */
	for (size_t n = 0; n < 3000; n = n < 530 ? n + 1 : n + 511) {
		for (unsigned k = 0; k < DIGEST_ALGS * ARRAY_LEN(qops); k++) {
			unsigned alg = k % DIGEST_ALGS;
			struct digest_fields d = { .nonce = STR("n"), .uri = str_mk(uri, n), .nc = STR("00000002"),
				.cnonce = str_mk(uri, n / 2), .qop = str_z(qops[k / DIGEST_ALGS]) };
			char ha1[DIGEST_HEX], ha2[DIGEST_HEX], body[DIGEST_HEX], out[DIGEST_HEX], want[DIGEST_HEX];
			struct buf b = BUF_INIT;

			digest_ha1(f->d, alg, STR("bob"), STR("r"), str_mk(uri, n), ha1);
			buf_puts(&b, STR("bob:r:"), str_mk(uri, n));
			hex_of(mds[alg], buf_view(&b), want);
			assert_string_equal(ha1, want);

			buf_reset(&b);
			buf_puts(&b, STR("REGISTER:"), d.uri);
			hex_of(mds[alg], STR("the body"), body);
			if (str_eq(d.qop, STR("auth-int")))
				buf_puts(&b, STR(":"), str_z(body));
			hex_of(mds[alg], buf_view(&b), ha2);
			buf_reset(&b);
			buf_puts(&b, str_z(ha1), STR(":n:"));
			if (d.qop.n)
				buf_puts(&b, d.nc, STR(":"), d.cnonce, STR(":"), d.qop, STR(":"));
			buf_put(&b, str_z(ha2));
			hex_of(mds[alg], buf_view(&b), want);
			digest_response(f->d, alg, str_z(ha1), STR("REGISTER"), &d, STR("the body"), out);
			assert_string_equal(out, want);
			buf_free(&b);
		}
	}
	free(uri);
}

static void algorithms_have_names(void **state)
{
	enum digest_alg a;

	(void)state;
	for (unsigned i = 0; i < DIGEST_ALGS; i++) {
		assert_int_equal(digest_alg_of(digest_alg_name(i), &a), 0);
		assert_int_equal(a, i);
	}
	assert_int_equal(digest_alg_of(STR("sha-256"), &a), 0);
	assert_int_equal(a, DIGEST_SHA256);
	assert_int_equal(digest_alg_of(STR_NULL, &a), 0);
	assert_int_equal(a, DIGEST_MD5);
	assert_int_equal(digest_alg_of(STR("MD5-sess"), &a), ENOENT);
	assert_int_equal(digest_alg_of(STR("SHA"), &a), ENOENT);
}

static void equal_is_equal(void **state)
{
	(void)state;
	assert_true(digest_equal(STR("abc"), STR("abc")));
	assert_false(digest_equal(STR("abc"), STR("abd")));
	assert_false(digest_equal(STR("abc"), STR("ab")));
	/* An empty one is a hash that failed. */
	assert_false(digest_equal(STR_NULL, STR_NULL));
}

static void fields_are_read(void **state)
{
	struct digest_fields f;

	(void)state;
	assert_int_equal(digest_parse(&f, STR(" digest  username=\"b\\\"ob\", realm = \"a, b\",nonce=\"n\", uri=\"sip:x\",\r\n response=\"00\","
		"cnonce=\"c\",opaque=\"\",,qop=auth,nc=00000001,algorithm=MD5, x-new=\"1\", username*=UTF-8''x")), 0);
	assert_str(f.username, "b\\\"ob");
	assert_str(f.realm, "a, b");
	assert_str(f.nonce, "n");
	assert_str(f.uri, "sip:x");
	assert_str(f.response, "00");
	assert_str(f.cnonce, "c");
	assert_str(f.opaque, "");
	assert_str(f.qop, "auth");
	assert_str(f.nc, "00000001");
	assert_str(f.algorithm, "MD5");
	assert_true(f.has_username_ext);
	assert_false(f.stale);
	assert_int_equal(digest_parse(&f, STR("Digest realm=\"a\", domain=\"sip:x\", nonce=\"q\", stale=TRUE, algorithm=\"SHA-256\", qop=\"auth,auth-int\"")), 0);
	assert_str(f.qop, "auth,auth-int");
	assert_str(f.algorithm, "SHA-256");
	assert_str(f.domain, "sip:x");
	assert_true(f.stale);
}

static void bad_fields_are_refused(void **state)
{
	static const char *const bad[] = { "", "Digest", "Basic abc=", "Digestx a=b", "Digest realm=a", "Digest realm=\"a", "Digest realm=\"a\"b",
		"Digest realm=\"a\", realm=\"b\"", "Digest nc=1, nc=1", "Digest realm", "Digest nonce=", "Digest qop=a b",
		"Digest username=\"a\" realm=\"b\"", "Digest nc=", "NoOneKnowsThisScheme opaque-data=here" };
	struct digest_fields f = { .stale = true };
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *copy = exact_copy(str_z(bad[i]));

		print_message("%s\n", bad[i]);
		assert_int_equal(digest_parse(&f, str_mk(copy, strlen(bad[i]))), EBADMSG);
		assert_true(f.stale);
		free(copy);
	}
	for (size_t n = 1023; n <= 1025; n++) {
		buf_reset(&b);
		buf_put(&b, STR("Digest realm=\""));
		for (size_t i = 0; i < n; i++)
			buf_char(&b, 'r');
		buf_char(&b, '"');
		assert_int_equal(digest_parse(&f, buf_view(&b)), n > 1024 ? EBADMSG : 0);
	}
	buf_free(&b);
}

/* The library's SipHash is the judge. */
static void the_mac_is_siphash_2_4(void **state)
{
	uint8_t key[16], text[64], got[16], want[16];
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);

	(void)state;
	assert_non_null(mac);
	for (unsigned i = 0; i < 64; i++) {
		text[i] = (uint8_t)i;
		key[i % 16] = (uint8_t)(i * 7);
	}
	for (size_t n = 0; n <= 64; n++) {
		EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
		size_t len = 0;

		assert_int_equal(EVP_MAC_init(c, key, sizeof(key), NULL), 1);
		assert_int_equal(EVP_MAC_update(c, text, n), 1);
		assert_int_equal(EVP_MAC_final(c, want, &len, sizeof(want)), 1);
		assert_int_equal(len, 16);
		siphash128(key, text, n, got);
		assert_memory_equal(got, want, 16);
		EVP_MAC_CTX_free(c);
	}
	EVP_MAC_free(mac);
}

#define CHECK(n, nc, mark) nonce_check(f->d, str_z(n), &f->peer, STR("r"), 32, str_z(nc), mark)

static void a_nonce_is_ours_for_its_time(void **state)
{
	struct fixture *f = *state;
	struct sa other = f->peer;
	char n[DIGEST_NONCE], m[DIGEST_NONCE];

	nonce_make(f->d, &f->peer, STR("r"), n);
	nonce_make(f->d, &f->peer, STR("r"), m);
	assert_string_not_equal(n, m);
	assert_int_equal(CHECK(n, "00000001", false), NONCE_OK);
	/* A NAT may give the next request another port, but not another address. */
	sa_set_port(&other, 1);
	assert_int_equal(nonce_check(f->d, str_z(n), &other, STR("r"), 32, STR_NULL, false), NONCE_OK);
	assert_int_equal(sa_parse(&other, STR("192.0.2.2:5060")), 0);
	assert_int_equal(nonce_check(f->d, str_z(n), &other, STR("r"), 32, STR_NULL, false), NONCE_FORGED);
	assert_int_equal(sa_parse(&other, STR("[2001:db8::1]:5060")), 0);
	assert_int_equal(nonce_check(f->d, str_z(n), &other, STR("r"), 32, STR_NULL, false), NONCE_FORGED);
	assert_int_equal(nonce_check(f->d, str_z(n), &f->peer, STR("s"), 32, STR_NULL, false), NONCE_FORGED);
	for (size_t i = 0; n[i]; i++) {
		char c = n[i];

		n[i] = c == '0' ? '1' : '0';
		assert_int_equal(CHECK(n, "00000001", false), NONCE_FORGED);
		n[i] = c;
	}
	assert_int_equal(CHECK("", "00000001", false), NONCE_FORGED);
	assert_int_equal(CHECK("zz", "00000001", false), NONCE_FORGED);
	clock_fake_add(&f->clock, 32 * 1000000ull);
	assert_int_equal(CHECK(n, "00000001", false), NONCE_OK);
	clock_fake_add(&f->clock, 1000000);
	assert_int_equal(CHECK(n, "00000001", false), NONCE_STALE);
	assert_int_equal(nonce_check(f->d, str_z(n), &f->peer, STR("r"), 60, STR("00000001"), false), NONCE_OK);
}

/* Another process has another key. */
static void a_nonce_of_another_is_forged(void **state)
{
	struct fixture *f = *state;
	struct digest_ctx *d = GOT(digest_openssl_new(&f->clock.c));
	char n[DIGEST_NONCE];

	nonce_make(d, &f->peer, STR("r"), n);
	assert_int_equal(CHECK(n, "00000001", false), NONCE_FORGED);
	obj_drop(d);
}

static void a_count_serves_once(void **state)
{
	struct fixture *f = *state;
	char n[DIGEST_NONCE];

	nonce_make(f->d, &f->peer, STR("r"), n);
	/* Looking does not use it up. */
	assert_int_equal(CHECK(n, "00000001", false), NONCE_OK);
	assert_int_equal(CHECK(n, "00000001", false), NONCE_OK);
	assert_int_equal(CHECK(n, "00000001", true), NONCE_OK);
	assert_int_equal(CHECK(n, "00000001", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000001", false), NONCE_REPLAYED);
	/* Out of order is fine, within 64. */
	assert_int_equal(CHECK(n, "00000046", true), NONCE_OK);
	assert_int_equal(CHECK(n, "00000045", true), NONCE_OK);
	assert_int_equal(CHECK(n, "00000045", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000007", true), NONCE_OK);
	assert_int_equal(CHECK(n, "00000007", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000006", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000046", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "ffffffff", true), NONCE_OK);
	assert_int_equal(CHECK(n, "FFFFFFFE", true), NONCE_OK);
	assert_int_equal(CHECK(n, "fffffffe", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000047", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000000", true), NONCE_FORGED);
	assert_int_equal(CHECK(n, "1", true), NONCE_FORGED);
	assert_int_equal(CHECK(n, "0000000g", true), NONCE_FORGED);
}

/* RFC 2069 clients send no count: the nonce serves once, then they are given a new one. */
static void without_a_count_the_nonce_serves_once(void **state)
{
	struct fixture *f = *state;
	char n[DIGEST_NONCE];

	nonce_make(f->d, &f->peer, STR("r"), n);
	assert_int_equal(CHECK(n, "", true), NONCE_OK);
	assert_int_equal(CHECK(n, "", true), NONCE_STALE);
	assert_int_equal(CHECK(n, "00000001", true), NONCE_REPLAYED);
}

/* Any sequence of counts, against a plain set of what was used. */
static void the_window_agrees_with_a_plain_set(void **state)
{
	struct nonce_use u = { 0 };
	bool used[2000] = { false };
	uint32_t top = 0, x = 12345;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t count;

		x = x * 1664525 + 1013904223;
		count = (top > 80 ? top - 80 : 0) + 1 + (x >> 16) % 90;
		if (count >= ARRAY_LEN(used))
			break;
		assert_int_equal(nonce_count_fresh(&u, count), !used[count] && (count > top || top - count < 64));
		if (!nonce_count_fresh(&u, count))
			continue;
		nonce_count_use(&u, count);
		used[count] = true;
		top = count > top ? count : top;
		assert_int_equal(u.top, top);
	}
	assert_true(top > 1500);
}

/* Forgetting the oldest never lets a replay in: it is stale, not fresh. */
static void the_table_is_bounded(void **state)
{
	struct fixture *f = *state;
	char first[DIGEST_NONCE], n[DIGEST_NONCE], last[DIGEST_NONCE];

	nonce_make(f->d, &f->peer, STR("r"), first);
	assert_int_equal(CHECK(first, "00000001", true), NONCE_OK);
	clock_fake_add(&f->clock, 1000000);
	for (unsigned i = 0; i < NONCE_TABLE_MAX; i++) {
		nonce_make(f->d, &f->peer, STR("r"), n);
		assert_int_equal(CHECK(n, "00000001", true), NONCE_OK);
		if (i == 0)
			memcpy(last, n, sizeof(last));
	}
	assert_int_equal(CHECK(first, "00000001", true), NONCE_STALE);
	assert_int_equal(CHECK(first, "00000002", true), NONCE_STALE);
	assert_int_equal(CHECK(last, "00000001", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000001", true), NONCE_REPLAYED);
	assert_int_equal(CHECK(n, "00000002", true), NONCE_OK);
	/* What ended on its own makes room again. */
	clock_fake_add(&f->clock, 40 * 1000000ull);
	nonce_make(f->d, &f->peer, STR("r"), n);
	assert_int_equal(CHECK(n, "00000001", true), NONCE_OK);
	assert_int_equal(CHECK(n, "00000001", true), NONCE_REPLAYED);
}

static void the_table_forgets_what_has_ended(void **state)
{
	struct nonce_table t = { .longest = 10 };

	(void)state;
	for (uint32_t s = 0; s < 1000; s++) {
		assert_non_null(nonce_add(&t, s * 0x9e3779b97f4a7c15ull, s, s));
		assert_true(t.count <= 11);
		assert_non_null(nonce_find(&t, (s > 10 ? s - 10 : 0) * 0x9e3779b97f4a7c15ull));
		if (s > 10)
			assert_null(nonce_find(&t, (s - 11) * 0x9e3779b97f4a7c15ull));
	}
	assert_int_equal(t.cap, 64);
	assert_int_equal(t.forgotten, 988);
	nonce_table_free(&t);
}

/* What the client writes, the server's parser reads and its hash confirms. */
static void answers_satisfy_the_challenge(void **state)
{
	static const char *const qops[] = { "", "auth", "auth-int", "auth-int, auth" };
	static const char *const chosen[] = { "", "auth", "auth-int", "auth" };
	struct fixture *f = *state;

	for (unsigned k = 0; k < DIGEST_ALGS * ARRAY_LEN(qops); k++) {
		unsigned alg = k % DIGEST_ALGS, q = k / DIGEST_ALGS;
		struct digest_fields c = { .realm = STR("a \\\"realm"), .nonce = STR("abc"), .opaque = STR("op"), .qop = str_z(qops[q]) };
		struct digest_answer_prm prm = { .challenge = &c, .alg = alg, .username = STR("bob"), .password = STR("pw"),
			.method = STR("INVITE"), .uri = STR("sip:x@y"), .body = STR("v=0"), .nc = 0xab };
		char ha1[DIGEST_HEX], response[DIGEST_HEX];
		struct buf b = BUF_INIT, again = BUF_INIT;
		struct digest_fields a;

		assert_int_equal(digest_answer(f->d, &prm, &b), 0);
		assert_int_equal(digest_parse(&a, buf_view(&b)), 0);
		assert_str(a.username, "bob");
		assert_str(a.realm, "a \\\"realm");
		assert_str(a.nonce, "abc");
		assert_str(a.opaque, "op");
		assert_str(a.uri, "sip:x@y");
		assert_str(a.qop, chosen[q]);
		assert_str(a.nc, q ? "000000ab" : "");
		assert_true(str_eq(a.algorithm, digest_alg_name(alg)));
		digest_ha1(f->d, alg, STR("bob"), c.realm, STR("pw"), ha1);
		digest_response(f->d, alg, str_z(ha1), STR("INVITE"), &a, STR("v=0"), response);
		assert_true(digest_equal(a.response, str_z(response)));
		/* With the hash in place of the password; and never the same cnonce. */
		prm.password = STR_NULL;
		prm.ha1 = str_z(ha1);
		assert_int_equal(digest_answer(f->d, &prm, &again), 0);
		assert_int_equal(digest_parse(&a, buf_view(&again)), 0);
		digest_response(f->d, alg, str_z(ha1), STR("INVITE"), &a, STR("v=0"), response);
		assert_true(digest_equal(a.response, str_z(response)));
		if (q)
			assert_false(str_eq(buf_view(&b), buf_view(&again)));
		buf_free(&b);
		buf_free(&again);
	}
}

static void an_unknown_protection_is_not_answered(void **state)
{
	struct fixture *f = *state;
	struct digest_fields c = { .realm = STR("r"), .nonce = STR("abc"), .qop = STR("token") };
	struct digest_answer_prm prm = { .challenge = &c, .username = STR("bob"), .password = STR("pw"), .method = STR("INVITE"),
		.uri = STR("sip:x@y"), .nc = 1 };
	struct buf b = BUF_INIT;

	assert_int_equal(digest_answer(f->d, &prm, &b), EBADMSG);
	assert_int_equal(b.n, 0);
	buf_free(&b);
}

static void challenges_are_read_back(void **state)
{
	struct fixture *f = *state;
	char n[DIGEST_NONCE];
	struct digest_fields c;
	struct buf b = BUF_INIT;

	nonce_make(f->d, &f->peer, STR("my \"realm\""), n);
	digest_write_challenge(f->d, &b, DIGEST_SHA256, STR("my \"realm\""), str_z(n), true);
	assert_int_equal(digest_parse(&c, buf_view(&b)), 0);
	assert_str(c.realm, "my \\\"realm\\\"");
	assert_str(c.nonce, n);
	assert_str(c.algorithm, "SHA-256");
	assert_str(c.qop, "auth");
	assert_true(c.stale);
	assert_true(c.opaque.n > 0);
	buf_reset(&b);
	digest_write_challenge(f->d, &b, DIGEST_MD5, STR("r"), str_z(n), false);
	assert_int_equal(digest_parse(&c, buf_view(&b)), 0);
	assert_false(c.stale);
	buf_free(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(published_vectors_come_out),
		TEST(responses_are_what_the_rfc_defines),
		TEST(algorithms_have_names),
		TEST(equal_is_equal),
		TEST(fields_are_read),
		TEST(bad_fields_are_refused),
		TEST(the_mac_is_siphash_2_4),
		TEST(a_nonce_is_ours_for_its_time),
		TEST(a_nonce_of_another_is_forged),
		TEST(a_count_serves_once),
		TEST(without_a_count_the_nonce_serves_once),
		TEST(the_window_agrees_with_a_plain_set),
		TEST(the_table_is_bounded),
		TEST(the_table_forgets_what_has_ended),
		TEST(answers_satisfy_the_challenge),
		TEST(an_unknown_protection_is_not_answered),
		TEST(challenges_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
