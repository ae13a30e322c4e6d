/* symmetric_transport: what came by a transport is answered for by requests that leave by it, over a
 * restart too. */
#include "alice.h"
#include "fake_disk.h"
#include "pbx/devstate.h"
#include "service/message/notify.h"
#include "service/place/location.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define HEAD "[one]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\nsymmetric_transport=yes\n" \
	"[two]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5080\n"
#define PHONES \
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\nallow_subscribe=yes\n" \
	ALICE_LINE \
	"[desk](phone)\naors=desk\n%s[desk]\ntype=aor\nmax_contacts=2\nqualify_frequency=60\n"
#define PORT 5070

static char conf[1024];

static void configure(const char *symmetric, const char *of_desk)
{
	int n = snprintf(conf, sizeof(conf), "%s%s", HEAD, symmetric);

	snprintf(conf + n, sizeof(conf) - (size_t)n, PHONES, of_desk);
}

static int setup(void **state)
{
	(void)state;
	configure("symmetric_transport=yes\n", "");
	wire_open_disk(&t, "[default]\nexten => desk,1,Dial(PJSIP/desk)\nexten => up,1,Answer()\n same => n,Wait(5)\n"
		       "exten => lamp,hint,Custom:lamp\n", conf, disk_open);
	alice_begins();
	t.came_by = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(0);
	t.came_by = 0;
	wire_forget(&t);
	service_free(t.svc);
	disk_close();
	wire_forget(&t);
	world_close(&t.w);
	return 0;
}

static void register_desk(const char *host)
{
	static unsigned n;
	char text[1024];

	n++;
	snprintf(text, sizeof(text), "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKs%u\r\n"
		 "From: <sip:desk@127.0.0.1>;tag=a\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: s\r\nCSeq: %u REGISTER\r\n"
		 "Max-Forwards: 70\r\nContact: <sip:desk@%s:5070>;expires=600\r\nContent-Length: 0\r\n\r\n", n, n, host);
	wire_come(&t, "127.0.0.1:5070", text);
	disk_commit(9, 0);
	world_turn(&t.w);
	assert_int_equal(status(SIP_REGISTER), 200);
	/* On the wire nobody sees which transport that was. */
	assert_false(has(response(SIP_REGISTER)->bytes, "txp"));
}

/* The transport's port that the newest request to `port` leaves by. */
static unsigned left_by(enum sip_method m, uint16_t port)
{
	size_t i = request(m, port);

	assert_true(i != SIZE_MAX);
	return sa_port(&t.path[i].local);
}

static void notify_desk(void)
{
	static const struct notify_item check[] = { { STR_INIT("Event"), STR_INIT("check-sync") } };

	wire_forget(&t);
	assert_int_equal(notify_uri(t.svc, STR("desk"), check, 1), 0);
	world_turn(&t.w);
}

static void call_desk(void)
{
	wire_forget(&t);
	alice("INVITE", "desk", 1, "", SDP_ULAW);
}

static void registered(void **state)
{
	(void)state;
	register_desk("127.0.0.1");
	assert_int_equal(left_by(SIP_OPTIONS, PORT), 5080);
	notify_desk();
	assert_int_equal(left_by(SIP_NOTIFY, PORT), 5080);
	call_desk();
	assert_int_equal(left_by(SIP_INVITE, PORT), 5080);
	answer(SIP_INVITE, PORT, 200, "", SDP_ULAW);
	alice("ACK", "desk", 1, "", "");
	assert_int_equal(left_by(SIP_ACK, PORT), 5080);
}

static void after_a_restart(void **state)
{
	(void)state;
	register_desk("127.0.0.1");
	locations_stop(t.svc);
	assert_int_equal(locations_start(t.svc), 0);
	notify_desk();
	assert_int_equal(left_by(SIP_NOTIFY, PORT), 5080);
	call_desk();
	assert_int_equal(left_by(SIP_INVITE, PORT), 5080);
}

