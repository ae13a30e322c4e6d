/* Read: digits of the caller, into a variable. */
#define LOG_MODULE "read"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/sound.h"
#include <errno.h>

struct want {
	struct str file, options;
	uint32_t max, attempts;
	uint64_t timeout_ms;
	struct str term;
};

static int once(struct channel *ch, const struct want *w, char *got, size_t size)
{
	char digit = '\0';
	int err = 0;

	got[0] = '\0';
	/* No tone of that name: a file's. */
	if (w->file.n && !(pbx_option(w->options, 'i', NULL) && !sound_tone(ch, w->file))) {
		err = sound_play(ch, w->file, STR("0123456789*#ABCD"), &digit);
		if (err == ECANCELED || err == ENOENT)
			return err;
	}
	if (digit && str_chr(w->term, digit) < w->term.n)
		return 0;
	if (digit) {
		got[0] = digit;
		got[1] = '\0';
	}
	if (digit && w->max == 1)
		return 0;
	return sound_digits(ch, got, size, w->max, w->timeout_ms, w->term);
}

static void parse(struct want *w, struct str *v)
{
	struct str term;
	double seconds;

	*w = (struct want){ .file = v[1], .options = v[3], .max = 255, .attempts = 1, .timeout_ms = 10000,
		.term = STR("#") };
	if (v[2].n && (str_u32(v[2], &w->max) || !w->max || w->max > 255))
		w->max = 255;
	if (v[4].n && (str_u32(v[4], &w->attempts) || !w->attempts))
		w->attempts = 1;
	if (v[5].n && !str_double(v[5], &seconds) && seconds > 0 && seconds < 1e6)
		w->timeout_ms = (uint64_t)(seconds * 1000);
	if (pbx_option(w->options, 't', &term))
		w->term = term;
}

/* Read(variable[&...][,file[&...][,max[,options[,attempts[,timeout]]]]]) */
static int run(struct channel *ch, struct str data)
{
	struct str v[6] = { { 0 } }, status = STR("ERROR");
	char got[256] = "";
	struct want w;
	int err = ETIMEDOUT;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!v[0].n) {
		log_warning("Read needs the name of a variable");
		goto out;
	}
	parse(&w, v);
	if (ch->state != CHAN_UP && pbx_option(w.options, 's', NULL)) {
		status = STR("SKIPPED");
		goto out;
	}
	if (ch->state != CHAN_UP && !pbx_option(w.options, 'n', NULL) && channel_answer_settled(ch, 0))
		goto out;
	for (uint32_t i = 0; i < w.attempts && err == ETIMEDOUT && !got[0]; i++)
		err = once(ch, &w, got, sizeof(got));
	if (pbx_option(w.options, 'i', NULL))
		sound_tone(ch, STR_NULL);
	status = err == ECANCELED ? STR("HANGUP") : err == ENOENT ? STR("ERROR") : err == ETIMEDOUT && !got[0] ? STR("TIMEOUT") : STR("OK");
 out:
	while (v[0].n)
		pbx_setvar(ch->pbx, ch, str_trim(str_cut_raw(&v[0], '&')), str_z(got));
	pbx_setvar(ch->pbx, ch, STR("READSTATUS"), status);
	return ch->hungup ? -1 : 0;
}

const struct app app_read = { .name = "Read", .synopsis = "Read digits into a variable", .run = run };

/* WaitDigit([seconds[,digits]]): WAITDIGITSTATUS, WAITDIGITRESULT. */
static int run_wait_digit(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } }, status = STR("TIMEOUT");
	uint64_t end = UINT64_MAX;
	double seconds;
	char digit = '\0';
	int err;

	pbx_args(data, v, ARRAY_LEN(v));
	if (v[0].n && !str_double(str_trim(v[0]), &seconds) && seconds >= 0 && seconds < 1e9)
		end = clock_ms(ch->pbx->clock) + (uint64_t)(seconds * 1000);
	do {
		uint64_t now = clock_ms(ch->pbx->clock);

		err = sound_digit(ch, end == UINT64_MAX ? end : end > now ? end - now : 0, &digit);
	} while (!err && v[1].n && str_chr(v[1], digit) == v[1].n);
	if (!err) {
		status = STR("DTMF");
		pbx_setvar(ch->pbx, ch, STR("WAITDIGITRESULT"), str_mk(&digit, 1));
	} else if (err == ECANCELED) {
		status = STR("CANCEL");
	}
	pbx_setvar(ch->pbx, ch, STR("WAITDIGITSTATUS"), status);
	return err == ECANCELED ? -1 : 0;
}

const struct app app_wait_digit = { .name = "WaitDigit", .synopsis = "Wait for a digit", .run = run_wait_digit };
