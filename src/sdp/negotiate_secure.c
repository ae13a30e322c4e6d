/* sdp/negotiate_secure.c -- whether and how a stream is encrypted: the profile, keys by
 * SDES (RFC 4568) or by DTLS (RFC 5763), in offers and answers of either side. */
#include "sdp/negotiate_int.h"
#include <errno.h>
#include "base/poison.h"

static bool is_dtls(const struct sdp_media *m)
{
	return m->proto == SDP_UDP_TLS_SAVP || m->proto == SDP_UDP_TLS_SAVPF;
}

static bool may_sdes(const struct neg_prm *p)
{
	return (p->savp || p->optimistic) && p->random;
}

/* Media in the clear is not wanted. */
static bool is_required(const struct neg_prm *p)
{
	return (p->savp || p->dtls) && !p->optimistic;
}

/* May we talk under this profile? The same verdicts as Asterisk's endpoint
 * options give (semantics: an AVPF mismatch is always refused). Keys are
 * looked at later, but those who must have some are refused here. */
bool neg_profile_fits(const struct neg_prm *p, const struct sdp_media *m, const struct sdp_media *t)
{
	if (!p->use_received_transport && sdp_proto_is_avpf(m->proto) != p->use_avpf)
		return false;
	if (is_dtls(m))
		return p->dtls;
	if (sdp_proto_is_savp(m->proto))
		return may_sdes(p) || (p->dtls && t->fingerprint.n);
	/* Keys inside RTP/AVP are an offer that need not be taken. */
	if (!is_required(p))
		return true;
	return p->dtls ? t->fingerprint.n > 0 : t->has_crypto;
}

static int refuse(struct neg *n, enum neg_verdict *why, const char *text)
{
	n->why = text;
	*why = NEG_KEYS;
	return EPROTO;
}

/* ---- SDES */

static int fill_key(const struct neg *n, struct crypto_line *l)
{
	return n->prm.random ? n->prm.random(l->key, crypto_key_bytes((enum crypto_suite)l->suite)) : ENOTSUP;
}

static bool has_tag(const struct sdp_media *m, size_t before, uint32_t tag)
{
	size_t it = 0;
	const struct sdp_attr *a;

	while ((a = sdp_attr_next(m->attrs, m->nattrs, "crypto", &it)) && it <= before) {
		struct str value = a->value;
		uint32_t t;

		if (it < before && !str_u32(str_cut_raw(&value, ' '), &t) && t == tag)
			return true;
	}
	return false;
}

/* The first line that we can do, in the peer's order. */
static int choose_line(const struct sdp_media *m, struct crypto_line *out, const char **why)
{
	const struct sdp_attr *a;
	size_t it = 0;

	*why = "a=crypto: no suite in common";
	while ((a = sdp_attr_next(m->attrs, m->nattrs, "crypto", &it)) != NULL) {
		const char *what = NULL;

		if (!crypto_parse(out, a->value, &what) && !has_tag(m, it, out->tag))
			return 0;
		if (what)
			*why = what;
	}
	return EPROTO;
}

/* Nobody may make us use one key for both directions: the two would then hide
 * nothing from each other (RFC 3711 section 9.1). */
static bool repeats_key(const struct crypto_line *ours, const struct crypto_line *theirs)
{
	return ours->suite == theirs->suite && !memcmp(ours->key, theirs->key, sizeof(ours->key));
}

static int take_sdes(struct neg *n, struct neg_row *r, const struct sdp_media *m, enum neg_verdict *why)
{
	struct neg_secure *s = &r->s.secure;
	struct crypto_line ours = s->ours, theirs = { 0 };
	const char *what;
	int err = choose_line(m, &theirs, &what);

	if (err)
		return refuse(n, why, what);
	/* Ours stays as long as the suite does, and with it its count of packets. */
	if (s->mode != NEG_SDES || ours.suite != theirs.suite) {
		ours = (struct crypto_line){ .suite = theirs.suite };
		err = fill_key(n, &ours);
	}
	if (err)
		return err;
	if (repeats_key(&ours, &theirs))
		return refuse(n, why, "a=crypto: the peer repeats our key");
	ours.tag = theirs.tag;
	*s = (struct neg_secure){ .mode = NEG_SDES, .ours = ours, .theirs = theirs };
	return 0;
}

