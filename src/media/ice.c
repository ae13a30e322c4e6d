/* media/ice.c -- the ICE agent as a whole: making, descriptions, restart, the turn of the clock,
 * and which part of it a datagram is for. */
#include "media/ice_int.h"
#include "base/obj.h"
#include "base/num.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* ---- making */

static void ice_free(void *arg)
{
	struct ice *ice = arg;

	free(ice->gather.turn);
	free(ice->gather.turn_user);
	free(ice->gather.turn_password);
	obj_drop(ice->prm.hash.arg);
}

/* ice-chars (RFC 8839 section 5.4): 64 of them, so that six bits of chance are one each. */
static void draw_text(const struct ice_ops *ops, char *out, size_t n)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t raw[ICE_PWD];

	ops->random(ops->arg, raw, n);
	for (size_t i = 0; i < n; i++)
		out[i] = chars[raw[i] & 63];
	out[n] = '\0';
}

void ice_draw(const struct ice_ops *ops, struct ice_own *out)
{
	draw_text(ops, out->ufrag, ICE_UFRAG);
	draw_text(ops, out->pwd, ICE_PWD);
}

static void own_set(struct ice *ice, const struct ice_own *own)
{
	ice->cur = (struct ice_creds){ .rufrag = "" };
	if (own && own->ufrag[0])
		ice->cur.own = *own;
	else
		ice_draw(&ice->prm.ops, &ice->cur.own);
}

int ice_new(struct ice **out, const struct ice_prm *prm)
{
	struct ice *ice;

	if (!prm->ops.send || !prm->ops.random || !prm->hash.hmac || !prm->components || prm->components > ICE_COMPONENTS)
		return EINVAL;
	ice = obj_new(sizeof(*ice), ice_free);
	if (!ice)
		return ENOMEM;
	ice->prm = *prm;
	if (prm->hash.arg)
		obj_hold(prm->hash.arg);
	ice->role = prm->role;
	ice->components = prm->components;
	ice->now_us = prm->now_us;
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		ice->path[i] = (struct ice_path){ .pair = -1, .component = (uint8_t)(i + 1) };
	ice_random(ice, &ice->tie_breaker, sizeof(ice->tie_breaker));
	own_set(ice, &prm->own);
	*out = ice;
	return 0;
}

void ice_set_ops(struct ice *ice, const struct ice_ops *ops)
{
	ice->prm.ops = *ops;
}

void ice_close(struct ice *ice)
{
	for (size_t i = 0; i < ice->gather.nturns; i++)
		ice_turn_release(ice, &ice->gather.turn[i]);
	ice->closed = true;
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		ice->path[i].on = false;
}

/* ---- our side */

int ice_add_host(struct ice *ice, unsigned component, unsigned base, const struct sa *addr, const struct sa *shown)
{
	struct ice_base *b;
	int at;

	if (base >= ICE_MAX_BASES || !component || component > ice->components || !sa_is_set(addr) || sa_is_any(addr) ||
	    !sa_port(addr))
		return EINVAL;
	b = &ice->base[base];
	if (b->on && (b->component != component || sa_is_v6(&b->addr) != sa_is_v6(addr)))
		return EINVAL;
	for (size_t i = 0; i < ice->nlocal; i++)
		if (ice->local[i].c.type == CANDIDATE_HOST && sa_eq(&ice->local[i].c.addr, shown ? shown : addr))
			return EEXIST;
	if (!b->on) {
		*b = (struct ice_base){ .on = true, .no_servers = b->no_servers, .component = (uint8_t)component, .addr = *addr };
		for (unsigned i = 0; i < ice->gather.nservers; i++)
			ice_job_add(ice, base, i);
	}
	at = ice_local_add(ice, CANDIDATE_HOST, base, shown ? shown : addr, NULL, NULL);
	if (at < 0)
		return ENOSPC;
	ice->local[at].base_addr = *addr;
	return 0;
}

void ice_base_no_servers(struct ice *ice, unsigned base)
{
	if (base < ICE_MAX_BASES)
		ice->base[base].no_servers = true;
}

