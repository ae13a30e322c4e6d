/* Counts the messages of addresses that have proved nothing, and remembers those that have. */
#include "net/private.h"
#include "base/bucket.h"
#include "base/log.h"

#define ADDRESSES 65536         /* that either table remembers */
#define BURST_S 5               /* so many seconds' worth at once */
#define TRUST_S 3600            /* what was proved holds so long */
#define MOAN_US 10000000u

/* A word of `trusted`: the high bits of the address's hash, the second it ends. */
#define END_BITS 32

struct strangers {
	uint32_t rate;
	struct buckets *spent;          /* held */
	_Atomic uint64_t moaned_us;
	_Atomic uint64_t trusted[ADDRESSES];
};

static void strangers_free(void *arg)
{
	struct strangers *s = arg;

	obj_drop(s->spent);
}

struct strangers *strangers_new(uint32_t rate)
{
	struct strangers *s = obj_new(sizeof(*s), strangers_free);

	if (!s)
		return NULL;
	s->rate = rate;
	s->spent = buckets_new(ADDRESSES, rate * BURST_S, 1000000 / rate);
	return s->spent ? s : obj_drop(s);
}

/* Whoever has one address of a /64 has them all. */
uint64_t strangers_key(const struct sa *a)
{
	return sa_is_v6(a) ? hash_mem(&a->u.in6.sin6_addr, 8) : hash_mem(&a->u.in4.sin_addr, 4);
}

static uint32_t trusted_until(const struct strangers *s, uint64_t key)
{
	uint64_t word = atomic_load_explicit(&s->trusted[key % ADDRESSES], memory_order_relaxed);

	return word >> END_BITS == key >> END_BITS ? (uint32_t)word : 0;
}

bool strangers_known(const struct strangers *s, const struct sa *who, uint64_t now_us)
{
	return trusted_until(s, strangers_key(who)) > now_us / 1000000;
}

void strangers_trust(struct strangers *s, const struct sa *who, uint64_t now_us)
{
	uint64_t key = strangers_key(who), now = now_us / 1000000;

	/* Told with each message of a call: most write nothing. */
	if (trusted_until(s, key) < now + TRUST_S / 2)
		atomic_store_explicit(&s->trusted[key % ADDRESSES],
				      key >> END_BITS << END_BITS | (uint32_t)(now + TRUST_S), memory_order_relaxed);
}

static void log_dropped(struct strangers *s, const struct sa *who, uint64_t now_us)
{
	char text[SA_TEXT];

	if (now_us < atomic_load_explicit(&s->moaned_us, memory_order_relaxed))
		return;
	atomic_store_explicit(&s->moaned_us, now_us + MOAN_US, memory_order_relaxed);
	log_notice("%s sends more than %u messages a second and has proved nothing: the rest is dropped "
		   "(stranger_rate in sidetone.conf)", sa_text_bare(who, text), s->rate);
}

bool strangers_permit(struct strangers *s, const struct sa *who, uint64_t now_us)
{
	uint64_t key = strangers_key(who);

	if (trusted_until(s, key) > now_us / 1000000 || buckets_take(s->spent, key, now_us))
		return true;
	log_dropped(s, who, now_us);
	return false;
}
