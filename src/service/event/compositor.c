/* PUBLISH from others (RFC 3903 section 6): who may publish what, entity tags and times. What a state means is
 * its event's: states.c for servers, document.c for phones. */
#define LOG_MODULE "publish"
#include "service/event/compositor.h"
#include "base/log.h"
#include "base/obj.h"
#include "service/event/document.h"
#include "service/event/keep_publication.h"
#include "service/event/private.h"
#include "service/event/states.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define DEFAULT_S 3600
#define MOST_S 86400            /* a phone gets no more, whatever it asks for */
#define ID 16                   /* digits */

enum { EVENTS = 4 };

struct compositor {             /* subscriptions.compositor */
	struct map *by_etag;            /* struct taken */
	struct map *by_id;              /* the same, oldest first */
	uint64_t serial;
	struct taken_counters count;
	bool off[EVENTS];               /* no inbound-publication takes it */
};

/* One publication of somebody's. */
struct taken {
	struct service *svc;
	const struct taken_event *event;
	char id[ID + 1];                /* its own for good, unlike the tag */
	char etag[SIP_TAG + 1];         /* empty: not in by_etag */
	struct text endpoint, resource; /* whose; of what */
	struct text section;            /* event_NAME= of the resource */
	struct text device;             /* of a phone's: whose state it is */
	enum device_state state;        /* of that device */
	uint32_t expires_s;
	struct timer end;
	uint64_t kept;                  /* id of its row on disk; 0: none */
	struct sa peer;                 /* that began it; zeroed: before a restart */
	struct share_account account;
};

static const struct taken_event {
	struct str name;
	struct str type;                /* of its bodies */
	bool mailboxes;
	document_fn *read;              /* phones' bodies; NULL: servers', states_take() */
} events[EVENTS] = { { STR_INIT("asterisk-devicestate"), STR_INIT("application/json"), false, NULL },
	{ STR_INIT("asterisk-mwi"), STR_INIT("application/json"), true, NULL },
	{ STR_INIT("presence"), STR_INIT("application/pidf+xml"), false, document_presence },
	{ STR_INIT("dialog"), STR_INIT("application/dialog-info+xml"), false, document_dialogs } };

/* A PUBLISH that is being looked at. */
struct asked {
	struct service *svc;
	struct identity *id;
	struct sip_server_tx *tx;
	struct sip_msg *msg;
	const struct taken_event *event;        /* NULL: none of ours */
	struct str resource, section;
	uint32_t expires_s;
	char room[256];
};

static const struct taken_event *event_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (str_eq(events[i].name, name))
			return &events[i];
	return NULL;
}

static struct compositor *compositor_of(const struct service *svc)
{
	return svc->subscriptions ? svc->subscriptions->compositor : NULL;
}

static bool is_off(const struct service *svc, const struct taken_event *e)
{
	return compositor_of(svc)->off[e - events];
}

static const struct taken_event *event_of(const struct service *svc, const struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_EVENT);
	const struct taken_event *e = event_named(str_trim(str_cut(&v, ';')));

	return e && !is_off(svc, e) ? e : NULL;
}

/* ---- one publication ------------------------------------------------------------------------------ */

static void put_away(struct taken *t)
{
	if (*t->etag)
		map_del(compositor_of(t->svc)->by_etag, str_z(t->etag));
	*t->etag = '\0';
}

static struct taken_row row_of(const struct taken *t)
{
	return (struct taken_row){ .etag = str_z(t->etag), .event = t->event->name, .resource = text_view(&t->resource),
		.endpoint = text_view(&t->endpoint), .section = text_view(&t->section), .device = text_view(&t->device),
		.state = t->state, .expires_s = t->expires_s, .left_s = (uint32_t)(timer_left_ms(t->svc->wheel, &t->end) / 1000),
		.kept = t->kept };
}

static void taken_free(struct taken *t)
{
	timer_stop(&t->end);
	share_close(&t->account);
	text_free(&t->endpoint);
	text_free(&t->resource);
	text_free(&t->section);
	text_free(&t->device);
	free(t);
}

/* What another server said stays, as in Asterisk: who stops in order has said so by states. What a phone said
 * goes with it. */
static void forget(struct taken *t)
{
	put_away(t);
	taken_unkeep(t->svc, &t->kept);
	(void)map_del(compositor_of(t->svc)->by_id, str_z(t->id));
	if (t->event->read)
		device_del_published(t->svc->pbx, text_view(&t->device), str_z(t->id));
	taken_free(t);
}

