/* Subscriptions of ours (SIP.Subscription) on ua/subscribe.c, which asks, renews and asks anew. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include "ua/subscribe.h"
#include <errno.h>
#include <stdlib.h>

#define RETRY_S 30
#define TRIES UINT32_MAX

struct sidetone_subscription {
	struct sidetone_ua *ua;
	struct list link;               /* in ua.subscriptions */
	struct agent_start start;
	struct ua_subscribe *sub;
	struct text target, event, headers, body, type;
	uint32_t expires_s;
	const char *state;              /* SIP.js's words */
	unsigned telling;               /* so many of our functions still look at it */
	bool freed, told_dialog, ended;
};

static void free_subscription(struct sidetone_subscription *s)
{
	list_remove(&s->start.link);
	list_remove(&s->link);
	ua_subscribe_free(s->sub);
	text_free(&s->target);
	text_free(&s->event);
	text_free(&s->headers);
	text_free(&s->body);
	text_free(&s->type);
	free(s);
}

/* Around whatever tells: the application may free it meanwhile. */
static void enter(struct sidetone_subscription *s)
{
	s->telling++;
	obj_hold(s->ua);
}

static void leave(struct sidetone_subscription *s)
{
	struct sidetone_ua *ua = s->ua;

	if (!--s->telling && s->freed)
		free_subscription(s);
	obj_drop(ua);
}

static void tell(struct sidetone_subscription *s, struct sidetone_event e)
{
	if (s->freed)
		return;
	e.subscription = s;
	agent_tell(s->ua, e);
}

static void set_state(struct sidetone_subscription *s, const char *state)
{
	if (s->state == state)
		return;
	s->state = state;
	tell(s, (struct sidetone_event){ .type = SIDETONE_SUBSCRIPTION_STATE, .text = state, .text_n = strlen(state) });
}

static void on_answer(struct sidetone_subscription *s, const struct sip_msg *msg)
{
	const char *cause = agent_cause(msg->status);

	if (msg->status < 300) {
		tell(s, (struct sidetone_event){ .type = SIDETONE_ACCEPTED, .message = agent_message(msg), .status = (int)msg->status,
			.cause = cause });
		return;
	}
	tell(s, (struct sidetone_event){ .type = SIDETONE_FAILED, .message = agent_message(msg), .status = (int)msg->status,
		.cause = cause });
	tell(s, (struct sidetone_event){ .type = SIDETONE_REJECTED, .message = agent_message(msg), .status = (int)msg->status,
		.cause = cause });
}

static void on_notify(struct sidetone_subscription *s, const struct sip_msg *msg)
{
	if (!s->told_dialog)
		tell(s, (struct sidetone_event){ .type = SIDETONE_DIALOG });
	s->told_dialog = true;
	tell(s, (struct sidetone_event){ .type = SIDETONE_NOTIFY, .message = agent_message(msg) });
}

static const char *state_of(const struct sidetone_subscription *s, const struct ua_subscribe_event *e)
{
	switch (e->state) {
	case UA_SUBSCRIBE_ASKING: return "notify_wait";
	case UA_SUBSCRIBE_SUBSCRIBED:
	case UA_SUBSCRIBE_RENEWING: return e->pending ? "pending" : "active";
	default: return e->state == UA_SUBSCRIBE_LOST && e->again && !s->ended ? "notify_wait" : "terminated";
	}
}

static void told(void *arg, struct ua_subscribe *sub, const struct ua_subscribe_event *e)
{
	struct sidetone_subscription *s = arg;

	(void)sub;
	enter(s);
	if (e->answer)
		on_answer(s, e->answer);
	if (e->notify)
		on_notify(s, e->notify);
	if (!e->answer && !e->notify && (e->state == UA_SUBSCRIBE_LOST) && !e->again)
		tell(s, (struct sidetone_event){ .type = SIDETONE_FAILED,
			.cause = agent_is_up(s->ua) ? "Request Timeout" : "Connection Error" });
	set_state(s, state_of(s, e));
	leave(s);
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct sidetone_subscription *s = arg;
	struct buf b = BUF_INIT;
	int err;

	(void)rq;
	if (s->ua->config.display_name.n && str_starts(o->from, STR("<")))
		o->from = arena_cat(o->arena, STR("\""), text_view(&s->ua->config.display_name), STR("\" "), o->from);
	if (s->ua->config.use_preloaded_route && str_find(o->to, STR(";tag=")) == o->to.n)
		o->route = sip_out_dup(o, text_view(&s->ua->config.servers[s->ua->net.server].sip_uri));
	o->via_host = sip_out_dup(o, text_view(&s->ua->via_host));
	o->no_rport = net_is_stream(path->proto) && !s->ua->config.force_rport;
	agent_put_contact(s->ua, &b, false, false);
	err = buf_err(&b);
	if (!err)
		o->contact = sip_out_dup(o, buf_view(&b));
	buf_free(&b);
	return err;
}

static void answer(void *arg, struct ua_subscribe *sub, unsigned status, struct buf *b)
{
	struct sidetone_subscription *s = arg;

	(void)sub;
	(void)status;
	agent_put_supported(s->ua, b, SIP_UNKNOWN);
	buf_puts(b, STR("User-Agent: "), text_view(&s->ua->config.user_agent_string), STR("\r\n"));
}

