/* Names of hosts that connections go to, as numbers: a path is a small value, and a name is long. */
#include "net/private.h"
#include <stdlib.h>

#define HOSTS 4096      /* the oldest is forgotten then; its connections go on */

struct host {
	uint32_t id;
	struct text name;
};

struct hosts {
	struct map *by_name;    /* held, without regard to case */
	struct host *v[HOSTS];  /* held, at id % HOSTS */
	uint32_t last;
};

static void hosts_free(void *arg)
{
	struct hosts *h = arg;

	for (size_t i = 0; i < HOSTS; i++) {
		if (h->v[i])
			text_free(&h->v[i]->name);
		free(h->v[i]);
	}
	map_free(h->by_name);
}

struct hosts *hosts_new(void)
{
	struct hosts *h = obj_new(sizeof(*h), hosts_free);

	if (!h)
		return NULL;
	h->by_name = map_new(true);
	return h->by_name ? h : obj_drop(h);
}

static void forget_host(struct hosts *h, struct host *old)
{
	if (!old)
		return;
	map_del(h->by_name, text_view(&old->name));
	h->v[old->id % HOSTS] = NULL;
	text_free(&old->name);
	free(old);
}

uint32_t hosts_id(struct hosts *h, struct str name)
{
	struct host *one = name.n ? map_get(h->by_name, name) : NULL;

	if (one || !name.n)
		return one ? one->id : 0;
	one = calloc(1, sizeof(*one));
	if (!one || text_set(&one->name, name)) {
		free(one);
		return 0;
	}
	h->last = h->last + 1 ? h->last + 1 : 1;
	one->id = h->last;
	forget_host(h, h->v[one->id % HOSTS]);
	if (map_add(h->by_name, text_view(&one->name), one)) {
		text_free(&one->name);
		free(one);
		return 0;
	}
	h->v[one->id % HOSTS] = one;
	return one->id;
}

struct str hosts_name(const struct hosts *h, uint32_t id)
{
	const struct host *one = h->v[id % HOSTS];

	return id && one && one->id == id ? text_view(&one->name) : STR_NULL;
}
