/* pbx/hooks.h -- what listens to the sound of a channel or changes it (VOLUME(), TALK_DETECT(),
 * JITTERBUFFER() and their like): a media hook that follows its channel, whose media session comes
 * late, may be another one after a change of the call, and goes with it into another's place.
 * Threads: core. */
#ifndef PBX_HOOKS_H
#define PBX_HOOKS_H

#include "media/hooks.h"
#include "pbx/channel.h"

struct chan_hook;
struct chan_hook_kind {
	const char *name;
	bool by_rate;           /* to be started anew when other codecs are agreed on */
	/* h->on by what it knows, with h->tag. errno */
	int (*start)(struct chan_hook *h, struct media_session *s);
	void (*told)(struct chan_hook *h, const struct media_event *e);     /* optional: MEDIA_HOOK */
	void (*digit)(struct chan_hook *h, char digit);                     /* optional: the channel has received it */
};

struct chan_hook {              /* obj, at the beginning of what a kind has */
	struct list link;
	struct channel *ch;             /* view: it goes before its channel */
	const struct chan_hook_kind *kind;
	struct media_hook *on;          /* NULL: there is no sound to be heard */
	struct media_session *in;       /* of `on`; compared only */
	uint64_t formats;
	uint32_t tag;
};

/* Memory for one, `size` bytes, zeroed. NULL: ENOMEM. */
void *chan_hook_new(size_t size, const struct chan_hook_kind *kind);
/* Of this kind; NULL: none. */
void *channel_hook(struct channel *ch, const struct chan_hook_kind *kind);
/* Behind those that are there. Takes over the reference. ENOMEM. A channel without sound: 0, it waits. */
int channel_hook_add(struct channel *ch, void *hook);
void channel_hook_remove(void *hook);

/* channel_event.c, exchange.c: its media may have changed; this came. */
void channel_hooks_update(struct channel *ch);
void channel_hooks_told(struct channel *ch, const struct media_event *e);
void channel_hooks_digit(struct channel *ch, char digit);
void channel_hooks_exchange(struct channel *a, struct channel *b);

#endif