static void begin(void *arg)
{
	struct sidetone_subscription *s = arg;
	const struct agent_config *c = &s->ua->config;
	struct ua_subscribe_prm prm = { .target = text_view(&s->target), .local = text_view(&c->uri),
		.event = text_view(&s->event), .headers = text_view(&s->headers), .body_type = text_view(&s->type),
		.body = text_view(&s->body), .user_agent = text_view(&c->user_agent_string), .max_forwards = 70,
		.no_rport = net_is_stream(s->ua->path.proto) && !c->force_rport, .expires_s = s->expires_s,
		.retry = { .again = true, .interval_s = RETRY_S, .most = TRIES }, .credentials = agent_credentials,
		.credentials_arg = s->ua, .arg = s, .prepare = prepare, .answer = answer, .told = told };
	int err;

	enter(s);
	err = s->sub ? 0 : ua_subscribe_new(&s->sub, &s->ua->ua, &prm);
	if (!err)
		err = ua_subscribe_start(s->sub);
	if (err)
		tell(s, (struct sidetone_event){ .type = SIDETONE_FAILED, .cause = "Internal Error" });
	else
		set_state(s, "notify_wait");
	leave(s);
}

static int write_headers(struct sidetone_subscription *s, const char *headers)
{
	struct buf b = BUF_INIT;
	int err = agent_put_lines(&b, str_z(headers));

	if (!err) {
		agent_put_allow(&b);
		agent_put_supported(s->ua, &b, SIP_SUBSCRIBE);
		err = buf_err(&b);
	}
	if (!err)
		err = text_set(&s->headers, buf_view(&b));
	buf_free(&b);
	return err;
}

static int fill(struct sidetone_subscription *s, const struct sidetone_request_options *o, const char *event)
{
	struct buf uri = BUF_INIT;
	int err = o->target ? agent_target(s->ua, str_z(o->target), &uri) : EINVAL;

	if (err)
		agent_fail(s->ua, err, "Invalid target: %s", o->target ? o->target : "");
	if (!err)
		err = text_set(&s->target, buf_view(&uri));
	if (!err)
		err = text_set(&s->event, str_z(event));
	if (!err && o->body)
		err = text_set(&s->body, agent_body(o)) ? ENOMEM :
		      text_set(&s->type, o->content_type ? str_z(o->content_type) : STR("application/sdp"));
	if (!err)
		err = write_headers(s, o->headers);
	buf_free(&uri);
	return err;
}

int sidetone_ua_subscribe(struct sidetone_ua *ua, const struct sidetone_request_options *o, const char *event, uint32_t expires_s,
			  struct sidetone_subscription **out)
{
	struct sidetone_subscription *s;
	int err;

	if (!event || !*event)
		return agent_fail(ua, EINVAL, "Event necessary to create a subscription.");
	s = calloc(1, sizeof(*s));
	if (!s)
		return ENOMEM;
	s->ua = ua;
	s->expires_s = expires_s ? expires_s : 3600;
	s->state = "init";
	list_append(&ua->subscriptions, &s->link);
	err = fill(s, o, event);
	if (err) {
		free_subscription(s);
		return err;
	}
	*out = s;
	agent_when_up(ua, &s->start, begin, s);
	return 0;
}

int sidetone_subscription_refresh(struct sidetone_subscription *s)
{
	if (s->ended)
		s->ended = false;
	if (!agent_is_up(s->ua))
		return agent_fail(s->ua, ENOTCONN, "there is no connection");
	return s->sub ? ua_subscribe_start(s->sub) : 0;
}

int sidetone_subscription_end(struct sidetone_subscription *s)
{
	int err;

	s->ended = true;
	list_remove(&s->start.link);
	enter(s);
	set_state(s, "terminated");
	err = s->sub ? ua_subscribe_end(s->sub) : 0;
	leave(s);
	return err;
}

void sidetone_subscription_free(struct sidetone_subscription *s)
{
	if (!s)
		return;
	s->freed = true;
	if (!s->telling)
		free_subscription(s);
}

/* The peer's dialogs are as they were, but what it told meanwhile is lost. */
void agent_subscriptions_up(struct sidetone_ua *ua)
{
	list_each(l, &ua->subscriptions) {
		struct sidetone_subscription *s = container_of(l, struct sidetone_subscription, link);

		if (s->sub && !s->ended && !list_linked(&s->start.link))
			agent_when_up(ua, &s->start, begin, s);
	}
}

void agent_subscriptions_end(struct sidetone_ua *ua)
{
	struct list *l = ua->subscriptions.next;

	/* What is told may free any of them: from the front again after each. */
	while (l != &ua->subscriptions) {
		struct sidetone_subscription *s = container_of(l, struct sidetone_subscription, link);
		bool ended = s->ended;

		if (!ended)
			sidetone_subscription_end(s);
		l = ended ? l->next : ua->subscriptions.next;
	}
}

void agent_subscriptions_free(struct sidetone_ua *ua)
{
	while (!list_empty(&ua->subscriptions)) {
		struct sidetone_subscription *s = container_of(ua->subscriptions.next, struct sidetone_subscription, link);

		list_remove(&s->link);
		sidetone_subscription_free(s);
	}
}
