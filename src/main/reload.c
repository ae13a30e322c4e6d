/* Reading files again while the program runs: which there are, and what each applies. */
#define LOG_MODULE "reload"
#include "main/reload.h"
#include "base/fiber.h"
#include "base/log.h"
#include "main/confdir_lock.h"
#include "main/logger.h"
#include "pbx/dialplan.h"
#include "pbx/fax.h"
#include "pbx/features.h"
#include "pbx/moh.h"
#include "service/call/codecs.h"
#include "service/geoloc/geoloc.h"
#include "service/message/notify.h"
#include "service/object/settings.h"
#include "service/stir/stir.h"
#include <errno.h>
#include <stdlib.h>

#define SERVER_NAMESERVERS 8

/* ---- work that a pool thread does while a fiber waits ------------------------------- */

struct job {
	struct server *s;
	struct fiber *fiber;
	void (*work)(struct job *j);
	struct report *r;
	struct snapshot *conf;          /* in: previous; out: new */
	struct dialplan *plan;
	struct notify_conf *notify;
	struct stir_conf *stir;         /* in: previous; out: new */
	struct geoloc_conf *geoloc;
	struct vars globals;
	int err;
	bool done;
};

static void job_work(void *arg)
{
	struct job *j = arg;

	j->work(j);
}

static void job_done(void *arg)
{
	struct job *j = arg;

	j->done = true;
	fiber_wake(j->fiber);
}

static int run_job(struct job *j)
{
	int err;

	j->fiber = fiber_self();
	if (!j->fiber) {        /* before the loop runs nothing else could wait anyway */
		j->work(j);
		return j->err;
	}
	err = loop_work(j->s->loop, job_work, job_done, j);
	if (err)
		return err;
	while (!j->done)
		fiber_wait();
	return j->err;
}

/* ---- pjsip ------------------------------------------------------------------------------ */

static void build_snapshot(struct job *j)
{
	struct snapshot_prm sp = { .dir = j->s->cprm.dir, .exec_includes = j->s->cprm.exec_includes,
		.previous = j->conf };
	struct snapshot *now = NULL;

	j->err = snapshot_build(&now, &sp, j->r);
	j->conf = now;
}

static int reload_pjsip(struct server *s, struct report *r)
{
	struct snapshot *before = obj_hold(s->service->conf);
	struct job j = { .s = s, .work = build_snapshot, .r = r, .conf = before };
	int err = run_job(&j);

	if (!err) {
		service_set_conf(s->service, j.conf, r);
		obj_drop(j.conf);
	}
	obj_drop(before);
	return err == EALREADY ? 0 : err;
}

/* ---- dialplan ----------------------------------------------------------------------------- */

static void on_fault(void *arg, struct str file, unsigned line, struct str text)
{
	report_add(arg, REPORT_WARNING, file, line, "%.*s", STR_ARG(text));
}

static void build_dialplan(struct job *j)
{
	struct config *cfg = NULL;

	j->err = config_load(&cfg, &j->s->cprm, "extensions.conf", j->r);
	if (j->err == ENOENT) {
		report_add(j->r, REPORT_WARNING, STR("extensions.conf"), 0,
			   "not there: no extension can be called; create it in the configuration directory");
		j->err = config_parse(&cfg, &j->s->cprm, STR("extensions.conf"), STR_NULL, j->r);
	}
	if (!j->err)
		j->err = dialplan_build(&j->plan, cfg, &j->globals, on_fault, j->r);
	config_free(cfg);
}

static int reload_dialplan(struct server *s, struct report *r)
{
	struct job j = { .s = s, .work = build_dialplan, .r = r };
	int err = run_job(&j);

	if (err) {
		vars_free(&j.globals);
		return err;
	}
	dialplan_install(s->pbx, j.plan, &j.globals);
	return 0;
}

static int load_music(struct server *s)
{
	struct config *cfg = NULL;
	int err = config_load(&cfg, &s->cprm, "musiconhold.conf", NULL);

	if (!err)
		err = moh_load(s->pbx, cfg, s->conf->astdatadir);
	config_free(cfg);
	return err == ENOENT ? 0 : err;
}

