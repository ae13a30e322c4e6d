/* service/session.c -- birth and end of a session, and what causes mean. What comes
 * in between is in session_in.c and session_out.c. */
#define LOG_MODULE "session"
#include "service/session.h"
#include "base/log.h"
#include "service/channel_tech.h"
#include <stdio.h>
#include <stdlib.h>

static void session_free(void *arg)
{
	struct session *s = arg;

	session_detach(s);
	session_deferred_free(s);
	obj_drop(s->dlg);
	obj_drop(s->invite);
	obj_drop(s->last_response);
	obj_drop(s->sent_on);
	obj_drop(s->uac);
	obj_drop(s->ack);
	obj_drop(s->contact);
	obj_drop(s->neg);
	share_close(&s->account);
	obj_drop(s->conf);
	party_free(&s->id);
	party_free(&s->told);
	text_free(&s->target);
	text_free(&s->request_user);
	text_free(&s->transport);
	text_free(&s->local_sdp);
	text_free(&s->media_address_text);
	text_free(&s->from_params);
	text_free(&s->from_uri_params);
	text_free(&s->to_params);
	text_free(&s->to_uri_params);
	session_headers_free(&s->headers);
	session_headers_free(&s->response_headers);
}

int session_new(struct service *svc, struct snapshot *conf, const struct endpoint *ep, struct session **out)
{
	struct session *s = obj_new(sizeof(*s), session_free);

	if (!s)
		return ENOMEM;
	s->svc = svc;
	s->conf = obj_hold(conf);
	s->ep = ep;
	s->dtmf_mode = ep->dtmf_mode;
	list_init(&s->headers);
	list_init(&s->response_headers);
	list_init(&s->rel_queue);
	list_init(&s->deferred);
	list_init(&s->by_endpoint);
	s->state_of = endpoint_state_get(svc, ep->name, true);
	list_append(&svc->sessions, &s->link);
	if (s->state_of) {
		list_append(&s->state_of->sessions, &s->by_endpoint);
		s->state_of->channels++;
	}
	*out = s;
	return 0;
}

struct session *session_of_channel(struct channel *ch)
{
	return ch && ch->tech == &pjsip_tech && ch->pvt ? SESSION_OF(ch) : NULL;
}

void session_channel_state(struct session *s, enum channel_state st)
{
	bool ringing = st == CHAN_RINGING || (st == CHAN_RING && !s->incoming);
	bool up = st == CHAN_UP || (st == CHAN_RING && s->incoming) || st == CHAN_DIALING;
	struct endpoint_state *e = s->state_of;

	if (!e)
		return;
	e->ringing += (unsigned)ringing - (unsigned)s->ringing_counted;
	e->inuse += (unsigned)up - (unsigned)s->up_counted;
	s->ringing_counted = ringing;
	s->up_counted = up;
	endpoint_changed(s->svc, s->ep->name);
}

/* ---- causes: RFC 3398 7.2.4.1 and 8.2.6.1, as Asterisk's users are used to them ---- */

static const struct { uint16_t cause, status; } to_status[] = {
	{ 1, 404 }, { 2, 404 }, { 3, 404 }, { 17, 486 }, { 18, 408 }, { 19, 480 }, { 20, 480 }, { 21, 403 },
	{ 22, 410 }, { 23, 302 }, { 27, 502 }, { 28, 484 }, { 29, 501 }, { 31, 480 }, { 34, 503 }, { 38, 500 },
	{ 42, 503 }, { 58, 488 }, { 66, 503 }, { 127, 500 },
};

static const struct { uint16_t status, cause; } to_cause[] = {
	{ 302, 23 }, { 401, 21 }, { 403, 21 }, { 404, 1 }, { 407, 21 }, { 408, 18 }, { 409, 41 }, { 410, 22 },
	{ 420, 3 }, { 480, 19 }, { 483, 19 }, { 484, 28 }, { 485, 1 }, { 486, 17 }, { 488, 58 }, { 500, 38 },
	{ 501, 29 }, { 502, 27 }, { 503, 34 }, { 504, 102 }, { 505, 127 }, { 600, 17 }, { 603, 21 }, { 604, 1 },
	{ 606, 58 },
};

unsigned session_tech_cause(int cause)
{
	for (size_t i = 0; i < ARRAY_LEN(to_status); i++)
		if (to_status[i].cause == cause)
			return to_status[i].status;
	return 0;
}

unsigned session_status_of(int cause)
{
	unsigned status = session_tech_cause(cause);

	return status ? status : 603;
}

