/* media/place.c -- sockets for datagrams, or what a struct media_net puts in their
 * place. What lies between a place and RTP is in wire.c, which port in ports.c. */
#include "media/place.h"
#include <errno.h>
#include <unistd.h>
#include "base/poison.h"

static int open_socket(const struct sa *at, int *place, struct sa *bound)
{
	socklen_t len = sizeof(*bound);
	int err = 0, fd = socket(at->u.s.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	*bound = *at;
	if (bind(fd, &at->u.s, sa_len(at)) || (!sa_port(at) && getsockname(fd, &bound->u.s, &len)))
		err = errno;
	if (err)
		close(fd);
	else
		*place = fd;
	return err;
}

int place_open(const struct media_net *net, const struct sa *at, int *place, struct sa *bound)
{
	return net ? net->open(net->arg, at, place, bound) : open_socket(at, place, bound);
}

void place_close(const struct media_net *net, int place)
{
	if (place < 0)
		return;
	if (net)
		net->close(net->arg, place);
	else
		close(place);
}

ssize_t place_recv(int place, void *p, size_t max, struct sa *from)
{
	socklen_t len = sizeof(*from);
	ssize_t n = recvfrom(place, p, max, MSG_DONTWAIT | MSG_TRUNC, &from->u.s, &len);

	/* An IPv6 socket names IPv4 peers by their mapped address; we by their own. */
	if (n > 0 && from->u.s.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&from->u.in6.sin6_addr)) {
		struct sa mapped = *from;

		sa_from(from, &mapped.u.s, len);
	}
	return n;
}
