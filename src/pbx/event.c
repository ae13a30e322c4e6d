/* Manager events: one object each, handed to whoever listens. Nothing is built when nobody does. */
#include "pbx/event.h"
#include "pbx/run.h"
#include "pbx/channel.h"
#include <errno.h>
#include <stdlib.h>

#define BODY_MAX (1u << 20)     /* [bytes] a longer event is not sent at all */

struct listener {
	struct list link;
	event_fn *fn;
	void *arg;
	unsigned mask;          /* 0: gone, freed when nobody walks the list */
};

struct events {
	struct list listeners;
	unsigned wanted;        /* all masks together */
	unsigned walking;       /* event_send() calls that stand in the list now */
	bool gone;              /* some listener waits to be freed */
	void (*watch)(void *arg, unsigned wanted);      /* NULL: nobody */
	void *watch_arg;
	event_more_fn *more;            /* NULL: nothing more */
	void *more_arg;
	bool asking;                    /* `more` is at work: a value that it reads tells no more */
};

struct events *events_new(void)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (ev)
		list_init(&ev->listeners);
	return ev;
}

static void sweep(struct events *ev)
{
	list_each_safe(l, tmp, &ev->listeners) {
		struct listener *li = container_of(l, struct listener, link);

		if (li->fn)
			continue;
		list_remove(l);
		free(li);
	}
	ev->gone = false;
}

void events_free(struct events *ev)
{
	if (!ev)
		return;
	list_each_safe(l, tmp, &ev->listeners) {
		list_remove(l);
		free(container_of(l, struct listener, link));
	}
	free(ev);
}

static void count_wanted(struct events *ev)
{
	unsigned was = ev->wanted;

	ev->wanted = 0;
	list_each(l, &ev->listeners)
		ev->wanted |= container_of(l, struct listener, link)->mask;
	if (ev->watch && ev->wanted != was)
		ev->watch(ev->watch_arg, ev->wanted);
}

void events_watch(struct events *ev, void (*fn)(void *arg, unsigned wanted), void *arg)
{
	ev->watch = fn;
	ev->watch_arg = arg;
	if (fn)
		fn(arg, ev->wanted);
}

struct listener *events_listen(struct events *ev, unsigned mask, event_fn *fn, void *arg)
{
	struct listener *li = calloc(1, sizeof(*li));

	if (!li)
		return NULL;
	li->fn = fn;
	li->arg = arg;
	li->mask = mask;
	list_append(&ev->listeners, &li->link);
	count_wanted(ev);
	return li;
}

void events_mask(struct events *ev, struct listener *l, unsigned mask)
{
	l->mask = mask;
	count_wanted(ev);
}

void events_unlisten(struct events *ev, struct listener *l)
{
	if (!l)
		return;
	l->fn = NULL;
	l->mask = 0;
	ev->gone = true;
	if (!ev->walking)
		sweep(ev);
	count_wanted(ev);
}

bool events_wanted(const struct events *ev, unsigned privilege)
{
	return ev && (ev->wanted & privilege);
}

struct event *event_new(struct events *ev, const char *name, unsigned privilege)
{
	struct event *e;

	if (!events_wanted(ev, privilege))
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->name = name;
	e->privilege = privilege;
	e->body.max = BODY_MAX;
	return e;
}

/* A line break inside a value would be a header of the sender's choice. */
static void put_value(struct event *e, const char *prefix, const char *key, struct str v)
{
	char *p;

	buf_puts(&e->body, str_z(prefix), str_z(key), STR(": "));
	p = buf_room(&e->body, v.n);
	if (!p)
		return;
	for (size_t i = 0; i < v.n; i++)
		p[i] = v.p[i] == '\r' || v.p[i] == '\n' || !v.p[i] ? ' ' : v.p[i];
	e->body.n += v.n;
	buf_put(&e->body, STR("\r\n"));
}

void event_put(struct event *e, const char *key, struct str value)
{
	if (e)
		put_value(e, "", key, value);
}

void event_printf(struct event *e, const char *key, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	if (!e)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	put_value(e, "", key, buf_view(&b));
	buf_free(&b);
}

static void put_escaped(struct event *e, const char *prefix, const char *key, struct str value)
{
	static const char codes[] = "\a\b\f\n\r\t\v\\'\"?", letters[] = "abfnrtv\\'\"?";
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < value.n; i++) {
		const char *at = value.p[i] ? strchr(codes, value.p[i]) : NULL;

		if (at) {
			buf_char(&b, '\\');
			buf_char(&b, letters[at - codes]);
		} else {
			buf_char(&b, value.p[i]);
		}
	}
	put_value(e, prefix, key, buf_view(&b));
	buf_free(&b);
}

