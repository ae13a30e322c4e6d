/* The table of functions and applications that know SIP. */
#include "service/functions.h"
#include "service/call/functions_private.h"
#include "service/call/session.h"
#include "service/event/feature.h"
#include "service/geoloc/geoloc.h"
#include "service/message/message.h"
#include "service/message/notify.h"

static const struct func rows[] = {
	{ "PJSIP_HEADER", "Reads, adds, updates or removes a SIP header.", func_header_read, func_header_write },
	{ "PJSIP_INHERITABLE_HEADER", "Adds, updates or removes a SIP header of the calls that the channel makes.", NULL, func_inheritable_header_write },
	{ "PJSIP_HEADERS", "Names of the headers of the INVITE.", func_headers_read, NULL },
	{ "PJSIP_RESPONSE_HEADER", "A header of the last response.", func_response_header_read, NULL },
	{ "PJSIP_RESPONSE_HEADERS", "Names of the headers of the last response.", func_response_headers_read, NULL },
	{ "PJSIP_HEADER_PARAM", "A parameter of From or To.", func_header_param_read, func_header_param_write },
	{ "PJSIP_ENDPOINT", "An option of an endpoint.", func_endpoint_read, NULL },
	{ "PJSIP_AOR", "An option of an AOR, or its contacts.", func_aor_read, NULL },
	{ "PJSIP_AUTH", "An option of an auth object.", func_auth_read, NULL },
	{ "PJSIP_CONTACT", "What is known of a contact.", func_contact_read, NULL },
	{ "PJSIP_PARSE_URI", "A part of a URI.", func_parse_uri_read, NULL },
	{ "PJSIP_PARSE_URI_FROM", "A part of a URI in a variable.", func_parse_uri_from_read, NULL },
	{ "PJSIP_DIAL_CONTACTS", "Dial string for all contacts of an endpoint.", func_dial_contacts_read, NULL },
	{ "PJSIP_MEDIA_OFFER", "Codecs to offer in the next SDP.", func_media_offer_read, func_media_offer_write },
	{ "PJSIP_DTMF_MODE", "How digits are sent.", func_dtmf_mode_read, func_dtmf_mode_write },
	{ "PJSIP_MOH_PASSTHROUGH", "Whether hold is passed on by re-INVITE.", func_moh_passthrough_read, func_moh_passthrough_write },
	{ "PJSIP_TRANSFER_HANDLING", "Who handles a REFER: core.", NULL, func_transfer_handling_write },
	{ "PHONE_FEATURE", "What the user of a phone has set at it: do not disturb, forwarding.", func_phone_feature_read, func_phone_feature_write },
	{ "MESSAGE", "To, from or body of the text message.", func_message_read, func_message_write },
	{ "MESSAGE_DATA", "A header of the text message.", func_message_data_read, func_message_data_write },
	{ "STIR_SHAKEN", "Who calls, as far as it is proven.", func_stir_shaken_read, NULL },
	{ "STIR_SHAKEN_ATTESTATION", "Whether our call is signed.", NULL, func_stir_attestation_write },
	{ "PJSIP_SEND_SESSION_REFRESH", "Sends re-INVITE or UPDATE.", NULL, func_refresh_write },
};

static const struct app apps[] = {
	{ "PJSIPHangup", "Refuses the call with a SIP status.", app_pjsip_hangup_run },
	{ "PJSIPNotify", "Sends a NOTIFY, in the call or to a URI.", app_pjsip_notify_run },
	{ "StreamEcho", "Sends back what comes, on so many streams of a type.", app_stream_echo_run },
	{ "MessageSend", "Sends the channel's text message.", app_message_send_run },
};

int functions_register(struct pbx *p)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_LEN(apps); i++)
		err = pbx_add_app(p, &apps[i]);
	for (size_t i = 0; !err && i < ARRAY_LEN(rows); i++)
		err = pbx_add_func(p, &rows[i]);
	if (!err)
		err = pbx_add_func(p, &func_geoloc_profile);
	if (!err)
		err = session_quality_register(p);
	return err;
}
