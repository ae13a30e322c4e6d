/* The connection of an agent: which server, when again after it was lost, whether it is alive
 * (RFC 5626 4.4, 4.5; SIP.js's wsServers, wsServerMaxReconnection, connectionRecovery*). */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include <errno.h>
#include <sys/random.h>

#define PONG_MS 10000           /* RFC 5626 4.4.1 */

static void connect_now(void *arg);

static uint32_t random_below(uint32_t n)
{
	uint32_t v = 0;

	if (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		v = 0;
	return n ? v % n : 0;
}

static struct str key_of(struct agent_link *l)
{
	return str_mk((const char *)&l->conn, sizeof(l->conn));
}

/* The connection goes, without a word to anybody. */
static void forget(struct sidetone_ua *ua)
{
	struct agent_link *l = &ua->net;

	timer_stop(&l->keep_alive);
	timer_stop(&l->pong);
	timer_stop(&l->next);
	buf_reset(&l->stream);
	if (!l->conn)
		return;
	map_del(ua->core->conns, key_of(l));
	l->conn = 0;
}

static void try_in(struct sidetone_ua *ua, uint64_t ms)
{
	ua->net.state = AGENT_LINK_WAITING;
	timer_start(ua->core->wheel, &ua->net.next, ms, connect_now, ua);
}

/* Highest weight first, at random among equals, those that failed passed over. False: all have failed. */
static bool choose(struct sidetone_ua *ua)
{
	const struct agent_config *c = &ua->config;
	struct agent_link *l = &ua->net;
	uint32_t equals = 0;
	double best = 0;

	for (size_t i = 0; i < c->n_servers; i++) {
		if (l->failed & 1u << i)
			continue;
		if (!equals || c->servers[i].weight > best) {
			best = c->servers[i].weight;
			equals = 0;
		} else if (c->servers[i].weight < best) {
			continue;
		}
		if (random_below(++equals) == 0)
			l->server = i;
	}
	l->attempts = 0;
	return equals > 0;
}

/* RFC 5626 4.5: a random number of minimum intervals, of a range that doubles each round. */
static void recover(struct sidetone_ua *ua)
{
	const struct agent_config *c = &ua->config;
	struct agent_link *l = &ua->net;
	uint64_t s = (uint64_t)(1 + random_below(1u << (l->round < 30 ? l->round : 30))) * c->connection_recovery_min_interval;

	if (s > c->connection_recovery_max_interval) {
		s = c->connection_recovery_min_interval;
		l->round = 0;
	}
	l->round++;
	l->failed = 0;
	choose(ua);
	try_in(ua, 1000 * s);
	agent_log(ua, 1, "sip.ua", "no server answers: the next try in %u seconds", (unsigned)s);
}

static void next_server(struct sidetone_ua *ua)
{
	ua->net.failed |= 1u << ua->net.server;
	if (choose(ua))
		try_in(ua, 0);
	else
		recover(ua);
}

static int proto_of(const char *scheme, enum net_proto *p)
{
	for (int i = 0; i < NET_PROTOS; i++)
		if (str_eq(str_z(scheme), str_z(net_proto_name((enum net_proto)i)))) {
			*p = (enum net_proto)i;
			return 0;
		}
	return EINVAL;
}

static void connect_now(void *arg)
{
	struct sidetone_ua *ua = arg;
	struct agent_link *l = &ua->net;
	const struct agent_server *s = &ua->config.servers[l->server];
	int err = proto_of(s->scheme, &ua->path.proto);

	l->state = AGENT_LINK_CONNECTING;
	obj_hold(ua);
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_CONNECTING, .status = l->attempts ? (int)l->attempts : 1 });
	/* Stopped, or stopped and started, by what was told. */
	if (l->state != AGENT_LINK_CONNECTING || l->conn) {
		obj_drop(ua);
		return;
	}
	if (!err)
		err = ua->core->host.open(ua->core->host.arg, text_z(&s->ws_uri), &l->conn);
	if (!err)
		err = map_add(ua->core->conns, key_of(l), ua);
	if (err && l->state == AGENT_LINK_CONNECTING) {
		if (l->conn)
			ua->core->host.close(ua->core->host.arg, l->conn);
		agent_log(ua, 0, "sip.transport", "%s: %s", text_z(&s->ws_uri), strerror(err));
		agent_link_closed(ua, 0, str_z(strerror(err)));
	}
	obj_drop(ua);
}

void agent_link_start(struct sidetone_ua *ua)
{
	struct agent_link *l = &ua->net;

	if (l->state != AGENT_LINK_CLOSED)
		return;
	l->failed = 0;
	l->round = 0;
	if (choose(ua))
		connect_now(ua);
}

/* ---- keep-alive ------------------------------------------------------------------------- */

