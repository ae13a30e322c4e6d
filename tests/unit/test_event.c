/* Manager events and those who listen. */
#include "pbx/event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

struct ear {
	struct events *ev;
	struct listener *self, *other;
	unsigned heard;
	struct buf body;
	bool leave;
};

static void hear(void *arg, const struct event *e)
{
	struct ear *ear = arg;

	ear->heard++;
	buf_put(&ear->body, buf_view(&e->body));
	if (ear->leave) {
		events_unlisten(ear->ev, ear->self);
		events_unlisten(ear->ev, ear->other);
		ear->self = ear->other = NULL;
	}
}

static void send(struct events *ev, unsigned privilege)
{
	event_send(ev, event_new(ev, "X", privilege));
}

static void only_for_those_who_listen(void **state)
{
	struct events *ev = GOT(events_new());
	struct ear a = { .ev = ev };

	(void)state;
	assert_null(event_new(ev, "X", EV_CALL));
	event_put(NULL, "Key", STR("v"));
	event_printf(NULL, "Key", "%d", 1);
	event_send(ev, NULL);
	a.self = events_listen(ev, EV_CALL | EV_USER, hear, &a);
	send(ev, EV_CALL);
	send(ev, EV_SYSTEM);
	assert_int_equal(a.heard, 1);
	/* of several classes all are needed */
	send(ev, EV_CALL | EV_SYSTEM);
	assert_int_equal(a.heard, 1);
	events_mask(ev, a.self, EV_SYSTEM | EV_CALL);
	send(ev, EV_CALL | EV_SYSTEM);
	assert_int_equal(a.heard, 2);
	events_unlisten(ev, a.self);
	assert_null(event_new(ev, "X", EV_CALL));
	events_free(ev);
	buf_free(&a.body);
}

static void one_line_each(void **state)
{
	struct events *ev = GOT(events_new());
	struct ear a = { .ev = ev };
	struct event *e;

	(void)state;
	a.self = events_listen(ev, EV_CALL, hear, &a);
	e = event_new(ev, "X", EV_CALL);
	event_put(e, "Name", STR("a\r\nAction: evil\0b"));
	event_printf(e, "Other", "%s", "x\ny");
	event_send(ev, e);
	assert_true(str_eq(buf_view(&a.body), STR("Name: a  Action: evil b\r\nOther: x y\r\n")));
	events_unlisten(ev, a.self);
	events_free(ev);
	buf_free(&a.body);
}

static void leaving_meanwhile(void **state)
{
	struct events *ev = GOT(events_new());
	struct ear a = { .ev = ev, .leave = true }, b = { .ev = ev };

	(void)state;
	a.self = events_listen(ev, EV_CALL, hear, &a);
	a.other = events_listen(ev, EV_CALL, hear, &b);
	send(ev, EV_CALL);
	assert_int_equal(a.heard, 1);
	assert_int_equal(b.heard, 0);
	send(ev, EV_CALL);
	assert_int_equal(a.heard, 1);
	events_free(ev);
}

static void count_change(void *arg, unsigned wanted)
{
	unsigned *last = arg;

	last[0]++;
	last[1] = wanted;
}

/* Whoever makes events of a kind is told when the first listens and when the last has gone. */
static void what_is_wanted_is_told(void **state)
{
	struct events *ev = GOT(events_new());
	struct ear a = { .ev = ev }, b = { .ev = ev };
	unsigned told[2] = { 0 };

	(void)state;
	a.self = events_listen(ev, EV_CALL, hear, &a);
	events_watch(ev, count_change, told);
	assert_int_equal(told[1], EV_CALL);
	b.self = events_listen(ev, EV_REPORTING, hear, &b);
	assert_int_equal(told[1], EV_CALL | EV_REPORTING);
	events_mask(ev, a.self, EV_REPORTING);
	assert_int_equal(told[1], EV_REPORTING);
	assert_int_equal(told[0], 3);
	events_unlisten(ev, a.self);    /* the other still listens */
	assert_int_equal(told[0], 3);
	events_unlisten(ev, b.self);
	assert_int_equal(told[1], 0);
	events_watch(ev, NULL, NULL);
	a.self = events_listen(ev, EV_CALL, hear, &a);
	assert_int_equal(told[0], 4);
	events_free(ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_for_those_who_listen),
		cmocka_unit_test(one_line_each),
		cmocka_unit_test(leaving_meanwhile), cmocka_unit_test(what_is_wanted_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
