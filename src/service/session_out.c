/* service/session_out.c -- what we ask of the peer: INVITE and any request inside the
 * dialog; re-INVITE and UPDATE are session_refresh.c's. What it asks is in session_in.c. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "service/channel_tech.h"
#include "service/dialog.h"
#include "service/nat.h"
#include "service/session.h"
#include <errno.h>
#include <stdlib.h>

#define SDP STR("application/sdp")

/* ---- INVITE --------------------------------------------------------------------------- */

/* A call that a REFER asked for says so. */
static void write_refer_header(struct session *s, const char *variable, struct str name, struct buf *h)
{
	struct buf b = BUF_INIT;

	if (s->ch && pbx_getvar(s->svc->pbx, s->ch, str_z(variable), &b) && b.n)
		sip_write_hdr(h, name, buf_view(&b));
	buf_free(&b);
}

static void write_invite_headers(struct session *s, struct sip_out *o)
{
	buf_reset(&o->headers);
	buf_put(&o->headers, service_allow());
	buf_put(&o->headers, STR("Supported: "));
	if (s->ep->rel100 != REL100_NO)
		buf_put(&o->headers, STR("100rel, "));
	buf_put(&o->headers, STR("timer, replaces, norefersub, histinfo\r\n"));
	if (s->ep->rel100 == REL100_REQUIRED)
		buf_put(&o->headers, STR("Require: 100rel\r\n"));
	session_timer_write(s, &o->headers, true);
	session_write_identity(s, &o->headers, true);
	session_write_diversion(s, &o->headers, true);
	write_refer_header(s, "SIPREFERREDBYHDR", STR("Referred-By"), &o->headers);
	write_refer_header(s, "SIPREPLACESHDR", STR("Replaces"), &o->headers);
	session_headers_write(&s->headers, &o->headers);
}

/* The way is known now: dialog, From, Contact and offer can be written. On a
 * second try (credentials, next address) only what depends on the way changes. */
static int prepare_invite(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct session *s = arg;
	struct sip_dialog_user user = { s, session_dialog_request, session_dialog_ack, .owner = s };
	char froom[512], croom[512], vroom[128], sroom[2048];
	struct buf from, contact, via, sdp;
	int err;
	struct str cuser = s->ep->contact_user.n ? s->ep->contact_user : channel_tech_contact_user(s);

	buf_init(&from, froom, sizeof(froom), sizeof(froom));
	buf_init(&contact, croom, sizeof(croom), sizeof(croom));
	buf_init(&via, vroom, sizeof(vroom), sizeof(vroom));
	buf_init(&sdp, sroom, sizeof(sroom), 0);
	s->uac = rq;
	service_sent_by(s->svc, path, &via);
	o->via_host = sip_out_dup(o, buf_view(&via));
	service_contact(s->svc, path, cuser, str_istarts(o->ruri, STR("sips:")), &contact);
	if (s->dlg) {
		s->dlg->local_cseq = o->cseq;
		o->contact = sip_out_dup(o, buf_view(&contact));
		return 0;
	}
	session_write_from(s, path, &from);
	if (s->to_params.n || s->to_uri_params.n)
		o->to = arena_printf(o->arena, "<%.*s%s>%s", STR_ARG(o->ruri), text_z(&s->to_uri_params),
				     text_z(&s->to_params));
	err = sip_dialog_new_uac(&s->dlg, s->svc->sip, o, buf_view(&from), o->to, buf_view(&contact), &user);
	if (!err)
		err = sip_dialog_set_agent(s->dlg, text_view(&s->svc->user_agent));
	if (err)
		return err;
	s->dlg->path = *path;
	write_invite_headers(s, o);
	err = session_offer_out(s, &sdp);
	if (!err)
		sip_out_body(o, SDP, buf_view(&sdp));
	buf_free(&sdp);
	/* Who may speak nothing calls without an offer: the peer makes one. */
	if (!err || (s->neg && !neg_count(s->neg) && err == EINVAL))
		return 0;
	sip_dialog_close(s->dlg);
	s->dlg = obj_drop(s->dlg);      /* another address begins anew */
	return err;
}

