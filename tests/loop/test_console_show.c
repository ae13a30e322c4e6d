/* Console commands that show what there is, and those that change the dialplan. */
#include "manager_stage.h"
#include "base/obj.h"
#include "service/common/service.h"
#include "service/object/settings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

struct row {
	const char *cmd, *want;
};

static struct peer run(const char *cmd)
{
	struct peer p = dial_console();
	char line[512];

	snprintf(line, sizeof(line), "x %s\n", cmd);
	say(&p, line);
	if (!is_closed(&p))
		fail_msg("no end of: %s", cmd);
	return p;
}

static void each(const struct row *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct peer p = run(v[i].cmd);

		if (v[i].want[0] && !has(&p, v[i].want))
			fail_msg("%s: no '%s' in:\n%s", v[i].cmd, v[i].want, buf_z(&p.in));
		hang_up(&p);
	}
}

static void lacks(const char *cmd, const char *what)
{
	struct peer p = run(cmd);

	HAS_NOT(&p, what);
	hang_up(&p);
}

/* ---- history ----------------------------------------------------------- */

static void message(bool sent, const char *peer, const char *text)
{
	struct net_path path = { .proto = NET_UDP };

	assert_int_equal(sa_parse(&path.peer, str_z(peer)), 0);
	if (t.svc->wire.history.on)
		sip_history_add(&t.svc->wire.history, sent, &path, str_z(text), 1000);
}

#define INVITE "INVITE sip:a@b SIP/2.0\r\nVia: x\r\nCall-ID: one@x\r\n\r\nbody\x1b"
#define RINGING "SIP/2.0 180 Ringing\r\ni: one@x\r\n\r\n"
#define BYE "BYE sip:a@b SIP/2.0\r\nCall-ID: two\r\n\r\n"

static void history(void **state)
{
	static const struct row rows[] = {
		{ "pjsip show history", "No.   Timestamp  (Dir) Address                  SIP Message                        \n"
		  "===== ========== ============================== ===================================\n"
		  "00000 1000       * <== 192.0.2.1:5060           INVITE sip:a@b SIP/2.0\n"
		  "00001 1000       * ==> 192.0.2.1:5060           SIP/2.0 180 Ringing\n"
		  "00002 1000       * <== [2001:db8::1]:5061       BYE sip:a@b SIP/2.0\n" },
		{ "pjsip show history entry 0", "<--- History Entry 0 Received from 192.0.2.1:5060 at 1000       --->\nINVITE sip:a@b" },
		{ "pjsip show history entry 0", "\r\nbody?\n" },
		{ "pjsip show history entry 9", "Entry '9' does not exist\nCommand 'pjsip show history entry 9' failed.\n" },
		{ "pjsip show history entry x", "'x' is not a valid entry number\n" },
		{ "pjsip show history where number = 1", "<--- History Entry 1 Sent to 192.0.2.1:5060 at 1000" },
		{ "pjsip show history where number >= 1 and number < 3", "\n00001 1000       * ==> 192.0.2.1:5060           SIP/2.0 180 "
		  "Ringing\n00002 " },
		{ "pjsip show history where number > 0 and (addr = \"[2001:db8::1]:5061\" or sip.msg.call-id like ^z)", "Entry 2 " },
		{ "pjsip show history where sip.msg.call-id = one@x && not (number == 0)", "Entry 1 " },
		{ "pjsip show history where sip.msg.request.method = BYE", "Entry 2 " },
		{ "pjsip show history where ! ((number <= 1))", "Entry 2 " },
		{ "pjsip show history where timestamp > 1000", "===\n" },
		{ "pjsip show history where sip.msg.call-id like ^(one|two)$ and sip.msg.request.method != INVITE", "Entry 2 " },
		{ "pjsip show history where addr != 192.0.2.1:5060", "Entry 2 " },
		{ "pjsip show history where nothing = 1", "Unknown or unrecognized field: 'nothing'\nCommand '" },
		{ "pjsip show history where number like 1", "That operator has no meaning for 'number'" },
		{ "pjsip show history where addr < 1.2.3.4", "That operator has no meaning for 'addr'" },
		{ "pjsip show history where addr = x", "Not an IPv4 or IPv6 address: 'x'" },
		{ "pjsip show history where number = x", "Not a number: 'x'" },
		{ "pjsip show history where number is 1", "Not an operator: 'is'" },
		{ "pjsip show history where number =", "There is nothing to compare with 'number'" },
		{ "pjsip show history where (number = 1", "A ) is missing" },
		{ "pjsip show history where number = 1 )", "Not expected: ')'" },
		{ "pjsip show history where sip.msg.call-id like (", "There is nothing to compare with" },
		{ "pjsip show history where sip.msg.call-id like [", "Not a regular expression: '['" },
		{ "pjsip show history where", "Unknown or unrecognized field: ''" },
		{ "pjsip show history what", "Usage: pjsip show history [entry <num>|where [...]]\n" },
		{ "pjsip set history maybe", "Usage: pjsip set history {on|off|clear}\n" },
		{ "pjsip set history off", "PJSIP History disabled\n" },
	};

	(void)state;
	message(false, "192.0.2.1:5060", INVITE);
	lacks("pjsip show history", "INVITE");          /* off: nothing is kept */
	each((const struct row[]){ { "pjsip set history on", "PJSIP History enabled\n" } }, 1);
	message(false, "192.0.2.1:5060", INVITE);
	message(true, "192.0.2.1:5060", RINGING);
	message(false, "[2001:db8::1]:5061", BYE);
	each(rows, ARRAY_LEN(rows));
	message(false, "192.0.2.1:5060", INVITE);
	assert_int_equal(t.svc->wire.history.n, 3);
	each((const struct row[]){ { "pjsip set history clear", "PJSIP History cleared\n" } }, 1);
	assert_int_equal(t.svc->wire.history.n, 0);
	assert_int_equal(t.svc->wire.history.bytes, 0);
}

