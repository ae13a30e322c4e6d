#define LOG_MODULE "manage"
#include "manage/manage.h"
#include "base/fiber.h"
#include "base/log.h"
#include "config/reader.h"
#include "manage/command.h"
#include "manage/console.h"
#include "manage/manager.h"
#include "manage/pjsip_view.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdlib.h>

#define STOP_LOOK_MS 50

struct manage_wait {
	struct list link;
	struct fiber *fiber;
};

static void manage_free(void *arg)
{
	struct manage *m = arg;

	obj_drop(m->conf);
	text_free(&m->version);
	text_free(&m->socket);
}

int manage_start(struct manage **out, const struct manage_prm *prm, struct report *r)
{
	struct manage *m = obj_new(sizeof(*m), manage_free);
	int err;

	if (!m)
		return ENOMEM;
	list_init(&m->waiting);
	m->loop = prm->loop;
	m->wheel = loop_wheel(prm->loop);
	m->clock = loop_clock(prm->loop);
	m->conf = obj_hold((void *)(size_t)prm->conf);
	m->hooks = prm->hooks;
	m->started_us = m->reloaded_us = clock_wall_us(m->clock);
	err = text_set(&m->version, str_z(prm->version));
	if (!err && prm->socket)
		err = text_set(&m->socket, str_z(prm->socket));
	if (!err && prm->socket) {
		err = console_start(&m->console, m, prm->socket);
		if (err)
			report_add(r, REPORT_ERROR, STR_NULL, 0, "the console cannot listen on %s: %s",
				   prm->socket, strerror(err));
	}
	if (err)
		obj_drop(m);
	else
		*out = m;
	return err;
}

static void wake_all(struct manage *m)
{
	list_each(l, &m->waiting)
		fiber_wake(container_of(l, struct manage_wait, link)->fiber);
}

void manage_stop(struct manage *m)
{
	if (!m)
		return;
	m->stopping = true;
	wake_all(m);
	manager_stop(m->manager);
	m->manager = NULL;
	console_stop(m->console);
	m->console = NULL;
	if (m->service)
		view_maintenance_free(m->service);
	obj_drop(m);
}

void manage_attach(struct manage *m, struct pbx *pbx, struct service *service, struct astdb *db)
{
	m->pbx = pbx;
	m->service = service;
	m->db = db;
	if (m->manager)
		manager_listen_events(m->manager);
}

int manage_set_manager(struct manage *m, struct manager_conf *conf, struct report *r)
{
	if (!m->manager) {
		int err = manager_new(&m->manager, m);

		if (err)
			return err;
	}
	return manager_set_conf(m->manager, conf, r);
}

/* ---- waiting ---------------------------------------------------------- */

int manage_wait_booted(struct manage *m)
{
	struct manage_wait *w;

	if (m->booted || m->stopping)
		return m->stopping ? ECANCELED : 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return ENOMEM;
	w->fiber = fiber_self();
	list_append(&m->waiting, &w->link);
	while (!m->booted && !m->stopping)
		fiber_wait();
	list_remove(&w->link);
	free(w);
	return m->booted ? 0 : ECANCELED;
}

void manage_wait_stopped(struct manage *m)
{
	struct manage_wait w = { .fiber = fiber_self() };
	unsigned asked = m->stops;

	if (!m->hooks.stop_waits)
		return;
	obj_hold(m);
	list_append(&m->waiting, &w.link);
	while (!m->stopping && m->stops == asked && m->hooks.stop_waits(m->hooks.arg))
		fiber_sleep(m->wheel, STOP_LOOK_MS);
	list_remove(&w.link);
	obj_drop(m);
}

struct turn {
	struct fiber *fiber;
	bool over;
};

static void on_turn(void *arg)
{
	struct turn *t = arg;

	t->over = true;
	fiber_wake(t->fiber);
}

void manage_yield(struct manage *m)
{
	struct turn t = { .fiber = fiber_self() };

	if (!t.fiber || loop_defer(m->loop, on_turn, &t))
		return;
	while (!t.over)
		fiber_wait();
}

