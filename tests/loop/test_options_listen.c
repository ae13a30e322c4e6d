/* Options of transports, as far as they are the sockets': what the network is asked to listen with, in
 * which the linker lets this program look, and the rules of its TLS. */
#include "../unit/tls_stage.h"
#include "base/obj.h"
#include "fake_tech.h"
#include "net/net.h"
#include "net/tls_private.h"
#include "net/ws.h"
#include "service/service.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

int __wrap_net_listen(struct net *n, const struct net_listen_prm *prm, uint32_t *id, struct sa *bound);

static struct world w;
static struct tls_files f;
static struct net_listen_prm asked;     /* the newest */
static SSL *accepts, *connects;         /* owned: connections by its TLS; NULL: it has none */
static bool verify, wild;
static unsigned listens;

static void forget_tls(void)
{
	SSL_free(accepts);
	SSL_free(connects);
	accepts = connects = NULL;
}

int __wrap_net_listen(struct net *n, const struct net_listen_prm *prm, uint32_t *id, struct sa *bound)
{
	(void)n;
	forget_tls();
	asked = *prm;
	if (prm->tls) {
		accepts = tls_context_ssl(prm->tls, TLS_ACCEPT, 0);
		connects = tls_context_ssl(prm->tls, TLS_CONNECT, 0);
		tls_context_rules(prm->tls, &verify, &wild);
	}
	*id = 7;
	*bound = prm->bind;
	listens++;
	return 0;
}

struct ws_rules *__real_ws_rules_new(struct str path, struct str origins);
struct ws_rules *__wrap_ws_rules_new(struct str path, struct str origins);
static char let_in[64];

struct ws_rules *__wrap_ws_rules_new(struct str path, struct str origins)
{
	str_copy(let_in, sizeof(let_in), origins);
	return __real_ws_rules_new(path, origins);
}

void __wrap_net_send_streams(struct net *n, struct net_bytes *bytes);
static unsigned pings;

void __wrap_net_send_streams(struct net *n, struct net_bytes *bytes)
{
	(void)n;
	(void)bytes;
	pings++;
}

static int up(void **state)
{
	(void)state;
	files_start(&f);
	write_cert(&f, "good", &(struct cert_prm){ .cn = "a", .by = &f.ca });
	write_cert(&f, "locked", &(struct cert_prm){ .cn = "b", .password = "open sesame" });
	return 0;
}

static int down(void **state)
{
	(void)state;
	forget_tls();
	files_end(&f);
	return 0;
}

static struct snapshot *parse(const char *lines)
{
	struct snapshot *s = NULL;
	char text[2048];

	snprintf(text, sizeof(text), "[t]\ntype=transport\n%s", lines);
	assert_int_equal(snapshot_parse(&s, str_z(text), STR_NULL, NULL, NULL), 0);
	return s;
}

/* A service with that transport, which is listened on; then it is gone. */
static void start(const char *lines)
{
	struct service_prm prm = { .pbx = NULL };
	struct service *svc = NULL;

	world_open(&w, "");
	listens = 0;
	prm.loop = w.loop;
	prm.pbx = w.pbx;
	prm.conf = parse(lines);
	assert_int_equal(service_new(&svc, &prm, NULL), 0);
	obj_drop(prm.conf);
	assert_int_equal(listens, 1);
	service_free(svc);
	world_close(&w);
}

static void sockets(void **state)
{
	char text[SA_TEXT];

	(void)state;
	start("protocol=tcp\nbind=127.0.0.3:5077\ntos=af31\ncos=3\ntcp_keepalive_enable=yes\ntcp_keepalive_idle_time=11\n"
	      "tcp_keepalive_interval_time=12\ntcp_keepalive_probe_count=13\n");
	assert_int_equal(asked.proto, NET_TCP);
	assert_string_equal(sa_text(&asked.bind, text), "127.0.0.3:5077");
	assert_int_equal(asked.tos, 104);
	assert_int_equal(asked.cos, 3);
	assert_true(asked.keepalive);
	assert_int_equal(asked.keepalive_idle, 11);
	assert_int_equal(asked.keepalive_interval, 12);
	assert_int_equal(asked.keepalive_count, 13);
	start("protocol=ws\nbind=127.0.0.3:5078\nwebsocket_write_timeout=777\nwebsocket_origins=https://a.example\n");
	assert_int_equal(asked.proto, NET_WS);
	assert_int_equal(asked.write_ms, 777);
	assert_string_equal(let_in, "https://a.example");
	start("protocol=tcp\nbind=127.0.0.3\n");
	assert_int_equal(asked.tos, -1);
	assert_int_equal(asked.cos, -1);
}

