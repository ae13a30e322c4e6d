/* How many connections there may be, in all and from one address, counted over all io threads. */
#include "net/private.h"
#include <errno.h>
#include <stdlib.h>

struct gate_addr {
	struct sa host;
	size_t n;
	size_t silent;          /* of them have sent no message yet */
};

struct gate {
	pthread_mutex_t lock;   /* guards all; taken when a connection comes or goes */
	struct map *by_addr;    /* held */
	size_t total, max, max_per_address, max_silent;
};

/* Whoever has one address of a /64 has them all. */
static struct str key_of(const struct sa *a)
{
	return sa_is_v6(a) ? str_mk((const char *)&a->u.in6.sin6_addr, 8) :
			     str_mk((const char *)&a->u.in4.sin_addr, 4);
}

static void gate_free(void *arg)
{
	struct gate *g = arg;
	struct gate_addr *a;

	for (size_t it = 0; g->by_addr && (a = map_next(g->by_addr, &it)); )
		free(a);
	map_free(g->by_addr);
	pthread_mutex_destroy(&g->lock);
}

struct gate *gate_new(size_t max, size_t max_per_address, size_t max_silent)
{
	struct gate *g = obj_new(sizeof(*g), gate_free);

	if (!g)
		return NULL;
	pthread_mutex_init(&g->lock, NULL);
	g->max = max;
	g->max_per_address = max_per_address;
	g->max_silent = max_silent;
	g->by_addr = map_new(false);
	return g->by_addr ? g : obj_drop(g);
}

static int addr_enter(struct gate *g, const struct sa *who, bool known, struct gate_addr **slot)
{
	struct gate_addr *a = map_get(g->by_addr, key_of(who));
	int err;

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return ENOMEM;
		a->host = *who;
		err = map_add(g->by_addr, key_of(&a->host), a);
		if (err) {
			free(a);
			return err;
		}
	}
	if (a->n >= g->max_per_address || (!known && a->silent >= g->max_silent))
		return EACCES;
	a->n++;
	a->silent++;
	*slot = a;
	return 0;
}

int gate_enter(struct gate *g, const struct sa *who, bool known, struct gate_addr **slot)
{
	int err = 0;

	*slot = NULL;
	pthread_mutex_lock(&g->lock);
	if (who)
		err = g->total >= g->max ? ENOSPC : addr_enter(g, who, known, slot);
	if (!err)
		g->total++;
	pthread_mutex_unlock(&g->lock);
	return err;
}

void gate_spoke(struct gate *g, struct gate_addr *slot)
{
	if (!slot)
		return;
	pthread_mutex_lock(&g->lock);
	slot->silent--;
	pthread_mutex_unlock(&g->lock);
}

void gate_leave(struct gate *g, struct gate_addr *slot, bool spoke)
{
	pthread_mutex_lock(&g->lock);
	g->total--;
	if (slot && !spoke)
		slot->silent--;
	if (slot && --slot->n == 0) {
		map_del(g->by_addr, key_of(&slot->host));
		free(slot);
	}
	pthread_mutex_unlock(&g->lock);
}

size_t gate_count(struct gate *g)
{
	size_t n;

	pthread_mutex_lock(&g->lock);
	n = g->total;
	pthread_mutex_unlock(&g->lock);
	return n;
}
