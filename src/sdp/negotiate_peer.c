/* sdp/negotiate_peer.c -- what the peer says: its offers judged, its answers taken. */
#include "sdp/negotiate_int.h"
#include "sdp/video.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* ---- what the peer's m= line means */

/* G.722.1 and its annex C have other rates of bits under the same name; we speak one of each. */
static bool is_other_rate(const struct format *f, struct str fmtp)
{
	struct str rate = neg_fmtp_param(fmtp, STR("bitrate"));

	if (f->id != FORMAT_SIREN7 && f->id != FORMAT_SIREN14)
		return false;
	return rate.n && !str_eq(rate, f->id == FORMAT_SIREN7 ? STR("32000") : STR("48000"));
}

static const struct format *format_of(const struct neg *n, const struct sdp_media *m, const struct sdp_rtpmap *r)
{
	const struct format *f = r->encoding.n ? format_by_rtpmap(m->type, r->encoding, r->clock, n->prm.g726_swapped) :
						 format_by_pt(m->type, r->pt);

	return f && is_other_rate(f, r->fmtp) ? NULL : f;
}

static bool is_event(const struct sdp_rtpmap *r)
{
	return str_ieq(r->encoding, STR("telephone-event"));
}

/* What the peer's a=ptime asks for, when we follow it; 0: nothing. */
static uint8_t peer_ptime(const struct neg *n, const struct sdp_media *m, enum format_id id)
{
	return n->prm.use_ptime ? format_ptime(format_get(id), m->ptime) : 0;
}

static void formats_of(const struct neg *n, const struct sdp_media *m, struct formats *out)
{
	for (size_t i = 0; i < m->nrtpmap; i++) {
		const struct format *f = format_of(n, m, &m->rtpmap[i]);

		if (f)
			formats_add(out, f->id, peer_ptime(n, m, f->id));
	}
}

static bool address_fits(const struct sdp_media *m)
{
	return sa_is_set(&m->addr);
}

/* Whose address and keys count: in a group the tagged stream's. What the line itself says of
 * them counts for nothing (RFC 8843 section 7.1.3); it is often 0.0.0.0 port 9. */
static const struct sdp_media *transport_line(const struct neg *n, const struct neg_row *r, const struct sdp_media *m)
{
	const struct neg_stream *tag = r->s.bundled_in >= 0 ? &n->now.v[r->s.bundled_in]->s : NULL;

	return tag && tag->media ? tag->media : m;
}

/* How it is encrypted: as its tagged stream is. */
static int take_keys(struct neg *n, struct neg_row *r, const struct sdp_media *m, bool answer, enum neg_verdict *why)
{
	if (r->s.bundled_in < 0)
		return neg_secure_take(n, r, m, answer, why);
	r->s.secure = n->now.v[r->s.bundled_in]->s.secure;
	return 0;
}

void neg_remote_set(struct neg *n, struct neg_row *r, const struct sdp_media *m)
{
	struct neg_stream *s = &r->s;
	const struct sdp_media *t = transport_line(n, r, m);
	/* With ICE, 0.0.0.0 port 9 says that candidates are to come (RFC 8840 section 4.1.1). */
	bool any = sa_is_set(&t->addr) && sa_is_any(&t->addr) && !(t->ice_ufrag.n && t->port == 9);

	s->media = m;
	s->remote = t->addr;
	s->remote_rtcp = t->rtcp;
	s->proto = m->proto;
	s->remote_hold = any || m->dir == SDP_SENDONLY || m->dir == SDP_INACTIVE;
	s->dir = sdp_dir_reverse(m->dir) & s->want;
	/* c=0.0.0.0 is hold as RFC 2543 had it: nowhere to send. */
	if (any)
		s->dir &= SDP_RECVONLY;
	if (s->local_hold)
		s->dir &= SDP_SENDONLY;
}

