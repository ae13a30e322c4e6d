/* Attended transfer by digits: the transferer leaves the held party in the
 * first bridge, calls, talks in a second one; who then is left over is brought
 * back together in the first. */
#define LOG_MODULE "transfer"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/sound.h"
#include "pbx/transfer.h"
#include <errno.h>

struct consult {
	struct channel *ch, *peer, *target;     /* held */
	struct bridge *first, *second;          /* held */
	struct bridge_features f;               /* views: what ch could do in the first */
};

static int call(struct consult *c, struct str exten, struct str context)
{
	struct text dest = { 0 };
	struct channel *t;
	int cause, err = text_printf(&dest, "Local/%.*s@%.*s", STR_ARG(exten), STR_ARG(context));

	err = err ? err : channel_request(c->ch->pbx, text_view(&dest), c->ch, &t, &cause);
	text_free(&dest);
	if (err)
		return err;
	c->target = obj_hold(t);
	channel_inherit_forwards(t, c->ch);
	err = pbx_inherit_vars(t, c->ch);
	err = err ? err : channel_inherit_notes(t, c->ch);
	err = err ? err : party_set(&t->caller, exten, STR_NULL);
	err = err ? err : party_copy(&t->connected, &c->ch->caller);
	return err ? err : t->tech->call(t, 0);
}

/* 0 answered; ECANCELED the transferer left; else nobody came. */
static int await(struct consult *c)
{
	struct channel *v[2] = { c->ch, c->target };
	uint64_t end = clock_ms(c->ch->pbx->clock) + features_of(c->ch)->atxfer_no_answer_ms;

	for (;;) {
		uint64_t now = clock_ms(c->ch->pbx->clock);
		struct chan_event *e = NULL;
		enum chan_event_type type;
		size_t which;
		int err = channels_next(v, 2, end > now ? end - now : 0, &which, &e);

		if (err)
			return err;
		type = e->type;
		chan_event_free(e);
		if (!which)
			continue;
		if (type == CE_RINGING)
			sound_tone(c->ch, STR("ring"));
		else if (type == CE_ANSWER)
			return 0;
		else if (type == CE_HANGUP || type == CE_BUSY || type == CE_CONGESTION || type == CE_INCOMPLETE)
			return EBUSY;
	}
}

static void drop_target(struct consult *c)
{
	if (!c->target->dead && !c->target->bridge)
		channel_destroy(c->target);
}

/* Into the first bridge with whoever waits there. */
static void bring_back(struct consult *c, struct channel *who, const struct bridge_features *f)
{
	if (who->bridge)
		bridge_remove(who);
	c->first->moving = false;
	/* Hung up in the same turn, it has nobody who would end it there. */
	if (who->dead || who->hungup || bridge_add(c->first, who, f))
		channel_destroy_soon(who);
	if (c->first->count < 2)
		bridge_dissolve(c->first, CAUSE_NORMAL);
}

static void tell(struct consult *c)
{
	const struct attended a = { .first = c->ch, .second = c->ch, .transferee = c->peer, .target = c->target,
		.first_bridge = c->first, .second_bridge = c->second, .internal = true };

	transfer_tell_attended(&a, "Success", "Bridge", bridge_id(c->first));
}

/* Whom the transferer talked with; a Local channel in between may have gone meanwhile. */
static void find_target(struct consult *c)
{
	struct list *l = c->second->members.next;

	if (l == &c->second->members)
		return;
	obj_drop(c->target);
	c->target = obj_hold(container_of(l, struct member, link)->ch);
}

static void hand_over(struct consult *c)
{
	find_target(c);
	tell(c);
	bring_back(c, c->target, NULL);
	if (!c->peer->dead && !c->target->dead && c->peer->bridge)
		transfer_introduce(c->peer, c->target);
}

static int talk(struct consult *c)
{
	int err = bridge_new(&c->second, c->ch->pbx, STR("basic"));

	if (err)
		return err;
	c->second->moving = c->first->moving = true;
	c->second->watcher = fiber_self();
	c->ch->away = true;
	bridge_remove(c->ch);
	err = bridge_add(c->second, c->target, NULL);
	err = err ? err : bridge_add(c->second, c->ch, NULL);
	while (!err && c->second->count == 2)
		fiber_wait();
	c->second->watcher = NULL;
	/* What is left decides: the transferer gone hands over, the target gone comes back. */
	if (c->ch->dead || c->ch->hungup)
		hand_over(c);
	else
		bring_back(c, c->ch, &c->f);
	c->second->moving = false;
	bridge_dissolve(c->second, CAUSE_NORMAL);
	c->ch->away = false;
	fiber_wake(c->ch->fiber);
	return err;
}

/* It hung up while the target rang: the held party waits for the target itself. */
static void blonde(struct consult *c)
{
	tell(c);
	if (c->target->hungup || bridge_add(c->first, c->target, NULL))
		drop_target(c);
	else if (!c->peer->dead)
		channel_indicate(c->peer, IND_RINGING, NULL);
}

int transfer_attended_dtmf(struct channel *ch, struct str exten, struct str context)
{
	struct consult c = { .ch = obj_hold(ch), .peer = obj_hold(bridge_peer(ch)), .first = obj_hold(ch->bridge) };
	int err = EINVAL;

	if (!c.peer)
		goto out;
	c.f = bridge_member(ch)->f;
	c.f.limit_ms = c.f.warn_ms = 0;
	c.f.after_context = c.f.after_exten = c.f.warn_sound = c.f.limit_sound = (struct text){ 0 };
	err = call(&c, exten, context);
	err = err ? err : await(&c);
	if (c.target)
		sound_tone(ch, STR_NULL);
	if (!err) {
		err = talk(&c);
		if (err)
			drop_target(&c);
	} else if (err == ECANCELED && c.target && !c.target->hungup && c.first->count) {
		blonde(&c);
	} else if (c.target) {
		drop_target(&c);
	}
 out:
	obj_drop(c.second);
	obj_drop(c.first);
	obj_drop(c.target);
	obj_drop(c.peer);
	obj_drop(c.ch);
	return err;
}
