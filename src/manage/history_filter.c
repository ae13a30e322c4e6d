/* The expressions of `pjsip show history where`: read into a tree, and asked of an entry. */
#include "manage/history_filter.h"
#include "manage/pattern.h"
#include "net/address.h"
#include "service/common/sip_history.h"
#include <errno.h>
#include <stdlib.h>

#define TOKENS 128
#define NODES 64
#define DEPTH 32

enum field { FIELD_NUMBER, FIELD_TIMESTAMP, FIELD_ADDR, FIELD_METHOD, FIELD_CALL_ID, FIELDS };
enum operation { OP_EQUAL, OP_NOT_EQUAL, OP_LESS, OP_MORE, OP_AT_MOST, OP_AT_LEAST, OP_LIKE, OP_AND, OP_OR, OP_NOT, OPS };

struct node {
	enum operation op;
	enum field field;               /* of a comparison */
	struct str text;                /* what it is compared with */
	int64_t number;
	struct sa addr;
	bool compiled;
	regex_t re;                     /* of OP_LIKE */
	struct node *left, *right;      /* OP_AND, OP_OR; OP_NOT: left */
};

struct history_filter {
	struct node node[NODES];
	size_t nodes;
	struct node *root;
};

struct reader {
	struct history_filter *f;
	struct str token[TOKENS];
	size_t n, at;
	struct buf *why;
};

static const struct str field_names[FIELDS] = { STR_INIT("number"), STR_INIT("timestamp"), STR_INIT("addr"),
	STR_INIT("sip.msg.request.method"), STR_INIT("sip.msg.call-id") };

static enum operation op_of(struct str word)
{
	static const struct {
		struct str name;
		enum operation op;
	} names[] = {
		{ STR_INIT("="), OP_EQUAL }, { STR_INIT("=="), OP_EQUAL }, { STR_INIT("!="), OP_NOT_EQUAL }, { STR_INIT("<"), OP_LESS },
		{ STR_INIT(">"), OP_MORE }, { STR_INIT("<="), OP_AT_MOST }, { STR_INIT(">="), OP_AT_LEAST },
		{ STR_INIT("like"), OP_LIKE }, { STR_INIT("and"), OP_AND }, { STR_INIT("&&"), OP_AND }, { STR_INIT("or"), OP_OR },
		{ STR_INIT("||"), OP_OR }, { STR_INIT("not"), OP_NOT }, { STR_INIT("!"), OP_NOT },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(word, names[i].name))
			return names[i].op;
	return OPS;
}

/* ---- words to tokens ----------------------------------------------------- */

static bool add_token(struct reader *r, struct str s)
{
	if (r->n == TOKENS)
		return false;
	r->token[r->n++] = s;
	return true;
}

/* How many ) at the end close nothing that is open in the word itself. */
static size_t closing(struct str w)
{
	size_t open = 0, close = 0, end = 0;

	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] == '(')
			open++;
		else if (w.p[i] == ')' && open)
			open--;
		else if (w.p[i] == ')')
			close++;
	}
	while (end < w.n && w.p[w.n - 1 - end] == ')')
		end++;
	return close < end ? close : end;
}

/* Parentheses may stand alone, before a word or behind it. */
static bool add_word(struct reader *r, struct str w)
{
	size_t close;

	while (w.n && w.p[0] == '(') {
		if (!add_token(r, STR("(")))
			return false;
		w = str_skip(w, 1);
	}
	close = closing(w);
	w.n -= close;
	if (w.n && !add_token(r, w))
		return false;
	while (close--)
		if (!add_token(r, STR(")")))
			return false;
	return true;
}

/* ---- tokens to a tree ------------------------------------------------------ */

static struct str peek(const struct reader *r)
{
	return r->at < r->n ? r->token[r->at] : STR_NULL;
}

static struct node *refuse(struct reader *r, const char *what, struct str word)
{
	if (!r->why->n)
		buf_printf(r->why, "%s '%.*s'", what, STR_ARG(word));
	return NULL;
}

static struct node *node_new(struct reader *r, enum operation op)
{
	struct node *n = r->f->nodes < NODES ? &r->f->node[r->f->nodes++] : NULL;

	if (!n)
		return refuse(r, "The expression is too long at", peek(r));
	n->op = op;
	return n;
}

static struct node *compile(struct reader *r, struct node *n)
{
	bool order = n->op >= OP_LESS && n->op <= OP_AT_LEAST, number = n->field <= FIELD_TIMESTAMP;

	if ((n->op == OP_LIKE && n->field < FIELD_METHOD) || (order && !number))
		return refuse(r, "That operator has no meaning for", field_names[n->field]);
	if (number && str_i64(n->text, &n->number))
		return refuse(r, "Not a number:", n->text);
	if (n->field == FIELD_ADDR && sa_parse(&n->addr, n->text))
		return refuse(r, "Not an IPv4 or IPv6 address:", n->text);
	if (n->op == OP_LIKE && pattern_compile(&n->re, n->text))
		return refuse(r, "Not a regular expression:", n->text);
	n->compiled = n->op == OP_LIKE;
	return n;
}

/* FIELD OPERATOR VALUE */
static struct node *read_comparison(struct reader *r)
{
	size_t field = 0;
	enum operation op;
	struct node *n;

