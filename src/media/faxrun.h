/* media/faxrun.h -- for the core: a fax terminal at work (media/faxterm.h) on a session of sound or of T.38.
 *
 *    media thread                              thread of the fax                      core
 *    20 ms heard, or missed; an IFP  ──ring─▶  the terminal: modems, T.30, pages  ──▶ told(): there is a result
 *    20 ms to say; IFPs             ◀──ring──  (it may wait for the disk)
 *
 * Each fax has a thread of its own, because between two pages it reads, writes, packs and unpacks a whole page. The
 * media thread only copies into rings: it takes no lock and waits for nobody. While the disk is slow the peer hears
 * silence. With media that run on the core's loop (tests with a clock of their own) there is no thread, and the
 * terminal works inside the media's turn.
 * Threads: every function here is the core's. */
#ifndef MEDIA_FAXRUN_H
#define MEDIA_FAXRUN_H

#include "media/faxterm.h"
#include "media/media.h"

enum { FAX_RUNS_MAX = 100 };    /* of one media at once: as many threads */

struct faxrun;
struct faxrun_prm {
	struct faxterm_prm term;        /* .send_ifp and .arg are its own */
	struct media *media;            /* has a loop */
	void (*told)(void *arg);        /* once, never inside a call from here: faxterm_stats.done is set */
	void *arg;
};

/* EINVAL, ENOMEM as faxterm_new(); ENOBUFS: as many as there may be; EAGAIN: no thread. */
int faxrun_new(struct faxrun **out, const struct faxrun_prm *prm);
/* It is over for whoever has it: off its session, and no told() any more. A page that is being written is ended
 * on its thread. NULL is taken. */
void faxrun_free(struct faxrun *r);
/* Hears and speaks by this session of sound from now on; no other one then. As media_pcm_start(). */
int faxrun_sound(struct faxrun *r, struct media_session *s);
/* Off its session; the terminal stands still. */
void faxrun_detach(struct faxrun *r);
bool faxrun_attached(const struct faxrun *r);        /* false as well when its session has closed */
/* The call is over: told() follows. */
void faxrun_end(struct faxrun *r);
/* As of a second ago at most; the result, once it is told. */
void faxrun_stats(struct faxrun *r, struct faxterm_stats *out);
/* Steps of 20 ms so far: does anything go on? */
uint64_t faxrun_steps(const struct faxrun *r);

#endif
