/* service/place/location_flow.c -- contacts that are reached by the connection of their REGISTER and by
 * nothing else: a page, or a phone behind NAT that came over TCP. When it closes, they are removed. */
#define LOG_MODULE "location"
#include "base/log.h"
#include "service/place/location_private.h"
#include <stdlib.h>

struct flow {
	uint64_t conn;
	struct list contacts;
};

static struct str key_of(const uint64_t *conn)
{
	return str_mk((const char *)conn, sizeof(*conn));
}

static struct flow *flow_get(struct map *flows, uint64_t conn)
{
	struct flow *f = map_get(flows, key_of(&conn));

	if (f)
		return f;
	f = malloc(sizeof(*f));
	if (!f)
		return NULL;
	f->conn = conn;
	list_init(&f->contacts);
	if (map_add(flows, key_of(&f->conn), f)) {
		free(f);
		return NULL;
	}
	return f;
}

struct contact *location_flow_next(struct service *svc, uint64_t conn)
{
	struct flow *f = svc->locations ? map_get(svc->locations->flows, key_of(&conn)) : NULL;

	return f ? container_of(f->contacts.next, struct contact, on_flow) : NULL;
}

bool location_flow_join(struct service *svc, struct contact *c)
{
	struct flow *f;

	if (!c->prune_on_boot || !c->has_flow || !c->flow.conn)
		return true;
	/* It may have gone while the contact was on its way to the disk. */
	if (svc->net && !net_conn_alive(svc->net, c->flow.conn))
		return false;
	f = flow_get(svc->locations->flows, c->flow.conn);
	if (f)
		list_append(&f->contacts, &c->on_flow);
	else
		log_warning("out of memory: contact '%s' will outlive its connection", c->uri.p);
	return true;
}

void location_flow_leave(struct service *svc, struct contact *c)
{
	struct flow *f;

	if (!list_linked(&c->on_flow))
		return;
	list_remove(&c->on_flow);
	f = map_get(svc->locations->flows, key_of(&c->flow.conn));
	if (f && list_empty(&f->contacts)) {
		map_del(svc->locations->flows, key_of(&f->conn));
		free(f);
	}
}

/* All contacts have left. */
void location_flows_free(struct service *svc)
{
	map_free(svc->locations->flows);
}
