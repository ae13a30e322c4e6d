/* Session timers (RFC 4028). The refresher renews at half the interval (section 10); the
 * other side gives up the call at min(32 s, a third) before its end. */
#include "ua/invite_private.h"

static bool offered(const struct ua_invite *iv)
{
	return iv->prm.timers != UA_TIMERS_NO;
}

static void on_refresh(void *arg)
{
	ua_invite_refresh(arg, false);
}

static void on_expired(void *arg)
{
	struct ua_invite *iv = arg;

	iv->timer.on = false;
	if (iv->state == UA_INVITE_UP)
		ua_invite_ended(iv, UA_END_EXPIRED, NULL, 0);
}

static void start(struct ua_invite *iv)
{
	uint64_t ms = (uint64_t)iv->timer.interval_s * 1000;
	uint64_t early = ms / 3 < 32000 ? ms / 3 : 32000;
	struct wheel *w = sip_stack_wheel(iv->ua->sip);

	if (iv->timer.ours)
		timer_start(w, &iv->timer.timer, ms / 2, on_refresh, iv);
	else
		timer_start(w, &iv->timer.timer, ms - early, on_expired, iv);
}

static bool read_expires(const struct sip_msg *msg, uint32_t *interval, struct str *refresher)
{
	struct str v = sip_hdr_value(msg, SIP_H_SESSION_EXPIRES);
	struct str n = str_trim(str_cut(&v, ';'));

	*refresher = STR_NULL;
	if (!n.n || str_u32(n, interval))
		return false;
	sip_param(v, STR("refresher"), refresher);
	return true;
}

unsigned ua_timer_request(struct ua_invite *iv, const struct sip_msg *msg, struct buf *headers)
{
	bool theirs = sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("timer"));
	struct ua_session_timer *t = &iv->timer;
	uint32_t interval = 0;
	struct str refresher;
	bool has;

	if (!offered(iv))
		return 0;
	has = read_expires(msg, &interval, &refresher);
	if (has && interval < iv->prm.timers_min_s) {
		buf_printf(headers, "Min-SE: %u\r\n", iv->prm.timers_min_s);
		return 422;
	}
	if (iv->prm.timers == UA_TIMERS_REQUIRED && !theirs && !has) {
		buf_put(headers, STR("Require: timer\r\n"));
		ua_invite_write_tags(iv, headers, false);
		return 421;
	}
	t->on = has || iv->prm.timers == UA_TIMERS_ALWAYS || (theirs && iv->prm.timers == UA_TIMERS_REQUIRED);
	if (!t->on) {
		timer_stop(&t->timer);
		return 0;
	}
	t->interval_s = has ? interval : iv->prm.timers_expires_s;
	t->ours = theirs ? str_ieq(refresher, STR("uas")) : true;
	start(iv);
	return 0;
}

static uint32_t interval_now(const struct ua_invite *iv)
{
	uint32_t interval = iv->timer.on ? iv->timer.interval_s : iv->prm.timers_expires_s;

	return interval > iv->timer.min_s ? interval : iv->timer.min_s;
}

/* RFC 4028 7.4: as long as the peer wants it, at least. */
bool ua_timer_refused(struct ua_invite *iv, const struct sip_msg *msg)
{
	uint32_t min;

	if (msg->status != 422 || !offered(iv) || str_u32(str_trim(sip_hdr_value(msg, SIP_H_MIN_SE)), &min) ||
	    min <= interval_now(iv))
		return false;
	iv->timer.min_s = min;
	return true;
}

void ua_timer_write(struct ua_invite *iv, struct buf *headers, bool request)
{
	uint32_t min = iv->prm.timers_min_s > iv->timer.min_s ? iv->prm.timers_min_s : iv->timer.min_s;

	if (!offered(iv))
		return;
	if (!request && !iv->timer.on)
		return;
	buf_put(headers, STR("Session-Expires: "));
	buf_u64(headers, interval_now(iv));
	if (iv->timer.on)
		buf_puts(headers, STR(";refresher="), iv->timer.ours == request ? STR("uac") : STR("uas"));
	if (request) {
		buf_put(headers, STR("\r\nMin-SE: "));
		buf_u64(headers, min);
		buf_put(headers, STR("\r\n"));
	} else {
		/* Who does not refresh need not know of timers (section 9, table 2). */
		buf_put(headers, iv->timer.ours ? STR("\r\n") : STR("\r\nRequire: timer\r\n"));
	}
}

bool ua_timer_response(struct ua_invite *iv, const struct sip_msg *msg)
{
	struct ua_session_timer *t = &iv->timer;
	uint32_t interval;
	struct str refresher;

	if (!offered(iv))
		return true;
	if (!read_expires(msg, &interval, &refresher)) {
		/* The peer knows no timers: ours alone keep watch where they must (section 7.2). */
		t->on = iv->prm.timers == UA_TIMERS_ALWAYS;
		t->interval_s = iv->prm.timers_expires_s;
		t->ours = true;
		if (t->on)
			start(iv);
		else
			timer_stop(&t->timer);
		return iv->prm.timers != UA_TIMERS_REQUIRED;
	}
	t->on = true;
	t->interval_s = interval < 90 ? 90 : interval;
	t->ours = !str_ieq(refresher, STR("uas"));
	start(iv);
	return true;
}
