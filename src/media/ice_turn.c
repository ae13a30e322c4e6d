/* media/ice_turn.c -- an allocation at a TURN server, over UDP or TCP (RFC 8656): made, kept, with
 * permissions for the peer's candidates and a channel for media. One request is under way at
 * a time; which one is next follows from what is wanted and what runs out. */
#include "media/ice_int.h"
#include "base/num.h"
#include "base/poison.h"

enum {
	LIFETIME_S = 600,               /* RFC 8656 section 7.1: what a server gives when it is not asked */
	EARLY_US = 60000000,            /* section 8: refresh a minute before it runs out */
	PERMIT_US = 240000000,          /* permissions last 5 minutes (section 9) */
	CHANNEL_US = 540000000,         /* channels 10 (section 12) */
	UDP = 17,
	MAX_TRIES = 3,                  /* refusals of our credentials in a row */
	MAX_PERMITS = 8                 /* in one request */
};

/* ---- requests */

static void put_permits(struct ice_turn *t, struct stun_out *o)
{
	for (size_t i = 0; i < ARRAY_LEN(t->permit); i++)
		if (t->permit[i].grant == ICE_GRANT_ASKED)
			stun_put_addr(o, STUN_XOR_PEER_ADDRESS, &t->permit[i].peer);
}

static void put_channel(struct ice_turn *t, struct stun_out *o)
{
	for (size_t i = 0; i < ICE_CHANNELS; i++)
		if (t->channel[i].grant == ICE_GRANT_ASKED) {
			stun_put_channel(o, t->channel[i].number);
			stun_put_addr(o, STUN_XOR_PEER_ADDRESS, &t->channel[i].peer);
		}
}

static void put_auth(struct ice *ice, struct ice_turn *t, struct stun_out *o)
{
	if (!t->has_key)
		return;
	stun_put(o, STUN_USERNAME, str_z(ice->gather.turn_user));
	stun_put(o, STUN_REALM, str_mk(t->realm, t->realm_n));
	stun_put(o, STUN_NONCE, str_mk(t->nonce, t->nonce_n));
	stun_put_integrity(o, &ice->prm.hash, STUN_HASH_SHA1, str_mk((const char *)t->key, sizeof(t->key)));
}

static void request_send(struct ice *ice, struct ice_turn *t, enum ice_turn_work work, const uint8_t *id, bool release)
{
	static const enum stun_method methods[] = { [ICE_WORK_ALLOCATE] = STUN_ALLOCATE, [ICE_WORK_REFRESH] = STUN_REFRESH,
		[ICE_WORK_PERMIT] = STUN_CREATE_PERMISSION, [ICE_WORK_CHANNEL] = STUN_CHANNEL_BIND };
	uint8_t msg[STUN_MAX];
	struct stun_out o;

	stun_begin(&o, msg, sizeof(msg), STUN_REQUEST, methods[work], id);
	if (ice->prm.software)
		stun_put(&o, STUN_SOFTWARE, STR("Sidetone"));
	switch (work) {
	case ICE_WORK_ALLOCATE:
		stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, (uint32_t)UDP << 24);
		/* A server gives IPv4 unless it is asked for the other (RFC 8656 section 7.1). */
		if (sa_is_v6(&ice->gather.turn_server))
			stun_put_u32(&o, STUN_REQUESTED_FAMILY, 2u << 24);
		break;
	case ICE_WORK_REFRESH:
		if (release)
			stun_put_u32(&o, STUN_LIFETIME, 0);
		break;
	case ICE_WORK_PERMIT:
		put_permits(t, &o);
		break;
	case ICE_WORK_CHANNEL:
		put_channel(t, &o);
		break;
	}
	put_auth(ice, t, &o);
	stun_put_fingerprint(&o);
	if (stun_end(&o))
		ice_turn_send(ice, t, msg, o.n);
}

static void work_begin(struct ice *ice, struct ice_turn *t, enum ice_turn_work work)
{
	t->work = work;
	ice_tx_start(ice, &t->tx, ICE_RTO_US);
	t->tx.once = t->stream;
	if (ice_tx_due(ice, &t->tx) == ICE_TX_SEND)
		request_send(ice, t, work, t->tx.id, false);
}

