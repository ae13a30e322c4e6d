/* media/ice_gather.c -- finding our own candidates: each base asks each STUN server from where it is
 * seen (RFC 8445 section 5.1.1.2). Relays are ice_turn.c's. */
#include "media/ice_int.h"
#include "base/num.h"
#include "base/poison.h"

enum { GATHER_MS = 3000 };      /* three requests of RFC 8489, at 0, 0.5 and 1.5 s, and an answer's time */

void ice_job_add(struct ice *ice, unsigned base, unsigned server)
{
	struct ice_job *j;

	if (ice->gather.njobs == ARRAY_LEN(ice->gather.job) || ice->base[base].no_servers || sa_is_v6(&ice->base[base].addr) != sa_is_v6(&ice->gather.server[server]))
		return;
	/* What listens to itself alone is seen from nowhere else. */
	if (sa_is_loopback(&ice->base[base].addr) != sa_is_loopback(&ice->gather.server[server]))
		return;
	j = &ice->gather.job[ice->gather.njobs++];
	*j = (struct ice_job){ .base = (uint8_t)base, .server = (uint8_t)server };
}

static void turns_begin(struct ice *ice)
{
	for (unsigned i = 0; ice->gather.turn && i < ICE_MAX_BASES; i++)
		if (ice->base[i].on && !ice->base[i].no_servers && sa_is_v6(&ice->base[i].addr) == sa_is_v6(&ice->gather.turn_server) &&
		    sa_is_loopback(&ice->base[i].addr) == sa_is_loopback(&ice->gather.turn_server))
			ice->gather.turn[ice->gather.nturns++] = (struct ice_turn){ .base = (uint8_t)i, .next_channel = STUN_CHANNEL_MIN };
}

void ice_gather(struct ice *ice, uint64_t now_us)
{
	ice->now_us = now_us;
	if (ice->gather.under_way)
		return;
	ice->gather.under_way = true;
	ice->gather.until_us = now_us + num_us_of_ms(ice->prm.gather_ms ? ice->prm.gather_ms : GATHER_MS);
	turns_begin(ice);
	ice_gather_check(ice);
}

bool ice_gathered(const struct ice *ice)
{
	return ice->gather.done;
}

void ice_gather_check(struct ice *ice)
{
	bool busy = false;

	if (!ice->gather.under_way || ice->gather.done)
		return;
	for (size_t i = 0; i < ice->gather.njobs; i++)
		busy = busy || ice->gather.job[i].state == ICE_JOB_NEW || ice->gather.job[i].state == ICE_JOB_ASKING;
	for (size_t i = 0; i < ice->gather.nturns; i++)
		busy = busy || ice->gather.turn[i].state == ICE_TURN_NEW || ice->gather.turn[i].state == ICE_TURN_ASKING;
	if (busy && ice->now_us < ice->gather.until_us)
		return;
	ice->gather.done = true;
	ice->reckon = true;
	ice_tell(ice, &(struct ice_event){ .type = ICE_EV_GATHERED });
}

static void ask(struct ice *ice, struct ice_job *j)
{
	uint8_t msg[128];
	struct stun_out o;

	stun_begin(&o, msg, sizeof(msg), STUN_REQUEST, STUN_BINDING, j->tx.id);
	if (ice->prm.software)
		stun_put(&o, STUN_SOFTWARE, STR("Sidetone"));
	stun_put_fingerprint(&o);
	if (stun_end(&o))
		ice->prm.ops.send(ice->prm.ops.arg, ice->base[j->base].component, j->base, &ice->gather.server[j->server], msg, o.n);
}

static void job_begin(struct ice *ice, struct ice_job *j)
{
	ice_tx_start(ice, &j->tx, ICE_RTO_US);
	if (ice_tx_due(ice, &j->tx) == ICE_TX_SEND)
		ask(ice, j);
}

bool ice_job_waits(const struct ice *ice)
{
	for (size_t i = 0; ice->gather.under_way && i < ice->gather.njobs; i++)
		if (ice->gather.job[i].state == ICE_JOB_NEW)
			return true;
	for (size_t i = 0; i < ice->gather.nturns; i++)
		if (ice->gather.turn[i].state == ICE_TURN_NEW)
			return true;
	return false;
}

bool ice_gather_step(struct ice *ice)
{
	for (size_t i = 0; ice->gather.under_way && i < ice->gather.njobs; i++)
		if (ice->gather.job[i].state == ICE_JOB_NEW) {
			ice->gather.job[i].state = ICE_JOB_ASKING;
			job_begin(ice, &ice->gather.job[i]);
			return true;
		}
	for (size_t i = 0; i < ice->gather.nturns; i++)
		if (ice->gather.turn[i].state == ICE_TURN_NEW) {
			ice_turn_begin(ice, &ice->gather.turn[i]);
			return true;
		}
	return false;
}

/* Until a pair works, nothing else keeps a NAT's binding of a reflexive candidate. */
static bool keeps_binding(const struct ice *ice, const struct ice_job *j)
{
	return j->state == ICE_JOB_DONE && j->again_us && (ice->state == ICE_IDLE || ice->state == ICE_CHECKING);
}

void ice_gather_tick(struct ice *ice)
{
	for (size_t i = 0; i < ice->gather.njobs; i++) {
		struct ice_job *j = &ice->gather.job[i];

		if (keeps_binding(ice, j) && ice->now_us >= j->again_us) {
			j->again_us = ice->now_us + ICE_BINDING_US;
			job_begin(ice, j);
			continue;
		}
		switch (ice_tx_due(ice, &j->tx)) {
		case ICE_TX_SEND:
			ask(ice, j);
			break;
		case ICE_TX_OVER:
			if (j->state == ICE_JOB_ASKING)
				j->state = ICE_JOB_FAILED;
			break;
		case ICE_TX_WAIT:
			break;
		}
	}
	ice_gather_check(ice);
}

bool ice_gather_answered(struct ice *ice, unsigned base, const struct sa *from, const struct stun_msg *m)
{
	if (m->method != STUN_BINDING || (m->cls != STUN_SUCCESS && m->cls != STUN_ERROR))
		return false;
	for (size_t i = 0; i < ice->gather.njobs; i++) {
		struct ice_job *j = &ice->gather.job[i];
		const struct sa *seen = sa_is_set(&m->xor_mapped) ? &m->xor_mapped : &m->mapped;

		if (j->base != base || !ice_tx_is(&j->tx, m->id) || !sa_eq(from, &ice->gather.server[j->server]))
			continue;
		j->tx.on = false;
		if (m->cls == STUN_SUCCESS && sa_is_set(seen) && !m->nunknown &&
		    sa_is_v6(seen) == sa_is_v6(&ice->base[base].addr)) {
			j->state = ICE_JOB_DONE;
			j->again_us = ice->now_us + ICE_BINDING_US;
			ice_local_add(ice, CANDIDATE_SRFLX, base, seen, &ice->base[base].addr, &ice->gather.server[j->server]);
		} else if (j->state == ICE_JOB_ASKING) {
			j->state = ICE_JOB_FAILED;
		}
		ice_gather_check(ice);
		return true;
	}
	return false;
}

uint64_t ice_gather_due(const struct ice *ice)
{
	uint64_t due = ice->gather.under_way && !ice->gather.done ? ice->gather.until_us : UINT64_MAX;

	for (size_t i = 0; i < ice->gather.njobs; i++) {
		const struct ice_job *j = &ice->gather.job[i];

		if (j->tx.on && j->tx.next_us < due)
			due = j->tx.next_us;
		if (keeps_binding(ice, j) && j->again_us < due)
			due = j->again_us;
	}
	return due;
}
