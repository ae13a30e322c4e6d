#define LOG_MODULE "location"
#include "base/log.h"
#include "service/location.h"
#include "store/contact.h"
#include <errno.h>

#define EXPIRES_MAX INT64_C(100000000000)       /* [s] wall */

static int put(struct contact_batch *b, struct contact *c, struct str aor)
{
	char peer[SA_TEXT], local[SA_TEXT];
	struct contact_row row = { .id = c->row, .aor = aor, .uri = c->uri, .expires = contact_end_s(c),
		.path = c->path, .user_agent = c->user_agent,
		.call_id = c->call_id, .cseq = c->cseq, .endpoint = c->endpoint,
		.reg_server = c->reg_server, .via_addr = c->via_addr,
		.via_port = c->via_port, .transport = str_z(net_proto_lower(c->flow.proto)),
		.instance = c->instance, .reg_id = c->reg_id, .txp = c->orig_uri,
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

	list_each(p, changes) {
		struct contact_change *ch = container_of(p, struct contact_change, link);

		if (err)
			break;
		if (ch->op == CONTACT_DELETE) {
			err = contact_batch_del(b, ch->old->row);
			continue;
		}
		if (ch->old)
			ch->now->row = ch->old->row;
		err = put(b, ch->now, text_view(&ch->aor));
	}
	if (!err)
		err = contact_batch_commit(b, done, arg);
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

static int load_one(void *arg, const struct contact_row *row)
{
	const struct contact_words words = { row->uri, row->txp, row->path, row->user_agent, row->call_id,
		row->via_addr, row->reg_server, row->endpoint, row->instance };
	struct service *svc = arg;
	struct contact *c;

	/* Its connection died with the process that had it. */
	if (row->prune_on_boot && str_eq(row->reg_server, text_view(&svc->server_id)))
		return 0;
	c = contact_new(svc, row->aor, &words, false);
	if (!c)
		return ENOMEM;
	c->row = row->id;
	/* A hand may have written anything: beyond a few thousand years is never. */
	c->expires_us = (row->expires < 0 ? 1 : row->expires < EXPIRES_MAX ? row->expires : EXPIRES_MAX) * 1000000;
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
	return contact_store_load(svc->contacts, load_one, svc);
}
