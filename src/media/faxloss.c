/* media/faxloss.c -- lost packets and T.30: see faxloss.h. */
#define LOG_MODULE "fax"
#include "media/faxloss.h"
#include "media/faxfix.h"
#include "base/log.h"
#include <stdlib.h>
#include "base/poison.h"

enum {
	FRAME_MAX = 128,
	HOLD = 2, HAD = 4,      /* calls that a frame waits for spandsp to have it too; that it is known to have it */
	/* Of the test of a modem, in packets of 20 ms. A DCS ends with less sound than LEAST, and QUIET is longer than spandsp
	 * needs for an answer of its own. */
	LEAST = 25, QUIET = 5, PAUSE = 3,
	AGAIN = 3,              /* after a lost packet until a modem is in step again */
	LEVEL = 100             /* of the mean sample: -40 dBm0 */
};

/* The modems of a DCS (T.30 table 2, bits 11 to 14): their rates, and how long each trains at first. */
static const struct modem { uint8_t code; uint16_t rate, training; } modems[] = {
	{ 0x00, 2400, 58 }, { 0x08, 4800, 58 }, { 0x04, 9600, 14 }, { 0x0c, 7200, 14 }, { 0x20, 14400, 71 }, { 0x28, 12000, 71 },
	{ 0x24, 9600, 71 }, { 0x2c, 7200, 71 },
};

struct frame {
	uint8_t p[FRAME_MAX];
	size_t n;
};

struct faxloss {
	t30_state_t *t;
	bool receives;
	struct faxfix *fix;             /* owned */
	struct frame mended;            /* that waits; n 0: none */
	struct frame had;               /* what spandsp had just now; n 0: nothing */
	unsigned hold, had_for;         /* calls */
	const struct modem *tcf;        /* the test that is due; NULL: none */
	unsigned loud, quiet;           /* packets of it; silent ones after it, or before */
	unsigned since, lost;           /* clean packets of it since the last loss; those before that count; since the loss */
	bool gap;
};

/* ---- frames -------------------------------------------------------------------------------------- */

static bool is_same(const struct frame *a, const struct frame *b)
{
	return a->n == b->n && !memcmp(a->p, b->p, a->n);
}

static void keep(struct frame *f, const uint8_t *p, size_t n)
{
	f->n = n <= FRAME_MAX ? n : 0;
	memcpy(f->p, p, f->n);
}

static void hand_over(struct faxloss *l)
{
	struct frame f = l->mended;

	l->mended.n = 0;
	if (!f.n)
		return;
	log_debug(1, "a frame %02x had lost packets, and is whole again", f.p[2]);
	t30_hdlc_accept(l->t, f.p, (int)f.n, TRUE);
	l->had.n = 0;
}

static void on_mended(void *arg, const uint8_t *p, size_t n)
{
	struct faxloss *l = arg;

	if (!p) {
		/* So that it is waited for again: spandsp, too, tells T.30 of frames that are damaged, but not of those whose end
		 * was lost. */
		t30_hdlc_accept(l->t, NULL, 0, FALSE);
		return;
	}
	hand_over(l);
	keep(&l->mended, p, n);
	l->hold = HOLD;
	if (is_same(&l->mended, &l->had))
		l->mended.n = 0;
}

static void wait_for_spandsp(struct faxloss *l)
{
	if (l->mended.n && is_same(&l->mended, &l->had))
		l->mended.n = 0;
	if (l->mended.n && !l->hold--)
		hand_over(l);
	/* The same again later is another one. */
	if (l->had.n && !l->had_for--)
		l->had.n = 0;
}

static void begin_test(struct faxloss *l, const uint8_t *p, size_t n)
{
	uint8_t code = n > 4 ? p[4] & 0x3c : 0x3c;

	l->tcf = NULL;
	for (size_t i = 0; l->receives && i < ARRAY_LEN(modems); i++)
		if (modems[i].code == code)
			l->tcf = &modems[i];
	l->loud = l->quiet = l->since = l->lost = 0;
	l->gap = false;
}

void faxloss_frame(struct faxloss *l, bool incoming, const uint8_t *p, size_t n)
{
	if (!incoming) {
		l->tcf = NULL;
		return;
	}
	keep(&l->had, p, n);
	l->had_for = HAD;
	if (n > 2 && (p[2] & 0xfe) == T30_DCS)
		begin_test(l, p, n);
}

struct faxloss *faxloss_new(t30_state_t *t, bool receives)
{
	struct faxloss *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->fix = faxfix_new(on_mended, l);
	if (!l->fix) {
		free(l);
		return NULL;
	}
	l->t = t;
	l->receives = receives;
	return l;
}

void faxloss_free(struct faxloss *l)
{
	if (!l)
		return;
	faxfix_free(l->fix);
	free(l);
}

/* ---- the test of a modem (TCF): zeros for a second and a half, of which one second must come in one piece. A
 * packet that is known to be lost says nothing of the line, and a slower modem would lose more: what came before it
 * counts too. ------------------------------------------------------------------------------------------ */

static void join(struct faxloss *l)
{
	unsigned bits = l->lost * l->tcf->rate / 50;

	while (bits--)
		t30_non_ecm_put_bit(l->t, 0);
	l->gap = false;
	l->since = 0;
}

/* In the training of a modem a packet was lost, so there was no test to judge: spandsp would say nothing, and take the
 * test's repetition for a fault of the other side. It has to tell it that it failed, at the end of a carrier that was no
 * good. */
static void fail(struct faxloss *l)
{
	l->tcf = NULL;
	t30_non_ecm_put_bit(l->t, SIG_STATUS_TRAINING_SUCCEEDED);
	t30_non_ecm_put_bit(l->t, SIG_STATUS_CARRIER_DOWN);
}

static void watch_silence(struct faxloss *l)
{
	l->quiet++;
	if (l->loud >= LEAST && l->quiet >= QUIET)
		fail(l);
	else if (l->loud < LEAST && l->quiet >= PAUSE)
		l->loud = 0;
}

static void watch_test(struct faxloss *l)
{
	l->quiet = 0;
	if (++l->loud <= l->tcf->training)
		return;
	l->since++;
	if (l->gap && l->since == AGAIN)
		join(l);
}

static bool is_loud(const int16_t *pcm, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)(pcm[i] < 0 ? -pcm[i] : pcm[i]);
	return n && sum / n >= LEVEL;
}

void faxloss_hear(struct faxloss *l, const int16_t *pcm, size_t n)
{
	faxfix_hear(l->fix, pcm, n);
}

void faxloss_miss(struct faxloss *l, size_t n)
{
	faxfix_miss(l->fix, n);
}

void faxloss_heard(struct faxloss *l, const int16_t *pcm, size_t n)
{
	wait_for_spandsp(l);
	if (!l->tcf)
		return;
	if (is_loud(pcm, n))
		watch_test(l);
	else
		watch_silence(l);
}

void faxloss_missed(struct faxloss *l)
{
	wait_for_spandsp(l);
	if (!l->tcf || !l->loud || l->quiet || ++l->loud <= l->tcf->training)
		return;
	/* A second one before the modem was in step again: nothing came between them. */
	l->lost += l->gap ? 0 : l->since;
	l->gap = true;
	l->since = 0;
}
