/* Connections over TLS: versions and ciphers, who is let in, whom we trust, resumption, ends. */
#include "tls_peer.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* certificates: "srv" and "cli" by ca, "bad" by other */
static int make_files(void **state)
{
	static struct tls_files f;

	files_start(&f);
	write_cert(&f, "srv", &(struct cert_prm){ .cn = "srv", .san = "DNS:sip.example.com,DNS:*.wild.example", .by = &f.ca });
	write_cert(&f, "cli", &(struct cert_prm){ .cn = "cli", .by = &f.ca });
	write_cert(&f, "bad", &(struct cert_prm){ .cn = "bad", .san = "DNS:sip.example.com", .by = &f.other });
	*state = &f;
	return 0;
}

static int drop_files(void **state)
{
	files_end(*state);
	return 0;
}

static void tls_framing(void **state)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c;
		struct tls_peer p;

		tls_world(&w, modes[m], NULL, *state, NULL);
		peer_start(&p, *state, NULL);
		assert_true(peer_connect(&p, &w));
		peer_say(&p, &w, "one\ntwo\nthr");
		peer_expect(&p, &w, "one\ntwo\n");
		assert_int_equal(w.from.proto, NET_TLS);
		assert_true(net_conn_alive(w.net, w.from.conn));
		peer_say(&p, &w, "ee\n");
		peer_expect(&p, &w, "three\n");
		for (unsigned i = 0; i < 20; i++) {     /* records that one recv() reads together */
			for (const char *z = "4\n\0" "5\0" "5\n6\n\0"; *z; z += strlen(z) + 1)
				assert_int_equal(SSL_write(p.ssl, z, (int)strlen(z)), (int)strlen(z));
			peer_expect(&p, &w, "4\n55\n6\n");
		}
		peer_say(&p, &w, "\r\n\r\n");
		peer_expect(&p, &w, "\r\n");
		net_count(w.net, &c);
		assert_int_equal(c.rx, 64);     /* and the one of the handshake */
		SSL_shutdown(p.ssl);
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, 0);
		net_count(w.net, &c);
		assert_int_equal(c.conns, 0);
		peer_end(&p);
		world_end(&w);
	}
}

static void tls_our_end(void **state)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_bytes *b;
		struct tls_peer p;

		tls_world(&w, modes[m], NULL, *state, NULL);
		peer_start(&p, *state, NULL);
		assert_true(peer_connect(&p, &w));
		b = net_bytes_new(STR("bye\n"));
		assert_int_equal(net_send(w.net, &w.from, b), 0);
		obj_drop(b);
		net_disconnect(w.net, w.from.conn);
		peer_expect(&p, &w, "bye\n");
		UNTIL(&w, peer_at_end(&p));
		assert_true(SSL_get_shutdown(p.ssl) & SSL_RECEIVED_SHUTDOWN);
		peer_end(&p);
		UNTIL(&w, w.closed);
		world_end(&w);
	}
}

/* Longer than a record, both ways. */
static void tls_long_message(void **state)
{
	static char text[60001];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 2] = '\n';
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct tls_peer p;
		size_t have = 0;
		char in[4096];
		int ret = 0;

		tls_world(&w, modes[m], NULL, *state, NULL);
		peer_start(&p, *state, NULL);
		assert_true(peer_connect(&p, &w));
		peer_say(&p, &w, text);
		while (have < sizeof(text) - 1) {
			UNTIL(&w, (ERR_clear_error(), ret = SSL_read(p.ssl, in, sizeof(in))) > 0);
			assert_memory_equal(in, text + have, (size_t)ret);
			have += (size_t)ret;
		}
		peer_end(&p);
		world_end(&w);
	}
}

/* ---- options -------------------------------------------------------------------------------- */

static bool connects(const struct tls_files *f, const struct tls_prm *prm, const char *cert, int version, char *cipher,
		     size_t n)
{
	struct net_world w;
	struct tls_peer p;
	bool yes;

	tls_world(&w, 0, NULL, f, prm);
	peer_start(&p, f, cert);
	if (version)
		assert_true(SSL_CTX_set_max_proto_version(p.ctx, version) == 1);
	/* Else OpenSSL itself would refuse to offer what is old. */
	SSL_CTX_set_security_level(p.ctx, 0);
	yes = peer_connect(&p, &w);
	if (cipher)
		snprintf(cipher, n, "%s %s", SSL_get_version(p.ssl), SSL_get_cipher_name(p.ssl));
	peer_end(&p);
	world_end(&w);
	return yes;
}

