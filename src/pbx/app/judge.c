/* Arguments of applications that are wrong whatever the call: a table of what each application takes, and those rules
 * that no table has. What a call decides (does that channel exist?) is no fault here. */
#include "pbx/app/judge.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/run.h"
#include "pbx/timing.h"
#include <stdarg.h>
#include <stdio.h>

/* Further arguments than these are not looked at. */
#define ARGS 7

static bool say(char why[APP_WHY], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool say(char why[APP_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, APP_WHY, fmt, ap);
	va_end(ap);
	return true;
}

/* ---- rules of their own ------------------------------------------------------------------- */

typedef bool rule_fn(struct str data, char why[APP_WHY]);

/* [[context,]extension,]priority, and arguments for a Gosub. */
static bool is_place(struct str s)
{
	struct str part[4], rest = str_trim(str_sub(s, 0, str_chr(s, '(')));
	uint32_t priority;
	size_t n = 0;

	while (n < ARRAY_LEN(part) && (rest.n || !n))
		part[n++] = str_trim(str_cut_raw(&rest, ','));
	/* Else it is a label. */
	return n < ARRAY_LEN(part) && part[n - 1].n && (str_u32(part[n - 1], &priority) || priority);
}

static bool bad_place(struct str s, char why[APP_WHY])
{
	s = str_trim(s);
	return s.n && !is_place(s) && say(why, "'%.*s' is no [[context,]extension,]priority", STR_ARG(s));
}

static bool rule_goto(struct str data, char why[APP_WHY])
{
	return str_trim(data).n ? bad_place(data, why) : say(why, "it needs [[context,]extension,]priority");
}

static bool rule_goto_if(struct str data, char why[APP_WHY])
{
	struct str condition, yes, no;

	run_branches(data, &condition, &yes, &no);
	if (!str_trim(yes).n && !str_trim(no).n)
		return say(why, "it needs condition?place:place");
	return bad_place(yes, why) || bad_place(no, why);
}

/* "times,weekdays,mdays,months[,timezone]?" of `data`, which is left with the rest. */
static bool bad_times(struct str *data, char why[APP_WHY])
{
	struct str times = str_cut_raw(data, '?');
	struct timing t;

	if (!str_trim(times).n || !str_trim(*data).n)
		return say(why, "it needs times,weekdays,mdays,months[,timezone]? and what then");
	return timing_parse(&t, times) && say(why, "some of the times '%.*s' is not understood", STR_ARG(times));
}

static bool rule_goto_if_time(struct str data, char why[APP_WHY])
{
	struct str yes;

	if (bad_times(&data, why))
		return true;
	yes = str_cut_raw(&data, ':');
	return bad_place(yes, why) || bad_place(data, why);
}

static bool rule_exec_if_time(struct str data, char why[APP_WHY])
{
	return bad_times(&data, why);
}

static bool rule_exec_if(struct str data, char why[APP_WHY])
{
	struct str condition, yes, no;

	run_branches(data, &condition, &yes, &no);
	return !str_trim(yes).n && !str_trim(no).n && say(why, "it needs condition?app(args):app(args)");
}

static bool rule_set(struct str data, char why[APP_WHY])
{
	size_t eq = str_chr(data, '=');

	return (eq == data.n || !str_trim(str_sub(data, 0, eq)).n) && say(why, "'%.*s' is no NAME=value", STR_ARG(data));
}

static bool rule_mset(struct str data, char why[APP_WHY])
{
	bool wrong = false;
	struct args a;

	if (args_split(&a, data, ',', ARGS_MAX))
		return false;
	if (!a.n)
		wrong = rule_set(data, why);
	for (size_t i = 0; !wrong && i < a.n; i++)
		wrong = rule_set(a.v[i], why);
	args_free(&a);
	return wrong;
}

static bool rule_import_var(struct str data, char why[APP_WHY])
{
	struct str name = str_trim(str_cut_raw(&data, '=')), channel = str_trim(str_cut_raw(&data, ','));

	return (!name.n || !channel.n || !str_trim(data).n) && say(why, "it needs here=channel,there");
}

static bool rule_hangup(struct str data, char why[APP_WHY])
{
	uint32_t n;

	data = str_trim(data);
	return data.n && cause_of(data) <= 0 && (str_u32(data, &n) || !n || n > 127) &&
	       say(why, "'%.*s' is no cause", STR_ARG(data));
}

static bool is_one_of(struct str s, const char *words)
{
	struct str rest = str_z(words);

	while (rest.n)
		if (str_ieq(s, str_cut_raw(&rest, ' ')))
			return true;
	return false;
}

static bool rule_log(struct str data, char why[APP_WHY])
{
	struct str level = str_trim(str_cut_raw(&data, ','));

	return !is_one_of(level, "ERROR WARNING NOTICE VERBOSE DEBUG DTMF") && say(why, "there is no level '%.*s'", STR_ARG(level));
}

static bool rule_verbose(struct str data, char why[APP_WHY])
{
	uint32_t level;
	struct str v[2];

	return pbx_args(data, v, 2) > 1 && (str_u32(str_trim(v[0]), &level) || level > 10) &&
	       say(why, "'%.*s' is no level from 0 to 10", STR_ARG(v[0]));
}

static bool rule_playback(struct str data, char why[APP_WHY])
{
	struct str v[2], rest, word;

	pbx_args(data, v, 2);
	for (rest = v[1]; rest.n;) {
		struct str part = str_cut_raw(&rest, ',');

		while (part.n) {
			word = str_trim(str_cut_raw(&part, '&'));
			if (word.n && !is_one_of(word, "skip noanswer say mix"))
				return say(why, "there is no option '%.*s'", STR_ARG(word));
		}
	}
	return false;
}

static bool rule_digits(struct str data, char why[APP_WHY])
{
	struct str v[2];

	pbx_args(data, v, 2);
	for (size_t i = 0; i < v[0].n; i++)
		if (str_chr(STR("0123456789*#ABCDabcdfFwW"), v[0].p[i]) == 24)
			return say(why, "'%c' is no digit", v[0].p[i] & 0x7f);
	return false;
}

static bool rule_originate(struct str data, char why[APP_WHY])
{
	struct str v[3];

	pbx_args(data, v, 3);
	return !is_one_of(str_trim(v[1]), "app exten") && say(why, "'%.*s' is neither app nor exten", STR_ARG(v[1]));
}

static bool rule_wait_for(struct str data, char why[APP_WHY])
{
	struct str v[2];

	pbx_args(data, v, 2);
	return v[0].n != 1 && say(why, "'%.*s' is not one character", STR_ARG(v[0]));
}

static bool rule_db_del(struct str data, char why[APP_WHY])
{
	struct str key = str_trim(data), family = str_cut_raw(&key, '/');

	return (!family.n || !key.n) && say(why, "it needs family/key");
}

static bool rule_mix_monitor(struct str data, char why[APP_WHY])
{
	struct str v[2], file;

	pbx_args(data, v, 2);
	file = str_trim(v[0]);
	return !file.n && !pbx_option(v[1], 'r', NULL) && !pbx_option(v[1], 't', NULL) && say(why, "it needs a file, or one in r() or t()");
}

/* "seconds[^seconds]", L() and S() of Dial; each destination has a technology. */
static bool rule_dial(struct str data, char why[APP_WHY])
{
	struct str v[4], rest, arg;
	uint32_t n;
	double d;

	pbx_args(data, v, 4);
	for (rest = v[0]; rest.n;) {
		struct str one = str_trim(str_cut_raw(&rest, '&'));

		if (one.n && (str_chr(one, '/') == one.n || !str_chr(one, '/')))
			return say(why, "'%.*s' is no technology/destination", STR_ARG(one));
	}
	for (rest = v[1]; rest.n;) {
		struct str one = str_trim(str_cut_raw(&rest, '^'));

		if (one.n && (str_double(one, &d) || !(d > 0)))
			return say(why, "'%.*s' is no timeout", STR_ARG(one));
	}
	if (pbx_option(v[2], 'S', &arg) && (str_u32(str_trim(arg), &n) || !n))
		return say(why, "S(%.*s) is no duration", STR_ARG(arg));
	if (pbx_option(v[2], 'L', &arg) && (str_u32(str_trim(str_cut_raw(&arg, ':')), &n) || !n))
		return say(why, "L() has no limit in milliseconds");
	return false;
}

/* ---- the table ---------------------------------------------------------------------------------- */

/* `args`: the names of the arguments, each with its kind behind a colon, then ! when it must be there.
 * u: whole number, i: the same with a sign, s: number, d: duration, o: letters of `options`; none: any text. */
static const struct row {
	struct str app;
	const char *args, *options;
	rule_fn *rule;
} rows[] = {
	{ STR_INIT("Answer"), "delay:u options:o", "i", NULL },
	{ STR_INIT("AttendedTransfer"), "extension!", "", NULL },
	{ STR_INIT("BackGround"), "file! options:o", "snmp", NULL },
	{ STR_INIT("BackgroundDetect"), "file! silence:u min:u max:u within:u", "", NULL },
	{ STR_INIT("BlindTransfer"), "extension! context", "", NULL },
	{ STR_INIT("Bridge"), "channel! options:o", "pFhHkKLnStTwWx", NULL },
	{ STR_INIT("Busy"), "timeout:s", "", NULL },
	{ STR_INIT("ChanIsAvail"), "destination! options:o", "ast", NULL },
	{ STR_INIT("ChannelRedirect"), "channel! place!", "", NULL },
	{ STR_INIT("ClearHash"), "hash!", "", NULL },
	{ STR_INIT("Congestion"), "timeout:s", "", NULL },
	{ STR_INIT("DBdel"), "", "", rule_db_del },
	{ STR_INIT("DBdeltree"), "family!", "", NULL },
	{ STR_INIT("Dial"), "destination! timeout options:o", "AabBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvwWxXz", rule_dial },
	{ STR_INIT("DumpChan"), "level:u", "", NULL },
	{ STR_INIT("ElseIf"), "condition!", "", NULL },
	{ STR_INIT("Exec"), "application!", "", NULL },
	{ STR_INIT("ExecIf"), "", "", rule_exec_if },
	{ STR_INIT("ExecIfTime"), "", "", rule_exec_if_time },
	{ STR_INIT("Gosub"), "", "", rule_goto },
	{ STR_INIT("GosubIf"), "", "", rule_goto_if },
	{ STR_INIT("Goto"), "", "", rule_goto },
	{ STR_INIT("GotoIf"), "", "", rule_goto_if },
	{ STR_INIT("GotoIfTime"), "", "", rule_goto_if_time },
	{ STR_INIT("Hangup"), "", "", rule_hangup },
	{ STR_INIT("If"), "condition!", "", NULL },
	{ STR_INIT("ImportVar"), "", "", rule_import_var },
	{ STR_INIT("Incomplete"), "options:o", "n", NULL },
	{ STR_INIT("Log"), "", "", rule_log },
	{ STR_INIT("Milliwatt"), "options:o", "om", NULL },
	{ STR_INIT("MixMonitor"), "file options:o", "abBcdpPvVWrtDimSns", rule_mix_monitor },
	{ STR_INIT("MSet"), "", "", rule_mset },
	{ STR_INIT("MusicOnHold"), "class duration:s", "", NULL },
	{ STR_INIT("Originate"), "destination! type! argument! more more timeout:u options:o", "abBCcnv", rule_originate },
	{ STR_INIT("PickupChan"), "channel! options:o", "p", NULL },
	{ STR_INIT("Playback"), "file!", "", rule_playback },
	{ STR_INIT("PlayTones"), "tones!", "", NULL },
	{ STR_INIT("RaiseException"), "reason!", "", NULL },
	{ STR_INIT("Read"), "variable! file max:u options:o attempts:u timeout:s", "sinte", NULL },
	{ STR_INIT("RetryDial"), "announcement seconds:u times:u destination!", NULL, NULL },
	{ STR_INIT("SayAlpha"), "text!", "", NULL },
	{ STR_INIT("SayDigits"), "digits!", "", NULL },
	{ STR_INIT("SayNumber"), "number:i!", "", NULL },
	{ STR_INIT("SendDTMF"), "digits! gap:u length:u channel options:o", "a", rule_digits },
	{ STR_INIT("Set"), "", "", rule_set },
	{ STR_INIT("SoftHangup"), "channel! options:o", "a", NULL },
	{ STR_INIT("System"), "command!", "", NULL },
	{ STR_INIT("Transfer"), "destination!", "", NULL },
	{ STR_INIT("TryExec"), "application!", "", NULL },
	{ STR_INIT("TrySystem"), "command!", "", NULL },
	{ STR_INIT("UserEvent"), "name!", "", NULL },
	{ STR_INIT("Verbose"), "", "", rule_verbose },
	{ STR_INIT("Wait"), "seconds:d!", "", NULL },
	{ STR_INIT("WaitDigit"), "seconds:s", "", NULL },
	{ STR_INIT("WaitExten"), "seconds:d options:o", "md", NULL },
	{ STR_INIT("WaitForCondition"), "replace! expression! timeout:d interval:d", "", rule_wait_for },
	{ STR_INIT("WaitForNoise"), "time:u times:u timeout:u", "", NULL },
	{ STR_INIT("WaitForSilence"), "time:u times:u timeout:u", "", NULL },
	{ STR_INIT("WaitUntil"), "time:s!", "", NULL },
	{ STR_INIT("While"), "condition!", "", NULL },
};

/* The bracket that closes the one before s.p[at]; s.n: there is none. */
static size_t closing(struct str s, size_t at)
{
	unsigned depth = 1;

	for (; at < s.n; at++) {
		if (s.p[at] == '\\')
			at++;
		else if (s.p[at] == '(')
			depth++;
		else if (s.p[at] == ')' && !--depth)
			return at;
	}
	return s.n;
}

static bool bad_options(struct str s, const char *known, char why[APP_WHY])
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == ' ')
			continue;
		if (str_chr(str_z(known), c) == str_z(known).n)
			return say(why, "there is no option '%c'", c > ' ' && c < 0x7f ? c : '?');
		if (i + 1 == s.n || s.p[i + 1] != '(')
			continue;
		i = closing(s, i + 2);
		if (i == s.n)
			return say(why, "option '%c(' is never closed", c);
	}
	return false;
}

