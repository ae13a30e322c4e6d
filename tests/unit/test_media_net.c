/* Media sessions over a network that is the test's own (struct media_net): no
 * socket, no real time. What needs real sockets is in test_media.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include "base/obj.h"
#include "media/file.h"
#include "media/media.h"
#include "media/rtp.h"

/* ---- the network */

enum { PLACES = 640 };
struct net {
	struct sa at[PLACES];           /* unset: free */
	uint16_t taken[2], but;         /* ports that somebody else has, from .. to, but this one */
	size_t opens, again;            /* tried, and tried before */
	bool tried[65536];
	bool down;                      /* nothing leaves */
	struct media *watched;          /* look at what it is doing whenever something is sent: */
	struct media_watch seen;
	size_t n, nrtcp;                /* packets sent, of either kind */
	struct sent { int place; struct sa to; size_t n; uint8_t b[1500]; } sent[400], rtcp[700];
};

static int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	struct net *w = arg;
	int k = 0;

	while (k < PLACES && sa_is_set(&w->at[k]))
		k++;
	if (k == PLACES)
		return EMFILE;
	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(20000 + 2 * k));
	for (int i = 0; i < PLACES; i++)
		if (sa_is_set(&w->at[i]) && sa_eq(&w->at[i], bound))
			return EADDRINUSE;
	w->opens++;
	w->again += w->tried[sa_port(bound)];
	w->tried[sa_port(bound)] = true;
	if (sa_port(bound) >= w->taken[0] && sa_port(bound) <= w->taken[1] && (sa_port(bound) & 0xfffe) != w->but)
		return EADDRINUSE;
	w->at[k] = *bound;
	*place = k;
	return 0;
}

static void net_close(void *arg, int place)
{
	struct net *w = arg;

	assert_true(sa_is_set(&w->at[place]));
	w->at[place] = (struct sa){ 0 };
}

static int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	struct net *w = arg;
	bool rtcp = rtp_kind(p, n) == RTP_KIND_RTCP;
	struct sent *s;

	assert_true(sa_is_set(&w->at[place]));
	assert_true(w->n < ARRAY_LEN(w->sent) && w->nrtcp < ARRAY_LEN(w->rtcp) && n <= sizeof(w->sent[0].b));
	if (w->watched)
		assert_true(media_watch(w->watched, 0, &w->seen));
	if (w->down)
		return ENETUNREACH;
	s = rtcp ? &w->rtcp[w->nrtcp++] : &w->sent[w->n++];
	s->place = place;
	s->to = *to;
	s->n = n;
	memcpy(s->b, p, n);
	return 0;
}

static size_t net_places(const struct net *w)
{
	size_t n = 0;

	for (int i = 0; i < PLACES; i++)
		n += sa_is_set(&w->at[i]);
	return n;
}

/* ---- the stage */

struct seen {
	struct media_event e[64];
	size_t n;
};

static struct clock_fake clk;
static struct net net;
static struct media_net away = { &net, net_open, net_close, net_send };
static struct media *m;
static size_t live;
static struct sa far_x, far_y;          /* the phones of x and y */
static const uint8_t noise[160] = { 1, 2, 3, 200, 201, 202 };

static void on_event(void *arg, struct media_session *s, const struct media_event *e)
{
	struct seen *x = arg;

	(void)s;
	assert_true(x->n < ARRAY_LEN(x->e));
	x->e[x->n++] = *e;
}

static size_t count(const struct seen *x, enum media_event_type t)
{
	size_t k = 0;

	for (size_t i = 0; i < x->n; i++)
		k += x->e[i].type == t;
	return k;
}

static struct media_stats got;
static int got_n;
static void on_stats(void *arg, const struct media_stats *st)
{
	(void)arg;
	got = *st;
	got_n++;
}

static struct media_session *session(struct seen *x)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = 0xb8, .cos = 5, .fn = x ? on_event : NULL, .arg = x };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

