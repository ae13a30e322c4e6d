/* tests/loop/sip_link.h -- two SIP engines and a wire between them that loses
 * and delays what the test says. Time is a fake clock: nothing sleeps. */
#ifndef TESTS_SIP_LINK_H
#define TESTS_SIP_LINK_H

#include "base/clock.h"
#include "base/obj.h"
#include "sip/dialog.h"

struct node {
	struct link *link;
	struct sip_stack *sip;
	struct sa addr;
	enum net_proto proto;
	unsigned sent, lose;            /* the next `lose` messages that it sends vanish */
	unsigned lose_every;            /* and every n-th; 0: none */
	const char *lose_all;           /* and those that begin with this; NULL: none */
	char said[1024];                /* the last of them */
	struct sa said_to;
	/* what reached it as a new request, unless it is handled */
	void (*handle)(struct node *n, struct sip_server_tx *tx, struct sip_msg *msg);
	void *user;                     /* of `handle` */
	struct sip_server_tx *tx;             /* held: the last */
	struct sip_msg *msg;            /* held */
	unsigned requests, cancels, acked, unacked;
	/* what came back for its own request */
	unsigned responses, last_status, failures;
	int last_err;
	struct sip_msg *last;           /* held */
};

struct link {
	struct clock_fake clock;
	struct wheel *wheel;
	struct node a, b;
	uint32_t delay_ms;
};

void link_init(struct link *l, enum net_proto proto);
void link_free(struct link *l);
/* The same, with limits for `b`. */
void link_init_limits(struct link *l, enum net_proto proto, const struct sip_stack_prm *limits);
/* Let `ms` pass, a millisecond at a time. */
void link_run(struct link *l, uint64_t ms);
/* A request from `n` to the other side. */
struct sip_out *link_out(struct node *n, enum sip_method m);
struct sip_client_tx *link_send(struct node *n, struct sip_out *o);
/* Bytes as if they had come to `n` from the other side. */
void link_inject(struct node *n, const char *text);
/* From somebody else, "192.0.2.9:5060"; what `n` answers still reaches the other side. */
void link_inject_from(struct node *n, const char *peer, const char *text);

#endif
