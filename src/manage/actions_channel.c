/* Actions on channels that are there: variables, status, hang up, send elsewhere. */
#define LOG_MODULE "manager"
#include "manage/manager_private.h"
#include "manage/pattern.h"
#include "manage/pjsip_view.h"
#include "base/log.h"
#include "pbx/bridge.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include "pbx/local.h"
#include "service/call/functions.h"
#include <errno.h>
#include <stdlib.h>

/* ---- variables -------------------------------------------------------- */

static void setvar(struct ami_ctx *a)
{
	struct str name = ami_get(a, "Variable");
	struct channel *ch = NULL;

	if (!name.n) {
		ami_error(a, "No variable specified");
		return;
	}
	if (ami_get(a, "Channel").n) {
		ch = ami_get_channel(a, "Channel", "", "No such channel");
		if (!ch)
			return;
	}
	if (pbx_setvar(a->m->pbx, ch, name, ami_get(a, "Value")))
		ami_error(a, "Variable not set");
	else
		ami_ok(a, "Variable Set");
}

/* Functions that run programs need the right to. */
static bool may_read(const struct ami_ctx *a, struct str names)
{
	return (a->s->write & EV_SYSTEM) ||
	       (str_ifind(names, STR("SHELL")) == names.n && str_ifind(names, STR("EVAL")) == names.n);
}

static void getvar(struct ami_ctx *a)
{
	struct str name = ami_get(a, "Variable");
	struct channel *ch = NULL;
	struct buf b = BUF_INIT;

	if (!name.n) {
		ami_error(a, "No variable specified");
		return;
	}
	if (!may_read(a, name)) {
		ami_error(a, "GetVar Access Forbidden: Variable");
		return;
	}
	if (ami_get(a, "Channel").n) {
		ch = ami_get_channel(a, "Channel", "", "No such channel");
		if (!ch)
			return;
	}
	pbx_getvar(a->m->pbx, ch, name, &b);
	ami_start(a);
	ami_put(a, "Variable", name);
	ami_put(a, "Value", buf_view(&b));
	ami_end(a);
	buf_free(&b);
}

/* ---- status ----------------------------------------------------------- */

static void put_item(struct ami_ctx *a, struct channel *ch, const char *key, const char *name)
{
	struct buf b = BUF_INIT;

	if (ch->tech && ch->tech->read)
		ch->tech->read(ch, str_z(name), &b);
	ami_put(a, key, buf_view(&b));
	buf_free(&b);
}

static void variables(struct ami_ctx *a, struct channel *ch, struct str names, bool all)
{
	struct str v[100];
	size_t n = names.n ? pbx_args(names, v, ARRAY_LEN(v)) : 0;

	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;

		pbx_getvar(a->m->pbx, ch, v[i], &b);
		ami_printf(a, "Variable", "%.*s=%.*s", STR_ARG(v[i]), STR_ARG(buf_view(&b)));
		buf_free(&b);
	}
	for (struct list *l = all ? ch->vars.head.next : NULL; l && l != &ch->vars.head; l = l->next) {
		const struct var *x = container_of(l, struct var, link);

		ami_printf(a, "Variable", "%.*s=%.*s", STR_ARG(x->name), STR_ARG(x->value));
	}
}

static struct str text_or_unknown(const struct text *t, bool valid)
{
	return valid && t->n ? text_view(t) : STR("<unknown>");
}

