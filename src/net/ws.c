/* A connection over WebSocket (RFC 6455, RFC 7118): the row of conn_ops that stands on the row of TCP or of
 * TLS. Each SIP message is one message there. What is legal is known to ws_upgrade.c and ws_frame.c. */
#define LOG_MODULE "websocket"
#include "net/private.h"
#include "net/ws_frame.h"
#include "net/ws_private.h"
#include "base/log.h"
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum ws_state {
	WS_STARTING,            /* the row below shakes hands */
	WS_UPGRADING,           /* waits for the request, or for the answer to ours */
	WS_OPEN,
	WS_OVER,                /* refused, or a close frame was sent */
};

struct ws {
	const struct conn_ops *below;
	enum ws_state state;
	struct ws_reader reader;
	char key[WS_KEY + 1];   /* as client */
};

/* ---- the handshake -------------------------------------------------------------------------- */

static int begin(struct conn *c)
{
	struct ws *w = calloc(1, sizeof(*w));

	if (!w)
		return ENOMEM;
	w->below = conn_ops_of(c->path.proto == NET_WSS ? NET_TLS : NET_TCP);
	w->reader.masked = c->accepted;
	w->reader.max = c->io->limits.max_message;
	w->reader.message.max = w->reader.max;
	c->ws = w;
	return 0;
}

int ws_adopt(struct conn *c, const struct conn_ops *below)
{
	int err = begin(c);

	if (err)
		return err;
	c->ws->below = below;
	c->ws->state = WS_OPEN;
	c->ops = &ws_ops;
	return 0;
}

static int queue_text(struct conn *c, struct buf *b)
{
	struct net_bytes *wire = buf_err(b) ? NULL : net_bytes_new(buf_view(b));
	int err = wire ? conn_queue_wire(c, wire) : ENOMEM;

	obj_drop(wire);
	return err;
}

static int send_request(struct conn *c)
{
	struct buf host = BUF_INIT, b = BUF_INIT;
	int err = ws_new_key(c->ws->key);

	if (c->host.n && sa_port(&c->path.peer) == (c->path.proto == NET_WSS ? 443 : 80))
		buf_put(&host, text_view(&c->host));
	else if (c->host.n)
		buf_printf(&host, "%s:%u", text_z(&c->host), sa_port(&c->path.peer));
	else
		sa_write(&host, &c->path.peer);
	ws_request(&b, c->ws->key, buf_view(&host), c->target.n ? text_view(&c->target) : STR("/ws"));
	if (!err && !buf_err(&b)) {
		struct iovec v = { b.p, b.n };

		/* A fresh connection takes some hundred bytes at once, or is of no use. */
		if (c->ws->below->write(c, &v, 1) != (ssize_t)b.n)
			err = EPROTO;
	}
	buf_free(&host);
	buf_free(&b);
	return err;
}

/* What is there of the head, in c->in. 0: some more came; EAGAIN. */
static int read_head(struct conn *c)
{
	char *at = c->in.n < HTTP_HEAD_MAX ? buf_room(&c->in, HTTP_HEAD_MAX - c->in.n) : NULL;
	ssize_t n;

	if (!at)
		return buf_err(&c->in) ? buf_err(&c->in) : EMSGSIZE;
	n = c->ws->below->read(c, at, HTTP_HEAD_MAX - c->in.n);
	if (n < 0)
		return errno == EINTR ? EAGAIN : errno;
	if (!n)
		return EPIPE;
	c->in.n += (size_t)n;
	return 0;
}

/* Refused: the answer still goes out, and then the connection ends. */
static int end_refused(struct conn *c, struct buf *answer)
{
	int err = queue_text(c, answer);

	c->ws->state = WS_OVER;
	c->leaving = true;
	buf_reset(&c->in);
	return err;
}

static int take_request(struct conn *c)
{
	struct buf answer = BUF_INIT;
	struct http_head h;
	size_t len = 0;
	int err = http_parse_request(&h, buf_view(&c->in), &len);

	if (err == EAGAIN)
		return EAGAIN;
	if (err) {
		ws_answer_unreadable(&answer, err);
		err = end_refused(c, &answer);
	} else if (ws_answer(&answer, c->ws_rules, &h)) {
		err = end_refused(c, &answer);
	} else {
		err = queue_text(c, &answer);
		c->ws->state = WS_OPEN;
		conn_took(c, len);
	}
	buf_free(&answer);
	return err;
}

static int take_answer(struct conn *c)
{
	const char *why = "its answer is not HTTP";
	char peer[SA_TEXT];
	struct http_head h;
	size_t len = 0;
	int err = http_parse_answer(&h, buf_view(&c->in), &len);

	if (err == EAGAIN)
		return EAGAIN;
	if (!err)
		err = ws_check_answer(&h, c->ws->key, &why);
	if (err) {
		log_warning("no WebSocket with %s: %s", sa_text(&c->path.peer, peer), why);
		conn_note_why(c, str_z(why));
		return EPROTO;
	}
	c->ws->state = WS_OPEN;
	conn_took(c, len);
	return 0;
}

static int ws_handshake(struct conn *c, bool *want_write)
{
	int err = c->ws ? 0 : begin(c);

	if (!err && c->ws->state == WS_STARTING && c->ws->below->handshake)
		err = c->ws->below->handshake(c, want_write);
	if (!err && c->ws->state == WS_STARTING) {
		c->ws->state = WS_UPGRADING;
		err = c->accepted ? 0 : send_request(c);
	}
	while (!err && c->ws->state == WS_UPGRADING) {
		err = read_head(c);
		if (!err)
			err = c->accepted ? take_request(c) : take_answer(c);
	}
	return err;
}

