/* Manager events about one channel: what happened to it, with what it is now. */
#include "pbx/channel_private.h"
#include "net/statsd.h"
#include "pbx/devstate.h"
#include "pbx/event.h"
#include "pbx/run.h"

struct event *channel_event_begin(struct channel *ch, const char *name, unsigned privilege)
{
	struct event *e = ch->pbx->events ? event_new(ch->pbx->events, name, privilege) : NULL;

	if (e)
		event_channel(e, "", ch);
	return e;
}

static void tell(struct channel *ch, struct event *e)
{
	if (e)
		event_send(ch->pbx->events, e);
}

void channel_tell(struct channel *ch, const char *name, unsigned privilege)
{
	/* Of what is told of one change the state comes first, then the place. */
	if (str_eq(str_z(name), STR("NewConnectedLine")))
		run_told_anew(ch);
	tell(ch, channel_event_begin(ch, name, privilege));
	if (str_eq(str_z(name), STR("Newstate")))
		run_told_anew(ch);
}

void channel_tell_stats(const struct channel *ch, bool begins)
{
	const struct pbx *p = ch->pbx;

	if (!p->channel_stats)
		return;
	if (!begins)
		statsd_number(p->statsd, STATSD_TIMER, STR("channels.calltime"), (int64_t)((clock_us(p->clock) - ch->created_us) / 1000));
	statsd_step(p->statsd, "channels.", "count", begins ? "+1" : "-1");
}

static void put_tech_cause(struct event *e, const struct channel *ch)
{
	if (ch->tech_cause)
		event_printf(e, "TechCause", "%d", ch->tech_cause);
}

void channel_tell_hangup(struct channel *ch)
{
	struct event *e = channel_event_begin(ch, "Hangup", EV_CALL);

	if (!e)
		return;
	event_printf(e, "Cause", "%d", ch->cause);
	event_put(e, "Cause-txt", str_z(cause_text(ch->cause)));
	put_tech_cause(e, ch);
	tell(ch, e);
}

void channel_tell_hangup_request(struct channel *ch, const char *name, int cause)
{
	struct event *e = channel_event_begin(ch, name, EV_CALL);

	if (!e)
		return;
	if (cause > 0)
		event_printf(e, "Cause", "%d", cause);
	put_tech_cause(e, ch);
	tell(ch, e);
}

void channel_tell_caller(struct channel *ch)
{
	struct event *e;
	int pres;

	run_told_anew(ch);
	e = channel_event_begin(ch, "NewCallerid", EV_CALL);
	if (!e)
		return;
	pres = party_presentation(&ch->caller);
	event_printf(e, "CID-CallingPres", "%d (%s)", pres, presentation_text(pres));
	tell(ch, e);
}

void channel_tell_digit(struct channel *ch, bool end, char digit, unsigned ms, const char *direction)
{
	struct event *e = channel_event_begin(ch, end ? "DTMFEnd" : "DTMFBegin", EV_DTMF);

	if (!e)
		return;
	event_put(e, "Digit", str_mk(&digit, 1));
	if (end)
		event_printf(e, "DurationMs", "%u", ms);
	event_put(e, "Direction", str_z(direction));
	tell(ch, e);
}

void channel_tell_hold(struct channel *ch, struct str music_class)
{
	struct event *e = channel_event_begin(ch, "Hold", EV_CALL);

	if (!e)
		return;
	if (music_class.n)
		event_put(e, "MusicClass", music_class);
	tell(ch, e);
}

void channel_tell_device(struct channel *ch)
{
	struct str name = text_view(&ch->name);
	size_t dash = str_rchr(name, '-');

	if (ch->pbx->devstates && dash < name.n)
		device_changed(ch->pbx, str_sub(name, 0, dash));
}
