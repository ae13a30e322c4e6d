/* What the dialplan reads and writes of a SIP call, of objects and of URIs:
 * CHANNEL(), PJSIP_HEADER() and its like, as the other side sees it. */
#include "alice.h"
#include "base/obj.h"
#include "pbx/dialplan.h"
#include "service/call/functions.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => ring,1,Ringing()\n same => n,Wait(600)\n"
	"exten => bob,1,Set(PJSIP_INHERITABLE_HEADER(add,Z-One)=1)\n same => n,Set(PJSIP_INHERITABLE_HEADER(add,Z-Two)=2)\n"
	" same => n,Set(PJSIP_INHERITABLE_HEADER(add,Z-Three)=3)\n same => n,Dial(PJSIP/bob,,b(default^add^1))\n"
	"exten => add,1,Set(PJSIP_HEADER(add,X-One)=1)\n same => n,Set(PJSIP_HEADER(add,X-Two)=2)\n"
	" same => n,Set(PJSIP_HEADER(update,X-One)=uno)\n same => n,Set(PJSIP_HEADER(add,Y-Three)=3)\n"
	" same => n,Set(PJSIP_HEADER(remove,Y*)=)\n same => n,Set(PJSIP_HEADER(update,X-New)=new)\n"
	" same => n,Set(SEEN=${PJSIP_HEADERS(X)} ${PJSIP_HEADER(read,X*,2)})\n"
	" same => n,Set(PJSIP_INHERITABLE_HEADER(remove,Z-Two)=)\n same => n,Set(PJSIP_INHERITABLE_HEADER(update,Z-One)=uno)\n"
	" same => n,Set(PJSIP_HEADER_PARAM(From,header,a)=b)\n same => n,Set(PJSIP_HEADER_PARAM(From,uri,c)=)\n"
	" same => n,Set(PJSIP_HEADER_PARAM(To,header,d)=e)\n same => n,Set(PJSIP_HEADER_PARAM(To,uri,f)=g)\n"
	" same => n,Set(PJSIP_MEDIA_OFFER(audio)=!all,alaw)\n same => n,Return()\n"
	"exten => head,1,Set(PJSIP_HEADER(add,X-Answer)=yes)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => stats,1,Answer()\n same => n,Set(ALL=${CHANNEL(rtcp,all)})\n"
	" same => n,Set(JITTER=${CHANNEL(rtcp,all_jitter)})\n same => n,Set(LOSS=${CHANNEL(rtcp,all_loss)})\n"
	" same => n,Set(RTT=${CHANNEL(rtcp,all_rtt)})\n same => n,Set(ONE=${CHANNEL(rtcp,${ITEM})})\n"
	" same => n,Wait(600)\n"
	"exten => refresh,1,Answer()\n same => n,Set(PJSIP_MEDIA_OFFER(audio)=!all,alaw)\n same => n,Set(PJSIP_SEND_SESSION_REFRESH()=${HOW})\n same => n,Wait(600)\n"
	"exten => waits,1,Wait(600)\n"
	"exten => text,1,SendText(early)\n same => n,Answer()\n same => n,Set(SENDTEXT_FROM_DISPLAYNAME=Ann)\n"
	" same => n,Set(SENDTEXT_TO_DISPLAYNAME=Bob)\n same => n,Set(SENDTEXT_CONTENT_TYPE=text/html)\n"
	" same => n,Set(SENDTEXT_BODY=a\\nb)\n same => n,SendText()\n same => n,Set(LEFT=${SENDTEXT_BODY}${SENDTEXTTYPE}${SENDTEXTSTATUS})\n"
	" same => n,Wait(600)\n"
	"exten => _ha[n]gup.,1,PJSIPHangup(${EXTEN:6})\n";

