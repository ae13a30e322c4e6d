/* service/call/session_out.c -- an INVITE of ours: where it goes, as whom and with which
 * headers; and changes of a call that the channel's fiber waits for. */
#define LOG_MODULE "session"
#include "pbx/dialplan.h"
#include "service/call/channel_tech.h"
#include <errno.h>

/* A call that a REFER asked for says so. */
static void write_refer_header(struct session *s, const char *variable, struct str name, struct buf *h)
{
	struct buf b = BUF_INIT;

	if (s->ch && pbx_getvar(s->svc->pbx, s->ch, str_z(variable), &b) && b.n)
		sip_write_hdr(h, name, buf_view(&b));
	buf_free(&b);
}

void session_write_request(struct session *s, struct buf *h)
{
	session_write_identity(s, h, true);
	session_write_diversion(s, h, true);
	write_refer_header(s, "SIPREFERREDBYHDR", STR("Referred-By"), h);
	write_refer_header(s, "SIPREPLACESHDR", STR("Replaces"), h);
	session_geoloc_headers(s, h);
	session_headers_put(s, h);
	session_stir_sign(s, h);
}

/* Its candidates are known. */
static void send_invite(struct session *s)
{
	ua_invite_go_on(s->iv);
}

int session_prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct session *s = arg;
	char froom[512], croom[512], vroom[128];
	struct buf from, contact, via;
	struct str user = s->ep->contact_user.n ? s->ep->contact_user : channel_tech_contact_user(s);

	(void)rq;
	buf_init(&from, froom, sizeof(froom), sizeof(froom));
	buf_init(&contact, croom, sizeof(croom), sizeof(croom));
	buf_init(&via, vroom, sizeof(vroom), sizeof(vroom));
	service_sent_by(s->svc, path, &via);
	o->via_host = sip_out_dup(o, buf_view(&via));
	service_contact(s->svc, path, user, str_istarts(o->ruri, STR("sips:")), &contact);
	o->contact = sip_out_dup(o, buf_view(&contact));
	if (session_dialog(s))
		return buf_err(&contact);
	session_write_from(s, path, &from);
	o->from = sip_out_dup(o, buf_view(&from));
	if (buf_err(&contact) || buf_err(&from))
		return buf_err(&contact) ? buf_err(&contact) : buf_err(&from);
	return session_offer_prepare(s, path) && session_ice_must_wait(s, send_invite) ? EINPROGRESS : 0;
}

int session_call(struct session *s)
{
	struct sip_out *o = service_out(s->svc, SIP_INVITE, s->ep, text_view(&s->callee.uri), STR_NULL);
	struct contact *c = s->callee.contact;
	struct ua_agree agree = c ? contact_agree(c, s->ep) : (struct ua_agree){ .server = NULL };
	int err;

	if (!o)
		return ENOMEM;
	ua_invite_set_agree(s->iv, &agree);
	if (c && c->path.n)
		o->route = sip_out_dup(o, c->path);
	channel_tech_to_header(s, o);
	if (c)
		ua_invite_set_transport(s->iv, service_transport_to(s->conf, s->ep, c->txp, c->uri));
	session_geoloc_prepare(s);
	session_called_party(s);
	err = ua_invite_call(s->iv, o, c && c->has_flow && net_is_stream(c->flow.proto) ? &c->flow : NULL);
	obj_drop(o);
	return err;
}

#define REFRESH_WAIT_MS 40000   /* longer than timer B and one challenge */

int session_refresh_wait(struct session *s, bool update)
{
	struct channel *ch = s->ch;
	int err = ua_invite_refresh(s->iv, update);

	obj_hold(s);            /* the channel may get another one meanwhile */
	while (!err && fiber_self() && ua_invite_refreshing(s->iv)) {
		struct chan_event *e = NULL;

		err = channel_next(ch, REFRESH_WAIT_MS, &e);
		if (e)
			chan_event_free(e);
	}
	obj_drop(s);
	return err;
}
