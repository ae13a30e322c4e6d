/* media/detect.h -- what is heard in sound: digits made of two tones, fax tones, silence. The
 * blocks, thresholds and rules are those of Asterisk's dsp.c, at any sampling rate: there only
 * 8 kHz. Our own, not spandsp's, since dsp.conf says how many blocks begin and end a digit, and
 * because what was heard is taken out of the sound.
 * Pure; one owner at a time. */
#ifndef MEDIA_DETECT_H
#define MEDIA_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* dsp.conf. Zeroed: detect_defaults(). */
struct detect_prm {
	uint16_t hits_to_begin, misses_to_end;  /* [blocks of 12.75 ms] */
	float normal_twist, reverse_twist;      /* how much louder the low tone may be than the high one, and the other way round */
};
void detect_defaults(struct detect_prm *p);          /* each that is 0 */

struct goertzel { float coef, s1, s2; };        /* power at one frequency */

/* ---- digits */

enum { DTMF_TONES = 4, DTMF_BLOCK = 102 /* [samples] at 8 kHz */ };

struct dtmf_detect {
	struct detect_prm prm;
	struct goertzel row[DTMF_TONES], col[DTMF_TONES];
	float energy, scale;    /* of the block; rate / 8000 */
	uint32_t block, in;     /* [samples] its length, and what is there of it */
	uint32_t mute_left;     /* [samples] of the next call to be taken out */
	char current, last;     /* digit in force; of the last block. 0: none */
	char told;              /* a begin was told for it, its end not yet */
	uint32_t hits, misses, blocks;
};
typedef void dtmf_detect_fn(void *arg, bool end, char digit, unsigned ms /* of an end */);
void dtmf_detect_init(struct dtmf_detect *d, uint32_t rate, const struct detect_prm *prm);
/* Hears `pcm` and takes digits out of it. true: it was changed. */
bool dtmf_detect_run(struct dtmf_detect *d, int16_t *pcm, size_t n, dtmf_detect_fn *fn, void *arg);

/* ---- one tone: CNG, what a calling fax machine says (ITU-T T.30: 1100 Hz for half a second) */

struct tone_detect {
	struct goertzel tone;
	float energy, share, scale;     /* share: of the energy that the tone must have */
	uint32_t block, left;           /* [samples] */
	uint32_t need, hits;            /* [blocks] */
	bool last;
};
void cng_detect_init(struct tone_detect *d, uint32_t rate);
/* true: it has just been there for long enough. */
bool tone_detect_run(struct tone_detect *d, const int16_t *pcm, size_t n);

/* ---- silence */

/* Mean magnitude of the samples; 0 without any. */
uint32_t detect_level(const int16_t *pcm, size_t n);

#endif
