/* service/object/http_conf.h -- http.conf: the server of HTTP, which WebSocket transports without a port of
 * their own are reached through.
 * Ownership: all of it lies in the arena of the snapshot that it was read with.
 * Threads: built by one, immutable from then on. */
#ifndef SERVICE_OBJECT_HTTP_CONF_H
#define SERVICE_OBJECT_HTTP_CONF_H

#include "config/option.h"
#include "net/address.h"

/* The release whose answers these are: programs look at the name. */
#define SERVICE_ASTERISK_VERSION "22.10.1"

struct acl_set;

struct http_redirect {
	struct str from, to;
};

/* [/path] type=restriction: who may ask for what begins so. */
struct http_restriction {
	struct str path;
	const struct acl_set *acl;      /* NULL: anybody */
	const struct http_restriction *next;    /* as in the file */
};

struct http_conf {
	const char *file;               /* what faults found later name; never NULL */
	struct sa listen, tls_listen;   /* bindaddr and bindport; tlsbindaddr, its port 8089 where it names none */
	bool plain, tls;                /* is there a server at each? */
	struct str path;                /* what the path of each route stands behind: "/x" of prefix=x, or nothing */
	const struct http_redirect *redirects;
	size_t redirects_n;
	const struct http_restriction *restrictions;
	struct str_list redirect;
	struct str bindaddr, prefix, tlsbindaddr, tlscertfile, tlsprivatekey, tlscipher, servername, phone_directory;
	uint32_t bindport, sessionlimit, session_inactivity, session_keep_alive, line;
	bool enabled, tlsenable, enable_static, enable_status, enable_phone, tlsdisablev1, tlsdisablev11, tlsdisablev12,
		tlsservercipherorder;
};

/* `c` NULL: no file, and nothing is enabled. `ctx->user` is a struct object_build. What does not parse is
 * reported and left out. */
int http_conf_build(struct http_conf *h, const struct config *c, struct option_ctx *ctx, struct report *r);
const struct option_set *http_conf_options(unsigned i);      /* general, restriction; NULL after the last */

#endif
