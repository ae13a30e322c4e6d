/* Variables that live elsewhere than in the channel: GLOBAL(), LOCAL(), SHARED(). */
#include "base/obj.h"
#include "pbx/channel.h"
#include "pbx/event.h"
#include "pbx/func/text.h"
#include "pbx/run.h"
#include <errno.h>

static int read_global(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str value;

	(void)ch;
	if (vars_get(&p->globals, args, &value))
		buf_put(out, value);
	return 0;
}

static int write_global(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	(void)ch;
	return pbx_setvar(p, NULL, args, value.p ? value : STR(""));
}

/* ---- of the innermost GoSub */

static int read_local(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct gosub_frame *f = ch ? gosub_top(ch) : NULL;
	struct str known;

	if (!f)
		return ENOENT;
	if (vars_get(&f->locals, str_trim(args), &known))
		(void)pbx_getvar(p, ch, str_trim(args), out);
	return 0;
}

static int write_local(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct gosub_frame *f = ch ? gosub_top(ch) : NULL;

	(void)p;
	return f ? gosub_set_local(ch, f, str_trim(args), value) : ENOENT;
}

/* LOCAL_PEEK(n,name): what the name was n GoSubs further out. */
static int read_peek(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str v[2];
	int64_t n = 0;

	(void)p;
	if (!ch || pbx_args(args, v, 2) < 2 || !ch->vars.head.next)
		return EINVAL;
	if (!text_leading_int(v[0], &n) || n < 0)
		n = 0;
	list_each(l, &ch->vars.head) {
		const struct var *e = container_of(l, struct var, link);

		if (!str_eq(e->name, str_trim(v[1])) || n--)
			continue;
		buf_put(out, e->value);
		break;
	}
	return 0;
}

/* STACK_PEEK(n,what): where the nth GoSub returns to. */
static int read_stack(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	const struct run *r = run_of(ch);
	struct str v[3], what;
	uint32_t n;

	(void)p;
	if (!r || pbx_args(args, v, 3) < 2 || str_u32(str_trim(v[0]), &n) || n < 1)
		return EINVAL;
	what = str_trim(v[1]);
	list_each(l, &r->frames) {
		const struct gosub_frame *f = container_of(l, struct gosub_frame, link);

		if (--n)
			continue;
		if (str_eq(what, STR("c")))
			buf_put(out, text_view(&f->context));
		else if (str_eq(what, STR("e")))
			buf_put(out, text_view(&f->exten));
		else if (str_eq(what, STR("p")))
			buf_printf(out, "%d", f->priority - 1);
		else if (str_eq(what, STR("l")))
			buf_printf(out, "%s,%s,%d", text_z(&f->context), text_z(&f->exten), f->priority - 1);
		else
			return EINVAL;
		return 0;
	}
	return 0;
}

/* ---- for all channels to see */

static const char shared_key[] = "shared";

struct shared {         /* obj; a note of its channel */
	struct vars vars;
};

static void shared_free(void *o)
{
	vars_free(&((struct shared *)o)->vars);
}

/* By its name, or by what stands before the last - of it. */
static struct channel *named(struct pbx *p, struct str name)
{
	struct channel *c = channel_by_name(p, name);

	if (!c)
		list_each(l, &p->channels) {
			struct channel *one = container_of(l, struct channel, link);
			struct str full = text_view(&one->name);

			if (str_istarts(full, name) && full.n > name.n && full.p[name.n] == '-')
				return one;
		}
	return c;
}

static struct channel *whose(struct pbx *p, struct channel *ch, struct str args, struct str *name)
{
	struct str v[2];

	pbx_args(args, v, 2);
	*name = str_trim(v[0]);
	return v[1].n ? named(p, str_trim(v[1])) : ch;
}

static int read_shared(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct str name, value;
	struct channel *c = whose(p, ch, args, &name);
	const struct shared *s = c ? channel_note(c, shared_key) : NULL;

	if (!c)
		return ENOENT;
	if (s && vars_get(&s->vars, name, &value))
		buf_put(out, value);
	return 0;
}

static int write_shared(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct str name;
	struct channel *c = whose(p, ch, args, &name);
	struct shared *s = c ? channel_note(c, shared_key) : NULL;
	struct event *e;
	int err;

	if (!c || !name.n)
		return ENOENT;
	if (!s) {
		s = obj_new(sizeof(*s), shared_free);
		if (!s || channel_note_set(c, shared_key, s))
			return ENOMEM;
	}
	err = vars_set(&s->vars, name, value.p ? value : STR(""));
	if (err)
		return err;
	e = event_new(p->events, "VarSet", EV_DIALPLAN);
	event_channel(e, "", c);
	event_printf(e, "Variable", "SHARED(%.*s)", STR_ARG(name));
	event_put(e, "Value", value);
	event_send(p->events, e);
	return 0;
}

/* ---- of the channel that started all this */

static struct channel *master(struct pbx *p, struct channel *ch)
{
	struct channel *m = ch ? channel_by_name(p, text_view(&ch->linkedid)) : NULL;

	return m ? m : ch;
}

static int read_master(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct channel *m = master(p, ch);

	if (!m)
		return ENOENT;
	(void)pbx_getvar(p, m, str_trim(args), out);
	return 0;
}

static int write_master(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	struct channel *m = master(p, ch);

	return m ? pbx_setvar(p, m, str_trim(args), value.p ? value : STR("")) : ENOENT;
}

const struct func func_master_channel = { .name = "MASTER_CHANNEL",
	.synopsis = "A variable of the channel that the call began with", .read = read_master, .write = write_master };
const struct func func_global = { .name = "GLOBAL", .synopsis = "A global variable", .read = read_global,
	.write = write_global };
const struct func func_local = { .name = "LOCAL", .synopsis = "A variable of the innermost GoSub",
	.read = read_local, .write = write_local };
const struct func func_local_peek = { .name = "LOCAL_PEEK", .synopsis = "A variable that a GoSub shadows",
	.read = read_peek };
const struct func func_stack_peek = { .name = "STACK_PEEK", .synopsis = "Where a GoSub returns to",
	.read = read_stack };
const struct func func_shared = { .name = "SHARED", .synopsis = "A variable that other channels may use",
	.read = read_shared, .write = write_shared };
