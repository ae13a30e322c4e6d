/* STUN messages: what is accepted stays in bounds, and is written and read again the same. */
#include <stdlib.h>
#include "base/obj.h"
#include "media/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void inside(struct str s, const uint8_t *p, size_t n)
{
	if (s.n && ((const uint8_t *)s.p < p || (const uint8_t *)s.p + s.n > p + n))
		abort();
}

static void rewrite(const struct stun_msg *m, const struct stun_hash *h)
{
	uint8_t p[STUN_MAX];
	struct stun_out o;
	struct stun_msg again;

	stun_begin(&o, p, sizeof(p), m->cls, m->method, m->id);
	if (m->username.p)
		stun_put(&o, STUN_USERNAME, m->username);
	if (m->data.p)
		stun_put(&o, STUN_DATA_ATTR, m->data);
	if (sa_is_set(&m->xor_mapped))
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &m->xor_mapped);
	if (sa_is_set(&m->peer))
		stun_put_addr(&o, STUN_XOR_PEER_ADDRESS, &m->peer);
	if (m->has_priority)
		stun_put_u32(&o, STUN_PRIORITY, m->priority);
	if (m->error)
		stun_put_error(&o, m->error, m->reason);
	stun_put_integrity(&o, h, STUN_HASH_SHA1, STR("key"));
	stun_put_fingerprint(&o);
	if (!stun_end(&o))
		return;
	if (stun_parse(&again, p, o.n) || stun_check(&again, h, STR("key")) || !stun_fingerprint_ok(&again))
		abort();
	if (!str_eq(again.username, m->username) || !str_eq(again.data, m->data) || again.priority != m->priority ||
	    again.error != m->error || again.method != m->method)
		abort();
	if (sa_is_set(&m->xor_mapped) && !sa_eq(&again.xor_mapped, &m->xor_mapped))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct stun_hash h;
	uint8_t *copy = malloc(n ? n : 1);
	uint16_t number;
	struct str part;
	struct stun_msg m;

	if (!h.arg && stun_hash_openssl(&h))
		abort();
	if (n)
		memcpy(copy, data, n);
	if (!stun_channel_parse(copy, n, &number, &part))
		inside(part, copy, n);
	if (!stun_parse(&m, copy, n)) {
		inside(m.username, copy, n);
		inside(m.realm, copy, n);
		inside(m.nonce, copy, n);
		inside(m.software, copy, n);
		inside(m.data, copy, n);
		inside(m.reason, copy, n);
		(void)stun_check(&m, &h, STR("VOkJxbRl1RmTxUk/WvJxBt"));
		(void)stun_fingerprint_ok(&m);
		rewrite(&m, &h);
	}
	free(copy);
	return 0;
}
