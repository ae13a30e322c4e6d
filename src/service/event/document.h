/* service/event/document.h -- documents that phones publish of themselves: the state of a device that they
 * come to. Threads: any. */
#ifndef SERVICE_EVENT_DOCUMENT_H
#define SERVICE_EVENT_DOCUMENT_H

#include "pbx/devstate.h"

enum { DOCUMENT_BYTES = 32768, DOCUMENT_DEPTH = 32 };

/* DEV_UNKNOWN: it says nothing that is understood. EBADMSG: it is none such, or not within the bounds. */
typedef int document_fn(struct str body, enum device_state *s);
/* PIDF (RFC 3863) with activities (RFC 4480): on-the-phone is INUSE, busy and the like BUSY; without these an
 * open tuple is NOT_INUSE, none but closed ones UNAVAILABLE. */
document_fn document_presence;
/* dialog-info (RFC 4235), all dialogs of it together; none is NOT_INUSE. */
document_fn document_dialogs;

#endif
