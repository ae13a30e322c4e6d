/* STIR/SHAKEN of calls: what proves a caller, what does not, and what the call gets. */
#include "stir_calls.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- proven -------------------------------------------------------------------------------------- */

static void test_success(void **state)
{
	(void)state;
	calls("600", DATE, good());
	assert_int_equal(njobs, 1);
	assert_int_equal(channels(), 1);
	assert_null(only_channel()->fiber);     /* its dialplan has not begun */
	assert_string_equal(text_z(&jobs[0]->url), X5U);
	assert_true(status(SIP_INVITE) <= 100);
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_result("success");
	assert_string_equal(global("LEVEL"), "B");
	assert_string_equal(global("BAD"), "");
	assert_int_equal(strncmp(global("IDENTITY"), "eyJ", 3), 0);
	assert_string_equal(wire_header(response(SIP_INVITE), "Reason"), "");
}

/* RFC 8224 gives the header a short name. */
static void test_compact(void **state)
{
	char room[4096];

	(void)state;
	snprintf(room, sizeof(room), "P-Asserted-Identity: <sip:" NUMBER "@home>\r\n" DATE "y: %s\r\n", good());
	alice("INVITE", "600", 1, room, SDP_ULAW);
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_result("success");
}

static void test_not_wanted(void **state)
{
	(void)state;
	put_conf("[verification](+)\nglobal_disable=yes");
	calls("600", NULL, NULL);
	assert_int_equal(njobs, 0);
	learn_tag();
	assert_string_equal(global("N"), "0");
	assert_string_equal(global("RESULT"), "");
}

