/* The life of a media session: its ports, its time-outs, and that nothing is done once it is
 * closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>
#include "media_stage.h"

static void test_timeout_keepalive(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);

	(void)state;
	set.timeout_ms = 5000;
	set.keepalive_ms = 3000;
	media_session_set(x, &set);
	pass(4900);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.rx[0].pt, 13);
	pass(1200);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	assert_in_range(last(&sx, MEDIA_TIMEOUT)->ms, 5000, 6100);
	pass(10000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	phone_send(&a, x, 0, noise, 160, 160);
	pass(7000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 2);
	media_session_close(x, NULL, NULL);
}

static int up_range(void **state)
{
	/* A range that was free a moment ago. */
	struct sa at;
	int fd = sock_bind(&at);
	unsigned base = (unsigned)(sa_port(&at) + 1) & 0xfffe;

	(void)state;
	close(fd);
	return media_up_with(base, base + 5);
}

static void test_ports(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = 0xb8, .cos = 5 };
	struct media_session *v[4] = { 0 };
	struct media_counters cnt;
	size_t n = 0;

	(void)state;
	/* Three pairs at most (fewer when somebody else sits in the range). */
	while (n < 4 && !media_session_new(&v[n], m, &prm)) {
		for (size_t i = 0; i < n; i++)
			assert_int_not_equal(sa_port(media_session_local(v[i])), sa_port(media_session_local(v[n])));
		n++;
	}
	assert_in_range(n, 1, 3);
	media_count(m, &cnt);
	assert_int_equal(cnt.ports_used, n);
	assert_int_equal(cnt.ports_exhausted, 1);
	assert_int_equal(media_session_new(&v[n], m, &prm), ENOBUFS);
	media_session_close(v[0], NULL, NULL);
	settle();
	assert_int_equal(media_session_new(&v[0], m, &prm), 0);
	for (size_t i = 0; i < n; i++)
		media_session_close(v[i], NULL, NULL);
	settle();
	media_count(m, &cnt);
	assert_int_equal(cnt.ports_used, 0);
	sa_parse_host(&prm.bind, STR("192.0.2.77"), 0);
	assert_int_equal(media_session_new(&v[0], m, &prm), EADDRNOTAVAIL);
}

static void test_closed(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL), *z = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	struct sound *snd = ulaw_sound(8000, 1);

	(void)state;
	media_session_set(x, &set);
	media_bridge(x, y);
	assert_int_equal(media_bridge(x, x), EINVAL);
	/* Another bridge takes it out of the first. */
	assert_int_equal(media_bridge(x, z), 0);
	assert_false(media_session_bridged(y));
	media_play_sounds(x, &snd, 1, 1);
	media_dtmf_send(x, STR("123"), 0, 0, 2);
	obj_hold(x);
	media_session_close(x, NULL, NULL);
	/* Its name is still good, itself is not. */
	assert_int_equal(media_session_set(x, &set), ESHUTDOWN);
	assert_int_equal(media_bridge(x, z), ESHUTDOWN);
	assert_int_equal(media_play_sounds(x, &snd, 1, 1), ESHUTDOWN);
	assert_false(media_session_bridged(z));
	pass(100);
	assert_int_equal(sx.n, 0);
	assert_int_equal(media_echo(x, true), ESHUTDOWN);
	obj_drop(x);
	obj_drop(snd);
	set.codec[0].pt_rx = 128;
	assert_int_equal(media_session_set(y, &set), EINVAL);
	set.ncodecs = MEDIA_MAX_CODECS + 1;
	assert_int_equal(media_session_set(y, &set), EINVAL);
	media_session_close(y, NULL, NULL);
	/* z is left for media_close() to end. */
	obj_drop(z);
}

#define T(f) cmocka_unit_test_setup_teardown(f, media_up, media_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_timeout_keepalive), T(test_closed),
		cmocka_unit_test_setup_teardown(test_ports, up_range, media_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
