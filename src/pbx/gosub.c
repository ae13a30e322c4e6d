/* GoSub and Return: the frames, their local variables, and a subroutine run from anywhere. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/run.h"
#include <errno.h>
#include <stdlib.h>

#define DEPTH_MAX 1000          /* GoSubs inside one another: more is a loop */
#define GOSUB_ARGS_MAX 100

struct gosub_frame *gosub_top(const struct channel *ch)
{
	const struct run *r = run_of(ch);

	if (!r || list_empty(&r->frames))
		return NULL;
	return container_of(r->frames.next, struct gosub_frame, link);
}

/* Back to where it was, which may be nowhere: one that was called has no extension. */
static void place_restore(struct channel *ch, struct str context, struct str exten, int priority)
{
	(void)text_set(&ch->context, context);
	(void)text_set(&ch->exten, exten);
	ch->priority = priority;
}

/* What it shadowed comes to light again. */
static void frame_pop(struct channel *ch, struct gosub_frame *f)
{
	if (f->locals.head.next)
		list_each(l, &f->locals.head)
			(void)pbx_setvar(ch->pbx, ch, container_of(l, struct var, link)->name, STR_NULL);
	run_of(ch)->depth--;
	gosub_frame_free(f);
}

int gosub_set_local(struct channel *ch, struct gosub_frame *f, struct str name, struct str value)
{
	struct str known;
	int err = 0;

	if (!name.n || str_ends(name, STR(")")))
		return EINVAL;
	value = value.p ? value : STR("");
	if (!vars_get(&f->locals, vars_bare(name), &known)) {
		err = vars_push(&ch->vars, name, value);
		err = err ? err : vars_set(&f->locals, name, STR(""));
	} else {
		err = pbx_setvar(ch->pbx, ch, name, value);
	}
	if (!err)
		pbx_tell_local(ch, name, value);
	return err;
}

static int set_args(struct channel *ch, struct gosub_frame *f, const struct str *args, size_t n)
{
	char name[24], count[24];
	int err = 0;

	for (size_t i = 0; i < f->args && !err; i++) {
		snprintf(name, sizeof(name), "ARG%zu", i + 1);
		err = gosub_set_local(ch, f, str_z(name), i < n ? args[i] : STR(""));
	}
	snprintf(count, sizeof(count), "%zu", n);
	return err ? err : gosub_set_local(ch, f, STR("ARGC"), str_z(count));
}

static int push(struct channel *ch, struct run *r, struct text *context, struct text *exten, int priority,
		const struct str *args, size_t n)
{
	const struct gosub_frame *last = gosub_top(ch);
	struct gosub_frame *f = calloc(1, sizeof(*f));

	if (!f)
		return ENOMEM;
	f->context = *context;
	f->exten = *exten;
	*context = *exten = (struct text){ 0 };
	f->priority = priority;
	/* The arguments of the one outside must not show through. */
	f->args = last && last->args > n ? last->args : n;
	list_prepend(&r->frames, &f->link);
	r->depth++;
	return set_args(ch, f, args, n);
}

/* "context,exten,priority(arg1,arg2)" in two. */
static void cut_call(struct str *where, struct str *args)
{
	size_t open = str_chr(*where, '('), close;

	*args = str_skip(*where, open + 1);
	if (open < where->n) {
		close = str_rchr(*args, ')');
		if (close == args->n)
			log_warning("No closing ')' in GoSub(%.*s)", STR_ARG(*where));
		*args = str_sub(*args, 0, close);
	}
	*where = str_sub(*where, 0, open);
}

