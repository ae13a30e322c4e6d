/* sidetone-ua.h -- a SIP user agent: registers, calls and is called, sends and takes messages,
 * watches and publishes. Its parameters are those of SIP.js's SIP.UA (docs/user-agent.md).
 *
 * The library has no threads, sockets, clock or media of its own. A *host* gives it the first
 * three (struct sidetone_host): sidetone-ua-host.h has one over real sockets, a page in a browser
 * another. Descriptions of media (SDP) come from the application: DESCRIBE asks for one,
 * SET_DESCRIPTION hands one in; sidetone-ua-media.h answers both.
 *
 * Everything that happens is told by one function, as struct sidetone_event. Inside it every
 * function here may be called, also those that end or free what the event is about; but inside
 * SENT, RECEIVED and LOG, which come in the middle of other work, none that ends or frees.
 *
 * Strings are UTF-8 and end with a NUL; those given are copied. NULL is "not said". Lists of
 * headers are whole lines, "X-Foo: bar\r\nX-Bar: foo\r\n" (a bare \n serves). Functions that can
 * fail return 0 or an errno; sidetone_ua_error() has the words. Threads: one, the host's. */
#ifndef SIDETONE_UA_H
#define SIDETONE_UA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sidetone_core;           /* what the agents of one thread share: transactions, timers, the host */
struct sidetone_ua;             /* one identity: SIP.UA */
struct sidetone_request;        /* a request of ours outside of sessions, or inside one: SIP.ClientContext */
struct sidetone_incoming;       /* a request of theirs that is not a session's: SIP.ServerContext */
struct sidetone_session;        /* a call: SIP.InviteClientContext, SIP.InviteServerContext */
struct sidetone_subscription;   /* RFC 6665: SIP.Subscription */
struct sidetone_publication;    /* RFC 3903: SIP.PublishContext */
struct sidetone_message;        /* a SIP message that came, or went out; read-only, alive during its event */

/* ---- the host -------------------------------------------------------------------------- */

enum sidetone_hash { SIDETONE_MD5, SIDETONE_SHA256, SIDETONE_SHA512_256 };

struct sidetone_host {
	void *arg;
	uint64_t (*now_us)(void *arg);          /* never goes back */
	int64_t (*wall_us)(void *arg);          /* since 1970 UTC */
	/* Call sidetone_core_run() in `ms`, in place of what was asked before; UINT64_MAX: not at all. */
	void (*wake)(void *arg, uint64_t ms);
	/* Connect to `uri`: ws:, wss:, udp:, tcp:, tls:. *conn is a number of the host's that is not 0
	 * and not used again. sidetone_core_opened() or _closed() follow, never before this returns. */
	int (*open)(void *arg, const char *uri, uint32_t *conn);
	/* One message. An error: the connection is of no use any more (closed() follows). */
	int (*send)(void *arg, uint32_t conn, const char *bytes, size_t n);
	/* No callback about `conn` any more. */
	void (*close)(void *arg, uint32_t conn);
	/* 16 bytes for MD5, 32 for the others. */
	int (*hash)(void *arg, enum sidetone_hash h, const void *bytes, size_t n, uint8_t out[32]);
};

/* NULL: no memory. `host` is copied. */
struct sidetone_core *sidetone_core_new(const struct sidetone_host *host);
/* Every agent was freed before. */
void sidetone_core_free(struct sidetone_core *c);
void sidetone_core_run(struct sidetone_core *c);     /* what is due */
/* The connection is up. `local`: its address and port, "192.0.2.7:5060"; NULL where there is none to be known (WebSocket). */
void sidetone_core_opened(struct sidetone_core *c, uint32_t conn, const char *local);
/* It is gone, or never came up. `code`: of WebSocket (RFC 6455 7.4), 0: none. */
void sidetone_core_closed(struct sidetone_core *c, uint32_t conn, unsigned code, const char *reason);
/* One message, or a piece of a stream; a lone CRLF is the answer to a keep-alive. */
void sidetone_core_received(struct sidetone_core *c, uint32_t conn, const char *bytes, size_t n);

/* ---- what happens ------------------------------------------------------------------------ */

