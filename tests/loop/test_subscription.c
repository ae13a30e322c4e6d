/* What a phone hears of extensions and mailboxes, and for how long. */
#include "svc_wire.h"
#include "pbx/devstate.h"
#include "pbx/originate.h"
#include "service/event/subscription.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PHONE "192.0.2.1:5070"

static const char plan[] = "[default]\nexten => 100,hint,Custom:one(Kitchen)\nexten => 101,hint,Custom:two\n"
			   "exten => 102,1,NoOp()\nexten => 200,hint,PJSIP/bob(Bob)\n";
static const char conf[] =
	"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\n"
	"[alice]\ntype=endpoint\naors=alice\ncontext=default\nallow=!all,ulaw\n"
	"[alice]\ntype=aor\nmax_contacts=2\nmailboxes=box1\nvoicemail_extension=*97\n"
	"[asks]\ntype=endpoint\ncontext=default\noutbound_auth=asks\n"
	"[asks]\ntype=auth\nauth_type=userpass\nusername=asks\npassword=x\n"
	"[bob]\ntype=endpoint\ncontext=default\naors=bob\nallow=!all,ulaw\ncallerid=Bob <200>\n"
	"[bob]\ntype=aor\ncontact=sip:bob@192.0.2.2\n"
	"[mute]\ntype=endpoint\ncontext=default\nallow_subscribe=no\n"
	"[brief]\ntype=endpoint\ncontext=default\nsub_min_expiry=60\n"
	"[told]\ntype=endpoint\ncontext=default\naors=told\nmailboxes=box1,box2\nmwi_from_user=mail\n"
	"[told]\ntype=aor\nmax_contacts=2\nmailboxes=box1\n"
	"[far]\ntype=endpoint\ncontext=default\nincoming_mwi_mailbox=box1\n"
	"[rooms]\ntype=resource_list\nevent=presence\nlist_item=100\nlist_item=more\nlist_item=nobody\n"
	"resource_display_name=yes\n"
	"[more]\ntype=resource_list\nevent=presence\nlist_item=101\nlist_item=100\nlist_item=rooms\n"
	"[whole]\ntype=resource_list\nevent=presence\nlist_item=100\nlist_item=101\nfull_state=yes\n"
	"[early]\ntype=endpoint\ncontext=default\nnotify_early_inuse_ringing=yes\n"
	"[slow]\ntype=resource_list\nevent=presence\nlist_item=100\nlist_item=101\nnotification_batch_interval=1000\n";

static struct wire t;
static char tag[64];
static unsigned cseq, call;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	tag[0] = '\0';
	cseq = 0;
	call++;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static struct sip_msg *kept(enum sip_method m, bool request)
{
	for (size_t i = t.n; i; i--)
		if (t.sent[i - 1]->method == m && t.sent[i - 1]->request == request)
			return t.sent[i - 1];
	return NULL;
}

/* The status of what answers it. */
static unsigned send_request(const char *method, const char *user, const char *to, const char *headers, const char *body)
{
	char text[4096];
	struct sip_msg *m;

	wire_forget(&t);
	cseq++;
	snprintf(text, sizeof(text),
		 "%s sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " PHONE ";branch=z9hG4bKs%u-%u\r\n"
		 "From: \"A\" <sip:%s@127.0.0.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>%s%s\r\nCall-ID: s%u\r\nCSeq: %u %s\r\n"
		 "Max-Forwards: 70\r\nContact: <sip:%s@" PHONE ">\r\n%sContent-Length: %zu\r\n\r\n%s", method, to, call, cseq,
		 user, to, tag[0] ? ";tag=" : "", tag, call, cseq, method, user, headers, strlen(body), body);
	wire_come(&t, PHONE, text);
	world_turn(&t.w);
	for (size_t i = 0; i < t.n; i++)
		if (!t.sent[i]->request && t.sent[i]->cseq == cseq) {
			m = t.sent[i];
			if (m->status == 200 && !tag[0])
				str_copy(tag, sizeof(tag), m->to.tag);
			return m->status;
		}
	return 0;
}

static unsigned subscribe(const char *user, const char *to, const char *headers)
{
	return send_request("SUBSCRIBE", user, to, headers, "");
}

