/* Digits by INFO, as phones and gateways write them. */
#include "ua/info.h"
#include "base/obj.h"
#include <errno.h>
#include <stdio.h>

#define MOST_MS 5000    /* what is longer is no digit's length */

bool ua_info_is_digit(const struct sip_msg *msg)
{
	return str_ieq(msg->content_type, STR("application/dtmf-relay")) ||
	       str_ieq(msg->content_type, STR("application/dtmf"));
}

/* "Signal=5", "Duration=160": a line each. */
static struct str read_relay(struct str body, uint32_t *ms)
{
	struct str digit = STR_NULL, line;

	while (str_line(&body, &line)) {
		struct str name = str_trim(str_cut(&line, '='));

		if (str_ieq(name, STR("Signal")))
			digit = str_trim(line);
		else if (str_ieq(name, STR("Duration")))
			str_u32(str_trim(line), ms);
	}
	return digit;
}

bool ua_info_digit(const struct sip_msg *msg, char *digit, uint32_t *ms)
{
	uint32_t code = 0;
	struct str d;

	*ms = 100;
	if (str_ieq(msg->content_type, STR("application/dtmf")))
		d = str_trim(msg->body);
	else
		d = read_relay(msg->body, ms);
	if (!d.n)
		return false;
	*digit = d.p[0];
	if (d.n > 1 && str_u32(d, &code) == 0 && code < 17)
		*digit = "0123456789*#ABCD!"[code];
	if (*ms > MOST_MS)
		*ms = 100;
	return true;
}

/* An early one will do (RFC 6086 4.2.1). */
static bool has_dialog(const struct ua_invite *iv)
{
	const struct sip_dialog *d = ua_invite_dialog(iv);

	switch (ua_invite_state(iv)) {
	case UA_INVITE_UP:
		return true;
	case UA_INVITE_CALLING:
	case UA_INVITE_RINGING:
		return d && d->remote_tag.n;
	default:
		return false;
	}
}

int ua_info_send_digit(struct ua_invite *iv, char digit, uint32_t ms)
{
	struct sip_out *o;
	char body[64];
	int n, err;

	if (!has_dialog(iv))
		return ENOTCONN;
	o = sip_dialog_request(ua_invite_dialog(iv), SIP_INFO);
	if (!o)
		return ENOMEM;
	n = snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n", digit, ms ? ms : 100);
	sip_out_body(o, STR("application/dtmf-relay"), str_mk(body, (size_t)n));
	err = ua_invite_send(iv, o, NULL);
	obj_drop(o);
	return err;
}
