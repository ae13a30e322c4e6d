/* media/ice_select.c -- which pair media goes over: nomination (RFC 8445 section 8), the selected
 * path of each component, consent to send on it (RFC 7675), and when there is no hope left. */
#include "media/ice_int.h"
#include "base/poison.h"

/* ---- nomination */

static struct ice_pair *best_valid(struct ice *ice, unsigned component, bool nominated)
{
	struct ice_pair *best = NULL;

	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (p->on && p->valid && (p->nominated || !nominated) && ice_pair_component(ice, p) == component &&
		    (!best || p->priority > best->priority))
			best = p;
	}
	return best;
}

static bool better_may_come(const struct ice *ice, const struct ice_pair *than, unsigned component)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		const struct ice_pair *p = &ice->pair[i];

		if (p->on && !p->valid && p->priority > than->priority && ice_pair_unfinished(p) &&
		    ice_pair_component(ice, p) == component)
			return true;
	}
	return false;
}

static bool is_nominating(const struct ice *ice, unsigned component)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++)
		if (ice->pair[i].on && ice->pair[i].nominate && ice_pair_component(ice, &ice->pair[i]) == component)
			return true;
	return false;
}

static uint64_t nominate_at(const struct ice *ice, const struct ice_pair *p)
{
	bool relayed = ice_is_relay(ice, p->local) || ice->remote[p->remote].type == CANDIDATE_RELAY;

	return p->valid_us + (relayed ? ICE_NOMINATE_RELAY_US : ICE_NOMINATE_US);
}

/* Regular nomination: one check more of the pair that is chosen, with USE-CANDIDATE. */
static void nominate(struct ice *ice, unsigned component)
{
	struct ice_pair *p;

	if (ice->role != ICE_CONTROLLING || is_nominating(ice, component))
		return;
	p = best_valid(ice, component, false);
	if (!p || p->nominated || (better_may_come(ice, p, component) && ice->now_us < nominate_at(ice, p)))
		return;
	p->nominate = true;
	ice_pair_trigger(ice, p);
}

/* RFC 8445 section 8.1.2: what is not needed any more is not checked any more. */
static void drop_others(struct ice *ice, const struct ice_pair *chosen, unsigned component)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (!p->on || p == chosen || p->valid || p->named || ice_pair_component(ice, p) != component)
			continue;
		if (p->state == ICE_PAIR_FROZEN || p->state == ICE_PAIR_WAITING)
			*p = (struct ice_pair){ .on = false };
		else if (p->state == ICE_PAIR_IN_PROGRESS && p->priority < chosen->priority)
			p->tx.sends = ICE_RC;
	}
}

/* ---- the path */

static void consent_later(struct ice *ice, struct ice_path *path)
{
	uint32_t r;

	ice_random(ice, &r, sizeof(r));
	/* 4 to 6 seconds, so that nobody's requests fall into step. */
	path->consent_us = ice->now_us + ICE_CONSENT_US * 4 / 5 + r % (ICE_CONSENT_US * 2 / 5);
}

static void path_set(struct ice *ice, struct ice_path *path, const struct ice_pair *p)
{
	const struct ice_candidate *l = &ice->local[p->local].c;
	bool same = path->on && path->gen == ICE_NOW && path->base == l->base && path->relayed == ice_is_relay(ice, p->local) &&
		    sa_eq(&path->remote, &ice->remote[p->remote].addr);

	if (same && path->nominated == p->nominated) {
		path->pair = (int)(p - ice->pair);
		return;
	}
	if (!same) {
		*path = (struct ice_path){ .on = true, .component = l->component, .base = l->base,
			.relayed = ice_is_relay(ice, p->local), .remote = ice->remote[p->remote].addr,
			.dead_us = p->heard_us + ICE_CONSENT_DEAD_US };
		path->priority = ice_priority(CANDIDATE_PRFLX, l->priority >> 8 & 0xffff, l->component);
		consent_later(ice, path);
		if (path->relayed)
			ice_turn_channel(ice_turn_of(ice, p->local), &path->remote);
	}
	path->pair = (int)(p - ice->pair);
	path->nominated = p->nominated;
	ice_tell(ice, &(struct ice_event){ .type = ICE_EV_SELECTED, .component = path->component, .base = path->base,
					   .relayed = path->relayed, .nominated = path->nominated, .remote = path->remote,
					   .state = ice->state });
}

/* The nominated one; before that the best that works (RFC 8445 section 12.1). During a restart the old path
 * stays until there is a nominated one. */
static void select_path(struct ice *ice, unsigned component)
{
	struct ice_path *path = &ice->path[component - 1];
	struct ice_pair *p = best_valid(ice, component, true);

	if (p)
		drop_others(ice, p, component);
	if (!p && !(path->on && path->gen == ICE_OLD))
		p = best_valid(ice, component, false);
	if (p)
		path_set(ice, path, p);
}

static bool all_nominated(const struct ice *ice)
{
	for (unsigned i = 0; i < ice->components; i++)
		if (!ice->path[i].on || !ice->path[i].nominated || ice->path[i].gen != ICE_NOW)
			return false;
	return true;
}

/* A component that has no pair, and will have none. */
static bool is_hopeless(struct ice *ice, unsigned component)
{
	if (!ice->peer.done || !ice->gather.done || best_valid(ice, component, false))
		return false;
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		const struct ice_pair *p = &ice->pair[i];

		if (p->on && ice_pair_component(ice, p) == component && (p->queued || ice_pair_unfinished(p)))
			return false;
	}
	return true;
}

