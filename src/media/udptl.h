/* media/udptl.h -- UDPTL (ITU-T T.38 clause 9.1, annex A): IFPs, Internet facsimile packets, in datagrams
 * that repeat those before (redundancy) or have parities of them (FEC). Pure.
 *
 *   0      sequence number, 16 bits
 *   2      the IFP, an open type: its length (X.691 10.9: one byte, or two with the highest bit set), its bytes
 *   ..     00, a count, as many open types: the IFPs before it, the latest first; or
 *   ..     80, 01 span, a count n, n open types: number m is the XOR of those span IFPs before it whose
 *          numbers are m - n, m - 2n, ... away, short ones filled up with zeros
 *
 * Whoever hears gets each IFP once, in order; what comes too late is not heard any more.
 * Units:   lengths in bytes.
 * Threads: touches only its arguments. */
#ifndef MEDIA_UDPTL_H
#define MEDIA_UDPTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum udptl_ec { UDPTL_NONE, UDPTL_FEC, UDPTL_REDUNDANCY };

enum {
	UDPTL_MAX = 1400,               /* of a datagram of ours, and of an IFP either way */
	UDPTL_DEFAULT_MAX = 400,        /* what a peer takes that does not say, or says nonsense */
	UDPTL_RING = 16,                /* packets that are kept for repairs */
	UDPTL_MAX_ENTRIES = 5, UDPTL_MAX_SPAN = 5, UDPTL_ENTRIES = 3, UDPTL_SPAN = 3
};

struct udptl_kept {
	bool has;
	uint16_t seq, n;
	uint8_t p[UDPTL_MAX];
};

struct udptl_tx {
	enum udptl_ec ec;
	uint8_t entries, span;          /* 1 to 5 */
	uint16_t max;                   /* of a datagram; 0: UDPTL_DEFAULT_MAX */
	uint16_t seq;                   /* of the next */
	struct udptl_kept ring[UDPTL_RING];
};

struct udptl_rx {
	bool started;
	uint16_t next;                  /* the first that was not heard */
	bool stray;                     /* a number far away came, */
	uint16_t after_stray;           /* and if this is the next, the peer has begun anew */
	struct udptl_kept ring[UDPTL_RING];
	uint64_t repaired, lost, late, bad;     /* IFPs, IFPs, datagrams, datagrams */
};

/* The longest IFP that a peer takes whose datagrams may have `far` (0: not said). `*entries` becomes less when the IFPs would be
 * too short otherwise. */
unsigned udptl_far_max_ifp(enum udptl_ec ec, uint8_t *entries, unsigned far);
/* What a datagram may have that brings IFPs of up to `max_ifp` to us: T38FaxMaxDatagram. */
unsigned udptl_local_max_datagram(enum udptl_ec ec, unsigned max_ifp);
/* `far` as it is used: within its limits. */
uint16_t udptl_far_max_datagram(unsigned far);

/* Both zeroed at first; a new start keeps what was set or counted. */
void udptl_tx_restart(struct udptl_tx *t);
void udptl_rx_restart(struct udptl_rx *r);

/* The datagram of an IFP of `n` bytes (1 or more), with as much of its error correction as fits. Its length; 0: it does not fit
 * into `room` and t->max, and its number is not used. */
size_t udptl_write(struct udptl_tx *t, const uint8_t *ifp, size_t n, uint8_t *out, size_t room);

typedef void udptl_ifp_fn(void *arg, uint16_t seq, const uint8_t *p, size_t n);
/* A datagram came: `fn` gets the IFPs that are new, views of `p` or of the ring. false: it was malformed, late or from
 * elsewhere in the count, and was counted. */
bool udptl_read(struct udptl_rx *r, const uint8_t *p, size_t n, udptl_ifp_fn *fn, void *arg);

#endif
