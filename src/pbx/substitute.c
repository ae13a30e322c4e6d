/* ${...} in a text, and what its names stand for; $[...] is expression.c's. */
#define LOG_MODULE "pbx"
#include "pbx/substitute.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/expression.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define NESTING_MAX 15          /* ${} inside ${}; a fiber's stack bears it */

struct sub {
	struct pbx *p;                  /* NULL: vars alone */
	struct channel *ch;
	const struct vars *vars;
	struct str context, exten;      /* where, when there is no channel */
	struct buf *out;
	unsigned depth;
};

static void substitute(const struct sub *up, struct str text, struct buf *out);

/* ---- what a name stands for */

static bool channel_builtin(struct channel *ch, struct str name, struct buf *out)
{
	const struct {
		struct str name;
		const struct text *t;
	} texts[] = {
		{ STR("EXTEN"), &ch->exten }, { STR("CONTEXT"), &ch->context }, { STR("CHANNEL"), &ch->name },
		{ STR("UNIQUEID"), &ch->uniqueid },
	};
	const struct {
		struct str name;
		int v;
	} numbers[] = {
		{ STR("PRIORITY"), ch->priority }, { STR("HANGUPCAUSE"), ch->cause },
		{ STR("CALLINGPRES"), party_presentation(&ch->caller) }, { STR("CALLINGANI2"), ch->caller.ani2 },
		{ STR("CALLINGTON"), ch->caller.ton }, { STR("CALLINGTNS"), 0 },
	};
	const struct builtin *b;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_eq(name, texts[i].name)) {
			buf_put(out, text_view(texts[i].t));
			return true;
		}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (str_eq(name, numbers[i].name)) {
			buf_printf(out, "%d", numbers[i].v);
			return true;
		}
	b = pbx_builtin(ch->pbx, name);
	return b && b->read(ch, out);
}

static bool global_builtin(struct pbx *p, struct str name, struct buf *out)
{
	struct str v;

	if (str_eq(name, STR("EPOCH"))) {
		buf_printf(out, "%lld", (long long)clock_wall_s(p->clock));
		return true;
	}
	if (str_eq(name, STR("SYSTEMNAME"))) {
		buf_put(out, p->systemname);
		return true;
	}
	if (str_eq(name, STR("ENTITYID"))) {
		buf_put(out, p->entityid);
		return true;
	}
	if (vars_get(&p->constants, name, &v)) {
		buf_put(out, v);
		return true;
	}
	return false;
}

static bool variable(struct pbx *p, struct channel *ch, const struct vars *vars, struct str name, struct buf *out)
{
	struct str v;

	if ((ch && channel_builtin(ch, name, out)) || (p && global_builtin(p, name, out)))
		return true;
	if ((ch && vars_get(&ch->vars, name, &v)) || (p && vars_get(&p->globals, name, &v)) ||
	    (vars && vars_get(vars, name, &v))) {
		buf_put(out, v);
		return true;
	}
	return false;
}

/* "NAME(args)" in two; false: no brackets. */
static bool cut_call(struct str text, struct str *name, struct str *args)
{
	size_t open = str_chr(text, '('), close;

	if (open == text.n)
		return false;
	*name = str_sub(text, 0, open);
	text = str_skip(text, open + 1);
	close = str_rchr(text, ')');
	if (close == text.n)
		log_warning("No closing ')' in a call of %.*s()", STR_ARG(*name));
	*args = str_sub(text, 0, close);
	return true;
}

static bool call(struct pbx *p, struct channel *ch, struct str text, struct buf *out)
{
	const struct func *f;
	struct str name, args;
	size_t before = out->n;

	if (!p || !cut_call(text, &name, &args))
		return false;
	f = pbx_func(p, name);
	f = f && str_eq(str_z(f->name), name) ? f : NULL;
	if (!f || !f->read) {
		log_error(f ? "%.*s() cannot be read" : "There is no function %.*s()", STR_ARG(name));
		return false;
	}
	if (f->read(p, ch, args, out) == 0)
		return true;
	if (!buf_err(out))
		out->n = before;
	return false;
}

/* ---- substrings: NAME:offset:length */

struct slice {
	int64_t offset, length;
};

/* False: there is none, and *out stays. */
static bool leading_number(struct str *s, int64_t *out)
{
	bool minus = false, any = false;
	int64_t v = 0;

	*s = str_ltrim(*s);
	if (s->n && (s->p[0] == '-' || s->p[0] == '+')) {
		minus = s->p[0] == '-';
		*s = str_skip(*s, 1);
	}
	while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
		v = v < INT_MAX ? v * 10 + (s->p[0] - '0') : v;
		*s = str_skip(*s, 1);
		any = true;
	}
	if (any)
		*out = minus ? -v : v;
	return any;
}

