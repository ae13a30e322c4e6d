#define LOG_MODULE "subscribe"
#include "service/subscription/private.h"
#include "base/log.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX 64000          /* [bytes] what a datagram can carry, less its headers */

/* ---- the body of a list (RFC 4662) ----------------------------------------------------- */

/* A body and how the list that holds it speaks of it. */
struct part {
	const struct node *node;
	struct text type;
	struct buf body;
	char id[SIP_TAG + 1];
};

static int node_body(struct node *n, bool full, struct text *type, struct buf *b);

static void rlmi_resource(struct buf *b, const struct part *p, struct sip_stack *sip)
{
	const struct node *n = p->node;
	struct buf uri = BUF_INIT;
	char id[SIP_TAG + 1];

	sip_token(sip, id, SIP_TAG);
	node_uri(n, &uri);
	buf_put(b, STR("  <resource uri=\""));
	xml_text(b, buf_view(&uri));
	buf_put(b, STR("\">\n    <name>"));
	xml_text(b, text_view(n->display.n ? &n->display : &n->resource));
	buf_puts(b, STR("</name>\n    <instance id=\""), str_z(id), STR("\" state=\""),
		 tree_over(n) || n->sub->ended ? STR("terminated") : STR("active"), STR("\" cid=\""), str_z(p->id),
		 STR("@"), text_view(&n->sub->host), STR("\"/>\n  </resource>\n"));
	buf_free(&uri);
}

static void rlmi(struct buf *b, struct node *n, const struct part *v, size_t parts, bool full)
{
	struct buf uri = BUF_INIT;

	node_uri(n, &uri);
	buf_put(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\""));
	xml_text(b, buf_view(&uri));
	buf_printf(b, "\" version=\"%u\" fullState=\"%s\">\n  <name>", n->version++, full ? "true" : "false");
	xml_text(b, text_view(&n->resource));
	buf_put(b, STR("</name>\n"));
	for (size_t i = 0; i < parts; i++)
		rlmi_resource(b, &v[i], n->sub->svc->sip);
	buf_put(b, STR("</list>\n"));
	buf_free(&uri);
}

static void open_part(struct buf *b, const struct node *n, const char *boundary, const char *id, struct str type)
{
	buf_puts(b, STR("--"), str_z(boundary), STR("\r\nContent-ID: <"), str_z(id), STR("@"),
		 text_view(&n->sub->host), STR(">\r\nContent-Type: "), type, STR("\r\n\r\n"));
}

static int write_list(struct node *n, const struct part *v, size_t parts, bool full, struct text *type, struct buf *b)
{
	struct sip_stack *sip = n->sub->svc->sip;
	char boundary[SIP_TAG + 1], id[SIP_TAG + 1];

	sip_token(sip, boundary, SIP_TAG);
	sip_token(sip, id, SIP_TAG);
	open_part(b, n, boundary, id, STR("application/rlmi+xml;charset=\"UTF-8\""));
	rlmi(b, n, v, parts, full);
	for (size_t i = 0; i < parts; i++) {
		buf_put(b, STR("\r\n"));
		open_part(b, n, boundary, v[i].id, text_view(&v[i].type));
		buf_put(b, buf_view(&v[i].body));
	}
	buf_puts(b, STR("\r\n--"), str_z(boundary), STR("--\r\n"));
	return text_printf(type, "multipart/related;type=\"application/rlmi+xml\";boundary=%s", boundary);
}

static void parts_free(struct part *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		text_free(&v[i].type);
		buf_free(&v[i].body);
	}
	free(v);
}

static int list_body(struct node *n, bool full, struct text *type, struct buf *b)
{
	struct part *v = calloc(n->n, sizeof(*v));
	size_t parts = 0;
	int err = v ? 0 : ENOMEM;

	full |= n->full_state;
	for (size_t i = 0; !err && i < n->n; i++) {
		struct part *p = &v[parts];

		p->node = n->child[i];
		sip_token(n->sub->svc->sip, p->id, SIP_TAG);
		err = node_body(n->child[i], full, &p->type, &p->body);
		/* What is half written is freed with the whole ones. */
		if (err != ENODATA)
			parts++;
		else
			err = 0;
	}
	if (!err)
		err = parts ? write_list(n, v, parts, full, type, b) : ENODATA;
	if (v)
		parts_free(v, parts);
	return err;
}

/* ENODATA: nothing of it changed, and not everything was asked for. */
static int node_body(struct node *n, bool full, struct text *type, struct buf *b)
{
	if (n->n)
		return list_body(n, full, type, b);
	if (!full && !n->changed)
		return ENODATA;
	n->changed = false;
	buf_put(b, buf_view(&n->body));
	return text_set(type, n->sub->body->type);
}

/* ---- the manager's TestEvent -------------------------------------------------------------- */

struct event *subscription_test_new(struct service *svc, const char *state)
{
	struct event *e = event_new(svc->pbx->events, "TestEvent", EV_TEST | EV_REPORTING);

	if (!e)
		return NULL;
	event_put(e, "Type", STR("StateChange"));
	event_put(e, "State", str_z(state));
	event_put(e, "AppFile", STR("subscribe.c"));
	event_put(e, "AppFunction", STR("notify"));
	event_put(e, "AppLine", STR("0"));
	return e;
}

