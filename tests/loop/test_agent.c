/* The user agent alone: its connection, its registration, requests outside of calls. */
#include "agent_net.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
	return agent_close(&n);
}

/* ---- registration ------------------------------------------------------------------------- */

static void it_registers(void **state)
{
	(void)state;
	sidetone_ua_set_string(n.a.ua, "displayName", "Alice ¶");
	assert_int_equal(sidetone_ua_start(n.a.ua), 0);
	agent_expect(&n.a, "connecting(1)");
	assert_string_equal(n.a.opened, "ws://server.example:8088/ws");
	agent_run(&n, 5);
	agent_expect(&n.a, "connected registerAccepted registered");
	assert_true(sidetone_ua_is_connected(n.a.ua));
	assert_true(agent_said(&n.a, "REGISTER sip:example.com SIP/2.0\r\n"));
	assert_true(agent_said(&n.a, "From: \"Alice ¶\" <sip:alice@example.com>;tag="));
	assert_true(agent_said(&n.a, "To: \"Alice ¶\" <sip:alice@example.com>\r\n"));
	assert_true(agent_said(&n.a, ".invalid;transport=ws>;reg-id=1;+sip.instance=\"<urn:uuid:"));
	assert_true(agent_said(&n.a, ";expires=600\r\n"));
	assert_true(agent_said(&n.a, "Supported: path, gruu, outbound\r\n"));
	assert_false(agent_said(&n.a, "rport"));
}

static void it_renews_three_seconds_before_the_end(void **state)
{
	(void)state;
	sidetone_ua_set_number(n.a.ua, "registerExpires", 60);
	agent_begin(&n.a);
	agent_run(&n, 56000);
	agent_expect(&n.a, "");
	agent_run(&n, 1100);
	agent_expect(&n.a, "registerAccepted registered");
}

static void it_answers_a_challenge(void **state)
{
	(void)state;
	n.a.challenges = 1;
	sidetone_ua_set_string(n.a.ua, "password", "secret");
	agent_begin(&n.a);
	assert_true(agent_said(&n.a, "Authorization: Digest "));
	assert_true(agent_said(&n.a, "username=\"alice\""));
	assert_true(agent_said(&n.a, "algorithm=SHA-256"));
}

static void token(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type == SIDETONE_CHALLENGE) {
		assert_string_equal(e->text, "REGISTER");
		assert_string_equal(e->cause, "sip:example.com");
		assert_int_equal(sidetone_message_status(e->message), 401);
		assert_int_equal(sidetone_ua_authorize(p->ua, "Authorization: Token abc"), 0);
	}
}

static void a_scheme_of_the_application(void **state)
{
	(void)state;
	n.a.challenges = 1;
	n.a.on_event = token;
	sidetone_ua_own_authentication(n.a.ua);
	agent_begin(&n.a);
	assert_true(agent_said(&n.a, "Authorization: Token abc\r\n"));
	assert_int_equal(sidetone_ua_authorize(n.a.ua, "Authorization: Token abc"), EPERM);
}

static void a_wrong_password_is_told(void **state)
{
	(void)state;
	n.a.challenges = 9;
	sidetone_ua_set_string(n.a.ua, "password", "wrong");
	sidetone_ua_start(n.a.ua);
	agent_run(&n, 20);
	agent_expect(&n.a, "connecting(1) connected registrationFailed");
	assert_string_equal(n.a.cause, "Authentication Error");
	agent_run(&n, 3600000);
	agent_expect(&n.a, "");         /* nobody hammers with a password that is wrong */
}

static void it_tries_again(void **state)
{
	(void)state;
	n.a.register_status = 503;
	sidetone_ua_start(n.a.ua);
	agent_run(&n, 10);
	agent_expect(&n.a, "connecting(1) connected registrationFailed");
	agent_run(&n, 30000);
	agent_expect(&n.a, "registrationFailed");
	agent_run(&n, 59000);
	agent_expect(&n.a, "");         /* twice as long now */
	n.a.register_status = 0;
	agent_run(&n, 2000);
	agent_expect(&n.a, "registerAccepted registered");
}

