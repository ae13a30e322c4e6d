/* service/event/keep.h -- what keep.c writes and restore.c reads. Threads: core. */
#ifndef SERVICE_EVENT_KEEP_H
#define SERVICE_EVENT_KEEP_H

#include "service/event/private.h"
#include "store/subscription.h"

/* A row says which numbers may have been used: these and no greater ones, by the start of the program that wrote it.
 * So a NOTIFY need not wait for the disk. A row is written anew when half of what it foresees is used up, and counts
 * as so much greater for each start since that has not written it. */
enum {
	KEEP_CSEQS = 1024,
	KEEP_CSEQ_MOST = INT32_MAX - 1,         /* RFC 3261 8.1.1.5 */
	KEEP_VERSIONS = 4096,                   /* of dialog-info and rlmi: one for each state, told or not */
};
#define KEEP_VERSION_MOST (UINT32_MAX - 1)

#endif
