/* PUBLISH as a client (RFC 3903 section 4): what is sent when, and what an answer makes of it. Whose
 * state it is and what is told of it is the user's. */
#include "ua/publish.h"
#include "base/log.h"
#include "base/obj.h"
#include "ua/retry.h"
#include "ua/series.h"
#include <errno.h>
#include <stdlib.h>

#define RENEW_BEFORE_S 10       /* before the end; at most half of the lifetime */
#define RETRY_S 5
#define RETRY_MOST_S 300

/* A state that waits to be said. */
struct item {
	struct list link;               /* in ua_publish.queue, the next first */
	struct text key, type, body;
};

struct ua_publish {
	struct ua_publish_prm prm;
	enum ua_publish_state state;
	struct timer next;              /* the next PUBLISH */
	struct ua_series s;
	struct item *sent;              /* owned, out of the queue: what s.rq says; NULL: nothing but that it lives on */
	struct item *last;              /* owned: what the server has last been told */
	struct list queue;
	struct text etag;
	uint32_t expires_s;             /* to ask for: the parameter, or what a 423 made of it */
	uint32_t granted_s;
	uint32_t wait_s;                /* the last wait after trouble; 0: there was none */
	unsigned challenges;            /* in a row */
	bool counted;                   /* the last of these, though it was not answered */
	bool waits;                     /* after trouble, for `next`: what is said meanwhile waits too */
	bool leave;                     /* take it back once rq is answered */
	bool stopped;                   /* no password of ours will do: nothing goes out any more */
};

static struct item *item_free(struct item *i)
{
	if (i) {
		list_remove(&i->link);
		text_free(&i->key);
		text_free(&i->type);
		text_free(&i->body);
		free(i);
	}
	return NULL;
}

static void clear_queue(struct ua_publish *p)
{
	while (!list_empty(&p->queue))
		item_free(container_of(p->queue.next, struct item, link));
}

/* ---- one PUBLISH --------------------------------------------------------------------- */

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg);
static void on_failed(void *arg, struct ua_request *rq, int err);

/* The one challenge too many is not answered: it ends all. */
static bool credentials(void *arg, struct str realm, struct ua_credentials *out)
{
	struct ua_publish *p = arg;
	bool known = ++p->challenges < p->prm.max_challenges && p->prm.credentials &&
		     p->prm.credentials(p->prm.credentials_arg, realm, out);

	if (!UA_SMALL)
		p->counted = !known;
	return known;
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct ua_publish *p = arg;

	return p->prm.prepare ? p->prm.prepare(p->prm.arg, rq, out, path) : 0;
}

static struct sip_out *write_publish(struct ua_publish *p, uint32_t expires_s)
{
	const struct ua_publish_prm *m = &p->prm;
	struct sip_out *o = ua_series_out(&p->s, &(struct ua_series_prm){ .method = SIP_PUBLISH, .target = m->target, .from = m->from,
		.to = m->to, .proxy = m->proxy, .user_agent = m->user_agent, .max_forwards = m->max_forwards, .no_rport = m->no_rport });

	if (!o)
		return NULL;
	sip_write_hdr(&o->headers, STR("Event"), m->event);
	buf_printf(&o->headers, "Expires: %u\r\n", expires_s);
	if (p->etag.n)
		sip_write_hdr(&o->headers, STR("SIP-If-Match"), text_view(&p->etag));
	if (p->sent)
		sip_out_body(o, text_view(&p->sent->type), text_view(&p->sent->body));
	return o;
}

static int send_publish(struct ua_publish *p, uint32_t expires_s)
{
	const struct ua_publish_prm *m = &p->prm;
	struct ua_request_prm prm = { .transport = m->transport, .target = m->proxy, .credentials = credentials,
		.credentials_arg = p, .hold = m->hold, .context = m->context, .arg = p, .response = on_response,
		.failed = on_failed, .prepare = prepare };

	ua_series_drop(&p->s);
	timer_stop(&p->next);
	prm.out = write_publish(p, expires_s);
	return ua_series_send(&p->s, &prm);
}

static void on_time(void *arg);

static void plan(struct ua_publish *p, uint64_t ms)
{
	timer_start(sip_stack_wheel(p->s.ua->sip), &p->next, ms, on_time, p);
}

/* What was to be said waits again, before all else, unless something newer has its place. */
static void take_back(struct ua_publish *p)
{
	if (!p->sent)
		return;
	list_each(l, &p->queue)
		if (str_eq(text_view(&container_of(l, struct item, link)->key), text_view(&p->sent->key))) {
			p->sent = item_free(p->sent);
			return;
		}
	list_prepend(&p->queue, &p->sent->link);
	p->sent = NULL;
}

