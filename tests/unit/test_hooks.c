/* Hooks of a session (media/hooks.h, media_listen()): sound that is changed or listened to between the peer and whoever
 * hears it, in any codec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "media/hooks.h"
#include "mixer_stage.h"

static struct {
	struct media_event e[64];
	size_t n;
} seen;

static void on_told(void *arg, struct media_session *s, const struct media_event *e)
{
	(void)arg;
	(void)s;
	if (e->type == MEDIA_FIRST_PACKET || e->type == MEDIA_SOURCE)
		return;
	assert_true(seen.n < 64);
	seen.e[seen.n++] = *e;
}

static struct phone *listener(int i, enum format_id id, double hz)
{
	struct phone *f = call(i, id, hz);

	media_session_handler(f->s, on_told, NULL);
	seen.n = 0;
	return f;
}

static struct media_hook *h, *g, *v;    /* they are cleared after the tests */

/* What a phone says but its tone: 20 ms. */
static void say_pcm(struct phone *f, const int16_t *pcm)
{
	size_t n = codec_samples(f->row, 20), k;
	uint8_t pkt[1500];

	rtp_write(pkt, pt_of(f->id), f->seq == 0, f->seq, f->ts, f->ssrc);
	k = f->row->encode(f->enc, pcm, n, pkt + 12, sizeof(pkt) - 12);
	f->seq++;
	f->ts += codec_ticks(f->row, n, format_get(f->id)->clock);
	media_deliver(m, media_session_local(f->s), &f->at, pkt, 12 + k);
}

/* `ms` of two tones. */
static void say_tones(struct phone *f, unsigned ms, double f1, double f2, double level)
{
	int16_t pcm[960];

	for (unsigned at = 0; at < ms; at += 20) {
		for (size_t i = 0; i < codec_samples(f->row, 20); i++, f->said++)
			pcm[i] = (int16_t)lrint(level * (sin(2 * M_PI * f1 * (double)f->said / f->row->rate) +
							 sin(2 * M_PI * f2 * (double)f->said / f->row->rate)));
		say_pcm(f, pcm);
		clock_fake_add(&clk, 20000);
		media_poll(m, 0);
	}
}

static double level(const struct phone *f, double hz)
{
	return level_of(f->heard, f->n, f->row->rate, hz);
}

static void check_level(const struct phone *f, double hz, double want)
{
	assert_true(level(f, hz) > want * 0.85 - 30 && level(f, hz) < want * 1.15 + 30);
}

/* ---- VOLUME */

static void volume_between(enum format_id of_a, enum format_id of_b)
{
	struct phone *a = call(0, of_a, 700), *b = call(1, of_b, 1000);

	assert_int_equal(media_bridge(a->s, b->s), 0);
	assert_int_equal(media_volume_start(&h, a->s, 0, 0), 0);
	pass(400);
	forget();
	pass(400);
	check_level(b, 700, 6000);
	check_level(a, 1000, 6000);
	media_volume_set(h, 2, -3);
	pass(400);
	forget();
	pass(400);
	check_level(b, 700, 12000);
	check_level(a, 1000, 2000);
	/* Another one behind it. */
	assert_int_equal(media_volume_start(&g, b->s, 0, -4), 0);
	pass(400);
	forget();
	pass(400);
	check_level(b, 700, 3000);
	media_hook_stop(&h);
	assert_null(h);
	pass(400);
	forget();
	pass(400);
	check_level(b, 700, 1500);
	check_level(a, 1000, 6000);
	hang_up(b);
	media_poll(m, 0);
	assert_null(g);
	hang_up(a);
}

static void test_volume(void **state) { (void)state; volume_between(FORMAT_ULAW, FORMAT_ULAW); }
static void test_volume_alaw(void **state) { (void)state; volume_between(FORMAT_ALAW, FORMAT_SLIN16); }
static void test_volume_g722(void **state) { (void)state; volume_between(FORMAT_G722, FORMAT_G722); }
static void test_volume_opus(void **state) { (void)state; volume_between(FORMAT_OPUS, FORMAT_ULAW); }

