/* tests/unit/tls_peer.h -- the other end of a TLS connection: OpenSSL over a socket of loopback,
 * while the world's loop turns. */
#ifndef TESTS_TLS_PEER_H
#define TESTS_TLS_PEER_H

#include "net_stage.h"
#include "tls_stage.h"

struct tls_peer {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

/* `cert`: NAME of a certificate that it has, or NULL. Its context may be changed before it speaks. */
void peer_start(struct tls_peer *p, const struct tls_files *f, const char *cert);
void peer_end(struct tls_peer *p);
/* Both give whether the handshake came to its end. */
bool peer_connect(struct tls_peer *p, struct net_world *w);
bool peer_handshake(struct tls_peer *p, struct net_world *w);       /* and no more: nothing is said */
bool peer_accept(struct tls_peer *p, struct net_world *w, int lfd);
void peer_say(struct tls_peer *p, struct net_world *w, const char *z);
void peer_expect(struct tls_peer *p, struct net_world *w, const char *z);
bool peer_at_end(struct tls_peer *p);    /* the world ended it */
/* How a world listens with this context. */
struct net_listen_prm tls_listen_prm(struct tls_context *t);
/* A world with the certificate "srv"; `more`: options but the files. */
void tls_world(struct net_world *w, unsigned threads, const struct net_limits *lim, const struct tls_files *f,
	       const struct tls_prm *more);
int listening(struct sa *at);            /* a socket that accepts */

#endif
