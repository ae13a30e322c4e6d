/* Presence as people set it: "CustomPresence:alice" is away, lunch, a banana. */
#include "base/obj.h"
#include "pbx/devstate_private.h"
#include "pbx/event.h"
#include "store/astdb.h"
#include <errno.h>
#include <stdlib.h>

#define CUSTOM STR("CustomPresence:")
#define FAMILY STR("CustomPresence")

/* The higher rank shows when several are joined. */
static const struct {
	struct str name;
	int rank;
} states[] = {
	{ STR_INIT("not_set"), 1 }, { STR_INIT("available"), 2 }, { STR_INIT("unavailable"), 3 },
	{ STR_INIT("chat"), 4 }, { STR_INIT("away"), 5 }, { STR_INIT("xa"), 6 }, { STR_INIT("dnd"), 7 },
};

struct custom_presence {
	struct text name;       /* without the label */
	struct text line;       /* "state,subtype,message", as the database keeps it */
};

static int rank_of(struct str state, struct str *canonical)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_ieq(state, states[i].name)) {
			*canonical = states[i].name;
			return states[i].rank;
		}
	return 0;
}

static void cut_line(struct str line, struct presence *out)
{
	struct str state = str_cut_raw(&line, ',');

	*out = (struct presence){ 0 };
	if (!rank_of(state, &out->state))
		out->state = STR("not_set");
	out->subtype = str_cut_raw(&line, ',');
	out->message = line;
}

static void one(struct pbx *p, struct str name, struct presence *out)
{
	const struct custom_presence *c = p->devstates ? map_get(p->devstates->presences, name) : NULL;
	struct str line = STR("not_set");

	if (c)
		line = text_view(&c->line);
	else if (p->db)
		(void)astdb_get(p->db, FAMILY, name, &line);
	cut_line(line, out);
}

bool presence_get(struct pbx *p, struct str name, struct presence *out)
{
	bool any = false;
	int best = 0;

	while (name.n) {
		struct str label = str_cut_raw(&name, '&');
		struct presence v;
		struct str s;

		if (!str_istarts(label, CUSTOM))
			continue;
		one(p, str_skip(label, CUSTOM.n), &v);
		if (any && rank_of(v.state, &s) <= best)
			continue;
		any = true;
		best = rank_of(v.state, &s);
		*out = v;
	}
	return any;
}

static void tell(struct pbx *p, struct str full, const struct presence *v)
{
	struct event *e = event_new(p->events, "PresenceStateChange", EV_CALL);

	event_put(e, "Presentity", full);
	event_put(e, "Status", v->state);
	event_put(e, "Subtype", v->subtype);
	event_put(e, "Message", v->message);
	event_send(p->events, e);
}

static struct custom_presence *take(struct pbx *p, struct str name)
{
	struct custom_presence *c = map_get(p->devstates->presences, name);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	if (text_set(&c->name, name) || map_add(p->devstates->presences, text_view(&c->name), c)) {
		text_free(&c->name);
		free(c);
		return NULL;
	}
	return c;
}

static void changed(struct pbx *p, struct str name)
{
	struct text full = { 0 };
	struct presence v;

	if (text_printf(&full, "CustomPresence:%.*s", STR_ARG(name)))
		return;
	one(p, name, &v);
	tell(p, text_view(&full), &v);
	if (p->devstates->observer)
		p->devstates->observer->presence(p, text_view(&full));
	text_free(&full);
}

int presence_set_custom(struct pbx *p, struct str name, const struct presence *v)
{
	struct custom_presence *c;
	struct str state;

	if (str_istarts(name, CUSTOM))
		name = str_skip(name, CUSTOM.n);
	if (!name.n || !rank_of(v->state, &state) || str_chr(v->subtype, ',') < v->subtype.n)
		return EINVAL;
	c = take(p, name);
	if (!c || text_printf(&c->line, "%.*s,%.*s,%.*s", STR_ARG(state), STR_ARG(v->subtype), STR_ARG(v->message)))
		return ENOMEM;
	/* As it was typed: without commas that nothing follows. */
	while (c->line.n && c->line.p[c->line.n - 1] == ',')
		c->line.p[--c->line.n] = '\0';
	if (p->db)
		(void)astdb_put(p->db, FAMILY, name, text_view(&c->line));
	changed(p, text_view(&c->name));
	return 0;
}

static void custom_free(struct custom_presence *c)
{
	text_free(&c->name);
	text_free(&c->line);
	free(c);
}

int presence_del_custom(struct pbx *p, struct str name)
{
	struct custom_presence *c;
	int err = ENOENT;

	if (str_istarts(name, CUSTOM))
		name = str_skip(name, CUSTOM.n);
	if (p->db)
		err = astdb_del(p->db, FAMILY, name);
	c = map_del(p->devstates->presences, name);
	if (c)
		err = 0;
	if (!err)
		changed(p, name);
	if (c)
		custom_free(c);
	return err;
}

static bool stored_next(struct pbx *p, struct presence_walk *w, struct presence_row *row)
{
	struct str path, value;

	if (!p->db || !astdb_next(p->db, &w->stored, FAMILY, STR_NULL, &path, &value))
		return false;
	row->name = str_skip(path, FAMILY.n + 2);
	row->again = map_get(p->devstates->presences, row->name) != NULL;
	cut_line(value, &row->v);
	return true;
}

bool presence_next(struct pbx *p, struct presence_walk *w, struct presence_row *row)
{
	const struct custom_presence *c;

	if (!p->devstates)
		return false;
	c = map_walk_next(p->devstates->presences, &w->known);
	if (!c)
		return stored_next(p, w, row);
	row->name = text_view(&c->name);
	row->again = false;
	cut_line(text_view(&c->line), &row->v);
	return true;
}

void presence_walk_end(struct presence_walk *w)
{
	map_walk_end(&w->known);
	map_walk_end(&w->stored);
}

void presences_free(struct devstates *ds)
{
	struct custom_presence *c;

	for (size_t it = 0; ds->presences && (c = map_next(ds->presences, &it));)
		custom_free(c);
	map_free(ds->presences);
}
