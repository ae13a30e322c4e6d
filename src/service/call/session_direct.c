/* service/call/session_direct.c -- direct media: when the peers of two legs may send to one another, and what our
 * offers and answers say then. The bridge asks (pbx/bridge_native.c); session_sdp.c writes. */
#define LOG_MODULE "session"
#include "service/place/endpoint_state.h"
#include "base/log.h"
#include "media/ice_media.h"
#include "service/call/channel_tech.h"
#include "service/call/session.h"

static struct neg_stream *sound(const struct session *s)
{
	return s->neg ? neg_first(s->neg, MEDIA_AUDIO) : NULL;
}

/* ---- what one leg allows */

/* Where its sound really comes from, if that is not where its SDP said. */
static bool is_elsewhere(const struct session *s, const struct neg_stream *st)
{
	return sa_is_set(&s->direct.heard) && sa_eq(&s->direct.heard_for, &st->remote) &&
	       sa_is_v6(&s->direct.heard) == sa_is_v6(&st->remote) && !sa_eq(&s->direct.heard, &st->remote);
}

/* Its messages name another address as its own than they come from. */
static bool is_signalling_translated(const struct session *s)
{
	const struct sip_msg *msg = s->incoming ? s->seen.invite : s->seen.response;
	struct sip_addr a;
	struct sa written;

	return msg && !sip_addr_parse(&a, sip_hdr_value(msg, SIP_H_CONTACT)) && !sa_parse_host(&written, a.uri.host, 1) &&
	       !sa_eq_host(&written, &msg->from_path.peer);
}

/* Asterisk asks for this too, and passes "no" to itself everywhere. */
static bool is_kept_by_nat(const struct session *s, const struct neg_stream *st)
{
	return s->ep->disable_direct_media_on_nat && (is_elsewhere(s, st) || is_signalling_translated(s));
}

static enum channel_native alone(struct session *s)
{
	struct neg_stream *st = sound(s);
	struct media_session *m = st ? session_stream_media(st) : NULL;

	if (!st || neg_first(s->neg, MEDIA_VIDEO) || neg_first(s->neg, MEDIA_IMAGE) ||
	    s->ep->media_encryption != ENCRYPTION_NO || st->secure.mode != NEG_CLEAR)
		return CHAN_NATIVE_NO;
	/* A peer with ICE or BUNDLE sends where it has checked, whatever c= says. */
	if (!s->ep->direct_media || (m && media_ice_is_on(m)) || st->mid.n || is_kept_by_nat(s, st))
		return CHAN_NATIVE_HERE;
	return CHAN_NATIVE_DIRECT;
}

/* ---- what two have in common */

static const struct neg_codec *codec_of(const struct neg_stream *st, enum format_id id)
{
	for (size_t i = 0; i < st->ncodecs; i++)
		if (st->codecs[i].id == id)
			return &st->codecs[i];
	return NULL;
}

static bool is_common(const struct neg_stream *a, const struct neg_stream *b)
{
	for (size_t i = 0; i < a->ncodecs; i++)
		if (codec_of(b, (enum format_id)a->codecs[i].id))
			return true;
	return false;
}

/* Each peer sends under the number that our SDP gave it, and the other takes it by its own: nobody translates. */
static bool is_same_number(const struct neg_stream *st, const struct neg_codec *theirs)
{
	const struct format *f = format_get((enum format_id)theirs->id);
	const struct neg_codec *ours = codec_of(st, (enum format_id)theirs->id);

	if (!ours)
		return f->fixed_pt && theirs->pt_rx == f->pt && theirs->pt_tx == f->pt;
	return ours->pt_rx == theirs->pt_tx && ours->pt_tx == theirs->pt_rx;
}

/* What the peer of `s` may send to that of `o`. */
static void formats_for(struct session *s, const struct neg_stream *st, const struct neg_stream *o, struct formats *out)
{
	struct formats all;

	session_formats(s, &all);
	*out = (struct formats){ 0 };
	for (unsigned i = 0; i < all.n; i++) {
		const struct neg_codec *c = codec_of(o, (enum format_id)all.v[i].id);

		if (c && is_same_number(st, c))
			formats_add(out, (enum format_id)all.v[i].id, all.v[i].ptime);
	}
}

enum digits { DIGITS_NONE, DIGITS_EVENTS, DIGITS_SOUND, DIGITS_INFO };

static enum digits digits_of(const struct session *s, const struct neg_stream *st)
{
	switch (s->dtmf_mode) {
	case DTMF_INBAND:
		return DIGITS_SOUND;
	case DTMF_INFO:
		return DIGITS_INFO;
	case DTMF_NONE:
		return DIGITS_NONE;
	case DTMF_AUTO:
		return st->nevents ? DIGITS_EVENTS : DIGITS_SOUND;
	case DTMF_AUTO_INFO:
		return st->nevents ? DIGITS_EVENTS : DIGITS_INFO;
	default:
		return st->nevents ? DIGITS_EVENTS : DIGITS_NONE;
	}
}

/* Where they differ, we are the one who translates. */
static bool digits_fit(const struct session *a, const struct neg_stream *sa, const struct session *b, const struct neg_stream *sb)
{
	enum digits da = digits_of(a, sa), db = digits_of(b, sb);

	if (da == DIGITS_NONE || db == DIGITS_NONE)
		return true;
	return da == db && (da != DIGITS_EVENTS ||
			    (sa->events[0].pt_rx == sb->events[0].pt_tx && sa->events[0].pt_tx == sb->events[0].pt_rx));
}

