/* http.conf, as Asterisk reads it. */
#include "service/object/http_conf.h"
#include "service/object/objects.h"
#include <errno.h>

#define TLS_PORT 8089

#define H struct http_conf
/* One field, several names. */
#define BOOL_AS(nm, f) { .name = nm, .kind = OPTION_BOOL, .offset = OPT_AT(H, f, bool), .flags = OPT_OLD | OPT_HIDDEN, \
	.help = "The same as " #f "." }
#define STR_AS(nm, f) { .name = nm, .kind = OPTION_STRING, .offset = OPT_AT(H, f, struct str), .flags = OPT_OLD | OPT_HIDDEN, \
	.help = "The same as " #f "." }
#define VOID(nm) OPT_NONE(nm, NULL, OPT_VOID | OPT_HIDDEN, "Of TLS as a client, which this is not.")
static const struct option rows[] = {
	OPT_BOOL(H, enabled, "no", 0, "Serve HTTP."),
	OPT_STR(H, bindaddr, NULL, 0, "Address to listen on; without one nothing is served."),
	OPT_UINT(H, bindport, "8088", 0, 65535, NULL, 0, "Port to listen on, where bindaddr names none; 0: 8088."),
	OPT_STR(H, prefix, NULL, 0, "What paths begin with: prefix=x means /x/ws."),
	OPT_BOOL(H, tlsenable, "no", 0, "Listen with TLS too."),
	OPT_STR(H, tlsbindaddr, NULL, 0, "Address and port for TLS; as bindaddr, and 8089."),
	OPT_STR(H, tlscertfile, NULL, 0, "Certificate, then those of its authorities, as PEM."),
	OPT_STR(H, tlsprivatekey, NULL, 0, "Key of it; not given: it stands in tlscertfile."),
	OPT_STR(H, tlscipher, NULL, 0, "Ciphers allowed, by OpenSSL's names; TLS 1.3 only when some of it are named."),
	OPT_BOOL(H, tlsdisablev1, "yes", OPT_VOID, "TLS 1.0 is not spoken."),
	OPT_BOOL(H, tlsdisablev11, "yes", OPT_VOID, "TLS 1.1 is not spoken."),
	OPT_BOOL(H, tlsdisablev12, "no", 0, "No TLS 1.2."),
	OPT_BOOL(H, tlsservercipherorder, "yes", OPT_VOID, "Our order of ciphers counts."),
	OPT_STR(H, servername, "Asterisk/" SERVICE_ASTERISK_VERSION, 0, "Name in answers; empty: none."),
	OPT_LIST(H, redirect, NULL, OPT_ADD | OPT_WHOLE, "\"/from /to\": whoever asks for the one is sent to the other."),
	OPT_BOOL(H, enable_static, "no", 0, "Serve the files below static-http in the data directory as /static/."),
	OPT_BOOL(H, enable_status, "no", 0, "Serve a page about the server as /httpstatus."),
	OPT_BOOL(H, enable_phone, "yes", 0, "Serve the phone on a page as /phone/. Not in Asterisk."),
	OPT_STR(H, phone_directory, NULL, 0, "Where its files are; empty: phone in the data directory, or where `make web` or "
		"`make install` has put them. Not in Asterisk."),
	OPT_UINT(H, sessionlimit, "100", 1, 2147483647.0, NULL, 0, "Most connections that are no WebSockets."),
	OPT_UINT(H, session_inactivity, "30000", 1, 2147483647.0, "ms", 0, "How long a request, or who takes its answer, may pause."),
	OPT_UINT(H, session_keep_alive, "15000", 0, 2147483647.0, "ms", 0, "How long a connection waits for the next request; 0: it has one."),
	BOOL_AS("enablestatic", enable_static),
	BOOL_AS("enablestatus", enable_status),
	BOOL_AS("sslenable", tlsenable),
	STR_AS("sslbindaddr", tlsbindaddr),
	STR_AS("sslcert", tlscertfile),
	STR_AS("tlscert", tlscertfile),
	STR_AS("sslprivatekey", tlsprivatekey),
	STR_AS("sslcipher", tlscipher),
	VOID("tlscafile"), VOID("tlscapath"), VOID("tlscadir"), VOID("tlsverifyclient"), VOID("tlsdontverifyserver"),
	VOID("tlsclientmethod"), VOID("sslclientmethod"),
};
#undef H

static const struct option_set general_set = {
	.type = "general", .file = "http.conf", .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct http_conf),
	.help = "The server of HTTP, which WebSocket transports without a port of their own are reached through.",
};

