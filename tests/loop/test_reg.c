/* Event reg (RFC 3680): who registers, as the owner of the AOR hears it. */
#include "watcher.h"
#include "service/event/subscription.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const char plan[] = "[default]\nexten => 100,1,NoOp()\n";
static const char conf[] = WIRE_UDP
	"[alice]\ntype=endpoint\naors=alice\ncontext=default\nallow=!all,ulaw\n"
	"[alice]\ntype=aor\nmax_contacts=2\nminimum_expiration=1\nremove_existing=yes\n"
	"[bob]\ntype=endpoint\naors=bob\ncontext=default\nallow=!all,ulaw\n"
	"[bob]\ntype=aor\nmax_contacts=1\ncontact=sip:bob@192.0.2.9\n";

static struct wire t;
static struct watcher phone, watch;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	phone = (struct watcher){ .t = &t, .user = "alice", .to = "alice", .peer = "192.0.2.1:5070", .call = 1 };
	watch = (struct watcher){ .t = &t, .user = "alice", .to = "alice", .peer = "192.0.2.7:5070", .call = 2 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static unsigned registers(const char *contact)
{
	char headers[512];
	unsigned status;

	snprintf(headers, sizeof(headers), "Contact: %s\r\n", contact);
	status = watcher_ask(&phone, "REGISTER", headers, "");
	world_pass(&t.w, 5);            /* what one REGISTER does is told together */
	return status;
}

static void contacts_come_and_go(void **state)
{
	(void)state;
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nAccept: application/reginfo+xml\r\nExpires: 3600\r\n"), 200);
	assert_string_equal(wire_header(watcher_notify(&watch), "Content-Type"), "application/reginfo+xml");
	assert_string_equal(wire_header(watcher_notify(&watch), "Event"), "reg");
	watcher_hears(&watch, "active;expires=3600", "version=\"0\" state=\"full\"", "aor=\"sip:alice@127.0.0.1\" id=\"alice\" state=\"init\"", NULL);
	world_pass(&t.w, 6000);
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=600;+sip.instance=\"<urn:uuid:1>\";reg-id=1"), 200);
	watcher_hears(&watch, "active", "version=\"1\" state=\"partial\"", "id=\"alice\" state=\"active\"",
		      "state=\"active\" event=\"registered\" duration-registered=\"0\" expires=\"600\" callid=\"w1\" cseq=\"1\"",
		      "<uri>sip:one@192.0.2.1</uri>", "name=\"+sip.instance\">", "urn:uuid:1", NULL);
	world_pass(&t.w, 10000);
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=300"), 200);
	watcher_hears(&watch, "active", "version=\"2\" state=\"partial\"", "event=\"refreshed\" duration-registered=\"10\" expires=\"300\"", NULL);
	world_pass(&t.w, 6000);
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=0"), 200);
	watcher_hears(&watch, "active", "version=\"3\"", "id=\"alice\" state=\"terminated\"", "state=\"terminated\" event=\"unregistered\"", NULL);
	/* Whoever asks again hears all, and what is over is over. */
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nExpires: 600\r\n"), 200);
	assert_true(str_find(watcher_notify(&watch)->body, STR("<contact")) == watcher_notify(&watch)->body.n);
	watcher_hears(&watch, "active;expires=600", "version=\"4\" state=\"full\"", "state=\"init\"", NULL);
}

/* One NOTIFY in five seconds, of each contact the newest state. */
static void gathered(void **state)
{
	(void)state;
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=8"), 200);
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\n"), 200);
	watcher_hears(&watch, "active", "state=\"full\"", "event=\"registered\"", "sip:one@", NULL);
	assert_int_equal(registers("<sip:two@192.0.2.1>;expires=60"), 200);
	watcher_hears_nothing(&watch);
	assert_int_equal(registers("<sip:two@192.0.2.1>;expires=90"), 200);
	watcher_hears_nothing(&watch);
	world_pass(&t.w, 5000);
	assert_true(str_find(watcher_notify(&watch)->body, STR("sip:one@")) == watcher_notify(&watch)->body.n);
	watcher_hears(&watch, "active", "state=\"partial\"", "event=\"refreshed\"", "sip:two@", NULL);
	world_pass(&t.w, 5100);
	world_pass(&t.w, 5);
	watcher_hears(&watch, "active", "state=\"partial\"", "event=\"expired\"", "sip:one@", "id=\"alice\" state=\"active\"", NULL);
}

