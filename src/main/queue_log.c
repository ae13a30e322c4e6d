/* The queue log: what QueueLog() and the manager's QueueLog say, one line each. */
#define LOG_MODULE "logger"
#include "main/queue_log.h"
#include "base/buf.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void queue_log_close(struct queue_log *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
}

void queue_log_free(struct queue_log *q)
{
	queue_log_close(q);
	text_free(&q->path);
}

int queue_log_set(struct queue_log *q, const struct logger_conf *conf, struct str dir)
{
	struct str name = conf->queue_log_name;

	queue_log_close(q);
	text_free(&q->path);
	if (!conf->queue_log || !name.n)
		return 0;
	return text_printf(&q->path, "%.*s%s%.*s", STR_ARG(name.p[0] == '/' ? STR_NULL : dir), name.p[0] == '/' ? "" : "/", STR_ARG(name));
}

static void put_field(struct buf *b, struct str s, bool last)
{
	for (size_t i = 0; i < s.n; i++)
		buf_char(b, (unsigned char)s.p[i] < ' ' || (s.p[i] == '|' && !last) ? ' ' : s.p[i]);
	if (!last)
		buf_char(b, '|');
}

void queue_log_write(struct queue_log *q, int64_t wall_s, const struct queue_event *e)
{
	struct buf b = BUF_INIT;

	if (!q->path.n)
		return;
	if (q->fd < 0)
		q->fd = open(text_z(&q->path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (q->fd < 0) {
		log_warning("the queue log '%s' cannot be opened: %s", text_z(&q->path), strerror(errno));
		return;
	}
	buf_printf(&b, "%lld|", (long long)wall_s);
	put_field(&b, e->id, false);
	put_field(&b, e->queue, false);
	put_field(&b, e->agent, false);
	put_field(&b, e->event, false);
	put_field(&b, e->info, true);
	buf_char(&b, '\n');
	if (!buf_err(&b) && write(q->fd, b.p, b.n) < 0)
		log_warning("the queue log '%s' cannot be written: %s", text_z(&q->path), strerror(errno));
	buf_free(&b);
}
