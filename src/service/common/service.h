/* service/common/service.h -- what pjsip.conf describes, at work: the object that all
 * rooms of service/ get passed, and what all of them need. What makes it and ends it is
 * service/service.h. Threads: core. */
#ifndef SERVICE_COMMON_SERVICE_H
#define SERVICE_COMMON_SERVICE_H

#include "base/text.h"
#include "config/report.h"
#include "media/media.h"
#include "net/net.h"
#include "pbx/channel.h"
#include "service/object/object.h"
#include "service/common/debug.h"
#include "service/common/overload.h"
#include "service/common/reason.h"
#include "service/common/shares.h"
#include "service/common/sip_history.h"
#include "service/common/sip_log.h"
#include "sdp/opus.h"
#include "sip/dialog.h"
#include "sip/resolve.h"
#include "ua/ua.h"

struct contact_store;
struct subscription_store;
struct publication_store;
struct locations;
struct endpoint_state;
struct nat_rule;
struct dns;
struct endpoint_state;
struct identify_hosts;
struct messages;
struct outbound;
struct media_names;
struct service_ice;
struct subscriptions;
struct notify_conf;
struct stir;
struct geoloc_conf;

struct service;
struct service_transport {
	struct str name;                /* view into conf of the time it was opened; copied */
	struct text t_name;
	uint32_t id;                    /* of net_listen() */
	enum net_proto proto;
	struct sa bound;
	struct tls_context *tls;        /* held; NULL: without TLS */
	struct snapshot *conf_of;       /* held: keeps `conf` alive */
	const struct transport_conf *conf;
};

/* A method's row: dispatch calls it only with an identity. */
struct identity;
struct web;
typedef void method_fn(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg);

struct service_transports {
	struct service_transport *v;
	size_t n;
	const char *bind;               /* service_prm.bind */
	struct timer keep_alive;        /* global keep_alive_interval */
};

/* Who is not let in. */
struct service_guard {
	struct map *maintenance;        /* names of the endpoints in maintenance: their requests are refused */
	struct buckets *guesses;        /* held: wrong passwords, by address and endpoint */
	struct buckets *challenged;     /* held: requests without credentials, by address */
	struct buckets *told;           /* held: log lines about these, by address */
};

/* What messages of ours say of us. */
struct service_names {
	struct text user_agent, server_line;    /* as in global; "Server: x\r\n" */
	struct text server_id;          /* reg_server: entity id of this process */
	int64_t date_s;                 /* the second that `date` names */
	char date[48];                  /* "Date: ...\r\n"; made when first needed */
};

struct service_calls {
	struct list all;                /* struct session */
	uint32_t n;                     /* those that an INVITE of theirs made */
	struct { uint8_t entries, span; } udptl;        /* of its error correction, as udptl.conf has it; 0: as usual */
	bool no_srtp;                   /* modules.conf has noload of res_srtp.so: no encrypted media */
	bool no_t38;                    /* the same of res_pjsip_t38.so: as t38_udptl=no everywhere */
	struct call_secrets *secrets;   /* owned; call/session_secure.c, NULL: none needed yet */
};

/* codecs.conf: call/codecs.h */
struct service_codecs {
	struct opus_fmtp opus;          /* what our SDP says */
	struct codec_prm encoder;       /* what it does not say */
};

/* asterisk.conf maxload and minmemfree */
struct service_load {
	double most;                    /* 0: no limit */
	double now;
	uint64_t least_mb, free_mb;     /* 0: no limit; of memory */
	uint64_t (*available_mb)(void); /* tests; NULL: the kernel's MemAvailable */
	uint64_t seen_ms;               /* when `now` and `free_mb` were read */
};

struct service_resolver {
	struct dns *dns;                /* NULL: addresses only */
	struct sip_lookup lookup;       /* over dns */
};

/* What messages pass on their way out and in. */
struct service_wire {
	struct sip_log log;             /* pjsip set logger */
	struct sip_history history;     /* pjsip set history */
	int (*send)(void *arg, struct net_path *path, struct net_bytes *bytes); /* service_prm.send, in place of a network */
	void *arg;
};

/* What calls' media are made of. */
struct service_rtp {
	struct service_codecs codecs;
	struct service_ice *ice;        /* owned: rtp.conf's part of it (common/ice.h). NULL: no ICE */
	struct media_names *names;      /* owned: common/media_names.h. NULL: no configuration was applied */
};

enum service_state { SERVICE_STARTING, SERVICE_RUNNING, SERVICE_STOPPING };

