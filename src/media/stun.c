/* media/stun.c -- STUN messages from bytes: a table of the attributes we know, and the checks of
 * integrity and fingerprint. stun_write.c makes them. */
#include "media/stun.h"
#include "media/stun_int.h"
#include <errno.h>
#include "base/poison.h"

/* How an attribute is read. What it says of lengths is checked before. */
enum attr_kind { ATTR_TEXT, ATTR_U16, ATTR_U32, ATTR_U64, ATTR_FLAG, ATTR_ADDR, ATTR_XADDR, ATTR_ERROR, ATTR_SKIP };

struct attr_row {
	uint16_t type;
	uint16_t min, max;      /* [bytes] */
	enum attr_kind kind;
	size_t at;              /* offset of its field in struct stun_msg */
	size_t flag;            /* offset of a bool that says that it was there; 0: none */
};

#define AT(field) offsetof(struct stun_msg, field)
/* Longest texts: RFC 8489 14.3 (509), 14.9 to 14.11 (763). */
static const struct attr_row rows[] = {
	{ STUN_MAPPED_ADDRESS, 8, 20, ATTR_ADDR, AT(mapped), 0 },
	{ STUN_USERNAME, 0, 513, ATTR_TEXT, AT(username), 0 },
	{ STUN_ERROR_CODE, 4, 767, ATTR_ERROR, AT(error), 0 },
	{ STUN_UNKNOWN_ATTRIBUTES, 0, STUN_MAX, ATTR_SKIP, 0, 0 },
	{ STUN_CHANNEL_NUMBER, 4, 4, ATTR_U16, AT(channel), 0 },
	{ STUN_LIFETIME, 4, 4, ATTR_U32, AT(lifetime), AT(has_lifetime) },
	{ STUN_XOR_PEER_ADDRESS, 8, 20, ATTR_XADDR, AT(peer), 0 },
	{ STUN_DATA_ATTR, 0, STUN_MAX, ATTR_TEXT, AT(data), 0 },
	{ STUN_REALM, 0, 763, ATTR_TEXT, AT(realm), 0 },
	{ STUN_NONCE, 0, 763, ATTR_TEXT, AT(nonce), 0 },
	{ STUN_XOR_RELAYED_ADDRESS, 8, 20, ATTR_XADDR, AT(relayed), 0 },
	{ STUN_REQUESTED_FAMILY, 4, 4, ATTR_SKIP, 0, 0 },
	{ STUN_REQUESTED_TRANSPORT, 4, 4, ATTR_SKIP, 0, 0 },
	{ STUN_XOR_MAPPED_ADDRESS, 8, 20, ATTR_XADDR, AT(xor_mapped), 0 },
	{ STUN_PRIORITY, 4, 4, ATTR_U32, AT(priority), AT(has_priority) },
	{ STUN_USE_CANDIDATE, 0, 0, ATTR_FLAG, AT(use_candidate), 0 },
	{ STUN_SOFTWARE, 0, 763, ATTR_TEXT, AT(software), 0 },
	{ STUN_ICE_CONTROLLED, 8, 8, ATTR_U64, AT(tie_breaker), AT(controlled) },
	{ STUN_ICE_CONTROLLING, 8, 8, ATTR_U64, AT(tie_breaker), AT(controlling) },
};

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }

/* ---- values */

static void addr_unxor(uint8_t *v, size_t n, const uint8_t *id)
{
	uint8_t mask[16] = { 0x21, 0x12, 0xa4, 0x42 };

	memcpy(mask + 4, id, STUN_ID);
	for (size_t i = 0; i < n; i++)
		v[i] ^= mask[i];
}

/* Zero, family, port, address (RFC 8489 14.1 and 14.2). */
static int addr_get(struct sa *a, const uint8_t *v, size_t n, const uint8_t *id, bool xored)
{
	uint16_t port = (uint16_t)(get16(v + 2) ^ (xored ? 0x2112 : 0));
	uint8_t host[16];
	size_t len = v[1] == 1 ? 4 : 16;

	if ((v[1] != 1 && v[1] != 2) || n != 4 + len)
		return EBADMSG;
	memcpy(host, v + 4, len);
	if (xored)
		addr_unxor(host, len, id);
	*a = (struct sa){ 0 };
	if (len == 4) {
		a->u.in4.sin_family = AF_INET;
		memcpy(&a->u.in4.sin_addr, host, 4);
	} else {
		struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

		memcpy(&six.sin6_addr, host, 16);
		sa_from(a, (const struct sockaddr *)(const void *)&six, sizeof(six));   /* a mapped one becomes IPv4 */
	}
	sa_set_port(a, port);
	return 0;
}

