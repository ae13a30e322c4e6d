/* sys/random.h -- random bytes from the host: WASI's random_get, which web/src/core.js has. */
#ifndef WEB_SYS_RANDOM_H
#define WEB_SYS_RANDOM_H

#include <sys/types.h>
#include <unistd.h>

#define GRND_NONBLOCK 1

static inline ssize_t getrandom(void *p, size_t n, unsigned flags)
{
	(void)flags;
	return n <= 256 && !getentropy(p, n) ? (ssize_t)n : -1;
}

#endif
