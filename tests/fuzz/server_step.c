/* A program's steps, done one after the other. */
#include "server_step.h"
#include "server_conf.h"
#include "server_conn.h"
#include "server_media.h"
#include "server_sdp.h"
#include "server_secure.h"
#include "server_wire.h"
#include "server_world.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *const step_name[STEP_OPS] = { "request", "response", "time", "phone", "sdp", "header", "repeat", "raw", "rtp", "rtcp",
	"digit", "reload", "console", "manager", "peer", "memory", "disk", "names", "wire", "restart",
	"open", "frame", "ice", "dtls", "srtp", "trickle" };

/* ---- time --------------------------------------------------------------- */

static const uint32_t spans[] = { 0, 1, 10, 20, 50, 100, 200, 500, 1000, 1500, 2000, 3000, 4000, 5000, 8000, 10000, 16000, 20000, 30000,
	32000, 33000, 45000, 60000, 64000, 90000, 120000, 180000, 600000, 1800000, 3600000, 7200000, 86400000 };

uint64_t step_span(const struct step *s)
{
	uint32_t ms = spans[s->a[0] % ARRAY_LEN(spans)];
	int edge = (int)(s->a[1] % 32) - 16;

	/* Just before and just after. */
	return s->a[1] < 128 || (int)ms + edge < 0 ? ms : ms + (uint32_t)edge;
}

static void do_time(const struct step *s)
{
	world_pass(step_span(s), s->a[2] & 1);
}

/* ---- managers ----------------------------------------------------------- */

static const char *const console_lines[] = {
	"core show channels", "core show channels concise", "core show calls", "core show channel PJSIP/alice-00000000", "core show hints", "core show uptime",
	"channel request hangup all", "channel request hangup PJSIP/alice-00000000", "channel redirect PJSIP/alice-00000000 default,100,1",
	"channel originate PJSIP/alice application Echo", "channel originate Local/102@default extension 101@default", "channel originate PJSIP/bob extension 105@default",
	"dialplan show", "dialplan show default", "dialplan show 102@default", "dialplan reload", "dialplan add extension 900,1,Echo into default", "dialplan remove extension 900@default",
	"pjsip show endpoints", "pjsip show endpoint alice", "pjsip show aors", "pjsip show contacts", "pjsip show registrations", "pjsip show channels",
	"pjsip show subscriptions inbound", "pjsip show publications inbound", "pjsip show publications outbound", "pjsip show identifies", "pjsip show transports", "pjsip show settings", "pjsip show channelstats", "pjsip show auths", "pjsip list contacts", "pjsip explain alice",
	"pjsip qualify alice", "pjsip send notify check endpoint alice", "pjsip send notify check uri sip:x@10.0.0.2", "pjsip send notify check channel PJSIP/alice-00000000",
	"pjsip send register trunk", "pjsip send unregister trunk", "pjsip send register *all", "pjsip reload", "module reload", "pjsip show scheduled_tasks", "pjsip show history",
	"database show", "database put a b c", "database del a b", "database deltree a", "devstate change Custom:lamp INUSE", "devstate list", "presencestate change CustomPresence:x away,a,b", "presencestate list",
	"manager show connected", "manager show settings", "core show help", "bridge show all", "bridge destroy all", "bridge kick x PJSIP/alice-00000000", "group show channels", "core show translation", "core show codecs",
	"core show applications", "core show application Dial", "core show functions", "core show function DB", "core set verbose 3", "logger show channels", "core stop gracefully", "core abort shutdown", "moh show classes",
	"pjsip show unidentified_requests", "pjsip show qualify endpoint alice", "pjsip set logger on", "pjsip endpoint maintenance alice on", "pjsip endpoint maintenance alice off", "core show health", "mailbox show", "sip \"", "",
};

