/* service/event/publish.h -- what we publish at other servers (type=outbound-publish; RFC 3903):
 * the states of the dialplan's hints, each extension a publication of its own. Threads: core. */
#ifndef SERVICE_EVENT_PUBLISH_H
#define SERVICE_EVENT_PUBLISH_H

#include "base/hash.h"
#include "service/common/service.h"

/* Each outbound-publish of the configuration; what there is is said a second later. */
int publications_start(struct service *svc);
/* New ones start, removed ones are taken back. One with another server, name, event, body, context or other
 * credentials does both; else only what a filter has taken or let in is said. */
void publications_reload(struct service *svc);
/* Take all back, for good; publications_resume() says all again. */
void publications_stop(struct service *svc);
void publications_resume(struct service *svc);
bool publications_busy(const struct service *svc);   /* some PUBLISH waits for its answer */
void publications_free(struct service *svc);
/* Say all again that this section publishes. ENOENT: there is none such that publishes anything. */
int publications_send(struct service *svc, struct str name);

/* What is published, for listings that take several turns; a row's views live until the next wait.
 *   struct publisher_walk w = { 0 };
 *   while (publisher_next(svc, &w, &row))
 *           ...
 *   publisher_walk_end(&w); */
struct publisher_row {
	struct str section, event, target, etag;
	const char *state;              /* "published" */
	unsigned status;                /* of the last answer; 0: none came */
	uint32_t left_s;                /* until the next PUBLISH; 0: none is planned */
};
struct publisher_walk {
	struct publication *at;         /* held */
	struct map_walk section, user;
};
bool publisher_next(const struct service *svc, struct publisher_walk *w, struct publisher_row *row);
void publisher_walk_end(struct publisher_walk *w);

struct publish_counters {
	uint64_t accepted, refused, unanswered;
	size_t now;                     /* publications that a server has */
};
void publications_count(const struct service *svc, struct publish_counters *out);

#endif
