/* One request from its first address to its final answer: the transactions under it come
 * and go, whoever asked for it is told once. */
#define LOG_MODULE "request"
#include "ua/request_private.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

#define TO(state) (1u << UA_REQUEST_##state)
static const unsigned char allowed[] = {
	[UA_REQUEST_RESOLVING] = TO(TRYING) | TO(FAILING) | TO(OVER),
	[UA_REQUEST_TRYING] = TO(TRYING) | TO(FAILING) | TO(ANSWERED) | TO(OVER),
	[UA_REQUEST_FAILING] = TO(OVER),
	[UA_REQUEST_ANSWERED] = TO(RESOLVING) | TO(TRYING) | TO(OVER),
	[UA_REQUEST_OVER] = 0,
};

static void change(struct ua_request *rq, enum ua_request_state to)
{
#ifdef SIDETONE_SANITIZE
	if (!(allowed[rq->state] & 1u << to)) {
		log_error("request: no way from state %d to %d", (int)rq->state, (int)to);
		abort();
	}
#endif
	(void)allowed;
	rq->state = to;
}

/* Whoever asked is told nothing more. */
static void forget_user(struct ua_request *rq)
{
	obj_unpoint(rq->prm.owner);
	rq->prm.owner = rq->prm.arg = NULL;
	rq->prm.response = NULL;
	rq->prm.failed = NULL;
	rq->prm.prepare = NULL;
}

static void request_free(void *arg)
{
	struct ua_request *rq = arg;

	if (rq->tx)
		sip_client_tx_detach(rq->tx);
	forget_user(rq);
	obj_drop(rq->out);
	obj_drop(rq->prm.hold);
	obj_drop(rq->prm.agree.server);
	obj_drop(rq->tx);
	text_free(&rq->challenges.last_realm);
	text_free(&rq->transport);
	text_free(&rq->host);
	text_free(&rq->cancel_headers);
}

/* The engine's own reference ends with the work. */
static void finish(struct ua_request *rq)
{
	bool answered = rq->state == UA_REQUEST_ANSWERED;

	if (rq->state == UA_REQUEST_OVER)
		return;
	change(rq, UA_REQUEST_OVER);
	list_remove(&rq->link);
	timer_stop(&rq->timer);
	if (rq->resolving) {
		sip_resolve_cancel(rq->resolving);
		rq->resolving = NULL;
	}
	if (rq->tx && !answered)
		sip_client_tx_detach(rq->tx);
	obj_drop(rq);
}

static void tell_failure(void *arg)
{
	struct ua_request *rq = arg;

	obj_hold(rq);
	finish(rq);
	if (rq->prm.failed)
		rq->prm.failed(rq->prm.arg, rq, rq->err);
	forget_user(rq);
	obj_drop(rq);
}

struct wheel *ua_request_wheel(const struct ua_request *rq)
{
	return sip_stack_wheel(rq->ua->sip);
}

void ua_request_fail_later(struct ua_request *rq, int err)
{
	change(rq, UA_REQUEST_FAILING);
	rq->err = err;
	timer_start(ua_request_wheel(rq), &rq->timer, 0, tell_failure, rq);
}

/* ---- sending ---------------------------------------------------------------------------- */

static void on_response(void *arg, struct sip_client_tx *tx, struct sip_msg *msg);
static void on_failed(void *arg, struct sip_client_tx *tx, int err);

/* No transaction (RFC 3261 13.2.2.4). */
static int send_ack(struct ua_request *rq)
{
	char branch[32] = "z9hG4bK";
	struct net_bytes *bytes;
	int err;

	sip_token(rq->ua->sip, branch + 7, 20);
	bytes = sip_out_encode(rq->out, rq->ua->sip, &rq->path, str_z(branch));
	if (!bytes)
		return ENOMEM;
	err = sip_stack_send(rq->ua->sip, &rq->path, bytes);
	obj_drop(bytes);
	return err;
}

/* RFC 3329 2.6: in no ACK, in no CANCEL. */
static int write_agreement(struct ua_request *rq)
{
	char room[512];
	struct buf b;
	int err;

	if (UA_SMALL || !rq->prm.agree.server || rq->out->method == SIP_ACK)
		return 0;
	buf_init(&b, room, sizeof(room), 0);
	ua_agree_write(&rq->prm.agree, rq->refused, &b);
	rq->out->agree = b.n ? sip_out_dup(rq->out, buf_view(&b)) : STR_NULL;
	err = buf_err(&b) || (b.n && !rq->out->agree.n) ? ENOMEM : 0;
	buf_free(&b);
	return err;
}

