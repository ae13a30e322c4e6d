#define LOG_MODULE "net"
#include "net/private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define IOVS 32
#define READ_MORE 16384         /* [bytes] room to read the rest of a message into */

static void on_poll(uv_poll_t *h, int status, int events);

/* ---- life ------------------------------------------------------------- */

static void conn_free(void *arg)
{
	struct conn *c = arg;

	if (c->ops->free)
		c->ops->free(c);
	for (size_t i = 0; i < c->n; i++)
		obj_drop(c->q[c->head + i]);
	free(c->q);
	buf_free(&c->in);
	if (c->fd >= 0)
		close(c->fd);
}

int conn_new(struct conn **out, struct io *io, int fd, const struct net_path *path, bool accepted)
{
	const struct stream_ops *ops = stream_ops_of(path->proto);
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
	c->state = accepted ? CONN_HANDSHAKE : CONN_CONNECTING;
	c->in.max = io->limits.max_message + READ_MORE;
	*out = c;
	return 0;
}

struct conn *conn_find(const struct io *io, uint64_t id)
{
	return map_get(io->by_id, str_mk((const char *)&id, sizeof(id)));
}

static void on_closed(uv_handle_t *h)
{
	obj_drop(h->data);
}

static void watch(struct conn *c, int events)
{
	if (c->closed || events == c->events)
		return;
	c->events = events;
	if (events)
		uv_poll_start(&c->poll, events, on_poll);
	else
		uv_poll_stop(&c->poll);
}

static int reading(const struct conn *c)
{
	return c->deaf ? 0 : UV_READABLE;
}

static void fail_queued(struct conn *c, int err)
{
	while (c->n) {
		struct env e = { .type = ENV_FAILED, .err = err, .path = c->path, .p = c->q[c->head++] };

		c->n--;
		count(&c->io->counts, COUNT_TX_ERRORS, 1);
		io_emit(c->io, &e);
	}
}

void conn_close(struct conn *c, int err)
{
	struct env e = { .type = ENV_CLOSED, .err = err, .path = c->path };

	if (c->closed)
		return;
	c->closed = true;
	if (err == ETIMEDOUT)
		count(&c->io->counts, COUNT_TIMED_OUT, 1);
	timer_stop(&c->timer);
	list_remove(&c->link);
	list_remove(&c->idle);
	list_remove(&c->dirty);
	map_del(c->io->by_id, str_mk((const char *)&c->path.conn, sizeof(c->path.conn)));
	gate_leave(c->io->gate, c->slot);
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
	c->fd = -1;
	/* Last, for the core may answer at once when it shares our thread. */
	if (!c->io->closed) {
		fail_queued(c, err ? err : ECONNRESET);
		io_emit(c->io, &e);
	}
}

/* ---- deadlines -------------------------------------------------------- */

