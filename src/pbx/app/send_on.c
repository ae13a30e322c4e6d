/* BlindTransfer and AttendedTransfer: what whoever transfers may press, by name. They run for a channel that is in a call:
 * as a feature of [applicationmap]. */
#define LOG_MODULE "transfer"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/bridge.h"
#include "pbx/features.h"
#include <errno.h>

static void set_status(struct channel *ch, const char *name, struct str value)
{
	pbx_setvar(ch->pbx, ch, str_z(name), value);
}

/* BlindTransfer(exten[,context]): BLINDTRANSFERSTATUS */
static int blind(struct channel *ch, struct str data)
{
	struct str v[2] = { { 0 } }, how = STR("FAILURE");
	struct blind_transfer t = { .external = true };
	int err;

	pbx_args(data, v, ARRAY_LEN(v));
	t.exten = str_trim(v[0]);
	t.context = v[1].n ? str_trim(v[1]) : text_view(&ch->context);
	if (!t.exten.n) {
		log_warning("BlindTransfer needs an extension");
	} else {
		err = bridge_blind_transfer(ch, &t);
		how = !err ? STR("SUCCESS") : err == EPERM ? STR("NOTPERMITTED") :
		      err == EINVAL || err == ENOENT ? STR("INVALID") : STR("FAILURE");
	}
	set_status(ch, "BLINDTRANSFERSTATUS", how);
	return 0;
}

static bool press(struct channel *ch, struct str digits)
{
	for (size_t i = 0; i < digits.n; i++) {
		struct chan_event *e = chan_event_new(CE_DTMF_END);

		if (!e)
			return false;
		e->digit = digits.p[i];
		e->ms = 100;
		channel_event(ch, e);
	}
	return true;
}

/* AttendedTransfer(exten): as if atxfer's digits and the number had been pressed. ATTENDEDTRANSFERSTATUS */
static int attended(struct channel *ch, struct str data)
{
	struct str exten = str_trim(data), how = STR("NOTPERMITTED");
	struct buf context = BUF_INIT;
	char code[FEATURE_DIGITS + 1] = "";

	if (pbx_getvar(ch->pbx, ch, STR("TRANSFER_CONTEXT"), &context) && context.n)
		features_digits(ch, STR("atxfer"), code, sizeof(code));
	buf_free(&context);
	if (!exten.n) {
		log_warning("AttendedTransfer needs an extension");
		how = STR("FAILURE");
	} else if (code[0]) {
		how = press(ch, str_z(code)) && press(ch, exten) && press(ch, STR("#")) ? STR("SUCCESS") : STR("FAILURE");
	}
	set_status(ch, "ATTENDEDTRANSFERSTATUS", how);
	return 0;
}

const struct app app_blind_transfer = { .name = "BlindTransfer", .synopsis = "Send whom the channel talks to elsewhere",
	.run = blind };
const struct app app_attended_transfer = { .name = "AttendedTransfer", .synopsis = "Call somebody to send the other one to",
	.run = attended };
