/* net/http_request.h -- one request as it is handed up, and what may be set for connections of HTTP.
 * Threads: a request belongs to whoever has it; limits may be changed and read by any. */
#ifndef NET_HTTP_REQUEST_H
#define NET_HTTP_REQUEST_H

#include "net/http_body.h"
#include <stdatomic.h>

struct http_request {           /* obj */
	struct buf text;                /* that `head` looks into */
	struct http_head head;          /* nothing when there is a fault */
	struct http_body body;          /* body.data: all of it */
	unsigned fault;                 /* the status that it must be answered with; 0: it was read */
	const char *why;                /* of a fault: one sentence */
	bool last;                      /* the connection ends after its answer */
};
struct http_request *http_request_new(void);         /* NULL: ENOMEM */

struct http_limits {            /* obj */
	_Atomic uint32_t inactivity_ms; /* a request, or a peer that takes its answer, may pause for so long */
	_Atomic uint32_t keep_alive_ms; /* to wait for the next request; 0: a connection serves one */
};
struct http_limits *http_limits_new(uint32_t inactivity_ms, uint32_t keep_alive_ms);

#endif
