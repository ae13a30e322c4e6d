/* The console's socket: one command at a time for each peer, and log lines for those
 * who watch. */
#define LOG_MODULE "console"
#include "manage/console.h"
#include "base/fiber.h"
#include "base/list.h"
#include "manage/command.h"
#include "manage/client.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_MODE 0660
#define PEERS 64                /* consoles and commands at once */
#define OUT_LIMIT (8u << 20)    /* [bytes] a reader may fall behind */
#define OUT_LOW (256u << 10)    /* [bytes] a listing goes on below this */
#define STALL 600000            /* [ms] somebody may look at a pager; peers are few and their queues short */
#define LOG_QUEUE 1000          /* lines of other threads on their way here */

enum mode { HELLO, ONCE, INTERACTIVE };

struct peer {                   /* obj */
	struct list link;
	struct console *c;              /* NULL: the console stopped */
	struct client *client;          /* held */
	enum mode mode;
	int verbose;
	bool running, gone;
	struct text command;            /* being run */
	struct buf in;                  /* the line that is not complete yet, and what follows it */
};

struct console {
	struct manage *m;               /* not held: it owns us */
	struct client_listener *listener;
	struct list peers;
	size_t n;
	atomic_uint watchers;           /* interactive peers: then log lines are copied */
	atomic_uint queued;             /* lines posted and not delivered */
};

static void peer_free(void *arg)
{
	struct peer *p = arg;

	obj_drop(p->client);
	text_free(&p->command);
	buf_free(&p->in);
}

/* main/ formats lines up to the highest level that anybody watches. */
static void tell_level(struct console *c)
{
	int level = 0;

	list_each(l, &c->peers) {
		const struct peer *p = container_of(l, struct peer, link);

		if (p->mode == INTERACTIVE && p->verbose > level)
			level = p->verbose;
	}
	if (c->m->hooks.console_verbose)
		c->m->hooks.console_verbose(c->m->hooks.arg, level);
}

static bool hides(const struct console *c)
{
	return c->m->conf && c->m->conf->hideconnect;
}

static void leave_console(struct peer *p)
{
	if (p->gone)
		return;
	p->gone = true;
	client_close(p->client);
	if (p->c) {
		list_remove(&p->link);
		p->c->n--;
		if (p->mode == INTERACTIVE) {
			atomic_fetch_sub(&p->c->watchers, 1);
			tell_level(p->c);
		}
		if (p->mode != HELLO && !hides(p->c))
			log_verbose(3, "Remote UNIX connection disconnected");
		p->c = NULL;
	}
	obj_drop(p);
}

/* ---- commands --------------------------------------------------------- */

static int to_peer(void *arg, struct str text)
{
	struct peer *p = arg;

	if (p->gone || client_send(p->client, text))
		return EPIPE;
	return client_drain(p->client, OUT_LOW);
}

static void take_lines(struct peer *p);

/* A script that said "core stop gracefully" waits for the end, as it is used to;
 * an interactive console stays free to forget it. */
static void run_on(struct peer *p, struct manage *m)
{
	unsigned stops = m->stops;

	manage_step(m);
	if (p->gone || !p->c)
		return;
	command_run(m, text_view(&p->command), to_peer, p);
	if (p->mode == ONCE && p->c && m->stops != stops)
		manage_wait_stopped(m);
}

static void run_command(void *arg)
{
	struct peer *p = arg;

	struct manage *m = p->c ? obj_hold(p->c->m) : NULL;

	if (!p->gone && m)
		run_on(p, m);
	obj_drop(m);
	p->running = false;
	if (!p->gone && p->mode == ONCE) {
		leave_console(p);
	} else if (!p->gone) {
		client_send(p->client, str_mk("\0", 1));
		take_lines(p);
	}
	obj_drop(p);
}

static void start_command(struct peer *p, struct str line)
{
	struct fiber *f;

	if (text_set(&p->command, line)) {
		leave_console(p);
		return;
	}
	f = fiber_new(run_command, p, 0);
	if (!f) {
		leave_console(p);
		return;
	}
	fiber_set_name(f, (const struct str[]){ STR("console: "), line }, 2);
	p->running = true;
	obj_hold(p);
	fiber_wake(f);
}

static void read_greeting(struct peer *p, struct str line)
{
	struct str word = str_cut_raw(&line, ' ');
	uint32_t level = 0;

	if (!hides(p->c))
		log_verbose(3, "Remote UNIX connection");
	if (str_eq(word, STR("x"))) {
		p->mode = ONCE;
		start_command(p, line);
	} else if (str_eq(word, STR("c")) && !str_u32(str_trim(line), &level)) {
		p->mode = INTERACTIVE;
		p->verbose = level > 99 ? 99 : (int)level;
		atomic_fetch_add(&p->c->watchers, 1);
		tell_level(p->c);
		client_send(p->client, str_mk("\0", 1));
	} else {
		leave_console(p);
	}
}

/* One command at a time: what comes meanwhile waits in `in`. */
static void take_lines(struct peer *p)
{
	obj_hold(p);
	while (!p->gone && !p->running && p->mode != ONCE) {
		struct str all = buf_view(&p->in);
		size_t at = str_chr(all, '\n');
		char *line;

		if (at == all.n) {
			if (all.n > COMMAND_LINE)
				leave_console(p);
			break;
		}
		line = str_dup(str_sub(all, 0, at));
		if (!line) {
			leave_console(p);
			break;
		}
		p->in.n -= at + 1;
		memmove(p->in.p, p->in.p + at + 1, p->in.n);
		if (p->mode == HELLO)
			read_greeting(p, str_rtrim(str_z(line)));
		else
			start_command(p, str_z(line));
		free(line);
	}
	if (!p->gone)
		client_pause(p->client, p->in.n > 4 * COMMAND_LINE);
	obj_drop(p);
}

