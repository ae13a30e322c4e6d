/* base/log.h for a page: what goes wrong is a line on its console. Nobody sets a level, and a flood ends
 * with the page. */
#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>

__attribute__((import_module("host"), import_name("log"))) void host_log(const char *line, size_t n);

struct str log_context(struct str ctx)
{
	(void)ctx;
	return STR_NULL;
}

void log_write(enum log_level level, const char *module, int verbosity, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n, more;

	(void)verbosity;
	if (level > LOG_NOTICE)
		return;
	n = snprintf(line, sizeof(line), "%s: ", module);
	va_start(ap, fmt);
	more = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	n += more < (int)sizeof(line) - n ? more : (int)sizeof(line) - n - 1;
	host_log(line, (size_t)n);
}
