/* manage/pattern.h -- regular expressions that people and managers type. The C
 * library recurses into ( ), multiplies { } and backtracks for \1: a pattern
 * that would use up a fiber's stack, the memory or the time is refused.
 * Threads: touches only its arguments. */
#ifndef MANAGE_PATTERN_H
#define MANAGE_PATTERN_H

#include "base/str.h"
#include <regex.h>

#define PATTERN_MAX 512         /* [bytes] */
#define PATTERN_NEST 16         /* ( ) inside each other */
#define PATTERN_SIZE 5000       /* [elements] with all repetitions written out */

/* Extended, without submatches. 0; EINVAL: no expression, or refused; ENOMEM.
 * Free it with regfree(). */
int pattern_compile(regex_t *re, struct str pattern);
/* Does it match somewhere in `text`? */
bool pattern_has(const regex_t *re, struct str text);

#endif
