/* A hundred managers and consoles that ask, cause events and do not read: no turn of the core
 * does more than its share for them, and others are answered meanwhile. */
#include "manager_stage.h"
#include "base/fiber.h"
#include "pbx/event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define DEAF 100

/* Works of one turn of the loop, counted by what they cause. */
struct tally {
	struct listener *ear;
	uint64_t turn;
	unsigned total, in_turn, most;
};

static void tally_one(struct tally *y)
{
	if (y->turn != loop_turns(t.w.loop))
		y->in_turn = 0;
	y->turn = loop_turns(t.w.loop);
	y->total++;
	if (++y->in_turn > y->most)
		y->most = y->in_turn;
}

static void on_user_event(void *arg, const struct event *e)
{
	(void)e;
	tally_one(arg);
}

static void deaf_ears(struct peer *deaf, const char *text)
{
	for (int i = 0; i < DEAF; i++) {
		deaf[i] = login("admin");
		buf_free(&deaf[i].in);
	}
	for (int i = 0; i < DEAF; i++)
		(void)!send(deaf[i].fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Gone, with whatever had been sent to them before. */
static void all_gone(struct peer *deaf)
{
	for (int i = 0; i < DEAF; i++) {
		if (!is_closed(&deaf[i]))
			fail_msg("manager %d is still there", i);
		hang_up(&deaf[i]);
	}
}

static struct buf pile(const char *action, unsigned n)
{
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "Action: %s\r\n\r\n", action);
	return b;
}

/* A hundred managers send without end, and get little for it. No turn does more than
 * its share, and one more is answered soon all the while. */
static void a_hundred_send_piles(void **state)
{
	static struct peer many[DEAF];
	struct buf text = pile("UserEvent\r\nUserEvent: x", 60);
	struct tally y = { 0 };
	struct peer p = login("few");

	(void)state;
	ask(&p, "Action: Events\r\nEventMask: off");
	y.ear = events_listen(t.w.pbx->events, EV_USER, on_user_event, &y);
	for (int i = 0; i < DEAF; i++)
		many[i] = login("mute");
	for (int i = 0; i < DEAF; i++)
		(void)!send(many[i].fd, text.p, text.n, MSG_NOSIGNAL);
	for (int i = 0; i < 10; i++) {
		uint64_t asked = loop_turns(t.w.loop);

		ask(&p, "Action: Ping");
		assert_true(loop_turns(t.w.loop) - asked <= 64);
	}
	for (int i = 0; i < 300 && y.total < 60 * DEAF; i++) {
		world_turn(&t.w);
		world_forget_events(&t.w);
	}
	assert_int_equal(y.total, 60 * DEAF);
	assert_in_range(y.most, 1, PACE_TURN_STEPS + PACE_SLICE_STEPS);
	for (int i = 0; i < DEAF; i++)
		hang_up(&many[i]);
	events_unlisten(t.w.pbx->events, y.ear);
	hang_up(&p);
	buf_free(&text);
}

/* A hundred managers cause events and do not read them: they are cut off. */
static void a_hundred_do_not_read(void **state)
{
	static struct peer deaf[DEAF];
	struct buf text = pile("UserEvent\r\nUserEvent: x\r\nText: "
			       "0123456789012345678901234567890123456789012345678901234567890123456789", 30);
	struct tally y = { 0 };
	struct peer p = login("few");

	(void)state;
	ask(&p, "Action: Events\r\nEventMask: off");
	deaf_ears(deaf, buf_z(&text));
	y.ear = events_listen(t.w.pbx->events, EV_USER, on_user_event, &y);
	for (int i = 0; i < 20; i++) {
		uint64_t asked = loop_turns(t.w.loop);

		ask(&p, "Action: Ping");
		/* world_turn() makes eight at once; a circle of all others takes some. */
		assert_true(loop_turns(t.w.loop) - asked <= 64);
	}
	for (int i = 0; i < 300; i++)
		world_turn(&t.w);
	/* Whoever has much to read is not served before it has read. */
	assert_in_range(y.total, 5 * DEAF, 30 * DEAF);
	assert_in_range(y.most, 1, PACE_TURN_STEPS + PACE_SLICE_STEPS);
	events_unlisten(t.w.pbx->events, y.ear);
	world_forget_events(&t.w);
	/* Enough for kernel and queue; then what waits is not taken. */
	for (int i = 0; i < 6000; i++) {
		struct event *e = event_new(t.w.pbx->events, "UserEvent", EV_USER);

		event_put(e, "Big", str_sub(buf_view(&text), 0, 1000));
		event_send(t.w.pbx->events, e);
		if (i % 50 == 0)
			world_forget_events(&t.w);
	}
	world_pass(&t.w, 3000);
	world_forget_events(&t.w);
	all_gone(deaf);
	ask(&p, "Action: Ping");
	assert_int_equal(stream_peers(), 1);
	hang_up(&p);
	buf_free(&text);
}

/* The same for answers: rows of a list, and lines of a command. */
static void a_hundred_lists(void **state)
{
	static struct peer deaf[DEAF];
	struct buf text = pile("ListCommands\r\n\r\nAction: Command\r\nCommand: core show help\r\n\r\n"
			       "Action: PJSIPShowEndpoints", 100);
	struct peer p = login("few");
	size_t fibers = fiber_count();

	(void)state;
	ask(&p, "Action: Events\r\nEventMask: off");
	deaf_ears(deaf, buf_z(&text));
	for (int i = 0; i < 20; i++) {
		uint64_t asked = loop_turns(t.w.loop);

		ask(&p, "Action: Ping");
		assert_true(loop_turns(t.w.loop) - asked <= 64);
	}
	for (int i = 0; i < 400; i++)
		world_turn(&t.w);
	world_pass(&t.w, 1500);
	world_pass(&t.w, 1500);
	all_gone(deaf);
	assert_int_equal(fiber_count(), fibers);
	hang_up(&p);
	buf_free(&text);
}

static void consoles_do_not_read(void **state)
{
	static struct peer deaf[60];
	struct buf text = BUF_INIT;
	struct tally y = { 0 };
	struct peer p;
	int n = 4096;

	(void)state;
	buf_put(&text, STR("c 0\n"));
	for (int i = 0; i < 100; i++)
		buf_put(&text, STR("module reload res_pjsip.so\ncore show help\n"));
	t.on_reload = tally_one;
	t.reload_arg = &y;
	for (size_t i = 0; i < ARRAY_LEN(deaf); i++) {
		deaf[i] = dial_console();
		setsockopt(deaf[i].fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
		(void)!send(deaf[i].fd, text.p, text.n, MSG_NOSIGNAL);
	}
	p = dial_console();
	say(&p, "x core show uptime seconds\n");
	assert_true(hears(&p, "System uptime"));
	for (int i = 0; i < 300; i++)
		world_turn(&t.w);
	world_forget_events(&t.w);
	assert_in_range(y.most, 1, PACE_TURN_STEPS + PACE_SLICE_STEPS);
	assert_true(y.total < 60 * 100);        /* who does not read what it got gets no more */
	hang_up(&p);
	for (size_t i = 0; i < ARRAY_LEN(deaf); i++)
		close(deaf[i].fd);
	world_turn(&t.w);
	buf_free(&text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, manager_up, manager_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hundred_send_piles), T(a_hundred_do_not_read), T(a_hundred_lists), T(consoles_do_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
