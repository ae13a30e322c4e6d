/* service/common/dialog.h -- what we are called in the dialogs of calls and subscriptions.
 * Threads: core. */
#ifndef SERVICE_COMMON_DIALOG_H
#define SERVICE_COMMON_DIALOG_H

#include "service/common/request.h"

/* What we are called in a dialog with whoever came by `path`: our Contact (`sips`: as such
 * a URI), and the sent-by of our Via. */
int service_dialog_names(struct service *svc, const struct endpoint *ep, const struct net_path *path, bool sips,
			 struct buf *contact, struct buf *via);

#endif
