/* One agent: made, configured, started, stopped. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define SETTLE_MS 20            /* how often a stopping agent looks whether it is done */
#define SETTLE_BYE_MS 2000      /* a BYE of ours may wait so long for its turn */
#define SETTLE_MOST_MS 32000    /* timer F: nothing is waited for longer */

/* ---- the network ---------------------------------------------------------------------------- */

static int route(void *arg, struct net_path *path, struct str transport, const struct ua_target *to)
{
	const struct sidetone_ua *ua = arg;

	(void)transport;
	(void)to;
	*path = ua->path;
	return 0;
}

static int reach(void *arg, struct str transport, struct ua_reach *out)
{
	const struct sidetone_ua *ua = arg;

	(void)transport;
	out->fixed = true;
	out->proto = ua->path.proto;
	out->can_v4[ua->path.proto] = true;
	return 0;
}

static bool usable(void *arg, const struct net_path *path)
{
	(void)path;
	return agent_is_up(arg);
}

static void register_later(void *arg)
{
	struct sidetone_ua *ua = arg;

	if (ua->config.register_ && agent_is_up(ua) && !ua->stopping)
		agent_register(ua);
}

static void on_up(struct sidetone_ua *ua)
{
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_CONNECTED, .text = text_z(&ua->config.servers[ua->net.server].ws_uri) });
	if (!agent_is_up(ua))
		return;
	timer_start(ua->core->wheel, &ua->reg_later, 0, register_later, ua);
	agent_subscriptions_up(ua);
	agent_start_waiting(ua);
}

static void on_down(struct sidetone_ua *ua)
{
	timer_stop(&ua->reg_later);
	timer_stop(&ua->start_later);
	ua_requests_fail(&ua->ua, ENOTCONN);
	agent_sessions_lost(ua);
	agent_register_lost(ua);
}

/* Whoever has a scheme of its own is asked. */
static bool authorize(void *arg, struct sip_out *out, const struct sip_msg *msg)
{
	struct sidetone_ua *ua = arg;
	struct buf b = BUF_INIT;
	struct text ruri = { 0 };
	bool ok;

	ua->authorization = &b;
	if (!text_set(&ruri, out->ruri))
		agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_CHALLENGE, .message = agent_message(msg),
			.status = (int)msg->status, .text = sip_method_name(out->method).p, .cause = text_z(&ruri) });
	ua->authorization = NULL;
	ok = b.n && !buf_err(&b);
	if (ok)
		out->auth = sip_out_dup(out, buf_view(&b));
	text_free(&ruri);
	buf_free(&b);
	return ok;
}

void sidetone_ua_own_authentication(struct sidetone_ua *ua)
{
	ua->ua.authorize = authorize;
}

int sidetone_ua_authorize(struct sidetone_ua *ua, const char *line)
{
	return ua->authorization ? agent_put_lines(ua->authorization, str_z(line)) : EPERM;
}

/* ---- begin and end ---------------------------------------------------------------------------- */

static void agent_free(void *arg)
{
	struct sidetone_ua *ua = arg;

	agent_config_free(&ua->config);
	text_free(&ua->error);
	text_free(&ua->via_host);
	text_free(&ua->contact_uri);
	text_free(&ua->pub_gruu);
	text_free(&ua->temp_gruu);
	text_free(&ua->supported);
	text_free(&ua->reg_headers);
	text_free(&ua->reg_lines);
	text_free(&ua->leave_headers);
	buf_free(&ua->net.stream);
}

static const struct ua_ways ways = { route, reach, usable };

struct sidetone_ua *sidetone_ua_new(struct sidetone_core *c, sidetone_event_fn *fn, void *arg)
{
	struct sidetone_ua *ua = obj_new(sizeof(*ua), agent_free);

	if (!ua)
		return NULL;
	ua->core = c;
	ua->fn = fn;
	ua->arg = arg;
	ua->net.up = on_up;
	ua->net.down = on_down;
	ua_init(&ua->ua, c->sip, c->digest, &ways, ua, NULL);
	ua->path = (struct net_path){ .transport = 1, .proto = NET_WS, .conn = ++c->last_id };
	sa_parse(&ua->path.local, STR("192.0.2.1:5060"));
	sa_parse(&ua->path.peer, STR("192.0.2.2:5060"));
	ua->ua.way = &ua->path;
	list_init(&ua->waiting);
	list_init(&ua->requests);
	list_init(&ua->incoming);
	list_init(&ua->sessions);
	list_init(&ua->subscriptions);
	list_init(&ua->publications);
	if (agent_config_init(&ua->config) ||
	    map_add(c->agents, str_mk((const char *)&ua->path.conn, sizeof(ua->path.conn)), ua))
		return obj_drop(ua);
	return ua;
}

void sidetone_ua_free(struct sidetone_ua *ua)
{
	if (!ua)
		return;
	ua->fn = NULL;
	ua->freed = true;
	timer_stop(&ua->start_later);
	timer_stop(&ua->reg_later);
	timer_stop(&ua->settle);
	agent_register_free(ua);
	agent_subscriptions_free(ua);
	agent_publications_free(ua);
	agent_incoming_free_all(ua);
	agent_sessions_free(ua);
	agent_requests_free(ua);
	ua_invites_abandon(&ua->ua);
	ua_requests_abandon(&ua->ua);
	agent_link_stop(ua);
	map_del(ua->core->agents, str_mk((const char *)&ua->path.conn, sizeof(ua->path.conn)));
	obj_drop(ua);
}

