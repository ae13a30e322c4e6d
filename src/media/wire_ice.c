/* media/wire_ice.c -- a wire with ICE, on its media thread: what the agent sends and says becomes
 * datagrams, the wire's destination and events; its time is a ticker. The agent is ice.c. */
#include "media/wire_ice.h"
#include "media/stun.h"
#include "media/trace.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* ---- what the agent says */

static void tell(struct wire *w, const struct media_event *e)
{
	struct stream *s = list_empty(&w->streams) ? NULL : container_of(w->streams.next, struct stream, wire_link);

	/* The wire's, so one of its streams brings it. */
	if (s && s->t)
		mthread_event(s, e);
}

static void aim(struct ice_wire *i)
{
	struct wire *w = i->w;

	/* The latch is closed: it knows the one that ICE has checked. */
	w->latch.source = i->head.dst[0];
	w->latch.learning = false;
	w->latch.exact = true;
	wire_aim(w);
}

static void on_selected(struct ice_wire *i, const struct ice_event *e)
{
	struct media_event m = { .type = MEDIA_ICE, .peer = e->remote };
	bool first = e->component == 1;

	i->head.dst[e->component - 1] = e->remote;
	aim(i);
	m.ice.state = (uint8_t)ice_state(i->agent);
	m.ice.nominated = e->nominated;
	m.ice.relayed = e->relayed;
	if (first)
		tell(i->w, &m);
}

static void on_state(struct ice_wire *i, enum ice_state s)
{
	struct media_event m = { .type = MEDIA_ICE, .ice = { .state = (uint8_t)s } };
	struct ice_event e;

	if (s == ICE_LOST || s == ICE_FAILED) {
		i->head.dst[0] = i->head.dst[1] = (struct sa){ 0 };
		aim(i);
	} else if (ice_selected(i->agent, 1, &e)) {
		m.peer = e.remote;
		m.ice.nominated = e.nominated;
		m.ice.relayed = e.relayed;
	}
	tell(i->w, &m);
}

static void on_candidate(struct ice_wire *i, const struct ice_candidate *c)
{
	struct media_event m = { .type = MEDIA_ICE_CANDIDATE, .peer = c->addr };

	m.ice.related = c->related;
	m.ice.priority = c->priority;
	m.ice.component = c->component;
	m.ice.type = (uint8_t)c->type;
	str_copy(m.ice.foundation, sizeof(m.ice.foundation), str_z(c->foundation));
	tell(i->w, &m);
}

static void on_event(void *arg, const struct ice_event *e)
{
	struct ice_wire *i = arg;

	if (!i->w)
		return;
	switch (e->type) {
	case ICE_EV_SELECTED:
		on_selected(i, e);
		break;
	case ICE_EV_STATE:
		on_state(i, e->state);
		break;
	case ICE_EV_CANDIDATE:
		on_candidate(i, e->candidate);
		break;
	case ICE_EV_GATHERED:
		tell(i->w, &(struct media_event){ .type = MEDIA_ICE_GATHERED });
		break;
	}
}

/* stun set debug: what is media over a relay is none. */
static void look(struct wire *w, bool out, const struct sa *peer, const uint8_t *p, size_t n)
{
	if (__builtin_expect(w->t && w->t->trace != NULL, 0) && stun_is(p, n))
		trace_raw(w->t, MEDIA_TRACE_STUN, out, peer, p, n);
}

static void on_send(void *arg, unsigned component, unsigned base, const struct sa *to, const void *p, size_t n)
{
	struct ice_wire *i = arg;
	struct sa at = *to;

	(void)component;
	if (!i->w)
		return;
	wire_fit_family(i->w, &at);
	look(i->w, true, to, p, n);
	place_send(i->w->net, i->w->place[base >> 1], &at, p, n);
}

/* ---- what came */

/* true: it is media, and `*from` whom it is of. */
static bool take_verdict(struct ice_wire *i, enum ice_verdict v, bool rtcp, struct sa peer, struct sa *from)
{
	const struct sa *dst = &i->head.dst[rtcp && !i->w->rtcp_mux];

	switch (v) {
	case ICE_DATA:
		*from = sa_is_set(dst) ? *dst : peer;
		return true;
	case ICE_TAKEN:
		ice_wire_due(i);
		return false;
	default:
		i->w->dropped_source++;
		return false;
	}
}

/* ---- TURN over TCP */

static void on_opened(struct turn_socket *s)
{
	struct ice_wire *i = s->arg;

	ice_stream_opened(i->agent, i->w->t->now_us, s->base);
	ice_wire_due(i);
}

static void on_lost(struct turn_socket *s)
{
	struct ice_wire *i = s->arg;

	ice_stream_lost(i->agent, i->w->t->now_us, s->base);
	ice_wire_due(i);
}

static void on_message(struct turn_socket *s, struct str msg)
{
	struct ice_wire *i = s->arg;
	struct wire *w = i->w;
	struct mthread *t = w->t;
	bool rtcp = wire_ice_is_rtcp(s->base);
	struct sa peer = { 0 }, from;
	enum ice_verdict v;
	size_t n = msg.n;

	memcpy(t->buf.pkt, msg.p, n);
	v = ice_stream_message(i->agent, t->now_us, s->base, t->buf.pkt, &n, &peer);
	if (take_verdict(i, v, rtcp, peer, &from))
		wire_checked(w, rtcp, n, &from);
}