enum sidetone_event_type {
	/* of the agent */
	SIDETONE_CONNECTING,            /* status: which try */
	SIDETONE_CONNECTED,
	SIDETONE_DISCONNECTED,          /* status: the code; text: the reason */
	SIDETONE_REGISTERED,            /* message: each 200 to REGISTER */
	SIDETONE_UNREGISTERED,          /* message or none; cause */
	SIDETONE_REGISTRATION_FAILED,   /* message or none; cause */
	SIDETONE_REGISTER_PROGRESS,     /* message: 1xx to REGISTER */
	SIDETONE_REGISTER_ACCEPTED,     /* message: before REGISTERED, UNREGISTERED */
	SIDETONE_KEEP_ALIVE_TIMEOUT,
	SIDETONE_INVITE,                /* session, message: 100 and 180 are out. The session is yours */
	SIDETONE_MESSAGE,               /* incoming, message: 200 is out */
	SIDETONE_NOTIFY_OUT_OF_DIALOG,  /* message (allowLegacyNotifications): 200 is out */
	SIDETONE_REFER_OUT_OF_DIALOG,   /* incoming (allowOutOfDialogRefers), message: to be answered */
	SIDETONE_SENT,                  /* text: a request or response of ours, as it goes out; request, session if known */
	SIDETONE_RECEIVED,              /* text: as it came in, before anything else looks at it */
	SIDETONE_CHALLENGE,             /* message: 401 or 407; text: the method, cause: the Request-URI. sidetone_ua_authorize() answers */
	SIDETONE_LOG,                   /* status: 0 error .. 3 debug; cause: category ("sip.ua"); text */

	/* of a request */
	SIDETONE_PROGRESS,              /* message: 1xx */
	SIDETONE_ACCEPTED,              /* message: 2xx */
	SIDETONE_REJECTED,              /* message: 3xx-6xx; cause. Then FAILED */
	SIDETONE_FAILED,                /* message or none; cause. Of a request the last event */

	/* of a session, PROGRESS .. FAILED beside them */
	SIDETONE_DESCRIBE,              /* status: enum sidetone_description. sidetone_session_describe() answers */
	SIDETONE_SET_DESCRIPTION,       /* status: the same; text, text_n: the body; cause: its type. _described() answers */
	SIDETONE_MEDIA_CLOSED,          /* no more descriptions: whatever was made for them goes */
	SIDETONE_DIALOG,                /* it has a dialog now */
	SIDETONE_INVITE_SENT,           /* text: a first INVITE or a re-INVITE of ours */
	SIDETONE_ACK_SENT,              /* text */
	SIDETONE_CANCEL,                /* ours is on its way; or message: theirs came */
	SIDETONE_CONFIRMED,             /* message: the ACK */
	SIDETONE_REINVITE,              /* message: theirs */
	SIDETONE_REINVITE_ACCEPTED,     /* either side's */
	SIDETONE_REINVITE_FAILED,       /* message: the response to ours; status: what we answered to theirs; cause */
	SIDETONE_INFO,                  /* incoming, message: INFO that is no digit; answered with 200 after the event unless it was replied to. `incoming` ends with the event */
	SIDETONE_DTMF,                  /* text: the digit; status: its duration [ms]; message: the INFO, or none (RTP) */
	SIDETONE_NOTIFY,                /* message, answered. Of subscriptions too */
	SIDETONE_REFER,                 /* incoming, message: to be answered by sidetone_refer_accept() or _incoming_reply() */
	SIDETONE_REFER_PROGRESS,        /* ours: status of the sipfrag, message: the NOTIFY, answered */
	SIDETONE_REPLACED,              /* session: the old one; other: the one that takes its place */
	SIDETONE_BYE,                   /* message: theirs; text: ours */
	SIDETONE_TERMINATED,            /* message or none; cause. Once, the last one */

	/* of a subscription: ACCEPTED, REJECTED, FAILED, DIALOG, NOTIFY, and */
	SIDETONE_SUBSCRIPTION_STATE,    /* text: init, notify_wait, pending, active, terminated */

	/* of a publication: PROGRESS, FAILED, and */
	SIDETONE_PUBLISHED,             /* message */
	SIDETONE_UNPUBLISHED,           /* message or none; cause */

	SIDETONE_EVENT_TYPES
};
const char *sidetone_event_name(enum sidetone_event_type t); /* "connecting", ... */

struct sidetone_event {
	enum sidetone_event_type type;
	struct sidetone_ua *ua;
	/* what it is about, as the type says; NULL */
	struct sidetone_request *request;
	struct sidetone_incoming *incoming;
	struct sidetone_session *session, *other;
	struct sidetone_subscription *subscription;
	struct sidetone_publication *publication;
	const struct sidetone_message *message;
	int status;
	const char *cause;              /* in SIP.js's words: "Busy", "Request Timeout", ...; NULL: none */
	const char *text;
	size_t text_n;
};
typedef void sidetone_event_fn(void *arg, const struct sidetone_event *e);

