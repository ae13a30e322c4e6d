/* Sockets of managers and consoles. What is sent in one turn leaves in one write at
 * its end. pace.c bounds the work that is done for them; this bounds what waits. */
#define LOG_MODULE "manage"
#include "manage/stream.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/obj.h"
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

struct stream {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	struct loop *loop;
	const struct stream_ops *ops;
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
	struct fiber *waiter;           /* in stream_drain() */
	char in[READ_CHUNK];
};

struct stream_listener {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	struct loop *loop;
	stream_accept_fn *fn;
	void *arg;
	char *path;                     /* owned; NULL: TCP */
	bool local;
};

static void stream_free(void *arg)
{
	struct stream *s = arg;

	buf_free(&s->pending);
	free(s->inflight);
}

/* ---- the end ---------------------------------------------------------- */

static void on_gone(uv_handle_t *h)
{
	obj_drop(h->data);      /* the handle's reference */
}

static void shut_stream(struct stream *s)
{
	if (s->state == CLOSED)
		return;
	s->state = CLOSED;
	timer_stop(&s->stall);
	if (s->waiter)
		fiber_wake(s->waiter);
	s->waiter = NULL;
	uv_close(&s->u.handle, on_gone);
}

static void lose_peer(struct stream *s, int err)
{
	const struct stream_ops *ops = s->state == OPEN ? s->ops : NULL;

	obj_hold(s);
	shut_stream(s);
	if (ops)
		ops->closed(s->arg, err);
	obj_drop(s);
}

/* ---- sending ---------------------------------------------------------- */

static void start_write(struct stream *s);

size_t stream_queued(const struct stream *s)
{
	return s->pending.n + (s->writing ? uv_stream_get_write_queue_size(&s->u.stream) : 0);
}

static void on_written(uv_write_t *req, int status)
{
	struct stream *s = req->data;

	s->writing = false;
	free(s->inflight);
	s->inflight = NULL;
	timer_stop(&s->stall);
	if (s->state == CLOSED)
		return;
	if (status < 0) {
		lose_peer(s, -status);
		return;
	}
	obj_hold(s);
	start_write(s);
	if (s->waiter)
		fiber_wake(s->waiter);
	if (s->state == LAST_WORDS && !s->writing)
		shut_stream(s);
	else if (s->state == OPEN && s->ops->written)
		s->ops->written(s->arg);
	obj_drop(s);
}

/* [bytes] that the peer has not taken: libuv's and the kernel's. The kernel alone asks
 * for more only when a third of its buffer is free, which takes a slow peer a while. */
static size_t count_untaken(const struct stream *s)
{
	int fd = -1, kernel = 0;

	if (uv_fileno(&s->u.handle, &fd) || ioctl(fd, SIOCOUTQ, &kernel) || kernel < 0)
		kernel = 0;
	return uv_stream_get_write_queue_size(&s->u.stream) + (size_t)kernel;
}

static void on_stall(void *arg)
{
	struct stream *s = arg;
	size_t now = count_untaken(s);

	if (now >= s->last_queue || ++s->stalls >= STALLS_MAX) {
		lose_peer(s, ETIMEDOUT);
		return;
	}
	s->last_queue = now;
	timer_start(loop_wheel(s->loop), &s->stall, s->stall_ms, on_stall, s);
}

static void start_write(struct stream *s)
{
	uv_buf_t b;
	size_t n = s->pending.n;

	if (s->writing || !n || s->state == CLOSED)
		return;
	s->inflight = buf_take(&s->pending);
	s->pending = (struct buf){ .max = s->limit };
	if (!s->inflight) {
		lose_peer(s, ENOMEM);
		return;
	}
	s->inflight_n = n;
	b = uv_buf_init(s->inflight, (unsigned)n);
	s->req.data = s;
	s->writing = true;
	if (uv_write(&s->req, &s->u.stream, &b, 1, on_written)) {
		s->writing = false;
		lose_peer(s, EPIPE);
		return;
	}
	s->last_queue = count_untaken(s);
	s->stalls = 0;
	if (uv_stream_get_write_queue_size(&s->u.stream))
		timer_start(loop_wheel(s->loop), &s->stall, s->stall_ms, on_stall, s);
}

static void write_pending(void *arg)
{
	struct stream *s = arg;

	s->due = false;
	start_write(s);
	obj_drop(s);
}

int stream_send(struct stream *s, struct str bytes)
{
	if (s->state != OPEN)
		return EPIPE;
	if (!bytes.n)
		return 0;
	if (stream_queued(s) + bytes.n > s->limit) {
		lose_peer(s, EPIPE);
		return EPIPE;
	}
	buf_put(&s->pending, bytes);
	if (buf_err(&s->pending)) {
		lose_peer(s, ENOMEM);
		return EPIPE;
	}
	if (!s->due && !s->writing && !loop_defer(s->loop, write_pending, s)) {
		s->due = true;
		obj_hold(s);
	}
	if (!s->due)
		start_write(s);
	return s->state == OPEN ? 0 : EPIPE;
}

