/* service/request.c -- one request from its first address to its final answer: the
 * transactions under it come and go, whoever asked for it is told once. */
#define LOG_MODULE "request"
#include "service/request.h"
#include "base/log.h"
#include "sip/resolve.h"
#include <errno.h>

#define MAX_TARGETS 8           /* addresses tried for one request */
#define MAX_CHALLENGES 3        /* a chain of proxies, each with its realm */

struct target {
	enum net_proto proto;
	struct sa peer;
};

struct request {                /* obj */
	struct list link;               /* in service.requests until finish() */
	struct service *svc;
	struct request_prm prm;
	struct sip_out *out;            /* held */
	struct snapshot *conf;          /* held */
	struct sip_ctx *ctx;            /* held */
	struct net_path path, fixed;
	bool has_path, done, final, sent;
	struct target target[MAX_TARGETS];
	size_t targets, next;
	struct sip_resolve *resolving;
	struct timer timer;             /* total timeout, or a failure to be told */
	int err;
	unsigned challenges;
	struct text last_nonce;
	struct text transport;
	struct text cancel_headers;
	bool cancel;
};

/* Whoever asked is told nothing more. */
static void let_go(struct request *rq)
{
	obj_unpoint(rq->prm.owner);
	rq->prm.owner = rq->prm.arg = NULL;
	rq->prm.response = NULL;
	rq->prm.failed = NULL;
	rq->prm.prepare = NULL;
}

static void request_free(void *arg)
{
	struct request *rq = arg;

	if (rq->ctx)
		sip_ctx_detach(rq->ctx);
	let_go(rq);
	obj_drop(rq->out);
	obj_drop(rq->conf);
	obj_drop(rq->ctx);
	text_free(&rq->last_nonce);
	text_free(&rq->transport);
	text_free(&rq->cancel_headers);
}

/* The engine's own reference ends with the work. */
static void finish(struct request *rq)
{
	if (rq->done)
		return;
	rq->done = true;
	list_remove(&rq->link);
	timer_stop(&rq->timer);
	if (rq->resolving) {
		sip_resolve_cancel(rq->resolving);
		rq->resolving = NULL;
	}
	if (rq->ctx && !rq->final)
		sip_ctx_detach(rq->ctx);
	obj_drop(rq);
}

static void tell_failure(void *arg)
{
	struct request *rq = arg;

	obj_hold(rq);
	finish(rq);
	if (rq->prm.failed)
		rq->prm.failed(rq->prm.arg, rq, rq->err);
	let_go(rq);
	obj_drop(rq);
}

static void fail_later(struct request *rq, int err)
{
	rq->err = err;
	timer_start(rq->svc->wheel, &rq->timer, 0, tell_failure, rq);
}

static void on_response(void *arg, struct sip_ctx *tx, struct sip_msg *msg);
static void on_failed(void *arg, struct sip_ctx *tx, int err);

static int send_ack(struct request *rq)
{
	char branch[32] = "z9hG4bK";
	struct net_bytes *bytes;
	int err;

	sip_token(rq->svc->sip, branch + 7, 20);
	bytes = sip_out_encode(rq->out, rq->svc->sip, &rq->path, str_z(branch));
	if (!bytes)
		return ENOMEM;
	err = sip_stack_send(rq->svc->sip, &rq->path, bytes);
	obj_drop(bytes);
	rq->sent = !err;
	return err;
}

static int send_on_path(struct request *rq)
{
	struct sip_ctx_user user = { rq, on_response, on_failed, .owner = rq };
	int err = rq->prm.prepare ? rq->prm.prepare(rq->prm.arg, rq, rq->out, &rq->path) : 0;

	if (err)
		return err;
	if (rq->out->method == SIP_ACK)
		return send_ack(rq);
	if (rq->ctx) {
		sip_ctx_detach(rq->ctx);
		rq->ctx = obj_drop(rq->ctx);
	}
	err = sip_ctx_send(rq->svc->sip, rq->out, &rq->path, &user, &rq->ctx);
	if (!err) {
		rq->path = rq->ctx->path;
		rq->has_path = true;
		if (rq->cancel)
			sip_ctx_cancel(rq->ctx, text_view(&rq->cancel_headers));
	}
	return err;
}

/* The next address that can be sent to; the error of the last one. */
static int send_next(struct request *rq)
{
	int err = EHOSTUNREACH;

	while (rq->next < rq->targets) {
		struct target *t = &rq->target[rq->next++];

		err = service_route(rq->svc, &rq->path, text_view(&rq->transport), t->proto, &t->peer);
		if (!err)
			err = send_on_path(rq);
		if (!err)
			return 0;
	}
	return err;
}

