/* The manager interface and the console as their peers see them: sockets on
 * loopback, a pbx and SIP objects in this process, a clock that the test moves. */
#include "base/fiber.h"
#include "base/obj.h"
#include "fake_tech.h"
#include "manage/console.h"
#include "manage/manager_private.h"
#include "pbx/devstate_private.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "service/service.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static const char plan[] =
	"[globals]\nG=7\n"
	"[default]\n"
	"exten => wait,1,Wait(60)\n"
	"exten => wait,n(later),Wait(60)\n"
	"exten => 7,1,Wait(600)\n"
	"exten => lamp,hint,Custom:lamp\n";

static const char pjsip[] =
	"[udp]\ntype=transport\nbind=127.0.0.1:0\nprotocol=udp\n"
	"[alice]\ntype=endpoint\ntransport=udp\naors=alice\nauth=alice\nallow=!all,ulaw,alaw\n"
	"[alice]\ntype=aor\nmax_contacts=3\ncontact=sip:alice@127.0.0.1:5062\n"
	"[alice]\ntype=auth\nauth_type=userpass\nusername=alice\npassword=s3cret\n"
	"[alice]\ntype=identify\nendpoint=alice\nmatch=127.0.0.9\n"
	"[bob]\ntype=endpoint\naors=bob\n[bob]\ntype=aor\n";

static const char manager_text[] =
	"[general]\nenabled=yes\nport=5038\nbindaddr=127.0.0.1\nauthtimeout=30\nauthlimit=3\n"
	"[admin]\nsecret=pw\nread=all\nwrite=all\n"
	"[mute]\nsecret=pw\nread=\nwrite=user\n"
	"[config]\nsecret=pw\nread=\nwrite=config\n"
	"[report]\nsecret=pw\nread=\nwrite=reporting,call,originate,command,config\n"
	"[few]\nsecret=pw\nread=user\nwrite=user\n"
	"[filter]\nsecret=pw\nread=all\nwrite=all\n"
	"eventfilter(name(UserEvent),header(UserEvent),method(exact))=yes\n"
	"[far]\nsecret=pw\nread=all\nwrite=all\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n"
	"[single]\nsecret=pw\nread=all\nwrite=all\nallowmultiplelogin=no\n";

struct tally;
static struct {
	struct world w;
	struct service *svc;
	struct manage *m;
	struct asterisk_conf *conf;
	struct manager_conf *mc;
	char dir[64], socket[128];
	int stops, reloads;
	void (*on_reload)(struct tally *y);
	struct tally *reload_arg;
	enum manage_stop how;
	struct text module;
	uint16_t port;
} t;

/* ---- main's part ------------------------------------------------------ */

static void hook_stop(void *arg, enum manage_stop how, bool restart)
{
	(void)arg;
	(void)restart;
	t.stops++;
	t.how = how;
}

static int hook_reload(void *arg, struct str module, struct report *r)
{
	(void)arg;
	t.reloads++;
	if (t.on_reload)
		t.on_reload(t.reload_arg);
	text_set(&t.module, module);
	if (str_eq(module, STR("nothing")))
		return ENOENT;
	report_add(r, REPORT_WARNING, STR("x.conf"), 3, "odd");
	return 0;
}

static int no_wire(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	(void)arg;
	(void)path;
	(void)bytes;
	return 0;
}

static void start_manage(void)
{
	struct manage_prm prm = { .loop = t.w.loop, .conf = t.conf, .version = "1.2.3", .socket = t.socket,
		.hooks = { .stop = hook_stop, .reload = hook_reload } };

	assert_int_equal(manage_start(&t.m, &prm, NULL), 0);
}

static void start_manager(void)
{
	assert_int_equal(manager_conf_parse(&t.mc, str_z(manager_text), NULL, NULL), 0);
	sa_set_port(&t.mc->listen, 0);
	assert_int_equal(manage_set_manager(t.m, t.mc, NULL), 0);
	t.port = 0;
	{
		struct sa bound = manager_bound(t.m->manager);

		t.port = sa_port(&bound);
	}
	assert_int_not_equal(t.port, 0);
}

