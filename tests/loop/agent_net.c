/* Two user agents and the server between them. */
#include "agent_net.h"
#include "base/buf.h"
#include "base/obj.h"
#include "sip/message.h"
#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct agent_party *other(struct agent_party *p)
{
	return p == &p->net->a ? &p->net->b : &p->net->a;
}

static void add_word(char *log, size_t size, const char *word)
{
	size_t n = strlen(log);

	snprintf(log + n, size - n, "%s%s", n ? " " : "", word);
}

/* ---- the host ------------------------------------------------------------------------------ */

static uint64_t now_us(void *arg)
{
	return clock_us(&((struct agent_party *)arg)->net->clock.c);
}

static int64_t wall_us(void *arg)
{
	return clock_wall_us(&((struct agent_party *)arg)->net->clock.c);
}

static void wake(void *arg, uint64_t ms)
{
	struct agent_party *p = arg;

	p->wake_us = ms == UINT64_MAX ? ms : now_us(p) + 1000 * ms;
}

static int host_open(void *arg, const char *uri, uint32_t *conn)
{
	struct agent_party *p = arg;

	str_copy(p->opened, sizeof(p->opened), str_z(uri));
	*conn = p->conn = ++p->opens;
	return 0;
}

static void host_close(void *arg, uint32_t conn)
{
	struct agent_party *p = arg;

	if (p->conn == conn)
		p->conn = 0;
}

static int host_hash(void *arg, enum sidetone_hash h, const void *bytes, size_t n, uint8_t out[32])
{
	const EVP_MD *const md[] = { EVP_md5(), EVP_sha256(), EVP_sha512_256() };

	(void)arg;
	return EVP_Digest(bytes, n, out, NULL, md[h], NULL) == 1 ? 0 : ENOMEM;
}

/* ---- the server ---------------------------------------------------------------------------- */

/* Bytes on their way; they land a millisecond later. */
struct agent_flight {
	struct agent_flight *next;
	struct agent_party *to;
	uint32_t conn;
	size_t n;
	char bytes[];
};

static struct agent_flight *flights;    /* of the one net that a test has */

static void fly(struct agent_party *to, struct str bytes)
{
	struct agent_flight *f = malloc(sizeof(*f) + bytes.n), **at = &flights;

	f->next = NULL;
	f->to = to;
	f->conn = to->conn;
	f->n = bytes.n;
	memcpy(f->bytes, bytes.p, bytes.n);
	while (*at)
		at = &(*at)->next;
	*at = f;
}

static void land(void)
{
	struct agent_flight *all = flights;

	flights = NULL;
	while (all) {
		struct agent_flight *f = all;

		all = f->next;
		if (f->conn && f->conn == f->to->conn)
			sidetone_core_received(f->to->core, f->conn, f->bytes, f->n);
		free(f);
	}
}

static void answer_register(struct agent_party *p, const struct sip_msg *msg)
{
	struct buf b = BUF_INIT;
	bool challenge = p->challenges > 0;
	unsigned status = challenge ? 401 : p->register_status ? p->register_status : 200;
	struct sip_each e = { 0 };
	struct str v;

	p->challenges -= challenge;
	if (p->register_once)
		status = p->register_once;
	p->register_once = 0;
	sip_write_response(&b, msg, status, STR_NULL, STR("server"));
	while (status == 200 && sip_each(msg, SIP_H_CONTACT, &e, &v))
		if (!str_eq(v, STR("*")))
			buf_puts(&b, STR("Contact: "), v, STR("\r\n"));
	if (challenge)
		buf_put(&b, STR("WWW-Authenticate: Digest realm=\"here\",nonce=\"n\",qop=\"auth\",algorithm=SHA-256\r\n"));
	if (p->register_headers)
		buf_put(&b, str_z(p->register_headers));
	sip_write_body(&b, STR_NULL, STR_NULL);
	fly(p, buf_view(&b));
	buf_free(&b);
}

