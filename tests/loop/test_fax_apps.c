/* SendFAX and ReceiveFAX by sound: two channels that are each other's line, their variables, FAXOPT(), and what
 * managers are told. The terminals themselves: tests/unit/test_fax.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "../unit/fax_stage.h"
#include "base/obj.h"
#include "config/settings.h"
#include "fax_line.h"
#include "media/faxterm.h"
#include "pbx/dialplan.h"
#include "pbx/fax.h"

static const char plan[] =
	"[default]\n"
	"exten => send,1,Answer()\n"
	" same => n,ExecIf($[\"${SET}\"!=\"\"]?Set(FAXOPT(${SET})=${TO}))\n"
	" same => n,Set(FAXOPT(headerinfo)=${HEAD})\n"
	" same => n,SendFAX(${OUT},${OPT})\n"
	" same => n,Set(GLOBAL(S)=${FAXSTATUS}|${FAXERROR}|${FAXSTATUSSTRING}|${FAXPAGES}|${FAXBITRATE}|${FAXMODE}|${LOCALSTATIONID}|${REMOTESTATIONID})\n"
	" same => n,Wait(60)\n"
	"exten => receive,1,Set(LOCALSTATIONID=222)\n"
	" same => n,ReceiveFAX(${IN},${OPT})\n"
	" same => n,Set(GLOBAL(R)=${FAXSTATUS}|${FAXERROR}|${FAXSTATUSSTRING}|${FAXPAGES}|${FAXBITRATE}|${FAXMODE}|${LOCALSTATIONID}|${REMOTESTATIONID})\n"
	" same => n,Set(GLOBAL(O)=${FAXOPT(ecm)}|${FAXOPT(filename)}|${FAXOPT(pages)}|${FAXOPT(rate)}|${FAXOPT(remotestationid)}|${FAXOPT(status)}|${FAXOPT(statusstr)}|${FAXOPT(sessionid)}|${FAXOPT(error)})\n"
	" same => n,Set(GLOBAL(RES)=${FAXRESOLUTION}|${FAXOPT(resolution)})\n"
	" same => n,Wait(60)\n"
	"exten => h,1,Set(GLOBAL(H)=${FAXSTATUS}|${FAXERROR})\n"
	"exten => bad,1,Set(FAXOPT(${SET})=${TO})\n"
	" same => n,ReceiveFAX(${IN},${OPT})\n"
	"exten => opt,1,Set(FAXOPT(${SET})=${TO})\n"
	" same => n,Set(GLOBAL(O)=${FAXOPT(${SET})})\n"
	" same => n,Wait(60)\n"
	"exten => unset,1,Set(GLOBAL(O)=x${FAXOPT(ecm)}x)\n"
	" same => n,Wait(60)\n";

static struct world w;
static char dir[] = "/tmp/test_faxapp.XXXXXX";
static struct fake *a, *b;

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
	static char room[4][512];
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

static void calls(void)
{
	pages_write(path_of("out.tif"), 2, PAGE_ROWS, 5);
	a = world_call_in(&w, "alice", "1", "default", "send");
	b = world_call_in(&w, "bob", "2", "default", "receive");
	fax_line(a, b);
}

static void until_both(void)
{
	for (int i = 0; i < 12000 && !(*get("S") && *get("R")); i++)
		world_pass(&w, 20);
}

static void hang_up_both(void)
{
	fake_hangup(a, CAUSE_NORMAL);
	fake_hangup(b, CAUSE_NORMAL);
	world_pass(&w, 100);
}

static void test_two_pages(void **state)
{
	char want[200];

	(void)state;
	set("SET", "localstationid");
	set("TO", "111");
	set("HEAD", "of alice");
	calls();
	world_pass(&w, 2000);
	assert_int_equal(w.pbx->fax->active, 2);
	assert_int_equal(world_events(&w, "FAXStatus", NULL), 0);
	until_both();
	assert_string_equal(get("S"), "SUCCESS||OK|2|14400|audio|111|222");
	assert_string_equal(get("R"), "SUCCESS||OK|2|14400|audio|222|111");
	snprintf(want, sizeof(want), "yes|%s|2|14400|111|SUCCESS|OK|0|", path_of("in.tif"));
	assert_string_equal(get("O"), want);
	assert_string_equal(get("RES"), "8031x3850|8031x3850");
	assert_int_equal(pages_count(path_of("in.tif")), 2);
	/* The sender's header takes lines of its own. */
	assert_int_equal(pages_whole(path_of("in.tif"), PAGE_ROWS, 5), -1);
	assert_int_equal(world_events(&w, "SendFAX", "PagesTransferred: 2"), 1);
	assert_int_equal(world_events(&w, "SendFAX", "RemoteStationID: 222"), 1);
	assert_int_equal(world_events(&w, "ReceiveFAX", "TransferRate: 14400"), 1);
	assert_int_equal(world_events(&w, "ReceiveFAX", "Resolution: 8031x3850"), 1);
	assert_int_equal(w.pbx->fax->active, 0);
	assert_int_equal(w.pbx->fax->complete, 2);
	assert_int_equal(w.pbx->fax->failed, 0);
	assert_int_equal(w.pbx->fax->ends[0][FAX_END_SUCCESS], 2);
	hang_up_both();
}

