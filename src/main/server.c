/* The program from its first file to its last: starting the parts in order, and stopping them. */
#define LOG_MODULE "main"
#include "main/server.h"
#include "base/fiber.h"
#include "base/log.h"
#include "main/logger.h"
#include "main/reload.h"
#include "main/server_private.h"
#include "manage/check.h"
#include "manage/console.h"
#include "net/entity_own.h"
#include "pbx/dialplan.h"
#include "service/common/ice.h"
#include "service/object/settings.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANGUP_MS 15000         /* how long `core stop now` waits for what calls do at their end */
#define LEAVE_MS 500            /* ... and any stop for answers to what we unregister */
#define LOOK_MS 20

/* ---- directories, limits --------------------------------------------------------- */

static int make_dirs(char *path)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0755) && errno != EEXIST) {
			int err = errno;

			*p = c;
			return err;
		}
		*p = c;
		if (!c)
			return 0;
	}
}

static int need_dir(struct server *s, struct str path, const char *what)
{
	char *z;
	int err;

	if (!path.n)
		return 0;
	z = str_dup(path);
	err = z ? make_dirs(z) : ENOMEM;
	if (!err && access(z, W_OK))
		err = errno;
	if (err)
		report_add(s->report, REPORT_ERROR, STR("asterisk.conf"), 0,
			   "%s '%.*s' cannot be written: %s; create it, or give another one in [directories]", what,
			   STR_ARG(path), strerror(err));
	free(z);
	return err;
}

static int make_all_dirs(struct server *s)
{
	const struct asterisk_conf *c = s->conf;
	int err = need_dir(s, c->astrundir, "astrundir");

	if (!err)
		err = need_dir(s, c->astdbdir, "astdbdir");
	if (!err)
		err = need_dir(s, c->astlogdir, "astlogdir");
	need_dir(s, c->astspooldir, "astspooldir");
	return err;
}

static void raise_limits(struct server *s)
{
	struct rlimit r;

	/* Two sockets a leg: the usual 1024 end at 250 calls. */
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		rlim_t want = s->conf->maxfiles ? s->conf->maxfiles : r.rlim_max;

		r.rlim_cur = want > r.rlim_max ? r.rlim_max : want;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	if (s->conf->dumpcore) {
		r.rlim_cur = r.rlim_max = RLIM_INFINITY;
		setrlimit(RLIMIT_CORE, &r);
	}
}

/* ---- rooms, in order ------------------------------------------------------------------ */

static int start_logger(struct server *s)
{
	struct logger_conf *lc = NULL;
	struct logger_prm lp = { .dir = s->conf->astlogdir.p, .terminal = s->prm.terminal,
		.verbose = s->prm.verbose + s->conf->verbose, .debug = s->prm.debug + s->conf->debug };
	int err = logger_conf_load(&lc, &s->cprm, s->report);

	if (!err)
		err = logger_start(&s->logger, lc, &lp, s->report);
	obj_drop(lc);
	return err;
}

static int start_manage(struct server *s)
{
	struct manage_prm mp = { .loop = s->loop, .conf = s->conf, .version = SIDETONE_VERSION,
		.socket = text_z(&s->socket), .hooks = server_hooks(s) };
	struct str name = s->conf->astctl.n ? s->conf->astctl : STR("asterisk.ctl");
	int err = text_printf(&s->socket, "%.*s/%.*s", STR_ARG(s->conf->astrundir), STR_ARG(name));

	mp.socket = text_z(&s->socket);
	if (!err)
		err = manage_start(&s->manage, &mp, s->report);
	if (err == EADDRINUSE)
		report_add(s->report, REPORT_ERROR, STR("asterisk.conf"), 0,
			   "another server already answers on '%s'; stop it, or give another astrundir",
			   text_z(&s->socket));
	return err;
}

static int start_store(struct server *s)
{
	struct text path = { 0 }, why = { 0 };
	struct store_prm sp = { 0 };
	int err = text_printf(&path, "%.*s/sidetone.sqlite3", STR_ARG(s->conf->astdbdir));

	sp.path = text_view(&path);
	if (!err)
		err = store_open(&s->store, s->loop, &sp, &why);
	if (err && why.n)
		report_add(s->report, REPORT_ERROR, STR_NULL, 0, "%s", text_z(&why));
	if (!err)
		err = astdb_new(&s->db, s->store);
	if (!err)
		err = contact_store_new(&s->contacts, s->store);
	if (!err)
		err = subscription_store_new(&s->kept, s->store);
	if (!err)
		err = publication_store_new(&s->kept_publications, s->store);
	text_free(&path);
	text_free(&why);
	return err;
}

