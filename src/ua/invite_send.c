/* Requests of ours in the dialog of an INVITE session, and the time for them. */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

struct ua_request_prm ua_invite_request_prm(const struct ua_invite *iv, const struct sip_dialog *d, struct sip_out *o)
{
	struct ua_request_prm prm = iv->prm.request;

	prm.out = o;
	prm.path = NULL;
	prm.secure = d && d->secure;
	o->max_forwards = iv->prm.max_forwards;
	o->no_rport |= iv->prm.no_rport;
	if (d && (net_is_stream(d->path.proto) || d->use_path)) {
		prm.path = &d->path;
		prm.prefer_path = !d->use_path;
	}
	return prm;
}

/* ---- one request ----------------------------------------------------------------------- */

struct in_dialog {
	struct ua_invite *iv;   /* held */
	struct sip_dialog *dlg; /* held */
	struct ua_done done;
};

static void in_dialog_free(struct in_dialog *d)
{
	obj_drop(d->dlg);
	obj_drop(d->iv);
	free(d);
}

/* `err`: no answer came. One that a cut connection kept says nothing about the dialog. */
static void in_dialog_done(struct in_dialog *d, struct ua_request *rq, struct sip_msg *msg, int err)
{
	struct ua_invite *iv = d->iv;

	if (d->done.fn && iv->prm.user)
		d->done.fn(iv->prm.arg, msg);
	if (d->done.own)
		d->done.own(iv, msg ? msg->status : 0);
	/* 12.2.1.2: the peer knows no such dialog; there is no call any more. */
	if (((!msg && !(iv->ua->way && err == ENOTCONN)) || (msg && (msg->status == 481 || msg->status == 408))) && iv->state == UA_INVITE_UP && d->dlg == iv->dlg)
		ua_invite_ended(iv, UA_END_GONE, msg, 0);
	obj_drop(rq);
	in_dialog_free(d);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	if (msg->status >= 200)
		in_dialog_done(arg, rq, msg, 0);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	in_dialog_done(arg, rq, NULL, err);
}

/* One that answered a challenge took another CSeq. */
static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct in_dialog *d = arg;

	(void)rq;
	(void)path;
	if (o->cseq > d->dlg->local_cseq)
		d->dlg->local_cseq = o->cseq;
	return 0;
}

int ua_invite_send_in(struct ua_invite *iv, struct sip_dialog *dlg, struct sip_out *o, struct ua_done done)
{
	struct in_dialog *d = malloc(sizeof(*d));
	struct ua_request_prm prm = ua_invite_request_prm(iv, dlg, o);
	struct ua_request *rq;
	int err;

	if (!d)
		return ENOMEM;
	*d = (struct in_dialog){ obj_hold(iv), obj_hold(dlg), done };
	prm.arg = d;
	prm.response = on_response;
	prm.failed = on_failed;
	prm.prepare = prepare;
	err = ua_request_send(iv->ua, &prm, &rq);
	if (err)
		in_dialog_free(d);
	return err;
}

void ua_invite_send_ack(struct ua_invite *iv, struct sip_dialog *d, const struct sip_msg *msg,
			const struct sip_out *invite, struct str body)
{
	struct sip_out *o = sip_dialog_ack(d, invite->cseq);
	struct ua_request_prm prm;

	if (!o)
		return;
	if (invite->auth.n)
		o->auth = sip_out_dup(o, invite->auth);
	if (body.n)
		sip_out_body(o, ua_invite_body_type(iv), body);
	prm = ua_invite_request_prm(iv, NULL, o);
	prm.secure = d->secure;
	/* No transaction (13.2.2.4): it goes where the 2xx came from, unless routes say else. */
	prm.path = net_is_stream(msg->from_path.proto) ? &msg->from_path : NULL;
	prm.prefer_path = true;
	if (ua_request_send(iv->ua, &prm, NULL))
		log_error("out of memory: an ACK is not sent");
	obj_drop(o);
}

void ua_invite_bye(struct ua_invite *iv, struct sip_dialog *d, struct str headers)
{
	struct sip_out *o = sip_dialog_request(d, SIP_BYE);

	if (!o)
		return;
	buf_put(&o->headers, headers);
	if (iv->leave.type.n)
		sip_out_body(o, text_view(&iv->leave.type), text_view(&iv->leave.body));
	ua_invite_send_in(iv, d, o, (struct ua_done){ 0 });
	obj_drop(o);
}

/* ---- what has to wait --------------------------------------------------------------------- */

static int defer(struct ua_invite *iv, struct sip_out *o, struct ua_done done)
{
	struct ua_deferred *d = malloc(sizeof(*d));

	if (!d)
		return ENOMEM;
	*d = (struct ua_deferred){ .o = obj_hold(o), .done = done };
	list_append(&iv->deferred, &d->link);
	return 0;
}

/* The peer is sure of the dialog only when it has our 2xx, and many a phone refuses what
 * comes before its ACK went out. */
static int send_in_time(struct ua_invite *iv, struct sip_out *o, struct ua_done done)
{
	if (!iv->dlg || iv->state == UA_INVITE_OVER)
		return ENOTCONN;
	if (iv->uas && iv->uas->status >= 200)
		return defer(iv, o, done);
	return ua_invite_send_in(iv, iv->dlg, o, done);
}

int ua_invite_send(struct ua_invite *iv, struct sip_out *o, ua_invite_done_fn *fn)
{
	return send_in_time(iv, o, (struct ua_done){ .fn = fn });
}

int ua_invite_send_own(struct ua_invite *iv, struct sip_out *o, ua_own_done_fn *fn)
{
	return send_in_time(iv, o, (struct ua_done){ .own = fn });
}
