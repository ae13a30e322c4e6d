/* A SUBSCRIBE: may this endpoint watch that; the renewal of a list; and all subscriptions,
 * for listings, a reload and the end. notification.c has what is told of one. */
#define LOG_MODULE "subscribe"
#include "service/event/conference.h"
#include "service/event/private.h"
#include "base/hash.h"
#include "base/log.h"
#include "service/common/nat.h"
#include <errno.h>
#include <stdlib.h>

#define DEFAULT_S 3600

static void subscription_free(void *arg)
{
	struct subscription *s = arg;

	ua_notify_free(s->notify);
	tree_free(s->root);
	obj_drop(s->conf);
	share_close(&s->account);
	text_free(&s->user_agent);
	text_free(&s->transport);
	text_free(&s->host);
	text_free(&s->uri_params);
}

static struct ua_notify_terms terms_of(const struct endpoint *ep)
{
	return (struct ua_notify_terms){ .default_s = DEFAULT_S, .min_s = ep->sub_min_expiry, .max_s = DEFAULT_S, .lenient = true };
}

/* What answers of this status have besides what all have. */
static void put_more(unsigned status, bool extra, struct buf *b)
{
	if (status == 503)
		buf_put(b, STR(SHARES_RETRY));
	if (status == 489) {
		buf_put(b, STR("Allow-Events: "));
		package_names(b, extra);
		buf_put(b, STR("\r\n"));
	}
}

/* What is asked for is nothing that Asterisk has. */
static bool asks_extra(const struct sip_msg *msg)
{
	struct str event = sip_hdr_value(msg, SIP_H_EVENT);
	const struct package *pkg = package_find(str_trim(str_cut(&event, ';')));

	return pkg && pkg->extra;
}

static void refuse(struct service *svc, struct sip_server_tx *tx, const struct endpoint *ep, unsigned status)
{
	char room[256];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	if (status == 423)
		buf_printf(&b, "Min-Expires: %u\r\n", ep->sub_min_expiry);
	put_more(status, asks_extra(tx->req), &b);
	service_reply(svc, tx, status, buf_err(&b) ? STR_NULL : buf_view(&b));
}

/* ---- inside the dialog -------------------------------------------------------------------------- */

/* The configuration of a list may be another one since. What cannot be watched now
 * stays as it was. */
static void renew_tree(struct subscription *s, const struct sip_msg *msg)
{
	bool eventlist = sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("eventlist")), was_list = s->is_list;
	struct node *n = NULL;

	if (s->is_list && tree_build(s, text_view(&s->root->resource), eventlist, &n) == 200 && !tree_same(s->root, n)) {
		/* No number of a resource's may fall, whatever list it stands in now. */
		tree_set_version(n, tree_version(s->root));
		if (tree_start(n)) {
			tree_free(n);
			return;
		}
		tree_free(s->root);
		s->root = n;
		return;
	}
	tree_free(n);
	s->is_list = was_list;
}

/* As a contact: a connection that the peer opened cannot be opened again by us; a page listens nowhere. */
static bool ends_with_connection(const struct endpoint *ep, const struct sip_msg *msg)
{
	return net_is_stream(msg->from_path.proto) &&
	       (ep->rewrite_contact || net_is_websocket(msg->from_path.proto));
}

/* The connection that leads there is the one of the newest SUBSCRIBE. */
static void follow_connection(struct subscription *s, uint64_t conn)
{
	if (flow_join(s->svc->subscriptions->flows, &s->on_flow, s->prune_on_boot ? conn : 0))
		log_warning("out of memory: a subscription to '%s' will outlive its connection", text_z(&s->root->resource));
}

static unsigned renew(void *arg, struct ua_notify *n, const struct sip_msg *msg, uint32_t seconds)
{
	struct subscription *s = arg;
	unsigned status = s->pkg->take ? s->pkg->take(s, msg) : 0;

	(void)n;
	if (!status && seconds) {
		renew_tree(s, msg);
		follow_connection(s, msg->from_path.conn);
	}
	return status;
}

