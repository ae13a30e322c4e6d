/* media/pcm.h -- for the core: a session's sound by functions, 20 ms at a time: what its peer says, made even by a
 * queue (media/jitter.h), and what it is sent while it has no sound of its own (media_play and its like). For a device
 * of this machine, or a program.
 * Threads: every function here is the core's; those of the ops are called on the session's media thread. */
#ifndef MEDIA_PCM_H
#define MEDIA_PCM_H

#include "media/media.h"

struct media_pcm;       /* gone when ops.free() returns */

struct media_pcm_ops {
	void *arg;
	uint32_t rate;          /* [Hz] has a rate_kind() */
	/* Neither may block. */
	bool (*read)(void *arg, int16_t *pcm, size_t n);        /* all of it; false: nothing is sent now */
	void (*write)(void *arg, const int16_t *pcm, size_t n); /* optional */
	void (*free)(void *arg);        /* on the core, once, last of all: stopped, the session or the media closed, its wire
					 * taken to another thread */
	/* Optional, with a rate of 8000: ears that hear every sample (media/exact.h, in place of media/jitter.h). In
	 * place of write() for what was lost on its way. */
	void (*miss)(void *arg, size_t n);
};

/* While it has functions the session is in no mix and no bridge: they would decode with the same states. EINVAL: it is, or
 * no audio session, or no such rate; ESHUTDOWN, ENOMEM, ENOBUFS: then the ops are the caller's still. */
int media_pcm_start(struct media_pcm **out, struct media_session *s, const struct media_pcm_ops *ops);
int media_pcm_stop(struct media_pcm *p);     /* ENOBUFS: it goes on */

#endif