static const struct turn_socket_ops turn_ops = { .opened = on_opened, .message = on_message, .lost = on_lost };

static bool on_stream_open(void *arg, unsigned base, const struct sa *from, const struct sa *to)
{
	struct ice_wire *i = arg;

	return i->w && i->w->t && !i->w->net && i->turn && base < WIRE_ICE_BASES &&
	       turn_socket_open(&i->turn[base], i->w->t->ep, from, to);
}

static void on_stream_send(void *arg, unsigned base, const void *p, size_t n)
{
	turn_socket_send(&((struct ice_wire *)arg)->turn[base], p, n);
}

static void on_stream_close(void *arg, unsigned base)
{
	turn_socket_close(&((struct ice_wire *)arg)->turn[base]);
}

int ice_wire_streams(struct ice_wire *i)
{
	i->turn = calloc(WIRE_ICE_BASES, sizeof(*i->turn));
	for (unsigned b = 0; i->turn && b < WIRE_ICE_BASES; b++)
		turn_socket_init(&i->turn[b], &turn_ops, i, b);
	return i->turn ? 0 : ENOMEM;
}

void ice_wire_streams_free(struct ice_wire *i)
{
	for (unsigned b = 0; i->turn && b < WIRE_ICE_BASES; b++)
		turn_socket_close(&i->turn[b]);
	free(i->turn);
	i->turn = NULL;
}

/* ---- along with the wire from thread to thread */

static void on_arrive(struct wire *w)
{
	struct ice_wire *i = ice_wire_of(w);

	if (!i || i->ticking || !w->t)
		return;
	i->ticker.w = w;
	i->ticker.next_us = UINT64_MAX;
	i->ticking = true;
	list_append(&w->t->tickers, &i->ticker.link);
	for (unsigned b = 0; i->turn && b < WIRE_ICE_BASES; b++)
		turn_socket_watch(&i->turn[b], w->t->ep);
	ice_wire_due(i);
}

static void on_leave(struct wire *w)
{
	struct ice_wire *i = ice_wire_of(w);

	if (!i || !i->ticking)
		return;
	list_remove(&i->ticker.link);
	for (unsigned b = 0; i->turn && b < WIRE_ICE_BASES; b++)
		turn_socket_unwatch(&i->turn[b]);
	i->ticking = false;
}

static size_t on_tick(struct ticker *k)
{
	struct ice_wire *i = container_of(k, struct ice_wire, ticker);

	k->next_us = ice_tick(i->agent, i->w->t->now_us);
	return 1;
}

void ice_wire_due(struct ice_wire *i)
{
	uint64_t due = ice_due(i->agent);

	if (!i->ticking)
		return;
	i->ticker.next_us = due;
	if (due < i->w->t->due_us)
		i->w->t->due_us = due;
}

static void on_shut(struct wire *w)
{
	if (!w->ice)
		return;
	ice_close(ice_wire_of(w)->agent);
	on_leave(w);
	ice_wire_of(w)->w = NULL;
}

/* ---- datagrams */

static bool on_in(struct wire *w, bool rtcp, uint8_t *p, size_t *n, struct sa *from)
{
	struct ice_wire *i = ice_wire_of(w);
	struct sa peer = { 0 };
	enum ice_verdict v;

	look(w, false, from, p, *n);
	v = ice_datagram(i->agent, w->t->now_us, wire_ice_base(rtcp, sa_is_v6(from)), from, p, n, &peer);
	return take_verdict(i, v, rtcp, peer, from);
}

static bool on_out(struct wire *w, bool rtcp, uint8_t *p, size_t n, size_t max)
{
	struct ice_wire *i = ice_wire_of(w);
	struct ice_way way;

	if (!ice_wrap(i->agent, rtcp && !w->rtcp_mux ? 2 : 1, p, &n, max, &way))
		return false;
	if (way.stream) {
		turn_socket_send(&i->turn[way.base], p, n);
		return true;
	}
	wire_fit_family(w, &way.to);
	return place_send(w->net, w->place[way.base >> 1], &way.to, p, n);
}

/* ---- on and off */

static const struct wire_ice_ops ice_ops_row = {
	.arrive = on_arrive, .leave = on_leave, .shut = on_shut, .in = on_in, .out = on_out,
};

void ice_wire_put(struct wire *w, struct ice_wire *i)
{
	struct ice_ops ops = { .arg = i, .send = on_send, .event = on_event, .random = ice_random_system,
			       .stream_open = on_stream_open, .stream_send = on_stream_send, .stream_close = on_stream_close };

	i->head.ops = &ice_ops_row;
	i->w = w;
	i->ticker.tick = on_tick;
	ice_set_ops(i->agent, &ops);
	w->ice = &i->head;
	w->latch.source = (struct sa){ 0 };
	on_arrive(w);
	ice_gather(i->agent, w->t->now_us);
	ice_wire_due(i);
	wire_aim(w);
}

struct ice_wire *ice_wire_take(struct wire *w)
{
	struct ice_wire *i = ice_wire_of(w);

	if (!i)
		return NULL;
	ice_close(i->agent);
	on_leave(w);
	w->ice = NULL;
	i->w = NULL;
	/* What the SDP says counts again, and is learned as after any other. */
	w->latch = (struct latch){ .learning = true, .heard_us = w->latch.heard_us };
	wire_aim(w);
	return i;
}
