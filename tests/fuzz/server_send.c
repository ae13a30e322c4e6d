/* Messages out of templates: each slot of a step fills one place of a request or a
 * response, rightly most of the time. */
#include "base/obj.h"
#include "server_conf.h"
#include "server_conn.h"
#include "server_sdp.h"
#include "server_secure.h"
#include "server_stir.h"
#include "server_wire.h"
#include "server_world.h"
#include "service/common/hash_openssl.h"
#include <stdio.h>
#include <stdlib.h>

#define TEXT_ROOM 16384

static char room[TEXT_ROOM], body_room[TEXT_ROOM / 2];

static struct {
	char text[SENT_AGAIN][2048];
	size_t n[SENT_AGAIN];
	struct net_path path[SENT_AGAIN];
	unsigned next;
} sent;

static struct {
	uint8_t header[4], value[4];
	unsigned n;
	const struct step *fragment;    /* the next body is made of it */
} later;

void send_header_later(uint8_t header, uint8_t value)
{
	if (later.n < ARRAY_LEN(later.header)) {
		later.header[later.n] = header;
		later.value[later.n++] = value;
	}
}

static struct digest_ctx *digest;

void send_forget(void)
{
	digest = obj_drop(digest);
	memset(&sent, 0, sizeof(sent));
	memset(&later, 0, sizeof(later));
}

void send_bytes(const struct net_path *from, struct str bytes)
{
	unsigned at = sent.next++ % SENT_AGAIN;

	if (wire_traced())
		printf("--->\n%.*s\n", STR_ARG(bytes));
	sent.n[at] = bytes.n < sizeof(sent.text[0]) ? bytes.n : 0;
	memcpy(sent.text[at], bytes.p, sent.n[at]);
	sent.path[at] = *from;
	if (conn_say(from, bytes))
		return;
	world_receive(from, bytes, !net_is_stream(from->proto));
}

void send_repeat(unsigned n)
{
	unsigned have = sent.next < SENT_AGAIN ? sent.next : SENT_AGAIN, at;

	if (!have)
		return;
	at = (sent.next - 1 - n % have) % SENT_AGAIN;
	world_receive(&sent.path[at], str_mk(sent.text[at], sent.n[at]), !net_is_stream(sent.path[at].proto));
}

/* ---- parts -------------------------------------------------------------- */

static const char *const methods[] = { "INVITE", "REGISTER", "BYE", "ACK", "CANCEL", "SUBSCRIBE", "UPDATE", "PRACK",
	"REFER", "OPTIONS", "INFO", "MESSAGE", "NOTIFY", "PUBLISH", "FOO", "invite" };
enum { M_INVITE, M_REGISTER, M_BYE, M_ACK, M_CANCEL, M_SUBSCRIBE, M_UPDATE, M_PRACK, M_REFER, M_OPTIONS, M_INFO, M_MESSAGE,
	M_NOTIFY, M_PUBLISH };

const char *send_method(const struct step *s)
{
	return methods[s->a[RQ_METHOD] % ARRAY_LEN(methods)];
}

static const char *const events[] = { "presence", "dialog", "message-summary", "refer", "presence;id=1", "none", "",
	"keep-alive", "as-feature-event", "dialog;call-id=x", "conference", "refer;id=2" };

static void put_session_expires(struct buf *b, unsigned v)
{
	static const char *const values[] = { "90", "1800", "90;refresher=uac", "120;refresher=uas", "1", "0", "4294967295",
		"99999999999", "x", "90;refresher=x", "" };

	buf_printf(b, "Session-Expires: %s\r\n", values[v % ARRAY_LEN(values)]);
}

static void put_replaces(struct buf *b, const char *prefix, unsigned v)
{
	const struct dlg *o = dlg_nth(v / 4);
	bool far = v & 1;

	if (o)
		buf_printf(b, "%s%s%sto-tag=%s%sfrom-tag=%s%s", prefix, o->call_id, *prefix == 'R' ? ";" : "%3B",
			   far ? o->our_tag : o->their_tag, *prefix == 'R' ? ";" : "%3B", far ? o->their_tag : o->our_tag,
			   v & 2 ? (*prefix == 'R' ? ";early-only" : "%3Bearly-only") : "");
	if (o && *prefix == 'R')
		buf_put(b, STR("\r\n"));
}