/* Opus has packets of any length, and peers that say which they can take. */
static uint8_t ptime_within(enum format_id id, uint8_t wish, const struct sdp_media *m, struct str fmtp)
{
	struct opus_fmtp peer;

	if (id != FORMAT_OPUS)
		return wish;
	opus_fmtp_parse(&peer, fmtp);
	return opus_ptime(&peer, wish, m->maxptime);
}

/* What the peer's a=rtcp-fb lines say of a number; "*" is all of them. */
static uint8_t feedback_of(const struct neg *n, const struct sdp_media *m, uint8_t pt)
{
	const struct sdp_attr *a;
	uint8_t bits = 0;
	size_t it = 0;

	if (m->type != MEDIA_VIDEO || !n->prm.use_avpf)
		return 0;
	while ((a = sdp_attr_next(m->attrs, m->nattrs, "rtcp-fb", &it))) {
		struct str what = a->value, of = str_cut_raw(&what, ' ');
		uint32_t num;

		if (!str_eq(of, STR("*")) && (str_u32(of, &num) || num != pt))
			continue;
		for (unsigned f = 0; f < NEG_FEEDBACKS; f++)
			if (str_ieq(str_trim(what), neg_feedback_name((enum neg_feedback)f)))
				bits = (uint8_t)(bits | 1u << f);
	}
	return bits;
}

/* Which of the peer's numbers is format `id`? Of several descriptions of one format of video the one that the
 * other leg, or nearly everybody, can show; else the first. An answer must fit what we have offered. nrtpmap: none. */
static size_t choose_map(const struct neg *n, const struct neg_row *r, const struct sdp_media *m, enum format_id id, bool answer)
{
	struct str want = neg_fmtp_wanted(r, id);
	enum video_fit best = VIDEO_OTHER;
	size_t first = m->nrtpmap, found = m->nrtpmap;

	if (!want.n)
		want = answer ? STR_NULL : video_fmtp_usual(id);
	for (size_t j = 0; j < m->nrtpmap; j++) {
		const struct format *f = format_of(n, m, &m->rtpmap[j]);
		enum video_fit fit;

		if (!f || f->id != id)
			continue;
		first = first < m->nrtpmap ? first : j;
		fit = video_fmtp_fit(id, want, m->rtpmap[j].fmtp, !answer);
		if (fit > best) {
			best = fit;
			found = j;
		}
	}
	return best != VIDEO_OTHER || (answer && want.n) ? found : first;
}

/* The peer's line for it, with its numbers on both sides. */
static int codec_set(struct neg *n, struct neg_row *r, const struct sdp_media *m, size_t j, struct neg_codec *c, bool answer)
{
	enum format_id id = (enum format_id)c->id;

	if (!answer || r->pt[id] == NEG_NO_PT)
		neg_pt_learn(r, id, m->rtpmap[j].pt);
	c->pt_tx = m->rtpmap[j].pt;
	c->pt_rx = r->pt[id];
	c->feedback = feedback_of(n, m, m->rtpmap[j].pt);
	c->ptime = ptime_within(id, c->ptime, m, m->rtpmap[j].fmtp);
	return text_set(&c->fmtp, m->rtpmap[j].fmtp);
}

/* The agreed formats in their order, with their numbers on both sides. */
static int codecs_set(struct neg *n, struct neg_row *r, const struct sdp_media *m, const struct formats *joint,
		      bool answer)
{
	struct neg_stream *s = &r->s;
	struct neg_codec *v = calloc((size_t)joint->n + 1, sizeof(*v));
	size_t k = 0;

	if (!v)
		return ENOMEM;
	neg_codecs_free(s);
	s->codecs = v;
	for (unsigned i = 0; i < joint->n; i++) {
		enum format_id id = (enum format_id)joint->v[i].id;
		size_t j = choose_map(n, r, m, id, answer);

		if (j == m->nrtpmap)
			continue;
		v[k].id = (uint8_t)id;
		v[k].ptime = joint->v[i].ptime ? joint->v[i].ptime : format_get(id)->ptime;
		s->ncodecs = ++k;
		if (codec_set(n, r, m, j, &v[k - 1], answer))
			return ENOMEM;
	}
	s->ptime = k ? v[0].ptime : 0;
	return 0;
}

