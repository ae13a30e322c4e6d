/* net/net.h -- all that the core sees of sockets. Datagrams and connections
 * live on io threads (or on the core's own loop when io_threads is 0); bytes
 * become messages there, through the two functions that sip/ gives, and reach
 * the core by ring.
 * Threads: functions are the core's unless their comment says otherwise. */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/http_request.h"
#include "net/loop.h"
#include "net/path.h"
#include "net/tls.h"
#include "net/ws.h"

/* How a connection has ended. */
struct net_end {
	int err;                /* 0: closed by the peer in order */
	unsigned code;          /* the WebSocket's (RFC 6455 7.4): the peer's, or ours when it broke the rules; 0: none */
	struct str why;         /* in words, of the peer, its WebSocket or its TLS; empty: `err` says all */
};

struct net_handlers {
	void *arg;
	/* Io thread. How long is the message at the start of `data`? 0 and *len;
	 * EAGAIN more bytes needed; anything else closes the connection. A
	 * keep-alive (CRLF) is *len of those bytes and gives no message.
	 * *len more than data.n: what is here is the message, the rest is passed over. */
	int (*frame)(void *arg, struct str data, size_t *len);
	/* Io thread. The message as an obj, or NULL: counted and dropped. `bytes`
	 * is only valid during the call. */
	void *(*parse)(void *arg, const struct net_path *from, struct str bytes);
	/* Io thread. Does this message begin something new, so that no call or dialog is
	 * harmed when it is dropped? Under overload such ones go first. NULL: none does. */
	bool (*begins)(void *arg, struct str bytes);
	/* Core. Takes over the reference to `msg`. */
	void (*recv)(void *arg, const struct net_path *from, void *msg);
	/* Core. The connection is gone; err 0: closed by the peer in order. */
	void (*closed)(void *arg, const struct net_path *path, int err);
	/* Core. These bytes could not be sent (connect failed, queue full). */
	void (*failed)(void *arg, const struct net_path *path, struct net_bytes *bytes, int err);
	/* ---- of connections that we opened. All on the core; NULL: nobody wants to know. */
	void (*connected)(void *arg, const struct net_path *path);   /* it is up: what is sent leaves */
	/* A sign of life that is no message: a lone CRLF, the answer to our CRLFCRLF, or a WebSocket's pong. */
	void (*pong)(void *arg, const struct net_path *path);
	void (*ended)(void *arg, const struct net_path *path, const struct net_end *end);    /* in place of closed() */
	/* ---- a server of HTTP; NULL: there is none. All on the core. */
	void (*opened)(void *arg, const struct net_path *path);      /* a connection to a listener of HTTP */
	/* Takes over the reference to `r`. Until its answer has ended, no other comes on this connection. */
	void (*request)(void *arg, const struct net_path *path, struct http_request *r);
	void (*room)(void *arg, uint64_t conn);      /* all that was sent of an answer has left */
};

struct net_limits {
	size_t max_message;     /* [bytes] of a stream's message: 65535 */
	size_t max_conns;       /* all together; idle unregistered ones go first when reached */
	size_t max_conns_per_address;   /* of IPv6: of a /64 */
	size_t max_silent_per_address;  /* that have sent no message yet, if net_trust() was not told of it: 250 */
	uint32_t first_message_ms;      /* accept to first whole message: 10000 */
	uint32_t message_ms;            /* first byte of a message to its last: 10000 */
	uint32_t idle_ms;               /* nothing at all; 0: for ever */
	size_t send_queue;      /* [bytes] a connection may have waiting; over it: closed */
	uint32_t write_ms;      /* who connected and takes nothing for so long is cut off: 10000; net_listen_prm.write_ms overrides it */
	/* [1/s] messages of one address (of one /64) that net_trust() was not told of; five
	 * times as many at once. What is over it is dropped before it is looked at, and
	 * a connection that sends it is closed. 0: no limit */
	uint32_t stranger_rate;
};

struct net;

/* Starts `io_threads` threads; 0: everything runs on `core`. */
struct net *net_new(struct loop *core, unsigned io_threads, const struct net_handlers *h,
		    const struct net_limits *limits /* NULL: defaults */);
void net_close(struct net *n);               /* stops and joins the threads, frees */

