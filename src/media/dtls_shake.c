/* media/dtls_shake.c -- one DTLS handshake of an association: the SSL, the datagrams that wait
 * for it, and what OpenSSL asks on the way. Who may have one is decided in dtls.c. */
#include "media/dtls_int.h"
#include "media/srtp.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include "base/poison.h"

enum { FIRST_US = 200000, LAST_US = 3200000 };

/* ---- BIO: one read or write is one datagram */

static int bio_read(BIO *b, char *p, int n)
{
	struct dtls_shake *s = BIO_get_data(b);
	int got;

	BIO_clear_retry_flags(b);
	if (!s->in || n <= 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	got = s->in_n < (size_t)n ? (int)s->in_n : n;
	memcpy(p, s->in, (size_t)got);
	if (!s->peek)
		s->in = NULL;
	return got;
}

/* What the network does not take is lost, as on the network. */
static int bio_write(BIO *b, const char *p, int n)
{
	struct dtls_shake *s = BIO_get_data(b);

	if (n > 0)
		s->write(s->arg, &s->to, (const uint8_t *)p, (size_t)n);
	return n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct dtls_shake *s = BIO_get_data(b);

	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_SET_PEEK_MODE:
		s->peek = num != 0;
		return 1;
	default:
		return 0;
	}
}

BIO_METHOD *dtls_bio_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

	if (!m)
		return NULL;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

/* ---- callbacks of OpenSSL */

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *n)
{
	const struct dtls_shake *s = SSL_get_app_data(ssl);

	*n = DTLS_COOKIE;
	return dtls_cookie_make(s->identity, &s->to, cookie);
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int n)
{
	const struct dtls_shake *s = SSL_get_app_data(ssl);

	return dtls_cookie_is(s->identity, &s->to, cookie, n);
}

/* Before the handshake may finish, and so before any key: is it the peer of the SDP? */
static int check_peer(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dtls_shake *s = SSL_get_app_data(ssl);
	const struct crypto_fingerprint *want = &s->prm->fingerprint;
	enum dtls_verify verify = s->identity->verify;
	struct crypto_fingerprint got;
	X509 *cert = X509_STORE_CTX_get0_cert(ctx);

	(void)arg;
	if (verify == DTLS_CHECK_FINGERPRINT || verify == DTLS_CHECK_BOTH)
		s->wrong = !cert || !dtls_fingerprint_of(&got, (enum crypto_hash)want->hash, cert) ||
			   !crypto_fingerprint_eq(&got, want);
	if (!s->wrong && (verify == DTLS_CHECK_CHAIN || verify == DTLS_CHECK_BOTH)) {
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

		/* In a call either side is server: what the certificate is for does not matter. */
		X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_ANY);
		s->wrong = X509_verify_cert(ctx) != 1;
	}
	if (s->wrong)
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return !s->wrong;
}

static void on_info(const SSL *ssl, int where, int value)
{
	struct dtls_shake *s = SSL_get_app_data(ssl);

	(void)value;
	if (where & SSL_CB_HANDSHAKE_DONE)
		s->done = true;
}

/* RFC 6347 section 4.2.4.1 begins at a second and lets real-time media begin earlier. */
static unsigned int retransmit_us(SSL *ssl, unsigned int was)
{
	(void)ssl;
	return !was ? FIRST_US : was >= LAST_US / 2 ? LAST_US : 2 * was;
}

