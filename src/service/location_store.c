#define LOG_MODULE "location"
#include "base/log.h"
#include "service/location.h"
#include "store/contact.h"
#include <errno.h>

#define EXPIRES_MAX INT64_C(100000000000)       /* [s] wall */

static int put(struct contact_batch *b, struct contact *c, struct str aor)
{
	char peer[SA_TEXT], local[SA_TEXT];
	struct contact_row row = { .id = c->row, .aor = aor, .uri = text_view(&c->uri), .expires = contact_end_s(c),
		.path = text_view(&c->path), .user_agent = text_view(&c->user_agent),
		.call_id = text_view(&c->call_id), .cseq = c->cseq, .endpoint = text_view(&c->endpoint),
		.reg_server = text_view(&c->reg_server), .via_addr = text_view(&c->via_addr),
		.via_port = c->via_port, .transport = str_z(net_proto_lower(c->flow.proto)),
		.instance = text_view(&c->instance), .reg_id = c->reg_id, .txp = text_view(&c->orig_uri),
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
	struct service *svc = arg;
	struct contact *c;
	int err;

	/* Its connection died with the process that had it. */
	if (row->prune_on_boot && str_eq(row->reg_server, text_view(&svc->server_id)))
		return 0;
	c = contact_new(svc, row->aor, row->uri, false);
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
	err = text_set(&c->path, row->path);
	err = err ? err : text_set(&c->user_agent, row->user_agent);
	err = err ? err : text_set(&c->call_id, row->call_id);
	err = err ? err : text_set(&c->endpoint, row->endpoint);
	err = err ? err : text_set(&c->reg_server, row->reg_server);
	err = err ? err : text_set(&c->via_addr, row->via_addr);
	err = err ? err : text_set(&c->instance, row->instance);
	err = err ? err : text_set(&c->orig_uri, row->txp);
	if (!err)
		location_restore(svc, row->aor, c);
	obj_drop(c);
	return err;
}

int location_store_load(struct service *svc)
{
	return contact_store_load(svc->contacts, load_one, svc);
}