/* What dialplans read as ${ASTETCDIR} and so on. */
static int set_constants(struct server *s)
{
	const struct asterisk_conf *c = s->conf;
	const struct { struct str name, value; } v[] = {
		{ STR("ASTETCDIR"), c->astetcdir }, { STR("ASTMODDIR"), c->astmoddir },
		{ STR("ASTVARLIBDIR"), c->astvarlibdir }, { STR("ASTDBDIR"), c->astdbdir },
		{ STR("ASTKEYDIR"), c->astkeydir }, { STR("ASTDATADIR"), c->astdatadir },
		{ STR("ASTAGIDIR"), c->astagidir }, { STR("ASTSPOOLDIR"), c->astspooldir },
		{ STR("ASTRUNDIR"), c->astrundir }, { STR("ASTLOGDIR"), c->astlogdir },
		{ STR("ASTSBINDIR"), c->astsbindir }, { STR("ASTCACHEDIR"), c->astcachedir },
		{ STR("VERSION()"), STR(ASTERISK_VERSION) },
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_LEN(v); i++)
		err = vars_set(&s->pbx->constants, v[i].name, v[i].value);
	return err;
}

static int start_pbx(struct server *s)
{
	struct pbx_prm pp = { .loop = s->loop, .media = s->media, .db = s->db, .systemname = s->conf->systemname,
		.entityid = s->conf->entityid.n ? s->conf->entityid : str_z(s->entity),
		.default_language = s->conf->defaultlanguage, .sounds_dir = text_view(&s->sounds),
		.spool_dir = s->conf->astspooldir, .mindtmfduration = s->conf->mindtmfduration };
	int err;

	entity_id_own(s->entity);
	err = pbx_new(&s->pbx, &pp);
	if (!err) {
		s->pbx->calls_max = s->prm.max_calls ? s->prm.max_calls : s->conf->maxcalls;
		s->pbx->live_dangerously = s->conf->live_dangerously;
		s->pbx->transmit_silence = s->conf->transmit_silence;
		s->pbx->logs = (struct pbx_logs){ s->logger, logger_custom, logger_queue };
		s->pbx->silence_threshold = s->silence_threshold;
		err = set_constants(s);
	}
	if (!err)
		err = server_dialplan_reload(s);
	return err;
}

static struct share_limits share_limits(const struct own_conf *c)
{
	return (struct share_limits){ .percent = c->max_share, .transactions = c->max_transactions,
		.transaction_bytes = (size_t)c->transaction_memory << 20,
		.transactions_per_address = c->address_transactions, .dialogs = c->max_dialogs,
		.calls_per_endpoint = c->endpoint_calls, .calls_per_address = c->address_calls };
}

static int start_service(struct server *s)
{
	struct snapshot_prm sp = { .dir = s->cprm.dir, .exec_includes = s->cprm.exec_includes };
	struct service_prm vp = { .loop = s->loop, .io_threads = s->own->io_threads,
		.stranger_rate = s->own->stranger_rate, .pbx = s->pbx, .media = s->media, .contacts = s->contacts, .kept = s->kept,
		.kept_publications = s->kept_publications,
		.no_srtp = modules_conf_noload(&s->cprm, STR("res_srtp.so")),
		.no_t38 = modules_conf_noload(&s->cprm, STR("res_pjsip_t38.so")),
		.shares = share_limits(s->own) };
	struct snapshot *conf = NULL;
	int err = snapshot_build(&conf, &sp, s->report);

	/* Without a readable pjsip.conf there is still a console to say so. */
	if (err && err != ENOMEM)
		err = snapshot_parse(&conf, STR(""), STR(""), NULL, s->report);
	if (err)
		return err;
	err = server_dns_start(s);
	if (!err)
		err = server_statsd_start(s);
	vp.dns = s->dns;
	vp.conf = conf;
	vp.bind = s->prm.bind;
	vp.data_dir = s->conf->astdatadir;
	if (!err)
		err = service_new(&s->service, &vp, s->report);
	obj_drop(conf);
	if (!err)
		err = server_ice_reload(s);
	if (!err) {
		server_share(s);
		server_udptl(s);
	}
	return err;
}

/* runuser and rungroup: before anything is opened, so that all belongs to them. */
static int drop_privileges(struct server *s)
{
	const char *user = s->prm.user ? s->prm.user : s->conf->runuser.p;
	const char *group = s->prm.group ? s->prm.group : s->conf->rungroup.p;
	struct passwd *pw = user && *user ? getpwnam(user) : NULL;
	struct group *gr = group && *group ? getgrnam(group) : NULL;

	if ((user && *user && !pw) || (group && *group && !gr)) {
		report_add(s->report, REPORT_ERROR, STR("asterisk.conf"), 0,
			   "user '%s' (runuser, -U) or group '%s' (rungroup, -G) does not exist; create it or name none",
			   user ? user : "", group ? group : "");
		return ENOENT;
	}
	if (geteuid() != 0)     /* already somebody */
		return 0;
	if (gr && setgid(gr->gr_gid))
		return errno;
	if (pw && ((!gr && setgid(pw->pw_gid)) || initgroups(pw->pw_name, gr ? gr->gr_gid : pw->pw_gid) ||
		   setuid(pw->pw_uid)))
		return errno;
	return 0;
}

