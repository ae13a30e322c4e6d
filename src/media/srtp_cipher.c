/* media/srtp_cipher.c -- AES and HMAC-SHA1 of OpenSSL for libsrtp2. Debian builds that
 * library on NSS, which makes a cipher context for each packet: allocation, locks and
 * 6 us of AES-CM each way, more than all the rest of a relayed packet costs. */
/* A keyed SHA-1 state that is copied by value needs no allocation for a packet; the
 * interface that OpenSSL 3 prefers does. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "media/srtp.h"
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <srtp2/crypto_types.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include "base/poison.h"

/* ---- AES in counter mode and in Galois counter mode */

enum { AES_BLOCK = 16, CM_SALT = 14, GCM_SALT = 12 };

struct aes {
	srtp_cipher_t head;     /* what libsrtp2 sees; head.state points here */
	EVP_CIPHER_CTX *ctx;
	uint8_t key_n, tag_n;
	bool gcm;
	uint8_t offset[AES_BLOCK];      /* counter mode: the salt */
};

static const EVP_CIPHER *cipher_of(const struct aes *a)
{
	if (a->gcm)
		return a->key_n == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
	return a->key_n == 16 ? EVP_aes_128_ctr() : a->key_n == 24 ? EVP_aes_192_ctr() : EVP_aes_256_ctr();
}

static srtp_err_status_t aes_free(srtp_cipher_pointer_t c)
{
	struct aes *a = c->state;

	EVP_CIPHER_CTX_free(a->ctx);
	explicit_bzero(a, sizeof(*a));
	free(a);
	return srtp_err_status_ok;
}

/* `tag_n` 0: counter mode. */
static srtp_err_status_t aes_new(srtp_cipher_pointer_t *out, const srtp_cipher_type_t *type, int key_len, size_t key_n,
				 int tag_n)
{
	struct aes *a = calloc(1, sizeof(*a));

	if (!a)
		return srtp_err_status_alloc_fail;
	a->ctx = EVP_CIPHER_CTX_new();
	if (!a->ctx) {
		free(a);
		return srtp_err_status_alloc_fail;
	}
	a->key_n = (uint8_t)key_n;
	a->tag_n = (uint8_t)tag_n;
	a->gcm = tag_n > 0;
	a->head = (srtp_cipher_t){ .type = type, .state = a, .key_len = key_len, .algorithm = (int)type->id };
	*out = &a->head;
	return srtp_err_status_ok;
}

static srtp_err_status_t cm_init(void *state, const uint8_t *key)
{
	struct aes *a = state;

	memset(a->offset, 0, sizeof(a->offset));
	memcpy(a->offset, key + a->key_n, CM_SALT);
	return EVP_EncryptInit_ex(a->ctx, cipher_of(a), NULL, key, NULL) == 1 ? srtp_err_status_ok :
									   srtp_err_status_init_fail;
}

static srtp_err_status_t cm_start(void *state, uint8_t *iv, srtp_cipher_direction_t dir)
{
	struct aes *a = state;
	uint8_t counter[AES_BLOCK];

	(void)dir;
	for (int i = 0; i < AES_BLOCK; i++)
		counter[i] = a->offset[i] ^ iv[i];
	return EVP_EncryptInit_ex(a->ctx, NULL, NULL, NULL, counter) == 1 ? srtp_err_status_ok :
									   srtp_err_status_cipher_fail;
}