/* Takes the slice off the end of *name. False: there is none. */
static bool cut_slice(struct str *name, struct slice *sl)
{
	int parens = 0;

	*sl = (struct slice){ .length = INT64_MAX };
	for (size_t i = 0; i < name->n; i++) {
		struct str rest;

		if (name->p[i] == '(')
			parens++;
		else if (name->p[i] == ')')
			parens--;
		if (name->p[i] != ':' || parens)
			continue;
		rest = str_skip(*name, i + 1);
		*name = str_sub(*name, 0, i);
		if (leading_number(&rest, &sl->offset) && str_starts(rest, STR(":"))) {
			rest = str_skip(rest, 1);
			(void)leading_number(&rest, &sl->length);
		}
		return true;
	}
	return false;
}

static struct str slice(struct str v, const struct slice *sl)
{
	int64_t n = (int64_t)v.n, from = sl->offset;

	if (from < 0)
		from = from + n < 0 ? 0 : from + n;
	if (from >= n)
		return STR_NULL;
	v = str_skip(v, (size_t)from);
	n -= from;
	if (sl->length >= 0)
		return str_sub(v, 0, sl->length < n ? (size_t)sl->length : v.n);
	return str_sub(v, 0, n + sl->length > 0 ? (size_t)(n + sl->length) : 0);
}

/* ---- the text */

static void put_variable(const struct sub *s, struct str name)
{
	struct buf value = BUF_INIT;
	struct slice sl;
	bool sliced = cut_slice(&name, &sl), found;

	if (str_chr(name, '(') < name.n)
		found = call(s->p, s->ch, name, &value);
	else if (s->exten.p && str_eq(name, STR("EXTEN")))
		found = true, buf_put(&value, s->exten);
	else if (s->context.p && str_eq(name, STR("CONTEXT")))
		found = true, buf_put(&value, s->context);
	else
		found = variable(s->p, s->ch, s->vars, name, &value);
	if (found)
		buf_put(s->out, sliced ? slice(buf_view(&value), &sl) : buf_view(&value));
	buf_free(&value);
}

/* Length of what stands in the brackets at the start of `s` (after "${" or
 * "$["); *nested when something in it wants substitution. s.n: not closed. */
static size_t inner_length(struct str s, char open, char close, bool *nested)
{
	unsigned depth = 1;
	size_t i;

	*nested = false;
	for (i = 0; i < s.n; i++) {
		char c = s.p[i], after = i + 1 < s.n ? s.p[i + 1] : 0;

		if (c == '$' && (after == '{' || after == '[')) {
			*nested = true;
			depth += after == open;
			i++;
		} else if (c == open) {
			depth++;
		} else if (c == close && --depth == 0) {
			return i;
		}
	}
	return s.n;
}

static void put_inner(const struct sub *s, struct str inner, bool expression)
{
	if (!expression)
		put_variable(s, inner);
	else
		(void)expression_eval(s->p, s->ch, inner, s->out);
}

/* One ${...} or $[...] at the start of *text, taken off. */
static void put_one(const struct sub *s, struct str *text)
{
	bool expression = text->p[1] == '[', nested;
	struct str in = str_skip(*text, 2);
	size_t n = inner_length(in, expression ? '[' : '{', expression ? ']' : '}', &nested);

	if (n == in.n)
		log_warning("No closing '%c' in '%.*s'", expression ? ']' : '}', STR_ARG(*text));
	*text = str_skip(in, n + 1);
	in = str_sub(in, 0, n);
	if (nested) {
		struct buf b = BUF_INIT;

		substitute(s, in, &b);
		put_inner(s, buf_view(&b), expression);
		buf_free(&b);
	} else {
		put_inner(s, in, expression);
	}
}

static void substitute(const struct sub *up, struct str text, struct buf *out)
{
	struct sub s = *up;

	s.out = out;
	s.depth++;
	if (s.depth > NESTING_MAX) {
		log_error("More than %d substitutions inside one another", NESTING_MAX);
		return;
	}
	while (text.n) {
		size_t n = str_chr(text, '$');

		if (n + 1 < text.n && (text.p[n + 1] == '{' || text.p[n + 1] == '[')) {
			buf_put(out, str_sub(text, 0, n));
			text = str_skip(text, n);
			put_one(&s, &text);
		} else {
			n = n < text.n ? n + 1 : n;
			buf_put(out, str_sub(text, 0, n));
			text = str_skip(text, n);
		}
	}
}