static void answer(void *arg, struct ua_notify *n, unsigned status, struct buf *headers)
{
	const struct subscription *s = arg;

	(void)n;
	if (status == 200 && s->is_list)
		buf_put(headers, STR("Require: eventlist\r\n"));
	put_more(status, s->pkg->extra, headers);
	if (status == 200)
		buf_puts(headers, service_allow(true), STR("Supported: 100rel, timer, replaces"),
			 s->conf->global->norefersub ? STR(", norefersub\r\n") : STR("\r\n"));
	buf_put(headers, service_server_header(s->svc));
}

static int fix_target(void *arg, struct sip_dialog *d, const struct sip_msg *msg)
{
	const struct subscription *s = arg;

	return s->ep->rewrite_contact ? nat_fix_dialog(d, msg) : 0;
}

static void on_other(void *arg, struct ua_notify *n, struct sip_server_tx *tx, struct sip_msg *msg)
{
	const struct subscription *s = arg;

	(void)n;
	service_reply(s->svc, tx, msg->method == SIP_OPTIONS ? 200 : 405, service_allow(true));
}

/* A renewal, until it is on disk. */
struct renewal {
	struct subscription *s;         /* held */
	struct sip_server_tx *tx;       /* held */
	uint32_t seconds;
};

static void on_renewal_kept(void *arg, int err)
{
	struct renewal *r = arg;
	struct subscription *s = r->s;

	if (err)
		refuse(s->svc, r->tx, s->ep, 503);
	else if (s->notify)
		ua_notify_granted(s->notify, r->tx, r->seconds);
	else
		refuse(s->svc, r->tx, s->ep, 481);
	obj_drop(r->tx);
	obj_drop(s);
	free(r);
}

static int keep_renewal(void *arg, struct ua_notify *n, struct sip_server_tx *tx, uint32_t seconds)
{
	struct subscription *s = arg;
	struct renewal *r = malloc(sizeof(*r));
	int err = r ? 0 : ENOMEM;

	(void)n;
	if (r)
		err = subscription_keep(s, seconds, on_renewal_kept, r);
	if (err) {
		free(r);
		return err;
	}
	*r = (struct renewal){ obj_hold(s), obj_hold(tx), seconds };
	return 0;
}

struct ua_notify_prm subscription_prm(struct subscription *s)
{
	struct ua_request_prm p = service_request_prm(s->conf, s->ep);

	return (struct ua_notify_prm){ .transport = service_transport_named(s->conf, s->ep, text_view(&s->transport)),
		.user_agent = s->conf->global->user_agent,
		.max_forwards = (int)s->conf->global->max_forwards, .no_rport = s->conf->system->disable_rport, .terms = terms_of(s->ep),
		.credentials = p.credentials, .credentials_arg = p.credentials_arg, .hold = p.hold, .context = p.context,
		.arg = s, .say = subscription_say, .renew = renew, .keep = keep_renewal, .answer = answer, .target = fix_target,
		.request = on_other, .changed = subscription_changed };
}

/* ---- the first one --------------------------------------------------------------------------------- */

static int make_notifier(struct subscription *s, struct sip_server_tx *tx, const struct sip_msg *msg, uint32_t left)
{
	char contact_room[512], via_room[512];
	struct ua_notify_prm prm = subscription_prm(s);
	struct buf contact, via;
	int err;

	buf_init(&contact, contact_room, sizeof(contact_room), sizeof(contact_room));
	buf_init(&via, via_room, sizeof(via_room), sizeof(via_room));
	err = service_dialog_names(s->svc, s->ep, &tx->path, sip_uri_is_sips(&msg->ruri), &contact, &via);
	prm.contact = buf_view(&contact);
	prm.via_host = buf_view(&via);
	prm.expires_s = left;
	return err ? err : ua_notify_new(&s->notify, &s->svc->ua, &prm, tx);
}