static void serve(struct agent_party *p, struct str bytes)
{
	struct sip_msg *msg;

	if (sip_msg_parse(&msg, bytes, true))
		return;
	if (msg->request && msg->method == SIP_REGISTER)
		answer_register(p, msg);
	else
		fly(other(p), bytes);
	obj_drop(msg);
}

static int host_send(void *arg, uint32_t conn, const char *bytes, size_t n)
{
	struct agent_party *p = arg;
	struct str all = str_mk(bytes, n), line = all;

	if (!conn || conn != p->conn)
		return ENOTCONN;
	str_copy(p->said, sizeof(p->said), all);
	if (n == 4) {
		add_word(p->sent, sizeof(p->sent), "ping");
	} else {
		char word[32];

		if (str_starts(all, STR("SIP/2.0 ")))
			line = str_skip(line, 8);
		str_copy(word, sizeof(word), str_cut_raw(&line, ' '));
		add_word(p->sent, sizeof(p->sent), word);
	}
	if (!p->deaf && n > 4)
		serve(p, all);
	return 0;
}

/* ---- the application -------------------------------------------------------------------------- */

void agent_describe(struct agent_party *p)
{
	char word[32];

	snprintf(word, sizeof(word), "word-%s%u", p == &p->net->a ? "a" : "b", ++p->n);
	sidetone_session_describe(p->session, "application/sdp", p->no_description ? NULL : word);
}

static void take_text(struct agent_party *p, const struct sidetone_event *e)
{
	size_t n;
	const char *body;

	if (e->text && e->type != SIDETONE_SENT && e->type != SIDETONE_RECEIVED)
		str_copy(p->text, sizeof(p->text), str_mk(e->text, e->text_n ? e->text_n : strlen(e->text)));
	if (e->message && (e->type == SIDETONE_MESSAGE || e->type == SIDETONE_NOTIFY)) {
		body = sidetone_message_body(e->message, &n);
		str_copy(p->text, sizeof(p->text), str_mk(body, n));
	}
	if (e->cause)
		p->cause = e->cause;
}

static void on_event(void *arg, const struct sidetone_event *e)
{
	struct agent_party *p = arg;
	char word[64];

	if (e->type == SIDETONE_LOG || e->type == SIDETONE_SENT || e->type == SIDETONE_RECEIVED)
		return;
	take_text(p, e);
	if (e->status && (e->type == SIDETONE_PROGRESS || e->type == SIDETONE_REFER_PROGRESS || e->type == SIDETONE_CONNECTING))
		snprintf(word, sizeof(word), "%s(%d)", sidetone_event_name(e->type), e->status);
	else
		snprintf(word, sizeof(word), "%s", sidetone_event_name(e->type));
	add_word(p->log, sizeof(p->log), word);
	if (e->type == SIDETONE_INVITE)
		p->session = e->session;
	if (e->incoming && e->type != SIDETONE_INFO)
		p->incoming = e->incoming;
	if (p->on_event)
		p->on_event(p, e);
	if (e->type == SIDETONE_DESCRIBE && !p->late) {
		p->session = e->session;
		agent_describe(p);
	}
	if (e->type == SIDETONE_SET_DESCRIPTION) {
		str_copy(p->heard, sizeof(p->heard), str_mk(e->text, e->text_n));
		if (!p->late)
			sidetone_session_described(e->session, p->described);
	}
}

/* ---- begin and end ------------------------------------------------------------------------------ */

static void party_open(struct agent_net *n, struct agent_party *p, const char *uri)
{
	const struct sidetone_host host = { .arg = p, .now_us = now_us, .wall_us = wall_us, .wake = wake, .open = host_open,
		.send = host_send, .close = host_close, .hash = host_hash };

	*p = (struct agent_party){ .net = n, .wake_us = UINT64_MAX };
	p->core = GOT(sidetone_core_new(&host));
	p->ua = GOT(sidetone_ua_new(p->core, on_event, p));
	assert_int_equal(sidetone_ua_set_string(p->ua, "uri", uri), 0);
	assert_int_equal(sidetone_ua_set_string(p->ua, "wsServers", "ws://server.example:8088/ws"), 0);
}