/* The newest NOTIFY, which is then answered; its body holds `what`. */
static void notified(unsigned status, const char *state, const char *what)
{
	struct sip_msg *m = kept(SIP_NOTIFY, true);
	struct str body;

	assert_non_null(m);
	body = m->body;
	assert_int_equal(strncmp(wire_header(m, "Subscription-State"), state, strlen(state)), 0);
	if (str_find(body, str_z(what)) == body.n)
		fail_msg("no '%s' in:\n%.*s", what, STR_ARG(body));
	for (size_t i = t.n; i; i--)
		if (t.sent[i - 1] == m) {
			wire_answer(&t, i - 1, status, "");
			break;
		}
	world_turn(&t.w);
}

static size_t subscriptions(void)
{
	struct subscription_walk walk = { 0 };
	struct subscription_row row;
	size_t n = 0;

	while (subscription_next(t.svc, &walk, &row))
		n++;
	subscription_walk_end(&walk);
	return n;
}

static void presence(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\nExpires: 600\r\n"), 200);
	assert_string_equal(wire_header(kept(SIP_SUBSCRIBE, false), "Expires"), "600");
	assert_string_equal(wire_header(kept(SIP_NOTIFY, true), "Event"), "presence");
	assert_string_equal(wire_header(kept(SIP_NOTIFY, true), "Content-Type"), "application/pidf+xml");
	notified(200, "active;expires=600", "<note>Ready</note>");
	wire_forget(&t);
	device_set_custom(t.w.pbx, STR("one"), DEV_INUSE);
	world_turn(&t.w);
	notified(200, "active;expires=600", "<rpid:on-the-phone />");
	/* The same state again is no news. */
	wire_forget(&t);
	device_set_custom(t.w.pbx, STR("one"), DEV_INUSE);
	world_turn(&t.w);
	assert_null(kept(SIP_NOTIFY, true));
	/* Renewed, then ended by its owner. */
	world_pass(&t.w, 500000);
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\nExpires: 300\r\n"), 200);
	notified(200, "active;expires=300", "<basic>open</basic>");
	world_pass(&t.w, 200000);
	assert_int_equal(subscriptions(), 1);
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\nExpires: 0\r\n"), 200);
	notified(200, "terminated;reason=timeout", "<note>On the phone</note>");
	assert_int_equal(subscriptions(), 0);
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\n"), 481);
}

static void it_ends_by_itself(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\nExpires: 60\r\n"), 200);
	notified(200, "active", "Ready");
	wire_forget(&t);
	world_pass(&t.w, 60100);
	notified(200, "terminated;reason=timeout", "Ready");
	assert_int_equal(subscriptions(), 0);
}

/* The phone has forgotten, or is gone. */
static void nobody_listens(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "100", "Event: dialog\r\n"), 200);
	notified(481, "active", "<state>terminated</state>");
	assert_int_equal(subscriptions(), 0);
	call++;
	tag[0] = '\0';
	assert_int_equal(subscribe("alice", "100", "Event: dialog\r\n"), 200);
	world_pass(&t.w, 33000);
	assert_int_equal(subscriptions(), 0);
}

static size_t newest(enum sip_method m)
{
	for (size_t i = t.n; i; i--)
		if (t.sent[i - 1]->request && t.sent[i - 1]->method == m)
			return i - 1;
	fail_msg("nothing was sent");
	return 0;
}

/* It refuses a NOTIFY, and says when it will listen (RFC 6665 4.2.2). */
static void not_now(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\n"), 200);
	wire_answer(&t, newest(SIP_NOTIFY), 503, "Retry-After: 7\r\n");
	wire_forget(&t);
	world_pass(&t.w, 3000);
	device_set_custom(t.w.pbx, STR("one"), DEV_INUSE);
	world_pass(&t.w, 3900);
	assert_null(kept(SIP_NOTIFY, true));
	world_pass(&t.w, 200);
	notified(200, "active", "On the phone");
	wire_forget(&t);
	/* The wait ends with the subscription. */
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\nExpires: 60\r\n"), 200);
	wire_answer(&t, newest(SIP_NOTIFY), 503, "Retry-After: 4000\r\n");
	wire_forget(&t);
	world_pass(&t.w, 60100);
	notified(200, "terminated;reason=timeout", "On the phone");
}

