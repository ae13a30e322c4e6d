/* service/place/registrar.h -- REGISTER (RFC 3261 10.3, RFC 3327 Path). Threads: core. */
#ifndef SERVICE_PLACE_REGISTRAR_H
#define SERVICE_PLACE_REGISTRAR_H

#include "service/place/location.h"

/* The manager's TestEvent for a contact: State, Contact, AOR, Expiration, UserAgent. */
void registrar_test_event(struct service *svc, const char *state, const struct contact *c);

method_fn register_request;

#endif
