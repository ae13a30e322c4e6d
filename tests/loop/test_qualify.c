/* Which contacts count as there: those that answered, and those never asked. */
#include "service/place/endpoint_state.h"
#include "svc_wire.h"
#include "pbx/devstate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define ENDPOINT \
	WIRE_UDP \
	"[bob]\ntype=endpoint\naors=bob\nallow=!all,ulaw\n" \
	"[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"

static const char asked[] = ENDPOINT "qualify_frequency=10\nqualify_timeout=3\n";
static const char proven[] = ENDPOINT "qualify_frequency=10\nqualify_2xx_only=yes\n";
static const char trusted[] = ENDPOINT;

static struct wire t;

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static int device(void)
{
	return endpoint_device_state(t.svc, STR("bob"));
}

static void wait_for_options(void)
{
	for (int i = 0; i < 12 && !(t.n && wire_last(&t)->request); i++)
		world_pass(&t.w, 1000);
	assert_true(t.n && wire_last(&t)->method == SIP_OPTIONS);
}

static void told(const char *status, unsigned times)
{
	assert_int_equal(world_events(&t.w, "PeerStatus", status), times);
}

static void an_answer_makes_it_there(void **state)
{
	(void)state;
	wire_open(&t, "", asked);
	assert_int_equal(device(), DEV_UNAVAILABLE);
	told("PeerStatus: Reachable", 0);
	wait_for_options();
	wire_reply(&t, SIP_OPTIONS, 404, "");
	assert_int_equal(device(), DEV_NOT_INUSE);
	told("PeerStatus: Reachable", 1);
	wait_for_options();
	world_pass(&t.w, 3100);         /* qualify_timeout */
	assert_int_equal(device(), DEV_UNAVAILABLE);
	told("PeerStatus: Unreachable", 1);
	assert_int_equal(world_events(&t.w, "ContactStatus", "ContactStatus: Unreachable"), 1);
}

static void only_2xx_may_count(void **state)
{
	(void)state;
	wire_open(&t, "", proven);
	wait_for_options();
	wire_reply(&t, SIP_OPTIONS, 404, "");
	assert_int_equal(device(), DEV_UNAVAILABLE);
	wait_for_options();
	wire_reply(&t, SIP_OPTIONS, 200, "");
	assert_int_equal(device(), DEV_NOT_INUSE);
}

static void a_reload_begins_to_ask(void **state)
{
	(void)state;
	wire_open(&t, "", trusted);
	assert_int_equal(device(), DEV_NOT_INUSE);
	wire_reload(&t, asked);
	assert_int_equal(device(), DEV_UNAVAILABLE);
	told("PeerStatus: Unreachable", 1);
	wire_reload(&t, trusted);
	assert_int_equal(device(), DEV_NOT_INUSE);
}

static void a_reload_takes_it_away(void **state)
{
	static const char none[] =
		WIRE_UDP
		"[bob]\ntype=endpoint\naors=bob\nallow=!all,ulaw\n[bob]\ntype=aor\n";

	(void)state;
	wire_open(&t, "", trusted);
	wire_reload(&t, none);
	assert_int_equal(device(), DEV_UNAVAILABLE);
	assert_int_equal(world_events(&t.w, "ContactStatus", "ContactStatus: Removed"), 1);
	assert_int_equal(world_events(&t.w, "ContactStatus", "EndpointName: bob"), 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		T(an_answer_makes_it_there), T(only_2xx_may_count), T(a_reload_begins_to_ask),
		T(a_reload_takes_it_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