static void tls_versions(void **state)
{
	const struct tls_prm newest = { .version = TLS_VERSION_1_3 };
	char got[80];

	assert_true(connects(*state, NULL, NULL, 0, got, sizeof(got)));
	assert_true(str_starts(str_z(got), STR("TLSv1.3 ")));
	assert_true(connects(*state, NULL, NULL, TLS1_2_VERSION, got, sizeof(got)));
	assert_true(str_starts(str_z(got), STR("TLSv1.2 ")));
	assert_false(connects(*state, NULL, NULL, TLS1_1_VERSION, NULL, 0));
	assert_false(connects(*state, NULL, NULL, TLS1_VERSION, NULL, 0));
	assert_true(connects(*state, &newest, NULL, 0, NULL, 0));
	assert_false(connects(*state, &newest, NULL, TLS1_2_VERSION, NULL, 0));
}

static void tls_ciphers(void **state)
{
	const struct tls_prm one = { .cipher = STR("ECDHE-ECDSA-CHACHA20-POLY1305") };
	const struct tls_prm new = { .cipher = STR("TLS_CHACHA20_POLY1305_SHA256") };
	char got[80];

	assert_true(connects(*state, &one, NULL, 0, got, sizeof(got)));
	assert_string_equal(got, "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305");
	assert_true(connects(*state, &new, NULL, 0, got, sizeof(got)));
	assert_string_equal(got, "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256");
	assert_false(connects(*state, &new, NULL, TLS1_2_VERSION, NULL, 0));
}

static void tls_client_certificates(void **state)
{
	const struct str ca = str_z(((struct tls_files *)*state)->ca_pem);
	const struct tls_prm require = { .require_client_cert = true };
	const struct tls_prm verify = { .verify_client = true, .ca_list_file = ca };
	const struct tls_prm both = { .verify_client = true, .require_client_cert = true, .ca_list_file = ca };

	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		assert_true(connects(*state, NULL, NULL, v, NULL, 0));
		assert_false(connects(*state, &require, NULL, v, NULL, 0));
		assert_true(connects(*state, &require, "bad", v, NULL, 0));      /* any will do */
		assert_true(connects(*state, &verify, NULL, v, NULL, 0));
		assert_true(connects(*state, &verify, "cli", v, NULL, 0));
		assert_false(connects(*state, &verify, "bad", v, NULL, 0));
		assert_false(connects(*state, &both, NULL, v, NULL, 0));
		assert_true(connects(*state, &both, "cli", v, NULL, 0));
		assert_false(connects(*state, &both, "bad", v, NULL, 0));
	}
}

/* The same, with the authorities in a folder, by their hashes. */
static void tls_authorities_in_a_folder(void **state)
{
	struct tls_files *f = *state;
	struct tls_prm verify = { .verify_client = true, .ca_list_path = str_z(f->dir) };
	char name[32];

	snprintf(name, sizeof(name), "%08lx.0", X509_subject_name_hash(f->ca.cert));
	assert_int_equal(link(file_at(f, "ca.pem"), file_at(f, name)), 0);
	assert_true(connects(f, &verify, "cli", 0, NULL, 0));
	assert_false(connects(f, &verify, "bad", 0, NULL, 0));
	unlink(file_at(f, name));
}

/* ---- as a client ---------------------------------------------------------------------------- */

static int send_to(struct net_world *w, struct net_path *path, const char *z)
{
	struct net_bytes *b = net_bytes_new(str_z(z));
	int err = net_send(w->net, path, b);

	obj_drop(b);
	return err;
}

