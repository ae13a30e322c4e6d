/* media/rtp.h -- RTP and RTCP packets (RFC 3550, 4733): bytes to fields and back,
 * and the running counts that reports are made of. Pure; any thread. */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H

#include "base/str.h"

enum { RTP_HEADER = 12, RTP_MAX = 1500 };

/* RFC 7983: what a datagram on a media port is, by its first byte; RTCP among
 * RTP by the second (RFC 5761). */
enum rtp_kind { RTP_KIND_JUNK, RTP_KIND_RTP, RTP_KIND_RTCP, RTP_KIND_STUN, RTP_KIND_DTLS };
enum rtp_kind rtp_kind(const uint8_t *p, size_t n);

struct rtp {
	uint8_t pt;
	bool marker;
	uint16_t seq;
	uint32_t ts, ssrc;
	uint16_t at, n;         /* [bytes] payload: where in the packet, how long (without padding) */
};
/* EBADMSG: not RTP, or its lengths do not add up. */
int rtp_parse(struct rtp *r, const uint8_t *p, size_t n);
/* Header extensions (RFC 8285), of either form: the element `id` of the packet
 * whose first `head` bytes are its header, as rtp.at says after rtp_parse(). A view
 * into `p`. ENOENT: it has none. */
int rtp_extension(struct str *out, const uint8_t *p, size_t head, uint8_t id);
struct rtp_element {
	uint8_t id;             /* 1..14, or 1..255 in the two-byte form */
	struct str value;       /* 1..16 bytes, or 0..255 */
};
/* The whole extension, with its first four bytes and padding. Its length; 0: `max` is too small, or an
 * element does not fit the form. */
size_t rtp_extensions_write(uint8_t *out, size_t max, const struct rtp_element *v, size_t n, bool two_bytes);
/* The plain twelve bytes. */
void rtp_write(uint8_t out[RTP_HEADER], uint8_t pt, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc);

/* Receiving: RFC 3550 A.1, A.3, A.8. Zeroed: nothing received. */
struct rtp_rx {
	uint32_t ssrc;
	uint16_t max_seq, base_seq;
	uint32_t cycles;                /* 65536 each wrap */
	uint32_t received;
	uint32_t expected_prior, received_prior;
	uint32_t transit;               /* of the last packet, in its clock */
	uint32_t jitter16;              /* jitter times 16, in the clock */
	bool started, has_transit;
};
/* A packet came at `now_us`; `clock` [Hz] of its format. */
void rtp_rx_packet(struct rtp_rx *x, const struct rtp *r, uint32_t clock, uint64_t now_us);
uint32_t rtp_rx_expected(const struct rtp_rx *x);
int32_t rtp_rx_lost(const struct rtp_rx *x);         /* may be negative: duplicates */
/* Since the last call, in 1/256. */
uint8_t rtp_rx_fraction(struct rtp_rx *x);

/* A telephone-event payload (RFC 4733 section 2.3). */
struct rtp_event {
	uint8_t event, volume;          /* 0-9 * # A-D are 0-15; 16 flash */
	bool end;
	uint16_t duration;              /* [timestamp units] */
};
int rtp_event_parse(struct rtp_event *e, const uint8_t *p, size_t n);
void rtp_event_write(uint8_t out[4], const struct rtp_event *e);
char rtp_event_digit(uint8_t event);                 /* 0: none */
int rtp_event_of(char digit);                        /* -1: none */

/* ---- RTCP */

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_BYE = 203, RTCP_RTPFB = 205, RTCP_PSFB = 206 };

struct rtcp_block {             /* a report block */
	uint32_t ssrc;          /* whom it is about */
	uint8_t fraction;
	int32_t lost;           /* 24 bits, signed */
	uint32_t max_seq, jitter, lsr, dlsr;    /* dlsr [1/65536 s] */
};

struct rtcp {                   /* what one compound packet told; the last of each */
	bool sr, rr, bye, pli, fir;
	uint32_t ssrc;          /* sender */
	uint32_t ntp_sec, ntp_frac, ts, packets, octets;        /* of the SR */
	bool has_block;         /* about `about` */
	struct rtcp_block block;
};
/* EBADMSG: not RTCP or lengths wrong; then nothing of it is used. `about`: our
 * SSRC, whose report block is wanted. */
int rtcp_parse(struct rtcp *out, const uint8_t *p, size_t n, uint32_t about);
/* The same for one of several streams between the same two places: only what `peer`
 * reports (NULL: nobody), its BYE, and wishes for a picture of `about`. Blocks about
 * `about` count whoever sends them. */
int rtcp_parse_pair(struct rtcp *out, const uint8_t *p, size_t n, uint32_t about, const uint32_t *peer);

struct rtcp_out {
	uint32_t ssrc;
	bool sender;            /* SR, else RR */
	uint32_t ntp_sec, ntp_frac, ts, packets, octets;
	bool has_block;
	struct rtcp_block block;
	struct str cname;       /* at most 200 bytes */
	bool bye;
};
/* SR or RR, SDES, perhaps BYE. Gives the length; 0: `max` is too small. */
size_t rtcp_write(uint8_t *out, size_t max, const struct rtcp_out *r);
/* Picture loss indication (RFC 4585 section 6.3.1): 12 bytes. */
size_t rtcp_write_pli(uint8_t *out, size_t max, uint32_t ssrc, uint32_t media_ssrc);
/* Feedback about a stream that is relayed, for whoever makes it: PLI, FIR, REMB, generic NACK and transport-cc of
 * a compound, the rest is left out. Length; 0: there is none of these about `about`. */
struct rtcp_map {
	uint32_t about;         /* our SSRC, on the leg that speaks */
	uint32_t sender;        /* our SSRC on the other leg, */
	uint32_t media;         /* and whose packets these are there */
	bool numbered;          /* packet numbers of both belong together: */
	uint16_t seq_off;       /* ours is theirs plus this */
	bool counted;           /* so do the transports' numbers (transport-cc): */
	uint16_t cc_off;
};
size_t rtcp_map_feedback(uint8_t *out, size_t max, const uint8_t *p, size_t n, const struct rtcp_map *m);
/* Wall clock [us since 1970] as NTP; its middle 32 bits. */
void ntp_from_us(int64_t wall_us, uint32_t *sec, uint32_t *frac);
static inline uint32_t ntp_middle(uint32_t sec, uint32_t frac) { return sec << 16 | frac >> 16; }

#endif
