/* Media sessions over real sockets on 127.0.0.1, under a clock of our own: what passes
 * between two of them. Digits, sounds, lives and threads are in test_media_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "media_stage.h"

/* ---- relay */

static void test_relay(void **state)
{
	struct seen sa = { 0 }, sb = { 0 };
	struct media_session *x = session(&sa), *y = session(&sb);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);

	(void)state;
	assert_int_equal(sa_port(media_session_local(x)) % 2, 0);
	assert_int_equal(sa_port(media_session_local_rtcp(x)), sa_port(media_session_local(x)) + 1);
	assert_int_equal(media_session_set(x, &set), 0);
	set = to_phone(&b, FORMAT_ULAW, 96, 0);         /* the same under another number */
	assert_int_equal(media_session_set(y, &set), 0);
	assert_int_equal(media_bridge(x, y), 0);
	assert_true(media_session_bridged(x) && media_session_bridged(y));
	for (int i = 0; i < 50; i++) {
		if (i == 20) {          /* one lost: the gap is passed on */
			a.seq++;
			a.ts += 160;
		}
		phone_send(&a, x, 0, noise, 160, 160);
		pass(20);
	}
	assert_int_equal(b.n, 50);
	assert_true(b.rx[0].marker);
	for (size_t i = 0; i < 50; i++) {
		assert_int_equal(b.rx[i].pt, 96);
		assert_int_equal(b.rx[i].n, 160);
		assert_memory_equal(b.pay[i], noise, 160);
		assert_int_equal(b.rx[i].ssrc, media_session_ssrc(y));
		if (i) {
			assert_int_equal((uint16_t)(b.rx[i].seq - b.rx[i - 1].seq), i == 20 ? 2 : 1);
			assert_int_equal(b.rx[i].ts - b.rx[i - 1].ts, i == 20 ? 320 : 160);
			assert_false(b.rx[i].marker);
		}
	}
	assert_int_equal(count(&sa, MEDIA_FIRST_PACKET), 1);
	assert_int_equal(count(&sb, MEDIA_FIRST_PACKET), 0);
	phone_send(&b, y, 96, noise, 160, 160);
	settle();
	assert_int_equal(a.n, 1);
	assert_int_equal(a.rx[0].pt, 0);
	/* What is no RTP, or a number never agreed, goes nowhere. */
	phone_raw(&a, x, "nonsense", 8);
	phone_send(&a, x, 77, noise, 160, 0);
	phone_raw(&a, x, "\x80\x00", 2);
	settle();
	assert_int_equal(b.n, 50);
	assert_int_equal(media_unbridge(y), 0);
	assert_false(media_session_bridged(x));
	phone_send(&a, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 50);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* b answers the report `r`, half a second later by its own account of 0.3 s. */
static void answer_report(struct media_session *y, const struct rtcp *r)
{
	struct rtcp_out o = { .ssrc = b.ssrc, .has_block = true, .cname = STR("b") };
	struct sa dst = *media_session_local_rtcp(y);
	uint8_t buf[500];
	size_t n;

	o.block = (struct rtcp_block){ .ssrc = media_session_ssrc(y), .lost = 5, .jitter = 80,
				       .lsr = ntp_middle(r->ntp_sec, r->ntp_frac), .dlsr = 65536 * 3 / 10 };
	n = rtcp_write(buf, sizeof(buf), &o);
	pass(0);
	assert_int_equal(sendto(b.fd[1], buf, n, 0, &dst.u.s, sa_len(&dst)), n);
	settle();
}