static const char conf[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,alaw,h264\ndirect_media=no\n"
	"[alice](phone)\naors=alice\nauth=alice\n[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\nmax_contacts=3\n"
	"[alice]\ntype=auth\nusername=alice\npassword=x\nrealm=home\n"
	"[calls]\ntype=identify\nendpoint=open\nmatch=127.0.0.1\n[open](phone)\ndtmf_mode=info\n"
	"[bob](phone)\naors=bob,more\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"
	"[more]\ntype=aor\ncontact=sip:b2@127.0.0.1:5064\\;x=y\n";

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, conf);
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

/* ${`what`} as that channel's dialplan has it; the next call's buffer. */
static const char *value(struct channel *ch, const char *what)
{
	static char room[2048];
	struct buf text = BUF_INIT, out;

	buf_puts(&text, STR("${"), str_z(what), STR("}"));
	assert_int_equal(buf_err(&text), 0);
	buf_init(&out, room, sizeof(room), sizeof(room));
	pbx_substitute(t.w.pbx, ch, buf_view(&text), &out);
	buf_free(&text);
	return buf_z(&out);
}

struct row {
	const char *what, *value;
};

static void check_rows(struct channel *ch, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(value(ch, rows[i].what), rows[i].value))
			fail_msg("${%s} is '%s', not '%s'", rows[i].what, value(ch, rows[i].what), rows[i].value);
}

#define CHECK(ch, rows) check_rows(ch, rows, ARRAY_LEN(rows))

/* ---- objects and URIs: no channel ------------------------------------------------------ */

static void options_of_objects(void **state)
{
	static const struct row rows[] = {
		{ "PJSIP_ENDPOINT(alice,context)", "default" }, { "PJSIP_ENDPOINT( alice , aors )", "alice" },
		{ "PJSIP_ENDPOINT(open,dtmf_mode)", "info" }, { "PJSIP_ENDPOINT(alice,nothing)", "" },
		{ "PJSIP_ENDPOINT(nobody,context)", "" }, { "PJSIP_ENDPOINT(alice)", "" },
		{ "PJSIP_AOR(alice,max_contacts)", "3" }, { "PJSIP_AOR(nobody,max_contacts)", "" },
		{ "PJSIP_AOR(alice)", "" }, { "PJSIP_AUTH(alice,username)", "alice" },
		{ "PJSIP_AUTH(alice,realm)", "home" }, { "PJSIP_AUTH(bob,realm)", "" }, { "PJSIP_AUTH(alice)", "" },
	};

	(void)state;
	CHECK(NULL, rows);
}

static void fields_of_contacts(void **state)
{
	static const struct row rows[] = {
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},uri)", "sip:bob@127.0.0.1:5062" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},status)", "NonQualified" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},rtt)", "N/A" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},user_agent)", "" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},path)", "" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},endpoint)", "" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},reg_server)", "" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},via_addr)", "" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},via_port)", "0" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},call_id)", "" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},expiration_time)", "0" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(bob,contact)},prune_on_boot)", "no" },
		/* what a contact has not is its AOR's */
		{ "PJSIP_CONTACT(${PJSIP_AOR(alice,contact)},max_contacts)", "3" },
		{ "PJSIP_CONTACT(${PJSIP_AOR(alice,contact)},nothing)", "" },
		{ "PJSIP_CONTACT(nobody@@0,uri)", "" }, { "PJSIP_CONTACT(x)", "" },
	};

	(void)state;
	CHECK(NULL, rows);
	assert_true(str_starts(str_z(value(NULL, "PJSIP_AOR(bob,contact)")), STR("bob@@")));
}

static void dial_strings(void **state)
{
	static const struct row rows[] = {
		{ "PJSIP_DIAL_CONTACTS(bob)", "PJSIP/bob/sip:bob@127.0.0.1:5062&PJSIP/bob/sip:b2@127.0.0.1:5064;x=y" },
		{ "PJSIP_DIAL_CONTACTS(bob,more)", "PJSIP/bob/sip:b2@127.0.0.1:5064;x=y" },
		{ "PJSIP_DIAL_CONTACTS(bob,more,700)", "PJSIP/700@bob/sip:b2@127.0.0.1:5064;x=y" },
		{ "PJSIP_DIAL_CONTACTS(bob,,700)",
		  "PJSIP/700@bob/sip:bob@127.0.0.1:5062&PJSIP/700@bob/sip:b2@127.0.0.1:5064;x=y" },
		{ "PJSIP_DIAL_CONTACTS(bob,unknown)", "" }, { "PJSIP_DIAL_CONTACTS(nobody)", "" },
	};

	(void)state;
	CHECK(NULL, rows);
}

