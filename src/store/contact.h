/* store/contact.h -- the contacts of the registrar on disk.
 * The service keeps them in memory and is the one who reads; here they are
 * written, and loaded once at start. Threads: the core's. */
#ifndef STORE_CONTACT_H
#define STORE_CONTACT_H

#include "store/store.h"

struct contact_row {
	uint64_t id;            /* of the row; 0: a new one, contact_batch_put() gives it */
	struct str aor, uri;    /* together they name the contact */
	int64_t expires;        /* [wall s]; INT64_MAX: never */
	int64_t expires_us;     /* [wall us] the same, exactly; 0: not known (an older file) */
	struct str path;        /* Path headers as they go into Route; empty: none */
	struct str user_agent, call_id;
	uint32_t cseq;
	struct str endpoint, reg_server;
	struct str via_addr;    /* of the topmost Via, as written */
	uint16_t via_port;
	struct str transport;   /* protocol the REGISTER came over: "udp", "tcp", ... */
	struct str txp;         /* symmetric_transport: name of the transport it is reached over; empty: any */
	struct str orig_uri;    /* as the phone wrote it; empty: that is `uri` */
	struct str peer;        /* "address:port" it came from */
	struct str local;       /* "address:port" it came to */
	struct str instance;    /* +sip.instance, RFC 5627; empty: none */
	uint32_t reg_id;        /* RFC 5626; 0: none */
	struct str outbound_proxy;
	uint32_t qualify_frequency;     /* [s] 0: off */
	double qualify_timeout;         /* [s] */
	bool qualify_2xx_only, authenticate_qualify, prune_on_boot;
};

struct contact_store;

/* Makes the table. Before store_start(); goes with the store. */
int contact_store_new(struct contact_store **cs, struct store *s);

/* Before store_start(). Every row, oldest first; the views live during the
 * call. A row whose fn() is not 0 ends it with that. */
typedef int contact_row_fn(void *arg, const struct contact_row *row);
int contact_store_load(struct contact_store *cs, contact_row_fn *fn, void *arg);

/* What one REGISTER changes: all of it is on disk, or nothing. */
struct contact_batch;   /* obj */
struct contact_batch *contact_batch_new(struct contact_store *cs);   /* NULL: ENOMEM */
/* Insert or replace; copies. row->id 0 is filled in, keep it for the next time. */
int contact_batch_put(struct contact_batch *b, struct contact_row *row);
int contact_batch_del(struct contact_batch *b, uint64_t id);
size_t contact_batch_count(const struct contact_batch *b);   /* of the two */
/* done(arg, 0): on disk, answer 200. Else an errno, nothing is: answer 503, and
 * the rows that contact_batch_put() gave ids to are not there. `done` may be
 * NULL. ENOBUFS: too much waits, nothing was taken. Takes its own reference. */
int contact_batch_commit(struct contact_batch *b, void (*done)(void *arg, int err), void *arg);

#endif
