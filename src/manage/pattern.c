/* Weighs a regular expression before the C library compiles it. */
#include "manage/pattern.h"
#include <errno.h>
#include <stdlib.h>

/* How large the compiler's tree will be: + doubles what stands before it, {n}
 * makes n of it, and all of that again for what stands around. */
struct weight {
	size_t done, last;      /* of the group: all but its last element, and that */
};

/* After '[': to the closing ']'. */
static size_t skip_bracket(struct str p, size_t i)
{
	i += i < p.n && p.p[i] == '^';
	i += i < p.n && p.p[i] == ']';
	for (; i < p.n && p.p[i] != ']'; i++) {
		char kind = i + 1 < p.n && p.p[i] == '[' ? p.p[i + 1] : 0;

		if (kind != ':' && kind != '.' && kind != '=')
			continue;
		for (i += 2; i + 1 < p.n && !(p.p[i] == kind && p.p[i + 1] == ']'); )
			i++;
		i++;
	}
	return i;
}

/* After '{': the larger bound, and *i at the '}'. 0: it is no interval. */
static size_t read_bound(struct str p, size_t *i)
{
	size_t n = 0, max = 1, k = *i;

	for (; k < p.n && p.p[k] != '}'; k++) {
		char c = p.p[k];

		if (c != ',' && (c < '0' || c > '9'))
			return 0;
		n = c == ',' ? 0 : n < PATTERN_SIZE ? n * 10 + (size_t)(c - '0') : n;
		max = n > max ? n : max;
	}
	if (k == p.n || k == *i)
		return 0;
	*i = k;
	return max;
}

static void add_weight(struct weight *w, size_t n)
{
	w->done += w->last;
	w->last = n;
}

/* Backslash, bracket, interval or plain character at *i. False: refused. */
static bool element(struct str p, size_t *i, struct weight *w)
{
	size_t max;

	switch (p.p[*i]) {
	case '\\':
		++*i;
		add_weight(w, 1);
		return *i == p.n || p.p[*i] < '1' || p.p[*i] > '9';
	case '[':
		*i = skip_bracket(p, *i + 1);
		add_weight(w, 1);
		return true;
	case '+':
		w->last = 2 * w->last + 1;
		return true;
	case '{':
		++*i;
		max = read_bound(p, i);
		if (max)
			w->last = w->last * max + 1;
		else
			--*i;
		if (!max)
			add_weight(w, 1);
		return true;
	case '*':
	case '?':
	case '|':
		w->last++;
		return true;
	default:
		add_weight(w, 1);
		return true;
	}
}

static bool is_tame(struct str p)
{
	struct weight w[PATTERN_NEST + 1] = { 0 };
	unsigned nest = 0;

	if (!p.n || p.n > PATTERN_MAX || str_chr(p, 0) < p.n)
		return false;
	for (size_t i = 0; i < p.n; i++) {
		if (p.p[i] == '(') {
			if (++nest > PATTERN_NEST)
				return false;
			w[nest] = (struct weight){ 0 };
		} else if (p.p[i] == ')' && nest) {
			nest--;
			add_weight(&w[nest], w[nest + 1].done + w[nest + 1].last + 1);
		} else if (!element(p, &i, &w[nest])) {
			return false;
		}
		if (w[nest].done + w[nest].last > PATTERN_SIZE)
			return false;
	}
	return true;
}

int pattern_compile(regex_t *re, struct str pattern)
{
	char *z;
	int err;

	if (!is_tame(pattern))
		return EINVAL;
	z = str_dup(pattern);
	if (!z)
		return ENOMEM;
	err = regcomp(re, z, REG_EXTENDED | REG_NOSUB);
	free(z);
	return err ? EINVAL : 0;
}

bool pattern_has(const regex_t *re, struct str text)
{
	char small[256], *z = text.n < sizeof(small) ? str_copy(small, sizeof(small), text) : str_dup(text);
	bool yes = z && !regexec(re, z, 0, NULL, 0);

	if (z != small)
		free(z);
	return yes;
}
