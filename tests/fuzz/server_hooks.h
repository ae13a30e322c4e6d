/* tests/fuzz/server_hooks.h -- what the harness puts in place of the world outside
 * of the library: memory that runs out when asked to, numbers that are random and
 * yet the same each time, a disk in memory that commits when told, names that
 * resolve to phones, managers without sockets. Done by the linker (--wrap), so
 * the library is the one that ships. */
#ifndef FUZZ_SERVER_HOOKS_H
#define FUZZ_SERVER_HOOKS_H

#include "net/dns.h"
#include "store/store.h"

/* ---- memory: server_memory.c */

/* The library runs (true) or the harness does, whose allocations never fail.
 * Gives what was before. */
bool hooks_library(bool on);
/* Let the n-th allocation of the library from now fail, and `more` after it. 0: none. */
void hooks_fail(unsigned nth, unsigned more);
void hooks_trace(bool on);              /* say where allocations fail */
bool hooks_failed(void);                /* some allocation did, since hooks_reset() */
long hooks_blocks(void);                /* allocated by library and harness, not freed */
void hooks_reset(void);                 /* a new program: no failure waits, random numbers begin anew */
unsigned hooks_random(void);

/* ---- the disk: server_disk.c */

struct sqlite3;
struct store *disk_open(struct loop *l);     /* the store that the library gets; one for all programs */
void disk_close(void);                  /* whoever uses it is told that it ends */
void disk_clean(void);                  /* nothing waits, no row is left */
/* Commit the `n` oldest jobs that wait, or make them fail with `err`. Whoever
 * submitted them does not know yet. */
void disk_commit(size_t n, int err);
void disk_tell(size_t n);               /* ... and now the `n` oldest know */
void disk_refuse(bool on);              /* store_submit() says ENOBUFS */
size_t disk_waiting(void);              /* not told yet */
/* Each row of the contacts' table. */
typedef void disk_row_fn(void *arg, uint64_t id, struct str aor, struct str uri, int64_t expires_s);
void disk_contacts(disk_row_fn *fn, void *arg);
size_t disk_subscriptions(void);        /* rows of their table */
void disk_begin(void);                  /* what a start writes is nothing that a program has written */
bool disk_changed(void);                /* this program wrote something */
bool disk_was_faulty(void);             /* in this program some job failed */

/* ---- names: server_names.c */

enum names_mode { NAMES_GOOD, NAMES_SLOW /* no answer until another mode is set */, NAMES_NONE, NAMES_EMPTY,
	NAMES_LATE /* ETIMEDOUT */, NAMES_MANY, NAMES_ODD, NAMES_MODES };
struct dns *names_open(void);
void names_mode(enum names_mode m);
bool names_answer(void);                /* those asked for before; true: there were some */
void names_forget(void);

/* ---- managers and consoles: server_streams.c */

enum { STREAMS_MANAGER, STREAMS_CONSOLE, STREAMS_KINDS };
struct client *streams_connect(int kind);    /* NULL: nobody listens, or it was refused */
void streams_say(struct client *s, struct str bytes);
void streams_read(struct client *s, bool on);        /* does the peer read what we send? */
void streams_hangup(struct client *s);       /* the peer goes; its reference too */
void streams_echo(bool on);                  /* print what is sent to peers */
/* Count what is alive; for the end of a program. */
size_t streams_alive(void);

#endif
