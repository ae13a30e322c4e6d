/* manage/manager_private.h -- what the manager's files share: its sessions, and
 * how an action reads its message and writes its answer. Threads: core. */
#ifndef MANAGE_MANAGER_PRIVATE_H
#define MANAGE_MANAGER_PRIVATE_H

#include "manage/manager.h"
#include "manage/manager_filter.h"
#include "manage/manager_parse.h"
#include "manage/pace.h"
#include "manage/client.h"
#include "pbx/event.h"

#define AMI_EV_ALL 0x7fffffffu
#define AMI_OUT_LOW (64u << 10)         /* [bytes] the next action begins, and a list goes on, when no more wait */
#define AMI_OUT_HIGH (256u << 10)       /* [bytes] events wait in `notes` while more wait here */

struct listener;
struct fiber;
struct web;

/* Where answers go that no client takes: to who asked over HTTP. */
struct ami_sink {
	int (*send)(struct ami_sink *k, struct str bytes);   /* EPIPE: who asked has gone */
	int (*drain)(struct ami_sink *k);                    /* on a fiber: until little enough waits. EPIPE */
	bool (*gone)(const struct ami_sink *k);
	/* The session is about to be somebody's: it gets an id that only who logs in is told. */
	int (*rename)(struct ami_sink *k);
};

#define AMI_WEB_ID 80           /* [bytes] of a cookie or a nonce, with the 0 */

/* Of a session that no connection keeps: manager_web.c. */
struct ami_web {
	char id[AMI_WEB_ID];            /* of the cookie, or the nonce */
	char before[AMI_WEB_ID];        /* the nonce before this one */
	bool digest;
	unsigned in_use;                /* requests that are served */
	uint64_t used_ms;
};

struct manager {
	struct manage *m;               /* not held: it owns us */
	struct manager_conf *conf;      /* held; NULL: not configured */
	struct client_listener *listener;
	struct sa bound;
	struct client_listener *tls_listener;   /* NULL: none */
	struct sa tls_bound;
	struct tls_context *tls;        /* held: of tls_listener */
	struct list sessions;           /* struct ami_session */
	struct web *web;                /* held: routes of ours are in it; NULL: none */
	uint64_t serial;                /* of the newest session */
	bool debug;                     /* number events: debug= and `manager set debug` */
	unsigned sequence;
	struct map *actions;            /* const struct ami_action by name, case folded */
	struct listener *events;        /* NULL: nobody wants any */
	unsigned mask;                  /* what `events` was asked for */
};

struct ami_note;

struct ami_session {            /* obj; mgr->sessions holds one reference */
	struct list link;
	struct manager *mgr;            /* NULL: the manager stopped */
	struct client *client;          /* held; NULL: over HTTP */
	struct ami_web *web;            /* owned; NULL: not over HTTP */
	struct sa peer, local;
	struct ami_parser parser;
	struct buf in;                  /* bytes not parsed yet */
	bool running;                   /* a fiber works on `in` */
	bool authenticated, gone;
	bool hold;                      /* an action runs: events wait in `notes` until it has answered */
	bool displayconnects;
	struct list notes;              /* struct ami_note: events not judged by the filters yet */
	size_t notes_bytes;
	struct ami_match match;         /* how far the first of them is judged */
	struct pace_job pump;           /* takes notes while no action runs */
	struct text user;
	unsigned read, write, send;     /* EV_* bits; send: what it wants now */
	uint32_t stall_ms;
	char challenge[16];
	uint64_t serial;                /* SessionID in security events */
	struct ami_filters filters;
	struct manager_conf *conf;      /* held: of the login; vars look into it */
	const struct conf_var_list *vars;       /* setvar= of the user; NULL: none */
	struct timer auth;
	int64_t started_us;             /* wall */
	uint64_t inputs;                /* counts what came from the peer, for WaitEvent */
	struct fiber *waiter;           /* in WaitEvent */
};

/* One action being served, on its fiber. */
struct ami_ctx {
	struct ami_session *s;
	struct ami_sink *http;          /* where the answer goes; NULL: to the session's client */
	struct manage *m;
	const struct ami_message *msg;
	struct str id;                  /* ActionID; empty: none */
	struct buf out;
	size_t items;                   /* of the list being written */
	bool close;                     /* the session ends after this answer */
};

struct ami_action {
	const char *name;
	unsigned privilege;             /* one of these in the user's write mask; 0: anybody */
	const char *summary;
	void (*run)(struct ami_ctx *a);
	bool early;                     /* may come before the boot is over */
};

struct ami_table {
	const struct ami_action *v;
	size_t n;
};
extern const struct ami_table ami_session_actions, ami_core_actions, ami_channel_actions, ami_call_actions,
	ami_dialplan_actions, ami_state_actions, ami_db_actions, ami_config_actions, ami_config_edit_actions, ami_bridge_actions,
	ami_pjsip_actions, ami_pjsip_do_actions, ami_message_actions, ami_notify_actions,
	ami_subscription_actions, ami_aoc_actions, ami_mixmonitor_actions, ami_fax_actions, ami_digit_actions;

