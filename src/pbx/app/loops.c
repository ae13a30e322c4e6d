/* While and If: the matching ends are looked for in the extension itself. */
#define LOG_MODULE "pbx"
#include "base/buf.h"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/dialplan_private.h"
#include "pbx/run.h"
#include <stdio.h>

struct block {
	struct str open, close;
	struct str middle[2];   /* ElseIf, Else: only for what is asked with `between` */
};

static const struct block while_block = { STR_INIT("While"), STR_INIT("EndWhile"), { { NULL, 0 }, { NULL, 0 } } };
static const struct block if_block = { STR_INIT("If"), STR_INIT("EndIf"),
	{ STR_INIT("ElseIf"), STR_INIT("Else") } };

static bool here(struct channel *ch, struct found *found)
{
	struct find f = { .context = text_view(&ch->context), .exten = text_view(&ch->exten),
		.caller = run_caller(ch), .priority = ch->priority, .action = FIND_STEP };

	return dialplan_find(ch->pbx, &f, found);
}

/* The step of the block's end after the one that runs; with `between` also an
 * ElseIf or Else of the same If. NULL: there is none. */
static const struct step *ahead(struct channel *ch, const struct block *b, bool between)
{
	struct found f;
	unsigned depth = 0;

	if (!here(ch, &f))
		return NULL;
	for (size_t i = 0; i < f.exten->steps; i++) {
		const struct step *s = f.exten->step[i];

		if (s->priority <= ch->priority)
			continue;
		if (str_ieq(s->app, b->open)) {
			depth++;
		} else if (str_ieq(s->app, b->close)) {
			if (!depth)
				return s;
			depth--;
		} else if (between && !depth && s->app.n &&
			   (str_ieq(s->app, b->middle[0]) || str_ieq(s->app, b->middle[1]))) {
			return s;
		}
	}
	return NULL;
}

static int lost(struct channel *ch, const char *what)
{
	log_warning("No matching %s in %s@%s for the step at %d", what, text_z(&ch->exten), text_z(&ch->context),
		    ch->priority);
	return -1;
}

/* ---- While: which loops a channel is in is told by variables, which a dialplan may read. WHILE_n has the place of
 * the nth loop, END_WHILE_n the one after it, and the name of the place itself has the n. */

#define LOOP "%s_%s_%d"

static int innermost(struct channel *ch)
{
	struct str value;
	char name[24];
	int n = 0;

	do
		snprintf(name, sizeof(name), "WHILE_%d", n++);
	while (vars_get(&ch->vars, str_z(name), &value));
	return n - 2;
}

static void set_place(struct channel *ch, const char *name, int priority)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s,%s,%d", text_z(&ch->context), text_z(&ch->exten), priority);
	if (!buf_err(&b))
		(void)pbx_setvar(ch->pbx, ch, str_z(name), buf_view(&b));
	buf_free(&b);
}

static void go_to(struct channel *ch, struct str place)
{
	struct buf b = BUF_INIT;        /* the variable may go meanwhile */

	buf_put(&b, place);
	if (!buf_err(&b))
		(void)pbx_parse_goto(ch, buf_view(&b));
	buf_free(&b);
}

/* Out of loop n, whose place is named `self`. */
static int leave_loop(struct channel *ch, int n, struct str self)
{
	struct str place;
	char name[32];
	const struct step *end;

	snprintf(name, sizeof(name), "END_WHILE_%d", n);
	(void)pbx_setvar(ch->pbx, ch, str_z(name + 4), STR_NULL);
	(void)pbx_setvar(ch->pbx, ch, self, STR_NULL);
	if (vars_get(&ch->vars, str_z(name), &place)) {
		go_to(ch, place);
		(void)pbx_setvar(ch->pbx, ch, str_z(name), STR_NULL);
		return 0;
	}
	end = ahead(ch, &while_block, false);
	if (end)
		ch->priority = end->priority;   /* the next step is the one after */
	else
		(void)lost(ch, "EndWhile");
	return 0;
}

