/* Media: every leg has its own socket and sends a packet each 20 ms, spread over
 * the slots of a packet time; a packet carries when it was sent. */
#include "secure.h"
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOTS 20                        /* one each millisecond */
#define SLOT_NS 1000000u
#define RTP_HEADER 12
#define MAGIC 0x73746f6eu
#define READ_BATCH 4

struct leg {
	struct sockaddr_in peer;
	int fd;
	uint16_t port;
	uint16_t last_seq;
	bool known, heard;
	uint32_t tx;
	uint8_t master[SRTP_MASTER];    /* ours */
	struct srtp_way *seal, *open;   /* NULL: in the clear */
};

struct stamp {
	uint64_t sent_at;
	uint32_t magic;
};

struct rtp_load {
	struct load *l;
	struct leg *leg;
	uint32_t legs;
	uint64_t start, tick;
	uint64_t sent, received, foreign, disorder, refused, forged;
	uint64_t received_mark;
	struct hist delay;
};

static bool make_key(const struct load *l, struct leg *g)
{
	if (RAND_bytes(g->master, sizeof(g->master)) == 1)
		g->seal = srtp_way_new((enum srtp_suite)l->opt.srtp, g->master);
	return g->seal != NULL;
}

struct rtp_load *rtp_new(struct load *l, uint32_t calls)
{
	struct rtp_load *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->l = l;
	r->legs = 2 * calls;
	r->leg = calloc(r->legs, sizeof(*r->leg));
	if (!r->leg) {
		free(r);
		return NULL;
	}
	for (uint32_t i = 0; i < r->legs; i++) {
		r->leg[i].fd = wire_udp(l->opt.local, &r->leg[i].port, 1 << 18);
		if (r->leg[i].fd < 0) {
			errno = -r->leg[i].fd;
			perror("media socket");
			r->legs = i;
			rtp_free(r);
			return NULL;
		}
		load_watch(l, r->leg[i].fd, &r->leg[i]);
		if (l->opt.srtp && !make_key(l, &r->leg[i])) {
			fprintf(stderr, "load: no key for SRTP\n");
			rtp_free(r);
			return NULL;
		}
	}
	return r;
}

void rtp_free(struct rtp_load *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->legs; i++) {
		close(r->leg[i].fd);
		srtp_way_free(r->leg[i].seal);
		srtp_way_free(r->leg[i].open);
	}
	free(r->leg);
	free(r);
}

uint16_t rtp_port(const struct rtp_load *r, uint32_t leg)
{
	return r->leg[leg].port;
}

void rtp_peer(struct rtp_load *r, uint32_t leg, const struct sockaddr_in *peer)
{
	r->leg[leg].peer = *peer;
	r->leg[leg].known = true;
}

const uint8_t *rtp_master(const struct rtp_load *r, uint32_t leg)
{
	return r->leg[leg].master;
}

bool rtp_peer_master(struct rtp_load *r, uint32_t leg, const uint8_t *master)
{
	srtp_way_free(r->leg[leg].open);
	r->leg[leg].open = srtp_way_new((enum srtp_suite)r->l->opt.srtp, master);
	return r->leg[leg].open != NULL;
}

void rtp_start(struct rtp_load *r)
{
	r->start = r->l->now;
	r->tick = 0;
}

static void send_leg(struct rtp_load *r, struct leg *g)
{
	uint8_t p[1500] = { 0x80, 0 };
	size_t n = RTP_HEADER + r->l->opt.payload;
	struct stamp s = { .sent_at = wire_now(), .magic = MAGIC };
	uint16_t seq = htons((uint16_t)g->tx);
	uint32_t ts = htonl(g->tx * 160), ssrc = htonl((uint32_t)(g - r->leg) + 1);

	memcpy(p + 2, &seq, sizeof(seq));
	memcpy(p + 4, &ts, sizeof(ts));
	memcpy(p + 8, &ssrc, sizeof(ssrc));
	memset(p + RTP_HEADER, 0xd5, r->l->opt.payload);
	memcpy(p + RTP_HEADER, &s, sizeof(s));
	g->tx++;
	if (g->seal)
		n = srtp_seal(g->seal, p, n);
	if (sendto(g->fd, p, n, 0, (struct sockaddr *)&g->peer, sizeof(g->peer)) == (ssize_t)n)
		r->sent++;
	else
		r->refused++;
}

