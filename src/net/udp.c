/* Datagram sockets: reading in batches, fairness when there are too many, sending in batches. */
#define LOG_MODULE "net"
#include "net/private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define DATAGRAM 65536
#define CONTROL CMSG_SPACE(sizeof(struct in6_pktinfo))

struct udp_out {
	struct sa to, from;             /* from: unset when the kernel is to choose */
	struct net_bytes *bytes;        /* held */
};

/* Room for a batch. A page is only backed once a datagram reached it. */
struct udp_rx {
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct sockaddr_in6 from[UDP_BATCH];
	_Alignas(16) char control[UDP_BATCH][CONTROL];
	char data[UDP_BATCH][DATAGRAM];
};

struct udp_rx *udp_rx_new(void)
{
	struct udp_rx *rx = malloc(sizeof(*rx));

	if (!rx)
		return NULL;
	memset(rx->msg, 0, sizeof(rx->msg));
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		struct msghdr *m = &rx->msg[i].msg_hdr;

		rx->iov[i] = (struct iovec){ rx->data[i], DATAGRAM };
		m->msg_iov = &rx->iov[i];
		m->msg_iovlen = 1;
		m->msg_name = &rx->from[i];
		m->msg_control = rx->control[i];
	}
	return rx;
}

static void udp_free(void *arg)
{
	struct udp_sock *s = arg;

	for (; s->n; s->n--)
		obj_drop(s->q[s->head++].bytes);
	free(s->q);
}

int udp_new(struct udp_sock **out, struct io *io, int fd, uint32_t transport)
{
	struct udp_sock *s = obj_new(sizeof(*s), udp_free);
	int err = s ? sock_bound(fd, &s->bound) : ENOMEM;

	if (err) {
		obj_drop(s);
		return err;
	}
	s->io = io;
	s->fd = fd;
	s->transport = transport;
	s->any = sa_is_any(&s->bound);
	*out = s;
	return 0;
}

/* ---- in --------------------------------------------------------------- */

/* The address the datagram was sent to, from the packet info. */
static void local_of(const struct udp_sock *s, struct msghdr *m, struct sa *local)
{
	*local = s->bound;
	if (!s->any)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			local->u.in4.sin_addr = pi.ipi_spec_dst;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			local->u.in6.sin6_addr = pi.ipi6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(&pi.ipi6_addr))
				local->u.in6.sin6_scope_id = pi.ipi6_ifindex;
		}
	}
}

/* NAT keep-alives (RFC 5626 3.5.1, and the single zero that some phones send)
 * are not messages, and not worth a counter of broken ones. */
static bool is_keepalive(struct str d)
{
	if (d.n > 4)
		return false;
	for (size_t i = 0; i < d.n; i++)
		if (d.p[i] != '\r' && d.p[i] != '\n' && d.p[i] != 0 && d.p[i] != ' ')
			return false;
	return true;
}

/* What a datagram brings, as far as it costs nothing; false: it is nothing for us. */
static bool look_at_datagram(struct udp_sock *s, struct mmsghdr *mm, uint64_t now_us, struct fair_item *out)
{
	struct io *io = s->io;
	struct msghdr *m = &mm->msg_hdr;

	*out = (struct fair_item){ .sock = s, .data = str_mk(m->msg_iov->iov_base, mm->msg_len),
		.cut = m->msg_flags & MSG_TRUNC, .path = { .transport = s->transport, .proto = NET_UDP } };
	if (is_keepalive(out->data))
		return false;
	count(&io->counts, COUNT_RX, 1);
	count(&io->counts, COUNT_RX_BYTES, out->data.n);
	sa_from(&out->path.peer, m->msg_name, m->msg_namelen);
	if (io->strangers && !strangers_permit(io->strangers, &out->path.peer, now_us)) {
		count(&io->counts, COUNT_DROPPED_RATE, 1);
		return false;
	}
	local_of(s, m, &out->path.local);
	return true;
}

static void serve_datagram(struct io *io, const struct fair_item *i)
{
	struct env e = { .type = ENV_MESSAGE, .path = i->path };

	if (!i->cut && sa_port(&e.path.peer))
		e.p = io->h.parse(io->h.arg, &e.path, i->data);
	if (e.p)
		io_emit(io, &e);
	else
		count(&io->counts, COUNT_DROPPED_PARSE, 1);
}