static struct media_set to_phone(const struct sa *far, enum format_id f, uint8_t pt)
{
	struct media_set set = { .remote = *far, .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_RFC4733 };

	set.codec[0] = (struct media_codec){ .id = (uint8_t)f, .pt_rx = pt, .pt_tx = pt };
	return set;
}

static void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
}

static struct media_prm prm_of(void)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .rtcp_ms = 5000, .net = &away };

	sa_parse_host(&prm.bind, STR("198.51.100.9"), 0);
	return prm;
}

static int up(void **state)
{
	struct media_prm prm = prm_of();

	(void)state;
	live = obj_live();
	got_n = 0;
	memset(&net, 0, sizeof(net));
	clock_fake_init(&clk, 1700000000);
	clock_fake_add(&clk, 1000000);
	sa_parse(&far_x, STR("192.0.2.1:4000"));
	sa_parse(&far_y, STR("192.0.2.2:4000"));
	return media_new(&m, &prm);
}

static int down(void **state)
{
	(void)state;
	media_close(m);
	return net_places(&net) || obj_live() != live;
}

static struct sound *ulaw_sound(size_t samples, uint8_t byte)
{
	char *raw = malloc(samples);
	struct sound *s = NULL;

	memset(raw, byte, samples);
	assert_int_equal(file_decode(&s, str_mk(raw, samples), FORMAT_ULAW, FORMAT_ULAW), 0);
	free(raw);
	return s;
}

static bool net_rtp(const struct sa *local, const struct sa *from, uint16_t seq)
{
	uint8_t pkt[172] = { 0 };

	rtp_write(pkt, 0, false, seq, 160u * seq, 9);
	memcpy(pkt + 12, noise, 160);
	return media_deliver(m, local, from, pkt, sizeof(pkt));
}

static void test_net(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct sa rtcp, elsewhere;
	struct sound *snd = ulaw_sound(480, 0x11);
	uint8_t big[4000] = { 0x80 };

	(void)state;
	assert_int_equal(net_places(&net), 4);
	/* Nobody has told the thread of it yet. */
	assert_false(net_rtp(media_session_local(x), &far_x, 1));
	media_session_set(x, &set);
	set.remote = far_y;
	media_session_set(y, &set);
	media_bridge(x, y);
	/* A packet in, one out, in the same turn; from the place of the other. */
	assert_true(net_rtp(media_session_local(x), &far_x, 1));
	assert_int_equal(net.n, 1);
	assert_true(sa_eq(&net.sent[0].to, &far_y));
	assert_true(sa_eq(&net.at[net.sent[0].place], media_session_local(y)));
	assert_memory_equal(net.sent[0].b + 12, noise, 160);
	media_poll(m, 0);
	assert_int_equal(count(&sx, MEDIA_FIRST_PACKET), 1);
	/* To an address or a port that nobody has; longer than is read; nothing. */
	sa_parse_host(&elsewhere, STR("198.51.100.10"), sa_port(media_session_local(x)));
	assert_false(net_rtp(&elsewhere, &far_x, 2));
	sa_parse_host(&elsewhere, STR("198.51.100.9"), 9);
	assert_false(net_rtp(&elsewhere, &far_x, 2));
	assert_false(media_deliver(m, media_session_local(x), &far_x, big, sizeof(big)));
	assert_false(media_deliver(m, media_session_local(x), &far_x, big, 0));
	assert_int_equal(net.n, 1);
	/* RTCP has a place of its own. */
	sa_parse(&rtcp, STR("192.0.2.1:4001"));
	{
		struct rtcp_out o = { .ssrc = 9, .cname = STR("x") };
		uint8_t buf[100];

		assert_true(media_deliver(m, media_session_local_rtcp(x), &rtcp, buf, rtcp_write(buf, sizeof(buf), &o)));
	}
	media_stats(x, on_stats, NULL);
	media_poll(m, 0);
	assert_int_equal(got.rtcp_rx, 1);
	assert_int_equal(got.rx, 1);
	/* Time is the clock's alone: three packets of sound. */
	media_play_sounds(x, &snd, 1, 3);
	net.n = 0;
	pass(100);
	assert_int_equal(net.n, 3);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 1);
	/* What does not leave is not counted as sent. */
	net.down = true;
	assert_true(net_rtp(media_session_local(y), &far_y, 1));
	net.down = false;
	media_session_close(x, on_stats, NULL);
	media_session_close(y, NULL, NULL);
	media_poll(m, 0);
	assert_int_equal(got_n, 2);
	assert_int_equal(got.tx, 3);
	assert_int_equal(net_places(&net), 0);
	obj_drop(snd);
}

