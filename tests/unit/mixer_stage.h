/* tests/unit/mixer_stage.h -- what the tests of mixes and taps stand on: a media over a
 * network of their own, phones that say a tone and keep what they hear. */
#ifndef TESTS_MIXER_STAGE_H
#define TESTS_MIXER_STAGE_H

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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
	uint32_t ts, ssrc;
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

static inline int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
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

static inline void net_close(void *arg, int place)
{
	(void)arg;
	assert_true(sa_is_set(&places[place]));
	places[place] = (struct sa){ 0 };
}

static inline int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
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

static inline int up(void **state)
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

static inline int down(void **state)
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

static inline void on_event(void *arg, struct media_session *s, const struct media_event *e)
{
	struct phone *f = arg;

	(void)s;
	f->talk_begins += e->type == MEDIA_TALK_BEGIN;
	f->talk_ends += e->type == MEDIA_TALK_END;
}

static inline uint8_t pt_of(enum format_id id) { return id == FORMAT_ULAW ? 0 : id == FORMAT_ALAW ? 8 : id == FORMAT_G722 ? 9 : 96; }

static inline void agree(struct phone *f, enum format_id id, uint8_t ptime)
{
	struct media_set set = { .remote = f->at, .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_RFC4733 };

	f->id = id;
	f->row = codec_get(id);
	set.codec[0] = (struct media_codec){ .id = (uint8_t)id, .pt_rx = pt_of(id), .pt_tx = pt_of(id), .ptime = ptime };
	assert_int_equal(media_session_set(f->s, &set), 0);
	if (f->row->state_new && !f->enc) {
		f->enc = GOT(f->row->state_new(CODEC_ENCODER, NULL));
		f->dec = GOT(f->row->state_new(CODEC_DECODER, NULL));
	}
}

static inline struct phone *call(int i, enum format_id id, double hz)
{
	struct phone *f = &phone[i];
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_event, .arg = f };
	char text[32];

	snprintf(text, sizeof(text), "192.0.2.%d:4000", i + 1);
	assert_int_equal(sa_parse(&f->at, str_z(text)), 0);
	assert_int_equal(media_session_new(&f->s, m, &prm), 0);
	f->hz = hz;
	f->ssrc = (uint32_t)(100 + i);
	agree(f, id, 20);
	return f;
}

static inline void hang_up(struct phone *f)
{
	media_session_close(f->s, NULL, NULL);
	f->s = NULL;
}

/* 20 ms of its tone. */
static inline void say(struct phone *f)
{
	size_t n = codec_samples(f->row, 20);
	uint8_t pkt[1500];
	int16_t pcm[960];
	size_t k;

	for (size_t i = 0; i < n; i++, f->said++)
		pcm[i] = (int16_t)lrint(6000 * sin(2 * M_PI * f->hz * (double)f->said / f->row->rate));
	rtp_write(pkt, pt_of(f->id), f->seq == 0, f->seq, f->ts, f->ssrc);
	k = f->row->encode(f->enc, pcm, n, pkt + 12, sizeof(pkt) - 12);
	f->seq++;
	f->ts += codec_ticks(f->row, n, format_get(f->id)->clock);
	assert_true(media_deliver(m, media_session_local(f->s), &f->at, pkt, 12 + k));
}

static inline void pass(unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 10) {
		for (int i = 0; i < PHONES && at % 20 == 0; i++)
			if (phone[i].s && phone[i].hz > 0)
				say(&phone[i]);
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
}

static inline void forget(void)
{
	for (int i = 0; i < PHONES; i++)
		phone[i].n = phone[i].packets = 0;
}

static inline double level_of(const int16_t *v, size_t n, uint32_t rate, double hz)
{
	double sum = 0, share;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * v[i];
	share = tone_goertzel(v, n, rate, (uint32_t)hz);
	return n > 0 && share > 0 ? sqrt(share * sum / (double)n * 2) : 0;
}

static inline bool hears(const struct phone *f, const struct phone *other)
{
	double v = level_of(f->heard, f->n, f->row->rate, other->hz);

	/* Yes or no: nothing in between, whatever the codecs add. */
	assert_true(v < 300 || (v > 5400 && v < 6600));
	return v > 300;
}

static inline uint32_t last_ts(const struct phone *f)
{
	struct rtp r;

	assert_int_equal(rtp_parse(&r, f->last, sizeof(f->last)), 0);
	return r.ts;
}

static const struct media_member plain = { .gain = MIX_UNITY };

/* ---- taps */

struct done {
	int n;
	struct tap_result r;
};

static inline void on_done(void *arg, const struct tap_result *r)
{
	struct done *d = arg;

	d->n++;
	d->r = *r;
}

static inline struct media_tap *record(struct media_session *of, const char *to, struct done *d)
{
	struct tap_wav_prm wav = { .path = str_z(to), .rate = 8000, .stereo = true, .bank = media_rates(m) };
	struct media_tap_prm prm = { .ring_bytes = 1 << 20, .done = on_done, .arg = d };
	struct media_tap *t = NULL;

	assert_int_equal(tap_wav_new(&prm.sink, &wav), 0);
	assert_int_equal(media_tap_start(&t, of, &prm), 0);
	return t;
}

/* The writer is another thread, and says when it is through. */
static inline void await(const struct done *d)
{
	while (!d->n)
		media_poll(m, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

/* A folder for the files of a group of tests, and the path of the one that they write. */
static inline int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/x.wav", dir);
	return 0;
}

static inline int remove_folder(void **state)
{
	(void)state;
	return rmdir(dir);
}

#endif
