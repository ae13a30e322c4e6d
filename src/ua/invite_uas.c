/* What the peer asks: its INVITE and our responses, re-INVITE, UPDATE, BYE and whatever
 * else comes in the dialog. */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include <errno.h>

/* ---- responses ------------------------------------------------------------------------ */

static void write_abilities(const struct ua_invite *iv, struct buf *h, unsigned status)
{
	if (!iv->prm.as_pjproject || status >= 200) {
		ua_invite_write_supported(iv, h, status == 181);
		return;
	}
	buf_put(h, iv->prm.allow);
	if (status == 181 && iv->prm.supported_more.n)
		buf_puts(h, STR("Supported: "), iv->prm.supported_more, STR("\r\n"));
}

static void write_headers(struct ua_invite *iv, struct buf *h, unsigned status)
{
	if (status < 300) {
		buf_puts(h, STR("Contact: "), iv->dlg->contact, STR("\r\n"));
		write_abilities(iv, h, status);
	}
	ua_invite_headers(iv, UA_INVITE_RESPONSE, status, h);
	if (status >= 200 && status < 300)
		ua_timer_write(iv, h, false);
	ua_invite_write_server(iv, h);
}

/* `tx` is held: what the body sets off may end the session. */
static int respond(struct ua_invite *iv, struct sip_server_tx *tx, unsigned status, bool body)
{
	char hroom[2048];
	bool reliable = status > 100 && status < 200 && ua_reliable_wanted(iv);
	struct ua_body b;
	struct buf h;
	int err = 0;

	buf_init(&h, hroom, sizeof(hroom), 0);
	ua_body_init(&b);
	if (body)
		err = ua_exchange_write(iv, &b.b);
	write_headers(iv, &h, status);
	if (!err)
		err = ua_body_finish(iv, &b, UA_INVITE_RESPONSE, status);
	if (!err)
		err = buf_err(&h);
	if (!err && reliable)
		err = ua_reliable_send(iv, status, buf_view(&h), &b);
	else if (!err)
		err = sip_server_tx_respond(tx, status, text_view(&iv->reason), buf_view(&h), b.type, buf_view(&b.b));
	text_free(&iv->reason);
	buf_free(&h);
	ua_body_free(&b);
	return err;
}

static int respond_waiting(struct ua_invite *iv, unsigned status, bool body)
{
	struct sip_server_tx *tx = obj_hold(ua_uas_waiting(iv));
	int err = tx ? respond(iv, tx, status, body) : EALREADY;

	obj_drop(tx);
	return err;
}

int ua_invite_ring(struct ua_invite *iv, unsigned status, bool body)
{
	int err;

	if (iv->state != UA_INVITE_RINGING)
		return EALREADY;
	obj_hold(iv);
	err = respond_waiting(iv, status, body);
	obj_drop(iv);
	return err;
}

int ua_invite_answer(struct ua_invite *iv)
{
	int err;

	if (!ua_is_ringing(iv))
		return EALREADY;
	if (iv->rel.pending) {
		if (iv->state == UA_INVITE_RINGING)
			ua_invite_change(iv, UA_INVITE_ANSWERING);
		return 0;
	}
	obj_hold(iv);
	ua_reliable_stop(iv);
	ua_invite_change(iv, UA_INVITE_UP);
	/* What a reliable response has described is not said again, as by pjproject (RFC 6337 3.1.1). */
	err = respond_waiting(iv, 200, !(iv->prm.as_pjproject && iv->rel.described && iv->exchange == UA_EXCHANGE_NONE));
	/* Nothing went out: it can still be refused. */
	if (err && iv->state == UA_INVITE_UP && ua_uas_waiting(iv))
		ua_invite_change(iv, UA_INVITE_RINGING);
	obj_drop(iv);
	return err;
}

/* ---- the transaction of an INVITE --------------------------------------------------------- */

static void on_cancelled(void *arg, struct sip_server_tx *tx, struct sip_msg *cancel)
{
	struct ua_invite *iv = arg;

	obj_hold(iv);
	obj_hold(tx);
	if (ua_is_ringing(iv)) {
		ua_invite_refuse(iv, 487, STR_NULL);
		ua_invite_ended(iv, UA_END_CANCEL, cancel, 0);
	} else {
		ua_invite_reply(iv, tx, 487, STR_NULL);         /* a re-INVITE: the call goes on */
		ua_exchange_fail(iv);
		iv->judged = obj_drop(iv->judged);
		ua_uas_clear(iv);
	}
	obj_drop(tx);
	obj_drop(iv);
}