/* However many come, only so many stay. */
static void history_is_bounded(void **state)
{
	struct sip_history *h = &t.svc->wire.history;

	(void)state;
	h->on = true;
	for (unsigned i = 0; i < SIP_HISTORY_ENTRIES + 5; i++)
		message(true, "192.0.2.1:5060", RINGING);
	assert_true(h->n <= SIP_HISTORY_ENTRIES);
	if (h->n == SIP_HISTORY_ENTRIES)
		assert_int_equal(container_of(h->entries.next, struct sip_history_entry, link)->number, 5);
	sip_history_clear(h);
	assert_int_equal(h->next, 0);
}

/* ---- SIP objects --------------------------------------------------------- */

static void sip_objects(void **state)
{
	static const struct row rows[] = {
		{ "pjsip show identifiers", "Identifier Names:   \nname not specified  \nip                  \nusername            \n"
		  "anonymous           \nauth_username       \nheader              \nrequest_uri         \n" },
		{ "pjsip show scheduled_tasks", "PJSIP Scheduled Tasks:\n\n<Task Name...." },
		{ "pjsip show scheduled_tasks", "\nTotal Scheduled Tasks: 0\n\n" },
		{ "pjsip show endpoint alice", "\n send_connected_line                : yes\n" },
		{ "pjsip show endpoint alice", "\n mwi_subscribe_replaces_unsolicited : no\n" },
		{ "pjsip show endpoint alice", "\n stir_shaken                        : no\n" },
		{ "pjsip show settings", "\nGlobal Settings:\n\n ParameterName " },
		{ "pjsip show settings", "\n all_codecs_on_empty_reinvite               : false\n allow_sending" },
		{ "pjsip show identify alice", "\n match             : 127.0.0.9/255.255.255.255\n" },
		{ "pjsip show subscriptions inbound", "Endpoint: <Endpoint/Caller-ID....." },
		{ "pjsip show subscriptions inbound", "\n0 active subscriptions\n" },
		{ "pjsip show subscriptions inbound like x", "0 active subscriptions matched \"x\"\n" },
		{ "pjsip list subscriptions inbound", "Endpoint/CLI                   Resource/Event                 Expiry Call-id\n" },
		{ "pjsip list subscriptions outbound", "\n0 active subscriptions\n" },
		{ "pjsip reload qualify aor alice", "Synchronizing AOR 'alice'\n" },
		{ "pjsip reload qualify aor x", "Unable to retrieve aor 'x'\n" },
		{ "pjsip reload qualify endpoint alice", "Synchronizing AOR 'alice' on endpoint 'alice'\n" },
		{ "pjsip reload qualify endpoint x", "Unable to retrieve endpoint x\n" },
		{ "acl show", "\nacl\n---\n" },
		{ "core show channeltypes", "Type             Description                              Devicestate   Presencestate Indications   "
		  "Transfer     \n" },
		{ "core show hint x", "No hints matching extension x\n" },
		{ "core show hint lamp", "1 hint matching extension lamp\n" },
		{ "devstate change Custom:lamp BUSY", "Changing lamp to BUSY\n" },
		{ "devstate list", "---\n--- Name: 'Custom:lamp'  State: 'BUSY'\n---\n" },
		{ "presencestate change CustomPresence:a away", "Changing a to away\n" },
		{ "presencestate list", "--- Name: 'CustomPresence:a'\n    --- State: 'away'\n    --- Subtype: ''\n" },
		{ "core show hints", "lamp@default                  : Custom:lamp                                                   State:Busy" },
	};

	(void)state;
	each(rows, ARRAY_LEN(rows));
	lacks("pjsip show endpoint alice", "contact_user");
	lacks("pjsip show endpoint alice", "security_mechanisms");
}

