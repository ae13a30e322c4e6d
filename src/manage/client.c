/* Sockets of managers and consoles. What is sent in one turn leaves in one write at
 * its end. pace.c bounds the work that is done for them; this bounds what waits. */
#define LOG_MODULE "manage"
#include "manage/client.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/obj.h"
#include "net/tls_pipe.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define READ_CHUNK 16384        /* [bytes] */
#define LIMIT_DEFAULT (4u << 20)
#define KERNEL_BUFFER (128 << 10)       /* [bytes] */
#define STALL_DEFAULT 10000     /* [ms] */
#define STALLS_MAX 30           /* one write may take so many stall times, else a byte a second would do */

enum state { QUIET, OPEN, LAST_WORDS /* closes when all is sent */, CLOSED };

struct client {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	struct loop *loop;
	const struct client_ops *ops;
	void *arg;
	enum state state;
	bool paused, writing;
	bool due;                       /* write_pending() is on its way */
	struct buf pending;             /* not given to libuv yet */
	char *inflight;                 /* owned; given to libuv */
	size_t inflight_n, limit;
	size_t last_queue;              /* count_untaken() when the stall timer last looked */
	uv_write_t req;
	struct timer stall;
	uint32_t stall_ms;
	unsigned stalls;                /* times that the timer has looked at this write */
	struct fiber *waiter;           /* in client_drain() */
	struct tls_pipe *tls;           /* owned; NULL: in the clear */
	char in[READ_CHUNK];
};

struct client_listener {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	struct loop *loop;
	client_accept_fn *fn;
	void *arg;
	struct tls_context *tls;        /* held; NULL: in the clear */
	char *path;                     /* owned; NULL: TCP */
	bool local;
};

static void free_client(void *arg)
{
	struct client *c = arg;

	buf_free(&c->pending);
	free(c->inflight);
	tls_pipe_free(c->tls);
}

/* ---- the end ---------------------------------------------------------- */

static void on_gone(uv_handle_t *h)
{
	obj_drop(h->data);      /* the handle's reference */
}

static void shut_client(struct client *c)
{
	if (c->state == CLOSED)
		return;
	c->state = CLOSED;
	timer_stop(&c->stall);
	if (c->waiter)
		fiber_wake(c->waiter);
	c->waiter = NULL;
	uv_close(&c->u.handle, on_gone);
}

static void lose_peer(struct client *c, int err)
{
	const struct client_ops *ops = c->state == OPEN ? c->ops : NULL;

	obj_hold(c);
	shut_client(c);
	if (ops)
		ops->closed(c->arg, err);
	obj_drop(c);
}

/* ---- sending ---------------------------------------------------------- */

static void start_write(struct client *c);

size_t client_queued(const struct client *c)
{
	return c->pending.n + (c->writing ? uv_stream_get_write_queue_size(&c->u.stream) : 0);
}

static void on_written(uv_write_t *req, int status)
{
	struct client *c = req->data;

	c->writing = false;
	free(c->inflight);
	c->inflight = NULL;
	timer_stop(&c->stall);
	if (c->state == CLOSED)
		return;
	if (status < 0) {
		lose_peer(c, -status);
		return;
	}
	obj_hold(c);
	start_write(c);
	if (c->waiter)
		fiber_wake(c->waiter);
	if (c->state == LAST_WORDS && !c->writing)
		shut_client(c);
	else if (c->state == OPEN && c->ops->written)
		c->ops->written(c->arg);
	obj_drop(c);
}

/* [bytes] that the peer has not taken: libuv's and the kernel's. The kernel alone asks
 * for more only when a third of its buffer is free, which takes a slow peer a while. */
static size_t count_untaken(const struct client *c)
{
	int fd = -1, kernel = 0;

	if (uv_fileno(&c->u.handle, &fd) || ioctl(fd, SIOCOUTQ, &kernel) || kernel < 0)
		kernel = 0;
	return uv_stream_get_write_queue_size(&c->u.stream) + (size_t)kernel;
}

