/* The small Internet of the ICE tests: datagrams in flight, NATs, a STUN and TURN server, two agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "ice_stage.h"

enum { LINK_PORT = 5000 };

uint32_t stage_roll(struct stage *s)
{
	s->dice = s->dice * 1664525u + 1013904223u;
	return s->dice >> 8;
}

static struct sa sa_of(const char *text)
{
	struct sa a;

	assert_int_equal(sa_parse(&a, str_z(text)), 0);
	return a;
}

/* ---- the network */

static void fly(struct stage *s, const struct sa *from, const struct sa *to, const void *p, size_t n)
{
	if (pipe_fly_to(s, to, p, n))
		return;
	for (size_t i = 0; i < ARRAY_LEN(s->flight); i++) {
		struct flight *f = &s->flight[i];

		if (f->on)
			continue;
		*f = (struct flight){ .on = true, .at = s->now + s->delay, .seq = ++s->seq, .from = *from, .to = *to, .n = n };
		memcpy(f->p, p, n);
		if (s->loss && stage_roll(s) % s->loss == 0)
			f->on = false;
		if (s->drop && s->drop(s, f))
			f->on = false;
		return;
	}
	fail_msg("too much in flight");
}

void inject(struct stage *s, const struct sa *from, const struct sa *to, const void *p, size_t n)
{
	fly(s, from, to, p, n);
}

static bool is_inside(const struct sa *a)
{
	return !sa_is_v6(a) && sa_is_private(a);
}

/* Which mapping carries this, made when there is none. */
static struct mapping *map_out(struct stage *s, struct agent *a, const struct sa *from, const struct sa *to)
{
	struct mapping *none = NULL;

	for (size_t i = 0; i < ARRAY_LEN(s->map); i++) {
		struct mapping *m = &s->map[i];

		if (m->on && m->a == a && sa_eq(&m->inside, from) && (a->nat != NAT_SYMMETRIC || sa_eq(&m->to, to)))
			return m;
		if (!m->on && !none)
			none = m;
	}
	assert_non_null(none);
	*none = (struct mapping){ .on = true, .a = a, .inside = *from, .to = *to, .port = s->next_port };
	s->next_port = (uint16_t)(s->next_port + 7);
	return none;
}

static void on_send(void *arg, unsigned component, unsigned base, const struct sa *to, const void *p, size_t n)
{
	struct agent *a = arg;
	struct stage *s = a->s;
	struct sa from = a->host[base];
	struct mapping *m;

	(void)component;
	a->sent++;
	a->sent_bytes += (unsigned)n;
	if (a->ndst < ARRAY_LEN(a->dst))
		a->dst[a->ndst++].to = *to;
	if (is_inside(&from) && !is_inside(to) && a->nat != NAT_NONE) {
		m = map_out(s, a, &from, to);
		if (m->nout < ARRAY_LEN(m->out))
			m->out[m->nout++] = *to;
		from = a->public;
		sa_set_port(&from, m->port);
	}
	fly(s, &from, to, p, n);
}

/* May it come in, and to whom? */
static struct agent *map_in(struct stage *s, const struct flight *f, struct sa *inside)
{
	for (size_t i = 0; i < ARRAY_LEN(s->map); i++) {
		struct mapping *m = &s->map[i];

		if (!m->on || m->port != sa_port(&f->to) || !sa_eq_host(&f->to, &m->a->public))
			continue;
		for (unsigned k = 0; k < m->nout; k++) {
			bool ok = m->a->nat == NAT_FULL || (m->a->nat == NAT_ADDRESS && sa_eq_host(&m->out[k], &f->from)) ||
				  sa_eq(&m->out[k], &f->from);

			if (ok) {
				*inside = m->inside;
				return m->a;
			}
		}
	}
	return NULL;
}

