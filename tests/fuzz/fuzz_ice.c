/* An ICE agent under a sequence of datagrams, descriptions, candidates and ticks. Each step is a byte that
 * says what it is, and what it needs. Messages get a right MESSAGE-INTEGRITY when the step says so, so
 * that what lies behind it is reached. What leaves is looked at: it must be STUN or wrapped media, and go
 * to where a candidate or a server is. */
#include <stdlib.h>
#include "base/obj.h"
#include "media/ice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ADDRS = 8, SENT = 4, BUDGET = 4000 };

struct fuzz {
	const uint8_t *p;
	size_t n;
	uint64_t now;
	uint32_t dice;
	struct stun_hash hash;
	struct ice *ice;
	struct sa addr[ADDRS];          /* 0 is the server's; the others are peers' */
	uint8_t id[SENT][STUN_ID];      /* of its last requests, for answers */
	unsigned nsent, left;
	bool stream[ICE_MAX_BASES];     /* a connection of TURN is open, or being opened */
};

static uint8_t take(struct fuzz *f)
{
	if (!f->n)
		return 0;
	f->n--;
	return *f->p++;
}

static void on_random(void *arg, void *p, size_t n)
{
	struct fuzz *f = arg;

	for (size_t i = 0; i < n; i++) {
		f->dice = f->dice * 1664525u + 1013904223u;
		((uint8_t *)p)[i] = (uint8_t)(f->dice >> 16);
	}
}

static void on_send(void *arg, unsigned component, unsigned base, const struct sa *to, const void *p, size_t n)
{
	struct fuzz *f = arg;
	struct stun_msg m;
	bool known = false;
	uint16_t number;
	struct str data;

	if (component < 1 || component > ICE_COMPONENTS || base >= ICE_MAX_BASES || !n || n > STUN_MAX)
		abort();
	for (unsigned i = 0; i < ADDRS; i++)
		known = known || sa_eq_host(to, &f->addr[i]);
	if (!known)
		abort();
	f->left++;
	if (!stun_channel_parse(p, n, &number, &data))
		return;
	if (stun_parse(&m, p, n) || !stun_fingerprint_ok(&m))
		abort();
	if (m.cls == STUN_REQUEST)
		memcpy(f->id[f->nsent++ % SENT], m.id, STUN_ID);
}

/* ---- TURN over TCP */

static bool on_stream_open(void *arg, unsigned base, const struct sa *from, const struct sa *to)
{
	struct fuzz *f = arg;

	if (base >= ICE_MAX_BASES || f->stream[base] || !sa_is_set(from) || !sa_eq(to, &f->addr[0]))
		abort();
	return f->stream[base] = !(f->dice & 0x30000);
}

static void on_stream_send(void *arg, unsigned base, const void *p, size_t n)
{
	struct fuzz *f = arg;

	if (base >= ICE_MAX_BASES || !f->stream[base])
		abort();
	on_send(f, 1, base, &f->addr[0], p, n);
}

static void on_stream_close(void *arg, unsigned base)
{
	struct fuzz *f = arg;

	if (base >= ICE_MAX_BASES || !f->stream[base])
		abort();
	f->stream[base] = false;
}

static void on_event(void *arg, const struct ice_event *e)
{
	(void)arg;
	if (e->type == ICE_EV_STATE && e->state >= ICE_STATES)
		abort();
	if (e->type == ICE_EV_SELECTED && !sa_is_set(&e->remote))
		abort();
}

/* ---- messages */

