/* store/subscription.h -- the subscriptions that others have here, on disk: all that remakes one after a
 * restart. The service keeps them in memory; here they are written, and loaded once at start.
 * Threads: the core's. */
#ifndef STORE_SUBSCRIPTION_H
#define STORE_SUBSCRIPTION_H

#include "store/store.h"

struct kept_subscription {
	uint64_t id;                    /* subscription_store_id() */
	struct str endpoint;
	struct str event;               /* as in the SUBSCRIBE, with its id: "presence;id=7" */
	struct str resource;            /* user part of the URI */
	struct str body;                /* content type of the states */
	bool eventlist;                 /* it is about a list of that name */
	struct str scheme, host;        /* of the URI that was subscribed to; with its parameters */
	struct str user_agent;          /* lower case */
	struct str transport;           /* that NOTIFYs leave by (symmetric_transport); empty: as the endpoint says */
	/* The dialog, as in struct sip_dialog. */
	struct str call_id, local_tag, remote_tag, local_uri, remote_uri, target, route, contact, via_host;
	uint32_t remote_cseq;
	bool secure, use_path;
	struct str proto;               /* "udp", "tcp", ...: how its last SUBSCRIBE came */
	struct str peer, local;         /* "address:port" it came from and to */
	/* None that was ever used is greater, up to the start that is counted here. */
	uint32_t local_cseq, version;
	int64_t starts;                 /* subscription_store_starts() when it was written */
	int64_t expires_us;             /* [wall us] */
	bool prune_on_boot;             /* only its connection leads there: it ends with the process */
};

struct subscription_store;

/* Makes the table. Before store_start(); goes with the store. */
int subscription_store_new(struct subscription_store **out, struct store *s);
int64_t subscription_store_starts(const struct subscription_store *ss);      /* how many loads there were; 0 before the first */
uint64_t subscription_store_id(struct subscription_store *ss);               /* of a new row */

/* Before store_start(), once a start, which is counted on disk. What has ended by `now_us`, or cannot outlive its process, is deleted first. Then every row,
 * oldest first; the views live during the call. `err`: EBADMSG, a number in it is none of ours. */
typedef int subscription_row_fn(void *arg, const struct kept_subscription *row, int err);
int subscription_store_load(struct subscription_store *ss, int64_t now_us, subscription_row_fn *fn, void *arg);

/* Insert or replace; copies. done(arg, 0): on disk, else an errno and the disk has what it had; called once, after
 * this. ENOMEM; ENOBUFS: too much waits; ECANCELED: the store has closed: then it is not called. NULL: nobody waits. */
int subscription_store_put(struct subscription_store *ss, const struct kept_subscription *row, void (*done)(void *arg, int err),
			   void *arg);
/* What fails goes with the next. */
void subscription_store_del(struct subscription_store *ss, uint64_t id);
void subscription_store_end(struct subscription_store *ss);  /* no next one will come */

#endif
