/* Playback: sounds, one after the other. */
#define LOG_MODULE "playback"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/sound.h"
#include <errno.h>

enum { FILES_MAX = 64, SAY_MAX = 128 };

static bool has(struct str options, const char *word)
{
	while (options.n) {
		struct str o = str_cut_raw(&options, ',');

		while (o.n)
			if (str_ieq(str_trim(str_cut_raw(&o, '&')), str_z(word)))
				return true;
	}
	return false;
}

/* "say:digits:123", or with option say plain "digits:123". */
static size_t say(struct str s, char (*v)[32])
{
	struct str what = str_cut_raw(&s, ':');
	int64_t n;

	if (str_ieq(what, STR("digits")))
		return say_digits(s, v, SAY_MAX);
	if (str_ieq(what, STR("alpha")))
		return say_alpha(s, v, SAY_MAX);
	if ((str_ieq(what, STR("number")) || str_ieq(what, STR("num"))) && !str_i64(s, &n))
		return say_number(n, v, SAY_MAX);
	return 0;
}

static int play_said(struct channel *ch, struct str s, struct sound_result *r)
{
	char names[SAY_MAX][32];
	struct str v[SAY_MAX];
	size_t n = say(s, names);

	for (size_t i = 0; i < n; i++)
		v[i] = str_z(names[i]);
	return n ? sound_play_result(ch, v, n, STR_NULL, r) : ENOENT;
}

/* One after the other; false: one of them could not be played. */
static bool play_all(struct channel *ch, struct str files, bool said)
{
	bool ok = true;

	while (files.n && !ch->hungup) {
		struct str one = str_trim(str_cut_raw(&files, '&'));
		struct sound_result r = { 0 };
		int err;

		if (!one.n)
			continue;
		if (said || str_istarts(one, STR("say:")))
			err = play_said(ch, said ? one : str_skip(one, 4), &r);
		else
			err = sound_play_result(ch, &one, 1, STR_NULL, &r);
		if (err == ECANCELED)
			return true;
		if (err || r.missing) {
			log_warning("Playback failed on %s for %.*s", text_z(&ch->name), STR_ARG(one));
			ok = false;
		}
	}
	return ok;
}

/* Playback(file[&file...][,skip,noanswer,say]) */
static int run(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } };
	bool ok = true;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!v[0].n) {
		log_warning("Playback needs the name of a file");
		return -1;
	}
	if (ch->state != CHAN_UP && has(v[1], "skip"))
		goto out;
	if (ch->state != CHAN_UP && !has(v[1], "noanswer") && channel_answer_settled(ch, 0)) {
		ok = false;
		goto out;
	}
	ok = play_all(ch, v[0], has(v[1], "say"));
 out:
	pbx_setvar(ch->pbx, ch, STR("PLAYBACKSTATUS"), ok ? STR("SUCCESS") : STR("FAILED"));
	return ch->hungup || ch->async_goto ? -1 : 0;
}

const struct app app_playback = { .name = "Playback", .synopsis = "Play sound files", .run = run };
