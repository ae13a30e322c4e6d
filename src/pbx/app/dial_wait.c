/* The part of Dial() from the calls until one of them answers, or none will. */
#define LOG_MODULE "dial"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/app/dial.h"
#include "pbx/channel_private.h"
#include "pbx/run.h"
#include "pbx/dial_tell.h"
#include "pbx/features.h"
#include <errno.h>
#include <stdlib.h>

static bool single(const struct dial *d)
{
	return d->nlegs == 1;
}

void dial_tell_end(struct dial *d, const struct leg *but, const char *status)
{
	for (size_t i = 0; i < d->nlegs; i++)
		if (&d->legs[i] != but && d->legs[i].ch && d->legs[i].going)
			dial_tell(d->in, d->legs[i].ch, status, STR_NULL);
}

static uint64_t age_ms(const struct channel *ch)
{
	return (clock_us(ch->pbx->clock) - ch->created_us) / 1000;
}

/* ---- what a leg says */

static void early(struct dial *d, struct leg *l)
{
	if (single(d) && !d->entertained)
		channel_link_early(d->in, l->ch);
}

static void ringing(struct dial *d, struct leg *l)
{
	log_verbose(3, "%s is ringing", text_z(&l->ch->name));
	d->progress_by = UINT64_MAX;
	if (!d->sent_ringing && !d->o.has['m'] && !(d->o.has['r'] && d->o.arg['r'].n)) {
		channel_indicate(d->in, IND_RINGING, NULL);
		d->sent_ringing = true;
	}
	if (!d->timed_ring) {
		dial_set_ms(d->in, "RINGTIME", age_ms(l->ch));
		run_told_anew(d->in);
	}
	d->timed_ring = true;
	dial_tell(d->in, l->ch, "RINGING", STR_NULL);
}

/* D(::digits): to the called party as soon as it makes progress. */
static void progress_digits(struct dial *d, struct channel *ch)
{
	struct str s = d->o.arg['D'];

	str_cut_raw(&s, ':');
	str_cut_raw(&s, ':');
	s = str_cut_raw(&s, ':');
	if (s.n)
		app_send_digits(d->in, ch, s, DIGIT_GAP_MS, DIGIT_MS);
}

static void progress(struct dial *d, struct leg *l)
{
	log_verbose(3, "%s is making progress passing it to %s", text_z(&l->ch->name), text_z(&d->in->name));
	d->progress_by = UINT64_MAX;
	early(d, l);
	if (!d->o.has['r'] && (single(d) || !d->sent_ringing))
		channel_indicate(d->in, IND_PROGRESS, NULL);
	if (!d->sent_progress) {
		dial_set_ms(d->in, "PROGRESSTIME", age_ms(l->ch));
		run_told_anew(d->in);
		progress_digits(d, l->ch);
	}
	d->sent_progress = true;
	dial_tell(d->in, l->ch, "PROGRESS", STR_NULL);
}

static void proceeding(struct dial *d, struct leg *l)
{
	if (!d->o.has['r'])
		channel_indicate(d->in, IND_PROCEEDING, NULL);
	dial_tell(d->in, l->ch, "PROCEEDING", STR_NULL);
}

static void line_changed(struct dial *d, struct leg *l, const struct chan_event *e)
{
	if (l->ignore_line || !e->party)
		return;
	if (single(d)) {
		channel_set_connected(d->in, e->party);
		return;
	}
	/* Who will answer is not known yet: kept until then. */
	if (!party_copy(&l->line, e->party))
		l->pending = true;
}

static void redirected(struct dial *d, struct leg *l, const struct chan_event *e)
{
	if (!single(d) || l->ignore_line || !e->redirecting)
		return;
	redirecting_copy(&d->in->redirecting, e->redirecting);
	channel_indicate(d->in, IND_REDIRECTING, NULL);
	d->sent_ringing = false;
}

static void over(struct dial *d, struct leg *l, const char *status, int cause)
{
	d->in->cause = l->ch->cause;
	dial_tell(d->in, l->ch, status, STR_NULL);
	dial_leg_end(l, 0);
	dial_count_cause(d, cause);
}

static struct leg *answered(struct dial *d, struct leg *l)
{
	log_verbose(3, "%s answered %s", text_z(&l->ch->name), text_z(&d->in->name));
	if (!single(d))
		dial_line_from_leg(d, l);
	if (l->rates)
		channel_indicate(d->in, IND_AOC, l->rates);
	dial_tell_end(d, l, "CANCEL");
	d->in->cause = l->ch->cause = CAUSE_NORMAL;
	text_set(&l->ch->exten, STR_NULL);
	return l;
}

/* Somebody picked the call up: his channel takes the place of the one that rang. */
static struct leg *replaced(struct dial *d, struct leg *l)
{
	struct channel *old = l->ch;

	l->ch = old->replaced_by;       /* with its reference */
	old->replaced_by = NULL;
	l->no_caller = false;
	dial_tell(d->in, old, "CANCEL", STR_NULL);
	old->cause = CAUSE_ANSWERED_ELSEWHERE;
	channel_destroy(old);
	obj_drop(old);
	dial_line_from_leg(d, l);
	return answered(d, l);
}

