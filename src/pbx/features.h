/* pbx/features.h -- the digits that work inside a call (features.conf).
 * Threads: core. */
#ifndef PBX_FEATURES_H
#define PBX_FEATURES_H

#include "base/text.h"

struct pbx;
struct config;

struct features_conf {          /* obj once given to features_set() */
	struct text blindxfer;          /* "#" */
	struct text disconnect;         /* "*" */
	struct text atxfer, parkcall, automon, automixmon;      /* empty: off */
	uint32_t digit_timeout_ms;      /* between digits of a code: 1000 */
	uint32_t transfer_digit_timeout_ms;     /* for the number to transfer to: 3000 */
	uint32_t atxfer_no_answer_ms;   /* 15000 */
	struct text xfersound, xferfailsound;   /* beep, beeperr */
	struct text pickupexten;        /* "*8" */
	struct text pickupsound, pickupfailsound;       /* empty: none */
	struct text courtesytone, recordingfailsound;   /* the same */
	struct text atxferabort, atxfercomplete, atxferthreeway, atxferswap;    /* *1 *2 *3 *4 */
};

int features_new(struct features_conf **out);        /* the defaults */
/* From features.conf: [general], [featuremap]. Then features_set(). */
int features_load(struct pbx *p, const struct config *cfg);
/* The pbx takes the reference over and drops the one before. */
void features_set(struct pbx *p, struct features_conf *f);
/* The digits of a feature of [featuremap] by its name; empty: off, or no such feature. */
struct str features_code(const struct features_conf *f, struct str name);
const struct features_conf *features_get(struct pbx *p);     /* never NULL after features_set() */

#endif
