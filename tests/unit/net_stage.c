/* The toy protocol over a net, and the peers that speak it. */
#include "net_stage.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

const unsigned modes[MODES] = { 0, 1, 2 };

static int frame(void *arg, struct str data, size_t *len)
{
	size_t eol;

	(void)arg;
	*len = 0;
	while (*len < data.n && (data.p[*len] == '\r' || data.p[*len] == '\n'))
		++*len;
	if (*len)
		return 0;
	if (data.n && data.p[0] == '!')
		return EBADMSG;
	eol = str_chr(data, '\n');
	if (eol == data.n)
		return EAGAIN;
	*len = eol + 1;
	/* "+200": so many bytes that follow are of it. */
	if (data.p[0] == '+')
		*len += (size_t)atoi(data.p + 1);
	return 0;
}

static void *parse(void *arg, const struct net_path *from, struct str bytes)
{
	(void)arg;
	assert_true(sa_port(&from->peer) != 0);
	return bytes.p[0] == '?' ? NULL : net_bytes_new(bytes);
}

static void on_recv(void *arg, const struct net_path *from, void *msg)
{
	struct net_world *w = arg;
	struct net_bytes *m = msg, *b;
	struct net_path path = *from;

	w->got++;
	w->from = *from;
	w->last_n = m->n < sizeof(w->last) ? m->n : sizeof(w->last);
	memcpy(w->last, m->p, w->last_n);
	if (m->p[0] == 'c')
		w->canary_at = w->got;
	if (w->unlisten)
		assert_int_equal(net_unlisten(w->net, w->id), 0);
	w->unlisten = false;
	if (w->echo) {
		b = w->reply ? net_bytes_new(str_z(w->reply)) : obj_hold(m);
		net_send(w->net, &path, b);
		obj_drop(b);
	}
	obj_drop(m);
}

static void on_closed(void *arg, const struct net_path *path, int err)
{
	struct net_world *w = arg;

	assert_false(net_conn_alive(w->net, path->conn));
	w->closed++;
	w->closed_err = err;
}

static void on_failed(void *arg, const struct net_path *path, struct net_bytes *bytes, int err)
{
	struct net_world *w = arg;

	assert_true(sa_is_set(&path->peer));
	assert_non_null(bytes);
	w->failed++;
	w->failed_err = err;
}

struct sa addr(const char *z)
{
	struct sa a;

	assert_int_equal(sa_parse(&a, str_z(z)), 0);
	return a;
}

void world_start_with(struct net_world *w, unsigned threads, const struct net_limits *lim, const struct net_listen_prm *prm)
{
	const struct net_handlers h = { .arg = w, .frame = frame, .parse = parse, .recv = on_recv, .closed = on_closed,
		.failed = on_failed };

	*w = (struct net_world){ .live = obj_live(), .echo = true };
	w->loop = GOT(loop_new(clock_real()));
	w->net = net_new(w->loop, threads, &h, lim);
	assert_non_null(w->net);
	assert_int_equal(net_listen(w->net, prm, &w->id, &w->bound), 0);
	assert_true(sa_port(&w->bound) != 0);
}

void world_start(struct net_world *w, unsigned threads, const struct net_limits *lim, enum net_proto proto, const char *at)
{
	const struct net_listen_prm prm = { .proto = proto, .tos = -1, .cos = -1, .name = STR("t"), .bind = addr(at) };

	world_start_with(w, threads, lim, &prm);
}

void world_end(struct net_world *w)
{
	net_close(w->net);
	loop_free(w->loop);
	assert_int_equal(obj_live(), w->live);
}

bool readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) > 0;
}

int client(int type, const char *from)
{
	struct sa a = addr(from);
	int fd = socket(a.u.s.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &a.u.s, sa_len(&a)), 0);
	return fd;
}

int tcp_client(struct net_world *w)
{
	int fd = client(SOCK_STREAM, "127.0.0.1:0");

	assert_int_equal(connect(fd, &w->bound.u.s, sa_len(&w->bound)), 0);
	return fd;
}

void say(int fd, const char *z)
{
	assert_int_equal(send(fd, z, strlen(z), MSG_NOSIGNAL), strlen(z));
}

void expect(struct net_world *w, int fd, const char *z)
{
	char in[512];
	size_t have = 0;

	while (have < strlen(z)) {
		ssize_t n;

		UNTIL(w, readable(fd));
		n = recv(fd, in + have, sizeof(in) - have, 0);
		assert_true(n > 0);
		have += (size_t)n;
	}
	assert_int_equal(have, strlen(z));
	assert_memory_equal(in, z, have);
}

bool at_end(int fd)
{
	char c;

	return readable(fd) && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}
