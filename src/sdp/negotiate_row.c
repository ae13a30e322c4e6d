/* sdp/negotiate_row.c -- one stream's row: its life, its copies, its payload
 * type numbers, and what of it needs no other. */
#include "sdp/negotiate_int.h"
#include <errno.h>
#include "base/obj.h"
#include <stdlib.h>
#include "base/poison.h"

void neg_codecs_free(struct neg_stream *s)
{
	for (size_t i = 0; i < s->ncodecs; i++)
		text_free(&s->codecs[i].fmtp);
	free(s->codecs);
	s->codecs = NULL;
	s->ncodecs = 0;
}

void neg_extras_free(struct neg_row *r)
{
	for (size_t i = 0; i < r->nextra; i++) {
		text_free(&r->extra[i].name);
		text_free(&r->extra[i].value);
	}
	free(r->extra);
	r->extra = NULL;
	r->nextra = 0;
}

void neg_row_free(struct neg_row *r)
{
	if (!r)
		return;
	neg_codecs_free(&r->s);
	neg_extras_free(r);
	text_free(&r->s.mid);
	obj_drop(r->s.port);
	obj_drop(r->offered_port);
	explicit_bzero(&r->s.secure, sizeof(r->s.secure));
	explicit_bzero(r->keys, sizeof(r->keys));
	free(r);
}

struct neg_row *neg_row_new(enum media_type t)
{
	struct neg_row *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->s.type = t;
	r->s.want = SDP_SENDRECV;
	r->s.bundled_in = r->offered_in = -1;
	r->s.feedback = NEG_FEEDBACK_ALONE;
	r->s.exts = NEG_EXTS_ALONE;
	memset(r->pt, NEG_NO_PT, sizeof(r->pt));
	return r;
}

struct neg_row *neg_row_copy(const struct neg_row *r)
{
	struct neg_row *c = malloc(sizeof(*c));
	int err = 0;

	if (!c)
		return NULL;
	*c = *r;
	obj_hold(c->s.port);
	obj_hold(c->offered_port);
	c->s.mid = (struct text){ 0 };
	c->s.codecs = r->s.ncodecs ? calloc(r->s.ncodecs, sizeof(*c->s.codecs)) : NULL;
	c->extra = r->nextra ? calloc(r->nextra, sizeof(*c->extra)) : NULL;
	if ((r->s.ncodecs && !c->s.codecs) || (r->nextra && !c->extra)) {
		c->s.ncodecs = c->nextra = 0;
		neg_row_free(c);
		return NULL;
	}
	err = text_set(&c->s.mid, text_view(&r->s.mid));
	for (size_t i = 0; i < r->s.ncodecs; i++) {
		c->s.codecs[i] = r->s.codecs[i];
		c->s.codecs[i].fmtp = (struct text){ 0 };
		err |= text_set(&c->s.codecs[i].fmtp, text_view(&r->s.codecs[i].fmtp));
	}
	for (size_t i = 0; i < r->nextra; i++) {
		c->extra[i].id = r->extra[i].id;
		err |= text_set(&c->extra[i].name, text_view(&r->extra[i].name));
		err |= text_set(&c->extra[i].value, text_view(&r->extra[i].value));
	}
	if (err) {
		neg_row_free(c);
		return NULL;
	}
	return c;
}

static bool pt_used(const struct neg_row *r, uint8_t pt)
{
	for (unsigned i = 0; i < FORMATS; i++)
		if (r->pt[i] == pt)
			return true;
	for (unsigned i = 0; i < NEG_MAX_EVENTS; i++)
		if (r->te[i].rate && r->te[i].pt == pt)
			return true;
	return false;
}

/* RFC 8843 section 9.1: on one transport a number means one thing, whichever stream it is in. */
static bool pt_taken(const struct neg *n, const struct neg_row *r, uint8_t pt)
{
	bool taken = pt_used(r, pt);

	for (size_t i = 0; n->prm.bundle && !taken && i < n->now.n; i++)
		taken = pt_used(n->now.v[i], pt);
	return taken;
}

static uint8_t pt_free(const struct neg *n, const struct neg_row *r, uint8_t from)
{
	for (unsigned i = 0; i < 32; i++) {
		uint8_t pt = (uint8_t)(96 + (from - 96u + i) % 32);

		if (!pt_taken(n, r, pt))
			return pt;
	}
	return NEG_NO_PT;
}

/* The number that another stream on the transport has for the same. */
static uint8_t pt_of_others(const struct neg *n, const struct neg_row *r, enum format_id id)
{
	for (size_t i = 0; n->prm.bundle && i < n->now.n; i++) {
		uint8_t pt = n->now.v[i]->s.type == r->s.type ? n->now.v[i]->pt[id] : NEG_NO_PT;

		if (pt != NEG_NO_PT && !pt_used(r, pt))
			return pt;
	}
	return NEG_NO_PT;
}