/* Timer L: nobody acknowledged our 2xx, which ends the call (13.3.1.4). */
static void on_ended(void *arg, struct sip_server_tx *tx, bool acked)
{
	struct ua_invite *iv = arg;

	(void)tx;
	if (acked)
		return;         /* ua_invite_ack() does what follows */
	obj_hold(iv);
	ua_uas_clear(iv);
	ua_exchange_fail(iv);
	if (iv->state == UA_INVITE_LEAVING)
		ua_invite_finish(iv);
	else if (iv->state == UA_INVITE_UP)
		ua_invite_ended(iv, UA_END_NO_ACK, NULL, ETIMEDOUT);
	obj_drop(iv);
}

static void uas_set(struct ua_invite *iv, struct sip_server_tx *tx)
{
	const struct sip_server_tx_user user = { .arg = iv, .cancelled = on_cancelled, .ended = on_ended, .owner = iv };

	ua_uas_clear(iv);
	iv->uas = obj_hold(tx);
	sip_server_tx_attach(tx, &user);
}

/* ---- a new call ------------------------------------------------------------------------------ */

static unsigned check_100rel(struct ua_invite *iv, const struct sip_msg *msg, struct buf *headers)
{
	struct ua_reliable *r = &iv->rel;

	r->required = sip_hdr_has_token(msg, SIP_H_REQUIRE, STR("100rel"));
	r->supported = r->required || sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("100rel"));
	if (r->required && iv->prm.rel100 == UA_REL100_NO) {
		buf_put(headers, STR("Unsupported: 100rel\r\n"));
		return 420;
	}
	if (!r->supported && iv->prm.rel100 == UA_REL100_REQUIRED) {
		buf_put(headers, STR("Require: 100rel\r\n"));
		ua_invite_write_tags(iv, headers, false);
		return 421;
	}
	return 0;
}

static int make_dialog(struct ua_invite *iv, struct sip_server_tx *tx, const struct sip_msg *msg, struct str contact,
		       struct str via_host)
{
	const struct sip_dialog_user user = { iv, ua_invite_request, ua_invite_ack, .owner = iv };
	int err = sip_dialog_new_uas(&iv->dlg, tx, contact, &user);

	if (!err)
		err = sip_dialog_set_via(iv->dlg, via_host);
	if (!err)
		err = sip_dialog_set_agent(iv->dlg, iv->prm.user_agent);
	if (!err)
		ua_invite_learn_target(iv, iv->dlg, msg);
	return err;
}

unsigned ua_invite_take(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg, struct str contact,
			struct str via_host, struct buf *headers)
{
	unsigned status = check_100rel(iv, msg, headers);
	struct str body;

	iv->incoming = true;
	if (!status)
		status = ua_timer_request(iv, msg, headers);
	if (!status && make_dialog(iv, tx, msg, contact, via_host))
		status = 503;
	if (!status && ua_invite_body(iv, msg, &body))
		status = ua_exchange_offer_in(iv, body);
	if (status) {
		ua_invite_over(iv);
		return status;
	}
	iv->invite = obj_hold(msg);
	ua_invite_change(iv, UA_INVITE_RINGING);
	uas_set(iv, tx);
	sip_server_tx_reply(tx, 100);
	return 0;
}

/* ---- ACK ----------------------------------------------------------------------------------------- */

/* Our 2xx was acknowledged: what waited for it goes out. */
static void flush(struct ua_invite *iv)
{
	while (!list_empty(&iv->deferred)) {
		struct ua_deferred *d = container_of(iv->deferred.next, struct ua_deferred, link);

		ua_invite_send_in(iv, iv->dlg, d->o, d->done);
		ua_deferred_free(d);
	}
	ua_refresh_go_on(iv);
}

/* 13.2.1: our offer was in the 2xx, so an answer has to be there. Some forget to say what
 * kind of body it is. 0, or why the call cannot go on. */
static unsigned answer_in_ack(struct ua_invite *iv, const struct sip_msg *msg)
{
	bool first = iv->invite != NULL;
	struct str body;

	if (ua_invite_body(iv, msg, &body))
		return ua_exchange_answer_in(iv, body);
	if (msg->body.n && !msg->content_type.n)
		return ua_exchange_answer_in(iv, msg->body);
	ua_exchange_fail(iv);
	return first ? 488 : 0;
}

