/* /ws: a WebSocket that belongs to a transport without a port of its own. */
#include "service/common/transport_web.h"
#include "net/ws.h"
#include <errno.h>

bool transport_is_http(const struct transport_conf *t)
{
	return (t->protocol == TRANSPORT_WS || t->protocol == TRANSPORT_WSS) && !sa_port(&t->bind);
}

struct ws_rules *transport_ws_rules(const struct transport_conf *t)
{
	struct buf origins = BUF_INIT;
	struct ws_rules *rules;

	str_list_write(&origins, &t->websocket_origins, ',');
	rules = buf_err(&origins) ? NULL : ws_rules_new(STR_NULL, buf_view(&origins));
	buf_free(&origins);
	return rules;
}

/* With TLS one of protocol wss, without one of ws; NULL: there is none. */
static const struct service_transport *find_transport(const struct service *svc, enum net_proto proto)
{
	for (size_t i = 0; i < svc->transports.n; i++)
		if (transport_is_http(svc->transports.v[i].conf) && svc->transports.v[i].proto == proto)
			return &svc->transports.v[i];
	return NULL;
}

static bool has_transport(void *arg)
{
	return find_transport(arg, NET_WS) || find_transport(arg, NET_WSS);
}

static void serve(void *arg, struct web_call *c)
{
	const struct service_transport *t = find_transport(arg, c->path.proto);
	struct ws_rules *rules = t ? transport_ws_rules(t->conf) : NULL;
	struct buf answer = BUF_INIT;
	int err;

	if (!rules) {
		web_error(c, t ? 500 : 404, t ? "Server Error" : "Not Found", STR_NULL, t ? "Out of memory" :
			  "The requested URL was not found on this server.");
		return;
	}
	err = ws_answer(&answer, rules, web_head(c));
	if (buf_err(&answer))
		web_cut_off(c);
	else if (err)
		web_raw(c, buf_view(&answer));
	else
		web_upgrade(c, buf_view(&answer), t->id, (uint32_t)t->conf->websocket_write_timeout);
	buf_free(&answer);
	obj_drop(rules);
}

static const struct web_route rows[] = {
	{ "/ws", false, "Asterisk HTTP WebSocket", has_transport, serve },
};

int service_web_start(struct service *svc, struct str data_dir, struct report *r)
{
	const struct web_prm prm = { .loop = svc->loop, .net = svc->net, .data_dir = data_dir,
		.bind = svc->transports.bind };

	svc->web = web_new(&prm);
	if (!svc->web || web_add_routes(svc->web, rows, ARRAY_LEN(rows), svc))
		return ENOMEM;
	web_set_conf(svc->web, svc->conf->http, svc->conf, r);
	return 0;
}