static void test_stats_and_rtcp(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);
	uint8_t buf[500];
	struct rtcp r;
	ssize_t n;
	struct media_counters cnt;

	(void)state;
	got_n = 0;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	media_session_set(y, &set);
	media_bridge(x, y);
	for (int i = 0; i < 300; i++) {
		if (i % 10)
			phone_send(&a, x, 0, noise, 160, 160);
		else
			a.seq++, a.ts += 160;
		pass(20);
	}
	/* Six seconds: a receiver's report to a, a sender's to b. */
	n = recv(a.fd[1], buf, sizeof(buf), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_int_equal(rtcp_parse(&r, buf, (size_t)n, a.ssrc), 0);
	assert_true(r.rr && r.has_block && r.ssrc == media_session_ssrc(x));
	assert_in_range(r.block.fraction, 24, 28);      /* 10 % of 256 */
	assert_in_range(r.block.lost, 20, 30);
	n = recv(b.fd[1], buf, sizeof(buf), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_int_equal(rtcp_parse(&r, buf, (size_t)n, 0), 0);
	assert_true(r.sr && r.packets > 200 && r.octets == r.packets * 160);
	answer_report(y, &r);
	assert_int_equal(media_stats(y, on_stats, NULL), 0);
	assert_int_equal(got_n, 0);             /* never from inside the call */
	settle();
	assert_int_equal(got_n, 1);
	assert_int_equal(got.remote_lost, 5);
	assert_true(got.remote_jitter_ms > 9.9 && got.remote_jitter_ms < 10.1);
	assert_true(got.rtt_ms > 0 && got.rtt_ms < 2000);
	assert_int_equal(got.tx, 270);
	media_session_close(x, on_stats, NULL);
	settle();
	assert_int_equal(got_n, 2);
	assert_int_equal(got.rx, 270);
	assert_int_equal(got.rx_lost, 29);      /* the very first cannot be missed */
	assert_int_equal(got.rx_format, FORMAT_ULAW);
	assert_true(sa_eq(&got.source, &a.at));
	/* It said goodbye. */
	do {
		n = recv(a.fd[1], buf, sizeof(buf), MSG_DONTWAIT);
		assert_true(n > 0);
		assert_int_equal(rtcp_parse(&r, buf, (size_t)n, 0), 0);
	} while (!r.bye);
	media_session_close(y, NULL, NULL);
	settle();
	media_count(m, &cnt);
	assert_int_equal(cnt.sessions, 0);
}

static void tone_at(int16_t *pcm, size_t n, uint32_t rate, char digit, size_t *at)
{
	struct tone *t = NULL;
	struct tone_gen g;
	int16_t skip[160];

	tone_dtmf(&t, digit, 0);
	tone_gen_init(&g, t, rate);
	for (size_t i = 0; i < *at; i += 160)
		tone_gen_run(&g, skip, 160);
	tone_gen_run(&g, pcm, n);
	*at += n;
	obj_drop(t);
}

/* Both ways through every pair of codecs: the tone of one side is heard on the other. */
static void test_translate(void **state)
{
	static const struct { enum format_id id; uint8_t pt; } f[] = {
		{ FORMAT_ULAW, 0 }, { FORMAT_ALAW, 8 }, { FORMAT_GSM, 3 }, { FORMAT_SLIN, 10 }, { FORMAT_SLIN16, 118 },
		{ FORMAT_G722, 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		for (size_t j = 0; j < ARRAY_LEN(f); j++) {
			const struct codec *ci = codec_get(f[i].id), *cj = codec_get(f[j].id);
			struct media_session *x = session(NULL), *y = session(NULL);
			struct media_set set = to_phone(&a, f[i].id, f[i].pt, 0);
			void *enc = ci->state_new ? ci->state_new(CODEC_ENCODER, NULL) : NULL, *dec = cj->state_new ? cj->state_new(CODEC_DECODER, NULL) : NULL;
			int16_t pcm[16000];
			size_t at = 0, n = 0;
			uint16_t low, high;

			a.n = b.n = 0;
			media_session_set(x, &set);
			set = to_phone(&b, f[j].id, f[j].pt, 0);
			media_session_set(y, &set);
			media_bridge(x, y);
			for (int k = 0; k < 20; k++) {
				uint8_t pay[640];
				size_t samples = ci->rate / 50;
				int16_t in[320];

				tone_at(in, samples, ci->rate, '7', &at);
				phone_send(&a, x, f[i].pt, pay, ci->encode(enc, in, samples, pay, sizeof(pay)),
					   format_get(f[i].id)->clock / 50);
				pass(20);
			}
			assert_int_equal(b.n, 20);
			for (size_t k = 0; k < b.n; k++) {
				assert_int_equal(b.rx[k].pt, f[j].pt);
				assert_int_equal(b.rx[k].n, codec_bytes(cj, cj->rate / 50));
				if (k)
					assert_int_equal(b.rx[k].ts - b.rx[k - 1].ts, format_get(f[j].id)->clock / 50);
				if (b.rx[k].n <= 400)
					n += cj->decode(dec, b.pay[k], b.rx[k].n, pcm + n, 320);
			}
			tone_dtmf_freqs('7', &low, &high);
			if (n) {
				double p = tone_goertzel(pcm + n / 2, n / 2, cj->rate, low) +
					   tone_goertzel(pcm + n / 2, n / 2, cj->rate, high);

				if (p < 0.9)
					print_error("%s to %s: %f\n", format_get(f[i].id)->name, format_get(f[j].id)->name, p);
				assert_true(p > 0.9);
			}
			if (enc)
				ci->state_free(enc);
			if (dec)
				cj->state_free(dec);
			media_session_close(x, NULL, NULL);
			media_session_close(y, NULL, NULL);
			settle();
		}
}

/* 40 ms come in, 20 ms were agreed on the other side, and back. */
static void test_packet_lengths(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ALAW, 8, 0);
	uint8_t pay[320];

	(void)state;
	set.codec[0].ptime = 40;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	set.codec[0].ptime = 20;
	media_session_set(y, &set);
	media_bridge(x, y);
	memset(pay, 0xd5, sizeof(pay));
	for (int i = 0; i < 10; i++) {
		phone_send(&a, x, 8, pay, 320, 320);
		phone_send(&b, y, 0, pay, 160, 160);
		phone_send(&b, y, 0, pay, 160, 160);
		pass(40);
	}
	assert_int_equal(b.n, 20);
	assert_int_equal(a.n, 10);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.rx[i].n, 160);
		assert_int_equal(b.pay[i][5], codec_ulaw(codec_alaw_linear(0xd5)));
		if (i) {
			assert_int_equal((uint16_t)(b.rx[i].seq - b.rx[i - 1].seq), 1);
			assert_int_equal(b.rx[i].ts - b.rx[i - 1].ts, 160);
		}
	}
	for (size_t i = 1; i < a.n; i++) {
		assert_int_equal(a.rx[i].n, 320);
		assert_int_equal(a.rx[i].ts - a.rx[i - 1].ts, 320);
	}
	/* Agreeing later undoes it. */
	set = to_phone(&a, FORMAT_ULAW, 0, 0);
	set.codec[0].ptime = 20;
	media_session_set(x, &set);
	a.n = 0;
	phone_send(&b, y, 0, noise, 80, 80);
	settle();
	assert_int_equal(a.n, 1);
	assert_int_equal(a.rx[0].n, 80);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* ---- sources */

static void test_latch(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);

	(void)state;
	got_n = 0;
	set.symmetric = true;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	media_session_set(y, &set);
	media_bridge(x, y);
	/* c is not who the SDP said: its first three are not believed. */
	for (int i = 0; i < 3; i++) {
		phone_send(&c, x, 0, noise, 160, 160);
		pass(20);
	}
	assert_int_equal(b.n, 0);
	phone_send(&c, x, 0, noise, 160, 160);
	pass(20);
	assert_int_equal(b.n, 1);
	assert_true(sa_eq(&last(&sx, MEDIA_SOURCE)->peer, &c.at));
	/* Ours goes to it now. */
	phone_send(&b, y, 0, noise, 160, 160);
	settle();
	assert_int_equal(c.n, 1);
	assert_int_equal(a.n, 0);
	/* The one the SDP named takes over, at its first packet, for good. */
	phone_send(&a, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 2);
	assert_true(sa_eq(&last(&sx, MEDIA_SOURCE)->peer, &a.at));
	phone_send(&b, y, 0, noise, 160, 160);
	settle();
	assert_int_equal(a.n, 1);
	for (int i = 0; i < 20; i++)
		phone_send(&c, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 2);
	media_stats(x, on_stats, NULL);
	settle();
	assert_int_equal(got.dropped_source, 3 + 20);
	assert_true(sa_eq(&got.source, &a.at));
	/* Nor does time open it again. */
	pass(20000);
	for (int i = 0; i < 20; i++)
		phone_send(&c, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 2);
	/* A new SDP does. */
	set = to_phone(&c, FORMAT_ULAW, 0, 0);
	media_session_set(x, &set);
	phone_send(&c, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 3);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* strictrtp=yes: who is not known sends sound no faster than it is spoken, or does not pass. */
static void test_latch_flood(void **state)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .strict_time = true, .rtcp_ms = 5000,
		.sounds = STR("/nowhere") };
	struct media_session *x, *y;
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);

	(void)state;
	media_close(m);
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	assert_int_equal(media_new(&m, &prm), 0);
	x = session(NULL);
	y = session(NULL);
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	media_session_set(y, &set);
	media_bridge(x, y);
	for (int i = 0; i < 40; i++)
		phone_send(&c, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 0);
	for (int i = 0; i < 4; i++) {
		phone_send(&c, x, 0, noise, 160, 160);
		pass(10);
	}
	assert_true(b.n >= 1);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* A phone behind a NAT that started late is taken; when its time is over, nobody else is. */