static void event_add(const struct neg *n, struct neg_row *r, const struct sdp_media *m, uint32_t rate, bool answer)
{
	struct neg_stream *s = &r->s;

	for (size_t i = 0; i < s->nevents; i++)
		if (s->events[i].rate == rate)
			return;
	for (size_t i = 0; i < m->nrtpmap && s->nevents < NEG_MAX_EVENTS; i++) {
		uint8_t ours;

		if (!is_event(&m->rtpmap[i]) || m->rtpmap[i].clock != rate)
			continue;
		if (!answer)
			neg_te_learn(r, rate, m->rtpmap[i].pt);
		ours = neg_te_pt(n, r, rate);
		/* All numbers are taken: digits go without this rate. */
		if (ours == NEG_NO_PT)
			return;
		s->events[s->nevents].rate = rate;
		s->events[s->nevents].pt_tx = m->rtpmap[i].pt;
		s->events[s->nevents++].pt_rx = ours;
		return;
	}
}

/* RFC 4733 section 2.1: events run on their codec's clock; 8000 is also taken
 * beside another codec, as many phones only know that. */
static void events_set(struct neg *n, struct neg_row *r, const struct sdp_media *m, bool answer)
{
	r->s.nevents = 0;
	if (!neg_has_digits(n, r))
		return;
	for (size_t i = 0; i < r->s.ncodecs; i++)
		event_add(n, r, m, format_get((enum format_id)r->s.codecs[i].id)->clock, answer);
	event_add(n, r, m, 8000, answer);
}

int neg_fmtp_follow(struct neg *n, size_t i, enum format_id id, struct str fmtp)
{
	struct neg_row *r = i < n->now.n ? n->now.v[i] : NULL;
	int err = neg_fmtp_set(n, i, id, fmtp);

	for (size_t k = 0; !err && n->answering && r->s.media && k < r->s.ncodecs; k++) {
		size_t j = choose_map(n, r, r->s.media, id, false);

		if (r->s.codecs[k].id == id && j < r->s.media->nrtpmap)
			err = codec_set(n, r, r->s.media, j, &r->s.codecs[k], false);
	}
	return err;
}

/* ---- their offer */

static unsigned limit_of(const struct neg *n, enum media_type t)
{
	return t == MEDIA_AUDIO ? n->prm.max_audio : t == MEDIA_VIDEO ? n->prm.max_video : t == MEDIA_IMAGE;
}

static void decline(struct neg_row *r, const struct sdp_media *m)
{
	r->s.active = r->offer_active = false;
	r->s.dir = SDP_INACTIVE;
	r->s.media = m;
	r->s.proto = m->proto;
	r->s.bundled_in = -1;
	r->grouped = false;
	r->s.nevents = 0;
	neg_codecs_free(&r->s);
}

/* Declined, unless the rest of offer_stream() or answer_stream() takes it: from `tag` (-1: nobody) it has its transport. */
static void line_begin(struct neg_row *r, const struct sdp_media *m, int tag)
{
	decline(r, m);
	r->s.bundled_in = tag;
}

static void line_end(struct neg_row *r, bool grouped)
{
	if (r->s.active)
		r->grouped = grouped;
	else
		r->s.bundled_in = -1;
}

/* What our answer to the line would have; none: it is declined. */
static void offered_formats(struct neg *n, const struct sdp_media *m, const struct formats *ours, struct formats *joint)
{
	struct formats theirs = { 0 };

	formats_of(n, m, &theirs);
	formats_join(joint, ours, &theirs, m->type, n->prm.pref_in);
	/* An answer may only hold what was offered (RFC 3264 section 6.1). */
	for (unsigned i = joint->n; i-- > 0; )
		if (!formats_has(&theirs, (enum format_id)joint->v[i].id))
			formats_del(joint, (enum format_id)joint->v[i].id);
	for (unsigned i = 0; i < joint->n; i++) {
		enum format_id id = (enum format_id)joint->v[i].id;
		uint8_t ms = peer_ptime(n, m, id);

		/* As it is configured (allow=ulaw:30), whoever named the format first. */
		ms = ms ? ms : formats_ptime(ours, id);
		joint->v[i].ptime = ms ? ms : joint->v[i].ptime;
	}
}

