/* The one queue of an AOR: what comes while a change is on its way to the disk, and
 * what is in memory and on disk afterwards. */
#include "fake_disk.h"
#include "service/place/location.h"
#include "svc_wire.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PEER "127.0.0.1:5070"
#define ONE "sip:one@127.0.0.1:5070"
#define TWO "sip:two@127.0.0.1:5070"

#define CONF WIRE_UDP \
	"[a]\ntype=endpoint\nallow=ulaw\naors=a\n[a]\ntype=aor\nmax_contacts=2\nminimum_expiration=1\n" \
	"[e]\ntype=endpoint\nallow=ulaw\naors=e\n[e]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n" \
	"minimum_expiration=1\n"
#define STATIC "contact=sip:desk@192.0.2.1\n"

static struct wire t;
static unsigned cseq;

static int setup(void **state)
{
	(void)state;
	wire_open_disk(&t, "", CONF, disk_open);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	/* What is on its way to the disk comes back after its service has gone. */
	wire_forget(&t);
	service_free(t.svc);
	disk_close();
	wire_forget(&t);
	world_close(&t.w);
	return 0;
}

static void reg(const char *aor, const char *uri, unsigned expires)
{
	char text[1024];

	cseq++;
	snprintf(text, sizeof(text),
		 "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " PEER ";branch=z9hG4bKloc%u\r\n"
		 "From: <sip:%s@127.0.0.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: l\r\nCSeq: %u REGISTER\r\n"
		 "Max-Forwards: 70\r\nContact: <%s>;expires=%u\r\nContent-Length: 0\r\n\r\n",
		 cseq, aor, aor, cseq, uri, expires);
	wire_come(&t, PEER, text);
}

static unsigned answered(unsigned status)
{
	unsigned n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += !t.sent[i]->request && t.sent[i]->status == status;
	wire_forget(&t);
	return n;
}

static bool in_memory(const char *aor, const char *uri)
{
	struct location *l = location_get(t.svc, str_z(aor), false);
	struct sip_uri u;

	assert_int_equal(sip_uri_parse(&u, str_z(uri)), 0);
	return l && location_find(l, &u);
}

static void registered(const char *aor, const char *uri, unsigned expires)
{
	reg(aor, uri, expires);
	disk_commit(9, 0);
	assert_int_equal(answered(200), 1);
	assert_true(in_memory(aor, uri));
	assert_int_equal(disk_has(uri), 1);
}

/* Only its expiry's change can be waiting now. */
static void all_over(const char *aor, const char *uri, bool there)
{
	disk_commit(9, 0);
	assert_int_equal(disk_waiting(), 0);
	assert_int_equal(in_memory(aor, uri), there);
	assert_int_equal(disk_has(uri), there);
}

static void test_refresh_on_its_way_at_expiry(void **state)
{
	(void)state;
	registered("a", ONE, 1);
	world_pass(&t.w, 990);
	reg("a", ONE, 3600);
	world_pass(&t.w, 100);          /* the old one ends */
	assert_int_equal(disk_waiting(), 1);
	disk_commit(1, 0);
	assert_int_equal(answered(200), 1);
	all_over("a", ONE, true);
	world_pass(&t.w, 5000);
	all_over("a", ONE, true);
}

static void test_removal_on_its_way_at_expiry(void **state)
{
	(void)state;
	registered("a", ONE, 1);
	world_pass(&t.w, 990);
	reg("a", ONE, 0);
	world_pass(&t.w, 100);
	assert_int_equal(disk_waiting(), 1);
	disk_commit(1, 0);
	assert_int_equal(answered(200), 1);
	all_over("a", ONE, false);
	assert_null(location_get(t.svc, STR("a"), false));
}

/* A refresh that comes while the expiry is being written makes a new contact. */
static void test_refresh_after_expiry(void **state)
{
	(void)state;
	registered("a", ONE, 1);
	world_pass(&t.w, 1010);
	assert_int_equal(disk_waiting(), 1);
	reg("a", ONE, 3600);
	assert_int_equal(disk_waiting(), 1);
	disk_commit(1, 0);
	assert_int_equal(disk_waiting(), 1);
	all_over("a", ONE, true);
	assert_int_equal(answered(200), 1);
}