/* What the header itself shows, and no certificate is asked for. */
static void test_headers(void **state)
{
	const struct { const char *date; struct identity_of i; const char *result; unsigned status; } rows[] = {
		{ NULL, { .x5u = X5U, .orig = NUMBER }, "missing_date_hdr", 403 },
		{ "Date: Tue, 14 Nov 2023 22:13:00 GMT\r\n", { .x5u = X5U, .orig = NUMBER }, "date_hdr_range_error", 403 },
		{ "Date: Tue, 14 Nov 2023 22:13:25 GMT\r\n", { .x5u = X5U, .orig = NUMBER }, "date_hdr_range_error", 403 },
		{ DATE, { .x5u = "http://a/", .orig = NUMBER }, "invalid_or_no_x5u", 438 },
		{ DATE, { .x5u = "", .orig = NUMBER }, "invalid_or_no_x5u", 438 },
		{ DATE, { .x5u = X5U, .orig = NUMBER, .iat = STAGE_NOW - 16 }, "iat_range_error", 403 },
		{ DATE, { .x5u = X5U, .claims = "{}" }, "missing_iat", 438 },
		{ DATE, { .header = "{\"alg\":\"ES256\",\"typ\":\"passport\"}" }, "invalid_or_no_ppt", 438 },
		{ DATE, { .header = "{\"alg\":\"X\",\"ppt\":\"shaken\"}" }, "invalid_header", 438 },
		{ DATE, { .header = "[]" }, "invalid_header", 438 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_conf("failure_action=continue");
		calls("600", rows[i].date, pki_identity(&pki, &rows[i].i));
		assert_result(rows[i].result);
		alice_starts_anew();
		put_conf("failure_action=reject_request");
		calls("600", rows[i].date, pki_identity(&pki, &rows[i].i));
		assert_int_equal(status(SIP_INVITE), rows[i].status);
		alice_starts_anew();
		assert_int_equal(njobs, 0);
	}
}

/* What the certificate proves. */
static void test_claims(void **state)
{
#define REST ",\"iat\":1700000000,\"origid\":\"x\"}"
	const struct { struct identity_of i; const char *result; } rows[] = {
		{ { .x5u = X5U, .orig = NUMBER, .key = pki.other_key }, "signature_validation" },
		{ { .x5u = X5U, .orig = "1" }, "cid_orig_tn_mismatch" },
		{ { .header = "{\"alg\":\"RS256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"" X5U "\"}", .orig = NUMBER }, "invalid_or_no_alg" },
		{ { .header = "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"JWT\",\"x5u\":\"" X5U "\"}", .orig = NUMBER }, "invalid_or_no_typ" },
		{ { .x5u = X5U, .claims = "{\"dest\":{},\"orig\":{\"tn\":\"" NUMBER "\"}" REST }, "invalid_or_no_attest" },
		{ { .x5u = X5U, .claims = "{\"attest\":\"D\",\"dest\":{},\"orig\":{\"tn\":\"" NUMBER "\"}" REST }, "invalid_or_no_attest" },
		{ { .x5u = X5U, .claims = "{\"attest\":\"A\",\"orig\":{\"tn\":\"" NUMBER "\"}" REST }, "missing_dest_tn" },
		{ { .x5u = X5U, .claims = "{\"attest\":\"A\",\"dest\":{}" REST }, "missing_orig_tn" },
		{ { .x5u = X5U, .claims = "{\"attest\":\"A\",\"dest\":{},\"orig\":{\"tn\":5}" REST }, "missing_orig_tn" },
		{ { .x5u = X5U, .claims = "{\"attest\":\"A\",\"dest\":{},\"orig\":{\"tn\":\"" NUMBER "\"},\"iat\":1700000000}" }, "missing_origid" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		calls("600", DATE, pki_identity(&pki, &rows[i].i));
		job_gives(STIR_JOB_GET, 200, good_pem());
		assert_result(rows[i].result);
		alice_starts_anew();
	}
}

static void test_certificates(void **state)
{
	static const struct { struct leaf leaf; const char *text; long http; const char *result; unsigned status; } rows[] = {
		{ { .to = STAGE_NOW - 1 }, NULL, 200, "cert_not_trusted", 437 },
		{ { .no_tn_list = true }, NULL, 200, "cert_no_tn_auth_ext", 437 },
		{ { .no_name = true }, NULL, 200, "cert_contents_invalid", 437 },
		{ { 0 }, "<html>", 200, "cert_contents_invalid", 437 },
		{ { 0 }, "-----BEGIN CERTIFICATE-----\nx", 200, "cert_contents_invalid", 437 },
		{ { 0 }, "", 404, "cert_retrieval_failure", 436 },
		{ { 0 }, "", 302, "cert_retrieval_failure", 436 },
		{ { 0 }, "", 0, "cert_retrieval_failure", 436 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str pem = rows[i].text ? str_z(rows[i].text) : pki_leaf(&pki, &rows[i].leaf);

		put_conf("failure_action=continue");
		calls("600", DATE, good());
		job_gives(STIR_JOB_GET, rows[i].http, pem);
		assert_result(rows[i].result);
		alice_starts_anew();
		put_conf("failure_action=reject_request");
		calls("600", DATE, good());
		job_gives(STIR_JOB_GET, rows[i].http, pem);
		assert_int_equal(status(SIP_INVITE), rows[i].status);
		alice_starts_anew();
	}
}

static void test_no_identity(void **state)
{
	(void)state;
	put_conf("failure_action=reject_request");
	calls("600", DATE, NULL);
	assert_int_equal(status(SIP_INVITE), 428);
	assert_int_equal(channels(), 0);
	alice_starts_anew();
	calls_as(NULL, "600", DATE, good());
	assert_int_equal(status(SIP_INVITE), 433);
	alice_starts_anew();
	put_conf("failure_action=continue");
	calls_as(NULL, "600", DATE, good());
	assert_result("invalid_or_no_callerid");
}

static void test_ignored_date(void **state)
{
	(void)state;
	put_conf("ignore_sip_date_header=yes");
	calls("600", NULL, good());
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_result("success");
}

static void test_ages(void **state)
{
	(void)state;
	put_conf("max_iat_age=100\nmax_date_header_age=100");
	calls("600", "Date: Tue, 14 Nov 2023 22:12:00 GMT\r\n", pki_identity(&pki, &(struct identity_of){ .x5u = X5U, .orig = NUMBER, .iat = STAGE_NOW - 90 }));
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_result("success");
}

/* ---- what she is told ---------------------------------------------------------------------------- */

static void test_reason(void **state)
{
	(void)state;
	put_conf("failure_action=continue_return_reason");
	calls("600", DATE, NULL);
	assert_string_equal(wire_header(response(SIP_INVITE), "Reason"), "SIP; cause=428; text=\"Use Identity Header\"");
	assert_result("missing_identity_hdr");
	alice_starts_anew();
	put_conf("failure_action=continue_return_reason\nuse_rfc9410_responses=yes");
	calls("601", DATE, NULL);
	assert_int_equal(status(SIP_INVITE), 180);
	assert_string_equal(wire_header(response(SIP_INVITE), "Reason"), "STIR; cause=428; text=\"Use Identity Header\"");
	/* Once is enough. */
	world_pass(&t.w, 1500);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_string_equal(wire_header(response(SIP_INVITE), "Reason"), "");
}

/* ---- waiting --------------------------------------------------------------------------------------- */

static void test_cancel(void **state)
{
	(void)state;
	calls("600", DATE, good());
	alice("CANCEL", "600", 1, "", "");
	assert_int_equal(status(SIP_INVITE), 487);
	assert_int_equal(channels(), 0);
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_int_equal(count(SIP_INVITE, 200), 0);
	assert_string_equal(global("N"), "");
}

/* While one certificate is on its way, other calls come and go. */
static void test_others_go_on(void **state)
{
	(void)state;
	calls("600", DATE, pki_identity(&pki, &(struct identity_of){ .x5u = "https://slow/", .orig = NUMBER }));
	alice_starts_anew();
	calls("600", DATE, good());
	assert_int_equal(njobs, 2);
	njobs--;        /* the second is answered first */
	{
		struct stir_job *slow = jobs[0];

		jobs[0] = jobs[1];
		job_gives(STIR_JOB_GET, 200, good_pem());
		assert_result("success");
		assert_int_equal(channels(), 2);
		jobs[njobs++] = slow;
	}
	alice_starts_anew();
	job_gives(STIR_JOB_GET, 0, STR(""));
	assert_string_equal(global("RESULT"), "cert_retrieval_failure");
}

/* Two calls, one certificate: it is fetched once. */
static void test_together(void **state)
{
	(void)state;
	calls("600", DATE, good());
	alice_starts_anew();
	calls("600", DATE, good());
	assert_int_equal(njobs, 1);
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_int_equal(count(SIP_INVITE, 200), 2);
}

/* A trunk may not fill the queue: what is over its share is not proven, and that at once. */
static void test_share(void **state)
{
	char url[64];

	(void)state;
	submit_err = 1;
	calls("600", DATE, good());
	assert_result("cert_retrieval_failure");
	submit_err = 0;
	for (int i = 0; i < 3; i++) {
		alice_starts_anew();
		snprintf(url, sizeof(url), "https://a/%d", i);
		calls("600", DATE, pki_identity(&pki, &(struct identity_of){ .x5u = url, .orig = NUMBER }));
	}
	assert_int_equal(njobs, 3);
	t.deaf = true;
	for (int i = 3; i < STIR_CHECKS_PER_ENDPOINT; i++) {
		call_number++;
		snprintf(url, sizeof(url), "https://a/%d", i);
		calls("600", DATE, pki_identity(&pki, &(struct identity_of){ .x5u = url, .orig = NUMBER }));
	}
	assert_int_equal(njobs, STIR_CHECKS_PER_ENDPOINT);
	t.deaf = false;
	alice_starts_anew();
	calls("600", DATE, good());
	assert_int_equal(njobs, STIR_CHECKS_PER_ENDPOINT);
	assert_result("cert_retrieval_failure");
	/* One that somebody waits for anyhow costs nothing. */
	alice_starts_anew();
	calls("600", DATE, pki_identity(&pki, &(struct identity_of){ .x5u = "https://a/1", .orig = NUMBER }));
	assert_true(status(SIP_INVITE) <= 100);
}

static void test_reload_meanwhile(void **state)
{
	(void)state;
	calls("600", DATE, good());
	put_conf("failure_action=reject_request\nmax_iat_age=1");
	job_gives(STIR_JOB_GET, 200, good_pem());
	assert_result("success");
}

/* The service ends while somebody waits. */
static void test_end(void **state)
{
	(void)state;
	calls("600", DATE, good());
	assert_int_equal(njobs, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, stir_setup, stir_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_success), TEST(test_compact), TEST(test_not_wanted), TEST(test_headers), TEST(test_claims), TEST(test_certificates), TEST(test_no_identity), TEST(test_ignored_date), TEST(test_ages), TEST(test_reason), TEST(test_cancel),
		TEST(test_others_go_on), TEST(test_together), TEST(test_share), TEST(test_reload_meanwhile), TEST(test_end),
	};

	return cmocka_run_group_tests(tests, stir_setup_all, stir_teardown_all);
}
