/* `sidetone check`: reads a configuration, reports every fault and starts nothing. */
#include "manage/check.h"
#include "manage/check_options.h"
#include "config/settings.h"
#include "manage/check_apps.h"
#include "net/statsd.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include "service/common/transport_tls.h"
#include "service/geoloc/geoloc.h"
#include "service/object/settings.h"
#include "service/stir/stir_conf.h"
#include "service/web/web.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct check {
	struct report *r;
	struct config_prm prm;
	struct asterisk_conf *conf;     /* held */
	struct snapshot *snapshot;      /* held */
	struct manager_conf *manager;   /* held */
	bool running;                   /* a server with this configuration is up */
};

/* Files whose meaning is not judged here, but whose form is. */
static const char *const other_files[] = {
	"cdr.conf", "cel.conf", "codecs.conf", "confbridge.conf", "extconfig.conf", "hep.conf",
	"http.conf", "indications.conf", "modules.conf", "musiconhold.conf", "pjsip_notify.conf", "queues.conf",
	"res_parking.conf", "resolver_unbound.conf", "sorcery.conf", "stasis.conf",
	"udptl.conf", "voicemail.conf",
};

static void check_forms(struct check *k)
{
	for (size_t i = 0; i < ARRAY_LEN(other_files); i++) {
		struct config *c = NULL;
		int err = config_load(&c, &k->prm, other_files[i], k->r);

		if (err && err != ENOENT && err != EBADMSG)
			report_add(k->r, REPORT_ERROR, str_z(other_files[i]), 0, "cannot be read: %s", strerror(err));
		config_free(c);
	}
}

static void check_statsd(struct check *k)
{
	struct statsd_conf *c = NULL;
	struct str host;
	uint16_t port;
	struct sa a;

	if (statsd_conf_load(&c, &k->prm, k->r))
		return;
	if (c->enabled && statsd_server(c->server, &a, &host, &port))
		report_add(k->r, REPORT_ERROR, STR("statsd.conf"), 0,
			   "server '%.*s' is neither an address nor a name, with or without a port", STR_ARG(c->server));
	obj_drop(c);
}

static void check_features(struct check *k)
{
	struct features_conf *f = NULL;
	struct config *c = NULL;
	int err = config_load(&c, &k->prm, "features.conf", k->r);

	if (err && err != ENOENT && err != EBADMSG)
		report_add(k->r, REPORT_ERROR, STR("features.conf"), 0, "cannot be read: %s", strerror(err));
	if (!err && !features_build(&f, c, k->r))
		obj_drop(f);
	config_free(c);
}

static void dialplan_fault(void *arg, struct str file, unsigned line, struct str text)
{
	struct check *k = arg;

	report_add(k->r, REPORT_ERROR, file, line, "%.*s", STR_ARG(text));
}

static void check_dialplan(struct check *k)
{
	struct dialplan *d = NULL;
	struct config *c = NULL;
	int err = config_load(&c, &k->prm, "extensions.conf", k->r);

	if (err == ENOENT)
		report_add(k->r, REPORT_WARNING, STR("extensions.conf"), 0, "is not in %s; no number can be called without it",
			   k->prm.dir);
	else if (err && err != EBADMSG)
		report_add(k->r, REPORT_ERROR, STR("extensions.conf"), 0, "cannot be read: %s", strerror(err));
	if (!err && !dialplan_build(&d, c, NULL, dialplan_fault, k)) {
		check_apps(d, k->r);
		obj_drop(d);
	}
	config_free(c);
}

/* Directories: there and writable, or such that the start can make them. */

static void check_writable(struct check *k, struct str path, const char *what)
{
	struct str at = path;
	struct stat st;
	char z[4096];

	if (!path.n || path.n >= sizeof(z))
		return;
	while (access(str_copy(z, sizeof(z), at), F_OK) && at.n > 1) {
		at.n = str_rchr(at, '/') < at.n ? str_rchr(at, '/') : 0;
		at = at.n ? at : STR("/");
	}
	if (!stat(z, &st) && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	else if (!access(z, W_OK | X_OK))
		return;
	report_add(k->r, REPORT_ERROR, STR("asterisk.conf"), 0,
		   "%s '%.*s' cannot be written (%s: %s); give it to the user this runs as, or set another one in "
		   "[directories]", what, STR_ARG(path), z, strerror(errno));
}

static void check_dirs(struct check *k)
{
	const struct asterisk_conf *a = k->conf;

	check_writable(k, a->astdbdir, "astdbdir");
	check_writable(k, a->astrundir, "astrundir");
	check_writable(k, a->astlogdir, "astlogdir");
	check_writable(k, a->astspooldir, "astspooldir");
}

/* Ports: whoever has one now will have it at the start. A server that runs with
 * this configuration is no fault, so its console is looked for first. */

static bool is_running(const struct check *k)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(un.sun_path, sizeof(un.sun_path), "%.*s/%.*s", STR_ARG(k->conf->astrundir), STR_ARG(k->conf->astctl));
	if (n < 0 || (size_t)n >= sizeof(un.sun_path))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = connect(fd, (struct sockaddr *)&un, sizeof(un));
	close(fd);
	return n == 0;
}

