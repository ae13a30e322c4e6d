/* A channel's way through the dialplan, step by step, on a fiber of its own. */
#define LOG_MODULE "pbx"
#include "pbx/run.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge.h"
#include "pbx/dialplan_private.h"
#include "pbx/event.h"
#include "pbx/sound.h"
#include <errno.h>
#include <stdlib.h>

#define STEPS_AT_ONCE 256       /* then the loop gets its turn: 256,000 steps a second are enough for one call */
#define DIGIT_MS 5000
#define RESPONSE_MS 10000
#define BUSY_MS 10000           /* how long a caller hears busy or congestion at the end */
#define EXTEN_MAX 80            /* digits one extension can be made of */

static const char run_key[] = "run";

static void run_free(void *o)
{
	struct run *r = o;

	r->ch->run = NULL;
	hangup_handlers_forget(r->ch);
	timer_stop(&r->absolute);
	gosub_free(r);
	text_free(&r->exception.reason);
	text_free(&r->exception.context);
	text_free(&r->exception.exten);
}

struct run *run_of(const struct channel *ch)
{
	return ch ? ch->run : NULL;
}

struct run *run_get(struct channel *ch)
{
	struct run *r = ch->run;

	if (r)
		return r;
	r = obj_new(sizeof(*r), run_free);
	if (!r)
		return NULL;
	r->ch = ch;
	r->digit_ms = DIGIT_MS;
	r->response_ms = RESPONSE_MS;
	list_init(&r->frames);
	if (channel_note_set(ch, run_key, r))
		return NULL;
	ch->run = r;
	return r;
}

struct str run_caller(const struct channel *ch)
{
	return ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;
}

int64_t run_now(struct pbx *p, struct channel *ch)
{
	struct str v;
	int64_t at;

	if (ch && vars_get(&ch->vars, STR("TESTTIME"), &v) && v.n && !str_i64(v, &at))
		return at;
	return clock_wall_s(p->clock);
}

void run_jump(struct channel *ch, struct str context, struct str exten, int priority)
{
	const struct run *r = run_of(ch);

	channel_set_exten(ch, context, exten, r && r->loops ? priority - 1 : priority);
}

static bool exists(struct channel *ch, struct str exten)
{
	return dialplan_exists(ch->pbx, text_view(&ch->context), exten, 1, run_caller(ch));
}

/* ---- one step */

void run_tell_step(struct channel *ch)
{
	struct event *e = ch->pbx->events ? event_new(ch->pbx->events, "Newexten", EV_DIALPLAN) : NULL;

	if (!e)
		return;
	event_channel(e, "", ch);
	event_put(e, "Extension", text_view(&ch->exten));
	event_put(e, "Application", text_view(&ch->app));
	event_put(e, "AppData", text_view(&ch->appdata));
	event_send(ch->pbx->events, e);
}

/* Others live here too: a loop without a wait in it must not stop them. */
static void take_turns(struct run *r)
{
	if (!r || ++r->steps < STEPS_AT_ONCE || !fiber_self() || !r->ch->pbx->wheel)
		return;
	r->steps = 0;
	(void)fiber_sleep(r->ch->pbx->wheel, 1);
}

static void name_fiber(const struct channel *ch, struct str app)
{
	const struct str words[] = { text_view(&ch->name), STR(": "), app };

	fiber_set_name(fiber_self(), words, ARRAY_LEN(words));
}

static int run_told(struct channel *ch, const struct app *app, struct str data, bool tell)
{
	struct text was = ch->app, was_data = ch->appdata;
	int res;

	ch->app = ch->appdata = (struct text){ 0 };
	(void)text_set(&ch->app, str_z(app->name));
	(void)text_set(&ch->appdata, data);
	name_fiber(ch, str_z(app->name));
	if (tell)
		run_tell_step(ch);
	take_turns(run_of(ch));
	res = app->run(ch, data);
	text_free(&ch->app);
	text_free(&ch->appdata);
	ch->app = was;
	ch->appdata = was_data;
	name_fiber(ch, text_view(&ch->app));
	return res;
}

/* What runs inside of another application is no step of its own. */
int run_app(struct channel *ch, const struct app *app, struct str data)
{
	return run_told(ch, app, data, !ch->app.n);
}

static int run_found(struct channel *ch, struct str app_name, struct str data)
{
	const struct app *app = pbx_app(ch->pbx, app_name);

	if (!app) {
		log_warning("No application '%.*s' for extension (%s, %s, %d)", STR_ARG(app_name),
			    text_z(&ch->context), text_z(&ch->exten), ch->priority);
		return -1;
	}
	log_verbose(3, "Executing [%s@%s:%d] %s(\"%s\", \"%.*s\") in new stack", text_z(&ch->exten),
		    text_z(&ch->context), ch->priority, app->name, text_z(&ch->name), STR_ARG(data));
	return run_told(ch, app, data, true);
}

int run_step(struct channel *ch)
{
	struct find f = { .context = text_view(&ch->context), .exten = text_view(&ch->exten),
		.caller = run_caller(ch), .priority = ch->priority, .action = FIND_STEP };
	struct buf app = BUF_INIT, data = BUF_INIT;
	struct dialplan *held;
	struct found found;
	int res = -1;

	if (!dialplan_find(ch->pbx, &f, &found))
		return RUN_NOT_FOUND;
	/* Nothing of the step may be looked at once the application waits. */
	held = obj_hold(ch->pbx->plan);
	buf_put(&app, found.step->app);
	pbx_substitute(ch->pbx, ch, found.step->data, &data);
	obj_drop(held);
	(void)buf_z(&data);
	if (buf_err(&app) || buf_err(&data))
		log_error("No memory for %s(%s)", text_z(&ch->exten), text_z(&ch->context));
	else
		res = run_found(ch, buf_view(&app), data.n ? buf_view(&data) : str_mk("", 0));
	buf_free(&app);
	buf_free(&data);
	return res;
}