/* What the phone wrote stood where the transport's name is now. */
static void of_an_older_file(void **state)
{
	struct location *l;

	(void)state;
	register_desk("127.0.0.1");
	disk_exec("UPDATE contact SET txp='sip:desk@192.168.1.9', orig_uri=NULL");
	locations_stop(t.svc);
	assert_int_equal(locations_start(t.svc), 0);
	l = location_get(t.svc, STR("desk"), false);
	assert_non_null(l);
	assert_true(str_eq(container_of(l->contacts.next, struct contact, link)->orig_uri, STR("sip:desk@192.168.1.9")));
	notify_desk();
	assert_int_equal(left_by(SIP_NOTIFY, PORT), 5060);
}

static void only_when_it_is_on(void **state)
{
	(void)state;
	configure("", "");
	wire_reload(&t, conf);
	/* What shapes messages follows a reload with allow_reload only; a new server it is then. */
	teardown(state);
	wire_open_disk(&t, "[default]\nexten => desk,1,Dial(PJSIP/desk)\n", conf, disk_open);
	alice_begins();
	t.came_by = 1;
	register_desk("127.0.0.1");
	notify_desk();
	assert_int_equal(left_by(SIP_NOTIFY, PORT), 5060);
	call_desk();
	assert_int_equal(left_by(SIP_INVITE, PORT), 5060);
}

static void the_endpoints_own_comes_first(void **state)
{
	(void)state;
	configure("symmetric_transport=yes\n", "transport=one\n");
	wire_reload(&t, conf);
	register_desk("127.0.0.1");
	notify_desk();
	assert_int_equal(left_by(SIP_NOTIFY, PORT), 5060);
	call_desk();
	assert_int_equal(left_by(SIP_INVITE, PORT), 5060);
}

/* A name is RFC 3263's matter. */
static void not_for_names(void **state)
{
	struct net_path from = { .proto = NET_UDP, .transport = t.svc->transports.n == 2 ? t.svc->transports.v[1].id : 0 };
	const struct endpoint *ep = snapshot_endpoint(t.svc->conf, STR("desk"));
	struct str two = service_symmetric(t.svc, t.svc->conf, &from);

	(void)state;
	assert_true(str_eq(two, STR("two")));
	assert_true(str_eq(service_transport_to(t.svc->conf, ep, two, STR("sip:a@10.0.0.1")), STR("two")));
	assert_true(str_eq(service_transport_to(t.svc->conf, ep, two, STR("sip:a@[::1]:5060")), STR("two")));
	assert_int_equal(service_transport_to(t.svc->conf, ep, two, STR("sip:a@phone.test")).n, 0);
	assert_int_equal(service_transport_to(t.svc->conf, ep, STR("gone"), STR("sip:a@10.0.0.1")).n, 0);
	from.proto = NET_TCP;   /* a connection leads back by itself */
	assert_int_equal(service_symmetric(t.svc, t.svc->conf, &from).n, 0);
}

static void in_their_dialogs(void **state)
{
	(void)state;
	alice_calls("up");
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 6000);
	assert_int_equal(left_by(SIP_BYE, 5061), 5080);
	alice_starts_anew();
	alice("SUBSCRIBE", "lamp", 1, "Event: presence\r\nAccept: application/pidf+xml\r\nExpires: 600\r\n", "");
	assert_int_equal(status(SIP_SUBSCRIBE), 200);
	assert_int_equal(left_by(SIP_NOTIFY, 5061), 5080);
	/* A reload makes its settings anew. */
	answer(SIP_NOTIFY, 5061, 200, "", "");
	wire_reload(&t, conf);
	wire_forget(&t);
	assert_int_equal(device_set_custom(t.w.pbx, STR("lamp"), DEV_INUSE), 0);
	world_turn(&t.w);
	assert_int_equal(left_by(SIP_NOTIFY, 5061), 5080);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(registered), T(after_a_restart), T(of_an_older_file), T(only_when_it_is_on), T(the_endpoints_own_comes_first),
		T(not_for_names), T(in_their_dialogs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
