/* service/call/session_record.c -- one-touch recording: INFO with Record: on or off presses the digits of a
 * feature (features.conf) for the phone. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/features.h"
#include "service/call/session.h"

enum { DIGIT_MS = 100 };

static void press(struct session *s, enum chan_event_type t, char digit)
{
	/* The digit before may have ended the call. */
	struct chan_event *e = s->ch ? chan_event_new(t) : NULL;

	if (!e)
		return;
	e->digit = digit;
	e->ms = t == CE_DTMF_END ? DIGIT_MS : 0;
	e->aside = true;
	e->untold = t == CE_DTMF_BEGIN;
	channel_event(s->ch, e);
}

/* 200 and the code in `digits`, or why not. */
static unsigned find_code(struct session *s, bool on, char *digits, size_t size)
{
	struct str feature = on ? s->ep->record_on_feature : s->ep->record_off_feature;

	if (!s->ch)
		return 481;
	if (!s->ep->one_touch_recording || !feature.n)
		return 403;
	features_digits(s->ch, feature, digits, size);
	if (!digits[0]) {
		log_notice("'%.*s' of '%.*s' has no digits in features.conf: its Record is refused",
			   STR_ARG(feature), STR_ARG(s->ep->name));
		return 403;
	}
	return 200;
}

bool session_record_info(struct session *s, struct sip_server_tx *tx, const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_hdr_named(msg, STR("Record"), 0);
	struct str value = h ? str_trim(h->value) : STR_NULL;
	bool on = str_ieq(value, STR("on"));
	char digits[32] = "", room[SESSION_REASON_MAX];
	unsigned status;

	if (!on && !str_ieq(value, STR("off")))
		return false;
	status = find_code(s, on, digits, sizeof(digits));
	ua_invite_reply(s->iv, tx, status, status < 300 ? STR_NULL : session_reason_header(s->ep, CAUSE_NORMAL, room, sizeof(room)));
	obj_hold(s);
	for (const char *d = status == 200 ? digits : ""; *d; d++) {
		press(s, CE_DTMF_BEGIN, *d);
		press(s, CE_DTMF_END, *d);
	}
	obj_drop(s);
	return true;
}