/* Codecs with states that come later, and sounds of the session's own. */
static void test_other_codec(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 0), *b = call(1, FORMAT_ULAW, 0);
	struct tone *t = NULL;

	(void)state;
	assert_int_equal(media_volume_start(&h, a->s, 2, -2), 0);
	agree(a, FORMAT_G722, 20);
	media_bridge(a->s, b->s);
	a->hz = 700;
	pass(400);
	forget();
	pass(400);
	check_level(b, 700, 12000);
	/* Too loud is cut, not wound around. */
	media_volume_set(h, 1000, -1000);
	pass(400);
	forget();
	pass(400);
	assert_true(level(b, 700) > 30000);
	media_volume_set(h, 0, -1000);
	assert_int_equal(tone_parse(&t, STR("440/4000")), 0);
	media_tone(a->s, t);
	pass(200);
	forget();
	pass(400);
	assert_true(a->packets == 20 && level(a, 440) < 30);
	media_volume_set(h, 0, 0);
	pass(200);
	forget();
	pass(400);
	assert_true(level(a, 440) > 1000);
	media_tone(a->s, NULL);
	obj_drop(t);
	hang_up(a);
	hang_up(b);
}

static void test_mute(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 700), *b = call(1, FORMAT_ULAW, 1000);

	(void)state;
	media_bridge(a->s, b->s);
	assert_int_equal(media_mute_start(&h, a->s, true, false), 0);
	pass(100);
	forget();
	pass(400);
	assert_true(!hears(b, a) && hears(a, b));
	assert_int_equal(b->packets, 20);
	media_mute_set(h, false, true);
	forget();
	pass(400);
	assert_true(hears(b, a) && !hears(a, b));
	media_mute_set(h, false, false);
	forget();
	pass(400);
	assert_true(hears(b, a) && hears(a, b));
	hang_up(a);
	hang_up(b);
}

/* A mix hears what hooks have left. */
static void test_in_a_mix(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 700), *b = call(1, FORMAT_G722, 1000);
	struct media_mix *x = NULL;

	(void)state;
	assert_int_equal(media_mix_new(&x, m), 0);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, b->s, &plain);
	assert_int_equal(media_volume_start(&h, a->s, -2, -3), 0);
	pass(400);
	forget();
	pass(400);
	check_level(b, 700, 3000);
	check_level(a, 1000, 2000);
	media_mix_close(x);
	hang_up(a);
	hang_up(b);
}

/* ---- what is listened for */

static void listen_to(struct phone *f, unsigned what)
{
	media_listen(f->s, what);
}

static void check_digit(size_t i, char digit)
{
	assert_true(seen.n >= i + 2);
	assert_int_equal(seen.e[i].type, MEDIA_DTMF_BEGIN);
	assert_int_equal(seen.e[i].digit, digit);
	assert_int_equal(seen.e[i + 1].type, MEDIA_DTMF_END);
	assert_int_equal(seen.e[i + 1].digit, digit);
	assert_in_range(seen.e[i + 1].ms, 50, 110);
}

static void digits_in(enum format_id id)
{
	struct phone *a = listener(0, id, 0);

	say_tones(a, 100, 770, 1336, 4000);
	say_tones(a, 100, 770, 1336, 0);
	assert_int_equal(seen.n, 0);
	listen_to(a, MEDIA_LISTEN_DIGITS);
	say_tones(a, 100, 770, 1336, 4000);
	say_tones(a, 100, 770, 1336, 0);
	say_tones(a, 100, 941, 1477, 4000);
	say_tones(a, 100, 770, 1336, 0);
	check_digit(0, '5');
	check_digit(2, '#');
	assert_int_equal(seen.n, 4);
	/* Nobody listens any more: what was begun ends. */
	say_tones(a, 100, 770, 1336, 4000);
	assert_int_equal(seen.n, 5);
	listen_to(a, 0);
	say_tones(a, 100, 770, 1336, 4000);
	assert_int_equal(seen.n, 6);
	assert_int_equal(seen.e[5].type, MEDIA_DTMF_END);
	hang_up(a);
}

static void test_digits_ulaw(void **state) { (void)state; digits_in(FORMAT_ULAW); }
static void test_digits_g722(void **state) { (void)state; digits_in(FORMAT_G722); }
static void test_digits_gsm(void **state) { (void)state; digits_in(FORMAT_GSM); }
static void test_digits_opus(void **state) { (void)state; digits_in(FORMAT_OPUS); }
static void test_digits_slin16(void **state) { (void)state; digits_in(FORMAT_SLIN16); }

