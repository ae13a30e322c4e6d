/* SendDTMF, SendText: to the other end of a channel. */
#define LOG_MODULE "send"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/app/app.h"
#include "pbx/bridge.h"

static uint32_t number(struct str s, uint32_t preset)
{
	uint32_t n;

	return s.n && !str_u32(str_trim(s), &n) && n ? n : preset;
}

static unsigned pause_ms(char c)
{
	return c == 'w' ? 500 : c == 'W' ? 1000 : 0;
}

int app_send_digits(struct channel *ch, struct channel *to, struct str digits, uint32_t gap, uint32_t ms)
{
	/* Some need a moment of silence before the first. */
	if (channel_sleep(ch, 100))
		return -1;
	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.p[i];
		uint64_t wait = pause_ms(c);

		if (!wait && (c == 'f' || c == 'F')) {
			channel_indicate(to, IND_FLASH, NULL);
			wait = gap;
		} else if (!wait) {
			if (str_chr(STR("0123456789*#ABCDabcd"), c) == 20) {
				log_warning("'%c' is no digit", c & 0x7f);
				continue;
			}
			channel_digit_untold(to, c >= 'a' && c <= 'd' ? (char)(c - 32) : c, ms);
			wait = (uint64_t)ms + gap;
		}
		if (channel_sleep(ch, wait))
			return -1;
	}
	return 0;
}

/* SendDTMF(digits[,gap ms[,length ms[,channel[,options]]]]) */
static int run_dtmf(struct channel *ch, struct str data)
{
	struct str v[5] = { { 0 } };
	struct channel *to = ch;
	int ret;

	pbx_args(data, v, ARRAY_LEN(v));
	if (!v[0].n) {
		log_warning("SendDTMF needs digits");
		return 0;
	}
	if (v[3].n)
		to = channel_by_name(ch->pbx, v[3]);
	if (!to) {
		log_warning("SendDTMF: no channel '%.*s'", STR_ARG(v[3]));
		return 0;
	}
	if (pbx_option(v[4], 'a', NULL) && channel_answer(to))
		return -1;
	obj_hold(to);
	ret = app_send_digits(ch, to, v[0], number(v[1], 250), number(v[2], 100));
	obj_drop(to);
	return ret;
}

/* SendText(text): SENDTEXTSTATUS */
static int run_text(struct channel *ch, struct str data)
{
	struct str status = STR("UNSUPPORTED");

	if (ch->tech->text)
		status = ch->tech->text(ch, data, STR("text/plain")) ? STR("FAILURE") : STR("SUCCESS");
	pbx_setvar(ch->pbx, ch, STR("SENDTEXTSTATUS"), status);
	return 0;
}

const struct app app_send_dtmf = { .name = "SendDTMF", .synopsis = "Send digits", .run = run_dtmf };
const struct app app_send_text = { .name = "SendText", .synopsis = "Send a text message over the call", .run = run_text };