/* ---- boot ------------------------------------------------------------- */

static int to_log(void *arg, struct str text)
{
	struct str line;

	(void)arg;
	while (str_line(&text, &line))
		if (line.n)
			log_verbose(3, "%.*s", STR_ARG(line));
	return 0;
}

/* cli.conf [startup_commands]: "core set debug 4 = yes"; a line that is not yes
 * is left out. The command may itself hold no '='. */
static void run_startup(void *arg)
{
	struct manage *m = arg;
	struct config_prm prm = { .dir = m->conf->astetcdir.p, .exec_includes = m->conf->execincludes };
	const struct config_section *s;
	struct config *c = NULL;

	if (!m->conf->astetcdir.n || config_load(&c, &prm, "cli.conf", NULL))
		goto out;
	s = config_section_get(c, STR("startup_commands"));
	for (const struct config_var *v = s ? s->first : NULL; v && !m->stopping; v = v->next) {
		bool yes = false;

		if (!str_bool(v->value, &yes) && yes)
			command_run(m, v->name, to_log, NULL);
	}
	config_free(c);
 out:
	obj_drop(m);
}

void manage_write_booted(struct manage *m, struct buf *b)
{
	int64_t now = clock_wall_us(m->clock);

	buf_printf(b, "Uptime: %lld\r\nLastReload: %lld\r\nStatus: Fully Booted\r\n",
		   (long long)((now - m->started_us) / 1000000), (long long)((now - m->reloaded_us) / 1000000));
}

void manage_booted(struct manage *m)
{
	struct fiber *f;

	if (m->booted)
		return;
	m->booted = true;
	wake_all(m);
	if (m->pbx && m->pbx->events) {
		struct event *e = event_new(m->pbx->events, "FullyBooted", EV_SYSTEM);

		if (e) {
			manage_write_booted(m, &e->body);
			event_send(m->pbx->events, e);
		}
	}
	if (!m->conf)
		return;
	f = fiber_new(run_startup, obj_hold(m), 0);
	if (f)
		fiber_wake(f);
	else
		obj_drop(m);
}

void manage_log(struct manage *m, enum log_level level, int verbosity, struct str line)
{
	if (m && m->console)
		console_log(m->console, level, verbosity, line);
}

/* Status: Asterisk's numbers for how a reload went. */
static void tell_reload(struct manage *m, struct str module, int err)
{
	struct event *e = m->pbx ? event_new(m->pbx->events, "Reload", EV_SYSTEM) : NULL;

	if (!e)
		return;
	event_put(e, "Module", module.n ? module : STR("All"));
	event_put(e, "Status", !err || err == EALREADY ? STR("0") : err == ENOENT ? STR("2") :
			       err == EBUSY ? STR("4") : STR("3"));
	event_send(m->pbx->events, e);
}

int manage_reload(struct manage *m, struct str module, struct report *r)
{
	int err;

	if (!m->hooks.reload)
		return ENOSYS;
	if (m->reloading) {
		tell_reload(m, module, EBUSY);
		return EBUSY;
	}
	m->reloading = true;
	err = m->hooks.reload(m->hooks.arg, module, r);
	m->reloading = false;
	if (!err || err == EALREADY)
		m->reloaded_us = clock_wall_us(m->clock);
	tell_reload(m, module, err);
	return err;
}

/* ---- words ------------------------------------------------------------ */

void manage_write_span(struct buf *b, int64_t s)
{
	static const struct { const char *name; int64_t s; } units[] = {
		{ "year", 31536000 }, { "week", 604800 }, { "day", 86400 }, { "hour", 3600 }, { "minute", 60 },
		{ "second", 1 },
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		int64_t n = s / units[i].s;

		s -= n * units[i].s;
		if (!n && (any || i + 1 < ARRAY_LEN(units)))
			continue;
		buf_printf(b, "%s%lld %s%s", any ? ", " : "", (long long)n, units[i].name, n == 1 ? "" : "s");
		any = true;
	}
}
