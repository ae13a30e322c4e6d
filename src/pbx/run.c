/* One step of the dialplan, and what a channel remembers between two. Its whole way
 * from step to step is run_dialplan.c's. */
#define LOG_MODULE "pbx"
#include "pbx/run.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/dialplan_private.h"
#include <errno.h>
#include <stdlib.h>

#define STEPS_AT_ONCE 256       /* then the loop gets its turn: 256,000 steps a second are enough for one call */
#define DIGIT_MS 5000
#define RESPONSE_MS 10000

static const char run_key[] = "run";

void gosub_frame_free(struct gosub_frame *f)
{
	list_remove(&f->link);
	text_free(&f->context);
	text_free(&f->exten);
	vars_free(&f->locals);
	free(f);
}

static void run_free(void *o)
{
	struct run *r = o;

	r->ch->run = NULL;
	timer_stop(&r->absolute);
	list_each_safe(l, tmp, &r->frames)
		gosub_frame_free(container_of(l, struct gosub_frame, link));
	text_free(&r->exception.reason);
	text_free(&r->exception.context);
	text_free(&r->exception.exten);
	text_free(&r->told.context);
	text_free(&r->told.exten);
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

/* ---- one step */

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
	if (tell && !run_told_here(ch))
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
	struct buf app = BUF_INIT, data = BUF_INIT, text;
	struct found found;
	char mem[256];
	int res = -1;

	if (!dialplan_find(ch->pbx, &f, &found))
		return RUN_NOT_FOUND;
	/* A copy: nothing of the step may be looked at once a function or the application waits. */
	buf_init(&text, mem, sizeof(mem), 0);
	buf_put(&text, found.step->data);
	buf_put(&app, found.step->app);
	pbx_substitute(ch->pbx, ch, buf_view(&text), &data);
	(void)buf_z(&data);
	if (buf_err(&app) || buf_err(&data) || buf_err(&text))
		log_error("No memory for %s(%s)", text_z(&ch->exten), text_z(&ch->context));
	else
		res = run_found(ch, buf_view(&app), data.n ? buf_view(&data) : str_mk("", 0));
	buf_free(&app);
	buf_free(&data);
	buf_free(&text);
	return res;
}

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
