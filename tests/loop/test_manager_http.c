/* The manager over HTTP: sessions, actions, long polls, formats, and who is kept out. */
#include "http_stage.h"
#include "pbx/devstate.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static int up(void **state)
{
	manager_up(state);
	http_up("enable_static=yes\n", 0);
	return 0;
}

static int down(void **state)
{
	http_down();
	return manager_down(state);
}

/* ---- sessions -------------------------------------------------------------------------------------- */

static void logs_in(void **state)
{
	char cookie[128];
	struct peer p = web_get("/rawman?action=ping", ""), other;

	(void)state;
	HAS(&p, "HTTP/1.1 200 OK\r\n");
	HAS(&p, "Response: Error\r\nMessage: Permission denied\r\n\r\n");
	hang_up(&p);
	p = web_get(WEB_LOGIN "&actionid=7", "");
	HAS(&p, "Content-type: text/plain\r\n");
	HAS(&p, "Pragma: SuppressEvents\r\n");
	HAS(&p, "; Version=1; Max-Age=60; HttpOnly; SameSite=Strict\r\n");
	assert_true(str_eq(web_body(&p), STR("Response: Success\r\nActionID: 7\r\nMessage: Authentication accepted\r\n\r\n")));
	web_cookie_of(&p, cookie, sizeof(cookie));
	/* The session is the cookie's, not the connection's. */
	web_get_on(&p, "/rawman?action=ping", "");
	HAS(&p, "Permission denied");
	other = web_get("/rawman?action=ping", cookie);
	HAS(&other, "Response: Success\r\nPing: Pong\r\n");
	web_get_on(&other, WEB_LOGIN, cookie);
	HAS(&other, "Already authenticated");
	web_get_on(&other, "/rawman?action=logoff", cookie);
	HAS(&other, "Response: Goodbye\r\nMessage: Thanks for all the fish.\r\n\r\n");
	HAS(&other, "Max-Age=0;");
	web_get_on(&other, "/rawman?action=ping", cookie);
	HAS(&other, "Permission denied");
	hang_up(&other);
	hang_up(&p);
}

static void by_form(void **state)
{
	struct peer p = dial_web();

	(void)state;
	web_say(&p, "POST /rawman?action=logoff HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: 41\r\n\r\nAction=Login&Username=admin&Secret=%70%77");
	HAS(&p, "Authentication accepted");
	/* Another kind of body says nothing, and nor does the address of a POST. */
	web_say(&p, "POST /rawman?action=logoff HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\naction=logoff");
	HAS(&p, "Message: Missing action in request\r\n");
	web_say(&p, "PUT /rawman HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	HAS(&p, "HTTP/1.1 501 Not Implemented\r\n");
	HAS(&p, "<p>Attempt to use unimplemented / unsupported method</p>");
	hang_up(&p);
}

static void refused(void **state)
{
	static const char *const logins[] = { "username=admin&secret=wrong", "username=nobody&secret=pw", "username=far&secret=pw",
		"username=admin", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
		struct peer p = dial_web();
		char request[256];

		snprintf(request, sizeof(request), "GET /rawman?action=login&%s HTTP/1.1\r\nHost: a\r\n\r\n", logins[i]);
		say(&p, request);
		world_pass(&t.w, 900);
		take(&p);
		assert_int_equal(p.in.n, 0);
		world_pass(&t.w, 200);
		assert_true(hears(&p, "Response: Error\r\nMessage: Authentication failed\r\n\r\n"));
		HAS(&p, "HTTP/1.1 200 OK\r\n");
		HAS_NOT(&p, "pw");
		hang_up(&p);
	}
	assert_int_equal(stream_peers(), 0);
}

static void needs_privilege(void **state)
{
	struct peer p = web_get("/rawman?action=login&username=few&secret=pw", "");
	char cookie[128];

	(void)state;
	web_cookie_of(&p, cookie, sizeof(cookie));
	web_get_on(&p, "/rawman?action=command&command=core+show+uptime", cookie);
	HAS(&p, "Message: Permission denied\r\n");
	web_get_on(&p, "/rawman?action=userevent&userevent=x", cookie);
	HAS(&p, "Message: Event Sent\r\n");
	web_get_on(&p, "/rawman?action=nonsense", cookie);
	HAS(&p, "Message: Invalid/unknown command: nonsense. Use Action: ListCommands to show available commands.\r\n");
	hang_up(&p);
}

/* httptimeout; five seconds for who has not logged in. */
static void expires(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie)), strange;

	(void)state;
	hang_up(&p);
	strange = web_get("/rawman?action=ping", "");
	hang_up(&strange);
	assert_int_equal(stream_peers(), 2);
	world_pass(&t.w, 5100);
	assert_int_equal(stream_peers(), 1);
	world_pass(&t.w, 54000);
	p = web_get("/rawman?action=ping", cookie);
	HAS(&p, "Ping: Pong");
	hang_up(&p);
	world_pass(&t.w, 59900);
	assert_int_equal(stream_peers(), 1);
	world_pass(&t.w, 200);
	assert_int_equal(stream_peers(), 0);
}