static void to_agent(struct stage *s, struct agent *a, const struct sa *to, struct flight *f)
{
	for (unsigned b = 0; b < 2; b++) {
		uint8_t *copy;
		struct sa peer;
		size_t n = f->n;

		if (!a->on[b] || !sa_eq(&a->host[b], to) || a->deaf)
			continue;
		copy = malloc(n);       /* of just that size: a byte over is seen */
		memcpy(copy, f->p, n);
		if (ice_datagram(a->ice, s->now, b, &f->from, copy, &n, &peer) == ICE_DATA) {
			a->data++;
			a->got_n = n < sizeof(a->got) ? n : sizeof(a->got);
			memcpy(a->got, copy, a->got_n);
		}
		free(copy);
	}
}

/* ---- the STUN and TURN server */

static void reply(struct stage *s, const struct sa *to, struct stun_out *o)
{
	stun_put_fingerprint(o);
	assert_true(stun_end(o) > 0);
	fly(s, &s->server, to, o->p, o->n);
}

static struct str turn_key(struct stage *s, uint8_t key[16])
{
	assert_int_equal(stun_long_key(&s->hash, STR("user"), STR("realm"), STR("secret"), key), 0);
	return str_mk((char *)key, 16);
}

static void refuse(struct stage *s, const struct sa *to, const struct stun_msg *m, unsigned code)
{
	uint8_t p[512], key[16];
	struct stun_out o;

	stun_begin(&o, p, sizeof(p), STUN_ERROR, m->method, m->id);
	stun_put_error(&o, code, STR("no"));
	if (code == 401 || code == 438) {
		s->auth_sent++;
		stun_put(&o, STUN_REALM, STR("realm"));
		stun_put(&o, STUN_NONCE, code == 438 || s->stale_sent ? STR("nonce2") : STR("nonce1"));
	} else {
		stun_put_integrity(&o, &s->hash, STUN_HASH_SHA1, turn_key(s, key));
	}
	reply(s, to, &o);
}

static struct alloc *alloc_of(struct stage *s, const struct sa *client, bool make)
{
	struct alloc *none = NULL;

	for (size_t i = 0; i < ARRAY_LEN(s->alloc); i++) {
		if (s->alloc[i].on && s->now < s->alloc[i].until && sa_eq(&s->alloc[i].client, client))
			return &s->alloc[i];
		if (!s->alloc[i].on && !none)
			none = &s->alloc[i];
	}
	if (!make)
		return NULL;
	assert_non_null(none);
	*none = (struct alloc){ .on = true, .client = *client, .port = (uint16_t)(50000 + (none - s->alloc)),
				.until = s->now + 600000000 };
	return none;
}

static bool permitted(struct stage *s, const struct alloc *a, const struct sa *peer)
{
	for (unsigned i = 0; i < a->npermits; i++)
		if (sa_eq_host(&a->permit[i].host, peer) && s->now < a->permit[i].until)
			return true;
	return false;
}

static void permit(struct stage *s, struct alloc *a, const struct sa *peer)
{
	for (unsigned i = 0; i < a->npermits; i++)
		if (sa_eq_host(&a->permit[i].host, peer)) {
			a->permit[i].until = s->now + 300000000;
			return;
		}
	assert_true(a->npermits < ARRAY_LEN(a->permit));
	a->permit[a->npermits].host = *peer;
	a->permit[a->npermits++].until = s->now + 300000000;
}

static void relay_out(struct stage *s, struct alloc *a, const struct sa *peer, struct str data)
{
	struct sa from = s->server;

	sa_set_port(&from, a->port);
	if (permitted(s, a, peer))
		fly(s, &from, peer, data.p, data.n);
}

/* Every XOR-PEER-ADDRESS: the parser gives the first only. */
static bool permit_all(struct stage *s, struct alloc *a, const struct stun_msg *m)
{
	for (size_t at = STUN_HEADER; at + 4 <= m->n; ) {
		size_t n = (size_t)m->p[at + 2] << 8 | m->p[at + 3];
		uint8_t one[64];
		struct stun_msg part;

		if (m->p[at] == 0 && m->p[at + 1] == STUN_XOR_PEER_ADDRESS) {
			memcpy(one, m->p, STUN_HEADER);
			memcpy(one + STUN_HEADER, m->p + at, n + 4);
			one[2] = 0;
			one[3] = (uint8_t)(n + 4);
			assert_int_equal(stun_parse(&part, one, STUN_HEADER + n + 4), 0);
			if (sa_is_set(&s->refused) && sa_eq_host(&s->refused, &part.peer))
				return false;
			permit(s, a, &part.peer);
		}
		at += 4 + ((n + 3) & ~(size_t)3);
	}
	return true;
}