static void refused(void **state)
{
	static const struct { const char *user, *to, *headers; unsigned status; } tv[] = {
		{ "alice", "102", "Event: presence\r\n", 404 },
		{ "alice", "nobody", "Event: presence\r\n", 404 },
		{ "alice", "100", "", 489 },
		{ "alice", "100", "Event: winfo\r\n", 489 },
		{ "alice", "100", "Event: presence\r\nAccept: text/html\r\n", 489 },
		{ "alice", "100", "Event: presence\r\nExpires: 0\r\n", 400 },
		{ "alice", "100", "Event: presence\r\nExpires: soon\r\n", 400 },
		{ "brief", "100", "Event: presence\r\nExpires: 59\r\n", 423 },
		{ "mute", "100", "Event: presence\r\n", 603 },
		{ "alice", "rooms", "Event: dialog\r\nSupported: eventlist\r\n", 404 },
		{ "alice", "rooms", "Event: presence\r\n", 404 },
		{ "alice", "nobody", "Event: message-summary\r\n", 404 },
		{ "told", "told", "Event: message-summary\r\n", 500 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		call++;
		if (subscribe(tv[i].user, tv[i].to, tv[i].headers) != tv[i].status)
			fail_msg("%zu: %s %s", i, tv[i].to, tv[i].headers);
		if (tv[i].status == 423)
			assert_string_equal(wire_header(kept(SIP_SUBSCRIBE, false), "Min-Expires"), "60");
		if (tv[i].status == 489)
			assert_string_equal(wire_header(kept(SIP_SUBSCRIBE, false), "Allow-Events"),
					    "presence, dialog, message-summary, refer");
	}
	assert_int_equal(subscriptions(), 0);
}

static void bodies(void **state)
{
	static const struct { const char *event, *accept, *has; } tv[] = {
		{ "presence", "application/xpidf+xml", "<status status=\"inuse\" />" },
		{ "presence", "text/x, application/cpim-pidf+xml", "substatus=\"onthephone\"" },
		{ "presence", "application/dialog-info+xml", "<state>early</state>" },
		{ "dialog", "application/dialog-info+xml", "version=\"0\" state=\"full\" entity=\"sip:100@127.0.0.1\"" },
		{ "presence", "application/pidf+xml;q=0.5", "<note>Ringing</note>" },
	};

	(void)state;
	device_set_custom(t.w.pbx, STR("one"), DEV_RINGING);
	world_turn(&t.w);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char headers[256];

		call++;
		tag[0] = '\0';
		snprintf(headers, sizeof(headers), "Event: %s\r\nAccept: %s\r\n", tv[i].event, tv[i].accept);
		assert_int_equal(subscribe("alice", "100", headers), 200);
		notified(200, "active;expires=3600", tv[i].has);
	}
	assert_int_equal(subscriptions(), ARRAY_LEN(tv));
}

/* dialog-info says who calls whom, so that a lamp can show it and pick the call up. */
static void it_rings(void **state)
{
	struct originate_prm prm = { .channel = STR("PJSIP/bob"), .app = STR("Wait"), .data = STR("60"),
		.caller_number = STR("77"), .caller_name = STR("S & Co") };
	size_t i;

	(void)state;
	assert_int_equal(subscribe("alice", "200", "Event: dialog\r\n"), 200);
	/* Now it is known that the phone can be reached: told once the first NOTIFY is answered. */
	notified(200, "active", "version=\"0\"");
	notified(200, "active", "<state>terminated</state>");
	notified(200, "active", "version=\"1\"");
	wire_forget(&t);
	assert_int_equal(originate(t.w.pbx, &prm, NULL, NULL), 0);
	world_turn(&t.w);
	for (i = 0; i < t.n && t.sent[i]->method != SIP_INVITE; i++)
		;
	assert_true(i < t.n);
	/* A phone that is only called is not in use. */
	assert_int_equal(t.n, i + 1);
	wire_answer(&t, i, 180, "");
	world_turn(&t.w);
	notified(200, "active", "<remote>\n   <identity display=\"S &amp; Co\">sip:77@127.0.0.1</identity>\n");
	notified(200, "active", "<state>early</state>");
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_turn(&t.w);
	t.deaf = true;
}

