/* wsServers: a URI, {ws_uri, weight}, or a list of both (RFC 7118 for what a browser can; udp:, tcp: and
 * tls: for agents outside of one). Written back with what is computed of each. */
#include "agent/config_private.h"
#include "sip/uri.h"
#include <errno.h>

static const struct {
	struct str scheme, transport;
	const char *shown;
	bool path;              /* a WebSocket has one */
} schemes[] = {
	{ STR_INIT("ws"), STR_INIT("ws"), "WS", true },
	{ STR_INIT("wss"), STR_INIT("ws"), "WSS", true },       /* RFC 7118 5.2: the parameter is ws for both */
	{ STR_INIT("udp"), STR_INIT("udp"), "UDP", false },
	{ STR_INIT("tcp"), STR_INIT("tcp"), "TCP", false },
	{ STR_INIT("tls"), STR_INIT("tls"), "TLS", false },
};

static void server_free(struct agent_server *s)
{
	text_free(&s->ws_uri);
	text_free(&s->sip_uri);
	*s = (struct agent_server){ 0 };
}

static void list_free(struct agent_server *servers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		server_free(&servers[i]);
}

void agent_servers_free(struct agent_config *c)
{
	list_free(c->servers, c->n_servers);
	c->n_servers = 0;
}

/* The characters of a URI (RFC 2396 2), whose escapes are whole. No fragment: WebSocket has none (RFC 6455 3). */
static bool is_uric(struct str s)
{
	uint8_t byte;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%' && !str_hex(str_sub(s, i + 1, 2), &byte, 1))
			i += 2;
		else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			   (c && strchr("-_.!~*'();/?:@&=+$,", c))))
			return false;
	}
	return true;
}

/* "user@host:port" up to where the path or the query begins. */
static struct str cut_authority(struct str *rest)
{
	size_t slash = str_chr(*rest, '/'), query = str_chr(*rest, '?');
	struct str authority = str_sub(*rest, 0, slash < query ? slash : query);

	*rest = str_skip(*rest, authority.n);
	return authority;
}

static int set_uri(struct agent_reading *r, struct agent_server *out, struct str text)
{
	size_t colon = str_find(text, STR("://")), at, i = 0;
	struct str rest = str_skip(text, colon + 3), authority = cut_authority(&rest), sip;
	struct sip_uri u;
	int err;

	while (i < ARRAY_LEN(schemes) && !str_ieq(str_sub(text, 0, colon), schemes[i].scheme))
		i++;
	if (i == ARRAY_LEN(schemes) || !is_uric(rest) || (rest.n && !schemes[i].path))
		return EINVAL;
	/* What stands before an @ is for the WebSocket's server alone. */
	at = str_rchr(authority, '@');
	if (at < authority.n && (!schemes[i].path || !is_uric(str_sub(authority, 0, at))))
		return EINVAL;
	authority = at < authority.n ? str_skip(authority, at + 1) : authority;
	sip = arena_cat(r->a, STR("sip:"), authority);
	if (!sip.n)
		return ENOMEM;
	if (sip_uri_parse(&u, sip) || u.user.n || u.params.p || u.headers.p || !agent_is_host(u.host))
		return EINVAL;
	str_copy(out->scheme, sizeof(out->scheme), str_z(schemes[i].shown));
	err = text_set(&out->ws_uri, text);
	return err ? err : text_cat(&out->sip_uri, STR("<"), sip, STR(";transport="), schemes[i].transport, STR(";lr>"));
}

/* As JavaScript's Number() takes it; what is false there is 0. */
static int set_weight(struct agent_server *out, const struct agent_json *v)
{
	if (!v || v->type == AGENT_JSON_NULL || (v->type == AGENT_JSON_BOOL && !v->truth) ||
	    (v->type == AGENT_JSON_STRING && !v->text.n))
		return 0;
	if (v->type == AGENT_JSON_NUMBER)
		out->weight = v->number;
	else if (v->type != AGENT_JSON_STRING || str_double(str_trim(v->text), &out->weight))
		return EINVAL;
	return 0;
}

static int read_server(struct agent_reading *r, struct agent_server *out, const struct agent_json *v)
{
	const struct agent_json *uri = v;
	int err = 0;

	if (v->type == AGENT_JSON_OBJECT) {
		uri = agent_json_member(v, STR("ws_uri"));
		if (!uri)
			uri = agent_json_member(v, STR("wsUri"));
		err = set_weight(out, agent_json_member(v, STR("weight")));
	}
	if (!uri || uri->type != AGENT_JSON_STRING)
		return EINVAL;
	return err ? err : set_uri(r, out, uri->text);
}

int agent_read_servers(struct agent_reading *r, void *field, const struct agent_json *v)
{
	struct agent_server servers[AGENT_MAX_SERVERS] = { 0 };
	const struct agent_json *m = v->type == AGENT_JSON_LIST ? v->first : v;
	size_t n = 0;
	int err = 0;

	for (; m && !err; m = v->type == AGENT_JSON_LIST ? m->next : NULL)
		err = n == AGENT_MAX_SERVERS ? EINVAL : read_server(r, &servers[n++], m);
	if (err) {
		list_free(servers, n);
		return err;
	}
	agent_servers_free(r->c);
	memcpy(field, servers, n * sizeof(*servers));
	r->c->n_servers = n;
	return 0;
}

void agent_write_servers(struct buf *b, const struct agent_row *row, const struct agent_config *c)
{
	(void)row;
	buf_char(b, '[');
	for (size_t i = 0; i < c->n_servers; i++) {
		const struct agent_server *s = &c->servers[i];

		buf_put(b, i ? STR(",{\"ws_uri\":") : STR("{\"ws_uri\":"));
		agent_json_write_string(b, text_view(&s->ws_uri));
		buf_put(b, STR(",\"sip_uri\":"));
		agent_json_write_string(b, text_view(&s->sip_uri));
		buf_put(b, STR(",\"weight\":"));
		agent_json_write_number(b, s->weight);
		buf_puts(b, STR(",\"status\":0,\"scheme\":\""), str_z(s->scheme), STR("\"}"));
	}
	buf_char(b, ']');
}
