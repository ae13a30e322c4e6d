/* What several states are together: of devices, and of one device that other servers and its phones tell of.
 * Below devstate.c, which knows when it changes. */
#include "pbx/devstate_private.h"
#include <errno.h>
#include <stdlib.h>

#define REMOTES_MAX 100000      /* states of devices that we were told */
#define PUBLISHED_MAX 64        /* of one device: each is looked at for each change */

/* ---- several together */

void device_sum_init(struct device_sum *s)
{
	*s = (struct device_sum){ .state = DEV_INVALID };
}

void device_sum_add(struct device_sum *s, enum device_state d)
{
	/* Which of two states shows. */
	static const int rank[DEV_STATES] = { [DEV_UNKNOWN] = 1, [DEV_NOT_INUSE] = 3, [DEV_INUSE] = 6,
		[DEV_BUSY] = 7, [DEV_INVALID] = 0, [DEV_UNAVAILABLE] = 2, [DEV_RINGING] = 5,
		[DEV_RINGINUSE] = 8, [DEV_ONHOLD] = 4 };

	if (d == DEV_RINGING)
		s->ringing = true;
	else if (d == DEV_INUSE || d == DEV_ONHOLD || d == DEV_BUSY)
		s->inuse = true;
	if (s->ringing && s->inuse)
		s->state = DEV_RINGINUSE;
	else if (rank[d] > rank[s->state])
		s->state = d;
}

int device_to_exten(enum device_state s)
{
	switch (s) {
	case DEV_INUSE: return EXTEN_INUSE;
	case DEV_BUSY: return EXTEN_BUSY;
	case DEV_INVALID: case DEV_UNAVAILABLE: return EXTEN_UNAVAILABLE;
	case DEV_RINGING: return EXTEN_RINGING;
	case DEV_RINGINUSE: return EXTEN_INUSE | EXTEN_RINGING;
	case DEV_ONHOLD: return EXTEN_ONHOLD;
	default: return EXTEN_IDLE;
	}
}

/* ---- what we are told of one */

static bool is_known(enum device_state s)
{
	return s != DEV_INVALID && s != DEV_UNKNOWN;
}

enum device_state device_local(const struct device *d, enum device_state own)
{
	bool open = false, closed = false;
	struct device_sum sum;

	device_sum_init(&sum);
	if (is_known(own))
		device_sum_add(&sum, own);
	list_each(l, &d->remotes) {
		const struct device_remote *r = container_of(l, struct device_remote, link);

		if (!r->published || !is_known(r->state))
			continue;
		closed = closed || r->state == DEV_UNAVAILABLE;
		open = open || r->state != DEV_UNAVAILABLE;
		if (r->state != DEV_UNAVAILABLE)
			device_sum_add(&sum, r->state);
	}
	if (closed && !open && (!is_known(own) || own == DEV_NOT_INUSE))
		return DEV_UNAVAILABLE;
	return open ? sum.state : own;
}

/* What nobody here knows does not count beside what others know. */
enum device_state device_together(const struct device *d, enum device_state local)
{
	struct device_sum sum;
	bool any = false;

	device_sum_init(&sum);
	if (is_known(local))
		device_sum_add(&sum, local);
	list_each(l, &d->remotes) {
		const struct device_remote *r = container_of(l, struct device_remote, link);

		if (r->published)
			continue;
		any = true;
		device_sum_add(&sum, r->state);
	}
	return any ? sum.state : local;
}

static struct device_remote *remote_find(const struct device *d, struct str eid, bool published)
{
	list_each(l, &d->remotes) {
		struct device_remote *r = container_of(l, struct device_remote, link);

		if (r->published == published && str_eq(text_view(&r->eid), eid))
			return r;
	}
	return NULL;
}

static void remote_free(struct device_remote *r)
{
	list_remove(&r->link);
	text_free(&r->eid);
	free(r);
}

static bool has_room(const struct device *d)
{
	size_t n = 0;

	list_each(l, &d->remotes)
		n += container_of(l, struct device_remote, link)->published;
	return n < PUBLISHED_MAX;
}

static int remote_new(struct devstates *ds, struct device *d, struct str eid, bool published, struct device_remote **out)
{
	struct device_remote *r;

	if (ds->remotes >= REMOTES_MAX || (published && !has_room(d)))
		return ENOSPC;
	r = calloc(1, sizeof(*r));
	if (!r || text_set(&r->eid, eid)) {
		free(r);
		return ENOMEM;
	}
	r->published = published;
	r->state = DEV_STATES;          /* none: whatever it is, it is news */
	list_append(&d->remotes, &r->link);
	ds->remotes++;
	*out = r;
	return 0;
}

int device_told_set(struct devstates *ds, struct device *d, struct str source, bool published, enum device_state s, bool *changed)
{
	struct device_remote *r = remote_find(d, source, published);
	int err = r ? 0 : remote_new(ds, d, source, published, &r);

	if (err)
		return err;
	*changed = r->state != s;
	r->state = s;
	return 0;
}

bool device_told_del(struct devstates *ds, struct device *d, struct str source)
{
	struct device_remote *r = remote_find(d, source, true);

	if (!r)
		return false;
	remote_free(r);
	ds->remotes--;
	return true;
}

void device_told_free(struct device *d)
{
	while (!list_empty(&d->remotes))
		remote_free(container_of(d->remotes.next, struct device_remote, link));
}