void dtls_set_callbacks(struct dtls_identity *d)
{
	SSL_CTX_set_cookie_generate_cb(d->ctx, make_cookie);
	SSL_CTX_set_cookie_verify_cb(d->ctx, check_cookie);
	SSL_CTX_set_cert_verify_callback(d->ctx, check_peer, NULL);
	SSL_CTX_set_info_callback(d->ctx, on_info);
	SSL_CTX_set_verify(d->ctx, d->verify == DTLS_CHECK_NOTHING ? SSL_VERIFY_NONE :
			   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* ---- life */

struct dtls_shake *dtls_shake_new(const struct dtls_identity *d, const struct dtls_prm *prm, dtls_write_fn *write, void *arg)
{
	struct dtls_shake *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->identity = d;
	s->prm = prm;
	s->write = write;
	s->arg = arg;
	return s;
}

void dtls_shake_free(struct dtls_shake *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	free(s);
}

bool dtls_shake_anew(struct dtls_shake *s, bool active)
{
	SSL *ssl = SSL_new(s->identity->ctx);
	BIO *b = ssl ? BIO_new(s->identity->bio) : NULL;

	if (!b) {
		SSL_free(ssl);
		return false;
	}
	BIO_set_data(b, s);
	BIO_set_init(b, 1);
	SSL_set_bio(ssl, b, b);
	SSL_set_app_data(ssl, s);
	SSL_set_mtu(ssl, s->prm->mtu);
	DTLS_set_timer_cb(ssl, retransmit_us);
	if (active)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	SSL_free(s->ssl);
	s->ssl = ssl;
	s->in = NULL;
	s->peek = s->done = s->stopped = s->wrong = s->proven = false;
	return true;
}

bool dtls_shake_put(struct dtls_shake *s, const uint8_t *p, size_t n, const struct sa *from, bool hello)
{
	struct dtls_datagram *q = &s->queue[s->nqueue];

	if (s->nqueue == DTLS_QUEUE)
		return false;
	s->nqueue++;
	q->from = *from;
	q->n = (uint16_t)n;
	q->hello = hello;
	memcpy(q->b, p, n);
	return true;
}

bool dtls_shake_listen(struct dtls_shake *s, const uint8_t *p, size_t n)
{
	BIO_ADDR *nobody = BIO_ADDR_new();
	bool ok;

	s->in = p;
	s->in_n = n;
	ERR_clear_error();
	/* It only looks at the datagram, which is read once more by the handshake. */
	ok = nobody && DTLSv1_listen(s->ssl, nobody) == 1;
	s->peek = false;
	if (!ok)
		s->in = NULL;
	BIO_ADDR_free(nobody);
	ERR_clear_error();
	return ok;
}

/* ---- what came of it */

static enum crypto_suite agreed_suite(SSL *ssl)
{
	const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(ssl);

	switch (p ? p->id : 0) {
	case SRTP_AES128_CM_SHA1_80:
		return CRYPTO_AES_CM_128_HMAC_SHA1_80;
	case SRTP_AES128_CM_SHA1_32:
		return CRYPTO_AES_CM_128_HMAC_SHA1_32;
	case SRTP_AEAD_AES_128_GCM:
		return CRYPTO_AEAD_AES_128_GCM;
	case SRTP_AEAD_AES_256_GCM:
		return CRYPTO_AEAD_AES_256_GCM;
	default:
		return CRYPTO_NONE;
	}
}

/* RFC 5764 section 4.2: both keys, then both salts, the client's first. */
int dtls_shake_keys(struct srtp **out, struct dtls_shake *s, bool active)
{
	enum crypto_suite suite = agreed_suite(s->ssl);
	const struct crypto_suite_row *row = crypto_suite(suite);
	struct srtp_prm prm = { .tx.suite = (uint8_t)suite, .rx.suite = (uint8_t)suite, .replay = s->prm->replay };
	struct crypto_line *client = active ? &prm.tx : &prm.rx, *server = active ? &prm.rx : &prm.tx;
	uint8_t all[2 * CRYPTO_KEY_MAX];
	size_t n = 2 * crypto_key_bytes(suite);
	int err = EPROTO;

	if (suite != CRYPTO_NONE &&
	    SSL_export_keying_material(s->ssl, all, n, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) == 1) {
		memcpy(client->key, all, row->key);
		memcpy(server->key, all + row->key, row->key);
		memcpy(client->key + row->key, all + 2 * row->key, row->salt);
		memcpy(server->key + row->key, all + 2 * row->key + row->salt, row->salt);
		err = srtp_new(out, &prm);
	}
	explicit_bzero(all, sizeof(all));
	explicit_bzero(&prm, sizeof(prm));
	return err;
}