static void acls(void **state)
{
	static const struct row rows[] = {
		{ "acl show", "\nacl\n---\noffice\nnobody\n" },
		{ "acl show office", "\nACL: office\n---------------------------------------------\n"
		  "  0:  deny - 0.0.0.0/0.0.0.0\n  1: allow - 10.0.0.0/255.128.0.0\n  2: allow - 2001:db8::/ffff:ffff::\n" },
		{ "acl show x", "\nCould not find ACL named 'x'\n" },
		{ "acl show a b", "Usage: acl show [name]\n" },
	};
	struct snapshot *conf = NULL;

	(void)state;
	oom_pause(true);
	assert_int_equal(snapshot_parse(&conf, str_z(manager_pjsip), STR("[office]\ndeny=0.0.0.0/0\npermit=10.0.0.0/9\n"
		"permit=2001:db8::/32\n[nobody]\ndeny=0.0.0.0/0\n"), NULL, NULL), 0);
	service_set_conf(t.svc, conf, NULL);
	obj_drop(conf);
	oom_pause(false);
	each(rows, ARRAY_LEN(rows));
}

static void what_there_is(void **state)
{
	static const struct row rows[] = {
		{ "core show translation", "         Translation times between formats (in microseconds) for one second of data\n"
		  "          Source Format (Rows) Destination Format (Columns)\n\n         " },
		{ "core show translation", "\n     ulaw " },
		{ "core show translation", "\n    slin8 " },
		{ "core show translation recalc 3", "Recalculating Codec Translation (number of sample seconds: 3)\n\n" },
		{ "core show translation paths ulaw", "--- Translation paths SRC Codec \"ulaw\" sample rate 8000 ---\n" },
		{ "core show translation paths ulaw", "\tulaw:8000        To alaw:8000       : (ulaw@8000)->(slin@8000)->(alaw@8000)\n" },
		{ "core show translation paths ulaw", "\tulaw:8000        To g722:16000      : (ulaw@8000)->(slin@8000)->(slin@16000)->(g722@16000)\n" },
		{ "core show translation paths ulaw", "\tulaw:8000        To slin:8000       : (ulaw@8000)->(slin@8000)\n" },
		{ "core show translation paths ulaw", "\tulaw:8000        To g729:8000       : No Translation Path\n" },
		{ "core show translation paths slin 16000", "\tslin:16000       To slin:8000       : (slin@16000)->(slin@8000)\n" },
		{ "core show translation paths nothing", "Source codec \"nothing\" is not found.\nCommand '" },
		{ "core show translation paths ulaw x", "Invalid sample rate: x.\nCommand '" },
		{ "core show translation what", "Usage: core show translation" },
		{ "core show codecs video", " video vp8          vp8 " },
		{ "core show codecs what", "Usage: core show codecs" },
		{ "core show codec 9999", "Codec 9999 not found\n" },
		{ "manager show events", "Events:\n  -----" },
		{ "manager show events", "  Newchannel " },
		{ "manager show events", " events registered.\n" },
		{ "manager show event hangup", "Event: Hangup\n\n  -= Info about Manager Event 'Hangup' =- \n\n[Synopsis]\n" },
		{ "manager show event nothing", "Could not find event 'nothing'\n" },
		{ "rtp resolve stun hostname", "RTP STUN disabled./n" },
		{ "manager show settings", "TLS Bindaddress:           Disabled       \n" },
	};

	(void)state;
	each(rows, ARRAY_LEN(rows));
	lacks("core show codecs video", " audio ");
}

/* ---- channels ------------------------------------------------------------- */

