/* main/queue_log.h -- the queue log, as programs that count queues' calls read it: a line an event,
 * SECONDS|CALL|QUEUE|AGENT|EVENT|MORE. logger.conf: queue_log, queue_log_name. Threads: core. */
#ifndef MAIN_QUEUE_LOG_H
#define MAIN_QUEUE_LOG_H

#include "base/text.h"
#include "config/settings.h"
#include "pbx/pbx.h"

struct queue_log {
	struct text path;       /* empty: off */
	int fd;                 /* -1: not open: the first line opens it */
};

/* What logger.conf says now; `dir`: astlogdir. ENOMEM. */
int queue_log_set(struct queue_log *q, const struct logger_conf *conf, struct str dir);
void queue_log_close(struct queue_log *q);   /* the next line opens it again */
void queue_log_free(struct queue_log *q);
/* A line end or a | within what is told would make a line or a field of its own: it becomes a blank. */
void queue_log_write(struct queue_log *q, int64_t wall_s, const struct queue_event *e);

#endif
