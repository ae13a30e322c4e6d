/* A user agent's media over sockets and its own threads, in real time: its loop from outside, DTLS with ICE, files,
 * recordings, levels, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include "media/file.h"
#include "phone_media_stage.h"

static char dir[] = "/tmp/test_phone_media.XXXXXX";
static char path[64];

static void both(enum sidetone_encryption e, bool ice, const char *codec)
{
	struct sidetone_media_options o;

	sidetone_media_options_init(&o);
	o.codecs = codec;
	o.encryption = e;
	o.ice = ice;
	side_up(&a, &o);
	side_up(&b, &o);
	listens(&a, 16000);
	listens(&b, 48000);
}

static void test_dtls_and_ice(void **state)
{
	(void)state;
	both(SIDETONE_DTLS, true, "opus");
	source(&a, SIDETONE_TONE, "440");
	b.hz = 700;
	source(&b, SIDETONE_SOUND, NULL);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_SECURED, 10000) && await_event(&b, SIDETONE_MEDIA_SECURED, 10000));
	assert_true(hears(&a, 700) && hears(&b, 440));
	assert_string_equal(state_of(&a).ice, "connected");
	/* Another port, another handshake. */
	a.n = b.n = 0;
	assert_int_equal(sidetone_media_renew(a.m, &a.s), 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_SECURED, 10000) && await_event(&b, SIDETONE_MEDIA_SECURED, 10000));
	assert_true(hears(&a, 700) && hears(&b, 440));
	assert_int_equal(a.ended + b.ended, 0);
}

/* ---- files */

/* One second of 440 Hz. */
static void make_wav(uint32_t rate, unsigned ms)
{
	size_t n = rate * ms / 1000;
	uint8_t head[44];
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	wav_header(head, rate, 1, (uint32_t)(2 * n));
	fwrite(head, 1, sizeof(head), f);
	for (size_t i = 0; i < n; i++) {
		int16_t v = (int16_t)lrint(8000 * sin(2 * M_PI * 440 * (double)i / rate));

		fwrite(&v, 2, 1, f);
	}
	fclose(f);
}

static void play(struct side *x, const char *file, bool loop)
{
	assert_int_equal(sidetone_media_source(x->m, &x->s,
		&(struct sidetone_source){ .type = SIDETONE_FILE, .text = file, .loop = loop }), 0);
}

static void test_files(void **state)
{
	(void)state;
	both(SIDETONE_PLAIN, false, "g722");
	make_wav(44100, 500);
	/* Said before there is media. */
	play(&a, path, true);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&b, 440));
	assert_true(hears(&b, 440));
	assert_true(hears(&b, 440));
	assert_int_equal(count(&a, SIDETONE_MEDIA_PLAYED), 0);
	/* Once. */
	play(&a, path, false);
	assert_true(await_event(&a, SIDETONE_MEDIA_PLAYED, 5000));
	assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_PLAYED)].error, 0);
	assert_true(hears_nothing(&b));
	/* Another one takes its place; what was read for it comes too late. */
	a.n = 0;
	play(&a, path, true);
	source(&a, SIDETONE_TONE, "1000");
	assert_true(hears(&b, 1000));
	assert_int_equal(count(&a, SIDETONE_MEDIA_PLAYED), 0);
}

static void test_bad_files(void **state)
{
	static const struct { const char *name; int error; } rows[] = {
		{ "/nowhere/at/all.wav", ENOENT }, { "/etc/passwd", EBADMSG }, { "/tmp", EBADMSG }, { NULL, EBADMSG },
	};

	(void)state;
	both(SIDETONE_PLAIN, false, "ulaw");
	assert_int_equal(offer_answer(&a, &b), 0);
	make_wav(8000, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		a.n = 0;
		play(&a, rows[i].name ? rows[i].name : path, true);
		assert_true(await_event(&a, SIDETONE_MEDIA_PLAYED, 5000));
		assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_PLAYED)].error, rows[i].error);
		assert_true(a.e[last(&a, SIDETONE_MEDIA_PLAYED)].text[0]);
	}
}

/* So short that a list of it ends, and begins again. */
static void test_short_loop(void **state)
{
	double in = 0, out;

	(void)state;
	both(SIDETONE_PLAIN, false, "ulaw");
	make_wav(8000, 1);
	assert_int_equal(sidetone_media_levels(b.m, &b.s, &in, &out), 0);
	play(&a, path, true);
	assert_int_equal(offer_answer(&a, &b), 0);
	for (int i = 0; i < 6; i++) {
		for (uint64_t until = clock_ms(clock_real()) + 5000; !(in > -20) && clock_ms(clock_real()) < until;) {
			pass(50);
			sidetone_media_levels(b.m, &b.s, &in, &out);
		}
		assert_true(in > -20);
		in = -99;
		pass(150);
	}
	assert_int_equal(count(&a, SIDETONE_MEDIA_PLAYED), 0);
}

/* No address was said: the one that leads to the peer, and candidates of all interfaces. Nothing leaves. */
static void test_any_address(void **state)
{
	struct sidetone_media_options o;

	(void)state;
	sidetone_media_options_init(&o);
	o.address = "";
	o.ice = true;
	side_up(&a, &o);
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"), 0);
	assert_non_null(make(&a, SIDETONE_ANSWER));
	assert_non_null(strstr(a.s.body, "c=IN IP4 127.0.0.1"));
	closed(&a);
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_null(strstr(a.s.body, "c=IN IP4 0.0.0.0"));
	assert_non_null(strstr(a.s.body, "a=candidate:"));
	/* Nobody knows where the peer is, but where the server is is known. */
	closed(&a);
	assert_int_equal(sidetone_media_set_way(a.m, "nowhere"), EINVAL);
	assert_int_equal(sidetone_media_set_way(a.m, "127.0.0.1"), 0);
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_non_null(strstr(a.s.body, "c=IN IP4 127.0.0.1"));
}