/* To whoever is bridged a digit goes in that one's way, and not as sound as well. */
static void test_digits_pass(void **state)
{
	struct phone *a = listener(0, FORMAT_ULAW, 0), *b = call(1, FORMAT_ULAW, 0);
	struct media_set set = { .remote = b->at, .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_RFC4733, .nevents = 1 };
	struct rtp r;

	(void)state;
	set.codec[0] = (struct media_codec){ .id = FORMAT_ULAW };
	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = 101;
	assert_int_equal(media_session_set(b->s, &set), 0);
	media_bridge(a->s, b->s);
	listen_to(a, MEDIA_LISTEN_DIGITS);
	say_tones(a, 100, 400, 400, 2000);
	forget();
	say_tones(a, 100, 770, 1336, 4000);
	assert_int_equal(rtp_parse(&r, b->last, sizeof(b->last)), 0);
	assert_int_equal(r.pt, 101);
	assert_int_equal(b->last[12], 5);
	assert_int_equal(b->last[13] & 0x80, 0);
	say_tones(a, 100, 770, 1336, 0);
	check_digit(0, '5');
	assert_int_equal(rtp_parse(&r, b->last, sizeof(b->last)), 0);
	assert_int_equal(r.pt, 0);
	/* The tail of its packets: muted. */
	assert_true(level(b, 770) < 1500);
	/* Held: it stays here. */
	media_dtmf_hold(a->s, true);
	say_tones(a, 100, 770, 1336, 4000);
	assert_int_equal(rtp_parse(&r, b->last, sizeof(b->last)), 0);
	assert_int_equal(r.pt, 0);
	hang_up(a);
	hang_up(b);
}

/* The sound stops in the middle of a digit: it ends with it. */
static void test_digit_ends_with_sound(void **state)
{
	struct phone *a = listener(0, FORMAT_ULAW, 0);

	(void)state;
	listen_to(a, MEDIA_LISTEN_DIGITS);
	say_tones(a, 100, 697, 1209, 4000);
	assert_int_equal(seen.n, 1);
	pass(400);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.e[1].type, MEDIA_DTMF_END);
	/* It is not told a second time. */
	say_tones(a, 200, 770, 1336, 0);
	assert_int_equal(seen.n, 2);
	say_tones(a, 100, 697, 1209, 4000);
	hang_up(a);
	media_poll(m, 0);
}

static void test_cng(void **state)
{
	struct phone *a = listener(0, FORMAT_ULAW, 0);

	(void)state;
	say_tones(a, 600, 1100, 1100, 2000);
	assert_int_equal(seen.n, 0);
	listen_to(a, MEDIA_LISTEN_CNG);
	say_tones(a, 100, 1100, 1100, 0);
	say_tones(a, 600, 1100, 1100, 2000);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.e[0].type, MEDIA_CNG);
	say_tones(a, 100, 770, 1336, 4000);
	assert_int_equal(seen.n, 1);
	hang_up(a);
}

/* ---- talk and silence */

static void test_talk(void **state)
{
	struct phone *a = listener(0, FORMAT_ULAW, 0);

	(void)state;
	assert_int_equal(media_talk_start(&h, a->s, 256, 300, 7), 0);
	say_tones(a, 200, 400, 400, 0);
	assert_int_equal(seen.n, 0);
	say_tones(a, 500, 400, 400, 2000);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.e[0].type, MEDIA_HOOK);
	assert_int_equal(seen.e[0].tag, 7);
	assert_int_equal(seen.e[0].count, 1);
	/* A pause that is too short. */
	say_tones(a, 280, 400, 400, 0);
	say_tones(a, 100, 400, 400, 2000);
	assert_int_equal(seen.n, 1);
	say_tones(a, 320, 400, 400, 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.e[1].count, 0);
	assert_in_range(seen.e[1].ms, 840, 900);
	/* Softer than the level; then a lower one. */
	say_tones(a, 100, 400, 400, 120);
	assert_int_equal(seen.n, 2);
	media_talk_set(h, 100, 100);
	say_tones(a, 100, 400, 400, 120);
	assert_int_equal(seen.n, 3);
	media_hook_stop(&h);
	say_tones(a, 1000, 400, 400, 0);
	assert_int_equal(seen.n, 3);
	hang_up(a);
}

