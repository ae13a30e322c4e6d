/* What managers know of where a channel stands: Newexten, and the place that was told last. Asterisk
 * tells of a new one only with the next news of the channel. */
#include "pbx/event.h"
#include "pbx/run.h"

bool run_told_here(const struct channel *ch)
{
	const struct run *r = ch->run;

	return r && r->told.priority == ch->priority && str_eq(text_view(&r->told.exten), text_view(&ch->exten)) &&
		str_eq(text_view(&r->told.context), text_view(&ch->context));
}

static void note_told(const struct channel *ch)
{
	struct run *r = ch->run;

	if (!r || run_told_here(ch))
		return;
	if (text_set(&r->told.context, text_view(&ch->context)) || text_set(&r->told.exten, text_view(&ch->exten)))
		r->told.priority = 0;   /* without memory it stands where it stands */
	else
		r->told.priority = ch->priority;
}

void run_told_anew(struct channel *ch)
{
	const struct run *r = ch->run;

	if (r && r->told.priority && ch->app.n && !run_told_here(ch))
		run_tell_step(ch);
	else
		note_told(ch);
}

void run_tell_step(struct channel *ch)
{
	struct event *e = ch->pbx->events ? event_new(ch->pbx->events, "Newexten", EV_DIALPLAN) : NULL;
	struct run *r = ch->run;

	if (!e) {
		if (r)
			r->told.priority = 0;     /* who comes later is not told of the past */
		return;
	}
	event_channel(e, "", ch);
	event_put(e, "Extension", text_view(&ch->exten));
	event_put(e, "Application", text_view(&ch->app));
	event_put(e, "AppData", text_view(&ch->appdata));
	event_send(ch->pbx->events, e);
	note_told(ch);
}
