/* Media sessions over real sockets on 127.0.0.1, under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "base/obj.h"
#include "media/file.h"
#include "media/media.h"
#include "media/rtp.h"

/* ---- a phone: two sockets and what came in by them */

enum { KEEP = 400 };

struct phone {
	int fd[2];
	struct sa at;
	uint16_t seq;
	uint32_t ts, ssrc;
	struct rtp rx[KEEP];
	uint8_t pay[KEEP][400];
	size_t n;
};

static int sock(struct sa *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(sa_parse_host(at, STR("127.0.0.1"), 0), 0);
	assert_int_equal(bind(fd, &at->u.s, sa_len(at)), 0);
	assert_int_equal(getsockname(fd, &at->u.s, &len), 0);
	return fd;
}

static void phone_open(struct phone *p)
{
	struct sa rtcp;

	memset(p, 0, sizeof(*p));
	p->fd[0] = sock(&p->at);
	p->fd[1] = sock(&rtcp);
	p->ssrc = 0x1000u + (uint32_t)p->fd[0];
	p->seq = 65500;
	p->ts = 0xfffffc00u;
}

static void phone_close(struct phone *p)
{
	close(p->fd[0]);
	close(p->fd[1]);
}

static void phone_raw(struct phone *p, struct media_session *to, const void *b, size_t n)
{
	struct sa dst;

	sa_parse_host(&dst, STR("127.0.0.1"), sa_port(media_session_local(to)));
	assert_int_equal(sendto(p->fd[0], b, n, 0, &dst.u.s, sa_len(&dst)), n);
}

static void phone_send(struct phone *p, struct media_session *to, uint8_t pt, const void *pay, size_t n, uint32_t ticks)
{
	uint8_t b[1500];

	rtp_write(b, pt, false, p->seq++, p->ts, p->ssrc);
	memcpy(b + 12, pay, n);
	p->ts += ticks;
	phone_raw(p, to, b, 12 + n);
}

static void phone_event(struct phone *p, struct media_session *to, uint8_t pt, uint8_t event, uint16_t dur, bool end)
{
	struct rtp_event e = { .event = event, .volume = 10, .duration = dur, .end = end };
	uint8_t pay[4];

	rtp_event_write(pay, &e);
	phone_send(p, to, pt, pay, 4, 0);
}

static void phone_drop(struct phone *p)
{
	uint8_t buf[2000];

	while (recv(p->fd[0], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void phone_collect(struct phone *p)
{
	uint8_t b[2000];
	ssize_t n;

	while ((n = recv(p->fd[0], b, sizeof(b), MSG_DONTWAIT)) > 0) {
		struct rtp *r = &p->rx[p->n];

		assert_true(p->n < KEEP);
		assert_int_equal(rtp_parse(r, b, (size_t)n), 0);
		memcpy(p->pay[p->n++], b + r->at, r->n < 400 ? r->n : 400);
	}
}

/* ---- the stage */

struct seen {
	struct media_event e[64];
	size_t n;
};

static struct clock_fake clk;
static struct media *m;
static struct phone a, b, c;

static void on_event(void *arg, struct media_session *s, const struct media_event *e)
{
	struct seen *x = arg;

	(void)s;
	assert_true(x->n < 64);
	x->e[x->n++] = *e;
}

static size_t count(const struct seen *x, enum media_event_type t)
{
	size_t k = 0;

	for (size_t i = 0; i < x->n; i++)
		k += x->e[i].type == t;
	return k;
}

static const struct media_event *last(const struct seen *x, enum media_event_type t)
{
	for (size_t i = x->n; i-- > 0; )
		if (x->e[i].type == t)
			return &x->e[i];
	return NULL;
}

static struct media_session *session(struct seen *x)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = x ? on_event : NULL, .arg = x };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

static struct media_set to_phone(const struct phone *p, enum format_id f, uint8_t pt, uint8_t te)
{
	struct media_set set = { .remote = p->at, .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_RFC4733 };
	struct sa rtcp;
	socklen_t len = sizeof(rtcp);

	getsockname(p->fd[1], &rtcp.u.s, &len);
	set.remote_rtcp = rtcp;
	set.codec[0] = (struct media_codec){ .id = (uint8_t)f, .pt_rx = pt, .pt_tx = pt };
	if (te) {
		set.nevents = 1;
		set.event[0].rate = 8000;
		set.event[0].pt_rx = set.event[0].pt_tx = te;
	}
	return set;
}

static void settle(void)
{
	/* Loopback delivers at once; a turn takes a packet of each socket. */
	for (int i = 0; i < 40; i++)
		media_poll(m, 0);
	phone_collect(&a);
	phone_collect(&b);
	phone_collect(&c);
}

static void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
	settle();
}

static size_t live;

static int up_with(unsigned min, unsigned max)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .rtcp_ms = 5000, .port_min = (uint16_t)min,
				 .port_max = (uint16_t)max, .sounds = STR("/nowhere") };

	live = obj_live();
	clock_fake_init(&clk, 1700000000);
	clock_fake_add(&clk, 1000000);
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	phone_open(&a);
	phone_open(&b);
	phone_open(&c);
	return media_new(&m, &prm);
}