/* ---- its connection, when it goes over TCP */

static bool stream_connect(struct ice *ice, struct ice_turn *t)
{
	t->stream_tried = true;
	if (!ice->prm.ops.stream_open ||
	    !ice->prm.ops.stream_open(ice->prm.ops.arg, t->base, &ice->base[t->base].addr, &ice->gather.turn_server))
		return false;
	return true;
}

static void stream_end(struct ice *ice, struct ice_turn *t)
{
	if (t->stream || t->opening)
		ice->prm.ops.stream_close(ice->prm.ops.arg, t->base);
	t->stream = t->opening = false;
}

/* Nothing came back for the first request over UDP: the way there may be closed, or slow. So a
 * connection is made beside it, and whichever is there first is used. */
static bool is_time_for_stream(const struct ice *ice, const struct ice_turn *t)
{
	return ice->gather.turn_kind == ICE_TURN && !t->stream_tried && !t->has_key && t->work == ICE_WORK_ALLOCATE && t->tx.on &&
	       t->tx.sends && ice->now_us >= t->tx.next_us;
}

void ice_turn_release(struct ice *ice, struct ice_turn *t)
{
	uint8_t id[STUN_ID];

	if (t->state == ICE_TURN_READY) {
		ice_random(ice, id, sizeof(id));
		request_send(ice, t, ICE_WORK_REFRESH, id, true);
	}
	stream_end(ice, t);
	t->state = ICE_TURN_FAILED;
	t->tx.on = false;
}

/* ---- outcomes */

static void turn_failed(struct ice *ice, struct ice_turn *t)
{
	stream_end(ice, t);
	t->state = ICE_TURN_FAILED;
	t->tx.on = false;
	for (size_t i = 0; i < ARRAY_LEN(t->permit); i++)
		t->permit[i].grant = ICE_GRANT_REFUSED;
	for (size_t i = 0; i < ICE_CHANNELS; i++)
		t->channel[i] = (struct ice_channel){ .grant = ICE_GRANT_REFUSED };
	ice->reckon = true;
}

void ice_turn_begin(struct ice *ice, struct ice_turn *t)
{
	t->state = ICE_TURN_ASKING;
	if (ice->gather.turn_kind != ICE_TURN_TCP)
		work_begin(ice, t, ICE_WORK_ALLOCATE);
	else if (stream_connect(ice, t))
		t->stream = true;
	else
		turn_failed(ice, t);
}

void ice_turn_opened(struct ice *ice, struct ice_turn *t)
{
	if (t->opening) {
		t->opening = t->tx.on = false;
		t->stream = true;
	}
	if (t->stream && t->state == ICE_TURN_ASKING && !t->tx.on)
		work_begin(ice, t, ICE_WORK_ALLOCATE);
}

/* The allocation is gone with its connection (RFC 8656 section 3.1). */
void ice_turn_lost(struct ice *ice, struct ice_turn *t)
{
	t->opening = false;
	if (!t->stream)
		return;
	t->stream = false;
	if (t->state == ICE_TURN_ASKING && ice->gather.turn_kind == ICE_TURN && !t->has_key)
		work_begin(ice, t, ICE_WORK_ALLOCATE);
	else
		turn_failed(ice, t);
}

static void permits_settle(struct ice_turn *t, enum ice_grant g, uint64_t again_us)
{
	for (size_t i = 0; i < ARRAY_LEN(t->permit); i++)
		if (t->permit[i].grant == ICE_GRANT_ASKED) {
			t->permit[i].grant = g;
			t->permit[i].again_us = again_us;
		}
}

static void channel_settle(struct ice_turn *t, bool ok, uint64_t again_us)
{
	for (size_t i = 0; i < ICE_CHANNELS; i++)
		if (t->channel[i].grant == ICE_GRANT_ASKED) {
			t->channel[i].grant = ok ? ICE_GRANT_THERE : ICE_GRANT_REFUSED;
			t->channel[i].usable = ok;
			t->channel[i].again_us = again_us;
		}
}

