/* Calls of ours (SIP.InviteClientContext), and new offers of either side's calls. */
#define LOG_MODULE "agent"
#include "agent/session.h"
#include <errno.h>

static void fail(struct sidetone_session *s, const char *cause)
{
	agent_session_over(s, NULL, cause, true);
}

static int set_id(struct sidetone_session *s)
{
	const struct sip_dialog *d = s->iv ? ua_invite_dialog(s->iv) : NULL;

	if (d)
		return text_cat(&s->id, d->call_id, d->local_tag);
	return text_set(&s->id, s->out->call_id);
}

static void send_now(struct sidetone_session *s)
{
	struct sip_out *o = s->out;
	int err = agent_session_invite_new(s);

	if (err) {
		fail(s, "Internal Error");
		return;
	}
	s->out = NULL;
	obj_hold(s);
	err = ua_invite_call(s->iv, o, NULL);
	obj_drop(o);
	if (!s->over && err) {
		fail(s, agent_err_cause(err));
	} else if (!s->over && ua_invite_dialog(s->iv)) {        /* none: it failed, which is told next */
		set_id(s);
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_INVITE_SENT, .text = buf_z(&s->ua->core->sent),
			.text_n = s->ua->core->sent.n });
	}
	obj_drop(s);
}

static void send_described(void *arg)
{
	struct sidetone_session *s = arg;

	if (s->cancelled)
		fail(s, "Canceled");
	else
		send_now(s);
}

static void offer_made(struct sidetone_session *s, bool ok)
{
	if (s->cancelled)
		fail(s, "Canceled");
	else if (ok)
		agent_when_up(s->ua, &s->start, send_described, s);
	else
		fail(s, "WebRTC Error");
}

static void begin(void *arg)
{
	struct sidetone_session *s = arg;

	if (s->cancelled) {
		fail(s, "Canceled");
		return;
	}
	s->status = SIDETONE_STATUS_INVITE_SENT;
	if (s->without_sdp)
		send_now(s);
	else
		agent_session_ask(s, SIDETONE_OFFER, offer_made);
}

static int write_lines(struct sidetone_session *s, const char *headers)
{
	struct buf b = BUF_INIT;
	int err = agent_put_lines(&b, str_z(headers));

	if (!err && s->anonymous)
		buf_puts(&b, STR("P-Preferred-Identity: <"), text_view(&s->ua->config.uri), STR(">\r\nPrivacy: id\r\n"));
	err = err ? err : buf_err(&b);
	if (!err)
		err = text_set(&s->lines, buf_view(&b));
	buf_free(&b);
	return err;
}

