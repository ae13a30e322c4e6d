/* media/srtp.c -- SRTP of a wire: contexts of libsrtp2 made from keys, packets sealed
 * and opened, keys that replace others. The ciphers are in srtp_cipher.c. */
#include "media/srtp.h"
#include "media/thread.h"
#include "base/obj.h"
#include <arpa/inet.h>
#include <errno.h>
#include <srtp2/srtp.h>
#include "base/poison.h"

/* RFC 3711 section 3.3.2 asks for 64 at least; reordering of video needs more. */
enum { WINDOW = 1024 };

struct receiver {               /* keys of the peer's packets */
	srtp_t ctx;             /* owned; NULL: none */
	bool mki;
	uint8_t n, oldest;      /* of ssrc */
	uint32_t ssrc[SRTP_SSRCS];      /* whose packets it has opened */
};

struct srtp {                   /* obj */
	struct srtp_prm prm;
	srtp_t tx;              /* owned */
	struct receiver now;
	struct receiver kept;   /* the same keys, with the rollovers counted before them; see keep_rollovers() */
	struct receiver old;    /* of the keys before */
	uint64_t old_until_us;  /* when `kept` and `old` end */
};

static void receiver_free(struct receiver *r)
{
	if (r->ctx)
		srtp_dealloc(r->ctx);
	*r = (struct receiver){ 0 };
}

static void srtp_free(void *arg)
{
	struct srtp *s = arg;

	if (s->tx)
		srtp_dealloc(s->tx);
	receiver_free(&s->now);
	receiver_free(&s->kept);
	receiver_free(&s->old);
	explicit_bzero(&s->prm, sizeof(s->prm));
}

int srtp_setup(void)
{
	/* Was srtp_init() called in this process? Called again it repeats its self-tests, and ends
	 * the process when one of them finds no memory. Only once it was, it knows a module of
	 * this name; asking so needs no memory. */
	if (!srtp_set_debug_module("srtp", 0))
		return 0;
	if (srtp_init())
		return EPROTO;
	srtp_install_event_handler(NULL);
	return srtp_cipher_install();
}

/* ---- policies */

static bool set_suite(srtp_policy_t *p, enum crypto_suite suite)
{
	switch (suite) {
	case CRYPTO_AES_CM_128_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtcp);
		return true;
	case CRYPTO_AES_CM_128_HMAC_SHA1_32:
		/* RFC 4568 section 6.2.2: RTCP has the long tag. */
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&p->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtcp);
		return true;
	case CRYPTO_AES_256_CM_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&p->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&p->rtcp);
		return true;
	case CRYPTO_AES_256_CM_HMAC_SHA1_32:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&p->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&p->rtcp);
		return true;
	case CRYPTO_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&p->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&p->rtcp);
		return true;
	case CRYPTO_AEAD_AES_256_GCM:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&p->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&p->rtcp);
		return true;
	default:
		return false;
	}
}

/* libsrtp2 copies what it needs. `ssrc`: of a single stream, with ssrc_specific. */
static int add_keys(srtp_t *ctx, const struct crypto_line *l, srtp_ssrc_type_t type, uint32_t ssrc, bool make)
{
	uint8_t key[CRYPTO_KEY_MAX], mki[CRYPTO_MKI_MAX] = { 0 };
	srtp_master_key_t master = { .key = key, .mki_id = mki, .mki_size = l->mki_n }, *keys[1] = { &master };
	srtp_policy_t p = { .ssrc = { .type = type, .value = ssrc }, .window_size = WINDOW };
	srtp_err_status_t err;

	if (!set_suite(&p, (enum crypto_suite)l->suite))
		return EINVAL;
	memcpy(key, l->key, sizeof(key));
	if (l->mki_n) {
		mki[l->mki_n - 1] = 1;
		p.keys = keys;
		p.num_master_keys = 1;
	} else {
		p.key = key;
	}
	err = make ? srtp_create(ctx, &p) : srtp_add_stream(*ctx, &p);
	explicit_bzero(key, sizeof(key));
	return err ? err == srtp_err_status_alloc_fail ? ENOMEM : EINVAL : 0;
}

