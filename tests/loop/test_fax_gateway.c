/* FAXOPT(gateway): a fax machine with sound calls one with T.38 and the other way round. Two calls meet in the middle, in
 * a channel with a gateway and its bridge peer; their far ends are SendFAX and ReceiveFAX of two more channels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "../unit/fax_stage.h"
#include "base/obj.h"
#include "fax_line.h"
#include "pbx/fax.h"

static const char plan[] =
	"[default]\n"
	"exten => send,1,Answer()\n"
	" same => n,SendFAX(${OUT},${SOPT})\n"
	" same => n,Set(GLOBAL(S)=${FAXSTATUS}|${FAXPAGES}|${FAXMODE})\n"
	" same => n,Wait(60)\n"
	"exten => receive,1,Answer()\n"
	" same => n,ReceiveFAX(${IN},${ROPT})\n"
	" same => n,Set(GLOBAL(R)=${FAXSTATUS}|${FAXPAGES}|${FAXMODE})\n"
	" same => n,Wait(60)\n"
	"exten => gate,1,Answer()\n"
	" same => n,Set(FAXOPT(gateway)=${GATE})\n"
	" same => n,Set(GLOBAL(G0)=${FAXSTATUS}|${FAXERROR}|${FAXOPT(gateway)})\n"
	" same => n,Dial(Fake/callee,20,g)\n"
	"exten => h,1,Set(GLOBAL(G)=${FAXOPT(status)}|${FAXOPT(error)}|${FAXOPT(statusstr)}|${FAXOPT(gateway)})\n"
	"exten => called,1,Answer()\n same => n,Dial(Fake/callee,20,gb(setup^1))\n same => n,Wait(10)\n"
	"exten => setup,1,Set(FAXOPT(gateway)=yes)\n same => n,Set(CHANNEL(hangup_handler_push)=over,1)\n same => n,Return()\n"
	"exten => over,1,Set(GLOBAL(G)=${CHANNEL(name)}|${FAXOPT(status)})\n same => n,Return()\n"
	"exten => alone,1,Set(FAXOPT(gateway)=yes)\n"
	" same => n,ReceiveFAX(x.tif)\n"
	"exten => off,1,Set(FAXOPT(gateway)=yes)\n"
	" same => n,Set(FAXOPT(gateway)=no)\n"
	" same => n,Set(GLOBAL(G0)=${FAXOPT(gateway)})\n"
	" same => n,Wait(1)\n";

static struct world w;
static char dir[] = "/tmp/test_faxgate.XXXXXX";
static struct fake *sender, *receiver, *caller, *callee;
static struct t38_end ts, tr, tc, te;   /* of these */

static const char *path_of(const char *name)
{
	static char z[4][64];
	static unsigned at;
	char *p = z[at++ % 4];

	snprintf(p, sizeof(z[0]), "%s/%s", dir, name);
	return p;
}

static void set(const char *name, const char *value)
{
	assert_int_equal(vars_set(&w.pbx->globals, str_z(name), str_z(value)), 0);
}

static const char *get(const char *name)
{
	static char room[4][256];
	static unsigned at;
	char *p = room[at++ % 4];
	struct str v = STR_NULL;

	vars_get(&w.pbx->globals, str_z(name), &v);
	snprintf(p, sizeof(room[0]), "%.*s", STR_ARG(v));
	return p;
}

static int setup(void **state)
{
	(void)state;
	world_open_media(&w, plan);
	set("OUT", path_of("out.tif"));
	set("IN", path_of("in.tif"));
	set("GATE", "yes");
	ts = tr = tc = te = (struct t38_end){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	unlink(path_of("out.tif"));
	unlink(path_of("in.tif"));
	return 0;
}

/* The middle: the caller's channel has the gateway; the fax machines' lines lead to it. */
static void call_both(bool sender_t38, bool receiver_t38)
{
	pages_write(path_of("out.tif"), 2, PAGE_ROWS, 5);
	caller = world_call_in(&w, "caller", "1", "default", "gate");
	world_pass(&w, 1000);
	callee = world_fake(&w, "callee");
	assert_non_null(callee);
	sender = world_call_in(&w, "sender", "2", "default", "send");
	receiver = world_call_in(&w, "receiver", "3", "default", "receive");
	ts.f = sender;
	tc.f = caller;
	te.f = callee;
	tr.f = receiver;
	if (sender_t38)
		fax_line_t38(&ts, &tc);
	if (receiver_t38)
		fax_line_t38(&te, &tr);
	fax_line(sender, caller);
	fax_line(callee, receiver);
	fake_event(callee, CE_ANSWER);
}

static void until_both(void)
{
	for (int i = 0; i < 12000 && !(*get("S") && *get("R")); i++) {
		world_pass(&w, 20);
		/* The pool thread that looks for the file has its own time. */
		usleep(w.pbx->fax->sent && w.pbx->fax->active > 2 ? 0 : i < 1000 ? 200 : 0);
	}
}

static void over(void)
{
	struct fake *all[] = { sender, receiver, caller, callee };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->ch)
			fake_hangup(all[i], CAUSE_NORMAL);
	world_pass(&w, 200);
	fax_line_end(&ts);
	fax_line_end(&tr);
	fax_line_end(&tc);
	fax_line_end(&te);
}

