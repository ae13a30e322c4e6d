/* Sound of a session by functions (media/pcm.h): what it gives and takes, beside the session's own sounds, and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "media/pcm.h"
#include "mixer_stage.h"

static struct {
	double hz;              /* what it gives; 0: nothing is sent */
	uint32_t rate;
	uint64_t given;
	int16_t taken[HEARD * 6];
	size_t n;
	unsigned freed;
} f;

static bool on_read(void *arg, int16_t *pcm, size_t n)
{
	(void)arg;
	assert_int_equal(n, f.rate / 50);
	for (size_t i = 0; i < n; i++, f.given++)
		pcm[i] = (int16_t)lrint(6000 * sin(2 * M_PI * f.hz * (double)f.given / f.rate));
	return f.hz > 0;
}

static void on_write(void *arg, const int16_t *pcm, size_t n)
{
	(void)arg;
	assert_int_equal(n, f.rate / 50);
	assert_true(f.n + n <= HEARD * 6);
	memcpy(f.taken + f.n, pcm, n * sizeof(*pcm));
	f.n += n;
}

static void on_free(void *arg)
{
	(void)arg;
	f.freed++;
}

static int start(struct media_pcm **p, struct phone *x, uint32_t rate)
{
	const struct media_pcm_ops ops = { .rate = rate, .read = on_read, .write = on_write, .free = on_free };

	f.rate = rate;
	f.n = f.given = f.freed = 0;
	return media_pcm_start(p, x->s, &ops);
}

static double taken(double hz)
{
	return level_of(f.taken, f.n, f.rate, hz);
}

static void both_ways(enum format_id id, uint32_t rate)
{
	struct phone *a = call(0, id, 700);
	struct media_pcm *p = NULL;

	f.hz = 440;
	assert_int_equal(start(&p, a, rate), 0);
	pass(300);
	forget();
	f.n = 0;
	pass(400);
	assert_int_equal(a->packets, 20);
	assert_int_equal(f.n, rate * 4 / 10);
	assert_true(level_of(a->heard, a->n, a->row->rate, 440) > 5000);
	assert_true(taken(700) > 5000);
	assert_true(taken(440) < 100);
	/* Nothing to say: no packets. */
	f.hz = 0;
	pass(100);
	forget();
	pass(200);
	assert_int_equal(a->packets, 0);
	/* A sound of the session's goes before. */
	f.hz = 440;
	media_silence(a->s, true);
	pass(300);
	forget();
	pass(200);
	assert_int_equal(a->packets, 10);
	assert_true(level_of(a->heard, a->n, a->row->rate, 440) < 100);
	media_silence(a->s, false);
	/* Silence of the peer: given as such, in its time. */
	a->hz = 0;
	pass(300);
	f.n = 0;
	pass(200);
	assert_int_equal(f.n, rate / 5);
	assert_true(taken(700) < 100);
	assert_int_equal(media_pcm_stop(p), 0);
	assert_int_equal(media_pcm_stop(p), 0);
	media_poll(m, 0);
	assert_int_equal(f.freed, 1);
	forget();
	f.n = 0;
	pass(100);
	assert_int_equal(a->packets + f.n, 0);
	hang_up(a);
}

static void test_ulaw(void **state) { (void)state; both_ways(FORMAT_ULAW, 8000); }
static void test_other_rates(void **state) { (void)state; both_ways(FORMAT_G722, 44100); }
static void test_upwards(void **state) { (void)state; both_ways(FORMAT_ALAW, 48000); }

/* Packets of another length than its 20 ms. */
static void test_lengths(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 0);
	struct media_pcm *p = NULL;

	(void)state;
	agree(a, FORMAT_ULAW, 30);
	f.hz = 440;
	assert_int_equal(start(&p, a, 16000), 0);
	pass(200);
	forget();
	pass(600);
	assert_int_equal(a->packets, 20);
	assert_true(level_of(a->heard, a->n, 8000, 440) > 5000);
	hang_up(a);
	media_poll(m, 0);
	assert_int_equal(f.freed, 1);
}

static void test_refusals(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 0), *b = call(1, FORMAT_ULAW, 0);
	struct media_mix *x = NULL;
	struct media_pcm *p = NULL;

	(void)state;
	assert_int_equal(start(&p, a, 11025), EINVAL);
	media_bridge(a->s, b->s);
	assert_int_equal(start(&p, a, 8000), EINVAL);
	media_unbridge(a->s);
	assert_int_equal(media_mix_new(&x, m), 0);
	media_mix_join(x, a->s, &plain);
	assert_int_equal(start(&p, a, 8000), EINVAL);
	media_mix_close(x);
	assert_int_equal(f.freed, 0);
	/* The media closes with it. */
	assert_int_equal(start(&p, a, 8000), 0);
	hang_up(b);
	media_poll(m, 0);
	hang_up(a);
	media_close(m);
	m = NULL;
	assert_int_equal(f.freed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_ulaw), T(test_other_rates), T(test_upwards), T(test_lengths), T(test_refusals) };

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
