/* media/core_ice.c -- what the core knows of a wire's ICE agent, kept up to date by its events. The calls
 * that change the agent are in ice_session.c. */
#include "media/core.h"
#include "base/obj.h"
#include <stdlib.h>
#include "base/poison.h"

static void candidate_came(struct core_ice *c, const struct media_event *e)
{
	struct ice_candidate *l;

	for (size_t i = 0; i < c->nlocal; i++)
		if (c->local[i].component == e->ice.component && sa_eq(&c->local[i].addr, &e->peer))
			return;
	if (c->nlocal == ICE_MAX_CANDIDATES)
		return;
	l = &c->local[c->nlocal++];
	*l = (struct ice_candidate){ .type = (enum candidate_type)e->ice.type, .component = e->ice.component, .addr = e->peer,
				     .related = e->ice.related, .priority = e->ice.priority };
	str_copy(l->foundation, sizeof(l->foundation), str_z(e->ice.foundation));
}

static void path_changed(struct core_ice *c, const struct media_event *e)
{
	c->state = (enum ice_state)e->ice.state;
	c->relayed = sa_is_set(&e->peer) && e->ice.relayed;
	c->v6 = sa_is_v6(&e->peer);
}

void core_ice_event(struct core_wire *w, const struct media_event *e)
{
	struct core_ice *c = w->ice;

	if (!c)
		return;
	if (e->type == MEDIA_ICE_CANDIDATE)
		candidate_came(c, e);
	else if (e->type == MEDIA_ICE_GATHERED)
		c->gathered = true;
	else if (e->type == MEDIA_ICE)
		path_changed(c, e);
}

void core_ice_free(struct core_wire *w)
{
	free(w->ice);
	w->ice = NULL;
	obj_drop(w->w.ice);
	w->w.ice = NULL;
}