static int load_features(struct server *s, struct report *r)
{
	struct features_conf *f = NULL;
	struct config *cfg = NULL;
	int err = config_load(&cfg, &s->cprm, "features.conf", r);

	if (!err)
		err = features_build(&f, cfg, r);
	if (!err)
		features_set(s->pbx, f);
	config_free(cfg);
	return err == ENOENT ? 0 : err;
}

static int reload_features(struct server *s, struct report *r)
{
	return load_features(s, r);
}

static int reload_music(struct server *s, struct report *r)
{
	(void)r;
	return load_music(s);
}

static int reload_fax(struct server *s, struct report *r)
{
	struct fax_conf *c = NULL;
	int err = fax_conf_load(&c, &s->cprm, r);

	if (!err)
		faxes_set(s->pbx->fax, c);
	obj_drop(c);
	return err;
}

int server_dialplan_reload(struct server *s)
{
	load_music(s);
	load_features(s, s->report);
	if (reload_fax(s, s->report) == ENOMEM)
		return ENOMEM;
	/* A dialplan that cannot be read leaves an empty one; the console says why. */
	if (reload_dialplan(s, s->report) == ENOMEM)
		return ENOMEM;
	return 0;
}

/* ---- pjsip_notify -------------------------------------------------------------------------- */

static void load_notify(struct job *j)
{
	j->err = notify_conf_load(&j->notify, &j->s->cprm, j->r);
}

static int reload_notify(struct server *s, struct report *r)
{
	struct job j = { .s = s, .work = load_notify, .r = r };
	int err = run_job(&j);

	if (!err)
		notify_set_conf(s->service, j.notify);
	obj_drop(j.notify);
	return err;
}

int server_notify_reload(struct server *s)
{
	return reload_notify(s, s->report);
}

/* ---- stir_shaken ------------------------------------------------------------------------------ */

static void load_stir(struct job *j)
{
	struct stir_conf_prm prm = { .files = &j->s->cprm, .data_dir = j->s->conf->astdatadir, .previous = j->stir };
	struct named_acls *acls = NULL;
	struct stir_conf *now = NULL;

	/* The faults of acl.conf itself come with pjsip.conf. */
	j->err = named_acls_load(&acls, &j->s->cprm, NULL);
	prm.acls = acls;
	j->err = j->err ? j->err : stir_conf_load(&now, &prm, j->r);
	obj_drop(acls);
	j->stir = now;
}

static int reload_stir(struct server *s, struct report *r)
{
	struct stir_conf *before = obj_hold((void *)(size_t)stir_conf_of(s->service));
	struct job j = { .s = s, .work = load_stir, .r = r, .stir = before };
	int err = run_job(&j);

	if (!err)
		err = stir_set_conf(s->service, j.stir);
	if (j.stir != before)
		obj_drop(j.stir);
	obj_drop(before);
	return err;
}

int server_stir_reload(struct server *s)
{
	return reload_stir(s, s->report);
}

/* Lists that stir_shaken.conf names too. */
static int reload_acl(struct server *s, struct report *r)
{
	int err = reload_pjsip(s, r), more = reload_stir(s, r);

	return err ? err : more;
}

/* ---- geolocation --------------------------------------------------------------------------- */

static void load_geolocation(struct job *j)
{
	j->err = geoloc_conf_load(&j->geoloc, &j->s->cprm, j->r);
}

static int reload_geolocation(struct server *s, struct report *r)
{
	struct job j = { .s = s, .work = load_geolocation, .r = r };
	int err = run_job(&j);

	if (!err)
		geoloc_set_conf(s->service, j.geoloc);
	obj_drop(j.geoloc);
	return err;
}

int server_geolocation_reload(struct server *s)
{
	return reload_geolocation(s, s->report);
}

/* ---- the others ------------------------------------------------------------------------------ */

static int reload_manager(struct server *s, struct report *r)
{
	struct named_acls *acls = NULL;
	struct manager_conf *mc = NULL;
	int err = named_acls_load(&acls, &s->cprm, r);

	if (!err)
		err = manager_conf_load(&mc, &s->cprm, acls, r);
	if (!err)
		err = manage_set_manager(s->manage, mc, r);
	obj_drop(mc);
	obj_drop(acls);
	return err;
}

int server_manager_reload(struct server *s)
{
	return reload_manager(s, s->report);
}

