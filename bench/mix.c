/* What a mix costs, in CPU time of this process, for each tick of 20 ms: the mixer
 * alone, and whole sessions with their codecs over a network that only counts. A table
 * in Markdown for docs/media.md. Usage: build/bench/mix [SECONDS of sound, default 20] */
#include "base/obj.h"
#include "media/mixer.h"
#include "media/rtp.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MEMBERS_MAX = 150, MIXES_MAX = 50 };

static unsigned seconds = 20;

/* One line of the table. */
struct row {
	const char *name;
	unsigned mixes, members;        /* of each mix */
	unsigned talking;               /* of these, all the time */
	enum format_id id[3];           /* of the members in turn */
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static const struct codec *codec_of(const struct row *r, unsigned i)
{
	enum format_id id = r->id[i % 3] ? r->id[i % 3] : r->id[0];

	return codec_get(id);
}

static void tone(int16_t *out, size_t n, uint32_t rate, unsigned i)
{
	for (size_t k = 0; k < n; k++)
		out[k] = (int16_t)lrint(5000 * sin(2 * M_PI * (300 + 50 * (i % 20)) * (double)k / rate));
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	return 1;
}

/* ---- the mixer alone */

static void heard(void *arg, const struct mix_frame *f)
{
	*(size_t *)arg += f->n;
}

static int run_mix(const struct row *r, struct rate_bank *bank, double *us)
{
	static struct mix *mix[MIXES_MAX];
	static struct mix_member *x[MEMBERS_MAX];
	static int16_t pcm[MEMBERS_MAX][MIX_FRAME];
	size_t sink = 0;
	struct mix_member_prm prm = { .out = heard, .arg = &sink };
	unsigned n = r->mixes * r->members, ticks = seconds * 50;
	int err = 0;
	double from;

	for (unsigned i = 0; i < r->mixes && !err; i++)
		err = mix_new(&mix[i], bank);
	for (unsigned i = 0; i < n && !err; i++) {
		err = mix_member_new(&x[i], &prm);
		if (!err)
			mix_join(mix[i / r->members], x[i], codec_of(r, i)->rate);
		tone(pcm[i], codec_samples(codec_of(r, i), 20), codec_of(r, i)->rate, i);
	}
	if (err)
		return fail("mix", err);
	from = cpu_us();
	for (unsigned t = 0; t < ticks; t++) {
		for (unsigned i = 0; i < n; i++) {
			size_t k = codec_samples(codec_of(r, i), 20);

			if (i % r->members < r->talking)
				mix_put(x[i], (uint64_t)t * k, pcm[i], k);
		}
		for (unsigned i = 0; i < r->mixes; i++)
			mix_tick(mix[i]);
	}
	*us = (cpu_us() - from) / ticks;
	for (unsigned i = 0; i < n; i++) {
		mix_leave(x[i]);
		mix_member_free(x[i]);
	}
	for (unsigned i = 0; i < r->mixes; i++)
		mix_free(mix[i]);
	return 0;
}

/* ---- whole sessions */

static size_t sent;

static int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	int *next = arg;

	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(10000 + *next));
	*place = (*next)++;
	return 0;
}

static void net_close(void *arg, int place)
{
	(void)arg;
	(void)place;
}

static int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	(void)arg;
	(void)place;
	(void)to;
	(void)p;
	(void)n;
	sent++;
	return 0;
}

struct stage {
	struct clock_fake clk;
	struct media *m;
	struct media_mix *mix[MIXES_MAX];
	struct media_session *s[MEMBERS_MAX];
	uint8_t pkt[MEMBERS_MAX][1500];
	size_t len[MEMBERS_MAX];
	struct sa far;
};

/* A packet that its phone sends again and again. */
static size_t packet_of(uint8_t *out, const struct codec *c, unsigned i)
{
	void *st = c->state_new ? c->state_new(CODEC_ENCODER, NULL) : NULL;
	int16_t pcm[MIX_FRAME];
	size_t n = codec_samples(c, 20);

	tone(pcm, n, c->rate, i);
	n = c->encode(st, pcm, n, out + RTP_HEADER, 1500 - RTP_HEADER);
	if (st)
		c->state_free(st);
	return RTP_HEADER + n;
}