static void put_refer_to(struct buf *b, unsigned v)
{
	static const char *const targets[] = { "<sip:101@10.0.0.100>", "sip:bob@10.0.0.2", "<sip:nobody@far.example;method=INVITE>",
		"<tel:5>", "<sip:100@10.0.0.100?X-A=1&Body=x>", "", "<sip:100@10.0.0.100;method=BYE>", "<sip:%s>" };

	if (v % 3 == 0) {
		buf_put(b, STR("Refer-To: <sip:102@10.0.0.100"));
		put_replaces(b, "?Replaces=", v / 3);
		buf_put(b, STR(">\r\n"));
	} else {
		buf_printf(b, "Refer-To: %s\r\n", targets[v / 3 % ARRAY_LEN(targets)]);
	}
	if (v & 0x40)
		buf_put(b, STR("Referred-By: <sip:alice@10.0.0.1>\r\n"));
	if (v & 0x80)
		buf_put(b, STR("Refer-Sub: false\r\nSupported: norefersub\r\n"));
}

static void put_rack(struct buf *b, const struct dlg *d, unsigned v)
{
	if (v % 8 == 7)
		buf_put(b, STR("RAck: x\r\n"));
	else
		buf_printf(b, "RAck: %u %u INVITE\r\n", d->rseq + (v % 8 == 5) - (v % 8 == 6), d->rseq_cseq + (v % 8 == 4));
}

/* What stands in few messages, and odd things. */
static const char *const odd_headers[] = {
	"Max-Forwards: 0\r\n", "Max-Forwards: 256\r\n", "Require: foo, 100rel\r\n", "Proxy-Require: x\r\n",
	"Route: <sip:10.0.0.100;lr>\r\n", "Route: <sip:x@far.example;lr>, <sip:y;lr>\r\n", "Record-Route: <sip:10.0.0.7;lr>, <sip:10.0.0.8>\r\n",
	"Path: <sip:10.0.0.7;lr>\r\nSupported: path\r\n", "Content-Encoding: gzip\r\n", "Content-Disposition: session;handling=optional\r\n",
	"X-Who: erin\r\n", "In-Reply-To: x\r\n", "Supported: replaces, norefersub, eventlist, outbound, gruu\r\n", "Accept: application/pidf+xml\r\n",
	"Accept: application/dialog-info+xml\r\n", "Accept: application/rlmi+xml, multipart/related, application/simple-message-summary, application/pidf+xml, application/dialog-info+xml, application/cpim-pidf+xml\r\nSupported: eventlist\r\n",
	"Accept: text/none\r\n", "Accept:\r\n", "Subscription-State: active;expires=60\r\n", "Subscription-State: terminated;reason=timeout\r\n",
	"Join: x\r\n", "Allow: INVITE\r\n", "Allow: INVITE, ACK, UPDATE, PRACK, REFER\r\n", "Timestamp: 54 1\r\n", "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKlow\r\n",
	"Warning: 399 x \"y\"\r\n", "History-Info: <sip:1@x>;index=1, <sip:2@x?Reason=SIP%3Bcause%3D302>;index=1.1\r\n", "Contact: <sip:other@10.0.0.7>\r\n",
	"Contact: *\r\n", "SIP-If-Match: x\r\n", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", "Reason: Q.850;cause=17\r\n",
	"Event: refer\r\n", "Min-SE: 4294967295\r\n", "Call-ID: second\r\n", "CSeq: 1 INVITE\r\n", "Session-Expires: 90\r\nSupported: timer\r\n",
	"Request-Disposition: no-fork\r\n", "P-Early-Media: x\r\n", "Alert-Info: <http://x>\r\n", "Replaces: x;to-tag=1;from-tag=2\r\n",
	"Supported: \xff\x01\r\n", "Expires: 0\r\n", "Expires: 4294967296\r\n", "Authorization: Digest\r\n", "Target-Dialog: x\r\n",
	"Signal: 5\r\nDuration: 100\r\n", "User-Agent: x\"\\\r\n", "Require: timer\r\nSupported: timer\r\n", "Require: replaces\r\n",
};

static void put_odd(struct buf *b, unsigned v)
{
	buf_put(b, str_z(odd_headers[v % ARRAY_LEN(odd_headers)]));
}

