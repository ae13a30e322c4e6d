/* Opus on the wire: into every other codec and back, packets of other lengths, losses made
 * up for, silence left out, losses that the peer reports, mixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include "media/file.h"
#include "media/mixer.h"
#include "media_net.h"

enum { PT_OPUS = 107, PT_OTHER = 96, HEARD = 96000 };

struct leg {                    /* a phone that says a tone, and its session */
	struct media_session *s;
	struct sa far;
	const struct codec *row;
	void *enc, *dec;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts;
	uint64_t said;          /* [samples] */
};

static struct leg x, y;
static int16_t heard[HEARD];

static void leg_open(struct leg *l, const struct sa *far, enum format_id id, uint8_t ptime, const struct codec_prm *prm)
{
	struct media_set set = to_phone(far, id, id == FORMAT_OPUS ? PT_OPUS : PT_OTHER);

	*l = (struct leg){ .s = session(NULL), .far = *far, .row = codec_get(id), .pt = set.codec[0].pt_rx };
	l->enc = codec_state(l->row, CODEC_ENCODER, prm);
	l->dec = codec_state(l->row, CODEC_DECODER, NULL);
	set.codec[0].ptime = ptime;
	if (prm)
		set.encoder = *prm;
	assert_int_equal(media_session_set(l->s, &set), 0);
}

static void leg_close(struct leg *l)
{
	if (l->enc)
		l->row->state_free(l->enc);
	if (l->dec)
		l->row->state_free(l->dec);
	media_session_close(l->s, NULL, NULL);
	media_poll(m, 0);
}

static size_t make(struct leg *l, unsigned ms, double hz, uint8_t *out)
{
	size_t n = codec_samples(l->row, ms);
	int16_t pcm[5760];

	for (size_t i = 0; i < n; i++, l->said++)
		pcm[i] = (int16_t)lrint(hz != 0 ? 8000 * sin(2 * M_PI * hz * (double)l->said / l->row->rate) : 0);
	return l->row->encode(l->enc, pcm, n, out, 1488);
}

/* `ms` of a tone, or a hole where they would be. */
static void say(struct leg *l, unsigned ms, double hz, bool lost)
{
	uint8_t pkt[1500];
	size_t k = make(l, ms, hz, pkt + RTP_HEADER);

	rtp_write(pkt, l->pt, l->seq == 0, l->seq, l->ts, 7);
	l->seq++;
	l->ts += codec_ticks(l->row, codec_samples(l->row, ms), format_get(l->row->id)->clock);
	if (k && !lost)
		assert_true(media_deliver(m, media_session_local(l->s), &l->far, pkt, RTP_HEADER + k));
	pass(ms);
}

/* What `l` was sent since `from`: whole, one after the other, each of `ms`. Samples in heard[]. */
static size_t hear(struct leg *l, unsigned ms)
{
	struct rtp r, before = { 0 };
	size_t k = 0;
	bool any = false;

	for (size_t i = 0; i < net.n; i++) {
		size_t n;

		if (!sa_eq(&net.sent[i].to, &l->far))
			continue;
		assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
		assert_int_equal(r.pt, l->pt);
		n = l->row->decode(l->dec, net.sent[i].b + r.at, r.n, heard + k, HEARD - k);
		assert_int_equal(n, codec_samples(l->row, ms));
		if (any) {
			assert_int_equal((uint16_t)(r.seq - before.seq), 1);
			assert_int_equal(r.ts - before.ts, ms * format_get(l->row->id)->clock / 1000);
		}
		any = true;
		before = r;
		k += n;
	}
	net.n = net.nrtcp = 0;
	return k;
}

static void expect_tone(const struct leg *l, size_t n, uint32_t hz)
{
	double p = tone_goertzel(heard + n / 4, n / 2, l->row->rate, hz);

	if (p < 0.95)
		print_error("%s: %f of the power is at %u Hz\n", format_get(l->row->id)->name, p, hz);
	assert_true(p >= 0.95);
}

static void test_every_codec(void **state)
{
	static const enum format_id rows[] = {
		FORMAT_ULAW, FORMAT_ALAW, FORMAT_GSM, FORMAT_G722, FORMAT_SLIN, FORMAT_SLIN12, FORMAT_SLIN16, FORMAT_SLIN24,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		leg_open(&x, &far_x, FORMAT_OPUS, 20, NULL);
		leg_open(&y, &far_y, rows[i], 20, NULL);
		assert_int_equal(media_bridge(x.s, y.s), 0);
		for (int k = 0; k < 40; k++)
			say(&x, 20, 440, false);
		assert_int_equal(hear(&y, 20), 40 * codec_samples(y.row, 20));
		expect_tone(&y, 40 * codec_samples(y.row, 20), 440);
		for (int k = 0; k < 40; k++)
			say(&y, 20, 700, false);
		assert_int_equal(hear(&x, 20), 40 * 960);
		expect_tone(&x, 40 * 960, 700);
		leg_close(&x);
		leg_close(&y);
	}
}

