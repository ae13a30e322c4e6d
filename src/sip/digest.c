/* Digest: responses and nonces. The hash functions themselves are the caller's. */
#include "sip/digest.h"
#include "base/obj.h"
#include "sip/chars.h"
#include "sip/nonce.h"
#include "sip/siphash.h"
#include "sip/uri.h"
#include <errno.h>
#include <sys/random.h>

#define PARTS_MAX 6
#define SALT 8                  /* [bytes] */
#define MAC 16
#define NONCE_BYTES (4 + SALT + MAC)

_Static_assert(DIGEST_NONCE > 2 * NONCE_BYTES, "a nonce fits its array");

struct digest_ctx {
	const struct clock *clock;
	struct sip_hash hash;                   /* its arg is held */
	uint8_t mac_key[16], salt_key[16];
	uint64_t salts;                         /* drawn so far */
	uint64_t hashes;                        /* taken so far */
	char opaque[17];
	struct nonce_table used;
};

static const struct str names[DIGEST_ALGS] = { STR_INIT("MD5"), STR_INIT("SHA-256"), STR_INIT("SHA-512-256") };
static const uint8_t hash_bytes[DIGEST_ALGS] = { 16, 32, 32 };

struct str digest_alg_name(enum digest_alg a)
{
	return (unsigned)a < DIGEST_ALGS ? names[a] : STR_NULL;
}

int digest_alg_of(struct str name, enum digest_alg *a)
{
	if (!name.n) {
		*a = DIGEST_MD5;        /* RFC 2617 3.2.1 */
		return 0;
	}
	for (unsigned i = 0; i < DIGEST_ALGS; i++) {
		if (str_ieq(name, names[i])) {
			*a = i;
			return 0;
		}
	}
	return ENOENT;
}

static void hex_write(char *out, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = hex[p[i] >> 4];
		*out++ = hex[p[i] & 15];
	}
	*out = 0;
}

/* Not to be guessed and never twice: the output of a keyed hash over a count. */
static void random_write(struct digest_ctx *d, uint8_t out[16])
{
	uint64_t n = d->salts++;

	siphash128(d->salt_key, &n, sizeof(n), out);
}

static void ctx_free(void *o)
{
	struct digest_ctx *d = o;

	obj_drop(d->hash.arg);
	nonce_table_free(&d->used);
	explicit_bzero(d->mac_key, sizeof(d->mac_key));
}

struct digest_ctx *digest_ctx_new(const struct clock *clock, const struct sip_hash *hash)
{
	struct digest_ctx *d = obj_new(sizeof(*d), ctx_free);
	uint8_t random[16];

	if (!d)
		return NULL;
	d->clock = clock;
	d->hash = *hash;
	obj_hold(d->hash.arg);
	if (getrandom(d->mac_key, sizeof(d->mac_key), 0) != sizeof(d->mac_key) ||
	    getrandom(d->salt_key, sizeof(d->salt_key), 0) != sizeof(d->salt_key))
		return obj_drop(d);
	random_write(d, random);
	hex_write(d->opaque, random, 8);
	return d;
}

/* The parts with colons between them, copied behind each other; 0: they do not fit. */
static size_t parts_join(char *text, size_t size, const struct str *part, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		/* A part goes in with the colon behind it, so >= and not >. */
		if (part[i].n >= size - len)
			return 0;
		if (part[i].n)
			memcpy(text + len, part[i].p, part[i].n);
		len += part[i].n;
		if (i + 1 < n)
			text[len++] = ':';
	}
	return len;
}

/* Empty on failure, which digest_equal() holds equal to nothing. */
static void hash_parts(struct digest_ctx *d, enum digest_alg a, const struct str *part, size_t n,
		       char out[DIGEST_HEX])
{
	char text[512];
	struct str piece[2 * PARTS_MAX];
	uint8_t sum[SIP_HASH_MAX];
	size_t pieces = 0, len = parts_join(text, sizeof(text), part, n);

	out[0] = 0;
	d->hashes++;
	/* As one piece where it fits: each piece costs the functions behind the row as much as
	 * a block of MD5. */
	if (len)
		piece[pieces++] = str_mk(text, len);
	for (size_t i = 0; !len && i < n; i++) {
		if (i)
			piece[pieces++] = STR(":");
		piece[pieces++] = part[i];
	}
	if ((unsigned)a < DIGEST_ALGS && !d->hash.digest(d->hash.arg, a, piece, pieces, sum))
		hex_write(out, sum, hash_bytes[a]);
	explicit_bzero(text, len ? len : sizeof(text)); /* a password may have stood there */
}

