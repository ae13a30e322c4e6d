/* net/private.h -- what the files of net/ share and nobody else includes.
 *
 *   net.c        the core's side: the table of connections, sending
 *   transport.c  ... its transports: which sockets are open
 *   io_thread.c  one io: its loop, the rings to and from the core, the flush
 *   udp.c        datagram sockets
 *   udp_conn.c   the row of a datagram socket that knows one peer alone
 *   fair.c       datagrams that wait their turn, when there are too many
 *   conn.c       one connection: deadlines, queue; the same for all protocols
 *   conn_event.c what happens on its socket: connected, handshake, framing, keep-alives
 *   tcp.c        listening, connecting, and the row of plain TCP
 *   tls.c        the row of TLS (tls_private.h says what is behind it)
 *   ws.c         the row of WebSocket (ws_private.h says what is behind it)
 *   http_conn.c  the row of a server of HTTP (http.c and http_body.c read); it becomes one of WebSocket
 *   http_send.c  ... its core's side: answers
 *   hosts.c      names of hosts as numbers
 *   gate.c       how many connections, in all and from one address
 *   strangers.c  how many messages from one address that proved nothing
 *   sockopt.c    options of sockets
 *
 * A struct io and all that hangs on it belong to its loop's thread. With
 * io_threads = 0 that is the core's, and the core calls the io functions
 * directly; otherwise it may only push a struct env. */
#ifndef NET_PRIVATE_H
#define NET_PRIVATE_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/obj.h"
#include "base/ring.h"
#include "base/text.h"
#include "net/net.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define UDP_BATCH 32            /* datagrams one wake reads, or one sendmmsg() carries */
#define UDP_QUEUE_MAX 4096      /* datagrams one socket may have waiting to be sent */
#define UDP_DRAIN_MAX 64        /* batches that one wake reads when there are too many: 1 to 2 ms */
#define FAIR_TURN_MAX_US 5000   /* serving those that wait takes no longer in one turn */
#define FAIR_BYTES (8u << 20)   /* of datagrams waiting to be served */
#define FAIR_RING 256           /* an io thread hands up so many ahead of the core */
#define RING_SLOTS 8192         /* each way; at 50,000 messages/s a sixth of a second */
#define CONNECT_MS 32000        /* 64*T1, RFC 3261 17.1.1.2: timer B gives up then */
#define LINGER_MS 1000          /* for the peer to close after we did */
#define LAST_WORDS_MS 2000      /* for the answer to a message that ends its connection */
#define CONN_READ_MORE 16384    /* [bytes] room to read the rest of a message into */
#define STREAM_READ 65536       /* [bytes] one wake reads from one connection at most */
#define READS_OF_A_TURN 64      /* of one connection whose library has more at hand */
#define STREAM_READ_MIN 512     /* ... and at least, however many others have something */
#define MAX_IOS 255             /* a connection's id has its io in the low byte */

enum count_id {
	COUNT_RX, COUNT_TX, COUNT_RX_BYTES, COUNT_TX_BYTES, COUNT_DROPPED_PARSE, COUNT_DROPPED_RING,
	COUNT_DROPPED_RATE, COUNT_DROPPED_SHARE, COUNT_TX_ERRORS, COUNT_ACCEPTED, COUNT_REFUSED_CAP, COUNT_TIMED_OUT,
	COUNT_SHAKES_WAITED, COUNTS
};

/* One writer each, read by the core. */
struct counts {
	_Atomic uint64_t v[COUNTS];
};

static inline void count(struct counts *c, enum count_id id, uint64_t by)
{
	atomic_store_explicit(&c->v[id], atomic_load_explicit(&c->v[id], memory_order_relaxed) + by,
			      memory_order_relaxed);
}

struct sock_prm {
	int tos, cos;
	bool keepalive;
	int keepalive_idle, keepalive_interval, keepalive_count;
	uint32_t write_ms;              /* who does not read for so long is cut off; 0: no limit */
	/* What keeps a copy of this holds them; NULL: none. */
	struct tls_context *tls;
	struct ws_rules *ws;
	struct http_limits *http;
};

/* ---- gate.c: caps over all ios; any thread ---------------------------- */

struct gate;
struct gate_addr;
struct gate *gate_new(size_t max, size_t max_per_address, size_t max_silent);      /* obj */
/* ENOSPC: all are taken; EACCES: this address (of IPv6: this /64) has its share, or is not known
 * and has its share of those that have not sent a message. `who` NULL: one of our own making,
 * which is counted and never refused. */
