/* media/udptl.c -- UDPTL: IFPs into datagrams and out of them, with their repair. */
#include "media/udptl.h"
#include <string.h>
#include "base/poison.h"

/* How far a number may be from the one expected: a second and more. Beyond that it takes two in a row. */
enum { NEAR = 64 };
/* Of IFPs, that leaves less than this, rather fewer copies are sent. */
enum { MIN_IFP = 80 };

/* ---- limits */

uint16_t udptl_far_max_datagram(unsigned far)
{
	return far && far <= UDPTL_MAX ? (uint16_t)far : UDPTL_DEFAULT_MAX;
}

static unsigned above(unsigned a, unsigned b) { return a > b ? a - b : 0; }

unsigned udptl_far_max_ifp(enum udptl_ec ec, uint8_t *entries, unsigned far)
{
	unsigned max = udptl_far_max_datagram(far), n = 0;

	switch (ec) {
	case UDPTL_NONE:
		n = above(max, 5);
		break;
	case UDPTL_REDUNDANCY:
		while (*entries > 1 && above(max, 8) / (*entries + 1u) < MIN_IFP)
			--*entries;
		n = above(max, 8) / (*entries + 1u);
		break;
	case UDPTL_FEC:
		n = above(max, 10) / 2;
		break;
	}
	return n * 95 / 100;
}

unsigned udptl_local_max_datagram(enum udptl_ec ec, unsigned max_ifp)
{
	unsigned n = 5 + (max_ifp < UDPTL_MAX ? max_ifp : UDPTL_MAX);

	if (ec == UDPTL_REDUNDANCY)
		n += 2 + 3 * (n - 5);   /* no more than three copies are expected */
	else if (ec == UDPTL_FEC)
		n += 4 + (n - 5);
	n = n * 105 / 100;
	return n < UDPTL_MAX ? n : UDPTL_MAX;
}

/* ---- a ring of IFPs */

static struct udptl_kept *kept(struct udptl_kept *ring, uint16_t seq)
{
	struct udptl_kept *k = &ring[seq % UDPTL_RING];

	return k->has && k->seq == seq ? k : NULL;
}

static void keep(struct udptl_kept *ring, uint16_t seq, const uint8_t *p, size_t n)
{
	struct udptl_kept *k = &ring[seq % UDPTL_RING];

	k->has = true;
	k->seq = seq;
	k->n = (uint16_t)n;
	memcpy(k->p, p, n);
}

static void forget(struct udptl_kept *ring)
{
	for (size_t i = 0; i < UDPTL_RING; i++)
		ring[i].has = false;
}

void udptl_tx_restart(struct udptl_tx *t)
{
	t->seq = 0;
	forget(t->ring);
}

void udptl_rx_restart(struct udptl_rx *r)
{
	r->started = r->stray = false;
	forget(r->ring);
}

/* ---- out */

struct out {
	uint8_t *p;
	size_t n, room;
};

static bool put_byte(struct out *o, unsigned b)
{
	if (o->n >= o->room)
		return false;
	o->p[o->n++] = (uint8_t)b;
	return true;
}

