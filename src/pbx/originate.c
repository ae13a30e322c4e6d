/* A call that nobody asked for by telephone: dialled, and sent into the dialplan when it is answered. */
#define LOG_MODULE "originate"
#include "pbx/originate.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/channel_private.h"
#include "pbx/dial_tell.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/run.h"
#include <errno.h>
#include <stdlib.h>

#define TIMEOUT_MS 30000

struct job {
	struct pbx *pbx;
	struct arena *arena;            /* holds the texts of prm */
	struct originate_prm prm;
	originate_fn *fn;
	void *arg;
	struct channel *ch;             /* held */
	enum originate_reason reason;
};

static void job_free(struct job *j)
{
	obj_drop(j->ch);
	arena_free(j->arena);
	free(j);
}

static int copy(struct job *j, const struct originate_prm *prm)
{
	struct originate_prm *p = &j->prm;
	struct originate_var *vars;
	struct str *texts[] = { &p->channel, &p->app, &p->data, &p->context, &p->exten, &p->caller_number,
		&p->caller_name, &p->account, &p->codecs, &p->uniqueid, &p->other_uniqueid, &p->actionid };

	*p = *prm;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str s = *texts[i];

		*texts[i] = arena_dup(j->arena, s);
		if (s.n && !texts[i]->n)
			return ENOMEM;
	}
	vars = arena_alloc(j->arena, (prm->nvars + 1) * sizeof(*vars));
	if (!vars)
		return ENOMEM;
	for (size_t i = 0; i < prm->nvars; i++) {
		vars[i].name = arena_dup(j->arena, prm->vars[i].name);
		vars[i].value = arena_dup(j->arena, prm->vars[i].value);
	}
	p->vars = vars;
	if (!p->timeout_ms)
		p->timeout_ms = TIMEOUT_MS;
	if (!p->priority)
		p->priority = 1;
	return 0;
}

/* ---- the channel */

static int dress(struct job *j)
{
	const struct originate_prm *p = &j->prm;
	struct channel *ch = j->ch;
	int err = text_set(&ch->app, STR("AppDial2"));

	err = err ? err : text_set(&ch->appdata, STR("(Outgoing Line)"));
	if (!err)
		run_tell_step(ch);
	if (!err && p->account.n)
		channel_set_accountcode(ch, p->account);
	for (size_t i = 0; i < p->nvars && !err; i++)
		if (p->vars[i].name.n)
			pbx_setvar(j->pbx, ch, p->vars[i].name, p->vars[i].value);
	if (err || (!p->caller_number.n && !p->caller_name.n))
		return err;
	/* Who is called shall see it, and the dialplan too, as if the called party had dialled. */
	channel_set_caller(ch, p->caller_number, p->caller_name);
	channel_put_connected(ch, &ch->caller);
	return text_set(&ch->caller.ani, p->caller_number);
}

static int make(struct job *j)
{
	struct channel_request rq = { .pbx = j->pbx, .uniqueid = j->prm.uniqueid,
		.other_uniqueid = j->prm.other_uniqueid, .codecs = j->prm.codecs };
	struct channel *ch;
	int cause = 0, err;

	err = channel_request_prm(&rq, j->prm.channel, &ch, &cause);
	if (err) {
		log_notice("Originate: no channel for '%.*s': cause %d, %s", STR_ARG(j->prm.channel), cause,
			   cause_text(cause));
		j->reason = cause == CAUSE_BUSY ? ORIGINATE_BUSY :
			    cause == CAUSE_NO_CIRCUIT ? ORIGINATE_CONGESTION : ORIGINATE_FAILED;
		return err;
	}
	j->ch = obj_hold(ch);
	err = dress(j);
	err = err ? err : ch->tech->call ? ch->tech->call(ch, j->prm.timeout_ms) : ENOSYS;
	if (!err)
		dial_tell_begin(NULL, ch, str_skip(j->prm.channel, str_chr(j->prm.channel, '/') + 1));
	return err;
}

/* True: nothing more to wait for. */
static bool step(struct job *j, const struct chan_event *e)
{
	switch (e->type) {
	case CE_ANSWER:
		j->reason = ORIGINATE_ANSWERED;
		return true;
	case CE_PROGRESS:
		dial_tell(NULL, j->ch, "PROGRESS", STR_NULL);
		if (!j->prm.early_media)
			return false;
		j->reason = ORIGINATE_ANSWERED;
		return true;
	case CE_RINGING:
		dial_tell(NULL, j->ch, "RINGING", STR_NULL);
		return false;
	case CE_PROCEEDING:
		dial_tell(NULL, j->ch, "PROCEEDING", STR_NULL);
		return false;
	case CE_BUSY:
		j->reason = ORIGINATE_BUSY;
		return true;
	case CE_CONGESTION:
		j->reason = ORIGINATE_CONGESTION;
		return true;
	case CE_INCOMPLETE:
	case CE_HANGUP:         /* only its DialStatus says why */
		j->reason = ORIGINATE_FAILED;
		return true;
	default:
		return false;
	}
}

