/* media/hook_run.c -- hooks on a media thread: packets are decoded for them, and encoded again when
 * they have changed something. The core's side is hook.c. */
#include "media/hook.h"
#include "base/poison.h"

/* ---- going */

static void count_lanes(struct stream *s)
{
	s->hooks.lanes = 0;
	for (struct media_hook *h = s->hooks.first; h; h = h->next)
		s->hooks.lanes |= h->ops->lanes;
}

static void hook_detach(struct media_hook *h)
{
	struct stream *s = h->s;
	struct media_hook **p = s ? &s->hooks.first : NULL;

	if (!s)
		return;
	while (*p != h)
		p = &(*p)->next;
	*p = h->next;
	if (h->ops->depart)
		h->ops->depart(h);
	h->s = NULL;
	count_lanes(s);
	mthread_give(s->t, EV_RUN, s, &h->run, 0);
}

void hook_stop(struct stream *s, struct run *r)
{
	hook_detach(container_of(r, struct media_hook, stop));
	mthread_give(s->t, EV_RUN, s, r, 0);
}

static void hooks_leave(struct stream *s, bool closing)
{
	for (struct media_hook *h = s->hooks.first, *next; h; h = next) {
		next = h->next;
		if (closing)
			hook_detach(h);
		else if (h->ops->depart)
			h->ops->depart(h);
	}
	if (closing && s->hooks.states) {
		mthread_give(s->t, EV_RUN, s, &s->hooks.states->run, 0);
		s->hooks.states = NULL;
	}
}

static void hooks_arrive(struct stream *s)
{
	for (struct media_hook *h = s->hooks.first; h; h = h->next)
		if (h->ops->arrive)
			h->ops->arrive(h);
}

void hook_tell(struct media_hook *h, unsigned what, uint32_t ms)
{
	struct media_event e = { .type = MEDIA_HOOK, .tag = h->tag, .count = (uint16_t)what, .ms = ms };

	mthread_event(h->s, &e);
}

/* ---- what passes */

static bool is_for(struct media_hook *h, enum hook_lane lane)
{
	return h->ops->pass && h->ops->lanes >> lane & 1 && (!h->ops->wants || h->ops->wants(h, lane));
}

static bool anybody(const struct stream *s, enum hook_lane lane)
{
	for (struct media_hook *h = s->hooks.first; h; h = h->next)
		if (is_for(h, lane))
			return true;
	return false;
}

/* The row's states; false: it needs some and has none. */
static bool find_states(const struct stream *s, const struct codec *row, enum hook_lane lane, void **dec, void **enc)
{
	const struct hook_lanes *l = s->hooks.states;

	*dec = *enc = NULL;
	if (!row->state_new)
		return true;
	for (size_t i = 0; l && i < l->n; i++)
		if (l->of[i].row == row) {
			*dec = l->of[i].dec[lane];
			*enc = l->of[i].enc[lane];
			return true;
		}
	return false;
}

/* The packet with other sound in it; NULL: there is nothing to be sent (DTX). What does not fit stays as it was. */
static uint8_t *pack_again(struct stream *s, const struct codec *row, void *enc, struct hook_sound *f, struct rtp *r, uint8_t *p)
{
	uint8_t *out = s->t->buf.hooked[f->lane];
	size_t room = WIRE_DATAGRAM - r->at, n;

	if (p != out)
		memcpy(out, p, r->at);
	if (!row->frame_bytes && room > RTP_MAX - RTP_HEADER)
		room = RTP_MAX - RTP_HEADER;
	n = row->encode(enc, f->pcm, f->n, out + r->at, room);
	if (!n)
		return row->frame_bytes ? p : NULL;
	out[0] &= 0xdf;         /* padding that it had is gone */
	r->n = (uint16_t)n;
	return out;
}

/* Through all hooks of the lane. */
static uint8_t *pass_lane(struct stream *s, const struct codec *row, enum hook_lane lane, struct rtp *r, uint8_t *p)
{
	struct hook_sound f = { .lane = lane, .pcm = s->t->buf.hook_pcm };
	bool changed = false;
	void *dec, *enc;

	if (!row || !(s->hooks.lanes >> lane & 1) || !anybody(s, lane) || !find_states(s, row, lane, &dec, &enc))
		return p;
	f.rate = row->rate;
	f.n = row->decode(dec, p + r->at, r->n, f.pcm, CODEC_MAX_SAMPLES);
	if (!f.n)
		return p;
	for (struct media_hook *h = s->hooks.first, *next; h; h = next) {
		next = h->next;
		if (is_for(h, lane) && h->ops->pass(h, &f))
			changed = true;
	}
	return changed ? pack_again(s, row, enc, &f, r, p) : p;
}

/* Behind what is kept. */
static void pass_heard(struct stream *s, const struct stream_codec *c, struct rtp *r, uint8_t *p)
{
	stream_frame(s, c, r, p, true);
	p = pass_lane(s, c->row, LANE_HEARD, r, p);
	if (p)
		stream_go_on(s, c, r, p);
}

static void hooks_heard(struct stream *s, const struct stream_codec *c, const struct rtp *r, uint8_t *p)
{
	struct rtp at = *r;

	p = pass_lane(s, c->row, LANE_EARLY, &at, p);
	if (!p)
		return;
	for (struct media_hook *h = s->hooks.first; h; h = h->next)
		if (h->ops->keeps && h->ops->keeps(h, c, &at, p))
			return;
	pass_heard(s, c, &at, p);
}

void hook_release(struct stream *s, uint8_t *p, size_t n)
{
	uint8_t cls;
	struct rtp r;

	/* What was agreed on may be something else by now. */
	if (!s->cfg || !s->can_rx || rtp_parse(&r, p, n))
		return;
	cls = s->cfg->cls[r.pt];
	if (cls < CLS_EVENT)
		pass_heard(s, &s->cfg->codec[cls], &r, p);
}

static uint8_t *hooks_sent(struct stream *s, uint8_t *p, size_t *n)
{
	const struct stream_codec *c = NULL;
	struct rtp r;

	if (!s->cfg || rtp_parse(&r, p, *n))
		return p;
	/* Digits are no sound. */
	for (size_t i = 0; i < s->cfg->n && !c; i++)
		if (s->cfg->codec[i].pt_tx == r.pt)
			c = &s->cfg->codec[i];
	if (!c)
		return p;
	p = pass_lane(s, c->row, LANE_SENT, &r, p);
	*n = (size_t)r.at + r.n;
	return p;
}

/* ---- from the core */

static const struct stream_hooks_ops hooks_ops = { .heard = hooks_heard, .sent = hooks_sent, .leave = hooks_leave, .arrive = hooks_arrive };

void hook_attach(struct stream *s, struct run *r)
{
	struct media_hook *h = container_of(r, struct media_hook, run), **p = &s->hooks.first;

	while (*p)
		p = &(*p)->next;
	s->hooks.ops = &hooks_ops;
	*p = h;
	h->next = NULL;
	h->s = s;
	count_lanes(s);
	if (h->ops->arrive)
		h->ops->arrive(h);
}

void hook_take_lanes(struct stream *s, struct run *r)
{
	struct hook_lanes *old = s->hooks.states;

	s->hooks.ops = &hooks_ops;
	s->hooks.states = container_of(r, struct hook_lanes, run);
	if (old)
		mthread_give(s->t, EV_RUN, s, &old->run, 0);
}