int session_cause_of(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(to_cause); i++)
		if (to_cause[i].status == status)
			return to_cause[i].cause;
	if (status < 400)
		return CAUSE_NORMAL;
	return status >= 500 && status < 600 ? CAUSE_NO_CIRCUIT : CAUSE_INTERWORKING;
}

int session_reason_of(const struct sip_msg *msg)
{
	struct sip_each e = { 0 };
	struct str v, c;
	int sip = 0;

	while (sip_each(msg, SIP_H_REASON, &e, &v)) {
		struct str proto = str_trim(str_cut(&v, ';'));
		uint32_t n;

		if (!sip_param(v, STR("cause"), &c) || str_u32(c, &n))
			continue;
		if (str_ieq(proto, STR("Q.850")) && n && n < 128)
			return (int)n;
		if (str_ieq(proto, STR("SIP")) && n > 299 && n < 700)
			sip = session_cause_of(n);
	}
	return sip;
}

int session_cause_of_msg(const struct sip_msg *msg)
{
	int cause = session_reason_of(msg);

	if (cause)
		return cause;
	return msg->request ? CAUSE_NORMAL : session_cause_of(msg->status);
}

struct str session_reason_header(const struct session *s, int cause, char *room, size_t n)
{
	int k;

	if (!cause || s->ep->suppress_q850_reason_headers)
		return STR_NULL;
	k = snprintf(room, n, "Reason: Q.850;cause=%d\r\n", cause);
	return k > 0 && (size_t)k < n ? str_mk(room, (size_t)k) : STR_NULL;
}

/* ---- the end -------------------------------------------------------------------- */

static void unlink_session(struct session *s)
{
	struct endpoint_state *e = s->state_of;

	list_remove(&s->link);
	s->svc->calls -= s->counted;
	s->counted = false;
	share_give(&s->account, SHARE_CALL);
	if (e) {
		list_remove(&s->by_endpoint);
		e->channels--;
		e->ringing -= s->ringing_counted;
		e->inuse -= s->up_counted;
		e->onhold -= s->remote_hold;
		s->ringing_counted = s->up_counted = s->remote_hold = false;
		s->state_of = NULL;
		endpoint_changed(s->svc, s->ep->name);
	}
}

void session_uas_set(struct session *s, struct sip_stx *tx, const struct sip_stx_user *user)
{
	struct sip_stx *old = s->uas;

	if (old == tx)
		return;
	if (old)
		sip_stx_detach(old);
	/* What is repeated until its PRACK belongs to the transaction that goes. */
	session_reliable_stop(s);
	s->uas = obj_hold(tx);
	if (tx)
		sip_stx_attach(tx, user);
	obj_drop(old);
}

struct sip_stx *session_uas_waiting(const struct session *s)
{
	return s->uas && s->uas->status < 200 ? s->uas : NULL;
}

int session_refuse(struct session *s, unsigned status, struct str headers)
{
	struct sip_stx *tx = obj_hold(session_uas_waiting(s));
	int err;

	if (s->st != SESSION_RINGING || !tx) {
		obj_drop(tx);
		return EALREADY;
	}
	s->st = SESSION_NEW;
	session_uas_set(s, NULL, NULL);
	err = sip_stx_respond(tx, status, STR_NULL, headers, STR_NULL, STR_NULL);
	obj_drop(tx);
	return err;
}

static void send_bye(struct session *s, int cause)
{
	struct sip_out *o;
	char room[64];

	if (s->bye_sent || !s->dlg)
		return;
	s->bye_sent = true;
	o = sip_dialog_request(s->dlg, SIP_BYE);
	if (!o)
		return;
	buf_put(&o->headers, session_reason_header(s, cause, room, sizeof(room)));
	session_headers_write(&s->headers, &o->headers);
	session_send(s, o, NULL, NULL);
	obj_drop(o);
}

void session_detach(struct session *s)
{
	timer_stop(&s->glare);
	timer_stop(&s->grace);
	session_timer_stop(s);
	session_uas_set(s, NULL, NULL);
	session_reliable_stop(s);
	if (s->uac)
		ua_request_detach(s->uac);
	session_media_close(s);
	if (s->dlg)
		sip_dialog_close(s->dlg);
}

/* RFC 3261 15: no BYE before the ACK of our 2xx; and who asked for a transfer hangs
 * up itself. Then the session lives on in service.ending until
 * session_finish_ending(). */