/* Lengths over 16383 would come in fragments; there are none. */
static bool put_open_type(struct out *o, const uint8_t *p, size_t n)
{
	static const uint8_t zero[1];
	size_t begin = o->n;

	/* X.691 10.1.3: it is never empty. */
	if (!n) {
		p = zero;
		n = 1;
	}
	if (!(n < 0x80 ? put_byte(o, (unsigned)n) : put_byte(o, 0x80 | (unsigned)n >> 8) && put_byte(o, n & 0xff)) || o->room - o->n < n) {
		o->n = begin;
		return false;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
	return true;
}

static void put_copies(struct udptl_tx *t, struct out *o)
{
	size_t count = o->n + 1;

	o->p[o->n++] = 0;
	o->p[o->n++] = 0;
	for (unsigned i = 1; t->ec == UDPTL_REDUNDANCY && i <= t->entries; i++) {
		const struct udptl_kept *k = kept(t->ring, (uint16_t)(t->seq - i));

		if (!k || !put_open_type(o, k->p, k->n))
			return;
		o->p[count]++;
	}
}

/* The XOR of span IFPs, `entries` apart, the last of them `before` the next. Its length. */
static size_t parity(struct udptl_tx *t, unsigned span, unsigned entries, unsigned before, uint8_t x[static UDPTL_MAX])
{
	size_t longest = 0;

	memset(x, 0, UDPTL_MAX);
	for (unsigned i = 0; i < span; i++) {
		const struct udptl_kept *k = kept(t->ring, (uint16_t)(t->seq - before - i * entries));

		for (size_t j = 0; k && j < k->n; j++)
			x[j] ^= k->p[j];
		if (k && k->n > longest)
			longest = k->n;
	}
	return longest;
}

static void put_parities(struct udptl_tx *t, struct out *o)
{
	unsigned span = t->span, entries = t->entries;
	uint8_t x[UDPTL_MAX];
	size_t count;

	/* In the beginning there are not so many. */
	while (span && !kept(t->ring, (uint16_t)(t->seq - span)))
		span--;
	while (entries && span && !kept(t->ring, (uint16_t)(t->seq - span * entries)))
		entries--;
	o->p[o->n++] = 0x80;
	o->p[o->n++] = 1;
	o->p[o->n++] = (uint8_t)span;
	count = o->n;
	o->p[o->n++] = span ? (uint8_t)entries : 0;
	for (unsigned m = 0; span && m < entries; m++)
		if (!put_open_type(o, x, parity(t, span, entries, entries - m, x))) {
			/* Some of them say nothing: their number tells which IFPs are meant. */
			o->n = count + 1;
			o->p[count] = 0;
			return;
		}
}

static size_t write_datagram(struct udptl_tx *t, const uint8_t *ifp, size_t n, uint8_t *out, size_t room)
{
	struct out o = { .p = out, .room = room };

	if (!put_byte(&o, t->seq >> 8) || !put_byte(&o, t->seq & 0xff) || !put_open_type(&o, ifp, n) || o.room - o.n < 4)
		return 0;
	if (t->ec == UDPTL_FEC)
		put_parities(t, &o);
	else
		put_copies(t, &o);
	return o.n;
}

size_t udptl_write(struct udptl_tx *t, const uint8_t *ifp, size_t n, uint8_t *out, size_t room)
{
	size_t max = udptl_far_max_datagram(t->max), len;

	if (!n || n > UDPTL_MAX)
		return 0;
	len = write_datagram(t, ifp, n, out, room < max ? room : max);
	if (!len)
		return 0;
	keep(t->ring, t->seq++, ifp, n);
	return len;
}

/* ---- in */

struct in {
	const uint8_t *p;
	size_t at, n;
};

struct piece {
	const uint8_t *p;
	size_t n;
};

static bool get_byte(struct in *i, unsigned *b)
{
	if (i->at >= i->n)
		return false;
	*b = i->p[i->at++];
	return true;
}

static bool get_length(struct in *i, unsigned *v)
{
	unsigned low;

	if (!get_byte(i, v))
		return false;
	if (*v < 0x80)
		return true;
	if (*v & 0x40 || !get_byte(i, &low))
		return false;
	*v = (*v & 0x3f) << 8 | low;
	return true;
}

static bool get_open_type(struct in *i, struct piece *out)
{
	unsigned n;

	if (!get_length(i, &n) || i->n - i->at < n || n > UDPTL_MAX)
		return false;
	*out = (struct piece){ i->p + i->at, n };
	i->at += n;
	return true;
}

/* What a datagram brings besides its own IFP. */
struct repair {
	bool fec;
	unsigned span, count;
	struct piece piece[UDPTL_RING - 1];     /* copies: [i] is of the number i + 1 before */
};

static bool get_copies(struct in *i, struct repair *r)
{
	unsigned n;

	if (!get_length(i, &n))
		return false;
	for (unsigned k = 0; k < n; k++) {
		struct piece one;

		if (!get_open_type(i, &one))
			return false;
		if (r->count < UDPTL_RING - 1)
			r->piece[r->count++] = one;
	}
	return true;
}

static bool get_parities(struct in *i, struct repair *r)
{
	unsigned one, n;

	if (!get_byte(i, &one) || one != 1 || !get_byte(i, &r->span) || !get_byte(i, &n) || n > UDPTL_MAX_ENTRIES)
		return false;
	while (r->count < n)
		if (!get_open_type(i, &r->piece[r->count++]))
			return false;
	return true;
}

/* How far `seq` is beyond what is expected; negative: it is too late. */
static int ahead(const struct udptl_rx *r, uint16_t seq)
{
	return (int16_t)(uint16_t)(seq - r->next);
}

/* May it be the peer's? What is far off may be a stray from before, or the first of a new start. */
static bool fits(struct udptl_rx *r, uint16_t seq)
{
	if (!r->started) {
		/* A peer that counts from 0, or whose copies tell of what was missed. */
		r->next = seq < UDPTL_RING ? 0 : (uint16_t)(seq - (UDPTL_RING - 1));
		r->started = true;
		return true;
	}
	if (ahead(r, seq) >= -NEAR && ahead(r, seq) <= NEAR) {
		r->stray = false;
		return true;
	}
	if (r->stray && seq == r->after_stray) {
		udptl_rx_restart(r);
		r->next = (uint16_t)(seq - 1);
		r->started = true;
		return true;
	}
	r->stray = true;
	r->after_stray = (uint16_t)(seq + 1);
	return false;
}

static void take_copies(struct udptl_rx *r, const struct repair *fix, uint16_t seq)
{
	for (unsigned i = 0; i < fix->count; i++) {
		uint16_t of = (uint16_t)(seq - 1 - i);

		if (fix->piece[i].n && ahead(r, of) >= 0 && !kept(r->ring, of))
			keep(r->ring, of, fix->piece[i].p, fix->piece[i].n);
	}
}

/* The one that is missing of those whose XOR this is. */
static void take_parity(struct udptl_rx *r, const struct piece *x, uint16_t last, unsigned span, unsigned entries)
{
	struct udptl_kept *hole = NULL;
	uint16_t of = last;

	for (unsigned i = 0; i < span; i++)
		if (!kept(r->ring, (uint16_t)(last - i * entries))) {
			if (hole)
				return;
			of = (uint16_t)(last - i * entries);
			hole = &r->ring[of % UDPTL_RING];
		}
	if (!hole || !x->n)
		return;
	hole->n = (uint16_t)x->n;
	memcpy(hole->p, x->p, x->n);
	for (unsigned i = 0; i < span; i++) {
		const struct udptl_kept *k = kept(r->ring, (uint16_t)(last - i * entries));

		for (size_t j = 0; k && k != hole && j < k->n && j < hole->n; j++)
			hole->p[j] ^= k->p[j];
	}
	hole->seq = of;
	hole->has = true;
}

static void take_parities(struct udptl_rx *r, const struct repair *fix, uint16_t seq)
{
	/* More than the ring has would take one packet for another. */
	if (fix->span * fix->count >= UDPTL_RING)
		return;
	for (unsigned m = 0; m < fix->count; m++)
		take_parity(r, &fix->piece[m], (uint16_t)(seq - (fix->count - m)), fix->span, fix->count);
}

/* All up to `seq`, in order. */
static void hear(struct udptl_rx *r, uint16_t seq, udptl_ifp_fn *fn, void *arg)
{
	while (ahead(r, seq) >= 0) {
		uint16_t of = r->next++;
		const struct udptl_kept *k = kept(r->ring, of);

		if (!k) {
			r->lost++;
			continue;
		}
		r->repaired += of != seq;
		fn(arg, of, k->p, k->n);
	}
}

static bool parse(struct in *i, unsigned *seq, struct piece *ifp, unsigned *kind)
{
	unsigned high, low;

	if (!get_byte(i, &high) || !get_byte(i, &low) || !get_open_type(i, ifp) || !ifp->n || !get_byte(i, kind))
		return false;
	*seq = high << 8 | low;
	return true;
}

bool udptl_read(struct udptl_rx *r, const uint8_t *p, size_t n, udptl_ifp_fn *fn, void *arg)
{
	struct in i = { .p = p, .n = n };
	struct repair fix = { 0 };
	struct piece ifp;
	unsigned number, kind;
	uint16_t seq;
	bool first = !r->started;

	if (!parse(&i, &number, &ifp, &kind)) {
		r->bad++;
		return false;
	}
	seq = (uint16_t)number;
	fix.fec = kind & 0x80;
	/* Copies are looked at only where something is missing: some peers end their datagrams early. */
	if (fix.fec ? !get_parities(&i, &fix) : (first || ahead(r, seq) > 0 || ahead(r, seq) < -NEAR) && !get_copies(&i, &fix)) {
		r->bad++;
		return false;
	}
	if (!fits(r, seq)) {
		r->late++;
		return false;
	}
	/* What is late still helps to repair others. */
	if (!kept(r->ring, seq) && ahead(r, seq) > -UDPTL_RING)
		keep(r->ring, seq, ifp.p, ifp.n);
	if (ahead(r, seq) < 0) {
		r->late++;
		return false;
	}
	if (fix.fec)
		take_parities(r, &fix, seq);
	else
		take_copies(r, &fix, seq);
	if (first)
		while (r->next != seq && !kept(r->ring, r->next))
			r->next++;      /* nobody knows whether there was any */
	hear(r, seq, fn, arg);
	return true;
}