static void a_longer_time_is_asked_for(void **state)
{
	(void)state;
	n.a.register_once = 423;
	n.a.register_headers = "Min-Expires: 1200\r\n";
	sidetone_ua_start(n.a.ua);
	agent_run(&n, 10);
	assert_true(agent_said(&n.a, ";expires=1200\r\n"));
	agent_expect(&n.a, "connecting(1) connected registerAccepted registered");
}

static void it_unregisters(void **state)
{
	(void)state;
	agent_begin(&n.a);
	assert_int_equal(sidetone_ua_unregister(n.a.ua, false, "X-Bye: now"), 0);
	agent_run(&n, 5);
	assert_true(agent_said(&n.a, ";expires=0\r\n"));
	assert_true(agent_said(&n.a, "X-Bye: now\r\n"));
	agent_expect(&n.a, "registerAccepted unregistered");
	assert_false(sidetone_ua_is_registered(n.a.ua));
	assert_int_equal(sidetone_ua_unregister(n.a.ua, true, NULL), 0);
	agent_run(&n, 5);
	assert_true(agent_said(&n.a, "Contact: *\r\n"));
	assert_true(agent_said(&n.a, "Expires: 0\r\n"));
}

static void headers_of_the_application(void **state)
{
	(void)state;
	sidetone_ua_set_bool(n.a.ua, "register", false);
	sidetone_ua_start(n.a.ua);
	agent_run(&n, 5);
	agent_expect(&n.a, "connecting(1) connected");
	assert_int_equal(sidetone_ua_register(n.a.ua, "X-Foo: bar\nX-Bar: foo", true), 0);
	agent_run(&n, 5);
	assert_true(agent_said(&n.a, "X-Foo: bar\r\nX-Bar: foo\r\n"));
	assert_int_equal(sidetone_ua_register(n.a.ua, "no header", false), EINVAL);
	sidetone_ua_stop(n.a.ua);
	agent_run(&n, 50);
	assert_true(agent_said(&n.a, "X-Foo: bar\r\n"));
	assert_true(agent_said(&n.a, ";expires=0\r\n"));
}

/* ---- the connection ------------------------------------------------------------------------- */

static void it_stops(void **state)
{
	(void)state;
	agent_begin(&n.a);
	sidetone_ua_stop(n.a.ua);
	assert_true(sidetone_ua_is_connected(n.a.ua));
	agent_run(&n, 50);
	agent_expect(&n.a, "registerAccepted unregistered disconnected");
	assert_int_equal(n.a.conn, 0);
	assert_int_equal(sidetone_ua_start(n.a.ua), 0);
	agent_run(&n, 5);
	agent_expect(&n.a, "connecting(1) connected registerAccepted registered");
}

static void a_lost_connection_is_made_again(void **state)
{
	(void)state;
	agent_begin(&n.a);
	agent_drop(&n.a);
	agent_expect(&n.a, "unregistered disconnected");
	assert_string_equal(n.a.cause, "Connection Error");
	agent_run(&n, 10);
	agent_expect(&n.a, "connecting(1) connected registerAccepted registered");
}

static void it_gives_up_a_server_that_does_not_come_back(void **state)
{
	(void)state;
	sidetone_ua_set_json(n.a.ua, "wsServers", "[{\"ws_uri\":\"ws://one\",\"weight\":10},{\"ws_uri\":\"ws://two\"}]");
	agent_begin(&n.a);
	assert_string_equal(n.a.opened, "ws://one");
	n.a.refuse = true;
	agent_drop(&n.a);
	agent_forget(&n.a);
	agent_run(&n, 7990);
	agent_expect(&n.a, "connecting(1) connecting(2)");
	n.a.refuse = false;
	n.a.slow = true;
	agent_run(&n, 20);
	sidetone_core_closed(n.a.core, n.a.conn, 1006, "refused");
	agent_run(&n, 5);
	agent_expect(&n.a, "connecting(3) disconnected connecting(1)");
	assert_string_equal(n.a.opened, "ws://two");
}

