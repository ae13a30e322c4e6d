/* One connection, whatever its protocol: its life, deadlines, who goes first when there are too
 * many, and what waits to be sent. What happens on its socket is in conn_event.c. */
#include "net/private.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define IOVS 32

/* ---- life ------------------------------------------------------------- */

static void drop_queued(struct queued *q)
{
	obj_drop(q->bytes);
	obj_drop(q->wire);
}

static void conn_free(void *arg)
{
	struct conn *c = arg;

	if (c->ops->free)
		c->ops->free(c);
	obj_drop(c->tls_context);
	obj_drop(c->ws_rules);
	obj_drop(c->http_limits);
	text_free(&c->host);
	text_free(&c->target);
	text_free(&c->why);
	for (size_t i = 0; i < c->n; i++)
		drop_queued(&c->q[c->head + i]);
	free(c->q);
	buf_free(&c->in);
	if (c->fd >= 0)
		close(c->fd);
}

int conn_new(struct conn **out, struct io *io, int fd, const struct net_path *path, const struct sock_prm *prm,
	     bool accepted)
{
	const struct conn_ops *ops = accepted && prm->http ? &http_ops : conn_ops_of(path->proto);
	struct conn *c;

	if (!ops)
		return EPROTONOSUPPORT;
	c = obj_new(sizeof(*c), conn_free);
	if (!c)
		return ENOMEM;
	c->io = io;
	c->ops = ops;
	c->fd = fd;
	c->path = *path;
	c->accepted = accepted;
	c->tls_context = obj_hold(prm->tls);
	c->ws_rules = obj_hold(prm->ws);
	c->http_limits = accepted ? obj_hold(prm->http) : NULL;
	c->write_ms = prm->write_ms;
	c->state = accepted ? CONN_HANDSHAKE : CONN_CONNECTING;
	c->in.max = io->limits.max_message + CONN_READ_MORE;
	*out = c;
	return 0;
}

void conn_note_why(struct conn *c, struct str why)
{
	if (!c->accepted && !c->why.n)
		text_set(&c->why, why);
}

struct conn *conn_find(const struct io *io, uint64_t id)
{
	return map_get(io->by_id, str_mk((const char *)&id, sizeof(id)));
}

void conn_on_closed(uv_handle_t *h)
{
	obj_drop(h->data);
}

void conn_watch(struct conn *c, int events)
{
	if (c->closed || events == c->events)
		return;
	c->events = events;
	if (events)
		uv_poll_start(&c->poll, events, conn_on_poll);
	else
		uv_poll_stop(&c->poll);
}

static int read_events(const struct conn *c)
{
	return c->deaf || c->full ? 0 : UV_READABLE;
}

static void fail_queued(struct conn *c, int err)
{
	while (c->n) {
		struct queued *q = &c->q[c->head++];
		struct env e = { .type = ENV_FAILED, .err = err, .path = c->path, .p = q->bytes };

		c->n--;
		obj_drop(q->wire);
		if (!e.p)
			continue;
		count(&c->io->counts, COUNT_TX_ERRORS, 1);
		io_emit(c->io, &e);
	}
}

void conn_close(struct conn *c, int err)
{
	struct env e = { .type = ENV_CLOSED, .err = err, .code = c->end_code, .path = c->path };

	if (c->closed)
		return;
	c->closed = true;
	if (err == ETIMEDOUT)
		count(&c->io->counts, COUNT_TIMED_OUT, 1);
	timer_stop(&c->timer);
	list_remove(&c->link);
	list_remove(&c->idle);
	list_remove(&c->dirty);
	list_remove(&c->shake);
	map_del(c->io->by_id, str_mk((const char *)&c->path.conn, sizeof(c->path.conn)));
	gate_leave(c->io->gate, c->slot, c->heard);
	uv_close((uv_handle_t *)&c->poll, conn_on_closed);
	close(c->fd);
	c->fd = -1;
	/* Last, for the core may answer at once when it shares our thread. */
	if (!c->io->closed) {
		fail_queued(c, err ? err : ECONNRESET);
		e.p = c->why.n ? net_bytes_new(text_view(&c->why)) : NULL;
		io_emit(c->io, &e);
	}
}

/* ---- deadlines -------------------------------------------------------- */

