/* Media sessions over a network that is the test's own (struct media_wire): no
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

enum { PLACES = 8 };
struct net {
	struct sa at[PLACES];           /* unset: free */
	uint16_t taken;                 /* a port that somebody else has */
	bool down;                      /* nothing leaves */
	size_t n;                       /* sent */
	struct { int place; struct sa to; size_t n; uint8_t b[400]; } sent[64];
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
	if (w->taken && sa_port(bound) == w->taken)
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

	assert_true(sa_is_set(&w->at[place]));
	assert_true(w->n < ARRAY_LEN(w->sent) && n <= sizeof(w->sent[0].b));
	if (w->down)
		return ENETUNREACH;
	w->sent[w->n].place = place;
	w->sent[w->n].to = *to;
	w->sent[w->n].n = n;
	memcpy(w->sent[w->n++].b, p, n);
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
static struct media_wire wire = { &net, net_open, net_close, net_send };
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
	struct media_prm prm = { .clock = &clk.c, .strict = true, .rtcp_ms = 5000, .wire = &wire };

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

static void test_wire(void **state)
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
static void test_wire_ports(void **state)
{
	struct media_prm prm = prm_of();
	struct media_session *x;

	(void)state;
	net.taken = 20001;
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

/* Its functions are the core's, and nothing of the kernel's is opened. */
static void test_wire_alone(void **state)
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

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_wire), T(test_wire_ports), T(test_wire_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
