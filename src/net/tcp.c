/* TCP: its row of conn_ops, listening and accepting, and the beginning of a connection of ours. */
#define LOG_MODULE "net"
#include "net/private.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ACCEPTS 64              /* connections one wake takes */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 5000
#define MOAN_EVERY_MS 60000

/* ---- the row of plain TCP --------------------------------------------- */

static ssize_t tcp_read(struct conn *c, void *p, size_t n)
{
	return recv(c->fd, p, n, 0);
}

static ssize_t tcp_write(struct conn *c, const struct iovec *v, int n)
{
	/* sendmsg() and not writev(): a closed peer must be EPIPE, not a signal. */
	struct msghdr m = { .msg_iov = (struct iovec *)(size_t)v, .msg_iovlen = (size_t)n };

	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

static void tcp_shut(struct conn *c)
{
	shutdown(c->fd, SHUT_WR);
}

static const struct conn_ops tcp_ops = { .read = tcp_read, .write = tcp_write, .shut = tcp_shut };

static const struct conn_ops *const rows[NET_PROTOS] = { [NET_UDP] = &udp_conn_ops,
	[NET_TCP] = &tcp_ops, [NET_TLS] = &tls_ops, [NET_WS] = &ws_ops, [NET_WSS] = &ws_ops,
};

const struct conn_ops *conn_ops_of(enum net_proto p)
{
	return (unsigned)p < NET_PROTOS ? rows[p] : NULL;
}

/* ---- listening -------------------------------------------------------- */

static void on_poll(uv_poll_t *h, int status, int events);

static void resume_accept(void *arg)
{
	struct listener *l = arg;

	uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

/* Without a descriptor left accept() would fail for ever and the loop spin: the
 * reserve takes the connection, drops it, and then we look away for a while. */
static void out_of_descriptors(struct listener *l, int err)
{
	struct io *io = l->io;
	uint64_t now = clock_ms(loop_clock(io->loop));
	int fd;

	if (io->reserve_fd >= 0) {
		close(io->reserve_fd);
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			close(fd);
			count(&io->counts, COUNT_REFUSED_CAP, 1);
		}
		io->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (!io->moaned_ms || now - io->moaned_ms >= MOAN_EVERY_MS) {
		log_error("cannot take connections: %s; raise the limit of open files or lower that of connections",
			  strerror(err));
		io->moaned_ms = now;
	}
	l->backoff_ms = l->backoff_ms ? l->backoff_ms * 2 : BACKOFF_MIN_MS;
	if (l->backoff_ms > BACKOFF_MAX_MS)
		l->backoff_ms = BACKOFF_MAX_MS;
	uv_poll_stop(&l->poll);
	timer_start(loop_wheel(io->loop), &l->pause, l->backoff_ms, resume_accept, l);
}

static int admit_peer(struct io *io, const struct sa *peer, struct gate_addr **slot)
{
	bool known = !io->strangers || strangers_known(io->strangers, peer, clock_us(loop_clock(io->loop)));
	int err = gate_enter(io->gate, peer, known, slot);

	if (err == ENOSPC && conn_evict(io))
		err = gate_enter(io->gate, peer, known, slot);
	return err;
}

static int take_connection(struct listener *l, int fd, const struct sa *peer)
{
	struct io *io = l->io;
	struct net_path path = { .transport = l->transport, .proto = l->proto, .conn = io_conn_id(io), .peer = *peer };
	struct gate_addr *slot;
	struct conn *c = NULL;
	int err = admit_peer(io, peer, &slot);

	if (err) {
		count(&io->counts, COUNT_REFUSED_CAP, 1);
		return err;
	}
	sock_stream_options(fd, peer->u.s.sa_family, &l->prm);
	err = sock_bound(fd, &path.local);
	if (!err)
		err = conn_new(&c, io, fd, &path, &l->prm, true);
	if (err) {
		gate_leave(io->gate, slot, false);
		return err;
	}
	c->slot = slot;
	count(&io->counts, COUNT_ACCEPTED, 1);
	io_emit(io, &(struct env){ .type = ENV_OPENED, .http = l->prm.http != NULL, .path = path });
	err = conn_start(c);
	if (err) {
		gate_leave(io->gate, slot, false);
		io_emit(io, &(struct env){ .type = ENV_CLOSED, .err = err, .path = path });
		c->fd = -1;             /* the caller closes it */
		obj_drop(c);
	}
	return err;
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct listener *l = h->data;

	(void)status;
	(void)events;
	for (unsigned i = 0; i < ACCEPTS && !l->closed; i++) {
		struct sockaddr_storage ss;
		socklen_t n = sizeof(ss);
		struct sa peer;
		int fd = accept4(l->fd, (struct sockaddr *)&ss, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				out_of_descriptors(l, errno);
			else if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return;
		}
		l->backoff_ms = 0;
		sa_from(&peer, (struct sockaddr *)&ss, n);
		if (take_connection(l, fd, &peer))
			close(fd);
	}
}

static void on_closed(uv_handle_t *h)
{
	obj_drop(h->data);
}

static void listener_free(void *arg)
{
	struct listener *l = arg;

	obj_drop(l->prm.tls);
	obj_drop(l->prm.ws);
	obj_drop(l->prm.http);
}

int listener_new(struct listener **out, struct io *io, int fd, enum net_proto proto, uint32_t transport,
		 const struct sock_prm *prm)
{
	struct listener *l = obj_new(sizeof(*l), listener_free);

	if (!l)
		return ENOMEM;
	l->io = io;
	l->fd = fd;
	l->proto = proto;
	l->transport = transport;
	l->prm = *prm;
	obj_hold(l->prm.tls);
	obj_hold(l->prm.ws);
	obj_hold(l->prm.http);
	*out = l;
	return 0;
}

int listener_start(struct listener *l)
{
	int err = uv_poll_init(loop_uv(l->io->loop), &l->poll, l->fd);

	if (err)
		return -err;
	l->poll.data = l;
	l->started = true;
	list_append(&l->io->listeners, &l->link);
	resume_accept(l);
	return 0;
}

void listener_stop(struct listener *l)
{
	l->closed = true;
	timer_stop(&l->pause);
	list_remove(&l->link);
	if (l->started)
		uv_close((uv_handle_t *)&l->poll, on_closed);
	close(l->fd);
	if (!l->started)
		obj_drop(l);
}

/* ---- connecting ------------------------------------------------------- */

int conn_socket(int *out, struct net_path *path, const struct sock_prm *prm)
{
	struct sa local = path->local;
	int type = net_is_stream(path->proto) ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(path->peer.u.s.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return errno;
	if (type == SOCK_STREAM)
		sock_stream_options(fd, path->peer.u.s.sa_family, prm);
	sa_set_port(&local, 0);
	if (sa_is_set(&local) && !sa_is_any(&local) && bind(fd, &local.u.s, sa_len(&local)))
		err = errno;
	if (!err && connect(fd, &path->peer.u.s, sa_len(&path->peer)) && errno != EINPROGRESS)
		err = errno;
	if (!err)
		err = sock_bound(fd, &path->local);
	if (err)
		close(fd);
	else
		*out = fd;
	return err;
}
