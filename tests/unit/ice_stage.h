/* A small Internet for ICE agents: sites with or without a NAT, a STUN and TURN server, delay and
 * loss, and one clock that the test moves. No sockets, no sleeping. */
#ifndef TESTS_ICE_STAGE_H
#define TESTS_ICE_STAGE_H

#include "base/obj.h"
#include "media/ice.h"
#include "media/turn_stream.h"

enum nat { NAT_NONE, NAT_FULL, NAT_ADDRESS, NAT_PORT, NAT_SYMMETRIC, NAT_KINDS };

struct stage;

/* A TCP connection between a base and the server, which cuts the bytes wherever it likes. */
struct pipe {
	bool on, opened;
	struct sa client;               /* as the server knows it */
	struct turn_stream up, down;    /* what reached the server, and the agent */
};

struct agent {
	struct stage *s;
	struct ice *ice;
	char name;
	enum nat nat;
	struct sa host[2];              /* bases 0 and 1: components 1 and 2, or IPv4 and IPv6 */
	unsigned nhosts;
	bool on[2];
	struct sa public;               /* of its NAT, port 0 */
	bool deaf;                      /* nothing reaches it */
	unsigned gathered, selected;    /* events */
	enum ice_state state;
	struct ice_event last;
	unsigned data;                  /* media that came */
	uint8_t got[64];
	size_t got_n;
	struct pipe pipe[2];
	unsigned pipes_opened, pipes_closed;
	unsigned sent, sent_bytes;
	struct { struct sa to; } dst[256];      /* all places that it sent to */
	unsigned ndst;
};

struct mapping {
	bool on;
	struct agent *a;
	struct sa inside, to;           /* to: symmetric only */
	uint16_t port;
	struct sa out[64];              /* where it has sent to */
	unsigned nout;
};

enum flight_kind { DATAGRAM, PIPE_UP, PIPE_DOWN, PIPE_OPEN, PIPE_LOST };
struct flight {
	bool on;
	enum flight_kind kind;
	uint8_t agent, base;            /* of a pipe */
	uint64_t at, seq;
	struct sa from, to;
	size_t n;
	uint8_t p[2048];
};

struct alloc {
	bool on;
	struct sa client;
	uint16_t port;
	uint64_t until;
	struct { struct sa host; uint64_t until; } permit[64];
	unsigned npermits;
	struct { uint16_t number; struct sa peer; } channel[8];
	unsigned nchannels;
};

struct stage {
	uint64_t now;
	struct stun_hash hash;
	struct agent agent[2];
	struct mapping map[64];
	uint16_t next_port;
	struct flight flight[512];
	uint64_t seq;
	uint64_t delay;                 /* [us] one way */
	unsigned loss;                  /* one of so many is lost; 0: none */
	uint32_t dice;
	struct sa server;               /* STUN and TURN on one port; unset: none */
	struct alloc alloc[8];
	bool refuse_pipes;              /* nobody listens on TCP */
	unsigned cut;                   /* [bytes] the longest piece that comes by TCP */
	bool stale_once;                /* the next authenticated request gets a 438 */
	unsigned stale_sent, auth_sent, channel_data, indications, refreshes;
	struct sa refused;              /* no permission for this host */
	struct sa peer_seen;            /* where a relay last sent from: to look at */
	bool (*drop)(struct stage *s, const struct flight *f);      /* of the test; NULL */
};

void stage_begin(struct stage *s);
void stage_end(struct stage *s);
/* `ip`: the host's; the port is 5000 and, for a second base, 5001. */
void agent_add(struct stage *s, unsigned i, enum nat nat, const char *ip, enum ice_role role, unsigned components);
void agent_host(struct agent *a, unsigned base, unsigned component, const char *addr);
void agent_servers(struct agent *a, bool stun, bool turn);
void agent_turn(struct agent *a, enum ice_server kind);
/* The server cuts the connection. */
void pipe_cut(struct stage *s, unsigned agent, unsigned base);
void run(struct stage *s, uint64_t us);
/* Until both are connected (all components) or `us` are over. */
bool run_until_connected(struct stage *s, uint64_t us);
/* What an SDP would bring: all of `from`'s candidates, or only the credentials. */
void describe(struct agent *from, struct agent *to, bool done);
void candidates(struct agent *from, struct agent *to);
void gather_both(struct stage *s);
void exchange(struct stage *s);         /* gather, describe in both directions */
/* Media from one to the other; true: it came. */
bool talk(struct stage *s, unsigned from, const char *text);
void inject(struct stage *s, const struct sa *from, const struct sa *to, const void *p, size_t n);

/* ---- between ice_stage.c and ice_pipe.c */
uint32_t stage_roll(struct stage *s);
void stage_serve(struct stage *s, struct flight *f);    /* it reached the server */
void pipe_ops(struct ice_ops *ops);
void pipe_send(void *agent, unsigned base, const void *p, size_t n);
bool pipe_fly_to(struct stage *s, const struct sa *to, const void *p, size_t n);       /* false: `to` is no connection's */
void pipe_deliver(struct stage *s, struct flight *f);

#endif