static void test_latch_window(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);

	(void)state;
	sa_parse(&set.remote, STR("192.0.2.1:4000"));
	set.symmetric = true;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	media_session_set(y, &set);
	media_bridge(x, y);
	pass(30000);
	for (int i = 0; i < 4; i++)
		phone_send(&a, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 1);
	for (int i = 0; i < 50; i++) {
		phone_send(&c, x, 0, noise, 160, 160);
		phone_send(&a, x, 0, noise, 160, 160);
		pass(20);
	}
	assert_int_equal(b.n, 51);
	phone_send(&b, y, 0, noise, 160, 160);
	settle();
	assert_int_equal(a.n, 1);
	assert_int_equal(c.n, 0);
	/* Not symmetric: heard all the same, but sent to where the SDP says. */
	set = to_phone(&c, FORMAT_ULAW, 0, 0);
	media_session_set(x, &set);
	for (int i = 0; i < 4; i++)
		phone_send(&a, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 52);
	phone_send(&b, y, 0, noise, 160, 160);
	settle();
	assert_int_equal(c.n, 1);
	assert_int_equal(a.n, 1);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

static void test_direction(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set sx = to_phone(&a, FORMAT_ULAW, 0, 0), sy = to_phone(&b, FORMAT_ULAW, 0, 0);

	(void)state;
	media_session_set(x, &sx);
	media_bridge(x, y);
	static const struct { enum sdp_dir dir; size_t to_a, to_b; } tv[] = {
		{ SDP_SENDRECV, 1, 1 }, { SDP_SENDONLY, 0, 1 }, { SDP_RECVONLY, 1, 0 }, { SDP_INACTIVE, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		a.n = b.n = 0;
		sy.dir = tv[i].dir;
		media_session_set(y, &sy);
		phone_send(&a, x, 0, noise, 160, 160);
		phone_send(&b, y, 0, noise, 160, 160);
		settle();
		assert_int_equal(a.n, tv[i].to_a);
		assert_int_equal(b.n, tv[i].to_b);
	}
	/* c=0.0.0.0: nowhere to send. */
	sy.dir = SDP_SENDRECV;
	sa_parse(&sy.remote, STR("0.0.0.0:5004"));
	media_session_set(y, &sy);
	b.n = 0;
	phone_send(&a, x, 0, noise, 160, 160);
	settle();
	assert_int_equal(b.n, 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

static void test_echo(void **state)
{
	struct media_session *x = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_G729, 18, 101);

	(void)state;
	media_session_set(x, &set);
	media_echo(x, true);
	phone_send(&a, x, 18, noise, 20, 160);
	phone_event(&a, x, 101, 5, 160, false);
	settle();
	assert_int_equal(a.n, 2);
	assert_int_equal(a.rx[0].pt, 18);
	assert_memory_equal(a.pay[0], noise, 20);
	assert_int_equal(a.rx[1].pt, 101);
	media_echo(x, false);
	phone_send(&a, x, 18, noise, 20, 160);
	settle();
	assert_int_equal(a.n, 2);
	media_session_close(x, NULL, NULL);
}

/* ---- other media than sound */

static void test_video(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1 };
	struct media_session *x = NULL, *y = NULL, *z = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_H264, 99, 0);
	uint8_t buf[200];
	struct rtcp r;
	ssize_t n;
	struct sa dst;

	(void)state;
	assert_int_equal(media_session_new(&x, m, &prm), 0);
	prm.near = x;
	assert_int_equal(media_session_new(&y, m, &prm), 0);
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_H264, 120, 0);
	media_session_set(y, &set);
	assert_int_equal(media_bridge(x, z), EINVAL);
	media_bridge(x, y);
	/* Three packets of one picture. */
	for (int i = 0; i < 3; i++)
		phone_send(&a, x, 99, noise, 160, 0);
	settle();
	assert_int_equal(b.n, 3);
	assert_int_equal(b.rx[2].pt, 120);
	assert_int_equal(b.rx[2].ts, b.rx[0].ts);
	/* b lost some: a is asked for a key frame. */
	dst = *media_session_local_rtcp(y);
	n = (ssize_t)rtcp_write_pli(buf, sizeof(buf), b.ssrc, media_session_ssrc(y));
	assert_int_equal(sendto(b.fd[1], buf, (size_t)n, 0, &dst.u.s, sa_len(&dst)), n);
	settle();
	n = recv(a.fd[1], buf, sizeof(buf), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_int_equal(rtcp_parse(&r, buf, (size_t)n, 0), 0);
	assert_true(r.pli);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	media_session_close(z, NULL, NULL);
}

