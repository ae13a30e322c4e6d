/* STIR/SHAKEN of calls: alice's wait until they are proven, or not; those to bob are signed. The certificates' server
 * and the cache's files are the test's: jobs[] is what the service asked of them. */
#include "alice.h"
#include "../unit/stir_stage.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/dialplan.h"
#include "service/stir/stir.h"
#include "store/astdb.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define X5U "https://certs.example/c.pem"
#define DATE "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
#define NUMBER "18005551212"

static const char plan[] =
	"[default]\n"
	"exten => 600,1,Set(GLOBAL(N)=${STIR_SHAKEN(count)})\n same => n,Set(GLOBAL(RESULT)=${STIR_SHAKEN(0,verify_result)})\n"
	" same => n,Set(GLOBAL(LEVEL)=${STIR_SHAKEN(0, attestation)})\n same => n,Set(GLOBAL(IDENTITY)=${STIR_SHAKEN(0,identity)})\n"
	" same => n,Set(GLOBAL(BAD)=${STIR_SHAKEN(1,identity)}${STIR_SHAKEN(0)}${STIR_SHAKEN(0,x)}${STIR_SHAKEN()})\n"
	" same => n,Answer()\n same => n,Wait(600)\n"
	"exten => 601,1,Ringing()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => 700,1,Set(CALLERID(num)=+1 800 555-1212)\n same => n,Dial(PJSIP/600@bob)\n"
	"exten => 701,1,Set(CALLERID(num)=18005551212)\n same => n,Dial(PJSIP/600@bob,,b(default^no^1))\n"
	"exten => 702,1,Set(CALLERID(num)=18005551212)\n same => n,Dial(PJSIP/600@bob,,b(default^own^1))\n"
	"exten => 703,1,Set(CALLERID(num)=1)\n same => n,Dial(PJSIP/600@bob)\n"
	"exten => 704,1,Set(CALLERID(num)=18005551212)\n same => n,Set(CALLERID(num-pres)=prohib)\n same => n,Dial(PJSIP/600@bob)\n"
	"exten => no,1,Set(STIR_SHAKEN_ATTESTATION(suppress)=yes)\n same => n,Return()\n"
	"exten => own,1,Set(PJSIP_HEADER(add,Identity)=mine)\n same => n,Return()\n";

static const char pjsip[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\nfrom_domain=home\n"
	"[alice](phone)\naors=alice\nstir_shaken_profile=in\ntrust_id_inbound=yes\n[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n"
	"[calls]\ntype=identify\nendpoint=alice\nmatch=127.0.0.1\n"
	"[bob](phone)\naors=bob\nstir_shaken_profile=out\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n";

static struct pki pki;
static struct stir_job *jobs[16];       /* held: not answered yet */
static size_t njobs;
static int submit_err;

static int on_submit(void *arg, struct stir_job *j)
{
	(void)arg;
	if (submit_err || njobs == ARRAY_LEN(jobs))
		return ENOBUFS;
	jobs[njobs++] = obj_hold(j);
	return 0;
}

/* The oldest job, which is of that kind, is done. */
static void job_done(enum stir_job_kind kind)
{
	struct stir_job *j = jobs[0];

	assert_true(njobs > 0);
	assert_int_equal(j->kind, kind);
	memmove(jobs, jobs + 1, --njobs * sizeof(struct stir_job *));
	if (j->done)
		j->done(j);
	obj_drop(j);
	world_turn(&t.w);
}

static void job_gives(enum stir_job_kind kind, long status, struct str body)
{
	assert_true(njobs > 0);
	jobs[0]->status = status;
	jobs[0]->err = status ? 0 : ENOENT;
	oom_pause(true);
	buf_put(&jobs[0]->body, body);
	oom_pause(false);
	job_done(kind);
}

static void put_conf(const char *profile)
{
	struct buf b = BUF_INIT;
	struct stir_conf_prm prm = { 0 };
	struct stir_conf *c = NULL;

	oom_pause(true);
	buf_printf(&b, "[verification]\nca_file=%s/ca.pem\ncert_cache_dir=%s\n"
		   "[attestation]\nprivate_key_file=%s/key.pem\npublic_cert_url=" X5U "\n"
		   "[" NUMBER "]\ntype=tn\nattest_level=A\n[out]\ntype=profile\nendpoint_behavior=attest\n"
		   "[in]\ntype=profile\nendpoint_behavior=verify\n%s\n", pki.dir, pki.dir, pki.dir, profile);
	assert_int_equal(stir_conf_parse(&c, buf_view(&b), &prm, NULL), 0);
	buf_free(&b);
	oom_pause(false);
	assert_int_equal(stir_set_conf(t.svc, c), 0);
	obj_drop(c);
}

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
	wire_open_media(&t, plan, pjsip);
	alice_begins();
	stir_set_submit(t.svc, on_submit, NULL);
	put_conf("");
	submit_err = 0;
	njobs = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	while (njobs)
		obj_drop(jobs[--njobs]);
	wire_close(&t);
	return 0;
}

/* ---- a call of hers ---------------------------------------------------------------------------- */

/* `date`, `identity`: NULL for none. */
static void calls_as(const char *number, const char *exten, const char *date, const char *identity)
{
	char room[4096];

	snprintf(room, sizeof(room), "%s%s%s%s%s%s%s", number ? "P-Asserted-Identity: <sip:" : "", number ? number : "",
		 number ? "@home>\r\n" : "", date ? date : "", identity ? "Identity: " : "", identity ? identity : "",
		 identity ? "\r\n" : "");
	alice("INVITE", exten, 1, room, SDP_ULAW);
}

static void calls(const char *exten, const char *date, const char *identity)
{
	calls_as("+1%208005551212", exten, date, identity);
}

static const char *good(void)
{
	return pki_identity(&pki, &(struct identity_of){ .x5u = X5U, .orig = NUMBER });
}

static struct str good_pem(void)
{
	return pki_leaf(&pki, &(struct leaf){ 0 });
}

/* The dialplan has run, and her call is answered. */
static void assert_result(const char *result)
{
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	assert_string_equal(global("N"), "1");
	if (strcmp(global("RESULT"), result))
		fail_msg("%s, not %s", global("RESULT"), result);
}

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
		{ "Date: yesterday\r\n", { .x5u = X5U, .orig = NUMBER }, "date_hdr_parse_failure", 403 },
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
	world_pass(&t.w, 201000);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_success), TEST(test_not_wanted), TEST(test_headers), TEST(test_claims), TEST(test_certificates), TEST(test_no_identity),
		TEST(test_ignored_date), TEST(test_ages), TEST(test_reason), TEST(test_cancel), TEST(test_others_go_on), TEST(test_together),
		TEST(test_share), TEST(test_reload_meanwhile), TEST(test_end), TEST(test_cache), TEST(test_cache_bounds), TEST(test_signed),
		TEST(test_not_signed),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
