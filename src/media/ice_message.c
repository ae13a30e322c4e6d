/* media/ice_message.c -- the Binding requests of an agent, and how its messages leave: from a base, or
 * wrapped for a relay. */
#include "media/ice_int.h"
#include <stdio.h>
#include "base/poison.h"

static void put_role(const struct ice *ice, struct stun_out *o)
{
	stun_put_u64(o, ice->role == ICE_CONTROLLING ? STUN_ICE_CONTROLLING : STUN_ICE_CONTROLLED, ice->tie_breaker);
}

void ice_message_close(struct ice *ice, struct stun_out *o, const char *pwd)
{
	stun_put_integrity(o, &ice->prm.hash, STUN_HASH_SHA1, str_z(pwd));
	stun_put_fingerprint(o);
}

size_t ice_check_write(struct ice *ice, uint8_t *p, size_t max, const uint8_t *id, const struct ice_creds *c, uint32_t priority,
		       bool nominate)
{
	char user[ICE_CREDENTIAL_MAX + ICE_UFRAG + 2];
	struct stun_out o;
	int n = snprintf(user, sizeof(user), "%s:%s", c->rufrag, c->own.ufrag);

	stun_begin(&o, p, max, STUN_REQUEST, STUN_BINDING, id);
	stun_put(&o, STUN_USERNAME, str_mk(user, (size_t)n));
	stun_put_u32(&o, STUN_PRIORITY, priority);
	put_role(ice, &o);
	if (nominate)
		stun_put_flag(&o, STUN_USE_CANDIDATE);
	ice_message_close(ice, &o, c->rpwd);
	return stun_end(&o);
}

void ice_send(struct ice *ice, unsigned local, const struct sa *to, const void *p, size_t n)
{
	const struct ice_candidate *c = &ice->local[local].c;
	uint8_t out[ICE_MESSAGE + 128], id[STUN_ID];
	struct ice_turn *t;

	if (!ice_is_relay(ice, local)) {
		ice->prm.ops.send(ice->prm.ops.arg, c->component, c->base, to, p, n);
		return;
	}
	t = ice_turn_of(ice, local);
	if (!t || n > ICE_MESSAGE)
		return;
	memcpy(out, p, n);
	ice_random(ice, id, sizeof(id));
	if (ice_turn_wrap(t, id, to, out, &n, sizeof(out)))
		ice_turn_send(ice, t, out, n);
}
