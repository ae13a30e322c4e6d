/* Expands the sections of pjsip_wizard.conf. */
#include "service/object/wizard.h"
#include <errno.h>

struct wizard {
	struct str transport, outbound_proxy, server_uri_pattern, client_uri_pattern, contact_pattern,
		hint_context, hint_exten, hint_application;
	struct str_list remote_hosts;
	bool sends_auth, accepts_auth, sends_registrations, sends_line_with_registrations, accepts_registrations,
		has_phoneprov, has_hint;
};

#define W struct wizard
#define PASS(n, t) OPT_NONE(n, NULL, OPT_PREFIX, "Passed on to the " t ".")
static const struct option rows[] = {
	OPT_NONE("type", NULL, 0, "Must be wizard."),
	OPT_STR(W, transport, NULL, 0, "Transport of the endpoint and its registrations."),
	OPT_LIST(W, remote_hosts, NULL, 0, "The other side: hosts, each with an optional port."),
	OPT_STR(W, outbound_proxy, NULL, 0, "Full URI of the proxy in between."),
	OPT_BOOL(W, sends_auth, "no", 0, "We answer challenges: outbound_auth/username must be there."),
	OPT_BOOL(W, accepts_auth, "no", 0, "We challenge: inbound_auth/username must be there."),
	OPT_BOOL(W, sends_registrations, "no", 0, "We register with each remote host."),
	OPT_BOOL(W, sends_line_with_registrations, "no", 0, "Those registrations have line=yes, in place of an identify."),
	OPT_BOOL(W, accepts_registrations, "no", 0, "The other side registers here, so no identify is needed."),
	OPT_BOOL(W, has_phoneprov, "no", 0, "Make a phoneprov: phoneprov/MAC must be there."),
	OPT_STR(W, server_uri_pattern, "sip:${REMOTE_HOST}", 0, "server_uri of each registration."),
	OPT_STR(W, client_uri_pattern, "sip:${USERNAME}@${REMOTE_HOST}", 0, "client_uri of each registration."),
	OPT_STR(W, contact_pattern, "sip:${REMOTE_HOST}", 0, "contact of the aor for each remote host."),
	OPT_BOOL(W, has_hint, "no", 0, "Make a hint: hint_exten must be there."),
	OPT_STR(W, hint_context, NULL, 0, "Its context; empty: the endpoint's."),
	OPT_STR(W, hint_exten, NULL, 0, "Its extension."),
	OPT_STR(W, hint_application, NULL, 0, "Application at priority 1 of that extension."),
	PASS("endpoint/*", "endpoint"), PASS("aor/*", "aor"), PASS("inbound_auth/*", "auth NAME-iauth"),
	PASS("outbound_auth/*", "auth NAME-oauth"), PASS("identify/*", "identify NAME-identify"),
	PASS("registration/*", "registrations NAME-reg-0, NAME-reg-1 ..."), PASS("phoneprov/*", "phoneprov NAME-phoneprov"),
};
#undef W

const struct option_set wizard_options = {
	.type = "wizard", .file = "pjsip_wizard.conf", .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct wizard),
	.help = "All the objects of a phone or a trunk from one section.",
};

/* One wizard being taken apart. */
struct expand {
	const struct wizard_prm *prm;
	const struct config *c;
	const struct config_section *s;
	struct wizard w;
};

static int report_fault(const struct expand *x, const char *what)
{
	report_add(x->prm->r, REPORT_ERROR, config_file_name(x->c, x->s->file), x->s->line, "wizard '%.*s': %s",
		   STR_ARG(x->s->name), what);
	return EBADMSG;
}

static struct config_section *new_section(const struct expand *x, const char *suffix)
{
	struct config_section *s = arena_alloc(x->prm->arena, sizeof(*s));

	if (!s)
		return NULL;
	s->name = arena_printf(x->prm->arena, "%.*s%s", STR_ARG(x->s->name), suffix);
	s->line = x->s->line;
	s->file = x->s->file;
	return s->name.p ? s : NULL;
}

static int add_var(const struct expand *x, struct config_section *s, struct config_var v)
{
	struct config_var *e = arena_alloc(x->prm->arena, sizeof(*e));

	if (!e)
		return ENOMEM;
	v.next = NULL;
	*e = v;
	if (s->last)
		s->last->next = e;
	else
		s->first = e;
	s->last = e;
	return 0;
}