#define R struct http_restriction
#define ACLS(n, pf, v, h) OPT_CUSTOM_AS(n, R, acl, const struct acl_set *, pf, NULL, v, NULL, 0, h)
static const struct option restriction_rows[] = {
	OPT_NONE("type", NULL, 0, "restriction."),
	ACLS("acl", parse_acl, "names from acl.conf between commas", "Named lists that the peer's address must pass."),
	ACLS("deny", parse_deny, "address or network; may be repeated", "Addresses that may not ask for it."),
	ACLS("permit", parse_permit, "address or network; may be repeated", "Addresses that may, although a deny above fits."),
};
#undef R
static const struct option_set restriction_set = {
	.type = "restriction", .file = "http.conf", .rows = restriction_rows, .n = ARRAY_LEN(restriction_rows),
	.size = sizeof(struct http_restriction),
	.help = "Who may ask for paths that begin with the section's name: a section with type=restriction.",
};

const struct option_set *http_conf_options(unsigned i)
{
	static const struct option_set *const sets[] = { &general_set, &restriction_set };

	return i < ARRAY_LEN(sets) ? sets[i] : NULL;
}

/* `whole`: a fault there is one of the section. EBADMSG: it has such a fault. */
static int read_section(void *out, const struct option_set *set, const struct config *c, const struct config_section *s,
			struct option_ctx *ctx, struct report *r, bool whole)
{
	struct option_index *i = NULL;
	int err = option_index_new(&i, set, ctx), bad = 0;

	if (err)
		return err;
	option_begin(i, ctx, out);
	for (const struct config_var *v = s ? s->first : NULL; err != ENOMEM && v; v = v->next) {
		struct str near;

		err = option_apply(i, ctx, out, v->name, v->value);
		near = err == ENOENT ? option_nearest(i, v->name) : STR_NULL;
		if (err == EBADMSG)
			config_fault(c, v, r, REPORT_ERROR, "[%.*s] %.*s: %s", STR_ARG(s->name), STR_ARG(v->name), ctx->why);
		else if (err == ENOENT)
			config_fault(c, v, r, REPORT_ERROR, "[%.*s]: unknown option '%.*s'%s%.*s%s", STR_ARG(s->name), STR_ARG(v->name),
				     near.n ? "; did you mean '" : "", STR_ARG(near), near.n ? "'?" : "");
		if ((err == EBADMSG || err == ENOENT) && whole)
			bad = EBADMSG;
	}
	option_index_free(i);
	return err == ENOMEM ? err : bad;
}

/* ---- where it listens -------------------------------------------------------------------------- */

static bool parse_address(struct sa *out, struct str text)
{
	return !sa_parse(out, str_ieq(text, STR("localhost")) ? STR("127.0.0.1") : text);
}

static void fault(const struct http_conf *h, struct report *r, const char *option, struct str value, const char *instead)
{
	report_add(r, REPORT_ERROR, str_z(h->file), h->line, "%s: '%.*s' is not an address; %s is used", option, STR_ARG(value),
		   instead);
}

static void parse_addresses(struct http_conf *h, struct report *r)
{
	if (h->bindaddr.n && !parse_address(&h->listen, h->bindaddr)) {
		fault(h, r, "bindaddr", h->bindaddr, "127.0.0.1");
		sa_parse(&h->listen, STR("127.0.0.1"));
	}
	h->tls_listen = h->listen;
	if (h->bindaddr.n && !sa_port(&h->listen))
		sa_set_port(&h->listen, h->bindport ? (uint16_t)h->bindport : 8088);
	if (h->bindaddr.n)
		sa_set_port(&h->tls_listen, 0);
	if (h->tlsbindaddr.n && !parse_address(&h->tls_listen, h->tlsbindaddr)) {
		fault(h, r, "tlsbindaddr", h->tlsbindaddr, "127.0.0.1");
		sa_parse(&h->tls_listen, STR("127.0.0.1"));
	}
	h->plain = h->enabled && h->bindaddr.n;
	h->tls = h->tlsenable && (h->tlsbindaddr.n || h->plain);
	if (h->tlsbindaddr.n || h->bindaddr.n) {
		if (!sa_port(&h->tls_listen))
			sa_set_port(&h->tls_listen, TLS_PORT);
	}
	if (h->enabled && !h->bindaddr.n)
		report_add(r, REPORT_ERROR, str_z(h->file), h->line, "[general]: bindaddr is missing, so nothing is served; say "
			   "bindaddr=127.0.0.1 for this machine alone, or 0.0.0.0 for all addresses");
}

/* ---- redirects, restrictions ------------------------------------------------------------------ */

