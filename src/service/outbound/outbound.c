/* The registrations of the configuration (type=registration): each is a ua_register with
 * the section's options, and what the manager and the log are told of it. */
#define LOG_MODULE "outbound"
#include "service/outbound/outbound.h"
#include "base/log.h"
#include "net/statsd.h"
#include "service/common/request.h"
#include "store/astdb.h"
#include "ua/register.h"
#include <errno.h>
#include <stdlib.h>

#define LINE 16                 /* digits of line= */
/* Where lines are kept: the other server calls the contact that it has, also after a restart of ours. */
#define LINES STR("sidetone-line")

struct registration {
	struct list link;               /* in outbound.leaving, once it is no more in by_name */
	struct service *svc;
	struct text name;
	struct snapshot *conf;          /* held */
	const struct registration_conf *c;
	enum outbound_status status;
	struct ua_register *reg;        /* owned */
	struct ua_agreement *agreement; /* held: security_negotiation; NULL: none */
	struct text agent, headers;     /* of each REGISTER: the next reload replaces the service's */
	char line[LINE + 1];
	bool leaving;
	bool counted;                   /* for StatsD */
};

struct outbound {
	struct map *by_name;
	struct list leaving;            /* configured no more; unregistering */
};

static struct outbound *outbound_of(const struct service *svc)
{
	return svc->outbound;
}

const char *outbound_status_name(enum outbound_status s)
{
	static const char *const names[] = { "Unregistered", "Registered", "Rejected", "Stopped" };

	return names[s];
}

static void tell_state(struct registration *r)
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

/* For others it is registered, refused or neither. */
static const char *stats_name(enum outbound_status s)
{
	return outbound_status_name(s == OUTBOUND_STOPPED ? OUTBOUND_UNREGISTERED : s);
}

#define STATES "PJSIP.registrations.state."

static void reset_stats(struct service *svc)
{
	static const enum outbound_status all[] = { OUTBOUND_REGISTERED, OUTBOUND_UNREGISTERED, OUTBOUND_REJECTED };

	statsd_step(svc->pbx->statsd, "PJSIP.registrations.", "count", "0");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		statsd_step(svc->pbx->statsd, STATES, outbound_status_name(all[i]), "0");
}

/* It comes ("+1") or goes ("-1"). */
static void count_stats(const struct registration *r, const char *step)
{
	statsd_step(r->svc->pbx->statsd, "PJSIP.registrations.", "count", step);
	statsd_step(r->svc->pbx->statsd, STATES, stats_name(r->status), step);
}

static void set_status(struct registration *r, enum outbound_status s)
{
	if (!str_eq(str_z(stats_name(r->status)), str_z(stats_name(s)))) {
		statsd_step(r->svc->pbx->statsd, STATES, stats_name(r->status), "-1");
		statsd_step(r->svc->pbx->statsd, STATES, stats_name(s), "+1");
	}
	r->status = s;
}

static void registration_free(struct registration *r)
{
	if (r->counted)
		count_stats(r, "-1");
	ua_register_free(r->reg);
	if (r->leaving)
		list_remove(&r->link);
	obj_drop(r->conf);
	obj_drop(r->agreement);
	text_free(&r->name);
	text_free(&r->agent);
	text_free(&r->headers);
	free(r);
}

/* ---- one REGISTER ------------------------------------------------------------ */