static void parts_of_uris(void **state)
{
	static const struct row rows[] = {
		{ "PJSIP_PARSE_URI(\"Al\" <sip:a%20b:pw@h.example:5070>,display)", "Al" },
		{ "PJSIP_PARSE_URI(<sip:a%20b:pw@h.example:5070>,user)", "a b" },
		{ "PJSIP_PARSE_URI(<sip:a:p%40w@h.example:5070>,passwd)", "p@w" },
		{ "PJSIP_PARSE_URI(<sips:a@h.example:5070>,scheme)", "sips" },
		{ "PJSIP_PARSE_URI(sip:a@h.example:5070,host)", "h.example" },
		{ "PJSIP_PARSE_URI(sip:a@h.example:5070,port)", "5070" },
		{ "PJSIP_PARSE_URI(sip:a@h.example;transport=tcp;lr,transport_param)", "tcp" },
		{ "PJSIP_PARSE_URI(sip:a@h.example;transport=tcp;lr,lr_param)", "1" },
		{ "PJSIP_PARSE_URI(sip:a@h.example,user_param)", "" },
		{ "PJSIP_PARSE_URI(sip:a@h.example,colour)", "" }, { "PJSIP_PARSE_URI(no uri,host)", "" },
		{ "PJSIP_PARSE_URI(sip:a@h.example)", "" }, { "PJSIP_PARSE_URI_FROM(URI,user)", "carl" },
		{ "PJSIP_PARSE_URI_FROM(NONE,user)", "" }, { "PJSIP_PARSE_URI_FROM(URI)", "" },
	};

	(void)state;
	assert_int_equal(pbx_setvar(t.w.pbx, NULL, STR("URI"), STR("\"C\" <sip:carl@x>")), 0);
	CHECK(NULL, rows);
	/* A \ keeps the [] of an IPv6 address from being read as brackets of the dialplan. */
	pbx_setvar(t.w.pbx, NULL, STR("URI"), STR("sip:a@[2001:db8::1]:5060"));
	assert_string_equal(value(NULL, "PJSIP_PARSE_URI_FROM(URI,host)"), "2001:db8::1");
}

static void without_a_call(void **state)
{
	static const char *const set[] = {
		"PJSIP_HEADER(add,X)", "PJSIP_HEADER_PARAM(To,uri,a)", "PJSIP_MEDIA_OFFER(audio)", "PJSIP_DTMF_MODE()",
		"PJSIP_SEND_SESSION_REFRESH()", "PJSIP_MOH_PASSTHROUGH()", "PJSIP_TRANSFER_HANDLING()", "PJSIP_HEADER(remove,X)",
	};
	static const struct row rows[] = {
		{ "CHANNEL(pjsip,call-id)", "" }, { "PJSIP_HEADER(read,X)", "" }, { "PJSIP_HEADERS()", "" },
		{ "PJSIP_RESPONSE_HEADER(X)", "" }, { "PJSIP_RESPONSE_HEADERS()", "" },
		{ "PJSIP_HEADER_PARAM(To,uri,a)", "" }, { "PJSIP_MEDIA_OFFER(audio)", "" }, { "PJSIP_DTMF_MODE()", "" },
	};
	struct fake *f = world_call_in(&t.w, "fake", "1", "default", "ring");

	(void)state;
	CHECK(f->ch, rows);
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		assert_int_not_equal(pbx_setvar(t.w.pbx, f->ch, str_z(set[i]), STR("1")), 0);
}

/* ---- a call ------------------------------------------------------------------------------ */

