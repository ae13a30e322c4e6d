/* Device states, hints made of them, presence. */
#include "pbx/devstate.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => 100,hint,Phone/a\n"
	"exten => 101,hint,Phone/a&Phone/b\n"
	"exten => 102,hint,Custom:lamp,CustomPresence:eve\n"
	"exten => 103,hint,,CustomPresence:eve\n"
	"exten => 104,hint,Phone/${EXTEN}\n"
	"exten => _2XX,hint,Phone/${EXTEN}\n"
	"exten => 105,hint,Late/x\n"
	"[sub]\n"
	"include => default\n";

static const char later[] =
	"[default]\n"
	"exten => 100,hint,Phone/b\n"
	"exten => _2XX,hint,Phone/${EXTEN}\n";

static enum device_state phones[256];   /* by the last letter of the name */

static int state_of(struct pbx *p, struct str name)
{
	(void)p;
	return (int)phones[(uint8_t)name.p[name.n - 1]];
}

static const struct channel_tech phone = { .type = "Phone", .description = "states by hand", .device_state = state_of };
static const struct channel_tech plain = { .type = "Plain", .description = "no states" };

struct world {
	struct pbx *p;
	struct loop *loop;
	struct buf told;
	struct listener *l;
	unsigned calls;
	int last;
	struct hint_watch *watch, *other;
	bool unwatch;
	size_t objects;
};

static void hear(void *arg, const struct event *e)
{
	struct world *w = arg;

	buf_printf(&w->told, "%s\n", e->name);
	buf_put(&w->told, buf_view(&e->body));
}

static void load(struct world *w, const char *text)
{
	struct config_prm prm = { .dir = "/" };
	struct dialplan *d = NULL;
	struct config *cfg;

	assert_int_equal(config_parse(&cfg, &prm, STR("extensions.conf"), str_z(text), NULL), 0);
	assert_int_equal(dialplan_build(&d, cfg, NULL, NULL, NULL), 0);
	config_free(cfg);
	dialplan_install(w->p, d, NULL);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct pbx_prm prm = { 0 };

	w->objects = obj_live();
	for (size_t i = 0; i < ARRAY_LEN(phones); i++)
		phones[i] = DEV_NOT_INUSE;
	w->loop = GOT(loop_new(clock_real()));
	prm.loop = w->loop;
	assert_int_equal(pbx_new(&w->p, &prm), 0);
	assert_int_equal(pbx_add_tech(w->p, &phone), 0);
	assert_int_equal(pbx_add_tech(w->p, &plain), 0);
	load(w, plan);
	w->l = events_listen(w->p->events, EV_CALL, hear, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	pbx_free(w->p);
	loop_free(w->loop);
	buf_free(&w->told);
	assert_int_equal(obj_live(), w->objects);
	free(w);
	return 0;
}

static void turn(struct world *w)
{
	for (int i = 0; i < 3; i++)
		uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
}

static void become(struct world *w, const char *device, enum device_state s)
{
	phones[(uint8_t)device[strlen(device) - 1]] = s;
	device_changed(w->p, str_z(device));
	turn(w);
}

static int state(struct world *w, const char *exten)
{
	return hint_state(w->p, STR("default"), str_z(exten), NULL);
}

static unsigned times(const struct world *w, const char *what)
{
	struct str s = buf_view(&w->told);
	unsigned n = 0;
	size_t at;

	while ((at = str_find(s, str_z(what))) < s.n) {
		n++;
		s = str_skip(s, at + 1);
	}
	return n;
}

static void one_device(void **st)
{
	static const struct {
		enum device_state device;
		int exten;
	} rows[] = {
		{ DEV_INUSE, EXTEN_INUSE }, { DEV_BUSY, EXTEN_BUSY }, { DEV_UNAVAILABLE, EXTEN_UNAVAILABLE },
		{ DEV_RINGING, EXTEN_RINGING }, { DEV_RINGINUSE, EXTEN_RINGING | EXTEN_INUSE },
		{ DEV_ONHOLD, EXTEN_ONHOLD }, { DEV_INVALID, EXTEN_UNAVAILABLE }, { DEV_NOT_INUSE, EXTEN_IDLE },
	};
	struct world *w = *st;
	struct str hint;

	assert_int_equal(state(w, "100"), EXTEN_IDLE);
	assert_int_equal(state(w, "nobody"), -1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		become(w, "Phone/a", rows[i].device);
		assert_int_equal(state(w, "100"), rows[i].exten);
	}
	assert_int_equal(hint_state(w->p, STR("sub"), STR("100"), &hint), EXTEN_IDLE);  /* through an include */
	assert_true(str_eq(hint, STR("Phone/a")));
	assert_int_equal(hint_state(w->p, STR("default"), STR("104"), &hint), EXTEN_IDLE);
	assert_true(str_eq(hint, STR("Phone/104")));
	assert_int_equal(device_get(w->p, STR("Nothing/x")), DEV_INVALID);
	assert_int_equal(device_get(w->p, STR("nolabel")), DEV_INVALID);
	assert_int_equal(device_get(w->p, STR("Plain/x")), DEV_UNKNOWN);
}

static void together(void **st)
{
	static const struct {
		enum device_state a, b;
		int exten;
	} rows[] = {
		{ DEV_NOT_INUSE, DEV_INUSE, EXTEN_INUSE }, { DEV_UNAVAILABLE, DEV_NOT_INUSE, EXTEN_IDLE },
		{ DEV_UNAVAILABLE, DEV_UNAVAILABLE, EXTEN_UNAVAILABLE },
		{ DEV_RINGING, DEV_INUSE, EXTEN_RINGING | EXTEN_INUSE }, { DEV_RINGING, DEV_NOT_INUSE, EXTEN_RINGING },
		{ DEV_BUSY, DEV_INUSE, EXTEN_BUSY }, { DEV_ONHOLD, DEV_RINGING, EXTEN_RINGING | EXTEN_INUSE },
		{ DEV_ONHOLD, DEV_NOT_INUSE, EXTEN_ONHOLD },
	};
	struct world *w = *st;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		become(w, "Phone/a", rows[i].a);
		become(w, "Phone/b", rows[i].b);
		if (state(w, "101") != rows[i].exten)
			fail_msg("row %zu: %d", i, state(w, "101"));
	}
}

