/* The manager over HTTP with digest credentials. */
#include "http_stage.h"
#include "service/service.h"
#include "sip/digest.h"
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

struct credentials {
	const char *user, *secret, *method, *target;
	unsigned nc;
};

/* An Authorization line for what the last answer asks for. */
static void answer_challenge(const char *www, const struct credentials *k, char *line, size_t n)
{
	struct digest_fields f;
	struct digest_answer_prm prm = { .challenge = &f, .alg = DIGEST_MD5, .username = str_z(k->user), .password = str_z(k->secret),
		.method = str_z(k->method), .uri = str_z(k->target), .nc = k->nc };
	struct buf b = BUF_INIT;

	assert_int_equal(digest_parse(&f, str_z(www)), 0);
	assert_int_equal(digest_answer(t.svc->digest, &prm, &b), 0);
	snprintf(line, n, "Authorization: %s\r\n", buf_z(&b));
	buf_free(&b);
}

static void challenge_of(const struct peer *p, char *www, size_t n)
{
	struct str s = str_skip(buf_view(&p->in), str_find(buf_view(&p->in), STR("WWW-authenticate: ")) + 18);

	assert_true(s.n > 0);
	snprintf(www, n, "%.*s", (int)str_chr(s, '\r'), s.p);
}

#define PING "/arawman?action=ping"

static void by_digest(void **state)
{
	struct credentials k = { "admin", "pw", "GET", PING, 1 };
	struct peer p = web_get(PING, "");
	char www[512], line[1024];

	(void)state;
	HAS(&p, "HTTP/1.1 401 Unauthorized\r\n");
	HAS(&p, "WWW-authenticate: Digest ");
	HAS(&p, "realm=\"asterisk\"");
	HAS(&p, "algorithm=MD5");
	HAS(&p, "qop=\"auth\"");
	challenge_of(&p, www, sizeof(www));
	answer_challenge(www, &k, line, sizeof(line));
	web_get_on(&p, PING, line);
	HAS(&p, "200 OK");
	HAS(&p, "Ping: Pong");
	HAS_NOT(&p, "Set-Cookie");
	assert_int_equal(stream_peers(), 1);
	/* The same credentials once more: somebody else may have heard them. */
	web_get_on(&p, PING, line);
	HAS(&p, "401 Unauthorized");
	HAS(&p, "stale=true");
	challenge_of(&p, www, sizeof(www));
	/* One session under the new nonce, with the events that came. */
	web_event("between");
	world_turn(&t.w);
	answer_challenge(www, &k, line, sizeof(line));
	web_get_on(&p, PING, line);
	HAS(&p, "UserEvent: between\r\n");
	assert_int_equal(stream_peers(), 1);
	k.nc = 2;
	k.target = "/amxml?action=logoff";
	answer_challenge(www, &k, line, sizeof(line));
	web_get_on(&p, "/amxml?action=logoff", line);
	HAS(&p, "<generic response='Goodbye'");
	assert_int_equal(stream_peers(), 0);
	hang_up(&p);
}

static void refuse_digest(const struct credentials *k, const char *want)
{
	struct peer p = web_get(PING, "");
	char www[512], line[1024], request[1500];

	challenge_of(&p, www, sizeof(www));
	answer_challenge(www, k, line, sizeof(line));
	snprintf(request, sizeof(request), "GET " PING " HTTP/1.1\r\nHost: a\r\n%s\r\n", line);
	buf_reset(&p.in);
	say(&p, request);
	world_pass(&t.w, 900);
	take(&p);
	assert_int_equal(p.in.n, 0);
	world_pass(&t.w, 200);
	if (!hears(&p, want))
		fail_msg("%s: %s", want, buf_z(&p.in));
	HAS_NOT(&p, "Pong");
	assert_int_equal(stream_peers(), 0);
	hang_up(&p);
}