static void work_failed(struct ice *ice, struct ice_turn *t)
{
	size_t asked = 0;

	switch (t->work) {
	case ICE_WORK_ALLOCATE:
	case ICE_WORK_REFRESH:
		turn_failed(ice, t);
		break;
	case ICE_WORK_PERMIT:
		/* One of several was at fault: ask for each by itself. */
		for (size_t i = 0; i < ARRAY_LEN(t->permit); i++)
			asked += t->permit[i].grant == ICE_GRANT_ASKED;
		t->one_by_one = t->one_by_one || asked > 1;
		permits_settle(t, asked > 1 ? ICE_GRANT_WANTED : ICE_GRANT_REFUSED, 0);
		break;
	case ICE_WORK_CHANNEL:
		channel_settle(t, false, 0);
		break;
	}
}

static void lifetime_set(struct ice *ice, struct ice_turn *t, const struct stun_msg *m)
{
	uint64_t s = m->has_lifetime ? m->lifetime : LIFETIME_S, us;

	/* Nobody needs a week of it, and nobody gets us to ask each millisecond. */
	s = s < 10 ? 10 : s > 7200 ? 7200 : s;
	us = s * 1000000;
	t->refresh_us = ice->now_us + (us > 2 * (uint64_t)EARLY_US ? us - EARLY_US : us / 2);
}

static void allocated(struct ice *ice, struct ice_turn *t, const struct stun_msg *m)
{
	int at;

	if (!sa_is_set(&m->relayed) || !sa_port(&m->relayed)) {
		turn_failed(ice, t);
		return;
	}
	t->state = ICE_TURN_READY;
	lifetime_set(ice, t, m);
	/* Where a connection is seen from is no address for datagrams. */
	if (sa_is_set(&m->xor_mapped) && !t->stream)
		ice_local_add(ice, CANDIDATE_SRFLX, t->base, &m->xor_mapped, &ice->base[t->base].addr, &ice->gather.turn_server);
	at = ice_local_add(ice, CANDIDATE_RELAY, t->base, &m->relayed, sa_is_set(&m->xor_mapped) ? &m->xor_mapped : NULL,
			   &ice->gather.turn_server);
	if (at < 0)
		ice_turn_release(ice, t);
	else
		t->local = (uint8_t)at;
	ice->reckon = true;
}

static void work_done(struct ice *ice, struct ice_turn *t, const struct stun_msg *m)
{
	t->tries = 0;
	switch (t->work) {
	case ICE_WORK_ALLOCATE:
		allocated(ice, t, m);
		break;
	case ICE_WORK_REFRESH:
		lifetime_set(ice, t, m);
		break;
	case ICE_WORK_PERMIT:
		permits_settle(t, ICE_GRANT_THERE, ice->now_us + PERMIT_US);
		break;
	case ICE_WORK_CHANNEL:
		channel_settle(t, true, ice->now_us + CHANNEL_US);
		break;
	}
}

/* 401 and 438: the server's realm and a fresh nonce (RFC 8489 section 9.2.5). false: no use. */
static bool challenged(struct ice *ice, struct ice_turn *t, const struct stun_msg *m)
{
	bool stale = m->error == 438;

	if (!m->nonce.n || m->nonce.n > sizeof(t->nonce) || (!stale && !m->realm.n) || m->realm.n > sizeof(t->realm) ||
	    ++t->tries > MAX_TRIES)
		return false;
	/* The same realm again: the password is wrong. */
	if (!stale && t->has_key && str_eq(m->realm, str_mk(t->realm, t->realm_n)))
		return false;
	if (m->realm.n) {
		memcpy(t->realm, m->realm.p, m->realm.n);
		t->realm_n = (uint16_t)m->realm.n;
	}
	memcpy(t->nonce, m->nonce.p, m->nonce.n);
	t->nonce_n = (uint16_t)m->nonce.n;
	if (stun_long_key(&ice->prm.hash, str_z(ice->gather.turn_user), str_mk(t->realm, t->realm_n), str_z(ice->gather.turn_password), t->key))
		return false;
	t->has_key = true;
	return true;
}

