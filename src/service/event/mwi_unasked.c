/* Waiting messages told without a SUBSCRIBE: what mailboxes= of an endpoint asks for. */
#include "service/event/private.h"
#include "base/hash.h"
#include "service/place/reach.h"
#include <errno.h>
#include <stdlib.h>

struct unasked_box {
	struct mailbox_watch watch;     /* its box NULL: a subscription has it now */
	struct unasked *owner;
	struct text name;
	unsigned replaced;              /* subscriptions that do */
};

/* An endpoint with mailboxes= : NOTIFYs outside of dialogs, as phones want them that
 * never subscribed. */
struct unasked {
	struct service *svc;
	struct text endpoint;
	size_t n;
	struct unasked_box box[];
};

static struct map *all_of(const struct service *svc)
{
	return ((struct subscriptions *)svc->subscriptions)->unasked;
}

static struct unasked *find(const struct service *svc, struct str endpoint)
{
	return map_get(all_of(svc), endpoint);
}

static struct unasked_box *find_box(const struct service *svc, struct str endpoint, struct str mailbox)
{
	struct unasked *u = find(svc, endpoint);

	for (size_t i = 0; u && i < u->n; i++)
		if (str_eq(text_view(&u->box[i].name), mailbox))
			return &u->box[i];
	return NULL;
}

/* ---- telling ------------------------------------------------------------------------------ */

struct counts {
	uint32_t new_msgs, old_msgs;
};

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	if (msg->status < 200)
		return;
	free(arg);
	obj_drop(rq);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	(void)err;
	free(arg);
	obj_drop(rq);
}

/* mwi_from_user in From, and with the same host the account that holds the messages. */
static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct service *svc = service_of_request(rq);
	const struct endpoint *ep = service_endpoint_of_request(rq);
	const struct counts *c = arg;
	struct str exten = ep->voicemail_extension.n ? ep->voicemail_extension :
		svc->conf->global->default_voicemail_extension;
	struct buf uri = BUF_INIT, account = BUF_INIT, body = BUF_INIT;
	struct str host;

	service_request_from(svc, ep, path, &uri);
	host = str_skip(buf_view(&uri), str_rchr(buf_view(&uri), '@') + 1);
	if (ep->mwi_from_user.n && !out->from.n) {
		char tag[SIP_TAG + 1];

		sip_token(svc->sip, tag, SIP_TAG);
		out->from = arena_printf(out->arena, "<sip:%.*s@%.*s>;tag=%s", STR_ARG(ep->mwi_from_user), STR_ARG(host), tag);
	}
	if (exten.n)
		buf_puts(&account, STR("sip:"), exten, STR("@"), host);
	mwi_write_body(&body, buf_view(&account), c->new_msgs, c->old_msgs);
	sip_out_body(out, STR("application/simple-message-summary"), buf_view(&body));
	buf_free(&uri);
	buf_free(&account);
	buf_free(&body);
	return service_out_prepare(NULL, rq, out, path);
}

static void tell_contact(struct service *svc, const struct endpoint *ep, struct contact *c, struct counts counts)
{
	struct reach r;
	struct counts *arg = malloc(sizeof(*arg));
	struct ua_request_prm prm = { .arg = arg, .response = on_response, .failed = on_failed, .prepare = prepare };
	struct buf names = BUF_INIT;
	struct sip_out *out;
	struct ua_request *rq;
	int err = arg ? reach_contact(svc, ep, c, &r) : ENOMEM;

	if (err) {
		free(arg);
		return;
	}
	*arg = counts;
	out = reach_out(svc, &r, SIP_NOTIFY, STR_NULL);
	if (out) {
		sip_out_header(out, STR("Event"), STR("message-summary"));
		sip_out_header(out, STR("Subscription-State"), STR("terminated"));
		package_names(&names, false);
		sip_out_header(out, STR("Allow-Events"), buf_view(&names));
		buf_free(&names);
		err = reach_send(svc, &r, out, &prm, &rq);
	}
	if (!out || err)
		free(arg);
	obj_drop(out);
	reach_free(&r);
}

/* To one contact, or to all of the endpoint's. */
static void tell_counts(struct unasked *u, struct contact *only, struct counts counts)
{
	struct service *svc = u->svc;
	const struct endpoint *ep = snapshot_endpoint(svc->conf, text_view(&u->endpoint));

	for (size_t i = 0; ep && i < ep->aor_n; i++) {
		struct location *l = location_get(svc, ep->aor_objs[i]->name, false);

		if (!l)
			continue;
		list_each(p, &l->contacts) {
			struct contact *c = container_of(p, struct contact, link);

			if (!only || only == c)
				tell_contact(svc, ep, c, counts);
		}
	}
}

/* All boxes in one NOTIFY, or (aggregate_mwi=no) one each; `box`: that one changed. */
static void tell(struct unasked *u, struct contact *only, struct unasked_box *box)
{
	const struct endpoint *ep = snapshot_endpoint(u->svc->conf, text_view(&u->endpoint));
	struct counts sum = { 0 }, c;
	bool any = false;

	for (size_t i = 0; ep && i < u->n; i++) {
		if (!u->box[i].watch.box)
			continue;
		mailbox_counts(u->box[i].watch.box, &c.new_msgs, &c.old_msgs);
		sum.new_msgs += c.new_msgs;
		sum.old_msgs += c.old_msgs;
		any = true;
		if (!ep->aggregate_mwi && (!box || box == &u->box[i]))
			tell_counts(u, only, c);
	}
	if (any && ep->aggregate_mwi)
		tell_counts(u, only, sum);
}