/* A line that the wizard makes itself. */
static int add_own(const struct expand *x, struct config_section *s, const char *name, struct str value)
{
	if (!value.n)
		return 0;
	return add_var(x, s, (struct config_var){ .name = str_z(name), .value = value, .line = x->s->line,
		.file = x->s->file });
}

/* The lines PREFIX/name, without the prefix. */
static int pass_on(const struct expand *x, struct config_section *s, struct str prefix)
{
	int err = 0;

	for (const struct config_var *v = x->s->first; !err && v; v = v->next) {
		struct config_var copy = *v;

		if (!str_istarts(v->name, prefix) || v->name.n == prefix.n)
			continue;
		copy.name = str_skip(v->name, prefix.n);
		err = add_var(x, s, copy);
	}
	return err;
}

/* ${REMOTE_HOST} and ${USERNAME} in a pattern. */
static struct str fill_pattern(const struct expand *x, struct str pattern, struct str host, struct str user)
{
	static const struct str remote_host = STR_INIT("${REMOTE_HOST}"), username = STR_INIT("${USERNAME}");
	struct buf b = BUF_INIT;
	struct str out;

	while (pattern.n) {
		size_t dollar = str_chr(pattern, '$'), used = 1;
		struct str rest = str_skip(pattern, dollar);

		buf_put(&b, str_sub(pattern, 0, dollar));
		if (str_starts(rest, remote_host)) {
			buf_put(&b, host);
			used = remote_host.n;
		} else if (str_starts(rest, username)) {
			buf_put(&b, user);
			used = username.n;
		} else {
			buf_put(&b, str_sub(rest, 0, 1));
		}
		pattern = str_skip(rest, used);
	}
	out = buf_err(&b) ? STR_NULL : arena_dup(x->prm->arena, buf_view(&b));
	buf_free(&b);
	return out;
}

static int emit_section(const struct expand *x, enum object_type t, struct config_section *s, int err)
{
	return err ? err : x->prm->section(x->prm->arg, t, s);
}

static int make_auth(const struct expand *x, bool wanted, const char *suffix, struct str prefix, const char *missing)
{
	struct config_section *s;
	int err;

	if (!wanted)
		return 0;
	s = new_section(x, suffix);
	err = s ? pass_on(x, s, prefix) : ENOMEM;
	if (!err && !config_var_get(s, STR("username")))
		return report_fault(x, missing);
	return emit_section(x, OBJECT_AUTH, s, err);
}

static int make_aor(const struct expand *x)
{
	struct config_section *s = new_section(x, "");
	int err = s ? pass_on(x, s, STR("aor/")) : ENOMEM;
	bool own = !err && config_var_get(s, STR("contact"));

	if (!err)
		err = add_own(x, s, "outbound_proxy", x->w.outbound_proxy);
	for (size_t i = 0; !err && !own && i < x->w.remote_hosts.n; i++)
		err = add_own(x, s, "contact", fill_pattern(x, x->w.contact_pattern, x->w.remote_hosts.v[i], STR_NULL));
	return emit_section(x, OBJECT_AOR, s, err);
}

static struct str name_with(const struct expand *x, const char *suffix)
{
	return arena_printf(x->prm->arena, "%.*s%s", STR_ARG(x->s->name), suffix);
}

static int make_hint(const struct expand *x, const struct config_section *endpoint)
{
	struct wizard_hint h = { 0 };
	struct intern *in = x->prm->ctx->intern;
	struct str context = x->w.hint_context;
	int err = 0;

	if (!x->w.has_hint)
		return 0;
	if (!x->w.hint_exten.n)
		return report_fault(x, "has_hint needs hint_exten=");
	if (!context.n)
		context = config_value(endpoint, STR("context"), STR("default"));
	h.context = intern_str(in, context, &err);
	h.exten = intern_str(in, x->w.hint_exten, &err);
	h.application = intern_str(in, x->w.hint_application, &err);
	h.endpoint = intern_str(in, x->s->name, &err);
	return err ? err : x->prm->hint(x->prm->arg, h);
}

static int make_endpoint(const struct expand *x)
{
	struct config_section *s = new_section(x, "");
	int err = s ? pass_on(x, s, STR("endpoint/")) : ENOMEM;

	if (!err)
		err = add_own(x, s, "aors", x->s->name);
	if (!err)
		err = add_own(x, s, "outbound_proxy", x->w.outbound_proxy);
	if (!err)
		err = add_own(x, s, "transport", x->w.transport);
	if (!err && x->w.sends_auth)
		err = add_own(x, s, "outbound_auth", name_with(x, "-oauth"));
	if (!err && x->w.accepts_auth)
		err = add_own(x, s, "auth", name_with(x, "-iauth"));
	err = emit_section(x, OBJECT_ENDPOINT, s, err);
	return err ? err : make_hint(x, s);
}

