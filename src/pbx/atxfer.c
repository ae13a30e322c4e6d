/* Attended transfer by digits. The transferer leaves the others in the first bridge and talks to the target in a second
 * one; it may change between them, and decides by its digits or by hanging up what becomes of both. The target is in
 * the second bridge from the first ring. What follows when nobody answered and the transferer has gone: atxfer_recall.c. */
#define LOG_MODULE "transfer"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/sound.h"
#include "pbx/transfer.h"
#include <errno.h>

enum stimulus { NOTHING, TRANSFEREE_GONE, TRANSFERER_GONE, TARGET_GONE, ANSWERED, TIMED_OUT, ABORT, COMPLETE, THREEWAY, SWAP };

struct consult {
	struct channel *ch, *target;    /* held; target: as it was called, a Local channel that may have gone meanwhile */
	struct bridge *first, *second;  /* held */
	struct bridge_features f;       /* what ch could do in the first; no texts */
	struct features_conf *conf;     /* held: of ch, which may go */
	struct str exten, context;
	struct party connected;         /* whom ch talked to at first */
	bool answered;
	uint64_t end;                   /* [ms] mono: so long it may ring */
};

/* ---- who is where */

static struct channel *other_in(const struct bridge *b, const struct channel *ch)
{
	struct member *m = bridge_other(b, ch);

	return m ? m->ch : NULL;
}

/* The only other one; NULL: none, or several. */
static struct channel *party(const struct bridge *b, const struct channel *ch)
{
	return b->count == (ch->bridge == b ? 2 : 1) ? other_in(b, ch) : NULL;
}

/* Who they were before it was done; NULL: it was not. */
struct parties {                /* held; NULL: none, or several */
	struct channel *transferee, *target;
};

static struct parties parties(struct consult *c)
{
	return (struct parties){ obj_hold(party(c->first, c->ch)), obj_hold(party(c->second, c->ch)) };
}

static void parties_drop(struct parties *p)
{
	obj_drop(p->transferee);
	obj_drop(p->target);
}

static void tell(struct consult *c, const struct parties *p, const char *type)
{
	const struct attended a = { .first = c->ch, .second = c->ch, .transferee = p ? p->transferee : NULL,
		.target = p ? p->target : NULL, .first_bridge = c->first, .second_bridge = c->second };

	transfer_tell_attended(&a, p ? "Success" : "Fail", type, p ? bridge_id(c->first) : STR_NULL);
}

static void say(struct channel *ch, struct str sound)
{
	if (ch && !ch->dead && sound.n)
		channel_play(ch, &sound, 1, text_view(&ch->language), 0);
}

static void say_failed(struct consult *c)
{
	say(c->ch, text_view(&c->conf->xferfailsound));
}

static void indicate_all(struct bridge *b, enum indication ind)
{
	list_each_safe(l, tmp, &b->members)
		channel_indicate(container_of(l, struct member, link)->ch, ind, NULL);
}

static void hold(struct consult *c, bool on)
{
	struct member *m = bridge_member(c->ch);

	if (m)
		transfer_hold(m, on);
}

static int move(struct consult *c, struct bridge *to, const struct bridge_features *f)
{
	struct channel *other;
	int err;

	if (c->ch->bridge) {
		bridge_remove(c->ch);
		channel_indicate(c->ch, IND_STOP, NULL);
	}
	err = bridge_add(to, c->ch, f);
	other = err ? NULL : bridge_peer(c->ch);
	if (other)
		transfer_introduce(c->ch, other);
	return err;
}

/* ---- the call to the target */

static int note_target(struct consult *c, struct channel *t)
{
	int err;

	channel_inherit_forwards(t, c->ch);
	(void)pbx_setvar(t->pbx, t, STR("TRANSFERERNAME"), text_view(&c->ch->name));
	transfer_set_variables(t, text_view(&c->ch->name), true);
	err = pbx_inherit_vars(t, c->ch);
	err = err ? err : channel_inherit_notes(t, c->ch);
	return err ? err : party_copy(&t->connected, &c->ch->caller);
}

