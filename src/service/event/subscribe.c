#define LOG_MODULE "subscribe"
#include "service/place/endpoint_state.h"
#include "service/event/private.h"
#include "base/hash.h"
#include "base/log.h"
#include "service/common/nat.h"
#include "service/call/session.h"
#include <errno.h>
#include <stdlib.h>

#define DEFAULT_S 3600
#define EACH_MAX 1000           /* subscriptions of one endpoint */

static void subscription_free(void *arg)
{
	struct subscription *s = arg;

	tree_free(s->root);
	obj_drop(s->dlg);
	obj_drop(s->conf);
	share_close(&s->account);
	text_free(&s->event);
	text_free(&s->user_agent);
	text_free(&s->scheme);
	text_free(&s->host);
}

void subscription_drop(struct subscription *s)
{
	struct endpoint_state *state;

	if (s->ended)
		return;
	s->ended = true;
	timer_stop(&s->batch);
	timer_stop(&s->expire);
	list_remove(&s->link);
	state = endpoint_state_get(s->svc, s->ep->name, false);
	if (state)
		state->subscriptions--;
	if (s->dlg)
		sip_dialog_close(s->dlg);
	/* Nobody may call it for a resource any more, however long its NOTIFY is on the way. */
	tree_stop(s->root);
	obj_drop(s);
}

static void on_expire(void *arg)
{
	struct subscription *s = arg;

	log_debug(1, "'%.*s' did not renew its subscription to '%s'", STR_ARG(s->ep->name), text_z(&s->root->resource));
	subscription_end(s, "timeout");
}

/* ---- how long --------------------------------------------------------------------------------- */

/* 0: *left; else the status to refuse with. */
static unsigned expires_of(const struct endpoint *ep, const struct sip_msg *msg, uint32_t *left)
{
	int err = sip_hdr_u32(msg, SIP_H_EXPIRES, left);

	if (err == ENOENT)
		*left = DEFAULT_S;
	else if (err == ERANGE)
		*left = UINT32_MAX;
	else if (err)
		return 400;
	if (*left && *left < ep->sub_min_expiry)
		return 423;
	if (*left > INT32_MAX)
		*left = INT32_MAX;
	return 0;
}

static void refuse(struct service *svc, struct sip_server_tx *tx, const struct endpoint *ep, unsigned status)
{
	char room[256];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	if (status == 423)
		buf_printf(&b, "Min-Expires: %u\r\n", ep->sub_min_expiry);
	if (status == 503)
		buf_put(&b, STR(SHARES_RETRY));
	if (status == 489) {
		buf_put(&b, STR("Allow-Events: "));
		package_names(&b);
		buf_put(&b, STR("\r\n"));
	}
	service_reply(svc, tx, status, buf_err(&b) ? STR_NULL : buf_view(&b));
}

static void set_end(struct subscription *s, uint32_t left)
{
	s->ends_ms = clock_ms(s->svc->clock) + (uint64_t)left * 1000;
	timer_start(s->svc->wheel, &s->expire, (uint64_t)left * 1000, on_expire, s);
}

static void take(struct subscription *s, struct sip_server_tx *tx, uint32_t left)
{
	char room[1024];
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	buf_printf(&b, "Expires: %u\r\n", left);
	buf_puts(&b, STR("Contact: "), s->dlg->contact, STR("\r\n"));
	if (s->is_list)
		buf_put(&b, STR("Require: eventlist\r\n"));
	service_reply(s->svc, tx, 200, buf_view(&b));
	buf_free(&b);
}

/* ---- inside the dialog -------------------------------------------------------------------------- */

/* The configuration of a list may be another one since. What cannot be watched now
 * stays as it was. */
static void renew_tree(struct subscription *s, const struct sip_msg *msg)
{
	bool eventlist = sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("eventlist")), was_list = s->is_list;
	struct node *n = NULL;

	if (s->is_list && tree_build(s, text_view(&s->root->resource), eventlist, &n) == 200 && !tree_same(s->root, n) &&
	    !tree_start(n)) {
		n->version = s->root->version;
		tree_free(s->root);
		s->root = n;
		return;
	}
	tree_free(n);
	s->is_list = was_list;
}

