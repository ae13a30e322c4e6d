/* service/call/session_secure.c -- encrypted media of a session: what its endpoint's
 * options ask for, our certificates for DTLS, and what was agreed, in the words of
 * sdp/ and media/. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "media/dtls.h"
#include "service/call/channel_tech.h"
#include "service/call/session.h"
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define UNHEARD_MS 5000         /* from a handshake that failed to the end of the call */

/* ---- certificates: kept as long as the options and the files are the same */

struct call_secrets {
	struct dtls_cert *own;          /* held; made when first needed, one a process */
	struct dtls_identity *v[32];    /* held; the newest last */
	size_t n;
};

void session_secrets_free(struct service *svc)
{
	struct call_secrets *c = svc->calls.secrets;

	for (size_t i = 0; c && i < c->n; i++)
		obj_drop(c->v[i]);
	if (c)
		obj_drop(c->own);
	free(c);
	svc->calls.secrets = NULL;
}

static enum crypto_hash hash_of(const struct endpoint *ep)
{
	return ep->dtls_fingerprint == DTLS_HASH_SHA1 ? CRYPTO_SHA1 : CRYPTO_SHA256;
}

static struct dtls_identity_prm identity_prm(const struct endpoint *ep)
{
	static const enum dtls_verify verify[] = { [DTLS_VERIFY_NO] = DTLS_CHECK_NOTHING,
		[DTLS_VERIFY_FINGERPRINT] = DTLS_CHECK_FINGERPRINT, [DTLS_VERIFY_CERTIFICATE] = DTLS_CHECK_CHAIN,
		[DTLS_VERIFY_YES] = DTLS_CHECK_BOTH };

	return (struct dtls_identity_prm){ .cert_file = ep->dtls_cert_file, .key_file = ep->dtls_private_key,
		.cipher = ep->dtls_cipher, .ca_file = ep->dtls_ca_file, .ca_path = ep->dtls_ca_path,
		.verify = verify[ep->dtls_verify % ARRAY_LEN(verify)], .hash = hash_of(ep), .tag_32 = ep->srtp_tag_32,
		.rekey_s = ep->dtls_rekey };
}

static int make_identity(struct call_secrets *c, const struct endpoint *ep, const struct dtls_identity_prm *prm,
			 struct dtls_identity **out)
{
	char why[200] = "";
	int err = 0;

	if (ep->dtls_auto_generate_cert && !c->own)
		err = dtls_cert_new(&c->own);
	if (!err)
		err = dtls_identity_new(out, prm, ep->dtls_auto_generate_cert ? c->own : NULL, why);
	if (err)
		log_error("endpoint '%.*s' cannot do DTLS: %s", STR_ARG(ep->name), why[0] ? why : strerror(err));
	return err;
}

static void keep_identity(struct call_secrets *c, struct dtls_identity *d)
{
	if (c->n == ARRAY_LEN(c->v)) {
		obj_drop(c->v[0]);
		c->n--;
		memmove(&c->v[0], &c->v[1], c->n * sizeof(c->v[0]));
	}
	c->v[c->n++] = obj_hold(d);
}

/* A session keeps the identity that it began with, so that a change of files does not
 * end its association. NULL: there is none. */
static const struct dtls_identity *find_identity(struct session *s)
{
	struct dtls_identity_prm prm = identity_prm(s->ep);
	struct call_secrets *c = s->svc->calls.secrets;

	if (s->dtls.identity)
		return s->dtls.identity;
	if (!c)
		c = s->svc->calls.secrets = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	for (size_t i = 0; i < c->n && !s->dtls.identity; i++)
		if (dtls_identity_is(c->v[i], &prm))
			s->dtls.identity = obj_hold(c->v[i]);
	if (!s->dtls.identity && !make_identity(c, s->ep, &prm, &s->dtls.identity))
		keep_identity(c, s->dtls.identity);
	return s->dtls.identity;
}

