/* tests/loop/phone_media_stage.h -- what the tests of a user agent's media stand on: two sides with a media each, over a
 * network and a clock of the test's, and an agent that only carries descriptions between them. */
#ifndef TESTS_PHONE_MEDIA_STAGE_H
#define TESTS_PHONE_MEDIA_STAGE_H

#include "base/obj.h"
#include "phone/media.h"

enum { HEARD = 48000 * 4, EVENTS = 200 };

/* The agent's, as far as media sees it. */
struct sidetone_session {
	struct side *side;
	bool made, told;                /* describe(), described() came */
	char *body;                     /* owned; what describe() brought; NULL: none */
	unsigned status;                /* what described() brought */
	bool over;                      /* closed() */
	unsigned reinvites;
	int reinvite_error;             /* what reinvite() gives */
	bool asks_at_once;              /* it asks for the offer before it comes back */
	char info[65];                  /* digits by INFO */
	int info_error;                 /* what info_digit() gives */
};

struct side {
	struct sidetone_media *m;
	struct sidetone_session s;
	/* events */
	struct { enum sidetone_media_event_type type; int status, error; char digit; char text[64]; } e[EVENTS + 1];
	size_t n;
	void (*in_event)(struct side *x, const struct sidetone_media_event *e);      /* NULL */
	/* sound by functions */
	double hz;                      /* what it says; 0: nothing */
	unsigned rate;
	uint64_t said;
	int16_t heard[HEARD];
	size_t nheard;
	unsigned ended;                 /* sidetone_pcm.end() */
};

extern struct clock_fake clk;
extern struct side a, b, c;
extern bool cut;                        /* the network brings nothing */
extern bool real;                       /* sockets, threads, time as it is; each side has a loop of its own */
extern size_t packets[3];               /* of RTP that left each side */
extern struct sa nobody;                /* where the last datagram went that nobody was there for; unset: none did */

int stage_up(void **state);
int stage_up_real(void **state);
int stage_down(void **state);           /* not 0: something is left */
/* A media for `x`: 198.51.100.1, .2, .3; 127.0.0.1 where it is real. NULL: as options_init() has it. */
void side_up(struct side *x, const struct sidetone_media_options *o);
/* The same again, with other options. */
void side_again(struct side *x, const struct sidetone_media_options *o);
void pass(unsigned ms);
/* Until an event of that type has come; false: not within `ms`. */
bool await_event(struct side *x, enum sidetone_media_event_type t, unsigned ms);
size_t count(const struct side *x, enum sidetone_media_event_type t);
/* Index of the last; EVENTS, where all is 0: none. */
size_t last(const struct side *x, enum sidetone_media_event_type t);

/* ---- the agent's part. Statuses: 0, or what it was refused with */
const char *make(struct side *x, enum sidetone_description d);       /* NULL: it could not be */
unsigned take(struct side *x, enum sidetone_description d, const char *type, const char *body);
unsigned offer_answer(struct side *from, struct side *to);
void refused(struct side *x);           /* the offer that it has made */
void closed(struct side *x);
struct sidetone_media_state state_of(struct side *x);

/* ---- sound */
void listens(struct side *x, unsigned rate);         /* and says `hz` while that is its source */
void source(struct side *x, enum sidetone_source_type t, const char *text);
/* What it has heard since forget(), or the last 200 ms of it: the share of `hz` in it, 0..1; below 0: silence */
double share(const struct side *x, double hz);
void forget(void);
bool hears(struct side *x, double hz);  /* for 400 ms from now on, after 200 ms to come to rest */
bool hears_nothing(struct side *x);

#endif
