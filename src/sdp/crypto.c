/* sdp/crypto.c -- a=crypto, a=fingerprint and a=setup: their text to values and back.
 * Which of them an offer or answer has is for negotiate_secure.c. */
#include "sdp/crypto.h"
#include <errno.h>
#include "base/poison.h"

static const struct crypto_suite_row suites[] = {
	[CRYPTO_NONE] = { "", 0, 0 },
	[CRYPTO_AES_CM_128_HMAC_SHA1_80] = { "AES_CM_128_HMAC_SHA1_80", 16, 14 },
	[CRYPTO_AES_CM_128_HMAC_SHA1_32] = { "AES_CM_128_HMAC_SHA1_32", 16, 14 },
	[CRYPTO_AES_256_CM_HMAC_SHA1_80] = { "AES_256_CM_HMAC_SHA1_80", 32, 14 },
	[CRYPTO_AES_256_CM_HMAC_SHA1_32] = { "AES_256_CM_HMAC_SHA1_32", 32, 14 },
	[CRYPTO_AEAD_AES_128_GCM] = { "AEAD_AES_128_GCM", 16, 12 },
	[CRYPTO_AEAD_AES_256_GCM] = { "AEAD_AES_256_GCM", 32, 12 },
};

const struct crypto_suite_row *crypto_suite(enum crypto_suite s)
{
	return &suites[(unsigned)s < CRYPTO_SUITES ? s : CRYPTO_NONE];
}

bool crypto_line_eq(const struct crypto_line *a, const struct crypto_line *b)
{
	return a->suite == b->suite && a->mki_n == b->mki_n && !memcmp(a->key, b->key, sizeof(a->key));
}

/* ---- base64 (RFC 4648 section 4), without blanks or line ends */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_value(char c)
{
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

static void write_base64(struct buf *b, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);

		buf_char(b, digits[v >> 18]);
		buf_char(b, digits[v >> 12 & 63]);
		buf_char(b, i + 1 < n ? digits[v >> 6 & 63] : '=');
		buf_char(b, i + 2 < n ? digits[v & 63] : '=');
	}
}

/* Exactly `n` bytes. The padding may be absent, as some phones leave it out. */
static bool read_base64(uint8_t *out, size_t n, struct str s)
{
	size_t chars = (n * 8 + 5) / 6, pad = (3 - n % 3) % 3;
	uint32_t v = 0;
	unsigned bits = 0;
	size_t at = 0;

	if (s.n != chars && s.n != chars + pad)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = digit_value(s.p[i]);

		if (i >= chars) {
			if (s.p[i] != '=')
				return false;
			continue;
		}
		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[at++] = (uint8_t)(v >> bits);
		}
	}
	/* What is left over of the last digit must be 0: one text for one key. */
	return at == n && !(v & ((1u << bits) - 1));
}

/* ---- key parameters: inline:KEY[|LIFETIME][|MKI:LENGTH] */

static int fail(const char **why, const char *text)
{
	*why = text;
	return EBADMSG;
}

/* RFC 4568 section 6.1. We change no keys by count: 2^20 packets are six hours of sound,
 * and who wants less cannot be served. Asterisk draws the same line. */
static bool is_lifetime(struct str s)
{
	uint64_t n;

	if (str_starts(s, STR("2^")))
		return !str_u64(str_skip(s, 2), &n) && n >= 20 && n <= 48;
	return !str_u64(s, &n) && n >= (uint64_t)1 << 20 && n <= (uint64_t)1 << 48;
}

/* There is one key, so that its number is 1, as in Asterisk. */
static bool read_mki(struct crypto_line *l, struct str s)
{
	struct str value = str_cut_raw(&s, ':');
	uint32_t v, n;

	if (str_u32(value, &v) || v != 1 || str_u32(s, &n) || n < 1 || n > CRYPTO_MKI_MAX)
		return false;
	l->mki_n = (uint8_t)n;
	return true;
}

static int read_key_params(struct crypto_line *l, struct str s, const char **why)
{
	struct str key, life;

	if (!str_istarts(s, STR("inline:")))
		return fail(why, "a=crypto: the key method is not inline");
	if (str_chr(s, ';') < s.n)
		return fail(why, "a=crypto: more than one key");
	s = str_skip(s, 7);
	key = str_cut_raw(&s, '|');
	if (!read_base64(l->key, crypto_key_bytes((enum crypto_suite)l->suite), key))
		return fail(why, "a=crypto: the key is no base64 or has not the suite's length");
	if (!s.n)
		return 0;
	life = str_cut_raw(&s, '|');
	if (str_chr(life, ':') < life.n && !s.n)
		return read_mki(l, life) ? 0 : fail(why, "a=crypto: MKI of a length or value that is not allowed");
	if (!is_lifetime(life))
		return fail(why, "a=crypto: the key's lifetime is below 2^20 packets or cannot be read");
	if (s.n && !read_mki(l, s))
		return fail(why, "a=crypto: MKI of a length or value that is not allowed");
	return 0;
}

/* RFC 4568 section 6.3. WSH is a hint; those that we cannot do make the line unusable,
 * and what nobody knows does unless it begins with '-'. */
