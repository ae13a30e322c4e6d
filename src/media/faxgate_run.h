/* media/faxgate_run.h -- for the core: a fax gateway at work (media/faxgate.h) between a session of T.38 and one of
 * sound, both on one media thread. Threads: core. */
#ifndef MEDIA_FAXGATE_RUN_H
#define MEDIA_FAXGATE_RUN_H

#include "media/faxgate.h"
#include "media/media.h"

struct faxgate_run;
/* prm: .send_ifp and .arg are its own. Neither session may be in a bridge or a mix. Errors as media_t38_together(),
 * media_pcm_start() and media_t38_attach(). */
int faxgate_run_new(struct faxgate_run **out, const struct faxgate_prm *prm, struct media_session *image, struct media_session *sound);
void faxgate_run_free(struct faxgate_run *g);        /* NULL is taken */
bool faxgate_run_attached(const struct faxgate_run *g);      /* to both */
void faxgate_run_stats(const struct faxgate_run *g, struct faxgate_stats *out);

#endif
