/* Calls of the terminal phone: what becomes of them, transfers both ways, sound. */
#include "phone/call.h"
#include "base/arena.h"
#include "sip/uri.h"
#include <errno.h>
#include <stdlib.h>

/* ---- life ------------------------------------------------------------------------------------------- */

static struct call *call_new(struct phone *p, struct sidetone_session *s, struct str peer)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c || text_set(&c->peer, peer)) {
		free(c);
		sidetone_session_free(s);
		return NULL;
	}
	c->phone = p;
	c->session = s;
	c->number = ++p->last_call;
	list_append(&p->calls, &c->link);
	return c;
}

static void call_free(struct call *c)
{
	list_remove(&c->link);
	sidetone_media_forget(c->phone->media, c->session);
	sidetone_session_free(c->session);
	sidetone_incoming_free(c->refer);
	text_free(&c->peer);
	text_free(&c->cause);
	free(c);
}

void call_sweep(struct phone *p)
{
	for (struct list *l = p->calls.next, *next; l != &p->calls; l = next) {
		struct call *c = container_of(l, struct call, link);

		next = l->next;
		if (c->over)
			call_free(c);
	}
}

void call_free_all(struct phone *p)
{
	while (!list_empty(&p->calls))
		call_free(container_of(p->calls.next, struct call, link));
}

struct call *call_find(struct phone *p, unsigned number)
{
	struct call *found = NULL;

	for (struct list *l = p->calls.next; l != &p->calls; l = l->next) {
		struct call *c = container_of(l, struct call, link);

		if (!c->over && (!number || c->number == number))
			found = c;
	}
	return found;
}

static struct call *call_of(struct phone *p, const struct sidetone_session *s)
{
	for (struct list *l = p->calls.next; s && l != &p->calls; l = l->next)
		if (container_of(l, struct call, link)->session == s)
			return container_of(l, struct call, link);
	return NULL;
}

double call_seconds(const struct call *c)
{
	return c->up_us ? (double)(clock_us(clock_real()) - c->up_us) / 1e6 : 0;
}

/* ---- what a person or a script does ------------------------------------------------------------------ */

int call_make(struct phone *p, struct str target, struct str headers, struct call **out)
{
	struct text to = { 0 }, lines = { 0 };
	struct sidetone_invite_options o = { 0 };
	struct sidetone_session *s;
	int err = text_set(&to, target);

	err = err ? err : text_set(&lines, headers);
	o.request.target = text_z(&to);
	o.request.headers = lines.n ? lines.p : NULL;
	err = err ? err : sidetone_ua_invite(p->ua, &o, &s);
	if (!err) {
		*out = call_new(p, s, target);
		err = *out ? 0 : ENOMEM;
	}
	text_free(&to);
	text_free(&lines);
	if (!err)
		call_sound(*out);
	return err;
}

int call_answer(struct call *c)
{
	call_sound(c);
	return sidetone_session_accept(c->session, NULL);
}

int call_hang_up(struct call *c, unsigned status)
{
	return sidetone_session_terminate(c->session, status, NULL, NULL);
}

int call_hold(struct call *c, bool hold)
{
	return sidetone_media_hold(c->phone->media, c->session, hold ? SIDETONE_HOLD_ON : SIDETONE_HOLD_OFF);
}

/* A comma is a second, as on other phones. */
int call_digits(struct call *c, struct str digits)
{
	char z[128];

	str_copy(z, sizeof(z), digits);
	for (char *p = z; *p; p++)
		*p = *p == ',' ? 'W' : *p >= 'a' && *p <= 'd' ? (char)(*p - 'a' + 'A') : *p;
	return digits.n >= sizeof(z) ? E2BIG : sidetone_media_digits(c->phone->media, c->session, z, 0, 0);
}

int call_transfer(struct call *c, struct str target, struct call *other)
{
	struct text to = { 0 };
	int err = other ? 0 : text_set(&to, target);

	err = err ? err : sidetone_session_refer(c->session, other ? NULL : text_z(&to), other ? other->session : NULL, NULL, NULL);
	c->transferring |= !err;
	text_free(&to);
	return err;
}

void call_sound(struct call *c)
{
	const struct phone_options *o = &c->phone->options;
	struct sidetone_media *m = c->phone->media;
	char tone[32];
	int err = 0;

	if (o->play.n) {
		err = sidetone_media_source(m, c->session, &(struct sidetone_source){ .type = SIDETONE_FILE, .text = o->play.p });
	} else if (o->tone > 0) {
		struct buf b = BUF_INIT;

		buf_init(&b, tone, sizeof(tone), sizeof(tone));
		buf_u64(&b, (uint64_t)(o->tone + 0.5));
		err = sidetone_media_source(m, c->session, &(struct sidetone_source){ .type = SIDETONE_TONE, .text = buf_z(&b) });
	} else if (c->phone->devices || o->microphone.n || o->loudspeaker.n) {
		char why[200] = "";

		err = sidetone_media_devices(m, c->session, text_z(&o->microphone), text_z(&o->loudspeaker), why, sizeof(why));
		if (err) {
			screen_error(&c->phone->screen, "no microphone and no loudspeaker: %s", *why ? why : strerror(err));
			c->phone->devices = false;
			err = 0;
		}
	}
	if (err)
		screen_error(&c->phone->screen, "sound: %s", strerror(err));
}

