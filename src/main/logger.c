/* Where log lines go: console, files, syslog, by logger.conf; files are opened anew on request. */
#define LOG_MODULE "logger"
#include "main/logger.h"
#include "base/log.h"
#include "main/queue_log.h"
#include "main/rotate.h"
#include "manage/manage.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

struct channel_out {
	const struct logger_channel *conf;
	int fd;                 /* -1: syslog, console or not open */
	struct text path;
	uint64_t lines;
};

struct logger {
	pthread_mutex_t lock;   /* lines come from any thread; held for one write(2) */
	struct logger_conf *conf;       /* held */
	struct channel_out *out;
	size_t n;
	struct text dir, date_format;
	bool millis;
	struct logger_prm prm;
	time_t second;          /* of `date` */
	char date[64];
	char json[20480];       /* a line for those that want it so */
	struct manage *consoles;
	int console_level;
	unsigned rotations;
	struct queue_log queue; /* the core's alone: no lock */
};

static const char *date_of(struct logger *l, long *ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	*ms = ts.tv_nsec / 1000000;
	if (ts.tv_sec != l->second) {
		struct tm tm;

		l->second = ts.tv_sec;
		localtime_r(&ts.tv_sec, &tm);
		if (!strftime(l->date, sizeof(l->date), text_z(&l->date_format), &tm))
			l->date[0] = 0;
	}
	return l->date;
}

static void write_line(int fd, const char *p, size_t n)
{
	if (write(fd, p, n) < 0)
		return;         /* a full disk must not stop calls; the terminal still has it */
}

static bool takes(const struct logger_channel *c, enum log_level level, int verbosity)
{
	if (!(c->levels & 1u << level))
		return false;
	return level != LOG_VERBOSE || verbosity <= (c->verbosity >= 0 ? c->verbosity : log_verbose_level());
}

static void to_syslog(enum log_level level, const char *module, struct str line)
{
	static const int prio[LOG_LEVELS] = { 3, 4, 5, 6, 7, 5, 7 };

	syslog(prio[level], "%s: %.*s", module, STR_ARG(line));
}

static size_t put_quoted(char *out, size_t n, size_t max, struct str s)
{
	for (size_t i = 0; i < s.n && n + 2 < max; i++) {
		/* Control bytes were written out already. */
		if (s.p[i] == '"' || s.p[i] == '\\')
			out[n++] = '\\';
		out[n++] = s.p[i];
	}
	return n;
}

/* [json]: one object a line, with the names that Asterisk gives. */
static size_t write_json(struct logger *l, enum log_level level, const char *module, long ms, struct str line)
{
	const size_t max = sizeof(l->json) - 8;
	char host[256] = "", ms_text[8] = "";
	int n;

	gethostname(host, sizeof(host) - 1);
	if (l->millis)
		snprintf(ms_text, sizeof(ms_text), ".%03u", (unsigned)ms % 1000);
	n = snprintf(l->json, max, "{\"hostname\":\"%s\",\"timestamp\":\"%s%s\",\"identifiers\":{\"lwp\":%ld,\"callid\":\"\"},"
		     "\"logmsg\":{\"location\":{\"filename\":\"%s\",\"function\":\"\",\"line\":0},\"level\":\"%s\",\"message\":\"",
		     host, l->date, ms_text, (long)syscall(SYS_gettid), module, log_level_name(level));
	if (n < 0 || (size_t)n >= max)
		return 0;
	n = (int)put_quoted(l->json, (size_t)n, max, line);
	memcpy(l->json + n, "\"}}\n", 4);
	return (size_t)n + 4;
}

static void sink(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	struct logger *l = arg;
	char out[10240], ms_text[8] = "";
	long ms;
	int n;

	pthread_mutex_lock(&l->lock);
	date_of(l, &ms);
	if (l->millis)
		snprintf(ms_text, sizeof(ms_text), ".%03u", (unsigned)ms % 1000);
	n = snprintf(out, sizeof(out), "[%s%s] %s[%ld] %s: %.*s\n", l->date, ms_text, log_level_name(level),
		     (long)syscall(SYS_gettid), module, STR_ARG(line));
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(out))
		n = sizeof(out) - 1;
	for (size_t i = 0; i < l->n; i++) {
		struct channel_out *c = &l->out[i];

		if (!takes(c->conf, level, verbosity))
			continue;
		c->lines++;
		if (c->conf->kind == LOGGER_SYSLOG)
			to_syslog(level, module, line);
		else if (c->fd >= 0 && c->conf->format == LOGGER_JSON)
			write_line(c->fd, l->json, write_json(l, level, module, ms, line));
		else if (c->fd >= 0)
			write_line(c->fd, out, (size_t)n);
	}
	if (l->prm.terminal && (level != LOG_VERBOSE || verbosity <= l->prm.verbose) &&
	    (level != LOG_DEBUG || l->prm.debug) && level != LOG_SECURITY && level != LOG_DTMF)
		write_line(STDOUT_FILENO, out, (size_t)n);
	pthread_mutex_unlock(&l->lock);
	if (l->consoles)
		manage_log(l->consoles, level, verbosity, line);
}

