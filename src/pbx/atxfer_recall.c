/* An attended transfer whose transferer has gone while the target rang: those who wait get the target, or the transferer
 * back, in turns (atxfercallbackretries, atxferloopdelay), on a fiber of its own. */
#define LOG_MODULE "transfer"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/transfer.h"
#include <errno.h>
#include <stdlib.h>

enum outcome { NOTHING, WAITERS_GONE, ANSWERED, CALLED_GONE, TIMED_OUT };

struct recall {
	struct channel *ch;             /* held; it has gone */
	struct channel *called;         /* held; NULL: nobody just now */
	struct bridge *bridge;          /* held */
	struct text exten, context, back;       /* back: "PJSIP/alice" */
	struct party connected;         /* whom ch talked to at first */
	struct bridge_features f;
	struct features_conf *conf;     /* held */
	struct fiber *fiber;
	uint64_t end;                   /* [ms] mono: of what is waited for */
	unsigned attempts;
	bool answered, gone;            /* told of the one who is called back */
};

static void recall_free(struct recall *r)
{
	text_free(&r->exten);
	text_free(&r->context);
	text_free(&r->back);
	party_free(&r->connected);
	obj_drop(r->conf);
	obj_drop(r->called);
	obj_drop(r->bridge);
	obj_drop(r->ch);
	free(r);
}

/* ---- waiting */

static void over(void *fiber)
{
	fiber_wake(fiber);
}

static bool waiters_left(const struct recall *r)
{
	return r->called && r->called->bridge == r->bridge ? r->bridge->count > 1 : r->bridge->count > 0;
}

static enum outcome look(struct recall *r, bool inside)
{
	if (!waiters_left(r))
		return WAITERS_GONE;
	if (r->answered || (inside && r->called->state == CHAN_UP))
		return ANSWERED;
	if (r->gone || (inside && r->called->bridge != r->bridge))
		return CALLED_GONE;
	return clock_ms(r->ch->pbx->clock) >= r->end ? TIMED_OUT : NOTHING;
}

/* `inside`: who is called rings in the bridge. */
static enum outcome next(struct recall *r, bool inside)
{
	struct timer t = { 0 };
	enum outcome o;

	while ((o = look(r, inside)) == NOTHING) {
		uint64_t now = clock_ms(r->ch->pbx->clock);

		timer_start(r->ch->pbx->wheel, &t, r->end > now ? r->end - now : 0, over, r->fiber);
		fiber_wait();
		timer_stop(&t);
	}
	return o;
}

static void indicate_all(struct recall *r, enum indication ind)
{
	list_each_safe(l, tmp, &r->bridge->members)
		channel_indicate(container_of(l, struct member, link)->ch, ind, NULL);
}

/* It is not wanted any more, whether it rings or has come too late. */
static void forget_called(struct recall *r)
{
	struct channel *ch = r->called;

	r->called = NULL;
	r->answered = r->gone = false;
	if (ch && !ch->dead) {
		if (ch->bridge == r->bridge)
			bridge_remove(ch);
		ch->sink = NULL;
		ch->sink_arg = NULL;
		channel_destroy(ch);
	}
	obj_drop(ch);
}

/* With music, between two attempts. */
static bool pause_over(struct recall *r)
{
	enum outcome o;

	if (!r->conf->atxfer_loop_delay_ms)
		return true;
	indicate_all(r, IND_HOLD);
	r->end = clock_ms(r->ch->pbx->clock) + r->conf->atxfer_loop_delay_ms;
	o = next(r, false);
	indicate_all(r, IND_UNHOLD);
	return o == TIMED_OUT;
}

/* ---- whom it calls */

static int prepare(struct recall *r, struct channel *t)
{
	int err;

	r->called = obj_hold(t);
	r->end = clock_ms(r->ch->pbx->clock) + r->conf->atxfer_no_answer_ms;
	err = pbx_inherit_vars(t, r->ch);
	return err ? err : party_copy(&t->connected, &r->connected);
}

static void on_event(void *arg, struct channel *ch, struct chan_event *e)
{
	struct recall *r = arg;

	(void)ch;
	r->answered |= e->type == CE_ANSWER;
	r->gone |= e->type == CE_HANGUP || e->type == CE_BUSY || e->type == CE_CONGESTION || e->type == CE_INCOMPLETE;
	chan_event_free(e);
	fiber_wake(r->fiber);
}

