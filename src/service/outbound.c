#define LOG_MODULE "outbound"
#include "service/outbound.h"
#include "base/log.h"
#include "service/request.h"
#include <errno.h>
#include <stdlib.h>

#define RENEW_BEFORE 10         /* [s] before the end; at most half of the lifetime */
#define LINE 16                 /* digits of line= */

struct registration {
	struct list link;               /* in outbound.leaving, once it is no more in by_name */
	struct service *svc;
	struct text name;
	struct snapshot *conf;          /* held */
	const struct registration_conf *c;
	enum outbound_status status;
	struct timer next;
	struct ua_request *rq;             /* held: the REGISTER on its way */
	bool unregistering;             /* that one has Expires: 0 */
	bool again;                     /* then register at once */
	char call_id[33], tag[SIP_TAG + 1], line[LINE + 1];
	uint32_t cseq;
	uint32_t expiration;            /* [s] to ask for: the option, or what a 423 made of it */
	uint32_t retries;
	uint64_t conn;                  /* the stream that it is registered by; 0: none */
	bool leaving;
};

struct outbound {
	struct map *by_name;
	struct list leaving;            /* configured no more; unregistering */
};

static struct outbound *of(const struct service *svc)
{
	return svc->outbound;
}

const char *outbound_status_name(enum outbound_status s)
{
	static const char *const names[] = { "Unregistered", "Registered", "Rejected", "Stopped" };

	return names[s];
}

static void tell(struct registration *r)
{
	struct event *e = event_new(r->svc->pbx->events, "Registry", EV_SYSTEM);

	if (!e)
		return;
	event_put(e, "ChannelType", STR("PJSIP"));
	event_put(e, "Username", r->c->client_uri);
	event_put(e, "Domain", r->c->server_uri);
	event_put(e, "Status", str_z(outbound_status_name(r->status)));
	event_send(r->svc->pbx->events, e);
}

static void let_go(struct registration *r)
{
	uint32_t cseq;

	if (!r->rq)
		return;
	cseq = ua_request_out(r->rq)->cseq;
	if (cseq > r->cseq)
		r->cseq = cseq;
	ua_request_detach(r->rq);
	r->rq = obj_drop(r->rq);
}

static void registration_free(struct registration *r)
{
	let_go(r);
	timer_stop(&r->next);
	if (r->leaving)
		list_remove(&r->link);
	obj_drop(r->conf);
	text_free(&r->name);
	free(r);
}

static void on_time(void *arg);

static void next_in(struct registration *r, uint64_t seconds)
{
	timer_start(r->svc->wheel, &r->next, seconds * 1000, on_time, r);
}

/* ---- one REGISTER ------------------------------------------------------------ */

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct registration *r = arg;
	struct str user = r->c->contact_user.n ? r->c->contact_user : STR("s");
	bool sips = str_istarts(r->c->server_uri, STR("sips:"));
	char room[512];
	struct buf b;
	int err = service_out_prepare(NULL, rq, out, path);

	buf_init(&b, room, sizeof(room), 4096);
	service_contact(r->svc, path, user, sips, &b);
	if (r->c->line && b.n) {
		b.n--;          /* into the brackets: whoever calls us brings it along */
		buf_puts(&b, STR(";line="), str_z(r->line), STR(">"));
	}
	if (r->c->contact_header_params.n)
		buf_puts(&b, r->c->contact_header_params.p[0] == ';' ? STR_NULL : STR(";"), r->c->contact_header_params);
	err = err ? err : buf_err(&b);
	if (!err)
		out->contact = sip_out_dup(out, buf_view(&b));
	buf_free(&b);
	return err;
}

static void add_headers(struct registration *r, struct sip_out *out, uint32_t expires)
{
	char n[16];
	struct buf b;

	buf_init(&b, n, sizeof(n), sizeof(n));
	buf_u64(&b, expires);
	sip_out_header(out, STR("Expires"), buf_view(&b));
	buf_put(&out->headers, service_allow());
	if (r->c->support_path || r->c->support_outbound)
		sip_out_header(out, STR("Supported"), !r->c->support_outbound ? STR("path") :
			       !r->c->support_path ? STR("outbound") : STR("path, outbound"));
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg);
static void on_failed(void *arg, struct ua_request *rq, int err);