static int setup(void **state)
{
	struct snapshot *conf = NULL;
	struct service_prm sp = { 0 };
	char path[128];

	(void)state;
	memset(&t, 0, sizeof(t));
	memcpy(t.dir, "/tmp/manage-XXXXXX", 19);
	assert_non_null(mkdtemp(t.dir));
	snprintf(t.socket, sizeof(t.socket), "%s/asterisk.ctl", t.dir);
	snprintf(path, sizeof(path), "%s/asterisk.conf", t.dir);
	world_open(&t.w, plan);
	assert_int_equal(asterisk_conf_load(&t.conf, path, NULL), 0);
	assert_int_equal(snapshot_parse(&conf, str_z(pjsip), STR_NULL, NULL, NULL), 0);
	hints_changed(t.w.pbx);
	sp.loop = t.w.loop;
	sp.pbx = t.w.pbx;
	sp.conf = conf;
	sp.send = no_wire;
	assert_int_equal(service_new(&t.svc, &sp, NULL), 0);
	obj_drop(conf);
	start_manage();
	manage_attach(t.m, t.w.pbx, t.svc, NULL);
	start_manager();
	manage_booted(t.m);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	manage_stop(t.m);
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_pass(&t.w, 100);
	service_free(t.svc);
	t.mc = obj_drop(t.mc);
	t.conf = obj_drop(t.conf);
	text_free(&t.module);
	world_close(&t.w);
	unlink(t.socket);
	rmdir(t.dir);
	return 0;
}

/* ---- a peer ----------------------------------------------------------- */

struct peer {
	int fd;
	struct buf in;
	bool closed;
};

static struct peer peer_of(int fd)
{
	assert_true(fd >= 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return (struct peer){ .fd = fd };
}

static struct peer dial(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(t.port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return peer_of(fd);
}

static struct peer dial_console(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	str_copy(un.sun_path, sizeof(un.sun_path), str_z(t.socket));
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return peer_of(fd);
}

static void hang_up(struct peer *p)
{
	close(p->fd);
	buf_free(&p->in);
	world_turn(&t.w);
}

static void take(struct peer *p)
{
	for (;;) {
		char *at = buf_room(&p->in, 65536);
		ssize_t n = recv(p->fd, at, 65536, 0);

		/* Reset: it went with something of ours unread. */
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			p->closed = true;
		if (n <= 0)
			return;
		p->in.n += (size_t)n;
	}
}

static void say(struct peer *p, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(p->fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
	world_turn(&t.w);
}

/* Turns until `text` is among what came since the last call; gives up after 2 s. */
static bool hears(struct peer *p, const char *text)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		world_turn(&t.w);
		take(p);
		if (str_find(buf_view(&p->in), str_z(text)) < p->in.n)
			return true;
		if (p->closed)
			return false;
		poll(&pfd, 1, 10);
	}
	return false;
}

static bool has(const struct peer *p, const char *text)
{
	return str_find(buf_view(&p->in), str_z(text)) < p->in.n;
}

static unsigned count(const struct peer *p, const char *text)
{
	struct str s = buf_view(&p->in), want = str_z(text);
	unsigned n = 0;

	for (size_t at; (at = str_find(s, want)) < s.n; n++)
		s = str_skip(s, at + want.n);
	return n;
}

static bool is_closed(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	for (int i = 0; i < 200 && !p->closed; i++) {
		world_turn(&t.w);
		take(p);
		poll(&pfd, 1, 10);
	}
	return p->closed;
}

/* One action with ActionID 9, answered to its end. */
static void ask(struct peer *p, const char *action)
{
	struct buf b = BUF_INIT;

	buf_reset(&p->in);
	buf_printf(&b, "%s\r\nActionID: 9\r\n\r\nAction: Ping\r\nActionID: end\r\n\r\n", action);
	say(p, buf_z(&b));
	buf_free(&b);
	if (!hears(p, "ActionID: end\r\nPing: Pong\r\n"))
		fail_msg("no answer to: %s, but: %s", action, buf_z(&p->in));
}

static struct peer login(const char *user)
{
	struct peer p = dial();
	char text[256];

