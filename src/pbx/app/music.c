/* MusicOnHold, StartMusicOnHold and StopMusicOnHold. */
#include "pbx/app/app.h"
#include "pbx/channel_private.h"
#include "pbx/moh.h"

/* MusicOnHold([class[,seconds]]) */
static int run_music(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	double seconds;
	uint64_t ms = UINT64_MAX;
	int err;

	pbx_args(data, v, ARRAY_LEN(v));
	if (v[1].n && !str_double(v[1], &seconds) && seconds >= 0 && seconds < 1e9)
		ms = (uint64_t)(seconds * 1000);
	channel_moh_start(ch, v[0]);
	err = channel_sleep(ch, ms);
	channel_moh_stop(ch);
	return err ? -1 : 0;
}

static int run_start(struct channel *ch, struct str data)
{
	struct str v[1] = { { 0 } };

	pbx_args(data, v, ARRAY_LEN(v));
	channel_moh_start(ch, v[0]);
	return 0;
}

static int run_stop(struct channel *ch, struct str data)
{
	(void)data;
	channel_moh_stop(ch);
	return 0;
}

const struct app app_music_on_hold = { .name = "MusicOnHold", .synopsis = "Play music", .run = run_music };
const struct app app_start_music_on_hold = { .name = "StartMusicOnHold",
	.synopsis = "Play music while the dialplan goes on", .run = run_start };
const struct app app_stop_music_on_hold = { .name = "StopMusicOnHold", .synopsis = "End StartMusicOnHold",
	.run = run_stop };