static int turn_server_set(struct ice *ice, enum ice_server kind, const struct sa *addr, struct str user, struct str password)
{
	if (ice->gather.turn)
		return ENOSPC;
	if (!user.n || user.n > 512)
		return EINVAL;
	ice->gather.turn_user = str_dup(user);
	ice->gather.turn_password = str_dup(password);
	ice->gather.turn = calloc(ICE_MAX_BASES, sizeof(*ice->gather.turn));
	if (!ice->gather.turn_user || !ice->gather.turn_password || !ice->gather.turn) {
		free(ice->gather.turn);
		free(ice->gather.turn_user);
		free(ice->gather.turn_password);
		ice->gather.turn = NULL;
		ice->gather.turn_user = ice->gather.turn_password = NULL;
		return ENOMEM;
	}
	ice->gather.turn_server = *addr;
	ice->gather.turn_kind = kind;
	return 0;
}

int ice_add_server(struct ice *ice, enum ice_server kind, const struct sa *addr, struct str user, struct str password)
{
	if (!sa_is_set(addr) || sa_is_any(addr) || !sa_port(addr) || ice->gather.under_way)
		return EINVAL;
	if (kind != ICE_STUN)
		return turn_server_set(ice, kind, addr, user, password);
	if (ice->gather.nservers == ICE_MAX_STUN)
		return ENOSPC;
	ice->gather.server[ice->gather.nservers++] = *addr;
	for (unsigned i = 0; i < ICE_MAX_BASES; i++)
		if (ice->base[i].on)
			ice_job_add(ice, i, (unsigned)ice->gather.nservers - 1);
	return 0;
}

size_t ice_locals(const struct ice *ice) { return ice->nlocal; }
const struct ice_candidate *ice_local(const struct ice *ice, size_t i) { return i < ice->nlocal ? &ice->local[i].c : NULL; }
struct str ice_ufrag(const struct ice *ice) { return str_z(ice->cur.own.ufrag); }
struct str ice_pwd(const struct ice *ice) { return str_z(ice->cur.own.pwd); }
enum ice_state ice_state(const struct ice *ice) { return ice->state; }
enum ice_role ice_role(const struct ice *ice) { return ice->role; }
void ice_count(const struct ice *ice, struct ice_counts *out) { *out = ice->counts; }

void ice_candidate_describe(const struct ice_candidate *c, struct candidate *out)
{
	*out = (struct candidate){ .foundation = str_z(c->foundation), .component = c->component, .priority = c->priority,
				   .addr = c->addr, .port = sa_port(&c->addr), .type = c->type, .related = c->related };
}

/* ---- the peer's side */

static void creds_take(struct ice *ice, const struct ice_remote *r)
{
	str_copy(ice->cur.rufrag, sizeof(ice->cur.rufrag), r->ufrag);
	str_copy(ice->cur.rpwd, sizeof(ice->cur.rpwd), r->pwd);
}

int ice_set_remote(struct ice *ice, const struct ice_remote *r)
{
	int err = ice_ufrag_check(r->ufrag);

	if (!err)
		err = ice_pwd_check(r->pwd);
	if (err)
		return err;
	ice->now_us = r->now_us;
	if (ice->peer.known) {
		if (!str_eq(r->ufrag, str_z(ice->cur.rufrag)) || !str_eq(r->pwd, str_z(ice->cur.rpwd)))
			return EPROTO;
		ice->peer.done = ice->peer.done || r->done;
		return 0;
	}
	creds_take(ice, r);
	ice->peer.known = true;
	ice->peer.lite = r->lite;
	ice->peer.done = r->done;
	ice->began_us = ice->now_us;
	/* RFC 8445 section 6.1.1: the full one controls. */
	if (r->lite)
		ice_role_set(ice, ICE_CONTROLLING);
	ice_state_set(ice, ICE_CHECKING);
	for (size_t i = 0; i < ice->nearly; i++)
		ice_learn(ice, ice->early[i].local, &ice->early[i].from, ice->early[i].priority, ice->early[i].nominate);
	ice->nearly = 0;
	ice->reckon = true;
	return 0;
}

/* What comes from far must not make us talk to ourselves, or to everybody. */
static bool is_reachable(const struct ice *ice, const struct sa *a)
{
	if (sa_is_any(a) || (!sa_is_v6(a) && (ntohl(a->u.in4.sin_addr.s_addr) >> 28) >= 14) ||
	    (sa_is_v6(a) && IN6_IS_ADDR_MULTICAST(&a->u.in6.sin6_addr)))
		return false;
	if (!sa_is_loopback(a))
		return true;
	for (size_t i = 0; i < ice->nlocal; i++)
		if (ice->local[i].c.type == CANDIDATE_HOST && sa_is_loopback(&ice->local[i].base_addr))
			return true;
	return false;
}