static void queue_fairly(struct io *io, const struct fair_item *i, uint64_t now_us)
{
	bool known = !io->strangers || strangers_known(io->strangers, &i->path.peer, now_us);
	bool fresh = io->h.begins && io->h.begins(io->h.arg, i->data);

	if (fair_put(io->fair, strangers_key(&i->path.peer), known, fresh, i))
		count(&io->counts, COUNT_DROPPED_SHARE, 1);
}

/* Of an io thread: is the core far behind? */
static bool is_ahead(const struct io *io)
{
	return !io->direct && ring_count(io->up) > FAIR_RING;
}

void udp_serve_waiting(void *arg)
{
	struct io *io = arg;
	const struct clock *clock = loop_clock(io->loop);
	uint64_t spend = 2 * io->fair_read_us, until;
	struct fair_item *i;

	/* As many as are served at once when there is no queue, or for twice as long as the
	 * reading took; then all else has its turn, and the answers leave. */
	until = clock_us(clock) + (spend < FAIR_TURN_MAX_US ? spend : FAIR_TURN_MAX_US);
	io->fair_read_us = 0;
	for (unsigned k = 0; (k < UDP_BATCH || clock_us(clock) < until) && !is_ahead(io); k++) {
		i = fair_next(io->fair);
		if (!i)
			break;
		if (!i->sock->closed)
			serve_datagram(io, i);
		fair_item_free(i);
	}
	if (!fair_count(io->fair))
		return;
	if (is_ahead(io))
		timer_start(loop_wheel(io->loop), &io->fair_timer, 1, udp_serve_waiting, io);
	else
		bell_ring(io->fair_bell);
}

static int read_batch(struct udp_sock *s)
{
	struct udp_rx *rx = s->io->rx;

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		rx->msg[i].msg_hdr.msg_namelen = sizeof(rx->from[i]);
		rx->msg[i].msg_hdr.msg_controllen = s->any ? CONTROL : 0;
	}
	return recvmmsg(s->fd, rx->msg, UDP_BATCH, MSG_DONTWAIT, NULL);
}

/* What fills no batch is served at once. When more comes than that, the kernel's queue
 * would make everybody wait behind whoever sends most: it is emptied, and each source
 * waits behind itself (fair.c). */
static void udp_read(struct udp_sock *s)
{
	struct io *io = s->io;
	uint64_t now_us = clock_us(loop_clock(io->loop));
	bool fairly = fair_count(io->fair) || is_ahead(io);
	struct fair_item item;
	int n = UDP_BATCH;

	for (unsigned b = 0; n == UDP_BATCH && b < UDP_DRAIN_MAX; b++) {
		n = read_batch(s);
		fairly |= n == UDP_BATCH;
		/* A handler may stop the socket; what was read belongs to it no more. */
		for (int i = 0; i < n && !s->closed; i++) {
			if (!look_at_datagram(s, &io->rx->msg[i], now_us, &item))
				continue;
			if (fairly)
				queue_fairly(io, &item, now_us);
			else
				serve_datagram(io, &item);
		}
	}
	if (fair_count(io->fair)) {
		io->fair_read_us += clock_us(loop_clock(io->loop)) - now_us;
		bell_ring(io->fair_bell);
	}
}

/* ---- out -------------------------------------------------------------- */

static void on_poll(uv_poll_t *h, int status, int events);

static void watch_socket(struct udp_sock *s, bool write)
{
	s->blocked = write;
	uv_poll_start(&s->poll, UV_READABLE | (write ? UV_WRITABLE : 0), on_poll);
}

static int q_room(struct udp_sock *s)
{
	struct udp_out *q;
	size_t cap = s->cap ? s->cap * 2 : 64;

	if (s->head + s->n < s->cap)
		return 0;
	if (s->head) {
		memmove(s->q, s->q + s->head, s->n * sizeof(*s->q));
		s->head = 0;
		return 0;
	}
	if (cap > UDP_QUEUE_MAX)
		return ENOBUFS;
	q = realloc(s->q, cap * sizeof(*q));
	if (!q)
		return ENOMEM;
	s->q = q;
	s->cap = cap;
	return 0;
}

int udp_queue(struct udp_sock *s, const struct net_path *path, struct net_bytes *bytes)
{
	int err = s->closed ? ENOTCONN : q_room(s);

	if (err)
		return err;
	s->q[s->head + s->n++] = (struct udp_out){ path->peer, path->local, obj_hold(bytes) };
	if (!list_linked(&s->dirty))
		list_append(&s->io->dirty_socks, &s->dirty);
	io_touch(s->io);
	return 0;
}

