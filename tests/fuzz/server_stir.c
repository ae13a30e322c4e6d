/* STIR/SHAKEN of the harness: see server_stir.h. Nothing is fetched or written: what stir_submit() is given is answered
 * by the table of certificates below, when the program's time says so. */
#include "server_stir.h"
#include "base/obj.h"
#include "server_hooks.h"
#include "server_media.h"
#include "server_world.h"
#include "service/stir/stir.h"
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { JOBS = 24, FILES = 8, NOW = 1700000000, DAY = 86400, LATE_S = 2, NEVER_S = 5 /* curl_timeout */ };

#define URL "https://c/"

static struct {
	struct stir_conf *conf;
	struct stir_key *key, *other;           /* what callers sign with */
	struct str good, old, strange, plain;   /* PEM */
} shared;

static struct {
	struct stir_job *job[JOBS];             /* held, not answered yet */
	int64_t at[JOBS];                       /* [s] asked for */
	size_t n;
	struct { struct text name, body; } file[FILES];
	size_t files;
} now;

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* ---- once: an authority, certificates, the configuration -------------------------------- */

static struct str pem_of(X509 *x, EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p, *copy;
	long n;

	must(b && (x ? PEM_write_bio_X509(b, x) : PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL)) == 1);
	n = BIO_get_mem_data(b, &p);
	copy = malloc((size_t)n);
	must(copy != NULL);
	memcpy(copy, p, (size_t)n);
	BIO_free(b);
	return str_mk(copy, (size_t)n);
}

static void add_codes(X509 *x)
{
	static const unsigned char codes[] = { 0x30, 8, 0xa0, 6, 0x16, 4, '1', '2', '3', '4' };         /* TNAuthList */
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.26", 1);
	X509_EXTENSION *e;

	must(data && oid && ASN1_OCTET_STRING_set(data, codes, sizeof(codes)));
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, data);
	must(e && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(data);
}

/* Signed by `signer`, whose name is that of the authority. */
static struct str make_cert(EVP_PKEY *key, const char *name, EVP_PKEY *signer, int64_t to, bool codes)
{
	X509 *x = X509_new();
	X509_NAME *issuer = X509_NAME_new();
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, key == signer ? "critical,CA:TRUE" : "critical,CA:FALSE");
	struct str pem;

	must(x && issuer && ca && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), to));
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)NOW - 30 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to);
	must(X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC, (const unsigned char *)"ca", -1, -1, 0) && X509_set_issuer_name(x, issuer));
	must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0));
	must(X509_set_pubkey(x, key) && X509_add_ext(x, ca, -1));
	if (codes)
		add_codes(x);
	must(X509_sign(x, signer, EVP_sha256()) > 0);
	pem = pem_of(x, NULL);
	X509_EXTENSION_free(ca);
	X509_NAME_free(issuer);
	X509_free(x);
	return pem;
}

/* `text` was on the heap. */
static void put_file(const char *name, struct str text)
{
	media_net_file(name, text.p, text.n, 0);
	free((void *)(uintptr_t)text.p);
}

static struct stir_key *load_key(const char *name, EVP_PKEY *key)
{
	struct text path = { 0 };
	struct stir_key *k = NULL;
	char why[STIR_WHY];

	put_file(name, pem_of(NULL, key));
	must(!text_cat(&path, media_net_dir(), STR("/"), str_z(name)) && !stir_key_load(&k, text_view(&path), why));
	text_free(&path);
	return k;
}

static void read_conf(void)
{
	const struct str d = media_net_dir();
	struct stir_conf_prm prm = { .data_dir = d };
	struct buf b = BUF_INIT;

	buf_printf(&b, "[attestation]\nprivate_key_file=%.*s/key.pem\npublic_cert_url=" URL "good\nsend_mky=yes\nunknown_tn_attest_level=C\n"
		   "[verification]\nca_file=%.*s/ca.pem\ncert_cache_dir=%.*s\n[100]\ntype=tn\nattest_level=A\n"
		   "[signed]\ntype=profile\nendpoint_behavior=attest\n[known]\ntype=profile\nendpoint_behavior=on\n"
		   "failure_action=continue_return_reason\n[proven]\ntype=profile\nendpoint_behavior=on\nfailure_action=reject_request\n",
		   STR_ARG(d), STR_ARG(d), STR_ARG(d));
	must(!stir_conf_parse(&shared.conf, buf_view(&b), &prm, NULL));
	buf_free(&b);
}

