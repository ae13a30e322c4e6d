/* phone/one_shot.h -- one thing to do, for scripts, in three files: one_shot.c has the things,
 * one_shot_call.c what happens within a call, one_shot_end.c the end. Threads: the loop's. */
#ifndef PHONE_ONE_SHOT_H
#define PHONE_ONE_SHOT_H

#include "phone/call.h"

struct one_shot {
	struct phone *phone;
	struct sidetone_subscription *subscription;     /* held; NULL */
	struct sidetone_publication *publication;       /* held; NULL */
	struct sidetone_timer *timer, *second;  /* second: half of the time of a call */
	void (*due)(struct one_shot *s);
	struct call *call;              /* whose outcome it is; NULL: none yet, or not any more */
	enum outcome reached;           /* what it will be when the wait is over */
	unsigned status;
	bool too_late;                  /* we gave the call up */
};

/* `cause`: in words; NULL. What was said before counts. */
void one_shot_finish(struct phone *p, enum outcome o, unsigned status, const char *cause, double seconds);
/* As phone_leave(), and it is done with its call. */
void one_shot_leave(struct phone *p, int exit_code);
/* In place of what was due before. */
int one_shot_after(struct one_shot *s, double seconds, void (*due)(struct one_shot *s));

int one_shot_call(struct phone *p);
void one_shot_call_event(struct phone *p, const struct sidetone_event *e, struct call *c);
void one_shot_media(struct phone *p, const struct sidetone_media_event *e);
void one_shot_unreachable(struct phone *p, const struct sidetone_event *e);  /* no server, and there is a call */

#endif
