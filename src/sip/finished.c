/* Who makes server transactions, by source address, and what is remembered of those
 * that have their final answer: as little as a repetition needs. What a transaction
 * does while it is alive is server_tx.c's. */
#include "sip/stack_private.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

#define OVERHEAD 96             /* [bytes] of a finished one beside itself: its slot in the map, malloc's own */

static uint8_t size_class(size_t bytes)
{
	uint8_t c = 0;

	for (; bytes; bytes >>= 1)
		c++;
	return c;
}

/* Whoever has one address of a /64 has them all. */
static struct str source_key(const struct sa *a, char room[SIP_SOURCE_KEY])
{
	if (sa_is_v6(a)) {
		room[0] = 6;
		memcpy(room + 1, &a->u.in6.sin6_addr, 8);
		return str_mk(room, 9);
	}
	room[0] = 4;
	memcpy(room + 1, &a->u.in4.sin_addr, 4);
	return str_mk(room, 5);
}

static struct sip_source *source_of(struct sip_stack *s, const struct sa *a)
{
	char room[SIP_SOURCE_KEY];
	struct str key = source_key(a, room);
	struct sip_source *src = map_get(s->sources, key);

	if (src)
		return src;
	src = calloc(1, sizeof(*src));
	if (!src)
		return NULL;
	src->stack = s;
	memcpy(src->key, room, sizeof(room));
	list_init(&src->finished);
	list_init(&src->refused);
	if (map_add(s->sources, str_mk(src->key, key.n), src)) {
		free(src);
		return NULL;
	}
	src->key_n = (uint8_t)key.n;
	return src;
}

/* So many answers a second to those who are refused; more are not sent. */
#define REFUSAL_SOURCES 4096
#define REFUSAL_BURST 50
#define REFUSAL_EVERY_US 10000

bool sip_refusal_permitted(struct sip_stack *s, const struct sa *a)
{
	char room[SIP_SOURCE_KEY];

	return buckets_take(s->refusals, hash_str(source_key(a, room)), clock_us(wheel_clock(s->prm.wheel)));
}

static void source_unneeded(struct sip_source *src)
{
	if (src->live || !list_empty(&src->finished))
		return;
	timer_stop(&src->expire);
	list_remove(&src->by_size);
	map_del(src->stack->sources, str_mk(src->key, src->key_n));
	free(src);
}

int sip_source_enter(struct sip_stack *s, const struct sa *a, struct sip_source **out)
{
	struct sip_source *src = source_of(s, a);

	if (!src)
		return ENOMEM;
	if (!share_permits(&s->live, src->live)) {
		source_unneeded(src);
		return EDQUOT;
	}
	src->live++;
	s->live.used++;
	*out = src;
	return 0;
}

void sip_source_leave(struct sip_source *src)
{
	src->live--;
	src->stack->live.used--;
	source_unneeded(src);
}

/* ---- finished ------------------------------------------------------------------- */

/* A source stands in the list of its size's power of two, so that one of those with
 * the most is found without a search. */
static void resize_source(struct sip_source *src, size_t bytes)
{
	struct sip_stack *s = src->stack;
	uint8_t was = size_class(src->bytes), is = size_class(bytes);

	s->finished_bytes += bytes - src->bytes;
	src->bytes = bytes;
	if (was == is)
		return;
	list_remove(&src->by_size);
	if (is)
		list_append(&s->by_size[is], &src->by_size);
}

static size_t finished_cost(const struct sip_finished *f)
{
	return sizeof(*f) + f->reason_n + f->rest_n + OVERHEAD;
}

static void finished_free(struct sip_finished *f)
{
	struct sip_source *src = f->source;

	map_del(src->stack->finished, str_mk((const char *)&f->key, sizeof(f->key)));
	list_remove(&f->link);
	resize_source(src, src->bytes - finished_cost(f));
	free(f);
}

static void expire_due(void *arg);

static void arm_timer(struct sip_source *src)
{
	struct sip_finished *first = container_of(src->finished.next, struct sip_finished, link);
	struct wheel *w = src->stack->prm.wheel;
	uint64_t now = clock_ms(wheel_clock(w));

	if (!list_empty(&src->finished))
		timer_start(w, &src->expire, timer_coarse_ms(w, first->due_ms > now ? first->due_ms - now : 0), expire_due,
			    src);
}