void digest_hash(struct digest_ctx *d, enum digest_alg a, struct str text, char out[DIGEST_HEX])
{
	hash_parts(d, a, &text, 1, out);
}

void digest_ha1(struct digest_ctx *d, enum digest_alg a, struct str user, struct str realm,
		struct str password, char out[DIGEST_HEX])
{
	hash_parts(d, a, (const struct str[]){ user, realm, password }, 3, out);
}

void digest_response(struct digest_ctx *d, enum digest_alg a, struct str ha1, struct str method,
		     const struct digest_fields *f, struct str body, char out[DIGEST_HEX])
{
	char ha2[DIGEST_HEX], body_hash[DIGEST_HEX];
	struct str part[PARTS_MAX] = { method, f->uri };
	size_t n = 2;

	if (str_ieq(f->qop, STR("auth-int"))) {
		hash_parts(d, a, &body, 1, body_hash);
		part[n++] = str_z(body_hash);
	}
	hash_parts(d, a, part, n, ha2);
	n = 0;
	part[n++] = ha1;
	part[n++] = f->nonce;
	if (f->qop.n) {
		part[n++] = f->nc;
		part[n++] = f->cnonce;
		part[n++] = f->qop;
	}
	part[n++] = str_z(ha2);
	hash_parts(d, a, part, n, out);
}

uint64_t digest_hashes(const struct digest_ctx *d)
{
	return d->hashes;
}

/* Takes the same time wherever the difference is, so that nobody can find a right
 * response byte by byte. */
static bool bytes_equal(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++) {
		diff |= p[i] ^ q[i];
		__asm__("" : "+r"(diff));       /* a compiler that knew more would stop at the first */
	}
	return !diff;
}

bool digest_equal(struct str a, struct str b)
{
	return a.n && a.n == b.n && bytes_equal(a.p, b.p, a.n);
}

/* ---- nonces ----------------------------------------------------------- */

/* Seconds of this process: the key lives no longer either. */
static uint32_t now_s(const struct digest_ctx *d)
{
	return (uint32_t)(clock_us(d->clock) / 1000000);
}

/* Over time, salt, the peer's address without its port (which a NAT changes
 * between two requests) and the realm. */
static void nonce_mac(const struct digest_ctx *d, const uint8_t head[4 + SALT], const struct sa *peer,
		      struct str realm, uint8_t out[MAC])
{
	uint8_t text[4 + SALT + 1 + 16 + 256] = { 0 };
	uint8_t *p = text;

	memcpy(p, head, 4 + SALT);
	p += 4 + SALT;
	*p++ = sa_is_v6(peer) ? 6 : 4;
	if (sa_is_v6(peer))
		memcpy(p, &peer->u.in6.sin6_addr, 16);
	else
		memcpy(p, &peer->u.in4.sin_addr, 4);
	p += 16;
	realm = str_sub(realm, 0, 256);
	if (realm.n)
		memcpy(p, realm.p, realm.n);
	siphash128(d->mac_key, text, (size_t)(p - text) + realm.n, out);
}

void nonce_make(struct digest_ctx *d, const struct sa *peer, struct str realm, char out[DIGEST_NONCE])
{
	uint8_t nonce[NONCE_BYTES], salt[16];
	uint32_t now = now_s(d);

	random_write(d, salt);
	memcpy(nonce, (uint8_t[]){ (uint8_t)(now >> 24), (uint8_t)(now >> 16), (uint8_t)(now >> 8), (uint8_t)now }, 4);
	memcpy(nonce + 4, salt, SALT);
	nonce_mac(d, nonce, peer, realm, nonce + 4 + SALT);
	hex_write(out, nonce, sizeof(nonce));
}

/* Without a count a nonce serves once, as if its only count were 1. */
static int count_of(struct str nc, uint32_t *count)
{
	uint8_t b[4];

	*count = 1;
	if (!nc.n)
		return 0;
	if (str_hex(nc, b, sizeof(b)))
		return EBADMSG;
	*count = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return *count ? 0 : EBADMSG;
}