static int set_host(struct subscription *s, const struct sip_uri *u)
{
	bool v6 = str_chr(u->host, ':') < u->host.n;
	char room[300];
	struct buf b;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	buf_puts(&b, v6 ? STR("[") : STR_NULL, u->host, v6 ? STR("]") : STR_NULL, u->port ? STR(":") : STR_NULL);
	if (u->port)
		buf_u64(&b, u->port);
	err = buf_err(&b) ? ENOMEM : text_set(&s->host, buf_view(&b));
	buf_free(&b);
	return err ? err : text_set(&s->uri_params, u->params);
}

struct subscription *subscription_new(struct service *svc, struct snapshot *conf, const struct endpoint *ep)
{
	struct subscription *s = obj_new(sizeof(*s), subscription_free);

	if (!s)
		return NULL;
	s->svc = svc;
	s->conf = obj_hold(conf);
	s->ep = ep;
	return s;
}

static struct subscription *make(struct service *svc, struct identity *id, const struct sip_msg *msg)
{
	struct subscription *s = subscription_new(svc, id->conf, id->ep);
	struct str agent = sip_hdr_value(msg, SIP_H_USER_AGENT);
	const struct sip_uri *u = &msg->ruri;
	int err;

	if (!s)
		return NULL;
	s->prune_on_boot = ends_with_connection(s->ep, msg);
	err = text_set(&s->user_agent, agent);
	err = err ? err : text_set(&s->transport, service_transport_back(svc, s->conf, s->ep, msg));
	for (size_t i = 0; !err && i < s->user_agent.n; i++)
		if (s->user_agent.p[i] >= 'A' && s->user_agent.p[i] <= 'Z')
			s->user_agent.p[i] |= 0x20;
	s->is_sips = sip_uri_is_sips(u);
	err = err ? err : set_host(s, u);
	return err ? obj_drop(s) : s;
}

void subscription_enter(struct subscription *s)
{
	struct subscriptions *all = s->svc->subscriptions;

	s->waits = false;
	s->serial = ++all->serial;
	s->since_ms = clock_ms(s->svc->clock);
	list_append(&all->all, &s->link);
	obj_hold(s);
}

/* Is what it came with still allowed? It has the configuration of now. */
static bool follow_conf(struct subscription *s)
{
	struct service *svc = s->svc;
	const struct endpoint *ep = snapshot_endpoint(svc->conf, s->ep->name);
	struct ua_notify_prm prm;

	if (!ep || !ep->allow_subscribe)
		return false;
	obj_drop(s->conf);
	s->conf = obj_hold(svc->conf);
	s->ep = ep;
	prm = subscription_prm(s);
	ua_notify_set(s->notify, &prm);
	return true;
}

static void begin(struct subscription *s, struct sip_server_tx *tx)
{
	bool stays = follow_conf(s), cut_off = s->prune_on_boot && s->svc->net && !net_conn_alive(s->svc->net, tx->path.conn);

	subscription_enter(s);
	ua_notify_start(s->notify, tx);
	subscription_test_event(s, "SUBSCRIPTION_ESTABLISHED");
	if (subscription_has_ended(s))
		subscription_leave(s);  /* it asked just once */
	else
		s->svc->subscriptions->came(s);
	if (!subscription_has_ended(s))
		follow_connection(s, tx->path.conn);
	/* What happened while it was being written. */
	if (cut_off && !subscription_has_ended(s))
		subscription_cut_off(s);
	else if (!stays || tree_over(s->root))
		subscription_end(s, stays ? UA_EVENT_NORESOURCE : UA_EVENT_REJECTED);
}

