/* service/session_refresh.c -- re-INVITE and UPDATE of ours: what changes in a call that
 * is up is told by one of them, one at a time. */
#define LOG_MODULE "session"
#include "service/nat.h"
#include "service/session.h"
#include <errno.h>

#define SDP STR("application/sdp")

static void try_again(void *arg)
{
	struct session *s = arg;

	if (s->refresh_wanted)
		session_refresh(s, s->refresh_by_update);
}

/* RFC 3261 14.1: the owner of the Call-ID waits 2.1-4 s, the other up to 2 s. */
static void wait_glare(struct session *s)
{
	char tag[5];
	uint8_t r[2];
	uint64_t ms;

	sip_token(s->svc->sip, tag, 4);
	if (str_hex(str_z(tag), r, 2))
		return;
	ms = ((uint64_t)r[0] << 8 | r[1]) % 190 * 10;
	s->refresh_wanted = true;
	timer_start(s->svc->wheel, &s->glare, s->incoming ? ms : 2100 + ms, try_again, s);
}

static void refresh_done(struct session *s, struct ua_request *rq, struct sip_msg *msg)
{
	unsigned status = msg ? msg->status : 408;

	s->uac_is_refresh = false;
	if (status < 300) {
		struct str body;

		sip_dialog_refresh(s->dlg, msg);
		if (s->ep->rewrite_contact)
			nat_fix_dialog(s->dlg, msg);
		if (!s->uac_is_update)
			session_send_ack(s, s->dlg, msg, ua_request_out(rq));
		session_timer_response(s, msg);
		if (s->offer == OFFER_OURS) {
			if (sip_body(msg, SDP, &body))
				session_answer_in(s, body);
			else
				session_offer_failed(s);
		}
	} else {
		session_offer_failed(s);
		if (status == 491) {
			wait_glare(s);
		} else if (msg && session_timer_refused(s, msg)) {
			s->refresh_wanted = true;
			s->refresh_by_update = s->uac_is_update;
		}
		if ((status == 481 || status == 408) && s->ch)
			channel_hangup(s->ch, CAUSE_NORMAL);
	}
	if (s->ch)
		channel_event_simple(s->ch, CE_WAKE);
}

static void on_refresh_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct session *s = arg;

	if (msg->status < 200)
		return;
	obj_hold(s);
	if (s->uac_is_refresh) {
		refresh_done(s, rq, msg);
		if (s->refresh_wanted && !timer_running(&s->glare))
			session_refresh(s, s->refresh_by_update);
	} else if (msg->method == SIP_INVITE && msg->status < 300) {
		session_send_ack(s, s->dlg, msg, ua_request_out(rq));        /* repeated */
	}
	obj_drop(s);
}

static void on_refresh_failed(void *arg, struct ua_request *rq, int err)
{
	struct session *s = arg;

	(void)err;
	obj_hold(s);
	refresh_done(s, rq, NULL);
	obj_drop(s);
}

static int prepare_refresh(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct session *s = arg;

	(void)rq;
	(void)path;
	if (o->cseq > s->dlg->local_cseq)
		s->dlg->local_cseq = o->cseq;
	return 0;
}

int session_refresh(struct session *s, bool update)
{
	struct ua_request_prm prm = { 0 };
	char room[2048];
	struct sip_out *o;
	struct buf sdp;
	int err;

	if (s->st != SESSION_UP || !s->dlg)
		return ENOTCONN;
	if (s->uac_is_refresh || s->offer != OFFER_NONE || s->uas) {    /* one at a time (14.1) */
		s->refresh_wanted = true;
		s->refresh_by_update = update;
		return 0;
	}
	s->refresh_wanted = false;
	o = sip_dialog_request(s->dlg, update ? SIP_UPDATE : SIP_INVITE);
	if (!o)
		return ENOMEM;
	buf_put(&o->headers, service_allow());
	buf_put(&o->headers, STR("Supported: 100rel, timer, replaces, norefersub\r\n"));
	session_timer_write(s, &o->headers, true);
	session_write_identity(s, &o->headers, true);
	session_headers_write(&s->headers, &o->headers);
	buf_init(&sdp, room, sizeof(room), 0);
	err = session_offer_out(s, &sdp);
	if (!err) {
		sip_out_body(o, SDP, buf_view(&sdp));
		prm = service_request_prm(s->conf, s->ep);
		prm.out = o;
		prm.arg = prm.owner = s;
		prm.response = on_refresh_response;
		prm.failed = on_refresh_failed;
		prm.prepare = prepare_refresh;
		if (net_is_stream(s->dlg->path.proto) || s->dlg->use_path) {
			prm.path = &s->dlg->path;
			prm.prefer_path = !s->dlg->use_path;
		}
		if (s->uac)
			ua_request_detach(s->uac);
		s->uac = obj_drop(s->uac);
		s->uac_is_refresh = true;
		s->uac_is_update = update;
		text_set(&s->local_sdp, STR_NULL);
		err = ua_request_send(&s->svc->ua, &prm, &s->uac);
	}
	if (err)
		session_offer_failed(s);
	buf_free(&sdp);
	obj_drop(o);
	return err;
}

#define REFRESH_WAIT_MS 40000   /* longer than timer B and one challenge */

int session_refresh_wait(struct session *s, bool update)
{
	struct channel *ch = s->ch;
	int err = session_refresh(s, update);

	obj_hold(s);            /* the channel may get another one meanwhile */
	while (!err && fiber_self() && (s->uac_is_refresh || s->refresh_wanted)) {
		struct chan_event *e = NULL;

		err = channel_next(ch, REFRESH_WAIT_MS, &e);
		if (e)
			chan_event_free(e);
	}
	obj_drop(s);
	return err;
}
