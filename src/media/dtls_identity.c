/* media/dtls_identity.c -- what an endpoint's dtls_* options make: certificate, ciphers,
 * whom to believe. The handshakes that use it are in dtls.c. */
#include "media/dtls_int.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509err.h>
#include <stdio.h>
#include <sys/stat.h>
#include "base/poison.h"

enum { CHAIN_MAX = 16384 };     /* [bytes] the peer's certificates */

/* ---- identities */

static void identity_free(void *arg)
{
	struct dtls_identity *d = arg;

	SSL_CTX_free(d->ctx);
	BIO_meth_free(d->bio);
	text_free(&d->cert_file);
	text_free(&d->key_file);
	text_free(&d->cipher);
	text_free(&d->ca_file);
	text_free(&d->ca_path);
	explicit_bzero(d->secret, sizeof(d->secret));
}

static int say(char why[static 200], const char *what, const struct text *file)
{
	unsigned long e = ERR_peek_last_error();

	snprintf(why, 200, "%s '%.80s'%s%.60s", what, text_z(file), e ? ": " : "", e ? ERR_reason_error_string(e) : "");
	return EINVAL;
}

static int load_files(struct dtls_identity *d, char why[static 200])
{
	const struct text *key = d->key_file.n ? &d->key_file : &d->cert_file;
	const X509 *cert;

	if (SSL_CTX_use_certificate_chain_file(d->ctx, text_z(&d->cert_file)) != 1)
		return say(why, "dtls_cert_file: no certificate (PEM) can be read from", &d->cert_file);
	if (SSL_CTX_use_PrivateKey_file(d->ctx, text_z(key), SSL_FILETYPE_PEM) != 1) {
		unsigned long e = ERR_peek_last_error();
		bool other = ERR_GET_LIB(e) == ERR_LIB_X509 && ERR_GET_REASON(e) == X509_R_KEY_VALUES_MISMATCH;

		return say(why, other ? "dtls_private_key: the key does not fit the certificate:" :
				"dtls_private_key: no key (PEM) can be read from", key);
	}
	if (SSL_CTX_check_private_key(d->ctx) != 1)
		return say(why, "dtls_private_key: the key does not fit the certificate:", key);
	cert = SSL_CTX_get0_certificate(d->ctx);
	ERR_clear_error();
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		return say(why, "dtls_cert_file: the certificate has expired, renew it:", &d->cert_file);
	return 0;
}

static int load_own(struct dtls_identity *d, const struct dtls_cert *own, char why[static 200])
{
	if (own && SSL_CTX_use_certificate(d->ctx, own->cert) == 1 && SSL_CTX_use_PrivateKey(d->ctx, own->key) == 1)
		return 0;
	snprintf(why, 200, "no certificate for DTLS: set dtls_cert_file, or dtls_auto_generate_cert=yes");
	return EINVAL;
}

static int load_authorities(struct dtls_identity *d, char why[static 200])
{
	if (d->ca_file.n && SSL_CTX_load_verify_file(d->ctx, text_z(&d->ca_file)) != 1)
		return say(why, "dtls_ca_file: no certificates (PEM) can be read from", &d->ca_file);
	if (d->ca_path.n && SSL_CTX_load_verify_dir(d->ctx, text_z(&d->ca_path)) != 1)
		return say(why, "dtls_ca_path: this folder cannot be read:", &d->ca_path);
	return 0;
}

/* In the order in which we like them. */
static const char *profiles(bool tag_32)
{
	return tag_32 ? "SRTP_AES128_CM_SHA1_32:SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80" :
			"SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";
}

static int make_ctx(struct dtls_identity *d, const struct dtls_cert *own, char why[static 200])
{
	int err;

	d->ctx = SSL_CTX_new(DTLS_method());
	d->bio = dtls_bio_new();
	if (!d->ctx || !d->bio || RAND_bytes(d->secret, sizeof(d->secret)) != 1)
		return ENOMEM;
	SSL_CTX_set_min_proto_version(d->ctx, DTLS1_2_VERSION);
	SSL_CTX_set_options(d->ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(d->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(d->ctx, 1);
	/* Fragments are put together before anybody is known: so much of them, and no more. */
	SSL_CTX_set_max_cert_list(d->ctx, CHAIN_MAX);
	if (SSL_CTX_set_tlsext_use_srtp(d->ctx, profiles(d->tag_32)))
		return ENOMEM;
	ERR_clear_error();
	if (d->cipher.n && SSL_CTX_set_cipher_list(d->ctx, text_z(&d->cipher)) != 1)
		return say(why, "dtls_cipher: none of these is a cipher of OpenSSL:", &d->cipher);
	err = d->cert_file.n ? load_files(d, why) : load_own(d, own, why);
	if (!err)
		err = load_authorities(d, why);
	if (err)
		return err;
	if (!dtls_fingerprint_of(&d->fingerprint, d->hash, SSL_CTX_get0_certificate(d->ctx)))
		return ENOMEM;
	dtls_set_callbacks(d);
	return 0;
}

/* When a file is another than it was, the next call has the new one. */
static int64_t changed_at(struct str file)
{
	struct text name = { 0 };
	struct stat st;
	int64_t at = 0;

	if (file.n && !text_set(&name, file) && stat(text_z(&name), &st) == 0)
		at = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	text_free(&name);
	return at;
}

int dtls_identity_new(struct dtls_identity **out, const struct dtls_identity_prm *prm, struct dtls_cert *own,
		      char why[static 200])
{
	struct dtls_identity *d = obj_new(sizeof(*d), identity_free);
	int err;

	why[0] = 0;
	if (!d)
		return ENOMEM;
	d->verify = prm->verify;
	d->hash = prm->hash;
	d->tag_32 = prm->tag_32;
	d->rekey_s = prm->rekey_s;
	d->changed[0] = changed_at(prm->cert_file);
	d->changed[1] = changed_at(prm->key_file);
	d->changed[2] = changed_at(prm->ca_file);
	err = text_set(&d->cert_file, prm->cert_file) | text_set(&d->key_file, prm->key_file) |
	      text_set(&d->cipher, prm->cipher) | text_set(&d->ca_file, prm->ca_file) | text_set(&d->ca_path, prm->ca_path);
	err = err ? ENOMEM : make_ctx(d, own, why);
	if (err)
		obj_drop(d);
	else
		*out = d;
	return err;
}

bool dtls_identity_is(const struct dtls_identity *d, const struct dtls_identity_prm *p)
{
	return d->verify == p->verify && d->hash == p->hash && d->tag_32 == p->tag_32 && d->rekey_s == p->rekey_s &&
	       str_eq(text_view(&d->cert_file), p->cert_file) && str_eq(text_view(&d->key_file), p->key_file) &&
	       str_eq(text_view(&d->cipher), p->cipher) && str_eq(text_view(&d->ca_file), p->ca_file) &&
	       str_eq(text_view(&d->ca_path), p->ca_path) && d->changed[0] == changed_at(p->cert_file) &&
	       d->changed[1] == changed_at(p->key_file) && d->changed[2] == changed_at(p->ca_file);
}

const struct crypto_fingerprint *dtls_identity_fingerprint(const struct dtls_identity *d) { return &d->fingerprint; }
