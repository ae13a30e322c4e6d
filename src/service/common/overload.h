/* service/common/overload.h -- does this server lag behind? Then what would begin something new is put off
 * (503, Retry-After), so that what goes on does not suffer: taskprocessor_overload_trigger of [global].
 * Where Asterisk counts tasks that wait in queues, there is one loop here; it lags when its timers come late,
 * and so do answers: at half a second peers begin to repeat. Threads: core. */
#ifndef SERVICE_COMMON_OVERLOAD_H
#define SERVICE_COMMON_OVERLOAD_H

#include "net/wheel.h"
#include <stdbool.h>

struct service;

enum { OVERLOAD_HIGH_MS = 500, OVERLOAD_LOW_MS = 250, OVERLOAD_PROBE_MS = 100 };

/* Zeroed: nothing was asked yet. */
struct overload {
	struct timer probe;             /* runs while there are requests; how late it comes is the measure */
	uint64_t due_ms, asked_ms;
	bool late;                      /* it came OVERLOAD_HIGH_MS late, and has not been within OVERLOAD_LOW_MS since */
};

void overload_stop(struct overload *o);
/* Why new work is to be put off now; NULL: it is not. */
const char *overload_why(struct service *svc);

#endif