static int send_on_path(struct ua_request *rq)
{
	struct sip_client_tx_user user = { .arg = rq, .trying = rq->prm.trying, .response = on_response, .failed = on_failed, .owner = rq };
	int err = rq->prm.prepare ? rq->prm.prepare(rq->prm.arg, rq, rq->out, &rq->path) : 0;

	rq->waiting = err == EINPROGRESS && rq->state == UA_REQUEST_RESOLVING;
	if (rq->waiting)
		return 0;
	if (!err)
		err = write_agreement(rq);
	if (err)
		return err;
	if (!UA_SMALL && ua_request_prefers_tcp(rq))
		return ua_request_send_next(rq);
	if (rq->out->method == SIP_ACK) {
		err = send_ack(rq);
		if (!err)
			change(rq, UA_REQUEST_TRYING);
		return err;
	}
	if (rq->tx) {
		sip_client_tx_detach(rq->tx);
		rq->tx = obj_drop(rq->tx);
	}
	err = sip_client_tx_send(rq->ua->sip, rq->out, &rq->path, &user, &rq->tx);
	if (err)
		return err;
	change(rq, UA_REQUEST_TRYING);
	rq->path = rq->tx->path;
	if (rq->cancel)
		sip_client_tx_cancel(rq->tx, text_view(&rq->cancel_headers));
	return 0;
}

int ua_request_send_next(struct ua_request *rq)
{
	const struct ua *ua = rq->ua;
	int err = EHOSTUNREACH;

	while (rq->next < rq->targets) {
		const struct ua_target *t = &rq->target[rq->next++];

		err = ua->ways->route(ua->arg, &rq->path, text_view(&rq->transport), t);
		if (!err)
			err = send_on_path(rq);
		if (!err)
			return 0;
	}
	return err;
}

void ua_request_go_on(struct ua_request *rq)
{
	int err;

	if (!rq->waiting)
		return;
	err = send_on_path(rq);
	if (err && (!rq->targets || ua_request_send_next(rq)))
		ua_request_fail_later(rq, err);
}

void ua_request_finish_ack(struct ua_request *rq)
{
	if (rq->out->method == SIP_ACK && rq->state == UA_REQUEST_TRYING)
		finish(rq);
}

/* ---- answers ---------------------------------------------------------------------------- */

static bool answer_challenge(struct ua_request *rq, const struct sip_msg *msg)
{
	if (msg->status != 401 && msg->status != 407)
		return false;
	rq->refused = msg->status;
	if (rq->ua->authorize) {
		if (++rq->challenges.answered > MAX_AGAIN || !rq->ua->authorize(rq->ua->arg, rq->out, msg))
			return rq->state != UA_REQUEST_TRYING;          /* ended by whoever was asked */
		if (rq->state != UA_REQUEST_TRYING)
			return true;
	} else if (!ua_challenge_answer(&rq->challenges, rq->ua->digest, rq->out, msg, rq->prm.credentials,
					rq->prm.credentials_arg)) {
		return false;
	}
	rq->out->cseq++;
	return send_on_path(rq) == 0;
}

/* 494 (RFC 3329 2.3.1): the server's list is to be repeated to it. Not to the same refusal twice. */
static bool answer_agreement(struct ua_request *rq, const struct sip_msg *msg)
{
	bool learnt = !UA_SMALL && rq->prm.agree.server && ua_agreement_learn(rq->prm.agree.server, msg);

	if (msg->status != 494 || !learnt || rq->refused == 494 || rq->agains >= MAX_AGAIN || rq->cancel)
		return false;
	rq->refused = 494;
	rq->agains++;
	rq->out->cseq++;
	return send_on_path(rq) == 0;
}

static void send_again(struct ua_request *rq)
{
	rq->agains++;
	rq->out->cseq++;
	if (send_on_path(rq)) {
		change(rq, UA_REQUEST_TRYING);
		ua_request_fail_later(rq, EHOSTUNREACH);
	}
}

