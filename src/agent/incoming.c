/* What others ask of an agent outside of calls: who answers, and the answers that the
 * application gives (SIP.ServerContext). */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include "ua/refer.h"
#include "ua/subscribe.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct sidetone_incoming {
	struct sidetone_ua *ua;
	struct list link;               /* in ua.incoming */
	struct sip_server_tx *tx;       /* held */
	struct ua_invite *iv;           /* held: in whose dialog it came; NULL */
	struct sip_dialog *dlg;         /* held: of a REFER outside of dialogs that was accepted */
	bool refer, accepted, over;
};

/* ---- answers ------------------------------------------------------------------------------ */

int agent_respond(struct sidetone_ua *ua, struct sip_server_tx *tx, unsigned status, struct str reason, struct str headers,
		  struct str type, struct str body)
{
	struct buf b = BUF_INIT;
	int err = agent_put_lines(&b, headers);

	if (!err) {
		agent_put_supported(ua, &b, SIP_UNKNOWN);
		if (status < 300 || status == 405)
			agent_put_allow(&b);
		buf_puts(&b, STR("User-Agent: "), text_view(&ua->config.user_agent_string), STR("\r\n"));
		err = buf_err(&b);
	}
	if (!err)
		err = sip_server_tx_respond(tx, status, reason, buf_view(&b), type, body);
	buf_free(&b);
	return err;
}

static void reply(struct sidetone_ua *ua, struct sip_server_tx *tx, unsigned status, const char *headers)
{
	agent_respond(ua, tx, status, STR_NULL, str_z(headers), STR_NULL, STR_NULL);
}

int sidetone_incoming_reply(struct sidetone_incoming *in, unsigned status, const char *reason, const char *headers,
			    const char *content_type, const char *body)
{
	struct str b = str_z(body);

	if (status < 100 || status > 699)
		return agent_fail(in->ua, EINVAL, "Invalid statusCode: %u", status);
	return agent_respond(in->ua, in->tx, status, str_z(reason), str_z(headers),
			     !b.n ? STR_NULL : content_type ? str_z(content_type) : STR("text/plain"), b);
}

struct sidetone_incoming *agent_incoming_new(struct sidetone_ua *ua, struct sip_server_tx *tx, struct ua_invite *iv, bool refer)
{
	struct sidetone_incoming *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	*in = (struct sidetone_incoming){ .ua = ua, .tx = obj_hold(tx), .iv = obj_hold(iv), .refer = refer };
	list_append(&ua->incoming, &in->link);
	return in;
}

void sidetone_incoming_free(struct sidetone_incoming *in)
{
	if (!in)
		return;
	if (in->tx->status < 200 && !in->ua->freed)
		reply(in->ua, in->tx, 500, NULL);
	list_remove(&in->link);
	if (in->dlg)
		sip_dialog_close(in->dlg);
	obj_drop(in->dlg);
	obj_drop(in->iv);
	obj_drop(in->tx);
	free(in);
}

void agent_incoming_free_all(struct sidetone_ua *ua)
{
	while (!list_empty(&ua->incoming))
		sidetone_incoming_free(container_of(ua->incoming.next, struct sidetone_incoming, link));
}

/* ---- REFER: what came of it ------------------------------------------------------------------ */

static int notify_refer(struct sidetone_incoming *in, unsigned status, struct str reason, bool last)
{
	struct sip_out *o;
	char body[128];
	int n, err;

	if (!in->dlg)
		return ENOTCONN;
	o = sip_dialog_request(in->dlg, SIP_NOTIFY);
	if (!o)
		return ENOMEM;
	sip_out_header(o, STR("Event"), STR("refer"));
	sip_out_header(o, STR("Subscription-State"), last ? STR("terminated;reason=noresource") : STR("active;expires=600"));
	n = snprintf(body, sizeof(body), "SIP/2.0 %u %.*s\r\n", status, STR_ARG(reason));
	sip_out_body(o, STR("message/sipfrag"), str_mk(body, n > 0 && (size_t)n < sizeof(body) ? (size_t)n : 0));
	err = agent_request_new(in->ua, o, NULL, NULL, NULL);
	return err;
}

