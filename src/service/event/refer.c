/* REFER outside of a call (RFC 3515): "call this for me". The endpoint's phone is called, and when it
 * answers it goes on in its context at the extension that Refer-To names, as if it had dialled that. How it
 * fares is told by the subscription that the REFER implies (ua/notify.h), unless the phone wants none
 * (RFC 4488, 7614), or to subscribe itself (7614, explicitsub): then it is a resource of the event "refer". REFER inside a call is call/transfer.c's. */
#define LOG_MODULE "refer"
#include "service/event/private.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "pbx/originate.h"
#include "service/common/nat.h"
#include "ua/refer.h"
#include <errno.h>
#include <stdlib.h>

#define EACH_MAX 8              /* of one endpoint at a time */
#define EXPIRES_S 600           /* the last NOTIFY comes long before */
#define LINGER_MS 64000         /* one that may be subscribed to is known so long after its end */

struct referral {               /* obj: the list's, the originating fiber's and the followed channel's */
	struct list link;               /* in subscriptions.referrals, while it has a notifier or its phone rings */
	struct service *svc;            /* NULL: the program ends */
	struct snapshot *conf;          /* held */
	const struct endpoint *ep;      /* of conf */
	struct sip_dialog *dlg;         /* held; NULL: nothing is told */
	struct ua_notify *notify;       /* owned; NULL: nothing is told any more */
	char token[SIP_TAG + 1];        /* the user part of its URI; empty: nobody may subscribe to it */
	struct list watches;            /* struct refer_watch */
	struct timer linger;
	struct share_account account;
	unsigned status, told;          /* how it fares, as SIP says it; the one said last */
};

struct refer_watch {            /* node.watch */
	struct list link;               /* in referral.watches */
	struct node *leaf;
	struct referral *r;             /* held */
	unsigned told;
};

static void referral_free(void *o)
{
	struct referral *r = o;

	obj_drop(r->conf);
	obj_drop(r->dlg);
}

/* Its last word was said, or nobody listens. */
static void leave(struct referral *r)
{
	ua_notify_free(r->notify);
	r->notify = NULL;
	if (r->dlg)
		sip_dialog_close(r->dlg);
	timer_stop(&r->linger);
	if (!list_linked(&r->link))
		return;
	share_close(&r->account);
	list_remove(&r->link);
	obj_drop(r);
}

/* ---- what is told --------------------------------------------------------------------------- */

static int say(void *arg, struct ua_notify *n, bool full, struct sip_out *out)
{
	struct referral *r = arg;
	char body[64];
	struct buf b;

	(void)n;
	if (!full && r->told == r->status)
		return ENODATA;
	buf_init(&b, body, sizeof(body), sizeof(body));
	buf_printf(&b, "SIP/2.0 %u %s\r\n", r->status, sip_reason(r->status));
	sip_out_body(out, STR("message/sipfrag;version=2.0"), buf_view(&b));
	r->told = r->status;
	return 0;
}

static void on_changed(void *arg, struct ua_notify *n, const struct ua_notify_event *e)
{
	(void)n;
	if (e->state == UA_NOTIFY_OVER)
		leave(arg);
}

static void on_lingered(void *arg)
{
	leave(arg);
}

static void tell_watches(struct referral *r, bool over)
{
	list_each_safe(l, next, &r->watches)
		node_changed(container_of(l, struct refer_watch, link)->leaf, over);
	if (over)
		timer_start(r->svc->wheel, &r->linger, LINGER_MS, on_lingered, r);
}

/* How it fares; from 200 on that is its last word. */
static void fares(struct referral *r, unsigned status)
{
	if (!r->svc || r->status >= 200)
		return;
	r->status = status;
	if (r->token[0]) {
		tell_watches(r, status >= 200);
	} else if (!r->notify) {
		if (status >= 200)
			leave(r);
	} else if (status >= 200) {
		ua_notify_end(r->notify, UA_EVENT_NORESOURCE, 0);
	} else {
		ua_notify_changed(r->notify, 0);
	}
}

/* A channel_news_fn: the phone has answered, this is whom it calls. */
static bool on_news(void *arg, enum channel_news news)
{
	static const unsigned statuses[] = { [CHAN_NEWS_PROCEEDING] = 100, [CHAN_NEWS_RINGING] = 180, [CHAN_NEWS_PROGRESS] = 183,
		[CHAN_NEWS_BUSY] = 486, [CHAN_NEWS_CONGESTION] = 503, [CHAN_NEWS_ANSWERED] = 200, [CHAN_NEWS_LOST] = 503 };

	fares(arg, statuses[news]);
	return statuses[news] >= 200;
}