int ice_add_remote(struct ice *ice, const struct candidate *c, uint64_t now_us)
{
	struct ice_candidate *r;
	int at;

	if (!candidate_usable(c) || c->component > ice->components || !is_reachable(ice, &c->addr))
		return ENOTSUP;
	if (!ice->peer.known)
		return EAGAIN;
	ice->now_us = now_us;
	at = ice_remote_find(ice, c->component, &c->addr);
	/* One that a check has brought gets what the peer says of it (RFC 8838 section 11.4). */
	if (at < 0 && ice->nremote == ICE_MAX_CANDIDATES)
		return ENOSPC;
	if (at < 0)
		at = (int)ice->nremote++;
	else if (ice->remote[at].type != CANDIDATE_PRFLX)
		return 0;
	r = &ice->remote[at];
	*r = (struct ice_candidate){ .type = c->type, .component = (uint8_t)c->component, .addr = c->addr,
				     .related = c->related, .priority = c->priority };
	str_copy(r->foundation, sizeof(r->foundation), c->foundation);
	ice_pairs_of_remote(ice, (unsigned)at);
	ice_pairs_rank(ice);
	ice->reckon = true;
	return 0;
}

void ice_remote_done(struct ice *ice)
{
	ice->peer.done = ice->peer.known;
	ice->reckon = true;
}

void ice_one_component(struct ice *ice, uint64_t now_us)
{
	ice->now_us = now_us;
	if (ice->components == 1)
		return;
	ice->components = 1;
	ice->path[1].on = false;
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++)
		if (ice->pair[i].on && ice_pair_component(ice, &ice->pair[i]) > 1)
			ice->pair[i] = (struct ice_pair){ .on = false };
	for (size_t i = 0; i < ice->gather.njobs; i++)
		if (ice->base[ice->gather.job[i].base].component > 1)
			ice->gather.job[i].state = ICE_JOB_FAILED;
	for (size_t i = 0; i < ice->gather.nturns; i++)
		if (ice->base[ice->gather.turn[i].base].component > 1)
			ice_turn_release(ice, &ice->gather.turn[i]);
	ice_gather_check(ice);
	ice->reckon = true;
}

/* ---- restart (RFC 8445 section 9) */

static bool has_path(const struct ice *ice, enum ice_generation g)
{
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		if (ice->path[i].on && ice->path[i].gen == g)
			return true;
	return false;
}

void ice_restart(struct ice *ice, enum ice_role role, const struct ice_own *own, uint64_t now_us)
{
	ice->now_us = now_us;
	/* A path of before the last restart stays what media goes over; one that was chosen
	 * since then, but is not final, has no credentials to live on with. */
	if (has_path(ice, ICE_OLD)) {
		for (unsigned i = 0; i < ICE_COMPONENTS; i++)
			ice->path[i].on = ice->path[i].on && ice->path[i].gen == ICE_OLD;
	} else if (has_path(ice, ICE_NOW)) {
		ice->old = ice->cur;
		for (unsigned i = 0; i < ICE_COMPONENTS; i++)
			ice->path[i].gen = ICE_OLD;
	}
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		ice->path[i].pair = -1;
	ice_pairs_clear(ice);
	own_set(ice, own);
	ice->peer.known = ice->peer.done = ice->peer.lite = false;
	ice->role = role;
	ice_state_set(ice, ICE_IDLE);
}

void ice_restart_undo(struct ice *ice)
{
	if (!has_path(ice, ICE_OLD))
		return;
	ice_pairs_clear(ice);
	ice->cur = ice->old;
	ice->peer.known = true;
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		ice->path[i].gen = ICE_NOW;
	ice_state_set(ice, ICE_CONNECTED);
}

/* ---- datagrams */

/* From the relay of this local candidate, or straight to its base. */
static enum ice_verdict take_payload(struct ice *ice, unsigned local, bool relayed, const struct sa *from, uint8_t *p, size_t n)
{
	const struct ice_candidate *c = &ice->local[local].c;
	struct stun_msg m;

	if (stun_is(p, n)) {
		if (stun_parse(&m, p, n) || !stun_fingerprint_ok(&m) || m.method != STUN_BINDING)
			return ICE_DROP;
		if (!ice_binding_came(ice, local, from, &m))
			ice_consent_answered(ice, local, from, &m);
		return ICE_TAKEN;
	}
	if (ice_is_checked(ice, c->component, c->base, relayed, from))
		return ICE_DATA;
	ice->counts.strangers++;
	return ICE_DROP;
}

