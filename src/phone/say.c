/* What happens, told: lines for people, a ladder of messages, or one JSON object for each event. */
#include "phone/call.h"
#include "agent/json.h"
#include "sip/uri.h"
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

/* ---- messages ------------------------------------------------------------------------------------- */

struct str message_header(const struct sidetone_message *m, const char *name)
{
	const char *p;
	size_t n;

	return m && sidetone_message_header(m, name, 0, &p, &n) ? str_mk(p, n) : STR_NULL;
}

struct str message_reason(const struct sidetone_message *m)
{
	size_t n;
	const char *p;
	struct str text, line;

	if (!m)
		return STR_NULL;
	p = sidetone_message_text(m, &n);
	text = str_mk(p, n);
	if (!str_line(&text, &line))
		return STR_NULL;
	str_cut_raw(&line, ' ');
	str_cut_raw(&line, ' ');
	return line;
}

struct str message_uri(const struct sidetone_message *m, const char *name)
{
	struct str value = message_header(m, name);
	struct sip_addr a;

	return value.n && !sip_addr_parse(&a, value) ? a.uri_text : value;
}

static int64_t wall_us(void)
{
	return clock_wall_us(clock_real());
}

/* ---- JSON ------------------------------------------------------------------------------------------ */

static void put_name(struct buf *b, const char *name)
{
	buf_puts(b, STR(",\""), str_z(name), STR("\":"));
}

/* A line of JSON may be read by a terminal as well: of control characters it has names only, DEL and those of
 * UTF-8 (U+0080 to U+009F) too. */
static void put_text(struct buf *b, const char *name, struct str value)
{
	struct buf json = BUF_INIT;

	if (!value.p)
		return;
	put_name(b, name);
	agent_json_write_string(&json, value);
	for (size_t i = 0; i < json.n; i++) {
		unsigned char c = (unsigned char)json.p[i], next = i + 1 < json.n ? (unsigned char)json.p[i + 1] : 0;

		if (c == 0x7f || (c == 0xc2 && next < 0xa0)) {
			buf_printf(b, "\\u%04x", c == 0x7f ? c : (unsigned)next);
			i += c == 0xc2;
		} else {
			buf_char(b, (char)c);
		}
	}
	buf_free(&json);
}

static void put_number(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	agent_json_write_number(b, v);
}

static void begin_object(struct buf *b, const char *event)
{
	buf_printf(b, "{\"time\":%.3f,\"event\":\"%s\"", (double)wall_us() / 1e6, event);
}

static void end_object(struct phone *p, struct buf *b)
{
	buf_char(b, '}');
	if (!buf_err(b))
		screen_put(&p->screen, buf_view(b));
	buf_free(b);
}

static bool is_trace(const struct sidetone_event *e)
{
	return e->type == SIDETONE_SENT || e->type == SIDETONE_RECEIVED;
}

static void put_message(struct buf *b, const struct sidetone_event *e)
{
	unsigned status = sidetone_message_status(e->message);
	size_t n;
	const char *body;

	if (status) {
		put_number(b, "status", status);
		put_text(b, "reason", message_reason(e->message));
	}
	put_text(b, "from", message_header(e->message, "From"));
	put_text(b, "to", message_header(e->message, "To"));
	body = sidetone_message_body(e->message, &n);
	if (n) {
		put_text(b, "contentType", message_header(e->message, "Content-Type"));
		put_text(b, "body", str_mk(body, n));
	}
	if (e->type == SIDETONE_NOTIFY || e->type == SIDETONE_NOTIFY_OUT_OF_DIALOG) {
		put_text(b, "notifyEvent", message_header(e->message, "Event"));
		put_text(b, "state", message_header(e->message, "Subscription-State"));
	}
	if (e->type == SIDETONE_REFER || e->type == SIDETONE_REFER_OUT_OF_DIALOG)
		put_text(b, "referTo", message_uri(e->message, "Refer-To"));
}

static void say_json(struct phone *p, const struct sidetone_event *e, const struct call *c)
{
	struct buf b = BUF_INIT;

	begin_object(&b, sidetone_event_name(e->type));
	if (c)
		put_number(&b, "call", c->number);
	if (e->message)
		put_message(&b, e);
	if (e->status && !(e->message && sidetone_message_status(e->message)))
		put_number(&b, "status", e->status);
	if (e->cause)
		put_text(&b, e->type == SIDETONE_LOG ? "category" : e->type == SIDETONE_SET_DESCRIPTION ? "contentType" : "cause",
			 str_z(e->cause));
	if (e->text && e->type != SIDETONE_INVITE_SENT && e->type != SIDETONE_ACK_SENT)
		put_text(&b, "text", str_mk(e->text, e->text_n ? e->text_n : strlen(e->text)));
	end_object(p, &b);
}

