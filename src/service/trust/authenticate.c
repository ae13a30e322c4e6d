/* Who sent a request, and whether they may: type=acl sections, the endpoint's ACLs,
 * digest. Whose endpoint it is, identify.c finds. */
#define LOG_MODULE "auth"
#include "service/trust/authenticate.h"
#include "base/bucket.h"
#include "base/hash.h"
#include "base/log.h"
#include "service/trust/identify.h"
#include "service/trust/security.h"
#include <errno.h>

static void identity_free(void *arg)
{
	struct identity *id = arg;

	text_free(&id->auth_user);
	obj_drop(id->conf);
}

/* What a request is held to be. Somebody who does not exist, or whom an ACL refuses,
 * goes the same way as a known endpoint with a wrong password: the same work, as many
 * log lines, events and reasons, the same answer. Otherwise names could be collected. */
struct claim {
	const struct endpoint *ep;      /* NULL: nobody, whatever it proves */
	const struct credentials *cred;
	struct auth_conf *const *auths;
	size_t auth_n;
	struct str name;                /* of the endpoint it tried; empty: of none */
	struct str list;                /* the ACL that refused it */
	enum reason_step step;
	enum security_kind failed;      /* the event that a failure makes */
	const char *why, *logged;       /* `logged`: the words that fail2ban's filter knows */
};

static struct str realm_of(const struct service *svc, const struct auth_conf *a)
{
	return a && a->realm.n ? a->realm : svc->conf->global->default_realm;
}

/* One challenge for each realm and algorithm, in the order of the auth objects
 * (RFC 8760 2.3 lets several stand in one response). */
static void write_challenges(struct service *svc, struct buf *b, const struct claim *c, const struct sip_msg *msg,
			     bool stale)
{
	struct { struct str realm; uint8_t alg; } seen[16];
	size_t ns = 0;

	for (size_t i = 0; i < c->auth_n; i++) {
		const struct auth_conf *a = c->auths[i];
		const struct algorithm_list *algs = &a->supported_algorithms_uas;
		struct str realm = realm_of(svc, a);
		char nonce[DIGEST_NONCE];

		for (size_t k = 0; k < algs->n; k++) {
			bool repeat = !auth_proves(a, (enum digest_alg)algs->v[k]);

			for (size_t j = 0; j < ns; j++)
				repeat |= seen[j].alg == algs->v[k] && str_eq(seen[j].realm, realm);
			if (repeat || ns == ARRAY_LEN(seen))
				continue;
			seen[ns].realm = realm;
			seen[ns++].alg = algs->v[k];
			nonce_make(svc->digest, &msg->from_path.peer, realm, nonce);
			buf_put(b, STR("WWW-Authenticate: "));
			digest_write_challenge(svc->digest, b, algs->v[k], realm, str_z(nonce), stale);
			buf_put(b, STR("\r\n"));
		}
	}
}

static void send_challenge(struct service *svc, struct sip_server_tx *tx, const struct sip_msg *msg,
			   const struct claim *c, bool stale)
{
	char room[1024];
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	write_challenges(svc, &b, c, msg, stale);
	buf_put(&b, service_server_header(svc));
	/* Stateless: the nonce carries its own proof, so nothing is remembered of
	 * somebody who has proved nothing yet. */
	sip_server_tx_respond_stateless(tx, 401, buf_view(&b));
	buf_free(&b);
}

enum proof { PROOF_NONE, PROOF_OK, PROOF_STALE, PROOF_WRONG, PROOF_BLOCKED };

/* The hash of a password is taken in any case, also where the configuration has the
 * hash or, for a name that does not exist, nothing: the time must not tell which. */
static bool response_fits(struct service *svc, const struct sip_msg *msg, const struct digest_fields *f,
			  const struct auth_conf *a, enum digest_alg alg)
{
	char ha1[DIGEST_HEX], want[DIGEST_HEX];

	digest_ha1(svc->digest, alg, a->username, realm_of(svc, a), a->password.s, ha1);
	if (a->ha1[alg].s.n)
		str_copy(ha1, sizeof(ha1), a->ha1[alg].s);
	digest_response(svc->digest, alg, str_z(ha1), msg->method_name, f, msg->body, want);
	return digest_equal(str_z(want), f->response) && str_eq(f->username, a->username);
}