	snprintf(text, sizeof(text), "action: login\r\nusername: %s\r\nsecret: pw\r\nactionid: 127.0.0.1-0x1-1\r\n\r\n",
		 user);
	say(&p, text);
	if (!hears(&p, "Response: Success\r\nActionID: 127.0.0.1-0x1-1\r\nMessage: Authentication accepted\r\n\r\n"))
		fail_msg("login: %s", buf_z(&p.in));
	world_turn(&t.w);
	take(&p);
	return p;
}

#define HAS(p, text) do { if (!has((p), (text))) fail_msg("no '%s' in:\n%s", text, buf_z(&(p)->in)); } while (0)
#define HAS_NOT(p, text) do { if (has((p), (text))) fail_msg("'%s' in:\n%s", text, buf_z(&(p)->in)); } while (0)

/* Managers that are logged in or could be. */
static size_t stream_peers(void)
{
	size_t n = 0;

	list_each(l, &t.m->manager->sessions)
		n++;
	return n;
}

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

/* ---- those who ask and do not read ------------------------------------ */

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

/* ---- channels --------------------------------------------------------- */

static void variables(void **state)
{
	struct peer p = login("admin");
	struct fake *f = world_call_in(&t.w, "alice", "100", "default", "wait");
	char text[256];

	(void)state;
	ask(&p, "Action: Setvar\r\nVariable: X\r\nValue: one two");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nMessage: Variable Set\r\n\r\n");
	ask(&p, "Action: Getvar\r\nVariable: X");
	HAS(&p, "ActionID: 9\r\nVariable: X\r\nValue: one two\r\n\r\n");
	ask(&p, "Action: Getvar\r\nVariable: G");
	HAS(&p, "Value: 7\r\n");
	snprintf(text, sizeof(text), "Action: Setvar\r\nChannel: %s\r\nVariable: Y\r\nValue: 3", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Variable Set");
	HAS(&p, "Event: VarSet");
	assert_string_equal(world_var(f->ch, "Y"), "3");
	ask(&p, "Action: Getvar\r\nVariable: Y");
	HAS(&p, "Value: \r\n");
	ask(&p, "Action: Getvar\r\nChannel: Fake/none\r\nVariable: Y");
	HAS(&p, "Message: No such channel\r\n");
	ask(&p, "Action: Setvar\r\nValue: 1");
	HAS(&p, "Message: No variable specified\r\n");
	hang_up(&p);
}

static void lists_channels(void **state)
{
	struct peer p = login("admin");
	struct fake *f = world_call_in(&t.w, "alice", "100", "default", "wait");
	char text[256];

	(void)state;
	world_call_in(&t.w, "bob", "200", "default", "7");
	ask(&p, "Action: CoreShowChannels");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nEventList: start\r\nMessage: Channels will follow\r\n\r\n");
	assert_int_equal(count(&p, "Event: CoreShowChannel\r\nActionID: 9\r\nChannel: Fake/"), 2);
	HAS(&p, "Application: Wait\r\nApplicationData: 600\r\nDuration: 00:00:00\r\nBridgeId: \r\n\r\n");
	HAS(&p, "Event: CoreShowChannelsComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 2\r\n\r\n");
	snprintf(text, sizeof(text), "Action: Status\r\nVariables: EXTEN\r\nChannel: %s", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Event: Status\r\nPrivilege: Call\r\nChannel: Fake/alice-");
	HAS(&p, "Variable: EXTEN=wait\r\nActionID: 9\r\n\r\n");
	HAS(&p, "EventList: Complete\r\nListItems: 1\r\nItems: 1\r\n\r\n");
	ask(&p, "Action: CoreStatus");
	HAS(&p, "CoreCurrentCalls: 2\r\n");
	hang_up(&p);
}

static void hangs_up(void **state)
{
	struct peer p = login("admin");
	struct fake *a = world_call_in(&t.w, "alice", "100", "default", "wait");
	struct fake *b = world_call_in(&t.w, "bob", "100", "default", "wait");
	char text[256];

	(void)state;
	ask(&p, "Action: Hangup");
	HAS(&p, "Message: No channel specified");
	ask(&p, "Action: Hangup\r\nChannel: Fake/x");
	HAS(&p, "Message: No such channel");
	snprintf(text, sizeof(text), "Action: Hangup\r\nCause: 17\r\nChannel: %s", text_z(&a->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Channel Hungup");
	assert_true(hears(&p, "Event: Hangup\r\n"));
	assert_true(fake_was_told(a, "hangup:17"));
	ask(&p, "Action: Hangup\r\nChannel: /^Fake/b.*/");
	HAS(&p, "EventList: start\r\nMessage: Channels hung up will follow\r\n\r\n");
	HAS(&p, "Event: ChannelHungup\r\nChannel: Fake/bob-");
	HAS(&p, "Event: ChannelsHungupListComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 1\r\n\r\n");
	world_turn(&t.w);
	assert_null(b->ch);
	ask(&p, "Action: Hangup\r\nChannel: /[/");
	HAS(&p, "Message: Regex compile failed on: /[/");
	hang_up(&p);
}

static void redirects(void **state)
{
	struct peer p = login("admin");
	struct fake *f = world_call_in(&t.w, "alice", "100", "default", "wait");
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "Action: Redirect\r\nChannel: %s\r\nContext: default\r\nExten: 7\r\nPriority: 1",
		 text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Redirect successful");
	world_turn(&t.w);
	assert_string_equal(text_z(&f->ch->exten), "7");
	snprintf(text, sizeof(text), "Action: Redirect\r\nChannel: %s\r\nContext: default\r\nExten: wait\r\nPriority: later",
		 text_z(&f->ch->name));
	ask(&p, text);
	world_turn(&t.w);
	assert_int_equal(f->ch->priority, 2);
	ask(&p, "Action: Redirect\r\nChannel: Fake/x\r\nContext: default\r\nExten: 7\r\nPriority: 1");
	HAS(&p, "Message: Channel does not exist: Fake/x");
	ask(&p, "Action: Redirect\r\nChannel: Fake/x\r\nContext: default\r\nExten: 7\r\nPriority: none");
	HAS(&p, "Message: Priority is invalid");
	hang_up(&p);
}

static void originates(void **state)
{
	struct peer p = login("admin");
	struct fake *f;

	(void)state;
	ask(&p, "Action: Originate\r\nChannel: Fake/carl\r\nContext: default\r\nExten: none\r\nPriority: 1");
	HAS(&p, "Message: Extension does not exist.");
	ask(&p, "Action: Originate\r\nContext: default\r\nExten: 7\r\nPriority: 1");
	HAS(&p, "Message: Channel not specified");
	ask(&p, "Action: Originate\r\nChannel: Fake/carl\r\nExten: 7");
	HAS(&p, "Message: Originate with 'Exten' requires 'Context' and 'Priority'");
	ask(&p, "Action: Originate\r\nasync: True\r\nChannel: Fake/carl\r\nContext: default\r\nExten: 7\r\nPriority: 1\r\n"
	    "Variable: a=1,b=2\r\nVariable: c=3\r\nCallerID: \"Al\" <55>");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nMessage: Originate successfully queued");
	f = world_fake(&t.w, "carl");
	assert_non_null(f);
	assert_string_equal(world_var(f->ch, "b"), "2");
	assert_string_equal(world_var(f->ch, "c"), "3");
	buf_reset(&p.in);
	fake_event(f, CE_ANSWER);
	assert_true(hears(&p, "Event: OriginateResponse\r\n"));
	HAS(&p, "ActionID: 9\r\nResponse: Success\r\n");
	/* Synchronous: answered when the call is. */
	buf_reset(&p.in);
	say(&p, "Action: Originate\r\nActionID: s\r\nChannel: Fake/dora\r\nApplication: Wait\r\nData: 60\r\n\r\n");
	world_pass(&t.w, 2000);
	take(&p);
	HAS_NOT(&p, "ActionID: s");
	HAS(&p, "Event: Newchannel");
	fake_event(world_fake(&t.w, "dora"), CE_ANSWER);
	assert_true(hears(&p, "Response: Success\r\nActionID: s\r\nMessage: Originate successfully queued\r\n"));
	buf_reset(&p.in);
	say(&p, "Action: Originate\r\nActionID: s\r\nChannel: Fake/emil\r\nApplication: Wait\r\nTimeout: 1000\r\n\r\n");
	world_pass(&t.w, 1500);
	assert_true(hears(&p, "Response: Error\r\nActionID: s\r\nMessage: Originate failed\r\n"));
	hang_up(&p);
}

/* ---- the rest --------------------------------------------------------- */

static void states(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: Command\r\nCommand: devstate change Custom:lamp INUSE");
	HAS(&p, "Output: Changing Custom:lamp to INUSE");
	ask(&p, "Action: ExtensionState\r\nExten: lamp\r\nContext: default");
	HAS(&p, "Message: Extension Status\r\nExten: lamp\r\nContext: default\r\nHint: Custom:lamp\r\nStatus: 1\r\n"
	    "StatusText: InUse\r\n\r\n");
	ask(&p, "Action: ExtensionStateList");
	HAS(&p, "Event: ExtensionStatus\r\nActionID: 9\r\nExten: lamp\r\n");
	HAS(&p, "Event: ExtensionStateListComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 1\r\n\r\n");
	ask(&p, "Action: PresenceState\r\nProvider: CustomPresence:al");
	HAS(&p, "Message: Presence State\r\nState: not_set\r\n");
	ask(&p, "Action: PresenceState");
	HAS(&p, "Message: No provider specified");
	hang_up(&p);
}

#define MANY 4000
/* extensions.conf with hints 1000 ..., each of a device of its own; `step` 2: every other. */
static void load_hints(int step)
{
	struct buf b = BUF_INIT;

	buf_put(&b, STR("[default]\n"));
	for (int i = 0; i < MANY; i += step)
		buf_printf(&b, "exten => %d,hint,None/%d,CustomPresence:p%d\n", 1000 + i, i, i);
	buf_put(&b, STR("exten => _8XXX,hint,None/8\n"));
	world_dialplan(&t.w, buf_z(&b));
	buf_free(&b);
}

/* Sends it, and stops at the turn that writes `row`: more wait. */
static void begin(struct peer *p, const char *action, const char *row)
{
	assert_int_equal(send(p->fd, action, strlen(action), MSG_NOSIGNAL), (ssize_t)strlen(action));
	for (int i = 0; i < 200 && !has(p, row); i++) {
		uv_run(loop_uv(t.w.loop), UV_RUN_NOWAIT);
		take(p);
	}
	HAS(p, row);
}

/* Half of them go while the listing waits for its next turn: the others all come, once. */
static void lists_what_goes(const char *action, const char *row, const char *complete)
{
	struct peer p = login("report");
	uint64_t turns;
	char want[80];

	load_hints(1);
	turns = loop_turns(t.w.loop);
	snprintf(want, sizeof(want), row, 0);
	begin(&p, action, want);
	HAS_NOT(&p, complete);
	load_hints(2);
	assert_true(hears(&p, complete));
	assert_true(loop_turns(t.w.loop) - turns >= MANY / 2 / PACE_TURN_STEPS);
	for (int i = 0; i < MANY; i += 50) {
		snprintf(want, sizeof(want), row, i);
		if (count(&p, want) != 1)
			fail_msg("%u times '%s'", count(&p, want), want);
	}
	snprintf(want, sizeof(want), row, MANY - 1);
	HAS_NOT(&p, want);
	hang_up(&p);
}

static void lists_hints_that_go(void **state)
{
	(void)state;
	lists_what_goes("Action: ExtensionStateList\r\n\r\n", "Hint: None/%d,", "ExtensionStateListComplete");
	lists_what_goes("Action: DeviceStateList\r\n\r\n", "Device: None/%d\r\n", "DeviceStateListComplete");
	lists_what_goes("Action: Command\r\nCommand: core show hints\r\n\r\n", ": None/%d,", "hints registered");
}

static void lists_channels_that_go(void **state)
{
	struct peer p = login("report");
	char name[16], want[64];

	(void)state;
	for (int i = 0; i < 800; i++) {
		snprintf(name, sizeof(name), "c%d-", i);
		world_call_in(&t.w, name, "1", "default", "wait");
	}
	begin(&p, "Action: CoreShowChannels\r\n\r\n", "Event: CoreShowChannel\r\n");
	HAS_NOT(&p, "CoreShowChannelsComplete");
	for (int i = 0; i < 800; i++) {
		snprintf(name, sizeof(name), "c%d-", i);
		if (i % 10)
			fake_hangup(world_fake(&t.w, name), CAUSE_NORMAL);
	}
	assert_true(hears(&p, "CoreShowChannelsComplete"));
	for (int i = 0; i < 800; i += 10) {
		snprintf(want, sizeof(want), "\r\nChannel: Fake/c%d-", i);
		if (count(&p, want) != 1)
			fail_msg("%u times '%s'", count(&p, want), want);
	}
	hang_up(&p);
}

static void dialplan(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: ShowDialPlan\r\nContext: default\r\nExtension: 7");
	HAS(&p, "Event: ListDialplan\r\nActionID: 9\r\nContext: default\r\nExtension: 7\r\nPriority: 1\r\n"
	    "Application: Wait\r\nAppData: 600\r\nRegistrar: ");
	HAS(&p, "Event: ShowDialPlanComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 1\r\n"
	    "ListExtensions: 1\r\nListPriorities: 1\r\nListContexts: 1\r\n\r\n");
	ask(&p, "Action: ShowDialPlan\r\nContext: nowhere");
	HAS(&p, "Response: Error\r\nActionID: 9\r\nMessage: Did not find context nowhere\r\n\r\n");
	HAS_NOT(&p, "EventList");
	ask(&p, "Action: DialplanExtensionAdd\r\nContext: extra\r\nExtension: 8\r\nPriority: 1\r\nApplication: NoOp");
	HAS(&p, "Message: Added requested extension");
	assert_true(dialplan_exists(t.w.pbx, STR("extra"), STR("8"), 1, STR_NULL));
	ask(&p, "Action: DialplanExtensionRemove\r\nContext: extra\r\nExtension: 8");
	HAS(&p, "Message: Removed the requested extension");
	assert_false(dialplan_exists(t.w.pbx, STR("extra"), STR("8"), 1, STR_NULL));
	hang_up(&p);
}

static void pjsip_shows(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: PJSIPShowEndpoints");
	HAS(&p, "EventList: start\r\nMessage: A listing of Endpoints follows, presented as EndpointList events\r\n\r\n"
	    "Event: EndpointList\r\nActionID: 9\r\nObjectType: endpoint\r\nObjectName: alice\r\nTransport: udp\r\n"
	    "Aor: alice\r\nAuths: alice\r\nOutboundAuths: \r\nContacts: alice/sip:alice@127.0.0.1:5062,\r\n"
	    "DeviceState: Not in use\r\nActiveChannels: 0\r\n\r\n");
	HAS(&p, "Event: EndpointListComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 2\r\n\r\n");
	ask(&p, "Action: PJSIPShowEndpoint\r\nEndpoint: PJSIP/alice");
	HAS(&p, "Event: EndpointDetail\r\nActionID: 9\r\nObjectType: endpoint\r\nObjectName: alice\r\n");
	HAS(&p, "\r\nAllow: (ulaw|alaw)\r\n");
	HAS(&p, "\r\n100rel: yes\r\n");
	HAS(&p, "\r\nT38UdptlMaxdatagram: 0\r\n");
	HAS(&p, "Event: AorDetail\r\nActionID: 9\r\nObjectType: aor\r\nObjectName: alice\r\n");
	HAS(&p, "\r\nContacts: alice/sip:alice@127.0.0.1:5062\r\n");
	HAS(&p, "TotalContacts: 1\r\nContactsRegistered: 0\r\nEndpointName: alice\r\n\r\n");
	HAS(&p, "\r\nPassword: s3cret\r\n");
	HAS(&p, "Event: TransportDetail\r\n");
	HAS(&p, "Event: IdentifyDetail\r\n");
	HAS(&p, "Event: ContactStatusDetail\r\nActionID: 9\r\nAOR: alice\r\nURI: sip:alice@127.0.0.1:5062\r\n");
	HAS(&p, "Event: EndpointDetailComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 6\r\n\r\n");
	ask(&p, "Action: PJSIPShowEndpoint\r\nEndpoint: x");
	HAS(&p, "Message: Unable to retrieve endpoint x\r\n");
	ask(&p, "Action: PJSIPShowResourceLists");
	HAS(&p, "EventList: Complete\r\nListItems: 0\r\n");
	ask(&p, "Action: PJSIPShowContacts");
	HAS(&p, "Event: ContactList\r\n");
	ask(&p, "Action: PJSIPNotify\r\nEndpoint: none\r\nVariable: Event=x");
	HAS(&p, "Message: Unable to retrieve endpoint none\r\n");
	ask(&p, "Action: PJSIPNotify\r\nEndpoint: none\r\nChannel: x\r\nVariable: Event=x");
	HAS(&p, "You must use only one of them.\r\n");
	ask(&p, "Action: PJSIPNotify\r\nChannel: x\r\nOption: none");
	HAS(&p, "Message: Unable to find notify type 'none'\r\n");
	ask(&p, "Action: MessageSend\r\nTo: xmpp:a");
	HAS(&p, "Message: Message technology not found.\r\n");
	ask(&p, "Action: MessageSend\r\nBody: a");
	HAS(&p, "Message: No 'To' address specified.\r\n");
	ask(&p, "Action: PJSIPUnregister\r\nRegistration: x");
	HAS(&p, "Message: Unable to retrieve registration entry\r\n");
	ask(&p, "Action: PJSIPShowRegistrationsOutbound");
	HAS(&p, "EventList: Complete\r\nListItems: 0\r\nRegistered: 0\r\nNotRegistered: 0\r\n\r\n");
	ask(&p, "Action: PJSIPQualify\r\nEndpoint: bob");
	HAS(&p, "Message: Endpoint found, will qualify\r\n");
	ask(&p, "Action: PJSIPQualify\r\nEndpoint: x");
	HAS(&p, "Message: Unable to retrieve endpoint\r\n");
	hang_up(&p);
}

static void maintenance(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: PJSIPSetMaintenance\r\nEndpoint: alice\r\nState: on");
	HAS(&p, "Message: Maintenance mode enabled\r\n\r\n");
	HAS(&p, "Event: PJSIPMaintenanceStatus\r\nPrivilege: system,all\r\nEndpoint: alice\r\nStatus: enabled\r\n\r\n");
	ask(&p, "Action: PJSIPShowMaintenance");
	HAS(&p, "Event: PJSIPMaintenanceStatus\r\nActionID: 9\r\nEndpoint: alice\r\nStatus: enabled\r\n\r\n"
	    "Event: PJSIPMaintenanceStatusComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 1\r\n\r\n");
	ask(&p, "Action: PJSIPSetMaintenance\r\nEndpoint: all\r\nState: off");
	HAS(&p, "Endpoint: all\r\nStatus: disabled\r\n");
	ask(&p, "Action: PJSIPSetMaintenance\r\nEndpoint: none\r\nState: on");
	HAS(&p, "Message: Endpoint 'none' not found\r\n");
	ask(&p, "Action: PJSIPSetMaintenance\r\nEndpoint: bob\r\nState: on");
	hang_up(&p);
}

static void configuration(void **state)
{
	struct peer p = login("admin");
	char path[128];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/a.conf", t.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[one]\na=1\nb=2 \"x\"\n[two]\n", f);
	fclose(f);
	ask(&p, "Action: GetConfig\r\nFilename: a.conf");
	HAS(&p, "Category-000000: one\r\nLine-000000-000000: a=1\r\nLine-000000-000001: b=2 \"x\"\r\n"
	    "Category-000001: two\r\n\r\n");
	ask(&p, "Action: GetConfigJSON\r\nFilename: a.conf\r\nCategory: one");
	HAS(&p, "JSON: {\"one\":{\"a\":\"1\",\"b\":\"2 \\\"x\\\"\"}}\r\n\r\n");
	ask(&p, "Action: ListCategories\r\nFilename: a.conf");
	HAS(&p, "Category-000000: one\r\nCategory-000001: two\r\n\r\n");
	ask(&p, "Action: GetConfig\r\nFilename: ../../etc/passwd");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	ask(&p, "Action: GetConfig\r\nFilename: /etc/passwd");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	ask(&p, "Action: GetConfig\r\nFilename: b.conf");
	HAS(&p, "Message: Config file not found\r\n");
	unlink(path);
	hang_up(&p);
}

static void put_file(const char *name, const char *text)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void remove_file(const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	unlink(path);
}

/* Who may read configuration files is not yet who may read passwords. */
static void configuration_without_secrets(void **state)
{
	static const char *const files[] = { "pjsip.conf", "manager.conf", "pjsip_wizard.conf", "other.conf" };
	static const char *const actions[] = { "GetConfig", "GetConfigJSON" };
	struct peer low = login("config"), high = login("admin");
	char text[200];

	(void)state;
	put_file("pjsip.conf", "[a]\ntype=auth\nusername=alice\npassword=hush\nmd5_cred=hush\npassword_digest=MD5:hush\n"
		 "oauth_secret=hush\nrefresh_token=hush\n");
	put_file("manager.conf", "[general]\nport=5038\n[joe]\nsecret=hush\nread=all\n");
	put_file("pjsip_wizard.conf", "[w]\ntype=wizard\ninbound_auth/username=w\ninbound_auth/password=hush\n");
	put_file("other.conf", "[x]\ndbpass=hush\nuri=pgsql://u:hush@h/d\nname=x\n");
	for (size_t i = 0; i < ARRAY_LEN(files) * ARRAY_LEN(actions); i++) {
		const char *file = files[i / ARRAY_LEN(actions)];

		snprintf(text, sizeof(text), "Action: %s\r\nFilename: %s", actions[i % ARRAY_LEN(actions)], file);
		ask(&low, text);
		HAS(&low, "Response: Success\r\n");
		HAS_NOT(&low, "hush");
		HAS(&low, "***");
		ask(&high, text);
		HAS(&high, "hush");
		remove_file(i % ARRAY_LEN(actions) ? file : "none");
	}
	hang_up(&low);
	hang_up(&high);
}

static void configuration_stays_inside(void **state)
{
	struct peer p = login("admin");
	char text[300], link_name[128];

	(void)state;
	put_file("a.conf", "[one]\na=1\n");
	snprintf(link_name, sizeof(link_name), "%s/link.conf", t.dir);
	assert_int_equal(symlink("/etc/passwd", link_name), 0);
	ask(&p, "Action: GetConfig\r\nFilename: link.conf");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	snprintf(text, sizeof(text), "Action: GetConfig\r\nFilename: ../%s/a.conf", t.dir + 5);
	ask(&p, text);
	HAS(&p, "Message: File requires escalated privileges\r\n");
	/* Nobody learns what exists outside. */
	ask(&p, "Action: ListCategories\r\nFilename: /etc/there-is-no-such-file");
	HAS(&p, "Message: File requires escalated privileges\r\n");
	ask(&p, "Action: GetConfigJSON\r\nFilename: .");
	HAS(&p, "Response: Error\r\n");
	snprintf(text, sizeof(text), "Action: GetConfig\r\nFilename: %s/a.conf", t.dir);
	ask(&p, text);
	HAS(&p, "a=1\r\n");
	unlink(link_name);
	remove_file("a.conf");
	hang_up(&p);
}

/* Passwords of objects too. */
static void objects_without_secrets(void **state)
{
	static const char *const low_sees[] = { "Action: PJSIPShowRegistrationsOutbound",
		"Action: Getvar\r\nVariable: PJSIP_AUTH(alice,password)",
		"Action: Status\r\nVariables: PJSIP_AUTH(alice,password)",
		"Action: Command\r\nCommand: dialplan eval function ${PJSIP_AUTH(alice,password)}",
		"Action: Command\r\nCommand: pjsip show auth alice", "Action: Command\r\nCommand: pjsip show auths",
		"Action: Command\r\nCommand: manager show user admin", "Action: PJSIPShowAuths",
		"Action: PJSIPShowEndpoint\r\nEndpoint: alice" };
	static const char more[] = "[out]\ntype=registration\nserver_uri=sip:127.0.0.1:5999\nclient_uri=sip:a@127.0.0.1\n"
		"outbound_auth=alice\n";
	struct peer low = login("report"), high = login("admin");
	struct buf text = BUF_INIT;
	struct snapshot *conf = NULL;

	(void)state;
	buf_puts(&text, str_z(pjsip), str_z(more));
	assert_int_equal(snapshot_parse(&conf, buf_view(&text), STR_NULL, NULL, NULL), 0);
	service_set_conf(t.svc, conf, NULL);
	obj_drop(conf);
	buf_free(&text);
	for (size_t i = 0; i < ARRAY_LEN(low_sees); i++) {
		ask(&low, low_sees[i]);
		HAS_NOT(&low, "s3cret");
	}
	ask(&high, "Action: PJSIPShowAuths");
	HAS(&high, "Password: s3cret\r\n");
	ask(&high, "Action: PJSIPShowRegistrationsOutbound");
	HAS(&high, "Password: s3cret\r\n");
	hang_up(&low);
	hang_up(&high);
}

static void health(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: CoreHealth");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nTurns: ");
	HAS(&p, "\r\nLongestTurn: 0\r\nRecentLongestTurn: 0\r\nTurnsOver50ms: 0\r\n");
	HAS(&p, "\r\nRefusedTransactions: 0\r\n");
	ask(&p, "Action: Command\r\nCommand: core show health");
	HAS(&p, "Output:   longest turn of the core                                          0 ms\r\n");
	hang_up(&p);
}

static void commands(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: Command\r\nCommand: core show uptime seconds");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nMessage: Command output follows\r\nOutput: System uptime: 0\r\n"
	    "Output: Last reload: 0\r\n\r\n");
	ask(&p, "Action: Command\r\nCommand: no such");
	HAS(&p, "Response: Error\r\n");
	HAS(&p, "Output: No such command 'no such' (type 'core show help no' for other possible commands)\r\n");
	ask(&p, "Action: Command\r\nCommand: module  unload x");
	HAS(&p, "Message: Command blacklisted\r\n");
	ask(&p, "Action: Reload\r\nModule: res_pjsip.so");
	HAS(&p, "Message: Module Reloaded\r\n");
	assert_string_equal(text_z(&t.module), "res_pjsip.so");
	assert_int_equal(world_events(&t.w, "Reload", "Module: res_pjsip.so"), 1);
	assert_int_equal(world_events(&t.w, "Reload", "Status: 0"), 1);
	ask(&p, "Action: Reload\r\nModule: nothing");
	HAS(&p, "Message: No such module\r\n");
	assert_int_equal(world_events(&t.w, "Reload", "Status: 2"), 1);
	ask(&p, "Action: ModuleCheck\r\nModule: res_pjsip");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nVersion: \r\n\r\n");
	ask(&p, "Action: CoreSettings");
	HAS(&p, "AMIversion: 11.0.0\r\nAsteriskVersion: 22.");
	hang_up(&p);
}

/* ---- console ---------------------------------------------------------- */

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
		{ "pjsip show aor alice", "\n contact              : alice/sip:alice@127.0.0.1:5062\n" },
		{ "pjsip show auth alice", " : ***\n" },
		{ "core show channels", "0 active channels\n0 active calls\n" },
		{ "dialplan show 7@default", "Wait(600)" },
		{ "core set global A \"b c\"", "'A' set to 'b c'" },
		{ "dialplan show globals", "   A=b c\n" },
		{ "presencestate change CustomPresence:alice \"away,lunch,banana\"", "Changing CustomPresence:alice to away" },
		{ "pjsip set logger on", "PJSIP Logging enabled\n" },
		{ "core set debug res_pjsip_pubsub 4", "Core debug " },
		{ "core stop", "No such command 'core stop'" },
		{ "core show help core stop", "core stop gracefully " },
		{ "channel originate Fake/zoe application Wait 5", "" },
		{ "pjsip show endpoint", "No object specified.\n" },
		{ "core show version", "Asterisk 22.10.1 compatible: Sidetone 1.2.3 on " },
		{ "core show hints", "lamp@default" },
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(logs_in), T(by_challenge), T(refused), T(security_log), T(before_login), T(too_many_strangers), T(login_once),
		T(bad_messages), T(rights), T(all_actions), T(user_events), T(event_mask), T(waits_for_events), T(does_not_read),
		T(a_hundred_send_piles), T(a_hundred_do_not_read), T(a_hundred_lists), T(consoles_do_not_read),
		T(variables), T(lists_channels), T(hangs_up), T(redirects), T(originates), T(states), T(lists_hints_that_go), T(lists_channels_that_go),
		T(dialplan),
		T(pjsip_shows), T(maintenance), T(configuration), T(configuration_without_secrets), T(configuration_stays_inside),
		T(objects_without_secrets), T(health), T(commands), T(console_runs), T(console_stops),
		T(console_watches), T(before_the_boot), T(socket_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
