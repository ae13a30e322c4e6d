/* service/call/session_sdp.c -- the offers and answers of a session, by what its endpoint
 * says, and the media that they set. The rules of RFC 3264 are sdp/negotiate's. */
#define LOG_MODULE "sdp"
#include "service/place/endpoint_state.h"
#include "base/log.h"
#include "base/num.h"
#include "media/agreed.h"
#include "service/call/channel_tech.h"
#include "service/call/codecs.h"
#include "service/call/session.h"
#include "service/call/session_t38.h"
#include "service/common/ice.h"
#include <errno.h>

/* ---- what the endpoint says, in the words of sdp/ ------------------------------- */

static void endpoint_formats(const struct endpoint *ep, struct formats *out)
{
	*out = (struct formats){ 0 };
	for (size_t i = 0; ep->allow && i < ep->allow->n; i++) {
		const struct format *f = format_by_name(ep->allow->v[i].name);

		if (f)
			formats_add(out, f->id, num_u8(ep->allow->v[i].ptime));
	}
}

/* Calls to the endpoint have their own order, in our offers and for its later ones. */
static struct format_pref call_pref(const struct session *s)
{
	static const struct format_pref rows[] = {
		[OFFER_PREF_LOCAL] = { .prefer_local = true },
		[OFFER_PREF_LOCAL_FIRST] = { .prefer_local = true, .first = true },
		[OFFER_PREF_REMOTE] = { .prefer_local = false },
		[OFFER_PREF_REMOTE_FIRST] = { .prefer_local = false, .first = true },
		[OFFER_PREF_LOCAL_MERGE] = { .prefer_local = true, .op = FORMAT_UNION },
		[OFFER_PREF_REMOTE_MERGE] = { .prefer_local = false, .op = FORMAT_UNION },
	};
	const struct endpoint *ep = s->ep;
	struct format_pref p;

	if (!s->incoming)
		return rows[ep->outgoing_call_offer_pref % ARRAY_LEN(rows)];
	p = rows[ep->incoming_call_offer_pref % ARRAY_LEN(rows)];
	p.first |= ep->preferred_codec_only;
	return p;
}

void session_formats(struct session *s, struct formats *out)
{
	if (s->formats.has_offer)
		*out = s->formats.offer;
	else
		endpoint_formats(s->ep, out);
}

static void fill_prm(struct session *s, struct neg_prm *p)
{
	const struct endpoint *ep = s->ep;
	bool auto_mode = s->dtmf_mode == DTMF_AUTO || s->dtmf_mode == DTMF_AUTO_INFO;

	*p = (struct neg_prm){ .owner = ep->sdp_owner, .session = ep->sdp_session, .pref_in = call_pref(s),
		.max_audio = (uint8_t)(ep->max_audio_streams > 16 ? 16 : ep->max_audio_streams),
		.max_video = (uint8_t)(ep->max_video_streams > 16 ? 16 : ep->max_video_streams),
		.telephone_event = s->dtmf_mode == DTMF_RFC4733 || auto_mode, .use_ptime = ep->use_ptime, .use_avpf = ep->use_avpf,
		.force_avp = ep->force_avp, .use_received_transport = ep->media_use_received_transport,
		.rtcp_mux = ep->rtcp_mux && (!session_is_direct(s) || s->direct.rtcp_mux), .bundle = ep->bundle,
		.compact = s->conf->system->compact_headers, .g726_swapped = ep->g726_non_standard, .opus = s->svc->rtp.codecs.opus };
	session_formats(s, &p->formats);
	session_secure_prm(s, p);
}

/* Makes s->neg. */
static int start(struct session *s)
{
	struct neg_prm p;

	fill_prm(s, &p);
	if (!s->neg)
		return neg_new(&s->neg, &p);
	neg_set(s->neg, &p);
	return 0;
}

void session_media_close(struct session *s)
{
	if (s->neg)
		neg_ports_close(s->neg);
}

/* ---- putting the negotiation in force ------------------------------------------------ */

static enum media_dtmf dtmf_of(struct session *s, const struct neg_stream *st)
{
	switch (s->dtmf_mode) {
	case DTMF_INBAND:
		return MEDIA_DTMF_INBAND;
	case DTMF_INFO:
	case DTMF_NONE:
		return MEDIA_DTMF_NONE;
	case DTMF_AUTO:
		return st->nevents ? MEDIA_DTMF_RFC4733 : MEDIA_DTMF_INBAND;
	case DTMF_AUTO_INFO:
		return st->nevents ? MEDIA_DTMF_RFC4733 : MEDIA_DTMF_NONE;
	default:
		return MEDIA_DTMF_RFC4733;
	}
}