/* ---- messages ----------------------------------------------------------------------------- */

const char *sidetone_message_text(const struct sidetone_message *m, size_t *n);      /* all of it; no NUL behind it */
unsigned sidetone_message_status(const struct sidetone_message *m);                  /* 0: a request */
/* The n-th header of that name, compact or long, without case; false: none. *value has no NUL. */
bool sidetone_message_header(const struct sidetone_message *m, const char *name, size_t nth, const char **value, size_t *n);
const char *sidetone_message_body(const struct sidetone_message *m, size_t *n);

/* ---- the agent ---------------------------------------------------------------------------- */

/* NULL: no memory. Nothing is sent before sidetone_ua_start(). */
struct sidetone_ua *sidetone_ua_new(struct sidetone_core *c, sidetone_event_fn *fn, void *arg);
/* Ends everything without waiting for an answer: no event any more. */
void sidetone_ua_free(struct sidetone_ua *ua);
/* A parameter by its name, before the start. `json`: a JSON value, as it would stand in the object
 * for new SIP.UA(). EINVAL: *message has why, `Invalid value 17 for parameter "uri"`. ENOENT: no such parameter. */
int sidetone_ua_set_json(struct sidetone_ua *ua, const char *name, const char *json);
int sidetone_ua_set_string(struct sidetone_ua *ua, const char *name, const char *value);
int sidetone_ua_set_number(struct sidetone_ua *ua, const char *name, double value);
int sidetone_ua_set_bool(struct sidetone_ua *ua, const char *name, bool value);
/* What is in force, as JSON, defaults and derived values too; NULL: no such parameter. free() it. */
char *sidetone_ua_get_json(const struct sidetone_ua *ua, const char *name);
const char *sidetone_ua_error(const struct sidetone_ua *ua); /* of the last function that failed */

/* Values are checked against each other here. EINVAL. */
int sidetone_ua_start(struct sidetone_ua *ua);
/* Unregisters, ends sessions and subscriptions, then closes the connection: DISCONNECTED. */
void sidetone_ua_stop(struct sidetone_ua *ua);
int sidetone_ua_register(struct sidetone_ua *ua, const char *headers, bool close_with_headers);
int sidetone_ua_unregister(struct sidetone_ua *ua, bool all, const char *headers);
/* Another scheme than digest: from now on each challenge is told (CHALLENGE), before sidetone_ua_start(). */
void sidetone_ua_own_authentication(struct sidetone_ua *ua);
/* Inside CHALLENGE: the whole line, "Authorization: ...". Without it the challenge is the final answer. */
int sidetone_ua_authorize(struct sidetone_ua *ua, const char *line);
bool sidetone_ua_is_registered(const struct sidetone_ua *ua);
bool sidetone_ua_is_connected(const struct sidetone_ua *ua);
/* The network changed (another interface, online again): the connection is made anew. */
void sidetone_ua_network_changed(struct sidetone_ua *ua);

/* Any method. What is not said comes from the agent. */
struct sidetone_request_options {
	const char *method, *target;    /* target: what normalizeTarget() takes: "600", "bob@example.com", a URI */
	const char *headers, *content_type, *body;
	size_t body_n;                  /* 0: to its NUL */
	/* `params` of SIP.js */
	const char *from_uri, *from_display_name, *from_tag, *to_uri, *to_display_name, *to_tag, *call_id, *route_set;
	uint32_t cseq;                  /* 0: ours */
};
/* It leaves when there is a connection. EINVAL: "Invalid target: T". */
int sidetone_ua_request(struct sidetone_ua *ua, const struct sidetone_request_options *o, struct sidetone_request **out);
void sidetone_request_free(struct sidetone_request *r);      /* no more events about it */

/* ---- what others ask ------------------------------------------------------------------------- */

/* EALREADY: a final response is out. EINVAL: a status outside 100-699. */
int sidetone_incoming_reply(struct sidetone_incoming *in, unsigned status, const char *reason, const char *headers,
			    const char *content_type, const char *body);
/* A REFER: 202, then NOTIFYs by sidetone_refer_tell(). */
int sidetone_refer_accept(struct sidetone_incoming *in, const char *headers);
int sidetone_refer_tell(struct sidetone_incoming *in, unsigned status, const char *reason);  /* >= 200: the last */
void sidetone_incoming_free(struct sidetone_incoming *in);   /* without an answer: 500 */

