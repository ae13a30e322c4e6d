/* main/confdir_lock.h -- asterisk.conf lockconfdir: while configuration is read again its folder is locked, so that
 * another program that writes there, and locks it in the same way (lockmode), does not do so half way.
 * Threads: core; on a fiber, which waits without holding anybody up. */
#ifndef MAIN_CONFDIR_LOCK_H
#define MAIN_CONFDIR_LOCK_H

#include "base/text.h"
#include "net/wheel.h"

struct confdir_lock {
	struct text path;       /* DIR/.lock */
	int fd;                 /* of `flock`; -1 */
	bool held;
};

/* lockmode `flock`: an flock() of DIR/.lock; else DIR/.lock is a link that only one can make. Waits five seconds for
 * whoever has it. ETIMEDOUT, or why it cannot be made. */
int confdir_lock(struct confdir_lock *l, struct wheel *wheel, struct str dir, struct str lockmode);
void confdir_unlock(struct confdir_lock *l);

#endif
