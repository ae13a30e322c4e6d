/* Pickup: taking over a call that rings somewhere else. */
#define LOG_MODULE "pickup"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/bridge.h"
#include "pbx/event.h"
#include <errno.h>

static bool rings(const struct channel *c)
{
	return c->owned && c->outgoing && !c->fiber && !c->hungup && !c->replaced_by && c->state == CHAN_RINGING;
}

static bool wanted(const struct channel *c, struct str exten, struct str context)
{
	return str_eq(text_view(&c->exten), exten) && (!context.n || str_eq(text_view(&c->context), context));
}

static bool in_group(const struct channel *ch, const struct channel *c)
{
	return (c->call_group & ch->pickup_group) != 0;
}

/* The call that has rung longest. */
static struct channel *find(struct channel *ch, struct str target)
{
	struct str exten = str_cut_raw(&target, '@'), context = target;

	if (str_eq(context, STR("PICKUPMARK")))
		context = STR_NULL;
	else if (!context.n && exten.n)
		context = text_view(&ch->context);
	list_each(l, &ch->pbx->channels) {
		struct channel *c = container_of(l, struct channel, link);

		if (c != ch && rings(c) && (exten.n ? wanted(c, exten, context) : in_group(ch, c)))
			return c;
	}
	return NULL;
}

static void tell(struct channel *ch, struct channel *target)
{
	struct event *e = ch->pbx->events ? event_new(ch->pbx->events, "Pickup", EV_CALL) : NULL;

	if (!e)
		return;
	event_channel(e, "", ch);
	event_channel(e, "Target", target);
	event_send(ch->pbx->events, e);
}

/* The dialler takes us over within a turn of the loop. */
#define TAKEOVER_MS 2000

static int take(struct channel *ch, struct channel *target)
{
	uint64_t end = clock_ms(ch->pbx->clock) + TAKEOVER_MS;
	int err;

	if (channel_answer(ch))
		return ECANCELED;
	log_verbose(3, "%s picks up %s", text_z(&ch->name), text_z(&target->name));
	tell(ch, target);
	err = channel_replace(ch, target);
	while (!err && !ch->bridge && !ch->hungup && clock_ms(ch->pbx->clock) < end) {
		struct chan_event *e = NULL;

		if (!channel_next(ch, 20, &e))
			chan_event_free(e);
	}
	bridge_wait(ch);
	return err;
}

/* Pickup([exten[@context][&...]]): without one, by group. */
static int run(struct channel *ch, struct str data)
{
	struct channel *target = NULL;

	do {
		target = find(ch, str_trim(str_cut_raw(&data, '&')));
	} while (!target && data.n);
	if (!target) {
		log_verbose(3, "No call for %s to pick up", text_z(&ch->name));
		return 0;
	}
	return take(ch, target) ? 0 : -1;
}

const struct app app_pickup = { .name = "Pickup", .synopsis = "Take a call that rings elsewhere", .run = run };
