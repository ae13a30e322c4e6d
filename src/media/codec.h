/* media/codec.h -- encoders and decoders: one row a format, all through signed
 * linear at the row's rate. A new codec (iLBC, Speex ...) is one row and
 * its two functions in media/codec_NAME.c; relaying needs no row at all.
 * Threads: tables are constant; a state has one owner at a time. */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H

#include "sdp/format.h"

enum { CODEC_MAX_SAMPLES = 12288 };     /* of one packet: 256 ms at 48 kHz */
enum { CODEC_PTIME = 20, CODEC_PTIME_MIN = 10 };        /* [ms] when nobody says; the shortest that is sent */
enum { CODEC_FRAMED = 2880 };           /* longest packet that a row with `lengths` makes: 60 ms at 48 kHz */

/* How an encoder that has a choice works: what the configuration and the peer's SDP say.
 * Zeroed: as the codec itself would. */
enum codec_use { CODEC_VOIP, CODEC_AUDIO, CODEC_LOW_DELAY };
enum codec_signal { CODEC_SIGNAL_AUTO, CODEC_SIGNAL_VOICE, CODEC_SIGNAL_MUSIC };
struct codec_prm {
	uint32_t max_rate;      /* [Hz] of the sound that the peer can play; 0: any */
	uint32_t bitrate;       /* [bit/s] at most on average; 0: the encoder's choice */
	uint8_t loss;           /* [%] of packets to expect lost, whatever the peer reports */
	uint8_t saving;         /* 0: all the work that the encoder can do; 10: the least */
	uint8_t use, signal;    /* enum codec_use, enum codec_signal */
	bool cbr, fec, dtx;
};
enum codec_side { CODEC_DECODER, CODEC_ENCODER };

struct codec {
	enum format_id id;
	uint32_t rate;          /* [Hz] of the linear side */
	uint16_t frame_samples; /* smallest packet it can make; 1: any */
	uint16_t frame_bytes;   /* bytes of that; 0: varies */
	uint16_t lengths;       /* bit i: it makes packets of 10 * (i + 1) ms; 0: any whole frames */
	uint8_t cost;           /* to encode, against others: picks files and paths; ulaw is 1 */
	uint8_t silence;        /* byte that means nothing to hear; 0 when frame_samples > 1 */
	/* NULL when none is needed. Called on the core, handed to the media thread, where
	 * nothing else is allocated. `prm`: of an encoder; NULL: all zero. */
	void *(*state_new)(enum codec_side side, const struct codec_prm *prm);
	void (*state_free)(void *st);
	/* Bytes to samples: number of samples, never more than `max`. A broken
	 * packet gives what could be read, or 0. */
	size_t (*decode)(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max);
	/* Samples to bytes: number of bytes; whole frames only. A row whose frame_bytes is 0
	 * takes one packet at a time and gives 0 when it has nothing worth sending (DTX). */
	size_t (*encode)(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max);
	/* Optional: `samples` in place of a packet that was lost. `next`: the payload after
	 * it, which may tell more (FEC); NULL: none. Number of samples; 0: cannot tell. */
	size_t (*conceal)(void *st, const uint8_t *next, size_t n, int16_t *out, size_t samples);
	/* Optional: the peer reports that so many of our packets are lost [%]. */
	void (*expect_loss)(void *st, unsigned percent);
};

const struct codec *codec_get(enum format_id id);    /* NULL: can only be relayed */
/* NULL when the row needs no state, and ENOMEM. */
static inline void *codec_state(const struct codec *c, enum codec_side side, const struct codec_prm *prm)
{
	return c->state_new ? c->state_new(side, prm) : NULL;
}
bool codec_can_translate(enum format_id from, enum format_id to);    /* equal formats too */
/* Bytes of `samples` samples; 0 when it varies. */
size_t codec_bytes(const struct codec *c, size_t samples);

/* Length of the packets to make [ms] when `wish` is asked for (0: nothing is):
 * whole frames and whole samples, CODEC_PTIME_MIN or more, and at most `max`
 * bytes. Never 0: times and samples are divided by it. */
uint8_t codec_packet_ms(const struct codec *c, unsigned wish, size_t max);
/* Samples in `ms` milliseconds. */
size_t codec_samples(const struct codec *c, unsigned ms);
/* Time that `samples` take on an RTP clock: G.722 samples at 16000 and says 8000. */
uint32_t codec_ticks(const struct codec *c, size_t samples, uint32_t clock);

/* RFC 3551 section 4.5.14: the two laws, sample by sample. */
uint8_t codec_ulaw(int16_t s);
int16_t codec_ulaw_linear(uint8_t u);
uint8_t codec_alaw(int16_t s);
int16_t codec_alaw_linear(uint8_t a);

#endif
