/* sip/stack_private.h -- what the files of the engine share. */
#ifndef SIP_STACK_PRIVATE_H
#define SIP_STACK_PRIVATE_H

#include "base/hash.h"
#include "sip/dialog.h"

#define SIP_T2_MS 4000u         /* RFC 3261 17.1.2.2 */
#define SIP_T4_MS 5000u         /* 17.1.1.2: what stays in the network */

struct sip_stack {
	struct sip_stack_prm prm;
	uint32_t t1, timer_b;
	struct map *stx;        /* by sip_stx.key */
	struct map *merge;      /* by sip_stx.merge_key: INVITE-like requests not yet answered finally */
	struct map *ctx;        /* by branch and method */
	struct map *dialogs;    /* by local tag; forks chained */
	struct list stx_all, ctx_all, dialog_all;
	struct sip_counters count;
	uint8_t random[512];
	size_t random_left;
};

/* server_tx.c */
/* Consumes a request when it belongs to a transaction (repeat, ACK, CANCEL). */
bool sip_stx_match(struct sip_stack *s, struct sip_msg *msg);
void sip_stx_receive_new(struct sip_stack *s, struct sip_msg *msg);
bool sip_stx_send_failed(struct sip_stack *s, struct net_bytes *bytes, int err);
void sip_stx_free_all(struct sip_stack *s);

/* client_tx.c */
bool sip_ctx_match(struct sip_stack *s, struct sip_msg *msg);
void sip_proven(struct sip_stack *s, const struct sip_msg *msg);     /* prm.proven */
bool sip_ctx_send_failed(struct sip_stack *s, struct net_bytes *bytes, int err);
void sip_ctx_free_all(struct sip_stack *s);

/* dialog.c */
/* Hands a request with a To tag to its dialog; false: there is none. tx NULL: ACK. */
bool sip_dialog_receive(struct sip_stack *s, struct sip_stx *tx, struct sip_msg *msg);
void sip_dialog_free_all(struct sip_stack *s);

#endif