static void renew(struct subscription *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct str event = sip_hdr_value(msg, SIP_H_EVENT);
	uint32_t left;
	unsigned status = expires_of(s->ep, msg, &left);

	if (!status && !str_ieq(str_trim(str_cut(&event, ';')), s->pkg->name))
		status = 489;
	if (status) {
		refuse(s->svc, tx, s->ep, status);
		return;
	}
	(void)sip_dialog_refresh(s->dlg, msg);
	if (s->ep->rewrite_contact)
		(void)nat_fix_dialog(s->dlg, msg);
	take(s, tx, left);
	if (!left) {
		subscription_end(s, "timeout");
		return;
	}
	renew_tree(s, msg);
	set_end(s, left);
	(void)subscription_notify(s, true);
	subscription_test_event(s, "SUBSCRIPTION_REFRESHED");
}

static void on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct subscription *s = arg;

	(void)d;
	obj_hold(s);
	if (msg->method == SIP_SUBSCRIBE)
		renew(s, tx, msg);
	else
		service_reply(s->svc, tx, msg->method == SIP_OPTIONS ? 200 : 405, service_allow());
	obj_drop(s);
}

/* ---- the first one --------------------------------------------------------------------------------- */

static int make_dialog(struct subscription *s, struct sip_server_tx *tx, const struct sip_msg *msg)
{
	struct sip_dialog_user user = { .arg = s, .request = on_request, .owner = s };

	return service_dialog_uas(s->svc, s->ep, tx, msg, &user, &s->dlg);
}

static struct subscription *make(struct service *svc, struct identity *id, const struct sip_msg *msg)
{
	struct subscription *s = obj_new(sizeof(*s), subscription_free);
	struct str agent = sip_hdr_value(msg, SIP_H_USER_AGENT);
	const struct sip_uri *u = &msg->ruri;
	bool v6 = str_chr(u->host, ':') < u->host.n;
	int err;

	if (!s)
		return NULL;
	s->svc = svc;
	s->conf = obj_hold(id->conf);
	s->ep = id->ep;
	err = text_set(&s->event, sip_hdr_value(msg, SIP_H_EVENT));
	err = err ? err : text_set(&s->user_agent, agent);
	for (size_t i = 0; !err && i < s->user_agent.n; i++)
		if (s->user_agent.p[i] >= 'A' && s->user_agent.p[i] <= 'Z')
			s->user_agent.p[i] |= 0x20;
	err = err ? err : text_set(&s->scheme, sip_uri_is_sips(u) ? STR("sips") : STR("sip"));
	err = err ? err : text_printf(&s->host, v6 ? "[%.*s]" : "%.*s", STR_ARG(u->host));
	if (!err && u->port)
		err = text_printf(&s->host, v6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(u->host), u->port);
	return err ? obj_drop(s) : s;
}

static void begin(struct subscription *s, struct sip_server_tx *tx, uint32_t left, struct endpoint_state *state)
{
	struct subscriptions *all = s->svc->subscriptions;

	state->subscriptions++;
	s->serial = ++all->serial;
	list_append(&all->all, &s->link);
	obj_hold(s);
	take(s, tx, left);
	set_end(s, left);
	(void)subscription_notify(s, true);
	subscription_test_event(s, "SUBSCRIPTION_ESTABLISHED");
}

/* The status to refuse with; 0: *s is a subscription in the making. */
static unsigned prepare(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg,
			struct subscription **out)
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
	/* Bodies name who subscribed, so the dialog comes first. */
	return make_dialog(s, tx, msg) || tree_start(s->root) ? 503 : 0;
}

