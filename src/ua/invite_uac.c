/* INVITE of ours: the dialogs that its responses make, their answers, and the ACK. */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

/* ---- the request -------------------------------------------------------------------- */

static void write_headers(struct ua_invite *iv, struct sip_out *o)
{
	buf_reset(&o->headers);
	ua_invite_write_supported(iv, &o->headers, true);
	ua_invite_write_require(iv, &o->headers);
	ua_timer_write(iv, &o->headers, true);
	ua_invite_headers(iv, UA_INVITE_REQUEST, 0, &o->headers);
}

static int make_dialog(struct ua_invite *iv, struct sip_out *o, const struct net_path *path)
{
	const struct sip_dialog_user user = { iv, ua_invite_request, ua_invite_ack, .owner = iv };
	int err = sip_dialog_new_uac(&iv->dlg, iv->ua->sip, o, o->from, o->to, o->contact, &user);

	if (!err)
		err = sip_dialog_set_agent(iv->dlg, iv->prm.user_agent);
	if (!err)
		iv->dlg->path = *path;
	return err;
}

static int make_offer(struct ua_invite *iv, struct sip_out *o)
{
	struct ua_body body;
	int err;

	ua_body_init(&body);
	err = ua_exchange_offer_out(iv, &body.b);
	iv->no_offer = err == ENODATA;
	if (!err || iv->no_offer)
		err = ua_body_finish(iv, &body, UA_INVITE_REQUEST, 0);
	if (!err && body.type.n)
		sip_out_body(o, body.type, buf_view(&body.b));
	ua_body_free(&body);
	return err;
}

/* The way is known now: dialog, headers and offer can be written. On a second try
 * (credentials, next address) only what depends on the way changes. */
static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct ua_invite *iv = arg;
	int err = iv->prm.user ? iv->prm.user->prepare(iv->prm.arg, rq, o, path) : ECANCELED;

	if (err)
		return err;
	if (iv->dlg) {
		iv->dlg->local_cseq = o->cseq;
		return 0;
	}
	err = make_dialog(iv, o, path);
	if (!err) {
		write_headers(iv, o);
		err = make_offer(iv, o);
	}
	if (err && iv->dlg) {
		sip_dialog_close(iv->dlg);
		iv->dlg = obj_drop(iv->dlg);    /* another address begins anew */
	}
	return err;
}

/* ---- forks ---------------------------------------------------------------------------------- */

/* The early dialog of a fork that is there, or is made of `msg`; NULL: neither. */
static struct ua_fork *fork_of(struct ua_invite *iv, const struct sip_msg *msg)
{
	struct sip_dialog *d = NULL;
	struct ua_fork *f;
	size_t n = 0;

	list_each(p, &iv->forks) {
		f = container_of(p, struct ua_fork, link);
		n++;
		if (str_eq(f->dlg->remote_tag, msg->to.tag)) {
			sip_dialog_response(f->dlg, msg, NULL);
			return f;
		}
	}
	f = n < UA_MAX_FORKS ? calloc(1, sizeof(*f)) : NULL;
	if (!f || sip_dialog_response(iv->dlg, msg, &d) || !d) {
		free(f);
		return NULL;
	}
	f->dlg = d;
	list_append(&iv->forks, &f->link);
	return f;
}

static bool is_other_fork(const struct ua_invite *iv, const struct sip_msg *msg)
{
	return iv->dlg->remote_tag.n && msg->to.tag.n && !str_eq(iv->dlg->remote_tag, msg->to.tag);
}

/* A second 2xx, from another fork: we want one call only (13.2.2.4). */
static void end_fork(struct ua_invite *iv, const struct sip_msg *msg, const struct sip_out *invite)
{
	struct sip_dialog *d = NULL;

	if (sip_dialog_response(iv->dlg, msg, &d) || !d)
		return;
	ua_invite_send_ack(iv, d, msg, invite, STR_NULL);
	ua_invite_bye(iv, d, STR_NULL);
	sip_dialog_close(d);
	obj_drop(d);
}

/* Early dialogs with others, the answer from this one: it is the call. */
static void choose_fork(struct ua_invite *iv, const struct sip_msg *msg)
{
	struct ua_fork *f = is_other_fork(iv, msg) ? fork_of(iv, msg) : NULL;

	if (f) {
		struct sip_dialog *was = iv->dlg;

		iv->dlg = f->dlg;
		f->dlg = was;
	}
	ua_invite_close_forks(iv);
}

