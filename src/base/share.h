/* base/share.h -- may one of many have more of what is scarce? Arithmetic only: who
 * holds how much is counted by whoever asks (sip/finished.c, service/common/shares.c).
 *
 * The rule ("dynamic threshold", Choudhury and Hahne 1998): a holder may have at
 * most `percent` : (100 - percent) times what is free now. With 90 and one holder
 * nobody is limited until 90 % are in use; n greedy holders get about 1/n each and
 * always leave something, so whoever holds nothing yet finds a place.
 * Threads: touches only its arguments. */
#ifndef BASE_SHARE_H
#define BASE_SHARE_H

#include <stdbool.h>
#include <stddef.h>

struct share {
	size_t total;           /* there are so many; 0: no limit */
	size_t used;            /* by all holders */
	size_t most;            /* fixed limit for one holder; 0: none */
	unsigned percent;       /* 50..99; 100: the first to come may have all */
};

/* May a holder of `held` take one more? */
static inline bool share_permits(const struct share *s, size_t held)
{
	size_t left = s->total > s->used ? s->total - s->used : 0;

	if (s->most && held >= s->most)
		return false;
	if (!s->total)
		return true;
	return left && (s->percent >= 100 || held * (100 - s->percent) <= left * s->percent);
}

#endif