void agent_open(struct agent_net *n)
{
	n->objects = obj_live();
	clock_fake_init(&n->clock, 1700000000);
	n->a = n->b = (struct agent_party){ .net = n };
	party_open(n, &n->a, "sip:alice@example.com");
	party_open(n, &n->b, "sip:bob@example.com");
}

static void party_close(struct agent_party *p)
{
	sidetone_ua_free(p->ua);
	p->ua = NULL;
	sidetone_core_free(p->core);
}

int agent_close(struct agent_net *n)
{
	party_close(&n->a);
	party_close(&n->b);
	while (flights) {
		struct agent_flight *f = flights;

		flights = f->next;
		free(f);
	}
	return obj_live() != n->objects;
}

/* ---- time ------------------------------------------------------------------------------------------ */

static void come_up(struct agent_party *p, uint32_t *was)
{
	uint32_t conn = p->conn;

	if (!conn || conn == *was || p->slow)
		return;
	*was = conn;
	if (p->refuse) {
		p->conn = 0;
		sidetone_core_closed(p->core, conn, 1006, "refused");
	} else {
		sidetone_core_opened(p->core, conn, NULL);
	}
}

static void run_due(struct agent_party *p)
{
	if (p->wake_us <= now_us(p)) {
		p->wake_us = UINT64_MAX;
		sidetone_core_run(p->core);
	}
}

void agent_run(struct agent_net *n, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		clock_fake_add(&n->clock, 1000);
		come_up(&n->a, &n->a.up);
		come_up(&n->b, &n->b.up);
		land();
		run_due(&n->a);
		run_due(&n->b);
	}
}

void agent_begin(struct agent_party *p)
{
	assert_int_equal(sidetone_ua_start(p->ua), 0);
	agent_run(p->net, 10);
	assert_true(sidetone_ua_is_registered(p->ua));
	agent_forget(p);
}

void agent_drop(struct agent_party *p)
{
	uint32_t conn = p->conn;

	p->conn = 0;
	sidetone_core_closed(p->core, conn, 1006, "lost");
}

void agent_hear(struct agent_party *p, const char *text)
{
	struct buf b = BUF_INIT;

	for (; *text; text++) {
		if (*text == '\n')
			buf_char(&b, '\r');
		buf_char(&b, *text);
	}
	assert_int_equal(buf_err(&b), 0);
	sidetone_core_received(p->core, p->conn, b.p, b.n);
	buf_free(&b);
}

/* ---- what it was told ------------------------------------------------------------------------------- */

void agent_forget(struct agent_party *p)
{
	p->log[0] = p->sent[0] = p->text[0] = 0;
	p->cause = NULL;
}

void agent_expect(struct agent_party *p, const char *words)
{
	assert_string_equal(p->log, words);
	p->log[0] = 0;
}

bool agent_said(const struct agent_party *p, const char *what)
{
	return strstr(p->said, what) != NULL;
}

void agent_call(struct agent_net *n)
{
	const struct sidetone_invite_options o = { .request = { .target = "bob" } };

	assert_int_equal(sidetone_ua_invite(n->a.ua, &o, &n->a.session), 0);
	agent_run(n, 10);
	assert_non_null(n->b.session);
}

void agent_call_up(struct agent_net *n)
{
	agent_begin(&n->a);
	agent_begin(&n->b);
	agent_call(n);
	assert_int_equal(sidetone_session_accept(n->b.session, NULL), 0);
	agent_run(n, 10);
	assert_int_equal(sidetone_session_status(n->a.session), SIDETONE_STATUS_CONFIRMED);
	assert_int_equal(sidetone_session_status(n->b.session), SIDETONE_STATUS_CONFIRMED);
	agent_forget(&n->a);
	agent_forget(&n->b);
}