struct taking {                 /* an offer, while its lines are gone through */
	const struct sdp *offer;
	const struct formats *ours;
	unsigned taken[MEDIA_TYPES];
	int tag[SDP_MAX_MEDIA + 1];     /* by group, from 1: the stream whose transport it is; -1: none */
	bool done[SDP_MAX_MEDIA];
	enum neg_verdict *why;
};

static bool is_wanted(const struct neg *n, const struct taking *t, const struct neg_row *r, const struct sdp_media *m, bool image)
{
	if ((!m->port && !(m->bundle_only && r->s.bundled_in >= 0)) || m->type >= MEDIA_OTHER ||
	    t->taken[m->type] >= limit_of(n, m->type))
		return false;
	return image || (formats_has_type(t->ours, m->type) && sdp_proto_is_rtp(m->proto));
}

static int refused(enum neg_verdict *why, enum neg_verdict v)
{
	*why = v;
	return EPROTO;
}

/* One m= line of an offer: r->s.active says whether it was taken. */
static int take_line(struct neg *n, struct taking *t, struct neg_row *r, const struct sdp_media *m)
{
	bool image = m->type == MEDIA_IMAGE && n->prm.t38 && m->proto == SDP_UDPTL;
	const struct sdp_media *way = transport_line(n, r, m);
	struct formats joint;
	int err;

	if (!is_wanted(n, t, r, m, image))
		return 0;
	if (!image && !neg_profile_fits(&n->prm, m, way))
		return refused(t->why, NEG_PROFILE);
	if (!address_fits(way))
		return refused(t->why, NEG_ADDRESS);
	offered_formats(n, m, t->ours, &joint);
	if (!image && !joint.n)
		return 0;
	err = image ? 0 : take_keys(n, r, m, false, t->why);
	if (!err)
		err = codecs_set(n, r, m, &joint, false);
	if (err)
		return err;
	r->s.active = r->offer_active = true;
	t->taken[m->type]++;
	events_set(n, r, m, false);
	neg_remote_set(n, r, m);
	r->s.rtcp_mux = n->prm.rtcp_mux && way->rtcp_mux;
	neg_wanted_set(&r->s);
	err = text_set(&r->s.mid, n->prm.bundle ? m->mid : STR_NULL);
	neg_ext_take(n, r, m);
	return err;
}

static int offer_stream(struct neg *n, struct taking *t, size_t i, unsigned group)
{
	struct neg_row *r = n->now.v[i];
	int err;

	t->done[i] = true;
	line_begin(r, &t->offer->media[i], t->tag[group]);
	err = take_line(n, t, r, &t->offer->media[i]);
	line_end(r, group > 0 && (t->tag[group] >= 0 || !t->offer->media[i].bundle_only));
	return err;
}

/* The transport of a group is that of the first of its list that we take and that has one (RFC 8843
 * section 7.3.1); then all the others find theirs. */
static int offer_streams(struct neg *n, struct taking *t)
{
	struct neg_group_walk w = { 0 };
	size_t i;
	int err = 0;

	for (size_t g = 0; g < ARRAY_LEN(t->tag); g++)
		t->tag[g] = -1;
	while (!err && neg_bundle_next(n, t->offer, &w, &i)) {
		if (w.group > SDP_MAX_MEDIA || t->done[i] || t->tag[w.group] >= 0 || !t->offer->media[i].port)
			continue;
		err = offer_stream(n, t, i, w.group);
		if (n->now.v[i]->s.active)
			t->tag[w.group] = (int)i;
	}
	for (i = 0; !err && i < t->offer->nmedia; i++) {
		unsigned group = neg_bundle_group(n, t->offer, i);

		if (!t->done[i])
			err = offer_stream(n, t, i, group > SDP_MAX_MEDIA ? 0 : group);
	}
	return err;
}

