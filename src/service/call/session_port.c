/* service/call/session_port.c -- where a session's streams receive: RTP ports, held by the
 * streams of the negotiation, so that a port is closed with the last of them. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "service/call/channel_tech.h"
#include "service/call/session.h"
#include <errno.h>

/* Closing is all the freeing there is: the media thread does the rest by itself. */
static void port_free(void *arg)
{
	struct session_port *p = arg;

	media_session_close(p->m, NULL, NULL);
	if (p->s && !p->shared)
		share_give(&p->s->account, SHARE_PORT);
	obj_unpoint(p->s);
}

struct media_session *session_audio(struct session *s)
{
	struct neg_stream *st = s->neg ? neg_first(s->neg, MEDIA_AUDIO) : NULL;

	return st ? session_stream_media(st) : NULL;
}

static const struct net_path *path_of(struct session *s)
{
	const struct sip_dialog *d = session_dialog(s);

	return d ? &d->path : s->way;
}

static void on_media(void *arg, struct media_session *m, const struct media_event *e)
{
	struct session *s = arg;

	session_rtcp_event(s, m, e);
	if (e->type == MEDIA_SECURE)
		session_secure_event(s, e);
	session_ice_event(s, e);
	/* The channel is the sound's. */
	if (media_session_type(m) != MEDIA_AUDIO)
		return;
	session_tones_event(s, e);
	session_direct_event(s, e);
	if (e->type == MEDIA_FIRST_PACKET || e->type == MEDIA_SOURCE) {
		char peer[SA_TEXT];

		debug_line(s->svc, DEBUG_RTP, 1, "RTP of '%.*s': sound comes from %s", STR_ARG(s->ep->name), sa_text(&e->peer, peer));
	}
	if (!s->ch || channel_media_event(s->ch, e) || e->type != MEDIA_TIMEOUT)
		return;
	log_notice("Disconnecting channel '%s' for lack of audio RTP activity in %u seconds",
		   text_z(&s->ch->name), e->ms / 1000);
	channel_soft_hangup(s->ch, CAUSE_NO_CIRCUIT, SOFT_TIMEOUT);
}

/* BUNDLE: the session whose port it shares; NULL: none. */
static struct media_session *transport_of(struct session *s, const struct neg_stream *st)
{
	return st->bundled_in >= 0 ? session_stream_media(neg_stream(s->neg, (size_t)st->bundled_in)) : NULL;
}

static bool are_together(const struct neg_stream *a, const struct neg_stream *b)
{
	return a->port && b->port && media_session_together(session_stream_media(a), session_stream_media(b));
}

/* Two that were together have a transport each from now on: whoever has opened the ports keeps them, and
 * when that one is gone, the first. */
static bool is_anothers(struct session *s, size_t i)
{
	const struct neg_stream *st = neg_stream(s->neg, i);

	for (size_t k = 0; k < neg_count(s->neg); k++) {
		const struct neg_stream *o = neg_stream(s->neg, k);

		if (k == i || !neg_needs_port(s->neg, k) || o->bundled_in >= 0 || !are_together(st, o))
			continue;
		if (!((struct session_port *)o->port)->shared || (((struct session_port *)st->port)->shared && k < i))
			return true;
	}
	return false;
}

/* Its port is another stream's and was to be its own, or the other way round. */
static bool is_elsewhere(struct session *s, size_t i)
{
	const struct neg_stream *st = neg_stream(s->neg, i);
	struct media_session *t = transport_of(s, st);

	return t ? !media_session_together(session_stream_media(st), t) : is_anothers(s, i);
}

/* The ports stay, but the one that opened them goes, or is now the guest: they are on this one's account. */
static void take_over(struct session *s, const struct neg_stream *st)
{
	struct session_port *p = st->port;

	for (size_t k = 0; st->bundled_in < 0 && p->shared && k < neg_count(s->neg); k++) {
		const struct neg_stream *o = neg_stream(s->neg, k);

		if (o != st && are_together(st, o) && !((struct session_port *)o->port)->shared) {
			((struct session_port *)o->port)->shared = true;
			p->shared = false;
		}
	}
}

