/* Makes SSL_CTX of the options and files of a transport, or says what is wrong with which of them.
 * When they are loaded, and again, is decided in tls_context.c. */
#include "net/tls_private.h"
#include "base/text.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>
#include <unistd.h>

/* The options as OpenSSL wants them: terminated. */
struct loading {
	const struct tls_prm *prm;
	struct buf *why;
	struct text ca_list_file, ca_list_path, cert_file, key_file, password;
	bool key_in_cert;       /* no priv_key_file: the key stands beside the certificate */
};

static const char *ssl_reason(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *s;

	if (ERR_SYSTEM_ERROR(e))
		return strerror(ERR_GET_REASON(e));
	s = e ? ERR_reason_error_string(e) : NULL;
	return s ? s : "no reason given";
}

/* One that is not readable is the commonest fault, and OpenSSL's words for it are the worst. */
static int check_readable(struct loading *l, const char *option, const struct text *path)
{
	if (!path->n || !access(path->p, R_OK))
		return 0;
	buf_printf(l->why, "%s '%s' cannot be read: %s; correct the path, or let the server's user read it", option,
		   path->p, strerror(errno));
	return errno == EACCES ? EACCES : EINVAL;
}

static int give_password(char *to, int size, int writing, void *arg)
{
	const struct text *p = &((struct loading *)arg)->password;

	(void)writing;
	if (size < 0 || p->n > (size_t)size)
		return 0;
	if (p->n)
		memcpy(to, p->p, p->n);
	return (int)p->n;               /* 0: no password; nobody is asked at a terminal */
}

static void write_time(struct buf *b, const ASN1_TIME *t)
{
	char text[64];
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		buf_put(b, str_z(text));
	else
		buf_put(b, STR("a time that cannot be read"));
}

static int check_dates(struct loading *l, const X509 *cert)
{
	const ASN1_TIME *from = X509_get0_notBefore(cert), *until = X509_get0_notAfter(cert);

	if (X509_cmp_current_time(until) < 0) {
		buf_printf(l->why, "cert_file '%s' expired on ", text_z(&l->cert_file));
		write_time(l->why, until);
		buf_put(l->why, STR("; put a renewed certificate there"));
		return EBADMSG;
	}
	if (X509_cmp_current_time(from) > 0) {
		buf_printf(l->why, "cert_file '%s' is not valid before ", text_z(&l->cert_file));
		write_time(l->why, from);
		buf_put(l->why, STR("; check this machine's clock, or use another certificate"));
		return EBADMSG;
	}
	return 0;
}

static int load_key(struct loading *l, SSL_CTX *ctx)
{
	const char *option = l->key_in_cert ? "cert_file" : "priv_key_file";

	if (SSL_CTX_use_PrivateKey_file(ctx, l->key_file.p, SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(ctx) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
	    ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH)
		buf_printf(l->why, "%s '%s' is not the key of cert_file '%s'; give the key that the certificate was made "
			   "for", option, l->key_file.p, l->cert_file.p);
	else if (l->key_in_cert)
		buf_printf(l->why, "cert_file '%s' holds no key that can be used (%s); set priv_key_file", l->key_file.p,
			   ssl_reason());
	else
		buf_printf(l->why, "priv_key_file '%s' cannot be used (%s); it must be a key in PEM form%s", l->key_file.p,
			   ssl_reason(), l->password.n ? ", and password= must be its password" :
			   "; when it is encrypted, set password=");
	return EBADMSG;
}

static int load_certificate(struct loading *l, SSL_CTX *ctx)
{
	int err;

	if (!l->cert_file.n)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, l->cert_file.p) != 1) {
		buf_printf(l->why, "cert_file '%s' holds no certificate that can be used (%s); it must be PEM: the "
			   "certificate, then those of its authorities", l->cert_file.p, ssl_reason());
		return EBADMSG;
	}
	err = check_dates(l, SSL_CTX_get0_certificate(ctx));
	return err ? err : load_key(l, ctx);
}

