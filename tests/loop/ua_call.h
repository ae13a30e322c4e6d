/* tests/loop/ua_call.h -- two user agents facing each other over a sip_link: "alice" (the
 * link's a) and "bob" (b), each with at most one call. What a user would decide is set
 * before, what it was told is kept. Bodies are words, not SDP. */
#ifndef TESTS_LOOP_UA_CALL_H
#define TESTS_LOOP_UA_CALL_H

#include "sip_link.h"
#include "ua/invite.h"
#include "ua/refer.h"

struct party {
	struct ua ua;
	struct node *node;
	struct ua_invite *iv;           /* held */
	struct ua_invite_prm prm;
	/* what it says */
	const char *offer, *answer;     /* offer NULL: it makes none */
	unsigned refuse_offer, refuse_answer;   /* statuses; 0 */
	int fail;                       /* errno of whatever it is to write */
	/* what it heard */
	char heard[64];                 /* the last offer or answer */
	unsigned offers, answers, failed;
	unsigned progress, progress_status, answered, acked, changed, refreshed, refreshed_status;
	unsigned requests, refers, ended, done, done_status, refer_told, refer_status;
	enum sip_method method;         /* of the last request */
	enum ua_end why;
	int err;
	unsigned end_status;
	bool end_at_once;               /* ua_invite_end() when it is told that it ended */
	struct sip_server_tx *tx;       /* held: the REFER */
	struct sip_msg *msg;            /* held: the same */
};

struct call_net {
	struct link l;
	struct digest_ctx *digest;      /* held */
	struct party a, b;
	size_t objects;
};

void call_open(struct call_net *n);
/* 0, or something is left. */
int call_close(struct call_net *n);
/* Alice's INVITE to bob, and 5 ms. */
void call_invite(struct call_net *n);
/* Bob takes the INVITE that came last: 0, or the status that he refused it with. */
unsigned call_take(struct call_net *n);
/* All of it: both are up, and the ACK is there. */
void call_up(struct call_net *n);
void call_end(struct party *p);
void call_refer_told(void *arg, unsigned status);    /* a ua_refer_fn */
void call_done(void *arg, const struct sip_msg *final);      /* a ua_invite_done_fn */

#endif