static int up(void **state)
{
	(void)state;
	return up_with(0, 0);
}

static int down(void **state)
{
	(void)state;
	media_close(m);
	phone_close(&a);
	phone_close(&b);
	phone_close(&c);
	return obj_live() != live;
}

static const uint8_t noise[160] = { 1, 2, 3, 200, 201, 202 };

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

static struct media_stats got;
static int got_n;
static void on_stats(void *arg, const struct media_stats *st)
{
	(void)arg;
	if (st)
		got = *st;
	got_n++;
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
	/* b answers, half a second later by its own account of 0.3 s. */
	{
		struct rtcp_out o = { .ssrc = b.ssrc, .has_block = true, .cname = STR("b") };
		struct sa dst = *media_session_local_rtcp(y);

		o.block = (struct rtcp_block){ .ssrc = media_session_ssrc(y), .lost = 5, .jitter = 80,
					       .lsr = ntp_middle(r.ntp_sec, r.ntp_frac), .dlsr = 65536 * 3 / 10 };
		clock_fake_add(&clk, 0);
		n = (ssize_t)rtcp_write(buf, sizeof(buf), &o);
		pass(0);
		assert_int_equal(sendto(b.fd[1], buf, (size_t)n, 0, &dst.u.s, sa_len(&dst)), n);
		settle();
	}
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
			void *enc = ci->state_new ? ci->state_new() : NULL, *dec = cj->state_new ? cj->state_new() : NULL;
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

/* ---- digits */

static void press(struct phone *p, struct media_session *s, uint8_t pt, uint8_t event)
{
	for (uint16_t i = 1; i <= 5; i++) {
		phone_event(p, s, pt, event, (uint16_t)(160 * i), false);
		pass(20);
	}
	for (int i = 0; i < 3; i++)
		phone_event(p, s, pt, event, 960, true);
	p->ts += 960;
	pass(20);
}

static void test_digits_in(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	uint32_t ts;

	(void)state;
	media_session_set(x, &set);
	press(&a, x, 101, 1);
	press(&a, x, 101, 1);
	press(&a, x, 101, 11);
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 3);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 3);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '#');
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->ms, 120);
	/* A late packet of a digit that is over says nothing. */
	ts = a.ts;
	a.ts -= 960;
	phone_event(&a, x, 101, 11, 480, false);
	a.ts = ts;
	settle();
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 3);
	/* All ends lost: the next digit ends it. */
	phone_event(&a, x, 101, 2, 160, false);
	a.ts += 1600;
	phone_event(&a, x, 101, 3, 160, false);
	settle();
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 5);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 4);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '2');
	/* Or time does. */
	pass(140);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 4);
	pass(30);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 5);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '3');
	/* Only its end arrived: a whole digit all the same. */
	a.ts += 1600;
	phone_event(&a, x, 101, 10, 800, true);
	settle();
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 6);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '*');
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->ms, 100);
	media_session_close(x, NULL, NULL);
}

