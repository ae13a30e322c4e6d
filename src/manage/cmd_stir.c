/* stir_shaken ...: what stir_shaken.conf says and comes to, in Asterisk's words, and what a certificate is worth. */
#define LOG_MODULE "stir"
#include "base/log.h"
#include "manage/command.h"
#include "service/stir/stir.h"
#include <stdlib.h>

#define RULE "==============================================================================\n"
#define LINE "------------------------------------------------------------------------------\n"

static const struct stir_conf *conf_of(struct command_ctx *c)
{
	return stir_conf_of(c->m->service);
}

/* ---- one section ----------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct option *x = *(const struct option *const *)a, *y = *(const struct option *const *)b;

	return strcmp(x->name, y->name);
}

/* Rows that are shown, sorted by name. */
static size_t sorted_rows(const struct option_set *set, const struct option **v, size_t max)
{
	size_t n = 0;

	option_each(o, set)
		if (!(o->flags & OPT_HIDDEN) && n < max)
			v[n++] = o;
	qsort(v, n, sizeof(v[0]), by_name);
	return n;
}

/* What is not set is empty, numbers that are 0 too. */
static struct str shown_value(struct buf *b, const struct option *o, const struct stir_section *x)
{
	option_write(b, o, x, false);
	/* Without it a profile lets calls go on, whatever [verification] says. */
	if (str_eq(str_z(o->name), STR("failure_action")) && str_eq(buf_view(b), STR("not_set")))
		return STR("continue");
	return b->n && b->p[0] != '0' && !str_eq(buf_view(b), STR("not_set")) ? buf_view(b) : STR("");
}

static void put_mask(struct buf *b, const struct netmask *m)
{
	struct sa all = m->base;

	memset(sa_is_v6(&all) ? (void *)&all.u.in6.sin6_addr : (void *)&all.u.in4.sin_addr, 0xff, sa_is_v6(&all) ? 16 : 4);
	sa_mask_host(&all, m->bits);
	sa_write_bare(b, &m->base);
	buf_char(b, '/');
	sa_write_bare(b, &all);
}

static void put_list(struct command_ctx *c, const struct acl *a)
{
	struct str name = acl_name(a);
	struct netmask m;
	bool permit;

	command_printf(c, "   %.*s\n", STR_ARG(name.n ? name : STR("(permit/deny)")));
	for (size_t i = 0; acl_rule_at(a, i, &m, &permit); i++) {
		char room[128];
		struct buf b;

		buf_init(&b, room, sizeof(room), sizeof(room));
		put_mask(&b, &m);
		command_printf(c, "   %3zu: %5s - %s%s\n", i, permit ? "allow" : "deny", m.invert ? "!" : "", buf_z(&b));
	}
}

static void put_lists(struct command_ctx *c, const struct stir_section *x, int width)
{
	struct buf store = BUF_INIT;

	if (x->acl)
		command_printf(c, "x5u_acl:\n");
	else
		command_printf(c, "%-*s: (none)\n", width, "x5u_acl");
	for (size_t i = 0; x->acl && i < x->acl->n; i++)
		put_list(c, x->acl->v[i]);
	command_printf(c, "%-*s:%s\n", width, "Verification CA certificate store", x->store ? "" : " (none)");
	if (x->store)
		stir_store_write(x->store, &store);
	command_put(c, buf_view(&store));
	buf_free(&store);
}

static void put_section(struct command_ctx *c, const struct stir_section *x, const char *title)
{
	bool named = x->kind == STIR_TN || x->kind == STIR_PROFILE;
	const struct option *v[64];
	size_t n = sorted_rows(stir_conf_options(x->kind), v, ARRAY_LEN(v));
	size_t width = strlen(title) + (named ? x->name.n + 2 : 0);

	for (size_t i = 0; i < n; i++)
		width = strlen(v[i]->name) > width ? strlen(v[i]->name) : width;
	command_printf(c, "\n" RULE "%s%s%.*s\n" LINE, title, named ? ": " : "", STR_ARG(named ? x->name : STR("")));
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;
		struct str value = shown_value(&b, v[i], x);

		command_printf(c, "%-*s: %.*s\n", (int)width, v[i]->name, STR_ARG(value));
		buf_free(&b);
	}
	if (x->kind == STIR_PROFILE || x->kind == STIR_VERIFICATION)
		put_lists(c, x, (int)width);
	command_printf(c, "---------------------------------------------\n\n");
}

/* ---- commands ---------------------------------------------------------------------------------- */

static enum command_result show_global(struct command_ctx *c, enum stir_kind k)
{
	const struct stir_conf *conf = conf_of(c);
	const struct stir_section *x = !conf ? NULL : k == STIR_ATTESTATION ? conf->attestation : conf->verification;
	const char *name = stir_conf_options(k)->type;

	if (c->args)
		return COMMAND_USAGE;
	if (!x) {
		log_warning("Stir/Shaken %s service disabled.  Either there were errors in the '%s' object in stir_shaken.conf or it was "
			    "missing altogether.", name, name);
		return COMMAND_FAILED;
	}
	put_section(c, x, k == STIR_ATTESTATION ? "Default Attestation" : "Default Verification");
	return COMMAND_OK;
}

static enum command_result show_attestation(struct command_ctx *c)
{
	return show_global(c, STIR_ATTESTATION);
}

static enum command_result show_verification(struct command_ctx *c)
{
	return show_global(c, STIR_VERIFICATION);
}

