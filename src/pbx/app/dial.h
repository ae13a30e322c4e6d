/* pbx/app/dial.h -- what the files of Dial() share.
 * dial.c          the application: from arguments to DIALSTATUS
 * dial_options.c  its options
 * dial_legs.c     the channels that are called
 * dial_wait.c     until one answers
 * dial_after.c    between the answer and the end of the bridge
 * retry_dial.c    RetryDial(): over and over
 * Threads: core, on the caller's fiber. */
#ifndef PBX_APP_DIAL_H
#define PBX_APP_DIAL_H

#include "pbx/aoc.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"

enum { DIGIT_GAP_MS = 250, DIGIT_MS = 100 };    /* of D() */

struct dial_options {           /* views into Dial's arguments */
	bool has[128];                  /* the letter was given */
	struct str arg[128];            /* in its parentheses; empty: none */
	uint32_t limit_ms, warn_ms, warn_every_ms;
};
/* EINVAL: an option that is none, or whose argument cannot be; ERANGE: that of L() alone. */
int dial_options_parse(struct dial_options *o, struct str text);

struct leg {
	struct channel *ch;             /* held; NULL: over */
	struct str tech_dest;           /* "PJSIP/alice" */
	struct str dest;                /* what follows the / */
	bool going;                     /* called, and may still answer */
	bool no_caller;                 /* its own number is not known: nothing to tell the caller */
	bool pending;                   /* `line` came while others ring too */
	bool ignore_line;               /* option I */
	struct party line;
	struct aoc *rates;              /* held: AOC-S that came from it; NULL */
	struct text forward;            /* where a 3xx sent it: tech_dest looks into this */
};

struct dial {
	struct channel *in;
	struct dial_options o;
	struct leg *legs;
	size_t nlegs, ndialed;
	unsigned busy, congestion, nochan;
	const char *status;
	bool sent_ringing, sent_progress, timed_ring;
	bool entertained;               /* music or our own ringing: no early media */
	bool music;
	bool canceled, answered;
	bool go_on;                     /* option g, or an outcome that implies it */
	uint64_t answer_by, progress_by;        /* [ms] mono; UINT64_MAX: never */
	char exit_digit;                /* option d took it */
	char begun;                     /* digit of the caller's that those who ring heard the beginning of */
	struct text status_text;        /* when `status` is a subroutine's word */
};

/* dial.c: the application; what RetryDial() asks afterwards. */
struct dial_outcome {
	char exit_digit;                /* that of the extension where the caller went; '\0': none */
	bool digit_exit;                /* option d */
	bool done;                      /* to dial once more makes no sense */
};
int dial_run(struct channel *ch, struct str data, struct dial_outcome *o);

/* dial_legs.c */
int dial_request_all(struct dial *d, struct str peers);
void dial_call_all(struct dial *d);
void dial_leg_end(struct leg *l, int cause);         /* destroys; cause 0: the channel's own */
void dial_end_all(struct dial *d, const struct leg *but, int cause);
void dial_count_cause(struct dial *d, int cause);
void dial_forward(struct dial *d, struct leg *l, struct str to);
void dial_line_from_leg(struct dial *d, struct leg *l);      /* tell the caller who the leg is */
void dial_set_ms(struct channel *ch, const char *name, uint64_t ms);  /* NAME in s and NAME_MS */

/* dial_wait.c: the leg that answered, or NULL with d->status. */
struct leg *dial_wait(struct dial *d);
bool dial_exit_to(struct channel *ch, char digit);   /* extension `digit`, in EXITCONTEXT or its own. False: there is none */
void dial_tell_end(struct dial *d, const struct leg *but, const char *status);

/* dial_after.c */
int dial_answered(struct dial *d, struct leg *winner);

/* GoSub on any channel, from this fiber: "context^exten^priority(args)" or "context^args". */
int dial_gosub(struct channel *on, struct str where, struct channel *defaults);

#endif
