/* Fetching certificates, from a server of the test's on loopback: the limits, and that one slow server holds up
 * nobody else. */
#include "base/obj.h"
#include "service/stir/stir_curl.h"
#include "service/stir/stir_fetch.h"
#include "stir_stage.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct pki pki;
static struct loop *loop;
static struct stir_fetch *fetch;
static struct {
	pthread_t id;
	int fd, held[16];               /* connections that get no answer */
	size_t holds;
	uint16_t port;
	atomic_uint asked;
	char pem[8192];
} server;
static char order[64];                  /* first letters of the paths, as they were done */

/* ---- the server -------------------------------------------------------------------------------- */

static void answer(int fd, const char *request)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nexpires: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
		"Content-Length: 4\r\n\r\nbody";
	static const char redirect[] = "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n";
	static const char said_large[] = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n";
	char many[9000];

	memset(many, 'x', sizeof(many));
	if (strstr(request, "GET /pem")) {
		(void)!write(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
		(void)!write(fd, server.pem, strlen(server.pem));
	} else if (strstr(request, "GET /ok"))
		(void)!write(fd, ok, sizeof(ok) - 1);
	else if (strstr(request, "GET /redirect"))
		(void)!write(fd, redirect, sizeof(redirect) - 1);
	else if (strstr(request, "GET /large"))
		(void)!write(fd, said_large, sizeof(said_large) - 1);
	else if (strstr(request, "GET /endless")) {
		(void)!write(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
		(void)!write(fd, many, sizeof(many));
	} else if (strstr(request, "GET /headers")) {
		(void)!write(fd, "HTTP/1.1 200 OK\r\n", 17);
		for (int i = 0; i < 5; i++) {
			(void)!write(fd, "X: ", 3);
			(void)!write(fd, many, sizeof(many));
			(void)!write(fd, "\r\n", 2);
		}
	} else {
		(void)!write(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 45);
	}
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void *serve(void *arg)
{
	char request[2048];
	int fd;

	(void)arg;
	while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
		ssize_t n = read(fd, request, sizeof(request) - 1);

		atomic_fetch_add(&server.asked, 1);
		request[n > 0 ? n : 0] = 0;
		if (strstr(request, "GET /slow") && server.holds < ARRAY_LEN(server.held))
			server.held[server.holds++] = fd;
		else
			answer(fd, request);
	}
	return NULL;
}

static int setup_all(void **state)
{
	struct sa sa;
	socklen_t n = sizeof(sa);

	(void)state;
	pki_make(&pki);
	sa_parse(&sa, STR("127.0.0.1"));
	server.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server.fd, &sa.u.s, sa_len(&sa)), 0);
	assert_int_equal(listen(server.fd, 16), 0);
	assert_int_equal(getsockname(server.fd, &sa.u.s, &n), 0);
	server.port = sa_port(&sa);
	return pthread_create(&server.id, NULL, serve, NULL);
}

static int teardown_all(void **state)
{
	(void)state;
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.id, NULL);
	close(server.fd);
	for (size_t i = 0; i < server.holds; i++)
		close(server.held[i]);
	pki_free(&pki);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	loop = loop_new(clock_real());
	fetch = loop ? stir_fetch_new(loop) : NULL;
	memset(order, 0, sizeof(order));
	atomic_store(&server.asked, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stir_fetch_free(fetch);
	if (loop)
		loop_free(loop);
	return 0;
}

/* ---- jobs ------------------------------------------------------------------------------------------ */

static unsigned running;

static void done(struct stir_job *j)
{
	const char *path = strrchr(text_z(&j->url), '/');

	running--;
	if (path && strlen(order) + 1 < sizeof(order))
		order[strlen(order)] = path[1];
	if (!running)
		loop_stop(loop);
}

/* NULL: no memory. */
static struct stir_job *get(const char *path, struct stir_section *section)
{
	struct stir_job *j = stir_job_new(STIR_JOB_GET, section);
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", server.port, path);
	if (j && (!fetch || text_set(&j->url, str_z(path[0] == '/' ? url : path)) || stir_fetch_submit(fetch, j)))
		j = obj_drop(j);
	if (j) {
		j->done = done;
		running++;
	}
	return j;
}

static void turn(void)
{
	if (running)
		loop_run(loop);
}

/* A section that permits and waits as `text` says. */
static struct stir_section *section_of(const char *text)
{
	struct stir_conf_prm prm = { 0 };
	struct stir_section *x = NULL;
	struct stir_conf *c = NULL;

	if (!stir_conf_parse(&c, str_z(text), &prm, NULL)) {
		x = obj_hold(c->verification);
		obj_drop(c);
	}
	return x;
}

