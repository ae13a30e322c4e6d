/* A connection to a server of HTTP: the row of conn_ops that stands on the row of TCP or of TLS. It reads one
 * request after the other, hands each up and writes what comes down as its answer; a request of a WebSocket makes
 * it one (ws.c). What a head and a body look like is known to http.c and http_body.c. */
#include "net/private.h"
#include <errno.h>
#include <stdlib.h>

#define FIRST_MS 10000          /* the first request may always take so long to begin */
#define REQUEST_MS 60000        /* the first byte of a request to its last, however busily it drips */
#define AHEAD_MAX 8192          /* [bytes] of further requests that are read while one is served */

enum http_state {
	HTTP_WAITING,           /* for the rest of a head */
	HTTP_READING,           /* a body */
	HTTP_SERVING,           /* the core answers */
};

struct http_conn {
	const struct conn_ops *below;
	enum http_state state;
	struct http_request *request;   /* held: what is read of it */
	uint64_t since_ms;              /* when the last answer ended; 0: there was none */
	bool last;                      /* the one that is served is the last */
	bool begun;                     /* a part of the answer has come from the core */
	bool ended;                     /* the peer says no more */
	uint64_t ended_ms;              /* since when it does, and has got all that there is */
	bool tell;                      /* the core waits for room */
	bool again;                     /* go_on() is on its way */
};

static void request_free(void *arg)
{
	struct http_request *r = arg;

	buf_free(&r->text);
	http_body_free(&r->body);
}

struct http_request *http_request_new(void)
{
	return obj_new(sizeof(struct http_request), request_free);
}

struct http_limits *http_limits_new(uint32_t inactivity_ms, uint32_t keep_alive_ms)
{
	struct http_limits *l = obj_new(sizeof(*l), NULL);

	if (l) {
		atomic_init(&l->inactivity_ms, inactivity_ms);
		atomic_init(&l->keep_alive_ms, keep_alive_ms);
	}
	return l;
}

