/* Digits that act inside a call: a member's digits are kept back only as long as
 * they may still become one of its codes. */
#define LOG_MODULE "bridge"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/run.h"
#include "pbx/sound.h"
#include "pbx/transfer.h"
#include <errno.h>
#include <stdlib.h>

enum action { NOTHING, HANG_UP, BLIND, ATTENDED, RECORD, APPLICATION, ABORT, COMPLETE, THREEWAY, SWAP };

struct found {
	enum action action;
	const struct features_item *item;       /* view into member.dynamic.map: of APPLICATION */
	bool may_grow;                          /* the digits so far may become another code */
};

/* The codes of this member, and what the digits so far mean among them. What DYNAMIC_FEATURES gives goes
 * before all others, the last of it first. */
static struct found look(struct member *m)
{
	const struct features_conf *c = features_of(m->ch);
	struct str got = str_mk(m->digits, m->ndigits);
	struct found found = { NOTHING, NULL, false };
	bool rests = m->bridge->watcher;        /* an attended transfer is under way */

	const struct {
		bool on;
		const struct text *code;
		enum action action;
	} rows[] = {
		{ m->f.hangup_star && !rests, &c->disconnect, HANG_UP },
		{ m->f.blind_transfer && !rests, &c->blindxfer, BLIND },
		{ (m->f.blind_transfer || m->f.attended_transfer) && !rests, &c->atxfer, ATTENDED },
		{ m->f.automixmon && !rests, &c->automixmon, RECORD },
		{ m->f.consults, &c->atxferabort, ABORT },
		{ m->f.consults, &c->atxfercomplete, COMPLETE },
		{ m->f.consults, &c->atxferthreeway, THREEWAY },
		{ m->f.consults, &c->atxferswap, SWAP },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str code = text_view(rows[i].code);

		if (!rows[i].on || !code.n)
			continue;
		if (str_eq(code, got))
			found.action = rows[i].action;
		else if (str_starts(code, got))
			found.may_grow = true;
	}
	for (size_t i = 0; !rests && i < m->dynamic.n; i++) {
		if (str_eq(m->dynamic.v[i].code, got)) {
			found.action = APPLICATION;
			found.item = m->dynamic.v[i].item;
		} else if (str_starts(m->dynamic.v[i].code, got)) {
			found.may_grow = true;
		}
	}
	return found;
}

static void flush(struct member *m)
{
	unsigned n = m->ndigits;

	m->ndigits = 0;
	timer_stop(&m->digit_timer);
	for (unsigned i = 0; i < n; i++)
		bridge_pass_digit(m, m->digits[i], m->digit_ms[i]);
}

/* ---- a feature that takes time has a fiber of its own */

struct job {
	struct member *m;       /* held */
	enum action action;
	struct features_map *map;       /* held: what `item` looks into. NULL unless APPLICATION */
	const struct features_item *item;
	struct text who;        /* the channel that pressed the digits */
};

static void job_free(struct job *j)
{
	text_free(&j->who);
	obj_drop(j->map);
	free(j);
}

static void give_back(struct member *m)
{
	struct channel *ch = m->ch;

	m->busy = ch->worked_on = ch->owned = false;
	fiber_wake(ch->fiber);          /* its dialplan may go on: the bridge is perhaps over */
	/* Not when it ended, or came back as another member. */
	if (!ch->dead && ch->bridge && bridge_member(ch) == m)
		bridge_resume(m);
}

/* GOTO_ON_BLINDXFR: where whoever sent the others on goes itself, "context^exten^priority". */
static void go_on(struct channel *ch, struct str where)
{
	struct text context = { 0 }, exten = { 0 };
	char room[256];

	str_copy(room, sizeof(room), where);
	for (char *c = room; *c; c++)
		*c = *c == '^' ? ',' : *c;
	if (pbx_parse_goto(ch, str_z(room)) || text_set(&context, text_view(&ch->context)) || text_set(&exten, text_view(&ch->exten)))
		log_warning("GOTO_ON_BLINDXFR: '%.*s' is no place", STR_ARG(where));
	else    /* one that runs a dialplan stands one before it now */
		(void)pbx_async_goto(ch, text_view(&context), text_view(&exten), ch->priority + (ch->fiber ? 1 : 0));
	text_free(&context);
	text_free(&exten);
}

