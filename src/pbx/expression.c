/* $[...]: grammar, operators and functions. Its tokens are expression_token.c's. */
#define LOG_MODULE "pbx"
#include "pbx/expression.h"
#include "base/buf.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "pbx/expression_private.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* A text that looks like a number is one when asked, and itself when not. */
enum kind { V_NUMBER, V_TEXT, V_NUMERIC };

struct val {
	enum kind kind;
	long double num;
	struct buf text;        /* V_TEXT, V_NUMERIC */
};

struct parser {
	struct pbx *pbx;
	struct channel *ch;
	struct tokens t;
	unsigned depth;
	bool ended;             /* a whole expression, and more after it */
	int err;
};

#define LEVEL_UNARY 7

/* How tightly a binary operator binds; 0: none. */
static int level(enum tok t)
{
	switch (t) {
	case T_COND: return 1;
	case T_OR: return 2;
	case T_AND: return 3;
	case T_EQ: case T_NE: case T_LT: case T_GT: case T_LE: case T_GE: return 4;
	case T_PLUS: case T_MINUS: return 5;
	case T_MULT: case T_DIV: case T_MOD: return 6;
	case T_COLON: case T_EQTILDE: case T_TILDETILDE: return 8;
	default: return 0;
	}
}

/* ---- values */

static void val_free(struct val *v)
{
	buf_free(&v->text);
	*v = (struct val){ 0 };
}

static void set_number(struct val *v, long double n)
{
	val_free(v);
	v->num = n;
}

static bool looks_numeric(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.')
			return false;
	return s.n > 0;
}

/* `s` may be a view into v itself. */
static void set_text(struct val *v, enum kind k, struct str s)
{
	struct buf b = BUF_INIT;

	buf_put(&b, s);
	val_free(v);
	v->kind = k;
	v->text = b;
}

static void set_result(struct val *v, struct str s)
{
	set_text(v, looks_numeric(s) ? V_NUMERIC : V_TEXT, s);
}

static bool to_number(struct val *v)
{
	if (v->kind == V_NUMBER)
		return true;
	if (v->kind == V_TEXT)
		return false;
	set_number(v, strtold(buf_z(&v->text), NULL));
	return true;
}

static struct str to_text(struct val *v)
{
	if (v->kind == V_NUMBER) {
		long double n = v->num;

		v->kind = V_TEXT;
		buf_printf(&v->text, "%.18Lg", n);
	}
	return buf_view(&v->text);
}

static bool is_nothing(struct val *v)
{
	if (v->kind != V_NUMBER && !v->text.n)
		return true;
	return to_number(v) && v->num == 0;
}

static void strip_quotes(struct val *v)
{
	struct str s = to_text(v);
	size_t n = 0;

	if (s.n < 1 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '"')
			v->text.p[n++] = s.p[i];
	v->text.n = n;
}

/* ---- operators; each leaves its result in *a and frees *b */

static int compare(struct val *a, struct val *b)
{
	if (a->kind == V_TEXT || b->kind == V_TEXT)
		return str_cmp(to_text(a), to_text(b));
	to_number(a);
	to_number(b);
	return a->num < b->num ? -1 : a->num > b->num;
}

static void op_compare(enum tok t, struct val *a, struct val *b)
{
	int d = compare(a, b);
	bool r = t == T_EQ ? d == 0 : t == T_NE ? d != 0 : t == T_LT ? d < 0 : t == T_GT ? d > 0 :
		t == T_LE ? d <= 0 : d >= 0;

	set_number(a, r);
}

static void op_sum(enum tok t, struct val *a, struct val *b)
{
	bool na = to_number(a), nb = to_number(b);
	long double x = na ? a->num : 0, y = nb ? b->num : 0;

	if (!na || !nb)
		log_warning("A text where an expression adds numbers");
	set_number(a, t == T_PLUS ? x + y : x - y);
}

static void op_product(enum tok t, struct val *a, struct val *b)
{
	bool na = to_number(a), nb = to_number(b);

	if (!na || !nb) {
		log_warning("A text where an expression multiplies numbers");
		set_number(a, t == T_DIV && na ? INT_MAX : 0);
	} else if (t == T_MULT) {
		set_number(a, a->num * b->num);
	} else if (b->num == 0) {
		log_warning("An expression divides by zero");
		set_number(a, t == T_DIV ? INT_MAX : 0);
	} else {
		set_number(a, t == T_DIV ? a->num / b->num : fmodl(a->num, b->num));
	}
}

static void op_regex(enum tok t, struct val *a, struct val *b)
{
	struct regex_match m;
	struct str text;
	int err;

	strip_quotes(a);
	strip_quotes(b);
	text = to_text(a);
	err = regex_match(to_text(b), text, false, &m);
	if (err && err != ENOENT) {
		log_warning("'%.*s' is no regular expression", STR_ARG(to_text(b)));
		set_text(a, V_TEXT, STR(""));
		return;
	}
	/* : asks for a match at the very beginning */
	if (!err && (t == T_EQTILDE || m.whole.p == text.p)) {
		if (m.first.p)
			set_result(a, m.first);
		else
			set_number(a, (long double)m.whole.n);
	} else if (m.groups) {
		set_text(a, V_TEXT, STR(""));
	} else {
		set_number(a, 0);
	}
}

