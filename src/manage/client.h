/* manage/client.h -- a manager or a console on a local or TCP socket, with bounded queues:
 * what it does not read is kept up to a limit and for a time, then it is cut
 * off. Nobody ever waits for a peer but the fiber that asked to. What is sent
 * during a turn of the loop leaves in one write at the turn's end.
 * Threads: the loop's. */
#ifndef MANAGE_CLIENT_H
#define MANAGE_CLIENT_H

#include "net/address.h"
#include "net/loop.h"

struct client;          /* obj */
struct client_listener;
struct tls_context;

struct client_ops {
	/* Bytes came; the view lives during the call. */
	void (*data)(void *arg, struct str bytes);
	/* The peer is gone, or was cut off: EPIPE queue full, ETIMEDOUT it does not
	 * read, 0 it closed. Called once, never after client_close(). */
	void (*closed)(void *arg, int err);
	/* A write is done: less waits now. Optional. */
	void (*written)(void *arg);
};

/* The new peer's reference is the callee's. It is quiet until client_start(). */
typedef void client_accept_fn(void *arg, struct client *c);

/* EADDRINUSE, EACCES, ... *bound: where it listens. */
int client_listen_tcp(struct client_listener **out, struct loop *l, const struct sa *bind,
		      client_accept_fn *fn, void *arg, struct sa *bound);
/* With TLS from now on: peers get it for themselves when they are accepted. Takes a reference. */
void client_listener_secure(struct client_listener *sl, struct tls_context *tls);
/* `path` of any length; a socket that nobody answers on is replaced. EADDRINUSE:
 * somebody answers. */
int client_listen_unix(struct client_listener **out, struct loop *l, const char *path, unsigned mode,
		       client_accept_fn *fn, void *arg);
void client_unlisten(struct client_listener *sl);    /* NULL is fine; removes the socket's file */

void client_start(struct client *c, const struct client_ops *ops, void *arg);
/* `limit` [bytes] that may wait to be sent; `stall_ms`: how long the peer may
 * read nothing while something waits; thirty times that is for one write as a whole,
 * so that reading a byte now and then does not help either. */
void client_limits(struct client *c, size_t limit, uint32_t stall_ms);
void client_pause(struct client *c, bool pause);     /* read no more for now */
/* Queue; 0, EPIPE: closed, or it is now because the queue was full. */
int client_send(struct client *c, struct str bytes);
size_t client_queued(const struct client *c);        /* [bytes] */
/* On a fiber: until at most `low` bytes wait. EPIPE: closed meanwhile. */
int client_drain(struct client *c, size_t low);
bool client_is_open(const struct client *c);
struct sa client_peer(const struct client *c);       /* unset for a local socket */
/* No more callbacks. What is queued is sent first, for at most the stall time. */
void client_close(struct client *c);

/* Connect a blocking local socket: for the client. -1: *err says why. */
int client_connect_unix(const char *path, int *err);

#endif