static void blind(struct channel *ch, const struct blind_transfer *t)
{
	struct buf where = BUF_INIT;

	(void)pbx_getvar(ch->pbx, ch, STR("GOTO_ON_BLINDXFR"), &where);
	transfer_hold(bridge_member(ch), false);
	if (!bridge_blind_transfer(ch, t) && where.n && !ch->dead && !ch->hungup)
		go_on(ch, buf_view(&where));
	buf_free(&where);
}

/* False: whoever was put on hold is not any more. */
static bool transfer(struct channel *ch, enum action action, struct str exten, struct str context)
{
	const struct blind_transfer t = { .exten = exten, .context = context };
	struct features_conf *c;

	if (action == BLIND) {
		blind(ch, &t);
		return false;
	}
	if (!transfer_attended_dtmf(ch, exten, context))
		return false;
	c = obj_hold((void *)(uintptr_t)features_of(ch));
	if (!ch->hungup)
		sound_play(ch, text_view(&c->xferfailsound), STR_NULL, NULL);
	obj_drop(c);
	return true;
}

static void transfer_job(struct member *m, enum action action)
{
	struct channel *ch = m->ch;
	struct text context = { 0 };
	char exten[64];
	bool held;
	int err;

	if (m->bridge->count < 2)
		return;
	transfer_hold(m, true);
	err = transfer_ask(ch, exten, sizeof(exten), &context);
	held = err || ch->bridge != m->bridge || m->bridge->count < 2 ||
		transfer(ch, action, str_z(exten), text_view(&context));
	if (held && bridge_member(ch) == m)
		transfer_hold(m, false);
	text_free(&context);
}

/* 0, or what says that the call is over. */
static int run_item(struct channel *ch, const struct features_item *t)
{
	const struct app *app = pbx_app(ch->pbx, text_view(&t->app));
	struct buf data = BUF_INIT;
	int res;

	if (str_ieq(text_view(&t->app), STR("Gosub"))) {
		(void)pbx_exec_sub(ch, text_view(&t->data), false);
		return 0;
	}
	if (!app) {
		log_warning("Could not find application (%s)", text_z(&t->app));
		return 0;
	}
	pbx_substitute(ch->pbx, ch, text_view(&t->data), &data);
	(void)buf_z(&data);
	res = buf_err(&data) ? 0 : run_app(ch, app, data.n ? buf_view(&data) : str_mk("", 0));
	buf_free(&data);
	return res;
}

/* True: its member leaves the call. */
static bool application_job(struct job *j)
{
	struct member *m = j->m;
	struct channel *ch = m->ch;
	struct str music = text_view(&j->item->music);
	int res;

	pbx_setvar(ch->pbx, ch, STR("DYNAMIC_FEATURENAME"), text_view(&j->item->name));
	pbx_setvar(ch->pbx, ch, STR("DYNAMIC_WHO_ACTIVATED"), text_view(&j->who));
	if (music.n)
		bridge_indicate_others(m, IND_HOLD, &music);
	res = run_item(ch, j->item);
	if (music.n && ch->bridge == m->bridge)
		bridge_indicate_others(m, IND_UNHOLD, NULL);
	return res != 0;
}

/* Sent into the dialplan while its digits were read. */
static bool goes_on(struct channel *ch)
{
	if (!ch->start_due)
		return false;
	ch->start_due = ch->owned = false;
	return !pbx_start(ch);
}