/* Each call that has sound has a recording of its own; the second one says so in its name. */
void call_agreed(struct phone *p, const struct sidetone_session *s)
{
	struct call *c = call_of(p, s);
	struct text path = { 0 };
	int err;

	if (!c || c->recording || !p->options.record.n)
		return;
	c->recording = true;
	if (c->number == 1)
		err = text_set(&path, text_view(&p->options.record));
	else
		err = text_printf(&path, "%s.%u", p->options.record.p, c->number);
	err = err ? err : sidetone_media_record(p->media, c->session, text_z(&path), true);
	if (err)
		screen_error(&p->screen, "%s: %s", text_z(&path), strerror(err));
	text_free(&path);
}

/* ---- we are transferred ------------------------------------------------------------------------------- */

/* What would end the line, and begin another of the referrer's choice. */
static bool is_one_line(struct str s)
{
	return str_chr(s, '\r') == s.n && str_chr(s, '\n') == s.n && str_chr(s, '\0') == s.n;
}

/* <sip:b@c?Replaces=...>: its headers go into the INVITE (RFC 3261 19.1.5), but those that are not for strangers to set. */
static void put_headers(struct arena *a, struct buf *b, struct str headers)
{
	while (headers.n) {
		struct str value = str_cut_raw(&headers, '&'), name = str_cut_raw(&value, '=');

		value = sip_unescape(a, value);
		if (!is_one_line(value))
			continue;
		if (str_ieq(name, STR("Replaces")) || str_ieq(name, STR("Subject")) || str_ieq(name, STR("Require")))
			buf_puts(b, name, STR(": "), value, STR("\r\n"));
	}
}

static int follow_refer(struct phone *p, const struct sidetone_event *e, struct call **out)
{
	struct str text = message_uri(e->message, "Refer-To"), by = message_header(e->message, "Referred-By");
	struct arena *a = arena_new(1024);
	struct buf headers = BUF_INIT;
	struct sip_uri u;
	int err = a ? 0 : ENOMEM;

	if (!err && (sip_uri_parse(&u, text) || !sip_uri_is_sip(&u)))
		err = EINVAL;
	if (!err) {
		put_headers(a, &headers, u.headers);
		if (by.n)
			buf_puts(&headers, STR("Referred-By: "), by, STR("\r\n"));
		err = buf_err(&headers) ? ENOMEM : call_make(p, sip_uri_as_target(&u), buf_view(&headers), out);
	}
	buf_free(&headers);
	arena_free(a);
	return err;
}

static void on_refer(struct phone *p, const struct sidetone_event *e)
{
	struct call *c;

	if (p->options.no_follow) {
		sidetone_incoming_reply(e->incoming, 603, NULL, NULL, NULL, NULL);
		sidetone_incoming_free(e->incoming);
		return;
	}
	sidetone_refer_accept(e->incoming, NULL);
	if (follow_refer(p, e, &c)) {
		screen_error(&p->screen, "cannot follow the transfer: %s", sidetone_ua_error(p->ua));
		sidetone_refer_tell(e->incoming, 503, NULL);
		sidetone_incoming_free(e->incoming);
	} else {
		c->refer = e->incoming;
	}
}

/* How it goes is told to who asked for it. */
static void tell_referrer(struct call *c, unsigned status)
{
	if (!c->refer || status < 100)
		return;
	sidetone_refer_tell(c->refer, status, NULL);
	if (status < 200)
		return;
	sidetone_incoming_free(c->refer);
	c->refer = NULL;
}

/* ---- events --------------------------------------------------------------------------------------------- */

static struct call *on_invite(struct phone *p, const struct sidetone_event *e)
{
	struct call *c = call_new(p, e->session, message_uri(e->message, "From"));

	if (!c)
		return NULL;
	c->theirs = true;
	c->replaces = message_header(e->message, "Replaces").n != 0;
	return c;
}

static void on_transfer(struct call *c, int status)
{
	if (status < 200 || !c->transferring)
		return;
	c->transferring = false;
	/* They talk with each other now. */
	if (status < 300)
		call_hang_up(c, 0);
}

static void note_end(struct call *c, const struct sidetone_event *e)
{
	if (e->status)
		c->status = (unsigned)e->status;
	if (e->cause)
		text_set(&c->cause, str_z(e->cause));
}

struct call *call_event(struct phone *p, const struct sidetone_event *e)
{
	struct call *c = e->type == SIDETONE_INVITE ? on_invite(p, e) : call_of(p, e->session);

	if (e->type == SIDETONE_REFER_OUT_OF_DIALOG)
		on_refer(p, e);
	/* Of a request in the call, not of the call. */
	if (!c || e->request)
		return c;
	switch (e->type) {
	case SIDETONE_PROGRESS:
		tell_referrer(c, (unsigned)e->status);
		break;
	case SIDETONE_ACCEPTED:
		c->up = true;
		c->status = 200;
		c->up_us = clock_us(clock_real());
		tell_referrer(c, 200);
		break;
	case SIDETONE_FAILED:
		note_end(c, e);
		tell_referrer(c, c->status >= 300 ? c->status : 503);
		break;
	case SIDETONE_REFER:
		on_refer(p, e);
		break;
	case SIDETONE_REFER_PROGRESS:
		on_transfer(c, e->status);
		break;
	case SIDETONE_TERMINATED:
		if (!c->up)
			note_end(c, e);
		c->over = true;
		break;
	default:
		break;
	}
	return c;
}
