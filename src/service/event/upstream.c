/* Mailboxes on other servers (type=outbound-subscription): each section is a ua_subscribe with
 * its options, and what the mailbox here gets of it. */
#define LOG_MODULE "upstream"
#include "service/event/upstream.h"
#include "service/event/private.h"
#include "base/log.h"
#include "service/common/request.h"
#include "ua/subscribe.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_MS 1000           /* who starts together with us gets a second */
#define SUMMARY STR("application/simple-message-summary")

struct upstreams {              /* subscriptions.upstreams */
	struct map *by_name;            /* struct upstream */
	struct list leaving;            /* configured no more; waiting for the last NOTIFY */
	bool stopped;
};

struct upstream {
	struct list link;               /* in upstreams.leaving, once it is no more in by_name */
	struct service *svc;
	struct text name;
	struct snapshot *conf;          /* held */
	const struct outbound_subscription *c;
	struct ua_subscribe *sub;       /* owned */
	struct text agent, local;       /* User-Agent; From */
	struct timer start;             /* the first SUBSCRIBE, or the next after fatal_retry_interval */
	uint32_t wait_s;                /* retry_interval, and twice as much after each try in vain */
	bool accepted;                  /* the SUBSCRIBE was, and no NOTIFY came yet */
	bool pending;                   /* the last NOTIFY said so */
	bool leaving;
};

static struct upstreams *all_of(const struct service *svc)
{
	return svc->subscriptions ? svc->subscriptions->upstreams : NULL;
}

static void upstream_free(struct upstream *u)
{
	timer_stop(&u->start);
	ua_subscribe_free(u->sub);
	if (u->leaving)
		list_remove(&u->link);
	obj_drop(u->conf);
	text_free(&u->name);
	text_free(&u->agent);
	text_free(&u->local);
	free(u);
}

/* ---- what goes out ---------------------------------------------------------------------- */

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct upstream *u = arg;
	struct sip_uri from;
	char room[512];
	struct buf b;
	int err = service_out_prepare(NULL, rq, out, path);

	if (sip_uri_parse(&from, text_view(&u->local)))
		from.user = STR_NULL;
	buf_init(&b, room, sizeof(room), 4096);
	service_contact(u->svc, path, from.user, str_istarts(u->c->server_uri, STR("sips:")), &b);
	err = err ? err : buf_err(&b);
	if (!err)
		out->contact = sip_out_dup(out, buf_view(&b));
	buf_free(&b);
	return err;
}

static unsigned check_notify(void *arg, struct ua_subscribe *s, const struct sip_msg *notify)
{
	struct str body;

	(void)arg;
	(void)s;
	return !notify->body.n || sip_body(notify, SUMMARY, &body) ? 0 : 415;
}

static void put_answer(void *arg, struct ua_subscribe *s, unsigned status, struct buf *headers)
{
	struct upstream *u = arg;

	(void)s;
	if (status == 415)
		sip_write_hdr(headers, STR("Accept"), SUMMARY);
	buf_put(headers, service_server_header(u->svc));
}

static void on_told(void *arg, struct ua_subscribe *s, const struct ua_subscribe_event *e);

static struct ua_subscribe_prm prm_of(struct upstream *u)
{
	const struct outbound_subscription *c = u->c;
	struct ua_request_prm auth = { .out = NULL };

	service_request_auths(&auth, &c->outbound_auths);
	return (struct ua_subscribe_prm){ .target = c->server_uri, .local = text_view(&u->local), .proxy = c->outbound_proxy,
		.transport = c->transport, .event = c->event, .accept = SUMMARY, .headers = service_allow(true),
		.user_agent = text_view(&u->agent), .max_forwards = (int)u->conf->global->max_forwards,
		.no_rport = u->conf->system->disable_rport, .expires_s = c->expiration,
		.retry = { .again = true, .interval_s = u->wait_s, .most = UINT32_MAX }, .credentials = auth.credentials,
		.credentials_arg = auth.credentials_arg, .hold = u->conf, .arg = u, .prepare = prepare, .check = check_notify,
		.answer = put_answer, .told = on_told };
}

static void set_prm(struct upstream *u)
{
	struct ua_subscribe_prm prm = prm_of(u);

	ua_subscribe_set(u->sub, &prm);
}

/* ---- when ------------------------------------------------------------------------------- */

static void on_start(void *arg);

static void plan(struct upstream *u, uint64_t ms)
{
	timer_start(u->svc->wheel, &u->start, ms, on_start, u);
}

static void on_start(void *arg)
{
	struct upstream *u = arg;

	if (ua_subscribe_start(u->sub)) {
		log_error("outbound-subscription '%s': out of memory", text_z(&u->name));
		plan(u, 1000ull * u->wait_s);
	}
}

