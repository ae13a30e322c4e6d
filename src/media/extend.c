/* media/extend.c -- header extensions (RFC 8285) of what leaves: the stream's name (RFC 8843
 * section 15), and what a relayed packet brought that both legs have agreed on. */
#include "media/thread.h"
#include "base/poison.h"

enum { CC_FREE_US = 500000, ELEMENTS_MAX = RTP_EXTS };

static bool wants_name(const struct stream *s)
{
	return s->cfg && s->cfg->set.ext[RTP_EXT_MID] && s->cfg->set.mid[0];
}

/* A stream keeps to one form, as nobody has agreed to a mix of them (section 4.1.2). */
static bool needs_long_form(const struct media_set *set)
{
	bool needs = str_z(set->mid).n > 16;

	for (unsigned e = 0; e < RTP_EXTS; e++)
		needs = needs || set->ext[e] > RTP_EXT_SHORT_MAX;
	return needs;
}

void extend_named(struct stream *s, bool known)
{
	s->tx.names = !known && wants_name(s);
}

void extend_route(struct stream *s)
{
	const struct stream *from = s->peer;

	s->tx.passes = 0;
	s->tx.long_form = s->cfg && needs_long_form(&s->cfg->set);
	if (s->type != MEDIA_VIDEO || !s->cfg || !from || !from->cfg)
		return;
	for (unsigned e = RTP_EXT_MID + 1; e < RTP_EXTS; e++)
		if (s->cfg->set.ext[e] && from->cfg->set.ext[e])
			s->tx.passes |= (uint8_t)(1u << e);
}

/* The transport's number in the row that this wire sends. One wire's packets at a time have one: what
 * another brings meanwhile would be reported as lost to the first. false: it goes without. */
static bool map_number(struct wire *w, const struct wire *from, uint64_t now, const uint8_t in[2], uint8_t out[2])
{
	struct wire_cc *cc = &w->cc;
	uint16_t n = (uint16_t)(in[0] << 8 | in[1]);

	if (cc->from != from) {
		if (cc->from && now - cc->last_us < CC_FREE_US)
			return false;
		cc->from = from;
		cc->off = (uint16_t)(cc->next - n);
	}
	cc->last_us = now;
	n = (uint16_t)(n + cc->off);
	if ((int16_t)(n - cc->next) >= 0)
		cc->next = (uint16_t)(n + 1);
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	return true;
}

struct elements {
	struct rtp_element v[ELEMENTS_MAX];
	size_t n;
	uint8_t number[2];      /* of the transport, as it is here */
};

static void add_name(struct elements *x, const struct stream *s)
{
	if (s->tx.names)
		x->v[x->n++] = (struct rtp_element){ s->cfg->set.ext[RTP_EXT_MID], str_z(s->cfg->set.mid) };
}

static void add_passed(struct elements *x, struct stream *to, const struct stream *from, const struct rtp *r, const uint8_t *p)
{
	for (unsigned e = RTP_EXT_MID + 1; e < RTP_EXTS; e++) {
		struct str v;

		if (!(to->tx.passes >> e & 1) || rtp_extension(&v, p, r->at, from->cfg->set.ext[e]) || (!to->tx.long_form && (v.n < 1 || v.n > 16)))
			continue;
		if (e == RTP_EXT_TRANSPORT_CC) {
			if (v.n != 2 || !map_number(to->w, from->w, to->t->now_us, (const uint8_t *)v.p, x->number))
				continue;
			v = str_mk((const char *)x->number, 2);
		}
		x->v[x->n++] = (struct rtp_element){ to->cfg->set.ext[e], v };
	}
}

/* The header at `head` with these, and the payload, in the thread's buf.extended. The length; 0: they do not fit. */
static size_t put_together(struct stream *s, const uint8_t *head, const struct elements *x, const uint8_t *payload, size_t n)
{
	uint8_t *out = s->t->buf.extended;
	size_t room = sizeof(s->t->buf.extended) - RTP_HEADER, ext;

	ext = rtp_extensions_write(out + RTP_HEADER, room, x->v, x->n, s->tx.long_form);
	if (!ext || n > room - ext)
		return 0;
	memcpy(out, head, RTP_HEADER);
	out[0] |= 0x10;
	memcpy(out + RTP_HEADER + ext, payload, n);
	return RTP_HEADER + ext + n;
}

uint8_t *extend_own(struct stream *s, uint8_t *p, size_t *n)
{
	struct elements x = { .n = 0 };
	size_t made;

	add_name(&x, s);
	made = put_together(s, p, &x, p + RTP_HEADER, *n - RTP_HEADER);
	if (!made)
		return p;
	*n = made;
	return s->t->buf.extended;
}

size_t extend_relayed(struct stream *to, const struct stream *from, const struct rtp *r, const uint8_t *p,
		      const uint8_t head[static RTP_HEADER])
{
	struct elements x = { .n = 0 };

	add_name(&x, to);
	add_passed(&x, to, from, r, p);
	return x.n ? put_together(to, head, &x, p + r->at, r->n) : 0;
}
