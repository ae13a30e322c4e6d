/* media/t38.h -- for the core: who speaks T.38 by a session of type MEDIA_IMAGE: a fax terminal, one half of
 * a gateway. UDPTL (media/udptl.h) is done by the stream: its user gets and gives IFPs (Internet
 * facsimile packets, ITU-T T.38 clause 7), each once, in order, as far as they came.
 * A user belongs to the core until media_t38_attach(), and again from ops->free() on; in between it
 * is its stream's thread's, but for what `told` says.
 *
 *   UDPTL in ─▶ repaired, in order ─▶ ifp()           tick() each 20 ms
 *   t38_send_ifp() ─▶ UDPTL out, with copies or FEC of those before
 *
 * A session has one user at a time. While it has, nothing is relayed from or to a peer (media_bridge()); afterwards it is again. */
#ifndef MEDIA_T38_H
#define MEDIA_T38_H

#include "media/media.h"
#include "media/thread.h"
#include <stdatomic.h>

enum { T38_TICK_MS = 20, T38_TICK_SAMPLES = 160 /* of 8000 a second */, T38_IFP_MAX = 1400 /* [bytes] */ };

struct t38_user;
struct t38_user_ops {
	/* ---- on the stream's thread. None may detach or free it. */
	/* An IFP came: the number is UDPTL's; what is missing between two numbers is lost. Never the same one twice. */
	void (*ifp)(struct t38_user *u, uint16_t seq, const uint8_t *p, size_t n);
	/* 20 ms have passed, all of them in order: after a late turn of the thread several in a row, 5 at most. */
	void (*tick)(struct t38_user *u);
	/* Optional. It can send now; it is about to leave this thread (another one follows with arrive). */
	void (*arrive)(struct t38_user *u);
	void (*depart)(struct t38_user *u);
	/* ---- on the core */
	/* Optional: t38_notify() was called, once or more. */
	void (*told)(struct t38_user *u);
	/* The last of it, always, also when its stream was closed: the whole block that it is in. */
	void (*free)(struct t38_user *u);
};

struct t38_user {               /* at the beginning of what a kind allocates, zeroed */
	struct run run, stop, note;
	const struct t38_user_ops *ops;
	struct stream *s;               /* the thread's; NULL: not attached */
	struct ticker ticker;
	bool unsaid;                    /* the thread's: a note waits for room */
	atomic_bool noted;
	/* the core's */
	struct media_session *session;  /* held */
	struct t38_user **holder;       /* cleared with it; NULL: it was detached */
	unsigned left;                  /* of run and stop, how many are to come back */
};

/* Puts `u` into *holder, or frees it by its ops. EINVAL no MEDIA_IMAGE, EBUSY it has a user, ESHUTDOWN, ENOBUFS, ENOMEM.
 * *holder stays where it is until it is cleared: by media_t38_detach() at once, or when the session closes. */
int media_t38_attach(struct t38_user **holder, struct t38_user *u, struct media_session *s, const struct t38_user_ops *ops);
void media_t38_detach(struct t38_user **holder);

/* Both on one thread, as long as neither is in a bridge or a mix: for a gateway, whose halves share their state.
 * EXDEV: others on their wires forbid it; ESHUTDOWN, ENOMEM. */
int media_t38_together(struct media_session *a, struct media_session *b);

/* ---- for users, on their thread */

/* `copies`: how often it leaves, 1 or more (an indicator is worth several); each under the same number.
 * false: not sent (no address, longer than what the peer takes, not attached), and its number is not used. */
bool t38_send_ifp(struct t38_user *u, const uint8_t *p, size_t n, unsigned copies);
/* Have ops->told() called on the core, soon. Calls before that are one; never lost. What there is to be told
 * lies in the user's own atomics. */
void t38_notify(struct t38_user *u);

#endif
