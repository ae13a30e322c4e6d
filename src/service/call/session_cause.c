/* service/call/session_cause.c -- why a call ends: Q.850 causes of channels, SIP statuses and
 * Reason headers (RFC 3326), each in terms of the others. */
#include "service/call/session.h"

/* ---- causes: RFC 3398 7.2.4.1 and 8.2.6.1, as Asterisk's users are used to them ---- */

static const struct { uint16_t cause, status; } to_status[] = {
	{ 1, 404 }, { 2, 404 }, { 3, 404 }, { 17, 486 }, { 18, 408 }, { 19, 480 }, { 20, 480 }, { 21, 403 },
	{ 22, 410 }, { 23, 302 }, { 27, 502 }, { 28, 484 }, { 29, 501 }, { 31, 480 }, { 34, 503 }, { 38, 500 },
	{ 42, 503 }, { 58, 488 }, { 66, 503 }, { 127, 500 },
};

static const struct { uint16_t status, cause; } to_cause[] = {
	{ 302, 23 }, { 401, 21 }, { 403, 21 }, { 404, 1 }, { 407, 21 }, { 408, 18 }, { 409, 41 }, { 410, 22 },
	{ 420, 3 }, { 480, 19 }, { 483, 19 }, { 484, 28 }, { 485, 1 }, { 486, 17 }, { 488, 58 }, { 500, 38 },
	{ 501, 29 }, { 502, 27 }, { 503, 34 }, { 504, 102 }, { 505, 127 }, { 600, 17 }, { 603, 21 }, { 604, 1 },
	{ 606, 58 },
};

unsigned session_tech_cause(int cause)
{
	for (size_t i = 0; i < ARRAY_LEN(to_status); i++)
		if (to_status[i].cause == cause)
			return to_status[i].status;
	return 0;
}

unsigned session_status_of(int cause)
{
	unsigned status = session_tech_cause(cause);

	return status ? status : 603;
}

int session_cause_of(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(to_cause); i++)
		if (to_cause[i].status == status)
			return to_cause[i].cause;
	if (status < 400)
		return CAUSE_NORMAL;
	return status >= 500 && status < 600 ? CAUSE_NO_CIRCUIT : CAUSE_INTERWORKING;
}

int session_reason_of(const struct sip_msg *msg)
{
	struct sip_each e = { 0 };
	struct str v, c;
	int sip = 0;

	while (sip_each(msg, SIP_H_REASON, &e, &v)) {
		struct str proto = str_trim(str_cut(&v, ';'));
		uint32_t n;

		if (!sip_param(v, STR("cause"), &c) || str_u32(c, &n))
			continue;
		if (str_ieq(proto, STR("Q.850")) && n && n < 128)
			return (int)n;
		if (str_ieq(proto, STR("SIP")) && n > 299 && n < 700)
			sip = session_cause_of(n);
	}
	return sip;
}

int session_cause_of_msg(const struct sip_msg *msg)
{
	int cause = session_reason_of(msg);

	if (cause)
		return cause;
	return msg->request ? CAUSE_NORMAL : session_cause_of(msg->status);
}

struct str session_reason_header(const struct endpoint *ep, int cause, char *room, size_t n)
{
	bool q850 = cause && !ep->suppress_q850_reason_headers;
	struct buf b;

	buf_init(&b, room, n, n);
	/* Phones read this as a call that they need not list as missed. */
	if (cause == CAUSE_ANSWERED_ELSEWHERE)
		buf_put(&b, STR("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"));
	if (q850)
		buf_printf(&b, "Reason: Q.850;cause=%d\r\n", cause);
	return buf_err(&b) ? STR_NULL : buf_view(&b);
}
