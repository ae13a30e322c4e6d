/* service/call/transfer.h -- REFER, Replaces and 302 (RFC 3515, 3891, 5589). Threads: core. */
#ifndef SERVICE_CALL_TRANSFER_H
#define SERVICE_CALL_TRANSFER_H

#include "service/call/session.h"

/* tech->transfer: REFER when up, 302 before. */
int transfer_channel(struct channel *ch, struct str dest);
/* An INVITE with Replaces: true when it was dealt with here. */
bool transfer_replaces(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg);
/* A REFER inside a call. */
void transfer_refer(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg);

#endif
