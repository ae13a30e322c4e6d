/* Every codec at every length of packet: our own sound, what is relayed into another codec,
 * and digits beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include "media/file.h"
#include "media_net.h"

static const enum format_id rows[] = {
	FORMAT_ULAW, FORMAT_ALAW, FORMAT_GSM, FORMAT_G722, FORMAT_SLIN, FORMAT_SLIN12, FORMAT_SLIN16, FORMAT_SLIN24,
	FORMAT_SLIN32, FORMAT_SLIN44, FORMAT_SLIN48,
};
static const uint8_t ptimes[] = { 0, 1, 7, 10, 20, 25, 30, 40, 60, 120, 150, 255 };

/* The length that is sent for the one that was asked for, worked out by hand. */
static unsigned packet_ms(enum format_id id, unsigned ptime)
{
	static const struct { enum format_id id; unsigned step, max; } tv[] = {
		{ FORMAT_ULAW, 1, 186 }, { FORMAT_ALAW, 1, 186 }, { FORMAT_GSM, 20, 240 }, { FORMAT_G722, 1, 186 },
		{ FORMAT_SLIN, 1, 93 }, { FORMAT_SLIN12, 1, 62 }, { FORMAT_SLIN16, 1, 46 }, { FORMAT_SLIN24, 1, 31 },
		{ FORMAT_SLIN32, 1, 23 }, { FORMAT_SLIN44, 10, 10 }, { FORMAT_SLIN48, 1, 15 },
	};
	size_t i = 0;

	while (tv[i].id != id)
		i++;
	ptime = ptime ? ptime : 20;
	ptime = ptime < 10 ? 10 : ptime > tv[i].max ? tv[i].max : ptime;
	return ptime < tv[i].step ? tv[i].step : ptime / tv[i].step * tv[i].step;
}

static void each_ms(unsigned ms)
{
	while (ms--) {
		clock_fake_add(&clk, 1000);
		media_poll(m, 0);
	}
}

static int16_t heard[120000];

/* All that was sent are packets of `ms`, one after the other, without a hole in
 * sequence or time. Their sound is put into heard[]; number of samples. */
static size_t check_packets(enum format_id id, uint8_t pt, unsigned ms, void *dec)
{
	const struct codec *c = codec_get(id);
	struct rtp r, before = { 0 };
	size_t k = 0;

	for (size_t i = 0; i < net.n; i++) {
		assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
		assert_int_equal(r.pt, pt);
		assert_int_equal(r.n, codec_bytes(c, codec_samples(c, ms)));
		assert_int_equal(r.marker, i == 0);
		if (i) {
			assert_int_equal((uint16_t)(r.seq - before.seq), 1);
			assert_int_equal(r.ts - before.ts, format_get(id)->clock / 1000.0 * ms);
		}
		before = r;
		k += c->decode(dec, net.sent[i].b + r.at, r.n, heard + k, ARRAY_LEN(heard) - k);
	}
	return k;
}

static struct sound *tone_sound(enum format_id id, enum format_id want, unsigned ms)
{
	const struct codec *c = codec_get(id);
	size_t n = codec_samples(c, ms);
	int16_t *pcm = calloc(n, sizeof(*pcm));
	struct tone_gen g;
	struct tone *t = NULL;
	struct sound *s = NULL;

	assert_int_equal(tone_parse(&t, STR("440")), 0);
	tone_gen_init(&g, t, c->rate);
	tone_gen_run(&g, pcm, n);
	obj_drop(t);
	assert_int_equal(file_decode(&s, str_mk((char *)pcm, n * 2), id, want), 0);
	free(pcm);
	return s;
}

/* Our own sound of each kind: a tone, silence, a file of the leg's codec and one
 * of another, a digit as tones. At the pace of the packets, whole and in order. */
static void own_sounds(enum format_id id, uint8_t ptime)
{
	const struct codec *c = codec_get(id);
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&far_x, id, 96);
	unsigned ms = packet_ms(id, ptime);
	struct sound *own = tone_sound(FORMAT_SLIN16, id, 480), *other = tone_sound(FORMAT_SLIN, FORMAT_SLIN, 480);
	void *dec = c->state_new ? c->state_new(CODEC_DECODER, NULL) : NULL;
	struct tone *t = NULL;
	uint16_t low, high;
	size_t n;

	set.dtmf = MEDIA_DTMF_INBAND;
	set.codec[0].ptime = ptime;
	assert_int_equal(media_session_set(x, &set), 0);
	assert_int_equal(tone_parse(&t, STR("440")), 0);
	net.n = net.nrtcp = 0;
	media_tone(x, t);
	obj_drop(t);
	each_ms(1000);
	media_tone(x, NULL);
	assert_in_range(net.n, 990 / ms, 1000 / ms + 1);
	n = check_packets(id, 96, ms, dec);
	assert_true(tone_goertzel(heard + n / 2, n / 2, c->rate, 440) > 0.9);
	pass(300);
	net.n = 0;
	media_silence(x, true);
	each_ms(500);
	media_silence(x, false);
	assert_in_range(net.n, 490 / ms, 500 / ms + 1);
	check_packets(id, 96, ms, dec);
	for (int k = 0; k < 2; k++) {
		pass(300);
		net.n = 0;
		media_play_sounds(x, k ? &other : &own, 1, 1);
		each_ms(480 + 2 * ms + 20);
		assert_int_equal(count(&sx, MEDIA_PLAYED), k + 1);
		assert_int_equal(net.n, (480 + ms - 1) / ms);
		n = check_packets(id, 96, ms, dec);
		n = n < codec_samples(c, 400) ? n : codec_samples(c, 400);
		assert_true(tone_goertzel(heard + n / 4, n / 2, c->rate, 440) > 0.9);
	}
	pass(300);
	net.n = 0;
	assert_int_equal(media_dtmf_send(x, STR("5"), 200, 0, 1), 0);
	each_ms(500);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 1);
	n = check_packets(id, 96, ms, dec);
	tone_dtmf_freqs('5', &low, &high);
	assert_true(n >= codec_samples(c, 200));
	assert_true(tone_goertzel(heard + n / 4, n / 2, c->rate, low) +
		    tone_goertzel(heard + n / 4, n / 2, c->rate, high) > 0.9);
	if (dec)
		c->state_free(dec);
	media_session_close(x, NULL, NULL);
	media_poll(m, 0);
	obj_drop(own);
	obj_drop(other);
}