static void on_mailbox(void *arg, struct mailbox_watch *w)
{
	struct unasked_box *b = arg;

	(void)w;
	tell(b->owner, NULL, b);
}

/* A phone that has just come is told what waits for it. */
/* Its REGISTER is not answered yet: it hears of its mailboxes after that. */
struct newcomer {
	struct list link;               /* in subscriptions.newcomers */
	struct contact *c;              /* held */
};

static void drop_newcomer(struct newcomer *n)
{
	list_remove(&n->link);
	obj_drop(n->c);
	free(n);
}

static void on_newcomers(void *arg)
{
	struct service *svc = arg;

	list_each_safe(p, next, &svc->subscriptions->newcomers) {
		struct newcomer *n = container_of(p, struct newcomer, link);
		const struct endpoint *ep = n->c->loc ? contact_endpoint(svc, n->c) : NULL;
		struct unasked *u = ep ? find(svc, ep->name) : NULL;

		if (u)
			tell(u, n->c, NULL);
		drop_newcomer(n);
	}
}

void unasked_contact_added(struct service *svc, struct contact *c)
{
	const struct endpoint *ep = contact_endpoint(svc, c);
	struct newcomer *n = ep && svc->subscriptions && ep->mailboxes.n && find(svc, ep->name) ? malloc(sizeof(*n)) : NULL;

	if (!n)
		return;
	n->c = obj_hold(c);
	list_append(&svc->subscriptions->newcomers, &n->link);
	timer_start(svc->wheel, &svc->subscriptions->tell_newcomers, 0, on_newcomers, svc);
}

/* ---- against subscriptions ------------------------------------------------------------------ */

bool unasked_allows(struct service *svc, const struct endpoint *ep, struct str mailbox)
{
	struct unasked_box *b = find_box(svc, ep->name, mailbox);

	return !b || ep->mwi_subscribe_replaces_unsolicited;
}

void unasked_replace(struct service *svc, struct str endpoint, struct str mailbox, bool replaced)
{
	struct unasked_box *b = find_box(svc, endpoint, mailbox);

	if (!b || (!replaced && !b->replaced))
		return;
	b->replaced += replaced ? 1 : UINT32_MAX;
	if (b->replaced) {
		mailbox_unwatch(&b->watch);
	} else if (!b->watch.box && !mailbox_watch(svc, mailbox, &b->watch)) {
		tell(b->owner, NULL, b);
	}
}

/* ---- the configuration ----------------------------------------------------------------------- */

/* Out of the map already, or never in it. */
static void unasked_release(struct unasked *u)
{
	for (size_t i = 0; i < u->n; i++) {
		mailbox_unwatch(&u->box[i].watch);
		text_free(&u->box[i].name);
	}
	text_free(&u->endpoint);
	free(u);
}

static void unasked_drop(struct unasked *u)
{
	map_del(all_of(u->svc), text_view(&u->endpoint));
	unasked_release(u);
}

void unasked_free(struct service *svc)
{
	struct unasked *u;

	timer_stop(&svc->subscriptions->tell_newcomers);
	list_each_safe(p, next, &svc->subscriptions->newcomers)
		drop_newcomer(container_of(p, struct newcomer, link));

	for (size_t it = 0; (u = map_next(all_of(svc), &it)); )
		unasked_drop(u);
}

static int make(struct service *svc, const struct endpoint *ep, struct unasked **out)
{
	struct unasked *u = calloc(1, sizeof(*u) + ep->mailboxes.n * sizeof(u->box[0]));
	int err;

	if (!u)
		return ENOMEM;
	u->svc = svc;
	err = text_set(&u->endpoint, ep->name);
	for (size_t i = 0; !err && i < ep->mailboxes.n; i++) {
		struct unasked_box *b = &u->box[u->n];

		if (!ep->mailboxes.v[i].n)
			continue;
		b->owner = u;
		b->watch.fn = on_mailbox;
		b->watch.arg = b;
		err = text_set(&b->name, ep->mailboxes.v[i]);
		err = err ? err : mailbox_watch(svc, ep->mailboxes.v[i], &b->watch);
		u->n++;
	}
	err = err ? err : map_add(all_of(svc), text_view(&u->endpoint), u);
	if (err)
		unasked_release(u);
	else
		*out = u;
	return err;
}

static bool same(const struct unasked *u, const struct endpoint *ep)
{
	bool yes = u->n == ep->mailboxes.n;

	for (size_t i = 0; yes && i < u->n; i++)
		yes = str_eq(text_view(&u->box[i].name), ep->mailboxes.v[i]);
	return yes;
}

int unasked_rebuild(struct service *svc)
{
	struct unasked *known;
	int err = 0;

	for (size_t it = 0; (known = map_next(all_of(svc), &it)); ) {
		const struct endpoint *ep = snapshot_endpoint(svc->conf, text_view(&known->endpoint));

		if (!ep || !same(known, ep))
			unasked_drop(known);
	}
	snapshot_each(endpoint, OBJECT_ENDPOINT, ep, svc->conf) {
		struct unasked *u = NULL;

		if (err || !ep->mailboxes.n || find(svc, ep->name))
			continue;
		err = make(svc, ep, &u);
		if (!err)
			messages_replace_unasked(svc, ep->name);
		if (!err && !svc->conf->global->mwi_disable_initial_unsolicited)
			tell(u, NULL, NULL);
	}
	return err;
}
