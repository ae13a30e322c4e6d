/* Which of our addresses leads where. It asks the kernel, so it stands apart from
 * address.c, which is pure. */
#include "net/route.h"
#include <errno.h>
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
