/* The manager interface over TLS: tlsenable, tlsbindaddr, tlscertfile, tlsprivatekey, tlscipher, tlsdisablev12. */
#include "manager_stage.h"
#include "../unit/tls_stage.h"
#include "base/obj.h"
#include "config/report.h"
#include "service/object/settings.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct tls_files files;

/* A client that speaks TLS: OpenSSL between two memory BIOs, its bytes on a socket of loopback. */
struct ssl_peer {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	int fd;
	bool closed;
	struct buf plain;
};

static int up(void **state)
{
	oom_pause(true);
	files_start(&files);
	write_cert(&files, "ami", &(struct cert_prm){ .cn = "ami.example", .by = &files.ca });
	write_cert(&files, "new", &(struct cert_prm){ .cn = "new.example", .by = &files.ca });
	oom_pause(false);
	return manager_up(state);
}

static int down(void **state)
{
	int err = manager_down(state);

	files_end(&files);
	return err;
}

/* [general] with `more`, and a user. */
static int configure(const char *more, struct report *r)
{
	struct manager_conf *conf = NULL;
	struct buf b = BUF_INIT;
	int err;

	oom_pause(true);
	buf_printf(&b, "[general]\nenabled=yes\nport=5038\nbindaddr=127.0.0.1\ntlsbindaddr=127.0.0.1:5999\n%s\n[admin]\nsecret=pw\nread=all\n"
		   "write=all\n", more);
	assert_int_equal(manager_conf_parse(&conf, buf_view(&b), NULL, r), 0);
	buf_free(&b);
	/* Wherever there is room. */
	sa_set_port(&conf->listen, 0);
	sa_set_port(&conf->tls_listen, 0);
	err = manage_set_manager(t.m, conf, r);
	obj_drop(conf);
	oom_pause(false);
	return err;
}

static const char *certificate(const char *name, const char *more)
{
	static char text[512];

	snprintf(text, sizeof(text), "tlsenable=yes\ntlscertfile=%s/%s.pem\ntlsprivatekey=%s/%s.key\n%s", files.dir, name, files.dir, name,
		 more);
	return text;
}

static void pump(struct ssl_peer *s)
{
	char part[4096];

	for (int i = 0; i < 4; i++) {
		int n;

		while ((n = BIO_read(s->out, part, sizeof(part))) > 0)
			assert_int_equal(send(s->fd, part, (size_t)n, MSG_NOSIGNAL), n);
		world_turn(&t.w);
		n = (int)recv(s->fd, part, sizeof(part), MSG_DONTWAIT);
		if (n == 0)
			s->closed = true;
		if (n > 0)
			BIO_write(s->in, part, n);
		if (!SSL_is_init_finished(s->ssl))
			SSL_do_handshake(s->ssl);
		while (SSL_is_init_finished(s->ssl) && (n = SSL_read(s->ssl, part, sizeof(part))) > 0)
			buf_put(&s->plain, str_mk(part, (size_t)n));
	}
}

static struct ssl_peer dial_tls(int version)
{
	struct ssl_peer s = { .ctx = SSL_CTX_new(TLS_client_method()) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(sa_port(&t.m->manager->tls_bound)) };

	assert_non_null(s.ctx);
	if (version) {
		SSL_CTX_set_min_proto_version(s.ctx, version);
		SSL_CTX_set_max_proto_version(s.ctx, version);
	}
	s.ssl = SSL_new(s.ctx);
	s.in = BIO_new(BIO_s_mem());
	s.out = BIO_new(BIO_s_mem());
	SSL_set_bio(s.ssl, s.in, s.out);
	SSL_set_connect_state(s.ssl);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(s.fd, (struct sockaddr *)&in, sizeof(in)), 0);
	for (int i = 0; i < 20 && !s.closed; i++)
		pump(&s);
	return s;
}

static void drop_secret(struct ssl_peer *s)
{
	close(s->fd);
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	buf_free(&s->plain);
	world_turn(&t.w);
}

static bool hears_secret(struct ssl_peer *s, const char *text)
{
	for (int i = 0; i < 200; i++) {
		pump(s);
		if (str_find(buf_view(&s->plain), str_z(text)) < s->plain.n)
			return true;
	}
	return false;
}

static void say_secret(struct ssl_peer *s, const char *text)
{
	assert_int_equal(SSL_write(s->ssl, text, (int)strlen(text)), (int)strlen(text));
	pump(s);
}

static const char *whose(struct ssl_peer *s)
{
	static char name[128];
	X509 *cert = SSL_get1_peer_certificate(s->ssl);

	name[0] = 0;
	if (cert)
		X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
	X509_free(cert);
	return name;
}