/* The phone was called. */
static void on_originated(void *arg, enum originate_reason reason, struct channel *ch)
{
	struct referral *r = arg;

	if (reason == ORIGINATE_ANSWERED && ch && r->svc) {
		if (channel_follow(ch, on_news, r))
			fares(r, 200);
	} else {
		fares(r, reason == ORIGINATE_BUSY ? 486 : reason == ORIGINATE_TIMEOUT ? 408 : 480);
	}
	obj_drop(r);
}

/* ---- the dialog of the subscription ------------------------------------------------------------ */

static void answer(void *arg, struct ua_notify *n, unsigned status, struct buf *headers)
{
	const struct referral *r = arg;

	(void)n;
	if (status == 405 || status == 200)
		buf_put(headers, service_allow(true));
	buf_put(headers, service_server_header(r->svc));
}

static void on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct referral *r = arg;

	(void)d;
	if (!r->notify || !ua_notify_request(r->notify, tx, msg))
		service_reply(r->svc, tx, msg->method == SIP_OPTIONS ? 200 : msg->method == SIP_SUBSCRIBE ? 481 : 405, service_allow(true));
}

static int make_dialog(struct referral *r, struct sip_server_tx *tx, struct str contact, struct str via)
{
	struct sip_dialog_user user = { .arg = r, .request = on_request };
	int err = sip_dialog_new_uas(&r->dlg, tx, contact, &user);

	err = err ? err : sip_dialog_set_via(r->dlg, via);
	err = err ? err : sip_dialog_set_agent(r->dlg, r->conf->global->user_agent);
	if (!err && r->ep->rewrite_contact)
		err = nat_fix_dialog(r->dlg, tx->req);
	return err;
}

static int make_notifier(struct referral *r, struct sip_server_tx *tx)
{
	struct ua_request_prm p = service_request_prm(r->conf, r->ep);
	struct ua_notify_prm prm = { .event = STR("refer"), .expires_s = EXPIRES_S, .transport = service_transport_named(r->conf, r->ep, STR_NULL),
		.max_forwards = (int)r->conf->global->max_forwards, .no_rport = r->conf->system->disable_rport,
		.terms = { .default_s = EXPIRES_S, .max_s = EXPIRES_S }, .credentials = p.credentials, .credentials_arg = p.credentials_arg,
		.hold = p.hold, .context = p.context, .arg = r, .say = say, .answer = answer, .changed = on_changed };
	char contact_room[512], via_room[512];
	struct buf contact, via;
	int err;

	buf_init(&contact, contact_room, sizeof(contact_room), sizeof(contact_room));
	buf_init(&via, via_room, sizeof(via_room), sizeof(via_room));
	err = service_dialog_names(r->svc, r->ep, &tx->path, sip_uri_is_sips(&tx->req->ruri), &contact, &via);
	err = err ? err : make_dialog(r, tx, buf_view(&contact), buf_view(&via));
	prm.dialog = r->dlg;
	return err ? err : ua_notify_new(&r->notify, &r->svc->ua, &prm, NULL);
}

/* ---- the REFER ------------------------------------------------------------------------------------- */

/* The phone's own place where it is known by that name, else whatever the endpoint can be reached at. */
static int write_channel(struct service *svc, const struct endpoint *ep, const struct sip_msg *msg, struct buf *b)
{
	struct str v = sip_hdr_value(msg, SIP_H_CONTACT);
	struct sip_addr a;
	bool known = v.n && !sip_addr_parse(&a, v), any = false;

	buf_puts(b, STR("PJSIP/"), ep->name);
	for (size_t i = 0; i < ep->aor_n; i++) {
		struct location *l = location_get(svc, ep->aor_objs[i]->name, false);
		struct contact *c = l && known ? location_find(l, &a.uri) : NULL;

		any |= l && location_pick(l);
		if (!c)
			continue;
		buf_puts(b, STR("/"), c->uri);
		return buf_err(b);
	}
	return any ? buf_err(b) : EHOSTUNREACH;
}

