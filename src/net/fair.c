/* Datagrams that wait because there are more than can be served: a queue for each
 * source, served in turn. So a source that floods fills its own queue and nobody
 * else's. udp.c uses it only while there is more to read than one batch. */
#include "net/private.h"
#include "base/share.h"
#include <errno.h>
#include <stdlib.h>

#define PERCENT 50      /* base/share.h: a queue may be as long as what is free */

struct fair_source {
	uint64_t key;
	struct list items;      /* struct fair_item, the oldest first */
	size_t bytes;
	bool known;
	struct list link;       /* in fair.turn[known] */
};

struct fair {           /* obj */
	struct map *sources;            /* held: struct fair_source, by key */
	struct list turn[2];            /* those of strangers and those known: the first is next */
	bool known_next;
	struct share room;              /* [bytes] */
	size_t n;
};

static void fair_free(void *arg)
{
	struct fair *f = arg;

	while (f->sources && f->n)
		fair_item_free(fair_next(f));
	map_free(f->sources);
}

struct fair *fair_new(size_t bytes)
{
	struct fair *f = obj_new(sizeof(*f), fair_free);

	if (!f)
		return NULL;
	list_init(&f->turn[0]);
	list_init(&f->turn[1]);
	f->room = (struct share){ .total = bytes, .percent = PERCENT };
	f->sources = map_new(false);
	return f->sources ? f : obj_drop(f);
}

size_t fair_count(const struct fair *f)
{
	return f->n;
}

static struct str key_view(const uint64_t *key)
{
	return str_mk((const char *)key, sizeof(*key));
}

static struct fair_source *source_get(struct fair *f, uint64_t key, bool known)
{
	struct fair_source *s = map_get(f->sources, key_view(&key));

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->key = key;
	s->known = known;
	list_init(&s->items);
	if (map_add(f->sources, key_view(&s->key), s)) {
		free(s);
		return NULL;
	}
	list_append(&f->turn[known], &s->link);
	return s;
}

static void source_done(struct fair *f, struct fair_source *s)
{
	if (!list_empty(&s->items))
		return;
	map_del(f->sources, key_view(&s->key));
	list_remove(&s->link);
	free(s);
}

static size_t item_cost(const struct fair_item *i)
{
	return sizeof(*i) + i->data.n;
}

int fair_put(struct fair *f, uint64_t key, bool known, bool fresh, const struct fair_item *what)
{
	struct fair_source *s = source_get(f, key, known);
	struct fair_item *i = NULL;

	if (!s)
		return ENOMEM;
	/* New work gives way at half of what the source may have waiting. */
	if (share_permits(&f->room, fresh ? 2 * s->bytes : s->bytes))
		i = malloc(sizeof(*i) + what->data.n);
	if (!i) {
		source_done(f, s);
		return ENOBUFS;
	}
	*i = *what;
	i->data.p = i->bytes;
	memcpy(i->bytes, what->data.p, what->data.n);
	i->sock = obj_hold(what->sock);
	list_append(&s->items, &i->link);
	s->bytes += item_cost(i);
	f->room.used += item_cost(i);
	f->n++;
	return 0;
}

/* Half of the turns for those who are known, half for strangers; and within each half
 * each source in its turn. What one does not need is the others'. */
struct fair_item *fair_next(struct fair *f)
{
	struct list *turn = &f->turn[f->known_next];
	struct fair_source *s;
	struct fair_item *i;

	f->known_next = !f->known_next;
	if (list_empty(turn))
		turn = &f->turn[f->known_next];
	if (list_empty(turn))
		return NULL;
	s = container_of(turn->next, struct fair_source, link);
	i = container_of(s->items.next, struct fair_item, link);
	list_remove(&i->link);
	s->bytes -= item_cost(i);
	f->room.used -= item_cost(i);
	f->n--;
	list_remove(&s->link);
	list_append(turn, &s->link);
	source_done(f, s);
	return i;
}

void fair_item_free(struct fair_item *i)
{
	if (!i)
		return;
	obj_drop(i->sock);
	free(i);
}
