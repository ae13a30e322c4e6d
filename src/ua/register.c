/* REGISTER as a client: what is sent when, and what an answer makes of it. Whose
 * registration it is and what is told of it is the user's. */
#include "ua/register.h"
#include "base/log.h"
#include "base/obj.h"
#include "ua/retry.h"
#include "ua/series.h"
#include <errno.h>
#include <stdlib.h>

#define RENEW_BEFORE_S 10       /* before the end; at most half of the lifetime */
#define MAX_CONTACTS 64         /* looked at in a 2xx */

struct ua_register {
	struct ua_register_prm prm;
	enum ua_register_state state;
	struct timer next;              /* the next REGISTER */
	struct ua_series s;
	bool again;                     /* register when it was ended */
	uint32_t expires_s;             /* to ask for: the parameter, or what a 423 made of it */
	uint32_t asked_s;               /* by the REGISTER that is on its way */
	uint32_t retries;
	uint64_t conn;
};

#define TO(state) (1u << UA_REGISTER_##state)
static const unsigned char allowed[] = {
	[UA_REGISTER_IDLE] = TO(ASKING) | TO(LEAVING),
	[UA_REGISTER_ASKING] = TO(ASKING) | TO(REGISTERED) | TO(REFUSED) | TO(LEAVING) | TO(IDLE),
	[UA_REGISTER_REGISTERED] = TO(RENEWING) | TO(LEAVING) | TO(IDLE),
	[UA_REGISTER_RENEWING] = TO(RENEWING) | TO(REGISTERED) | TO(REFUSED) | TO(LEAVING) | TO(IDLE),
	[UA_REGISTER_REFUSED] = TO(ASKING) | TO(LEAVING) | TO(IDLE),
	[UA_REGISTER_LEAVING] = TO(LEAVING) | TO(ASKING) | TO(IDLE),
};

static void change(struct ua_register *r, enum ua_register_state to)
{
#ifdef SIDETONE_SANITIZE
	if (r->state != to && !(allowed[r->state] & 1u << to)) {
		log_error("registration: no way from state %d to %d", (int)r->state, (int)to);
		abort();
	}
#endif
	(void)allowed;
	r->state = to;
}

/* ---- one REGISTER -------------------------------------------------------------------- */

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg);
static void on_failed(void *arg, struct ua_request *rq, int err);

/* "*" has no parameters. */
static bool is_in_contact(const struct ua_register *r, const struct sip_out *out)
{
	return r->prm.expires_in_contact && out->contact.n && !str_eq(out->contact, STR("*"));
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct ua_register *r = arg;
	int err = r->prm.prepare ? r->prm.prepare(r->prm.arg, rq, out, path) : 0;

	if (!err && is_in_contact(r, out)) {
		out->contact = arena_printf(out->arena, "%.*s;expires=%u", STR_ARG(out->contact), r->asked_s);
		err = out->contact.n ? 0 : ENOMEM;
	}
	return err;
}

/* RFC 3261 10.2: From is To, and all REGISTERs of one registration share Call-ID and
 * count CSeq. */
static struct sip_out *write_register(struct ua_register *r, uint32_t expires_s)
{
	const struct ua_register_prm *p = &r->prm;
	struct sip_out *o = ua_series_out(&r->s, &(struct ua_series_prm){ .method = SIP_REGISTER, .target = p->registrar,
		.from = p->aor, .to = p->aor, .proxy = p->proxy, .user_agent = p->user_agent, .max_forwards = p->max_forwards,
		.no_rport = p->no_rport });

	if (!o)
		return NULL;
	if (!p->expires_in_contact || !expires_s)
		buf_printf(&o->headers, "Expires: %u\r\n", expires_s);
	buf_put(&o->headers, p->headers);
	return o;
}

static int send_register(struct ua_register *r, uint32_t expires_s)
{
	const struct ua_register_prm *p = &r->prm;
	struct ua_request_prm prm = { .transport = p->transport, .target = p->proxy, .credentials = p->credentials,
		.credentials_arg = p->credentials_arg, .hold = p->hold, .context = p->context, .arg = r,
		.agree = p->agree, .trying = p->progress, .response = on_response, .failed = on_failed, .prepare = prepare };

	/* RFC 3329 2.3.1: whoever refused us has said its list. */
	prm.agree.verify_first = r->state == UA_REGISTER_REFUSED;
	ua_series_drop(&r->s);
	timer_stop(&r->next);
	r->asked_s = expires_s;
	prm.out = write_register(r, expires_s);
	return ua_series_send(&r->s, &prm);
}