static void put_bits(struct buf *b, const struct dlg *d, unsigned bits, unsigned more, unsigned v)
{
	if (bits & 1)
		buf_put(b, STR("Supported: 100rel, timer, replaces\r\n"));
	if (bits & 2)
		buf_put(b, STR("Require: 100rel\r\n"));
	if (bits & 4)
		put_session_expires(b, v);
	if (bits & 8)
		buf_printf(b, "Min-SE: %u\r\n", v * 37);
	if (bits & 16)
		buf_put(b, STR("Supported: timer\r\n"));
	if (bits & 32)
		put_replaces(b, "Replaces: ", v);
	if (bits & 64)
		buf_put(b, STR("P-Asserted-Identity: \"A\" <sip:900@10.0.0.1>\r\nPrivacy: id\r\n"));
	if (bits & 128)
		buf_put(b, STR("Remote-Party-ID: \"R\" <sip:901@10.0.0.1>;party=calling;privacy=full;screen=yes\r\n"));
	if (more & 1)
		buf_put(b, STR("Diversion: <sip:902@x>;reason=user-busy;counter=2, \"B\" <sip:903@x>\r\n"));
	if (more & 2)
		buf_put(b, STR("Supported: eventlist\r\nAccept: multipart/related, application/rlmi+xml, application/pidf+xml, "
				"application/dialog-info+xml, application/simple-message-summary\r\n"));
	if (more & 8)
		buf_printf(b, "Event: %s\r\n", events[v % ARRAY_LEN(events)]);
	if (more & 16)
		put_refer_to(b, v);
	if (more & 32)
		put_rack(b, d, v);
	if (more & 64)
		put_odd(b, v);
	if (more & 128)
		buf_put(b, STR("Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, INFO, REFER, NOTIFY, MESSAGE\r\n"));
}

static void put_later(struct buf *b, const struct dlg *d)
{
	for (unsigned i = 0; i < later.n; i++) {
		if (later.header[i] % 2)
			put_odd(b, later.value[i]);
		else
			put_bits(b, d, later.header[i], 0, later.value[i]);
	}
	later.n = 0;
}

static void put_expires(struct buf *b, unsigned v)
{
	static const char *const values[] = { "60", "3600", "0", "1", "5", "120", "4294967295", "x", "600", "2" };

	buf_printf(b, "Expires: %s\r\n", values[v % ARRAY_LEN(values)]);
}

/* Contacts of a REGISTER. */
static void put_bindings(struct buf *b, const struct dlg *d, unsigned v)
{
	unsigned n = d->phone + 1u;
	const char *name = phone[d->phone].name;

	switch (v / 10 % 12) {
	default:
		buf_printf(b, "Contact: <sip:%s@10.0.0.%u:5060>\r\n", name, n);
		break;
	case 4:
		buf_printf(b, "Contact: <sip:%s@10.0.0.%u:5062>;expires=2, <sip:%s@10.0.0.%u:5060>\r\n", name, n, name, n);
		break;
	case 5:
		buf_put(b, STR("Contact: *\r\n"));
		break;
	case 6:
		buf_printf(b, "Contact: <sip:%s@10.0.0.%u:5060>;expires=0\r\n", name, n);
		break;
	case 7:
		buf_printf(b, "Contact: <sip:%s@10.0.0.%u:5060;transport=tcp;ob>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\n", name, n);
		break;
	case 8:
		buf_printf(b, "Contact: <sip:%s@10.0.0.%u:%u>;expires=1\r\n", name, n, 5060 + v % 10);
		break;
	case 9:
		break;
	case 10:
		buf_printf(b, "Contact: <sip:%s@10.0.0.%u>, <sip:%s@10.0.0.%u>;expires=10\r\n", name, n, name, n);
		break;
	case 11:
		buf_put(b, STR("Contact: <sip:x@far.example>;expires=abc;q=2, sips:y@z, <tel:1>\r\n"));
		break;
	}
}

/* ---- credentials -------------------------------------------------------- */