/* 0: what we send to `host` arrives; else with which error it comes back. `cert`: the server's */
static int reaches(const struct tls_files *f, const struct tls_prm *prm, const char *cert, const char *host)
{
	struct net_world w;
	struct tls_peer p;
	struct net_path path = { .proto = NET_TLS };
	int lfd = listening(&path.peer), err = 0;

	tls_world(&w, 0, NULL, f, prm);
	w.echo = false;
	peer_start(&p, f, cert);
	path.host = net_host(w.net, str_z(host));
	assert_int_equal(send_to(&w, &path, "secret\n"), 0);
	if (peer_accept(&p, &w, lfd)) {
		char in[32];
		int ret = 0;

		UNTIL(&w, (ERR_clear_error(), ret = SSL_read(p.ssl, in, sizeof(in))) > 0 || w.closed);
		/* Nothing is said to whom we do not trust. */
		assert_true((ret > 0) == !w.failed);
	} else {
		UNTIL(&w, w.failed);
	}
	err = w.failed ? w.failed_err : 0;
	peer_end(&p);
	close(lfd);
	world_end(&w);
	return err;
}

static void tls_verified_server(void **state)
{
	const struct str ca = str_z(((struct tls_files *)*state)->ca_pem);
	const struct tls_prm verify = { .verify_server = true, .ca_list_file = ca }, *v = &verify;
	const struct tls_prm wild = { .verify_server = true, .ca_list_file = ca, .allow_wildcard_certs = true };
	const struct tls_prm trusting = { .ca_list_file = ca };

	assert_int_equal(reaches(*state, v, "srv", "sip.example.com"), 0);
	assert_int_equal(reaches(*state, v, "srv", "SIP.Example.Com."), 0);
	assert_int_equal(reaches(*state, v, "srv", "example.com"), EACCES);
	assert_int_equal(reaches(*state, v, "srv", ""), EACCES);         /* 127.0.0.1 is not in it */
	assert_int_equal(reaches(*state, v, "bad", "sip.example.com"), EPROTO);
	assert_int_equal(reaches(*state, v, "srv", "a.wild.example"), EACCES);
	assert_int_equal(reaches(*state, &wild, "srv", "a.wild.example"), 0);
	assert_int_equal(reaches(*state, &trusting, "bad", "any.example"), 0);
	assert_int_equal(reaches(*state, NULL, "srv", "any.example"), 0);
}

/* One connection for one name at an address; and none that the peer opened (RFC 5923). */
static void tls_reuse(void **state)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct tls_peer a, b, in;
		struct net_path one = { .proto = NET_TLS }, same, other, back;
		int lfd = listening(&one.peer);
		socklen_t n = sizeof(back.peer);

		tls_world(&w, modes[m], NULL, *state, NULL);
		peer_start(&a, *state, "srv");
		peer_start(&b, *state, "srv");
		peer_start(&in, *state, "cli");
		same = other = one;
		one.host = net_host(w.net, STR("a.example"));
		same.host = net_host(w.net, STR("A.EXAMPLE"));
		other.host = net_host(w.net, STR("b.example"));
		assert_int_equal(send_to(&w, &one, "one\n"), 0);
		assert_true(peer_accept(&a, &w, lfd));
		assert_string_equal(SSL_get_servername(a.ssl, TLSEXT_NAMETYPE_host_name), "a.example");
		assert_int_equal(send_to(&w, &same, "same\n"), 0);
		assert_int_equal(same.conn, one.conn);
		peer_expect(&a, &w, "one\nsame\n");
		assert_int_equal(send_to(&w, &other, "other\n"), 0);
		assert_int_not_equal(other.conn, one.conn);
		assert_true(peer_accept(&b, &w, lfd));
		peer_expect(&b, &w, "other\n");
		/* What it answers comes by the same connection. */
		peer_say(&a, &w, "pong\n");
		peer_expect(&a, &w, "pong\n");

		assert_true(peer_connect(&in, &w));
		back = (struct net_path){ .proto = NET_TLS };
		assert_int_equal(getsockname(in.fd, &back.peer.u.s, &n), 0);
		assert_int_equal(send_to(&w, &back, "back\n"), 0);
		UNTIL(&w, w.failed == 1);
		assert_int_equal(w.failed_err, ECONNREFUSED);
		peer_end(&a);
		peer_end(&b);
		peer_end(&in);
		close(lfd);
		world_end(&w);
	}
}

