/* service/service.h -- what pjsip.conf describes, at work: the object that all
 * of service/ gets passed, and the way of a request through it:
 *
 *   sip_stack -> dispatch -> identify -> authenticate -> handler(identity)
 *
 * Threads: core, but for service_load() which says so. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/text.h"
#include "config/report.h"
#include "media/media.h"
#include "net/net.h"
#include "pbx/channel.h"
#include "service/object.h"
#include "service/reason.h"
#include "service/shares.h"
#include "sip/dialog.h"
#include "sip/resolve.h"
#include "ua/ua.h"

struct contact_store;
struct locations;
struct endpoint_state;
struct nat_rule;
struct dns;
struct identify_hosts;
struct notify_conf;

struct service;
struct service_transport {
	struct str name;                /* view into conf of the time it was opened; copied */
	struct text t_name;
	uint32_t id;                    /* of net_listen() */
	enum net_proto proto;
	struct sa bound;
	struct snapshot *conf_of;       /* held: keeps `conf` alive */
	const struct transport_conf *conf;
};

/* A method's row: dispatch calls it only with an identity. */
struct identity;
typedef void method_fn(struct service *svc, struct identity *id, struct sip_stx *tx, struct sip_msg *msg);

struct service {
	struct loop *loop;
	struct wheel *wheel;
	const struct clock *clock;
	struct net *net;                /* NULL in loop tests: prm.send is used */
	struct sip_stack *sip;
	struct pbx *pbx;
	struct media *media;
	struct contact_store *contacts; /* NULL: contacts live in memory only */
	struct dns *dns;
	struct digest_ctx *digest;
	struct buckets *guesses;        /* held: wrong passwords, by address and endpoint */
	struct buckets *challenged;     /* held: requests without credentials, by address */
	struct buckets *told;           /* held: log lines about these, by address */
	struct snapshot *conf;          /* held; swapped by service_set_conf() */
	struct reasons *reasons;
	struct shares *shares;          /* held: who has how much of what is scarce */
	struct locations *locations;
	struct map *endpoint_states;    /* by name, made when first needed */
	struct service_transport *transports;
	size_t transport_n;
	struct identify_hosts *ident_hosts;     /* names in match= and their addresses; NULL: no configuration was applied */
	int64_t date_s;                 /* the second that `date` names */
	char date[48];                  /* "Date: ...\r\n"; made when first needed */
	struct text user_agent, server_line;    /* as in global; "Server: x\r\n" */
	struct list sessions;           /* struct session */
	struct list ending;             /* struct session: over, but a BYE still waits for an ACK */
	struct ua ua;                   /* all that we ask of others */
	struct text server_id;          /* reg_server: entity id of this process */
	uint32_t calls;                 /* incoming INVITE sessions alive */
	double max_load;                /* asterisk.conf maxload; 0: no limit */
	uint64_t load_seen_ms;          /* when `load` was read */
	double load;
	struct timer keep_alive;        /* global keep_alive_interval */
	bool logger;                    /* pjsip set logger on */
	bool stopping;
	bool booted;
	const char *bind;               /* service_prm.bind */
	uint32_t next_session_id;
	struct map *maintenance;        /* endpoint names refused for now */
	int (*test_send)(void *arg, struct net_path *path, struct net_bytes *bytes);    /* service_prm.send */
	void *test_send_arg;
	void *outbound;                 /* registrations: service/outbound.c */
	void *subscriptions;            /* service/subscription/ */
	void *messages;                 /* service/message.c */
	struct notify_conf *notify;     /* held: pjsip_notify.conf; NULL: none */
	struct sip_lookup lookup;       /* over dns */
};

struct service_prm {
	struct loop *loop;
	unsigned io_threads;
	uint32_t stranger_rate;         /* net_limits.stranger_rate */
	struct share_limits shares;
	struct pbx *pbx;
	struct media *media;
	struct contact_store *contacts;
	struct dns *dns;
	struct snapshot *conf;
	const char *bind;               /* address in place of each transport's own; NULL */
	/* Loop tests: in place of sockets. NULL: net/. */
	int (*send)(void *arg, struct net_path *path, struct net_bytes *bytes);
	void *send_arg;
};
/* Opens the transports (faults into `r`, one line each), loads contacts,
 * registers PJSIP with the pbx. */
int service_new(struct service **out, const struct service_prm *prm, struct report *r);
void service_free(struct service *svc);
/* After a reload: objects change, calls and registrations stay. */
void service_set_conf(struct service *svc, struct snapshot *conf, struct report *r);
/* They have shown that they may, or see what is sent there: net_trust(). */
void service_trust(struct service *svc, const struct sa *peer);
/* A message in a loop test. */
void service_inject(struct service *svc, struct sip_msg *msg);
/* No new work; BYE and unregister what is there. Done when nothing is left. */
void service_stop(struct service *svc);
bool service_stopped(const struct service *svc);    /* nothing of it waits for an answer */
/* service_stop() was a mistake. */
void service_resume(struct service *svc);

/* ---- transports (transports.c) */
const struct service_transport *service_transport(const struct service *svc, struct str name);
const struct service_transport *service_transport_by_id(const struct service *svc, uint32_t id);
/* Fill transport, proto, local for `peer`. `name`: wanted transport or empty. */
int service_route(struct service *svc, struct net_path *path, struct str name, enum net_proto proto,
		  const struct sa *peer);
/* Our address as `peer` must see it: external_signaling_* outside of local_net. "host:port" */
void service_sent_by(struct service *svc, const struct net_path *path, struct buf *out);
/* <sip:user@host:port;transport=x> for a Contact. `user` may be empty. */
void service_contact(struct service *svc, const struct net_path *path, struct str user, bool sips,
		     struct buf *out);
/* The address to put into SDP towards `peer`: media_address, external_media_address, or local. */
void service_media_address(struct service *svc, const struct endpoint *ep, const struct net_path *path,
			   struct sa *out);
bool service_is_local_net(const struct transport_conf *t, const struct sa *a);

/* ---- identity: the proof that a request was looked at (authenticate.c) */
struct identity {               /* obj */
	struct snapshot *conf;          /* held */
	const struct endpoint *ep;      /* never NULL */
	struct text auth_user;          /* who proved to know a password; empty: endpoint is open */
};

/* ---- state of an endpoint while the program runs (endpoint_state.c) */
struct endpoint_state {
	struct text name;
	unsigned channels, ringing, inuse, onhold;
	bool reachable;                 /* some contact is: PeerStatus, regcontext */
	bool known;                     /* PeerStatus was ever sent */
	struct list sessions;           /* struct session.by_endpoint */
	uint32_t subscriptions;
};
struct endpoint_state *endpoint_state_get(struct service *svc, struct str name, bool create);
/* After anything that device state depends on. */
void endpoint_changed(struct service *svc, struct str name);
int endpoint_device_state(struct service *svc, struct str name);     /* enum device_state */

/* ---- headers that every message of ours has */
struct str service_server_header(struct service *svc);               /* "Server: x\r\n" or empty */
/* Allow, Supported as whole lines. */
struct str service_allow(void);
int service_reply(struct service *svc, struct sip_stx *tx, unsigned status, struct str headers);

/* ---- methods, one file each */
method_fn options_request, register_request, invite_request, message_request, subscribe_request, notify_request;

#endif
