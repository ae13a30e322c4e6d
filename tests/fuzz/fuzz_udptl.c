/* UDPTL: [length] datagram, again and again, to one receiver; what it hears is sent on with copies or parities,
 * which a second receiver must understand. */
#include <stdlib.h>
#include <string.h>
#include "media/udptl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct end {
	struct udptl_rx rx, far;
	struct udptl_tx tx;
	uint16_t seq;
	size_t len;
	uint8_t ifp[UDPTL_MAX];
	unsigned heard;
};

static void hear_again(void *arg, uint16_t seq, const uint8_t *p, size_t n)
{
	struct end *e = arg;

	/* Nothing was lost on the way: it is the one that was just sent. */
	if (n != e->len || memcmp(p, e->ifp, n) || seq != e->seq)
		abort();
	e->heard++;
}

static void hear(void *arg, uint16_t seq, const uint8_t *p, size_t n)
{
	uint8_t out[UDPTL_MAX];
	struct end *e = arg;
	size_t len;

	(void)seq;
	if (!n || n > UDPTL_MAX)
		abort();
	memcpy(e->ifp, p, n);
	e->len = n;
	e->seq = e->tx.seq;
	len = udptl_write(&e->tx, p, n, out, sizeof(out));
	if (!len)
		return;
	e->heard = 0;
	if (!udptl_read(&e->far, out, len, hear_again, e) || e->heard != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct end *e = calloc(1, sizeof(*e));
	size_t at = 1;

	if (!e)
		abort();
	e->tx.ec = n ? (enum udptl_ec)(data[0] % 3) : UDPTL_NONE;
	e->tx.entries = n ? (uint8_t)(1 + data[0] / 3 % 5) : 3;
	e->tx.span = n ? (uint8_t)(1 + data[0] / 15 % 5) : 3;
	e->tx.max = UDPTL_MAX;
	while (at < n) {
		size_t len = data[at] < n - at - 1 ? data[at] : n - at - 1;
		uint8_t *copy = malloc(len ? len : 1);  /* of its own size, so that a byte too much is seen */

		if (!copy)
			abort();
		memcpy(copy, data + at + 1, len);
		udptl_read(&e->rx, copy, len, hear, e);
		free(copy);
		at += 1 + len;
	}
	free(e);
	return 0;
}
