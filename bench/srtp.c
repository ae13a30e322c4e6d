/* SRTP for the load generator: AES_CM_128_HMAC_SHA1_80 (RFC 3711) and AEAD_AES_128_GCM
 * (RFC 7714), and their lines in SDP (RFC 4568). */
#include "secure.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define HEADER 12
#define KEY 16
#define CM_SALT 14
#define GCM_SALT 12
#define CM_TAG 10
#define GCM_TAG 16
#define AUTH_KEY 20

struct srtp_way {
	enum srtp_suite suite;
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;               /* of counter mode */
	uint8_t salt[KEY];
	bool begun;
	uint16_t last;                  /* the highest sequence number */
	uint32_t roc;                   /* RFC 3711 3.3.1 */
};

static const struct { struct str name; size_t salt; } suites[] = {
	[SRTP_NONE] = { STR_INIT(""), 0 },
	[SRTP_CM] = { STR_INIT("AES_CM_128_HMAC_SHA1_80"), CM_SALT },
	[SRTP_GCM] = { STR_INIT("AEAD_AES_128_GCM"), GCM_SALT },
};

struct str srtp_suite_name(enum srtp_suite suite) { return suites[suite].name; }

enum srtp_suite srtp_suite_of(struct str name)
{
	return str_eq(name, suites[SRTP_CM].name) ? SRTP_CM : str_eq(name, suites[SRTP_GCM].name) ? SRTP_GCM : SRTP_NONE;
}

/* ---- keys ------------------------------------------------------------- */

/* RFC 3711 4.3: key stream of the master key at (label XOR salt). */
static bool derive(enum srtp_suite suite, const uint8_t *master, uint8_t label, uint8_t *out, int n)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t iv[KEY] = { 0 }, zeros[32] = { 0 };
	int done = 0;

	memcpy(iv, master + KEY, suites[suite].salt);
	iv[7] ^= label;
	done = c && EVP_EncryptInit_ex(c, EVP_aes_128_ctr(), NULL, master, iv) == 1 &&
		EVP_EncryptUpdate(c, out, &done, zeros, n) == 1;
	EVP_CIPHER_CTX_free(c);
	return done;
}

static bool key_cm(struct srtp_way *w, const uint8_t *key, const uint8_t *master)
{
	uint8_t auth[AUTH_KEY];
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	OSSL_PARAM sha1[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA1" }, 0),
		OSSL_PARAM_construct_end() };
	bool ok = hmac && derive(SRTP_CM, master, 1, auth, AUTH_KEY);

	w->mac = ok ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	return w->mac && EVP_MAC_init(w->mac, auth, AUTH_KEY, sha1) == 1 &&
		EVP_EncryptInit_ex(w->cipher, EVP_aes_128_ctr(), NULL, key, NULL) == 1;
}

struct srtp_way *srtp_way_new(enum srtp_suite suite, const uint8_t master[SRTP_MASTER])
{
	struct srtp_way *w = calloc(1, sizeof(*w));
	uint8_t key[KEY];

	if (!w)
		return NULL;
	w->suite = suite;
	w->cipher = EVP_CIPHER_CTX_new();
	if (w->cipher && derive(suite, master, 0, key, KEY) && derive(suite, master, 2, w->salt, (int)suites[suite].salt) &&
	    (suite == SRTP_CM ? key_cm(w, key, master) :
				EVP_CipherInit_ex(w->cipher, EVP_aes_128_gcm(), NULL, key, NULL, 1) == 1))
		return w;
	srtp_way_free(w);
	return NULL;
}

void srtp_way_free(struct srtp_way *w)
{
	if (!w)
		return;
	EVP_CIPHER_CTX_free(w->cipher);
	EVP_MAC_CTX_free(w->mac);
	free(w);
}

/* ---- packets ---------------------------------------------------------- */

/* How often the sequence number has gone round, by the way that it goes. */
static uint32_t rollovers(struct srtp_way *w, const uint8_t *p)
{
	uint16_t seq = (uint16_t)(p[2] << 8 | p[3]);
	int16_t ahead = (int16_t)(uint16_t)(seq - w->last);
	uint32_t roc = w->roc;

	if (!w->begun || ahead > 0) {
		w->roc += w->begun && seq < w->last;
		w->last = seq;
		w->begun = true;
		return w->roc;
	}
	return seq > w->last ? roc - 1 : roc;
}

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] ^= (uint8_t)(v >> (24 - 8 * i));
}

static bool cm_crypt(struct srtp_way *w, uint8_t *p, size_t n, uint32_t roc)
{
	uint8_t iv[KEY] = { 0 };
	int len;

	memcpy(iv, w->salt, CM_SALT);
	for (int i = 0; i < 4; i++)
		iv[4 + i] ^= p[8 + i];
	put_u32(iv + 8, roc);
	iv[12] ^= p[2];
	iv[13] ^= p[3];
	return EVP_EncryptInit_ex(w->cipher, NULL, NULL, NULL, iv) == 1 &&
		EVP_EncryptUpdate(w->cipher, p + HEADER, &len, p + HEADER, (int)(n - HEADER)) == 1;
}

