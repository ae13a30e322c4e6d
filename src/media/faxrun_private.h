/* media/faxrun_private.h -- what faxrun.c and faxrun_t38.c share of a fax at work. */
#ifndef MEDIA_FAXRUN_PRIVATE_H
#define MEDIA_FAXRUN_PRIVATE_H

#include "media/core.h"
#include "media/faxrun.h"
#include "media/pcm.h"
#include "media/queue.h"
#include <semaphore.h>

enum fax_item_type { FAX_HEARD, FAX_MISSED, FAX_IFP, FAX_PASSED };
enum { FAX_ITEM_BYTES = 1400 };
struct fax_item {               /* in the rings, both ways */
	uint8_t type, copies;
	uint16_t n, seq;                /* [samples] or [bytes] */
	union { int16_t pcm[FAX_SAMPLES]; uint8_t ifp[FAX_ITEM_BYTES]; };
};

struct fax_t38_user;
struct faxrun {                 /* obj: held by its owner, by what is attached, by its thread */
	struct list link;               /* in media->faxes, until its thread has ended */
	struct media *m;                /* NULL: it is gone */
	/* the core's */
	void (*told_fn)(void *arg);     /* NULL: nobody listens any more */
	void *arg;
	struct media_pcm *pcm;          /* NULL: not on sound */
	struct fax_t38_user *t38;       /* NULL: not on T.38 */
	struct bell *bell;              /* owned */
	bool told, joined;
	/* both sides */
	bool threaded;
	pthread_t id;
	sem_t wake;
	struct queue *in, *out;         /* owned; the producer of `in` is the media thread, of `out` the fax's */
	atomic_bool quit, end, done, gone;
	atomic_ullong steps;
	pthread_mutex_t lock;           /* of the two; held for a copy */
	struct faxterm_stats stats;
	struct { bool due; struct fax_t38 prm; } turn;   /* to T.38 */
	/* the fax's own */
	struct faxterm *term;           /* owned */
	struct fax_item now, made;      /* being worked on */
	unsigned since;                 /* steps since there was a result */
	unsigned unread;                /* steps since `stats` were written */
};

/* Media thread: into the ring, and the fax wakes. A full ring drops it. */
void faxrun_feed(struct faxrun *r, struct fax_item *item);
/* Core: what is attached is gone. */
void faxrun_let_go(struct faxrun *r);
#endif
