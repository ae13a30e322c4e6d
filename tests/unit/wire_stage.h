/* tests/unit/wire_stage.h -- what the tests of wires stand on: a media over a network
 * of their own, sessions that share a wire, packets for them. */
#ifndef TESTS_WIRE_STAGE_H
#define TESTS_WIRE_STAGE_H

#include "base/obj.h"
#include "media/core.h"

/* ---- the network: places, and what was sent from them */

enum { PLACES = 32, KEEP = 64 };

struct sent {
	int place;
	struct sa to;
	size_t n;
	uint8_t b[WIRE_DATAGRAM];
};

static struct {
	struct sa at[PLACES];           /* unset: free */
	size_t n;
	struct sent sent[KEEP];
} net;

static inline int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	int k = 0;

	(void)arg;
	while (k < PLACES && sa_is_set(&net.at[k]))
		k++;
	if (k == PLACES)
		return EMFILE;
	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(20000 + 2 * k));
	net.at[k] = *bound;
	*place = k;
	return 0;
}

static inline void net_close(void *arg, int place)
{
	(void)arg;
	assert_true(sa_is_set(&net.at[place]));         /* closed once */
	net.at[place] = (struct sa){ 0 };
}

static inline int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	struct sent *s = &net.sent[net.n];

	(void)arg;
	assert_true(net.n < KEEP && n <= sizeof(s->b) && sa_is_set(&net.at[place]));
	s->place = place;
	s->to = *to;
	s->n = n;
	memcpy(s->b, p, n);
	net.n++;
	return 0;
}

static inline size_t net_places(void)
{
	size_t n = 0;

	for (int i = 0; i < PLACES; i++)
		n += sa_is_set(&net.at[i]);
	return n;
}

/* ---- the stage */

static const struct media_net fake = { NULL, net_open, net_close, net_send };
static struct clock_fake clk;
static struct media *m;
static size_t live;
static struct sa far_a;                 /* where the SDP says that the phone is */

static size_t events[MEDIA_TALK_END + 1];

static inline void on_event(void *arg, struct media_session *s, const struct media_event *e)
{
	(void)arg;
	(void)s;
	events[e->type]++;
}

static inline struct sa addr(const char *text)
{
	struct sa a = { 0 };

	assert_int_equal(sa_parse(&a, str_z(text)), 0);
	return a;
}

static inline int up(void **state)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .rtcp_ms = 5000, .net = &fake,
				 .port_min = 20000, .port_max = 20003 };

	(void)state;
	live = obj_live();
	memset(&net, 0, sizeof(net));
	memset(events, 0, sizeof(events));
	clock_fake_init(&clk, 1700000000);
	clock_fake_add(&clk, 1000000);
	far_a = addr("192.0.2.1:4000");
	sa_parse_host(&prm.bind, STR("198.51.100.9"), 0);
	return media_new(&m, &prm);
}

static inline int down(void **state)
{
	(void)state;
	media_close(m);
	return net_places() || obj_live() != live;
}

static inline struct media_session *session(enum media_type type, struct media_session *with)
{
	struct media_session_prm prm = { .type = type, .tos = -1, .cos = -1, .on_wire_of = with, .fn = on_event };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

/* Two payload types: `pt`, and `also` when it is not 0. */
static inline struct media_set set_of(enum format_id id, uint8_t pt, uint8_t also)
{
	struct media_set set = { .remote = far_a, .dir = SDP_SENDRECV, .ncodecs = also ? 2 : 1, .dtmf = MEDIA_DTMF_NONE,
				 .rtcp_mux = true };

	set.codec[0] = (struct media_codec){ .id = (uint8_t)id, .pt_rx = pt, .pt_tx = pt };
	set.codec[1] = (struct media_codec){ .id = (uint8_t)id, .pt_rx = also, .pt_tx = also };
	return set;
}

/* Sound and picture on one wire; both hear `also` as well, when it is not 0. */
static inline void pair_up(struct media_session **x, struct media_session **y, uint8_t also)
{
	struct media_set set = set_of(FORMAT_ULAW, 0, also);

	*x = session(MEDIA_AUDIO, NULL);
	*y = session(MEDIA_VIDEO, *x);
	assert_int_equal(media_session_set(*x, &set), 0);
	set = set_of(FORMAT_VP8, 99, also);
	assert_int_equal(media_session_set(*y, &set), 0);
}

static inline void close_pair(struct media_session *x, struct media_session *y)
{
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

static struct media_stats numbers;
static inline void on_stats(void *arg, const struct media_stats *st)
{
	(void)arg;
	numbers = *st;
}

static inline const struct media_stats *stats(struct media_session *s)
{
	assert_int_equal(media_stats(s, on_stats, NULL), 0);
	media_poll(m, 0);
	return &numbers;
}

static uint16_t next_seq;

/* A packet of a `mid` (NULL: it says none) in the header extension 5. */
static inline void rtp_from(struct media_session *to, const struct sa *from, uint8_t pt, uint32_t ssrc, const char *mid)
{
	uint8_t b[64] = { 0 };
	size_t n = 12;

	next_seq++;
	rtp_write(b, pt, false, next_seq, 160u * next_seq, ssrc);
	if (mid) {
		size_t len = strlen(mid);

		b[0] |= 0x10;
		b[12] = 0xbe;
		b[13] = 0xde;
		b[15] = (uint8_t)((1 + len + 3) / 4);
		b[16] = (uint8_t)(5 << 4 | (len - 1));
		memcpy(b + 17, mid, len);
		n = 16 + 4u * b[15];
	}
	assert_true(media_deliver(m, media_session_local(to), from, b, n + 20));
}

static inline void rtp(struct media_session *to, uint8_t pt, uint32_t ssrc, const char *mid)
{
	rtp_from(to, &far_a, pt, ssrc, mid);
}

#define assert_heard(s, want) assert_int_equal(stats(s)->rx, want)

#endif
