/* The subscriptions of the process before this one: read from the disk at start, each then told its state once, in turn.
 * keep.c wrote them. */
#define LOG_MODULE "subscribe"
#include "service/event/keep.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>

#define TELL_EVERY_MS 10        /* the first NOTIFYs: 1000 a second */
#define TELL_EACH 10
#define LOG_MOST 20             /* lines about rows that are dropped */

struct loading {
	struct service *svc;
	unsigned dropped, kept;
};

/* ---- is a row what we write? ------------------------------------------------------------- */

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

/* "sip:x@HOST" must be a URI. */
static bool is_host(struct str scheme, struct str host, bool with_params)
{
	char room[512];
	struct sip_uri u;
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_puts(&b, scheme, STR(":x@"), host);
	return !buf_err(&b) && !sip_uri_parse(&u, buf_view(&b)) && sip_uri_is_sip(&u) && (with_params || !u.params.n) && !u.headers.n;
}

static bool is_ours(const struct kept_subscription *row)
{
	return is_plain(row->event) && is_plain(row->resource) && is_host(row->scheme, row->host, true) &&
	       (!row->via_host.n || is_host(STR("sip"), row->via_host, false));
}

/* What may have been used of a number. ERANGE: no more are left. */
static int used(uint32_t written, int64_t starts, uint32_t each, uint32_t most, uint32_t *out)
{
	if (starts < 1 || starts > most / each || written > most - each || (uint64_t)(starts - 1) * each > most - each - written)
		return ERANGE;
	*out = written + (uint32_t)(starts - 1) * each;
	return 0;
}

static int proto_of(struct str name, enum net_proto *proto)
{
	for (int p = 0; p < NET_PROTOS; p++)
		if (str_eq(name, str_z(net_proto_lower((enum net_proto)p)))) {
			*proto = (enum net_proto)p;
			return 0;
		}
	return EBADMSG;
}

/* ---- one ------------------------------------------------------------------------------------- */

static int make_words(struct subscription *s, const struct kept_subscription *row)
{
	struct str host = row->host;
	int err = text_set(&s->user_agent, row->user_agent);

	err = err ? err : text_set(&s->transport, row->transport);
	s->is_sips = str_eq(row->scheme, STR("sips"));
	err = err ? err : text_set(&s->host, str_cut_raw(&host, ';'));
	return err ? err : text_set(&s->uri_params, host);
}

/* The way back to who has no Contact; ENETUNREACH: by no transport that is there now. */
static int make_path(struct service *svc, const struct kept_subscription *row, struct net_path *path)
{
	struct sa peer = { 0 };
	int err = proto_of(row->proto, &path->proto);

	err = err ? err : sa_parse(&peer, row->peer);
	if (err)
		return EBADMSG;
	if (!row->use_path || net_is_stream(path->proto)) {
		path->peer = peer;
		return 0;
	}
	return service_route(svc, path, STR_NULL, path->proto, &peer);
}

static int make_notifier(struct subscription *s, const struct kept_subscription *row, int64_t left_us)
{
	struct sip_dialog_kept k = { .call_id = row->call_id, .local_tag = row->local_tag, .remote_tag = row->remote_tag,
		.local = row->local_uri, .remote = row->remote_uri, .target = row->target, .route = row->route, .contact = row->contact,
		.remote_cseq = row->remote_cseq, .secure = row->secure, .use_path = row->use_path };
	/* Whole seconds; what is beyond a life is as good as that. */
	int64_t starts = row->starts < 0 ? 0 : subscription_store_starts(s->svc->kept) - row->starts, left_s = left_us / 1000000;
	struct ua_notify_prm prm = subscription_prm(s);
	uint32_t version = 0;
	int err = used(row->local_cseq, starts, KEEP_CSEQS, KEEP_CSEQ_MOST, &k.local_cseq);

	err = err ? err : used(row->version, starts, KEEP_VERSIONS, KEEP_VERSION_MOST, &version);
	err = err ? err : make_path(s->svc, row, &k.path);
	prm.event = row->event;
	prm.via_host = row->via_host;
	prm.expires_s = left_s >= INT32_MAX ? INT32_MAX : (uint32_t)left_s + (left_us % 1000000 != 0);
	err = err ? err : ua_notify_restore(&s->notify, &s->svc->ua, &prm, &k);
	if (err)
		return err;
	tree_set_version(s->root, version);
	s->kept = (struct kept){ .row = row->id, .cseq = k.local_cseq + KEEP_CSEQS / 2, .version = version + KEEP_VERSIONS / 2,
		.expires_us = row->expires_us };
	return 0;
}

