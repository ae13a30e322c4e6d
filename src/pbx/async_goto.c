/* To another place in the dialplan, wherever the channel is now: running, bridged or idle. */
#include "base/obj.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include <errno.h>

int pbx_async_goto(struct channel *ch, struct str context, struct str exten, int priority)
{
	struct channel *held;
	int err = 0;

	if (ch->dead || ch->hungup)
		return ESHUTDOWN;
	if (!ch->fiber && ch->owned && !ch->bridge && !ch->worked_on)
		return EBUSY;
	held = obj_hold(ch);
	if (ch->fiber) {
		channel_set_exten(ch, context, exten, priority);
		ch->async_goto = true;
		/* Through its queue or its bridge: whatever it waits in looks up. */
		channel_event_simple(ch, CE_WAKE);
	} else {
		struct text c = { 0 }, x = { 0 };

		/* The views may look into the channel or into its place in the bridge. */
		err = text_set(&c, context) ? ENOMEM : text_set(&x, exten);
		if (!err && ch->bridge)
			bridge_remove(ch);
		if (!err && !ch->dead) {
			channel_set_exten(ch, text_view(&c), text_view(&x), priority);
			ch->owned = false;
			err = pbx_start(ch);
		}
		text_free(&c);
		text_free(&x);
	}
	obj_drop(held);
	return err;
}
