#include "base/log.h"
#include "base/buf.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

static log_sink_fn *sink;
static void *sink_arg;
static atomic_uint mask = 1u << LOG_ERROR | 1u << LOG_WARNING | 1u << LOG_NOTICE;
static atomic_int verbose, debug;
static _Thread_local struct str context;

void log_set_sink(log_sink_fn *fn, void *arg)
{
	sink_arg = arg;
	sink = fn;
}

void log_set_mask(unsigned m) { atomic_store(&mask, m); }
unsigned log_mask(void) { return atomic_load_explicit(&mask, memory_order_relaxed); }
void log_set_verbose(int n) { atomic_store(&verbose, n); }
int log_verbose_level(void) { return atomic_load_explicit(&verbose, memory_order_relaxed); }
void log_set_debug(int n) { atomic_store(&debug, n); }
int log_debug_level(void) { return atomic_load_explicit(&debug, memory_order_relaxed); }

const char *log_level_name(enum log_level l)
{
	static const char *const names[LOG_LEVELS] = { "ERROR", "WARNING", "NOTICE", "VERBOSE",
		"DEBUG", "SECURITY", "DTMF" };

	return (unsigned)l < LOG_LEVELS ? names[l] : "?";
}

struct str log_context(struct str ctx)
{
	struct str old = context;

	context = ctx;
	return old;
}

static void to_stderr(enum log_level level, const char *module, struct str line)
{
	char out[LINE_MAX_BYTES + 128];
	int n = snprintf(out, sizeof(out), "%s[%s] %.*s\n", log_level_name(level), module, STR_ARG(line));

	if (n > 0 && write(2, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1) < 0)
		return;         /* nowhere left to complain */
}

/* A flood of equal lines is cut to LINES_A_SECOND and counted, so that nobody
 * outside fills a disk. Per thread, by the format's address; a table that is too
 * small only lets more through. */
#define LINES_A_SECOND 100
#define FLOOD_SLOTS 32

struct flood {
	const char *fmt;
	time_t second;
	unsigned lines;
};

static _Thread_local struct flood floods[FLOOD_SLOTS];

static bool is_flood(enum log_level level, const char *fmt, unsigned *left_out)
{
	struct flood *f = &floods[((uintptr_t)fmt >> 3) % FLOOD_SLOTS];
	struct timespec now;

	*left_out = 0;
	if (level == LOG_VERBOSE || level == LOG_DEBUG || level == LOG_DTMF)
		return false;   /* somebody asked to see these */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (f->fmt != fmt || f->second != now.tv_sec) {
		*left_out = f->fmt == fmt && f->lines > LINES_A_SECOND ? f->lines - LINES_A_SECOND : 0;
		*f = (struct flood){ fmt, now.tv_sec, 0 };
	}
	return ++f->lines > LINES_A_SECOND;
}

void log_write(enum log_level level, const char *module, int verbosity, const char *fmt, ...)
{
	char raw[4096], safe[LINE_MAX_BYTES];
	struct buf b;
	unsigned left_out;
	va_list ap;
	int n;

	if (!(log_mask() & (1u << level)) || is_flood(level, fmt, &left_out))
		return;
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	buf_init(&b, safe, sizeof(safe), sizeof(safe));
	if (context.n) {
		buf_char(&b, '[');
		buf_escape(&b, str_sub(context, 0, 256));
		buf_put(&b, STR("] "));
	}
	buf_escape(&b, str_rtrim(str_mk(raw, (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1)));
	if (left_out)
		buf_printf(&b, " (%u lines like this one were left out before)", left_out);
	if (sink)
		sink(sink_arg, level, module, verbosity, buf_view(&b));
	else
		to_stderr(level, module, buf_view(&b));
}