static void dialog_of_a_call(void **state)
{
	static const struct row rows[] = {
		{ "CHANNEL(pjsip,call-id)", "c1" }, { "CHANNEL(pjsip,remote_tag)", "a1" },
		{ "CHANNEL(pjsip,target_uri)", "sip:alice@127.0.0.1:5061" },
		{ "CHANNEL(pjsip,local_uri)", "<sip:up@127.0.0.1>" },
		{ "CHANNEL(pjsip,remote_uri)", "<sip:alice@127.0.0.1>" },
		{ "CHANNEL(pjsip,remote_addr)", "127.0.0.1:5061" },
		{ "CHANNEL(pjsip,request_uri)", "sip:up@127.0.0.1:5060" }, { "CHANNEL(pjsip,secure)", "0" },
		{ "CHANNEL(pjsip,t38state)", "DISABLED" }, { "CHANNEL(pjsip,nothing)", "" },
		{ "CHANNEL(endpoint)", "open" }, { "CHANNEL(contact)", "" },
		{ "CHANNEL(rtp,dest)", "127.0.0.1:6000" }, { "CHANNEL(rtp,hold)", "0" }, { "CHANNEL(rtp,secure,audio)", "0" },
		{ "CHANNEL(rtp,direct)", "(null)" }, { "CHANNEL(rtp,nothing)", "" }, { "CHANNEL(rtp,dest,image)", "" },
		{ "CHANNEL(rtp,dest,video)", "127.0.0.1:6002" },
		{ "CHANNEL(audioreadformat)", "ulaw" }, { "CHANNEL(videowriteformat)", "h264" },
		{ "CHANNEL(audionativeformat)", "(ulaw)" }, { "CHANNEL(videonativeformat)", "(h264)" },
	};

	(void)state;
	alice("INVITE", "up", 1, "", SDP_VIDEO);
	learn_tag();
	alice("ACK", "up", 1, "", "");
	CHECK(channel_at(0), rows);
	assert_string_equal(value(channel_at(0), "CHANNEL(pjsip,local_tag)"), tag);
	assert_true(str_starts(str_z(value(channel_at(0), "CHANNEL(rtp,src)")), STR("127.0.0.1:")));
	assert_int_not_equal(pbx_setvar(t.w.pbx, channel_at(0), STR("CHANNEL(pjsip,call-id)"), STR("x")), 0);
	/* on hold */
	alice("INVITE", "up", 2, "", SDP_ULAW "a=sendonly\r\nm=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	assert_string_equal(value(channel_at(0), "CHANNEL(rtp,hold)"), "1");
}

static void numbers_of_rtcp(void **state)
{
	static const char *const one[] = {
		"txcount", "rxcount", "txoctetcount", "rxoctetcount", "txploss", "rxploss", "txjitter", "rxjitter", "rtt",
		"remote_ssrc", "maxrtt", "minrtt", "normdevrtt", "stdevrtt", "remote_maxjitter", "local_minrxploss", "txmes", "rxmes", "local_normdevmes", "remote_stdevmes",
		"local_stdevjitter", "remote_normdevrxploss",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(one); i++) {
		struct channel *ch;
		bool is_count = strstr(one[i], "count") || strstr(one[i], "ploss") == one[i] + 2 || strstr(one[i], "ssrc");

		alice_starts_anew();
		pbx_setvar(t.w.pbx, NULL, STR("ITEM"), str_z(one[i]));
		alice_talks("stats");
		world_pass(&t.w, 1000);
		ch = channel_at(0);
		assert_string_equal(world_var(ch, "ONE"), is_count ? "0" : "0.000000");
		if (!i) {
			assert_true(str_starts(str_z(world_var(ch, "ALL")), STR("ssrc=")));
			assert_true(str_ends(str_z(world_var(ch, "ALL")), STR("rlp=0;rtt=0.000000;rxmes=0.000000;txmes=0.000000")));
			assert_true(str_starts(str_z(world_var(ch, "JITTER")), STR("minrxjitter=000.000000;maxrxjitter=000.000000;")));
			assert_true(str_starts(str_z(world_var(ch, "LOSS")), STR("  minrxlost=000.000000;  maxrxlost=0")));
			assert_string_equal(world_var(ch, "RTT"),
					    "     minrtt=000.000000;     maxrtt=000.000000;     avgrtt=000.000000;     stdevrtt=000.000000;");
		}
		alice("BYE", "stats", 2, "", "");
		world_turn(&t.w);
		assert_int_equal(channels(), 0);
	}
	/* Off a fiber nobody can wait for the media thread. */
	alice_starts_anew();
	alice_talks("up");
	assert_string_equal(value(channel_at(0), "CHANNEL(rtcp,all)"), "");
}

/* ---- headers ------------------------------------------------------------------------------- */

static void headers_that_came(void **state)
{
	static const struct row rows[] = {
		{ "PJSIP_HEADER(read,X-A)", "one" }, { "PJSIP_HEADER(read, x-a , 2)", "two" },
		{ "PJSIP_HEADER(read,X-A,3)", "" }, { "PJSIP_HEADER(read,X-A,0)", "one" }, { "PJSIP_HEADER(read)", "" },
		{ "PJSIP_HEADER(read,X-*,2)", "b" }, { "PJSIP_HEADER(X-A)", "" }, { "PJSIP_HEADER(get,X-A)", "" },
		{ "PJSIP_HEADER(read,m)", "" }, { "PJSIP_HEADER(read,Contact)", "<sip:alice@127.0.0.1:5061>" },
		{ "PJSIP_HEADER(read,From)", "<sip:alice@127.0.0.1;user=phone;cpc=ordinary>;tag=a1" },
		{ "PJSIP_HEADERS(X-)", "X-A,X-B,X-A" }, { "PJSIP_HEADER_PARAM(From,header,tag)", "" },
		{ "PJSIP_HEADER_PARAM(From,uri,user)", "" }, { "PJSIP_HEADER_PARAM(from,URI,CPC)", "ordinary" },
		{ "PJSIP_HEADER_PARAM(To,uri,user)", "" },
		{ "PJSIP_HEADER_PARAM(Via,uri,user)", "" }, { "PJSIP_RESPONSE_HEADER(read,X-A)", "" },
	};
	static const struct { const char *what, *value; int err; const char *names, *first; } changes[] = {
		{ "add,X-C", "c", 0, "X-A,X-B,X-A,X-C", "one" }, { "update,X-A,2", "zwei", 0, "X-A,X-B,X-A,X-C", "one" },
		{ "update,X-A", "eins", 0, "X-A,X-B,X-A,X-C", "eins" }, { "update,X-D", "d", ENOENT, "X-A,X-B,X-A,X-C", "eins" },
		{ "remove,X-B", "", 0, "X-A,X-A,X-C", "eins" }, { "X-E", "e", EINVAL, "X-A,X-A,X-C", "eins" },
		{ "remove,x-a", "", 0, "X-C", "" }, { "remove,*", "", 0, "", "" },
	};

	(void)state;
	from_uri = ";user=phone;cpc=ordinary";
	alice("INVITE", "ring", 1, "X-A: one\r\nX-B: b\r\nX-A: two\r\n", SDP_ULAW);
	CHECK(channel_at(0), rows);
	/* No line of its own can be smuggled into a message. */
	assert_int_not_equal(pbx_setvar(t.w.pbx, channel_at(0), STR("PJSIP_HEADER(add,X)"), STR("1\r\nY: 2")), 0);
	assert_int_not_equal(pbx_setvar(t.w.pbx, channel_at(0), STR("PJSIP_HEADER(burn,X)"), STR("1")), 0);
	assert_int_not_equal(pbx_setvar(t.w.pbx, channel_at(0), STR("PJSIP_HEADER(add,)"), STR("1")), 0);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char what[64];

		snprintf(what, sizeof(what), "PJSIP_HEADER(%s)", changes[i].what);
		assert_int_equal(pbx_setvar(t.w.pbx, channel_at(0), str_z(what), str_z(changes[i].value)), changes[i].err);
		assert_string_equal(value(channel_at(0), "PJSIP_HEADERS(X)"), changes[i].names);
		assert_string_equal(value(channel_at(0), "PJSIP_HEADER(read,X-A)"), changes[i].first);
	}
	alice_starts_anew();
	alice("INVITE", "ring", 1, "X-A: one\r\nX-B: b\r\nX-A: two\r\n", SDP_ULAW);
	assert_string_equal(value(channel_at(1), "PJSIP_HEADER(remove,X-A)"), "2");
	assert_string_equal(value(channel_at(1), "PJSIP_HEADER(remove,X-A)"), "0");
	assert_string_equal(value(channel_at(1), "PJSIP_HEADERS(X)"), "X-B");
}