static int reload_logger(struct server *s, struct report *r)
{
	struct logger_conf *lc = NULL;
	int err = logger_conf_load(&lc, &s->cprm, r);

	if (!err)
		err = logger_reload(s->logger, lc, r);
	obj_drop(lc);
	return err;
}

static int reload_media(struct server *s, struct report *r)
{
	(void)r;
	return server_media_reload(s);
}

static int reload_codecs(struct server *s, struct report *r)
{
	struct codecs_conf *cc = NULL;
	int err = codecs_conf_load(&cc, &s->cprm, r);

	if (!err)
		codecs_set_conf(s->service, cc);
	obj_drop(cc);
	return err;
}

int server_codecs_reload(struct server *s)
{
	return reload_codecs(s, s->report);
}

int server_dns_start(struct server *s)
{
	struct dns_prm dp = { .hosts = STR("system"), .resolv = STR("system") };
	struct str servers[SERVER_NAMESERVERS];
	const struct config_section *g;
	struct config *cfg = NULL;
	int err;

	config_load(&cfg, &s->cprm, "resolver_unbound.conf", NULL);
	g = cfg ? config_section_get(cfg, STR("general")) : NULL;
	dp.nameserver = servers;
	for (const struct config_var *v = g ? g->first : NULL; v; v = v->next) {
		if (str_ieq(v->name, STR("hosts")))
			dp.hosts = v->value;
		else if (str_ieq(v->name, STR("resolv")))
			dp.resolv = v->value;
		else if (str_ieq(v->name, STR("ta_file")))
			dp.ta_file = v->value;
		else if (str_ieq(v->name, STR("nameserver")) && dp.nameservers < SERVER_NAMESERVERS)
			servers[dp.nameservers++] = v->value;
	}
	err = dns_new(&s->dns, s->loop, &dp);
	config_free(cfg);
	return err;
}

void server_dns_stop(struct server *s)
{
	dns_free(s->dns);
	s->dns = NULL;
}

/* ---- statsd ------------------------------------------------------------------------------------ */

static int reload_statsd(struct server *s, struct report *r)
{
	struct statsd_conf *c = NULL;
	int err = statsd_conf_load(&c, &s->cprm, r);

	if (err)
		return err;
	err = statsd_configure(s->statsd, &(struct statsd_prm){ .enabled = c->enabled, .add_newline = c->add_newline,
			       .meter_support = c->meter_support, .server = c->server, .prefix = c->prefix });
	if (err)
		report_add(r, REPORT_ERROR, STR("statsd.conf"), 0, "server '%.*s': %s", STR_ARG(c->server),
			   err == EINVAL ? "is neither an address nor a name, with or without a port" : strerror(err));
	obj_drop(c);
	return err == ENOMEM ? err : 0;
}

int server_statsd_start(struct server *s)
{
	int err = statsd_new(&s->statsd, s->loop, s->dns, NULL, NULL);

	if (err)
		return err;
	s->pbx->statsd = s->statsd;
	s->pbx->channel_stats = modules_conf_load(&s->cprm, STR("res_chan_stats.so"));
	s->pbx->endpoint_stats = modules_conf_load(&s->cprm, STR("res_endpoint_stats.so"));
	return reload_statsd(s, s->report);
}

