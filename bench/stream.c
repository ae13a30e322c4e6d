/* Kept connections for the load generator: connect, shake hands, upgrade, then messages in
 * both directions. */
#include "stream.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ADDRESSES 100
#define IN_MAX 2048

enum state { CLOSED, CONNECTING, SHAKING, UPGRADING, OPEN };

struct stream {
	int fd;
	enum state state;
	SSL *ssl;
	uint64_t began;
	size_t n;
	char in[IN_MAX];                /* part of a message */
};

struct streams {
	struct load *l;
	bool tls, ws;
	SSL_CTX *ctx;
	struct stream *v;
	uint32_t n, opening;
	uint64_t opened, lost, unsent;
	struct hist delay;              /* from connect() until it is open */
	stream_up_fn *up;
	stream_message_fn *message;
	void *arg;
};

struct streams *streams_new(struct load *l, uint32_t users, stream_up_fn *up, stream_message_fn *message, void *arg)
{
	struct streams *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct streams){ .l = l, .up = up, .message = message, .arg = arg,
		.tls = l->opt.carrier == CARRIER_TLS || l->opt.carrier == CARRIER_WSS,
		.ws = l->opt.carrier == CARRIER_WS || l->opt.carrier == CARRIER_WSS };
	s->v = calloc(users, sizeof(*s->v));
	s->n = s->v ? users : 0;
	s->ctx = SSL_CTX_new(TLS_client_method());
	if (s->v && s->ctx) {
		SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS);
		return s;
	}
	perror("stream");
	streams_free(s);
	return NULL;
}

static void drop(struct stream *t)
{
	SSL_free(t->ssl);
	if (t->fd > 0)
		close(t->fd);
	t->ssl = NULL;
	t->fd = 0;
	t->state = CLOSED;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		drop(&s->v[i]);
	SSL_CTX_free(s->ctx);
	free(s->v);
	free(s);
}

bool stream_is_open(const struct streams *s, uint32_t user) { return s->v[user].state == OPEN; }
uint32_t streams_opening(const struct streams *s) { return s->opening; }
uint64_t streams_lost(const struct streams *s) { return s->lost; }

bool streams_own(const struct streams *s, const void *data)
{
	return s && (uintptr_t)data >= (uintptr_t)s->v && (uintptr_t)data < (uintptr_t)(s->v + s->n);
}

static void lose(struct streams *s, struct stream *t)
{
	s->opening -= t->state != OPEN;
	s->lost++;
	drop(t);
}

/* ---- bytes ------------------------------------------------------------ */

/* As recv(2). */
static ssize_t get(struct stream *t, char *p, size_t n)
{
	int ret;

	if (!t->ssl)
		return recv(t->fd, p, n, 0);
	ERR_clear_error();
	ret = SSL_read(t->ssl, p, (int)n);
	if (ret > 0)
		return ret;
	errno = SSL_get_error(t->ssl, ret) == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
	return -1;
}

static bool put(struct stream *t, const char *p, size_t n)
{
	ERR_clear_error();
	return t->ssl ? SSL_write(t->ssl, p, (int)n) == (int)n : send(t->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* ---- opening ---------------------------------------------------------- */

void stream_open(struct streams *s, uint32_t user)
{
	struct stream *t = &s->v[user];
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = t };
	int one = 1;

	from.sin_addr.s_addr = htonl((127u << 24) + (1u << 8) + 1 + user % ADDRESSES);
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	t->state = CONNECTING;
	t->began = wire_now();
	t->n = 0;
	s->opening++;
	/* Many sockets share an address: the port is chosen when it is known whereto. */
	if (t->fd < 0 || setsockopt(t->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) ||
	    setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    bind(t->fd, (struct sockaddr *)&from, sizeof(from)) ||
	    (connect(t->fd, (struct sockaddr *)&s->l->opt.server, sizeof(s->l->opt.server)) && errno != EINPROGRESS) ||
	    epoll_ctl(s->l->epoll, EPOLL_CTL_ADD, t->fd, &e))
		lose(s, t);
}

static void opened(struct streams *s, struct stream *t)
{
	t->state = OPEN;
	s->opening--;
	s->opened++;
	hist_add(&s->delay, wire_now() - t->began);
	s->up(s->arg, (uint32_t)(t - s->v));
}

static bool begin_tls(struct streams *s, struct stream *t)
{
	t->ssl = SSL_new(s->ctx);
	if (!t->ssl || SSL_set_fd(t->ssl, t->fd) != 1)
		return false;
	SSL_set_connect_state(t->ssl);
	return true;
}

static bool ask_upgrade(struct streams *s, struct stream *t)
{
	static const char text[] = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

	(void)s;
	return put(t, text, sizeof(text) - 1);
}

/* Goes on with what has to happen before it is open. False: lost. */
static bool advance(struct streams *s, struct stream *t)
{
	int ret;

	if (t->state == CONNECTING) {
		int err = 0;
		socklen_t n = sizeof(err);

		if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &n) || err || (s->tls && !begin_tls(s, t)))
			return false;
		t->state = SHAKING;
	}
	if (t->state != SHAKING)
		return true;
	ERR_clear_error();
	ret = t->ssl ? SSL_do_handshake(t->ssl) : 1;
	if (ret != 1)
		return SSL_get_error(t->ssl, ret) == SSL_ERROR_WANT_READ || SSL_get_error(t->ssl, ret) == SSL_ERROR_WANT_WRITE;
	if (s->ws) {
		t->state = UPGRADING;
		return ask_upgrade(s, t);
	}
	opened(s, t);
	return true;
}

