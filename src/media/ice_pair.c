/* media/ice_pair.c -- candidates of both sides, the pairs of them, their order and their states
 * (RFC 8445 sections 5.1, 6.1.2). What is done with a pair is in ice_check.c. */
#include "media/ice_int.h"
#include "base/poison.h"
#include <stdio.h>

/* ---- candidates */

/* RFC 8445 section 5.1.2.1 and 5.1.2.2 */
uint32_t ice_priority(enum candidate_type t, unsigned preference, unsigned component)
{
	static const uint32_t of_type[CANDIDATE_TYPES] = {
		[CANDIDATE_HOST] = 126, [CANDIDATE_PRFLX] = 110, [CANDIDATE_SRFLX] = 100, [CANDIDATE_RELAY] = 0
	};

	return of_type[t] << 24 | (preference & 0xffff) << 8 | (256 - (component & 0xff));
}

unsigned ice_preference(const struct ice *ice, unsigned base)
{
	unsigned before = 0;

	/* The caller's order; one value a base and component, so that no two priorities are the same. */
	for (unsigned i = 0; i < ICE_MAX_BASES && i < base; i++)
		before += ice->base[i].on && ice->base[i].component == ice->base[base].component;
	return 65535 - 64 * before;
}

/* The same for the same type, base address and server (RFC 8445 section 5.1.1.3). */
static void found(struct ice *ice, struct ice_local *l)
{
	for (size_t i = 0; i < ice->nlocal; i++) {
		const struct ice_local *o = &ice->local[i];

		if (o != l && o->c.type == l->c.type && sa_eq_host(&o->base_addr, &l->base_addr) &&
		    sa_is_set(&o->server) == sa_is_set(&l->server) &&
		    (!sa_is_set(&o->server) || sa_eq_host(&o->server, &l->server))) {
			str_copy(l->c.foundation, sizeof(l->c.foundation), str_z(o->c.foundation));
			return;
		}
	}
	snprintf(l->c.foundation, sizeof(l->c.foundation), "%u", ++ice->foundations);
}

static unsigned on_base(const struct ice *ice, unsigned base, enum candidate_type t)
{
	unsigned n = 0;

	for (size_t i = 0; i < ice->nlocal; i++)
		n += ice->local[i].c.base == base && ice->local[i].c.type == t;
	return n;
}

int ice_local_add(struct ice *ice, enum candidate_type t, unsigned base, const struct sa *addr, const struct sa *related,
		  const struct sa *server)
{
	const struct ice_base *b = &ice->base[base];
	struct ice_local *l;

	/* Redundant: the same address from the same base (RFC 8445 section 5.1.3). */
	for (size_t i = 0; i < ice->nlocal; i++)
		if (ice->local[i].c.base == base && sa_eq(&ice->local[i].c.addr, addr) &&
		    ice_is_relay(ice, (unsigned)i) == (t == CANDIDATE_RELAY))
			return (int)i;
	if (ice->nlocal == ICE_MAX_CANDIDATES)
		return -1;
	l = &ice->local[ice->nlocal];
	*l = (struct ice_local){ .c = { .type = t, .component = b->component, .base = (uint8_t)base, .addr = *addr },
				 .base_addr = t == CANDIDATE_HOST || t == CANDIDATE_RELAY ? *addr : b->addr };
	l->c.priority = ice_priority(t, ice_preference(ice, base) - on_base(ice, base, t), b->component);
	if (related)
		l->c.related = *related;
	if (server)
		l->server = *server;
	found(ice, l);
	ice->nlocal++;
	ice_pairs_of_local(ice, (unsigned)ice->nlocal - 1);
	if (t != CANDIDATE_PRFLX)
		ice_tell(ice, &(struct ice_event){ .type = ICE_EV_CANDIDATE, .candidate = &l->c });
	ice->reckon = true;
	return (int)ice->nlocal - 1;
}

int ice_local_by_base(const struct ice *ice, unsigned base)
{
	for (size_t i = 0; i < ice->nlocal; i++)
		if (ice->local[i].c.base == base && ice->local[i].c.type == CANDIDATE_HOST)
			return (int)i;
	return -1;
}

int ice_remote_find(const struct ice *ice, unsigned component, const struct sa *addr)
{
	for (size_t i = 0; i < ice->nremote; i++)
		if (ice->remote[i].component == component && sa_eq(&ice->remote[i].addr, addr))
			return (int)i;
	return -1;
}

/* A check came from where no candidate is (RFC 8445 section 7.3.1.3). */
int ice_remote_learn(struct ice *ice, unsigned component, const struct sa *addr, uint32_t priority)
{
	struct ice_candidate *r;

	if (ice->nremote == ICE_MAX_CANDIDATES)
		return -1;
	r = &ice->remote[ice->nremote];
	*r = (struct ice_candidate){ .type = CANDIDATE_PRFLX, .component = (uint8_t)component, .addr = *addr,
				     .priority = priority };
	/* A foundation that nobody else has: '*' is in none that the peer may send. */
	snprintf(r->foundation, sizeof(r->foundation), "*%u", ++ice->prflx);
	ice->nremote++;
	return (int)ice->nremote - 1;
}

