/* media/faxfix.h -- frames of T.30 at 300 bit/s (V.21, channel 2) of which a packet was lost: a packet is six or seven
 * bits whose place is known, so their values are those with which the frame's check sequence is right.
 * Beside spandsp's own modem, which has all frames that are whole; pure but for memory.
 * Threads: touches only its arguments. */
#ifndef MEDIA_FAXFIX_H
#define MEDIA_FAXFIX_H

#include <stddef.h>
#include <stdint.h>

struct faxfix;
/* A frame without its flags and check sequence; it may be one that had no gap in it but only beside it, so that another
 * modem has heard it too. NULL: there was one, perhaps, and it could not be put together. */
typedef void faxfix_fn(void *arg, const uint8_t *p, size_t n);

struct faxfix *faxfix_new(faxfix_fn *fn, void *arg);         /* NULL: ENOMEM */
void faxfix_free(struct faxfix *f);
/* Samples at 8000 Hz, and samples that are missing, in their time. */
void faxfix_hear(struct faxfix *f, const int16_t *pcm, size_t n);
void faxfix_miss(struct faxfix *f, size_t n);

#endif
