/* The manager interface as its peers see it: login, rights, messages, events. */
#include "manager_stage.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* ---- login ------------------------------------------------------------ */

static void logs_in(void **state)
{
	struct peer p;

	(void)state;
	p = login("admin");
	assert_true(str_starts(buf_view(&p.in), STR("Asterisk Call Manager/11.0.0\r\n")));
	HAS(&p, "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 0\r\nLastReload: 0\r\nStatus: Fully Booted\r\n\r\n");
	ask(&p, "Action: Login\r\nUsername: admin\r\nSecret: pw");
	HAS(&p, "Message: Already authenticated\r\n");
	buf_reset(&p.in);
	say(&p, "Action: Logoff\nActionID: x: y\n\n");
	assert_true(is_closed(&p));
	assert_string_equal(buf_z(&p.in), "Response: Goodbye\r\nActionID: x: y\r\nMessage: Thanks for all the fish.\r\n\r\n");
	hang_up(&p);
}

static void by_challenge(void **state)
{
	struct peer p = dial();
	struct str challenge, rest;
	char text[512], mem[128];
	FILE *f;

	(void)state;
	say(&p, "Action: Challenge\r\n\r\n");
	assert_true(hears(&p, "Must specify AuthType"));
	buf_reset(&p.in);
	say(&p, "Action: Challenge\r\nAuthType: md5\r\n\r\n");
	assert_true(hears(&p, "\r\n\r\n"));
	rest = str_skip(buf_view(&p.in), str_find(buf_view(&p.in), STR("Challenge: ")) + 11);
	challenge = str_trim(rest);
	assert_true(challenge.n > 0);
	/* The digest by another program than ours. */
	snprintf(text, sizeof(text), "printf '%%s' '%.*spw' | md5sum", STR_ARG(challenge));
	f = popen(text, "r");
	assert_non_null(f);
	assert_int_equal(fread(mem, 1, 32, f), 32);
	mem[32] = 0;
	pclose(f);
	snprintf(text, sizeof(text), "Action: Login\r\nAuthType: MD5\r\nUsername: admin\r\nKey: %s\r\n\r\n", mem);
	say(&p, text);
	assert_true(hears(&p, "Authentication accepted"));
	hang_up(&p);
}

/* Each is refused after a second, with the same words, and cut off. */
static void refused(void **state)
{
	static const char *const tries[] = {
		"Action: Login\r\nUsername: admin\r\nSecret: wrong\r\n\r\n",
		"Action: Login\r\nUsername: nobody\r\nSecret: pw\r\n\r\n",
		"Action: Login\r\nSecret: pw\r\n\r\n",
		"Action: Login\r\nUsername: far\r\nSecret: pw\r\n\r\n",
		"Action: Login\r\nAuthType: MD5\r\nUsername: admin\r\nKey: 0\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		struct peer p = dial();

		say(&p, tries[i]);
		world_pass(&t.w, 900);
		take(&p);
		HAS_NOT(&p, "Response");
		world_pass(&t.w, 200);
		assert_true(is_closed(&p));
		HAS(&p, "Response: Error\r\nMessage: Authentication failed\r\n\r\n");
		hang_up(&p);
	}
	/* Only the security events say which it was. */
	assert_int_equal(world_events(&t.w, "InvalidPassword", "AccountID: admin"), 1);
	assert_int_equal(world_events(&t.w, "InvalidPassword", "EventVersion: 2"), 1);
	assert_int_equal(world_events(&t.w, "InvalidAccountID", "AccountID: nobody"), 1);
	assert_int_equal(world_events(&t.w, "FailedACL", "AccountID: far"), 1);
	assert_int_equal(world_events(&t.w, "ChallengeResponseFailed", "Service: AMI"), 1);
}

static char security[1024];

static void keep_security(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	(void)arg;
	(void)module;
	(void)verbosity;
	if (level == LOG_SECURITY)
		str_copy(security, sizeof(security), line);
}