/* Timers I, J and L, of all that this source finished: the oldest stand in front. */
static void expire_due(void *arg)
{
	struct sip_source *src = arg;
	uint64_t now = clock_ms(wheel_clock(src->stack->prm.wheel));

	while (!list_empty(&src->finished)) {
		struct sip_finished *f = container_of(src->finished.next, struct sip_finished, link);

		if (f->due_ms > now)
			break;
		finished_free(f);
	}
	arm_timer(src);
	source_unneeded(src);
}

/* Whoever has most gives way, its oldest first. At worst a repetition of that
 * request is served again. */
static void make_room(struct sip_stack *s)
{
	for (size_t i = ARRAY_LEN(s->by_size); s->finished_bytes > s->prm.finished_bytes && i-- > 0;) {
		while (s->finished_bytes > s->prm.finished_bytes && !list_empty(&s->by_size[i])) {
			struct sip_source *src = container_of(s->by_size[i].next, struct sip_source, by_size);

			finished_free(container_of(src->finished.next, struct sip_finished, link));
			s->count.forgotten++;
			source_unneeded(src);
		}
	}
}

void sip_finished_add(struct sip_server_tx *tx, struct str reason, struct str rest)
{
	struct sip_stack *s = tx->stack;
	struct sip_finished *f = malloc(sizeof(*f) + reason.n + rest.n);

	if (!f)
		return;         /* as if it had been forgotten to make room */
	*f = (struct sip_finished){ .source = tx->source, .key = tx->key, .status = (uint16_t)tx->status,
		.invite = tx->invite, .ack_passes = tx->invite && tx->status < 300, .to_source = tx->to_source,
		.reason_n = (uint16_t)reason.n, .rest_n = (uint32_t)rest.n,
		.due_ms = clock_ms(wheel_clock(s->prm.wheel)) + 64 * s->t1 };
	memcpy(f->to_tag, tx->to_tag, sizeof(f->to_tag));
	if (reason.n)
		memcpy(f->text, reason.p, reason.n);
	if (rest.n)
		memcpy(f->text + reason.n, rest.p, rest.n);
	if (map_add(s->finished, str_mk((const char *)&f->key, sizeof(f->key)), f)) {
		free(f);
		return;
	}
	list_append(&tx->source->finished, &f->link);
	resize_source(tx->source, tx->source->bytes + finished_cost(f));
	if (!timer_running(&tx->source->expire))
		arm_timer(tx->source);
	make_room(s);
}

struct sip_finished *sip_finished_find(const struct sip_stack *s, uint64_t key)
{
	return map_get(s->finished, str_mk((const char *)&key, sizeof(key)));
}

void sip_finished_repeat(struct sip_stack *s, const struct sip_finished *f, const struct sip_msg *msg)
{
	struct net_path path = sip_server_tx_path(msg, f->to_source);
	struct net_bytes *bytes = NULL;
	char room[4096];
	struct buf b;

	if (f->invite)          /* acknowledged: nobody waits for an answer */
		return;
	/* The request that succeeded was well, so this is another one of the same branch:
	 * a success that repeats its header lines would repeat what is wrong with them. */
	if (msg->fault && f->status < 400) {
		s->count.strays++;
		return;
	}
	buf_init(&b, room, sizeof(room), 0);
	sip_write_response(&b, msg, f->status, str_mk(f->text, f->reason_n), str_z(f->to_tag));
	buf_put(&b, str_mk(f->text + f->reason_n, f->rest_n));
	sip_stack_shorten(s, &b, 0, true);
	if (!buf_err(&b))
		bytes = net_bytes_new(buf_view(&b));
	if (bytes) {
		s->count.retransmits_out++;
		sip_stack_send(s, &path, bytes);
	}
	obj_drop(bytes);
	buf_free(&b);
}

int sip_sources_start(struct sip_stack *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->by_size); i++)
		list_init(&s->by_size[i]);
	s->sources = map_new(false);
	s->finished = map_new(false);
	s->refusals = buckets_new(REFUSAL_SOURCES, REFUSAL_BURST, REFUSAL_EVERY_US);
	return s->sources && s->finished && s->refusals ? 0 : ENOMEM;
}

void sip_sources_free(struct sip_stack *s)
{
	struct sip_source *src;

	for (size_t it = 0; s->sources && (src = map_next(s->sources, &it)); ) {
		list_each_safe(l, next, &src->finished)
			free(container_of(l, struct sip_finished, link));
		timer_stop(&src->expire);
		free(src);
	}
	map_free(s->sources);
	map_free(s->finished);
	obj_drop(s->refusals);
}
