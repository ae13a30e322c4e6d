/* Answers to what others ask, the application's and ours (SIP.ServerContext). */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include "ua/refer.h"
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
	bool telling, freed;            /* it is being told of; was freed by that */
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
	in->freed = true;
	if (in->telling)
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
	while (!list_empty(&ua->incoming)) {
		struct sidetone_incoming *in = container_of(ua->incoming.next, struct sidetone_incoming, link);

		list_remove(&in->link);
		sidetone_incoming_free(in);
	}
}

void agent_incoming_lend(struct sidetone_incoming *in, bool begin)
{
	in->telling = begin;
	if (!begin)
		sidetone_incoming_free(in);
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

/* ---- OPTIONS, MESSAGE: also in a call -------------------------------------------------------- */

void agent_options_came(struct sidetone_ua *ua, struct sip_server_tx *tx)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, STR("Accept: "), str_z(AGENT_ACCEPT), STR("\r\n"));
	reply(ua, tx, 200, buf_z(&b));
	buf_free(&b);
}

void agent_message_came(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_incoming *in = agent_incoming_new(ua, tx, NULL, false);

	reply(ua, tx, in ? 200 : 503, NULL);
	if (in)
		agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_MESSAGE, .incoming = in, .message = agent_message(msg) });
}