/* A slow phone gets one NOTIFY at a time; what it missed is in the next one. */
static void one_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\n"), 200);
	device_set_custom(t.w.pbx, STR("one"), DEV_RINGING);
	world_turn(&t.w);
	device_set_custom(t.w.pbx, STR("one"), DEV_BUSY);
	world_turn(&t.w);
	notified(200, "active", "<note>Ready</note>");
	notified(200, "active", "<note>On the phone</note>");
	/* It ends while one is on its way: no state is told after the last one. */
	wire_forget(&t);
	device_set_custom(t.w.pbx, STR("one"), DEV_NOT_INUSE);
	world_turn(&t.w);
	world_dialplan(&t.w, "[default]\nexten => 101,hint,Custom:two\n");
	world_turn(&t.w);
	assert_int_equal(subscriptions(), 0);
	assert_int_equal(t.n, 1);
	notified(200, "active", "<note>Ready</note>");
	notified(200, "terminated;reason=noresource", "<presence");
	assert_int_equal(t.n, 2);
}

/* Its dialplan is gone: nothing can ever be said of it again. */
static void the_hint_goes(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "101", "Event: presence\r\n"), 200);
	notified(200, "active", "Ready");
	wire_forget(&t);
	world_dialplan(&t.w, "[default]\nexten => 100,hint,Custom:one\n");
	world_turn(&t.w);
	notified(200, "terminated;reason=noresource", "<presence");
	assert_int_equal(subscriptions(), 0);
}

static void lists(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "rooms", "Event: presence\r\nSupported: eventlist\r\n"), 200);
	assert_string_equal(wire_header(kept(SIP_SUBSCRIBE, false), "Require"), "eventlist");
	assert_string_equal(wire_header(kept(SIP_NOTIFY, true), "Require"), "eventlist");
	assert_int_equal(strncmp(wire_header(kept(SIP_NOTIFY, true), "Content-Type"), "multipart/related;", 18), 0);
	/* Each once, though `more` names 100 and the list itself again. */
	notified(200, "active", "version=\"0\" fullState=\"true\">\n  <name>rooms</name>\n  <resource uri=\"sip:100@127.0.0.1\">\n"
		 "    <name>Kitchen</name>");
	wire_forget(&t);
	device_set_custom(t.w.pbx, STR("two"), DEV_BUSY);
	world_turn(&t.w);
	assert_true(str_find(kept(SIP_NOTIFY, true)->body, STR("sip:100@")) == kept(SIP_NOTIFY, true)->body.n);
	notified(200, "active", "version=\"1\" fullState=\"false\"");
}

static void whole_lists(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "whole", "Event: presence\r\nSupported: eventlist\r\n"), 200);
	notified(200, "active", "fullState=\"true\"");
	wire_forget(&t);
	device_set_custom(t.w.pbx, STR("two"), DEV_BUSY);
	world_turn(&t.w);
	notified(200, "active", "version=\"1\" fullState=\"true\"");
}

/* One who talks and is called all the same. */
static void called_while_talking(void **state)
{
	(void)state;
	for (int early = 0; early < 2; early++) {
		device_set_custom(t.w.pbx, STR("one"), DEV_RINGINUSE);
		world_turn(&t.w);
		tag[0] = '\0';
		call++;
		assert_int_equal(subscribe(early ? "early" : "alice", "100", "Event: dialog\r\n"), 200);
		notified(200, "active", early ? "<state>early</state>" : "<state>confirmed</state>");
	}
}

static void lists_gather(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "slow", "Event: presence\r\nSupported: eventlist\r\n"), 200);
	notified(200, "active", "fullState=\"true\"");
	wire_forget(&t);
	device_set_custom(t.w.pbx, STR("one"), DEV_BUSY);
	device_set_custom(t.w.pbx, STR("two"), DEV_BUSY);
	world_pass(&t.w, 900);
	assert_null(kept(SIP_NOTIFY, true));
	world_pass(&t.w, 200);
	assert_true(str_find(kept(SIP_NOTIFY, true)->body, STR("sip:100@")) < kept(SIP_NOTIFY, true)->body.n);
	notified(200, "active", "sip:101@");
}

