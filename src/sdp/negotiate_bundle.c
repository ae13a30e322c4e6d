/* Several streams on one transport (BUNDLE, RFC 8843): their names (RFC 5888), whose transport
 * they share, and how a packet says whose it is. */
#include "sdp/negotiate_int.h"
#include <stdio.h>

#define MID_EXTENSION STR("urn:ietf:params:rtp-hdrext:sdes:mid")
enum { OUR_MID_EXT = 1 };

/* Is `mid` one of the words of "BUNDLE a b"? */
static bool in_group(struct str group, struct str mid)
{
	if (!str_ieq(str_cut_raw(&group, ' '), STR("BUNDLE")) || !mid.n)
		return false;
	while (group.n)
		if (str_eq(str_cut_raw(&group, ' '), mid))
			return true;
	return false;
}

void neg_bundle_agreed(struct neg *n, const struct sdp *s)
{
	int first = -1;

	for (size_t i = 0; i < n->now.n; i++) {
		struct neg_stream *st = &n->now.v[i]->s;

		st->bundled_in = -1;
		if (!n->prm.bundle || !st->active || !in_group(s->group, text_view(&st->mid)))
			continue;
		st->bundled_in = first;
		if (first < 0) {
			first = (int)i;
			continue;
		}
		/* What its own line says of an address counts for nothing (RFC 8843 7.3.1); it is often
		 * 0.0.0.0 port 9. */
		st->remote = n->now.v[first]->s.remote;
		st->remote_rtcp = n->now.v[first]->s.remote_rtcp;
	}
}

/* May our next offer put streams together? Not again to a peer that did not. */
static bool offers_group(const struct neg *n)
{
	return n->prm.bundle && (!n->remote || str_istarts(n->remote->group, STR("BUNDLE ")));
}

int neg_bundle_offer(struct neg *n)
{
	int first = -1, err = 0;

	for (size_t i = 0; !err && offers_group(n) && i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		r->s.bundled_in = -1;
		if (!r->offer_active || r->s.type == MEDIA_IMAGE)
			continue;
		if (!r->s.mid.n)
			err = text_printf(&r->s.mid, "%s-%zu", media_type_name(r->s.type), i);
		r->s.bundled_in = first;
		if (first < 0)
			first = (int)i;
	}
	return err;
}

uint8_t neg_mid_ext(const struct neg *n, const struct sdp_media *m)
{
	const struct sdp_attr *a;
	size_t it = 0;

	while (n->prm.bundle && (a = sdp_attr_next(m->attrs, m->nattrs, "extmap", &it))) {
		struct str uri = a->value, id = str_cut_raw(&uri, ' ');
		uint32_t number;

		uri = str_trim(uri);
		if (str_eq(str_cut_raw(&uri, ' '), MID_EXTENSION) && !str_u32(str_cut_raw(&id, '/'), &number) &&
		    number > 0 && number < 15)
			return (uint8_t)number;
	}
	return 0;
}

/* a=group:BUNDLE of the lines in it, each name once. */
void neg_write_group(struct buf *b, const struct neg *n, bool answer)
{
	size_t count = 0;

	if (!offers_group(n) || (answer && !n->remote))
		return;
	for (size_t i = 0; i < n->now.n; i++) {
		const struct neg_row *r = n->now.v[i];
		const struct neg_stream *s = &r->s;
		bool seen = false;

		if (!(answer ? s->active : r->offer_active) || !s->mid.n)
			continue;
		for (size_t j = 0; j < i; j++)
			seen = seen || str_eq(text_view(&n->now.v[j]->s.mid), text_view(&s->mid));
		if (seen)
			continue;
		buf_puts(b, count++ ? STR(" ") : STR("a=group:BUNDLE "), text_view(&s->mid));
	}
	if (count)
		buf_put(b, STR("\r\n"));
}

/* With one stream of a kind payload types tell streams apart. A browser that has agreed to
 * the extension listens to nothing else, and what we relay has it only when it came with it. */
static bool needs_mid_ext(const struct neg *n, const struct neg_row *r, bool answer)
{
	for (size_t i = 0; i < n->now.n; i++) {
		const struct neg_row *other = n->now.v[i];

		if (other != r && other->s.type == r->s.type && (answer ? other->s.active : other->offer_active))
			return true;
	}
	return false;
}

void neg_write_mid(struct buf *b, const struct neg *n, const struct neg_row *r, bool answer)
{
	const struct neg_stream *s = &r->s;
	unsigned ext = s->mid_ext ? s->mid_ext : answer ? 0 : OUR_MID_EXT;

	if (!s->mid.n)
		return;
	buf_puts(b, STR("a=mid:"), text_view(&s->mid), STR("\r\n"));
	if (!n->prm.bundle || s->type == MEDIA_IMAGE)
		return;
	if (ext && needs_mid_ext(n, r, answer)) {
		buf_printf(b, "a=extmap:%u ", ext);
		buf_puts(b, MID_EXTENSION, STR("\r\n"));
	}
	/* One stream of media in the words of RFC 8830, so that a page can put sound and picture together. */
	buf_puts(b, STR("a=msid:sidetone "), text_view(&s->mid), STR("\r\n"));
}