static void put_credentials(struct buf *b, struct dlg *d, const struct step *s, const char *method, const char *uri)
{
	struct digest_fields f;
	struct digest_answer_prm prm = { .challenge = &f, .method = str_z(method), .uri = str_z(uri) };
	unsigned how = s->a[RQ_AUTH] % 8;
	const struct phone *p = &phone[s->a[RQ_AUTH] & 0x40 ? s->a[RQ_AUTH] / 16 % 4 : d->phone];

	if (!d->challenge[0] || digest_parse(&f, str_z(d->challenge)))
		return;
	if (!digest)
		digest = digest_openssl_new(&world.clock.c);
	if (how == 4)
		f.nonce = STR("0000000000000000");
	if (how == 5)
		f.realm = STR("elsewhere");
	if (how == 6)
		prm.uri = STR("sip:other@x");
	digest_alg_of(f.algorithm, &prm.alg);
	prm.username = str_z(p->name);
	prm.password = how == 3 || !p->password ? STR("wrong") : str_z(p->password);
	prm.nc = how == 7 ? d->nc : ++d->nc;
	buf_put(b, d->proxy ? STR("Proxy-Authorization: ") : STR("Authorization: "));
	digest_answer(digest, &prm, b);
	buf_put(b, STR("\r\n"));
}

/* ---- requests ----------------------------------------------------------- */

static struct dlg *begin_dialog(const struct step *s)
{
	struct dlg *d = dlg_new();
	unsigned n = s->a[RQ_PHONE] % PHONES;

	snprintf(d->call_id, sizeof(d->call_id), "c%u", hooks_random() % 1000000);
	snprintf(d->our_tag, sizeof(d->our_tag), "t%u", hooks_random() % 1000000);
	d->ours = true;
	d->phone = (uint8_t)n;
	snprintf(d->our_uri, sizeof(d->our_uri), "sip:%s@10.0.0.100", phone[n].name);
	d->exten = (uint16_t)(s->a[RQ_EXTEN] % conf_extens);
	snprintf(d->their_uri, sizeof(d->their_uri), "sip:%s@10.0.0.100",
		 s->a[RQ_METHOD] % ARRAY_LEN(methods) == M_REGISTER ? phone[n].name : conf_exten[d->exten]);
	str_copy(d->method, sizeof(d->method), str_z(send_method(s)));
	path_of(&d->path, n, s->a[RQ_PATH]);
	return d;
}

static uint32_t next_cseq(struct dlg *d, unsigned mode, unsigned method)
{
	if (method == M_ACK || method == M_CANCEL)
		return d->invite_cseq + (mode == 3) - (mode == 4);
	switch (mode) {
	case 1:
		return d->cseq;
	case 2:
		return d->invite_cseq;
	case 3:
		return d->cseq - 1;
	case 4:
		return d->cseq = 2147483647;
	case 5:
		return 4294967295u;
	case 6:
		return d->cseq += 1000;
	default:
		return ++d->cseq;
	}
}

static const char *branch_of(struct dlg *d, unsigned mode, unsigned method)
{
	if (method == M_CANCEL && mode != 1)
		return d->invite_branch;
	if (mode == 1)
		return d->branch;
	if (mode == 2)
		return d->invite_branch;
	if (mode == 3)
		return "old";
	snprintf(d->branch, sizeof(d->branch), "z9hG4bK%u", hooks_random());
	if (method == M_INVITE)
		str_copy(d->invite_branch, sizeof(d->invite_branch), str_z(d->branch));
	return d->branch;
}

static const char *ruri_of(const struct dlg *d, const struct step *s, char *mem, size_t size)
{
	static const char *const odd[] = { "sip:10.0.0.100", "tel:+100;phone-context=x", "sips:100@10.0.0.100", "sip:fred@10.0.0.100;user=phone",
		"sip:100@10.0.0.100;transport=tcp;lr", "sip:alias@alias.example", "http://x/", "sip:%00@h" };

	if (s->a[RQ_EXTEN] >= 224)
		return odd[s->a[RQ_EXTEN] % ARRAY_LEN(odd)];
	if (d->target[0] && d->their_tag[0])
		return d->target;
	if (!strcmp(d->method, "REGISTER"))
		return "sip:10.0.0.100";
	snprintf(mem, size, "sip:%s@10.0.0.100", conf_exten[d->exten]);
	return mem;
}