static void close_all(struct logger *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->out[i].fd >= 0)
			close(l->out[i].fd);
		text_free(&l->out[i].path);
	}
	free(l->out);
	l->out = NULL;
	l->n = 0;
}

static void open_file(struct logger *l, struct channel_out *c, struct report *r)
{
	char host[256] = "unknown";
	struct str f = c->conf->file;

	gethostname(host, sizeof(host) - 1);
	text_printf(&c->path, "%s%s%.*s%s%s", f.n && f.p[0] == '/' ? "" : text_z(&l->dir), f.n && f.p[0] == '/' ? "" : "/",
		    STR_ARG(f), l->conf->appendhostname ? "." : "", l->conf->appendhostname ? host : "");
	c->fd = open(text_z(&c->path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (c->fd < 0)
		report_add(r, REPORT_ERROR, STR("logger.conf"), c->conf->line,
			   "log file '%s' cannot be opened: %s; create its directory or make it writable",
			   text_z(&c->path), strerror(errno));
}

/* Only levels that somebody wants are formatted at all. */
static void set_mask(struct logger *l)
{
	unsigned mask = 1u << LOG_ERROR | 1u << LOG_WARNING | 1u << LOG_NOTICE;
	int verbose = l->prm.verbose;

	for (size_t i = 0; i < l->n; i++) {
		mask |= l->out[i].conf->levels & ((1u << LOG_LEVELS) - 1);
		if (l->out[i].conf->verbosity > verbose)
			verbose = l->out[i].conf->verbosity;
	}
	if (l->console_level > verbose)
		verbose = l->console_level;
	if (verbose)
		mask |= 1u << LOG_VERBOSE;
	if (l->prm.debug)
		mask |= 1u << LOG_DEBUG;
	log_set_verbose(verbose);
	log_set_debug(l->prm.debug);
	log_set_mask(mask);
}

static int apply(struct logger *l, const struct logger_conf *conf, struct report *r)
{
	struct channel_out *out = calloc(conf->channels + 1, sizeof(*out));
	struct str fmt = conf->dateformat;
	size_t at;

	if (!out)
		return ENOMEM;
	pthread_mutex_lock(&l->lock);
	close_all(l);
	obj_hold((void *)(size_t)conf);
	obj_drop(l->conf);
	l->conf = (struct logger_conf *)(size_t)conf;
	l->out = out;
	l->n = conf->channels;
	/* %3q is Asterisk's millisecond; strftime knows none. */
	at = str_find(fmt, STR(".%3q"));
	l->millis = at < fmt.n;
	text_set(&l->date_format, fmt.n ? str_sub(fmt, 0, at) : STR("%b %e %T"));
	l->second = 0;
	for (size_t i = 0; i < l->n; i++) {
		out[i].conf = &conf->channel[i];
		out[i].fd = -1;
		if (conf->channel[i].kind == LOGGER_FILE)
			open_file(l, &out[i], r);
	}
	log_show_context(conf->display_callids);
	set_mask(l);
	pthread_mutex_unlock(&l->lock);
	return queue_log_set(&l->queue, conf, text_view(&l->dir));
}

static void tell_queue(struct logger *l, struct str event)
{
	logger_queue(l, &(struct queue_event){ .queue = STR("NONE"), .id = STR("NONE"), .agent = STR("NONE"), .event = event });
}

int logger_start(struct logger **out, const struct logger_conf *conf, const struct logger_prm *prm,
		 struct report *r)
{
	struct logger *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->prm = *prm;
	l->queue.fd = -1;
	err = text_set(&l->dir, str_z(prm->dir));
	if (!err)
		err = apply(l, conf, r);
	if (err) {
		logger_stop(l);
		return err;
	}
	log_set_sink(sink, l);
	tell_queue(l, STR("QUEUESTART"));
	*out = l;
	return 0;
}

void logger_stop(struct logger *l)
{
	if (!l)
		return;
	log_set_sink(NULL, NULL);
	close_all(l);
	queue_log_free(&l->queue);
	obj_drop(l->conf);
	text_free(&l->dir);
	text_free(&l->date_format);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int logger_reload(struct logger *l, const struct logger_conf *conf, struct report *r)
{
	int err = apply(l, conf, r);

	tell_queue(l, STR("CONFIGRELOAD"));
	return err;
}

/* What happens with the old file then is the administrator's, or exec_after_rotate's. */
int logger_rotate(struct logger *l)
{
	struct logger_conf *conf = obj_hold(l->conf);
	struct text now = { 0 };
	int err = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct channel_out *c = &l->out[i];
		int one;

		if (c->fd < 0)
			continue;
		one = rotate_file(text_z(&c->path), conf->rotatestrategy, time(NULL), &now);
		if (!one)
			rotate_exec(conf->exec_after_rotate, text_view(&now));
		err = one ? one : err;
	}
	if (l->queue.path.n && !rotate_file(text_z(&l->queue.path), conf->rotatestrategy, time(NULL), &now))
		rotate_exec(conf->exec_after_rotate, text_view(&now));
	text_free(&now);
	apply(l, conf, NULL);
	tell_queue(l, STR("CONFIGRELOAD"));
	obj_drop(conf);
	return err;
}

void logger_set_consoles(struct logger *l, struct manage *m, int level)
{
	l->consoles = m;
	l->console_level = level;
	set_mask(l);
}

void logger_queue(void *arg, const struct queue_event *e)
{
	queue_log_write(&((struct logger *)arg)->queue, (int64_t)time(NULL), e);
}

int logger_custom(void *arg, struct str level, struct str text)
{
	struct logger *l = arg;
	char out[10240], ms_text[8] = "";
	size_t at = 0;
	long ms;
	int n;

	while (at < l->conf->custom_levels.n && at < LOGGER_CUSTOM_MAX && !str_ieq(level, l->conf->custom_levels.v[at]))
		at++;
	if (at == l->conf->custom_levels.n || at == LOGGER_CUSTOM_MAX)
		return ENOENT;
	level = l->conf->custom_levels.v[at];
	pthread_mutex_lock(&l->lock);
	date_of(l, &ms);
	if (l->millis)
		snprintf(ms_text, sizeof(ms_text), ".%03u", (unsigned)ms % 1000);
	n = snprintf(out, sizeof(out), "[%s%s] %.*s[%ld] dialplan: ", l->date, ms_text, STR_ARG(level), (long)syscall(SYS_gettid));
	/* A line end within would make a line that nobody wrote. */
	for (size_t i = 0; i < text.n && (size_t)n < sizeof(out) - 1; i++)
		out[n++] = (unsigned char)text.p[i] < ' ' ? ' ' : text.p[i];
	out[n++] = '\n';
	for (size_t i = 0; i < l->n; i++) {
		struct channel_out *c = &l->out[i];

		if (!(c->conf->levels & 1u << (LOGGER_CUSTOM + at)))
			continue;
		c->lines++;
		if (c->conf->kind == LOGGER_SYSLOG)
			to_syslog(LOG_NOTICE, "dialplan", text);
		else if (c->fd >= 0)
			write_line(c->fd, out, (size_t)n);
	}
	pthread_mutex_unlock(&l->lock);
	return 0;
}

void logger_show(struct logger *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct channel_out *c = &l->out[i];
		static const char *const kinds[] = { "File", "Console", "Syslog" };

		buf_printf(out, "%-50s %-10s %-8s", c->path.n ? text_z(&c->path) : "", kinds[c->conf->kind],
			   c->conf->kind == LOGGER_FILE && c->fd < 0 ? "Disabled" : "Enabled");
		for (unsigned k = 0; k < LOG_LEVELS; k++)
			if (c->conf->levels & 1u << k)
				buf_printf(out, " %s", log_level_name((enum log_level)k));
		for (size_t k = 0; k < l->conf->custom_levels.n && k < LOGGER_CUSTOM_MAX; k++)
			if (c->conf->levels & 1u << (LOGGER_CUSTOM + k))
				buf_printf(out, " %.*s", STR_ARG(l->conf->custom_levels.v[k]));
		buf_char(out, '\n');
	}
}
