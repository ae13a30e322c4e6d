/* Opus: its row of the codec table, parameter by parameter, and its fmtp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <opus.h>
#include <stdlib.h>
#include "media/codec.h"
#include "media/tone.h"
#include "sdp/opus.h"

enum { RATE = 48000, MS = RATE / 1000, LONG = 120 * MS };

static const struct codec *row;

static int up(void **state)
{
	(void)state;
	row = codec_get(FORMAT_OPUS);
	return row == NULL;
}

static void sine(int16_t *out, size_t n, size_t at, double hz)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (int16_t)lrint(8000 * sin(2 * M_PI * hz * (double)(at + i) / RATE));
}

static double rms(const int16_t *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * v[i];
	return sqrt(sum / (double)n);
}

/* Signal to noise [dB] of a tone: what of the power is at `hz`. */
static double snr(const int16_t *v, size_t n, uint32_t hz)
{
	double p = tone_goertzel(v, n, RATE, hz);

	return p >= 1 ? 99 : 10 * log10(p / (1 - p));
}

/* A second of a tone in packets of `ms`; what is heard, and how many bytes it took. */
static size_t through(const struct codec_prm *prm, unsigned ms, double hz, int16_t out[RATE])
{
	void *enc = GOT(row->state_new(CODEC_ENCODER, prm)), *dec = GOT(row->state_new(CODEC_DECODER, NULL));
	size_t n = ms * MS, bytes = 0;
	int16_t in[LONG];
	uint8_t b[1500];

	for (size_t at = 0; at + n <= RATE; at += n) {
		size_t k;

		sine(in, n, at, hz);
		k = row->encode(enc, in, n, b, sizeof(b));
		assert_true(k > 0);
		assert_int_equal(row->decode(dec, b, k, out + at, RATE - at), n);
		bytes += k;
	}
	row->state_free(enc);
	row->state_free(dec);
	return bytes;
}