static void channel(void **state)
{
	static const struct row rows[] = {
		{ "core show channel Fake/zoe-00000000", "Eff. Connected Line ID: (N/A)\nEff. Connected Line ID Name: (N/A)\n" },
		{ "core show channel Fake/zoe-00000000", " WriteTranscode: No \n  ReadTranscode: No \n Time to Hangup: 0\n" },
		{ "core show channel Fake/zoe-00000000", " Call Identifier: (None)\n      Variables:\n -- Streams --\n" },
		{ "core show channels concise", "!!!3!0!!" },
		{ "dialplan set chanvar Fake/zoe-00000000 TIMEOUT(absolute) 100", "set to '100'" },
		{ "channel originate Local/7@default application Wait 5", "" },
	};
	struct fake *f = world_call_in(&t.w, "zoe", "1", "default", "7");
	struct peer p;

	(void)state;
	assert_non_null(f);
	each(rows, ARRAY_LEN(rows));
	p = run("core show channel Fake/zoe-00000000");
	HAS_NOT(&p, "Time to Hangup: 0\n");
	hang_up(&p);
	p = run("core show channel Local/7@default-00000000;2");
	HAS(&p, "NativeFormats: (slin)\n    WriteFormat: slin\n     ReadFormat: slin\n");
	HAS(&p, " -- Streams --\nName: audio-0\n    Type: audio\n    State: sendrecv\n    Group: -1\n    Formats: (slin)\n    Metadata:\n");
	hang_up(&p);
}

/* ---- the dialplan ---------------------------------------------------------- */

static void edits_the_dialplan(void **state)
{
	static const struct row rows[] = {
		{ "dialplan add extension 300,1,NoOp,x into default", "Extension '300,1,NoOp(x)' added into 'default' context\n" },
		{ "dialplan add extension 300,1,NoOp(y) into default", "Extension 300@default with priority 1 already exists\nCommand '" },
		{ "dialplan add extension 300,1,NoOp(y) into default replace", "Extension 300@default (1) replace by '300,1,NoOp(y)'\n" },
		{ "dialplan add extension 300,2,NoOp into new", "Context 'new' did not exist prior to add extension - the context will be "
		  "created.\nExtension '300,2,NoOp()' added into 'new' context\n" },
		{ "dialplan add extension 301,hint,Custom:x into new", "Extension '301,hint,Custom:x()' added into 'new' context\n" },
		{ "dialplan add include new into default", "Context 'new' included in 'default' context\n" },
		{ "dialplan add include new into default", "Context 'new' already included in 'default' context\nCommand '" },
		{ "dialplan add include new in default", "Usage: dialplan add include <context> into <context>\n" },
		{ "dialplan show default", "  Include =>        'new'                                         [pbx_config]\n" },
		{ "dialplan show 300@default", "1. NoOp(y)                                    [pbx_config]\n" },
		{ "dialplan add ignorepat 9 into default", "Ignore pattern '9' added into 'default' context\n" },
		{ "dialplan add ignorepat 9 into default", "Ignore pattern '9' already included in 'default' context\nCommand '" },
		{ "dialplan show default", "  Ignore pattern => '9'                                           [pbx_config]\n" },
		{ "dialplan remove ignorepat 9 from default", "Ignore pattern '9' removed from 'default' context\n" },
		{ "dialplan remove ignorepat 9 from default", "There is no existence of '9' ignore pattern in 'default' context\n" },
		{ "dialplan remove include new from default", "We are not including 'new' into 'default' now\n" },
		{ "dialplan remove include new from default", "Failed to remove 'new' include from 'default' context\n" },
		{ "dialplan remove extension 300@new 2", "Extension 300@new with priority 2 removed\n" },
		{ "dialplan remove extension 301@new hint", "Extension 301@new with priority -1 removed\n" },
		{ "dialplan remove extension 300@default", "Whole extension 300@default removed\n" },
		{ "dialplan remove extension 300@default", "Failed to remove extension 300@default\nCommand '" },
		{ "dialplan remove extension 300", "Missing extension or context name in third argument '300'\n" },
		{ "dialplan remove extension 300@default x", "Invalid priority 'x'\n" },
		{ "dialplan remove context new", "Removed context 'new'\n" },
		{ "dialplan remove context new", "There is no such context as 'new'\n" },
		{ "dialplan show new", "There is no existence of 'new' context\nCommand 'dialplan show new' failed.\n" },
		{ "dialplan show chanvar x", "Channel 'x' not found\nCommand 'dialplan show chanvar x' failed.\n" },
		{ "dialplan eval function DEVICE_STATE(Custom:none)", "Return Value: Success (0)\nResult: UNKNOWN\n" },
		{ "dialplan eval function NOTHING(x)", "Return Value: Failure (-1)\nResult: \n" },
		{ "dialplan remove extension 7@default", "Whole extension 7@default removed\n" },
	};

	(void)state;
	each(rows, ARRAY_LEN(rows));
}

#define T(f) cmocka_unit_test_setup_teardown(f, manager_up, manager_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(history), T(history_is_bounded), T(sip_objects), T(acls), T(what_there_is), T(channel), T(edits_the_dialplan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
