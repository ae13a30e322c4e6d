/* phone/line.h -- one line that a person types at a terminal: keys, what stands there, earlier lines.
 * Data:    a zeroed struct line is an empty one; it holds its text and its history.
 * Threads: touches only its arguments. */
#ifndef PHONE_LINE_H
#define PHONE_LINE_H

#include "base/buf.h"
#include "base/text.h"

#define LINE_HISTORY 100

struct line {
	struct buf text;
	size_t at;                      /* [bytes] where the cursor is */
	struct text history[LINE_HISTORY];      /* the oldest first */
	size_t n, shown;                /* of history; shown: which one stands there, n: a new one */
	char escape[8];                 /* of a key that comes in several bytes */
	size_t escape_n;
};

enum line_key { LINE_NOTHING, LINE_CHANGED, LINE_DONE, LINE_TAB, LINE_CLEAR, LINE_INTERRUPT, LINE_END };
/* LINE_DONE: the line is whole; line_next() begins another. LINE_END: Ctrl-D on an empty one. */
enum line_key line_feed(struct line *l, char byte);
void line_insert(struct line *l, struct str s);
void line_next(struct line *l);              /* what stands there becomes the last of the history */
void line_free(struct line *l);
/* Prompt and text, the cursor in its place; a line that is wider than the terminal is shown around the cursor. */
void line_draw(struct buf *b, const struct line *l, struct str prompt, size_t columns);

#endif
