/* What a user agent watches and publishes. */
#include "agent_net.h"
#include "base/buf.h"
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
static struct sidetone_subscription *sub;
static struct sidetone_publication *pub;

static int setup(void **state)
{
	(void)state;
	agent_open(&n);
	sub = NULL;
	pub = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sidetone_subscription_free(sub);
	sidetone_publication_free(pub);
	return agent_close(&n);
}

/* The value of a header in what alice sent last. */
static const char *value(const char *name)
{
	static char out[256];
	char find[64];
	const char *p;

	snprintf(find, sizeof(find), "\n%s: ", name);
	p = strstr(n.a.said, find);
	assert_non_null(p);
	p += strlen(find);
	snprintf(out, sizeof(out), "%.*s", (int)strcspn(p, "\r"), p);
	return out;
}

/* A response to what alice sent last; the server is played by the test, so she is deaf. */
static void answer(unsigned status, const char *headers)
{
	char text[2048], via[256], from[256], to[256], id[256];

	snprintf(via, sizeof(via), "%s", value("Via"));
	snprintf(from, sizeof(from), "%s", value("From"));
	snprintf(to, sizeof(to), "%s", value("To"));
	snprintf(id, sizeof(id), "%s", value("Call-ID"));
	snprintf(text, sizeof(text), "SIP/2.0 %u x\nVia: %s\nFrom: %s\nTo: %s%s\nCall-ID: %s\nCSeq: %s\n%sContent-Length: 0\n\n", status, via,
		 from, to, strstr(to, ";tag=") ? "" : ";tag=server", id, value("CSeq"), headers);
	agent_hear(&n.a, text);
}

static void notify(unsigned cseq, const char *state, const char *body)
{
	char text[2048], from[256], id[256];

	snprintf(from, sizeof(from), "%s", value("From"));
	snprintf(id, sizeof(id), "%s", value("Call-ID"));
	snprintf(text, sizeof(text), "NOTIFY sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS s;branch=z9hG4bKn%u\nMax-Forwards: 70\n"
		 "To: %s\nFrom: <sip:bob@example.com>;tag=server\nCall-ID: %s\nCSeq: %u NOTIFY\nContact: <sip:bob@s>\nEvent: presence\n"
		 "Subscription-State: %s\nContent-Type: application/pidf+xml\nContent-Length: %zu\n\n%s", cseq, from, id, cseq, state,
		 strlen(body), body);
	agent_hear(&n.a, text);
}

static void watch(void)
{
	const struct sidetone_request_options o = { .target = "bob", .headers = "X-Foo: bar" };

	agent_begin(&n.a);
	n.a.deaf = true;
	assert_int_equal(sidetone_ua_subscribe(n.a.ua, &o, "presence", 100, &sub), 0);
	agent_run(&n, 2);
}

static void it_watches(void **state)
{
	char sent[4096];

	(void)state;
	watch();
	assert_true(agent_said(&n.a, "SUBSCRIBE sip:bob@example.com SIP/2.0\r\n"));
	assert_true(agent_said(&n.a, "Event: presence\r\n"));
	assert_true(agent_said(&n.a, "Expires: 100\r\n"));
	assert_true(agent_said(&n.a, "X-Foo: bar\r\n"));
	snprintf(sent, sizeof(sent), "%s", n.a.said);
	answer(200, "Contact: <sip:bob@s>\nExpires: 100\n");
	agent_run(&n, 2);
	agent_expect(&n.a, "subscriptionState accepted");
	notify(1, "active;expires=100", "open");
	assert_true(agent_said(&n.a, "SIP/2.0 200 OK"));
	agent_run(&n, 2);
	agent_expect(&n.a, "dialog notify subscriptionState");
	assert_string_equal(n.a.text, "active");
	agent_run(&n, 100000);
	assert_true(agent_said(&n.a, "SUBSCRIBE sip:bob@s SIP/2.0\r\n"));     /* renewed in time, in the dialog */
}

static void the_end_of_a_subscription(void **state)
{
	(void)state;
	watch();
	answer(200, "Contact: <sip:bob@s>\nExpires: 100\n");
	agent_run(&n, 2);
	snprintf(n.a.sent, sizeof(n.a.sent), "%s", "");
	notify(1, "active;expires=100", "open");
	agent_run(&n, 2);
	agent_forget(&n.a);
	assert_int_equal(sidetone_subscription_end(sub), 0);
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "Expires: 0\r\n"));
	agent_expect(&n.a, "subscriptionState");
	assert_string_equal(n.a.text, "terminated");
}

static void free_when_over(struct agent_party *p, const struct sidetone_event *e)
{
	(void)p;
	if (e->type != SIDETONE_SUBSCRIPTION_STATE || strcmp(e->text, "terminated"))
		return;
	sidetone_subscription_free(e->subscription);
	sub = NULL;
}

