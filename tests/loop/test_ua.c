/* The user-agent core between two engines over a wire that loses: requests that find
 * their way, answer challenges and end once. ua_net.c is the network. */
#include "ua_net.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct world {
	struct ua_net n;
	struct ua_request *rq;
	unsigned prepared, told, failed, status, answers;       /* told: final responses */
	int err, refuse;                /* refuse: errno of prepare() */
	bool again;                     /* ask once more on a final response */
};

static struct world w;

/* ---- its user ---------------------------------------------------------------------- */

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct world *x = arg;

	x->answers++;
	x->status = msg->status;
	if (msg->status < 200)
		return;
	x->told++;
	if (x->again) {
		x->again = false;
		ua_request_again(rq);
	}
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct world *x = arg;

	(void)rq;
	x->failed++;
	x->err = err;
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct world *x = arg;

	(void)rq;
	(void)out;
	assert_true(sa_is_set(&path->local));
	x->prepared++;
	return x->refuse;
}

static void send_to(enum sip_method m, const char *target, uint32_t timeout_ms)
{
	struct sip_out *o = link_out(&w.n.l.a, m);
	struct ua_request_prm prm = { .out = o, .target = str_z(target), .credentials = ua_net_credentials,
		.credentials_arg = &w.n, .timeout_ms = timeout_ms, .arg = &w, .response = on_response, .failed = on_failed, .prepare = prepare };

	assert_int_equal(ua_request_send(&w.n.ua, &prm, &w.rq), 0);
	obj_drop(o);
}

static void answer(unsigned status, const char *headers)
{
	ua_net_answer(&w.n, status, headers);
}

static int setup(void **state)
{
	(void)state;
	w = (struct world){ .told = 0 };
	ua_net_open(&w.n);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (w.rq)
		ua_request_detach(w.rq);
	w.rq = obj_drop(w.rq);
	return ua_net_close(&w.n);
}

/* ---- tests ------------------------------------------------------------------------------ */

static void answered(void **state)
{
	(void)state;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(200, "");
	assert_int_equal(w.told, 1);
	assert_int_equal(w.status, 200);
	assert_int_equal(w.prepared, 1);
	assert_true(list_empty(&w.n.ua.requests));
}

static void answered_over_a_bad_wire(void **state)
{
	(void)state;
	w.n.l.a.lose = 2;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 2000);
	assert_int_equal(w.n.l.b.requests, 1);
	w.n.l.b.lose = 1;
	answer(480, "");
	link_run(&w.n.l, 5000);
	assert_int_equal(w.told, 1);
	assert_int_equal(w.status, 480);
}

static void nobody_answers(void **state)
{
	(void)state;
	w.n.l.a.lose = 1000;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 31000);
	assert_int_equal(w.failed, 0);
	link_run(&w.n.l, 2000);
	assert_int_equal(w.failed, 1);
	assert_int_equal(w.err, ETIMEDOUT);
	/* Less patience. */
	ua_request_detach(w.rq);
	w.rq = obj_drop(w.rq);
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 3000);
	link_run(&w.n.l, 3100);
	assert_int_equal(w.failed, 2);
	assert_int_equal(w.err, ETIMEDOUT);
}

#define REALM(r, alg) "WWW-Authenticate: Digest realm=\"" r "\",nonce=\"n\",algorithm=" alg ",qop=\"auth\"\r\n"

static void challenged(void **state)
{
	(void)state;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(401, REALM("here", "SHA-512-256") REALM("here", "SHA-256") REALM("here", "MD5") REALM("elsewhere", "MD5"));
	assert_int_equal(w.told, 0);
	assert_int_equal(w.n.l.b.requests, 2);
	assert_int_equal(w.n.l.b.msg->cseq, 2);
	/* The first that both know, one for each realm. */
	assert_non_null(strstr(w.n.l.a.said, "Authorization: Digest username=\"alice\""));
	assert_non_null(strstr(w.n.l.a.said, "algorithm=SHA-256"));
	assert_null(strstr(w.n.l.a.said, "algorithm=MD5"));
	assert_null(strstr(w.n.l.a.said, "elsewhere"));
	/* Another realm behind it. */
	answer(407, "Proxy-Authenticate: Digest realm=\"proxy\",nonce=\"n\"\r\n");
	assert_int_equal(w.n.l.b.requests, 3);
	assert_non_null(strstr(w.n.l.a.said, "Proxy-Authorization: Digest"));
	answer(200, "");
	assert_int_equal(w.told, 1);
	assert_int_equal(w.prepared, 3);
}

