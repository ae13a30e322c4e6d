/* re-INVITE and UPDATE of ours: what changes in a call that is up is told by one of them,
 * one at a time. */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include <errno.h>

static int refresh(struct ua_invite *iv, bool update, bool bare);

bool ua_invite_refreshing(const struct ua_invite *iv)
{
	return iv->next.wanted || iv->turn == UA_TURN_REINVITE || iv->turn == UA_TURN_UPDATE;
}

void ua_refresh_go_on(struct ua_invite *iv)
{
	if (iv->next.wanted && iv->state == UA_INVITE_UP && !timer_running(&iv->next.glare))
		refresh(iv, iv->next.update, iv->next.bare);
}

static void try_again(void *arg)
{
	ua_refresh_go_on(arg);
}

/* RFC 3261 14.1: the owner of the Call-ID waits 2.1-4 s, the other up to 2 s. */
static void wait_glare(struct ua_invite *iv)
{
	char tag[5];
	uint8_t r[2];
	uint64_t ms;

	sip_token(iv->ua->sip, tag, 4);
	if (str_hex(str_z(tag), r, 2))
		return;
	ms = ((uint64_t)r[0] << 8 | r[1]) % 190 * 10;
	iv->next.wanted = true;
	timer_start(sip_stack_wheel(iv->ua->sip), &iv->next.glare, iv->incoming ? ms : 2100 + ms, try_again, iv);
}

static void on_success(struct ua_invite *iv, struct ua_request *rq, struct sip_msg *msg, bool update)
{
	struct str body;

	sip_dialog_refresh(iv->dlg, msg);
	ua_invite_learn_target(iv, iv->dlg, msg);
	if (!update)
		ua_invite_send_ack(iv, iv->dlg, msg, ua_request_out(rq), STR_NULL);
	if (!ua_timer_response(iv, msg)) {
		ua_invite_ended(iv, UA_END_NO_TIMER, msg, 0);
		return;
	}
	if (iv->exchange != UA_EXCHANGE_OURS)
		return;
	if (!ua_invite_body(iv, msg, &body) || ua_exchange_answer_in(iv, body))
		ua_exchange_fail(iv);
}

/* The connection is gone, and another one will come: the dialog lives. */
static bool is_cut(const struct ua_invite *iv, int err)
{
	return iv->ua->way && err == ENOTCONN;
}

/* The call is over, and its BYE has waited for this. */
static void refresh_ignored(struct ua_invite *iv, struct ua_request *rq, const struct sip_msg *msg, bool update)
{
	if (msg && msg->status < 300 && !update)
		ua_invite_send_ack(iv, iv->dlg, msg, ua_request_out(rq), STR_NULL);
	ua_exchange_fail(iv);
	if (!iv->leave.peer_hangs_up)
		ua_invite_finish(iv);
}

/* That may take long. A BYE does not wait for it. */
static void rang(struct ua_invite *iv, const struct sip_msg *msg)
{
	iv->rings |= msg->status > 100 && iv->turn == UA_TURN_REINVITE;
	if (!iv->rings || iv->state != UA_INVITE_LEAVING)
		return;
	obj_hold(iv);
	ua_turn_drop(iv);
	if (!iv->leave.peer_hangs_up)
		ua_invite_finish(iv);
	obj_drop(iv);
}

