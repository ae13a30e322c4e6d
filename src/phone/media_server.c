/* phone/media_server.c -- STUN and TURN servers by name: looked up, while the calls that would ask them wait as long as
 * they wait for candidates. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include "net/dns.h"
#include <errno.h>
#include <stdlib.h>

enum { STUN_PORT = 3478, SERVERS = 2 };

struct phone_ask {              /* for one kind of address of one server */
	struct phone_lookup *l;
	struct sa addr;         /* unset: none */
	int err;
};

struct phone_lookup {
	struct sidetone_media *m;
	void (*known)(struct sidetone_media *m);
	struct dns *dns;        /* held */
	unsigned left;          /* answers that have not come */
	struct phone_ask v4[SERVERS], v6[SERVERS];
};

static struct phone_server *server(struct sidetone_media *m, int i)
{
	return i ? &m->turn : &m->stun;
}

/* ---- what the options say */

static int read_transport(struct phone_server *s, struct str query)
{
	if (!query.n)
		return 0;
	if (!str_ieq(str_cut_raw(&query, '='), STR("transport")))
		return EINVAL;
	s->kind = str_ieq(query, STR("tcp")) ? ICE_TURN_TCP : ICE_TURN_UDP;
	return s->kind == ICE_TURN_TCP || str_ieq(query, STR("udp")) ? 0 : EINVAL;
}

/* RFC 7064, RFC 7065; the scheme may be left out. turns: is TLS, which is not spoken to a relay. */
int phone_server_read(struct phone_server *s, const char *text, bool turn)
{
	struct str rest = str_z(text), at, scheme = turn ? STR("turn:") : STR("stun:");
	uint32_t port = STUN_PORT;

	if (!rest.n)
		return 0;
	s->kind = turn ? ICE_TURN : ICE_STUN;
	if (str_istarts(rest, scheme))
		rest = str_skip(rest, scheme.n);
	at = str_cut_raw(&rest, '?');
	if (read_transport(s, rest) || (rest.n && !turn))
		return EINVAL;
	if (!sa_parse(&s->addr, at)) {
		if (!sa_port(&s->addr))
			sa_set_port(&s->addr, STUN_PORT);
		return 0;
	}
	rest = at;
	at = str_cut_raw(&rest, ':');
	if ((rest.n && str_u32(rest, &port)) || !port || port > UINT16_MAX || !at.n)
		return EINVAL;
	s->port = (uint16_t)port;
	return text_set(&s->host, at);
}

void phone_server_free(struct phone_server *s)
{
	text_free(&s->host);
}

/* ---- names */

/* One that our sockets reach, if there is one. */
static void take(struct sidetone_media *m, const struct phone_lookup *l)
{
	bool v6 = sa_is_set(&m->conf.address) && sa_is_v6(&m->conf.address);

	for (int i = 0; i < SERVERS; i++) {
		const struct phone_ask *best = v6 ? &l->v6[i] : &l->v4[i], *other = v6 ? &l->v4[i] : &l->v6[i];
		struct phone_server *s = server(m, i);

		if (!s->host.n)
			continue;
		best = sa_is_set(&best->addr) ? best : other;
		if (!sa_is_set(&best->addr)) {
			log_warning("'%s' has no address%s%s; calls go without it", s->host.p, best->err ? ": " : "",
				    best->err ? strerror(best->err) : "");
			continue;
		}
		s->addr = best->addr;
		sa_set_port(&s->addr, s->port);
	}
}

static void lookup_free(struct phone_lookup *l)
{
	dns_free(l->dns);
	free(l);
}

static void on_answer(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct phone_ask *ask = arg;
	struct phone_lookup *l = ask->l;
	struct sidetone_media *m = l->m;
	void (*known)(struct sidetone_media *m) = l->known;

	ask->err = err;
	if (!err && n)
		ask->addr = v[0].u.addr;
	if (--l->left)
		return;
	m->lookup = NULL;
	take(m, l);
	lookup_free(l);
	known(m);
}

/* A name that cannot be asked for has no address, as others. */
static int start_ask(struct phone_lookup *l, struct phone_ask *ask, int server_index, enum dns_type t)
{
	ask->l = l;
	ask->err = dns_lookup(l->dns, text_view(&server(l->m, server_index)->host), t, on_answer, ask, NULL);
	l->left += !ask->err;
	return ask->err == ENOMEM ? ENOMEM : 0;
}

int phone_servers_look_up(struct sidetone_media *m, void (*known)(struct sidetone_media *m))
{
	static const struct dns_prm prm = { .hosts = { "system", 6 }, .resolv = { "system", 6 } };
	struct phone_lookup *l;
	int err;

	if (!m->stun.host.n && !m->turn.host.n)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return ENOMEM;
	l->m = m;
	l->known = known;
	err = dns_new(&l->dns, m->loop, &prm);
	for (int i = 0; i < SERVERS && !err; i++) {
		if (!server(m, i)->host.n)
			continue;
		err = start_ask(l, &l->v4[i], i, DNS_A);
		err = err ? err : start_ask(l, &l->v6[i], i, DNS_AAAA);
	}
	if (!err && l->left) {
		m->lookup = l;
		return 0;
	}
	if (err != ENOMEM)
		take(m, l);
	lookup_free(l);
	return err == ENOMEM ? ENOMEM : 0;
}

bool phone_servers_pending(const struct sidetone_media *m)
{
	return m->lookup != NULL;
}

void phone_servers_forget(struct sidetone_media *m)
{
	if (m->lookup)
		lookup_free(m->lookup);
	m->lookup = NULL;
}
