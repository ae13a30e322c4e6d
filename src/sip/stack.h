/* sip/stack.h -- transactions and dialogs as one engine (RFC 3261 17 with RFC
 * 6026 and 4320, 12; RFC 3581; merged requests 8.2.2.2).
 * It knows no sockets: bytes go out through prm.send, messages come in through
 * sip_stack_recv(). Time is the wheel's, so tests own it. Threads: core. */
#ifndef SIP_STACK_H
#define SIP_STACK_H

#include "base/text.h"
#include "net/wheel.h"
#include "sip/message.h"

struct sip_stack;
struct sip_server_tx;         /* server transaction, obj */
struct sip_client_tx;         /* client transaction, obj */
struct sip_dialog;      /* obj */
struct sip_out;

struct sip_stack_prm {
	struct wheel *wheel;
	uint32_t t1_ms;                 /* 17.1.1.1: 500; 0: 500 */
	uint32_t timer_b_ms;            /* 64*T1 when 0 */
	/* Server transactions without a final answer, or whose INVITE's answer waits for its ACK. Who may make
	 * another of them is told by base/share.h, per source address (a /64 of IPv6); who may not gets 503. */
	size_t max_tx;                  /* 0: 50000 */
	size_t max_tx_per_source;       /* 0: no such limit */
	unsigned max_share;             /* [percent] of share.percent; 0: 90 */
	size_t finished_bytes;          /* what is remembered of answered ones; over it the oldest of the source that has
	                                 * most are forgotten, and their repetitions served again. 0: 32 MiB */
	bool compact;                   /* write the short names of headers (7.3.3) */
	void *arg;
	/* ENOBUFS, ENETUNREACH, ... are handled by the transaction. */
	int (*send)(void *arg, struct net_path *path, struct net_bytes *bytes);
	/* A request that belongs to no dialog, or to none alive (then it has a To
	 * tag). The handler answers on `tx`, now or later (holding it). Never ACK
	 * or CANCEL. */
	void (*request)(void *arg, struct sip_server_tx *tx, struct sip_msg *msg);
	/* A request that cannot be understood is answered with its msg->fault here. Optional. */
	void (*faulty)(void *arg, const struct sip_msg *msg);
	/* The transaction for which sip_server_tx.account was set has its final answer, or is over. Optional. */
	void (*settled)(void *arg, void *account);
	/* Header lines of the answers that the stack gives by itself: 100, 481, to CANCEL. Optional. */
	struct str (*headers)(void *arg);
	/* What came over `from` held a tag or a branch of ours: whoever sent it sees
	 * what we send there. NULL: nobody wants to know. */
	void (*proven)(void *arg, const struct net_path *from);
	/* Every message, before anything else looks at it (pjsip set logger, history). */
	void (*trace)(void *arg, bool sent, const struct net_path *path, struct str bytes);
};

int sip_stack_new(struct sip_stack **out, const struct sip_stack_prm *prm);
void sip_stack_free(struct sip_stack *s);

/* Takes over the reference to `msg`, whose from_path is filled in. */
void sip_stack_recv(struct sip_stack *s, struct sip_msg *msg);
/* The transport could not deliver `bytes` on `path`. */
void sip_stack_send_failed(struct sip_stack *s, const struct net_path *path, const struct net_bytes *bytes, int err);

struct wheel *sip_stack_wheel(struct sip_stack *s);
uint32_t sip_stack_t1(const struct sip_stack *s);
int sip_stack_send(struct sip_stack *s, struct net_path *path, struct net_bytes *bytes);

struct sip_counters {
	uint64_t requests, responses, retransmits_in, retransmits_out, merged, strays, timeouts, refused_full;
	uint64_t forgotten;             /* finished ones that made room */
	size_t server_tx, client_tx, dialogs, finished, finished_bytes, sources;
};
void sip_stack_count(const struct sip_stack *s, struct sip_counters *out);

/* Unguessable lower-case hex of `n` digits and a NUL. */
void sip_token(struct sip_stack *s, char *out, size_t n);
#define SIP_TAG 16      /* digits of our tags: 64 bit */

/* ---- server transactions ---------------------------------------------- */

struct sip_server_tx_user {
	void *arg;
	/* INVITE only: CANCEL came (and was answered 200); answer 487. */
	void (*cancelled)(void *arg, struct sip_server_tx *tx, struct sip_msg *cancel);
	/* A final response to INVITE was never acknowledged (timer H, or L for
	 * 2xx): `acked` false; or it was: true. */
	void (*ended)(void *arg, struct sip_server_tx *tx, bool acked);
	void *owner;    /* the obj that `arg` is or lives in, counted by obj_point(); NULL: not counted */
};