/* A line that changes its type is another stream (RFC 3264 section 8.3.3): the
 * old one's numbers and port go with it. */
static int rows_for(struct neg *n, const struct sdp *s)
{
	for (size_t i = 0; i < s->nmedia; i++) {
		struct neg_row *r;

		if (i < n->now.n && n->now.v[i]->s.type == s->media[i].type)
			continue;
		r = neg_row_new(s->media[i].type);
		if (!r)
			return ENOMEM;
		if (i == n->now.n)
			n->now.n++;
		else
			neg_row_free(n->now.v[i]);
		n->now.v[i] = r;
	}
	return 0;
}

static void narrowed(struct formats *out, const struct neg *n, const struct formats *narrow)
{
	*out = n->prm.formats;
	if (narrow && narrow->n)
		*out = *narrow;
}

int neg_offer_in(struct neg *n, const struct sdp *offer, const struct formats *narrow, enum neg_verdict *why)
{
	struct formats ours;
	struct taking t = { .offer = offer, .ours = &ours, .why = why };
	unsigned all = 0;
	int err = n->offered ? EBUSY : neg_save(n);

	*why = NEG_OK;
	if (err)
		return err;
	narrowed(&ours, n, narrow);
	err = offer->nmedia < n->now.n ? EPROTO : rows_for(n, offer);
	/* RFC 3264 section 8: m= lines may be added or declined, never taken away. */
	if (err == EPROTO)
		*why = NEG_SHAPE;
	if (!err)
		err = offer_streams(n, &t);
	for (unsigned k = 0; k < MEDIA_TYPES; k++)
		all += t.taken[k];
	if (!err && !all)
		err = refused(why, NEG_NO_STREAM);
	if (err) {
		neg_put_back(n, false);
		return err;
	}
	neg_answer_settled(n);
	obj_drop(n->remote);
	n->remote = obj_hold((void *)(uintptr_t)offer);
	n->answering = true;
	return 0;
}

/* ---- their answer */

static void answered_formats(struct neg *n, const struct sdp_media *m, const struct formats *ours, struct formats *joint)
{
	for (size_t i = 0; i < m->nrtpmap; i++) {
		const struct format *f = format_of(n, m, &m->rtpmap[i]);
		uint8_t ptime = f ? peer_ptime(n, m, f->id) : 0;

		if (f && formats_has(ours, f->id))
			formats_add(joint, f->id, ptime ? ptime : formats_ptime(ours, f->id));
	}
}

static int take_answered_line(struct neg *n, struct neg_row *r, const struct sdp_media *m, enum neg_verdict *why)
{
	struct formats joint = { 0 };
	bool image = m->type == MEDIA_IMAGE && m->proto == SDP_UDPTL;
	const struct sdp_media *way = transport_line(n, r, m);
	int err;

	if (!r->offered_active || !m->port || m->type != r->s.type)
		return 0;
	if (!image && (!sdp_proto_is_rtp(m->proto) || !neg_profile_fits(&n->prm, m, way)))
		return refused(why, NEG_PROFILE);
	if (!address_fits(way))
		return refused(why, NEG_ADDRESS);
	answered_formats(n, m, &r->offered, &joint);
	/* RFC 3264 6.1 lets an answer name formats that were not offered; one that
	 * names no other is taken at its word when we could speak it. */
	if (!image && !joint.n)
		answered_formats(n, m, &n->prm.formats, &joint);
	if (!image && !joint.n)
		return 0;
	err = image ? 0 : take_keys(n, r, m, true, why);
	if (!err)
		err = codecs_set(n, r, m, &joint, true);
	if (err || (!image && !r->s.ncodecs))   /* other descriptions than we offered */
		return err;
	r->s.active = r->offer_active = true;
	events_set(n, r, m, true);
	neg_remote_set(n, r, m);
	r->s.rtcp_mux = n->prm.rtcp_mux && way->rtcp_mux;
	neg_ext_answered(n, r, m);
	neg_wanted_set(&r->s);
	return 0;
}

