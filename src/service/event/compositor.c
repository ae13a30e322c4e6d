/* PUBLISH from others (RFC 3903 section 6): who may publish what, entity tags and times. What a state means is
 * its event's. */
#define LOG_MODULE "publish"
#include "service/event/compositor.h"
#include "base/log.h"
#include "base/obj.h"
#include "service/event/private.h"
#include "service/event/states.h"
#include <errno.h>
#include <stdlib.h>

#define DEFAULT_S 3600

struct compositor {             /* subscriptions.compositor */
	struct map *by_etag;            /* struct taken */
};

/* One publication of somebody's. */
struct taken {
	struct service *svc;
	const struct taken_event *event;
	char etag[SIP_TAG + 1];
	struct text endpoint, section;  /* whose; the configuration of what is published there */
	uint32_t expires_s;
	struct timer end;
	struct share_account account;
};

static const struct taken_event {
	struct str name;
	bool mailboxes;
} events[] = { { STR_INIT("asterisk-devicestate"), false }, { STR_INIT("asterisk-mwi"), true } };

static const struct taken_event *event_of(const struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_EVENT), name = str_trim(str_cut(&v, ';'));

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (str_eq(events[i].name, name))
			return &events[i];
	return NULL;
}

static struct compositor *compositor_of(const struct service *svc)
{
	return svc->subscriptions->compositor;
}

static void taken_free(struct taken *t)
{
	timer_stop(&t->end);
	share_close(&t->account);
	text_free(&t->endpoint);
	text_free(&t->section);
	free(t);
}

static void forget(struct taken *t)
{
	map_del(compositor_of(t->svc)->by_etag, str_z(t->etag));
	taken_free(t);
}

/* What it said stays, as in Asterisk: who stops in order has said so by states. */
static void on_end(void *arg)
{
	forget(arg);
}

/* ---- a PUBLISH ------------------------------------------------------------------------------ */

static unsigned status_of(int err)
{
	switch (err) {
	case 0: return 200;
	case ENOENT: return 404;
	case EBADMSG: return 500;               /* as Asterisk says it */
	default: return 503;
	}
}

static int take(struct taken *t, const struct sip_msg *msg)
{
	struct str type = sip_hdr_value(msg, SIP_H_CONTENT_TYPE);

	return states_take(t->svc, text_view(&t->section), t->event->mailboxes, str_trim(str_cut(&type, ';')), msg->body);
}

/* Each answer has a new tag (6 (4)). */
static int keep(struct taken *t)
{
	struct compositor *c = compositor_of(t->svc);

	sip_token(t->svc->sip, t->etag, SIP_TAG);
	if (map_add(c->by_etag, str_z(t->etag), t))
		return ENOMEM;
	timer_start(t->svc->wheel, &t->end, 1000ull * t->expires_s, on_end, t);
	return 0;
}

static void answer_taken(struct taken *t, struct sip_server_tx *tx)
{
	char room[128];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_printf(&b, "SIP-ETag: %s\r\nExpires: %u\r\n", t->etag, t->expires_s);
	service_reply(t->svc, tx, 200, buf_view(&b));
}

static const struct conf_var *section_of(const struct inbound_publication *p, struct str event)
{
	for (size_t i = 0; p->events && i < p->events->n; i++)
		if (str_eq(p->events->v[i].name, event))
			return &p->events->v[i];
	return NULL;
}

static unsigned may_publish(struct service *svc, struct identity *id, const struct sip_msg *msg, const struct taken_event *event,
			    struct str *section)
{
	char room[256];
	const struct inbound_publication *p;
	const struct conf_var *v;

	if (!sip_uri_is_sip(&msg->ruri))
		return 416;
	p = snapshot_inbound_publication(svc->conf, service_exten(id->conf, &msg->ruri, room, sizeof(room)));
	if (!p)
		return 404;
	if (p->endpoint.n && !str_eq(p->endpoint, id->ep->name))
		return 403;
	v = section_of(p, event->name);
	if (!v)
		return 404;
	*section = v->value;
	return 0;
}

