/* Connections of the core: a name becomes addresses, and they are tried until one connects. */
#include "base/obj.h"
#include "net/route.h"
#include "phone/host_private.h"
#include "sip/uri.h"
#include <errno.h>
#include <stdlib.h>

#define HEARD_MS 60000
#define PROBE_MS 50     /* for the ICMP of a host that is not far */

struct host_conn {
	struct sidetone_loop *host;     /* view: it holds us */
	uint32_t id;
	struct host_uri uri;
	struct sip_resolve *resolve;    /* held; NULL: none under way */
	struct sip_target *target;      /* held: where it may be */
	size_t targets, at;             /* at: the next to try */
	struct net_path path;           /* of the one that is tried, or up; conn 0: none */
	bool up, heard;                 /* heard: a message came */
	struct text why;                /* of the last that failed */
	struct timer timer;             /* what must be told later */
};

static struct str id_key(const uint32_t *id)
{
	return str_mk((const char *)id, sizeof(*id));
}

static struct str net_key(const uint64_t *conn)
{
	return str_mk((const char *)conn, sizeof(*conn));
}

static struct host_conn *conn_of(const struct sidetone_loop *h, uint32_t id)
{
	return map_get(h->by_id, id_key(&id));
}

static struct host_conn *conn_by_net(const struct sidetone_loop *h, uint64_t conn)
{
	return map_get(h->by_net, net_key(&conn));
}

static void leave_path(struct host_conn *c)
{
	if (c->path.conn)
		map_del(c->host->by_net, net_key(&c->path.conn));
	c->path.conn = 0;
}

static void conn_free(struct host_conn *c)
{
	struct sidetone_loop *h = c->host;
	uint64_t net = c->path.conn;

	leave_path(c);
	map_del(h->by_id, id_key(&c->id));
	sip_resolve_cancel(c->resolve);
	timer_stop(&c->timer);
	host_uri_free(&c->uri);
	text_free(&c->why);
	free(c->target);
	free(c);
	if (net)
		net_disconnect(h->net, net);
}

/* The last that is heard of it. */
static void tell_closed(struct host_conn *c, unsigned code)
{
	struct sidetone_core *core = c->host->core;
	uint32_t id = c->id;
	struct text why = c->why;

	c->why = (struct text){ 0 };
	conn_free(c);
	sidetone_core_closed(core, id, code, text_z(&why));
	text_free(&why);
}

static void say_why(struct host_conn *c, struct str why)
{
	text_set(&c->why, why);         /* without memory: what was said before */
}

static void tell_failed(void *arg)
{
	tell_closed(arg, 0);
}

/* Not within the core's own call. */
static void fail_later(struct host_conn *c, const char *why)
{
	say_why(c, str_z(why));
	timer_start(loop_wheel(c->host->loop), &c->timer, 0, tell_failed, c);
}

/* ---- to an address ------------------------------------------------------------------------------- */

static int connect_to(struct host_conn *c, const struct sip_target *t)
{
	struct sidetone_loop *h = c->host;
	struct net_connect_prm prm = { .proto = t->proto, .peer = t->addr, .from = h->from, .target = text_view(&c->uri.target) };
	struct buf why = BUF_INIT;
	struct sa literal;
	int err = 0;

	if (net_is_secure(t->proto))
		err = host_tls(h, &why);
	if (why.n)
		say_why(c, buf_view(&why));
	buf_free(&why);
	if (err)
		return err;
	prm.tls = net_is_secure(t->proto) ? h->tls : NULL;
	if (sa_parse_host(&literal, text_view(&c->uri.host), 1))
		prm.host = text_view(&c->uri.host);
	err = net_connect(h->net, &prm, &c->path);
	if (err) {
		c->path.conn = 0;
		return err;
	}
	err = map_add(h->by_net, net_key(&c->path.conn), c);
	if (err) {
		net_disconnect(h->net, c->path.conn);
		c->path.conn = 0;
	}
	return err;
}