/* `msg` NULL: there was no answer, because of `err`. */
static void refresh_done(struct ua_invite *iv, struct ua_request *rq, struct sip_msg *msg, int err)
{
	bool update = iv->turn == UA_TURN_UPDATE;
	unsigned status = msg ? msg->status : is_cut(iv, err) ? 491 : 408;

	iv->turn = UA_TURN_NONE;
	if (iv->state == UA_INVITE_LEAVING) {
		refresh_ignored(iv, rq, msg, update);
		return;
	}
	if (status < 300) {
		on_success(iv, rq, msg, update);
	} else {
		ua_exchange_fail(iv);
		if (status == 491) {
			wait_glare(iv);
		} else if (msg && ua_timer_refused(iv, msg)) {
			iv->next.wanted = true;
			iv->next.update = update;
		}
	}
	if (iv->prm.user && iv->prm.user->refreshed)
		iv->prm.user->refreshed(iv->prm.arg, msg);
	if ((status == 481 || status == 408) && iv->state == UA_INVITE_UP)
		ua_invite_ended(iv, UA_END_GONE, msg, 0);
	ua_refresh_go_on(iv);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct ua_invite *iv = arg;

	if (msg->status < 200) {
		rang(iv, msg);
		return;
	}
	obj_hold(iv);
	if (iv->turn != UA_TURN_NONE)
		refresh_done(iv, rq, msg, 0);
	else if (msg->method == SIP_INVITE && msg->status < 300)
		ua_invite_send_ack(iv, iv->dlg, msg, ua_request_out(rq), STR_NULL);     /* repeated */
	obj_drop(iv);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct ua_invite *iv = arg;

	obj_hold(iv);
	refresh_done(iv, rq, NULL, err);
	obj_drop(iv);
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct ua_invite *iv = arg;

	(void)rq;
	(void)path;
	if (o->cseq > iv->dlg->local_cseq)
		iv->dlg->local_cseq = o->cseq;
	return 0;
}

static int send_refresh(struct ua_invite *iv, struct sip_out *o, bool update)
{
	struct ua_request_prm prm = ua_invite_request_prm(iv, iv->dlg, o);

	prm.arg = prm.owner = iv;
	prm.response = on_response;
	prm.failed = on_failed;
	prm.prepare = prepare;
	ua_part_request(&iv->refresh);
	iv->turn = update ? UA_TURN_UPDATE : UA_TURN_REINVITE;
	iv->rings = false;
	text_set(&iv->body, STR_NULL);
	return ua_request_send(iv->ua, &prm, &iv->refresh);
}

static bool must_wait(const struct ua_invite *iv)
{
	return iv->turn != UA_TURN_NONE || iv->exchange != UA_EXCHANGE_NONE || iv->uas || iv->update;
}

static int send_offer(struct ua_invite *iv, struct sip_out *o, bool update)
{
	struct ua_body body;
	int err;

	ua_body_init(&body);
	err = ua_exchange_offer_out(iv, &body.b);
	if (!err) {
		err = ua_body_finish(iv, &body, UA_INVITE_REFRESH, 0);
		sip_out_body(o, body.type, buf_view(&body.b));
		err = err ? err : send_refresh(iv, o, update);
		if (err) {
			iv->turn = UA_TURN_NONE;
			ua_exchange_fail(iv);
		}
	}
	ua_body_free(&body);
	return err;
}

static int send_bare(struct ua_invite *iv, struct sip_out *o)
{
	int err = send_refresh(iv, o, true);

	if (err)
		iv->turn = UA_TURN_NONE;
	return err;
}

static int refresh(struct ua_invite *iv, bool update, bool bare)
{
	struct sip_out *o;
	int err;

	if (iv->state != UA_INVITE_UP)
		return ENOTCONN;
	/* An offer that waits says all that the headers have to say. */
	if (iv->next.wanted && !iv->next.bare && bare) {
		update = iv->next.update;
		bare = false;
	}
	iv->next.update = update;
	iv->next.bare = bare;
	iv->next.wanted = must_wait(iv);
	if (iv->next.wanted)
		return 0;
	o = sip_dialog_request(iv->dlg, update ? SIP_UPDATE : SIP_INVITE);
	if (!o)
		return ENOMEM;
	if (bare)
		ua_invite_write_tags(iv, &o->headers, false);
	else
		ua_invite_write_supported(iv, &o->headers, !update);
	if (!update)
		ua_invite_write_require(iv, &o->headers);
	ua_timer_write(iv, &o->headers, true);
	ua_invite_headers(iv, UA_INVITE_REFRESH, 0, &o->headers);
	err = bare ? send_bare(iv, o) : send_offer(iv, o, update);
	obj_drop(o);
	return err;
}

int ua_invite_refresh(struct ua_invite *iv, bool update)
{
	return refresh(iv, update, false);
}

int ua_invite_tell(struct ua_invite *iv, bool update)
{
	return refresh(iv, update, update);
}