void subscribe_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct subscription *s = NULL;
	struct endpoint_state *state;
	unsigned status = 0;
	uint32_t left = 0;

	if (!id->ep->allow_subscribe)
		status = 603;
	else if (!sip_uri_is_sip(&msg->ruri))
		status = 416;
	if (!status)
		status = expires_of(id->ep, msg, &left);
	if (!status && !left)
		status = 400;           /* who asks for the state just once cannot be served by a dialog */
	state = endpoint_state_get(svc, id->ep->name, true);
	if (!status && (!state || state->subscriptions >= EACH_MAX))
		status = 503;
	if (!status)
		status = prepare(svc, id, tx, msg, &s);
	if (status) {
		reason_add(svc->reasons, REASON_ROUTE, REASON_REFUSED, status, id->ep->name, &msg->from_path.peer,
			   "SUBSCRIBE for '%.*s'", STR_ARG(msg->ruri.user));
		refuse(svc, tx, id->ep, status);
	} else {
		begin(s, tx, left, state);
	}
	if (s && status && s->root)
		tree_stop(s->root);
	if (s && status && s->dlg)
		sip_dialog_close(s->dlg);
	obj_drop(s);
}

/* ---- all of them -------------------------------------------------------------------------------------- */

int subscriptions_start(struct service *svc)
{
	struct subscriptions *all = calloc(1, sizeof(*all));

	if (!all)
		return ENOMEM;
	list_init(&all->all);
	svc->subscriptions = all;
	all->contacts.added = unasked_contact_added;
	location_observe(svc, &all->contacts);
	all->mailboxes = map_new(false);
	all->unasked = map_new(false);
	return all->mailboxes && all->unasked ? mwi_start(svc) : ENOMEM;
}

/* A subscription lives for weeks: it must not keep the configuration of its first day. */
void subscriptions_reload(struct service *svc)
{
	struct subscriptions *all = svc->subscriptions;

	list_each_safe(l, next, &all->all) {
		struct subscription *s = container_of(l, struct subscription, link);
		const struct endpoint *ep = snapshot_endpoint(svc->conf, s->ep->name);

		if (!ep || !ep->allow_subscribe) {
			subscription_end(s, "rejected");
			continue;
		}
		obj_drop(s->conf);
		s->conf = obj_hold(svc->conf);
		s->ep = ep;
	}
	(void)unasked_rebuild(svc);
}

void subscriptions_free(struct service *svc)
{
	struct subscriptions *all = svc->subscriptions;

	if (!all)
		return;
	while (!list_empty(&all->all))
		subscription_abandon(container_of(all->all.next, struct subscription, link));
	if (all->unasked)
		unasked_free(svc);
	if (all->mailboxes)
		mwi_free(svc);
	list_remove(&all->contacts.link);
	map_free(all->unasked);
	map_free(all->mailboxes);
	free(all);
	svc->subscriptions = NULL;
}

/* One that has ended is in no list any more; what came behind it is newer. */
static struct subscription *after(const struct subscriptions *all, const struct subscription *at)
{
	const struct list *l = at && list_linked(&at->link) ? at->link.next : all->all.next;

	for (; l != &all->all; l = l->next) {
		struct subscription *s = container_of(l, struct subscription, link);

		if (!at || s->serial > at->serial)
			return s;
	}
	return NULL;
}

bool subscription_next(struct service *svc, struct subscription_walk *w, struct subscription_row *row)
{
	struct subscription *s = after(svc->subscriptions, w->at);
	uint64_t now = clock_ms(svc->clock);

	if (!s)
		return false;
	obj_drop(w->at);
	w->at = obj_hold(s);
	*row = (struct subscription_row){ .ep = s->ep, .resource = text_view(&s->root->resource),
		.event = s->pkg->name, .call_id = s->dlg->call_id, .callerid = s->dlg->remote,
		.state = STR("ACTIVE"), .left_s = s->ends_ms > now ? (uint32_t)((s->ends_ms - now) / 1000) : 0 };
	return true;
}

void subscription_walk_end(struct subscription_walk *w)
{
	w->at = obj_drop(w->at);
}