static void test_digits_out(void **state)
{
	struct seen sx = { 0 }, sy = { 0 };
	struct media_session *x = session(&sx), *y = session(&sy);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	struct rtp_event e;
	size_t ends = 0;

	(void)state;
	media_session_set(x, &set);
	assert_int_equal(media_dtmf_send(x, STR("1x"), 0, 0, 1), EINVAL);
	assert_int_equal(media_dtmf_send(x, STR(""), 0, 0, 1), EINVAL);
	assert_int_equal(media_dtmf_send(y, STR("1"), 0, 0, 1), ENOTSUP);
	assert_int_equal(media_dtmf_send(x, STR("5#"), 100, 60, 42), 0);
	pass(400);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 1);
	assert_int_equal(last(&sx, MEDIA_DTMF_SENT)->tag, 42);
	assert_int_equal(last(&sx, MEDIA_DTMF_SENT)->err, 0);
	assert_true(a.n >= 12);
	for (size_t i = 0; i < a.n; i++) {
		assert_int_equal(a.rx[i].pt, 101);
		assert_int_equal(rtp_event_parse(&e, a.pay[i], a.rx[i].n), 0);
		assert_int_equal(e.event, ends < 3 ? 5 : 11);
		assert_int_equal(a.rx[i].marker, i == 0 || ends == 3);
		if (i)
			assert_int_equal((uint16_t)(a.rx[i].seq - a.rx[i - 1].seq), 1);
		if (i && ends != 3)
			assert_int_equal(a.rx[i].ts, a.rx[i - 1].ts);
		if (e.end) {
			assert_int_equal(e.duration, 800);
			ends++;
		} else if (ends == 3) {
			/* The second begins after the first and the pause. */
			assert_in_range(a.rx[i].ts - a.rx[i - 1].ts, 8 * 140, 8 * 220);
			ends++;
		}
	}
	assert_int_equal(ends, 7);
	/* What we send, we also understand. */
	set = to_phone(&b, FORMAT_ULAW, 0, 96);
	media_session_set(y, &set);
	for (size_t i = 0; i < a.n; i++) {
		uint8_t pkt[16];

		rtp_write(pkt, 96, a.rx[i].marker, a.rx[i].seq, a.rx[i].ts, 5);
		memcpy(pkt + 12, a.pay[i], 4);
		phone_raw(&b, y, pkt, 16);
	}
	settle();
	assert_int_equal(count(&sy, MEDIA_DTMF_BEGIN), 2);
	assert_int_equal(count(&sy, MEDIA_DTMF_END), 2);
	assert_int_equal(last(&sy, MEDIA_DTMF_END)->digit, '#');
	/* Begin and end by hand. */
	a.n = 0;
	assert_int_equal(media_dtmf_begin(x, '9'), 0);
	pass(300);
	assert_int_equal(media_dtmf_end(x), 0);
	pass(60);
	assert_int_equal(rtp_event_parse(&e, a.pay[a.n - 1], 4), 0);
	assert_true(e.end && e.event == 9);
	assert_in_range(e.duration, 8 * 280, 8 * 360);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 1);
	/* A second job ends the first. */
	media_dtmf_send(x, STR("111"), 0, 0, 50);
	media_dtmf_send(x, STR("2"), 0, 0, 51);
	pass(500);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 3);
	assert_int_equal(sx.e[sx.n - 1].tag, 51);
	assert_int_equal(sx.e[sx.n - 2].err, ECANCELED);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* Digits of a bridge: as they are under the peer's number, as tones, or held. */