/* ---- an offer of theirs in a response ------------------------------------------------------------ */

/* Our INVITE had none, and none came since (13.2.1). */
static bool offer_is_theirs(const struct ua_invite *iv)
{
	return iv->no_offer && !iv->ack_body.n && iv->exchange != UA_EXCHANGE_OURS;
}

static unsigned write_answer(struct ua_invite *iv)
{
	char room[2048];
	struct buf b;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	err = ua_exchange_answer_out(iv, &b);
	if (!err)
		err = text_set(&iv->ack_body, buf_view(&b));
	buf_free(&b);
	return err ? 488 : 0;
}

/* 0: the answer is in iv->ack_body; UA_INVITE_LATER; or why it is not. */
static unsigned take_offer(struct ua_invite *iv, struct sip_msg *msg)
{
	struct str body;
	unsigned status = 488;

	/* Whoever ends the call inside has a 2xx to acknowledge. */
	obj_drop(iv->judged);
	iv->judged = obj_hold(msg);
	if (ua_invite_body(iv, msg, &body))
		status = ua_exchange_offer_in(iv, body);
	if (status != UA_INVITE_LATER)
		iv->judged = obj_drop(iv->judged);
	return status ? status : write_answer(iv);
}

/* ---- responses --------------------------------------------------------------------------------- */

static void tell_progress(struct ua_invite *iv, struct sip_msg *msg)
{
	if (iv->prm.user && iv->prm.user->progress)
		iv->prm.user->progress(iv->prm.arg, msg);
}

/* A reliable one; false: what it offers is being judged. */
static bool on_reliable(struct ua_invite *iv, struct sip_dialog *d, struct sip_msg *msg)
{
	bool offer = offer_is_theirs(iv) && ua_invite_body(iv, msg, &(struct str){ 0 });
	unsigned status = offer ? take_offer(iv, msg) : 0;

	if (status == UA_INVITE_LATER)
		return false;
	ua_reliable_send_prack(iv, d, msg, offer && !status ? text_view(&iv->ack_body) : STR_NULL);
	return true;
}

static void on_provisional(struct ua_invite *iv, struct sip_msg *msg)
{
	struct sip_dialog *d = iv->dlg;
	uint32_t *last = &iv->rel.remote_rseq, rseq;

	if (msg->status == 100) {
		tell_progress(iv, msg);
		return;
	}
	if (is_other_fork(iv, msg)) {
		struct ua_fork *f = fork_of(iv, msg);

		if (!f)
			return;
		d = f->dlg;
		last = &f->rseq;
	} else if (msg->to.tag.n) {
		sip_dialog_response(d, msg, NULL);
	}
	if (ua_reliable_is_new(msg, *last, &rseq)) {
		*last = rseq;
		if (!on_reliable(iv, d, msg))
			return;
	}
	if (iv->state == UA_INVITE_CALLING)
		ua_exchange_response(iv, msg);
	tell_progress(iv, msg);
}

/* It is acknowledged, and all that is known of it. */
static void finish_answered(struct ua_invite *iv, struct sip_msg *msg, unsigned status)
{
	if (!ua_timer_response(iv, msg))
		ua_invite_ended(iv, UA_END_NO_TIMER, msg, 0);
	else if (status || iv->exchange == UA_EXCHANGE_OURS)
		ua_invite_ended(iv, UA_END_NO_BODY, msg, 0);
	else if (iv->prm.user && iv->prm.user->answered)
		iv->prm.user->answered(iv->prm.arg, msg);
	ua_refresh_go_on(iv);
}

static void send_ack(struct ua_invite *iv, const struct sip_msg *msg)
{
	ua_invite_send_ack(iv, iv->dlg, msg, ua_request_out(iv->uac), text_view(&iv->ack_body));
}

static void on_answered(struct ua_invite *iv, struct sip_msg *msg)
{
	unsigned status;
	bool theirs;

	iv->accepted = true;
	choose_fork(iv, msg);
	sip_dialog_response(iv->dlg, msg, NULL);
	ua_invite_learn_target(iv, iv->dlg, msg);
	if (iv->state == UA_INVITE_CANCELLED) {         /* our CANCEL came too late */
		send_ack(iv, msg);
		ua_invite_bye(iv, iv->dlg, STR_NULL);
		ua_invite_ended(iv, UA_END_FAILED, msg, ECANCELED);
		return;
	}
	iv->turn = UA_TURN_NONE;
	ua_invite_change(iv, UA_INVITE_UP);
	theirs = offer_is_theirs(iv);
	status = theirs ? take_offer(iv, msg) : 0;
	if (status == UA_INVITE_LATER)
		return;
	if (iv->state == UA_INVITE_UP)          /* else it was ended by its user, and acknowledged */
		send_ack(iv, msg);
	if (!theirs)
		status = ua_exchange_response(iv, msg);
	if (iv->state == UA_INVITE_UP)
		finish_answered(iv, msg, status);
}

