/* bench/wire.h -- what the load generator sends and reads: batched UDP sockets,
 * SIP messages scanned by hand, client transactions with RFC 3261 timers, and a
 * histogram of delays.
 * Shape:   IPv4 over UDP; one thread, so nothing here takes a lock. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "base/buf.h"
#include "base/list.h"
#include <netinet/in.h>
#include <sys/socket.h>

#define WIRE_BATCH 64
#define WIRE_MESSAGE 2048       /* [bytes] the longest message sent or read */

uint64_t wire_now(void);        /* [ns] CLOCK_MONOTONIC */

/* --- delays ------------------------------------------------------------- */
/* 32 steps to each power of two, so a percentile is within 3 %. */
#define HIST_STEPS 32
#define HIST_SIZE (HIST_STEPS * 40)

struct hist {
	uint64_t count, max;            /* [us] */
	uint64_t bucket[HIST_SIZE];
};

void hist_add(struct hist *h, uint64_t ns);
uint64_t hist_at(const struct hist *h, double quantile);     /* [us] 0..1 */

/* --- sockets ------------------------------------------------------------ */
struct packet {
	struct sockaddr_in peer;
	char data[WIRE_MESSAGE];
};

/* Outgoing datagrams wait here until the batch is full or the loop turns. */
struct sock {
	int fd;
	uint16_t port;                  /* host order */
	unsigned queued;
	uint64_t sent, received, dropped;
	struct mmsghdr hdr[WIRE_BATCH];
	struct iovec iov[WIRE_BATCH];
	struct packet out[WIRE_BATCH];
};

/* Port 0: any free one. errno on failure. */
int sock_open(struct sock *s, struct in_addr local, uint16_t port);
void sock_close(struct sock *s);
/* A plain socket for media: its port in *port; the descriptor or -errno. */
int wire_udp(struct in_addr local, uint16_t *port, int rcvbuf);
void sock_send(struct sock *s, const struct sockaddr_in *to, struct str msg);
void sock_flush(struct sock *s);
/* Reads what is there; `fn` is called for each datagram. */
typedef void sock_fn(void *arg, const struct sockaddr_in *from, struct str datagram);
void sock_read(struct sock *s, sock_fn *fn, void *arg);

/* --- messages ----------------------------------------------------------- */
#define MSG_VIAS 8
#define MSG_AUTHS 4

/* Views into the datagram. */
struct msg {
	int status;                     /* 0: a request */
	struct str method, uri;
	struct str via[MSG_VIAS], record_route[MSG_VIAS];
	size_t vias, record_routes;
	struct str from, to, call_id, cseq, contact;
	struct str auth[MSG_AUTHS];     /* WWW- and Proxy-Authenticate */
	size_t auths;
	struct str body;
};

/* False: not a SIP message as far as this generator cares. */
bool msg_scan(struct msg *m, struct str datagram);
uint32_t msg_cseq(const struct msg *m);
bool msg_cseq_is(const struct msg *m, struct str method);
/* The URI between <>; the whole value without them. */
struct str msg_contact_uri(const struct msg *m);
/* Where the SDP wants its audio; false without one. */
bool msg_media(const struct msg *m, struct sockaddr_in *out);
/* Eight hex digits at `off` of the Call-ID. */
bool msg_call_id_hex(const struct msg *m, size_t off, uint32_t *out);
void put_hex32(struct buf *b, uint32_t v);
/* The head of an answer: status line and the copied headers; `tag` may be empty. */
void put_answer(struct buf *b, struct str status, const struct msg *m, struct str tag);

/* --- client transactions ------------------------------------------------ */
#define T1_NS 500000000ull              /* RFC 3261 17.1.1.1 */
#define TX_LEVELS 5                     /* T1 2T1 4T1 8T1=T2, and quiet */
#define TX_QUIET (TX_LEVELS - 1)

/* One request (or a 2xx) that is sent until it is answered. */
struct tx {
	struct list link;
	uint64_t due, give_up;          /* [ns] */
	unsigned level;
	size_t n;
	char msg[WIRE_MESSAGE];
};

/* Each level has one interval, so its list stays sorted by itself. */
struct timers {
	struct list level[TX_LEVELS];
	uint64_t retransmits, timeouts;
};

typedef void tx_timeout_fn(void *arg, struct tx *tx);

void timers_init(struct timers *t);
void tx_start(struct timers *t, struct tx *tx, struct str msg, uint64_t now);
/* A provisional answer came: nothing more is sent, only the end is awaited. */
void tx_quiet(struct timers *t, struct tx *tx, uint64_t now);
void tx_stop(struct tx *tx);
static inline bool tx_active(const struct tx *tx) { return list_linked(&tx->link); }
void timers_run(struct timers *t, uint64_t now, struct sock *s, const struct sockaddr_in *to,
		tx_timeout_fn *fn, void *arg);

#endif
