/* base/str.h -- a view of bytes by value, and the only ways to cut and compare.
 * Shape:   pointer and length; not terminated, may hold any byte.
 * Ownership: a view never owns; the comment of a field says into what it looks.
 * Rule:    every cut clamps, so walking past the end gives an empty view.
 * Threads: touches only its arguments. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_INIT(lit) { "" lit, sizeof(lit) - 1 }
#define STR_NULL ((struct str){ NULL, 0 })

/* For printf: printf("%.*s", STR_ARG(s)). Lengths over INT_MAX are clamped. */
#define STR_ARG(s) (int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n), ((s).p ? (s).p : "")

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline struct str str_mk(const char *p, size_t n)
{
	return (struct str){ p, n };
}

/* View of a terminated string; NULL gives an empty view. */
static inline struct str str_z(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_empty(struct str s)
{
	return s.n == 0;
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_ieq(struct str a, struct str b);            /* ASCII case folded */
int str_cmp(struct str a, struct str b);             /* memcmp order */
int str_icmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* From `off`, at most `n` bytes, clamped to what is there. */
struct str str_sub(struct str s, size_t off, size_t n);
struct str str_skip(struct str s, size_t off);       /* all after `off` bytes */

struct str str_trim(struct str s);                   /* SP HTAB CR LF at both ends */
struct str str_ltrim(struct str s);
struct str str_rtrim(struct str s);
struct str str_unquote(struct str s);                /* one pair of "" taken off, escapes stay */

/* Index of a byte, or s.n when it is not there. */
size_t str_chr(struct str s, char c);
size_t str_rchr(struct str s, char c);
size_t str_find(struct str s, struct str needle);    /* s.n when not there */
size_t str_ifind(struct str s, struct str needle);

/* Take what stands before the first `sep` off the front of *s, and the
 * separator with it. Without `sep` all of *s is taken. str_cut() steps over
 * "quoted text" with its \-escapes; str_cut_raw() does not. */
struct str str_cut(struct str *s, char sep);
struct str str_cut_raw(struct str *s, char sep);
/* As str_cut(), and also steps over <...>: for lists of name-addr. */
struct str str_cut_addr(struct str *s, char sep);

/* Next line without its CRLF or LF; false at the end. */
bool str_line(struct str *s, struct str *line);

/* Whole-view numbers: no sign, blanks or junk. EBADMSG grammar, ERANGE. */
int str_u32(struct str s, uint32_t *out);
int str_u64(struct str s, uint64_t *out);
int str_i64(struct str s, int64_t *out);             /* optional leading - */
int str_double(struct str s, double *out);
int str_hex(struct str s, uint8_t *out, size_t n);   /* exactly 2n digits */

/* Asterisk's idea of truth: yes true y t 1 on / no false n f 0 off. EBADMSG else. */
int str_bool(struct str s, bool *out);

/* Heap copy, terminated; free() it. NULL when out of memory. */
char *str_dup(struct str s);
/* Copy into `dst` of `size` bytes, terminated, cut to fit. Gives dst. */
char *str_copy(char *dst, size_t size, struct str s);

/* Levenshtein distance, for "did you mean"; views over 64 bytes count as far. */
unsigned str_distance(struct str a, struct str b);

#endif