enum nonce_verdict nonce_check(struct digest_ctx *d, struct str nonce, const struct sa *peer, struct str realm,
			       uint32_t lifetime_s, struct str nc, bool mark)
{
	uint8_t b[NONCE_BYTES], mac[MAC];
	uint32_t issued, now = now_s(d), count;
	struct nonce_use *u;
	uint64_t salt;

	if (str_hex(nonce, b, sizeof(b)))
		return NONCE_FORGED;
	nonce_mac(d, b, peer, realm, mac);
	if (!bytes_equal(mac, b + 4 + SALT, MAC) || count_of(nc, &count))
		return NONCE_FORGED;
	issued = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	if (now - issued > lifetime_s)
		return NONCE_STALE;
	memcpy(&salt, b + 4, SALT);
	u = nonce_find(&d->used, salt);
	if (!u && d->used.forgotten && issued <= d->used.forgotten)
		return NONCE_STALE;
	if (u && !nonce_count_fresh(u, count))
		return nc.n ? NONCE_REPLAYED : NONCE_STALE;
	if (mark) {
		if (lifetime_s > d->used.longest)
			d->used.longest = lifetime_s;
		if (!u)
			u = nonce_add(&d->used, salt, issued, now);
		if (!u)
			return NONCE_STALE;     /* what cannot be remembered must not serve */
		nonce_count_use(u, count);
	}
	return NONCE_OK;
}

/* ---- client ------------------------------------------------------------ */

/* Which of the offered protections: auth before auth-int, none when none is offered. */
static int qop_choose(struct str offered, struct str *qop)
{
	struct str rest = offered;
	bool integrity = false;

	*qop = STR_NULL;
	while (rest.n) {
		struct str one = trim(str_cut_raw(&rest, ','));

		if (str_ieq(one, STR("auth"))) {
			*qop = STR("auth");
			return 0;
		}
		integrity |= str_ieq(one, STR("auth-int"));
	}
	if (integrity)
		*qop = STR("auth-int");
	return integrity || !trim(offered).n ? 0 : EBADMSG;
}

static void field_write(struct buf *b, struct str name, struct str value)
{
	buf_puts(b, STR(", "), name, STR("=\""), value, STR("\""));
}

int digest_answer(struct digest_ctx *d, const struct digest_answer_prm *prm, struct buf *out)
{
	const struct digest_fields *c = prm->challenge;
	char ha1[DIGEST_HEX], response[DIGEST_HEX], cnonce[33], nc[9];
	struct digest_fields f = { .nonce = c->nonce, .uri = prm->uri };
	struct str password = prm->ha1;
	uint8_t random[16];
	int err = qop_choose(c->qop, &f.qop);

	if (err)
		return err;
	random_write(d, random);
	hex_write(cnonce, random, sizeof(random));
	hex_write(nc, (uint8_t[]){ (uint8_t)(prm->nc >> 24), (uint8_t)(prm->nc >> 16), (uint8_t)(prm->nc >> 8),
				   (uint8_t)prm->nc }, 4);
	f.cnonce = str_z(cnonce);
	f.nc = str_z(nc);
	if (!password.n) {
		digest_ha1(d, prm->alg, prm->username, c->realm, prm->password, ha1);
		password = str_z(ha1);
	}
	digest_response(d, prm->alg, password, prm->method, &f, prm->body, response);
	explicit_bzero(ha1, sizeof(ha1));
	if (!response[0])
		return ENOTSUP;
	buf_put(out, STR("Digest username="));
	sip_write_quoted(out, prm->username);
	/* What came in quotes goes back as it came, escapes and all. */
	field_write(out, STR("realm"), c->realm);
	field_write(out, STR("nonce"), c->nonce);
	field_write(out, STR("uri"), prm->uri);
	field_write(out, STR("response"), str_z(response));
	buf_puts(out, STR(", algorithm="), digest_alg_name(prm->alg));
	if (f.qop.n) {
		buf_puts(out, STR(", qop="), f.qop, STR(", nc="), f.nc);
		field_write(out, STR("cnonce"), f.cnonce);
	}
	if (c->opaque.n)
		field_write(out, STR("opaque"), c->opaque);
	return buf_err(out);
}

void digest_write_challenge(struct digest_ctx *d, struct buf *b, enum digest_alg a, struct str realm,
			    struct str nonce, bool stale)
{
	buf_put(b, STR("Digest realm="));
	sip_write_quoted(b, realm);
	buf_puts(b, STR(",nonce=\""), nonce, STR("\",algorithm="), digest_alg_name(a), STR(",qop=\"auth\""));
	if (stale)
		buf_put(b, STR(",stale=true"));
	buf_puts(b, STR(",opaque=\""), str_z(d->opaque), STR("\""));
}
