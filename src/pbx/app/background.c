/* BackGround: sounds during which the caller may dial an extension. */
#define LOG_MODULE "background"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/sound.h"
#include <errno.h>

static bool matters(struct channel *ch, struct str context, char digit)
{
	struct str exten = str_mk(&digit, 1);
	struct str number = ch->caller.number_valid ? text_view(&ch->caller.number) : STR_NULL;

	return dialplan_exists(ch->pbx, context, exten, 1, number) || dialplan_can_grow(ch->pbx, context, exten, number);
}

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
	if (ch->state != CHAN_UP && pbx_option(v[1], 's', NULL))
		return 0;
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