static uint32_t limit_of(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static uint64_t now_of(const struct conn *c)
{
	return clock_ms(loop_clock(c->io->loop));
}

/* ---- deadlines -------------------------------------------------------------------------------- */

static uint64_t waiting_deadline(const struct conn *c)
{
	uint32_t keep = limit_of(&c->http_limits->keep_alive_ms), silent = limit_of(&c->http_limits->inactivity_ms);
	uint32_t first = keep ? keep : silent;

	if (c->http->since_ms)
		return c->http->since_ms + keep;
	return c->born_ms + (first < FIRST_MS ? FIRST_MS : first);
}

static uint64_t http_deadline(const struct conn *c)
{
	uint32_t silent = limit_of(&c->http_limits->inactivity_ms);
	uint64_t due, whole;

	/* While an answer is on its way, only a peer that takes nothing of it is too slow. */
	if (c->http->state == HTTP_SERVING && c->http->ended && !c->n)
		return c->http->ended_ms + (c->http->begun ? silent : LAST_WORDS_MS);
	if (c->http->state == HTTP_SERVING || (c->http->state == HTTP_WAITING && c->n))
		return UINT64_MAX;
	if (!c->part_ms)
		return waiting_deadline(c);
	due = c->last_ms + silent;
	whole = c->part_ms + REQUEST_MS;
	return due < whole ? due : whole;
}

/* ---- requests --------------------------------------------------------------------------------- */

/* It is read, or cannot be: now it is the core's. */
static void hand_up(struct conn *c)
{
	struct http_conn *h = c->http;
	struct env e = { .type = ENV_REQUEST, .path = c->path, .p = h->request };

	h->request->last |= !limit_of(&c->http_limits->keep_alive_ms);
	h->last = h->request->last;
	h->request = NULL;
	h->begun = false;
	h->state = HTTP_SERVING;
	c->inside = false;
	c->part_ms = 0;
	conn_spoke(c);
	count(&c->io->counts, COUNT_RX, 1);
	io_emit(c->io, &e);
}

static void hand_up_fault(struct conn *c, unsigned status, const char *why)
{
	c->http->request->fault = status;
	c->http->request->why = why;
	c->http->request->last = true;
	hand_up(c);
}

static void refuse_body(struct conn *c, int err)
{
	if (err == EMSGSIZE)
		hand_up_fault(c, 413, "Body too large");
	else if (err == ENOTSUP)
		hand_up_fault(c, 501, "Unsupported Transfer-Encoding.");
	else
		hand_up_fault(c, 400, "Error parsing request body");
}

static void refuse_head(struct conn *c, int err)
{
	/* It may look into what is read next, and the core is another thread. */
	c->http->request->head = (struct http_head){ 0 };
	if (err == EMSGSIZE)
		hand_up_fault(c, 431, "The request is too long.");
	else if (err == ENOTSUP)
		hand_up_fault(c, 505, "HTTP/1.1 is spoken here.");
	else
		hand_up_fault(c, 400, "This is not HTTP.");
}

/* Expect: 100-continue (RFC 9110 10.1.1): the body may come. */
static int say_continue(struct conn *c)
{
	struct net_bytes *b = net_bytes_new(STR("HTTP/1.1 100 Continue\r\n\r\n"));
	int err = b ? conn_queue_wire(c, b) : ENOMEM;

	obj_drop(b);
	return err;
}

/* The head is whole: what does it announce? */
static void begin_body(struct conn *c)
{
	struct http_request *r = c->http->request;
	struct str expect;
	int err = http_body_begin(&r->body, &r->head);
	size_t expects = http_field(&r->head, STR("Expect"), &expect);

	r->last = !r->head.minor || http_has_token(&r->head, STR("Connection"), STR("close"));
	if (err) {
		refuse_body(c, err);
	} else if (expects && r->head.minor && !str_ieq(expect, STR("100-continue"))) {
		hand_up_fault(c, 417, "Only 100-continue can be expected.");
	} else if (r->body.state == HTTP_BODY_NONE) {
		hand_up(c);
	} else {
		c->http->state = HTTP_READING;
		c->inside = true;
		if (expects && r->head.minor && say_continue(c))
			conn_close(c, ENOMEM);
	}
}

/* *used: of `data`. */
static void take_head(struct conn *c, struct str data, size_t *used)
{
	struct http_request *r = c->http->request;
	size_t empty = str_starts(data, STR("\r\n")) ? 2 : 0, len = 0;      /* RFC 9112 2.2 */
	int err;

	if (!r)
		r = c->http->request = http_request_new();
	if (!r) {
		conn_close(c, ENOMEM);
		return;
	}
	err = http_parse_request(&r->head, str_skip(data, empty), &len);
	if (err == EAGAIN)
		return;
	if (!err) {
		*used += empty + len;
		buf_put(&r->text, str_sub(data, empty, len));
		err = buf_err(&r->text) ? ENOMEM : http_parse_request(&r->head, buf_view(&r->text), &len);
	}
	if (err == ENOMEM)
		conn_close(c, err);
	else if (err)
		refuse_head(c, err);
	else
		begin_body(c);
}

static void take_body(struct conn *c, struct str data, size_t *used)
{
	size_t n = 0;
	int err = http_body_read(&c->http->request->body, data, &n);

	*used += n;
	if (err == ENOMEM)
		conn_close(c, err);
	else if (err && err != EAGAIN)
		refuse_body(c, err);
	else if (!err)
		hand_up(c);
}

/* The rest waits until this one is answered. Once the core has it, anything may have become of `c`. */
static size_t http_cut(struct conn *c, char *data, size_t n)
{
	struct str all = str_mk(data, n);
	size_t used = 0;

	if (c->http->state == HTTP_WAITING)
		take_head(c, all, &used);
	if (!c->closed && c->http && c->http->state == HTTP_READING)
		take_body(c, str_skip(all, used), &used);
	if (!c->closed && c->http && c->http->state == HTTP_SERVING && c->state == CONN_OPEN &&
	    n - used >= AHEAD_MAX) {
		c->full = true;
		conn_watch(c, c->events & ~UV_READABLE);
	}
	return used;
}

/* In a later turn, so that a peer who sends a thousand requests at once gets one answer a turn. */
static void go_on(void *arg)
{
	struct conn *c = arg;

	if (c->http)
		c->http->again = false;
	c->full = false;
	if (!c->closed && c->state == CONN_OPEN) {
		conn_watch(c, c->events | UV_READABLE);
		if (c->in.n)
			c->part_ms = c->last_ms = now_of(c);
		conn_take_kept(c);
	}
	obj_drop(c);
}

static void schedule_next(struct conn *c)
{
	if (c->http && c->http->again)
		return;
	if (loop_next_turn(c->io->loop, go_on, obj_hold(c))) {
		obj_drop(c);
		conn_close(c, ENOMEM);
	} else if (c->http) {
		c->http->again = true;
	}
}

/* It may have closed one direction only, and wait for its answer: it stays until it has all of it. But it may
 * also have gone, so the answer must begin soon. */
static bool http_at_end(struct conn *c)
{
	if (!c->http || (c->state != CONN_OPEN && c->state != CONN_ENDING))
		return false;
	if (!c->n && (c->http->state != HTTP_SERVING || c->state == CONN_ENDING))
		return false;
	if (c->state == CONN_OPEN && c->http->state != HTTP_SERVING)
		conn_end(c);
	c->http->last = c->http->ended = true;
	c->http->ended_ms = now_of(c);
	c->full = true;
	conn_watch(c, c->events & ~UV_READABLE);
	conn_set_deadline(c);
	return true;
}

/* ---- answers ---------------------------------------------------------------------------------- */

static int send_part(struct conn *c, struct net_bytes *bytes, enum net_http_then then)
{
	struct http_conn *h = c->http;
	int err;

	if (!h || h->state != HTTP_SERVING || c->closed)
		return ENOTCONN;
	err = bytes && bytes->n ? conn_queue_wire(c, bytes) : 0;
	if (err)
		return err;
	h->begun = true;
	h->tell = then == HTTP_MORE;
	if (then == HTTP_MORE)
		return 0;
	if (then == HTTP_CLOSE || h->last) {
		conn_end(c);
		return 0;
	}
	h->state = HTTP_WAITING;
	h->since_ms = now_of(c);
	conn_set_deadline(c);
	schedule_next(c);
	return 0;
}

static void http_sent(struct conn *c)
{
	if (!c->http)
		return;
	if (c->state == CONN_ENDING && c->http->ended)
		c->full = false;        /* its end is read once more, and is the end of the connection */
	c->http->ended_ms = now_of(c);
	if (c->http->state == HTTP_WAITING && c->http->since_ms) {
		c->http->since_ms = now_of(c);
		if (c->part_ms)
			c->part_ms = c->last_ms = now_of(c);
	}
	conn_set_deadline(c);
	if (!c->http->tell)
		return;
	c->http->tell = false;
	io_emit(c->io, &(struct env){ .type = ENV_ROOM, .path = c->path });
}

static int upgrade(struct conn *c, struct net_bytes *bytes, uint32_t transport, uint32_t write_ms)
{
	struct http_conn *h = c->http;
	int err;

	if (!h || h->state != HTTP_SERVING || c->closed)
		return ENOTCONN;
	err = conn_queue_wire(c, bytes);
	err = err ? err : ws_adopt(c, h->below);
	if (err)
		return err;
	c->path.transport = transport;
	c->write_ms = write_ms;
	c->http = NULL;
	obj_drop(h->request);
	free(h);
	/* Its time begins anew: a WebSocket that says nothing goes as if it had come without HTTP. */
	c->spoke = false;
	c->part_ms = 0;
	c->born_ms = now_of(c);
	conn_set_deadline(c);
	schedule_next(c);
	return 0;
}

static int http_perform(struct conn *c, const struct env *e)
{
	return e->type == ENV_HTTP_SEND ? send_part(c, e->p, e->then) : upgrade(c, e->p, e->path.transport, e->write_ms);
}

/* ---- the row ---------------------------------------------------------------------------------- */

static int http_handshake(struct conn *c, bool *want_write)
{
	if (!c->http) {
		c->http = calloc(1, sizeof(*c->http));
		if (!c->http)
			return ENOMEM;
		c->http->below = conn_ops_of(c->path.proto == NET_WSS ? NET_TLS : NET_TCP);
		c->write_ms = limit_of(&c->http_limits->inactivity_ms);
	}
	return c->http->below->handshake ? c->http->below->handshake(c, want_write) : 0;
}

static ssize_t http_read(struct conn *c, void *p, size_t n)
{
	return c->http->below->read(c, p, n);
}

static ssize_t http_write(struct conn *c, const struct iovec *v, int n)
{
	return c->http->below->write(c, v, n);
}

static void http_shut(struct conn *c)
{
	c->http->below->shut(c);
}

static bool http_pending(const struct conn *c)
{
	return c->http && c->http->below->pending && c->http->below->pending(c);
}

static void http_free(struct conn *c)
{
	if (!c->http)
		return;
	if (c->http->below->free)
		c->http->below->free(c);
	obj_drop(c->http->request);
	free(c->http);
	c->http = NULL;
}

const struct conn_ops http_ops = { .handshake = http_handshake, .read = http_read, .write = http_write,
	.shut = http_shut, .pending = http_pending, .cut = http_cut, .free = http_free,
	.perform = http_perform, .sent = http_sent, .at_end = http_at_end, .deadline = http_deadline };