/* The receiver asks for T.38; the sender's side has none. */
static void test_sound_to_t38(void **state)
{
	(void)state;
	call_both(false, true);
	assert_string_equal(get("G0"), "SUCCESS|NO_ERROR|yes");
	until_both();
	assert_string_equal(get("S"), "SUCCESS|2|audio");
	assert_string_equal(get("R"), "SUCCESS|2|T38");
	assert_int_equal(pages_whole(path_of("in.tif"), PAGE_ROWS, 5), 2);
	over();
	assert_string_equal(get("G"), "SUCCESS|NO_ERROR|gateway operation started successfully|no");
}

/* The gateway hears the receiver's preamble, and asks the sender. */
static void test_t38_to_sound(void **state)
{
	(void)state;
	call_both(true, false);
	until_both();
	assert_string_equal(get("S"), "SUCCESS|2|T38");
	assert_string_equal(get("R"), "SUCCESS|2|audio");
	assert_int_equal(pages_whole(path_of("in.tif"), PAGE_ROWS, 5), 2);
	over();
}

static void test_native(void **state)
{
	(void)state;
	call_both(true, true);
	until_both();
	assert_string_equal(get("S"), "SUCCESS|2|T38");
	assert_string_equal(get("R"), "SUCCESS|2|T38");
	over();
	assert_string_equal(get("G"), "SUCCESS|NATIVE_T38|no gateway necessary|no");
}

static void test_none(void **state)
{
	(void)state;
	call_both(false, false);
	until_both();
	assert_string_equal(get("S"), "SUCCESS|2|audio");
	over();
	assert_string_equal(get("G"), "FAILED|T38_NEG_ERROR|neither channel supports T.38|no");
}

/* Nobody sends a fax: FAXOPT(gateway)=yes,2. */
static void test_timeout(void **state)
{
	(void)state;
	set("GATE", "yes,2");
	set("SOPT", "F");
	call_both(true, true);
	fake_hangup(sender, CAUSE_NORMAL);
	fake_hangup(receiver, CAUSE_NORMAL);
	world_pass(&w, 1500);
	assert_int_equal(w.pbx->fax->active, 2);        /* it listens to both */
	world_pass(&w, 1000);
	assert_int_equal(w.pbx->fax->active, 0);
	over();
	assert_string_equal(get("G"), "FAILED|TIMEOUT|no fax activity after 2000 ms|no");
}

static void test_alone(void **state)
{
	struct fake *f;

	(void)state;
	f = world_call_in(&w, "a", "1", "default", "alone");
	world_pass(&w, 500);
	assert_null(f->ch);
	assert_string_equal(get("G"), "FAILED|INIT_ERROR|can't receive a fax on a channel with a T.38 gateway|yes");
	f = world_call_in(&w, "a", "1", "default", "off");
	world_pass(&w, 100);
	assert_string_equal(get("G0"), "no");
	fake_hangup(f, CAUSE_NORMAL);
	world_pass(&w, 100);
}

/* The called channel has the gateway; its hangup handler tells how it went, though it runs no dialplan. */
static void test_called(void **state)
{
	struct fake *f;

	(void)state;
	f = world_call_in(&w, "caller", "1", "default", "called");
	world_pass(&w, 1000);
	callee = world_fake(&w, "callee");
	assert_non_null(callee);
	fake_event(callee, CE_ANSWER);
	world_pass(&w, 50);
	assert_string_equal(get("G"), "");
	fake_hangup(callee, CAUSE_NORMAL);
	world_pass(&w, 100);
	assert_string_equal(get("G"), "Fake/callee-00000001|SUCCESS");
	fake_hangup(f, CAUSE_NORMAL);
	world_pass(&w, 100);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sound_to_t38, setup, teardown),
		cmocka_unit_test_setup_teardown(test_t38_to_sound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_native, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_called, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
