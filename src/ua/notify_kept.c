/* The notifier of a process that has ended goes on. */
#include "ua/notify_private.h"
#include <errno.h>

int ua_notify_restore(struct ua_notify **out, struct ua *ua, const struct ua_notify_prm *prm, const struct sip_dialog_kept *k)
{
	struct ua_notify *n = ua_notify_make(ua, prm);
	struct sip_dialog_user user = { .arg = n, .request = ua_notify_on_request };
	int err;

	if (!n)
		return ENOMEM;
	n->own_dialog = n->full = true;
	n->state = UA_NOTIFY_TOLD;      /* by the process before */
	err = text_set(&n->event, prm->event);
	err = err ? err : sip_dialog_restore(&n->dlg, ua->sip, k, &user);
	err = err ? err : sip_dialog_set_via(n->dlg, prm->via_host);
	err = err ? err : sip_dialog_set_agent(n->dlg, prm->user_agent);
	ua_notify_forget_views(n);
	ua_notify_set_end(n, prm->expires_s);
	if (err)
		ua_notify_free(n);
	else
		*out = n;
	return err;
}

bool ua_notify_tell(struct ua_notify *n)
{
	bool owed = n->full && n->state == UA_NOTIFY_TOLD;

	if (owed)
		ua_notify_tell_now(n);
	return owed;
}
