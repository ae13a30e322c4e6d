/* net/tls_private.h -- what the files of TLS share and nobody else includes.
 *
 *   tls.c          one connection: the row of struct conn_ops
 *   tls_context.c  the current SSL_CTX pair, the files' changes, sessions that may be resumed
 *   tls_load.c     options and files into an SSL_CTX pair, or the reason why not
 *   tls_socket.c   how OpenSSL reads and writes the socket
 *   tls_pipe.c     the accepting side without a socket
 *   tls_name.c     whose certificate is it (RFC 5922) */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include "net/tls.h"
#include <openssl/ssl.h>

/* Held, both; NULL: nothing was loaded. */
struct tls_pair {
	SSL_CTX *accept, *connect;
};

enum tls_side { TLS_ACCEPT, TLS_CONNECT };

/* tls_load.c. Errors as tls_context_new(). */
int tls_load(struct tls_pair *out, const struct tls_prm *prm, struct buf *why);
void tls_pair_free(struct tls_pair *p);

/* tls_context.c. Any thread. */
/* A new connection of the current SSL_CTX; the caller frees it. NULL: ENOMEM. `now_ms` decides
 * whether it is time to look at the files again. */
SSL *tls_context_ssl(struct tls_context *t, enum tls_side side, uint64_t now_ms);
/* tls_socket.c: how OpenSSL reads and writes the socket of a connection. NULL: ENOMEM. */
BIO_METHOD *tls_bio_method(void);
/* tls.c: what the connecting side tells OpenSSL to call. 1: the session is taken over. */
int tls_session_given(SSL *ssl, SSL_SESSION *session);
const BIO_METHOD *tls_context_bio(const struct tls_context *t);
struct str tls_context_name(const struct tls_context *t);
/* The rules of now: verify_server, allow_wildcard_certs. */
void tls_context_rules(struct tls_context *t, bool *verify_server, bool *wildcards);
/* Sessions of the server `key`. The one given is the caller's; NULL: none. */
SSL_SESSION *tls_context_session(struct tls_context *t, struct str key);
/* Takes over `s`, which a connection of `ctx` was given. */
void tls_context_keep_session(struct tls_context *t, const SSL_CTX *ctx, struct str key, SSL_SESSION *s);

/* tls_name.c: is `cert` that of `name`, a host name or the text of an address? RFC 5922 7.1, 7.2:
 * by a subjectAltName sip:name; without any sip: there by DNS (by IP when the name is an address);
 * without a subjectAltName by the CN. 0; EACCES: no, and `why` says so. */
int tls_name_check(const X509 *cert, struct str name, bool wildcards, struct buf *why);

#endif
