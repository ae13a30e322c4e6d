/* net/tls.h -- the certificate, the authorities and the rules of a transport's TLS connections.
 *
 * Data:    struct tls_context is an obj: a copy of its struct tls_prm, two SSL_CTX made of it
 *          (for connections that we accept, and for those that we open), the stamps of the
 *          files, and the sessions that servers let us resume.
 * States:  what it was made of is replaced as a whole or not at all. At a handshake, once a
 *          second at most, the files are looked at. Changed ones are loaded; when they are
 *          faulty the reason is logged and those of before stay. A connection keeps the
 *          SSL_CTX that it began with.
 * Threads: any. The core makes it, changes it and hands it to net_listen(); io threads take the
 *          current SSL_CTX, under a lock that is held for no longer than loading a file takes. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"

/* The lowest version to speak; the highest is 1.3, or 1.2 when only ciphers of 1.2 are named. */
enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* Empty: not set. The context copies what it is given. */
struct tls_prm {
	struct str name;                /* for log lines: "transport 'x'" */
	struct str ca_list_file, ca_list_path, cert_file, priv_key_file, password;
	struct str cipher;              /* OpenSSL's names, between ':' or ','; those of TLS 1.3 too */
	enum tls_version version;
	bool connect_only;              /* nothing listens: no certificate is needed */
	bool require_client_cert;       /* who connects must show a certificate */
	bool verify_client;             /* ... and one that an authority signed */
	bool verify_server;             /* whom we connect to: signed, and of the right name (RFC 5922) */
	bool allow_wildcard_certs;      /* *.example.com is the name of sip.example.com */
};

struct tls_context;
/* 0: *out is the caller's. EINVAL, EACCES, EBADMSG, ENOMEM: `why` says what is wrong with which
 * option and what to do; it is appended to. */
int tls_context_new(struct tls_context **out, const struct tls_prm *prm, struct buf *why);
/* Another configuration, for handshakes from now on. On an error nothing changes. */
int tls_context_change(struct tls_context *t, const struct tls_prm *prm, struct buf *why);

#endif
