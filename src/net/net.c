/* All that the core sees of sockets, but for transports (transport.c): which connections there
 * are, sending, and what io threads bring up. */
#define LOG_MODULE "net"
#include "net/private.h"
#include "base/log.h"
#include "net/route.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PEER_KEY 28
#define SOURCE_MS 5000          /* routes change; a stale answer lives so long */

/* What the core knows of a connection. */
struct link {
	struct net_path path;
	char key[PEER_KEY];
};

/* ---- connections ------------------------------------------------------ */

static void peer_key(char key[PEER_KEY], const struct net_path *path)
{
	const struct sa *peer = &path->peer;
	uint16_t port = sa_port(peer);

	memset(key, 0, PEER_KEY);
	if (net_is_secure(path->proto))
		memcpy(key + 24, &path->host, 4);
	key[0] = (char)path->proto;
	key[1] = (char)sa_is_v6(peer);
	memcpy(key + 2, &port, 2);
	if (sa_is_v6(peer)) {
		memcpy(key + 4, &peer->u.in6.sin6_addr, 16);
		memcpy(key + 20, &peer->u.in6.sin6_scope_id, 4);
	} else {
		memcpy(key + 4, &peer->u.in4.sin_addr, 4);
	}
}

static struct str id_key(const uint64_t *id)
{
	return str_mk((const char *)id, sizeof(*id));
}

/* `find`: what is sent to its peer may go by it. */
static int link_add(struct net *n, const struct net_path *path, bool find)
{
	struct link *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return ENOMEM;
	l->path = *path;
	peer_key(l->key, path);
	err = map_add(n->links, id_key(&l->path.conn), l);
	if (err) {
		free(l);
		return err;
	}
	/* The newest wins: an older one to the same peer is often dead already.
	 * Without memory it is merely not found for reuse. */
	if (find)
		map_set(n->by_peer, str_mk(l->key, sizeof(l->key)), l, NULL);
	return 0;
}

static void link_remove(struct net *n, uint64_t conn)
{
	struct link *l = map_del(n->links, id_key(&conn));

	if (!l)
		return;
	if (map_get(n->by_peer, str_mk(l->key, sizeof(l->key))) == l)
		map_del(n->by_peer, str_mk(l->key, sizeof(l->key)));
	free(l);
}

static struct link *link_of(const struct net *n, uint64_t conn)
{
	return map_get(n->links, id_key(&conn));
}

bool net_conn_alive(const struct net *n, uint64_t conn)
{
	return link_of(n, conn) != NULL;
}

struct net_path *link_path(struct net *n, uint64_t conn)
{
	struct link *l = link_of(n, conn);

	return l ? &l->path : NULL;
}

void link_findable(struct net *n, uint64_t conn)
{
	struct link *l = link_of(n, conn);

	if (l && !net_is_secure(l->path.proto))
		map_set(n->by_peer, str_mk(l->key, sizeof(l->key)), l, NULL);
}

static struct io *io_of(const struct net *n, uint64_t conn)
{
	return n->io[conn & 0xff];
}

void net_disconnect(struct net *n, uint64_t conn)
{
	struct env e = { .type = ENV_DISCONNECT, .path = { .conn = conn } };
	struct io *io;
	struct conn *c;

	if (!link_of(n, conn))
		return;
	link_remove(n, conn);
	io = io_of(n, conn);
	if (io->direct) {
		c = conn_find(io, conn);
		if (c)
			conn_end(c);
	} else if (io_push(io, n->core, &e)) {
		log_warning("a connection stays open: its thread takes no orders");
	}
}

void net_conn_keep(struct net *n, uint64_t conn, bool keep)
{
	struct env e = { .type = ENV_KEEP, .keep = keep, .path = { .conn = conn } };
	struct io *io;
	struct conn *c;

	if (!link_of(n, conn))
		return;
	io = io_of(n, conn);
	if (io->direct) {
		c = conn_find(io, conn);
		if (c)
			conn_set_keep(c, keep);
	} else if (io_push(io, n->core, &e)) {
		log_warning("a registered connection may be evicted: its thread takes no orders");
	}
}

