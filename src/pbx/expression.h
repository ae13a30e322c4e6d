/* pbx/expression.h -- $[...]: what stands between the brackets, already substituted.
 * Grammar, the loosest first: a ? b :: c; | & (also || &&); = != < > <= >= (==);
 * + -; * / %; unary - and !; : =~ ~~. Numbers are long doubles; a word or a
 * "quoted" text compares as text and keeps its quotes, but for : =~ ~~.
 * Threads: core, since NAME(args) may call a dialplan function. */
#ifndef PBX_EXPRESSION_H
#define PBX_EXPRESSION_H

#include "pbx/pbx.h"

#define EXPRESSION_DEPTH 32     /* brackets and operators inside one another: it runs on a fiber's stack */

/* Appends the result. EBADMSG: not an expression (the result is 0). `p` and `ch`
 * may be NULL: then only the mathematical functions are there. */
int expression_eval(struct pbx *p, struct channel *ch, struct str text, struct buf *out);

/* An extended POSIX regular expression against a text, both bounded so that
 * they fit a fiber's stack. 0: matches; ENOENT: does not; EINVAL: no regular
 * expression. `*groups` is how many () it has. */
struct regex_match {
	struct str whole, first;        /* views into the text; first: of group 1, p NULL when unused */
	size_t groups;
};
int regex_match(struct str pattern, struct str text, bool fold_case, struct regex_match *m);

#endif