static void rounds_grow(void **state)
{
	unsigned before;

	(void)state;
	sidetone_ua_set_number(n.a.ua, "connectionRecoveryMinInterval", 2);
	sidetone_ua_set_number(n.a.ua, "connectionRecoveryMaxInterval", 8);
	n.a.refuse = true;
	sidetone_ua_start(n.a.ua);
	agent_run(&n, 1500);
	agent_expect(&n.a, "connecting(1) disconnected");
	before = n.a.opens;
	agent_run(&n, 1000);
	assert_int_equal(n.a.opens, before + 1);        /* the first round: 2 seconds */
	agent_run(&n, 120000);
	assert_in_range(n.a.opens, before + 14, before + 60);
	n.a.refuse = false;
	agent_run(&n, 9000);
	assert_true(sidetone_ua_is_registered(n.a.ua));
}

static void a_dead_flow_is_found(void **state)
{
	(void)state;
	sidetone_ua_set_number(n.a.ua, "keepAliveInterval", 20);
	agent_begin(&n.a);
	agent_run(&n, 20100);
	assert_non_null(strstr(n.a.sent, "ping"));
	sidetone_core_received(n.a.core, n.a.conn, "\r\n", 2);
	agent_run(&n, 10000);
	agent_expect(&n.a, "");
	agent_run(&n, 30000);
	agent_expect(&n.a, "keepAliveTimeout unregistered disconnected connecting(1) connected registerAccepted registered");
}

static void another_network(void **state)
{
	(void)state;
	agent_begin(&n.a);
	sidetone_ua_network_changed(n.a.ua);
	agent_run(&n, 10);
	agent_expect(&n.a, "unregistered disconnected connecting(1) connected registerAccepted registered");
}

static void lost_while_it_stops(void **state)
{
	(void)state;
	agent_begin(&n.a);
	sidetone_ua_stop(n.a.ua);
	agent_drop(&n.a);
	agent_run(&n, 60000);
	assert_false(sidetone_ua_is_connected(n.a.ua));
	agent_forget(&n.a);
	assert_int_equal(sidetone_ua_start(n.a.ua), 0);
	agent_run(&n, 10);
	agent_expect(&n.a, "connecting(1) connected registerAccepted registered");
}

static void started_while_it_stops(void **state)
{
	(void)state;
	agent_begin(&n.a);
	sidetone_ua_stop(n.a.ua);
	assert_int_equal(sidetone_ua_start(n.a.ua), 0);
	agent_run(&n, 100);
	agent_expect(&n.a, "registerAccepted unregistered disconnected connecting(1) connected registerAccepted registered");
}

static void stop_and_start(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type != SIDETONE_CONNECTING || p->opens)
		return;
	p->on_event = NULL;
	sidetone_ua_stop(p->ua);
	sidetone_ua_start(p->ua);
}

static void started_anew_inside_connecting(void **state)
{
	(void)state;
	n.a.on_event = stop_and_start;
	assert_int_equal(sidetone_ua_start(n.a.ua), 0);
	agent_run(&n, 20);
	assert_true(sidetone_ua_is_registered(n.a.ua));
	assert_int_equal(n.a.opens, 1);
}

static void all_once_and_not_again(void **state)
{
	(void)state;
	sidetone_ua_set_bool(n.a.ua, "register", false);
	sidetone_ua_start(n.a.ua);
	assert_int_equal(sidetone_ua_unregister(n.a.ua, true, NULL), 0);
	agent_run(&n, 5);
	assert_int_equal(sidetone_ua_unregister(n.a.ua, true, "no header"), EINVAL);
	sidetone_ua_register(n.a.ua, NULL, false);
	agent_run(&n, 5);
	assert_false(agent_said(&n.a, "Contact: *"));
	assert_true(sidetone_ua_is_registered(n.a.ua));
}