/* ---- what the end of an extension leads to */

void run_exception(struct channel *ch, const char *reason, int priority)
{
	struct run *r = run_get(ch);

	if (!r)
		return;
	(void)text_set(&r->exception.reason, str_z(reason));
	(void)text_set(&r->exception.context, text_view(&ch->context));
	(void)text_set(&r->exception.exten, text_view(&ch->exten));
	r->exception.priority = ch->priority;
	channel_set_exten(ch, text_view(&ch->context), STR("e"), priority);
}

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
	channel_indicate(ch, ind, NULL);
	if (ch->state != CHAN_UP) {
		ch->cause = cause;
		if (ind == IND_BUSY)
			channel_set_state(ch, CHAN_BUSY);
	}
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
		refuse(ch, IND_CONGESTION, CAUSE_CONGESTION);
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

static void start_place(struct channel *ch)
{
	struct pbx *p = ch->pbx;

	if (dialplan_exists(p, text_view(&ch->context), text_view(&ch->exten), ch->priority, run_caller(ch)))
		return;
	log_verbose(2, "Starting %s at %s,%s,%d failed so falling back to exten 's'", text_z(&ch->name),
		    text_z(&ch->context), text_z(&ch->exten), ch->priority);
	channel_set_exten(ch, text_view(&ch->context), STR("s"), 1);
	if (!exists(ch, STR("s")))
		channel_set_exten(ch, STR("default"), STR("s"), 1);
}

static void run_h(struct channel *ch)
{
	int res;

	if (!exists(ch, STR("h")))
		return;
	channel_set_exten(ch, text_view(&ch->context), STR("h"), 1);
	do {
		res = run_step(ch);
		ch->priority++;
	} while (!res && !ch->dead);
}

/* After the dialplan: whoever listens hears that it is over, then h. */
static void wind_up(struct channel *ch)
{
	struct run *r = run_of(ch);

	channel_tell_soft_hangup(ch, SOFT_PBX_END);
	ch->hungup = true;
	timer_stop(&r->absolute);
	if (ch->no_pbx_hangup)
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

	if (!s->app.n) {
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

static int start(struct channel *ch, struct str app, struct str data)
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
	return start(ch, STR_NULL, STR_NULL);
}

int pbx_start_app(struct channel *ch, struct str app, struct str data)
{
	return app.n ? start(ch, app, data) : EINVAL;
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

int pbx_async_goto(struct channel *ch, struct str context, struct str exten, int priority)
{
	struct channel *held;
	int err = 0;

	if (ch->dead || ch->hungup)
		return ESHUTDOWN;
	if (!ch->fiber && ch->owned && !ch->bridge && !ch->worked_on)
		return EBUSY;
	held = obj_hold(ch);
	if (ch->fiber) {
		channel_set_exten(ch, context, exten, priority);
		ch->async_goto = true;
		/* Through its queue or its bridge: whatever it waits in looks up. */
		channel_event_simple(ch, CE_WAKE);
	} else {
		struct text c = { 0 }, x = { 0 };

		/* The views may look into the channel or into its place in the bridge. */
		err = text_set(&c, context) ? ENOMEM : text_set(&x, exten);
		if (!err && ch->bridge)
			bridge_remove(ch);
		if (!err && !ch->dead) {
			channel_set_exten(ch, text_view(&c), text_view(&x), priority);
			ch->owned = false;
			err = pbx_start(ch);
		}
		text_free(&c);
		text_free(&x);
	}
	obj_drop(held);
	return err;
}

/* "[[context,]exten,]priority" */
int pbx_parse_goto(struct channel *ch, struct str where)
{
	struct str part[3], pri, exten = STR_NULL, context = STR_NULL;
	size_t n = pbx_args(where, part, 3);
	const struct run *r = run_of(ch);
	int sign = 0, to;
	uint32_t v;

	if (!n)
		return EINVAL;
	pri = str_trim(str_cut_raw(&part[n - 1], ','));
	if (n > 1)
		exten = str_trim(part[n - 2]);
	if (n > 2)
		context = str_trim(part[0]);
	context = context.n ? context : text_view(&ch->context);
	exten = exten.n ? exten : text_view(&ch->exten);
	if (pri.n && (pri.p[0] == '+' || pri.p[0] == '-')) {
		sign = pri.p[0] == '+' ? 1 : -1;
		pri = str_skip(pri, 1);
	}
	if (!str_u32(pri, &v) && v < 1000000)
		to = sign ? ch->priority + sign * (int)v : (int)v;
	else
		to = dialplan_label(ch->pbx, context, exten, pri, run_caller(ch));
	if (to < 1) {
		log_warning("Priority '%.*s' must be a number > 0, or a label of %.*s@%.*s", STR_ARG(pri),
			    STR_ARG(exten), STR_ARG(context));
		return ENOENT;
	}
	channel_set_exten(ch, context, exten, r && r->loops ? to - 1 : to);
	return 0;
}