static enum proof check_one(struct service *svc, const struct sip_msg *msg, const struct digest_fields *f,
			    const struct auth_conf *a)
{
	struct str realm = realm_of(svc, a);
	enum nonce_verdict nv;
	enum digest_alg alg;

	if (digest_alg_of(f->algorithm, &alg) || !auth_proves(a, alg) || !str_eq(f->realm, realm))
		return PROOF_NONE;
	nv = nonce_check(svc->digest, f->nonce, &msg->from_path.peer, realm, a->nonce_lifetime, f->nc, false);
	if (nv == NONCE_FORGED)
		return PROOF_NONE;
	if (!response_fits(svc, msg, f, a, alg))
		return PROOF_WRONG;
	if (nv != NONCE_OK)
		return PROOF_STALE;
	nonce_check(svc->digest, f->nonce, &msg->from_path.peer, realm, a->nonce_lifetime, f->nc, true);
	return PROOF_OK;
}

/* Best verdict over all credentials and all auth objects. */
static enum proof check_claim(struct service *svc, const struct sip_msg *msg, const struct claim *c, struct str *user)
{
	enum proof best = PROOF_NONE;

	for (size_t h = 0; h < msg->hdrs; h++) {
		bool first = &msg->hdr[h] == c->cred->hdr;
		const struct digest_fields *f = &c->cred->f;
		struct digest_fields other;

		if (msg->hdr[h].id != SIP_H_AUTHORIZATION)
			continue;
		if (!first)
			f = &other;
		if (first ? !c->cred->readable : digest_parse(&other, msg->hdr[h].value) != 0)
			continue;
		for (size_t i = 0; i < c->auth_n; i++) {
			enum proof p = check_one(svc, msg, f, c->auths[i]);

			*user = f->username;
			if (p == PROOF_OK)
				return p;
			if (p == PROOF_STALE || (p == PROOF_WRONG && best == PROOF_NONE))
				best = p;
		}
	}
	return best;
}

/* Where a Contact leads. A name could lead anywhere by the time it is called, so a
 * contact_acl permits none, but for those that lead nowhere (RFC 2606: browsers). */
static bool contact_permitted(const struct acl_set *acl, const struct sip_addr *c, struct str *which)
{
	struct sa host;

	if (c->star || !sip_uri_is_sip(&c->uri))
		return true;
	if (sa_parse_host(&host, c->uri.host, c->uri.port) == 0)
		return acl_set_permits(acl, &host, which);
	return c->uri.host.n > 8 && str_ieq(str_skip(c->uri.host, c->uri.host.n - 8), STR(".invalid"));
}

static bool contacts_permitted(const struct acl_set *acl, const struct sip_msg *msg, struct str *which)
{
	struct sip_each e = { 0 };
	struct sip_addr c;
	struct str v;

	while (acl && sip_each(msg, SIP_H_CONTACT, &e, &v))
		if (sip_addr_parse(&c, v) == 0 && !contact_permitted(acl, &c, which))
			return false;
	return true;
}

/* type=acl sections: for everybody, with 403. */
static bool global_acl_permits(struct service *svc, struct sip_server_tx *tx, struct sip_msg *msg)
{
	snapshot_each(acl_conf, OBJECT_ACL, a, svc->conf) {
		struct str which = STR_NULL;

		if (acl_set_permits(a->acl, &msg->from_path.peer, &which) &&
		    contacts_permitted(a->contact_acl, msg, &which))
			continue;
		reason_add(svc->reasons, REASON_ACL, REASON_REFUSED, 403, STR_NULL, &msg->from_path.peer,
			   "acl section '%.*s' (list '%.*s') denies this address", STR_ARG(a->name), STR_ARG(which));
		security_event(svc, SECURITY_FAILED_ACL, msg, STR_NULL, "ACLName", a->name);
		service_reply(svc, tx, 403, STR_NULL);
		return false;
	}
	return true;
}

static bool is_open(const struct endpoint *ep, const struct sip_msg *msg)
{
	return !ep->auth_n || (msg->method == SIP_OPTIONS && ep->allow_unauthenticated_options);
}

static void claim_of_nobody(struct claim *c, const struct snapshot *conf, const struct credentials *cred)
{
	*c = (struct claim){ .cred = cred, .auths = &conf->nobody, .auth_n = 1, .step = REASON_IDENTIFY,
		.failed = SECURITY_INVALID_ACCOUNT, .logged = "No matching endpoint found",
		.why = "no endpoint matches this address or From user" };
}