/* Strangers of HTTP make room for one another; those whose request is served do not. */
static void auth_limit(void **state)
{
	struct peer slow[4], p;

	(void)state;
	for (int i = 0; i < 10; i++) {
		p = web_get("/rawman?action=ping", "");
		HAS(&p, "Permission denied");
		hang_up(&p);
	}
	assert_int_equal(stream_peers(), 3);
	for (int i = 0; i < 4; i++) {
		slow[i] = dial_web();
		say(&slow[i], "GET /rawman?action=login&username=admin&secret=wrong HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	assert_true(hears(&slow[3], "HTTP/1.1 503 Service Unavailable\r\n"));
	world_pass(&t.w, 1100);
	for (int i = 0; i < 3; i++)
		assert_true(hears(&slow[i], "Authentication failed"));
	for (int i = 0; i < 4; i++)
		hang_up(&slow[i]);
}

static void set_manager(const char *lines)
{
	struct manager_conf *mc = NULL;
	struct buf b = BUF_INIT;

	buf_puts(&b, STR("[general]\nbindaddr=127.0.0.1\n"), str_z(lines), STR("[admin]\nsecret=pw\nread=all\nwrite=all\n"));
	assert_int_equal(manager_conf_parse(&mc, buf_view(&b), NULL, NULL), 0);
	buf_free(&b);
	sa_set_port(&mc->listen, 0);
	assert_int_equal(manage_set_manager(t.m, mc, NULL), 0);
	obj_drop(mc);
}

/* httptimeout: of the session, its cookie and the longest wait. */
static void own_timeout(void **state)
{
	char cookie[128];
	struct peer p;

	(void)state;
	set_manager("enabled=yes\nwebenabled=yes\nhttptimeout=20\n");
	p = web_enter(cookie, sizeof(cookie));
	HAS(&p, "Max-Age=20;");
	buf_reset(&p.in);
	{
		char request[256];

		snprintf(request, sizeof(request), "GET /rawman?action=waitevent HTTP/1.1\r\nHost: a\r\n%s\r\n", cookie);
		say(&p, request);
	}
	world_pass(&t.w, 9900);
	take(&p);
	assert_int_equal(p.in.n, 0);
	world_pass(&t.w, 200);
	assert_true(hears(&p, "WaitEventComplete"));
	hang_up(&p);
	world_pass(&t.w, 19800);
	assert_int_equal(stream_peers(), 1);
	world_pass(&t.w, 400);
	assert_int_equal(stream_peers(), 0);
}

static void switched_off(void **state)
{
	struct peer p;

	(void)state;
	set_manager("enabled=no\nwebenabled=yes\n");
	p = web_get(WEB_LOGIN, "");
	HAS(&p, "HTTP/1.1 404 Not Found\r\n");
	hang_up(&p);
	set_manager("enabled=yes\nwebenabled=no\n");
	p = web_get(WEB_LOGIN, "");
	HAS(&p, "HTTP/1.1 404 Not Found\r\n");
	HAS(&p, "<p>The requested URL was not found on this server.</p>");
	web_get_on(&p, "/arawman", "");
	HAS(&p, "HTTP/1.1 404 Not Found\r\n");
	hang_up(&p);
}

/* Too many lines are told as over TCP, their length is bound by the request, and an end of line in a value is none. */
static void bad_messages(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));
	struct buf b = BUF_INIT;

	(void)state;
	buf_put(&b, STR("/rawman?action=ping&x="));
	for (int i = 0; i < 5000; i++)
		buf_char(&b, 'x');
	web_get_on(&p, buf_z(&b), cookie);
	HAS(&p, "Ping: Pong");
	buf_reset(&b);
	buf_put(&b, STR("/rawman?action=ping"));
	for (int i = 0; i < 140; i++)
		buf_put(&b, STR("&a=b"));
	web_get_on(&p, buf_z(&b), cookie);
	HAS(&p, "Too many lines in message or allocation failure");
	web_get_on(&p, "/rawman?action=ping&actionid=1%0d%0aAction:%20Logoff%0d%0a%0d%0a", cookie);
	HAS(&p, "ActionID: 1  Action: Logoff");
	HAS(&p, "Pong");
	buf_free(&b);
	hang_up(&p);
}