static void on_2xx(struct ua_invite *iv, struct ua_request *rq, struct sip_msg *msg)
{
	if (!iv->accepted)
		on_answered(iv, msg);
	else if (is_other_fork(iv, msg))
		end_fork(iv, msg, ua_request_out(rq));
	else if (!iv->judged)
		send_ack(iv, msg);      /* repeated */
}

static void response_judged(struct ua_invite *iv, struct sip_msg *msg, unsigned status)
{
	if (status)
		ua_exchange_fail(iv);
	else
		status = write_answer(iv);
	if (msg->status < 200) {
		struct ua_fork *f = is_other_fork(iv, msg) ? fork_of(iv, msg) : NULL;

		ua_reliable_send_prack(iv, f ? f->dlg : iv->dlg, msg, text_view(&iv->ack_body));
		tell_progress(iv, msg);
		return;
	}
	send_ack(iv, msg);
	finish_answered(iv, msg, status);
}

void ua_invite_judged(struct ua_invite *iv, unsigned status)
{
	struct sip_msg *msg = iv->judged;

	if (!msg)
		return;
	obj_hold(iv);
	iv->judged = NULL;
	if (msg->request)
		ua_change_judged(iv, msg, status);
	else
		response_judged(iv, msg, status);
	obj_drop(msg);
	obj_drop(iv);
}

/* Credentials and all else stay (22.2 lets them); early dialogs of the one before may still be
 * there, and the next one's are forks beside them. */
static bool retarget(struct ua_invite *iv, struct ua_request *rq, struct sip_msg *msg)
{
	struct str uri;

	if (UA_SMALL || iv->state != UA_INVITE_CALLING || !iv->prm.user || !iv->prm.user->retarget ||
	    !iv->prm.user->retarget(iv->prm.arg, msg, &uri) || !ua_request_again_at(rq, uri))
		return false;
	iv->rel.remote_rseq = 0;
	if (!iv->dlg->remote_tag.n && sip_dialog_set_target(iv->dlg, uri))
		log_error("out of memory: a redirected call may lose its way");
	return true;
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct ua_invite *iv = arg;

	obj_hold(iv);
	if (msg->status < 200) {
		if (iv->state == UA_INVITE_CALLING)
			on_provisional(iv, msg);
	} else if (msg->status < 300) {
		on_2xx(iv, rq, msg);
	} else if (iv->state == UA_INVITE_CALLING && ua_timer_refused(iv, msg) && ua_request_again(rq)) {
		write_headers(iv, ua_request_out(rq));
	} else if (retarget(iv, rq, msg)) {
		;
	} else if (iv->state == UA_INVITE_CALLING || iv->state == UA_INVITE_CANCELLED) {
		ua_invite_ended(iv, UA_END_REFUSED, msg, 0);
	} else {
		ua_invite_over(iv);
	}
	obj_drop(iv);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct ua_invite *iv = arg;

	(void)rq;
	obj_hold(iv);
	if (iv->state == UA_INVITE_CALLING || iv->state == UA_INVITE_CANCELLED)
		ua_invite_ended(iv, UA_END_FAILED, NULL, err);
	else
		ua_invite_over(iv);
	obj_drop(iv);
}

int ua_invite_call(struct ua_invite *iv, struct sip_out *o, const struct net_path *path)
{
	struct ua_request_prm prm = ua_invite_request_prm(iv, NULL, o);
	int err;

	prm.path = path;
	prm.prefer_path = path != NULL;
	prm.arg = prm.owner = iv;
	prm.response = on_response;
	prm.failed = on_failed;
	prm.prepare = prepare;
	obj_hold(iv);
	ua_invite_change(iv, UA_INVITE_CALLING);
	iv->turn = UA_TURN_INVITE;
	err = ua_request_send(iv->ua, &prm, &iv->uac);
	if (err)
		ua_invite_over(iv);
	obj_drop(iv);
	return err;
}

void ua_invite_go_on(struct ua_invite *iv)
{
	if (iv->uac)
		ua_request_go_on(iv->uac);
}
