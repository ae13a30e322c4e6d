/* A program of steps for one user agent and the server that it talks to: what the application
 * does, what the server says at any time in any dialog, time that passes, connections that come
 * and go. A step is two bytes, an opcode and an argument. Whatever happens, nothing may be left. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/obj.h"
#include "sidetone-ua.h"
#include "sip/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS 4
#define SENT 8

struct world {
	struct clock_fake clock;
	struct sidetone_core *core;
	struct sidetone_ua *ua;
	uint64_t wake_us;
	uint32_t conn, opens, up;
	struct sidetone_session *session[SESSIONS];
	struct sidetone_incoming *incoming[SESSIONS];
	struct sidetone_subscription *sub;
	struct sidetone_publication *pub;
	struct sip_msg *sent[SENT];     /* held: the last ones, the newest first */
	uint32_t cseq, branch;
	uint8_t habits;                 /* bit 0: descriptions come at once; 1: they fail; 2: frees inside events */
	bool over;
};

/* ---- the host ------------------------------------------------------------------------------ */

static uint64_t now_us(void *arg) { return clock_us(&((struct world *)arg)->clock.c); }
static int64_t wall_us(void *arg) { return clock_wall_us(&((struct world *)arg)->clock.c); }

static void wake(void *arg, uint64_t ms)
{
	struct world *w = arg;

	w->wake_us = ms == UINT64_MAX ? ms : now_us(w) + 1000 * ms;
}

static int host_open(void *arg, const char *uri, uint32_t *conn)
{
	struct world *w = arg;

	(void)uri;
	*conn = w->conn = ++w->opens;
	return 0;
}

static void host_close(void *arg, uint32_t conn)
{
	struct world *w = arg;

	if (w->conn == conn)
		w->conn = 0;
}

static int host_send(void *arg, uint32_t conn, const char *bytes, size_t n)
{
	struct world *w = arg;
	struct sip_msg *msg;

	(void)conn;
	if (n == 4 || sip_msg_parse(&msg, str_mk(bytes, n), true))
		return 0;
	obj_drop(w->sent[SENT - 1]);
	memmove(w->sent + 1, w->sent, (SENT - 1) * sizeof(w->sent[0]));
	w->sent[0] = msg;
	return 0;
}

static int host_hash(void *arg, enum sidetone_hash h, const void *bytes, size_t n, uint8_t out[32])
{
	(void)arg;
	memset(out, (int)(h + n), 32);
	if (n)
		out[0] = ((const uint8_t *)bytes)[0];
	return 0;
}

/* ---- the application -------------------------------------------------------------------------- */

static void free_session(struct world *w, size_t i)
{
	struct sidetone_session *s = w->session[i];

	w->session[i] = NULL;
	sidetone_session_free(s);
}

static void keep_session(struct world *w, struct sidetone_session *s)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (!w->session[i]) {
			w->session[i] = s;
			return;
		}
	sidetone_session_free(s);
}

static void keep_incoming(struct world *w, struct sidetone_incoming *in)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (!w->incoming[i]) {
			w->incoming[i] = in;
			return;
		}
	sidetone_incoming_free(in);
}

static void on_event(void *arg, const struct sidetone_event *e)
{
	struct world *w = arg;
	bool freed = false;

	if (e->type == SIDETONE_INVITE)
		keep_session(w, e->session);
	if (e->incoming && e->type != SIDETONE_INFO)
		keep_incoming(w, e->incoming);
	if (w->habits & 4 && e->session && e->type != SIDETONE_LOG)
		for (size_t i = 0; i < SESSIONS; i++)
			if (w->session[i] == e->session) {
				free_session(w, i);
				freed = true;
			}
	if (freed || !(w->habits & 1))
		return;
	if (e->type == SIDETONE_DESCRIBE)
		sidetone_session_describe(e->session, NULL, w->habits & 2 ? NULL : "v=0");
	if (e->type == SIDETONE_SET_DESCRIPTION)
		sidetone_session_described(e->session, w->habits & 2 ? 488 : 0);
}

/* ---- the server ---------------------------------------------------------------------------------- */