/* The context that the endpoint's own calls come to, and nothing else. */
static unsigned judge(struct service *svc, const struct endpoint *ep, const struct sip_msg *msg, const struct ua_refer *r, struct str exten)
{
	struct str method = STR_NULL;

	if (!ep->allow_transfer)
		return 603;
	/* These mean a call that is there; without it there is nothing to do for them. */
	if (r->replaces.n || sip_hdr_named(msg, STR("Target-Dialog"), 0))
		return 603;
	if (sip_uri_param(&r->to.uri, STR("method"), &method) && !str_ieq(method, STR("INVITE")))
		return 603;
	if (!dialplan_exists(svc->pbx, ep->context, exten, 1, msg->from.uri.user))
		return 404;
	return 0;
}

static size_t count_of(const struct service *svc, const struct endpoint *ep)
{
	size_t n = 0;

	list_each(l, &svc->subscriptions->referrals)
		n += str_eq(container_of(l, struct referral, link)->ep->name, ep->name);
	return n;
}

/* NULL: no room. */
static struct referral *make(struct service *svc, struct identity *id, struct sip_server_tx *tx, bool quiet)
{
	struct referral *r = count_of(svc, id->ep) < EACH_MAX ? obj_new(sizeof(*r), referral_free) : NULL;
	int err;

	if (!r)
		return NULL;
	r->svc = svc;
	r->conf = obj_hold(id->conf);
	r->ep = id->ep;
	r->status = 100;
	list_init(&r->watches);
	list_append(&svc->subscriptions->referrals, &r->link);
	share_open(&r->account, svc->shares, id->ep->name, &tx->req->from_path.peer);
	err = share_take(&r->account, SHARE_DIALOG);
	err = err ? err : share_take(&r->account, SHARE_CALL);
	if (!err && !quiet)
		err = make_notifier(r, tx);
	if (err) {
		leave(r);
		return NULL;
	}
	return r;
}

static int begin(struct referral *r, const struct sip_msg *msg, const struct ua_refer *rf, struct str exten, struct str channel)
{
	const struct endpoint *ep = r->ep;
	const struct originate_var vars[] = { { STR("SIPREFERTOHDR"), rf->to.uri_text }, { STR("SIPREFERRINGCONTEXT"), ep->context },
		{ STR("__SIPREFERREDBYHDR"), rf->referred_by } };
	struct originate_prm prm = { .channel = channel, .context = ep->context, .exten = exten, .vars = vars,
		.nvars = rf->referred_by.n ? 3 : 2, .account = ep->accountcode, .caller_number = ep->callerid_num, .caller_name = ep->callerid_name };
	int err;

	if (!prm.caller_number.n)
		prm.caller_number = msg->from.uri.user;
	obj_hold(r);
	err = originate(r->svc->pbx, &prm, on_originated, r);
	if (err)
		obj_drop(r);
	return err;
}

/* Where its events are: a URI that nobody can guess (RFC 7614 4.3). */
static void write_place(struct referral *r, const struct sip_server_tx *tx, struct buf *b)
{
	char contact_room[512], via_room[512];
	struct buf contact, via;
	struct sip_addr a;
	bool v6;

	buf_init(&contact, contact_room, sizeof(contact_room), sizeof(contact_room));
	buf_init(&via, via_room, sizeof(via_room), sizeof(via_room));
	if (service_dialog_names(r->svc, r->ep, &tx->path, sip_uri_is_sips(&tx->req->ruri), &contact, &via) ||
	    sip_addr_parse(&a, buf_view(&contact)))
		return;
	v6 = str_chr(a.uri.host, ':') < a.uri.host.n;
	buf_puts(b, STR("Refer-Events-At: <"), a.uri.scheme, STR(":"), str_z(r->token), STR("@"), v6 ? STR("[") : STR_NULL, a.uri.host,
		 v6 ? STR("]") : STR_NULL);
	if (a.uri.port)
		buf_printf(b, ":%u", a.uri.port);
	buf_puts(b, a.uri.params.n ? STR(";") : STR_NULL, a.uri.params, STR(">\r\n"));
}