static void on_data(void *arg, struct str bytes)
{
	struct peer *p = arg;

	buf_put(&p->in, bytes);
	if (buf_err(&p->in))
		leave_console(p);
	else
		take_lines(p);
}

static void on_closed(void *arg, int err)
{
	(void)err;
	leave_console(arg);
}

static void on_peer(void *arg, struct client *s)
{
	static const struct client_ops ops = { on_data, on_closed, NULL };
	struct console *c = arg;
	struct peer *p = c->n < PEERS ? obj_new(sizeof(*p), peer_free) : NULL;

	if (!p) {
		client_close(s);
		obj_drop(s);
		return;
	}
	p->c = c;
	p->client = s;
	p->in.max = 64u << 10;
	list_append(&c->peers, &p->link);
	c->n++;
	client_limits(s, OUT_LIMIT, STALL);
	client_start(s, &ops, p);
}

/* astctlowner and astctlgroup: names, or numbers. */
static bool find_owner(struct str name, uid_t *uid)
{
	const struct passwd *p;
	char z[256];

	if (!str_u32(name, uid))
		return true;
	p = getpwnam(str_copy(z, sizeof(z), name));
	if (p)
		*uid = p->pw_uid;
	return p != NULL;
}

static bool find_group(struct str name, gid_t *gid)
{
	const struct group *g;
	char z[256];

	if (!str_u32(name, gid))
		return true;
	g = getgrnam(str_copy(z, sizeof(z), name));
	if (g)
		*gid = g->gr_gid;
	return g != NULL;
}

static void give_away(const struct asterisk_conf *conf, const char *path)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (!conf || (!conf->astctlowner.n && !conf->astctlgroup.n))
		return;
	if (conf->astctlowner.n && !find_owner(conf->astctlowner, &uid))
		log_warning("[files] astctlowner: there is no user '%.*s'", STR_ARG(conf->astctlowner));
	if (conf->astctlgroup.n && !find_group(conf->astctlgroup, &gid))
		log_warning("[files] astctlgroup: there is no group '%.*s'", STR_ARG(conf->astctlgroup));
	if (chown(path, uid, gid))
		log_warning("'%s' stays with its owner and group: %s", path, strerror(errno));
}

int console_start(struct console **out, struct manage *m, const char *path)
{
	struct console *c = calloc(1, sizeof(*c));
	uint32_t mode = SOCKET_MODE;
	int err;

	if (!c)
		return ENOMEM;
	c->m = m;
	list_init(&c->peers);
	if (m->conf && m->conf->astctlpermissions.n) {
		char z[16], *end;
		unsigned long v = strtoul(str_copy(z, sizeof(z), m->conf->astctlpermissions), &end, 8);

		if (!*end && v <= 0777)
			mode = (uint32_t)v;
	}
	err = client_listen_unix(&c->listener, m->loop, path, mode, on_peer, c);
	if (err) {
		free(c);
		return err;
	}
	give_away(m->conf, path);
	*out = c;
	return 0;
}

void console_stop(struct console *c)
{
	if (!c)
		return;
	client_unlisten(c->listener);
	while (!list_empty(&c->peers))
		leave_console(container_of(c->peers.next, struct peer, link));
	free(c);
}

/* ---- log lines -------------------------------------------------------- */

struct log_line {
	struct manage *m;               /* held */
	enum log_level level;
	int verbosity;
	size_t n;
	char p[];
};

static void show_line(struct console *c, enum log_level level, int verbosity, struct str line)
{
	char when[32];
	time_t now = (time_t)clock_wall_s(c->m->clock);
	struct tm tm;
	struct buf b = BUF_INIT;

	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm);
	buf_printf(&b, "[%s] %s: %.*s\n", when, log_level_name(level), STR_ARG(line));
	list_each_safe(l, tmp, &c->peers) {
		struct peer *p = container_of(l, struct peer, link);

		/* A watcher that is behind misses lines; commands have their own pace. */
		if (p->mode == INTERACTIVE && (level != LOG_VERBOSE || verbosity <= p->verbose) &&
		    client_queued(p->client) < OUT_LOW)
			client_send(p->client, buf_view(&b));
	}
	buf_free(&b);
}

static void deliver_line(void *arg)
{
	struct log_line *l = arg;
	struct console *c = l->m->console;

	if (c) {
		atomic_fetch_sub(&c->queued, 1);
		show_line(c, l->level, l->verbosity, str_mk(l->p, l->n));
	}
	obj_drop(l->m);
	free(l);
}

void console_log(struct console *c, enum log_level level, int verbosity, struct str line)
{
	struct log_line *l;

	if (!atomic_load_explicit(&c->watchers, memory_order_relaxed))
		return;
	if (atomic_fetch_add(&c->queued, 1) >= LOG_QUEUE)
		goto full;
	l = malloc(sizeof(*l) + line.n);
	if (!l)
		goto full;
	*l = (struct log_line){ .level = level, .verbosity = verbosity, .n = line.n };
	l->m = obj_hold(c->m);
	if (line.n)
		memcpy(l->p, line.p, line.n);
	if (!loop_post(c->m->loop, deliver_line, l))
		return;
	obj_drop(l->m);
	free(l);
 full:
	atomic_fetch_sub(&c->queued, 1);
}