static void free_the_agent(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type == SIDETONE_ACCEPTED || e->type == SIDETONE_UNREGISTERED) {
		sidetone_ua_free(p->ua);
		p->ua = NULL;
	}
}

static void freed_inside_a_request(void **state)
{
	(void)state;
	agent_begin(&n.a);
	agent_begin(&n.b);
	n.a.on_event = free_the_agent;
	sidetone_ua_request(n.a.ua, &(struct sidetone_request_options){ .method = "OPTIONS", .target = "bob" }, NULL);
	agent_run(&n, 10);
	assert_null(n.a.ua);
	n.b.on_event = free_the_agent;
	sidetone_ua_network_changed(n.b.ua);
	assert_null(n.b.ua);
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void a_message(void **state)
{
	const struct sidetone_request_options o = { .method = "MESSAGE", .target = "bob", .body = "hello", .headers = "X-Foo: bar" };

	(void)state;
	agent_begin(&n.a);
	agent_begin(&n.b);
	assert_int_equal(sidetone_ua_request(n.a.ua, &o, &n.a.request), 0);
	agent_run(&n, 10);
	agent_expect(&n.a, "accepted");
	agent_expect(&n.b, "message");
	assert_string_equal(n.b.text, "hello");
	assert_true(agent_said(&n.a, "MESSAGE sip:bob@example.com SIP/2.0\r\n"));
	assert_true(agent_said(&n.a, "X-Foo: bar\r\n"));
	assert_true(agent_said(&n.a, "Content-Type: text/plain\r\n"));
	assert_int_equal(sidetone_incoming_reply(n.b.incoming, 200, NULL, NULL, NULL, NULL), EALREADY);
	sidetone_incoming_free(n.b.incoming);
	sidetone_request_free(n.a.request);
}

static void a_request_waits_for_the_connection(void **state)
{
	const struct sidetone_request_options o = { .method = "OPTIONS", .target = "sip:bob@example.com" };

	(void)state;
	agent_begin(&n.b);
	assert_int_equal(sidetone_ua_start(n.a.ua), 0);
	assert_int_equal(sidetone_ua_request(n.a.ua, &o, NULL), 0);
	agent_run(&n, 10);
	agent_expect(&n.a, "connecting(1) connected registerAccepted registered accepted");
	assert_true(agent_said(&n.b, "Allow: "));
	assert_true(agent_said(&n.b, "Accept: application/sdp,application/dtmf-relay\r\n"));
}

static void no_answer_and_no_connection(void **state)
{
	const struct sidetone_request_options o = { .method = "MESSAGE", .target = "bob", .body = "x" };

	(void)state;
	agent_begin(&n.a);
	n.a.deaf = true;
	sidetone_ua_request(n.a.ua, &o, NULL);
	agent_run(&n, 32010);
	agent_expect(&n.a, "failed");
	assert_string_equal(n.a.cause, "Request Timeout");
	sidetone_ua_request(n.a.ua, &o, NULL);
	agent_run(&n, 5);
	agent_drop(&n.a);
	agent_run(&n, 1);
	assert_non_null(strstr(n.a.log, "failed"));
	assert_string_equal(n.a.cause, "Connection Error");
}

static void wrong_targets(void **state)
{
	struct sidetone_request_options o = { .method = "MESSAGE", .target = "a b@c@d", .body = "x" };

	(void)state;
	agent_begin(&n.a);
	assert_int_equal(sidetone_ua_request(n.a.ua, &o, NULL), 0);     /* what may not stand there is escaped */
	o.target = "bob@";
	assert_int_equal(sidetone_ua_request(n.a.ua, &o, NULL), EINVAL);
	assert_string_equal(sidetone_ua_error(n.a.ua), "Invalid target: bob@");
	o.target = "bob";
	o.from_display_name = "a\" <sip:b@c>\r\nX: y";
	assert_int_equal(sidetone_ua_request(n.a.ua, &o, NULL), EINVAL);
	assert_string_equal(sidetone_ua_error(n.a.ua), "Invalid value for parameter \"from_displayName\"");
	o.from_display_name = "A \"quoted\" name";
	assert_int_equal(sidetone_ua_request(n.a.ua, &o, NULL), 0);
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "From: \"A \\\"quoted\\\" name\" <sip:alice@example.com>"));
	o.target = NULL;
	assert_int_equal(sidetone_ua_request(n.a.ua, &o, NULL), EINVAL);
	assert_string_equal(sidetone_ua_error(n.a.ua), "Not enough arguments");
}

