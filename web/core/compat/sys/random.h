/* sys/random.h -- random bytes from the host: WASI's random_get, which web/src/core.js has. */
#ifndef WEB_SYS_RANDOM_H
#define WEB_SYS_RANDOM_H

#include <sys/types.h>
#include <unistd.h>

#define GRND_NONBLOCK 1

static inline ssize_t getrandom(void *p, size_t n, unsigned flags)
{
	(void)flags;
	/* getentropy() gives 256 at most. */
	for (size_t done = 0, k; done < n; done += k) {
		k = n - done < 256 ? n - done : 256;
		if (getentropy((char *)p + done, k))
			return -1;
	}
	return (ssize_t)n;
}

#endif