static void on_no_pong(void *arg)
{
	struct sidetone_ua *ua = arg;

	obj_hold(ua);
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_KEEP_ALIVE_TIMEOUT });
	/* The flow is dead (RFC 5626 4.4): another one. */
	if (ua->net.state == AGENT_LINK_UP)
		agent_link_renew(ua);
	obj_drop(ua);
}

static void plan_keep_alive(struct sidetone_ua *ua);

static void on_keep_alive(void *arg)
{
	struct sidetone_ua *ua = arg;
	struct agent_link *l = &ua->net;
	const struct sidetone_host *h = &ua->core->host;

	if (l->state != AGENT_LINK_UP)
		return;
	if (!h->send(h->arg, l->conn, "\r\n\r\n", 4) && !timer_running(&l->pong))
		timer_start(ua->core->wheel, &l->pong, PONG_MS, on_no_pong, ua);
	plan_keep_alive(ua);
}

/* At 80 to 100 % of the interval, so that many clients do not knock at once. */
static void plan_keep_alive(struct sidetone_ua *ua)
{
	uint64_t ms = 1000ull * ua->config.keep_alive_interval;

	if (ms)
		timer_start(ua->core->wheel, &ua->net.keep_alive, ms * 8 / 10 + random_below((uint32_t)(ms * 2 / 10)),
			    on_keep_alive, ua);
}

void agent_link_pong(struct sidetone_ua *ua)
{
	timer_stop(&ua->net.pong);
}

/* ---- what the host tells ---------------------------------------------------------------- */

void agent_link_opened(struct sidetone_ua *ua, struct str local)
{
	struct agent_link *l = &ua->net;
	int err;

	if (l->state != AGENT_LINK_CONNECTING)
		return;
	if (ua->config.hack_via_tcp && net_is_websocket(ua->path.proto))
		ua->path.proto = NET_TCP;
	err = agent_identity(ua, local);
	if (err) {
		ua->core->host.close(ua->core->host.arg, l->conn);
		agent_link_closed(ua, 0, str_z(strerror(err)));
		return;
	}
	l->state = AGENT_LINK_UP;
	l->failed = 0;
	l->attempts = 0;
	l->round = 0;
	plan_keep_alive(ua);
	l->up(ua);
}

static void tell_down(struct sidetone_ua *ua, unsigned code, struct str reason)
{
	struct text t = { 0 };

	text_set(&t, reason);
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_DISCONNECTED, .status = (int)code, .text = text_z(&t),
		.text_n = t.n });
	text_free(&t);
}

void agent_link_closed(struct sidetone_ua *ua, unsigned code, struct str reason)
{
	struct agent_link *l = &ua->net;
	bool was_up = l->state == AGENT_LINK_UP;
	uint64_t wait = 1000ull * ua->config.ws_server_reconnection_timeout;

	if (!was_up && l->state != AGENT_LINK_CONNECTING)
		return;
	forget(ua);
	/* State first: what is told below may stop or free the agent. */
	if (ua->stopping) {
		l->state = AGENT_LINK_CLOSED;
		l->attempts = 0;
		l->down(ua);
		tell_down(ua, code, reason);
	} else if (was_up) {
		l->attempts = 1;
		try_in(ua, 0);
		l->down(ua);
		tell_down(ua, code, reason);
	} else if (l->attempts && l->attempts < ua->config.ws_server_max_reconnection) {
		l->attempts++;
		try_in(ua, wait);
	} else {
		next_server(ua);
		tell_down(ua, code, reason);
	}
}

int agent_link_send(struct sidetone_ua *ua, struct str bytes)
{
	const struct sidetone_host *h = &ua->core->host;

	return ua->net.state == AGENT_LINK_UP ? h->send(h->arg, ua->net.conn, bytes.p, bytes.n) : ENOTCONN;
}

void agent_link_stop(struct sidetone_ua *ua)
{
	struct agent_link *l = &ua->net;
	bool was_up = l->state == AGENT_LINK_UP;
	uint32_t conn = l->conn;

	if (l->state == AGENT_LINK_CLOSED)
		return;
	forget(ua);
	l->state = AGENT_LINK_CLOSED;
	l->attempts = 0;
	if (conn)
		ua->core->host.close(ua->core->host.arg, conn);
	if (was_up && !ua->freed) {
		l->down(ua);
		tell_down(ua, 1000, STR(""));
	}
}

void agent_link_renew(struct sidetone_ua *ua)
{
	struct agent_link *l = &ua->net;
	uint32_t conn = l->conn;

	if (l->state == AGENT_LINK_CLOSED)
		return;
	if (l->state == AGENT_LINK_UP) {
		ua->core->host.close(ua->core->host.arg, conn);
		agent_link_closed(ua, 0, STR("network changed"));
		return;
	}
	if (conn)
		ua->core->host.close(ua->core->host.arg, conn);
	forget(ua);
	l->failed = 0;
	l->round = 0;
	try_in(ua, 0);
}