int sidetone_refer_accept(struct sidetone_incoming *in, const char *headers)
{
	struct buf contact = BUF_INIT;
	int err = 0;

	if (!in->refer)
		return EINVAL;
	if (in->accepted || in->tx->status >= 200)
		return EALREADY;
	in->accepted = true;
	if (in->iv) {
		ua_refer_accept(in->iv, in->tx, false);
		return 0;
	}
	agent_put_contact(in->ua, &contact, false, false);
	err = buf_err(&contact);
	if (!err)
		err = sip_dialog_new_uas(&in->dlg, in->tx, buf_view(&contact), &(struct sip_dialog_user){ 0 });
	if (!err)
		err = sip_dialog_set_via(in->dlg, text_view(&in->ua->via_host));
	if (!err)
		err = sip_dialog_set_agent(in->dlg, text_view(&in->ua->config.user_agent_string));
	buf_free(&contact);
	reply(in->ua, in->tx, err ? 500 : 202, headers);
	return err ? err : notify_refer(in, 100, STR("Trying"), false);
}

int sidetone_refer_tell(struct sidetone_incoming *in, unsigned status, const char *reason)
{
	struct str words = reason ? str_z(reason) : str_z(sip_reason(status));

	if (!in->refer || !in->accepted || in->over)
		return EALREADY;
	in->over = status >= 200;
	if (!in->iv)
		return notify_refer(in, status, words, in->over);
	if (in->over)
		ua_refer_done(in->iv, status, false);
	return 0;
}

/* ---- who is asked -------------------------------------------------------------------------------- */

static bool is_user(struct str user, const struct text *uri)
{
	struct sip_uri u;

	return uri->n && !sip_uri_parse(&u, text_view(uri)) && str_eq(user, u.user);
}

/* The user that was registered, that of our Contact, or a GRUU. */
static bool is_for_us(const struct sidetone_ua *ua, const struct sip_msg *msg)
{
	struct str user = msg->ruri.user;

	return str_eq(user, text_view(&ua->config.user)) || str_eq(user, text_view(&ua->config.contact_name)) ||
	       is_user(user, &ua->pub_gruu) || is_user(user, &ua->temp_gruu);
}

static void on_options(struct sidetone_ua *ua, struct sip_server_tx *tx)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, STR("Accept: "), str_z(AGENT_ACCEPT), STR("\r\n"));
	reply(ua, tx, 200, buf_z(&b));
	buf_free(&b);
}

static void on_message(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_incoming *in = agent_incoming_new(ua, tx, NULL, false);

	reply(ua, tx, in ? 200 : 503, NULL);
	if (in)
		agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_MESSAGE, .incoming = in, .message = agent_message(msg) });
}

static void on_notify(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	if (ua_subscribe_notify_came(&ua->ua, tx, msg))
		return;
	if (!ua->config.allow_legacy_notifications) {
		agent_respond(ua, tx, 481, STR("Subscription does not exist"), STR_NULL, STR_NULL, STR_NULL);
		return;
	}
	reply(ua, tx, 200, NULL);
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_NOTIFY_OUT_OF_DIALOG, .message = agent_message(msg) });
}

static void on_refer(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_incoming *in = NULL;

	if (!ua->config.allow_out_of_dialog_refers) {
		reply(ua, tx, 405, NULL);
		return;
	}
	if (!sip_hdr(msg, SIP_H_REFER_TO)) {
		reply(ua, tx, 400, NULL);
		return;
	}
	in = agent_incoming_new(ua, tx, NULL, true);
	if (in)
		agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_REFER_OUT_OF_DIALOG, .incoming = in,
			.message = agent_message(msg) });
	else
		reply(ua, tx, 503, NULL);
}

static void dispatch(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	switch (msg->method) {
	case SIP_INVITE: agent_invite_came(ua, tx, msg); break;
	case SIP_OPTIONS: on_options(ua, tx); break;
	case SIP_MESSAGE: on_message(ua, tx, msg); break;
	case SIP_NOTIFY: on_notify(ua, tx, msg); break;
	case SIP_REFER: on_refer(ua, tx, msg); break;
	case SIP_BYE: case SIP_PRACK: case SIP_UPDATE: case SIP_INFO: reply(ua, tx, 481, NULL); break;
	default: reply(ua, tx, 405, NULL);
	}
}

void agent_request_in_call(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	dispatch(ua, tx, msg);
}

bool agent_request_came(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	obj_hold(ua);
	if (!str_ieq(msg->ruri.scheme, STR("sip")) && !str_ieq(msg->ruri.scheme, STR("sips")))
		reply(ua, tx, 416, NULL);
	else if (!is_for_us(ua, msg))
		reply(ua, tx, 404, NULL);
	else if (msg->to.tag.n && msg->method != SIP_NOTIFY)
		reply(ua, tx, 481, NULL);       /* of a dialog that is no more */
	else
		dispatch(ua, tx, msg);
	obj_drop(ua);
	return true;
}
