/* How the two members of a bridge are joined: their peers send to one another, or packets are passed on here,
 * or neither. Asked again whenever something may have changed. */
#include "base/obj.h"
#include "media/media.h"
#include "pbx/bridge_private.h"

/* What of the members themselves speaks against it, whatever carries them. */
static bool may_be_native(const struct channel *ch)
{
	if (ch->state != CHAN_UP || ch->dead || ch->recordings || ch->listeners)
		return false;
	return !(ch->digits_in_media && bridge_wants_digits(ch));
}

static enum channel_native judge(struct channel *a, struct channel *b)
{
	enum channel_native how;

	if (a->tech != b->tech || !a->tech->native || !may_be_native(a) || !may_be_native(b))
		return CHAN_NATIVE_NO;
	how = a->tech->native(a, b);
	if (how == CHAN_NATIVE_DIRECT && (a->sounds || b->sounds))
		how = CHAN_NATIVE_HERE;
	return how == CHAN_NATIVE_HERE && !(a->joined && b->joined) ? CHAN_NATIVE_NO : how;
}

static void set_direct(struct channel *ch, struct channel *peer)
{
	if (ch->tech->direct && !ch->dead)
		ch->tech->direct(ch, peer);
}

void bridge_native_update(struct bridge *b)
{
	struct member *ma, *mb;
	struct channel *a, *c;
	bool direct;

	b->native = false;
	if (b->moving || !b->count)
		return;
	ma = container_of(b->members.next, struct member, link);
	mb = container_of(b->members.prev, struct member, link);
	if (b->count != 2) {
		list_each_safe(l, tmp, &b->members)
			set_direct(container_of(l, struct member, link)->ch, NULL);
		return;
	}
	a = obj_hold(ma->ch);
	c = obj_hold(mb->ch);
	direct = judge(a, c) == CHAN_NATIVE_DIRECT;
	b->native = judge(a, c) != CHAN_NATIVE_NO;
	/* Who is on hold is silent: its own media stay where they were told, and the other one hears our music. */
	set_direct(a, direct && !mb->on_hold && !a->moh ? c : NULL);
	set_direct(c, direct && !ma->on_hold && !c->moh ? a : NULL);
	obj_drop(a);
	obj_drop(c);
}

void bridge_heard_anew(struct channel *ch)
{
	struct bridge *b = obj_hold(ch->bridge);

	if (b)
		bridge_native_update(b);
	obj_drop(b);
}
