/* phone/media_port.c -- where a call receives: its port, the address that is said of it, and the ICE candidates of
 * both (RFC 8839). The agents of ICE are media's. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "base/obj.h"
#include "net/route.h"
#include <errno.h>

enum { HOSTS = 8 };

struct phone_port {             /* obj; held by streams of a negotiation */
	struct media_session *m;        /* owned; its events are the call's, which outlives it */
};

static void port_free(void *arg)
{
	media_session_close(((struct phone_port *)arg)->m, NULL, NULL);
}

struct media_session *phone_port(const struct neg_stream *st)
{
	const struct phone_port *p = st ? st->port : NULL;

	return p ? p->m : NULL;
}

/* ---- addresses */

/* Of the way to the Internet; nothing is sent there (RFC 5737). */
static void default_address(struct sa *out)
{
	struct sa far, own[HOSTS];
	size_t n;

	sa_parse_host(&far, STR("192.0.2.1"), 9);
	if (!sa_source_for(&far, out) && !sa_is_any(out))
		return;
	n = sa_interfaces(own, ARRAY_LEN(own));
	for (size_t i = 0; i < n; i++)
		if (!sa_is_loopback(&own[i])) {
			*out = own[i];
			return;
		}
	sa_parse_host(out, STR("127.0.0.1"), 0);
}

/* Where a port of the stream is, or (`anew`, or it has none yet) is to be. */
static void own_address(const struct phone_call *c, const struct neg_stream *st, bool anew, struct sa *out)
{
	const struct phone_conf *conf = &c->m->conf;
	struct media_session *ms = anew ? NULL : phone_port(st);

	if (ms && !sa_is_any(media_session_local(ms)))
		*out = *media_session_local(ms);
	else if (sa_is_set(&conf->address))
		*out = conf->address;
	else if (!sa_is_set(&st->remote) || sa_is_any(&st->remote) || sa_source_for(&st->remote, out) || sa_is_any(out)) {
		if (sa_is_set(&conf->way))
			*out = conf->way;
		else
			default_address(out);
	}
	sa_set_port(out, 0);
}

/* On the thread of the one before it, so that what the application reads and writes is never called by two. */
static int port_new(struct phone_call *c, const struct neg_stream *st, const struct sa *own, struct phone_port **out)
{
	struct phone_port *p = obj_new(sizeof(*p), port_free);
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = 0xb8 /* EF */, .cos = -1, .rtcp_mux = c->m->conf.rtcp_mux,
		.near = phone_port(st), .fn = phone_on_media, .arg = c };
	int err;

	if (!p)
		return ENOMEM;
	if (sa_is_set(&c->m->conf.address))
		prm.bind = *own;
	else
		sa_parse_host(&prm.bind, sa_is_v6(own) ? STR("::") : STR("0.0.0.0"), 0);
	err = media_session_new(&p->m, c->m->media, &prm);
	if (err) {
		log_error("no port for media: %s", strerror(err));
		obj_drop(p);
		return err;
	}
	*out = p;
	return 0;
}

static int open_stream(struct phone_call *c, size_t i, bool anew)
{
	struct neg_stream *st = neg_stream(c->neg, i);
	struct phone_port *p;
	struct sa own;
	int err;

	own_address(c, st, anew, &own);
	if (!st->port || anew) {
		err = port_new(c, st, &own, &p);
		if (err)
			return err;
		neg_port_set(c->neg, i, p);
	}
	st->local = sa_is_set(&c->m->conf.public) ? c->m->conf.public : own;
	st->local_rtcp = (struct sa){ 0 };
	sa_set_port(&st->local, sa_port(media_session_local(phone_port(st))));
	st->ssrc = media_session_ssrc(phone_port(st));
	str_copy(st->cname, sizeof(st->cname), str_z(media_session_cname(phone_port(st))));
	return 0;
}

int phone_ports_open(struct phone_call *c, bool anew)
{
	int err = 0;

	for (size_t i = 0; !err && i < neg_count(c->neg); i++)
		if (neg_needs_port(c->neg, i) && neg_stream(c->neg, i)->type == MEDIA_AUDIO)
			err = open_stream(c, i, anew);
	return err;
}

/* ---- ICE: our side */

static size_t host_put(const struct phone_call *c, struct media_ice_host *host, size_t n, const struct sa *addr)
{
	host[n] = (struct media_ice_host){ .addr = *addr };
	/* What the router passes on comes to one of them. */
	if (!n && sa_is_set(&c->m->conf.public) && sa_is_v6(&c->m->conf.public) == sa_is_v6(addr)) {
		host[n].shown = c->m->conf.public;
		if (n + 1 < HOSTS)
			host[++n] = (struct media_ice_host){ .addr = *addr };
	}
	return n + 1;
}

/* What c= says before all others. A loopback address is a candidate only for who reaches us by one
 * (RFC 8445 section 5.1.1.1). */
static size_t hosts_fill(const struct phone_call *c, const struct neg_stream *st, struct media_ice_host *host)
{
	struct sa own, all[HOSTS];
	size_t n, k;

	own_address(c, st, false, &own);
	n = host_put(c, host, 0, &own);
	/* Bound to no other. */
	if (!sa_is_any(media_session_local(phone_port(st))))
		return n;
	k = sa_interfaces(all, ARRAY_LEN(all));
	for (size_t i = 0; i < k && n < HOSTS; i++)
		if (!sa_eq_host(&all[i], &own) && !sa_is_loopback(&all[i]) && sa_is_v6(&all[i]) == sa_is_v6(&own))
			n = host_put(c, host, n, &all[i]);
	return n;
}

