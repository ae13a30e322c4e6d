/* agent/config.h -- the parameters of an agent: what SIP.js takes as configuration of SIP.UA.
 * One row of a table each (config.c), from which come the setters, the errors, the defaults,
 * the lists in docs/user-agent.md and `sidetone-ua --help`, and TypeScript's types.
 * Threads: touches only its arguments. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>

#define AGENT_MAX_SERVERS 16

struct agent_server {
	struct text ws_uri;             /* "wss://h:port/path?query", or udp:, tcp:, tls: (not in a browser) */
	struct text sip_uri;            /* "<sip:h:port;transport=ws;lr>" */
	char scheme[8];                 /* "WS", "WSS", "UDP", "TCP", "TLS" */
	double weight;
};

enum agent_supported { AGENT_NONE, AGENT_SUPPORTED, AGENT_REQUIRED };
enum agent_dtmf { AGENT_DTMF_INFO, AGENT_DTMF_RTP };

struct agent_config {
	struct text uri, registrar_server, display_name, authorization_user, password, user_agent_string;
	struct text instance_id;        /* without "uuid:" */
	struct text contact_name, contact_transport;
	struct text hack_ip_in_contact; /* "": no; else the host, or "true" for a random one of 192.0.2.0/24 */
	struct text extra_supported;    /* "tag, tag" */
	struct agent_server servers[AGENT_MAX_SERVERS];
	size_t n_servers;
	bool allow_legacy_notifications, allow_out_of_dialog_refers, autostart, autostop, hack_via_tcp,
		hack_wss_in_transport, hack_allow_unregistered_option_tags, register_, trace_sip, use_preloaded_route,
		force_rport;
	uint32_t connection_recovery_max_interval, connection_recovery_min_interval;    /* [s] */
	uint32_t no_answer_timeout, register_expires, ws_server_reconnection_timeout, keep_alive_interval;       /* [s] */
	uint32_t ws_server_max_reconnection;
	enum agent_supported rel100, replaces;
	enum agent_dtmf dtmf_type;
	int log_level;                  /* 0 error .. 3 debug */
	bool log_builtin;
	/* derived by agent_config_finish() */
	struct text user, host;         /* of uri; host with its port and parameters is registrar_server's default */
};

/* 4 + 16 hex digits of randomness at least are drawn with this. */
typedef void agent_random_fn(void *arg, void *p, size_t n);

/* Every default that needs nothing else. ENOMEM. */
int agent_config_init(struct agent_config *c);
void agent_config_free(struct agent_config *c);
/* `json`: the value as JSON. EINVAL: *why is "Invalid value 17 for parameter \"uri\""; ENOENT: no
 * such parameter; ENOMEM. null, "", and [] are the default. snake_case names are taken too. */
int agent_config_set_json(struct agent_config *c, struct str name, struct str json, struct text *why);
/* What hangs together (maximum not below minimum), then what follows from other parameters: user, host,
 * registrar_server, authorization_user, and the random ones: uri, instance_id, contact_name. */
int agent_config_finish(struct agent_config *c, agent_random_fn *random, void *arg, struct text *why);
/* The value in force as JSON. ENOENT, ENOMEM. Secrets too: who asks for the password gets it. */
int agent_config_get_json(const struct agent_config *c, struct str name, struct text *out);

/* The table, for whoever lists parameters. */
struct agent_param {
	const char *name;               /* "registerExpires" */
	const char *type;               /* "integer, seconds": for people */
	const char *ts;                 /* "number": for TypeScript */
	const char *fallback;           /* the default, for people */
	const char *help;               /* one line */
	bool browser_only, native_only;
};
const struct agent_param *agent_params(size_t *n);

#endif