static void put_attrs(struct fuzz *f, struct stun_out *o)
{
	for (unsigned n = take(f) % 8; n; n--) {
		uint8_t v = take(f);

		switch (v % 12) {
		case 0: stun_put_u32(o, STUN_PRIORITY, (uint32_t)take(f) << 20 | 1); break;
		case 1: stun_put_u64(o, STUN_ICE_CONTROLLING, (uint64_t)take(f) << 56); break;
		case 2: stun_put_u64(o, STUN_ICE_CONTROLLED, (uint64_t)take(f) << 56); break;
		case 3: stun_put_flag(o, STUN_USE_CANDIDATE); break;
		case 4: stun_put_addr(o, STUN_XOR_MAPPED_ADDRESS, &f->addr[take(f) % ADDRS]); break;
		case 5: stun_put_addr(o, STUN_XOR_RELAYED_ADDRESS, &f->addr[take(f) % ADDRS]); break;
		case 6: stun_put_addr(o, STUN_XOR_PEER_ADDRESS, &f->addr[take(f) % ADDRS]); break;
		case 7: stun_put_u32(o, STUN_LIFETIME, (uint32_t)take(f) << (v >> 4)); break;
		case 8: stun_put_error(o, 300 + take(f) * 2u % 400, STR("x")); break;
		case 9: stun_put(o, STUN_REALM, STR("realm")); stun_put(o, STUN_NONCE, STR("nonce")); break;
		case 10: stun_put_flag(o, (enum stun_attr)(0x7000 + v)); break;
		default: stun_put(o, STUN_DATA_ATTR, STR("\x80\x00 some media")); break;
		}
	}
}

/* The way a peer, or a server, would sign it. `how`: 0 not at all. */
static void sign(struct fuzz *f, struct stun_out *o, unsigned how)
{
	uint8_t key[16];

	switch (how) {
	case 1:
		stun_put_integrity(o, &f->hash, STUN_HASH_SHA1, ice_pwd(f->ice));
		break;
	case 2:
		stun_put_integrity(o, &f->hash, STUN_HASH_SHA1, STR("0123456789012345678901"));
		break;
	case 3:
		stun_long_key(&f->hash, STR("user"), STR("realm"), STR("secret"), key);
		stun_put_integrity(o, &f->hash, STUN_HASH_SHA1, str_mk((char *)key, 16));
		break;
	default:
		break;
	}
}

static size_t message(struct fuzz *f, uint8_t *p, size_t max)
{
	static const uint16_t methods[] = { STUN_BINDING, STUN_BINDING, STUN_ALLOCATE, STUN_REFRESH, STUN_DATA,
					    STUN_CREATE_PERMISSION, STUN_CHANNEL_BIND, 0x3ff };
	uint8_t kind = take(f), how = take(f);
	const uint8_t *id = f->id[how >> 2 & (SENT - 1)];
	char user[64];
	struct stun_out o;
	struct buf b;

	stun_begin(&o, p, max, (enum stun_class)(kind & 3), methods[kind >> 2 & 7], id);
	if (how & 0x40) {
		buf_init(&b, user, sizeof(user), sizeof(user));
		buf_puts(&b, ice_ufrag(f->ice), STR(":peer"));
		stun_put(&o, STUN_USERNAME, buf_view(&b));
	}
	put_attrs(f, &o);
	sign(f, &o, how & 3);
	if (how & 0x80)
		stun_put_fingerprint(&o);
	return stun_end(&o);
}

/* ---- steps */

static void step_datagram(struct fuzz *f, bool raw)
{
	uint8_t buf[STUN_MAX], *copy;
	unsigned base = take(f) % 4;
	enum ice_verdict v;
	struct sa from = f->addr[take(f) % ADDRS], peer;
	size_t n = 0;

	if (raw) {
		n = take(f);
		n = n < f->n ? n : f->n;
		memcpy(buf, f->p, n);
		f->p += n;
		f->n -= n;
	} else {
		n = message(f, buf, sizeof(buf));
	}
	copy = malloc(n ? n : 1);
	memcpy(copy, buf, n);
	v = f->stream[base] ? ice_stream_message(f->ice, f->now, base, copy, &n, &peer) :
			      ice_datagram(f->ice, f->now, base, &from, copy, &n, &peer);
	if (v == ICE_DATA && !sa_is_set(&peer))
		abort();
	free(copy);
}

static void step_media(struct fuzz *f)
{
	uint8_t buf[256] = { 0x80 };
	size_t n = take(f);
	struct ice_way way;

	if (ice_wrap(f->ice, 1 + (take(f) & 1), buf, &n, sizeof(buf), &way) && (n > sizeof(buf) || !sa_is_set(&way.to)))
		abort();
}

/* A connection opens or ends. */
static void step_stream(struct fuzz *f)
{
	unsigned how = take(f), base = how % 4;

	if (!f->stream[base])
		return;
	if (how & 0x80) {
		f->stream[base] = false;
		ice_stream_lost(f->ice, f->now, base);
	} else {
		ice_stream_opened(f->ice, f->now, base);
	}
}