static void test_word(void **state)
{
	const struct media_word w = { .level = 512, .quiet_ms = 200, .min_ms = 100, .max_ms = 600 };
	const struct media_word soon = { .level = 512, .quiet_ms = 200, .min_ms = 100, .within_ms = 300 };
	struct phone *a = listener(0, FORMAT_ULAW, 0);

	(void)state;
	assert_int_equal(media_word_start(&h, a->s, &w, 3), 0);
	say_tones(a, 400, 400, 400, 0);
	/* Too short, too long. */
	say_tones(a, 60, 400, 400, 3000);
	say_tones(a, 400, 400, 400, 0);
	say_tones(a, 800, 400, 400, 3000);
	say_tones(a, 400, 400, 400, 0);
	assert_int_equal(seen.n, 0);
	say_tones(a, 300, 400, 400, 3000);
	say_tones(a, 400, 400, 400, 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.e[0].tag, 3);
	assert_in_range(seen.e[0].ms, 280, 340);
	/* Once. */
	say_tones(a, 300, 400, 400, 3000);
	say_tones(a, 400, 400, 400, 0);
	assert_int_equal(seen.n, 1);
	media_hook_stop(&h);
	assert_int_equal(media_word_start(&h, a->s, &soon, 4), 0);
	say_tones(a, 400, 400, 400, 3000);
	say_tones(a, 400, 400, 400, 0);
	assert_int_equal(seen.n, 1);
	hang_up(a);
}

static void test_silence(void **state)
{
	struct phone *a = listener(0, FORMAT_ULAW, 0);

	(void)state;
	assert_int_equal(media_silence_start(&h, a->s, 256, 300, false, 1), 0);
	assert_int_equal(media_silence_start(&g, a->s, 256, 200, true, 2), 0);
	say_tones(a, 200, 400, 400, 0);
	say_tones(a, 100, 400, 400, 3000);
	say_tones(a, 280, 400, 400, 0);
	assert_int_equal(seen.n, 0);
	say_tones(a, 40, 400, 400, 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.e[0].tag, 1);
	say_tones(a, 400, 400, 400, 3000);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.e[1].tag, 2);
	say_tones(a, 400, 400, 400, 0);
	assert_int_equal(seen.n, 3);
	hang_up(a);
}

/* ---- DENOISE, AGC */

static double power(const struct phone *f, size_t from)
{
	double sum = 0;

	for (size_t i = from; i < f->n; i++)
		sum += (double)f->heard[i] * f->heard[i];
	return sqrt(sum / (double)(f->n - from));
}

static void say_noise(struct phone *f, unsigned ms)
{
	static uint32_t seed = 3;
	int16_t pcm[960];

	for (unsigned at = 0; at < ms; at += 20) {
		for (size_t i = 0; i < codec_samples(f->row, 20); i++) {
			seed = seed * 1664525 + 1013904223;
			pcm[i] = (int16_t)((int32_t)(seed >> 16) % 1000 - 500);
		}
		say_pcm(f, pcm);
		clock_fake_add(&clk, 20000);
		media_poll(m, 0);
	}
}

static void test_speech(void **state)
{
	struct media_speech none = { 0 }, denoise = { .denoise = true }, loud = { .agc = 16000 };
	struct phone *a = call(0, FORMAT_ULAW, 0), *b = call(1, FORMAT_ULAW, 0);
	double before;

	(void)state;
	if (!media_speech_exists()) {
		assert_int_equal(media_speech_start(&h, a->s, &denoise, &none), ENOSYS);
		hang_up(a);
		hang_up(b);
		return;
	}
	media_bridge(a->s, b->s);
	say_noise(a, 1000);
	before = power(b, 0);
	assert_int_equal(media_speech_start(&h, a->s, &denoise, &none), 0);
	say_noise(a, 3000);
	forget();
	say_noise(a, 1000);
	assert_true(power(b, 0) < before / 3);
	media_speech_set(h, &none, &none);
	forget();
	say_noise(a, 1000);
	assert_true(power(b, 0) > before * 0.9);
	/* Softly spoken: louder and louder. */
	media_speech_set(h, &loud, &none);
	say_tones(a, 5000, 300, 900, 300);
	forget();
	say_tones(a, 1000, 300, 900, 300);
	assert_true(level(b, 300) > 600);
	hang_up(a);
	hang_up(b);
}

/* ---- JITTERBUFFER */

