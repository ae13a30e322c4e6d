/* service/event/keep_publication.h -- publications on disk (store/publication.h), both ways. What is written
 * is waited for by nobody: a tag that the disk has not seen is one that nobody knows any more, and then all is
 * said anew (412). Threads: core. */
#ifndef SERVICE_EVENT_KEEP_PUBLICATION_H
#define SERVICE_EVENT_KEEP_PUBLICATION_H

#include "service/event/compositor.h"
#include "service/event/publish_private.h"

/* ---- others', here */
/* It is so now. `id`: of its row, 0 before the first time. */
void taken_keep(struct service *svc, uint64_t *id, const struct taken_row *row);
void taken_unkeep(struct service *svc, uint64_t *id);
/* What a server has said of a device or a mailbox, by a publication of this section. */
void taken_keep_state(struct service *svc, struct str section, bool mailboxes, struct str eid, struct str name, struct str body);
/* Row `id` has that state. */
int taken_place_state(struct service *svc, bool mailboxes, struct str eid, struct str name, uint64_t id);
/* restore_publication.c: those of the process before that have not ended, and what servers said by them. */
int taken_restore(struct service *svc);
void taken_states_free(struct service *svc);

/* ---- ours */
/* What the server has of it has changed. */
void publisher_keep(struct publisher *r, uint32_t granted_s);
void publisher_unkeep(struct publisher *r);
/* restore_publication.c */
int publications_restore(struct publications *all);

#endif
