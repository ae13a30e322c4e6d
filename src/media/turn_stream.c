/* media/turn_stream.c -- cuts a stream into TURN messages, and queues those that leave. */
#include "media/turn_stream.h"
#include "media/stun.h"
#include <string.h>
#include "base/poison.h"

enum { HEAD = 4 };              /* both kinds have their length in bytes 2 and 3 */

static size_t padded(size_t n) { return (n + 3) & ~(size_t)3; }

static bool is_channel(const uint8_t *p) { return p[0] >> 6 == 1; }

/* [bytes] by its first four, without padding; 0: it is neither. */
static size_t length_of(const uint8_t *p)
{
	size_t n = (size_t)p[2] << 8 | p[3], number = (size_t)p[0] << 8 | p[1];

	if (is_channel(p))
		return number <= STUN_CHANNEL_MAX ? STUN_CHANNEL_HEADER + n : 0;
	return p[0] >> 6 == 0 && !(n & 3) ? STUN_HEADER + n : 0;
}

static void take_up_to(struct turn_stream *s, size_t want, struct str *bytes)
{
	size_t n = want - s->nin < bytes->n ? want - s->nin : bytes->n;

	memcpy(s->in + s->nin, bytes->p, n);
	s->nin += n;
	*bytes = str_skip(*bytes, n);
}

enum turn_stream_got turn_stream_take(struct turn_stream *s, struct str *bytes, struct str *msg)
{
	for (;;) {
		size_t n, skipped = s->skip < bytes->n ? s->skip : bytes->n;

		*bytes = str_skip(*bytes, skipped);
		s->skip -= skipped;
		if (s->whole)
			s->nin = 0;
		s->whole = false;
		if (!bytes->n)
			return TURN_STREAM_MORE;
		if (s->nin < HEAD)
			take_up_to(s, HEAD, bytes);
		if (s->nin < HEAD)
			return TURN_STREAM_MORE;
		n = length_of(s->in);
		if (!n)
			return TURN_STREAM_BAD;
		if (padded(n) > sizeof(s->in)) {
			s->skip = padded(n) - s->nin;
			s->nin = 0;
			continue;
		}
		take_up_to(s, padded(n), bytes);
		if (s->nin < padded(n))
			return TURN_STREAM_MORE;
		s->whole = true;
		*msg = str_mk((const char *)s->in, n);
		return TURN_STREAM_MESSAGE;
	}
}

/* ---- out */

static bool is_request(const uint8_t *p, size_t n)
{
	return n >= STUN_HEADER && !is_channel(p) && !(p[0] & 1) && !(p[1] & 0x10);
}

bool turn_stream_put(struct turn_stream *s, const void *p, size_t n)
{
	size_t waits = s->nout - s->out_at, most = is_request(p, n) ? sizeof(s->out) : sizeof(s->out) / 2;

	if (n < HEAD || waits + padded(n) > most)
		return false;
	if (s->nout + padded(n) > sizeof(s->out)) {
		memmove(s->out, s->out + s->out_at, waits);
		s->out_at = 0;
		s->nout = waits;
	}
	memcpy(s->out + s->nout, p, n);
	memset(s->out + s->nout + n, 0, padded(n) - n);
	s->nout += padded(n);
	return true;
}

struct str turn_stream_waiting(const struct turn_stream *s)
{
	return str_mk((const char *)s->out + s->out_at, s->nout - s->out_at);
}

void turn_stream_sent(struct turn_stream *s, size_t n)
{
	s->out_at += n;
	if (s->out_at == s->nout)
		s->out_at = s->nout = 0;
}