/* The next try was planned with the wait of before. */
static void wait_longer(struct upstream *u)
{
	uint32_t most = u->c->max_retry_interval;

	u->wait_s = u->wait_s > most / 2 ? most : 2 * u->wait_s;
	set_prm(u);
}

static void begin_waits(struct upstream *u)
{
	uint32_t first = u->c->retry_interval, most = u->c->max_retry_interval;

	u->wait_s = first < most ? first : most;
}

/* ---- what came of it -------------------------------------------------------------------- */

static void on_lost(struct upstream *u, const struct ua_subscribe_event *e)
{
	uint32_t wait_s = e->again ? e->seconds : u->c->fatal_retry_interval;
	const char *why = e->answer ? sip_reason(e->answer->status) : e->notify ? "ended by the other server" : "no answer";
	char status[8] = "";

	if (e->answer)
		snprintf(status, sizeof(status), "%u ", e->answer->status);
	if (!e->again && wait_s)
		plan(u, 1000ull * wait_s);
	if (e->again || wait_s)
		log_warning("outbound-subscription '%s' to %.*s: %s%s; next try in %u s", text_z(&u->name),
			    STR_ARG(u->c->server_uri), status, why, wait_s);
	else
		log_warning("outbound-subscription '%s' to %.*s: %s%s; no more tries", text_z(&u->name),
			    STR_ARG(u->c->server_uri), status, why);
	if (e->again)
		wait_longer(u);
}

static void take_counts(struct upstream *u, const struct sip_msg *notify)
{
	struct summary sum;

	if (!notify->body.n)
		return;
	if (!summary_read(notify->body, &sum) && !sum.has_waiting)
		log_warning("outbound-subscription '%s': a NOTIFY does not say what is waiting", text_z(&u->name));
	else if (mailbox_set(u->svc, u->c->mailbox, sum.new_msgs, sum.old_msgs))
		log_error("outbound-subscription '%s': mailbox %.*s cannot be set", text_z(&u->name), STR_ARG(u->c->mailbox));
}

static void on_idle(struct upstream *u)
{
	if (u->leaving)
		upstream_free(u);
	else if (!all_of(u->svc)->stopped)
		on_start(u);
}

static void on_told(void *arg, struct ua_subscribe *s, const struct ua_subscribe_event *e)
{
	struct upstream *u = arg;

	(void)s;
	if (e->notify && !u->leaving)
		take_counts(u, e->notify);
	u->accepted = e->state == UA_SUBSCRIBE_ASKING;
	switch (e->state) {
	case UA_SUBSCRIBE_SUBSCRIBED:
		u->pending = e->pending;
		if (u->wait_s != u->c->retry_interval) {
			begin_waits(u);
			set_prm(u);
		}
		log_debug(1, "outbound-subscription '%s': subscribed for %u s", text_z(&u->name), e->seconds);
		break;
	case UA_SUBSCRIBE_LOST:
		on_lost(u, e);
		break;
	case UA_SUBSCRIBE_IDLE:
		on_idle(u);
		break;
	default:
		break;
	}
}

/* ---- as the configuration wants it -------------------------------------------------------- */

static int configure(struct upstream *u, struct snapshot *conf, const struct outbound_subscription *c)
{
	struct snapshot *before = u->conf;
	struct ua_subscribe_prm prm;
	int err;

	u->conf = obj_hold(conf);
	u->c = c;
	/* First: what goes out looks into them. */
	err = text_set(&u->agent, text_view(&u->svc->names.user_agent));
	err = err ? err : text_set(&u->local, c->from_uri.n ? c->from_uri : c->server_uri);
	prm = prm_of(u);
	if (u->sub)
		ua_subscribe_set(u->sub, &prm);
	else
		err = err ? err : ua_subscribe_new(&u->sub, &u->svc->ua, &prm);
	obj_drop(before);
	return err;
}

static int add(struct service *svc, const struct outbound_subscription *c)
{
	struct upstream *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return ENOMEM;
	u->svc = svc;
	u->c = c;
	begin_waits(u);
	err = text_set(&u->name, c->name);
	err = err ? err : configure(u, svc->conf, c);
	err = err ? err : map_add(all_of(svc)->by_name, text_view(&u->name), u);
	if (err)
		upstream_free(u);
	else if (!all_of(svc)->stopped)
		plan(u, FIRST_MS);
	return err;
}

/* Out of the map; gone when the other server has said the last. */
static void leave(struct upstream *u)
{
	map_del(all_of(u->svc)->by_name, text_view(&u->name));
	timer_stop(&u->start);
	u->leaving = true;
	list_append(&all_of(u->svc)->leaving, &u->link);
	if (ua_subscribe_end(u->sub))
		upstream_free(u);
}

