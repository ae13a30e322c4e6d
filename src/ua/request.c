/* One request from its first address to its final answer: the transactions under it come
 * and go, whoever asked for it is told once. */
#define LOG_MODULE "request"
#include "ua/request.h"
#include "base/log.h"
#include "base/obj.h"
#include "ua/challenge.h"
#include <errno.h>
#include <stdlib.h>

#define MAX_TARGETS 8           /* addresses tried for one request */
#define MAX_AGAIN 4             /* a chain of proxies may ask for more one after the other */

struct ua_request {             /* obj */
	struct list link;               /* in ua.requests until it is over */
	struct ua *ua;
	struct ua_request_prm prm;
	enum ua_request_state state;
	struct sip_out *out;            /* held */
	struct sip_client_tx *tx;            /* held: the transaction under way */
	struct net_path path;
	struct ua_target target[MAX_TARGETS];   /* host: view into ours */
	size_t targets, next;
	struct sip_resolve *resolving;
	struct timer timer;             /* total timeout, or a failure to be told */
	int err;
	struct ua_challenges challenges;
	struct text transport;
	struct text host;               /* of the URI that was resolved */
	struct text cancel_headers;
	bool cancel;                    /* asked for, perhaps before there is anything to cancel */
	bool again;                     /* ua_request_again() was called */
	bool waiting;                   /* prepare() has asked for time: ua_request_go_on() follows */
	unsigned agains;                /* so often it was sent anew */
};