/* What a TURN server hands on: the payload goes to the front. */
static enum ice_verdict take_relayed(struct ice *ice, struct ice_turn *t, const struct sa *peer, struct str data, uint8_t *p,
				     size_t *n, struct sa *out)
{
	if (t->state != ICE_TURN_READY || !peer || !ice_turn_knows(t, peer))
		return ICE_DROP;
	*out = *peer;
	memmove(p, data.p, data.n);
	*n = data.n;
	return take_payload(ice, t->local, true, out, p, *n);
}

static enum ice_verdict take_of_turn(struct ice *ice, struct ice_turn *t, uint8_t *p, size_t *n, struct sa *peer)
{
	struct stun_msg m;
	struct str data;
	uint16_t number;

	if (!stun_channel_parse(p, *n, &number, &data))
		return take_relayed(ice, t, ice_turn_channel_peer(t, number), data, p, n, peer);
	if (stun_parse(&m, p, *n) || !stun_fingerprint_ok(&m))
		return ICE_DROP;
	if (m.cls == STUN_INDICATION && m.method == STUN_DATA)
		return m.data.p && sa_is_set(&m.peer) ? take_relayed(ice, t, &m.peer, m.data, p, n, peer) : ICE_DROP;
	/* The same server may be asked for both. */
	if (m.method != STUN_BINDING)
		ice_turn_answered(ice, t, &m);
	else if (!ice_gather_answered(ice, t->base, &ice->gather.turn_server, &m))
		return ICE_DROP;
	return ICE_TAKEN;
}

static bool is_of_gathering(struct ice *ice, unsigned base, const struct sa *from, const uint8_t *p, size_t n)
{
	struct stun_msg m;

	return ice->gather.njobs && stun_is(p, n) && !stun_parse(&m, p, n) && stun_fingerprint_ok(&m) && ice_gather_answered(ice, base, from, &m);
}

/* Who has asked us, signed, is asked back at once: it opens no new way through a NAT, and one message follows one
 * of the peer's. In its turn (RFC 8445 section 6.1.4.2) it would cost most calls 50 ms. */
static void triggered_send(struct ice *ice)
{
	struct ice_pair *p;

	while ((p = ice_pair_triggered(ice)) != NULL)
		ice_check_send(ice, p);
}

static void look_again(struct ice *ice)
{
	if (!ice->reckon)
		return;
	ice_gather_check(ice);
	ice_reckon(ice);
	triggered_send(ice);
}

enum ice_verdict ice_datagram(struct ice *ice, uint64_t now_us, unsigned base, const struct sa *from, uint8_t *p, size_t *n,
			      struct sa *peer)
{
	enum ice_verdict v;
	struct ice_turn *t;
	int local;

	ice->now_us = now_us;
	if (base >= ICE_MAX_BASES || !ice->base[base].on || ice->closed || ice->base[base].component > ice->components)
		return ICE_DROP;
	t = ice_turn_at(ice, base, from);
	if (t) {
		v = take_of_turn(ice, t, p, n, peer);
	} else if (is_of_gathering(ice, base, from, p, *n)) {
		v = ICE_TAKEN;
	} else {
		local = ice_local_by_base(ice, base);
		*peer = *from;
		v = local < 0 ? ICE_DROP : take_payload(ice, (unsigned)local, false, from, p, *n);
	}
	look_again(ice);
	return v;
}

/* ---- the connections of relays over TCP */

static struct ice_turn *stream_of(struct ice *ice, uint64_t now_us, unsigned base)
{
	struct ice_turn *t = ice->closed ? NULL : ice_turn_by_base(ice, base);

	ice->now_us = now_us;
	return t && (t->stream || t->opening) ? t : NULL;
}

void ice_stream_opened(struct ice *ice, uint64_t now_us, unsigned base)
{
	struct ice_turn *t = stream_of(ice, now_us, base);

	if (t)
		ice_turn_opened(ice, t);
}

void ice_stream_lost(struct ice *ice, uint64_t now_us, unsigned base)
{
	struct ice_turn *t = stream_of(ice, now_us, base);

	if (t)
		ice_turn_lost(ice, t);
	look_again(ice);
}

