/* manage/chunk.h -- listing in steps what can only be walked in one go, because the
 * walk itself would not survive a change. Each step walks again and writes the rows
 * that come next; walking without writing costs next to nothing. A change between two
 * steps may show a row twice or not at all.
 *   struct chunk k = { 0 };
 *   do
 *           each(..., row, ...);            row() returns early unless chunk_takes(&k)
 *   while (chunk_more(&k) && command_row(c));
 * Threads: touches only its arguments. */
#ifndef MANAGE_CHUNK_H
#define MANAGE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

#define CHUNK_ROWS 2000

struct chunk {
	size_t from, at;        /* rows: the first of this step; those walked in it */
};

/* For each row of the walk. */
static inline bool chunk_takes(struct chunk *k)
{
	size_t i = k->at++;

	return i >= k->from && i - k->from < CHUNK_ROWS;
}

/* After a walk: is there another step? */
static inline bool chunk_more(struct chunk *k)
{
	bool more = k->at > k->from && k->at - k->from > CHUNK_ROWS;

	k->from += CHUNK_ROWS;
	k->at = 0;
	return more;
}

#endif
