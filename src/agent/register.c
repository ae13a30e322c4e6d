/* The registration of an agent (SIP.RegisterContext; RFC 5626, 5627): what its REGISTERs say
 * and what is told of their answers. When they are sent is ua/register.c's. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define RENEW_BEFORE_S 3
#define RETRY_BASE_S 30u        /* RFC 5626 4.5: doubled each time */
#define RETRY_MOST_S 1800
#define RETRIES_MOST UINT32_MAX
#define MANY 100                /* agents of one process: they do not all renew at once */

/* Who is one of many spreads its renewals over the last tenth. */
static uint32_t renew_before(const struct sidetone_ua *ua)
{
	uint32_t r = 0, tenth = ua->config.register_expires / 10;

	if (map_count(ua->core->agents) < MANY || tenth < RENEW_BEFORE_S || getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return RENEW_BEFORE_S;
	return RENEW_BEFORE_S + r % tenth;
}

/* Prepared again for each challenge: it has the name then. */
static void add_display_name(const struct sidetone_ua *ua, struct sip_out *out)
{
	struct str name = text_view(&ua->config.display_name);

	if (!name.n || !str_starts(out->from, STR("<")))
		return;
	out->from = arena_cat(out->arena, STR("\""), name, STR("\" "), out->from);
	out->to = arena_cat(out->arena, STR("\""), name, STR("\" "), out->to);
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct sidetone_ua *ua = arg;
	struct buf b = BUF_INIT;
	int err;

	(void)rq;
	(void)path;
	add_display_name(ua, out);
	if (ua->config.use_preloaded_route)
		out->route = sip_out_dup(out, text_view(&ua->config.servers[ua->net.server].sip_uri));
	out->via_host = sip_out_dup(out, text_view(&ua->via_host));
	if (ua->leave_all) {
		out->contact = STR("*");
		return 0;
	}
	buf_printf(&b, "<%s>;reg-id=1;+sip.instance=\"<urn:uuid:%s>\"", text_z(&ua->contact_uri), text_z(&ua->config.instance_id));
	err = buf_err(&b);
	if (!err)
		out->contact = sip_out_dup(out, buf_view(&b));
	buf_free(&b);
	return err;
}

/* RFC 5627 3.2: what the registrar made of our Contact. */
static void learn_gruus(struct sidetone_ua *ua, const struct sip_msg *msg)
{
	struct sip_each e = { 0 };
	struct sip_addr ours, a;
	struct str v, gruu;

	if (sip_addr_parse(&ours, text_view(&ua->contact_uri)))
		return;
	while (sip_each(msg, SIP_H_CONTACT, &e, &v)) {
		if (sip_addr_parse(&a, v) || a.star || !sip_uri_eq(&a.uri, &ours.uri))
			continue;
		if (sip_param(a.params, STR("pub-gruu"), &gruu))
			text_set(&ua->pub_gruu, gruu);
		if (sip_param(a.params, STR("temp-gruu"), &gruu))
			text_set(&ua->temp_gruu, gruu);
	}
}

static void progress(void *arg, struct ua_register *r, const struct sip_msg *msg)
{
	(void)r;
	agent_tell(arg, (struct sidetone_event){ .type = SIDETONE_REGISTER_PROGRESS, .message = agent_message(msg),
		.status = (int)msg->status });
}

static struct ua_register_prm *fill(struct sidetone_ua *ua, struct ua_register_prm *prm);

static void refused(struct sidetone_ua *ua, const struct ua_register_event *e)
{
	struct ua_register_prm prm;
	const char *cause = e->msg ? agent_cause(e->status) : "Request Timeout";

	if (!e->msg && !agent_is_up(ua))
		cause = "Connection Error";
	if (ua->reg_tries < 10)
		ua->reg_tries++;
	/* The next refusal waits longer. */
	ua_register_set(ua->reg, fill(ua, &prm));
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_REGISTRATION_FAILED, .message = agent_message(e->msg),
		.status = (int)e->status, .cause = cause });
}

static void tell_unregistered(struct sidetone_ua *ua, const struct sip_msg *msg, const char *cause)
{
	ua->registered = false;
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_UNREGISTERED, .message = agent_message(msg),
		.status = msg ? (int)msg->status : 0, .cause = cause });
}

static void changed(void *arg, struct ua_register *r, const struct ua_register_event *e)
{
	struct sidetone_ua *ua = arg;
	bool was = ua->registered;

	(void)r;
	obj_hold(ua);
	if (e->msg && e->status < 300)
		agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_REGISTER_ACCEPTED, .message = agent_message(e->msg),
			.status = (int)e->status, .cause = agent_cause(e->status) });
	switch (e->state) {
	case UA_REGISTER_REGISTERED:
		ua->reg_tries = 0;
		learn_gruus(ua, e->msg);
		ua->registered = true;
		agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_REGISTERED, .message = agent_message(e->msg),
			.status = (int)e->status });
		break;
	case UA_REGISTER_REFUSED:
		if (was)
			tell_unregistered(ua, e->msg, agent_cause(e->status));
		if (ua->reg)
			refused(ua, e);
		break;
	default:
		ua->leave_all = false;
		tell_unregistered(ua, e->msg, e->msg && e->status < 300 ? NULL : e->msg ? agent_cause(e->status) : "Request Timeout");
	}
	obj_drop(ua);
}

