/* A connection over TLS: the row of conn_ops. What certificates say is judged in tls_load.c and
 * tls_name.c; which SSL_CTX is the current one is known to tls_context.c. */
#define LOG_MODULE "tls"
#include "net/private.h"
#include "net/tls_private.h"
#include "base/log.h"
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

#define RECORD 16384            /* RFC 8446 5.1: bytes that one record carries */

/* One connection's. */
struct tls {
	SSL *ssl;               /* held */
	struct conn *conn;      /* view: it holds us */
	struct text key;        /* of sessions: whom we connected to, under which name */
	bool open;              /* the handshake is done */
};

/* ---- the handshake ------------------------------------------------------------------------- */

static const char *failure_reason(const struct tls *t)
{
	long verified = SSL_get_verify_result(t->ssl);
	unsigned long e = ERR_peek_error();
	const char *s = e ? ERR_reason_error_string(e) : NULL;

	if (verified != X509_V_OK && ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return X509_verify_cert_error_string(verified);
	return s ? s : errno ? strerror(errno) : "the peer closed the connection";
}

/* Whom we connect to is the configuration's or a phone's choice, and somebody waits for it. Who
 * connects to us may be a scanner. */
static void log_failure(struct conn *c, const char *why)
{
	struct str name = tls_context_name(c->tls_context);
	char peer[SA_TEXT];

	if (c->accepted)
		log_notice("%.*s: no TLS connection with %s: %s", STR_ARG(name), sa_text_bare(&c->path.peer, peer), why);
	else
		log_warning("%.*s: no TLS connection to %s (%s): %s", STR_ARG(name), text_z(&c->host),
			    sa_text(&c->path.peer, peer), why);
	conn_note_why(c, str_z(why));
}

/* Errno of a failed call, what `ret` was returned by; EAGAIN: *want_write says for what. */
static int error_of(struct tls *t, int ret, bool *want_write)
{
	int saved = errno;

	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*want_write = true;
		return EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return EPIPE;
	case SSL_ERROR_SYSCALL:
		errno = saved;
		return saved ? saved : ECONNRESET;
	default:
		errno = 0;
		return EPROTO;
	}
}

/* RFC 6066 3: a name, and no address, without a dot at its end. */
static int name_server(struct tls *t, struct conn *c)
{
	struct sa literal;
	struct text sni = { 0 };
	struct str host = text_view(&c->host);
	int err;

	if (sa_parse_host(&literal, host, 1) == 0)
		return 0;
	err = text_set(&sni, host.p[host.n - 1] == '.' ? str_sub(host, 0, host.n - 1) : host);
	if (!err && SSL_set_tlsext_host_name(t->ssl, sni.p) != 1)
		err = EINVAL;
	text_free(&sni);
	return err;
}

/* Called when the server gives us a session; 1: it is ours now. */
int tls_session_given(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = SSL_get_app_data(ssl);

	if (!t || !t->open || !t->key.n)
		return 0;       /* one of before the name was compared */
	tls_context_keep_session(t->conn->tls_context, SSL_get_SSL_CTX(ssl), text_view(&t->key), session);
	return 1;
}

static int begin_connect(struct tls *t, struct conn *c)
{
	char peer[SA_TEXT];
	SSL_SESSION *session;
	int err = 0;

	if (!c->host.n)
		err = text_set(&c->host, str_z(sa_text_bare(&c->path.peer, peer)));
	err = err ? err : name_server(t, c);
	err = err ? err : text_cat(&t->key, text_view(&c->host), STR(" "), str_z(sa_text(&c->path.peer, peer)));
	if (err)
		return err;
	session = tls_context_session(c->tls_context, text_view(&t->key));
	if (session)
		SSL_set_session(t->ssl, session);
	SSL_SESSION_free(session);
	SSL_set_connect_state(t->ssl);
	return 0;
}

/* A handshake costs as much as many messages: who has proved nothing may not have it at will. */
static bool may_begin(struct conn *c)
{
	struct io *io = c->io;

	if (!c->accepted || !io->strangers ||
	    strangers_permit(io->strangers, &c->path.peer, clock_us(loop_clock(io->loop))))
		return true;
	count(&io->counts, COUNT_DROPPED_RATE, 1);
	return false;
}

static int begin(struct conn *c)
{
	struct tls *t;
	BIO *bio;

	if (!may_begin(c))
		return EACCES;
	t = calloc(1, sizeof(*t));
	if (!t)
		return ENOMEM;
	c->tls = t;
	t->conn = c;
	t->ssl = tls_context_ssl(c->tls_context, c->accepted ? TLS_ACCEPT : TLS_CONNECT, clock_ms(loop_clock(c->io->loop)));
	bio = t->ssl ? BIO_new(tls_context_bio(c->tls_context)) : NULL;
	if (!bio)
		return ENOMEM;
	BIO_set_data(bio, c);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	if (!c->accepted)
		return begin_connect(t, c);
	SSL_set_accept_state(t->ssl);
	return 0;
}

