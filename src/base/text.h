/* base/text.h -- a short string that its struct owns and may change.
 * Zeroed is empty. Threads: one owner. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/str.h"

struct text {
	char *p;        /* owned heap, terminated; NULL: empty */
	size_t n;
};

int text_set(struct text *t, struct str s);          /* copies; ENOMEM leaves the old */
int text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One after the other: text_cat(&t, a, STR("-"), b). ENOMEM leaves the old. */
#define text_cat(t, ...) text_catv((t), (const struct str[]){ __VA_ARGS__ }, \
	sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))
int text_catv(struct text *t, const struct str *v, size_t n);
void text_free(struct text *t);
static inline struct str text_view(const struct text *t) { return str_mk(t->p, t->n); }
static inline const char *text_z(const struct text *t) { return t->p ? t->p : ""; }

#endif