static void told(void **st)
{
	struct world *w = *st;

	become(w, "Phone/a", DEV_INUSE);
	assert_int_equal(times(w, "DeviceStateChange\nDevice: Phone/a\r\nState: INUSE\r\n"), 1);
	assert_int_equal(times(w, "ExtensionStatus\nExten: 100\r\nContext: default\r\nHint: Phone/a\r\nStatus: 1\r\n"
				  "StatusText: InUse\r\n"), 1);
	assert_int_equal(times(w, "Exten: 101\r\n"), 1);
	buf_reset(&w->told);
	/* the same again is no news; many changes in one turn are one */
	become(w, "Phone/a", DEV_INUSE);
	assert_int_equal(w->told.n, 0);
	phones['a'] = DEV_BUSY;
	device_changed(w->p, STR("Phone/a"));
	device_changed(w->p, STR("Phone/a"));
	phones['a'] = DEV_RINGING;
	device_changed(w->p, STR("Phone/a"));
	turn(w);
	assert_int_equal(times(w, "DeviceStateChange"), 1);
	assert_int_equal(times(w, "State: RINGING"), 1);
	buf_reset(&w->told);
	/* ringing again: another call for those who watch */
	become(w, "Phone/a", DEV_RINGING);
	assert_int_equal(times(w, "DeviceStateChange"), 0);
	assert_int_equal(times(w, "Exten: 100\r\n"), 1);
}

static void custom(void **st)
{
	struct world *w = *st;

	assert_int_equal(device_get(w->p, STR("Custom:lamp")), DEV_UNKNOWN);
	assert_int_equal(device_set_custom(w->p, STR("Custom:lamp"), DEV_INUSE), 0);
	turn(w);
	assert_int_equal(device_get(w->p, STR("Custom:lamp")), DEV_INUSE);
	assert_int_equal(state(w, "102"), EXTEN_INUSE);
	assert_int_equal(times(w, "Device: Custom:lamp\r\nState: INUSE\r\n"), 1);
	assert_int_equal(device_set_custom(w->p, STR("lamp"), DEV_INUSE), 0);
	turn(w);
	assert_int_equal(times(w, "Device: Custom:lamp"), 1);
	assert_int_equal(device_set_custom(w->p, STR("Custom:"), DEV_INUSE), EINVAL);
	assert_int_equal(device_del_custom(w->p, STR("Custom:lamp")), 0);
	turn(w);
	assert_int_equal(state(w, "102"), EXTEN_IDLE);
	assert_int_equal(device_del_custom(w->p, STR("Custom:none")), ENOENT);
}

