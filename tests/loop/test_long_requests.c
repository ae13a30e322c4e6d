/* disable_tcp_switch=no: requests that are too long for UDP go by TCP, and by UDP when that leads nowhere. */
#include "svc_wire.h"
#include "base/obj.h"
#include "service/message/notify.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define TCP "[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:5060\n"
#define SWITCH "[system]\ntype=system\ndisable_tcp_switch=no\n"
#define DESK(has) "[desk]\ntype=endpoint\nallow=ulaw\naors=desk\n" has "[desk]\ntype=aor\ncontact=sip:desk@127.0.0.1:5070\n"

static struct wire t;

static void begin(const char *pjsip)
{
	wire_open(&t, "[default]\nexten => 1,1,Answer()\n", pjsip);
}

static int setup(void **state)
{
	(void)state;
	begin(WIRE_UDP TCP SWITCH DESK(""));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

/* A request with so many bytes besides its usual ones. */
static void notify(size_t more)
{
	static char x[4096];
	struct notify_item items[] = { { STR_INIT("Event"), STR_INIT("check-sync") }, { STR_INIT("X-Long"), { x, more } } };

	memset(x, 'x', sizeof(x));
	wire_forget(&t);
	assert_int_equal(notify_uri(t.svc, STR("desk"), items, 2), 0);
	world_turn(&t.w);
	assert_int_equal(t.n, 1);
}

static void by_length(void **state)
{
	size_t usual;

	(void)state;
	notify(1);
	assert_int_equal(t.path[0].proto, NET_UDP);
	usual = t.sent[0]->bytes.n - 1;
	notify(1299 - usual);
	assert_int_equal(t.sent[0]->bytes.n, 1299);
	assert_int_equal(t.path[0].proto, NET_UDP);
	notify(1300 - usual);
	assert_int_equal(t.path[0].proto, NET_TCP);
	assert_int_equal(sa_port(&t.path[0].peer), 5070);
	assert_int_equal(str_find(t.sent[0]->bytes, STR("Via: SIP/2.0/TCP ")) < t.sent[0]->bytes.n, true);
	wire_reply(&t, SIP_NOTIFY, 200, "");
}

static void back_to_udp(void **state)
{
	struct net_bytes *bytes;
	struct net_path path;

	(void)state;
	notify(1400);
	assert_int_equal(t.path[0].proto, NET_TCP);
	bytes = obj_hold(t.newest);
	path = t.path[0];
	wire_forget(&t);
	sip_stack_send_failed(t.svc->sip, &path, bytes, ECONNREFUSED);
	obj_drop(bytes);
	world_pass(&t.w, 10);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.path[0].proto, NET_UDP);
	assert_true(t.sent[0]->bytes.n > 1400);
	wire_reply(&t, SIP_NOTIFY, 200, "");
}

static void stays_with(const char *pjsip)
{
	wire_close(&t);
	begin(pjsip);
	notify(1400);
	assert_int_equal(t.path[0].proto, NET_UDP);
}

static void without(void **state)
{
	(void)state;
	stays_with(WIRE_UDP TCP DESK(""));
	stays_with(WIRE_UDP TCP "[system]\ntype=system\ndisable_tcp_switch=yes\n" DESK(""));
	stays_with(WIRE_UDP TCP SWITCH DESK("transport=udp\n"));
	stays_with(WIRE_UDP SWITCH DESK(""));           /* there is no TCP */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(by_length), T(back_to_udp), T(without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