/* ---- messages --------------------------------------------------------- */

/* What a SIP message takes; 0: it is not whole. */
static size_t sip_length(struct str d)
{
	size_t head = str_find(d, STR("\r\n\r\n")), at;
	uint32_t body = 0;

	if (head == d.n)
		return 0;
	at = str_ifind(str_sub(d, 0, head), STR("\r\nContent-Length:"));
	if (at < head) {
		struct str v = str_skip(d, at + 17);

		str_u32(str_trim(str_sub(v, 0, str_chr(v, '\r'))), &body);
	}
	return head + 4 + body <= d.n ? head + 4 + body : 0;
}

/* A frame of the server: no mask. What a whole one takes, and its payload. */
static size_t frame_length(struct str d, struct str *payload)
{
	size_t head = 2, n;

	if (d.n < 4)
		return 0;
	n = (unsigned char)d.p[1];
	if (n == 126) {
		head = 4;
		n = (size_t)(unsigned char)d.p[2] << 8 | (unsigned char)d.p[3];
	}
	if (d.n < head + n)
		return 0;
	*payload = (d.p[0] & 15) <= 2 ? str_sub(d, head, n) : STR_NULL;
	return head + n;
}

static size_t take_one(struct streams *s, struct stream *t, struct str d)
{
	struct str message = d;
	size_t n;

	if (t->state == UPGRADING) {
		n = str_find(d, STR("\r\n\r\n"));
		if (n == d.n)
			return 0;
		if (!str_starts(d, STR("HTTP/1.1 101"))) {
			lose(s, t);
			return 0;
		}
		opened(s, t);
		return n + 4;
	}
	n = s->ws ? frame_length(d, &message) : sip_length(d);
	if (n)
		s->message(s->arg, s->ws ? message : str_sub(d, 0, n));
	return n;
}

static void take_all(struct streams *s, struct stream *t)
{
	size_t used = 0, n;

	while (t->state >= UPGRADING && (n = take_one(s, t, str_mk(t->in + used, t->n - used))) > 0)
		used += n;
	t->n -= used;
	memmove(t->in, t->in + used, t->n);
}

void streams_ready(struct streams *s, void *data)
{
	struct stream *t = data;

	if (t->state == CLOSED)
		return;
	if (!advance(s, t)) {
		lose(s, t);
		return;
	}
	while (t->state >= UPGRADING) {
		ssize_t n = get(t, t->in + t->n, IN_MAX - t->n);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			lose(s, t);
			return;
		}
		t->n += (size_t)n;
		take_all(s, t);
	}
}

/* A client's frame is masked (RFC 6455 5.3); with zeros it is as cheap here as it can be,
 * and the server's work is the same. */
static size_t write_frame(char *out, struct str m)
{
	size_t head = m.n < 126 ? 2 : 4;

	out[0] = (char)0x81;
	out[1] = (char)(0x80 | (m.n < 126 ? m.n : 126));
	if (head == 4) {
		out[2] = (char)(m.n >> 8);
		out[3] = (char)m.n;
	}
	memset(out + head, 0, 4);
	memcpy(out + head + 4, m.p, m.n);
	return head + 4 + m.n;
}

void stream_send(struct streams *s, uint32_t user, struct str m)
{
	struct stream *t = &s->v[user];
	char frame[WIRE_MESSAGE + 8];

	if (t->state != OPEN || !(s->ws ? put(t, frame, write_frame(frame, m)) : put(t, m.p, m.n)))
		s->unsent++;
}

void streams_mark(struct streams *s)
{
	memset(&s->delay, 0, sizeof(s->delay));
}

void streams_report(const struct streams *s, FILE *out)
{
	fprintf(out, "  \"streams\": {\n    \"opened\": %llu, \"opening\": %u, \"lost\": %llu, \"unsent\": %llu,\n",
		(unsigned long long)s->opened, s->opening, (unsigned long long)s->lost, (unsigned long long)s->unsent);
	report_hist(out, "open_us", &s->delay);
	fprintf(out, "\n  },\n");
}
