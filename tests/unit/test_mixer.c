/* Mixes and taps through whole sessions, over a network of the test's own: packets in,
 * packets out, files. What is computed in them is in test_mix.c and test_tap.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/obj.h"
#include "media/file.h"
#include "media/mixer.h"
#include "media/rtp.h"

/* ---- the network */

enum { PLACES = 16, PHONES = 6, HEARD = 8000 * 8 };

struct phone {
	struct media_session *s;
	struct sa at;
	enum format_id id;
	const struct codec *row;
	void *enc, *dec;
	double hz;              /* 0: says nothing */
	uint16_t seq;
	uint32_t ts;
	uint64_t said;          /* [samples] */
	int16_t heard[HEARD * 2];
	size_t n, packets;
	uint8_t last[1500];      /* the last packet as it came */
	size_t talk_begins, talk_ends;
};

static struct sa places[PLACES];
static struct phone phone[PHONES];
static struct clock_fake clk;
static struct media *m;
static size_t live;
static char dir[] = "/tmp/test_mixer.XXXXXX";
static char path[64];

static int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	int k = 0;

	(void)arg;
	while (k < PLACES && sa_is_set(&places[k]))
		k++;
	if (k == PLACES)
		return EMFILE;
	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(20000 + 2 * k));
	places[k] = *bound;
	*place = k;
	return 0;
}

static void net_close(void *arg, int place)
{
	(void)arg;
	assert_true(sa_is_set(&places[place]));
	places[place] = (struct sa){ 0 };
}

static int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	struct rtp r;

	(void)arg;
	(void)place;
	if (rtp_kind(p, n) != RTP_KIND_RTP || rtp_parse(&r, p, n))
		return 0;
	for (int i = 0; i < PHONES; i++) {
		struct phone *f = &phone[i];

		if (!f->row || !sa_eq(&f->at, to))
			continue;
		f->packets++;
		if (n <= sizeof(f->last))
			memcpy(f->last, p, n);
		assert_true(f->n + 960 < HEARD * 2);
		f->n += f->row->decode(f->dec, (const uint8_t *)p + r.at, r.n, f->heard + f->n, 960);
	}
	return 0;
}

static const struct media_net net = { NULL, net_open, net_close, net_send };

/* ---- the stage */

static int up(void **state)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .net = &net };

	(void)state;
	live = obj_live();
	memset(phone, 0, sizeof(phone));
	memset(places, 0, sizeof(places));
	clock_fake_init(&clk, 1700000000);
	clock_fake_add(&clk, 1000000);
	sa_parse_host(&prm.bind, STR("198.51.100.9"), 0);
	return media_new(&m, &prm) ? -1 : 0;
}

static int down(void **state)
{
	(void)state;
	media_close(m);
	m = NULL;
	for (int i = 0; i < PHONES; i++)
		if (phone[i].row && phone[i].row->state_free) {
			phone[i].row->state_free(phone[i].enc);
			phone[i].row->state_free(phone[i].dec);
		}
	unlink(path);
	return obj_live() != live;
}

static void on_event(void *arg, struct media_session *s, const struct media_event *e)
{
	struct phone *f = arg;

	(void)s;
	f->talk_begins += e->type == MEDIA_TALK_BEGIN;
	f->talk_ends += e->type == MEDIA_TALK_END;
}

static uint8_t pt_of(enum format_id id) { return id == FORMAT_ULAW ? 0 : id == FORMAT_ALAW ? 8 : id == FORMAT_G722 ? 9 : 96; }

static void agree(struct phone *f, enum format_id id, uint8_t ptime)
{
	struct media_set set = { .remote = f->at, .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_RFC4733 };

	f->id = id;
	f->row = codec_get(id);
	set.codec[0] = (struct media_codec){ .id = (uint8_t)id, .pt_rx = pt_of(id), .pt_tx = pt_of(id), .ptime = ptime };
	assert_int_equal(media_session_set(f->s, &set), 0);
	if (f->row->state_new && !f->enc) {
		f->enc = GOT(f->row->state_new());
		f->dec = GOT(f->row->state_new());
	}
}