static void test_digits_bridged(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	struct rtp_event e;
	int16_t pcm[8000];
	size_t n = 0;
	uint16_t low, high;

	(void)state;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ALAW, 8, 96);
	media_session_set(y, &set);
	media_bridge(x, y);
	press(&a, x, 101, 4);
	assert_int_equal(b.n, 8);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.rx[i].pt, 96);
		assert_int_equal(b.rx[i].ts, b.rx[0].ts);
		assert_int_equal(rtp_event_parse(&e, b.pay[i], b.rx[i].n), 0);
		assert_int_equal(e.event, 4);
	}
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 1);
	/* Held back. */
	media_dtmf_hold(x, true);
	press(&a, x, 101, 4);
	assert_int_equal(b.n, 8);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 2);
	media_dtmf_hold(x, false);
	/* The peer wants tones. */
	set = to_phone(&b, FORMAT_ALAW, 8, 0);
	set.dtmf = MEDIA_DTMF_INBAND;
	media_session_set(y, &set);
	b.n = 0;
	press(&a, x, 101, 4);
	pass(100);
	assert_true(b.n >= 5);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.rx[i].pt, 8);
		n += codec_get(FORMAT_ALAW)->decode(NULL, b.pay[i], b.rx[i].n, pcm + n, 8000 - n);
	}
	tone_dtmf_freqs('4', &low, &high);
	assert_true(tone_goertzel(pcm, n, 8000, low) > 0.4 && tone_goertzel(pcm, n, 8000, high) > 0.4);
	/* The bridge ends in the middle of a digit: so does the tone. */
	phone_event(&a, x, 101, 4, 160, false);
	pass(100);
	media_unbridge(x);
	pass(200);
	b.n = 0;
	pass(200);
	assert_int_equal(b.n, 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* ---- sounds */

static struct sound *ulaw_sound(size_t samples, uint8_t byte)
{
	char *raw = malloc(samples);
	struct sound *s = NULL;

	memset(raw, byte, samples);
	assert_int_equal(file_decode(&s, str_mk(raw, samples), FORMAT_ULAW, FORMAT_ULAW), 0);
	free(raw);
	return s;
}

static void test_play(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);
	struct sound *v[2] = { ulaw_sound(800, 0x11), ulaw_sound(1000, 0x22) };

	(void)state;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	media_session_set(y, &set);
	media_bridge(x, y);
	assert_int_equal(media_play_sounds(x, v, 2, 7), 0);
	/* Its peer is not heard meanwhile. */
	phone_send(&b, y, 0, noise, 160, 160);
	pass(400);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 1);
	assert_true(last(&sx, MEDIA_PLAYED)->tag == 7 && last(&sx, MEDIA_PLAYED)->err == 0 &&
		    last(&sx, MEDIA_PLAYED)->count == 2);
	assert_int_equal(a.n, 12);      /* 5 of the first, 7 of the second, padded */
	for (size_t i = 0; i < a.n; i++) {
		assert_int_equal(a.rx[i].n, 160);
		assert_int_equal(a.pay[i][0], i < 5 ? 0x11 : 0x22);
		assert_int_equal(a.rx[i].marker, i == 0);
		if (i)
			assert_int_equal(a.rx[i].ts - a.rx[i - 1].ts, 160);
	}
	assert_true(a.pay[11][159] == 0xff || a.pay[11][159] == 0x7f);
	/* Afterwards it is, in one sequence, with a marker. */
	phone_send(&b, y, 0, noise, 160, 160);
	settle();
	assert_int_equal(a.n, 13);
	assert_true(a.rx[12].marker);
	assert_int_equal((uint16_t)(a.rx[12].seq - a.rx[11].seq), 1);
	assert_true((int32_t)(a.rx[12].ts - a.rx[11].ts) >= 160);
	/* Stopped, replaced: each says so once. */
	media_play_sounds(x, v, 1, 8);
	pass(40);
	media_play_stop(x);
	settle();
	assert_true(last(&sx, MEDIA_PLAYED)->tag == 8 && last(&sx, MEDIA_PLAYED)->err == ECANCELED);
	media_play_sounds(x, v, 1, 9);
	media_play_sounds(x, v, 1, 10);
	settle();
	assert_true(last(&sx, MEDIA_PLAYED)->tag == 9 && last(&sx, MEDIA_PLAYED)->err == ECANCELED);
	pass(200);
	assert_true(last(&sx, MEDIA_PLAYED)->tag == 10 && last(&sx, MEDIA_PLAYED)->err == 0);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 4);
	/* A leg we cannot speak to: the time passes, nothing is sent. */
	set = to_phone(&a, FORMAT_G729, 18, 0);
	media_session_set(x, &set);
	settle();
	a.n = 0;
	media_play_sounds(x, v, 2, 11);
	pass(180);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 4);
	pass(120);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 5);
	assert_int_equal(a.n, 0);
	/* A sound made for another codec is translated on the way. */
	set = to_phone(&a, FORMAT_ALAW, 8, 0);
	media_session_set(x, &set);
	media_play_sounds(x, v, 1, 12);
	pass(200);
	assert_int_equal(a.n, 5);
	assert_int_equal(a.rx[0].pt, 8);
	assert_int_equal(a.pay[0][0], codec_alaw(codec_ulaw_linear(0x11)));
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	obj_drop(v[0]);
	obj_drop(v[1]);
}