static int load_authorities(struct loading *l, SSL_CTX *ctx, enum tls_side side)
{
	STACK_OF(X509_NAME) *names;

	if (l->ca_list_file.n && SSL_CTX_load_verify_file(ctx, l->ca_list_file.p) != 1) {
		buf_printf(l->why, "ca_list_file '%s' holds no certificates that can be used (%s); it must be PEM",
			   l->ca_list_file.p, ssl_reason());
		return EBADMSG;
	}
	if (l->ca_list_path.n && SSL_CTX_load_verify_dir(ctx, l->ca_list_path.p) != 1) {
		buf_printf(l->why, "ca_list_path '%s' cannot be used (%s)", l->ca_list_path.p, ssl_reason());
		return EBADMSG;
	}
	if (!l->ca_list_file.n && !l->ca_list_path.n && side == TLS_CONNECT)
		SSL_CTX_set_default_verify_paths(ctx);
	/* Clients choose their certificate by the authorities that we name. */
	names = side == TLS_ACCEPT && l->ca_list_file.n ? SSL_load_client_CA_file(l->ca_list_file.p) : NULL;
	if (names)
		SSL_CTX_set_client_CA_list(ctx, names);
	return 0;
}

/* ---- ciphers and versions ------------------------------------------------------------------ */

static bool is_suite_13(struct str name)
{
	return str_istarts(name, STR("TLS_"));
}

static int split_ciphers(struct loading *l, struct buf *old, struct buf *suites)
{
	struct str rest = l->prm->cipher;
	int err;

	while (rest.n) {
		size_t colon = str_chr(rest, ':'), comma = str_chr(rest, ',');
		struct str one = str_trim(str_cut_raw(&rest, colon < comma ? ':' : ','));
		struct buf *b = is_suite_13(one) ? suites : old;

		if (one.n)
			buf_puts(b, b->n ? STR(":") : STR_NULL, one);
	}
	err = buf_err(old) ? buf_err(old) : buf_err(suites);
	return err;
}

static int refuse_ciphers(struct loading *l, struct buf *names)
{
	buf_printf(l->why, "cipher: none of '%s' is known to OpenSSL (%s); 'openssl ciphers' lists names", buf_z(names),
		   ssl_reason());
	return EINVAL;
}

/* What is not named is not used: names of TLS 1.2 alone leave 1.3 out, and the reverse. */
static int set_ciphers(struct loading *l, SSL_CTX *ctx)
{
	struct buf old = BUF_INIT, suites = BUF_INIT;
	int err = split_ciphers(l, &old, &suites);

	if (!err && old.n && SSL_CTX_set_cipher_list(ctx, buf_z(&old)) != 1)
		err = refuse_ciphers(l, &old);
	if (!err && suites.n && SSL_CTX_set_ciphersuites(ctx, buf_z(&suites)) != 1)
		err = refuse_ciphers(l, &suites);
	if (!err && old.n && !suites.n && l->prm->version == TLS_VERSION_1_3) {
		buf_printf(l->why, "cipher names none of TLS 1.3, and method allows nothing else; add TLS_AES_128_GCM_SHA256");
		err = EINVAL;
	} else if (!err && old.n && !suites.n) {
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	} else if (!err && suites.n && !old.n) {
		SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	}
	buf_free(&old);
	buf_free(&suites);
	return err;
}

/* ---- one side ------------------------------------------------------------------------------ */

static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static void set_verification(const struct tls_prm *prm, SSL_CTX *ctx, enum tls_side side)
{
	int mode = SSL_VERIFY_NONE;

	if (side == TLS_CONNECT) {
		SSL_CTX_set_verify(ctx, prm->verify_server ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
		return;
	}
	if (prm->verify_client || prm->require_client_cert)
		mode = SSL_VERIFY_PEER;
	if (prm->require_client_cert)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, prm->verify_client ? NULL : accept_any);
}