int upstreams_start(struct service *svc)
{
	struct upstreams *all = calloc(1, sizeof(*all));

	if (!all)
		return ENOMEM;
	list_init(&all->leaving);
	all->by_name = map_new_ordered();
	if (!all->by_name) {
		free(all);
		return ENOMEM;
	}
	svc->subscriptions->upstreams = all;
	snapshot_each(outbound_subscription, OBJECT_OUTBOUND_SUBSCRIPTION, c, svc->conf) {
		int err = add(svc, c);

		if (err)
			return err;
	}
	return 0;
}

void upstreams_reload(struct service *svc)
{
	struct upstreams *all = all_of(svc);
	struct upstream *u;

	if (!all)
		return;
	for (size_t it = 0; (u = map_next(all->by_name, &it)); ) {
		const struct outbound_subscription *c = snapshot_outbound_subscription(svc->conf, text_view(&u->name));

		if (!c || !option_same(object_options(OBJECT_OUTBOUND_SUBSCRIPTION), u->c, c))
			leave(u);
		else if (configure(u, svc->conf, c))
			log_error("out of memory: outbound-subscription '%s' keeps its User-Agent", text_z(&u->name));
	}
	snapshot_each(outbound_subscription, OBJECT_OUTBOUND_SUBSCRIPTION, c, svc->conf)
		if (!map_get(all->by_name, c->name) && add(svc, c))
			log_error("out of memory: outbound-subscription '%.*s' does not start", STR_ARG(c->name));
}

void upstreams_stop(struct service *svc)
{
	struct upstreams *all = all_of(svc);
	struct upstream *u;

	if (!all)
		return;
	all->stopped = true;
	for (size_t it = 0; (u = map_next(all->by_name, &it)); ) {
		timer_stop(&u->start);
		if (ua_subscribe_end(u->sub))
			log_error("outbound-subscription '%s': out of memory", text_z(&u->name));
	}
}

void upstreams_resume(struct service *svc)
{
	struct upstreams *all = all_of(svc);
	struct upstream *u;

	if (!all)
		return;
	all->stopped = false;
	/* Those that are still leaving begin anew when they are through. */
	for (size_t it = 0; (u = map_next(all->by_name, &it)); )
		if (ua_subscribe_state(u->sub) == UA_SUBSCRIBE_IDLE)
			on_start(u);
}

bool upstreams_busy(const struct service *svc)
{
	const struct upstreams *all = all_of(svc);
	const struct upstream *u;

	if (!all)
		return false;
	for (size_t it = 0; (u = map_next(all->by_name, &it)); )
		if (ua_subscribe_state(u->sub) == UA_SUBSCRIBE_LEAVING)
			return true;
	return !list_empty(&all->leaving);
}

void upstreams_free(struct service *svc)
{
	struct upstreams *all = all_of(svc);
	struct upstream *u;

	if (!all)
		return;
	for (size_t it = 0; (u = map_next(all->by_name, &it)); )
		upstream_free(u);
	while (!list_empty(&all->leaving))
		upstream_free(container_of(all->leaving.next, struct upstream, link));
	map_free(all->by_name);
	free(all);
	svc->subscriptions->upstreams = NULL;
}

/* ---- for listings ------------------------------------------------------------------------- */

static const char *state_name(const struct upstream *u)
{
	switch (ua_subscribe_state(u->sub)) {
	case UA_SUBSCRIBE_ASKING:
		return u->accepted ? "ACCEPTED" : "SENT";
	case UA_SUBSCRIBE_SUBSCRIBED: case UA_SUBSCRIBE_RENEWING:
		return u->pending ? "PENDING" : "ACTIVE";
	case UA_SUBSCRIBE_IDLE:
		return "NULL";
	default:
		return "TERMINATED";
	}
}

static uint32_t seconds(uint64_t ms)
{
	return (uint32_t)((ms + 999) / 1000);
}

bool upstream_next(const struct service *svc, struct map_walk *w, struct upstream_row *row)
{
	const struct upstreams *all = all_of(svc);
	struct upstream *u = all ? map_walk_next(all->by_name, w) : NULL;
	struct sip_dialog *d = u ? ua_subscribe_dialog(u->sub) : NULL;
	uint64_t next;

	if (!u)
		return false;
	next = timer_running(&u->start) ? timer_left_ms(svc->wheel, &u->start) : ua_subscribe_next_ms(u->sub);
	*row = (struct upstream_row){ .name = text_view(&u->name), .server = u->c->server_uri, .mailbox = u->c->mailbox,
		.event = u->c->event, .call_id = d ? d->call_id : STR_NULL, .state = state_name(u),
		.left_s = seconds(ua_subscribe_left_ms(u->sub)), .next_s = seconds(next) };
	return true;
}