int gate_enter(struct gate *g, const struct sa *who, bool known, struct gate_addr **slot);
void gate_spoke(struct gate *g, struct gate_addr *slot);     /* its first message came; NULL: nothing */
void gate_leave(struct gate *g, struct gate_addr *slot, bool spoke);
size_t gate_count(struct gate *g);

/* ---- strangers.c; any thread ------------------------------------------ */

struct strangers;
struct strangers *strangers_new(uint32_t rate);      /* obj; rate: not 0 */
bool strangers_permit(struct strangers *s, const struct sa *who, uint64_t now_us);
bool strangers_known(const struct strangers *s, const struct sa *who, uint64_t now_us);
uint64_t strangers_key(const struct sa *who);        /* the same for all of a /64 */
void strangers_trust(struct strangers *s, const struct sa *who, uint64_t now_us);

/* ---- fair.c; its owner's thread ---------------------------------------- */

struct udp_sock;
struct fair_item {
	struct list link;
	struct udp_sock *sock;  /* held once it is in */
	struct net_path path;
	bool cut;               /* it was longer than our buffer */
	struct str data;
	char bytes[];
};
struct fair;
struct fair *fair_new(size_t bytes); /* obj; so much may wait */
/* Copies `what`. `fresh`: new work, which is shed first. ENOBUFS: dropped, the source
 * `key` has too much waiting; ENOMEM. */
int fair_put(struct fair *f, uint64_t key, bool known, bool fresh, const struct fair_item *what);
struct fair_item *fair_next(struct fair *f); /* the caller frees it; NULL: none waits */
void fair_item_free(struct fair_item *i);    /* NULL: nothing */
size_t fair_count(const struct fair *f);

/* ---- shakes.c; its owner's thread --------------------------------------- */

#define SHAKES_TURN_US 4000     /* what handshakes may take of one turn of the loop; the last may take longer */
struct shakes;
struct shakes *shakes_new(void);     /* obj */
/* `conn`: its link, to be removed from its list when it goes. ENOMEM. */
int shakes_put(struct shakes *s, uint64_t key, bool known, struct list *conn);
struct list *shakes_next(struct shakes *s);  /* each address in its turn; NULL: none waits */
bool shakes_wait(const struct shakes *s);
bool shakes_may(struct shakes *s, uint64_t turn_ms); /* is there time left in this turn? */
void shakes_spent(struct shakes *s, uint64_t us);

/* ---- sockopt.c; any thread -------------------------------------------- */

/* A bound, non-blocking socket. `shared`: other ios bind the same address. */
int sock_open(int *fd, const struct sa *bind_to, int type, const struct sock_prm *prm, bool shared);
int sock_bound(int fd, struct sa *out);
int sock_peer_error(int fd);                 /* SO_ERROR, cleared; 0: none */
void sock_stream_options(int fd, int family, const struct sock_prm *prm);
void sock_keepalive(int fd, const struct sock_prm *prm);     /* also to turn it off */

/* ---- one io ----------------------------------------------------------- */

enum env_type { ENV_MESSAGE, ENV_OPENED, ENV_CONNECTED, ENV_PONG, ENV_CLOSED, ENV_FAILED, ENV_SEND, ENV_CONNECT, ENV_DISCONNECT, ENV_KEEP,
	ENV_REQUEST, ENV_ROOM, ENV_HTTP_SEND, ENV_HTTP_UPGRADE };

struct env {
	enum env_type type;
	int err;
	bool keep;
	bool http;              /* ENV_OPENED: to a listener of HTTP */
	unsigned code;          /* ENV_CLOSED: net_end.code */
	enum net_http_then then;        /* ENV_HTTP_SEND */
	uint32_t write_ms;      /* ENV_HTTP_UPGRADE, whose path.transport is the new one */
	struct net_path path;
	void *p;                /* held: the message or request up, why it closed; the bytes down and failed */
	struct udp_sock *sock;  /* ENV_SEND of a datagram */
	struct conn *conn;      /* held: ENV_CONNECT */
	struct list link;       /* in io.overflow */
};

