/* Hooks of a channel's sound: kept with it, and put into whatever media session it has. */
#define LOG_MODULE "channel"
#include "pbx/hooks.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/channel_private.h"
#include <errno.h>

/* A note of the channel. */
static const char key[] = "hooks";
struct hooks {                  /* obj */
	struct list list;               /* of struct chan_hook, oldest first; owned */
	uint32_t tags;
};

static void hook_free(void *arg)
{
	struct chan_hook *h = arg;

	media_hook_stop(&h->on);
}

void *chan_hook_new(size_t size, const struct chan_hook_kind *kind)
{
	struct chan_hook *h = obj_new(size, hook_free);

	if (h)
		h->kind = kind;
	return h;
}

static void hooks_free(void *arg)
{
	struct hooks *x = arg;

	while (!list_empty(&x->list)) {
		struct list *l = x->list.next;

		list_remove(l);
		obj_drop(container_of(l, struct chan_hook, link));
	}
}

/* Into the session that the channel has now. */
static void put_in(struct chan_hook *h)
{
	struct media_session *s = h->ch->tech->media && !h->ch->dead ? h->ch->tech->media(h->ch) : NULL;
	uint64_t formats = s ? media_session_formats(s) : 0;
	int err = 0;

	if (h->on && h->in == s && (h->formats == formats || !h->kind->by_rate))
		return;
	media_hook_stop(&h->on);
	h->in = s;
	h->formats = formats;
	if (s)
		err = h->kind->start(h, s);
	if (err)
		log_warning("%s has no effect on %s: %s", h->kind->name, text_z(&h->ch->name),
			    err == ENOBUFS ? "too many functions change its sound" : strerror(err));
}

void *channel_hook(struct channel *ch, const struct chan_hook_kind *kind)
{
	struct hooks *x = channel_note(ch, key);

	if (x)
		list_each(l, &x->list) {
			struct chan_hook *h = container_of(l, struct chan_hook, link);

			if (h->kind == kind)
				return h;
		}
	return NULL;
}

int channel_hook_add(struct channel *ch, void *hook)
{
	struct hooks *x = channel_note(ch, key);
	struct chan_hook *h = hook;

	if (!x) {
		x = obj_new(sizeof(*x), hooks_free);
		if (x)
			list_init(&x->list);
		if (!x || channel_note_set(ch, key, x)) {
			obj_drop(h);
			return ENOMEM;
		}
	}
	h->ch = ch;
	h->tag = ++x->tags;
	list_append(&x->list, &h->link);
	put_in(h);
	ch->listeners++;
	channel_heard_anew(ch);
	return 0;
}

void channel_hook_remove(void *hook)
{
	struct chan_hook *h = hook;

	/* Its channel may have ended meanwhile. */
	if (!h || !list_linked(&h->link))
		return;
	list_remove(&h->link);
	h->ch->listeners--;
	channel_heard_anew(h->ch);
	obj_drop(h);
}

void channel_hooks_update(struct channel *ch)
{
	struct hooks *x = channel_note(ch, key);

	if (!x)
		return;
	list_each(l, &x->list)
		put_in(container_of(l, struct chan_hook, link));
}

void channel_hooks_told(struct channel *ch, const struct media_event *e)
{
	struct hooks *x = channel_note(ch, key);

	if (x)
		list_each_safe(l, tmp, &x->list) {
			struct chan_hook *h = container_of(l, struct chan_hook, link);

			if (h->tag == e->tag && h->kind->told)
				h->kind->told(h, e);
		}
}

void channel_hooks_digit(struct channel *ch, char digit)
{
	struct hooks *x = channel_note(ch, key);

	if (x)
		list_each_safe(l, tmp, &x->list) {
			struct chan_hook *h = container_of(l, struct chan_hook, link);

			if (h->kind->digit)
				h->kind->digit(h, digit);
		}
}

static void belong_to(struct hooks *x, struct channel *ch)
{
	if (x)
		list_each(l, &x->list) {
			struct chan_hook *h = container_of(l, struct chan_hook, link);

			h->ch->listeners--;
			ch->listeners++;
			h->ch = ch;
		}
}

/* The hooks go with the sound that they are in. Without memory for the note one of them loses its own. */
void channel_hooks_exchange(struct channel *a, struct channel *b)
{
	struct hooks *of_a = obj_hold(channel_note(a, key)), *of_b = obj_hold(channel_note(b, key));

	belong_to(of_a, b);
	belong_to(of_b, a);
	channel_note_set(a, key, of_b);
	channel_note_set(b, key, of_a);
	channel_hooks_update(a);
	channel_hooks_update(b);
}