static int call(struct consult *c)
{
	struct text dest = { 0 };
	struct channel *t;
	int cause, err = text_printf(&dest, "Local/%.*s@%.*s", STR_ARG(c->exten), STR_ARG(c->context));

	err = err ? err : channel_request(c->ch->pbx, text_view(&dest), c->ch, &t, &cause);
	text_free(&dest);
	if (err)
		return err;
	c->target = obj_hold(t);
	err = note_target(c, t);
	err = err ? err : t->tech->call(t, 0);
	err = err ? err : bridge_add(c->second, t, NULL);
	if (err)
		channel_destroy(t);
	return err;
}

/* ---- what happened */

static enum stimulus wish(struct consult *c)
{
	static const enum stimulus of[] = { [BRIDGE_WISH_NONE] = NOTHING, [BRIDGE_WISH_ABORT] = ABORT,
		[BRIDGE_WISH_COMPLETE] = COMPLETE, [BRIDGE_WISH_THREEWAY] = THREEWAY, [BRIDGE_WISH_SWAP] = SWAP };
	enum bridge_wish w = c->first->wish ? c->first->wish : c->second->wish;

	c->first->wish = c->second->wish = BRIDGE_WISH_NONE;
	return of[w];
}

static enum stimulus look(struct consult *c)
{
	enum stimulus s;

	if (!other_in(c->first, c->ch))
		return TRANSFEREE_GONE;
	if (c->ch->bridge != c->first && c->ch->bridge != c->second)
		return TRANSFERER_GONE;
	if (!c->answered && c->target->state == CHAN_UP)
		return ANSWERED;
	if (!other_in(c->second, c->ch))
		return TARGET_GONE;
	s = wish(c);
	if (s == NOTHING && !c->answered && clock_ms(c->ch->pbx->clock) >= c->end)
		return TIMED_OUT;
	return s;
}

static void over(void *fiber)
{
	fiber_wake(fiber);
}

static enum stimulus next(struct consult *c)
{
	struct timer t = { 0 };
	enum stimulus s;

	while ((s = look(c)) == NOTHING) {
		uint64_t now = clock_ms(c->ch->pbx->clock);

		if (!c->answered)
			timer_start(c->ch->pbx->wheel, &t, c->end > now ? c->end - now : 0, over, fiber_self());
		fiber_wait();
		timer_stop(&t);
	}
	return s;
}

/* ---- what comes of it */

/* Who waited is brought together with the target, and the transferer is out. */
static void complete(struct consult *c)
{
	struct parties p;

	indicate_all(c->ch->bridge == c->first ? c->second : c->first, IND_UNHOLD);
	p = parties(c);
	if (c->ch->bridge)
		bridge_remove(c->ch);
	if (!transfer_merge(c->first, c->second, NULL)) {
		say(p.target, text_view(&c->conf->xfersound));
		if (p.transferee && p.target && p.transferee->bridge == c->first && p.target->bridge == c->first)
			transfer_introduce(p.transferee, p.target);
	}
	tell(c, &p, "Bridge");
	parties_drop(&p);
}

/* The same, but it rings still: with atxferdropcall that is the end of it, else somebody looks after it. */
static void leave_ringing(struct consult *c)
{
	struct atxfer_recall_prm prm = { .ch = c->ch, .target = c->target, .bridge = c->first, .exten = c->exten,
		.context = c->context, .connected = c->connected, .f = c->f, .conf = c->conf, .end = c->end };
	struct parties p = parties(c);
	int err;

	indicate_all(c->first, IND_UNHOLD);
	if (c->ch->bridge)
		bridge_remove(c->ch);
	err = transfer_merge(c->first, c->second, NULL);
	if (!err && c->target->bridge == c->first && c->target->state != CHAN_UP)
		bridge_indicate_others(bridge_member(c->target), IND_RINGING, NULL);
	tell(c, &p, "Bridge");
	if (!err && !c->conf->atxfer_drop_call)
		(void)atxfer_recall(&prm);
	parties_drop(&p);
}

static void give_features_back(struct consult *c)
{
	bridge_member(c->ch)->f = c->f;
	channel_path_update(c->ch, false);      /* it wants other digits now */
}

static void all_together(struct consult *c)
{
	struct parties p = parties(c);

	indicate_all(c->ch->bridge == c->first ? c->second : c->first, IND_UNHOLD);
	give_features_back(c);          /* wherever it is, it comes along */
	if (!transfer_merge(c->first, c->second, NULL)) {
		say(p.target, text_view(&c->conf->xfersound));
		say(c->ch, text_view(&c->conf->xfersound));
	}
	tell(c, &p, "Threeway");
	parties_drop(&p);
}

