/* service/call/session_t38_private.h -- what session_t38*.c share. Threads: core. */
#ifndef SERVICE_CALL_SESSION_T38_PRIVATE_H
#define SERVICE_CALL_SESSION_T38_PRIVATE_H

#include "pbx/t38.h"
#include "service/call/session_t38.h"

/* A stream as it was before the fax. */
struct t38_before {
	enum media_type type;
	bool active;
	struct formats formats;
};

struct session_t38 {            /* owned by its session; made when T.38 is first heard of */
	enum session_t38_state state;
	struct t38_parameters ours, theirs;
	enum udptl_ec ec;
	uint8_t entries;                /* of redundancy or FEC; less than configured where datagrams are short */
	unsigned far_max;               /* [bytes] T38FaxMaxDatagram of the peer, or t38_udptl_maxdatagram; 0: not said */
	bool offered;                   /* LOCAL: our offer of it is out */
	bool back;                      /* our next offer leads back to sound */
	struct timer patience;          /* PEER: refused at its end */
	unsigned (*without)(struct session *s); /* PEER: as session_t38_must_wait() got it */
	struct loop_call ask;           /* PEER: the channel is asked */
	bool asking;
	struct t38_before before[SDP_MAX_MEDIA];
	size_t nbefore;
};

static inline bool session_t38_allowed(const struct session *s)
{
	return s->ep->t38_udptl && !s->svc->calls.no_t38;
}

#endif
