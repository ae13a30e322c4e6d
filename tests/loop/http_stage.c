/* The server of HTTP that tests speak to. */
#include "http_stage.h"
#include "base/obj.h"
#include "net/net.h"
#include "pbx/event.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct http_stage hs;

static int no_frame(void *arg, struct str data, size_t *len)
{
	(void)arg;
	*len = data.n;
	return 0;
}

/* What comes over a WebSocket is told by its end alone. */
static void *no_parse(void *arg, const struct net_path *from, struct str bytes)
{
	(void)arg;
	(void)from;
	(void)bytes;
	return NULL;
}

static void no_recv(void *arg, const struct net_path *from, void *msg)
{
	(void)arg;
	(void)from;
	obj_drop(msg);
}

static void on_opened(void *arg, const struct net_path *path) { (void)arg; web_opened(hs.web, path); }
static void on_closed(void *arg, const struct net_path *path, int err) { (void)arg; (void)err; web_closed(hs.web, path); }
static void on_request(void *arg, const struct net_path *path, struct http_request *r)
{
	(void)arg;
	web_request(hs.web, path, r);
}
static void on_room(void *arg, uint64_t conn) { (void)arg; web_room(hs.web, conn); }

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static void load(const char *lines)
{
	struct snapshot_prm prm = { .dir = hs.dir };
	struct snapshot *old = hs.conf;
	struct buf text = BUF_INIT;
	char path[128];
	struct sa at;

	snprintf(path, sizeof(path), "%s/pjsip.conf", hs.dir);
	write_file(path, "[a]\ntype=endpoint\n");
	snprintf(path, sizeof(path), "%s/http.conf", hs.dir);
	buf_puts(&text, STR("[general]\nenabled=yes\nbindaddr=127.0.0.1\n"), str_z(lines));
	write_file(path, buf_z(&text));
	buf_free(&text);
	hs.conf = NULL;
	assert_int_equal(snapshot_build(&hs.conf, &prm, NULL), 0);
	/* Any port that is free; the same from then on. */
	sa_set_port(&hs.conf->http->listen, old ? sa_port(&old->http->listen) : 0);
	sa_set_port(&hs.conf->http->tls_listen, old ? sa_port(&old->http->tls_listen) : 0);
	web_set_conf(hs.web, hs.conf->http, hs.conf, NULL);
	obj_drop(old);
	hs.port = web_bound(hs.web, false, &at) ? sa_port(&at) : 0;
	hs.tls_port = web_bound(hs.web, true, &at) ? sa_port(&at) : 0;
}

void http_up(const char *lines, unsigned threads)
{
	const struct net_handlers h = { .frame = no_frame, .parse = no_parse, .recv = no_recv, .closed = on_closed,
		.opened = on_opened, .request = on_request, .room = on_room };
	const struct net_limits limits = { .stranger_rate = 1000, .max_silent_per_address = 20 };
	struct web_prm prm = { .loop = t.w.loop };
	char path[128];

	hs = (struct http_stage){ 0 };
	memcpy(hs.dir, "/tmp/http-XXXXXX", 17);
	assert_non_null(mkdtemp(hs.dir));
	snprintf(path, sizeof(path), "%s/static-http", hs.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	hs.net = net_new(t.w.loop, threads, &h, &limits);
	assert_non_null(hs.net);
	prm.net = hs.net;
	prm.data_dir = str_z(hs.dir);
	hs.web = web_new(&prm);
	assert_non_null(hs.web);
	load(lines);
	assert_int_equal(manage_set_web(t.m, hs.web), 0);
}

void http_reload(const char *lines)
{
	load(lines);
}

void http_down(void)
{
	char command[128];

	manage_set_web(t.m, NULL);
	web_stop(hs.web);
	hs.web = NULL;
	net_close(hs.net);
	world_turn(&t.w);
	obj_drop(hs.conf);
	snprintf(command, sizeof(command), "rm -r '%s'", hs.dir);
	assert_int_equal(system(command), 0);
}

void http_file(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/static-http/%s", hs.dir, name);
	if (text)
		write_file(path, text);
	else
		unlink(path);
}

struct peer dial_web(void)
{
	uint16_t manager = t.port;
	struct peer p;

	t.port = hs.port;
	p = dial();
	t.port = manager;
	world_turn(&t.w);
	return p;
}

/* Is the answer whole? One without a length ends with its connection. */
static bool is_whole(const struct peer *p)
{
	struct str s = buf_view(&p->in), value;
	struct http_head h;
	uint64_t n = 0;
	size_t len;

	if (http_parse_answer(&h, s, &len))
		return p->closed;
	if (h.status == 304)
		return true;
	if (http_has_token(&h, STR("Transfer-Encoding"), STR("chunked")))
		return str_ends(s, STR("\r\n0\r\n\r\n"));
	return http_field(&h, STR("Content-Length"), &value) == 1 && !str_u64(value, &n) ? s.n >= len + n : p->closed;
}

static void await(struct peer *p, bool head)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	for (int i = 0; i < 500; i++) {
		world_turn(&t.w);
		take(p);
		if (head ? str_find(buf_view(&p->in), STR("\r\n\r\n")) < p->in.n : is_whole(p))
			return;
		if (p->closed)
			break;
		poll(&pfd, 1, 10);
	}
	fail_msg("no whole answer: %s", buf_z(&p->in));
}

void web_say(struct peer *p, const char *request)
{
	buf_reset(&p->in);
	say(p, request);
	await(p, str_starts(str_z(request), STR("HEAD")));
}

struct peer web_ask(const char *request)
{
	struct peer p = dial_web();

	web_say(&p, request);
	return p;
}

void web_get_on(struct peer *p, const char *target, const char *lines)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", target, lines);
	web_say(p, buf_z(&b));
	buf_free(&b);
}

struct peer web_get(const char *target, const char *lines)
{
	struct peer p = dial_web();

	web_get_on(&p, target, lines);
	return p;
}

struct str web_body(const struct peer *p)
{
	return str_skip(buf_view(&p->in), str_find(buf_view(&p->in), STR("\r\n\r\n")) + 4);
}

void web_cookie_of(const struct peer *p, char *line, size_t n)
{
	struct str s = str_skip(buf_view(&p->in), str_find(buf_view(&p->in), STR("Set-Cookie: ")) + 12);

	assert_true(s.n > 0);
	snprintf(line, n, "Cookie: %.*s\r\n", (int)str_chr(s, ';'), s.p);
}

struct peer web_enter(char *cookie, size_t n)
{
	struct peer p = web_get(WEB_LOGIN, "");

	HAS(&p, "Message: Authentication accepted\r\n");
	web_cookie_of(&p, cookie, n);
	return p;
}

void web_event(const char *name)
{
	struct event *e = event_new(t.w.pbx->events, "UserEvent", EV_USER);

	if (!e)
		return;
	event_put(e, "UserEvent", str_z(name));
	event_send(t.w.pbx->events, e);
}
