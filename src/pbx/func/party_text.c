/* A party as the dialplan writes it: "Name" <number>, and the words for who may see it. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/party.h"
#include <errno.h>

static const struct {
	struct str name;
	int value;
} presentations[] = {
	{ STR_INIT("allowed_not_screened"), PRES_ALLOWED_NOT_SCREENED },
	{ STR_INIT("allowed_passed_screen"), PRES_ALLOWED_PASSED_SCREEN },
	{ STR_INIT("allowed_failed_screen"), PRES_ALLOWED_FAILED_SCREEN },
	{ STR_INIT("allowed"), PRES_ALLOWED },
	{ STR_INIT("prohib_not_screened"), PRES_PROHIB_NOT_SCREENED },
	{ STR_INIT("prohib_passed_screen"), PRES_PROHIB_PASSED_SCREEN },
	{ STR_INIT("prohib_failed_screen"), PRES_PROHIB_FAILED_SCREEN },
	{ STR_INIT("prohib"), PRES_PROHIB },
	{ STR_INIT("unavailable"), PRES_UNAVAILABLE },
};

struct str presentation_word(int v)
{
	for (size_t i = 0; i < ARRAY_LEN(presentations); i++)
		if (presentations[i].value == v)
			return presentations[i].name;
	return STR("unknown");
}

int presentation_of(struct str s, uint8_t *out)
{
	uint32_t n;

	s = str_trim(s);
	if (!str_u32(s, &n) && n <= 255) {
		*out = (uint8_t)n;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(presentations); i++)
		if (str_ieq(s, presentations[i].name)) {
			*out = (uint8_t)presentations[i].value;
			return 0;
		}
	log_error("Unknown presentation '%.*s', value unchanged", STR_ARG(s));
	return EINVAL;
}

void callerid_split(struct str s, struct str *name, struct str *number)
{
	size_t open, close;

	s = str_trim(s);
	open = str_rchr(s, '<');
	close = str_rchr(s, '>');
	*name = STR("");
	*number = STR("");
	if (open < close && close < s.n) {
		*number = str_trim(str_sub(s, open + 1, close - open - 1));
		*name = str_trim(str_unquote(str_trim(str_sub(s, 0, open))));
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789*#+-() .", s.p[i])) {
			*name = str_trim(str_unquote(s));
			return;
		}
	*number = s;
}
