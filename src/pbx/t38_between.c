/* Who stands between a channel and those who talk T.38 with it: a gateway. The rest is t38.c. */
#include "base/obj.h"
#include "pbx/channel_private.h"
#include "pbx/t38.h"
#include <errno.h>

static const char between_key[] = "t38-between";

struct between {                /* obj, a note of the channel */
	channel_t38_fn *fn;
	void (*gone)(void *arg);
	void *arg;
};

static void between_free(void *o)
{
	struct between *b = o;

	if (b->gone)
		b->gone(b->arg);
}

int channel_t38_between(struct channel *ch, channel_t38_fn *fn, void (*gone)(void *arg), void *arg)
{
	struct between *b;

	if (channel_note(ch, between_key))
		return EBUSY;
	b = obj_new(sizeof(*b), between_free);
	if (!b)
		return ENOMEM;
	b->fn = fn;
	b->arg = arg;
	if (channel_note_set(ch, between_key, obj_hold(b))) {
		obj_drop(b);
		return ENOMEM;
	}
	b->gone = gone;
	obj_drop(b);
	return 0;
}

void channel_t38_between_clear(struct channel *ch, const void *arg)
{
	struct between *b = channel_note(ch, between_key);

	if (!b || b->arg != arg)
		return;
	b->gone = NULL;
	channel_note_set(ch, between_key, NULL);
}

bool channel_t38_taken(struct channel *ch, bool came, const struct t38_parameters *p)
{
	struct between *b = p && !ch->dead ? obj_hold(channel_note(ch, between_key)) : NULL;
	bool taken = b && b->fn(b->arg, ch, came, p);

	/* It may have been cleared by what it did. */
	obj_drop(b);
	return taken;
}
