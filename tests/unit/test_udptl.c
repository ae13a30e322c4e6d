/* UDPTL: what is lost on the way is repaired by copies or parities, each IFP is heard once and in order, and what is
 * no UDPTL is nobody's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "media/udptl.h"

static struct udptl_tx *tx;
static struct udptl_rx *rx;
static struct { unsigned n; uint16_t seq[4000]; bool good[4000]; } heard;

static int set_up(void **state)
{
	(void)state;
	tx = calloc(1, sizeof(*tx));
	rx = calloc(1, sizeof(*rx));
	memset(&heard, 0, sizeof(heard));
	return !tx || !rx;
}

static int tear_down(void **state)
{
	(void)state;
	free(tx);
	free(rx);
	return 0;
}

/* What the IFP of this number is. */
static size_t make_ifp(unsigned seq, uint8_t *p)
{
	size_t n = 1 + seq * 37 % 150;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seq * 7 + i * 13 + 1);
	return n;
}

static void hear(void *arg, uint16_t seq, const uint8_t *p, size_t n)
{
	uint8_t want[UDPTL_MAX];
	size_t len = make_ifp(seq, want), i;

	(void)arg;
	/* A parity does not know how long a short one was: zeros follow. */
	for (i = len; i < n && !p[i]; i++)
		;
	heard.seq[heard.n] = seq;
	heard.good[heard.n++] = n >= len && i == n && !memcmp(p, want, len);
}

static size_t write_next(uint8_t *out, size_t room)
{
	uint8_t ifp[UDPTL_MAX];

	return udptl_write(tx, ifp, make_ifp(tx->seq, ifp), out, room);
}

static bool read_copy(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);      /* of its own size, so that a byte too much is seen */
	bool ok;

	memcpy(copy, p, n);
	ok = udptl_read(rx, copy, n, hear, NULL);
	free(copy);
	return ok;
}

/* `n` datagrams of which those that `lost` says do not arrive. */
static void pass(unsigned n, bool (*lost)(unsigned i))
{
	uint8_t p[2048];

	for (unsigned i = 0; i < n; i++) {
		size_t len = write_next(p, sizeof(p));

		assert_true(len);
		if (!lost(i))
			assert_true(read_copy(p, len));
	}
}

static void assert_all_but(unsigned n, unsigned missing)
{
	assert_int_equal(heard.n, n - missing);
	for (unsigned i = 0; i < heard.n; i++) {
		assert_true(heard.good[i]);
		assert_true(!i || heard.seq[i] > heard.seq[i - 1]);
	}
}

static bool never(unsigned i) { (void)i; return false; }
static bool each_tenth(unsigned i) { return i % 10 == 4; }
/* Not in the beginning, when parities are of less. */
static bool three_of_ten(unsigned i) { return i >= 10 && i % 10 >= 4 && i % 10 <= 6; }
static bool four_of_ten(unsigned i) { return i % 10 >= 4 && i % 10 <= 7; }
static bool first_two(unsigned i) { return i < 2; }

static void set_ec(enum udptl_ec ec)
{
	tx->ec = ec;
	tx->entries = UDPTL_ENTRIES;
	tx->span = UDPTL_SPAN;
	tx->max = 1400;
}

static void test_plain(void **state)
{
	uint8_t p[64];

	(void)state;
	set_ec(UDPTL_NONE);
	/* The bytes of clause 9.1: number, one byte, no copies. */
	tx->seq = 0x0102;
	assert_int_equal(udptl_write(tx, (const uint8_t *)"\x06", 1, p, sizeof(p)), 6);
	assert_memory_equal(p, "\x01\x02\x01\x06\x00\x00", 6);
	tx->seq = 0;
	pass(300, each_tenth);
	assert_all_but(300, 30);
	assert_int_equal(rx->lost, 30);
	assert_int_equal(rx->repaired, 0);
}

static void test_redundancy(void **state)
{
	uint8_t p[64];

	(void)state;
	set_ec(UDPTL_REDUNDANCY);
	udptl_write(tx, (const uint8_t *)"a", 1, p, sizeof(p));
	assert_int_equal(udptl_write(tx, (const uint8_t *)"bc", 2, p, sizeof(p)), 9);
	assert_memory_equal(p, "\x00\x01\x02" "bc" "\x00\x01\x01" "a", 9);
	udptl_tx_restart(tx);
	pass(300, three_of_ten);
	assert_all_but(300, 0);
	assert_int_equal(rx->repaired, 87);
	/* Three copies do not bring back four. */
	tear_down(state);
	set_up(state);
	set_ec(UDPTL_REDUNDANCY);
	pass(300, four_of_ten);
	assert_all_but(300, 30);
}

static void test_fec(void **state)
{
	(void)state;
	set_ec(UDPTL_FEC);
	pass(301, three_of_ten);
	assert_all_but(301, 0);
	assert_int_equal(rx->repaired, 87);
	tear_down(state);
	set_up(state);
	set_ec(UDPTL_FEC);
	tx->entries = 1;
	tx->span = 5;
	pass(301, each_tenth);
	assert_all_but(301, 0);
}

static void test_beginning(void **state)
{
	(void)state;
	/* What was before the first one that arrived is in its copies. */
	set_ec(UDPTL_REDUNDANCY);
	pass(10, first_two);
	assert_all_but(10, 0);
	tear_down(state);
	set_up(state);
	set_ec(UDPTL_NONE);
	tx->seq = 5000;         /* a peer that begins anywhere has lost nothing */
	pass(10, never);
	assert_int_equal(heard.n, 10);
	assert_int_equal(rx->lost, 0);
}