static void test_udptl(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_IMAGE, .tos = -1, .cos = -1 };
	struct media_session *x = NULL, *y = NULL;
	struct media_set set = to_phone(&a, FORMAT_NONE, 0, 0);
	uint8_t buf[64];

	(void)state;
	set.ncodecs = 0;
	assert_int_equal(media_session_new(&x, m, &prm), 0);
	assert_int_equal(media_session_new(&y, m, &prm), 0);
	media_session_set(x, &set);
	set.remote = b.at;
	media_session_set(y, &set);
	media_bridge(x, y);
	phone_raw(&a, x, "\x00\x07\x01\x06\x00\x00", 6);
	phone_raw(&c, x, "\x00\x07\x01\x66\x00\x00", 6);       /* a stranger */
	phone_raw(&a, x, "\x00", 1);
	for (int i = 0; i < 10; i++)
		media_poll(m, 0);
	assert_int_equal(recv(b.fd[0], buf, sizeof(buf), MSG_DONTWAIT), 6);
	assert_memory_equal(buf, "\x00\x07\x01\x06\x00\x00", 6);
	assert_true(recv(b.fd[0], buf, sizeof(buf), MSG_DONTWAIT) < 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	settle();
	assert_true(recv(a.fd[1], buf, sizeof(buf), MSG_DONTWAIT) < 0); /* no RTCP here */
}

#define T(f) cmocka_unit_test_setup_teardown(f, media_up, media_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_relay), T(test_stats_and_rtcp), T(test_translate), T(test_packet_lengths), T(test_latch), T(test_latch_flood),
		T(test_latch_window), T(test_direction), T(test_echo), T(test_video), T(test_udptl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
