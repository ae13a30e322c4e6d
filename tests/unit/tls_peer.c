/* Peers that speak TLS with the server's sockets, by OpenSSL. */
#include "tls_peer.h"
#include "base/obj.h"
#include <fcntl.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static int any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

void peer_start(struct tls_peer *p, const struct tls_files *f, const char *cert)
{
	char name[64];

	signal(SIGPIPE, SIG_IGN);       /* OpenSSL's own sockets write without MSG_NOSIGNAL */
	*p = (struct tls_peer){ .fd = -1, .ctx = SSL_CTX_new(TLS_method()) };
	assert_non_null(p->ctx);
	SSL_CTX_set_min_proto_version(p->ctx, TLS1_VERSION);
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_NONE, any);
	if (!cert)
		return;
	snprintf(name, sizeof(name), "%s.pem", cert);
	assert_int_equal(SSL_CTX_use_certificate_file(p->ctx, file_at(f, name), SSL_FILETYPE_PEM), 1);
	snprintf(name, sizeof(name), "%s.key", cert);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(p->ctx, file_at(f, name), SSL_FILETYPE_PEM), 1);
}

static void drop_connection(struct tls_peer *p)
{
	if (p->ssl)     /* else its session could not be resumed */
		SSL_set_shutdown(p->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(p->ssl);
	p->ssl = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void peer_end(struct tls_peer *p)
{
	drop_connection(p);
	SSL_CTX_free(p->ctx);
	ERR_clear_error();
}

static bool again(struct tls_peer *p, int ret)
{
	int e = SSL_get_error(p->ssl, ret);

	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

static bool shake_hands(struct tls_peer *p, struct net_world *w)
{
	int ret = -1;

	fcntl(p->fd, F_SETFL, O_NONBLOCK);
	SSL_set_fd(p->ssl, p->fd);
	UNTIL(w, (ERR_clear_error(), ret = SSL_do_handshake(p->ssl)) == 1 || !again(p, ret));
	return ret == 1;
}

/* In TLS 1.3 a client's handshake is done before the server has judged it. */
static bool server_agrees(struct tls_peer *p, struct net_world *w)
{
	char in[32];
	int ret = 0;

	peer_say(p, w, "agreed\n");
	UNTIL(w, (ERR_clear_error(), ret = SSL_read(p->ssl, in, sizeof(in))) > 0 || !again(p, ret));
	return ret > 0;
}

bool peer_handshake(struct tls_peer *p, struct net_world *w)
{
	SSL_SESSION *session = p->ssl ? SSL_get1_session(p->ssl) : NULL;

	drop_connection(p);
	p->fd = tcp_client(w);
	p->ssl = SSL_new(p->ctx);
	assert_non_null(p->ssl);
	if (session)
		SSL_set_session(p->ssl, session);
	SSL_SESSION_free(session);
	SSL_set_connect_state(p->ssl);
	return shake_hands(p, w);
}

bool peer_connect(struct tls_peer *p, struct net_world *w)
{
	return peer_handshake(p, w) && server_agrees(p, w);
}

bool peer_accept(struct tls_peer *p, struct net_world *w, int lfd)
{
	drop_connection(p);
	UNTIL(w, readable(lfd));
	p->fd = accept(lfd, NULL, NULL);
	p->ssl = SSL_new(p->ctx);
	assert_true(p->fd >= 0 && p->ssl);
	SSL_set_accept_state(p->ssl);
	return shake_hands(p, w);
}

void peer_say(struct tls_peer *p, struct net_world *w, const char *z)
{
	int ret = 0, n = (int)strlen(z);

	UNTIL(w, (ERR_clear_error(), ret = SSL_write(p->ssl, z, n)) == n || !again(p, ret));
	assert_int_equal(ret, n);
}

void peer_expect(struct tls_peer *p, struct net_world *w, const char *z)
{
	char in[512];
	int have = 0, ret = 0;

	while (have < (int)strlen(z)) {
		UNTIL(w, (ERR_clear_error(), ret = SSL_read(p->ssl, in + have, (int)sizeof(in) - have)) > 0 || !again(p, ret));
		assert_true(ret > 0);
		have += ret;
	}
	assert_int_equal(have, strlen(z));
	assert_memory_equal(in, z, (size_t)have);
}

bool peer_at_end(struct tls_peer *p)
{
	char c;
	int ret;

	ERR_clear_error();
	ret = SSL_read(p->ssl, &c, 1);
	return ret <= 0 && !again(p, ret);
}

int listening(struct sa *at)
{
	int fd = client(SOCK_STREAM, "127.0.0.1:0");
	socklen_t n = sizeof(*at);

	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, &at->u.s, &n), 0);
	return fd;
}

struct net_listen_prm tls_listen_prm(struct tls_context *t)
{
	return (struct net_listen_prm){ .proto = NET_TLS, .tos = -1, .cos = -1, .name = STR("t"), .bind = addr("127.0.0.1:0"),
		.tls = t };
}

void tls_world(struct net_world *w, unsigned threads, const struct net_limits *lim, const struct tls_files *f,
		      const struct tls_prm *more)
{
	size_t live = obj_live();
	struct tls_context *t = make_context(f, "srv", more);
	struct net_listen_prm prm = tls_listen_prm(t);

	world_start_with(w, threads, lim, &prm);
	w->live = live;
	obj_drop(t);
}
