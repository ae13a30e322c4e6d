/* Fax machines back to back: media/faxterm.h, media/faxgate.h. Ten pages each way, as sound, by T.38 and through a
 * gateway. Of IFPs two in a hundred are lost, of sound one in a hundred, and in front of a gateway one in a thousand: T.30
 * has three tries for each command, and what it says at 300 bit/s has no correction but media/faxloss.h's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>
#include "fax_stage.h"
#include "media/faxgate.h"
#include "media/udptl.h"

enum { PAGES = 10, STEPS_MAX = 60 * 50 * 30 /* half an hour */ };

static char dir[] = "/tmp/test_fax.XXXXXX";

static const char *path_of(const char *name)
{
	static char z[4][64];
	static unsigned at;
	char *p = z[at++ % 4];

	snprintf(p, sizeof(z[0]), "%s/%s", dir, name);
	return p;
}

/* ---- a line of sound: what is lost is missed in its time */

static void pass_sound(struct faxterm *from, struct faxterm *to, struct loss *l)
{
	int16_t pcm[FAX_SAMPLES];

	faxterm_say(from, pcm, FAX_SAMPLES);
	if (loss_now(l))
		faxterm_miss(to, FAX_SAMPLES);
	else
		faxterm_hear(to, pcm, FAX_SAMPLES);
}

/* ---- a line of IFPs: by UDPTL with its redundancy, each datagram of which may be lost */

enum { WAITING = 256 };

struct line {                   /* to one side */
	struct loss loss;
	struct udptl_tx tx;
	struct udptl_rx rx;
	struct { size_t n; uint8_t p[UDPTL_MAX]; } wait[WAITING];        /* under way */
	unsigned nwait, sent, lost;
	void (*take)(void *to, const uint8_t *p, size_t n, uint16_t seq);
	void *to;
};

static void line_send(void *arg, const uint8_t *p, size_t n, unsigned copies)
{
	struct line *l = arg;
	uint8_t d[UDPTL_MAX];
	size_t len;

	l->tx.ec = UDPTL_REDUNDANCY;
	l->tx.entries = UDPTL_ENTRIES;
	l->tx.max = 1000;
	len = udptl_write(&l->tx, p, n, d, sizeof(d));
	assert_true(len > 0);
	for (unsigned i = 0; i < copies; i++, l->sent++) {
		if (loss_now(&l->loss)) {
			l->lost++;
			continue;
		}
		assert_true(l->nwait < WAITING);
		l->wait[l->nwait].n = len;
		memcpy(l->wait[l->nwait++].p, d, len);
	}
}

static void line_took(void *arg, uint16_t seq, const uint8_t *p, size_t n)
{
	struct line *l = arg;

	l->take(l->to, p, n, seq);
}

static void line_run(struct line *l)
{
	for (unsigned i = 0; i < l->nwait; i++)
		(void)udptl_read(&l->rx, l->wait[i].p, l->wait[i].n, line_took, l);
	l->nwait = 0;
}

static void take_term(void *to, const uint8_t *p, size_t n, uint16_t seq) { faxterm_ifp(to, p, n, seq); }
static void take_gate(void *to, const uint8_t *p, size_t n, uint16_t seq) { faxgate_ifp(to, p, n, seq); }

/* ---- the terminals */

static struct faxterm_prm sender(const char *file)
{
	return (struct faxterm_prm){ .send = true, .file = str_z(file), .ident = STR("0301234"), .ecm = true,
		.modems = FAX_V17 | FAX_V27 | FAX_V29 };
}

static struct faxterm_prm receiver(const char *file)
{
	return (struct faxterm_prm){ .file = str_z(file), .ident = STR("+49 40 5678"), .ecm = true,
		.modems = FAX_V17 | FAX_V27 | FAX_V29 };
}

static void ends_well(struct faxterm *s, struct faxterm *r, const char *in, unsigned pages)
{
	struct faxterm_stats a, b;

	faxterm_stats(s, &a);
	faxterm_stats(r, &b);
	assert_string_equal(faxterm_reason(a.code), "OK");
	assert_string_equal(faxterm_reason(b.code), "OK");
	assert_int_equal(a.sent, pages);
	assert_int_equal(b.received, pages);
	assert_string_equal(a.remote, "+49 40 5678");
	assert_string_equal(b.remote, "0301234");
	assert_string_equal(a.local, "0301234");
	assert_true(a.ecm && b.ecm && a.x && a.y);
	assert_int_equal(pages_whole(in, PAGE_ROWS, 5), pages);
}

