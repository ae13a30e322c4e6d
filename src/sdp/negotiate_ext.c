/* sdp/negotiate_ext.c -- header extensions of RTP (RFC 8285) in offers and answers: a=extmap. */
#include "sdp/negotiate_int.h"
#include "base/poison.h"

/* Only what goes both ways is agreed on: "3" or "3/sendrecv". 0: it is not. */
static uint8_t parse_id(struct str v)
{
	struct str id = str_cut_raw(&v, '/');
	uint32_t number;

	if ((v.n && !str_ieq(v, STR("sendrecv"))) || str_u32(id, &number) || number > RTP_EXT_ID_MAX || number == 15)
		return 0;
	return (uint8_t)number;
}

static bool may_have(const struct neg *n, const struct neg_row *r, enum rtp_ext e)
{
	/* A name longer than a token of our size is not told by packets. */
	if (e == RTP_EXT_MID)
		return n->prm.bundle && r->s.mid.n > 0 && r->s.mid.n <= NEG_MID_MAX;
	return r->s.type == MEDIA_VIDEO && n->prm.use_avpf;
}

void neg_ext_take(const struct neg *n, struct neg_row *r, const struct sdp_media *m)
{
	const struct sdp_attr *a;
	size_t it = 0;

	memset(r->s.ext, 0, sizeof(r->s.ext));
	while ((a = sdp_attr_next(m->attrs, m->nattrs, "extmap", &it))) {
		struct str uri = a->value;
		uint8_t id = parse_id(str_cut_raw(&uri, ' '));
		enum rtp_ext e;

		uri = str_trim(uri);
		e = rtp_ext_by_uri(str_cut_raw(&uri, ' '));
		/* Of one that stands twice the first counts; with parameters it is not what we know. */
		if (e == RTP_EXTS || !id || uri.n || r->s.ext[e] || !may_have(n, r, e))
			continue;
		r->s.ext[e] = id;
		r->ext_known[e] = id;
	}
}

/* The number and its feedback belong together: with one of them nobody could do anything. */
void neg_ext_limit(const struct neg *n, struct neg_row *r, bool answer)
{
	struct neg_stream *s = &r->s;
	uint8_t feedback = 0;

	for (unsigned e = 0; e < RTP_EXTS; e++)
		if (e != RTP_EXT_MID && !(s->exts >> e & 1))
			s->ext[e] = 0;
	if (!neg_bundle_names(n, r, answer))
		s->ext[RTP_EXT_MID] = 0;
	for (size_t i = 0; i < s->ncodecs; i++) {
		s->codecs[i].feedback &= s->feedback;
		if (!s->ext[RTP_EXT_TRANSPORT_CC])
			s->codecs[i].feedback &= (uint8_t)~(1u << NEG_TRANSPORT_CC);
		feedback |= s->codecs[i].feedback;
	}
	if (!(feedback >> NEG_TRANSPORT_CC & 1))
		s->ext[RTP_EXT_TRANSPORT_CC] = 0;
}

static bool is_used(const struct neg *n, uint8_t id)
{
	for (size_t i = 0; i < n->now.n; i++)
		for (unsigned e = 0; e < RTP_EXTS; e++)
			if (n->now.v[i]->ext_known[e] == id)
				return true;
	return false;
}

static bool is_offered(const struct neg_row *r, uint8_t id)
{
	for (unsigned e = 0; e < RTP_EXTS; e++)
		if (r->offered_ext[e] == id)
			return true;
	return false;
}

/* The number that it has had in this session: it keeps it, and streams of one group may not differ
 * (RFC 8843 section 9.3). Else, or when another one of this stream has it (streams of no group may
 * differ), a free one. 0: there is none. */
static uint8_t choose_id(const struct neg *n, const struct neg_row *r, enum rtp_ext e)
{
	uint8_t id = r->ext_known[e];

	for (size_t i = 0; !id && i < n->now.n; i++)
		id = n->now.v[i]->ext_known[e];
	if (id && is_offered(r, id))
		id = 0;
	for (uint8_t free = 1; !id && free <= RTP_EXT_SHORT_MAX; free++)
		if (!is_used(n, free))
			id = free;
	return id;
}

void neg_ext_offer(const struct neg *n, struct neg_row *r)
{
	uint8_t exts = r->s.exts;

	if (!(r->s.feedback >> NEG_TRANSPORT_CC & 1))
		exts &= (uint8_t)~(1u << RTP_EXT_TRANSPORT_CC);
	memset(r->offered_ext, 0, sizeof(r->offered_ext));
	for (unsigned e = 0; e < RTP_EXTS; e++) {
		if (!may_have(n, r, (enum rtp_ext)e) ||
		    (e == RTP_EXT_MID ? !neg_bundle_names(n, r, false) : !(exts >> e & 1)))
			continue;
		r->offered_ext[e] = r->ext_known[e] = choose_id(n, r, (enum rtp_ext)e);
	}
}

void neg_ext_answered(const struct neg *n, struct neg_row *r, const struct sdp_media *m)
{
	neg_ext_take(n, r, m);
	/* An answer may only leave out, and not change a number (RFC 8285 section 6). */
	for (unsigned e = 0; e < RTP_EXTS; e++)
		if (r->s.ext[e] != r->offered_ext[e])
			r->s.ext[e] = 0;
}

void neg_ext_write(struct buf *b, const struct neg_row *r, bool answer)
{
	const uint8_t *id = answer ? r->s.ext : r->offered_ext;

	for (unsigned e = 0; e < RTP_EXTS; e++) {
		if (!id[e])
			continue;
		buf_put(b, STR("a=extmap:"));
		buf_u64(b, id[e]);
		buf_puts(b, STR(" "), rtp_ext_uri((enum rtp_ext)e), STR("\r\n"));
	}
}