static struct phone *call(int i, enum format_id id, double hz)
{
	struct phone *f = &phone[i];
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_event, .arg = f };
	char text[32];

	snprintf(text, sizeof(text), "192.0.2.%d:4000", i + 1);
	assert_int_equal(sa_parse(&f->at, str_z(text)), 0);
	assert_int_equal(media_session_new(&f->s, m, &prm), 0);
	f->hz = hz;
	agree(f, id, 20);
	return f;
}

static void hang_up(struct phone *f)
{
	media_session_close(f->s, NULL, NULL);
	f->s = NULL;
}

/* 20 ms of its tone. */
static void say(struct phone *f)
{
	size_t n = codec_samples(f->row, 20);
	uint8_t pkt[1500];
	int16_t pcm[960];
	size_t k;

	for (size_t i = 0; i < n; i++, f->said++)
		pcm[i] = (int16_t)lrint(6000 * sin(2 * M_PI * f->hz * (double)f->said / f->row->rate));
	rtp_write(pkt, pt_of(f->id), f->seq == 0, f->seq, f->ts, (uint32_t)(100 + (f - phone)));
	k = f->row->encode(f->enc, pcm, n, pkt + 12, sizeof(pkt) - 12);
	f->seq++;
	f->ts += codec_ticks(f->row, n, format_get(f->id)->clock);
	assert_true(media_deliver(m, media_session_local(f->s), &f->at, pkt, 12 + k));
}

static void pass(unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 10) {
		for (int i = 0; i < PHONES && at % 20 == 0; i++)
			if (phone[i].s && phone[i].hz > 0)
				say(&phone[i]);
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
}

static void forget(void)
{
	for (int i = 0; i < PHONES; i++)
		phone[i].n = phone[i].packets = 0;
}

static double level_of(const int16_t *v, size_t n, uint32_t rate, double hz)
{
	double sum = 0, share;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * v[i];
	share = tone_goertzel(v, n, rate, (uint32_t)hz);
	return n > 0 && share > 0 ? sqrt(share * sum / (double)n * 2) : 0;
}

static bool hears(const struct phone *f, const struct phone *other)
{
	double v = level_of(f->heard, f->n, f->row->rate, other->hz);

	/* Yes or no: nothing in between, whatever the codecs add. */
	assert_true(v < 300 || (v > 5400 && v < 6600));
	return v > 300;
}

static uint32_t last_ts(const struct phone *f)
{
	struct rtp r;

	assert_int_equal(rtp_parse(&r, f->last, sizeof(f->last)), 0);
	return r.ts;
}

static const struct media_member plain = { .gain = MIX_UNITY };

/* ---- mixes */

static void test_conference(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_G722, 700), *c = call(2, FORMAT_ALAW, 1100);
	struct media_mix *x = NULL;

	(void)state;
	assert_int_equal(media_mix_new(&x, m), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(media_mix_join(x, phone[i].s, &plain), 0);
	assert_int_equal(media_mix_members(x), 3);
	assert_true(media_session_mixed(a->s));
	pass(300);
	forget();
	pass(400);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(phone[i].packets, 20);
		for (int k = 0; k < 3; k++)
			assert_int_equal(hears(&phone[i], &phone[k]), i != k);
		assert_int_equal(phone[i].talk_begins, 1);
	}
	/* Muted, deaf, and one that leaves and is heard by nobody. */
	assert_int_equal(media_mix_set(a->s, &(struct media_member){ .gain = MIX_UNITY, .mute = true }), 0);
	assert_int_equal(media_mix_set(b->s, &(struct media_member){ .gain = MIX_UNITY, .deaf = true }), 0);
	pass(100);
	assert_int_equal(a->talk_ends, 1);
	forget();
	pass(200);
	assert_false(hears(b, c) || hears(c, a));
	assert_true(hears(a, b) && hears(a, c) && hears(c, b));
	assert_int_equal(b->packets, 10);
	assert_int_equal(media_mix_leave(b->s), 0);
	assert_int_equal(media_mix_leave(b->s), 0);
	assert_int_equal(media_mix_set(b->s, &plain), EINVAL);
	pass(60);
	assert_int_equal(b->talk_ends, 1);
	forget();
	pass(200);
	assert_int_equal(b->packets, 0);
	assert_false(hears(c, b));
	/* One goes without a word. */
	hang_up(c);
	pass(60);
	assert_int_equal(media_mix_members(x), 1);
	hang_up(a);
	media_mix_close(x);
	assert_int_equal(media_mix_set(b->s, &plain), EINVAL);
	hang_up(b);
}

