/* `check` of what is wrong with the arguments of applications: every application that is registered has a line here,
 * with arguments that are wrong in every call, or without, when it takes whatever is written. */
#include "svc_wire.h"
#include "base/hash.h"
#include "manage/check_apps.h"
#include "pbx/channel_private.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct { const char *app, *args, *why; } rows[] = {
	{ "Answer", "soon", "delay 'soon' is no whole number" },
	{ "Answer", "100,x", "there is no option 'x'" },
	{ "AttendedTransfer", "", "extension is missing" },
	{ "BackGround", "", "file is missing" },
	{ "BackGround", "a,q", "there is no option 'q'" },
	{ "BackgroundDetect", "a,x", "silence 'x' is no whole number" },
	{ "BackgroundDetect", ",1", "file is missing" },
	{ "BlindTransfer", ",x", "extension is missing" },
	{ "Bridge", ",x", "channel is missing" },
	{ "Bridge", "PJSIP/a-1,Z", "there is no option 'Z'" },
	{ "Busy", "x", "timeout 'x' is no number" },
	{ "ChanIsAvail", "PJSIP/a,x", "there is no option 'x'" },
	{ "ChannelRedirect", "PJSIP/a-1", "place is missing" },
	{ "ClearHash", "", "hash is missing" },
	{ "Congestion", "1x", "timeout '1x' is no number" },
	{ "ContinueWhile", NULL, NULL },
	{ "DBdel", "family", "it needs family/key" },
	{ "DBdeltree", "", "family is missing" },
	{ "Dial", "", "destination is missing" },
	{ "Dial", "bob", "'bob' is no technology/destination" },
	{ "Dial", "PJSIP/bob&carl", "'carl' is no technology/destination" },
	{ "Dial", "PJSIP/bob,soon", "'soon' is no timeout" },
	{ "Dial", "PJSIP/bob,10^0", "'0' is no timeout" },
	{ "Dial", "PJSIP/bob,10,t!", "there is no option '!'" },
	{ "Dial", "PJSIP/bob,10,tM(a", "option 'M(' is never closed" },
	{ "Dial", "PJSIP/bob,,S(x)", "S(x) is no duration" },
	{ "Dial", "PJSIP/bob,,L(x:1)", "L() has no limit in milliseconds" },
	{ "DumpChan", "x", "level 'x' is no whole number" },
	{ "Echo", NULL, NULL },
	{ "Else", NULL, NULL },
	{ "ElseIf", "", "condition is missing" },
	{ "EndIf", NULL, NULL },
	{ "EndWhile", NULL, NULL },
	{ "Exec", "", "application is missing" },
	{ "ExecIf", "1", "it needs condition?app(args):app(args)" },
	{ "ExecIfTime", "Hangup()", "it needs times,weekdays,mdays,months[,timezone]? and what then" },
	{ "ExecIfTime", "9-17,mon,*,*?Hangup()", "some of the times '9-17,mon,*,*' is not understood" },
	{ "ExitIf", NULL, NULL },
	{ "ExitWhile", NULL, NULL },
	{ "Gosub", "", "it needs [[context,]extension,]priority" },
	{ "Gosub", "a,b,c,d(1)", "'a,b,c,d(1)' is no [[context,]extension,]priority" },
	{ "GosubIf", "1?:", "it needs condition?place:place" },
	{ "Goto", "", "it needs [[context,]extension,]priority" },
	{ "Goto", "a,b,0", "'a,b,0' is no [[context,]extension,]priority" },
	{ "GotoIf", "1", "it needs condition?place:place" },
	{ "GotoIf", "1?a:b,c,d,e", "'b,c,d,e' is no [[context,]extension,]priority" },
	{ "GotoIfTime", "*,*,*,*", "it needs times,weekdays,mdays,months[,timezone]? and what then" },
	{ "GotoIfTime", "*,xyz,*,*?a", "some of the times '*,xyz,*,*' is not understood" },
	{ "Hangup", "999", "'999' is no cause" },
	{ "Hangup", "busy please", "'busy please' is no cause" },
	{ "HangupCauseClear", NULL, NULL },
	{ "If", "", "condition is missing" },
	{ "ImportVar", "a=PJSIP/b-1", "it needs here=channel,there" },
	{ "Incomplete", "x", "there is no option 'x'" },
	{ "Log", "LOUD,x", "there is no level 'LOUD'" },
	{ "MSet", "a=1,b", "'b' is no NAME=value" },
	{ "MessageSend", ",sip:a@b", "destination is missing" },
	{ "Milliwatt", "x", "there is no option 'x'" },
	{ "MixMonitor", ",b", "it needs a file, or one in r() or t()" },
	{ "MixMonitor", "a.wav,Q", "there is no option 'Q'" },
	{ "MusicOnHold", "default,long", "duration 'long' is no number" },
	{ "NoOp", NULL, NULL },
	{ "Originate", "PJSIP/a,apps,Echo", "'apps' is neither app nor exten" },
	{ "Originate", "PJSIP/a,app", "argument is missing" },
	{ "Originate", "PJSIP/a,exten,c,e,1,soon", "timeout 'soon' is no whole number" },
	{ "Originate", "PJSIP/a,exten,c,e,1,30,z", "there is no option 'z'" },
	{ "PJSIPHangup", "", "status is missing" },
	{ "PJSIPHangup", "200", "it is no status from 400 to 699 and no name of one" },
	{ "PJSIPNotify", "PJSIP/a", "it needs a section of pjsip_notify.conf, or headers" },
	{ "Pickup", NULL, NULL },
	{ "PickupChan", "", "channel is missing" },
	{ "PlayTones", "", "tones is missing" },
	{ "Playback", "", "file is missing" },
	{ "Playback", "a,skip,nonsense", "there is no option 'nonsense'" },
	{ "Proceeding", NULL, NULL },
	{ "Progress", NULL, NULL },
	{ "QueueLog", "q,1,a", "needs a queue, the call's id, an agent and an event" },
	{ "RaiseException", "", "reason is missing" },
	{ "RetryDial", "a,b", "seconds 'b' is no whole number" },
	{ "RetryDial", "a,10,0", "destination is missing" },
	{ "Read", ",a", "variable is missing" },
	{ "Read", "x,,some", "max 'some' is no whole number" },
	{ "Read", "x,,3,q", "there is no option 'q'" },
	{ "Read", "x,,3,,two", "attempts 'two' is no whole number" },
	{ "Read", "x,,3,,2,ever", "timeout 'ever' is no number" },
	{ "ReceiveFAX", "", "it needs a file" },
	{ "Return", NULL, NULL },
	{ "Ringing", NULL, NULL },
	{ "SayAlpha", "", "text is missing" },
	{ "SayDigits", "", "digits is missing" },
	{ "SayNumber", "one", "number 'one' is no number" },
	{ "SendDTMF", "12x", "'x' is no digit" },
	{ "SendDTMF", "12,fast", "gap 'fast' is no whole number" },
	{ "SendDTMF", "12,,long", "length 'long' is no whole number" },
	{ "SendFAX", "a.tif,q", "its options are d, f, F, s and z" },
	{ "SendText", NULL, NULL },
	{ "Set", "x", "'x' is no NAME=value" },
	{ "SoftHangup", "PJSIP/a,x", "there is no option 'x'" },
	{ "StackPop", NULL, NULL },
	{ "StartMusicOnHold", NULL, NULL },
	{ "StatsD", "g,x", "has no value" },
	{ "StopMixMonitor", NULL, NULL },
	{ "StopMusicOnHold", NULL, NULL },
	{ "StopPlayTones", NULL, NULL },
	{ "StreamEcho", "x", "the number of streams is no number" },
	{ "StreamEcho", "1,sound", "the type is neither audio nor video" },
	{ "System", "", "command is missing" },
	{ "Transfer", "", "destination is missing" },
	{ "TryExec", "", "application is missing" },
	{ "TrySystem", "", "command is missing" },
	{ "UserEvent", "", "name is missing" },
	{ "Verbose", "11,x", "'11' is no level from 0 to 10" },
	{ "Wait", "", "seconds is missing" },
	{ "Wait", "a bit", "seconds 'a bit' is no duration" },
	{ "WaitDigit", "x", "seconds 'x' is no number" },
	{ "WaitExten", "x", "seconds 'x' is no duration" },
	{ "WaitExten", "5,x", "there is no option 'x'" },
	{ "WaitForCondition", "##,1", "'##' is not one character" },
	{ "WaitForCondition", "#", "expression is missing" },
	{ "WaitForCondition", "#,1,ever", "timeout 'ever' is no duration" },
	{ "WaitForNoise", "x", "time 'x' is no whole number" },
	{ "WaitForSilence", "1000,1,x", "timeout 'x' is no whole number" },
	{ "WaitUntil", "noon", "time 'noon' is no number" },
	{ "While", "", "condition is missing" },
};