static int try_bind(const struct sa *sa, int type, int v6only)
{
	int fd = socket(sa->u.s.sa_family, type | SOCK_CLOEXEC, 0), on = 1, err = 0;

	if (fd < 0)
		return errno;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa_is_v6(sa))
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, &sa->u.s, sa_len(sa)) || (type == SOCK_STREAM && listen(fd, 1)))
		err = errno;
	close(fd);
	return err;
}

static void port_fault(struct check *k, const char *file, uint32_t line, struct str who, const struct sa *sa, int err)
{
	char text[SA_TEXT];
	const char *what = err == EADDRINUSE ? "is in use by another program; stop that, or take another port" :
		err == EADDRNOTAVAIL ? "is no address of this machine; bind to one that is, or to 0.0.0.0" :
		err == EACCES ? "needs root, or a port from 1024 on" : strerror(err);

	report_add(k->r, REPORT_ERROR, str_z(file), line, "%.*s: %s %s", STR_ARG(who), sa_text(sa, text), what);
}

static int socket_type(const struct transport_conf *t)
{
	return t->protocol == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

/* WebSocket without a port is the HTTP server's, a flow is another transport's connection. */
static bool has_socket(const struct transport_conf *t)
{
	return t->protocol != TRANSPORT_FLOW && sa_port(&t->bind);
}

/* WebSocket without a port has the one of http.conf. */
static bool has_own_certificate(const struct transport_conf *t)
{
	return t->protocol == TRANSPORT_TLS || (t->protocol == TRANSPORT_WSS && sa_port(&t->bind));
}

static const struct transport_conf *same_port(const struct check *k, const struct transport_conf *mine)
{
	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, k->snapshot) {
		if (t == mine)
			return NULL;
		if (has_socket(t) && socket_type(t) == socket_type(mine) && sa_eq(&t->bind, &mine->bind))
			return t;
	}
	return NULL;
}

static void check_transport(struct check *k, const struct transport_conf *t)
{
	const struct transport_conf *other = same_port(k, t);
	char who[160];
	int err;

	snprintf(who, sizeof(who), "transport '%.*s'", STR_ARG(t->name));
	if (other) {
		report_add(k->r, REPORT_ERROR, str_z(t->o.file), t->o.line, "%s: transport '%.*s' binds to the same port; "
			   "take another one", who, STR_ARG(other->name));
		return;
	}
	err = k->running ? 0 : try_bind(&t->bind, socket_type(t), 1);
	if (err)
		port_fault(k, t->o.file, t->o.line, str_z(who), &t->bind, err);
}

static void check_manager_port(struct check *k)
{
	struct sa sa = k->manager->listen;
	int err = try_bind(&sa, SOCK_STREAM, 0);

	/* Every address of a machine without IPv6 is every IPv4 address. */
	if ((err == EAFNOSUPPORT || err == EADDRNOTAVAIL) && !k->manager->bindaddr.n) {
		sa_parse(&sa, STR("0.0.0.0"));
		sa_set_port(&sa, sa_port(&k->manager->listen));
		err = try_bind(&sa, SOCK_STREAM, 0);
	}
	if (err)
		port_fault(k, "manager.conf", 0, STR("[general]"), &sa, err);
}

static void check_ports(struct check *k)
{
	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, k->snapshot)
		if (has_socket(t))
			check_transport(k, t);
	if (!k->running && k->manager && k->manager->enabled)
		check_manager_port(k);
}

/* Certificates and keys as a start would load them: there, readable, not expired, fitting. Those of
 * endpoints were looked at when the endpoints were built. */
static void check_certificates(struct check *k)
{
	const struct http_conf *h = k->snapshot->http;
	struct tls_context *tls = NULL;

	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, k->snapshot)
		if (has_own_certificate(t) && !transport_tls_new(&tls, t, k->r))
			obj_drop(tls);
	if (h->tls && !web_tls_new(&tls, h, k->r))
		obj_drop(tls);
}

static void check_settings(struct check *k)
{
	struct named_acls *acls = NULL;
	struct logger_conf *logger = NULL;
	struct rtp_conf *rtp = NULL;
	struct codecs_conf *codecs = NULL;
	struct dsp_conf *dsp = NULL;
	struct own_conf *own = NULL;
	struct geoloc_conf *geoloc = NULL;
	struct fax_conf *fax = NULL;

	/* The faults of acl.conf itself came with the snapshot. */
	if (!named_acls_load(&acls, &k->prm, NULL))
		manager_conf_load(&k->manager, &k->prm, acls, k->r);
	logger_conf_load(&logger, &k->prm, k->r);
	rtp_conf_load(&rtp, &k->prm, k->r);
	codecs_conf_load(&codecs, &k->prm, k->r);
	dsp_conf_load(&dsp, &k->prm, k->r);
	own_conf_load(&own, &k->prm, k->r);
	geoloc_conf_load(&geoloc, &k->prm, k->r);
	fax_conf_load(&fax, &k->prm, k->r);
	obj_drop(acls);
	obj_drop(logger);
	obj_drop(rtp);
	obj_drop(codecs);
	obj_drop(dsp);
	obj_drop(own);
	obj_drop(geoloc);
}