/* One of them must find the place taken by the other. */
static void test_two_for_one_place(void **state)
{
	(void)state;
	reg("e", ONE, 60);
	reg("e", TWO, 60);
	disk_commit(1, 0);
	disk_commit(1, 0);
	assert_int_equal(answered(200), 2);
	all_over("e", ONE, false);
	all_over("e", TWO, true);
}

static void test_disk_that_fails(void **state)
{
	(void)state;
	registered("a", ONE, 60);
	reg("a", ONE, 3600);
	reg("a", TWO, 1);
	disk_commit(1, ENOSPC);
	assert_int_equal(answered(503), 1);
	assert_true(in_memory("a", ONE));
	disk_commit(1, 0);
	assert_int_equal(answered(200), 1);
	/* What has ended is gone, whatever the disk says. */
	world_pass(&t.w, 1010);
	disk_commit(1, EIO);
	assert_false(in_memory("a", TWO));
	world_pass(&t.w, 60000);
	disk_commit(1, 0);
	assert_false(in_memory("a", ONE));
	assert_int_equal(disk_has(ONE), 0);
}

/* A reload may take the AOR away, or its permanent contact, meanwhile. */
static void test_reload_meanwhile(void **state)
{
	(void)state;
	registered("a", ONE, 1);
	wire_reload(&t, CONF STATIC);
	assert_true(in_memory("e", "sip:desk@192.0.2.1"));
	world_pass(&t.w, 990);
	reg("a", ONE, 3600);
	reg("e", TWO, 3600);
	wire_reload(&t, WIRE_UDP);
	world_pass(&t.w, 100);
	disk_commit(9, 0);
	assert_int_equal(answered(200), 2);
	assert_false(in_memory("e", "sip:desk@192.0.2.1"));
	all_over("a", ONE, true);
	all_over("e", TWO, true);
}

/* As by a new process: only the disk remembers. */
static void restart(void)
{
	locations_stop(t.svc);
	assert_int_equal(locations_start(t.svc), 0);
}

/* To the ms, and rows that have ended go. */
static void test_restart(void **state)
{
	(void)state;
	world_pass(&t.w, 300);          /* not at a full second */
	registered("a", ONE, 1);
	registered("a", TWO, 2);
	world_pass(&t.w, 800);
	restart();
	assert_true(in_memory("a", ONE));
	world_pass(&t.w, 100);
	restart();
	assert_true(in_memory("a", ONE));
	/* It ends between two processes, and is not back for the rest of its second. */
	clock_fake_add(&t.w.clock, 120 * 1000);
	restart();
	assert_false(in_memory("a", ONE));
	disk_commit(9, 0);
	assert_int_equal(disk_has(ONE), 0);
	assert_true(in_memory("a", TWO));
}

/* A file of an older version, or another program, knows seconds only. */
static void test_row_without_us(void **state)
{
	(void)state;
	registered("a", ONE, 60);
	disk_exec("UPDATE contact SET expires_us=NULL");
	restart();
	assert_true(in_memory("a", ONE));
	disk_exec("UPDATE contact SET expires=1");
	restart();
	assert_false(in_memory("a", ONE));
	disk_commit(9, 0);
	assert_int_equal(disk_has(ONE), 0);
}

/* Refreshes and removals at random around the end, commits at random after them:
 * what the last answer said holds, in memory and on disk. */
static void test_edge_of_expiry(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		bool there, failed = false;

		registered("a", ONE, 1);
		seed = seed * 1664525 + 1013904223;
		world_pass(&t.w, 980 + seed % 25);
		there = seed >> 16 & 1;
		reg("a", ONE, there ? 3600 : 0);
		for (unsigned i = 0; i < 30; i++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 28 == 0) {
				bool bad = seed >> 26 == 0;

				failed |= disk_commit(1, bad ? EIO : 0) && bad;
			}
			world_pass(&t.w, 1);
		}
		world_pass(&t.w, 100);
		disk_commit(9, 0);
		if (!failed)
			all_over("a", ONE, there);
		reg("a", ONE, 0);
		disk_commit(9, 0);
		answered(200);
		/* A removal that the disk refused leaves a row that nobody knows. */
		disk_exec("DELETE FROM contact");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_refresh_on_its_way_at_expiry), T(test_removal_on_its_way_at_expiry),
		T(test_refresh_after_expiry), T(test_two_for_one_place), T(test_disk_that_fails),
		T(test_reload_meanwhile), T(test_restart), T(test_row_without_us), T(test_edge_of_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
