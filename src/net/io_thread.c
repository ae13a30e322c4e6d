/* One io: the end of its turn, what goes up to the core and down from it, its thread. */
#define LOG_MODULE "net"
#include "net/private.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define UP_BATCH 256    /* messages the core takes before timers and fibers get their turn */
#define RETRY_MS 1      /* a lifecycle event that found the ring full tries again then */

/* ---- the end of a turn ------------------------------------------------ */

static struct env *env_dup(const struct env *e)
{
	struct env *copy = malloc(sizeof(*copy));

	if (copy) {
		*copy = *e;
		copy->link = (struct list){ 0 };
	}
	return copy;
}

static void env_drop(struct env *e)
{
	obj_drop(e->p);
	obj_drop(e->conn);
	free(e);
}

static void on_retry(void *arg)
{
	io_touch(arg);
}

static void push_overflow(struct io *io)
{
	while (!list_empty(&io->overflow)) {
		struct env *e = container_of(io->overflow.next, struct env, link);

		if (ring_push(io->up, e)) {
			timer_start(loop_wheel(io->loop), &io->retry, RETRY_MS, on_retry, io);
			return;
		}
		list_remove(&e->link);
		io->up_due = true;
	}
}

static void take_all(struct list *from, struct list *to)
{
	list_init(to);
	while (!list_empty(from)) {
		struct list *e = from->next;

		list_remove(e);
		list_append(to, e);
	}
}

/* Only those of now: a failed() that sends again must not keep us here. */
static void flush_all(struct io *io)
{
	struct list socks, conns;

	take_all(&io->dirty_socks, &socks);
	while (!list_empty(&socks))
		udp_flush(container_of(socks.next, struct udp_sock, dirty));
	take_all(&io->dirty_conns, &conns);
	while (!list_empty(&conns))
		conn_flush(container_of(conns.next, struct conn, dirty));
}

static void on_flush(void *arg)
{
	struct io *io = arg;

	io->flush_due = false;
	flush_all(io);
	if (!io->direct && !io->closed) {
		push_overflow(io);
		if (io->up_due)
			bell_ring(io->up_bell);
		io->up_due = false;
	}
	obj_drop(io);
}

void io_touch(struct io *io)
{
	if (io->flush_due || io->closed)
		return;
	/* Without memory for the call the flush comes with the next touch. */
	io->flush_due = !loop_defer(io->loop, on_flush, obj_hold(io));
	if (!io->flush_due)
		obj_drop(io);
}

uint64_t io_conn_id(struct io *io)
{
	return (atomic_fetch_add(&io->next_conn, 1) << 8) | io->index;
}

/* The more connections have something to read in one turn, the less of each: their
 * messages shall not keep everybody else waiting. */
size_t io_read_size(struct io *io, size_t most)
{
	uint64_t turn = uv_now(loop_uv(io->loop));
	size_t n;

	if (turn != io->reads_turn)
		io->reads = 0;
	io->reads_turn = turn;
	n = 2 * STREAM_READ / ++io->reads;
	if (n < STREAM_READ_MIN)
		n = STREAM_READ_MIN;
	return n < most ? n : most;
}

/* ---- up --------------------------------------------------------------- */

static void emit_by_ring(struct io *io, const struct env *e)
{
	struct env *copy = env_dup(e);
	int err = copy ? 0 : ENOMEM;

	/* What waits came first. */
	if (!err && (!list_empty(&io->overflow) || ring_push(io->up, copy)))
		err = ENOBUFS;
	if (err == ENOBUFS && e->type != ENV_MESSAGE) {
		list_append(&io->overflow, &copy->link);
		err = 0;
	}
	if (err) {
		count(&io->counts, COUNT_DROPPED_RING, 1);
		free(copy);
		obj_drop(e->p);
	}
	io->up_due = true;
	io_touch(io);
}

