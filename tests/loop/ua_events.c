/* A subscriber and a notifier that face each other. */
#include "ua_events.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* ---- the notifier's network, and its user ------------------------------------------------- */

static int route(void *arg, struct net_path *path, struct str transport, const struct ua_target *to)
{
	struct events *e = arg;

	(void)transport;
	*path = (struct net_path){ .transport = 1, .proto = to->proto, .local = e->n.l.b.addr, .peer = to->peer };
	return 0;
}

static int reach(void *arg, struct str transport, struct ua_reach *out)
{
	(void)arg;
	(void)transport;
	out->can_v4[NET_UDP] = true;
	return 0;
}

static bool usable(void *arg, const struct net_path *path)
{
	(void)arg;
	(void)path;
	return true;
}

static const struct ua_ways ways = { route, reach, usable };

static int say(void *arg, struct ua_notify *n, bool full, struct sip_out *out)
{
	struct events *e = arg;
	char text[16];

	(void)n;
	if (e->mute)
		return e->mute;
	e->partial += !full;
	snprintf(text, sizeof(text), "%u", e->number);
	sip_out_body(out, STR("text/plain"), str_z(text));
	return 0;
}

static unsigned renew(void *arg, struct ua_notify *n, const struct sip_msg *msg, uint32_t seconds)
{
	struct events *e = arg;
	unsigned status = e->refuse;

	(void)n;
	(void)msg;
	e->renewed += seconds && !status;
	e->refuse = 0;
	return status;
}

static void answer(void *arg, struct ua_notify *n, unsigned status, struct buf *headers)
{
	struct events *e = arg;

	(void)n;
	if (status >= 300 && e->refuse_headers)
		buf_put(headers, str_z(e->refuse_headers));
}

static void changed(void *arg, struct ua_notify *n, const struct ua_notify_event *what)
{
	struct events *e = arg;

	e->expired += what->expired;
	if (what->state != UA_NOTIFY_OVER)
		return;
	e->over++;
	e->gone = *what;
	if (n == e->notify)
		e->notify = NULL;
	ua_notify_free(n);
}

struct ua_notify_prm events_notify_prm(struct events *e)
{
	return (struct ua_notify_prm){ .contact = STR("<sip:b@192.0.2.2:5060>"), .user_agent = STR("Notifier"),
		.max_forwards = 70, .terms = e->terms, .pending = e->pending, .credentials = ua_net_credentials,
		.credentials_arg = &e->n, .arg = e, .say = say,
		.renew = renew, .answer = answer, .changed = changed };
}

static void handle_subscribe(struct node *node, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct events *e = node->user;
	struct ua_notify_prm prm = events_notify_prm(e);
	unsigned status = e->refuse;
	char headers[64] = "";

	e->refuse = 0;
	if (!status && msg->to.tag.n)
		status = 481;
	if (!status)
		status = ua_notify_expires(&e->terms, msg, &prm.expires_s);
	if (!status && ua_notify_new(&e->notify, &e->ua_b, &prm, tx))
		status = 503;
	if (!status) {
		e->taken++;
		ua_notify_start(e->notify, tx);
		return;
	}
	if (status == 423)
		snprintf(headers, sizeof(headers), "Min-Expires: %u\r\n", e->terms.min_s);
	sip_server_tx_respond(tx, status, STR_NULL, str_z(e->refuse_headers ? e->refuse_headers : headers), STR_NULL,
			      STR_NULL);
}

void events_set(struct events *e, unsigned number, uint32_t ms)
{
	e->number = number;
	if (e->notify)
		ua_notify_changed(e->notify, ms);
}

/* ---- the subscriber's user ------------------------------------------------------------------ */

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	(void)arg;
	(void)rq;
	(void)path;
	out->contact = STR("<sip:a@192.0.2.1:5060>");
	return 0;
}

static unsigned check(void *arg, struct ua_subscribe *s, const struct sip_msg *notify)
{
	(void)s;
	assert_true(str_eq(notify->content_type, STR("text/plain")) || !notify->body.n);
	return ((struct events *)arg)->check;
}

static void told(void *arg, struct ua_subscribe *s, const struct ua_subscribe_event *what)
{
	struct events *e = arg;
	size_t n = strlen(e->heard);

	e->told++;
	if (what->notify) {
		struct str state = sip_hdr_value(what->notify, SIP_H_SUBSCRIPTION_STATE);

		e->notified++;
		snprintf(e->heard + n, sizeof(e->heard) - n, "%s%s%.*s", n ? " " : "",
			 str_starts(state, STR("terminated")) ? "t" : "", STR_ARG(what->notify->body));
	}
	e->last = *what;
	e->status = what->answer ? what->answer->status : 0;
	e->last.notify = e->last.answer = NULL;
	if (e->free_sub) {
		ua_subscribe_free(s);
		e->sub = NULL;
	}
}

struct ua_subscribe_prm events_prm(struct events *e)
{
	return (struct ua_subscribe_prm){ .target = STR("sip:b@192.0.2.2"), .local = STR("sip:a@192.0.2.1"),
		.event = STR("number"), .accept = STR("text/plain"), .headers = STR("X-Test: 1\r\n"), .user_agent = STR("Subscriber"),
		.max_forwards = 70, .expires_s = 100, .credentials = ua_net_credentials, .credentials_arg = &e->n,
		.arg = e, .prepare = prepare, .check = check, .told = told };
}

static void handle_notify(struct node *node, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct events *e = node->user;

	if (ua_subscribe_notify_came(&e->n.ua, tx, msg))
		return;
	e->strays++;
	sip_server_tx_reply(tx, 481);
}

void events_begin(struct events *e, const struct ua_subscribe_prm *prm)
{
	assert_int_equal(ua_subscribe_new(&e->sub, &e->n.ua, prm), 0);
	assert_int_equal(ua_subscribe_start(e->sub), 0);
	events_pass(e, 5);
}

void events_pass(struct events *e, uint64_t ms)
{
	link_run(&e->n.l, ms);
}

/* ---- both ----------------------------------------------------------------------------------- */

void events_open(struct events *e)
{
	*e = (struct events){ .number = 1, .terms = { .default_s = 600 } };
	ua_net_open(&e->n);
	ua_init(&e->ua_b, e->n.l.b.sip, e->n.digest, &ways, e, NULL);
	e->n.l.a.handle = handle_notify;
	e->n.l.b.handle = handle_subscribe;
	e->n.l.a.user = e->n.l.b.user = e;
}

int events_close(struct events *e)
{
	ua_subscribe_free(e->sub);
	ua_notify_free(e->notify);
	assert_true(list_empty(&e->ua_b.requests));
	return ua_net_close(&e->n);
}
