/* What others keep with a channel, by a key of their own; freed with it. */
#include "base/obj.h"
#include "pbx/channel.h"
#include "pbx/channel_private.h"
#include <errno.h>
#include <stdlib.h>

static struct datastore *find(struct channel *ch, const char *key)
{
	list_each(l, &ch->datastores) {
		struct datastore *d = container_of(l, struct datastore, link);

		if (d->key == key)
			return d;
	}
	return NULL;
}

int channel_note_set(struct channel *ch, const char *key, void *obj)
{
	struct datastore *d = find(ch, key);
	void *old;

	if (!d) {
		if (!obj)
			return 0;
		d = calloc(1, sizeof(*d));
		if (!d) {
			obj_drop(obj);
			return ENOMEM;
		}
		d->key = key;
		list_append(&ch->datastores, &d->link);
	}
	/* The old one goes last: its end may look at the channel's notes. */
	old = d->data;
	d->data = obj;
	if (!obj) {
		list_remove(&d->link);
		free(d);
	}
	obj_drop(old);
	return 0;
}

void *channel_note(struct channel *ch, const char *key)
{
	struct datastore *d = find(ch, key);

	return d ? d->data : NULL;
}

void channel_note_inherit(struct channel *ch, const char *key, void *(*heir)(const void *obj))
{
	struct datastore *d = find(ch, key);

	if (d)
		d->heir = heir;
}

int channel_inherit_notes(struct channel *to, struct channel *from)
{
	list_each(l, &from->datastores) {
		const struct datastore *d = container_of(l, struct datastore, link);
		void *mine = d->heir ? d->heir(d->data) : NULL;
		int err = mine ? channel_note_set(to, d->key, mine) : 0;

		if (err)
			return err;
		if (mine)
			channel_note_inherit(to, d->key, d->heir);
	}
	return 0;
}

void channel_notes_free(struct channel *ch)
{
	while (!list_empty(&ch->datastores)) {
		struct datastore *d = container_of(ch->datastores.next, struct datastore, link);

		list_remove(&d->link);
		obj_drop(d->data);
		free(d);
	}
}