static unsigned begin(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg,
		      const struct taken_event *event, uint32_t expires_s)
{
	struct str section;
	unsigned status = may_publish(svc, id, msg, event, &section);
	struct taken *t;
	int err;

	if (status)
		return status;
	t = calloc(1, sizeof(*t));
	if (!t)
		return 503;
	t->svc = svc;
	t->event = event;
	t->expires_s = expires_s;
	share_open(&t->account, svc->shares, id->ep->name, &msg->from_path.peer);
	err = share_take(&t->account, SHARE_DIALOG);
	err = err ? err : text_set(&t->endpoint, id->ep->name);
	err = err ? err : text_set(&t->section, section);
	err = err ? err : take(t, msg);
	err = err ? err : keep(t);
	if (err) {
		taken_free(t);
		return status_of(err);
	}
	answer_taken(t, tx);
	return 0;
}

static void go_on(struct taken *t, struct sip_server_tx *tx, struct sip_msg *msg, uint32_t expires_s)
{
	int err;

	map_del(compositor_of(t->svc)->by_etag, str_z(t->etag));
	timer_stop(&t->end);
	/* What is not understood ends it, and is answered 200 all the same, as Asterisk does. */
	err = take(t, msg);
	t->expires_s = err ? 0 : expires_s;
	if (!t->expires_s || keep(t)) {
		sip_token(t->svc->sip, t->etag, SIP_TAG);
		t->expires_s = expires_s;
		answer_taken(t, tx);
		taken_free(t);
		return;
	}
	answer_taken(t, tx);
}

static struct taken *taken_of(struct service *svc, struct identity *id, const struct taken_event *event, struct str etag)
{
	struct taken *t = map_get(compositor_of(svc)->by_etag, etag);

	return t && t->event == event && str_eq(text_view(&t->endpoint), id->ep->name) ? t : NULL;
}

void publish_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	const struct taken_event *event = event_of(msg);
	struct str etag = sip_hdr_value(msg, SIP_H_SIP_IF_MATCH);
	struct taken *t = event && etag.n ? taken_of(svc, id, event, etag) : NULL;
	uint32_t expires_s = DEFAULT_S;
	unsigned status = 0;

	(void)sip_hdr_u32(msg, SIP_H_EXPIRES, &expires_s);
	if (!event)
		status = 489;
	else if (t)
		go_on(t, tx, msg, expires_s);
	else if (etag.n || !expires_s)
		status = 412;
	else if (!msg->body.n)
		status = 400;
	else
		status = begin(svc, id, tx, msg, event, expires_s);
	if (!status)
		return;
	reason_add(svc->reasons, REASON_ROUTE, REASON_REFUSED, status, id->ep->name, &msg->from_path.peer,
		   "PUBLISH for '%.*s', event '%.*s'", STR_ARG(msg->ruri.user), STR_ARG(sip_hdr_value(msg, SIP_H_EVENT)));
	service_reply(svc, tx, status, status == 489 ? STR("Allow-Events: asterisk-devicestate, asterisk-mwi\r\n") :
		      status == 503 ? STR(SHARES_RETRY) : STR_NULL);
}

/* ---- all of them ------------------------------------------------------------------------------ */

int compositor_start(struct service *svc)
{
	struct compositor *c = calloc(1, sizeof(*c));

	if (!c)
		return ENOMEM;
	c->by_etag = map_new(false);
	if (!c->by_etag) {
		free(c);
		return ENOMEM;
	}
	svc->subscriptions->compositor = c;
	return 0;
}

void compositor_free(struct service *svc)
{
	struct compositor *c = svc->subscriptions ? compositor_of(svc) : NULL;
	struct taken *t;

	if (!c)
		return;
	for (size_t it = 0; (t = map_next(c->by_etag, &it)); )
		taken_free(t);
	map_free(c->by_etag);
	free(c);
	svc->subscriptions->compositor = NULL;
}
