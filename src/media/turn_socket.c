/* media/turn_socket.c -- a stream socket of a media thread: connecting, reading and writing as far as it goes
 * without waiting. What the bytes mean is in turn_stream.c. */
#include "media/turn_socket.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/poison.h"

/* The kernel's own queue of what leaves: sound that waits longer than this takes is of no use. */
enum { SEND_BUFFER = 65536, READS = 8 };

/* EPOLLOUT is asked for only while something waits. */
static void watch(struct turn_socket *s, int op)
{
	bool out = !s->connected || turn_stream_waiting(&s->stream).n;
	struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.u64 = watched_mark(&s->watched) };

	if (s->ep < 0 || (op == EPOLL_CTL_MOD && out == s->wants_out))
		return;
	s->wants_out = out;
	epoll_ctl(s->ep, op, s->fd, &e);
}

void turn_socket_close(struct turn_socket *s)
{
	if (s->fd < 0)
		return;
	turn_socket_unwatch(s);
	close(s->fd);
	s->fd = -1;
}

static void lose(struct turn_socket *s)
{
	turn_socket_close(s);
	s->ops->lost(s);
}

/* ---- events */

static void flush(struct turn_socket *s)
{
	struct str w = turn_stream_waiting(&s->stream);
	ssize_t n;

	if (!w.n)
		return;
	n = send(s->fd, w.p, w.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* Of what is broken the epoll tells. */
	if (n <= 0)
		return;
	turn_stream_sent(&s->stream, (size_t)n);
	watch(s, EPOLL_CTL_MOD);
}

static void take(struct turn_socket *s, struct str bytes)
{
	struct str msg;

	while (s->fd >= 0) {
		switch (turn_stream_take(&s->stream, &bytes, &msg)) {
		case TURN_STREAM_MORE:
			return;
		case TURN_STREAM_MESSAGE:
			s->ops->message(s, msg);
			break;
		case TURN_STREAM_BAD:
			lose(s);
			return;
		}
	}
}

static void receive(struct turn_socket *s)
{
	uint8_t bytes[TURN_STREAM_IN];

	/* Bounded: others are waiting, and the epoll tells again of what is left. */
	for (int i = 0; i < READS && s->fd >= 0; i++) {
		ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			lose(s);
			return;
		}
		take(s, str_mk((const char *)bytes, (size_t)n));
		if ((size_t)n < sizeof(bytes))
			return;
	}
}

static void on_ready(struct watched *w, uint32_t events)
{
	struct turn_socket *s = container_of(w, struct turn_socket, watched);
	socklen_t len = sizeof(int);
	int err = 0;

	if (s->fd < 0)
		return;
	if (!s->connected) {
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err) {
			lose(s);
			return;
		}
		if (!(events & EPOLLOUT))
			return;
		s->connected = true;
		watch(s, EPOLL_CTL_MOD);
		s->ops->opened(s);
	} else if (events & EPOLLOUT) {
		flush(s);
	}
	if (s->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(s);
}

/* ---- life */

void turn_socket_init(struct turn_socket *s, const struct turn_socket_ops *ops, void *arg, unsigned base)
{
	s->watched.ready = on_ready;
	s->ops = ops;
	s->arg = arg;
	s->base = base;
	s->fd = s->ep = -1;
}

bool turn_socket_open(struct turn_socket *s, int ep, const struct sa *from, const struct sa *to)
{
	int size = SEND_BUFFER, on = 1, fd;
	struct sa any_port = *from;

	if (s->fd >= 0)
		return false;
	fd = socket(to->u.s.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	sa_set_port(&any_port, 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (bind(fd, &any_port.u.s, sa_len(&any_port)) || (connect(fd, &to->u.s, sa_len(to)) && errno != EINPROGRESS)) {
		close(fd);
		return false;
	}
	s->fd = fd;
	s->connected = false;
	s->stream = (struct turn_stream){ .nin = 0 };
	turn_socket_watch(s, ep);
	return true;
}

void turn_socket_send(struct turn_socket *s, const void *p, size_t n)
{
	bool waited = turn_stream_waiting(&s->stream).n != 0;

	if (s->fd < 0 || !s->connected || !turn_stream_put(&s->stream, p, n) || waited)
		return;
	flush(s);
	watch(s, EPOLL_CTL_MOD);
}

void turn_socket_watch(struct turn_socket *s, int ep)
{
	s->ep = ep;
	if (s->fd >= 0)
		watch(s, EPOLL_CTL_ADD);
}

void turn_socket_unwatch(struct turn_socket *s)
{
	if (s->fd >= 0 && s->ep >= 0)
		epoll_ctl(s->ep, EPOLL_CTL_DEL, s->fd, NULL);
	s->ep = -1;
}
