/* Actions that send a channel digits: DTMF, MF, a hook flash. */
#include "manage/manager_private.h"
#include "pbx/channel.h"
#include "pbx/sound.h"
#include <errno.h>

static void play_dtmf(struct ami_ctx *a)
{
	struct str digit = ami_get(a, "Digit"), d = ami_get(a, "Duration");
	struct channel *ch = ami_get_channel(a, "Channel", "Channel not found", "Channel not found");
	uint32_t ms = 0;
	int err;

	if (!ch)
		return;
	if (!digit.n) {
		ami_error(a, "No digit specified");
		return;
	}
	if (d.n && str_u32(d, &ms))
		ms = 0;
	if (ami_get_bool(a, "Receive")) {
		struct chan_event *e = chan_event_new(CE_DTMF_END);

		err = e ? 0 : ENOMEM;
		if (e) {
			e->digit = digit.p[0];
			e->ms = ms ? ms : 100;
			channel_event(ch, e);
		}
	} else {
		err = channel_digit_untold(ch, digit.p[0], ms ? ms : 100);
	}
	if (err)
		ami_error(a, "DTMF was not sent");
	else
		ami_ok(a, "DTMF successfully queued");
}

/* MF, the tones between exchanges: a digit each. */
static const char *mf_tones(char digit)
{
	static const char digits[] = "0123456789*#ABC";
	static const char *const tones[] = { "1300+1500", "700+900", "700+1100", "900+1100", "700+1300", "900+1300", "1100+1300",
		"700+1500", "900+1500", "1100+1500", "1100+1700", "1500+1700", "900+1700", "1300+1700", "700+1700" };
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? tones[at - digits] : NULL;
}

/* All digits one after the other, as a tone that ends by itself. */
static int sound_mf(struct channel *ch, struct str digits, uint32_t ms)
{
	struct buf b = BUF_INIT;
	int err;

	for (size_t i = 0; i < digits.n && i < 24; i++) {
		const char *tones = mf_tones(digits.p[i]);

		if (tones)
			buf_printf(&b, "%s!%s/%u,!0/50", b.n ? "," : "", tones, ms);
	}
	err = buf_err(&b) ? ENOMEM : b.n ? sound_tone(ch, buf_view(&b)) : 0;
	buf_free(&b);
	return err;
}

static void play_mf(struct ami_ctx *a)
{
	struct str digit = ami_get(a, "Digit"), d = ami_get(a, "Duration");
	struct channel *ch = ami_get_channel(a, "Channel", "Channel not found", "Channel not found");
	bool kp = str_eq(digit, STR("*")), st = digit.n == 1 && strchr("#ABC", digit.p[0]);
	uint32_t ms = kp ? 120 : st ? 65 : 55;

	if (!ch)
		return;
	if (!digit.n) {
		ami_error(a, "No digit specified");
		return;
	}
	if (d.n && str_u32(d, &ms)) {
		ami_error(a, "Could not convert Duration parameter");
		return;
	}
	if (sound_mf(ch, digit, ms < 50 ? 50 : ms > 60000 ? 60000 : ms))
		ami_error(a, "MF was not sent");
	else
		ami_ok(a, "MF successfully queued");
}

static void send_flash(struct ami_ctx *a)
{
	struct channel *ch = ami_get_channel(a, "Channel", "Channel not found", "Channel not found");

	if (!ch)
		return;
	if (ami_get_bool(a, "Receive"))
		channel_event_simple(ch, CE_FLASH);
	else
		(void)channel_indicate(ch, IND_FLASH, NULL);
	ami_ok(a, "Flash successfully queued");
}

static const struct ami_action rows[] = {
	{ "PlayDTMF", EV_CALL, "Send a digit to a channel", play_dtmf, false },
	{ "PlayMF", EV_CALL, "Send an MF digit to a channel", play_mf, false },
	{ "SendFlash", EV_CALL, "Send a hook flash to a channel", send_flash, false },
};
const struct ami_table ami_digit_actions = { rows, ARRAY_LEN(rows) };