/* ---- up --------------------------------------------------------------- */

static void tell_closed(struct net *n, const struct env *e)
{
	const struct net_bytes *why = e->p;
	struct net_end end = { e->err, e->code, why ? str_mk(why->p, why->n) : STR_NULL };

	link_remove(n, e->path.conn);
	if (n->h.ended)
		n->h.ended(n->h.arg, &e->path, &end);
	else if (n->h.closed)
		n->h.closed(n->h.arg, &e->path, e->err);
	obj_drop(e->p);
}

static void on_event(struct net *n, const struct env *e)
{
	switch (e->type) {
	case ENV_MESSAGE:
		n->h.recv(n->h.arg, &e->path, e->p);
		break;
	case ENV_OPENED:
		/* A peer that opened it has not shown which name it has (RFC 5923 9), or that it is a WebSocket. */
		if (link_add(n, &e->path, !e->http && !net_is_secure(e->path.proto)))
			log_error("out of memory: a connection cannot be answered");
		else if (e->http && n->h.opened)
			n->h.opened(n->h.arg, &e->path);
		break;
	case ENV_CONNECTED:
		if (n->h.connected)
			n->h.connected(n->h.arg, &e->path);
		break;
	case ENV_PONG:
		if (n->h.pong)
			n->h.pong(n->h.arg, &e->path);
		break;
	case ENV_CLOSED:
		tell_closed(n, e);
		break;
	case ENV_FAILED:
		if (n->h.failed)
			n->h.failed(n->h.arg, &e->path, e->p, e->err);
		obj_drop(e->p);
		break;
	case ENV_REQUEST:
		if (n->h.request)
			n->h.request(n->h.arg, &e->path, e->p);
		else
			obj_drop(e->p);
		break;
	case ENV_ROOM:
		if (n->h.room)
			n->h.room(n->h.arg, e->path.conn);
		break;
	default:
		break;
	}
}

/* ---- life ------------------------------------------------------------- */

static struct net_limits limits_of(const struct net_limits *given)
{
	struct net_limits l = given ? *given : (struct net_limits){ 0 };

	l.max_message = l.max_message ? l.max_message : 65535;
	l.max_conns = l.max_conns ? l.max_conns : 20000;
	l.max_conns_per_address = l.max_conns_per_address ? l.max_conns_per_address : 1000;
	l.max_silent_per_address = l.max_silent_per_address ? l.max_silent_per_address : 250;
	l.first_message_ms = l.first_message_ms ? l.first_message_ms : 10000;
	l.message_ms = l.message_ms ? l.message_ms : 10000;
	l.write_ms = l.write_ms ? l.write_ms : 10000;
	l.send_queue = l.send_queue ? l.send_queue : 1 << 20;
	return l;
}

struct net *net_new(struct loop *core, unsigned io_threads, const struct net_handlers *h,
		    const struct net_limits *limits)
{
	struct net *n = calloc(1, sizeof(*n));
	int err = 0;

	if (!n)
		return NULL;
	n->core = core;
	n->h = *h;
	n->limits = limits_of(limits);
	n->event = on_event;
	n->ios = io_threads > MAX_IOS ? MAX_IOS : io_threads ? io_threads : 1;
	n->links = map_new(false);
	n->by_peer = map_new(false);
	n->hosts = hosts_new();
	n->gate = gate_new(n->limits.max_conns, n->limits.max_conns_per_address, n->limits.max_silent_per_address);
	if (n->limits.stranger_rate)
		n->strangers = strangers_new(n->limits.stranger_rate);
	if (!n->links || !n->by_peer || !n->hosts || !n->gate || (n->limits.stranger_rate && !n->strangers))
		err = ENOMEM;
	for (unsigned i = 0; !err && i < n->ios; i++) {
		n->io[i] = io_new(n, i, io_threads == 0);
		err = n->io[i] ? io_start(n->io[i]) : ENOMEM;
	}
	if (err) {
		net_close(n);
		return NULL;
	}
	return n;
}