/* How long the peer may take nothing of what waits; 0: for ever. Whom we connected to is our own choice. */
static uint32_t stall_limit(const struct conn *c)
{
	return c->write_ms ? c->write_ms : c->accepted ? c->io->limits.write_ms : 0;
}

/* When it has to close if nothing changes; UINT64_MAX: never. */
static uint64_t deadline_of(const struct conn *c)
{
	const struct net_limits *lim = &c->io->limits;
	uint64_t due = UINT64_MAX, t;

	if (c->state == CONN_CONNECTING)
		return c->born_ms + CONNECT_MS;
	if (c->end_ms)
		return c->end_ms;
	if (c->state == CONN_HANDSHAKE && !c->accepted)
		return c->born_ms + CONNECT_MS;
	if (c->ops->deadline && c->state == CONN_OPEN)
		due = c->ops->deadline(c);
	else if (c->accepted && !c->spoke && lim->first_message_ms)
		due = c->born_ms + lim->first_message_ms;
	if (c->part_ms && lim->message_ms && !c->http) {
		t = c->part_ms + lim->message_ms;
		due = t < due ? t : due;
	}
	if (c->stall_ms && stall_limit(c)) {
		t = c->stall_ms + stall_limit(c);
		due = t < due ? t : due;
	}
	if (lim->idle_ms) {
		t = c->last_ms + lim->idle_ms;
		due = t < due ? t : due;
	}
	return due;
}

static void on_deadline(void *arg);

/* A due that moved further away is left: on_deadline() looks again. So a busy
 * connection does not touch the wheel for each message. */
void conn_set_deadline(struct conn *c)
{
	uint64_t due = deadline_of(c), now;

	if (due == UINT64_MAX || (timer_running(&c->timer) && c->timer.due <= due))
		return;
	now = clock_ms(loop_clock(c->io->loop));
	timer_start(loop_wheel(c->io->loop), &c->timer, due > now ? due - now : 0, on_deadline, c);
}

static void on_deadline(void *arg)
{
	struct conn *c = arg;

	if (deadline_of(c) > clock_ms(loop_clock(c->io->loop)))
		conn_set_deadline(c);
	else
		conn_close(c, c->end_ms ? ECONNABORTED : ETIMEDOUT);
}

void conn_end_in(struct conn *c, uint32_t ms)
{
	c->end_ms = clock_ms(loop_clock(c->io->loop)) + ms;
	conn_set_deadline(c);
}

/* ---- who goes first when there are too many --------------------------- */

/* The list is in order of last use. */
void conn_stamp(struct conn *c)
{
	c->last_ms = clock_ms(loop_clock(c->io->loop));
	list_remove(&c->idle);
	if (!c->keep)
		list_append(&c->io->idle, &c->idle);
}

void conn_set_keep(struct conn *c, bool keep)
{
	c->keep = keep;
	if (keep)
		list_remove(&c->idle);
	else if (!list_linked(&c->idle))
		list_append(&c->io->idle, &c->idle);
}

bool conn_evict(struct io *io)
{
	list_each(e, &io->idle) {
		struct conn *c = container_of(e, struct conn, idle);

		if (c->state == CONN_CONNECTING || c->n)
			continue;
		count(&io->counts, COUNT_REFUSED_CAP, 1);
		conn_close(c, ECONNABORTED);
		return true;
	}
	return false;
}

/* ---- out -------------------------------------------------------------- */

static int q_room(struct conn *c)
{
	struct queued *q;
	size_t cap = c->cap ? c->cap * 2 : 4;

	if (c->head + c->n < c->cap)
		return 0;
	if (c->head) {
		memmove(c->q, c->q + c->head, c->n * sizeof(*c->q));
		c->head = 0;
		return 0;
	}
	q = realloc(c->q, cap * sizeof(*q));
	if (!q)
		return ENOMEM;
	c->q = q;
	c->cap = cap;
	return 0;
}

static void make_dirty(struct conn *c)
{
	if (!list_linked(&c->dirty))
		list_append(&c->io->dirty_conns, &c->dirty);
	io_touch(c->io);
}