/* Nothing is wrong with these, or only a call can tell. */
static const char *const good[] = {
	"Answer()", "Answer(500,i)", "BackGround(a&b,nm,de,other)", "Bridge(PJSIP/a-1,hS(5)F(a,b,1))", "Busy(1.5)", "ChannelRedirect(PJSIP/a-1,c,e,1)",
	"Dial(PJSIP/a&Local/5@c/n,30^5,tTb(c^e^1(x,y))L(1000:5:6)S(3)g)", "Dial(PJSIP/${EXTEN},${T},${O})", "Dial(PJSIP/a,,)", "Dial(PJSIP/a,,t,http://x/S(x))", "ExecIf(1?Hangup())",
	"ExecIfTime(9:00-17:00,mon-fri,*,*?Hangup())", "Exec(Set(a=b))", "Gosub(c,e,1(a,b(c),d))", "Gosub(label(1))", "GosubIf(1?a,1(x):b,1(y))", "Goto(c,e,n+1)",
	"Goto(label)", "GotoIf(0?:label)", "GotoIfTime(*,sat&sun,*,dec,UTC?c,e,1:2)", "Hangup()", "Hangup(16)", "Hangup(NO_ANSWER)", "Incomplete(n)", "Log(NOTICE,a,b)",
	"MSet(a=1,b=2)", "MixMonitor(a.wav,ab(x)v(2),touch x)", "MixMonitor(,r(a.wav))", "MusicOnHold(default,3)", "MusicOnHold()", "NoOp(any, thing)",
	"Originate(PJSIP/a,app,Playback,beep,1,30,ac(9)n(N)v(A=B^C=D))", "PJSIPHangup(BUSY_HERE)", "PJSIPHangup(486)", "PJSIPNotify(,Event=x)", "PickupChan(PJSIP/a,p)",
	"Playback(a&b,skip,noanswer)", "Read(x&y,beep,3,sint(#),1,2.5)", "Read(x)", "RetryDial(beep,5,3,PJSIP/a,10,d)", "SayNumber(-5,f)", "SendDTMF(1w2W*#Af,100,100,PJSIP/a-1,a)", "SendText()", "Set(CALLERID(num)=1)",
	"StatsD(c,a,1)", "StreamEcho()", "StreamEcho(2,audio)", "Transfer(PJSIP/a)", "UserEvent(a,b: c)", "Verbose(x)", "Verbose(3,x)", "Wait(500ms)", "WaitDigit()", "WaitExten()",
	"WaitExten(5,m(x))", "WaitForCondition(#,#[1 = 1],5,0.5)", "WaitUntil(1700000000.5)", "While(1)", "Strange(x)",
};