void io_emit(struct io *io, const struct env *e)
{
	if (io->closed)
		obj_drop(e->p);
	else if (!io->direct)
		emit_by_ring(io, e);
	else
		io->net->event(io->net, e);
}

static void on_up(void *arg)
{
	struct io *io = arg;
	struct env *e[UP_BATCH];
	size_t n = ring_pop_many(io->up, (void **)e, ARRAY_LEN(e));

	for (size_t i = 0; i < n; i++) {
		io->net->event(io->net, e[i]);
		free(e[i]);
	}
	/* More may wait: leave timers and fibers their turn in between. */
	if (n == ARRAY_LEN(e))
		bell_ring(io->up_bell);
}

/* ---- down ------------------------------------------------------------- */

static void on_ring_down(void *arg)
{
	struct io *io = arg;

	io->down_due = false;
	if (io->down_bell)
		bell_ring(io->down_bell);
	obj_drop(io);
}

int io_push(struct io *io, struct loop *core, const struct env *e)
{
	struct env *copy = env_dup(e);

	if (!copy)
		return ENOMEM;
	if (ring_push(io->down, copy)) {
		free(copy);
		return ENOBUFS;
	}
	if (!io->down_due) {
		io->down_due = !loop_defer(core, on_ring_down, obj_hold(io));
		if (!io->down_due) {
			obj_drop(io);
			bell_ring(io->down_bell);
		}
	}
	return 0;
}

static void give_back_failed(struct io *io, struct env *e, int err)
{
	struct env up = { .type = ENV_FAILED, .err = err, .path = e->path, .p = e->p };

	e->p = NULL;
	count(&io->counts, COUNT_TX_ERRORS, 1);
	io_emit(io, &up);
}

static void do_connect(struct io *io, struct env *e)
{
	int err = conn_start(e->conn);

	if (err) {
		gate_leave(io->gate, e->conn->slot, false);
		io_emit(io, &(struct env){ .type = ENV_CLOSED, .err = err, .path = e->path });
		obj_drop(e->conn);
	}
	e->conn = NULL;
}

/* An answer with a hole in it is none. */
static void answer(struct conn *c, const struct env *e)
{
	int err = c->ops->perform ? c->ops->perform(c, e) : ENOTCONN;

	if (err && err != ENOTCONN)
		conn_close(c, err);
}

static void perform_order(struct io *io, struct env *e)
{
	struct conn *c = e->type == ENV_CONNECT || e->sock ? NULL : conn_find(io, e->path.conn);
	int err = 0;

	if (e->type == ENV_CONNECT)
		do_connect(io, e);
	else if (e->type == ENV_SEND && e->sock)
		err = udp_queue(e->sock, &e->path, e->p);
	else if (e->type == ENV_SEND)
		err = c ? conn_queue(c, e->p) : ENOTCONN;
	else if (e->type == ENV_DISCONNECT && c)
		conn_end(c);
	else if (e->type == ENV_KEEP && c)
		conn_set_keep(c, e->keep);
	else if ((e->type == ENV_HTTP_SEND || e->type == ENV_HTTP_UPGRADE) && c)
		answer(c, e);
	if (err)
		give_back_failed(io, e, err);
	env_drop(e);
}

void io_drain(struct io *io)
{
	struct env *e[64];
	size_t n;

	if (io->direct)
		return;
	do {
		n = ring_pop_many(io->down, (void **)e, ARRAY_LEN(e));
		for (size_t i = 0; i < n; i++)
			perform_order(io, e[i]);
	} while (n == ARRAY_LEN(e));
}

static void on_down(void *arg)
{
	io_drain(arg);
}

/* ---- life ------------------------------------------------------------- */

