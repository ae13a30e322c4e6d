/* The server of HTTP as its peers see it: requests, routes, files, options of http.conf. */
#include "http_stage.h"
#include "net/net.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define HOST "Host: a\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\n"

static int up(void **state)
{
	manager_up(state);
	http_up("enable_status=yes\nenable_static=yes\n", 0);
	return 0;
}

static int down(void **state)
{
	http_down();
	return manager_down(state);
}

static void expect(const char *request, const char *begins)
{
	struct peer p = web_ask(request);

	if (!str_starts(buf_view(&p.in), str_z(begins)))
		fail_msg("%s\ngave\n%s", request, buf_z(&p.in));
	hang_up(&p);
}

static void get(const char *target, const char *begins)
{
	char request[512];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
	expect(request, begins);
}

/* ---- the protocol -------------------------------------------------------------------------------- */

static void faults(void **state)
{
	(void)state;
	expect("nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
	expect("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
	expect("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
	expect("GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 ");
	expect("GET / HTTP/1.1\r\n" HOST "Expect: a miracle\r\n\r\n", "HTTP/1.1 417 Expectation Failed\r\n");
	expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 40961\r\n\r\n", "HTTP/1.1 413 Request Entity Too Large\r\n");
	expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 400 ");
	expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 ");
	expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 ");
	expect("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 Unimplemented\r\n");
	expect("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n", "HTTP/1.1 400 ");
	expect("GET /none HTTP/1.1\r\n" HOST "\r\n", NOT_FOUND);
	expect("GET http://b/httpstatus HTTP/1.1\r\n" HOST "\r\n", OK);
	expect("DELETE /httpstatus HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 501 Not Implemented\r\n");
}

/* What cannot be read ends the connection, whatever is said to keep it. */
static void fault_closes(void **state)
{
	struct peer p = web_ask("GET / HTTP/1.1\r\n\r\n");

	(void)state;
	HAS(&p, "Connection: close\r\n");
	assert_true(is_closed(&p));
	hang_up(&p);
	p = dial_web();
	for (int i = 0; i < 9 && !p.closed; i++) {
		char line[1001];

		memset(line, 'a', 1000);
		line[1000] = 0;
		if (!i)
			memcpy(line, "GET / HTTP/1.1\r\nA: ", 19);
		say(&p, line);
	}
	assert_true(hears(&p, "HTTP/1.1 431 Request Header Fields Too Large\r\n"));
	assert_true(is_closed(&p));
	hang_up(&p);
}

static void keeps_alive(void **state)
{
	struct peer p = web_ask("GET /httpstatus HTTP/1.1\r\n" HOST "\r\n");

	(void)state;
	HAS_NOT(&p, "Connection: close");
	web_say(&p, "\r\nGET /httpstatus?again HTTP/1.1\r\n" HOST "\r\n");
	HAS(&p, "'again'");
	web_say(&p, "GET /httpstatus HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	HAS(&p, "Connection: close\r\n");
	assert_true(is_closed(&p));
	hang_up(&p);
	p = web_ask("GET /httpstatus HTTP/1.0\r\n\r\n");
	HAS(&p, OK);
	assert_true(is_closed(&p));
	hang_up(&p);
}

/* Many at once, the last in pieces: each has its answer, in order. */
static void pipelines(void **state)
{
	struct peer p = dial_web();

	(void)state;
	say(&p, "GET /httpstatus?one HTTP/1.1\r\n" HOST "\r\nPOST /httpstatus HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
	    "GET /httpstatus?two HTTP/1.1\r\n" HOST "\r\nGET /none HTTP/1.1\r\n" HOST "\r\nGET /httpstatus?thr");
	assert_true(hears(&p, "HTTP/1.1 404 "));
	say(&p, "ee HTTP/1.1\r\n" HOST "\r\n");
	assert_true(hears(&p, "'three'"));
	assert_int_equal(count(&p, "HTTP/1.1 "), 5);
	assert_true(str_find(buf_view(&p.in), STR("'one'")) < str_find(buf_view(&p.in), STR("HTTP/1.1 501 ")));
	assert_true(str_find(buf_view(&p.in), STR("HTTP/1.1 501 ")) < str_find(buf_view(&p.in), STR("'two'")));
	hang_up(&p);
}

/* More than is read ahead waits in the socket. */
static void floods(void **state)
{
	struct peer p = dial_web();
	struct buf b = BUF_INIT;
	char last[] = "'299'";

	(void)state;
	for (int i = 0; i < 300; i++)
		buf_printf(&b, "GET /httpstatus?%d HTTP/1.1\r\n" HOST "Padding: ........................................................\r\n\r\n", i);
	say(&p, buf_z(&b));
	for (int i = 0; i < 20 && !hears(&p, last); i++)
		;
	assert_int_equal(count(&p, OK), 300);
	buf_free(&b);
	hang_up(&p);
}

static void bodies(void **state)
{
	struct peer p = dial_web();

	(void)state;
	say(&p, "POST /rawman HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n"
	    "Expect: 100-continue\r\n\r\n");
	assert_true(hears(&p, "HTTP/1.1 100 Continue\r\n\r\n"));
	HAS_NOT(&p, "200 OK");
	say(&p, "action");
	say(&p, "=logoff");
	assert_true(hears(&p, "Thanks for all the fish."));
	buf_reset(&p.in);
	say(&p, "POST /rawman HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nac\r\n00B\r\ntion=");
	say(&p, "logoff\r\n0\r\nTrailer: of no use\r\n\r\n");
	assert_true(hears(&p, "Thanks for all the fish."));
	hang_up(&p);
}

/* One direction is closed: the answer still comes. */
static void half_closed(void **state)
{
	struct peer p = dial_web();

	(void)state;
	say(&p, "GET /httpstatus HTTP/1.1\r\n" HOST "\r\n");
	shutdown(p.fd, SHUT_WR);
	assert_true(hears(&p, "</html>"));
	assert_true(is_closed(&p));
	hang_up(&p);
}

/* ---- options ------------------------------------------------------------------------------------- */

static void prefix_and_name(void **state)
{
	(void)state;
	get("/httpstatus", OK);
	get("/HTTPSTATUS/", OK);
	get("/httpstatus/x", NOT_FOUND);
	get("/httpstatusx", NOT_FOUND);
	http_reload("enable_status=yes\nprefix=pbx\nservername=Our Own\n");
	get("/httpstatus", NOT_FOUND);
	get("/pbx/httpstatus", OK "Server: Our Own\r\nDate: ");
	get("/pbx", NOT_FOUND);
	get("/pbxhttpstatus", NOT_FOUND);
	http_reload("enable_status=no\nprefix=pbx\nservername=\n");
	get("/pbx/httpstatus", NOT_FOUND "Date: ");
}

static void redirects(void **state)
{
	struct peer p;

	(void)state;
	http_reload("redirect=/ /static/index.html\nredirect=/old http://elsewhere/new\n");
	p = web_get("/", "");
	HAS(&p, "HTTP/1.1 302 Moved Temporarily\r\n");
	HAS(&p, "Location: /static/index.html\r\n");
	hang_up(&p);
	p = web_get("/OLD?x", "");
	HAS(&p, "Location: http://elsewhere/new\r\n");
	hang_up(&p);
	get("/old/x", NOT_FOUND);
}

static void restrictions(void **state)
{
	(void)state;
	http_file("a", "x");
	http_reload("enable_status=yes\nenable_static=yes\n[/static]\ntype=restriction\ndeny=0.0.0.0/0\n"
		    "[/httpstatus]\ntype=restriction\ndeny=0.0.0.0/0\npermit=127.0.0.1\n");
	get("/httpstatus", OK);
	get("/static/a", "HTTP/1.1 403 Forbidden\r\n");
	/* Nor by another way of writing it. */
	get("/STATIC/a", "HTTP/1.1 403 Forbidden\r\n");
	get("/%73tatic/a", "HTTP/1.1 403 Forbidden\r\n");
	get("//static/a", "HTTP/1.1 403 Forbidden\r\n");
}

/* A connection that asks for nothing makes room; one that waits for its answer does not. */
static void session_limit(void **state)
{
	struct peer idle, busy, more;

	(void)state;
	http_reload("enable_status=yes\nsessionlimit=2\n");
	idle = dial_web();
	busy = dial_web();
	more = web_get("/httpstatus", "");
	assert_true(is_closed(&idle));
	hang_up(&idle);
	hang_up(&busy);
	assert_int_equal(web_connections(hs.web), 1);
	busy = dial_web();
	say(&busy, "GET /rawman?action=login&username=admin&secret=wrong HTTP/1.1\r\n" HOST "\r\n");
	say(&more, "GET /rawman?action=login&username=admin&secret=wrong HTTP/1.1\r\n" HOST "\r\n");
	idle = dial_web();
	assert_true(is_closed(&idle));
	hang_up(&idle);
	world_pass(&t.w, 1100);
	assert_true(hears(&busy, "Authentication failed") && hears(&more, "Authentication failed"));
	hang_up(&busy);
	hang_up(&more);
}

static void times(void **state)
{
	struct peer p;

	(void)state;
	http_reload("enable_status=yes\nsession_inactivity=2000\nsession_keep_alive=4000\n");
	/* The first request may take ten seconds to begin ... */
	p = dial_web();
	world_pass(&t.w, 9900);
	assert_false(p.closed);
	take(&p);
	assert_false(p.closed);
	world_pass(&t.w, 200);
	assert_true(is_closed(&p));
	hang_up(&p);
	/* ... but not to pause, ... */
	p = dial_web();
	say(&p, "GET /httpstatus HTTP/1.1\r\n");
	world_pass(&t.w, 1900);
	say(&p, HOST);
	world_pass(&t.w, 1900);
	take(&p);
	assert_false(p.closed);
	world_pass(&t.w, 200);
	assert_true(is_closed(&p));
	hang_up(&p);
	/* ... and the next one has its own time. */
	p = web_get("/httpstatus", "");
	world_pass(&t.w, 3900);
	take(&p);
	assert_false(p.closed);
	web_get_on(&p, "/httpstatus", "");
	HAS(&p, OK);
	world_pass(&t.w, 4100);
	assert_true(is_closed(&p));
	hang_up(&p);
	http_reload("enable_status=yes\nsession_keep_alive=0\n");
	p = web_get("/httpstatus", "");
	HAS(&p, "Connection: close\r\n");
	assert_true(is_closed(&p));
	hang_up(&p);
}

/* A byte now and then does not keep a request alive for ever. */
static void drips(void **state)
{
	struct peer p = dial_web();

	(void)state;
	say(&p, "GET / HTTP/1.1\r\nA: ");
	for (int i = 0; i < 13 && !p.closed; i++) {
		world_pass(&t.w, 5000);
		take(&p);
		if (!p.closed)
			send(p.fd, "a", 1, MSG_NOSIGNAL);
	}
	assert_true(is_closed(&p));
	hang_up(&p);
}

static void status_page(void **state)
{
	struct peer p = web_get("/httpstatus?a=%3Cb%3E&c+d", "Cookie: mansession_id=\"abc\"; other=<x>\r\n");

	(void)state;
	HAS(&p, "Content-type: text/html\r\n");
	HAS(&p, "<i>Bind Address</i></td><td>127.0.0.1:");
	HAS(&p, "'a'</i></td><td>&lt;b&gt;</td>");
	HAS(&p, "'c d'");
	HAS(&p, "other'</i></td><td>&lt;x&gt;");
	HAS(&p, "mansession_id'</i></td><td>***");
	HAS_NOT(&p, "abc");
	hang_up(&p);
}

/* ---- files ---------------------------------------------------------------------------------------- */

static void files(void **state)
{
	struct peer p, again;
	struct str tag;
	char lines[128];

	(void)state;
	http_file("index.html", "<p>hello</p>");
	p = web_get("/static/index.html", "");
	HAS(&p, OK);
	HAS(&p, "Content-type: text/html\r\n");
	HAS(&p, "Content-Length: 12\r\n");
	HAS(&p, "Last-Modified: ");
	assert_true(str_ends(buf_view(&p.in), STR("\r\n\r\n<p>hello</p>")));
	tag = str_skip(buf_view(&p.in), str_find(buf_view(&p.in), STR("ETag: ")) + 6);
	tag = str_sub(tag, 0, str_chr(tag, '\r'));
	snprintf(lines, sizeof(lines), "If-None-Match: \"x\", %.*s\r\n", STR_ARG(tag));
	again = web_get("/static/index.html", lines);
	HAS(&again, "HTTP/1.1 304 Not Modified\r\n");
	HAS_NOT(&again, "hello");
	/* The connection is good for another. */
	web_get_on(&again, "/static/index.html", "If-None-Match: \"x\"\r\n");
	HAS(&again, "hello");
	hang_up(&again);
	hang_up(&p);
	p = web_ask("HEAD /static/index.html HTTP/1.1\r\n" HOST "\r\n");
	HAS(&p, "Content-Length: 12\r\n");
	web_get_on(&p, "/static/index.html", "");
	assert_int_equal(count(&p, "hello"), 1);
	hang_up(&p);
	http_reload("enable_static=no\n");
	get("/static/index.html", NOT_FOUND);
}

static void types(void **state)
{
	static const char *const rows[][2] = { { "a.js", "application/x-javascript" }, { "a.PNG", "image/png" }, { "a.foo", "text/foo" },
		{ "a", "text/plain" }, { "a.b c", "text/plain" }, { "a.css", "text/css" }, { "a.json", "application/json" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char want[64], target[64];
		struct peer p;

		http_file(rows[i][0], "x");
		snprintf(target, sizeof(target), "/static/%s", str_eq(str_z(rows[i][0]), STR("a.b c")) ? "a.b+c" : rows[i][0]);
		snprintf(want, sizeof(want), "Content-type: %s\r\n", rows[i][1]);
		p = web_get(target, "");
		HAS(&p, want);
		HAS(&p, "X-Content-Type-Options: nosniff\r\n");
		hang_up(&p);
	}
}

/* Nothing outside of the directory, no links, no listings, nothing but files. */
static void no_escape(void **state)
{
	char path[256], to[128];

	(void)state;
	http_file("a", "x");
	snprintf(path, sizeof(path), "%s/static-http/dir", hs.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	http_file("dir/b", "y");
	snprintf(path, sizeof(path), "%s/static-http/link", hs.dir);
	snprintf(to, sizeof(to), "%s/http.conf", hs.dir);
	assert_int_equal(symlink(to, path), 0);
	snprintf(path, sizeof(path), "%s/static-http/out", hs.dir);
	assert_int_equal(symlink(hs.dir, path), 0);
	snprintf(path, sizeof(path), "%s/static-http/pipe", hs.dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	get("/static/dir/b", OK);
	get("/static/dir//b", OK);
	get("/static/dir", NOT_FOUND);
	get("/static/dir/", NOT_FOUND);
	get("/static/pipe", NOT_FOUND);
	get("/static/none", NOT_FOUND);
	get("/static/a/b", NOT_FOUND);
	get("/static/", "HTTP/1.1 403 Access Denied\r\n");
	get("/static", "HTTP/1.1 403 Access Denied\r\n");
	get("/static/../http.conf", "HTTP/1.1 403 ");
	get("/static/dir/../../http.conf", "HTTP/1.1 403 ");
	get("/static/%2e%2e/http.conf", "HTTP/1.1 403 ");
	get("/static/dir/%2e%2e%2f%2e%2e/http.conf", "HTTP/1.1 403 ");
	get("/static//http.conf", "HTTP/1.1 403 ");
	get("/static/%2fetc/passwd", "HTTP/1.1 403 ");
	get("/static/a%00.html", "HTTP/1.1 400 ");
	get("/static/link", "HTTP/1.1 403 ");
	get("/static/out/http.conf", NOT_FOUND);
	get("/static/dir/.hidden", "HTTP/1.1 403 ");
}

/* Longer than any queue, to a peer that is slow to take it. */
static void long_file(void **state)
{
	size_t n = 5u << 20, at;
	char *text = malloc(n + 1);
	struct peer p = dial_web();

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i % 23);
	text[n] = 0;
	http_file("long.bin", text);
	say(&p, "GET /static/long.bin HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 50; i++)
		world_turn(&t.w);
	for (int i = 0; i < 2000 && (p.in.n < n || !str_ends(buf_view(&p.in), str_z(text + n - 100))); i++) {
		struct pollfd pfd = { .fd = p.fd, .events = POLLIN };

		world_turn(&t.w);
		take(&p);
		poll(&pfd, 1, 10);
	}
	at = str_find(buf_view(&p.in), STR("\r\n\r\n")) + 4;
	assert_int_equal(p.in.n - at, n);
	assert_memory_equal(p.in.p + at, text, n);
	free(text);
	hang_up(&p);
}

/* Takes an answer so slowly that it lasts many times as long as a connection may be idle. */
static void slow_half_closed(void **state)
{
	size_t n = 6u << 20, got = 0;
	char *text = malloc(n + 1);
	struct peer p;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	text[n] = 0;
	http_file("long.bin", text);
	free(text);
	http_reload("enable_static=yes\nsession_inactivity=100000\nsession_keep_alive=1000\n");
	p = dial_web();
	say(&p, "GET /static/long.bin HTTP/1.1\r\n" HOST "\r\n");
	shutdown(p.fd, SHUT_WR);
	assert_true(hears(&p, OK));
	got = p.in.n;
	for (int i = 0; i < 3000 && got <= n; i++) {
		struct pollfd pfd = { .fd = p.fd, .events = POLLIN };
		char mem[32768];
		ssize_t k;

		k = recv(p.fd, mem, sizeof(mem), MSG_DONTWAIT);
		got += k > 0 ? (size_t)k : 0;
		if (!k && got <= n)
			fail_msg("it ended after %zu of %zu bytes", got, n);
		world_pass(&t.w, 300);
		poll(&pfd, 1, 1);
	}
	assert_true(got > n);
	assert_true(is_closed(&p));
	hang_up(&p);
}

/* Files that one answer holds whole are asked for until one waits on our side; then it may wait longer than an idle
 * connection may. */
static void slow_taker(void **state)
{
	size_t n = 60000, asked = 0;
	char *text = malloc(n + 1);
	struct net_counters s = { 0 };
	struct peer p;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	text[n] = 0;
	http_file("a", text);
	free(text);
	http_reload("enable_static=yes\nsession_inactivity=100000\nsession_keep_alive=1000\n");
	p = dial_web();
	do {
		say(&p, "GET /static/a HTTP/1.1\r\n" HOST "\r\n");
		asked++;
		for (int i = 0; i < 300; i++) {
			world_turn(&t.w);
			poll(NULL, 0, 1);
			net_count(hs.net, &s);
			if (s.tx_bytes >= asked * n)
				break;
		}
	} while (s.tx_bytes >= asked * n && asked < 300);
	world_pass(&t.w, 5000);
	for (int i = 0; i < 2000 && p.in.n < asked * n && !p.closed; i++) {
		world_turn(&t.w);
		take(&p);
		poll(NULL, 0, 1);
	}
	if (count(&p, OK) != asked)
		fail_msg("%u of %zu answers, %zu bytes, %s", count(&p, OK), asked, p.in.n, p.closed ? "closed" : "open");
	assert_true(p.in.n > asked * n);
	hang_up(&p);
}


/* A connection that has had an answer is none of those that say nothing. */
static void has_spoken(void **state)
{
	struct peer stays = dial_web();

	(void)state;
	for (int i = 0; i < 30; i++)
		get("/httpstatus", OK);
	hang_up(&stays);
}

/* Who goes away in the middle leaves nothing behind. */
static void leaves(void **state)
{
	struct peer p = dial_web();
	char *text = calloc(1, (4u << 20) + 1);

	(void)state;
	memset(text, 'x', 4u << 20);
	http_file("long.bin", text);
	free(text);
	say(&p, "GET /static/long.bin HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 20; i++)
		world_turn(&t.w);
	hang_up(&p);
	for (int i = 0; i < 2000 && web_connections(hs.web); i++) {
		world_turn(&t.w);
		poll(NULL, 0, 1);
	}
	assert_int_equal(web_connections(hs.web), 0);
}

/* ---- threads ---------------------------------------------------------------------------------------- */

static int up_threads(void **state)
{
	manager_up(state);
	http_up("enable_status=yes\nenable_static=yes\n", 1);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)
#define THREAD(f) { #f " (io thread)", f, up_threads, down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(faults), T(fault_closes), T(keeps_alive), T(pipelines), T(floods), T(bodies), T(half_closed), T(prefix_and_name),
		T(redirects), T(restrictions), T(session_limit), T(times), T(drips), T(status_page), T(files), T(types), T(no_escape),
		T(long_file), T(leaves), T(slow_taker), T(slow_half_closed), T(has_spoken), THREAD(faults), THREAD(keeps_alive), THREAD(pipelines), THREAD(floods), THREAD(bodies),
		THREAD(long_file), THREAD(leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
