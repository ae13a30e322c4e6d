/* media/agreed.c -- what offer and answer have agreed, as media.h and ice_media.h take it. */
#include "media/agreed.h"
#include <errno.h>
#include "base/poison.h"

static void secure_set(struct media_secure *out, const struct neg_secure *in, struct dtls_identity *identity)
{
	static const enum media_secure_mode modes[] = { [NEG_CLEAR] = MEDIA_CLEAR, [NEG_SDES] = MEDIA_SDES,
		[NEG_DTLS] = MEDIA_DTLS };

	*out = (struct media_secure){ .mode = modes[in->mode], .tx = in->ours, .rx = in->theirs,
		.identity = in->mode == NEG_DTLS ? identity : NULL, .fingerprint = in->fingerprint, .setup = in->setup };
}

void agreed_set(struct media_set *set, const struct neg_stream *st, struct dtls_identity *identity)
{
	*set = (struct media_set){ .remote = st->remote, .remote_rtcp = st->remote_rtcp, .dir = st->dir, .rtcp_mux = st->rtcp_mux };
	memcpy(set->ext, st->ext, sizeof(set->ext));
	str_copy(set->mid, sizeof(set->mid), text_view(&st->mid));
	set->nssrcs = st->media ? sdp_ssrcs(st->media, set->ssrc, ARRAY_LEN(set->ssrc)) : 0;
	secure_set(&set->secure, &st->secure, identity);
	for (size_t i = 0; i < st->ncodecs && i < MEDIA_MAX_CODECS; i++)
		set->codec[set->ncodecs++] = (struct media_codec){ st->codecs[i].id, st->codecs[i].pt_rx,
			st->codecs[i].pt_tx, st->codecs[i].ptime };
	for (size_t i = 0; i < st->nevents && i < MEDIA_MAX_EVENTS; i++) {
		set->event[i].rate = st->events[i].rate;
		set->event[i].pt_rx = st->events[i].pt_rx;
		set->event[i].pt_tx = st->events[i].pt_tx;
		set->nevents++;
	}
}

void agreed_encoder(struct codec_prm *out, const struct opus_fmtp *ours, const struct codec_prm *base, const struct neg_stream *st)
{
	struct opus_fmtp f, peer;

	for (size_t i = 0; i < st->ncodecs; i++) {
		if (st->codecs[i].id != FORMAT_OPUS)
			continue;
		opus_fmtp_parse(&peer, text_view(&st->codecs[i].fmtp));
		opus_fmtp_join(&f, ours, &peer);
		*out = *base;
		out->max_rate = f.max_playback < out->max_rate || !out->max_rate ? f.max_playback : out->max_rate;
		out->bitrate = f.max_bitrate;
		out->cbr = f.cbr;
		out->fec = f.fec;
		out->dtx = f.dtx;
		return;
	}
}

/* ---- ICE */

/* A component that only one side has is none (RFC 8445 section 6.1.2.2): nobody is asked for its addresses. */
bool agreed_one_component(const struct neg_stream *st)
{
	return st->media && (st->rtcp_mux || !ice_has_component(st->media, 2));
}

bool agreed_ice_offered(const struct neg *n, const struct neg_stream *st, struct ice_desc *d)
{
	return st->active && st->media && !ice_desc_read(d, neg_remote(n), st->media);
}

/* Once a pair is selected, m= and c= name our side of it (RFC 8839 section 4.4.1.2.2): for the relay, that is
 * no address of ours. Some peers send there, ICE or not. */
static void default_set(struct neg_stream *st, const struct media_session *m)
{
	st->local_rtcp = (struct sa){ 0 };
	if (media_ice_relay(m, 1, &st->local) && !st->rtcp_mux)
		media_ice_relay(m, 2, &st->local_rtcp);
}

int agreed_ice_write(struct neg *n, size_t i, const struct media_session *m, bool mux, const char *options, uint8_t *known)
{
	const struct ice_own *own = media_ice_own(m);
	char room[256];
	struct buf b;
	int err = neg_attr_add(n, i, STR("ice-ufrag"), str_z(own->ufrag));

	default_set(neg_stream(n, i), m);
	err = err ? err : neg_attr_add(n, i, STR("ice-pwd"), str_z(own->pwd));
	err = err ? err : neg_attr_add(n, i, STR("ice-options"), str_z(options));
	for (size_t k = 0; !err && k < media_ice_locals(m); k++) {
		struct candidate c;

		if (mux && media_ice_local(m, k)->component > 1)
			continue;
		ice_candidate_describe(media_ice_local(m, k), &c);
		buf_init(&b, room, sizeof(room), sizeof(room));
		candidate_write(&b, &c);
		err = buf_err(&b) ? ENOBUFS : neg_attr_add(n, i, STR("candidate"), buf_view(&b));
	}
	if (!err && media_ice_gathered(m))
		err = neg_attr_add(n, i, STR("end-of-candidates"), STR_NULL);
	*known = (uint8_t)(media_ice_locals(m) + media_ice_gathered(m));
	return err;
}

int agreed_ice_take(const struct neg *n, const struct neg_stream *st, struct media_session *m, bool *fresh)
{
	struct candidate c[ICE_MAX_CANDIDATES];
	struct ice_remote r;
	struct ice_desc d;
	size_t k = 0, it = 0;

	if (fresh)
		*fresh = false;
	if (!st->media || ice_desc_read(&d, neg_remote(n), st->media) || d.mismatch)
		return media_ice_stop(m);
	while (k < ICE_MAX_CANDIDATES && ice_candidate_next(st->media, &it, &c[k]))
		k++;
	/* Browsers say trickle and send all they have at once. Whoever has none yet sends more by INFO. */
	r = (struct ice_remote){ .ufrag = d.ufrag, .pwd = d.pwd, .lite = d.lite,
				 .done = d.end_of_candidates || !d.trickle || ice_has_component(st->media, 1) };
	if (fresh)
		*fresh = !media_ice_knows(m, d.ufrag);
	/* Our restart would have forgotten the old ones: another fork has answered our offer. */
	if (media_ice_is_other(m, d.ufrag, d.pwd))
		media_ice_forget_remote(m);
	return media_ice_remote(m, &r, agreed_one_component(st), c, k);
}
