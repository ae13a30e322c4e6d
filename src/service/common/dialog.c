/* What an endpoint's options make of a dialog. */
#include "service/common/dialog.h"

int service_dialog_names(struct service *svc, const struct endpoint *ep, const struct net_path *path, bool sips,
			 struct buf *contact, struct buf *via)
{
	service_contact(svc, path, ep->contact_user, sips, contact);
	service_sent_by(svc, path, via);
	return buf_err(contact) ? buf_err(contact) : buf_err(via);
}
