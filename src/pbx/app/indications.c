/* What a channel is told without words: Progress, Ringing, Busy, tones ... */
#include "media/media.h"
#include "pbx/app/app.h"
#include "pbx/sound.h"

static int show(struct channel *ch, enum indication ind)
{
	return ch->hungup ? -1 : (channel_indicate(ch, ind, NULL), 0);
}

static int run_progress(struct channel *ch, struct str data)
{
	(void)data;
	return show(ch, IND_PROGRESS);
}

static int run_ringing(struct channel *ch, struct str data)
{
	(void)data;
	return show(ch, IND_RINGING);
}

static int run_proceeding(struct channel *ch, struct str data)
{
	(void)data;
	return show(ch, IND_PROCEEDING);
}

/* Until the caller has heard enough, or `seconds`; then the call ends. */
static int refuse(struct channel *ch, enum indication ind, int cause, struct str seconds)
{
	double s;
	uint64_t ms = UINT64_MAX;

	if (ch->hungup)
		return -1;
	if (ch->state != CHAN_UP) {
		ch->cause = cause;
		channel_set_state(ch, CHAN_BUSY);
	}
	channel_indicate(ch, ind, NULL);
	if (str_trim(seconds).n && !str_double(str_trim(seconds), &s) && s >= 0 && s < 1e9)
		ms = (uint64_t)(s * 1000);
	channel_sleep(ch, ms);
	return -1;
}

static int run_busy(struct channel *ch, struct str data)
{
	return refuse(ch, IND_BUSY, CAUSE_BUSY, data);
}

static int run_congestion(struct channel *ch, struct str data)
{
	return refuse(ch, IND_CONGESTION, CAUSE_NO_CIRCUIT, data);
}

static int run_incomplete(struct channel *ch, struct str data)
{
	if (ch->hungup)
		return -1;
	/* Not everybody can dial on before the answer. */
	if (ch->state != CHAN_UP && !pbx_option(data, 'n', NULL) && channel_answer(ch))
		return -1;
	channel_indicate(ch, IND_INCOMPLETE, NULL);
	return APP_INCOMPLETE;
}

static int run_playtones(struct channel *ch, struct str data)
{
	sound_tone(ch, data);
	return 0;
}

static int run_stop_playtones(struct channel *ch, struct str data)
{
	(void)data;
	sound_tone(ch, STR_NULL);
	return 0;
}

/* A tone until the end of the call: 1004 Hz, as test lines give it. */
static int run_milliwatt(struct channel *ch, struct str data)
{
	(void)data;
	if (sound_tone(ch, STR("1004/1000")))
		return -1;
	channel_sleep(ch, UINT64_MAX);
	sound_tone(ch, STR_NULL);
	return -1;
}

const struct app app_progress = { .name = "Progress", .synopsis = "Offer sound before the answer",
	.run = run_progress };
const struct app app_ringing = { .name = "Ringing", .synopsis = "Tell the caller that it rings", .run = run_ringing };
const struct app app_proceeding = { .name = "Proceeding", .synopsis = "Tell the caller that the call goes on",
	.run = run_proceeding };
const struct app app_busy = { .name = "Busy", .synopsis = "Refuse the call as busy and wait", .run = run_busy };
const struct app app_congestion = { .name = "Congestion", .synopsis = "Refuse the call as congested and wait",
	.run = run_congestion };
const struct app app_incomplete = { .name = "Incomplete", .synopsis = "Ask for more digits", .run = run_incomplete };
const struct app app_playtones = { .name = "PlayTones", .synopsis = "Play a tone or cadence while the dialplan goes on",
	.run = run_playtones };
const struct app app_stop_playtones = { .name = "StopPlayTones", .synopsis = "End PlayTones", .run = run_stop_playtones };
const struct app app_milliwatt = { .name = "Milliwatt", .synopsis = "A 1004 Hz tone until the call ends",
	.run = run_milliwatt };
