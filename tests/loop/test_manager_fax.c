/* Faxes as a manager and the console see them. */
#include "manager_stage.h"
#include "base/obj.h"
#include "pbx/fax.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct peer p;
static struct fake *f;
static struct fax_session *s;
static struct faxterm_stats now;

static void numbers(void *arg, struct faxterm_stats *out)
{
	(void)arg;
	*out = now;
}

static int up(void **state)
{
	int err = manager_up(state);

	p = login("admin");
	f = world_call_in(&t.w, "alice", "100", "default", "wait");
	now = (struct faxterm_stats){ .ecm = true, .rate = 9600, .x = 8031, .y = 3850, .sent = 2, .bad_lines = 3 };
	s = NULL;
	return err;
}

static int down(void **state)
{
	if (s)
		fax_session_over(s);
	hang_up(&p);
	return manager_down(state);
}

static struct fax_details *begin(enum fax_kind kind)
{
	struct fax_details *d = fax_get(f->ch);

	assert_non_null(d);
	d->kind = kind;
	assert_int_equal(text_set(&d->files, STR("/tmp/a.tif")), 0);
	s = fax_session_new(f->ch, d);
	assert_non_null(s);
	s->state = FAX_STATE_ACTIVE;
	s->numbers = numbers;
	return d;
}

static void test_none(void **state)
{
	(void)state;
	ask(&p, "Action: FAXSessions");
	HAS(&p, "Event: FAXSessionsComplete\r\n");
	HAS(&p, "Total: 0\r\n");
	ask(&p, "Action: FAXSession\r\nSessionNumber: 0");
	HAS(&p, "Message: Session not found\r\n");
	ask(&p, "Action: FAXSession\r\nSessionNumber: x");
	HAS(&p, "Message: Invalid session ID\r\n");
}

static void test_one(void **state)
{
	struct fax_details *d;

	(void)state;
	d = begin(FAX_KIND_SEND);
	d->can_audio = true;
	ask(&p, "Action: FAXSessions");
	HAS(&p, "Event: FAXSessionsEntry\r\n");
	HAS(&p, "Channel: Fake/alice-00000000\r\nTechnology: Spandsp\r\nSessionNumber: 0\r\nSessionType: G.711\r\n"
	    "Operation: send\r\nState: Active\r\nFiles: /tmp/a.tif\r\n");
	HAS(&p, "Total: 1\r\n");
	ask(&p, "Action: FAXSession\r\nSessionNumber: 0");
	hears(&p, "TotalBadLines");
	HAS(&p, "Message: FAXSession event will follow\r\n");
	HAS(&p, "Operation: send\r\nState: Active\r\nErrorCorrectionMode: Yes\r\nDataRate: 9600\r\n"
	    "ImageResolution: 8031x3850\r\nPageNumber: 3\r\nFileName: /tmp/a.tif\r\nPagesTransmitted: 2\r\nPagesReceived: 0\r\n"
	    "TotalBadLines: 3\r\n");
	t.w.pbx->fax->sent = 4;
	t.w.pbx->fax->failed = 2;
	ask(&p, "Action: FAXStats");
	hears(&p, "FailedFAXes");
	HAS(&p, "CurrentSessions: 1\r\nReservedSessions: 0\r\nTransmitAttempts: 4\r\nReceiveAttempts: 0\r\nCompletedFAXes: 0\r\n"
	    "FailedFAXes: 2\r\n");
}

static void test_gateway(void **state)
{
	(void)state;
	begin(FAX_KIND_GATEWAY);
	ask(&p, "Action: FAXSession\r\nSessionNumber: 0");
	hears(&p, "PageNumber");
	HAS(&p, "Operation: gateway\r\nState: Active\r\nErrorCorrectionMode: yes\r\nDataRate: 9600\r\nPageNumber: 3\r\n");
	HAS_NOT(&p, "FileName");
}

static void command(const char *line)
{
	char text[128];

	snprintf(text, sizeof(text), "Action: Command\r\nCommand: %s", line);
	ask(&p, text);
}

static void test_console(void **state)
{
	struct fax_details *d;

	(void)state;
	d = begin(FAX_KIND_RECEIVE);
	d->can_t38 = true;
	command("fax show sessions");
	HAS(&p, "T.38  receive    Active          /tmp/a.tif");
	HAS(&p, "1 FAX sessions");
	command("fax show session 0");
	HAS(&p, "operation              : Receive");
	HAS(&p, "Image Resolution       : 8031x3850");
	command("fax show settings");
	HAS(&p, "\tModem Modulations Allowed: V17,V27,V29");
	HAS(&p, "\tMinimum Bit Rate: 4800");
	command("fax show stats");
	HAS(&p, "Current Sessions     : 1");
	HAS(&p, "Spandsp T.38");
	command("fax show capabilities");
	HAS(&p, "SEND RECEIVE T.38 G.711 GATEWAY");
	command("fax show version");
	HAS(&p, "Spandsp FAX Driver: 20");
	command("fax set debug on");
	HAS(&p, "FAX Debug Enabled");
	assert_true(t.w.pbx->fax->debug);
	command("fax set debug off");
	assert_false(t.w.pbx->fax->debug);
	command("fax set debug perhaps");
	HAS(&p, "fax set debug {on|off}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, up, down),
		cmocka_unit_test_setup_teardown(test_one, up, down),
		cmocka_unit_test_setup_teardown(test_gateway, up, down),
		cmocka_unit_test_setup_teardown(test_console, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