/* ---- which name reloads what ------------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*reload)(struct server *s, struct report *r);
} rows[] = {
	{ "res_pjsip", reload_pjsip },
	{ "pjsip", reload_pjsip },
	{ "chan_pjsip", reload_pjsip },
	{ "acl", reload_acl },
	{ "http", reload_pjsip },
	{ "res_stir_shaken", reload_stir },
	{ "stir_shaken", reload_stir },
	{ "res_pjsip_notify", reload_notify },
	{ "pjsip_notify", reload_notify },
	{ "res_geolocation", reload_geolocation },
	{ "geolocation", reload_geolocation },
	{ "pbx_config", reload_dialplan },
	{ "dialplan", reload_dialplan },
	{ "extensions", reload_dialplan },
	{ "features", reload_features },
	{ "res_musiconhold", reload_music },
	{ "moh", reload_music },
	{ "res_fax", reload_fax },
	{ "manager", reload_manager },
	{ "logger", reload_logger },
	{ "codecs", reload_codecs },
	{ "codec_opus", reload_codecs },
	{ "res_statsd", reload_statsd },
	{ "statsd", reload_statsd },
	{ "dsp", reload_media },
	{ "rtp", reload_media },
	{ "res_rtp_asterisk", reload_media },
	{ "udptl", reload_media },
};

static bool is_name(struct str module, const char *row)
{
	if (str_ends(module, STR(".so")))
		module.n -= 3;
	return str_ieq(module, str_z(row));
}

static int reload_all(struct server *s, struct report *r)
{
	static int (*const all[])(struct server *, struct report *) = { reload_logger, reload_manager, reload_media, reload_codecs,
		reload_features, reload_music, reload_fax, reload_dialplan, reload_pjsip,
		reload_notify, reload_statsd, reload_stir, reload_geolocation };
	int first = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		int err = all[i](s, r);

		first = first ? first : err;
	}
	return first;
}

static int hook_reload(void *arg, struct str module, struct report *r)
{
	struct server *s = arg;
	struct confdir_lock lock = { .fd = -1 };
	int err = ENOENT;

	if (s->reloading)
		return EBUSY;
	s->reloading = true;
	if (s->conf->lockconfdir) {
		err = confdir_lock(&lock, loop_wheel(s->loop), s->conf->astetcdir, s->conf->lockmode);
		if (err) {
			log_warning("Cannot grab lock on %.*s: %s", STR_ARG(s->conf->astetcdir), strerror(err));
			s->reloading = false;
			return err == ENOENT ? EIO : err;
		}
		err = ENOENT;
	}
	if (!module.n)
		err = reload_all(s, r);
	for (size_t i = 0; module.n && i < ARRAY_LEN(rows); i++) {
		if (is_name(module, rows[i].name)) {
			err = rows[i].reload(s, r);
			break;
		}
	}
	/* One of the res_pjsip_* family: they are one here. */
	if (err == ENOENT && str_istarts(module, STR("res_pjsip")))
		err = reload_pjsip(s, r);
	s->reloading = false;
	confdir_unlock(&lock);
	report_log(r);          /* whoever asked is told too; the log is for the others */
	return err;
}

static void hook_stop(void *arg, enum manage_stop how, bool restart)
{
	server_stop(arg, how, restart);
}

static bool hook_stop_waits(void *arg)
{
	return ((struct server *)arg)->stopping;
}

static int hook_rotate(void *arg)
{
	return logger_rotate(((struct server *)arg)->logger);
}

static int hook_logger_reload(void *arg)
{
	return reload_logger(arg, NULL);
}

static void hook_logger_channels(void *arg, struct buf *out)
{
	logger_show(((struct server *)arg)->logger, out);
}

static void hook_verbose(void *arg, int level)
{
	struct server *s = arg;

	logger_set_consoles(s->logger, s->manage, level);
}

static bool hook_thread(void *arg, size_t i, struct manage_thread *out)
{
	struct server *s = arg;
	struct watchdog_thread t;

	if (!watchdog_thread(s->watchdog, i, &t))
		return false;
	*out = (struct manage_thread){ .turns = t.turns, .slow = t.slow, .longest_ms = t.longest_ms };
	str_copy(out->name, sizeof(out->name), str_z(t.name));
	return true;
}

static bool hook_store(void *arg, struct store_counters *out)
{
	struct server *s = arg;

	if (s->store)
		store_count(s->store, out);
	return s->store != NULL;
}

struct manage_hooks server_hooks(struct server *s)
{
	return (struct manage_hooks){ .arg = s, .stop = hook_stop, .stop_waits = hook_stop_waits, .reload = hook_reload,
		.logger_rotate = hook_rotate, .logger_reload = hook_logger_reload,
		.logger_channels = hook_logger_channels, .console_verbose = hook_verbose,
		.thread = hook_thread, .store = hook_store };
}

static void background(void *arg)
{
	struct server *s = arg;
	struct report *r = report_new();
	int err = manage_reload(s->manage, STR_NULL, r);

	if (err)
		log_error("reload: %s", strerror(err));
	report_free(r);
}

void server_reload_in_background(struct server *s)
{
	struct fiber *f = fiber_new(background, s, 0);

	fiber_set_name(f, (const struct str[]){ STR("reload") }, 1);
	if (f)
		fiber_wake(f);
}