/* As in Asterisk: answers have none of these. */
static void headers_of_the_answer(void **state)
{
	(void)state;
	alice_calls("head");
	assert_int_equal(status(SIP_INVITE), 200);
	assert_string_equal(wire_header(response(SIP_INVITE), "X-Answer"), "");
	assert_string_equal(value(channel_at(0), "PJSIP_HEADER(read,X-Answer)"), "yes");
}

static void headers_of_a_call_out(void **state)
{
	static const struct row rows[] = {
		{ "PJSIP_RESPONSE_HEADER(read,X-R)", "r1" }, { "PJSIP_RESPONSE_HEADER(read,X-R,2)", "r2" },
		{ "PJSIP_RESPONSE_HEADER(read,X-R,3)", "" }, { "PJSIP_RESPONSE_HEADER(read,X-R,no)", "" },
		{ "PJSIP_RESPONSE_HEADER(X-R)", "" }, { "PJSIP_RESPONSE_HEADER(read,X*,2)", "r2" },
		{ "PJSIP_RESPONSE_HEADERS(X-)", "X-R,X-R" }, { "PJSIP_RESPONSE_HEADERS()", "" },
		{ "PJSIP_HEADER(read,X-R)", "" }, { "PJSIP_HEADER(read,X-One)", "" }, { "CHANNEL(aor)", "bob" },
	};
	static const struct row before[] = {
		{ "PJSIP_RESPONSE_HEADER(read,X-R)", "" }, { "CHANNEL(rtp,dest)", "" },
		{ "SEEN", "X-One,X-Two 2" }, { "CHANNEL(pjsip,request_uri)", "" }, { "CHANNEL(pjsip,remote_addr)", "" },
	};
	struct sip_msg *m;

	(void)state;
	alice_calls("bob");
	m = requested(SIP_INVITE, 5062);
	assert_string_equal(wire_header(m, "X-One"), "uno");
	assert_string_equal(wire_header(m, "X-Two"), "2");
	assert_string_equal(wire_header(m, "X-New"), "");
	assert_string_equal(wire_header(m, "Z-One"), "uno");
	assert_string_equal(wire_header(m, "Z-Two"), "");
	assert_string_equal(wire_header(m, "Z-Three"), "3");
	assert_string_equal(wire_header(m, "Y-Three"), "");
	assert_true(str_find(str_z(wire_header(m, "From")), STR(";c>;a=b;tag=")) < strlen(wire_header(m, "From")));
	assert_string_equal(wire_header(m, "To"), "<sip:bob@127.0.0.1>");
	assert_true(str_find(m->body, STR("RTP/AVP 8")) < m->body.n);
	answer(SIP_INVITE, 5062, 180, "X-R: r1\r\nX-R: r2\r\n", "");
	assert_int_equal(channels(), 2);
	CHECK(channel_at(1), before);
	answer(SIP_INVITE, 5062, 200, "X-R: r1\r\nX-R: r2\r\n", SDP_HEAD "m=audio 6000 RTP/AVP 8\r\n");
	assert_int_equal(channels(), 2);
	CHECK(channel_at(1), rows);
	assert_true(str_starts(str_z(value(channel_at(1), "CHANNEL(contact)")), STR("bob@@")));
	wire_forget(&t);
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_turn(&t.w);
	assert_string_equal(wire_header(requested(SIP_BYE, 5062), "X-One"), "");
}