/* ---- pairs */

void ice_pair_state(struct ice_pair *p, enum ice_pair_state s)
{
#define TO(x) (1u << ICE_PAIR_##x)
	static const unsigned allowed[ICE_PAIR_STATES] = {
		[ICE_PAIR_FROZEN] = TO(WAITING) | TO(IN_PROGRESS) | TO(FAILED),
		[ICE_PAIR_WAITING] = TO(IN_PROGRESS) | TO(FAILED),
		/* waiting: a check of the peer's came meanwhile (RFC 8445 section 7.3.1.4) */
		[ICE_PAIR_IN_PROGRESS] = TO(WAITING) | TO(SUCCEEDED) | TO(FAILED),
		/* again: to nominate it */
		[ICE_PAIR_SUCCEEDED] = TO(IN_PROGRESS) | TO(FAILED),
		[ICE_PAIR_FAILED] = TO(WAITING) | TO(SUCCEEDED),        /* an answer that came late */
	};
#undef TO

	if (allowed[p->state] & 1u << s)
		p->state = (uint8_t)s;
}

unsigned ice_pair_component(const struct ice *ice, const struct ice_pair *p)
{
	return ice->local[p->local].c.component;
}

bool ice_pair_unfinished(const struct ice_pair *p)
{
	return p->state == ICE_PAIR_FROZEN || p->state == ICE_PAIR_WAITING || p->state == ICE_PAIR_IN_PROGRESS;
}

static void rank(const struct ice *ice, struct ice_pair *p)
{
	uint64_t l = ice->local[p->local].c.priority, r = ice->remote[p->remote].priority;
	uint64_t g = ice->role == ICE_CONTROLLING ? l : r, d = ice->role == ICE_CONTROLLING ? r : l;

	/* RFC 8445 section 6.1.2.3 */
	p->priority = (g < d ? g : d) << 32 | ((g > d ? g : d) << 1) | (g > d);
}

void ice_pairs_rank(struct ice *ice)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++)
		if (ice->pair[i].on)
			rank(ice, &ice->pair[i]);
}

static bool same_way(const struct ice *ice, const struct ice_pair *p, unsigned local, const struct sa *remote)
{
	return p->on && ice->local[p->local].c.base == ice->local[local].c.base &&
	       ice_is_relay(ice, p->local) == ice_is_relay(ice, local) && sa_eq(&ice->remote[p->remote].addr, remote);
}

struct ice_pair *ice_pair_find(struct ice *ice, unsigned local, const struct sa *remote)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++)
		if (same_way(ice, &ice->pair[i], local, remote))
			return &ice->pair[i];
	return NULL;
}

static bool is_local_link(const struct sa *a)
{
	return sa_is_v6(a) && IN6_IS_ADDR_LINKLOCAL(&a->u.in6.sin6_addr);
}

/* RFC 8445 section 6.1.2.2; loopback and links talk among themselves. */
static bool fits(const struct ice *ice, unsigned local, unsigned remote)
{
	const struct ice_local *l = &ice->local[local];
	const struct ice_candidate *r = &ice->remote[remote];

	/* What is sent from a reflexive candidate leaves its base: that pair is there already. */
	if (l->c.type != CANDIDATE_HOST && l->c.type != CANDIDATE_RELAY)
		return false;
	if (l->c.component != r->component || sa_is_v6(&l->base_addr) != sa_is_v6(&r->addr))
		return false;
	if (l->c.type == CANDIDATE_RELAY)
		return true;
	return sa_is_loopback(&l->base_addr) >= sa_is_loopback(&r->addr) &&
	       is_local_link(&l->base_addr) == is_local_link(&r->addr);
}

/* A free place, or that of a pair which ranks lower and of which nothing is known yet. */
static struct ice_pair *place_for(struct ice *ice, uint64_t priority)
{
	struct ice_pair *low = NULL;

	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (!p->on)
			return p;
		if (!p->queued && !p->valid && (p->state == ICE_PAIR_FROZEN || p->state == ICE_PAIR_WAITING ||
						p->state == ICE_PAIR_FAILED) && (!low || p->priority < low->priority))
			low = p;
	}
	return low && low->priority < priority ? low : NULL;
}

struct ice_pair *ice_pair_add(struct ice *ice, unsigned local, unsigned remote)
{
	struct ice_pair fresh = { .on = true, .local = (uint8_t)local, .remote = (uint8_t)remote }, *p;

	if (!fits(ice, local, remote))
		return NULL;
	p = ice_pair_find(ice, local, &ice->remote[remote].addr);
	if (p)
		return p;
	rank(ice, &fresh);
	p = place_for(ice, fresh.priority);
	if (!p)
		return NULL;
	*p = fresh;
	/* What stands there may have had a path's place. */
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		if (ice->path[i].pair == (int)(p - ice->pair))
			ice->path[i].pair = -1;
	if (ice_is_relay(ice, local))
		ice_turn_permit(ice_turn_of(ice, local), &ice->remote[remote].addr);
	return p;
}

