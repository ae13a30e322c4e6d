/* agent/agent.h -- the inside of the user agent library: one core for all agents of a thread,
 * an agent with its connection and its registration, what is under way in it.
 * Threads: the host's. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/config.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/obj.h"
#include "sidetone-ua.h"
#include "ua/invite.h"
#include "ua/register.h"
#include "ua/ua.h"

struct sidetone_core {
	struct sidetone_host host;
	struct clock clock;             /* the host's */
	struct wheel *wheel;
	struct sip_stack *sip;
	struct digest_ctx *digest;      /* held */
	struct map *conns;              /* of struct sidetone_ua, by the number of its connection */
	struct map *agents;             /* by the id that stands in its path */
	uint64_t last_id;
	/* Calls that are over, until the next turn: whoever ends one inside an event is still called by it. */
	struct list dying;              /* of struct sidetone_session */
	struct timer bury;
	struct buf sent;                /* the last message that went out, for events that show it */
	const struct sip_msg *now;      /* the one that is being taken; NULL */
};

/*   CLOSED --start--> CONNECTING --opened--> UP --lost--> WAITING --timer--> CONNECTING
 *                         |  the next server, at once        |
 *                         +--no server left: WAITING (recovery)
 * From each: stop --> CLOSED */
enum agent_link_state { AGENT_LINK_CLOSED, AGENT_LINK_CONNECTING, AGENT_LINK_UP, AGENT_LINK_WAITING };

struct agent_link {
	enum agent_link_state state;
	uint32_t conn;                  /* the host's number; 0: none */
	size_t server;                  /* of config.servers */
	uint32_t failed;                /* servers passed over in this round, one bit each */
	unsigned attempts;              /* at this server since it was lost; 0: it is a first connect */
	unsigned round;                 /* n of the back-off (RFC 5626 4.5) */
	struct timer next;              /* the next try */
	struct timer keep_alive, pong;
	/* It is there: whoever waits may start. It is gone: who waits for an answer gets none. */
	void (*up)(struct sidetone_ua *ua), (*down)(struct sidetone_ua *ua);
	struct buf stream;              /* of TCP and TLS: what is no whole message yet */
};

struct sidetone_ua {            /* obj */
	struct sidetone_core *core;
	sidetone_event_fn *fn;
	void *arg;
	struct agent_config config;
	struct text error;
	bool started, stopping, freed;
	bool again;                     /* started while it was stopping */
	uint64_t stop_by_ms;            /* stopping: then nothing is waited for any more */

	struct agent_link net;
	struct net_path path;           /* of everything: conn is our id, whatever connection serves us */
	struct ua ua;

	struct buf *authorization;      /* while a challenge is told: where its answer goes */

	struct text via_host;           /* sent-by of our requests */
	struct text contact_uri;        /* "sip:x@y;transport=ws" */
	struct text pub_gruu, temp_gruu;
	struct text supported;          /* "path, gruu, ..." without what one method adds */

	struct ua_register *reg;        /* NULL: never asked for */
	bool registered, leave_all;
	struct text reg_headers;        /* of the next REGISTER, ours among them */
	struct text reg_lines, leave_headers;   /* the application's */
	struct timer reg_later;         /* a tick after the connection is up */
	unsigned reg_tries;             /* refused in a row */

	struct list waiting;            /* of struct agent_start: for the connection */
	struct timer start_later, settle;
	struct list requests;           /* of struct sidetone_request */
	struct list incoming;           /* of struct sidetone_incoming */
	struct list sessions;           /* of struct sidetone_session */
	struct list subscriptions;      /* of struct sidetone_subscription */
	struct list publications;       /* of struct sidetone_publication */
};

/* What leaves when there is a connection. */
struct agent_start {
	struct list link;
	void (*fn)(void *arg);
	void *arg;
};

/* ---- core.c -- bytes to messages, messages to agents ---- */
struct sidetone_ua *agent_of_path(struct sidetone_core *c, const struct net_path *path);

/* ---- link.c -- the connection to a server: RFC 5626 4.5, and SIP.js's wsServers ---- */
void agent_link_start(struct sidetone_ua *ua);
void agent_link_stop(struct sidetone_ua *ua);                /* DISCONNECTED is told when it was up */
void agent_link_renew(struct sidetone_ua *ua);               /* another network: a new connection to the same server */
void agent_link_opened(struct sidetone_ua *ua, struct str local);
void agent_link_closed(struct sidetone_ua *ua, unsigned code, struct str reason);
void agent_link_pong(struct sidetone_ua *ua);
int agent_link_send(struct sidetone_ua *ua, struct str bytes);

