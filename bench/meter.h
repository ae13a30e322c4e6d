/* bench/meter.h -- what the server under test uses: the CPU time of its
 * processes to the nanosecond, threads that have ended included (the process
 * CPU clock), and the memory they hold. Linux only. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include "base/str.h"
#include <sys/types.h>

#define METER_PIDS 64

struct meter {
	pid_t pid[METER_PIDS];
	size_t n;
};

int meter_parse(struct meter *m, struct str pids);   /* "12,13"; EINVAL */
uint64_t meter_cpu(const struct meter *m);           /* [ns] */
uint64_t meter_memory(const struct meter *m);        /* [bytes] resident, shared pages counted once a process */

#endif
