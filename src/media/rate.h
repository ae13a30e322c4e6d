/* media/rate.h -- sound of one sampling rate as another, for mixing and recording:
 * a windowed-sinc filter for each ratio, flat to 0.85 of the smaller band, over 90 dB
 * down from 1.1 of it on: no alias or image is heard. docs/media.md has it beside libspeexdsp.
 * Threads: a bank is immutable once made, so all threads share one; a struct rate
 * has one owner at a time and may be copied to go on from the same place. */
#ifndef MEDIA_RATE_H
#define MEDIA_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RATE_KINDS = 7, RATE_PAST = 488 };
/* Index of 8, 12, 16, 24, 32, 44.1 and 48 kHz; -1: another. 20 ms of each of them
 * are whole samples, and 20 ms of one become 20 ms of another exactly. */
int rate_kind(uint32_t hz);
uint32_t rate_of_kind(int kind);                /* [Hz] */

struct rate_bank;       /* obj: the filters of all pairs, 200 KB */
int rate_bank_new(struct rate_bank **out);      /* ENOMEM. Takes milliseconds */

struct rate_filter;
struct rate {
	const struct rate_filter *f;    /* view into the bank; NULL: equal rates, nothing to do */
	uint32_t part;                  /* place of the next output between two inputs, in 1/f->up */
	int16_t past[RATE_PAST];        /* last inputs, newest at the end */
};
/* From silence. Both rates have a kind; the bank outlives `r`. */
void rate_init(struct rate *r, const struct rate_bank *b, uint32_t from, uint32_t to);
/* A filter for two rates of any kind, to be run by itself: of a file. NULL: ENOMEM. */
struct rate_filter *rate_filter_new(uint32_t from, uint32_t to);
void rate_filter_free(struct rate_filter *f);
void rate_use(struct rate *r, const struct rate_filter *f);
size_t rate_delay(const struct rate_filter *f);         /* [inputs] until a sample is in the middle of it */
/* All of `in`, at most `max` samples out. Number of samples. */
size_t rate_run(struct rate *r, const int16_t *in, size_t n, int16_t *out, size_t max);

/* The same between whichever two rates are asked for; it goes on where it was as long as
 * they are the same. */
struct rate_converter {
	const struct rate_bank *bank;   /* view. NULL: none is at hand, and there is nothing to hear */
	uint32_t from, to;
	struct rate rate;
};
size_t rate_convert(struct rate_converter *c, uint32_t from, uint32_t to, const int16_t *in, size_t n, int16_t *out, size_t max);

#endif