/* A mix and a bridge: the last of the calls holds. Sounds are heard instead of it. */
static void test_last_holds(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 700), *c = call(2, FORMAT_ULAW, 1100);
	struct media_mix *x = NULL, *y = NULL;
	struct tone *t = NULL;

	(void)state;
	media_mix_new(&x, m);
	media_mix_new(&y, m);
	media_bridge(a->s, b->s);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, c->s, &plain);
	assert_false(media_session_bridged(b->s));
	pass(200);
	forget();
	pass(200);
	assert_true(hears(a, c) && hears(c, a));
	assert_false(hears(c, b));
	assert_int_equal(b->packets, 0);
	/* Into another. */
	media_mix_join(y, c->s, &plain);
	media_mix_join(y, b->s, &plain);
	assert_int_equal(media_mix_members(x), 1);
	pass(200);
	forget();
	pass(200);
	assert_true(hears(b, c) && hears(c, b));
	assert_false(hears(a, c) || hears(a, b));
	assert_int_equal(tone_parse(&t, STR("1500")), 0);
	media_tone(c->s, t);
	obj_drop(t);
	pass(100);
	forget();
	pass(200);
	assert_false(hears(c, b));
	assert_true(level_of(c->heard, c->n, 8000, 1500) > 4000);
	assert_true(hears(b, c));
	media_tone(c->s, NULL);
	media_bridge(c->s, a->s);
	assert_false(media_session_mixed(c->s) || media_session_mixed(a->s));
	assert_int_equal(media_mix_members(x), 0);
	pass(200);
	forget();
	pass(200);
	assert_true(hears(a, c) && hears(c, a));
	assert_false(hears(b, c));
	assert_int_equal(b->packets, 10);
	media_mix_close(x);
	media_mix_close(y);
	for (int i = 0; i < 3; i++)
		hang_up(&phone[i]);
}

/* Another codec in the middle, another length of packets. */
static void test_codecs(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 700);
	struct media_mix *x = NULL;
	uint32_t ts;

	(void)state;
	media_mix_new(&x, m);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, b->s, &plain);
	pass(200);
	agree(b, FORMAT_G722, 30);
	agree(a, FORMAT_SLIN16, 10);
	pass(200);
	forget();
	pass(600);
	assert_int_equal(a->packets, 60);
	assert_int_equal(b->packets, 20);
	assert_true(hears(a, b) && hears(b, a));
	/* Our timestamps go on by what a packet holds. */
	ts = last_ts(b);
	pass(60);
	assert_int_equal(last_ts(b) - ts, 480);
	media_mix_close(x);
	hang_up(a);
	hang_up(b);
}

static void test_refused(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1 };
	struct phone *a = call(0, FORMAT_ULAW, 400);
	struct media_session *v = NULL;
	struct media_mix *x = NULL;

	(void)state;
	assert_int_equal(media_session_new(&v, m, &prm), 0);
	media_mix_new(&x, m);
	assert_int_equal(media_mix_join(x, v, &plain), EINVAL);
	media_mix_join(x, a->s, &plain);
	assert_int_equal(media_mix_join(x, a->s, &plain), 0);
	assert_int_equal(media_mix_members(x), 1);
	obj_hold(a->s);
	obj_hold(x);
	media_session_close(a->s, NULL, NULL);
	assert_int_equal(media_mix_join(x, a->s, &plain), ESHUTDOWN);
	obj_drop(a->s);
	a->s = NULL;
	media_mix_close(x);
	assert_int_equal(media_mix_join(x, v, &plain), ESHUTDOWN);
	obj_drop(x);
	media_session_close(v, NULL, NULL);
}

/* The media closes under a mix and its members. */
static void test_media_closes(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 700);
	struct media_mix *x = NULL;

	media_mix_new(&x, m);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, b->s, &plain);
	pass(100);
	media_close(m);
	assert_int_equal(media_mix_join(x, a->s, &plain), ESHUTDOWN);
	media_mix_close(x);
	hang_up(a);
	hang_up(b);
	live = obj_live();
	assert_int_equal(up(state), 0);
}