/* ---- events ----------------------------------------------------------------------------------------- */

/* What happened in between comes behind the next answer, unless it is not wanted. */
static void keeps_events(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));

	(void)state;
	web_event("none yet");
	world_turn(&t.w);
	web_get_on(&p, "/rawman?action=events&eventmask=on", cookie);
	HAS_NOT(&p, "UserEvent");
	web_event("one");
	world_turn(&t.w);
	web_get_on(&p, "/rawman?action=ping&SuppressEvents=yes", cookie);
	HAS_NOT(&p, "UserEvent");
	web_get_on(&p, "/rawman?action=ping", cookie);
	HAS(&p, "Event: UserEvent\r\n");
	HAS(&p, "UserEvent: one\r\n");
	assert_true(str_find(buf_view(&p.in), STR("Pong")) < str_find(buf_view(&p.in), STR("Event: UserEvent")));
	web_get_on(&p, "/rawman?action=ping", cookie);
	HAS_NOT(&p, "UserEvent");
	hang_up(&p);
}

static void ask_wait(struct peer *p, const char *cookie, const char *timeout)
{
	char request[256];

	buf_reset(&p->in);
	snprintf(request, sizeof(request), "GET /rawman?action=waitevent%s HTTP/1.1\r\nHost: a\r\n%s\r\n", timeout, cookie);
	say(p, request);
}

static void long_poll(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));

	(void)state;
	ask_wait(&p, cookie, "&timeout=20");
	world_pass(&t.w, 5000);
	take(&p);
	assert_int_equal(p.in.n, 0);
	web_event("now");
	assert_true(hears(&p, "Event: WaitEventComplete\r\n"));
	assert_true(str_starts(web_body(&p), STR("Response: Success\r\nMessage: Waiting for Event completed.\r\n\r\nEvent: UserEvent\r\n")));
	HAS(&p, "UserEvent: now\r\n");
	/* Its time is over. */
	ask_wait(&p, cookie, "&timeout=20");
	world_pass(&t.w, 19900);
	take(&p);
	assert_int_equal(p.in.n, 0);
	world_pass(&t.w, 200);
	assert_true(hears(&p, "WaitEventComplete"));
	HAS_NOT(&p, "UserEvent");
	/* As long as the session lives, less ten seconds. */
	ask_wait(&p, cookie, "");
	world_pass(&t.w, 49900);
	take(&p);
	assert_int_equal(p.in.n, 0);
	world_pass(&t.w, 200);
	assert_true(hears(&p, "WaitEventComplete"));
	hang_up(&p);
}

/* Of two that wait in one session the newer gets what comes, and other actions pass meanwhile. */
static void newest_waits(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie)), second = dial_web(), third;

	(void)state;
	ask_wait(&p, cookie, "&timeout=40");
	ask_wait(&second, cookie, "&timeout=40");
	assert_true(hears(&p, "WaitEventComplete"));
	third = web_get("/rawman?action=ping&suppressevents=y", cookie);
	HAS(&third, "Pong");
	take(&second);
	assert_int_equal(second.in.n, 0);
	web_event("late");
	assert_true(hears(&second, "UserEvent: late\r\n"));
	hang_up(&third);
	hang_up(&second);
	hang_up(&p);
}

