/* Subroutines that run when a channel ends: CHANNEL(hangup_handler_push). */
#include "base/buf.h"
#include "base/obj.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/run.h"
#include <errno.h>
#include <stdlib.h>

struct handler {
	struct list link;       /* in handlers.head, the newest first */
	struct text where;      /* "context,exten,priority(args)" */
};

struct handlers {               /* obj; a note of its channel */
	struct list head;
};

static const char handlers_key[] = "hangup handlers";

static void tell(struct channel *ch, const char *name, const struct handler *h)
{
	struct event *e = event_new(ch->pbx->events, name, EV_DIALPLAN);

	event_channel(e, "", ch);
	event_put(e, "Handler", text_view(&h->where));
	event_send(ch->pbx->events, e);
}

static void handler_free(struct handler *h)
{
	list_remove(&h->link);
	text_free(&h->where);
	free(h);
}

static struct handler *newest_of(const struct handlers *hs)
{
	return !hs || list_empty(&hs->head) ? NULL : container_of(hs->head.next, struct handler, link);
}

static struct handler *newest(struct channel *ch)
{
	return newest_of(channel_note(ch, handlers_key));
}

static void handlers_free(void *o)
{
	struct handler *h;

	while ((h = newest_of(o)))
		handler_free(h);
}

static struct handlers *handlers_of(struct channel *ch)
{
	struct handlers *hs = channel_note(ch, handlers_key);

	if (hs)
		return hs;
	hs = obj_new(sizeof(*hs), handlers_free);
	if (!hs)
		return NULL;
	list_init(&hs->head);
	return channel_note_set(ch, handlers_key, hs) ? NULL : hs;
}

/* ---- a channel that runs no dialplan: one that was called */

static void rites_main(void *arg)
{
	struct channel *ch = arg;

	hangup_handlers_run(ch);
	ch->fiber = NULL;
	channel_destroy(ch);
	obj_drop(ch);
}

static bool rites_begin(struct channel *ch)
{
	struct fiber *f = newest(ch) && run_get(ch) ? fiber_new(rites_main, ch, 0) : NULL;

	if (!f)
		return false;
	obj_hold(ch);
	ch->hungup = true;
	ch->fiber = f;
	fiber_wake(f);
	return true;
}

/* Without memory it ends without them. */
static void expect_rites(struct channel *ch)
{
	struct channel_rites *r = channel_note(ch, channel_rites_key) ? NULL : obj_new(sizeof(*r), NULL);

	if (!r)
		return;
	r->begin = rites_begin;
	(void)channel_note_set(ch, channel_rites_key, r);
}

/* What is left out is that of the channel now, not when it ends. */
static int complete(const struct channel *ch, struct str where, struct text *out)
{
	struct str place = str_sub(where, 0, str_chr(where, '('));
	size_t commas = 0;

	for (size_t i = 0; i < place.n; i++)
		commas += place.p[i] == ',';
	if (commas >= 2)
		return text_set(out, where);
	if (commas == 1)
		return text_printf(out, "%s,%.*s", text_z(&ch->context), STR_ARG(where));
	return text_printf(out, "%s,%s,%.*s", text_z(&ch->context), text_z(&ch->exten), STR_ARG(where));
}

int hangup_handler_push(struct channel *ch, struct str where)
{
	struct handlers *hs;
	struct handler *h;

	if (!where.n)
		return EINVAL;
	hs = handlers_of(ch);
	if (!hs)
		return ENOMEM;
	h = calloc(1, sizeof(*h));
	if (!h || complete(ch, where, &h->where)) {
		free(h);
		return ENOMEM;
	}
	list_prepend(&hs->head, &h->link);
	expect_rites(ch);
	tell(ch, "HangupHandlerPush", h);
	return 0;
}

int hangup_handler_pop(struct channel *ch)
{
	struct handler *h = newest(ch);

	if (!h)
		return ENOENT;
	tell(ch, "HangupHandlerPop", h);
	handler_free(h);
	return 0;
}

void hangup_handlers_wipe(struct channel *ch)
{
	while (!hangup_handler_pop(ch))
		;
}

void hangup_handlers_run(struct channel *ch)
{
	struct handler *h;

	while (!ch->dead && (h = newest(ch))) {
		list_remove(&h->link);
		tell(ch, "HangupHandlerRun", h);
		(void)pbx_exec_sub(ch, text_view(&h->where), true);
		handler_free(h);
	}
}