struct sip_server_tx {
	/* Read-only for users */
	struct sip_msg *req;            /* held until the final response went out */
	struct sip_stack *stack;
	struct net_path path;           /* where responses go */
	unsigned status;                /* last one sent; 0: none */
	char to_tag[SIP_TAG + 1];
	bool invite, reliable;
	void *account;                  /* whoever is charged for it: prm.settled gets it */
	/* Private */
	struct sip_server_tx_user user;       /* sip_server_tx_attach() */
	uint8_t state;
	struct net_bytes *last;         /* held: the response to repeat */
	struct timer retransmit, expire;
	uint32_t interval_ms;
	bool in_map, merge_in_map;
	bool to_source;                 /* answers go to the port that the request came from */
	uint64_t key, merge_key;        /* hashes; merge_key 0: none */
	struct sip_source *source;      /* NULL: not counted any more */
	struct list link, refused;      /* stack.server_tx_all; source.refused */
};

/* Who is told of CANCEL and of the end. Whoever goes before the transaction does
 * says sip_server_tx_detach(); from then on nobody is told. */
void sip_server_tx_attach(struct sip_server_tx *tx, const struct sip_server_tx_user *user);
void sip_server_tx_detach(struct sip_server_tx *tx);
/* Where responses go: the source, rather than what Via asks (force_rport). */
void sip_server_tx_force_rport(struct sip_server_tx *tx);
/* Answer. `headers` are whole lines ("Contact: <..>\r\n"); may be empty. A 2xx
 * to INVITE is repeated until sip_server_tx_acked(). EALREADY: a final response was
 * sent before. */
int sip_server_tx_respond(struct sip_server_tx *tx, unsigned status, struct str reason, struct str headers,
		    struct str body_type, struct str body);
/* As above for a final one, and forget the transaction at once: a repeated
 * request is answered anew (RFC 3261 8.2.7). For challenges. */
int sip_server_tx_respond_stateless(struct sip_server_tx *tx, unsigned status, struct str headers);
/* Short form: status, standard phrase, nothing else. */
int sip_server_tx_reply(struct sip_server_tx *tx, unsigned status);
/* The dialog saw the ACK of our 2xx. */
void sip_server_tx_acked(struct sip_server_tx *tx);
/* Send the last provisional again (100rel's retransmission timer). */
void sip_server_tx_repeat(struct sip_server_tx *tx);

/* ---- client transactions ---------------------------------------------- */

struct sip_client_tx_user {
	void *arg;
	bool trying;    /* 100 is told too */
	/* Every response but 100; 2xx to INVITE also when repeated. */
	void (*response)(void *arg, struct sip_client_tx *tx, struct sip_msg *msg);
	/* No final response: ETIMEDOUT (timer B or F), or why it could not be sent. */
	void (*failed)(void *arg, struct sip_client_tx *tx, int err);
	void *owner;    /* as in struct sip_server_tx_user */
};

struct sip_client_tx {
	struct sip_out *out;            /* held: the request */
	struct sip_stack *stack;
	struct net_path path;
	struct sip_client_tx_user user;       /* cleared by sip_client_tx_detach() */
	unsigned status;                /* best so far */
	uint8_t state;
	bool invite, reliable, cancelled, cancel_sent, in_map;
	struct net_bytes *bytes, *ack;  /* held */
	struct text cancel_headers;
	struct timer retransmit, expire;
	uint32_t interval_ms;
	char branch[48];
	struct str key;                 /* view of branch + method */
	char keybuf[72];
	struct list link;
};

/* Send `out` on `path` (complete but for `local`) in a new transaction. The
 * caller gets one reference in *tx when tx is not NULL. Failure is reported by
 * the return value only, not by user.failed too. */
int sip_client_tx_send(struct sip_stack *s, struct sip_out *out, const struct net_path *path,
		 const struct sip_client_tx_user *user, struct sip_client_tx **tx);
/* INVITE: CANCEL as soon as a provisional response allows it (9.1). `headers`:
 * whole lines (Reason), may be empty. */
void sip_client_tx_cancel(struct sip_client_tx *tx, struct str headers);
/* The user goes; the transaction finishes by itself. */
void sip_client_tx_detach(struct sip_client_tx *tx);

#endif
