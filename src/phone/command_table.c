/* The commands of the interactive phone. */
#include "phone/command.h"
#include <errno.h>
#include <stdlib.h>

static const char *said(struct commands *c, int err)
{
	const char *words = sidetone_ua_error(c->phone->ua);

	return !err ? NULL : (err == EINVAL || err == EPERM) && *words ? words : strerror(err);
}

/* The call with the number `args`, or the current one. NULL: there is none. */
static struct call *call_named(struct commands *c, struct str args)
{
	uint32_t number = c->current;
	struct call *found;

	if (args.n && str_u32(args, &number))
		return NULL;
	found = call_find(c->phone, number);
	return found || args.n ? found : call_find(c->phone, 0);
}

#define NO_CALL "there is no such call"

/* ---- calls --------------------------------------------------------------------------------------------- */

static const char *do_call(struct commands *c, struct str args)
{
	struct call *made;
	int err;

	if (!args.n)
		return "whom?";
	err = call_make(c->phone, args, text_view(&c->phone->options.headers), &made);
	if (!err)
		c->current = made->number;
	return said(c, err);
}

static const char *do_answer(struct commands *c, struct str args)
{
	struct list *l = &c->phone->calls;
	struct call *call = args.n ? call_named(c, args) : NULL;

	/* Without a number: one that rings. */
	for (struct list *e = l->next; !args.n && !call && e != l; e = e->next) {
		struct call *one = container_of(e, struct call, link);

		call = one->theirs && !one->up && !one->over ? one : NULL;
	}
	if (!call)
		return "nobody calls";
	c->current = call->number;
	return said(c, call_answer(call));
}

static const char *do_reject(struct commands *c, struct str args)
{
	struct str rest = args, word = str_cut_raw(&rest, ' ');
	struct call *call = call_named(c, str_trim(rest));
	uint32_t status = 486;

	if (!call)
		return NO_CALL;
	if (word.n && (str_u32(word, &status) || status < 300 || status > 699))
		return "a status is 300 to 699";
	return said(c, sidetone_session_reject(call->session, status, NULL, NULL));
}

static const char *do_hangup(struct commands *c, struct str args)
{
	struct call *call = call_named(c, args);

	return call ? said(c, call_hang_up(call, 0)) : NO_CALL;
}

static const char *do_hold(struct commands *c, struct str args)
{
	struct call *call = call_named(c, args);

	return call ? said(c, call_hold(call, true)) : NO_CALL;
}

static const char *do_resume(struct commands *c, struct str args)
{
	struct call *call = call_named(c, args);

	return call ? said(c, call_hold(call, false)) : NO_CALL;
}

/* To a target (blind), or to the other side of another call (attended). */
static const char *do_transfer(struct commands *c, struct str args)
{
	struct call *call = call_named(c, STR_NULL), *other = NULL;
	uint32_t number;

	if (!call)
		return NO_CALL;
	if (!args.n)
		return "to whom? a target, or the number of another call";
	if (!str_u32(args, &number))
		other = call_find(c->phone, number);
	if (other == call)
		return "a call cannot be transferred to itself";
	return said(c, call_transfer(call, args, other));
}

static const char *do_digits(struct commands *c, struct str args)
{
	struct call *call = call_named(c, STR_NULL);

	if (!call)
		return NO_CALL;
	return args.n ? said(c, call_digits(call, args)) : "which? 0-9 * # A-D, and a comma for a second";
}

static const char *mute(struct commands *c, struct str args, bool on)
{
	struct call *call = call_named(c, args);

	return call ? said(c, sidetone_media_mute(c->phone->media, call->session, on)) : NO_CALL;
}

static const char *do_mute(struct commands *c, struct str args) { return mute(c, args, true); }
static const char *do_unmute(struct commands *c, struct str args) { return mute(c, args, false); }

static const char *set_source(struct commands *c, enum sidetone_source_type type, struct str args)
{
	struct call *call = call_named(c, STR_NULL);
	struct text z = { 0 };
	int err = text_set(&z, args);

	if (call && !err)
		err = sidetone_media_source(c->phone->media, call->session, &(struct sidetone_source){ .type = type, .text = text_z(&z) });
	text_free(&z);
	return call ? said(c, err) : NO_CALL;
}