/* ---- tell.c -- its events, and what waits for the connection ---- */
bool agent_is_up(const struct sidetone_ua *ua);
/* Fill in what every event has, and tell it. */
void agent_tell(struct sidetone_ua *ua, struct sidetone_event e);
void agent_log(struct sidetone_ua *ua, int level, const char *category, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int agent_fail(struct sidetone_ua *ua, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Call fn(arg) when there is a connection, a tick later. */
void agent_when_up(struct sidetone_ua *ua, struct agent_start *s, void (*fn)(void *arg), void *arg);
void agent_start_waiting(struct sidetone_ua *ua);            /* a tick later */
bool agent_credentials(void *arg, struct str realm, struct ua_credentials *out);

/* ---- target.c -- SIP.Utils.normalizeTarget() ---- */
/* A URI, escaped as it goes on the wire, at our host (with its port and parameters) unless `text` names one. EINVAL */
int agent_target(const struct sidetone_ua *ua, struct str text, struct buf *out);

/* ---- register.c -- its registration ---- */
int agent_register(struct sidetone_ua *ua);
void agent_register_lost(struct sidetone_ua *ua);            /* with its connection */
int agent_unregister(struct sidetone_ua *ua);
bool agent_register_busy(const struct sidetone_ua *ua);
void agent_register_free(struct sidetone_ua *ua);

/* ---- head.c -- headers of our messages ---- */
int agent_identity(struct sidetone_ua *ua, struct str local);        /* contact_uri, via_host; `local`: the connection's address */
extern const char AGENT_ALLOW[], AGENT_ACCEPT[];
/* Contact's value; `ob`: of an INVITE. */
void agent_put_contact(const struct sidetone_ua *ua, struct buf *b, bool ob, bool anonymous);
/* "Supported: ..." with the tags of that method; whole lines. */
void agent_put_supported(const struct sidetone_ua *ua, struct buf *b, enum sip_method m);
void agent_put_allow(struct buf *b);
/* Lines as the caller of the library gave them, made whole: CRLF at each end. EINVAL: one has no name, or breaks out. */
bool agent_is_token(const char *s);  /* RFC 3261 25.1: a method */
int agent_put_lines(struct buf *b, struct str lines);
static inline struct str agent_body(const struct sidetone_request_options *o)
{
	return o->body_n ? str_mk(o->body, o->body_n) : str_z(o->body);
}
/* A request out of dialogs as `o` says, to its normalized target. EINVAL, ENOMEM. */
int agent_out(struct sidetone_ua *ua, const struct sidetone_request_options *o, struct sip_out **out);

/* ---- cause.c ---- */
const char *agent_cause(unsigned status);                    /* "Busy", "Rejected", ...: SIP.js's SIP_ERROR_CAUSES */
const char *agent_err_cause(int err);                        /* "Request Timeout", "Connection Error" */
static inline const struct sidetone_message *agent_message(const struct sip_msg *m) { return (const void *)m; }

/* ---- request.c, incoming.c, session*.c, subscription.c, publication.c ---- */
/* A request of ours, made and not sent; ENOMEM. The caller's reference of `o` is taken over, also on failure. */
int agent_request_new(struct sidetone_ua *ua, struct sip_out *o, struct ua_invite *iv, struct sidetone_session *s,
		      struct sidetone_request **out);
void agent_requests_of_session(struct sidetone_ua *ua, const struct sidetone_session *s);   /* it goes: they forget it */
void agent_requests_free(struct sidetone_ua *ua);
bool agent_request_came(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg);
void agent_options_came(struct sidetone_ua *ua, struct sip_server_tx *tx);
void agent_message_came(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg);
/* For the time of one event only, whoever frees it meanwhile; it is gone at the end. */
void agent_incoming_lend(struct sidetone_incoming *in, bool begin);
void agent_incoming_free_all(struct sidetone_ua *ua);
int agent_respond(struct sidetone_ua *ua, struct sip_server_tx *tx, unsigned status, struct str reason, struct str headers,
		  struct str type, struct str body);
struct sidetone_incoming *agent_incoming_new(struct sidetone_ua *ua, struct sip_server_tx *tx, struct ua_invite *iv, bool refer);
void agent_invite_came(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg);
void agent_sessions_lost(struct sidetone_ua *ua);
void agent_sessions_end(struct sidetone_ua *ua);
void agent_sessions_free(struct sidetone_ua *ua);
void agent_sessions_bury(void *core);
void agent_subscriptions_up(struct sidetone_ua *ua);
void agent_subscriptions_end(struct sidetone_ua *ua);
void agent_subscriptions_free(struct sidetone_ua *ua);
void agent_publications_free(struct sidetone_ua *ua);
void agent_publications_end(struct sidetone_ua *ua);

#endif
