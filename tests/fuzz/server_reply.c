/* Responses to what the server asked, at any time, right or wrong. */
#include "server_conf.h"
#include "server_sdp.h"
#include "server_wire.h"
#include "server_world.h"
#include <stdio.h>

static char room[16384], body_room[8192];

static const uint16_t statuses[] = { 200, 180, 183, 100, 486, 401, 302, 481, 491, 422, 407, 500, 503, 408, 202, 204, 181, 182, 199,
	300, 301, 305, 400, 403, 404, 405, 406, 410, 412, 415, 420, 421, 423, 480, 482, 483, 484, 485, 487, 488, 489, 494, 501,
	504, 505, 513, 580, 600, 603, 604, 606, 380, 299, 699 };

static const char *const challenges[] = {
	"Digest realm=\"far\",nonce=\"n1\",algorithm=MD5,qop=\"auth\"", "Digest realm=\"far\",nonce=\"n2\",stale=true",
	"Digest realm=\"other\",nonce=\"n3\",algorithm=SHA-256,qop=\"auth,auth-int\",opaque=\"o\"", "Basic realm=\"x\"",
	"Digest realm=\"far\",nonce=\"n4\",algorithm=NONE", "Digest realm=\"far\",nonce=\"n5\",algorithm=SHA-512-256,qop=\"auth-int\"", "Digest", "",
};

static const char *const contacts[] = {
	"<sip:bob@10.0.0.2:5060>", "<sip:102@10.0.0.100>", "<sip:x@far.example>;q=0.3, <sip:y@10.0.0.6>;q=1", "", "*", "<tel:5>",
	"<sip:alice@10.0.0.1;transport=tcp>", "\"x\" <sips:b@10.0.0.2>;expires=0", "<sip:100@10.0.0.100?Replaces=x>", "<sip:bob@10.0.0.2>;expires=1",
	"<sip:us@10.0.0.100:5060>;expires=30, <sip:other@10.0.0.9>;expires=3600",
};

static void put_bits(struct buf *b, unsigned bits, unsigned v)
{
	if (bits & 1)
		buf_printf(b, "Require: 100rel\r\nRSeq: %u\r\n", v % 16 == 15 ? 4294967295u : v % 16);
	if (bits & 2)
		buf_printf(b, "Session-Expires: %u;refresher=%s\r\n", v * 10, v & 1 ? "uac" : "uas");
	if (bits & 4)
		buf_printf(b, "Require: timer\r\nSupported: timer, 100rel\r\nMin-SE: %u\r\n", v * 8);
	if (bits & 8)
		buf_printf(b, "Contact: %s\r\n", contacts[v % ARRAY_LEN(contacts)]);
	if (bits & 16)
		buf_printf(b, "Retry-After: %u\r\nExpires: %u\r\nMin-Expires: %u\r\n", v, v * 3, v * 7);
	if (bits & 32)
		buf_printf(b, "%s: %s\r\n", v & 64 ? "Proxy-Authenticate" : "WWW-Authenticate", challenges[v % ARRAY_LEN(challenges)]);
	if (bits & 64)
		buf_put(b, STR("P-Asserted-Identity: \"Z\" <sip:950@x>\r\nRemote-Party-ID: <sip:951@x>;privacy=off\r\n"
				"Diversion: <sip:952@x>;reason=unconditional\r\nReason: Q.850;cause=19\r\n"));
	if (bits & 128)
		buf_printf(b, "Record-Route: <sip:10.0.0.8;lr>\r\nUnsupported: timer, x\r\nService-Route: <sip:10.0.0.9;lr>\r\nPath: <sip:q;lr>\r\n"
			   "Allow: INVITE\r\nAccept: x/y\r\nWarning: 399 x \"%u\"\r\n", v);
}

static void mangle(struct buf *b, unsigned how)
{
	struct str text = buf_view(b);
	size_t at;

	if (how == 1) {                 /* another branch */
		at = str_find(text, STR("branch=z9hG4bK"));
		if (at < b->n)
			b->p[at + 16] ^= 1;
	} else if (how == 2) {          /* another method */
		at = str_find(text, STR("CSeq: "));
		if (at + 12 < b->n)
			b->p[at + 8] = 'B';
	} else if (how == 3) {          /* another CSeq */
		at = str_find(text, STR("CSeq: "));
		if (at < b->n)
			b->p[at + 6] = '9';
	} else if (how == 4) {          /* another dialog */
		at = str_find(text, STR("Call-ID: "));
		if (at < b->n)
			b->p[at + 9] ^= 1;
	} else if (how == 5) {          /* cut off */
		b->n -= b->n / 3;
	}
}

