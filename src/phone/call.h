/* phone/call.h -- the calls of the terminal phone. Threads: the loop's. */
#ifndef PHONE_CALL_H
#define PHONE_CALL_H

#include "phone/phone.h"


struct call {
	struct list link;               /* in phone.calls */
	struct phone *phone;
	unsigned number;
	struct sidetone_session *session;       /* held */
	bool theirs, up, held;          /* theirs: they called; held: by us */
	struct text peer;
	struct sound *sound;            /* held */
	struct sidetone_incoming *refer;        /* held: the REFER that made us call; NULL: none */
	bool leaving;                   /* a transfer of ours worked: it ends when that is said */
	uint64_t up_us;                 /* when it was answered, on the host's clock; 0: not */
	unsigned status;                /* the last final one */
};

/* Before the mode's own. Gives the call that an event is about, made for an INVITE; NULL: none. After TERMINATED
 * and FAILED it is gone with the next call of call_sweep(). */
struct call *call_event(struct phone *p, const struct sidetone_event *e);
void call_sweep(struct phone *p);
void call_free_all(struct phone *p);
struct call *call_find(struct phone *p, unsigned number);    /* 0: the newest */
/* EINVAL: sidetone_ua_error() has the words. */
int call_make(struct phone *p, const char *target, const char *headers, struct call **out);
int call_answer(struct call *c);
int call_hang_up(struct call *c, unsigned status);
int call_hold(struct call *c, bool hold);
int call_digit(struct call *c, char digit);
int call_transfer(struct call *c, const char *target, struct call *other);

/* ---- sound.c: what is heard and said in a call --------------------------------------------------------- */

struct sound *sound_new(struct call *c);
void sound_free(struct sound *s);
void sound_describe(struct sound *s, enum sidetone_description d);   /* answers by sidetone_session_describe() */
void sound_take(struct sound *s, enum sidetone_description d, const char *type, const char *body, size_t n);
void sound_hold(struct sound *s, bool hold);         /* the next description says so */
bool sound_digit(struct sound *s, char digit);       /* false: the media cannot */
void sound_closed(struct sound *s);

#endif