/* The next that waits; else that it lives on, which a server that knows nothing of us must be told whole. */
static void ask(struct ua_publish *p)
{
	const struct ua_publish_prm *m = &p->prm;

	p->waits = false;
	if (!list_empty(&p->queue)) {
		p->sent = container_of(p->queue.next, struct item, link);
		list_remove(&p->sent->link);
	} else if (!p->etag.n) {
		p->sent = p->last;
		p->last = NULL;
	}
	if (!p->sent && !p->etag.n) {           /* nothing to say */
		p->state = UA_PUBLISH_IDLE;
		return;
	}
	p->state = UA_PUBLISH_ASKING;
	if (!send_publish(p, p->expires_s))
		return;
	log_error("a publication at %.*s: out of memory", STR_ARG(m->target));
	take_back(p);
	p->state = UA_PUBLISH_REFUSED;
	p->waits = true;
	plan(p, 1000ull * (m->retry_s ? m->retry_s : RETRY_S));
}

static void on_time(void *arg)
{
	ask(arg);
}

/* ---- what came back -------------------------------------------------------------------- */

/* What follows is planned: told last, for the user may end it all. `msg` lives as long as the request. */
static void tell(struct ua_publish *p, const struct ua_publish_event *e)
{
	p->prm.changed(p->prm.arg, p, e);
}

static void ended(struct ua_publish *p, const struct sip_msg *msg)
{
	struct ua_publish_event e = { .state = UA_PUBLISH_IDLE, .status = msg ? msg->status : 0, .msg = msg };

	ua_series_drop(&p->s);
	text_free(&p->etag);
	p->sent = item_free(p->sent);
	p->leave = false;
	p->state = UA_PUBLISH_IDLE;
	tell(p, &e);
}

static int take_away(struct ua_publish *p)
{
	p->leave = false;
	p->sent = item_free(p->sent);
	p->state = UA_PUBLISH_LEAVING;
	return send_publish(p, 0);
}

static uint32_t renew_after(const struct ua_publish *p)
{
	uint32_t s = p->granted_s, half = s / 2 + (s < 2);

	return s > RENEW_BEFORE_S && s - RENEW_BEFORE_S > half ? s - RENEW_BEFORE_S : half;
}

static void published(struct ua_publish *p, const struct sip_msg *msg)
{
	struct ua_publish_event e = { .state = UA_PUBLISH_PUBLISHED, .status = msg->status, .msg = msg };

	p->challenges = 0;
	p->wait_s = 0;
	p->granted_s = p->expires_s;
	(void)sip_hdr_u32(msg, SIP_H_EXPIRES, &p->granted_s);
	if (text_set(&p->etag, sip_hdr_value(msg, SIP_H_SIP_ETAG)))
		text_free(&p->etag);            /* then all is said anew */
	if (p->sent) {
		item_free(p->last);
		p->last = p->sent;
		p->sent = NULL;
	}
	e.seconds = p->granted_s;
	p->state = UA_PUBLISH_PUBLISHED;
	ua_series_drop(&p->s);
	if (!list_empty(&p->queue))
		ask(p);
	else if (p->granted_s)
		plan(p, 1000ull * renew_after(p));
	tell(p, &e);
}

/* RFC 3903 4.1 (6): it has forgotten us, so the whole state is said as if for the first time. */
static void lost(struct ua_publish *p)
{
	text_free(&p->etag);
	ua_series_drop(&p->s);
	take_back(p);
	p->state = UA_PUBLISH_REFUSED;
	p->waits = true;
	plan(p, 0);
	if (p->prm.lost)
		p->prm.lost(p->prm.arg, p);
}

static uint32_t next_wait(struct ua_publish *p)
{
	uint32_t most = p->prm.retry_most_s ? p->prm.retry_most_s : RETRY_MOST_S;

	if (!p->wait_s)
		p->wait_s = p->prm.retry_s ? p->prm.retry_s : RETRY_S;
	else
		p->wait_s = p->wait_s > most / 2 ? most : 2 * p->wait_s;
	return p->wait_s;
}

