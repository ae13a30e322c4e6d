#include "manage/pattern.h"
#include <errno.h>
#include <stdlib.h>

/* The larger bound inside {...} at *i, which is left at the closing brace. */
static unsigned bound(struct str p, size_t *i)
{
	unsigned n = 0, max = 1;

	for (; *i < p.n && p.p[*i] != '}'; ++*i) {
		char c = p.p[*i];

		n = c >= '0' && c <= '9' && n < 100000 ? n * 10 + (unsigned)(c - '0') : 0;
		max = n > max ? n : max;
	}
	return max;
}

static bool is_tame(struct str p)
{
	unsigned nest = 0, repeat = 1;

	if (!p.n || p.n > PATTERN_MAX || str_chr(p, 0) < p.n)
		return false;
	for (size_t i = 0; i < p.n; i++) {
		switch (p.p[i]) {
		case '\\':
			if (++i < p.n && p.p[i] >= '1' && p.p[i] <= '9')
				return false;
			break;
		case '(':
			if (++nest > PATTERN_NEST)
				return false;
			break;
		case ')':
			nest -= nest > 0;
			break;
		case '{':
			repeat *= bound(p, &i);
			if (repeat > PATTERN_REPEAT)
				return false;
			break;
		default:
			break;
		}
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
