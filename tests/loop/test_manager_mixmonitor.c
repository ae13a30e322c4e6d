/* Recordings by a manager and by the console. */
#include "manager_stage.h"
#include "pbx/mixmonitor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct peer p;
static struct fake *f;
static char dir[64], name[128];

static int up(void **state)
{
	int err = manager_up(state);

	snprintf(dir, sizeof(dir), "/tmp/test_manager_mixmonitor.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(name, sizeof(name), "%s/monitor/m.wav", dir);
	t.w.pbx->spool_dir = str_z(dir);
	p = login("admin");
	f = world_call_in(&t.w, "alice", "100", "default", "wait");
	return err;
}

static int down(void **state)
{
	hang_up(&p);
	unlink(name);
	snprintf(name, sizeof(name), "%s/monitor", dir);
	rmdir(name);
	rmdir(dir);
	return manager_down(state);
}

static void act(const char *action, const char *lines)
{
	char text[1024];

	snprintf(text, sizeof(text), "Action: %s\r\nChannel: %s%s", action, text_z(&f->ch->name), lines);
	ask(&p, text);
}

static void test_start_and_stop(void **state)
{
	char line[128];

	(void)state;
	act("MixMonitor", "\r\nFile: m.wav\r\nOptions: i(ID)\r\nCommand: true");
	HAS(&p, "Response: Success\r\n");
	snprintf(line, sizeof(line), "MixMonitorID: %s\r\n", text_z(&mixmonitor_find(f->ch, STR_NULL)->id));
	HAS(&p, line);
	assert_int_equal(world_events(&t.w, "MixMonitorStart", "Channel: Fake/alice-00000000"), 1);
	assert_string_equal(text_z(&mixmonitor_find(f->ch, STR_NULL)->command), "true");
	assert_string_equal(world_var(f->ch, "MIXMONITOR_FILENAME"), name);
	act("StopMixMonitor", "\r\nMixMonitorID: 0x1");
	HAS(&p, "Response: Error\r\n");
	HAS(&p, "Message: Could not stop monitoring channel\r\n");
	act("StopMixMonitor", "");
	HAS(&p, "Response: Success\r\n");
	assert_int_equal(world_events(&t.w, "MixMonitorStop", NULL), 1);
	assert_int_equal(f->ch->recordings, 0);
	assert_int_equal(access(name, R_OK), 0);
}

static void test_refused(void **state)
{
	(void)state;
	ask(&p, "Action: MixMonitor");
	HAS(&p, "Message: No channel specified\r\n");
	ask(&p, "Action: MixMonitor\r\nChannel: Fake/none");
	HAS(&p, "Message: No such channel\r\n");
	act("MixMonitor", "");
	HAS(&p, "Message: Could not start monitoring channel\r\n");
	ask(&p, "Action: StopMixMonitor");
	HAS(&p, "Message: No channel specified\r\n");
	act("StopMixMonitor", "");
	HAS(&p, "Message: Could not stop monitoring channel\r\n");
}

static void test_mute(void **state)
{
	(void)state;
	ask(&p, "Action: MixMonitorMute");
	HAS(&p, "Message: No direction specified. Must be read, write or both\r\n");
	ask(&p, "Action: MixMonitorMute\r\nDirection: up");
	HAS(&p, "Message: Invalid direction specified. Must be read, write or both\r\n");
	ask(&p, "Action: MixMonitorMute\r\nDirection: read");
	HAS(&p, "Message: No channel specified\r\n");
	act("MixMonitorMute", "\r\nDirection: read");
	HAS(&p, "Message: No state specified\r\n");
	act("MixMonitorMute", "\r\nDirection: read\r\nState: 1");
	HAS(&p, "Message: Cannot set mute flag\r\n");
	assert_int_equal(world_events(&t.w, "MixMonitorMute", NULL), 0);
	act("MixMonitor", "\r\nFile: m.wav");
	act("MixMonitorMute", "\r\nDirection: both\r\nState: 1");
	HAS(&p, "Response: Success\r\n");
	assert_int_equal(world_events(&t.w, "MixMonitorMute", "Direction: both"), 1);
	assert_int_equal(world_events(&t.w, "MixMonitorMute", "State: 1"), 1);
	act("MixMonitorMute", "\r\nDirection: read\r\nState: 0");
	assert_int_equal(world_events(&t.w, "MixMonitorMute", "State: 0"), 1);
	act("MixMonitorMute", "\r\nDirection: read\r\nState: 1\r\nMixMonitorID: 0x1");
	HAS(&p, "Message: Cannot set mute flag\r\n");
}

static void test_console(void **state)
{
	(void)state;
	ask(&p, "Action: Command\r\nCommand: mixmonitor start Fake/alice m.wav,i(ID)");
	assert_int_equal(world_events(&t.w, "MixMonitorStart", NULL), 1);
	ask(&p, "Action: Command\r\nCommand: mixmonitor list Fake/alice");
	HAS(&p, "Output: MixMonitor ID\tFile\tReceive File\tTransmit File\r\n");
	HAS(&p, name);
	ask(&p, "Action: Command\r\nCommand: mixmonitor list Fake/none");
	HAS(&p, "Output: No channel matching 'Fake/none' found.\r\n");
	ask(&p, "Action: Command\r\nCommand: mixmonitor stop Fake/alice");
	assert_int_equal(world_events(&t.w, "MixMonitorStop", NULL), 1);
	ask(&p, "Action: Command\r\nCommand: mixmonitor list Fake/alice");
	HAS_NOT(&p, "m.wav");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = { T(test_start_and_stop), T(test_refused), T(test_mute), T(test_console) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
