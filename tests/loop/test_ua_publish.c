/* A publication of ours, alone on a fake wire: what a compositor sees of it, and what its user
 * is told (RFC 3903). */
#include "ua_net.h"
#include "ua/publish.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct {
	struct ua_net n;
	struct ua_publish *p;
	struct ua_publish_event last;
	unsigned told, lost;
	bool free_then;                 /* the user ends it all when it is told */
} w;

static void changed(void *arg, struct ua_publish *p, const struct ua_publish_event *e)
{
	(void)arg;
	w.last = *e;
	w.told++;
	if (w.free_then) {
		ua_publish_free(p);
		w.p = NULL;
	}
}

static void say(const char *key, const char *body)
{
	assert_int_equal(ua_publish_send(w.p, str_z(key), STR("text/plain"), str_z(body)), 0);
	link_run(&w.n.l, 5);
}

static void lost(void *arg, struct ua_publish *p)
{
	(void)arg;
	(void)p;
	w.lost++;
	assert_int_equal(ua_publish_send(w.p, STR("one"), STR("text/plain"), STR("all of one")), 0);
	assert_int_equal(ua_publish_send(w.p, STR("two"), STR("text/plain"), STR("all of two")), 0);
}

static struct ua_publish_prm prm(void)
{
	return (struct ua_publish_prm){ .target = STR("sip:alice@192.0.2.2"), .from = STR("sip:alice@from.example"),
		.to = STR("sip:alice@to.example"), .user_agent = STR("Tester"), .event = STR("presence"), .max_forwards = 70,
		.expires_s = 100, .max_challenges = 5, .retry_s = 5, .retry_most_s = 20, .credentials = ua_net_credentials,
		.credentials_arg = &w.n, .changed = changed };
}