/* To another URI: what is known of the way to the one before does not hold. */
static void send_elsewhere(struct ua_request *rq)
{
	int err;

	rq->out->cseq++;
	rq->targets = rq->next = 0;
	text_free(&rq->challenges.last_realm);
	rq->challenges = (struct ua_challenges){ 0 };
	if (rq->tx) {
		sip_client_tx_detach(rq->tx);
		rq->tx = obj_drop(rq->tx);
	}
	change(rq, UA_REQUEST_RESOLVING);
	err = rq->ua->way ? send_on_path(rq) : ua_request_resolve(rq);
	if (err)
		ua_request_fail_later(rq, err);
}

static void tell_final(struct ua_request *rq, struct sip_msg *msg)
{
	change(rq, UA_REQUEST_ANSWERED);
	timer_stop(&rq->timer);
	rq->again = rq->elsewhere = false;
	if (rq->prm.response)
		rq->prm.response(rq->prm.arg, rq, msg);
	/* A repeated 2xx still has to reach the user, for its ACK. */
	if (rq->state != UA_REQUEST_ANSWERED || (msg->method == SIP_INVITE && msg->status < 300))
		return;
	if (rq->again && rq->prm.response) {
		if (!UA_SMALL && rq->elsewhere)
			send_elsewhere(rq);
		else
			send_again(rq);
		return;
	}
	if (rq->tx)
		sip_client_tx_detach(rq->tx);
	forget_user(rq);
	finish(rq);
}

static void on_response(void *arg, struct sip_client_tx *tx, struct sip_msg *msg)
{
	struct ua_request *rq = arg;

	(void)tx;
	obj_hold(rq);
	if (rq->state != UA_REQUEST_TRYING) {
		/* A 2xx repeated; what comes while a failure waits to be told is too late. */
		if (rq->state == UA_REQUEST_ANSWERED && rq->prm.response)
			rq->prm.response(rq->prm.arg, rq, msg);
	} else if (answer_agreement(rq, msg) || answer_challenge(rq, msg)) {
		;
	} else if (msg->status == 503 && rq->next < rq->targets && !rq->cancel) {
		/* RFC 3263 4.3 */
		rq->out->cseq++;
		if (ua_request_send_next(rq))
			ua_request_fail_later(rq, EHOSTUNREACH);
	} else if (msg->status >= 200) {
		tell_final(rq, msg);
	} else if (rq->prm.response) {
		rq->prm.response(rq->prm.arg, rq, msg);
	}
	obj_drop(rq);
}

static void on_failed(void *arg, struct sip_client_tx *tx, int err)
{
	struct ua_request *rq = arg;

	(void)tx;
	if (rq->state != UA_REQUEST_TRYING)
		return;
	obj_hold(rq);
	if (!rq->cancel && rq->next < rq->targets) {
		rq->out->cseq++;
		if (ua_request_send_next(rq) == 0) {
			obj_drop(rq);
			return;
		}
	}
	rq->err = err;
	tell_failure(rq);
	obj_drop(rq);
}

static void on_total_timeout(void *arg)
{
	struct ua_request *rq = arg;

	rq->err = ETIMEDOUT;
	tell_failure(rq);
}

/* ---- the request itself ------------------------------------------------------------------- */

struct sip_out *ua_out(struct ua *ua, enum sip_method m, struct str uri)
{
	struct sip_out *o = sip_out_new(m);
	struct sip_uri u;
	char id[33];

	if (!o)
		return NULL;
	if (!sip_uri_parse(&u, uri))
		uri = sip_uri_as_target(&u);
	sip_token(ua->sip, id, 32);
	o->ruri = sip_out_dup(o, uri);
	o->to = arena_cat(o->arena, STR("<"), uri, STR(">"));
	o->call_id = sip_out_dup(o, str_z(id));
	o->cseq = 1;
	return o;
}

/* ---- for its user ---------------------------------------------------------------------------- */

static struct ua_request *request_new(struct ua *ua, const struct ua_request_prm *prm)
{
	struct ua_request *rq = obj_new(sizeof(*rq), request_free);

	if (!rq)
		return NULL;
	rq->ua = ua;
	rq->prm = *prm;
	obj_point(rq->prm.owner);
	rq->out = obj_hold(prm->out);
	rq->prm.hold = obj_hold(prm->hold);
	rq->prm.agree.server = obj_hold(prm->agree.server);
	return text_set(&rq->transport, prm->transport) ? obj_drop(rq) : rq;
}

