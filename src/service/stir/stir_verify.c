/* One verification, from the Identity header to its result: what the header and the date say, the certificate out of
 * the cache or from its server, and what it proves. */
#define LOG_MODULE "stir"
#include "base/log.h"
#include "service/stir/stir.h"
#include "store/astdb.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define FAMILY "STIR_SHAKEN"

/* A certificate that is fetched: once for all who wait for it under the same profile. */
struct stir_get {
	struct list link;               /* stir.fetches */
	struct stir_job *job;           /* held */
	struct list waiters;            /* struct stir_check.waits */
};

static void check_free(void *arg)
{
	struct stir_check *c = arg;

	text_free(&c->endpoint);
	text_free(&c->caller);
	text_free(&c->identity);
	text_free(&c->attestation);
	text_free(&c->hash);
	text_free(&c->file);
	passport_free(&c->passport);
	obj_drop(c->profile);
	obj_drop(c->job);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void set_result(struct stir_check *c, enum stir_result r, const char *why)
{
	c->result = r;
	c->over = true;
	str_copy(c->why, sizeof(c->why), str_z(why));
	if (r != STIR_SUCCESS)
		log_notice("Caller '%.*s' of endpoint '%.*s' is not proven: %s%s%s", STR_ARG(text_view(&c->caller)),
			   STR_ARG(text_view(&c->endpoint)), stir_result_name(r), *why ? ": " : "", why);
}

static bool is_waiting(const struct stir_check *c)
{
	return list_linked(&c->link);
}

/* After a wait: whoever asked is told. */
static void tell_over(struct stir_check *c)
{
	list_remove(&c->link);
	if (c->done)
		c->done(c);
	obj_drop(c);
}

void stir_check_forget(struct stir_check *c)
{
	c->done = NULL;
	c->arg = NULL;
}

/* ---- what the certificate proves ------------------------------------------------------------------- */

static enum stir_result judge_claims(struct stir_check *c)
{
	const struct passport *p = &c->passport;
	struct str attest = text_view(&p->attest);

	if (!str_eq(text_view(&p->alg), STR("ES256")))
		return STIR_BAD_ALG;
	if (!str_eq(text_view(&p->typ), STR("passport")))
		return STIR_BAD_TYP;
	if (attest.n != 1 || attest.p[0] < 'A' || attest.p[0] > 'C')
		return STIR_BAD_ATTEST;
	if (text_set(&c->attestation, attest))
		return STIR_INTERNAL_ERROR;
	if (!p->has_dest)
		return STIR_NO_DEST_TN;
	if (!p->has_orig_tn)
		return STIR_NO_ORIG_TN;
	if (!str_eq(text_view(&p->orig_tn), text_view(&c->caller)))
		return STIR_TN_MISMATCH;
	return p->origid.n ? STIR_SUCCESS : STIR_NO_ORIGID;
}

static void judge_signature(struct stir_check *c, const struct stir_cert *cert)
{
	const struct passport *p = &c->passport;
	enum stir_result r = STIR_BAD_ALG;

	if (str_eq(text_view(&p->alg), STR("ES256")))
		r = p->signature_n == PASSPORT_SIGNATURE && stir_cert_verifies(cert, p->signed_part, p->signature) ? judge_claims(c) :
		    STIR_SIGNATURE;
	set_result(c, r, "");
}

/* True: it is over, by this certificate. False: `result` says why it is none. */
static bool judge_certificate(struct stir_check *c, struct str pem)
{
	int64_t now = clock_wall_s(c->svc->clock);
	struct stir_cert *cert = str_starts(pem, STR("-----BEGIN CERTIFICATE-----")) ? stir_cert_read(pem) : NULL;
	const char *why = "no certificate in PEM";

	c->result = cert ? stir_cert_judge(cert, c->profile->store, now, c->passport.iat, &why) : STIR_CERT_CONTENTS;
	if (c->result == STIR_SUCCESS)
		judge_signature(c, cert);
	else
		str_copy(c->why, sizeof(c->why), str_z(why));
	stir_cert_free(cert);
	return c->over;
}

/* ---- the cache: files, and in the database when each is no good any more, as Asterisk has it ---------- */

static struct str hash_family(const struct stir_check *c, struct buf *room)
{
	buf_puts(room, STR(FAMILY "/hash/"), text_view(&c->hash));
	return buf_view(room);
}

static int set_names(struct stir_check *c)
{
	struct str url = text_view(&c->passport.x5u), dir = c->profile->cert_cache_dir;
	unsigned char sha[EVP_MAX_MD_SIZE];
	char room[EVP_MAX_MD_SIZE * 2];
	unsigned n = 0;
	struct buf b;
	int err;

	if (EVP_Digest(url.p, url.n, sha, &n, EVP_sha1(), NULL) != 1)
		return ENOMEM;
	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_hex(&b, sha, n);
	err = text_set(&c->hash, buf_view(&b));
	if (!err && dir.n)
		err = text_cat(&c->file, dir, STR("/"), text_view(&c->hash), STR(".pem"));
	return err;
}

static void forget_cached(struct stir_check *c)
{
	struct astdb *db = c->svc->pbx->db;
	struct stir_job *j;
	char room[128];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	if (astdb_del_tree(db, hash_family(c, &b), STR_NULL, NULL))
		return;
	astdb_del(db, STR(FAMILY "/url"), text_view(&c->passport.x5u));
	j = stir_job_new(STIR_JOB_REMOVE, NULL);
	if (j && !text_set(&j->file, text_view(&c->file)))
		stir_submit(c->svc, j);
	obj_drop(j);
}

static bool is_cached(struct stir_check *c)
{
	struct astdb *db = c->svc->pbx->db;
	char room[128];
	struct str v;
	struct buf b;
	int64_t until;

	if (!db || !c->file.n)
		return false;
	buf_init(&b, room, sizeof(room), sizeof(room));
	if (!astdb_get(db, hash_family(c, &b), STR("expiration"), &v))
		return false;
	if (!str_i64(v, &until) && until > clock_wall_s(c->svc->clock))
		return true;
	forget_cached(c);
	return false;
}

/* How long (ATIS-1000074): as long as the profile says, longer when its server does, never longer than it is valid. */
static int64_t keep_until(const struct stir_check *c, const struct stir_job *j)
{
	int64_t now = clock_wall_s(c->svc->clock), until = now + c->profile->max_cache_entry_age;
	int64_t said = stir_cache_until(text_view(&j->cache_control), text_view(&j->expires), now);
	struct stir_cert *cert = stir_cert_read(buf_view(&j->body));
	int64_t ends = cert ? stir_cert_ends(cert) : 0;

	stir_cert_free(cert);
	until = said > until ? said : until;
	return ends && ends < until ? ends : until;
}

static void keep_certificate(struct stir_check *c, const struct stir_job *got)
{
	struct astdb *db = c->svc->pbx->db;
	struct stir_job *j = db && c->file.n ? stir_job_new(STIR_JOB_WRITE, NULL) : NULL;
	char room[128], troom[24];
	struct buf b, t;
	struct str family;

	if (!j || text_set(&j->file, text_view(&c->file))) {
		obj_drop(j);
		return;
	}
	buf_put(&j->body, buf_view(&got->body));
	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_init(&t, troom, sizeof(troom), sizeof(troom));
	buf_printf(&t, "%lld", (long long)keep_until(c, got));
	family = hash_family(c, &b);
	/* The file first: nobody reads it before the thread has written it. */
	if (!buf_err(&j->body) && !stir_submit(c->svc, j) &&
	    !astdb_put(db, STR(FAMILY "/url"), text_view(&c->passport.x5u), text_view(&c->hash)) &&
	    !astdb_put(db, family, STR("path"), text_view(&c->file)))
		astdb_put(db, family, STR("expiration"), buf_view(&t));
	obj_drop(j);
}

/* ---- fetching ------------------------------------------------------------------------------------------- */

static void judge_got(struct stir_check *c, const struct stir_job *j)
{
	char why[STIR_WHY];

	if (j->status / 100 != 2) {
		if (j->status)
			snprintf(why, sizeof(why), "%s: the answer is %ld", text_z(&j->url), j->status);
		else
			snprintf(why, sizeof(why), "%.100s: %.150s", text_z(&j->url), j->why);
		set_result(c, STIR_CERT_RETRIEVAL, why);
	} else if (!judge_certificate(c, buf_view(&j->body))) {
		str_copy(why, sizeof(why), str_z(c->why));
		set_result(c, c->result, why);
	}
}

static bool is_certificate_fault(enum stir_result r)
{
	return r >= STIR_CERT_RETRIEVAL && r <= STIR_NO_KEY;
}

static void get_done(struct stir_job *j)
{
	struct stir_get *g = j->arg;
	bool kept = false;

	list_remove(&g->link);
	while (!list_empty(&g->waiters)) {
		struct stir_check *c = container_of(g->waiters.next, struct stir_check, waits);

		list_remove(&c->waits);
		judge_got(c, j);
		if (!kept && !is_certificate_fault(c->result)) {
			keep_certificate(c, j);
			kept = true;
		}
		tell_over(c);
	}
	obj_drop(g->job);
	free(g);
}

static struct stir_get *find_get(const struct stir_check *c)
{
	list_each(l, &c->svc->stir->fetches) {
		struct stir_get *g = container_of(l, struct stir_get, link);

		if (g->job->section == c->profile && str_eq(text_view(&g->job->url), text_view(&c->passport.x5u)))
			return g;
	}
	return NULL;
}

static struct stir_get *start_get(struct stir_check *c, int *err)
{
	struct stir_get *g = calloc(1, sizeof(*g));

	*err = g ? 0 : ENOMEM;
	if (!g)
		return NULL;
	list_init(&g->waiters);
	g->job = stir_job_new(STIR_JOB_GET, c->profile);
	*err = g->job ? text_set(&g->job->url, text_view(&c->passport.x5u)) : ENOMEM;
	if (!*err) {
		g->job->done = get_done;
		g->job->arg = g;
		*err = stir_submit(c->svc, g->job);
	}
	if (*err) {
		obj_drop(g->job);
		free(g);
		return NULL;
	}
	list_append(&c->svc->stir->fetches, &g->link);
	return g;
}

static size_t count_of_endpoint(const struct stir_check *c)
{
	size_t n = 0;

	list_each(l, &c->svc->stir->checks)
		n += str_eq(text_view(&container_of(l, struct stir_check, link)->endpoint), text_view(&c->endpoint));
	return n;
}

/* Waits in stir.checks from here on, or is over. */
static void begin_waiting(struct stir_check *c)
{
	if (!is_waiting(c)) {
		list_append(&c->svc->stir->checks, &c->link);
		obj_hold(c);
	}
}

static void fetch(struct stir_check *c)
{
	struct stir_get *g = find_get(c);
	int err = 0;

	if (!g && !is_waiting(c) && count_of_endpoint(c) >= STIR_CHECKS_PER_ENDPOINT)
		err = ENOBUFS;
	if (!g && !err)
		g = start_get(c, &err);
	if (!g) {
		set_result(c, err == ENOMEM ? STIR_INTERNAL_ERROR : STIR_CERT_RETRIEVAL, err == ENOBUFS ?
			   "too many certificates are being fetched" : strerror(err));
		return;
	}
	list_append(&g->waiters, &c->waits);
	begin_waiting(c);
}

static void read_done(struct stir_job *j)
{
	struct stir_check *c = j->arg;

	if (j->err || !judge_certificate(c, buf_view(&j->body))) {
		if (j->err || c->result == STIR_CERT_CONTENTS)
			forget_cached(c);
		fetch(c);
	}
	c->job = obj_drop(c->job);
	if (c->over)
		tell_over(c);
}

static bool read_cached(struct stir_check *c)
{
	struct stir_job *j = is_cached(c) ? stir_job_new(STIR_JOB_READ, NULL) : NULL;

	if (!j)
		return false;
	j->done = read_done;
	j->arg = c;
	if (text_set(&j->file, text_view(&c->file)) || stir_submit(c->svc, j)) {
		obj_drop(j);
		return false;
	}
	c->job = j;
	begin_waiting(c);
	return true;
}

/* ---- the beginning ------------------------------------------------------------------------------------- */

static enum stir_result judge_date(struct stir_check *c, struct str date)
{
	const struct stir_section *p = c->profile;
	int64_t at, now_us = clock_wall_us(c->svc->clock);

	if (!date.n)
		return p->ignore_sip_date_header == STIR_YES ? STIR_SUCCESS : STIR_NO_DATE;
	if (stir_date_read(date, &at))
		return STIR_BAD_DATE;
	return at * 1000000 > now_us || now_us - at * 1000000 > (int64_t)p->max_date_header_age * 1000000 ? STIR_DATE_EXPIRED : STIR_SUCCESS;
}

static bool is_algorithm(struct str s)
{
	static const struct str names[] = { STR_INIT("none"), STR_INIT("HS256"), STR_INIT("HS384"), STR_INIT("HS512"),
		STR_INIT("RS256"), STR_INIT("RS384"), STR_INIT("RS512"), STR_INIT("ES256"), STR_INIT("ES384"), STR_INIT("ES512"),
		STR_INIT("ES256K"), STR_INIT("PS256"), STR_INIT("PS384"), STR_INIT("PS512"), STR_INIT("EdDSA") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(s, names[i]))
			return true;
	return false;
}

/* What the header itself shows. STIR_SUCCESS: a certificate is needed to go on. */
static enum stir_result judge_header(struct stir_check *c, struct str date)
{
	struct passport *p = &c->passport;
	enum stir_result r;
	int err;

	if (!c->caller.n)
		return STIR_NO_CALLER;
	if (!c->identity.n)
		return STIR_NO_IDENTITY;
	err = passport_read(p, text_view(&c->identity));
	if (err || !is_algorithm(text_view(&p->alg)))
		return err == ENOMEM ? STIR_INTERNAL_ERROR : STIR_BAD_HEADER;
	if (!str_eq(text_view(&p->ppt), STR("shaken")))
		return STIR_BAD_PPT;
	r = judge_date(c, date);
	if (r != STIR_SUCCESS)
		return r;
	if (!stir_x5u_allowed(c->profile, text_view(&p->x5u)))
		return STIR_BAD_X5U;
	if (!p->iat)
		return STIR_NO_IAT;
	return p->iat < clock_wall_s(c->svc->clock) - (int64_t)c->profile->max_iat_age ? STIR_IAT_EXPIRED : STIR_SUCCESS;
}

int stir_check_new(struct stir_check **out, struct service *svc, const struct stir_check_prm *prm)
{
	struct stir_section *p = stir_profile(svc, prm->profile, STIR_VERIFY, prm->endpoint);
	struct stir_check *c = p ? obj_new(sizeof(*c), check_free) : NULL;
	enum stir_result r;
	char room[TN_MAX];
	int err = !p ? ENOENT : c ? 0 : ENOMEM;

	if (err)
		return err;
	c->svc = svc;
	c->profile = obj_hold(p);
	c->done = prm->done;
	c->arg = prm->arg;
	err = text_set(&c->endpoint, prm->endpoint);
	err = err ? err : text_set(&c->caller, tn_canonical(prm->caller, room));
	err = err ? err : text_set(&c->identity, prm->identity);
	if (err) {
		obj_drop(c);
		return err;
	}
	r = judge_header(c, prm->date);
	if (r == STIR_SUCCESS && set_names(c))
		r = STIR_INTERNAL_ERROR;
	if (r != STIR_SUCCESS)
		set_result(c, r, "");
	else if (!read_cached(c))
		fetch(c);
	*out = c;
	return 0;
}

/* Nobody is told. */
static void abandon_checks(struct stir *st)
{
	while (!list_empty(&st->fetches)) {
		struct stir_get *g = container_of(st->fetches.next, struct stir_get, link);

		list_remove(&g->link);
		g->job->done = NULL;
		obj_drop(g->job);
		free(g);
	}
	while (!list_empty(&st->checks)) {
		struct stir_check *c = container_of(st->checks.next, struct stir_check, link);

		list_remove(&c->link);
		if (c->job)
			c->job->done = NULL;
		obj_drop(c);
	}
}

void stir_free(struct service *svc)
{
	struct stir *st = svc->stir;

	if (!st)
		return;
	stir_fetch_free(st->fetch);
	abandon_checks(st);
	obj_drop(st->conf);
	free(st);
	svc->stir = NULL;
}
