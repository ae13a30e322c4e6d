/* The managers and consoles as a whole: what they may use, their start and their end. */
#define LOG_MODULE "manage"
#include "manage/manage.h"
#include "base/fiber.h"
#include "base/log.h"
#include "config/reader.h"
#include "manage/command.h"
#include "manage/console.h"
#include "manage/manager.h"
#include "manage/pace.h"
#include "manage/pjsip_view.h"
#include "pbx/event.h"
#include "service/common/service.h"
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
	obj_drop(m->rtp);
	obj_drop(m->udptl);
	text_free(&m->version);
	text_free(&m->socket);
	obj_drop(m->pace);
}

int manage_start(struct manage **out, const struct manage_prm *prm, struct report *r)
{
	struct manage *m = obj_new(sizeof(*m), manage_free);
	int err;

	if (!m)
		return ENOMEM;
	list_init(&m->waiting);
	list_init(&m->files_waiting);
	m->loop = prm->loop;
	m->wheel = loop_wheel(prm->loop);
	m->clock = loop_clock(prm->loop);
	m->conf = obj_hold((void *)(size_t)prm->conf);
	m->hooks = prm->hooks;
	m->started_us = m->reloaded_us = clock_wall_us(m->clock);
	m->pace = pace_new(prm->loop);
	err = m->pace ? text_set(&m->version, str_z(prm->version)) : ENOMEM;
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

static void wake_all(struct list *waiting)
{
	list_each(l, waiting)
		fiber_wake(container_of(l, struct manage_wait, link)->fiber);
}

void manage_stop(struct manage *m)
{
	if (!m)
		return;
	m->stopping = true;
	wake_all(&m->waiting);
	wake_all(&m->files_waiting);
	pace_stop(m->pace);
	manager_stop(m->manager);
	m->manager = NULL;
	console_stop(m->console);
	m->console = NULL;
	m->web = obj_drop(m->web);
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
	if (service && service->web)
		manage_set_web(m, service->web);
}

int manage_set_web(struct manage *m, struct web *web)
{
	obj_hold(web);
	obj_drop(m->web);
	m->web = web;
	return m->manager ? manager_set_web(m->manager, web) : 0;
}

void manage_set_rtp(struct manage *m, struct rtp_conf *conf)
{
	obj_drop(m->rtp);
	m->rtp = obj_hold(conf);
}

void manage_set_udptl(struct manage *m, struct udptl_conf *conf)
{
	obj_drop(m->udptl);
	m->udptl = obj_hold(conf);
}

int manage_set_manager(struct manage *m, struct manager_conf *conf, struct report *r)
{
	if (!m->manager) {
		int err = manager_new(&m->manager, m);

		err = err ? err : manager_set_web(m->manager, m->web);
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

/* Each is read by a thread of the pool, which others need too, and stays in memory
 * while its peer reads the answer. */
#define FILES 8

int manage_file_begin(struct manage *m)
{
	if (m->files >= FILES && !m->stopping) {
		struct manage_wait *w = calloc(1, sizeof(*w));

		if (!w)
			return ENOMEM;
		/* Behind those who came before; whoever ends wakes the first. */
		w->fiber = fiber_self();
		list_append(&m->files_waiting, &w->link);
		while (!m->stopping && (m->files >= FILES || m->files_waiting.next != &w->link))
			fiber_wait();
		list_remove(&w->link);
		free(w);
	}
	if (m->stopping)
		return ECANCELED;
	m->files++;
	if (m->files < FILES && !list_empty(&m->files_waiting))
		fiber_wake(container_of(m->files_waiting.next, struct manage_wait, link)->fiber);
	return 0;
}

void manage_file_end(struct manage *m)
{
	m->files--;
	if (!list_empty(&m->files_waiting))
		fiber_wake(container_of(m->files_waiting.next, struct manage_wait, link)->fiber);
}

void manage_step(struct manage *m)
{
	pace_step(m->pace);
}

#define RUN 512         /* pointers sorted or merged in one step */

/* v[from, mid) and v[mid, to), each sorted, become one. */
static void merge_halves(struct manage *m, void **v, void **tmp, size_t from, size_t mid, size_t to,
			 int (*cmp)(const void *, const void *))
{
	size_t a = from, b = mid;

	for (size_t i = from; i < to; i++) {
		if ((i - from) % RUN == 0)
			manage_step(m);
		tmp[i] = b >= to || (a < mid && cmp(&v[a], &v[b]) <= 0) ? v[a++] : v[b++];
	}
	memcpy(v + from, tmp + from, (to - from) * sizeof(*v));
}

int manage_sort(struct manage *m, void *array, size_t n, int (*cmp)(const void *, const void *))
{
	void **v = array, **tmp = n > RUN ? malloc(n * sizeof(*tmp)) : NULL;

	if (n > RUN && !tmp)
		return ENOMEM;
	for (size_t i = 0; i < n; i += RUN) {
		qsort(v + i, n - i < RUN ? n - i : RUN, sizeof(*v), cmp);
		manage_step(m);
	}
	for (size_t w = RUN; w < n; w *= 2) {
		for (size_t i = 0; i + w < n; i += 2 * w)
			merge_halves(m, v, tmp, i, i + w, n - i < 2 * w ? n : i + 2 * w, cmp);
	}
	free(tmp);
	/* What the caller would go on with is about to go. */
	return m->stopping ? ECANCELED : 0;
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
	wake_all(&m->waiting);
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
	fiber_set_name(f, (const struct str[]){ STR("startup commands") }, 1);
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
