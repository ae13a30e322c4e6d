/* The table of parameters. How values are read and written stands in config_value.c and config_server.c,
 * by which names they are set in config_set.c, what follows from them in config_finish.c. */
#include "agent/config_private.h"
#include <stddef.h>

/* Offset of a field, checked to be of type T: a row of numbers on a bool does not compile, because no
 * branch of _Generic fits. */
#define AT(f, T) .offset = offsetof(struct agent_config, f) + \
	0 * sizeof(_Generic(&((struct agent_config *)0)->f, __typeof__(T) *: (char)0))

/* d: the default as JSON, NULL: none; fb: where it then comes from; h: help. More members of the row may follow. */
#ifdef SIDETONE_SMALL   /* a page lists no parameters */
#define ROW(n, t, s, d, fb, h) .param.name = n, .param.def = d
#else
#define ROW(n, t, s, d, fb, h) \
	.param.name = n, .param.type = t, .param.ts = s, .param.def = d, .param.fallback = fb, .param.help = h
#endif
#define BOOL(n, f, d, h, ...) \
	{ ROW(n, "true or false", "boolean", d, NULL, h), AT(f, bool), .read = agent_read_bool, \
	  .write = agent_write_bool, __VA_ARGS__ }
#define WHOLE(n, f, what, d, lo, h, ...) \
	{ ROW(n, what ", at least " #lo, "number", d, NULL, h), AT(f, uint32_t), .read = agent_read_whole, \
	  .write = agent_write_whole, .least = lo, __VA_ARGS__ }
#define TEXT(n, f, rd, t, d, fb, h, ...) \
	{ ROW(n, t, "string", d, fb, h), AT(f, struct text), .read = rd, .write = agent_write_text, __VA_ARGS__ }
#define SUPPORTED(n, f, h) \
	{ ROW(n, "\"required\", \"supported\" or \"none\"; anything else is \"none\"", "'required' | 'supported' | 'none'", \
	      "\"none\"", NULL, h), AT(f, enum agent_supported), .read = agent_read_supported, .write = agent_write_supported }
#define SCRIPT(n, t, s, fb, h) \
	{ ROW(n, t, s, NULL, fb, h), .param.browser_only = true, .param.script_only = true }

static const struct agent_row rows[] = {
	TEXT("uri", uri, agent_read_uri, "SIP URI with a user; a missing sip: is added", NULL,
	     "sip:anonymous.X@anonymous.invalid, X six random characters",
	     "Who this is: From of every request, To of REGISTER, and where authorizationUser and registrarServer come from."),
	{ ROW("wsServers", "URI, {ws_uri, weight}, or a list of both, at most 16; ws:, wss:, and outside of browsers udp:, tcp:, tls:",
	      "string | Server | Array<string | Server>", "\"wss://edge.sip.onsip.com\"", NULL,
	      "Servers to connect to: the highest weight first, among equals by chance, and one that failed after all others."),
	  .param.later = "wsServers", AT(servers, struct agent_server[AGENT_MAX_SERVERS]), .read = agent_read_servers,
	  .write = agent_write_servers },
	BOOL("allowLegacyNotifications", allow_legacy_notifications, "false",
	     "Take a NOTIFY that no subscription asked for: 200 and the event notify; else it gets 481."),
	BOOL("allowOutOfDialogRefers", allow_out_of_dialog_refers, "false",
	     "Take a REFER outside of a call; else it gets 405. Whoever can send one can make this agent call anybody."),
	SCRIPT("authenticationFactory", "function(ua)", "(ua: any) => any", "digest, RFC 7616 and 8760",
	       "Makes what answers challenges in place of digest authentication."),
	TEXT("authorizationUser", authorization_user, agent_read_quotable, "text without double quotes", NULL, "the user of uri",
	     "User name in credentials."),
	BOOL("autostart", autostart, "true", "Start when made."),
	BOOL("autostop", autostop, "true", "Stop when the page goes away.", .param.browser_only = true),
	WHOLE("connectionRecoveryMaxInterval", connection_recovery_max_interval, "whole number of seconds", "30", 1,
	      "Longest wait between two rounds over all servers, not below the shortest (RFC 5626 4.5)."),
	WHOLE("connectionRecoveryMinInterval", connection_recovery_min_interval, "whole number of seconds", "2", 1,
	      "Shortest wait between two rounds, and the unit of which a wait is a random multiple."),
	TEXT("contactName", contact_name, agent_read_user, "text", NULL, "eight random characters", "User part of Contact."),
	{ ROW("contactTransport", "token", "string", NULL, "ws; what the connection is where that is no WebSocket",
	      "The parameter transport of Contact."),
	  AT(contact_transport, struct text), .read = agent_read_token, .write = agent_write_contact_transport },
	SCRIPT("custom", "object", "object", "none", "Kept as it is, for the application."),
	{ ROW("displayName", "text without double quotes", "string", NULL, "empty",
	      "Name beside uri in From of every request and To of REGISTER."),
	  AT(display_name, struct text), .read = agent_read_quotable, .write = agent_write_line },
	{ ROW("dtmfType", "\"info\" or \"rtp\"; anything else is \"info\"", "'info' | 'rtp'", "\"info\"", NULL,
	      "How dtmf() sends digits: in INFO requests, or as telephone events where the media can."),
	  AT(dtmf_type, enum agent_dtmf), .read = agent_read_dtmf, .write = agent_write_dtmf },
	{ ROW("extraSupported", "list of option tags", "string[]", "[]", NULL,
	      "More tags for the header Supported; those IANA does not list are left out unless hackAllowUnregisteredOptionTags is true."),
	  AT(extra_supported, struct text), .read = agent_read_tags, .write = agent_write_tags },
	BOOL("forceRport", force_rport, "false", "Write ;rport into Via (RFC 3581)."),
	BOOL("hackAllowUnregisteredOptionTags", hack_allow_unregistered_option_tags, "false",
	     "Send what extraSupported says, also tags that IANA does not list."),
	{ ROW("hackIpInContact", "true, false or a host", "boolean | string", "false", NULL,
	      "Host of Contact and of Via: true is a random address of 192.0.2.0/24, false twelve random characters below .invalid."),
	  AT(hack_ip_in_contact, struct text), .read = agent_read_host, .write = agent_write_host },
	BOOL("hackViaTcp", hack_via_tcp, "false", "Write TCP as the transport in Via, for servers that do not know WS."),
	BOOL("hackWssInTransport", hack_wss_in_transport, "false", "Write transport=wss in place of ws into Contact."),
	TEXT("instanceId", instance_id, agent_read_instance, "UUID, with or without uuid: before it", NULL, "a random one",
	     "Tells this agent from others of the same uri (+sip.instance, RFC 5626). Give one and keep it, or each start is another."),
	WHOLE("keepAliveInterval", keep_alive_interval, "whole number of seconds", "0", 0,
	      "Send CRLF CRLF after 80 to 100 % of this time, and make the connection anew when no CRLF comes within 10 s; 0: never.",
	      .param.later = "keepAliveInterval"),
	{ ROW("log", "{builtinEnabled, level}; in JavaScript also connector", "LogOptions", "{\"builtinEnabled\":true,\"level\":2}", NULL,
	      "What is logged: level is debug, log, warn or error, or 3 to 0. A wrong value is told in the log and has no effect."),
	  AT(log, struct agent_log), .read = agent_read_log, .write = agent_write_log },
	WHOLE("noAnswerTimeout", no_answer_timeout, "whole number of seconds", "60", 1,
	      "An incoming call that is not answered in this time gets 408."),
	TEXT("password", password, agent_read_secret, "text", NULL, "none", "Password for challenges; never logged.", .secret = true),
	BOOL("register", register_, "true", "Register at each connect."),
	WHOLE("registerExpires", register_expires, "whole number of seconds", "600", 1,
	      "How long a registration shall hold; a 423 raises it to the least that the server takes."),
	TEXT("registrarServer", registrar_server, agent_read_registrar, "SIP URI without a user; a missing sip: is added", NULL,
	     "uri without its user", "Request-URI of REGISTER."),
	SUPPORTED("rel100", rel100, "Reliable provisional responses (RFC 3262): offered, demanded, or not."),
	SUPPORTED("replaces", replaces,
		  "Let a call with Replaces (RFC 3891) take the place of the one it names: that session emits replaced, and ends."),
	SCRIPT("sessionDescriptionHandlerFactory", "function(session, options)", "(session: any, options: any) => any",
	       "the handler on WebRTC", "Makes what negotiates and carries the media of a session."),
	SCRIPT("sessionDescriptionHandlerFactoryOptions", "object", "object", "{constraints: {}, peerConnectionOptions: {}}",
	       "Handed to that factory."),
	BOOL("traceSip", trace_sip, "false", "Log whole messages, both ways, at level log.", .param.later = "traceSip"),
#ifndef SIDETONE_SMALL  /* web/src/config.js takes it apart */
	{ ROW("transportOptions", "{wsServers, maxReconnectionAttempts, reconnectionTimeout, keepAliveInterval, traceSip}",
	      "TransportOptions", NULL, "those of its members",
	      "Where later versions of SIP.js have these five. What is also set by its own name counts there."),
	  .read = agent_read_transport, .write = agent_write_transport },
#endif
	BOOL("usePreloadedRoute", use_preloaded_route, "false",
	     "Begin requests outside of dialogs with a Route to the server that is connected."),
	TEXT("userAgentString", user_agent_string, agent_read_line, "text", "\"" AGENT_USER_AGENT "\"", NULL,
	     "The whole header User-Agent, in requests and responses."),
	WHOLE("wsServerMaxReconnection", ws_server_max_reconnection, "whole number", "3", 1,
	      "How often a server whose connection broke is tried again, before the next one is.",
	      .param.later = "maxReconnectionAttempts"),
	WHOLE("wsServerReconnectionTimeout", ws_server_reconnection_timeout, "whole number of seconds", "4", 1,
	      "Wait before the second of these tries and each later one; the first is at once.",
	      .param.later = "reconnectionTimeout"),
};

_Static_assert(ARRAY_LEN(rows) <= 64, "given and named have a bit for each row");

const struct agent_row *agent_row(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

size_t agent_row_number(const struct agent_row *row)
{
	return (size_t)(row - rows);
}

const struct agent_param *agent_param(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i].param : NULL;
}