	while (field < FIELDS && !str_ieq(peek(r), field_names[field]))
		field++;
	if (field == FIELDS)
		return refuse(r, "Unknown or unrecognized field:", peek(r));
	r->at++;
	op = op_of(peek(r));
	if (op > OP_LIKE)
		return refuse(r, "Not an operator:", peek(r));
	r->at++;
	if (r->at == r->n || str_eq(peek(r), STR("(")) || str_eq(peek(r), STR(")")))
		return refuse(r, "There is nothing to compare with", field_names[field]);
	n = node_new(r, op);
	if (!n)
		return NULL;
	n->field = (enum field)field;
	n->text = r->token[r->at++];
	return compile(r, n);
}

static struct node *read_either(struct reader *r, unsigned depth);

static struct node *read_one(struct reader *r, unsigned depth)
{
	struct node *n;

	if (depth > DEPTH)
		return refuse(r, "The expression is too deep at", peek(r));
	if (op_of(peek(r)) == OP_NOT) {
		r->at++;
		n = node_new(r, OP_NOT);
		if (n)
			n->left = read_one(r, depth + 1);
		return n && n->left ? n : NULL;
	}
	if (!str_eq(peek(r), STR("(")))
		return read_comparison(r);
	r->at++;
	n = read_either(r, depth + 1);
	if (n && !str_eq(peek(r), STR(")")))
		return refuse(r, "A ) is missing before", peek(r));
	r->at++;
	return n;
}

static struct node *read_row(struct reader *r, enum operation op, unsigned depth)
{
	struct node *left = op == OP_OR ? read_row(r, OP_AND, depth) : read_one(r, depth);

	while (left && op_of(peek(r)) == op) {
		struct node *n = node_new(r, op);

		r->at++;
		if (!n)
			return NULL;
		n->left = left;
		n->right = op == OP_OR ? read_row(r, OP_AND, depth) : read_one(r, depth);
		left = n->right ? n : NULL;
	}
	return left;
}

static struct node *read_either(struct reader *r, unsigned depth)
{
	return read_row(r, OP_OR, depth);
}

int history_filter_new(struct history_filter **out, const struct str *words, size_t n, struct buf *why)
{
	struct history_filter *f = calloc(1, sizeof(*f));
	struct reader *r = calloc(1, sizeof(*r));
	bool fits = true;
	int err = f && r ? 0 : ENOMEM;

	if (err)
		goto out;
	r->f = f;
	r->why = why;
	for (size_t i = 0; i < n && fits; i++)
		fits = add_word(r, words[i]);
	if (!fits)
		refuse(r, "The expression is too long at", words[n - 1]);
	f->root = fits ? read_either(r, 0) : NULL;
	if (f->root && r->at < r->n)
		f->root = refuse(r, "Not expected:", peek(r));
	err = f->root ? 0 : buf_err(why) ? ENOMEM : EINVAL;
 out:
	free(r);
	if (err)
		history_filter_free(f);
	else
		*out = f;
	return err;
}

void history_filter_free(struct history_filter *f)
{
	for (size_t i = 0; f && i < f->nodes; i++)
		if (f->node[i].compiled)
			regfree(&f->node[i].re);
	free(f);
}

/* ---- an entry ---------------------------------------------------------------- */

static struct str method_of(struct str message)
{
	struct str word = str_sub(message, 0, str_chr(message, ' '));

	return str_starts(word, STR("SIP/")) ? STR_NULL : word;
}

/* Of the header, in either form; folded ones are not joined. */
static struct str call_id_of(struct str message)
{
	struct str line;

	while (str_line(&message, &line) && line.n) {
		struct str value = line, name = str_trim(str_cut_raw(&value, ':'));

		if (str_ieq(name, STR("Call-ID")) || str_ieq(name, STR("i")))
			return str_trim(value);
	}
	return STR_NULL;
}

static bool orders(enum operation op, int64_t a, int64_t b)
{
	switch (op) {
	case OP_EQUAL:
		return a == b;
	case OP_NOT_EQUAL:
		return a != b;
	case OP_LESS:
		return a < b;
	case OP_MORE:
		return a > b;
	case OP_AT_MOST:
		return a <= b;
	default:
		return a >= b;
	}
}

static bool compares(const struct node *n, const struct sip_history_entry *e)
{
	struct str text;

	switch (n->field) {
	case FIELD_NUMBER:
		return orders(n->op, e->number, n->number);
	case FIELD_TIMESTAMP:
		return orders(n->op, e->at, n->number);
	case FIELD_ADDR:
		return sa_eq(&e->peer, &n->addr) == (n->op == OP_EQUAL);
	default:
		text = n->field == FIELD_METHOD ? method_of(e->bytes) : call_id_of(e->bytes);
		if (!text.n)
			return false;
		if (n->op == OP_LIKE)
			return pattern_has(&n->re, text);
		return str_eq(text, n->text) == (n->op == OP_EQUAL);
	}
}

static bool holds(const struct node *n, const struct sip_history_entry *e)
{
	switch (n->op) {
	case OP_AND:
		return holds(n->left, e) && holds(n->right, e);
	case OP_OR:
		return holds(n->left, e) || holds(n->right, e);
	case OP_NOT:
		return !holds(n->left, e);
	default:
		return compares(n, e);
	}
}

bool history_filter_has(const struct history_filter *f, const struct sip_history_entry *e)
{
	return holds(f->root, e);
}
