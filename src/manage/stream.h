/* manage/stream.h -- one peer on a local or TCP socket, with bounded queues:
 * what it does not read is kept up to a limit and for a time, then it is cut
 * off. Nobody ever waits for a peer but the fiber that asked to. What is sent
 * during a turn of the loop leaves in one write at the turn's end.
 * Threads: the loop's. */
#ifndef MANAGE_STREAM_H
#define MANAGE_STREAM_H

#include "net/address.h"
#include "net/loop.h"

struct stream;          /* obj */
struct stream_listener;

struct stream_ops {
	/* Bytes came; the view lives during the call. */
	void (*data)(void *arg, struct str bytes);
	/* The peer is gone, or was cut off: EPIPE queue full, ETIMEDOUT it does not
	 * read, 0 it closed. Called once, never after stream_close(). */
	void (*closed)(void *arg, int err);
	/* A write is done: less waits now. Optional. */
	void (*written)(void *arg);
};

/* The new peer's reference is the callee's. It is quiet until stream_start(). */
typedef void stream_accept_fn(void *arg, struct stream *s);

/* EADDRINUSE, EACCES, ... *bound: where it listens. */
int stream_listen_tcp(struct stream_listener **out, struct loop *l, const struct sa *bind,
		      stream_accept_fn *fn, void *arg, struct sa *bound);
/* `path` of any length; a socket that nobody answers on is replaced. EADDRINUSE:
 * somebody answers. */
int stream_listen_unix(struct stream_listener **out, struct loop *l, const char *path, unsigned mode,
		       stream_accept_fn *fn, void *arg);
void stream_unlisten(struct stream_listener *sl);    /* NULL is fine; removes the socket's file */

void stream_start(struct stream *s, const struct stream_ops *ops, void *arg);
/* `limit` [bytes] that may wait to be sent; `stall_ms`: how long the peer may
 * read nothing while something waits; thirty times that is for one write as a whole,
 * so that reading a byte now and then does not help either. */
void stream_limits(struct stream *s, size_t limit, uint32_t stall_ms);
void stream_pause(struct stream *s, bool pause);     /* read no more for now */
/* Queue; 0, EPIPE: closed, or it is now because the queue was full. */
int stream_send(struct stream *s, struct str bytes);
size_t stream_queued(const struct stream *s);        /* [bytes] */
/* On a fiber: until at most `low` bytes wait. EPIPE: closed meanwhile. */
int stream_drain(struct stream *s, size_t low);
bool stream_is_open(const struct stream *s);
struct sa stream_peer(const struct stream *s);       /* unset for a local socket */
/* No more callbacks. What is queued is sent first, for at most the stall time. */
void stream_close(struct stream *s);

/* Connect a blocking local socket: for the client. -1: *err says why. */
int stream_connect_unix(const char *path, int *err);

#endif
