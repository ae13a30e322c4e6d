/* Registrations of ours, text messages and NOTIFY on demand, as their peers see
 * them. */
#include "svc_wire.h"
#include "base/obj.h"
#include "service/message/message.h"
#include "service/message/notify.h"
#include "service/outbound/oauth.h"
#include "service/outbound/outbound.h"
#include "../unit/store_stage.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define REG(more) WIRE_UDP "[far]\ntype=registration\nserver_uri=sip:127.0.0.1:5061\n" \
	"client_uri=sip:us@127.0.0.1\nmax_random_initial_delay=0\n" more

static struct wire t;

static enum outbound_status status(void)
{
	int64_t left;

	return outbound_status(t.svc, STR("far"), &left);
}

static int close_wire(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

/* ---- OAuth ------------------------------------------------------------ */

static void tokens(void **state)
{
	static const struct { const char *json, *token; } tv[] = {
		{ "{\"access_token\":\"ya29.a-b_c/d\",\"expires_in\":3599}", "ya29.a-b_c/d" }, { "{\"access_token\":\"a\\\"b\"}", NULL },
		{ "{\"access_token\":\"a\\r\\nb\"}", NULL }, { "{\"access_token\":\"\"}", NULL }, { "{\"access_token\":7}", NULL },
		{ "{\"error\":\"invalid_grant\"}", NULL }, { "[]", NULL }, { "nonsense", NULL }, { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct text token = { 0 };
		int err = oauth_token_of(str_z(tv[i].json), &token);
		bool same = !err && tv[i].token && str_eq(text_view(&token), str_z(tv[i].token));

		text_free(&token);
		if (tv[i].token)
			assert_true(same);
		else
			assert_int_equal(err, EBADMSG);
	}
}

/* Until the pool has answered; the clock stands still. */
static void await_register(void)
{
	for (int i = 0; i < 5000 && !t.n; i++) {
		world_turn(&t.w);
		usleep(1000);
	}
	assert_int_equal(t.n, 1);
}

/* Nobody gives a token: as in Asterisk the password is taken for one. */
static void test_bearer(void **state)
{
	(void)state;
	wire_open(&t, "", REG("expiration=60\nretry_interval=5\nauth_rejection_permanent=no\n"
			      "outbound_auth=me\n[me]\ntype=auth\nauth_type=google_oauth\n"
			      "username=me\npassword=to\"ken\nrealm=there\nrefresh_token=r\noauth_clientid=c\noauth_secret=s\n"));
	t.svc->token_url = "http://127.0.0.1:9/";       /* not https: refused without a packet */
	world_pass(&t.w, 1200);
	await_register();
	assert_string_equal(wire_header(wire_last(&t), "Authorization"),
			    "Bearer token=\"to\\\"ken\", username=\"me\", realm=\"there\"");
	wire_reply(&t, SIP_REGISTER, 401, "WWW-Authenticate: Bearer realm=\"there\"\r\n");
	assert_int_equal(status(), OUTBOUND_REJECTED);
	world_pass(&t.w, 5100);
	await_register();
	wire_reply(&t, SIP_REGISTER, 200, "Contact: <sip:s@127.0.0.1:5060>;expires=60\r\n");
	assert_int_equal(status(), OUTBOUND_REGISTERED);
	/* One that is asked for while everything ends. */
	world_pass(&t.w, 51000);
}

/* ---- registrations ---------------------------------------------------- */

static void test_register_life(void **state)
{
	(void)state;
	wire_open(&t, "", REG("expiration=10\noutbound_auth=me\ncontact_user=bob\nsupport_path=yes\n"
			      "[me]\ntype=auth\nauth_type=userpass\nusername=me\npassword=pw\n"));
	world_pass(&t.w, 900);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 300);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "10");
	assert_string_equal(wire_header(wire_last(&t), "Contact"), "<sip:bob@127.0.0.1:5060>");
	assert_string_equal(wire_header(wire_last(&t), "To"), "<sip:us@127.0.0.1>");
	assert_string_equal(wire_header(wire_last(&t), "Supported"), "path");
	assert_int_equal(wire_last(&t)->cseq, 1);
	wire_reply(&t, SIP_REGISTER, 423, "Min-Expires: 20\r\n");
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "20");
	assert_int_equal(wire_last(&t)->cseq, 2);
	wire_reply(&t, SIP_REGISTER, 401, "WWW-Authenticate: Digest realm=\"far\",nonce=\"1\"\r\n");
	assert_true(str_starts(str_z(wire_header(wire_last(&t), "Authorization")), STR("Digest username=\"me\"")));
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "20");
	wire_reply(&t, SIP_REGISTER, 200, "Expires: 20\r\n");
	assert_int_equal(status(), OUTBOUND_REGISTERED);
	assert_int_equal(world_events(&t.w, "Registry", "Status: Registered"), 1);
	/* Ten seconds before the end, with the next CSeq of the same Call-ID. */
	world_pass(&t.w, 9500);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 600);
	assert_int_equal(wire_last(&t)->cseq, 4);
	wire_reply(&t, SIP_REGISTER, 200, "Expires: 0\r\n");
	assert_int_equal(status(), OUTBOUND_UNREGISTERED);
	assert_int_equal(t.n, 0);
}

