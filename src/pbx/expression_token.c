/* The tokens of $[...]: words, numbers, quoted texts and the signs between them. */
#include "pbx/expression_private.h"

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c && strchr(".';\\_^#@", c)) || (unsigned char)c >= 0x80;
}

static size_t number_length(struct str s)
{
	size_t i = 0, j;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (!i || i + 1 >= s.n || s.p[i] != '.')
		return i;
	for (j = i + 1; j < s.n && s.p[j] >= '0' && s.p[j] <= '9'; j++)
		;
	return j > i + 1 ? j : i;
}

static size_t word_length(struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		if (word_char(s.p[i]))
			i++;
		else if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] != '{')
			i += 2;
		else if (s.p[i] == '$' && i + 1 < s.n) /* what no substitution took away */
			i += str_chr(str_skip(s, i), '}') + 1;
		else
			break;
	}
	return i > s.n ? s.n : i;
}

static const struct {
	struct str s;
	enum tok t;
} symbols[] = {
	{ STR_INIT("||"), T_OR }, { STR_INIT("&&"), T_AND }, { STR_INIT("=="), T_EQ }, { STR_INIT("=~"), T_EQTILDE },
	{ STR_INIT("~~"), T_TILDETILDE }, { STR_INIT(">="), T_GE }, { STR_INIT("<="), T_LE },
	{ STR_INIT("!="), T_NE }, { STR_INIT("::"), T_COLONCOLON }, { STR_INIT("|"), T_OR },
	{ STR_INIT("&"), T_AND }, { STR_INIT("="), T_EQ }, { STR_INIT(">"), T_GT }, { STR_INIT("<"), T_LT },
	{ STR_INIT("+"), T_PLUS }, { STR_INIT(","), T_COMMA }, { STR_INIT("-"), T_MINUS },
	{ STR_INIT("*"), T_MULT }, { STR_INIT("/"), T_DIV }, { STR_INIT("%"), T_MOD }, { STR_INIT("?"), T_COND },
	{ STR_INIT("!"), T_COMPL }, { STR_INIT(":"), T_COLON }, { STR_INIT("("), T_LP }, { STR_INIT(")"), T_RP },
};

static void take(struct tokens *t, enum tok kind, size_t n)
{
	t->tok = kind;
	t->lexeme = str_sub(t->in, 0, n);
	t->in = str_skip(t->in, n);
}

static bool take_symbol(struct tokens *t)
{
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		if (str_starts(t->in, symbols[i].s)) {
			take(t, symbols[i].t, symbols[i].s.n);
			return true;
		}
	}
	return false;
}

/* How long the quoted string at the start of `s` is without its last quote; s.n: it has none. */
static size_t quoted_length(struct str s, bool escapes)
{
	size_t i = 1;

	while (i < s.n && s.p[i] != '"')
		i += escapes && s.p[i] == '\\' && i + 1 < s.n ? 2 : 1;
	return i;
}

void expression_next(struct tokens *t)
{
	for (; t->in.n; t->in = str_skip(t->in, 1)) {
		size_t number, word, quote;

		if (t->in.p[0] == '"') {
			quote = quoted_length(t->in, t->escapes);
			if (quote < t->in.n) {
				take(t, T_WORD, quote + 1);
				return;
			}
			continue;
		}
		word = word_length(t->in);
		number = number_length(t->in);
		if (word || number) {
			take(t, number >= word ? T_NUMBER : T_WORD, number >= word ? number : word);
			return;
		}
		if (take_symbol(t))
			return;
		/* blanks, and what is no token at all */
	}
	take(t, T_END, 0);
}
