/* Actions of managers: channels, states, listings whose rows go meanwhile, the dialplan, SIP
 * objects, upkeep. */
#include "manager_stage.h"
#include "pbx/dialplan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <cmocka.h>

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

static void mutes(void **state)
{
	struct peer p = login("admin");
	struct fake *f = world_call_in(&t.w, "alice", "100", "default", "wait");
	char text[256];

	(void)state;
	ask(&p, "Action: MuteAudio\r\nState: on\r\nDirection: all");
	HAS(&p, "Message: Channel not specified\r\n");
	ask(&p, "Action: MuteAudio\r\nChannel: Fake/none\r\nState: on\r\nDirection: all");
	HAS(&p, "Message: No such channel\r\n");
	snprintf(text, sizeof(text), "Action: MuteAudio\r\nChannel: %s\r\nState: on\r\nDirection: up", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Failed to mute/unmute stream\r\n");
	snprintf(text, sizeof(text), "Action: MuteAudio\r\nChannel: %s\r\nState: on\r\nDirection: all", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Response: Success\r\nActionID: 9\r\n\r\n");
	hang_up(&p);
}

static void technologies(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: BridgeTechnologyList");
	HAS(&p, "EventList: start\r\nMessage: Bridge technology listing will follow\r\n\r\n");
	HAS(&p, "Event: BridgeTechnologyListItem\r\nBridgeTechnology: native_rtp\r\nBridgeType: Native\r\nBridgePriority: 90\r\n"
	    "BridgeSuspended: No\r\nActionID: 9\r\n\r\n");
	HAS(&p, "Event: BridgeTechnologyListComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 3\r\n\r\n");
	ask(&p, "Action: BridgeTechnologySuspend");
	HAS(&p, "Message: BridgeTechnology must be provided\r\n");
	ask(&p, "Action: BridgeTechnologySuspend\r\nBridgeTechnology: x");
	HAS(&p, "Message: BridgeTechnology not found\r\n");
	ask(&p, "Action: BridgeTechnologySuspend\r\nBridgeTechnology: native_rtp");
	HAS(&p, "Message: Suspended bridge technology\r\n");
	assert_true(t.w.pbx->native_suspended);
	ask(&p, "Action: BridgeTechnologyUnsuspend\r\nBridgeTechnology: native_rtp");
	HAS(&p, "Message: Unsuspended bridge technology\r\n");
	assert_false(t.w.pbx->native_suspended);
	hang_up(&p);
}

/* Digits of other kinds than DTMF. */
static void sends_digits(void **state)
{
	struct fake *f = world_call_in(&t.w, "alice", "1", "default", "7");
	struct peer p = login("admin");
	char text[160];

	(void)state;
	ask(&p, "Action: SendFlash\r\nChannel: x");
	HAS(&p, "Message: Channel not found\r\n");
	ask(&p, "Action: PlayMF\r\nDigit: 1");
	HAS(&p, "Message: Channel not found\r\n");
	snprintf(text, sizeof(text), "Action: SendFlash\r\nChannel: %s", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Flash successfully queued\r\n");
	assert_true(fake_was_told(f, "flash"));
	snprintf(text, sizeof(text), "Action: SendFlash\r\nChannel: %s\r\nReceive: yes", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Flash successfully queued\r\n");
	assert_int_equal(fake_told_times(f, "flash"), 1);
	snprintf(text, sizeof(text), "Action: PlayMF\r\nChannel: %s", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: No digit specified\r\n");
	snprintf(text, sizeof(text), "Action: PlayMF\r\nChannel: %s\r\nDigit: *\r\nDuration: x", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Could not convert Duration parameter\r\n");
	snprintf(text, sizeof(text), "Action: PlayMF\r\nChannel: %s\r\nDigit: *12#", text_z(&f->ch->name));
	ask(&p, text);
	HAS(&p, "Message: MF successfully queued\r\n");
	hang_up(&p);
}

static struct text queue_line;

static void hear_queue(void *arg, const struct queue_event *e)
{
	(void)arg;
	text_printf(&queue_line, "%.*s %.*s %.*s %.*s %.*s", STR_ARG(e->queue), STR_ARG(e->id), STR_ARG(e->agent), STR_ARG(e->event),
		    STR_ARG(e->info));
}

static void writes_the_queue_log(void **state)
{
	struct peer p = login("admin");

	(void)state;
	t.w.pbx->logs.queue = hear_queue;
	ask(&p, "Action: QueueLog\r\nQueue: sales");
	HAS(&p, "Message: Need 'Queue' and 'Event' parameters.\r\n");
	ask(&p, "Action: QueueLog\r\nQueue: sales\r\nEvent: PAUSE");
	HAS(&p, "Message: Event added successfully\r\n");
	assert_string_equal(text_z(&queue_line), "sales NONE NONE PAUSE ");
	ask(&p, "Action: QueueLog\r\nQueue: sales\r\nEvent: X\r\nUniqueid: 1.2\r\nInterface: PJSIP/a\r\nMessage: m");
	assert_string_equal(text_z(&queue_line), "sales 1.2 PJSIP/a X m");
	text_free(&queue_line);
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
	/* Of another technology: nothing happens to it, and that is said nowhere but in the log. */
	ask(&p, "Action: PJSIPHangup\r\nCause: 486");
	HAS(&p, "Message: No channel specified");
	snprintf(text, sizeof(text), "Action: PJSIPHangup\r\nCause: BUSY_HERE\r\nChannel: %s", text_z(&b->ch->name));
	ask(&p, text);
	HAS(&p, "Message: Channel Hungup");
	ask(&p, "Action: PJSIPHangup\r\nCause: 486\r\nChannel: /bob/");
	HAS(&p, "Event: ChannelHungup\r\nChannel: Fake/bob-");
	assert_non_null(b->ch);
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

static void originate_needs_more_for_programs(void **state)
{
	static const char *const app[] = { "System", "trysystem", "TryExec", "ExecIf", "MixMonitor" };
	struct peer p = login("report");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(app); i++) {
		char text[128];

		snprintf(text, sizeof(text), "Action: Originate\r\nChannel: Fake/carl\r\nApplication: %s\r\nData: true", app[i]);
		ask(&p, text);
		HAS(&p, "Message: Originate Access Forbidden: app or data blacklisted");
		buf_reset(&p.in);
	}
	assert_null(world_fake(&t.w, "carl"));
	hang_up(&p);
}

/* ---- the rest --------------------------------------------------------- */

static void states(void **state)
{
	struct peer p = login("admin");

	(void)state;
	ask(&p, "Action: Command\r\nCommand: devstate change Custom:lamp INUSE");
	HAS(&p, "Output: Changing lamp to INUSE");
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
	HAS(&p, "Response: Error\r\nActionID: 9\r\nMessage: No Contacts found\r\n");
	ask(&p, "Action: PJSIPShowRegistrationsInbound");
	HAS(&p, "\r\nContact: alice/sip:alice@127.0.0.1:5062\r\n");
	ask(&p, "Action: PJSIPNotify\r\nEndpoint: none\r\nVariable: Event=x");
	HAS(&p, "Message: Unable to retrieve endpoint none\r\n");
	ask(&p, "Action: PJSIPNotify\r\nEndpoint: none\r\nChannel: x\r\nVariable: Event=x");
	HAS(&p, "You must use only one of them.\r\n");
	ask(&p, "Action: PJSIPNotify\r\nChannel: x\r\nOption: none");
	HAS(&p, "Message: Channel not found\r\n");
	ask(&p, "Action: PJSIPNotify\r\nEndpoint: alice\r\nOption: none");
	HAS(&p, "Message: Unable to find notify type 'none'\r\n");
	ask(&p, "Action: PJSIPNotify\r\nEndpoint: sip/pjsip/bob\r\nVariable: Event=x");
	HAS(&p, "Message: NOTIFY sent\r\n");
	/* There is no default_outbound_endpoint. */
	ask(&p, "Action: PJSIPNotify\r\nURI: sip:x@127.0.0.1\r\nVariable: Event=x");
	HAS(&p, "Response: Success\r\nActionID: 9\r\nMessage: NOTIFY sent\r\n\r\n");
	ask(&p, "Action: PJSIPNotify\r\nEndpoint: alice\r\nVariable: Event=x\r\nOption: none");
	HAS(&p, "Message: PJSIPNotify requires either an Option or Variable(s).You must use only one of them.\r\n");
	ask(&p, "Action: PJSIPNotify\r\nVariable: Event=x");
	HAS(&p, "Message: PJSIPNotify requires either an endpoint name, a SIP URI, or a channel.\r\n");
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

#define T(f) cmocka_unit_test_setup_teardown(f, manager_up, manager_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(variables), T(lists_channels), T(mutes), T(technologies), T(sends_digits), T(writes_the_queue_log), T(hangs_up), T(redirects), T(originates), T(originate_needs_more_for_programs), T(states),
		T(lists_hints_that_go), T(lists_channels_that_go), T(dialplan), T(pjsip_shows), T(maintenance),
		T(health), T(commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