static const char *const manager_texts[] = {
	"Action: Login\r\nUsername: admin\r\nSecret: pw\r\n\r\n", "Action: Login\r\nUsername: few\r\nSecret: pw\r\n\r\n", "Action: Login\r\nUsername: x\r\nSecret: y\r\n\r\n",
	"Action: Originate\r\nChannel: PJSIP/alice\r\nContext: default\r\nExten: 101\r\nPriority: 1\r\nAsync: true\r\n\r\n",
	"Action: Originate\r\nChannel: Local/101@default\r\nApplication: Echo\r\nTimeout: 5000\r\nVariable: A=1,B=2\r\n\r\n",
	"Action: Originate\r\nChannel: PJSIP/bob\r\nContext: default\r\nExten: 102\r\nPriority: 1\r\nEarlyMedia: true\r\nCallerID: \"M\" <9>\r\nAsync: yes\r\nChannelId: m1\r\n\r\n",
	"Action: Hangup\r\nChannel: PJSIP/alice-00000000\r\nCause: 16\r\n\r\n", "Action: Hangup\r\nChannel: /.*/\r\n\r\n", "Action: Redirect\r\nChannel: PJSIP/alice-00000000\r\nContext: default\r\nExten: 101\r\nPriority: 1\r\n\r\n",
	"Action: Redirect\r\nChannel: PJSIP/alice-00000000\r\nExtraChannel: PJSIP/bob-00000001\r\nContext: default\r\nExten: 100\r\nPriority: 1\r\nExtraContext: default\r\nExtraExten: 101\r\nExtraPriority: 1\r\n\r\n",
	"Action: Atxfer\r\nChannel: PJSIP/alice-00000000\r\nContext: default\r\nExten: 101\r\n\r\n", "Action: BlindTransfer\r\nChannel: PJSIP/alice-00000000\r\nContext: default\r\nExten: 101\r\n\r\n",
	"Action: CancelAtxfer\r\nChannel: PJSIP/alice-00000000\r\n\r\n", "Action: Bridge\r\nChannel1: PJSIP/alice-00000000\r\nChannel2: PJSIP/bob-00000001\r\nTone: yes\r\n\r\n",
	"Action: PlayDTMF\r\nChannel: PJSIP/alice-00000000\r\nDigit: 5\r\n\r\n", "Action: SendText\r\nChannel: PJSIP/alice-00000000\r\nMessage: hi\r\n\r\n", "Action: Setvar\r\nVariable: DEVICE_STATE(Custom:lamp)\r\nValue: RINGING\r\n\r\n",
	"Action: Getvar\r\nChannel: PJSIP/alice-00000000\r\nVariable: CHANNEL(pjsip,remote_addr)\r\n\r\n", "Action: Status\r\nAllVariables: true\r\n\r\n", "Action: CoreShowChannels\r\n\r\n", "Action: BridgeList\r\n\r\n",
	"Action: BridgeDestroy\r\nBridgeUniqueid: x\r\n\r\n", "Action: PJSIPShowEndpoints\r\n\r\n", "Action: PJSIPShowEndpoint\r\nEndpoint: alice\r\n\r\n", "Action: PJSIPShowContacts\r\n\r\n",
	"Action: PJSIPQualify\r\nEndpoint: alice\r\n\r\n", "Action: PJSIPRegister\r\nRegistration: trunk\r\n\r\n", "Action: PJSIPUnregister\r\nRegistration: *all\r\n\r\n", "Action: PJSIPShowRegistrationsOutbound\r\n\r\n",
	"Action: PJSIPShowSubscriptionsInbound\r\n\r\n", "Action: PJSIPHangup\r\nChannel: PJSIP/alice-00000000\r\nCause: 486\r\n\r\n", "Action: PJSIPNotify\r\nEndpoint: alice\r\nVariable: Event=x\r\n\r\n",
	"Action: PJSIPNotify\r\nChannel: PJSIP/alice-00000000\r\nVariable: Event=x,Content=y\r\n\r\n", "Action: MessageSend\r\nTo: pjsip:alice\r\nFrom: sip:x@y\r\nBody: hi\r\n\r\n", "Action: ExtensionState\r\nExten: 200\r\nContext: hints\r\n\r\n",
	"Action: ExtensionStateList\r\n\r\n", "Action: DeviceStateList\r\n\r\n", "Action: PresenceState\r\nProvider: CustomPresence:x\r\n\r\n", "Action: MailboxStatus\r\nMailbox: 100@default\r\n\r\n",
	"Action: MWIUpdate\r\nMailbox: 100@default\r\nNewMessages: 3\r\nOldMessages: 1\r\n\r\n", "Action: MWIUpdate\r\nMailbox: carl@default\r\nNewMessages: 0\r\n\r\n", "Action: MWIDelete\r\nMailbox: 100@default\r\n\r\n", "Action: MWIGet\r\nMailbox: /.*/\r\n\r\n",
	"Action: Command\r\nCommand: core show channels\r\n\r\n", "Action: WaitEvent\r\nTimeout: 5\r\n\r\n", "Action: Events\r\nEventMask: on\r\n\r\n", "Action: Filter\r\nOperation: Add\r\nFilter: Event: N.*\r\n\r\n",
	"Action: Reload\r\nModule: pjsip\r\n\r\n", "Action: Reload\r\n\r\n", "Action: GetConfig\r\nFilename: pjsip.conf\r\n\r\n", "Action: ShowDialPlan\r\n\r\n", "Action: DBPut\r\nFamily: f\r\nKey: k\r\nVal: v\r\n\r\n", "Action: DBGet\r\nFamily: f\r\nKey: k\r\n\r\n",
	"Action: UserEvent\r\nUserEvent: x\r\nA: b\r\n\r\n", "Action: Logoff\r\n\r\n", "Action: Ping\r\n\r\n", "Action: Challenge\r\nAuthType: md5\r\n\r\n", "Action: AbsoluteTimeout\r\nChannel: PJSIP/alice-00000000\r\nTimeout: 2\r\n\r\n",
	"Action: LocalOptimizeAway\r\nChannel: Local/100@default-00000000;1\r\n\r\n", "Action: MuteAudio\r\nChannel: PJSIP/alice-00000000\r\nDirection: all\r\nState: on\r\n\r\n", "Action: DialplanExtensionAdd\r\nContext: default\r\nExtension: 901\r\nPriority: 1\r\nApplication: Answer\r\n\r\n",
	"Action: CoreStatus\r\n\r\n", "Action: PJSIPShowAors\r\n\r\n", "Action: PJSIPShowAuths\r\n\r\n", "Action: PJSIPShowResourceLists\r\n\r\n", "Action: PJSIPShowRegistrationInboundContactStatuses\r\n\r\n", "Action: ListCommands\r\n\r\n", "Action: ", "\r\n", "Action: Nothing\r\n\r\n",
};

