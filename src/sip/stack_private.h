/* sip/stack_private.h -- what the files of the engine share. */
#ifndef SIP_STACK_PRIVATE_H
#define SIP_STACK_PRIVATE_H

#include "base/bucket.h"
#include "base/hash.h"
#include "base/share.h"
#include "sip/dialog.h"

#define SIP_T2_MS 4000u         /* RFC 3261 17.1.2.2 */
#define SIP_T4_MS 5000u         /* 17.1.1.2: what stays in the network */
#define SIP_SOURCE_KEY 9        /* [bytes] kind of address, and what tells one source from another */

/* Everybody at one address (IPv6: one /64), while they have transactions. */
struct sip_source {
	struct sip_stack *stack;
	char key[SIP_SOURCE_KEY];
	uint8_t key_n;
	size_t live;            /* transactions at work */
	struct list refused;    /* sip_server_tx.refused: INVITEs whose refusal waits for its ACK, the oldest first */
	size_t unacked;         /* of them */
	struct list finished;   /* struct sip_finished, the oldest first */
	size_t bytes;           /* of them */
	struct list by_size;    /* in stack.by_size */
	struct timer expire;    /* of the oldest */
};

/* What is left of a transaction after its end: enough to answer a repetition of the
 * request, whose copied headers are taken from that repetition. */
struct sip_finished {
	struct list link;       /* source.finished */
	struct sip_source *source;
	uint64_t due_ms, key;
	uint32_t rest_n;
	uint16_t status, reason_n;
	bool invite;            /* acknowledged: absorb what is repeated */
	bool ack_passes;        /* ... but the ACK of a 2xx is its dialog's */
	bool to_source;         /* sip_server_tx.to_source */
	char to_tag[SIP_TAG + 1];
	char text[];            /* reason phrase; our headers and the body */
};

struct sip_stack {
	struct sip_stack_prm prm;
	uint32_t t1, timer_b;
	struct map *server_tx;        /* by sip_server_tx.key */
	struct map *finished;   /* by sip_finished.key */
	struct map *sources;    /* by sip_source.key */
	struct list by_size[64];        /* sources: the n-th holds those with 2^(n-1) bytes finished, up to 2^n */
	size_t finished_bytes;  /* of all of them */
	struct share live;      /* transactions at work */
	struct buckets *refusals;       /* held: 503 over datagrams, by source */
	struct map *merge;      /* by sip_server_tx.merge_key: INVITE-like requests not yet answered finally */
	struct map *client_tx;        /* by branch and method */
	struct map *dialogs;    /* by local tag; forks chained */
	struct list server_tx_all, client_tx_all, dialog_all;
	struct sip_counters count;
	uint8_t random[512];
	size_t random_left;
};

/* prm.compact: in `b` short header names from the line that begins at `from`. */
static inline void sip_stack_shorten(const struct sip_stack *s, struct buf *b, size_t from, bool response)
{
	if (s->prm.compact)
		sip_write_compact(b, from, response);
}

/* server_tx.c */
/* Consumes a request when it belongs to a transaction (repeat, ACK, CANCEL). */
bool sip_server_tx_match(struct sip_stack *s, struct sip_msg *msg);
void sip_server_tx_receive_new(struct sip_stack *s, struct sip_msg *msg);
/* Where the answer to `m` goes. */
struct net_path sip_server_tx_path(const struct sip_msg *m, bool to_source);
void sip_server_tx_free_all(struct sip_stack *s);

/* finished.c */
int sip_sources_start(struct sip_stack *s);
void sip_sources_free(struct sip_stack *s);
/* One more transaction at work for whoever is at `a`. EDQUOT: it has its share; ENOMEM. */
int sip_source_enter(struct sip_stack *s, const struct sa *a, struct sip_source **out);
void sip_source_leave(struct sip_source *src);       /* may free it */
bool sip_refusal_permitted(struct sip_stack *s, const struct sa *a);
/* Remember `tx` for 64*T1. Without memory it is not remembered. */
void sip_finished_add(struct sip_server_tx *tx, struct str reason, struct str rest);
struct sip_finished *sip_finished_find(const struct sip_stack *s, uint64_t key);
void sip_finished_repeat(struct sip_stack *s, const struct sip_finished *f, const struct sip_msg *msg);

/* client_tx.c */
bool sip_client_tx_match(struct sip_stack *s, struct sip_msg *msg);
void sip_proven(struct sip_stack *s, const struct sip_msg *msg);     /* prm.proven */
/* `bytes` could not be delivered: if they are a request that waits for its first answer, it has failed. */
void sip_client_tx_send_failed(struct sip_stack *s, const struct net_bytes *bytes, int err);
void sip_client_tx_free_all(struct sip_stack *s);

/* dialog.c */
/* Hands a request with a To tag to its dialog; false: there is none. tx NULL: ACK. */
bool sip_dialog_receive(struct sip_stack *s, struct sip_server_tx *tx, struct sip_msg *msg);
void sip_dialog_free_all(struct sip_stack *s);
/* dialog_kept.c */
bool sip_dialog_can_stand(const struct sip_dialog_kept *k);

#endif