static void put_tags(struct buf *b, const struct dlg *d, unsigned mode, bool cancel)
{
	const struct dlg *o = dlg_nth(mode);
	const char *from = d->our_tag, *to = d->their_tag;

	if (mode == 1)
		to = "";
	else if (mode == 2)
		to = "wrong";
	else if (mode == 3)
		from = "wrong";
	else if (mode == 4 && o)
		to = o->their_tag;
	else if (mode == 5)
		from = "";
	else if (mode == 6) {
		from = d->their_tag;
		to = d->our_tag;
	}
	buf_printf(b, "From: <%s>%s%s\r\n", d->our_uri, from[0] ? ";tag=" : "", from);
	buf_printf(b, "To: <%s>%s%s\r\n", d->their_uri, to[0] && !cancel ? ";tag=" : "", cancel ? "" : to);
}

/* What phones and servers say of themselves. */
static const struct {
	const char *event, *type, *text;
} publications[] = {
	{ "presence", "application/pidf+xml", "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple id='1'><status><basic>closed</basic></status></tuple></presence>" },
	{ "dialog", "application/dialog-info+xml", "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info'><dialog id='1'><state>early</state></dialog></dialog-info>" },
	{ "dialog", "application/dialog-info+xml", "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info'/>" },
	{ "asterisk-devicestate", "application/json",
	  "{\"type\":\"devicestate\",\"device\":\"Custom:lamp\",\"state\":\"BUSY\",\"cachable\":1,\"eid\":\"00:00:00:00:00:02\"}" },
	{ "asterisk-mwi", "application/json",
	  "{\"type\":\"mailboxstate\",\"uniqueid\":\"3@x\",\"old\":1,\"new\":2,\"eid\":\"00:00:00:00:00:02\"}" },
	{ "asterisk-devicestate", "application/json", "{\"type\":\"refresh\",\"eid\":\"00:00:00:00:00:02\"}" },
	{ "presence", "application/pidf+xml", "" },
};

/* Type and body. */
static const char *put_body(struct buf *b, const struct dlg *d, const struct step *s)
{
	static const struct { const char *type, *text; } bodies[] = {
		{ NULL, NULL }, { "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n" }, { "application/dtmf", "#" },
		{ "text/plain", "hello" }, { "message/sipfrag;version=2.0", "SIP/2.0 200 OK\r\n" }, { "message/sipfrag", "SIP/2.0 100 Trying\r\n" },
		{ "message/sipfrag", "SIP/2.0 503 x\r\n" }, { "application/simple-message-summary", "Messages-Waiting: yes\r\nVoice-Message: 2/1 (0/0)\r\n" },
		{ "application/media_control+xml", "<media_control><picture_fast_update/></media_control>" },
		{ "application/dtmf-relay", "Signal=\r\nDuration=99999999999\r\n" }, { "application/sdp", "v=0" },
		{ "application/hook-flash", "x" }, { "application/broadsoft", "event flashhook" }, { "text/plain;charset=utf-8", "\xc3\xa9\x01" },
		{ "multipart/mixed;boundary=x", "--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n--x--\r\n" },
		{ "application/pidf+xml", "<presence/>" },
	};
	unsigned i = s->a[RQ_BODY] % ARRAY_LEN(bodies), k = s->a[RQ_FLAGS] / 8 % ARRAY_LEN(publications);

	if (s->a[RQ_METHOD] % ARRAY_LEN(methods) == M_PUBLISH && !i) {
		buf_put(b, str_z(publications[k].text));
		return publications[k].type;
	}
	if (later.fragment) {
		secure_fragment(b, later.fragment, d->phone);
		later.fragment = NULL;
		return "application/trickle-ice-sdpfrag";
	}
	if (sdp_write_text(b, d->phone, s->a[RQ_SDP], s->a[RQ_EDIT], s->a[RQ_EDIT_ARG]))
		return "application/sdp";
	if (i)
		buf_put(b, str_z(bodies[i].text));
	return bodies[i].type;
}

