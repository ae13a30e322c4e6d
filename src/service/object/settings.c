/* acl.conf and manager.conf. */
#include "service/object/objects.h"
#include <errno.h>
#include <stdlib.h>

/* acl.conf */

struct named_acls {             /* obj */
	struct map *by_name;            /* held; case folded, as Asterisk compares them */
	struct acl **v;                 /* held */
	size_t n;
};

static void named_acls_free(void *p)
{
	struct named_acls *a = p;

	for (size_t i = 0; i < a->n; i++)
		obj_drop(a->v[i]);
	free(a->v);
	map_free(a->by_name);
}

static int read_acl(const struct config *c, const struct config_section *s, struct report *r, struct acl **out)
{
	struct acl *a = acl_new(s->name);
	bool broken = false;
	int err = a ? 0 : ENOMEM;

	for (const struct config_var *v = s->first; !err && v; v = v->next) {
		bool permit = str_ieq(v->name, STR("permit"));

		if (!permit && !str_ieq(v->name, STR("deny"))) {
			config_fault(c, v, r, REPORT_ERROR, "acl '%.*s': unknown option '%.*s'; there are permit and deny",
				     STR_ARG(s->name), STR_ARG(v->name));
			continue;
		}
		err = acl_add(a, permit, v->value);
		if (err == EBADMSG) {
			config_fault(c, v, r, REPORT_ERROR, "acl '%.*s': '%.*s' is not an address or network; the list "
				     "refuses everybody until that is put right", STR_ARG(s->name), STR_ARG(v->value));
			broken = true;
			err = 0;
		}
	}
	/* A rule nobody can read could be the one that keeps someone out. */
	if (!err && broken)
		err = acl_add(a, false, STR("0.0.0.0/0,::/0"));
	if (err)
		obj_drop(a);
	else
		*out = a;
	return err;
}

int named_acls_build(struct named_acls **ap, const struct config *c, struct report *r)
{
	struct named_acls *a = obj_new(sizeof(*a), named_acls_free);
	int err = a ? 0 : ENOMEM;

	if (err)
		return err;
	a->by_name = map_new(true);
	a->v = calloc(config_section_count(c) + 1, sizeof(*a->v));
	if (!a->by_name || !a->v)
		err = ENOMEM;
	for (const struct config_section *s = config_first(c); !err && s; s = config_next(s)) {
		if (map_get(a->by_name, s->name)) {
			report_add(r, REPORT_ERROR, config_file_name(c, s->file), s->line,
				   "acl '%.*s' is there twice; the first counts", STR_ARG(s->name));
			continue;
		}
		err = read_acl(c, s, r, &a->v[a->n]);
		if (!err) {
			struct acl *e = a->v[a->n++];

			err = map_add(a->by_name, acl_name(e), e);
		}
	}
	if (err)
		obj_drop(a);
	else
		*ap = a;
	return err;
}

int named_acls_parse(struct named_acls **ap, struct str text, struct report *r)
{
	struct config_prm prm = { 0 };
	struct config *c = NULL;
	int err = config_parse(&c, &prm, STR("acl.conf"), text, r);

	if (!err)
		err = named_acls_build(ap, c, r);
	config_free(c);
	return err;
}

int named_acls_load(struct named_acls **ap, const struct config_prm *prm, struct report *r)
{
	struct config *c = NULL;
	int err = config_load(&c, prm, "acl.conf", r);

	if (err == ENOENT)
		return named_acls_parse(ap, STR(""), r);
	if (!err)
		err = named_acls_build(ap, c, r);
	config_free(c);
	return err;
}

struct acl *named_acls_get(const struct named_acls *a, struct str name)
{
	return map_get(a->by_name, name);
}

size_t named_acls_count(const struct named_acls *a)
{
	return a->n;
}

struct acl *named_acls_at(const struct named_acls *a, size_t i)
{
	return i < a->n ? a->v[i] : NULL;
}

/* manager.conf */

