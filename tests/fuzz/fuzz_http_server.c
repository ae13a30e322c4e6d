/* A server of HTTP on its listener: two connections send the input in pieces, as its first bytes say. Each answer must
 * be readable, and when the peers have gone nothing is left. */
#include "base/log.h"
#include "base/obj.h"
#include "net/ws.h"
#include "service/web/web.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 200       /* of the loop, for answers and for the end */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct place {
	struct loop *loop;
	struct net *net;
	struct web *web;
	struct sa bound;
	struct http_conf conf;
	struct http_redirect redirect;
} at;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int frame(void *arg, struct str data, size_t *len) { (void)arg; *len = data.n; return 0; }
static void *parse(void *arg, const struct net_path *from, struct str bytes) { (void)arg; (void)from; (void)bytes; return NULL; }
static void recv_none(void *arg, const struct net_path *from, void *msg) { (void)arg; (void)from; obj_drop(msg); }
static void closed(void *arg, const struct net_path *path, int err) { (void)arg; (void)err; web_closed(at.web, path); }
static void opened(void *arg, const struct net_path *path) { (void)arg; web_opened(at.web, path); }
static void request(void *arg, const struct net_path *path, struct http_request *r) { (void)arg; web_request(at.web, path, r); }
static void room(void *arg, uint64_t conn) { (void)arg; web_room(at.web, conn); }

/* /ws: as the service's route does it, of a transport that nobody else has. */
static void serve_ws(void *arg, struct web_call *c)
{
	struct buf b = BUF_INIT;

	(void)arg;
	if (ws_answer(&b, NULL, web_head(c)))
		web_raw(c, buf_view(&b));
	else
		web_upgrade(c, buf_view(&b), 7, 100);
	buf_free(&b);
}

/* Pieces, with what was asked. */
static void serve_echo(void *arg, struct web_call *c)
{
	(void)arg;
	web_begin(c, 200, "OK", STR_NULL, WEB_UNKNOWN);
	web_write(c, web_head(c)->query);
	web_write(c, buf_view(&c->request->body.data));
	web_end(c);
}

static const struct web_route rows[] = {
	{ "/ws", false, "", NULL, serve_ws },
	{ "/echo", true, "", NULL, serve_echo },
};

static void start(void)
{
	const struct net_handlers h = { .frame = frame, .parse = parse, .recv = recv_none, .closed = closed, .opened = opened,
		.request = request, .room = room };
	struct web_prm prm = { .data_dir = STR("/nowhere") };

	signal(SIGPIPE, SIG_IGN);
	log_set_mask(0);
	at.loop = loop_new(clock_real());
	at.net = net_new(at.loop, 0, &h, NULL);
	prm.loop = at.loop;
	prm.net = at.net;
	at.web = web_new(&prm);
	must(at.web && !web_add_routes(at.web, rows, ARRAY_LEN(rows), &at));
	at.redirect = (struct http_redirect){ STR("/r"), STR("/to") };
	at.conf = (struct http_conf){ .file = "http.conf", .plain = true, .path = STR(""), .redirects = &at.redirect, .redirects_n = 1,
		.servername = STR("fuzz"), .sessionlimit = 100, .session_inactivity = 1000, .session_keep_alive = 1000,
		.enable_status = true };
	must(!sa_parse(&at.conf.listen, STR("127.0.0.1")));
	web_set_conf(at.web, &at.conf, NULL, NULL);
	must(web_bound(at.web, false, &at.bound));
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && !connect(fd, &at.bound.u.s, sa_len(&at.bound)));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void turn(void)
{
	uv_run(loop_uv(at.loop), UV_RUN_NOWAIT);
}

static void take(int fd, struct buf *b)
{
	char mem[16384];
	ssize_t n;

	while ((n = recv(fd, mem, sizeof(mem), 0)) > 0)
		if (b->n < 1 << 20)
			buf_mem(b, mem, (size_t)n);
}

static void look_at(const struct buf *b)
{
	struct http_head h;
	size_t len = 0;
	int err = b->n ? http_parse_answer(&h, buf_view(b), &len) : EAGAIN;

	must(!err || err == EAGAIN);
	must(err || (h.status >= 100 && h.status < 600));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf got[2] = { BUF_INIT, BUF_INIT };
	size_t step, i = 0;
	int fd[2];

	if (!at.loop)
		start();
	if (size < 2)
		return 0;
	step = data[0] ? data[0] * 4u : size;
	data++;
	size--;
	for (int k = 0; k < 2; k++)
		fd[k] = dial();
	turn();
	for (; i < size; i += step) {
		size_t n = size - i < step ? size - i : step;

		send(fd[i / step % 7 == 6], data + i, n, MSG_NOSIGNAL);
		turn();
		for (int k = 0; k < 2; k++)
			take(fd[k], &got[k]);
	}
	for (int k = 0; k < 8; k++)
		turn();
	for (int k = 0; k < 2; k++) {
		take(fd[k], &got[k]);
		look_at(&got[k]);
		buf_free(&got[k]);
		/* At once, and not when the time of the last words is over. */
		setsockopt(fd[k], SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
		close(fd[k]);
	}
	for (int k = 0; k < TURNS && web_connections(at.web); k++)
		turn();
	must(!web_connections(at.web));
	return 0;
}