static void digest_refused(void **state)
{
	struct peer p;

	(void)state;
	refuse_digest(&(struct credentials){ "admin", "wrong", "GET", PING, 1 }, "401 Unauthorized");
	refuse_digest(&(struct credentials){ "nobody", "pw", "GET", PING, 1 }, "401 Unauthorized");
	refuse_digest(&(struct credentials){ "admin", "pw", "POST", PING, 1 }, "401 Unauthorized");
	refuse_digest(&(struct credentials){ "admin", "pw", "GET", "/arawman?action=logoff", 1 }, "401 Unauthorized");
	refuse_digest(&(struct credentials){ "far", "pw", "GET", PING, 1 }, "403 Permission denied");
	p = web_get(PING, "Authorization: Basic YWRtaW46cHc=\r\n");
	HAS(&p, "401 Unauthorized");
	hang_up(&p);
}

/* A nonce that we never made does not serve, whatever is right about the rest. */
static void digest_own_nonce(void **state)
{
	struct credentials k = { "admin", "pw", "GET", PING, 1 };
	struct peer p = dial_web();
	char line[1024];

	(void)state;
	answer_challenge("Digest realm=\"asterisk\",nonce=\"00112233\",algorithm=MD5,qop=\"auth\"", &k, line, sizeof(line));
	web_get_on(&p, PING, line);
	HAS(&p, "401 Unauthorized");
	HAS_NOT(&p, "stale");
	hang_up(&p);
}

static void digest_ages(void **state)
{
	struct credentials k = { "admin", "pw", "GET", PING, 1 };
	struct peer p = web_get(PING, "");
	char www[512], line[1024];

	(void)state;
	challenge_of(&p, www, sizeof(www));
	answer_challenge(www, &k, line, sizeof(line));
	hang_up(&p);
	world_pass(&t.w, 61500);
	p = web_get(PING, line);
	HAS(&p, "401 Unauthorized");
	HAS(&p, "stale=true");
	hang_up(&p);
}

/* A page elsewhere may make a browser ask, which adds the password; over plain HTTP it does not say whose page it is. */
static void digest_browsers(void **state)
{
	static const struct { const char *lines, *want; } rows[] = {
		{ "User-Agent: Mozilla/5.0 (X11)\r\n", "403 Forbidden" },
		{ "User-Agent: Mozilla/5.0 (X11)\r\nReferer: http://evil.example/x\r\n", "403 Forbidden" },
		{ "User-Agent: Mozilla/5.0 (X11)\r\nReferer: http://a.evil.example/\r\n", "403 Forbidden" },
		{ "User-Agent: curl/8\r\nReferer: http://evil.example/x\r\n", "403 Forbidden" },
		{ "User-Agent: Mozilla/5.0 (X11)\r\nReferer: http://a/amanager\r\n", "401 Unauthorized" },
		{ "User-Agent: Mozilla/5.0 (X11)\r\nReferer: https://ours.example/\r\n", "401 Unauthorized" },
		{ "User-Agent: Mozilla/5.0 (X11)\r\nOrigin: http://a\r\n", "401 Unauthorized" },
		{ "User-Agent: Mozilla/5.0 (X11)\r\nSec-Fetch-Site: none\r\n", "401 Unauthorized" },
		{ "User-Agent: curl/8\r\n", "401 Unauthorized" },
	};
	struct peer p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		p = web_get(PING, rows[i].lines);
		HAS(&p, rows[i].want);
		hang_up(&p);
	}
	/* The form itself does nothing. */
	p = web_get("/amanager", rows[0].lines);
	HAS(&p, "401 Unauthorized");
	/* A cookie of ours does not come along from elsewhere. */
	web_get_on(&p, "/rawman?action=ping", rows[0].lines);
	HAS(&p, "200 OK");
	web_get_on(&p, "/rawman?action=ping", rows[1].lines);
	HAS(&p, "403 Forbidden");
	hang_up(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(by_digest), T(digest_refused), T(digest_own_nonce), T(digest_ages), T(digest_browsers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
