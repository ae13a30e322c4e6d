/* media/faxlog.h -- what spandsp has to say, in our log. */
#ifndef MEDIA_FAXLOG_H
#define MEDIA_FAXLOG_H

#include "base/log.h"
#include <spandsp.h>

static inline void faxlog_line(int level, const char *text)
{
	struct str line = str_trim(str_z(text));

	if (level == SPAN_LOG_ERROR)
		log_write(LOG_ERROR, "fax", 0, "%.*s", STR_ARG(line));
	else if (level == SPAN_LOG_WARNING)
		log_write(LOG_WARNING, "fax", 0, "%.*s", STR_ARG(line));
	else
		log_write(LOG_DEBUG, "fax", 1, "%.*s", STR_ARG(line));
}

static inline void faxlog_set(logging_state_t *l, bool debug)
{
	span_log_set_message_handler(l, faxlog_line);
	span_log_set_level(l, SPAN_LOG_SHOW_SEVERITY | SPAN_LOG_SHOW_PROTOCOL | (debug ? SPAN_LOG_DEBUG_3 : SPAN_LOG_WARNING));
}

#endif
