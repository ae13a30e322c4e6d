/* service/place/location_flow.c -- contacts that are reached by the connection of their REGISTER and by
 * nothing else: a page, or a phone behind NAT that came over TCP. When it closes, they are removed. */
#define LOG_MODULE "location"
#include "base/log.h"
#include "service/place/location_private.h"
#include <errno.h>
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

/* ---- one whose connection is gone ----------------------------------------- */

struct cut_off {
	struct location_job job;
	struct contact *c;              /* held */
};

/* It may be there by another connection now: then this one is in no location any more. */
static int cut_off_plan(struct location_job *j, struct location *l, struct list *changes)
{
	struct contact *c = container_of(j, struct cut_off, job)->c;

	if (c->loc != l)
		return ENOENT;
	log_verbose(3, "Removed contact '%s' from AOR '%s': its connection is closed", c->uri.p, text_z(&l->aor));
	return contact_change_add(changes, CONTACT_DELETE, text_view(&l->aor), c, NULL);
}

static void cut_off_done(struct location_job *j, int err)
{
	struct cut_off *x = container_of(j, struct cut_off, job);

	if (err && err != ENOENT && err != ECANCELED) {
		log_error("contact '%s' has lost its connection and could not be removed: %s; it stays until it expires",
			  x->c->uri.p, strerror(err));
		if (x->c->loc)
			contact_set_status(x->c->svc, x->c, CONTACT_UNREACHABLE, 0);
	}
	obj_drop(x->c);
	free(x);
}

static void cut_off(struct contact *c)
{
	struct cut_off *x = malloc(sizeof(*x));

	if (!x) {
		contact_set_status(c->svc, c, CONTACT_UNREACHABLE, 0);
		return;
	}
	*x = (struct cut_off){ .job = { .plan = cut_off_plan, .done = cut_off_done }, .c = obj_hold(c) };
	location_submit(c->svc, text_view(&c->loc->aor), &x->job);
}

void locations_closed(struct service *svc, uint64_t conn)
{
	struct flow *f = svc->locations ? map_del(svc->locations->flows, key_of(&conn)) : NULL;

	while (f && !list_empty(&f->contacts)) {
		struct contact *c = container_of(f->contacts.next, struct contact, on_flow);

		list_remove(&c->on_flow);
		cut_off(c);
	}
	free(f);
}

/* ---- those that have one ----------------------------------------------------- */

void location_flow_join(struct service *svc, struct contact *c)
{
	struct flow *f;

	if (!c->prune_on_boot || !c->has_flow || !c->flow.conn)
		return;
	/* It may have gone while the contact was on its way to the disk. */
	if (svc->net && !net_conn_alive(svc->net, c->flow.conn)) {
		cut_off(c);
		return;
	}
	f = flow_get(svc->locations->flows, c->flow.conn);
	if (f)
		list_append(&f->contacts, &c->on_flow);
	else
		log_warning("out of memory: contact '%s' will outlive its connection", c->uri.p);
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
