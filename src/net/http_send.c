/* The core's side of connections of HTTP: their answers go down, their requests come up. */
#include "net/private.h"
#include <errno.h>

static int give_down(struct net *n, struct env *e)
{
	struct io *io = n->io[e->path.conn & 0xff];
	struct conn *c;
	int err;

	if (!io->direct) {
		obj_hold(e->p);
		err = io_push(io, n->core, e);
		if (err)
			obj_drop(e->p);
		return err;
	}
	c = conn_find(io, e->path.conn);
	if (!c)
		return ENOTCONN;
	return e->type == ENV_HTTP_SEND ? http_conn_send(c, e->p, e->then) :
		http_conn_upgrade(c, e->p, e->path.transport, e->write_ms);
}

int net_http_send(struct net *n, uint64_t conn, struct str bytes, enum net_http_then then)
{
	struct env e = { .type = ENV_HTTP_SEND, .then = then, .path = { .conn = conn } };
	int err;

	if (!link_path(n, conn))
		return ENOTCONN;
	e.p = bytes.n ? net_bytes_new(bytes) : NULL;
	if (bytes.n && !e.p)
		return ENOMEM;
	err = give_down(n, &e);
	obj_drop(e.p);
	return err;
}

int net_http_upgrade(struct net *n, uint64_t conn, struct str bytes, uint32_t id, uint32_t write_ms)
{
	struct env e = { .type = ENV_HTTP_UPGRADE, .write_ms = write_ms, .path = { .conn = conn, .transport = id } };
	struct net_path *path = link_path(n, conn);
	int err;

	if (!path)
		return ENOTCONN;
	e.p = net_bytes_new(bytes);
	if (!e.p)
		return ENOMEM;
	err = give_down(n, &e);
	obj_drop(e.p);
	if (!err) {
		path->transport = id;
		link_findable(n, conn);
	}
	return err;
}

void http_event(struct net *n, const struct env *e)
{
	if (e->type == ENV_REQUEST && n->h.request)
		n->h.request(n->h.arg, &e->path, e->p);
	else if (e->type == ENV_REQUEST)
		obj_drop(e->p);
	else if (e->type == ENV_ROOM && n->h.room)
		n->h.room(n->h.arg, e->path.conn);
}
