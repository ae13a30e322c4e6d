/* media/ports.c -- pairs of ports for RTP (even) and RTCP (the next). */
#include "media/core.h"
#include "media/wire.h"
#include <errno.h>
#include "base/poison.h"

static int open_at(const struct media *m, const struct sa *addr, uint16_t port, int *fd, struct sa *local)
{
	struct sa at = *addr;

	sa_set_port(&at, port);
	return wire_open(m->prm.wire, &at, fd, local);
}

static int pair_at(const struct media *m, const struct sa *addr, uint16_t port, int fd[2], struct sa local[2])
{
	int err = open_at(m, addr, port, &fd[0], &local[0]);

	if (err)
		return err;
	err = open_at(m, addr, (uint16_t)(port + 1), &fd[1], &local[1]);
	if (err)
		wire_close(m->prm.wire, fd[0]);
	return err;
}

/* The kernel chooses a port; its neighbour must be free as well. */
static int pair_any(const struct media *m, const struct sa *addr, int fd[2], struct sa local[2])
{
	int err = EADDRINUSE;

	for (int i = 0; i < 64 && err == EADDRINUSE; i++) {
		struct sa probe = { 0 };
		uint16_t port;
		int tmp;

		err = open_at(m, addr, 0, &tmp, &probe);
		if (err)
			return err;
		port = sa_port(&probe) & 0xfffe;
		wire_close(m->prm.wire, tmp);
		err = port ? pair_at(m, addr, port, fd, local) : EADDRINUSE;
	}
	return err == EADDRINUSE ? ENOBUFS : err;
}

int ports_bind(struct media *m, const struct sa *addr, uint16_t min, uint16_t max, int fd[2], struct sa local[2],
	       uint16_t *ranged)
{
	uint32_t first = (min + 1u) / 2, pairs, start;

	*ranged = 0;
	if (!max)
		return pair_any(m, addr, fd, local);
	/* The odd port of the last pair must be in the range, too. */
	pairs = max + 1u > 2 * first + 1 ? (max + 1u - 2 * first) / 2 : 0;
	start = pairs ? (uint32_t)(core_random(m) % pairs) : 0;
	for (uint32_t i = 0; i < pairs; i++) {
		uint32_t pair = first + (start + i) % pairs;
		uint64_t bit = (uint64_t)1 << (pair & 63);
		int err;

		if (m->ports.used[pair >> 6] & bit)
			continue;
		err = pair_at(m, addr, (uint16_t)(2 * pair), fd, local);
		if (err == EADDRINUSE || err == EACCES)
			continue;
		if (err)
			return err;
		m->ports.used[pair >> 6] |= bit;
		m->ports.count++;
		*ranged = (uint16_t)(2 * pair);
		return 0;
	}
	m->exhausted++;
	return ENOBUFS;
}

void ports_release(struct media *m, uint16_t ranged)
{
	uint32_t pair = ranged / 2u;

	if (!ranged)
		return;
	m->ports.used[pair >> 6] &= ~((uint64_t)1 << (pair & 63));
	m->ports.count--;
}