static void op_join(struct val *a, struct val *b)
{
	struct buf both = BUF_INIT;

	strip_quotes(a);
	strip_quotes(b);
	buf_puts(&both, to_text(a), to_text(b));
	set_result(a, buf_view(&both));
	buf_free(&both);
}

static void binary(enum tok t, struct val *a, struct val *b)
{
	struct val swap;

	switch (t) {
	case T_OR:
		if (is_nothing(a)) {
			swap = *a;
			*a = *b;
			*b = swap;
		}
		break;
	case T_AND:
		if (is_nothing(a) || is_nothing(b))
			set_number(a, 0);
		break;
	case T_PLUS: case T_MINUS:
		op_sum(t, a, b);
		break;
	case T_MULT: case T_DIV: case T_MOD:
		op_product(t, a, b);
		break;
	case T_COLON: case T_EQTILDE:
		op_regex(t, a, b);
		break;
	case T_TILDETILDE:
		op_join(a, b);
		break;
	default:
		op_compare(t, a, b);
	}
	val_free(b);
}

static void op_not(struct val *v)
{
	bool truth;

	if (v->kind == V_NUMBER)
		truth = v->num != 0;
	else    /* a text counts as the whole number it starts with */
		truth = strtol(buf_z(&v->text), NULL, 10) != 0;
	set_number(v, !truth);
}

static bool chosen(struct val *v)
{
	struct str s;

	if (v->kind != V_TEXT) {
		to_number(v);
		return v->num != 0;
	}
	s = to_text(v);
	return s.n && !str_eq(s, STR("\"\"")) && !str_eq(s, STR("0"));
}

/* ---- functions */

static long double exp10_of(long double x) { return powl(10, x); }

static const struct {
	struct str name;
	long double (*one)(long double);
	long double (*two)(long double, long double);
} functions[] = {
	{ STR_INIT("COS"), cosl, NULL }, { STR_INIT("SIN"), sinl, NULL }, { STR_INIT("TAN"), tanl, NULL },
	{ STR_INIT("ACOS"), acosl, NULL }, { STR_INIT("ASIN"), asinl, NULL }, { STR_INIT("ATAN"), atanl, NULL },
	{ STR_INIT("ATAN2"), NULL, atan2l }, { STR_INIT("POW"), NULL, powl }, { STR_INIT("SQRT"), sqrtl, NULL },
	{ STR_INIT("FLOOR"), floorl, NULL }, { STR_INIT("CEIL"), ceill, NULL }, { STR_INIT("ROUND"), roundl, NULL },
	{ STR_INIT("RINT"), rintl, NULL }, { STR_INIT("TRUNC"), truncl, NULL }, { STR_INIT("EXP"), expl, NULL },
	{ STR_INIT("EXP2"), exp2l, NULL }, { STR_INIT("EXP10"), exp10_of, NULL }, { STR_INIT("LOG"), logl, NULL },
	{ STR_INIT("LOG2"), log2l, NULL }, { STR_INIT("LOG10"), log10l, NULL },
	{ STR_INIT("REMAINDER"), NULL, remainderl }, { STR_INIT("ABS"), fabsl, NULL },
};

#define CALL_ARGS_MAX 16

static bool is_number_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr("-0123456789. \t", s.p[i]))
			return false;
	return true;
}

static void call_dialplan(struct parser *p, struct str name, struct val *args, size_t n, struct val *out)
{
	const struct func *f = p->pbx ? pbx_func(p->pbx, name) : NULL;
	struct buf text = BUF_INIT, result = BUF_INIT;

	set_number(out, 0);
	if (!f || !f->read) {
		log_warning("No function '%.*s' that an expression could ask", STR_ARG(name));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_char(&text, ',');
		buf_put(&text, to_text(&args[i]));
	}
	if (!f->read(p->pbx, p->ch, buf_view(&text), &result) && is_number_text(buf_view(&result)))
		set_number(out, strtold(buf_z(&result), NULL));
	else
		set_result(out, buf_view(&result));
	buf_free(&text);
	buf_free(&result);
}

static void call(struct parser *p, struct str name, struct val *args, size_t n, struct val *out)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (!str_eq(name, functions[i].name))
			continue;
		for (size_t j = 0; j < n; j++)
			to_number(&args[j]);
		if (functions[i].one && n == 1) {
			set_number(out, functions[i].one(args[0].num));
		} else if (functions[i].two && n == 2) {
			set_number(out, functions[i].two(args[0].num, args[1].num));
		} else {
			log_warning("%.*s() takes %d argument(s)", STR_ARG(name), functions[i].one ? 1 : 2);
			set_number(out, 0);
		}
		return;
	}
	call_dialplan(p, name, args, n, out);
}

/* ---- the grammar */

static void expr(struct parser *p, int min, struct val *out);

