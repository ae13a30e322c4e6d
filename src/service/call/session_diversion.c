/* Whom a call was meant for before it came here: Diversion (RFC 5806) and History-Info (RFC 7044). */
#define LOG_MODULE "session"
#include "service/call/channel_tech.h"
#include "service/call/session.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* Their place is the number of REDIRECTING(reason). */
static const struct { const char *text; uint16_t cause; } reasons[] = {
	{ "unknown", 404 }, { "user-busy", 486 }, { "no-answer", 408 }, { "unavailable", 503 },
	{ "unconditional", 302 }, { "time-of-day", 404 }, { "do-not-disturb", 404 }, { "deflection", 480 },
	{ "follow-me", 404 }, { "out-of-service", 404 }, { "away", 404 }, { "cf_dte", 404 }, { "send_to_vm", 404 },
};

enum { REASON_UNKNOWN_TEXT = 0, REASON_DEFLECTION = 7 };

static unsigned reason_index(int reason)
{
	return reason > 0 && (size_t)reason < ARRAY_LEN(reasons) ? (unsigned)reason : REASON_UNKNOWN_TEXT;
}

/* RFC 5806 4: names are tokens, anything else comes quoted and is kept, with its quotes. */
static int set_reason(struct redirecting *r, struct str word, struct str params)
{
	bool quoted = word.p > params.p && word.p[-1] == '"';
	struct str v = quoted ? str_mk(word.p - 1, word.n + 2) : word;

	text_free(&r->reason_text);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (str_ieq(word, str_z(reasons[i].text))) {
			r->reason = (int)i;
			return 0;
		}
	}
	r->reason = REASON_UNKNOWN_TEXT;
	return text_set(&r->reason_text, v);
}

/* RFC 4458 2: ;cause= in the URI that was gone to. */
static void set_cause(struct redirecting *r, struct str v)
{
	uint32_t cause;

	text_free(&r->reason_text);
	r->reason = REASON_UNKNOWN_TEXT;
	if (str_u32(v, &cause))
		return;
	if (cause == 487)
		r->reason = REASON_DEFLECTION;
	for (size_t i = 1; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].cause == cause && cause != 404)
			r->reason = (int)i;
}

/* ---- reading ------------------------------------------------------------------------ */

/* Displays want no ";phone-context=" behind the number. */
static int set_party(struct party *p, const struct sip_addr *a)
{
	struct arena *ar = arena_new(512);
	int err = ar ? 0 : ENOMEM;

	if (!err)
		err = party_set(p, sip_unescape(ar, sip_user_bare(a->uri.user)), sip_unquote(ar, a->display));
	arena_free(ar);
	return err;
}

/* The first target of the call and the one it has now; false: no History-Info. */
static bool read_history(const struct sip_msg *msg, struct sip_addr *first, struct sip_addr *last)
{
	struct sip_each e = { 0 };
	bool any = false, original = false;
	struct sip_addr a;
	struct str v, index;

	while (sip_each(msg, SIP_H_HISTORY_INFO, &e, &v)) {
		if (sip_addr_parse(&a, v))
			continue;
		if (!original && sip_param(a.params, STR("index"), &index) && str_eq(index, STR("1"))) {
			*first = a;
			original = true;
		} else if (!original && !any) {
			*first = a;
		}
		*last = a;
		any = true;
	}
	return any;
}

static int from_history(struct redirecting *r, const struct sip_msg *msg)
{
	struct sip_addr first, last;
	struct str cause;
	int err;

	if (!read_history(msg, &first, &last))
		return ENOENT;
	/* One entry alone says that nobody redirected. */
	if (first.uri_text.p == last.uri_text.p)
		return ENOENT;
	err = set_party(&r->from, &first);
	err = err ? err : set_party(&r->to, &last);
	if (sip_uri_param(&last.uri, STR("cause"), &cause))
		set_cause(r, cause);
	return err;
}

/* 302: where to is the Contact, who says so is the Diversion or whom we called.
 * 181: who redirected is whom we called; the Diversion, if any, is the new target. */
static int from_response(struct session *s, struct redirecting *r, const struct sip_msg *msg,
			 const struct sip_addr *diversion)
{
	struct sip_each e = { 0 };
	struct sip_addr contact;
	struct str v;
	int err = 0;

	if (msg->status == 181) {
		err = set_party(&r->from, &msg->to);
		return err || !diversion ? err : set_party(&r->to, diversion);
	}
	if (diversion)
		err = set_party(&r->from, diversion);
	else if (s->id.number_valid)
		err = party_copy(&r->from, &s->id);
	else
		err = set_party(&r->from, &msg->to);
	if (!err && sip_each(msg, SIP_H_CONTACT, &e, &v) && sip_addr_parse(&contact, v) == 0)
		err = set_party(&r->to, &contact);
	return err;
}