static int join_all(struct stage *g, const struct row *r)
{
	static const struct media_member plain = { .gain = MIX_UNITY };
	int err = 0;

	for (unsigned i = 0; i < r->mixes && !err; i++)
		err = media_mix_new(&g->mix[i], g->m);
	for (unsigned i = 0; i < r->mixes * r->members && !err; i++) {
		struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
		struct media_set set = { .remote = g->far, .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_NONE };

		set.codec[0] = (struct media_codec){ .id = (uint8_t)codec_of(r, i)->id, .pt_rx = 96, .pt_tx = 96, .ptime = 20 };
		err = media_session_new(&g->s[i], g->m, &prm);
		if (!err)
			err = media_session_set(g->s[i], &set);
		if (!err)
			err = media_mix_join(g->mix[i / r->members], g->s[i], &plain);
		g->len[i] = packet_of(g->pkt[i], codec_of(r, i), i);
	}
	return err;
}

static int run_sessions(const struct row *r, double *us)
{
	static struct stage g;
	int next = 0, err;
	struct media_net net = { &next, net_open, net_close, net_send };
	struct media_prm prm = { .clock = &g.clk.c, .net = &net };
	unsigned n = r->mixes * r->members, ticks = seconds * 50;
	double from;

	clock_fake_init(&g.clk, 1700000000);
	clock_fake_add(&g.clk, 1000000);
	sa_parse_host(&prm.bind, STR("198.51.100.9"), 0);
	sa_parse(&g.far, STR("192.0.2.1:4000"));
	err = media_new(&g.m, &prm);
	if (!err)
		err = join_all(&g, r);
	if (err)
		return fail("sessions", err);
	from = cpu_us();
	for (unsigned t = 0; t < ticks; t++) {
		for (unsigned i = 0; i < n; i++) {
			if (i % r->members >= r->talking)
				continue;
			rtp_write(g.pkt[i], 96, false, (uint16_t)t, t * codec_ticks(codec_of(r, i), codec_samples(codec_of(r, i), 20),
				  format_get(codec_of(r, i)->id)->clock), i);
			media_deliver(g.m, media_session_local(g.s[i]), &g.far, g.pkt[i], g.len[i]);
		}
		clock_fake_add(&g.clk, 20000);
		/* A turn serves so many members. */
		for (int k = 0; k < 3; k++)
			media_poll(g.m, 0);
	}
	*us = (cpu_us() - from) / ticks;
	for (unsigned i = 0; i < n; i++)
		media_session_close(g.s[i], NULL, NULL);
	for (unsigned i = 0; i < r->mixes; i++)
		media_mix_close(g.mix[i]);
	media_close(g.m);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{ "3 members, ulaw, all talk", 1, 3, 3, { FORMAT_ULAW } },
		{ "10 members, ulaw, all talk", 1, 10, 10, { FORMAT_ULAW } },
		{ "50 members, ulaw, all talk", 1, 50, 50, { FORMAT_ULAW } },
		{ "50 members, ulaw, 3 talk", 1, 50, 3, { FORMAT_ULAW } },
		{ "50 members, ulaw, nobody talks", 1, 50, 0, { FORMAT_ULAW } },
		{ "50 mixes of 3, ulaw, all talk", 50, 3, 3, { FORMAT_ULAW } },
		{ "50 mixes of 3, ulaw, 1 talks", 50, 3, 1, { FORMAT_ULAW } },
		{ "3 members, ulaw, G.722, slin48, all talk", 1, 3, 3, { FORMAT_ULAW, FORMAT_G722, FORMAT_SLIN48 } },
		{ "10 members of these, all talk", 1, 10, 10, { FORMAT_ULAW, FORMAT_G722, FORMAT_SLIN48 } },
		{ "50 members of these, all talk", 1, 50, 50, { FORMAT_ULAW, FORMAT_G722, FORMAT_SLIN48 } },
		{ "50 members of these, 3 talk", 1, 50, 3, { FORMAT_ULAW, FORMAT_G722, FORMAT_SLIN48 } },
	};
	struct rate_bank *bank = NULL;
	double from = cpu_us(), us[2];

	if (argc > 1)
		seconds = (unsigned)strtoul(argv[1], NULL, 10);
	seconds = seconds > 0 && seconds < 1000 ? seconds : 20;
	if (rate_bank_new(&bank))
		return fail("rates", ENOMEM);
	printf("filters made in %.1f ms\n\n| | mixer alone [us a tick] | with codecs and packets [us a tick] |\n| --- | --- | --- |\n",
	       (cpu_us() - from) / 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (run_mix(&rows[i], bank, &us[0]) || run_sessions(&rows[i], &us[1]))
			return 1;
		printf("| %s | %.1f | %.0f |\n", rows[i].name, us[0], us[1]);
	}
	obj_drop(bank);
	return sent ? 0 : 1;
}