void session_send_ack(struct session *s, struct sip_dialog *d, const struct sip_msg *msg, const struct sip_out *invite)
{
	struct sip_out *o = sip_dialog_ack(d, invite->cseq);
	struct ua_request_prm prm = { 0 };

	if (!o)
		return;
	o->max_forwards = (int)s->conf->global->max_forwards;
	/* No transaction (13.2.2.4): it goes where the 2xx came from, unless routes say else. */
	if (invite->auth.n)
		o->auth = sip_out_dup(o, invite->auth);
	prm = service_request_prm(s->conf, s->ep);
	prm.out = o;
	prm.path = net_is_stream(msg->from_path.proto) ? &msg->from_path : NULL;
	prm.prefer_path = true;
	service_send_ack(s->svc, &prm);
	obj_drop(o);
}

/* A second 2xx, from another fork: we want one call only (13.2.2.4). */
static void end_fork(struct session *s, struct sip_dialog *fork, const struct sip_msg *msg, const struct sip_out *invite)
{
	struct ua_request_prm prm = { 0 };
	struct sip_out *bye;

	session_send_ack(s, fork, msg, invite);
	bye = sip_dialog_request(fork, SIP_BYE);
	if (bye) {
		prm = service_request_prm(s->conf, s->ep);
		prm.out = bye;
		ua_request_send(&s->svc->ua, &prm, NULL);
		obj_drop(bye);
	}
	sip_dialog_close(fork);
}

static void tell(struct session *s, enum chan_event_type t)
{
	if (s->ch)
		channel_event_simple(s->ch, t);
}

/* 0, or the status why the answer cannot be used. Only the first of each dialog counts. */
static unsigned take_sdp(struct session *s, const struct sip_msg *msg)
{
	struct str body;
	unsigned status;

	if (s->offer != OFFER_OURS || !sip_body(msg, SDP, &body))
		return 0;
	status = session_answer_in(s, body);
	if (!status)
		s->early_media = true;
	return status;
}

static void on_provisional(struct session *s, struct sip_msg *msg)
{
	bool sdp = msg->content_type.n && sip_body(msg, SDP, &(struct str){ 0 });

	if (msg->to.tag.n)
		sip_dialog_response(s->dlg, msg, NULL);
	session_reliable_response(s, msg);
	if (sdp)
		take_sdp(s, msg);
	session_identity_came(s, msg);
	if (msg->status == 180) {
		tell(s, CE_RINGING);
		if (sdp)
			tell(s, CE_PROGRESS);
		if (s->ch)
			session_channel_state(s, CHAN_RINGING);
	} else if (msg->status == 183) {
		if (sdp || !s->ep->ignore_183_without_sdp)
			tell(s, CE_PROGRESS);
	} else if (msg->status == 181) {
		if (session_read_redirecting(s, msg))
			session_tell_redirecting(s);
	} else {
		tell(s, CE_PROCEEDING);
	}
}

static void on_answered(struct session *s, struct sip_msg *msg, const struct sip_out *invite)
{
	unsigned status;

	sip_dialog_response(s->dlg, msg, NULL);
	if (s->ep->rewrite_contact)
		nat_fix_dialog(s->dlg, msg);
	session_send_ack(s, s->dlg, msg, invite);
	if (s->st == SESSION_ENDED) {           /* our CANCEL came too late */
		struct sip_out *bye = sip_dialog_request(s->dlg, SIP_BYE);

		if (bye) {
			session_send(s, bye, NULL, NULL);
			obj_drop(bye);
		}
		return;
	}
	s->st = SESSION_UP;
	status = take_sdp(s, msg);
	session_timer_response(s, msg);
	if (status || s->offer == OFFER_OURS) {
		log_notice("'%.*s' answered without a usable SDP; ending the call", STR_ARG(s->ep->name));
		session_offer_failed(s);
		if (s->ch) {
			struct channel *ch = s->ch;

			tell(s, CE_ANSWER);
			channel_event_hangup(ch, CAUSE_BEARER_NOT_AVAILABLE);
		}
		return;
	}
	session_identity_came(s, msg);
	session_channel_state(s, CHAN_UP);
	/* The caller became another while it rang. */
	if (s->ch && session_may_tell_line(s) && !party_same(&s->told, &s->ch->connected))
		session_refresh(s, s->ep->connected_line_method == REFRESH_UPDATE);
	tell(s, CE_ANSWER);
}