static const struct {
	const char *name;
	uint32_t bit;
} perms[] = {
	{ "system", PERM_SYSTEM }, { "call", PERM_CALL }, { "log", PERM_LOG }, { "verbose", PERM_VERBOSE },
	{ "command", PERM_COMMAND }, { "agent", PERM_AGENT }, { "user", PERM_USER }, { "config", PERM_CONFIG },
	{ "dtmf", PERM_DTMF }, { "reporting", PERM_REPORTING }, { "cdr", PERM_CDR }, { "dialplan", PERM_DIALPLAN },
	{ "originate", PERM_ORIGINATE }, { "agi", PERM_AGI }, { "cc", PERM_CC }, { "aoc", PERM_AOC },
	{ "test", PERM_TEST }, { "security", PERM_SECURITY }, { "message", PERM_MESSAGE }, { "all", PERM_ALL },
	{ "none", 0 },
};

int manager_perm_parse(struct str s, uint32_t *mask, struct str *bad)
{
	struct str wrong = STR_NULL;

	*mask = 0;
	while (s.n) {
		struct str word = str_trim(str_cut_raw(&s, ','));
		size_t i = 0;

		if (!word.n)
			continue;
		while (i < ARRAY_LEN(perms) && !str_ieq(word, str_z(perms[i].name)))
			i++;
		if (i < ARRAY_LEN(perms))
			*mask |= perms[i].bit;
		else if (!wrong.p)
			wrong = word;
	}
	if (bad)
		*bad = wrong;
	return wrong.p ? EBADMSG : 0;
}

void manager_perm_write(struct buf *b, uint32_t mask)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(perms) && perms[i].bit; i++) {
		if ((mask & perms[i].bit) != perms[i].bit)
			continue;
		buf_printf(b, "%s%s", first ? "" : ",", perms[i].name);
		first = false;
	}
	if (first)
		buf_put(b, STR("<none>"));
}

#define MAX32 4294967295.0
#define M struct manager_conf
/* One field, several names. */
#define AS(k, nm, f, T) { .name = nm, .kind = k, .offset = OPT_AT(M, f, T), .flags = OPT_OLD | OPT_HIDDEN, .help = "The same as " #f "." }
#define VOID(nm) OPT_NONE(nm, NULL, OPT_VOID | OPT_HIDDEN, "Of TLS as a client, which this is not.")
static const struct option general_rows[] = {
	OPT_BOOL(M, enabled, "no", 0, "Listen for managers."),
	OPT_BOOL(M, webenabled, "no", 0, "Also over HTTP: /rawman, /manager, /mxml, /arawman, /amanager, /amxml of http.conf's server."),
	OPT_LIST(M, allowed_origins, NULL, 0, "Of other sites, whose pages may use it over HTTP: https://example.com, ... Not in Asterisk."),
	OPT_UINT(M, port, "5038", 1, 65535, NULL, 0, "Port to listen on."),
	OPT_STR(M, bindaddr, NULL, 0, "Address to listen on; empty: every address."),
	OPT_BOOL(M, brokeneventsaction, "no", 0, "Answer Events as old versions did: not at all when all events are asked for, or none that there is."),
	OPT_BOOL(M, allowmultiplelogin, "yes", 0, "One user may be logged in several times."),
	OPT_BOOL(M, displayconnects, "yes", 0, "Log logins and logoffs."),
	OPT_BOOL(M, timestampevents, "no", 0, "Add Timestamp to events."),
	OPT_BOOL(M, debug, "no", 0, "Add SequenceNumber, File, Line and Func to events; only the number tells something here."),
	OPT_UINT(M, httptimeout, "60", 1, 86400 * 365.0, "s", 0, "How long a session over HTTP lives after its last request."),
	OPT_UINT(M, authtimeout, "30", 1, MAX32, "s", 0, "Time to log in."),
	OPT_UINT(M, authlimit, "50", 1, MAX32, "sessions", 0, "Most sessions that have not logged in."),
	OPT_LIST(M, channelvars, NULL, 0, "Variables and functions of a channel that are told with it (ChanVariable) in each event."),
	OPT_LIST(M, disabledevents, NULL, 0, "Events that are never sent."),
	OPT_BOOL(M, tlsenable, "no", 0, "Listen with TLS too."),
	OPT_STR(M, tlsbindaddr, NULL, 0, "Address and port for TLS; as bindaddr, and 5039."),
	OPT_STR(M, tlscertfile, NULL, 0, "Certificate, then those of its authorities, as PEM."),
	OPT_STR(M, tlsprivatekey, NULL, 0, "Key of it; not given: it stands in tlscertfile."),
	OPT_STR(M, tlscipher, NULL, 0, "Ciphers allowed, by OpenSSL's names; TLS 1.3 only when some of it are named."),
	OPT_BOOL(M, tlsdisablev1, "yes", OPT_VOID, "TLS 1.0 is not spoken."),
	OPT_BOOL(M, tlsdisablev11, "yes", OPT_VOID, "TLS 1.1 is not spoken."),
	OPT_BOOL(M, tlsdisablev12, "no", 0, "No TLS 1.2."),
	OPT_BOOL(M, tlsservercipherorder, "yes", OPT_VOID, "Our order of ciphers counts."),
	AS(OPTION_BOOL, "sslenable", tlsenable, bool), AS(OPTION_STRING, "sslbindaddr", tlsbindaddr, struct str),
	AS(OPTION_STRING, "sslcert", tlscertfile, struct str), AS(OPTION_STRING, "tlscert", tlscertfile, struct str),
	AS(OPTION_STRING, "sslprivatekey", tlsprivatekey, struct str), AS(OPTION_STRING, "sslcipher", tlscipher, struct str),
	VOID("tlscafile"), VOID("tlscapath"), VOID("tlscadir"), VOID("tlsverifyclient"), VOID("tlsdontverifyserver"),
	VOID("tlsclientmethod"), VOID("sslclientmethod"),
};
#undef M
static const struct option_set general_set = {
	.type = "general", .file = "manager.conf", .rows = general_rows, .n = ARRAY_LEN(general_rows),
	.size = sizeof(struct manager_conf), .help = "The manager interface.",
};

