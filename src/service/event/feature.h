/* service/event/feature.h -- what the user of a phone has set at it: do not disturb, and forwarding (event
 * as-feature-event, as BroadWorks and Cisco have it; bodies are services for CSTA, ECMA-323). Kept in the
 * database under the families that dialplans of FreePBX's kind read: DND/NAME is "YES", CF/NAME, CFB/NAME
 * and CFU/NAME a number, and CFU/NAME/rings how often it rings before; NAME is the endpoint's. What is off is
 * not there. Threads: core. */
#ifndef SERVICE_EVENT_FEATURE_H
#define SERVICE_EVENT_FEATURE_H

#include "service/common/service.h"

enum feature { FEATURE_DND, FEATURE_FORWARD, FEATURE_FORWARD_BUSY, FEATURE_FORWARD_NO_ANSWER, FEATURES };

/* False: it is off. *value lives until the database changes. */
bool feature_get(const struct service *svc, struct str endpoint, enum feature f, struct str *value);
/* Empty: off. Whoever watches is told. EINVAL: no number; errors of astdb_put(). */
int feature_set(struct service *svc, struct str endpoint, enum feature f, struct str value);

/* feature_read.c: what the body of a SUBSCRIBE asks for. */
#define FEATURE_BODY_MAX 4096
#define FEATURE_NUMBER_MAX 64
struct feature_request {
	enum feature f;
	bool on;
	char number[FEATURE_NUMBER_MAX + 1];    /* digits, letters and + * # . _ - only: dialplans put it into Dial() */
	uint32_t rings;                         /* before an unanswered call is forwarded; 0: not said */
};
/* EBADMSG: nothing that is understood, a number with other characters, or none where one must be. */
int feature_read(struct feature_request *r, struct str body);
/* Its digits without the blanks, brackets and dashes that people write, into room of `size` bytes. EINVAL: other characters, or too long. */
int feature_number(struct str text, char *room, size_t size);

/* PHONE_FEATURE(endpoint,dnd|cf|cfb|cfu) */
int func_phone_feature_read(struct pbx *p, struct channel *ch, struct str args, struct buf *out);
int func_phone_feature_write(struct pbx *p, struct channel *ch, struct str args, struct str value);

#endif