static void by_sound(unsigned permille, unsigned pages, unsigned maxrate, unsigned rate)
{
	const char *out = path_of("out.tif"), *in = path_of("in.tif");
	struct loss up = { 1, permille }, down = { 2, permille };
	struct faxterm_prm sp = sender(out), rp = receiver(in);
	struct faxterm *s = NULL, *r = NULL;
	struct faxterm_stats st;
	unsigned n = 0;

	pages_write(out, pages, PAGE_ROWS, 5);
	sp.maxrate = maxrate;
	assert_int_equal(faxterm_new(&s, &sp), 0);
	assert_int_equal(faxterm_new(&r, &rp), 0);
	while (!(faxterm_done(s) && faxterm_done(r)) && n++ < STEPS_MAX) {
		pass_sound(s, r, &up);
		pass_sound(r, s, &down);
	}
	ends_well(s, r, in, pages);
	faxterm_stats(s, &st);
	assert_false(st.t38);
	if (rate)
		assert_int_equal(st.rate, rate);
	faxterm_free(s);
	faxterm_free(r);
}

static void test_sound(void **state) { (void)state; by_sound(0, PAGES, 0, 14400); }
static void test_sound_lossy(void **state) { (void)state; by_sound(10, PAGES, 0, 0); }
static void test_maxrate(void **state)
{
	(void)state;
	by_sound(0, 1, 9600, 9600);
	by_sound(0, 1, 4800, 4800);
}

static void by_t38(unsigned permille)
{
	const char *out = path_of("out.tif"), *in = path_of("in.tif");
	static struct line there, back;
	struct faxterm_prm sp = sender(out), rp = receiver(in);
	const struct fax_t38 t = { .max_ifp = 400 };
	struct faxterm *s = NULL, *r = NULL;
	struct faxterm_stats st;
	unsigned n = 0;

	pages_write(out, PAGES, PAGE_ROWS, 5);
	there = (struct line){ .loss = { 1, permille }, .take = take_term };
	back = (struct line){ .loss = { 2, permille }, .take = take_term };
	sp.send_ifp = rp.send_ifp = line_send;
	sp.arg = &there;
	rp.arg = &back;
	assert_int_equal(faxterm_new(&s, &sp), 0);
	assert_int_equal(faxterm_new(&r, &rp), 0);
	there.to = r;
	back.to = s;
	assert_int_equal(faxterm_t38(s, &t), 0);
	assert_int_equal(faxterm_t38(r, &t), 0);
	while (!(faxterm_done(s) && faxterm_done(r)) && n++ < STEPS_MAX) {
		faxterm_pass(s, FAX_SAMPLES);
		faxterm_pass(r, FAX_SAMPLES);
		line_run(&there);
		line_run(&back);
	}
	ends_well(s, r, in, PAGES);
	faxterm_stats(s, &st);
	assert_true(st.t38);
	faxterm_free(s);
	faxterm_free(r);
}

static void test_t38(void **state) { (void)state; by_t38(0); }
static void test_t38_lossy(void **state) { (void)state; by_t38(20); }

/* ---- a machine with sound on one side of a gateway, one with T.38 on the other */

static void through_gateway(unsigned permille, bool t38_sends)
{
	const char *out = path_of("out.tif"), *in = path_of("in.tif");
	static struct line to_gate, to_term;
	struct loss up = { 3, permille / 20 }, down = { 4, permille / 20 };      /* of the sound */
	struct faxterm_prm sp = sender(out), rp = receiver(in), *tp = t38_sends ? &sp : &rp;
	struct faxgate_prm gp = { .ecm = true, .modems = FAX_V17 | FAX_V27 | FAX_V29, .t38.max_ifp = 400,
		.send_ifp = line_send, .arg = &to_term };
	struct faxterm *s = NULL, *r = NULL, *sound, *packets;
	struct faxgate *g = NULL;
	struct faxgate_stats st;
	unsigned n = 0;

	pages_write(out, PAGES, PAGE_ROWS, 5);
	to_gate = (struct line){ .loss = { 1, permille }, .take = take_gate };
	to_term = (struct line){ .loss = { 2, permille }, .take = take_term };
	tp->send_ifp = line_send;
	tp->arg = &to_gate;
	assert_int_equal(faxterm_new(&s, &sp), 0);
	assert_int_equal(faxterm_new(&r, &rp), 0);
	assert_int_equal(faxgate_new(&g, &gp), 0);
	packets = t38_sends ? s : r;
	sound = t38_sends ? r : s;
	to_term.to = packets;
	to_gate.to = g;
	faxgate_open(g);
	assert_int_equal(faxterm_t38(packets, &gp.t38), 0);
	while (!(faxterm_done(s) && faxterm_done(r)) && n++ < STEPS_MAX) {
		int16_t pcm[FAX_SAMPLES];

		faxterm_pass(packets, FAX_SAMPLES);
		faxterm_say(sound, pcm, FAX_SAMPLES);
		if (loss_now(&up))
			faxgate_miss(g, FAX_SAMPLES);
		else
			faxgate_hear(g, pcm, FAX_SAMPLES);
		line_run(&to_gate);
		line_run(&to_term);
		faxgate_say(g, pcm, FAX_SAMPLES);
		if (loss_now(&down))
			faxterm_miss(sound, FAX_SAMPLES);
		else
			faxterm_hear(sound, pcm, FAX_SAMPLES);
	}
	ends_well(s, r, in, PAGES);
	faxgate_stats(g, &st);
	assert_true(st.ecm && st.rate);
	assert_int_equal(st.pages, PAGES);
	faxterm_free(s);
	faxterm_free(r);
	faxgate_free(g);
}

