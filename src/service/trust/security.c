/* Security events: who was let in, who was not, and why. */
#include "service/trust/security.h"
#include <stdio.h>
#include <time.h>

static void put_address(struct event *e, const char *key, const struct net_path *path, const struct sa *a)
{
	char host[SA_TEXT];

	event_printf(e, key, "%s/%s/%s/%u", sa_is_v6(a) ? "IPV6" : "IPV4", net_proto_name(path->proto),
		     sa_text_bare(a, host), sa_port(a));
}

void security_event(struct service *svc, enum security_kind k, const struct sip_msg *msg, struct str account,
		    const char *key, struct str value)
{
	static const struct { const char *name, *severity; } rows[SECURITY_KINDS] = {
		{ "FailedACL", "Error" }, { "InvalidAccountID", "Error" }, { "ChallengeSent", "Informational" },
		{ "ChallengeResponseFailed", "Error" }, { "SuccessfulAuth", "Informational" },
		{ "RequestBadFormat", "Error" }, { "RequestNotSupported", "Error" },
	};
	struct event *e = event_new(svc->pbx->events, rows[k].name, EV_SECURITY);
	int64_t us = clock_wall_us(svc->clock);
	time_t s = (time_t)(us / 1000000);
	char when[40];
	struct tm tm;

	if (!e)
		return;
	localtime_r(&s, &tm);
	strftime(when, sizeof(when), "%FT%T", &tm);
	event_printf(e, "EventTV", "%s.%03d%s", when, (int)(us / 1000 % 1000), "+0000");
	event_put(e, "Severity", str_z(rows[k].severity));
	event_put(e, "Service", STR("PJSIP"));
	event_put(e, "EventVersion", STR("1"));
	event_put(e, "AccountID", account.n ? account : STR("<unknown>"));
	event_put(e, "SessionID", msg->call_id);
	put_address(e, "LocalAddress", &msg->from_path, &msg->from_path.local);
	put_address(e, "RemoteAddress", &msg->from_path, &msg->from_path.peer);
	if (key)
		event_put(e, key, value);
	event_send(svc->pbx->events, e);
}