static void test_play_names(void **state)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX", path[200];
	struct media_prm prm = { .clock = &clk.c };
	struct str names[] = { STR("one"), STR("missing"), STR("one") };
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ALAW, 8, 0);
	struct media_counters cnt;
	uint8_t raw[480];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/one.ulaw", dir);
	f = fopen(path, "w");
	memset(raw, 0x11, sizeof(raw));
	assert_int_equal(fwrite(raw, 1, sizeof(raw), f), sizeof(raw));
	fclose(f);
	prm.sounds = str_z(dir);
	media_reload(m, &prm);
	assert_true(media_sound_exists(m, STR("one"), STR("en")));
	assert_false(media_sound_exists(m, STR("missing"), STR("en")));
	media_session_set(x, &set);
	assert_int_equal(media_play(x, names, 3, STR("en"), 5), 0);
	assert_int_equal(sx.n, 0);
	pass(200);
	assert_int_equal(a.n, 6);
	assert_int_equal(a.pay[0][0], codec_alaw(codec_ulaw_linear(0x11)));
	assert_true(last(&sx, MEDIA_PLAYED)->count == 2 && last(&sx, MEDIA_PLAYED)->missing == 1 &&
		    last(&sx, MEDIA_PLAYED)->err == 0);
	media_count(m, &cnt);
	assert_int_equal(cnt.sounds_cached_bytes, 480);
	/* From memory now. */
	unlink(path);
	assert_int_equal(media_play(x, names, 1, STR("en"), 6), 0);
	pass(200);
	assert_int_equal(a.n, 9);
	/* Nothing of it there: an answer all the same, and not from inside. */
	assert_int_equal(media_play(x, names + 1, 1, STR("en"), 7), 0);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 2);
	settle();
	assert_int_equal(count(&sx, MEDIA_PLAYED), 3);
	assert_int_equal(last(&sx, MEDIA_PLAYED)->err, ENOENT);
	rmdir(dir);
	media_session_close(x, NULL, NULL);
}

static void test_tones(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);
	struct tone *t = NULL;
	int16_t pcm[8000];
	size_t n = 0;

	(void)state;
	media_session_set(x, &set);
	assert_int_equal(tone_parse(&t, STR("!440/100,!0/100")), 0);
	assert_int_equal(media_tone(x, t), 0);
	t = obj_drop(t);
	pass(300);
	assert_int_equal(count(&sx, MEDIA_TONE_DONE), 1);
	assert_int_equal(a.n, 10);
	for (size_t i = 0; i < 5; i++)
		n += codec_get(FORMAT_ULAW)->decode(NULL, a.pay[i], a.rx[i].n, pcm + n, 8000 - n);
	assert_true(tone_goertzel(pcm, n, 8000, 440) > 0.95);
	/* One without an end, ended; then silence. */
	assert_int_equal(tone_named(&t, STR("dial"), STR("us")), 0);
	media_tone(x, t);
	t = obj_drop(t);
	pass(1000);
	assert_in_range(a.n, 59, 61);
	media_tone(x, NULL);
	a.n = 0;
	pass(100);
	assert_int_equal(a.n, 0);
	media_silence(x, true);
	pass(100);
	assert_in_range(a.n, 4, 6);
	assert_int_equal(a.pay[0][7] & 0x7f, 0x7f);
	media_silence(x, false);
	a.n = 0;
	pass(100);
	assert_int_equal(a.n, 0);
	media_session_close(x, NULL, NULL);
}

/* ---- the rest */

static void test_timeout_keepalive(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);

	(void)state;
	set.timeout_ms = 5000;
	set.keepalive_ms = 3000;
	media_session_set(x, &set);
	pass(4900);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.rx[0].pt, 13);
	pass(1200);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	assert_in_range(last(&sx, MEDIA_TIMEOUT)->ms, 5000, 6100);
	pass(10000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	phone_send(&a, x, 0, noise, 160, 160);
	pass(7000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 2);
	media_session_close(x, NULL, NULL);
}

static int up_range(void **state)
{
	/* A range that was free a moment ago. */
	struct sa at;
	int fd = sock(&at);
	unsigned base = (unsigned)(sa_port(&at) + 1) & 0xfffe;

	(void)state;
	close(fd);
	return up_with(base, base + 5);
}

static void test_ports(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = 0xb8, .cos = 5 };
	struct media_session *v[4] = { 0 };
	struct media_counters cnt;
	size_t n = 0;

	(void)state;
	/* Three pairs at most (fewer when somebody else sits in the range). */
	while (n < 4 && !media_session_new(&v[n], m, &prm)) {
		for (size_t i = 0; i < n; i++)
			assert_int_not_equal(sa_port(media_session_local(v[i])), sa_port(media_session_local(v[n])));
		n++;
	}
	assert_in_range(n, 1, 3);
	media_count(m, &cnt);
	assert_int_equal(cnt.ports_used, n);
	assert_int_equal(cnt.ports_exhausted, 1);
	assert_int_equal(media_session_new(&v[n], m, &prm), ENOBUFS);
	media_session_close(v[0], NULL, NULL);
	settle();
	assert_int_equal(media_session_new(&v[0], m, &prm), 0);
	for (size_t i = 0; i < n; i++)
		media_session_close(v[i], NULL, NULL);
	settle();
	media_count(m, &cnt);
	assert_int_equal(cnt.ports_used, 0);
	sa_parse_host(&prm.bind, STR("192.0.2.77"), 0);
	assert_int_equal(media_session_new(&v[0], m, &prm), EADDRNOTAVAIL);
}

