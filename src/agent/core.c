/* What the agents of one thread share: the clock, transactions and dialogs. Bytes of a
 * connection become messages of its agent here. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

#define MAX_TX 20000            /* of all agents; their server may ask as much as it likes */
#define FINISHED_BYTES (1 << 20)
#define MAX_STREAM (256 * 1024) /* of a message that is not whole yet */

static struct sidetone_core *core_of(const struct clock *c)
{
	return container_of(c, struct sidetone_core, clock);
}

static uint64_t mono_us(const struct clock *c)
{
	const struct sidetone_host *h = &core_of(c)->host;

	return h->now_us(h->arg);
}

static int64_t wall_us(const struct clock *c)
{
	const struct sidetone_host *h = &core_of(c)->host;

	return h->wall_us(h->arg);
}

static void wake(void *arg, uint64_t ms)
{
	struct sidetone_core *c = arg;

	c->host.wake(c->host.arg, ms);
}

static int hash(void *arg, enum digest_alg a, const struct str *part, size_t n, uint8_t out[SIP_HASH_MAX])
{
	static const enum sidetone_hash names[] = { [DIGEST_MD5] = SIDETONE_MD5, [DIGEST_SHA256] = SIDETONE_SHA256,
		[DIGEST_SHA512_256] = SIDETONE_SHA512_256 };
	const struct sidetone_host *h = arg;
	struct buf b = BUF_INIT;
	int err;

	buf_putv(&b, part, n);
	err = buf_err(&b);
	if (!err)
		err = h->hash(h->arg, names[a], b.p ? b.p : "", b.n, out);
	/* It may have been a password. */
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_free(&b);
	return err;
}

/* ---- out -------------------------------------------------------------------------------- */

struct sidetone_ua *agent_of_path(struct sidetone_core *c, const struct net_path *path)
{
	return map_get(c->agents, str_mk((const char *)&path->conn, sizeof(path->conn)));
}

static int send_bytes(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	struct sidetone_ua *ua = agent_of_path(arg, path);

	return ua ? agent_link_send(ua, str_mk(bytes->p, bytes->n)) : ENOTCONN;
}

static void trace(void *arg, bool sent, const struct net_path *path, struct str bytes)
{
	struct sidetone_core *c = arg;
	struct sidetone_ua *ua = agent_of_path(c, path);

	if (sent) {
		buf_reset(&c->sent);
		buf_put(&c->sent, bytes);
		buf_z(&c->sent);
	}
	if (ua)
		agent_tell(ua, (struct sidetone_event){ .type = sent ? SIDETONE_SENT : SIDETONE_RECEIVED, .text = bytes.p,
			.text_n = bytes.n });
}

/* ---- in --------------------------------------------------------------------------------- */

static void on_request(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_ua *ua = agent_of_path(arg, &msg->from_path);

	if (!ua || !agent_request_came(ua, tx, msg))
		sip_server_tx_reply(tx, 405);
}

static void take_message(struct sidetone_ua *ua, struct str bytes)
{
	struct sidetone_core *c = ua->core;
	struct sip_msg *msg;
	int err = sip_msg_parse(&msg, bytes, !ua->net.stream.max);

	if (err) {
		agent_log(ua, 1, "sip.parser", "a message was dropped: %s", err == ENOMEM ? "out of memory" : "it is no SIP");
		return;
	}
	msg->from_path = ua->path;
	msg->recv_us = clock_us(&ua->core->clock);
	c->now = obj_hold(msg);
	sip_stack_recv(c->sip, msg);
	c->now = obj_drop(msg);
}

static bool is_keep_alive(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			return false;
	return true;
}