static void test_contact_expires_wins(void **state)
{
	int64_t left;

	(void)state;
	wire_open(&t, "", REG(""));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 200, "Contact: <sip:other@1.2.3.4>;expires=30\r\n"
		   "Contact: <sip:s@127.0.0.1:5060>;expires=100\r\nExpires: 3600\r\n");
	assert_int_equal(outbound_status(t.svc, STR("far"), &left), OUTBOUND_REGISTERED);
	assert_in_range(left, 89, 90);
}

static void test_no_423_loop(void **state)
{
	(void)state;
	wire_open(&t, "", REG("expiration=60\n"));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 423, "Min-Expires: 30\r\n");
	assert_int_equal(t.n, 0);
	assert_int_equal(status(), OUTBOUND_REJECTED);
}

static void test_retries(void **state)
{
	(void)state;
	wire_open(&t, "", REG("retry_interval=5\nmax_retries=1\n"));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 503, "");
	assert_int_equal(status(), OUTBOUND_REJECTED);
	world_pass(&t.w, 4800);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 400);
	wire_reply(&t, SIP_REGISTER, 503, "");
	world_pass(&t.w, 60000);
	assert_int_equal(t.n, 0);       /* that was the last */
	assert_int_equal(world_events(&t.w, "Registry", "Status: Rejected"), 2);
}

static void test_forbidden(void **state)
{
	(void)state;
	wire_open(&t, "", REG("retry_interval=5\nforbidden_retry_interval=30\n"));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 404, "");
	world_pass(&t.w, 60000);
	assert_int_equal(t.n, 0);       /* fatal_retry_interval=0 */
	assert_int_equal(outbound_register(t.svc, STR("far")), 0);
	wire_reply(&t, SIP_REGISTER, 403, "");
	world_pass(&t.w, 29000);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 1200);
	wire_reply(&t, SIP_REGISTER, 200, "");
	assert_int_equal(status(), OUTBOUND_REGISTERED);
}

static void test_retry_after(void **state)
{
	(void)state;
	wire_open(&t, "", REG("retry_interval=5\nmax_retries=0\n"));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 503, "Retry-After: 9 (busy);duration=60\r\n");
	world_pass(&t.w, 8800);
	assert_int_equal(t.n, 0);
	world_pass(&t.w, 400);
	assert_int_equal(t.n, 1);
}

static void test_unregister(void **state)
{
	(void)state;
	wire_open(&t, "", REG(""));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 200, "");
	assert_int_equal(outbound_unregister(t.svc, STR("near")), ENOENT);
	assert_int_equal(outbound_unregister(t.svc, STR("*all")), 0);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	wire_reply(&t, SIP_REGISTER, 200, "");
	assert_int_equal(status(), OUTBOUND_UNREGISTERED);
	world_pass(&t.w, 4000000);
	assert_int_equal(t.n, 0);
	assert_int_equal(outbound_register(t.svc, STR("far")), 0);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "3600");
	wire_reply(&t, SIP_REGISTER, 200, "");
	/* Anew: the old one goes first. */
	assert_int_equal(outbound_register(t.svc, STR("far")), 0);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	wire_reply(&t, SIP_REGISTER, 200, "");
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "3600");
}

