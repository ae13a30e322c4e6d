/* What an event means for the channel itself, before whoever reads its events gets it. */
#define LOG_MODULE "channel"
#include "base/log.h"
#include "media/media.h"
#include "pbx/channel_private.h"
#include "pbx/event.h"
#include "pbx/hooks.h"

/* What an event means for the channel itself, whoever gets it. */
static void note(struct channel *ch, const struct chan_event *e)
{
	switch (e->type) {
	case CE_HANGUP:
		ch->hungup = true;
		if (e->cause)
			ch->cause = e->cause;
		channel_tell_hangup_request(ch, "HangupRequest", e->cause);
		break;
	case CE_ANSWER:
		channel_set_state(ch, CHAN_UP);
		break;
	case CE_RINGING:
		if (ch->outgoing && ch->state != CHAN_UP)
			channel_set_state(ch, CHAN_RINGING);
		break;
	case CE_HOLD:
		channel_tell_hold(ch, text_view(&e->text));
		break;
	case CE_UNHOLD:
		channel_tell(ch, "Unhold", EV_CALL);
		break;
	case CE_DTMF_BEGIN:
	case CE_DTMF_END:
		if (log_mask() & (1u << LOG_DTMF))
			log_write(LOG_DTMF, LOG_MODULE, 0, "DTMF %s '%c' received on %s",
				  e->type == CE_DTMF_END ? "end" : "begin", e->digit, text_z(&ch->name));
		if (!e->untold)
			channel_tell_digit(ch, e->type == CE_DTMF_END, e->digit, e->ms, "Received");
		if (e->type == CE_DTMF_END)
			channel_hooks_digit(ch, e->digit);
		break;
	case CE_MEDIA:
		channel_hooks_update(ch);
		break;
	case CE_FLASH:
		channel_tell(ch, "Flash", EV_CALL);
		break;
	case CE_PLAY_DONE:
		if (ch->moh && e->tag == ch->moh_tag && !e->cause)
			channel_moh_again(ch);
		break;
	default:
		break;
	}
}

/* Sounds for a Local half play in the session behind its twin: their end is told
 * to whoever asked for them. */
static struct channel *player_of(struct channel *ch, struct chan_event *e)
{
	if (!e->tag)
		e->tag = e->ms;         /* a technology that knows no better field */
	return ch->player && e->tag && ch->play_tag == e->tag ? ch->player : ch;
}

static void hear(struct channel *ch, struct chan_event *e)
{
	note(ch, e);
	channel_deliver(ch, e);
}

void channel_event(struct channel *ch, struct chan_event *e)
{
	if (!e)
		return;
	if (e->type == CE_PLAY_DONE)
		ch = player_of(ch, e);
	if (ch->dead || (ch->hungup && e->type == CE_HANGUP)) {
		chan_event_free(e);
		return;
	}
	if (e->type == CE_T38 && channel_t38_taken(ch, true, e->data)) {
		chan_event_free(e);
		return;
	}
	if (!channel_digit_waits(ch, e, hear))
		hear(ch, e);
}

/* A call that misses what decides about it would stay for ever: without memory for
 * the event it ends. */
void channel_event_simple(struct channel *ch, enum chan_event_type t)
{
	struct chan_event *e = chan_event_new(t);

	if (e)
		channel_event(ch, e);
	else if (t == CE_WAKE)
		fiber_wake(ch->waiter);
	else if (chan_event_decides(t))
		channel_event_hangup(ch, CAUSE_NO_CIRCUIT);
}

/* The first hangup has its event ready; there is no second. */
static struct chan_event *take_hangup(struct channel *ch, int cause)
{
	struct chan_event *e = ch->last_event;

	ch->last_event = NULL;
	if (e)
		e->cause = cause;
	return e;
}

void channel_event_hangup(struct channel *ch, int cause)
{
	if (!ch->dead && !ch->hungup)
		channel_event(ch, take_hangup(ch, cause));
}

void channel_tell_soft_hangup(struct channel *ch, int reason)
{
	channel_tell_hangup_request(ch, "SoftHangupRequest", reason);
}

void channel_soft_hangup(struct channel *ch, int cause, int reason)
{
	struct chan_event *e;

	if (ch->dead)
		return;
	if (cause)
		ch->cause = cause;
	if (reason != SOFT_QUIET)
		channel_tell_soft_hangup(ch, reason);
	if (ch->hungup)
		return;
	ch->hungup = true;
	e = take_hangup(ch, cause);
	if (e)
		channel_deliver(ch, e);
	else
		fiber_wake(ch->waiter);
}

void channel_hangup(struct channel *ch, int cause)
{
	channel_soft_hangup(ch, cause, SOFT_EXPLICIT);
}

/* Whoever waits with its sound until it can be heard goes on: Answer(). */
static void way_is_open(struct channel *ch)
{
	ch->heard = true;
	if (ch->listens)
		channel_event_simple(ch, CE_WAKE);
}

/* One of channel_play() has: music on hold is none. */
static void sound_ended(struct channel *ch, uint32_t tag)
{
	const struct channel *by = ch->player ? ch->player : ch;

	if (!ch->sounds || (tag && tag == by->moh_tag))
		return;
	if (!--ch->sounds)
		channel_heard_anew(ch);
}

bool channel_media_event(struct channel *ch, const struct media_event *e)
{
	struct chan_event *ce;

	if (e->type == MEDIA_PLAYED)
		sound_ended(ch, e->tag);
	switch (e->type) {
	case MEDIA_DTMF_BEGIN:
	case MEDIA_DTMF_END:
		ce = chan_event_new(e->type == MEDIA_DTMF_BEGIN ? CE_DTMF_BEGIN : CE_DTMF_END);
		break;
	case MEDIA_FIRST_PACKET:
		way_is_open(ch);
		return true;
	case MEDIA_SECURE:
		/* After the handshake both can hear. To wait for the first packet would cost it: it is not kept. */
		if (!e->err)
			way_is_open(ch);
		return false;
	case MEDIA_HOOK:
		channel_hooks_told(ch, e);
		return true;
	case MEDIA_PLAYED:
	case MEDIA_DTMF_SENT:
	case MEDIA_TONE_DONE:
		ce = chan_event_new(CE_PLAY_DONE);
		break;
	default:
		return false;
	}
	if (!ce)
		return true;
	ce->digit = e->digit;
	ce->ms = e->ms;
	ce->cause = e->err;
	ce->tag = e->tag;
	ce->count = e->count;
	ce->missing = e->missing;
	channel_event(ch, ce);
	return true;
}
