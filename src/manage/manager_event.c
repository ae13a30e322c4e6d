/* Events on their way to sessions. The sender of an event pays for one copy and a
 * note a session; filters and sending are each session's own steps (pace.h), so
 * that an event for a hundred managers cannot hold up what caused it. */
#define LOG_MODULE "manager"
#include "manage/manager_private.h"
#include "base/fiber.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

#define NOTES_LIMIT (4u << 20)  /* [bytes] a session may be behind */
#define WEB_NOTES_LIMIT (1u << 20)      /* the same over HTTP, where it may ask for other things only */

struct ami_event {              /* obj */
	struct str name;                /* view into text */
	struct buf text;
};

struct ami_note {
	struct list link;
	struct ami_event *e;            /* held */
};

static void event_free(void *arg)
{
	buf_free(&((struct ami_event *)arg)->text);
}

struct ami_event *ami_event_new(const struct buf *text)
{
	struct ami_event *e = buf_err(text) ? NULL : obj_new(sizeof(*e), event_free);
	struct str name;

	if (!e)
		return NULL;
	e->text = *text;
	name = buf_view(&e->text);
	name = str_skip(name, sizeof("Event: ") - 1);
	e->name = str_sub(name, 0, str_chr(name, '\r'));
	return e;
}

static void note_free(struct ami_session *s, struct ami_note *n)
{
	list_remove(&n->link);
	s->notes_bytes -= n->e->text.n;
	obj_drop(n->e);
	free(n);
	s->match = (struct ami_match){ 0 };
}

void ami_forget_events(struct ami_session *s)
{
	list_each_safe(l, tmp, &s->notes)
		note_free(s, container_of(l, struct ami_note, link));
}

static void is_behind(struct ami_session *s)
{
	char text[SA_TEXT];

	log_warning("Manager '%s' at %s does not read its events: disconnected", text_z(&s->user),
		    sa_text(&s->peer, text));
	ami_session_leave(s);
}

void ami_session_event(struct ami_session *s, struct ami_event *e)
{
	struct ami_note *n;

	if (s->gone)
		return;
	while (s->web && !list_empty(&s->notes) && s->notes_bytes + e->text.n > WEB_NOTES_LIMIT)
		note_free(s, container_of(s->notes.next, struct ami_note, link));
	if (s->notes_bytes + e->text.n > NOTES_LIMIT) {
		is_behind(s);
		return;
	}
	n = calloc(1, sizeof(*n));
	if (!n) {
		ami_session_leave(s);
		return;
	}
	n->e = obj_hold(e);
	s->notes_bytes += e->text.n;
	list_append(&s->notes, &n->link);
	if (s->waiter)
		fiber_wake(s->waiter);
	ami_pump(s);
}

/* One step on the first note. */
static void take_one(struct ami_session *s, struct ami_sink *http)
{
	struct ami_note *n = container_of(s->notes.next, struct ami_note, link);
	enum ami_verdict v = ami_filters_step(&s->filters, &s->match, n->e->name, buf_view(&n->e->text));

	if (v == AMI_NOT_YET)
		return;
	if (v == AMI_PASSES) {
		struct ami_event *e = obj_hold(n->e);

		note_free(s, n);
		ami_send(s, http, buf_view(&e->text));
		obj_drop(e);
	} else {
		note_free(s, n);
	}
}

static bool is_full(const struct ami_session *s, const struct ami_sink *http)
{
	return http || client_queued(s->client) > AMI_OUT_HIGH;
}

int ami_take_events(struct ami_session *s, struct ami_sink *http)
{
	struct pace *p = s->mgr ? s->mgr->m->pace : NULL;

	while (!s->gone && !list_empty(&s->notes)) {
		if (is_full(s, http) && ami_drain(s, http))
			break;
		pace_step(p);
		if (!s->gone && !list_empty(&s->notes))
			take_one(s, http);
	}
	return s->gone ? EPIPE : 0;
}

bool ami_event_waits(struct ami_session *s)
{
	struct pace *p = s->mgr ? s->mgr->m->pace : NULL;

	while (!s->gone && !list_empty(&s->notes)) {
		struct ami_note *n = container_of(s->notes.next, struct ami_note, link);
		struct ami_match m = s->match;
		enum ami_verdict v = ami_filters_step(&s->filters, &m, n->e->name, buf_view(&n->e->text));

		if (v == AMI_PASSES)
			return true;
		s->match = m;
		if (v == AMI_FILTERED)
			note_free(s, n);
		pace_step(p);
	}
	return false;
}

static bool may_pump(const struct ami_session *s)
{
	return !s->gone && s->client && !s->hold && !list_empty(&s->notes) && client_queued(s->client) <= AMI_OUT_HIGH;
}

void ami_pump(struct ami_session *s)
{
	if (may_pump(s))
		pace_add(s->mgr->m->pace, &s->pump);
}

static void pump_events(void *arg)
{
	struct ami_session *s = obj_hold(arg);

	while (may_pump(s) && pace_more(s->mgr->m->pace))
		take_one(s, NULL);
	ami_pump(s);
	obj_drop(s);
}

void ami_pump_init(struct ami_session *s)
{
	list_init(&s->notes);
	list_init(&s->pump.link);
	s->pump.run = pump_events;
	s->pump.arg = s;
}
