/* Timers. Who turns the wheel, and when, is its owner's: net/loop.c here, a test there. */
#include "net/wheel.h"
#include <stdlib.h>

/* A timer stands in the level of the highest 6-bit digit in which its due time
 * differs from `now`, in the slot of that digit. When `now` comes to a slot of
 * a higher level its timers move down. `now` jumps from one occupied slot to
 * the next, so empty time costs nothing. Eight digits reach 8900 years.
 *
 * timer_stop() knows no wheel, so a bit of `used` may stand for a slot that is
 * empty by now: next_event() clears such bits as it meets them. */
#define DIGIT 6
#define SLOTS (1u << DIGIT)
#define LEVELS 8
#define DELAY_MAX ((uint64_t)1 << 46)

struct wheel {
	const struct clock *clock;
	uint64_t now;                   /* [ms] all due up to here have fired */
	struct list late;               /* due already: they fire in the next run */
	uint64_t used[LEVELS];
	struct list slot[LEVELS][SLOTS];
	wheel_wake_fn *wake;
	void *wake_arg;
	uint64_t told;                  /* [ms] when the next run was said to be due */
};

struct wheel *wheel_new(const struct clock *clock)
{
	struct wheel *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->clock = clock;
	w->now = clock_ms(clock);
	list_init(&w->late);
	for (unsigned l = 0; l < LEVELS; l++)
		for (unsigned s = 0; s < SLOTS; s++)
			list_init(&w->slot[l][s]);
	return w;
}

static void forget_list(struct list *head)
{
	while (!list_empty(head))
		list_remove(head->next);
}

void wheel_free(struct wheel *w)
{
	if (!w)
		return;
	forget_list(&w->late);
	for (unsigned l = 0; l < LEVELS; l++)
		for (unsigned s = 0; s < SLOTS; s++)
			forget_list(&w->slot[l][s]);
	free(w);
}

const struct clock *wheel_clock(const struct wheel *w)
{
	return w->clock;
}

static void insert_timer(struct wheel *w, struct timer *t)
{
	unsigned level, slot;

	if (t->due <= w->now) {
		list_append(&w->late, &t->link);
		return;
	}
	level = (63u - (unsigned)__builtin_clzll(t->due ^ w->now)) / DIGIT;
	slot = (unsigned)(t->due >> (level * DIGIT)) & (SLOTS - 1);
	list_append(&w->slot[level][slot], &t->link);
	w->used[level] |= (uint64_t)1 << slot;
}

void timer_start(struct wheel *w, struct timer *t, uint64_t delay_ms, timer_fn *fn, void *arg)
{
	list_remove(&t->link);
	if (delay_ms > DELAY_MAX)
		delay_ms = DELAY_MAX;
	/* Rounded up: a fraction of the current tick must not be taken off. */
	t->due = (clock_us(w->clock) + 999) / 1000 + delay_ms;
	t->fn = fn;
	t->arg = arg;
	insert_timer(w, t);
	if (w->wake && t->due < w->told) {
		w->told = t->due;
		w->wake(w->wake_arg, delay_ms);
	}
}

void wheel_tell(struct wheel *w, wheel_wake_fn *fn, void *arg)
{
	w->wake = fn;
	w->wake_arg = arg;
	w->told = UINT64_MAX;
}

void timer_stop(struct timer *t)
{
	list_remove(&t->link);
}

uint64_t timer_left_ms(const struct wheel *w, const struct timer *t)
{
	uint64_t now = clock_ms(w->clock);

	return timer_running(t) && t->due > now ? t->due - now : 0;
}

/* [ms] when the next occupied slot begins; UINT64_MAX: none. */
static uint64_t next_event(struct wheel *w)
{
	uint64_t best = UINT64_MAX;

	for (unsigned l = 0; l < LEVELS; l++) {
		while (w->used[l]) {
			unsigned slot = (unsigned)__builtin_ctzll(w->used[l]);
			uint64_t base;

			if (list_empty(&w->slot[l][slot])) {
				w->used[l] &= w->used[l] - 1;
				continue;
			}
			base = w->now >> ((l + 1) * DIGIT) << ((l + 1) * DIGIT);
			base |= (uint64_t)slot << (l * DIGIT);
			if (base < best)
				best = base;
			break;
		}
	}
	return best;
}

static void fire_due(struct list *due)
{
	while (!list_empty(due)) {
		struct timer *t = container_of(due->next, struct timer, link);

		list_remove(&t->link);
		t->fn(t->arg);
	}
}

static void take_all(struct list *from, struct list *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

/* `now` has come to the start of the slots that it stands for: what is due goes
 * into `due`, what is not goes down. */
static void collect_due(struct wheel *w, struct list *due)
{
	take_all(&w->slot[0][w->now & (SLOTS - 1)], due);
	w->used[0] &= ~((uint64_t)1 << (w->now & (SLOTS - 1)));
	for (unsigned l = 1; l < LEVELS; l++) {
		unsigned slot = (unsigned)(w->now >> (l * DIGIT)) & (SLOTS - 1);
		struct list down;

		if (w->now & (((uint64_t)1 << (l * DIGIT)) - 1))
			break;
		take_all(&w->slot[l][slot], &down);
		w->used[l] &= ~((uint64_t)1 << slot);
		while (!list_empty(&down)) {
			struct timer *t = container_of(down.next, struct timer, link);

			list_remove(&t->link);
			if (t->due <= w->now)
				list_append(due, &t->link);
			else
				insert_timer(w, t);
		}
	}
}

static void tell_next(struct wheel *w)
{
	uint64_t ms = wheel_next_ms(w);

	w->told = ms == UINT64_MAX ? ms : clock_ms(w->clock) + ms;
	w->wake(w->wake_arg, ms);
}

#ifndef SIDETONE_SMALL
uint64_t timer_coarse_ms(const struct wheel *w, uint64_t delay_ms)
{
	uint64_t now = clock_ms(w->clock);

	/* A multiple of 64 is the beginning of a slot: it fires as soon as that is opened. */
	return ((now + delay_ms + 255) & ~255ull) - now;
}
#endif

void wheel_run(struct wheel *w)
{
	uint64_t now = clock_ms(w->clock), n;
	struct list due;

	w->told = 0;            /* not while it runs */
	take_all(&w->late, &due);
	fire_due(&due);
	while ((n = next_event(w)) <= now) {
		w->now = n;
		collect_due(w, &due);
		fire_due(&due);
	}
	if (w->now < now)
		w->now = now;
	if (w->wake)
		tell_next(w);
}

uint64_t wheel_next_ms(const struct wheel *w)
{
	uint64_t n, now;

	if (!list_empty(&w->late))
		return 0;
	n = next_event((struct wheel *)(size_t)w);      /* clears stale bits only */
	if (n == UINT64_MAX)
		return n;
	now = clock_ms(w->clock);
	return n > now ? n - now : 0;
}

size_t wheel_count(const struct wheel *w)
{
	size_t n = 0;

	list_each(e, &w->late)
		n++;
	for (unsigned l = 0; l < LEVELS; l++)
		for (unsigned s = 0; s < SLOTS; s++)
			list_each(e, &w->slot[l][s])
				n++;
	return n;
}