static void apply_stream(struct session *s, struct neg_stream *st)
{
	struct media_set set;
	bool hold = st->remote_hold || st->local_hold;

	agreed_set(&set, st, s->dtls.identity);
	set.dtmf = dtmf_of(s, st);
	set.rest = session_direct_rests(s, st);
	set.symmetric = s->ep->rtp_symmetric;
	set.asymmetric_codec = s->ep->asymmetric_rtp_codec;
	set.keepalive_ms = num_ms_of_s(s->ep->rtp_keepalive);
	set.timeout_ms = num_ms_of_s(hold ? s->ep->rtp_timeout_hold : s->ep->rtp_timeout);
	codecs_encoder(&set.encoder, &s->svc->rtp.codecs, st);
	if (st->type == MEDIA_IMAGE)
		session_t38_set(s, &set);
	if (media_session_set(session_stream_media(st), &set))
		log_error("media of '%s' could not be set", s->ch ? text_z(&s->ch->name) : "?");
	else
		media_listen(session_stream_media(st), session_tones_wanted(s, st));
	explicit_bzero(&set.secure, sizeof(set.secure));
}

static void note_hold(struct session *s)
{
	struct neg_stream *st = neg_first(s->neg, MEDIA_AUDIO);
	bool hold = st && st->remote_hold;

	if (hold == s->holds || !session_is_up(s) || s->ep->suppress_moh_on_sendonly)
		return;
	s->holds = hold;
	if (s->ch) {
		struct chan_event *e = chan_event_new(hold ? CE_HOLD : CE_UNHOLD);

		if (e && hold)
			text_set(&e->text, s->ep->moh_suggest);
		if (e)
			channel_event(s->ch, e);
	}
}

void session_media_apply(struct session *s)
{
	for (size_t i = 0; i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);

		if (st->active && st->port)
			apply_stream(s, st);
	}
	session_ice_apply(s);
	neg_ports_close_unused(s->neg);
	if (s->ch) {
		struct neg_stream *st = neg_first(s->neg, MEDIA_AUDIO);

		/* Digits by INFO, or none: media must not pass what comes in RTP as if it had. */
		s->ch->digits_in_media = st && dtmf_of(s, st) != MEDIA_DTMF_NONE;
	}
	neg_formats(s->neg, &s->formats.native);
	if (s->ch)
		session_streams_join(s);
	note_hold(s);
	if (s->ch)
		channel_event_simple(s->ch, CE_MEDIA);
	session_t38_settle(s);
}

/* ---- offers and answers ------------------------------------------------------------------ */

static int parse(struct session *s, struct str body, struct sdp **sdp)
{
	int err = sdp_parse(sdp, body);

	if (err)
		log_notice("SDP of '%.*s' cannot be read: %s", STR_ARG(s->ep->name), strerror(err));
	return err;
}

/* A number of the dynamic range says nothing without its rtpmap (RFC 3551 3). */
static bool is_complete(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->nmedia; i++) {
		const struct sdp_media *m = &sdp->media[i];

		for (size_t k = 0; m->port && k < m->nrtpmap; k++)
			if (m->rtpmap[k].pt >= 96 && !m->rtpmap[k].encoding.n)
				return false;
	}
	return true;
}

/* What an offer says that no answer could cure; 0: nothing. */
static unsigned judge_offer(struct session *s, const struct sdp *sdp)
{
	if (!is_complete(sdp)) {
		log_notice("SDP of '%.*s' has a dynamic payload type without rtpmap", STR_ARG(s->ep->name));
		return 400;
	}
	return session_ice_is_good(s, sdp) ? 0 : 488;
}

/* One that the other leg's phone could not take brings the media back to us. */
static int offer_in(struct session *s, const struct sdp *sdp, enum neg_verdict *why)
{
	struct formats all, narrow;
	int err;

	if (!session_is_direct(s))
		return neg_offer_in(s->neg, sdp, NULL, why);
	session_formats(s, &all);
	session_direct_formats(s, &all, &narrow);
	err = neg_offer_in(s->neg, sdp, &narrow, why);
	if (err != EPROTO)
		return err;
	s->direct.addr = (struct sa){ 0 };
	return neg_offer_in(s->neg, sdp, NULL, why);
}

