/* Why something failed, in the words of SIP.js (SIP.C.causes), and the names of events. */
#include "agent/agent.h"
#include <errno.h>

const char *agent_cause(unsigned status)
{
	static const struct {
		const char *cause;
		unsigned short status[6];
	} causes[] = {
		{ "Busy", { 486, 600 } }, { "Rejected", { 403, 603 } }, { "Redirected", { 300, 301, 302, 305, 380 } },
		{ "Unavailable", { 480, 410, 408, 430 } }, { "Not Found", { 404, 604 } }, { "Address Incomplete", { 484 } },
		{ "Incompatible SDP", { 488, 606 } }, { "Authentication Error", { 401, 407 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		for (size_t k = 0; k < ARRAY_LEN(causes[i].status); k++)
			if (status && causes[i].status[k] == status)
				return causes[i].cause;
	return status < 300 ? sip_reason(status) : "SIP Failure Code";
}

const char *agent_err_cause(int err)
{
	return err == ETIMEDOUT ? "Request Timeout" : "Connection Error";
}

const char *sidetone_event_name(enum sidetone_event_type t)
{
	static const char *const names[SIDETONE_EVENT_TYPES] = {
		"connecting", "connected", "disconnected", "registered", "unregistered", "registrationFailed", "registerProgress",
		"registerAccepted", "keepAliveTimeout", "invite", "message", "notifyOutOfDialog", "outOfDialogReferRequested",
		"sent", "received", "challenge", "log", "progress", "accepted", "rejected", "failed", "describe", "setDescription",
		"mediaClosed", "dialog", "inviteSent", "ack", "cancel", "confirmed", "reinvite", "reinviteAccepted",
		"reinviteFailed", "info", "dtmf", "notify", "referRequested", "referProgress", "replaced", "bye", "terminated",
		"subscriptionState", "published", "unpublished",
	};

	return (unsigned)t < SIDETONE_EVENT_TYPES ? names[t] : "";
}

/* ---- messages ------------------------------------------------------------------------------ */

static const struct sip_msg *inside(const struct sidetone_message *m)
{
	return (const void *)m;
}

const char *sidetone_message_text(const struct sidetone_message *m, size_t *n)
{
	*n = inside(m)->bytes.n;
	return inside(m)->bytes.p;
}

unsigned sidetone_message_status(const struct sidetone_message *m)
{
	return inside(m)->request ? 0 : inside(m)->status;
}

bool sidetone_message_header(const struct sidetone_message *m, const char *name, size_t nth, const char **value, size_t *n)
{
	const struct sip_hdr *h = sip_hdr_named(inside(m), str_z(name), nth);

	if (!h)
		return false;
	*value = h->value.p;
	*n = h->value.n;
	return true;
}

const char *sidetone_message_body(const struct sidetone_message *m, size_t *n)
{
	*n = inside(m)->body.n;
	return inside(m)->body.p;
}
