/* ua/ua.h -- the user-agent core (RFC 3261 6: what stands on transactions): what all
 * requests and dialogs of one owner share. It knows neither endpoints, configuration,
 * channels nor media; whoever uses it hands in parameters by value and gets callbacks.
 * Threads: the sip stack's. */
#ifndef UA_UA_H
#define UA_UA_H

#include "sip/digest.h"
#include "sip/resolve.h"
#include "sip/out.h"
#include "sip/stack.h"

/* Built for a page: its agent goes nowhere by itself when it is redirected, agrees on no mechanisms, and has no parts beside its
 * descriptions; what does that is left out of the file that pages load. */
#ifdef SIDETONE_SMALL
enum { UA_SMALL = 1 };
#else
enum { UA_SMALL = 0 };
#endif

/* What a transport can send to. */
struct ua_reach {
	bool fixed;                     /* one transport was named: only its protocol counts */
	enum net_proto proto;           /* of that one */
	bool can_v4[NET_PROTOS], can_v6[NET_PROTOS];
};

/* One address of where a request goes. */
struct ua_target {
	enum net_proto proto;
	struct sa peer;
	struct str host;                /* as the URI names it: a TLS server must show a certificate for it */
};

/* The network as the user agent sees it. */
struct ua_ways {
	/* Fill *path for `to`. `transport`: name to use; empty: any of its protocol. ENOENT: no
	 * such transport; ENETUNREACH: none that can. */
	int (*route)(void *arg, struct net_path *path, struct str transport, const struct ua_target *to);
	/* ENOENT: no transport of that name. */
	int (*reach)(void *arg, struct str transport, struct ua_reach *out);
	/* May a request still go out on this path? A connection may be gone. */
	bool (*usable)(void *arg, const struct net_path *path);
};

/* One for each owner of a sip stack; lives longer than what is made with it. */
struct ua {
	struct sip_stack *sip;
	struct digest_ctx *digest;      /* for answers to challenges */
	const struct ua_ways *ways;
	void *arg;                      /* of `ways` */
	/* A scheme in place of digest: writes out->auth for the challenge in `msg`; false: it cannot. NULL: digest. */
	bool (*authorize)(void *arg, struct sip_out *out, const struct sip_msg *msg);
	const struct sip_lookup *lookup;        /* of names; NULL: addresses only */
	/* By which everything goes, whatever URIs and routes say: the connection of a client to its server (RFC
	 * 5626). NULL: each request finds its own. */
	const struct net_path *way;
	/* Requests of so many bytes go by TCP to where they would go by UDP, and by UDP when that fails (RFC 3261
	 * 18.1.1); but those whose transport was named. 0: none. */
	size_t tcp_from;
	struct list requests;           /* of struct ua_request: those that are not over */
	struct list invites;            /* of struct ua_invite: the same */
};
void ua_init(struct ua *ua, struct sip_stack *sip, struct digest_ctx *digest, const struct ua_ways *ways, void *arg,
	     const struct sip_lookup *lookup);

#endif
