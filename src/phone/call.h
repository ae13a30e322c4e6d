/* phone/call.h -- the calls of the terminal phone. Threads: the loop's. */
#ifndef PHONE_CALL_H
#define PHONE_CALL_H

#include "phone/phone.h"

struct call {
	struct list link;               /* in phone.calls */
	struct phone *phone;
	unsigned number;
	struct sidetone_session *session;       /* held */
	bool theirs, up, over;          /* theirs: they called */
	bool replaces;                  /* theirs: it takes the place of another, and is answered by itself */
	bool recording;
	bool transferring;              /* a transfer of ours is under way */
	struct text peer, cause;
	struct sidetone_incoming *refer;        /* held: the REFER that made us call; NULL: none */
	uint64_t up_us;                 /* when it was answered, on the host's clock */
	unsigned status;                /* the last final one */
};

/* Before the mode's own. Gives the call that an event is about, made for an INVITE; NULL: none. */
struct call *call_event(struct phone *p, const struct sidetone_event *e);
void call_sweep(struct phone *p);            /* those that are over go */
void call_free_all(struct phone *p);
struct call *call_find(struct phone *p, unsigned number);    /* 0: the newest; NULL: none */
double call_seconds(const struct call *c);   /* since it was answered */
/* Errors: sidetone_ua_error() has the words. */
int call_make(struct phone *p, struct str target, struct str headers, struct call **out);
int call_answer(struct call *c);
int call_hang_up(struct call *c, unsigned status /* 0: what fits */);
int call_hold(struct call *c, bool hold);
int call_digits(struct call *c, struct str digits);
int call_transfer(struct call *c, struct str target, struct call *other /* NULL: to `target` */);
void call_sound(struct call *c);             /* what is said in it, as the options have it */
void call_agreed(struct phone *p, const struct sidetone_session *s); /* it has media: it can be recorded */

#endif
