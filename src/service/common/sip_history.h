/* service/common/sip_history.h -- the SIP messages of the last time, for `pjsip show history`.
 * Bounded: the oldest go when there are too many or they are too large. While it is off,
 * a message costs one comparison. Threads: core. */
#ifndef SERVICE_COMMON_SIP_HISTORY_H
#define SERVICE_COMMON_SIP_HISTORY_H

#include "base/list.h"
#include "net/path.h"

enum { SIP_HISTORY_ENTRIES = 10000, SIP_HISTORY_BYTES = 16 << 20 };

struct sip_history_entry {      /* obj; held by the history */
	struct list link;               /* in sip_history.entries */
	bool listed;                    /* it is still there */
	bool sent;
	unsigned number;                /* from 0; of those since the last sip_history_clear() */
	int64_t at;                     /* [s] wall */
	struct sa peer;
	struct str bytes;               /* the message; a view into p */
	char p[];
};

/* Zeroed and given to sip_history_start(): off. */
struct sip_history {
	bool on;
	unsigned next;                  /* number of the next one */
	size_t n, bytes;
	struct list entries;            /* the oldest first */
};

void sip_history_start(struct sip_history *h);
void sip_history_clear(struct sip_history *h);       /* forgets all and counts from 0 again */
/* Called while `on`. Without memory the message is left out. */
void sip_history_add(struct sip_history *h, bool sent, const struct net_path *path, struct str bytes, int64_t now);

#endif