/* When it has to close if nothing changes; UINT64_MAX: never. */
static uint64_t deadline(const struct conn *c)
{
	const struct net_limits *lim = &c->io->limits;
	uint64_t due = UINT64_MAX, t;

	if (c->state == CONN_CONNECTING)
		return c->born_ms + CONNECT_MS;
	if (c->end_ms)
		return c->end_ms;
	if (c->accepted && !c->spoke && lim->first_message_ms)
		due = c->born_ms + lim->first_message_ms;
	if (c->part_ms && lim->message_ms) {
		t = c->part_ms + lim->message_ms;
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
static void set_deadline(struct conn *c)
{
	uint64_t due = deadline(c), now;

	if (due == UINT64_MAX || (timer_running(&c->timer) && c->timer.due <= due))
		return;
	now = clock_ms(loop_clock(c->io->loop));
	timer_start(loop_wheel(c->io->loop), &c->timer, due > now ? due - now : 0, on_deadline, c);
}

static void on_deadline(void *arg)
{
	struct conn *c = arg;

	if (deadline(c) > clock_ms(loop_clock(c->io->loop)))
		set_deadline(c);
	else
		conn_close(c, c->end_ms ? ECONNABORTED : ETIMEDOUT);
}

static void end_in(struct conn *c, uint32_t ms)
{
	c->end_ms = clock_ms(loop_clock(c->io->loop)) + ms;
	set_deadline(c);
}

/* ---- who goes first when there are too many --------------------------- */

/* The list is in order of last use. */
static void stamp(struct conn *c)
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

/* ---- in --------------------------------------------------------------- */

static struct net_bytes *pong(void)
{
	return net_bytes_new(STR("\r\n"));
}

/* RFC 5626 3.5.1: CRLFCRLF is a ping, and is answered with one CRLF. It may
 * come in pieces; a lone CRLF is somebody's pong. */
static void keepalive(struct conn *c, size_t n)
{
	struct net_bytes *b;

	for (c->crlfs += (unsigned)n; c->crlfs >= 4; c->crlfs -= 4) {
		b = pong();
		if (b)
			conn_queue(c, b);
		obj_drop(b);
	}
}

static bool parse_one(struct conn *c, struct str bytes)
{
	struct io *io = c->io;
	struct env e = { .type = ENV_MESSAGE, .path = c->path };

	e.p = io->h.parse(io->h.arg, &c->path, bytes);
	if (!e.p) {
		count(&io->counts, COUNT_DROPPED_PARSE, 1);
		return false;
	}
	c->spoke = true;
	io_emit(io, &e);
	return true;
}

/* What follows cannot be cut into messages any more. If what came up to here is
 * enough to be answered (400, 413) the answer may still go out. */
static void last_words(struct conn *c, struct str data, int err)
{
	if (!parse_one(c, data)) {
		conn_close(c, err);
		return;
	}
	if (c->closed)
		return;
	c->deaf = true;
	watch(c, c->events & ~UV_READABLE);
	end_in(c, LAST_WORDS_MS);
}

/* Has a piece of a message grown enough to ask again where it ends? At each
 * line, and at each doubling, so that a peer who sends single bytes costs us
 * linear work. A body is asked for at each read: its end may be in any byte. */
static bool worth_framing(const struct conn *c, struct str data)
{
	struct str fresh = str_skip(data, c->framed);
	struct str known = str_sub(data, 0, c->framed);

	return !c->framed || data.n >= 2 * c->framed || data.n >= c->io->limits.max_message ||
	       str_chr(fresh, '\n') < fresh.n ||
	       str_find(known, STR("\n\r\n")) < known.n || str_find(known, STR("\n\n")) < known.n;
}

/* We chose whom to connect to; who connects to us is somebody or nobody. */
static bool may_speak(struct conn *c)
{
	struct io *io = c->io;

	if (!c->accepted || !io->strangers ||
	    strangers_permit(io->strangers, &c->path.peer, clock_us(loop_clock(io->loop))))
		return true;
	count(&io->counts, COUNT_DROPPED_RATE, 1);
	return false;
}

/* Cuts all whole messages off `data`; gives how many bytes are used up. */
static size_t cut_messages(struct conn *c, struct str data)
{
	struct io *io = c->io;
	size_t used = 0;

	while (used < data.n && !c->closed && !c->deaf) {
		struct str rest = str_skip(data, used);
		size_t len = 0;
		int err;

		if (!worth_framing(c, rest))
			break;
		err = io->h.frame(io->h.arg, rest, &len);
		if (err == EAGAIN && rest.n >= io->limits.max_message)
			err = EMSGSIZE;
		if (err == EAGAIN) {
			c->framed = rest.n;
			break;
		}
		if (!err && (len == 0 || len > rest.n))
			err = EBADMSG;
		c->framed = 0;
		c->part_ms = 0;
		if (err) {
			last_words(c, rest, err);
			break;
		}
		used += len;
		if (rest.p[0] == '\r' || rest.p[0] == '\n') {
			keepalive(c, len);
			continue;
		}
		c->crlfs = 0;
		count(&io->counts, COUNT_RX, 1);
		if (may_speak(c))
			parse_one(c, str_sub(rest, 0, len));
		else
			conn_close(c, EACCES);
	}
	return used;
}

static void keep_rest(struct conn *c, struct str rest)
{
	if (!rest.n) {
		c->part_ms = 0;
		return;
	}
	if (!c->part_ms)
		c->part_ms = c->last_ms;
	if (rest.p == c->in.p)
		return;
	if (c->in.n)
		memmove(c->in.p, rest.p, rest.n);
	else
		buf_mem(&c->in, rest.p, rest.n);
	c->in.n = rest.n;
	if (buf_err(&c->in))
		conn_close(c, buf_err(&c->in));
}

/* True: there may be more to read at once. */
static bool read_some(struct conn *c)
{
	char *at = c->in.n ? buf_room(&c->in, READ_MORE) : c->io->scratch;
	size_t room = io_read_size(c->io, c->in.n ? READ_MORE : STREAM_READ), used;
	struct str data;
	ssize_t n;

	if (!at) {
		conn_close(c, buf_err(&c->in));
		return false;
	}
	n = c->ops->read(c, at, room);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			conn_close(c, errno);
		return false;
	}
	if (n == 0) {
		conn_close(c, c->in.n ? EPIPE : 0);
		return false;
	}
	count(&c->io->counts, COUNT_RX_BYTES, (uint64_t)n);
	if (c->state == CONN_ENDING)
		return false;           /* only the end is of interest */
	stamp(c);
	if (c->in.n) {
		c->in.n += (size_t)n;
		data = buf_view(&c->in);
	} else {
		data = str_mk(at, (size_t)n);
	}
	used = cut_messages(c, data);
	if (c->closed)
		return false;
	keep_rest(c, str_skip(data, used));
	if (used == data.n)
		buf_free(&c->in);
	set_deadline(c);
	return c->ops->pending && c->ops->pending(c);
}

/* ---- out -------------------------------------------------------------- */

static int q_room(struct conn *c)
{
	struct net_bytes **q;
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

int conn_queue(struct conn *c, struct net_bytes *bytes)
{
	int err;

	if (c->closed || c->doom || c->leaving || c->state == CONN_ENDING)
		return ENOTCONN;
	if (bytes->n > c->io->limits.send_queue - c->waiting) {
		c->doom = ENOBUFS;      /* the peer does not read: RFC 3261 has no use for old messages */
		make_dirty(c);
		return ENOBUFS;
	}
	err = q_room(c);
	if (err)
		return err;
	c->q[c->head + c->n++] = obj_hold(bytes);
	c->waiting += bytes->n;
	if (!(c->events & UV_WRITABLE))
		make_dirty(c);
	return 0;
}

static void sent(struct conn *c, size_t n)
{
	count(&c->io->counts, COUNT_TX_BYTES, n);
	c->waiting -= n;
	n += c->sent;
	while (c->n && n >= c->q[c->head]->n) {
		n -= c->q[c->head]->n;
		obj_drop(c->q[c->head++]);
		c->n--;
		count(&c->io->counts, COUNT_TX, 1);
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
		struct net_bytes *b = c->q[c->head + (size_t)k];
		size_t skip = k ? 0 : c->sent;

		v[k] = (struct iovec){ b->p + skip, b->n - skip };
	}
	return c->ops->write(c, v, k);
}

static void finish(struct conn *c)
{
	if (c->end_ms)
		return;
	c->ops->shut(c);
	end_in(c, LINGER_MS);
}

/* From now on only what is queued goes out, and then the peer's end is awaited. */
static void leave(struct conn *c)
{
	c->state = CONN_ENDING;
	c->deaf = false;
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
			sent(c, (size_t)n);
			wrote = true;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			conn_close(c, errno);
			return;
		}
	}
	if (c->deaf && wrote && !c->n)
		leave(c);               /* the last words are answered */
	watch(c, reading(c) | (c->n ? UV_WRITABLE : 0));
	if (c->state == CONN_ENDING && !c->n)
		finish(c);
}