static void claim_refused_by_acl(struct claim *c, const char *why, const char *logged, struct str list)
{
	c->step = REASON_ACL;
	c->failed = SECURITY_FAILED_ACL;
	c->why = why;
	c->logged = logged;
	c->list = list;
}

/* What an endpoint is made of lies in no cache when it was not asked for lately, and
 * takes most of a microsecond to read. So for a name that does not exist some other
 * endpoint is read, always the same one for the same name. */
static void read_stand_in(const struct snapshot *conf, const struct sip_msg *msg)
{
	const struct object_list *all = &conf->list[OBJECT_ENDPOINT];
	const struct endpoint *ep;
	struct str list;

	if (!all->n)
		return;
	ep = (const struct endpoint *)(const void *)all->v[hash_str(msg->from.uri.user) % all->n];
	acl_set_permits(ep->acl, &msg->from_path.peer, &list);
	contacts_permitted(ep->contact_acl, msg, &list);
	for (size_t i = 0; i < ep->auth_n; i++)
		auth_proves_any(ep->auth_objs[i]);
}

/* Whose the request is, after the endpoint's ACLs. */
static void claim_of(struct claim *c, const struct snapshot *conf, const struct endpoint *ep,
		     const struct credentials *cred, const struct sip_msg *msg)
{
	struct str list = STR_NULL;

	claim_of_nobody(c, conf, cred);
	if (!ep) {
		read_stand_in(conf, msg);
		return;
	}
	c->name = ep->name;
	if (!acl_set_permits(ep->acl, &msg->from_path.peer, &list)) {
		claim_refused_by_acl(c, "the endpoint's acl denies this address: list", "Not match Endpoint ACL", list);
		return;
	}
	if (!contacts_permitted(ep->contact_acl, msg, &list)) {
		claim_refused_by_acl(c, "the endpoint's contact_acl denies the address in Contact: list",
				     "Not match Endpoint Contact ACL", list);
		return;
	}
	*c = (struct claim){ .ep = ep, .cred = cred, .auths = ep->auth_objs, .auth_n = ep->auth_n, .name = ep->name,
		.step = REASON_AUTH, .failed = SECURITY_CHALLENGE_FAILED, .logged = "Failed to authenticate" };
}

/* Who guesses at which endpoint. All names that do not exist are one: a list of them
 * must not push the others out of the table. */
static uint64_t guess_key(const struct sip_msg *msg, const struct claim *c)
{
	return sa_hash_host(&msg->from_path.peer) ^ hash_str(c->ep ? c->ep->name : STR("<nobody>"));
}

/* A wrong password costs one of few, and without any left the right one is wrong
 * too: a list of passwords takes years. The work is done in any case, so the time
 * that an answer takes tells nothing. */
static enum proof check_guess(struct service *svc, const struct sip_msg *msg, const struct claim *c, struct str *user)
{
	enum proof p = check_claim(svc, msg, c, user);
	uint64_t key = guess_key(msg, c), now_us = clock_us(svc->clock);

	if (p == PROOF_WRONG && buckets_take(svc->guard.guesses, key, now_us))
		return p;
	return p == PROOF_NONE || buckets_have(svc->guard.guesses, key, now_us) ? p : PROOF_BLOCKED;
}

static const char *why_refused(const struct claim *c, enum proof p)
{
	if (c->why)
		return c->why;
	switch (p) {
	case PROOF_WRONG: return "wrong password or user name";
	case PROOF_BLOCKED: return "too many wrong passwords from there (wait a minute), so it was not looked at: user";
	case PROOF_STALE: return "the nonce is too old or its count was used, from";
	default: return "no credentials yet from";
	}
}

/* Many requests without credentials came from there, and no line says so yet this
 * second: behind one address may stand a thousand phones. */
static bool is_worth_a_line(struct service *svc, const struct sip_msg *msg)
{
	uint64_t key = sa_hash_host(&msg->from_path.peer), now_us = clock_us(svc->clock);

	return !buckets_take(svc->guard.challenged, key, now_us) && buckets_take(svc->guard.told, key, now_us);
}

/* One reason, one event, and a log line for wrong credentials or for many requests
 * without any: which of these, neither the name nor the endpoint decides. */