static unsigned peer_at(const struct step *s)
{
	return s->a[0] % ARRAY_LEN(world.peer);
}

/* Channels have the numbers of this process: let a line speak of one that is. */
static struct str with_channel(const char *text, char *room, size_t size)
{
	const char *at = strstr(text, "PJSIP/alice-00000000");
	const struct channel *ch;

	if (!at || list_empty(&world.pbx->channels))
		return str_z(text);
	ch = container_of(world.pbx->channels.next, struct channel, link);
	snprintf(room, size, "%.*s%s%s", (int)(at - text), text, text_z(&ch->name), at + strlen("PJSIP/alice-00000000"));
	return str_z(room);
}

static void do_console(const struct step *s)
{
	struct client **p = &world.peer[peer_at(s)];
	char line[1024], room[512];

	if (!*p) {
		*p = streams_connect(STREAMS_CONSOLE);
		if (*p)
			streams_say(*p, STR("c 9\n"));
	}
	if (!*p)
		return;
	snprintf(line, sizeof(line), "%.*s\n", STR_ARG(with_channel(console_lines[s->a[1] % ARRAY_LEN(console_lines)], room, sizeof(room))));
	streams_say(*p, str_z(line));
	world_turn();
}

static void do_manager(const struct step *s)
{
	struct client **p = &world.peer[peer_at(s)];
	struct str text;
	char room[1024];

	if (!*p) {
		*p = streams_connect(STREAMS_MANAGER);
		if (*p && !(s->a[2] & 1))
			streams_say(*p, str_z(manager_texts[0]));
	}
	if (!*p)
		return;
	world_turn();
	text = with_channel(manager_texts[s->a[1] % ARRAY_LEN(manager_texts)], room, sizeof(room));
	streams_say(*p, text);
	world_turn();
}

static void do_peer(const struct step *s)
{
	struct client **p = &world.peer[peer_at(s)];

	if (!*p)
		return;
	if (s->a[1] % 4 == 0) {
		streams_hangup(*p);
		*p = NULL;
	} else {
		streams_read(*p, s->a[1] & 1);
	}
	world_turn();
}

/* ---- what fails --------------------------------------------------------- */

static void do_disk(const struct step *s)
{
	static const int errors[] = { 0, ENOSPC, EIO, EROFS, ENOMEM };
	unsigned n = s->a[1] % 8 ? s->a[1] % 8 : UINT16_MAX;

	switch (s->a[0] % 6) {
	case 0:
		world.disk_by_hand = true;
		break;
	case 1:
		world.disk_by_hand = false;
		disk_refuse(false);
		break;
	case 2:
		disk_commit(n, 0);
		break;
	case 3:
		disk_commit(n, errors[s->a[2] % ARRAY_LEN(errors)]);
		break;
	case 4:
		disk_tell(n);
		break;
	case 5:
		disk_refuse(s->a[1] & 1);
		break;
	}
	world_turn();
}

/* The transport says afterwards that it could not deliver. */
static void not_delivered(unsigned n)
{
	struct seen *r = seen_nth(n);
	struct net_bytes *bytes = r && r->m ? net_bytes_new(r->m->bytes) : NULL;

	hooks_library(true);
	if (bytes)
		sip_stack_send_failed(world.svc->sip, &r->path, bytes, ECONNREFUSED);
	hooks_library(false);
	obj_drop(bytes);
}