static void test_closed(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL), *z = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	struct sound *snd = ulaw_sound(8000, 1);

	(void)state;
	media_session_set(x, &set);
	media_bridge(x, y);
	assert_int_equal(media_bridge(x, x), EINVAL);
	/* Another bridge takes it out of the first. */
	assert_int_equal(media_bridge(x, z), 0);
	assert_false(media_session_bridged(y));
	media_play_sounds(x, &snd, 1, 1);
	media_dtmf_send(x, STR("123"), 0, 0, 2);
	obj_hold(x);
	media_session_close(x, NULL, NULL);
	/* Its name is still good, itself is not. */
	assert_int_equal(media_session_set(x, &set), ESHUTDOWN);
	assert_int_equal(media_bridge(x, z), ESHUTDOWN);
	assert_int_equal(media_play_sounds(x, &snd, 1, 1), ESHUTDOWN);
	assert_false(media_session_bridged(z));
	pass(100);
	assert_int_equal(sx.n, 0);
	assert_int_equal(media_echo(x, true), ESHUTDOWN);
	obj_drop(x);
	obj_drop(snd);
	set.codec[0].pt_rx = 128;
	assert_int_equal(media_session_set(y, &set), EINVAL);
	set.ncodecs = MEDIA_MAX_CODECS + 1;
	assert_int_equal(media_session_set(y, &set), EINVAL);
	media_session_close(y, NULL, NULL);
	/* z is left for media_close() to end. */
	obj_drop(z);
}

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

/* ---- with threads of their own */

static void wait_for(const size_t *n, size_t want)
{
	for (int i = 0; i < 2000 && *n < want; i++) {
		struct pollfd p = { .fd = b.fd[0], .events = POLLIN };

		poll(&p, 1, 5);
		media_poll(m, 0);
		phone_collect(&a);
		phone_collect(&b);
	}
	assert_true(*n >= want);
}

static int up_threads(void **state)
{
	struct media_prm prm = { .threads = 2, .strict = true, .sounds = STR("/nowhere") };

	(void)state;
	live = obj_live();
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	phone_open(&a);
	phone_open(&b);
	phone_open(&c);
	return media_new(&m, &prm);
}

/* Sessions of two threads that are bridged: one moves to the other's. */
static void test_threads(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);

	(void)state;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ALAW, 8, 101);
	media_session_set(y, &set);
	for (int round = 0; round < 20; round++) {
		b.n = 0;
		/* Changes of mind while one is on its way. */
		assert_int_equal(media_bridge(x, y), 0);
		assert_int_equal(media_unbridge(x), 0);
		assert_int_equal(media_bridge(y, x), 0);
		for (int i = 0; i < 5000 && !b.n; i++) {
			phone_send(&a, x, 0, noise, 160, 160);
			poll(NULL, 0, 1);
			media_poll(m, 0);
			phone_collect(&b);
		}
		assert_true(b.n);
		assert_int_equal(b.rx[0].pt, 8);
	}
	assert_int_equal(media_dtmf_send(x, STR("1"), 50, 0, 3), 0);
	wait_for(&sx.n, 2);
	assert_int_equal(last(&sx, MEDIA_DTMF_SENT)->tag, 3);
	media_session_close(y, NULL, NULL);
	/* x is closed with the media, y's thread may not have got to it yet. */
	obj_drop(x);
}

/* Sessions made, joined, parted, played to and closed in any order, while streams
 * are on their way between three threads and packets come in: nothing is used that
 * has gone, and all comes back. */
static int up_three(void **state)
{
	struct media_prm prm = { .threads = 3, .strict = true, .rtcp_ms = 50, .sounds = STR("/nowhere") };

	(void)state;
	live = obj_live();
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	phone_open(&a);
	phone_open(&b);
	phone_open(&c);
	return media_new(&m, &prm);
}

enum { CROWD = 12 };

static size_t ended;
static void on_any(void *arg, struct media_session *s, const struct media_event *e)
{
	struct media_session **place = arg;

	ended += e->type == MEDIA_PLAYED;
	/* One that closes itself, or its neighbour, from inside an event. */
	if (e->type == MEDIA_PLAYED && e->tag % 3 == 0 && *place == s) {
		media_session_close(s, NULL, NULL);
		*place = NULL;
	}
}