int sidetone_ua_invite(struct sidetone_ua *ua, const struct sidetone_invite_options *p, struct sidetone_session **out)
{
	struct sidetone_request_options r = p->request;
	struct sidetone_session *s;
	struct sip_out *o;
	int err;

	r.method = "INVITE";
	r.from_tag = "";        /* the dialog draws it */
	r.headers = NULL;
	r.body = NULL;
	err = agent_out(ua, &r, &o);
	if (err)
		return err;
	s = agent_session_new(ua, false);
	if (!s) {
		obj_drop(o);
		return ENOMEM;
	}
	s->out = o;
	s->anonymous = p->anonymous;
	s->without_sdp = p->without_sdp;
	if (p->anonymous)       /* RFC 3323; who it is stands in P-Preferred-Identity, for the first proxy alone */
		o->from = STR("\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	err = write_lines(s, p->request.headers);
	if (!err)
		err = set_id(s);
	if (err) {
		agent_session_over(s, NULL, NULL, false);
		obj_drop(s);
		return agent_fail(ua, err, "extraHeaders: not header lines");
	}
	s->kept = true;
	*out = s;
	agent_when_up(ua, &s->start, begin, s);
	return 0;
}

/* ---- while it is up -------------------------------------------------------------------------- */

int sidetone_session_reinvite(struct sidetone_session *s, const char *headers, bool update)
{
	int err;

	if (s->status != SIDETONE_WAITING_FOR_ACK && s->status != SIDETONE_STATUS_CONFIRMED)
		return agent_fail(s->ua, EPERM, "Invalid status: %d", (int)s->status);
	if (s->renewing || s->described || timer_running(&s->offer_again))
		return agent_fail(s->ua, EBUSY, "a re-INVITE is pending");
	err = write_lines(s, headers);
	if (err)
		return agent_fail(s->ua, err, "extraHeaders: not header lines");
	s->update = update;
	agent_session_ask(s, SIDETONE_OFFER, agent_session_renew);
	return 0;
}

int sidetone_session_request(struct sidetone_session *s, const char *method, const char *headers, const char *content_type,
			     const char *body, struct sidetone_request **out)
{
	struct sip_dialog *d = s->iv ? ua_invite_dialog(s->iv) : NULL;
	struct sip_out *o;
	int err;

	if (s->over || !d || !d->remote_tag.n)
		return agent_fail(s->ua, EPERM, "Invalid status: %d", (int)s->status);
	if (!agent_is_token(method))
		return agent_fail(s->ua, EINVAL, "Invalid value for parameter \"method\"");
	o = sip_dialog_request(d, sip_method_of(str_z(method)));
	if (!o)
		return ENOMEM;
	if (o->method == SIP_UNKNOWN)
		o->method_name = sip_out_dup(o, str_z(method));
	err = agent_put_lines(&o->headers, str_z(headers));
	if (err) {
		obj_drop(o);
		return agent_fail(s->ua, err, "extraHeaders: not header lines");
	}
	if (body)
		sip_out_body(o, content_type ? str_z(content_type) : STR("text/plain"), str_z(body));
	return agent_request_new(s->ua, o, s->iv, s, out);
}

int sidetone_session_info_digit(struct sidetone_session *s, char digit, unsigned duration_ms)
{
	struct buf b = BUF_INIT;
	int err;

	buf_printf(&b, "Signal= %c\r\nDuration= %u", digit, duration_ms);
	err = buf_err(&b);
	if (!err)
		err = sidetone_session_request(s, "INFO", NULL, "application/dtmf-relay", buf_z(&b), NULL);
	buf_free(&b);
	return err;
}

/* <sip:b@c?Replaces=call%3Bto-tag%3Dx%3Bfrom-tag%3Dy> (RFC 3891, 5589) */
static int write_replaces(struct buf *b, const struct sidetone_session *other)
{
	const struct sip_dialog *d = other->iv ? ua_invite_dialog(other->iv) : NULL;
	struct buf v = BUF_INIT;

	if (!d || !d->remote_tag.n)
		return ENOTCONN;
	buf_puts(&v, d->call_id, STR(";to-tag="), d->remote_tag, STR(";from-tag="), d->local_tag);
	buf_puts(b, STR("<"), d->target, STR("?Replaces="));
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || strchr("-_.!~*'()", c))
			buf_char(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
	buf_put(b, STR(">"));
	buf_free(&v);
	return buf_err(b);
}

int sidetone_session_refer(struct sidetone_session *s, const char *target, struct sidetone_session *other, const char *headers,
			   struct sidetone_request **out)
{
	struct buf b = BUF_INIT;
	int err = 0;

	if (s->status != SIDETONE_STATUS_CONFIRMED)
		return agent_fail(s->ua, EPERM, "Invalid status: %d", (int)s->status);
	buf_put(&b, STR("Refer-To: "));
	if (other) {
		err = write_replaces(&b, other);
	} else {
		buf_put(&b, STR("<"));
		err = target ? agent_target(s->ua, str_z(target), &b) : EINVAL;
		buf_put(&b, STR(">"));
	}
	buf_put(&b, STR("\r\n"));
	if (!s->anonymous)
		buf_puts(&b, STR("Referred-By: <"), text_view(&s->ua->config.uri), STR(">\r\n"));
	agent_put_allow(&b);
	if (!err)
		err = agent_put_lines(&b, str_z(headers));
	err = err ? err : buf_err(&b);
	if (err)
		agent_fail(s->ua, err, "Invalid target: %s", target ? target : "the other session has no dialog");
	else
		err = sidetone_session_request(s, "REFER", buf_z(&b), NULL, NULL, out);
	buf_free(&b);
	return err;
}