static void do_wire(const struct step *s)
{
	switch (s->a[0] % 8) {
	case 0:
		wire_fail(s->a[1] % 8);
		break;
	case 1:
		world.deaf = s->a[1] & 1;
		break;
	case 2:
		not_delivered(s->a[1]);
		break;
	case 3:
		hooks_library(true);
		service_closed(world.svc, 200u + s->a[1] % PHONES);
		hooks_library(false);
		break;
	case 4:
		hooks_library(true);
		service_stop(world.svc);
		world.pbx->stopping = s->a[1] & 1;
		hooks_library(false);
		break;
	case 5:
		hooks_library(true);
		world.pbx->stopping = false;
		service_resume(world.svc);
		hooks_library(false);
		break;
	default:
		media_net_reload(s->a[1]);
		break;
	}
	world_turn();
}

static void do_raw(const struct step *s, const uint8_t *data, size_t n)
{
	struct net_path path;

	path_of(&path, s->a[1], s->a[2]);
	send_bytes(&path, str_mk((const char *)data, n));
	world_turn();
}

static void do_reload(const struct step *s)
{
	if (s->a[0] & 1)
		world_dialplan(s->a[1], s->a[2] & 1);
	else
		world_reload(s->a[1], s->a[2]);
	world_turn();
}

/* ---- one ---------------------------------------------------------------- */

static void do_phone(const struct step *s)
{
	wire_habit(s->a[0], (enum habit)(s->a[1] % HABITS));
}

static void do_sdp(const struct step *s)
{
	sdp_edit_later(s->a[0], s->a[1]);
}

static void do_header(const struct step *s)
{
	send_header_later(s->a[0], s->a[1]);
}

static void do_repeat(const struct step *s)
{
	send_repeat(s->a[0]);
}

static void do_memory(const struct step *s)
{
	hooks_fail(s->a[0] + 1u + (s->a[1] & 3) * 256u, s->a[2] % 8);
}

static void do_names(const struct step *s)
{
	names_mode((enum names_mode)(s->a[0] % NAMES_MODES));
}

static void do_restart(const struct step *s)
{
	world_restart(s->a[0] & 1, s->a[1]);
}

static const struct {
	void (*run)(const struct step *s);
	bool quiet;             /* nothing happens yet */
} steps[STEP_OPS] = {
	[STEP_REQUEST] = { send_request, false }, [STEP_RESPONSE] = { send_response, false }, [STEP_TIME] = { do_time, true },
	[STEP_PHONE] = { do_phone, true }, [STEP_SDP] = { do_sdp, true }, [STEP_HEADER] = { do_header, true },
	[STEP_REPEAT] = { do_repeat, false }, [STEP_RTP] = { media_step_rtp, false }, [STEP_RTCP] = { media_step_rtcp, false },
	[STEP_DIGIT] = { media_step_digit, false }, [STEP_RELOAD] = { do_reload, false }, [STEP_CONSOLE] = { do_console, false },
	[STEP_MANAGER] = { do_manager, false }, [STEP_PEER] = { do_peer, false }, [STEP_MEMORY] = { do_memory, true },
	[STEP_DISK] = { do_disk, false }, [STEP_NAMES] = { do_names, false }, [STEP_WIRE] = { do_wire, false },
	[STEP_RESTART] = { do_restart, false }, [STEP_OPEN] = { conn_step_open, false }, [STEP_FRAME] = { conn_step_frame, false },
	[STEP_ICE] = { secure_step_ice, false }, [STEP_DTLS] = { secure_step_dtls, false }, [STEP_SRTP] = { secure_step_srtp, false },
	[STEP_TRICKLE] = { send_fragment, false },
};

static void do_step(const struct step *s)
{
	unsigned op = s->op % STEP_OPS;

	if (steps[op].run)
		steps[op].run(s);
	if (!steps[op].quiet)
		world_turn();
}

/* Flushed, because the next thing may be the crash. */
static void say(const struct step *s)
{
	struct buf b = BUF_INIT;

	step_words(s, &b);
	printf("==== %s\n", buf_z(&b));
	fflush(stdout);
	buf_free(&b);
}

void program_run(const uint8_t *data, size_t size)
{
	bool words = getenv("FUZZ_WORDS") != NULL;
	struct step s;

	wire_trace(words);
	streams_echo(words);
	hooks_trace(words);
	world_begin(size ? data[0] % CONF_PJSIP : 0);
	for (size_t at = 1, n = 0; at < size && n < STEPS_MAX && !world.dead; n++) {
		size_t have = size - at < STEP_SIZE ? size - at : STEP_SIZE;

		memset(&s, 0, sizeof(s));
		memcpy(&s, data + at, have);
		at += have;
		if (words)
			say(&s);
		if (s.op % STEP_OPS == STEP_RAW) {
			size_t len = s.a[0] * 8u < size - at ? s.a[0] * 8u : size - at;

			do_raw(&s, data + at, len);
			at += len;
		} else {
			do_step(&s);
		}
		world_check();
	}
	if (words)
		printf("==== the end\n");
	send_forget();
	sdp_forget();
	world_end();
}
