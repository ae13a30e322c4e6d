/* Requests of ours outside of calls: destinations as people write them, NOTIFY on
 * demand, and the address that we show of ourselves. */
#include "alice.h"
#include "base/obj.h"
#include "service/message/notify.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => note,1,Answer()\n same => n,PJSIPNotify(${TO},${WHAT})\n same => n,Set(SENT=yes)\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n";

#define UDP(has) WIRE_UDP has
#define PHONES \
	"[global]\ntype=global\ndefault_outbound_endpoint=bob\nignore_uri_user_options=yes\n" \
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n" \
	ALICE_LINE \
	BOB_LINE \
	"[extra]\ntype=aor\ncontact=sip:127.0.0.1:5064\n" \
	"[far](phone)\naors=far\n[far]\ntype=aor\ncontact=sip:far@127.0.0.1:5065\n" \
	"outbound_proxy=sip:127.0.0.1:5090\\;lr\n" \
	"[lost](phone)\naors=lost\n[lost]\ntype=aor\n"

static const struct notify_item check[] = { { STR_INIT("Event"), STR_INIT("check-sync") } };

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, UDP("") PHONES);
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(0);
	wire_close(&t);
	return 0;
}

static void reopen(void **state, const char *pjsip)
{
	teardown(state);
	wire_open(&t, plan, pjsip);
	alice_begins();
}

/* ---- destinations ------------------------------------------------------------------------ */

