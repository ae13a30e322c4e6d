/* OpenSSL's row in the table of hash functions that sip/digest.h asks for. It stands here
 * because sip/ must do without OpenSSL and net/ may not know sip/. */
#include "service/hash_openssl.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/evp.h>

struct hashes {                 /* obj */
	EVP_MD *md[DIGEST_ALGS];        /* held; NULL: this OpenSSL refuses it */
	EVP_MD_CTX *ctx[DIGEST_ALGS];   /* held; set up for md, to be started anew */
};

static void hashes_free(void *arg)
{
	struct hashes *h = arg;

	for (unsigned i = 0; i < DIGEST_ALGS; i++) {
		EVP_MD_CTX_free(h->ctx[i]);
		EVP_MD_free(h->md[i]);
	}
}

/* Fetching an algorithm by name takes microseconds, so it is done here once.
 * A FIPS build has no MD5: the others work without it. */
static struct hashes *hashes_new(void)
{
	static const char *const names[DIGEST_ALGS] = { "MD5", "SHA256", "SHA512-256" };
	struct hashes *h = obj_new(sizeof(*h), hashes_free);

	if (!h)
		return NULL;
	for (unsigned i = 0; i < DIGEST_ALGS; i++) {
		h->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
		h->ctx[i] = h->md[i] ? EVP_MD_CTX_new() : NULL;
		if (h->ctx[i] && EVP_DigestInit_ex2(h->ctx[i], h->md[i], NULL) != 1) {
			EVP_MD_CTX_free(h->ctx[i]);
			h->ctx[i] = NULL;
		}
	}
	return h;
}

static int hash_digest(void *arg, enum digest_alg a, const struct str *part, size_t n, uint8_t out[SIP_HASH_MAX])
{
	struct hashes *h = arg;
	EVP_MD_CTX *ctx = h->ctx[a];
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int ok = ctx && EVP_DigestInit_ex2(ctx, NULL, NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(ctx, part[i].p, part[i].n) == 1;
	if (!ok || EVP_DigestFinal_ex(ctx, sum, &len) != 1 || len > SIP_HASH_MAX)
		return ENOTSUP;
	memcpy(out, sum, len);
	return 0;
}

struct digest_ctx *digest_openssl_new(const struct clock *clock)
{
	struct hashes *h = hashes_new();
	struct digest_ctx *d = h ? digest_ctx_new(clock, &(struct sip_hash){ .arg = h, .digest = hash_digest }) : NULL;

	obj_drop(h);
	return d;
}
