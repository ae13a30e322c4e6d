/* pthread.h -- for a page there is one thread. */
#ifndef WEB_PTHREAD_H
#define WEB_PTHREAD_H

typedef int pthread_once_t;
#define PTHREAD_ONCE_INIT 0

static inline int pthread_once(pthread_once_t *done, void (*fn)(void))
{
	if (!*done) {
		*done = 1;
		fn();
	}
	return 0;
}

#endif
