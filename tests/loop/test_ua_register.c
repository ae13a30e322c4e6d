/* A registration of ours, alone on a fake wire: what a registrar sees of it, and what its
 * user is told. */
#include "ua_net.h"
#include "ua/register.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct {
	struct ua_net n;
	struct ua_register *r;
	struct ua_register_event last;
	unsigned told;
	bool free_then;                 /* the user ends it all when it is told */
} w;

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	(void)arg;
	(void)rq;
	(void)path;
	out->contact = STR("<sip:alice@192.0.2.1:5060>");
	return 0;
}

static void changed(void *arg, struct ua_register *r, const struct ua_register_event *e)
{
	(void)arg;
	w.last = *e;
	w.told++;
	if (w.free_then) {
		ua_register_free(r);
		w.r = NULL;
	}
}

static struct ua_register_prm prm(void)
{
	return (struct ua_register_prm){ .registrar = STR("sip:192.0.2.2"), .aor = STR("sip:alice@example.com"),
		.user_agent = STR("Tester"), .headers = STR("Supported: path\r\n"), .max_forwards = 70, .expires_s = 100,
		.retry = { .interval_s = 30, .fatal_s = 0, .forbidden_s = 600, .most = 3 },
		.credentials = ua_net_credentials, .credentials_arg = &w.n, .prepare = prepare, .changed = changed };
}

static int setup(void **state)
{
	struct ua_register_prm p = prm();

	(void)state;
	memset(&w, 0, sizeof(w));
	ua_net_open(&w.n);
	assert_int_equal(ua_register_new(&w.r, &w.n.ua, &p), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ua_register_free(w.r);
	return ua_net_close(&w.n);
}

static void pass(uint64_t seconds)
{
	link_run(&w.n.l, seconds * 1000);
}

static void begin(void)
{
	assert_int_equal(ua_register_start(w.r, 0), 0);
	link_run(&w.n.l, 5);
	assert_int_equal(w.n.l.b.requests, 1);
}

static const char *header(const char *name)
{
	static char room[256];

	return str_copy(room, sizeof(room), sip_hdr_named(w.n.l.b.msg, str_z(name), 0) ?
			sip_hdr_named(w.n.l.b.msg, str_z(name), 0)->value : STR_NULL);
}

static void life(void **state)
{
	char call_id[128];

	(void)state;
	assert_int_equal(ua_register_start(w.r, 2000), 0);
	assert_int_equal(ua_register_left_ms(w.r), 2000);
	pass(1);
	assert_int_equal(w.n.l.b.requests, 0);
	pass(2);
	assert_int_equal(w.n.l.b.requests, 1);
	assert_string_equal(header("Expires"), "100");
	assert_string_equal(header("To"), "<sip:alice@example.com>");
	assert_string_equal(header("Supported"), "path");
	assert_string_equal(header("User-Agent"), "Tester");
	str_copy(call_id, sizeof(call_id), w.n.l.b.msg->call_id);
	ua_net_answer(&w.n, 401, "WWW-Authenticate: Digest realm=\"x\",nonce=\"n\"\r\n");
	assert_int_equal(w.told, 0);
	ua_net_answer(&w.n, 200, "Expires: 60\r\n");
	assert_int_equal(w.told, 1);
	assert_int_equal(w.last.state, UA_REGISTER_REGISTERED);
	assert_int_equal(w.last.seconds, 60);
	/* Ten seconds before its end, in the same call. */
	pass(49);
	assert_int_equal(w.n.l.b.requests, 2);
	pass(2);
	assert_int_equal(w.n.l.b.requests, 3);
	assert_int_equal(ua_register_state(w.r), UA_REGISTER_RENEWING);
	assert_true(str_eq(w.n.l.b.msg->call_id, str_z(call_id)));
	assert_int_equal(w.n.l.b.msg->cseq, 3);
	/* Our own Contact decides, not the other phone's. */
	ua_net_answer(&w.n, 200, "Contact: <sip:alice@192.0.2.9>;expires=3600, <sip:alice@192.0.2.1:5060>;expires=20\r\n");
	assert_int_equal(w.last.seconds, 20);
	assert_int_equal(ua_register_end(w.r, false), 0);
	link_run(&w.n.l, 5);
	assert_string_equal(header("Expires"), "0");
	assert_int_equal(ua_register_state(w.r), UA_REGISTER_LEAVING);
	ua_net_answer(&w.n, 200, "");
	assert_int_equal(w.last.state, UA_REGISTER_IDLE);
	pass(4000);
	assert_int_equal(w.n.l.b.requests, 4);
}

static void longer_then(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&w.n, 423, "Min-Expires: 300\r\n");
	assert_int_equal(w.n.l.b.requests, 2);
	assert_string_equal(header("Expires"), "300");
	/* One that does not keep its word refuses us. */
	ua_net_answer(&w.n, 423, "Min-Expires: 300\r\n");
	assert_int_equal(w.n.l.b.requests, 2);
	assert_int_equal(w.last.state, UA_REGISTER_REFUSED);
	assert_int_equal(w.last.status, 423);
}