static const char *do_play(struct commands *c, struct str args)
{
	return args.n ? set_source(c, SIDETONE_FILE, args) : "which file?";
}

static const char *do_tone(struct commands *c, struct str args)
{
	return args.n ? set_source(c, SIDETONE_TONE, args) : set_source(c, SIDETONE_SILENCE, args);
}

static const char *do_record(struct commands *c, struct str args)
{
	struct call *call = call_named(c, STR_NULL);
	struct text z = { 0 };
	int err = text_set(&z, args);

	if (call && !err)
		err = sidetone_media_record(c->phone->media, call->session, args.n ? text_z(&z) : NULL, true);
	text_free(&z);
	return call ? said(c, err) : NO_CALL;
}

static const char *do_use(struct commands *c, struct str args)
{
	struct call *call = call_named(c, args);

	if (!call || !args.n)
		return NO_CALL;
	c->current = call->number;
	return NULL;
}

static void say_call(struct commands *c, const struct call *call)
{
	struct sidetone_media_state s = { 0 };
	const char *state = call->up ? "up" : call->theirs ? "rings here" : "rings there";

	if (!sidetone_media_state(c->phone->media, call->session, &s) && call->up && (s.held || s.held_by_peer))
		state = s.held ? "held" : "held by the other side";
	say_text(c->phone, "%c %u  %s  %s  %.0f s  %s", call == call_named(c, STR_NULL) ? '*' : ' ', call->number,
		   text_z(&call->peer), state, call_seconds(call), s.codec ? s.codec : "");
}

static const char *do_calls(struct commands *c, struct str args)
{
	struct list *l = &c->phone->calls;

	(void)args;
	if (!call_find(c->phone, 0))
		say_text(c->phone, "no call");
	for (struct list *e = l->next; e != l; e = e->next)
		if (!container_of(e, struct call, link)->over)
			say_call(c, container_of(e, struct call, link));
	return NULL;
}

/* ---- other requests --------------------------------------------------------------------------------------- */

static const char *send_request(struct commands *c, const char *method, struct str target, struct str body)
{
	struct text to = { 0 }, text = { 0 };
	int err = text_set(&to, target);

	err = err ? err : text_set(&text, body);
	if (!err) {
		const struct sidetone_request_options r = { .method = method, .target = text_z(&to), .body = text.p };

		err = sidetone_ua_request(c->phone->ua, &r, NULL);
	}
	text_free(&to);
	text_free(&text);
	return said(c, err);
}

static const char *do_message(struct commands *c, struct str args)
{
	struct str target = str_cut_raw(&args, ' ');

	args = str_trim(args);
	return target.n && args.n ? send_request(c, "MESSAGE", target, args) : "message TARGET TEXT";
}

static const char *do_options(struct commands *c, struct str args)
{
	return args.n ? send_request(c, "OPTIONS", args, STR_NULL) : "whom?";
}

void watch_free(struct watch *w)
{
	list_remove(&w->link);
	sidetone_subscription_free(w->subscription);
	text_free(&w->target);
	free(w);
}

static const char *do_watch(struct commands *c, struct str args)
{
	struct str target = str_cut_raw(&args, ' ');
	struct watch *w = calloc(1, sizeof(*w));
	struct text event = { 0 };
	int err = w ? text_set(&w->target, target) : ENOMEM;

	args = str_trim(args);
	err = err ? err : text_set(&event, args.n ? args : STR("dialog"));
	if (!err) {
		const struct sidetone_request_options r = { .target = text_z(&w->target) };

		err = target.n ? sidetone_ua_subscribe(c->phone->ua, &r, text_z(&event), 3600, &w->subscription) : EINVAL;
	}
	text_free(&event);
	if (!err) {
		list_append(&c->watches, &w->link);
		return NULL;
	}
	if (w)
		watch_free(w);
	return target.n ? said(c, err) : "whom?";
}

static const char *do_unwatch(struct commands *c, struct str args)
{
	for (struct list *e = c->watches.next; e != &c->watches; e = e->next) {
		struct watch *w = container_of(e, struct watch, link);

		if (args.n && !str_eq(args, text_view(&w->target)))
			continue;
		sidetone_subscription_end(w->subscription);
		watch_free(w);
		return NULL;
	}
	return "nobody of that name is watched";
}

