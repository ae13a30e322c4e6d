/* Who is asked: a request outside of dialogs goes to whoever answers it. */
#define LOG_MODULE "agent"
#include "agent/agent.h"
#include "ua/subscribe.h"

static void reply(struct sidetone_ua *ua, struct sip_server_tx *tx, unsigned status)
{
	agent_respond(ua, tx, status, STR_NULL, STR_NULL, STR_NULL, STR_NULL);
}

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

static void on_notify(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	if (ua_subscribe_notify_came(&ua->ua, tx, msg))
		return;
	if (!ua->config.allow_legacy_notifications) {
		agent_respond(ua, tx, 481, STR("Subscription does not exist"), STR_NULL, STR_NULL, STR_NULL);
		return;
	}
	reply(ua, tx, 200);
	agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_NOTIFY_OUT_OF_DIALOG, .message = agent_message(msg) });
}

static void on_refer(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_incoming *in = NULL;

	if (!ua->config.allow_out_of_dialog_refers) {
		reply(ua, tx, 405);
		return;
	}
	if (!sip_hdr(msg, SIP_H_REFER_TO)) {
		reply(ua, tx, 400);
		return;
	}
	in = agent_incoming_new(ua, tx, NULL, true);
	if (in)
		agent_tell(ua, (struct sidetone_event){ .type = SIDETONE_REFER_OUT_OF_DIALOG, .incoming = in,
			.message = agent_message(msg) });
	else
		reply(ua, tx, 503);
}

static void dispatch(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	switch (msg->method) {
	case SIP_INVITE: agent_invite_came(ua, tx, msg); break;
	case SIP_OPTIONS: agent_options_came(ua, tx); break;
	case SIP_MESSAGE: agent_message_came(ua, tx, msg); break;
	case SIP_NOTIFY: on_notify(ua, tx, msg); break;
	case SIP_REFER: on_refer(ua, tx, msg); break;
	case SIP_BYE: case SIP_PRACK: case SIP_UPDATE: case SIP_INFO: reply(ua, tx, 481); break;
	default: reply(ua, tx, 405);
	}
}

bool agent_request_came(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	obj_hold(ua);
	if (!str_ieq(msg->ruri.scheme, STR("sip")) && !str_ieq(msg->ruri.scheme, STR("sips")))
		reply(ua, tx, 416);
	else if (!is_for_us(ua, msg))
		reply(ua, tx, 404);
	else if (msg->to.tag.n && msg->method != SIP_NOTIFY)
		reply(ua, tx, 481);       /* of a dialog that is no more */
	else
		dispatch(ua, tx, msg);
	obj_drop(ua);
	return true;
}