#define LOOPBACK "[verification]\nx5u_deny=0.0.0.0/0\nx5u_permit=127.0.0.0/8\n"

static void test_ok(void **state)
{
	struct stir_section *x = section_of(LOOPBACK);
	struct stir_job *j = get("/ok", x);

	(void)state;
	turn();
	if (j) {
		assert_int_equal(j->status, 200);
		assert_true(str_eq(buf_view(&j->body), STR("body")));
		assert_true(str_eq(text_view(&j->cache_control), STR("max-age=60")));
		assert_true(str_eq(text_view(&j->expires), STR("Tue, 14 Nov 2023 22:13:20 GMT")));
	}
	obj_drop(j);
	obj_drop(x);
}

static void test_refusals(void **state)
{
	static const struct { const char *path; long status; const char *why; } rows[] = {
		{ "/redirect", 302, NULL }, { "/none", 404, NULL }, { "/large", 0, "larger than 8192 bytes" },
		{ "/endless", 0, "larger than 8192 bytes" }, { "/headers", 0, NULL }, { "http://127.0.0.1:1/x", 0, NULL },
		{ "file:///etc/hostname", 0, NULL }, { "http://[::1]:1/x", 0, NULL },
	};
	struct stir_section *x = section_of(LOOPBACK);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stir_job *j = get(rows[i].path, x);

		turn();
		if (j && (j->status != rows[i].status || (rows[i].why && !strstr(j->why, rows[i].why)) || (!j->status && !j->why[0])))
			fail_msg("%s: %ld %s", rows[i].path, j->status, j->why);
		obj_drop(j);
	}
	obj_drop(x);
}

/* The address is judged, whatever the name in the URL: and no byte is sent. */
static void test_lists(void **state)
{
	struct stir_section *x = section_of("[verification]\n");
	char url[64];
	struct stir_job *j;

	(void)state;
	snprintf(url, sizeof(url), "http://localhost:%u/ok", server.port);
	j = x ? get(url, x) : NULL;
	turn();
	if (j) {
		assert_int_equal(j->status, 0);
		assert_non_null(strstr(j->why, "refuse"));
	}
	obj_drop(j);
	j = x ? get("/ok", x) : NULL;
	turn();
	if (j)
		assert_int_equal(j->status, 0);
	assert_int_equal(atomic_load(&server.asked), 0);
	obj_drop(j);
	obj_drop(x);
}

/* Those that were begun later are done while it says nothing; it is given up in its time. */
static void test_slow(void **state)
{
	struct stir_section *x = section_of(LOOPBACK "curl_timeout=1\n");
	struct stir_job *slow = x ? get("/slow", x) : NULL;
	struct stir_job *quick[5] = { 0 };

	(void)state;
	for (size_t i = 0; slow && i < ARRAY_LEN(quick); i++)
		quick[i] = get("/ok", x);
	turn();
	if (slow) {
		assert_int_equal(slow->status, 0);
		assert_int_equal(order[strlen(order) - 1], 's');
	}
	for (size_t i = 0; i < ARRAY_LEN(quick); i++) {
		if (quick[i])
			assert_int_equal(quick[i]->status, 200);
		obj_drop(quick[i]);
	}
	obj_drop(slow);
	obj_drop(x);
}

/* The end of the service does not wait for a server. */
static void test_given_up(void **state)
{
	struct stir_section *x = section_of(LOOPBACK "curl_timeout=600\n");
	struct stir_job *slow = x ? get("/slow", x) : NULL, *quick = slow ? get("/ok", x) : NULL;

	(void)state;
	if (slow && quick) {
		running--;      /* nobody waits for the slow one */
		turn();
		assert_string_equal(order, "o");
	}
	running = 0;
	stir_fetch_free(fetch);
	fetch = NULL;
	if (slow)
		assert_int_equal(obj_refs(slow), 1);
	obj_drop(slow);
	obj_drop(quick);
	obj_drop(x);
}

static struct stir_job *file(enum stir_job_kind kind, const char *name, const char *body)
{
	struct stir_job *j = stir_job_new(kind, NULL);

	if (!j)
		return NULL;
	buf_put(&j->body, str_z(body));
	if (!fetch || buf_err(&j->body) || text_set(&j->file, str_z(pki_path(&pki, name))) || stir_fetch_submit(fetch, j))
		return obj_drop(j);
	j->done = done;
	running++;
	return j;
}