int ua_request_send(struct ua *ua, const struct ua_request_prm *prm, struct ua_request **out)
{
	const struct net_path *path = ua->way ? ua->way : prm->path;
	bool prefer = prm->prefer_path && !ua->way;
	struct ua_request *rq = request_new(ua, prm);
	bool open_path = path && !net_is_secure(path->proto) && (prm->secure || ua_request_names_sips(prm->out));
	int err = EAGAIN;

	if (!rq)
		return ENOMEM;
	obj_hold(rq);           /* until finish() */
	list_append(&ua->requests, &rq->link);
	if (open_path && !prefer)
		err = ua_request_refuse_open(rq);
	else if (path && !open_path && (!prefer || ua->ways->usable(ua->arg, path))) {
		rq->path = *path;
		err = send_on_path(rq);
	}
	if (err && (!path || prefer))
		err = ua_request_resolve(rq);
	if (err)
		ua_request_fail_later(rq, err);
	else if (prm->timeout_ms)
		timer_start(ua_request_wheel(rq), &rq->timer, prm->timeout_ms, on_total_timeout, rq);
	if (!err)
		ua_request_finish_ack(rq);
	/* Views that are the caller's and end with this call. */
	rq->prm.path = NULL;
	rq->prm.target = rq->prm.transport = STR_NULL;
	if (out)
		*out = rq;
	else
		obj_drop(rq);
	return 0;
}

bool ua_request_again(struct ua_request *rq)
{
	rq->again = !rq->cancel && rq->agains < MAX_AGAIN;
	return rq->again;
}

bool ua_request_again_at(struct ua_request *rq, struct str uri)
{
	struct str copy = sip_out_dup(rq->out, uri);

	if (rq->cancel || !copy.n)
		return false;
	rq->out->ruri = copy;
	rq->again = rq->elsewhere = true;
	return true;
}

void ua_request_cancel(struct ua_request *rq, struct str headers)
{
	if (rq->state == UA_REQUEST_ANSWERED || rq->cancel)
		return;
	rq->cancel = true;
	text_set(&rq->cancel_headers, headers);
	if (rq->tx) {
		sip_client_tx_cancel(rq->tx, headers);
	} else if (rq->resolving) {
		sip_resolve_cancel(rq->resolving);
		rq->resolving = NULL;
		ua_request_fail_later(rq, ECANCELED);
	} else if (rq->waiting) {
		rq->waiting = false;
		ua_request_fail_later(rq, ECANCELED);
	}
}

void *ua_request_detach(struct ua_request *rq)
{
	void *arg = rq->prm.arg;

	obj_hold(rq);
	forget_user(rq);
	/* An INVITE that nobody waits for must not ring, nor wait, for ever. */
	ua_request_cancel(rq, STR_NULL);
	if (rq->tx)
		sip_client_tx_detach(rq->tx);
	finish(rq);
	obj_drop(rq);
	return arg;
}

void ua_requests_abandon(struct ua *ua)
{
	while (list_linked(&ua->requests)) {
		struct ua_request *rq = container_of(ua->requests.next, struct ua_request, link);

		rq->err = ECANCELED;
		tell_failure(rq);
	}
}

void ua_requests_fail(struct ua *ua, int err)
{
	list_each(l, &ua->requests) {
		struct ua_request *rq = container_of(l, struct ua_request, link);

		if (rq->state != UA_REQUEST_TRYING)
			continue;
		if (rq->tx)
			sip_client_tx_detach(rq->tx);
		ua_request_fail_later(rq, err);
	}
}

struct ua *ua_request_ua(const struct ua_request *rq)
{
	return rq->ua;
}

const struct net_path *ua_request_path(const struct ua_request *rq)
{
	return &rq->path;
}

bool ua_requests_are(const struct ua *ua, enum sip_method m)
{
	list_each(l, &ua->requests)
		if (container_of(l, struct ua_request, link)->out->method != m)
			return false;
	return true;
}

struct sip_out *ua_request_out(struct ua_request *rq)
{
	return rq->out;
}

const void *ua_request_context(const struct ua_request *rq)
{
	return rq->prm.context;
}
