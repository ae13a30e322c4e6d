#define LOG_MODULE "sdp"
#include "base/log.h"
#include "service/channel_tech.h"
#include "service/session.h"
#include <errno.h>

/* ---- what the endpoint says, in the words of sdp/ ------------------------------- */

static void endpoint_formats(const struct endpoint *ep, struct formats *out)
{
	*out = (struct formats){ 0 };
	for (size_t i = 0; ep->allow && i < ep->allow->n; i++) {
		const struct format *f = format_by_name(ep->allow->v[i].name);

		if (f)
			formats_add(out, f->id, (uint8_t)ep->allow->v[i].ptime);
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

enum endpoint_dtmf_mode session_dtmf(struct session *s)
{
	return (enum endpoint_dtmf_mode)s->dtmf_mode;
}

void session_formats(struct session *s, struct formats *out)
{
	if (s->has_offer_formats)
		*out = s->offer_formats;
	else
		endpoint_formats(s->ep, out);
}

bool session_needs_srtp(const struct endpoint *ep)
{
	return ep->media_encryption != ENCRYPTION_NO && !ep->media_encryption_optimistic;
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
		.rtcp_mux = ep->rtcp_mux, .bundle = ep->bundle,
		.g726_swapped = ep->g726_non_standard, .t38 = ep->t38_udptl };
	session_formats(s, &p->formats);
}

int session_sdp_start(struct session *s)
{
	struct neg_prm p;

	fill_prm(s, &p);
	if (!s->neg)
		return neg_new(&s->neg, &p);
	neg_set(s->neg, &p);
	return 0;
}

/* ---- ports ------------------------------------------------------------------------ */

static const struct net_path *path_of(struct session *s)
{
	if (s->uac)
		return request_path(s->uac);
	if (s->dlg)
		return &s->dlg->path;
	return s->uas ? &s->uas->path : NULL;
}

static void on_media(void *arg, struct media_session *m, const struct media_event *e)
{
	struct session *s = arg;

	(void)m;
	if (!s->ch || channel_media_event(s->ch, e) || e->type != MEDIA_TIMEOUT)
		return;
	log_notice("Disconnecting channel '%s' for lack of audio RTP activity in %u seconds",
		   text_z(&s->ch->name), e->ms / 1000);
	channel_soft_hangup(s->ch, CAUSE_NO_CIRCUIT, SOFT_TIMEOUT);
}

/* The address the socket is bound to: any, unless the endpoint pins it down. */
static void bind_address(struct session *s, const struct sa *shown, struct sa *bind)
{
	if (s->ep->bind_rtp_to_media_address && s->ep->media_address.n)
		*bind = *shown;
	else
		sa_parse(bind, sa_is_v6(shown) ? STR("::") : STR("0.0.0.0"));
}

static int open_stream(struct session *s, struct neg_stream *st)
{
	struct media_session_prm prm = { .type = st->type, .port_min = (uint16_t)s->ep->rtp_port_start,
		.port_max = (uint16_t)s->ep->rtp_port_end,
		.tos = st->type == MEDIA_VIDEO ? s->ep->tos_video : s->ep->tos_audio,
		.cos = (int)(st->type == MEDIA_VIDEO ? s->ep->cos_video : s->ep->cos_audio),
		.rtcp_mux = s->ep->rtcp_mux, .near = session_audio(s),
		.fn = st->type == MEDIA_AUDIO ? on_media : NULL, .arg = s };
	const struct net_path *path = path_of(s);
	struct media_session *m;
	struct sa shown;
	int err;

	if (!path)
		return EDESTADDRREQ;
	service_media_address(s->svc, s->ep, path, &shown);
	if (st->user) {
		m = st->user;
	} else if (s->svc->media) {
		bind_address(s, &shown, &prm.bind);
		if (!prm.tos)
			prm.tos = -1;
		if (!prm.cos)
			prm.cos = -1;
		err = share_take(&s->account, SHARE_PORT);
		if (!err)
			err = media_session_new(&m, s->svc->media, &prm);
		if (err && err != EDQUOT)
			share_give(&s->account, SHARE_PORT);
		if (err) {
			log_error("no RTP port for '%.*s': %s", STR_ARG(s->ep->name), strerror(err));
			return err;
		}
		st->user = m;
	} else {
		sa_set_port(&shown, 4000);      /* loop tests without media */
		st->local = shown;
		return 0;
	}
	sa_set_port(&shown, sa_port(media_session_local(m)));
	st->local = shown;
	return 0;
}

/* A stream that we are about to offer for the first time is not in force yet. */
static bool needs_port(const struct neg_stream *st)
{
	return st->type <= MEDIA_TEXT && (st->active || (!st->media && st->wanted.n));
}

static int open_streams(struct session *s)
{
	int err = 0;

	for (size_t i = 0; !err && i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);

		if (needs_port(st))
			err = open_stream(s, st);
	}
	return err;
}