static int parse_perms(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct str bad;

	(void)o;
	if (manager_perm_parse(value, field, &bad))
		return option_why(ctx, "'%.*s' is not a class of events (system, call, log, verbose, command, user, config, "
				  "dtmf, reporting, cdr, dialplan, originate, security, message, all ...)", STR_ARG(bad));
	return 0;
}

static void write_perms(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	manager_perm_write(b, *(const uint32_t *)field);
}

#define U struct manager_user
#define ACLS(n, pf, wf, v, h) OPT_CUSTOM_AS(n, U, acl, const struct acl_set *, pf, wf, v, NULL, 0, h)
static const struct option user_rows[] = {
	OPT_SECRET(U, secret, 0, "Password."),
	ACLS("acl", parse_acl, write_acl, "names from acl.conf between commas", "Named lists that the user's address must pass."),
	ACLS("deny", parse_deny, NULL, "address or network; may be repeated", "Addresses the user may not come from."),
	ACLS("permit", parse_permit, NULL, "address or network; may be repeated", "Addresses it may, although a deny above fits."),
	OPT_CUSTOM(U, read, uint32_t, parse_perms, write_perms, "classes between commas, or all", NULL, 0, "Classes of events it gets."),
	OPT_CUSTOM(U, write, uint32_t, parse_perms, write_perms, "classes between commas, or all", NULL, 0, "Classes of actions it may take."),
	OPT_UINT(U, writetimeout, "100", 100, MAX32, "ms", 0, "How long its connection may stall."),
	OPT_BOOL(U, displayconnects, "yes", 0, "Log its logins and logoffs; else as in [general]."),
	OPT_BOOL(U, allowmultiplelogin, "yes", 0, "It may be logged in several times; else as in [general]."),
	OPT_CUSTOM(U, setvar, const struct conf_var_list *, parse_set_var, write_vars, "NAME=value; may be repeated", NULL, 0,
		"A variable on channels it originates."),
	{ .name = "eventfilter*", .kind = OPTION_CUSTOM, .parse = parse_each_var, .write = write_vars,
	  .offset = OPT_AT(U, eventfilter, const struct conf_var_list *), .values = "filter", .flags = OPT_PREFIX,
	  .help = "Which events it gets: an expression to match, with ! one to leave out." },
};
static const struct option_set user_set = {
	.type = "user", .file = "manager.conf", .rows = user_rows, .n = ARRAY_LEN(user_rows), .size = sizeof(U),
	.help = "A user of the manager interface: any section but [general].",
};

