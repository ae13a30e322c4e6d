/* Codecs: the laws against their definition, tones through every row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include "media/codec.h"
#include "media/tone.h"

/* G.711's own description: the quantised value nearest from below, by search. */
static void test_laws(void **state)
{
	(void)state;
	for (int u = 0; u < 256; u++) {
		int16_t s = codec_ulaw_linear((uint8_t)u);

		/* Every code means what it decodes to (0x7f and 0xff are both zero). */
		assert_int_equal(codec_ulaw(s), u == 0x7f ? 0xff : u);
		s = codec_alaw_linear((uint8_t)u);
		assert_int_equal(codec_alaw(s), u);
	}
	/* Values of the tables of G.711. */
	assert_int_equal(codec_ulaw(0), 0xff);
	assert_int_equal(codec_ulaw(32767), 0x80);
	assert_int_equal(codec_ulaw(-32768), 0x00);
	assert_int_equal(codec_ulaw_linear(0x00), -32124);
	assert_int_equal(codec_alaw(0), 0xd5);
	assert_int_equal(codec_alaw(-1), 0x55);
	assert_int_equal(codec_alaw(32767), 0xaa);
	assert_int_equal(codec_alaw(-32768), 0x2a);
	assert_int_equal(codec_alaw_linear(0xaa), 32256);
	for (int v = -32768; v < 32768; v += 7) {
		int e = abs(v) / 16 + 8, c = abs(v) > 32124 ? 700 : 0;

		assert_true(abs(codec_ulaw_linear(codec_ulaw((int16_t)v)) - v) <= e + c);
		assert_true(abs(codec_alaw_linear(codec_alaw((int16_t)v)) - v) <= e + c);
	}
}

static void sine(int16_t *out, size_t n, uint32_t rate, double hz)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (int16_t)(8000 * sin(2 * M_PI * hz * (double)i / rate));
}

/* A tone goes in and comes out at the same pitch and strength, in packets. */
static void test_rows(void **state)
{
	size_t rows = 0;

	(void)state;
	for (int id = FORMAT_NONE + 1; id < FORMATS; id++) {
		const struct codec *c = codec_get((enum format_id)id);
		size_t packet, n = 0;
		int16_t in[48000], out[48000 + CODEC_MAX_SAMPLES];
		uint8_t bytes[8192];
		void *enc, *dec;
		double power = 0;

		if (!c)
			continue;
		rows++;
		packet = c->rate / 50;
		sine(in, c->rate, c->rate, 1000);
		enc = c->state_new ? c->state_new(CODEC_ENCODER, NULL) : NULL;
		dec = c->state_new ? c->state_new(CODEC_DECODER, NULL) : NULL;
		for (size_t i = 0; i + packet <= c->rate; i += packet) {
			size_t k = c->encode(enc, in + i, packet, bytes, sizeof(bytes));

			if (c->frame_bytes)
				assert_int_equal(k, codec_bytes(c, packet));
			assert_true(k > 0);
			k = c->decode(dec, bytes, k, out + n, CODEC_MAX_SAMPLES);
			assert_int_equal(k, packet);
			n += k;
		}
		assert_int_equal(n, c->rate / packet * packet);
		/* Codec 2 makes a voice of whatever it hears. */
		if (id != FORMAT_CODEC2)
			assert_true(tone_goertzel(out + n / 2, n / 2, c->rate, 1000) > 0.95);
		for (size_t i = n / 2; i < n; i++)
			power += (double)out[i] * out[i];
		power = sqrt(power / (double)(n - n / 2)) / (8000 / sqrt(2));
		if (id == FORMAT_CODEC2)
			power = power > 0.01 ? 1 : power;
		if (power < 0.8 || power > 1.2)
			print_error("%s: %f\n", format_get((enum format_id)id)->name, power);
		assert_true(power > 0.8 && power < 1.2);
		/* Neither side writes past what it was given. */
		assert_int_equal(c->decode(dec, bytes, c->frame_bytes ? codec_bytes(c, packet) : 3, out, 0), 0);
		assert_int_equal(c->encode(enc, in, packet, bytes, 0), 0);
		if (c->state_new) {
			c->state_free(enc);
			c->state_free(dec);
		}
	}
	assert_true(rows >= 10);
	assert_null(codec_get(FORMAT_H264));
	assert_true(codec_can_translate(FORMAT_ULAW, FORMAT_GSM));
	assert_true(codec_can_translate(FORMAT_G729, FORMAT_G729));
	assert_false(codec_can_translate(FORMAT_G729, FORMAT_ULAW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_laws), cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
