/* A TLS connection between two memory BIOs. */
#include "net/tls_pipe.h"
#include "net/tls_private.h"
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>

#define EARLY_MAX (1u << 20)    /* [bytes] said before the handshake is done */

struct tls_pipe {
	SSL *ssl;
	BIO *in, *out;          /* the SSL's */
	struct buf early;
};

struct tls_pipe *tls_pipe_new(struct tls_context *t, uint64_t now_ms)
{
	struct tls_pipe *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->early.max = EARLY_MAX;
	p->ssl = tls_context_ssl(t, TLS_ACCEPT, now_ms);
	p->in = p->ssl ? BIO_new(BIO_s_mem()) : NULL;
	p->out = p->in ? BIO_new(BIO_s_mem()) : NULL;
	if (!p->out) {
		BIO_free(p->in);
		tls_pipe_free(p);
		return NULL;
	}
	SSL_set_bio(p->ssl, p->in, p->out);
	SSL_set_accept_state(p->ssl);
	return p;
}

void tls_pipe_free(struct tls_pipe *p)
{
	if (!p)
		return;
	SSL_free(p->ssl);
	buf_free(&p->early);
	free(p);
}

/* What OpenSSL has to send. */
static int drain(struct tls_pipe *p, struct buf *out)
{
	char part[4096];
	int n;

	while ((n = BIO_read(p->out, part, sizeof(part))) > 0)
		buf_put(out, str_mk(part, (size_t)n));
	return buf_err(out) ? ENOMEM : 0;
}

/* 0: there is more to come before it goes on. */
static int judge(struct tls_pipe *p, int n)
{
	int why = SSL_get_error(p->ssl, n);

	ERR_clear_error();
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return 0;
	return why == SSL_ERROR_ZERO_RETURN ? EPIPE : EPROTO;
}

static int write_plain(struct tls_pipe *p, struct str s)
{
	while (s.n) {
		int part = s.n > INT_MAX ? INT_MAX : (int)s.n, n = SSL_write(p->ssl, s.p, part);

		if (n <= 0)
			return judge(p, n) == EPIPE ? EPIPE : EPROTO;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

static int say_early(struct tls_pipe *p)
{
	int err;

	if (!p->early.n)
		return 0;
	err = write_plain(p, buf_view(&p->early));
	buf_free(&p->early);
	p->early.max = EARLY_MAX;
	return err;
}

static int read_plain(struct tls_pipe *p, struct buf *plain)
{
	char part[4096];
	int n;

	while ((n = SSL_read(p->ssl, part, sizeof(part))) > 0)
		buf_put(plain, str_mk(part, (size_t)n));
	return buf_err(plain) ? ENOMEM : judge(p, n);
}

int tls_pipe_take(struct tls_pipe *p, struct str bytes, struct buf *plain, struct buf *out)
{
	int err = 0, more;

	ERR_clear_error();
	while (bytes.n && !err) {
		int n = BIO_write(p->in, bytes.p, bytes.n > INT_MAX ? INT_MAX : (int)bytes.n);

		if (n <= 0)
			err = ENOMEM;
		else
			bytes = str_skip(bytes, (size_t)n);
	}
	if (!err && !SSL_is_init_finished(p->ssl)) {
		int n = SSL_do_handshake(p->ssl);

		err = n == 1 ? say_early(p) : judge(p, n);
	}
	if (!err && SSL_is_init_finished(p->ssl))
		err = read_plain(p, plain);
	more = drain(p, out);
	return err ? err : more;
}

int tls_pipe_put(struct tls_pipe *p, struct str plain, struct buf *out)
{
	int err, more;

	ERR_clear_error();
	if (!SSL_is_init_finished(p->ssl)) {
		buf_put(&p->early, plain);
		return buf_err(&p->early) ? ENOMEM : 0;
	}
	err = write_plain(p, plain);
	more = drain(p, out);
	return err ? err : more;
}

void tls_pipe_end(struct tls_pipe *p, struct buf *out)
{
	if (SSL_is_init_finished(p->ssl))
		(void)SSL_shutdown(p->ssl);
	ERR_clear_error();
	(void)drain(p, out);
}