/* `msg` NULL: nothing came back. */
static void refused(struct ua_publish *p, const struct sip_msg *msg)
{
	struct ua_publish_event e = { .state = UA_PUBLISH_REFUSED, .status = msg ? msg->status : 0, .msg = msg };
	uint32_t retry_after_s = msg ? ua_retry_after(msg) : 0;
	bool renewal = !p->sent;

	p->state = UA_PUBLISH_REFUSED;
	ua_series_drop(&p->s);
	/* Credentials that were refused are not asked for again. */
	if (!UA_SMALL) {
		p->challenges += (e.status == 401 || e.status == 407) && !p->counted;
		p->counted = false;
	}
	p->stopped = p->prm.max_challenges && p->challenges >= p->prm.max_challenges;
	if (p->stopped) {
		clear_queue(p);
		p->sent = item_free(p->sent);
	} else if (retry_after_s || ua_retry_helps(e.status)) {
		take_back(p);
		e.seconds = retry_after_s ? retry_after_s : next_wait(p);
		p->waits = true;
		plan(p, 1000ull * e.seconds);
	} else {
		p->sent = item_free(p->sent);
		if (renewal)
			text_free(&p->etag);
		if (!list_empty(&p->queue))
			ask(p);
		else if (p->etag.n)
			plan(p, 1000ull * (p->granted_s / 2 + 1));
	}
	tell(p, &e);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct ua_publish *p = arg;
	uint32_t least;

	(void)rq;
	if (msg->status < 200)
		return;
	obj_hold(msg);
	if (p->state == UA_PUBLISH_LEAVING) {
		ended(p, msg);
	} else if (p->leave) {
		if (msg->status < 300 && text_set(&p->etag, sip_hdr_value(msg, SIP_H_SIP_ETAG)))
			text_free(&p->etag);
		if (!p->etag.n || take_away(p))
			ended(p, msg);
	} else if (msg->status < 300) {
		published(p, msg);
	} else if (msg->status == 412 && p->etag.n) {
		lost(p);
	} else if (msg->status == 423 && !sip_hdr_u32(msg, SIP_H_MIN_EXPIRES, &least) && least > p->expires_s) {
		/* 4.1 (7). Only ever longer, so this ends. */
		p->expires_s = least;
		ua_series_drop(&p->s);
		take_back(p);
		ask(p);
	} else {
		refused(p, msg);
	}
	obj_drop(msg);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct ua_publish *p = arg;

	(void)rq;
	log_debug(1, "PUBLISH to %.*s: %s", STR_ARG(p->prm.target), strerror(err));
	if (p->state == UA_PUBLISH_LEAVING || p->leave)
		ended(p, NULL);
	else
		refused(p, NULL);
}

/* ---- for its user -------------------------------------------------------------------------- */

int ua_publish_new(struct ua_publish **out, struct ua *ua, const struct ua_publish_prm *prm)
{
	struct ua_publish *p = calloc(1, sizeof(*p));

	if (!p)
		return ENOMEM;
	ua_series_init(&p->s, ua);
	p->prm = *prm;
	p->prm.hold = obj_hold(prm->hold);
	p->expires_s = prm->expires_s;
	list_init(&p->queue);
	*out = p;
	return 0;
}

int ua_publish_restore(struct ua_publish *p, struct str etag, uint32_t left_s)
{
	int err = text_set(&p->etag, etag);

	if (err)
		return err;
	p->state = UA_PUBLISH_PUBLISHED;
	p->granted_s = left_s;
	plan(p, 1000ull * renew_after(p));
	return 0;
}

void ua_publish_free(struct ua_publish *p)
{
	if (!p)
		return;
	timer_stop(&p->next);
	ua_series_drop(&p->s);
	clear_queue(p);
	item_free(p->sent);
	item_free(p->last);
	text_free(&p->etag);
	obj_drop(p->prm.hold);
	free(p);
}

void ua_publish_set(struct ua_publish *p, const struct ua_publish_prm *prm)
{
	void *before = p->prm.hold;

	if (p->prm.expires_s != prm->expires_s)
		p->expires_s = prm->expires_s;
	p->prm = *prm;
	p->prm.hold = obj_hold(prm->hold);
	obj_drop(before);
	p->stopped = false;
	p->challenges = 0;
}

static struct item *waiting(const struct ua_publish *p, struct str key)
{
	list_each(l, &p->queue)
		if (str_eq(text_view(&container_of(l, struct item, link)->key), key))
			return container_of(l, struct item, link);
	return NULL;
}

int ua_publish_send(struct ua_publish *p, struct str key, struct str type, struct str body)
{
	struct item *i = waiting(p, key), *before = i;
	int err;

	if (p->stopped || p->leave || p->state == UA_PUBLISH_LEAVING)
		return 0;
	if (!i)
		i = calloc(1, sizeof(*i));
	if (!i)
		return ENOMEM;
	err = text_set(&i->body, body);
	err = err ? err : text_set(&i->type, type);
	err = err ? err : text_set(&i->key, key);
	if (err) {
		item_free(i);
		return err;
	}
	if (!before)
		list_append(&p->queue, &i->link);
	/* Whoever waits after trouble waits on: the newest state goes then. */
	if (!p->s.rq && !p->waits)
		ask(p);
	return 0;
}

int ua_publish_end(struct ua_publish *p)
{
	timer_stop(&p->next);
	p->waits = false;
	clear_queue(p);
	if (p->state == UA_PUBLISH_LEAVING)
		return 0;
	if (p->s.rq) {
		p->leave = true;
		return 0;
	}
	if (p->etag.n)
		return take_away(p);
	p->state = UA_PUBLISH_IDLE;
	return 0;
}

enum ua_publish_state ua_publish_state(const struct ua_publish *p)
{
	return p->state;
}

bool ua_publish_busy(const struct ua_publish *p)
{
	return p->s.rq != NULL;
}

uint64_t ua_publish_left_ms(const struct ua_publish *p)
{
	return timer_running(&p->next) ? timer_left_ms(sip_stack_wheel(p->s.ua->sip), &p->next) : 0;
}

struct str ua_publish_etag(const struct ua_publish *p)
{
	return text_view(&p->etag);
}
