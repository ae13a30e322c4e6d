/* sdp/negotiate_peer.c -- what the peer says: its offers judged, its answers taken. */
#include "sdp/negotiate_int.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* ---- what the peer's m= line means */

static const struct format *format_of(const struct neg *n, const struct sdp_media *m, const struct sdp_rtpmap *r)
{
	return r->encoding.n ? format_by_rtpmap(m->type, r->encoding, r->clock, n->prm.g726_swapped) :
			       format_by_pt(m->type, r->pt);
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

void neg_remote_set(struct neg_row *r, const struct sdp_media *m)
{
	struct neg_stream *s = &r->s;
	/* With ICE, 0.0.0.0 port 9 says that candidates are to come (RFC 8840 section 4.1.1). */
	bool any = sa_is_set(&m->addr) && sa_is_any(&m->addr) && !(m->ice_ufrag.n && m->port == 9);

	s->media = m;
	s->remote = m->addr;
	s->remote_rtcp = m->rtcp;
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

		for (size_t j = 0; j < m->nrtpmap; j++) {
			const struct format *f = format_of(n, m, &m->rtpmap[j]);

			if (!f || f->id != id)
				continue;
			if (!answer || r->pt[id] == NEG_NO_PT)
				neg_pt_learn(r, id, m->rtpmap[j].pt);
			v[k].id = (uint8_t)id;
			v[k].pt_tx = m->rtpmap[j].pt;
			v[k].pt_rx = r->pt[id];
			v[k].ptime = joint->v[i].ptime ? joint->v[i].ptime : format_get(id)->ptime;
			s->ncodecs = ++k;
			v[k - 1].feedback = feedback_of(n, m, m->rtpmap[j].pt);
			v[k - 1].ptime = ptime_within(id, v[k - 1].ptime, m, m->rtpmap[j].fmtp);
			if (text_set(&v[k - 1].fmtp, m->rtpmap[j].fmtp))
				return ENOMEM;
			break;
		}
	}
	s->ptime = k ? v[0].ptime : 0;
	return 0;
}

static void event_add(struct neg_row *r, const struct sdp_media *m, uint32_t rate, bool answer)
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
		ours = neg_te_pt(r, rate);
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
	if (!n->prm.telephone_event || m->type != MEDIA_AUDIO)
		return;
	for (size_t i = 0; i < r->s.ncodecs; i++)
		event_add(r, m, format_get((enum format_id)r->s.codecs[i].id)->clock, answer);
	event_add(r, m, 8000, answer);
}

static void wanted_set(struct neg_stream *s)
{
	s->wanted = (struct formats){ 0 };
	for (size_t i = 0; i < s->ncodecs; i++)
		formats_add(&s->wanted, (enum format_id)s->codecs[i].id, s->codecs[i].ptime);
}

/* ---- their offer */

static unsigned limit_of(const struct neg *n, enum media_type t)
{
	return t == MEDIA_AUDIO ? n->prm.max_audio : t == MEDIA_VIDEO ? n->prm.max_video : 1;
}

static void decline(struct neg_row *r, const struct sdp_media *m)
{
	r->s.active = r->offer_active = false;
	r->s.dir = SDP_INACTIVE;
	r->s.media = m;
	r->s.proto = m->proto;
	r->s.bundled_in = -1;
	r->s.nevents = 0;
	neg_codecs_free(&r->s);
}

