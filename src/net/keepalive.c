/* TCP keep-alive probes of a transport that is in use: other times for its listeners and for every
 * connection that is open. */
#include "net/private.h"
#include <errno.h>
#include <stdlib.h>

struct keep_change {
	struct io *io;
	uint32_t transport;
	struct net_keepalive keep;
};

static void take(struct sock_prm *prm, const struct net_keepalive *k)
{
	prm->keepalive = k->on;
	prm->keepalive_idle = k->idle;
	prm->keepalive_interval = k->interval;
	prm->keepalive_count = k->count;
}

/* Io's. */
static void apply(struct io *io, uint32_t transport, const struct net_keepalive *k)
{
	struct sock_prm prm = { 0 };

	take(&prm, k);
	list_each(l, &io->listeners) {
		struct listener *ls = container_of(l, struct listener, link);

		if (ls->transport == transport)
			take(&ls->prm, k);
	}
	list_each(l, &io->conns) {
		struct conn *c = container_of(l, struct conn, link);

		if (c->path.transport == transport && c->fd >= 0)
			sock_keepalive(c->fd, &prm);
	}
}

static void on_change(void *arg)
{
	struct keep_change *x = arg;

	apply(x->io, x->transport, &x->keep);
	free(x);
}

int net_set_keepalive(struct net *n, uint32_t id, const struct net_keepalive *k)
{
	struct transport *t = transport_of(n, id);
	int err = t ? 0 : ENOENT;

	if (t)
		take(&t->prm, k);
	for (unsigned i = 0; !err && i < n->ios; i++) {
		struct keep_change *x;

		if (n->io[i]->direct) {
			apply(n->io[i], id, k);
			continue;
		}
		x = malloc(sizeof(*x));
		if (!x)
			return ENOMEM;
		*x = (struct keep_change){ .io = n->io[i], .transport = id, .keep = *k };
		err = loop_post(n->io[i]->loop, on_change, x);
		if (err)
			free(x);
	}
	return err;
}
