/* Sockets, histograms and time for the load generators. */
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

static const uint64_t interval[TX_LEVELS] = { T1_NS, 2 * T1_NS, 4 * T1_NS, 8 * T1_NS, 64 * T1_NS };

uint64_t wire_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t hist_slot(uint64_t us)
{
	unsigned shift;

	if (us < HIST_STEPS)
		return (size_t)us;
	shift = 63u - (unsigned)__builtin_clzll(us) - 5;        /* 2^5 = HIST_STEPS */
	size_t slot = (size_t)(shift + 1) * HIST_STEPS + (size_t)((us >> shift) - HIST_STEPS);

	return slot < HIST_SIZE ? slot : HIST_SIZE - 1;
}

void hist_add(struct hist *h, uint64_t ns)
{
	uint64_t us = ns / 1000;

	h->bucket[hist_slot(us)]++;
	h->count++;
	if (us > h->max)
		h->max = us;
}

uint64_t hist_at(const struct hist *h, double quantile)
{
	uint64_t rank = (uint64_t)(quantile * (double)h->count), seen = 0;

	for (size_t i = 0; i < HIST_SIZE; i++) {
		seen += h->bucket[i];
		if (seen <= rank)
			continue;
		uint64_t top = i < HIST_STEPS ? i :
			((uint64_t)(i % HIST_STEPS + HIST_STEPS + 1) << (i / HIST_STEPS - 1)) - 1;

		return top < h->max ? top : h->max;
	}
	return h->max;
}

int wire_udp(struct in_addr local, uint16_t *port, int rcvbuf)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = local, .sin_port = htons(*port) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* Without privilege the kernel clamps SO_RCVBUF to rmem_max: still the best to have. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || getsockname(fd, (struct sockaddr *)&a, &n)) {
		int err = errno;

		close(fd);
		return -err;
	}
	*port = ntohs(a.sin_port);
	return fd;
}

int sock_open(struct sock *s, struct in_addr local, uint16_t port)
{
	memset(s, 0, sizeof(*s));
	s->port = port;
	s->fd = wire_udp(local, &s->port, 32 << 20);
	if (s->fd < 0)
		return -s->fd;
	for (unsigned i = 0; i < WIRE_BATCH; i++) {
		s->iov[i].iov_base = s->out[i].data;
		s->hdr[i].msg_hdr = (struct msghdr){ .msg_iov = &s->iov[i], .msg_iovlen = 1,
			.msg_name = &s->out[i].peer, .msg_namelen = sizeof(s->out[i].peer) };
	}
	return 0;
}

void sock_close(struct sock *s)
{
	close(s->fd);
	s->fd = -1;
}