void say_outcome(struct phone *p, enum outcome o, unsigned status, const char *cause, double seconds)
{
	struct buf b = BUF_INIT;

	if (p->options.json) {
		begin_object(&b, "outcome");
		put_text(&b, "outcome", str_z(outcome_row(o)->word));
		if (status)
			put_number(&b, "status", status);
		if (cause)
			put_text(&b, "cause", str_z(cause));
		put_number(&b, "seconds", seconds);
		put_number(&b, "exit", p->exit_code);
		end_object(p, &b);
		return;
	}
	buf_printf(&b, "outcome: %s", outcome_row(o)->word);
	if (status)
		buf_printf(&b, ", %u", status);
	else if (cause)
		buf_printf(&b, ", %s", cause);
	if (seconds > 0)
		buf_printf(&b, ", %.1f s", seconds);
	screen_say(&p->screen, "%s", buf_z(&b));
	buf_free(&b);
}

static bool is_worth_saying(const struct phone *p, const struct sidetone_media_event *e)
{
	switch (e->type) {
	case SIDETONE_MEDIA_DIGIT_END:
	case SIDETONE_MEDIA_TONE_DONE:
	case SIDETONE_MEDIA_STATS:
		return p->options.verbose;
	default:
		return true;
	}
}

static void put_agreed(struct buf *b, bool json, const struct sidetone_media_state *s)
{
	static const char *const encryption[] = { [SIDETONE_PLAIN] = "none", [SIDETONE_SDES] = "sdes", [SIDETONE_DTLS] = "dtls" };

	if (!json) {
		buf_printf(b, " %s, encryption %s%s%s", s->codec ? s->codec : "nothing", encryption[s->encryption],
			   s->held ? ", held" : "", s->held_by_peer ? ", held by the other side" : "");
		return;
	}
	if (s->codec)
		put_text(b, "codec", str_z(s->codec));
	put_text(b, "encryption", str_z(encryption[s->encryption]));
	put_text(b, "local", str_z(s->local));
	put_text(b, "remote", str_z(s->remote));
	buf_printf(b, ",\"held\":%s,\"heldByPeer\":%s", s->held ? "true" : "false", s->held_by_peer ? "true" : "false");
}

static void put_media(struct phone *p, struct buf *b, const struct sidetone_media_event *e)
{
	struct sidetone_media_state s;
	bool json = p->options.json;

	if (e->type == SIDETONE_MEDIA_AGREED && !sidetone_media_state(p->media, e->session, &s))
		put_agreed(b, json, &s);
	if (json && e->digit)
		put_text(b, "digit", str_mk(&e->digit, 1));
	else if (e->digit)
		buf_printf(b, " %c", e->digit);
	if (json && e->status)
		put_number(b, "status", e->status);
	if (e->text && json)
		put_text(b, "text", str_z(e->text));
	else if (e->text)
		buf_printf(b, " %s", e->text);
	else if (e->error && !json)
		buf_printf(b, " %s", strerror(e->error));
	if (e->error && json)
		put_text(b, "error", str_z(strerror(e->error)));
}

void say_media(struct phone *p, const struct sidetone_media_event *e)
{
	struct buf b = BUF_INIT;

	if (!is_worth_saying(p, e))
		return;
	if (p->options.json) {
		begin_object(&b, "media");
		put_text(&b, "media", str_z(sidetone_media_event_name(e->type)));
		put_media(p, &b, e);
		end_object(p, &b);
		return;
	}
	ladder_write_time(&b, wall_us());
	buf_printf(&b, " sound: %s", sidetone_media_event_name(e->type));
	put_media(p, &b, e);
	screen_say(&p->screen, "%s", buf_z(&b));
	buf_free(&b);
}

void say_text(struct phone *p, const char *fmt, ...)
{
	struct buf b = BUF_INIT, text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (p->options.json) {
		begin_object(&b, "text");
		put_text(&b, "text", buf_view(&text));
		end_object(p, &b);
	} else {
		screen_say(&p->screen, "%s", buf_z(&text));
	}
	buf_free(&text);
}

/* ---- lines for people --------------------------------------------------------------------------------- */

static void say_ladder(struct phone *p, const struct sidetone_event *e)
{
	struct buf b = BUF_INIT;

	ladder_write(&b, &p->screen.ladder, e->type == SIDETONE_SENT, wall_us(), str_mk(e->text, e->text_n));
	if (!buf_err(&b))
		screen_put(&p->screen, buf_view(&b));
	buf_free(&b);
}