void subscription_test_event(struct subscription *s, const char *state)
{
	struct event *e = subscription_test_new(s->svc, state);

	if (!e)
		return;
	event_put(e, "Resource", text_view(&s->root->resource));
	event_send(s->svc->pbx->events, e);
}

static void test_sent(struct subscription *s, const char *state)
{
	struct event *e = subscription_test_new(s->svc, "SUBSCRIPTION_STATE_SET");

	if (!e)
		return;
	event_put(e, "StateText", str_z(state));
	event_put(e, "Endpoint", s->ep->name);
	event_send(s->svc->pbx->events, e);
}

/* ---- sending ----------------------------------------------------------------------------- */

/* 4.2.2, and RFC 5057 5.1: after these the subscriber is not there any more. */
static bool ends(unsigned status)
{
	return status == 404 || status == 405 || status == 410 || status == 416 || (status >= 480 && status <= 485) ||
	       status == 489 || status == 501 || status == 604;
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct subscription *s = arg;

	if (msg->status < 200)
		return;
	if (ends(msg->status) && !s->ended) {
		log_notice("'%.*s' does not want to hear of '%s' any more (%u)", STR_ARG(s->ep->name),
			   text_z(&s->root->resource), msg->status);
		subscription_drop(s);
	}
	obj_drop(rq);
	obj_drop(s);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct subscription *s = arg;

	if (!s->ended && err != ECANCELED) {
		log_notice("NOTIFY of '%s' does not reach '%.*s'", text_z(&s->root->resource), STR_ARG(s->ep->name));
		subscription_drop(s);
	}
	obj_drop(rq);
	obj_drop(s);
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	(void)rq;
	(void)path;
	service_dialog_cseq(((struct subscription *)arg)->dlg, o);
	return 0;
}

static void put_state(struct subscription *s, struct sip_out *o, const char *reason)
{
	uint64_t now = clock_ms(s->svc->clock);
	char line[64];

	if (reason)
		snprintf(line, sizeof(line), "terminated;reason=%s", reason);
	else
		snprintf(line, sizeof(line), "active;expires=%llu",
			 (unsigned long long)(s->ends_ms > now ? (s->ends_ms - now + 500) / 1000 : 0));
	sip_out_header(o, STR("Subscription-State"), str_z(line));
}

static int send_out(struct subscription *s, struct sip_out *o)
{
	struct ua_request_prm prm = service_dialog_prm(s->dlg, o, s->conf, s->ep);
	struct ua_request *rq;
	int err;

	prm.arg = s;
	prm.response = on_response;
	prm.failed = on_failed;
	prm.prepare = prepare;
	obj_hold(s);
	err = ua_request_send(&s->svc->ua, &prm, &rq);
	if (err)
		obj_drop(s);
	return err;
}

static int notify(struct subscription *s, bool full, const char *reason)
{
	struct sip_out *o;
	struct text type = { 0 };
	struct buf body = { .max = BODY_MAX }, names = BUF_INIT;
	int err = node_body(s->root, full, &type, &body);

	if (!err && buf_err(&body)) {
		log_warning("the states in list '%s' are more than a NOTIFY can hold", text_z(&s->root->resource));
		err = buf_err(&body);
	}
	o = err ? NULL : sip_dialog_request(s->dlg, SIP_NOTIFY);
	if (o) {
		package_names(&names);
		sip_out_header(o, STR("Event"), text_view(&s->event));
		put_state(s, o, reason);
		sip_out_header(o, STR("Allow-Events"), buf_view(&names));
		if (s->is_list)
			sip_out_header(o, STR("Require"), STR("eventlist"));
		sip_out_body(o, text_view(&type), buf_view(&body));
		err = send_out(s, o);
		test_sent(s, reason ? "TERMINATED" : "ACTIVE");
	}
	obj_drop(o);
	text_free(&type);
	buf_free(&body);
	buf_free(&names);
	return err;
}

int subscription_notify(struct subscription *s, bool full)
{
	timer_stop(&s->batch);
	return notify(s, full, NULL);
}

static void say_goodbye(struct subscription *s, const char *reason)
{
	s->ended = true;        /* in what lists say of it too */
	(void)notify(s, true, reason);
	s->ended = false;
}

void subscription_end(struct subscription *s, const char *reason)
{
	if (s->ended)
		return;
	say_goodbye(s, reason);
	subscription_test_event(s, "SUBSCRIPTION_TERMINATED");
	subscription_drop(s);
}

void subscription_abandon(struct subscription *s)
{
	say_goodbye(s, "deactivated");
	subscription_drop(s);
}

/* ---- when --------------------------------------------------------------------------------- */

static void tell_changes(void *arg)
{
	struct subscription *s = arg;

	obj_hold(s);
	(void)subscription_notify(s, false);
	subscription_test_event(s, "SUBSCRIPTION_STATE_CHANGED");
	obj_drop(s);
}

void node_changed(struct node *leaf, bool over)
{
	struct subscription *s = leaf->sub;

	if (s->ended)
		return;
	leaf->over |= over;
	leaf->changed = true;
	buf_reset(&leaf->body);
	if (s->body->write(leaf, &leaf->body))
		return;
	if (tree_over(s->root))
		subscription_end(s, "noresource");
	else if (!s->batch_ms)
		tell_changes(s);
	else if (!timer_running(&s->batch))
		timer_start(s->svc->wheel, &s->batch, s->batch_ms, tell_changes, s);
}