/* ---- media offer, digits, refresh, refusal --------------------------------------------------- */

static void codecs_of_the_next_offer(void **state)
{
	struct channel *ch;

	(void)state;
	alice_calls("ring");
	ch = channel_at(0);
	assert_string_equal(value(ch, "PJSIP_MEDIA_OFFER(audio)"), "ulaw,alaw");
	assert_string_equal(value(ch, "PJSIP_MEDIA_OFFER(video)"), "h264");
	assert_string_equal(value(ch, "PJSIP_MEDIA_OFFER(image)"), "");
	assert_int_equal(pbx_setvar(t.w.pbx, ch, STR("PJSIP_MEDIA_OFFER(audio)"), STR("!all,alaw")), 0);
	assert_string_equal(value(ch, "PJSIP_MEDIA_OFFER(audio)"), "alaw");
	assert_string_equal(value(ch, "PJSIP_MEDIA_OFFER(video)"), "h264");
	assert_int_not_equal(pbx_setvar(t.w.pbx, ch, STR("PJSIP_MEDIA_OFFER(smell)"), STR("all")), 0);
}

static void how_digits_are_sent(void **state)
{
	(void)state;
	alice_talks("up");
	assert_string_equal(value(only_channel(), "PJSIP_DTMF_MODE()"), "info");
	assert_int_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_DTMF_MODE()"), STR("info")), 0);
	world_turn(&t.w);
	assert_true(request(SIP_INVITE, 5061) == SIZE_MAX);     /* it is that already */
	assert_int_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_DTMF_MODE()"), STR("none")), 0);
	world_turn(&t.w);
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW);
	assert_true(request(SIP_ACK, 5061) != SIZE_MAX);
	channel_digit(only_channel(), '5', 100);
	world_turn(&t.w);
	assert_true(request(SIP_INFO, 5061) == SIZE_MAX);
	assert_int_equal(world_events(&t.w, "TestEvent", "State: DTMF_BEGIN"), 0);
	assert_int_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_DTMF_MODE()"), STR(" info ")), 0);
	channel_digit(only_channel(), '5', 100);
	world_turn(&t.w);
	assert_true(request(SIP_INFO, 5061) != SIZE_MAX);
	assert_int_not_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_DTMF_MODE()"), STR("drums")), 0);
	assert_string_equal(value(only_channel(), "PJSIP_DTMF_MODE()"), "info");
}