static void test_gateway_from_t38(void **state) { (void)state; through_gateway(0, true); }
static void test_gateway_to_t38(void **state) { (void)state; through_gateway(0, false); }
static void test_gateway_from_t38_lossy(void **state) { (void)state; through_gateway(20, true); }
static void test_gateway_to_t38_lossy(void **state) { (void)state; through_gateway(20, false); }

/* ---- what goes wrong ends the fax */

static void test_no_room(void **state)
{
	const char *out = path_of("out.tif");
	struct faxterm_prm sp = sender(out), rp = receiver("/nowhere/in.tif");
	struct loss none = { 1, 0 };
	struct faxterm *s = NULL, *r = NULL;
	struct faxterm_stats a, b;
	unsigned n = 0;

	(void)state;
	pages_write(out, 1, PAGE_ROWS, 5);
	assert_int_equal(faxterm_new(&s, &sp), 0);
	assert_int_equal(faxterm_new(&r, &rp), 0);
	while (!(faxterm_done(s) && faxterm_done(r)) && n++ < STEPS_MAX) {
		pass_sound(s, r, &none);
		pass_sound(r, s, &none);
	}
	faxterm_stats(s, &a);
	faxterm_stats(r, &b);
	assert_true(a.done && b.done);
	assert_int_not_equal(b.code, 0);
	assert_int_equal(faxterm_end_of(b.code), FAX_END_FILE);
	faxterm_free(s);
	faxterm_free(r);
}

static void test_ends(void **state)
{
	struct faxterm_prm sp = sender(path_of("none.tif"));
	struct faxterm_stats st;
	struct faxterm *s = NULL;
	char z[300];

	(void)state;
	memset(z, 'x', sizeof(z));
	sp.file = STR_NULL;
	assert_int_equal(faxterm_new(&s, &sp), EINVAL);
	sp.file = str_mk(z, sizeof(z));
	assert_int_equal(faxterm_new(&s, &sp), EINVAL);
	sp.file = str_z(path_of("none.tif"));
	assert_int_equal(faxterm_new(&s, &sp), 0);
	faxterm_end(s);
	assert_true(faxterm_done(s));
	faxterm_stats(s, &st);
	assert_int_equal(faxterm_end_of(st.code), FAX_END_DROPPED);
	assert_int_equal(faxterm_end_of(0), FAX_END_SUCCESS);
	assert_int_equal(faxterm_end_of(9999), FAX_END_UNKNOWN);
	faxterm_free(s);
	faxterm_free(NULL);
	faxgate_free(NULL);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path_of("in.tif"));
	unlink(path_of("out.tif"));
	return rmdir(dir);
}

/* NSF again and again: what stood in the one before is not left. */
static void test_repeated_facilities(void **state)
{
	static const uint8_t preamble[] = { 0x06 }, right[] = { 0xc0, 0x01, 0x20 };
	static const uint8_t nsf[] = { 0xc0, 0x01, 0x80, 0x00, 0x05, 0xff, 0xc0, 0x04, 0x12, 0x34, 0x56 };
	const char *out = path_of("out.tif");
	struct faxterm_prm sp = sender(out);
	const struct fax_t38 t = { .max_ifp = 400 };
	struct faxterm *s = NULL;
	uint16_t seq = 0;

	(void)state;
	pages_write(out, 1, PAGE_ROWS, 5);
	assert_int_equal(faxterm_new(&s, &sp), 0);
	assert_int_equal(faxterm_t38(s, &t), 0);
	faxterm_ifp(s, preamble, sizeof(preamble), seq++);
	for (int i = 0; i < 5; i++) {
		faxterm_ifp(s, nsf, sizeof(nsf), seq++);
		faxterm_ifp(s, right, sizeof(right), seq++);
		faxterm_pass(s, FAX_SAMPLES);
	}
	faxterm_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_sound_lossy),
		cmocka_unit_test(test_maxrate),
		cmocka_unit_test(test_t38),
		cmocka_unit_test(test_t38_lossy),
		cmocka_unit_test(test_repeated_facilities),
		cmocka_unit_test(test_gateway_from_t38),
		cmocka_unit_test(test_gateway_to_t38),
		cmocka_unit_test(test_gateway_from_t38_lossy),
		cmocka_unit_test(test_gateway_to_t38_lossy),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