void ice_pairs_of_local(struct ice *ice, unsigned local)
{
	for (size_t i = 0; ice->peer.known && i < ice->nremote; i++)
		ice_pair_add(ice, local, (unsigned)i);
}

void ice_pairs_of_remote(struct ice *ice, unsigned remote)
{
	for (size_t i = 0; i < ice->nlocal; i++)
		ice_pair_add(ice, (unsigned)i, remote);
}

void ice_pairs_clear(struct ice *ice)
{
	size_t kept = 0;

	memset(ice->pair, 0, sizeof(ice->pair));
	ice->nremote = 0;
	ice->nearly = 0;
	ice->queue_last = 0;
	/* Peer-reflexive ones belong to the old checks. They stand behind all others, except those
	 * that were gathered later: the places of relays are told to their allocations again. */
	for (size_t i = 0; i < ice->nlocal; i++)
		if (ice->local[i].c.type != CANDIDATE_PRFLX) {
			struct ice_turn *t = ice_is_relay(ice, (unsigned)i) ? ice_turn_of(ice, (unsigned)i) : NULL;

			if (t)
				t->local = (uint8_t)kept;
			if (kept != i)
				ice->local[kept] = ice->local[i];
			kept++;
		}
	ice->nlocal = kept;
	for (size_t i = 0; i < ice->gather.nturns; i++)
		ice_turn_forget(ice, &ice->gather.turn[i]);
}

/* ---- which is next (RFC 8445 section 6.1.4.2) */

static bool same_foundation(const struct ice *ice, const struct ice_pair *a, const struct ice_pair *b)
{
	return str_eq(str_z(ice->local[a->local].c.foundation), str_z(ice->local[b->local].c.foundation)) &&
	       str_eq(str_z(ice->remote[a->remote].foundation), str_z(ice->remote[b->remote].foundation));
}

void ice_unfreeze(struct ice *ice, const struct ice_pair *like)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (p->on && p->state == ICE_PAIR_FROZEN && same_foundation(ice, p, like))
			ice_pair_state(p, ICE_PAIR_WAITING);
	}
}

static bool is_busy_foundation(const struct ice *ice, const struct ice_pair *like)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		const struct ice_pair *p = &ice->pair[i];

		if (p->on && p != like && (p->state == ICE_PAIR_WAITING || p->state == ICE_PAIR_IN_PROGRESS) &&
		    same_foundation(ice, p, like))
			return true;
	}
	return false;
}

enum ice_grant ice_pair_grant(struct ice *ice, const struct ice_pair *p)
{
	if (!ice_is_relay(ice, p->local))
		return ICE_GRANT_THERE;
	return ice_turn_permit(ice_turn_of(ice, p->local), &ice->remote[p->remote].addr);
}

/* May its check be sent now? A relay must have the server's permission first. */
static bool is_ready(struct ice *ice, struct ice_pair *p)
{
	switch (ice_pair_grant(ice, p)) {
	case ICE_GRANT_THERE:
		return true;
	case ICE_GRANT_REFUSED:
		p->queued = 0;
		ice_pair_state(p, ICE_PAIR_FAILED);
		ice->reckon = true;
		return false;
	default:
		return false;
	}
}

static struct ice_pair *first_queued(struct ice *ice)
{
	struct ice_pair *best = NULL;

	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (p->on && p->queued && is_ready(ice, p) && (!best || p->queued < best->queued))
			best = p;
	}
	return best;
}

static struct ice_pair *best_of(struct ice *ice, enum ice_pair_state s)
{
	struct ice_pair *best = NULL;

	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (!p->on || p->state != s || (best && p->priority <= best->priority))
			continue;
		if (s == ICE_PAIR_FROZEN ? !is_busy_foundation(ice, p) : is_ready(ice, p))
			best = p;
	}
	return best;
}

static bool may_check(const struct ice *ice)
{
	return ice->peer.known && (ice->state == ICE_CHECKING || ice->state == ICE_CONNECTED);
}

struct ice_pair *ice_pair_triggered(struct ice *ice)
{
	return may_check(ice) ? first_queued(ice) : NULL;
}

struct ice_pair *ice_pair_next(struct ice *ice)
{
	struct ice_pair *p, *frozen;

	if (!may_check(ice))
		return NULL;
	p = best_of(ice, ICE_PAIR_WAITING);
	frozen = best_of(ice, ICE_PAIR_FROZEN);
	/* One of each foundation is let go, the best first; the others wait for its outcome. */
	if (frozen && (!p || frozen->priority > p->priority)) {
		ice_pair_state(frozen, ICE_PAIR_WAITING);
		if (is_ready(ice, frozen))
			return frozen;
	}
	return p;
}

void ice_pair_trigger(struct ice *ice, struct ice_pair *p)
{
	if (!p->queued)
		p->queued = ++ice->queue_last;
}
