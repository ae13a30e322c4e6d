/* phone/media_apply.c -- what both descriptions of a call have agreed, in force, and how it stands then. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>

static enum media_dtmf dtmf_of(const struct phone_call *c)
{
	if (c->m->conf.digits == SIDETONE_DIGITS_INBAND)
		return MEDIA_DTMF_INBAND;
	return c->rtp_digits ? MEDIA_DTMF_RFC4733 : MEDIA_DTMF_NONE;
}

/* The peer has named telephone-event at some rate. */
static bool takes_events(const struct neg_stream *st)
{
	for (size_t i = 0; i < st->nevents; i++)
		if (st->events[i].pt_tx != 255)
			return true;
	return false;
}

static void apply_stream(struct phone_call *c, const struct neg_stream *st)
{
	static const struct opus_fmtp ours = { .max_playback = OPUS_RATE, .max_capture = OPUS_RATE, .fec = true };
	static const struct codec_prm base = { .max_rate = OPUS_RATE };
	struct media_set set;
	int err;

	agreed_set(&set, st, phone_identity(c));
	c->rtp_digits = takes_events(st);
	set.dtmf = dtmf_of(c);
	set.symmetric = true;
	set.timeout_ms = st->dir & SDP_RECVONLY ? c->m->conf.silence_ms : 0;
	agreed_encoder(&set.encoder, &ours, &base, st);
	if (set.secure.mode != MEDIA_DTLS || !crypto_fingerprint_eq(&c->peer, &set.secure.fingerprint) || c->on != phone_port(st))
		c->keyed = false;
	c->peer = set.secure.fingerprint;
	err = media_session_set(phone_port(st), &set);
	explicit_bzero(&set.secure, sizeof(set.secure));
	if (err)
		log_error("media cannot be set: %s", strerror(err));
	c->agreed = !err;
}

void phone_apply(struct phone_call *c)
{
	struct neg_stream *st = phone_stream(c);

	c->agreed = false;
	if (st && phone_port(st))
		apply_stream(c, st);
	else
		c->on = NULL;
	phone_ice_apply(c);
	neg_ports_close_unused(c->neg);
	phone_sound_apply(c);
}

void phone_tell_agreed(struct phone_call *c)
{
	phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_AGREED });
}

/* ---- how it stands */

static bool has_path(const struct phone_call *c, struct media_session *ms)
{
	return (!media_ice_is_on(ms) || media_ice_state(ms) == ICE_CONNECTED) && (c->keyed || c->peer.n == 0);
}

static void fill_state(struct phone_call *c, const struct neg_stream *st, struct sidetone_media_state *out)
{
	static const enum sidetone_encryption how[] = { [NEG_CLEAR] = SIDETONE_PLAIN, [NEG_SDES] = SIDETONE_SDES,
		[NEG_DTLS] = SIDETONE_DTLS };
	struct media_session *ms = phone_port(st);
	const struct format *f = format_get(st->ncodecs ? (enum format_id)st->codecs[0].id : FORMAT_NONE);
	bool path = has_path(c, ms);

	*out = (struct sidetone_media_state){ .agreed = true, .codec = f->name, .rate = f->rate,
		.ptime = st->ncodecs && st->codecs[0].ptime ? st->codecs[0].ptime : f->ptime, .receives = (st->dir & SDP_RECVONLY) && path,
		.held = st->want != SDP_SENDRECV, .held_by_peer = st->remote_hold, .muted = c->muted,
		.encryption = how[st->secure.mode], .ice = media_ice_is_on(ms) ? ice_state_name(media_ice_state(ms)) : "off",
		.digits_by_rtp = c->rtp_digits };
	out->sends = (st->dir & SDP_SENDONLY) && path && sa_is_set(&st->remote) && (!sa_is_any(&st->remote) || media_ice_is_on(ms)) &&
		     c->source.type != SIDETONE_NOTHING;
	sa_text(&st->local, out->local);
	if (sa_is_set(&st->remote))
		sa_text(&st->remote, out->remote);
}

int sidetone_media_state(struct sidetone_media *m, struct sidetone_session *s, struct sidetone_media_state *out)
{
	struct phone_call *c = phone_call_of(m, s);
	const struct neg_stream *st = c ? phone_stream(c) : NULL;

	_Static_assert(sizeof(out->local) >= SA_TEXT, "room for an address");
	*out = (struct sidetone_media_state){ .codec = "", .ice = "off" };
	if (!c)
		return ENOENT;
	out->muted = c->muted;
	/* What was prepared for an offer is nobody's word yet. */
	if (c->agreed && st && phone_port(st))
		fill_state(c, st, out);
	return 0;
}

/* ---- numbers */

static void on_stats(void *arg, const struct media_stats *st)
{
	struct phone_call *c = arg;

	if (st && c->m) {
		struct sidetone_media_stats out = { .sent = st->tx, .sent_bytes = st->tx_bytes, .received = st->rx,
			.received_bytes = st->rx_bytes, .lost = st->rx_lost, .lost_there = st->remote_lost,
			.dropped = st->dropped_source + st->dropped_bad, .jitter_ms = st->rx_jitter_ms,
			.jitter_there_ms = st->remote_jitter_ms, .rtt_ms = st->rtt_ms };

		phone_tell(c, &(struct sidetone_media_event){ .type = SIDETONE_MEDIA_STATS, .stats = &out });
	}
	obj_drop(c);
}

int sidetone_media_ask_stats(struct sidetone_media *m, struct sidetone_session *s)
{
	struct phone_call *c = phone_call_of(m, s);
	struct neg_stream *st = c && c->agreed ? phone_stream(c) : NULL;
	int err = phone_port(st) ? media_stats(phone_port(st), on_stats, obj_hold(c)) : ENOTCONN;

	if (err && err != ENOTCONN)
		obj_drop(c);
	return err;
}