static void turn_request(struct stage *s, const struct sa *from, const struct stun_msg *m)
{
	uint8_t p[512], key[16];
	struct alloc *a = alloc_of(s, from, m->method == STUN_ALLOCATE);
	struct sa relay = s->server;
	struct stun_out o;

	if (!a) {
		refuse(s, from, m, 437);
		return;
	}
	stun_begin(&o, p, sizeof(p), STUN_SUCCESS, m->method, m->id);
	sa_set_port(&relay, a->port);
	switch (m->method) {
	case STUN_ALLOCATE:
		stun_put_addr(&o, STUN_XOR_RELAYED_ADDRESS, &relay);
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, from);
		stun_put_u32(&o, STUN_LIFETIME, 600);
		break;
	case STUN_REFRESH:
		s->refreshes++;
		a->until = s->now + 600000000;
		if (m->has_lifetime && !m->lifetime)
			a->on = false;
		stun_put_u32(&o, STUN_LIFETIME, 600);
		break;
	case STUN_CREATE_PERMISSION:
		if (!permit_all(s, a, m)) {
			refuse(s, from, m, 403);
			return;
		}
		break;
	default:
		assert_int_equal(m->method, STUN_CHANNEL_BIND);
		permit(s, a, &m->peer);
		for (unsigned i = 0; i < a->nchannels; i++)
			if (a->channel[i].number == m->channel)
				assert_true(sa_eq(&a->channel[i].peer, &m->peer));
		a->channel[a->nchannels].number = m->channel;
		a->channel[a->nchannels++ % 8].peer = m->peer;
		break;
	}
	stun_put_integrity(&o, &s->hash, STUN_HASH_SHA1, turn_key(s, key));
	reply(s, from, &o);
}

void stage_serve(struct stage *s, struct flight *f)
{
	uint8_t p[256], key[16];
	struct alloc *a = alloc_of(s, &f->from, false);
	struct stun_out o;
	struct stun_msg m;
	uint16_t number;
	struct str data;

	if (!stun_channel_parse(f->p, f->n, &number, &data)) {
		for (unsigned i = 0; a && i < a->nchannels; i++)
			if (a->channel[i].number == number) {
				s->channel_data++;
				relay_out(s, a, &a->channel[i].peer, data);
				return;
			}
		return;
	}
	assert_int_equal(stun_parse(&m, f->p, f->n), 0);
	if (m.cls == STUN_INDICATION) {
		s->indications++;
		if (a)
			relay_out(s, a, &m.peer, m.data);
		return;
	}
	if (m.method == STUN_BINDING) {
		stun_begin(&o, p, sizeof(p), STUN_SUCCESS, m.method, m.id);
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &f->from);
		reply(s, &f->from, &o);
		return;
	}
	if (!m.integrity_at || stun_check(&m, &s->hash, turn_key(s, key))) {
		refuse(s, &f->from, &m, 401);
	} else if (s->stale_once) {
		s->stale_once = false;
		s->stale_sent++;
		refuse(s, &f->from, &m, 438);
	} else if (s->stale_sent && !str_eq(m.nonce, STR("nonce2"))) {
		refuse(s, &f->from, &m, 438);
	} else {
		turn_request(s, &f->from, &m);
	}
}

