/* Digits are heard one after the other, each as long as a digit lasts. A peer that sends
 * them faster (in INFO, or through Local channels, where they take no time at all) waits:
 * a digit that two Echo()s gave back to one another would go round as fast as the core
 * can carry it. */
#include "base/obj.h"
#include "pbx/channel_private.h"

#define GAP_MS 45               /* silence between two digits, as Asterisk keeps it */
#define WAITING_MAX 64          /* begins and ends; a fast peer's later digits are lost */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t due(const struct channel *ch, const struct chan_event *e)
{
	const struct digit_pace *d = &ch->pace;

	return e->type == CE_DTMF_END && d->inside ? d->begun_ms + ch->pbx->mindtmfduration : d->next_ms;
}

/* It is heard now: when may what follows be? */
static void heard(struct channel *ch, struct chan_event *e)
{
	struct digit_pace *d = &ch->pace;
	uint64_t now = clock_ms(ch->pbx->clock);

	if (e->type == CE_DTMF_BEGIN) {
		d->begun_ms = now;
		d->inside = true;
		return;
	}
	e->ms = (unsigned)larger(e->ms, ch->pbx->mindtmfduration);
	/* One that came as an end alone has its whole length before it. */
	d->next_ms = now + GAP_MS + (d->inside ? 0 : e->ms);
	d->inside = false;
}

static void next(void *arg)
{
	struct channel *ch = arg;
	struct digit_pace *d = &ch->pace;

	obj_hold(ch);
	while (!ch->dead && !list_empty(&d->waiting)) {
		struct chan_event *e = container_of(d->waiting.next, struct chan_event, link);
		uint64_t now = clock_ms(ch->pbx->clock), at = due(ch, e);

		if (at > now) {
			timer_start(ch->pbx->wheel, &d->timer, at - now, next, ch);
			break;
		}
		list_remove(&e->link);
		d->n--;
		heard(ch, e);
		d->hear(ch, e);
	}
	obj_drop(ch);
}

bool channel_digit_waits(struct channel *ch, struct chan_event *e, channel_hear_fn *hear)
{
	struct digit_pace *d = &ch->pace;
	uint64_t now, at;

	if ((e->type != CE_DTMF_BEGIN && e->type != CE_DTMF_END) || !ch->pbx->wheel)
		return false;
	now = clock_ms(ch->pbx->clock);
	at = due(ch, e);
	if (list_empty(&d->waiting) && at <= now) {
		heard(ch, e);
		return false;
	}
	if (d->n >= WAITING_MAX) {
		chan_event_free(e);
		return true;
	}
	if (list_empty(&d->waiting))
		timer_start(ch->pbx->wheel, &d->timer, at - now, next, ch);
	d->hear = hear;
	list_append(&d->waiting, &e->link);
	d->n++;
	return true;
}

void channel_digits_forget(struct channel *ch)
{
	struct digit_pace *d = &ch->pace;

	timer_stop(&d->timer);
	while (!list_empty(&d->waiting)) {
		struct chan_event *e = container_of(d->waiting.next, struct chan_event, link);

		list_remove(&e->link);
		chan_event_free(e);
	}
	d->n = 0;
}
