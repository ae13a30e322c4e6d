/* phone/phone.h -- the program sidetone-ua, in parts:
 *
 *   main.c       start, signals, end
 *   options*.c   what it was told
 *   agent.c      the agent it makes of that, and the events of it
 *   call.c       its calls: hold, transfers, sound
 *   one_shot.c   one thing to do, for scripts
 *   command*.c   what a person types
 *   say.c        events as lines, as a ladder, as JSON
 *   screen.c     the terminal
 *
 * Threads: the loop's. */
#ifndef PHONE_PHONE_H
#define PHONE_PHONE_H

#include "base/list.h"
#include "phone/host.h"
#include "phone/ladder.h"
#include "phone/line.h"
#include "phone/options.h"
#include "phone/outcome.h"
#include "sidetone-ua-media.h"

struct call;
struct phone;

/* ---- screen.c ------------------------------------------------------------------------------------- */

struct screen {
	bool tty, colour, prompting;    /* prompting: a line is being typed */
	struct ladder ladder;
	struct line line;
	struct text prompt;
};
void screen_start(struct screen *s, const struct phone_options *o);
void screen_end(struct screen *s);
void screen_measure(struct screen *s);       /* its window may have another size now */
/* A line of its own, above what is being typed; escaped. screen_put(): as it is. */
void screen_say(struct screen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void screen_put(struct screen *s, struct str line);
void screen_error(struct screen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));    /* to standard error */
void screen_draw(struct screen *s);          /* the prompt and what is typed */
/* Keys one by one, echo off; and back. */
int screen_raw(bool on);

/* ---- the whole ------------------------------------------------------------------------------------ */

/* One-shot or interactive: who is asked what comes next. */
struct phone_mode {
	void (*start)(struct phone *p);         /* once the agent has started */
	void (*event)(struct phone *p, const struct sidetone_event *e, struct call *c);      /* after call_event() */
	void (*media)(struct phone *p, const struct sidetone_media_event *e);        /* NULL: of no interest */
	void (*interrupted)(struct phone *p);
	void (*end)(struct phone *p);           /* frees phone.own; NULL: nothing to do */
};
extern const struct phone_mode one_shot_mode, command_mode;

struct phone {
	struct phone_options options;
	struct screen screen;
	struct sidetone_loop *loop;
	struct sidetone_media *media;
	struct sidetone_ua *ua;
	unsigned depth;                 /* of events inside of events */
	bool devices;                   /* calls go to the microphone and the loudspeaker */
	const struct phone_mode *mode;
	void *own;                      /* the mode's */
	uv_signal_t signals[3];
	struct list calls;              /* struct call, the oldest first */
	unsigned last_call;             /* number of the newest */
	unsigned servers, unreachable;  /* unreachable: how many failed since one was connected */
	bool connected, leaving;
	int exit_code;
};

/* agent.c. 0, or an exit code; what is wrong was said. */
int phone_agent_start(struct phone *p);
/* End calls and registration, then the loop; at the second time at once. */
void phone_leave(struct phone *p, int exit_code);

/* say.c */
void say_event(struct phone *p, const struct sidetone_event *e, const struct call *c);
void say_text(struct phone *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_media(struct phone *p, const struct sidetone_media_event *e);
void say_outcome(struct phone *p, enum outcome o, unsigned status, const char *cause, double seconds);
struct str message_header(const struct sidetone_message *m, const char *name);       /* empty: none */
struct str message_reason(const struct sidetone_message *m);
/* "Bob" <sip:bob@b> as sip:bob@b */
struct str message_uri(const struct sidetone_message *m, const char *name);

#endif