static void on_total_timeout(void *arg)
{
	struct request *rq = arg;

	rq->err = ETIMEDOUT;
	tell_failure(rq);
}

static bool is_repeated_challenge(struct request *rq, const struct sip_msg *msg)
{
	struct digest_fields f;
	struct str v = sip_hdr_value(msg, msg->status == 407 ? SIP_H_PROXY_AUTHENTICATE : SIP_H_WWW_AUTHENTICATE);

	if (rq->challenges >= MAX_CHALLENGES || !v.n)
		return true;
	if (digest_parse(&f, v))
		return false;
	/* The same realm again, not because the nonce was old: the password is wrong. */
	if (rq->last_nonce.n && str_eq(text_view(&rq->last_nonce), f.realm) && !f.stale)
		return true;
	return text_set(&rq->last_nonce, f.realm) != 0;
}

/* True when it was sent again with credentials. */
static bool answer_challenge(struct request *rq, const struct sip_msg *msg)
{
	if (!rq->prm.auth_n || is_repeated_challenge(rq, msg))
		return false;
	if (request_authorize(rq->svc, rq->out, msg, rq->prm.auths, rq->prm.auth_n, 1))
		return false;
	rq->challenges++;
	rq->out->cseq++;
	return send_on_path(rq) == 0;
}

static void on_response(void *arg, struct sip_ctx *tx, struct sip_msg *msg)
{
	struct request *rq = arg;

	(void)tx;
	obj_hold(rq);
	if (rq->final) {
		if (rq->prm.response)
			rq->prm.response(rq->prm.arg, rq, msg);
	} else if ((msg->status == 401 || msg->status == 407) && answer_challenge(rq, msg)) {
		;
	} else if (msg->status == 503 && rq->next < rq->targets && !rq->cancel) {
		/* RFC 3263 4.3 */
		rq->out->cseq++;
		if (send_next(rq))
			fail_later(rq, EHOSTUNREACH);
	} else {
		rq->final = msg->status >= 200;
		if (rq->final) {
			bool keep = msg->method == SIP_INVITE && msg->status < 300;

			timer_stop(&rq->timer);
			if (rq->prm.response)
				rq->prm.response(rq->prm.arg, rq, msg);
			/* A repeated 2xx still has to reach the session, for its ACK. */
			if (!keep && rq->ctx)
				sip_ctx_detach(rq->ctx);
			if (!keep) {
				let_go(rq);
				finish(rq);
			}
		} else if (rq->prm.response) {
			rq->prm.response(rq->prm.arg, rq, msg);
		}
	}
	obj_drop(rq);
}