static const char *do_register(struct commands *c, struct str args)
{
	(void)args;
	return said(c, sidetone_ua_register(c->phone->ua, NULL, false));
}

static const char *do_unregister(struct commands *c, struct str args)
{
	return said(c, sidetone_ua_unregister(c->phone->ua, str_eq(args, STR("all")), NULL));
}

/* ---- the phone itself --------------------------------------------------------------------------------------- */

static const char *do_start(struct commands *c, struct str args)
{
	(void)args;
	return said(c, sidetone_ua_start(c->phone->ua));
}

static const char *do_stop(struct commands *c, struct str args)
{
	(void)args;
	sidetone_ua_stop(c->phone->ua);
	return NULL;
}

static const char *do_trace(struct commands *c, struct str args)
{
	bool on = !c->phone->options.trace;

	if (args.n && str_bool(args, &on))
		return "trace on, or trace off";
	c->phone->options.trace = on;
	return NULL;
}

static const char *do_help(struct commands *c, struct str args)
{
	const struct command *row;

	(void)args;
	for (size_t i = 0; (row = command_row(i)); i++)
		say_text(c->phone, "  %-10s %-22s %s", row->name, row->args, row->help);
	say_text(c->phone, "  The beginning of a name is enough. N: the number of a call; without it the current one.");
	return NULL;
}

static const char *do_quit(struct commands *c, struct str args)
{
	(void)args;
	phone_leave(c->phone, 0);
	return NULL;
}

static const struct command rows[] = {
	{ "call", "TARGET", "call 600, bob@example.com or a URI", do_call },
	{ "answer", "[N]", "take the call that rings", do_answer },
	{ "reject", "[STATUS [N]]", "refuse it: busy, 486, if nothing else is said", do_reject },
	{ "hangup", "[N]", "end a call", do_hangup },
	{ "hold", "[N]", "the other side hears nothing, nor do we", do_hold },
	{ "resume", "[N]", "end the hold", do_resume },
	{ "transfer", "TARGET | N", "the current call to somebody, or to the other side of call N", do_transfer },
	{ "digits", "DIGITS", "send them; a comma waits a second", do_digits },
	{ "mute", "[N]", "send silence", do_mute },
	{ "unmute", "[N]", "and sound again", do_unmute },
	{ "play", "FILE", "send a file", do_play },
	{ "tone", "[HZ]", "send a tone; nothing: silence", do_tone },
	{ "record", "[FILE]", "left what is heard, right what is said; nothing: end", do_record },
	{ "use", "N", "make this call the current one", do_use },
	{ "calls", "", "list them", do_calls },
	{ "message", "TARGET TEXT", "send a message", do_message },
	{ "watch", "TARGET [EVENT]", "subscribe: dialog, presence, message-summary", do_watch },
	{ "unwatch", "[TARGET]", "and no more", do_unwatch },
	{ "options", "TARGET", "ask what it can", do_options },
	{ "register", "", "register", do_register },
	{ "unregister", "[all]", "and no more", do_unregister },
	{ "start", "", "connect, and register if that is wanted", do_start },
	{ "stop", "", "end calls, unregister, disconnect; start begins anew", do_stop },
	{ "trace", "[on | off]", "show SIP messages", do_trace },
	{ "help", "", "this list", do_help },
	{ "quit", "", "end calls, unregister, leave", do_quit },
};

const struct command *command_row(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct command *command_find(struct str name, bool *several)
{
	const struct command *found = NULL;

	*several = false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (str_ieq(str_z(rows[i].name), name))
			return &rows[i];
		if (!str_istarts(str_z(rows[i].name), name))
			continue;
		*several |= found != NULL;
		found = &rows[i];
	}
	return *several || !name.n ? NULL : found;
}

void command_run(struct commands *c, struct str line)
{
	struct str args = str_trim(line), name = str_cut_raw(&args, ' ');
	const struct command *row;
	const char *wrong;
	bool several;

	if (!name.n)
		return;
	row = command_find(name, &several);
	if (row)
		wrong = row->run(c, str_trim(args));
	else
		wrong = several ? "several commands begin so; 'help' lists them" : "no such command; 'help' lists them";
	if (wrong)
		say_text(c->phone, "%.*s: %s", STR_ARG(row ? str_z(row->name) : name), wrong);
}
