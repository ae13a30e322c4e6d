/* A channel's way through the dialplan, on a fiber of its own: from its first step to the
 * hangup handlers. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/dialplan.h"
#include "pbx/run.h"
#include "pbx/sound.h"
#include <errno.h>
#include <stdlib.h>

#define BUSY_MS 10000           /* how long a caller hears busy or congestion at the end */
#define EXTEN_MAX 80            /* digits one extension can be made of */

static bool exists(struct channel *ch, struct str exten)
{
	return dialplan_exists(ch->pbx, text_view(&ch->context), exten, 1, run_caller(ch));
}

/* ---- what the end of an extension leads to */

/* To `exten` if it is there, else to e. False: neither is. */
static bool divert(struct channel *ch, struct str exten, const char *reason, struct str invalid)
{
	if (exists(ch, exten)) {
		if (invalid.n)
			(void)pbx_setvar(ch->pbx, ch, STR("INVALID_EXTEN"), invalid);
		channel_set_exten(ch, text_view(&ch->context), exten, 1);
		return true;
	}
	if (!exists(ch, STR("e")))
		return false;
	if (invalid.n)
		(void)pbx_setvar(ch->pbx, ch, STR("INVALID_EXTEN"), invalid);
	run_exception(ch, reason, 1);
	return true;
}

/* Busy or congestion to a caller who was not answered, for as long as it likes. */
static void refuse(struct channel *ch, enum indication ind, int cause)
{
	/* The state first: what is told to the caller may end the call at once. */
	if (ch->state != CHAN_UP) {
		ch->cause = cause;
		channel_set_state(ch, CHAN_BUSY);
	}
	channel_indicate(ch, ind, NULL);
	(void)channel_sleep(ch, BUSY_MS);
}

static void fall_through(struct channel *ch)
{
	struct str status = STR("UNKNOWN");

	(void)vars_get(&ch->vars, STR("DIALSTATUS"), &status);
	log_verbose(3, "Auto fallthrough, channel '%s' status is '%.*s'", text_z(&ch->name), STR_ARG(status));
	if (str_ieq(status, STR("BUSY")))
		refuse(ch, IND_BUSY, CAUSE_BUSY);
	else if (str_ieq(status, STR("CONGESTION")) || str_ieq(status, STR("CHANUNAVAIL")))
		refuse(ch, IND_CONGESTION, CAUSE_NO_CIRCUIT);
}

struct digits {
	char s[EXTEN_MAX + 1];
	size_t n;
};

/* More digits while they could make a longer extension. False: hung up. */
static bool collect(struct channel *ch, struct digits *d, uint64_t ms)
{
	struct run *r = run_of(ch);

	while (d->n < EXTEN_MAX &&
	       dialplan_can_grow(ch->pbx, text_view(&ch->context), str_mk(d->s, d->n), run_caller(ch))) {
		char digit = '\0';
		int err = sound_digit(ch, ms, &digit);

		if (ch->async_goto)
			return true;
		if (err == ECANCELED || ch->hungup)
			return false;
		if (err || !digit)
			break;
		d->s[d->n++] = digit;
		ms = r->digit_ms;
	}
	return true;
}

/* After the steps of an extension ended with `res`. True: go on. */
static bool next_extension(struct channel *ch, int res, bool invalid, struct digits *d)
{
	struct run *r = run_of(ch);
	struct str entered;
	size_t before = d->n;
	uint64_t ms = d->n ? r->digit_ms : dialplan_autofallthrough(ch->pbx->plan) ? 0 : r->response_ms;

	if (invalid || (!d->n && !exists(ch, text_view(&ch->exten)))) {
		if (divert(ch, STR("i"), "INVALID", text_view(&ch->exten)))
			return true;
		log_warning("Channel '%s' sent to invalid extension but no invalid handler: "
			    "context,exten,priority=%s,%s,%d", text_z(&ch->name), text_z(&ch->context),
			    text_z(&ch->exten), ch->priority);
		return false;
	}
	if (!ms) {
		fall_through(ch);
		return false;
	}
	if (!collect(ch, d, ms))
		return false;
	if (ch->async_goto)
		return true;
	entered = str_mk(d->s, d->n);
	if (d->n && !(res == APP_INCOMPLETE && d->n == before)) {
		if (exists(ch, entered)) {
			channel_set_exten(ch, text_view(&ch->context), entered, 1);
			return true;
		}
		return divert(ch, STR("i"), "INVALID", entered);
	}
	return divert(ch, STR("t"), "RESPONSETIMEOUT", STR_NULL);
}

static bool is_digit(int res)
{
	return res > 0 && res < 128 && strchr("0123456789ABCDEF*#", res);
}

/* Steps until one ends the extension; what it gave. */
static int run_steps(struct channel *ch)
{
	int res;

	for (;;) {
		ch->async_goto = false;
		res = run_step(ch);
		if (ch->dead)
			return -1;
		if (ch->async_goto && !ch->hungup)
			continue;
		if (res)
			return res;
		if (ch->hungup)
			return -1;
		ch->priority++;
	}
}