/* More than max_contacts: the one that ends first gives way. */
static void displaced(void **state)
{
	(void)state;
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=60"), 200);
	assert_int_equal(registers("<sip:two@192.0.2.1>;expires=90"), 200);
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\n"), 200);
	watcher_hears(&watch, "active", "sip:one@", "sip:two@", NULL);
	world_pass(&t.w, 6000);
	assert_int_equal(registers("<sip:three@192.0.2.1>;expires=90"), 200);
	watcher_hears(&watch, "active", "event=\"registered\"", "sip:three@", "event=\"rejected\"", "sip:one@", NULL);
}

/* The last NOTIFY has all that there is. */
static void it_ends(void **state)
{
	(void)state;
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=600"), 200);
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nExpires: 60\r\n"), 200);
	watcher_hears(&watch, "active", NULL);
	world_pass(&t.w, 60100);
	watcher_hears(&watch, "terminated;reason=timeout", "state=\"full\"", "sip:one@", NULL);
	/* Also when the one before it is on its way still. */
	watch.call++;
	watch.tag[0] = '\0';
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nExpires: 60\r\n"), 200);
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nExpires: 0\r\n"), 200);
	wire_forget(&t);
	world_pass(&t.w, 1000);
	watcher_hears(&watch, "active", NULL);
}

/* Just once (RFC 6665 4.4.3). */
static void fetched(void **state)
{
	struct subscription_walk walk = { 0 };
	struct subscription_row row;

	(void)state;
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=600"), 200);
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nExpires: 0\r\n"), 200);
	assert_string_equal(wire_header(watcher_notify(&watch), "Subscription-State"), "terminated;reason=timeout");
	assert_false(subscription_next(t.svc, &walk, &row));
	watcher_hears(&watch, "terminated", "state=\"full\"", "sip:one@", NULL);
	assert_int_equal(registers("<sip:one@192.0.2.1>;expires=0"), 200);
	world_pass(&t.w, 6000);
	watcher_hears_nothing(&watch);
	/* And nobody answers it. */
	watch.call++;
	watch.tag[0] = '\0';
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nExpires: 0\r\n"), 200);
}

static void of_the_configuration(void **state)
{
	(void)state;
	watch.user = watch.to = "bob";
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\n"), 200);
	watcher_hears(&watch, "active", "event=\"created\"", "sip:bob@192.0.2.9", NULL);
	world_pass(&t.w, 6000);
	wire_reload(&t, WIRE_UDP "[bob]\ntype=endpoint\naors=bob\ncontext=default\n[bob]\ntype=aor\nmax_contacts=1\n");
	world_pass(&t.w, 5);
	watcher_hears(&watch, "active", "event=\"rejected\"", "sip:bob@192.0.2.9", "id=\"bob\" state=\"terminated\"", NULL);
}

static void refused(void **state)
{
	(void)state;
	watch.to = "bob";
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\n"), 403);
	watch.to = "nobody";
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\n"), 403);
	watch.to = "alice";
	assert_int_equal(watcher_subscribe(&watch, "Event: reg\r\nAccept: application/pidf+xml\r\n"), 489);
	assert_non_null(strstr(wire_header(wire_last(&t), "Allow-Events"), "reg"));
	/* Who asks for what Asterisk has is told what Asterisk has. */
	assert_int_equal(watcher_subscribe(&watch, "Event: nothing\r\n"), 489);
	assert_null(strstr(wire_header(wire_last(&t), "Allow-Events"), "reg"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(contacts_come_and_go), T(gathered), T(displaced), T(it_ends), T(fetched), T(of_the_configuration), T(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