int srtp_new(struct srtp **out, const struct srtp_prm *prm)
{
	struct srtp *s = obj_new(sizeof(*s), srtp_free);
	int err;

	if (!s)
		return ENOMEM;
	s->prm = *prm;
	s->now.mki = s->kept.mki = prm->rx.mki_n > 0;
	err = add_keys(&s->tx, &prm->tx, ssrc_any_outbound, 0, true);
	if (!err)
		err = add_keys(&s->now.ctx, &prm->rx, ssrc_any_inbound, 0, true);
	if (err)
		obj_drop(s);
	else
		*out = s;
	return err;
}

enum crypto_suite srtp_suite(const struct srtp *s) { return (enum crypto_suite)s->prm.tx.suite; }

uint32_t srtp_rollover(const struct srtp *s, uint32_t ssrc)
{
	uint32_t n = 0;

	return srtp_get_stream_roc(s->tx, ssrc, &n) ? 0 : n;
}

/* ---- new keys */

/* RFC 3711 section 3.3.1 lets the count of rollovers go on under new keys; many begin
 * anew at 0. What comes shows which, so that both are tried. */
static void keep_rollovers(struct srtp *s, const struct receiver *was)
{
	for (unsigned i = 0; i < was->n; i++) {
		uint32_t n = 0;

		if (srtp_get_stream_roc(was->ctx, was->ssrc[i], &n) || !n)
			continue;
		if (add_keys(&s->kept.ctx, &s->prm.rx, ssrc_specific, was->ssrc[i], !s->kept.ctx) ||
		    srtp_set_stream_roc(s->kept.ctx, was->ssrc[i], n))
			return;
	}
}

struct srtp *srtp_install(struct wire *w, bool which, struct srtp *s)
{
	struct srtp *was = w->srtp[which];

	w->srtp[which] = s;
	if (!s || !was)
		return was;
	keep_rollovers(s, &was->now);
	s->old = was->now;
	was->now = (struct receiver){ 0 };
	s->old_until_us = w->t ? w->t->now_us + SRTP_GRACE_US : 0;
	return was;
}

/* ---- packets */

static uint32_t ssrc_of(const uint8_t *p, bool rtcp)
{
	uint32_t v;

	memcpy(&v, p + (rtcp ? 4 : 8), sizeof(v));
	return ntohl(v);
}

/* A right tag came with this SSRC. Somebody who changes it again and again must not
 * make us remember all of them. */
static void remember_ssrc(struct receiver *r, uint32_t ssrc)
{
	/* The usual case first: the one that spoke last. */
	for (unsigned i = 0; i < r->n; i++)
		if (r->ssrc[i] == ssrc)
			return;
	if (r->n < SRTP_SSRCS) {
		r->ssrc[r->n++] = ssrc;
		return;
	}
	srtp_remove_stream(r->ctx, htonl(r->ssrc[r->oldest]));
	r->ssrc[r->oldest] = ssrc;
	r->oldest = (uint8_t)((r->oldest + 1) % SRTP_SSRCS);
}

static srtp_err_status_t try_keys(const struct receiver *r, bool rtcp, uint8_t *p, int *n)
{
	return rtcp ? srtp_unprotect_rtcp_mki(r->ctx, p, n, r->mki) : srtp_unprotect_mki(r->ctx, p, n, r->mki);
}

/* srtpreplayprotection=no: what has come before is taken again. libsrtp2 has no such
 * mode, so that the memory of this SSRC's packets is dropped, but for its rollovers. */
static bool open_again(struct srtp *s, bool rtcp, uint8_t *p, int *n, uint32_t ssrc)
{
	uint32_t rollovers = 0;

	srtp_get_stream_roc(s->now.ctx, ssrc, &rollovers);
	srtp_remove_stream(s->now.ctx, htonl(ssrc));
	if (rollovers && (add_keys(&s->now.ctx, &s->prm.rx, ssrc_specific, ssrc, false) ||
			  srtp_set_stream_roc(s->now.ctx, ssrc, rollovers)))
		return false;
	return !try_keys(&s->now, rtcp, p, n);
}

