/* Music on hold of one channel: when it begins, goes on after something else, and ends. */
#define LOG_MODULE "moh"
#include "pbx/moh.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/channel_private.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdlib.h>

static struct str class_of(const struct channel *ch, struct str asked)
{
	struct str own = text_view(&ch->musicclass);

	if (own.n && moh_has(ch->pbx, own))
		return own;
	/* What nobody has configured is no reason for silence. */
	return asked.n && moh_has(ch->pbx, asked) ? asked : STR("default");
}

void channel_moh_again(struct channel *ch)
{
	moh_play(ch, text_view(&ch->moh_class));
}

void channel_moh_start(struct channel *ch, struct str asked)
{
	struct str class = class_of(ch, asked);
	struct event *e;

	if (ch->moh)
		return;
	if (text_set(&ch->moh_class, class))
		return;
	ch->moh = true;
	e = channel_event_begin(ch, "MusicOnHoldStart", EV_CALL);
	if (e) {
		event_put(e, "Class", class);
		event_send(ch->pbx->events, e);
	}
	log_verbose(2, "Started music on hold, class '%.*s', on channel '%s'", STR_ARG(class), text_z(&ch->name));
	moh_play(ch, class);
	channel_news(ch, CHAN_NEWS_ANSWERED);
	channel_heard_anew(ch);
}

void channel_moh_stop(struct channel *ch)
{
	struct media_session *s;

	if (!ch->moh)
		return;
	ch->moh = false;
	channel_tell(ch, "MusicOnHoldStop", EV_CALL);
	log_verbose(2, "Stopped music on hold on %s", text_z(&ch->name));
	s = channel_media(ch);
	if (s)
		media_play_stop(s);
	channel_heard_anew(ch);
}