static unsigned take_offer(struct session *s, const struct sdp *sdp, bool fax)
{
	enum neg_verdict why = NEG_OK;
	struct neg_prm p;
	int err;

	fill_prm(s, &p);
	p.t38 = fax;
	neg_set(s->neg, &p);
	if (fax)
		session_t38_keep(s);
	err = offer_in(s, sdp, &why);

	if (!err && session_ports_open(s)) {
		neg_rollback(s->neg);
		return 503;
	}
	if (!err)
		session_ice_begin(s);
	if (err == EPROTO) {
		reason_add(s->svc->reasons, REASON_CODEC, REASON_REFUSED, 488, s->ep->name,
			   &session_dialog(s)->path.peer, "%s", neg_why(s->neg, why));
		return 488;
	}
	return err ? shares_status(err) : 0;
}

static unsigned without_fax(struct session *s)
{
	struct sdp *offer = obj_hold((void *)(uintptr_t)neg_remote(s->neg));
	unsigned status;

	neg_rollback(s->neg);
	status = offer ? take_offer(s, offer, false) : 488;
	obj_drop(offer);
	return status;
}

unsigned session_offer_came(void *arg, struct str body)
{
	struct session *s = arg;
	struct sdp *sdp = NULL;
	unsigned status;
	bool fax;

	if (start(s))
		return 503;
	if (parse(s, body, &sdp))
		return 400;
	status = judge_offer(s, sdp);
	fax = session_t38_fits(s, sdp);
	if (!status && fax && !session_t38_get(s))
		status = 503;
	if (!status)
		status = take_offer(s, sdp, fax);
	obj_drop(sdp);
	s->direct.their_offer |= !status;
	return !status && fax && session_t38_must_wait(s, without_fax) ? UA_INVITE_LATER : status;
}

unsigned session_offer_again(struct session *s)
{
	if (ua_invite_exchange(s->iv) == UA_EXCHANGE_THEIRS)
		return ua_invite_offer_again(s->iv);
	return start(s) ? 500 : 0;
}

int session_answer_make(void *arg, struct buf *b)
{
	struct session *s = arg;
	int err = session_ice_answer(s);

	session_streams_limit(s);
	session_t38_write(s);
	if (!err)
		err = neg_answer_out(s->neg, b);

	if (!err)
		session_media_apply(s);
	return err;
}

/* Whoever calls without an offer may have all; whom we call gets video only
 * when the caller has it too, so that nothing is offered that nobody will send. */
static bool wants_video(struct session *s, bool no_audio)
{
	return s->ep->max_video_streams &&
	       (s->incoming || no_audio || formats_has_type(&s->formats.caller, MEDIA_VIDEO));
}

/* What PJSIP_MEDIA_OFFER names, or what the caller speaks joined with ours. */
static void first_formats(const struct session *s, const struct formats *all, enum media_type t, struct formats *out)
{
	*out = (struct formats){ 0 };
	if (s->formats.has_offer || !s->formats.caller.n)
		formats_add_all(out, all, t);
	else if (formats_has_type(&s->formats.caller, t))
		formats_join(out, all, &s->formats.caller, t, call_pref(s));
}

/* As many as the caller has. */
static size_t videos_wanted(const struct session *s)
{
	size_t n = s->caller ? session_streams_videos(s->caller) : 1;

	return n < s->ep->max_video_streams ? n : s->ep->max_video_streams;
}

static int first_offer(struct session *s, const struct formats *all)
{
	struct formats sound, video;
	bool audio;
	size_t i;
	int err = 0;

	first_formats(s, all, MEDIA_AUDIO, &sound);
	first_formats(s, all, MEDIA_VIDEO, &video);
	if (!sound.n && !video.n) {     /* nothing in common with the caller */
		formats_add_all(&sound, all, MEDIA_AUDIO);
		formats_add_all(&video, all, MEDIA_VIDEO);
	}
	audio = sound.n && s->ep->max_audio_streams;
	for (size_t k = 0; !err && audio && k < session_streams_sounds(s); k++)
		err = neg_stream_add(s->neg, MEDIA_AUDIO, &sound, &i);
	if (err || !video.n || !wants_video(s, !audio))
		return err;
	for (size_t k = 0; !err && k < videos_wanted(s); k++)
		err = neg_stream_add(s->neg, MEDIA_VIDEO, &video, &i);
	return err;
}