#define TO(state) (1u << UA_REQUEST_##state)
static const unsigned char allowed[] = {
	[UA_REQUEST_RESOLVING] = TO(TRYING) | TO(FAILING) | TO(OVER),
	[UA_REQUEST_TRYING] = TO(TRYING) | TO(FAILING) | TO(ANSWERED) | TO(OVER),
	[UA_REQUEST_FAILING] = TO(OVER),
	[UA_REQUEST_ANSWERED] = TO(TRYING) | TO(OVER),
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

static struct wheel *wheel_of(const struct ua_request *rq)
{
	return sip_stack_wheel(rq->ua->sip);
}

static void fail_later(struct ua_request *rq, int err)
{
	change(rq, UA_REQUEST_FAILING);
	rq->err = err;
	timer_start(wheel_of(rq), &rq->timer, 0, tell_failure, rq);
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

static int send_on_path(struct ua_request *rq)
{
	struct sip_client_tx_user user = { .arg = rq, .trying = rq->prm.trying, .response = on_response, .failed = on_failed, .owner = rq };
	int err = rq->prm.prepare ? rq->prm.prepare(rq->prm.arg, rq, rq->out, &rq->path) : 0;

	rq->waiting = err == EINPROGRESS && rq->state == UA_REQUEST_RESOLVING;
	if (rq->waiting)
		return 0;
	if (err)
		return err;
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

/* The next address that can be sent to; the error of the last one. */
static int send_next(struct ua_request *rq)
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
	if (err && (!rq->targets || send_next(rq)))
		fail_later(rq, err);
}

/* An ACK that is out is done. */
static void finish_ack(struct ua_request *rq)
{
	if (rq->out->method == SIP_ACK && rq->state == UA_REQUEST_TRYING)
		finish(rq);
}

/* ---- answers ---------------------------------------------------------------------------- */

static bool answer_challenge(struct ua_request *rq, const struct sip_msg *msg)
{
	if (msg->status != 401 && msg->status != 407)
		return false;
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

static void send_again(struct ua_request *rq)
{
	rq->agains++;
	rq->out->cseq++;
	if (send_on_path(rq)) {
		change(rq, UA_REQUEST_TRYING);
		fail_later(rq, EHOSTUNREACH);
	}
}

static void tell_final(struct ua_request *rq, struct sip_msg *msg)
{
	change(rq, UA_REQUEST_ANSWERED);
	timer_stop(&rq->timer);
	rq->again = false;
	if (rq->prm.response)
		rq->prm.response(rq->prm.arg, rq, msg);
	/* A repeated 2xx still has to reach the user, for its ACK. */
	if (rq->state != UA_REQUEST_ANSWERED || (msg->method == SIP_INVITE && msg->status < 300))
		return;
	if (rq->again && rq->prm.response) {
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
	} else if (answer_challenge(rq, msg)) {
		;
	} else if (msg->status == 503 && rq->next < rq->targets && !rq->cancel) {
		/* RFC 3263 4.3 */
		rq->out->cseq++;
		if (send_next(rq))
			fail_later(rq, EHOSTUNREACH);
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
		if (send_next(rq) == 0) {
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

/* ---- where to ------------------------------------------------------------------------------ */

static bool names_sips(const struct sip_out *o)
{
	return str_istarts(o->ruri, STR("sips:")) || str_istarts(sip_out_next_hop(o), STR("sips:"));
}

static int refuse_open(const struct ua_request *rq)
{
	log_warning("%.*s is a sips URI, which goes over TLS and nothing else (RFC 5630): not sent", STR_ARG(rq->out->ruri));
	return EPROTONOSUPPORT;
}

#ifdef SIDETONE_SMALL   /* a page has one way, and looks for none */
static int resolve(struct ua_request *rq)
{
	(void)rq;
	return ENOENT;
}
#else
static void on_resolved(void *arg, int err, const struct sip_target *v, size_t n)
{
	struct ua_request *rq = arg;

	rq->resolving = NULL;
	for (size_t i = 0; !err && i < n && rq->targets < MAX_TARGETS; i++)
		rq->target[rq->targets++] = (struct ua_target){ v[i].proto, v[i].addr, text_view(&rq->host) };
	if (!err)
		err = send_next(rq);
	if (err)
		fail_later(rq, err);
	else
		finish_ack(rq);
}

/* RFC 5630 3.1: what names a sips URI, or goes to one, goes over TLS at every hop. */
static bool wants_tls(const struct ua_request *rq, const struct sip_uri *next_hop)
{
	return rq->prm.secure || sip_uri_is_sips(next_hop) || str_istarts(rq->out->ruri, STR("sips:"));
}

static enum net_proto uri_proto(const struct sip_uri *u, bool secure)
{
	enum net_proto proto = NET_UDP;
	struct str t;

	if (sip_uri_param(u, STR("transport"), &t))
		for (int p = 0; p < NET_PROTOS; p++)
			if (str_ieq(t, str_z(net_proto_name((enum net_proto)p))))
				proto = (enum net_proto)p;
	if (!secure || net_is_secure(proto))
		return proto;
	return proto == NET_WS ? NET_WSS : NET_TLS;
}

static uint16_t default_port(enum net_proto p)
{
	return p == NET_TLS ? 5061 : p == NET_WS ? 80 : p == NET_WSS ? 443 : 5060;
}

static int resolve(struct ua_request *rq)
{
	struct sip_resolve_prm rp = { 0 };
	struct ua_target *first = &rq->target[0];
	struct ua_reach reach = { 0 };
	struct sip_uri u;
	bool secure;
	struct str text = rq->prm.target.n ? rq->prm.target : sip_out_next_hop(rq->out);
	int err = sip_uri_parse(&u, text);

	if (err || !sip_uri_is_sip(&u))
		return EINVAL;
	err = rq->ua->ways->reach(rq->ua->arg, rq->prm.transport, &reach);
	if (err)
		return err;
	secure = wants_tls(rq, &u);
	first->proto = reach.fixed ? reach.proto : uri_proto(&u, secure);
	if (secure && !net_is_secure(first->proto))
		return refuse_open(rq);
	err = text_set(&rq->host, u.host);
	if (err)
		return err;
	if (sa_parse_host(&first->peer, u.host, u.port ? u.port : default_port(first->proto)) == 0) {
		first->host = text_view(&rq->host);
		rq->targets = 1;
		return send_next(rq);
	}
	if (!rq->ua->lookup)
		return ENOENT;
	rp = (struct sip_resolve_prm){ .lookup = rq->ua->lookup, .wheel = wheel_of(rq), .uri = &u,
		.fixed_proto = reach.fixed || (secure && !sip_uri_is_sips(&u)), .proto = first->proto, .fn = on_resolved, .arg = rq };
	memcpy(rp.can_v4, reach.can_v4, sizeof(rp.can_v4));
	memcpy(rp.can_v6, reach.can_v6, sizeof(rp.can_v6));
	return sip_resolve_start(&rp, &rq->resolving);
}
#endif

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
	return text_set(&rq->transport, prm->transport) ? obj_drop(rq) : rq;
}

int ua_request_send(struct ua *ua, const struct ua_request_prm *prm, struct ua_request **out)
{
	const struct net_path *path = ua->way ? ua->way : prm->path;
	bool prefer = prm->prefer_path && !ua->way;
	struct ua_request *rq = request_new(ua, prm);
	bool open_path = path && !net_is_secure(path->proto) && (prm->secure || names_sips(prm->out));
	int err = EAGAIN;

	if (!rq)
		return ENOMEM;
	obj_hold(rq);           /* until finish() */
	list_append(&ua->requests, &rq->link);
	if (open_path && !prefer)
		err = refuse_open(rq);
	else if (path && !open_path && (!prefer || ua->ways->usable(ua->arg, path))) {
		rq->path = *path;
		err = send_on_path(rq);
	}
	if (err && (!path || prefer))
		err = resolve(rq);
	if (err)
		fail_later(rq, err);
	else if (prm->timeout_ms)
		timer_start(wheel_of(rq), &rq->timer, prm->timeout_ms, on_total_timeout, rq);
	if (!err)
		finish_ack(rq);
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
		fail_later(rq, ECANCELED);
	} else if (rq->waiting) {
		rq->waiting = false;
		fail_later(rq, ECANCELED);
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
		fail_later(rq, err);
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
