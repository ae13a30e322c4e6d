/* sdp/opus.h -- the fmtp of Opus (RFC 7587 section 6.1), read and written. Pure; any thread. */
#ifndef SDP_OPUS_H
#define SDP_OPUS_H

#include "base/buf.h"

enum { OPUS_RATE = 48000, OPUS_FMTP_LEAST = 500, OPUS_FMTP_MOST = 512000 };

struct opus_fmtp {              /* what one side says of itself */
	uint32_t max_playback;  /* [Hz] what it can play: 8000 to 48000 */
	uint32_t max_capture;   /* [Hz] what it will send */
	uint32_t max_bitrate;   /* [bit/s] it wants to receive; 0: any */
	bool stereo;            /* it likes to receive stereo */
	bool sprop_stereo;      /* it may send it */
	bool cbr, fec, dtx;     /* it likes to receive constant bit rate, FEC, gaps in place of silence */
	uint8_t ptime, minptime, maxptime;      /* [ms] of packets to it; 0: not said */
};

/* Where nothing is said. */
#define OPUS_FMTP_INIT { .max_playback = OPUS_RATE, .max_capture = OPUS_RATE }
/* Parameters apart by ';', any case, in any order; the first of a name counts. What cannot
 * be read, or lies out of its range, is as if it were not there. */
void opus_fmtp_parse(struct opus_fmtp *f, struct str s);
/* What differs from OPUS_FMTP_INIT; nothing when nothing does. */
void opus_fmtp_write(struct buf *b, const struct opus_fmtp *f);
/* What both sides can do: rates and bit rate are the lower ones, FEC and stereo are had
 * when both say so, cbr and dtx when one does. Packet lengths are the peer's. */
void opus_fmtp_join(struct opus_fmtp *out, const struct opus_fmtp *ours, const struct opus_fmtp *peer);
/* The length of our packets [ms]: `wish` within what the peer says, and its a=maxptime (0: none). */
uint8_t opus_ptime(const struct opus_fmtp *peer, uint8_t wish, uint32_t maxptime);

#endif