static void test_wrap(void **state)
{
	(void)state;
	set_ec(UDPTL_REDUNDANCY);
	tx->seq = 65500;
	pass(100, three_of_ten);
	assert_int_equal(heard.n, 100);
	for (unsigned i = 1; i < 100; i++)
		assert_int_equal((uint16_t)(heard.seq[i] - heard.seq[i - 1]), 1);
}

static void test_order(void **state)
{
	uint8_t p[8][2048];
	size_t n[8];

	(void)state;
	set_ec(UDPTL_REDUNDANCY);
	for (int i = 0; i < 8; i++)
		n[i] = write_next(p[i], sizeof(p[i]));
	assert_true(read_copy(p[0], n[0]));
	assert_true(read_copy(p[2], n[2]));     /* brings 1 along */
	assert_false(read_copy(p[1], n[1]));
	assert_false(read_copy(p[2], n[2]));
	assert_false(read_copy(p[0], n[0]));
	assert_true(read_copy(p[3], n[3]));
	assert_all_but(4, 0);
	assert_int_equal(rx->late, 3);
}

/* One number from far away is a stray; two in a row are a peer that has begun anew. */
static void test_new_start(void **state)
{
	uint8_t p[2048];
	size_t n;

	(void)state;
	set_ec(UDPTL_REDUNDANCY);
	tx->seq = 1000;
	pass(20, never);
	udptl_tx_restart(tx);
	n = write_next(p, sizeof(p));
	assert_false(read_copy(p, n));
	assert_int_equal(heard.n, 20);
	n = write_next(p, sizeof(p));
	assert_true(read_copy(p, n));
	assert_int_equal(heard.n, 22);          /* the copy of the first as well */
	assert_int_equal(heard.seq[20], 0);
}

static void test_limits(void **state)
{
	uint8_t p[2048], ifp[UDPTL_MAX] = { 0 }, entries = 3;

	(void)state;
	assert_int_equal(udptl_far_max_ifp(UDPTL_NONE, &entries, 0), 375);
	assert_int_equal(udptl_far_max_ifp(UDPTL_NONE, &entries, 4000), 375);
	assert_int_equal(udptl_far_max_ifp(UDPTL_FEC, &entries, 400), 185);
	assert_int_equal(udptl_far_max_ifp(UDPTL_REDUNDANCY, &entries, 400), 93);
	assert_int_equal(entries, 3);
	assert_int_equal(udptl_far_max_ifp(UDPTL_REDUNDANCY, &entries, 200), 91);
	assert_int_equal(entries, 1);
	assert_int_equal(udptl_far_max_ifp(UDPTL_NONE, &entries, 3), 0);
	assert_int_equal(udptl_local_max_datagram(UDPTL_NONE, 400), 425);
	assert_int_equal(udptl_local_max_datagram(UDPTL_FEC, 400), 849);
	assert_int_equal(udptl_local_max_datagram(UDPTL_REDUNDANCY, 400), 1400);
	assert_int_equal(udptl_local_max_datagram(UDPTL_NONE, 5000), 1400);
	/* As many copies as fit; and an IFP that does not fit at all takes no number. */
	set_ec(UDPTL_REDUNDANCY);
	tx->max = 100;
	assert_int_equal(udptl_write(tx, ifp, 60, p, sizeof(p)), 65);
	assert_int_equal(udptl_write(tx, ifp, 60, p, sizeof(p)), 65);
	assert_int_equal(udptl_write(tx, ifp, 97, p, sizeof(p)), 0);
	assert_int_equal(tx->seq, 2);
	assert_int_equal(udptl_write(tx, ifp, 30, p, sizeof(p)), 35 + 61);
	assert_int_equal(udptl_write(tx, ifp, 0, p, sizeof(p)), 0);
	tx->max = 1400;
	assert_true(udptl_write(tx, ifp, 1300, p, sizeof(p)) <= 1400);
	set_ec(UDPTL_FEC);
	for (int i = 0; i < 40; i++)
		assert_true(udptl_write(tx, ifp, 1300, p, sizeof(p)) <= 1400);
}

static void test_nonsense(void **state)
{
	static const struct { const char *p; size_t n; } bad[] = {
		{ "", 0 }, { "\x00", 1 }, { "\x00\x01", 2 }, { "\x00\x01\x05" "abc", 6 }, { "\x00\x01\x00\x00\x00", 5 },
		{ "\x00\x01\x01" "a", 4 }, { "\x00\x01\xc1" "a\x00\x00", 6 }, { "\x00\x01\x9f\xff" "a\x00\x00", 7 },
		{ "\x00\x09\x01" "a\x00\x03\x01" "b", 8 }, { "\x00\x09\x01" "a\x80\x02\x03\x01\x01" "b", 10 },
		{ "\x00\x09\x01" "a\x80\x01\x03\x06\x01" "b", 10 }, { "\x00\x09\x01" "a\x80\x01\x03\x02\x01" "b", 10 },
		{ "\x00\x09\x01" "a\x80\x01", 6 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(read_copy((const uint8_t *)bad[i].p, bad[i].n));
	assert_int_equal(heard.n, 0);
	assert_int_equal(rx->bad, ARRAY_LEN(bad));
	/* A span that would go round the ring repairs nothing. */
	assert_true(read_copy((const uint8_t *)"\x00\x20\x01" "a\x80\x01\xff\x05\x01" "b\x01" "c\x01" "d\x01" "e\x01" "f", 18));
	assert_int_equal(heard.n, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_plain), T(test_redundancy), T(test_fec), T(test_beginning), T(test_wrap), T(test_order),
		T(test_new_start), T(test_limits), T(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
