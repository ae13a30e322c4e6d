/* Transports: opening and closing their sockets on every io. */
#define LOG_MODULE "net"
#include "net/private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void transport_free(struct transport *t)
{
	text_free(&t->name);
	obj_drop(t->prm.tls);
	obj_drop(t->prm.ws);
	obj_drop(t->prm.http);
	free(t);
}

struct transport *transport_of(const struct net *n, uint32_t id)
{
	/* Ids are given in order and the array keeps it; there are a handful. */
	for (size_t i = 0; i < n->trs; i++)
		if (n->tr[i] && n->tr[i]->id == id)
			return n->tr[i];
	return NULL;
}

struct transport *transport_fit(const struct net *n, enum net_proto proto, const struct sa *peer)
{
	for (size_t i = 0; i < n->trs; i++)
		if (n->tr[i] && n->tr[i]->proto == proto && !n->tr[i]->prm.http && sa_is_v6(&n->tr[i]->bound) == sa_is_v6(peer))
			return n->tr[i];
	return NULL;
}

uint32_t net_transport_for(const struct net *n, enum net_proto proto, const struct sa *peer)
{
	struct transport *t = transport_fit(n, proto, peer);

	return t ? t->id : 0;
}

bool net_transport_addr(const struct net *n, uint32_t id, struct sa *bound)
{
	struct transport *t = transport_of(n, id);

	if (t)
		*bound = t->bound;
	return t != NULL;
}

static void on_note(void *arg)
{
	struct note *s = arg;
	int err = 0;

	if (s->stopped) {
		/* What the core pushed before it let go still names the socket. */
		io_drain(s->sock ? s->sock->io : s->listener->io);
		if (s->sock)
			udp_stop(s->sock);
		else
			listener_stop(s->listener);
		sem_post(s->stopped);
	} else {
		err = s->sock ? udp_start(s->sock) : listener_start(s->listener);
	}
	if (err)
		log_error("cannot watch a socket: %s", strerror(err));
}

/* Start or stop on the io's own thread. */
static void tell_io(struct io *io, struct note *s)
{
	if (io->direct)
		on_note(s);
	else
		loop_post_call(io->loop, &s->call, on_note, s);
}

static int open_on(struct transport *t, struct io *io, const struct sa *at, bool shared)
{
	int type = t->proto == NET_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd, err = sock_open(&fd, at, type, &t->prm, shared);

	if (err)
		return err;
	err = sock_bound(fd, &t->bound);
	if (!err && t->proto == NET_UDP)
		err = udp_new(&t->sock[io->index], io, fd, t->id);
	else if (!err)
		err = listener_new(&t->listener[io->index], io, fd, t->proto, t->id, &t->prm);
	if (err)
		close(fd);
	return err;
}

/* SO_REUSEPORT spreads peers over the ios' sockets, and would as happily share
 * the port with a second server: so first see that it is free without it. */
static int open_all(struct net *n, struct transport *t, const struct sa *at)
{
	struct sa where = *at;
	int fd, err = 0;

	if (n->ios > 1) {
		err = sock_open(&fd, at, t->proto == NET_UDP ? SOCK_DGRAM : SOCK_STREAM, &t->prm, false);
		if (!err)
			close(fd);
	}
	for (unsigned i = 0; !err && i < n->ios; i++) {
		err = open_on(t, n->io[i], &where, n->ios > 1);
		where = t->bound;
	}
	return err;
}

/* The only place where the core waits for another thread: whoever changes a
 * transport binds its address again at once, so it must be free on return. An
 * io thread waits for nobody, so this takes one of its turns and no more. */
static void stop_all(struct net *n, struct transport *t)
{
	sem_t stopped;
	unsigned told = 0;

	sem_init(&stopped, 0, 0);
	for (unsigned i = 0; i < n->ios; i++) {
		struct udp_sock *sock = t->sock[i];
		struct listener *listener = t->listener[i];

		if (!sock && !listener)
			continue;
		if (t->started) {
			t->stop[i] = (struct note){ .sock = sock, .listener = listener, .stopped = &stopped };
			tell_io(n->io[i], &t->stop[i]);
			told++;
		} else if (sock) {
			udp_stop(sock);
		} else {
			listener_stop(listener);
		}
	}
	while (told) {
		if (!sem_wait(&stopped))
			told--;
	}
	sem_destroy(&stopped);
}

static int keep_transport(struct net *n, struct transport *t)
{
	struct transport **p = realloc(n->tr, (n->trs + 1) * sizeof(*p));

	if (!p)
		return ENOMEM;
	n->tr = p;
	n->tr[n->trs++] = t;
	return 0;
}

int net_listen(struct net *n, const struct net_listen_prm *prm, uint32_t *id, struct sa *bound)
{
	struct transport *t;
	int err;

	if (prm->proto != NET_UDP && !conn_ops_of(prm->proto))
		return EPROTONOSUPPORT;
	if (net_is_secure(prm->proto) != (prm->tls != NULL))
		return EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return ENOMEM;
	t->proto = prm->proto;
	t->prm = (struct sock_prm){ .tos = prm->tos, .cos = prm->cos, .keepalive = prm->keepalive,
		.keepalive_idle = prm->keepalive_idle, .keepalive_interval = prm->keepalive_interval,
		.keepalive_count = prm->keepalive_count, .write_ms = prm->write_ms, .tls = obj_hold(prm->tls),
		.ws = obj_hold(prm->ws), .http = obj_hold(prm->http) };
	t->id = n->next_id + 1;
	err = text_set(&t->name, prm->name);
	t->bound = prm->bind;
	if (!err && !prm->by_http)
		err = open_all(n, t, &prm->bind);
	if (!err)
		err = keep_transport(n, t);
	if (err) {
		stop_all(n, t);
		transport_free(t);
		return err;
	}
	n->next_id++;
	t->started = true;
	for (unsigned i = 0; i < n->ios; i++) {
		t->start[i] = (struct note){ .sock = t->sock[i], .listener = t->listener[i] };
		if (!prm->by_http)
			tell_io(n->io[i], &t->start[i]);
	}
	*id = t->id;
	if (bound)
		*bound = t->bound;
	return 0;
}

int net_unlisten(struct net *n, uint32_t id)
{
	for (size_t i = 0; i < n->trs; i++) {
		struct transport *t = n->tr[i];

		if (t->id != id)
			continue;
		memmove(n->tr + i, n->tr + i + 1, (n->trs - i - 1) * sizeof(*n->tr));
		n->trs--;
		stop_all(n, t);
		transport_free(t);
		return 0;
	}
	return ENOENT;
}