static bool bye_must_wait(const struct session *s)
{
	return !s->bye_sent && (s->peer_hangs_up || (s->uas && s->uas->status >= 200));
}

static void end_later(struct session *s, int cause)
{
	s->ending = true;
	s->hangup_cause = cause;
	obj_hold(s);
	unlink_session(s);
	list_append(&s->svc->ending, &s->link);
}

/* An INVITE of ours that has no final response yet keeps dialog and request: a 2xx
 * that crosses the CANCEL is acknowledged and ended by session_out.c. */
static void cancel_invite(struct session *s, int cause)
{
	char room[64];

	timer_stop(&s->glare);
	session_timer_stop(s);
	unlink_session(s);
	ua_request_cancel(s->uac, session_reason_header(s, cause, room, sizeof(room)));
}

void session_end(struct session *s, int cause)
{
	enum session_state was = s->st;
	char room[64];

	if (was == SESSION_ENDED)
		return;
	if (was == SESSION_RINGING)
		session_refuse(s, session_status_of(cause ? cause : s->hangup_cause),
			       session_reason_header(s, cause, room, sizeof(room)));
	s->st = SESSION_ENDED;
	s->ch = NULL;
	session_media_close(s);
	if (was == SESSION_INVITING && s->uac_held) {
		cancel_invite(s, cause);
		return;
	}
	if (was == SESSION_UP) {
		if (s->uac)
			ua_request_detach(s->uac);
		timer_stop(&s->glare);
		session_timer_stop(s);
		if (bye_must_wait(s)) {
			end_later(s, cause);
			return;
		}
		if (session_uas_waiting(s))
			sip_stx_reply(s->uas, 487);
		send_bye(s, cause);
	}
	unlink_session(s);
	session_detach(s);
}

void session_finish_ending(struct session *s)
{
	if (!s->ending)
		return;
	s->ending = false;
	list_remove(&s->link);
	send_bye(s, s->hangup_cause);
	session_detach(s);
	obj_drop(s);
}

static void on_grace_over(void *arg)
{
	struct session *s = arg;

	s->peer_hangs_up = false;
	session_finish_ending(s);
}

void session_leave_bye(struct session *s, uint64_t ms)
{
	if (s->st != SESSION_UP && !s->ending)
		return;
	s->peer_hangs_up = true;
	timer_start(s->svc->wheel, &s->grace, ms, on_grace_over, s);
}

void sessions_abandon(struct service *svc)
{
	while (!list_empty(&svc->ending))
		session_finish_ending(container_of(svc->ending.next, struct session, link));
}

void session_peer_ended(struct session *s, int cause, unsigned status)
{
	s->bye_sent = true;
	s->hangup_cause = cause;
	if (!s->ch)
		return;
	s->ch->tech_cause = (int)status;
	channel_event_hangup(s->ch, cause);
}

void session_set_target(struct session *s, struct str uri)
{
	text_set(&s->target, uri);
}

struct str session_exten(const struct snapshot *conf, const struct sip_uri *uri, char *room, size_t n)
{
	struct str user = conf->global->ignore_uri_user_options ? sip_user_bare(uri->user) : uri->user;
	struct arena *a;
	struct str plain;

	if (!user.n)
		return STR("s");
	if (str_chr(user, '%') == user.n)
		return user;
	a = arena_new(512);
	if (!a)
		return user;
	plain = sip_unescape(a, user);
	plain = str_mk(str_copy(room, n, plain), plain.n < n ? plain.n : n - 1);
	arena_free(a);
	return plain;
}

/* ---- headers that the dialplan adds ------------------------------------------------ */

int session_header_add(struct list *l, struct str name, struct str value)
{
	struct session_header *h = calloc(1, sizeof(*h));

	if (!h)
		return ENOMEM;
	if (text_set(&h->name, name) || text_set(&h->value, value)) {
		text_free(&h->name);
		text_free(&h->value);
		free(h);
		return ENOMEM;
	}
	list_append(l, &h->link);
	return 0;
}

void session_headers_free(struct list *l)
{
	if (!l->next)
		return;
	list_each_safe(p, next, l) {
		struct session_header *h = container_of(p, struct session_header, link);

		list_remove(&h->link);
		text_free(&h->name);
		text_free(&h->value);
		free(h);
	}
}

void session_headers_write(const struct list *l, struct buf *b)
{
	list_each(p, (struct list *)(size_t)l) {
		struct session_header *h = container_of(p, struct session_header, link);

		sip_write_hdr(b, text_view(&h->name), text_view(&h->value));
	}
}