/* False: none is left. */
static bool try_next(struct host_conn *c)
{
	while (c->at < c->targets) {
		int err = connect_to(c, &c->target[c->at++]);

		if (!err)
			return true;
		if (!c->why.n)
			say_why(c, str_z(strerror(err)));
	}
	return false;
}

static const char *no_address(int err)
{
	switch (err) {
	case ENOENT:
		return "there is no such name";
	case ETIMEDOUT:
		return "no name server answers";
	case ENOMEM:
		return strerror(err);
	default:
		return "its name cannot be looked up";
	}
}

static void on_resolved(void *arg, int err, const struct sip_target *v, size_t n)
{
	struct host_conn *c = arg;

	c->resolve = NULL;
	if (!err) {
		c->target = calloc(n, sizeof(*v));
		err = c->target ? 0 : ENOMEM;
	}
	if (!err) {
		memcpy(c->target, v, n * sizeof(*v));
		c->targets = n;
	} else {
		say_why(c, str_z(no_address(err)));
	}
	if (!try_next(c))
		tell_closed(c, 0);
}

/* ---- the core's side ----------------------------------------------------------------------------- */

static int start_resolving(struct host_conn *c)
{
	struct sip_resolve_prm prm = { .lookup = &c->host->lookup, .wheel = loop_wheel(c->host->loop), .fixed_proto = true,
		.proto = c->uri.proto, .fn = on_resolved, .arg = c };
	struct sip_uri uri = { .scheme = STR("sip"), .host = text_view(&c->uri.host), .port = c->uri.port };

	prm.uri = &uri;
	prm.can_v4[c->uri.proto] = !sa_is_v6(&c->host->from);
	prm.can_v6[c->uri.proto] = !sa_is_set(&c->host->from) || sa_is_v6(&c->host->from);
	return sip_resolve_start(&prm, &c->resolve);
}

static uint32_t fresh_id(struct sidetone_loop *h)
{
	do
		h->next_id++;
	while (!h->next_id || conn_of(h, h->next_id));
	return h->next_id;
}

int host_open(void *arg, const char *uri, uint32_t *conn)
{
	struct sidetone_loop *h = arg;
	struct host_conn *c = calloc(1, sizeof(*c));
	int err = c ? host_uri_parse(&c->uri, str_z(uri)) : ENOMEM;

	if (err) {
		free(c);
		return err;
	}
	c->host = h;
	c->id = fresh_id(h);
	err = map_add(h->by_id, id_key(&c->id), c);
	if (!err)
		err = start_resolving(c);
	if (err) {
		conn_free(c);
		return err;
	}
	*conn = c->id;
	return 0;
}

int host_send(void *arg, uint32_t conn, const char *bytes, size_t n)
{
	struct sidetone_loop *h = arg;
	struct host_conn *c = conn_of(h, conn);
	struct net_path path;
	struct net_bytes *b;
	int err;

	if (!c || !c->up)
		return ENOTCONN;
	b = net_bytes_new(str_mk(bytes, n));
	path = c->path;
	err = b ? net_send(h->net, &path, b) : ENOMEM;
	obj_drop(b);
	/* What has a hole in it is of no use any more. */
	if (err)
		fail_later(c, strerror(err));
	return err;
}

void host_close(void *arg, uint32_t conn)
{
	struct host_conn *c = conn_of(arg, conn);

	if (c)
		conn_free(c);
}

static bool is_stale(const struct host_conn *c)
{
	struct sa now;

	return c->path.conn && (sa_source_for(&c->path.peer, &now) ||
				(!sa_is_set(&c->host->from) && !sa_eq_host(&now, &c->path.local)));
}

/* Told one by one: what is told may open and close others, so the search begins anew. */
void host_close_stale(struct sidetone_loop *h)
{
	struct host_conn *c;
	bool found = true;

	while (found) {
		found = false;
		for (size_t it = 0; !found && (c = map_next(h->by_id, &it)); ) {
			if (!is_stale(c))
				continue;
			found = true;
			say_why(c, STR("the network changed"));
			tell_closed(c, 0);
		}
	}
}