static void put_of_method(struct buf *b, struct dlg *d, const struct step *s, unsigned m)
{
	unsigned v = s->a[RQ_VALUE], more = s->a[RQ_MORE];

	if (m == M_REGISTER)
		put_bindings(b, d, v);
	else if (m != M_CANCEL && m != M_BYE)
		buf_printf(b, "Contact: <sip:%s@10.0.0.%u:5060%s>\r\n", phone[d->phone].name, d->phone + 1u,
			   net_is_stream(d->path.proto) ? ";transport=tcp" : "");
	if ((m == M_REGISTER || m == M_SUBSCRIBE) != !!(more & 4))
		put_expires(b, v);
	if (m == M_INVITE && more & 4)
		stir_world_write(b, s->a[RQ_HEADERS] & 64 ? "900" : "100", v / 10);
	if (m == M_SUBSCRIBE || m == M_NOTIFY) {
		if (!d->event[0] || s->a[RQ_FLAGS] & 4)
			str_copy(d->event, sizeof(d->event), str_z(events[s->a[RQ_FLAGS] / 8 % ARRAY_LEN(events)]));
		buf_printf(b, "Event: %s\r\n", d->event);
	}
	if (m == M_PUBLISH)
		buf_printf(b, "Event: %s\r\n", publications[s->a[RQ_FLAGS] / 8 % ARRAY_LEN(publications)].event);
	if (m == M_NOTIFY)
		buf_printf(b, "Subscription-State: %s\r\n", v & 1 ? "active" : "terminated;reason=noresource");
	if (m == M_REFER)
		put_refer_to(b, v);
	if (m == M_PRACK)
		put_rack(b, d, v);
}

static void send_in(struct dlg *d, const struct step *s)
{
	unsigned m = s->a[RQ_METHOD] % ARRAY_LEN(methods), nums = s->a[RQ_NUMBERS];
	struct buf b, body;
	char mem[160];
	const char *type, *method = methods[m], *uri = ruri_of(d, s, mem, sizeof(mem));
	struct net_path path = d->path;
	uint32_t cseq = next_cseq(d, nums & 7, m);

	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_init(&body, body_room, sizeof(body_room), sizeof(body_room));
	if (m == M_INVITE)
		d->invite_cseq = cseq;
	if (s->a[RQ_PATH] & 8)
		path_of(&path, d->phone + s->a[RQ_PATH] / 16, s->a[RQ_PATH]);
	buf_printf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s 10.0.0.%u:5060;branch=%s%s\r\n", method, uri, net_proto_name(path.proto),
		   d->phone + 1u, branch_of(d, nums >> 6, m), s->a[RQ_FLAGS] & 2 ? "" : ";rport");
	put_tags(&b, d, nums >> 3 & 7, m == M_CANCEL);
	buf_printf(&b, "Call-ID: %s\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n", d->call_id, cseq, method);
	put_of_method(&b, d, s, m);
	put_bits(&b, d, s->a[RQ_HEADERS], s->a[RQ_MORE] & ~4u, s->a[RQ_VALUE]);
	put_later(&b, d);
	if (s->a[RQ_AUTH] % 8)
		put_credentials(&b, d, s, method, uri);
	type = put_body(&body, d, s);
	if (type)
		buf_printf(&b, "Content-Type: %s\r\n", type);
	buf_printf(&b, "Content-Length: %zu\r\n\r\n", body.n);
	buf_put(&b, buf_view(&body));
	if (!buf_err(&b))
		send_bytes(&path, buf_view(&b));
}

void send_request(const struct step *s)
{
	struct dlg *d = s->a[RQ_DIALOG] ? dlg_nth(s->a[RQ_DIALOG] - 1u) : NULL;

	if (!d)
		d = begin_dialog(s);
	d->last = *s;
	d->tries = 0;
	send_in(d, s);
}

void send_again(struct dlg *d)
{
	struct step s = d->last;

	s.a[RQ_NUMBERS] &= 0x38;        /* its tags as they were; CSeq and branch anew */
	send_in(d, &s);
}

/* Candidates by INFO: [0] in which dialog, back; the others fill the body. */
void send_fragment(const struct step *s)
{
	struct step info = { .a = { [RQ_METHOD] = M_INFO, [RQ_DIALOG] = (uint8_t)(1 + s->a[0] % 8), [RQ_AUTH] = 1 } };

	if (!dlg_nth(0))
		return;
	later.fragment = s;
	send_request(&info);
	later.fragment = NULL;
}

void send_ack(struct dlg *d, unsigned cseq, unsigned status)
{
	struct step s = { .a = { [RQ_METHOD] = M_ACK, [RQ_NUMBERS] = 0 } };

	if (cseq != d->invite_cseq)
		return;
	if (status >= 300)
		s.a[RQ_NUMBERS] = 2 << 6;       /* the INVITE's own branch */
	send_in(d, &s);
}

void send_prack(struct dlg *d)
{
	struct step s = { .a = { [RQ_METHOD] = M_PRACK } };

	send_in(d, &s);
}