static void test_own_sounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(ptimes); k++)
			own_sounds(rows[i], ptimes[k]);
}

/* A phone's packets in another codec and of another length: translated, cut anew,
 * and nothing of them lost. */
static void relayed(enum format_id from, unsigned in_ms, enum format_id to, uint8_t ptime)
{
	const struct codec *ci = codec_get(from), *co = codec_get(to);
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&far_x, from, 97);
	struct sound *in = tone_sound(FORMAT_SLIN16, from, 1200);
	size_t bytes = codec_bytes(ci, codec_samples(ci, in_ms)), n = 0, samples = 0;
	void *dec = co->state_new ? co->state_new(CODEC_DECODER, NULL) : NULL;
	uint8_t pkt[2000];
	struct rtp r, before = { 0 };

	set.codec[0].ptime = (uint8_t)in_ms;
	media_session_set(x, &set);
	set = to_phone(&far_y, to, 96);
	set.codec[0].ptime = ptime;
	media_session_set(y, &set);
	media_bridge(x, y);
	net.n = net.nrtcp = 0;
	for (uint16_t i = 0; n + bytes <= in->n; i++, n += bytes) {
		rtp_write(pkt, 97, i == 0, i, i * codec_ticks(ci, codec_samples(ci, in_ms), format_get(from)->clock), 7);
		memcpy(pkt + 12, in->data + n, bytes);
		assert_true(media_deliver(m, media_session_local(x), &far_x, pkt, 12 + bytes));
		pass(in_ms);
	}
	for (size_t i = 0; i < net.n; i++) {
		assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
		assert_int_equal(r.pt, 96);
		if (i) {
			assert_int_equal((uint16_t)(r.seq - before.seq), 1);
			assert_true((int32_t)(r.ts - before.ts) > 0);
		}
		before = r;
		samples += co->decode(dec, net.sent[i].b + r.at, r.n, heard + samples, ARRAY_LEN(heard) - samples);
	}
	/* All but what still waits to fill a packet. */
	assert_in_range(samples, codec_samples(co, 1200 - in_ms - packet_ms(to, ptime) - 2), codec_samples(co, 1201));
	assert_true(tone_goertzel(heard + samples / 4, samples / 2, co->rate, 440) > 0.9);
	if (dec)
		co->state_free(dec);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	media_poll(m, 0);
	obj_drop(in);
}

static void test_relayed_lengths(void **state)
{
	static const struct { enum format_id from; unsigned ms; } in[] = {
		{ FORMAT_ULAW, 20 }, { FORMAT_ULAW, 60 }, { FORMAT_G722, 40 }, { FORMAT_GSM, 20 },
	};
	static const uint8_t out_ms[] = { 0, 1, 30, 150 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(out_ms); k++)
			for (size_t j = 0; j < ARRAY_LEN(in); j++)
				relayed(in[j].from, in[j].ms, rows[i], out_ms[k]);
}

/* Longer than was agreed, and longer than one packet of the other codec holds. */
static void test_long_packet(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct sound *in = tone_sound(FORMAT_SLIN16, FORMAT_ULAW, 180);
	uint8_t pkt[1500];
	size_t n;

	(void)state;
	set.codec[0].ptime = 20;
	media_session_set(x, &set);
	set = to_phone(&far_y, FORMAT_SLIN16, 118);
	media_session_set(y, &set);
	media_bridge(x, y);
	rtp_write(pkt, 0, true, 1, 0, 7);
	memcpy(pkt + 12, in->data, 1440);
	assert_true(media_deliver(m, media_session_local(x), &far_x, pkt, 12 + 1440));
	assert_int_equal(net.n, 9);
	n = check_packets(FORMAT_SLIN16, 118, 20, NULL);
	assert_int_equal(n, 16 * 180);
	assert_true(tone_goertzel(heard, n, 16000, 440) > 0.9);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	obj_drop(in);
}

/* Digits as events keep their pace, however long the packets of sound are. */
static void test_events_at_long_ptime(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&far_x, FORMAT_GSM, 3);
	struct rtp_event e = { 0 };
	struct rtp r = { 0 };
	size_t updates = 0;

	(void)state;
	set.codec[0].ptime = 240;
	set.nevents = 1;
	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = 101;
	media_session_set(x, &set);
	media_dtmf_send(x, STR("12"), 100, 60, 1);
	pass(400);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 1);
	for (size_t i = 0; i < net.n; i++) {
		assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
		assert_int_equal(rtp_event_parse(&e, net.sent[i].b + r.at, r.n), 0);
		updates += !e.end;
	}
	assert_int_equal(updates, 10);
	assert_int_equal(e.duration, 800);
	/* A clock that is none, of an event or of a codec, is refused. */
	set.event[0].rate = 0;
	assert_int_equal(media_session_set(x, &set), EINVAL);
	set.nevents = 0;
	set.codec[0].id = FORMAT_T38;
	assert_int_equal(media_session_set(x, &set), EINVAL);
	media_session_close(x, NULL, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_up, net_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_own_sounds), T(test_relayed_lengths), T(test_long_packet), T(test_events_at_long_ptime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