static void plan(struct ua_register *r, uint64_t ms);

static int ask(struct ua_register *r)
{
	int err = send_register(r, r->expires_s);

	if (!err)
		change(r, r->state == UA_REGISTER_REGISTERED || r->state == UA_REGISTER_RENEWING ? UA_REGISTER_RENEWING :
		       UA_REGISTER_ASKING);
	return err;
}

static void on_time(void *arg)
{
	struct ua_register *r = arg;

	if (!ask(r))
		return;
	log_error("a registration with %.*s: out of memory", STR_ARG(r->prm.registrar));
	plan(r, 1000ull * (r->prm.retry.interval_s ? r->prm.retry.interval_s : 60));
}

static void plan(struct ua_register *r, uint64_t ms)
{
	timer_start(sip_stack_wheel(r->s.ua->sip), &r->next, ms, on_time, r);
}

/* ---- what came back ---------------------------------------------------------------------- */

/* RFC 3261 10.2.4: our Contact's expires, else Expires, else a lone Contact's (a
 * registrar behind NAT writes another address), else what was asked for. */
static uint32_t granted(struct ua_register *r, const struct sip_msg *msg)
{
	uint32_t lone = UINT32_MAX, n = r->expires_s;
	struct sip_each e = { 0 };
	struct sip_addr ours, a;
	struct str v, value;
	size_t contacts = 0;

	if (sip_addr_parse(&ours, ua_request_out(r->s.rq)->contact))
		return n;
	while (sip_each(msg, SIP_H_CONTACT, &e, &v)) {
		uint32_t s;

		if (sip_addr_parse(&a, v) || a.star || ++contacts > MAX_CONTACTS)
			continue;
		if (!sip_param(a.params, STR("expires"), &value) || str_u32(value, &s))
			continue;
		lone = s;
		if (sip_uri_eq(&a.uri, &ours.uri))
			return s;
	}
	if (sip_hdr_u32(msg, SIP_H_EXPIRES, &n) && contacts == 1 && lone != UINT32_MAX)
		n = lone;
	return n;
}

/* The request is over, what follows is planned: told last, for the user may end it all. */
static void tell(struct ua_register *r, const struct sip_msg *msg, uint32_t seconds)
{
	struct ua_register_event e = { .state = r->state, .status = msg ? msg->status : 0, .seconds = seconds, .msg = msg };

	ua_series_drop(&r->s);
	r->prm.changed(r->prm.arg, r, &e);
}

static void registered(struct ua_register *r, const struct sip_msg *msg)
{
	const struct net_path *path = ua_request_path(r->s.rq);
	uint32_t before = r->prm.renew_before_s ? r->prm.renew_before_s : RENEW_BEFORE_S;
	uint32_t s = granted(r, msg), half = s / 2;

	r->retries = 0;
	if (!s) {               /* a registrar that says so has ended it */
		r->conn = 0;
		change(r, UA_REGISTER_IDLE);
		tell(r, msg, 0);
		return;
	}
	r->conn = net_is_stream(path->proto) ? path->conn : 0;
	half += half == 0;
	change(r, UA_REGISTER_REGISTERED);
	plan(r, 1000ull * (s > before && s - before > half ? s - before : half));
	tell(r, msg, s);
}

static void ended(struct ua_register *r, const struct sip_msg *msg)
{
	r->conn = 0;
	change(r, UA_REGISTER_IDLE);
	if (r->again)
		plan(r, 0);
	r->again = false;
	tell(r, msg, 0);
}

static bool is_temporary(const struct ua_register *r, unsigned status)
{
	return status == 401 || status == 407 ? !r->prm.retry.auth_permanent : ua_retry_helps(status);
}