/* The reply leaves from the address that the request came to. */
static void set_source(struct msghdr *m, char *control, const struct sa *from)
{
	struct cmsghdr *c;

	memset(control, 0, CONTROL);
	m->msg_control = control;
	m->msg_controllen = CONTROL;
	c = CMSG_FIRSTHDR(m);
	if (sa_is_v6(from)) {
		struct in6_pktinfo pi = { .ipi6_addr = from->u.in6.sin6_addr,
			.ipi6_ifindex = from->u.in6.sin6_scope_id };

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(pi));
		memcpy(CMSG_DATA(c), &pi, sizeof(pi));
		m->msg_controllen = CMSG_SPACE(sizeof(pi));
	} else {
		struct in_pktinfo pi = { .ipi_spec_dst = from->u.in4.sin_addr };

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(pi));
		memcpy(CMSG_DATA(c), &pi, sizeof(pi));
		m->msg_controllen = CMSG_SPACE(sizeof(pi));
	}
}

static int send_some(struct udp_sock *s)
{
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	_Alignas(16) char control[UDP_BATCH][CONTROL];
	unsigned n = s->n < UDP_BATCH ? (unsigned)s->n : UDP_BATCH;

	memset(msg, 0, n * sizeof(msg[0]));
	for (unsigned i = 0; i < n; i++) {
		struct udp_out *o = &s->q[s->head + i];
		struct msghdr *m = &msg[i].msg_hdr;

		iov[i] = (struct iovec){ o->bytes->p, o->bytes->n };
		m->msg_iov = &iov[i];
		m->msg_iovlen = 1;
		m->msg_name = &o->to.u.s;
		m->msg_namelen = sa_len(&o->to);
		if (s->any && sa_is_set(&o->from) && !sa_is_any(&o->from) &&
		    sa_is_v6(&o->from) == sa_is_v6(&o->to))
			set_source(m, control[i], &o->from);
	}
	return sendmmsg(s->fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct udp_out pop_queue(struct udp_sock *s)
{
	struct udp_out o = s->q[s->head++];

	if (!--s->n)
		s->head = 0;
	return o;
}

static void fail_first(struct udp_sock *s, int err)
{
	struct udp_out o = pop_queue(s);
	struct env e = { .type = ENV_FAILED, .err = err, .p = o.bytes,
		.path = { .transport = s->transport, .proto = NET_UDP, .local = sa_is_set(&o.from) ? o.from : s->bound,
			  .peer = o.to } };

	count(&s->io->counts, COUNT_TX_ERRORS, 1);
	if (s->closed)
		obj_drop(o.bytes);
	else
		io_emit(s->io, &e);
}

void udp_flush(struct udp_sock *s)
{
	list_remove(&s->dirty);
	if (!s->started)
		return;         /* udp_start() does it */
	while (s->n && !s->blocked) {
		int n = send_some(s);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !s->closed)
			watch_socket(s, true);
		else if (n < 0)
			fail_first(s, errno);
		for (; n > 0; n--) {
			struct udp_out o = pop_queue(s);

			count(&s->io->counts, COUNT_TX, 1);
			count(&s->io->counts, COUNT_TX_BYTES, o.bytes->n);
			obj_drop(o.bytes);
		}
	}
}

/* ---- life ------------------------------------------------------------- */

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct udp_sock *s = h->data;

	if (status < 0) {       /* libuv stopped watching: an ICMP error, which tells us nothing */
		sock_peer_error(s->fd);
		watch_socket(s, s->blocked);
		return;
	}
	if (events & UV_WRITABLE) {
		watch_socket(s, false);
		udp_flush(s);
	}
	if (events & UV_READABLE && !s->closed)
		udp_read(s);
}

static void on_closed(uv_handle_t *h)
{
	obj_drop(h->data);
}

int udp_start(struct udp_sock *s)
{
	int err = uv_poll_init(loop_uv(s->io->loop), &s->poll, s->fd);

	if (err)
		return -err;
	s->poll.data = s;
	s->started = true;
	list_append(&s->io->socks, &s->link);
	watch_socket(s, false);
	if (s->n)
		udp_flush(s);
	return 0;
}

void udp_stop(struct udp_sock *s)
{
	s->closed = true;
	s->blocked = false;
	udp_flush(s);
	list_remove(&s->link);
	if (s->started)
		uv_close((uv_handle_t *)&s->poll, on_closed);
	close(s->fd);
	if (!s->started)
		obj_drop(s);
}
