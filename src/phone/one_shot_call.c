/* A call of a script: it is made or answered, does what the options say, and has an outcome. */
#include "phone/one_shot.h"
#include <errno.h>
#include <stdlib.h>

#define ANSWER_S 60     /* so long somebody may let it ring */

/* ---- time -------------------------------------------------------------------------------------------------- */

static void hang_up(struct one_shot *s)
{
	if (s->call)
		call_hang_up(s->call, 0);
}

static void too_late(struct one_shot *s)
{
	s->too_late = true;
	hang_up(s);
}

static void on_half(void *arg)
{
	struct one_shot *s = arg;

	s->second = NULL;
	if (s->call)
		call_hold(s->call, false);
}

/* ---- what is done in it --------------------------------------------------------------------------------------- */

static void on_failed_order(struct phone *p, const char *what, int err)
{
	if (err)
		screen_error(&p->screen, "%s: %s", what, strerror(err));
}

static void transfer_now(struct one_shot *s)
{
	struct phone *p = s->phone;

	if (!s->call)
		return;
	if (call_transfer(s->call, text_view(&p->options.transfer), NULL)) {
		screen_error(&p->screen, "transfer: %s", sidetone_ua_error(p->ua));
		hang_up(s);
	} else {
		one_shot_after(s, p->options.timeout > 0 ? p->options.timeout : ANSWER_S, too_late);
	}
}

static void answered(struct phone *p, struct call *c)
{
	const struct phone_options *o = &p->options;
	struct one_shot *s = p->own;

	sidetone_timer_cancel(s->timer);
	s->timer = NULL;
	if (o->dtmf.n)
		on_failed_order(p, "digits", call_digits(c, text_view(&o->dtmf)));
	if (o->hold) {
		on_failed_order(p, "hold", call_hold(c, true));
		if (o->seconds > 0)
			sidetone_loop_after(p->loop, (uint64_t)(o->seconds * 500), on_half, s, &s->second);
	}
	if (o->transfer.n)
		one_shot_after(s, o->seconds > 0 ? o->seconds : 0, transfer_now);
	else if (o->seconds >= 0)
		one_shot_after(s, o->seconds, hang_up);
}

/* ---- its end ---------------------------------------------------------------------------------------------------- */

static void over(struct phone *p, struct call *c)
{
	struct one_shot *s = p->own;
	double seconds = call_seconds(c);
	enum outcome o;

	if (s->call != c)
		return;
	s->call = NULL;
	sidetone_timer_cancel(s->timer);
	sidetone_timer_cancel(s->second);
	s->timer = s->second = NULL;
	/* Who was called on behalf of another is another call. */
	if (p->options.auto_answer && p->options.task == TASK_ANSWER)
		return;
	o = c->up ? OUTCOME_ANSWERED : outcome_of(c->status, text_z(&c->cause));
	if (c->up && s->too_late)
		o = OUTCOME_FAILED;
	else if (s->too_late)
		o = OUTCOME_NO_ANSWER;
	one_shot_finish(p, o, c->status, c->up ? NULL : c->cause.n ? c->cause.p : NULL, seconds);
}

void one_shot_unreachable(struct phone *p, const struct sidetone_event *e)
{
	struct one_shot *s = p->own;

	if (s->call && s->call->up)
		return;         /* its sound goes on, and so does it */
	one_shot_finish(p, OUTCOME_DISCONNECTED, 0, e->text && *e->text ? e->text : "Connection Error", 0);
}

/* ---- they call ------------------------------------------------------------------------------------------------------ */

static void answer_now(struct one_shot *s)
{
	struct phone *p = s->phone;

	if (s->call && call_answer(s->call))
		screen_error(&p->screen, "answer: %s", sidetone_ua_error(p->ua));
}

static void on_invite(struct phone *p, struct call *c)
{
	struct one_shot *s = p->own;
	uint32_t status = 486;

	if (c->replaces && s->call) {
		s->call = c;
		answer_now(s);
		return;
	}
	if (p->options.task != TASK_ANSWER || s->call) {
		call_hang_up(c, 486);
		return;
	}
	s->call = c;
	if (p->options.reject.n && !str_u32(text_view(&p->options.reject), &status))
		sidetone_session_reject(c->session, status, NULL, p->options.headers.p);
	else if (p->options.ring > 0)
		one_shot_after(s, p->options.ring, answer_now);
	else
		answer_now(s);
}

/* ---- we call ----------------------------------------------------------------------------------------------------------- */

int one_shot_call(struct phone *p)
{
	struct one_shot *s = p->own;
	int err = call_make(p, text_view(&p->options.target), text_view(&p->options.headers), &s->call);

	return err ? err : one_shot_after(s, p->options.timeout > 0 ? p->options.timeout : ANSWER_S, too_late);
}

void one_shot_call_event(struct phone *p, const struct sidetone_event *e, struct call *c)
{
	struct one_shot *s = p->own;

	if (e->request)
		return;
	if (e->type == SIDETONE_INVITE)
		on_invite(p, c);
	else if (e->type == SIDETONE_ACCEPTED && c == s->call)
		answered(p, c);
	else if (e->type == SIDETONE_REFER_PROGRESS && c == s->call && e->status >= 300)
		one_shot_finish(p, outcome_of((unsigned)e->status, NULL), (unsigned)e->status, NULL, call_seconds(c));
	else if (e->type == SIDETONE_TERMINATED)
		over(p, c);
}

/* A file that has been played was all there was to say. */
void one_shot_media(struct phone *p, const struct sidetone_media_event *e)
{
	struct one_shot *s = p->own;

	if (!s || !s->call || e->session != s->call->session || e->type != SIDETONE_MEDIA_PLAYED)
		return;
	if (e->error || (p->options.seconds < 0 && !p->options.transfer.n))
		hang_up(s);
}