static void random_bytes(void *arg, void *p, size_t n)
{
	(void)arg;
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

int sidetone_ua_start(struct sidetone_ua *ua)
{
	struct text why = { 0 };
	int err = 0;

	if (!ua->started) {
		err = agent_config_finish(&ua->config, random_bytes, NULL, &why);
		if (err)
			agent_fail(ua, err, "%s", text_z(&why));
		text_free(&why);
		if (err)
			return err;
	}
	ua->started = true;
	if (ua->stopping) {     /* once it has stopped */
		ua->again = true;
		return 0;
	}
	agent_link_start(ua);
	return 0;
}

static bool may_close(struct sidetone_ua *ua)
{
	/* What is left of calls that were refused or cancelled needs nobody; a BYE that waits for its ACK does. */
	return ua_requests_are(&ua->ua, SIP_INVITE) && list_empty(&ua->waiting) && !ua_invites_leaving(&ua->ua) &&
	       !agent_register_busy(ua);
}

static void stopped(struct sidetone_ua *ua)
{
	bool again = ua->again;

	timer_stop(&ua->settle);
	ua->stopping = ua->again = false;
	agent_link_stop(ua);
	if (again && !ua->freed)
		sidetone_ua_start(ua);
}

static void settle(void *arg)
{
	struct sidetone_ua *ua = obj_hold(arg);
	uint64_t now = clock_ms(&ua->core->clock);

	/* Who waits for the other side's BYE has waited long enough. */
	if (now + SETTLE_MOST_MS >= ua->stop_by_ms + SETTLE_BYE_MS)
		ua_invites_abandon(&ua->ua);
	if (now >= ua->stop_by_ms || may_close(ua) || !agent_is_up(ua))
		stopped(ua);
	else
		timer_start(ua->core->wheel, &ua->settle, SETTLE_MS, settle, ua);
	obj_drop(ua);
}

void sidetone_ua_stop(struct sidetone_ua *ua)
{
	if (ua->stopping || ua->net.state == AGENT_LINK_CLOSED) {
		agent_log(ua, 1, "sip.ua", "UA already closed");
		return;
	}
	obj_hold(ua);
	ua->stopping = true;
	ua->stop_by_ms = clock_ms(&ua->core->clock) + SETTLE_MOST_MS;
	timer_stop(&ua->reg_later);
	if (ua->registered)
		agent_unregister(ua);
	agent_sessions_end(ua);
	agent_subscriptions_end(ua);
	agent_publications_end(ua);
	if (agent_is_up(ua))
		timer_start(ua->core->wheel, &ua->settle, 0, settle, ua);
	else
		stopped(ua);
	obj_drop(ua);
}

/* ---- small things ------------------------------------------------------------------------------ */

bool sidetone_ua_is_connected(const struct sidetone_ua *ua)
{
	return agent_is_up(ua);
}

void sidetone_ua_network_changed(struct sidetone_ua *ua)
{
	obj_hold(ua);
	agent_link_renew(ua);
	obj_drop(ua);
}

int sidetone_ua_set_json(struct sidetone_ua *ua, const char *name, const char *json)
{
	struct text why = { 0 };
	int err = agent_config_set_json(&ua->config, str_z(name), str_z(json), &why);

	if (err)
		agent_fail(ua, err, "%s", why.n ? text_z(&why) : strerror(err));
	else if (why.n)         /* an old name, a member that is not known */
		agent_log(ua, 1, "sip.ua", "%s", text_z(&why));
	text_free(&why);
	return err;
}

int sidetone_ua_set_string(struct sidetone_ua *ua, const char *name, const char *value)
{
	struct buf b = BUF_INIT;
	int err;

	if (!value)
		return sidetone_ua_set_json(ua, name, "null");
	buf_char(&b, '"');
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_char(&b, '\\');
		if ((unsigned char)*p < 0x20)
			buf_printf(&b, "\\u%04x", (unsigned)(unsigned char)*p);
		else
			buf_char(&b, *p);
	}
	buf_char(&b, '"');
	err = buf_err(&b);
	if (!err)
		err = sidetone_ua_set_json(ua, name, buf_z(&b));
	buf_free(&b);
	return err;
}

int sidetone_ua_set_number(struct sidetone_ua *ua, const char *name, double value)
{
	char text[40];

	snprintf(text, sizeof(text), "%.17g", value);
	return sidetone_ua_set_json(ua, name, text);
}

int sidetone_ua_set_bool(struct sidetone_ua *ua, const char *name, bool value)
{
	return sidetone_ua_set_json(ua, name, value ? "true" : "false");
}

char *sidetone_ua_get_json(const struct sidetone_ua *ua, const char *name)
{
	struct text t = { 0 };

	if (agent_config_get_json(&ua->config, str_z(name), &t)) {
		text_free(&t);
		return NULL;
	}
	return t.p;
}
