/* What a refusal says about trying again. */
#include "ua/retry.h"

/* RFC 3261 20.33: also "120 (I'm in a meeting)". */
uint32_t ua_retry_after(const struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_RETRY_AFTER);
	struct str number = str_trim(str_cut(&v, ';'));
	uint32_t s;

	return str_u32(str_trim(str_cut(&number, '(')), &s) ? 0 : s;
}

bool ua_retry_helps(unsigned status)
{
	switch (status) {
	case 0: case 408: case 500: case 502: case 503: case 504:
		return true;
	default:
		return status >= 600;
	}
}
