/* Mailboxes on other servers that we subscribe to (type=outbound-subscription), as their server sees it:
 * each option, what becomes of what it says, refusals, a reload, the end. */
#include "svc_wire.h"
#include "service/event/subscription.h"
#include "service/event/upstream.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define FAR "127.0.0.1:5061"
#define UP(more) WIRE_UDP "[up]\ntype=outbound-subscription\nserver_uri=sip:100@" FAR "\nmailbox=100@default\n" more
#define AUTH "[me]\ntype=auth\nauth_type=userpass\nusername=me\npassword=pw\n"
#define YES "Messages-Waiting: yes\r\nMessage-Account: sip:100@far\r\nVoice-Message: 3/2 (1/0)\r\n"
#define NO "Messages-Waiting: no\r\nVoice-Message: 0/4 (0/0)\r\n"

static const char plan[] = "[default]\nexten => 100,1,NoOp()\n";

static struct wire t;
static struct sip_msg *asked;           /* held: the SUBSCRIBE that the NOTIFYs are for */
static unsigned cseq;
static struct {
	char name[32];
	uint32_t new_msgs, old_msgs;
} box;                                  /* the mailbox that was set last */

static void on_mailbox(void *arg, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	(void)arg;
	str_copy(box.name, sizeof(box.name), name);
	box.new_msgs = new_msgs;
	box.old_msgs = old_msgs;
}

static struct mailbox_listener listener = { .changed = on_mailbox };

static int close_wire(void **state)
{
	(void)state;
	asked = obj_drop(asked);
	list_remove(&listener.link);
	wire_close(&t);
	return 0;
}

static void open_far(const char *pjsip)
{
	wire_open(&t, plan, pjsip);
	mailbox_listen(t.svc, &listener);
}

static void begin(const char *pjsip)
{
	asked = obj_drop(asked);
	cseq = 0;
	open_far(pjsip);
	world_pass(&t.w, 900);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 200);
}

/* The newest message is a SUBSCRIBE with this Expires: 2xx or a refusal for it. */
static void reply(unsigned status, const char *more, const char *expires)
{
	assert_non_null(wire_last(&t));
	assert_string_equal(wire_header(wire_last(&t), "Expires"), expires);
	obj_drop(asked);
	asked = obj_hold(wire_last(&t));
	wire_reply(&t, SIP_SUBSCRIBE, status, more);
}

/* A NOTIFY for it. Gives the status of its answer. */
static unsigned notify(const char *state, const char *type, const char *body)
{
	char text[2048];

	wire_forget(&t);
	cseq++;
	snprintf(text, sizeof(text), "NOTIFY sip:s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " FAR ";branch=z9hG4bKn%u%.*s\r\n"
		 "From: <sip:100@" FAR ">;tag=far\r\nTo: <sip:x@y>;tag=%.*s\r\nCall-ID: %.*s\r\nCSeq: %u NOTIFY\r\n"
		 "Contact: <sip:mwi@" FAR ">\r\nEvent: message-summary\r\nSubscription-State: %s\r\n%s%s%sContent-Length: %zu\r\n\r\n%s",
		 cseq, STR_ARG(str_sub(asked->call_id, 0, 8)), STR_ARG(asked->from.tag), STR_ARG(asked->call_id), cseq, state,
		 *type ? "Content-Type: " : "", type, *type ? "\r\n" : "", strlen(body), body);
	wire_come(&t, FAR, text);
	for (size_t i = 0; i < t.n; i++)
		if (t.sent[i]->status)
			return t.sent[i]->status;
	return 0;
}

#define SUMMARY "application/simple-message-summary"
static unsigned tell(const char *body)
{
	return notify("active;expires=600", SUMMARY, body);
}

#define OK "Contact: <sip:mwi@" FAR ">\r\nExpires: 600\r\n"
static void subscribe(const char *more)
{
	begin(more);
	reply(200, OK, "3600");
	assert_int_equal(tell(YES), 200);
}

static void assert_counts(const char *name, uint32_t new_msgs, uint32_t old_msgs)
{
	assert_string_equal(box.name, name);
	assert_int_equal(box.new_msgs, new_msgs);
	assert_int_equal(box.old_msgs, old_msgs);
}

static void assert_state(const char *state)
{
	struct map_walk w = { 0 };
	struct upstream_row row;

	assert_true(upstream_next(t.svc, &w, &row));
	assert_string_equal(row.state, state);
	assert_true(str_eq(row.name, STR("up")));
	map_walk_end(&w);
}

/* ---- what is asked for ---------------------------------------------------------------------- */

