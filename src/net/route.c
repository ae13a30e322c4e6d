/* Which of our addresses leads where. It asks the kernel, so it stands apart from
 * address.c, which is pure. */
#include "net/route.h"
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

int sa_source_for(const struct sa *peer, struct sa *local)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	struct sa to = *peer;
	int fd = socket(peer->u.s.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return errno;
	if (!sa_port(&to))
		sa_set_port(&to, 5060);
	/* Connecting a datagram socket sends nothing: it only asks for the route. */
	if (connect(fd, &to.u.s, sa_len(&to)) || getsockname(fd, (struct sockaddr *)&ss, &n))
		err = errno;
	if (!err) {
		sa_from(local, (struct sockaddr *)&ss, n);
		sa_set_port(local, 0);
	}
	close(fd);
	return err;
}

size_t sa_interfaces(struct sa *out, size_t max)
{
	struct ifaddrs *all = NULL;
	size_t n = 0;

	if (getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *i = all; i && n < max; i = i->ifa_next) {
		int family = i->ifa_addr && i->ifa_flags & IFF_UP ? i->ifa_addr->sa_family : AF_UNSPEC;

		if (family != AF_INET && family != AF_INET6)
			continue;
		sa_from(&out[n], i->ifa_addr, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		sa_set_port(&out[n], 0);
		if (!sa_is_v6(&out[n]) || !IN6_IS_ADDR_LINKLOCAL(&out[n].u.in6.sin6_addr))
			n++;
	}
	freeifaddrs(all);
	return n;
}
