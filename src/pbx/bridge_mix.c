/* More than two in a bridge: each hears all others. Of two, path.c joins the sessions themselves. */
#define LOG_MODULE "bridge"
#include "base/log.h"
#include "media/mixer.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"

static void part(struct bridge *b)
{
	struct media_mix *x = b->mix;

	b->mix = NULL;
	media_mix_close(x);
	list_each_safe(l, tmp, &b->members)
		channel_path_update(container_of(l, struct member, link)->ch, true);
}

static void join(struct bridge *b, struct channel *ch)
{
	static const struct media_member plain = { .gain = MIX_UNITY };
	struct media_session *s = channel_media(ch);
	int err = s ? media_mix_join(b->mix, s, &plain) : 0;

	if (err)
		log_warning("%s is not heard by the others of its bridge: %s", text_z(&ch->name), strerror(err));
}

void bridge_mix_update(struct bridge *b)
{
	if (b->count < 3 || b->dissolved) {
		if (b->mix)
			part(b);
		return;
	}
	if (!b->pbx->media)
		return;
	if (!b->mix && media_mix_new(&b->mix, b->pbx->media)) {
		b->mix = NULL;
		log_warning("No memory for more than two in bridge <%s>", text_z(&b->id));
		return;
	}
	list_each_safe(l, tmp, &b->members)
		join(b, container_of(l, struct member, link)->ch);
}

void bridge_mix_leave(struct bridge *b, struct channel *ch)
{
	struct media_session *s = b->mix ? channel_media(ch) : NULL;

	if (s)
		(void)media_mix_leave(s);
}
