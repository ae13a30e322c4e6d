/* What is done to a channel: answer, indications, digits. */
#include "base/obj.h"
#include "media/media.h"
#include "pbx/channel_private.h"
#include "pbx/local.h"
#include "pbx/pbx.h"
#include "pbx/t38.h"
#include <errno.h>

#define SETTLE_MS 500   /* from an answer to the first packet, at most */
#define FRAME_MS 20     /* how often it is looked */

void channel_set_connected(struct channel *ch, const struct party *p)
{
	channel_put_connected(ch, p);
	channel_indicate(ch, IND_CONNECTED_LINE, NULL);
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

static void note_t38(struct channel *ch, const struct t38_parameters *p)
{
	if (p && p->what != T38_ASK_PARAMETERS)
		ch->t38_active = p->what == T38_ASK_NEGOTIATE || p->what == T38_IS_NEGOTIATED;
}

int channel_indicate(struct channel *ch, enum indication ind, const void *data)
{
	int err;

	if (ch->dead)
		return ECANCELED;
	channel_news_of(ch, ind);
	if (ind == IND_STOP)
		stop_sounds(ch);
	if (ind == IND_HOLD || ind == IND_UNHOLD)
		ch->held = ind == IND_HOLD;
	if (ind == IND_T38)
		note_t38(ch, data);
	if (ind == IND_T38 && channel_t38_taken(ch, false, data))
		return 0;
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

/* A Local channel has no ears: until one is joined at its other end, as long as anybody else may take. */
static int settle_local(struct channel *ch, uint32_t ms)
{
	uint64_t now = clock_ms(ch->pbx->clock), least = now + ms, end = now + (ms > SETTLE_MS ? ms : SETTLE_MS);
	int err = 0;

	while (!err && now < end && (now < least || !channel_media(ch))) {
		err = channel_nap(ch, end - now < FRAME_MS ? end - now : FRAME_MS, false);
		now = clock_ms(ch->pbx->clock);
	}
	return err;
}

int channel_answer_settled(struct channel *ch, uint32_t ms)
{
	bool rang = ch->state == CHAN_RING || ch->state == CHAN_RINGING;
	int err = channel_answer(ch);

	if (!err && rang && ch->pbx->media && ch->tech == &local_tech && fiber_self())
		return settle_local(ch, ms);
	if (err || !rang || !ch->tech->media || !ch->tech->media(ch))
		return err || !ms ? err : channel_sleep(ch, ms);
	ch->listens = !ms;
	err = channel_nap(ch, ms > SETTLE_MS ? ms : SETTLE_MS, !ms);
	ch->listens = false;
	return err;
}

int channel_digit(struct channel *ch, char digit, unsigned ms)
{
	if (ch->dead)
		return ECANCELED;
	channel_tell_digit(ch, false, digit, 0, "Sent");
	channel_tell_digit(ch, true, digit, ms, "Sent");
	return channel_digit_untold(ch, digit, ms);
}

int channel_digit_untold(struct channel *ch, char digit, unsigned ms)
{
	if (ch->dead)
		return ECANCELED;
	return ch->tech->digit ? ch->tech->digit(ch, digit, ms) : ENOSYS;
}
