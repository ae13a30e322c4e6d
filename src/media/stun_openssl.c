/* media/stun_openssl.c -- OpenSSL's row of the functions that stun.h asks for. Contexts are made
 * once, so that a check allocates nothing of ours and looks up no algorithm by name. */
#include "media/stun.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include "base/poison.h"

struct hashes {                 /* obj */
	EVP_MAC_CTX *mac[3];            /* held; by enum stun_hash_alg, none for MD5 */
	EVP_MD *md5, *sha256;           /* held; NULL: this OpenSSL refuses it */
};

static void hashes_free(void *arg)
{
	struct hashes *h = arg;

	for (unsigned i = 0; i < ARRAY_LEN(h->mac); i++)
		EVP_MAC_CTX_free(h->mac[i]);
	EVP_MD_free(h->md5);
	EVP_MD_free(h->sha256);
}

static int hashes_hmac(void *arg, enum stun_hash_alg a, struct str key, const struct str *part, size_t n,
		       uint8_t out[STUN_SHA256])
{
	EVP_MAC_CTX *ctx = ((struct hashes *)arg)->mac[a];
	size_t len;
	int ok = ctx && EVP_MAC_init(ctx, (const unsigned char *)(key.n ? key.p : ""), key.n, NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = EVP_MAC_update(ctx, (const unsigned char *)part[i].p, part[i].n) == 1;
	return ok && EVP_MAC_final(ctx, out, &len, STUN_SHA256) == 1 ? 0 : ENOTSUP;
}

static int hashes_digest(void *arg, enum stun_hash_alg a, const struct str *part, size_t n, uint8_t out[STUN_SHA256])
{
	const struct hashes *h = arg;
	const EVP_MD *md = a == STUN_HASH_MD5 ? h->md5 : h->sha256;
	EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int ok = ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(ctx, part[i].p, part[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, sum, &len) == 1 && len <= STUN_SHA256;
	EVP_MD_CTX_free(ctx);
	if (ok)
		memcpy(out, sum, len);
	return ok ? 0 : ENOTSUP;
}

static EVP_MAC_CTX *mac_new(EVP_MAC *hmac, const char *digest)
{
	char name[16];
	OSSL_PARAM prm[2];
	EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

	str_copy(name, sizeof(name), str_z(digest));
	prm[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	prm[1] = OSSL_PARAM_construct_end();
	if (ctx && EVP_MAC_CTX_set_params(ctx, prm) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

int stun_hash_openssl(struct stun_hash *row)
{
	struct hashes *h = obj_new(sizeof(*h), hashes_free);
	EVP_MAC *hmac;

	if (!h)
		return ENOMEM;
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	h->mac[STUN_HASH_SHA1] = mac_new(hmac, "SHA1");
	h->mac[STUN_HASH_SHA256] = mac_new(hmac, "SHA256");
	EVP_MAC_free(hmac);
	h->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	/* ICE cannot do without SHA-1; the others are for TURN. */
	if (!h->mac[STUN_HASH_SHA1]) {
		obj_drop(h);
		return ENOTSUP;
	}
	*row = (struct stun_hash){ .arg = h, .hmac = hashes_hmac, .digest = hashes_digest };
	return 0;
}