static void say(struct world *w, struct buf *b, uint8_t kind)
{
	static const char *const bodies[] = { "", "v=0", "SIP/2.0 200 OK", "Signal=5\r\nDuration=100", "x" };
	static const char *const types[] = { "application/sdp", "application/sdp", "message/sipfrag", "application/dtmf-relay", "text/x" };
	const char *body = bodies[kind % 5];

	if (*body)
		buf_puts(b, STR("Content-Type: "), str_z(types[kind % 5]), STR("\r\n"));
	buf_printf(b, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	if (!buf_err(b) && w->conn && w->conn == w->up)
		sidetone_core_received(w->core, w->conn, b->p, b->n);
	buf_free(b);
}

static void write_extra(struct buf *b, uint8_t x)
{
	static const char *const lines[] = {
		"Require: 100rel\r\nRSeq: 1\r\n", "Require: 100rel\r\nRSeq: 2\r\n", "Expires: 0\r\n", "Expires: 30\r\n",
		"Min-Expires: 900\r\n", "SIP-ETag: x\r\n", "Retry-After: 1\r\n",
		"WWW-Authenticate: Digest realm=\"r\",nonce=\"n\",qop=\"auth\"\r\n",
		"Session-Expires: 90;refresher=uas\r\n", "Supported: 100rel,timer,replaces\r\n", "Record-Route: <sip:p;lr>\r\n",
		"Event: presence\r\nSubscription-State: active\r\n", "Event: refer\r\nSubscription-State: terminated\r\n",
		"Event: presence\r\nSubscription-State: terminated;reason=timeout\r\n", "Refer-To: <sip:c@d>\r\n", "",
	};

	buf_put(b, str_z(lines[x % ARRAY_LEN(lines)]));
}

/* Of the arg: which request (3 bits), tag (1), body (1), extra (3). */
static void respond(struct world *w, unsigned status, uint8_t x)
{
	const struct sip_msg *msg = w->sent[x & 7];
	struct buf b = BUF_INIT;

	if (!msg || !msg->request || msg->method == SIP_ACK)
		return;
	sip_write_response(&b, msg, status, STR_NULL, x & 8 ? STR("one") : STR("two"));
	buf_put(&b, STR("Contact: <sip:bob@server>\r\n"));
	if (msg->method == SIP_REGISTER && status == 200)
		sip_write_hdr(&b, STR("Contact"), sip_hdr_value(msg, SIP_H_CONTACT));
	write_extra(&b, (uint8_t)((x >> 5) * 2 + (status & 1)));
	say(w, &b, x & 16 ? 1 : 0);
}

/* A request in the dialog of a message that was sent, or outside of any. */
static void ask(struct world *w, uint8_t op, uint8_t x)
{
	static const char *const methods[] = { "INVITE", "ACK", "BYE", "CANCEL", "INFO", "NOTIFY", "REFER", "UPDATE", "PRACK", "MESSAGE",
		"OPTIONS", "SUBSCRIBE", "FOO" };
	const char *method = methods[op % ARRAY_LEN(methods)];
	const struct sip_msg *in = x & 8 ? w->sent[x & 7] : NULL;
	bool again = !strcmp(method, "ACK") || !strcmp(method, "CANCEL");
	struct buf b = BUF_INIT;

	w->branch += !again;
	w->cseq += !again;
	buf_printf(&b, "%s sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/WS s;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n", method, w->branch);
	if (in && in->request)
		buf_puts(&b, STR("From: <sip:bob@s>;tag="), x & 16 ? STR("one") : STR("two"), STR("\r\nTo: "),
			 sip_hdr_value(in, SIP_H_FROM), STR("\r\nCall-ID: "), in->call_id, STR("\r\n"));
	else if (in)
		buf_puts(&b, STR("From: "), sip_hdr_value(in, SIP_H_FROM), STR("\r\nTo: "), sip_hdr_value(in, SIP_H_TO),
			 STR("\r\nCall-ID: "), in->call_id, STR("\r\n"));
	else
		buf_printf(&b, "From: <sip:bob@s>;tag=b\r\nTo: <sip:alice@example.com>\r\nCall-ID: c%u\r\n", again ? w->branch : w->branch);
	buf_printf(&b, "CSeq: %u %s\r\nContact: <sip:bob@server>\r\nRAck: %u %u INVITE\r\n", w->cseq, method, 1u, w->cseq);
	write_extra(&b, x >> 4);
	say(w, &b, op >> 4);
}

/* ---- steps ------------------------------------------------------------------------------------------ */

static void pass(struct world *w, uint64_t ms)
{
	uint64_t until = now_us(w) + 1000 * ms;

	for (unsigned i = 0; i < 200; i++) {
		uint64_t at = w->wake_us < until ? w->wake_us : until;

		if (at > now_us(w))
			clock_fake_add(&w->clock, at - now_us(w));
		if (w->wake_us > now_us(w))
			return;
		w->wake_us = UINT64_MAX;
		sidetone_core_run(w->core);
	}
	w->clock.mono = until > w->clock.mono ? until : w->clock.mono;
}

static void call(struct world *w, uint8_t x)
{
	const struct sidetone_invite_options o = { .request = { .target = "bob", .headers = x & 1 ? "X-Foo: bar" : NULL },
		.anonymous = x & 2, .without_sdp = x & 4 };
	struct sidetone_session *s;

	if (!sidetone_ua_invite(w->ua, &o, &s))
		keep_session(w, s);
}

static void in_session(struct world *w, uint8_t op, uint8_t x)
{
	struct sidetone_session *s = w->session[x % SESSIONS];
	unsigned status = 180 + 100u * (x >> 5);

	if (!s)
		return;
	switch (op % 14) {
	case 0: sidetone_session_accept(s, NULL); break;
	case 1: sidetone_session_reject(s, status, "x", NULL); break;
	case 2: sidetone_session_progress(s, x & 4 ? 183 : 0, NULL, NULL, x & 8); break;
	case 3: sidetone_session_cancel(s, 0, NULL, NULL); break;
	case 4: sidetone_session_bye(s, x & 4 ? status : 0, "x", NULL); break;
	case 5: sidetone_session_terminate(s, 0, NULL, NULL); break;
	case 6: sidetone_session_reinvite(s, NULL, x & 4); break;
	case 7: sidetone_session_request(s, x & 4 ? "INFO" : "MESSAGE", NULL, NULL, "x", NULL); break;
	case 8: sidetone_session_info_digit(s, '1', 100); break;
	case 9: sidetone_session_refer(s, "carol", x & 4 ? w->session[(x >> 3) % SESSIONS] : NULL, NULL, NULL); break;
	case 10: sidetone_session_describe(s, NULL, x & 4 ? NULL : "v=0"); break;
	case 11: sidetone_session_described(s, x & 4 ? 488 : 0); break;
	default: free_session(w, x % SESSIONS);
	}
}

static void in_incoming(struct world *w, uint8_t op, uint8_t x)
{
	struct sidetone_incoming *in = w->incoming[x % SESSIONS];

	if (!in)
		return;
	switch (op % 4) {
	case 0: sidetone_incoming_reply(in, 100 + x * 3u, NULL, NULL, NULL, x & 4 ? "x" : NULL); break;
	case 1: sidetone_refer_accept(in, NULL); break;
	case 2: sidetone_refer_tell(in, x & 4 ? 180 : 200, NULL); break;
	default:
		w->incoming[x % SESSIONS] = NULL;
		sidetone_incoming_free(in);
	}
}

static void other_work(struct world *w, uint8_t op, uint8_t x)
{
	const struct sidetone_request_options o = { .method = "OPTIONS", .target = "bob", .body = x & 1 ? "open" : NULL };

	switch (op % 10) {
	case 0: sidetone_ua_start(w->ua); break;
	case 1: sidetone_ua_stop(w->ua); break;
	case 2: sidetone_ua_register(w->ua, NULL, x & 1); break;
	case 3: sidetone_ua_unregister(w->ua, x & 1, NULL); break;
	case 4: sidetone_ua_request(w->ua, &o, NULL); break;
	case 5:
		if (!w->sub)
			sidetone_ua_subscribe(w->ua, &o, "presence", 60, &w->sub);
		else if (x & 1)
			sidetone_subscription_end(w->sub);
		else
			sidetone_subscription_refresh(w->sub);
		break;
	case 6:
		if (!w->pub)
			sidetone_ua_publish(w->ua, &o, "presence", 60, &w->pub);
		else if (x & 1)
			sidetone_publication_end(w->pub);
		else
			sidetone_publication_update(w->pub, NULL, x & 2 ? "x" : NULL);
		break;
	case 7: sidetone_ua_network_changed(w->ua); break;
	case 8:
		sidetone_subscription_free(w->sub);
		w->sub = NULL;
		break;
	default:
		sidetone_publication_free(w->pub);
		w->pub = NULL;
	}
}

static void connection(struct world *w, uint8_t x)
{
	uint32_t conn = w->conn;

	if (!conn)
		return;
	if (w->up != conn && x & 1) {
		w->up = conn;
		sidetone_core_opened(w->core, conn, x & 2 ? "192.0.2.9:5060" : NULL);
	} else if (w->up != conn || x & 2) {
		w->conn = 0;
		sidetone_core_closed(w->core, conn, 1006, "lost");
	}
}

static void step(struct world *w, uint8_t op, uint8_t x)
{
	static const unsigned short statuses[] = { 100, 180, 183, 200, 202, 302, 401, 404, 412, 422, 423, 481, 486, 487, 491, 503 };

	switch (op & 7) {
	case 0: respond(w, statuses[op >> 4], x); break;
	case 1: respond(w, op & 8 ? 200 : 180, x); break;
	case 2: ask(w, op >> 3, x); break;
	case 3: in_session(w, op >> 3, x); break;
	case 4: in_incoming(w, op >> 3, x); break;
	case 5: other_work(w, op >> 3, x); break;
	case 6:
		if (op & 8)
			connection(w, x);
		else if (op & 16)
			w->habits = x;
		else
			call(w, x);
		break;
	default: pass(w, op & 8 ? x * 1000u : x);
	}
}

/* ---- one program --------------------------------------------------------------------------------------- */

static void parameters(struct world *w, uint8_t a, uint8_t b)
{
	static const char *const supported[] = { "none", "supported", "required", "none" };
	static const char *const uris[] = { "ws://s", "tcp://s", "udp://s", "wss://s" };

	sidetone_ua_set_string(w->ua, "uri", "sip:alice@example.com");
	sidetone_ua_set_string(w->ua, "wsServers", uris[a & 3]);
	sidetone_ua_set_string(w->ua, "rel100", supported[(a >> 2) & 3]);
	sidetone_ua_set_string(w->ua, "replaces", supported[(a >> 4) & 3]);
	sidetone_ua_set_bool(w->ua, "allowOutOfDialogRefers", a & 64);
	sidetone_ua_set_bool(w->ua, "allowLegacyNotifications", a & 128);
	sidetone_ua_set_string(w->ua, "password", "x");
	if (b & 1)
		sidetone_ua_set_number(w->ua, "keepAliveInterval", 5);
	w->habits = b >> 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .wake_us = UINT64_MAX };
	const struct sidetone_host host = { .arg = &w, .now_us = now_us, .wall_us = wall_us, .wake = wake, .open = host_open,
		.send = host_send, .close = host_close, .hash = host_hash };
	size_t live = obj_live();

	if (size < 2)
		return 0;
	clock_fake_init(&w.clock, 1700000000);
	w.core = sidetone_core_new(&host);
	w.ua = sidetone_ua_new(w.core, on_event, &w);
	parameters(&w, data[0], data[1]);
	sidetone_ua_start(w.ua);
	connection(&w, 1);
	pass(&w, 1);
	for (size_t i = 2; i + 1 < size && i < 400; i += 2)
		step(&w, data[i], data[i + 1]);
	for (size_t i = 0; i < SESSIONS; i++) {
		free_session(&w, i);
		sidetone_incoming_free(w.incoming[i]);
	}
	sidetone_subscription_free(w.sub);
	sidetone_publication_free(w.pub);
	sidetone_ua_free(w.ua);
	sidetone_core_free(w.core);
	for (size_t i = 0; i < SENT; i++)
		obj_drop(w.sent[i]);
	if (obj_live() != live)
		abort();
	return 0;
}
