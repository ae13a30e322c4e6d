/* Frames of T.30 with lost packets: media/faxfix.h. spandsp says them. */
#include "media/faxfix.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <spandsp.h>
#include <cmocka.h>

enum { PACKET = 160, PACKETS = 120 };

static const uint8_t mcf[] = { 0xff, 0x13, 0x8c };
static const uint8_t pps[] = { 0xff, 0x13, 0xbf, 0x4f, 0x00, 0x00, 0x0a };
static const uint8_t csi[] = "\xff\x03\x40" "8765 04 94+         ";
static uint8_t ppr[35] = { 0xff, 0x13, 0xbc };

static struct {
	uint8_t p[64];
	size_t n;
	unsigned whole, broken;
} got;

static void on_frame(void *arg, const uint8_t *p, size_t n)
{
	(void)arg;
	if (!p) {
		got.broken++;
		return;
	}
	got.whole++;
	got.n = n;
	assert_true(n <= sizeof(got.p));
	memcpy(got.p, p, n);
}

static int16_t sound[PACKETS][PACKET];
static unsigned packets, first;         /* of it; where the frame itself begins */

/* Flags, the frame, flags, and silence. */
static void say(const uint8_t *p, size_t n)
{
	hdlc_tx_state_t *h = hdlc_tx_init(NULL, FALSE, 1, FALSE, NULL, NULL);
	fsk_tx_state_t *f = fsk_tx_init(NULL, &preset_fsk_specs[FSK_V21CH2], (get_bit_func_t)hdlc_tx_get_bit, h);

	assert_non_null(h);
	assert_non_null(f);
	hdlc_tx_flags(h, 16);
	memset(sound, 0, sizeof(sound));
	first = 16 * 8 / 6;
	hdlc_tx_frame(h, p, n);
	packets = first + (unsigned)(n + 2) * 8 * 6 / 5 / 6 + 7;
	assert_true(packets + 3 < PACKETS);
	for (unsigned i = 0; i < packets; i++) {
		if (i == packets - 5)
			hdlc_tx_frame(h, NULL, 0);      /* no flags any more */
		fsk_tx(f, sound[i], PACKET);
	}
	fsk_tx_free(f);
	hdlc_tx_free(h);
	packets += 3;
}

static void hear(struct faxfix *f, const bool *lost)
{
	for (unsigned i = 0; i < packets; i++) {
		if (lost && lost[i])
			faxfix_miss(f, PACKET);
		else
			faxfix_hear(f, sound[i], PACKET);
	}
}

static struct faxfix *begin(void)
{
	struct faxfix *f = faxfix_new(on_frame, NULL);

	assert_non_null(f);
	memset(&got, 0, sizeof(got));
	return f;
}

static void test_nothing_lost(void **state)
{
	struct faxfix *f = begin();

	(void)state;
	say(csi, 23);
	hear(f, NULL);
	assert_int_equal(got.whole, 0);
	assert_int_equal(got.broken, 0);
	faxfix_free(f);
}

/* Any one packet of it. */
static void lose_each(const uint8_t *p, size_t n)
{
	unsigned whole = 0;

	say(p, n);
	for (unsigned i = 0; i < packets; i++) {
		bool lost[PACKETS] = { 0 };
		struct faxfix *f = begin();

		lost[i] = true;
		hear(f, lost);
		assert_true(got.whole <= 1);
		if (got.whole) {
			assert_int_equal(got.n, n);
			assert_memory_equal(got.p, p, n);
		}
		whole += got.whole;
		/* Inside of the frame. */
		if (i > first && i < first + n * 8 / 6 && !got.whole)
			fail_msg("packet %u of %u bytes is not mended", i, (unsigned)n);
		faxfix_free(f);
	}
	assert_true(whole >= n * 8 / 6);
}

static void test_one_lost(void **state)
{
	(void)state;
	lose_each(mcf, sizeof(mcf));
	lose_each(pps, sizeof(pps));
	lose_each(csi, 23);
	memset(ppr + 3, 0xff, 32);
	lose_each(ppr, sizeof(ppr));
	memset(ppr + 3, 0, 32);
	ppr[9] = 0x41;
	lose_each(ppr, sizeof(ppr));
}

/* Two of them: sixteen thousand readings, of which more than one may be right. Never another frame. */
static void test_two_lost(void **state)
{
	unsigned whole = 0, times = 0;

	(void)state;
	say(csi, 23);
	for (unsigned i = first + 1; i + 9 < first + 30; i += 3) {
		bool lost[PACKETS] = { 0 };
		struct faxfix *f = begin();

		lost[i] = lost[i + 9] = true;
		hear(f, lost);
		whole += got.whole;
		times++;
		if (got.whole)
			assert_memory_equal(got.p, csi, 23);
		else
			assert_true(got.broken > 0);
		faxfix_free(f);
	}
	assert_true(whole * 2 > times);
}

/* What was lost twice, but not the same of it. */
static void test_said_again(void **state)
{
	bool lost[2][PACKETS] = { 0 };
	struct faxfix *f = begin();

	(void)state;
	say(csi, 23);
	for (unsigned i = 0; i < 4; i++)
		lost[0][first + 3 + i * 7] = lost[1][first + 6 + i * 7] = true;
	hear(f, lost[0]);
	assert_int_equal(got.whole, 0);
	assert_true(got.broken > 0);
	hear(f, lost[1]);
	assert_int_equal(got.whole, 1);
	assert_memory_equal(got.p, csi, 23);
	/* Another frame has nothing of it. */
	say(pps, sizeof(pps));
	for (unsigned i = 0; i < PACKETS; i++)
		lost[0][i] = i > first && i % 2;
	hear(f, lost[0]);
	assert_int_equal(got.whole, 1);
	faxfix_free(f);
}

static void test_no_fax(void **state)
{
	struct faxfix *f = begin();
	int16_t pcm[PACKET];
	uint32_t x = 1;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		for (unsigned k = 0; k < PACKET; k++) {
			x = x * 1664525u + 1013904223u;
			pcm[k] = (int16_t)(x >> 16);
		}
		if (i % 5)
			faxfix_hear(f, pcm, PACKET);
		else
			faxfix_miss(f, PACKET);
	}
	assert_int_equal(got.whole, 0);
	faxfix_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_lost), cmocka_unit_test(test_one_lost), cmocka_unit_test(test_two_lost),
		cmocka_unit_test(test_said_again), cmocka_unit_test(test_no_fax),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