static int parse_redirects(struct http_conf *h, struct option_ctx *ctx, struct report *r)
{
	struct http_redirect *v = h->redirect.n ? arena_alloc(ctx->arena, h->redirect.n * sizeof(*v)) : NULL;

	if (h->redirect.n && !v)
		return ENOMEM;
	h->redirects = v;
	for (size_t i = 0; i < h->redirect.n; i++) {
		struct str to = str_trim(h->redirect.v[i]), from = str_cut_raw(&to, ' ');

		to = str_trim(to);
		if (from.n && to.n)
			v[h->redirects_n++] = (struct http_redirect){ from, to };
		else
			report_add(r, REPORT_ERROR, str_z(h->file), h->line, "[general] redirect: '%.*s' must be two paths with a "
				   "blank between them", STR_ARG(h->redirect.v[i]));
	}
	return 0;
}

/* Paths begin with '/', so without one it would fit none. */
static int restriction_path(struct http_restriction *x, const struct config *c, const struct config_section *s,
			    struct option_ctx *ctx, struct report *r)
{
	int err = 0;

	if (str_starts(s->name, STR("/"))) {
		x->path = intern_str(ctx->intern, s->name, &err);
		return err;
	}
	report_add(r, REPORT_WARNING, config_file_name(c, s->file), s->line, "restriction '%.*s' is taken as '/%.*s': paths begin "
		   "with a '/'", STR_ARG(s->name), STR_ARG(s->name));
	x->path = arena_cat(ctx->arena, STR("/"), s->name);
	return x->path.p ? 0 : ENOMEM;
}

static int read_restriction(struct http_restriction **out, const struct config *c, const struct config_section *s,
			    struct option_ctx *ctx, struct report *r)
{
	struct http_restriction *x = arena_alloc(ctx->arena, sizeof(*x));
	struct object_build *b = ctx->user;
	int err = x ? 0 : ENOMEM;

	if (err)
		return err;
	*x = (struct http_restriction){ 0 };
	build_reset(b);
	b->c = c;
	b->s = s;
	b->type = "restriction";
	err = read_section(x, &restriction_set, c, s, ctx, r, true);
	/* A rule nobody can read could be the one that keeps someone out. */
	if (err == EBADMSG) {
		report_add(r, REPORT_ERROR, str_z("http.conf"), s->line, "restriction '%.*s' refuses everybody until that is put "
			   "right", STR_ARG(s->name));
		build_reset(b);
		err = parse_deny(ctx, NULL, NULL, STR("0.0.0.0/0,::/0"));
	}
	if (!err)
		err = build_acl(b, &b->acl, &x->acl);
	if (!err)
		err = restriction_path(x, c, s, ctx, r);
	*out = x;
	return err;
}

/* All sections but [general]. */
static int read_others(struct http_conf *h, const struct config *c, struct option_ctx *ctx, struct report *r)
{
	const struct http_restriction **last = &h->restrictions;
	int err = 0;

	for (const struct config_section *s = c ? config_first(c) : NULL; s && !err; s = config_next(s)) {
		struct http_restriction *x = NULL;

		if (str_ieq(s->name, STR("general")))
			continue;
		if (str_ieq(config_value(s, STR("type"), STR_NULL), STR("restriction"))) {
			err = read_restriction(&x, c, s, ctx, r);
			*last = x;
			last = x ? &x->next : last;
		} else if (str_ieq(s->name, STR("post_mappings"))) {
			report_add(r, REPORT_WARNING, config_file_name(c, s->file), s->line, "[post_mappings]: files are not taken over "
				   "HTTP here; the section does nothing");
		} else {
			report_add(r, REPORT_WARNING, config_file_name(c, s->file), s->line, "[%.*s] does nothing: without "
				   "type=restriction there is only [general]", STR_ARG(s->name));
		}
	}
	return err;
}

int http_conf_build(struct http_conf *h, const struct config *c, struct option_ctx *ctx, struct report *r)
{
	const struct config_section *s = c ? config_section_get(c, STR("general")) : NULL;
	struct str prefix;
	int err = read_section(h, &general_set, c, s, ctx, r, false);

	if (err)
		return err;
	h->file = "http.conf";
	h->line = s ? s->line : 0;
	h->redirects = NULL;
	h->redirects_n = 0;
	h->restrictions = NULL;
	parse_addresses(h, r);
	err = parse_redirects(h, ctx, r);
	err = err ? err : read_others(h, c, ctx, r);
	if (err)
		return err;
	prefix = h->prefix;
	while (prefix.n && prefix.p[0] == '/')
		prefix = str_skip(prefix, 1);
	while (prefix.n && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	h->path = prefix.n ? arena_cat(ctx->arena, STR("/"), prefix) : STR("");
	return h->path.p ? 0 : ENOMEM;
}