void ua_invite_ack(void *arg, struct sip_dialog *d, struct sip_msg *msg)
{
	struct ua_invite *iv = arg;
	struct sip_server_tx *tx = iv->uas;
	unsigned status = 0;

	/* The ACK of another final response is its transaction's, not the dialog's. */
	if (d != iv->dlg || !tx || tx->status / 100 != 2)
		return;
	obj_hold(tx);
	obj_hold(iv);
	if (iv->exchange == UA_EXCHANGE_OURS && iv->state == UA_INVITE_UP)
		status = answer_in_ack(iv, msg);
	iv->invite = obj_drop(iv->invite);
	ua_uas_clear(iv);
	sip_server_tx_acked(tx);
	obj_drop(tx);
	if (status)
		ua_invite_ended(iv, UA_END_NO_BODY, msg, 0);
	else if (iv->prm.user && iv->prm.user->acked)
		iv->prm.user->acked(iv->prm.arg);
	if (iv->state != UA_INVITE_OVER)
		flush(iv);
	if (!iv->leave.peer_hangs_up)
		ua_invite_finish(iv);
	obj_drop(iv);
}

/* ---- re-INVITE, UPDATE ------------------------------------------------------------------------------ */

/* RFC 3261 14.2, RFC 3311 5.2: one exchange at a time, whoever began it. 0: go on. */
static unsigned judge_turn(struct ua_invite *iv, bool update, bool offer, struct buf *headers)
{
	if ((!update && ua_uas_waiting(iv)) || iv->update) {
		buf_put(headers, STR("Retry-After: 5\r\n"));
		return 500;
	}
	/* Their 2xx is not acknowledged yet: the offer in it is still judged. */
	if (iv->judged && (!update || offer))
		return 491;
	/* Ours is under way, or our 2xx still waits for its ACK. */
	if (!update && (iv->turn == UA_TURN_INVITE || iv->turn == UA_TURN_REINVITE || iv->uas ||
			iv->exchange == UA_EXCHANGE_OURS))
		return 491;
	return offer ? ua_exchange_glare(iv, headers) : 0;
}

static int answer_reinvite(struct ua_invite *iv)
{
	text_set(&iv->body, STR_NULL);
	return respond_waiting(iv, 200, true);
}

/* An INVITE that is still being answered keeps its own exchange: only an UPDATE with an
 * offer changes what its responses say from now on. */
static int answer_update(struct ua_invite *iv, struct sip_server_tx *tx, bool offer)
{
	if (offer)
		text_set(&iv->body, STR_NULL);
	return respond(iv, tx, 200, offer);
}

static void answer_change(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg, bool offer)
{
	bool update = msg->method == SIP_UPDATE;
	int err = update ? answer_update(iv, tx, offer) : answer_reinvite(iv);

	if (err) {
		ua_exchange_fail(iv);
		ua_invite_reply(iv, tx, 500, STR_NULL);
		if (!update)
			ua_uas_clear(iv);
		return;
	}
	if (iv->prm.user && iv->prm.user->changed)
		iv->prm.user->changed(iv->prm.arg, msg, offer);
}

static void refuse_change(struct ua_invite *iv, struct sip_server_tx *tx, unsigned status, struct buf *headers)
{
	if (status == 503)
		buf_put(headers, STR("Retry-After: 10\r\n"));
	ua_invite_reply(iv, tx, status, buf_view(headers));
}

static void on_change(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg)
{
	bool update = msg->method == SIP_UPDATE;
	char room[512];
	struct buf extra;
	struct str body;
	bool offer = ua_invite_body(iv, msg, &body);
	unsigned status;

	buf_init(&extra, room, sizeof(room), sizeof(room));
	status = judge_turn(iv, update, offer, &extra);
	if (!status) {
		sip_dialog_refresh(iv->dlg, msg);
		ua_invite_learn_target(iv, iv->dlg, msg);
		status = ua_timer_request(iv, msg, &extra);
	}
	if (!status && offer)
		status = ua_exchange_offer_in(iv, body);
	else if (!status && !update && iv->prm.user && iv->prm.user->offer_wanted)
		status = iv->prm.user->offer_wanted(iv->prm.arg);
	if (iv->state == UA_INVITE_OVER || iv->state == UA_INVITE_LEAVING) {
		ua_invite_reply(iv, tx, 481, STR_NULL);         /* its user has ended it meanwhile */
		return;
	}
	if (status && status != UA_INVITE_LATER) {
		refuse_change(iv, tx, status, &extra);
		return;
	}
	if (!update)
		uas_set(iv, tx);
	if (status == UA_INVITE_LATER) {
		iv->update = update ? obj_hold(tx) : NULL;
		iv->judged = obj_hold(msg);
		return;
	}
	answer_change(iv, tx, msg, offer);
}