/* A port that is taken is passed over; so is one whose neighbour is. */
static void test_net_ports(void **state)
{
	struct media_prm prm = prm_of();
	struct media_session *x;

	(void)state;
	net.taken[0] = net.taken[1] = 20001;
	prm.port_min = 20000;
	prm.port_max = 20003;
	media_reload(m, &prm);
	x = session(NULL);
	assert_int_equal(sa_port(media_session_local(x)), 20002);
	assert_int_equal(net_places(&net), 2);
	/* One that no thread ever heard of gives its places back as well. */
	media_session_close(x, NULL, NULL);
	assert_int_equal(net_places(&net), 0);
	x = session(NULL);
	obj_drop(x);            /* left for media_close() to end */
}

static size_t descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void turn_loop(struct loop *l, unsigned ms)
{
	for (unsigned i = 0; i <= ms; i += 10) {
		for (int k = 0; k < 4; k++)
			uv_run(loop_uv(l), UV_RUN_NOWAIT);
		clock_fake_add(&clk, i < ms ? 10000 : 0);
	}
}

/* On the core's loop with a clock of the test's: ticks are its timers, events its
 * bell's, and nothing waits for real time. */
static void test_net_on_loop(void **state)
{
	struct loop *l = loop_new(&clk.c);
	struct media_prm prm = prm_of();
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct sound *snd = ulaw_sound(480, 0x11);
	struct media *first = m;
	struct media_session *x;
	struct seen sx = { 0 };
	struct media_counters n;

	(void)state;
	assert_non_null(l);
	prm.core = l;
	assert_int_equal(media_new(&m, &prm), 0);
	x = session(&sx);
	media_session_set(x, &set);
	assert_true(net_rtp(media_session_local(x), &far_x, 1));
	assert_int_equal(sx.n, 0);              /* never from inside a call */
	turn_loop(l, 0);
	assert_int_equal(count(&sx, MEDIA_FIRST_PACKET), 1);
	media_play_sounds(x, &snd, 1, 1);
	turn_loop(l, 100);
	assert_int_equal(net.n, 3);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 1);
	media_session_close(x, NULL, NULL);
	turn_loop(l, 200);
	media_count(m, &n);
	assert_int_equal(n.sessions, 0);
	media_close(m);
	loop_free(l);
	m = first;
	obj_drop(snd);
}

/* Its functions are the core's, and nothing of the kernel's is opened. */
static void test_net_alone(void **state)
{
	struct media_prm prm = prm_of();
	struct media *other = NULL;
	size_t fds = descriptors();

	(void)state;
	prm.threads = 1;
	assert_int_equal(media_new(&other, &prm), EINVAL);
	prm.threads = 0;
	assert_int_equal(media_new(&other, &prm), 0);
	obj_drop(session(NULL));
	assert_int_equal(descriptors(), fds);
	media_close(other);
}

/* ---- every codec at every packet length */

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
	void *dec = c->state_new ? c->state_new() : NULL;
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
	void *dec = co->state_new ? co->state_new() : NULL;
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

