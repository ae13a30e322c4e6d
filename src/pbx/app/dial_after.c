/* What Dial does between the answer and the end of the call. */
#define LOG_MODULE "dial"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/app/app.h"
#include "pbx/app/dial.h"
#include "pbx/channel_private.h"
#include "pbx/dial_tell.h"
#include "pbx/run.h"
#include "pbx/sound.h"
#include <errno.h>
#include <stdlib.h>

static void carets_to_commas(struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] == '^')
			b->p[i] = ',';
}

static struct str number_of(const struct channel *ch)
{
	return ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;
}

int dial_gosub(struct channel *on, struct str where, struct channel *defaults)
{
	struct buf b = BUF_INIT;
	struct str target = str_sub(where, 0, str_chr(where, '('));
	size_t carets = 0;
	int err;

	for (size_t i = 0; i < target.n; i++)
		carets += target.p[i] == '^';
	/* An extension or a priority alone are those of the caller. */
	if (carets == 0)
		buf_printf(&b, "%s^%s^", text_z(&defaults->context), text_z(&defaults->exten));
	else if (carets == 1)
		buf_printf(&b, "%s^", text_z(&defaults->context));
	buf_put(&b, where);
	carets_to_commas(&b);
	err = buf_err(&b) ? buf_err(&b) : pbx_exec(on, STR("GoSub"), buf_view(&b));
	buf_free(&b);
	return err;
}

/* ---- A(called:caller): sounds before they hear each other */

static int announce(struct dial *d, struct channel *peer)
{
	struct str caller = d->o.arg['A'], called = str_cut_raw(&caller, ':');
	int err = 0;

	if (caller.n)
		channel_play(d->in, &caller, 1, text_view(&d->in->language), 0);
	if (called.n)
		err = sound_play(peer, called, STR_NULL, NULL);
	return err == ECANCELED ? err : 0;
}

/* ---- U(routine^args): on the called channel */

/* The caret of a place is a comma, also for who reads how the call to the peer ended. */
static int routine_goto(struct dial *d, struct buf *result)
{
	carets_to_commas(result);
	if (!pbx_parse_goto(d->in, str_skip(buf_view(result), 5)))
		d->go_on = true;
	return ECANCELED;
}

static int routine_result(struct dial *d, struct buf *out)
{
	static const char *const outcomes[] = { "BUSY", "CONGESTION", "CHANUNAVAIL" };
	struct str result = buf_view(out);

	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		if (str_ieq(result, str_z(outcomes[i]))) {
			d->status = outcomes[i];
			d->go_on = true;
			return ECANCELED;
		}
	}
	if (str_ieq(result, STR("CONTINUE"))) {
		d->go_on = true;
		return ECANCELED;
	}
	if (str_ieq(result, STR("ABORT")))
		return ECANCELED;
	return str_istarts(result, STR("GOTO:")) ? routine_goto(d, out) : 0;
}

static int routine(struct dial *d, struct channel *peer)
{
	struct str args = d->o.arg['U'], context = str_cut_raw(&args, '^');
	struct buf b = BUF_INIT, result = BUF_INIT;
	int err = 0;

	buf_printf(&b, "%.*s,s,1(", STR_ARG(context));
	buf_put(&b, args);
	carets_to_commas(&b);
	buf_char(&b, ')');
	/* One that cannot be called is no reason not to talk. */
	if (!pbx_exec(peer, STR("GoSub"), buf_view(&b)) &&
	    pbx_getvar(peer->pbx, peer, STR("GOSUB_RESULT"), &result)) {
		buf_reset(&b);
		if (pbx_getvar(peer->pbx, peer, STR("GOSUB_RETVAL"), &b))
			pbx_setvar(d->in->pbx, d->in, STR("GOSUB_RETVAL"), buf_view(&b));
		err = routine_result(d, &result);
		if (err)
			dial_tell(d->in, peer, buf_z(&result), STR_NULL);
	}
	buf_free(&b);
	buf_free(&result);
	return err;
}

