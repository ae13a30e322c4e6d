/* media/align.h -- two directions of a tap brought together: each comes with its own times and rates and at
 * different moments; here they stand at their time in one file. A window of a second; what leaves it goes out.
 * Threads: one owner, the writer of taps. */
#ifndef MEDIA_ALIGN_H
#define MEDIA_ALIGN_H

#include "media/tap.h"

struct align_block {            /* of samples that belong to the same moments */
	const int16_t *pcm[TAP_DIRS];
	const uint8_t *has;     /* bit 1 << TAP_IN: that one came; else it is 0 */
	size_t n;
};

struct align_prm {
	uint32_t rate;          /* has a rate_kind() */
	struct rate_bank *bank; /* takes a reference; NULL: ENOMEM */
	/* Time in which neither came is left out when it is longer than ALIGN_GAP_MS; else silence stands there. */
	bool skip_gaps;
	int (*out)(void *arg, const struct align_block *b);     /* errno ends all */
	void *arg;
};
enum { ALIGN_GAP_MS = 60 };

struct align;
int align_new(struct align **out, const struct align_prm *prm);      /* EINVAL rate, ENOMEM */
void align_free(struct align *a);
void align_begin(struct align *a, uint64_t now_us);
/* Another tap begins: its places have nothing to do with those of the one before. */
void align_restart(struct align *a);
int align_put(struct align *a, const struct tap_frame *f);
/* What is in the window; without skip_gaps silence until `now_us`. */
int align_end(struct align *a, uint64_t now_us);

#endif
