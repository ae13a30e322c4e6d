/* tests/loop/agent_net.h -- two user agents, alice and bob, each with a core and a connection of
 * its own, and a server between them that registers everybody and passes on all else. Time is a
 * fake clock. What an agent is told is kept as words, one an event. */
#ifndef TESTS_AGENT_NET_H
#define TESTS_AGENT_NET_H

#include "base/clock.h"
#include "sidetone-ua.h"

struct agent_net;

struct agent_party {
	struct agent_net *net;
	struct sidetone_core *core;
	struct sidetone_ua *ua;
	uint64_t wake_us;               /* UINT64_MAX: none */
	uint32_t conn, opens, up;       /* 0: no connection; how many were asked for; the last that came up */
	char opened[128];               /* the URI of the last one */
	/* what the network does */
	bool refuse;                    /* connections do not come up */
	bool slow;                      /* ... nor fail by themselves: the test says opened() */
	bool deaf;                      /* what it sends gets lost */
	/* what the server does */
	unsigned register_status;       /* of the next REGISTERs; 0: 200 */
	unsigned register_once;         /* of the next one alone */
	const char *register_headers;
	unsigned challenges;            /* so many REGISTERs are asked for credentials */
	/* what the application does */
	bool late;                      /* descriptions are given by agent_describe() alone */
	unsigned described;             /* what SET_DESCRIPTION is answered with */
	bool no_description;
	/* what it was told */
	char log[2048];                 /* "connecting connected registered" */
	char said[4096];                /* the last message that it sent */
	char sent[512];                 /* first words of all of them: "REGISTER 200 ..." */
	char heard[64];                 /* the last description */
	char text[256];                 /* body of the last MESSAGE or NOTIFY, digit, or other text */
	const char *cause;              /* of the last event that had one */
	struct sidetone_session *session;
	struct sidetone_incoming *incoming;
	struct sidetone_request *request;
	unsigned n;                     /* descriptions so far */
	void (*on_event)(struct agent_party *p, const struct sidetone_event *e);
};

struct agent_net {
	struct clock_fake clock;
	struct agent_party a, b;
	size_t objects;
};

void agent_open(struct agent_net *n);        /* both exist, nothing is started */
int agent_close(struct agent_net *n);        /* 0, or something is left */
void agent_begin(struct agent_party *p);     /* started, connected and registered; the log is empty */
void agent_run(struct agent_net *n, uint64_t ms);
/* The log is `words`; it is emptied. */
void agent_expect(struct agent_party *p, const char *words);
void agent_forget(struct agent_party *p);
void agent_drop(struct agent_party *p);      /* its connection is lost */
void agent_hear(struct agent_party *p, const char *text);    /* as if the server had sent it; "\n" becomes CRLF */
void agent_describe(struct agent_party *p);
bool agent_said(const struct agent_party *p, const char *what);
/* Alice calls bob and he answers: both are confirmed, the logs are empty. */
void agent_call_up(struct agent_net *n);
void agent_call(struct agent_net *n);

#endif
