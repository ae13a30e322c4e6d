/* Event and Subscription-State, read and written; and how a request goes in the dialog of
 * a subscription. */
#include "ua/event.h"
#include "base/buf.h"
#include <errno.h>

static const struct str reasons[] = {
	[UA_EVENT_DEACTIVATED] = STR_INIT("deactivated"), [UA_EVENT_PROBATION] = STR_INIT("probation"),
	[UA_EVENT_REJECTED] = STR_INIT("rejected"), [UA_EVENT_TIMEOUT] = STR_INIT("timeout"),
	[UA_EVENT_GIVEUP] = STR_INIT("giveup"), [UA_EVENT_NORESOURCE] = STR_INIT("noresource"),
	[UA_EVENT_INVARIANT] = STR_INIT("invariant"), [UA_EVENT_OTHER] = STR_INIT(""),
};

static const struct str subs[] = { STR_INIT("active"), STR_INIT("pending"), STR_INIT("terminated") };

struct str ua_event_reason_name(enum ua_event_reason r)
{
	return reasons[r];
}

static enum ua_event_reason reason_of(struct str name)
{
	for (size_t i = UA_EVENT_DEACTIVATED; i < UA_EVENT_OTHER; i++)
		if (str_ieq(reasons[i], name))
			return (enum ua_event_reason)i;
	return UA_EVENT_OTHER;
}

int ua_event_state_parse(struct ua_event_state *out, struct str value)
{
	struct str params = value, sub = str_trim(str_cut(&params, ';')), v;

	*out = (struct ua_event_state){ .sub = UA_EVENT_ACTIVE };
	if (!sub.n)
		return EBADMSG;
	for (size_t i = 0; i < ARRAY_LEN(subs); i++)
		if (str_ieq(subs[i], sub))
			out->sub = (enum ua_event_sub)i;
	out->has_expires = sip_param(params, STR("expires"), &v) && !str_u32(v, &out->expires_s);
	if (sip_param(params, STR("reason"), &v))
		out->reason = reason_of(v);
	if (!sip_param(params, STR("retry-after"), &v) || str_u32(v, &out->retry_after_s))
		out->retry_after_s = 0;
	return 0;
}

void ua_event_state_write(const struct ua_event_state *s, struct buf *b)
{
	buf_put(b, subs[s->sub]);
	if (s->has_expires) {
		buf_put(b, STR(";expires="));
		buf_u64(b, s->expires_s);
	}
	if (reasons[s->reason].n)
		buf_puts(b, STR(";reason="), reasons[s->reason]);
	if (s->retry_after_s)
		buf_printf(b, ";retry-after=%u", s->retry_after_s);
}

struct str ua_event_id(struct str event)
{
	struct str id;

	(void)str_cut(&event, ';');
	return sip_param(event, STR("id"), &id) ? id : STR_NULL;
}

unsigned ua_event_differs(struct str event, const struct sip_msg *msg)
{
	struct str theirs = sip_hdr_value(msg, SIP_H_EVENT), a = event, b = theirs;

	if (!str_ieq(str_trim(str_cut(&a, ';')), str_trim(str_cut(&b, ';'))))
		return 489;
	return str_eq(ua_event_id(event), ua_event_id(theirs)) ? 0 : 481;
}

bool ua_event_status_ends(unsigned status)
{
	switch (status) {
	case 404: case 405: case 410: case 416: case 489: case 501: case 604:
		return true;
	default:
		return status >= 480 && status <= 485;
	}
}

void ua_event_way(struct ua_request_prm *prm, const struct sip_dialog *d)
{
	prm->secure = d->secure;
	if (!net_is_stream(d->path.proto) && !d->use_path)
		return;
	prm->path = &d->path;
	prm->prefer_path = !d->use_path;
}

void ua_event_cseq(struct sip_dialog *d, const struct sip_out *o)
{
	if (o->cseq > d->local_cseq)
		d->local_cseq = o->cseq;
}