static int make_tree(struct subscription *s, const struct kept_subscription *row)
{
	struct str event = row->event;

	s->pkg = package_find(str_trim(str_cut(&event, ';')));
	s->body = s->pkg ? body_of(s->pkg, row->body) : NULL;
	if (!s->body)
		return EBADMSG;
	if (tree_build(s, row->resource, row->eventlist, &s->root) != 200)
		return ENOENT;
	return 0;
}

static int restore(struct service *svc, const struct kept_subscription *row, int64_t left_us)
{
	const struct endpoint *ep = snapshot_endpoint(svc->conf, row->endpoint);
	struct subscription *s;
	struct sa peer;
	int err;

	if (!is_ours(row) || left_us <= 0)
		return EBADMSG;
	if (!ep || !ep->allow_subscribe)
		return EACCES;
	s = subscription_new(svc, svc->conf, ep);
	if (!s)
		return ENOMEM;
	share_open(&s->account, svc->shares, ep->name, sa_parse(&peer, row->peer) ? NULL : &peer);
	err = share_take(&s->account, SHARE_DIALOG);
	err = err ? err : make_words(s, row);
	err = err ? err : make_tree(s, row);
	err = err ? err : make_notifier(s, row, left_us);
	err = err ? err : tree_start(s->root);
	err = err ? err : subscription_count(s);
	if (!err)
		subscription_enter(s);
	obj_drop(s);
	return err;
}

static const char *why_not(int err)
{
	switch (err) {
	case EACCES: return "the endpoint is not there any more, or may not subscribe";
	case ENOENT: return "there is no such resource any more";
	case ENETUNREACH: return "no transport leads to it any more";
	case EBADMSG: case EEXIST: return "what is stored is damaged";
	case ERANGE: return "its numbers are used up";
	default: return strerror(err);
	}
}

static int load_one(void *arg, const struct kept_subscription *row, int err)
{
	struct loading *x = arg;
	struct service *svc = x->svc;

	if (!err)
		err = restore(svc, row, row->expires_us - clock_wall_us(svc->clock));
	if (err == ENOMEM)
		return err;
	if (!err) {
		x->kept++;
		return 0;
	}
	if (x->dropped++ < LOG_MOST)
		log_warning("the subscription of '%.*s' to '%.*s' is dropped: %s", STR_ARG(row->endpoint), STR_ARG(row->resource),
			    why_not(err));
	subscription_store_del(svc->kept, row->id);
	return 0;
}

/* ---- all ---------------------------------------------------------------------------------------- */

static void on_tell(void *arg)
{
	struct service *svc = arg;
	struct subscriptions *all = svc->subscriptions;
	struct subscription *s = NULL;

	for (unsigned n = 0; n < TELL_EACH; ) {
		s = subscription_after(all, all->told);
		if (!s || s->serial > all->restored)
			break;
		obj_drop(all->told);
		all->told = obj_hold(s);
		n += ua_notify_tell(s->notify);
		subscription_test_event(s, "SUBSCRIPTION_ESTABLISHED");
	}
	if (s && s->serial < all->restored)
		timer_start(svc->wheel, &all->tell, TELL_EVERY_MS, on_tell, svc);
	else
		all->told = obj_drop(all->told);
}

int subscriptions_restore(struct service *svc)
{
	struct subscriptions *all = svc->subscriptions;
	struct loading x = { .svc = svc };
	int err;

	if (!svc->kept)
		return 0;
	err = subscription_store_load(svc->kept, clock_wall_us(svc->clock), load_one, &x);
	if (err)
		return err;
	if (x.dropped > LOG_MOST)
		log_warning("%u subscriptions of the process before are dropped", x.dropped);
	if (x.kept)
		log_notice("%u subscriptions go on", x.kept);
	all->restored = all->serial;
	if (x.kept)
		timer_start(svc->wheel, &all->tell, 0, on_tell, svc);
	return 0;
}
