/* phone/ladder.h -- a SIP message as one line of a ladder: who said what to whom.
 *	12:00:01.123 |--- INVITE sip:600@example.com -------------->| 4711 INVITE  a84b4c76  application/sdp 312
 * Threads: touches only its arguments. */
#ifndef PHONE_LADDER_H
#define PHONE_LADDER_H

#include "base/buf.h"

struct ladder {
	bool colour, ascii;
	unsigned width;         /* [columns] of the line; 0: 100 */
};
/* `wall_us` since 1970, in the time zone of TZ. No newline. What a peer wrote cannot leave its place: no control
 * byte of it gets to the terminal. */
void ladder_write(struct buf *b, const struct ladder *l, bool sent, int64_t wall_us, struct str message);
/* For a terminal: control characters, those of UTF-8 too (U+009B begins a sequence of commands as ESC [ does), bytes that
 * are no UTF-8, and when `ascii` all that is none become \\xNN. */
void ladder_escape(struct buf *b, struct str s, bool ascii);
/* "12:00:01.123" */
void ladder_write_time(struct buf *b, int64_t wall_us);

#endif
