/* media/tone.h -- tones and cadences: the playtones syntax, the named tones of
 * the countries, DTMF pairs; and the ear for them (Goertzel).
 * Threads: a struct tone is immutable once made; a tone_gen has one owner. */
#ifndef MEDIA_TONE_H
#define MEDIA_TONE_H

#include "base/str.h"

enum { TONE_PARTS = 64, TONE_FREQS = 4 };

struct tone_part {
	uint16_t freq[TONE_FREQS];      /* [Hz] summed; 0: unused; all 0: silence */
	uint16_t modulate;              /* [Hz] "f1*f2": f1 amplitude-modulated by this; 0: no */
	uint16_t ms;                    /* 0: for ever */
};

struct tone {                           /* obj, immutable */
	uint16_t nparts;
	uint16_t loop;                  /* part where it starts over; nparts: plays once */
	struct tone_part part[];
};

/* "425/50,0/50", "!950/330,!1400/330,!1800/330,0", "350+440", "440*25/100", with
 * M notes refused. A leading ! plays that part only the first time.
 * EBADMSG, E2BIG (over TONE_PARTS parts), ENOMEM. */
int tone_parse(struct tone **out, struct str s);
/* "busy", "busy/uk" (zone after the slash wins over `zone`), or the syntax
 * above. Zones: us uk de fr and more, see zones.c; unknown ones are us.
 * ENOENT: neither a name nor a tone. */
int tone_named(struct tone **out, struct str name, struct str zone);
/* The cadence text itself: for indications' listing. Empty: none. */
struct str tone_zone_text(struct str zone, struct str name);
bool tone_zone_exists(struct str zone);
/* The pair of a digit 0-9 * # A-D (also a-d); NULL others. For `ms`, 0: for ever. */
int tone_dtmf(struct tone **out, char digit, unsigned ms);
bool tone_dtmf_freqs(char digit, uint16_t *low, uint16_t *high);

struct tone_gen {
	const struct tone *tone;        /* view; the owner holds it */
	uint32_t rate;
	uint16_t part;
	uint32_t left;                  /* [samples] of this part; UINT32_MAX: for ever */
	uint32_t phase[TONE_FREQS], mod_phase;
};
void tone_gen_init(struct tone_gen *g, const struct tone *t, uint32_t rate);
/* Fill `n` samples; false: it had ended before the first of them. */
bool tone_gen_run(struct tone_gen *g, int16_t *out, size_t n);

/* Power of `freq` in the samples, 0..1 of all power there. */
double tone_goertzel(const int16_t *in, size_t n, uint32_t rate, uint32_t freq);

#endif
