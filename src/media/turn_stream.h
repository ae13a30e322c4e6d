/* media/turn_stream.h -- TURN messages in a stream of bytes, both ways (RFC 8656 sections 3.1 and 12.5): where one
 * ends follows from its own length, and ChannelData is padded to four bytes. No sockets: media/turn_socket.c.
 * Threads: touches only its arguments. */
#ifndef MEDIA_TURN_STREAM_H
#define MEDIA_TURN_STREAM_H

#include "base/str.h"

enum { TURN_STREAM_IN = 2048, TURN_STREAM_OUT = 8192 };

struct turn_stream {
	size_t nin;                     /* of a message that is not whole yet */
	size_t skip;                    /* still to come of one that is too long for us */
	bool whole;                     /* `in` was given out */
	size_t out_at, nout;            /* what waits: out[out_at..nout) */
	uint8_t in[TURN_STREAM_IN], out[TURN_STREAM_OUT];
};

enum turn_stream_got {
	TURN_STREAM_MORE,               /* all of `*bytes` was taken */
	TURN_STREAM_MESSAGE,            /* `*msg`, without padding; a view that holds until the next call */
	TURN_STREAM_BAD                 /* this is no TURN: nothing that follows can be understood */
};
/* Takes from the front of `*bytes`. One longer than TURN_STREAM_IN is passed over. */
enum turn_stream_got turn_stream_take(struct turn_stream *s, struct str *bytes, struct str *msg);

/* A whole message to be sent. false: no room. Requests may use all of it, media half: sound that waits long is
 * better lost. */
bool turn_stream_put(struct turn_stream *s, const void *p, size_t n);
struct str turn_stream_waiting(const struct turn_stream *s);
void turn_stream_sent(struct turn_stream *s, size_t n);

#endif