static int send_register(struct registration *r, uint32_t expires)
{
	const struct registration_conf *c = r->c;
	struct ua_request_prm prm = { .hold = r->conf, .transport = c->transport, .arg = r, .response = on_response,
		.failed = on_failed, .prepare = prepare };
	struct sip_out *out;
	int err;

	let_go(r);
	timer_stop(&r->next);
	out = service_out(r->svc, SIP_REGISTER, NULL, c->server_uri, STR_NULL);
	if (!out)
		return ENOMEM;
	/* 10.2: From is To, and all REGISTERs of one registration share Call-ID and count CSeq. */
	out->from = arena_printf(out->arena, "<%.*s>;tag=%s", STR_ARG(c->client_uri), r->tag);
	out->to = arena_printf(out->arena, "<%.*s>", STR_ARG(c->client_uri));
	out->call_id = sip_out_dup(out, str_z(r->call_id));
	out->cseq = ++r->cseq;
	if (c->user_agent.n)
		out->user_agent = c->user_agent;
	if (c->outbound_proxy.n) {
		out->route = arena_printf(out->arena, "<%.*s>", STR_ARG(c->outbound_proxy));
		prm.target = c->outbound_proxy;
	}
	add_headers(r, out, expires);
	prm.out = out;
	r->unregistering = expires == 0;
	log_debug(1, "registration '%s': REGISTER to %.*s for %u s", text_z(&r->name), STR_ARG(c->server_uri), expires);
	service_request_auths(&prm, &c->outbound_auths);
	err = ua_request_send(&r->svc->ua, &prm, &r->rq);
	obj_drop(out);
	return err;
}

static void register_now(struct registration *r)
{
	if (send_register(r, r->expiration)) {
		log_error("registration '%s': out of memory", text_z(&r->name));
		next_in(r, r->c->retry_interval ? r->c->retry_interval : 60);
	}
}

static void on_time(void *arg)
{
	register_now(arg);
}

/* ---- what came back ------------------------------------------------------------ */

/* RFC 3261 10.2.4: our Contact's expires, else Expires, else a lone Contact's (a
 * registrar behind NAT writes another address), else what was asked for. */