static void on_end(void *arg)
{
	struct taken *t = arg;

	compositor_of(t->svc)->count.expired++;
	reason_add(t->svc->reasons, REASON_ROUTE, REASON_DROPPED, 0, text_view(&t->endpoint), &t->peer,
		   "the publication for '%s', event '%.*s', was not renewed", text_z(&t->resource), STR_ARG(t->event->name));
	forget(t);
}

static void start_time(struct taken *t, uint32_t left_s)
{
	timer_start(t->svc->wheel, &t->end, 1000ull * left_s, on_end, t);
}

/* Each answer has a new tag (6 (4)). */
static int keep(struct taken *t)
{
	struct taken_row row;

	put_away(t);
	timer_stop(&t->end);
	sip_token(t->svc->sip, t->etag, SIP_TAG);
	if (map_add(compositor_of(t->svc)->by_etag, str_z(t->etag), t)) {
		*t->etag = '\0';
		return ENOMEM;
	}
	start_time(t, t->expires_s);
	row = row_of(t);
	taken_keep(t->svc, &t->kept, &row);
	return 0;
}

static int set_device(struct taken *t)
{
	struct str v = text_view(&t->section);
	bool named = str_chr(v, '/') < v.n || str_chr(v, ':') < v.n;

	return named ? text_set(&t->device, v) : text_cat(&t->device, STR("PJSIP/"), text_view(&t->endpoint));
}

static int tell_device(struct taken *t, enum device_state s)
{
	struct str device = text_view(&t->device), source = str_z(t->id);
	int err = 0;

	if (s == DEV_UNKNOWN)
		device_del_published(t->svc->pbx, device, source);
	else
		err = device_set_published(t->svc->pbx, device, source, s);
	if (!err)
		t->state = s;
	return err;
}

static int taken_new(struct service *svc, const struct taken_row *row, const struct sa *peer, struct taken **out)
{
	struct compositor *c = compositor_of(svc);
	struct taken *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return ENOMEM;
	t->svc = svc;
	t->event = event_named(row->event);
	t->peer = peer ? *peer : (struct sa){ 0 };
	t->expires_s = row->expires_s;
	snprintf(t->id, sizeof(t->id), "%016" PRIx64, ++c->serial);
	share_open(&t->account, svc->shares, row->endpoint, peer);
	err = share_take(&t->account, SHARE_DIALOG);
	err = err ? err : text_set(&t->endpoint, row->endpoint);
	err = err ? err : text_set(&t->resource, row->resource);
	err = err ? err : text_set(&t->section, row->section);
	err = err || !t->event->read ? err : set_device(t);
	err = err ? err : map_add(c->by_id, str_z(t->id), t);
	if (err)
		taken_free(t);
	else
		*out = t;
	return err;
}

/* ---- a PUBLISH ------------------------------------------------------------------------------ */

static unsigned status_of(int err)
{
	switch (err) {
	case 0: return 0;
	case ENOENT: return 404;
	case EBADMSG: return 500;               /* as Asterisk says it */
	default: return 503;
	}
}

static struct str type_of(const struct sip_msg *msg)
{
	struct str type = sip_hdr_value(msg, SIP_H_CONTENT_TYPE);

	return str_trim(str_cut(&type, ';'));
}

/* 6 (5). */
static unsigned read_body(const struct asked *q, enum device_state *s)
{
	struct str body = q->msg->body, coding = sip_hdr_value(q->msg, SIP_H_CONTENT_ENCODING);

	if (!str_ieq(type_of(q->msg), q->event->type) || (coding.n && !str_ieq(coding, STR("identity"))))
		return 415;
	if (body.n > DOCUMENT_BYTES)
		return 413;
	return q->event->read(body, s) ? 400 : 0;
}

static unsigned take(struct taken *t, const struct asked *q)
{
	enum device_state s = DEV_UNKNOWN;
	unsigned status;

	if (!t->event->read)
		return status_of(states_take(t->svc, text_view(&t->section), t->event->mailboxes, type_of(q->msg), q->msg->body));
	status = read_body(q, &s);
	return status ? status : status_of(tell_device(t, s));
}

static void answer_taken(const struct asked *q, struct str etag, const char *what, enum device_state s)
{
	char room[128];
	struct buf b;

	reason_add(q->svc->reasons, REASON_ROUTE, REASON_OK, 200, q->id->ep->name, &q->msg->from_path.peer,
		   "PUBLISH for '%.*s', event '%.*s', %s: %s%s%u s", STR_ARG(q->resource), STR_ARG(q->event->name), what,
		   q->event->read ? device_state_name(s) : "", q->event->read ? ", " : "", q->expires_s);
	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_printf(&b, "SIP-ETag: %.*s\r\nExpires: %u\r\n", STR_ARG(etag), q->expires_s);
	service_reply(q->svc, q->tx, 200, buf_view(&b));
}

