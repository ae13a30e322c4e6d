/* Numbers, digits and letters as lists of sound names (English). */
#include "pbx/sound.h"
#include <stdio.h>

struct out {
	char (*v)[32];
	size_t n, max;
	bool full;
};

static void put(struct out *o, const char *dir, const char *name)
{
	if (o->n >= o->max) {
		o->full = true;
		return;
	}
	snprintf(o->v[o->n++], sizeof(o->v[0]), "%s/%s", dir, name);
}

static void put_n(struct out *o, unsigned n)
{
	char name[8];

	snprintf(name, sizeof(name), "%u", n);
	put(o, "digits", name);
}

static void below_thousand(struct out *o, unsigned n)
{
	if (n >= 100) {
		put_n(o, n / 100);
		put(o, "digits", "hundred");
		n %= 100;
	}
	if (n > 20) {
		put_n(o, n / 10 * 10);
		n %= 10;
	}
	if (n)
		put_n(o, n);
}

size_t say_number(int64_t num, char (*v)[32], size_t max)
{
	static const struct {
		uint64_t size;
		const char *name;
	} scales[] = { { 1000000000, "billion" }, { 1000000, "million" }, { 1000, "thousand" } };
	struct out o = { .v = v, .max = max };
	uint64_t n = num < 0 ? 0 - (uint64_t)num : (uint64_t)num;

	if (num < 0)
		put(&o, "digits", "minus");
	if (n >= 1000000000000)
		return 0;
	if (!n)
		put_n(&o, 0);
	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		if (n < scales[i].size)
			continue;
		below_thousand(&o, (unsigned)(n / scales[i].size));
		put(&o, "digits", scales[i].name);
		n %= scales[i].size;
	}
	below_thousand(&o, (unsigned)n);
	return o.full ? 0 : o.n;
}

size_t say_digits(struct str s, char (*v)[32], size_t max)
{
	struct out o = { .v = v, .max = max };

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= '0' && c <= '9')
			put_n(&o, (unsigned)(c - '0'));
		else if (c == '#')
			put(&o, "digits", "pound");
		else if (c == '*')
			put(&o, "digits", "star");
		else if (c == '-')
			put(&o, "digits", "minus");
	}
	return o.full ? 0 : o.n;
}

size_t say_alpha(struct str s, char (*v)[32], size_t max)
{
	static const struct {
		char c;
		const char *name;
	} signs[] = { { '*', "asterisk" }, { '#', "pound" }, { '!', "exclaimation-point" }, { '@', "at" },
		{ '$', "dollar" }, { '-', "dash" }, { '.', "dot" }, { '=', "equals" }, { '+', "plus" },
		{ '/', "slash" }, { ' ', "space" } };
	struct out o = { .v = v, .max = max };

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		char name[2] = { c, '\0' };

		if (c >= '0' && c <= '9') {
			put_n(&o, (unsigned)(c - '0'));
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			name[0] = (char)(c + 32);
		if (name[0] >= 'a' && name[0] <= 'z')
			put(&o, "letters", name);
		for (size_t k = 0; k < ARRAY_LEN(signs); k++)
			if (signs[k].c == c)
				put(&o, "letters", signs[k].name);
	}
	return o.full ? 0 : o.n;
}
