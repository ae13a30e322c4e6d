/* media/trace.c -- packets for whoever looks for a fault: copied on their thread, told on the core.
 * Who asks for them is trace_rule.c's, what is said of them trace_text.c's. */
#include "media/trace.h"
#include "media/core.h"
#include <stdlib.h>
#include "base/poison.h"

enum { RING = 256, WINDOW_US = 100000, WINDOW = MEDIA_TRACE_RATE / (1000000 / WINDOW_US) };

/* One a thread, from the first rule until the media ends. */
struct tracer {
	struct queue *q;        /* of struct media_trace */
	atomic_ullong lost;
	uint64_t told;          /* the core's: of these */
	/* the thread's */
	struct media_trace_rule rule;
	uint64_t since_us;      /* of this window */
	unsigned left;          /* how many it may still have */
};

/* ---- on the thread */

static bool is_wanted(const struct sa *only, const struct sa *peer)
{
	return !sa_is_set(only) || (sa_port(only) ? sa_eq(only, peer) : sa_eq_host(only, peer));
}

static bool may_keep(struct mthread *t)
{
	struct tracer *tr = t->trace;

	if (t->now_us - tr->since_us >= WINDOW_US) {
		tr->since_us = t->now_us;
		tr->left = WINDOW;
	}
	return tr->left && tr->left-- && queue_room(tr->q);
}

/* The core hears of it with the next slot, unless the ring fills before. */
static void keep(struct mthread *t, struct media_trace *r, const struct sa *peer, const uint8_t *p, size_t n)
{
	struct tracer *tr = t->trace;

	/* One writer: no locked instruction. */
	if (!may_keep(t)) {
		atomic_store_explicit(&tr->lost, atomic_load_explicit(&tr->lost, memory_order_relaxed) + 1,
				      memory_order_relaxed);
		t->left = true;
		return;
	}
	r->peer = *peer;
	r->n = (uint16_t)n;
	r->kept = (uint16_t)(n < sizeof(r->p) ? n : sizeof(r->p));
	memcpy(r->p, p, r->kept);
	queue_push(tr->q, r);
	t->left = true;
	if (queue_room(tr->q) < RING / 2)
		t->rang = true;
}

static bool looks_at(const struct mthread *t, enum media_trace_kind k)
{
	return t->trace->rule.kinds & MEDIA_TRACE_BIT(k);
}

static bool is_digit(const struct stream *s, bool out, uint8_t pt)
{
	for (size_t i = 0; s->cfg && i < s->cfg->set.nevents; i++)
		if (pt == (out ? s->cfg->set.event[i].pt_tx : s->cfg->set.event[i].pt_rx))
			return true;
	return false;
}

void trace_rtp(struct stream *s, bool out, const struct sa *peer, const uint8_t *p, size_t n)
{
	struct media_trace r = { .kind = MEDIA_TRACE_RTP, .out = out, .ice = s->w->ice != NULL };

	if (!looks_at(s->t, MEDIA_TRACE_RTP) || !is_wanted(&s->t->trace->rule.rtp, peer) || rtp_parse(&r.rtp, p, n))
		return;
	r.event = is_digit(s, out, r.rtp.pt);
	keep(s->t, &r, peer, p, n);
}

void trace_rtcp(struct stream *s, bool out, const struct sa *peer, const uint8_t *p, size_t n, uint32_t clock)
{
	struct media_trace r = { .kind = MEDIA_TRACE_RTCP, .out = out, .ice = s->w->ice != NULL };

	if (!looks_at(s->t, MEDIA_TRACE_RTCP) || !is_wanted(&s->t->trace->rule.rtcp, peer))
		return;
	r.clock = clock;
	r.rtt = (float)s->stats.quality.rtt.last;
	r.mes = (float)s->stats.quality.remote_mes.last;
	keep(s->t, &r, peer, p, n);
}

void trace_udptl(struct stream *s, bool out, const struct sa *peer, const uint8_t *p, size_t n)
{
	struct media_trace r = { .kind = MEDIA_TRACE_UDPTL, .out = out };

	if (looks_at(s->t, MEDIA_TRACE_UDPTL) && is_wanted(&s->t->trace->rule.udptl, peer))
		keep(s->t, &r, peer, p, n);
}

void trace_raw(struct mthread *t, enum media_trace_kind k, bool out, const struct sa *peer, const uint8_t *p, size_t n)
{
	struct media_trace r = { .kind = (uint8_t)k, .out = out };

	if (looks_at(t, k))
		keep(t, &r, peer, p, n);
}

void trace_apply(struct mthread *t, const struct trace_job *j)
{
	j->tr->rule = j->rule;
	t->trace = j->rule.kinds ? j->tr : NULL;
	t->reports = j->rule.reports;
}

/* ---- on the core */

void tracer_free(struct tracer *tr)
{
	if (!tr)
		return;
	queue_free(tr->q);
	free(tr);
}

struct tracer *tracer_new(void)
{
	struct tracer *tr = calloc(1, sizeof(*tr));

	if (!tr)
		return NULL;
	atomic_init(&tr->lost, 0);
	tr->q = queue_new(RING, sizeof(struct media_trace));
	if (!tr->q) {
		free(tr);
		return NULL;
	}
	return tr;
}

static void drain_one(struct media *m, struct tracer *tr)
{
	uint64_t lost = atomic_load_explicit(&tr->lost, memory_order_relaxed);
	struct media_trace r;

	/* No more than were there: the thread may be quicker than we write. */
	for (int n = 0; n < RING && queue_pop(tr->q, &r); n++)
		m->trace_fn(m->trace_arg, &r, 0);
	if (lost != tr->told)
		m->trace_fn(m->trace_arg, NULL, lost - tr->told);
	tr->told = lost;
}

void trace_drain(struct media *m)
{
	for (size_t i = 0; m->trace_fn && i < m->nt; i++)
		if (m->t[i]->tracer)
			drain_one(m, m->t[i]->tracer);
}