static void talks(void **state)
{
	struct ssl_peer s;

	(void)state;
	assert_int_equal(configure(certificate("ami", ""), NULL), 0);
	s = dial_tls(0);
	assert_true(hears_secret(&s, "Asterisk Call Manager/"));
	assert_string_equal(whose(&s), "ami.example");
	say_secret(&s, "Action: Login\r\nUsername: admin\r\nSecret: pw\r\n\r\n");
	assert_true(hears_secret(&s, "Response: Success\r\nMessage: Authentication accepted\r\n"));
	/* A long answer, in many records. */
	say_secret(&s, "Action: ListCommands\r\nActionID: 1\r\n\r\nAction: Ping\r\nActionID: 2\r\n\r\n");
	assert_true(hears_secret(&s, "UserEvent: "));
	assert_true(hears_secret(&s, "ActionID: 2\r\nPing: Pong\r\n"));
	say_secret(&s, "Action: Logoff\r\n\r\n");
	assert_true(hears_secret(&s, "Response: Goodbye\r\n"));
	for (int i = 0; i < 20 && !s.closed; i++)
		pump(&s);
	assert_true(s.closed);
	assert_int_equal(SSL_get_shutdown(s.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	drop_secret(&s);
}

/* Who speaks no TLS is cut off; who ends it properly, too. */
static void strangers(void **state)
{
	struct ssl_peer s;
	size_t before;

	(void)state;
	assert_int_equal(configure(certificate("ami", ""), NULL), 0);
	before = stream_peers();
	s = dial_tls(0);
	assert_true(hears_secret(&s, "Asterisk Call Manager/"));
	assert_int_equal(stream_peers(), before + 1);
	SSL_shutdown(s.ssl);
	for (int i = 0; i < 20 && !s.closed; i++)
		pump(&s);
	assert_int_equal(stream_peers(), before);
	drop_secret(&s);
	s = dial_tls(0);
	assert_int_equal(send(s.fd, "Action: Ping\r\n\r\n", 16, MSG_NOSIGNAL), 16);
	for (int i = 0; i < 20 && !s.closed; i++)
		pump(&s);
	assert_int_equal(stream_peers(), before);
	drop_secret(&s);
}

static void versions_and_ciphers(void **state)
{
	struct ssl_peer s;

	(void)state;
	assert_int_equal(configure(certificate("ami", ""), NULL), 0);
	s = dial_tls(TLS1_2_VERSION);
	assert_true(hears_secret(&s, "Asterisk Call Manager/"));
	drop_secret(&s);
	assert_int_equal(configure(certificate("ami", "tlsdisablev12=yes\n"), NULL), 0);
	s = dial_tls(TLS1_2_VERSION);
	assert_false(SSL_is_init_finished(s.ssl));
	drop_secret(&s);
	s = dial_tls(TLS1_3_VERSION);
	assert_true(hears_secret(&s, "Asterisk Call Manager/"));
	drop_secret(&s);
	assert_int_equal(configure(certificate("ami", "tlscipher=ECDHE-ECDSA-AES128-GCM-SHA256\n"), NULL), 0);
	s = dial_tls(TLS1_2_VERSION);
	assert_true(hears_secret(&s, "Asterisk Call Manager/"));
	assert_string_equal(SSL_get_cipher(s.ssl), "ECDHE-ECDSA-AES128-GCM-SHA256");
	drop_secret(&s);
}

/* Another certificate by a reload; a faulty one leaves what there was; off ends it. */
static void reloads(void **state)
{
	struct report *r = report_new();
	struct ssl_peer s;

	(void)state;
	assert_non_null(r);
	assert_int_equal(configure(certificate("ami", ""), NULL), 0);
	assert_non_null(t.m->manager->tls_listener);
	assert_int_equal(configure(certificate("new", ""), NULL), 0);
	s = dial_tls(0);
	assert_string_equal(whose(&s), "new.example");
	drop_secret(&s);
	assert_int_not_equal(configure(certificate("none", ""), r), 0);
	assert_true(report_count(r) > 0);
	s = dial_tls(0);
	assert_string_equal(whose(&s), "new.example");
	drop_secret(&s);
	assert_int_equal(configure("", NULL), 0);
	assert_null(t.m->manager->tls_listener);
	assert_null(t.m->manager->tls);
	report_free(r);
}

/* debug=: events are numbered, until a command says no. */
static void numbers(void **state)
{
	struct peer p;

	(void)state;
	assert_int_equal(configure("debug=yes\n", NULL), 0);
	t.port = sa_port(&t.m->manager->bound);
	p = login("admin");
	ask(&p, "Action: UserEvent\r\nUserEvent: x");
	HAS(&p, "\r\nSequenceNumber: ");
	HAS(&p, "\r\nFile: manager.c\r\nLine: 0\r\nFunc: UserEvent\r\n");
	ask(&p, "Action: Command\r\nCommand: manager set debug");
	HAS(&p, "Output: manager debug is on\r\n");
	ask(&p, "Action: Command\r\nCommand: manager set debug off");
	ask(&p, "Action: UserEvent\r\nUserEvent: x");
	HAS_NOT(&p, "SequenceNumber: ");
	hang_up(&p);
	assert_int_equal(configure("", NULL), 0);
	t.port = sa_port(&t.m->manager->bound);
	p = login("admin");
	ask(&p, "Action: UserEvent\r\nUserEvent: x");
	HAS_NOT(&p, "SequenceNumber: ");
	hang_up(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(talks), T(strangers), T(versions_and_ciphers), T(reloads), T(numbers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