/* No name for an address (RFC 6066 3). */
static void tls_no_sni_for_an_address(void **state)
{
	struct net_world w;
	struct tls_peer p;
	struct net_path path = { .proto = NET_TLS };
	int lfd = listening(&path.peer);

	tls_world(&w, 0, NULL, *state, NULL);
	peer_start(&p, *state, "srv");
	assert_int_equal(send_to(&w, &path, "x\n"), 0);
	assert_true(peer_accept(&p, &w, lfd));
	assert_null(SSL_get_servername(p.ssl, TLSEXT_NAMETYPE_host_name));
	peer_expect(&p, &w, "x\n");
	peer_end(&p);
	close(lfd);
	world_end(&w);
}

/* ---- resumption ----------------------------------------------------------------------------- */

static void tls_resumed_by_clients(void **state)
{
	const struct tls_prm verify = { .verify_client = true, .ca_list_file = str_z(((struct tls_files *)*state)->ca_pem) };

	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		struct net_world w;
		struct tls_peer p;

		tls_world(&w, 1, NULL, *state, &verify);
		peer_start(&p, *state, "cli");
		SSL_CTX_set_max_proto_version(p.ctx, v);
		assert_true(peer_connect(&p, &w));
		assert_false(SSL_session_reused(p.ssl));
		/* Early data can be replayed: none is asked for. */
		assert_int_equal(SSL_SESSION_get_max_early_data(SSL_get_session(p.ssl)), 0);
		assert_true(peer_connect(&p, &w));
		assert_true(SSL_session_reused(p.ssl));
		peer_end(&p);
		world_end(&w);
	}
}

static void tls_resumed_by_us(void **state)
{
	const struct tls_prm verify = { .verify_server = true, .ca_list_file = str_z(((struct tls_files *)*state)->ca_pem) };

	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		struct net_world w;
		struct tls_peer p;
		struct net_path path = { .proto = NET_TLS };
		int lfd = listening(&path.peer);

		tls_world(&w, 0, NULL, *state, &verify);
		peer_start(&p, *state, "srv");
		SSL_CTX_set_max_proto_version(p.ctx, v);
		SSL_CTX_set_session_id_context(p.ctx, (const unsigned char *)"t", 1);
		for (unsigned i = 0; i < 3; i++) {
			struct net_path to = path;

			/* The last time under another name, for which nothing is resumed. */
			to.host = net_host(w.net, i < 2 ? STR("sip.example.com") : STR("x.wild.example"));
			assert_int_equal(send_to(&w, &to, "x\n"), 0);
			assert_true(peer_accept(&p, &w, lfd));
			assert_int_equal(SSL_session_reused(p.ssl), i == 1);
			if (i == 2)
				break;
			peer_expect(&p, &w, "x\n");
			peer_say(&p, &w, "y\n");        /* behind the session of TLS 1.3 */
			UNTIL(&w, w.got == i + 1);
			net_disconnect(w.net, to.conn);
			UNTIL(&w, peer_at_end(&p));
			shutdown(p.fd, SHUT_RDWR);
			UNTIL(&w, w.closed == i + 1);
		}
		peer_end(&p);
		close(lfd);
		world_end(&w);
	}
}

/* ---- peers that mean harm -------------------------------------------------------------------- */

static void tls_deadlines(void **state)
{
	struct net_limits lim = { .first_message_ms = 60 };

	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c;
		int fd;

		tls_world(&w, modes[m], &lim, *state, NULL);
		fd = tcp_client(&w);            /* says nothing */
		UNTIL(&w, w.closed == 1);
		assert_int_equal(w.closed_err, ETIMEDOUT);
		close(fd);
		fd = tcp_client(&w);            /* begins a handshake and leaves it at that */
		assert_int_equal(send(fd, "\x16\x03\x01\x02", 4, 0), 4);
		UNTIL(&w, w.closed == 2);
		assert_int_equal(w.closed_err, ETIMEDOUT);
		close(fd);
		fd = tcp_client(&w);            /* another protocol */
		say(fd, "OPTIONS sip:a SIP/2.0\r\n\r\n");
		UNTIL(&w, w.closed == 3);
		assert_int_equal(w.closed_err, EPROTO);
		close(fd);
		assert_int_equal(w.got, 0);
		net_count(w.net, &c);
		assert_int_equal(c.timed_out, 2);
		assert_int_equal(c.conns, 0);
		world_end(&w);
	}
}

