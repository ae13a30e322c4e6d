/* The session of an INVITE: how it begins and ends, and what it is asked. What comes in
 * between is in the other invite_*.c files. */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

static void invite_free(void *arg)
{
	struct ua_invite *iv = arg;

	obj_drop(iv->dlg);
	obj_drop(iv->invite);
	obj_drop(iv->uas);
	obj_drop(iv->update);
	obj_drop(iv->judged);
	obj_drop(iv->uac);
	obj_drop(iv->refresh);
	obj_drop(iv->prm.hold);
	obj_drop(iv->prm.request.hold);
	obj_drop(iv->prm.request.agree.server);
	text_free(&iv->reason);
	text_free(&iv->body_type);
	text_free(&iv->body);
	text_free(&iv->ack_body);
	text_free(&iv->answered_by);
	text_free(&iv->leave.headers);
	text_free(&iv->leave.type);
	text_free(&iv->leave.body);
}

int ua_invite_new(struct ua_invite **out, struct ua *ua, const struct ua_invite_prm *prm)
{
	struct ua_invite *iv = obj_new(sizeof(*iv), invite_free);

	if (!iv)
		return ENOMEM;
	iv->ua = ua;
	iv->prm = *prm;
	obj_hold(iv->prm.hold);
	obj_hold(iv->prm.request.hold);
	list_init(&iv->forks);
	list_init(&iv->deferred);
	list_init(&iv->rel.queue);
	list_append(&ua->invites, &iv->link);
	obj_hold(iv);           /* its own, until it is over */
	*out = iv;
	return 0;
}

/* ---- the end -------------------------------------------------------------------------- */

static void detach(struct ua_invite *iv)
{
	timer_stop(&iv->leave.grace);
	ua_refresh_stop(iv);
	ua_timer_stop(iv);
	ua_uas_clear(iv);
	ua_turn_drop(iv);
	ua_invite_close_forks(iv);
	if (iv->update)
		sip_server_tx_reply(iv->update, 481);
	iv->update = obj_drop(iv->update);
	iv->judged = obj_drop(iv->judged);
	if (iv->dlg)
		sip_dialog_close(iv->dlg);
}

void ua_invite_over(struct ua_invite *iv)
{
	if (iv->state == UA_INVITE_OVER)
		return;
	ua_invite_change(iv, UA_INVITE_OVER);
	list_remove(&iv->link);
	detach(iv);
	ua_invite_free_deferred(iv);
	iv->prm.hold = obj_drop(iv->prm.hold);
	obj_drop(iv);
}

static void tell_refer(struct ua_invite *iv)
{
	ua_refer_fn *fn = iv->refer.fn;

	iv->refer.fn = NULL;
	if (fn && iv->prm.user)
		fn(iv->prm.arg, 0);
}

void ua_invite_ended(struct ua_invite *iv, enum ua_end why, struct sip_msg *msg, int err)
{
	const struct ua_invite_user *user;
	void *hold = obj_hold(iv->prm.hold);

	obj_hold(iv);
	/* What was asked for before is told before. */
	tell_refer(iv);
	ua_exchange_fail(iv);
	if (why < UA_END_NO_BODY || why == UA_END_NO_PRACK)
		ua_invite_over(iv);
	user = iv->told_end ? NULL : iv->prm.user;
	iv->told_end = true;
	if (user)
		user->ended(iv->prm.arg, why, msg, err);
	obj_drop(iv);
	obj_drop(hold);
}

int ua_invite_refuse(struct ua_invite *iv, unsigned status, struct str headers)
{
	struct sip_server_tx *tx;
	int err;

	if (!ua_is_ringing(iv) || !ua_uas_waiting(iv))
		return EALREADY;
	obj_hold(iv);
	tx = obj_hold(iv->uas);
	err = ua_invite_reply(iv, tx, status, headers);
	ua_exchange_fail(iv);
	ua_invite_over(iv);
	obj_drop(tx);
	obj_drop(iv);
	return err;
}

enum { REINVITE_WAIT_MS = 32000 };      /* 64*T1 (RFC 3261 17): for one that says 100 and nothing more */

static bool is_reinvite_due(const struct ua_invite *iv)
{
	return iv->turn == UA_TURN_REINVITE && !iv->rings;
}

/* RFC 3261 15: no BYE before the ACK of our 2xx; and who asked for a transfer hangs
 * up itself. Nor while a re-INVITE of ours is out: many a phone mixes up the two. */
static bool bye_must_wait(const struct ua_invite *iv)
{
	return iv->leave.peer_hangs_up || is_reinvite_due(iv) || (iv->uas && iv->uas->status >= 200);
}

static void on_grace_over(void *arg)
{
	struct ua_invite *iv = arg;

	iv->leave.peer_hangs_up = false;
	ua_invite_finish(iv);
}

