/* pbx/expression_private.h -- the tokens of $[...], for expression.c.
 * Threads: touches only its arguments. */
#ifndef PBX_EXPRESSION_PRIVATE_H
#define PBX_EXPRESSION_PRIVATE_H

#include "base/str.h"

enum tok {
	T_END, T_WORD, T_NUMBER, T_LP, T_RP, T_COMMA, T_COND, T_COLONCOLON, T_OR, T_AND, T_EQ, T_NE, T_LT, T_GT,
	T_LE, T_GE, T_PLUS, T_MINUS, T_MULT, T_DIV, T_MOD, T_COMPL, T_COLON, T_EQTILDE, T_TILDETILDE
};

struct tokens {
	struct str in;                  /* view: what is left to read */
	enum tok tok;                   /* the one that stands before it ... */
	struct str lexeme;              /* ... and its text: a view too */
	bool escapes;                   /* \" inside of quotes does not end them */
};

/* On to the next token; T_END when there is none. What no token starts with is skipped. */
void expression_next(struct tokens *t);

#endif
