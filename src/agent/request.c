/* Requests of ours outside of sessions (SIP.ClientContext): MESSAGE, OPTIONS, any. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

struct sidetone_request {
	struct sidetone_ua *ua;
	struct list link;               /* in ua.requests */
	struct agent_start start;
	struct sip_out *out;            /* held until it was sent */
	struct ua_request *rq;          /* held */
	struct sidetone_session *session;       /* of whose dialog it is; view, NULL */
	struct ua_invite *iv;           /* held: the same */
	bool kept;                      /* the application has it, and frees it */
	bool over, ending;              /* its last word is out; is being told */
};

/* ---- what it says ------------------------------------------------------------------------ */

/* Whatever it says, it ends no line, and no bracket or quote that we opened. */
static bool is_plain(const char *s, const char *not)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || strchr(not, *s))
			return false;
	return true;
}

static int check(struct sidetone_ua *ua, const struct sidetone_request_options *p)
{
	const struct {
		const char *name, *value, *not;
	} all[] = {
		{ "method", p->method, " \t" }, { "from_uri", p->from_uri, "<>\" " }, { "to_uri", p->to_uri, "<>\" " },
		{ "from_displayName", p->from_display_name, "" }, { "to_displayName", p->to_display_name, "" },
		{ "from_tag", p->from_tag, "<>\";, " }, { "to_tag", p->to_tag, "<>\";, " }, { "call_id", p->call_id, " " },
		{ "route_set", p->route_set, "" }, { "contentType", p->content_type, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!is_plain(all[i].value, all[i].not))
			return agent_fail(ua, EINVAL, "Invalid value for parameter \"%s\"", all[i].name);
	return 0;
}

/* `display`: as it stands between quotes. */
static void write_addr(struct buf *b, struct str display, struct str uri, const char *tag)
{
	if (display.n)
		buf_puts(b, display, STR(" "));
	buf_puts(b, STR("<"), uri, STR(">"));
	if (tag && *tag)
		buf_puts(b, STR(";tag="), str_z(tag));
}

static void write_display(struct buf *b, const char *display)
{
	if (display && *display)
		sip_write_quoted(b, str_z(display));
}

static int write_from(struct sidetone_ua *ua, const struct sidetone_request_options *p, struct sip_out *o)
{
	struct buf b = BUF_INIT, name = BUF_INIT;
	char tag[SIP_TAG + 1];
	int err;

	sip_token(ua->core->sip, tag, SIP_TAG);
	if (p->from_display_name)
		write_display(&name, p->from_display_name);
	else if (ua->config.display_name.n)
		buf_puts(&name, STR("\""), text_view(&ua->config.display_name), STR("\""));
	write_addr(&b, buf_view(&name), p->from_uri ? str_z(p->from_uri) : text_view(&ua->config.uri),
		   p->from_tag ? p->from_tag : tag);
	err = buf_err(&name) ? buf_err(&name) : buf_err(&b);
	if (!err)
		o->from = sip_out_dup(o, buf_view(&b));
	buf_free(&name);
	buf_free(&b);
	return err;
}

static int write_to(const struct sidetone_request_options *p, struct sip_out *o)
{
	struct buf b = BUF_INIT, name = BUF_INIT;
	int err;

	write_display(&name, p->to_display_name);
	write_addr(&b, buf_view(&name), p->to_uri ? str_z(p->to_uri) : o->ruri, p->to_tag);
	err = buf_err(&name) ? buf_err(&name) : buf_err(&b);
	if (!err)
		o->to = sip_out_dup(o, buf_view(&b));
	buf_free(&name);
	buf_free(&b);
	return err;
}

static uint32_t first_cseq(void)
{
	uint32_t v = 0;

	if (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		return 1;
	return 1 + v % 9999;
}

static int write_head(struct sidetone_ua *ua, const struct sidetone_request_options *p, struct sip_out *o)
{
	const struct agent_config *c = &ua->config;
	char id[33];
	int err = write_from(ua, p, o);

	if (!err)
		err = write_to(p, o);
	if (err)
		return err;
	sip_token(ua->core->sip, id, 32);
	o->call_id = sip_out_dup(o, p->call_id ? str_z(p->call_id) : str_z(id));
	o->cseq = p->cseq ? p->cseq : first_cseq();
	o->user_agent = sip_out_dup(o, text_view(&c->user_agent_string));
	o->max_forwards = 70;
	if (p->route_set)
		o->route = sip_out_dup(o, str_z(p->route_set));
	else if (c->use_preloaded_route)
		o->route = sip_out_dup(o, text_view(&c->servers[ua->net.server].sip_uri));
	err = agent_put_lines(&o->headers, str_z(p->headers));
	if (o->method == SIP_UNKNOWN)
		o->method_name = sip_out_dup(o, str_z(p->method));
	if (p->body)
		sip_out_body(o, p->content_type ? str_z(p->content_type) : STR("text/plain"),
			     agent_body(p));
	return err;
}

int agent_out(struct sidetone_ua *ua, const struct sidetone_request_options *p, struct sip_out **out)
{
	enum sip_method m = sip_method_of(str_z(p->method));
	struct buf uri = BUF_INIT;
	struct sip_out *o;
	int err;

	if (!p->method || !*p->method || !p->target)
		return agent_fail(ua, EINVAL, "Not enough arguments");
	err = check(ua, p);
	if (err)
		return err;
	err = agent_target(ua, str_z(p->target), &uri);
	if (err) {
		buf_free(&uri);
		return agent_fail(ua, err, "Invalid target: %s", p->target);
	}
	o = sip_out_new(m);
	if (o) {
		o->ruri = sip_out_dup(o, buf_view(&uri));
		err = write_head(ua, p, o);
		if (err == EINVAL)
			agent_fail(ua, err, "extraHeaders: not header lines");
	}
	buf_free(&uri);
	if (!o || err) {
		obj_drop(o);
		return o ? err : ENOMEM;
	}
	*out = o;
	return 0;
}

/* ---- its life -------------------------------------------------------------------------------- */

static void free_request(struct sidetone_request *r)
{
	list_remove(&r->start.link);
	list_remove(&r->link);
	if (r->rq)
		ua_request_detach(r->rq);
	obj_drop(r->rq);
	obj_drop(r->out);
	obj_drop(r->iv);
	free(r);
}

static void tell(struct sidetone_request *r, enum sidetone_event_type t, const struct sip_msg *msg, const char *cause)
{
	agent_tell(r->ua, (struct sidetone_event){ .type = t, .request = r, .session = r->session, .message = agent_message(msg),
		.status = msg ? (int)msg->status : 0, .cause = cause });
}

/* The last word about it. `r` may be gone afterwards. */
static void finish(struct sidetone_request *r, const struct sip_msg *msg, const char *cause)
{
	struct sidetone_ua *ua = obj_hold(r->ua);

	r->over = true;
	r->ending = true;
	if (!msg || msg->status >= 300) {
		if (msg)
			tell(r, SIDETONE_REJECTED, msg, cause);
		tell(r, SIDETONE_FAILED, msg, cause);
	} else {
		tell(r, SIDETONE_ACCEPTED, msg, cause);
	}
	r->ending = false;
	if (!r->kept)
		free_request(r);
	obj_drop(ua);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct sidetone_request *r = arg;

	(void)rq;
	if (msg->status < 200)
		tell(r, SIDETONE_PROGRESS, msg, agent_cause(msg->status));
	else if (!r->over)
		finish(r, msg, agent_cause(msg->status));
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct sidetone_request *r = arg;

	(void)rq;
	if (!r->over)
		finish(r, NULL, agent_err_cause(err));
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct sidetone_request *r = arg;

	(void)rq;
	o->via_host = sip_out_dup(o, text_view(&r->ua->via_host));
	o->no_rport = net_is_stream(path->proto) && !r->ua->config.force_rport;
	if (r->iv && ua_invite_dialog(r->iv) && o->cseq > ua_invite_dialog(r->iv)->local_cseq)
		ua_invite_dialog(r->iv)->local_cseq = o->cseq;
	return 0;
}

static void send_now(void *arg)
{
	struct sidetone_request *r = arg;
	struct ua_request_prm prm = { .out = r->out, .credentials = agent_credentials, .credentials_arg = r->ua, .arg = r,
		.trying = true, .response = on_response, .failed = on_failed, .prepare = prepare };
	struct buf *b = &r->out->headers;
	struct sip_dialog *d = r->iv ? ua_invite_dialog(r->iv) : NULL;
	int err;

	/* One that had to wait: others were sent before it, or the call is over. */
	if (r->iv && (!d || ua_invite_state(r->iv) == UA_INVITE_OVER)) {
		r->out = obj_drop(r->out);
		finish(r, NULL, "Dialog Error");
		return;
	}
	if (d && r->out->cseq < d->local_cseq)
		r->out->cseq = ++d->local_cseq;
	agent_put_supported(r->ua, b, r->out->method);
	err = ua_request_send(&r->ua->ua, &prm, &r->rq);
	r->out = obj_drop(r->out);
	if (err)
		finish(r, NULL, agent_err_cause(err));
}

int agent_request_new(struct sidetone_ua *ua, struct sip_out *o, struct ua_invite *iv, struct sidetone_session *s,
		      struct sidetone_request **out)
{
	struct sidetone_request *r = calloc(1, sizeof(*r));

	if (!r) {
		obj_drop(o);
		return ENOMEM;
	}
	r->ua = ua;
	r->out = o;
	r->iv = obj_hold(iv);
	r->session = s;
	r->kept = out;
	list_append(&ua->requests, &r->link);
	if (out)
		*out = r;
	/* In a call they leave in the order in which they were numbered. */
	if (iv && agent_is_up(ua))
		send_now(r);
	else
		agent_when_up(ua, &r->start, send_now, r);
	return 0;
}

int sidetone_ua_request(struct sidetone_ua *ua, const struct sidetone_request_options *p, struct sidetone_request **out)
{
	struct sip_out *o;
	int err = agent_out(ua, p, &o);

	return err ? err : agent_request_new(ua, o, NULL, NULL, out);
}

void sidetone_request_free(struct sidetone_request *r)
{
	if (!r)
		return;
	r->kept = false;
	if (!r->ending)         /* else who tells of it frees it */
		free_request(r);
}

void agent_requests_of_session(struct sidetone_ua *ua, const struct sidetone_session *s)
{
	list_each(l, &ua->requests) {
		struct sidetone_request *r = container_of(l, struct sidetone_request, link);

		if (r->session == s)
			r->session = NULL;
	}
}

void agent_requests_free(struct sidetone_ua *ua)
{
	while (!list_empty(&ua->requests)) {
		struct sidetone_request *r = container_of(ua->requests.next, struct sidetone_request, link);

		list_remove(&r->link);
		sidetone_request_free(r);
	}
}
