/* A call encrypted by SDES: each suite, what is changed on the way, keys that do not fit and
 * keys that change. DTLS is in test_dtls.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "secure_stage.h"

static void test_sdes(void **state)
{
	(void)state;
	for (unsigned i = 1; i < CRYPTO_SUITES; i++) {
		struct media_secure of_a = sdes((enum crypto_suite)i, 1, 2), of_b = sdes((enum crypto_suite)i, 2, 1);

		agree(&of_a, &of_b);
		for (uint8_t k = 1; k < 20; k++)
			assert_int_equal(talk((uint8_t)(k + 20 * i)), 2);
		assert_int_equal(suite_of(a), i);
		/* The same again changes nothing, and the packets before do not come again. */
		agree(&of_a, &of_b);
		assert_int_equal(talk(7), 2);
	}
	assert_int_equal(seen.plain, 0);
	assert_true(seen.sealed > 200);
}

/* Nothing is heard that was changed, repeated, or not sealed at all. */
static void test_tampered(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1);
	uint64_t bad;
	uint8_t p[172];

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	bad = stats(a)->dropped_bad + stats(b)->dropped_bad;
	seen.flip_rtp = true;
	assert_int_equal(talk(2), 0);
	assert_int_equal(stats(a)->dropped_bad + numbers.dropped_bad - numbers.dropped_bad, stats(a)->dropped_bad);
	assert_int_equal(stats(a)->dropped_bad + stats(b)->dropped_bad, bad + 2);
	seen.flip_rtp = false;
	rtp_write(p, 0, false, 9000, 9, 0x77);
	memset(p + 12, 3, 160);
	bad = stats(b)->dropped_bad;
	for (int i = 0; i < 10; i++)
		assert_true(media_deliver(m, media_session_local(b), media_session_local(a), p, sizeof(p)));
	settle();
	assert_int_equal(stats(b)->dropped_bad, bad + 10);
	assert_int_equal(talk(4), 2);
	/* With keys that do not fit each other nothing is heard either. */
	of_b = sdes(1, 2, 9);
	agree(&of_a, &of_b);
	pass(6000);
	assert_int_equal(talk(5), 1);
}

/* From a stranger to a wire that knows its source: not even looked at. */
static void test_spray(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1);
	struct sa stranger = addr("203.0.113.66:66");
	uint64_t bad, source;
	uint8_t p[172];

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	bad = stats(b)->dropped_bad;
	source = numbers.dropped_source;
	rtp_write(p, 0, false, 9000, 9, 0x77);
	for (int i = 0; i < 1000; i++)
		assert_true(media_deliver(m, media_session_local(b), &stranger, p, sizeof(p)));
	assert_int_equal(stats(b)->dropped_bad, bad);
	assert_int_equal(numbers.dropped_source, source + 1000);
	assert_int_equal(talk(2), 2);
}

/* New keys in the middle of a call, also after 2^16 packets. */
static void test_rekey(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1);
	static struct sent one;
	uint32_t before;

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	before = stats(a)->ssrc;
	of_a = sdes(CRYPTO_AEAD_AES_256_GCM, 3, 4);
	of_b = sdes(CRYPTO_AEAD_AES_256_GCM, 4, 3);
	agree(&of_a, &of_b);
	assert_int_equal(talk(2), 2);
	assert_int_equal(stats(a)->ssrc, before);
	/* Over 2^16 in one direction is enough. */
	for (uint32_t i = 0; i < 66000; i++) {
		uint8_t p[172];

		next_seq++;
		rtp_write(p, 0, false, next_seq, 160u * next_seq, 0x1234);
		assert_true(media_deliver(m, media_session_local(phone_a), &far_a, p, sizeof(p)));
		assert_int_equal(net.n, 1);
		net.n = 0;
		one = net.sent[0];
		carry(&one);
		assert_int_equal(net.n, 1);     /* and out of b, to its phone */
		look_at(&net.sent[0]);
		net.n = 0;
	}
	settle();
	assert_true(seen.to_phone > 66000);
	of_a = sdes(CRYPTO_AEAD_AES_256_GCM, 5, 6);
	of_b = sdes(CRYPTO_AEAD_AES_256_GCM, 6, 5);
	agree(&of_a, &of_b);
	assert_int_equal(talk(3), 2);
	assert_int_not_equal(stats(a)->ssrc, before);
	assert_int_equal(seen.plain, 0);
}

/* Into the clear only when that was agreed. */
static void test_to_the_clear(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1), clear = { 0 };

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	agree(&clear, &clear);
	assert_int_equal(talk(2), 2);
	assert_int_equal(suite_of(a), CRYPTO_NONE);
	assert_int_equal(seen.plain, 2);
	agree(&of_a, &of_b);
	assert_int_equal(talk(3), 2);
	assert_int_equal(seen.plain, 2);
	/* A suite that nobody knows: an error, and what was stays. */
	of_a.tx.suite = 77;
	{
		struct media_set set = to(b, &of_a);

		assert_int_equal(media_session_set(a, &set), EINVAL);
	}
	assert_int_equal(talk(4), 2);
	assert_int_equal(seen.plain, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sdes), T(test_tampered), T(test_spray), T(test_rekey), T(test_to_the_clear),
	};

	(void)up;
	(void)down;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
