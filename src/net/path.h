/* net/path.h -- what there is to say about the way of a message without knowing
 * any socket: protocols, the two ends, bytes. This header, net/address.h,
 * net/record.h and net/wheel.h are the part of net/ that sip/ and sdp/ may use;
 * they are a library of their own (libsidetone-path), without libuv.
 * Threads: touches only its arguments. */
#ifndef NET_PATH_H
#define NET_PATH_H

#include "net/address.h"

enum net_proto { NET_UDP, NET_TCP, NET_TLS, NET_WS, NET_WSS, NET_PROTOS };

static inline bool net_is_stream(enum net_proto p) { return p != NET_UDP; }
static inline bool net_is_secure(enum net_proto p) { return p == NET_TLS || p == NET_WSS; }
static inline bool net_is_websocket(enum net_proto p) { return p == NET_WS || p == NET_WSS; }
/* Does each message come in a piece of its own, so that nothing in it has to say where it ends? */
static inline bool net_keeps_bounds(enum net_proto p) { return p == NET_UDP || net_is_websocket(p); }
const char *net_proto_name(enum net_proto p);        /* "UDP", "TCP", "TLS", "WS", "WSS" */
const char *net_proto_lower(enum net_proto p);       /* "udp", ... */

/* Where a message came from, or shall go. */
struct net_path {
	uint32_t transport;     /* id of the listening transport; 0: any that fits proto and family */
	enum net_proto proto;
	uint32_t host;          /* of a connection to open: the name its certificate must have; 0: `peer` itself */
	uint64_t conn;          /* connection of a stream, never reused; 0: find or open one to peer */
	struct sa local, peer;  /* local: of the socket the bytes came in on */
};

/* Bytes to send; an obj, so that a transaction can keep and repeat them. */
struct net_bytes {
	size_t n;
	char p[];
};
struct net_bytes *net_bytes_new(struct str s);               /* NULL: ENOMEM */

#endif