static void grant(struct referral *r, struct sip_server_tx *tx, bool unsubscribed)
{
	char room[700];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	if (r->token[0])
		write_place(r, tx, &b);
	else if (r->dlg)
		buf_puts(&b, STR("Contact: "), r->dlg->contact, STR("\r\n"));
	else if (!unsubscribed)
		buf_put(&b, STR("Refer-Sub: false\r\n"));
	service_reply(r->svc, tx, unsubscribed ? 200 : 202, buf_err(&b) ? STR_NULL : buf_view(&b));
	if (r->notify)
		ua_notify_start(r->notify, NULL);
}

static unsigned take(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg, const struct ua_refer *rf)
{
	char exten_room[256], channel_room[700];
	struct str exten = service_exten(id->conf, &rf->to.uri, exten_room, sizeof(exten_room));
	/* RFC 7614 4: without any subscription, and without Refer-Sub. */
	bool explicit = sip_hdr_has_token(msg, SIP_H_REQUIRE, STR("explicitsub"));
	bool nosub = explicit || sip_hdr_has_token(msg, SIP_H_REQUIRE, STR("nosub"));
	unsigned status = judge(svc, id->ep, msg, rf, exten);
	struct referral *r;
	struct buf channel;

	if (status)
		return status;
	buf_init(&channel, channel_room, sizeof(channel_room), sizeof(channel_room));
	if (write_channel(svc, id->ep, msg, &channel))
		return 480;
	r = make(svc, id, tx, rf->quiet || nosub);
	if (!r)
		return 503;
	if (explicit)
		sip_token(svc->sip, r->token, SIP_TAG);
	if (begin(r, msg, rf, exten, buf_view(&channel))) {
		leave(r);
		return 503;
	}
	grant(r, tx, nosub);
	return 0;
}

void refer_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct arena *a = arena_new(1024);
	struct ua_refer rf;
	unsigned status = a ? ua_refer_read(&rf, msg, a) : 503;

	if (!status)
		status = take(svc, id, tx, msg, &rf);
	arena_free(a);
	if (!status)
		return;
	reason_add(svc->reasons, REASON_ROUTE, REASON_REFUSED, status, id->ep->name, &msg->from_path.peer, "REFER to '%.*s'",
		   STR_ARG(sip_hdr_value(msg, SIP_H_REFER_TO)));
	service_reply(svc, tx, status, status == 503 ? STR(SHARES_RETRY) : STR_NULL);
}

/* ---- the event: one that somebody may subscribe to -------------------------------------------------- */

static struct referral *find(struct service *svc, const struct endpoint *ep, struct str token)
{
	list_each(l, &svc->subscriptions->referrals) {
		struct referral *r = container_of(l, struct referral, link);

		if (r->token[0] && str_eq(str_z(r->token), token) && str_eq(r->ep->name, ep->name))
			return r;
	}
	return NULL;
}

/* Without such a REFER it is an event that is not here, as ever. */
static unsigned may(struct service *svc, const struct endpoint *ep, struct str resource)
{
	return find(svc, ep, resource) ? 200 : 489;
}

static int start(struct node *leaf)
{
	struct referral *r = find(leaf->sub->svc, leaf->sub->ep, text_view(&leaf->resource));
	struct refer_watch *w = r ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return r ? ENOMEM : ENOENT;
	w->leaf = leaf;
	w->r = obj_hold(r);
	list_append(&r->watches, &w->link);
	leaf->watch = w;
	leaf->over = r->status >= 200;
	return 0;
}

static void stop(struct node *leaf)
{
	struct refer_watch *w = leaf->watch;

	list_remove(&w->link);
	obj_drop(w->r);
	free(w);
}

int body_refer(struct node *leaf, bool full, struct buf *b)
{
	struct refer_watch *w = leaf->watch;

	if (!full && w->told == w->r->status)
		return ENODATA;
	w->told = w->r->status;
	buf_printf(b, "SIP/2.0 %u %s\r\n", w->told, sip_reason(w->told));
	return buf_err(b);
}

const struct package package_refer = { .name = STR_INIT("refer"), .accept = STR_INIT("message/sipfrag"), .kind = BODY_REFER,
	.unnamed = true, .may = may, .start = start, .stop = stop };

void referrals_free(struct service *svc)
{
	struct list *all = &svc->subscriptions->referrals;

	while (!list_empty(all)) {
		struct referral *r = container_of(all->next, struct referral, link);

		if (r->notify)
			ua_notify_abandon(r->notify, UA_EVENT_NORESOURCE);
		r->notify = NULL;
		r->svc = NULL;
		leave(r);
	}
}
