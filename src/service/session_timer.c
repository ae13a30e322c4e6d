#define LOG_MODULE "session"
#include "base/log.h"
#include "service/session.h"

/* RFC 4028. The refresher renews at half the interval (section 10); the other
 * side gives up the call at min(32 s, a third) before its end. */

static bool offered(const struct session *s)
{
	return s->ep->timers != TIMERS_NO;
}

void session_timer_stop(struct session *s)
{
	timer_stop(&s->timer);
	s->timer_on = false;
}

static void on_refresh(void *arg)
{
	struct session *s = arg;

	session_refresh(s, false);
}

static void on_expired(void *arg)
{
	struct session *s = arg;

	log_notice("session of '%.*s' was not refreshed in time; ending the call", STR_ARG(s->ep->name));
	if (s->ch)
		channel_hangup(s->ch, CAUSE_TIMER_EXPIRED);
}

static void start(struct session *s)
{
	uint64_t ms = (uint64_t)s->timer_interval * 1000;
	uint64_t early = ms / 3 < 32000 ? ms / 3 : 32000;

	if (!s->timer_on)
		return;
	if (s->timer_refresher_us)
		timer_start(s->svc->wheel, &s->timer, ms / 2, on_refresh, s);
	else
		timer_start(s->svc->wheel, &s->timer, ms - early, on_expired, s);
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

unsigned session_timer_request(struct session *s, const struct sip_msg *msg, struct buf *headers)
{
	bool theirs = sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("timer"));
	uint32_t interval = 0, min = s->ep->timers_min_se;
	struct str refresher;
	bool has;

	if (!offered(s))
		return 0;
	has = read_expires(msg, &interval, &refresher);
	if (has && interval < min) {
		buf_printf(headers, "Min-SE: %u\r\n", min);
		return 422;
	}
	if (s->ep->timers == TIMERS_REQUIRED && !theirs && !has) {
		buf_put(headers, STR("Require: timer\r\n"));
		return 421;
	}
	s->timer_on = (has && theirs) || (has && s->ep->timers == TIMERS_ALWAYS) || s->ep->timers == TIMERS_ALWAYS ||
		      (has && !theirs) || (theirs && s->ep->timers == TIMERS_REQUIRED);
	if (!s->timer_on) {
		timer_stop(&s->timer);
		return 0;
	}
	s->timer_interval = has && interval < s->ep->timers_sess_expires ? interval : s->ep->timers_sess_expires;
	s->timer_refresher_us = theirs ? str_ieq(refresher, STR("uas")) : true;
	start(s);
	return 0;
}

static uint32_t interval_now(const struct session *s)
{
	uint32_t interval = s->timer_on ? s->timer_interval : s->ep->timers_sess_expires;

	return interval > s->timer_min ? interval : s->timer_min;
}

/* RFC 4028 7.4: as long as the peer wants it, at least. */
bool session_timer_refused(struct session *s, const struct sip_msg *msg)
{
	uint32_t min;

	if (msg->status != 422 || !offered(s) || str_u32(str_trim(sip_hdr_value(msg, SIP_H_MIN_SE)), &min) ||
	    min <= interval_now(s))
		return false;
	s->timer_min = min;
	return true;
}

void session_timer_write(struct session *s, struct buf *headers, bool request)
{
	if (!offered(s))
		return;
	if (!request && !s->timer_on)
		return;
	buf_put(headers, STR("Session-Expires: "));
	buf_u64(headers, interval_now(s));
	if (s->timer_on)
		buf_puts(headers, STR(";refresher="), s->timer_refresher_us == request ? STR("uac") : STR("uas"));
	if (request) {
		buf_put(headers, STR("\r\nMin-SE: "));
		buf_u64(headers, s->ep->timers_min_se > s->timer_min ? s->ep->timers_min_se : s->timer_min);
		buf_put(headers, STR("\r\n"));
	} else {
		buf_put(headers, STR("\r\nRequire: timer\r\n"));
	}
}

void session_timer_response(struct session *s, const struct sip_msg *msg)
{
	uint32_t interval;
	struct str refresher;

	if (!offered(s))
		return;
	if (!read_expires(msg, &interval, &refresher)) {
		/* The peer knows no timers: ours alone keep watch where they must (section 7.2). */
		s->timer_on = s->ep->timers == TIMERS_ALWAYS;
		s->timer_interval = s->ep->timers_sess_expires;
		s->timer_refresher_us = true;
		if (!s->timer_on)
			timer_stop(&s->timer);
		start(s);
		return;
	}
	s->timer_on = true;
	s->timer_interval = interval < 90 ? 90 : interval;
	s->timer_refresher_us = !str_ieq(refresher, STR("uas"));
	start(s);
}
