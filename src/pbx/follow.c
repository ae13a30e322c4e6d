/* Who follows what becomes of a channel: whoever sent it elsewhere. */
#include "base/obj.h"
#include "pbx/channel_private.h"
#include <errno.h>

/* A note of the channel. */
static const char key[] = "follow";
struct follower {               /* obj */
	channel_news_fn *fn;
	void *arg;                      /* held */
};

static void follower_free(void *o)
{
	obj_drop(((struct follower *)o)->arg);
}

int channel_follow(struct channel *ch, channel_news_fn *fn, void *arg)
{
	struct follower *f = obj_new(sizeof(*f), follower_free);

	if (!f)
		return ENOMEM;
	f->fn = fn;
	f->arg = obj_hold(arg);
	channel_news(ch, CHAN_NEWS_LOST);
	return channel_note_set(ch, key, f);
}

void channel_news(struct channel *ch, enum channel_news news)
{
	struct follower *f = obj_hold(channel_note(ch, key));

	if (f && f->fn(f->arg, news) && channel_note(ch, key) == f)
		channel_note_set(ch, key, NULL);
	obj_drop(f);
}

void channel_news_of(struct channel *ch, enum indication ind)
{
	switch (ind) {
	case IND_RINGING:
		channel_news(ch, CHAN_NEWS_RINGING);
		break;
	case IND_PROGRESS:
		channel_news(ch, CHAN_NEWS_PROGRESS);
		break;
	case IND_PROCEEDING:
		channel_news(ch, CHAN_NEWS_PROCEEDING);
		break;
	case IND_BUSY:
		channel_news(ch, CHAN_NEWS_BUSY);
		break;
	case IND_CONGESTION:
		channel_news(ch, CHAN_NEWS_CONGESTION);
		break;
	default:
		break;
	}
}

void channel_follow_ends(struct channel *ch)
{
	channel_news(ch, CHAN_NEWS_LOST);
}