static srtp_err_status_t cm_run(void *state, uint8_t *p, unsigned int *n)
{
	struct aes *a = state;
	int len;

	return EVP_EncryptUpdate(a->ctx, p, &len, p, (int)*n) == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_init(void *state, const uint8_t *key)
{
	struct aes *a = state;

	return EVP_CipherInit_ex(a->ctx, cipher_of(a), NULL, key, NULL, 1) == 1 ? srtp_err_status_ok :
									    srtp_err_status_init_fail;
}

static srtp_err_status_t gcm_start(void *state, uint8_t *iv, srtp_cipher_direction_t dir)
{
	struct aes *a = state;

	return EVP_CipherInit_ex(a->ctx, NULL, NULL, NULL, iv, dir == srtp_direction_encrypt) == 1 ?
	       srtp_err_status_ok : srtp_err_status_init_fail;
}

static srtp_err_status_t gcm_add(void *state, const uint8_t *aad, uint32_t n)
{
	struct aes *a = state;
	int len;

	return !n || EVP_CipherUpdate(a->ctx, NULL, &len, aad, (int)n) == 1 ? srtp_err_status_ok : srtp_err_status_algo_fail;
}

static srtp_err_status_t gcm_encrypt(void *state, uint8_t *p, unsigned int *n)
{
	struct aes *a = state;
	int len = 0;

	if (*n && EVP_CipherUpdate(a->ctx, p, &len, p, (int)*n) != 1)
		return srtp_err_status_cipher_fail;
	return EVP_CipherFinal_ex(a->ctx, p + len, &len) == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_tag(void *state, uint8_t *tag, uint32_t *n)
{
	struct aes *a = state;

	*n = a->tag_n;
	return EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_GCM_GET_TAG, a->tag_n, tag) == 1 ? srtp_err_status_ok :
										srtp_err_status_algo_fail;
}

/* The tag stands behind the text. */
static srtp_err_status_t gcm_decrypt(void *state, uint8_t *p, unsigned int *n)
{
	struct aes *a = state;
	int len = 0;

	if (*n < a->tag_n)
		return srtp_err_status_bad_param;
	*n -= a->tag_n;
	if (EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_GCM_SET_TAG, a->tag_n, p + *n) != 1)
		return srtp_err_status_algo_fail;
	if (*n && EVP_CipherUpdate(a->ctx, p, &len, p, (int)*n) != 1)
		return srtp_err_status_auth_fail;
	return EVP_CipherFinal_ex(a->ctx, p + len, &len) == 1 ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

/* ---- test vectors: libsrtp2 takes a cipher only with one that passes */

/* RFC 3711 appendix B.2: the key and salt, then zeros made to key stream. */
static const uint8_t cm128_key[] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf,
	0x4f, 0x3c, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd };
static const uint8_t cm128_out[] = { 0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b,
	0x4e, 0xb4, 0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab };
/* RFC 6188 sections 7.2 and 7.1. */
static const uint8_t cm192_key[] = { 0xea, 0xb2, 0x34, 0x76, 0x4e, 0x51, 0x7b, 0x2d, 0x3d, 0x16, 0x0d, 0x58, 0x7d, 0x8c, 0x86, 0x21,
	0x97, 0x40, 0xf6, 0x5f, 0x99, 0xb6, 0xbc, 0xf7, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
	0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd };
static const uint8_t cm192_out[] = { 0x35, 0x09, 0x6c, 0xba, 0x46, 0x10, 0x02, 0x8d, 0xc1, 0xb5, 0x75, 0x03, 0x80, 0x4c, 0xe3, 0x7c,
	0x5d, 0xe9, 0x86, 0x29, 0x1d, 0xcc, 0xe1, 0x61, 0xd5, 0x16, 0x5e, 0xc4, 0x56, 0x8f, 0x5c, 0x9a };
static const uint8_t cm256_key[] = { 0x57, 0xf8, 0x2f, 0xe3, 0x61, 0x3f, 0xd1, 0x70, 0xa8, 0x5e, 0xc9, 0x3c, 0x40, 0xb1,
	0xf0, 0x92, 0x2e, 0xc4, 0xcb, 0x0d, 0xc0, 0x25, 0xb5, 0x82, 0x72, 0x14, 0x7c, 0xc4, 0x38, 0x94, 0x4a, 0x98,
	0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd };
static const uint8_t cm256_out[] = { 0x92, 0xbd, 0xd2, 0x8a, 0x93, 0xc3, 0xf5, 0x25, 0x11, 0xc6, 0x77, 0xd0, 0x8b, 0x55,
	0x15, 0xa4, 0x9d, 0xa7, 0x1b, 0x23, 0x78, 0xa8, 0x54, 0xf6, 0x70, 0x50, 0x75, 0x6d, 0xed, 0x16, 0x5b, 0xac };
/* The GCM specification's test cases 2 and 14: all is zero. */
static const uint8_t gcm128_out[] = { 0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92, 0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2,
	0xfe, 0x78, 0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd, 0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57, 0xbd, 0xdf };
static const uint8_t gcm256_out[] = { 0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3,
	0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19 };
static const uint8_t zeros[48];
/* Read only, whatever its type in libsrtp2 says. */
#define NO_INDEX ((uint8_t *)(uintptr_t)zeros)

static const srtp_cipher_test_case_t cm128_test = { .key_length_octets = 30, .key = cm128_key, .idx = NO_INDEX,
	.plaintext_length_octets = 32, .plaintext = zeros, .ciphertext_length_octets = 32, .ciphertext = cm128_out };
static const srtp_cipher_test_case_t cm192_test = { .key_length_octets = 38, .key = cm192_key, .idx = NO_INDEX,
	.plaintext_length_octets = 32, .plaintext = zeros, .ciphertext_length_octets = 32, .ciphertext = cm192_out };
static const srtp_cipher_test_case_t cm256_test = { .key_length_octets = 46, .key = cm256_key, .idx = NO_INDEX,
	.plaintext_length_octets = 32, .plaintext = zeros, .ciphertext_length_octets = 32, .ciphertext = cm256_out };
static const srtp_cipher_test_case_t gcm128_test = { .key_length_octets = 28, .key = zeros, .idx = NO_INDEX,
	.plaintext_length_octets = 16, .plaintext = zeros, .ciphertext_length_octets = 32, .ciphertext = gcm128_out,
	.aad = zeros, .tag_length_octets = 16 };
static const srtp_cipher_test_case_t gcm256_test = { .key_length_octets = 44, .key = zeros, .idx = NO_INDEX,
	.plaintext_length_octets = 16, .plaintext = zeros, .ciphertext_length_octets = 32, .ciphertext = gcm256_out,
	.aad = zeros, .tag_length_octets = 16 };

/* ---- the rows */

/* Under the names that libsrtp2 has for its own, so that its start finds ours in their place and NSS is never asked:
 * that library loads others by name, which may be missing or too new. Where names are bound otherwise
 * srtp_cipher_install() does the same a little later. */
extern const srtp_cipher_type_t srtp_aes_icm_128, srtp_aes_icm_192, srtp_aes_icm_256, srtp_aes_gcm_128, srtp_aes_gcm_256;
extern const srtp_auth_type_t srtp_hmac;

static srtp_err_status_t cm128_new(srtp_cipher_pointer_t *out, int key_len, int tag_len);
static srtp_err_status_t cm192_new(srtp_cipher_pointer_t *out, int key_len, int tag_len);
static srtp_err_status_t cm256_new(srtp_cipher_pointer_t *out, int key_len, int tag_len);
static srtp_err_status_t gcm128_new(srtp_cipher_pointer_t *out, int key_len, int tag_len);
static srtp_err_status_t gcm256_new(srtp_cipher_pointer_t *out, int key_len, int tag_len);

#define CM(make, text, number, vector) { .alloc = make, .dealloc = aes_free, .init = cm_init, .encrypt = cm_run, \
	.decrypt = cm_run, .set_iv = cm_start, .description = text, .test_data = vector, .id = number }
#define GCM(make, text, number, vector) { .alloc = make, .dealloc = aes_free, .init = gcm_init, .set_aad = gcm_add, \
	.encrypt = gcm_encrypt, .decrypt = gcm_decrypt, .set_iv = gcm_start, .get_tag = gcm_tag, .description = text, \
	.test_data = vector, .id = number }

