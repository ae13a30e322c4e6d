/* Picking up: the phone that does so takes the leg's place with its dialler (Dial, Originate). Who
 * is meant is said by groups here; by names in app/pickup.c. */
#define LOG_MODULE "pickup"
#include "pbx/pickup.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include "pbx/run.h"
#include "pbx/sound.h"
#include <errno.h>
#include <stdlib.h>

/* Its dialler has something to read that ends the leg: then there is nothing to take any more. */
static bool decided(const struct channel *c)
{
	list_each(l, &c->queue) {
		enum chan_event_type t = container_of(l, struct chan_event, link)->type;

		if (t == CE_HANGUP || t == CE_ANSWER || t == CE_BUSY || t == CE_CONGESTION || t == CE_INCOMPLETE ||
		    t == CE_FORWARD)
			return true;
	}
	return false;
}

bool pickup_possible(const struct channel *c)
{
	/* Down too: some phones say 183 and never 180. */
	return c->owned && c->outgoing && !c->fiber && !c->bridge && !c->hungup && !c->dead && !c->worked_on &&
	       !c->replaced_by && (c->state == CHAN_RINGING || c->state == CHAN_RING || c->state == CHAN_DOWN) && !decided(c);
}

struct channel *pickup_find_group(struct channel *ch)
{
	list_each(l, &ch->pbx->channels) {
		struct channel *c = container_of(l, struct channel, link);

		if (c != ch && pickup_possible(c) &&
		    ((ch->pickup_group & c->call_group) ||
		     named_groups_meet(text_view(&ch->named_pickup_group), text_view(&c->named_call_group))))
			return c;
	}
	return NULL;
}

/* As both are before they change places. */
static struct event *event_of(struct channel *ch, struct channel *target)
{
	struct event *e = channel_event_begin(ch, "Pickup", EV_CALL);

	if (e)
		event_channel(e, "Target", target);
	return e;
}

/* The dialler hears who answered, and that somebody did. */
static void tell_dialler(struct channel *target)
{
	struct chan_event *e = chan_event_new(CE_CONNECTED_LINE);

	if (e)
		e->party = calloc(1, sizeof(*e->party));
	if (e && e->party && !party_copy(e->party, &target->caller))
		channel_event(target, e);
	else
		chan_event_free(e);
	channel_event_simple(target, CE_ANSWER);
}

static int take(struct channel *ch, struct channel *target)
{
	struct event *e;
	int err;

	channel_set_connected(ch, &target->connected);
	if (channel_answer(ch) || ch->hungup)
		return ECANCELED;
	e = event_of(ch, target);
	/* So the phone that rang knows that this is no call it has missed. */
	ch->cause = CAUSE_ANSWERED_ELSEWHERE;
	err = channel_exchange(target, ch);
	if (err) {
		event_drop(e);
		return err;
	}
	run_tell_step(target);
	if (e)
		event_send(ch->pbx->events, e);
	tell_dialler(target);
	return 0;
}

int pickup_take(struct channel *ch, struct channel *target)
{
	int err;

	if (ch->hungup || ch->dead)
		return ECANCELED;
	if (ch->bridge || !pickup_possible(target))
		return ENOENT;
	log_verbose(3, "%s picks up %s", text_z(&ch->name), text_z(&target->name));
	obj_hold(target);
	err = take(ch, target);
	if (err)
		log_warning("%s could not pick up %s: %s", text_z(&ch->name), text_z(&target->name), strerror(err));
	obj_drop(target);
	return err;
}

/* ---- pickupexten */

static int by_group(struct channel *ch)
{
	/* A reload may free it meanwhile. */
	struct features_conf *f = obj_hold((void *)(uintptr_t)features_of(ch));
	struct channel *target = obj_hold(pickup_find_group(ch));
	int err = target ? pickup_take(ch, target) : ENOENT;

	if (!target)
		log_verbose(3, "No call for %s to pick up", text_z(&ch->name));
	if (!err && f->pickupsound.n)
		pbx_setvar(ch->pbx, target, STR("BRIDGE_PLAY_SOUND"), text_view(&f->pickupsound));
	else if (err && f->pickupfailsound.n && !channel_answer_settled(ch, 0))
		sound_play(ch, text_view(&f->pickupfailsound), STR_NULL, NULL);
	obj_drop(target);
	obj_drop(f);
	return err;
}

static void run(void *arg)
{
	struct channel *ch = arg;
	int err = ch->hungup ? ECANCELED : by_group(ch);

	if (!ch->dead) {
		ch->cause = err ? CAUSE_REJECTED : CAUSE_NORMAL;
		ch->fiber = NULL;
		channel_destroy(ch);
	}
	obj_drop(ch);
}

int pickup_start(struct channel *ch)
{
	if (ch->fiber)
		return EBUSY;
	ch->fiber = fiber_new(run, ch, 0);
	if (!ch->fiber)
		return ENOMEM;
	fiber_set_name(ch->fiber, (const struct str[]){ text_view(&ch->name), STR(": pickup") }, 2);
	obj_hold(ch);
	fiber_wake(ch->fiber);
	return 0;
}
