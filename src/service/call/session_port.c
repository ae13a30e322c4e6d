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
	if (media_session_type(m) != MEDIA_AUDIO)
		return;
	if (e->type == MEDIA_SECURE)
		session_secure_event(s, e);
	session_ice_event(s, e);
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

/* Its port is another stream's and was to be its own, or the other way round. */
static bool is_elsewhere(struct session *s, const struct neg_stream *st)
{
	const struct session_port *p = st->port;

	return p->shared != (transport_of(s, st) != NULL);
}

/* The address the socket is bound to: any, unless the endpoint pins it down. */
static void bind_address(struct session *s, const struct sa *shown, struct sa *bind)
{
	if (s->ep->bind_rtp_to_media_address && s->ep->media_address.n)
		*bind = *shown;
	else
		sa_parse(bind, sa_is_v6(shown) ? STR("::") : STR("0.0.0.0"));
}

static int media_open(struct session *s, const struct neg_stream *st, const struct sa *shown, struct media_session **out)
{
	enum media_type t = st->type;
	const struct endpoint *ep = s->ep;
	bool video = t == MEDIA_VIDEO;
	struct media_session_prm prm = { .type = t, .port_min = (uint16_t)ep->rtp_port_start,
		.port_max = (uint16_t)ep->rtp_port_end, .tos = video ? ep->tos_video : ep->tos_audio,
		.cos = (int)(video ? ep->cos_video : ep->cos_audio), .rtcp_mux = ep->rtcp_mux,
		.on_wire_of = transport_of(s, st), .near = session_audio(s),
		.fn = on_media, .arg = s };

	bind_address(s, shown, &prm.bind);
	if (!prm.tos)
		prm.tos = -1;
	if (!prm.cos)
		prm.cos = -1;
	return media_session_new(out, s->svc->media, &prm);
}

static int port_new(struct session *s, const struct neg_stream *st, const struct sa *shown, struct session_port **out)
{
	struct session_port *p = obj_new(sizeof(*p), port_free);
	int err = !p ? ENOMEM : transport_of(s, st) ? 0 : share_take(&s->account, SHARE_PORT);

	if (!err) {
		p->s = s;
		p->shared = transport_of(s, st) != NULL;
		obj_point(s);
		err = media_open(s, st, shown, &p->m);
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

static int open_stream(struct session *s, size_t i)
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
		return 0;
	}
	if (!st->port || is_elsewhere(s, st)) {
		err = port_new(s, st, &shown, &p);
		if (err)
			return err;
		neg_port_set(s->neg, i, p);
	}
	sa_set_port(&shown, sa_port(media_session_local(session_stream_media(st))));
	st->local = shown;
	return 0;
}

int session_ports_open(struct session *s)
{
	int err = 0;

	for (size_t i = 0; !err && i < neg_count(s->neg); i++)
		if (neg_needs_port(s->neg, i))
			err = open_stream(s, i);
	return err;
}