static void await(struct job *j)
{
	struct channel *v[2] = { NULL, j->ch };
	uint64_t end = clock_ms(j->pbx->clock) + j->prm.timeout_ms;
	bool done = false;

	while (!done) {
		uint64_t now = clock_ms(j->pbx->clock);
		struct chan_event *e = NULL;
		size_t which;

		if (channels_next(v, 2, end > now ? end - now : 0, &which, &e)) {
			j->reason = ORIGINATE_TIMEOUT;
			return;
		}
		done = step(j, e);
		chan_event_free(e);
	}
}

/* Who only rang until our time was over gets no DialEnd. */
static void tell_end(struct job *j)
{
	const char *status = j->reason == ORIGINATE_ANSWERED ? "ANSWER" : j->reason == ORIGINATE_BUSY ? "BUSY" :
			     j->reason == ORIGINATE_CONGESTION ? "CONGESTION" : dial_status_of(j->ch->cause);

	if (j->reason != ORIGINATE_TIMEOUT)
		dial_tell(NULL, j->ch, status, STR_NULL);
}

static int start(struct job *j)
{
	struct channel *ch = j->ch;

	ch->owned = false;
	if (j->prm.app.n)
		return pbx_start_app(ch, j->prm.app, j->prm.data);
	channel_set_exten(ch, j->prm.context.n ? j->prm.context : STR("default"),
			  j->prm.exten.n ? j->prm.exten : STR("s"), j->prm.priority);
	return pbx_start(ch);
}

/* ---- the result */

static void put_party(struct event *e, const struct originate_prm *p)
{
	event_put(e, "CallerIDNum", p->caller_number.n ? p->caller_number : STR("<unknown>"));
	event_put(e, "CallerIDName", p->caller_name.n ? p->caller_name : STR("<unknown>"));
}

static void tell(struct job *j)
{
	const struct originate_prm *p = &j->prm;
	struct event *e = j->prm.tell && j->pbx->events ?
		event_new(j->pbx->events, "OriginateResponse", EV_CALL) : NULL;

	if (!e)
		return;
	if (p->actionid.n)
		event_put(e, "ActionID", p->actionid);
	event_put(e, "Response", j->reason == ORIGINATE_ANSWERED ? STR("Success") : STR("Failure"));
	event_put(e, "Channel", j->ch ? text_view(&j->ch->name) : p->channel);
	if (p->app.n) {
		event_put(e, "Application", p->app);
		event_put(e, "Data", p->data);
	} else {
		event_put(e, "Context", p->context);
		event_put(e, "Exten", p->exten);
	}
	event_printf(e, "Reason", "%d", j->reason);
	event_put(e, "Uniqueid", j->ch ? text_view(&j->ch->uniqueid) :
		  p->uniqueid.n ? p->uniqueid : STR("<unknown>"));
	put_party(e, p);
	event_send(j->pbx->events, e);
}

/* Nobody answered. OriginateResponse comes after its Hangup, and names what was asked for. */
static void give_up(struct job *j)
{
	/* Q.850's name for no answer in time is the dialler's, not the phone's. */
	if (j->reason == ORIGINATE_TIMEOUT && !j->ch->cause)
		j->ch->cause = CAUSE_NO_ANSWER;
	channel_destroy(j->ch);
	j->ch = obj_drop(j->ch);
}

static void run(void *arg)
{
	struct job *j = arg;
	int err = make(j);

	if (!err) {
		await(j);
		tell_end(j);
	}
	if (!err && j->reason == ORIGINATE_ANSWERED && start(j))
		j->reason = ORIGINATE_FAILED;
	if (j->ch && !j->ch->fiber && !j->ch->bridge)
		give_up(j);
	tell(j);
	if (j->fn)
		j->fn(j->arg, j->reason, j->ch);
	job_free(j);
}

int originate(struct pbx *p, const struct originate_prm *prm, originate_fn *fn, void *arg)
{
	struct fiber *f = NULL;
	struct job *j;
	int err = ENOMEM;

	if (str_chr(prm->channel, '/') + 1 >= prm->channel.n || (!prm->app.n && !prm->context.n && !prm->exten.n))
		return EINVAL;
	if (prm->uniqueid.n && channel_by_name(p, prm->uniqueid))
		return EEXIST;
	j = calloc(1, sizeof(*j));
	if (!j)
		return ENOMEM;
	j->pbx = p;
	j->fn = fn;
	j->arg = arg;
	j->arena = arena_new(1024);
	if (j->arena)
		err = copy(j, prm);
	if (!err && !(f = fiber_new(run, j, 0)))
		err = ENOMEM;
	if (err) {
		job_free(j);
		return err;
	}
	fiber_set_name(f, (const struct str[]){ STR("originate "), prm->channel }, 2);
	fiber_wake(f);
	return 0;
}

struct result {
	struct fiber *waiter;
	enum originate_reason reason;
	bool done;
};

static void note(void *arg, enum originate_reason reason, struct channel *ch)
{
	struct result *r = arg;

	(void)ch;
	r->reason = reason;
	r->done = true;
	fiber_wake(r->waiter);
}

enum originate_reason originate_wait(struct pbx *p, const struct originate_prm *prm, int *err)
{
	struct result r = { .waiter = fiber_self() };

	*err = originate(p, prm, note, &r);
	while (!*err && !r.done)
		fiber_wait();
	return r.reason;
}