static void on_stall(void *arg)
{
	struct client *c = arg;
	size_t now = count_untaken(c);

	if (now >= c->last_queue || ++c->stalls >= STALLS_MAX) {
		lose_peer(c, ETIMEDOUT);
		return;
	}
	c->last_queue = now;
	timer_start(loop_wheel(c->loop), &c->stall, c->stall_ms, on_stall, c);
}

static void start_write(struct client *c)
{
	uv_buf_t b;
	size_t n = c->pending.n;

	if (c->writing || !n || c->state == CLOSED)
		return;
	c->inflight = buf_take(&c->pending);
	c->pending = (struct buf){ .max = c->limit };
	if (!c->inflight) {
		lose_peer(c, ENOMEM);
		return;
	}
	c->inflight_n = n;
	b = uv_buf_init(c->inflight, (unsigned)n);
	c->req.data = c;
	c->writing = true;
	if (uv_write(&c->req, &c->u.stream, &b, 1, on_written)) {
		c->writing = false;
		lose_peer(c, EPIPE);
		return;
	}
	c->last_queue = count_untaken(c);
	c->stalls = 0;
	if (uv_stream_get_write_queue_size(&c->u.stream))
		timer_start(loop_wheel(c->loop), &c->stall, c->stall_ms, on_stall, c);
}

static void write_pending(void *arg)
{
	struct client *c = arg;

	c->due = false;
	start_write(c);
	obj_drop(c);
}

/* What was put into `pending` leaves at the turn's end. */
static void write_soon(struct client *c)
{
	if (!c->due && !c->writing && !loop_defer(c->loop, write_pending, c)) {
		c->due = true;
		obj_hold(c);
	}
	if (!c->due)
		start_write(c);
}

int client_send(struct client *c, struct str bytes)
{
	int err = 0;

	if (c->state != OPEN)
		return EPIPE;
	if (!bytes.n)
		return 0;
	if (client_queued(c) + bytes.n > c->limit) {
		lose_peer(c, EPIPE);
		return EPIPE;
	}
	if (c->tls)
		err = tls_pipe_put(c->tls, bytes, &c->pending);
	else
		buf_put(&c->pending, bytes);
	if (err || buf_err(&c->pending)) {
		lose_peer(c, err ? err : ENOMEM);
		return EPIPE;
	}
	write_soon(c);
	return c->state == OPEN ? 0 : EPIPE;
}

int client_drain(struct client *c, size_t low)
{
	obj_hold(c);
	while (c->state == OPEN && client_queued(c) > low) {
		c->waiter = fiber_self();
		fiber_wait();
		c->waiter = NULL;
	}
	low = c->state == OPEN;
	obj_drop(c);
	return low ? 0 : EPIPE;
}

/* ---- receiving -------------------------------------------------------- */

static void give_room(uv_handle_t *h, size_t want, uv_buf_t *b)
{
	struct client *c = h->data;

	(void)want;
	*b = uv_buf_init(c->in, sizeof(c->in));
}

/* What the peer said before it ended the connection, or before a fault, still counts. */
static void on_secret(struct client *c, struct str bytes)
{
	struct buf plain = BUF_INIT;
	int err = tls_pipe_take(c->tls, bytes, &plain, &c->pending);

	obj_hold(c);
	if (c->pending.n)
		write_soon(c);
	if (c->state == OPEN && plain.n)
		c->ops->data(c->arg, buf_view(&plain));
	if (err && c->state == OPEN) {
		const struct client_ops *ops = c->ops;

		client_close(c);        /* the alert is sent */
		ops->closed(c->arg, err == EPIPE ? 0 : err);
	}
	buf_free(&plain);
	obj_drop(c);
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct client *c = h->data;

	if (n > 0 && c->state == OPEN && c->tls)
		on_secret(c, str_mk(b->base, (size_t)n));
	else if (n > 0 && c->state == OPEN)
		c->ops->data(c->arg, str_mk(b->base, (size_t)n));
	else if (n < 0)
		lose_peer(c, n == UV_EOF ? 0 : (int)-n);
}

