/* media/faxloss.h -- what a fax by sound does against lost packets, beside spandsp: frames at 300 bit/s are put together
 * (faxfix.h), the test of a modem is judged by what of it came, and one that did not come is answered.
 * Threads: those of the terminal, one at a time. */
#ifndef MEDIA_FAXLOSS_H
#define MEDIA_FAXLOSS_H

#include <stdbool.h>
#include <spandsp.h>

struct faxloss;
/* Gone before `t`. NULL: ENOMEM. */
struct faxloss *faxloss_new(t30_state_t *t, bool receives);
void faxloss_free(struct faxloss *l);
/* What `t` has heard whole or says, before it does anything about it. */
void faxloss_frame(struct faxloss *l, bool incoming, const uint8_t *p, size_t n);
/* Before fax_rx() and fax_rx_fillin() of the same samples, 8000 a second; and after it. */
void faxloss_hear(struct faxloss *l, const int16_t *pcm, size_t n);
void faxloss_miss(struct faxloss *l, size_t n);
void faxloss_heard(struct faxloss *l, const int16_t *pcm, size_t n);
void faxloss_missed(struct faxloss *l);

#endif