struct service {
	struct loop *loop;
	struct wheel *wheel;
	const struct clock *clock;
	struct net *net;                /* NULL in loop tests: wire.send is used */
	struct web *web;                /* held: the server of HTTP; NULL without `net` */
	struct sip_stack *sip;
	struct ua ua;                   /* all that we ask of others */
	struct pbx *pbx;
	struct media *media;
	struct service_resolver resolver;
	struct digest_ctx *digest;
	enum service_state state;
	struct snapshot *conf;          /* held; swapped by service_set_conf() */
	struct service_transports transports;
	struct service_names names;
	struct service_guard guard;
	struct service_load load;
	struct overload overload;
	struct service_calls calls;
	struct service_rtp rtp;
	struct service_wire wire;
	struct service_debug debug;
	struct reasons *reasons;
	struct shares *shares;          /* held: who has how much of what is scarce */
	/* the rooms' own */
	struct contact_store *contacts; /* NULL: contacts live in memory only */
	struct subscription_store *kept;        /* the same of subscriptions */
	struct publication_store *kept_publications;    /* of publications, ours and others' */
	struct locations *locations;
	struct list contact_observers;  /* struct contact_observer: place/location.h */
	struct map *endpoint_states;    /* by name, made when first needed */
	struct identify_hosts *ident_hosts;     /* names in match= and their addresses; NULL: no configuration was applied */
	struct outbound *outbound;      /* registrations of ours */
	const char *token_url;          /* of OAuth access tokens; NULL: outbound/oauth.h's */
	struct subscriptions *subscriptions;
	struct messages *messages;      /* text messages in the dialplan, and on their way */
	struct notify_conf *notify;     /* held: pjsip_notify.conf; NULL: none */
	struct stir *stir;              /* owned: stir/stir.h; NULL: no stir_shaken.conf was applied */
	struct geoloc_conf *geoloc;     /* held: geolocation.conf; NULL: none */
};

/* They have shown that they may, or see what is sent there: net_trust(). */
void service_trust(struct service *svc, const struct sa *peer);
/* ---- transports */
const struct service_transport *service_transport(const struct service *svc, struct str name);
const struct service_transport *service_transport_by_id(const struct service *svc, uint32_t id);
/* symmetric_transport: the name, of `conf`, of the UDP transport that a message came by, when what goes back to
 * whoever sent it shall leave by it; else empty. */
struct str service_symmetric(const struct service *svc, const struct snapshot *conf, const struct net_path *from);
/* The transport of requests: the endpoint's (NULL: nobody's), else `symmetric` when `conf` has it; else empty. A view
 * into `conf`. ..._to: only for a URI whose host is an address. */
struct str service_transport_named(const struct snapshot *conf, const struct endpoint *ep, struct str symmetric);
struct str service_transport_to(const struct snapshot *conf, const struct endpoint *ep, struct str symmetric, struct str uri);
/* The same for requests in the dialog that `msg` begins. */
struct str service_transport_back(const struct service *svc, const struct snapshot *conf, const struct endpoint *ep,
				  const struct sip_msg *msg);
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
/* A peer by this path gets external_media_address in the place of `media`. */
bool service_media_is_hidden(struct service *svc, const struct net_path *path, const struct sa *media);
/* The same for UDPTL, which has a family of its own (t38_udptl_ipv6). */
void service_udptl_address(struct service *svc, const struct endpoint *ep, const struct net_path *path, struct sa *out);
bool service_is_local_net(const struct transport_conf *t, const struct sa *a);

/* ---- identity: the proof that a request was looked at (authenticate.c) */
struct identity {               /* obj */
	struct snapshot *conf;          /* held */
	const struct endpoint *ep;      /* never NULL */
	struct text auth_user;          /* who proved to know a password; empty: endpoint is open */
};

/* ---- what every answer has, and every request (reply.c) */
struct str service_server_header(struct service *svc);               /* "Server: x\r\n" or empty */
/* What OPTIONS is answered with: Accept, Allow, Supported ... as whole lines (RFC 3261 11.2). */
void service_abilities(const struct snapshot *conf, struct buf *b);
void service_supported(const struct snapshot *conf, struct buf *b);     /* the line Supported alone, for a 420 */
/* Allow as a whole line. `prack`: 100rel is on. */
struct str service_allow(bool prack);
/* The extension that a R-URI names: user part without options, unescaped; "s" when empty. */
struct str service_exten(const struct snapshot *conf, const struct sip_uri *uri, char *room, size_t n);
int service_reply(struct service *svc, struct sip_server_tx *tx, unsigned status, struct str headers);

#endif
