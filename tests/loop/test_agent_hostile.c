/* A server that means harm: the torture messages of RFC 4475, floods, challenges without end, tags
 * that are wrong. The agent gives each its answer, keeps little, and goes on. */
#include "agent_net.h"
#include "base/buf.h"
#include "base/obj.h"
#include "sip/message.h"
#include "../unit/data.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct agent_net n;

static int setup(void **state)
{
	(void)state;
	agent_open(&n);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sidetone_session_free(n.a.session);
	return agent_close(&n);
}

static void still_there(void)
{
	agent_forget(&n.a);
	agent_hear(&n.a, "OPTIONS sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS x;branch=z9hG4bKlast\nMax-Forwards: 70\n"
		   "To: <sip:alice@example.com>\nFrom: <sip:b@c>;tag=b\nCall-ID: last\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n");
	assert_true(agent_said(&n.a, "SIP/2.0 200 OK"));
	assert_true(agent_said(&n.a, "CSeq: 1 OPTIONS"));
}

/* ---- RFC 4475 ------------------------------------------------------------------------------ */

/* What the parser, which is the server's, finds. */
static void judge(struct str bytes, bool *message, unsigned *fault, bool *answered)
{
	struct sip_msg *m;

	*message = !sip_msg_parse(&m, bytes, true);
	*fault = *message ? m->fault : 0;
	*answered = *message && m->request && m->method != SIP_ACK;
	if (*message)
		obj_drop(m);
}

static void one_torture(const char *name)
{
	char file[64];
	struct str bytes;
	bool message, answered;
	unsigned fault;
	char status[32];

	snprintf(file, sizeof(file), "%s.dat", name);
	bytes = data_read("rfc4475", file);
	judge(bytes, &message, &fault, &answered);
	n.a.said[0] = 0;
	agent_forget(&n.a);
	sidetone_core_received(n.a.core, n.a.conn, bytes.p, bytes.n);
	agent_run(&n, 2);
	snprintf(status, sizeof(status), "SIP/2.0 %u ", fault);
	if (!answered)
		assert_string_equal(n.a.said, "");
	else if (fault)
		assert_true(agent_said(&n.a, status));
	else
		assert_true(str_starts(str_z(n.a.said), STR("SIP/2.0 ")));
	assert_string_equal(n.a.log, "");       /* none is for alice */
	free((void *)(size_t)bytes.p);
}

static void torture_messages(void **state)
{
	static const char *const names[] = { "badaspec", "badbranch", "baddate", "baddn", "badinv01", "badvers", "bcast", "bext01",
		"bigcode", "clerr", "cparam01", "cparam02", "dblreq", "esc01", "esc02", "escnull", "escruri", "insuf", "intmeth",
		"inv2543", "invut", "longreq", "ltgtruri", "lwsdisp", "lwsruri", "lwsstart", "mcl01", "mismatch01", "mismatch02",
		"mpart01", "multi01", "ncl", "noreason", "novelsc", "quotbal", "regaut01", "regbadct", "regescrt", "scalar02",
		"scalarlg", "sdp01", "semiuri", "transports", "trws", "unkscm", "unksm2", "unreason", "wsinv", "zeromf" };

	(void)state;
	agent_begin(&n.a);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		one_torture(names[i]);
	still_there();
}

/* ---- floods --------------------------------------------------------------------------------------- */

static void floods_leave_little(void **state)
{
	char text[512];
	size_t before;

	(void)state;
	agent_begin(&n.a);
	before = obj_live();
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "NOTIFY sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS x;branch=z9hG4bK%u\nMax-Forwards: 70\n"
			 "To: <sip:alice@example.com>\nFrom: <sip:b@c>;tag=b\nCall-ID: c%u\nCSeq: 1 NOTIFY\nEvent: x\n"
			 "Subscription-State: active\nContent-Length: 0\n\n", i, i);
		agent_hear(&n.a, text);
	}
	assert_true(agent_said(&n.a, "SIP/2.0 481 "));
	assert_in_range(obj_live() - before, 0, 4000);
	agent_run(&n, 33000);
	assert_in_range(obj_live() - before, 0, 10);
	still_there();
}