/* What a call by this leg would cost is told when it has answered; what it costs so far is nothing yet. */
static void keep_rates(struct leg *l, struct aoc *a)
{
	if (!a || a->type != AOC_S)
		return;
	obj_hold(a);
	obj_drop(l->rates);
	l->rates = a;
}

/* What decides nothing: it is the caller's alone. */
static void pass_on(struct dial *d, struct leg *l, const struct chan_event *e)
{
	switch (e->type) {
	case CE_MEDIA:
		channel_path_update(l->ch, true);
		if (single(d) && !d->entertained)
			channel_indicate(d->in, IND_SRCUPDATE, NULL);
		break;
	case CE_DTMF_END:
		if (single(d) && !d->entertained)
			channel_digit(d->in, e->digit, e->ms);
		break;
	case CE_TEXT:
		if (single(d) && d->in->tech->text)
			d->in->tech->text(d->in, text_view(&e->text), text_view(&e->text2));
		break;
	case CE_HOLD:
		channel_indicate(d->in, IND_HOLD, NULL);
		break;
	case CE_UNHOLD:
		channel_indicate(d->in, IND_UNHOLD, NULL);
		break;
	case CE_VIDUPDATE:
		channel_indicate(d->in, IND_VIDUPDATE, NULL);
		break;
	case CE_AOC:
		keep_rates(l, e->data);
		break;
	default:
		break;
	}
}

static struct leg *leg_event(struct dial *d, struct leg *l, const struct chan_event *e)
{
	if (l->ch->replaced_by)
		return replaced(d, l);
	switch (e->type) {
	case CE_ANSWER:
		return answered(d, l);
	case CE_HANGUP:
		over(d, l, dial_status_of(l->ch->cause), l->ch->cause);
		break;
	case CE_BUSY:
		log_verbose(3, "%s is busy", text_z(&l->ch->name));
		over(d, l, "BUSY", CAUSE_BUSY);
		break;
	case CE_CONGESTION:
	case CE_INCOMPLETE:
		log_verbose(3, "%s is circuit-busy", text_z(&l->ch->name));
		over(d, l, "CONGESTION", CAUSE_NO_CIRCUIT);
		break;
	case CE_RINGING:
		ringing(d, l);
		break;
	case CE_PROGRESS:
		progress(d, l);
		break;
	case CE_PROCEEDING:
		proceeding(d, l);
		break;
	case CE_CONNECTED_LINE:
		line_changed(d, l, e);
		break;
	case CE_REDIRECTING:
		redirected(d, l, e);
		break;
	case CE_FORWARD:
		dial_forward(d, l, text_view(&e->text));
		break;
	default:
		pass_on(d, l, e);
	}
	return NULL;
}

/* ---- what the caller says */

static void to_legs(struct dial *d, enum indication ind, const void *data)
{
	for (size_t i = 0; i < d->nlegs; i++)
		if (d->legs[i].ch && d->legs[i].going)
			channel_indicate(d->legs[i].ch, ind, data);
}

static void cancel(struct dial *d)
{
	d->status = "CANCEL";
	d->canceled = true;
	dial_tell_end(d, NULL, "CANCEL");
}

bool dial_exit_to(struct channel *in, char digit)
{
	struct buf b = BUF_INIT;
	struct str context, exten = str_mk(&digit, 1);
	bool there;

	context = pbx_getvar(in->pbx, in, STR("EXITCONTEXT"), &b) && b.n ? buf_view(&b) : text_view(&in->context);
	there = dialplan_exists(in->pbx, context, exten, 1,
				in->caller.number_valid ? text_view(&in->caller.number) : STR_NULL);
	if (there)
		channel_set_exten(in, context, exten, 0);       /* run_dialplan.c adds one */
	buf_free(&b);
	return there;
}

static void pass_digit(struct dial *d, const struct chan_event *e)
{
	for (size_t i = 0; i < d->nlegs; i++) {
		struct channel *ch = d->legs[i].going ? d->legs[i].ch : NULL;

		if (!ch)
			continue;
		if (e->type == CE_DTMF_BEGIN) {
			channel_tell_digit(ch, false, e->digit, 0, "Sent");
		} else if (d->begun == e->digit) {
			channel_tell_digit(ch, true, e->digit, e->ms, "Sent");
			(void)channel_digit_untold(ch, e->digit, e->ms);
		} else {
			channel_digit(ch, e->digit, e->ms);
		}
	}
	d->begun = e->type == CE_DTMF_BEGIN ? e->digit : '\0';
}