/* ---- G(where): both into the dialplan */

static int split_up(struct dial *d, struct leg *l)
{
	struct channel *in = d->in, *peer = l->ch;
	struct buf b = BUF_INIT;
	int err;

	buf_put(&b, d->o.arg['G']);
	carets_to_commas(&b);
	(void)pbx_parse_goto(in, buf_view(&b));         /* nowhere: both go on from here */
	buf_free(&b);
	in->outgoing = peer->outgoing = false;
	/* parse_goto leaves the priority before the one to run. */
	channel_set_exten(peer, text_view(&in->context), text_view(&in->exten), in->priority + 2);
	(void)run_get(peer);    /* who remembers that this was told */
	run_tell_step(peer);
	err = pbx_start(peer);
	if (err)
		return err;
	dial_tell(in, peer, "ANSWER", STR_NULL);
	peer->owned = false;
	l->ch = obj_drop(peer);
	return 0;
}

/* ---- the bridge */

static void after_place(struct dial *d, struct channel *peer, struct bridge_features *f)
{
	struct channel *in = d->in;
	struct str where = d->o.arg['F'], v[3];
	struct buf b = BUF_INIT;
	uint32_t priority = 1;
	size_t n = 0;

	if (d->o.has['e']) {
		f->after_h = !text_set(&f->after_context, text_view(&in->context));
		return;
	}
	if (!d->o.has['F'])
		return;
	if (!where.n) {
		text_set(&f->after_context, text_view(&in->context));
		text_set(&f->after_exten, text_view(&in->exten));
		f->after_priority = in->priority + 1;
		return;
	}
	buf_put(&b, where);
	carets_to_commas(&b);
	where = buf_view(&b);
	while (where.n && n < 3)
		v[n++] = str_trim(str_cut_raw(&where, ','));
	if (!n) {               /* no memory for a copy: nothing happens afterwards */
		buf_free(&b);
		return;
	}
	if (str_u32(v[n - 1], &priority)) {
		int p = dialplan_label(in->pbx, n > 2 ? v[0] : text_view(&in->context),
				       n > 1 ? v[n - 2] : text_view(&in->exten), v[n - 1], number_of(peer));
		priority = p > 0 ? (uint32_t)p : 1;
	}
	text_set(&f->after_context, n > 2 ? v[0] : text_view(&in->context));
	text_set(&f->after_exten, n > 1 ? v[n - 2] : text_view(&in->exten));
	f->after_priority = (int)priority;
	buf_free(&b);
}

static void limit_sounds(struct dial *d, struct bridge_features *f)
{
	struct buf b = BUF_INIT;

	f->limit_ms = d->o.limit_ms;
	f->warn_ms = d->o.warn_ms;
	f->warn_every_ms = d->o.warn_every_ms;
	if (!f->limit_ms || !d->o.has['L'])
		return;
	if (pbx_getvar(d->in->pbx, d->in, STR("LIMIT_WARNING_FILE"), &b) && b.n)
		text_set(&f->warn_sound, buf_view(&b));
	else
		text_set(&f->warn_sound, STR("timeleft"));
	buf_reset(&b);
	if (pbx_getvar(d->in->pbx, d->in, STR("LIMIT_TIMEOUT_FILE"), &b))
		text_set(&f->limit_sound, buf_view(&b));
	buf_free(&b);
}

static void features_free(struct bridge_features *f)
{
	text_free(&f->after_context);
	text_free(&f->after_exten);
	text_free(&f->warn_sound);
	text_free(&f->limit_sound);
}

static void stop_entertaining(struct dial *d)
{
	/* Music of its own, or of who answered on hold: what they send is heard now. */
	if (d->music || d->in->moh)
		channel_moh_stop(d->in);
	else if (d->sent_ringing || d->o.has['r'] || d->o.has['R'])
		channel_indicate(d->in, IND_STOP, NULL);
	d->music = d->sent_ringing = false;
}

