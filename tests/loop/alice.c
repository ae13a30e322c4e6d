/* What alice and those whom she calls say, and what is left of it in the service. */
#include "alice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct wire t;
char tag[64];
unsigned call_number;
const char *from_uri, *from_header;

void alice_begins(void)
{
	tag[0] = '\0';
	call_number = 1;
	from_uri = from_header = "";
}

void alice_ends(uint64_t ms)
{
	wire_forget(&t);
	t.deaf = true;
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	if (ms)
		world_pass(&t.w, ms);
	else
		world_turn(&t.w);
}

/* ---- alice's side ----------------------------------------------------------------- */

void alice(const char *method, const char *exten, unsigned cseq, const char *more, const char *body)
{
	struct buf b = BUF_INIT;
	char *text;
	bool cancel = !strcmp(method, "CANCEL");

	oom_pause(true);
	buf_printf(&b, "%s sip:%s@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bK%u%s%u\r\n", method,
		   exten, call_number, cancel ? "INVITE" : method, cseq);
	buf_printf(&b, "From: <sip:alice@127.0.0.1%s>;tag=a1%s\r\nTo: <sip:%s@127.0.0.1>%s%s\r\nCall-ID: c%u\r\n",
		   from_uri, from_header, exten, tag[0] && !cancel ? ";tag=" : "", cancel ? "" : tag, call_number);
	buf_printf(&b, "CSeq: %u %s\r\nContact: <sip:alice@" ALICE ">\r\nMax-Forwards: 70\r\n%s", cseq, method, more);
	buf_printf(&b, "%sContent-Length: %zu\r\n\r\n%s", body[0] ? "Content-Type: application/sdp\r\n" : "",
		   strlen(body), body);
	assert_int_equal(buf_err(&b), 0);
	text = GOT(buf_take(&b));
	oom_pause(false);
	wire_come(&t, ALICE, text);
	free(text);
}

/* The newest message kept that is a response to `m` (NULL: none) ... */
struct sip_msg *response(enum sip_method m)
{
	for (size_t i = t.n; i; i--)
		if (!t.sent[i - 1]->request && t.sent[i - 1]->method == m)
			return t.sent[i - 1];
	return NULL;
}

/* ... or a request, to whom it goes. */
size_t request(enum sip_method m, uint16_t port)
{
	for (size_t i = t.n; i; i--)
		if (t.sent[i - 1]->request && t.sent[i - 1]->method == m && sa_port(&t.path[i - 1].peer) == port)
			return i - 1;
	return SIZE_MAX;
}

struct sip_msg *requested(enum sip_method m, uint16_t port)
{
	size_t i = request(m, port);

	assert_true(i != SIZE_MAX);
	return t.sent[i];
}

unsigned status(enum sip_method m)
{
	return response(m) ? response(m)->status : 0;
}

unsigned count(enum sip_method m, unsigned code)
{
	unsigned n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += !t.sent[i]->request && t.sent[i]->method == m && t.sent[i]->status == code;
	return n;
}

void learn_tag(void)
{
	assert_non_null(response(SIP_INVITE));
	str_copy(tag, sizeof(tag), response(SIP_INVITE)->to.tag);
}

void alice_calls(const char *exten)
{
	alice("INVITE", exten, 1, "", SDP_ULAW);
	if (status(SIP_INVITE) > 100)
		learn_tag();
}

void alice_talks(const char *exten)
{
	alice_calls(exten);
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", exten, 1, "", "");
	wire_forget(&t);
}

void alice_talks_to(const char *exten, uint16_t port, const char *sdp)
{
	alice("INVITE", exten, 1, "", sdp);
	answer(SIP_INVITE, port, 200, "", sdp);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	alice("ACK", exten, 1, "", "");
	wire_forget(&t);
}

/* Whatever was before is over: her next request begins another call. */
void alice_starts_anew(void)
{
	wire_forget(&t);
	tag[0] = '\0';
	call_number++;
}

/* ---- the called side: answers the newest request of `m` to `port` -------------------- */

void answer(enum sip_method m, uint16_t port, unsigned code, const char *headers, const char *body)
{
	fork_answer("far", m, port, code, headers, body);
}

void fork_answer(const char *fork, enum sip_method m, uint16_t port, unsigned code, const char *headers, const char *body)
{
	size_t i = request(m, port);
	char peer[32], *text;
	struct buf b = BUF_INIT;

	assert_true(i != SIZE_MAX);
	oom_pause(true);
	sip_write_response(&b, t.sent[i], code, STR_NULL, str_z(fork));
	buf_put(&b, str_z(headers));
	if (m == SIP_INVITE && code < 300)
		buf_printf(&b, "Contact: <sip:%s@127.0.0.1:%u>\r\n", fork, port);
	sip_write_body(&b, body[0] ? STR("application/sdp") : STR_NULL, str_z(body));
	snprintf(peer, sizeof(peer), "127.0.0.1:%u", port);
	text = GOT(buf_take(&b));
	oom_pause(false);
	wire_come(&t, peer, text);
	free(text);
}

/* ---- what is left of it ------------------------------------------------------------ */

size_t channels(void)
{
	return channel_count(t.w.pbx);
}

struct channel *channel_at(size_t n)
{
	struct list *p = t.w.pbx->channels.next;

	assert_true(n < channels());
	while (n--)
		p = p->next;
	return container_of(p, struct channel, link);
}

struct channel *only_channel(void)
{
	assert_int_equal(channels(), 1);
	return channel_at(0);
}

const char *global(const char *name)
{
	static char room[256];
	struct str v;

	return str_copy(room, sizeof(room), vars_get(&t.w.pbx->globals, str_z(name), &v) ? v : STR_NULL);
}

void set_global(const char *name, const char *value)
{
	assert_int_equal(vars_set(&t.w.pbx->globals, str_z(name), str_z(value)), 0);
}

bool has(struct str text, const char *what)
{
	return str_find(text, str_z(what)) < text.n;
}