static const struct conf_var *section_of(const struct inbound_publication *p, struct str event)
{
	for (size_t i = 0; p->events && i < p->events->n; i++)
		if (str_eq(p->events->v[i].name, event))
			return &p->events->v[i];
	return NULL;
}

/* 6 (1) to (3). */
static unsigned may_publish(const struct service *svc, struct str resource, struct str endpoint, const struct taken_event *event,
			    struct str *section)
{
	const struct inbound_publication *p = snapshot_inbound_publication(svc->conf, resource);
	const struct conf_var *v = p ? section_of(p, event->name) : NULL;

	if (!p)
		return 404;
	if (p->endpoint.n && !str_eq(p->endpoint, endpoint))
		return 403;
	if (!v)
		return 404;
	*section = v->value;
	return 0;
}

/* 6 (4). Servers' terms are Asterisk's, which has no bounds. */
static unsigned judge_time(struct asked *q)
{
	if (!q->event->read || !q->expires_s)
		return 0;
	if (q->expires_s < q->id->ep->sub_min_expiry)
		return 423;
	if (q->expires_s > MOST_S)
		q->expires_s = MOST_S;
	return 0;
}

static unsigned begin(struct asked *q)
{
	unsigned status = sip_uri_is_sip(&q->msg->ruri) ? may_publish(q->svc, q->resource, q->id->ep->name, q->event, &q->section) : 416;
	struct taken_row row = { .event = q->event->name, .resource = q->resource, .endpoint = q->id->ep->name };
	struct taken *t;
	int err;

	status = status ? status : judge_time(q);
	if (status)
		return status;
	row.section = q->section;
	row.expires_s = q->expires_s;
	err = taken_new(q->svc, &row, &q->msg->from_path.peer, &t);
	if (err)
		return status_of(err);
	status = take(t, q);
	if (!status && keep(t))
		status = 503;
	if (status) {
		forget(t);
		return status;
	}
	compositor_of(q->svc)->count.begun++;
	answer_taken(q, str_z(t->etag), "begun", t->state);
	return 0;
}

static void end(struct asked *q, struct taken *t, const char *what)
{
	char etag[SIP_TAG + 1];

	sip_token(q->svc->sip, etag, SIP_TAG);
	answer_taken(q, str_z(etag), what, t->state);
	forget(t);
}

static unsigned go_on(struct asked *q, struct taken *t)
{
	struct taken_counters *n = &compositor_of(q->svc)->count;
	bool news = q->msg->body.n > 0;
	unsigned status = judge_time(q);

	/* Whoever takes it back may say a last state: servers do. */
	if (!status && (!t->event->read || (q->expires_s && news)))
		status = take(t, q);
	/* What is not understood of a server ends its publication, and is answered 200 all the same, as Asterisk does. */
	if (status && t->event->read)
		return status;
	if (status || !q->expires_s) {
		n->removed++;
		end(q, t, status ? "not understood" : "taken back");
		return 0;
	}
	t->expires_s = q->expires_s;
	if (keep(t)) {
		forget(t);
		return 503;
	}
	n->changed += news;
	n->renewed += !news;
	answer_taken(q, str_z(t->etag), news ? "changed" : "renewed", t->state);
	return 0;
}

/* A tag is worth something with the same event, resource and sender only. */
static struct taken *taken_of(const struct asked *q, struct str etag)
{
	struct taken *t = map_get(compositor_of(q->svc)->by_etag, etag);

	return t && t->event == q->event && str_eq(text_view(&t->endpoint), q->id->ep->name) &&
	       str_eq(text_view(&t->resource), q->resource) ? t : NULL;
}

static unsigned judge(struct asked *q)
{
	struct str etag = sip_hdr_value(q->msg, SIP_H_SIP_IF_MATCH);
	struct taken *t = q->event && etag.n ? taken_of(q, etag) : NULL;

	if (!q->event)
		return 489;
	if (t)
		return go_on(q, t);
	if (etag.n || !q->expires_s)
		return 412;
	return q->msg->body.n ? begin(q) : 400;
}

static void put_events(const struct service *svc, struct buf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (!is_off(svc, &events[i]))
			buf_puts(b, b->n ? STR(", ") : STR("Allow-Events: "), events[i].name);
	buf_put(b, STR("\r\n"));
}