static int prepare_request(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
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

/* ---- what came of it ----------------------------------------------------------------- */

static void log_event(const struct registration *r, const struct ua_register_event *e)
{
	struct str server = r->c->server_uri;
	const char *reason = e->status ? sip_reason(e->status) : "no answer";

	if (e->state == UA_REGISTER_REGISTERED)
		log_verbose(3, "Registered '%s' with %.*s for %u s", text_z(&r->name), STR_ARG(server), e->seconds);
	else if (e->state == UA_REGISTER_IDLE)
		log_verbose(3, "Registration '%s' ended", text_z(&r->name));
	else if (e->seconds)
		log_warning("registration '%s' with %.*s: %u %s; next try in %u s", text_z(&r->name), STR_ARG(server),
			    e->status, reason, e->seconds);
	else
		log_warning("registration '%s' with %.*s: %u %s; no more tries", text_z(&r->name), STR_ARG(server),
			    e->status, reason);
}

static void on_changed(void *arg, struct ua_register *reg, const struct ua_register_event *e)
{
	struct registration *r = arg;

	(void)reg;
	set_status(r, e->state == UA_REGISTER_REGISTERED ? OUTBOUND_REGISTERED :
		   e->state == UA_REGISTER_REFUSED ? OUTBOUND_REJECTED : OUTBOUND_UNREGISTERED);
	log_event(r, e);
	tell_state(r);
	if (r->leaving)
		registration_free(r);
}

/* ---- as the configuration wants it ------------------------------------------------------ */

static int write_headers(struct registration *r)
{
	const struct registration_conf *c = r->c;
	struct buf b = BUF_INIT;
	int err;

	buf_put(&b, service_allow(true));
	if (c->support_path || c->support_outbound)
		sip_write_hdr(&b, STR("Supported"), !c->support_outbound ? STR("path") :
			      !c->support_path ? STR("outbound") : STR("path, outbound"));
	err = buf_err(&b) ? ENOMEM : text_set(&r->headers, buf_view(&b));
	buf_free(&b);
	return err ? err : text_set(&r->agent, c->user_agent.n ? c->user_agent : text_view(&r->svc->names.user_agent));
}

static struct ua_register_prm prm_of(struct registration *r)
{
	const struct registration_conf *c = r->c;
	struct ua_request_prm auth = { .out = NULL };

	service_request_auths(&auth, &c->outbound_auths);
	return (struct ua_register_prm){ .registrar = c->server_uri, .aor = c->client_uri, .proxy = c->outbound_proxy,
		.transport = c->transport, .user_agent = text_view(&r->agent), .headers = text_view(&r->headers),
		.max_forwards = (int)r->conf->global->max_forwards, .no_rport = r->conf->system->disable_rport,
		.expires_s = c->expiration, .retry = { c->retry_interval, c->forbidden_retry_interval,
			c->fatal_retry_interval, c->max_retries, c->auth_rejection_permanent },
		.agree = { .server = r->agreement, .client = c->security_mechanisms, .client_first = true },
		.credentials = auth.credentials, .credentials_arg = auth.credentials_arg, .hold = r->conf, .arg = r,
		.prepare = prepare_request, .changed = on_changed };
}

static int want_agreement(struct registration *r)
{
	if (r->c->security_negotiation != SECURITY_MEDIASEC)
		r->agreement = obj_drop(r->agreement);
	else if (!r->agreement)
		r->agreement = ua_agreement_new();
	return r->agreement || r->c->security_negotiation != SECURITY_MEDIASEC ? 0 : ENOMEM;
}

static int configure_registration(struct registration *r, struct snapshot *conf, const struct registration_conf *c)
{
	struct snapshot *before = r->conf;
	struct ua_register_prm prm;
	int err;

	r->conf = obj_hold(conf);
	r->c = c;
	obj_drop(before);
	err = write_headers(r);
	if (!err)
		err = want_agreement(r);
	prm = prm_of(r);
	if (r->reg)
		ua_register_set(r->reg, &prm);
	else if (!err)
		err = ua_register_new(&r->reg, &r->svc->ua, &prm);
	return err;
}

static void register_now(struct registration *r)
{
	if (ua_register_start(r->reg, 0))
		log_error("registration '%s': out of memory", text_z(&r->name));
}

static void unregister_one(struct registration *r)
{
	if (ua_register_end(r->reg, false))
		log_error("registration '%s': out of memory", text_z(&r->name));
}

/* ---- the set of them ------------------------------------------------------------- */

/* The one of before, or a new one. */
static void choose_line(struct registration *r)
{
	struct astdb *db = r->svc->pbx->db;
	uint8_t bytes[LINE / 2];
	struct str kept;

	if (db && astdb_get(db, LINES, text_view(&r->name), &kept) && !str_hex(kept, bytes, sizeof(bytes))) {
		str_copy(r->line, sizeof(r->line), kept);
		return;
	}
	sip_token(r->svc->sip, r->line, LINE);
	if (db && astdb_put(db, LINES, text_view(&r->name), str_z(r->line)))
		log_warning("registration '%s': its line= is not kept over a restart", text_z(&r->name));
}

static void forget_line(struct service *svc, struct str name)
{
	if (svc->pbx->db)
		(void)astdb_del(svc->pbx->db, LINES, name);     /* most have none */
}

/* Draws what stays the same over a registration's life. */
static int add_registration(struct service *svc, const struct registration_conf *c)
{
	struct registration *r = calloc(1, sizeof(*r));
	uint32_t spread = c->max_random_initial_delay, n;
	uint8_t bytes[4];
	char hex[9];
	int err;

	if (!r)
		return ENOMEM;
	r->svc = svc;
	sip_token(svc->sip, hex, 8);
	err = text_set(&r->name, c->name);
	if (!err && c->line)
		choose_line(r);
	if (!err)
		err = str_hex(str_z(hex), bytes, sizeof(bytes));
	if (!err)
		err = configure_registration(r, svc->conf, c);
	if (!err)
		err = map_add(outbound_of(svc)->by_name, text_view(&r->name), r);
	if (err) {
		registration_free(r);
		return err;
	}
	r->counted = true;
	count_stats(r, "+1");
	n = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	/* Spread over the time, so that a server with many does not send all at once;
	 * and who starts together with us gets a second. */
	return ua_register_start(r->reg, 1000 + n % ((uint64_t)spread * 1000 + 1));
}

/* Out of the map; gone when its farewell was answered. */
static void leave_registration(struct registration *r)
{
	map_del(outbound_of(r->svc)->by_name, text_view(&r->name));
	if (r->status != OUTBOUND_REGISTERED && !ua_register_busy(r->reg)) {
		registration_free(r);
		return;
	}
	r->leaving = true;
	list_append(&outbound_of(r->svc)->leaving, &r->link);
	if (ua_register_end(r->reg, false))
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
	reset_stats(svc);
	snapshot_each(registration_conf, OBJECT_REGISTRATION, c, svc->conf) {
		int err = add_registration(svc, c);

		if (err)
			return err;
	}
	return 0;
}

void outbound_reload(struct service *svc)
{
	struct outbound *o = outbound_of(svc);
	struct registration *r;

	if (!o)
		return;
	for (size_t it = 0; (r = map_next(o->by_name, &it)); ) {
		const struct registration_conf *c = snapshot_registration(svc->conf, text_view(&r->name));

		if (!c || !c->line)
			forget_line(svc, text_view(&r->name));
		if (!c || !option_same(object_options(OBJECT_REGISTRATION), r->c, c))
			leave_registration(r);
		else if (configure_registration(r, svc->conf, c))
			log_error("out of memory: registration '%s' goes on with a part of its options", text_z(&r->name));
	}
	snapshot_each(registration_conf, OBJECT_REGISTRATION, c, svc->conf)
		if (!map_get(o->by_name, c->name) && add_registration(svc, c))
			log_error("out of memory: registration '%.*s' does not start", STR_ARG(c->name));
}

void outbound_stop(struct service *svc)
{
	struct registration *r;

	for (size_t it = 0; outbound_of(svc) && (r = map_next(outbound_of(svc)->by_name, &it)); ) {
		if (r->status == OUTBOUND_REGISTERED)
			unregister_one(r);
		else
			ua_register_halt(r->reg);
		set_status(r, OUTBOUND_STOPPED);
	}
}

void outbound_resume(struct service *svc)
{
	struct registration *r;

	for (size_t it = 0; outbound_of(svc) && (r = map_next(outbound_of(svc)->by_name, &it)); )
		register_now(r);
}

bool outbound_busy(const struct service *svc)
{
	const struct registration *r;

	if (!outbound_of(svc))
		return false;
	for (size_t it = 0; (r = map_next(outbound_of(svc)->by_name, &it)); )
		if (ua_register_busy(r->reg))
			return true;
	return !list_empty(&outbound_of(svc)->leaving);
}

void outbound_free(struct service *svc)
{
	struct outbound *o = outbound_of(svc);
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

	for (size_t it = 0; conn && outbound_of(svc) && (r = map_next(outbound_of(svc)->by_name, &it)); )
		if (ua_register_conn(r->reg) == conn && ua_register_state(r->reg) == UA_REGISTER_REGISTERED)
			register_now(r);
}

/* ---- what others ask ---------------------------------------------------------------- */

enum outbound_status outbound_status(const struct service *svc, struct str name, int64_t *left)
{
	struct registration *r = outbound_of(svc) ? map_get(outbound_of(svc)->by_name, name) : NULL;

	*left = 0;
	if (!r)
		return OUTBOUND_UNREGISTERED;
	*left = (int64_t)((ua_register_left_ms(r->reg) + 999) / 1000);
	return r->status;
}

static int each_named(struct service *svc, struct str name, void (*fn)(struct registration *r))
{
	struct registration *r;

	if (!outbound_of(svc))
		return ENOENT;
	if (!str_eq(name, STR("*all"))) {
		r = map_get(outbound_of(svc)->by_name, name);
		if (r)
			fn(r);
		return r ? 0 : ENOENT;
	}
	for (size_t it = 0; (r = map_next(outbound_of(svc)->by_name, &it)); )
		fn(r);
	return 0;
}

/* Anew: what the registrar knows goes first. */
static void renew_one(struct registration *r)
{
	if (r->status != OUTBOUND_REGISTERED && !ua_register_busy(r->reg))
		register_now(r);
	else if (ua_register_end(r->reg, true))
		log_error("registration '%s': out of memory", text_z(&r->name));
}

int outbound_register(struct service *svc, struct str name)
{
	return each_named(svc, name, renew_one);
}

int outbound_unregister(struct service *svc, struct str name)
{
	return each_named(svc, name, unregister_one);
}

struct str outbound_of_line(const struct service *svc, struct str line)
{
	const struct registration *r;

	for (size_t it = 0; line.n && outbound_of(svc) && (r = map_next(outbound_of(svc)->by_name, &it)); )
		if (r->c->line && str_eq(str_z(r->line), line))
			return text_view(&r->name);
	return STR_NULL;
}

const struct ua_agreement *outbound_agreement(const struct service *svc, struct str endpoint)
{
	const struct registration *r;

	for (size_t it = 0; outbound_of(svc) && (r = map_next(outbound_of(svc)->by_name, &it)); )
		if (r->agreement && ua_agreement_is_known(r->agreement) && str_eq(r->c->endpoint, endpoint))
			return r->agreement;
	return NULL;
}