/* Any of its sessions: all of a call are on one thread and have one name. */
static struct media_session *any_media(struct session *s)
{
	for (size_t i = 0; i < neg_count(s->neg); i++)
		if (neg_stream(s->neg, i)->port)
			return session_stream_media(neg_stream(s->neg, i));
	return NULL;
}

/* The address the socket is bound to: any, unless the endpoint pins it down. */
static void bind_address(struct session *s, const struct sa *shown, struct sa *bind)
{
	if (s->ep->bind_rtp_to_media_address && s->ep->media_address.n)
		*bind = *shown;
	else
		sa_parse(bind, sa_is_v6(shown) ? STR("::") : STR("0.0.0.0"));
}

static int media_open(struct session *s, const struct neg_stream *st, const struct sa *shown, bool keep, struct media_session **out)
{
	enum media_type t = st->type;
	const struct endpoint *ep = s->ep;
	bool video = t == MEDIA_VIDEO;
	struct media_session_prm prm = { .type = t, .port_min = (uint16_t)ep->rtp_port_start,
		.port_max = (uint16_t)ep->rtp_port_end, .tos = video ? ep->tos_video : ep->tos_audio,
		.cos = (int)(video ? ep->cos_video : ep->cos_audio), .rtcp_mux = ep->rtcp_mux,
		.on_wire_of = transport_of(s, st), .near = any_media(s), .fn = on_media, .arg = s,
		.ssrc = keep && st->port ? media_session_ssrc(session_stream_media(st)) : 0 };

	bind_address(s, shown, &prm.bind);
	if (!prm.tos)
		prm.tos = -1;
	if (!prm.cos)
		prm.cos = -1;
	return media_session_new(out, s->svc->media, &prm);
}

static int port_new(struct session *s, const struct neg_stream *st, const struct sa *shown, bool keep, struct session_port **out)
{
	struct session_port *p = obj_new(sizeof(*p), port_free);
	int err = !p ? ENOMEM : transport_of(s, st) ? 0 : share_take(&s->account, SHARE_PORT);

	if (!err) {
		p->s = s;
		p->shared = transport_of(s, st) != NULL;
		obj_point(s);
		err = media_open(s, st, shown, keep, &p->m);
	}
	if (err) {
		log_write(err == EDQUOT ? LOG_NOTICE : LOG_ERROR, LOG_MODULE, 0, "no RTP port for '%.*s': %s",
			  STR_ARG(s->ep->name), err == EDQUOT ? "it has its share of them" : strerror(err));
		obj_drop(p);
		return err;
	}
	*out = p;
	return 0;
}

static int open_stream(struct session *s, size_t i, bool keep)
{
	struct neg_stream *st = neg_stream(s->neg, i);
	const struct net_path *path = path_of(s);
	struct session_port *p;
	struct sa shown;
	int err;

	if (!path)
		return EDESTADDRREQ;
	service_media_address(s->svc, s->ep, path, &shown);
	if (!s->svc->media) {
		sa_set_port(&shown, 4000);      /* loop tests without media */
		st->local = shown;
		session_direct_local(s, st);
		return 0;
	}
	if (!st->port || is_elsewhere(s, i)) {
		err = port_new(s, st, &shown, keep, &p);
		if (err)
			return err;
		neg_port_set(s->neg, i, p);
	}
	take_over(s, st);
	sa_set_port(&shown, sa_port(media_session_local(session_stream_media(st))));
	st->local = shown;
	session_direct_local(s, st);
	st->ssrc = media_session_ssrc(session_stream_media(st));
	str_copy(st->cname, sizeof(st->cname), str_z(media_session_cname(session_stream_media(st))));
	return 0;
}

/* Those with a transport of their own first: the others need it. */
static int open_all(struct session *s, bool keep)
{
	int err = 0;

	for (int shared = 0; shared < 2; shared++)
		for (size_t i = 0; !err && i < neg_count(s->neg); i++)
			if (neg_needs_port(s->neg, i) && (neg_stream(s->neg, i)->bundled_in >= 0) == shared)
				err = open_stream(s, i, keep);
	return err;
}

int session_ports_open(struct session *s)
{
	return open_all(s, false);
}

int session_ports_follow(struct session *s)
{
	return open_all(s, true);
}