static enum command_result show_all(struct command_ctx *c, const struct stir_list *l, const char *title, const char *what)
{
	if (c->args)
		return COMMAND_USAGE;
	if (!l || !l->n)
		command_printf(c, "No stir/shaken %s found\n", what);
	for (size_t i = 0; l && i < l->n; i++)
		put_section(c, l->v[i], title);
	return COMMAND_OK;
}

static const struct stir_list *tns(struct command_ctx *c) { return conf_of(c) ? &conf_of(c)->tns : NULL; }
static const struct stir_list *profiles(struct command_ctx *c) { return conf_of(c) ? &conf_of(c)->profiles : NULL; }
static const struct stir_list *eprofiles(struct command_ctx *c) { return conf_of(c) ? &conf_of(c)->eprofiles : NULL; }

static enum command_result show_tns(struct command_ctx *c) { return show_all(c, tns(c), "TN", "TNs"); }
static enum command_result show_profiles(struct command_ctx *c) { return show_all(c, profiles(c), "Profile", "profiles"); }
static enum command_result show_eprofiles(struct command_ctx *c) { return show_all(c, eprofiles(c), "Effective Profile", "eprofiles"); }

static enum command_result show_tn(struct command_ctx *c)
{
	const struct stir_section *x = tns(c) ? stir_list_get(tns(c), command_arg(c, 0)) : NULL;

	if (c->args != 1)
		return COMMAND_USAGE;
	if (x)
		put_section(c, x, "TN");
	else
		command_printf(c, "No stir/shaken configuration found\n");
	return COMMAND_OK;
}

static enum command_result show_one(struct command_ctx *c, const struct stir_list *l, const char *title)
{
	const struct stir_section *x = l ? stir_list_get(l, command_arg(c, 0)) : NULL;

	if (c->args != 1)
		return COMMAND_USAGE;
	if (!x) {
		log_error("%s %.*s doesn't exist", title, STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	put_section(c, x, title);
	return COMMAND_OK;
}

static enum command_result show_profile(struct command_ctx *c) { return show_one(c, profiles(c), "Profile"); }
static enum command_result show_eprofile(struct command_ctx *c) { return show_one(c, eprofiles(c), "Effective Profile"); }

/* The store to judge by. NULL: there is none, which was said. */
static const struct stir_store *store_for(struct command_ctx *c)
{
	struct str name = command_arg(c, 1);
	const struct stir_section *x;

	if (c->args < 2) {
		x = conf_of(c) ? conf_of(c)->verification : NULL;
		if (!x || !x->store)
			command_printf(c, "No verification store found\n");
		return x ? x->store : NULL;
	}
	x = profiles(c) ? stir_list_get(profiles(c), name) : NULL;
	if (!x)
		command_printf(c, "Profile %.*s doesn't exist\n", STR_ARG(name));
	else if (!x->store)
		command_printf(c, "Profile %.*s doesn't have a certificate store\n", STR_ARG(name));
	return x ? x->store : NULL;
}

/* One small file, because somebody at the console asks for it. */
static struct stir_cert *read_certificate(struct str file)
{
	char room[STIR_BODY_MAX];
	char *path = str_dup(file);
	FILE *f = path ? fopen(path, "re") : NULL;
	size_t n = f ? fread(room, 1, sizeof(room), f) : 0;

	if (f)
		fclose(f);
	else
		log_error("Failed to open %s", path ? path : "");
	free(path);
	return stir_cert_read(str_mk(room, n));
}

static enum command_result verify(struct command_ctx *c)
{
	const struct stir_store *s = c->args == 1 || c->args == 2 ? store_for(c) : NULL;
	struct stir_cert *cert;
	const char *why;

	if (c->args != 1 && c->args != 2)
		return COMMAND_USAGE;
	if (!s)
		return COMMAND_OK;
	cert = read_certificate(c->arg[0]);
	if (!cert)
		command_printf(c, "Failed to load certificate from %.*s.  See log for details\n", STR_ARG(c->arg[0]));
	else if (stir_cert_trusted(cert, s, clock_wall_s(c->m->service->clock), &why))
		command_printf(c, "Certificate %.*s trusted\n", STR_ARG(c->arg[0]));
	else
		command_printf(c, "Certificate %.*s NOT trusted: %s\n", STR_ARG(c->arg[0]), why);
	stir_cert_free(cert);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "stir_shaken show attestation", NULL, "Show the stir/shaken attestation settings", show_attestation, false, NULL },
	{ "stir_shaken show verification", NULL, "Show the stir/shaken verification settings", show_verification, false, NULL },
	{ "stir_shaken show tns", NULL, "Show all attestation TNs", show_tns, false, NULL },
	{ "stir_shaken show tn", "<id>", "Show the settings for a given TN", show_tn, false, NULL },
	{ "stir_shaken show profiles", NULL, "Show all profiles for stir/shaken", show_profiles, false, NULL },
	{ "stir_shaken show profile", "<id>", "Show the stir/shaken profile settings for a given id", show_profile, false, NULL },
	{ "stir_shaken show eprofiles", NULL, "Show all eprofiles for stir/shaken", show_eprofiles, false, NULL },
	{ "stir_shaken show eprofile", "<id>", "Show the stir/shaken eprofile settings for a given id", show_eprofile, false, NULL },
	{ "stir_shaken verify certificate_file", "<certificate_file> [ <profile> ]",
	  "Verify an external certificate file against the global or profile verification store", verify, false, NULL },
};
const struct command_table commands_stir = { rows, ARRAY_LEN(rows) };