static void calls_without_end(void **state)
{
	char text[512];

	(void)state;
	agent_begin(&n.a);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "INVITE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS x;branch=z9hG4bK%u\nMax-Forwards: 70\n"
			 "To: <sip:alice@example.com>\nFrom: <sip:b@c>;tag=b\nCall-ID: c%u\nCSeq: 1 INVITE\nContact: <sip:b@c>\n"
			 "Content-Length: 0\n\n", i, i);
		agent_hear(&n.a, text);
		if (n.a.session) {
			sidetone_session_free(n.a.session);
			n.a.session = NULL;
		}
	}
	agent_run(&n, 65000);
	still_there();
}

static void more_than_a_message(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	agent_begin(&n.a);
	buf_put(&b, STR("OPTIONS sip:alice@example.com SIP/2.0\r\n"));
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&b, "X-%u: %0100u\r\n", i, i);
	assert_int_equal(buf_err(&b), 0);
	sidetone_core_received(n.a.core, n.a.conn, b.p, b.n);
	buf_free(&b);
	still_there();
}

/* On a stream nobody can say where such a thing ends: the connection is given up, and made anew. */
static void a_stream_without_end(void **state)
{
	static char noise[70000];

	(void)state;
	assert_int_equal(sidetone_ua_set_string(n.a.ua, "wsServers", "tcp://server.example"), 0);
	agent_begin(&n.a);
	memset(noise, 'x', sizeof(noise));
	for (unsigned i = 0; i < 5 && n.a.opens == 1; i++) {
		sidetone_core_received(n.a.core, n.a.conn, noise, sizeof(noise));
		agent_run(&n, 5);
	}
	assert_int_equal(n.a.opens, 2);
	assert_true(sidetone_ua_is_registered(n.a.ua));
}

/* ---- a server that leads around by the nose ----------------------------------------------------------- */

static void challenges_without_end(void **state)
{
	const struct sidetone_request_options o = { .method = "MESSAGE", .target = "bob", .body = "x" };

	(void)state;
	sidetone_ua_set_string(n.a.ua, "password", "secret");
	n.a.challenges = 1000;
	n.a.register_headers = "WWW-Authenticate: Digest realm=\"more\",nonce=\"m\",stale=true\r\n";
	assert_int_equal(sidetone_ua_start(n.a.ua), 0);
	agent_run(&n, 100);
	assert_in_range(1000 - n.a.challenges, 1, 8);
	assert_non_null(strstr(n.a.log, "registrationFailed"));
	sidetone_ua_request(n.a.ua, &o, NULL);
	agent_run(&n, 10);
}

static void forks_without_end(void **state)
{
	char text[1024], via[256], from[256], id[128];
	const char *p;

	(void)state;
	agent_begin(&n.a);
	n.a.deaf = true;
	sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } }, &n.a.session);
	agent_run(&n, 5);
	p = strstr(n.a.said, "Via: ") + 5;
	snprintf(via, sizeof(via), "%.*s", (int)strcspn(p, "\r"), p);
	p = strstr(n.a.said, "From: ") + 6;
	snprintf(from, sizeof(from), "%.*s", (int)strcspn(p, "\r"), p);
	p = strstr(n.a.said, "Call-ID: ") + 9;
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(p, "\r"), p);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "SIP/2.0 183 x\nVia: %s\nFrom: %s\nTo: <sip:bob@example.com>;tag=t%u\nCall-ID: %s\n"
			 "CSeq: 1 INVITE\nContact: <sip:b@c>\nContent-Length: 0\n\n", via, from, i, id);
		/* Whatever CSeq it had, a wrong one is no answer to it. */
		agent_hear(&n.a, text);
	}
	agent_run(&n, 10);
	assert_in_range(strlen(n.a.log), 0, 2047);
	sidetone_session_cancel(n.a.session, 0, NULL, NULL);
	agent_run(&n, 70000);
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_TERMINATED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(torture_messages), T(floods_leave_little), T(calls_without_end), T(more_than_a_message), T(a_stream_without_end),
		T(challenges_without_end), T(forks_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