static void job_run(void *arg)
{
	struct job *j = arg;
	struct member *m = j->m;
	struct channel *ch = obj_hold(m->ch);
	bool over = false;

	if (j->action == APPLICATION)
		over = application_job(j);
	else
		transfer_job(m, j->action);
	give_back(m);
	if (over && !ch->dead && ch->bridge && bridge_member(ch) == m)
		bridge_leave(m, CAUSE_NORMAL);
	else if (!ch->dead && !ch->bridge && !ch->fiber && !goes_on(ch))
		channel_destroy(ch);
	obj_drop(ch);
	obj_drop(m);
	job_free(j);
}

static void job_start(struct member *m, enum action action, const struct features_item *item, const struct member *by)
{
	struct job *j = m->busy ? NULL : calloc(1, sizeof(*j));
	struct fiber *f = j && (!item || !text_set(&j->who, text_view(&by->ch->name))) ? fiber_new(job_run, j, 0) : NULL;

	if (!f) {
		log_warning("A transfer or feature of %s is not done: %s", text_z(&m->ch->name),
			    m->busy ? "another one is going on" : "out of memory");
		if (j)
			job_free(j);
		return;
	}
	if (item) {
		j->map = obj_hold(by->dynamic.map);
		j->item = item;
	}
	fiber_set_name(f, (const struct str[]){ text_view(&m->ch->name), STR(": transfer or feature") }, 2);
	j->m = obj_hold(m);
	j->action = action;
	m->busy = m->ch->worked_on = true;
	m->ch->owned = true;
	m->ch->sink = NULL;
	m->ch->sink_arg = NULL;
	fiber_wake(f);
}

static void start_application(struct member *m, const struct features_item *item)
{
	struct bridge *b = obj_hold(m->bridge);

	log_verbose(3, "%s runs %s(%s) by its digits", text_z(&m->ch->name), text_z(&item->app), text_z(&item->data));
	list_each_safe(l, tmp, &b->members) {
		struct member *o = container_of(l, struct member, link);

		if ((o == m) == item->on_self)
			job_start(o, APPLICATION, item, m);
	}
	obj_drop(b);
}

static void act(struct member *m, const struct found *found)
{
	static const enum bridge_wish wishes[] = { [ABORT] = BRIDGE_WISH_ABORT, [COMPLETE] = BRIDGE_WISH_COMPLETE,
		[THREEWAY] = BRIDGE_WISH_THREEWAY, [SWAP] = BRIDGE_WISH_SWAP };

	m->ndigits = 0;
	timer_stop(&m->digit_timer);
	switch (found->action) {
	case HANG_UP:
		log_verbose(3, "%s ends the call with a digit", text_z(&m->ch->name));
		bridge_dissolve_by(m);
		break;
	case BLIND:
	case ATTENDED:
		job_start(m, found->action, NULL, m);
		break;
	case RECORD:
		bridge_record_toggle(m);
		break;
	case APPLICATION:
		start_application(m, found->item);
		break;
	case ABORT:
	case COMPLETE:
	case THREEWAY:
	case SWAP:
		m->bridge->wish = wishes[found->action];
		fiber_wake(m->bridge->watcher);
		break;
	default:
		break;
	}
}

static void digits_over(void *arg)
{
	struct member *m = arg;
	struct found found = look(m);

	if (found.action != NOTHING)
		act(m, &found);
	else
		flush(m);
}

bool bridge_features_digit(struct member *m, char digit, unsigned ms)
{
	struct found found;

	if (!m->ndigits && !bridge_wants_digits(m->ch))
		return false;
	m->digits[m->ndigits] = digit;
	m->digit_ms[m->ndigits++] = ms;
	found = look(m);
	if (found.may_grow && m->ndigits < FEATURE_DIGITS)
		timer_start(m->bridge->pbx->wheel, &m->digit_timer, features_of(m->ch)->digit_timeout_ms, digits_over, m);
	else if (found.action != NOTHING)
		act(m, &found);
	else
		flush(m);
	return true;
}