static int setup(void **state)
{
	struct ua_publish_prm p = prm();

	(void)state;
	memset(&w, 0, sizeof(w));
	ua_net_open(&w.n);
	assert_int_equal(ua_publish_new(&w.p, &w.n.ua, &p), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ua_publish_free(w.p);
	return ua_net_close(&w.n);
}

static void pass(uint64_t seconds)
{
	link_run(&w.n.l, seconds * 1000);
}

static unsigned requests(void)
{
	return w.n.l.b.requests;
}

static const char *header(const char *name)
{
	static char room[256];

	return str_copy(room, sizeof(room), sip_hdr_named(w.n.l.b.msg, str_z(name), 0) ?
			sip_hdr_named(w.n.l.b.msg, str_z(name), 0)->value : STR_NULL);
}

static const char *body(void)
{
	static char room[256];

	return str_copy(room, sizeof(room), w.n.l.b.msg->body);
}

static void life(void **state)
{
	char call_id[128];

	(void)state;
	say("", "open");
	assert_int_equal(requests(), 1);
	assert_int_equal(w.n.l.b.msg->method, SIP_PUBLISH);
	assert_string_equal(header("Event"), "presence");
	assert_string_equal(header("Expires"), "100");
	assert_string_equal(header("To"), "<sip:alice@to.example>");
	assert_true(str_istarts(str_z(header("From")), STR("<sip:alice@from.example>;tag=")));
	assert_string_equal(header("Content-Type"), "text/plain");
	assert_string_equal(header("SIP-If-Match"), "");
	assert_string_equal(header("User-Agent"), "Tester");
	assert_string_equal(body(), "open");
	str_copy(call_id, sizeof(call_id), w.n.l.b.msg->call_id);
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\nExpires: 60\r\n");
	assert_int_equal(w.last.state, UA_PUBLISH_PUBLISHED);
	assert_int_equal(w.last.seconds, 60);
	assert_true(str_eq(ua_publish_etag(w.p), STR("a1")));
	/* Ten seconds before its end it is renewed, without a body (4.1 (2)). */
	pass(49);
	assert_int_equal(requests(), 1);
	pass(2);
	assert_int_equal(requests(), 2);
	assert_string_equal(header("SIP-If-Match"), "a1");
	assert_string_equal(body(), "");
	assert_true(str_eq(w.n.l.b.msg->call_id, str_z(call_id)));
	assert_int_equal(w.n.l.b.msg->cseq, 2);
	ua_net_answer(&w.n, 200, "SIP-ETag: a2\r\nExpires: 60\r\n");
	say("", "closed");
	assert_string_equal(header("SIP-If-Match"), "a2");
	assert_string_equal(body(), "closed");
	ua_net_answer(&w.n, 200, "SIP-ETag: a3\r\nExpires: 60\r\n");
	assert_int_equal(ua_publish_end(w.p), 0);
	link_run(&w.n.l, 5);
	assert_int_equal(requests(), 4);
	assert_string_equal(header("Expires"), "0");
	assert_string_equal(header("SIP-If-Match"), "a3");
	assert_string_equal(body(), "");
	ua_net_answer(&w.n, 200, "");
	assert_int_equal(w.last.state, UA_PUBLISH_IDLE);
	pass(4000);
	assert_int_equal(requests(), 4);
}

/* While one is under way the newest of each key waits, and goes after it. */
static void merged(void **state)
{
	(void)state;
	say("one", "1a");
	say("one", "1b");
	say("two", "2a");
	say("one", "1c");
	assert_int_equal(requests(), 1);
	assert_string_equal(body(), "1a");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\n");
	assert_string_equal(body(), "1c");
	ua_net_answer(&w.n, 200, "SIP-ETag: a2\r\n");
	assert_string_equal(body(), "2a");
	assert_string_equal(header("SIP-If-Match"), "a2");
	ua_net_answer(&w.n, 200, "SIP-ETag: a3\r\n");
	assert_int_equal(requests(), 3);
	assert_int_equal(w.told, 3);
}

static void forgotten(void **state)
{
	(void)state;
	say("", "open");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\nExpires: 60\r\n");
	pass(51);
	ua_net_answer(&w.n, 412, "");
	link_run(&w.n.l, 5);
	assert_int_equal(requests(), 3);
	assert_string_equal(header("SIP-If-Match"), "");
	assert_string_equal(body(), "open");
	ua_net_answer(&w.n, 200, "SIP-ETag: b1\r\nExpires: 60\r\n");
	/* A change that meets the same. */
	say("", "closed");
	ua_net_answer(&w.n, 412, "");
	link_run(&w.n.l, 5);
	assert_string_equal(header("SIP-If-Match"), "");
	assert_string_equal(body(), "closed");
	/* A server that says so of a first PUBLISH refuses it. */
	ua_net_answer(&w.n, 412, "");
	assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
	assert_int_equal(w.last.seconds, 0);
	assert_int_equal(requests(), 5);
	assert_int_equal(w.lost, 0);
}

/* Who publishes in parts says each part again. */
static void forgotten_in_parts(void **state)
{
	struct ua_publish_prm p = prm();

	(void)state;
	p.lost = lost;
	ua_publish_set(w.p, &p);
	say("one", "1");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\nExpires: 60\r\n");
	pass(51);
	ua_net_answer(&w.n, 412, "");
	link_run(&w.n.l, 5);
	assert_int_equal(w.lost, 1);
	assert_string_equal(body(), "all of one");
	assert_string_equal(header("SIP-If-Match"), "");
	ua_net_answer(&w.n, 200, "SIP-ETag: b1\r\n");
	assert_string_equal(body(), "all of two");
	assert_string_equal(header("SIP-If-Match"), "b1");
}

static void longer_then(void **state)
{
	(void)state;
	say("", "open");
	ua_net_answer(&w.n, 423, "Min-Expires: 300\r\n");
	assert_int_equal(requests(), 2);
	assert_string_equal(header("Expires"), "300");
	assert_string_equal(body(), "open");
	ua_net_answer(&w.n, 423, "Min-Expires: 300\r\n");
	assert_int_equal(requests(), 2);
	assert_int_equal(w.last.status, 423);
	assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
}

/* Trouble: longer and longer waits, and the newest state when it is over. */
static void trouble(void **state)
{
	static const unsigned waits[] = { 5, 10, 20, 20 };

	(void)state;
	say("", "open");
	for (size_t i = 0; i < 4; i++) {
		ua_net_answer(&w.n, 500, "");
		assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
		assert_int_equal(w.last.seconds, waits[i]);
		say("", "closed");
		assert_int_equal(requests(), i + 1);
		pass(waits[i] + 1);
		assert_int_equal(requests(), i + 2);
	}
	assert_string_equal(body(), "closed");
	ua_net_answer(&w.n, 503, "Retry-After: 77\r\n");
	assert_int_equal(w.last.seconds, 77);
	pass(78);
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\nExpires: 60\r\n");
	/* From the beginning again. */
	say("", "open");
	ua_net_answer(&w.n, 500, "");
	assert_int_equal(w.last.seconds, 5);
}

static void nobody_there(void **state)
{
	(void)state;
	say("", "open");
	pass(33);
	assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
	assert_int_equal(w.last.status, 0);
	assert_int_equal(w.last.seconds, 5);
}

/* What is refused for good is dropped; the next state is tried. */
static void refused(void **state)
{
	(void)state;
	say("", "open");
	ua_net_answer(&w.n, 489, "");
	assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
	assert_int_equal(w.last.seconds, 0);
	pass(1000);
	assert_int_equal(requests(), 1);
	say("", "closed");
	assert_int_equal(requests(), 2);
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\nExpires: 60\r\n");
	assert_int_equal(w.last.state, UA_PUBLISH_PUBLISHED);
	/* What stands there lives on when a change of it is refused. */
	say("", "strange");
	ua_net_answer(&w.n, 415, "");
	pass(32);
	assert_int_equal(requests(), 4);
	assert_string_equal(header("SIP-If-Match"), "a1");
	assert_string_equal(body(), "");
}

/* A server of several addresses (RFC 3263 4.3): one that has trouble leads to the next, and a PUBLISH later begins anew. */
static void next_server(void **state)
{
	static const char *const hosts[] = { "192.0.2.11", "192.0.2.12" };
	struct ua_publish_prm p = prm();

	(void)state;
	p.target = STR("sip:alice@name.example:5060");
	ua_publish_set(w.p, &p);
	say("", "open");
	assert_int_equal(w.n.lookups, 1);
	ua_net_give(&w.n, hosts, 2);
	link_run(&w.n.l, 5);
	ua_net_answer(&w.n, 503, "");
	assert_int_equal(w.told, 0);
	assert_int_equal(requests(), 2);
	assert_string_equal(body(), "open");
	ua_net_answer(&w.n, 503, "");
	assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
	assert_int_equal(w.last.seconds, 5);
	say("", "closed");
	assert_int_equal(requests(), 2);
	pass(6);
	assert_int_equal(w.n.lookups, 2);
	ua_net_give(&w.n, hosts, 2);
	link_run(&w.n.l, 5);
	assert_string_equal(body(), "closed");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\n");
	assert_int_equal(w.last.state, UA_PUBLISH_PUBLISHED);
}

/* A state that is refused for good says nothing of the next. */
static void refused_once(void **state)
{
	(void)state;
	say("", "open");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\n");
	say("", "nonsense");
	ua_net_answer(&w.n, 400, "");
	assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
	assert_int_equal(w.last.seconds, 0);
	assert_int_equal(requests(), 2);
	say("", "closed");
	assert_int_equal(requests(), 3);
	assert_string_equal(header("SIP-If-Match"), "a1");
	assert_string_equal(body(), "closed");
}

static void challenged(void **state)
{
	(void)state;
	w.n.password = "secret";
	say("", "open");
	ua_net_answer(&w.n, 401, "WWW-Authenticate: Digest realm=\"x\",nonce=\"n\"\r\n");
	assert_int_equal(requests(), 2);
	assert_true(str_istarts(str_z(header("Authorization")), STR("Digest ")));
	assert_string_equal(body(), "open");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\n");
	assert_int_equal(w.last.state, UA_PUBLISH_PUBLISHED);
}

/* max_challenges: the fifth in a row is the last, and nothing goes out until other parameters come. */
static void wrong_password(void **state)
{
	struct ua_publish_prm p = prm();
	unsigned challenges = 0;

	(void)state;
	w.n.password = "wrong";
	for (unsigned i = 0; i < 10; i++) {
		say("", "open");
		for (unsigned before = 0; before != requests() && challenges < 20; challenges++) {
			before = requests();
			ua_net_answer(&w.n, 401, "WWW-Authenticate: Digest realm=\"x\",nonce=\"n\"\r\n");
		}
	}
	assert_int_equal(w.last.state, UA_PUBLISH_REFUSED);
	assert_int_equal(w.last.seconds, 0);
	assert_in_range(requests(), 4, 9);
	challenges = requests();
	say("", "closed");
	assert_int_equal(requests(), challenges);
	ua_publish_set(w.p, &p);
	say("", "closed");
	assert_int_equal(requests(), challenges + 1);
}

/* It is taken back only when the server has answered what is under way. */
static void ended_in_between(void **state)
{
	(void)state;
	say("", "open");
	assert_int_equal(ua_publish_end(w.p), 0);
	link_run(&w.n.l, 5);
	assert_int_equal(requests(), 1);
	say("", "too late");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\n");
	assert_int_equal(requests(), 2);
	assert_string_equal(header("Expires"), "0");
	assert_string_equal(header("SIP-If-Match"), "a1");
	ua_net_answer(&w.n, 200, "");
	assert_int_equal(w.last.state, UA_PUBLISH_IDLE);
	assert_int_equal(w.told, 1);
}

static void ended_with_nothing(void **state)
{
	(void)state;
	assert_int_equal(ua_publish_end(w.p), 0);
	link_run(&w.n.l, 5);
	assert_int_equal(requests(), 0);
	assert_int_equal(ua_publish_state(w.p), UA_PUBLISH_IDLE);
	say("", "open");
	assert_int_equal(ua_publish_end(w.p), 0);
	ua_net_answer(&w.n, 403, "");
	assert_int_equal(requests(), 1);
	assert_int_equal(w.last.state, UA_PUBLISH_IDLE);
}

static void freed_when_told(void **state)
{
	(void)state;
	w.free_then = true;
	say("one", "1");
	say("two", "2");
	ua_net_answer(&w.n, 200, "SIP-ETag: a1\r\n");
	assert_null(w.p);
	assert_int_equal(w.told, 1);
}

/* A server that names no entity tag is told all each time. */
static void no_etag(void **state)
{
	(void)state;
	say("", "open");
	ua_net_answer(&w.n, 200, "Expires: 60\r\n");
	pass(51);
	assert_int_equal(requests(), 2);
	assert_string_equal(header("SIP-If-Match"), "");
	assert_string_equal(body(), "open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(life, setup, teardown),
		cmocka_unit_test_setup_teardown(merged, setup, teardown),
		cmocka_unit_test_setup_teardown(forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(forgotten_in_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(longer_then, setup, teardown),
		cmocka_unit_test_setup_teardown(trouble, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(next_server, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_once, setup, teardown),
		cmocka_unit_test_setup_teardown(challenged, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_password, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_in_between, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_with_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(freed_when_told, setup, teardown),
		cmocka_unit_test_setup_teardown(no_etag, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
