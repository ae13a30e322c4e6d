/* Contacts and endpoints as gauges of a StatsD server. */
#include "service/place/stats.h"
#include "net/statsd.h"

#define STATES "PJSIP.contacts.states."

/* One that was not asked yet counts as one that never is. */
static const char *state_of(enum contact_status s)
{
	return contact_status_name(s == CONTACT_UNKNOWN ? CONTACT_NONQUALIFIED : s);
}

void contact_stats_reset(struct service *svc)
{
	static const enum contact_status all[] = { CONTACT_UNREACHABLE, CONTACT_REACHABLE, CONTACT_UNKNOWN,
		CONTACT_NONQUALIFIED, CONTACT_REMOVED };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		statsd_step(svc->pbx->statsd, STATES, contact_status_name(all[i]), "0");
}

void contact_stats_came(struct service *svc, enum contact_status s)
{
	statsd_step(svc->pbx->statsd, STATES, state_of(s), "+1");
}

void contact_stats_changed(struct service *svc, enum contact_status from, enum contact_status to)
{
	if (str_eq(str_z(state_of(from)), str_z(state_of(to))))
		return;
	statsd_step(svc->pbx->statsd, STATES, state_of(from), "-1");
	statsd_step(svc->pbx->statsd, STATES, state_of(to), "+1");
}

void contact_stats_asked(struct service *svc, const struct contact *c)
{
	struct statsd *st = svc->pbx->statsd;
	struct buf b = BUF_INIT;

	if (!statsd_enabled(st))
		return;
	buf_puts(&b, STR("PJSIP.contacts."), c->id, STR(".rtt"));
	if (!buf_err(&b))
		statsd_number(st, STATSD_TIMER, buf_view(&b), c->status == CONTACT_REACHABLE ? (int64_t)(c->rtt_us / 1000) : -1);
	buf_free(&b);
}

/* ---- endpoints ---------------------------------------------------------------------------------- */

static struct statsd *told(const struct service *svc)
{
	return svc->pbx->endpoint_stats ? svc->pbx->statsd : NULL;
}

static void count(struct service *svc, struct str name, const char *step)
{
	const struct endpoint_state *s = map_get(svc->endpoint_states, name);

	statsd_step(told(svc), "endpoints.", "count", step);
	statsd_step(told(svc), "endpoints.state.", s && s->reachable ? "online" : "offline", step);
}

void endpoint_stats_set_conf(struct service *svc, const struct snapshot *from, const struct snapshot *to)
{
	if (!statsd_enabled(told(svc)))
		return;
	if (from)
		snapshot_each(endpoint, OBJECT_ENDPOINT, ep, from)
			if (!to || !snapshot_endpoint(to, ep->name))
				count(svc, ep->name, "-1");
	if (to)
		snapshot_each(endpoint, OBJECT_ENDPOINT, ep, to)
			if (!from || !snapshot_endpoint(from, ep->name))
				count(svc, ep->name, "+1");
}

void endpoint_stats_state(struct service *svc, bool reachable)
{
	statsd_step(told(svc), "endpoints.state.", reachable ? "offline" : "online", "-1");
	statsd_step(told(svc), "endpoints.state.", reachable ? "online" : "offline", "+1");
}

void endpoint_stats_channels(struct service *svc, const struct endpoint_state *s)
{
	struct statsd *st = told(svc);
	struct buf b = BUF_INIT;

	if (!statsd_enabled(st))
		return;
	buf_puts(&b, STR("endpoints.PJSIP."), text_view(&s->name), STR(".channels"));
	if (!buf_err(&b))
		statsd_number(st, STATSD_GAUGE, buf_view(&b), s->channels);
	buf_free(&b);
}