static const char *const words[SIDETONE_EVENT_TYPES] = {
	[SIDETONE_CONNECTED] = "connected", [SIDETONE_DISCONNECTED] = "no connection", [SIDETONE_REGISTERED] = "registered",
	[SIDETONE_UNREGISTERED] = "not registered any more", [SIDETONE_REGISTRATION_FAILED] = "registration refused",
	[SIDETONE_KEEP_ALIVE_TIMEOUT] = "the connection is dead", [SIDETONE_INVITE] = "incoming call",
	[SIDETONE_MESSAGE] = "message", [SIDETONE_NOTIFY_OUT_OF_DIALOG] = "notification", [SIDETONE_PROGRESS] = "progress",
	[SIDETONE_ACCEPTED] = "accepted", [SIDETONE_REJECTED] = "refused", [SIDETONE_FAILED] = "failed",
	[SIDETONE_CANCEL] = "canceled", [SIDETONE_REINVITE] = "other side changes the call",
	[SIDETONE_REINVITE_ACCEPTED] = "change accepted", [SIDETONE_REINVITE_FAILED] = "change refused",
	[SIDETONE_DTMF] = "digit", [SIDETONE_NOTIFY] = "notification", [SIDETONE_REFER] = "transfer asked for",
	[SIDETONE_REFER_OUT_OF_DIALOG] = "call asked for", [SIDETONE_REFER_PROGRESS] = "transfer", [SIDETONE_REPLACED] = "replaced",
	[SIDETONE_BYE] = "hung up", [SIDETONE_TERMINATED] = "over", [SIDETONE_PUBLISHED] = "published",
	[SIDETONE_UNPUBLISHED] = "not published any more", [SIDETONE_INFO] = "info",
};

/* Who or what it is about. */
static struct str subject_of(const struct sidetone_event *e)
{
	if (e->type == SIDETONE_INVITE || e->type == SIDETONE_MESSAGE)
		return message_uri(e->message, "From");
	if (e->type == SIDETONE_REFER || e->type == SIDETONE_REFER_OUT_OF_DIALOG)
		return message_uri(e->message, "Refer-To");
	if (e->type == SIDETONE_NOTIFY || e->type == SIDETONE_NOTIFY_OUT_OF_DIALOG)
		return message_header(e->message, "Event");
	if (e->type == SIDETONE_CONNECTED || e->type == SIDETONE_DISCONNECTED || e->type == SIDETONE_DTMF)
		return str_mk(e->text, e->text ? e->text_n ? e->text_n : strlen(e->text) : 0);
	return STR_NULL;
}

static bool has_body(const struct sidetone_event *e)
{
	return e->type == SIDETONE_MESSAGE || e->type == SIDETONE_NOTIFY || e->type == SIDETONE_NOTIFY_OUT_OF_DIALOG;
}

static void say_body(struct phone *p, const struct sidetone_message *m)
{
	size_t n;
	const char *body = sidetone_message_body(m, &n);
	struct str rest = str_mk(body, n), line;

	while (str_line(&rest, &line))
		screen_say(&p->screen, "    %.*s", STR_ARG(line));
}

static void say_line(struct phone *p, const struct sidetone_event *e, const struct call *c)
{
	struct str subject = subject_of(e);
	struct buf b = BUF_INIT;
	unsigned status = e->message ? sidetone_message_status(e->message) : 0;

	ladder_write_time(&b, wall_us());
	buf_char(&b, ' ');
	if (c)
		buf_printf(&b, "call %u (%s): ", c->number, text_z(&c->peer));
	buf_put(&b, str_z(words[e->type]));
	if (subject.n)
		buf_puts(&b, e->type == SIDETONE_MESSAGE || e->type == SIDETONE_INVITE ? STR(" from ") : STR(" "), subject);
	if (status)
		buf_printf(&b, ": %u %.*s", status, STR_ARG(message_reason(e->message)));
	else if (e->type == SIDETONE_REFER_PROGRESS || e->type == SIDETONE_REINVITE_FAILED)
		buf_printf(&b, ": %d", e->status);
	else if (e->cause)
		buf_printf(&b, ": %s", e->cause);
	screen_say(&p->screen, "%s", buf_z(&b));
	buf_free(&b);
	if (has_body(e))
		say_body(p, e->message);
}

static void say_log(struct phone *p, const struct sidetone_event *e)
{
	static const char *const levels[] = { "error", "warning", "log", "debug" };

	/* Errors are heard by everybody; the rest is for who looks for a fault. */
	if (e->status <= 1 || p->options.verbose)
		screen_error(&p->screen, "%s: %s: %s", levels[e->status & 3], e->cause, e->text);
}

/* For people, that is: another event has just said it, or nobody asked. */
static bool is_said(const struct phone *p, const struct sidetone_event *e, const struct call *c)
{
	switch (e->type) {
	case SIDETONE_DISCONNECTED:
		return p->leaving;
	case SIDETONE_PROGRESS:
		return e->status == 100 || (e->message && sidetone_message_status(e->message) == 100);
	case SIDETONE_FAILED:
		return e->message && sidetone_message_status(e->message) >= 300;
	case SIDETONE_TERMINATED:
		return c && !c->up;
	default:
		return false;
	}
}

void say_event(struct phone *p, const struct sidetone_event *e, const struct call *c)
{
	if (is_trace(e) && !p->options.trace)
		return;
	if (e->type == SIDETONE_LOG && !(p->options.json && p->options.verbose)) {
		say_log(p, e);
		return;
	}
	if (p->options.json)
		say_json(p, e, c);
	else if (is_trace(e))
		say_ladder(p, e);
	else if (words[e->type] && !is_said(p, e, c))
		say_line(p, e, c);
}
