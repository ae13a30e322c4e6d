/* tests/unit/store_stage.h -- a store in a directory of its own, with its contacts and its
 * database of values. */
#ifndef TESTS_STORE_STAGE_H
#define TESTS_STORE_STAGE_H

#include "base/buf.h"
#include "store/astdb.h"
#include "store/contact.h"

struct store_world {
	char dir[64], path[96];
	struct loop *loop;
	struct store *store;
	struct contact_store *cs;
	struct astdb *db;
	size_t live;
	unsigned done, want, rows;
	int err, pipe;
	struct map *seen;
	struct buf text;
};

void make_dir(struct store_world *w);
void remove_dir(struct store_world *w);
void open_all(struct store_world *w);    /* commits a millisecond apart; patient jobs wait an hour for company */
void close_all(struct store_world *w);   /* an object that is left fails the test */

#endif