static void test_stop(void **state)
{
	(void)state;
	wire_open(&t, "", REG(""));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 200, "");
	assert_true(service_stopped(t.svc));
	service_stop(t.svc);
	assert_false(service_stopped(t.svc));
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	wire_reply(&t, SIP_REGISTER, 200, "");
	assert_true(service_stopped(t.svc));
	service_resume(t.svc);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "3600");
}

static void test_reload(void **state)
{
	(void)state;
	wire_open(&t, "", REG(""));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 200, "");
	wire_reload(&t, REG(""));
	world_pass(&t.w, 5000);
	assert_int_equal(t.n, 0);
	assert_int_equal(status(), OUTBOUND_REGISTERED);
	wire_reload(&t, REG("contact_user=bob\n"));
	assert_int_equal(t.n, 1);
	assert_string_equal(wire_header(wire_last(&t), "Contact"), "<sip:s@127.0.0.1:5060>");
	wire_reply(&t, SIP_REGISTER, 200, "");
	world_pass(&t.w, 1100);
	assert_string_equal(wire_header(wire_last(&t), "Contact"), "<sip:bob@127.0.0.1:5060>");
	wire_reply(&t, SIP_REGISTER, 200, "");
	wire_reload(&t, WIRE_UDP);
	assert_string_equal(wire_header(wire_last(&t), "Expires"), "0");
	wire_reply(&t, SIP_REGISTER, 200, "");
	world_pass(&t.w, 4000000);
	assert_int_equal(t.n, 0);
}

#define MESSAGE_TO(id, uri, to, type, body) \
	"MESSAGE " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-" id "\r\n" \
	"From: alice <sip:alice@127.0.0.1:5061>;tag=1\r\nTo: <" to ">\r\nCall-ID: " id "\r\nCSeq: 1 MESSAGE\r\n" \
	"X-Data: 7\r\n" type "\r\n" body
#define PLAIN "Content-Type: text/plain\r\n"

static void test_line(void **state)
{
	char text[512], line[64];
	struct sip_addr a;
	struct str v;

	(void)state;
	wire_open(&t, "[in]\nexten => _X.,1,UserEvent(Got)\n",
		  REG("line=yes\nendpoint=trunk\n[trunk]\ntype=endpoint\ncontext=in\n"));
	world_pass(&t.w, 1100);
	assert_int_equal(sip_addr_parse(&a, str_z(wire_header(wire_last(&t), "Contact"))), 0);
	assert_true(sip_uri_param(&a.uri, STR("line"), &v));
	str_copy(line, sizeof(line), v);
	assert_true(str_eq(outbound_of_line(t.svc, v), STR("far")));
	wire_reply(&t, SIP_REGISTER, 200, "");
	snprintf(text, sizeof(text), "MESSAGE sip:77@127.0.0.1;line=%s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.9:5061;branch=z9hG4bK1\r\nFrom: <sip:who@x>;tag=1\r\nTo: <sip:77@x>\r\n"
		 "Call-ID: 1\r\nCSeq: 1 MESSAGE\r\n" PLAIN "\r\nhello", line);
	wire_come(&t, "127.0.0.9:5061", text);
	assert_int_equal(wire_last(&t)->status, 202);
	wire_forget(&t);
	memset(line, 'x', strlen(line));
	snprintf(text, sizeof(text), "MESSAGE sip:77@127.0.0.1;line=%s SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.9:5061;branch=z9hG4bK2\r\nFrom: <sip:who@x>;tag=2\r\nTo: <sip:77@x>\r\n"
		 "Call-ID: 2\r\nCSeq: 1 MESSAGE\r\n" PLAIN "\r\nhello", line);
	wire_come(&t, "127.0.0.9:5061", text);
	assert_int_equal(wire_last(&t)->status, 401);
}