static void act(struct media_session **v, unsigned what, unsigned i, unsigned j, struct sound *snd)
{
	static const enum format_id ids[] = { FORMAT_ULAW, FORMAT_ALAW, FORMAT_G722, FORMAT_GSM };
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_any, .arg = &v[i] };
	struct media_set set = to_phone(i & 1 ? &a : &b, ids[j % 4], 96, 101);
	struct str name = STR("nothing");

	if (!v[i]) {
		prm.on_wire_of = what % 3 ? v[j] : NULL;
		assert_int_equal(media_session_new(&v[i], m, &prm), 0);
		return;
	}
	set.codec[0].ptime = (uint8_t)(10 * (j % 5));
	set.relearn = j & 1;
	switch (what) {
	case 0:
	case 1:
		media_session_set(v[i], &set);
		break;
	case 2:
	case 3:
		if (v[j])
			media_bridge(v[i], v[j]);
		break;
	case 4:
		media_unbridge(v[i]);
		break;
	case 5:
		media_play_sounds(v[i], &snd, 1, j);
		break;
	case 6:
		media_play(v[i], &name, 1, STR("en"), j);
		break;
	case 7:
		media_dtmf_send(v[i], STR("12"), 40, 40, j);
		break;
	case 8:
		media_stats(v[i], on_stats, NULL);
		break;
	case 9:
		media_echo(v[i], j & 1);
		media_silence(v[i], j & 2);
		break;
	case 10:
		phone_send(i & 1 ? &a : &b, v[i], 96, noise, 160, 160);
		phone_event(i & 1 ? &a : &b, v[i], 101, (uint8_t)j, 160, j & 1);
		break;
	default:
		media_session_close(v[i], j & 1 ? on_stats : NULL, NULL);
		v[i] = NULL;
		break;
	}
}

static void test_threads_any_order(void **state)
{
	struct media_session *v[CROWD] = { 0 };
	struct sound *snd = ulaw_sound(480, 1);
	uint32_t seed = 12345;
	unsigned mask = log_mask();
	uint64_t turns[3] = { 0 };
	struct media_watch w;

	(void)state;
	ended = 0;
	log_set_mask(0);        /* sounds that are missing */
	for (int n = 0; n < 6000; n++) {
		unsigned r[3];

		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525u + 1013904223u;
			r[k] = seed >> 16;
		}
		act(v, r[0] % 12, r[1] % CROWD, r[2] % CROWD, snd);
		/* A watchdog may look from here while they are at it. */
		assert_true(media_watch(m, r[0] % 3, &w));
		assert_true(w.turns >= turns[r[0] % 3] && w.doing <= MEDIA_TICKS);
		turns[r[0] % 3] = w.turns;
		if (n % 7 == 0)
			media_poll(m, 0);
		if (n % 200 == 0) {     /* the phones only listen; wait for nothing */
			phone_drop(&a);
			phone_drop(&b);
			poll(NULL, 0, 1);
		}
	}
	assert_true(ended > 0);
	assert_int_equal(media_threads(m), 3);
	assert_false(media_watch(m, 3, &w));
	for (int i = 0; i < 3; i++)
		assert_true(turns[i] > 0);
	for (int i = 0; i < CROWD; i += 2)
		media_session_close(v[i], NULL, NULL);
	log_set_mask(mask);
	/* The others are left for media_close(). */
	for (int i = 1; i < CROWD; i += 2)
		obj_drop(v[i]);
	obj_drop(snd);
}

/* On a real loop, with the media on it or on a thread beside it: the events of
 * a played file and of a packet arrive, and all ends in order. */