const srtp_cipher_type_t srtp_aes_icm_128 = CM(cm128_new, "AES-128 counter mode", SRTP_AES_ICM_128, &cm128_test);
const srtp_cipher_type_t srtp_aes_icm_192 = CM(cm192_new, "AES-192 counter mode", SRTP_AES_ICM_192, &cm192_test);
const srtp_cipher_type_t srtp_aes_icm_256 = CM(cm256_new, "AES-256 counter mode", SRTP_AES_ICM_256, &cm256_test);
const srtp_cipher_type_t srtp_aes_gcm_128 = GCM(gcm128_new, "AES-128 GCM", SRTP_AES_GCM_128, &gcm128_test);
const srtp_cipher_type_t srtp_aes_gcm_256 = GCM(gcm256_new, "AES-256 GCM", SRTP_AES_GCM_256, &gcm256_test);

static srtp_err_status_t cm128_new(srtp_cipher_pointer_t *out, int key_len, int tag_len)
{
	(void)tag_len;
	return key_len == 16 + CM_SALT ? aes_new(out, &srtp_aes_icm_128, key_len, 16, 0) : srtp_err_status_bad_param;
}

/* No suite of ours has it; libsrtp2 wants it tested. */
static srtp_err_status_t cm192_new(srtp_cipher_pointer_t *out, int key_len, int tag_len)
{
	(void)tag_len;
	return key_len == 24 + CM_SALT ? aes_new(out, &srtp_aes_icm_192, key_len, 24, 0) : srtp_err_status_bad_param;
}

static srtp_err_status_t cm256_new(srtp_cipher_pointer_t *out, int key_len, int tag_len)
{
	(void)tag_len;
	return key_len == 32 + CM_SALT ? aes_new(out, &srtp_aes_icm_256, key_len, 32, 0) : srtp_err_status_bad_param;
}

static srtp_err_status_t gcm128_new(srtp_cipher_pointer_t *out, int key_len, int tag_len)
{
	return key_len == 16 + GCM_SALT && (tag_len == 16 || tag_len == 8) ? aes_new(out, &srtp_aes_gcm_128, key_len, 16, tag_len) :
									     srtp_err_status_bad_param;
}

static srtp_err_status_t gcm256_new(srtp_cipher_pointer_t *out, int key_len, int tag_len)
{
	return key_len == 32 + GCM_SALT && (tag_len == 16 || tag_len == 8) ? aes_new(out, &srtp_aes_gcm_256, key_len, 32, tag_len) :
									     srtp_err_status_bad_param;
}

/* ---- HMAC-SHA1 (RFC 2104) */

enum { SHA1_N = 20, SHA1_BLOCK = 64 };

/* SHA-1 after the one block that the key makes: its words are all that there is to keep, and
 * fewer lines of memory to fetch for a packet. */
struct keyed {
	SHA_LONG h[5];
};

struct hmac {
	srtp_auth_t head;       /* head.state points here */
	struct keyed inner, outer;
	SHA_CTX now;            /* of the packet under way */
};

static struct keyed keyed_of(const SHA_CTX *c)
{
	return (struct keyed){ { c->h0, c->h1, c->h2, c->h3, c->h4 } };
}

static void go_on_from(SHA_CTX *c, const struct keyed *k)
{
	c->h0 = k->h[0];
	c->h1 = k->h[1];
	c->h2 = k->h[2];
	c->h3 = k->h[3];
	c->h4 = k->h[4];
	c->Nl = 8 * SHA1_BLOCK;         /* [bits] so far */
	c->Nh = 0;
	c->num = 0;                     /* bytes of a block that is not full */
}

