/* Handshakes of connections that wait for their turn. Each costs as much as many messages, and
 * who asks for it has proved nothing: a turn of the loop gives them so much time, one address
 * after the other, half of the turns to addresses that are known. What a connection does is in
 * conn_event.c. */
#include "net/private.h"
#include <errno.h>
#include <stdlib.h>

struct shake_source {
	uint64_t key;
	struct list conns;      /* the longest waiting first */
	struct list link;       /* in shakes.turn[known] */
};

struct shakes {                 /* obj */
	struct map *sources;            /* held: struct shake_source, by key */
	struct list turn[2];            /* those of strangers and those known: the first is next */
	bool known_next;
	uint64_t turn_ms;               /* of which `spent_us` is */
	uint64_t spent_us;
};

static struct str key_view(const uint64_t *key)
{
	return str_mk((const char *)key, sizeof(*key));
}

static void source_drop(struct shakes *s, struct shake_source *src)
{
	map_del(s->sources, key_view(&src->key));
	list_remove(&src->link);
	free(src);
}

static void shakes_free(void *arg)
{
	struct shakes *s = arg;

	for (int known = 0; s->sources && known < 2; known++)
		while (!list_empty(&s->turn[known]))
			source_drop(s, container_of(s->turn[known].next, struct shake_source, link));
	map_free(s->sources);
}

struct shakes *shakes_new(void)
{
	struct shakes *s = obj_new(sizeof(*s), shakes_free);

	if (!s)
		return NULL;
	list_init(&s->turn[0]);
	list_init(&s->turn[1]);
	s->sources = map_new(false);
	return s->sources ? s : obj_drop(s);
}

/* Sources whose connections have all gone are dropped when their turn comes. */
bool shakes_wait(const struct shakes *s)
{
	return !list_empty(&s->turn[0]) || !list_empty(&s->turn[1]);
}

int shakes_put(struct shakes *s, uint64_t key, bool known, struct list *conn)
{
	struct shake_source *src = map_get(s->sources, key_view(&key));

	if (!src) {
		src = calloc(1, sizeof(*src));
		if (!src)
			return ENOMEM;
		src->key = key;
		list_init(&src->conns);
		if (map_add(s->sources, key_view(&src->key), src)) {
			free(src);
			return ENOMEM;
		}
		list_append(&s->turn[known], &src->link);
	}
	list_append(&src->conns, conn);
	return 0;
}

static struct list *take_of(struct shakes *s, struct list *turn)
{
	while (!list_empty(turn)) {
		struct shake_source *src = container_of(turn->next, struct shake_source, link);
		struct list *conn = src->conns.next;

		if (list_empty(&src->conns)) {
			source_drop(s, src);
			continue;
		}
		list_remove(conn);
		list_remove(&src->link);
		list_append(turn, &src->link);
		if (list_empty(&src->conns))
			source_drop(s, src);
		return conn;
	}
	return NULL;
}

struct list *shakes_next(struct shakes *s)
{
	struct list *conn;

	s->known_next = !s->known_next;
	conn = take_of(s, &s->turn[s->known_next]);
	return conn ? conn : take_of(s, &s->turn[!s->known_next]);
}

bool shakes_may(struct shakes *s, uint64_t turn_ms)
{
	if (turn_ms != s->turn_ms)
		s->spent_us = 0;
	s->turn_ms = turn_ms;
	return s->spent_us < SHAKES_TURN_US;
}

void shakes_spent(struct shakes *s, uint64_t us)
{
	s->spent_us += us;
}