static bool status_one(struct ami_ctx *a, struct channel *ch)
{
	ami_put(a, "Event", STR("Status"));
	ami_put(a, "Privilege", STR("Call"));
	ami_channel(a, ch);
	ami_put(a, "Type", str_z(ch->tech->type));
	ami_put(a, "DNID", text_view(&ch->dialed.number));
	ami_put(a, "EffectiveConnectedLineNum", text_or_unknown(&ch->connected.number, ch->connected.number_valid));
	ami_put(a, "EffectiveConnectedLineName", text_or_unknown(&ch->connected.name, ch->connected.name_valid));
	ami_printf(a, "TimeToHangup", "%lld", (long long)view_hangup_time(a->m, ch));
	ami_put(a, "BridgeID", ch->bridge ? bridge_id(ch->bridge) : STR_NULL);
	ami_put(a, "Application", text_view(&ch->app));
	ami_put(a, "Data", text_view(&ch->appdata));
	put_item(a, ch, "Nativeformats", "audionativeformat");
	put_item(a, ch, "Readformat", "audioreadformat");
	ami_put(a, "Readtrans", STR_NULL);
	put_item(a, ch, "Writeformat", "audiowriteformat");
	ami_put(a, "Writetrans", STR_NULL);
	ami_printf(a, "Callgroup", "%llu", (unsigned long long)ch->call_group);
	ami_printf(a, "Pickupgroup", "%llu", (unsigned long long)ch->pickup_group);
	ami_printf(a, "Seconds", "%lld", (long long)(clock_wall_s(a->m->clock) - ch->created));
	variables(a, ch, ami_get(a, "Variables"), ami_get_bool(a, "AllVariables"));
	if (a->id.n)
		ami_put(a, "ActionID", a->id);
	return ami_item_end(a);
}

static void status(struct ami_ctx *a)
{
	struct channel *only = NULL, *ch;
	struct map_walk w = { 0 };

	if (!may_read(a, ami_get(a, "Variables"))) {
		ami_error(a, "Status Access Forbidden: Variables");
		return;
	}
	if (ami_get(a, "Channel").n) {
		only = ami_get_channel(a, "Channel", "", "No such channel");
		if (!only)
			return;
	}
	ami_list_start(a, "Channel status will follow");
	if (only)
		status_one(a, only);
	while (!only && (ch = channel_walk_next(a->m->pbx, &w)) && status_one(a, ch))
		;
	map_walk_end(&w);
	ami_list_complete(a, "StatusComplete");
	ami_printf(a, "Items", "%zu", a->items);
	ami_end(a);
}

/* ---- hangup ----------------------------------------------------------- */

typedef void hangup_fn(struct channel *ch, int cause);

static void by_cause(struct channel *ch, int cause)
{
	channel_soft_hangup(ch, cause ? cause : CAUSE_NORMAL, SOFT_QUIET);
}

static void by_status(struct channel *ch, int status)
{
	if (!pjsip_hangup(ch, (unsigned)status))
		channel_soft_hangup(ch, ch->cause, SOFT_EXPLICIT);
}

static void hang_up(struct ami_ctx *a, struct channel *ch, hangup_fn *how, int cause)
{
	char text[SA_TEXT];

	log_verbose(3, "Manager '%s' from %s, hanging up channel: %s", text_z(&a->s->user),
		    sa_text_bare(&a->s->peer, text), text_z(&ch->name));
	how(ch, cause);
}

/* Those of now, held: hanging up changes the list. */
static struct channel **matching(struct ami_ctx *a, const regex_t *re, size_t *n)
{
	size_t cap = channel_count(a->m->pbx);
	struct channel **v = calloc(cap + 1, sizeof(struct channel *));

	*n = 0;
	if (!v)
		return NULL;
	list_each(l, &a->m->pbx->channels) {
		struct channel *ch = container_of(l, struct channel, link);

		if (*n < cap && pattern_has(re, text_view(&ch->name)))
			v[(*n)++] = obj_hold(ch);
	}
	return v;
}

