/* media/faxear.h -- an ear for fax machines that begin: the preamble of V.21 (T.30 5.3.1), which comes before every
 * message of theirs, or the tone of one that calls (CNG, T.30 4.1). By spandsp, whose header and those of media/ cannot be had in one file: both have queues and
 * tones. Threads: one owner. */
#ifndef MEDIA_FAXEAR_H
#define MEDIA_FAXEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct faxear;
enum faxear_for { FAXEAR_PREAMBLE, FAXEAR_CNG };
struct faxear *faxear_new(enum faxear_for what);     /* NULL: no memory */
void faxear_free(struct faxear *e);
/* Sound at 8000 Hz. true: it was heard, now or before. */
bool faxear_hear(struct faxear *e, const int16_t *pcm, size_t n);

#endif
