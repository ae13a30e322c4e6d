/* Addresses of servers as text: "wss://h:port/path?query", "udp:h:port". */
#include "phone/host_private.h"
#include "sip/uri.h"
#include <errno.h>

static bool take_scheme(struct str *s, enum net_proto *proto)
{
	struct str rest = *s, scheme = str_cut_raw(&rest, ':');

	for (int p = 0; p < NET_PROTOS; p++) {
		if (!str_ieq(scheme, str_z(net_proto_lower((enum net_proto)p))) || scheme.n == s->n)
			continue;
		*proto = (enum net_proto)p;
		*s = rest;
		return true;
	}
	return false;
}

/* What stands in the line of the request must not end it. */
static bool is_target(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '#')
			return false;
	return true;
}

/* host[:port], by the grammar of a SIP URI without all that may stand around it. */
static int take_authority(struct host_uri *u, struct str s)
{
	struct text sip = { 0 };
	struct sip_uri parsed;
	int err = text_cat(&sip, STR("sip:"), s);

	if (err)
		return err;
	err = sip_uri_parse(&parsed, text_view(&sip));
	if (err || str_chr(s, '@') < s.n || parsed.params.n || parsed.headers.n || !parsed.host.n ||
	    str_chr(s, ';') < s.n || str_chr(s, '?') < s.n) {
		err = EINVAL;
	} else {
		struct str host = parsed.host;

		if (host.p[0] == '[')
			host = str_sub(host, 1, host.n - 2);
		u->port = parsed.port;
		err = text_set(&u->host, host);
	}
	text_free(&sip);
	return err;
}

int host_uri_parse(struct host_uri *u, struct str s)
{
	bool slashes, ws;
	struct str authority;
	size_t end, at;
	int err;

	*u = (struct host_uri){ 0 };
	if (!take_scheme(&s, &u->proto))
		return EINVAL;
	ws = net_is_websocket(u->proto);
	slashes = str_starts(s, STR("//"));
	if (ws && !slashes)
		return EINVAL;
	s = slashes ? str_skip(s, 2) : s;
	for (end = 0; end < s.n && s.p[end] != '/' && s.p[end] != '?' && s.p[end] != '#'; end++)
		;
	if ((end < s.n && !ws) || !is_target(str_skip(s, end)))
		return EINVAL;
	authority = str_sub(s, 0, end);
	at = str_rchr(authority, '@');
	/* As browsers do: who we are is said by SIP. */
	if (ws && at < authority.n)
		authority = str_skip(authority, at + 1);
	err = take_authority(u, authority);
	if (!err && ws && end < s.n && s.p[end] == '?')
		err = text_cat(&u->target, STR("/"), str_skip(s, end));
	else if (!err && ws)
		err = text_set(&u->target, end < s.n ? str_skip(s, end) : STR("/"));
	if (ws && !u->port)
		u->port = u->proto == NET_WSS ? 443 : 80;
	if (err)
		host_uri_free(u);
	return err;
}

void host_uri_free(struct host_uri *u)
{
	text_free(&u->host);
	text_free(&u->target);
}