static void test_delay(void **state)
{
	const struct media_delay prm = { .max_ms = 100 };
	struct phone *a = call(0, FORMAT_ULAW, 0), *b = call(1, FORMAT_ULAW, 0);
	int16_t pcm[160] = { 0 };
	size_t most = 0, all = 0;
	uint16_t want = 0;

	(void)state;
	media_bridge(a->s, b->s);
	assert_int_equal(media_delay_start(&h, a->s, &prm), 0);
	/* Four packets every 80 ms, the second pair the wrong way round. */
	for (unsigned ms = 0; ms < 2000; ms += 10) {
		if (ms % 80 == 0) {
			uint16_t seq = a->seq;
			uint32_t ts = a->ts;

			for (int i = 0; i < 4; i++) {
				static const int order[] = { 0, 2, 1, 3 };

				a->seq = (uint16_t)(seq + order[i]);
				a->ts = ts + 160u * (uint32_t)order[i];
				say_pcm(a, pcm);
			}
			a->seq = (uint16_t)(seq + 4);
			a->ts = ts + 640;
		}
		b->packets = 0;
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
		most = b->packets > most ? b->packets : most;
		all += b->packets;
		if (b->packets) {
			struct rtp r;

			assert_int_equal(rtp_parse(&r, b->last, sizeof(b->last)), 0);
			assert_true(!want || r.seq == (uint16_t)(want + 1));
			want = r.seq;
		}
	}
	/* Evenly, in order, and all but those that are still there. */
	assert_int_equal(most, 1);
	assert_in_range(all, 90, 97);
	/* It goes: what comes passes at once. */
	media_hook_stop(&h);
	media_poll(m, 0);
	b->packets = 0;
	say_pcm(a, pcm);
	say_pcm(a, pcm);
	assert_int_equal(b->packets, 2);
	hang_up(a);
	hang_up(b);
}

/* Behind it, what it lets go on is changed; and another codec meanwhile is no harm. */
static void test_delay_and_volume(void **state)
{
	const struct media_delay prm = { .adaptive = true, .max_ms = 200, .extra_ms = 40 };
	struct phone *a = call(0, FORMAT_ULAW, 700), *b = call(1, FORMAT_ULAW, 0);

	(void)state;
	media_bridge(a->s, b->s);
	assert_int_equal(media_delay_start(&h, a->s, &prm), 0);
	assert_int_equal(media_volume_start(&v, a->s, -2, 0), 0);
	pass(600);
	forget();
	pass(400);
	check_level(b, 700, 3000);
	agree(a, FORMAT_G722, 20);
	pass(200);
	hang_up(a);
	media_poll(m, 0);
	assert_null(h);
	assert_null(v);
	hang_up(b);
}

/* ---- coming and going */

static void test_many(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 700);
	static struct media_hook *many[9];

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(media_volume_start(&many[i], a->s, 2, 2), 0);
	assert_int_equal(media_volume_start(&many[8], a->s, 2, 2), ENOBUFS);
	media_hook_stop(&many[3]);
	media_hook_stop(&many[3]);
	pass(100);
	assert_int_equal(media_volume_start(&many[8], a->s, 2, 2), 0);
	pass(100);
	hang_up(a);
	media_poll(m, 0);
	for (int i = 0; i < 9; i++)
		assert_null(many[i]);
}

/* The media closes with hooks that are still there. */
static void test_media_closes(void **state)
{
	struct phone *a = call(0, FORMAT_OPUS, 700);

	(void)state;
	assert_int_equal(media_volume_start(&h, a->s, 2, 2), 0);
	assert_int_equal(media_delay_start(&g, a->s, &(struct media_delay){ .max_ms = 100 }), 0);
	listen_to(a, MEDIA_LISTEN_DIGITS | MEDIA_LISTEN_CNG);
	pass(100);
	hang_up(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_volume), T(test_volume_alaw), T(test_volume_g722), T(test_volume_opus), T(test_other_codec), T(test_mute),
		T(test_in_a_mix), T(test_digits_ulaw), T(test_digits_g722), T(test_digits_gsm), T(test_digits_opus),
		T(test_digits_slin16), T(test_digits_pass), T(test_digit_ends_with_sound), T(test_cng), T(test_talk),
		T(test_word), T(test_silence), T(test_speech), T(test_delay), T(test_delay_and_volume), T(test_many),
		T(test_media_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