static void hangup_all(struct ami_ctx *a, struct str pattern, hangup_fn *how, int cause)
{
	struct channel **v;
	regex_t re;
	size_t n = 0;

	if (pattern.n < 2 || pattern.p[pattern.n - 1] != '/') {
		ami_error(a, "Regex format invalid, Channel param should be /regex/");
		return;
	}
	if (pattern_compile(&re, str_sub(pattern, 1, pattern.n - 2))) {
		ami_error(a, "Regex compile failed on: %.*s", STR_ARG(pattern));
		return;
	}
	ami_list_start(a, "Channels hung up will follow");
	v = matching(a, &re, &n);
	regfree(&re);
	for (size_t i = 0; i < n; i++) {
		if (!v[i]->dead)
			hang_up(a, v[i], how, cause);
		ami_put(a, "Event", STR("ChannelHungup"));
		ami_put(a, "Channel", text_view(&v[i]->name));
		if (a->id.n)
			ami_put(a, "ActionID", a->id);
		obj_drop(v[i]);
		ami_item_end(a);
	}
	free(v);
	ami_list_end(a, "ChannelsHungupListComplete");
}

static void hangup_named(struct ami_ctx *a, hangup_fn *how, int cause)
{
	struct str name = ami_get(a, "Channel");
	struct channel *ch;

	if (name.n && name.p[0] == '/') {
		hangup_all(a, name, how, cause);
		return;
	}
	ch = ami_get_channel(a, "Channel", "No channel specified", "No such channel");
	if (!ch)
		return;
	hang_up(a, ch, how, cause);
	ami_ok(a, "Channel Hungup");
}

static void hangup(struct ami_ctx *a)
{
	struct str s = ami_get(a, "Cause");
	uint32_t cause = 0;

	if (s.n && (str_u32(s, &cause) || cause > 127)) {
		log_notice("Invalid 'Cause: %.*s' in manager action Hangup", STR_ARG(s));
		cause = 0;
	}
	hangup_named(a, by_cause, (int)cause);
}

static void hangup_pjsip(struct ami_ctx *a)
{
	hangup_named(a, by_status, (int)pjsip_hangup_status(ami_get(a, "Cause"), "PJSIPHangup"));
}

/* ---- redirect --------------------------------------------------------- */

struct place {
	struct str context, exten;
	int priority;
};

/* False: something is wrong, and was answered. */
static bool read_place(struct ami_ctx *a, const char *prefix, struct place *p)
{
	char key[3][32];
	struct str s;
	uint32_t n;

	for (size_t i = 0; i < 3; i++) {
		static const char *const parts[] = { "Context", "Exten", "Priority" };

		snprintf(key[i], sizeof(key[i]), "%s%s", prefix, parts[i]);
	}
	p->context = ami_get(a, key[0]);
	p->exten = ami_get(a, key[1]);
	s = ami_get(a, key[2]);
	if (!p->context.n || !p->exten.n || !s.n) {
		ami_error(a, "%s not specified", !p->context.n ? key[0] : !p->exten.n ? key[1] : key[2]);
		return false;
	}
	if (!str_u32(s, &n) && n <= INT32_MAX)
		p->priority = (int)n;
	else
		p->priority = dialplan_label(a->m->pbx, p->context, p->exten, s, STR_NULL);
	if (p->priority < 1)
		ami_error(a, "%s is invalid", key[2]);
	return p->priority >= 1;
}

static struct channel *movable(struct ami_ctx *a, const char *key, const char *which)
{
	struct str name = ami_get(a, key);
	struct channel *ch = channel_by_name(a->m->pbx, name);

	if (!ch)
		ami_error(a, "%s does not exist: %.*s", key, STR_ARG(name));
	else if (ch->hungup)
		ami_error(a, "Redirect failed, %s not up.", which);
	return ch && !ch->hungup ? ch : NULL;
}

static int go_to_place(struct channel *ch, const struct place *p)
{
	return pbx_async_goto(ch, p->context, p->exten, p->priority);
}