static void leave(struct ua_invite *iv, struct str headers)
{
	/* The 2xx whose offer is still judged. */
	if (iv->judged && !iv->judged->request)
		ua_invite_send_ack(iv, iv->dlg, iv->judged, ua_request_out(iv->uac), STR_NULL);
	if (!is_reinvite_due(iv))
		ua_turn_drop(iv);
	else if (!iv->leave.peer_hangs_up)
		timer_start(sip_stack_wheel(iv->ua->sip), &iv->leave.grace, REINVITE_WAIT_MS, on_grace_over, iv);
	ua_refresh_stop(iv);
	ua_timer_stop(iv);
	if (ua_uas_waiting(iv))
		sip_server_tx_reply(iv->uas, 487);
	if (bye_must_wait(iv)) {
		text_set(&iv->leave.headers, headers);
		ua_invite_change(iv, UA_INVITE_LEAVING);
		return;
	}
	ua_invite_bye(iv, iv->dlg, headers);
	ua_invite_over(iv);
}

/* What its BYE is to carry is asked for while there is somebody to ask. */
static void keep_parts(struct ua_invite *iv)
{
	struct ua_body b;

	ua_body_init(&b);
	if (ua_body_finish(iv, &b, UA_INVITE_BYE, 0) || text_set(&iv->leave.type, b.type) ||
	    text_set(&iv->leave.body, buf_view(&b.b)))
		text_set(&iv->leave.type, STR_NULL);    /* it matters more that the call ends */
	ua_body_free(&b);
}

void ua_invite_end(struct ua_invite *iv, struct str headers)
{
	obj_hold(iv);
	if (!UA_SMALL && iv->state == UA_INVITE_UP)
		keep_parts(iv);
	iv->prm.user = NULL;
	iv->prm.arg = NULL;
	iv->refer.fn = NULL;
	switch (iv->state) {
	case UA_INVITE_CALLING:
		ua_invite_cancel(iv, headers);
		break;
	case UA_INVITE_RINGING:
	case UA_INVITE_ANSWERING:
		ua_invite_refuse(iv, 480, headers);
		break;
	case UA_INVITE_UP:
		leave(iv, headers);
		break;
	case UA_INVITE_IDLE:
		ua_invite_over(iv);
		break;
	default:
		break;
	}
	obj_drop(iv);
}

int ua_invite_cancel(struct ua_invite *iv, struct str headers)
{
	if (iv->state != UA_INVITE_CALLING)
		return EALREADY;
	obj_hold(iv);
	ua_refresh_stop(iv);
	ua_timer_stop(iv);
	ua_invite_change(iv, UA_INVITE_CANCELLED);
	ua_request_cancel(iv->uac, headers);
	obj_drop(iv);
	return 0;
}

int ua_invite_set_reason(struct ua_invite *iv, struct str reason)
{
	return text_set(&iv->reason, reason);
}

void ua_invite_set_rel100(struct ua_invite *iv, enum ua_rel100 r)
{
	iv->prm.rel100 = r;
}

void ua_invite_set_transport(struct ua_invite *iv, struct str transport)
{
	iv->prm.request.transport = transport;
}

void ua_invite_set_agree(struct ua_invite *iv, const struct ua_agree *g)
{
	struct ua_agreement *before = iv->prm.request.agree.server;

	iv->prm.request.agree = *g;
	obj_hold(g->server);
	obj_drop(before);
}

void ua_invite_finish(struct ua_invite *iv)
{
	if (iv->state != UA_INVITE_LEAVING)
		return;
	obj_hold(iv);
	ua_invite_bye(iv, iv->dlg, text_view(&iv->leave.headers));
	ua_invite_over(iv);
	obj_drop(iv);
}

void ua_invite_leave_bye(struct ua_invite *iv, uint64_t ms)
{
	if (iv->state != UA_INVITE_UP && iv->state != UA_INVITE_LEAVING)
		return;
	iv->leave.peer_hangs_up = ms > 0;
	if (ms)
		timer_start(sip_stack_wheel(iv->ua->sip), &iv->leave.grace, ms, on_grace_over, iv);
	else if (iv->state == UA_INVITE_UP)
		timer_stop(&iv->leave.grace);
	else if (!bye_must_wait(iv))            /* what it waited for beside that has come meanwhile */
		ua_invite_finish(iv);
}

bool ua_invites_leaving(const struct ua *ua)
{
	list_each(p, &ua->invites)
		if (container_of(p, struct ua_invite, link)->state == UA_INVITE_LEAVING)
			return true;
	return false;
}

void ua_invites_abandon(struct ua *ua)
{
	if (!list_linked(&ua->invites))
		return;
	list_each_safe(p, next, &ua->invites)
		ua_invite_finish(container_of(p, struct ua_invite, link));
}

/* ---- whose dialog it is; Replaces (RFC 3891) ---------------------------------------------------- */

struct ua_invite *ua_invite_of(const struct sip_dialog *d)
{
	return d->user.request == ua_invite_request ? d->user.arg : NULL;
}

int ua_replaces_read(struct ua_replaces *r, struct str v)
{
	*r = (struct ua_replaces){ .call_id = str_trim(str_cut(&v, ';')) };
	r->early_only = sip_param(v, STR("early-only"), NULL);
	return r->call_id.n && sip_param(v, STR("to-tag"), &r->to_tag) && sip_param(v, STR("from-tag"), &r->from_tag) ?
	       0 : EINVAL;
}

struct ua_invite *ua_replaces_find(struct ua *ua, const struct ua_replaces *r)
{
	struct sip_dialog *d = sip_dialog_find(ua->sip, r->call_id, r->to_tag, r->from_tag);

	return d ? ua_invite_of(d) : NULL;
}