/* What is spoken now, unless the dialplan or the configuration wants more. */
static void formats_now(struct session *s, const struct neg_stream *st, const struct formats *all, struct formats *out)
{
	*out = (struct formats){ 0 };
	if (session_is_direct(s) && st->type == MEDIA_AUDIO)
		*out = s->direct.formats;
	else if (!s->formats.has_offer && !s->conf->global->all_codecs_on_empty_reinvite)
		for (size_t k = 0; k < st->ncodecs; k++)
			formats_add(out, (enum format_id)st->codecs[k].id, 0);
	if (!out->n)
		formats_add_all(out, all, st->type);
}

static int again_offer(struct session *s, const struct formats *all)
{
	for (size_t i = 0; i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);
		struct formats wanted;

		if (!st->active)
			continue;
		formats_now(s, st, all, &wanted);
		if (wanted.n)
			neg_stream_set(s->neg, i, &wanted, true);
		if (st->type == MEDIA_AUDIO)
			neg_hold(s->neg, i, s->local_hold);
	}
	session_streams_plan(s);
	session_streams_reduce(s);
	return 0;
}

static int make_offer(struct session *s, struct buf *b)
{
	struct neg_prm p;
	int err;

	fill_prm(s, &p);
	if (session_t38_offer(s, &p.formats, &err))
		s->ice.prepared = false;
	else if (!neg_count(s->neg))
		err = first_offer(s, &p.formats);
	else
		err = s->ice.prepared ? 0 : again_offer(s, &p.formats);
	s->ice.prepared = false;
	session_streams_limit(s);
	session_t38_write(s);
	if (!err)
		err = session_ports_open(s);
	if (!err)
		err = session_ice_offer(s);
	return err ? err : neg_offer_out(s->neg, b);
}

bool session_offer_prepare(struct session *s, const struct net_path *path)
{
	struct neg_prm p;
	int err;

	/* Once: another address, and credentials, find them as they are. */
	if (s->neg || !service_ice_asks(s->svc) || !s->ep->ice_support)
		return false;
	s->way = path;
	fill_prm(s, &p);
	err = start(s);
	err = err ? err : first_offer(s, &p.formats);
	err = err ? err : session_ports_open(s);
	err = err ? err : session_ice_offer(s);
	s->way = NULL;
	/* session_offer_make() begins anew, and says what is wrong. */
	if (err)
		s->neg = obj_drop(s->neg);
	s->ice.prepared = !err;
	return !err;
}

/* Who may speak nothing calls without an offer: the peer makes one. */
int session_offer_make(void *arg, struct buf *b)
{
	struct session *s = arg;
	int err = start(s);

	if (err)
		return err;
	err = make_offer(s, b);
	if (!err)
		return 0;
	neg_rollback(s->neg);
	return err == EINVAL && !neg_count(s->neg) ? ENODATA : err;
}

unsigned session_answer_came(void *arg, struct str body)
{
	struct session *s = arg;
	enum neg_verdict why = NEG_OK;
	struct neg_prm p;
	struct sdp *sdp;
	int err;
	bool ice;

	if (parse(s, body, &sdp))
		return 488;
	/* PJSIP_MEDIA_OFFER narrows what we offer, not what the endpoint may speak. */
	fill_prm(s, &p);
	endpoint_formats(s->ep, &p.formats);
	neg_set(s->neg, &p);
	ice = session_ice_is_good(s, sdp);      /* else it has said why */
	err = ice ? neg_answer_in(s->neg, sdp, &why) : EBADMSG;
	obj_drop(sdp);
	if (!ice)
		return 488;
	if (err) {
		log_notice("SDP answer of '%.*s' refused: %s", STR_ARG(s->ep->name), neg_why(s->neg, why));
		reason_add(s->svc->reasons, REASON_CODEC, REASON_REFUSED, 488, s->ep->name,
			   &session_dialog(s)->path.peer, "%s", neg_why(s->neg, why));
		return 488;
	}
	s->direct.their_offer = false;
	/* Streams that were put together move to the port of the first of them. */
	if (session_ports_follow(s))
		return 500;
	if (s->incoming || session_is_up(s))
		neg_answer_settled(s->neg);
	session_t38_read(s);
	session_media_apply(s);
	session_streams_tell(s, false);
	return 0;
}

void session_exchange_failed(void *arg)
{
	struct session *s = arg;

	if (!s->neg)
		return;
	session_ice_undo(s);
	neg_rollback(s->neg);
	session_t38_failed(s);
}