const struct option_set *manager_conf_options(unsigned i)
{
	static const struct option_set *const sets[] = { &general_set, &user_set };

	return i < ARRAY_LEN(sets) ? sets[i] : NULL;
}

static void manager_conf_free(void *p)
{
	struct manager_conf *c = p;

	for (size_t i = 0; i < c->acl_n; i++)
		for (size_t k = 0; k < c->acls[i]->n; k++)
			obj_drop(c->acls[i]->v[k]);
	free(c->acls);
	arena_free(c->arena);
}

const struct manager_user *manager_conf_user(const struct manager_conf *c, struct str name)
{
	for (size_t i = 0; i < c->users; i++)
		if (str_eq(c->user[i].name, name))
			return &c->user[i];
	return NULL;
}

/* Values that do not parse cost the option, not the interface. */
static int read_general(struct manager_conf *c, struct object_build *b, struct report *r)
{
	const struct config_section *s = config_section_get(b->c, STR("general"));
	struct manager_conf held = *c;
	struct option_index *i = NULL;
	int err = option_index_new(&i, &general_set, &b->ctx);

	if (err)
		return err;
	option_begin(i, &b->ctx, c);
	c->arena = held.arena;
	for (const struct config_var *v = s ? s->first : NULL; !err && v; v = v->next) {
		struct str near;

		err = option_apply(i, &b->ctx, c, v->name, v->value);
		if (err == EBADMSG)
			config_fault(b->c, v, r, REPORT_ERROR, "[general] %.*s: %s", STR_ARG(v->name), b->ctx.why);
		if (err == ENOENT) {
			near = option_nearest(i, v->name);
			config_fault(b->c, v, r, REPORT_ERROR, "[general]: unknown option '%.*s'%s%.*s%s", STR_ARG(v->name),
				     near.n ? "; did you mean '" : "", STR_ARG(near), near.n ? "'?" : "");
		}
		err = err == ENOMEM ? err : 0;
	}
	option_index_free(i);
	return err;
}

static void set_listen(struct manager_conf *c, struct report *r)
{
	if (!c->bindaddr.n || sa_parse(&c->listen, c->bindaddr)) {
		if (c->bindaddr.n)
			report_add(r, REPORT_ERROR, STR("manager.conf"), 0, "[general] bindaddr: '%.*s' is not an address; "
				   "127.0.0.1 is used", STR_ARG(c->bindaddr));
		sa_parse(&c->listen, c->bindaddr.n ? STR("127.0.0.1") : STR("::"));
	}
	sa_set_port(&c->listen, (uint16_t)c->port);
	if (!c->tlsbindaddr.n || sa_parse(&c->tls_listen, c->tlsbindaddr))
		c->tls_listen = c->listen;
	if (!c->tlsbindaddr.n || !sa_port(&c->tls_listen))
		sa_set_port(&c->tls_listen, 5039);
}

/* setvar and eventfilter both gather variables, so each is read in a pass of its
 * own: `filters` says which. */
static int read_user_pass(struct manager_user *u, struct object_build *b, const struct option_index *i,
			  const struct config_section *s, bool filters, struct report *r)
{
	int err = 0;

	build_reset(b);
	for (const struct config_var *v = s->first; err != ENOMEM && v; v = v->next) {
		bool is_filter = str_istarts(v->name, STR("eventfilter"));

		if (is_filter != filters)
			continue;
		err = option_apply(i, &b->ctx, u, v->name, v->value);
		if (err == EBADMSG)
			config_fault(b->c, v, r, REPORT_ERROR, "user '%.*s': %.*s: %s; the user is left out", STR_ARG(s->name),
				     STR_ARG(v->name), b->ctx.why);
		if (err == ENOENT)
			config_fault(b->c, v, r, REPORT_ERROR, "user '%.*s': unknown option '%.*s'", STR_ARG(s->name),
				     STR_ARG(v->name));
		if (err == EBADMSG || err == ENOMEM)
			return err;
	}
	return err == ENOMEM ? err : 0;
}