static uint32_t granted(struct registration *r, const struct sip_msg *msg)
{
	uint32_t lone = UINT32_MAX, n = r->unregistering ? 0 : r->expiration;
	struct sip_each e = { 0 };
	struct sip_addr ours, a;
	struct str v, value;
	size_t contacts = 0;

	if (r->unregistering)
		return 0;
	if (sip_addr_parse(&ours, ua_request_out(r->rq)->contact))
		return n;
	while (sip_each(msg, SIP_H_CONTACT, &e, &v)) {
		uint32_t s;

		if (sip_addr_parse(&a, v) || a.star || ++contacts > 64)
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

static void registered(struct registration *r, const struct sip_msg *msg)
{
	const struct net_path *path = ua_request_path(r->rq);
	uint32_t s = granted(r, msg), half = s / 2;

	r->retries = 0;
	if (!s) {
		r->status = OUTBOUND_UNREGISTERED;
		r->conn = 0;
		log_verbose(3, "Registration '%s' ended", text_z(&r->name));
		return;
	}
	log_verbose(3, "Registered '%s' with %.*s for %u s", text_z(&r->name), STR_ARG(r->c->server_uri), s);
	r->status = OUTBOUND_REGISTERED;
	r->conn = net_is_stream(path->proto) ? path->conn : 0;
	half += half == 0;
	next_in(r, s > RENEW_BEFORE && s - RENEW_BEFORE > half ? s - RENEW_BEFORE : half);
}

static bool is_temporary(const struct registration *r, unsigned status)
{
	switch (status) {
	case 408: case 500: case 502: case 503: case 504:
		return true;
	case 401: case 407:
		return !r->c->auth_rejection_permanent;
	default:
		return status >= 600;
	}
}

/* `status` 0: nothing came back. */
static void refused(struct registration *r, unsigned status, uint32_t retry_after)
{
	const struct registration_conf *c = r->c;
	uint32_t wait = 0;
	bool counts = true;

	r->conn = 0;
	if (r->unregistering || r->leaving) {
		r->status = OUTBOUND_UNREGISTERED;
		return;
	}
	r->status = OUTBOUND_REJECTED;
	if (retry_after) {
		wait = retry_after;
		counts = false;
	} else if (c->retry_interval && (!status || is_temporary(r, status))) {
		wait = c->retry_interval;
	} else if (status == 403 && c->forbidden_retry_interval) {
		wait = c->forbidden_retry_interval;
	} else {
		wait = c->fatal_retry_interval;
	}
	if (!wait || (counts && r->retries >= c->max_retries)) {
		log_warning("registration '%s' with %.*s: %u %s; no more tries", text_z(&r->name),
			    STR_ARG(c->server_uri), status, status ? sip_reason(status) : "no answer");
		return;
	}
	r->retries += counts;
	log_warning("registration '%s' with %.*s: %u %s; next try in %u s", text_z(&r->name), STR_ARG(c->server_uri),
		    status, status ? sip_reason(status) : "no answer", wait);
	next_in(r, wait);
}

/* The same in every option; its passwords may differ. */
static bool is_same(const struct registration_conf *a, const struct registration_conf *b)
{
	const struct option_set *set = object_options(OBJECT_REGISTRATION);
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	option_each(row, set) {
		option_write(&x, row, a, true);
		option_write(&y, row, b, true);
		buf_char(&x, '\n');
		buf_char(&y, '\n');
	}
	same = !buf_err(&x) && !buf_err(&y) && str_eq(buf_view(&x), buf_view(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* A reload while a REGISTER was on its way left it the configuration of before. */
static void catch_up(struct registration *r)
{
	const struct registration_conf *c = snapshot_registration(r->svc->conf, text_view(&r->name));

	if (r->conf == r->svc->conf || !c || !is_same(r->c, c))
		return;
	obj_drop(r->conf);
	r->conf = obj_hold(r->svc->conf);
	r->c = c;
}

static void after(struct registration *r)
{
	let_go(r);
	catch_up(r);
	tell(r);
	if (r->leaving)
		registration_free(r);
	else if (r->again && !r->svc->stopping) {
		r->again = false;
		register_now(r);
	}
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct registration *r = arg;
	uint32_t least, later = 0;

	(void)rq;
	if (msg->status < 200)
		return;
	/* 10.2.8: longer, then. Only ever longer, so this ends. */
	if (msg->status == 423 && !r->unregistering && !sip_hdr_u32(msg, SIP_H_MIN_EXPIRES, &least) &&
	    least > r->expiration) {
		r->expiration = least;
		let_go(r);
		register_now(r);
		return;
	}
	if (msg->status < 300) {
		registered(r, msg);
	} else {
		struct str v = sip_hdr_value(msg, SIP_H_RETRY_AFTER);
		struct str number = str_trim(str_cut(&v, ';'));

		/* 20.33: also "120 (I'm in a meeting)" */
		if (str_u32(str_trim(str_cut(&number, '(')), &later))
			later = 0;
		refused(r, msg->status, later);
	}
	after(r);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct registration *r = arg;

	(void)rq;
	log_debug(1, "registration '%s': %s", text_z(&r->name), strerror(err));
	refused(r, 0, 0);
	after(r);
}

/* ---- the set of them ------------------------------------------------------------- */

/* Draws what stays the same over a registration's life. */
static int add(struct service *svc, const struct registration_conf *c)
{
	struct registration *r = calloc(1, sizeof(*r));
	uint32_t spread = c->max_random_initial_delay, n;
	uint8_t bytes[4];
	char hex[9];
	int err;

	if (!r)
		return ENOMEM;
	r->svc = svc;
	r->c = c;
	r->conf = obj_hold(svc->conf);
	r->expiration = c->expiration;
	sip_token(svc->sip, r->call_id, sizeof(r->call_id) - 1);
	sip_token(svc->sip, r->tag, SIP_TAG);
	sip_token(svc->sip, r->line, LINE);
	sip_token(svc->sip, hex, 8);
	err = text_set(&r->name, c->name);
	if (!err)
		err = str_hex(str_z(hex), bytes, sizeof(bytes));
	if (!err)
		err = map_add(of(svc)->by_name, text_view(&r->name), r);
	if (err) {
		registration_free(r);
		return err;
	}
	n = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	/* Spread over the time, so that a server with many does not send all at once;
	 * and who starts together with us gets a second. */
	timer_start(svc->wheel, &r->next, 1000 + n % ((uint64_t)spread * 1000 + 1), on_time, r);
	return 0;
}

/* Out of the map; gone when its farewell was answered. */
static void leave(struct registration *r)
{
	map_del(of(r->svc)->by_name, text_view(&r->name));
	timer_stop(&r->next);
	if (r->status != OUTBOUND_REGISTERED && !r->rq) {
		registration_free(r);
		return;
	}
	r->leaving = true;
	r->again = false;
	list_append(&of(r->svc)->leaving, &r->link);
	if (send_register(r, 0))
		registration_free(r);
}

int outbound_start(struct service *svc)
{
	struct outbound *o = calloc(1, sizeof(*o));

	if (!o)
		return ENOMEM;
	list_init(&o->leaving);
	o->by_name = map_new(false);
	if (!o->by_name) {
		free(o);
		return ENOMEM;
	}
	svc->outbound = o;
	snapshot_each(registration_conf, OBJECT_REGISTRATION, c, svc->conf) {
		int err = add(svc, c);

		if (err)
			return err;
	}
	return 0;
}

void outbound_reload(struct service *svc)
{
	struct outbound *o = of(svc);
	struct registration *r;

	if (!o)
		return;
	for (size_t it = 0; (r = map_next(o->by_name, &it)); ) {
		const struct registration_conf *c = snapshot_registration(svc->conf, text_view(&r->name));

		if (!c || !is_same(r->c, c))
			leave(r);
		else if (!r->rq)        /* a REGISTER on its way still looks at the old one */
			catch_up(r);
	}
	snapshot_each(registration_conf, OBJECT_REGISTRATION, c, svc->conf)
		if (!map_get(o->by_name, c->name) && add(svc, c))
			log_error("out of memory: registration '%.*s' does not start", STR_ARG(c->name));
}

static void unregister(struct registration *r)
{
	r->again = false;
	if (send_register(r, 0))
		log_error("registration '%s': out of memory", text_z(&r->name));
}

void outbound_stop(struct service *svc)
{
	struct registration *r;

	for (size_t it = 0; of(svc) && (r = map_next(of(svc)->by_name, &it)); ) {
		timer_stop(&r->next);
		if (r->status == OUTBOUND_REGISTERED)
			unregister(r);
		else
			let_go(r);
		r->status = OUTBOUND_STOPPED;
	}
}

void outbound_resume(struct service *svc)
{
	struct registration *r;

	for (size_t it = 0; of(svc) && (r = map_next(of(svc)->by_name, &it)); )
		register_now(r);
}

bool outbound_busy(const struct service *svc)
{
	const struct registration *r;

	if (!of(svc))
		return false;
	for (size_t it = 0; (r = map_next(of(svc)->by_name, &it)); )
		if (r->rq)
			return true;
	return !list_empty(&of(svc)->leaving);
}

void outbound_free(struct service *svc)
{
	struct outbound *o = of(svc);
	struct registration *r;

	if (!o)
		return;
	for (size_t it = 0; (r = map_next(o->by_name, &it)); )
		registration_free(r);
	while (!list_empty(&o->leaving))
		registration_free(container_of(o->leaving.next, struct registration, link));
	map_free(o->by_name);
	free(o);
	svc->outbound = NULL;
}

void outbound_closed(struct service *svc, uint64_t conn)
{
	struct registration *r;

	for (size_t it = 0; conn && of(svc) && (r = map_next(of(svc)->by_name, &it)); )
		if (r->conn == conn && r->status == OUTBOUND_REGISTERED && !r->rq) {
			r->conn = 0;
			register_now(r);
		}
}

/* ---- what others ask ---------------------------------------------------------------- */

enum outbound_status outbound_status(const struct service *svc, struct str name, int64_t *left)
{
	struct registration *r = of(svc) ? map_get(of(svc)->by_name, name) : NULL;

	*left = 0;
	if (!r)
		return OUTBOUND_UNREGISTERED;
	if (timer_running(&r->next))
		*left = (int64_t)((timer_left_ms(svc->wheel, &r->next) + 999) / 1000);
	return r->status;
}

static int each(struct service *svc, struct str name, void (*fn)(struct registration *r))
{
	struct registration *r;

	if (!of(svc))
		return ENOENT;
	if (!str_eq(name, STR("*all"))) {
		r = map_get(of(svc)->by_name, name);
		if (r)
			fn(r);
		return r ? 0 : ENOENT;
	}
	for (size_t it = 0; (r = map_next(of(svc)->by_name, &it)); )
		fn(r);
	return 0;
}

/* Anew: what the registrar knows goes first. */
static void renew(struct registration *r)
{
	r->retries = 0;
	if (r->status == OUTBOUND_REGISTERED || r->rq) {
		unregister(r);
		r->again = true;
	} else {
		register_now(r);
	}
}

int outbound_register(struct service *svc, struct str name)
{
	return each(svc, name, renew);
}

int outbound_unregister(struct service *svc, struct str name)
{
	return each(svc, name, unregister);
}

struct str outbound_of_line(const struct service *svc, struct str line)
{
	const struct registration *r;

	for (size_t it = 0; line.n && of(svc) && (r = map_next(of(svc)->by_name, &it)); )
		if (r->c->line && str_eq(str_z(r->line), line))
			return text_view(&r->name);
	return STR_NULL;
}