static void run_loop(struct channel *ch)
{
	for (;;) {
		struct digits d = { .n = 0 };
		bool invalid = false;
		int res = run_steps(ch);

		if (is_digit(res)) {
			d.s[d.n++] = (char)res;
		} else if (res == APP_INCOMPLETE) {
			struct str exten = text_view(&ch->exten);

			invalid = !dialplan_can_grow(ch->pbx, text_view(&ch->context), exten, run_caller(ch)) ||
				exten.n > EXTEN_MAX;
			d.n = invalid ? 0 : exten.n;
			if (d.n)
				memcpy(d.s, exten.p, d.n);
		} else if (res != RUN_NOT_FOUND) {
			log_verbose(2, "Spawn extension (%s, %s, %d) exited non-zero on '%s'", text_z(&ch->context),
				    text_z(&ch->exten), ch->priority, text_z(&ch->name));
			return;
		}
		if (ch->hungup || !next_extension(ch, res, invalid, &d))
			return;
	}
}

/* A place that is named but not there is for i, or the end. */
static void start_place(struct channel *ch)
{
	if (!ch->exten.n)
		channel_set_exten(ch, text_view(&ch->context), STR("s"), 1);
}

static void run_h(struct channel *ch)
{
	if (!exists(ch, STR("h")))
		return;
	channel_set_exten(ch, text_view(&ch->context), STR("h"), 1);
	/* Where it ends is what Hangup says: one after the last step. */
	while (!run_step(ch) && !ch->dead)
		ch->priority++;
}

/* After the dialplan: whoever listens hears that it is over, then h. */
static void wind_up(struct channel *ch)
{
	struct run *r = run_of(ch);

	channel_tell_soft_hangup(ch, SOFT_PBX_END);
	ch->hungup = true;
	timer_stop(&r->absolute);
	if (ch->no_pbx_hangup || ch->tech->internal)
		return;
	ch->no_pbx_hangup = true;
	run_h(ch);
	hangup_handlers_run(ch);
}

static void run_dialplan(struct channel *ch)
{
	struct run *r = obj_hold(run_of(ch));

	r->loops++;
	start_place(ch);
	if (!ch->hungup)
		run_loop(ch);
	if (!ch->dead)
		wind_up(ch);
	r->loops--;
	obj_drop(r);
}

/* ---- fibers */

struct start {
	struct channel *ch;     /* held */
	struct text app, data;
	bool h;                 /* extension h alone */
};

static void start_free(struct start *s)
{
	text_free(&s->app);
	text_free(&s->data);
	obj_drop(s->ch);
	free(s);
}

static void fiber_main(void *arg)
{
	struct start *s = arg;
	struct channel *ch = s->ch;
	const struct app *app = s->app.n ? pbx_app(ch->pbx, text_view(&s->app)) : NULL;

	if (s->h) {
		ch->hungup = true;
		run_h(ch);
	} else if (!s->app.n) {
		run_dialplan(ch);
	} else if (app && !ch->hungup) {
		log_verbose(3, "Executing %s(\"%s\", \"%s\")", app->name, text_z(&ch->name), text_z(&s->data));
		(void)run_app(ch, app, s->data.n ? text_view(&s->data) : str_mk("", 0));
		if (ch->async_goto && !ch->hungup && !ch->dead)
			run_dialplan(ch);
		else if (!ch->dead)
			hangup_handlers_run(ch);
	} else if (!app) {
		log_warning("No application '%s' for %s", text_z(&s->app), text_z(&ch->name));
	}
	ch->fiber = NULL;
	channel_destroy(ch);
	start_free(s);
}

static int start(struct channel *ch, struct str app, struct str data, bool h)
{
	struct start *s;
	int err = ENOMEM;

	if (ch->fiber)
		return EBUSY;
	if (ch->dead)
		return ESHUTDOWN;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ENOMEM;
	s->ch = obj_hold(ch);
	s->h = h;
	if (!run_get(ch) || text_set(&s->app, app) || text_set(&s->data, data))
		goto out;
	ch->fiber = fiber_new(fiber_main, s, 0);
	if (!ch->fiber)
		goto out;
	ch->async_goto = false;
	ch->pbx->calls_total += !run_of(ch)->started;
	run_of(ch)->started = true;
	fiber_wake(ch->fiber);
	err = 0;
 out:
	if (err)
		start_free(s);
	return err;
}

/* A feature's fiber (a transfer in the middle of its digits) still reads the channel's
 * events: it is told to end, and then the dialplan begins. */
static void start_later(struct channel *ch)
{
	ch->owned = true;       /* a hangup meanwhile is the dialplan's */
	ch->start_due = true;
	ch->async_goto = true;
	channel_event_simple(ch, CE_WAKE);
}

int pbx_start(struct channel *ch)
{
	if (ch->worked_on && !ch->fiber && !ch->dead) {
		start_later(ch);
		return 0;
	}
	return start(ch, STR_NULL, STR_NULL, false);
}

int pbx_start_h(struct channel *ch, struct str context)
{
	if (!dialplan_exists(ch->pbx, context, STR("h"), 1, run_caller(ch)))
		return ENOENT;
	channel_set_exten(ch, context, STR("h"), ch->priority);
	return start(ch, STR_NULL, STR_NULL, true);
}

int pbx_start_app(struct channel *ch, struct str app, struct str data)
{
	return app.n ? start(ch, app, data, false) : EINVAL;
}

int pbx_exec(struct channel *ch, struct str name, struct str data)
{
	const struct app *app = pbx_app(ch->pbx, name);

	if (!app)
		return ENOENT;
	if (str_ieq(name, STR("GoSub")))
		return pbx_exec_sub(ch, data, false);
	return run_app(ch, app, data) < 0 ? ECANCELED : 0;
}