/* ---- taps */

struct done {
	int n;
	struct tap_result r;
};

static void on_done(void *arg, const struct tap_result *r)
{
	struct done *d = arg;

	d->n++;
	d->r = *r;
}

static struct media_tap *record(struct media_session *of, const char *to, struct done *d)
{
	struct tap_wav_prm wav = { .path = str_z(to), .rate = 8000, .stereo = true, .bank = media_rates(m) };
	struct media_tap_prm prm = { .ring_bytes = 1 << 20, .done = on_done, .arg = d };
	struct media_tap *t = NULL;

	assert_int_equal(tap_wav_new(&prm.sink, &wav), 0);
	assert_int_equal(media_tap_start(&t, of, &prm), 0);
	return t;
}

/* The writer is another thread, and says when it is through. */
static void await(const struct done *d)
{
	while (!d->n)
		media_poll(m, 0);
}

static struct {
	int16_t lane[2][HEARD];
	size_t n;
} file;

static void load(const char *name)
{
	static char raw[HEARD * 4 + 100];
	struct wav_info info;
	FILE *f = fopen(name, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(raw, 1, sizeof(raw), f);
	fclose(f);
	assert_int_equal(wav_parse(&info, str_mk(raw, n)), 0);
	assert_int_equal(info.channels, 2);
	file.n = info.data_n / 4;
	for (size_t i = 0; i < file.n; i++)
		for (int k = 0; k < 2; k++)
			memcpy(&file.lane[k][i], raw + info.data_at + 4 * i + 2 * (size_t)k, 2);
}

static double recorded(int lane, double hz, size_t from_ms, size_t ms)
{
	assert_true((from_ms + ms) * 8 <= file.n);
	return level_of(file.lane[lane] + from_ms * 8, ms * 8, 8000, hz);
}

/* Three in a mix, one of them recorded: what it said, and what it heard of the others. */
static void test_recorded_mix(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_G722, 700), *c = call(2, FORMAT_ALAW, 1100);
	struct done d = { 0 };
	struct media_mix *x = NULL;
	struct media_tap *t;

	(void)state;
	media_mix_new(&x, m);
	for (int i = 0; i < 3; i++)
		media_mix_join(x, phone[i].s, &plain);
	pass(200);
	t = record(b->s, path, &d);
	pass(500);
	c->hz = 0;
	pass(500);
	assert_int_equal(media_tap_stop(t), 0);
	assert_int_equal(media_tap_stop(t), 0);
	/* What passes after the end is not in it. */
	pass(200);
	await(&d);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.r.err, 0);
	assert_int_equal(d.r.dropped, 0);
	assert_int_equal(d.r.frames, 100);
	load(path);
	assert_in_range(file.n, 8000, 8160);    /* the last frame may go on a little */
	assert_true(recorded(0, b->hz, 100, 800) > 5400);
	assert_true(recorded(1, a->hz, 100, 800) > 5400);
	assert_true(recorded(1, 1100, 100, 300) > 5400);
	assert_true(recorded(1, 1100, 700, 300) < 100);
	assert_true(recorded(1, b->hz, 100, 800) < 100);
	media_mix_close(x);
	for (int i = 0; i < 3; i++)
		hang_up(&phone[i]);
}

/* A bridged pair: packets pass byte by byte as without the tap, and are recorded. */
static void relayed(enum format_id id)
{
	struct phone *a = call(0, id, 400), *b = call(1, id, 700);
	struct done d = { 0 }, d2 = { 0 };
	struct media_tap *t;
	uint8_t before[160];

	media_bridge(a->s, b->s);
	a->said = 0;
	pass(200);
	memcpy(before, b->last + 12, sizeof(before));
	t = record(a->s, path, &d);
	record(a->s, "/dev/full", &d2);
	pass(1000);
	/* 400 Hz: the same eight samples in each packet of G.711. */
	if (id == FORMAT_ULAW)
		assert_memory_equal(before, b->last + 12, sizeof(before));
	forget();
	pass(200);
	assert_true(hears(a, b) && hears(b, a));
	assert_int_equal(a->packets + b->packets, 20);
	media_tap_stop(t);
	hang_up(a);
	await(&d);
	await(&d2);
	assert_int_equal(d.r.err, 0);
	assert_int_equal(d2.r.err, ENOSPC);
	assert_int_equal(d2.n, 1);
	load(path);
	assert_int_equal(file.n, 9600);
	assert_true(recorded(0, 400, 100, 1000) > 5400);
	assert_true(recorded(0, 700, 100, 1000) < 100);
	assert_true(recorded(1, 700, 100, 1000) > 5400);
	hang_up(b);
}

