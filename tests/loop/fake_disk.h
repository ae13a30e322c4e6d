/* tests/loop/fake_disk.h -- a store whose commits wait until the test lets them happen.
 * Built with -Wl,--wrap=store_submit. One a program. */
#ifndef TESTS_LOOP_FAKE_DISK_H
#define TESTS_LOOP_FAKE_DISK_H

#include "store/contact.h"
#include "service/service.h"

/* An empty file, or the one that disk_leave() left, and its contacts. */
struct contact_store *disk_open(struct loop *l);
void disk_kept(struct service_prm *prm);        /* and its subscriptions and publications */
void disk_close(void);
void disk_leave(void);          /* closed, and the file stays for the next disk_open() */
/* What waits is never written, as when the process is killed. */
void disk_lose(void);
/* The `n` oldest jobs that wait are committed, or fail with `err`, and whoever
 * submitted them is told. Gives how many did. */
size_t disk_commit(size_t n, int err);
size_t disk_waiting(void);
/* Rows that hold this URI. */
unsigned disk_has(const char *uri);
unsigned disk_rows(const char *table);
void disk_exec(const char *sql);

#endif
