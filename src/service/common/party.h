/* service/common/party.h -- how a From or To is shown to the dialplan. Threads: any. */
#ifndef SERVICE_PARTY_H
#define SERVICE_PARTY_H

#include "base/buf.h"
#include "sip/uri.h"

/* `a` is `value`, read. As Asterisk shows it: 19.1.1 of RFC 3261 allows neither a port there nor parameters that say how
 * to get somewhere; the tag comes before other parameters. */
void service_put_party(struct buf *b, const struct sip_addr *a, struct str value);

#endif