/* The other server calls the contact that it still has. */
static void test_line_stays(void **state)
{
#define LINED REG("line=yes\nendpoint=trunk\n[trunk]\ntype=endpoint\ncontext=in\n")
	struct store_world disk;
	char line[64];
	struct sip_addr a;
	struct str v;

	(void)state;
	make_dir(&disk);
	open_all(&disk);
	assert_int_equal(store_start(disk.store), 0);
	wire_open(&t, "[in]\nexten => _X.,1,UserEvent(Got)\n", WIRE_UDP);
	t.w.pbx->db = disk.db;
	wire_reload(&t, LINED);
	world_pass(&t.w, 1100);
	assert_int_equal(sip_addr_parse(&a, str_z(wire_header(wire_last(&t), "Contact"))), 0);
	assert_true(sip_uri_param(&a.uri, STR("line"), &v));
	str_copy(line, sizeof(line), v);
	outbound_free(t.svc);
	assert_int_equal(outbound_start(t.svc), 0);
	assert_true(str_eq(outbound_of_line(t.svc, str_z(line)), STR("far")));
	/* Of one that is configured no more nothing is left. */
	assert_int_equal(astdb_count(disk.db), 1);
	wire_reload(&t, WIRE_UDP);
	assert_int_equal(astdb_count(disk.db), 0);
	wire_reload(&t, LINED);
	assert_false(str_eq(outbound_of_line(t.svc, str_z(line)), STR("far")));
	t.w.pbx->db = NULL;
	store_close(disk.store);
	astdb_free(disk.db);
	loop_free(disk.loop);
	wire_close(&t);
	remove_dir(&disk);
}

/* ---- text messages ------------------------------------------------------ */

#define PHONES WIRE_UDP "[alice]\ntype=endpoint\ncontext=calls\nmessage_context=text\naors=alice\n" \
	"[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n"
static const char plan[] =
	"[text]\nexten => eggs,1,UserEvent(Text,From: ${MESSAGE(from)},To: ${MESSAGE(to)},Body: ${MESSAGE(body)},"
	"X: ${MESSAGE_DATA(X-Data)},Channel2: ${CHANNEL(name)})\n same => n,Wait(1)\n"
	"exten => h,1,UserEvent(Over)\n"
	"exten => echo,1,Set(MESSAGE_DATA(X-More)=9)\n"
	" same => n,MessageSend(pjsip:alice,\"Bob B\" <sip:bob@b>)\n"
	" same => n,UserEvent(Sent,Status: ${MESSAGE_SEND_STATUS})\n"
	" same => n,MessageSend(xmpp:alice)\n same => n,UserEvent(Sent,Status: ${MESSAGE_SEND_STATUS})\n"
	" same => n,MessageSend(pjsip:nobody)\n same => n,UserEvent(Sent,Status: ${MESSAGE_SEND_STATUS})\n";

static void test_message_in(void **state)
{
	(void)state;
	wire_open(&t, plan, PHONES);
	wire_come(&t, "127.0.0.1:5061", MESSAGE_TO("1", "sip:eggs@127.0.0.1", "sip:eggs@127.0.0.1:5060", PLAIN, "one\r\n"));
	assert_int_equal(wire_last(&t)->status, 202);
	world_turn(&t.w);
	assert_int_equal(world_events(&t.w, "UserEvent", "From: alice <sip:alice@127.0.0.1>"), 1);
	assert_int_equal(world_events(&t.w, "UserEvent", "To: pjsip:eggs@127.0.0.1"), 1);
	assert_int_equal(world_events(&t.w, "UserEvent", "Body: one"), 1);
	assert_int_equal(world_events(&t.w, "UserEvent", "X: 7"), 1);
	assert_int_equal(world_events(&t.w, "UserEvent", "Channel2: Message/ast_msg_queue"), 1);
	/* The same again is an echo of the wire, another one waits for its turn. */
	wire_come(&t, "127.0.0.1:5061", MESSAGE_TO("1", "sip:eggs@127.0.0.1", "sip:eggs@127.0.0.1:5060", PLAIN, "one\r\n"));
	wire_come(&t, "127.0.0.1:5061", MESSAGE_TO("2", "sip:eggs@127.0.0.1", "sip:eggs@127.0.0.2", PLAIN, "two"));
	world_turn(&t.w);
	assert_int_equal(world_events(&t.w, "UserEvent", NULL), 1);
	world_pass(&t.w, 1100);
	assert_int_equal(world_events(&t.w, "UserEvent", "Body: two"), 1);
	assert_int_equal(world_events(&t.w, "UserEvent", NULL), 2);
	world_pass(&t.w, 1100);
	/* They are no calls: nothing is run when each is over, and no call is heard of. */
	assert_int_equal(world_events(&t.w, "UserEvent", NULL), 2);
	assert_int_equal(world_events(&t.w, "Newchannel", NULL) + world_events(&t.w, "Hangup", NULL), 0);
}

