/* What a subscription watches: one resource, or a list, which may hold lists (RFC 4662). */
#define LOG_MODULE "subscribe"
#include "service/event/private.h"
#include "base/hash.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

#define DEPTH 16                /* lists in lists */

/* What a build has come by already: a resource stands in the tree once, and a list
 * that holds itself ends. */
struct walk {
	struct subscription *s;
	struct map *seen;               /* resource to itself: views into conf and message */
	unsigned depth;
};

static struct node *node_new(struct subscription *s, struct str resource)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n || text_set(&n->resource, resource)) {
		free(n);
		return NULL;
	}
	n->sub = s;
	return n;
}

void tree_stop(struct node *n)
{
	for (size_t i = 0; i < n->n; i++)
		tree_stop(n->child[i]);
	if (n->watch)
		n->sub->pkg->stop(n);
	n->watch = NULL;
}

void tree_free(struct node *n)
{
	if (!n)
		return;
	tree_stop(n);
	for (size_t i = 0; i < n->n; i++)
		tree_free(n->child[i]);
	free(n->child);
	text_free(&n->resource);
	text_free(&n->display);
	text_free(&n->type);
	buf_free(&n->body);
	buf_free(&n->before);
	free(n);
}

static const struct resource_list *list_of(struct walk *w, struct str resource)
{
	const struct resource_list *l = snapshot_resource_list(w->s->conf, resource);

	if (l && !str_eq(l->event, w->s->pkg->name)) {
		log_warning("resource list '%.*s' is for event '%.*s', not for '%.*s'", STR_ARG(resource),
			    STR_ARG(l->event), STR_ARG(w->s->pkg->name));
		return NULL;
	}
	return l;
}

static int add_child(struct node *parent, struct node *child)
{
	struct node **v = realloc(parent->child, (parent->n + 1) * sizeof(*v));

	if (!v)
		return ENOMEM;
	parent->child = v;
	v[parent->n++] = child;
	return 0;
}

static void fill(struct walk *w, struct node *parent, const struct resource_list *l);

static struct node *leaf_of(struct walk *w, const struct resource_list *l, struct str item)
{
	const struct package *pkg = w->s->pkg;
	struct node *n;
	struct buf b = BUF_INIT;

	if (pkg->may(w->s->svc, w->s->ep, item) != 200)
		return NULL;
	n = node_new(w->s, item);
	if (n && l->resource_display_name && pkg->display) {
		pkg->display(w->s->svc, w->s->ep, item, &b);
		if (!buf_err(&b))
			(void)text_set(&n->display, buf_view(&b));
		buf_free(&b);
	}
	return n;
}

/* NULL: nothing of it is there. */
static struct node *item_of(struct walk *w, const struct resource_list *l, struct str item)
{
	const struct resource_list *inner = list_of(w, item);
	struct node *n;

	if (map_add(w->seen, item, w))
		return NULL;
	if (!inner)
		return leaf_of(w, l, item);
	n = node_new(w->s, item);
	if (n)
		fill(w, n, inner);
	if (n && !n->n) {
		tree_free(n);
		n = NULL;
	}
	return n;
}

static void fill(struct walk *w, struct node *parent, const struct resource_list *l)
{
	parent->full_state = l->full_state;
	if (w->depth >= DEPTH)
		return;
	w->depth++;
	for (size_t i = 0; i < l->list_item.n; i++) {
		struct node *n = item_of(w, l, l->list_item.v[i]);

		if (n && add_child(parent, n))
			tree_free(n);
	}
	w->depth--;
}

unsigned tree_build(struct subscription *s, struct str resource, bool eventlist, struct node **out)
{
	struct walk w = { .s = s };
	const struct resource_list *l = eventlist ? list_of(&w, resource) : NULL;
	struct node *n;
	unsigned status = 200;

	s->is_list = l != NULL;
	if (!l)
		status = s->pkg->may(s->svc, s->ep, resource);
	if (status != 200)
		return status;
	n = node_new(s, resource);
	w.seen = n ? map_new(false) : NULL;
	if (l && w.seen && !map_add(w.seen, resource, n)) {
		s->batch_ms = l->notification_batch_interval;
		fill(&w, n, l);
	}
	map_free(w.seen);
	if (!n || (l && !n->n)) {
		tree_free(n);
		return n ? 500 : 503;
	}
	*out = n;
	return 200;
}

int tree_start(struct node *n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n->n; i++)
		err = tree_start(n->child[i]);
	if (n->n || err)
		return err;
	return n->sub->pkg->start(n);
}

void tree_keep(struct node *n)
{
	for (size_t i = 0; i < n->n; i++)
		tree_keep(n->child[i]);
	if (!n->watch)
		return;
	buf_reset(&n->body);
	/* Without memory the last NOTIFY has no body. */
	if (n->sub->body->tell ? n->sub->body->tell(n, true, &n->body) : n->sub->body->write(n, &n->body))
		buf_free(&n->body);
}

bool tree_same(const struct node *a, const struct node *b)
{
	bool same = a->n == b->n && str_eq(text_view(&a->resource), text_view(&b->resource)) &&
		str_eq(text_view(&a->display), text_view(&b->display));

	for (size_t i = 0; same && i < a->n; i++)
		same = tree_same(a->child[i], b->child[i]);
	return same;
}

bool tree_over(const struct node *n)
{
	for (size_t i = 0; i < n->n; i++)
		if (!tree_over(n->child[i]))
			return false;
	return n->n || n->over;
}

uint32_t tree_version(const struct node *n)
{
	uint32_t most = n->version;

	for (size_t i = 0; i < n->n; i++) {
		uint32_t v = tree_version(n->child[i]);

		most = v > most ? v : most;
	}
	return most;
}

void tree_set_version(struct node *n, uint32_t version)
{
	n->version = version;
	for (size_t i = 0; i < n->n; i++)
		tree_set_version(n->child[i], version);
}

void node_uri(const struct node *n, struct buf *b)
{
	buf_puts(b, subscription_scheme(n->sub), STR(":"), text_view(&n->resource), n->resource.n ? STR("@") : STR_NULL,
		 text_view(&n->sub->host));
	if (n == n->sub->root && n->sub->uri_params.n)
		buf_puts(b, STR(";"), text_view(&n->sub->uri_params));
}
