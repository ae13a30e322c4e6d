/* What is done to a channel: answer, indications, digits, its parties. */
#define LOG_MODULE "channel"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/channel_private.h"
#include "pbx/event.h"
#include <errno.h>

void channel_set_state(struct channel *ch, enum channel_state s)
{
	if (ch->state == s)
		return;
	ch->state = s;
	if (s == CHAN_UP && !ch->answered_us)
		ch->answered_us = clock_us(ch->pbx->clock);
	channel_tell(ch, "Newstate", EV_CALL);
	channel_tell_device(ch);
}

void channel_set_caller_party(struct channel *ch, const struct party *p)
{
	bool same = party_same(&ch->caller, p);

	party_copy(&ch->caller, p);
	if (!same)
		channel_tell_caller(ch);
}

void channel_set_caller(struct channel *ch, struct str number, struct str name)
{
	struct party p = { 0 };

	if (!party_copy(&p, &ch->caller) && !party_set(&p, number, name))
		channel_set_caller_party(ch, &p);
	party_free(&p);
}

void channel_put_connected(struct channel *ch, const struct party *p)
{
	bool same = party_same(&ch->connected, p);

	party_copy(&ch->connected, p);
	if (!same)
		channel_tell(ch, "NewConnectedLine", EV_CALL);
}

void channel_set_connected(struct channel *ch, const struct party *p)
{
	channel_put_connected(ch, p);
	channel_indicate(ch, IND_CONNECTED_LINE, NULL);
}

void channel_set_accountcode(struct channel *ch, struct str code)
{
	struct event *e;

	if (str_eq(text_view(&ch->accountcode), code))
		return;
	e = ch->pbx->events ? event_new(ch->pbx->events, "NewAccountCode", EV_CALL) : NULL;
	if (e) {
		struct text old = ch->accountcode;

		ch->accountcode = (struct text){ 0 };
		text_set(&ch->accountcode, code);
		event_channel(e, "", ch);
		event_put(e, "OldAccountCode", text_view(&old));
		event_send(ch->pbx->events, e);
		text_free(&old);
		return;
	}
	text_set(&ch->accountcode, code);
}

void channel_set_exten(struct channel *ch, struct str context, struct str exten, int priority)
{
	if (context.n)
		text_set(&ch->context, context);
	if (exten.n)
		text_set(&ch->exten, exten);
	ch->priority = priority;
}

/* A sound that the pbx makes because the technology has no message for it. */
static int tone(struct channel *ch, const char *name)
{
	struct media_session *s = channel_media(ch);
	struct tone *t;
	int err;

	if (!s)
		return ENOSYS;
	err = tone_named(&t, str_z(name), text_view(&ch->tonezone));
	if (err)
		return err;
	err = media_tone(s, t);
	obj_drop(t);
	return err;
}

static int indicate_self(struct channel *ch, enum indication ind, const void *data)
{
	switch (ind) {
	case IND_RINGING:
		return tone(ch, "ring");
	case IND_BUSY:
		return tone(ch, "busy");
	case IND_CONGESTION:
	case IND_INCOMPLETE:
		return tone(ch, "congestion");
	case IND_HOLD:
		channel_moh_start(ch, data ? *(const struct str *)data : STR_NULL);
		return 0;
	case IND_UNHOLD:
		channel_moh_stop(ch);
		return 0;
	default:
		return 0;
	}
}

static void stop_sounds(struct channel *ch)
{
	struct media_session *s;

	if (ch->shown < 0)
		return;
	ch->shown = -1;
	s = channel_media(ch);
	if (s)
		media_tone(s, NULL);
}

int channel_indicate(struct channel *ch, enum indication ind, const void *data)
{
	int err;

	if (ch->dead)
		return ECANCELED;
	if (ind == IND_STOP)
		stop_sounds(ch);
	err = ch->tech->indicate ? ch->tech->indicate(ch, ind, data) : ENOSYS;
	if (err == ENOSYS)
		err = indicate_self(ch, ind, data);
	if (ind == IND_RINGING || ind == IND_BUSY || ind == IND_CONGESTION || ind == IND_INCOMPLETE)
		ch->shown = (int8_t)ind;
	return err;
}

int channel_answer(struct channel *ch)
{
	int err = 0;

	if (ch->hungup || ch->dead)
		return ECANCELED;
	if (ch->state == CHAN_UP)
		return 0;
	stop_sounds(ch);
	if ((ch->state == CHAN_RING || ch->state == CHAN_RINGING) && ch->tech->answer)
		err = ch->tech->answer(ch);
	if (!err)
		channel_set_state(ch, CHAN_UP);
	return err;
}

int channel_digit(struct channel *ch, char digit, unsigned ms)
{
	if (ch->dead)
		return ECANCELED;
	channel_tell_digit(ch, false, digit, 0, "Sent");
	channel_tell_digit(ch, true, digit, ms, "Sent");
	return ch->tech->digit ? ch->tech->digit(ch, digit, ms) : ENOSYS;
}
