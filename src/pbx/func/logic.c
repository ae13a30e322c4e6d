/* IF(), IFTIME(), EXISTS() and their kin: questions with an answer of one of two. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/text.h"
#include "pbx/run.h"
#include "pbx/timing.h"
#include <errno.h>

static struct str unquoted(struct str s)
{
	return str_unquote(str_trim(s));
}

/* The condition and what is for true lose their quotes, what is for false is as it stands. */
static int read_if(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct args halves, branches;
	bool holds;
	int err = args_split(&halves, args, '?', 2);

	(void)p;
	(void)ch;
	if (err)
		return err;
	err = args_split(&branches, halves.v[1], ':', 2);
	holds = !err && run_condition(str_trim(halves.v[0]));
	if (!err && (!halves.v[0].n || !branches.n))
		err = EINVAL;
	if (!err)
		buf_put(out, str_trim(branches.v[holds ? 0 : 1]));
	args_free(&branches);
	args_free(&halves);
	return err;
}

static int read_if_time(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str times = str_cut_raw(&args, '?'), yes = str_cut_raw(&args, ':'), no = args;
	struct timing t;

	if (timing_parse(&t, times))
		log_warning("Some of the times '%.*s' is not understood", STR_ARG(times));
	buf_put(out, unquoted(timing_holds(&t, run_now(p, ch)) ? yes : no));
	return 0;
}

static int read_is_null(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_char(out, args.n ? '0' : '1');
	return 0;
}

static int read_exists(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_char(out, args.n ? '1' : '0');
	return 0;
}

/* SET(name=value) sets and gives the value. */
static int read_set(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	bool whole = str_chr(args, '=') < args.n;
	struct str name = str_trim(str_cut_raw(&args, '='));
	int err;

	if (!name.n || !whole)
		return EINVAL;
	err = pbx_setvar(p, ch, name, str_trim(args).n ? str_trim(args) : STR(""));
	if (!err)
		buf_put(out, str_trim(args));
	return err;
}

/* IMPORT(channel,variable) */
static int read_import(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str name = str_trim(str_cut_raw(&args, ','));
	struct channel *other = channel_by_name(p, name);

	(void)ch;
	if (!other)
		return ENOENT;
	(void)pbx_getvar(p, other, str_trim(args), out);
	return 0;
}

/* Context, extension and priority; labels where `labels`. */
static void put_exists(struct pbx *p, struct channel *ch, const struct str v[3], bool labels, struct buf *out)
{
	struct str caller = ch ? run_caller(ch) : STR_NULL;
	int64_t priority = v[2].n ? 0 : 1;

	if (v[2].n && !text_leading_int(v[2], &priority) && labels)
		priority = dialplan_label(p, v[0], v[1], str_trim(v[2]), caller);
	buf_char(out, v[0].n && v[1].n && priority > 0 && priority < 1000000 &&
		 dialplan_exists(p, v[0], v[1], (int)priority, caller) ? '1' : '0');
}

static int valid(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[3], context;

	pbx_args(args, v, 3);
	context = v[0].n ? v[0] : ch ? text_view(&ch->context) : STR_NULL;
	if (!v[1].n)
		return EINVAL;
	put_exists(p, ch, (const struct str[]){ context, v[1], v[2] }, false, out);
	return 0;
}

/* DIALPLAN_EXISTS(context[,extension[,priority]]) */
static int read_plan_exists(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[3];
	size_t n = pbx_args(args, v, 3);

	if (!n)
		return EINVAL;
	if (n > 1 && (v[1].n || n > 2))
		put_exists(p, ch, v, true, out);
	else
		buf_char(out, dialplan_has_context(p, v[0]) ? '1' : '0');
	return 0;
}

static int read_exception(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct run *r = run_of(ch);

	(void)p;
	args = str_trim(args);
	if (!r || !r->exception.reason.n)
		return ENOENT;
	if (!args.n || str_ieq(args, STR("reason")))
		buf_put(out, text_view(&r->exception.reason));
	else if (str_ieq(args, STR("context")))
		buf_put(out, text_view(&r->exception.context));
	else if (str_istarts(args, STR("exten")))
		buf_put(out, text_view(&r->exception.exten));
	else if (str_ieq(args, STR("priority")))
		buf_printf(out, "%d", r->exception.priority);
	else
		return EINVAL;
	return 0;
}

const struct func func_if = { .name = "IF", .synopsis = "One of two texts, by a condition", .read = read_if };
const struct func func_iftime = { .name = "IFTIME", .synopsis = "One of two texts, by the time",
	.read = read_if_time };
const struct func func_isnull = { .name = "ISNULL", .synopsis = "Is the text empty?", .read = read_is_null };
const struct func func_exists = { .name = "EXISTS", .synopsis = "Is there any text?", .read = read_exists };
const struct func func_set = { .name = "SET", .synopsis = "Sets a variable and gives its value", .read = read_set };
const struct func func_import = { .name = "IMPORT", .synopsis = "A variable of another channel",
	.read = read_import };
const struct func func_valid_exten = { .name = "VALID_EXTEN", .synopsis = "Is there such an extension?",
	.read = valid };
const struct func func_dialplan_exists = { .name = "DIALPLAN_EXISTS", .synopsis = "Is there such a place?",
	.read = read_plan_exists };
const struct func func_exception = { .name = "EXCEPTION", .synopsis = "Why extension e runs",
	.read = read_exception };
