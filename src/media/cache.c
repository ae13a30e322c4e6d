/* media/cache.c -- sounds kept in memory. */
#include "media/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/obj.h"
#include <stdlib.h>
#include "base/poison.h"

struct entry {
	struct list link;       /* in lru, most recent first */
	char *key;              /* owned */
	struct sound *sound;    /* held */
	uint64_t at_us;
};

struct sound_cache {
	struct map *map;        /* owned; key -> entry */
	struct list lru;
	size_t bytes, max;
};

struct sound_cache *sound_cache_new(size_t max_bytes)
{
	struct sound_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->map = map_new(false);
	if (!c->map) {
		free(c);
		return NULL;
	}
	list_init(&c->lru);
	c->max = max_bytes;
	return c;
}

static void entry_free(struct sound_cache *c, struct entry *e)
{
	map_del(c->map, str_z(e->key));
	list_remove(&e->link);
	c->bytes -= e->sound->n;
	obj_drop(e->sound);
	free(e->key);
	free(e);
}

void sound_cache_clear(struct sound_cache *c)
{
	list_each_safe(l, tmp, &c->lru)
		entry_free(c, container_of(l, struct entry, link));
}

void sound_cache_free(struct sound_cache *c)
{
	if (!c)
		return;
	sound_cache_clear(c);
	map_free(c->map);
	free(c);
}

struct sound *sound_cache_get(struct sound_cache *c, struct str key, uint64_t since_us)
{
	struct entry *e = map_get(c->map, key);

	if (!e || e->at_us < since_us)
		return NULL;
	list_remove(&e->link);
	list_prepend(&c->lru, &e->link);
	return obj_hold(e->sound);
}

void sound_cache_put(struct sound_cache *c, struct str key, struct sound *s, uint64_t now_us)
{
	struct entry *e = map_get(c->map, key);

	if (e)
		entry_free(c, e);
	/* One that would push out all others is not worth keeping. */
	if (s->n > c->max / 4)
		return;
	while (c->bytes + s->n > c->max && !list_empty(&c->lru))
		entry_free(c, container_of(c->lru.prev, struct entry, link));
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	e->key = str_dup(key);
	if (!e->key || map_add(c->map, str_z(e->key), e)) {
		free(e->key);
		free(e);
		return;
	}
	e->sound = obj_hold(s);
	e->at_us = now_us;
	c->bytes += s->n;
	list_prepend(&c->lru, &e->link);
}

size_t sound_cache_bytes(const struct sound_cache *c)
{
	return c->bytes;
}
