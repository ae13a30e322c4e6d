/* How OpenSSL reads and writes the socket of a connection. */
#include "net/private.h"
#include "net/tls_private.h"
#include <errno.h>

/* Not its own BIO for sockets: a peer that closed must be EPIPE, not a signal. */
static int bio_write(BIO *b, const char *p, int n)
{
	const struct conn *c = BIO_get_data(b);
	ssize_t done = send(c->fd, p, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	return (int)done;
}

static int bio_read(BIO *b, char *p, int n)
{
	const struct conn *c = BIO_get_data(b);
	ssize_t done = recv(c->fd, p, (size_t)n, 0);

	BIO_clear_retry_flags(b);
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(b);
	if (done == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return (int)done;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *p)
{
	(void)num;
	(void)p;
	if (cmd == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	return cmd == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

BIO_METHOD *tls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "connection");

	if (m && BIO_meth_set_write(m, bio_write) && BIO_meth_set_read(m, bio_read) && BIO_meth_set_ctrl(m, bio_ctrl) &&
	    BIO_meth_set_create(m, bio_create))
		return m;
	BIO_meth_free(m);
	return NULL;
}