static void wrong_password(void **state)
{
	(void)state;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(401, REALM("here", "MD5"));
	answer(401, REALM("here", "MD5"));
	assert_int_equal(w.told, 1);
	assert_int_equal(w.status, 401);
	assert_int_equal(w.n.l.b.requests, 2);
}

static void stale_nonce_is_no_wrong_password(void **state)
{
	(void)state;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(401, REALM("here", "MD5"));
	answer(401, "WWW-Authenticate: Digest realm=\"here\",nonce=\"m\",stale=true\r\n");
	assert_int_equal(w.n.l.b.requests, 3);
	answer(200, "");
	assert_int_equal(w.status, 200);
}

static void no_password(void **state)
{
	(void)state;
	w.n.password = NULL;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(401, REALM("here", "MD5"));
	assert_int_equal(w.told, 1);
	assert_int_equal(w.n.l.b.requests, 1);
}

/* 503 or nothing leads to the next address, each with a CSeq of its own. */
static void next_address(void **state)
{
	static const char *const hosts[] = { "192.0.2.11", "192.0.2.12", "192.0.2.13" };

	(void)state;
	send_to(SIP_OPTIONS, "sip:name.example:5060", 0);
	assert_int_equal(w.n.lookups, 1);
	assert_int_equal(w.n.l.a.sent, 0);
	ua_net_give(&w.n, hosts, 3);
	link_run(&w.n.l, 5);
	answer(503, "");
	assert_int_equal(w.told, 0);
	assert_int_equal(w.n.l.b.requests, 2);
	assert_int_equal(w.n.l.b.msg->cseq, 2);
	/* The second says nothing. */
	w.n.l.b.lose = 1000;
	link_run(&w.n.l, 33000);
	w.n.l.b.lose = 0;
	assert_int_equal(w.failed, 0);
	assert_true(sa_port(&ua_request_path(w.rq)->peer) == 5060);
	link_run(&w.n.l, 1000);
	assert_int_equal(w.n.l.b.requests, 3);
	answer(503, "");
	assert_int_equal(w.told, 1);            /* no further one */
	assert_int_equal(w.status, 503);
}

static void no_such_name(void **state)
{
	(void)state;
	send_to(SIP_OPTIONS, "sip:nobody.knows:5060", 0);
	assert_int_equal(w.failed, 0);          /* never before the call returns */
	link_run(&w.n.l, 50);
	assert_int_equal(w.failed, 1);
	assert_true(w.err == ENOENT || w.err == EIO);
}

/* Nothing goes out, and the name server's answer finds nobody. */
static void cancelled_while_looked_up(void **state)
{
	(void)state;
	send_to(SIP_INVITE, "sip:name.example:5060", 0);
	assert_non_null(w.n.resolved);
	ua_request_cancel(w.rq, STR_NULL);
	assert_null(w.n.resolved);
	link_run(&w.n.l, 5);
	assert_int_equal(w.failed, 1);
	assert_int_equal(w.err, ECANCELED);
	assert_int_equal(w.n.l.a.sent, 0);
}

static void cannot_be_prepared(void **state)
{
	(void)state;
	w.refuse = EPROTO;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	assert_int_equal(w.failed, 1);
	assert_int_equal(w.err, EPROTO);
	assert_int_equal(w.n.l.a.sent, 0);
}

static void asked_again(void **state)
{
	(void)state;
	w.again = true;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(422, "Min-SE: 1800\r\n");
	assert_int_equal(w.told, 1);
	assert_int_equal(w.n.l.b.requests, 2);
	assert_int_equal(w.n.l.b.msg->cseq, 2);
	assert_int_equal(w.prepared, 2);
	assert_false(list_empty(&w.n.ua.requests));
	answer(200, "");
	assert_int_equal(w.told, 2);
	assert_true(list_empty(&w.n.ua.requests));
}