static void refuse(const struct asked *q, unsigned status)
{
	char room[256];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	if (status == 489)
		put_events(q->svc, &b);
	else if (status == 415)
		buf_printf(&b, "Accept: %.*s\r\n", STR_ARG(q->event->type));
	else if (status == 423)
		buf_printf(&b, "Min-Expires: %u\r\n", q->id->ep->sub_min_expiry);
	else if (status == 503)
		buf_put(&b, STR(SHARES_RETRY));
	compositor_of(q->svc)->count.refused++;
	reason_add(q->svc->reasons, REASON_ROUTE, REASON_REFUSED, status, q->id->ep->name, &q->msg->from_path.peer,
		   "PUBLISH for '%.*s', event '%.*s'", STR_ARG(q->msg->ruri.user), STR_ARG(sip_hdr_value(q->msg, SIP_H_EVENT)));
	service_reply(q->svc, q->tx, status, buf_view(&b));
}

void publish_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct asked q = { .svc = svc, .id = id, .tx = tx, .msg = msg, .event = event_of(svc, msg), .expires_s = DEFAULT_S };
	unsigned status;

	q.resource = service_exten(id->conf, &msg->ruri, q.room, sizeof(q.room));
	(void)sip_hdr_u32(msg, SIP_H_EXPIRES, &q.expires_s);
	status = judge(&q);
	if (status)
		refuse(&q, status);
}

/* ---- all of them ------------------------------------------------------------------------------ */

/* A phone's event is one of ours where any section takes it; what Asterisk always has we always have. */
static void set_events(struct service *svc)
{
	struct compositor *c = compositor_of(svc);

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		c->off[i] = events[i].read != NULL;
	snapshot_each(inbound_publication, OBJECT_INBOUND_PUBLICATION, p, svc->conf)
		for (size_t i = 0; i < ARRAY_LEN(events); i++)
			c->off[i] = c->off[i] && !section_of(p, events[i].name);
}

int compositor_start(struct service *svc)
{
	struct compositor *c = calloc(1, sizeof(*c));

	if (!c)
		return ENOMEM;
	svc->subscriptions->compositor = c;
	c->by_etag = map_new(false);
	c->by_id = map_new_ordered();
	set_events(svc);
	return c->by_etag && c->by_id ? 0 : ENOMEM;
}

void compositor_free(struct service *svc)
{
	struct compositor *c = compositor_of(svc);
	struct taken *t;

	if (!c)
		return;
	for (size_t it = 0; c->by_id && (t = map_next(c->by_id, &it)); )
		taken_free(t);
	map_free(c->by_etag);
	map_free(c->by_id);
	taken_states_free(svc);
	free(c);
	svc->subscriptions->compositor = NULL;
}

/* Of a phone: is it still allowed, and for the same device? */
static bool may_stay(const struct service *svc, const struct taken_event *e, struct str resource, struct str endpoint,
		     struct str section)
{
	struct str now = STR_NULL;

	return !e->read || (!may_publish(svc, resource, endpoint, e, &now) && str_eq(now, section));
}

void compositor_reload(struct service *svc)
{
	struct compositor *c = compositor_of(svc);
	struct taken *t;

	if (!c)
		return;
	set_events(svc);
	for (size_t it = 0; (t = map_next(c->by_id, &it)); )
		if (!may_stay(svc, t->event, text_view(&t->resource), text_view(&t->endpoint), text_view(&t->section)))
			forget(t);
}

bool compositor_next(const struct service *svc, struct map_walk *w, struct taken_row *row)
{
	struct compositor *c = compositor_of(svc);
	const struct taken *t = c ? map_walk_next(c->by_id, w) : NULL;

	if (!t)
		return false;
	*row = row_of(t);
	return true;
}

int compositor_restore(struct service *svc, const struct taken_row *row)
{
	struct compositor *c = compositor_of(svc);
	const struct taken_event *event = event_named(row->event);
	struct taken *t;
	int err;

	if (!event || !row->etag.n || row->etag.n > SIP_TAG)
		return EINVAL;
	if (!may_stay(svc, event, row->resource, row->endpoint, row->section))
		return EPERM;
	if (map_get(c->by_etag, row->etag))
		return EEXIST;
	err = taken_new(svc, row, NULL, &t);
	if (err)
		return err;
	t->kept = row->kept;
	str_copy(t->etag, sizeof(t->etag), row->etag);
	err = map_add(c->by_etag, str_z(t->etag), t);
	if (err)
		*t->etag = '\0';
	err = err || !t->event->read ? err : tell_device(t, row->state);
	if (err)
		forget(t);
	else
		start_time(t, row->left_s);
	return err;
}

void compositor_count(const struct service *svc, struct taken_counters *out)
{
	const struct compositor *c = compositor_of(svc);

	*out = c ? c->count : (struct taken_counters){ 0 };
	out->now = c ? map_count(c->by_id) : 0;
}
