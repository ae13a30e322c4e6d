/* EVAL_EXTEN() and EVAL_SUB(): the dialplan as a place for templates and for functions of one's own. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/dialplan_private.h"
#include "pbx/func/text.h"
#include "pbx/run.h"
#include "pbx/substitute.h"
#include <errno.h>

enum { SUBS_MAX = 8 };          /* EVAL_SUB() inside one another; a fiber's stack bears it */

/* "[[context,]exten,]priority": what is missing is the channel's. */
static void place(struct channel *ch, struct str args, struct find *f)
{
	struct str v[3];
	size_t n = pbx_args(args, v, 3);
	int64_t priority = 0;

	f->context = n > 2 && v[0].n ? v[0] : text_view(&ch->context);
	f->exten = n > 1 && v[n - 2].n ? v[n - 2] : text_view(&ch->exten);
	f->caller = run_caller(ch);
	f->action = FIND_STEP;
	if (n && !str_i64(str_trim(v[n - 1]), &priority) && priority > 0 && priority < 1000000)
		f->priority = (int)priority;
	else if (n)
		f->priority = dialplan_label(ch->pbx, f->context, f->exten, str_trim(v[n - 1]), f->caller);
}

/* What stands between the brackets of that step, substituted as if it ran there. */
static int read_exten(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct find f = { 0 };
	struct found found;

	if (!ch || !args.n)
		return EINVAL;
	place(ch, args, &f);
	if (f.priority <= 0 || !dialplan_find(p, &f, &found)) {
		log_warning("EVAL_EXTEN: there is no '%.*s'", STR_ARG(args));
		return ENOENT;
	}
	pbx_substitute_there(ch, f.context, f.exten, found.step->data, out);
	return 0;
}

/* What the subroutine returned. It may wait: others' substitutions are not inside this one. */
static int read_sub(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct run *r = ch ? run_get(ch) : NULL;
	unsigned nesting = p->nesting;
	struct str value;
	int err;

	if (!r || !args.n || !ch->fiber || ch->fiber != fiber_self() || r->subs >= SUBS_MAX) {
		log_warning("EVAL_SUB(%.*s) cannot run here", STR_ARG(args));
		return EINVAL;
	}
	(void)pbx_setvar(p, ch, STR("GOSUB_RETVAL"), STR_NULL);
	r->subs++;
	p->nesting = 0;
	err = pbx_exec_sub(ch, args, true);
	p->nesting = nesting;
	r->subs--;
	if (!err && vars_get(&ch->vars, STR("GOSUB_RETVAL"), &value))
		buf_put(out, value);
	return err;
}

const struct func func_eval_exten = { .name = "EVAL_EXTEN", .synopsis = "What stands at a place of the dialplan",
	.read = read_exten };
const struct func func_eval_sub = { .name = "EVAL_SUB", .synopsis = "What a subroutine returns", .read = read_sub };