static void to_relay(struct stage *s, struct flight *f)
{
	for (size_t i = 0; i < ARRAY_LEN(s->alloc); i++) {
		struct alloc *a = &s->alloc[i];
		uint8_t p[2048];
		struct stun_out o;

		if (!a->on || a->port != sa_port(&f->to) || !permitted(s, a, &f->from))
			continue;
		for (unsigned c = 0; c < a->nchannels; c++)
			if (sa_eq(&a->channel[c].peer, &f->from)) {
				stun_channel_header(p, a->channel[c].number, (uint16_t)f->n);
				memcpy(p + 4, f->p, f->n);
				fly(s, &s->server, &a->client, p, f->n + 4);
				return;
			}
		stun_begin(&o, p, sizeof(p), STUN_INDICATION, STUN_DATA, (const uint8_t *)"relayrelayre");
		stun_put_addr(&o, STUN_XOR_PEER_ADDRESS, &f->from);
		stun_put(&o, STUN_DATA_ATTR, str_mk((char *)f->p, f->n));
		assert_true(stun_end(&o) > 0);
		fly(s, &s->server, &a->client, p, o.n);
	}
}

/* ---- time */

static void deliver(struct stage *s, struct flight *f)
{
	struct sa inside;
	struct agent *a;

	if (f->kind != DATAGRAM) {
		pipe_deliver(s, f);
	} else if (sa_is_set(&s->server) && sa_eq(&f->to, &s->server)) {
		stage_serve(s, f);
	} else if (sa_is_set(&s->server) && sa_eq_host(&f->to, &s->server)) {
		to_relay(s, f);
	} else if ((a = map_in(s, f, &inside))) {
		to_agent(s, a, &inside, f);
	} else if (!is_inside(&f->to) || is_inside(&f->from)) {
		/* Straight; private addresses are all of one site. Sites of two agents with the
		 * same kind of address differ by their second byte and do not reach one another. */
		for (unsigned i = 0; i < 2; i++) {
			struct agent *x = &s->agent[i];
			bool apart = is_inside(&f->to) && (ntohl(f->to.u.in4.sin_addr.s_addr) ^ ntohl(f->from.u.in4.sin_addr.s_addr)) >> 16;

			if (x->ice && !apart)
				to_agent(s, x, &f->to, f);
		}
	}
}

static struct flight *first_due(struct stage *s)
{
	struct flight *best = NULL;

	for (size_t i = 0; i < ARRAY_LEN(s->flight); i++) {
		struct flight *f = &s->flight[i];

		if (f->on && (!best || f->at < best->at || (f->at == best->at && f->seq < best->seq)))
			best = f;
	}
	return best;
}

/* One thing that happens, not after `end`. false: nothing does. */
static bool step(struct stage *s, uint64_t end)
{
	struct flight *f = first_due(s), copy;
	uint64_t at = f ? f->at : UINT64_MAX;

	for (unsigned i = 0; i < 2; i++)
		if (s->agent[i].ice && ice_due(s->agent[i].ice) < at)
			at = ice_due(s->agent[i].ice);
	if (at > end) {
		s->now = end;
		return false;
	}
	if (at > s->now)
		s->now = at;
	if (f && f->at <= s->now) {
		copy = *f;
		f->on = false;
		deliver(s, &copy);
	}
	for (unsigned i = 0; i < 2; i++)
		if (s->agent[i].ice && ice_due(s->agent[i].ice) <= s->now)
			ice_tick(s->agent[i].ice, s->now);
	return true;
}

void run(struct stage *s, uint64_t us)
{
	uint64_t end = s->now + us;
	unsigned n = 0;

	while (step(s, end))
		assert_true(++n < 50000);       /* time must go on */
}

bool run_until_connected(struct stage *s, uint64_t us)
{
	uint64_t end = s->now + us;

	while (s->agent[0].state != ICE_CONNECTED || s->agent[1].state != ICE_CONNECTED)
		if (!step(s, end))
			return false;
	return true;
}

/* ---- agents */

static void on_event(void *arg, const struct ice_event *e)
{
	struct agent *a = arg;

	switch (e->type) {
	case ICE_EV_GATHERED:
		a->gathered++;
		break;
	case ICE_EV_SELECTED:
		a->selected++;
		a->last = *e;
		break;
	case ICE_EV_STATE:
		a->state = e->state;
		break;
	case ICE_EV_CANDIDATE:
		break;
	}
}

static void on_random(void *arg, void *p, size_t n)
{
	struct agent *a = arg;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)(stage_roll(a->s) >> 3);
}