/* ---- reading */
static inline struct str ami_get(const struct ami_ctx *a, const char *name)
{
	return ami_header(a->msg, str_z(name));
}
bool ami_get_bool(const struct ami_ctx *a, const char *name);        /* false when absent */
/* The channel named by header `name`; answers the error itself and gives NULL. */
struct channel *ami_get_channel(struct ami_ctx *a, const char *name, const char *missing, const char *unknown);
/* Visit "Variable: a=b,c=d" headers, in order. */
typedef void ami_var_fn(void *arg, struct str name, struct str value);
void ami_each_var(const struct ami_ctx *a, ami_var_fn *fn, void *arg);

/* ---- answering: values lose CR and LF, so nothing can smuggle a line in */
void ami_error(struct ami_ctx *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ami_ok(struct ami_ctx *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ami_start(struct ami_ctx *a);                           /* Response: Success, headers follow, then ami_end() */
void ami_list_start(struct ami_ctx *a, const char *message); /* whole */
void ami_event(struct ami_ctx *a, const char *name);         /* Event, ActionID; headers follow, then ami_end() */
void ami_put(struct ami_ctx *a, const char *key, struct str value);
void ami_printf(struct ami_ctx *a, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ami_end(struct ami_ctx *a);
/* ami_end() of an item of a list: counts it, and waits until this session may go
 * on. False: the peer has gone. What is not held may be gone when it returns. */
bool ami_item_end(struct ami_ctx *a);
/* What ami_item_end() does after the counting, for a row that was left out and for lists in
 * chunks. */
bool ami_pause(struct ami_ctx *a);
/* The same in the middle of one answer: no event may come between its lines. */
bool ami_line_end(struct ami_ctx *a);
void ami_list_complete(struct ami_ctx *a, const char *event);        /* headers may follow, then ami_end() */
void ami_list_end(struct ami_ctx *a, const char *event);             /* whole */
/* The standard channel headers, into the message being written. */
void ami_channel(struct ami_ctx *a, const struct channel *ch);
/* Send what is written so far, and let events pass again: before waiting long. */
int ami_flush(struct ami_ctx *a);
void ami_release(struct ami_ctx *a);

/* ---- sessions */
bool ami_gone(const struct ami_ctx *a);              /* the session is over, or who asked has gone */
int ami_send(struct ami_session *s, struct ami_sink *http, struct str bytes);
int ami_drain(struct ami_session *s, struct ami_sink *http); /* on a fiber: until AMI_OUT_LOW at most waits */
/* One that has not logged in; mgr->sessions has the reference. NULL: ENOMEM. */
struct ami_session *ami_session_new(struct manager *mgr, const struct sa *peer, const struct sa *local);
/* It is `u` from now on. `events`: which it wants to hear, as Login says; empty: all it may. */
void ami_enter(struct ami_session *s, const struct manager_user *u, struct str events);
bool ami_in_use(const struct manager *mgr, struct str user);
void ami_failed(struct ami_ctx *a);                  /* waits as long as who guesses has to */
/* On a fiber, with the message in a->msg: the action, and what it answers. `fault`: of ami_parse(). */
void ami_serve(struct ami_ctx *a, int fault);
/* How many have not logged in, over HTTP or over TCP: each has an authlimit, so neither locks out the other. */
size_t ami_strangers(const struct manager *mgr, bool web);
void ami_session_accept(void *arg, struct client *client);
void ami_session_leave(struct ami_session *s);
/* manager_event.c. One event, written once for all who get it. */
struct ami_event;               /* obj */
struct ami_event *ami_event_new(const struct buf *text);     /* takes the bytes; NULL: no memory */
void ami_session_event(struct ami_session *s, struct ami_event *e);
/* On a fiber: send what came so far, with the answer to a request of HTTP or, NULL, to the session's client. EPIPE:
 * the peer has gone. */
int ami_take_events(struct ami_session *s, struct ami_sink *http);
/* Is there one that passes the filters? Those before it are forgotten. On a fiber. */
bool ami_event_waits(struct ami_session *s);
void ami_pump(struct ami_session *s);                        /* take events soon, in this session's turn */
void ami_pump_init(struct ami_session *s);
void ami_forget_events(struct ami_session *s);
unsigned ami_ev_of_perm(uint32_t perm);                      /* enum manager_perm bits to EV_* bits */
/* "system,call,all"; "<none>". */
void ami_write_privilege(struct buf *b, unsigned ev);
/* "on", "off", a number, names; false: not understood. */
bool ami_mask_parse(struct str s, unsigned *ev);
void ami_sessions_changed(struct manager *mgr);              /* someone's `send` changed */
/* manager_security.c. `key`, `value`: one more field; NULL: none. */
enum ami_security { AMI_AUTH_OK, AMI_BAD_ACCOUNT, AMI_BAD_PASSWORD, AMI_BAD_CHALLENGE, AMI_FAILED_ACL,
	AMI_SESSION_LIMIT, AMI_NOT_ALLOWED, AMI_BAD_FORMAT, AMI_SECURITY_KINDS };
void ami_security(struct ami_session *s, enum ami_security k, struct str account, const char *key,
		  struct str value);
int ami_login_filters(struct ami_session *s, const struct manager_user *u);

#endif
