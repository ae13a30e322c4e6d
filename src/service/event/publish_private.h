/* service/event/publish_private.h -- what publisher.c, publish.c and states.c share. Threads: core. */
#ifndef SERVICE_EVENT_PUBLISH_PRIVATE_H
#define SERVICE_EVENT_PUBLISH_PRIVATE_H

#include <regex.h>
#include "service/event/exten.h"
#include "service/event/publish.h"
#include "ua/publish.h"

enum publish_kind { PUBLISH_EXTENS, PUBLISH_DEVICES, PUBLISH_MAILBOXES };

struct publications {           /* subscriptions.publications */
	struct service *svc;
	struct map *by_name;            /* struct publication */
	struct list leaving;            /* struct publisher: configured no more, taking back */
	struct hint_observer hints;
	struct device_listener devices;
	struct mailbox_listener mailboxes;
	struct timer first;
	struct publish_counters count;
	bool stopped;
};

struct publication {            /* obj: what its publishers look into */
	struct publications *all;
	struct text name;
	struct snapshot *conf;          /* held */
	const struct outbound_publish *c;
	struct text agent;
	enum publish_kind kind;
	/* Of extensions: their context and name. Of states: the name, in the second. */
	regex_t context_re, name_re;
	bool has_context, has_name;
	uint32_t version;               /* of dialog-info, as Asterisk counts: one for all */
	struct map *by_user;            /* struct publisher; of states just one, "" */
	void (*say_all)(struct publication *u);        /* whatever there is; NULL: each publisher has just one state */
	bool told_all;                  /* what there is was said once */
	bool again;                     /* what was said already is said once more */
};

/* One extension at one server, or all states that one section shares. */
struct publisher {
	struct list link;               /* in publications.leaving, once it is no more in by_user */
	struct publication *of;         /* held */
	struct text user, target, from, to;
	struct text entity, compositor; /* as the bodies name us and them: with their ports */
	struct ua_publish *p;           /* owned */
	unsigned status;                /* of the last answer; 0: none came */
	bool refused;                   /* for good: nothing is said until there is news */
	bool leaving;
	bool restored;                  /* of the process before, and nothing was said since */
	uint64_t kept;                  /* id of its row on disk; 0: none */
};

/* ---- publisher.c */
struct publications *publications_of(const struct service *svc);     /* NULL: not started */
int publisher_new(struct publication *u, struct str user, struct publisher **out);
void publisher_set(struct publisher *r);     /* the section's options have changed */
void publisher_leave(struct publisher *r);   /* out of the section's; gone when its farewell was answered */
void publisher_free(struct publisher *r);
/* A state for the server that knows `user` (empty: the one of server_uri). `key`: which part of it. */
int publication_say(struct publication *u, struct str user, struct str key, struct str type, struct str body);
/* Does its filter let that name pass? */
bool publication_is_about(const struct publication *u, struct str name);
bool publication_fits(const regex_t *re, struct str name);

/* ---- states.c: asterisk-devicestate and asterisk-mwi */
void states_listen(struct publications *all);
void states_say_all(struct publication *u);

#endif