void sock_flush(struct sock *s)
{
	unsigned done = 0;

	while (done < s->queued) {
		int n = sendmmsg(s->fd, s->hdr + done, s->queued - done, 0);

		if (n > 0) {
			done += (unsigned)n;
			s->sent += (uint64_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		/* ECONNREFUSED belongs to an earlier datagram; EAGAIN loses this one,
		 * as a network would, and a timer sends it again. */
		if (errno != ECONNREFUSED) {
			done++;
			s->dropped++;
		}
	}
	s->queued = 0;
}

void sock_send(struct sock *s, const struct sockaddr_in *to, struct str msg)
{
	struct packet *p = &s->out[s->queued];

	if (msg.n > sizeof(p->data)) {
		s->dropped++;
		return;
	}
	memcpy(p->data, msg.p, msg.n);
	p->peer = *to;
	s->iov[s->queued].iov_len = msg.n;
	if (++s->queued == WIRE_BATCH)
		sock_flush(s);
}

void sock_read(struct sock *s, sock_fn *fn, void *arg)
{
	static struct packet in[WIRE_BATCH];
	static struct iovec iov[WIRE_BATCH];
	static struct mmsghdr hdr[WIRE_BATCH];
	int n;

	do {
		for (unsigned i = 0; i < WIRE_BATCH; i++) {
			iov[i] = (struct iovec){ .iov_base = in[i].data, .iov_len = sizeof(in[i].data) };
			hdr[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1,
				.msg_name = &in[i].peer, .msg_namelen = sizeof(in[i].peer) };
		}
		n = recvmmsg(s->fd, hdr, WIRE_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			s->received++;
			fn(arg, &in[i].peer, str_mk(in[i].data, hdr[i].msg_len));
		}
	} while (n == WIRE_BATCH);
}

/* --- messages ----------------------------------------------------------- */

static void add(struct str *list, size_t *n, size_t max, struct str v)
{
	if (*n < max)
		list[(*n)++] = v;
}

static void header(struct msg *m, struct str name, struct str v)
{
	switch (name.n ? name.p[0] | 0x20 : 0) {
	case 'v':
		if (name.n == 1 || str_ieq(name, STR("via")))
			add(m->via, &m->vias, MSG_VIAS, v);
		return;
	case 'f':
		if (name.n == 1 || str_ieq(name, STR("from")))
			m->from = v;
		return;
	case 't':
		if (name.n == 1 || str_ieq(name, STR("to")))
			m->to = v;
		return;
	case 'i':
		if (name.n == 1)
			m->call_id = v;
		return;
	case 'm':
		if (name.n == 1)
			m->contact = v;
		return;
	case 'c':
		if (str_ieq(name, STR("call-id")))
			m->call_id = v;
		else if (str_ieq(name, STR("cseq")))
			m->cseq = v;
		else if (str_ieq(name, STR("contact")))
			m->contact = v;
		return;
	case 'r':
		if (str_ieq(name, STR("record-route")))
			add(m->record_route, &m->record_routes, MSG_VIAS, v);
		return;
	case 'w':
	case 'p':
		if (str_ieq(name, STR("www-authenticate")) || str_ieq(name, STR("proxy-authenticate")))
			add(m->auth, &m->auths, MSG_AUTHS, v);
		return;
	}
}

bool msg_scan(struct msg *m, struct str d)
{
	struct str line, version = STR("SIP/2.0");

	memset(m, 0, sizeof(*m));
	if (!str_line(&d, &line))
		return false;
	if (str_starts(line, version)) {
		uint32_t status;

		if (str_u32(str_sub(line, version.n + 1, 3), &status))
			return false;
		m->status = (int)status;
	} else {
		m->method = str_cut_raw(&line, ' ');
		m->uri = str_cut_raw(&line, ' ');
		if (!str_eq(line, version))
			return false;
	}
	while (str_line(&d, &line) && line.n) {
		size_t colon = str_chr(line, ':');

		header(m, str_rtrim(str_sub(line, 0, colon)), str_trim(str_skip(line, colon + 1)));
	}
	m->body = d;
	return m->call_id.n && m->cseq.n;
}

uint32_t msg_cseq(const struct msg *m)
{
	struct str s = m->cseq;
	uint32_t n;

	return str_u32(str_cut_raw(&s, ' '), &n) ? 0 : n;
}

bool msg_cseq_is(const struct msg *m, struct str method)
{
	return str_ends(m->cseq, method);
}

struct str msg_contact_uri(const struct msg *m)
{
	struct str c = m->contact;
	size_t open = str_chr(c, '<');

	if (open == c.n)
		return str_trim(str_cut(&c, ';'));
	c = str_skip(c, open + 1);
	return str_sub(c, 0, str_chr(c, '>'));
}

bool msg_media(const struct msg *m, struct sockaddr_in *out)
{
	struct str rest = m->body, line, host = STR_NULL;
	uint32_t port = 0;
	char ip[INET_ADDRSTRLEN];

	while (str_line(&rest, &line)) {
		if (str_starts(line, STR("c=IN IP4 "))) {
			host = str_skip(line, 9);
		} else if (str_starts(line, STR("m=audio "))) {
			struct str v = str_skip(line, 8);

			if (str_u32(str_cut_raw(&v, ' '), &port))
				return false;
		}
	}
	*out = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return port && port < 65536 && inet_pton(AF_INET, str_copy(ip, sizeof(ip), str_trim(host)), &out->sin_addr) == 1;
}

bool msg_call_id_hex(const struct msg *m, size_t off, uint32_t *out)
{
	uint8_t b[4];

	if (str_hex(str_sub(m->call_id, off, 8), b, 4))
		return false;
	*out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

void put_hex32(struct buf *b, uint32_t v)
{
	const uint8_t be[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	buf_hex(b, be, sizeof(be));
}

void put_answer(struct buf *b, struct str status, const struct msg *m, struct str tag)
{
	buf_puts(b, STR("SIP/2.0 "), status, STR("\r\n"));
	for (size_t i = 0; i < m->vias; i++)
		buf_puts(b, STR("Via: "), m->via[i], STR("\r\n"));
	for (size_t i = 0; i < m->record_routes; i++)
		buf_puts(b, STR("Record-Route: "), m->record_route[i], STR("\r\n"));
	buf_puts(b, STR("From: "), m->from, STR("\r\nTo: "), m->to);
	if (tag.n && str_ifind(m->to, STR(";tag=")) == m->to.n)
		buf_puts(b, STR(";tag="), tag);
	buf_puts(b, STR("\r\nCall-ID: "), m->call_id, STR("\r\nCSeq: "), m->cseq, STR("\r\n"));
}

/* --- client transactions ------------------------------------------------ */

void timers_init(struct timers *t)
{
	for (size_t i = 0; i < TX_LEVELS; i++)
		list_init(&t->level[i]);
}

static void arm(struct timers *t, struct tx *tx, unsigned level, uint64_t now)
{
	list_remove(&tx->link);
	tx->level = level;
	tx->due = now + interval[level];
	list_append(&t->level[level], &tx->link);
}

void tx_start(struct timers *t, struct tx *tx, struct str msg, uint64_t now)
{
	tx->n = msg.n < sizeof(tx->msg) ? msg.n : sizeof(tx->msg);
	memcpy(tx->msg, msg.p, tx->n);
	tx->give_up = now + 64 * T1_NS;         /* timers B, F and H */
	arm(t, tx, 0, now);
}

void tx_quiet(struct timers *t, struct tx *tx, uint64_t now)
{
	if (tx->level != TX_QUIET)
		arm(t, tx, TX_QUIET, now);
}

void tx_stop(struct tx *tx)
{
	list_remove(&tx->link);
}

void timers_run(struct timers *t, uint64_t now, struct sock *s, const struct sockaddr_in *to,
		tx_timeout_fn *fn, void *arg)
{
	for (unsigned i = 0; i < TX_LEVELS; i++) {
		while (!list_empty(&t->level[i])) {
			struct tx *tx = container_of(t->level[i].next, struct tx, link);

			if (tx->due > now)
				break;
			if (i == TX_QUIET || now >= tx->give_up) {
				t->timeouts++;
				tx_stop(tx);
				fn(arg, tx);
				continue;
			}
			t->retransmits++;
			sock_send(s, to, str_mk(tx->msg, tx->n));
			arm(t, tx, i + 1 < TX_QUIET ? i + 1 : i, now);
		}
	}
}