static void test_message_refused(void **state)
{
	(void)state;
	wire_open(&t, plan, PHONES);
	wire_come(&t, "127.0.0.1:5061", MESSAGE_TO("1", "sip:ham@127.0.0.1", "sip:ham@127.0.0.1", PLAIN, "x"));
	assert_int_equal(wire_last(&t)->status, 404);
	wire_come(&t, "127.0.0.1:5061", MESSAGE_TO("2", "sip:eggs@127.0.0.1", "sip:eggs@127.0.0.1",
						   "Content-Type: text/html\r\n", "x"));
	assert_int_equal(wire_last(&t)->status, 415);
	assert_string_equal(wire_header(wire_last(&t), "Accept"), "text/plain");
	world_turn(&t.w);
	assert_int_equal(world_events(&t.w, "UserEvent", NULL), 0);
}

static void test_message_app(void **state)
{
	struct sip_msg *m = NULL;

	(void)state;
	wire_open(&t, plan, PHONES);
	wire_come(&t, "127.0.0.1:5061", MESSAGE_TO("1", "sip:echo@127.0.0.1", "sip:echo@127.0.0.1", PLAIN, "one"));
	world_turn(&t.w);
	for (size_t i = 0; i < t.n; i++)
		if (t.sent[i]->request)
			m = t.sent[i];
	assert_non_null(m);
	assert_int_equal(m->method, SIP_MESSAGE);
	assert_true(str_eq(m->ruri.text, STR("sip:alice@127.0.0.1:5061")));
	assert_true(str_starts(str_z(wire_header(m, "From")), STR("\"Bob B\" <sip:bob@b>;tag=")));
	assert_string_equal(wire_header(m, "X-More"), "9");
	assert_string_equal(wire_header(m, "X-Data"), "");      /* it came; nobody said to pass it on */
	assert_string_equal(wire_header(m, "Contact"), "");
	assert_true(str_eq(m->body, STR("one")));
	assert_int_equal(world_events(&t.w, "UserEvent", "Status: SUCCESS"), 1);
	assert_int_equal(world_events(&t.w, "UserEvent", "Status: INVALID_PROTOCOL"), 1);
	assert_int_equal(world_events(&t.w, "UserEvent", "Status: FAILURE"), 1);
}

static void send_text(void)
{
	struct message *m = message_new();

	assert_int_equal(text_set(&m->body, STR("hello")), 0);
	assert_int_equal(message_send(t.svc, m, STR("pjsip:alice"), STR("sip:me@here")), 0);
	obj_drop(m);
}

static void test_message_redirect(void **state)
{
	(void)state;
	wire_open(&t, "", WIRE_UDP "[alice]\ntype=endpoint\naors=alice\nfollow_redirect_methods=message\n"
		  "[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n");
	send_text();
	wire_reply(&t, SIP_MESSAGE, 305, "Contact: <sip:b@127.0.0.1:5063>;q=0.5\r\n"
		   "Contact: <sip:a@127.0.0.1:5062>\r\nContact: <tel:1>\r\n");
	assert_true(str_eq(wire_last(&t)->ruri.user, STR("a")));
	assert_true(str_eq(wire_last(&t)->body, STR("hello")));
	wire_reply(&t, SIP_MESSAGE, 403, "");
	assert_true(str_eq(wire_last(&t)->ruri.user, STR("b")));
	/* Back to where it was: no circle. */
	wire_reply(&t, SIP_MESSAGE, 302, "Contact: <sip:a@127.0.0.1:5062>, <sip:alice@127.0.0.1:5061>\r\n");
	assert_int_equal(t.n, 0);
	assert_true(list_empty(message_deliveries(t.svc)));
	send_text();
	wire_reply(&t, SIP_MESSAGE, 202, "");
	assert_true(list_empty(message_deliveries(t.svc)));
}

