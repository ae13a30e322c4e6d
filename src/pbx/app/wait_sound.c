/* WaitForSilence, WaitForNoise: on with the dialplan when the other end has been so for some time. */
#define LOG_MODULE "waitforsilence"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/app/app.h"
#include "pbx/func/text.h"
#include "pbx/hooks.h"
#include <errno.h>

enum { WANT_MS = 1000, ANSWER_MS = 1000 /* of the media thread, about its counters */ };

struct wait {                   /* one time of it */
	struct chan_hook h;
	uint32_t ms;
	bool noise, told;
};

static int start_wait(struct chan_hook *h, struct media_session *s)
{
	const struct wait *w = (struct wait *)h;

	return media_silence_start(&h->on, s, h->ch->pbx->silence_threshold, w->ms, w->noise, h->tag);
}

static void told_wait(struct chan_hook *h, const struct media_event *e)
{
	(void)e;
	((struct wait *)h)->told = true;
	channel_event_simple(h->ch, CE_WAKE);
}

static const struct chan_hook_kind wait_kind = { .name = "WaitForSilence", .start = start_wait, .told = told_wait };

/* Until *flag or `by` [ms]. ETIMEDOUT, ECANCELED. */
static int until(struct channel *ch, const bool *flag, uint64_t by)
{
	while (!*flag) {
		uint64_t now = clock_ms(ch->pbx->clock);
		struct chan_event *e = NULL;
		int err = now < by ? channel_next(ch, by - now, &e) : ETIMEDOUT;

		chan_event_free(e);
		if (err)
			return err;
	}
	return 0;
}

/* ---- who sends nothing is silent, and no packet says so */

struct count {                  /* obj: the application's, and the question's */
	struct channel *ch;             /* view; NULL: nobody waits */
	uint64_t packets;
	bool came;
};

static void count_came(void *arg, const struct media_stats *st)
{
	struct count *c = arg;

	c->packets = st ? st->rx : 0;
	c->came = true;
	if (c->ch)
		channel_event_simple(c->ch, CE_WAKE);
	obj_drop(c);
}

/* Packets that have come so far; 0 without media. ECANCELED. */
static int packets(struct channel *ch, uint64_t *n)
{
	struct media_session *s = channel_media(ch);
	struct count *c = s ? obj_new(sizeof(*c), NULL) : NULL;
	int err = 0;

	*n = 0;
	if (!c)
		return 0;
	c->ch = ch;
	if (media_stats(s, count_came, obj_hold(c)))
		obj_drop(c);
	else
		err = until(ch, &c->came, clock_ms(ch->pbx->clock) + ANSWER_MS);
	*n = c->packets;
	c->ch = NULL;
	obj_drop(c);
	return err == ECANCELED ? err : 0;
}

/* ---- the application */

struct want {
	uint32_t ms, times;
	uint64_t by;            /* [ms] mono; UINT64_MAX: never */
	bool noise;
};

static int hear_out(struct channel *ch, const struct want *want, struct wait *w)
{
	uint64_t before, now_there, look;
	int err = packets(ch, &before);

	while (!err) {
		look = clock_ms(ch->pbx->clock) + want->ms;
		err = until(ch, &w->told, look < want->by ? look : want->by);
		if (err != ETIMEDOUT || clock_ms(ch->pbx->clock) >= want->by)
			break;
		err = packets(ch, &now_there);
		if (!err && !want->noise && now_there == before)
			break;
		before = now_there;
	}
	return err;
}

/* 0, ETIMEDOUT, ECANCELED */
static int once(struct channel *ch, const struct want *want)
{
	struct wait *w;
	int err;

	if (!want->ms)
		return 0;
	w = chan_hook_new(sizeof(*w), &wait_kind);
	if (!w)
		return ECANCELED;
	w->ms = want->ms;
	w->noise = want->noise;
	obj_hold(w);
	err = channel_hook_add(ch, w);
	if (err) {
		obj_drop(w);
		return ECANCELED;
	}
	err = hear_out(ch, want, w);
	channel_hook_remove(w);
	obj_drop(w);
	return err;
}

/* Not written: as it is. False: no number, or one under `least`. */
static bool read_number(struct str s, const char *what, uint32_t least, uint32_t *out)
{
	int64_t v;

	if (!s.n)
		return true;
	if (!text_leading_int(s, &v) || v < least || v > INT32_MAX) {
		log_error("'%.*s' is no %s: a number from %u on", STR_ARG(s), what, least);
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

/* WaitForSilence([ms[,times[,timeout in s]]]): WAITSTATUS */
static int run(struct channel *ch, struct str data, bool noise)
{
	struct want want = { .ms = WANT_MS, .times = 1, .by = UINT64_MAX, .noise = noise };
	uint32_t timeout = 0;
	struct str v[3], status = noise ? STR("NOISE") : STR("SILENCE");
	int err = 0;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!read_number(v[0], "time [ms]", 0, &want.ms) || !read_number(v[1], "count", 1, &want.times) ||
	    !read_number(v[2], "timeout [s]", 0, &timeout))
		return -1;
	if (ch->state != CHAN_UP && channel_answer_settled(ch, 0))
		err = ECANCELED;
	if (timeout)
		want.by = clock_ms(ch->pbx->clock) + timeout * 1000ULL;
	for (uint32_t i = 0; i < want.times && !err; i++)
		err = once(ch, &want);
	if (err)
		status = err == ETIMEDOUT ? STR("TIMEOUT") : STR("HANGUP");
	pbx_setvar(ch->pbx, ch, STR("WAITSTATUS"), status);
	return err && err != ETIMEDOUT ? -1 : 0;
}

static int run_silence(struct channel *ch, struct str data)
{
	return run(ch, data, false);
}

static int run_noise(struct channel *ch, struct str data)
{
	return run(ch, data, true);
}

const struct app app_wait_for_silence = { .name = "WaitForSilence", .synopsis = "Wait until the other end is silent: WAITSTATUS",
	.run = run_silence };
const struct app app_wait_for_noise = { .name = "WaitForNoise", .synopsis = "Wait until the other end is heard: WAITSTATUS",
	.run = run_noise };