/* Class 3..6, number 0..99 (RFC 8489 14.8). */
static int error_get(struct stun_msg *m, const uint8_t *v, size_t n)
{
	unsigned hundreds = v[2] & 7, rest = v[3];

	if (hundreds < 3 || hundreds > 6 || rest > 99)
		return EBADMSG;
	m->error = (uint16_t)(hundreds * 100 + rest);
	m->reason = str_mk((const char *)v + 4, n - 4);
	return 0;
}

static int value_get(struct stun_msg *m, const struct attr_row *r, const uint8_t *v, size_t n)
{
	void *field = (char *)m + r->at;
	int err = 0;

	switch (r->kind) {
	case ATTR_TEXT:
		*(struct str *)field = str_mk((const char *)v, n);
		break;
	case ATTR_U16:
		*(uint16_t *)field = get16(v);
		break;
	case ATTR_U32:
		*(uint32_t *)field = get32(v);
		break;
	case ATTR_U64:
		*(uint64_t *)field = (uint64_t)get32(v) << 32 | get32(v + 4);
		break;
	case ATTR_FLAG:
		*(bool *)field = true;
		break;
	case ATTR_ADDR:
	case ATTR_XADDR:
		err = addr_get(field, v, n, m->id, r->kind == ATTR_XADDR);
		break;
	case ATTR_ERROR:
		err = error_get(m, v, n);
		break;
	case ATTR_SKIP:
		break;
	}
	if (!err && r->flag)
		*(bool *)((char *)m + r->flag) = true;
	return err;
}

/* ---- attributes */

static const struct attr_row *row_of(uint16_t type, size_t *i)
{
	for (*i = 0; *i < ARRAY_LEN(rows); ++*i)
		if (rows[*i].type == type)
			return &rows[*i];
	return NULL;
}

/* The three that close a message. `at` is where the attribute begins. */
static int closing_get(struct stun_msg *m, uint16_t type, size_t at, size_t n)
{
	switch (type) {
	case STUN_MESSAGE_INTEGRITY:
		if (n != STUN_SHA1 || m->integrity_at)
			return EBADMSG;
		m->integrity_at = at;
		return 0;
	case STUN_MESSAGE_INTEGRITY_SHA256:
		/* May be cut, but not below 16 bytes (RFC 8489 14.6). */
		if (n < 16 || n > STUN_SHA256 || n % 4 || m->integrity256_at)
			return EBADMSG;
		m->integrity256_at = at;
		m->integrity256_n = n;
		return 0;
	default:
		if (n != 4 || at + 8 != m->n)
			return EBADMSG;
		m->fingerprint_at = at;
		return 0;
	}
}

static bool is_closing(uint16_t type)
{
	return type == STUN_MESSAGE_INTEGRITY || type == STUN_MESSAGE_INTEGRITY_SHA256 || type == STUN_FINGERPRINT;
}

static int attr_get(struct stun_msg *m, uint32_t *seen, size_t at, uint16_t type, size_t n)
{
	const struct attr_row *r;
	size_t i;

	if (is_closing(type))
		return closing_get(m, type, at, n);
	/* Not covered by what was signed: as if it was not there. */
	if (m->integrity_at || m->integrity256_at)
		return 0;
	r = row_of(type, &i);
	if (!r) {
		if (type < 0x8000 && m->nunknown < STUN_MAX_UNKNOWN)
			m->unknown[m->nunknown++] = type;
		return 0;
	}
	if (*seen & 1u << i)
		return 0;
	*seen |= 1u << i;
	if (n < r->min || n > r->max)
		return EBADMSG;
	return value_get(m, r, m->p + at + 4, n);
}

bool stun_is(const uint8_t *p, size_t n)
{
	return n >= STUN_HEADER && !(p[0] & 0xc0) && get32(p + 4) == STUN_COOKIE && get16(p + 2) % 4 == 0 &&
	       get16(p + 2) + (size_t)STUN_HEADER == n;
}