static void set_sessions(SSL_CTX *ctx, enum tls_side side)
{
	static const unsigned char id[] = "sidetone";

	if (side == TLS_CONNECT) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, tls_session_given);
		return;
	}
	/* Tickets hold all of it, so that nobody can fill our memory with sessions. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_max_early_data(ctx, 0);     /* it can be replayed */
}

static int make_side(struct loading *l, enum tls_side side, SSL_CTX **out)
{
	SSL_CTX *ctx = SSL_CTX_new(side == TLS_ACCEPT ? TLS_server_method() : TLS_client_method());
	int err;

	if (!ctx)
		return ENOMEM;
	SSL_CTX_set_min_proto_version(ctx, l->prm->version == TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			    SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
			 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* One look at the socket takes all records that are there: else a turn reads one of each connection,
	 * and needs two looks for it. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_passwd_cb(ctx, give_password);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, l);
	set_verification(l->prm, ctx, side);
	set_sessions(ctx, side);
	err = set_ciphers(l, ctx);
	err = err ? err : load_authorities(l, ctx, side);
	err = err ? err : load_certificate(l, ctx);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	SSL_CTX_set_default_passwd_cb(ctx, NULL);
	if (err)
		SSL_CTX_free(ctx);
	else
		*out = ctx;
	return err;
}

static int check_options(struct loading *l)
{
	const struct tls_prm *p = l->prm;
	int err;

	if (!p->cert_file.n && p->connect_only && p->priv_key_file.n) {
		buf_printf(l->why, "priv_key_file needs cert_file=, the certificate of that key");
		return EINVAL;
	}
	if (!p->cert_file.n && !p->connect_only) {
		buf_printf(l->why, "TLS needs cert_file= and priv_key_file=, the certificate of this server and its key");
		return EINVAL;
	}
	if (p->verify_client && !p->ca_list_file.n && !p->ca_list_path.n) {
		buf_printf(l->why, "verify_client needs ca_list_file= or ca_list_path=, the authorities that sign "
			   "certificates of clients");
		return EINVAL;
	}
	err = check_readable(l, "ca_list_file", &l->ca_list_file);
	err = err ? err : check_readable(l, "ca_list_path", &l->ca_list_path);
	err = err ? err : check_readable(l, "cert_file", &l->cert_file);
	return err || l->key_in_cert ? err : check_readable(l, "priv_key_file", &l->key_file);
}

int tls_load(struct tls_pair *out, const struct tls_prm *prm, struct buf *why)
{
	struct loading l = { .prm = prm, .why = why, .key_in_cert = !prm->priv_key_file.n };
	struct tls_pair pair = { 0 };
	int err = text_set(&l.ca_list_file, prm->ca_list_file);

	ERR_clear_error();
	err = err ? err : text_set(&l.ca_list_path, prm->ca_list_path);
	err = err ? err : text_set(&l.cert_file, prm->cert_file);
	err = err ? err : text_set(&l.key_file, l.key_in_cert ? prm->cert_file : prm->priv_key_file);
	err = err ? err : text_set(&l.password, prm->password);
	err = err ? err : check_options(&l);
	if (!err && !prm->connect_only)
		err = make_side(&l, TLS_ACCEPT, &pair.accept);
	err = err ? err : make_side(&l, TLS_CONNECT, &pair.connect);
	ERR_clear_error();
	if (err)
		tls_pair_free(&pair);
	else
		*out = pair;
	if (l.password.n)
		OPENSSL_cleanse(l.password.p, l.password.n);
	text_free(&l.ca_list_file);
	text_free(&l.ca_list_path);
	text_free(&l.cert_file);
	text_free(&l.key_file);
	text_free(&l.password);
	return err;
}

void tls_pair_free(struct tls_pair *p)
{
	SSL_CTX_free(p->accept);
	SSL_CTX_free(p->connect);
	*p = (struct tls_pair){ 0 };
}
