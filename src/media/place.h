/* media/place.h -- inside media/: where datagrams leave and arrive. A place is a
 * socket's descriptor, or a number of the struct media_net that stands for the
 * sockets. Threads: any; each function touches only its arguments. */
#ifndef MEDIA_PLACE_H
#define MEDIA_PLACE_H

#include "media/media.h"
#include <sys/socket.h>

/* `net` NULL: sockets. Port 0: any. errno of socket() or bind(). */
int place_open(const struct media_net *net, const struct sa *at, int *place, struct sa *bound);
void place_close(const struct media_net *net, int place);
/* One datagram. Its length, also when that is over `max`; below 0: nothing is there. */
ssize_t place_recv(int place, void *p, size_t max, struct sa *from);

static inline bool place_send(const struct media_net *net, int place, const struct sa *to, const void *p, size_t n)
{
	if (__builtin_expect(net != NULL, 0))
		return net->send(net->arg, place, to, p, n) == 0;
	return sendto(place, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.s, sa_len(to)) >= 0;
}

#endif
