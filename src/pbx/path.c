/* Who is heard where. A channel faces at most one other (in a bridge of two, or
 * while it is dialled), and a Local half hands on to its twin: so all ways are
 * chains, and what matters are the sessions at their two ends. */
#include "base/obj.h"
#include "media/media.h"
#include "pbx/bridge.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include <errno.h>

/* A dialplan may dial itself in a ring of Local channels. */
#define CHAIN_MAX 64

static struct channel *twin_of(const struct channel *ch)
{
	return ch->tech->twin ? ch->tech->twin(ch) : NULL;
}

struct channel *channel_facing(const struct channel *ch)
{
	return ch->bridge ? bridge_peer(ch) : ch->early;
}

/* Where sound given to `ch` comes out: a real channel, or the Local half whose
 * application hears it. */
static struct channel *end_of(struct channel *ch)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		struct channel *twin = twin_of(ch), *next;

		if (!twin)
			break;
		next = channel_facing(twin);
		if (!next)
			return twin;
		ch = next;
	}
	return ch;
}

static struct media_session *session(struct channel *ch)
{
	return ch && !ch->dead && ch->tech->media ? ch->tech->media(ch) : NULL;
}

struct channel *channel_media_end(struct channel *ch)
{
	struct channel *end = end_of(ch);

	return session(end) ? end : NULL;
}

struct media_session *channel_media(struct channel *ch)
{
	return session(end_of(ch));
}

void channel_heard_anew(struct channel *ch)
{
	if (ch->bridge && !ch->dead)
		ch->pbx->heard_anew(ch);
}

int channel_play(struct channel *ch, const struct str *names, size_t n, struct str lang, uint32_t tag)
{
	struct channel *end = channel_media_end(ch);
	int err = end ? media_play(session(end), names, n, lang, tag) : ENOTCONN;

	if (err)
		return err;
	end->sounds++;
	channel_heard_anew(end);
	channel_news(ch, CHAN_NEWS_ANSWERED);
	return 0;
}

void channel_take_player(struct channel *end, struct channel *by, uint32_t tag)
{
	struct channel *was = end->player;
	struct chan_event *e = was && was != by && !was->dead ? chan_event_new(CE_PLAY_DONE) : NULL;

	if (e) {
		e->tag = end->play_tag;
		e->cause = EBUSY;
		channel_deliver(was, e);
	}
	end->player = obj_hold(by);
	end->play_tag = tag;
	obj_drop(was);
}

static void part_end(struct channel *ch)
{
	struct media_session *s = session(ch);

	if (!ch || !ch->joined)
		return;
	ch->joined = NULL;
	ch->digits_relayed = false;
	if (s)
		media_unbridge(s);
}

/* Does anybody on the way from this end want to see its digits first? */
static bool digits_wanted(const struct channel *ch)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct channel *next = channel_facing(ch);

		if (!ch->bridge || bridge_wants_digits(ch))
			return true;
		next = next ? twin_of(next) : NULL;
		if (!next)
			return false;
		ch = next;
	}
	return true;
}

static void relay_digits(struct channel *from, struct channel *to)
{
	from->digits_relayed = from->digits_in_media && to->digits_in_media && !digits_wanted(from);
	media_dtmf_hold(session(from), !from->digits_relayed);
}

static void join(struct channel *a, struct channel *b, bool again)
{
	struct media_session *sa = session(a), *sb = session(b);

	if (a->joined != sb || b->joined != sa || again) {
		if (a->joined && a->joined != sb)
			part_end(a);
		if (b->joined && b->joined != sa)
			part_end(b);
		if (media_bridge(sa, sb))
			return;
		a->joined = sb;
		b->joined = sa;
	}
	relay_digits(a, b);
	relay_digits(b, a);
}

/* To the application of a half. Not CE_MEDIA: a Dial that waits there answers that by
 * coming back here. */
static void tell_path(struct channel *ch)
{
	struct chan_event *e = twin_of(ch) && ch->waiter ? chan_event_new(CE_PATH) : NULL;

	if (e)
		channel_deliver(ch, e);
}

static void update(struct channel *ch, bool again)
{
	struct channel *facing = channel_facing(ch);
	struct channel *a = end_of(ch);
	struct channel *b = facing ? end_of(facing) : twin_of(ch) ? ch : NULL;

	if (a != b && session(a) && session(b)) {
		join(a, b, again);
		return;
	}
	part_end(a);
	if (b && b != a)
		part_end(b);
	tell_path(a);
	if (b && b != a)
		tell_path(b);
}

void channel_path_update(struct channel *ch, bool again)
{
	update(ch, again);
	if (!list_empty(&ch->pbx->recordings))
		ch->pbx->path_changed(ch->pbx);
}

void channel_link_early(struct channel *a, struct channel *b)
{
	if (a->early == b)
		return;
	channel_unlink_early(a);
	channel_unlink_early(b);
	a->early = b;
	b->early = a;
	channel_path_update(a, false);
}

void channel_unlink_early(struct channel *a)
{
	struct channel *b = a->early;

	if (!b)
		return;
	a->early = b->early = NULL;
	channel_path_update(a, false);
	channel_path_update(b, false);
}
