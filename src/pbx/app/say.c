/* SayDigits, SayNumber, SayAlpha: from the sounds of digits and letters. */
#include "pbx/app/app.h"
#include "pbx/sound.h"

enum { SAY_MAX = 128 };

static int play(struct channel *ch, char (*names)[32], size_t n)
{
	struct str v[SAY_MAX];

	for (size_t i = 0; i < n; i++)
		v[i] = str_z(names[i]);
	if (n)
		sound_play_list(ch, v, n, STR_NULL, NULL);
	return ch->hungup ? -1 : 0;
}

static struct str first_arg(struct str data)
{
	struct str v[2] = { { 0 } };

	pbx_args(data, v, ARRAY_LEN(v));
	return v[0];
}

static int run_digits(struct channel *ch, struct str data)
{
	char names[SAY_MAX][32];

	return play(ch, names, say_digits(first_arg(data), names, SAY_MAX));
}

static int run_alpha(struct channel *ch, struct str data)
{
	char names[SAY_MAX][32];

	return play(ch, names, say_alpha(first_arg(data), names, SAY_MAX));
}

static int run_number(struct channel *ch, struct str data)
{
	char names[SAY_MAX][32];
	int64_t n;

	if (str_i64(str_trim(first_arg(data)), &n))
		return 0;
	return play(ch, names, say_number(n, names, SAY_MAX));
}

const struct app app_say_digits = { .name = "SayDigits", .synopsis = "Say digits one by one", .run = run_digits };
const struct app app_say_alpha = { .name = "SayAlpha", .synopsis = "Say letters one by one", .run = run_alpha };
const struct app app_say_number = { .name = "SayNumber", .synopsis = "Say a number (English)", .run = run_number };