int stun_parse(struct stun_msg *out, const uint8_t *p, size_t n)
{
	struct stun_msg m = { .p = p, .n = n };
	uint32_t seen = 0;
	int err = 0;

	_Static_assert(ARRAY_LEN(rows) <= 32, "a bit a row");
	if (n > STUN_MAX)
		return E2BIG;
	if (!stun_is(p, n))
		return EBADMSG;
	/* The class stands in bits 4 and 8 between those of the method (RFC 8489 section 5). */
	m.cls = (enum stun_class)((p[0] & 1) << 1 | (p[1] >> 4 & 1));
	m.method = (uint16_t)((p[0] & 0x3e) << 6 | (p[1] & 0xe0) >> 1 | (p[1] & 0x0f));
	m.id = p + 8;
	for (size_t at = STUN_HEADER; !err && at < n; ) {
		size_t len;

		if (n - at < 4)
			return EBADMSG;
		len = get16(p + at + 2);
		if (len > n - at - 4 || ((len + 3) & ~(size_t)3) > n - at - 4)
			return EBADMSG;
		err = attr_get(&m, &seen, at, get16(p + at), len);
		at += 4 + ((len + 3) & ~(size_t)3);
	}
	/* A role is one of the two. */
	if (m.controlling && m.controlled)
		err = EBADMSG;
	if (!err)
		*out = m;
	return err;
}

/* ---- integrity */

/* HMAC over all before the attribute at `at`, as if the message ended with it. */
int stun_mac(const struct stun_hash *h, enum stun_hash_alg a, struct str key, const uint8_t *p, size_t at,
	     size_t mac_n, uint8_t out[STUN_SHA256])
{
	uint8_t head[STUN_HEADER];
	size_t len = at + 4 + mac_n - STUN_HEADER;
	struct str part[2] = { { (const char *)head, STUN_HEADER }, { (const char *)p + STUN_HEADER, at - STUN_HEADER } };

	memcpy(head, p, STUN_HEADER);
	head[2] = (uint8_t)(len >> 8);
	head[3] = (uint8_t)len;
	return h->hmac(h->arg, a, key, part, 2, out);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned)(a[i] ^ b[i]);
	return !diff;
}

int stun_check(const struct stun_msg *m, const struct stun_hash *h, struct str key)
{
	bool strong = m->integrity256_at != 0;
	size_t at = strong ? m->integrity256_at : m->integrity_at;
	size_t n = strong ? m->integrity256_n : STUN_SHA1;
	uint8_t mac[STUN_SHA256];
	int err;

	if (!at)
		return ENOENT;
	err = stun_mac(h, strong ? STUN_HASH_SHA256 : STUN_HASH_SHA1, key, m->p, at, n, mac);
	if (!err && !same(mac, m->p + at + 4, n))
		err = EACCES;
	return err;
}

int stun_long_key(const struct stun_hash *h, struct str user, struct str realm, struct str password, uint8_t key[16])
{
	const struct str part[] = { user, STR(":"), realm, STR(":"), password };
	uint8_t sum[STUN_SHA256];
	int err = h->digest(h->arg, STUN_HASH_MD5, part, ARRAY_LEN(part), sum);

	if (!err)
		memcpy(key, sum, 16);
	return err;
}

/* CRC-32 of ISO 3309, four bits at a time, and RFC 8489 14.7's own constant. */
uint32_t stun_crc(const uint8_t *p, size_t n)
{
	static const uint32_t row[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc = crc >> 4 ^ row[(crc ^ p[i]) & 15];
		crc = crc >> 4 ^ row[(crc ^ p[i] >> 4) & 15];
	}
	return ~crc ^ 0x5354554e;
}

bool stun_fingerprint_ok(const struct stun_msg *m)
{
	return !m->fingerprint_at || get32(m->p + m->fingerprint_at + 4) == stun_crc(m->p, m->fingerprint_at);
}

/* ---- channels */

int stun_channel_parse(const uint8_t *p, size_t n, uint16_t *number, struct str *data)
{
	if (n < STUN_CHANNEL_HEADER || get16(p) < STUN_CHANNEL_MIN || get16(p) > STUN_CHANNEL_MAX ||
	    get16(p + 2) > n - STUN_CHANNEL_HEADER)
		return EBADMSG;
	*number = get16(p);
	*data = str_mk((const char *)p + STUN_CHANNEL_HEADER, get16(p + 2));
	return 0;
}