void rtp_tick(struct rtp_load *r, bool sending)
{
	while (sending && r->start + r->tick * SLOT_NS <= r->l->now) {
		for (uint32_t i = (uint32_t)(r->tick % SLOTS); i < r->legs; i += SLOTS)
			if (r->leg[i].known)
				send_leg(r, &r->leg[i]);
		r->tick++;
	}
}

bool rtp_owns(const struct rtp_load *r, const void *data)
{
	return r && (uintptr_t)data >= (uintptr_t)r->leg && (uintptr_t)data < (uintptr_t)(r->leg + r->legs);
}

static void received(struct rtp_load *r, struct leg *g, uint8_t *p, size_t n)
{
	struct stamp s;
	uint16_t seq;

	/* Reports go to the port above: another leg's here. */
	if (r->l->opt.srtp && n > 1 && (p[1] < 192 || p[1] > 223)) {
		n = g->open ? srtp_open(g->open, p, n) : 0;
		r->forged += !n;
	}
	if (n != RTP_HEADER + r->l->opt.payload) {
		r->foreign++;
		return;
	}
	memcpy(&s, p + RTP_HEADER, sizeof(s));
	memcpy(&seq, p + 2, sizeof(seq));
	seq = ntohs(seq);
	if (s.magic != MAGIC) {
		r->foreign++;
		return;
	}
	if (g->heard && seq != (uint16_t)(g->last_seq + 1))
		r->disorder++;
	g->heard = true;
	g->last_seq = seq;
	r->received++;
	hist_add(&r->delay, wire_now() - s.sent_at);
}

void rtp_read(struct rtp_load *r, void *data)
{
	static uint8_t space[READ_BATCH][1600];
	struct iovec iov[READ_BATCH];
	struct mmsghdr hdr[READ_BATCH] = { 0 };
	struct leg *g = data;

	for (size_t i = 0; i < READ_BATCH; i++) {
		iov[i] = (struct iovec){ .iov_base = space[i], .iov_len = sizeof(space[i]) };
		hdr[i].msg_hdr.msg_iov = &iov[i];
		hdr[i].msg_hdr.msg_iovlen = 1;
	}
	/* Level-triggered: what is left makes the descriptor ready again. */
	int n = recvmmsg(g->fd, hdr, READ_BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		received(r, g, space[i], hdr[i].msg_len);
}

uint64_t rtp_relayed(const struct rtp_load *r)
{
	return r->received - r->received_mark;
}

void rtp_mark(struct rtp_load *r)
{
	memset(&r->delay, 0, sizeof(r->delay));
	r->received_mark = r->received;
	r->disorder = 0;
}

void rtp_report(const struct rtp_load *r, FILE *out)
{
	uint64_t lost = r->sent > r->received ? r->sent - r->received : 0;

	fprintf(out, "    \"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"lost_percent\": %.4f,\n"
		"    \"out_of_order\": %llu, \"foreign\": %llu, \"forged\": %llu, \"refused\": %llu,\n",
		(unsigned long long)r->sent, (unsigned long long)r->received, (unsigned long long)lost,
		r->sent ? 100.0 * (double)lost / (double)r->sent : 0.0, (unsigned long long)r->disorder,
		(unsigned long long)r->foreign, (unsigned long long)r->forged, (unsigned long long)r->refused);
	report_hist(out, "delay_us", &r->delay);
	fprintf(out, "\n");
}