static int run_while(struct channel *ch, struct str data)
{
	struct buf self = BUF_INIT;
	struct str known;
	char name[24];
	uint32_t n = (uint32_t)(innermost(ch) + 1);
	int res = 0;

	buf_printf(&self, LOOP, text_z(&ch->context), text_z(&ch->exten), ch->priority);
	if (buf_err(&self))
		goto out;
	if (!vars_get(&ch->vars, buf_view(&self), &known)) {
		snprintf(name, sizeof(name), "%u", n);
		(void)pbx_setvar(ch->pbx, ch, buf_view(&self), str_z(name));
	} else if (str_u32(known, &n)) {
		n = 0;
	}
	snprintf(name, sizeof(name), "WHILE_%u", n);
	if (!run_condition(str_trim(data)))
		res = leave_loop(ch, (int)n, buf_view(&self));
	else if (!vars_get(&ch->vars, str_z(name), &known))
		set_place(ch, name, ch->priority);
 out:
	buf_free(&self);
	return res;
}

static int run_end_while(struct channel *ch, struct str data)
{
	struct str place, known;
	char name[32];

	(void)data;
	snprintf(name, sizeof(name), "END_WHILE_%d", innermost(ch));
	if (!vars_get(&ch->vars, str_z(name + 4), &place))
		return 0;       /* in no loop */
	if (!vars_get(&ch->vars, str_z(name), &known))
		set_place(ch, name, ch->priority + 1);
	if (vars_get(&ch->vars, str_z(name + 4), &place))
		go_to(ch, place);
	return 0;
}

static int run_continue_while(struct channel *ch, struct str data)
{
	struct str place;
	char name[24];

	(void)data;
	snprintf(name, sizeof(name), "WHILE_%d", innermost(ch));
	if (vars_get(&ch->vars, str_z(name), &place))
		go_to(ch, place);
	return 0;
}

/* It names its own place, as Asterisk's does: that of the While stays known. */
static int run_exit_while(struct channel *ch, struct str data)
{
	struct buf self = BUF_INIT;
	int res = 0;

	(void)data;
	buf_printf(&self, LOOP, text_z(&ch->context), text_z(&ch->exten), ch->priority);
	if (!buf_err(&self))
		res = leave_loop(ch, innermost(ch), buf_view(&self));
	buf_free(&self);
	return res;
}

/* True when a branch is to run from the step that stands here now. */
static bool next_branch(struct channel *ch, const struct step *s)
{
	struct buf condition = BUF_INIT;
	bool holds;

	ch->priority = s->priority;
	if (!str_ieq(s->app, STR("ElseIf")))
		return true;
	pbx_substitute(ch->pbx, ch, s->data, &condition);
	holds = run_condition(str_trim(buf_view(&condition)));
	buf_free(&condition);
	return holds;
}

static int run_if(struct channel *ch, struct str data)
{
	if (run_condition(str_trim(data)))
		return 0;
	for (;;) {
		const struct step *s = ahead(ch, &if_block, true);

		if (!s)
			return lost(ch, "EndIf");
		if (next_branch(ch, s))
			return 0;
	}
}

/* Else, ElseIf reached from above, and ExitIf: the branch is done. */
static int to_end_if(struct channel *ch, struct str data)
{
	const struct step *end = ahead(ch, &if_block, false);

	(void)data;
	if (!end)
		return lost(ch, "EndIf");
	ch->priority = end->priority;
	return 0;
}

static int run_end_if(struct channel *ch, struct str data)
{
	(void)ch;
	(void)data;
	return 0;
}

const struct app app_while = { .name = "While", .synopsis = "Repeat up to EndWhile while a condition holds",
	.run = run_while };
const struct app app_end_while = { .name = "EndWhile", .synopsis = "Back to the While", .run = run_end_while };
const struct app app_exit_while = { .name = "ExitWhile", .synopsis = "Leave the While", .run = run_exit_while };
const struct app app_continue_while = { .name = "ContinueWhile", .synopsis = "The next round of the While",
	.run = run_continue_while };
const struct app app_if = { .name = "If", .synopsis = "Run up to Else, ElseIf or EndIf if a condition holds",
	.run = run_if };
const struct app app_else_if = { .name = "ElseIf", .synopsis = "Another condition of an If", .run = to_end_if };
const struct app app_else = { .name = "Else", .synopsis = "What an If does otherwise", .run = to_end_if };
const struct app app_end_if = { .name = "EndIf", .synopsis = "End of an If", .run = run_end_if };
const struct app app_exit_if = { .name = "ExitIf", .synopsis = "Leave the If", .run = to_end_if };