static int start(const struct phone_call *c, const struct neg_stream *st, enum ice_role role)
{
	struct media_ice_host host[HOSTS];
	struct media_ice_prm prm = { .role = role, .host = host, .nhosts = hosts_fill(c, st, host),
		.components = role == ICE_CONTROLLED && agreed_one_component(st) ? 1 : ICE_COMPONENTS, .stun = c->m->stun.addr,
		.turn = c->m->turn.addr, .turn_kind = c->m->turn.kind, .turn_user = text_view(&c->m->conf.turn_user),
		.turn_password = text_view(&c->m->conf.turn_password) };
	int err = media_ice_start(phone_port(st), &prm);

	if (err)
		log_notice("no ICE: %s", err == EINVAL ? "none of our addresses may be a candidate" : strerror(err));
	return err;
}

/* Of a stream that has a wire of its own. */
static struct media_session *wire_of(const struct neg_stream *st)
{
	return st->bundled_in >= 0 ? NULL : phone_port(st);
}

static bool is_theirs(const struct phone_call *c, const struct neg_stream *st, struct ice_desc *d)
{
	return agreed_ice_offered(c->neg, st, d) && ice_default_matches(st->media, d->trickle);
}

/* Our offer. Another path is another port's. Who has answered without ICE once is not asked again, unless all begins anew:
 * media would wait for the answer. */
static void begin_offer(struct phone_call *c, const struct neg_stream *st, struct media_session *m)
{
	if (!media_ice_is_on(m) && (!st->media || c->renew))
		start(c, st, ICE_CONTROLLING);
}

static void begin_answer(struct phone_call *c, const struct neg_stream *st, struct media_session *m)
{
	struct ice_desc d;

	if (!is_theirs(c, st, &d))
		return;
	if (!media_ice_is_on(m))
		start(c, st, ICE_CONTROLLED);
	else if (media_ice_is_other(m, d.ufrag, d.pwd))
		media_ice_restart(m, ICE_CONTROLLED);
}

void phone_ice_begin(struct phone_call *c, enum phone_due kind)
{
	for (size_t i = 0; c->m->conf.ice && i < neg_count(c->neg); i++) {
		const struct neg_stream *st = neg_stream(c->neg, i);
		struct media_session *m = wire_of(st);

		if (m && neg_needs_port(c->neg, i) && kind == PHONE_OFFER)
			begin_offer(c, st, m);
		else if (m && kind == PHONE_ANSWER)
			begin_answer(c, st, m);
	}
}

static int lines_of(struct phone_call *c, size_t i, enum phone_due kind)
{
	struct neg_stream *st = neg_stream(c->neg, i);
	struct media_session *m = wire_of(st);
	struct ice_desc d;
	uint8_t known;

	if (!m || !neg_needs_port(c->neg, i))
		return 0;
	if (kind == PHONE_ANSWER) {
		if (!agreed_ice_offered(c->neg, st, &d))
			return 0;
		/* Something on the way has put another address into c= (RFC 8839 section 4.2.5). */
		if (!ice_default_matches(st->media, d.trickle))
			return neg_attr_add(c->neg, i, STR("ice-mismatch"), STR_NULL);
	}
	return media_ice_is_on(m) ? agreed_ice_write(c->neg, i, m, kind == PHONE_ANSWER && st->rtcp_mux, "ice2", &known) : 0;
}

int phone_ice_lines(struct phone_call *c, enum phone_due kind)
{
	int err = 0;

	for (size_t i = 0; !err && c->m->conf.ice && i < neg_count(c->neg); i++) {
		neg_attrs_clear(c->neg, i);
		err = lines_of(c, i, kind);
	}
	return err;
}

bool phone_ice_gathers(const struct phone_call *c)
{
	for (size_t i = 0; c->neg && c->m->conf.ice && i < neg_count(c->neg); i++) {
		struct media_session *m = wire_of(neg_stream(c->neg, i));

		if (m && media_ice_is_on(m) && !media_ice_gathered(m))
			return true;
	}
	return false;
}

/* ---- ICE: theirs */

bool phone_ice_is_good(const struct phone_call *c, const struct sdp *sdp)
{
	for (size_t i = 0; c->m->conf.ice && i < sdp->nmedia; i++) {
		struct ice_desc d;
		int err = sdp->media[i].port ? ice_desc_read(&d, sdp, &sdp->media[i]) : ENOENT;

		if (err && err != ENOENT)
			return false;
	}
	return true;
}

static int take_theirs(const struct phone_call *c, const struct neg_stream *st, struct media_session *m)
{
	struct ice_desc d;

	/* Without ICE the agent ends the same way. */
	if (agreed_ice_offered(c->neg, st, &d) && !is_theirs(c, st, &d))
		return media_ice_stop(m);
	return agreed_ice_take(c->neg, st, m, NULL);
}

void phone_ice_apply(struct phone_call *c)
{
	for (size_t i = 0; i < neg_count(c->neg); i++) {
		struct neg_stream *st = neg_stream(c->neg, i);
		struct media_session *m = wire_of(st);
		int err = m && st->active && media_ice_is_on(m) ? take_theirs(c, st, m) : 0;

		if (err)
			log_notice("ICE stays as it was: %s", strerror(err));
	}
}

void phone_ice_undo(struct phone_call *c)
{
	for (size_t i = 0; i < neg_count(c->neg); i++) {
		struct media_session *m = wire_of(neg_stream(c->neg, i));

		if (m && media_ice_is_on(m))
			media_ice_undo(m);
	}
}
