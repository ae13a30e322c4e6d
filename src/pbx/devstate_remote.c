/* What else is known of a device: other servers say it of theirs, phones of themselves. */
#include "pbx/devstate_private.h"
#include <errno.h>
#include <stdlib.h>

#define REMOTES_MAX 100000      /* states of devices that we were told */
#define PUBLISHED_MAX 64        /* of one device: each is looked at for each change */

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

static int remote_new(struct pbx *p, struct device *d, struct str eid, bool published, struct device_remote **out)
{
	struct device_remote *r;

	if (p->devstates->remotes >= REMOTES_MAX || (published && !has_room(d)))
		return ENOSPC;
	r = calloc(1, sizeof(*r));
	if (!r || text_set(&r->eid, eid)) {
		free(r);
		return ENOMEM;
	}
	r->published = published;
	r->state = DEV_STATES;          /* none: whatever it is, it is news */
	list_append(&d->remotes, &r->link);
	p->devstates->remotes++;
	*out = r;
	return 0;
}

static int set(struct pbx *p, struct str device, struct str eid, bool published, enum device_state s)
{
	struct device *d = device_take(p, device);
	struct device_remote *r = d ? remote_find(d, eid, published) : NULL;
	int err = !d ? ENOMEM : r ? 0 : remote_new(p, d, eid, published, &r);

	if (err) {
		if (d)
			device_release(p, d);
		return err;
	}
	if (r->state != s) {
		r->state = s;
		device_queue(p, d);
	}
	return 0;
}

int device_set_remote(struct pbx *p, struct str device, struct str eid, enum device_state s)
{
	return set(p, device, eid, false, s);
}

int device_set_published(struct pbx *p, struct str device, struct str source, enum device_state s)
{
	return set(p, device, source, true, s);
}

void device_del_published(struct pbx *p, struct str device, struct str source)
{
	struct device *d = device_find(p, device);
	struct device_remote *r = d ? remote_find(d, source, true) : NULL;

	if (!r)
		return;
	remote_free(r);
	p->devstates->remotes--;
	device_queue(p, d);
}

void device_remotes_free(struct device *d)
{
	while (!list_empty(&d->remotes))
		remote_free(container_of(d->remotes.next, struct device_remote, link));
}