/* In the form that fail2ban's filter reads, whatever the name tried. */
static void security_log(void **state)
{
	struct peer p = dial();
	regex_t re;
	unsigned mask = log_mask();

	(void)state;
	assert_int_equal(regcomp(&re, "^SecurityEvent=\"InvalidAccountID\",EventTV=\"[^\"]*\",Severity=\"Error\",Service=\"AMI\","
				 "EventVersion=\"1\",AccountID=\"x',RemoteAddress='y\",SessionID=\"0x[0-9a-f]+\","
				 "LocalAddress=\"IPV4/TCP/127.0.0.1/[0-9]+\",RemoteAddress=\"IPV4/TCP/127.0.0.1/[0-9]+\",SessionTV=\"[^\"]*\"$",
				 REG_EXTENDED | REG_NOSUB), 0);
	log_set_sink(keep_security, NULL);
	log_set_mask(mask | 1u << LOG_SECURITY);
	say(&p, "Action: Login\r\nUsername: x\",RemoteAddress=\"y\r\n\r\n");
	log_set_sink(NULL, NULL);
	log_set_mask(mask);
	if (regexec(&re, security, 0, NULL, 0))
		fail_msg("%s", security);
	regfree(&re);
	hang_up(&p);
	world_pass(&t.w, 1100);
}

static void before_login(void **state)
{
	struct peer p = dial();

	(void)state;
	say(&p, "Action: Ping\r\nActionID: 1\r\n\r\n\r\n");
	assert_true(hears(&p, "Response: Error\r\nActionID: 1\r\nMessage: Permission denied\r\n\r\n"));
	assert_true(hears(&p, "Message: Missing action in request"));
	/* authtimeout */
	world_pass(&t.w, 29000);
	take(&p);
	assert_false(p.closed);
	world_pass(&t.w, 2000);
	assert_true(is_closed(&p));
	hang_up(&p);
}

static void too_many_strangers(void **state)
{
	struct peer p[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		p[i] = dial();
	assert_true(hears(&p[2], "Asterisk Call Manager"));
	assert_true(is_closed(&p[3]));
	hang_up(&p[0]);
	hang_up(&p[3]);
	p[0] = dial();
	assert_true(hears(&p[0], "Asterisk Call Manager"));
	for (int i = 0; i < 3; i++)
		hang_up(&p[i]);
}

static void login_once(void **state)
{
	struct peer one = login("single"), two = dial();

	(void)state;
	say(&two, "Action: Login\r\nUsername: single\r\nSecret: pw\r\n\r\n");
	world_pass(&t.w, 1100);
	assert_true(is_closed(&two));
	HAS(&two, "Message: Login Already In Use");
	hang_up(&one);
	hang_up(&two);
	one = login("single");
	hang_up(&one);
}

/* ---- messages --------------------------------------------------------- */

static void bad_messages(void **state)
{
	struct peer p = login("admin");
	struct buf b = BUF_INIT;

	(void)state;
	ask(&p, "Action: NoSuch");
	HAS(&p, "Response: Error\r\nActionID: 9\r\nMessage: Invalid/unknown command: NoSuch. Use Action: ListCommands "
	    "to show available commands.\r\n\r\n");
	buf_put(&b, STR("Action: Ping\r\nX: "));
	for (int i = 0; i < 2000; i++)
		buf_char(&b, 'x');
	ask(&p, buf_z(&b));
	HAS(&p, "Message: Failed to parse message: line too long\r\n");
	buf_reset(&b);
	buf_put(&b, STR("Action: Ping"));
	for (int i = 0; i < 200; i++)
		buf_printf(&b, "\r\nX%d: y", i);
	ask(&p, buf_z(&b));
	HAS(&p, "Message: Too many lines in message or allocation failure\r\n");
	/* Nothing of a value may become a line of the answer. */
	ask(&p, "Action: No\rEvent: Fake\rX");
	HAS_NOT(&p, "\nEvent: Fake");
	buf_free(&b);
	hang_up(&p);
}

static void rights(void **state)
{
	struct peer p = login("few");

	(void)state;
	HAS_NOT(&p, "FullyBooted");
	ask(&p, "Action: CoreStatus");
	HAS(&p, "Response: Error\r\nActionID: 9\r\nMessage: Permission denied\r\n\r\n");
	ask(&p, "Action: ListCommands");
	HAS(&p, "UserEvent: ");
	HAS(&p, "(Priv: user,all)");
	HAS(&p, "(Priv: <none>)");
	HAS_NOT(&p, "CoreStatus");
	hang_up(&p);
}

/* Scripts count on every one of these. */
static void all_actions(void **state)
{
	static const char *const names[] = { "AbsoluteTimeout", "Atxfer", "BlindTransfer", "Bridge", "BridgeDestroy",
		"BridgeInfo", "BridgeKick", "BridgeList", "CancelAtxfer", "Challenge", "Command", "CoreSettings",
		"CoreShowChannelMap", "CoreShowChannels", "CoreStatus", "DBDel", "DBDelTree", "DBGet", "DBGetTree", "DBPut",
		"DeviceStateList", "DialplanExtensionAdd", "DialplanExtensionRemove", "Events", "ExtensionState",
		"ExtensionStateList", "Filter", "GetConfig", "GetConfigJSON", "Getvar", "Hangup", "ListCategories",
		"ListCommands", "LocalOptimizeAway", "LoggerRotate", "Login", "Logoff", "MessageSend", "ModuleCheck",
		"ModuleLoad", "Originate", "PJSIPNotify", "PJSIPQualify", "PJSIPRegister", "PJSIPSetMaintenance",
		"PJSIPShowAors", "PJSIPShowAuths", "PJSIPShowContacts", "PJSIPShowEndpoint", "PJSIPShowEndpoints",
		"PJSIPShowMaintenance", "PJSIPShowRegistrationInboundContactStatuses", "PJSIPShowRegistrationsInbound",
		"PJSIPShowRegistrationsOutbound", "PJSIPShowResourceLists", "PJSIPUnregister", "Ping", "PlayDTMF",
		"PresenceState", "PresenceStateList", "Redirect", "Reload", "SendText", "Setvar", "ShowDialPlan", "Status",
		"UserEvent", "WaitEvent" };
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: ListCommands");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char line[80];

		snprintf(line, sizeof(line), "\r\n%s: ", names[i]);
		HAS(&p, line);
	}
	hang_up(&p);
}