void stage_begin(struct stage *s)
{
	memset(s, 0, sizeof(*s));
	s->now = 1000000;
	s->delay = 20000;
	s->cut = 1500;
	s->dice = 4711;
	s->next_port = 20000;
	assert_int_equal(stun_hash_openssl(&s->hash), 0);
	s->server = sa_of("198.51.100.1:3478");
}

void stage_end(struct stage *s)
{
	for (unsigned i = 0; i < 2; i++)
		obj_drop(s->agent[i].ice);
	obj_drop(s->hash.arg);
}

void agent_add(struct stage *s, unsigned i, enum nat nat, const char *ip, enum ice_role role, unsigned components)
{
	struct agent *a = &s->agent[i];
	struct ice_prm prm = { .hash = s->hash, .role = role, .components = components, .now_us = s->now,
			       .ops = { .arg = a, .send = on_send, .event = on_event, .random = on_random } };

	*a = (struct agent){ .s = s, .name = (char)('a' + i), .nat = nat };
	pipe_ops(&prm.ops);
	a->public = sa_of(i ? "203.0.113.9" : "192.0.2.9");
	assert_int_equal(ice_new(&a->ice, &prm), 0);
	for (unsigned c = 1; ip && c <= components; c++) {
		struct sa host = sa_of(ip);

		sa_set_port(&host, (uint16_t)(LINK_PORT + c - 1));
		a->host[c - 1] = host;
		a->on[c - 1] = true;
		assert_int_equal(ice_add_host(a->ice, c, c - 1, &host, NULL), 0);
	}
}

void agent_host(struct agent *a, unsigned base, unsigned component, const char *addr)
{
	a->host[base] = sa_of(addr);
	a->on[base] = true;
	assert_int_equal(ice_add_host(a->ice, component, base, &a->host[base], NULL), 0);
}

void agent_servers(struct agent *a, bool stun, bool turn)
{
	if (stun)
		assert_int_equal(ice_add_server(a->ice, ICE_STUN, &a->s->server, STR_NULL, STR_NULL), 0);
	if (turn)
		agent_turn(a, ICE_TURN);
}

void agent_turn(struct agent *a, enum ice_server kind)
{
	assert_int_equal(ice_add_server(a->ice, kind, &a->s->server, STR("user"), STR("secret")), 0);
}

void candidates(struct agent *from, struct agent *to)
{
	for (size_t i = 0; i < ice_locals(from->ice); i++) {
		struct candidate c;

		if (ice_local(from->ice, i)->type == CANDIDATE_PRFLX)
			continue;
		ice_candidate_describe(ice_local(from->ice, i), &c);
		ice_add_remote(to->ice, &c, to->s->now);
	}
}

void describe(struct agent *from, struct agent *to, bool done)
{
	struct ice_remote r = { .ufrag = ice_ufrag(from->ice), .pwd = ice_pwd(from->ice), .done = done, .now_us = to->s->now };

	assert_int_equal(ice_set_remote(to->ice, &r), 0);
	if (done)
		candidates(from, to);
}

void gather_both(struct stage *s)
{
	for (unsigned i = 0; i < 2; i++)
		ice_gather(s->agent[i].ice, s->now);
	run(s, 5000000);
	for (unsigned i = 0; i < 2; i++)
		assert_true(ice_gathered(s->agent[i].ice));
}

void exchange(struct stage *s)
{
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], true);
	run(s, s->delay);               /* the answer takes its time */
	describe(&s->agent[1], &s->agent[0], true);
}

bool talk(struct stage *s, unsigned from, const char *text)
{
	struct agent *a = &s->agent[from], *b = &s->agent[!from];
	uint8_t p[256];
	size_t n = strlen(text);
	unsigned before = b->data;
	struct ice_way way;

	memcpy(p, text, n);
	if (!ice_wrap(a->ice, 1, p, &n, sizeof(p), &way))
		return false;
	if (way.stream)
		pipe_send(a, way.base, p, n);
	else
		on_send(a, 1, way.base, &way.to, p, n);
	run(s, 4 * s->delay);
	return b->data == before + 1 && b->got_n == strlen(text) && !memcmp(b->got, text, b->got_n);
}
