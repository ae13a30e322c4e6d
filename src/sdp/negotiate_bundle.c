/* sdp/negotiate_bundle.c -- several streams on one transport (BUNDLE, RFC 8843): their names (RFC 5888)
 * and whose transport they share, the tagged stream's. */
#include "sdp/negotiate_int.h"
#include "base/poison.h"

/* ---- what the peer's groups say */

static bool has_word(struct str words, struct str word)
{
	while (word.n && words.n)
		if (str_eq(str_cut_raw(&words, ' '), word))
			return true;
	return false;
}

/* The next a=group:BUNDLE: its names. */
static bool next_group(const struct sdp *s, size_t *it, struct str *names)
{
	const struct sdp_attr *a;

	while ((a = sdp_attr_next(s->attrs, s->nattrs, "group", it))) {
		*names = a->value;
		if (str_ieq(str_cut_raw(names, ' '), STR("BUNDLE")))
			return true;
	}
	return false;
}

static bool has_group(const struct sdp *s)
{
	size_t it = 0;
	struct str names;

	return next_group(s, &it, &names);
}

/* An answer that repeats no names means ours. */
static struct str name_of(const struct neg *n, const struct sdp *s, size_t i)
{
	return s->media[i].mid.n || i >= n->now.n ? s->media[i].mid : text_view(&n->now.v[i]->s.mid);
}

/* The line of a name; nmedia: none. One that repeats another's name has none. */
static size_t line_of(const struct neg *n, const struct sdp *s, struct str name)
{
	size_t i = 0;

	while (i < s->nmedia && !(name.n && str_eq(name_of(n, s, i), name)))
		i++;
	return i;
}

bool neg_bundle_next(const struct neg *n, const struct sdp *s, struct neg_group_walk *w, size_t *line)
{
	while (n->prm.bundle) {
		if (!w->names.n) {
			if (!next_group(s, &w->it, &w->names))
				return false;
			w->group++;
		}
		*line = line_of(n, s, str_cut_raw(&w->names, ' '));
		if (*line < s->nmedia)
			return true;
	}
	return false;
}

unsigned neg_bundle_group(const struct neg *n, const struct sdp *s, size_t line)
{
	struct str names, name = name_of(n, s, line);
	unsigned group = 0;
	size_t it = 0;

	if (!n->prm.bundle || line_of(n, s, name) != line)
		return 0;
	while (next_group(s, &it, &names)) {
		group++;
		if (has_word(names, name))
			return group;
	}
	return 0;
}

/* ---- ours */

/* May our next offer put streams together? Not again to a peer that did not. */
static bool offers_group(const struct neg *n)
{
	return n->prm.bundle && (!n->remote || has_group(n->remote));
}

static int name_rows(struct neg *n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		if (r->offer_active && r->s.type != MEDIA_IMAGE && !r->s.mid.n)
			err = text_printf(&r->s.mid, "%s-%zu", media_type_name(r->s.type), i);
	}
	return err;
}

/* RFC 8829 section 4.1.1, "balanced": the first stream of each kind has a transport of its own, for a peer
 * that knows no groups; further ones are only there for one that does. */
static void first_places(struct neg *n)
{
	bool seen[MEDIA_TYPES] = { false };
	int tag = -1;

	for (size_t i = 0; i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		r->s.bundled_in = -1;
		r->bundle_only = r->grouped = false;
		if (!r->offer_active || r->s.type == MEDIA_IMAGE)
			continue;
		r->grouped = true;
		if (seen[r->s.type]) {
			r->s.bundled_in = tag;
			r->bundle_only = true;
		}
		seen[r->s.type] = true;
		tag = tag < 0 ? (int)i : tag;
	}
}

/* The tagged stream ends: the next of its group carries on with the same transport. */
static void promote(struct neg *n, size_t tag)
{
	int heir = -1;

	for (size_t i = 0; i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		if (r->s.bundled_in != (int)tag || !r->offer_active)
			continue;
		r->s.bundled_in = heir;
		heir = heir < 0 ? (int)i : heir;
	}
}

