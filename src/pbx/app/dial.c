/* Dial() from its arguments to DIALSTATUS. Its legs are dial_legs.c's, the wait for an answer
 * dial_wait.c's, the talk dial_after.c's. */
#define LOG_MODULE "dial"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/app/app.h"
#include "pbx/app/dial.h"
#include "pbx/channel_private.h"
#include "pbx/event.h"
#include "pbx/sound.h"
#include <errno.h>
#include <stdlib.h>

/* What an earlier Dial left must not be taken for ours. */
static void reset_vars(struct channel *ch)
{
	static const char *const names[] = { "DIALSTATUS", "DIALEDPEERNUMBER", "DIALEDPEERNAME", "ANSWEREDTIME",
		"ANSWEREDTIME_MS", "DIALEDTIME", "DIALEDTIME_MS", "RINGTIME", "RINGTIME_MS", "PROGRESSTIME",
		"PROGRESSTIME_MS" };

	bool heard = events_wanted(ch->pbx->events, EV_DIALPLAN);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str value;

		/* One that is not there needs no emptying, but for those who count VarSet. */
		if (heard || (vars_get(&ch->vars, str_z(names[i]), &value) && value.n))
			pbx_setvar(ch->pbx, ch, str_z(names[i]), STR(""));
	}
}

static uint64_t deadline(struct channel *in, struct str s)
{
	double seconds;

	if (!s.n)
		return UINT64_MAX;
	if (str_double(s, &seconds) || !(seconds > 0) || seconds > 1e9) {
		log_warning("Dial: '%.*s' is no timeout, waiting for ever", STR_ARG(s));
		return UINT64_MAX;
	}
	return clock_ms(in->pbx->clock) + (uint64_t)(seconds * 1000);
}

/* m(class), r(tone), R: what the caller hears meanwhile. */
static void entertain(struct dial *d)
{
	struct channel *in = d->in;

	if (d->o.has['m']) {
		d->music = d->entertained = true;
		channel_moh_start(in, d->o.arg['m']);
		channel_indicate(in, IND_PROGRESS, NULL);
		return;
	}
	if (!d->o.has['r'] && !d->o.has['R'])
		return;
	d->entertained = d->o.has['r'];
	if (d->o.arg['r'].n && !sound_tone(in, d->o.arg['r'])) {
		in->shown = IND_RINGING;
		channel_indicate(in, IND_PROGRESS, NULL);
		return;
	}
	channel_indicate(in, IND_RINGING, NULL);
	d->sent_ringing = true;
}

static void predial(struct dial *d)
{
	for (size_t i = 0; i < d->nlegs; i++)
		if (d->legs[i].ch)
			dial_gosub(d->legs[i].ch, d->o.arg['b'], d->in);
}

static bool any_left(const struct dial *d)
{
	for (size_t i = 0; i < d->nlegs; i++)
		if (d->legs[i].ch)
			return true;
	return false;
}

static void stop_sounds(struct dial *d)
{
	if (d->music)
		channel_moh_stop(d->in);
	else if (d->sent_ringing && !d->in->hungup && d->in->state != CHAN_UP)
		channel_indicate(d->in, IND_STOP, NULL);
}

/* Cause for the legs that are still ringing; 0: none to tell. */
static int rest_cause(const struct dial *d)
{
	if (d->in->cause == CAUSE_ANSWERED_ELSEWHERE || d->o.has['c'])
		return CAUSE_ANSWERED_ELSEWHERE;
	if (d->canceled)
		return d->in->cause ? d->in->cause : CAUSE_NORMAL;
	return 0;
}

static int run_dial(struct dial *d, struct str peers, struct str timeout)
{
	struct leg *winner;
	int err;

	if (d->o.has['B'] && d->o.arg['B'].n)
		dial_gosub(d->in, d->o.arg['B'], d->in);
	err = dial_request_all(d, peers);
	if (err)
		return -1;
	if (!d->ndialed) {
		d->status = "CHANUNAVAIL";
		return 0;
	}
	if (d->o.has['b'] && d->o.arg['b'].n)
		predial(d);
	dial_call_all(d);
	if (!any_left(d)) {
		d->status = d->busy ? "BUSY" : d->congestion ? "CONGESTION" : "CHANUNAVAIL";
		return 0;
	}
	d->answer_by = deadline(d->in, str_trim(str_cut_raw(&timeout, '^')));
	d->progress_by = deadline(d->in, str_trim(timeout));
	d->status = "NOANSWER";
	entertain(d);
	winner = dial_wait(d);
	if (!winner) {
		if (d->in->hungup || d->in->async_goto)
			return -1;
		return 0;
	}
	d->answered = true;
	dial_answered(d, winner);
	return d->go_on ? 0 : -1;
}

static void clean(struct dial *d)
{
	stop_sounds(d);
	channel_unlink_early(d->in);
	dial_end_all(d, NULL, rest_cause(d));
	for (size_t i = 0; i < d->nlegs; i++) {
		party_free(&d->legs[i].line);
		text_free(&d->legs[i].forward);
		obj_drop(d->legs[i].rates);
	}
	free(d->legs);
	pbx_setvar(d->in->pbx, d->in, STR("DIALSTATUS"), str_z(d->status));
}

int dial_run(struct channel *ch, struct str data, struct dial_outcome *o)
{
	struct dial d = { .in = ch, .status = "INVALIDARGS" };
	struct str v[4] = { { 0 } };
	int ret = -1, err;

	reset_vars(ch);
	if (ch->forwards <= 0) {
		log_warning("Cannot place outbound call from channel '%s'. Max forwards exceeded", text_z(&ch->name));
		pbx_setvar(ch->pbx, ch, STR("DIALSTATUS"), STR("BUSY"));
		return -1;
	}
	if (ch->hungup) {
		pbx_setvar(ch->pbx, ch, STR("DIALSTATUS"), STR("CANCEL"));
		return -1;
	}
	pbx_args(data, v, ARRAY_LEN(v));
	err = dial_options_parse(&d.o, v[2]);
	if (err == ERANGE)      /* Asterisk has no word for it */
		return -1;
	if (err) {
		pbx_setvar(ch->pbx, ch, STR("DIALSTATUS"), STR("INVALIDARGS"));
		return -1;
	}
	d.go_on = d.o.has['g'];
	ret = run_dial(&d, v[0], v[1]);
	clean(&d);
	*o = (struct dial_outcome){ .exit_digit = d.exit_digit, .digit_exit = d.o.has['d'],
		.done = !d.ndialed || (d.answered && d.o.has['G'] && d.o.arg['G'].n) };
	if (d.go_on && !ch->hungup)
		ret = 0;
	return ret;
}

static int run(struct channel *ch, struct str data)
{
	struct dial_outcome o;

	return dial_run(ch, data, &o);
}

const struct app app_dial = {
	.name = "Dial",
	.synopsis = "Call one or more destinations and talk with the first that answers",
	.run = run,
};
