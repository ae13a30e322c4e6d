/* media/ice_check.c -- connectivity checks (RFC 8445 section 7): sending them, answering those of
 * the peer, and what an answer means. Which pair is checked when is in ice_pair.c. */
#include "media/ice_int.h"
#include "base/poison.h"

/* ---- ours */

/* What the peer would give a candidate that it learns from this check (RFC 8445 section 7.1.1). */
static uint32_t check_priority(const struct ice *ice, unsigned local)
{
	const struct ice_candidate *c = &ice->local[local].c;

	return ice_priority(CANDIDATE_PRFLX, c->priority >> 8 & 0xffff, c->component);
}

static void send_now(struct ice *ice, struct ice_pair *p)
{
	uint8_t msg[ICE_MESSAGE];
	size_t n = ice_check_write(ice, msg, sizeof(msg), p->tx.id, &ice->cur, check_priority(ice, p->local), p->sent_nominate);

	if (!n)
		return;
	ice->counts.checks_sent++;
	ice_send(ice, p->local, &ice->remote[p->remote].addr, msg, n);
}

/* RFC 8445 section 14.3: the more is under way, the longer it takes. */
static uint32_t check_rto(const struct ice *ice)
{
	uint32_t busy = 0;

	for (size_t i = 0; i < ICE_MAX_PAIRS; i++)
		busy += ice->pair[i].on && (ice->pair[i].state == ICE_PAIR_WAITING || ice->pair[i].state == ICE_PAIR_IN_PROGRESS);
	return busy * ICE_TA_US > ICE_RTO_US ? busy * ICE_TA_US : ICE_RTO_US;
}

void ice_check_send(struct ice *ice, struct ice_pair *p)
{
	/* The one under way is sent no more, but an answer to it still counts (7.3.1.4). */
	if (p->tx.on) {
		memcpy(p->old_id, p->tx.id, STUN_ID);
		p->has_old = true;
	}
	p->queued = 0;
	ice_tx_start(ice, &p->tx, check_rto(ice));
	p->sent_role = ice->role;
	p->sent_nominate = p->nominate && ice->role == ICE_CONTROLLING;
	if (p->state == ICE_PAIR_FAILED)
		ice_pair_state(p, ICE_PAIR_WAITING);
	ice_pair_state(p, ICE_PAIR_IN_PROGRESS);
	if (ice_tx_due(ice, &p->tx) == ICE_TX_SEND)
		send_now(ice, p);
}

static void pair_failed(struct ice *ice, struct ice_pair *p)
{
	p->tx.on = false;
	p->queued = 0;
	/* It worked once, and not when it was to be the one: the next best is tried. */
	p->valid = p->valid && !p->nominate;
	p->nominate = p->named = false;
	ice_pair_state(p, ICE_PAIR_FAILED);
	ice->reckon = true;
}

void ice_checks_tick(struct ice *ice)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (!p->on)
			continue;
		switch (ice_tx_due(ice, &p->tx)) {
		case ICE_TX_SEND:
			send_now(ice, p);
			break;
		case ICE_TX_OVER:
			pair_failed(ice, p);
			break;
		case ICE_TX_WAIT:
			break;
		}
	}
}

void ice_role_set(struct ice *ice, enum ice_role role)
{
	if (ice->role == role)
		return;
	ice->role = role;
	ice_pairs_rank(ice);
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++)
		ice->pair[i].nominate = ice->pair[i].nominate && role == ICE_CONTROLLING;
	ice->reckon = true;
}

/* ---- the peer's (RFC 8445 section 7.3) */

static void answer(struct ice *ice, unsigned local, const struct sa *to, const struct stun_msg *m, const char *pwd, unsigned code)
{
	uint8_t msg[ICE_MESSAGE];
	struct stun_out o;

	stun_begin(&o, msg, sizeof(msg), code ? STUN_ERROR : STUN_SUCCESS, STUN_BINDING, m->id);
	if (code)
		stun_put_error(&o, code, code == 487 ? STR("Role Conflict") : STR("Unknown Attribute"));
	else
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, to);
	if (code == 420)
		stun_put_unknown(&o, m->unknown, m->nunknown);
	ice_message_close(ice, &o, pwd);
	if (stun_end(&o))
		ice_send(ice, local, to, msg, o.n);
}

