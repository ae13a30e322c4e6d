/* phone/host_private.h -- what the files of the host share and nobody else includes.
 *
 *   host.c       its life, its loop, and what the core asks for besides connections
 *   host_conn.c  connections of the core: a name, its addresses, one of them that connects
 *   host_uri.c   addresses of servers as text
 *   host_tls.c   certificates
 *   host_network.c  what changes in the network
 *   host_media.c media that lives on its loop
 *
 * Threads: the loop's. */
#ifndef PHONE_HOST_PRIVATE_H
#define PHONE_HOST_PRIVATE_H

#include "base/hash.h"
#include "base/text.h"
#include "net/dns.h"
#include "net/net.h"
#include "phone/host.h"
#include "sidetone-ua-media.h"
#include "sip/resolve.h"
#include <openssl/evp.h>

#define HOST_HEARD 16           /* peers of UDP that were there a moment ago */

struct host_heard {
	struct sa peer;
	uint64_t until_ms;
};

struct sidetone_loop {
	struct loop *loop;              /* held, all of these */
	struct net *net;
	struct dns *dns;                /* NULL: no name was looked up yet */
	struct sidetone_core *core;
	struct tls_context *tls;        /* NULL: not needed yet */
	EVP_MD *md[3];                  /* NULL: this OpenSSL refuses it */
	struct sip_lookup lookup;
	struct timer wake;              /* of the core */
	struct list timers;             /* struct sidetone_timer */
	struct map *by_id, *by_net;     /* struct host_conn, by the number that the core knows and by net's */
	uint32_t next_id;
	struct host_heard heard[HOST_HEARD];
	size_t next_heard;
	struct sa from;                 /* unset: the kernel chooses */
	struct text ca_list_file, ca_list_path, cert_file, priv_key_file, nameserver;
	bool no_verify;
	struct host_network *network;   /* held; NULL: it is not watched */
	struct host_media *media;       /* held; NULL: none lives here */
	void (*log)(void *arg, int level, const char *category, const char *text);
	void *log_arg;
};

/* host_tls.c. The TLS of all connections. Errors as tls_context_new(). */
int host_tls(struct sidetone_loop *h, struct buf *why);

/* host_network.c. ENOMEM. */
int host_watch_network(struct sidetone_loop *h);
void host_forget_network(struct sidetone_loop *h);

uint64_t host_media_wait_ms(const struct sidetone_loop *h);  /* UINT64_MAX: no limit */
void host_media_way(struct sidetone_loop *h, const struct sa *local);        /* ours, of a connection that is up now */

/* host_uri.c. `host`: no brackets around IPv6. */
struct host_uri {
	enum net_proto proto;
	struct text host, target;       /* target: of a WebSocket, path and query, "/" at least */
	uint16_t port;                  /* 0: not said; a WebSocket's is always there */
};
int host_uri_parse(struct host_uri *u, struct str s);        /* EINVAL, ENOMEM; nothing is held then */
void host_uri_free(struct host_uri *u);

/* host_conn.c: rows of struct sidetone_host and of struct net_handlers. */
int host_open(void *arg, const char *uri, uint32_t *conn);
int host_send(void *arg, uint32_t conn, const char *bytes, size_t n);
void host_close(void *arg, uint32_t conn);
/* Those whose address does not lead to their peer any more, or leads nowhere. */
void host_close_stale(struct sidetone_loop *h);
void host_close_all(struct sidetone_loop *h);
void host_on_connected(void *arg, const struct net_path *path);
void host_on_ended(void *arg, const struct net_path *path, const struct net_end *end);
void host_on_pong(void *arg, const struct net_path *path);
void host_on_recv(void *arg, const struct net_path *from, void *msg);

#endif