static struct report *check(const char *text)
{
	struct config_prm prm = { .dir = "/" };
	struct config *c = NULL;
	struct report *r = report_new();

	assert_non_null(r);
	assert_int_equal(config_parse(&c, &prm, STR("extensions.conf"), str_z(text), r), 0);
	check_apps(c, r);
	config_free(c);
	return r;
}

static void tells_what_is_wrong(void **state)
{
	struct buf text = BUF_INIT, got = BUF_INIT;
	struct report *r;
	size_t k = 0;

	(void)state;
	buf_put(&text, STR("[a]\nexten => 1,1,NoOp()\n"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].why)
			buf_printf(&text, " same => n,%s(%s)\n", rows[i].app, rows[i].args);
	r = check(buf_z(&text));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char want[256];

		if (!rows[i].why)
			continue;
		snprintf(want, sizeof(want), "extensions.conf:%zu: %s(%s) in 'a': %s", 3 + k, rows[i].app, rows[i].args, rows[i].why);
		if (k >= report_count(r))
			fail_msg("nothing is said of %s", want);
		assert_int_equal(report_at(r, k)->level, REPORT_ERROR);
		buf_reset(&got);
		report_write(&got, report_at(r, k++));
		assert_string_equal(buf_z(&got), want);
	}
	assert_int_equal(report_count(r), k);
	report_free(r);
	buf_free(&text);
	buf_free(&got);
}

static void takes_what_is_right(void **state)
{
	struct buf text = BUF_INIT, got = BUF_INIT;
	struct report *r;

	(void)state;
	buf_put(&text, STR("[a]\nexten => 1,1,NoOp()\n"));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		buf_printf(&text, " same => n,%s\n", good[i]);
	r = check(buf_z(&text));
	if (report_count(r)) {
		report_write(&got, report_at(r, 0));
		fail_msg("%s", buf_z(&got));
	}
	report_free(r);
	buf_free(&text);
	buf_free(&got);
}

static void knows_every_application(void **state)
{
	struct wire t;
	void **v;
	size_t n;

	(void)state;
	wire_open(&t, "", WIRE_UDP);
	v = map_sorted(t.w.pbx->apps, &n);
	assert_non_null(v);
	assert_true(n > 70);
	for (size_t i = 0; i < n; i++) {
		const struct app *a = v[i];
		bool here = false;

		for (size_t k = 0; !here && k < ARRAY_LEN(rows); k++)
			here = !strcmp(a->name, rows[k].app);
		if (!here)
			fail_msg("%s has no line here: which arguments are wrong in every call?", a->name);
	}
	free(v);
	wire_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_is_wrong), cmocka_unit_test(takes_what_is_right), cmocka_unit_test(knows_every_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