/* The transferer, under the name that its channel had. */
static int call_back(struct recall *r)
{
	struct channel *t;
	int cause, err = channel_request(r->ch->pbx, text_view(&r->back), NULL, &t, &cause);

	if (err)
		return err;
	err = prepare(r, t);
	err = err ? err : party_copy(&t->caller, &r->ch->caller);
	t->sink = on_event;
	t->sink_arg = r;
	err = err ? err : t->tech->call(t, 0);
	if (err)
		forget_called(r);
	else
		indicate_all(r, IND_RINGING);
	return err;
}

/* It said yes, and is with them again. */
static bool rejoin(struct recall *r)
{
	struct channel *t = r->called;
	int err;

	t->sink = NULL;
	t->sink_arg = NULL;
	indicate_all(r, IND_STOP);
	err = bridge_add(r->bridge, t, &r->f);
	if (err)
		channel_destroy(t);
	return !err;
}

static int call_target(struct recall *r)
{
	struct text dest = { 0 };
	struct channel *t;
	int cause, err = text_printf(&dest, "Local/%s@%s", text_z(&r->exten), text_z(&r->context));

	err = err ? err : channel_request(r->ch->pbx, text_view(&dest), NULL, &t, &cause);
	text_free(&dest);
	if (err)
		return err;
	err = prepare(r, t);
	err = err ? err : t->tech->call(t, 0);
	err = err ? err : bridge_add(r->bridge, t, NULL);
	if (err)
		forget_called(r);
	return err;
}

/* ---- the turns. True: somebody has come; false: not yet, or never */

static bool try_back(struct recall *r, bool *give_up)
{
	enum outcome o = call_back(r) ? CALLED_GONE : next(r, false);

	if (o == ANSWERED)
		return rejoin(r);
	forget_called(r);
	*give_up = o == WAITERS_GONE || ++r->attempts >= r->conf->atxfer_callback_retries;
	return false;
}

static bool try_target(struct recall *r, bool *give_up)
{
	enum outcome o = call_target(r) ? CALLED_GONE : next(r, true);

	if (o == ANSWERED)
		return true;
	forget_called(r);
	*give_up = o == WAITERS_GONE;
	return false;
}

static bool somebody_comes(struct recall *r)
{
	bool give_up = false;
	enum outcome o = next(r, true);

	if (o == ANSWERED)
		return true;
	forget_called(r);
	if (o == WAITERS_GONE)
		return false;
	for (;;) {
		if (try_back(r, &give_up))
			return true;
		if (give_up || !pause_over(r))
			return false;
		if (try_target(r, &give_up))
			return true;
		if (give_up || !pause_over(r))
			return false;
	}
}

static void recall_run(void *arg)
{
	struct recall *r = arg;
	bool came = somebody_comes(r);

	log_verbose(3, "%s for those whom %s left", came ? "Somebody was found" : "Nobody was found", text_z(&r->ch->name));
	r->bridge->watcher = NULL;
	r->bridge->moving = false;
	if (!came || r->bridge->count < 2)
		bridge_dissolve(r->bridge, CAUSE_NORMAL);
	recall_free(r);
}

static int fill(struct recall *r, const struct atxfer_recall_prm *prm)
{
	struct str name = text_view(&prm->ch->name);
	int err = text_set(&r->exten, prm->exten);

	r->ch = obj_hold(prm->ch);
	r->called = obj_hold(prm->target);
	r->bridge = obj_hold(prm->bridge);
	r->conf = obj_hold(prm->conf);
	r->f = prm->f;
	r->end = prm->end;
	err = err ? err : text_set(&r->context, prm->context);
	err = err ? err : text_set(&r->back, str_sub(name, 0, str_rchr(name, '-')));
	return err ? err : party_copy(&r->connected, &prm->connected);
}

int atxfer_recall(const struct atxfer_recall_prm *prm)
{
	struct recall *r = calloc(1, sizeof(*r));
	int err = r ? fill(r, prm) : ENOMEM;

	if (!err) {
		r->fiber = fiber_new(recall_run, r, 0);
		err = r->fiber ? 0 : ENOMEM;
	}
	if (err) {
		if (r)
			recall_free(r);
		return err;
	}
	fiber_set_name(r->fiber, (const struct str[]){ text_view(&r->ch->name), STR(": recall") }, 2);
	r->bridge->watcher = r->fiber;
	fiber_wake(r->fiber);
	return 0;
}