static void on_failed(void *arg, struct sip_ctx *tx, int err)
{
	struct request *rq = arg;

	(void)tx;
	if (rq->final || rq->done)
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

static void on_resolved(void *arg, int err, const struct sip_target *v, size_t n)
{
	struct request *rq = arg;

	rq->resolving = NULL;
	for (size_t i = 0; !err && i < n && rq->targets < MAX_TARGETS; i++)
		rq->target[rq->targets++] = (struct target){ v[i].proto, v[i].addr };
	if (!err)
		err = send_next(rq);
	if (err)
		fail_later(rq, err);
	else if (rq->sent)
		finish(rq);
}

static enum net_proto uri_proto(const struct sip_uri *u)
{
	struct str t;

	if (sip_uri_is_sips(u))
		return NET_TLS;
	if (!sip_uri_param(u, STR("transport"), &t))
		return NET_UDP;
	for (int p = 0; p < NET_PROTOS; p++)
		if (str_ieq(t, str_z(net_proto_name((enum net_proto)p))))
			return (enum net_proto)p;
	return NET_UDP;
}

static int resolve(struct request *rq)
{
	const struct service_transport *t = NULL;
	struct sip_resolve_prm rp = { 0 };
	struct target *first = &rq->target[0];
	struct sip_uri u;
	struct str text = rq->prm.target.n ? rq->prm.target : sip_out_next_hop(rq->out);
	int err = sip_uri_parse(&u, text);

	if (err || !sip_uri_is_sip(&u))
		return EINVAL;
	if (rq->prm.transport.n) {
		t = service_transport(rq->svc, rq->prm.transport);
		if (!t)
			return ENOENT;
	}
	first->proto = t ? t->proto : uri_proto(&u);
	if (sa_parse_host(&first->peer, u.host, u.port ? u.port : first->proto == NET_TLS ? 5061 : 5060) == 0) {
		rq->targets = 1;
		return send_next(rq);
	}
	if (!rq->svc->dns)
		return ENOENT;
	rp = (struct sip_resolve_prm){ .lookup = &rq->svc->lookup, .wheel = rq->svc->wheel, .uri = &u,
		.fixed_proto = t != NULL, .proto = first->proto, .fn = on_resolved, .arg = rq };
	for (int p = 0; p < NET_PROTOS; p++) {
		for (size_t i = 0; i < rq->svc->transport_n; i++) {
			const struct service_transport *have = &rq->svc->transports[i];

			if ((int)have->proto != p || (t && t != have))
				continue;
			rp.can_v4[p] |= !sa_is_v6(&have->bound);
			rp.can_v6[p] |= sa_is_v6(&have->bound);
		}
	}
	return sip_resolve_start(&rp, &rq->resolving);
}

int request_send(struct service *svc, const struct request_prm *prm, struct request **out)
{
	struct request *rq = obj_new(sizeof(*rq), request_free);
	int err = 0;

	if (!rq)
		return ENOMEM;
	rq->svc = svc;
	rq->prm = *prm;
	obj_point(rq->prm.owner);
	rq->out = obj_hold(prm->out);
	rq->conf = obj_hold(prm->conf);
	if (text_set(&rq->transport, prm->transport)) {
		obj_drop(rq);
		return ENOMEM;
	}
	obj_hold(rq);           /* until finish() */
	list_append(&svc->requests, &rq->link);
	if (prm->path && (!prm->prefer_path || !svc->net || !prm->path->conn ||
			  net_conn_alive(svc->net, prm->path->conn))) {
		rq->path = *prm->path;
		err = send_on_path(rq);
		if (err && prm->prefer_path)
			err = resolve(rq);
	} else {
		err = resolve(rq);
	}
	if (err)
		fail_later(rq, err);
	else if (prm->timeout_ms)
		timer_start(svc->wheel, &rq->timer, prm->timeout_ms, on_total_timeout, rq);
	if (!err && rq->sent)
		finish(rq);
	/* Views that are the caller's and end with this call. */
	rq->prm.path = NULL;
	rq->prm.target = rq->prm.transport = STR_NULL;
	if (out)
		*out = rq;
	else
		obj_drop(rq);
	return 0;
}

void request_send_ack(struct service *svc, const struct request_prm *prm)
{
	if (request_send(svc, prm, NULL))
		log_error("out of memory: an ACK is not sent");
}

void request_cancel(struct request *rq, struct str headers)
{
	if (rq->final || rq->cancel)
		return;
	rq->cancel = true;
	text_set(&rq->cancel_headers, headers);
	if (rq->ctx)
		sip_ctx_cancel(rq->ctx, headers);
	else if (rq->resolving && !rq->done)
		fail_later(rq, ECANCELED);
}

void *request_detach(struct request *rq)
{
	void *arg = rq->prm.arg;

	obj_hold(rq);
	let_go(rq);
	/* An INVITE that nobody waits for must not ring, nor wait, for ever. */
	request_cancel(rq, STR_NULL);
	if (rq->ctx)
		sip_ctx_detach(rq->ctx);
	finish(rq);
	obj_drop(rq);
	return arg;
}

void requests_abandon(struct service *svc)
{
	while (!list_empty(&svc->requests)) {
		struct request *rq = container_of(svc->requests.next, struct request, link);

		rq->err = ECANCELED;
		tell_failure(rq);
	}
}

const struct net_path *request_path(const struct request *rq)
{
	return &rq->path;
}

struct sip_out *request_out(struct request *rq)
{
	return rq->out;
}

struct service *request_service(struct request *rq)
{
	return rq->svc;
}

const struct endpoint *request_endpoint(struct request *rq)
{
	return rq->prm.ep;
}

/* ---- credentials ------------------------------------------------------------- */

/* The object made for this realm, else the first for any (empty or *). */
static const struct auth_conf *auth_for(struct auth_conf *const *auths, size_t n, struct str realm)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(auths[i]->realm, realm))
			return auths[i];
	for (size_t i = 0; i < n; i++)
		if (!auths[i]->realm.n || str_eq(auths[i]->realm, STR("*")))
			return auths[i];
	return NULL;
}

static bool supports(const struct auth_conf *a, enum digest_alg alg)
{
	for (size_t i = 0; i < a->supported_algorithms_uac.n; i++)
		if (a->supported_algorithms_uac.v[i] == alg)
			return true;
	return false;
}

static int write_answer(struct service *svc, struct sip_out *out, struct buf *b, const struct digest_fields *f,
			enum digest_alg alg, const struct auth_conf *a, bool proxy, uint32_t nc)
{
	struct digest_answer_prm prm = { .challenge = f, .alg = alg, .username = a->username,
		.password = a->password.s, .ha1 = a->ha1[alg].s, .method = out->method_name, .uri = out->ruri,
		.body = out->body, .nc = nc };
	int err;