uint8_t neg_pt(const struct neg *n, struct neg_row *r, enum format_id id)
{
	const struct format *f = format_get(id);

	if (r->pt[id] == NEG_NO_PT && f->encoding)
		r->pt[id] = pt_of_others(n, r, id);
	if (r->pt[id] == NEG_NO_PT && f->encoding)
		r->pt[id] = f->pt < 96 && !pt_taken(n, r, f->pt) ? f->pt : pt_free(n, r, f->pt < 96 ? 96 : f->pt);
	return r->pt[id];
}

uint8_t neg_te_pt(const struct neg *n, struct neg_row *r, uint32_t rate)
{
	unsigned slot = NEG_MAX_EVENTS;

	for (unsigned i = 0; i < NEG_MAX_EVENTS; i++) {
		if (r->te[i].rate == rate)
			return r->te[i].pt;
		if (!r->te[i].rate && slot == NEG_MAX_EVENTS)
			slot = i;
	}
	if (slot == NEG_MAX_EVENTS)
		return NEG_NO_PT;
	r->te[slot].pt = pt_free(n, r, 101);
	if (r->te[slot].pt != NEG_NO_PT)
		r->te[slot].rate = rate;
	return r->te[slot].pt;
}

/* The peer gives a number a meaning: whatever else had it here gets another. */
void neg_pt_learn(struct neg_row *r, enum format_id id, uint8_t pt)
{
	for (unsigned i = 0; i < FORMATS; i++)
		if (r->pt[i] == pt)
			r->pt[i] = NEG_NO_PT;
	for (unsigned i = 0; i < NEG_MAX_EVENTS; i++)
		if (r->te[i].pt == pt)
			r->te[i].rate = 0;
	if (id != FORMAT_NONE)
		r->pt[id] = pt;
}

/* Is it a rate of this offer? Others are of earlier ones and may go. */
static bool te_agreed(const struct neg_row *r, uint32_t rate)
{
	for (size_t i = 0; i < r->s.nevents; i++)
		if (r->s.events[i].rate == rate)
			return true;
	return false;
}

void neg_te_learn(struct neg_row *r, uint32_t rate, uint8_t pt)
{
	for (unsigned i = 0; i < NEG_MAX_EVENTS; i++)
		if (r->te[i].rate == rate)
			r->te[i].rate = 0;
	neg_pt_learn(r, FORMAT_NONE, pt);
	for (unsigned i = 0; i < NEG_MAX_EVENTS; i++)
		if (!r->te[i].rate || !te_agreed(r, r->te[i].rate)) {
			r->te[i].rate = rate;
			r->te[i].pt = pt;
			return;
		}
}

enum sdp_dir neg_dir_offer(const struct neg_stream *s)
{
	enum sdp_dir d = s->want;

	/* Hold (RFC 3264 section 8.4): ours keeps us from hearing, theirs us from
	 * being heard. */
	if (s->local_hold)
		d &= SDP_SENDONLY;
	if (s->remote_hold)
		d &= SDP_RECVONLY;
	return d;
}

struct str neg_feedback_name(enum neg_feedback f)
{
	static const struct str names[NEG_FEEDBACKS] = {
		[NEG_NACK] = STR_INIT("nack"), [NEG_PLI] = STR_INIT("nack pli"), [NEG_FIR] = STR_INIT("ccm fir"),
		[NEG_REMB] = STR_INIT("goog-remb"), [NEG_TRANSPORT_CC] = STR_INIT("transport-cc"),
	};

	return names[f % NEG_FEEDBACKS];
}

bool neg_has_digits(const struct neg *n, const struct neg_row *r)
{
	if (!n->prm.telephone_event || r->s.type != MEDIA_AUDIO)
		return false;
	for (size_t i = 0; i < n->now.n && n->now.v[i] != r; i++)
		if (n->now.v[i]->s.type == MEDIA_AUDIO && (n->now.v[i]->s.active || n->now.v[i]->offer_active))
			return false;
	return true;
}

struct str neg_fmtp_param(struct str fmtp, struct str name)
{
	while (fmtp.n) {
		struct str one = str_trim(str_cut_raw(&fmtp, ';'));

		if (str_ieq(str_trim(str_cut_raw(&one, '=')), name))
			return str_trim(one);
	}
	return STR_NULL;
}

void neg_wanted_set(struct neg_stream *s)
{
	s->wanted = (struct formats){ 0 };
	for (size_t i = 0; i < s->ncodecs; i++)
		formats_add(&s->wanted, (enum format_id)s->codecs[i].id, s->codecs[i].ptime);
}