struct io {                     /* obj */
	unsigned index;
	bool direct;            /* on the core's loop */
	bool closed, flush_due, up_due;
	bool down_due;          /* the core's: the bell is to be rung at the end of its turn */
	struct net *net;        /* the core's; an io thread only hands it back */
	struct loop *loop;      /* held unless direct */
	struct net_handlers h;
	struct net_limits limits;
	struct gate *gate;      /* held */
	struct strangers *strangers;    /* held; NULL: no limit */
	pthread_t thread;
	bool threaded;          /* the thread runs */
	struct ring *up, *down; /* held: io to core, core to io */
	struct bell *up_bell, *down_bell;
	struct list overflow;   /* env that must not be lost and found the ring full */
	struct timer retry;
	struct list socks, listeners, conns, idle, dirty_socks, dirty_conns;
	struct map *by_id;      /* conns */
	_Atomic uint64_t next_conn;
	struct udp_rx *rx;      /* held: room for a batch */
	struct fair *fair;      /* held: datagrams that could not be served at once */
	uint64_t fair_read_us;  /* what reading took since some of them were served */
	struct bell *fair_bell; /* held: serve some of them in the next turn */
	struct timer fair_timer;        /* ... or when the core has taken what it was given */
	struct shakes *shakes;  /* held: connections whose handshake waits for its turn */
	struct bell *shake_bell;        /* held: some of them in the next turn */
	char *scratch;          /* held: STREAM_READ bytes */
	uint64_t reads_turn;    /* uv_now() of the turn ... */
	size_t reads;           /* ... and how many connections were read in it */
	int reserve_fd;
	uint64_t moaned_ms;     /* when running out of descriptors was last logged */
	struct counts counts;
};

struct io *io_new(struct net *n, unsigned index, bool direct);       /* core */
int io_start(struct io *io);                 /* core: the thread begins */
void io_close(struct io *io);                /* core: all closed, thread joined; drops io */
void io_touch(struct io *io);                /* io: flush at the end of this turn */
uint64_t io_conn_id(struct io *io);          /* any thread */
size_t io_read_size(struct io *io, size_t most);     /* io: of one connection, now */
/* io: hand up to the core; takes over what `e` holds. */
void io_emit(struct io *io, const struct env *e);
/* core: hand down. ENOBUFS: the ring is full, nothing was taken over. */
int io_push(struct io *io, struct loop *core, const struct env *e);
void io_drain(struct io *io);                /* io: take all that the core pushed */

/* ---- datagrams -------------------------------------------------------- */

struct udp_sock {               /* obj, freed when libuv closed the handle */
	uv_poll_t poll;
	struct io *io;          /* view */
	struct list link, dirty;
	int fd;
	uint32_t transport;
	struct sa bound;
	bool any;               /* bound to the wildcard: addresses go by packet info */
	bool started, closed, blocked;
	struct udp_out *q;      /* held */
	size_t head, n, cap;    /* of q: n waiting from head on */
};

int udp_new(struct udp_sock **s, struct io *io, int fd, uint32_t transport);
int udp_start(struct udp_sock *s);
void udp_stop(struct udp_sock *s);           /* closes and drops */
int udp_queue(struct udp_sock *s, const struct net_path *path, struct net_bytes *bytes);
void udp_flush(struct udp_sock *s);
struct udp_rx *udp_rx_new(void);
void udp_serve_waiting(void *io);            /* bell and timer of io.fair */

/* ---- streams ---------------------------------------------------------- */

/* A protocol over a connection is one row. read and write may go through a library, and
 * handshake() says when the first message may pass. All on the connection's io. */
struct conn_ops {
	/* 0: messages may flow. EAGAIN: call again when the socket is ready to be read, or
	 * to be written to if *want_write. Else the connection ends. NULL: none. */
	int (*handshake)(struct conn *c, bool *want_write);
	ssize_t (*read)(struct conn *c, void *p, size_t n);          /* as recv(2) */
	ssize_t (*write)(struct conn *c, const struct iovec *v, int n); /* as writev(2) */
	void (*shut)(struct conn *c);                                /* no more from us */
	/* Bytes that `read` has taken from the socket and not given yet. NULL: none. */
	bool (*pending)(const struct conn *c);
	/* Cuts what was read into messages, which go to conn_message(); gives how many bytes are used up.
	 * It may change them. NULL: net_handlers.frame says where messages end. */
	size_t (*cut)(struct conn *c, char *data, size_t n);
	bool whole;             /* what one read gives is cut nowhere: it gets all the room there is */
	/* What goes over the wire for `bytes`, to be dropped by the caller. NULL itself: `bytes`. */
	struct net_bytes *(*wrap)(struct conn *c, struct net_bytes *bytes);
	void (*free)(struct conn *c);                                /* NULL: nothing */
	/* ---- a row that has answers instead of messages; NULL in all others */
	int (*perform)(struct conn *c, const struct env *e); /* ENV_HTTP_SEND, ENV_HTTP_UPGRADE. ENOTCONN: nobody waits */
	void (*sent)(struct conn *c);                        /* its queue is empty */
	bool (*at_end)(struct conn *c);                      /* the peer says no more; true: it stays for now */
	uint64_t (*deadline)(const struct conn *c);          /* UINT64_MAX: none */
};