static void asks(void **state)
{
	const struct sip_msg *m;

	(void)state;
	begin(UP(""));
	m = wire_last(&t);
	assert_int_equal(m->method, SIP_SUBSCRIBE);
	assert_true(str_eq(m->ruri.text, STR("sip:100@" FAR)));
	assert_string_equal(wire_header(m, "Event"), "message-summary");
	assert_string_equal(wire_header(m, "Accept"), SUMMARY);
	assert_string_equal(wire_header(m, "Contact"), "<sip:100@127.0.0.1:5060>");
	assert_true(str_starts(str_z(wire_header(m, "From")), STR("<sip:100@" FAR ">;tag=")));
	assert_state("SENT");
	reply(202, OK, "3600");
	assert_state("ACCEPTED");
	assert_int_equal(notify("pending;expires=600", "", ""), 200);
	assert_state("PENDING");
	assert_int_equal(tell(YES), 200);
	assert_state("ACTIVE");
	assert_counts("100@default", 3, 2);
	assert_int_equal(world_events(&t.w, "MessageWaiting", "New: 3"), 1);
	assert_int_equal(tell(NO), 200);
	assert_counts("100@default", 0, 4);
	/* RFC 3842: the status alone is enough. */
	assert_int_equal(tell("Messages-Waiting: yes\r\n"), 200);
	assert_counts("100@default", 1, 0);
	/* Nothing is told, or by other words. */
	assert_int_equal(tell("Fax-Message: 1/1\r\n"), 200);
	assert_int_equal(notify("active", "text/plain", "x"), 415);
	assert_counts("100@default", 1, 0);
}

static void options(void **state)
{
	const struct sip_msg *m;

	(void)state;
	begin(UP("from_uri=sip:us@pbx.example\nexpiration=120\noutbound_auth=me\noutbound_proxy=sip:192.0.2.9\\;lr\n"
		 "event=message-summary\ntransport=second\n" AUTH
		 "[second]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5070\n"));
	m = wire_last(&t);
	assert_true(str_starts(str_z(wire_header(m, "From")), STR("<sip:us@pbx.example>;tag=")));
	assert_string_equal(wire_header(m, "Route"), "<sip:192.0.2.9;lr>");
	assert_string_equal(wire_header(m, "Contact"), "<sip:us@127.0.0.1:5070>");
	reply(401, "WWW-Authenticate: Digest realm=\"far\", nonce=\"n1\", algorithm=MD5\r\n", "120");
	assert_true(str_starts(str_z(wire_header(wire_last(&t), "Authorization")), STR("Digest username=\"me\"")));
	reply(200, "Expires: 120\r\nContact: <sip:mwi@" FAR ">\r\n", "120");
	assert_int_equal(notify("active;expires=120", SUMMARY, YES), 200);
	assert_counts("100@default", 3, 2);
}

/* ---- its life -------------------------------------------------------------------------------- */

static void renews(void **state)
{
	(void)state;
	subscribe(UP(""));
	wire_forget(&t);
	world_pass(&t.w, 539000);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 2000);
	assert_true(str_eq(wire_last(&t)->call_id, asked->call_id));
	reply(200, OK, "3600");
	assert_int_equal(tell(NO), 200);
	wire_forget(&t);
	/* 481: it is no more; anew, at once. */
	world_pass(&t.w, 541000);
	reply(481, "", "3600");
	world_pass(&t.w, 10);
	assert_false(str_eq(wire_last(&t)->call_id, asked->call_id));
	reply(423, "Min-Expires: 7200\r\n", "3600");
	reply(200, "Expires: 7200\r\n" "Contact: <sip:mwi@" FAR ">\r\n", "7200");
	cseq = 0;
	assert_int_equal(tell(YES), 200);
	assert_counts("100@default", 3, 2);
}

/* retry_interval, twice as long each time, but max_retry_interval at most. */
static void tries_again(void **state)
{
	static const unsigned waits[] = { 20, 40, 50, 50 };

	(void)state;
	begin(UP("retry_interval=20\nmax_retry_interval=50\n"));
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		reply(503, "", "3600");
		assert_state("TERMINATED");
		world_pass(&t.w, 1000 * waits[i] - 500);
		assert_int_equal(t.n, 0);
		world_pass(&t.w, 1000);
	}
	reply(503, "Retry-After: 7\r\n", "3600");
	world_pass(&t.w, 7500);
	reply(200, OK, "3600");
	assert_int_equal(tell(YES), 200);
	/* From the beginning, after one that has worked. */
	world_pass(&t.w, 100000);
	assert_int_equal(notify("terminated;reason=giveup", "", ""), 200);
	wire_forget(&t);
	world_pass(&t.w, 20500);
	assert_int_equal(wire_last(&t)->method, SIP_SUBSCRIBE);
}

