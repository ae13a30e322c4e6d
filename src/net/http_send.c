/* The core's side of connections of HTTP: their answers go down. */
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
	return c && c->ops->perform ? c->ops->perform(c, e) : ENOTCONN;
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