static bool cm_tag(struct srtp_way *w, const uint8_t *p, size_t n, uint32_t roc, uint8_t *tag)
{
	uint8_t be[4] = { 0 }, sum[EVP_MAX_MD_SIZE];
	size_t len = 0;

	put_u32(be, roc);
	if (EVP_MAC_init(w->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(w->mac, p, n) != 1 ||
	    EVP_MAC_update(w->mac, be, sizeof(be)) != 1 || EVP_MAC_final(w->mac, sum, &len, sizeof(sum)) != 1)
		return false;
	memcpy(tag, sum, CM_TAG);
	return true;
}

static bool gcm_start(struct srtp_way *w, const uint8_t *p, uint32_t roc, int seal)
{
	uint8_t iv[GCM_SALT];
	int len;

	memcpy(iv, w->salt, sizeof(iv));
	for (int i = 0; i < 4; i++)
		iv[2 + i] ^= p[8 + i];
	put_u32(iv + 6, roc);
	iv[10] ^= p[2];
	iv[11] ^= p[3];
	return EVP_CipherInit_ex(w->cipher, NULL, NULL, NULL, iv, seal) == 1 &&
		EVP_CipherUpdate(w->cipher, NULL, &len, p, HEADER) == 1;
}

size_t srtp_seal(struct srtp_way *w, uint8_t *p, size_t n)
{
	uint32_t roc = rollovers(w, p);
	int len = 0;

	if (w->suite == SRTP_CM)
		return cm_crypt(w, p, n, roc) && cm_tag(w, p, n, roc, p + n) ? n + CM_TAG : 0;
	if (!gcm_start(w, p, roc, 1) ||
	    EVP_CipherUpdate(w->cipher, p + HEADER, &len, p + HEADER, (int)(n - HEADER)) != 1 ||
	    EVP_CipherFinal_ex(w->cipher, p + n, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_GCM_GET_TAG, GCM_TAG, p + n) != 1)
		return 0;
	return n + GCM_TAG;
}

size_t srtp_open(struct srtp_way *w, uint8_t *p, size_t n)
{
	size_t tag_n = w->suite == SRTP_CM ? CM_TAG : GCM_TAG;
	uint8_t tag[CM_TAG];
	uint32_t roc;
	int len = 0;

	if (n < HEADER + tag_n)
		return 0;
	n -= tag_n;
	roc = rollovers(w, p);
	if (w->suite == SRTP_CM)
		return cm_tag(w, p, n, roc, tag) && !memcmp(tag, p + n, CM_TAG) && cm_crypt(w, p, n, roc) ? n : 0;
	if (!gcm_start(w, p, roc, 0) ||
	    EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_GCM_SET_TAG, GCM_TAG, p + n) != 1 ||
	    EVP_CipherUpdate(w->cipher, p + HEADER, &len, p + HEADER, (int)(n - HEADER)) != 1 ||
	    EVP_CipherFinal_ex(w->cipher, p + n, &len) != 1)
		return 0;
	return n;
}

/* ---- SDP -------------------------------------------------------------- */

void srtp_put_line(struct buf *b, uint32_t tag, enum srtp_suite suite, const uint8_t master[SRTP_MASTER])
{
	unsigned char text[64];
	int n = EVP_EncodeBlock(text, master, (int)(KEY + suites[suite].salt));

	buf_put(b, STR("a=crypto:"));
	buf_u64(b, tag);
	buf_puts(b, STR(" "), suites[suite].name, STR(" inline:"), str_mk((char *)text, (size_t)n), STR("\r\n"));
}

bool srtp_find_line(const struct msg *m, enum srtp_suite suite, uint32_t *tag, uint8_t master[SRTP_MASTER])
{
	struct str rest = m->body, line;
	uint8_t raw[64];

	while (str_line(&rest, &line)) {
		struct str v = str_skip(line, 9), key;

		if (!str_starts(line, STR("a=crypto:")) || str_u32(str_cut_raw(&v, ' '), tag) ||
		    !str_eq(str_cut_raw(&v, ' '), suites[suite].name) || !str_starts(v, STR("inline:")))
			continue;
		key = str_sub(v, 7, str_chr(v, '|') - 7);
		key = str_sub(key, 0, str_chr(key, ' '));
		if (key.n > 48 || EVP_DecodeBlock(raw, (const unsigned char *)key.p, (int)key.n) < (int)(KEY + suites[suite].salt))
			return false;
		memcpy(master, raw, KEY + suites[suite].salt);
		return true;
	}
	return false;
}