const struct conn_ops *conn_ops_of(enum net_proto p);        /* NULL: not built in */

extern const struct conn_ops udp_conn_ops, tls_ops, ws_ops, http_ops;

/* One piece that waits to be sent. */
struct queued {
	struct net_bytes *bytes;        /* held: the message, which comes back when it fails; NULL: none of the core's */
	struct net_bytes *wire;         /* held: what goes over the wire for it */
};

enum conn_state { CONN_CONNECTING, CONN_HANDSHAKE, CONN_OPEN, CONN_ENDING };

struct conn {                   /* obj, freed when libuv closed the handle */
	uv_poll_t poll;
	struct io *io;          /* view */
	const struct conn_ops *ops;
	struct tls_context *tls_context;        /* held; NULL: none */
	struct tls *tls;        /* tls.c's; NULL: none, or not begun */
	struct ws_rules *ws_rules;      /* held; NULL: none */
	struct ws *ws;          /* ws.c's; the same */
	struct http_limits *http_limits;        /* held; NULL: no server of HTTP */
	struct http_conn *http; /* http_conn.c's; NULL: no server of HTTP, not begun, or a WebSocket by now */
	bool inside;            /* a message has begun, although no bytes of it are in `in` */
	uint32_t write_ms;      /* of sock_prm */
	uint64_t stall_ms;      /* since when the peer takes nothing of what waits; 0: it does */
	struct text host;       /* of one that we open: the name that the peer must have; empty: its address */
	struct text target;     /* ... what its WebSocket is asked for; empty: /ws */
	struct text why;        /* ... what was wrong with it */
	unsigned end_code;      /* ... net_end.code */
	int fd, events;
	enum conn_state state;
	bool accepted, keep, started, closed, spoke /* a whole message came */, deaf /* reads nothing more */;
	bool heard;             /* the gate counts it as silent no more, whatever becomes of `spoke` */
	bool full;              /* reads nothing for now */
	bool more;              /* reads on in the next turn, whatever the socket says */
	bool leaving;           /* ends when it is open and its queue is sent */
	struct net_path path;
	struct gate_addr *slot;
	struct list link, idle, dirty, shake /* in io.shakes, while it waits */;
	struct buf in;          /* the part of a message that has come */
	size_t passes;          /* [bytes] that still come of a message which was handed up without them */
	size_t framed;          /* [bytes] of `in` when framing last asked for more */
	unsigned crlfs;         /* bytes of CR and LF since the last message or ping */
	struct queued *q;       /* held, each entry too */
	size_t head, n, cap, sent /* of the first */, waiting /* [bytes] in all */;
	struct timer timer;
	uint64_t born_ms, last_ms, part_ms, end_ms;
	int doom;               /* errno with which the next flush closes it */
};

/* Core or io; the socket is connected or connecting. Takes over `fd` on success. */
int conn_new(struct conn **c, struct io *io, int fd, const struct net_path *path, const struct sock_prm *prm,
	     bool accepted);