void event_put_escaped(struct event *e, const char *key, struct str value)
{
	if (e)
		put_escaped(e, "", key, value);
}

static struct str or_unknown(const struct text *t, bool valid)
{
	return valid && t->n ? text_view(t) : STR("<unknown>");
}

static bool is_of_a_life(struct str name)
{
	return str_eq(name, STR("Newchannel")) || str_eq(name, STR("SoftHangupRequest")) || str_eq(name, STR("Hangup"));
}

/* These tell a channel as it was when it was told last: Asterisk's have no picture of their own. */
static bool is_of_the_past(struct str name)
{
	static const char *const names[] = { "DialBegin", "HangupRequest", "SoftHangupRequest", "HangupHandlerRun" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, str_z(names[i])))
			return true;
	return false;
}

static void put_place(struct event *e, const char *prefix, const struct channel *ch)
{
	struct str context = text_view(&ch->context), exten = text_view(&ch->exten);
	int told = is_of_the_past(str_z(e->name)) ? run_told_place(ch, &context, &exten) : 0;

	put_value(e, prefix, "Context", context);
	put_value(e, prefix, "Exten", exten);
	buf_printf(&e->body, "%sPriority: %d\r\n", prefix, told ? told : ch->priority);
}

void event_channel(struct event *e, const char *prefix, const struct channel *ch)
{
	struct events *ev;
	const char *state;

	if (!e || !ch)
		return;
	ev = ch->pbx ? ch->pbx->events : NULL;
	e->quiet |= ch->tech && ch->tech->internal && is_of_a_life(str_z(e->name));
	state = channel_state_name(ch->state);
	put_value(e, prefix, "Channel", text_view(&ch->name));
	buf_printf(&e->body, "%sChannelState: %d\r\n", prefix, (int)ch->state);
	put_value(e, prefix, "ChannelStateDesc", str_z(state));
	put_value(e, prefix, "CallerIDNum", or_unknown(&ch->caller.number, ch->caller.number_valid));
	put_escaped(e, prefix, "CallerIDName", or_unknown(&ch->caller.name, ch->caller.name_valid));
	put_value(e, prefix, "ConnectedLineNum", or_unknown(&ch->connected.number, ch->connected.number_valid));
	put_escaped(e, prefix, "ConnectedLineName", or_unknown(&ch->connected.name, ch->connected.name_valid));
	put_value(e, prefix, "Language", text_view(&ch->language));
	put_value(e, prefix, "AccountCode", text_view(&ch->accountcode));
	put_place(e, prefix, ch);
	put_value(e, prefix, "Uniqueid", text_view(&ch->uniqueid));
	put_value(e, prefix, "Linkedid", text_view(&ch->linkedid));
	if (ch->tenantid.n)
		put_value(e, prefix, "Tenantid", text_view(&ch->tenantid));
	if (ev && ev->more && !ev->asking) {
		ev->asking = true;
		ev->more(ev->more_arg, e, prefix, (struct channel *)(uintptr_t)ch);
		ev->asking = false;
	}
}

void events_channel_more(struct events *ev, event_more_fn *fn, void *arg)
{
	ev->more = fn;
	ev->more_arg = arg;
}

void event_put_as(struct event *e, const char *prefix, const char *key, struct str value)
{
	put_value(e, prefix, key, value);
}

struct event *event_test(struct events *ev, const char *state, const char *file, const char *function)
{
	struct event *e = ev ? event_new(ev, "TestEvent", EV_TEST | EV_REPORTING) : NULL;

	event_put(e, "Type", STR("StateChange"));
	event_put(e, "State", str_z(state));
	event_put(e, "AppFile", str_z(file));
	event_put(e, "AppFunction", str_z(function));
	event_put(e, "AppLine", STR("0"));
	return e;
}

void event_drop(struct event *e)
{
	if (!e)
		return;
	buf_free(&e->body);
	free(e);
}

void event_send(struct events *ev, struct event *e)
{
	if (!e)
		return;
	ev->walking++;
	if (!buf_err(&e->body) && !e->quiet) {
		list_each(l, &ev->listeners) {
			struct listener *li = container_of(l, struct listener, link);

			if (li->fn && (li->mask & e->privilege) == e->privilege)
				li->fn(li->arg, e);
		}
	}
	ev->walking--;
	if (!ev->walking && ev->gone)
		sweep(ev);
	event_drop(e);
}