#define FROM_BOB "Via: SIP/2.0/WS x.invalid;branch=z9hG4bKx\nMax-Forwards: 70\nTo: <sip:alice@example.com>\n" \
	"From: <sip:bob@example.com>;tag=b\nCall-ID: c1\nContent-Length: 0\n"

static void what_strangers_ask(void **state)
{
	(void)state;
	agent_begin(&n.a);
	agent_hear(&n.a, "OPTIONS sip:nobody@example.com SIP/2.0\nCSeq: 1 OPTIONS\n" FROM_BOB "\n");
	assert_true(agent_said(&n.a, "SIP/2.0 404 "));
	agent_hear(&n.a, "OPTIONS tel:1 SIP/2.0\nCSeq: 2 OPTIONS\n" FROM_BOB "\n");
	assert_true(agent_said(&n.a, "SIP/2.0 416 "));
	agent_hear(&n.a, "BYE sip:alice@example.com SIP/2.0\nCSeq: 3 BYE\n" FROM_BOB "\n");
	assert_true(agent_said(&n.a, "SIP/2.0 481 "));
	agent_hear(&n.a, "FOO sip:alice@example.com SIP/2.0\nCSeq: 4 FOO\n" FROM_BOB "\n");
	assert_true(agent_said(&n.a, "SIP/2.0 405 "));
	agent_hear(&n.a, "NOTIFY sip:alice@example.com SIP/2.0\nEvent: x\nSubscription-State: active\nCSeq: 5 NOTIFY\n" FROM_BOB "\n");
	assert_true(agent_said(&n.a, "SIP/2.0 481 Subscription does not exist\r\n"));
	agent_hear(&n.a, "REFER sip:alice@example.com SIP/2.0\nRefer-To: <sip:c@d>\nContact: <sip:b@c>\nCSeq: 6 REFER\n" FROM_BOB "\n");
	assert_true(agent_said(&n.a, "SIP/2.0 405 "));
	agent_expect(&n.a, "");
}

static void legacy_notifications(void **state)
{
	(void)state;
	sidetone_ua_set_bool(n.a.ua, "allowLegacyNotifications", true);
	agent_begin(&n.a);
	agent_hear(&n.a, "NOTIFY sip:alice@example.com SIP/2.0\nEvent: x\nSubscription-State: active\nCSeq: 5 NOTIFY\n" FROM_BOB "\n");
	assert_true(agent_said(&n.a, "SIP/2.0 200 "));
	agent_expect(&n.a, "notifyOutOfDialog");
}

static void a_refer_outside_of_calls(void **state)
{
	(void)state;
	sidetone_ua_set_bool(n.a.ua, "allowOutOfDialogRefers", true);
	agent_begin(&n.a);
	agent_hear(&n.a, "REFER sip:alice@example.com SIP/2.0\nRefer-To: <sip:c@d>\nContact: <sip:b@c>\nCSeq: 6 REFER\n" FROM_BOB "\n");
	agent_expect(&n.a, "outOfDialogReferRequested");
	assert_int_equal(sidetone_refer_accept(n.a.incoming, NULL), 0);
	agent_run(&n, 2);
	assert_string_equal(n.a.sent, "202 NOTIFY");
	assert_true(agent_said(&n.a, "SIP/2.0 100 Trying"));
	assert_int_equal(sidetone_refer_tell(n.a.incoming, 200, NULL), 0);
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "Subscription-State: terminated;reason=noresource\r\n"));
	assert_int_equal(sidetone_refer_tell(n.a.incoming, 200, NULL), EALREADY);
	sidetone_incoming_free(n.a.incoming);
}