static void test_files(void **state)
{
	struct stir_job *w = file(STIR_JOB_WRITE, "kept", "text"), *r, *x, *none, *dir;

	(void)state;
	r = w ? file(STIR_JOB_READ, "kept", "") : NULL;
	x = r ? file(STIR_JOB_REMOVE, "kept", "") : NULL;
	none = x ? file(STIR_JOB_READ, "kept", "") : NULL;
	dir = none ? file(STIR_JOB_WRITE, "no/such", "text") : NULL;
	turn();
	if (dir) {
		assert_int_equal(w->err, 0);
		assert_int_equal(r->err, 0);
		assert_true(str_eq(buf_view(&r->body), STR("text")));
		assert_int_equal(x->err, 0);
		assert_int_equal(none->err, ENOENT);
		assert_int_equal(dir->err, ENOENT);
	}
	obj_drop(w);
	obj_drop(r);
	obj_drop(x);
	obj_drop(none);
	obj_drop(dir);
	unlink(pki_path(&pki, "kept"));
}

/* A file that is no certificate of ours does not fill the memory. */
static void test_large_file(void **state)
{
	char large[STIR_BODY_MAX + 2];
	struct stir_job *r;

	(void)state;
	memset(large, 'x', sizeof(large));
	pki_put(&pki, "large", str_mk(large, sizeof(large)));
	r = file(STIR_JOB_READ, "large", "");
	turn();
	if (r)
		assert_int_equal(r->err, ENOBUFS);
	obj_drop(r);
}

static void test_bound(void **state)
{
	struct stir_job *j = NULL;
	int err = 0;

	(void)state;
	for (int i = 0; fetch && !err && i < STIR_FETCHES; i++) {
		obj_drop(j);
		j = stir_job_new(STIR_JOB_READ, NULL);
		err = j ? text_set(&j->file, STR("/nowhere")) : ENOMEM;
		err = err ? err : stir_fetch_submit(fetch, j);
	}
	if (fetch && !err)
		assert_int_equal(stir_fetch_submit(fetch, j), ENOBUFS);
	obj_drop(j);
}

static void test_now(void **state)
{
	struct stir_job *j = stir_job_new(STIR_JOB_GET, NULL);
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", server.port);
	if (j && !text_set(&j->url, str_z(url))) {
		stir_fetch_now(j);
		assert_int_equal(j->status, 200);
	}
	obj_drop(j);
}

/* At each load, when check_tn_cert_public_url says so. */
static bool loads(const char *check, const char *path, struct str pem)
{
	struct stir_conf_prm prm = { 0 };
	struct stir_conf *c = NULL;
	char text[512];
	bool there;

	str_copy(server.pem, sizeof(server.pem), pem);
	snprintf(text, sizeof(text), "[attestation]\ncheck_tn_cert_public_url=%s\npublic_cert_url=http://127.0.0.1:%u%s\n", check, server.port, path);
	if (stir_conf_parse(&c, str_z(text), &prm, NULL))
		fail();
	there = c->attestation != NULL;
	obj_drop(c);
	return there;
}

static void test_public_url(void **state)
{
	int64_t now = clock_wall_s(clock_real());
	struct leaf valid = { .from = now - 1000, .to = now + 1000 };
	char both[8192];
	FILE *f;
	size_t n;

	(void)state;
	pki_files(&pki, NULL);
	assert_true(loads("no", "/none", STR("")));
	assert_true(loads("yes", "/pem", pki_leaf(&pki, &valid)));
	assert_false(loads("yes", "/none", STR("")));
	assert_false(loads("yes", "/pem", STR("nothing")));
	assert_false(loads("yes", "/pem", pki_leaf(&pki, &(struct leaf){ 0 })));
	/* The key beside it. */
	str_copy(both, sizeof(both), pki_leaf(&pki, &valid));
	n = strlen(both);
	f = fopen(pki_path(&pki, "key.pem"), "r");
	assert_non_null(f);
	n += fread(both + n, 1, sizeof(both) - n, f);
	fclose(f);
	assert_false(loads("yes", "/pem", str_mk(both, n)));
}

static void test_header_lines(void **state)
{
	struct stir_job *j = stir_job_new(STIR_JOB_GET, NULL);

	(void)state;
	if (j && stir_curl_header(j, STR("HTTP/1.1 200 OK\r\n")) && stir_curl_header(j, STR("CACHE-control:  a , b \r\n"))) {
		assert_true(str_eq(text_view(&j->cache_control), STR("a , b")));
		assert_true(stir_curl_header(j, STR("\r\n")));
	}
	obj_drop(j);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ok), TEST(test_refusals), TEST(test_lists), TEST(test_slow), TEST(test_given_up), TEST(test_files),
		TEST(test_large_file), TEST(test_bound), TEST(test_now), TEST(test_public_url), TEST(test_header_lines),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
