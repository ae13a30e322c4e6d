/* media/hook_listen.c -- digits and fax tones in what the peer says, before anybody else hears it:
 * the hook behind media_listen(). Digits are taken out of the sound and go
 * on as digits. */
#define LOG_MODULE "media"
#include "media/hook.h"
#include "base/log.h"
#include "media/core.h"
#include <stdlib.h>
#include "base/poison.h"

struct listening {
	struct media_hook h;
	atomic_uint what;               /* bits of enum media_listen; the core's to say */
	/* the thread's */
	struct detect_prm prm;
	uint32_t rate;                  /* [Hz] of the two; 0: none heard yet */
	struct dtmf_detect digits;
	struct tone_detect cng;
};

static unsigned what_of(const struct listening *l)
{
	return atomic_load_explicit(&l->what, memory_order_relaxed);
}

static bool listen_wants(struct media_hook *h, enum hook_lane lane)
{
	const struct listening *l = (const struct listening *)h;

	(void)lane;
	return what_of(l) != 0 || l->digits.told;
}

static void on_digit(void *arg, bool end, char digit, unsigned ms)
{
	dtmf_heard(arg, end, digit, ms);
}

/* A digit that nobody will hear the end of ends. */
static void forget_digit(struct listening *l)
{
	if (l->digits.told)
		dtmf_heard(l->h.s, true, l->digits.told, l->digits.blocks * DTMF_BLOCK / 8);
	dtmf_detect_init(&l->digits, l->rate, &l->prm);
}

static bool listen_pass(struct media_hook *h, struct hook_sound *f)
{
	struct listening *l = (struct listening *)h;
	unsigned what = what_of(l);
	bool changed = false;

	if (l->rate != f->rate) {
		l->rate = f->rate;
		forget_digit(l);
		cng_detect_init(&l->cng, l->rate);
	}
	if ((what & MEDIA_LISTEN_CNG) && tone_detect_run(&l->cng, f->pcm, f->n))
		mthread_event(h->s, &(struct media_event){ .type = MEDIA_CNG });
	if (what & MEDIA_LISTEN_DIGITS) {
		changed = dtmf_detect_run(&l->digits, f->pcm, f->n, on_digit, h->s);
		if (l->digits.told)
			dtmf_goes_on(h->s);
	} else if (l->digits.told) {
		forget_digit(l);
	}
	return changed;
}

static void listen_depart(struct media_hook *h)
{
	forget_digit((struct listening *)h);
}

static void listen_free(struct media_hook *h)
{
	free(h);
}

static const struct hook_ops listen_ops = { .lanes = 1 << LANE_EARLY, .wants = listen_wants, .pass = listen_pass,
	.depart = listen_depart, .free = listen_free };

static int listen_set(struct media_session *s, unsigned what)
{
	struct listening *l = (struct listening *)s->listening;

	if (l || !what) {
		if (l)
			atomic_store_explicit(&l->what, what, memory_order_relaxed);
		return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return ENOMEM;
	atomic_init(&l->what, what);
	l->prm = s->m->prm.detect;
	return hook_start(&s->listening, &l->h, s, &listen_ops, 0);
}

void media_listen(struct media_session *s, unsigned what)
{
	if (!s->closed && s->m && s->type == MEDIA_AUDIO && listen_set(s, what))
		log_error("nobody listens for tones in a call: no memory");
}