static void redirect_channels(struct ami_ctx *a)
{
	struct place one, two;
	struct channel *first, *second;
	int err;

	if (!ami_get(a, "Channel").n) {
		ami_error(a, "Channel not specified");
		return;
	}
	if (!read_place(a, "", &one))
		return;
	two = one;
	if (ami_get(a, "ExtraChannel").n && ami_get(a, "ExtraContext").n && !read_place(a, "Extra", &two))
		return;
	first = movable(a, "Channel", "channel");
	if (!first)
		return;
	if (!ami_get(a, "ExtraChannel").n) {
		if (go_to_place(first, &one))
			ami_error(a, "Redirect failed");
		else
			ami_ok(a, "Redirect successful");
		return;
	}
	second = movable(a, "ExtraChannel", "extra channel");
	if (!second)
		return;
	/* The first that leaves ends a bridge of two, and with it the second: so
	 * that one must be on its way before. */
	obj_hold(first);
	err = go_to_place(second, &two);
	if (err)
		ami_error(a, "Secondary redirect failed");
	else if (first->dead || go_to_place(first, &one))
		ami_error(a, "Redirect failed");
	else
		ami_ok(a, "Dual Redirect successful");
	obj_drop(first);
}

static void blind_transfer(struct ami_ctx *a)
{
	struct channel *ch;
	struct blind_transfer t = { .exten = ami_get(a, "Exten"), .context = ami_get(a, "Context"), .external = true };
	int err;

	if (!ami_get(a, "Channel").n || !t.exten.n) {
		ami_error(a, ami_get(a, "Channel").n ? "No extension specified" : "No channel specified");
		return;
	}
	ch = ami_get_channel(a, "Channel", "", "Channel specified does not exist");
	if (!ch)
		return;
	if (!t.context.n)
		t.context = text_view(&ch->context);
	err = bridge_blind_transfer(ch, &t);
	if (err == EPERM)
		ami_error(a, "Transfer not permitted");
	else if (err == ENOENT || err == EINVAL)
		ami_error(a, "Transfer invalid");
	else if (err)
		ami_error(a, "Transfer failed");
	else
		ami_ok(a, "Transfer succeeded");
}

/* ---- attended transfer ------------------------------------------------ */

static void press_digits(struct channel *ch, struct str digits)
{
	for (size_t i = 0; i < digits.n; i++) {
		struct chan_event *e = chan_event_new(CE_DTMF_END);

		if (!e)
			return;
		e->digit = digits.p[i];
		e->ms = 100;
		channel_event(ch, e);
	}
}

/* The same as if its user had dialled the feature's code and the number. */
static void atxfer(struct ami_ctx *a)
{
	struct str context = ami_get(a, "Context");
	const struct features_conf *f;
	struct channel *ch;

	if (!ami_get(a, "Channel").n || !ami_get(a, "Exten").n) {
		ami_error(a, ami_get(a, "Channel").n ? "No extension specified" : "No channel specified");
		return;
	}
	ch = ami_get_channel(a, "Channel", "", "Channel specified does not exist");
	if (!ch)
		return;
	f = features_of(ch);
	if (!f->atxfer.n) {
		ami_error(a, "No attended transfer feature code found");
		return;
	}
	if (context.n)
		pbx_setvar(a->m->pbx, ch, STR("TRANSFER_CONTEXT"), context);
	press_digits(ch, text_view(&f->atxfer));
	press_digits(ch, ami_get(a, "Exten"));
	ami_ok(a, "Atxfer successfully queued");
}

static void cancel_atxfer(struct ami_ctx *a)
{
	struct channel *ch = ami_get_channel(a, "Channel", "No channel specified", "Channel specified does not exist");
	const struct features_conf *f = ch ? features_of(ch) : NULL;

	if (!ch)
		return;
	if (!f->atxferabort.n) {
		ami_error(a, "No disconnect feature code found");
		return;
	}
	press_digits(ch, text_view(&f->atxferabort));
	ami_ok(a, "CancelAtxfer successfully queued");
}

/* ---- sound and text --------------------------------------------------- */

