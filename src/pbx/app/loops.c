/* While and If: the matching ends are looked for in the extension itself, so
 * nothing has to be remembered. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/dialplan_private.h"
#include "pbx/run.h"

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

static const struct step *behind(struct channel *ch, const struct block *b)
{
	struct found f;
	unsigned depth = 0;

	if (!here(ch, &f))
		return NULL;
	for (size_t i = f.exten->steps; i-- > 0;) {
		const struct step *s = f.exten->step[i];

		if (s->priority >= ch->priority)
			continue;
		if (str_ieq(s->app, b->close)) {
			depth++;
		} else if (str_ieq(s->app, b->open)) {
			if (!depth)
				return s;
			depth--;
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

static int run_while(struct channel *ch, struct str data)
{
	const struct step *end;

	if (run_condition(str_trim(data)))
		return 0;
	end = ahead(ch, &while_block, false);
	if (!end)
		return lost(ch, "EndWhile");
	ch->priority = end->priority;   /* the next step is the one after */
	return 0;
}

static int again(struct channel *ch, struct str data)
{
	const struct step *start = behind(ch, &while_block);

	(void)data;
	if (!start)
		return lost(ch, "While");
	ch->priority = start->priority - 1;
	return 0;
}

static int run_exit_while(struct channel *ch, struct str data)
{
	const struct step *end = ahead(ch, &while_block, false);

	(void)data;
	if (!end)
		return lost(ch, "EndWhile");
	ch->priority = end->priority;
	return 0;
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
const struct app app_end_while = { .name = "EndWhile", .synopsis = "Back to the While", .run = again };
const struct app app_exit_while = { .name = "ExitWhile", .synopsis = "Leave the While", .run = run_exit_while };
const struct app app_continue_while = { .name = "ContinueWhile", .synopsis = "The next round of the While",
	.run = again };
const struct app app_if = { .name = "If", .synopsis = "Run up to Else, ElseIf or EndIf if a condition holds",
	.run = run_if };
const struct app app_else_if = { .name = "ElseIf", .synopsis = "Another condition of an If", .run = to_end_if };
const struct app app_else = { .name = "Else", .synopsis = "What an If does otherwise", .run = to_end_if };
const struct app app_end_if = { .name = "EndIf", .synopsis = "End of an If", .run = run_end_if };
const struct app app_exit_if = { .name = "ExitIf", .synopsis = "Leave the If", .run = to_end_if };