enum ice_verdict ice_stream_message(struct ice *ice, uint64_t now_us, unsigned base, uint8_t *p, size_t *n, struct sa *peer)
{
	struct ice_turn *t = stream_of(ice, now_us, base);
	enum ice_verdict v = t ? take_of_turn(ice, t, p, n, peer) : ICE_DROP;

	look_again(ice);
	return v;
}

bool ice_wrap(struct ice *ice, unsigned component, uint8_t *p, size_t *n, size_t max, struct ice_way *way)
{
	const struct ice_path *path = component && component <= ICE_COMPONENTS ? &ice->path[component - 1] : NULL;
	uint8_t id[STUN_ID];
	struct ice_turn *t;

	if (!path || !path->on || ice->closed)
		return false;
	*way = (struct ice_way){ .base = path->base, .to = path->remote };
	if (!path->relayed)
		return true;
	t = ice_turn_by_base(ice, path->base);
	if (!t || t->state != ICE_TURN_READY)
		return false;
	/* Nobody answers an indication, so its id need only differ from the last. */
	memcpy(id, &ice->tie_breaker, 8);
	ice->wraps++;
	memcpy(id + 4, &ice->wraps, 8);
	way->to = ice->gather.turn_server;
	way->stream = t->stream;
	return ice_turn_wrap(t, id, &path->remote, p, n, max);
}

/* ---- the clock */

/* One new transaction a Ta, of checks and of gathering in turn (RFC 8445 section 14.2). */
static bool pace_step(struct ice *ice)
{
	for (int i = 0; i < 2; i++) {
		bool gather = ice->gather.next;
		struct ice_pair *p;

		ice->gather.next = !gather;
		if (gather && ice_gather_step(ice))
			return true;
		p = gather ? NULL : ice_pair_next(ice);
		if (p) {
			ice_check_send(ice, p);
			return true;
		}
	}
	return false;
}

static bool anything_waits(const struct ice *ice)
{
	if (ice_job_waits(ice))
		return true;
	if (!ice->peer.known || (ice->state != ICE_CHECKING && ice->state != ICE_CONNECTED))
		return false;
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++) {
		const struct ice_pair *p = &ice->pair[i];

		/* One that is queued and not sent yet waits for a permission. */
		if (p->on && (p->queued || p->state == ICE_PAIR_WAITING || p->state == ICE_PAIR_FROZEN))
			return true;
	}
	return false;
}

uint64_t ice_due(const struct ice *ice)
{
	uint64_t due = ice_gather_due(ice), sel = ice_select_due(ice);

	if (ice->closed)
		return UINT64_MAX;
	if (ice->reckon)
		return ice->now_us;
	due = sel < due ? sel : due;
	for (size_t i = 0; i < ICE_MAX_PAIRS; i++)
		if (ice->pair[i].on && ice->pair[i].tx.on && ice->pair[i].tx.next_us < due)
			due = ice->pair[i].tx.next_us;
	for (size_t i = 0; i < ice->gather.nturns; i++) {
		uint64_t t = ice_turn_due(&ice->gather.turn[i]);

		due = t < due ? t : due;
	}
	if (anything_waits(ice) && ice->pace_us < due)
		due = ice->pace_us;
	return due;
}

uint64_t ice_tick(struct ice *ice, uint64_t now_us)
{
	ice->now_us = now_us;
	if (ice->closed)
		return UINT64_MAX;
	for (size_t i = 0; i < ice->gather.nturns; i++)
		ice_turn_tick(ice, &ice->gather.turn[i]);
	ice_gather_tick(ice);
	ice_checks_tick(ice);
	ice_consent_tick(ice);
	ice_reckon(ice);
	triggered_send(ice);
	if (now_us >= ice->pace_us && anything_waits(ice)) {
		/* What waits for something else (a permission) is looked at again as often. */
		pace_step(ice);
		ice->pace_us = now_us + ICE_TA_US;
	}
	return ice_due(ice);
}

bool ice_selected(const struct ice *ice, unsigned component, struct ice_event *out)
{
	const struct ice_path *p = component && component <= ICE_COMPONENTS ? &ice->path[component - 1] : NULL;

	if (!p || !p->on)
		return false;
	*out = (struct ice_event){ .type = ICE_EV_SELECTED, .component = p->component, .base = p->base, .relayed = p->relayed,
				   .nominated = p->nominated, .remote = p->remote, .state = ice->state };
	return true;
}