void stir_world_once(void)
{
	EVP_PKEY *ca = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");

	must(ca && key && other);
	put_file("ca.pem", make_cert(ca, "ca", ca, NOW + 30 * DAY, false));
	shared.key = load_key("key.pem", key);
	shared.other = load_key("other.pem", other);
	shared.good = make_cert(key, "Provider", ca, NOW + DAY, true);
	shared.old = make_cert(key, "Old provider", ca, NOW - DAY, true);
	shared.strange = make_cert(key, "Stranger", other, NOW + DAY, true);
	shared.plain = make_cert(key, "Web site", ca, NOW + DAY, false);
	read_conf();
	EVP_PKEY_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* ---- files and certificates, as they are asked for ------------------------------------------ */

static int submit(void *arg, struct stir_job *j)
{
	(void)arg;
	if (now.n == JOBS)
		return ENOBUFS;
	now.at[now.n] = clock_wall_s(&world.clock.c);
	now.job[now.n++] = obj_hold(j);
	return 0;
}

int stir_world_attach(struct service *svc)
{
	int err = stir_set_conf(svc, shared.conf);

	if (!err)
		stir_set_submit(svc, submit, NULL);
	return err;
}

static size_t file_of(struct str name)
{
	size_t i = 0;

	while (i < now.files && !str_eq(text_view(&now.file[i].name), name))
		i++;
	return i;
}

static void touch_file(struct stir_job *j)
{
	size_t i = file_of(text_view(&j->file));

	j->err = 0;
	if (j->kind == STIR_JOB_WRITE && i < FILES) {
		must(!text_set(&now.file[i].name, text_view(&j->file)) && !text_set(&now.file[i].body, buf_view(&j->body)));
		now.files += i == now.files;
	} else if (j->kind == STIR_JOB_WRITE) {
		j->err = ENOSPC;
	} else if (i == now.files) {
		j->err = ENOENT;
	} else if (j->kind == STIR_JOB_READ) {
		buf_put(&j->body, text_view(&now.file[i].body));
	} else {
		text_free(&now.file[i].name);
		text_free(&now.file[i].body);
		now.file[i] = now.file[--now.files];
	}
}

static bool get(struct stir_job *j, int64_t waited)
{
	struct str url = text_view(&j->url), path = str_skip(url, sizeof(URL) - 1);
	const struct { struct str path, pem; } rows[] = { { STR("good"), shared.good }, { STR("old"), shared.old }, { STR("late"), shared.good },
		{ STR("strange"), shared.strange }, { STR("plain"), shared.plain }, { STR("page"), STR("<html>") }, { STR("gone"), STR("") } };

	if (str_eq(path, STR("late")) && waited < LATE_S)
		return false;
	j->status = 404;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_eq(path, rows[i].path))
			continue;
		j->status = rows[i].pem.n ? 200 : 503;
		buf_put(&j->body, rows[i].pem);
		must(!text_set(&j->cache_control, STR("max-age=60")));
	}
	if (str_eq(path, STR("never"))) {
		j->status = 0;
		str_copy(j->why, sizeof(j->why), STR("too late"));
		return waited >= NEVER_S;
	}
	return true;
}

static bool do_job(struct stir_job *j, int64_t waited)
{
	if (j->kind == STIR_JOB_GET)
		return get(j, waited);
	touch_file(j);
	return true;
}

bool stir_world_turn(void)
{
	bool any = false;

	for (size_t i = 0; i < now.n;) {
		struct stir_job *j = now.job[i];

		if (!do_job(j, clock_wall_s(&world.clock.c) - now.at[i])) {
			i++;
			continue;
		}
		/* Whoever is told may ask for the next one. */
		now.n--;
		memmove(&now.job[i], &now.job[i + 1], (now.n - i) * sizeof(now.job[0]));
		memmove(&now.at[i], &now.at[i + 1], (now.n - i) * sizeof(now.at[0]));
		hooks_library(true);
		if (j->done)
			j->done(j);
		hooks_library(false);
		obj_drop(j);
		any = true;
	}
	return any;
}

void stir_world_forget(void)
{
	while (now.n)
		obj_drop(now.job[--now.n]);
	while (now.files) {
		now.files--;
		text_free(&now.file[now.files].name);
		text_free(&now.file[now.files].body);
	}
}

/* ---- callers ---------------------------------------------------------------------------------- */

/* Faults of certificates first: they need no more than another address. */
static const char *const paths[] = { "good", "late", "old", "strange", "plain", "page", "gone", "never", "none" };
enum { FAULT_KEY = ARRAY_LEN(paths), FAULT_NUMBER, FAULT_DATE, FAULT_NO_DATE, FAULT_AGE, FAULT_TOKEN, FAULT_URL, FAULT_COMPACT,
	FAULT_TWICE, FAULT_CUT, FAULTS };

static void put_token(struct buf *b, const struct passport_prm *prm, const struct stir_key *key)
{
	uint8_t signature[PASSPORT_SIGNATURE];

	must(!passport_write(b, prm) && !stir_key_sign(key, buf_view(b), signature));
	buf_char(b, '.');
	base64url_write(b, signature, sizeof(signature));
}

void stir_world_write(struct buf *b, const char *tn, unsigned how)
{
	unsigned fault = how % FAULTS;
	int64_t at = clock_wall_s(&world.clock.c);
	char room[64];
	struct buf url, token = BUF_INIT;
	struct passport_prm prm = { .orig_tn = fault == FAULT_NUMBER ? STR("5") : str_z(tn), .dest_tn = STR("1"), .origid = STR("x"),
		.attest = "ABCD"[how % 4], .iat = fault == FAULT_AGE ? at - 100 : at };

	buf_init(&url, room, sizeof(room), sizeof(room));
	buf_printf(&url, "%s%s", fault == FAULT_URL ? "http://c/" : URL, fault < ARRAY_LEN(paths) ? paths[fault] : "good");
	prm.x5u = buf_view(&url);
	put_token(&token, &prm, fault == FAULT_KEY ? shared.other : shared.key);
	if (fault == FAULT_TOKEN)
		token.p[how % token.n] ^= 1;
	if (fault != FAULT_NO_DATE) {
		buf_put(b, STR("Date: "));
		stir_date_write(b, fault == FAULT_DATE ? at - 100 : at);
		buf_put(b, STR("\r\n"));
	}
	for (int i = 0; i < (fault == FAULT_TWICE ? 2 : 1); i++) {
		buf_put(b, fault == FAULT_COMPACT ? STR("y: ") : STR("Identity: "));
		if (fault == FAULT_CUT)
			buf_put(b, str_sub(buf_view(&token), 0, token.n / 2));
		else
			passport_write_identity(b, buf_view(&token), prm.x5u);
		buf_put(b, STR("\r\n"));
	}
	buf_free(&token);
}
