/* Where the server of HTTP listens, after one reload and another. */
#include "../unit/tls_stage.h"
#include "base/obj.h"
#include "http_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static int up(void **state)
{
	manager_up(state);
	http_up("enable_status=yes\n", 0);
	return 0;
}

static int down(void **state)
{
	http_down();
	return manager_down(state);
}

static void set_listen(struct http_conf *h, const char *address, uint16_t port)
{
	assert_int_equal(sa_parse(&h->listen, str_z(address)), 0);
	sa_set_port(&h->listen, port);
	web_set_conf(hs.web, h, hs.conf, NULL);
}

static void serves(const char *address, uint16_t port)
{
	struct sa at, want;
	struct peer p;

	assert_int_equal(sa_parse(&want, str_z(address)), 0);
	sa_set_port(&want, port);
	assert_true(web_bound(hs.web, false, &at));
	assert_true(sa_eq(&at, &want));
	p = web_get("/httpstatus", "");
	HAS(&p, "HTTP/1.1 200 OK\r\n");
	hang_up(&p);
}

/* The same port on all addresses, and back; and one that cannot be had leaves the old. */
static void same_port(void **state)
{
	struct http_conf one = *hs.conf->http, all = one, none = one;

	(void)state;
	set_listen(&all, "0.0.0.0", hs.port);
	serves("0.0.0.0", hs.port);
	set_listen(&one, "127.0.0.1", hs.port);
	serves("127.0.0.1", hs.port);
	set_listen(&none, "192.0.2.1", hs.port);
	serves("127.0.0.1", hs.port);
	http_reload("");
}

/* A certificate that could not be read is read by the next reload that finds it. */
static void late_certificate(void **state)
{
	const struct cert_prm good = { .cn = "a.example" };
	struct tls_context *first;
	struct tls_files f;
	char lines[256];

	(void)state;
	files_start(&f);
	write_cert(&f, "one", &good);
	snprintf(lines, sizeof(lines), "tlsenable=yes\ntlscertfile=%s/one.pem\ntlsprivatekey=%s/one.key\n", f.dir, f.dir);
	http_reload(lines);
	first = obj_hold(web_tls(hs.web));
	assert_non_null(first);
	snprintf(lines, sizeof(lines), "tlsenable=yes\ntlscertfile=%s/two.pem\ntlsprivatekey=%s/two.key\n", f.dir, f.dir);
	http_reload(lines);
	assert_ptr_equal(web_tls(hs.web), first);
	write_cert(&f, "two", &good);
	http_reload(lines);
	assert_ptr_not_equal(web_tls(hs.web), first);
	obj_drop(first);
	files_end(&f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(same_port), T(late_certificate) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