/* Who waits and goes away: the session stays, and its request does not. */
static void poller_leaves(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));

	(void)state;
	ask_wait(&p, cookie, "&timeout=40");
	hang_up(&p);
	world_pass(&t.w, 2100);
	assert_int_equal(web_connections(hs.web), 0);
	p = web_get("/rawman?action=command&command=manager+show+connected", cookie);
	HAS(&p, "127.0.0.1");
	HAS(&p, "  -1        1         ");
	hang_up(&p);
}

/* ---- long answers ------------------------------------------------------------------------------------ */

static void long_list(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "Custom:long-name-%d", i);
		assert_int_equal(device_set_custom(t.w.pbx, str_z(name), DEV_BUSY), 0);
	}
	world_turn(&t.w);
	web_get_on(&p, "/rawman?action=devicestatelist&suppressevents=y", cookie);
	HAS(&p, "Transfer-Encoding: chunked\r\n");
	assert_int_equal(count(&p, "Event: DeviceStateChange\r\n") >= 2000, 1);
	HAS(&p, "EventList: Complete\r\n");
	assert_true(str_ends(buf_view(&p.in), STR("\r\n0\r\n\r\n")));
	/* To a client of HTTP/1.0 its end is that of the connection. */
	web_get_on(&p, "/rawman?action=ping", cookie);
	HAS(&p, "Pong");
	hang_up(&p);
	p = dial_web();
	{
		char request[256];

		snprintf(request, sizeof(request), "GET /mxml?action=devicestatelist HTTP/1.0\r\n%s\r\n", cookie);
		web_say(&p, request);
	}
	HAS_NOT(&p, "chunked");
	assert_true(str_ends(buf_view(&p.in), STR("</ajax-response>\n")));
	hang_up(&p);
}

/* ---- formats ------------------------------------------------------------------------------------------- */

static void xml(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));

	(void)state;
	web_get_on(&p, "/mxml?action=ping&actionid=%3Ca%3E%27", cookie);
	HAS(&p, "Content-type: text/xml\r\n");
	assert_true(str_starts(web_body(&p), STR("<ajax-response>\n<response type='object' id='unknown'><generic response='Success' "
					     "actionid='&lt;a&gt;&apos;' ping='Pong' timestamp='")));
	assert_true(str_ends(web_body(&p), STR("' /></response>\n</ajax-response>\n")));
	web_get_on(&p, "/mxml?action=command&command=core+show+version&ajaxdest=x%27y&ajaxobjtype=thing", cookie);
	HAS(&p, "<response type='object' id='x&apos;y'><thing response='Success' ");
	web_get_on(&p, "/mxml?action=nonsense&ajaxobjtype=a%3Cb", cookie);
	HAS(&p, "<generic response='Error' message='Invalid/unknown command: nonsense. Use Action: ListCommands to show available "
	    "commands.' /></response>");
	web_get_on(&p, "/mxml?action=command&command=manager+show+users", cookie);
	HAS(&p, " output-2='");
	hang_up(&p);
}

static void html(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));

	(void)state;
	web_get_on(&p, "/manager", cookie);
	HAS(&p, "Content-type: text/html\r\n");
	HAS(&p, "<form method=\"post\">");
	HAS(&p, "<tr><td>Message</td><td>Missing action in request</td></tr>");
	HAS(&p, "frame-ancestors 'none'");
	web_get_on(&p, "/manager?action=ping&actionid=%3Cscript%3E", cookie);
	HAS(&p, "<tr><td>ActionID</td><td>&lt;script&gt;</td></tr>");
	hang_up(&p);
}

/* ---- pages of others ------------------------------------------------------------------------------------ */

static void asked(const char *lines, const char *status)
{
	struct peer p = web_get("/rawman?action=ping", lines);

	HAS(&p, status);
	hang_up(&p);
}