void ua_change_judged(struct ua_invite *iv, struct sip_msg *msg, unsigned status)
{
	struct sip_server_tx *tx = obj_hold(iv->update ? iv->update : ua_uas_waiting(iv));
	char room[64];
	struct buf extra;

	if (!tx)
		return;
	iv->update = obj_drop(iv->update);
	buf_init(&extra, room, sizeof(room), sizeof(room));
	if (status) {
		ua_exchange_fail(iv);
		refuse_change(iv, tx, status, &extra);
		if (msg->method == SIP_INVITE)
			ua_uas_clear(iv);
	} else {
		answer_change(iv, tx, msg, true);
	}
	ua_refresh_go_on(iv);
	obj_drop(tx);
}

/* ---- what else comes in the dialog ------------------------------------------------------------------- */

/* Its 200 may say what the call cost, or whatever else its user has to tell. */
static void answer_bye(struct ua_invite *iv, struct sip_server_tx *tx)
{
	char room[1024];
	struct ua_body b;
	struct buf h;

	buf_init(&h, room, sizeof(room), 0);
	ua_body_init(&b);
	if (ua_body_finish(iv, &b, UA_INVITE_BYE_RESPONSE, 200)) {
		/* It matters more that the call is over. */
		buf_reset(&b.b);
		b.type = STR_NULL;
	}
	ua_invite_write_server(iv, &h);
	sip_server_tx_respond(tx, 200, STR_NULL, buf_view(&h), b.type, buf_view(&b.b));
	buf_free(&h);
	ua_body_free(&b);
}

static void on_bye(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg)
{
	answer_bye(iv, tx);
	if (ua_uas_waiting(iv))
		ua_invite_reply(iv, iv->uas, 487, STR_NULL);
	ua_invite_ended(iv, UA_END_BYE, msg, 0);
}

/* An early dialog beside the first: it can end, but has no exchange of its own. */
static void on_fork_request(struct ua_invite *iv, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	if (msg->method != SIP_BYE) {
		ua_invite_reply(iv, tx, msg->method == SIP_UPDATE ? 491 : 481, STR_NULL);
		return;
	}
	ua_invite_reply(iv, tx, 200, STR_NULL);
	sip_dialog_close(d);
}

static void on_other(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg)
{
	if (iv->prm.user && iv->prm.user->request)
		iv->prm.user->request(iv->prm.arg, tx, msg);
	else
		ua_invite_reply(iv, tx, 405, iv->prm.allow);
}

static void on_live_request(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg)
{
	switch (msg->method) {
	case SIP_BYE:
		on_bye(iv, tx, msg);
		break;
	case SIP_INVITE:
	case SIP_UPDATE:
		on_change(iv, tx, msg);
		break;
	case SIP_PRACK:
		ua_reliable_prack(iv, tx, msg);
		break;
	case SIP_REFER:
		if (iv->prm.user && iv->prm.user->refer)
			iv->prm.user->refer(iv->prm.arg, tx, msg);
		else
			ua_invite_reply(iv, tx, 603, STR_NULL);
		break;
	case SIP_NOTIFY:
		if (iv->prm.user && iv->prm.user->refer_notified && iv->prm.user->refer_notified(iv->prm.arg, tx, msg))
			break;
		if (!ua_refer_notified(iv, tx, msg))
			on_other(iv, tx, msg);
		break;
	default:
		on_other(iv, tx, msg);
	}
}

void ua_invite_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct ua_invite *iv = arg;

	obj_hold(iv);
	if (iv->prm.force_rport)
		sip_server_tx_force_rport(tx);
	if (d != iv->dlg) {
		on_fork_request(iv, d, tx, msg);
	} else if (iv->state == UA_INVITE_LEAVING || iv->state == UA_INVITE_CANCELLED) {
		bool bye = msg->method == SIP_BYE;      /* they were quicker than ours */

		ua_invite_reply(iv, tx, bye ? 200 : 481, STR_NULL);
		if (bye && iv->state == UA_INVITE_LEAVING)
			ua_invite_over(iv);
	} else {
		on_live_request(iv, tx, msg);
	}
	obj_drop(iv);
}