/* ---- calls ----------------------------------------------------------------------------------- */

/* The numbers are SIP.Session.C's. */
enum sidetone_session_status { SIDETONE_NULL, SIDETONE_STATUS_INVITE_SENT, SIDETONE_1XX_RECEIVED, SIDETONE_INVITE_RECEIVED,
	SIDETONE_WAITING_FOR_ANSWER, SIDETONE_ANSWERED, SIDETONE_WAITING_FOR_PRACK, SIDETONE_WAITING_FOR_ACK,
	SIDETONE_CANCELED, SIDETONE_STATUS_TERMINATED, SIDETONE_ANSWERED_WAITING_FOR_PRACK, SIDETONE_EARLY_MEDIA,
	SIDETONE_STATUS_CONFIRMED };
enum sidetone_description { SIDETONE_OFFER, SIDETONE_ANSWER };

struct sidetone_invite_options {
	struct sidetone_request_options request;        /* `method` is not read; body: render body */
	bool anonymous, without_sdp;
};
/* It asks for an offer (DESCRIBE) when there is a connection, and leaves when that is there. The session is yours. */
int sidetone_ua_invite(struct sidetone_ua *ua, const struct sidetone_invite_options *o, struct sidetone_session **out);
/* Yours no more; one that is still up ends. */
void sidetone_session_free(struct sidetone_session *s);
enum sidetone_session_status sidetone_session_status(const struct sidetone_session *s);
bool sidetone_session_is_theirs(const struct sidetone_session *s);   /* they called */
const char *sidetone_session_id(const struct sidetone_session *s);   /* Call-ID and the tag of From */

/* The answer to DESCRIBE; body NULL: it cannot be made. Now or later. */
void sidetone_session_describe(struct sidetone_session *s, const char *content_type, const char *body);
/* The answer to SET_DESCRIPTION: 0, or the status to refuse with (415, 488). Now or later. */
void sidetone_session_described(struct sidetone_session *s, unsigned status);

/* EPERM ("Invalid status: N"): not in this state. EINVAL: a status outside the range that the method has. */
int sidetone_session_progress(struct sidetone_session *s, unsigned status, const char *reason, const char *headers, bool reliable);
int sidetone_session_accept(struct sidetone_session *s, const char *headers);
int sidetone_session_reject(struct sidetone_session *s, unsigned status, const char *reason, const char *headers);
int sidetone_session_cancel(struct sidetone_session *s, unsigned status, const char *reason, const char *headers);
int sidetone_session_bye(struct sidetone_session *s, unsigned status, const char *reason, const char *headers);
/* Whichever of the three fits. */
int sidetone_session_terminate(struct sidetone_session *s, unsigned status, const char *reason, const char *headers);
/* A new offer, by re-INVITE or UPDATE, as soon as it may (RFC 3261 14.1): REINVITE_ACCEPTED or _FAILED. */
int sidetone_session_reinvite(struct sidetone_session *s, const char *headers, bool update);
int sidetone_session_request(struct sidetone_session *s, const char *method, const char *headers, const char *content_type,
			     const char *body, struct sidetone_request **out);
int sidetone_session_info_digit(struct sidetone_session *s, char digit, unsigned duration_ms);
/* `target`: a URI; or `other`: a session that the peer shall take the place of (Replaces). *out (NULL serves) is told of
 * the response, the session of what comes of it (REFER_PROGRESS). */
int sidetone_session_refer(struct sidetone_session *s, const char *target, struct sidetone_session *other, const char *headers,
			   struct sidetone_request **out);

/* ---- subscriptions and publications ------------------------------------------------------------ */

int sidetone_ua_subscribe(struct sidetone_ua *ua, const struct sidetone_request_options *o, const char *event, uint32_t expires_s,
			  struct sidetone_subscription **out);
int sidetone_subscription_refresh(struct sidetone_subscription *s);
int sidetone_subscription_end(struct sidetone_subscription *s);
void sidetone_subscription_free(struct sidetone_subscription *s);

int sidetone_ua_publish(struct sidetone_ua *ua, const struct sidetone_request_options *o, const char *event, uint32_t expires_s,
			struct sidetone_publication **out);
int sidetone_publication_update(struct sidetone_publication *p, const char *content_type, const char *body);
int sidetone_publication_end(struct sidetone_publication *p);
void sidetone_publication_free(struct sidetone_publication *p);

#ifdef __cplusplus
}
#endif
#endif