void net_close(struct net *n)
{
	struct link *l;

	if (!n)
		return;
	for (unsigned i = 0; i < n->ios; i++)
		io_close(n->io[i]);
	for (size_t i = 0; i < n->trs; i++)
		if (n->tr[i])
			transport_free(n->tr[i]);
	free(n->tr);
	for (size_t it = 0; n->links && (l = map_next(n->links, &it)); )
		free(l);
	map_free(n->links);
	map_free(n->by_peer);
	obj_drop(n->hosts);
	obj_drop(n->gate);
	obj_drop(n->strangers);
	free(n);
}

/* ---- down ------------------------------------------------------------- */

/* For a wildcard socket: what the kernel would put into the packet. Asking
 * costs three system calls, so the answer is kept for a while. */
static void fill_local(struct net *n, const struct transport *t, struct net_path *path)
{
	uint64_t now;
	struct source *s;

	if (sa_is_set(&path->local) && !sa_is_any(&path->local))
		return;
	path->local = t->bound;
	if (!sa_is_any(&t->bound))
		return;
	now = clock_ms(loop_clock(n->core));
	s = &n->source[sa_hash_host(&path->peer) % SOURCES];
	if (now >= s->until_ms || !sa_eq_host(&s->peer, &path->peer)) {
		if (sa_source_for(&path->peer, &s->local))
			return;
		s->peer = path->peer;
		s->until_ms = now + SOURCE_MS;
	}
	path->local = s->local;
	sa_set_port(&path->local, sa_port(&t->bound));
}

static int send_datagram(struct net *n, struct transport *t, struct net_path *path, struct net_bytes *bytes)
{
	/* One peer's datagrams stay on one io, so that they stay in order. */
	unsigned i = n->ios > 1 ? (unsigned)(sa_hash_host(&path->peer) % n->ios) : 0;
	struct env e = { .type = ENV_SEND, .sock = t->sock[i] };
	int err;

	if (!sa_port(&path->peer))
		return EDESTADDRREQ;
	fill_local(n, t, path);
	path->transport = t->id;
	if (n->io[i]->direct)
		return udp_queue(t->sock[i], path, bytes);
	e.path = *path;
	e.p = obj_hold(bytes);
	err = io_push(n->io[i], n->core, &e);
	if (err)
		obj_drop(bytes);
	return err;
}

static void count_connect(struct net *n, struct conn *c)
{
	gate_enter(n->gate, NULL, true, &c->slot);
}

/* `find`: as link_add(). Fills in path->conn and path->local. */
static int open_conn(struct net *n, const struct sock_prm *prm, struct str host, struct str target, bool find,
		     struct net_path *path)
{
	struct io *io = n->io[n->next_io++ % n->ios];
	struct env e = { .type = ENV_CONNECT };
	struct conn *c;
	int fd, err;

	path->conn = io_conn_id(io);
	err = conn_socket(&fd, path, prm);
	if (err)
		return err;
	err = conn_new(&c, io, fd, path, prm, false);
	if (err) {
		close(fd);
		return err;
	}
	err = text_set(&c->host, host);
	err = err ? err : text_set(&c->target, target);
	err = err ? err : link_add(n, path, find);
	if (err) {
		obj_drop(c);
		return err;
	}
	count_connect(n, c);
	e.path = *path;
	e.conn = c;
	err = io->direct ? conn_start(c) : io_push(io, n->core, &e);
	if (err) {
		link_remove(n, path->conn);
		gate_leave(n->gate, c->slot, false);
		obj_drop(c);
	}
	return err;
}

static int open_from(struct net *n, struct transport *t, struct net_path *path)
{
	path->transport = t->id;
	path->local = t->bound;
	return open_conn(n, &t->prm, hosts_name(n->hosts, path->host), STR_NULL, true, path);
}

