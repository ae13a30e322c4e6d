/* CPU and memory of other processes, read from /proc. */
#include "meter.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int meter_parse(struct meter *m, struct str pids)
{
	m->n = 0;
	while (pids.n) {
		uint32_t pid;

		if (m->n == METER_PIDS || str_u32(str_cut_raw(&pids, ','), &pid))
			return EINVAL;
		m->pid[m->n++] = (pid_t)pid;
	}
	return 0;
}

uint64_t meter_cpu(const struct meter *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct timespec t;
		clockid_t clk;

		if (clock_getcpuclockid(m->pid[i], &clk) || clock_gettime(clk, &t))
			continue;
		sum += (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	}
	return sum;
}

uint64_t meter_memory(const struct meter *m)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < m->n; i++) {
		char path[64], line[256];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/statm", (int)m->pid[i]);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f)) {
			struct str s = str_z(line);
			uint64_t resident;

			str_cut_raw(&s, ' ');
			if (!str_u64(str_cut_raw(&s, ' '), &resident))
				pages += resident;
		}
		fclose(f);
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