static void other_sites(void **state)
{
	struct peer p;

	(void)state;
	asked("Origin: http://a\r\n", "200 OK");
	asked("Origin: http://A\r\nSec-Fetch-Site: same-origin\r\n", "200 OK");
	asked("Origin: https://a\r\n", "403 Forbidden");
	asked("Origin: http://a:80\r\n", "403 Forbidden");
	asked("Origin: http://evil.example\r\n", "403 Forbidden");
	asked("Origin: null\r\n", "403 Forbidden");
	asked("Origin: http://a\r\nOrigin: http://evil.example\r\n", "403 Forbidden");
	asked("Sec-Fetch-Site: cross-site\r\n", "403 Forbidden");
	asked("Sec-Fetch-Site: same-site\r\n", "403 Forbidden");
	asked("Sec-Fetch-Site: none\r\n", "200 OK");
	asked("Origin: https://ours.example\r\nSec-Fetch-Site: cross-site\r\n", "Access-Control-Allow-Origin: https://ours.example\r\n");
	/* A link to the form is no harm. */
	p = web_get("/manager", "Sec-Fetch-Site: cross-site\r\n");
	HAS(&p, "200 OK");
	web_say(&p, "POST /arawman HTTP/1.1\r\nHost: a\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n");
	HAS(&p, "403 Forbidden");
	hang_up(&p);
}

/* ---- the rest ------------------------------------------------------------------------------------------------ */

static void private_files(void **state)
{
	char cookie[128], path[128];
	struct peer p;

	(void)state;
	snprintf(path, sizeof(path), "mkdir '%s/static-http/private'", hs.dir);
	assert_int_equal(system(path), 0);
	http_file("private/a.txt", "secret text");
	p = web_get("/static/private/a.txt", "");
	HAS(&p, "403 Access Denied");
	hang_up(&p);
	p = web_enter(cookie, sizeof(cookie));
	web_get_on(&p, "/static/private/a.txt", cookie);
	HAS(&p, "secret text");
	hang_up(&p);
}

static void shows_status(void **state)
{
	char cookie[128];
	struct peer p;

	(void)state;
	http_reload("enable_status=yes\nenable_static=yes\nprefix=x\nredirect=/ /x/static/a\n[/a]\ntype=restriction\n");
	p = login("admin");
	ask(&p, "Action: Command\r\nCommand: http show status");
	HAS(&p, "Output: HTTP Server Status:\r\nOutput: Prefix: /x\r\nOutput: Server: Asterisk/");
	HAS(&p, "Output: Server Enabled and Bound to 127.0.0.1:");
	HAS(&p, "Output: Enabled URI's:\r\nOutput: /x/httpstatus => Asterisk HTTP General Status\r\nOutput: /x/amanager => ");
	HAS(&p, "Output: /x/static/... => Asterisk HTTP Static Delivery\r\n");
	HAS(&p, "Output: /x/mxml => XML Manager Event Interface\r\n");
	HAS(&p, "Output: Enabled Redirects:\r\nOutput:   / => /x/static/a\r\n");
	HAS(&p, "Output: Path Restrictions:\r\nOutput:   Path: /a\r\nOutput:     No ACL configured\r\n");
	ask(&p, "Action: CoreSettings");
	HAS(&p, "CoreHTTPenabled: Yes\r\n");
	hang_up(&p);
	p = web_get("/x" WEB_LOGIN, "");
	web_cookie_of(&p, cookie, sizeof(cookie));
	HAS(&p, "Authentication accepted");
	hang_up(&p);
}

/* The end of the program in the middle of a long poll. */
static void stops(void **state)
{
	char cookie[128];
	struct peer p = web_enter(cookie, sizeof(cookie));

	(void)state;
	ask_wait(&p, cookie, "&timeout=40");
	manage_stop(t.m);
	world_turn(&t.w);
	take(&p);
	HAS(&p, "200 OK");
	hang_up(&p);
	start_manage();
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(logs_in), T(by_form), T(refused), T(needs_privilege), T(expires), T(auth_limit), T(own_timeout), T(switched_off), T(bad_messages),
		T(keeps_events), T(long_poll), T(newest_waits), T(poller_leaves), T(long_list), T(xml), T(html), T(other_sites),
		T(private_files), T(shows_status), T(stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