static void learn_tag(struct seen *r, const char *tag)
{
	struct dlg *d = dlg_by_call(r->m->call_id);

	if (d && !d->ours && tag[0])
		str_copy(d->our_tag, sizeof(d->our_tag), str_z(tag));
}

static void respond(struct seen *r, const struct step *s, unsigned status, const char *headers)
{
	const struct dlg *d = dlg_by_call(r->m->call_id);
	struct buf b, body;
	char tag[40] = "";
	struct net_path from = r->path;

	snprintf(tag, sizeof(tag), "%s", d && !d->ours ? d->our_tag : "far");
	if (s->a[RS_TAG] % 4 == 1)
		snprintf(tag, sizeof(tag), "fork%u", s->a[RS_TAG] / 4 % 4u);
	else if (s->a[RS_TAG] % 4 == 2)
		tag[0] = '\0';
	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_init(&body, body_room, sizeof(body_room), sizeof(body_room));
	sip_write_response(&b, r->m, status, STR_NULL, str_z(tag));
	if (status > 100 && status < 300 && !(s->a[RS_HEADERS] & 8))
		buf_printf(&b, "Contact: <sip:%s@10.0.0.%u:5060>\r\n", phone[r->phone].name, r->phone + 1u);
	put_bits(&b, s->a[RS_HEADERS], s->a[RS_VALUE]);
	buf_put(&b, str_z(headers));
	if (sdp_write_text(&body, r->phone, s->a[RS_SDP], s->a[RS_EDIT], s->a[RS_EDIT_ARG]))
		buf_put(&b, STR("Content-Type: application/sdp\r\n"));
	buf_printf(&b, "Content-Length: %zu\r\n\r\n", body.n);
	buf_put(&b, buf_view(&body));
	mangle(&b, s->a[RS_MANGLE] & 0x80 ? s->a[RS_MANGLE] & 7 : 0);
	if (s->a[RS_PATH] & 8)
		path_of(&from, r->phone + s->a[RS_PATH] / 16, s->a[RS_PATH]);
	if (buf_err(&b))
		return;
	learn_tag(r, s->a[RS_TAG] % 4 == 1 ? "" : tag);
	r->answered = true;
	send_bytes(&from, buf_view(&b));
}

unsigned send_status(const struct step *s)
{
	return s->a[RS_STATUS] >= 250 ? 100 + s->a[RS_CODE] * 600u / 256 : statuses[s->a[RS_STATUS] % ARRAY_LEN(statuses)];
}

void send_response(const struct step *s)
{
	struct seen *r = seen_nth(s->a[RS_REQUEST]);

	if (r && r->m)
		respond(r, s, send_status(s), "");
}

static bool says(const struct seen *r, const char *z)
{
	return str_find(r->m->body, str_z(z)) < r->m->body.n;
}

void answer_plainly(struct seen *r, unsigned status, bool sdp, const char *headers)
{
	struct step s = { .a = { [RS_SDP] = sdp ? 2 : 0 } };

	/* A request without a body wants an offer; one that has one, an answer of its kind. */
	if (sdp && r->m->method != SIP_INVITE && !r->m->body.n)
		s.a[RS_SDP] = 0;
	if (s.a[RS_SDP] && says(r, "m=video"))
		s.a[RS_SDP] = 5;
	else if (s.a[RS_SDP] && says(r, "m=image"))
		s.a[RS_SDP] = 7;
	if (s.a[RS_SDP] && says(r, "\na=fingerprint"))
		s.a[RS_SDP] = !says(r, "\na=ice-ufrag") ? 32 : says(r, "m=video") ? 28 : r->phone & 1 ? 26 : 25;
	else if (s.a[RS_SDP] && says(r, "\na=crypto"))
		s.a[RS_SDP] = says(r, "\na=ice-ufrag") ? 36 : 34;
	else if (s.a[RS_SDP] && says(r, "\na=ice-ufrag"))
		s.a[RS_SDP] = 35;
	respond(r, &s, status, headers);
}