struct net_listen_prm {
	enum net_proto proto;
	struct sa bind;                 /* port 0: the kernel chooses */
	int tos;                        /* [DSCP << 2]; -1: untouched */
	int cos;                        /* SO_PRIORITY; -1: untouched */
	bool keepalive;                 /* TCP keep-alive probes, next three in s, s, count */
	int keepalive_idle, keepalive_interval, keepalive_count;
	struct str name;                /* for logs and `pjsip show transports` */
	struct tls_context *tls;        /* TLS, WSS: needed, and held from then on */
	struct ws_rules *ws;            /* WS, WSS: whom to let in, held too; NULL: all */
	struct http_limits *http;       /* WS, WSS: requests of HTTP are handed up here, held too; NULL: WebSockets only */
	/* WS, WSS: no socket is opened, connections come by net_http_upgrade(); `bind` is where its server listens. */
	bool by_http;
	uint32_t write_ms;              /* a peer that takes nothing for so long is cut off; 0: no limit */
};
/* 0: *id is the transport, *bound where it listens. EADDRINUSE, EACCES, ... */
int net_listen(struct net *n, const struct net_listen_prm *prm, uint32_t *id, struct sa *bound);
/* Its address is free on return; connections it accepted stay. ENOENT. */
int net_unlisten(struct net *n, uint32_t id);
/* Other keep-alive probes, for what listens and for every connection that is open. ENOENT, ENOMEM. */
struct net_keepalive {
	bool on;
	int idle, interval, count;      /* [s], [s]; 0: the kernel's */
};
int net_set_keepalive(struct net *n, uint32_t id, const struct net_keepalive *k);
/* The transport to reach `peer` with when none was named: first listener of
 * that proto and family. 0: none. */
uint32_t net_transport_for(const struct net *n, enum net_proto proto, const struct sa *peer);
/* Where transport `id` listens; false: no such. */
bool net_transport_addr(const struct net *n, uint32_t id, struct sa *bound);

/* A number for net_path.host. 0: no name, or no memory. A name that was not used for long
 * gets another number. */
uint32_t net_host(struct net *n, struct str name);

/* Send; takes its own reference to `bytes`. A stream without `conn` uses an
 * open connection to `peer` or opens one; path->conn and path->local are then
 * filled in so that the caller can stay on it. Over TLS only one that we opened to
 * path->host is used (RFC 5923): who connected to us has not shown that name. ENOBUFS: ring full, drop or 503.
 * ENETUNREACH: no transport fits. */
int net_send(struct net *n, struct net_path *path, struct net_bytes *bytes);
/* A connection of one's own, which needs no transport: no other message is sent by it than what names it
 * in net_path.conn. Of UDP it is a socket that hears its peer alone, and ends when there is nobody
 * (ICMP). It opens later: net_handlers.connected, or ended. *path is what net_send() is given. */
struct net_connect_prm {
	enum net_proto proto;
	struct sa peer;
	struct sa from;                 /* unset: the kernel chooses; its port is not looked at */
	struct str host;                /* the name to ask for, and which its certificate must have; empty: `peer` itself */
	struct str target;              /* WS, WSS: path and query; empty: "/ws" */
	struct tls_context *tls;        /* TLS, WSS: needed, and held from then on */
};
int net_connect(struct net *n, const struct net_connect_prm *prm, struct net_path *path);
/* ---- answers of HTTP. 0; ENOTCONN: the connection has gone, or awaits no answer; ENOBUFS: the ring is full. */
enum net_http_then {
	HTTP_MORE,      /* the answer goes on; net_handlers.room is called when this has left */
	HTTP_NEXT,      /* it has ended: the next request may come, unless the request was the last */
	HTTP_CLOSE,     /* it has ended, and the connection with it */
};
int net_http_send(struct net *n, uint64_t conn, struct str bytes /* may be empty */, enum net_http_then then);
/* After these bytes it is a WebSocket of transport `id`, which is one `by_http`. `write_ms`: as in net_listen_prm. */
int net_http_upgrade(struct net *n, uint64_t conn, struct str bytes, uint32_t id, uint32_t write_ms);

/* End a connection (after what is queued). */
void net_disconnect(struct net *n, uint64_t conn);
/* The same bytes down every connection, both ends' doing (RFC 5626 4.4.1 pings). */
void net_send_streams(struct net *n, struct net_bytes *bytes);
bool net_conn_alive(const struct net *n, uint64_t conn);
/* The connection belongs to a registered phone: evicted last. */
void net_conn_keep(struct net *n, uint64_t conn, bool keep);

/* Whoever sends from there has shown that they may, or that they see what we send
 * there (a right password, our tag or branch): no stranger for the next hour. */
void net_trust(struct net *n, const struct sa *peer);

struct net_counters {
	uint64_t rx, tx, rx_bytes, tx_bytes, dropped_parse, dropped_ring, dropped_rate, dropped_share, tx_errors;
	uint64_t accepted, refused_cap, timed_out, conns;
	uint64_t shakes_waited;         /* steps of TLS handshakes that a turn had no time for */
};
void net_count(const struct net *n, struct net_counters *out);

#endif