static void tls_peer_that_does_not_read(void **state)
{
	struct net_limits lim = { .send_queue = 20000 };

	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct tls_peer p;
		struct net_bytes *b;
		struct net_path path;
		int err = 0;

		tls_world(&w, modes[m], &lim, *state, NULL);
		peer_start(&p, *state, NULL);
		assert_true(peer_connect(&p, &w));
		path = w.from;
		b = obj_new(sizeof(*b) + 9000, NULL);
		b->n = 9000;
		while (!w.closed && err != ENOTCONN) {
			err = net_send(w.net, &path, b);
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		}
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, ENOBUFS);
		obj_drop(b);
		peer_end(&p);
		world_end(&w);
	}
}

static void tls_no_renegotiation(void **state)
{
	struct net_world w;
	struct tls_peer p;
	int ret = 0;

	tls_world(&w, 0, NULL, *state, NULL);
	peer_start(&p, *state, NULL);
	SSL_CTX_set_max_proto_version(p.ctx, TLS1_2_VERSION);
	assert_true(peer_connect(&p, &w));
	assert_int_equal(SSL_renegotiate(p.ssl), 1);
	UNTIL(&w, (ERR_clear_error(), ret = SSL_do_handshake(p.ssl)) == 1 ||
	      SSL_get_error(p.ssl, ret) == SSL_ERROR_SSL || SSL_get_error(p.ssl, ret) == SSL_ERROR_SYSCALL);
	assert_int_not_equal(ret, 1);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	peer_end(&p);
	world_end(&w);
}

/* A new file is shown to the next peer; the connections of before go on. */
static void tls_changed_certificate(void **state)
{
	struct tls_files *f = *state;
	struct net_world w;
	struct tls_peer old, new;
	struct tls_context *t;
	struct net_listen_prm prm;
	bool shown = false;

	write_cert(f, "moving", &(struct cert_prm){ .cn = "before" });
	t = make_context(f, "moving", NULL);
	prm = tls_listen_prm(t);
	world_start_with(&w, 1, NULL, &prm);
	w.live--;       /* the context was made before it looked */
	obj_drop(t);
	peer_start(&old, f, NULL);
	assert_true(peer_connect(&old, &w));
	write_cert(f, "moving", &(struct cert_prm){ .cn = "after" });
	peer_start(&new, f, NULL);
	SSL_CTX_set_session_cache_mode(new.ctx, SSL_SESS_CACHE_OFF);
	while (!shown) {
		char cn[32];

		SSL_free(new.ssl);
		new.ssl = NULL;
		if (new.fd >= 0)
			close(new.fd);
		assert_true(peer_connect(&new, &w));
		X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(new.ssl)), NID_commonName, cn, sizeof(cn));
		shown = str_eq(str_z(cn), STR("after"));
	}
	peer_say(&old, &w, "still here\n");
	peer_expect(&old, &w, "still here\n");
	peer_end(&old);
	peer_end(&new);
	world_end(&w);
}

/* A transport of TLS without a context is a mistake, and so is the reverse. */
static void tls_needs_context(void **state)
{
	struct net_world w;
	struct net_listen_prm prm = tls_listen_prm(NULL);
	uint32_t id;

	tls_world(&w, 0, NULL, *state, NULL);
	assert_int_equal(net_listen(w.net, &prm, &id, NULL), EINVAL);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_framing), cmocka_unit_test(tls_our_end), cmocka_unit_test(tls_long_message),
		cmocka_unit_test(tls_versions), cmocka_unit_test(tls_ciphers),
		cmocka_unit_test(tls_client_certificates), cmocka_unit_test(tls_authorities_in_a_folder),
		cmocka_unit_test(tls_verified_server), cmocka_unit_test(tls_reuse), cmocka_unit_test(tls_no_sni_for_an_address),
		cmocka_unit_test(tls_resumed_by_clients), cmocka_unit_test(tls_resumed_by_us), cmocka_unit_test(tls_deadlines),
		cmocka_unit_test(tls_peer_that_does_not_read), cmocka_unit_test(tls_no_renegotiation),
		cmocka_unit_test(tls_changed_certificate), cmocka_unit_test(tls_needs_context),
	};

	return cmocka_run_group_tests(tests, make_files, drop_files);
}