/* OpenSSL has judged who signed it (or has not, by the options); whose it is we judge. */
static int check_server(struct conn *c)
{
	X509 *cert = SSL_get0_peer_certificate(c->tls->ssl);
	struct buf why = BUF_INIT;
	bool verify, wildcards;
	int err = 0;

	tls_context_rules(c->tls_context, &verify, &wildcards);
	if (verify && !cert)
		err = EACCES;
	else if (verify)
		err = tls_name_check(cert, text_view(&c->host), wildcards, &why);
	if (err)
		log_failure(c, why.n ? buf_z(&why) : "it showed no certificate");
	buf_free(&why);
	return err;
}

static int tls_handshake(struct conn *c, bool *want_write)
{
	int err = c->tls ? 0 : begin(c), ret;

	if (err)
		return err;
	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(c->tls->ssl);
	if (ret != 1) {
		err = error_of(c->tls, ret, want_write);
		if (err != EAGAIN)
			log_failure(c, failure_reason(c->tls));
		ERR_clear_error();
		return err;
	}
	if (!c->accepted)
		err = check_server(c);
	c->tls->open = !err;
	/* TLS 1.2 gives its session within the handshake; 1.3 after it, to tls_session_given(). */
	if (!err && !c->accepted && SSL_version(c->tls->ssl) < TLS1_3_VERSION)
		tls_context_keep_session(c->tls_context, SSL_get_SSL_CTX(c->tls->ssl), text_view(&c->tls->key),
					 SSL_get1_session(c->tls->ssl));
	return err;
}

/* ---- the row ------------------------------------------------------------------------------- */

static ssize_t tls_read(struct conn *c, void *p, size_t n)
{
	bool want_write = false;
	int ret, err;

	ERR_clear_error();
	errno = 0;
	ret = SSL_read(c->tls->ssl, p, n > RECORD ? RECORD : (int)n);
	if (ret > 0)
		return ret;
	err = error_of(c->tls, ret, &want_write);
	ERR_clear_error();
	if (err == EPIPE)
		return 0;       /* it said so, or just closed: messages say themselves where they end */
	errno = err;
	return -1;
}

/* Small messages share a record. What is tried again begins with the same bytes, as OpenSSL
 * wants it: a queue only grows at its end. */
static ssize_t tls_write(struct conn *c, const struct iovec *v, int n)
{
	char room[RECORD];
	const void *from = v[0].iov_base;
	size_t len = v[0].iov_len;
	bool want_write = false;
	int ret, err;

	if (n > 1 && len < sizeof(room)) {
		len = 0;
		for (int i = 0; i < n && len < sizeof(room); i++) {
			size_t take = v[i].iov_len < sizeof(room) - len ? v[i].iov_len : sizeof(room) - len;

			memcpy(room + len, v[i].iov_base, take);
			len += take;
		}
		from = room;
	}
	ERR_clear_error();
	errno = 0;
	ret = SSL_write(c->tls->ssl, from, len > INT32_MAX ? INT32_MAX : (int)len);
	if (ret > 0)
		return ret;
	err = error_of(c->tls, ret, &want_write);
	ERR_clear_error();
	/* To wait for the socket to take more would be to turn in circles when it is the peer that has to speak. */
	errno = err == EAGAIN && !want_write ? EPROTO : err;
	return -1;
}

static void tls_shut(struct conn *c)
{
	if (c->tls && c->tls->open) {
		ERR_clear_error();
		SSL_shutdown(c->tls->ssl);
		ERR_clear_error();
	}
	shutdown(c->fd, SHUT_WR);
}

/* Records that were read ahead and not opened yet, too. A part of one may be all there is:
 * then the next read says EAGAIN. */
static bool tls_pending(const struct conn *c)
{
	return SSL_has_pending(c->tls->ssl);
}

static void tls_free(struct conn *c)
{
	if (!c->tls)
		return;
	/* A connection that is cut, as phones do it, spoils no session. */
	if (c->tls->open)
		SSL_set_shutdown(c->tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->tls->ssl);
	text_free(&c->tls->key);
	free(c->tls);
	c->tls = NULL;
}

const struct conn_ops tls_ops = { .handshake = tls_handshake, .read = tls_read, .write = tls_write, .shut = tls_shut,
	.pending = tls_pending, .free = tls_free };
