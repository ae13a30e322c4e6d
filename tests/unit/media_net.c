/* A network in memory for a media, and the sessions and packets of its tests. */
#include "media_net.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

struct clock_fake clk;
struct net net;
struct media *m;
struct sa far_x, far_y;
static size_t live;                     /* objects before the test */

/* ---- the network ------------------------------------------------------ */

static int place_open(void *arg, const struct sa *at, int *place, struct sa *bound)
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

static void place_close(void *arg, int place)
{
	struct net *w = arg;

	assert_true(sa_is_set(&w->at[place]));
	w->at[place] = (struct sa){ 0 };
}

static int place_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
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

size_t net_places(void)
{
	size_t n = 0;

	for (int i = 0; i < PLACES; i++)
		n += sa_is_set(&net.at[i]);
	return n;
}

/* ---- the media -------------------------------------------------------- */

static struct media_net away = { &net, place_open, place_close, place_send };

struct media_prm net_prm(void)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .rtcp_ms = 5000, .net = &away };

	sa_parse_host(&prm.bind, STR("198.51.100.9"), 0);
	return prm;
}

int net_up(void **state)
{
	struct media_prm prm = net_prm();

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

int net_down(void **state)
{
	(void)state;
	media_close(m);
	return net_places() || obj_live() != live;
}

struct media_session *session(struct seen *x)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = 0xb8, .cos = 5, .fn = x ? on_event : NULL, .arg = x };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

struct media_set to_phone(const struct sa *far, enum format_id f, uint8_t pt)
{
	struct media_set set = { .remote = *far, .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_RFC4733 };

	set.codec[0] = (struct media_codec){ .id = (uint8_t)f, .pt_rx = pt, .pt_tx = pt };
	return set;
}

void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
}

bool net_rtp(const struct sa *local, const struct sa *from, uint16_t seq)
{
	uint8_t pkt[172] = { 0 };

	rtp_write(pkt, 0, false, seq, 160u * seq, SSRC);
	memcpy(pkt + 12, noise, 160);
	return media_deliver(m, local, from, pkt, sizeof(pkt));
}