/* 3xx: where to, in the words that redirect_method asks for. */
static void on_redirect(struct session *s, struct sip_msg *msg)
{
	struct chan_event *e = chan_event_new(CE_FORWARD);
	struct sip_each it = { 0 };
	struct sip_addr a;
	char room[256];
	struct str v;

	if (!s->ch || !e || !sip_each(msg, SIP_H_CONTACT, &it, &v) || sip_addr_parse(&a, v)) {
		if (e)
			chan_event_free(e);
		session_peer_ended(s, session_cause_of_msg(msg), msg->status);
		return;
	}
	session_read_redirecting(s, msg);
	if (s->ep->redirect_method == REDIRECT_USER)
		text_set(&e->text, session_exten(s->conf, &a.uri, room, sizeof(room)));
	else
		text_printf(&e->text, "PJSIP/%.*s/%.*s", STR_ARG(s->ep->name), STR_ARG(a.uri_text));
	channel_event(s->ch, e);
}

static void invite_over(struct session *s)
{
	if (s->st == SESSION_ENDED && s->dlg)
		sip_dialog_close(s->dlg);
	if (s->uac_held) {
		s->uac_held = false;
		obj_drop(s);
	}
}

static void on_invite_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct session *s = arg;
	struct sip_dialog *fork = NULL;
	bool repeated = s->uac_sdp_done;

	obj_hold(s);
	obj_drop(s->last_response);
	s->last_response = obj_hold(msg);
	if (msg->status < 200) {
		if (s->st == SESSION_INVITING)
			on_provisional(s, msg);
		goto out;
	}
	if (msg->status < 300) {
		if (repeated) {
			sip_dialog_response(s->dlg, msg, &fork);
			if (fork)
				end_fork(s, fork, msg, ua_request_out(rq));
			else
				session_send_ack(s, s->dlg, msg, ua_request_out(rq));
			obj_drop(fork);
			goto out;
		}
		if (s->dlg->remote_tag.n && !str_eq(s->dlg->remote_tag, msg->to.tag)) {
			/* Early dialog with one fork, answer from another: this one counts. */
			if (sip_dialog_response(s->dlg, msg, &fork) == 0 && fork) {
				sip_dialog_close(s->dlg);
				obj_drop(s->dlg);
				s->dlg = fork;
			}
		}
		on_answered(s, msg, ua_request_out(rq));
		s->uac_sdp_done = true;
		invite_over(s);
		goto out;
	}
	if (s->st == SESSION_INVITING && session_timer_refused(s, msg) && ua_request_again(rq)) {
		write_invite_headers(s, ua_request_out(rq));
		goto out;
	}
	session_offer_failed(s);
	if (s->st == SESSION_INVITING) {
		s->st = SESSION_NEW;    /* nothing left to cancel */
		if (msg->status < 400)
			on_redirect(s, msg);
		else
			session_peer_ended(s, session_cause_of_msg(msg), msg->status);
	}
	invite_over(s);
 out:
	obj_drop(s);
}

static void on_invite_failed(void *arg, struct ua_request *rq, int err)
{
	struct session *s = arg;

	(void)rq;
	obj_hold(s);
	session_offer_failed(s);
	if (s->st == SESSION_INVITING) {
		s->st = SESSION_NEW;
		log_notice("INVITE to '%.*s' failed: %s", STR_ARG(s->ep->name), strerror(err));
		session_peer_ended(s, err == ETIMEDOUT ? CAUSE_NO_RESPONSE : CAUSE_NO_ROUTE,
				   err == ETIMEDOUT ? 408 : 503);
	}
	invite_over(s);
	obj_drop(s);
}

int session_call(struct session *s)
{
	struct sip_out *o = service_out(s->svc, SIP_INVITE, s->ep, text_view(&s->target), STR_NULL);
	struct ua_request_prm prm = { 0 };
	int err;

	if (!o)
		return ENOMEM;
	if (s->contact && s->contact->path.n)
		o->route = sip_out_dup(o, s->contact->path);
	channel_tech_to_header(s, o);
	prm = service_request_prm(s->conf, s->ep);
	prm.out = o;
	prm.transport = text_view(&s->transport);
	prm.arg = prm.owner = s;
	prm.response = on_invite_response;
	prm.failed = on_invite_failed;
	prm.prepare = prepare_invite;
	if (s->contact && s->contact->has_flow && net_is_stream(s->contact->flow.proto)) {
		prm.path = &s->contact->flow;
		prm.prefer_path = true;
	}
	s->st = SESSION_INVITING;
	s->uac = NULL;
	err = ua_request_send(&s->svc->ua, &prm, &s->uac);
	if (!err) {
		s->uac_held = true;
		obj_hold(s);
	}
	obj_drop(o);
	return err;
}