/* As it was before, for whoever is left of them. */
static void come_back(struct consult *c)
{
	if (c->ch->bridge == c->first)
		give_features_back(c);
	else if (!move(c, c->first, &c->f))
		hold(c, false);
}

/* Who waited did not any longer. A target that answered may be talked to. */
static void stay(struct consult *c)
{
	if (c->answered && c->ch->bridge == c->second) {
		give_features_back(c);
		say_failed(c);
		return;
	}
	tell(c, NULL, "Fail");
	bridge_dissolve(c->second, CAUSE_NORMAL);
}

static void swap(struct consult *c)
{
	static const struct bridge_features consults = { .consults = true };
	bool to_first = c->ch->bridge == c->second;

	if (c->answered || !to_first)
		hold(c, true);
	if (move(c, to_first ? c->first : c->second, &consults))
		return;         /* it has gone, as will be seen */
	if (c->answered || to_first)
		hold(c, false);
	else if (c->target->state == CHAN_RINGING)
		channel_indicate(c->ch, IND_RINGING, NULL);
}

/* True: that was the end of it. */
static bool act(struct consult *c, enum stimulus s)
{
	bool talked = c->answered && c->ch->bridge == c->second;

	switch (s) {
	case ANSWERED:
		c->answered = true;
		return false;
	case SWAP:
		swap(c);
		return false;
	case TRANSFEREE_GONE:
		stay(c);
		return true;
	case TRANSFERER_GONE:
	case COMPLETE:
		if (c->answered)
			complete(c);
		else
			leave_ringing(c);
		return true;
	case THREEWAY:
		all_together(c);
		return true;
	default:        /* TARGET_GONE, ABORT, TIMED_OUT */
		come_back(c);
		if (s != TARGET_GONE || !talked)
			say_failed(c);
		return true;
	}
}

/* ---- from the beginning to the end */

static void begin(struct consult *c)
{
	static const struct bridge_features consults = { .consults = true };

	c->end = clock_ms(c->ch->pbx->clock) + c->conf->atxfer_no_answer_ms;
	c->ch->away = true;
	if (!move(c, c->second, &consults) && c->target->state == CHAN_RINGING)
		channel_indicate(c->ch, IND_RINGING, NULL);
}

/* A bridge that has one left is over, unless somebody else looks after it now. */
static void settle(struct bridge *b)
{
	if (b->watcher == fiber_self()) {
		b->watcher = NULL;
		b->moving = false;
	}
	if (!b->moving && b->count < 2)
		bridge_dissolve(b, CAUSE_NORMAL);
	else
		bridge_native_update(b);
}

static void consult(struct consult *c)
{
	bool done = false;

	begin(c);
	while (!done) {
		enum stimulus s = next(c);

		log_debug(1, "attended transfer of %s: %d", text_z(&c->ch->name), (int)s);
		done = act(c, s);
	}
	settle(c->first);
	settle(c->second);
	c->ch->away = false;
	fiber_wake(c->ch->fiber);
}

int transfer_attended_dtmf(struct channel *ch, struct str exten, struct str context)
{
	struct consult c = { .ch = obj_hold(ch), .first = obj_hold(ch->bridge), .exten = exten, .context = context };
	int err = c.first && !c.first->watcher ? bridge_new(&c.second, ch->pbx, STR("basic")) : EINVAL;

	if (err)
		goto out;
	c.f = bridge_member(ch)->f;
	c.f.limit_ms = c.f.warn_ms = 0;
	c.f.after_priority = 0;
	c.f.after_context = c.f.after_exten = c.f.warn_sound = c.f.limit_sound = (struct text){ 0 };
	c.conf = obj_hold((void *)(uintptr_t)features_of(ch));
	c.first->moving = c.second->moving = true;
	c.first->watcher = c.second->watcher = fiber_self();
	c.first->wish = BRIDGE_WISH_NONE;
	err = party_copy(&c.connected, &ch->connected);
	err = err ? err : call(&c);
	if (!err) {
		consult(&c);
	} else {
		settle(c.first);
		settle(c.second);
	}
 out:
	party_free(&c.connected);
	obj_drop(c.conf);
	obj_drop(c.second);
	obj_drop(c.first);
	obj_drop(c.target);
	obj_drop(c.ch);
	return err;
}
