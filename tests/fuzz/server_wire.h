/* tests/fuzz/server_wire.h -- what went over the wire: the dialogs that are or
 * were, the requests of the server that may still be answered, and phones that
 * answer by themselves unless a program tells them otherwise. */
#ifndef FUZZ_SERVER_WIRE_H
#define FUZZ_SERVER_WIRE_H

#include "net/net.h"
#include "server_step.h"
#include "sip/message.h"

enum { DIALOGS = 24, REQUESTS = 32, SENT_AGAIN = 8, DIALOG_WORDS = 128 };

struct dlg {
	bool used, ours;                /* ours: a phone began it */
	uint8_t phone;
	char call_id[72], our_tag[40], their_tag[40];
	char our_uri[96], their_uri[96];
	char target[DIALOG_WORDS];      /* the server's Contact */
	uint32_t cseq, invite_cseq;     /* our last ones */
	uint32_t their_cseq;
	char branch[48], invite_branch[48];
	uint32_t rseq, rseq_cseq;       /* of the last reliable response */
	char method[16];                /* that began it */
	char event[32];
	char challenge[400];
	bool proxy;                     /* the challenge is a proxy's */
	uint32_t nc;
	struct net_path path;           /* how it reaches the server */
	struct step last;               /* what our last request was made from, to do it again */
	uint16_t exten;
	uint8_t tries;                  /* credentials given to the same challenge */
};

struct seen {                   /* a request of the server */
	struct sip_msg *m;              /* held; NULL: none */
	struct net_path path;
	uint8_t phone;
	bool answered;
};

extern struct dlg dialog[DIALOGS];
extern struct seen seen[REQUESTS];

/* What a phone does with a request by itself. */
enum habit { HABIT_ANSWER, HABIT_RING, HABIT_NOTHING, HABIT_BUSY, HABIT_EARLY /* 183 with SDP, reliable */, HABIT_DELAYED,
	HABIT_MOVED, HABIT_CHALLENGE, HABIT_AUTO_LATE /* 180 and 200 after it, in one turn */, HABIT_DECLINE, HABITS };
void wire_habit(unsigned phone, enum habit h);
void wire_quiet(void);                  /* phones answer nothing more, but what ends calls */
int wire_sent(void *arg, struct net_path *path, struct net_bytes *bytes);     /* service_prm.send */
bool wire_waiting(void);                /* something of the server waits for a phone's answer */
bool wire_answer(void);                 /* phones answer what came; true: they did */
void wire_forget(void);                 /* dialogs and requests of the server that is gone */
void wire_fail(unsigned n);             /* the next n sendings fail */
void wire_trace(bool on);               /* print all messages */
bool wire_traced(void);

struct dlg *dlg_new(void);              /* the oldest goes */
struct dlg *dlg_by_call(struct str call_id);
struct dlg *dlg_nth(unsigned n);        /* among those used, newest first; NULL: none */
struct seen *seen_nth(unsigned n);      /* newest first; NULL: none */
void path_of(struct net_path *p, unsigned phone, unsigned how);
unsigned phone_of(const struct sa *peer);

/* server_send.c, server_reply.c: messages out of templates */
void send_request(const struct step *s);
void send_fragment(const struct step *s);
void send_response(const struct step *s);
void send_ack(struct dlg *d, unsigned cseq, unsigned status);
void send_prack(struct dlg *d);
/* The same request once more, with credentials. */
void send_again(struct dlg *d);
void send_bytes(const struct net_path *from, struct str bytes);
/* A phone's own answer. */
void answer_plainly(struct seen *r, unsigned status, bool sdp, const char *headers);
void send_repeat(unsigned n);           /* the n-th message sent before, again */
void send_header_later(uint8_t header, uint8_t value);       /* one more header in the next request */
void send_forget(void);
const char *send_method(const struct step *s);
unsigned send_status(const struct step *s);

#endif
