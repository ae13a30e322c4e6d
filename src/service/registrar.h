/* service/registrar.h -- REGISTER (RFC 3261 10.3, RFC 3327 Path). Threads: core. */
#ifndef SERVICE_REGISTRAR_H
#define SERVICE_REGISTRAR_H

#include "service/location.h"

/* Requests that waited for an earlier change of the same AOR. */
void registrar_run_waiting(struct service *svc, struct location *l);
void registrar_drop_waiting(struct location *l);
/* The manager's TestEvent for a contact: State, Contact, AOR, Expiration, UserAgent. */
void registrar_test_event(struct service *svc, const char *state, const struct contact *c);

#endif
