#include "pbx/pattern.h"

/* Scores of a place in a pattern that is no set; a set scores its size. */
enum { SCORE_DOT = 0x18000, SCORE_BANG = 0x28000, SCORE_END = 0x30000, SCORE_FAULT = 0x40000 };

struct place {
	unsigned score;         /* size << 8 | lowest byte, or one of SCORE_ */
	uint8_t set[32];        /* bit 7 of byte 0 is character 0, so that memcmp() orders sets */
};

static void set_add(struct place *pl, uint8_t from, uint8_t to)
{
	for (unsigned c = from; c <= to; c++) {
		uint8_t bit = (uint8_t)(0x80u >> (c % 8));

		if (pl->set[c / 8] & bit)
			continue;
		pl->set[c / 8] |= bit;
		pl->score += 0x100;
	}
}

static int digit(struct str *s)
{
	while (s->n && s->p[0] == '-')
		*s = str_skip(*s, 1);
	return s->n ? (uint8_t)s->p[0] : -1;
}

/* The set after '[' up to ']', both taken off *s. False: no ']'. */
static bool take_set(struct str *s, struct place *pl, uint8_t *lowest)
{
	size_t end = str_chr(*s, ']');
	struct str in = str_sub(*s, 0, end);

	if (end == s->n)
		return false;
	*s = str_skip(*s, end + 1);
	while (in.n) {
		uint8_t from = (uint8_t)in.p[0], to = from;

		if (in.n > 2 && in.p[1] == '-') {
			to = (uint8_t)in.p[2];
			in = str_skip(in, 2);
		}
		in = str_skip(in, 1);
		if (from < *lowest)
			*lowest = from;
		set_add(pl, from, to);
	}
	return true;
}

static void take_place(struct str *s, struct place *pl)
{
	uint8_t lowest = 0xff;
	int c;

	for (;;) {
		*pl = (struct place){ 0 };
		c = digit(s);
		if (c < 0) {
			pl->score = SCORE_END;
			return;
		}
		*s = str_skip(*s, 1);
		if (c != '[')
			break;
		if (!take_set(s, pl, &lowest)) {
			pl->score = SCORE_FAULT;
			*s = STR_NULL;
			return;
		}
		if (pl->score) {        /* [] stands for nothing at all */
			pl->score |= lowest;
			return;
		}
	}
	switch (c) {
	case 'n': case 'N':
		set_add(pl, '2', '9');
		pl->score |= '2';
		break;
	case 'x': case 'X':
		set_add(pl, '0', '9');
		pl->score |= '0';
		break;
	case 'z': case 'Z':
		set_add(pl, '1', '9');
		pl->score |= '1';
		break;
	case '.':
		pl->score = SCORE_DOT;
		break;
	case '!':
		pl->score = SCORE_BANG;
		break;
	default:
		set_add(pl, (uint8_t)c, (uint8_t)c);
		pl->score |= (unsigned)c;
	}
}

static int cmp_patterns(struct str a, struct str b)
{
	for (;;) {
		struct place pa, pb;
		int d;

		take_place(&a, &pa);
		take_place(&b, &pb);
		d = pa.score == pb.score ? -memcmp(pa.set, pb.set, sizeof(pa.set)) : pa.score < pb.score ? -1 : 1;
		if (d || pa.score == SCORE_END || pa.score == SCORE_FAULT)
			return d;
	}
}

int pattern_cmp_plain(struct str a, struct str b, bool prefix)
{
	for (;;) {
		int ca = digit(&a), cb = digit(&b);

		if (cb < 0 && (prefix || ca < 0))
			return 0;
		if (ca != cb)
			return ca < cb ? -1 : 1;
		a = str_skip(a, 1);
		b = str_skip(b, 1);
	}
}

int pattern_cmp(struct str a, struct str b)
{
	if (pattern_is(a) != pattern_is(b))
		return pattern_is(a) ? 1 : -1;
	if (!pattern_is(a))
		return pattern_cmp_plain(a, b, false);
	return cmp_patterns(str_skip(a, 1), str_skip(b, 1));
}

static size_t plain_length(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] != '-';
	return n;
}

static int match_plain(struct str name, struct str digits, enum pattern_mode mode)
{
	size_t have = plain_length(name), given = plain_length(digits);

	if (have < given || (mode == PATTERN_EXACT && have != given) || (mode == PATTERN_MORE && have == given))
		return 0;
	return pattern_cmp_plain(name, digits, true) == 0;
}

/* Does byte c fit the place that starts *pat? Takes the place off. */
static bool fits(struct str *pat, char c)
{
	size_t end;
	struct str in;

	if (pat->p[0] != '[') {
		char want = pat->p[0];

		*pat = str_skip(*pat, 1);
		switch (want) {
		case 'x': case 'X': return c >= '0' && c <= '9';
		case 'z': case 'Z': return c >= '1' && c <= '9';
		case 'n': case 'N': return c >= '2' && c <= '9';
		default: return c == want;
		}
	}
	end = str_chr(*pat, ']');
	in = str_sub(*pat, 1, end - 1);
	if (end == pat->n)
		return false;
	*pat = str_skip(*pat, end + 1);
	while (in.n) {
		if (in.n > 2 && in.p[1] == '-') {
			if ((uint8_t)c >= (uint8_t)in.p[0] && (uint8_t)c <= (uint8_t)in.p[2])
				return true;
			in = str_skip(in, 3);
			continue;
		}
		if (c == in.p[0])
			return true;
		in = str_skip(in, 1);
	}
	return false;
}

static void skip_empty_sets(struct str *pat)
{
	while (digit(pat) >= 0 && str_starts(*pat, STR("[]")))
		*pat = str_skip(*pat, 2);
}

int pattern_match(struct str name, struct str digits, enum pattern_mode mode)
{
	struct str pat;

	if (!pattern_is(name))
		return match_plain(name, digits, mode);
	/* A pattern is found by its own name too: _X. asked for literally. */
	if (mode == PATTERN_EXACT && pattern_is(digits) && cmp_patterns(str_skip(name, 1), str_skip(digits, 1)) == 0)
		return 1;
	pat = str_skip(name, 1);
	for (;;) {
		int c = digit(&digits);

		skip_empty_sets(&pat);
		if (c < 0 || !pat.n)
			break;
		if (pat.p[0] == '.')
			return 1;
		if (pat.p[0] == '!')
			return 2;
		if (!fits(&pat, (char)c))
			return 0;
		digits = str_skip(digits, 1);
	}
	if (digits.n)
		return 0;
	if (!pat.n)
		return mode != PATTERN_MORE;
	if (pat.p[0] == '!')
		return 2;
	return mode != PATTERN_EXACT;
}