void session_secure_prepare(struct service *svc)
{
	bool any = false;

	snapshot_each(endpoint, OBJECT_ENDPOINT, ep, svc->conf)
		any = any || ep->media_encryption != ENCRYPTION_NO || ep->media_encryption_optimistic;
	if (any && svc->media && media_secure_prepare(svc->media))
		log_error("SRTP: the self-tests of the ciphers fail; encrypted calls will have no sound");
}

/* ---- for sdp/ */

static int make_key(uint8_t *p, size_t n)
{
	return RAND_bytes(p, (int)n) == 1 ? 0 : EIO;
}

void session_secure_prm(struct session *s, struct neg_prm *p)
{
	static const enum crypto_setup setups[] = { [DTLS_SETUP_ACTIVE] = SETUP_ACTIVE, [DTLS_SETUP_PASSIVE] = SETUP_PASSIVE,
		[DTLS_SETUP_ACTPASS] = SETUP_ACTPASS, [DTLS_SETUP_HOLDCONN] = SETUP_HOLDCONN };
	const struct endpoint *ep = s->ep;
	const struct dtls_identity *d;

	p->savp = ep->media_encryption == ENCRYPTION_SDES;
	p->dtls = ep->media_encryption == ENCRYPTION_DTLS;
	p->mediasec = ep->security_negotiation == SECURITY_MEDIASEC;
	p->optimistic = ep->media_encryption_optimistic;
	p->srtp_tag_32 = ep->srtp_tag_32;
	/* Without either there are no keys: what requires them is refused. */
	p->random = s->svc->calls.no_srtp ? NULL : make_key;
	p->setup = setups[ep->dtls_setup % ARRAY_LEN(setups)];
	d = p->dtls && !s->svc->calls.no_srtp ? find_identity(s) : NULL;
	if (d)
		p->fingerprint = *dtls_identity_fingerprint(d);
}

void session_secure_fingerprint(struct session *s, struct buf *out)
{
	const struct dtls_identity *d = s->ep->media_encryption == ENCRYPTION_DTLS && !s->svc->calls.no_srtp ? find_identity(s) : NULL;

	if (d)
		crypto_fingerprint_write(out, dtls_identity_fingerprint(d));
}

bool session_is_secure(struct session *s)
{
	bool any = false;

	for (size_t i = 0; s->neg && i < neg_count(s->neg); i++) {
		const struct neg_stream *st = neg_stream(s->neg, i);

		if (st->active && st->type != MEDIA_IMAGE && st->secure.mode == NEG_CLEAR)
			return false;
		any = any || st->active;
	}
	return any;
}

/* ---- what the handshake says */

/* Nobody hears anything. */
static void end_unheard(void *arg)
{
	struct session *s = arg;

	if (!s->ch)
		return;
	log_warning("DTLS failure on %s: no handshake with the peer succeeded, terminating", text_z(&s->ch->name));
	channel_hangup(s->ch, CAUSE_BEARER_NOT_AVAILABLE);
}

void session_secure_event(struct session *s, const struct media_event *e)
{
	const char *why = e->err == EACCES ? "DTLS: the certificate is not the one that its SDP or dtls_verify asks for" :
			  e->err == ETIMEDOUT ? "DTLS: no answer to the handshake" : "DTLS: the handshake failed";

	if (!e->err) {
		char peer[SA_TEXT];

		s->dtls.up = true;
		timer_stop(&s->dtls.end);
		debug_line(s->svc, DEBUG_DTLS, 1, "DTLS of '%.*s': the handshake with %s is done", STR_ARG(s->ep->name),
			   sa_text(&e->peer, peer));
		return;
	}
	log_notice("media of '%.*s': %s", STR_ARG(s->ep->name), why);
	reason_add(s->svc->reasons, REASON_CODEC, REASON_REFUSED, 0, s->ep->name, &e->peer, "%s", why);
	/* Of a guest's there is nothing to wait for: a stranger ends no call, and the peer's own comes yet.
	 * Another may still succeed where the peer's failed. */
	if (!e->guest && e->err != ETIMEDOUT && !s->dtls.up && !timer_running(&s->dtls.end))
		timer_start(s->svc->wheel, &s->dtls.end, UNHEARD_MS, end_unheard, s);
}
