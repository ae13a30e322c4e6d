/* base/log.h -- log lines. The sink is process-wide (a log must work before and
 * after everything else), set once by main/; before that lines go to stderr.
 * A line is one write(2), so threads need no lock. Control bytes are escaped
 * here, whatever the caller passed. Threads: any. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_VERBOSE, LOG_DEBUG, LOG_SECURITY, LOG_DTMF, LOG_LEVELS };

/* A secret in a log prints as ***; the bytes stay out of every line. */
struct secret {
	struct str s;
};

/* `line` is whole and escaped, without newline. Called on the logging thread. */
typedef void log_sink_fn(void *arg, enum log_level level, const char *module, int verbosity, struct str line);

/* Counts of what was left out begin anew. */
void log_set_sink(log_sink_fn *fn, void *arg);
bool log_sink_is(log_sink_fn *fn, const void *arg);  /* NULL, NULL: is there none? */
/* Whose seconds limit equal lines, for tests; NULL: the system's. */
struct clock;
void log_set_clock(const struct clock *c);
/* Which levels are worth formatting at all: bit (1 << level). */
void log_set_mask(unsigned mask);
unsigned log_mask(void);
/* `core set verbose N` / `core set debug N`. */
void log_set_verbose(int n);
int log_verbose_level(void);
void log_set_debug(int n);
int log_debug_level(void);
const char *log_level_name(enum log_level l);

/* What the current work is about (call, endpoint, peer); printed in each line
 * of this thread until restored. The view must live until then. */
struct str log_context(struct str ctx);              /* gives the one before */
void log_show_context(bool on);              /* in lines, of all threads; at first: yes */

void log_write(enum log_level level, const char *module, int verbosity, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Each .c file: #define LOG_MODULE "registrar" before including this. */
#ifndef LOG_MODULE
#define LOG_MODULE "core"
#endif
#define log_error(...) log_write(LOG_ERROR, LOG_MODULE, 0, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, LOG_MODULE, 0, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, LOG_MODULE, 0, __VA_ARGS__)
#define log_security(...) log_write(LOG_SECURITY, LOG_MODULE, 0, __VA_ARGS__)
#ifdef SIDETONE_SMALL   /* a page, where nobody can ask for these */
#define log_verbose(n, ...) do { if (0) log_write(LOG_VERBOSE, LOG_MODULE, (n), __VA_ARGS__); } while (0)
#define log_debug(n, ...) do { if (0) log_write(LOG_DEBUG, LOG_MODULE, (n), __VA_ARGS__); } while (0)
#else
#define log_verbose(n, ...) \
	do { if ((log_mask() & (1u << LOG_VERBOSE)) && log_verbose_level() >= (n)) \
		log_write(LOG_VERBOSE, LOG_MODULE, (n), __VA_ARGS__); } while (0)
#define log_debug(n, ...) \
	do { if ((log_mask() & (1u << LOG_DEBUG)) && log_debug_level() >= (n)) \
		log_write(LOG_DEBUG, LOG_MODULE, (n), __VA_ARGS__); } while (0)
#endif

#endif