static void note_refusal(struct service *svc, const struct sip_msg *msg, const struct claim *c, enum proof p,
			 struct str user)
{
	bool wrong = p == PROOF_WRONG || p == PROOF_BLOCKED;
	bool many = p == PROOF_NONE && is_worth_a_line(svc, msg);
	bool by_acl = c->step == REASON_ACL;
	struct str about = by_acl ? c->list : wrong ? user : msg->from.uri.user;
	enum security_kind event = wrong || by_acl || (many && !c->ep) ? c->failed : SECURITY_CHALLENGE_SENT;

	reason_cat(svc->reasons, c->step, wrong ? REASON_REFUSED : REASON_CHALLENGED, 401, c->name,
		   &msg->from_path.peer, str_z(why_refused(c, p)), STR(" '"), about, STR("'"));
	security_event(svc, event, msg, c->name, by_acl ? "ACLName" : NULL, c->list);
	if (wrong || many)
		log_notice("Request '%.*s' from '%.*s' failed for '%s' (callid: %.*s) - %s", STR_ARG(msg->method_name),
			   STR_ARG(msg->from.uri_text), sa_text(&msg->from_path.peer, (char[SA_TEXT]){ 0 }),
			   STR_ARG(msg->call_id), wrong || !c->ep ? c->logged : "Sends no credentials");
}

static int prove_claim(struct service *svc, struct sip_server_tx *tx, struct sip_msg *msg, const struct claim *c,
		       struct str *user)
{
	enum proof p = check_guess(svc, msg, c, user);

	if (p == PROOF_OK && c->ep) {
		service_trust(svc, &msg->from_path.peer);
		buckets_refill(svc->guard.challenged, sa_hash_host(&msg->from_path.peer));
		reason_cat(svc->reasons, REASON_AUTH, REASON_OK, 0, c->name, &msg->from_path.peer,
			   STR("credentials of '"), *user, STR("' are right"));
		return 0;
	}
	note_refusal(svc, msg, c, p, *user);
	send_challenge(svc, tx, msg, c, p == PROOF_STALE);
	return EACCES;
}

int authenticate_set_conf(struct service *svc, const struct snapshot *conf)
{
	uint32_t n = conf->global->unidentified_request_count;
	uint64_t period_us = (uint64_t)conf->global->unidentified_request_period * 1000000;
	/* The n-th in a period is told of, so n - 1 pass. */
	uint32_t pass = n ? n - 1 : 0;
	const struct global_conf *old = svc->conf->global;
	struct buckets *b;

	if (svc->guard.challenged && old->unidentified_request_count == n &&
	    old->unidentified_request_period == conf->global->unidentified_request_period)
		return 0;
	b = buckets_new(GUESSERS, pass, pass ? period_us / pass : period_us);
	if (!b)
		return ENOMEM;
	obj_drop(svc->guard.challenged);
	svc->guard.challenged = b;
	return 0;
}

static struct identity *identity_new(struct service *svc, const struct endpoint *ep,
				     struct str user)
{
	struct identity *id = obj_new(sizeof(*id), identity_free);

	if (!id || text_set(&id->auth_user, user))
		return obj_drop(id);
	id->conf = obj_hold(svc->conf);
	id->ep = ep;
	return id;
}

int authenticate(struct service *svc, struct sip_server_tx *tx, struct sip_msg *msg, struct identity **out)
{
	struct credentials cred;
	struct identified who;
	struct identity *id;
	struct claim c;
	struct str user = STR_NULL;

	if (!global_acl_permits(svc, tx, msg))
		return EACCES;
	credentials_read(&cred, msg);
	identify(svc, svc->conf, msg, &cred, &who);
	claim_of(&c, svc->conf, who.ep, &cred, msg);
	/* To nobody too, for an endpoint that does not say otherwise answers so. */
	if (!c.ep || c.ep->force_rport)
		sip_server_tx_force_rport(tx);
	if (!(c.ep && is_open(c.ep, msg)) && prove_claim(svc, tx, msg, &c, &user))
		return EACCES;
	id = identity_new(svc, c.ep, user);
	if (!id) {
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
		return EACCES;
	}
	if (str_eq(who.method, STR("ip")))
		service_trust(svc, &msg->from_path.peer);
	reason_cat(svc->reasons, REASON_IDENTIFY, REASON_OK, 0, c.name, &msg->from_path.peer,
		   STR("by "), who.method, STR(": '"), who.rule, STR("'"));
	*out = id;
	return 0;
}