/* ---- events ----------------------------------------------------------- */

static void user_events(void **state)
{
	struct peer admin = login("admin"), few = login("few"), filter = login("filter");

	(void)state;
	buf_reset(&few.in);
	buf_reset(&filter.in);
	ask(&admin, "Action: UserEvent\r\nUserEvent: yes\r\nA: 1\r\nb:2");
	/* The answer comes before what the action caused. */
	HAS(&admin, "Message: Event Sent\r\n\r\nEvent: UserEvent\r\nPrivilege: user,all\r\nUserEvent: yes\r\n"
	    "A: 1\r\nb:2\r\nActionID: 9\r\n\r\n");
	assert_true(hears(&few, "UserEvent: yes"));
	assert_true(hears(&filter, "UserEvent: yes"));
	buf_reset(&few.in);
	buf_reset(&filter.in);
	ask(&admin, "Action: UserEvent\r\nUserEvent: no");
	assert_true(hears(&few, "UserEvent: no"));
	take(&filter);
	assert_int_equal(filter.in.n, 0);
	hang_up(&admin);
	hang_up(&few);
	hang_up(&filter);
}

static void event_mask(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: Events\r\nEventMask: off");
	HAS(&p, "ActionID: 9\r\nEvents: Off\r\n\r\n");
	ask(&p, "Action: UserEvent\r\nUserEvent: a");
	HAS_NOT(&p, "Event: UserEvent");
	ask(&p, "Action: Events\r\nEventMask: call,user");
	HAS(&p, "Events: On\r\n");
	ask(&p, "Action: UserEvent\r\nUserEvent: b");
	HAS(&p, "Event: UserEvent");
	ask(&p, "Action: Events\r\nEventMask: call");
	ask(&p, "Action: UserEvent\r\nUserEvent: c");
	HAS_NOT(&p, "Event: UserEvent");
	ask(&p, "Action: Events");
	HAS(&p, "Message: Invalid event mask\r\n");
	ask(&p, "Action: Events\r\nEventMask: on");
	ask(&p, "Action: Filter\r\nOperation: Add\r\nFilter: !UserEvent: drop");
	HAS(&p, "Message: Success\r\n");
	ask(&p, "Action: UserEvent\r\nUserEvent: drop");
	HAS_NOT(&p, "Event: UserEvent");
	ask(&p, "Action: UserEvent\r\nUserEvent: keep");
	HAS(&p, "Event: UserEvent");
	ask(&p, "Action: Filter\r\nOperation: Add\r\nFilter: [");
	HAS(&p, "Filter did not compile.");
	hang_up(&p);
	/* Nobody listens: then no event is built either. */
	p = login("few");
	events_unlisten(t.w.pbx->events, t.w.listener);
	t.w.listener = NULL;
	assert_null(event_new(t.w.pbx->events, "X", EV_CALL));
	hang_up(&p);
	assert_null(event_new(t.w.pbx->events, "X", EV_USER));
}