/* Freed by whoever hears that it has ended, while the agent stops: what is owed to the server leaves all the same. */
static void freed_at_its_end(void **state)
{
	(void)state;
	watch();
	answer(200, "Contact: <sip:bob@s>\nExpires: 100\n");
	agent_run(&n, 2);
	notify(1, "active;expires=100", "open");
	agent_run(&n, 2);
	n.a.on_event = free_when_over;
	sidetone_ua_stop(n.a.ua);
	agent_run(&n, 2);
	assert_null(sub);
	assert_true(agent_said(&n.a, "SUBSCRIBE ") && agent_said(&n.a, "Expires: 0\r\n"));
}

static void a_subscription_is_refused(void **state)
{
	(void)state;
	watch();
	answer(404, "");
	agent_run(&n, 2);
	agent_expect(&n.a, "subscriptionState failed rejected subscriptionState");
	assert_string_equal(n.a.cause, "Not Found");
}

static void a_subscription_outlives_the_connection(void **state)
{
	(void)state;
	watch();
	answer(200, "Contact: <sip:bob@s>\nExpires: 100\n");
	notify(1, "active;expires=100", "open");
	agent_run(&n, 2);
	n.a.deaf = false;
	agent_drop(&n.a);
	agent_forget(&n.a);
	agent_run(&n, 20);
	assert_non_null(strstr(n.a.sent, "SUBSCRIBE"));
}

static void an_event_is_needed(void **state)
{
	(void)state;
	agent_begin(&n.a);
	assert_int_equal(sidetone_ua_subscribe(n.a.ua, &(struct sidetone_request_options){ .target = "bob" }, NULL, 0, &sub), EINVAL);
	assert_string_equal(sidetone_ua_error(n.a.ua), "Event necessary to create a subscription.");
}

/* ---- publications --------------------------------------------------------------------------- */

static void publish(void)
{
	const struct sidetone_request_options o = { .target = "alice", .body = "open", .content_type = "application/pidf+xml" };

	agent_begin(&n.a);
	n.a.deaf = true;
	assert_int_equal(sidetone_ua_publish(n.a.ua, &o, "presence", 100, &pub), 0);
	agent_run(&n, 2);
}

static void it_publishes(void **state)
{
	(void)state;
	publish();
	assert_true(agent_said(&n.a, "PUBLISH sip:alice@example.com SIP/2.0\r\n"));
	assert_true(agent_said(&n.a, "Expires: 100\r\n"));
	assert_false(agent_said(&n.a, "SIP-If-Match"));
	answer(200, "SIP-ETag: one\nExpires: 100\n");
	agent_expect(&n.a, "published");
	agent_run(&n, 90100);
	assert_true(agent_said(&n.a, "SIP-If-Match: one\r\n"));
	assert_true(agent_said(&n.a, "Content-Length: 0\r\n"));        /* renewed: no body */
	answer(200, "SIP-ETag: two\nExpires: 100\n");
	sidetone_publication_update(pub, NULL, "closed");
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "SIP-If-Match: two\r\n"));
	assert_true(agent_said(&n.a, "\r\n\r\nclosed"));
	answer(200, "SIP-ETag: three\nExpires: 100\n");
	sidetone_publication_end(pub);
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "SIP-If-Match: three\r\n"));
	assert_true(agent_said(&n.a, "Expires: 0\r\n"));
	answer(200, "Expires: 0\n");
	agent_expect(&n.a, "published published unpublished");
}

static void a_tag_that_is_forgotten(void **state)
{
	(void)state;
	publish();
	answer(200, "SIP-ETag: one\nExpires: 100\n");
	agent_run(&n, 90100);
	answer(412, "");
	agent_run(&n, 2);
	assert_false(agent_said(&n.a, "SIP-If-Match"));
	assert_true(agent_said(&n.a, "\r\n\r\nopen"));
	answer(200, "SIP-ETag: two\nExpires: 100\n");
	agent_expect(&n.a, "published published");
}

static void a_longer_time(void **state)
{
	(void)state;
	publish();
	answer(423, "Min-Expires: 300\n");
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "Expires: 300\r\n"));
}

static void it_is_refused(void **state)
{
	(void)state;
	publish();
	answer(403, "");
	agent_expect(&n.a, "failed unpublished");
	assert_string_equal(n.a.cause, "Rejected");
	assert_int_equal(sidetone_publication_update(pub, NULL, NULL), EINVAL);
}

static void a_body_without_its_end(void **state)
{
	char *body = malloc(4);

	(void)state;
	memcpy(body, "open", 4);
	agent_begin(&n.a);
	n.a.deaf = true;
	assert_int_equal(sidetone_ua_publish(n.a.ua, &(struct sidetone_request_options){ .target = "alice", .body = body, .body_n = 4 },
					     "presence", 100, &pub), 0);
	free(body);
	agent_run(&n, 2);
	assert_true(agent_said(&n.a, "Content-Length: 4\r\n\r\nopen"));
	answer(412, "");        /* of a tag that was never sent */
	agent_expect(&n.a, "failed unpublished");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(it_watches), T(the_end_of_a_subscription), T(freed_at_its_end), T(a_subscription_is_refused), T(a_subscription_outlives_the_connection),
		T(an_event_is_needed), T(it_publishes), T(a_tag_that_is_forgotten), T(a_longer_time), T(it_is_refused), T(a_body_without_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