void ice_turn_answered(struct ice *ice, struct ice_turn *t, const struct stun_msg *m)
{
	if ((m->cls != STUN_SUCCESS && m->cls != STUN_ERROR) || !ice_tx_is(&t->tx, m->id))
		return;
	/* A success must show that the server knows the password as well. */
	if (m->cls == STUN_SUCCESS && t->has_key &&
	    stun_check(m, &ice->prm.hash, str_mk((const char *)t->key, sizeof(t->key)))) {
		ice->counts.unsigned_came++;
		return;
	}
	t->tx.on = false;
	/* UDP was first. */
	if (t->opening)
		stream_end(ice, t);
	if (m->cls == STUN_SUCCESS && !m->nunknown)
		work_done(ice, t, m);
	else if ((m->error == 401 || m->error == 438) && challenged(ice, t, m))
		work_begin(ice, t, t->work);
	else
		work_failed(ice, t);
	ice->reckon = true;
}

/* ---- the clock */

static bool permits_ask(struct ice *ice, struct ice_turn *t)
{
	size_t n = 0, most = t->one_by_one ? 1 : MAX_PERMITS;

	for (size_t i = 0; i < ARRAY_LEN(t->permit) && n < most; i++) {
		struct ice_permit *p = &t->permit[i];

		/* One that is there stays usable while it is renewed: the answer takes no 60 seconds. */
		if (p->grant == ICE_GRANT_WANTED || (p->grant == ICE_GRANT_THERE && ice->now_us >= p->again_us)) {
			p->grant = ICE_GRANT_ASKED;
			n++;
		}
	}
	return n > 0;
}

static bool channel_ask(struct ice *ice, struct ice_turn *t)
{
	for (size_t i = 0; i < ICE_CHANNELS; i++) {
		struct ice_channel *c = &t->channel[i];

		if (c->grant == ICE_GRANT_WANTED || (c->grant == ICE_GRANT_THERE && ice->now_us >= c->again_us)) {
			c->grant = ICE_GRANT_ASKED;
			return true;
		}
	}
	return false;
}

void ice_turn_tick(struct ice *ice, struct ice_turn *t)
{
	if (is_time_for_stream(ice, t))
		t->opening = stream_connect(ice, t);
	switch (ice_tx_due(ice, &t->tx)) {
	case ICE_TX_SEND:
		request_send(ice, t, t->work, t->tx.id, false);
		return;
	case ICE_TX_OVER:
		work_failed(ice, t);
		ice->reckon = true;
		return;
	case ICE_TX_WAIT:
		break;
	}
	if (t->tx.on || t->state != ICE_TURN_READY)
		return;
	if (ice->now_us >= t->refresh_us)
		work_begin(ice, t, ICE_WORK_REFRESH);
	else if (permits_ask(ice, t))
		work_begin(ice, t, ICE_WORK_PERMIT);
	else if (channel_ask(ice, t))
		work_begin(ice, t, ICE_WORK_CHANNEL);
}

uint64_t ice_turn_due(const struct ice_turn *t)
{
	uint64_t due = t->refresh_us;

	if (t->tx.on)
		return t->tx.next_us;
	if (t->state != ICE_TURN_READY)
		return UINT64_MAX;
	for (size_t i = 0; i < ARRAY_LEN(t->permit); i++) {
		if (t->permit[i].grant == ICE_GRANT_WANTED)
			return 0;
		if (t->permit[i].grant == ICE_GRANT_THERE && t->permit[i].again_us < due)
			due = t->permit[i].again_us;
	}
	for (size_t i = 0; i < ICE_CHANNELS; i++) {
		if (t->channel[i].grant == ICE_GRANT_WANTED)
			return 0;
		if (t->channel[i].grant == ICE_GRANT_THERE && t->channel[i].again_us < due)
			due = t->channel[i].again_us;
	}
	return due;
}