/* Certificates' servers are not asked: that is a start's. */
static void check_stir(struct check *k)
{
	struct stir_conf_prm prm = { .files = &k->prm, .data_dir = k->conf->astdatadir, .only_check = true };
	struct named_acls *acls = NULL;
	struct stir_conf *stir = NULL;

	if (!named_acls_load(&acls, &k->prm, NULL)) {
		prm.acls = acls;
		stir_conf_load(&stir, &prm, k->r);
	}
	if (stir && k->snapshot)
		snapshot_each(endpoint, OBJECT_ENDPOINT, ep, k->snapshot)
			if (ep->stir_shaken_profile.n && !stir_list_get(&stir->profiles, ep->stir_shaken_profile))
				report_add(k->r, REPORT_WARNING, str_z(ep->o.file), ep->o.line, "endpoint '%.*s': stir_shaken_profile: "
					   "stir_shaken.conf has no profile '%.*s' without fault", STR_ARG(ep->name),
					   STR_ARG(ep->stir_shaken_profile));
	obj_drop(stir);
	obj_drop(acls);
}

static int check_dir(struct check *k, const char *dir)
{
	DIR *d = opendir(dir);

	if (!d) {
		report_add(k->r, REPORT_ERROR, str_z(dir), 0, errno == ENOENT ? "there is no such directory: %s" :
			   "cannot be read: %s", strerror(errno));
		return EBADMSG;
	}
	closedir(d);
	return 0;
}

static int check_conf(struct check *k, const char *dir)
{
	struct text path = { 0 };
	int err = text_printf(&path, "%s/asterisk.conf", dir);
	struct stat a, b;

	err = err ? err : asterisk_conf_load(&k->conf, text_z(&path), k->r);
	text_free(&path);
	if (err)
		return err;
	k->prm.exec_includes = k->conf->execincludes;
	if (!stat(dir, &a) && (stat(k->conf->astetcdir.p, &b) || a.st_ino != b.st_ino || a.st_dev != b.st_dev))
		report_add(k->r, REPORT_WARNING, STR("asterisk.conf"), 0, "astetcdir is '%.*s', so a server started with this "
			   "file reads its configuration there and not from %s", STR_ARG(k->conf->astetcdir), dir);
	return 0;
}

static void check_all(struct check *k)
{
	struct snapshot_prm prm = { .dir = k->prm.dir, .exec_includes = k->prm.exec_includes };
	int err = snapshot_build(&k->snapshot, &prm, k->r);

	check_settings(k);
	check_stir(k);
	check_dialplan(k);
	check_forms(k);
	check_features(k);
	check_statsd(k);
	check_dirs(k);
	k->running = is_running(k);
	if (!err) {
		check_certificates(k);
		check_ports(k);
	}
}

/* Notes (a file that may be missing is) are left out. */
static void print_faults(const struct check *k, FILE *out)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < report_count(k->r); i++) {
		const struct report_entry *e = report_at(k->r, i);

		if (e->level == REPORT_NOTE)
			continue;
		buf_reset(&b);
		report_write(&b, e);
		fprintf(out, "%s\n", buf_z(&b));
	}
	buf_free(&b);
}

static void print_summary(struct check *k, size_t faults, FILE *out)
{
	if (k->conf)
		check_options(&k->prm, out);
	if (faults)
		fprintf(out, "%zu fault%s in %s\n", faults, faults == 1 ? "" : "s", k->prm.dir);
	else
		fprintf(out, "%s is without fault: %zu endpoints, %zu aors, %zu auths, %zu transports\n", k->prm.dir,
			k->snapshot->list[OBJECT_ENDPOINT].n, k->snapshot->list[OBJECT_AOR].n,
			k->snapshot->list[OBJECT_AUTH].n, k->snapshot->list[OBJECT_TRANSPORT].n);
	if (k->running)
		fputs("a server runs with this configuration, so its ports were not tried\n", out);
}

int check_run(const char *dir, FILE *out)
{
	struct check k = { .prm = { .dir = dir } };
	size_t faults = 1;

	k.r = report_new();
	if (!k.r) {
		fputs("out of memory\n", out);
		goto out;
	}
	if (!check_dir(&k, dir) && !check_conf(&k, dir))
		check_all(&k);
	faults = report_errors(k.r) + report_warnings(k.r);
	/* Whatever ended the load said why; but never call nothing a success. */
	if (!faults && !k.snapshot) {
		report_add(k.r, REPORT_ERROR, str_z(dir), 0, "could not be loaded");
		faults = 1;
	}
	report_sort(k.r);
	print_faults(&k, out);
	print_summary(&k, faults, out);
 out:
	obj_drop(k.snapshot);
	obj_drop(k.manager);
	obj_drop(k.conf);
	report_free(k.r);
	return faults ? 1 : 0;
}
