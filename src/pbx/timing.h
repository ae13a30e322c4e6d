/* pbx/timing.h -- "09:00-17:00,mon-fri,*,*[,timezone]": when an include or a
 * GotoIfTime() holds. Minutes, both ends included; ranges run round the clock,
 * the week, the month and the year; & joins several; empty and * mean always.
 * Threads: touches only its arguments. */
#ifndef PBX_TIMING_H
#define PBX_TIMING_H

#include "base/str.h"

struct timing {
	uint8_t minutes[24 * 60 / 8];
	uint32_t mdays;         /* bit 0: the 1st */
	uint16_t months;
	uint8_t wdays;          /* bit 0: Sunday */
	struct str zone;        /* view into the text; empty: the server's */
};

/* EINVAL: some element was not understood; it is left out, the rest stands. */
int timing_parse(struct timing *t, struct str text);
bool timing_holds(const struct timing *t, int64_t wall_s);
/* Seconds since 1970 to the civil time of `zone` (empty: the server's; or UTC). */
struct tm;
void timing_local(int64_t wall_s, struct str zone, struct tm *out);

#endif