/* The status to refuse with; 0: *s is a subscription in the making. */
static unsigned prepare(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg,
			uint32_t left, struct subscription **out)
{
	struct str event = sip_hdr_value(msg, SIP_H_EVENT), resource = STR_NULL;
	const struct package *pkg = package_find(str_trim(str_cut(&event, ';')));
	const struct body_row *body = pkg ? body_find(pkg, msg) : NULL;
	struct subscription *s;
	char room[256];
	unsigned status;

	if (!body)
		return 489;
	s = *out = make(svc, id, msg);
	if (!s)
		return 503;
	share_open(&s->account, svc->shares, id->ep->name, &msg->from_path.peer);
	if (share_take(&s->account, SHARE_DIALOG))
		return 503;
	s->pkg = pkg;
	s->body = body;
	if (msg->ruri.user.n)
		resource = service_exten(id->conf, &msg->ruri, room, sizeof(room));
	status = tree_build(s, resource, sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("eventlist")), &s->root);
	if (status != 200)
		return status;
	status = pkg->take ? pkg->take(s, msg) : 0;
	if (status)
		return status;
	/* Bodies name who subscribed, so the dialog comes first. */
	return make_notifier(s, tx, msg, left) || tree_start(s->root) || subscription_count(s) ? 503 : 0;
}

/* It is none: nobody hears of it, and it hears nothing. */
static void give_up(struct subscription *s)
{
	s->waits = false;
	if (s->root)
		tree_stop(s->root);
	obj_drop(s);
}

/* The first SUBSCRIBE, until it is on disk. */
struct first {
	struct subscription *s;         /* held */
	struct sip_server_tx *tx;       /* held */
};

static void on_first_kept(void *arg, int err)
{
	struct first *f = arg;
	struct subscription *s = f->s;

	if (err) {
		refuse(s->svc, f->tx, s->ep, 503);
		subscription_uncount(s);
		give_up(s);
	} else {
		begin(s, f->tx);
		obj_drop(s);
	}
	obj_drop(f->tx);
	free(f);
}

/* The status to refuse with; 0: it is one, or will be when it is on disk. */
static unsigned keep_first(struct subscription *s, struct sip_server_tx *tx, uint32_t left)
{
	struct first *f = malloc(sizeof(*f));
	int err = f ? subscription_keep(s, left, on_first_kept, f) : ENOMEM;

	if (!err) {
		s->waits = true;
		*f = (struct first){ obj_hold(s), obj_hold(tx) };
		return 0;
	}
	free(f);
	if (err == EALREADY) {
		begin(s, tx);
		return 0;
	}
	subscription_uncount(s);
	return 503;
}

void subscribe_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	const struct ua_notify_terms terms = terms_of(id->ep);
	struct subscription *s = NULL;
	const char *phrase = NULL;
	unsigned status = 0;
	uint32_t left = 0;

	if (!id->ep->allow_subscribe)
		status = 603;
	else if (!sip_uri_is_sip(&msg->ruri))
		status = 416;
	if (!status)
		status = sip_hdr_u32(msg, SIP_H_EXPIRES, &left) == ERANGE ? 400 : ua_notify_expires(&terms, msg, &left);
	if (!status && !sip_hdr(msg, SIP_H_CONTACT)) {
		status = 400;
		phrase = "Missing Contact header";
	}
	if (!status && !left && !asks_extra(msg))
		status = 400;           /* who asks for the state just once is not served, as in Asterisk */
	if (!status)
		status = prepare(svc, id, tx, msg, left, &s);
	if (!status && left)
		status = keep_first(s, tx, left);
	else if (!status)
		begin(s, tx);           /* there is nothing to keep */
	if (status) {
		reason_add(svc->reasons, REASON_ROUTE, REASON_REFUSED, status, id->ep->name, &msg->from_path.peer,
			   "SUBSCRIBE for '%.*s'", STR_ARG(msg->ruri.user));
		if (phrase)
			sip_server_tx_respond(tx, status, str_z(phrase), service_server_header(svc), STR_NULL, STR_NULL);
		else
			refuse(svc, tx, id->ep, status);
	}
	if (s && status)
		give_up(s);
	else
		obj_drop(s);
}

