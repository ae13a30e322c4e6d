/* media/ice.h -- a full ICE agent for one wire (RFC 8445, 8838, 7675, TURN by 8656 over UDP and TCP).
 *
 * A pure state machine: everything that comes is a call, everything that goes out is a
 * callback. It opens no socket, starts no thread, reads no clock, and allocates nothing after
 * ice_new() and ice_add_server().
 *
 *   what it owns    up to 32 candidates a side, 100 pairs of them, one selected path for each
 *                   component, credentials of this and (during a restart) the last session
 *   bases           where we send from: the caller's numbers of its sockets, a number for each
 *                   address family of a socket. A host candidate names its base; several host
 *                   candidates may share one (a socket bound to all addresses).
 *   states          of the agent, enum ice_state; of a pair, in ice_int.h; each with its table
 *                   of allowed changes
 *   who talks first ice_restart() or ice_new() gives our ufrag and pwd for the SDP; checks begin
 *                   with ice_set_remote(). Remote and local candidates may be added at any time.
 *
 * What a stranger can do: a request without valid MESSAGE-INTEGRITY costs a hash, changes no
 * state and gets no answer. Checks go to remote candidates only: those that the SDP names, and
 * those from which an authenticated request came. Data is taken from checked addresses only.
 *
 * Threads: one at a time. The core makes it and adds hosts and servers; from then on it is the
 * media thread's. Callbacks come from inside the calls. */
#ifndef MEDIA_ICE_H
#define MEDIA_ICE_H

#include "media/stun.h"
#include "sdp/candidate.h"

struct ice;                     /* obj */

enum { ICE_MAX_CANDIDATES = 32, ICE_MAX_PAIRS = 100, ICE_MAX_BASES = 8, ICE_MAX_STUN = 4, ICE_COMPONENTS = 2 };
enum { ICE_UFRAG = 8, ICE_PWD = 24 };   /* characters of ours: 48 and 144 bits of chance */

struct ice_own {                /* what an SDP says of us */
	char ufrag[ICE_UFRAG + 1], pwd[ICE_PWD + 1];
};

enum ice_role { ICE_CONTROLLED, ICE_CONTROLLING };
enum ice_state {
	ICE_IDLE,               /* the peer's description is not there yet */
	ICE_CHECKING,
	ICE_CONNECTED,          /* each component has a nominated pair */
	ICE_FAILED,             /* no pair works, and no more will come */
	ICE_LOST,               /* consent ran out (RFC 7675): nothing is sent any more. A restart helps */
	ICE_STATES
};
const char *ice_state_name(enum ice_state s);

struct ice_candidate {
	enum candidate_type type;
	uint8_t component;              /* 1, 2 */
	uint8_t base;                   /* local ones: what it is sent from */
	struct sa addr;
	struct sa related;              /* raddr and rport; unset for host candidates */
	uint32_t priority;
	char foundation[CANDIDATE_FOUNDATION_MAX + 1];
};
/* As it stands in an SDP; `out` looks into `c`. */
void ice_candidate_describe(const struct ice_candidate *c, struct candidate *out);

enum ice_event_type {
	ICE_EV_CANDIDATE,       /* .candidate: a local one was found */
	ICE_EV_GATHERED,        /* no more are to be expected; once */
	ICE_EV_SELECTED,        /* .component sends to .remote from .base; .nominated: the choice is final for now */
	ICE_EV_STATE            /* .state */
};
struct ice_event {
	enum ice_event_type type;
	const struct ice_candidate *candidate;
	enum ice_state state;
	uint8_t component, base;
	bool relayed, nominated;
	struct sa remote;
};

struct ice_ops {
	void *arg;
	void (*send)(void *arg, unsigned component, unsigned base, const struct sa *to, const void *p, size_t n);
	void (*event)(void *arg, const struct ice_event *e);         /* NULL: nobody listens. Must not call the agent */
	void (*random)(void *arg, void *p, size_t n);                /* for a cryptographer, not for dice */
	/* TURN over TCP: one connection for each base that has a relay. Optional, all three together.
	 * Begin to connect; what comes of it is said by ice_stream_opened() or ice_stream_lost(), later. false: it
	 * cannot be. */
	bool (*stream_open)(void *arg, unsigned base, const struct sa *from, const struct sa *to);
	/* One whole message. What finds no room is dropped, as a datagram would be. */
	void (*stream_send)(void *arg, unsigned base, const void *p, size_t n);
	void (*stream_close)(void *arg, unsigned base);      /* what was sent may still leave */
};

struct ice_prm {
	struct ice_ops ops;
	struct stun_hash hash;          /* hash.arg gets a reference */
	enum ice_role role;
	unsigned components;            /* 1, or 2 with RTCP on a port of its own */
	uint32_t gather_ms;             /* when to call it gathered at the latest; 0: 3000 */
	bool software;                  /* say who we are to STUN and TURN servers */
	struct ice_own own;             /* drawn already, by ice_draw(); empty: ice_new() does */
	uint64_t now_us;
};
void ice_draw(const struct ice_ops *ops, struct ice_own *out);
/* ENOMEM, EINVAL. */
int ice_new(struct ice **out, const struct ice_prm *prm);
/* Change who hears: before it goes to another thread. */
void ice_set_ops(struct ice *ice, const struct ice_ops *ops);
/* Gives TURN allocations back. Frees nothing: obj_drop() does. */
void ice_close(struct ice *ice);

