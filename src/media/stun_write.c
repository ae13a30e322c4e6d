/* media/stun_write.c -- STUN messages into the caller's bytes; stun.c reads them. */
#include "media/stun_int.h"
#include "base/poison.h"

static void set16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void set32(uint8_t *p, uint32_t v)
{
	set16(p, v >> 16);
	set16(p + 2, v & 0xffff);
}

void stun_begin(struct stun_out *o, void *p, size_t max, enum stun_class cls, unsigned method, const uint8_t id[STUN_ID])
{
	unsigned c = (unsigned)cls;

	*o = (struct stun_out){ .p = p, .n = STUN_HEADER, .max = max < STUN_MAX ? max : STUN_MAX };
	o->failed = o->max < STUN_HEADER || method > 0xfff;
	if (o->failed)
		return;
	set16(o->p, (method & 0xf80) << 2 | (method & 0x70) << 1 | (method & 0xf) | (c & 2) << 7 | (c & 1) << 4);
	set16(o->p + 2, 0);
	set32(o->p + 4, STUN_COOKIE);
	memcpy(o->p + 8, id, STUN_ID);
}

/* Room for an attribute with its padding, which is zeros. NULL: there is none. */
static uint8_t *attr_room(struct stun_out *o, unsigned type, size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;
	uint8_t *at;

	if (o->failed || n > STUN_MAX || o->max - o->n < 4 + padded) {
		o->failed = true;
		return NULL;
	}
	at = o->p + o->n;
	set16(at, type);
	set16(at + 2, (unsigned)n);
	memset(at + 4, 0, padded);
	o->n += 4 + padded;
	set16(o->p + 2, (unsigned)(o->n - STUN_HEADER));
	return at + 4;
}

void stun_put(struct stun_out *o, enum stun_attr type, struct str value)
{
	uint8_t *v = attr_room(o, type, value.n);

	if (v && value.n)
		memcpy(v, value.p, value.n);
}

void stun_put_u32(struct stun_out *o, enum stun_attr type, uint32_t val)
{
	uint8_t *v = attr_room(o, type, 4);

	if (v)
		set32(v, val);
}

void stun_put_u64(struct stun_out *o, enum stun_attr type, uint64_t val)
{
	uint8_t *v = attr_room(o, type, 8);

	if (v) {
		set32(v, (uint32_t)(val >> 32));
		set32(v + 4, (uint32_t)val);
	}
}

void stun_put_flag(struct stun_out *o, enum stun_attr type)
{
	attr_room(o, type, 0);
}

void stun_put_addr(struct stun_out *o, enum stun_attr type, const struct sa *a)
{
	bool six = sa_is_v6(a), xored = type != STUN_MAPPED_ADDRESS;
	size_t n = six ? 16 : 4;
	uint8_t *v = attr_room(o, type, 4 + n);

	if (!v)
		return;
	v[1] = six ? 2 : 1;
	set16(v + 2, sa_port(a) ^ (xored ? STUN_COOKIE >> 16 : 0));
	if (six)
		memcpy(v + 4, &a->u.in6.sin6_addr, n);
	else
		memcpy(v + 4, &a->u.in4.sin_addr, n);
	/* The mask is the cookie and the transaction id, as they stand in the header. */
	for (size_t i = 0; xored && i < n; i++)
		v[4 + i] ^= o->p[4 + i];
}

void stun_wrap_data(struct stun_out *o, size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;

	if (o->failed || n > STUN_MAX || o->max < o->n + 4 + padded) {
		o->failed = true;
		return;
	}
	set16(o->p + o->n, STUN_DATA_ATTR);
	set16(o->p + o->n + 2, (unsigned)n);
	memset(o->p + o->n + 4 + n, 0, padded - n);
	o->n += 4 + padded;
	set16(o->p + 2, (unsigned)(o->n - STUN_HEADER));
}

void stun_put_channel(struct stun_out *o, uint16_t number)
{
	stun_put_u32(o, STUN_CHANNEL_NUMBER, (uint32_t)number << 16);
}

void stun_put_error(struct stun_out *o, unsigned code, struct str reason)
{
	uint8_t *v = attr_room(o, STUN_ERROR_CODE, 4 + reason.n);

	if (!v)
		return;
	v[2] = (uint8_t)(code / 100);
	v[3] = (uint8_t)(code % 100);
	if (reason.n)
		memcpy(v + 4, reason.p, reason.n);
}

void stun_put_unknown(struct stun_out *o, const uint16_t *type, size_t n)
{
	uint8_t *v = attr_room(o, STUN_UNKNOWN_ATTRIBUTES, 2 * n);

	for (size_t i = 0; v && i < n; i++)
		set16(v + 2 * i, type[i]);
}

void stun_put_integrity(struct stun_out *o, const struct stun_hash *h, enum stun_hash_alg a, struct str key)
{
	bool strong = a == STUN_HASH_SHA256;
	size_t at = o->n, n = strong ? STUN_SHA256 : STUN_SHA1;
	uint8_t mac[STUN_SHA256];
	uint8_t *v = attr_room(o, strong ? STUN_MESSAGE_INTEGRITY_SHA256 : STUN_MESSAGE_INTEGRITY, n);

	if (!v)
		return;
	if (stun_mac(h, a, key, o->p, at, n, mac))
		o->failed = true;
	else
		memcpy(v, mac, n);
}

void stun_put_fingerprint(struct stun_out *o)
{
	size_t at = o->n;
	uint8_t *v = attr_room(o, STUN_FINGERPRINT, 4);

	if (v)
		set32(v, stun_crc(o->p, at));
}

size_t stun_end(struct stun_out *o)
{
	return o->failed ? 0 : o->n;
}

void stun_channel_header(uint8_t p[STUN_CHANNEL_HEADER], uint16_t number, uint16_t n)
{
	set16(p, number);
	set16(p + 2, n);
}
