/* Groups of calls and of who may pick them up: numbers 0 to 63, and names. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/pickup.h"
#include <errno.h>

enum { GROUP_MAX = 63, BUCKETS = 19 };

static bool range(struct str s, uint32_t *from, uint32_t *to)
{
	struct str last = s, first = str_trim(str_cut_raw(&last, '-'));

	if (str_u32(first, from))
		return false;
	*to = *from;
	return !str_trim(last).n || !str_u32(str_trim(last), to);
}

uint64_t groups_parse(struct str s)
{
	uint64_t groups = 0;

	while (s.n) {
		struct str piece = str_trim(str_cut_raw(&s, ','));
		uint32_t from, to;

		if (!piece.n)
			continue;
		if (!range(piece, &from, &to)) {
			log_error("Groups: '%.*s' is neither a number nor a range such as 1-3, and is left out", STR_ARG(piece));
			continue;
		}
		if (to > GROUP_MAX)
			log_warning("Groups: those over %d of '%.*s' are left out", GROUP_MAX, STR_ARG(piece));
		for (; from <= to && from <= GROUP_MAX; from++)
			groups |= 1ull << from;
	}
	return groups;
}

/* Asterisk shows names by the bucket of their hash, so a dialplan may have come to rely on that order. */
static unsigned bucket_of(struct str name)
{
	uint32_t hash = 5381;

	for (size_t i = 0; i < name.n; i++)
		hash = (hash * 33) ^ (unsigned char)name.p[i];
	if (hash > INT32_MAX)
		hash = -hash;
	return hash % BUCKETS;
}

static bool has_name(struct str names, struct str name)
{
	while (names.n)
		if (str_eq(str_trim(str_cut_raw(&names, ',')), name))
			return true;
	return false;
}

int named_groups_set(struct text *to, struct str names)
{
	struct buf b = BUF_INIT;
	int err;

	for (unsigned k = 0; k < BUCKETS; k++) {
		struct str rest = names;

		while (rest.n) {
			struct str name = str_trim(str_cut_raw(&rest, ','));

			/* Of two the last one stays. */
			if (!name.n || bucket_of(name) != k || has_name(rest, name))
				continue;
			buf_puts(&b, b.n ? STR(", ") : STR_NULL, name);
		}
	}
	err = buf_err(&b);
	err = err ? err : text_set(to, buf_view(&b));
	buf_free(&b);
	return err;
}

bool named_groups_meet(struct str a, struct str b)
{
	while (a.n && b.n) {
		struct str name = str_trim(str_cut_raw(&a, ','));

		if (name.n && has_name(b, name))
			return true;
	}
	return false;
}