static void messages(void **state)
{
	(void)state;
	assert_int_equal(subscribe("alice", "*97", "Event: message-summary\r\n"), 200);
	notified(200, "active", "Messages-Waiting: no\r\nMessage-Account: sip:*97@127.0.0.1\r\nVoice-Message: 0/0 (0/0)\r\n");
	wire_forget(&t);
	assert_int_equal(mailbox_set(t.svc, STR("box1"), 3, 1), 0);
	world_turn(&t.w);
	assert_int_equal(world_events(&t.w, "MessageWaiting", "New: 3"), 1);
	notified(200, "active", "Messages-Waiting: yes");
	/* Another server fills it. */
	call++;
	tag[0] = '\0';
	assert_int_equal(send_request("NOTIFY", "far", "far", "Event: message-summary\r\nSubscription-State: active\r\n"
				      "Content-Type: application/simple-message-summary\r\n",
				      "Messages-Waiting: yes\r\nVoice-Message: 7/2 (3/6)\r\n"), 200);
	notified(200, "active", "Voice-Message: 7/2 (0/0)");
	tag[0] = '\0';
	call++;
	assert_int_equal(send_request("NOTIFY", "alice", "alice", "Event: message-summary\r\nSubscription-State: active\r\n"
				      "Content-Type: application/simple-message-summary\r\n",
				      "Voice-Message: 9/9\r\n"), 404);
	tag[0] = '\0';
	call++;
	assert_int_equal(send_request("NOTIFY", "far", "far", "Event: refer\r\nSubscription-State: active\r\n", ""), 489);
}

/* mailboxes= of an endpoint: all in one, to each contact, without a SUBSCRIBE. */
static void unasked(void **state)
{
	(void)state;
	assert_int_equal(mailbox_set(t.svc, STR("box1"), 1, 0), 0);
	assert_int_equal(mailbox_set(t.svc, STR("box2"), 1, 2), 0);
	assert_int_equal(send_request("REGISTER", "told", "told", "Expires: 600\r\n", ""), 200);
	assert_int_equal(strncmp(wire_header(kept(SIP_NOTIFY, true), "From"), "<sip:mail@", 10), 0);
	notified(200, "terminated", "Voice-Message: 2/2 (0/0)");
	wire_forget(&t);
	assert_int_equal(mailbox_delete(t.svc, STR("box2")), 0);
	world_turn(&t.w);
	notified(200, "terminated", "Voice-Message: 1/0 (0/0)");
}

/* A challenge takes a CSeq; the next NOTIFY must not use it again (RFC 3261 12.2.1.1). */
static void challenged(void **state)
{
	uint32_t first, second;

	(void)state;
	assert_int_equal(subscribe("asks", "100", "Event: presence\r\n"), 200);
	first = kept(SIP_NOTIFY, true)->cseq;
	wire_answer(&t, t.n - 1, 401, "WWW-Authenticate: Digest realm=\"far\",nonce=\"1\"\r\n");
	world_turn(&t.w);
	second = kept(SIP_NOTIFY, true)->cseq;
	assert_true(second > first);
	assert_true(wire_header(kept(SIP_NOTIFY, true), "Authorization")[0] != '\0');
	notified(200, "active", "Ready");
	wire_forget(&t);
	device_set_custom(t.w.pbx, STR("one"), DEV_BUSY);
	world_turn(&t.w);
	assert_true(kept(SIP_NOTIFY, true)->cseq > second);
}

/* It goes on with the new configuration, and keeps nothing of the old one. */
static void reloaded(void **state)
{
	const struct snapshot *was;

	(void)state;
	wire_reload(&t, conf);          /* the transport keeps the first one */
	was = t.svc->conf;
	assert_int_equal(subscribe("alice", "*97", "Event: message-summary\r\n"), 200);
	notified(200, "active", "Message-Account: sip:*97@127.0.0.1");
	obj_hold((void *)(uintptr_t)was);
	wire_reload(&t, conf);
	assert_int_equal(obj_refs(was), 1);
	obj_drop((void *)(uintptr_t)was);
	wire_forget(&t);
	assert_int_equal(mailbox_set(t.svc, STR("box1"), 1, 0), 0);
	world_turn(&t.w);
	assert_int_equal(subscriptions(), 1);
	notified(200, "active", "Message-Account: sip:*97@127.0.0.1\r\nVoice-Message: 1/0");
	wire_forget(&t);
	wire_reload(&t, "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\n");
	world_turn(&t.w);
	notified(200, "terminated;reason=rejected", "Voice-Message: 1/0");
	assert_int_equal(subscriptions(), 0);
}

