/* Phones on 127.0.0.1 and a media under a clock of the test's, or on threads of its own. */
#include "media_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct clock_fake clk;
struct media *m;
struct phone a, b, c;
size_t live;

/* ---- phones ----------------------------------------------------------- */

int sock_bind(struct sa *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(sa_parse_host(at, STR("127.0.0.1"), 0), 0);
	assert_int_equal(bind(fd, &at->u.s, sa_len(at)), 0);
	assert_int_equal(getsockname(fd, &at->u.s, &len), 0);
	return fd;
}

void phone_open(struct phone *p)
{
	struct sa rtcp;

	memset(p, 0, sizeof(*p));
	p->fd[0] = sock_bind(&p->at);
	p->fd[1] = sock_bind(&rtcp);
	p->ssrc = 0x1000u + (uint32_t)p->fd[0];
	p->seq = 65500;
	p->ts = 0xfffffc00u;
}

void phone_close(struct phone *p)
{
	close(p->fd[0]);
	close(p->fd[1]);
}

void phone_raw(struct phone *p, struct media_session *to, const void *pkt, size_t n)
{
	struct sa dst;

	sa_parse_host(&dst, STR("127.0.0.1"), sa_port(media_session_local(to)));
	assert_int_equal(sendto(p->fd[0], pkt, n, 0, &dst.u.s, sa_len(&dst)), n);
}

void phone_send(struct phone *p, struct media_session *to, uint8_t pt, const void *pay, size_t n, uint32_t ticks)
{
	uint8_t pkt[1500];

	rtp_write(pkt, pt, false, p->seq++, p->ts, p->ssrc);
	memcpy(pkt + 12, pay, n);
	p->ts += ticks;
	phone_raw(p, to, pkt, 12 + n);
}

void phone_event(struct phone *p, struct media_session *to, uint8_t pt, uint8_t event, uint16_t dur, bool end)
{
	struct rtp_event e = { .event = event, .volume = 10, .duration = dur, .end = end };
	uint8_t pay[4];

	rtp_event_write(pay, &e);
	phone_send(p, to, pt, pay, 4, 0);
}

void phone_drop(struct phone *p)
{
	uint8_t buf[2000];

	while (recv(p->fd[0], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

void phone_collect(struct phone *p)
{
	uint8_t pkt[2000];
	ssize_t n;

	while ((n = recv(p->fd[0], pkt, sizeof(pkt), MSG_DONTWAIT)) > 0) {
		struct rtp *r = &p->rx[p->n];

		assert_true(p->n < KEEP);
		assert_int_equal(rtp_parse(r, pkt, (size_t)n), 0);
		memcpy(p->pay[p->n++], pkt + r->at, r->n < 400 ? r->n : 400);
	}
}

/* ---- the media -------------------------------------------------------- */

struct media_session *session(struct seen *x)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = x ? on_event : NULL, .arg = x };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

struct media_set to_phone(const struct phone *p, enum format_id f, uint8_t pt, uint8_t te)
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

void settle(void)
{
	/* Loopback delivers at once; a turn takes a packet of each socket. */
	for (int i = 0; i < 40; i++)
		media_poll(m, 0);
	phone_collect(&a);
	phone_collect(&b);
	phone_collect(&c);
}

void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
	settle();
}

int media_up_with(unsigned min, unsigned max)
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

int media_up(void **state)
{
	(void)state;
	return media_up_with(0, 0);
}

int media_down(void **state)
{
	(void)state;
	media_close(m);
	phone_close(&a);
	phone_close(&b);
	phone_close(&c);
	return obj_live() != live;
}

int media_up_threads(unsigned threads, uint32_t rtcp_ms)
{
	struct media_prm prm = { .threads = threads, .strict = true, .rtcp_ms = rtcp_ms, .sounds = STR("/nowhere") };

	live = obj_live();
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	phone_open(&a);
	phone_open(&b);
	phone_open(&c);
	return media_new(&m, &prm);
}

/* ---- a file ------------------------------------------------------------- */

void beep_make(struct beep *f, uint8_t byte)
{
	uint8_t raw[480];
	FILE *out;

	snprintf(f->dir, sizeof(f->dir), "/tmp/sidetone-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/beep.ulaw", f->dir);
	memset(raw, byte, sizeof(raw));
	out = fopen(f->path, "w");
	assert_int_equal(fwrite(raw, 1, sizeof(raw), out), sizeof(raw));
	fclose(out);
}

void beep_remove(struct beep *f)
{
	unlink(f->path);
	rmdir(f->dir);
}
