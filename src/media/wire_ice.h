/* media/wire_ice.h -- inside media/: the ICE agent of a wire, on its media thread.
 *
 * It stands between the sockets and the wire's steps (socket -> ice -> dtls -> srtp), but is no row
 * of `wire.steps`: it chooses where a datagram goes and from which socket, and says for the
 * steps and streams above who has sent one. So they see one peer, whatever its address is now:
 * what comes from any checked pair is `from` the address that we send to.
 *
 * Owner:   the core makes it (media/ice_session.c), a command hands it to the wire; it moves with the
 *          wire and is dropped on the core.
 * Without: a wire whose `ice` is NULL pays one comparison a packet. */
#ifndef MEDIA_WIRE_ICE_H
#define MEDIA_WIRE_ICE_H

#include "media/ice.h"
#include "media/turn_socket.h"

/* Bases of the agent: the two sockets of a wire, by the family of the other side. */
enum { WIRE_ICE_BASES = 4 };
static inline unsigned wire_ice_base(bool rtcp, bool v6) { return 2u * rtcp + v6; }
static inline bool wire_ice_is_rtcp(unsigned base) { return base >> 1; }

struct ice_wire {               /* obj */
	struct wire_ice head;           /* wire.ice points to it */
	struct ice *agent;              /* held */
	struct wire *w;                 /* NULL: not handed over yet, or taken off */
	struct ticker ticker;
	bool ticking;                   /* it stands in the thread's list */
	struct turn_socket *turn;       /* owned, WIRE_ICE_BASES of them; NULL: no TURN over TCP */
};

/* For TURN over TCP, before it is handed to a thread; and when it is dropped. ENOMEM. */
int ice_wire_streams(struct ice_wire *i);
void ice_wire_streams_free(struct ice_wire *i);

void ice_random_system(void *arg, void *p, size_t n);        /* ice_session.c: of the kernel */

/* On the thread. */
void ice_wire_put(struct wire *w, struct ice_wire *i);       /* takes the reference */
struct ice_wire *ice_wire_take(struct wire *w);              /* plain again; gives the reference. NULL: there was none */
/* Something was said to the agent: when does it want its turn? */
void ice_wire_due(struct ice_wire *i);
static inline struct ice_wire *ice_wire_of(const struct wire *w)
{
	return w->ice ? container_of(w->ice, struct ice_wire, head) : NULL;
}

#endif