static void invite_cancelled(void **state)
{
	(void)state;
	send_to(SIP_INVITE, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(180, "");
	ua_request_cancel(w.rq, STR("Reason: SIP;cause=200\r\n"));
	link_run(&w.n.l, 10);
	assert_int_equal(w.n.l.b.cancels, 1);
	assert_int_equal(w.status, 487);
	assert_int_equal(w.told, 1);
}

/* For the ACK of each, until the user goes. */
static void repeated_2xx_reach_the_user(void **state)
{
	(void)state;
	send_to(SIP_INVITE, "sip:192.0.2.2", 0);
	link_run(&w.n.l, 5);
	answer(200, "");
	assert_int_equal(w.told, 1);
	link_run(&w.n.l, 2000);                   /* nobody acknowledges */
	assert_true(w.told > 1);
	assert_false(list_empty(&w.n.ua.requests));
	ua_request_detach(w.rq);
	assert_true(list_empty(&w.n.ua.requests));
}

static void connection_gone(void **state)
{
	struct sip_out *o = link_out(&w.n.l.a, SIP_OPTIONS);
	struct net_path path = { .transport = 1, .proto = NET_UDP, .local = w.n.l.a.addr };
	struct ua_request_prm prm = { .out = o, .path = &path, .prefer_path = true, .target = STR("sip:192.0.2.2:5066"),
		.arg = &w, .response = on_response, .failed = on_failed };

	(void)state;
	sa_parse(&path.peer, STR("192.0.2.2:5099"));
	assert_int_equal(ua_request_send(&w.n.ua, &prm, &w.rq), 0);
	assert_int_equal(sa_port(&w.n.l.a.said_to), 5099);
	ua_request_detach(w.rq);
	w.rq = obj_drop(w.rq);
	w.n.gone = true;
	prm.out = o;
	assert_int_equal(ua_request_send(&w.n.ua, &prm, &w.rq), 0);
	assert_int_equal(sa_port(&w.n.l.a.said_to), 5066);
	obj_drop(o);
}

/* Of a secure dialog: a URI that is none of sips would lead to UDP, and the connection that it had is gone. */
static void secure_and_nowhere_to_go(void **state)
{
	struct net_path gone = { .transport = 1, .proto = NET_TLS, .conn = 9 };

	(void)state;
	w.n.gone = true;
	for (int i = 0; i < 2; i++) {
		struct sip_out *o = link_out(&w.n.l.a, SIP_OPTIONS);
		struct ua_request_prm prm = { .out = o, .target = STR("sip:b@192.0.2.2"), .arg = &w, .response = on_response,
			.failed = on_failed, .prepare = prepare, .path = i ? &gone : NULL, .prefer_path = true, .secure = true };

		assert_int_equal(ua_request_send(&w.n.ua, &prm, &w.rq), 0);
		obj_drop(o);
		link_run(&w.n.l, 100);
		assert_int_equal(w.failed, i + 1);
		assert_int_equal(w.err, ENETUNREACH);   /* TLS is looked for, and there is none */
		assert_int_equal(w.prepared, 0);
		obj_drop(w.rq);
		w.rq = NULL;
	}
}

static void abandoned(void **state)
{
	(void)state;
	send_to(SIP_OPTIONS, "sip:192.0.2.2", 0);
	ua_requests_abandon(&w.n.ua);
	assert_int_equal(w.failed, 1);
	assert_int_equal(w.err, ECANCELED);
	link_run(&w.n.l, 40000);
	assert_int_equal(w.told, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(answered), T(answered_over_a_bad_wire), T(nobody_answers), T(challenged), T(wrong_password),
		T(stale_nonce_is_no_wrong_password), T(no_password), T(next_address), T(no_such_name), T(cancelled_while_looked_up),
		T(cannot_be_prepared), T(asked_again), T(invite_cancelled), T(repeated_2xx_reach_the_user),
		T(connection_gone), T(secure_and_nowhere_to_go), T(abandoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
