/* Queues between two threads. */
#include "base/ring.h"
#include "base/str.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define P(i) ((void *)(uintptr_t)(i))

static void first_in_first_out_until_full(void **state)
{
	struct ring *r = GOT(ring_new(5));   /* becomes 8 */
	uintptr_t in = 1, out = 1;

	(void)state;
	assert_true(ring_empty(r));
	assert_null(ring_pop(r));
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(ring_push(r, P(in++)), 0);
		assert_int_equal(ring_push(r, P(99)), ENOBUFS);
		assert_false(ring_empty(r));
		for (unsigned i = 0; i < 8 - round % 8; i++)
			assert_ptr_equal(ring_pop(r), P(out++));
		while (!ring_empty(r))
			assert_ptr_equal(ring_pop(r), P(out++));
		assert_ptr_equal(out, in);
	}
	ring_free(r);
	ring_free(NULL);
}

static void many_at_once(void **state)
{
	struct ring *r = GOT(ring_new(8));
	void *v[8];

	(void)state;
	assert_int_equal(ring_pop_many(r, v, ARRAY_LEN(v)), 0);
	for (uintptr_t i = 1; i <= 7; i++)
		assert_int_equal(ring_push(r, P(i)), 0);
	assert_int_equal(ring_pop_many(r, v, 3), 3);
	assert_ptr_equal(v[2], P(3));
	for (uintptr_t i = 8; i <= 11; i++)
		assert_int_equal(ring_push(r, P(i)), 0);
	assert_int_equal(ring_push(r, P(12)), ENOBUFS);
	assert_int_equal(ring_pop_many(r, v, ARRAY_LEN(v)), 8);
	for (uintptr_t i = 0; i < 8; i++)
		assert_ptr_equal(v[i], P(i + 4));
	assert_int_equal(ring_pop_many(r, v, 0), 0);
	ring_free(r);
}

#define COUNT 300000

struct message {
	uint32_t number, copy;
};

struct shared {
	struct ring *r;
	struct message *m;
};

static void *producer(void *arg)
{
	struct shared *s = arg;

	for (uint32_t i = 0; i < COUNT; i++) {
		/* Plain stores: the push must make them visible. */
		s->m[i].number = i;
		s->m[i].copy = ~i;
		while (ring_push(s->r, &s->m[i]) == ENOBUFS)
			sched_yield();
	}
	return NULL;
}

/* Every message once, in order, and whole, over rings that are mostly full or
 * mostly empty. */
static void two_threads(void **state)
{
	(void)state;
	for (size_t slots = 2; slots <= 1024; slots *= 8) {
		struct shared s = { ring_new(slots), calloc(COUNT, sizeof(struct message)) };
		uint32_t next = 0;
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, producer, &s), 0);
		while (next < COUNT) {
			void *v[16];
			size_t n = ring_pop_many(s.r, v, 1 + next % ARRAY_LEN(v));

			if (!n)
				sched_yield();
			for (size_t i = 0; i < n; i++, next++) {
				struct message *m = v[i];

				assert_int_equal(m->number, next);
				assert_int_equal(m->copy, ~next);
			}
		}
		pthread_join(t, NULL);
		assert_true(ring_empty(s.r));
		ring_free(s.r);
		free(s.m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_in_first_out_until_full),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
