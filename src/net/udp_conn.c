/* A datagram socket that knows one peer alone, as a connection: the row of conn_ops. Each datagram is one
 * message; when nobody listens at the other end the kernel says so, and the connection ends. */
#include "net/private.h"
#include <errno.h>

static ssize_t udp_conn_read(struct conn *c, void *p, size_t n)
{
	ssize_t got = recv(c->fd, p, n, 0);

	/* An empty datagram is somebody's keep-alive, and no end. */
	if (!got)
		errno = EAGAIN;
	return got ? got : -1;
}

/* One piece a call: two in one datagram would be one broken message. */
static ssize_t udp_conn_write(struct conn *c, const struct iovec *v, int n)
{
	(void)n;
	return send(c->fd, v[0].iov_base, v[0].iov_len, MSG_NOSIGNAL);
}

static void udp_conn_shut(struct conn *c)
{
	(void)c;
}

static size_t udp_conn_cut(struct conn *c, char *data, size_t n)
{
	struct str d = str_mk(data, n);

	if (str_eq(d, STR("\r\n")))
		conn_pong(c);
	else if (n > 4)         /* shorter ones hold a way through a NAT open: RFC 5626 3.5.1 */
		conn_message(c, d);
	return n;
}

const struct conn_ops udp_conn_ops = { .read = udp_conn_read, .write = udp_conn_write, .shut = udp_conn_shut,
	.cut = udp_conn_cut, .whole = true };
