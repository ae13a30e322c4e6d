/* TURN messages in a stream: whole whatever the pieces are, padded, and what is no TURN is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "media/stun.h"
#include "media/turn_stream.h"

static struct turn_stream s;

static int begin(void **state)
{
	(void)state;
	s = (struct turn_stream){ .nin = 0 };
	return 0;
}

static size_t stun(uint8_t *p, size_t max, enum stun_class cls, size_t data)
{
	static const uint8_t id[STUN_ID] = "twelve bytes";
	char text[1024] = "x";
	struct stun_out o;

	stun_begin(&o, p, max, cls, STUN_DATA, id);
	stun_put(&o, STUN_DATA_ATTR, str_mk(text, data));
	return stun_end(&o);
}

static size_t channel(uint8_t *p, uint16_t number, size_t n)
{
	stun_channel_header(p, number, (uint16_t)n);
	memset(p + STUN_CHANNEL_HEADER, 'c', n);
	return STUN_CHANNEL_HEADER + n;
}

/* Five messages of both kinds and all paddings, in pieces of every length. */
static void test_any_cut(void **state)
{
	uint8_t all[2048], one[512];
	size_t length[5], n = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		length[i] = i == 2 ? stun(one, sizeof(one), STUN_INDICATION, 33) : channel(one, (uint16_t)(0x4000 + i), 40 + i);
		memcpy(all + n, one, length[i]);
		n += length[i];
		while (n & 3)
			all[n++] = 0xee;
	}
	for (size_t cut = 1; cut <= n; cut++) {
		unsigned got = 0;

		s = (struct turn_stream){ .nin = 0 };
		for (size_t at = 0; at < n; at += cut) {
			struct str bytes = str_mk((char *)all + at, cut < n - at ? cut : n - at), msg;

			while (turn_stream_take(&s, &bytes, &msg) == TURN_STREAM_MESSAGE) {
				assert_int_equal(msg.n, length[got]);
				assert_int_equal((uint8_t)msg.p[0], got == 2 ? 0 : 0x40);
				got++;
			}
			assert_int_equal(bytes.n, 0);
		}
		assert_int_equal(got, 5);
	}
}

/* One that we have no room for is passed over; the next is whole. */
static void test_too_long(void **state)
{
	static uint8_t all[70000];
	size_t n = 0, cut = 1000;
	unsigned got = 0;
	struct str msg = STR_NULL;

	(void)state;
	n += channel(all, 0x4000, 65535);
	all[n++] = 0;           /* padding */
	n += channel(all + n, 0x4001, 8);
	for (size_t at = 0; at < n; at += cut) {
		struct str bytes = str_mk((char *)all + at, cut < n - at ? cut : n - at);

		while (turn_stream_take(&s, &bytes, &msg) == TURN_STREAM_MESSAGE)
			got++;
	}
	assert_int_equal(got, 1);
	assert_int_equal(msg.n, 12);
	/* The longest that fits. */
	n = channel(all, 0x4000, TURN_STREAM_IN - STUN_CHANNEL_HEADER);
	assert_int_equal(turn_stream_take(&s, &(struct str){ (char *)all, n }, &msg), TURN_STREAM_MESSAGE);
	assert_int_equal(msg.n, TURN_STREAM_IN);
}

static void test_no_turn(void **state)
{
	static const char *const bad[] = { "SSH-2.0", "\x16\x03\x01\x02\x00", "\x80\x00\x00\x00", "\x50\x00\x00\x00",
					   "\x01\x01\x00\x03" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct str bytes = str_mk(bad[i], 4), msg;

		begin(state);
		assert_int_equal(turn_stream_take(&s, &bytes, &msg), TURN_STREAM_BAD);
	}
}

/* What leaves: padded, in order, media only to half of the room. */
static void test_out(void **state)
{
	uint8_t p[2048], back[TURN_STREAM_OUT];
	size_t n = channel(p, 0x4000, 157), media = 0, sent = 0;
	struct str bytes, msg;

	(void)state;
	assert_false(turn_stream_put(&s, p, 3));
	while (turn_stream_put(&s, p, n))
		media++;
	assert_int_equal(media, TURN_STREAM_OUT / 2 / 164);
	assert_int_equal(turn_stream_waiting(&s).n, media * 164);
	assert_true(turn_stream_put(&s, p, stun(p, sizeof(p), STUN_REQUEST, 100)));
	assert_false(turn_stream_put(&s, p, stun(p, sizeof(p), STUN_INDICATION, 100)));
	/* Bit by bit, and again what was not sent before has its place at the front. */
	for (size_t k = 1; turn_stream_waiting(&s).n; k += 7) {
		bytes = turn_stream_waiting(&s);
		bytes.n = bytes.n < k ? bytes.n : k;
		memcpy(back + sent, bytes.p, bytes.n);
		sent += bytes.n;
		turn_stream_sent(&s, bytes.n);
	}
	assert_int_equal(sent, media * 164 + STUN_HEADER + 104);
	bytes = str_mk((char *)back, sent);
	for (size_t i = 0; i < media; i++) {
		assert_int_equal(turn_stream_take(&s, &bytes, &msg), TURN_STREAM_MESSAGE);
		assert_int_equal(msg.n, n);
	}
	assert_int_equal(turn_stream_take(&s, &bytes, &msg), TURN_STREAM_MESSAGE);
	assert_int_equal(bytes.n, 0);
}

/* Full and half sent: what is put then moves to the front. */
static void test_out_moves(void **state)
{
	uint8_t p[2048];
	size_t n = stun(p, sizeof(p), STUN_REQUEST, 1000);

	(void)state;
	for (int turn = 0; turn < 50; turn++) {
		while (turn_stream_put(&s, p, n))
			;
		turn_stream_sent(&s, n + 12);
		assert_true(turn_stream_put(&s, p, n));
		turn_stream_sent(&s, turn_stream_waiting(&s).n - 12);
		assert_memory_equal(turn_stream_waiting(&s).p, p + n - 12, 12);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, begin)
	const struct CMUnitTest tests[] = { T(test_any_cut), T(test_too_long), T(test_no_turn), T(test_out), T(test_out_moves) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
