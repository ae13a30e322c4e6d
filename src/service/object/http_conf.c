/* http.conf, as Asterisk reads it. */
#include "service/object/http_conf.h"
#include "service/object/objects.h"
#include <errno.h>

#define L OPT_LATER
#define S OPT_RESTART
#define H struct http_conf
static const struct option rows[] = {
	OPT_BOOL(H, enabled, "no", S, "Listen for WebSockets."),
	OPT_STR(H, bindaddr, "0.0.0.0", S, "Address to listen on."),
	OPT_UINT(H, bindport, "8088", 1, 65535, NULL, S, "Port to listen on."),
	OPT_STR(H, prefix, NULL, S, "What paths begin with: prefix=x means /x/ws."),
	OPT_BOOL(H, tlsenable, "no", S, "Listen with TLS too."),
	OPT_STR(H, tlsbindaddr, NULL, S, "Address and port for TLS; as bindaddr, and 8089."),
	OPT_STR(H, tlscertfile, NULL, S, "Certificate, then those of its authorities, as PEM."),
	OPT_STR(H, tlsprivatekey, NULL, S, "Key of it; not given: it stands in tlscertfile."),
	OPT_STR(H, tlscipher, NULL, S, "Ciphers allowed, by OpenSSL's names; TLS 1.3 only when some of it are named."),
	OPT_BOOL(H, tlsdisablev1, "yes", OPT_OLD, "Kept for compatibility: TLS 1.0 is not spoken."),
	OPT_BOOL(H, tlsdisablev11, "yes", OPT_OLD, "Kept for compatibility: TLS 1.1 is not spoken."),
	OPT_BOOL(H, tlsdisablev12, "no", S, "No TLS 1.2."),
	OPT_BOOL(H, tlsservercipherorder, "yes", OPT_OLD, "Kept for compatibility: our order of ciphers counts."),
	OPT_STR(H, servername, "Asterisk", L, "Name in answers."),
	OPT_STR(H, redirect, NULL, L, "From one path to another."),
	OPT_BOOL(H, enable_static, "no", L, "Serve files."),
	OPT_BOOL(H, enablestatus, "yes", L, "Serve a page about the server."),
	OPT_UINT(H, sessionlimit, "100", 1, 4294967295.0, NULL, L, "Most connections."),
	OPT_UINT(H, session_inactivity, "30000", 1, 4294967295.0, "ms", L, "How long one may be silent."),
	OPT_UINT(H, session_keep_alive, "15000", 0, 4294967295.0, "ms", L, "How long one waits for the next request."),
};
#undef H

static const struct option_set general_set = {
	.type = "general", .file = "http.conf", .rows = rows, .n = ARRAY_LEN(rows), .size = sizeof(struct http_conf),
	.help = "Where WebSocket transports without a port of their own listen.",
};

const struct option_set *http_conf_options(unsigned i)
{
	return i ? NULL : &general_set;
}

static int read_section(struct http_conf *h, const struct config *c, struct option_ctx *ctx, struct report *r)
{
	const struct config_section *s = c ? config_section_get(c, STR("general")) : NULL;
	struct option_index *i = NULL;
	int err = option_index_new(&i, &general_set, ctx);

	if (err)
		return err;
	option_begin(i, ctx, h);
	for (const struct config_var *v = s ? s->first : NULL; err != ENOMEM && v; v = v->next) {
		struct str near;

		err = option_apply(i, ctx, h, v->name, v->value);
		near = err == ENOENT ? option_nearest(i, v->name) : STR_NULL;
		if (err == EBADMSG)
			config_fault(c, v, r, REPORT_ERROR, "[general] %.*s: %s", STR_ARG(v->name), ctx->why);
		else if (err == ENOENT)
			config_fault(c, v, r, REPORT_ERROR, "[general]: unknown option '%.*s'%s%.*s%s", STR_ARG(v->name),
				     near.n ? "; did you mean '" : "", STR_ARG(near), near.n ? "'?" : "");
	}
	if (s)
		h->line = s->line;
	option_index_free(i);
	return err == ENOMEM ? err : 0;
}

static void parse_addresses(struct http_conf *h, struct report *r)
{
	if (sa_parse(&h->listen, h->bindaddr)) {
		report_add(r, REPORT_ERROR, str_z(h->file), h->line, "bindaddr: '%.*s' is not an address; 127.0.0.1 is used",
			   STR_ARG(h->bindaddr));
		sa_parse(&h->listen, STR("127.0.0.1"));
	}
	h->tls_listen = h->listen;
	if (!sa_port(&h->listen))
		sa_set_port(&h->listen, (uint16_t)h->bindport);
	sa_set_port(&h->tls_listen, 0);
	if (h->tlsbindaddr.n && sa_parse(&h->tls_listen, h->tlsbindaddr)) {
		report_add(r, REPORT_ERROR, str_z(h->file), h->line, "tlsbindaddr: '%.*s' is not an address; that of bindaddr is "
			   "used", STR_ARG(h->tlsbindaddr));
		h->tls_listen = h->listen;
		sa_set_port(&h->tls_listen, 0);
	}
	if (!sa_port(&h->tls_listen))
		sa_set_port(&h->tls_listen, 8089);
}

int http_conf_build(struct http_conf *h, const struct config *c, struct option_ctx *ctx, struct report *r)
{
	struct str prefix;
	int err = read_section(h, c, ctx, r);

	if (err)
		return err;
	h->file = "http.conf";
	parse_addresses(h, r);
	prefix = h->prefix;
	while (prefix.n && prefix.p[0] == '/')
		prefix = str_skip(prefix, 1);
	while (prefix.n && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	h->path = prefix.n ? arena_cat(ctx->arena, STR("/"), prefix, STR("/ws")) : STR("/ws");
	return h->path.p ? 0 : ENOMEM;
}