/* Options s, res_fax.conf's ecm, and a rate that leaves V.17 out. */
static void test_options(void **state)
{
	struct fax_conf c = { .minrate = 2400, .maxrate = 9600, .modems = FAX_MODEM_V17 | FAX_MODEM_V27 | FAX_MODEM_V29,
		.t38timeout = 7 };

	(void)state;
	faxes_set(w.pbx->fax, &c);
	set("OPT", "s");
	calls();
	until_both();
	assert_string_equal(get("S"), "SUCCESS||OK|2|9600|audio||222");
	assert_int_equal(pages_whole(path_of("in.tif"), PAGE_ROWS, 5), 2);
	assert_true(str_starts(str_z(get("O")), STR("no|")));
	assert_int_equal(world_events(&w, "FAXStatus", "Status: Allocating Resources"), 2);
	assert_int_equal(world_events(&w, "FAXStatus", "Status: FAX Transmission In Progress"), 2);
	assert_int_equal(world_events(&w, "FAXStatus", "Operation: send"), 2);
	assert_int_equal(world_events(&w, "FAXStatus", "Operation: receive"), 2);
	hang_up_both();
}

static void test_hangup(void **state)
{
	(void)state;
	calls();
	world_pass(&w, 5000);
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 100);
	assert_string_equal(get("H"), "FAILED|The call dropped prematurely");
	assert_int_equal(w.pbx->fax->active, 1);
	assert_int_equal(w.pbx->fax->failed, 1);
	fake_hangup(b, CAUSE_NORMAL);
	world_pass(&w, 100);
	assert_int_equal(w.pbx->fax->active, 0);
}

/* The receiver's disk takes nothing: the fax ends, and the call goes on. */
static void test_unwritable(void **state)
{
	(void)state;
	set("IN", "/nowhere/in.tif");
	calls();
	until_both();
	assert_true(str_starts(str_z(get("R")), STR("FAILED|")));
	assert_true(str_starts(str_z(get("S")), STR("FAILED|")));
	assert_false(b->ch->hungup);
	hang_up_both();
}

/* Neither sound nor a session: ten seconds later it is over. */
static void test_no_sound(void **state)
{
	(void)state;
	b = world_call_in(&w, "bob", "2", "default", "receive");
	media_session_close(b->session, NULL, NULL);
	b->session = NULL;
	world_pass(&w, 13000);
	assert_string_equal(get("R"), "FAILED|TIMEOUT|fax session timed-out|0||audio|222|");
	fake_hangup(b, CAUSE_NORMAL);
	world_pass(&w, 100);
}

static void refused(const char *what, const char *to, const char *options, const char *in, const char *error)
{
	set("SET", what);
	set("TO", to);
	set("OPT", options);
	set("IN", in);
	set("H", "");
	a = world_call_in(&w, "alice", "1", "default", "bad");
	world_pass(&w, 1000);
	assert_string_equal(get("H"), error);
}

static void test_refused(void **state)
{
	(void)state;
	refused("maxrate", "2400", "", "x.tif", "FAILED|INVALID_ARGUMENTS");
	refused("modem", "v17", "", "x.tif", "FAILED|INVALID_ARGUMENTS");
	refused("modem", "v27", "", "x.tif", "FAILED|INVALID_ARGUMENTS");
	refused("ecm", "no", "c", "x.tif", "FAILED|INVALID_ARGUMENTS");
	refused("ecm", "no", "a", "x.tif", "FAILED|INVALID_ARGUMENTS");
	refused("ecm", "no", "", "", "FAILED|INVALID_ARGUMENTS");
	assert_int_equal(w.pbx->fax->received, 0);
}

static void test_no_file(void **state)
{
	(void)state;
	a = world_call_in(&w, "alice", "1", "default", "send");
	for (int i = 0; i < 2000 && !*get("H"); i++) {
		world_pass(&w, 20);
		usleep(100);            /* the pool thread that looks for the file */
	}
	assert_string_equal(get("H"), "FAILED|FILE_ERROR");
	assert_int_equal(w.pbx->fax->sent, 1);
}

static void option(const char *what, const char *to, const char *want)
{
	set("SET", what);
	set("TO", to);
	a = world_call_in(&w, "alice", "1", "default", "opt");
	world_pass(&w, 20);
	assert_string_equal(get("O"), want);
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 20);
}

static void test_faxopt(void **state)
{
	(void)state;
	option("ecm", "no", "no");
	option("ecm", "yes", "yes");
	option("ecm", "perhaps", "yes");
	option("headerinfo", "x, y", "x, y");
	option("localstationid", "+49 40", "+49 40");
	option("maxrate", "9600", "9600");
	option("maxrate", "9601", "14400");
	option("minrate", "2400", "2400");
	option("minrate", "", "4800");
	option("modem", "v17,v29", "V17,V29");
	option("modems", "v27,v99", "V27");
	option("t38timeout", "1234", "1234");
	option("t38timeout", "0", "5000");
	option("negotiate_both", "yes", "yes");
	option("negotiate_both", "no", "no");
	option("pages", "7", "0");
	option("filename", "x", "");
	option("nothing", "x", "");
	a = world_call_in(&w, "alice", "1", "default", "unset");
	world_pass(&w, 20);
	assert_string_equal(get("O"), "xx");
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 20);
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
		cmocka_unit_test_setup_teardown(test_two_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwritable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_sound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faxopt, setup, teardown),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
