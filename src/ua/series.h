/* ua/series.h -- inside ua/: requests outside of dialogs that belong together, one at a time: one Call-ID,
 * one tag, a CSeq that counts on (REGISTER, RFC 3261 10.2; PUBLISH, RFC 3903 4). Threads: the sip stack's. */
#ifndef UA_SERIES_H
#define UA_SERIES_H

#include "ua/request.h"

struct ua_series {
	struct ua *ua;
	struct ua_request *rq;          /* held: on its way; NULL: none */
	char call_id[33], tag[SIP_TAG + 1];
	uint32_t cseq;
};

struct ua_series_prm {
	enum sip_method method;
	struct str target, from, to;    /* URIs: Request-URI; From; To */
	struct str proxy;               /* URI to send to, as Route; empty: the target */
	struct str user_agent;
	int max_forwards;
	bool no_rport;
};

void ua_series_init(struct ua_series *s, struct ua *ua);
/* No more callbacks of what is on its way; the next counts on from what it reached by challenges. */
void ua_series_drop(struct ua_series *s);
/* The next request. NULL: ENOMEM. */
struct sip_out *ua_series_out(struct ua_series *s, const struct ua_series_prm *p);
/* Sends prm->out, whose reference is taken, NULL too. ENOMEM. */
int ua_series_send(struct ua_series *s, struct ua_request_prm *prm);

#endif