/* Who is told unasked and subscribed all the same hears it once, also after a reload
 * that wrote another list of mailboxes. */
static void a_subscription_replaces_unasked(void **state)
{
	static const char other[] =
		"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\n"
		"[told]\ntype=endpoint\ncontext=default\naors=told\nmailboxes=%s\n"
		"mwi_subscribe_replaces_unsolicited=yes\n[told]\ntype=aor\nmax_contacts=2\nmailboxes=box1\n";
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), other, "box1");
	wire_reload(&t, text);
	assert_int_equal(send_request("REGISTER", "told", "told", "Expires: 600\r\n", ""), 200);
	notified(200, "terminated", "Voice-Message: 0/0");
	tag[0] = '\0';
	call++;
	assert_int_equal(subscribe("told", "told", "Event: message-summary\r\n"), 200);
	notified(200, "active", "Voice-Message: 0/0");
	snprintf(text, sizeof(text), other, "box2,box1");
	wire_reload(&t, text);
	world_turn(&t.w);
	notified(200, "terminated", "Voice-Message: 0/0");      /* of box2 */
	wire_forget(&t);
	assert_int_equal(mailbox_set(t.svc, STR("box1"), 5, 0), 0);
	world_turn(&t.w);
	assert_int_equal(t.n, 1);
	notified(200, "active", "Voice-Message: 5/0");
	/* The subscription ends: now it is told unasked. */
	assert_int_equal(subscribe("told", "told", "Event: message-summary\r\nExpires: 0\r\n"), 200);
	notified(200, "terminated", "Voice-Message: 5/0");
	wire_forget(&t);
	assert_int_equal(mailbox_set(t.svc, STR("box1"), 6, 0), 0);
	world_turn(&t.w);
	notified(200, "terminated", "Voice-Message: 6/0");
}

/* One phone cannot take all the memory. */
static void no_more_than_a_thousand(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		call++;
		tag[0] = '\0';
		assert_int_equal(subscribe("alice", "100", "Event: presence\r\n"), 200);
	}
	call++;
	tag[0] = '\0';
	assert_int_equal(subscribe("alice", "100", "Event: presence\r\n"), 503);
	assert_int_equal(subscribe("brief", "100", "Event: presence\r\n"), 200);
	assert_int_equal(subscriptions(), 1001);
	t.deaf = true;
}

static void next_is(struct subscription_walk *w, uint32_t left)
{
	struct subscription_row row;

	assert_true(subscription_next(t.svc, w, &row));
	assert_int_equal(row.left_s, left);
}

/* Those that end while they are listed do no harm, and hide none of the others. */
static void listed_while_they_end(void **state)
{
	static const char *const expires[] = { "60", "600", "60", "700", "60" };
	struct subscription_walk w = { 0 };
	struct subscription_row row;
	char headers[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expires); i++) {
		call++;
		tag[0] = '\0';
		snprintf(headers, sizeof(headers), "Event: presence\r\nExpires: %s\r\n", expires[i]);
		assert_int_equal(subscribe("alice", "100", headers), 200);
		notified(200, "active", "Ready");
	}
	next_is(&w, 60);
	world_pass(&t.w, 61000);
	next_is(&w, 539);
	next_is(&w, 639);
	assert_false(subscription_next(t.svc, &w, &row));
	subscription_walk_end(&w);
	assert_int_equal(subscriptions(), 2);
	t.deaf = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(presence), T(it_ends_by_itself), T(nobody_listens), T(refused), T(not_now), T(bodies), T(it_rings), T(one_at_a_time), T(the_hint_goes), T(lists),
		T(whole_lists), T(called_while_talking), T(lists_gather), T(messages), T(unasked), T(challenged), T(reloaded),
		T(a_subscription_replaces_unasked), T(no_more_than_a_thousand),
		T(listed_while_they_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