/* ---- our side */

/* A host candidate. `base` under ICE_MAX_BASES; its first host gives it component and family.
 * `shown`: what the SDP says instead of `addr` (a router in front that passes ports on); NULL:
 * `addr`. Earlier ones are preferred. ENOSPC, EINVAL. EEXIST: it is there. */
int ice_add_host(struct ice *ice, unsigned component, unsigned base, const struct sa *addr, const struct sa *shown);
/* Servers are not asked from this base. Before they are added. */
void ice_base_no_servers(struct ice *ice, unsigned base);
enum ice_server {
	ICE_STUN,               /* gives reflexive addresses */
	ICE_TURN,               /* relayed ones too: over UDP, and over TCP when nothing is answered there */
	ICE_TURN_UDP, ICE_TURN_TCP      /* over this one only */
};
/* A server to ask. `user`, `password`: TURN's. One TURN server, ICE_MAX_STUN in all. ENOSPC, ENOMEM, EINVAL. */
int ice_add_server(struct ice *ice, enum ice_server kind, const struct sa *addr, struct str user, struct str password);
void ice_gather(struct ice *ice, uint64_t now_us);
bool ice_gathered(const struct ice *ice);
size_t ice_locals(const struct ice *ice);
const struct ice_candidate *ice_local(const struct ice *ice, size_t i);
struct str ice_ufrag(const struct ice *ice);
struct str ice_pwd(const struct ice *ice);

/* ---- the peer's side */

struct ice_remote {
	struct str ufrag, pwd;
	bool lite;                      /* it is: we control */
	bool done;                      /* it says no more candidates (no trickle, or end-of-candidates) */
	uint64_t now_us;
};
/* Its description. The same credentials again change nothing. Others: EPROTO, unless
 * ice_restart() was called. EBADMSG, ERANGE: the credentials cannot be. */
int ice_set_remote(struct ice *ice, const struct ice_remote *r);
/* A candidate of its description, or one that trickled in. ENOTSUP: not usable by us (a name, TCP,
 * another component), which is no fault. ENOSPC: it has too many. EAGAIN: before ice_set_remote(). */
int ice_add_remote(struct ice *ice, const struct candidate *c, uint64_t now_us);
void ice_remote_done(struct ice *ice);
/* The peer takes RTCP on the first component: the second is given up. */
void ice_one_component(struct ice *ice, uint64_t now_us);

/* New credentials for an offer or answer. Media goes on over the old pair until
 * a new one is nominated. `own`: drawn already; NULL: drawn here. ice_restart_undo(): the
 * offer was refused. */
void ice_restart(struct ice *ice, enum ice_role role, const struct ice_own *own, uint64_t now_us);
void ice_restart_undo(struct ice *ice);

/* ---- the network */

enum ice_verdict {
	ICE_TAKEN,              /* it was for the agent */
	ICE_DATA,               /* media, from a checked address: *peer */
	ICE_DROP                /* anything else */
};
/* `*n` bytes at `p` came to `base` from `from`. With ICE_DATA from a relay, the payload is moved to `p`
 * and `*n` is its length. */
enum ice_verdict ice_datagram(struct ice *ice, uint64_t now_us, unsigned base, const struct sa *from, uint8_t *p, size_t *n,
			      struct sa *peer);
/* The TURN connection of this base is there, and one message came by it: as ice_datagram(). */
void ice_stream_opened(struct ice *ice, uint64_t now_us, unsigned base);
enum ice_verdict ice_stream_message(struct ice *ice, uint64_t now_us, unsigned base, uint8_t *p, size_t *n, struct sa *peer);
/* It could not be made, or has ended. It is not closed again by stream_close(). */
void ice_stream_lost(struct ice *ice, uint64_t now_us, unsigned base);

struct ice_way {
	unsigned base;
	struct sa to;
	bool stream;            /* over the TURN connection of `base` */
};
/* Make of `*n` bytes of media what leaves for this component, with a header of TURN when it goes over a
 * relay. false: there is nowhere to send, or no room. */
bool ice_wrap(struct ice *ice, unsigned component, uint8_t *p, size_t *n, size_t max, struct ice_way *way);
/* Does what is due. Gives when it wants to be called again; UINT64_MAX: never by itself.
 * Calls above may make that earlier: ice_due(). */
uint64_t ice_tick(struct ice *ice, uint64_t now_us);
uint64_t ice_due(const struct ice *ice);

/* ---- looking */

enum ice_state ice_state(const struct ice *ice);
enum ice_role ice_role(const struct ice *ice);
/* Where media of this component goes now. false: nowhere. */
bool ice_selected(const struct ice *ice, unsigned component, struct ice_event *out);

struct ice_counts {
	uint64_t checks_sent, checks_came;
	uint64_t unsigned_came;         /* no or wrong integrity: dropped */
	uint64_t strangers;             /* data from addresses that are not checked */
};
void ice_count(const struct ice *ice, struct ice_counts *out);

#endif