static void test_recorded_bridge(void **state)
{
	(void)state;
	relayed(FORMAT_ULAW);
}

static void test_recorded_g722(void **state)
{
	(void)state;
	relayed(FORMAT_G722);
}

/* Translated: the tap's decoder and the bridge's do not disturb each other. */
static void test_recorded_translation(void **state)
{
	struct phone *a = call(0, FORMAT_G722, 400), *b = call(1, FORMAT_GSM, 700);
	struct done d = { 0 };
	struct media_tap *t;

	(void)state;
	media_bridge(a->s, b->s);
	t = record(b->s, path, &d);
	pass(200);
	forget();
	pass(400);
	assert_true(level_of(a->heard, a->n, 16000, 700) > 4500);
	assert_true(level_of(b->heard, b->n, 8000, 400) > 4500);
	media_tap_stop(t);
	await(&d);
	load(path);
	assert_true(recorded(0, 700, 100, 400) > 4500);
	assert_true(recorded(1, 400, 100, 400) > 4500);
	hang_up(a);
	hang_up(b);
}

/* What ends it: the session's end, the media's end. No folder: the reason. */
static void test_tap_ends(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 0);
	struct done d[3] = { { 0 } };

	record(a->s, path, &d[0]);
	record(b->s, "/tmp/no such folder/x.wav", &d[1]);
	pass(400);
	hang_up(a);
	await(&d[0]);
	assert_int_equal(d[0].r.err, 0);
	load(path);
	assert_int_equal(file.n, 3200);
	await(&d[1]);
	assert_int_equal(d[1].r.err, ENOENT);
	pass(100);
	record(b->s, path, &d[2]);
	pass(100);
	media_close(m);
	assert_int_equal(d[2].n, 1);
	assert_int_equal(d[2].r.err, 0);
	assert_int_equal(d[1].n, 1);
	hang_up(b);
	live = obj_live();
	assert_int_equal(up(state), 0);
}

static int frees;
static void on_free(void *arg)
{
	(void)arg;
	frees++;
}

static void test_tap_refused(void **state)
{
	struct media_session_prm video = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1 };
	struct media_tap_prm prm = { .sink = { .free = on_free } };
	struct phone *a = call(0, FORMAT_ULAW, 0);
	struct done d[8] = { { 0 } };
	struct media_session *v = NULL;
	struct media_tap *t = NULL;

	(void)state;
	frees = 0;
	assert_int_equal(media_session_new(&v, m, &video), 0);
	assert_int_equal(media_tap_start(&t, v, &prm), EINVAL);
	for (int i = 0; i < 8; i++)
		record(a->s, "/dev/null", &d[i]);
	assert_int_equal(media_tap_start(&t, a->s, &prm), ENOBUFS);
	obj_hold(a->s);
	media_session_close(a->s, NULL, NULL);
	assert_int_equal(media_tap_start(&t, a->s, &prm), ESHUTDOWN);
	obj_drop(a->s);
	a->s = NULL;
	assert_null(t);
	assert_int_equal(frees, 3);
	for (int i = 0; i < 8; i++)
		await(&d[i]);
	media_session_close(v, NULL, NULL);
}

/* ---- threads and sockets of the real kind */

enum { SOCKETS = 6 };

struct end {
	int fd;
	struct media_session *s;
	uint16_t seq;
};