static void test_round_trip(void **state)
{
	static const unsigned lengths[] = { 10, 20, 40, 60 };
	static const uint32_t hz[] = { 300, 1000, 3000, 7000 };
	static int16_t out[RATE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (size_t k = 0; k < ARRAY_LEN(hz); k++) {
			through(NULL, lengths[i], hz[k], out);
			assert_true(snr(out + RATE / 2, RATE / 4, hz[k]) > 20);
			assert_true(fabs(rms(out + RATE / 2, RATE / 4) - 8000 / sqrt(2)) < 800);
		}
	assert_int_equal(codec_packet_ms(row, 0, 1488), 20);
	assert_int_equal(codec_packet_ms(row, 5, 1488), 10);
	assert_int_equal(codec_packet_ms(row, 30, 1488), 20);
	assert_int_equal(codec_packet_ms(row, 50, 1488), 40);
	assert_int_equal(codec_packet_ms(row, 255, 1488), 60);
}

/* Every length that RFC 7587 has is decoded, and stereo is heard from both sides. */
static void test_others_packets(void **state)
{
	static const int tenths[] = { 25, 50, 100, 200, 400, 600, 800, 1000, 1200 };
	int err;

	(void)state;
	for (int channels = 1; channels <= 2; channels++)
		for (size_t i = 0; i < ARRAY_LEN(tenths); i++) {
			OpusEncoder *e = GOT(opus_encoder_create(RATE, channels, OPUS_APPLICATION_AUDIO, &err));
			void *dec = GOT(row->state_new(CODEC_DECODER, NULL));
			static int16_t out[RATE + LONG];
			int16_t mono[LONG], in[2 * LONG];
			size_t n = (size_t)tenths[i] * MS / 10, k = 0;

			assert_non_null(e);
			opus_encoder_ctl(e, OPUS_SET_BITRATE(96000));
			for (size_t at = 0; at + n <= RATE; at += n) {
				uint8_t b[4000];
				int bytes;

				sine(mono, n, at, 1000);
				for (size_t s = 0; s < n; s++) {
					in[(size_t)channels * s] = channels == 1 ? mono[s] : 0;
					in[(size_t)channels * s + (size_t)channels - 1] = mono[s];
				}
				bytes = opus_encode(e, in, (int)n, b, sizeof(b));
				assert_true(bytes > 0);
				assert_int_equal(row->decode(dec, b, (size_t)bytes, out + k, LONG), n);
				k += n;
			}
			assert_true(snr(out + RATE / 2, RATE / 4, 1000) > 20);
			/* One side of two is half. */
			assert_true(fabs(rms(out + RATE / 2, RATE / 4) - 8000 / sqrt(2) / channels) < 800);
			opus_encoder_destroy(e);
			row->state_free(dec);
		}
}

static void test_bad_packets(void **state)
{
	void *dec = GOT(row->state_new(CODEC_DECODER, NULL)), *enc = GOT(row->state_new(CODEC_ENCODER, NULL));
	int16_t pcm[LONG] = { 0 };
	uint8_t b[1500];
	size_t n;

	(void)state;
	assert_int_equal(row->conceal(dec, NULL, 0, pcm, 960), 0);     /* nothing was heard yet */
	assert_int_equal(row->decode(dec, (const uint8_t *)"", 0, pcm, LONG), 0);
	assert_int_equal(row->decode(dec, (const uint8_t *)"\xff\xff", 2, pcm, LONG), 0);
	assert_int_equal(row->encode(enc, pcm, 959, b, sizeof(b)), 0);
	n = row->encode(enc, pcm, 960, b, sizeof(b));
	assert_true(n > 0);
	assert_int_equal(row->decode(dec, b, n, pcm, 959), 0);         /* no room */
	assert_int_equal(row->decode(dec, b, n, pcm, 960), 960);
	assert_int_equal(row->conceal(dec, NULL, 0, pcm, 100), 0);     /* under 2.5 ms */
	row->state_free(dec);
	row->state_free(enc);
}

/* Ten packets of one tone, an eleventh of another that is lost, and a twelfth: how much of
 * that other tone is heard in the place of the lost one. */
static double recovered(const struct codec_prm *prm, unsigned reported, bool use_next)
{
	void *enc = GOT(row->state_new(CODEC_ENCODER, prm)), *dec = GOT(row->state_new(CODEC_DECODER, NULL));
	int16_t in[960], out[960];
	uint8_t b[1500];
	size_t n = 0;

	for (int i = 0; i < 30; i++) {
		sine(in, 960, (size_t)i * 960, i == 28 ? 1800 : 600);
		n = row->encode(enc, in, 960, b, sizeof(b));
		if (i < 28)
			assert_int_equal(row->decode(dec, b, n, out, 960), 960);
		if (reported && row->expect_loss)
			row->expect_loss(enc, reported);
	}
	assert_int_equal(row->conceal(dec, use_next ? b : NULL, n, out, 960), 960);
	row->state_free(enc);
	row->state_free(dec);
	assert_true(rms(out, 960) > 1500);     /* never a hole */
	return tone_goertzel(out + 240, 720, RATE, 1800);
}

static void test_loss(void **state)
{
	struct codec_prm prm = { .fec = true, .loss = 25, .bitrate = 32000, .max_rate = 16000 };

	(void)state;
	assert_true(recovered(&prm, 0, true) > 0.5);
	assert_true(recovered(&prm, 0, false) < 0.2);
	/* Without losses there is no second copy, until the peer reports some. */
	prm.loss = 0;
	assert_true(recovered(&prm, 0, true) < 0.2);
	assert_true(recovered(&prm, 25, true) > 0.5);
	prm.fec = false;
	assert_true(recovered(&prm, 25, true) < 0.2);
}

/* Packets of silence that are sent, of 50. */
static unsigned silent_packets(bool dtx)
{
	struct codec_prm prm = { .dtx = dtx };
	void *enc = GOT(row->state_new(CODEC_ENCODER, &prm));
	int16_t in[960] = { 0 };
	uint8_t b[1500];
	unsigned n = 0;

	for (int i = 0; i < 50; i++)
		n += row->encode(enc, in, 960, b, sizeof(b)) > 0;
	row->state_free(enc);
	return n;
}

static void test_dtx(void **state)
{
	(void)state;
	assert_int_equal(silent_packets(false), 50);
	assert_in_range(silent_packets(true), 1, 25);
}

/* How far packets of noise that comes and goes differ in length [bytes]. */
static size_t spread(bool cbr)
{
	struct codec_prm prm = { .cbr = cbr, .bitrate = 32000 };
	void *enc = GOT(row->state_new(CODEC_ENCODER, &prm));
	size_t least = SIZE_MAX, most = 0;
	uint32_t seed = 1;
	int16_t in[960];
	uint8_t b[1500];

	for (int i = 0; i < 50; i++) {
		size_t n;

		for (size_t k = 0; k < 960; k++) {
			seed = seed * 1664525u + 1013904223u;
			in[k] = (int16_t)(i / 5 % 2 ? (int32_t)(seed >> 18) - 8192 : 0);
		}
		n = row->encode(enc, in, 960, b, sizeof(b));
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	row->state_free(enc);
	return most - least;
}

static void test_rates(void **state)
{
	/* Twelve kilohertz are had at the bit rates of speech only. */
	static const struct { uint32_t max_rate, bitrate, hz; } bands[] = {
		{ 8000, 20000, 3000 }, { 12000, 20000, 5000 }, { 16000, 64000, 7000 }, { 24000, 64000, 11000 },
		{ 0, 64000, 15000 },
	};
	static int16_t out[RATE];
	struct codec_prm prm = { 0 };
	size_t low;

	(void)state;
	assert_int_equal(spread(true), 0);
	assert_true(spread(false) > 10);
	prm.bitrate = 8000;
	low = through(&prm, 20, 1000, out);
	assert_in_range(low, 500, 1500);
	prm.bitrate = 64000;
	assert_in_range(through(&prm, 20, 1000, out), 3 * low, 20000);
	/* The band that the peer can play is had, the next wider one is not. */
	for (size_t i = 0; i < ARRAY_LEN(bands); i++) {
		prm.max_rate = bands[i].max_rate;
		prm.bitrate = bands[i].bitrate;
		through(&prm, 20, bands[i].hz, out);
		assert_true(tone_goertzel(out + RATE / 2, RATE / 4, RATE, bands[i].hz) > 0.9);
		if (i + 1 == ARRAY_LEN(bands))
			break;
		through(&prm, 20, bands[i + 1].hz, out);
		assert_true(rms(out + RATE / 2, RATE / 4) < 1000);
	}
}

/* A sum of all bytes that a second of a sound makes. */
static uint64_t print_of(struct codec_prm prm)
{
	uint64_t sum = 0;
	int16_t in[960];
	uint8_t b[1500];
	void *enc;

	prm.bitrate = 20000;
	enc = GOT(row->state_new(CODEC_ENCODER, &prm));
	for (size_t i = 0; i < 50; i++) {
		size_t n;

		sine(in, 960, i * 960, 150.0 + 20.0 * (double)i);
		n = row->encode(enc, in, 960, b, sizeof(b));
		for (size_t k = 0; k < n; k++)
			sum = sum * 31 + b[k];
	}
	row->state_free(enc);
	return sum;
}

/* What cannot be measured so simply changes at least what is sent. */
static void test_tuning(void **state)
{
	uint64_t plain = print_of((struct codec_prm){ 0 });

	(void)state;
	assert_true(plain == print_of((struct codec_prm){ 0 }));
	assert_true(plain != print_of((struct codec_prm){ .saving = 10 }));
	assert_true(plain != print_of((struct codec_prm){ .use = CODEC_LOW_DELAY }));
	assert_true(plain != print_of((struct codec_prm){ .use = CODEC_AUDIO }));
	assert_true(plain != print_of((struct codec_prm){ .signal = CODEC_SIGNAL_MUSIC }));
}

/* ---- fmtp ---------------------------------------------------------------- */

static void test_fmtp(void **state)
{
	static const struct { const char *in; struct opus_fmtp f; const char *out; } tv[] = {
		{ "", OPUS_FMTP_INIT, "" },
		{ "minptime=10;useinbandfec=1", { 48000, 48000, 0, .fec = true, .minptime = 10 }, "useinbandfec=1;minptime=10" },
		{ "maxplaybackrate=16000; sprop-maxcapturerate=8000; maxaveragebitrate=20000; stereo=1; sprop-stereo=1; cbr=1; usedtx=1",
		  { 16000, 8000, 20000, .stereo = true, .sprop_stereo = true, .cbr = true, .dtx = true },
		  "maxplaybackrate=16000;sprop-maxcapturerate=8000;maxaveragebitrate=20000;stereo=1;sprop-stereo=1;cbr=1;usedtx=1" },
		{ "MaxPlaybackRate = 12000 ;;ptime=40;maxptime=60", { 12000, 48000, 0, .ptime = 40, .maxptime = 60 },
		  "maxplaybackrate=12000;ptime=40;maxptime=60" },
		{ "maxcodedaudiobandwidth=24000", { 24000, 48000, .ptime = 0 }, "maxplaybackrate=24000" },
		/* Out of range, no number, unknown, twice. */
		{ "maxplaybackrate=7999;stereo=2;cbr=yes;x=1;maxaveragebitrate=499;minptime=0;ptime=121", OPUS_FMTP_INIT, "" },
		{ "maxplaybackrate=96000;maxaveragebitrate=4294967295", { 48000, 48000, 512000, .ptime = 0 }, "maxaveragebitrate=512000" },
		{ "maxaveragebitrate=4294967296;usedtx=1;usedtx=0", { 48000, 48000, 0, .dtx = true }, "usedtx=1" },
		{ "=;=1;usedtx", OPUS_FMTP_INIT, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct opus_fmtp f;
		struct buf b = BUF_INIT;

		opus_fmtp_parse(&f, str_z(tv[i].in));
		assert_int_equal(f.max_playback, tv[i].f.max_playback);
		assert_int_equal(f.max_capture, tv[i].f.max_capture);
		assert_int_equal(f.max_bitrate, tv[i].f.max_bitrate);
		assert_int_equal(f.stereo, tv[i].f.stereo);
		assert_int_equal(f.sprop_stereo, tv[i].f.sprop_stereo);
		assert_int_equal(f.cbr, tv[i].f.cbr);
		assert_int_equal(f.fec, tv[i].f.fec);
		assert_int_equal(f.dtx, tv[i].f.dtx);
		assert_int_equal(f.ptime, tv[i].f.ptime);
		assert_int_equal(f.minptime, tv[i].f.minptime);
		assert_int_equal(f.maxptime, tv[i].f.maxptime);
		opus_fmtp_write(&b, &f);
		assert_true(str_eq(buf_view(&b), str_z(tv[i].out)));
		buf_free(&b);
	}
}

static void test_join(void **state)
{
	static const struct { const char *ours, *peer, *joint; } tv[] = {
		{ "useinbandfec=1", "useinbandfec=1;minptime=10", "useinbandfec=1" },
		{ "useinbandfec=1", "", "" },
		{ "", "useinbandfec=1", "" },
		{ "usedtx=1", "cbr=1", "cbr=1;usedtx=1" },
		{ "maxaveragebitrate=30000", "maxaveragebitrate=20000", "maxaveragebitrate=20000" },
		{ "maxaveragebitrate=20000", "maxaveragebitrate=30000", "maxaveragebitrate=20000" },
		{ "", "maxaveragebitrate=30000", "maxaveragebitrate=30000" },
		{ "maxplaybackrate=16000", "maxplaybackrate=24000;sprop-maxcapturerate=8000",
		  "maxplaybackrate=16000;sprop-maxcapturerate=8000" },
		{ "", "stereo=1;sprop-stereo=1", "sprop-stereo=1" },
	};
	static const struct { const char *peer; uint8_t wish; uint32_t max; uint8_t ms; } ptimes[] = {
		{ "", 20, 0, 20 }, { "minptime=40", 20, 0, 40 }, { "maxptime=10", 20, 0, 10 }, { "", 60, 40, 40 },
		{ "minptime=10", 20, 0, 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct opus_fmtp a, b;
		struct buf out = BUF_INIT;

		opus_fmtp_parse(&a, str_z(tv[i].ours));
		opus_fmtp_parse(&b, str_z(tv[i].peer));
		opus_fmtp_join(&a, &a, &b);
		opus_fmtp_write(&out, &a);
		assert_true(str_eq(buf_view(&out), str_z(tv[i].joint)));
		buf_free(&out);
	}
	for (size_t i = 0; i < ARRAY_LEN(ptimes); i++) {
		struct opus_fmtp f;

		opus_fmtp_parse(&f, str_z(ptimes[i].peer));
		assert_int_equal(opus_ptime(&f, ptimes[i].wish, ptimes[i].max), ptimes[i].ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_others_packets), cmocka_unit_test(test_bad_packets),
		cmocka_unit_test(test_loss), cmocka_unit_test(test_dtx), cmocka_unit_test(test_rates),
		cmocka_unit_test(test_tuning), cmocka_unit_test(test_fmtp), cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, up, NULL);
}