enum channel_native session_native(struct channel *cha, struct channel *chb)
{
	struct session *a = session_of_channel(cha), *b = session_of_channel(chb);
	enum channel_native na = a ? alone(a) : CHAN_NATIVE_NO, nb = b ? alone(b) : CHAN_NATIVE_NO;
	struct neg_stream *sa, *sb;
	struct formats fa, fb;

	if (na == CHAN_NATIVE_NO || nb == CHAN_NATIVE_NO)
		return CHAN_NATIVE_NO;
	sa = sound(a);
	sb = sound(b);
	if (!is_common(sa, sb) || sa->ptime != sb->ptime)
		return CHAN_NATIVE_NO;
	if (na != CHAN_NATIVE_DIRECT || nb != CHAN_NATIVE_DIRECT || !digits_fit(a, sa, b, sb) ||
	    sa_is_v6(&sa->remote) != sa_is_v6(&sb->remote))
		return CHAN_NATIVE_HERE;
	formats_for(a, sa, sb, &fa);
	formats_for(b, sb, sa, &fb);
	return fa.n && fb.n ? CHAN_NATIVE_DIRECT : CHAN_NATIVE_HERE;
}

/* ---- telling a peer */

/* As an offer or answer to the peer of `s` shall have it; false: there is no address to name. */
static bool describe(struct session *s, const struct session *o, struct session_direct *d)
{
	struct neg_stream *st = sound(s), *theirs = sound(o);

	if (!st || !theirs)
		return false;
	d->addr = theirs->remote;
	d->rtcp = theirs->remote_rtcp;
	if (o->ep->rtp_symmetric && is_elsewhere(o, theirs)) {
		d->addr = o->direct.heard;
		d->rtcp = (struct sa){ 0 };
	}
	d->rtcp_mux = theirs->rtcp_mux;
	formats_for(s, st, theirs, &d->formats);
	return sa_is_set(&d->addr) && sa_port(&d->addr) && !sa_is_any(&d->addr) && sa_is_v6(&d->addr) == sa_is_v6(&st->remote);
}

static bool same_formats(const struct formats *a, const struct formats *b)
{
	bool same = a->n == b->n;

	for (unsigned i = 0; same && i < a->n; i++)
		same = a->v[i].id == b->v[i].id;
	return same;
}

/* direct_media_glare_mitigation: the server at the other end tells its leg first, and so our answer brings the address. */
static bool is_left_out(struct session *s)
{
	bool first = !s->direct.tried;

	s->direct.tried = true;
	return first && s->ep->direct_media_glare_mitigation == (s->incoming ? GLARE_INCOMING : GLARE_OUTGOING);
}

void session_direct(struct channel *ch, struct channel *peer)
{
	struct session *s = session_of_channel(ch), *o = session_of_channel(peer);
	struct session_direct d = { 0 }, *now;
	bool changed;

	if (!s || !s->neg)
		return;
	now = &s->direct;
	if (o && !describe(s, o, &d))
		o = NULL;
	if (!o)
		d = (struct session_direct){ 0 };
	changed = !sa_eq(&d.addr, &now->addr);
	/* Its answer to us may have fewer codecs than it can: only what it offers by itself is new. */
	changed |= o && o->direct.their_offer && !same_formats(&d.formats, &now->formats);
	if (!changed)
		return;
	now->addr = d.addr;
	now->rtcp = d.rtcp;
	now->rtcp_mux = d.rtcp_mux;
	now->formats = d.formats;
	if (o && is_left_out(s))
		return;
	if (session_is_up(s) && !s->svc->pbx->stopping && sound(s))
		ua_invite_refresh(s->iv, s->ep->direct_media_method == REFRESH_UPDATE);
}

/* ---- in the SDP */

bool session_is_direct(const struct session *s)
{
	return sa_is_set(&s->direct.addr);
}

void session_direct_local(struct session *s, struct neg_stream *st)
{
	bool first = st == sound(s);

	if (st->type != MEDIA_AUDIO)
		return;
	if (first)
		s->direct.own = st->local;
	st->local_rtcp = (struct sa){ 0 };
	if (!first || !session_is_direct(s))
		return;
	st->local = s->direct.addr;
	st->local_rtcp = s->direct.rtcp;
}

bool session_direct_rests(const struct session *s, const struct neg_stream *st)
{
	return session_is_direct(s) && st == sound(s) && sa_eq(&st->local, &s->direct.addr);
}

void session_direct_formats(struct session *s, const struct formats *all, struct formats *out)
{
	*out = s->direct.formats;
	for (unsigned i = 0; i < all->n; i++)
		if (format_get((enum format_id)all->v[i].id)->type != MEDIA_AUDIO)
			formats_add(out, (enum format_id)all->v[i].id, all->v[i].ptime);
}

void session_direct_event(struct session *s, const struct media_event *e)
{
	struct neg_stream *st = e->type == MEDIA_SOURCE ? sound(s) : NULL;

	if (!st)
		return;
	s->direct.heard = e->peer;
	s->direct.heard_for = st->remote;
	if (s->ch && s->ep->disable_direct_media_on_nat)
		channel_heard_anew(s->ch);
}