void pbx_substitute(struct pbx *p, struct channel *ch, struct str text, struct buf *out)
{
	struct sub s = { .p = p, .ch = ch };

	if (str_chr(text, '$') == text.n) {
		buf_put(out, text);
		return;
	}
	/* EVAL() and hints come here again from inside: count them too. */
	s.depth = p->nesting;
	p->nesting++;
	substitute(&s, text, out);
	p->nesting--;
}

static void substitute_at(struct pbx *p, struct channel *ch, struct str context, struct str exten, struct str text,
			  struct buf *out)
{
	struct sub s = { .p = p, .ch = ch, .context = context, .exten = exten, .depth = p->nesting };

	p->nesting++;
	substitute(&s, text, out);
	p->nesting--;
}

void pbx_substitute_at(struct pbx *p, struct str context, struct str exten, struct str text, struct buf *out)
{
	substitute_at(p, NULL, context, exten, text, out);
}

void pbx_substitute_there(struct channel *ch, struct str context, struct str exten, struct str text, struct buf *out)
{
	substitute_at(ch->pbx, ch, context, exten, text, out);
}

void pbx_substitute_vars(const struct vars *v, struct str text, struct buf *out)
{
	struct sub s = { .vars = v };

	substitute(&s, text, out);
}

bool pbx_getvar(struct pbx *p, struct channel *ch, struct str name, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct slice sl;
	bool sliced, found;

	if (str_ends(name, STR(")")))
		return call(p, ch, name, out);
	sliced = cut_slice(&name, &sl);
	found = variable(p, ch, NULL, name, &value);
	if (found)
		buf_put(out, sliced ? slice(buf_view(&value), &sl) : buf_view(&value));
	buf_free(&value);
	return found;
}

/* ---- setting */

static void tell(struct pbx *p, struct channel *ch, struct str name, struct str value)
{
	struct event *e = event_new(p->events, "VarSet", EV_DIALPLAN);

	if (!e)
		return;
	if (ch) {
		event_channel(e, "", ch);
	} else {
		event_put(e, "Channel", STR("none"));
		event_put(e, "Uniqueid", STR("none"));
	}
	event_put(e, "Variable", name);
	event_put_escaped(e, "Value", value);
	event_send(p->events, e);
}

void pbx_tell_local(struct channel *ch, struct str name, struct str value)
{
	struct buf b = BUF_INIT;

	if (!events_wanted(ch->pbx->events, EV_DIALPLAN))
		return;
	buf_puts(&b, STR("LOCAL("), name, STR(")"));
	tell(ch->pbx, ch, buf_view(&b), value);
	buf_free(&b);
}

int pbx_inherit_vars(struct channel *to, const struct channel *from)
{
	const struct list *had = to->vars.head.next;
	int err = vars_inherit(&to->vars, &from->vars);

	/* Those that came stand before it, the newest first. */
	for (const struct list *l = had->prev; l != &to->vars.head; l = l->prev) {
		const struct var *v = container_of(l, struct var, link);

		tell(to->pbx, to, v->name, v->value);
	}
	return err;
}

static int write_function(struct pbx *p, struct channel *ch, struct str text, struct str value)
{
	const struct func *f;
	struct str name, args;

	if (!cut_call(text, &name, &args))
		return EINVAL;
	f = pbx_func(p, name);
	f = f && str_eq(str_z(f->name), name) ? f : NULL;
	if (!f || !f->write) {
		log_error(f ? "%.*s() cannot be set" : "There is no function %.*s()", STR_ARG(name));
		return ENOENT;
	}
	return f->write(p, ch, args, value);
}

int pbx_setvar(struct pbx *p, struct channel *ch, struct str name, struct str value)
{
	struct vars *vars = ch ? &ch->vars : &p->globals;
	struct str old = STR_NULL;
	bool had;
	int err;

	if (str_ends(name, STR(")")))
		return write_function(p, ch, name, value);
	had = vars_get(vars, vars_bare(name), &old) && old.n;
	err = vars_set(vars, name, value);
	if (err)
		return err;
	if (value.p)    /* it may have been a view into the value just replaced */
		(void)vars_get(vars, vars_bare(name), &value);
	if (!ch)
		log_verbose(2, "Setting global variable '%.*s' to '%.*s'", STR_ARG(name), STR_ARG(value));
	if (value.p || had)
		tell(p, ch, name, value);
	return 0;
}
