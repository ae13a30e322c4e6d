/* ICE on media threads of their own: two wires on two threads find each other over real sockets, one of them
 * moves to a third wire's thread, and its agent goes along with its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include "media/ice_media.h"
#include "media_stage.h"

static int up(void **state)
{
	(void)state;
	return media_up_threads(2, 0);
}

static void start(struct media_session *s, enum ice_role role)
{
	struct media_ice_host host = { 0 };
	struct media_ice_prm prm = { .role = role, .components = 1, .host = &host, .nhosts = 1 };

	sa_parse_host(&host.addr, STR("127.0.0.1"), 0);
	assert_int_equal(media_ice_start(s, &prm), 0);
}

static void describe(struct media_session *from, struct media_session *to)
{
	struct ice_remote r = { .ufrag = str_z(media_ice_own(from)->ufrag), .pwd = str_z(media_ice_own(from)->pwd), .done = true };
	struct candidate cand;

	ice_candidate_describe(media_ice_local(from, 0), &cand);
	assert_int_equal(media_ice_remote(to, &r, true, &cand, 1), 0);
}

static void wait_connected(struct media_session *x, struct media_session *y)
{
	for (int i = 0; i < 1000 && (media_ice_state(x) != ICE_CONNECTED || media_ice_state(y) != ICE_CONNECTED); i++) {
		poll(NULL, 0, 5);
		media_poll(m, 0);
	}
	assert_int_equal(media_ice_state(x), ICE_CONNECTED);
	assert_int_equal(media_ice_state(y), ICE_CONNECTED);
}

static uint64_t packets(struct media_session *s)
{
	int n = got_n;

	assert_int_equal(media_stats(s, on_stats, NULL), 0);
	for (int i = 0; i < 1000 && got_n == n; i++) {
		poll(NULL, 0, 1);
		media_poll(m, 0);
	}
	assert_int_equal(got_n, n + 1);
	return got.rx;
}

static void hears_more(struct media_session *s)
{
	uint64_t before = packets(s);

	for (int i = 0; i < 200 && packets(s) < before + 3; i++)
		poll(NULL, 0, 10);
	assert_true(packets(s) >= before + 3);
}

static void test_move(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL), *far = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);

	(void)state;
	set.rtcp_mux = true;
	media_session_set(x, &set);
	media_session_set(y, &set);
	start(x, ICE_CONTROLLING);
	start(y, ICE_CONTROLLED);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	media_session_set(far, &set);
	describe(x, y);
	describe(y, x);
	wait_connected(x, y);
	media_silence(x, true);
	hears_more(y);
	for (int round = 0; round < 4; round++) {
		/* x and far are on one thread, y is on the other: it comes, or far goes. */
		assert_int_equal(media_bridge(round & 1 ? x : y, far), 0);
		assert_int_equal(media_ice_restart(x, ICE_CONTROLLING), 0);
		assert_int_equal(media_ice_restart(y, ICE_CONTROLLED), 0);
		hears_more(y);          /* over the old path meanwhile */
		describe(x, y);
		describe(y, x);
		/* Only an agent with a clock gets through this. */
		for (int i = 0; i < 200 && media_ice_state(x) == ICE_CONNECTED; i++) {
			poll(NULL, 0, 1);
			media_poll(m, 0);
		}
		wait_connected(x, y);
		assert_int_equal(media_unbridge(far), 0);
		hears_more(y);
	}
	media_session_close(x, NULL, NULL);
	/* y and far are closed with the media. */
	obj_drop(y);
	obj_drop(far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_move, up, media_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