static struct loop *loop;
static void on_loop_event(void *arg, struct media_session *s, const struct media_event *e)
{
	struct seen *x = arg;

	on_event(arg, s, e);
	if (e->type == MEDIA_FIRST_PACKET)
		media_tone(s, NULL);
	if (count(x, MEDIA_PLAYED) && count(x, MEDIA_FIRST_PACKET))
		loop_stop(loop);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void too_long(void *arg)
{
	(void)arg;
	print_error("nothing happened\n");
	loop_stop(loop);
}

/* A closed session's memory comes back although nothing else wakes the core. */
static void until_gone(void *arg)
{
	struct media_counters n;

	media_count(m, &n);
	if (n.sessions)
		timer_start(loop_wheel(loop), arg, 10, until_gone, arg);
	else
		loop_stop(loop);
}

static void on_loop(unsigned threads)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX", path[200];
	struct media_prm prm = { .threads = threads, .strict = true };
	struct media_session_prm sp = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_loop_event };
	struct str name = STR("beep");
	struct seen sx = { 0 };
	struct media_session *x = NULL;
	struct media_set set;
	struct timer guard = { 0 }, look = { 0 };
	struct media_counters n;
	uint8_t raw[480] = { 0 };
	FILE *f;

	loop = GOT(loop_new(clock_real()));
	assert_non_null(loop);
	phone_open(&a);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/beep.ulaw", dir);
	f = fopen(path, "w");
	assert_int_equal(fwrite(raw, 1, sizeof(raw), f), sizeof(raw));
	fclose(f);
	prm.core = loop;
	prm.sounds = str_z(dir);
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	assert_int_equal(media_new(&m, &prm), 0);
	sp.arg = &sx;
	assert_int_equal(media_session_new(&x, m, &sp), 0);
	set = to_phone(&a, FORMAT_ULAW, 0, 0);
	media_session_set(x, &set);
	assert_int_equal(media_play(x, &name, 1, STR("en"), 1), 0);
	phone_send(&a, x, 0, noise, 160, 160);
	timer_start(loop_wheel(loop), &guard, 20000, too_long, NULL);
	loop_run(loop);
	phone_collect(&a);
	assert_int_equal(last(&sx, MEDIA_PLAYED)->err, 0);
	assert_int_equal(a.n, 3);
	media_session_close(x, NULL, NULL);
	until_gone(&look);
	loop_run(loop);
	media_count(m, &n);
	assert_int_equal(n.sessions, 0);
	timer_stop(&guard);
	media_close(m);
	loop_free(loop);
	phone_close(&a);
	unlink(path);
	rmdir(dir);
}

/* A sound is being read from the disk when its session, or all of the media, goes. */
static void gone_meanwhile(unsigned threads, bool all)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX", path[200];
	struct media_prm prm = { .threads = threads, .strict = true };
	struct media_session_prm sp = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_event };
	struct str names[] = { STR("beep"), STR("missing") };
	struct timer guard = { 0 }, look = { 0 };
	struct media_session *x = NULL;
	size_t before = obj_live();
	struct seen sx = { 0 };
	uint8_t raw[480] = { 0 };
	FILE *f;

	loop = GOT(loop_new(clock_real()));
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/beep.ulaw", dir);
	f = fopen(path, "w");
	assert_int_equal(fwrite(raw, 1, sizeof(raw), f), sizeof(raw));
	fclose(f);
	prm.core = loop;
	prm.sounds = str_z(dir);
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	assert_int_equal(media_new(&m, &prm), 0);
	sp.arg = &sx;
	assert_int_equal(media_session_new(&x, m, &sp), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(media_play(x, names, 2, STR("en"), 1), 0);
	timer_start(loop_wheel(loop), &guard, 20000, too_long, NULL);
	if (all) {
		media_close(m);
		m = NULL;
		obj_drop(x);
		/* What was asked of the pool comes back to nobody. */
		uv_run(loop_uv(loop), UV_RUN_NOWAIT);
		loop_work(loop, nothing, stop, loop);
		loop_run(loop);
	} else {
		media_session_close(x, NULL, NULL);
		until_gone(&look);
		loop_run(loop);
		loop_work(loop, nothing, stop, loop);
		loop_run(loop);
	}
	assert_int_equal(sx.n, 0);
	timer_stop(&guard);
	if (m)
		media_close(m);
	loop_free(loop);
	unlink(path);
	rmdir(dir);
	assert_int_equal(obj_live(), before);
}

static void test_gone_meanwhile(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads < 2; threads++) {
		gone_meanwhile(threads, false);
		gone_meanwhile(threads, true);
	}
}

static void test_on_core_loop(void **state) { (void)state; on_loop(0); }
static void test_beside_core_loop(void **state) { (void)state; on_loop(1); }

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_relay), T(test_stats_and_rtcp), T(test_translate), T(test_packet_lengths), T(test_latch),
		T(test_latch_window), T(test_direction), T(test_echo), T(test_digits_in), T(test_digits_out),
		T(test_digits_bridged), T(test_play), T(test_play_names), T(test_tones), T(test_timeout_keepalive),
		T(test_closed), T(test_video), T(test_udptl),
		cmocka_unit_test_setup_teardown(test_ports, up_range, down),
		cmocka_unit_test_setup_teardown(test_threads, up_threads, down),
		cmocka_unit_test_setup_teardown(test_threads_any_order, up_three, down),
		cmocka_unit_test(test_gone_meanwhile), cmocka_unit_test(test_on_core_loop), cmocka_unit_test(test_beside_core_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
