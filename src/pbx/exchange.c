/* Two channels change what carries them: the one goes on in the other's place. */
#include "base/obj.h"
#include "pbx/channel_private.h"
#include "pbx/hooks.h"
#include "pbx/mixmonitor.h"
#include <errno.h>

#define SWAP(a, b) \
	do { __typeof__(a) swap_tmp = (a); (a) = (b); (b) = swap_tmp; } while (0)

/* The maps hold views of the names, so names leave them before they move. */
static void swap_names(struct channel *a, struct channel *b)
{
	struct pbx *p = a->pbx;

	map_set(p->by_name, text_view(&a->name), b, NULL);
	map_set(p->by_name, text_view(&b->name), a, NULL);
	map_set(p->by_uniqueid, text_view(&a->uniqueid), b, NULL);
	map_set(p->by_uniqueid, text_view(&b->uniqueid), a, NULL);
	SWAP(a->name, b->name);
	SWAP(a->uniqueid, b->uniqueid);
	SWAP(a->linkedid, b->linkedid);
}

int channel_exchange(struct channel *into, struct channel *from)
{
	if (into->dead || from->dead || from->bridge || into == from)
		return EINVAL;
	if (into->tech->twin && into->tech->twin(into) == from)
		return EINVAL;
	if (!into->tech->moved || !from->tech->moved)
		return ENOSYS;
	channel_unlink_early(from);
	if (from->moh)
		channel_moh_stop(from);
	swap_names(into, from);
	SWAP(into->tech, from->tech);
	SWAP(into->pvt, from->pvt);
	SWAP(into->state, from->state);
	SWAP(into->caller, from->caller);
	SWAP(into->accountcode, from->accountcode);
	SWAP(into->created, from->created);
	SWAP(into->created_us, from->created_us);
	SWAP(into->answered_us, from->answered_us);
	SWAP(into->outgoing, from->outgoing);
	SWAP(into->digits_in_media, from->digits_in_media);
	SWAP(into->digits_relayed, from->digits_relayed);
	SWAP(into->joined, from->joined);
	SWAP(into->player, from->player);
	SWAP(into->play_tag, from->play_tag);
	SWAP(into->sounds, from->sounds);
	SWAP(into->shown, from->shown);
	mixmonitor_moved(from, into);
	into->tech->moved(from, into);
	from->tech->moved(into, from);
	channel_hooks_exchange(into, from);
	channel_path_update(into, true);
	channel_path_update(from, true);
	if (into->waiter)
		channel_event_simple(into, CE_MEDIA);
	return 0;
}