#define TLS "protocol=tls\nbind=127.0.0.3\n"

/* Lines with %s are the directory of the files. */
static void start_tls(const char *lines)
{
	char text[1024], with[1024];

	snprintf(with, sizeof(with), TLS "%s", lines);
	snprintf(text, sizeof(text), with, f.dir, f.dir, f.dir, f.dir);
	start(text);
	assert_non_null(accepts);
}

#define GOOD "cert_file=%s/good.pem\npriv_key_file=%s/good.key\n"

static void certificates(void **state)
{
	X509_NAME *name;
	char cn[16];

	(void)state;
	start_tls("cert_file=%s/locked.pem\npriv_key_file=%s/locked.key\npassword=open sesame\n");
	name = X509_get_subject_name(SSL_get_certificate(accepts));
	assert_true(X509_NAME_get_text_by_NID(name, NID_commonName, cn, sizeof(cn)) > 0);
	assert_string_equal(cn, "b");
	assert_non_null(SSL_get_privatekey(accepts));
}

static void whom_it_believes(void **state)
{
	(void)state;
	start_tls(GOOD "verify_server=yes\nca_list_file=%s/ca.pem\nallow_wildcard_certs=yes\n");
	assert_int_equal(SSL_get_verify_mode(connects), SSL_VERIFY_PEER);
	assert_true(verify && wild);
	start_tls(GOOD "verify_client=yes\nca_list_path=%s\n");
	assert_int_equal(SSL_get_verify_mode(accepts), SSL_VERIFY_PEER);
	/* Without authorities such a transport does not listen. */
	start_tls(GOOD "verify_client=yes\nca_list_file=%s/ca.pem\nrequire_client_cert=yes\n");
	assert_int_equal(SSL_get_verify_mode(accepts), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

static void what_it_speaks(void **state)
{
	(void)state;
	start_tls(GOOD "method=tlsv1_3\n");
	assert_int_equal(SSL_get_min_proto_version(accepts), TLS1_3_VERSION);
	start_tls(GOOD "cipher=ECDHE-ECDSA-AES256-GCM-SHA384\n");
	assert_int_equal(SSL_get_max_proto_version(accepts), TLS1_2_VERSION);
}

/* keep_alive_interval and debug of [global]. */
static void of_the_whole(void **state)
{
	static const char lines[] = "bind=127.0.0.3:5077\n[global]\ntype=global\nkeep_alive_interval=9\ndebug=yes\n";

	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		struct service_prm prm = { .pbx = NULL };
		struct service *svc = NULL;

		world_open(&w, "");
		pings = 0;
		prm.loop = w.loop;
		prm.pbx = w.pbx;
		prm.conf = parse(yes ? lines : "bind=127.0.0.3:5077\n");
		assert_int_equal(service_new(&svc, &prm, NULL), 0);
		obj_drop(prm.conf);
		world_pass(&w, 20000);
		assert_int_equal(pings > 1, yes);
		assert_int_equal(svc->wire.log.on, yes);
		service_free(svc);
		world_close(&w);
	}
}

/* A reload listens anew only where it may. */
static void reloads(void **state)
{
	(void)state;
	for (int may = 0; may < 2; may++) {
		struct service_prm prm = { .pbx = NULL };
		struct service *svc = NULL;
		struct snapshot *next;

		world_open(&w, "");
		prm.loop = w.loop;
		prm.pbx = w.pbx;
		prm.conf = parse("bind=127.0.0.3:5077\n");
		assert_int_equal(service_new(&svc, &prm, NULL), 0);
		obj_drop(prm.conf);
		listens = 0;
		next = parse(may ? "bind=127.0.0.3:5079\nallow_reload=yes\n" : "bind=127.0.0.3:5079\n");
		service_set_conf(svc, next, NULL);
		obj_drop(next);
		assert_int_equal(listens, may);
		service_free(svc);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sockets), cmocka_unit_test(certificates),
		cmocka_unit_test(whom_it_believes), cmocka_unit_test(what_it_speaks), cmocka_unit_test(reloads), cmocka_unit_test(of_the_whole) };

	return cmocka_run_group_tests(tests, up, down);
}