static void io_free(void *arg)
{
	struct io *io = arg;
	struct env *e;

	while (io->up && (e = ring_pop(io->up)))
		env_drop(e);
	while (io->down && (e = ring_pop(io->down)))
		env_drop(e);
	while (io->overflow.next && !list_empty(&io->overflow)) {
		e = container_of(io->overflow.next, struct env, link);
		list_remove(&e->link);
		env_drop(e);
	}
	ring_free(io->up);
	ring_free(io->down);
	map_free(io->by_id);
	obj_drop(io->gate);
	obj_drop(io->strangers);
	obj_drop(io->fair);
	obj_drop(io->shakes);
	free(io->rx);
	free(io->scratch);
	if (io->reserve_fd >= 0)
		close(io->reserve_fd);
}

static int make_rings(struct io *io, struct loop *core)
{
	io->loop = loop_new(loop_clock(core));
	io->up = ring_new(RING_SLOTS);
	io->down = ring_new(RING_SLOTS);
	io->up_bell = bell_new(core, on_up, io);
	io->down_bell = io->loop ? bell_new(io->loop, on_down, io) : NULL;
	return io->loop && io->up && io->down && io->up_bell && io->down_bell ? 0 : ENOMEM;
}

static void close_bells(struct io *io)
{
	bell_free(io->up_bell);
	bell_free(io->down_bell);
	bell_free(io->fair_bell);
	bell_free(io->shake_bell);
	io->up_bell = io->down_bell = io->fair_bell = io->shake_bell = NULL;
}

static void init_lists(struct io *io)
{
	struct list *const lists[] = { &io->overflow, &io->socks, &io->listeners, &io->conns, &io->idle,
		&io->dirty_socks, &io->dirty_conns };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		list_init(lists[i]);
}

struct io *io_new(struct net *n, unsigned index, bool direct)
{
	struct io *io = obj_new(sizeof(*io), io_free);
	int err = 0;

	if (!io)
		return NULL;
	init_lists(io);
	io->net = n;
	io->index = index;
	io->direct = direct;
	io->h = n->h;
	io->limits = n->limits;
	io->gate = obj_hold(n->gate);
	io->strangers = obj_hold(n->strangers);
	atomic_init(&io->next_conn, 1);
	io->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	io->by_id = map_new(false);
	io->rx = udp_rx_new();
	io->scratch = malloc(STREAM_READ);
	if (direct)
		io->loop = n->core;
	else
		err = make_rings(io, n->core);
	io->fair = fair_new(FAIR_BYTES);
	io->fair_bell = io->loop ? bell_new(io->loop, udp_serve_waiting, io) : NULL;
	io->shakes = shakes_new();
	io->shake_bell = io->loop ? bell_new(io->loop, conn_serve_shakes, io) : NULL;
	if (err || !io->by_id || !io->rx || !io->scratch || !io->fair || !io->fair_bell || !io->shakes || !io->shake_bell) {
		close_bells(io);
		if (!direct)
			loop_free(io->loop);
		io = obj_drop(io);
	}
	return io;
}

static void *thread_main(void *arg)
{
	struct io *io = arg;

	loop_run(io->loop);
	return NULL;
}

int io_start(struct io *io)
{
	sigset_t all, old;
	int err;

	if (io->direct)
		return 0;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&io->thread, NULL, thread_main, io);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	io->threaded = !err;
	return err;
}

void io_close(struct io *io)
{
	if (!io)
		return;
	if (io->threaded) {
		loop_stop(io->loop);
		pthread_join(io->thread, NULL);
		io_drain(io);
	}
	/* Our thread now: what was sent before the end still goes out. */
	flush_all(io);
	io->closed = true;
	timer_stop(&io->retry);
	timer_stop(&io->fair_timer);
	while (!list_empty(&io->listeners))
		listener_stop(container_of(io->listeners.next, struct listener, link));
	while (!list_empty(&io->socks))
		udp_stop(container_of(io->socks.next, struct udp_sock, link));
	while (!list_empty(&io->conns))
		conn_close(container_of(io->conns.next, struct conn, link), ECONNABORTED);
	close_bells(io);
	if (!io->direct) {
		loop_free(io->loop);
		io->loop = NULL;
	}
	obj_drop(io);
}