int gosub(struct channel *ch, struct str data)
{
	struct run *r = run_get(ch);
	struct str *arg = NULL, args;
	struct text context = { 0 }, exten = { 0 };
	int priority = ch->priority, err;
	size_t n;

	if (!r)
		return ENOMEM;
	if (r->depth >= DEPTH_MAX) {
		log_error("GoSub over %d deep on %s: a loop?", DEPTH_MAX, text_z(&ch->name));
		return E2BIG;
	}
	arg = calloc(GOSUB_ARGS_MAX, sizeof(*arg));
	if (!arg || text_set(&context, text_view(&ch->context)) || text_set(&exten, text_view(&ch->exten))) {
		err = ENOMEM;
		goto out;
	}
	cut_call(&data, &args);
	n = args.p && args.n ? pbx_args(args, arg, GOSUB_ARGS_MAX) : 0;
	err = pbx_parse_goto(ch, data);
	if (!err && !dialplan_exists(ch->pbx, text_view(&ch->context), text_view(&ch->exten),
				     ch->priority + (r->loops ? 1 : 0), run_caller(ch))) {
		log_error("GoSub to a place that does not exist: '%.*s' from '%s,%s,%d'", STR_ARG(data),
			  text_z(&context), text_z(&exten), priority);
		err = ENOENT;
	}
	if (err)
		place_restore(ch, text_view(&context), text_view(&exten), priority);
	else
		err = push(ch, r, &context, &exten, priority + 1, arg, n);
 out:
	text_free(&context);
	text_free(&exten);
	free(arg);
	return err;
}

/* 0; ECANCELED: it ends pbx_exec_sub(). */
int gosub_return(struct channel *ch, struct str value)
{
	struct gosub_frame *f = gosub_top(ch);
	const struct run *r = run_of(ch);
	bool special;

	if (!f) {
		log_error("Return without GoSub on %s", text_z(&ch->name));
		return ENOENT;
	}
	special = f->special;
	place_restore(ch, text_view(&f->context), text_view(&f->exten), r->loops ? f->priority - 1 : f->priority);
	frame_pop(ch, f);
	(void)pbx_setvar(ch->pbx, ch, STR("GOSUB_RETVAL"), value.p ? value : STR(""));
	return special ? ECANCELED : 0;
}

int gosub_pop(struct channel *ch)
{
	struct gosub_frame *f = gosub_top(ch);

	if (!f)
		return ENOENT;
	if (f->special)
		return EPERM;
	frame_pop(ch, f);
	return 0;
}

static void run_body(struct channel *ch, bool though_hungup)
{
	int res;

	do {
		if ((ch->hungup && !though_hungup) || ch->async_goto)
			return;
		ch->priority++;
		res = run_step(ch);
	} while (!res && !ch->dead);
}

int pbx_exec_sub(struct channel *ch, struct str where, bool though_hungup)
{
	struct run *r = run_get(ch);
	struct text context = { 0 }, exten = { 0 };
	int priority = ch->priority, err;
	bool asked = ch->async_goto;
	unsigned level;

	if (!r)
		return ENOMEM;
	if (text_set(&context, text_view(&ch->context)) || text_set(&exten, text_view(&ch->exten))) {
		text_free(&context);
		return ENOMEM;
	}
	log_verbose(3, "%s Internal Gosub(%.*s) start", text_z(&ch->name), STR_ARG(where));
	obj_hold(ch);
	obj_hold(r);
	ch->async_goto = false;
	r->loops++;
	err = gosub(ch, where);
	if (err)
		goto out;
	level = r->depth;
	gosub_top(ch)->special = true;
	run_body(ch, though_hungup);
	if (ch->dead)
		goto out;
	if (r->depth >= level) {
		log_warning("%s left Gosub(%.*s) without Return", text_z(&ch->name), STR_ARG(where));
		while (r->depth >= level)
			frame_pop(ch, gosub_top(ch));
		(void)pbx_setvar(ch->pbx, ch, STR("GOSUB_RETVAL"), STR(""));
	}
	if (!ch->async_goto)
		place_restore(ch, text_view(&context), text_view(&exten), priority);
 out:
	if (!ch->dead) {
		r->loops--;
		ch->async_goto |= asked;
	}
	obj_drop(r);
	obj_drop(ch);
	text_free(&context);
	text_free(&exten);
	return err;
}
