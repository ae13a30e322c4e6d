/* service/common/shares.h -- how much of what is scarce one endpoint and one source address
 * (IPv6: one /64) hold, and whether they may have more (base/share.h has the rule).
 * Transactions by source address are counted in sip/finished.c, before it is known
 * whose they are. Threads: core. */
#ifndef SERVICE_COMMON_SHARES_H
#define SERVICE_COMMON_SHARES_H

#include "net/address.h"
#include "sip/stack.h"

struct service;
struct endpoint;
struct identity;

enum share_kind {
	SHARE_TRANSACTION,      /* requests that wait for their final answer */
	SHARE_DIALOG,           /* that peers began: calls and subscriptions */
	SHARE_CALL,             /* that peers began */
	SHARE_PORT,             /* pairs of RTP and RTCP, of a call's both legs: whoever called pays */
	SHARE_MESSAGE,          /* texts that wait for the dialplan */
	SHARE_KINDS
};

/* sidetone.conf [limits]. Zeroed: the defaults of that file. */
struct share_limits {
	unsigned percent;               /* max_share; 0: 90 */
	size_t transactions, transaction_bytes, transactions_per_address;
	size_t dialogs, ports;          /* in all */
	size_t calls_per_endpoint, calls_per_address;   /* 0: no fixed limit */
};

struct shares;
struct share_holder;
struct shares *shares_new(const struct share_limits *limits);        /* NULL: ENOMEM */
void shares_free(struct shares *all);
/* There are `total` of that kind from now on; 0: not known, no limit. */
void shares_set_total(struct shares *all, enum share_kind k, size_t total);
size_t shares_used(const struct shares *all, enum share_kind k);
size_t shares_total(const struct shares *all, enum share_kind k);     /* 0: no limit */

/* On whose account something is taken. Lives in what takes it; zeroed: on nobody's,
 * and then everything is allowed. */
struct share_account {
	struct share_holder *ep, *address;      /* held */
	uint32_t n[SHARE_KINDS];
};
/* `peer` NULL: no source address. Without memory nothing is counted. */
void share_open(struct share_account *a, struct shares *all, struct str endpoint, const struct sa *peer);
/* The same payers as `of`. */
void share_open_like(struct share_account *a, const struct share_account *of);
/* EDQUOT: the endpoint or the address has its share, or nothing is left. */
int share_take(struct share_account *a, enum share_kind k);
void share_give(struct share_account *a, enum share_kind k);
void share_close(struct share_account *a);           /* gives all back */

/* Without taking anything: might they have one more? */
bool shares_permit(struct shares *all, enum share_kind k, struct str endpoint, const struct sa *peer);

/* A request of `id` begins or goes on: one transaction on its endpoint's account, until
 * it has its final answer. False: refused, with 503 and Retry-After. */
bool shares_admit(struct service *svc, const struct identity *id, struct sip_server_tx *tx, const struct sip_msg *msg);
void shares_settled(void *account);          /* sip_stack_prm.settled */

/* 503 with Retry-After for want of room, remembered nowhere but in the reasons. */
void shares_refuse(struct service *svc, struct str endpoint, struct sip_server_tx *tx, const struct sip_msg *msg,
		   const char *why);
/* What a failure means to whoever asked: 503 when room was wanting, else 500. */
unsigned shares_status(int err);
#define SHARES_RETRY "Retry-After: 10\r\n"

#endif