static int start_all(struct server *s)
{
	int err = drop_privileges(s);

	if (!err)
		err = make_all_dirs(s);

	if (!err)
		err = start_logger(s);
	if (!err)
		err = start_manage(s);
	if (err)
		return err;
	logger_set_consoles(s->logger, s->manage, 0);
	raise_limits(s);
	err = own_conf_load(&s->own, &s->cprm, s->report);
	if (!err)
		memory_keep_together(s->own->io_threads);
	if (!err)
		err = text_printf(&s->sounds, "%.*s/sounds", STR_ARG(s->conf->astdatadir));
	if (!err)
		err = start_store(s);
	if (!err)
		err = server_media_reload(s);
	if (!err)
		err = start_pbx(s);
	if (!err)
		err = start_service(s);
	if (err)
		return err;
	s->service->load.least_mb = s->conf->minmemfree;
	s->service->load.most = s->prm.max_load > 0 ? s->prm.max_load : s->conf->maxload;
	manage_attach(s->manage, s->pbx, s->service, s->db);
	err = store_start(s->store);
	if (!err)
		server_manager_reload(s);
	if (!err && (server_notify_reload(s) == ENOMEM || server_codecs_reload(s) == ENOMEM || server_stir_reload(s) == ENOMEM ||
		     server_geolocation_reload(s) == ENOMEM))
		err = ENOMEM;
	return err;
}

static void stop_all(struct server *s)
{
	if (s->pbx)
		pbx_stop(s->pbx);
	if (s->logger)
		logger_set_consoles(s->logger, NULL, 0);
	if (s->manage)
		manage_stop(s->manage);
	fiber_run_ready();
	if (s->store)
		store_drain(s->store);  /* its answers still need the service */
	service_free(s->service);
	if (s->pbx)
		pbx_free(s->pbx);
	media_close(s->media);
	if (s->store)
		store_close(s->store);
	if (s->db)
		astdb_free(s->db);
	statsd_free(s->statsd);
	server_dns_stop(s);
}

/* ---- stopping --------------------------------------------------------------------------- */

static void end_loop(struct server *s)
{
	timer_stop(&s->stop_timer);
	loop_stop(s->loop);
}

/* Looks again until the last call is gone, and then until the registrations that
 * we hold elsewhere are given back, which nobody waits long for. */
static void look_again(void *arg)
{
	struct server *s = arg;
	uint64_t now = clock_ms(clock_real());
	bool calls = s->pbx && channel_count(s->pbx) && now < s->stop_by_ms;

	if (!calls && !s->leaving) {
		s->leaving = true;
		s->stop_by_ms = now + LEAVE_MS;
		if (s->service)
			service_stop(s->service);
	}
	if (s->leaving && (!s->service || service_stopped(s->service) || now >= s->stop_by_ms)) {
		end_loop(s);
		return;
	}
	timer_start(loop_wheel(s->loop), &s->stop_timer, LOOK_MS, look_again, s);
}

static void stop_abort(struct server *s)
{
	timer_stop(&s->stop_timer);
	if (s->leaving && s->service)
		service_resume(s->service);
	s->stopping = s->leaving = false;
	if (s->pbx)
		s->pbx->stopping = false;
}

void server_stop(struct server *s, enum manage_stop how, bool restart)
{
	if (how == MANAGE_STOP_ABORT) {
		stop_abort(s);
		return;
	}
	/* A wish that is less patient takes the place of the first. */
	if (s->stopping && how >= s->stop_how) {
		log_notice("Ignoring asterisk %s request, already in progress.", restart ? "restart" : "shutdown");
		return;
	}
	s->restart = restart;
	s->stop_how = how;
	s->stopping = true;
	s->stop_by_ms = UINT64_MAX;
	if (s->pbx)
		s->pbx->stopping = how != MANAGE_STOP_WHEN_CONVENIENT;
	if (how == MANAGE_STOP_NOW && s->pbx) {
		pbx_hangup_all(s->pbx, CAUSE_NORMAL);
		s->stop_by_ms = clock_ms(clock_real()) + HANGUP_MS;
	}
	timer_start(loop_wheel(s->loop), &s->stop_timer, 0, look_again, s);
}

static void on_signal(uv_signal_t *h, int sig)
{
	struct server *s = h->data;

	if (sig == SIGHUP)
		server_reload_in_background(s);
	else if (sig == SIGUSR1)
		logger_rotate(s->logger);
	else if (s->stopping && s->stop_how == MANAGE_STOP_NOW)
		end_loop(s);            /* asked twice: without patience */
	else
		server_stop(s, MANAGE_STOP_NOW, false);
}