void client_pause(struct client *c, bool pause)
{
	if (c->state != OPEN || c->paused == pause)
		return;
	c->paused = pause;
	if (pause)
		uv_read_stop(&c->u.stream);
	else
		uv_read_start(&c->u.stream, give_room, on_read);
}

void client_start(struct client *c, const struct client_ops *ops, void *arg)
{
	c->ops = ops;
	c->arg = arg;
	c->state = OPEN;
	uv_read_start(&c->u.stream, give_room, on_read);
}

void client_limits(struct client *c, size_t limit, uint32_t stall_ms)
{
	c->limit = limit;
	c->pending.max = limit;
	c->stall_ms = stall_ms;
}

bool client_is_open(const struct client *c) { return c->state == OPEN; }

void client_close(struct client *c)
{
	if (c->state == CLOSED || c->state == LAST_WORDS)
		return;
	if (c->state == OPEN)
		uv_read_stop(&c->u.stream);
	c->state = LAST_WORDS;
	if (c->waiter)
		fiber_wake(c->waiter);
	if (c->tls)
		tls_pipe_end(c->tls, &c->pending);
	start_write(c);
	if (c->state == LAST_WORDS && !c->writing)
		shut_client(c);
}

struct sa client_peer(const struct client *c)
{
	struct sockaddr_storage ss;
	int n = sizeof(ss);
	struct sa a = { 0 };

	if (c->u.handle.type == UV_TCP && c->state != CLOSED &&
	    !uv_tcp_getpeername(&c->u.tcp, (struct sockaddr *)&ss, &n))
		sa_from(&a, (struct sockaddr *)&ss, (socklen_t)n);
	return a;
}

/* ---- listening -------------------------------------------------------- */

static void on_connection(uv_stream_t *h, int status)
{
	struct client_listener *sl = h->data;
	struct client *c;

	if (status < 0) {
		log_warning("Cannot accept: %s", uv_strerror(status));
		return;
	}
	c = obj_new(sizeof(*c), free_client);
	if (!c)
		return;
	c->loop = sl->loop;
	client_limits(c, LIMIT_DEFAULT, STALL_DEFAULT);
	if (sl->local)
		uv_pipe_init(loop_uv(sl->loop), &c->u.pipe, 0);
	else
		uv_tcp_init(loop_uv(sl->loop), &c->u.tcp);
	c->u.handle.data = obj_hold(c);
	if (uv_accept(h, &c->u.stream)) {
		shut_client(c);
		obj_drop(c);
		return;
	}
	if (sl->tls)
		c->tls = tls_pipe_new(sl->tls, clock_us(loop_clock(sl->loop)) / 1000);
	if (sl->tls && !c->tls) {
		shut_client(c);
		obj_drop(c);
		return;
	}
	if (!sl->local)
		uv_tcp_nodelay(&c->u.tcp, 1);
	/* Else the kernel takes megabytes before anybody notices that the peer does not read. */
	uv_send_buffer_size(&c->u.handle, &(int){ KERNEL_BUFFER });
	sl->fn(sl->arg, c);
}

static void on_listener_gone(uv_handle_t *h)
{
	struct client_listener *sl = h->data;

	obj_drop(sl->tls);
	free(sl->path);
	free(sl);
}

void client_unlisten(struct client_listener *sl)
{
	if (!sl)
		return;
	if (sl->path)
		unlink(sl->path);
	uv_close(&sl->u.handle, on_listener_gone);
}

static struct client_listener *listener_new(struct loop *l, client_accept_fn *fn, void *arg)
{
	struct client_listener *sl = calloc(1, sizeof(*sl));

	if (!sl)
		return NULL;
	sl->loop = l;
	sl->fn = fn;
	sl->arg = arg;
	return sl;
}

