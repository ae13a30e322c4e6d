/* Makes, opens, closes and removes the store of a test. */
#include "store_stage.h"
#include "base/obj.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

void make_dir(struct store_world *w)
{
	*w = (struct store_world){ .dir = "/tmp/test_store_XXXXXX" };
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/db.sqlite3", w->dir);
}

void remove_dir(struct store_world *w)
{
	DIR *d = opendir(w->dir);
	struct dirent *e;
	char path[512];

	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(w->dir);
}

void open_all(struct store_world *w)
{
	struct store_prm prm = { .path = str_z(w->path), .gap_ms = 1, .patience_ms = 3600000 };
	struct text why = { 0 };

	w->live = obj_live();
	w->loop = GOT(loop_new(clock_real()));
	assert_int_equal(store_open(&w->store, w->loop, &prm, &why), 0);
	assert_int_equal(contact_store_new(&w->cs, w->store), 0);
	assert_int_equal(astdb_new(&w->db, w->store), 0);
	text_free(&why);
}

void close_all(struct store_world *w)
{
	store_close(w->store);
	astdb_free(w->db);
	loop_free(w->loop);
	buf_free(&w->text);
	assert_int_equal(obj_live(), w->live);
}