static bool is_of_kind(char kind, struct str s)
{
	uint32_t u;
	uint64_t ms;
	int64_t i;
	double d;

	switch (kind) {
	case 'u':
		return !str_u32(s, &u);
	case 'i':
		return !str_i64(s, &i);
	case 's':
		return !str_double(s, &d) && d >= 0;
	case 'd':
		return app_duration(s, &ms);
	default:
		return true;
	}
}

static bool bad_arg(const struct row *r, struct str form, struct str s, char why[APP_WHY])
{
	bool must = form.p[form.n - 1] == '!';
	struct str kind = str_sub(form, 0, form.n - must), name = str_cut_raw(&kind, ':');

	s = str_trim(s);
	if (!s.n)
		return must && say(why, "%.*s is missing", STR_ARG(name));
	if (!kind.n)
		return false;
	if (kind.p[0] == 'o')
		return bad_options(s, r->options, why);
	return !is_of_kind(kind.p[0], s) && say(why, "%.*s '%.*s' is no %s", STR_ARG(name), STR_ARG(s),
						kind.p[0] == 'd' ? "duration" : kind.p[0] == 'u' ? "whole number" : "number");
}

static bool judge(const struct row *r, struct str data, char why[APP_WHY])
{
	struct str v[ARGS + 1], forms = str_z(r->args);

	/* The last one takes the rest. */
	pbx_args(data, v, ARRAY_LEN(v));
	for (size_t i = 0; forms.n; i++)
		if (bad_arg(r, str_cut_raw(&forms, ' '), v[i], why))
			return true;
	return r->rule && r->rule(data, why);
}

bool app_judge(struct str app, struct str data, char why[APP_WHY])
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_ieq(app, rows[i].app))
			return judge(&rows[i], data, why);
	return false;
}