/* `msg` NULL: nothing came back. */
static void refused(struct ua_register *r, const struct sip_msg *msg)
{
	const struct ua_register_retry *t = &r->prm.retry;
	unsigned status = msg ? msg->status : 0;
	uint32_t retry_after_s = msg ? ua_retry_after(msg) : 0;
	uint32_t wait = t->fatal_s;

	if (retry_after_s)
		wait = retry_after_s;
	else if (t->interval_s && is_temporary(r, status))
		wait = t->interval_s;
	else if (status == 403 && t->forbidden_s)
		wait = t->forbidden_s;
	if (!retry_after_s && r->retries >= t->most)
		wait = 0;
	r->conn = 0;
	change(r, UA_REGISTER_REFUSED);
	if (wait) {
		r->retries += !retry_after_s;
		plan(r, 1000ull * wait);
	}
	tell(r, msg, wait);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct ua_register *r = arg;
	uint32_t least;

	(void)rq;
	if (msg->status < 200) {
		if (r->prm.progress)
			r->prm.progress(r->prm.arg, r, msg);
		return;
	}
	if (r->state == UA_REGISTER_LEAVING) {
		ended(r, msg);
		return;
	}
	/* RFC 3261 10.2.8: longer, then. Only ever longer, so this ends. */
	if (msg->status == 423 && !sip_hdr_u32(msg, SIP_H_MIN_EXPIRES, &least) && least > r->expires_s) {
		r->expires_s = least;
		ua_series_drop(&r->s);
		on_time(r);
		return;
	}
	if (msg->status < 300)
		registered(r, msg);
	else
		refused(r, msg);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct ua_register *r = arg;

	(void)rq;
	log_debug(1, "REGISTER to %.*s: %s", STR_ARG(r->prm.registrar), strerror(err));
	if (r->state == UA_REGISTER_LEAVING)
		ended(r, NULL);
	else
		refused(r, NULL);
}

/* ---- for its user --------------------------------------------------------------------------- */

int ua_register_new(struct ua_register **out, struct ua *ua, const struct ua_register_prm *prm)
{
	struct ua_register *r = calloc(1, sizeof(*r));

	if (!r)
		return ENOMEM;
	ua_series_init(&r->s, ua);
	r->prm = *prm;
	r->prm.hold = obj_hold(prm->hold);
	r->prm.agree.server = obj_hold(prm->agree.server);
	r->expires_s = prm->expires_s;
	*out = r;
	return 0;
}

void ua_register_free(struct ua_register *r)
{
	if (!r)
		return;
	ua_register_halt(r);
	obj_drop(r->prm.hold);
	obj_drop(r->prm.agree.server);
	free(r);
}

void ua_register_set(struct ua_register *r, const struct ua_register_prm *prm)
{
	void *before = r->prm.hold, *server = r->prm.agree.server;

	if (r->prm.expires_s != prm->expires_s)
		r->expires_s = prm->expires_s;
	r->prm = *prm;
	r->prm.hold = obj_hold(prm->hold);
	r->prm.agree.server = obj_hold(prm->agree.server);
	obj_drop(before);
	obj_drop(server);
}

int ua_register_start(struct ua_register *r, uint64_t ms)
{
	r->retries = 0;
	r->again = false;
	if (!ms)
		return ask(r);
	plan(r, ms);
	return 0;
}

int ua_register_end(struct ua_register *r, bool again)
{
	int err = send_register(r, 0);

	r->again = again;
	r->retries = 0;
	if (!err)
		change(r, UA_REGISTER_LEAVING);
	return err;
}

void ua_register_halt(struct ua_register *r)
{
	timer_stop(&r->next);
	ua_series_drop(&r->s);
	r->again = false;
	change(r, UA_REGISTER_IDLE);
}

enum ua_register_state ua_register_state(const struct ua_register *r)
{
	return r->state;
}

bool ua_register_busy(const struct ua_register *r)
{
	return r->s.rq != NULL;
}

uint64_t ua_register_left_ms(const struct ua_register *r)
{
	return timer_running(&r->next) ? timer_left_ms(sip_stack_wheel(r->s.ua->sip), &r->next) : 0;
}

uint64_t ua_register_conn(const struct ua_register *r)
{
	return r->conn;
}