static struct end end_of(void)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
	struct media_set set = { .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_NONE };
	struct end e = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct sa at;
	socklen_t len = sizeof(at);

	sa_parse_host(&at, STR("127.0.0.1"), 0);
	assert_int_equal(bind(e.fd, &at.u.s, sa_len(&at)), 0);
	assert_int_equal(getsockname(e.fd, &at.u.s, &len), 0);
	assert_int_equal(media_session_new(&e.s, m, &prm), 0);
	set.remote = at;
	set.codec[0] = (struct media_codec){ .id = FORMAT_ULAW };
	assert_int_equal(media_session_set(e.s, &set), 0);
	return e;
}

static void send_to(struct end *e)
{
	uint8_t pkt[172] = { 0 };
	const struct sa *to = media_session_local(e->s);

	rtp_write(pkt, 0, false, e->seq, 160u * e->seq, (uint32_t)e->fd);
	e->seq++;
	assert_int_equal(sendto(e->fd, pkt, sizeof(pkt), 0, &to->u.s, sa_len(to)), sizeof(pkt));
}

/* Until it is sent something: the poll ends at once when it is. */
static void await_packet(struct end *e)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	uint8_t pkt[1500];

	for (int i = 0; i < 1000; i++) {
		media_poll(m, 0);
		if (poll(&p, 1, 10) == 1) {
			assert_true(recv(e->fd, pkt, sizeof(pkt), 0) > 0);
			return;
		}
	}
	fail_msg("a member is sent nothing");
}

static uint32_t dice = 12345;
static uint32_t roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 16) % n;
}

/* Sessions of two threads come together in mixes and bridges, are recorded, and go,
 * in any order: nothing is lost, nothing is touched by two threads. */
static void test_threads(void **state)
{
	struct media_prm prm = { .threads = 2, .strict = true };
	struct end e[SOCKETS];
	struct media_mix *x[2] = { NULL };
	struct done d[200] = { { 0 } };
	struct media_tap *tap[200] = { NULL };
	struct media *first = m;
	int taps = 0;

	(void)state;
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	assert_int_equal(media_new(&m, &prm), 0);
	for (int i = 0; i < SOCKETS; i++)
		e[i] = end_of();
	for (int i = 0; i < 2; i++)
		assert_int_equal(media_mix_new(&x[i], m), 0);
	for (int i = 0; i < 600; i++) {
		struct media_session *s = e[roll(SOCKETS)].s, *o = e[roll(SOCKETS)].s;

		send_to(&e[roll(SOCKETS)]);
		switch (roll(6)) {
		case 0:
		case 1:
			assert_int_equal(media_mix_join(x[roll(2)], s, &plain), 0);
			break;
		case 2:
			assert_int_equal(media_mix_leave(s), 0);
			break;
		case 3:
			if (s != o)
				assert_int_equal(media_bridge(s, o), 0);
			break;
		case 4:
			if (taps < 200 && i % 3 == 0 && s != e[0].s)
				tap[taps] = record(s, "/dev/null", &d[taps]);
			taps += tap[taps] != NULL;
			break;
		default:
			for (int k = 0; k < taps; k++)
				if (!d[k].n)
					media_tap_stop(tap[k]);
			break;
		}
		media_poll(m, 0);
		/* Those that are full say so; here they have to be written out first. */
		for (int k = 0; k < taps && taps >= 7 && taps % 7 == 0; k++) {
			if (!d[k].n)
				media_tap_stop(tap[k]);
			await(&d[k]);
		}
	}
	for (int i = 0; i < SOCKETS; i++)
		assert_int_equal(media_mix_join(x[1], e[i].s, &plain), 0);
	assert_int_equal(media_mix_members(x[1]), SOCKETS);
	for (int i = 0; i < SOCKETS; i++)
		await_packet(&e[i]);
	for (int i = 0; i < SOCKETS; i++) {
		media_session_close(e[i].s, NULL, NULL);
		close(e[i].fd);
	}
	for (int k = 0; k < taps; k++)
		await(&d[k]);
	media_mix_close(x[0]);
	media_mix_close(x[1]);
	media_close(m);
	m = first;
	assert_true(taps > 5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_conference), T(test_last_holds), T(test_codecs), T(test_refused), T(test_media_closes),
		T(test_recorded_mix), T(test_recorded_bridge), T(test_recorded_g722), T(test_recorded_translation),
		T(test_tap_ends), T(test_tap_refused), T(test_threads),
	};
	int err;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/x.wav", dir);
	err = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return err;
}
