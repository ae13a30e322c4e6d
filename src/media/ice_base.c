/* media/ice_base.c -- what all parts of an ICE agent stand on: the states of the agent, what it tells,
 * chance, and the repeats of a request (RFC 8489 section 6.2.1). */
#include "media/ice_int.h"
#include "base/poison.h"

/* ---- states */

const char *ice_state_name(enum ice_state s)
{
	static const char *const names[ICE_STATES] = { "idle", "checking", "connected", "failed", "lost" };

	return (unsigned)s < ICE_STATES ? names[s] : "";
}

void ice_state_set(struct ice *ice, enum ice_state s)
{
#define TO(x) (1u << ICE_##x)
	static const unsigned allowed[ICE_STATES] = {
		[ICE_IDLE] = TO(CHECKING) | TO(CONNECTED),      /* connected: a restart that was undone */
		[ICE_CHECKING] = TO(IDLE) | TO(CONNECTED) | TO(FAILED),
		[ICE_CONNECTED] = TO(IDLE) | TO(CHECKING) | TO(LOST),
		[ICE_FAILED] = TO(IDLE) | TO(CHECKING),
		[ICE_LOST] = TO(IDLE) | TO(CHECKING),
	};
#undef TO

	if (ice->state == s || !(allowed[ice->state] & 1u << s))
		return;
	ice->state = s;
	ice_tell(ice, &(struct ice_event){ .type = ICE_EV_STATE, .state = s });
}

void ice_tell(struct ice *ice, const struct ice_event *e)
{
	if (ice->prm.ops.event)
		ice->prm.ops.event(ice->prm.ops.arg, e);
}

void ice_random(struct ice *ice, void *p, size_t n)
{
	ice->prm.ops.random(ice->prm.ops.arg, p, n);
}

/* ---- transactions */

void ice_tx_start(struct ice *ice, struct ice_tx *tx, uint32_t rto_us)
{
	*tx = (struct ice_tx){ .on = true, .rto_us = rto_us, .next_us = ice->now_us };
	ice_random(ice, tx->id, sizeof(tx->id));
}

/* RFC 8489 section 6.2.1: 0, 1, 3, 7, ... times RTO, and a longer wait after the last. */
enum ice_tx_step ice_tx_due(struct ice *ice, struct ice_tx *tx)
{
	if (!tx->on || ice->now_us < tx->next_us)
		return ICE_TX_WAIT;
	if (tx->sends >= ICE_RC) {
		tx->on = false;
		return ICE_TX_OVER;
	}
	tx->sends = tx->once ? ICE_RC : (uint8_t)(tx->sends + 1);
	if (tx->once) {
		tx->next_us = ice->now_us + ICE_TI_US;
		return ICE_TX_SEND;
	}
	tx->next_us = ice->now_us + (tx->sends < ICE_RC ? (uint64_t)tx->rto_us << (tx->sends - 1) :
						 (uint64_t)tx->rto_us * ICE_RM);
	return ICE_TX_SEND;
}
