/* Three sessions in a mix, and one of them recorded, from the first call to the file:
 * how media/mixer.h is used. The network and the clock are the program's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/obj.h"
#include "media/file.h"
#include "media/mixer.h"
#include "media/rtp.h"

enum { PHONES = 3, N = 160, SECONDS = 2 };
static const uint32_t hz[PHONES] = { 400, 700, 1100 };
static int16_t heard[PHONES][8000 * SECONDS];
static size_t nheard[PHONES];
static struct clock_fake clk;
static struct media *m;
static struct media_session *s[PHONES];
static bool done;

/* Phone i of the network. */
static struct sa phone(unsigned i)
{
	struct sa a;

	sa_parse_host(&a, STR("192.0.2.1"), (uint16_t)(4000 + i));
	return a;
}

static int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	(void)arg;
	*bound = *at;
	*place = sa_port(at);
	return 0;
}

static void net_close(void *arg, int place) { (void)arg, (void)place; }

static int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	unsigned i = sa_port(to) - 4000u;

	(void)arg, (void)place;
	if (rtp_kind(p, n) == RTP_KIND_RTP)
		nheard[i] += codec_get(FORMAT_ULAW)->decode(NULL, (const uint8_t *)p + RTP_HEADER, n - RTP_HEADER,
							     heard[i] + nheard[i], 8000 * SECONDS - nheard[i]);
	return 0;
}

static void call(unsigned i)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
	struct media_set set = { .remote = phone(i), .dir = SDP_SENDRECV, .codec = { { .id = FORMAT_ULAW } }, .ncodecs = 1 };

	assert_int_equal(media_session_new(&s[i], m, &prm), 0);
	assert_int_equal(media_session_set(s[i], &set), 0);
}

/* The frame number `k` of phone i: 20 ms of its tone. */
static void say(unsigned i, unsigned k)
{
	uint8_t pkt[RTP_HEADER + N];
	struct sa from = phone(i);

	rtp_write(pkt, 0, false, (uint16_t)k, k * N, i);
	for (unsigned n = 0; n < N; n++)
		pkt[RTP_HEADER + n] = codec_ulaw((int16_t)lrint(6000 * sin(2 * M_PI * hz[i] * (k * N + n) / 8000)));
	assert_true(media_deliver(m, media_session_local(s[i]), &from, pkt, sizeof(pkt)));
}

static void on_done(void *arg, const struct tap_result *r)
{
	(void)arg;
	assert_true(!r->err && !r->dropped);
	done = true;
}

/* Both directions of `s` in one channel of a file. */
static struct media_tap *record(struct media_session *of, const char *path)
{
	struct tap_wav_prm wav = { .path = str_z(path), .rate = 8000, .bank = media_rates(m) };
	struct media_tap_prm prm = { .ring_bytes = 1 << 20, .done = on_done };
	struct media_tap *t = NULL;

	assert_int_equal(tap_wav_new(&prm.sink, &wav), 0);
	assert_int_equal(media_tap_start(&t, of, &prm), 0);
	return t;
}

/* Each has heard the two others, the file has all three. They hang up. */
static void check_and_close(const char *path)
{
	struct file_name file = { .id = FORMAT_NONE };
	struct sound *snd = NULL;

	str_copy(file.path, sizeof(file.path), str_z(path));
	assert_int_equal(file_load(&snd, &file, FORMAT_SLIN, 0), 0);
	for (unsigned i = 0; i < PHONES; i++) {
		for (unsigned k = 0; k < PHONES; k++)
			assert_int_equal(tone_goertzel(heard[i] + 4000, 8000, 8000, hz[k]) > 0.2, i != k);
		assert_true(tone_goertzel((const int16_t *)(const void *)snd->data + 4000, 8000, 8000, hz[i]) > 0.2);
		media_session_close(s[i], NULL, NULL);
	}
	obj_drop(snd);
}

static void test_mixed_and_recorded(void **state)
{
	static const struct media_member member = { .gain = MIX_UNITY };
	char path[] = "/tmp/test_mixed.XXXXXX";
	struct media_net net = { NULL, net_open, net_close, net_send };
	struct media_prm prm = { .clock = &clk.c, .net = &net, .port_min = 20000, .port_max = 20100 };
	struct media_mix *mix = NULL;
	struct media_tap *t;

	(void)state;
	close(mkstemp(path));
	clock_fake_init(&clk, 1700000000);
	assert_int_equal(media_new(&m, &prm), 0);
	assert_int_equal(media_mix_new(&mix, m), 0);
	for (unsigned i = 0; i < PHONES; i++) {
		call(i);
		assert_int_equal(media_mix_join(mix, s[i], &member), 0);
	}
	t = record(s[0], path);
	for (unsigned k = 0; k < 50 * SECONDS - 5; k++) {
		for (unsigned i = 0; i < PHONES; i++)
			say(i, k);
		clock_fake_add(&clk, 20000);
		media_poll(m, 0);
	}
	assert_int_equal(media_tap_stop(t), 0);
	while (!done)
		media_poll(m, 0);
	check_and_close(path);
	media_mix_close(mix);
	media_close(m);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mixed_and_recorded) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
