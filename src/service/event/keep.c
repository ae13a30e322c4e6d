/* A subscription on disk (store/subscription.h): written before its SUBSCRIBE is answered, again when its numbers
 * have used up what the disk foresees, and deleted at its end. restore.c reads it back. */
#define LOG_MODULE "subscribe"
#include "service/event/keep.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

/* Until it is on disk. */
struct keeping {
	struct subscription *s;         /* held */
	uint32_t cseq, version;         /* struct kept, when it is */
	int64_t before_us;              /* the end that the disk has until then */
	bool first;
	void (*done)(void *arg, int err);
	void *arg;
};

static uint32_t ahead(uint32_t n, uint32_t by, uint32_t most)
{
	return n > most - by ? most : n + by;
}

static void fill_dialog(struct kept_subscription *row, const struct sip_dialog *d)
{
	row->call_id = d->call_id;
	row->local_tag = d->local_tag;
	row->remote_tag = d->remote_tag;
	row->local_uri = d->local;
	row->remote_uri = d->remote;
	row->target = d->target;
	row->route = d->route;
	row->contact = d->contact;
	row->via_host = d->via_host;
	row->remote_cseq = d->remote_cseq;
	row->secure = d->secure;
	row->use_path = d->use_path;
	row->local_cseq = ahead(d->local_cseq, KEEP_CSEQS, KEEP_CSEQ_MOST);
}

static int put(struct subscription *s, struct keeping *k, void (*done)(void *arg, int err))
{
	const struct sip_dialog *d = ua_notify_dialog(s->notify);
	struct subscription_store *store = s->svc->kept;
	char peer[SA_TEXT], local[SA_TEXT], hroom[512];
	struct buf host;
	struct kept_subscription row = { .id = s->kept.row, .endpoint = s->ep->name, .event = ua_notify_event(s->notify),
		.resource = text_view(&s->root->resource), .body = s->body->type, .eventlist = s->is_list,
		.scheme = subscription_scheme(s), .user_agent = text_view(&s->user_agent),
		.transport = text_view(&s->transport), .proto = str_z(net_proto_lower(d->path.proto)),
		.starts = subscription_store_starts(store), .expires_us = s->kept.expires_us, .prune_on_boot = s->prune_on_boot };
	uint32_t version = tree_version(s->root);
	int err;

	buf_init(&host, hroom, sizeof(hroom), 0);
	buf_puts(&host, text_view(&s->host), s->uri_params.n ? STR(";") : STR_NULL, text_view(&s->uri_params));
	row.host = buf_view(&host);
	fill_dialog(&row, d);
	row.peer = str_z(sa_text(&d->path.peer, peer));
	row.local = str_z(sa_text(&d->path.local, local));
	row.version = ahead(version, KEEP_VERSIONS, KEEP_VERSION_MOST);
	k->cseq = ahead(d->local_cseq, KEEP_CSEQS / 2, KEEP_CSEQ_MOST);
	k->version = ahead(version, KEEP_VERSIONS / 2, KEEP_VERSION_MOST);
	err = buf_err(&host) ? buf_err(&host) : subscription_store_put(store, &row, done, k);
	buf_free(&host);
	return err;
}

static void on_put(void *arg, int err)
{
	struct keeping *k = arg;
	struct subscription *s = k->s;

	if (!err) {
		s->kept.cseq = k->cseq;
		s->kept.version = k->version;
	} else {
		s->kept.expires_us = k->before_us;
		if (k->first)
			s->kept.row = 0;
	}
	k->done(k->arg, err);
	obj_drop(s);
	free(k);
}

int subscription_keep(struct subscription *s, uint32_t seconds, void (*done)(void *arg, int err), void *arg)
{
	struct keeping *k;
	int err;

	if (!s->svc->kept)
		return EALREADY;
	k = calloc(1, sizeof(*k));
	if (!k)
		return ENOMEM;
	*k = (struct keeping){ .s = obj_hold(s), .before_us = s->kept.expires_us, .first = !s->kept.row, .done = done, .arg = arg };
	if (k->first)
		s->kept.row = subscription_store_id(s->svc->kept);
	s->kept.expires_us = clock_wall_us(s->svc->clock) + (int64_t)seconds * 1000000;
	err = put(s, k, on_put);
	if (err) {
		s->kept.expires_us = k->before_us;
		if (k->first)
			s->kept.row = 0;
		obj_drop(s);
		free(k);
	}
	return err;
}

void subscription_unkeep(struct subscription *s)
{
	if (s->kept.row)
		subscription_store_del(s->svc->kept, s->kept.row);
	s->kept.row = 0;
}

/* ---- numbers ---------------------------------------------------------------- */

static void on_numbers(void *arg, int err)
{
	struct keeping *k = arg;
	struct subscription *s = k->s;

	s->kept.writing = false;
	if (!err) {
		s->kept.cseq = k->cseq;
		s->kept.version = k->version;
	} else if (err != ECANCELED) {
		log_warning("the numbers of a subscription to '%s' are not written: %s", text_z(&s->root->resource), strerror(err));
	}
	obj_drop(s);
	free(k);
}

void subscription_keep_numbers(struct subscription *s, uint32_t version)
{
	const struct sip_dialog *d = ua_notify_dialog(s->notify);
	struct keeping *k;

	if (!s->kept.row || s->kept.writing || s->waits || (d->local_cseq <= s->kept.cseq && version <= s->kept.version))
		return;
	k = calloc(1, sizeof(*k));
	if (!k)
		return;                 /* with the next number */
	k->s = obj_hold(s);
	if (put(s, k, on_numbers)) {
		obj_drop(s);
		free(k);
	} else {
		s->kept.writing = true;
	}
}
