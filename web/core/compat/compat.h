/* compat.h -- what wasi-libc lacks of the C library that the sources ask for. Included before
 * each file of the browser's build (web/meson.build). */
#ifndef WEB_COMPAT_H
#define WEB_COMPAT_H

#include <errno.h>
#include <time.h>

#ifndef ENODATA
#define ENODATA 61              /* Linux's */
#endif
#ifndef CLOCK_MONOTONIC_COARSE
#define CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC
#endif

#endif
