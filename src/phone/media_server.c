/* phone/media_server.c -- STUN and TURN servers by name: looked up on a thread of the pool, while the calls that would
 * ask them wait as long as they wait for candidates. */
#define LOG_MODULE "media"
#include "phone/media.h"
#include "base/log.h"
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

enum { STUN_PORT = 3478, SERVERS = 2 };

struct phone_lookup {
	struct sidetone_media *m;       /* NULL: nobody waits for it */
	void (*known)(struct sidetone_media *m);
	bool v6;                /* the addresses that are ours are */
	struct {
		char *host;             /* owned; NULL: nothing to look up */
		struct sa addr;
		int err;                /* of getaddrinfo() */
	} v[SERVERS];
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
static void choose(struct sa *out, const struct addrinfo *found, bool v6)
{
	const struct addrinfo *best = found;

	for (const struct addrinfo *a = found; a; a = a->ai_next)
		if ((a->ai_family == AF_INET6) == v6) {
			best = a;
			break;
		}
	sa_from(out, best->ai_addr, best->ai_addrlen);
}

/* On a thread of the pool. */
static void work(void *arg)
{
	struct phone_lookup *l = arg;

	for (int i = 0; i < SERVERS; i++) {
		struct addrinfo hint = { .ai_socktype = SOCK_DGRAM }, *found = NULL;

		if (!l->v[i].host)
			continue;
		l->v[i].err = getaddrinfo(l->v[i].host, NULL, &hint, &found);
		if (!l->v[i].err)
			choose(&l->v[i].addr, found, l->v6);
		if (found)
			freeaddrinfo(found);
	}
}

static void lookup_free(struct phone_lookup *l)
{
	for (int i = 0; i < SERVERS; i++)
		free(l->v[i].host);
	free(l);
}

static void take(struct sidetone_media *m, const struct phone_lookup *l)
{
	for (int i = 0; i < SERVERS; i++) {
		struct phone_server *s = server(m, i);

		if (!l->v[i].host)
			continue;
		if (l->v[i].err) {
			log_warning("'%s' has no address: %s; calls go without it", l->v[i].host, gai_strerror(l->v[i].err));
			continue;
		}
		s->addr = l->v[i].addr;
		sa_set_port(&s->addr, s->port);
	}
}

static void done(void *arg)
{
	struct phone_lookup *l = arg;
	struct sidetone_media *m = l->m;

	if (m) {
		m->lookup = NULL;
		take(m, l);
		l->known(m);
	}
	lookup_free(l);
}

int phone_servers_look_up(struct sidetone_media *m, void (*known)(struct sidetone_media *m))
{
	struct phone_lookup *l;
	int err = 0;

	if (!m->stun.host.n && !m->turn.host.n)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return ENOMEM;
	l->m = m;
	l->known = known;
	l->v6 = sa_is_set(&m->conf.address) && sa_is_v6(&m->conf.address);
	for (int i = 0; i < SERVERS; i++)
		if (server(m, i)->host.n) {
			l->v[i].host = str_dup(text_view(&server(m, i)->host));
			err = l->v[i].host ? err : ENOMEM;
		}
	err = err ? err : loop_work(m->loop, work, done, l);
	if (err)
		lookup_free(l);
	else
		m->lookup = l;
	return err;
}

bool phone_servers_pending(const struct sidetone_media *m)
{
	return m->lookup != NULL;
}

void phone_servers_forget(struct sidetone_media *m)
{
	if (m->lookup)
		m->lookup->m = NULL;
	m->lookup = NULL;
}
