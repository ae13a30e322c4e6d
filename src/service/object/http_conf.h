/* service/object/http_conf.h -- http.conf: where WebSocket transports without a port of their own listen.
 * Ownership: all of it lies in the arena of the snapshot that it was read with.
 * Threads: built by one, immutable from then on. */
#ifndef SERVICE_OBJECT_HTTP_CONF_H
#define SERVICE_OBJECT_HTTP_CONF_H

#include "config/option.h"
#include "net/address.h"

struct http_conf {
	const char *file;               /* what faults found later name; never NULL */
	struct sa listen, tls_listen;   /* bindaddr and bindport; tlsbindaddr, its port 8089 where it names none */
	struct str path;                /* of WebSockets: prefix and "/ws" */
	struct str bindaddr, prefix, tlsbindaddr, tlscertfile, tlsprivatekey, tlscipher, servername, redirect;
	uint32_t bindport, sessionlimit, session_inactivity, session_keep_alive, line;
	bool enabled, tlsenable, enable_static, enablestatus, tlsdisablev1, tlsdisablev11, tlsdisablev12,
		tlsservercipherorder;
};

/* `c` NULL: no file, and nothing is enabled. What does not parse is reported and left out. */
int http_conf_build(struct http_conf *h, const struct config *c, struct option_ctx *ctx, struct report *r);
const struct option_set *http_conf_options(unsigned i);      /* NULL after the last */

#endif
