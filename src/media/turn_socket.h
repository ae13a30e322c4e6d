/* media/turn_socket.h -- inside media/: the connection to a TURN server over TCP, in the epoll of its media thread.
 * Never blocks. Threads: the media thread of its wire. */
#ifndef MEDIA_TURN_SOCKET_H
#define MEDIA_TURN_SOCKET_H

#include "media/thread.h"
#include "media/turn_stream.h"

struct turn_socket {
	struct watched watched;
	const struct turn_socket_ops *ops;
	void *arg;
	unsigned base;                  /* of the agent: which connection it is */
	int fd;                         /* -1: closed */
	bool connected, wants_out;
	int ep;                         /* where it is watched; -1: nowhere */
	struct turn_stream stream;
};

/* What its owner hears; each may close the socket. */
struct turn_socket_ops {
	void (*opened)(struct turn_socket *s);
	void (*message)(struct turn_socket *s, struct str msg);
	void (*lost)(struct turn_socket *s);    /* it is closed already */
};

void turn_socket_init(struct turn_socket *s, const struct turn_socket_ops *ops, void *arg, unsigned base);
/* Begin to connect from this address, whatever its port. false: it cannot be. */
bool turn_socket_open(struct turn_socket *s, int ep, const struct sa *from, const struct sa *to);
void turn_socket_send(struct turn_socket *s, const void *p, size_t n);
void turn_socket_close(struct turn_socket *s);
/* It goes along from thread to thread. */
void turn_socket_watch(struct turn_socket *s, int ep);
void turn_socket_unwatch(struct turn_socket *s);

#endif
