/* tests/loop/fake_disk.h -- a store whose commits wait until the test lets them happen.
 * Built with -Wl,--wrap=store_submit. One a program. */
#ifndef TESTS_LOOP_FAKE_DISK_H
#define TESTS_LOOP_FAKE_DISK_H

#include "store/contact.h"

/* An empty file, and its contacts. */
struct contact_store *disk_open(struct loop *l);
void disk_close(void);
/* The `n` oldest jobs that wait are committed, or fail with `err`, and whoever
 * submitted them is told. Gives how many did. */
size_t disk_commit(size_t n, int err);
size_t disk_waiting(void);
/* Rows that hold this URI. */
unsigned disk_has(const char *uri);
void disk_exec(const char *sql);

#endif
