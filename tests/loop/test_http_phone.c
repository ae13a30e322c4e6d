/* /phone/: where its files are looked for, what is said of them, and what cannot be had there. */
#include "http_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\n"
#define REFUSED "HTTP/1.1 403 Access Denied\r\n"

static int up(void **state)
{
	manager_up(state);
	http_up("", 0);
	return 0;
}

static int down(void **state)
{
	http_down();
	return manager_down(state);
}

static void make_dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", hs.dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* A page in directory `dir` of the data directory. */
static void build_page(const char *dir, const char *text)
{
	char name[128];

	make_dir(dir);
	snprintf(name, sizeof(name), "../%s/index.html", dir);
	http_file(name, text);
}

static void get(const char *target, const char *begins)
{
	struct peer p = web_get(target, "");

	if (!str_starts(buf_view(&p.in), str_z(begins)))
		fail_msg("%s gave\n%s", target, buf_z(&p.in));
	hang_up(&p);
}

static void not_built(void **state)
{
	struct peer p = web_get("/phone/", "");

	(void)state;
	HAS(&p, NOT_FOUND);
	HAS(&p, "make web");
	HAS(&p, "phone_directory");
	hang_up(&p);
	/* Built while the server runs: a file that is not there is only that. */
	build_page("phone", "<p>ring</p>");
	p = web_get("/phone/none.js", "");
	HAS(&p, NOT_FOUND);
	HAS_NOT(&p, "make web");
	hang_up(&p);
	get("/phone/", OK);
}

static void page(void **state)
{
	struct peer p, again;
	struct str tag;
	char lines[128];

	(void)state;
	build_page("phone", "<p>ring</p>");
	p = web_get("/phone/", "");
	HAS(&p, OK);
	HAS(&p, "Content-type: text/html; charset=utf-8\r\n");
	HAS(&p, "Content-Security-Policy: default-src 'self'; ");
	HAS(&p, "'wasm-unsafe-eval'");
	HAS(&p, "connect-src 'self' ws: wss:;");
	HAS(&p, "form-action 'none'");
	HAS(&p, "Referrer-Policy: no-referrer\r\n");
	HAS(&p, "X-Content-Type-Options: nosniff\r\n");
	assert_true(str_ends(buf_view(&p.in), STR("\r\n\r\n<p>ring</p>")));
	tag = str_skip(buf_view(&p.in), str_find(buf_view(&p.in), STR("ETag: ")) + 6);
	tag = str_sub(tag, 0, str_chr(tag, '\r'));
	snprintf(lines, sizeof(lines), "If-None-Match: %.*s\r\n", STR_ARG(tag));
	again = web_get("/phone/index.html", lines);
	HAS(&again, "HTTP/1.1 304 Not Modified\r\n");
	hang_up(&again);
	hang_up(&p);
}

static void types(void **state)
{
	static const char *const rows[][2] = { { "a.js", "text/javascript; charset=utf-8" }, { "a.css", "text/css; charset=utf-8" },
		{ "a.svg", "image/svg+xml" }, { "a", "application/octet-stream" }, { "a.exe", "application/octet-stream" } };

	(void)state;
	make_dir("phone");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[64], want[64], target[64];
		struct peer p;

		snprintf(name, sizeof(name), "../phone/%s", rows[i][0]);
		snprintf(target, sizeof(target), "/phone/%s", rows[i][0]);
		snprintf(want, sizeof(want), "Content-type: %s\r\n", rows[i][1]);
		http_file(name, "x");
		p = web_get(target, "");
		HAS(&p, want);
		hang_up(&p);
	}
}

static void slash_is_added(void **state)
{
	struct peer p = web_get("/phone?account=1003", "");

	(void)state;
	HAS(&p, "HTTP/1.1 302 Moved Temporarily\r\n");
	HAS(&p, "Location: /phone/?account=1003\r\n");
	hang_up(&p);
	http_reload("prefix=pbx\n");
	p = web_get("/pbx/phone", "");
	HAS(&p, "Location: /pbx/phone/\r\n");
	hang_up(&p);
}

static void no_escape(void **state)
{
	char path[256], to[128];

	(void)state;
	build_page("phone", "x");
	make_dir("phone/dir");
	http_file("../phone/dir/b.js", "y");
	http_file("../phone/.hidden", "y");
	snprintf(path, sizeof(path), "%s/phone/link", hs.dir);
	snprintf(to, sizeof(to), "%s/http.conf", hs.dir);
	assert_int_equal(symlink(to, path), 0);
	snprintf(path, sizeof(path), "%s/phone/out", hs.dir);
	assert_int_equal(symlink(hs.dir, path), 0);
	get("/phone/dir/b.js", OK);
	get("/phone/dir", NOT_FOUND);
	get("/phone/dir/", NOT_FOUND);
	get("/phone/../http.conf", REFUSED);
	get("/phone/dir/../../http.conf", REFUSED);
	get("/phone/%2e%2e/http.conf", REFUSED);
	get("/phone/%2E%2E%2Fhttp.conf", REFUSED);
	get("/phone/dir/%2e%2e%2f%2e%2e/http.conf", REFUSED);
	get("/phone//http.conf", REFUSED);
	get("/phone/%2fetc/passwd", REFUSED);
	get("/phone/.hidden", REFUSED);
	get("/phone/a%00.html", "HTTP/1.1 400 ");
	get("/phone/link", REFUSED);
	get("/phone/out/http.conf", NOT_FOUND);
	get("/phonebook", NOT_FOUND);
}

static void options(void **state)
{
	struct peer p;
	char lines[128];

	(void)state;
	build_page("phone", "here");
	build_page("other", "elsewhere");
	p = web_get("/phone/", "");
	HAS(&p, "here");
	hang_up(&p);
	snprintf(lines, sizeof(lines), "phone_directory=%s/other\n", hs.dir);
	http_reload(lines);
	p = web_get("/phone/", "");
	HAS(&p, "elsewhere");
	hang_up(&p);
	/* One that is named and not there is not replaced by another. */
	snprintf(lines, sizeof(lines), "phone_directory=%s/none\n", hs.dir);
	http_reload(lines);
	get("/phone/", NOT_FOUND);
	http_reload("enable_phone=no\n");
	p = web_get("/phone/", "");
	HAS(&p, NOT_FOUND);
	HAS_NOT(&p, "make web");
	hang_up(&p);
}

static void methods(void **state)
{
	struct peer p;

	(void)state;
	build_page("phone", "x");
	p = web_ask("HEAD /phone/ HTTP/1.1\r\nHost: a\r\n\r\n");
	HAS(&p, OK);
	HAS(&p, "Content-Length: 1\r\n\r\n");
	hang_up(&p);
	p = web_ask("POST /phone/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	HAS(&p, "HTTP/1.1 501 Not Implemented\r\n");
	hang_up(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(not_built), T(page), T(types), T(slash_is_added), T(no_escape), T(options), T(methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