/* Whole messages off the front of what has come of a stream. False: nobody can say where the next begins. */
static bool cut_stream(struct sidetone_ua *ua, uint32_t conn)
{
	struct buf *b = &ua->net.stream;
	struct str rest = buf_view(b);
	size_t n;
	int err = 0;

	while (rest.n && ua->net.conn == conn) {
		err = sip_msg_frame(rest, &n);
		if (err)
			break;
		if (is_keep_alive(str_sub(rest, 0, n)))
			agent_link_pong(ua);
		else
			take_message(ua, str_sub(rest, 0, n));
		rest = str_skip(rest, n);
	}
	if (ua->net.conn != conn)
		return true;
	memmove(b->p, rest.p, rest.n);
	b->n = rest.n;
	return !err || err == EAGAIN;
}

static struct sidetone_ua *agent_of_conn(struct sidetone_core *c, uint32_t conn)
{
	return map_get(c->conns, str_mk((const char *)&conn, sizeof(conn)));
}

void sidetone_core_received(struct sidetone_core *c, uint32_t conn, const char *bytes, size_t n)
{
	struct sidetone_ua *ua = agent_of_conn(c, conn);
	struct str s = str_mk(bytes, n);

	if (!ua || !n)
		return;
	obj_hold(ua);
	if (!ua->net.stream.max && is_keep_alive(s)) {
		agent_link_pong(ua);
	} else if (ua->net.stream.max) {
		buf_put(&ua->net.stream, s);
		if (buf_err(&ua->net.stream) || !cut_stream(ua, conn)) {
			agent_log(ua, 1, "sip.transport", "what the server sends is no SIP: the connection is given up");
			c->host.close(c->host.arg, conn);
			agent_link_closed(ua, 0, STR("no SIP"));
		}
	} else {
		take_message(ua, s);
	}
	obj_drop(ua);
}

void sidetone_core_opened(struct sidetone_core *c, uint32_t conn, const char *local)
{
	struct sidetone_ua *ua = agent_of_conn(c, conn);

	if (ua) {
		ua->net.stream.max = ua->path.proto == NET_TCP || ua->path.proto == NET_TLS ? MAX_STREAM : 0;
		agent_link_opened(obj_hold(ua), str_z(local));
		obj_drop(ua);
	}
}

void sidetone_core_closed(struct sidetone_core *c, uint32_t conn, unsigned code, const char *reason)
{
	struct sidetone_ua *ua = agent_of_conn(c, conn);

	if (ua) {
		agent_link_closed(obj_hold(ua), code, str_z(reason));
		obj_drop(ua);
	}
}

/* ---- begin and end ---------------------------------------------------------------------- */

struct sidetone_core *sidetone_core_new(const struct sidetone_host *host)
{
	struct sidetone_core *c = calloc(1, sizeof(*c));
	struct sip_stack_prm prm = { .arg = c, .send = send_bytes, .request = on_request, .trace = trace, .max_share = 100,
		.max_tx = MAX_TX, .finished_bytes = FINISHED_BYTES };
	struct sip_hash h = { .arg = obj_new(sizeof(*host), NULL), .digest = hash };

	if (!c || !h.arg) {
		obj_drop(h.arg);
		free(c);
		return NULL;
	}
	c->host = *(struct sidetone_host *)h.arg = *host;
	c->clock = (struct clock){ mono_us, wall_us };
	list_init(&c->dying);
	c->agents = map_new(false);
	c->wheel = wheel_new(&c->clock);
	c->conns = map_new(false);
	prm.wheel = c->wheel;
	c->digest = digest_ctx_new(&c->clock, &h);
	obj_drop(h.arg);
	if (!c->wheel || !c->conns || !c->agents || !c->digest || sip_stack_new(&c->sip, &prm)) {
		sidetone_core_free(c);
		return NULL;
	}
	wheel_tell(c->wheel, wake, c);
	return c;
}

void sidetone_core_free(struct sidetone_core *c)
{
	if (!c)
		return;
	agent_sessions_bury(c);
	sip_stack_free(c->sip);
	obj_drop(c->digest);
	map_free(c->conns);
	map_free(c->agents);
	if (c->wheel)
		wheel_free(c->wheel);
	buf_free(&c->sent);
	free(c);
}

void sidetone_core_run(struct sidetone_core *c)
{
	wheel_run(c->wheel);
}