int net_connect(struct net *n, const struct net_connect_prm *prm, struct net_path *path)
{
	const struct sock_prm sock = { .tos = -1, .cos = -1, .tls = prm->tls };

	if (net_is_secure(prm->proto) != (prm->tls != NULL))
		return EINVAL;
	if (!sa_port(&prm->peer))
		return EDESTADDRREQ;
	*path = (struct net_path){ .proto = prm->proto, .peer = prm->peer, .local = prm->from };
	return open_conn(n, &sock, prm->host, prm->target, false, path);
}

static int send_stream(struct net *n, struct net_path *path, struct net_bytes *bytes)
{
	struct env e = { .type = ENV_SEND };
	struct io *io = io_of(n, path->conn);
	struct conn *c;
	int err;

	if (io->direct) {
		c = conn_find(io, path->conn);
		return c ? conn_queue(c, bytes) : ENOTCONN;
	}
	e.path = *path;
	e.p = obj_hold(bytes);
	err = io_push(io, n->core, &e);
	if (err)
		obj_drop(bytes);
	return err;
}

static int find_conn(struct net *n, struct net_path *path)
{
	char key[PEER_KEY];
	struct net_path p = *path;
	struct transport *t;
	struct link *l;
	int err;

	if (path->conn) {
		l = link_of(n, path->conn);
	} else {
		peer_key(key, path);
		l = map_get(n->by_peer, str_mk(key, sizeof(key)));
	}
	if (!l && path->conn)
		return ENOTCONN;
	if (!l) {
		t = path->transport ? transport_of(n, path->transport) :
				      transport_fit(n, path->proto, &path->peer);
		if (!t || t->proto != path->proto)
			return ENETUNREACH;
		if (!sa_port(&path->peer))
			return EDESTADDRREQ;
		err = open_from(n, t, &p);
		if (!err)
			*path = p;
		return err;
	}
	*path = l->path;
	return 0;
}

int net_send(struct net *n, struct net_path *path, struct net_bytes *bytes)
{
	struct transport *t;
	int err;

	if (net_is_stream(path->proto) || path->conn) {
		err = find_conn(n, path);
		if (!err)
			err = send_stream(n, path, bytes);
	} else {
		t = path->transport ? transport_of(n, path->transport) : NULL;
		if (!t)
			t = transport_fit(n, NET_UDP, &path->peer);
		if (!t || t->proto != NET_UDP || sa_is_v6(&t->bound) != sa_is_v6(&path->peer))
			return ENETUNREACH;
		err = send_datagram(n, t, path, bytes);
	}
	if (err == ENOBUFS)
		count(&n->counts, COUNT_DROPPED_RING, 1);
	return err;
}

uint32_t net_host(struct net *n, struct str name)
{
	return hosts_id(n->hosts, name);
}

void net_trust(struct net *n, const struct sa *peer)
{
	if (n->strangers)
		strangers_trust(n->strangers, peer, clock_us(loop_clock(n->core)));
}

void net_count(const struct net *n, struct net_counters *out)
{
	uint64_t v[COUNTS];

	for (unsigned i = 0; i < COUNTS; i++) {
		v[i] = atomic_load_explicit(&n->counts.v[i], memory_order_relaxed);
		for (unsigned k = 0; k < n->ios; k++)
			v[i] += atomic_load_explicit(&n->io[k]->counts.v[i], memory_order_relaxed);
	}
	*out = (struct net_counters){ v[COUNT_RX], v[COUNT_TX], v[COUNT_RX_BYTES], v[COUNT_TX_BYTES],
		v[COUNT_DROPPED_PARSE], v[COUNT_DROPPED_RING], v[COUNT_DROPPED_RATE], v[COUNT_DROPPED_SHARE], v[COUNT_TX_ERRORS],
		v[COUNT_ACCEPTED], v[COUNT_REFUSED_CAP], v[COUNT_TIMED_OUT], gate_count(n->gate),
		v[COUNT_SHAKES_WAITED] };
}

void net_send_streams(struct net *n, struct net_bytes *bytes)
{
	struct link *l;

	/* Sending to an open connection changes no table. */
	for (size_t it = 0; (l = map_next(n->links, &it)); ) {
		struct net_path path = l->path;

		net_send(n, &path, bytes);
	}
}
