/* Events presence (RFC 3856) and dialog (RFC 4235): what hints say of an extension. */
#include "service/event/exten.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

struct str exten_context(const struct endpoint *ep)
{
	return ep->subscribe_context.n ? ep->subscribe_context : ep->context;
}

static unsigned may(struct service *svc, const struct endpoint *ep, struct str resource)
{
	struct str context = exten_context(ep), hint = STR_NULL;

	if (resource.n && hint_state(svc->pbx, context, resource, &hint) >= 0)
		return 200;
	log_notice("Endpoint '%.*s' state subscription failed: Extension '%.*s' does not exist in context '%.*s' or has "
		   "no associated hint", STR_ARG(ep->name), STR_ARG(resource), STR_ARG(context));
	return 404;
}

static void on_hint(void *arg, int state)
{
	struct node *leaf = arg;
	struct exten_watch *w = leaf->watch;

	w->state = state;
	node_changed(leaf, state == EXTEN_REMOVED || state == EXTEN_DEACTIVATED);
}

static int start(struct node *leaf)
{
	struct subscription *s = leaf->sub;
	struct exten_watch *w = calloc(1, sizeof(*w));
	struct str context = exten_context(s->ep), exten = text_view(&leaf->resource);

	if (!w)
		return ENOMEM;
	w->hint = hint_watch(s->svc->pbx, context, exten, on_hint, leaf);
	w->state = hint_state(s->svc->pbx, context, exten, NULL);
	if (!w->hint || w->state < 0) {
		if (w->hint)
			hint_unwatch(w->hint);
		free(w);
		return ENOENT;
	}
	leaf->watch = w;
	return 0;
}

static void stop(struct node *leaf)
{
	struct exten_watch *w = leaf->watch;

	hint_unwatch(w->hint);
	free(w);
}


/* What the dialplan calls it: hint,PJSIP/100(Kitchen). */
static void display(struct service *svc, const struct endpoint *ep, struct str resource, struct buf *out)
{
	struct str hint = STR_NULL;
	size_t open;

	(void)hint_state(svc->pbx, exten_context(ep), resource, &hint);
	open = str_chr(hint, '(');
	if (open < hint.n)
		buf_put(out, str_sub(hint, open + 1, str_rchr(hint, ')') - open - 1));
}

const struct package package_presence = { .name = STR_INIT("presence"), .accept = STR_INIT("application/pidf+xml"),
	.kind = BODY_EXTEN, .may = may, .start = start, .stop = stop, .display = display };
const struct package package_dialog = { .name = STR_INIT("dialog"), .accept = STR_INIT("application/dialog-info+xml"),
	.kind = BODY_EXTEN, .may = may, .start = start, .stop = stop, .display = display };