static void later_places(struct neg *n)
{
	int tag = -1;

	for (size_t i = 0; i < n->now.n; i++) {
		n->now.v[i]->bundle_only = false;
		if (!n->now.v[i]->offer_active) {
			promote(n, i);
			n->now.v[i]->grouped = false;
			n->now.v[i]->s.bundled_in = -1;
		}
	}
	for (size_t i = 0; tag < 0 && i < n->now.n; i++)
		if (n->now.v[i]->grouped && n->now.v[i]->s.bundled_in < 0)
			tag = (int)i;
	for (size_t i = 0; i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		/* New ones join. What the peer has kept out of the group stays out. */
		if (!r->offer_active || r->s.active || r->grouped || r->s.type == MEDIA_IMAGE)
			continue;
		r->grouped = true;
		r->s.bundled_in = tag;
		tag = tag < 0 ? (int)i : tag;
	}
}

int neg_bundle_offer(struct neg *n)
{
	int err = offers_group(n) ? name_rows(n) : 0;

	if (err || !offers_group(n))
		return err;
	if (n->remote)
		later_places(n);
	else
		first_places(n);
	return 0;
}

void neg_bundle_offered(struct neg *n)
{
	for (size_t i = 0; i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];
		const struct neg_row *tag = r->s.bundled_in >= 0 ? n->now.v[r->s.bundled_in] : NULL;

		r->offered_in = r->s.bundled_in;
		if (!tag)
			continue;
		memcpy(r->keys, tag->keys, sizeof(r->keys));
		r->nkeys = tag->nkeys;
		r->setup = tag->setup;
	}
}

/* ---- lines */

static bool is_there(const struct neg_row *r, bool answer)
{
	return answer ? r->s.active : r->offer_active;
}

static int root_of(const struct neg *n, size_t i)
{
	return n->now.v[i]->s.bundled_in >= 0 ? n->now.v[i]->s.bundled_in : (int)i;
}

/* All that our first offer has is one group, though some have a place of their own as well. */
static bool is_together(const struct neg *n, size_t i, size_t j, bool answer)
{
	return n->now.v[i]->grouped && n->now.v[j]->grouped && ((!answer && !n->remote) || root_of(n, i) == root_of(n, j));
}

bool neg_bundle_names(const struct neg *n, const struct neg_row *r, bool answer)
{
	size_t at = 0;

	while (at < n->now.n && n->now.v[at] != r)
		at++;
	for (size_t i = 0; at < n->now.n && i < n->now.n; i++)
		if (i != at && is_there(n->now.v[i], answer) && is_together(n, at, i, answer))
			return true;
	return false;
}

/* a=group:BUNDLE for each transport that streams share, the tagged one first. */
void neg_write_group(struct buf *b, const struct neg *n, bool answer)
{
	bool done[SDP_MAX_MEDIA] = { false };

	for (size_t i = 0; i < n->now.n; i++) {
		const struct neg_row *r = n->now.v[i];

		if (done[i] || !r->grouped || !is_there(r, answer) || r->s.bundled_in >= 0)
			continue;
		buf_puts(b, STR("a=group:BUNDLE "), text_view(&r->s.mid));
		for (size_t j = 0; j < n->now.n; j++) {
			if (j == i || done[j] || !is_there(n->now.v[j], answer) || !is_together(n, i, j, answer))
				continue;
			buf_puts(b, STR(" "), text_view(&n->now.v[j]->s.mid));
			done[j] = true;
		}
		buf_put(b, STR("\r\n"));
	}
}

void neg_write_mid(struct buf *b, const struct neg *n, const struct neg_row *r, bool answer)
{
	const struct neg_stream *s = &r->s;

	if (!s->mid.n)
		return;
	buf_puts(b, STR("a=mid:"), text_view(&s->mid), STR("\r\n"));
	if (r->bundle_only && !answer)
		buf_put(b, STR("a=bundle-only\r\n"));
	if (!n->prm.bundle || s->type == MEDIA_IMAGE)
		return;
	/* One stream of media in the words of RFC 8830, so that a page can put sound and picture together. */
	buf_puts(b, STR("a=msid:sidetone "), text_view(&s->mid), STR("\r\n"));
	/* Only where it tells two streams apart, and there also while nothing is sent: Chromium takes a source
	 * that is named again after a hold for another, and the page's track stays silent. It also plays no
	 * digit of a source that was named before it has heard sound of it. */
	if (!s->ssrc || !neg_bundle_names(n, r, answer))
		return;
	buf_put(b, STR("a=ssrc:"));
	buf_u64(b, s->ssrc);
	buf_puts(b, STR(" cname:"), str_z(s->cname), STR("\r\n"));
}