static void presence(void **st)
{
	struct presence v = { STR("away"), STR("lunch"), STR("banana, ripe") }, got;
	struct world *w = *st;

	assert_false(hint_presence(w->p, STR("default"), STR("100"), &got));
	assert_true(hint_presence(w->p, STR("default"), STR("103"), &got));
	assert_true(str_eq(got.state, STR("not_set")));
	assert_int_equal(state(w, "103"), EXTEN_UNAVAILABLE);   /* no device at all */
	assert_int_equal(presence_set_custom(w->p, STR("CustomPresence:eve"), &v), 0);
	assert_true(hint_presence(w->p, STR("default"), STR("102"), &got));
	assert_true(str_eq(got.state, STR("away")));
	assert_true(str_eq(got.subtype, STR("lunch")));
	assert_true(str_eq(got.message, STR("banana, ripe")));
	assert_int_equal(times(w, "PresenceStateChange\nPresentity: CustomPresence:eve\r\nStatus: away\r\n"), 1);
	assert_int_equal(times(w, "PresenceStatus\nExten: 102\r\nContext: default\r\n"
				  "Hint: Custom:lamp,CustomPresence:eve\r\nStatus: away\r\nSubtype: lunch\r\n"
				  "Message: banana, ripe\r\n"), 1);
	assert_int_equal(times(w, "PresenceStatus"), 2);
	v.state = STR("asleep");
	assert_int_equal(presence_set_custom(w->p, STR("eve"), &v), EINVAL);
	v.state = STR("dnd");
	assert_int_equal(presence_set_custom(w->p, STR("bob"), &v), 0);
	assert_true(presence_get(w->p, STR("CustomPresence:eve&CustomPresence:bob"), &got));
	assert_true(str_eq(got.state, STR("dnd")));
	assert_int_equal(presence_del_custom(w->p, STR("eve")), 0);
	assert_true(presence_get(w->p, STR("CustomPresence:eve"), &got));
	assert_true(str_eq(got.state, STR("not_set")));
}

static void on_change(void *arg, int s)
{
	struct world *w = arg;

	w->calls++;
	w->last = s;
	if (w->unwatch) {
		hint_unwatch(w->watch);
		hint_unwatch(w->other);
		w->watch = w->other = NULL;
	}
}

static void watched(void **st)
{
	struct world *w = *st;

	assert_null(hint_watch(w->p, STR("default"), STR("nobody"), on_change, w));
	w->watch = hint_watch(w->p, STR("default"), STR("100"), on_change, w);
	assert_non_null(w->watch);
	become(w, "Phone/a", DEV_INUSE);
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->last, EXTEN_INUSE);
	w->other = hint_watch(w->p, STR("sub"), STR("100"), on_change, w);
	w->unwatch = true;
	become(w, "Phone/a", DEV_BUSY);
	assert_int_equal(w->calls, 2);          /* the first took the second away */
	become(w, "Phone/a", DEV_INUSE);
	assert_int_equal(w->calls, 2);
}

static void by_pattern(void **st)
{
	struct world *w = *st;
	struct hint_watch *a, *b;

	assert_int_equal(state(w, "207"), EXTEN_IDLE);
	phones['7'] = DEV_INUSE;
	assert_int_equal(state(w, "207"), EXTEN_INUSE);         /* asked for each time, as nobody watches */
	a = hint_watch(w->p, STR("default"), STR("207"), on_change, w);
	b = hint_watch(w->p, STR("default"), STR("208"), on_change, w);
	assert_non_null(a);
	assert_int_equal(state(w, "207"), EXTEN_INUSE);
	become(w, "Phone/207", DEV_RINGING);
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->last, EXTEN_RINGING);
	assert_int_equal(times(w, "Exten: 207\r\nContext: default\r\nHint: Phone/207\r\n"), 1);
	hint_unwatch(a);
	become(w, "Phone/207", DEV_BUSY);
	assert_int_equal(w->calls, 1);
	hint_unwatch(b);
}

static void reloaded(void **st)
{
	struct world *w = *st;
	struct hint_watch *a, *b, *c;

	a = hint_watch(w->p, STR("default"), STR("100"), on_change, w);
	b = hint_watch(w->p, STR("default"), STR("101"), on_change, w);
	c = hint_watch(w->p, STR("default"), STR("201"), on_change, w);
	phones['b'] = DEV_BUSY;
	device_changed(w->p, STR("Phone/b"));
	turn(w);
	assert_int_equal(w->calls, 1);
	load(w, later);
	/* 100 is another device now, 101 is gone, 201 stays */
	assert_int_equal(w->calls, 3);
	assert_int_equal(state(w, "100"), EXTEN_BUSY);
	assert_int_equal(state(w, "101"), -1);
	assert_int_equal(w->last, EXTEN_REMOVED);
	become(w, "Phone/201", DEV_INUSE);
	assert_int_equal(w->calls, 4);
	load(w, plan);
	assert_int_equal(state(w, "101"), EXTEN_BUSY);
	assert_int_equal(w->calls, 6);
	hint_unwatch(a);
	hint_unwatch(b);
	hint_unwatch(c);
}

