/* How a thing of a script ends: the exit code, and what is due at a time. */
#include "phone/one_shot.h"

/* Its call is freed when it ends, and nothing is due in it any more. */
static void let_go(struct one_shot *s)
{
	sidetone_timer_cancel(s->timer);
	sidetone_timer_cancel(s->second);
	s->timer = s->second = NULL;
	s->call = NULL;
}

void one_shot_leave(struct phone *p, int exit_code)
{
	if (p->own)
		let_go(p->own);
	phone_leave(p, exit_code);
}

void one_shot_finish(struct phone *p, enum outcome o, unsigned status, const char *cause, double seconds)
{
	const struct text *expect = &p->options.expect;

	if (p->leaving)
		return;
	if (!expect->n)
		p->exit_code = outcome_row(o)->exit_code;
	else
		p->exit_code = outcome_is(o, status, text_view(expect)) ? EXIT_EXPECTED : EXIT_UNEXPECTED;
	say_outcome(p, o, status, cause, seconds);
	one_shot_leave(p, p->exit_code);
}

static void on_time(void *arg)
{
	struct one_shot *s = arg;

	s->timer = NULL;
	s->due(s);
}

int one_shot_after(struct one_shot *s, double seconds, void (*due)(struct one_shot *s))
{
	sidetone_timer_cancel(s->timer);
	s->timer = NULL;
	s->due = due;
	return sidetone_loop_after(s->phone->loop, (uint64_t)(seconds * 1000), on_time, s, &s->timer);
}
