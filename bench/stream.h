/* bench/stream.h -- connections of registering phones that are kept: one a user, over TCP,
 * TLS, WebSocket or secure WebSocket (RFC 7118). Each comes from one of a hundred addresses
 * under 127.0.1.0/24, as one address may have so many only. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include "load.h"

struct streams;
typedef void stream_up_fn(void *arg, uint32_t user);
typedef void stream_message_fn(void *arg, struct str message);

/* NULL: no memory (a message is printed). `up`: the user's connection is open. */
struct streams *streams_new(struct load *l, uint32_t users, stream_up_fn *up, stream_message_fn *message, void *arg);
void streams_free(struct streams *s);
void stream_open(struct streams *s, uint32_t user);
/* What does not go out at once is lost and counted: a message fits every socket's buffer. */
void stream_send(struct streams *s, uint32_t user, struct str message);
bool stream_is_open(const struct streams *s, uint32_t user);
uint32_t streams_opening(const struct streams *s);
/* Closed by the server, or never opened. */
uint64_t streams_lost(const struct streams *s);
bool streams_own(const struct streams *s, const void *data);
void streams_ready(struct streams *s, void *data);
void streams_mark(struct streams *s);   /* delays are counted from now on */
void streams_report(const struct streams *s, FILE *out);

#endif