/* ---- all of them -------------------------------------------------------------------------------------- */

int subscriptions_start(struct service *svc)
{
	struct subscriptions *all = calloc(1, sizeof(*all));

	if (!all)
		return ENOMEM;
	list_init(&all->all);
	list_init(&all->ending);
	list_init(&all->mailbox_listeners);
	list_init(&all->newcomers);
	svc->subscriptions = all;
	list_init(&all->reg_watches);
	list_init(&all->referrals);
	winfo_start(all);
	list_init(&all->conferences);
	list_init(&all->feature_watches);
	all->contacts.added = unasked_contact_added;
	all->contacts.changed = reg_contact_changed;
	location_observe(svc, &all->contacts);
	all->flows = flows_new();
	all->mailboxes = map_new(false);
	all->unasked = map_new(false);
	return all->flows && all->mailboxes && all->unasked ? mwi_start(svc) : ENOMEM;
}

void subscriptions_closed(struct service *svc, uint64_t conn)
{
	struct flow_member *m;

	while (svc->subscriptions && (m = flow_first(svc->subscriptions->flows, conn)))
		subscription_cut_off(container_of(m, struct subscription, on_flow));
}

/* A subscription lives for weeks: it must not keep the configuration of its first day. */
void subscriptions_reload(struct service *svc)
{
	struct subscriptions *all = svc->subscriptions;
	unsigned ended = 0;

	list_each_safe(l, next, &all->all) {
		struct subscription *s = container_of(l, struct subscription, link);

		if (follow_conf(s))
			continue;
		ended++;
		subscription_end(s, UA_EVENT_REJECTED);
	}
	if (ended)
		log_notice("%u subscriptions end: their endpoints are not there any more, or may not subscribe", ended);
	(void)unasked_rebuild(svc);
}

void subscriptions_free(struct service *svc)
{
	struct subscriptions *all = svc->subscriptions;

	if (!all)
		return;
	timer_stop(&all->tell);
	all->told = obj_drop(all->told);
	referrals_free(svc);
	conferences_free(svc);
	while (!list_empty(&all->all))
		subscription_abandon(container_of(all->all.next, struct subscription, link));
	while (!list_empty(&all->ending))
		subscription_abandon(container_of(all->ending.next, struct subscription, link));
	if (all->unasked)
		unasked_free(svc);
	if (all->mailboxes)
		mwi_free(svc);
	list_remove(&all->contacts.link);
	flows_free(all->flows);
	map_free(all->unasked);
	map_free(all->mailboxes);
	free(all);
	svc->subscriptions = NULL;
}

/* One that has ended is in this list no more; what came behind it is newer. */
struct subscription *subscription_after(const struct subscriptions *all, const struct subscription *at)
{
	const struct list *l = at && !subscription_has_ended(at) ? at->link.next : all->all.next;

	for (; l != &all->all; l = l->next) {
		struct subscription *s = container_of(l, struct subscription, link);

		if (!at || s->serial > at->serial)
			return s;
	}
	return NULL;
}

bool subscription_next(struct service *svc, struct subscription_walk *w, struct subscription_row *row)
{
	struct subscription *s = subscription_after(svc->subscriptions, w->at);
	const struct sip_dialog *d;

	if (!s)
		return false;
	obj_drop(w->at);
	w->at = obj_hold(s);
	d = ua_notify_dialog(s->notify);
	*row = (struct subscription_row){ .ep = s->ep, .resource = text_view(&s->root->resource),
		.event = s->pkg->name, .call_id = d->call_id, .callerid = d->remote,
		.state = STR("ACTIVE"), .left_s = (uint32_t)(ua_notify_left_ms(s->notify) / 1000) };
	return true;
}

void subscription_walk_end(struct subscription_walk *w)
{
	w->at = obj_drop(w->at);
}
