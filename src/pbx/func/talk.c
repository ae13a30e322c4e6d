/* TALK_DETECT() and JITTERBUFFER(): what is told of a channel's talk, and how evenly it comes. */
#define LOG_MODULE "func_talkdetect"
#include "base/log.h"
#include "pbx/event.h"
#include "pbx/channel_private.h"
#include "pbx/func/func.h"
#include "pbx/func/text.h"
#include "pbx/hooks.h"
#include <errno.h>

/* ---- TALK_DETECT(set|remove)=[silence ms][,level] */

enum { QUIET_MS = 2500 };

struct talk {
	struct chan_hook h;
	uint32_t level, quiet_ms;
};

static int start_talk(struct chan_hook *h, struct media_session *s)
{
	struct talk *t = (struct talk *)h;

	return media_talk_start(&h->on, s, t->level, t->quiet_ms, h->tag);
}

static void told_talk(struct chan_hook *h, const struct media_event *me)
{
	struct event *e = channel_event_begin(h->ch, me->count ? "ChannelTalkingStart" : "ChannelTalkingStop", EV_CALL);

	log_verbose(4, "%s is now %s", text_z(&h->ch->name), me->count ? "talking" : "silent");
	if (!e)
		return;
	if (!me->count)
		event_printf(e, "Duration", "%u", me->ms);
	event_send(h->ch->pbx->events, e);
}

static const struct chan_hook_kind talk_kind = { .name = "TALK_DETECT", .start = start_talk, .told = told_talk };

/* Not written: as it is. EINVAL: no number, or under 1. */
static int read_positive(struct str s, const char *what, uint32_t *out)
{
	int64_t v;

	if (!s.n)
		return 0;
	if (!text_leading_int(s, &v) || v < 1 || v > INT32_MAX) {
		log_warning("TALK_DETECT(): '%.*s' is no %s: a number from 1 on", STR_ARG(s), what);
		return EINVAL;
	}
	*out = (uint32_t)v;
	return 0;
}

static int set_talk(struct channel *ch, struct str value)
{
	struct talk *t = channel_hook(ch, &talk_kind);
	uint32_t quiet_ms = QUIET_MS, level = ch->pbx->silence_threshold;
	struct str a[2];

	pbx_args(value, a, 2);
	if (read_positive(a[0], "time of silence [ms]", &quiet_ms) || read_positive(a[1], "level of talk", &level))
		return EINVAL;
	if (!t) {
		t = chan_hook_new(sizeof(*t), &talk_kind);
		if (!t)
			return ENOMEM;
		t->level = level;
		t->quiet_ms = quiet_ms;
		return channel_hook_add(ch, t);
	}
	t->level = level;
	t->quiet_ms = quiet_ms;
	if (t->h.on)
		media_talk_set(t->h.on, level, quiet_ms);
	return 0;
}

static int write_talk(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	void *t;

	(void)p;
	if (!ch)
		return ENOENT;
	if (str_ieq(args, STR("set")))
		return set_talk(ch, value);
	if (!str_ieq(args, STR("remove"))) {
		log_warning("TALK_DETECT() takes set or remove, not '%.*s'", STR_ARG(args));
		return EINVAL;
	}
	t = channel_hook(ch, &talk_kind);
	if (!t) {
		log_warning("TALK_DETECT(remove) on %s: it was not set there", text_z(&ch->name));
		return ENOENT;
	}
	channel_hook_remove(t);
	return 0;
}

const struct func func_talk_detect = { .name = "TALK_DETECT", .synopsis = "Tell managers when a channel talks and when it is silent",
	.write = write_talk };

/* ---- JITTERBUFFER(fixed|adaptive|disabled)=default | [size][,resync][,extra][,sync video] */

enum { MAX_MS = 200, RESYNC_MS = 1000, EXTRA_MS = 40 };

struct buffer {
	struct chan_hook h;
	struct media_delay prm;
};

static int start_buffer(struct chan_hook *h, struct media_session *s)
{
	return media_delay_start(&h->on, s, &((struct buffer *)h)->prm);
}

static const struct chan_hook_kind buffer_kind = { .name = "JITTERBUFFER", .start = start_buffer };

/* What is no number, or none that it could be, leaves the default. */
static void read_sizes(struct str value, struct media_delay *d)
{
	struct str a[4];
	bool sync = false;
	int64_t v;

	if (!value.n || str_ieq(value, STR("default")))
		return;
	pbx_args(value, a, 4);
	if (text_leading_int(a[0], &v) && v > 0 && v <= INT32_MAX)
		d->max_ms = (uint32_t)v;
	if (text_leading_int(a[1], &v) && v > 0 && v <= INT32_MAX)
		d->resync_ms = (uint32_t)v;
	if (text_leading_int(a[2], &v) && v >= INT32_MIN && v <= INT32_MAX)
		d->extra_ms = (int32_t)v;
	if (!str_bool(str_trim(a[3]), &sync) && sync)
		log_notice("JITTERBUFFER(): video is not kept in time with the sound: it goes on as it comes");
}

static int write_buffer(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct media_delay d = { .max_ms = MAX_MS, .resync_ms = RESYNC_MS, .extra_ms = EXTRA_MS };
	struct buffer *x;

	(void)p;
	if (!ch)
		return ENOENT;
	d.adaptive = str_ieq(args, STR("adaptive"));
	if (args.n && !d.adaptive && !str_ieq(args, STR("fixed")) && !str_ieq(args, STR("disabled"))) {
		log_warning("JITTERBUFFER() takes fixed, adaptive or disabled, not '%.*s'", STR_ARG(args));
		return EINVAL;
	}
	read_sizes(value, &d);
	channel_hook_remove(channel_hook(ch, &buffer_kind));
	if (str_ieq(args, STR("disabled")))
		return 0;
	x = chan_hook_new(sizeof(*x), &buffer_kind);
	if (!x)
		return ENOMEM;
	x->prm = d;
	return channel_hook_add(ch, x);
}

const struct func func_jitterbuffer = { .name = "JITTERBUFFER", .synopsis = "Let what a channel says go on evenly, but later",
	.write = write_buffer };