static void judge(struct ice *ice)
{
	if (all_nominated(ice)) {
		ice_state_set(ice, ICE_CONNECTED);
		return;
	}
	if (ice->state != ICE_CHECKING || ice->now_us - ice->began_us < ICE_PATIENCE_US)
		return;
	for (unsigned c = 1; c <= ice->components; c++)
		if (is_hopeless(ice, c)) {
			ice_state_set(ice, ICE_FAILED);
			return;
		}
}

void ice_reckon(struct ice *ice)
{
	ice->reckon = false;
	if (!ice->peer.known || (ice->state != ICE_CHECKING && ice->state != ICE_CONNECTED))
		return;
	for (unsigned c = 1; c <= ice->components; c++) {
		nominate(ice, c);
		select_path(ice, c);
	}
	judge(ice);
}

/* When a decision that waits for time is due. */
uint64_t ice_select_due(const struct ice *ice)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < ice->components; i++) {
		const struct ice_path *p = &ice->path[i];
		uint64_t next = p->consent_us < p->dead_us ? p->consent_us : p->dead_us;

		if (p->on && next < due)
			due = next;
	}
	if (ice->state != ICE_CHECKING)
		return due;
	if (ice->began_us + ICE_PATIENCE_US > ice->now_us && ice->began_us + ICE_PATIENCE_US < due)
		due = ice->began_us + ICE_PATIENCE_US;
	for (size_t i = 0; i < ICE_MAX_PAIRS && ice->role == ICE_CONTROLLING; i++) {
		const struct ice_pair *p = &ice->pair[i];
		uint64_t at = p->on && p->valid && !p->nominate ? nominate_at(ice, p) : 0;

		if (at > ice->now_us && at < due)
			due = at;
	}
	return due;
}

/* ---- consent */

static void consent_ask(struct ice *ice, struct ice_path *path)
{
	const struct ice_creds *c = path->gen == ICE_OLD ? &ice->old : &ice->cur;
	uint8_t msg[ICE_MESSAGE], *id = path->id[path->nids++ % ICE_CONSENT_IDS];
	size_t n;

	ice_random(ice, id, STUN_ID);
	n = ice_check_write(ice, msg, sizeof(msg), id, c, path->priority, false);
	if (!n)
		return;
	for (size_t i = 0; i < ice->nlocal; i++) {
		const struct ice_candidate *l = &ice->local[i].c;

		if (l->base == path->base && l->type == (path->relayed ? CANDIDATE_RELAY : CANDIDATE_HOST)) {
			ice->counts.checks_sent++;
			ice_send(ice, (unsigned)i, &path->remote, msg, n);
			return;
		}
	}
}

void ice_consent_tick(struct ice *ice)
{
	for (unsigned i = 0; i < ice->components; i++) {
		struct ice_path *path = &ice->path[i];

		if (path->on && ice->now_us >= path->dead_us) {
			path->on = false;
			/* During a restart the new checks go on: that the old way is broken may be why. */
			if (path->nominated && path->gen == ICE_NOW)
				ice_state_set(ice, ICE_LOST);
			/* What works only by its last answer works no more. */
			if (path->pair >= 0)
				ice->pair[path->pair].valid = ice->pair[path->pair].nominated = false;
			ice->reckon = true;
			continue;
		}
		if (path->on && ice->now_us >= path->consent_us) {
			consent_ask(ice, path);
			consent_later(ice, path);
		}
	}
	if (ice->state == ICE_LOST)
		for (unsigned i = 0; i < ICE_COMPONENTS; i++)
			ice->path[i].on = false;
}

static bool asked(const struct ice_path *path, const uint8_t *id)
{
	for (unsigned i = 0; i < ICE_CONSENT_IDS && i < path->nids; i++)
		if (!memcmp(path->id[i], id, STUN_ID))
			return true;
	return false;
}

bool ice_consent_answered(struct ice *ice, unsigned local, const struct sa *from, const struct stun_msg *m)
{
	for (unsigned i = 0; i < ice->components; i++) {
		struct ice_path *path = &ice->path[i];
		const struct ice_creds *c = path->gen == ICE_OLD ? &ice->old : &ice->cur;

		if (!path->on || path->base != ice->local[local].c.base || path->relayed != ice_is_relay(ice, local) ||
		    !sa_eq(&path->remote, from) || !asked(path, m->id))
			continue;
		if (m->cls != STUN_SUCCESS || stun_check(m, &ice->prm.hash, str_z(c->rpwd))) {
			ice->counts.unsigned_came++;
			return false;
		}
		path->dead_us = ice->now_us + ICE_CONSENT_DEAD_US;
		return true;
	}
	return false;
}

/* ---- whose media is taken: of any pair that was checked (RFC 8445 section 12.2) */

bool ice_is_checked(const struct ice *ice, unsigned component, unsigned base, bool relayed, const struct sa *from)
{
	const struct ice_path *path = &ice->path[component - 1];

	if (path->on && path->base == base && path->relayed == relayed && sa_eq(&path->remote, from))
		return true;
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		const struct ice_pair *p = &ice->pair[i];

		if (p->on && p->valid && ice->local[p->local].c.base == base && ice_is_relay(ice, p->local) == relayed &&
		    sa_eq(&ice->remote[p->remote].addr, from))
			return true;
	}
	return false;
}