/* Is it our ufrag that stands first, and the peer's second? */
static bool names_us(const struct ice_creds *c, bool known, struct str user)
{
	struct str first = str_cut_raw(&user, ':');

	return c->own.ufrag[0] && str_eq(first, str_z(c->own.ufrag)) && (!known || str_eq(user, str_z(c->rufrag)));
}

/* RFC 8445 section 7.3.1.1. true: this request is refused. */
static bool is_conflict(struct ice *ice, const struct stun_msg *m)
{
	bool stronger = ice->tie_breaker >= m->tie_breaker;

	if (ice->role == ICE_CONTROLLING && m->controlling) {
		if (stronger)
			return true;
		ice_role_set(ice, ICE_CONTROLLED);
	} else if (ice->role == ICE_CONTROLLED && m->controlled) {
		if (!stronger)
			return true;
		ice_role_set(ice, ICE_CONTROLLING);
	}
	return false;
}

/* The peer can reach us from there: have it checked in the other direction as well. */
void ice_learn(struct ice *ice, unsigned local, const struct sa *from, uint32_t priority, bool nominate)
{
	unsigned component = ice->local[local].c.component;
	int r = ice_remote_find(ice, component, from);
	struct ice_pair *p;

	if (r < 0)
		r = ice_remote_learn(ice, component, from, priority);
	if (r < 0)
		return;
	p = ice_pair_find(ice, local, from);
	if (!p)
		p = ice_pair_add(ice, local, (unsigned)r);
	if (!p)
		return;
	if (nominate && ice->role == ICE_CONTROLLED) {
		p->named = true;
		if (p->state == ICE_PAIR_SUCCEEDED && p->valid)
			p->nominated = true;
	}
	if (p->state != ICE_PAIR_SUCCEEDED)
		ice_pair_trigger(ice, p);
	ice->reckon = true;
}

static void keep_early(struct ice *ice, unsigned local, const struct sa *from, const struct stun_msg *m)
{
	struct ice_early *e = NULL;

	for (size_t i = 0; i < ice->nearly; i++)
		if (ice->early[i].local == local && sa_eq(&ice->early[i].from, from))
			e = &ice->early[i];
	if (!e && ice->nearly == ICE_MAX_EARLY)
		return;
	if (!e) {
		e = &ice->early[ice->nearly++];
		*e = (struct ice_early){ .local = (uint8_t)local, .from = *from };
	}
	e->priority = m->priority ? m->priority : 1;
	e->nominate = e->nominate || m->use_candidate;
}

static bool has_old_path(const struct ice *ice)
{
	return (ice->path[0].on && ice->path[0].gen == ICE_OLD) || (ice->path[1].on && ice->path[1].gen == ICE_OLD);
}

static void request_came(struct ice *ice, unsigned local, const struct sa *from, const struct stun_msg *m)
{
	bool now = names_us(&ice->cur, ice->peer.known, m->username);
	const struct ice_creds *c = now ? &ice->cur : &ice->old;

	/* Until the integrity is seen to be right this must do nothing. */
	if ((!now && (!has_old_path(ice) || !names_us(&ice->old, true, m->username))) ||
	    stun_check(m, &ice->prm.hash, str_z(c->own.pwd))) {
		ice->counts.unsigned_came++;
		return;
	}
	ice->counts.checks_came++;
	if (m->nunknown) {
		answer(ice, local, from, m, c->own.pwd, 420);
		return;
	}
	if (!now) {
		/* Of the session before the restart: it keeps its consent, no more. */
		answer(ice, local, from, m, c->own.pwd, 0);
		return;
	}
	if (is_conflict(ice, m)) {
		answer(ice, local, from, m, c->own.pwd, 487);
		return;
	}
	answer(ice, local, from, m, c->own.pwd, 0);
	if (ice->peer.known)
		ice_learn(ice, local, from, m->priority ? m->priority : 1, m->use_candidate);
	else
		keep_early(ice, local, from, m);
}