static void destinations(void **state)
{
	static const struct { const char *dest; int err; const char *uri; uint16_t port; } tv[] = {
		{ "alice", 0, "sip:alice@127.0.0.1:5061", 5061 }, { " alice ", 0, "sip:alice@127.0.0.1:5061", 5061 },
		{ "alice@example.org", 0, "sip:alice@127.0.0.1:5061", 5061 },
		{ "alice;phone-context=x", 0, "sip:alice@127.0.0.1:5061", 5061 },
		{ "\"Al\" <alice>", EINVAL, NULL, 0 }, { "bob/extra", 0, "sip:127.0.0.1:5064", 5064 },
		{ "bob/lost", ECHILD, NULL, 0 }, { "nobody/extra", ENOENT, NULL, 0 },
		{ "bob/sip:z@127.0.0.1:5080", 0, "sip:z@127.0.0.1:5080", 5080 },
		{ "PJSIP/alice", 0, "sip:alice@127.0.0.1:5061", 5061 },
		{ "PJSIP/700@alice", 0, "sip:700@127.0.0.1:5061", 5061 },
		{ "PJSIP/lost", ECHILD, NULL, 0 }, { "PJSIP/7@nobody", ENOENT, NULL, 0 }, { "lost", ECHILD, NULL, 0 },
		{ "sip:q@127.0.0.1:5081", 0, "sip:q@127.0.0.1:5081", 5081 },
		{ "\"Q\" <sip:q@127.0.0.1:5081>", 0, "sip:q@127.0.0.1:5081", 5081 },
		{ "q@127.0.0.1:5082", 0, "sip:q@127.0.0.1:5082", 5082 }, { "", EINVAL, NULL, 0 }, { "<sip", EINVAL, NULL, 0 },
		{ "sip:", EINVAL, NULL, 0 }, { "far", 0, "sip:far@127.0.0.1:5065", 5090 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		int err = notify_uri(t.svc, str_z(tv[i].dest), check, 1);

		if (err != tv[i].err)
			fail_msg("'%s': %s", tv[i].dest, strerror(err));
		if (err)
			continue;
		if (!str_eq(requested(SIP_NOTIFY, tv[i].port)->ruri.text, str_z(tv[i].uri)))
			fail_msg("'%s' to %.*s", tv[i].dest, STR_ARG(requested(SIP_NOTIFY, tv[i].port)->ruri.text));
		if (tv[i].port == 5090)
			assert_string_equal(wire_header(requested(SIP_NOTIFY, 5090), "Route"), "<sip:127.0.0.1:5090;lr>");
		answer(SIP_NOTIFY, tv[i].port, 200, "", "");
		wire_forget(&t);
	}
}

/* ---- PJSIPNotify() ------------------------------------------------------------------------- */

static void in_the_call(void **state)
{
	struct sip_msg *m;

	(void)state;
	set_global("TO", "");
	set_global("WHAT", "&Event=talk&X-A= b =c&Content=left out");
	alice_talks("note");
	world_pass(&t.w, 600);
	m = requested(SIP_NOTIFY, 5061);
	assert_true(str_eq(m->call_id, STR("c1")));
	assert_string_equal(wire_header(m, "Event"), "talk");
	assert_string_equal(wire_header(m, "X-A"), "b =c");
	assert_int_equal(m->body.n, 0);         /* without a type there is no body */
	assert_string_equal(world_var(only_channel(), "SENT"), "yes");
}

static void to_somebody_else(void **state)
{
	(void)state;
	set_global("TO", "bob");
	set_global("WHAT", "&Event=talk");
	alice_talks("note");
	world_pass(&t.w, 600);
	assert_string_equal(wire_header(requested(SIP_NOTIFY, 5062), "Event"), "talk");
	assert_true(str_starts(str_z(wire_header(requested(SIP_NOTIFY, 5062), "From")), STR("<sip:bob@127.0.0.1>;tag=")));
	assert_string_equal(wire_header(requested(SIP_NOTIFY, 5062), "Contact"), "<sip:bob@127.0.0.1:5060>");
	assert_string_equal(wire_header(requested(SIP_NOTIFY, 5062), "To"), "<sip:bob@127.0.0.1>");
	assert_string_equal(world_var(only_channel(), "SENT"), "yes");
}

/* The call goes on: who should get it is not its affair. */
static void to_nobody(void **state)
{
	static const struct { const char *to, *what; } tv[] = {
		{ "lost", "&Event=talk" }, { "bob", "unknown-kind" }, { "bob", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		set_global("TO", tv[i].to);
		set_global("WHAT", tv[i].what);
		alice_talks("note");
		world_pass(&t.w, 600);
		assert_string_equal(world_var(only_channel(), "SENT"), "yes");
		alice("BYE", "note", 2, "", "");
		assert_int_equal(request(SIP_NOTIFY, 5062), SIZE_MAX);
	}
	assert_int_equal(notify_channel(world_call_in(&t.w, "fake", "1", "default", "up")->ch, check, 1), ENOENT);
}

static void kinds_from_a_file(void **state)
{
	char dir[] = "/tmp/sidetone-test-XXXXXX", path[64];
	const struct config_prm prm = { .dir = dir };
	struct notify_conf *nc = NULL;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	/* No file is no fault. */
	assert_int_equal(notify_conf_load(&nc, &prm, NULL), 0);
	notify_set_conf(t.svc, nc);
	nc = obj_drop(nc);
	assert_null(notify_kind(t.svc, STR("reboot")));
	snprintf(path, sizeof(path), "%s/pjsip_notify.conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[reboot]\nEvent=>check-sync\n", f);
	fclose(f);
	assert_int_equal(notify_conf_load(&nc, &prm, NULL), 0);
	notify_set_conf(t.svc, nc);
	nc = obj_drop(nc);
	unlink(path);
	rmdir(dir);
	set_global("TO", "bob");
	set_global("WHAT", "reboot");
	alice_talks("note");
	world_pass(&t.w, 600);
	assert_string_equal(wire_header(requested(SIP_NOTIFY, 5062), "Event"), "check-sync");
}

static const char *item(const struct notify_kind *k, const char *name)
{
	static char room[128];

	for (size_t i = 0; k && i < k->n; i++)
		if (str_ieq(k->v[i].name, str_z(name))) {
			str_copy(room, sizeof(room), k->v[i].value);
			return room;
		}
	return "";
}

/* Those that come with the program. */
static void kinds_of_ours(void **state)
{
	const struct config_prm prm = { .dir = TEST_DATA "/../../etc" };
	struct report *r = GOT(report_new());
	struct notify_conf *nc = NULL;

	(void)state;
	assert_int_equal(notify_conf_load(&nc, &prm, r), 0);
	assert_int_equal(report_errors(r), 0);
	report_free(r);
	notify_set_conf(t.svc, nc);
	nc = obj_drop(nc);
	assert_string_equal(item(notify_kind(t.svc, STR("snom-reboot")), "Event"), "check-sync;reboot=true");
	assert_string_equal(item(notify_kind(t.svc, STR("clear-mwi")), "Content"), "Messages-Waiting: no");
	assert_string_equal(item(notify_kind(t.svc, STR("cisco-restart")), "Content"), "action=restart");
	assert_int_equal(notify_kind(t.svc, STR("unidata-clear-mwi"))->n, 5);
}

/* ---- our own address --------------------------------------------------------------------------- */

#define EXTERNAL(has) UDP("local_net=10.0.0.0/8\n" has) PHONES

static void signaling_address(void **state)
{
	static const struct { const char *conf, *host; } tv[] = {
		{ EXTERNAL(""), "127.0.0.1:5060" },
		{ EXTERNAL("external_signaling_address=203.0.113.5\n"), "203.0.113.5:5060" },
		{ EXTERNAL("external_signaling_address=203.0.113.5\nexternal_signaling_port=5070\n"), "203.0.113.5:5070" },
		{ EXTERNAL("external_signaling_address=203.0.113.5:5071\n"), "203.0.113.5:5071" },
		{ EXTERNAL("external_signaling_address=203.0.113.5:5071\nexternal_signaling_port=5070\n"), "203.0.113.5:5070" },
		{ EXTERNAL("external_signaling_address=[2001:db8::1]:5072\n"), "[2001:db8::1]:5072" },
		{ EXTERNAL("external_signaling_address=2001:db8::1\n"), "[2001:db8::1]:5060" },
		{ EXTERNAL("external_signaling_hostname=sip.example.org\n"), "sip.example.org:5060" },
		/* she is in our own network */
		{ UDP("local_net=127.0.0.0/8\nexternal_signaling_address=203.0.113.5\n") PHONES, "127.0.0.1:5060" },
	};

	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char expected[64];

		reopen(state, tv[i].conf);
		assert_int_equal(notify_uri(t.svc, STR("bob"), check, 1), 0);
		snprintf(expected, sizeof(expected), "<sip:%s>", tv[i].host);
		if (!str_ends(str_z(wire_header(requested(SIP_NOTIFY, 5062), "Contact")), str_skip(str_z(expected), 5)))
			fail_msg("%zu: Contact %s", i, wire_header(requested(SIP_NOTIFY, 5062), "Contact"));
		snprintf(expected, sizeof(expected), "SIP/2.0/UDP %s;", tv[i].host);
		if (!str_starts(str_z(wire_header(requested(SIP_NOTIFY, 5062), "Via")), str_z(expected)))
			fail_msg("%zu: Via %s", i, wire_header(requested(SIP_NOTIFY, 5062), "Via"));
		answer(SIP_NOTIFY, 5062, 200, "", "");
	}
}

static void media_address(void **state)
{
	static const struct { const char *conf, *line; } tv[] = {
		{ EXTERNAL(""), "c=IN IP4 127.0.0.1\r\n" },
		{ UDP("external_media_address=203.0.113.6\n") PHONES, "c=IN IP4 203.0.113.6\r\n" },
		/* Our own address is none of local_net: nothing hides it. */
		{ EXTERNAL("external_media_address=203.0.113.6\n"), "c=IN IP4 127.0.0.1\r\n" },
		{ UDP("local_net=127.0.0.0/8\nexternal_media_address=203.0.113.6\n") PHONES, "c=IN IP4 127.0.0.1\r\n" },
		{ EXTERNAL("external_media_address=203.0.113.6\n") "[alice](+)\nmedia_address=203.0.113.7\n",
		  "c=IN IP4 203.0.113.7\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct str body;

		reopen(state, tv[i].conf);
		alice_calls("up");
		assert_int_equal(status(SIP_INVITE), 200);
		body = response(SIP_INVITE)->body;
		if (str_find(body, str_z(tv[i].line)) == body.n)
			fail_msg("%zu: %.*s", i, STR_ARG(body));
		alice("ACK", "up", 1, "", "");
	}
}

/* ---- transports ----------------------------------------------------------------------------------- */

/* The faults found while `pjsip` becomes the configuration, a line each; the next call's buffer. */
static const char *reload(const char *pjsip)
{
	static char room[1024];
	struct report *r = GOT(report_new());
	struct snapshot *s = NULL;
	struct buf b;

	assert_int_equal(snapshot_parse(&s, str_z(pjsip), STR_NULL, NULL, NULL), 0);
	service_set_conf(t.svc, s, r);
	obj_drop(s);
	buf_init(&b, room, sizeof(room), sizeof(room));
	for (size_t i = 0; i < report_count(r); i++)
		buf_puts(&b, report_at(r, i)->text, STR("\n"));
	report_free(r);
	return buf_z(&b);
}

static void transports_that_change(void **state)
{
	static const char moved[] = "transport 'udp' changed but is not reloaded: say allow_reload=yes or restart\n";

	(void)state;
	assert_string_equal(reload(UDP("") PHONES), "");
	assert_string_equal(reload("[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5066\n" PHONES), moved);
	assert_string_equal(reload("[udp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:5060\n" PHONES), moved);
	assert_int_equal(sa_port(&service_transport(t.svc, STR("udp"))->bound), 5060);
	/* A new one opens; what only shapes messages needs leave. */
	assert_string_equal(reload(UDP("external_media_address=203.0.113.6\n")
				   "[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:5067\n" PHONES), "");
	assert_int_equal(service_transport(t.svc, STR("tcp"))->proto, NET_TCP);
	assert_int_equal(service_transport(t.svc, STR("udp"))->conf->external_media_address.n, 0);
	assert_string_equal(reload(UDP("external_media_address=203.0.113.6\nallow_reload=yes\n") PHONES), "");
	assert_true(str_eq(service_transport(t.svc, STR("udp"))->conf->external_media_address, STR("203.0.113.6")));
	assert_null(service_transport(t.svc, STR("none")));
	assert_null(service_transport_by_id(t.svc, 77));
}

/* WebSocket: at a port of its own, or where http.conf says; there is none here. */
static void websocket_transports(void **state)
{
	const struct service_transport *ws;

	(void)state;
	assert_string_equal(reload(UDP("") PHONES "[ws]\ntype=transport\nprotocol=ws\nbind=127.0.0.1:5068\n"), "");
	ws = service_transport(t.svc, STR("ws"));
	assert_non_null(ws);
	assert_int_equal(ws->proto, NET_WS);
	assert_int_equal(sa_port(&ws->bound), 5068);
	assert_string_equal(reload(UDP("") PHONES "[two]\ntype=transport\nprotocol=ws\nbind=127.0.0.1\n"),
			    "transport 'two' does not listen: give its bind= a port, or say enabled=yes in http.conf\n");
	assert_string_equal(reload(UDP("") PHONES "[three]\ntype=transport\nprotocol=wss\n"),
			    "transport 'three' does not listen: give its bind= a port, or say enabled=yes and tlsenable=yes in "
			    "http.conf\n");
	assert_string_equal(reload(UDP("") PHONES "[flow]\ntype=transport\nprotocol=flow\n"),
			    "transport 'flow': protocol flow is not there yet; it does not listen\n");
}

/* Without its certificate it is refused, and the report says what to do. */
static void transport_without_certificate(void **state)
{
	(void)state;
	assert_string_equal(reload(UDP("") PHONES "[tls]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:5061\n"),
			    "transport 'tls': TLS needs cert_file= and priv_key_file=, the certificate of this server and its key\n");
	assert_null(service_transport(t.svc, STR("tls")));
	assert_string_equal(reload(UDP("") PHONES "[tls]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:5061\nmethod=sslv3\n"),
			    "transport 'tls': method: SSL 2 and 3 are broken and not spoken here; set method=tlsv1_2\n");
}

/* Over which of them a peer is reached. */
static void routes(void **state)
{
	struct net_path path;
	struct sa v4, v6;

	reopen(state, "[any]\ntype=transport\nprotocol=udp\nbind=0.0.0.0:5060\n" PHONES);
	assert_int_equal(sa_parse(&v4, STR("127.0.0.9:5061")), 0);
	assert_int_equal(sa_parse(&v6, STR("[::1]:5061")), 0);
	assert_int_equal(service_route(t.svc, &path, STR("none"), NET_UDP, &v4), ENOENT);
	assert_int_equal(service_route(t.svc, &path, STR_NULL, NET_TCP, &v4), ENETUNREACH);
	assert_int_equal(service_route(t.svc, &path, STR_NULL, NET_UDP, &v6), ENETUNREACH);
	/* The kernel says which address of ours such a peer sees. */
	assert_int_equal(service_route(t.svc, &path, STR_NULL, NET_UDP, &v4), 0);
	assert_false(sa_is_any(&path.local));
	assert_int_equal(sa_port(&path.local), 5060);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(destinations), T(in_the_call), T(to_somebody_else), T(to_nobody), T(kinds_from_a_file), T(kinds_of_ours),
		T(signaling_address), T(media_address), T(transports_that_change), T(websocket_transports),
		T(transport_without_certificate), T(routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
