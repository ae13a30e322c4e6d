/* What happens on a connection's socket: it connects, its protocol begins, bytes come and are cut
 * into messages. */
#include "net/private.h"
#include <errno.h>

/* ---- in --------------------------------------------------------------- */

static struct net_bytes *make_pong(void)
{
	return net_bytes_new(STR("\r\n"));
}

/* RFC 5626 3.5.1: CRLFCRLF is a ping, and is answered with one CRLF. It may
 * come in pieces; a lone CRLF is somebody's pong. Many that come together are a flood, and
 * get one answer. */
static void answer_keepalive(struct conn *c, size_t n)
{
	size_t all = c->crlfs + n;
	struct net_bytes *b = all >= 4 ? make_pong() : NULL;

	if (all == 2)
		conn_pong(c);

	if (b)
		conn_queue(c, b);
	obj_drop(b);
	c->crlfs = (unsigned)(all % 4);
}

void conn_pong(struct conn *c)
{
	if (!c->accepted)
		io_emit(c->io, &(struct env){ .type = ENV_PONG, .path = c->path });
}

void conn_spoke(struct conn *c)
{
	if (!c->heard)
		gate_spoke(c->io->gate, c->slot);
	c->heard = c->spoke = true;
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
	conn_spoke(c);
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
	conn_watch(c, c->events & ~UV_READABLE);
	conn_end_in(c, LAST_WORDS_MS);
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

static bool is_keepalive(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			return false;
	return true;
}

void conn_message(struct conn *c, struct str message)
{
	c->part_ms = 0;
	c->crlfs = 0;
	if (is_keepalive(message)) {
		answer_keepalive(c, message.n);
		return;
	}
	count(&c->io->counts, COUNT_RX, 1);
	if (may_speak(c))
		parse_one(c, message);
	else
		conn_close(c, EACCES);
}

/* The rest of what was too long. */
static size_t pass_over(struct conn *c, struct str data)
{
	size_t n = data.n < c->passes ? data.n : c->passes;

	c->passes -= n;
	return n;
}

/* Cuts all whole messages off `data`; gives how many bytes are used up. */
static size_t cut_messages(struct conn *c, struct str data)
{
	struct io *io = c->io;
	size_t used = pass_over(c, data);

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
		if (!err && len == 0)
			err = EBADMSG;
		if (!err && len > rest.n) {
			c->passes = len - rest.n;
			len = rest.n;
		}
		c->framed = 0;
		c->part_ms = 0;
		if (err) {
			last_words(c, rest, err);
			break;
		}
		used += len;
		if (rest.p[0] == '\r' || rest.p[0] == '\n') {
			answer_keepalive(c, len);
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
	if (!rest.n && !c->inside && !c->passes) {
		c->part_ms = 0;
		return;
	}
	if (!c->part_ms)
		c->part_ms = c->last_ms;
	if (!rest.n || rest.p == c->in.p)
		return;
	if (c->in.n)
		memmove(c->in.p, rest.p, rest.n);
	else
		buf_mem(&c->in, rest.p, rest.n);
	c->in.n = rest.n;
	if (buf_err(&c->in))
		conn_close(c, buf_err(&c->in));
}

static void take_data(struct conn *c, char *p, size_t n)
{
	size_t used = c->ops->cut ? c->ops->cut(c, p, n) : cut_messages(c, str_mk(p, n));

	if (c->closed)
		return;
	keep_rest(c, str_mk(p + used, n - used));
	if (used == n)
		buf_free(&c->in);
	conn_set_deadline(c);
}

void conn_took(struct conn *c, size_t n)
{
	c->in.n -= n;
	memmove(c->in.p, c->in.p + n, c->in.n);
	if (!c->in.n)
		buf_free(&c->in);
}

/* True: there may be more to read at once. */
static bool read_some(struct conn *c)
{
	char *at = c->in.n ? buf_room(&c->in, CONN_READ_MORE) : c->io->scratch;
	size_t room = c->ops->whole ? STREAM_READ : io_read_size(c->io, c->in.n ? CONN_READ_MORE : STREAM_READ);
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
	if (n == 0 && c->ops->at_end && c->ops->at_end(c))
		return false;
	if (n == 0) {
		conn_close(c, c->in.n ? EPIPE : 0);
		return false;
	}
	count(&c->io->counts, COUNT_RX_BYTES, (uint64_t)n);
	if (c->state == CONN_ENDING)
		return false;           /* only the end is of interest */
	conn_stamp(c);
	if (c->in.n) {
		c->in.n += (size_t)n;
		take_data(c, c->in.p, c->in.n);
	} else {
		take_data(c, at, (size_t)n);
	}
	if (c->closed || c->full)
		return false;
	return c->ops->pending && c->ops->pending(c);
}

static void read_all(struct conn *c);

static void read_on(void *arg)
{
	struct conn *c = arg;

	c->more = false;
	if (!c->closed)
		read_all(c);
	obj_drop(c);
}

/* Whoever sends faster than it is read, in pieces as small as it likes, takes its part of a turn and no
 * more. What is left may be in no socket any more, so nothing else would wake us. */
static void read_all(struct conn *c)
{
	for (unsigned i = 0; !c->more && !c->closed && !c->deaf && !c->full && !c->doom; i++) {
		if (i == READS_OF_A_TURN) {
			c->more = !loop_next_turn(c->io->loop, read_on, obj_hold(c));
			if (c->more)
				return;
			obj_drop(c);
			conn_close(c, ENOMEM);
		} else if (!read_some(c)) {
			return;
		}
	}
}

void conn_take_kept(struct conn *c)
{
	if (c->in.n && !c->closed)
		take_data(c, c->in.p, c->in.n);
	if (!c->closed && c->ops->pending && c->ops->pending(c))
		read_all(c);
}

/* ---- events ----------------------------------------------------------- */

static void open_up(struct conn *c)
{
	c->state = CONN_OPEN;
	if (c->leaving)
		conn_leave(c);
	conn_watch(c, UV_READABLE);
	conn_set_deadline(c);
	if (!c->accepted)
		io_emit(c->io, &(struct env){ .type = ENV_CONNECTED, .path = c->path });
	conn_flush(c);
	/* What came behind the handshake; no socket would wake us for it. */
	if (c->state == CONN_OPEN)
		conn_take_kept(c);
}

static void run_handshake(struct conn *c)
{
	bool want_write = false;
	int err = c->ops->handshake ? c->ops->handshake(c, &want_write) : 0;

	if (!err)
		open_up(c);
	else if (err == EAGAIN)
		conn_watch(c, want_write ? UV_WRITABLE : UV_READABLE);
	else
		conn_close(c, err);
}

static void run_measured(struct conn *c)
{
	struct io *io = c->io;
	const struct clock *clock = loop_clock(io->loop);
	uint64_t began = clock_us(clock);

	obj_hold(c);
	run_handshake(c);
	obj_drop(c);
	shakes_spent(io->shakes, clock_us(clock) - began);
}

/* TLS with whoever connects: now, if this turn has time for it and nobody waits. */
static void shake_hands(struct conn *c)
{
	struct io *io = c->io;
	bool known = io->strangers && strangers_known(io->strangers, &c->path.peer, clock_us(loop_clock(io->loop)));

	if (!c->accepted || !c->tls_context) {
		run_handshake(c);
	} else if (!shakes_wait(io->shakes) && shakes_may(io->shakes, uv_now(loop_uv(io->loop)))) {
		run_measured(c);
	} else if (shakes_put(io->shakes, strangers_key(&c->path.peer), known, &c->shake)) {
		conn_close(c, ENOMEM);
	} else {
		count(&io->counts, COUNT_SHAKES_WAITED, 1);
		conn_watch(c, 0);
		bell_ring(io->shake_bell);
	}
}

void conn_serve_shakes(void *arg)
{
	struct io *io = arg;
	struct list *l = NULL;

	while (shakes_may(io->shakes, uv_now(loop_uv(io->loop))) && (l = shakes_next(io->shakes)))
		run_measured(container_of(l, struct conn, shake));
	if (shakes_wait(io->shakes))
		bell_ring(io->shake_bell);
}

void conn_on_poll(uv_poll_t *h, int status, int events)
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
		conn_stamp(c);
	} else if (status < 0) {
		err = sock_peer_error(c->fd);
		conn_close(c, err ? err : EIO);
		return;
	}
	if (c->state == CONN_HANDSHAKE) {
		shake_hands(c);
		return;
	}
	if (events & UV_WRITABLE)
		conn_flush(c);
	if (events & UV_READABLE)
		read_all(c);
}

int conn_start(struct conn *c)
{
	int err = uv_poll_init(loop_uv(c->io->loop), &c->poll, c->fd);

	if (err)
		return -err;
	err = map_add(c->io->by_id, str_mk((const char *)&c->path.conn, sizeof(c->path.conn)), c);
	c->poll.data = c;
	if (err) {
		obj_hold(c);            /* for conn_on_closed() */
		uv_close((uv_handle_t *)&c->poll, conn_on_closed);
		return err;
	}
	list_append(&c->io->conns, &c->link);
	c->started = true;
	conn_stamp(c);
	c->born_ms = c->last_ms;
	conn_set_deadline(c);
	if (c->state == CONN_CONNECTING)
		conn_watch(c, UV_WRITABLE);
	else
		shake_hands(c);
	return 0;
}
