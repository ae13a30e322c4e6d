#define LOG_MODULE "auth"
#include "service/authenticate.h"
#include "base/bucket.h"
#include "base/hash.h"
#include "base/log.h"
#include "service/identify.h"
#include "service/security.h"
#include <errno.h>

static void identity_free(void *arg)
{
	struct identity *id = arg;

	text_free(&id->auth_user);
	obj_drop(id->conf);
}

static struct str realm_of(const struct service *svc, const struct auth_conf *a)
{
	return a && a->realm.n ? a->realm : svc->conf->global->default_realm;
}

/* One challenge for each realm and algorithm, in the order of the auth objects
 * (RFC 8760 2.3 lets several stand in one response). */
static void write_challenges(struct service *svc, struct buf *b, struct auth_conf *const *auths, size_t n,
			     const struct sip_msg *msg, bool stale)
{
	struct { struct str realm; uint8_t alg; } seen[16];
	size_t ns = 0;

	for (size_t i = 0; i < (n ? n : 1); i++) {
		const struct auth_conf *a = n ? auths[i] : NULL;
		const struct algorithm_list *algs = a ? &a->supported_algorithms_uas :
			&svc->conf->global->default_auth_algorithms_uas;
		struct str realm = realm_of(svc, a);
		char nonce[DIGEST_NONCE];

		for (size_t k = 0; k < algs->n; k++) {
			bool repeat = false;

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

static void challenge(struct service *svc, struct sip_stx *tx, const struct sip_msg *msg,
		      struct auth_conf *const *auths, size_t n, bool stale)
{
	char room[1024];
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	write_challenges(svc, &b, auths, n, msg, stale);
	buf_put(&b, service_server_header(svc));
	/* Stateless: the nonce carries its own proof, so nothing is remembered of
	 * somebody who has proved nothing yet. */
	sip_stx_respond_stateless(tx, 401, buf_view(&b));
	buf_free(&b);
}

enum proof { PROOF_NONE, PROOF_OK, PROOF_STALE, PROOF_WRONG, PROOF_BLOCKED };

static enum proof check_one(struct service *svc, const struct sip_msg *msg, const struct digest_fields *f,
			    const struct auth_conf *a)
{
	struct str realm = realm_of(svc, a);
	char ha1[DIGEST_HEX], want[DIGEST_HEX];
	enum nonce_verdict nv;
	enum digest_alg alg;
	bool offered = false;

	if (digest_alg_of(f->algorithm, &alg))
		return PROOF_NONE;
	for (size_t i = 0; i < a->supported_algorithms_uas.n; i++)
		offered |= a->supported_algorithms_uas.v[i] == alg;
	if (!offered || !str_eq(f->realm, realm))
		return PROOF_NONE;
	nv = nonce_check(svc->digest, f->nonce, &msg->from_path.peer, realm, a->nonce_lifetime, f->nc, false);
	if (nv == NONCE_FORGED)
		return PROOF_NONE;
	if (a->ha1[alg].s.n)
		str_copy(ha1, sizeof(ha1), a->ha1[alg].s);
	else
		digest_ha1(svc->digest, alg, a->username, realm, a->password.s, ha1);
	digest_response(svc->digest, alg, str_z(ha1), msg->method_name, f, msg->body, want);
	if (!digest_equal(str_z(want), f->response) || !str_eq(f->username, a->username))
		return PROOF_WRONG;
	if (nv != NONCE_OK)
		return PROOF_STALE;
	nonce_check(svc->digest, f->nonce, &msg->from_path.peer, realm, a->nonce_lifetime, f->nc, true);
	return PROOF_OK;
}

/* Best verdict over all credentials and all auth objects. */
static enum proof check(struct service *svc, const struct sip_msg *msg, struct auth_conf *const *auths, size_t n,
			struct str *user)
{
	enum proof best = PROOF_NONE;

	for (size_t h = 0; h < msg->hdrs; h++) {
		struct digest_fields f;

		if (msg->hdr[h].id != SIP_H_AUTHORIZATION || digest_parse(&f, msg->hdr[h].value))
			continue;
		for (size_t i = 0; i < n; i++) {
			enum proof p = check_one(svc, msg, &f, auths[i]);

			*user = f.username;
			if (p == PROOF_OK)
				return p;
			if (p == PROOF_STALE || (p == PROOF_WRONG && best == PROOF_NONE))
				best = p;
		}
	}
	return best;
}

/* The same work and the same answer for somebody who does not exist as for a
 * wrong password, so names cannot be collected by status or by time. */
static void refuse_unknown(struct service *svc, struct sip_stx *tx, struct sip_msg *msg)
{
	struct digest_fields f;
	struct str v = sip_hdr_value(msg, SIP_H_AUTHORIZATION);

	if (v.n && digest_parse(&f, v) == 0) {
		char ha1[DIGEST_HEX], want[DIGEST_HEX];
		enum digest_alg alg = DIGEST_MD5;

		if (digest_alg_of(f.algorithm, &alg) == 0) {
			nonce_check(svc->digest, f.nonce, &msg->from_path.peer, f.realm, 32, f.nc, false);
			digest_ha1(svc->digest, alg, f.username, f.realm, STR("nobody"), ha1);
			digest_response(svc->digest, alg, str_z(ha1), msg->method_name, &f, msg->body, want);
		}
	}
	challenge(svc, tx, msg, NULL, 0, false);
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
static bool global_acl_permits(struct service *svc, struct sip_stx *tx, struct sip_msg *msg)
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

/* Who guesses at which endpoint. */
static uint64_t guess_key(const struct sip_msg *msg, const struct endpoint *ep)
{
	return sa_hash_host(&msg->from_path.peer) ^ hash_str(ep->name);
}

/* A wrong password costs one of few, and without any left the right one is wrong
 * too: a list of passwords takes years. The work is done in any case, so the time
 * that an answer takes tells nothing. */
static enum proof check_guess(struct service *svc, const struct sip_msg *msg, const struct endpoint *ep,
			      struct str *user)
{
	enum proof p = check(svc, msg, ep->auth_objs, ep->auth_n, user);
	uint64_t key = guess_key(msg, ep), now_us = clock_us(svc->clock);

	if (p == PROOF_WRONG && buckets_take(svc->guesses, key, now_us))
		return p;
	return p == PROOF_NONE || buckets_have(svc->guesses, key, now_us) ? p : PROOF_BLOCKED;
}

static int prove(struct service *svc, struct sip_stx *tx, struct sip_msg *msg, const struct endpoint *ep,
		 struct str *user)
{
	enum proof p = check_guess(svc, msg, ep, user);

	if (p == PROOF_OK) {
		service_trust(svc, &msg->from_path.peer);
		reason_cat(svc->reasons, REASON_AUTH, REASON_OK, 0, ep->name, &msg->from_path.peer,
			   STR("credentials of '"), *user, STR("' are right"));
		return 0;
	}
	if (p == PROOF_WRONG || p == PROOF_BLOCKED) {
		reason_add(svc->reasons, REASON_AUTH, REASON_REFUSED, 401, ep->name, &msg->from_path.peer,
			   p == PROOF_WRONG ? "wrong password or user name '%.*s'" :
			   "too many wrong passwords from there, that of '%.*s' was not looked at: wait a minute",
			   STR_ARG(*user));
		security_event(svc, SECURITY_CHALLENGE_FAILED, msg, ep->name, NULL, STR_NULL);
		log_notice("Request '%.*s' from '%.*s' failed for '%s' (callid: %.*s) - Failed to authenticate",
			   STR_ARG(msg->method_name), STR_ARG(msg->from.uri_text),
			   sa_text(&msg->from_path.peer, (char[SA_TEXT]){ 0 }), STR_ARG(msg->call_id));
	} else {
		reason_cat(svc->reasons, REASON_AUTH, REASON_CHALLENGED, 401, ep->name, &msg->from_path.peer,
			   p == PROOF_STALE ? STR("the nonce is too old or its count was used") :
			   STR("no credentials yet"));
		security_event(svc, SECURITY_CHALLENGE_SENT, msg, ep->name, NULL, STR_NULL);
	}
	challenge(svc, tx, msg, ep->auth_objs, ep->auth_n, p == PROOF_STALE);
	return EACCES;
}

int authenticate(struct service *svc, struct sip_stx *tx, struct sip_msg *msg, struct identity **out)
{
	struct identified who;
	struct identity *id;
	struct str user = STR_NULL, which = STR_NULL;

	if (!global_acl_permits(svc, tx, msg))
		return EACCES;
	identify(svc, svc->conf, msg, &who);
	if (!who.ep) {
		reason_add(svc->reasons, REASON_IDENTIFY, REASON_CHALLENGED, 401, STR_NULL, &msg->from_path.peer,
			   "no endpoint matches From user '%.*s' or this address", STR_ARG(msg->from.uri.user));
		security_event(svc, SECURITY_INVALID_ACCOUNT, msg, STR_NULL, NULL, STR_NULL);
		log_notice("Request '%.*s' from '%.*s' failed for '%s' (callid: %.*s) - No matching endpoint found",
			   STR_ARG(msg->method_name), STR_ARG(msg->from.uri_text),
			   sa_text(&msg->from_path.peer, (char[SA_TEXT]){ 0 }), STR_ARG(msg->call_id));
		refuse_unknown(svc, tx, msg);
		return EACCES;
	}
	if (who.ep->force_rport)
		sip_stx_force_rport(tx);
	if (!acl_set_permits(who.ep->acl, &msg->from_path.peer, &which)) {
		reason_add(svc->reasons, REASON_ACL, REASON_CHALLENGED, 401, who.ep->name, &msg->from_path.peer,
			   "the endpoint's acl (list '%.*s') denies this address", STR_ARG(which));
		security_event(svc, SECURITY_FAILED_ACL, msg, who.ep->name, "ACLName", which);
		refuse_unknown(svc, tx, msg);
		return EACCES;
	}
	if (!contacts_permitted(who.ep->contact_acl, msg, &which)) {
		reason_add(svc->reasons, REASON_ACL, REASON_CHALLENGED, 401, who.ep->name, &msg->from_path.peer,
			   "the endpoint's contact_acl (list '%.*s') denies the address in Contact", STR_ARG(which));
		security_event(svc, SECURITY_FAILED_ACL, msg, who.ep->name, "ACLName", which);
		refuse_unknown(svc, tx, msg);
		return EACCES;
	}
	if (!is_open(who.ep, msg) && prove(svc, tx, msg, who.ep, &user))
		return EACCES;
	id = obj_new(sizeof(*id), identity_free);
	if (!id || text_set(&id->auth_user, user)) {
		obj_drop(id);
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
		return EACCES;
	}
	id->conf = obj_hold(svc->conf);
	id->ep = who.ep;
	if (str_eq(who.method, STR("ip")))
		service_trust(svc, &msg->from_path.peer);
	id->transport = service_transport_by_id(svc, msg->from_path.transport);
	reason_cat(svc->reasons, REASON_IDENTIFY, REASON_OK, 0, who.ep->name, &msg->from_path.peer,
		   STR("by "), who.method, STR(": '"), who.rule, STR("'"));
	*out = id;
	return 0;
}