/* Answered, but never told: timer N (RFC 6665 4.1.2.4). */
static void nothing_told(void **state)
{
	(void)state;
	begin(UP(""));
	reply(200, OK, "3600");
	world_pass(&t.w, 31000);
	assert_state("ACCEPTED");
	world_pass(&t.w, 1500);
	assert_state("TERMINATED");
	world_pass(&t.w, 60500);
	assert_int_equal(wire_last(&t)->method, SIP_SUBSCRIBE);
}

static void refused(void **state)
{
	(void)state;
	begin(UP(""));
	reply(403, "", "3600");
	world_pass(&t.w, 4000000);
	assert_int_equal(t.n, 0);
	assert_state("TERMINATED");
	close_wire(state);
	begin(UP("fatal_retry_interval=90\n"));
	reply(403, "", "3600");
	world_pass(&t.w, 89000);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 2000);
	reply(200, OK, "3600");
	assert_int_equal(tell(YES), 200);
	/* Never again after these (4.1.3), but for the fatal interval. */
	assert_int_equal(notify("terminated;reason=rejected", "", ""), 200);
	wire_forget(&t);
	world_pass(&t.w, 89000);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 2000);
	assert_int_equal(wire_last(&t)->method, SIP_SUBSCRIBE);
}

/* ---- a reload, the end ------------------------------------------------------------------------- */

static void reloads(void **state)
{
	(void)state;
	subscribe(UP(""));
	wire_forget(&t);
	wire_reload(&t, UP("") "[alice]\ntype=aor\n");
	world_pass(&t.w, 2000);
	assert_int_equal(t.n, 0);
	/* Another mailbox: the old one ends, a new one begins. What it says last is not for the new mailbox. */
	wire_reload(&t, WIRE_UDP "[up]\ntype=outbound-subscription\nserver_uri=sip:100@" FAR "\nmailbox=200@default\n");
	assert_int_equal(t.n, 1);
	reply(200, "", "0");
	assert_int_equal(notify("terminated;reason=timeout", SUMMARY, NO), 200);
	assert_counts("100@default", 3, 2);
	wire_forget(&t);
	world_pass(&t.w, 1500);
	reply(200, OK, "3600");
	cseq = 0;
	assert_int_equal(tell(YES), 200);
	assert_counts("200@default", 3, 2);
	/* Gone: the next NOTIFY belongs to nothing. */
	wire_reload(&t, WIRE_UDP);
	reply(200, "", "0");
	assert_int_equal(notify("terminated", "", ""), 200);
	assert_false(upstreams_busy(t.svc));
	assert_int_equal(tell(YES), 481);
}

static void stops(void **state)
{
	(void)state;
	subscribe(UP(""));
	wire_forget(&t);
	service_stop(t.svc);
	assert_false(service_stopped(t.svc));
	reply(200, "", "0");
	assert_false(service_stopped(t.svc));
	assert_int_equal(notify("terminated;reason=timeout", SUMMARY, YES), 200);
	assert_true(service_stopped(t.svc));
	wire_forget(&t);
	world_pass(&t.w, 100000);
	assert_int_equal(t.n, 0);
	service_resume(t.svc);
	world_pass(&t.w, 10);
	assert_int_equal(wire_last(&t)->method, SIP_SUBSCRIBE);
	/* Before the first NOTIFY there is nothing to end. */
	service_stop(t.svc);
	world_pass(&t.w, 10);
	assert_true(service_stopped(t.svc));
}

/* Without its mailbox, or its server, a section is refused. */
static void faults(void **state)
{
	static const char *const bad[] = { "server_uri=sip:1@x\n", "mailbox=1\n", "server_uri=x\nmailbox=1\n",
		"server_uri=sip:1@x\nmailbox=1\nevent=presence\n", "server_uri=sip:1@x\nmailbox=1\nexpiration=0\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct report *r = report_new();
		struct snapshot *s = NULL;
		char conf[256];

		assert_non_null(r);
		snprintf(conf, sizeof(conf), WIRE_UDP "[up]\ntype=outbound-subscription\n%s", bad[i]);
		assert_int_equal(snapshot_parse(&s, str_z(conf), STR_NULL, NULL, r), 0);
		assert_int_equal(report_errors(r), 1);
		assert_null(snapshot_outbound_subscription(s, STR("up")));
		obj_drop(s);
		report_free(r);
	}
	open_far(WIRE_UDP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(asks, close_wire),
		cmocka_unit_test_teardown(options, close_wire),
		cmocka_unit_test_teardown(renews, close_wire),
		cmocka_unit_test_teardown(tries_again, close_wire),
		cmocka_unit_test_teardown(nothing_told, close_wire),
		cmocka_unit_test_teardown(refused, close_wire),
		cmocka_unit_test_teardown(reloads, close_wire),
		cmocka_unit_test_teardown(stops, close_wire),
		cmocka_unit_test_teardown(faults, close_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
