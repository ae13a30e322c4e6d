/* media/ports.c -- pairs of ports for RTP (even) and RTCP (the next); single ones for UDPTL. */
#include "media/core.h"
#include "base/num.h"
#include <errno.h>
#include "base/poison.h"

/* Each costs system calls on the core: so many for one session at most. */
enum { TRIES = 64 };

static int open_at(const struct media *m, const struct sa *addr, uint16_t port, int *fd, struct sa *local)
{
	struct sa at = *addr;

	sa_set_port(&at, port);
	return place_open(m->prm.net, &at, fd, local);
}

static int pair_at(const struct media *m, const struct sa *addr, uint16_t port, int fd[2], struct sa local[2])
{
	int err = open_at(m, addr, port, &fd[0], &local[0]);

	if (err)
		return err;
	err = open_at(m, addr, (uint16_t)(port + 1), &fd[1], &local[1]);
	if (err)
		place_close(m->prm.net, fd[0]);
	return err;
}

/* The kernel chooses a port; its neighbour must be free as well. */
static int pair_any(const struct media *m, const struct sa *addr, int fd[2], struct sa local[2])
{
	int err = EADDRINUSE;

	for (int i = 0; i < TRIES && err == EADDRINUSE; i++) {
		struct sa probe = { 0 };
		uint16_t port;
		int tmp;

		err = open_at(m, addr, 0, &tmp, &probe);
		if (err)
			return err;
		port = sa_port(&probe) & 0xfffe;
		place_close(m->prm.net, tmp);
		err = port ? pair_at(m, addr, port, fd, local) : EADDRINUSE;
	}
	return err == EADDRINUSE ? ENOBUFS : err;
}

/* ---- a range of our own */

static bool bit_get(const uint64_t *bits, uint32_t i) { return bits[i >> 6] >> (i & 63) & 1; }
static void bit_set(uint64_t *bits, uint32_t i) { bits[i >> 6] |= (uint64_t)1 << (i & 63); }
static void bit_clear(uint64_t *bits, uint32_t i) { bits[i >> 6] &= ~((uint64_t)1 << (i & 63)); }

/* First pair of from .. to-1 that may be free; `to`: none. */
static uint32_t next_free(const struct ports *p, uint32_t from, uint32_t to)
{
	while (from < to) {
		if (p->used[from >> 6] == UINT64_MAX)
			from = (from | 63) + 1;         /* sixty-four at once */
		else if (bit_get(p->used, from) || bit_get(p->foreign, from))
			from++;
		else
			return from;
	}
	return to;
}

/* ENOBUFS: none free. EADDRINUSE: others have all that were tried. */
static int pair_between(struct media *m, const struct sa *addr, uint32_t from, uint32_t to, unsigned *tries, int fd[2],
			struct sa local[2], uint16_t *ranged)
{
	struct ports *p = &m->ports;

	for (uint32_t i = next_free(p, from, to); i < to; i = next_free(p, i + 1, to)) {
		int err;

		if (!*tries)
			return EADDRINUSE;
		--*tries;
		err = pair_at(m, addr, (uint16_t)(2 * i), fd, local);
		if (err == EADDRINUSE || err == EACCES) {
			bit_set(p->foreign, i);
			continue;
		}
		if (err)
			return err;
		bit_set(p->used, i);
		p->count++;
		*ranged = (uint16_t)(2 * i);
		return 0;
	}
	return ENOBUFS;
}

int ports_bind(struct media *m, const struct sa *addr, uint16_t min, uint16_t max, int fd[2], struct sa local[2],
	       uint16_t *ranged)
{
	uint32_t first = (min + 1u) / 2, pairs, at, end;
	unsigned tries = TRIES;
	int err = ENOBUFS;

	*ranged = 0;
	if (!max)
		return pair_any(m, addr, fd, local);
	/* The odd port of the last pair must be in the range, too. */
	pairs = max + 1u > 2 * first + 1 ? (max + 1u - 2 * first) / 2 : 0;
	at = first + (uint32_t)num_mod(core_random(m), pairs, 0);
	end = first + pairs;
	for (int round = 0; round < 2 && err == ENOBUFS; round++) {
		/* What others had is looked at again before we say that none is free. */
		if (round)
			memset(m->ports.foreign, 0, sizeof(m->ports.foreign));
		err = pair_between(m, addr, at, end, &tries, fd, local, ranged);
		if (err == ENOBUFS)
			err = pair_between(m, addr, first, at, &tries, fd, local, ranged);
	}
	m->exhausted += err == ENOBUFS || err == EADDRINUSE;
	return err;
}

void ports_release(struct media *m, uint16_t ranged)
{
	if (!ranged)
		return;
	bit_clear(m->ports.used, ranged / 2u);
	m->ports.count--;
}

/* ---- single ones */

int ports_bind_single(struct media *m, const struct sa *addr, int *fd, struct sa *local, uint16_t *ranged)
{
	uint32_t step = m->prm.udptl.even ? 2 : 1, first = m->prm.udptl.port_min, n, at;
	int err = EADDRINUSE;

	*ranged = 0;
	if (!m->prm.udptl.port_max)
		return open_at(m, addr, 0, fd, local);
	first += first % step;
	n = m->prm.udptl.port_max >= first ? (m->prm.udptl.port_max - first) / step + 1 : 0;
	at = (uint32_t)num_mod(core_random(m), n, 0);
	for (uint32_t i = 0, tries = 0; i < n && tries < TRIES && (err == EADDRINUSE || err == EACCES); i++) {
		uint32_t port = first + (at + i) % n * step;

		if (bit_get(m->ports.single, port))
			continue;
		tries++;
		err = open_at(m, addr, (uint16_t)port, fd, local);
		if (!err) {
			bit_set(m->ports.single, port);
			*ranged = (uint16_t)port;
		}
	}
	m->exhausted += err == EADDRINUSE || err == EACCES;
	return err == EACCES ? EADDRINUSE : err;
}

void ports_release_single(struct media *m, uint16_t ranged)
{
	if (ranged)
		bit_clear(m->ports.single, ranged);
}
