/* agent/config.h -- the parameters of an agent: what SIP.js takes as configuration of SIP.UA.
 * One row of a table each (config.c), from which come the setters, the errors, the defaults,
 * the lists in docs/user-agent.md and `sidetone-ua --help`, and TypeScript's types.
 * Threads: touches only its arguments. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>

#define AGENT_USER_AGENT "Sidetone/0.1.0"
#define AGENT_MAX_SERVERS 16

struct agent_server {
	struct text ws_uri;             /* "wss://h:port/path?query", or udp:, tcp:, tls: (not in a browser) */
	struct text sip_uri;            /* "<sip:h:port;transport=ws;lr>" */
	char scheme[8];                 /* "WS", "WSS", "UDP", "TCP", "TLS" */
	double weight;
};

enum agent_supported { AGENT_NONE, AGENT_SUPPORTED, AGENT_REQUIRED };
enum agent_dtmf { AGENT_DTMF_INFO, AGENT_DTMF_RTP };

struct agent_log {
	int level;                      /* 0 error .. 3 debug */
	bool builtin;
};

struct agent_config {
	struct text uri, registrar_server;      /* "sip:..."; no password, no headers */
	struct text display_name;       /* as it stands between double quotes */
	struct text authorization_user, password, user_agent_string;
	struct text instance_id;        /* without "uuid:" */
	struct text contact_name;       /* as it stands in a URI, escaped */
	struct text contact_transport;  /* "": as the connection is */
	struct text hack_ip_in_contact; /* "": no; else the host, or "true" for a random one of 192.0.2.0/24 */
	struct text extra_supported;    /* "tag, tag", as it was given */
	struct agent_server servers[AGENT_MAX_SERVERS];
	size_t n_servers;
	bool allow_legacy_notifications, allow_out_of_dialog_refers, autostart, autostop, hack_via_tcp,
		hack_wss_in_transport, hack_allow_unregistered_option_tags, register_, trace_sip, use_preloaded_route,
		force_rport;
	uint32_t connection_recovery_max_interval, connection_recovery_min_interval;    /* [s] */
	uint32_t no_answer_timeout, register_expires, ws_server_reconnection_timeout;   /* [s] */
	uint32_t keep_alive_interval;   /* [s]; 0: none */
	uint32_t ws_server_max_reconnection;
	enum agent_supported rel100, replaces;
	enum agent_dtmf dtmf_type;
	struct agent_log log;
	/* derived by agent_config_finish() */
	struct text user;               /* of uri, as it stands there, escaped */
	struct text host;               /* of uri, without its port */
	struct text via_host;           /* of Contact and Via: hack_ip_in_contact, or a name below .invalid */
	struct text option_tags;        /* those of extra_supported that may be sent, each once */
	/* for config.c: a bit a row */
	uint64_t given;                 /* its value is not the default */
	uint64_t named;                 /* it was set by its own name: another name does not count any more */
};

/* Each draw wants at most 32 bytes. */
typedef void agent_random_fn(void *arg, void *p, size_t n);

/* Every default that needs nothing else. ENOMEM: nothing to free. */
int agent_config_init(struct agent_config *c);
void agent_config_free(struct agent_config *c);
/* `json`: the value as JSON. null, "", and [] are the default. Names in snake_case are taken too.
 * 0; *why is then empty, or a warning for the log. EINVAL: *why is `Invalid value "bob" for parameter "uri"`,
 * or `Missing parameter: uri` for false and 0. ENOENT: no such parameter, or one that JavaScript keeps to itself.
 * ENOMEM. After an error the old value stays. */
int agent_config_set_json(struct agent_config *c, struct str name, struct str json, struct text *why);
/* The same for a value as a person writes it, on a command line or in a file: what is no JSON is a string,
 * and what takes strings only is always one, so that a password may be 0123 or null. */
int agent_config_set_word(struct agent_config *c, struct str name, struct str word, struct text *why);
/* Is this value good, by itself? *out: as it would be in force, as agent_config_get_json(); errors as
 * agent_config_set_json() has them, with *out for their text. */
int agent_config_check_json(struct str name, struct str json, struct text *out);
/* What hangs together (maximum not below minimum), then what follows from other parameters: user, host, via_host,
 * option_tags, registrar_server, authorization_user, contact_transport, and the random ones: uri, instance_id,
 * contact_name. EINVAL, ENOMEM. May be called again after a change. */
int agent_config_finish(struct agent_config *c, agent_random_fn *random, void *arg, struct text *why);
/* The value in force as JSON. ENOENT, ENOMEM. Secrets too: who asks for the password gets it. */
int agent_config_get_json(const struct agent_config *c, struct str name, struct text *out);

/* The table, for whoever lists parameters. */
struct agent_param {
	const char *name;               /* "registerExpires" */
	const char *later;              /* its name in transportOptions; NULL: none */
	const char *type;               /* "whole number of seconds, at least 1": for people */
	const char *ts;                 /* "number": for TypeScript */
	const char *def;                /* the default as JSON; NULL: none, or ... */
	const char *fallback;           /* ... where it comes from, for people */
	const char *help;               /* one line */
	bool browser_only;              /* has a meaning in a page only */
	bool script_only;               /* kept by JavaScript: no JSON, agent_config_set_json() does not know it */
};
/* `i`-th row, in the order of the table; NULL: no more. */
const struct agent_param *agent_param(size_t i);

#endif
