/* service/event/conference.h -- event conference (RFC 4575): who is in a conference, for who subscribes to its
 * URI. The package keeps what is told; whoever has rooms says what happens in them by the calls below. Without
 * rooms there is nothing to subscribe to (404). Threads: core. */
#ifndef SERVICE_EVENT_CONFERENCE_H
#define SERVICE_EVENT_CONFERENCE_H

#include "service/common/service.h"

enum conference_status { CONFERENCE_DIALING_OUT, CONFERENCE_DIALING_IN, CONFERENCE_ALERTING, CONFERENCE_ON_HOLD,
	CONFERENCE_CONNECTED, CONFERENCE_MUTED, CONFERENCE_DISCONNECTING };
enum conference_joining { CONFERENCE_DIALED_IN, CONFERENCE_DIALED_OUT, CONFERENCE_FOCUS_OWNER };
/* Which way a medium goes, as its user sees it. */
enum conference_way { CONFERENCE_INACTIVE, CONFERENCE_SENDRECV, CONFERENCE_SENDONLY, CONFERENCE_RECVONLY };

struct conference;

struct conference_prm {         /* views are copied */
	struct str name;                /* the user part of its URI */
	struct str subject;             /* optional */
	uint32_t most_users;            /* 0: not said */
	/* May this endpoint know? NULL: whoever may subscribe. */
	bool (*may)(void *arg, const struct endpoint *ep);
	void *arg;
};

/* A participant; views are copied. */
struct conference_user {
	struct str entity;              /* URI: names it in this conference */
	struct str display;             /* optional */
	struct str endpoint;            /* URI of its device; empty: `entity` */
	enum conference_status status;
	enum conference_joining joining;
	enum conference_way audio, video;       /* INACTIVE for video: it has none */
};

/* EEXIST: there is one of that name; ENOMEM. */
int conference_open(struct service *svc, const struct conference_prm *prm, struct conference **out);
/* It is over: its watchers are told, and their subscriptions end. NULL is fine. */
void conference_close(struct conference *c);
void conference_lock(struct conference *c, bool locked);
/* It came, or has changed; by its entity. ENOMEM: it is as it was. */
int conference_set_user(struct conference *c, const struct conference_user *u);
void conference_drop_user(struct conference *c, struct str entity);

/* service_free(): conferences outlive the service's end, and are told nothing any more. */
void conferences_free(struct service *svc);

#endif