int stream_drain(struct stream *s, size_t low)
{
	obj_hold(s);
	while (s->state == OPEN && stream_queued(s) > low) {
		s->waiter = fiber_self();
		fiber_wait();
		s->waiter = NULL;
	}
	low = s->state == OPEN;
	obj_drop(s);
	return low ? 0 : EPIPE;
}

/* ---- receiving -------------------------------------------------------- */

static void give_room(uv_handle_t *h, size_t want, uv_buf_t *b)
{
	struct stream *s = h->data;

	(void)want;
	*b = uv_buf_init(s->in, sizeof(s->in));
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = h->data;

	if (n > 0 && s->state == OPEN)
		s->ops->data(s->arg, str_mk(b->base, (size_t)n));
	else if (n < 0)
		lose_peer(s, n == UV_EOF ? 0 : (int)-n);
}

void stream_pause(struct stream *s, bool pause)
{
	if (s->state != OPEN || s->paused == pause)
		return;
	s->paused = pause;
	if (pause)
		uv_read_stop(&s->u.stream);
	else
		uv_read_start(&s->u.stream, give_room, on_read);
}

void stream_start(struct stream *s, const struct stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
	s->state = OPEN;
	uv_read_start(&s->u.stream, give_room, on_read);
}

void stream_limits(struct stream *s, size_t limit, uint32_t stall_ms)
{
	s->limit = limit;
	s->pending.max = limit;
	s->stall_ms = stall_ms;
}

bool stream_is_open(const struct stream *s) { return s->state == OPEN; }

void stream_close(struct stream *s)
{
	if (s->state == CLOSED || s->state == LAST_WORDS)
		return;
	if (s->state == OPEN)
		uv_read_stop(&s->u.stream);
	s->state = LAST_WORDS;
	if (s->waiter)
		fiber_wake(s->waiter);
	start_write(s);
	if (s->state == LAST_WORDS && !s->writing)
		shut_stream(s);
}

struct sa stream_peer(const struct stream *s)
{
	struct sockaddr_storage ss;
	int n = sizeof(ss);
	struct sa a = { 0 };

	if (s->u.handle.type == UV_TCP && s->state != CLOSED &&
	    !uv_tcp_getpeername(&s->u.tcp, (struct sockaddr *)&ss, &n))
		sa_from(&a, (struct sockaddr *)&ss, (socklen_t)n);
	return a;
}

/* ---- listening -------------------------------------------------------- */

static void on_connection(uv_stream_t *h, int status)
{
	struct stream_listener *sl = h->data;
	struct stream *s;

	if (status < 0) {
		log_warning("Cannot accept: %s", uv_strerror(status));
		return;
	}
	s = obj_new(sizeof(*s), stream_free);
	if (!s)
		return;
	s->loop = sl->loop;
	stream_limits(s, LIMIT_DEFAULT, STALL_DEFAULT);
	if (sl->local)
		uv_pipe_init(loop_uv(sl->loop), &s->u.pipe, 0);
	else
		uv_tcp_init(loop_uv(sl->loop), &s->u.tcp);
	s->u.handle.data = obj_hold(s);
	if (uv_accept(h, &s->u.stream)) {
		shut_stream(s);
		obj_drop(s);
		return;
	}
	if (!sl->local)
		uv_tcp_nodelay(&s->u.tcp, 1);
	/* Else the kernel takes megabytes before anybody notices that the peer does not read. */
	uv_send_buffer_size(&s->u.handle, &(int){ KERNEL_BUFFER });
	sl->fn(sl->arg, s);
}

static void on_listener_gone(uv_handle_t *h)
{
	struct stream_listener *sl = h->data;

	free(sl->path);
	free(sl);
}

void stream_unlisten(struct stream_listener *sl)
{
	if (!sl)
		return;
	if (sl->path)
		unlink(sl->path);
	uv_close(&sl->u.handle, on_listener_gone);
}

static struct stream_listener *listener_new(struct loop *l, stream_accept_fn *fn, void *arg)
{
	struct stream_listener *sl = calloc(1, sizeof(*sl));

	if (!sl)
		return NULL;
	sl->loop = l;
	sl->fn = fn;
	sl->arg = arg;
	return sl;
}

int stream_listen_tcp(struct stream_listener **out, struct loop *l, const struct sa *bind,
		      stream_accept_fn *fn, void *arg, struct sa *bound)
{
	struct stream_listener *sl = listener_new(l, fn, arg);
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

int stream_connect_unix(const char *path, int *err)
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
	int dir = -1, err, fd = stream_connect_unix(path, &err);

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

int stream_listen_unix(struct stream_listener **out, struct loop *l, const char *path, unsigned mode,
		       stream_accept_fn *fn, void *arg)
{
	struct stream_listener *sl = listener_new(l, fn, arg);
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
