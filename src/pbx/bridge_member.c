/* Who is in a bridge, and what a bridge is called: looked at, nothing is changed. */
#include "pbx/bridge_private.h"
#include "pbx/event.h"
#include <stdio.h>

struct bridge *bridge_walk_next(struct pbx *p, struct map_walk *w)
{
	return map_walk_next(p->bridges, w);
}

struct bridge *bridge_by_id(struct pbx *p, struct str id)
{
	return map_get(p->bridges, id);
}

struct str bridge_id(const struct bridge *b)
{
	return text_view(&b->id);
}

size_t bridge_count(const struct bridge *b)
{
	return b->count;
}

struct member *bridge_member(const struct channel *ch)
{
	if (!ch->bridge)
		return NULL;
	list_each(l, &ch->bridge->members) {
		struct member *m = container_of(l, struct member, link);

		if (m->ch == ch)
			return m;
	}
	return NULL;
}

struct member *bridge_other(const struct bridge *b, const struct channel *ch)
{
	list_each(l, &b->members) {
		struct member *m = container_of(l, struct member, link);

		if (m->ch != ch)
			return m;
	}
	return NULL;
}

struct channel *bridge_peer(const struct channel *ch)
{
	struct member *m = ch->bridge && ch->bridge->count == 2 ? bridge_other(ch->bridge, ch) : NULL;

	return m ? m->ch : NULL;
}

bool bridge_wants_digits(const struct channel *ch)
{
	const struct member *m = bridge_member(ch);

	/* Parking by digits is not done here: its digits are the peer's. */
	return m && (m->f.hangup_star || m->f.blind_transfer || m->f.attended_transfer || m->f.automixmon || m->f.consults ||
		     m->dynamic.n);
}

void bridge_headers(struct event *e, const char *prefix, const struct bridge *b)
{
	const struct { const char *key; struct str value; } rows[] = {
		{ "BridgeUniqueid", text_view(&b->id) },
		{ "BridgeType", text_view(&b->type) },
		{ "BridgeTechnology", b->native ? STR("native_rtp") : STR("simple_bridge") },
		{ "BridgeCreator", b->creator.n ? text_view(&b->creator) : STR("<unknown>") },
		{ "BridgeName", b->name.n ? text_view(&b->name) : STR("<unknown>") },
	};
	char key[64];

	if (!e)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(key, sizeof(key), "%s%s", prefix, rows[i].key);
		event_put(e, key, rows[i].value);
	}
	snprintf(key, sizeof(key), "%sBridgeNumChannels", prefix);
	event_printf(e, key, "%zu", b->count);
	snprintf(key, sizeof(key), "%sBridgeVideoSourceMode", prefix);
	event_put(e, key, STR("none"));
}