static void test_message_not_redirected(void **state)
{
	(void)state;
	wire_open(&t, "", PHONES);
	send_text();
	wire_reply(&t, SIP_MESSAGE, 305, "Contact: <sip:a@127.0.0.1:5062>\r\n");
	assert_int_equal(t.n, 0);
	send_text();    /* and one that is still on its way at the end */
}

/* ---- NOTIFY ------------------------------------------------------------- */

static void test_notify(void **state)
{
	static const char text[] = "[general]\nx=y\n[Check]\nEvent=>check-sync\nContent-type=a/b\nContent=1\nContent=2\nContent=\n";
	const struct notify_item bad[] = { { STR("Via"), STR("x") }, { STR("f"), STR("x") },
		{ STR("X: y\r\nZ"), STR("x") }, { STR("Event"), STR("a\r\nEvil: yes") }, { STR("o"), STR("b") } };
	const struct notify_kind *k;
	const struct config_prm prm = { 0 };
	struct notify_conf *nc = NULL;
	struct config *c = NULL;

	(void)state;
	wire_open(&t, "", PHONES);
	assert_null(notify_kind(t.svc, STR("check")));
	assert_int_equal(config_parse(&c, &prm, STR("x"), str_z(text), NULL), 0);
	assert_int_equal(notify_conf_build(&nc, c), 0);
	config_free(c);
	notify_set_conf(t.svc, nc);
	obj_drop(nc);
	assert_null(notify_kind(t.svc, STR("general")));
	k = notify_kind(t.svc, STR("check"));
	assert_non_null(k);
	assert_int_equal(notify_endpoint(t.svc, STR("nobody"), k->v, k->n), ENOENT);
	assert_int_equal(notify_endpoint(t.svc, STR("alice"), k->v, k->n), 0);
	assert_string_equal(wire_header(wire_last(&t), "Event"), "check-sync");
	assert_string_equal(wire_header(wire_last(&t), "Subscription-State"), "terminated");
	assert_true(str_eq(wire_last(&t)->content_type, STR("a/b")));
	assert_true(str_eq(wire_last(&t)->body, STR("1\r\n2\r\n")));
	wire_reply(&t, SIP_NOTIFY, 200, "");
	assert_int_equal(notify_endpoint(t.svc, STR("alice"), bad, ARRAY_LEN(bad)), 0);
	assert_string_equal(wire_header(wire_last(&t), "Event"), "a  Evil: yes");
	assert_null(sip_hdr_named(wire_last(&t), STR("Evil"), 0));
	assert_null(sip_hdr_named(wire_last(&t), STR("Z"), 0));
	assert_null(sip_hdr_named(wire_last(&t), STR("Event"), 1));
	assert_null(sip_hdr_named(wire_last(&t), STR("Via"), 1));
	assert_null(sip_hdr_named(wire_last(&t), STR("From"), 1));
	wire_reply(&t, SIP_NOTIFY, 200, "");
	/* No default_outbound_endpoint: a URI is for nobody. */
	assert_int_equal(notify_uri(t.svc, STR("sip:x@127.0.0.1"), k->v, k->n), ENOENT);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_teardown(name, close_wire)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens), ROW(test_bearer), ROW(test_register_life), ROW(test_contact_expires_wins), ROW(test_no_423_loop), ROW(test_retries),
		ROW(test_forbidden), ROW(test_retry_after), ROW(test_unregister), ROW(test_stop), ROW(test_reload),
		ROW(test_line), cmocka_unit_test(test_line_stays), ROW(test_message_in), ROW(test_message_refused), ROW(test_message_app),
		ROW(test_message_redirect), ROW(test_message_not_redirected), ROW(test_notify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
