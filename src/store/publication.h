/* store/publication.h -- publications (RFC 3903) on disk: ours at other servers, others' here, and what other
 * servers have said by theirs. Nobody waits for these. The service keeps them in memory; here they are
 * written, and loaded once at start. Threads: the core's. */
#ifndef STORE_PUBLICATION_H
#define STORE_PUBLICATION_H

#include "store/store.h"

/* Ours, one extension or all states of a section. */
struct kept_publication {
	uint64_t id;
	struct str section, user, target, event;        /* of the outbound-publish, as it was then */
	struct str etag;
	int64_t expires_us;             /* [wall us] */
};

/* Somebody's here. */
struct kept_taken {
	uint64_t id;
	struct str etag, event, resource, endpoint, section;
	uint32_t state;                 /* enum device_state of a phone's */
	uint32_t expires_s;             /* as granted */
	int64_t expires_us;             /* [wall us] */
};

/* What a server has said of one device or mailbox. */
struct kept_state {
	uint64_t id;
	struct str section;
	bool mailboxes;
	struct str eid, name, body;     /* whose; of what; the JSON that said it */
};

struct publication_store;

/* Makes the tables. Before store_start(); goes with the store. */
int publication_store_new(struct publication_store **out, struct store *s);

/* ..._load(): before store_start(). What has ended by `now_us` is deleted first; then every row, oldest first, the
 * views of which live during the call. `err`: EBADMSG, a number in it is none of ours.
 * ..._put(): row->id 0 gets one. Copies. ENOMEM; ENOBUFS: too much waits; ECANCELED: the store has closed. */
typedef int kept_publication_fn(void *arg, const struct kept_publication *row, int err);
int kept_publication_load(struct publication_store *ps, int64_t now_us, kept_publication_fn *fn, void *arg);
int kept_publication_put(struct publication_store *ps, struct kept_publication *row);
void kept_publication_del(struct publication_store *ps, uint64_t id);

typedef int kept_taken_fn(void *arg, const struct kept_taken *row, int err);
int kept_taken_load(struct publication_store *ps, int64_t now_us, kept_taken_fn *fn, void *arg);
int kept_taken_put(struct publication_store *ps, struct kept_taken *row);
void kept_taken_del(struct publication_store *ps, uint64_t id);

typedef int kept_state_fn(void *arg, const struct kept_state *row, int err);
int kept_state_load(struct publication_store *ps, kept_state_fn *fn, void *arg);
int kept_state_put(struct publication_store *ps, struct kept_state *row);
void kept_state_del(struct publication_store *ps, uint64_t id);
void publication_store_end(struct publication_store *ps);    /* nothing more will be deleted */

#endif
