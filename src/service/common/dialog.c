#include "service/common/dialog.h"
#include "service/common/nat.h"

int service_dialog_names(struct service *svc, const struct endpoint *ep, const struct net_path *path, bool sips,
			 struct buf *contact, struct buf *via)
{
	service_contact(svc, path, ep->contact_user, sips, contact);
	service_sent_by(svc, path, via);
	return buf_err(contact) ? buf_err(contact) : buf_err(via);
}

int service_dialog_uas(struct service *svc, const struct endpoint *ep, struct sip_server_tx *tx, const struct sip_msg *msg,
		       const struct sip_dialog_user *user, struct sip_dialog **out)
{
	char contact_room[512], via_room[512];
	struct buf contact, via;
	struct sip_dialog *d;
	int err;

	buf_init(&contact, contact_room, sizeof(contact_room), sizeof(contact_room));
	buf_init(&via, via_room, sizeof(via_room), sizeof(via_room));
	err = service_dialog_names(svc, ep, &tx->path, sip_uri_is_sips(&msg->ruri), &contact, &via);
	if (!err)
		err = sip_dialog_new_uas(out, tx, buf_view(&contact), user);
	if (err)
		return err;
	d = *out;
	err = sip_dialog_set_via(d, buf_view(&via));
	if (!err)
		err = sip_dialog_set_agent(d, text_view(&svc->user_agent));
	if (!err && ep->rewrite_contact)
		err = nat_fix_dialog(d, msg);
	return err;
}

struct ua_request_prm service_dialog_prm(const struct sip_dialog *d, struct sip_out *o, struct snapshot *conf,
				      const struct endpoint *ep)
{
	struct ua_request_prm prm = service_request_prm(conf, ep);

	prm.out = o;
	o->max_forwards = (int)conf->global->max_forwards;
	if (net_is_stream(d->path.proto) || d->use_path) {
		prm.path = &d->path;
		prm.prefer_path = !d->use_path;
	}
	return prm;
}

void service_dialog_cseq(struct sip_dialog *d, const struct sip_out *o)
{
	if (o->cseq > d->local_cseq)
		d->local_cseq = o->cseq;
}