/* RFC 4568 section 5.1.3: one line, with a tag and suite of the offer. */
static int take_answered_sdes(struct neg *n, struct neg_row *r, const struct sdp_media *m, enum neg_verdict *why)
{
	struct crypto_line theirs;
	const char *what;

	if (choose_line(m, &theirs, &what))
		return refuse(n, why, what);
	for (size_t i = 0; i < r->nkeys; i++) {
		if (r->keys[i].tag != theirs.tag || r->keys[i].suite != theirs.suite)
			continue;
		if (repeats_key(&r->keys[i], &theirs))
			return refuse(n, why, "a=crypto: the peer repeats our key");
		r->s.secure = (struct neg_secure){ .mode = NEG_SDES, .ours = r->keys[i], .theirs = theirs };
		return 0;
	}
	return refuse(n, why, "a=crypto: the answer has a tag and suite that were not offered");
}

/* Our first offer has a key for each suite; a later one the suite and key in force. */
static int make_keys(struct neg *n, struct neg_row *r)
{
	static const uint8_t usual[] = { CRYPTO_AES_CM_128_HMAC_SHA1_80, CRYPTO_AEAD_AES_128_GCM,
		CRYPTO_AEAD_AES_256_GCM, CRYPTO_AES_256_CM_HMAC_SHA1_80 };
	static const uint8_t short_tag[] = { CRYPTO_AES_CM_128_HMAC_SHA1_32, CRYPTO_AES_256_CM_HMAC_SHA1_32,
		CRYPTO_AES_CM_128_HMAC_SHA1_80 };
	const uint8_t *v = n->prm.srtp_tag_32 ? short_tag : usual;
	size_t count = n->prm.srtp_tag_32 ? ARRAY_LEN(short_tag) : ARRAY_LEN(usual);
	int err = 0;

	if (r->s.secure.mode == NEG_SDES) {
		r->keys[0] = r->s.secure.ours;
		r->nkeys = 1;
		return 0;
	}
	if (r->nkeys)
		return 0;
	for (size_t i = 0; !err && i < count; i++) {
		r->keys[i] = (struct crypto_line){ .tag = (uint32_t)i + 1, .suite = v[i] };
		err = fill_key(n, &r->keys[i]);
	}
	r->nkeys = err ? 0 : (uint8_t)count;
	return err;
}

int neg_secure_offer(struct neg *n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		/* Without a certificate there is nothing to offer, least of all the clear. */
		if (r->offer_active && n->prm.dtls && !n->prm.fingerprint.n)
			err = ENOTSUP;
		if (r->offer_active && r->s.type != MEDIA_IMAGE && n->prm.savp && !n->prm.dtls &&
		    (n->prm.random || !n->prm.optimistic))
			err = make_keys(n, r);
		else
			r->nkeys = 0;
	}
	return err;
}

/* ---- DTLS */

static bool parse_fingerprint(struct crypto_fingerprint *best, struct str value)
{
	struct crypto_fingerprint f;

	if (crypto_fingerprint_parse(&f, value))
		return false;
	if (!best->n || f.n > best->n)
		*best = f;
	return true;
}

/* RFC 8122 section 5: of several the strongest hash; the media's before the session's. */
static bool read_fingerprint(struct crypto_fingerprint *out, const struct sdp_media *m)
{
	const struct sdp_attr *a;
	size_t it = 0;

	*out = (struct crypto_fingerprint){ 0 };
	while ((a = sdp_attr_next(m->attrs, m->nattrs, "fingerprint", &it)) != NULL)
		parse_fingerprint(out, a->value);
	return out->n || (m->fingerprint.n && parse_fingerprint(out, m->fingerprint));
}

