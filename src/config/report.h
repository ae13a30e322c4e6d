/* config/report.h -- the faults found while a configuration is read, in the
 * order found. `sidetone check` prints them, a reload logs them.
 * Threads: one owner at a time; made on the worker, read on the core. */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include "base/buf.h"
#include <stdarg.h>
#include <stdio.h>

enum report_level {
	REPORT_ERROR,   /* something was refused: an object, a line, a file */
	REPORT_WARNING, /* read, but hardly what was meant */
	REPORT_NOTE,
};

struct report_entry {
	struct str file;        /* view into the report; empty: about no file */
	struct str text;        /* view into the report; one line, no newline */
	uint32_t line;          /* 0: about the whole file */
	enum report_level level;
};

struct report;

/* Entries after the 2000th are counted, not kept. NULL: ENOMEM. */
struct report *report_new(void);
void report_free(struct report *r);
/* `r` NULL: the fault is dropped. */
void report_add(struct report *r, enum report_level level, struct str file, uint32_t line,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
size_t report_count(const struct report *r);                 /* entries kept */
const struct report_entry *report_at(const struct report *r, size_t i);
size_t report_errors(const struct report *r);                /* errors in all, dropped ones too */
size_t report_warnings(const struct report *r);              /* those kept */
/* "pjsip.conf:12: text", with control bytes escaped; no newline. */
void report_write(struct buf *b, const struct report_entry *e);
/* By file (in the order they first came up), then by line. */
void report_sort(struct report *r);
/* Every entry a line, then how many were left out. */
void report_print(const struct report *r, FILE *out);
/* Every entry to the log: errors as ERROR, warnings as WARNING, notes as NOTICE. */
void report_log(const struct report *r);

#endif
