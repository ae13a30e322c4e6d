/* media/ice_grant.c -- what a TURN server has granted an allocation (RFC 8656 sections 9 and 12): permissions
 * and channels, and data wrapped for it. It only keeps them; ice_turn.c asks for what is wanted. */
#include "media/ice_int.h"
#include "base/poison.h"

struct ice_turn *ice_turn_by_base(struct ice *ice, unsigned base)
{
	for (size_t i = 0; i < ice->gather.nturns; i++)
		if (ice->gather.turn[i].base == base)
			return &ice->gather.turn[i];
	return NULL;
}

struct ice_turn *ice_turn_at(struct ice *ice, unsigned base, const struct sa *from)
{
	struct ice_turn *t;

	if (!ice->gather.nturns || !sa_eq(from, &ice->gather.turn_server))
		return NULL;
	t = ice_turn_by_base(ice, base);
	/* What a relay over TCP has to say comes by its connection: a datagram is somebody else's. */
	return t && !t->stream ? t : NULL;
}

void ice_turn_send(struct ice *ice, const struct ice_turn *t, const void *p, size_t n)
{
	if (t->stream)
		ice->prm.ops.stream_send(ice->prm.ops.arg, t->base, p, n);
	else
		ice->prm.ops.send(ice->prm.ops.arg, ice->base[t->base].component, t->base, &ice->gather.turn_server, p, n);
}

struct ice_turn *ice_turn_of(struct ice *ice, unsigned local)
{
	for (size_t i = 0; i < ice->gather.nturns; i++)
		if (ice->gather.turn[i].state == ICE_TURN_READY && ice->gather.turn[i].base == ice->local[local].c.base)
			return &ice->gather.turn[i];
	return NULL;
}

/* ---- permissions and channels */

enum ice_grant ice_turn_permit(struct ice_turn *t, const struct sa *peer)
{
	struct ice_permit *none = NULL;

	if (!t)
		return ICE_GRANT_REFUSED;
	for (size_t i = 0; i < ARRAY_LEN(t->permit); i++) {
		struct ice_permit *p = &t->permit[i];

		if (p->grant != ICE_GRANT_NONE && sa_eq_host(&p->peer, peer))
			return p->grant;
		if (p->grant == ICE_GRANT_NONE && !none)
			none = p;
	}
	if (!none)
		return ICE_GRANT_REFUSED;
	*none = (struct ice_permit){ .grant = ICE_GRANT_WANTED, .peer = *peer };
	return ICE_GRANT_WANTED;
}

bool ice_turn_knows(const struct ice_turn *t, const struct sa *peer)
{
	for (size_t i = 0; i < ARRAY_LEN(t->permit); i++)
		if (t->permit[i].grant != ICE_GRANT_NONE && t->permit[i].grant != ICE_GRANT_REFUSED &&
		    sa_eq_host(&t->permit[i].peer, peer))
			return true;
	return false;
}

void ice_turn_channel(struct ice_turn *t, const struct sa *peer)
{
	struct ice_channel *none = NULL;

	for (size_t i = 0; t && i < ICE_CHANNELS; i++) {
		struct ice_channel *c = &t->channel[i];

		if (c->grant != ICE_GRANT_NONE && sa_eq(&c->peer, peer))
			return;
		if (c->grant == ICE_GRANT_NONE && !none)
			none = c;
	}
	/* Without a channel media goes as indications, which costs 32 bytes more a packet. */
	if (!none || t->next_channel > STUN_CHANNEL_MAX)
		return;
	*none = (struct ice_channel){ .grant = ICE_GRANT_WANTED, .peer = *peer, .number = t->next_channel++ };
}

static const struct ice_channel *channel_to(const struct ice_turn *t, const struct sa *peer)
{
	for (size_t i = 0; i < ICE_CHANNELS; i++)
		if (t->channel[i].usable && sa_eq(&t->channel[i].peer, peer))
			return &t->channel[i];
	return NULL;
}

const struct sa *ice_turn_channel_peer(const struct ice_turn *t, uint16_t number)
{
	for (size_t i = 0; i < ICE_CHANNELS; i++)
		/* Asked for is enough: its first data may come before the answer. */
		if (t->channel[i].grant != ICE_GRANT_NONE && t->channel[i].grant != ICE_GRANT_REFUSED &&
		    t->channel[i].number == number)
			return &t->channel[i].peer;
	return NULL;
}

bool ice_turn_wrap(const struct ice_turn *t, const uint8_t id[STUN_ID], const struct sa *peer, uint8_t *p, size_t *n, size_t max)
{
	const struct ice_channel *c = channel_to(t, peer);
	size_t head = c ? STUN_CHANNEL_HEADER : STUN_HEADER + (sa_is_v6(peer) ? 24 : 12) + 4, pad = c ? 0 : -*n & 3;
	struct stun_out o;

	if (*n + head + pad > max || *n + head + pad > STUN_MAX)
		return false;
	memmove(p + head, p, *n);
	if (c) {
		stun_channel_header(p, c->number, (uint16_t)*n);
		*n += head;
		return true;
	}
	/* The payload stands where the attribute's value goes: write the message around it. */
	stun_begin(&o, p, max, STUN_INDICATION, STUN_SEND, id);
	stun_put_addr(&o, STUN_XOR_PEER_ADDRESS, peer);
	stun_wrap_data(&o, *n);
	*n = stun_end(&o);
	return *n != 0;
}

static bool is_on_path(const struct ice *ice, const struct sa *peer)
{
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		if (ice->path[i].on && ice->path[i].relayed && sa_eq_host(&ice->path[i].remote, peer))
			return true;
	return false;
}

void ice_turn_forget(struct ice *ice, struct ice_turn *t)
{
	/* What is being asked for has its answer to come. */
	for (size_t i = 0; i < ARRAY_LEN(t->permit); i++)
		if (t->permit[i].grant != ICE_GRANT_ASKED && !is_on_path(ice, &t->permit[i].peer))
			t->permit[i].grant = ICE_GRANT_NONE;
	for (size_t i = 0; i < ICE_CHANNELS; i++)
		if (t->channel[i].grant != ICE_GRANT_ASKED && !is_on_path(ice, &t->channel[i].peer))
			t->channel[i] = (struct ice_channel){ .grant = ICE_GRANT_NONE };
}
