/* manage/health.h -- is everything served in time? The rows that `core show health`
 * and the manager's CoreHealth show. Threads: core. */
#ifndef MANAGE_HEALTH_H
#define MANAGE_HEALTH_H

#include "manage/manage.h"

/* `key`: the manager's ("LongestTurn"); `name`: the console's words. */
typedef void health_fn(void *arg, const char *key, const char *name, uint64_t value, const char *unit);
/* "Since the last look" is since the last call, whoever made it. */
void health_each(struct manage *m, health_fn *fn, void *arg);

#endif