/* True: the caller is through with it. */
static bool caller_digit(struct dial *d, const struct chan_event *e)
{
	struct str code = text_view(&features_of(d->in)->disconnect);

	if (d->o.has['d'] && dial_exit_to(d->in, e->digit)) {
		d->exit_digit = e->digit;
		cancel(d);
		return true;
	}
	/* A code of several digits works once the call is up. */
	if (d->o.has['H'] && code.n == 1 && code.p[0] == e->digit) {
		log_verbose(3, "User requested call disconnect");
		cancel(d);
		return true;
	}
	pass_digit(d, e);
	return false;
}

static void caller_line(struct dial *d, const struct chan_event *e)
{
	for (size_t i = 0; i < d->nlegs; i++) {
		struct leg *l = &d->legs[i];

		if (!l->ch || !l->going || l->ignore_line)
			continue;
		if (e->party)
			channel_set_connected(l->ch, e->party);
		if (e->redirecting) {
			redirecting_copy(&l->ch->redirecting, e->redirecting);
			channel_indicate(l->ch, IND_REDIRECTING, NULL);
		}
	}
}

static void caller_text(struct dial *d, const struct chan_event *e)
{
	for (size_t i = 0; i < d->nlegs; i++) {
		struct channel *ch = d->legs[i].going ? d->legs[i].ch : NULL;

		if (ch && ch->tech->text)
			ch->tech->text(ch, text_view(&e->text), text_view(&e->text2));
	}
}

static bool caller_event(struct dial *d, const struct chan_event *e)
{
	struct str music = text_view(&e->text);

	switch (e->type) {
	case CE_DTMF_BEGIN:
		pass_digit(d, e);
		break;
	case CE_DTMF_END:
		return caller_digit(d, e);
	case CE_HOLD:
		to_legs(d, IND_HOLD, music.n ? &music : NULL);
		break;
	case CE_UNHOLD:
		to_legs(d, IND_UNHOLD, NULL);
		break;
	case CE_FLASH:
		to_legs(d, IND_FLASH, NULL);
		break;
	case CE_CONNECTED_LINE:
	case CE_REDIRECTING:
		caller_line(d, e);
		break;
	case CE_TEXT:
		caller_text(d, e);
		break;
	case CE_MEDIA:
		channel_path_update(d->in, true);
		if (single(d) && !d->entertained)
			to_legs(d, IND_SRCUPDATE, NULL);
		break;
	case CE_VIDUPDATE:
		to_legs(d, IND_VIDUPDATE, NULL);
		break;
	default:
		break;
	}
	return false;
}

/* ---- waiting */

static size_t watch(struct dial *d, struct channel **v)
{
	size_t n = 0;

	v[0] = d->in;
	for (size_t i = 0; i < d->nlegs; i++) {
		v[i + 1] = d->legs[i].going ? d->legs[i].ch : NULL;
		n += v[i + 1] != NULL;
	}
	return n;
}

static void nobody(struct dial *d)
{
	unsigned failed = d->busy + d->congestion + d->nochan;

	log_verbose(3, "Nobody is available (%zu:%u/%u/%u)", d->ndialed, d->busy, d->congestion, d->nochan);
	if (failed < d->ndialed)
		return;         /* some simply did not answer */
	if (d->busy)
		d->status = "BUSY";
	else if (d->congestion)
		d->status = "CONGESTION";
	else if (d->nochan)
		d->status = "CHANUNAVAIL";
}

static uint64_t left(const struct dial *d)
{
	uint64_t by = d->answer_by < d->progress_by ? d->answer_by : d->progress_by;
	uint64_t now = clock_ms(d->in->pbx->clock);

	return by == UINT64_MAX ? by : by > now ? by - now : 0;
}

static void too_late(struct dial *d)
{
	if (d->progress_by < d->answer_by) {
		log_verbose(3, "No early media received in time");
		d->status = "CHANUNAVAIL";
		dial_tell_end(d, NULL, "CHANUNAVAIL");
		return;
	}
	log_verbose(3, "Nobody picked up in time");
	dial_tell_end(d, NULL, "NOANSWER");
}

static struct leg *up_already(struct dial *d)
{
	for (size_t i = 0; i < d->nlegs; i++) {
		struct leg *l = &d->legs[i];

		if (l->going && l->ch->state == CHAN_UP && list_empty(&l->ch->queue))
			return answered(d, l);
	}
	return NULL;
}

struct leg *dial_wait(struct dial *d)
{
	struct channel **v = calloc(d->nlegs + 1, sizeof(*v));
	struct leg *winner;
	bool done = false;

	if (!v)
		return NULL;
	if (single(d))
		dial_line_from_leg(d, &d->legs[0]);
	winner = up_already(d);
	while (!winner && !done) {
		struct chan_event *e = NULL;
		size_t which = 0;
		int err;

		if (!watch(d, v)) {
			nobody(d);
			break;
		}
		err = channels_next(v, d->nlegs + 1, left(d), &which, &e);
		if (err == ETIMEDOUT)
			too_late(d);
		else if (err)
			cancel(d);
		else if (which)
			winner = leg_event(d, &d->legs[which - 1], e);
		else
			done = caller_event(d, e);
		chan_event_free(e);
		if (err)
			break;
	}
	free(v);
	return winner;
}
