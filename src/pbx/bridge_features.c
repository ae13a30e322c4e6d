/* Digits that act inside a call: a member's digits are kept back only as long as
 * they may still become one of its codes. */
#define LOG_MODULE "bridge"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/bridge_private.h"
#include "pbx/channel_private.h"
#include "pbx/dialplan.h"
#include "pbx/sound.h"
#include "pbx/transfer.h"
#include <errno.h>
#include <stdlib.h>

enum action { NOTHING, HANG_UP, BLIND, ATTENDED, RECORD };

/* The codes of this member, and what the digits so far mean among them. */
static enum action look(const struct member *m, bool *may_grow)
{
	const struct features_conf *c = features_get(m->bridge->pbx);
	struct str got = str_mk(m->digits, m->ndigits);
	enum action found = NOTHING;

	*may_grow = false;
	const struct {
		bool on;
		const struct text *code;
		enum action action;
	} rows[] = {
		{ m->f.hangup_star, &c->disconnect, HANG_UP },
		{ m->f.blind_transfer, &c->blindxfer, BLIND },
		{ m->f.blind_transfer || m->f.attended_transfer, &c->atxfer, ATTENDED },
		{ m->f.automixmon, &c->automixmon, RECORD },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str code = text_view(rows[i].code);

		if (!rows[i].on || !code.n)
			continue;
		if (str_eq(code, got))
			found = rows[i].action;
		else if (str_starts(code, got))
			*may_grow = true;
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
};

static void give_back(struct member *m)
{
	struct channel *ch = m->ch;

	m->busy = ch->worked_on = ch->owned = false;
	fiber_wake(ch->fiber);          /* its dialplan may go on: the bridge is perhaps over */
	/* Not when it ended, or came back as another member. */
	if (!ch->dead && ch->bridge && bridge_member(ch) == m)
		bridge_resume(m);
}

static void transfer_job(struct member *m, enum action action)
{
	struct channel *ch = m->ch, *peer = bridge_peer(ch);
	char exten[64];
	struct text context = { 0 };
	int err;

	if (!peer)
		return;
	channel_indicate(peer, IND_HOLD, NULL);
	obj_hold(peer);
	err = transfer_ask(ch, exten, sizeof(exten), &context);
	if (!err && ch->bridge == m->bridge && !peer->dead) {
		if (action == BLIND)
			err = bridge_blind_transfer(ch, str_z(exten), text_view(&context));
		else
			err = transfer_attended_dtmf(ch, str_z(exten), text_view(&context));
	}
	if (err && err != ECANCELED) {
		struct features_conf *c = obj_hold((void *)(uintptr_t)features_get(ch->pbx));

		sound_play(ch, text_view(&c->xferfailsound), STR_NULL, NULL);
		obj_drop(c);
	}
	if (!peer->dead && peer->bridge)
		channel_indicate(peer, IND_UNHOLD, NULL);
	obj_drop(peer);
	text_free(&context);
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

	transfer_job(m, j->action);
	give_back(m);
	if (!ch->dead && !ch->bridge && !ch->fiber && !goes_on(ch))
		channel_destroy(ch);
	obj_drop(ch);
	obj_drop(m);
	free(j);
}

static void job_start(struct member *m, enum action action)
{
	struct job *j = calloc(1, sizeof(*j));
	struct fiber *f = j ? fiber_new(job_run, j, 0) : NULL;

	if (!f) {
		log_warning("No memory for a transfer by %s", text_z(&m->ch->name));
		free(j);
		return;
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

static void act(struct member *m, enum action action)
{
	struct bridge *b;

	m->ndigits = 0;
	timer_stop(&m->digit_timer);
	switch (action) {
	case HANG_UP:
		log_verbose(3, "%s ends the call with a digit", text_z(&m->ch->name));
		b = obj_hold(m->bridge);
		bridge_dissolve(b, CAUSE_NORMAL);
		obj_drop(b);
		break;
	case BLIND:
	case ATTENDED:
		job_start(m, action);
		break;
	case RECORD:
		bridge_record_toggle(m);
		break;
	default:
		break;
	}
}

static void digits_over(void *arg)
{
	struct member *m = arg;
	bool grow;
	enum action a = look(m, &grow);

	if (a != NOTHING)
		act(m, a);
	else
		flush(m);
}

bool bridge_features_digit(struct member *m, char digit, unsigned ms)
{
	enum action a;
	bool grow;

	if (!m->ndigits && !bridge_wants_digits(m->ch))
		return false;
	m->digits[m->ndigits] = digit;
	m->digit_ms[m->ndigits++] = ms;
	a = look(m, &grow);
	if (grow && m->ndigits < FEATURE_DIGITS)
		timer_start(m->bridge->pbx->wheel, &m->digit_timer,
			    features_get(m->bridge->pbx)->digit_timeout_ms, digits_over, m);
	else if (a != NOTHING)
		act(m, a);
	else
		flush(m);
	return true;
}
