/* pbx/run.h -- what a channel knows while it runs the dialplan: where its GoSubs
 * return to, its timeouts, its last exception.
 * Threads: core. */
#ifndef PBX_RUN_H
#define PBX_RUN_H

#include "base/text.h"
#include "net/wheel.h"
#include "pbx/channel.h"

struct run {                    /* obj; a note of its channel, and ch->run */
	struct channel *ch;
	unsigned loops;                 /* dialplan loops that run on it: inside, a Goto stands one before */
	unsigned steps;                 /* since it last let others run */
	uint64_t digit_ms, response_ms;         /* TIMEOUT(digit), TIMEOUT(response) */
	struct timer absolute;          /* TIMEOUT(absolute) */
	struct list frames;             /* struct gosub_frame, the innermost first */
	unsigned depth;                 /* how many */
	struct {
		struct text reason, context, exten;
		int priority;
	} exception;
	struct {                        /* where managers were told last that it is */
		struct text context, exten;
		int priority;           /* 0: never told */
	} told;
	bool started;                   /* pbx_start() counted it as a call */
	unsigned subs;                  /* EVAL_SUB() inside one another */
};

struct run *run_get(struct channel *ch);     /* makes it; NULL: ENOMEM */
struct run *run_of(const struct channel *ch);        /* NULL: never ran */

/* One step or application. What app->run() gave, or RUN_NOT_FOUND. */
enum { RUN_NOT_FOUND = -1000 };
int run_step(struct channel *ch);
int run_app(struct channel *ch, const struct app *app, struct str data);
/* To extension e of its context, with EXCEPTION() set. `priority` as for a Goto. */
void run_exception(struct channel *ch, const char *reason, int priority);
struct str run_caller(const struct channel *ch);     /* its number, when valid */
int64_t run_now(struct pbx *p, struct channel *ch);  /* [s] wall; what TESTTIME() says, if it was set */
/* What GotoIf() and the like call true: not empty and not the number 0. */
bool run_condition(struct str s);
/* "condition?then:else", : and ? inside () and quotes left alone. */
void run_branches(struct str data, struct str *condition, struct str *yes, struct str *no);
/* "app(args)": views. */
void run_cut_call(struct str text, struct str *name, struct str *args);
void run_jump(struct channel *ch, struct str context, struct str exten, int priority);

/* ---- told.c */

void run_tell_step(struct channel *ch);      /* Newexten: what it runs now */
void run_told_anew(struct channel *ch);      /* managers heard of it: Newexten, when it stands elsewhere than they knew */
bool run_told_here(const struct channel *ch);        /* they heard of it where it stands now */
/* Where it was when managers heard of it last; 0: as it stands. The priority. */
static inline int run_told_place(const struct channel *ch, struct str *context, struct str *exten)
{
	const struct run *r = ch->run;

	if (!r || !r->told.priority)
		return 0;
	*context = text_view(&r->told.context);
	*exten = text_view(&r->told.exten);
	return r->told.priority;
}

/* ---- gosub.c */

struct gosub_frame {
	struct list link;
	struct text context, exten;
	int priority;                   /* where Return goes to */
	size_t args;
	bool special;                   /* Return ends pbx_exec_sub() */
	struct vars locals;             /* names it shadowed; values unused */
};
int gosub(struct channel *ch, struct str data);
int gosub_return(struct channel *ch, struct str value);
int gosub_pop(struct channel *ch);   /* StackPop: ENOENT; EPERM: pbx_exec_sub()'s */
int gosub_set_local(struct channel *ch, struct gosub_frame *f, struct str name, struct str value);
struct gosub_frame *gosub_top(const struct channel *ch);
void gosub_frame_free(struct gosub_frame *f);        /* run.c's */

/* ---- hangup_handler.c */

int hangup_handler_push(struct channel *ch, struct str where);
int hangup_handler_pop(struct channel *ch);  /* ENOENT */
void hangup_handlers_wipe(struct channel *ch);
void hangup_handlers_run(struct channel *ch);

#endif
