/* pbx/pattern.h -- names of extensions: 100, _1XX, _[2-9]ZN., and which of them
 * comes first.
 * Shape: a name that starts with _ is a pattern: X 0-9, Z 1-9, N 2-9, [a-c13-5]
 * one of a set, . the rest (at least one), ! the rest (perhaps none, and no
 * waiting for more). A - counts for nothing, but inside [].
 * Threads: touches only its arguments. */
#ifndef PBX_PATTERN_H
#define PBX_PATTERN_H

#include "base/str.h"

enum pattern_mode {
	PATTERN_EXACT,  /* all of it */
	PATTERN_MORE,   /* not yet, but with more digits */
	PATTERN_CAN     /* either */
};

static inline bool pattern_is(struct str name)
{
	return name.n && name.p[0] == '_';
}

/* 0 no; 1 yes; 2 yes, by a ! that wants nothing more. */
int pattern_match(struct str name, struct str digits, enum pattern_mode mode);
/* Which is tried first: names before patterns, small sets before large ones,
 * . before !. Below, equal to or above 0. */
int pattern_cmp(struct str a, struct str b);
/* Two names without patterns, dashes ignored; with `prefix`, 0 also when `b`
 * ends inside `a`. */
int pattern_cmp_plain(struct str a, struct str b, bool prefix);

#endif