void host_close_all(struct sidetone_loop *h)
{
	struct host_conn *c;

	for (size_t it = 0; h->by_id && (c = map_next(h->by_id, &it)); )
		conn_free(c);
}

/* ---- what net tells ------------------------------------------------------------------------------ */

static void tell_opened(void *arg)
{
	struct host_conn *c = arg;
	char local[SA_TEXT];

	c->up = true;
	text_free(&c->why);
	free(c->target);
	c->target = NULL;
	c->targets = c->at = 0;
	host_media_way(c->host, &c->path.local);
	sidetone_core_opened(c->host->core, c->id, net_is_websocket(c->path.proto) ? NULL : sa_text(&c->path.local, local));
}

static struct host_heard *heard_of(struct sidetone_loop *h, const struct sa *peer)
{
	for (size_t i = 0; i < HOST_HEARD; i++)
		if (sa_eq(&h->heard[i].peer, peer))
			return &h->heard[i];
	return NULL;
}

static bool is_there(struct sidetone_loop *h, const struct sa *peer)
{
	const struct host_heard *k = heard_of(h, peer);

	return k && clock_ms(loop_clock(h->loop)) < k->until_ms;
}

static void note_heard(struct host_conn *c, const struct sa *peer)
{
	struct sidetone_loop *h = c->host;
	struct host_heard *k = heard_of(h, peer);

	if (c->heard)
		return;
	c->heard = true;
	k = k ? k : &h->heard[h->next_heard++ % HOST_HEARD];
	*k = (struct host_heard){ *peer, clock_ms(loop_clock(h->loop)) + HEARD_MS };
}

/* A socket of UDP is up at once, whether there is anybody or not; a host without a server says so by ICMP, when
 * something is sent to it. So a keep-alive that nobody answers (RFC 5626 3.5.1) goes first: the next address, or the
 * next server of the agent, is tried before a request is lost, and one that is down is not connected to without a pause. */
static void probe(struct host_conn *c)
{
	struct net_bytes *b = net_bytes_new(STR("\r\n\r\n"));

	if (b)
		net_send(c->host->net, &(struct net_path){ .proto = NET_UDP, .conn = c->path.conn }, b);
	obj_drop(b);
	timer_start(loop_wheel(c->host->loop), &c->timer, PROBE_MS, tell_opened, c);
}

void host_on_connected(void *arg, const struct net_path *path)
{
	struct host_conn *c = conn_by_net(arg, path->conn);

	if (c && path->proto == NET_UDP && !is_there(c->host, &path->peer))
		probe(c);
	else if (c)
		tell_opened(c);
}

void host_on_ended(void *arg, const struct net_path *path, const struct net_end *end)
{
	struct host_conn *c = conn_by_net(arg, path->conn);

	if (!c)
		return;
	leave_path(c);
	timer_stop(&c->timer);
	if (end->why.n)
		say_why(c, end->why);
	else if (end->err && !(c->up && end->code))
		say_why(c, str_z(strerror(end->err)));
	if (c->up || !try_next(c))
		tell_closed(c, end->code);
}

void host_on_pong(void *arg, const struct net_path *path)
{
	struct sidetone_loop *h = arg;
	struct host_conn *c = conn_by_net(h, path->conn);

	if (c && c->up)
		sidetone_core_received(h->core, c->id, "\r\n", 2);
}

void host_on_recv(void *arg, const struct net_path *from, void *msg)
{
	struct sidetone_loop *h = arg;
	struct net_bytes *b = msg;
	struct host_conn *c = conn_by_net(h, from->conn);

	if (c && c->up) {
		note_heard(c, &from->peer);
		sidetone_core_received(h->core, c->id, b->p, b->n);
	}
	obj_drop(b);
}