static void waits_for_events(void **state)
{
	struct peer p = login("few"), q = login("admin");

	(void)state;
	buf_reset(&p.in);
	say(&p, "Action: WaitEvent\r\nTimeout: 5\r\nActionID: w\r\n\r\n");
	world_pass(&t.w, 1000);
	take(&p);
	assert_int_equal(p.in.n, 0);
	ask(&q, "Action: UserEvent\r\nUserEvent: u");
	assert_true(hears(&p, "WaitEventComplete\r\nActionID: w\r\n\r\n"));
	assert_true(str_starts(buf_view(&p.in), STR("Response: Success\r\nActionID: w\r\nMessage: Waiting for Event "
						    "completed.\r\n\r\nEvent: UserEvent\r\n")));
	buf_reset(&p.in);
	say(&p, "Action: WaitEvent\r\nTimeout: 5\r\n\r\n");
	world_pass(&t.w, 4900);
	take(&p);
	assert_int_equal(p.in.n, 0);
	world_pass(&t.w, 200);
	assert_true(hears(&p, "WaitEventComplete"));
	/* Gone while it waits. */
	say(&p, "Action: WaitEvent\r\n\r\n");
	hang_up(&p);
	hang_up(&q);
}

/* One that does not read is cut off; the others go on. */
static void does_not_read(void **state)
{
	struct peer deaf = login("admin"), p = login("admin");
	char big[900];
	int n = 4096;

	(void)state;
	setsockopt(deaf.fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	for (int i = 0; i < 40000 && !deaf.closed; i++) {
		struct event *e = event_new(t.w.pbx->events, "UserEvent", EV_USER);

		event_put(e, "Big", str_z(big));
		event_send(t.w.pbx->events, e);
		if (i % 100)
			continue;
		world_pass(&t.w, 10);
		world_forget_events(&t.w);
		take(&p);
		buf_reset(&p.in);
	}
	world_pass(&t.w, 3000);
	ask(&p, "Action: Command\r\nCommand: manager show connected");
	HAS(&p, "Output: 1 users connected.");
	hang_up(&deaf);
	hang_up(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, manager_up, manager_down)

/* channelvars of [general]: with each channel of each event, and as a reload has them. */
static void variables_of_channels(void **state)
{
	struct manager_conf *mc = NULL;
	struct peer p = login("admin");
	struct channel *ch;

	(void)state;
	assert_int_equal(manager_conf_parse(&mc, STR("[general]\nenabled=yes\nbindaddr=127.0.0.1\n"
						      "channelvars=WHO, CHANNEL(language),NONE\n[admin]\nsecret=pw\nread=all\nwrite=all\n"), NULL, NULL), 0);
	mc->listen = t.mc->listen;
	assert_int_equal(manage_set_manager(t.m, mc, NULL), 0);
	ch = world_call_in(&t.w, "ann", "12", "default", "wait")->ch;
	pbx_setvar(t.w.pbx, ch, STR("WHO"), STR("a\r\nb"));
	ask(&p, "Action: CoreShowChannels");
	HAS(&p, "ChanVariable: WHO=a  b\r\nChanVariable: CHANNEL(language)=en\r\nChanVariable: NONE=\r\n");
	ask(&p, "Action: Setvar\r\nChannel: Fake/ann-00000000\r\nVariable: X\r\nValue: 1");
	HAS(&p, "Event: VarSet\r\n");
	HAS(&p, "ChanVariable: WHO=a  b\r\n");
	assert_int_equal(manage_set_manager(t.m, t.mc, NULL), 0);
	ask(&p, "Action: CoreShowChannels");
	HAS_NOT(&p, "ChanVariable");
	hang_up(&p);
	obj_drop(mc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(variables_of_channels), T(logs_in), T(by_challenge), T(refused), T(security_log), T(before_login), T(too_many_strangers),
		T(login_once), T(bad_messages), T(rights), T(all_actions), T(user_events), T(event_mask),
		T(waits_for_events), T(does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