static void step_remote(struct fuzz *f)
{
	struct candidate c = { .foundation = STR("1"), .component = (uint16_t)(1 + (take(f) & 1)), .host = STR("x"),
			       .priority = 1 + (uint32_t)take(f) * 1000, .type = (enum candidate_type)(take(f) % CANDIDATE_TYPES) };

	c.addr = f->addr[1 + take(f) % (ADDRS - 1)];
	sa_set_port(&c.addr, (uint16_t)(1000 + take(f)));
	c.port = sa_port(&c.addr);
	ice_add_remote(f->ice, &c, f->now);
}

static void step_describe(struct fuzz *f)
{
	uint8_t v = take(f);
	struct ice_remote r = { .ufrag = v & 1 ? STR("peer") : STR("othr"), .pwd = STR("0123456789012345678901"),
				.lite = v & 2, .done = v & 4, .now_us = f->now };

	ice_set_remote(f->ice, &r);
}

static void step(struct fuzz *f)
{
	uint8_t op = take(f);

	switch (op % 12) {
	case 0: case 1: case 2: step_datagram(f, false); break;
	case 3: step_datagram(f, true); break;
	case 4: step_media(f); break;
	case 5: step_remote(f); break;
	case 6: step_describe(f); break;
	case 7: f->now += (uint64_t)take(f) << (take(f) & 15); break;
	case 8:
		if (op & 0x40)
			ice_restart_undo(f->ice);
		else
			ice_restart(f->ice, (enum ice_role)(op >> 7), NULL, f->now);
		break;
	case 9: ice_remote_done(f->ice); break;
	case 10:
		if (op & 0x80)
			ice_one_component(f->ice, f->now);
		else
			ice_gather(f->ice, f->now);
		break;
	default:
		if (op & 0x80 && !f->n)
			ice_close(f->ice);
		else
			step_stream(f);
		break;
	}
	/* What is due is done, and it does not ask for ever. */
	for (unsigned i = 0; ice_due(f->ice) <= f->now; i++) {
		if (i > 50)
			abort();
		ice_tick(f->ice, f->now);
	}
}

static void begin(struct fuzz *f)
{
	static const char *const addrs[ADDRS] = { "198.51.100.1:3478", "203.0.113.1:5000", "203.0.113.2:5000", "203.0.113.1:5001",
						  "[2001:db8::1]:5000", "192.0.2.5:4000", "198.51.100.1:50000", "203.0.113.3:1000" };
	static const char *const hosts[4] = { "192.0.2.5:4000", "192.0.2.5:4001", "[2001:db8::5]:4000", "192.0.2.6:4002" };
	uint8_t first = take(f);
	enum ice_server kind = (enum ice_server)(ICE_TURN + (first >> 1) % 3);
	struct ice_prm prm = { .hash = f->hash, .role = (enum ice_role)(first & 1), .components = 2, .now_us = f->now,
			       .ops = { .arg = f, .send = on_send, .event = on_event, .random = on_random,
				    .stream_open = on_stream_open, .stream_send = on_stream_send,
				    .stream_close = on_stream_close } };
	struct sa host;

	for (unsigned i = 0; i < ADDRS; i++)
		sa_parse(&f->addr[i], str_z(addrs[i]));
	if (ice_new(&f->ice, &prm))
		abort();
	for (unsigned i = 0; i < 4; i++) {
		sa_parse(&host, str_z(hosts[i]));
		if (ice_add_host(f->ice, i == 1 ? 2 : 1, i, &host, NULL))
			abort();
	}
	ice_add_server(f->ice, ICE_STUN, &f->addr[0], STR_NULL, STR_NULL);
	ice_add_server(f->ice, kind, &f->addr[0], STR("user"), STR("secret"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct stun_hash hash;
	struct fuzz f = { .p = data, .n = n, .now = 1000000, .dice = 1 };

	if (!hash.arg && stun_hash_openssl(&hash))
		abort();
	f.hash = hash;
	begin(&f);
	while (f.n && f.left < BUDGET)
		step(&f);
	obj_drop(f.ice);
	return 0;
}