bool session_read_redirecting(struct session *s, const struct sip_msg *msg)
{
	struct redirecting r = { 0 };
	struct sip_addr a;
	struct str reason;
	bool diversion;
	int err;

	if (!s->ch)
		return false;
	diversion = session_read_address(msg, SIP_H_DIVERSION, &a);
	err = diversion ? ENOENT : from_history(&r, msg);
	if (err && !msg->request) {
		err = from_response(s, &r, msg, diversion ? &a : NULL);
	} else if (err && diversion) {
		err = set_party(&r.from, &a);
		err = err ? err : set_party(&r.to, &msg->to);
	}
	if (!err && diversion && sip_param(a.params, STR("reason"), &reason))
		err = set_reason(&r, reason, a.params);
	if (!err) {
		r.count = 1;
		redirecting_free(&s->ch->redirecting);
		s->ch->redirecting = r;
		return true;
	}
	redirecting_free(&r);
	return false;
}

/* ---- writing --------------------------------------------------------------------------- */

static bool is_named(const struct party *p)
{
	return p->number_valid && p->number.n;
}

/* In a response as in its From, whose own number it takes the place of. */
static int write_their_uri(struct session *s, const struct party *p, struct buf *uri)
{
	struct sip_addr a;

	if (sip_addr_parse(&a, session_dialog(s)->remote) || !sip_uri_is_sip(&a.uri))
		return EBADMSG;
	buf_puts(uri, a.uri.scheme, STR(":"));
	sip_escape_user(uri, text_view(&p->number));
	buf_puts(uri, STR("@"), a.uri.host);
	return 0;
}

static void write_addr(struct session *s, const struct party *p, struct str uri_params, bool ours, struct buf *h)
{
	char room[512];
	struct buf uri;

	buf_init(&uri, room, sizeof(room), sizeof(room));
	if (ours || write_their_uri(s, p, &uri))
		session_write_uri(s, &session_dialog(s)->path, p, &uri);
	buf_put(&uri, uri_params);
	if (buf_err(&uri) == 0)
		sip_write_addr(h, p->name_valid ? text_view(&p->name) : STR_NULL, buf_view(&uri));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && !memchr("-.!%*_+`'~", s.p[i], 10))
			return false;
	return s.n > 0;
}

static void write_diversion(struct session *s, const struct redirecting *r, const struct party *p, bool request, struct buf *h)
{
	struct str reason = r->reason_text.n ? text_view(&r->reason_text) :
			    str_z(reasons[reason_index(r->reason)].text);

	buf_put(h, STR("Diversion: "));
	write_addr(s, p, STR_NULL, request, h);
	buf_put(h, STR(";reason="));
	if (is_token(reason) || str_starts(reason, STR("\"")))
		buf_put(h, reason);
	else
		sip_write_quoted(h, reason);
	buf_put(h, STR("\r\n"));
}

static void write_history(struct session *s, const struct redirecting *r, struct buf *h)
{
	char room[32];
	struct buf cause;

	buf_put(h, STR("History-Info: "));
	/* Whom nobody redirected is who is called. */
	if (is_named(&r->from))
		write_addr(s, &r->from, STR_NULL, true, h);
	else
		buf_put(h, session_dialog(s)->remote);
	buf_put(h, STR(";index=1\r\n"));
	if (!is_named(&r->to))
		return;
	buf_init(&cause, room, sizeof(room), sizeof(room));
	buf_printf(&cause, ";cause=%u", reasons[reason_index(r->reason)].cause);
	buf_put(h, STR("History-Info: "));
	write_addr(s, &r->to, buf_view(&cause), true, h);
	buf_put(h, STR(";index=1.1\r\n"));
}

void session_write_diversion(struct session *s, struct buf *h, bool request)
{
	const struct redirecting *r;
	const struct party *p;

	if (!s->ch || !session_dialog(s))
		return;
	r = &s->ch->redirecting;
	p = request ? &r->from : &r->to;        /* a response tells where the call goes now */
	if (s->ep->send_diversion && r->count && is_named(p))
		write_diversion(s, r, p, request, h);
	if (s->ep->send_history_info && (request || is_named(&r->from)))
		write_history(s, r, h);
}

void session_tell_redirecting(struct session *s)
{
	struct chan_event *e = s->ch ? chan_event_new(CE_REDIRECTING) : NULL;

	if (!e)
		return;
	e->redirecting = calloc(1, sizeof(*e->redirecting));
	if (e->redirecting && !redirecting_copy(e->redirecting, &s->ch->redirecting))
		channel_event(s->ch, e);
	else
		chan_event_free(e);
}