static bool open_now(struct srtp *s, bool rtcp, uint8_t *p, int *n, uint32_t ssrc)
{
	srtp_err_status_t err = try_keys(&s->now, rtcp, p, n);
	bool seen = err == srtp_err_status_replay_fail || err == srtp_err_status_replay_old;

	if (err && !(seen && !s->prm.replay && open_again(s, rtcp, p, n, ssrc)))
		return false;
	remember_ssrc(&s->now, ssrc);
	return true;
}

static void swap_receivers(struct receiver *a, struct receiver *b)
{
	struct receiver was = *a;

	*a = *b;
	*b = was;
}

/* For a while after new keys: one after the other, each from a copy, because GCM
 * changes the packet before it knows that the tag is right. */
static bool open_changing(struct srtp *s, bool rtcp, uint8_t *p, int *n, uint32_t ssrc)
{
	struct receiver *const v[] = { &s->now, &s->kept, &s->old };
	uint8_t copy[WIRE_DATAGRAM];

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		int len = *n;

		if (!v[i]->ctx)
			continue;
		memcpy(copy, p, (size_t)len);
		if (i ? try_keys(v[i], rtcp, copy, &len) != 0 : !open_now(s, rtcp, copy, &len, ssrc))
			continue;
		memcpy(p, copy, (size_t)len);
		*n = len;
		if (v[i] == &s->kept)
			swap_receivers(&s->now, &s->kept);
		if (i)
			remember_ssrc(i == 1 ? &s->now : v[i], ssrc);
		return true;
	}
	return false;
}

bool srtp_open(struct srtp *s, bool rtcp, uint8_t *p, size_t *n, uint64_t now_us)
{
	int len = (int)*n;
	bool ok;

	if (*n < (rtcp ? 12u : 16u) || *n > WIRE_DATAGRAM)
		return false;
	if (s->old.ctx && now_us >= s->old_until_us) {
		receiver_free(&s->old);
		receiver_free(&s->kept);
	}
	if (__builtin_expect(s->kept.ctx || s->old.ctx, 0))
		ok = open_changing(s, rtcp, p, &len, ssrc_of(p, rtcp));
	else
		ok = open_now(s, rtcp, p, &len, ssrc_of(p, rtcp));
	if (ok)
		*n = (size_t)len;
	return ok;
}

bool srtp_seal(struct srtp *s, bool rtcp, uint8_t *p, size_t *n, size_t max)
{
	int len = (int)*n;

	if (*n > max || max - *n < (size_t)SRTP_TRAILER + s->prm.tx.mki_n || *n < (rtcp ? 8u : 12u))
		return false;
	if (rtcp ? srtp_protect_rtcp_mki(s->tx, p, &len, s->prm.tx.mki_n > 0, 0) :
		   srtp_protect_mki(s->tx, p, &len, s->prm.tx.mki_n > 0, 0))
		return false;
	*n = (size_t)len;
	return true;
}

void srtp_prefetch(const struct srtp *s)
{
	__builtin_prefetch(&s->tx);
	__builtin_prefetch(&s->now);
	__builtin_prefetch(&s->kept);
	__builtin_prefetch(&s->old_until_us);
}

void srtp_expect(const struct srtp *s)
{
	__builtin_prefetch(s->now.ctx);
	__builtin_prefetch(s->tx);
}

static struct srtp *keys_for(const struct wire *w, bool rtcp)
{
	return w->srtp[rtcp && w->dtls[1]];
}

static enum wire_verdict on_recv(struct wire *w, uint8_t *p, size_t *n, const struct sa *from)
{
	bool rtcp = rtp_kind(p, *n) == RTP_KIND_RTCP;
	struct srtp *s = keys_for(w, rtcp);

	(void)from;
	if (!s)
		return WIRE_BAD;
	return srtp_open(s, rtcp, p, n, w->t->now_us) ? WIRE_PASS : WIRE_BAD;
}

static bool on_send(struct wire *w, uint8_t *p, size_t *n, size_t max)
{
	bool rtcp = rtp_kind(p, *n) == RTP_KIND_RTCP;
	struct srtp *s = keys_for(w, rtcp);

	return s && srtp_seal(s, rtcp, p, n, max);
}

const struct wire_step srtp_step = {
	.name = "srtp", .takes = WIRE_KIND(RTP_KIND_RTP) | WIRE_KIND(RTP_KIND_RTCP), .recv = on_recv, .send = on_send,
};