static int read_user(struct manager_conf *c, struct manager_user *u, struct object_build *b,
		     const struct option_index *i, const struct config_section *s, struct report *r)
{
	int err;

	b->s = s;
	b->ctx.object = s->name;
	option_begin(i, &b->ctx, u);
	u->displayconnects = c->displayconnects;
	u->allowmultiplelogin = c->allowmultiplelogin;
	u->line = s->line;
	err = read_user_pass(u, b, i, s, true, r);
	if (!err)
		err = build_vars(b, &u->eventfilter);
	if (!err)
		err = read_user_pass(u, b, i, s, false, r);
	if (!err)
		err = build_vars(b, &u->setvar);
	if (!err)
		err = build_acl(b, &b->acl, &u->acl);
	if (!err)
		u->name = intern_str(b->ctx.intern, s->name, &err);
	if (!err && !u->secret.s.n)
		build_fault(b, REPORT_WARNING, "user '%.*s' has no secret, so it cannot log in", STR_ARG(s->name));
	return err;
}

static int read_users(struct manager_conf *c, struct object_build *b, struct report *r)
{
	struct manager_user *v = arena_alloc(c->arena, (config_section_count(b->c) + 1) * sizeof(*v));
	struct option_index *i = NULL;
	int err = v ? option_index_new(&i, &user_set, &b->ctx) : ENOMEM;

	c->user = v;
	b->type = "user";
	for (const struct config_section *s = config_first(b->c); !err && s; s = config_next(s)) {
		if (str_ieq(s->name, STR("general")))
			continue;
		err = read_user(c, &v[c->users], b, i, s, r);
		c->users += err == 0;
		err = err == ENOMEM ? err : 0;
	}
	option_index_free(i);
	return err;
}

static int manager_build(struct manager_conf **cp, const struct config *text, const struct named_acls *acls,
			 struct report *r)
{
	struct manager_conf *c = obj_new(sizeof(*c), manager_conf_free);
	struct object_build b = { .c = text, .r = r, .acls = acls };
	int err = c ? 0 : ENOMEM;

	if (err)
		return err;
	c->arena = arena_new(0);
	b.ctx.arena = c->arena;
	b.ctx.user = &b;
	b.ctx.intern = c->arena ? intern_new(c->arena) : NULL;
	if (!b.ctx.intern)
		err = ENOMEM;
	if (!err)
		err = read_general(c, &b, r);
	if (!err)
		err = read_users(c, &b, r);
	if (!err) {
		set_listen(c, r);
		/* The sets are the configuration's from here on. */
		c->acls = b.set;
		c->acl_n = b.sets;
		b.set = NULL;
		b.sets = 0;
	}
	intern_free(b.ctx.intern);
	build_free(&b);
	if (!err && arena_failed(c->arena))
		err = ENOMEM;
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}

int manager_conf_parse(struct manager_conf **cp, struct str text, const struct named_acls *acls,
		       struct report *r)
{
	struct config_prm prm = { 0 };
	struct config *c = NULL;
	int err = config_parse(&c, &prm, STR("manager.conf"), text, r);

	if (!err)
		err = manager_build(cp, c, acls, r);
	config_free(c);
	return err;
}

int manager_conf_load(struct manager_conf **cp, const struct config_prm *prm, const struct named_acls *acls,
		      struct report *r)
{
	struct config *c = NULL;
	int err = config_load(&c, prm, "manager.conf", r);

	if (err == ENOENT)
		return manager_conf_parse(cp, STR(""), acls, r);
	if (err && err != EBADMSG && err != ENOMEM)
		report_add(r, REPORT_ERROR, STR("manager.conf"), 0, "cannot be read: %s", strerror(err));
	if (!err)
		err = manager_build(cp, c, acls, r);
	config_free(c);
	return err;
}
