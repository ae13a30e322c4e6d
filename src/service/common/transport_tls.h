/* service/common/transport_tls.h -- the TLS options of a type=transport as a tls_context.
 * Threads: core. */
#ifndef SERVICE_COMMON_TRANSPORT_TLS_H
#define SERVICE_COMMON_TRANSPORT_TLS_H

#include "config/report.h"
#include "net/tls.h"
#include "service/object/object.h"

/* 0: *out is the caller's, or NULL for a protocol without TLS. Otherwise the report has a fault with
 * the transport's file and line, that says what to do. */
int transport_tls_new(struct tls_context **out, const struct transport_conf *t, struct report *r);
/* The same options for one that is in use; on an error it stays as it was. */
int transport_tls_change(struct tls_context *tls, const struct transport_conf *t, struct report *r);
/* Has one of these options another value? */
bool transport_tls_differs(const struct transport_conf *a, const struct transport_conf *b);

#endif