/* Takes over no reference. */
static int queue_as(struct conn *c, struct net_bytes *bytes, struct net_bytes *wire)
{
	int err;

	/* A peer that has not yet shown its protocol is owed nothing, and our answer to it must be the first. */
	if (bytes && c->accepted && (c->state == CONN_HANDSHAKE || c->http))
		return ENOTCONN;
	if (c->closed || c->doom || c->leaving || c->state == CONN_ENDING)
		return ENOTCONN;
	if (wire->n > c->io->limits.send_queue - c->waiting) {
		c->doom = ENOBUFS;      /* the peer does not read: RFC 3261 has no use for old messages */
		make_dirty(c);
		return ENOBUFS;
	}
	err = q_room(c);
	if (err)
		return err;
	c->q[c->head + c->n++] = (struct queued){ obj_hold(bytes), obj_hold(wire) };
	c->waiting += wire->n;
	if (!(c->events & UV_WRITABLE))
		make_dirty(c);
	return 0;
}

int conn_queue(struct conn *c, struct net_bytes *bytes)
{
	struct net_bytes *wire = c->ops->wrap ? c->ops->wrap(c, bytes) : obj_hold(bytes);
	int err = wire ? queue_as(c, bytes, wire) : ENOMEM;

	obj_drop(wire);
	return err;
}

int conn_queue_wire(struct conn *c, struct net_bytes *wire)
{
	return queue_as(c, NULL, wire);
}

static void count_sent(struct conn *c, size_t n)
{
	count(&c->io->counts, COUNT_TX_BYTES, n);
	c->waiting -= n;
	n += c->sent;
	while (c->n && n >= c->q[c->head].wire->n) {
		struct queued *q = &c->q[c->head++];

		n -= q->wire->n;
		count(&c->io->counts, COUNT_TX, q->bytes != NULL);
		drop_queued(q);
		c->n--;
	}
	c->sent = n;
	if (!c->n) {
		c->head = 0;
		if (c->cap > 64) {      /* a burst is over: idle connections stay small */
			free(c->q);
			c->q = NULL;
			c->cap = 0;
		}
	}
}

static ssize_t write_some(struct conn *c)
{
	struct iovec v[IOVS];
	int k = 0;

	for (; (size_t)k < c->n && k < IOVS; k++) {
		const struct net_bytes *b = c->q[c->head + (size_t)k].wire;
		size_t skip = k ? 0 : c->sent;

		v[k] = (struct iovec){ (void *)(uintptr_t)(b->p + skip), b->n - skip };
	}
	return c->ops->write(c, v, k);
}

static void shut_down(struct conn *c)
{
	if (c->end_ms)
		return;
	c->ops->shut(c);
	conn_end_in(c, LINGER_MS);
}

/* A peer that takes nothing although there is something. */
static void note_stall(struct conn *c, bool wrote)
{
	if (!c->n)
		c->stall_ms = 0;
	else if (wrote || !c->stall_ms)
		c->stall_ms = clock_ms(loop_clock(c->io->loop));
	if (c->stall_ms && stall_limit(c))
		conn_set_deadline(c);
}

/* From now on only what is queued goes out, and then the peer's end is awaited. */
void conn_leave(struct conn *c)
{
	c->state = CONN_ENDING;
	c->deaf = c->full = false;
	c->end_ms = 0;
}

void conn_flush(struct conn *c)
{
	bool wrote = false;

	list_remove(&c->dirty);
	if (c->doom) {
		conn_close(c, c->doom);
		return;
	}
	if (c->closed || c->state == CONN_CONNECTING || c->state == CONN_HANDSHAKE)
		return;
	while (c->n) {
		ssize_t n = write_some(c);

		if (n >= 0) {
			count_sent(c, (size_t)n);
			wrote = true;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			conn_close(c, errno);
			return;
		}
	}
	note_stall(c, wrote);
	if (wrote && !c->n && c->ops->sent)
		c->ops->sent(c);
	if (c->closed)
		return;
	if (c->deaf && wrote && !c->n)
		conn_leave(c);               /* the last words are answered */
	conn_watch(c, read_events(c) | (c->n ? UV_WRITABLE : 0));
	if (c->state == CONN_ENDING && !c->n)
		shut_down(c);
}

void conn_end(struct conn *c)
{
	if (c->closed || c->state == CONN_ENDING)
		return;
	if (c->state == CONN_OPEN)
		conn_leave(c);
	else if (c->n)
		c->leaving = true;      /* once it is open and they are sent */
	else
		c->doom = ECONNABORTED;
	make_dirty(c);
}
