/* Extended regular expressions over views, bounded in what they may cost. */
#include "pbx/expression.h"
#include <errno.h>
#include <regex.h>
#include <stdlib.h>

/* The C library's compiler recurses into (), and + and {} copy what they repeat,
 * copies of copies too: a pattern made of what a caller sent must not be able to
 * use up a fiber's stack or the memory. */
#define PATTERN_MAX 1024
#define TEXT_MAX 8192
#define NEST_MAX 16
#define COPIES_MAX 4096u        /* all {} of a pattern multiplied */
#define ROW_MAX 2               /* repetitions of a repetition: a+* */
#define GROUPS_MAX 8            /* (...)+ and (...){} */

struct taming {
	unsigned nest, row, groups, copies;
	bool after_group;
};

static bool repeated(struct taming *t, unsigned copies)
{
	t->copies *= copies ? copies : 1;
	t->groups += t->after_group;
	return t->copies <= COPIES_MAX && ++t->row <= ROW_MAX && t->groups <= GROUPS_MAX;
}

/* The larger number of "{2,5}" at *i, which moves to its }. */
static unsigned braces(struct str p, size_t *i)
{
	unsigned v = 0, most = 0;

	for (++*i; *i < p.n && p.p[*i] != '}'; ++*i) {
		v = p.p[*i] >= '0' && p.p[*i] <= '9' ? v * 10 + (unsigned)(p.p[*i] - '0') : 0;
		most = v > most ? v : most;
		if (most > COPIES_MAX)
			break;
	}
	return most;
}

static bool tame(struct str p)
{
	struct taming t = { .copies = 1 };

	if (p.n > PATTERN_MAX || str_chr(p, 0) < p.n)
		return false;
	for (size_t i = 0; i < p.n; i++) {
		char c = p.p[i];

		if (c == '+' || c == '*' || c == '?' || c == '{') {
			if (!repeated(&t, c == '{' ? braces(p, &i) : 1))
				return false;
			continue;
		}
		t.row = 0;
		t.after_group = c == ')';
		if (c == '\\')
			i++;
		else if (c == '(' && ++t.nest > NEST_MAX)
			return false;
		else if (c == ')')
			t.nest -= t.nest > 0;
	}
	return true;
}

static struct str part(struct str text, const regmatch_t *m)
{
	if (m->rm_so < 0)
		return STR_NULL;
	return str_sub(text, (size_t)m->rm_so, (size_t)(m->rm_eo - m->rm_so));
}

int regex_match(struct str pattern, struct str text, bool fold_case, struct regex_match *m)
{
	char *zp = NULL, *zt = NULL;
	regmatch_t rm[2];
	regex_t re;
	int err = EINVAL;

	*m = (struct regex_match){ 0 };
	if (!tame(pattern))
		return EINVAL;
	text = str_sub(text, 0, TEXT_MAX);
	zp = str_dup(pattern);
	zt = str_dup(text);
	if (!zp || !zt) {
		err = ENOMEM;
		goto out;
	}
	if (regcomp(&re, zp, REG_EXTENDED | (fold_case ? REG_ICASE : 0)) != 0)
		goto out;
	m->groups = re.re_nsub;
	err = regexec(&re, zt, 2, rm, 0) == 0 ? 0 : ENOENT;
	if (!err) {
		m->whole = part(text, &rm[0]);
		m->first = part(text, &rm[1]);
	}
	regfree(&re);
 out:
	free(zp);
	free(zt);
	return err;
}