/* The call ends while a file is being read. */
static void test_close_while_reading(void **state)
{
	(void)state;
	both(SIDETONE_PLAIN, false, "ulaw");
	make_wav(8000, 500);
	play(&a, path, true);
	closed(&a);
	pass(100);
	assert_int_equal(count(&a, SIDETONE_MEDIA_PLAYED), 0);
}

/* ---- recordings */

static struct { int16_t v[48000 * 20]; size_t n; unsigned channels; uint32_t rate; } file;

static void load(void)
{
	static char raw[sizeof(file.v) + 100];
	struct wav_info w;
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(raw, 1, sizeof(raw), f);
	fclose(f);
	assert_int_equal(wav_parse(&w, str_mk(raw, n)), 0);
	file.n = w.data_n / 2;
	file.channels = w.channels;
	file.rate = w.rate;
	memcpy(file.v, raw + w.data_at, w.data_n);
}

/* In one channel: of all its pieces of 50 ms, since a tone begins anew at another port. */
static double recorded(unsigned channel, double hz)
{
	size_t n = file.rate / 20, pieces = file.n / file.channels / n;
	double sum = 0;
	int16_t v[2400];

	for (size_t k = 0; k < pieces; k++) {
		for (size_t i = 0; i < n; i++)
			v[i] = file.v[(k * n + i) * file.channels + channel];
		sum += tone_goertzel(v, n, file.rate, (uint32_t)hz);
	}
	return pieces ? sum / (double)pieces : 0;
}

static void test_recording(void **state)
{
	(void)state;
	both(SIDETONE_PLAIN, false, "g722");
	assert_int_equal(sidetone_media_record(a.m, &a.s, path, true), ENOTCONN);
	source(&a, SIDETONE_TONE, "440");
	source(&b, SIDETONE_TONE, "700");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_int_equal(sidetone_media_record(a.m, &a.s, NULL, true), 0);
	assert_true(hears(&a, 700));
	assert_int_equal(sidetone_media_record(a.m, &a.s, path, true), 0);
	assert_int_equal(sidetone_media_record(a.m, &a.s, path, true), EBUSY);
	assert_true(hears(&a, 700));
	/* It goes on at another port. */
	assert_int_equal(sidetone_media_renew(a.m, &a.s), 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&a, 700));
	assert_int_equal(sidetone_media_record(a.m, &a.s, NULL, true), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_RECORDED, 5000));
	assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_RECORDED)].error, 0);
	load();
	assert_int_equal(file.channels, 2);
	assert_int_equal(file.rate, 16000);
	assert_true(file.n / 2 >= 16000 * 3 / 10);
	assert_true(recorded(0, 700) > 0.7 && recorded(1, 440) > 0.7);
	assert_true(recorded(0, 440) < 0.1 && recorded(1, 700) < 0.1);
	/* Another one, which cannot be written. */
	a.n = 0;
	assert_int_equal(sidetone_media_record(a.m, &a.s, "/dev/full", false), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_RECORDED, 10000));
	assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_RECORDED)].error, ENOSPC);
	a.n = 0;
	assert_int_equal(sidetone_media_record(a.m, &a.s, "/nowhere/x.wav", false), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_RECORDED, 5000));
	assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_RECORDED)].error, ENOENT);
	/* The call ends with one. */
	assert_int_equal(sidetone_media_record(b.m, &b.s, path, false), 0);
	assert_true(hears(&b, 440));
	closed(&b);
	pass(300);
	load();
	assert_int_equal(file.channels, 1);
	assert_true(file.n > 16000 / 10);
}

/* ---- levels, numbers */

static void test_levels(void **state)
{
	double in = 0, out = 0;

	(void)state;
	both(SIDETONE_SDES, false, "alaw");
	assert_int_equal(sidetone_media_levels(a.m, &a.s, &in, &out), 0);
	assert_true(isinf(in) && isinf(out));
	b.hz = 440;
	source(&b, SIDETONE_SOUND, NULL);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&a, 440));
	/* 8000 of 32768 */
	for (int i = 0; i < 50 && !(in > -13); i++) {
		pass(50);
		assert_int_equal(sidetone_media_levels(a.m, &a.s, &in, &out), 0);
	}
	assert_true(in > -13 && in < -11.5);
	assert_true(out < -60);
	assert_int_equal(sidetone_media_mute(b.m, &b.s, true), 0);
	for (int i = 0; i < 50 && in > -60; i++) {
		pass(50);
		assert_int_equal(sidetone_media_levels(a.m, &a.s, &in, &out), 0);
	}
	assert_true(in <= -60);
	assert_int_equal(sidetone_media_ask_stats(a.m, &a.s), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_STATS, 2000));
	closed(&a);
	closed(&b);
	assert_int_equal(sidetone_media_ask_stats(a.m, &a.s), ENOTCONN);
}

#define T(f) cmocka_unit_test_setup_teardown(f, stage_up_real, stage_down)

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/x.wav", dir);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dtls_and_ice), T(test_files), T(test_bad_files), T(test_short_loop), T(test_any_address), T(test_close_while_reading), T(test_recording), T(test_levels),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