static int read_session_params(struct str s, const char **why)
{
	while (s.n) {
		struct str p = str_cut_raw(&s, ' ');
		uint32_t n;

		if (!p.n || p.p[0] == '-')
			continue;
		if (str_istarts(p, STR("UNENCRYPTED_")) || str_ieq(p, STR("UNAUTHENTICATED_SRTP")))
			return fail(why, "a=crypto: a parameter takes the protection away");
		if (!str_istarts(p, STR("WSH=")) || str_u32(str_skip(p, 4), &n) || n < 64)
			return fail(why, "a=crypto: a session parameter that is not supported");
	}
	return 0;
}

int crypto_parse(struct crypto_line *out, struct str value, const char **why)
{
	struct crypto_line l = { 0 };
	struct str tag, suite, keys;
	int err;

	value = str_trim(value);
	tag = str_cut_raw(&value, ' ');
	value = str_ltrim(value);
	suite = str_cut_raw(&value, ' ');
	value = str_ltrim(value);
	keys = str_cut_raw(&value, ' ');
	if (tag.n > 9 || str_u32(tag, &l.tag) || !l.tag || !suite.n || !keys.n)
		return fail(why, "a=crypto: not of the form: tag suite inline:key");
	while (l.suite < CRYPTO_SUITES && !str_ieq(suite, str_z(suites[l.suite].name)))
		l.suite++;
	if (l.suite == CRYPTO_SUITES)
		return ENOTSUP;
	err = read_key_params(&l, keys, why);
	if (!err)
		err = read_session_params(value, why);
	if (!err)
		*out = l;
	explicit_bzero(&l, sizeof(l));
	return err;
}

void crypto_write(struct buf *b, const struct crypto_line *l)
{
	buf_u64(b, l->tag);
	buf_puts(b, STR(" "), str_z(crypto_suite((enum crypto_suite)l->suite)->name), STR(" inline:"));
	write_base64(b, l->key, crypto_key_bytes((enum crypto_suite)l->suite));
	if (l->mki_n)
		buf_printf(b, "|1:%u", l->mki_n);
}

/* ---- DTLS */

static const struct {
	const char *name;
	uint8_t n;
} hashes[] = { { "sha-1", 20 }, { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 } };

const char *crypto_hash_name(enum crypto_hash h) { return hashes[(unsigned)h < CRYPTO_HASHES ? h : 0].name; }

int crypto_fingerprint_parse(struct crypto_fingerprint *out, struct str value)
{
	struct crypto_fingerprint f = { 0 };
	struct str hash;

	value = str_trim(value);
	hash = str_cut_raw(&value, ' ');
	value = str_trim(value);
	if (!hash.n || !value.n)
		return EBADMSG;
	while (f.hash < CRYPTO_HASHES && !str_ieq(hash, str_z(hashes[f.hash].name)))
		f.hash++;
	if (f.hash == CRYPTO_HASHES)
		return ENOTSUP;
	for (; f.n < hashes[f.hash].n; f.n++)
		if (str_hex(str_cut_raw(&value, ':'), &f.v[f.n], 1) || (!value.n && f.n + 1 < hashes[f.hash].n))
			return EBADMSG;
	if (value.n)
		return EBADMSG;
	*out = f;
	return 0;
}

void crypto_fingerprint_write(struct buf *b, const struct crypto_fingerprint *f)
{
	static const char hex[] = "0123456789ABCDEF";

	buf_puts(b, str_z(crypto_hash_name((enum crypto_hash)f->hash)), STR(" "));
	for (size_t i = 0; i < f->n; i++) {
		if (i)
			buf_char(b, ':');
		buf_char(b, hex[f->v[i] >> 4]);
		buf_char(b, hex[f->v[i] & 15]);
	}
}

bool crypto_fingerprint_eq(const struct crypto_fingerprint *a, const struct crypto_fingerprint *b)
{
	return a->n && a->n == b->n && a->hash == b->hash && !memcmp(a->v, b->v, a->n);
}

static const char *const setups[] = { "active", "passive", "actpass", "holdconn" };

const char *crypto_setup_name(enum crypto_setup s) { return setups[(unsigned)s < SETUPS ? s : 0]; }

int crypto_setup_parse(enum crypto_setup *out, struct str value)
{
	for (unsigned i = 0; i < SETUPS; i++)
		if (str_ieq(str_trim(value), str_z(setups[i]))) {
			*out = (enum crypto_setup)i;
			return 0;
		}
	return EBADMSG;
}

/* RFC 4145 section 4.1. To actpass we may be either; who has no wish of his own begins,
 * as RFC 5763 section 5 recommends. */
enum crypto_setup crypto_setup_answer(enum crypto_setup theirs, enum crypto_setup ours)
{
	static const enum crypto_setup fixed[] = {
		[SETUP_ACTIVE] = SETUP_PASSIVE, [SETUP_PASSIVE] = SETUP_ACTIVE, [SETUP_HOLDCONN] = SETUP_HOLDCONN,
	};

	if (theirs != SETUP_ACTPASS)
		return fixed[theirs];
	return ours == SETUP_ACTPASS ? SETUP_ACTIVE : ours;
}

/* An answer of actpass, or one that repeats our role, is a mistake: the offer holds. */
enum crypto_setup crypto_setup_agreed(enum crypto_setup ours, enum crypto_setup theirs)
{
	if (theirs == SETUP_HOLDCONN || ours == SETUP_HOLDCONN)
		return SETUP_HOLDCONN;
	if (ours != SETUP_ACTPASS)
		return ours;
	return theirs == SETUP_PASSIVE ? SETUP_ACTIVE : SETUP_PASSIVE;
}