/* Times that are longer than 32 bits of milliseconds do not come round. */
static void test_long_timeout(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.timeout_ms = 4294968000u;   /* 704 ms more than 2^32 */
	set.keepalive_ms = 4294968000u;
	media_session_set(x, &set);
	pass(3000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_int_equal(net.n, 0);
	clock_fake_add(&clk, 4294968000u * 1000);
	pass(2000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	assert_int_equal(net.n, 1);
	assert_int_equal(net.sent[0].b[1], 13);         /* comfort noise */
	media_session_close(x, NULL, NULL);
}

/* ---- RTCP: whose is taken, and where ours goes */

enum { SSRC = 9 };              /* of net_rtp() */

static struct sa at(const char *text)
{
	struct sa a = { 0 };

	assert_int_equal(sa_parse(&a, str_z(text)), 0);
	return a;
}

static uint64_t taken(struct media_session *s)
{
	assert_int_equal(media_stats(s, on_stats, NULL), 0);
	media_poll(m, 0);
	return got.rtcp_rx;
}

/* A report of `ssrc` arrives at `local`; true: it was believed. */
static bool reported(struct media_session *s, const struct sa *local, const char *from, uint32_t ssrc, bool bye)
{
	struct rtcp_out o = { .ssrc = ssrc, .cname = STR("x"), .sender = true, .packets = 1, .octets = 160, .bye = bye };
	uint64_t before = taken(s);
	struct sa source = at(from);
	uint8_t buf[200];

	assert_true(media_deliver(m, local, &source, buf, rtcp_write(buf, sizeof(buf), &o)));
	return taken(s) > before;
}

/* Where our next report goes. */
static struct sa report_to(void)
{
	net.nrtcp = 0;
	pass(6000);
	assert_true(net.nrtcp > 0);
	return net.rtcp[net.nrtcp - 1].to;
}

static void assert_to(const char *want)
{
	struct sa a = report_to(), b = at(want);
	char text[SA_TEXT];

	if (!sa_eq(&a, &b))
		print_error("reports go to %s, not to %s\n", sa_text(&a, text), want);
	assert_true(sa_eq(&a, &b));
}

static void start_at(struct media_session *x, const struct media_set *set, const char *from)
{
	struct sa source = at(from);

	assert_int_equal(media_session_set(x, set), 0);
	for (uint16_t i = 0; i < 6; i++)
		assert_true(net_rtp(media_session_local(x), &source, i));
}

/* No NAT: RTCP comes from where the SDP says, else from RTP's port + 1. */
static void test_rtcp_signalled(void **state)
{
	struct media_session *x = session(NULL);
	const struct sa *local = media_session_local_rtcp(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.symmetric = true;
	media_session_set(x, &set);
	/* Before any RTP: the signalled address is believed, nobody else. */
	assert_false(reported(x, local, "192.0.2.1:4002", SSRC, false));
	assert_false(reported(x, local, "203.0.113.1:4001", SSRC, false));
	assert_true(reported(x, local, "192.0.2.1:4001", SSRC, false));
	start_at(x, &set, "192.0.2.1:4000");
	assert_to("192.0.2.1:4001");
	assert_true(reported(x, local, "192.0.2.1:4001", SSRC, false));
	/* Another port of that host, whatever it knows; the RTP port itself. */
	assert_false(reported(x, local, "192.0.2.1:4002", SSRC, false));
	assert_false(reported(x, local, "192.0.2.1:4000", SSRC, false));
	assert_false(reported(x, local, "203.0.113.1:4001", SSRC, false));
	assert_int_equal(got.dropped_source, 5);
	assert_to("192.0.2.1:4001");
	/* a=rtcp names another place, of another host even. */
	set.remote_rtcp = at("192.0.2.9:9");
	media_session_set(x, &set);
	assert_false(reported(x, local, "192.0.2.1:4001", SSRC, false));
	assert_true(reported(x, local, "192.0.2.9:9", SSRC, false));
	assert_to("192.0.2.9:9");
	/* Each kind to its place: RTP is none of RTCP's, and the other way round. */
	{
		struct sa far_rtcp = at("192.0.2.9:9");
		uint64_t rx;

		taken(x);
		rx = got.rx;
		assert_true(net_rtp(local, &far_x, 50));
		assert_true(net_rtp(local, &far_rtcp, 50));
		assert_false(reported(x, media_session_local(x), "192.0.2.9:9", SSRC, false));
		assert_int_equal(got.rx, rx);
	}
	media_session_close(x, NULL, NULL);
}

/* On one port (RFC 5761) it comes from the very source of RTP. */
static void test_rtcp_mux(void **state)
{
	struct media_session *x = session(NULL);
	const struct sa *local = media_session_local(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.symmetric = set.rtcp_mux = true;
	media_session_set(x, &set);
	assert_false(reported(x, local, "192.0.2.1:4001", SSRC, false));
	assert_true(reported(x, local, "192.0.2.1:4000", SSRC, false));
	start_at(x, &set, "203.0.113.5:30000");
	assert_true(reported(x, local, "203.0.113.5:30000", SSRC, false));
	assert_false(reported(x, local, "203.0.113.5:30001", SSRC, false));
	assert_false(reported(x, local, "192.0.2.1:4000", SSRC, false));
	assert_to("203.0.113.5:30000");
	media_session_close(x, NULL, NULL);
}

/* Behind a NAT: any port of the source's host may be it, if it knows the SSRC;
 * one is learned, and stays. */
static void test_rtcp_behind_nat(void **state)
{
	struct media_session *x = session(NULL);
	const struct sa *local = media_session_local_rtcp(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct sa nat = at("203.0.113.5:30000");
	uint8_t pli[12];
	uint64_t rx;

	(void)state;
	set.symmetric = true;
	set.remote_rtcp = at("192.0.2.1:4001");
	start_at(x, &set, "203.0.113.5:30000");
	assert_to("203.0.113.5:30001");
	/* Another host, a guess at the SSRC, a packet that says nothing of a
	 * sender: all without effect. */
	assert_false(reported(x, local, "203.0.113.6:31111", SSRC, false));
	assert_false(reported(x, local, "203.0.113.5:31112", SSRC + 1, false));
	assert_int_equal(rtcp_write_pli(pli, sizeof(pli), SSRC, 1), sizeof(pli));
	{
		struct sa from = at("203.0.113.5:31112");

		rx = taken(x);
		assert_true(media_deliver(m, local, &from, pli, sizeof(pli)));
		assert_int_equal(taken(x), rx);
	}
	assert_to("203.0.113.5:30001");
	/* The phone's own, from a port of the NAT's choice. */
	assert_true(reported(x, local, "203.0.113.5:31111", SSRC, false));
	assert_to("203.0.113.5:31111");
	/* Whoever comes later, even with the right SSRC, a BYE, and many of them. */
	for (int i = 0; i < 20; i++) {
		assert_false(reported(x, local, "203.0.113.5:31112", SSRC, i & 1));
		assert_false(reported(x, local, "192.0.2.1:4001", SSRC, i & 1));
	}
	assert_to("203.0.113.5:31111");
	/* Nor does it move RTP: not where it is taken from, not when it says BYE. */
	assert_true(reported(x, local, "203.0.113.5:31111", SSRC, true));
	rx = got.rx;
	assert_true(sa_eq(&got.source, &nat));
	assert_true(net_rtp(media_session_local(x), &nat, 6));
	taken(x);
	assert_int_equal(got.rx, rx + 1);
	assert_int_equal(got.remote_ssrc, SSRC);
	/* A new source begins anew. */
	set.relearn = true;
	start_at(x, &set, "203.0.113.7:5000");
	assert_to("203.0.113.7:5001");
	assert_false(reported(x, local, "203.0.113.5:31111", SSRC, false));
	/* Not symmetric: heard, but ours goes where the SDP says. */
	set.symmetric = false;
	start_at(x, &set, "203.0.113.7:5000");
	assert_true(reported(x, local, "203.0.113.7:6000", SSRC, false));
	assert_to("192.0.2.1:4001");
	media_session_close(x, NULL, NULL);
}

/* Reports keep a silent call alive, but do not hold the place of a source that
 * has stopped: the signalled address may take it again. */
static void test_rtcp_is_no_rtp(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	const struct sa *local = media_session_local_rtcp(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.symmetric = true;
	set.timeout_ms = 10000;
	start_at(x, &set, "203.0.113.5:30000");
	for (int i = 0; i < 6; i++) {
		assert_true(reported(x, local, "203.0.113.5:31111", SSRC, false));
		pass(4000);
	}
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_true(reported(x, local, "203.0.113.5:31111", SSRC, false));
	assert_true(net_rtp(media_session_local(x), &far_x, 100));
	taken(x);
	assert_true(sa_eq(&got.source, &far_x));
	/* Those of a stranger keep nothing alive. */
	for (int i = 0; i < 4; i++) {
		assert_false(reported(x, local, "203.0.113.99:31111", SSRC, false));
		pass(3000);
	}
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	media_session_close(x, NULL, NULL);
}

/* ---- turns */

static void seen_doing(enum media_doing doing, const struct media_session *s)
{
	struct media_watch now;

	assert_int_equal(net.seen.doing, doing);
	assert_int_equal(net.seen.port, sa_port(media_session_local(s)));
	assert_true(net.seen.began_us == clk.mono);
	assert_true(media_watch(m, 0, &now));
	assert_int_equal(now.doing, MEDIA_ASLEEP);
	assert_int_equal(now.began_us, 0);
	assert_int_equal(now.port, 0);
	assert_int_equal(now.turns, net.seen.turns + 1);
}

/* A watchdog sees since when a thread is at it, with what and for whom. */
static void test_watch(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	assert_int_equal(media_threads(m), 1);
	assert_false(media_watch(m, 1, &net.seen));
	assert_string_equal(media_doing_name(MEDIA_TICKS), "ticks");
	media_session_set(x, &set);
	set.remote = far_y;
	media_session_set(y, &set);
	media_bridge(x, y);
	net.watched = m;
	assert_true(net_rtp(media_session_local(x), &far_x, 1));
	seen_doing(MEDIA_PACKETS, x);
	media_silence(y, true);
	clock_fake_add(&clk, 20000);
	media_poll(m, 0);
	seen_doing(MEDIA_TICKS, y);
	media_session_close(y, NULL, NULL);     /* says BYE */
	seen_doing(MEDIA_COMMANDS, y);
	net.watched = NULL;
	media_session_close(x, NULL, NULL);
}

/* A turn serves so many streams; the next, which comes at once, the others. */
static void test_bounded_turn(void **state)
{
	enum { N = 300 };
	struct media_session *v[N];
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	for (int i = 0; i < N; i++) {
		v[i] = session(NULL);
		assert_int_equal(media_session_set(v[i], &set), 0);
		assert_int_equal(media_silence(v[i], true), 0);
	}
	clock_fake_add(&clk, 10000);
	media_poll(m, 0);
	assert_int_equal(net.n, 256);
	media_poll(m, 0);
	assert_int_equal(net.n, N);
	media_poll(m, 0);
	assert_int_equal(net.n, N);

	for (int i = 0; i < N; i++)
		media_silence(v[i], i == 0 || i == N - 1);
	net.n = 0;
	/* Nor is a long sleep made good for in a burst. */
	clock_fake_add(&clk, 10000000);
	for (int i = 0; i < 50; i++)
		media_poll(m, 0);
	assert_in_range(net.n, 2, 4);
	for (int i = 0; i < N; i++)
		media_session_close(v[i], NULL, NULL);
}

/* ---- ports of a range */

static int try_session(struct media_session **out)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };

	net.opens = 0;
	return media_session_new(out, m, &prm);
}

static void range(uint16_t min, uint16_t max)
{
	struct media_prm prm = prm_of();

	prm.port_min = min;
	prm.port_max = max;
	media_reload(m, &prm);
}

/* Two pairs, both ours: said so without a look. One of another program's: found
 * again when that has gone. */
static void test_small_range(void **state)
{
	struct media_session *v[2], *x = NULL;
	struct media_counters n;

	(void)state;
	range(20000, 20003);
	assert_int_equal(try_session(&v[0]), 0);
	assert_int_equal(try_session(&v[1]), 0);
	assert_int_equal(try_session(&x), ENOBUFS);
	assert_int_equal(net.opens, 0);
	media_session_close(v[0], NULL, NULL);
	media_poll(m, 0);
	net.taken[0] = 20000;
	net.taken[1] = 20003;
	assert_int_equal(try_session(&x), ENOBUFS);
	assert_int_equal(try_session(&x), ENOBUFS);
	net.taken[1] = 0;
	assert_int_equal(try_session(&x), 0);
	media_count(m, &n);
	assert_int_equal(n.ports_used, 2);
	assert_int_equal(n.ports_exhausted, 3);
	media_session_close(x, NULL, NULL);
	media_session_close(v[1], NULL, NULL);
	/* A range that holds no pair. */
	range(20001, 20001);
	assert_int_equal(try_session(&x), ENOBUFS);
	range(20001, 20002);
	assert_int_equal(try_session(&x), ENOBUFS);
	assert_int_equal(net.opens, 0);
}

/* Ten thousand pairs of which other programs have all but one: no session costs
 * more than some tries, and the one is found, wherever it is. */
static void test_crowded_range(void **state)
{
	struct media_session *x = NULL;
	int err = EADDRINUSE, calls = 0;

	(void)state;
	range(10000, 29999);
	net.taken[0] = 10000;
	net.taken[1] = 29999;
	net.but = 23456;
	for (; err == EADDRINUSE && calls < 200; calls++) {
		err = try_session(&x);
		assert_in_range(net.opens, 1, 65);
	}
	assert_int_equal(err, 0);
	assert_in_range(calls, 1, 158);
	assert_int_equal(net.again, 0);         /* each call goes on where the last ended */
	assert_int_equal(sa_port(media_session_local(x)), 23456);
	media_session_close(x, NULL, NULL);
}

/* ---- lifetimes */

/* A digit that a bridge passes on as a tone ends with what it came from; one of
 * the leg's own, begun meanwhile, does not. */
static void test_digit_of_its_own(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct rtp_event e = { .event = 4, .duration = 160 };
	uint8_t pkt[16];

	(void)state;
	set.nevents = 1;
	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = 101;
	media_session_set(x, &set);
	set = to_phone(&far_y, FORMAT_ULAW, 0);
	set.dtmf = MEDIA_DTMF_INBAND;
	media_session_set(y, &set);
	media_bridge(x, y);
	rtp_write(pkt, 101, true, 1, 500, SSRC);
	rtp_event_write(pkt + 12, &e);
	assert_true(media_deliver(m, media_session_local(x), &far_x, pkt, sizeof(pkt)));
	pass(60);
	assert_true(net.n > 0);
	media_dtmf_begin(y, '9');
	e.end = true;
	rtp_write(pkt, 101, false, 2, 500, SSRC);
	rtp_event_write(pkt + 12, &e);
	assert_true(media_deliver(m, media_session_local(x), &far_x, pkt, sizeof(pkt)));
	pass(400);
	net.n = 0;
	pass(100);
	assert_in_range(net.n, 4, 6);
	media_dtmf_end(y);
	pass(200);
	net.n = 0;
	pass(100);
	assert_int_equal(net.n, 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* The second close of an owner takes nothing away that others hold. */
static void test_closed_twice(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	media_session_set(x, &set);
	media_session_set(y, &set);
	media_bridge(x, y);
	obj_hold(x);
	media_session_close(x, on_stats, NULL);
	media_session_close(x, on_stats, NULL);
	media_session_handler(x, on_event, &sx);
	pass(100);
	assert_int_equal(got_n, 1);
	assert_int_equal(sx.n, 0);
	assert_int_equal(media_unbridge(x), ESHUTDOWN);
	assert_int_equal(media_stats(x, on_stats, NULL), ESHUTDOWN);
	assert_false(media_session_bridged(x) || media_session_bridged(y));
	obj_drop(x);
	media_session_close(y, NULL, NULL);
}

static int answers, empty;
static void on_answer(void *arg, const struct media_stats *st)
{
	assert_ptr_equal(arg, &answers);
	answers++;
	empty += !st;
}

/* Who asked for numbers hears once, also when the media closes: it may hold
 * something for it. */
static void test_stats_at_the_end(void **state)
{
	struct media_prm prm = prm_of();
	struct media *first = m;
	struct media_session *x;

	(void)state;
	answers = empty = 0;
	assert_int_equal(media_new(&m, &prm), 0);
	x = session(NULL);
	media_stats(x, on_answer, &answers);
	media_poll(m, 0);
	assert_int_equal(answers, 1);
	media_stats(x, on_answer, &answers);
	media_session_close(x, on_answer, &answers);
	media_close(m);
	m = first;
	assert_int_equal(answers, 3);
	assert_int_equal(empty, 2);
}

static size_t played, digits;
static void on_many(void *arg, struct media_session *s, const struct media_event *e)
{
	(void)arg;
	(void)s;
	played += e->type == MEDIA_PLAYED;
	digits += e->type == MEDIA_DTMF_END;
}

/* The core does not read: events of packets are dropped, the end of a sound never. */
static void test_full_ring(void **state)
{
	enum { N = 100 };
	struct media_session *v[N];
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct rtp_event e = { .event = 1, .duration = 160, .end = true };
	struct sound *snd = ulaw_sound(160, 0x11);
	struct media_counters n;
	uint8_t pkt[16];

	(void)state;
	played = digits = 0;
	set.nevents = 1;
	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = 101;
	for (int i = 0; i < N; i++) {
		v[i] = session(NULL);
		media_session_handler(v[i], on_many, NULL);
		media_session_set(v[i], &set);
	}
	/* In one turn all have sent their packet, in a later one all are at the end. */
	for (int i = 0; i < N; i++)
		assert_int_equal(media_play_sounds(v[i], &snd, 1, 1), 0);
	clock_fake_add(&clk, 10000);
	media_poll(m, 0);
	assert_int_equal(net.n, N);
	for (uint32_t i = 1; i < 1000; i++) {
		rtp_write(pkt, 101, true, (uint16_t)i, 1000 * i, SSRC);
		rtp_event_write(pkt + 12, &e);
		assert_true(media_deliver(m, media_session_local(v[0]), &far_x, pkt, sizeof(pkt)));
	}
	media_count(m, &n);
	assert_true(n.events_dropped > 0);
	clock_fake_add(&clk, 20000);
	for (int i = 0; i < 20; i++)
		media_poll(m, 0);
	assert_true(digits > 400);
	assert_int_equal(played, N);
	for (int i = 0; i < N; i++)
		media_session_close(v[i], NULL, NULL);
	obj_drop(snd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_net), T(test_net_ports), T(test_net_alone), T(test_net_on_loop), T(test_own_sounds), T(test_relayed_lengths),
		T(test_long_packet), T(test_events_at_long_ptime), T(test_long_timeout),
		T(test_rtcp_signalled), T(test_rtcp_mux), T(test_rtcp_behind_nat), T(test_rtcp_is_no_rtp),
		T(test_small_range), T(test_crowded_range), T(test_digit_of_its_own), T(test_closed_twice),
		T(test_stats_at_the_end), T(test_full_ring), T(test_watch), T(test_bounded_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