static void tried_again(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 3; i++) {
		ua_net_answer(&w.n, 500, "");
		assert_int_equal(w.last.state, UA_REGISTER_REFUSED);
		assert_int_equal(w.last.seconds, 30);
		pass(31);
		assert_int_equal(w.n.l.b.requests, i + 2);
	}
	ua_net_answer(&w.n, 503, "Retry-After: 7 (later)\r\n");
	assert_int_equal(w.last.seconds, 7);
	pass(8);
	ua_net_answer(&w.n, 500, "");
	assert_int_equal(w.last.seconds, 0);
	pass(4000);
	assert_int_equal(w.n.l.b.requests, 5);
	/* From the beginning. */
	assert_int_equal(ua_register_start(w.r, 0), 0);
	link_run(&w.n.l, 5);
	ua_net_answer(&w.n, 403, "");
	assert_int_equal(w.last.seconds, 600);
	assert_int_equal(ua_register_start(w.r, 0), 0);
	link_run(&w.n.l, 5);
	ua_net_answer(&w.n, 404, "");
	assert_int_equal(w.last.seconds, 0);
}

static void no_answer(void **state)
{
	(void)state;
	w.n.l.a.lose = 1000;
	assert_int_equal(ua_register_start(w.r, 0), 0);
	pass(33);
	assert_int_equal(w.last.state, UA_REGISTER_REFUSED);
	assert_int_equal(w.last.status, 0);
	assert_int_equal(w.last.seconds, 30);
}

static void wrong_password_is_for_good_where_it_is_said_so(void **state)
{
	struct ua_register_prm p = prm();

	(void)state;
	w.n.password = NULL;
	begin();
	ua_net_answer(&w.n, 401, "WWW-Authenticate: Digest realm=\"x\",nonce=\"n\"\r\n");
	assert_int_equal(w.last.seconds, 30);
	p.retry.auth_permanent = true;
	ua_register_set(w.r, &p);
	pass(31);
	ua_net_answer(&w.n, 401, "WWW-Authenticate: Digest realm=\"x\",nonce=\"n\"\r\n");
	assert_int_equal(w.last.seconds, 0);
}

static void anew(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&w.n, 200, "Expires: 60\r\n");
	assert_int_equal(ua_register_end(w.r, true), 0);
	link_run(&w.n.l, 5);
	assert_string_equal(header("Expires"), "0");
	ua_net_answer(&w.n, 200, "");
	link_run(&w.n.l, 5);
	assert_string_equal(header("Expires"), "100");
	assert_int_equal(ua_register_state(w.r), UA_REGISTER_ASKING);
}

/* ... from inside its own callback. */
static void ended_when_told(void **state)
{
	(void)state;
	w.free_then = true;
	begin();
	ua_net_answer(&w.n, 200, "Expires: 60\r\n");
	assert_null(w.r);
	pass(100);
	assert_int_equal(w.n.l.b.requests, 1);
}

static void halted(void **state)
{
	(void)state;
	begin();
	ua_register_halt(w.r);
	assert_false(ua_register_busy(w.r));
	ua_net_answer(&w.n, 200, "Expires: 60\r\n");
	pass(100);
	assert_int_equal(w.told, 0);
	assert_int_equal(w.n.l.b.requests, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(life), T(longer_then), T(tried_again), T(no_answer), T(wrong_password_is_for_good_where_it_is_said_so),
		T(anew), T(ended_when_told), T(halted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