static srtp_err_status_t hmac_free(srtp_auth_pointer_t a)
{
	struct hmac *h = a->state;

	explicit_bzero(h, sizeof(*h));
	free(h);
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_init(void *state, const uint8_t *key, int n)
{
	struct hmac *h = state;
	uint8_t block[SHA1_BLOCK];
	SHA_CTX c;

	for (int i = 0; i < SHA1_BLOCK; i++)
		block[i] = (uint8_t)((i < n ? key[i] : 0) ^ 0x36);
	SHA1_Init(&c);
	SHA1_Update(&c, block, sizeof(block));
	h->inner = keyed_of(&c);
	for (int i = 0; i < SHA1_BLOCK; i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&c);
	SHA1_Update(&c, block, sizeof(block));
	h->outer = keyed_of(&c);
	explicit_bzero(block, sizeof(block));
	explicit_bzero(&c, sizeof(c));
	go_on_from(&h->now, &h->inner);
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_start(void *state)
{
	struct hmac *h = state;

	go_on_from(&h->now, &h->inner);
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_update(void *state, const uint8_t *p, int n)
{
	return SHA1_Update(&((struct hmac *)state)->now, p, (size_t)n) ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

static srtp_err_status_t hmac_compute(void *state, const uint8_t *p, int n, int tag_n, uint8_t *tag)
{
	struct hmac *h = state;
	uint8_t sum[SHA1_N];

	if (tag_n < 0 || tag_n > SHA1_N)
		return srtp_err_status_bad_param;
	SHA1_Update(&h->now, p, (size_t)n);
	SHA1_Final(sum, &h->now);
	go_on_from(&h->now, &h->outer);
	SHA1_Update(&h->now, sum, sizeof(sum));
	SHA1_Final(sum, &h->now);
	memcpy(tag, sum, (size_t)tag_n);
	return srtp_err_status_ok;
}

static srtp_err_status_t hmac_new(srtp_auth_pointer_t *out, int key_len, int tag_len);

/* RFC 2202 section 3, test case 1. */
static const uint8_t hmac_key[] = { 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11 };
static const uint8_t hmac_text[] = { 'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e' };
static const uint8_t hmac_out[] = { 0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b, 0xc0, 0xb6, 0xfb, 0x37,
	0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00 };
static const srtp_auth_test_case_t hmac_test = { .key_length_octets = 20, .key = hmac_key, .data_length_octets = 8,
	.data = hmac_text, .tag_length_octets = 20, .tag = hmac_out };

const srtp_auth_type_t srtp_hmac = { .alloc = hmac_new, .dealloc = hmac_free, .init = hmac_init,
	.compute = hmac_compute, .update = hmac_update, .start = hmac_start, .description = "HMAC-SHA1",
	.test_data = &hmac_test, .id = SRTP_HMAC_SHA1 };

static srtp_err_status_t hmac_new(srtp_auth_pointer_t *out, int key_len, int tag_len)
{
	struct hmac *h;

	if (key_len > SHA1_N || tag_len > SHA1_N)
		return srtp_err_status_bad_param;
	h = calloc(1, sizeof(*h));
	if (!h)
		return srtp_err_status_alloc_fail;
	h->head = (srtp_auth_t){ .type = &srtp_hmac, .state = h, .out_len = tag_len, .key_len = key_len };
	*out = &h->head;
	return srtp_err_status_ok;
}

int srtp_cipher_install(void)
{
	if (srtp_replace_cipher_type(&srtp_aes_icm_128, SRTP_AES_ICM_128) || srtp_replace_cipher_type(&srtp_aes_icm_256, SRTP_AES_ICM_256) ||
	    srtp_replace_cipher_type(&srtp_aes_gcm_128, SRTP_AES_GCM_128) || srtp_replace_cipher_type(&srtp_aes_gcm_256, SRTP_AES_GCM_256) ||
	    srtp_replace_auth_type(&srtp_hmac, SRTP_HMAC_SHA1))
		return EPROTO;
	return 0;
}