/* ---- parameters that show on the wire -------------------------------------------------------------- */

static void parameters_of_the_wire(void **state)
{
	(void)state;
	sidetone_ua_set_string(n.a.ua, "userAgentString", "Phone/1");
	sidetone_ua_set_string(n.a.ua, "hackIpInContact", "192.0.2.55");
	sidetone_ua_set_bool(n.a.ua, "hackWssInTransport", true);
	sidetone_ua_set_bool(n.a.ua, "hackViaTcp", true);
	sidetone_ua_set_bool(n.a.ua, "forceRport", true);
	sidetone_ua_set_bool(n.a.ua, "usePreloadedRoute", true);
	sidetone_ua_set_string(n.a.ua, "contactName", "me");
	sidetone_ua_set_string(n.a.ua, "instanceId", "8f1fa16a-1165-4a96-8341-785b1ef24f12");
	sidetone_ua_set_string(n.a.ua, "registrarServer", "sip:registrar.example.com");
	sidetone_ua_set_string(n.a.ua, "authorizationUser", "alice123");
	sidetone_ua_set_string(n.a.ua, "password", "x");
	n.a.challenges = 1;
	agent_begin(&n.a);
	assert_true(agent_said(&n.a, "REGISTER sip:registrar.example.com SIP/2.0\r\n"));
	assert_true(agent_said(&n.a, "Via: SIP/2.0/TCP 192.0.2.55;"));
	assert_true(agent_said(&n.a, ";rport"));
	assert_true(agent_said(&n.a, "User-Agent: Phone/1\r\n"));
	assert_true(agent_said(&n.a, "urn:uuid:8f1fa16a-1165-4a96-8341-785b1ef24f12"));
	assert_true(agent_said(&n.a, "username=\"alice123\""));
	assert_true(agent_said(&n.a, "Contact: <sip:me@192.0.2.55;transport="));
	sidetone_ua_request(n.a.ua, &(struct sidetone_request_options){ .method = "OPTIONS", .target = "bob" }, NULL);
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "Route: <sip:server.example:8088;transport=ws;lr>\r\n"));
}

static void bad_parameters(void **state)
{
	(void)state;
	assert_int_equal(sidetone_ua_set_number(n.a.ua, "registerExpires", -1), EINVAL);
	assert_string_equal(sidetone_ua_error(n.a.ua), "Invalid value -1 for parameter \"registerExpires\"");
	assert_int_equal(sidetone_ua_set_number(n.a.ua, "nonsense", 1), ENOENT);
	sidetone_ua_set_number(n.a.ua, "connectionRecoveryMaxInterval", 1);
	assert_int_equal(sidetone_ua_start(n.a.ua), EINVAL);
	assert_non_null(strstr(sidetone_ua_error(n.a.ua), "connectionRecoveryMaxInterval"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(it_registers), T(it_renews_three_seconds_before_the_end), T(it_answers_a_challenge), T(a_scheme_of_the_application), T(a_wrong_password_is_told),
		T(it_tries_again), T(a_longer_time_is_asked_for), T(it_unregisters), T(headers_of_the_application), T(it_stops),
		T(a_lost_connection_is_made_again), T(it_gives_up_a_server_that_does_not_come_back), T(rounds_grow),
		T(a_dead_flow_is_found), T(another_network), T(lost_while_it_stops), T(started_while_it_stops),
		T(started_anew_inside_connecting), T(all_once_and_not_again), T(freed_inside_a_request), T(a_message), T(a_request_waits_for_the_connection),
		T(no_answer_and_no_connection), T(wrong_targets), T(what_strangers_ask), T(legacy_notifications),
		T(a_refer_outside_of_calls), T(parameters_of_the_wire), T(bad_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