static void watch_signals(struct server *s)
{
	static const int sigs[SERVER_SIGNALS] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

	for (size_t i = 0; i < SERVER_SIGNALS; i++) {
		s->signals[i].data = s;
		if (uv_signal_init(loop_uv(s->loop), &s->signals[i]) == 0)
			uv_signal_start(&s->signals[i], on_signal, sigs[i]);
	}
}

static void unwatch_signals(struct server *s)
{
	for (size_t i = 0; i < SERVER_SIGNALS; i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
}

/* ---- watching ---------------------------------------------------------------------------- */

#define SLOW_REASONS 5          /* newest records told with a long turn */
#define DUMP_REASONS 20

static void on_slow(void *arg, uint64_t ms)
{
	struct server *s = arg;
	struct buf what = BUF_INIT, why = BUF_INIT;
	struct str rest, line;

	watchdog_saw(s->watchdog, loop_turns(s->loop) - 1, &what);
	log_warning("A turn of the core took %llu ms%s%.*s", (unsigned long long)ms, what.n ? ", seen " : "",
		    STR_ARG(buf_view(&what)));
	if (s->service)
		reasons_explain(s->service->reasons, STR_NULL, SLOW_REASONS, &why);
	rest = buf_view(&why);
	while (str_line(&rest, &line))
		log_warning("  before that: %.*s", STR_ARG(line));
	buf_free(&what);
	buf_free(&why);
}

static void poke(void *arg)
{
	loop_poke(arg);
}

static void dump(void *arg, int fd)
{
	const struct server *s = arg;

	if (s->service)
		reasons_dump(s->service->reasons, DUMP_REASONS, fd);
}

/* Not before the loop turns: a start takes as long as it takes. */
static void start_watchdog(struct server *s)
{
	struct watchdog_prm wp = { .core = loop_pulse(s->loop), .poke = poke, .poke_arg = s->loop, .media = s->media,
		.warn_ms = s->own->warn_ms, .abort_ms = s->own->abort_ms, .dump = dump, .dump_arg = s };
	int err = watchdog_start(&s->watchdog, &wp);

	if (err)
		log_warning("Nobody watches for turns that take long: %s", strerror(err));
	loop_on_slow(s->loop, s->own->warn_ms, on_slow, s);
}

static void stop_watchdog(struct server *s)
{
	loop_on_slow(s->loop, 0, NULL, NULL);
	watchdog_stop(s->watchdog);
	s->watchdog = NULL;
}

/* ---- the whole ------------------------------------------------------------------------- */

static void on_booted(void *arg)
{
	struct server *s = arg;

	report_log(s->report);
	report_free(s->report);
	s->report = NULL;
	log_notice("Sidetone %s is up, %.1f ms after its start", SIDETONE_VERSION,
		   (double)(clock_us(clock_real()) - s->started_us) / 1000);
	manage_booted(s->manage);
	start_watchdog(s);
	if (s->prm.ready)
		s->prm.ready(s->prm.arg, s);
}

static int set_config_dir(struct server *s)
{
	int err = asterisk_conf_load(&s->conf, s->prm.config, s->report);

	if (err)
		return err;
	s->cprm = (struct config_prm){ .dir = s->conf->astetcdir.p, .exec_includes = s->conf->execincludes };
	return 0;
}

/* Where tools/gdb.py begins. The program itself never reads it: without "used" the
 * compiler would leave it out. */
static struct server *debugged_server __attribute__((used));

int server_run(const struct server_prm *prm)
{
	struct server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return 1;
	debugged_server = s;
	/* A start may already talk to others: certificates' servers. */
	signal(SIGPIPE, SIG_IGN);
	s->prm = *prm;
	s->started_us = clock_us(clock_real());
	s->report = report_new();
	s->loop = loop_new(clock_real());
	err = s->report && s->loop ? set_config_dir(s) : ENOMEM;
	if (!err)
		err = start_all(s);
	if (err) {
		report_print(s->report, stderr);
		fprintf(stderr, "sidetone: cannot start: %s\n", strerror(err));
	} else {
		watch_signals(s);
		memory_watch_start(&s->memory, loop_wheel(s->loop));
		loop_post(s->loop, on_booted, s);
		loop_run(s->loop);
		memory_watch_stop(&s->memory);
		stop_watchdog(s);
		unwatch_signals(s);
	}
	stop_all(s);
	logger_stop(s->logger);
	report_free(s->report);
	loop_free(s->loop);
	obj_drop(s->conf);
	obj_drop(s->own);
	obj_drop(s->rtp);
	obj_drop(s->udptl);
	text_free(&s->socket);
	text_free(&s->sounds);
	debugged_server = NULL;
	free(s);
	return err ? 1 : 0;
}