/* One m= line of an offer: r->s.active says whether it was taken. */
static int offer_stream(struct neg *n, struct neg_row *r, const struct sdp_media *m, const struct formats *ours,
			unsigned *taken, enum neg_verdict *why)
{
	struct formats theirs = { 0 }, joint;
	bool image = m->type == MEDIA_IMAGE && n->prm.t38 && m->proto == SDP_UDPTL;
	int err;

	decline(r, m);
	if (!m->port || m->type >= MEDIA_OTHER || *taken >= limit_of(n, m->type))
		return 0;
	if (!image && (!formats_has_type(ours, m->type) || !sdp_proto_is_rtp(m->proto)))
		return 0;
	if (!image && !neg_profile_fits(&n->prm, m)) {
		*why = NEG_PROFILE;
		return EPROTO;
	}
	if (!address_fits(m)) {
		*why = NEG_ADDRESS;
		return EPROTO;
	}
	formats_of(n, m, &theirs);
	formats_join(&joint, ours, &theirs, m->type, n->prm.pref_in);
	/* An answer may only hold what was offered (RFC 3264 section 6.1). */
	for (unsigned i = joint.n; i-- > 0; )
		if (!formats_has(&theirs, (enum format_id)joint.v[i].id))
			formats_del(&joint, (enum format_id)joint.v[i].id);
	for (unsigned i = 0; i < joint.n; i++)
		if (peer_ptime(n, m, (enum format_id)joint.v[i].id))
			joint.v[i].ptime = peer_ptime(n, m, (enum format_id)joint.v[i].id);
	if (!image && !joint.n)
		return 0;
	err = image ? 0 : neg_secure_take(n, r, m, false, why);
	if (!err)
		err = codecs_set(n, r, m, &joint, false);
	if (err)
		return err;
	r->s.active = r->offer_active = true;
	++*taken;
	events_set(n, r, m, false);
	neg_remote_set(r, m);
	r->s.rtcp_mux = n->prm.rtcp_mux && m->rtcp_mux;
	wanted_set(&r->s);
	r->s.mid_ext = neg_mid_ext(n, m);
	return text_set(&r->s.mid, n->prm.bundle ? m->mid : STR_NULL);
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
	unsigned taken[MEDIA_TYPES] = { 0 }, all = 0;
	struct formats ours;
	int err = n->offered ? EBUSY : neg_save(n);

	*why = NEG_OK;
	if (err)
		return err;
	narrowed(&ours, n, narrow);
	err = offer->nmedia < n->now.n ? EPROTO : rows_for(n, offer);
	/* RFC 3264 section 8: m= lines may be added or declined, never taken away. */
	if (err == EPROTO)
		*why = NEG_SHAPE;
	for (size_t i = 0; !err && i < offer->nmedia; i++)
		err = offer_stream(n, n->now.v[i], &offer->media[i], &ours, &taken[offer->media[i].type], why);
	for (unsigned t = 0; t < MEDIA_TYPES; t++)
		all += taken[t];
	if (!err && !all) {
		*why = NEG_NO_STREAM;
		err = EPROTO;
	}
	if (err) {
		neg_put_back(n, false);
		return err;
	}
	neg_bundle_agreed(n, offer);
	obj_drop(n->remote);
	n->remote = obj_hold((void *)(uintptr_t)offer);
	n->answering = true;
	n->answerable = false;
	return 0;
}

/* ---- their answer */

static void answered_formats(struct neg *n, const struct sdp_media *m, const struct formats *ours, struct formats *joint)
{
	for (size_t i = 0; i < m->nrtpmap; i++) {
		const struct format *f = format_of(n, m, &m->rtpmap[i]);
		uint8_t ptime = f ? peer_ptime(n, m, f->id) : 0;

		for (unsigned j = 0; f && j < ours->n; j++)
			if (f->id == ours->v[j].id)
				formats_add(joint, (enum format_id)f->id, ptime ? ptime : ours->v[j].ptime);
	}
}

static int answer_stream(struct neg *n, struct neg_row *r, const struct sdp_media *m, enum neg_verdict *why)
{
	struct formats joint = { 0 };
	bool image = m->type == MEDIA_IMAGE && m->proto == SDP_UDPTL;
	int err;

	if (!r->offered_active || !m->port || m->type != r->s.type) {
		decline(r, m);
		return 0;
	}
	if (!image && (!sdp_proto_is_rtp(m->proto) || !neg_profile_fits(&n->prm, m))) {
		*why = NEG_PROFILE;
		return EPROTO;
	}
	if (!address_fits(m)) {
		*why = NEG_ADDRESS;
		return EPROTO;
	}
	answered_formats(n, m, &r->offered, &joint);
	/* RFC 3264 6.1 lets an answer name formats that were not offered; one that
	 * names no other is taken at its word when we could speak it. */
	if (!image && !joint.n)
		answered_formats(n, m, &n->prm.formats, &joint);
	if (!image && !joint.n) {
		decline(r, m);
		return 0;
	}
	err = image ? 0 : neg_secure_take(n, r, m, true, why);
	if (!err)
		err = codecs_set(n, r, m, &joint, true);
	if (err)
		return err;
	r->s.active = r->offer_active = true;
	events_set(n, r, m, true);
	neg_remote_set(r, m);
	r->s.rtcp_mux = n->prm.rtcp_mux && m->rtcp_mux;
	r->s.mid_ext = neg_mid_ext(n, m);
	wanted_set(&r->s);
	return 0;
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
	for (size_t i = 0; !err && i < answer->nmedia; i++)
		err = answer_stream(n, n->now.v[i], &answer->media[i], why);
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
	neg_bundle_agreed(n, answer);
	obj_drop(n->remote);
	n->remote = obj_hold((void *)(uintptr_t)answer);
	neg_committed(n);
	return 0;
}
