/* pbx/originate.h -- calls that the server starts itself: the manager's
 * Originate, `channel originate`, Originate(), call files.
 * Threads: core. */
#ifndef PBX_ORIGINATE_H
#define PBX_ORIGINATE_H

#include "pbx/channel.h"

/* Why it ended; the numbers are OriginateResponse's Reason. */
enum originate_reason {
	ORIGINATE_FAILED = 0,           /* no such destination or extension, refused, hung up */
	ORIGINATE_TIMEOUT = 3 /* it only rang */, ORIGINATE_ANSWERED = 4, ORIGINATE_BUSY = 5,
	ORIGINATE_CONGESTION = 8
};

struct originate_var {
	struct str name, value;
};

struct originate_prm {                  /* all views are copied */
	struct str channel;                     /* "TECH/dest" */
	struct str app, data;                   /* what the answered channel runs ... */
	struct str context, exten;              /* ... or where it starts */
	int priority;                           /* 0: 1 */
	uint32_t timeout_ms;                    /* 0: 30000 */
	struct str caller_number, caller_name;
	struct str account;
	struct str codecs;
	struct str uniqueid, other_uniqueid;    /* asked for */
	const struct originate_var *vars;
	size_t nvars;
	bool early_media;                       /* start when media comes, not only when answered */
	bool tell;                              /* send OriginateResponse */
	struct str actionid;                    /* for that event */
};
/* Called once, on the core, when the channel was answered (and runs) or is over.
 * `ch` is NULL unless it was answered. */
typedef void originate_fn(void *arg, enum originate_reason reason, struct channel *ch);

/* On a fiber of its own. EINVAL no channel or nothing to run, EEXIST the
 * uniqueid is taken, ENOMEM: then `fn` is not called. */
int originate(struct pbx *p, const struct originate_prm *prm, originate_fn *fn, void *arg);

/* The same, waiting on the calling fiber. */
enum originate_reason originate_wait(struct pbx *p, const struct originate_prm *prm, int *err);

#endif