static void of_channels(void **st)
{
	struct world *w = *st;
	struct channel_new_prm prm = { .pbx = w->p, .tech = &plain, .stem = STR("x"), .state = CHAN_RINGING };
	struct channel *ch;

	assert_int_equal(channel_new(&ch, &prm), 0);
	turn(w);
	assert_int_equal(device_get(w->p, STR("Plain/x")), DEV_RINGING);
	assert_int_equal(device_get(w->p, STR("Plain/xy")), DEV_UNKNOWN);
	channel_set_state(ch, CHAN_UP);
	assert_int_equal(device_get(w->p, STR("Plain/x")), DEV_INUSE);
	channel_destroy(ch);
	turn(w);
	assert_int_equal(device_get(w->p, STR("Plain/x")), DEV_UNKNOWN);
}

/* The dialplan is read before the technology is there. */
static void late_technology(void **st)
{
	static const struct channel_tech late = { .type = "Late", .description = "comes last", .device_state = state_of };
	struct world *w = *st;

	assert_int_equal(state(w, "105"), EXTEN_UNAVAILABLE);
	assert_int_equal(pbx_add_tech(w->p, &late), 0);
	turn(w);
	assert_int_equal(state(w, "105"), EXTEN_IDLE);
}

static void hint_of(struct channel *ch, const char *exten, const char *want)
{
	struct buf b = BUF_INIT;

	channel_set_exten(ch, STR("sub"), str_z(exten), 1);
	pbx_substitute(ch->pbx, ch, STR("<${HINT}>"), &b);
	assert_string_equal(buf_z(&b), want);
	buf_free(&b);
}

/* ${HINT} is that of the extension where the channel is; no variable that was set hides it. */
static void as_variable(void **st)
{
	struct world *w = *st;
	const struct channel_new_prm prm = { .pbx = w->p, .tech = &plain, .stem = STR("x") };
	struct channel *ch;

	assert_int_equal(channel_new(&ch, &prm), 0);
	hint_of(ch, "100", "<Phone/a>");
	hint_of(ch, "900", "<>");
	assert_int_equal(pbx_setvar(w->p, ch, STR("HINT"), STR("mine")), 0);
	hint_of(ch, "102", "<Custom:lamp,CustomPresence:eve>");
	hint_of(ch, "900", "<mine>");
	channel_destroy(ch);
	turn(w);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A listing that was begun goes on, whatever comes and goes meanwhile. */
static void listed_in_pieces(void **st)
{
	struct world *w = *st;
	struct hint_walk hints = { 0 };
	struct device_walk devices = { 0 };
	struct presence_walk presences = { 0 };
	struct presence away = { .state = STR("away") };
	struct presence_row pr;
	struct device_row dr;
	struct hint_row hr;
	unsigned n = 0;

	assert_int_equal(presence_set_custom(w->p, STR("bea"), &away), 0);
	assert_int_equal(presence_set_custom(w->p, STR("eve"), &away), 0);
	assert_true(hint_next(w->p, &hints, &hr));
	assert_true(str_eq(hr.exten, STR("100")));
	assert_true(str_eq(hr.hint, STR("Phone/a")));
	assert_true(device_next(w->p, &devices, &dr));
	assert_true(str_eq(dr.name, STR("Custom:lamp")));
	assert_true(presence_next(w->p, &presences, &pr));
	assert_true(str_eq(pr.name, STR("bea")));
	load(w, later);                 /* no 101 ... any more, and no Custom:lamp */
	assert_int_equal(presence_del_custom(w->p, STR("bea")), 0);
	assert_true(hint_next(w->p, &hints, &hr));
	assert_true(str_eq(hr.exten, STR("_2XX")));
	assert_int_equal(hr.state, -1);
	assert_false(hint_next(w->p, &hints, &hr));
	while (device_next(w->p, &devices, &dr)) {
		assert_false(dr.again);
		n += str_eq(dr.name, STR("Phone/b"));
	}
	assert_int_equal(n, 1);
	assert_true(presence_next(w->p, &presences, &pr));
	assert_true(str_eq(pr.name, STR("eve")) && str_eq(pr.v.state, STR("away")));
	assert_false(presence_next(w->p, &presences, &pr));
	hint_walk_end(&hints);
	device_walk_end(&devices);
	presence_walk_end(&presences);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(one_device), WITH_WORLD(together), WITH_WORLD(told), WITH_WORLD(custom), WITH_WORLD(presence),
		WITH_WORLD(watched), WITH_WORLD(by_pattern), WITH_WORLD(reloaded), WITH_WORLD(of_channels), WITH_WORLD(late_technology),
		WITH_WORLD(listed_in_pieces), WITH_WORLD(as_variable),
	};

	log_set_mask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