/* ---- requests inside the dialog ----------------------------------------------------------- */

struct in_dialog {
	struct session *s;      /* held */
	session_done_fn *fn;
	void *arg;
	struct sip_dialog *dlg; /* held */
};

static void in_dialog_done(struct in_dialog *d, struct ua_request *rq, const struct sip_msg *msg)
{
	struct session *s = d->s;

	if (d->fn)
		d->fn(s, msg, d->arg);
	/* 12.2.1.2: the peer knows no such dialog; there is no call any more. */
	if ((!msg || msg->status == 481 || msg->status == 408) && s->ch && s->st == SESSION_UP)
		channel_hangup(s->ch, CAUSE_NORMAL);
	obj_drop(rq);
	obj_drop(d->dlg);
	obj_drop(s);
	free(d);
}

static void in_dialog_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	if (msg->status >= 200)
		in_dialog_done(arg, rq, msg);
}

static void in_dialog_failed(void *arg, struct ua_request *rq, int err)
{
	(void)err;
	in_dialog_done(arg, rq, NULL);
}

static int in_dialog_prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct in_dialog *d = arg;

	(void)rq;
	(void)path;
	service_dialog_cseq(d->dlg, o);
	return 0;
}

struct deferred {
	struct list link;
	struct sip_out *o;      /* held */
	session_done_fn *fn;
	void *arg;
};

static int defer(struct session *s, struct sip_out *o, session_done_fn *fn, void *arg)
{
	struct deferred *d = malloc(sizeof(*d));

	if (!d)
		return ENOMEM;
	*d = (struct deferred){ .o = obj_hold(o), .fn = fn, .arg = arg };
	list_append(&s->deferred, &d->link);
	return 0;
}

static int send_now(struct session *s, struct sip_out *o, session_done_fn *fn, void *arg);

void session_deferred_free(struct session *s)
{
	list_each_safe(p, next, &s->deferred) {
		struct deferred *d = container_of(p, struct deferred, link);

		list_remove(&d->link);
		obj_drop(d->o);
		free(d);
	}
}

void session_acked(struct session *s)
{
	list_each_safe(p, next, &s->deferred) {
		struct deferred *d = container_of(p, struct deferred, link);

		list_remove(&d->link);
		send_now(s, d->o, d->fn, d->arg);
		obj_drop(d->o);
		free(d);
	}
	if (s->refresh_wanted && s->st == SESSION_UP && !timer_running(&s->glare))
		session_refresh(s, s->refresh_by_update);
}

/* The peer is sure of the dialog only when it has our 2xx, and many a phone
 * refuses what comes before its ACK went out. */
int session_send(struct session *s, struct sip_out *o, session_done_fn *fn, void *arg)
{
	if (s->uas && s->uas->status >= 200 && s->st == SESSION_UP)
		return defer(s, o, fn, arg);
	return send_now(s, o, fn, arg);
}

static int send_now(struct session *s, struct sip_out *o, session_done_fn *fn, void *arg)
{
	struct in_dialog *d = malloc(sizeof(*d));
	struct ua_request_prm prm = { 0 };
	struct ua_request *rq;
	int err;

	if (!d)
		return ENOMEM;
	*d = (struct in_dialog){ obj_hold(s), fn, arg, obj_hold(s->dlg) };
	prm = service_dialog_prm(s->dlg, o, s->conf, s->ep);
	prm.arg = d;
	prm.response = in_dialog_response;
	prm.failed = in_dialog_failed;
	prm.prepare = in_dialog_prepare;
	err = ua_request_send(&s->svc->ua, &prm, &rq);
	if (err) {
		obj_drop(d->dlg);
		obj_drop(d->s);
		free(d);
	}
	return err;
}