/* Linear sound so wide that 20 ms are more than a packet: cut into pieces. */
static void test_wide_linear(void **state)
{
	static const enum format_id rows[] = { FORMAT_SLIN32, FORMAT_SLIN44, FORMAT_SLIN48 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		leg_open(&x, &far_x, FORMAT_OPUS, 20, NULL);
		leg_open(&y, &far_y, rows[i], 10, NULL);
		assert_int_equal(media_bridge(x.s, y.s), 0);
		for (int k = 0; k < 40; k++)
			say(&x, 20, 440, false);
		assert_int_equal(hear(&y, 10), 80 * codec_samples(y.row, 10));
		expect_tone(&y, 80 * codec_samples(y.row, 10), 440);
		for (int k = 0; k < 80; k++)
			say(&y, 10, 700, false);
		assert_int_equal(hear(&x, 20), 40 * 960);
		expect_tone(&x, 40 * 960, 700);
		leg_close(&x);
		leg_close(&y);
	}
}

static void test_lengths(void **state)
{
	static const struct { unsigned in, ptime_other, ptime_opus, in_other; } tv[] = {
		{ 10, 20, 20, 20 }, { 20, 30, 20, 30 }, { 60, 20, 60, 20 }, { 40, 20, 10, 20 }, { 20, 20, 40, 30 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		leg_open(&x, &far_x, FORMAT_OPUS, (uint8_t)tv[i].ptime_opus, NULL);
		leg_open(&y, &far_y, FORMAT_ALAW, (uint8_t)tv[i].ptime_other, NULL);
		assert_int_equal(media_bridge(x.s, y.s), 0);
		for (unsigned ms = 0; ms < 1200; ms += tv[i].in)
			say(&x, tv[i].in, 440, false);
		assert_int_equal(hear(&y, tv[i].ptime_other), 1200 * 8);
		expect_tone(&y, 1200 * 8, 440);
		for (unsigned ms = 0; ms < 1200; ms += tv[i].in_other)
			say(&y, tv[i].in_other, 700, false);
		assert_int_equal(hear(&x, tv[i].ptime_opus), 1200 * 48);
		expect_tone(&x, 1200 * 48, 700);
		leg_close(&x);
		leg_close(&y);
	}
}

/* Opus to Opus stays as it is, whatever lengths were agreed. */
static void test_untouched(void **state)
{
	uint8_t pkt[RTP_HEADER + 4] = { 0 };

	(void)state;
	leg_open(&x, &far_x, FORMAT_OPUS, 20, NULL);
	leg_open(&y, &far_y, FORMAT_OPUS, 60, NULL);
	assert_int_equal(media_bridge(x.s, y.s), 0);
	for (uint16_t i = 0; i < 5; i++) {
		rtp_write(pkt, PT_OPUS, false, i, 960u * i, 7);
		memcpy(pkt + RTP_HEADER, "\xff\xff\x01\x02", 4);       /* no Opus at all */
		media_deliver(m, media_session_local(x.s), &far_x, pkt, sizeof(pkt));
	}
	assert_int_equal(net.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_memory_equal(net.sent[i].b + RTP_HEADER, "\xff\xff\x01\x02", 4);
	leg_close(&x);
	leg_close(&y);
}

/* Every tenth packet is lost: the other side hears no hole, neither in numbers nor in sound. */
static void test_loss(void **state)
{
	size_t n;

	(void)state;
	leg_open(&x, &far_x, FORMAT_OPUS, 20, NULL);
	leg_open(&y, &far_y, FORMAT_ULAW, 20, NULL);
	assert_int_equal(media_bridge(x.s, y.s), 0);
	for (int k = 0; k < 50; k++)
		say(&x, 20, 440, k % 10 == 5 || k == 36);
	n = hear(&y, 20);
	assert_int_equal(n, 50 * 160);
	for (size_t i = 5 * 160; i + 80 <= n; i += 80) {
		double power = 0;

		for (size_t k = 0; k < 80; k++)
			power += (double)heard[i + k] * heard[i + k];
		assert_true(sqrt(power / 80) > 1000);
	}
	/* One that comes too late is not heard twice. */
	x.seq -= 2;
	x.ts -= 2 * 960;
	say(&x, 20, 440, false);
	assert_int_equal(net.n, 0);
	leg_close(&x);
	leg_close(&y);
}

/* What a DTX encoder leaves out is time, not loss. */
static void test_silence(void **state)
{
	struct codec_prm dtx = { .dtx = true };
	struct rtp r, before = { 0 };
	bool gap = false;

	(void)state;
	leg_open(&x, &far_x, FORMAT_ULAW, 20, NULL);
	leg_open(&y, &far_y, FORMAT_OPUS, 20, &dtx);
	assert_int_equal(media_bridge(x.s, y.s), 0);
	for (int k = 0; k < 80; k++)
		say(&x, 20, k < 20 || k >= 60 ? 440 : 0, false);
	assert_in_range(net.n, 41, 70);
	for (size_t i = 0; i < net.n; i++) {
		assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
		if (i) {
			assert_int_equal((uint16_t)(r.seq - before.seq), 1);
			assert_int_equal((r.ts - before.ts) % 960, 0);
			assert_int_equal(r.marker, r.ts - before.ts > 960);
			gap = gap || r.ts - before.ts > 10 * 960;
		}
		before = r;
	}
	assert_true(gap);
	leg_close(&x);
	leg_close(&y);
}

/* Tells x's session that the phone misses `fraction` of 256 packets. */
static void report_loss(struct leg *l, uint8_t fraction)
{
	struct rtcp_out r = { .ssrc = 7, .has_block = true, .cname = STR("x"),
			      .block = { .ssrc = media_session_ssrc(l->s), .fraction = fraction } };
	struct sa from = l->far, to = *media_session_local_rtcp(l->s);
	uint8_t buf[200];

	sa_set_port(&from, (uint16_t)(sa_port(&from) + 1));
	assert_true(media_deliver(m, &to, &from, buf, rtcp_write(buf, sizeof(buf), &r)));
	pass(10);
}

/* 40 packets to x, the last but one lost and of another tone: how much of it is restored. */
static double restored(bool fec, uint8_t fraction)
{
	struct codec_prm prm = { .fec = fec, .bitrate = 24000, .max_rate = 16000 };
	struct rtp r;
	double p;

	leg_open(&x, &far_x, FORMAT_OPUS, 20, &prm);
	leg_open(&y, &far_y, FORMAT_ULAW, 20, NULL);
	assert_int_equal(media_bridge(x.s, y.s), 0);
	for (int k = 0; k < 40; k++) {
		say(&y, 20, k == 38 ? 1800 : 600, false);
		if (fraction && k == 5)
			report_loss(&x, fraction);
	}
	assert_int_equal(net.n, 40);
	for (int k = 0; k < 38; k++) {
		rtp_parse(&r, net.sent[k].b, net.sent[k].n);
		x.row->decode(x.dec, net.sent[k].b + r.at, r.n, heard, HEARD);
	}
	rtp_parse(&r, net.sent[39].b, net.sent[39].n);
	assert_int_equal(x.row->conceal(x.dec, net.sent[39].b + r.at, r.n, heard, 960), 960);
	/* The filter of the change of rate and the codec come late by a few milliseconds each. */
	p = tone_goertzel(heard + 560, 400, 48000, 1800);
	net.n = 0;
	leg_close(&x);
	leg_close(&y);
	return p;
}

static void test_reported_loss(void **state)
{
	(void)state;
	assert_true(restored(true, 64) > 0.5);
	assert_true(restored(true, 0) < 0.2);
	assert_true(restored(false, 64) < 0.2);
}

/* In a mix with a phone of G.711; one packet of ten is lost, and nobody hears it. */
static void test_mix(void **state)
{
	struct media_member plain = { .gain = MIX_UNITY };
	struct media_mix *mix = NULL;
	size_t n;

	(void)state;
	assert_int_equal(media_mix_new(&mix, m), 0);
	leg_open(&x, &far_x, FORMAT_OPUS, 20, NULL);
	leg_open(&y, &far_y, FORMAT_ULAW, 20, NULL);
	assert_int_equal(media_mix_join(mix, x.s, &plain), 0);
	assert_int_equal(media_mix_join(mix, y.s, &plain), 0);
	for (int k = 0; k < 60; k++)
		say(&x, 20, 440, k % 10 == 5);
	n = hear(&y, 20);
	assert_true(n >= 50 * 160);
	for (size_t i = 10 * 160; i + 80 <= n; i += 80) {
		double power = 0;

		for (size_t k = 0; k < 80; k++)
			power += (double)heard[i + k] * heard[i + k];
		assert_true(sqrt(power / 80) > 1000);
	}
	leg_close(&x);
	leg_close(&y);
	media_mix_close(mix);
}

/* A file at its own rate; nothing of it is lost on its way into the packets. */
static void test_file(void **state)
{
	struct sound *snd = NULL;
	int16_t pcm[16000];
	size_t n;

	(void)state;
	for (size_t i = 0; i < 16000; i++)
		pcm[i] = (int16_t)lrint(8000 * sin(2 * M_PI * 6000 * (double)i / 16000));
	assert_int_equal(file_decode(&snd, str_mk((char *)pcm, sizeof(pcm)), FORMAT_SLIN16, FORMAT_OPUS), 0);
	assert_int_equal(snd->id, FORMAT_SLIN16);
	leg_open(&x, &far_x, FORMAT_OPUS, 20, NULL);
	assert_int_equal(media_play_sounds(x.s, &snd, 1, 1), 0);
	pass(1100);
	n = hear(&x, 20);
	assert_int_equal(n, 48000);
	assert_true(tone_goertzel(heard + n / 4, n / 2, 48000, 6000) > 0.8);
	/* Its image at the rate of the file. */
	assert_true(tone_goertzel(heard + n / 4, n / 2, 48000, 10000) < 0.001);
	leg_close(&x);
	obj_drop(snd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_codec, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_wide_linear, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_lengths, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_untouched, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_loss, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_silence, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_reported_loss, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_mix, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_file, net_up, net_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
