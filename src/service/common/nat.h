/* service/common/nat.h -- rewrite_contact: putting the address that was seen into the
 * place of the one that was written (RFC 3581's idea for the rest of a dialog). */
#ifndef SERVICE_COMMON_NAT_H
#define SERVICE_COMMON_NAT_H

#include "service/common/service.h"

/* `uri` with host, port and transport of `path`. *out stays empty when nothing differs. */
int nat_rewrite_uri(const struct sip_uri *uri, const struct net_path *path, struct text *out);
/* The dialog's view of the peer after a message came by `path`: its first route
 * when there is a Record-Route, else its target. */
int nat_fix_dialog(struct sip_dialog *d, const struct sip_msg *msg);

#endif
