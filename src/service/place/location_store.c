/* service/place/location_store.c -- contacts as rows of the store, both ways. */
#define LOG_MODULE "location"
#include "base/log.h"
#include "service/place/location.h"
#include "store/contact.h"
#include <errno.h>

#define EXPIRES_MAX INT64_C(100000000000)       /* [s] wall */

static int put_contact(struct contact_batch *b, struct contact *c, struct str aor)
{
	char peer[SA_TEXT], local[SA_TEXT];
	struct contact_row row = { .id = c->row, .aor = aor, .uri = c->uri, .expires = contact_end_s(c),
		.expires_us = c->expires_us,
		.path = c->path, .user_agent = c->user_agent,
		.call_id = c->call_id, .cseq = c->cseq, .endpoint = c->endpoint,
		.reg_server = c->reg_server, .via_addr = c->via_addr,
		.via_port = c->via_port, .transport = str_z(net_proto_lower(c->flow.proto)),
		.instance = c->instance, .reg_id = c->reg_id, .txp = c->txp, .orig_uri = c->orig_uri,
		.prune_on_boot = c->prune_on_boot };
	int err;

	row.peer = str_z(sa_text(&c->flow.peer, peer));
	row.local = str_z(sa_text(&c->flow.local, local));
	err = contact_batch_put(b, &row);
	if (!err)
		c->row = row.id;
	return err;
}

int location_store_write(struct service *svc, struct list *changes, location_done_fn *done, void *arg)
{
	struct contact_batch *b = contact_batch_new(svc->contacts);
	int err = b ? 0 : ENOMEM;
	size_t n = 0;

	list_each(p, changes) {
		struct contact_change *ch = container_of(p, struct contact_change, link);

		if (err)
			break;
		if ((ch->old ? ch->old : ch->now)->is_static)
			continue;       /* the configuration has these */
		n++;
		if (ch->op == CONTACT_DELETE) {
			err = contact_batch_del(b, ch->old->row);
			continue;
		}
		if (ch->old)
			ch->now->row = ch->old->row;
		err = put_contact(b, ch->now, text_view(&ch->aor));
	}
	if (!err)
		err = n ? contact_batch_commit(b, done, arg) : ENOENT;
	obj_drop(b);
	return err;
}

static enum net_proto proto_of(struct str name)
{
	for (int p = 0; p < NET_PROTOS; p++)
		if (str_ieq(name, str_z(net_proto_name((enum net_proto)p))))
			return (enum net_proto)p;
	return NET_UDP;
}

struct loading {
	struct service *svc;
	struct contact_batch *gone;     /* held: rows that nobody needs any more */
};

/* When it ends [us wall]. Older files know the second only, and a hand may have
 * written anything: beyond a few thousand years is never. */
static int64_t end_of(const struct contact_row *row)
{
	int64_t s = row->expires < 0 ? 1 : row->expires < EXPIRES_MAX ? row->expires : EXPIRES_MAX;
	int64_t us = row->expires_us;

	/* Somebody changed one of the two: the second is what others read and write. */
	return us > 0 && us / 1000000 - s <= 1 && s - us / 1000000 <= 1 ? us : s * 1000000;
}

static int load_one(void *arg, const struct contact_row *row)
{
	/* Older files have what the phone wrote where the transport's name is now. */
	bool old = str_istarts(row->txp, STR("sip:")) || str_istarts(row->txp, STR("sips:"));
	const struct contact_words words = { row->uri, old ? row->txp : row->orig_uri, row->path, row->user_agent,
		row->call_id, row->via_addr, row->reg_server, row->endpoint, row->instance, old ? STR_NULL : row->txp };
	struct loading *x = arg;
	struct service *svc = x->svc;
	int64_t end = end_of(row);
	struct contact *c;

	/* It ended while nobody was there, or its connection died with the process that had it. */
	if (end <= clock_wall_us(svc->clock) ||
	    (row->prune_on_boot && str_eq(row->reg_server, text_view(&svc->names.server_id))))
		return contact_batch_del(x->gone, row->id);
	c = contact_new(svc, row->aor, &words, false);
	if (!c)
		return ENOMEM;
	c->row = row->id;
	c->expires_us = end;
	c->cseq = row->cseq;
	c->via_port = row->via_port;
	c->reg_id = row->reg_id;
	c->prune_on_boot = row->prune_on_boot;
	c->flow.proto = proto_of(row->transport);
	sa_parse(&c->flow.peer, row->peer);
	sa_parse(&c->flow.local, row->local);
	location_restore(svc, row->aor, c);
	obj_drop(c);
	return 0;
}

int location_store_load(struct service *svc)
{
	struct loading x = { .svc = svc, .gone = contact_batch_new(svc->contacts) };
	int err = x.gone ? contact_store_load(svc->contacts, load_one, &x) : ENOMEM;

	if (!err && contact_batch_count(x.gone))
		err = contact_batch_commit(x.gone, NULL, NULL);
	obj_drop(x.gone);
	return err;
}
