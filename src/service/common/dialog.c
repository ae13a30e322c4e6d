#include "service/common/dialog.h"
#include "service/common/nat.h"

int service_dialog_uas(struct service *svc, const struct endpoint *ep, struct sip_server_tx *tx, const struct sip_msg *msg,
		       const struct sip_dialog_user *user, struct sip_dialog **out)
{
	struct sip_dialog *d;
	char room[512];
	struct buf b;
	int err;

	buf_init(&b, room, sizeof(room), sizeof(room));
	service_contact(svc, &tx->path, ep->contact_user, sip_uri_is_sips(&msg->ruri), &b);
	err = buf_err(&b);
	if (!err)
		err = sip_dialog_new_uas(out, tx, buf_view(&b), user);
	if (err)
		return err;
	d = *out;
	buf_reset(&b);
	service_sent_by(svc, &tx->path, &b);
	err = sip_dialog_set_via(d, buf_view(&b));
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