static struct ua_register_prm *fill(struct sidetone_ua *ua, struct ua_register_prm *prm)
{
	const struct agent_config *c = &ua->config;
	uint32_t wait = RETRY_BASE_S << ua->reg_tries;

	*prm = (struct ua_register_prm){ .registrar = text_view(&c->registrar_server), .aor = text_view(&c->uri),
		.user_agent = text_view(&c->user_agent_string), .headers = text_view(&ua->reg_headers), .max_forwards = 70,
		.no_rport = !c->force_rport, .expires_s = c->register_expires, .expires_in_contact = true, .renew_before_s = renew_before(ua),
		.credentials = agent_credentials, .credentials_arg = ua, .arg = ua, .prepare = prepare, .progress = progress,
		.changed = changed };
	if (!net_is_stream(ua->path.proto))
		prm->no_rport = false;
	if (wait > RETRY_MOST_S)
		wait = RETRY_MOST_S;
	prm->retry = (struct ua_register_retry){ .interval_s = wait, .forbidden_s = 0, .fatal_s = 0, .most = RETRIES_MOST,
		.auth_permanent = true };
	return prm;
}

/* Whole lines for each REGISTER: the application's, then ours. */
static int write_headers(struct sidetone_ua *ua, const char *headers)
{
	struct buf b = BUF_INIT;
	int err = agent_put_lines(&b, str_z(headers));

	if (!err) {
		agent_put_allow(&b);
		agent_put_supported(ua, &b, SIP_REGISTER);
		err = buf_err(&b);
	}
	if (!err)
		err = text_set(&ua->reg_headers, buf_view(&b));
	buf_free(&b);
	return err;
}

int agent_register(struct sidetone_ua *ua)
{
	struct ua_register_prm prm;
	int err = write_headers(ua, text_z(&ua->reg_lines));

	ua->leave_all = false;
	if (err)
		return err;
	if (!ua->reg)
		err = ua_register_new(&ua->reg, &ua->ua, fill(ua, &prm));
	else
		ua_register_set(ua->reg, fill(ua, &prm));
	return err ? err : ua_register_start(ua->reg, 0);
}

int agent_unregister(struct sidetone_ua *ua)
{
	struct ua_register_prm prm;
	int err = write_headers(ua, text_z(&ua->leave_headers));

	if (!err && !ua->reg)
		err = ua_register_new(&ua->reg, &ua->ua, fill(ua, &prm));
	if (err)
		return err;
	ua_register_set(ua->reg, fill(ua, &prm));
	return ua_register_end(ua->reg, false);
}

void agent_register_lost(struct sidetone_ua *ua)
{
	if (ua->reg)
		ua_register_halt(ua->reg);
	ua->reg_tries = 0;
	ua->leave_all = false;
	if (ua->registered)
		tell_unregistered(ua, NULL, "Connection Error");
}

bool agent_register_busy(const struct sidetone_ua *ua)
{
	return ua->reg && ua_register_busy(ua->reg);
}

void agent_register_free(struct sidetone_ua *ua)
{
	ua_register_free(ua->reg);
	ua->reg = NULL;
}

static int check_lines(struct sidetone_ua *ua, const char *headers)
{
	struct buf b = BUF_INIT;
	int err = agent_put_lines(&b, str_z(headers));

	buf_free(&b);
	return err ? agent_fail(ua, err, "extraHeaders: not header lines") : 0;
}

/* ---- for the application -------------------------------------------------------------------- */

int sidetone_ua_register(struct sidetone_ua *ua, const char *headers, bool close_with_headers)
{
	int err = check_lines(ua, headers);

	if (!err)
		err = text_set(&ua->reg_lines, str_z(headers));
	if (err)
		return err;
	err = text_set(&ua->leave_headers, close_with_headers ? str_z(headers) : STR(""));
	if (err)
		return err;
	ua->config.register_ = true;
	return agent_is_up(ua) ? agent_register(ua) : 0;
}

int sidetone_ua_unregister(struct sidetone_ua *ua, bool all, const char *headers)
{
	int err = check_lines(ua, headers);

	if (!err && headers)
		err = text_set(&ua->leave_headers, str_z(headers));
	if (err)
		return err;

	ua->config.register_ = false;
	if (!agent_is_up(ua) || (!ua->reg && !all))
		return 0;
	ua->leave_all = all;
	return agent_unregister(ua);
}

bool sidetone_ua_is_registered(const struct sidetone_ua *ua)
{
	return ua->registered;
}
