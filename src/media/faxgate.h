/* media/faxgate.h -- a fax gateway without its telephones: the sound of a fax machine on one side, the IFPs of T.38
 * on the other, by spandsp. It touches no file, so a media thread may run it (100 us of CPU for 20 ms).
 * Threads: one owner. */
#ifndef MEDIA_FAXGATE_H
#define MEDIA_FAXGATE_H

#include "media/faxterm.h"

struct faxgate_prm {
	bool ecm;
	unsigned modems;                /* FAX_V17 | ... */
	bool debug;
	struct fax_t38 t38;
	/* An IFP that leaves. Inside of faxgate_new(), _hear() and _ifp(). */
	void (*send_ifp)(void *arg, const uint8_t *p, size_t n, unsigned copies);
	void *arg;
};

struct faxgate_stats { bool ecm; unsigned rate, pages; };

struct faxgate;
int faxgate_new(struct faxgate **out, const struct faxgate_prm *prm);        /* ENOMEM */
void faxgate_free(struct faxgate *g);   /* NULL is taken */
/* Sends some IFPs that say nothing, so that a NAT on the way knows where we are. */
void faxgate_open(struct faxgate *g);
void faxgate_hear(struct faxgate *g, int16_t *pcm, size_t n);        /* may be changed */
void faxgate_miss(struct faxgate *g, size_t n);      /* sound that was lost on its way */
void faxgate_say(struct faxgate *g, int16_t *pcm, size_t n);
void faxgate_ifp(struct faxgate *g, const uint8_t *p, size_t n, uint16_t seq);
void faxgate_stats(const struct faxgate *g, struct faxgate_stats *out);

#endif