/* Our offer had a transport for it, or it inherits that of the one it shared it with. */
static bool has_way(const struct neg *n, const struct sdp *answer, size_t i)
{
	const struct neg_row *r = n->now.v[i];

	return r->offered_in < 0 ||
	       (!r->bundle_only && ((size_t)r->offered_in >= answer->nmedia || !answer->media[r->offered_in].port));
}

static int answer_stream(struct neg *n, const struct sdp *answer, size_t i, int tag, bool grouped, enum neg_verdict *why)
{
	struct neg_row *r = n->now.v[i];
	int err = 0;

	line_begin(r, &answer->media[i], tag);
	if (tag >= 0 || has_way(n, answer, i))
		err = take_answered_line(n, r, &answer->media[i], why);
	line_end(r, grouped);
	return err;
}

/* Another fork may have moved streams from the ports that our offer had for them. */
static void ports_as_offered(struct neg *n)
{
	for (size_t i = 0; i < n->now.n; i++) {
		struct neg_row *r = n->now.v[i];

		if (r->s.active && r->s.bundled_in < 0 && r->offered_in < 0 && r->offered_port && r->offered_port != r->s.port)
			neg_port_set(n, i, obj_hold(r->offered_port));
	}
}

static int answer_streams(struct neg *n, const struct sdp *answer, enum neg_verdict *why)
{
	int tag[SDP_MAX_MEDIA + 1], err = 0;
	bool done[SDP_MAX_MEDIA] = { false };
	struct neg_group_walk w = { 0 };
	size_t i;

	for (size_t g = 0; g < ARRAY_LEN(tag); g++)
		tag[g] = -1;
	while (!err && neg_bundle_next(n, answer, &w, &i)) {
		if (w.group > SDP_MAX_MEDIA || done[i] || tag[w.group] >= 0 || !has_way(n, answer, i))
			continue;
		err = answer_stream(n, answer, i, -1, true, why);
		done[i] = true;
		if (n->now.v[i]->s.active)
			tag[w.group] = (int)i;
	}
	for (i = 0; !err && i < answer->nmedia; i++) {
		unsigned group = neg_bundle_group(n, answer, i);

		if (!done[i])
			err = answer_stream(n, answer, i, group <= SDP_MAX_MEDIA ? tag[group] : -1, group > 0, why);
	}
	return err;
}

int neg_answer_in(struct neg *n, const struct sdp *answer, enum neg_verdict *why)
{
	bool any = false;
	int err = n->answering || !n->answerable ? EINVAL : neg_save(n);

	*why = NEG_OK;
	if (!err && answer->nmedia > n->now.n) {
		*why = NEG_SHAPE;
		err = EPROTO;
	}
	if (!err)
		err = answer_streams(n, answer, why);
	if (!err)
		ports_as_offered(n);
	/* Some gateways leave declined lines out at the end. */
	for (size_t i = answer->nmedia; !err && i < n->now.n; i++) {
		n->now.v[i]->s.active = n->now.v[i]->offer_active = false;
		n->now.v[i]->s.media = NULL;
	}
	for (size_t i = 0; !err && i < n->now.n; i++)
		any = any || n->now.v[i]->s.active;
	if (!err && !any) {
		*why = NEG_NO_STREAM;
		err = EPROTO;
	}
	if (err) {
		if (n->has_saved)
			neg_put_back(n, true);
		return err;
	}
	for (size_t i = 0; i < n->now.n; i++)
		neg_ext_limit(n, n->now.v[i], true);
	obj_drop(n->remote);
	n->remote = obj_hold((void *)(uintptr_t)answer);
	neg_committed(n);
	return 0;
}
