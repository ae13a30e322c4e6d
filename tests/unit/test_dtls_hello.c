/* ClientHellos of DTLS as they come: damaged, in fragments, twice. Who may say hello is
 * test_dtls_strangers.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "dtls_stage.h"
#include "media/dtls_int.h"

/* A ClientHello that is cut anywhere, or has any bit changed, is read within its bytes. */
static void test_any_hello(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_b = dtls(x, x, SETUP_ACTIVE);
	struct media_set set = to(a, &of_b);
	struct dtls_hello h;
	struct sent hello;

	(void)state;
	assert_int_equal(media_session_set(b, &set), 0);
	media_poll(m, 0);
	hello = only_sent();
	assert_true(dtls_is_record(hello.b, hello.n) && dtls_hello_parse(&h, hello.b, hello.n));
	assert_true(h.whole && !h.cookie_n);
	for (size_t n = 0; n <= hello.n; n++) {
		/* Exactly so long, for ASan. */
		uint8_t *p = malloc(n + !n);

		memcpy(p, hello.b, n);
		assert_int_equal(dtls_is_record(p, n), n == hello.n);
		assert_false(dtls_hello_parse(&h, p, n) && h.whole && n < hello.n);
		for (size_t bit = 0; n == hello.n && bit < 8 * n; bit++) {
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (dtls_hello_parse(&h, p, n) && h.cookie)
				assert_true(h.cookie >= p && h.cookie + h.cookie_n <= p + n);
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		free(p);
	}
	obj_drop(x);
}

/* A part of a ClientHello, as a record of its own. */
static struct sent part_of(const struct sent *hello, size_t at, size_t n, uint8_t number)
{
	enum { HEAD = DTLS_RECORD + 12 };
	struct sent part = *hello;

	memcpy(part.b + HEAD, hello->b + HEAD + at, n);
	part.b[10] = number;
	part.b[11] = 0;
	part.b[12] = (uint8_t)(n + 12);
	part.b[DTLS_RECORD + 7] = 0;
	part.b[DTLS_RECORD + 8] = (uint8_t)at;
	part.b[DTLS_RECORD + 10] = 0;
	part.b[DTLS_RECORD + 11] = (uint8_t)n;
	part.n = HEAD + n;
	return part;
}

/* A ClientHello in fragments: the later ones belong to the first, and the handshake comes to its end. */
static void test_fragments(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct media_set set = to(b, &of_a);
	struct sent hello, part[2];
	struct dtls_hello h;

	(void)state;
	assert_int_equal(media_session_set(a, &set), 0);
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	media_poll(m, 0);
	hello = only_sent();
	/* Numbers of records that b does not use itself. */
	part[0] = part_of(&hello, 0, 60, 40);
	part[1] = part_of(&hello, 60, hello.n - DTLS_RECORD - 12 - 60, 41);
	assert_true(dtls_is_record(part[1].b, part[1].n));
	assert_true(dtls_hello_parse(&h, part[0].b, part[0].n) && !h.whole);
	assert_false(dtls_hello_parse(&h, part[1].b, part[1].n));
	/* Without the first, nothing begins. */
	media_deliver(m, media_session_local(a), media_session_local(b), part[1].b, part[1].n);
	media_poll(m, 0);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_WAITING);
	assert_int_equal(net.n, 0);
	for (int i = 0; i < 2; i++) {
		media_deliver(m, media_session_local(a), media_session_local(b), part[i].b, part[i].n);
		media_poll(m, 0);
	}
	settle();
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

/* The ClientHello is there twice before either is looked at: one handshake, which ends well. */
static void test_twice(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct media_set set = to(b, &of_a);
	uint8_t first[DTLS_RANDOM];
	struct sent hello;
	size_t hellos = 0;

	(void)state;
	assert_int_equal(media_session_set(a, &set), 0);
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	media_poll(m, 0);
	hello = only_sent();
	media_deliver(m, media_session_local(a), media_session_local(b), hello.b, hello.n);
	hello = only_sent();
	media_deliver(m, media_session_local(b), media_session_local(a), hello.b, hello.n);
	media_poll(m, 0);
	hello = only_sent();
	for (int i = 0; i < 2; i++) {
		media_deliver(m, media_session_local(a), media_session_local(b), hello.b, hello.n);
		hello.b[10]++;          /* the number of the record */
	}
	media_poll(m, 0);
	media_poll(m, 0);
	/* Sent again perhaps, but never another one. */
	for (size_t i = 0; i < net.n; i++) {
		const uint8_t *random = net.sent[i].b + DTLS_RECORD + 12 + 2;

		if (net.sent[i].b[0] != 22 || net.sent[i].b[13] != 2)
			continue;
		if (hellos++)
			assert_memory_equal(random, first, sizeof(first));
		memcpy(first, random, sizeof(first));
	}
	assert_true(hellos > 0);
	settle();
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_any_hello), T(test_fragments), T(test_twice) };

	(void)up;
	(void)down;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
