/* service/common/dialog.h -- what calls and subscriptions share: a dialog as an endpoint's
 * options want it, and the way of requests in it. Threads: core. */
#ifndef SERVICE_COMMON_DIALOG_H
#define SERVICE_COMMON_DIALOG_H

#include "service/common/request.h"

/* What we are called in a dialog with whoever came by `path`: our Contact (`sips`: as such
 * a URI), and the sent-by of our Via. */
int service_dialog_names(struct service *svc, const struct endpoint *ep, const struct net_path *path, bool sips,
			 struct buf *contact, struct buf *via);
/* Of a request that makes one: our Contact and Via, and the peer's real address with
 * rewrite_contact. On an error *d may be there already: the caller's to close. */
int service_dialog_uas(struct service *svc, const struct endpoint *ep, struct sip_server_tx *tx, const struct sip_msg *msg,
		       const struct sip_dialog_user *user, struct sip_dialog **d);
/* `o`, made by sip_dialog_request(), on its way; callbacks are the caller's. */
struct ua_request_prm service_dialog_prm(const struct sip_dialog *d, struct sip_out *o, struct snapshot *conf,
				      const struct endpoint *ep);
/* For prm.prepare: a request that answered a challenge took another CSeq. */
void service_dialog_cseq(struct sip_dialog *d, const struct sip_out *o);

#endif