static void hold_that_is_passed_on(void **state)
{
	(void)state;
	alice_talks("up");
	assert_string_equal(value(only_channel(), "PJSIP_MOH_PASSTHROUGH()"), "no");
	channel_indicate(only_channel(), IND_HOLD, NULL);
	world_turn(&t.w);
	assert_true(request(SIP_INVITE, 5061) == SIZE_MAX);
	assert_int_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_MOH_PASSTHROUGH()"), STR("yes")), 0);
	assert_string_equal(value(only_channel(), "PJSIP_MOH_PASSTHROUGH()"), "yes");
	channel_indicate(only_channel(), IND_HOLD, NULL);
	world_turn(&t.w);
	assert_true(has(requested(SIP_INVITE, 5061)->body, "a=sendonly"));
	assert_int_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_MOH_PASSTHROUGH()"), STR("sometimes")), 0);
	assert_string_equal(value(only_channel(), "PJSIP_MOH_PASSTHROUGH()"), "no");
	assert_int_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_TRANSFER_HANDLING()"), STR("core")), 0);
	assert_int_not_equal(pbx_setvar(t.w.pbx, only_channel(), STR("PJSIP_TRANSFER_HANDLING()"), STR("ari-only")), 0);
}

static void refresh_of_the_session(void **state)
{
	static const struct { const char *how; enum sip_method m; } tv[] = {
		{ "invite", SIP_INVITE }, { "update", SIP_UPDATE }, { "pigeon", SIP_INVITE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		size_t invites, updates;

		alice_starts_anew();
		pbx_setvar(t.w.pbx, NULL, STR("HOW"), str_z(tv[i].how));
		alice("INVITE", "refresh", 1, "Allow: INVITE, UPDATE, ACK, BYE\r\n", SDP_ULAW);
		learn_tag();
		alice("ACK", "refresh", 1, "", "");
		world_pass(&t.w, 600);          /* Answer() waits for sound */
		invites = request(SIP_INVITE, 5061);
		updates = request(SIP_UPDATE, 5061);
		assert_int_equal(invites != SIZE_MAX, tv[i].m == SIP_INVITE);
		assert_int_equal(updates != SIZE_MAX, tv[i].m == SIP_UPDATE);
		/* The dialplan waits for its answer. */
		assert_int_equal(channel_at(0)->priority, 3);
		answer(tv[i].m, 5061, 200, "", SDP_ULAW);
		world_turn(&t.w);
		assert_int_equal(channel_at(0)->priority, 4);
		alice("BYE", "refresh", 2, "", "");
	}
}

static void texts_of_the_dialplan(void **state)
{
	struct sip_msg *m;

	(void)state;
	alice("INVITE", "text", 1, "", SDP_ULAW);
	assert_true(str_eq(requested(SIP_MESSAGE, 5061)->body, STR("early")));
	wire_answer(&t, request(SIP_MESSAGE, 5061), 200, "");
	learn_tag();
	alice("ACK", "text", 1, "", "");
	world_pass(&t.w, 600);
	m = requested(SIP_MESSAGE, 5061);
	assert_true(str_eq(m->body, STR("a\nb")));
	assert_string_equal(wire_header(m, "Content-Type"), "text/html");
	assert_true(str_starts(str_z(wire_header(m, "From")), STR("\"Ann\" <sip:text@127.0.0.1>;tag=")));
	assert_string_equal(wire_header(m, "To"), "\"Bob\" <sip:alice@127.0.0.1>;tag=a1");
	assert_string_equal(value(only_channel(), "LEFT"), "ENHANCEDSUCCESS");
}

static void refused_with_a_status(void **state)
{
	static const struct { const char *exten; unsigned status; } tv[] = {
		{ "hangup486", 486 }, { "hangupDECLINE", 603 }, { "hanguptoo_many_hops", 483 }, { "hangup699", 699 },
		{ "hangup200", 603 }, { "hangupnonsense", 603 }, { "hangupPJSIP_SC_BUSY_HERE", 486 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		alice("INVITE", tv[i].exten, 1, "", SDP_ULAW);
		if (tv[i].status != status(SIP_INVITE))
			fail_msg("%s: %u, not %u", tv[i].exten, status(SIP_INVITE), tv[i].status);
		learn_tag();
		alice("ACK", tv[i].exten, 1, "", "");
		assert_int_equal(channels(), 0);
	}
}

/* As a manager does it: their INVITE that waits, and nothing else. */
static void refused_by_a_manager(void **state)
{
	(void)state;
	alice_starts_anew();
	alice("INVITE", "waits", 1, "", SDP_ULAW);
	assert_int_equal(pjsip_hangup(only_channel(), 486), 0);
	assert_int_equal(status(SIP_INVITE), 486);
	assert_int_equal(only_channel()->cause, 17);
	assert_int_equal(pjsip_hangup(only_channel(), 487), EALREADY);
	pbx_hangup_all(t.w.pbx, 16);
	world_turn(&t.w);
	alice_starts_anew();
	alice_talks("head");
	assert_int_equal(pjsip_hangup(only_channel(), 486), EALREADY);
	assert_int_equal(channels(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(options_of_objects), T(fields_of_contacts), T(dial_strings), T(parts_of_uris), T(without_a_call),
		T(dialog_of_a_call), T(numbers_of_rtcp), T(headers_that_came), T(headers_of_the_answer),
		T(headers_of_a_call_out), T(codecs_of_the_next_offer), T(how_digits_are_sent),
		T(hold_that_is_passed_on), T(refresh_of_the_session), T(texts_of_the_dialplan), T(refused_with_a_status), T(refused_by_a_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