static int make_identify(const struct expand *x)
{
	struct config_section *s;
	int err;

	if (x->w.accepts_registrations || x->w.sends_line_with_registrations)
		return 0;
	if (!x->w.remote_hosts.n)
		return report_fault(x, "needs remote_hosts=, since it does not accept registrations");
	s = new_section(x, "-identify");
	err = s ? pass_on(x, s, STR("identify/")) : ENOMEM;
	if (!err)
		err = add_own(x, s, "endpoint", x->s->name);
	if (!err && !config_var_get(s, STR("match")))
		for (size_t i = 0; !err && i < x->w.remote_hosts.n; i++)
			err = add_own(x, s, "match", x->w.remote_hosts.v[i]);
	return emit_section(x, OBJECT_IDENTIFY, s, err);
}

static int make_registration(const struct expand *x, size_t i, struct str user)
{
	struct config_section *s;
	struct str host = x->w.remote_hosts.v[i];
	char suffix[32];
	int err;

	snprintf(suffix, sizeof(suffix), "-reg-%zu", i);
	s = new_section(x, suffix);
	err = s ? pass_on(x, s, STR("registration/")) : ENOMEM;
	if (!err)
		err = add_own(x, s, "outbound_proxy", x->w.outbound_proxy);
	if (!err)
		err = add_own(x, s, "server_uri", fill_pattern(x, x->w.server_uri_pattern, host, user));
	if (!err)
		err = add_own(x, s, "client_uri", fill_pattern(x, x->w.client_uri_pattern, host, user));
	if (!err && x->w.sends_auth)
		err = add_own(x, s, "outbound_auth", name_with(x, "-oauth"));
	if (!err)
		err = add_own(x, s, "transport", x->w.transport);
	if (!err && x->w.sends_line_with_registrations) {
		err = add_own(x, s, "line", STR("yes"));
		if (!err)
			err = add_own(x, s, "endpoint", x->s->name);
	}
	return emit_section(x, OBJECT_REGISTRATION, s, err);
}

static int make_registrations(const struct expand *x)
{
	struct str user = x->s->name;
	int err = 0;

	if (!x->w.sends_registrations)
		return 0;
	if (!x->w.remote_hosts.n)
		return report_fault(x, "sends_registrations needs remote_hosts=");
	if (x->w.sends_auth)
		user = config_value(x->s, STR("outbound_auth/username"), user);
	for (size_t i = 0; !err && i < x->w.remote_hosts.n; i++)
		err = make_registration(x, i, user);
	return err;
}

static int make_phoneprov(const struct expand *x)
{
	struct config_section *s;
	int err;

	if (!x->w.has_phoneprov)
		return 0;
	s = new_section(x, "-phoneprov");
	err = s ? pass_on(x, s, STR("phoneprov/")) : ENOMEM;
	if (!err)
		err = add_own(x, s, "endpoint", x->s->name);
	return emit_section(x, OBJECT_PHONEPROV, s, err);
}

/* A part that cannot be made leaves the others standing. */
static int make_all(const struct expand *x)
{
	int parts[] = {
		make_auth(x, x->w.sends_auth, "-oauth", STR("outbound_auth/"), "sends_auth needs outbound_auth/username="),
		make_auth(x, x->w.accepts_auth, "-iauth", STR("inbound_auth/"), "accepts_auth needs inbound_auth/username="),
		make_aor(x), make_endpoint(x), make_identify(x), make_registrations(x), make_phoneprov(x),
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i] && parts[i] != EBADMSG)
			return parts[i];
	return 0;
}

int wizard_expand(const struct wizard_prm *prm, const struct config *c)
{
	struct expand x = { .prm = prm, .c = c };
	struct option_index *i = NULL;
	int err = option_index_new(&i, &wizard_options, prm->ctx);

	for (const struct config_section *s = config_first(c); !err && s; s = config_next(s)) {
		if (!str_ieq(config_value(s, STR("type"), STR_NULL), STR("wizard")))
			continue;
		x.s = s;
		err = option_apply_section(i, prm->ctx, &x.w, c, s, prm->r);
		if (!err)
			err = make_all(&x);
		err = err == EBADMSG ? 0 : err;
	}
	option_index_free(i);
	return err;
}