/* ---- answers (RFC 8445 section 7.2.5) */

static struct ice_pair *pair_of(struct ice *ice, const uint8_t *id, bool *current)
{
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		struct ice_pair *p = &ice->pair[i];

		if (!p->on)
			continue;
		*current = ice_tx_is(&p->tx, id);
		if (*current || (p->has_old && !memcmp(p->old_id, id, STUN_ID)))
			return p;
	}
	return NULL;
}

static void pair_succeeded(struct ice *ice, struct ice_pair *p, const struct stun_msg *m, bool current)
{
	const struct ice_candidate *l = &ice->local[p->local].c;

	/* From where the peer sees us: a local candidate, or one that we did not know (7.2.5.3.1). */
	if (!ice_is_relay(ice, p->local))
		ice_local_add(ice, CANDIDATE_PRFLX, l->base, &m->xor_mapped, &ice->base[l->base].addr, NULL);
	p->heard_us = ice->now_us;
	if (!p->valid)
		p->valid_us = ice->now_us;
	p->valid = true;
	if (current || !p->tx.on || !p->nominate) {
		p->tx.on = false;
		p->queued = 0;
		ice_pair_state(p, ICE_PAIR_SUCCEEDED);
	}
	p->has_old = p->has_old && current;
	if ((current && p->sent_nominate) || (ice->role == ICE_CONTROLLED && p->named))
		p->nominated = true;
	ice_unfreeze(ice, p);
	ice->reckon = true;
}

static void conflict_came(struct ice *ice, struct ice_pair *p)
{
	/* Unless the role has changed since that check was sent (RFC 8445 section 7.2.5.1). */
	if (p->sent_role == ice->role) {
		ice_role_set(ice, ice->role == ICE_CONTROLLING ? ICE_CONTROLLED : ICE_CONTROLLING);
		ice_random(ice, &ice->tie_breaker, sizeof(ice->tie_breaker));
	}
	p->tx.on = false;
	p->has_old = false;
	ice_pair_state(p, ICE_PAIR_WAITING);
	ice_pair_trigger(ice, p);
}

/* false: to no check of ours. */
static bool response_came(struct ice *ice, unsigned local, const struct sa *from, const struct stun_msg *m)
{
	bool current = false;
	struct ice_pair *p = pair_of(ice, m->id, &current);

	if (!p)
		return false;
	if (stun_check(m, &ice->prm.hash, str_z(ice->cur.rpwd))) {
		ice->counts.unsigned_came++;
		return true;
	}
	/* Not the way it went (7.2.5.2.1), or with what we do not know. */
	if (!sa_eq(from, &ice->remote[p->remote].addr) || ice->local[local].c.base != ice->local[p->local].c.base ||
	    ice_is_relay(ice, local) != ice_is_relay(ice, p->local) || m->nunknown) {
		pair_failed(ice, p);
		return true;
	}
	if (m->cls == STUN_ERROR && m->error == 487)
		conflict_came(ice, p);
	else if (m->cls == STUN_ERROR || !sa_is_set(&m->xor_mapped))
		pair_failed(ice, p);
	else
		pair_succeeded(ice, p, m, current);
	return true;
}

bool ice_binding_came(struct ice *ice, unsigned local, const struct sa *from, const struct stun_msg *m)
{
	/* Indications keep a binding: there is nothing to do (RFC 8445 section 11). */
	if (m->cls == STUN_SUCCESS || m->cls == STUN_ERROR)
		return response_came(ice, local, from, m);
	if (m->cls == STUN_REQUEST)
		request_came(ice, local, from, m);
	return true;
}