int conn_start(struct conn *c);              /* io. From now on the io holds it */
int conn_queue(struct conn *c, struct net_bytes *bytes);
int conn_queue_wire(struct conn *c, struct net_bytes *wire);         /* of the row's own, as it is */
void conn_spoke(struct conn *c);             /* it has said something whole */
void conn_message(struct conn *c, struct str message);       /* one is whole */
void conn_pong(struct conn *c);              /* the peer answered a keep-alive of ours */
void conn_note_why(struct conn *c, struct str why);  /* the first that is said counts */
void conn_took(struct conn *c, size_t n);            /* so many bytes of `in` are used up */
void conn_flush(struct conn *c);
void conn_close(struct conn *c, int err);
void conn_end(struct conn *c);               /* close after what is queued */
void conn_set_keep(struct conn *c, bool keep);
struct conn *conn_find(const struct io *io, uint64_t id);
/* Make room: the unregistered connection that was silent longest. False: none. */
bool conn_evict(struct io *io);
/* ws.c. A connection of HTTP is a WebSocket from now on; `below`: the row that it stands on. ENOMEM. */
int ws_adopt(struct conn *c, const struct conn_ops *below);
struct net_path *link_path(struct net *n, uint64_t conn);    /* net.c; NULL: it has gone */
void link_findable(struct net *n, uint64_t conn);    /* net.c: others may send to its peer by it from now on */

/* Between conn.c and conn_event.c. */
void conn_take_kept(struct conn *c);                 /* what is in `in` may be cut now */
void conn_watch(struct conn *c, int events);         /* UV_READABLE, UV_WRITABLE */
void conn_stamp(struct conn *c);                     /* it is in use: evicted later */
void conn_set_deadline(struct conn *c);              /* after a change of what decides when it ends */
void conn_end_in(struct conn *c, uint32_t ms);
void conn_leave(struct conn *c);                     /* reads no more; ends when its queue is sent */
void conn_on_poll(uv_poll_t *h, int status, int events);
void conn_serve_shakes(void *io);                    /* bell of io.shakes */
void conn_on_closed(uv_handle_t *h);                 /* drops the connection */

struct listener {               /* obj, freed when libuv closed the handle */
	uv_poll_t poll;
	struct io *io;          /* view */
	struct list link;
	int fd;
	bool started, closed;
	enum net_proto proto;
	uint32_t transport;
	struct sock_prm prm;
	struct timer pause;     /* out of descriptors: accept again then */
	uint32_t backoff_ms;
};

int listener_new(struct listener **l, struct io *io, int fd, enum net_proto proto, uint32_t transport,
		 const struct sock_prm *prm);
int listener_start(struct listener *l);
void listener_stop(struct listener *l);
/* Core: begin to connect from `local` (port not used); fills in path->local. */
int conn_socket(int *fd, struct net_path *path, const struct sock_prm *prm);

/* ---- hosts.c; core ----------------------------------------------------- */

struct hosts;
struct hosts *hosts_new(void);               /* obj */
uint32_t hosts_id(struct hosts *h, struct str name);
struct str hosts_name(const struct hosts *h, uint32_t id);   /* empty: not known any more */

/* ---- the core's side -------------------------------------------------- */

/* Said to an io: begin to watch a socket, or stop. */
struct note {
	struct loop_call call;
	struct udp_sock *sock;
	struct listener *listener;
	sem_t *stopped;                 /* NULL: start */
};

/* One listening transport; on each io it has a socket of its own. */
struct transport {
	uint32_t id;
	enum net_proto proto;
	struct sa bound;
	struct sock_prm prm;
	struct text name;
	bool started;
	struct udp_sock *sock[MAX_IOS];         /* the ios' */
	struct listener *listener[MAX_IOS];
	struct note start[MAX_IOS], stop[MAX_IOS];      /* here, because a stop must not fail */
};

#define SOURCES 256             /* remembered answers of sa_source_for() */
struct source {
	struct sa peer, local;
	uint64_t until_ms;
};

struct net {
	struct loop *core;
	struct net_handlers h;
	struct net_limits limits;
	/* On the core: what io_emit() hands up. Takes over what `e` holds. */
	void (*event)(struct net *n, const struct env *e);
	struct gate *gate;              /* held */
	struct strangers *strangers;    /* held; NULL: no limit */
	struct io *io[MAX_IOS];         /* held */
	unsigned ios, next_io;
	struct transport **tr;          /* held; tr[i] may be NULL */
	size_t trs;
	uint32_t next_id;
	struct map *links, *by_peer;    /* of struct link, by id; by protocol, peer and its name */
	struct hosts *hosts;            /* held */
	struct source source[SOURCES];
	struct counts counts;           /* the core's own */
};

/* transport.c */
struct transport *transport_of(const struct net *n, uint32_t id);    /* NULL: no such */
/* The first of that protocol and of the family of `peer`; NULL: none. */
struct transport *transport_fit(const struct net *n, enum net_proto proto, const struct sa *peer);
void transport_free(struct transport *t);

#endif