/* ---- in --------------------------------------------------------------------------------------- */

/* A frame that holds `payload`; a client's is masked (RFC 6455 5.3). NULL: no memory. */
static struct net_bytes *make_frame(const struct conn *c, enum ws_op op, struct str payload)
{
	uint8_t head[WS_HEAD_MAX], mask[4];
	struct net_bytes *wire;
	size_t n;

	if (!c->accepted && RAND_bytes(mask, sizeof(mask)) != 1)
		return NULL;
	n = ws_frame_head(head, op, payload.n, c->accepted ? NULL : mask);
	wire = obj_new(sizeof(*wire) + n + payload.n + 1, NULL);
	if (!wire)
		return NULL;
	memcpy(wire->p, head, n);
	if (payload.n)
		memcpy(wire->p + n, payload.p, payload.n);
	wire->n = n + payload.n;
	if (!c->accepted)
		ws_mask(wire->p + n, payload.n, mask);
	return wire;
}

static void send_control(struct conn *c, enum ws_op op, struct str payload)
{
	struct net_bytes *wire = make_frame(c, op, payload);

	if (wire)
		conn_queue_wire(c, wire);
	obj_drop(wire);
}

/* 1005 says that there was none, and never goes over the wire. */
static void send_close(struct conn *c, unsigned code)
{
	const char two[] = { (char)(code >> 8), (char)code };

	if (c->ws->state != WS_OPEN)
		return;
	send_control(c, WS_CLOSE, str_mk(two, code == WS_CODE_NO_STATUS ? 0 : 2));
	c->ws->state = WS_OVER;
}

/* RFC 6455 5.5.3: of several pings the last may be answered alone, so that whoever sends many
 * makes us send one for each read. */
struct ws_pinged {
	bool any;
	size_t n;
	char payload[WS_CONTROL_MAX];
};

static void note_ping(struct ws_pinged *p, struct str payload)
{
	p->any = true;
	p->n = payload.n < sizeof(p->payload) ? payload.n : sizeof(p->payload);
	if (p->n)
		memcpy(p->payload, payload.p, p->n);
}

/* What the peer said; or what it did wrong, for which the code is ours. */
static void note_end(struct conn *c, const struct ws_got *got)
{
	c->end_code = got->code;
	conn_note_why(c, got->kind == WS_BROKEN ? str_z(got->why) : got->payload);
}

static size_t ws_cut(struct conn *c, char *data, size_t n)
{
	struct ws_pinged ping = { 0 };
	size_t used = 0;

	while (used < n && !c->closed && !c->deaf && c->state == CONN_OPEN) {
		struct ws_got got;

		ws_read(&c->ws->reader, data + used, n - used, &got);
		if (got.kind == WS_NOTHING)
			break;
		used += got.used;
		c->inside = c->ws->reader.inside;
		if (got.kind == WS_MESSAGE) {
			conn_message(c, got.payload);
		} else if (got.kind == WS_PINGED) {
			note_ping(&ping, got.payload);
		} else if (got.kind == WS_PONGED) {
			conn_pong(c);
		} else if (got.kind == WS_CLOSED || got.kind == WS_BROKEN) {
			if (got.kind == WS_BROKEN)
				log_debug(1, "WebSocket: %s", got.why);
			note_end(c, &got);
			send_close(c, got.code);
			conn_end(c);
			return n;
		}
	}
	if (ping.any && !c->closed)
		send_control(c, WS_PONG, str_mk(ping.payload, ping.n));
	return used;
}

/* ---- the row ---------------------------------------------------------------------------------- */

static ssize_t ws_read_below(struct conn *c, void *p, size_t n)
{
	return c->ws->below->read(c, p, n);
}

static ssize_t ws_write_below(struct conn *c, const struct iovec *v, int n)
{
	return c->ws->below->write(c, v, n);
}

static bool ws_pending(const struct conn *c)
{
	return c->ws->below->pending && c->ws->below->pending(c);
}

/* RFC 7118 5: text where it is, and binary where it is not. Our keep-alive is a ping of
 * WebSocket: a script sees nothing of it. */
static struct net_bytes *ws_wrap(struct conn *c, struct net_bytes *bytes)
{
	struct str s = str_mk(bytes->p, bytes->n);

	if (str_eq(s, STR("\r\n\r\n")))
		return make_frame(c, WS_PING, STR_NULL);
	return make_frame(c, ws_is_utf8(s) ? WS_TEXT : WS_BINARY, s);
}

/* The queue is empty: the close frame is the last that goes. */
static void ws_shut(struct conn *c)
{
	if (c->ws->state == WS_OPEN) {
		const char normal[] = { (char)(WS_CODE_NORMAL >> 8), (char)(WS_CODE_NORMAL & 0xff) };
		struct net_bytes *wire = make_frame(c, WS_CLOSE, str_mk(normal, 2));

		if (wire) {
			struct iovec v = { wire->p, wire->n };

			c->ws->below->write(c, &v, 1);
			obj_drop(wire);
		}
		c->ws->state = WS_OVER;
	}
	c->ws->below->shut(c);
}

static void ws_free(struct conn *c)
{
	if (!c->ws)
		return;
	if (c->ws->below->free)
		c->ws->below->free(c);
	ws_reader_free(&c->ws->reader);
	free(c->ws);
	c->ws = NULL;
}

const struct conn_ops ws_ops = { .handshake = ws_handshake, .read = ws_read_below, .write = ws_write_below, .shut = ws_shut,
	.pending = ws_pending, .cut = ws_cut, .wrap = ws_wrap, .free = ws_free };