void conn_end(struct conn *c)
{
	if (c->closed || c->state == CONN_ENDING)
		return;
	if (c->state == CONN_OPEN)
		leave(c);
	else if (c->n)
		c->leaving = true;      /* once it is open and they are sent */
	else
		c->doom = ECONNABORTED;
	make_dirty(c);
}

/* ---- events ----------------------------------------------------------- */

static void open_up(struct conn *c)
{
	c->state = CONN_OPEN;
	if (c->leaving)
		leave(c);
	watch(c, UV_READABLE);
	conn_flush(c);
}

static void handshake(struct conn *c)
{
	bool want_write = false;
	int err = c->ops->handshake ? c->ops->handshake(c, &want_write) : 0;

	if (!err)
		open_up(c);
	else if (err == EAGAIN)
		watch(c, UV_READABLE | (want_write ? UV_WRITABLE : 0));
	else
		conn_close(c, err);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct conn *c = h->data;
	int err;

	if (c->state == CONN_CONNECTING) {
		err = sock_peer_error(c->fd);
		if (!err && status < 0)
			err = EIO;
		if (err) {
			conn_close(c, err);
			return;
		}
		c->state = CONN_HANDSHAKE;
		events = 0;
		stamp(c);
	} else if (status < 0) {
		err = sock_peer_error(c->fd);
		conn_close(c, err ? err : EIO);
		return;
	}
	if (c->state == CONN_HANDSHAKE) {
		handshake(c);
		return;
	}
	if (events & UV_WRITABLE)
		conn_flush(c);
	while (events & UV_READABLE && !c->closed && !c->deaf && read_some(c))
		;
}

int conn_start(struct conn *c)
{
	int err = uv_poll_init(loop_uv(c->io->loop), &c->poll, c->fd);

	if (err)
		return -err;
	err = map_add(c->io->by_id, str_mk((const char *)&c->path.conn, sizeof(c->path.conn)), c);
	c->poll.data = c;
	if (err) {
		obj_hold(c);            /* for on_closed() */
		uv_close((uv_handle_t *)&c->poll, on_closed);
		return err;
	}
	list_append(&c->io->conns, &c->link);
	c->started = true;
	stamp(c);
	c->born_ms = c->last_ms;
	set_deadline(c);
	if (c->state == CONN_CONNECTING)
		watch(c, UV_WRITABLE);
	else
		handshake(c);
	return 0;
}
