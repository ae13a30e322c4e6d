/* pbx/zone.h -- time zones by name ("Europe/Berlin") from the system's
 * database, because the C library knows only the one of the process.
 * Threads: any; reads a small file. */
#ifndef PBX_ZONE_H
#define PBX_ZONE_H

#include "base/str.h"
#include <time.h>

/* ENOENT: no such zone; EBADMSG: its file is not understood. */
int zone_civil(struct str name, int64_t wall_s, struct tm *out);
/* The other way: what a clock in that zone shows to seconds since 1970. */
int zone_epoch(struct str name, const struct tm *civil, int64_t *wall_s);

#endif
