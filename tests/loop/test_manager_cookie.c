/* Sessions of the manager that a cookie names: whose they are, and what they keep from others. */
#include "base/obj.h"
#include "http_stage.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

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

/* From another address of loopback. */
static struct peer dial_from(const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct peer p = { .fd = socket(AF_INET, SOCK_STREAM, 0) };

	assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
	assert_int_equal(bind(p.fd, (struct sockaddr *)&in, sizeof(in)), 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons(hs.port);
	assert_int_equal(connect(p.fd, (struct sockaddr *)&in, sizeof(in)), 0);
	fcntl(p.fd, F_SETFL, O_NONBLOCK);
	world_turn(&t.w);
	return p;
}

/* Who gave somebody a cookie has no part in what that one logs in to. */
static void fixation(void **state)
{
	struct peer p = web_get("/rawman?action=ping", "");
	char known[128], own[128];

	(void)state;
	web_cookie_of(&p, known, sizeof(known));
	web_get_on(&p, WEB_LOGIN, known);
	HAS(&p, "Authentication accepted");
	web_cookie_of(&p, own, sizeof(own));
	assert_string_not_equal(known, own);
	assert_int_equal(stream_peers(), 1);
	web_get_on(&p, "/rawman?action=ping", known);
	HAS(&p, "Permission denied");
	web_get_on(&p, "/rawman?action=ping", own);
	HAS(&p, "Ping: Pong");
	hang_up(&p);
}

/* Nor is he told the new one by a request that was on its way. */
static void fixation_meanwhile(void **state)
{
	struct peer p = web_get("/rawman?action=ping", ""), slow = dial_web();
	char known[128], request[256];

	(void)state;
	web_cookie_of(&p, known, sizeof(known));
	snprintf(request, sizeof(request), "GET /rawman?action=login&username=admin&secret=wrong HTTP/1.1\r\nHost: a\r\n%s\r\n", known);
	say(&slow, request);
	web_get_on(&p, WEB_LOGIN, known);
	HAS(&p, "Authentication accepted");
	world_pass(&t.w, 1100);
	assert_true(hears(&slow, "Authentication failed"));
	HAS_NOT(&slow, "Set-Cookie");
	hang_up(&slow);
	hang_up(&p);
}

static void set_manager(void)
{
	struct manager_conf *mc = NULL;

	assert_int_equal(manager_conf_parse(&mc, STR("[general]\nbindaddr=127.0.0.1\nenabled=yes\nwebenabled=yes\n[near]\nsecret=pw\n"
		"read=all\nwrite=all\ndeny=0.0.0.0/0\npermit=127.0.0.1/32\n"), NULL, NULL), 0);
	sa_set_port(&mc->listen, 0);
	assert_int_equal(manage_set_manager(t.m, mc, NULL), 0);
	obj_drop(mc);
}

#define NEAR_LOGIN "/rawman?action=login&username=near&secret=pw"

/* The address that counts is the one that logs in, not the one that the session was begun from. */
static void acl_of_login(void **state)
{
	struct peer p, far;
	char cookie[128], request[256];

	(void)state;
	set_manager();
	p = web_get("/rawman?action=ping", "");
	web_cookie_of(&p, cookie, sizeof(cookie));
	far = dial_from("127.0.0.2");
	snprintf(request, sizeof(request), "GET " NEAR_LOGIN " HTTP/1.1\r\nHost: a\r\n%s\r\n", cookie);
	say(&far, request);
	world_pass(&t.w, 1100);
	assert_true(hears(&far, "Authentication failed"));
	hang_up(&far);
	far = dial_from("127.0.0.2");
	web_get_on(&far, "/rawman?action=ping", "");
	web_cookie_of(&far, cookie, sizeof(cookie));
	web_get_on(&p, NEAR_LOGIN, cookie);
	HAS(&p, "Authentication accepted");
	hang_up(&far);
	hang_up(&p);
}

/* Strangers of HTTP, idle or served, take no place of those over TCP; nor the other way round. */
static void limits_apart(void **state)
{
	struct peer slow[3], p, tcp[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		slow[i] = dial_web();
		say(&slow[i], "GET /rawman?action=login&username=admin&secret=wrong HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	p = login("admin");
	hang_up(&p);
	world_pass(&t.w, 1100);
	for (int i = 0; i < 3; i++) {
		assert_true(hears(&slow[i], "Authentication failed"));
		hang_up(&slow[i]);
		tcp[i] = dial();
		assert_true(hears(&tcp[i], "Asterisk Call Manager"));
	}
	p = dial();
	assert_true(is_closed(&p));
	hang_up(&p);
	p = web_get(WEB_LOGIN, "");
	HAS(&p, "Authentication accepted");
	hang_up(&p);
	for (int i = 0; i < 3; i++)
		hang_up(&tcp[i]);
}

/* As over TCP when it asks for them: here by Login itself. */
static void events_at_login(void **state)
{
	struct peer p = web_get(WEB_LOGIN "&events=user", "");
	char cookie[128];

	(void)state;
	web_cookie_of(&p, cookie, sizeof(cookie));
	web_event("one");
	world_turn(&t.w);
	web_get_on(&p, "/rawman?action=ping", cookie);
	HAS(&p, "UserEvent: one\r\n");
	hang_up(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fixation), T(fixation_meanwhile), T(acl_of_login), T(limits_apart), T(events_at_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