static int take_dtls(struct neg *n, struct neg_row *r, const struct sdp_media *m, bool answer, enum neg_verdict *why)
{
	const struct neg_secure *was = &r->s.secure;
	struct neg_secure s = { .mode = NEG_DTLS };
	/* RFC 4145 section 4: what an offer means that says nothing. */
	enum crypto_setup theirs = answer ? SETUP_PASSIVE : SETUP_ACTIVE;

	if (!n->prm.fingerprint.n)
		return refuse(n, why, "a=fingerprint: we have no certificate for DTLS");
	if (!read_fingerprint(&s.fingerprint, m))
		return refuse(n, why, "a=fingerprint: absent, of a wrong length, or of a hash that is not supported");
	if (m->setup.n && crypto_setup_parse(&theirs, m->setup))
		return refuse(n, why, "a=setup: none of active, passive, actpass, holdconn");
	if (answer && !m->setup.n && r->setup == SETUP_PASSIVE)
		theirs = SETUP_ACTIVE;
	s.setup = answer ? crypto_setup_agreed(r->setup, theirs) : crypto_setup_answer(theirs, n->prm.setup);
	/* An association that goes on keeps its roles (RFC 8842 section 5.3). */
	if (!answer && theirs == SETUP_ACTPASS && was->mode == NEG_DTLS &&
	    crypto_fingerprint_eq(&was->fingerprint, &s.fingerprint))
		s.setup = was->setup;
	r->s.secure = s;
	return 0;
}

/* ---- both */

/* What the peer's line says of encryption, in an offer or in the answer to ours. */
int neg_secure_take(struct neg *n, struct neg_row *r, const struct sdp_media *m, bool answer, enum neg_verdict *why)
{
	const struct neg_prm *p = &n->prm;
	bool clear = !is_required(p) && !sdp_proto_is_savp(m->proto);
	int err;

	if (p->dtls && (is_dtls(m) || m->fingerprint.n))
		return take_dtls(n, r, m, answer, why);
	if (m->has_crypto && may_sdes(p) && (!answer || r->nkeys)) {
		err = answer ? take_answered_sdes(n, r, m, why) : take_sdes(n, r, m, why);
		if (err != EPROTO || !clear || answer)
			return err;
		*why = NEG_OK;
	}
	if (!clear)
		return refuse(n, why, "no keys for encrypted media");
	r->s.secure = (struct neg_secure){ 0 };
	return 0;
}

enum sdp_proto neg_secure_proto(const struct neg_prm *p)
{
	if (p->dtls)
		return p->force_avp ? (p->use_avpf ? SDP_RTP_SAVPF : SDP_RTP_SAVP) :
				      (p->use_avpf ? SDP_UDP_TLS_SAVPF : SDP_UDP_TLS_SAVP);
	if (p->savp && !p->optimistic)
		return p->use_avpf ? SDP_RTP_SAVPF : SDP_RTP_SAVP;
	return p->use_avpf ? SDP_RTP_AVPF : SDP_RTP_AVP;
}

static void write_crypto(struct buf *b, const struct crypto_line *l)
{
	buf_put(b, STR("a=crypto:"));
	crypto_write(b, l);
	buf_put(b, STR("\r\n"));
}

static void write_dtls(struct buf *b, const struct neg *n, enum crypto_setup setup)
{
	buf_puts(b, STR("a=setup:"), str_z(crypto_setup_name(setup)), STR("\r\na=fingerprint:"));
	crypto_fingerprint_write(b, &n->prm.fingerprint);
	buf_put(b, STR("\r\n"));
}

void neg_secure_write(struct buf *b, const struct neg *n, struct neg_row *r, bool answer)
{
	const struct neg_secure *s = &r->s.secure;

	/* The transport's: they stand where the transport does (RFC 8843 section 7.1.3). */
	if (r->s.bundled_in >= 0)
		return;
	if (answer ? s->mode == NEG_DTLS : n->prm.dtls && n->prm.fingerprint.n > 0) {
		/* Who is neither bound to a role nor in one lets the peer choose. */
		r->setup = answer || (s->mode == NEG_DTLS && n->prm.setup != SETUP_ACTPASS) ? s->setup : n->prm.setup;
		write_dtls(b, n, r->setup);
	} else if (answer && s->mode == NEG_SDES) {
		write_crypto(b, &s->ours);
	}
	for (size_t i = 0; !answer && i < r->nkeys; i++)
		write_crypto(b, &r->keys[i]);
	if (n->prm.mediasec && (answer ? s->mode == NEG_SDES : r->nkeys > 0))
		buf_put(b, STR("a=3ge2ae:requested\r\n"));
}
