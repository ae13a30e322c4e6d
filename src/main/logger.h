/* main/logger.h -- where log lines go: files, the terminal, remote consoles, as
 * logger.conf says. Threads: logger_* are the core's; lines come from any. */
#ifndef MAIN_LOGGER_H
#define MAIN_LOGGER_H

#include "config/settings.h"

struct logger;
struct manage;
struct queue_event;

struct logger_prm {
	const char *dir;        /* astlogdir */
	bool terminal;          /* write to stdout too (-c, run) */
	bool colour;
	int verbose, debug;     /* -v -d, or asterisk.conf's */
};
/* Becomes the process's sink. A file that cannot be opened is a line in `r`. */
int logger_start(struct logger **out, const struct logger_conf *conf, const struct logger_prm *prm,
		 struct report *r);
void logger_stop(struct logger *l);
int logger_reload(struct logger *l, const struct logger_conf *conf, struct report *r);
int logger_rotate(struct logger *l);
/* Consoles that watch; NULL: none. `level`: highest verbosity of any of them. */
void logger_set_consoles(struct logger *l, struct manage *m, int level);
void logger_show(struct logger *l, struct buf *out);
/* struct pbx_logs: lines of custom_levels, the queue log. `arg`: the logger. */
int logger_custom(void *arg, struct str level, struct str text);
void logger_queue(void *arg, const struct queue_event *e);

#endif
