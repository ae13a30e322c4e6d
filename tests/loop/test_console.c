/* The console as its peers see it: commands, what they print, and what waits for the boot. */
#include "manager_stage.h"
#include "config/reader.h"
#include "pbx/moh.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static void run_x(struct peer *p, const char *cmd)
{
	char line[512];

	*p = dial_console();
	snprintf(line, sizeof(line), "x %s\n", cmd);
	say(p, line);
	if (!is_closed(p))
		fail_msg("no end of: %s", cmd);
}

static void console_runs(void **state)
{
	static const struct { const char *cmd, *want; } tv[] = {
		{ "core waitfullybooted", "Asterisk has fully booted.\n" },
		{ "module show like res_pjsip.so", " Running " },
		{ "pjsip show endpoints", "Endpoint:  alice " },
		{ "pjsip show endpoints", "    Aor:  alice                                              3\n" },
		{ "pjsip show endpoints", "Contact:  alice/sip:alice@127.0.0.1:5062 " },
		{ "pjsip show endpoints", "Identify:  alice/alice\n" },
		{ "pjsip show endpoints", "\nObjects found: 2\n\n" },
		{ "pjsip show endpoints like ^b", "\nObjects found: 1\n\n" },
		{ "pjsip list aors", "Aor:  bob  " },
		{ "pjsip show registrations", "No objects found.\n\n" },
		{ "pjsip show endpoint nobody", "Unable to find object nobody.\n\n" },
		{ "pjsip show aor alice", "\n contact              : sip:alice@127.0.0.1:5062\n" },
		{ "pjsip show auth alice", " : ***\n" },
		{ "core show channels", "0 active channels\n0 active calls\n" },
		{ "dialplan show 7@default", "Wait(600)" },
		{ "core set global A \"b c\"", "'A' set to 'b c'" },
		{ "dialplan show globals", "   A=b c\n" },
		{ "presencestate change CustomPresence:alice \"away,lunch,banana\"", "Changing alice to away\n" },
		{ "pjsip set logger on", "PJSIP Logging enabled\n" },
		{ "pjsip set logger host 192.0.2.1", "PJSIP Logging Enabled for host: 192.0.2.1\n" },
		{ "pjsip set logger add 192.0.2.0/24", "PJSIP Logging Enabled for host: 192.0.2.0/24\n" },
		{ "pjsip set logger host 192.0.2.0/99", "Usage: pjsip set logger {on|off|host" },
		{ "pjsip set logger method INVITE", "PJSIP Logging Enabled for SIP Methods: INVITE\n" },
		{ "pjsip set logger methodadd BYE", "PJSIP Logging Enabled for SIP Methods: BYE, INVITE\n" },
		{ "pjsip set logger methodadd BYE", "Method 'BYE' is already enabled\n" },
		{ "pjsip set logger pcap /nowhere/x", "Failed to open file '/nowhere/x' for pcap writing\n" },
		{ "pjsip set logger verbose off", "PJSIP Logging to verbose has been disabled\n" },
		{ "pjsip set logger off", "PJSIP Logging disabled\n" },
		{ "pjsip set logger", "Usage: pjsip set logger {on|off|host" },
		{ "pjsip show publications inbound", "\n0 publications\n" }, { "pjsip show publications outbound", "\n0 publications\n" },
		{ "pjsip send publish nothing", "No outbound-publish 'nothing' publishes anything\n" },
		{ "pjsip show counters", "  taken from others                                       0\n" },
		{ "core set debug res_pjsip_pubsub 4", "Core debug " },
		{ "core stop", "No such command 'core stop'" },
		{ "core show help core stop", "core stop gracefully " },
		{ "channel originate Fake/zoe application Wait 5", "" },
		{ "pjsip show endpoint", "No object specified.\n" },
		{ "core show version", "Asterisk 22.10.1 compatible: Sidetone 1.2.3 on " },
		{ "core show hints", "lamp@default" },
		{ "bridge technology show", "native_rtp           Native                     90 No\n" },
		{ "bridge technology suspend native_rtp", "Suspended bridge technology 'native_rtp'\n" },
		{ "bridge technology show", "native_rtp           Native                     90 Yes\n" },
		{ "bridge technology unsuspend native_rtp", "Unsuspended bridge technology 'native_rtp'\n" },
		{ "bridge technology suspend simple_bridge", "has no substitute and cannot be suspended\n" },
		{ "bridge technology suspend x", "Bridge technology 'x' not found\n" },
		{ "module reload", "x.conf:3: odd\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct peer p;

		run_x(&p, tv[i].cmd);
		if (tv[i].want[0])
			HAS(&p, tv[i].want);
		hang_up(&p);
	}
	assert_non_null(world_fake(&t.w, "zoe"));
	log_set_debug(0);
}

static void console_shows_music(void **state)
{
	static const char text[] = "[general]\n[default]\nmode=files\ndirectory=moh\n[empty]\nmode=files\ndirectory=/nowhere\n"
		"[other]\nmode=custom\napplication=/bin/x\n";
	struct config_prm prm = { .dir = t.dir };
	char path[192], want[512];
	struct config *c = NULL;
	struct peer p;
	FILE *f;

	(void)state;
	run_x(&p, "moh show classes");
	HAS_NOT(&p, "Class:");
	hang_up(&p);
	snprintf(path, sizeof(path), "%s/moh", t.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/moh/a.wav", t.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(config_parse(&c, &prm, STR("musiconhold.conf"), str_z(text), NULL), 0);
	assert_int_equal(moh_load(t.w.pbx, c, str_z(t.dir)), 0);
	config_free(c);
	run_x(&p, "moh show classes");
	snprintf(want, sizeof(want), "Class: default\n\tMode: files\n\tDirectory: %s/moh\nClass: empty\n\tMode: files\n"
		 "\tDirectory: /nowhere\n", t.dir);
	HAS(&p, want);
	HAS_NOT(&p, "other");
	hang_up(&p);
	run_x(&p, "moh show files");
	snprintf(want, sizeof(want), "Class: default\n\tFile: %s/moh/a\n", t.dir);
	HAS(&p, want);
	HAS_NOT(&p, "empty");
	hang_up(&p);
	unlink(path);
	snprintf(path, sizeof(path), "%s/moh", t.dir);
	rmdir(path);
}

static void console_stops(void **state)
{
	struct peer p;

	(void)state;
	run_x(&p, "core stop gracefully");
	assert_int_equal(t.stops, 1);
	assert_int_equal(t.how, MANAGE_STOP_GRACEFULLY);
	hang_up(&p);
}

static void console_watches(void **state)
{
	struct peer p = dial_console();

	(void)state;
	say(&p, "c 3\n");
	say(&p, "core show uptime seconds\nhelp core waitfullybooted\n");
	assert_true(hears(&p, "core waitfullybooted\n"));
	HAS(&p, "System uptime: 0\n");
	manage_log(t.m, LOG_VERBOSE, 3, STR("a line of three"));
	manage_log(t.m, LOG_VERBOSE, 4, STR("a line of four"));
	manage_log(t.m, LOG_ERROR, 0, STR("an error"));
	assert_true(hears(&p, "ERROR: an error\n"));
	HAS(&p, "VERBOSE: a line of three\n");
	HAS_NOT(&p, "a line of four");
	hang_up(&p);
	p = dial_console();
	say(&p, "GET / HTTP/1.0\n");
	assert_true(is_closed(&p));
	hang_up(&p);
}

/* Before the boot: what needs it waits, the rest answers at once. */
static void before_the_boot(void **state)
{
	struct peer a, b, c;

	(void)state;
	manage_stop(t.m);
	world_turn(&t.w);
	start_manage();
	a = dial_console();
	say(&a, "x core waitfullybooted\n");
	b = dial_console();
	say(&b, "x core show channels\n");
	run_x(&c, "core show uptime");
	HAS(&c, "System uptime: ");
	take(&a);
	take(&b);
	assert_int_equal(a.in.n + b.in.n, 0);
	manage_attach(t.m, t.w.pbx, t.svc, NULL);
	manage_booted(t.m);
	assert_true(is_closed(&a));
	HAS(&a, "Asterisk has fully booted.");
	assert_true(is_closed(&b));
	HAS(&b, "0 active channels");
	hang_up(&a);
	hang_up(&b);
	hang_up(&c);
	/* Stopped while somebody waits. */
	manage_stop(t.m);
	world_turn(&t.w);
	start_manage();
	a = dial_console();
	say(&a, "x core waitfullybooted\n");
	manage_stop(t.m);
	assert_true(is_closed(&a));
	hang_up(&a);
	start_manage();
	manage_attach(t.m, t.w.pbx, t.svc, NULL);
}

int __wrap_chown(const char *path, uid_t uid, gid_t gid);
static uid_t given_uid;
static gid_t given_gid;
static unsigned given;

int __wrap_chown(const char *path, uid_t uid, gid_t gid)
{
	assert_string_equal(path, t.socket);
	given_uid = uid;
	given_gid = gid;
	given++;
	return 0;
}

static void restart_with(const char *owner, const char *group)
{
	t.conf->astctlowner = str_z(owner);
	t.conf->astctlgroup = str_z(group);
	manage_stop(t.m);
	world_turn(&t.w);
	start_manage();
	manage_attach(t.m, t.w.pbx, t.svc, NULL);
}

/* astctlowner, astctlgroup. */
static void socket_is_theirs(void **state)
{
	(void)state;
	given = 0;
	restart_with("", "");
	assert_int_equal(given, 0);
	restart_with("root", "12345");
	assert_int_equal(given, 1);
	assert_int_equal(given_uid, 0);
	assert_int_equal(given_gid, 12345);
	restart_with("", "no-such-group-here");
	assert_true(given_uid == (uid_t)-1 && given_gid == (gid_t)-1);
	restart_with("", "");
}

static void to_consoles(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	(void)module;
	manage_log(arg, level, verbosity, line);
}

/* Its lines would be read by those who watch. */
static void comes_and_goes_quietly(void **state)
{
	struct peer watcher = dial_console(), p;

	(void)state;
	say(&watcher, "c 3\n");
	log_set_verbose(3);
	log_set_sink(to_consoles, t.m);
	log_set_mask(1u << LOG_VERBOSE);
	run_x(&p, "core show uptime");
	hang_up(&p);
	assert_true(hears(&watcher, "Remote UNIX connection disconnected\n"));
	assert_true(has(&watcher, "Remote UNIX connection\n"));
	buf_reset(&watcher.in);
	t.conf->hideconnect = true;
	run_x(&p, "core show uptime");
	hang_up(&p);
	take(&watcher);
	assert_false(has(&watcher, "Remote UNIX"));
	log_set_sink(NULL, NULL);
	log_set_verbose(0);
	hang_up(&watcher);
}

/* What a console's user types after a ! */
static void shells(void **state)
{
	char cmd[192], path[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/touched", t.dir);
	snprintf(cmd, sizeof(cmd), "! touch %s", path);
	assert_false(console_shell(STR("core show uptime"), true));
	assert_true(console_shell(str_z(cmd), false));
	assert_int_equal(access(path, F_OK), -1);
	assert_true(console_shell(str_z(cmd), true));
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

static void socket_is_ours(void **state)
{
	struct manage_prm prm = { .loop = t.w.loop, .conf = t.conf, .version = "1", .socket = t.socket };
	struct manage *second = NULL;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	(void)state;
	/* Somebody answers there. */
	assert_int_equal(manage_start(&second, &prm, NULL), EADDRINUSE);
	/* A dead one is taken over. */
	manage_stop(t.m);
	world_turn(&t.w);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	str_copy(un.sun_path, sizeof(un.sun_path), str_z(t.socket));
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	start_manage();
	manage_attach(t.m, t.w.pbx, t.svc, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, manager_up, manager_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(console_runs), T(console_shows_music), T(console_stops), T(console_watches), T(before_the_boot), T(socket_is_theirs), T(comes_and_goes_quietly), T(shells), T(socket_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