static void arguments(struct parser *p, struct str name, struct val *out)
{
	struct val *args = calloc(CALL_ARGS_MAX, sizeof(*args));     /* not on the stack: this recurses */
	size_t n = 0;

	if (!args)
		p->err = ENOMEM;
	while (!p->err) {
		if (n == CALL_ARGS_MAX) {
			p->err = EBADMSG;
			break;
		}
		if (n && (p->t.tok == T_COMMA || p->t.tok == T_RP))
			set_text(&args[n++], V_TEXT, STR(""));
		else
			expr(p, 1, &args[n++]);
		if (p->err || p->t.tok != T_COMMA)
			break;
		expression_next(&p->t);
	}
	if (!p->err && p->t.tok != T_RP)
		p->err = EBADMSG;
	if (!p->err) {
		expression_next(&p->t);
		call(p, name, args, n, out);
	}
	for (size_t i = 0; i < n; i++)
		val_free(&args[i]);
	free(args);
}

static void primary(struct parser *p, struct val *out)
{
	struct str word = p->t.lexeme;
	enum tok t = p->t.tok;

	if (t != T_WORD && t != T_NUMBER && t != T_LP) {
		p->err = EBADMSG;
		return;
	}
	expression_next(&p->t);
	if (t == T_LP) {
		expr(p, 1, out);
		if (!p->err && p->t.tok != T_RP)
			p->err = EBADMSG;
		else if (!p->err)
			expression_next(&p->t);
	} else if (p->t.tok == T_LP) {
		expression_next(&p->t);
		arguments(p, word, out);
	} else {
		set_text(out, t == T_NUMBER ? V_NUMERIC : V_TEXT, word);
	}
}

static void unary(struct parser *p, struct val *out)
{
	enum tok t = p->t.tok;

	if (t != T_MINUS && t != T_COMPL) {
		primary(p, out);
		return;
	}
	expression_next(&p->t);
	expr(p, LEVEL_UNARY, out);
	if (p->err)
		return;
	if (t == T_COMPL)
		op_not(out);
	else if (to_number(out))
		set_number(out, -out->num);
	else
		set_number(out, 0);
}

static void condition(struct parser *p, struct val *a)
{
	struct val yes = { 0 }, no = { 0 };

	expr(p, 1, &yes);
	if (!p->err && p->t.tok != T_COLONCOLON)
		p->err = EBADMSG;
	if (!p->err) {
		expression_next(&p->t);
		expr(p, 2, &no);
	}
	if (!p->err) {
		bool first = chosen(a);

		val_free(a);
		*a = first ? yes : no;
		val_free(first ? &no : &yes);
		return;
	}
	val_free(&yes);
	val_free(&no);
}

/* Precedence climbing: all operators are left-associative. */
static void expr(struct parser *p, int min, struct val *out)
{
	if (++p->depth > EXPRESSION_DEPTH) {
		p->err = EBADMSG;
		return;
	}
	unary(p, out);
	while (!p->err) {
		enum tok t = p->t.tok;
		int l = level(t);
		struct val b = { 0 };

		if (!l || l < min)
			break;
		expression_next(&p->t);
		if (t == T_COND) {
			condition(p, out);
			continue;
		}
		expr(p, l + 1, &b);
		if (!p->err)
			binary(t, out, &b);
		val_free(&b);
	}
	p->depth--;
}

/* *any: it has a token at all. */
static int evaluate(struct parser *p, struct val *v, bool *any)
{
	expression_next(&p->t);
	*any = p->t.tok != T_END;
	if (!*any)
		return 0;
	expr(p, 1, v);
	p->ended = !p->err && p->t.tok != T_END;
	return p->ended ? EBADMSG : p->err;
}

static bool begins(enum tok t)
{
	return t == T_WORD || t == T_NUMBER || t == T_LP || t == T_MINUS || t == T_COMPL;
}

/* What is no expression stands for 0; for what it begins with, when that is a whole one; for
 * nothing, when its first token cannot be one's first. */
static void put_wrong(struct parser *p, struct str text, struct val *v, struct buf *out)
{
	struct tokens first = { .in = text };

	expression_next(&first);
	log_warning("'%.*s' is no expression", STR_ARG(text));
	if (p->ended)
		buf_put(out, to_text(v));
	else if (begins(first.tok))
		buf_char(out, '0');
}

int expression_eval(struct pbx *pbx, struct channel *ch, struct str text, struct buf *out)
{
	struct parser p = { .pbx = pbx, .ch = ch, .t.in = text };
	struct val v = { 0 };
	bool any;
	int err = evaluate(&p, &v, &any);

	/* A backslash is a character like others ("C:\"); only where that makes no
	 * sense it may stand before a quote that a function gave out escaped. */
	if (err && str_find(text, STR("\\\"")) < text.n) {
		val_free(&v);
		p = (struct parser){ .pbx = pbx, .ch = ch, .t.in = text, .t.escapes = true };
		err = evaluate(&p, &v, &any);
	}
	if (err) {
		put_wrong(&p, text, &v, out);
	} else if (any) {
		buf_put(out, to_text(&v));
	}
	val_free(&v);
	return err;
}

int pbx_expression(struct str text, struct buf *out)
{
	return expression_eval(NULL, NULL, text, out);
}
