/* The small Internet's TCP: connections of the agents to the TURN server, which deliver in pieces of any length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "ice_stage.h"

static struct flight *flight_new(struct stage *s, enum flight_kind kind, unsigned agent, unsigned base)
{
	for (size_t i = 0; i < ARRAY_LEN(s->flight); i++)
		if (!s->flight[i].on) {
			s->flight[i] = (struct flight){ .on = true, .kind = kind, .agent = (uint8_t)agent, .base = (uint8_t)base,
							.at = s->now + s->delay, .seq = ++s->seq };
			return &s->flight[i];
		}
	fail_msg("too much in flight");
	return NULL;
}

/* Bytes of one message, padded as TCP wants it, in pieces of any length. */
static void pipe_fly(struct stage *s, enum flight_kind kind, unsigned agent, unsigned base, const void *p, size_t n)
{
	struct turn_stream out = { .nin = 0 };
	struct str bytes;

	assert_true(turn_stream_put(&out, p, n));
	for (bytes = turn_stream_waiting(&out); bytes.n; ) {
		struct flight *f = flight_new(s, kind, agent, base);

		f->n = 1 + stage_roll(s) % s->cut;
		f->n = f->n < bytes.n ? f->n : bytes.n;
		memcpy(f->p, bytes.p, f->n);
		bytes = str_skip(bytes, f->n);
	}
}

bool pipe_fly_to(struct stage *s, const struct sa *to, const void *p, size_t n)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned b = 0; b < 2; b++) {
			struct pipe *pipe = &s->agent[i].pipe[b];

			if (!sa_is_set(&pipe->client) || !sa_eq(&pipe->client, to))
				continue;
			if (pipe->on)
				pipe_fly(s, PIPE_DOWN, i, b, p, n);
			return true;
		}
	return false;
}

/* ---- what an agent does */

static bool on_stream_open(void *arg, unsigned base, const struct sa *from, const struct sa *to)
{
	struct agent *a = arg;
	struct pipe *p = &a->pipe[base];

	assert_true(sa_eq(from, &a->host[base]) && !p->on);
	*p = (struct pipe){ .on = true };
	assert_int_equal(sa_parse(&p->client, STR("198.18.7.1:7000")), 0);
	sa_set_port(&p->client, (uint16_t)(7000 + 2 * (a->name - 'a') + (int)base));
	a->pipes_opened++;
	if (!sa_is_set(&a->s->server))
		return true;            /* nobody answers */
	assert_true(sa_eq(to, &a->s->server));
	flight_new(a->s, a->s->refuse_pipes ? PIPE_LOST : PIPE_OPEN, (unsigned)(a - a->s->agent), base)->at += a->s->delay;
	return true;
}

void pipe_send(void *arg, unsigned base, const void *p, size_t n)
{
	struct agent *a = arg;

	assert_true(a->pipe[base].opened);
	a->sent++;
	pipe_fly(a->s, PIPE_UP, (unsigned)(a - a->s->agent), base, p, n);
}

static void on_stream_close(void *arg, unsigned base)
{
	struct agent *a = arg;

	assert_true(a->pipe[base].on);
	a->pipe[base].on = a->pipe[base].opened = false;
	a->pipes_closed++;
}

void pipe_cut(struct stage *s, unsigned agent, unsigned base)
{
	flight_new(s, PIPE_LOST, agent, base);
}

void pipe_ops(struct ice_ops *ops)
{
	ops->stream_open = on_stream_open;
	ops->stream_send = pipe_send;
	ops->stream_close = on_stream_close;
}

/* ---- what arrives */

static void message_to_agent(struct stage *s, struct agent *a, unsigned base, struct str msg)
{
	uint8_t *copy = malloc(msg.n);
	struct sa peer;
	size_t n = msg.n;

	memcpy(copy, msg.p, n);
	if (ice_stream_message(a->ice, s->now, base, copy, &n, &peer) == ICE_DATA) {
		a->data++;
		a->got_n = n < sizeof(a->got) ? n : sizeof(a->got);
		memcpy(a->got, copy, a->got_n);
	}
	free(copy);
}

void pipe_deliver(struct stage *s, struct flight *f)
{
	struct agent *a = &s->agent[f->agent];
	struct pipe *pipe = &a->pipe[f->base];
	struct turn_stream *ts = f->kind == PIPE_UP ? &pipe->up : &pipe->down;
	struct str bytes = str_mk((const char *)f->p, f->n), msg;
	enum turn_stream_got got;

	if (f->kind == PIPE_OPEN && pipe->on) {
		pipe->opened = true;
		ice_stream_opened(a->ice, s->now, f->base);
	} else if (f->kind == PIPE_LOST && pipe->on) {
		pipe->on = pipe->opened = false;
		ice_stream_lost(a->ice, s->now, f->base);
	}
	while (bytes.n && (f->kind == PIPE_UP || pipe->on)) {
		got = turn_stream_take(ts, &bytes, &msg);
		assert_int_not_equal(got, TURN_STREAM_BAD);
		if (got == TURN_STREAM_MORE)
			break;
		if (f->kind == PIPE_DOWN) {
			message_to_agent(s, a, f->base, msg);
		} else {
			struct flight whole = { .from = pipe->client, .to = s->server, .n = msg.n };

			memcpy(whole.p, msg.p, msg.n);
			stage_serve(s, &whole);
		}
	}
}