int client_listen_tcp(struct client_listener **out, struct loop *l, const struct sa *bind,
		      client_accept_fn *fn, void *arg, struct sa *bound)
{
	struct client_listener *sl = listener_new(l, fn, arg);
	struct sockaddr_storage ss;
	int err, n = sizeof(ss);

	if (!sl)
		return ENOMEM;
	uv_tcp_init(loop_uv(l), &sl->u.tcp);
	sl->u.handle.data = sl;
	err = uv_tcp_bind(&sl->u.tcp, &bind->u.s, 0);
	if (!err)
		err = uv_listen(&sl->u.stream, BACKLOG, on_connection);
	if (!err && bound && !uv_tcp_getsockname(&sl->u.tcp, (struct sockaddr *)&ss, &n))
		sa_from(bound, (struct sockaddr *)&ss, (socklen_t)n);
	if (err)
		uv_close(&sl->u.handle, on_listener_gone);
	else
		*out = sl;
	return -err;
}

void client_listener_secure(struct client_listener *sl, struct tls_context *tls)
{
	obj_hold(tls);
	obj_drop(sl->tls);
	sl->tls = tls;
}

/* ---- local sockets ---------------------------------------------------- */

/* sun_path holds 108 bytes and run directories can be longer: then the last
 * part is named through a descriptor of its directory. */
static int unix_address(struct sockaddr_un *un, const char *path, int *dir)
{
	struct str p = str_z(path), d;
	size_t slash = str_rchr(p, '/');
	char *z;

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*dir = -1;
	if (p.n < sizeof(un->sun_path)) {
		str_copy(un->sun_path, sizeof(un->sun_path), p);
		return 0;
	}
	if (slash == p.n)
		return ENAMETOOLONG;
	d = str_sub(p, 0, slash);
	z = str_dup(d);
	if (!z)
		return ENOMEM;
	*dir = open(z, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(z);
	if (*dir < 0)
		return errno;
	if ((size_t)snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%s", *dir,
			     path + slash + 1) >= sizeof(un->sun_path))
		return ENAMETOOLONG;
	return 0;
}

int client_connect_unix(const char *path, int *err)
{
	struct sockaddr_un un;
	int dir, fd = -1;

	*err = unix_address(&un, path, &dir);
	if (!*err) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			*err = errno;
	}
	if (!*err && connect(fd, (struct sockaddr *)&un, sizeof(un)))
		*err = errno;
	if (dir >= 0)
		close(dir);
	if (*err && fd >= 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int unix_bound(int *out, const char *path, unsigned mode)
{
	struct sockaddr_un un;
	int dir = -1, err, fd = client_connect_unix(path, &err);

	if (fd >= 0) {
		close(fd);
		return EADDRINUSE;
	}
	if (err == ECONNREFUSED)
		unlink(path);   /* left by a process that died */
	err = unix_address(&un, path, &dir);
	if (err)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err = errno;
		goto out;
	}
	/* The mode before the name is there, so that nobody connects in between. */
	fchmod(fd, mode);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)))
		err = errno;
	else
		chmod(path, mode);
 out:
	if (dir >= 0)
		close(dir);
	if (err && fd >= 0)
		close(fd);
	else
		*out = fd;
	return err;
}

int client_listen_unix(struct client_listener **out, struct loop *l, const char *path, unsigned mode,
		       client_accept_fn *fn, void *arg)
{
	struct client_listener *sl = listener_new(l, fn, arg);
	int err, fd = -1;

	if (!sl)
		return ENOMEM;
	sl->local = true;
	sl->path = str_dup(str_z(path));
	err = sl->path ? unix_bound(&fd, path, mode) : ENOMEM;
	if (err) {
		free(sl->path);
		free(sl);
		return err;
	}
	uv_pipe_init(loop_uv(l), &sl->u.pipe, 0);
	sl->u.handle.data = sl;
	err = -uv_pipe_open(&sl->u.pipe, fd);
	if (err)
		close(fd);
	else
		err = -uv_listen(&sl->u.stream, BACKLOG, on_connection);
	if (err) {
		unlink(path);
		uv_close(&sl->u.handle, on_listener_gone);
	} else {
		*out = sl;
	}
	return err;
}
