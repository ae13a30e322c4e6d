/* BackGround, BackgroundDetect: sounds during which the caller may dial an extension, or speak. */
#define LOG_MODULE "background"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/func/text.h"
#include "pbx/hooks.h"
#include "pbx/sound.h"
#include <errno.h>

static bool matters(struct channel *ch, struct str context, char digit)
{
	struct str exten = str_mk(&digit, 1);
	struct str number = ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;

	return dialplan_exists(ch->pbx, context, exten, 1, number) || dialplan_can_grow(ch->pbx, context, exten, number);
}

/* ---- BackGround */

/* BackGround(file[&...][,options s n m p][,language][,context]): a digit ends it. */
static int run(struct channel *ch, struct str data)
{
	struct str v[4] = { { 0 } }, context;
	struct text language = { 0 };
	char digit = '\0';
	int err;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!v[0].n) {
		log_warning("BackGround needs the name of a file");
		return -1;
	}
	if (ch->state != CHAN_UP && pbx_option(v[1], 's', NULL)) {
		pbx_setvar(ch->pbx, ch, STR("BACKGROUNDSTATUS"), STR("SUCCESS"));
		return 0;
	}
	if (ch->state != CHAN_UP && !pbx_option(v[1], 'n', NULL) && channel_answer_settled(ch, 0))
		return -1;
	context = v[3].n ? v[3] : text_view(&ch->context);
	if (v[2].n) {
		text_set(&language, text_view(&ch->language));
		text_set(&ch->language, v[2]);
	}
	err = sound_play(ch, v[0], STR("0123456789*#ABCD"), &digit);
	if (v[2].n) {
		text_free(&ch->language);
		ch->language = language;
	}
	pbx_setvar(ch->pbx, ch, STR("BACKGROUNDSTATUS"), err == ENOENT ? STR("FAILED") : STR("SUCCESS"));
	if (err == ECANCELED)
		return -1;
	if (!digit || (pbx_option(v[1], 'm', NULL) && !matters(ch, context, digit)))
		return 0;
	return digit;   /* the first of an extension */
}

const struct app app_background = { .name = "BackGround", .synopsis = "Play sound files while waiting for an extension",
	.run = run };

/* ---- BackgroundDetect(file[,silence[,min[,max[,within]]]]), all in ms: a word of the caller's ends it too,
 * and goes to the extension talk. */

enum { QUIET_MS = 1000, MIN_MS = 100, LEVEL = 512 };

struct word {
	struct chan_hook h;
	struct media_word prm;
	uint32_t ms;            /* of the one that was heard; 0: none yet */
};

static int start_word(struct chan_hook *h, struct media_session *s)
{
	return media_word_start(&h->on, s, &((struct word *)h)->prm, h->tag);
}

static void told_word(struct chan_hook *h, const struct media_event *e)
{
	((struct word *)h)->ms = e->ms;
	channel_event_simple(h->ch, CE_WAKE);
}

static const struct chan_hook_kind word_kind = { .name = "BackgroundDetect", .start = start_word, .told = told_word };

struct detect {
	struct channel *ch;
	const struct word *word;
	char digit;             /* one that an extension may begin with */
};

static bool detect_over(void *arg, const struct chan_event *e)
{
	struct detect *d = arg;

	if (e->type == CE_DTMF_END && matters(d->ch, text_view(&d->ch->context), e->digit))
		d->digit = e->digit;
	return d->digit || d->word->ms;
}

/* Not written, no number or none over 0: as it is. */
static void read_ms(struct str s, uint32_t *ms)
{
	int64_t v;

	if (text_leading_int(s, &v) && v > 0 && v <= INT32_MAX)
		*ms = (uint32_t)v;
}

static void go_to_talk(struct channel *ch, uint32_t ms)
{
	struct str number = ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;
	struct buf b = BUF_INIT;

	buf_u64(&b, ms);
	pbx_setvar(ch->pbx, ch, STR("TALK_DETECTED"), buf_view(&b));
	buf_free(&b);
	if (dialplan_exists(ch->pbx, text_view(&ch->context), STR("talk"), 1, number))
		channel_set_exten(ch, text_view(&ch->context), STR("talk"), 0);     /* the next step is 1 */
}

static int run_detect(struct channel *ch, struct str data)
{
	struct word *word;              /* held */
	struct detect d = { .ch = ch };
	struct sound_result r;
	uint32_t ms;
	struct str v[5];
	int err;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!v[0].n) {
		log_warning("BackgroundDetect needs the name of a file");
		return -1;
	}
	word = chan_hook_new(sizeof(*word), &word_kind);
	if (!word)
		return -1;
	word->prm = (struct media_word){ .level = LEVEL, .quiet_ms = QUIET_MS, .min_ms = MIN_MS };
	read_ms(v[1], &word->prm.quiet_ms);
	read_ms(v[2], &word->prm.min_ms);
	read_ms(v[3], &word->prm.max_ms);
	read_ms(v[4], &word->prm.within_ms);
	if (ch->state != CHAN_UP && channel_answer_settled(ch, 0)) {
		obj_drop(word);
		return -1;
	}
	/* The hook may leave with the sound: a transfer. */
	d.word = obj_hold(word);
	if (channel_hook_add(ch, word)) {
		obj_drop(word);
		return -1;
	}
	err = sound_play_until(ch, v[0], &(struct sound_until){ detect_over, &d }, &r);
	ms = word->ms;
	channel_hook_remove(word);
	obj_drop(word);
	if (err == ECANCELED)
		return -1;
	if (!d.digit && ms)
		go_to_talk(ch, ms);
	return d.digit;
}

const struct app app_background_detect = { .name = "BackgroundDetect",
	.synopsis = "Play a sound while listening for talk and digits", .run = run_detect };
