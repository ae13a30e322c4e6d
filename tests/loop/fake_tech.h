/* tests/loop/fake_tech.h -- a pbx in this process, with a clock that the test
 * moves and channels "Fake/name" whose far end the test plays. */
#ifndef TESTS_LOOP_FAKE_TECH_H
#define TESTS_LOOP_FAKE_TECH_H

#include "base/buf.h"
#include "base/clock.h"
#include "pbx/channel.h"
#include "pbx/pbx.h"

struct fake {                   /* obj; one far end, kept after its channel has gone */
	struct list link;
	struct text dest;               /* "alice" */
	struct channel *ch;             /* view; NULL: hung up */
	struct buf log;                 /* what it was told: "call ring answer hangup:16 " */
	bool refuse_call;
	struct media_session *session;  /* NULL while the world has no media */
};

struct world {
	struct clock_fake clock;
	struct loop *loop;
	struct pbx *pbx;
	struct list fakes;              /* oldest first */
	struct list events;             /* struct told */
	struct listener *listener;
	size_t objects;                 /* alive before */
	int refuse_cause;               /* request() fails with this */
	struct media *media;            /* world_open_media(): each far end has a session on this loop */
};

struct told {                   /* one event of the manager */
	struct list link;
	struct text name, body;
};

/* `extensions`: the text of extensions.conf. */
void world_open(struct world *w, const char *extensions);
void world_open_media(struct world *w, const char *extensions);
/* Fails the test when something leaked. */
/* Another extensions.conf, as by a reload. */
void world_dialplan(struct world *w, const char *extensions);
void world_close(struct world *w);
/* Let everything happen that needs no time. */
void world_turn(struct world *w);
/* Move the clock, step by step, turning the loop. */
void world_pass(struct world *w, uint64_t ms);

/* A call from outside: Fake/name, in state Ring, its dialplan started. */
struct fake *world_call_in(struct world *w, const char *name, const char *number, const char *context,
			   const char *exten);
/* The newest far end of that name; NULL: none. */
struct fake *world_fake(struct world *w, const char *name);
/* Like a phone: rings, answers, hangs up. */
void fake_event(struct fake *f, enum chan_event_type t);
void fake_hangup(struct fake *f, int cause);
void fake_digit(struct fake *f, char digit);
void fake_line(struct fake *f, const char *number, const char *name);
void fake_forward(struct fake *f, const char *to);
bool fake_was_told(const struct fake *f, const char *word);
unsigned fake_told_times(const struct fake *f, const char *word);

/* Events of that name so far; with a line "Key: Value" in it when `line` is given. */
unsigned world_events(const struct world *w, const char *name, const char *line);
/* Their names in order, those of `only` ("A B C"). */
const char *world_order(struct world *w, const char *only);
void world_forget_events(struct world *w);
/* A variable of a channel, "" when unset. The buffer is the next call's. */
const char *world_var(struct channel *ch, const char *name);

#endif