struct media_session *session_audio(struct session *s)
{
	struct neg_stream *st = s->neg ? neg_first(s->neg, MEDIA_AUDIO) : NULL;

	return st ? st->user : NULL;
}

void session_media_close(struct session *s)
{
	for (size_t i = 0; s->neg && i < neg_count(s->neg); i++) {
		struct neg_stream *st = neg_stream(s->neg, i);

		if (st->user) {
			media_session_close(st->user, NULL, NULL);
			share_give(&s->account, SHARE_PORT);
		}
		st->user = NULL;
	}
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
	struct media_set set = { .remote = st->remote, .remote_rtcp = st->remote_rtcp, .dir = st->dir,
		.dtmf = dtmf_of(s, st), .inband_detect = s->dtmf_mode == DTMF_INBAND,
		.symmetric = s->ep->rtp_symmetric, .asymmetric_codec = s->ep->asymmetric_rtp_codec,
		.rtcp_mux = st->rtcp_mux, .keepalive_ms = s->ep->rtp_keepalive * 1000 };
	bool hold = st->remote_hold || st->local_hold;

	set.timeout_ms = (hold ? s->ep->rtp_timeout_hold : s->ep->rtp_timeout) * 1000;
	for (size_t i = 0; i < st->ncodecs && i < MEDIA_MAX_CODECS; i++)
		set.codec[set.ncodecs++] = (struct media_codec){ st->codecs[i].id, st->codecs[i].pt_rx,
			st->codecs[i].pt_tx, st->codecs[i].ptime };
	for (size_t i = 0; i < st->nevents && i < MEDIA_MAX_EVENTS; i++) {
		set.event[i].rate = st->events[i].rate;
		set.event[i].pt_rx = st->events[i].pt_rx;
		set.event[i].pt_tx = st->events[i].pt_tx;
		set.nevents++;
	}
	if (media_session_set(st->user, &set))
		log_error("media of '%s' could not be set", s->ch ? text_z(&s->ch->name) : "?");
}

static void note_hold(struct session *s)
{
	struct neg_stream *st = neg_first(s->neg, MEDIA_AUDIO);
	bool hold = st && st->remote_hold;

	if (hold == s->remote_hold || s->st != SESSION_UP)
		return;
	s->remote_hold = hold;
	if (s->state_of) {
		s->state_of->onhold += hold ? 1u : -1u;
		endpoint_changed(s->svc, s->ep->name);
	}
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

		if (!st->user)
			continue;
		if (st->active) {
			apply_stream(s, st);
		} else {
			media_session_close(st->user, NULL, NULL);
			share_give(&s->account, SHARE_PORT);
			st->user = NULL;
		}
	}
	if (s->ch) {
		struct neg_stream *st = neg_first(s->neg, MEDIA_AUDIO);

		/* Digits by INFO, or none: media must not pass what comes in RTP as if it had. */
		s->ch->digits_in_media = st && dtmf_of(s, st) != MEDIA_DTMF_NONE;
	}
	neg_formats(s->neg, &s->native);
	if (s->ch)
		session_streams_join(s);
	note_hold(s);
	if (s->ch)
		channel_event_simple(s->ch, CE_MEDIA);
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