static int talk(struct dial *d, struct leg *l)
{
	struct bridge_features cf = { 0 }, pf = { 0 };
	const bool *has = d->o.has;
	struct channel *peer = l->ch, *in = d->in;
	struct str called, calling = d->o.arg['D'];
	int err;

	cf.blind_transfer = has['T'];
	pf.blind_transfer = has['t'];
	cf.hangup_star = has['H'];
	pf.hangup_star = has['h'];
	cf.park = has['K'];
	pf.park = has['k'];
	cf.automixmon = has['X'];
	pf.automixmon = has['x'];
	after_place(d, peer, &pf);
	limit_sounds(d, &cf);
	stop_entertaining(d);
	called = str_cut_raw(&calling, ':');
	calling = str_cut_raw(&calling, ':');
	/* D(): the caller is answered when they have gone. */
	err = called.n ? app_send_digits(in, peer, called, DIGIT_GAP_MS, DIGIT_MS) : 0;
	err = !err && calling.n ? app_send_digits(in, in, calling, DIGIT_GAP_MS, DIGIT_MS) : err;
	err = err ? err : channel_answer(in);
	if (!err) {
		in->forwards = in->max_forwards;
		peer->forwards = peer->max_forwards;
		err = bridge_call(in, peer, &cf, &pf);
	}
	features_free(&cf);
	features_free(&pf);
	if (in->answered_us)
		dial_set_ms(in, "ANSWEREDTIME", (clock_us(in->pbx->clock) - in->answered_us) / 1000);
	dial_set_ms(in, "DIALEDTIME", (clock_us(in->pbx->clock) - in->created_us) / 1000);
	return err;
}

static int answer_cause(const struct dial *d)
{
	int cause;

	if (!d->o.has['Q'] || !d->o.arg['Q'].n)
		return CAUSE_ANSWERED_ELSEWHERE;
	if (str_ieq(d->o.arg['Q'], STR("NONE")))
		return 0;
	cause = cause_of(d->o.arg['Q']);
	return cause < 0 ? CAUSE_ANSWERED_ELSEWHERE : cause;
}

static void name_peer(struct dial *d, struct channel *peer)
{
	struct buf b = BUF_INIT;

	d->status = "ANSWER";
	pbx_setvar(d->in->pbx, d->in, STR("DIALSTATUS"), STR("ANSWER"));
	pbx_setvar(d->in->pbx, d->in, STR("DIALEDPEERNAME"), text_view(&peer->name));
	pbx_getvar(peer->pbx, peer, STR("DIALEDPEERNUMBER"), &b);
	pbx_setvar(d->in->pbx, d->in, STR("DIALEDPEERNUMBER"), buf_view(&b));
	buf_free(&b);
}

/* The leg is given away: to the bridge, or to a fiber of its own. */
static void forget(struct leg *l)
{
	struct channel *ch = l->ch;

	l->ch = NULL;
	l->going = false;
	obj_drop(ch);
}

int dial_answered(struct dial *d, struct leg *l)
{
	struct channel *peer = l->ch;
	int err = 0;

	if (d->o.has['a'])
		channel_answer_settled(d->in, 0);
	dial_end_all(d, l, answer_cause(d));
	name_peer(d, peer);
	if (d->o.has['A'])
		err = announce(d, peer);
	if (!err && d->o.has['G'] && d->o.arg['G'].n) {
		d->go_on = true;
		return split_up(d, l);
	}
	if (!err && d->o.has['U'] && d->o.arg['U'].n)
		err = routine(d, peer);
	if (err) {
		if (peer->hungup && !d->in->hungup)
			d->in->cause = peer->cause;
		run_tell_step(peer);
		dial_leg_end(l, 0);
		return err;
	}
	dial_tell(d->in, peer, "ANSWER", STR_NULL);
	run_tell_step(peer);
	err = talk(d, l);
	if (err && !peer->bridge && !peer->fiber)
		dial_leg_end(l, 0);
	else
		forget(l);
	return err;
}