	buf_put(b, proxy ? STR("Proxy-Authorization: ") : STR("Authorization: "));
	err = digest_answer(svc->digest, &prm, b);
	buf_put(b, STR("\r\n"));
	return err;
}

int request_authorize(struct service *svc, struct sip_out *out, const struct sip_msg *msg,
		      struct auth_conf *const *auths, size_t n, uint32_t nc)
{
	struct str done[8];
	struct buf b = BUF_INIT;
	size_t ndone = 0;
	int err = 0;

	for (size_t h = 0; h < msg->hdrs && !err; h++) {
		bool proxy = msg->hdr[h].id == SIP_H_PROXY_AUTHENTICATE, repeat = false;
		const struct auth_conf *a;
		struct digest_fields f;
		enum digest_alg alg;

		if ((!proxy && msg->hdr[h].id != SIP_H_WWW_AUTHENTICATE) || digest_parse(&f, msg->hdr[h].value) ||
		    digest_alg_of(f.algorithm, &alg))
			continue;
		for (size_t i = 0; i < ndone; i++)
			repeat |= str_eq(done[i], f.realm);
		a = auth_for(auths, n, f.realm);
		if (repeat || ndone == ARRAY_LEN(done) || !a || !supports(a, alg))
			continue;
		done[ndone++] = f.realm;
		err = write_answer(svc, out, &b, &f, alg, a, proxy, nc);
	}
	if (!err)
		err = buf_err(&b);
	if (!err && !ndone)
		err = ENOENT;
	if (!err)
		out->auth = sip_out_dup(out, buf_view(&b));
	buf_free(&b);
	return err;
}

/* ---- requests of our own --------------------------------------------------------- */

void service_from_uri(struct service *svc, const struct endpoint *ep, const struct net_path *path, struct buf *b)
{
	struct str user = ep && ep->from_user.n ? ep->from_user : svc->conf->global->default_from_user;

	buf_put(b, STR("sip:"));
	sip_escape_user(b, user);
	if (user.n)
		buf_char(b, '@');
	if (ep && ep->from_domain.n)
		buf_put(b, ep->from_domain);
	else
		sa_write_host(b, &path->local);
}

struct sip_out *service_out(struct service *svc, enum sip_method m, const struct endpoint *ep, struct str uri,
			    struct str from)
{
	struct sip_out *o = sip_out_new(m);
	struct sip_uri u;
	char id[33];

	if (!o)
		return NULL;
	if (!sip_uri_parse(&u, uri))
		uri = sip_uri_as_target(&u);
	sip_token(svc->sip, id, 32);
	o->ruri = sip_out_dup(o, uri);
	o->to = arena_cat(o->arena, STR("<"), uri, STR(">"));
	if (from.n) {
		char tag[SIP_TAG + 1];

		sip_token(svc->sip, tag, SIP_TAG);
		o->from = arena_cat(o->arena, from, STR(";tag="), str_z(tag));
	}
	o->call_id = sip_out_dup(o, str_z(id));
	o->cseq = 1;
	o->max_forwards = (int)svc->conf->global->max_forwards;
	o->user_agent = sip_out_dup(o, text_view(&svc->user_agent));
	o->no_rport = svc->conf->system->disable_rport;
	if (ep && ep->outbound_proxy.n)
		o->route = arena_cat(o->arena, STR("<"), ep->outbound_proxy, STR(">"));
	return o;
}

int service_out_prepare(void *arg, struct request *rq, struct sip_out *out, const struct net_path *path)
{
	struct service *svc = rq->svc;
	const struct endpoint *ep = rq->prm.ep;
	char room[512];
	struct buf b;

	(void)arg;
	buf_init(&b, room, sizeof(room), sizeof(room));
	service_sent_by(svc, path, &b);
	out->via_host = sip_out_dup(out, buf_view(&b));
	if (!out->from.n) {
		char tag[SIP_TAG + 1];

		sip_token(svc->sip, tag, SIP_TAG);
		buf_reset(&b);
		service_from_uri(svc, ep, path, &b);
		out->from = arena_cat(out->arena, STR("<"), buf_view(&b), STR(">;tag="), str_z(tag));
	}
	buf_reset(&b);
	service_contact(svc, path, ep && ep->contact_user.n ? ep->contact_user :
			svc->conf->global->default_from_user, false, &b);
	out->contact = sip_out_dup(out, buf_view(&b));
	return buf_err(&b);
}