unsigned session_offer_in(struct session *s, struct str body)
{
	enum neg_verdict why = NEG_OK;
	struct sdp *sdp;
	int err = session_sdp_start(s);

	if (err)
		return shares_status(err);
	if (session_needs_srtp(s->ep)) {
		log_error("'%.*s' has media_encryption, which is not there yet; the call is refused rather than sent "
			  "in the clear", STR_ARG(s->ep->name));
		return 488;
	}
	if (parse(s, body, &sdp))
		return 400;
	if (!is_complete(sdp)) {
		log_notice("SDP of '%.*s' has a dynamic payload type without rtpmap", STR_ARG(s->ep->name));
		obj_drop(sdp);
		return 400;
	}
	err = neg_offer_in(s->neg, sdp, NULL, &why);
	if (!err && open_streams(s))
		err = EMFILE;
	obj_drop(sdp);
	if (err == EPROTO) {
		reason_add(s->svc->reasons, REASON_CODEC, REASON_REFUSED, 488, s->ep->name,
			   &path_of(s)->peer, "%s", neg_verdict_text(why));
		return 488;
	}
	return err ? shares_status(err) : 0;
}

int session_answer_out(struct session *s, struct buf *b)
{
	int err = neg_answer_out(s->neg, b);

	if (!err)
		session_media_apply(s);
	return err;
}

/* Whoever calls without an offer may have all; whom we call gets video only
 * when the caller has it too, so that nothing is offered that nobody will send. */
static bool wants_video(struct session *s, bool no_audio)
{
	return s->ep->max_video_streams &&
	       (s->incoming || no_audio || formats_has_type(&s->caller_formats, MEDIA_VIDEO));
}

/* What PJSIP_MEDIA_OFFER names, or what the caller speaks joined with ours. */
static void first_formats(const struct session *s, const struct formats *all, enum media_type t, struct formats *out)
{
	*out = (struct formats){ 0 };
	if (s->has_offer_formats || !s->caller_formats.n)
		formats_add_all(out, all, t);
	else if (formats_has_type(&s->caller_formats, t))
		formats_join(out, all, &s->caller_formats, t, call_pref(s));
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
	if (audio)
		err = neg_stream_add(s->neg, MEDIA_AUDIO, &sound, &i);
	if (!err && video.n && wants_video(s, !audio))
		err = neg_stream_add(s->neg, MEDIA_VIDEO, &video, &i);
	return err;
}

/* What is spoken now, unless the dialplan or the configuration wants more. */
static void formats_now(struct session *s, const struct neg_stream *st, const struct formats *all, struct formats *out)
{
	*out = (struct formats){ 0 };
	if (!s->has_offer_formats && !s->conf->global->all_codecs_on_empty_reinvite)
		for (size_t k = 0; k < st->ncodecs; k++)
			formats_add(out, (enum format_id)st->codecs[k].id, 0);
	if (!out->n)
		formats_add_all(out, all, st->type);
}

static void again_offer(struct session *s, const struct formats *all)
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
}

int session_offer_out(struct session *s, struct buf *b)
{
	struct neg_prm p;
	int err = session_sdp_start(s);

	if (err)
		return err;
	fill_prm(s, &p);
	if (!neg_count(s->neg))
		err = first_offer(s, &p.formats);
	else
		again_offer(s, &p.formats);
	if (!err)
		err = open_streams(s);
	if (!err)
		err = neg_offer_out(s->neg, b);
	if (!err)
		s->offer_ours = true;
	return err;
}

unsigned session_answer_in(struct session *s, struct str body)
{
	enum neg_verdict why = NEG_OK;
	struct neg_prm p;
	struct sdp *sdp;
	int err;

	if (parse(s, body, &sdp))
		return 488;
	/* PJSIP_MEDIA_OFFER narrows what we offer, not what the endpoint may speak. */
	fill_prm(s, &p);
	endpoint_formats(s->ep, &p.formats);
	neg_set(s->neg, &p);
	err = neg_answer_in(s->neg, sdp, &why);
	obj_drop(sdp);
	s->offer_ours = false;
	if (err) {
		log_notice("SDP answer of '%.*s' refused: %s", STR_ARG(s->ep->name), neg_verdict_text(why));
		return 488;
	}
	session_media_apply(s);
	return 0;
}

void session_offer_failed(struct session *s)
{
	if (!s->offer_ours)
		return;
	s->offer_ours = false;
	neg_rollback(s->neg);
}
