/* Opening sockets, and their options. */
#define LOG_MODULE "net"
#include "net/private.h"
#include "base/log.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define UDP_SOCKET_BUFFER (4 << 20)     /* [bytes] 100 ms of 50,000 datagrams/s of 800 bytes */

static void set_int(int fd, int level, int name, int v)
{
	/* Options that tune are best effort: a container may forbid any of them. */
	if (setsockopt(fd, level, name, &v, sizeof(v)))
		log_debug(1, "setsockopt(%d, %d): %s", level, name, strerror(errno));
}

static void set_buffer(int fd, int force, int plain)
{
	int v = UDP_SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force, &v, sizeof(v)))
		set_int(fd, SOL_SOCKET, plain, v);
}

static void set_class(int fd, int family, const struct sock_prm *prm)
{
	if (prm->tos >= 0 && family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, prm->tos);
	else if (prm->tos >= 0)
		set_int(fd, IPPROTO_IP, IP_TOS, prm->tos);
	if (prm->cos >= 0)
		set_int(fd, SOL_SOCKET, SO_PRIORITY, prm->cos);
}

void sock_stream_options(int fd, int family, const struct sock_prm *prm)
{
	set_class(fd, family, prm);
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (prm->keepalive)
		sock_keepalive(fd, prm);
}

void sock_keepalive(int fd, const struct sock_prm *prm)
{
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, prm->keepalive);
	if (prm->keepalive_idle > 0)
		set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, prm->keepalive_idle);
	if (prm->keepalive_interval > 0)
		set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, prm->keepalive_interval);
	if (prm->keepalive_count > 0)
		set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, prm->keepalive_count);
}

int sock_open(int *out, const struct sa *bind_to, int type, const struct sock_prm *prm, bool shared)
{
	int family = bind_to->u.s.sa_family, err = 0;
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return errno;
	if (family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (type == SOCK_STREAM)
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (shared)
		set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (type == SOCK_DGRAM) {
		set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
		set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
		set_class(fd, family, prm);
		if (sa_is_any(bind_to) && family == AF_INET6)
			set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		else if (sa_is_any(bind_to))
			set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
	if (bind(fd, &bind_to->u.s, sa_len(bind_to)))
		err = errno;
	else if (type == SOCK_STREAM && listen(fd, 1024))
		err = errno;
	if (err)
		close(fd);
	else
		*out = fd;
	return err;
}

int sock_bound(int fd, struct sa *out)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n))
		return errno;
	sa_from(out, (struct sockaddr *)&ss, n);
	return 0;
}

int sock_peer_error(int fd)
{
	int err = 0;
	socklen_t n = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) ? errno : err;
}