static void send_text(struct ami_ctx *a)
{
	struct str type = ami_get(a, "Content-Type"), body = ami_get(a, "Message");
	struct channel *ch;

	if (!ami_get(a, "Channel").n) {
		ami_error(a, "No channel specified");
		return;
	}
	if (!body.n) {
		ami_error(a, "No Message specified");
		return;
	}
	ch = ami_get_channel(a, "Channel", "", "No such channel");
	if (!ch)
		return;
	if (!ch->tech->text || ch->tech->text(ch, body, type.n ? type : STR("text/plain")))
		ami_error(a, "Failure");
	else
		ami_ok(a, "Success");
}

static void absolute_timeout(struct ami_ctx *a)
{
	struct str t = ami_get(a, "Timeout");
	struct channel *ch;
	double s = 0;

	if (!ami_get(a, "Channel").n) {
		ami_error(a, "No channel specified");
		return;
	}
	if (str_double(t, &s) || !(s > 0)) {
		ami_error(a, "No timeout specified");
		return;
	}
	ch = ami_get_channel(a, "Channel", "", "No such channel");
	if (!ch)
		return;
	if (pbx_setvar(a->m->pbx, ch, STR("TIMEOUT(absolute)"), t))
		ami_error(a, "Timeout not set");
	else
		ami_ok(a, "Timeout Set");
}

static void mute_audio(struct ami_ctx *a)
{
	struct str state = ami_get(a, "State"), direction = ami_get(a, "Direction");
	struct channel *ch;
	bool on = false;

	if (!ami_get(a, "Channel").n || !state.n || !direction.n) {
		ami_error(a, !ami_get(a, "Channel").n ? "Channel not specified" : !state.n ? "State not specified" :
			  "Direction not specified");
		return;
	}
	ch = ami_get_channel(a, "Channel", "Channel not specified", "No such channel");
	if (!ch)
		return;
	if (channel_mute(ch, direction, !str_bool(state, &on) && on)) {
		ami_error(a, "Failed to mute/unmute stream");
		return;
	}
	ami_start(a);
	ami_end(a);
}

static void local_optimize(struct ami_ctx *a)
{
	struct channel *ch = ami_get_channel(a, "Channel", "'Channel' not specified.", "Channel does not exist.");

	if (!ch)
		return;
	if (local_allow_optimize(ch))
		ami_error(a, "Unable to optimize channel");
	else
		ami_ok(a, "Queued channel to be optimized away");
}

static const struct ami_action rows[] = {
	{ "Setvar", EV_CALL, "Set a channel's or a global variable, or write a function", setvar, false },
	{ "Getvar", EV_CALL | EV_REPORTING, "Read a variable or function", getvar, false },
	{ "Status", EV_SYSTEM | EV_CALL | EV_REPORTING, "Tell all about one channel or each", status, false },
	{ "Hangup", EV_SYSTEM | EV_CALL, "Hang up a channel, or all that match /regex/", hangup, false },
	{ "PJSIPHangup", EV_SYSTEM | EV_CALL, "Refuse a call that comes, or all that match /regex/, with a SIP status", hangup_pjsip, false },
	{ "Redirect", EV_CALL, "Send a channel elsewhere in the dialplan", redirect_channels, false },
	{ "BlindTransfer", EV_CALL, "Transfer a channel's peer to an extension", blind_transfer, false },
	{ "Atxfer", EV_CALL, "Begin an attended transfer for a channel", atxfer, false },
	{ "CancelAtxfer", EV_CALL, "End an attended transfer that was begun", cancel_atxfer, false },
	{ "SendText", EV_CALL, "Send a text to a channel", send_text, false },
	{ "AbsoluteTimeout", EV_SYSTEM | EV_CALL, "Limit how long a channel may live", absolute_timeout, false },
	{ "MuteAudio", EV_SYSTEM, "Let silence stand for what a channel says or hears", mute_audio, false },
	{ "LocalOptimizeAway", EV_SYSTEM | EV_CALL, "Let a Local channel be optimised away", local_optimize, false },
};
const struct ami_table ami_channel_actions = { rows, ARRAY_LEN(rows) };
