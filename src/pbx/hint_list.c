/* Listing hints. */
#include "pbx/dialplan_private.h"
#include "pbx/hint_private.h"

static const struct {
	int state;
	const char *name;
} state_names[] = {
	{ EXTEN_IDLE, "Idle" }, { EXTEN_INUSE, "InUse" }, { EXTEN_BUSY, "Busy" },
	{ EXTEN_UNAVAILABLE, "Unavailable" }, { EXTEN_RINGING, "Ringing" },
	{ EXTEN_INUSE | EXTEN_RINGING, "InUse&Ringing" }, { EXTEN_ONHOLD, "Hold" },
	{ EXTEN_INUSE | EXTEN_ONHOLD, "InUse&Hold" }, { EXTEN_DEACTIVATED, "Deactivated" },
	{ EXTEN_REMOVED, "Removed" },
};

const char *exten_state_name(int state)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
		if (state_names[i].state == state)
			return state_names[i].name;
	return "Unknown";
}

/* The next pattern with a hint at or behind the walk's place in `d`. */
static bool pattern_next(const struct dialplan *d, struct hint_walk *w, struct hint_row *row)
{
	for (; d && d->hints && w->context < d->n; w->context++, w->exten = 0) {
		const struct context *c = d->order[w->context];

		while (w->exten < c->patterns.n) {
			const struct exten *e = c->patterns.v[w->exten++];
			const struct step *s = exten_step(e, PRIORITY_HINT);

			if (!s)
				continue;
			*row = (struct hint_row){ .context = c->name, .exten = e->name, .hint = s->app, .state = -1 };
			return true;
		}
	}
	return false;
}

static void fill(struct pbx *p, const struct hint *h, struct hint_row *row)
{
	*row = (struct hint_row){ .context = text_view(&h->context), .exten = text_view(&h->exten),
		.hint = text_view(&h->text), .state = h->state };
	list_each(l, &h->watches)
		row->watchers++;
	if (!h->presence_source.n || !presence_get(p, text_view(&h->presence_source), &row->presence))
		row->presence.state = STR("not_set");
}

bool hint_next(struct pbx *p, struct hint_walk *w, struct hint_row *row)
{
	const struct hint *h;

	if (!p->hints)
		return false;
	while (w->part == HINT_WALK_HINTS && (h = map_walk_next(p->hints->by_key, &w->hints))) {
		if (h->gone)
			continue;
		fill(p, h, row);
		return true;
	}
	for (; w->part < HINT_WALK_OVER; w->part++, w->context = w->exten = 0)
		if (w->part != HINT_WALK_HINTS && pattern_next(w->part == HINT_WALK_PLAN ? p->plan : p->added, w, row))
			return true;
	return false;
}

void hint_walk_end(struct hint_walk *w)
{
	map_walk_end(&w->hints);
}
