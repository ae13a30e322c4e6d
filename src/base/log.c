/* Log lines: which are written, at most how many, and escaped. Where they go is
 * main/logger.c's. */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

static log_sink_fn *sink;
static void *sink_arg;
static const struct clock *clock_used;  /* NULL: the system's */
static atomic_uint mask = 1u << LOG_ERROR | 1u << LOG_WARNING | 1u << LOG_NOTICE;
static atomic_int verbose, debug;
static atomic_bool without_context;
static _Thread_local struct str context;

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

void log_show_context(bool on) { atomic_store(&without_context, !on); }

static void to_stderr(enum log_level level, const char *module, struct str line)
{
	char out[LINE_MAX_BYTES + 128];
	int n = snprintf(out, sizeof(out), "%s[%s] %.*s\n", log_level_name(level), module, STR_ARG(line));

	if (n > 0 && write(2, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1) < 0)
		return;         /* nowhere left to complain */
}

/* A flood of equal lines is cut to LINES_A_SECOND and counted, so that nobody
 * outside fills a disk. Per thread, by the format's address. Forms that find no place
 * of their own in their set share one, so a table that is too small lets no more
 * through: alternating forms must not make each other forgotten. */
#define LINES_A_SECOND 100
#define FLOOD_SETS 16           /* a power of two */
#define FLOOD_WAYS 4

struct flood {
	const char *fmt;        /* NULL: free, or shared */
	uint64_t second;
	unsigned lines;
};

struct flood_set {
	struct flood way[FLOOD_WAYS];
	struct flood rest;      /* for the forms that have none of the ways this second */
};

static _Thread_local struct flood_set floods[FLOOD_SETS];

void log_set_sink(log_sink_fn *fn, void *arg)
{
	sink_arg = arg;
	sink = fn;
	memset(floods, 0, sizeof(floods));
}

bool log_sink_is(log_sink_fn *fn, const void *arg)
{
	return sink == fn && sink_arg == arg;
}

void log_set_clock(const struct clock *c)
{
	clock_used = c;
}

static uint64_t this_second(void)
{
	struct timespec now;

	if (clock_used)
		return clock_us(clock_used) / 1000000;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec;
}

static unsigned over(const struct flood *f)
{
	return f->lines > LINES_A_SECOND ? f->lines - LINES_A_SECOND : 0;
}

/* The form's own place, or one that nobody used this second: rather one that owes no
 * count of what was left out. */
static struct flood *flood_find(const char *fmt, uint64_t second)
{
	struct flood_set *set = &floods[(uint64_t)(uintptr_t)fmt * 0x9e3779b97f4a7c15 >> 32 & (FLOOD_SETS - 1)];
	struct flood *idle = NULL;

	for (size_t i = 0; i < FLOOD_WAYS; i++) {
		struct flood *f = &set->way[i];

		if (f->fmt == fmt)
			return f;
		if ((!f->fmt || f->second != second) && (!idle || over(f) < over(idle)))
			idle = f;
	}
	if (!idle)
		return &set->rest;
	*idle = (struct flood){ .fmt = fmt, .second = second };
	return idle;
}

/* `left_out`: how many before this second. */
static bool is_flood(enum log_level level, const char *fmt, unsigned *left_out)
{
	struct flood *f;
	uint64_t second;

	*left_out = 0;
	if (level == LOG_VERBOSE || level == LOG_DEBUG || level == LOG_DTMF)
		return false;   /* somebody asked to see these */
	second = this_second();
	f = flood_find(fmt, second);
	if (f->second != second) {
		*left_out = over(f);
		f->second = second;
		f->lines = 0;
	}
	return ++f->lines > LINES_A_SECOND;
}

static void emit(enum log_level level, const char *module, int verbosity, struct str raw)
{
	char safe[LINE_MAX_BYTES];
	struct buf b;

	buf_init(&b, safe, sizeof(safe), sizeof(safe));
	if (context.n && !atomic_load_explicit(&without_context, memory_order_relaxed)) {
		buf_char(&b, '[');
		buf_escape(&b, str_sub(context, 0, 256));
		buf_put(&b, STR("] "));
	}
	buf_escape(&b, str_rtrim(raw));
	if (sink)
		sink(sink_arg, level, module, verbosity, buf_view(&b));
	else
		to_stderr(level, module, buf_view(&b));
}

/* A line of its own: who reads the log by a pattern reads the next one to its end. */
static void tell_left_out(enum log_level level, const char *module, unsigned n)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "%u lines like the next one were left out", n);

	emit(level, module, 0, str_mk(text, len > 0 ? (size_t)len : 0));
}

void log_write(enum log_level level, const char *module, int verbosity, const char *fmt, ...)
{
	char raw[4096];
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
	if (left_out)
		tell_left_out(level, module, left_out);
	emit(level, module, verbosity, str_mk(raw, (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1));
}
