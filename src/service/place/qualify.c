/* service/place/qualify.c -- OPTIONS to contacts, by which they are known to be there. */
#define LOG_MODULE "qualify"
#include "service/place/endpoint_state.h"
#include "base/log.h"
#include "service/place/location.h"
#include "service/place/stats.h"
#include "service/common/request.h"
#include <stdlib.h>

void contact_event(struct service *svc, const struct contact *c, enum contact_status s, struct str endpoint)
{
	struct event *e = event_new(svc->pbx->events, "ContactStatus", EV_SYSTEM);

	if (!e)
		return;
	event_put(e, "URI", c->uri);
	event_put(e, "ContactStatus", str_z(contact_status_name(s)));
	event_put(e, "AOR", c->loc ? text_view(&c->loc->aor) : STR_NULL);
	event_put(e, "EndpointName", endpoint);
	event_printf(e, "RoundtripUsec", "%u", c->rtt_us);
	event_send(svc->pbx->events, e);
}

static void test_event(struct service *svc, const struct contact *c)
{
	struct event *e = event_test(svc->pbx->events, "AOR_CONTACT_QUALIFY_RESULT", "qualify.c", "contact_set_status");

	if (!e)
		return;
	event_put(e, "Contact", c->uri);
	event_put(e, "Status", str_z(contact_status_name(c->status)));
	event_printf(e, "RTT", "%u", c->rtt_us);
	event_send(svc->pbx->events, e);
}

void contact_set_status(struct service *svc, struct contact *c, enum contact_status s, uint32_t rtt_us)
{
	const struct endpoint *ep = contact_endpoint(svc, c);
	bool changed = c->status != s;

	contact_stats_changed(svc, c->status, s);
	c->status = s;
	c->rtt_us = rtt_us;
	test_event(svc, c);
	if (!changed)
		return;
	log_verbose(2, "Contact %s/%s is now %s.  RTT: %u.%03u msec", c->loc ? text_z(&c->loc->aor) : "",
		    c->uri.p, contact_status_name(s), rtt_us / 1000, rtt_us % 1000);
	contact_event(svc, c, s, ep ? ep->name : STR_NULL);
	if (ep)
		endpoint_changed(svc, ep->name);
}

static void next_in(struct service *svc, struct contact *c, uint64_t ms);

static void finish_qualify(struct service *svc, struct contact *c, bool reachable)
{
	const struct aor *a = contact_aor(svc, c);
	uint64_t rtt = clock_us(svc->clock) - c->qualify_sent_us;

	c->qualify_req = obj_drop(c->qualify_req);
	/* Asked by hand, where nobody watches the contact: its state stays, as in Asterisk. */
	if (!a || !a->qualify_frequency)
		return;
	contact_set_status(svc, c, reachable ? CONTACT_REACHABLE : CONTACT_UNREACHABLE,
			   reachable ? (uint32_t)(rtt > UINT32_MAX ? UINT32_MAX : rtt ? rtt : 1) : 0);
	contact_stats_asked(svc, c);
	next_in(svc, c, (uint64_t)a->qualify_frequency * 1000);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct contact *c = arg;
	struct service *svc = c->svc;
	const struct aor *a = contact_aor(svc, c);

	if (msg->status < 200)
		return;
	ua_request_detach(rq);
	finish_qualify(svc, c, !(a && a->qualify_2xx_only) || msg->status < 300);
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct contact *c = arg;

	(void)err;
	ua_request_detach(rq);
	finish_qualify(c->svc, c, false);
}

void contact_qualify_now(struct service *svc, struct contact *c)
{
	const struct endpoint *ep = contact_endpoint(svc, c);
	const struct aor *a = contact_aor(svc, c);
	struct sip_out *out;
	struct ua_request_prm prm = { 0 };

	if (c->qualify_req || !a)
		return;
	out = service_out(svc, SIP_OPTIONS, ep, c->uri, STR_NULL);
	if (!out) {
		if (a->qualify_frequency)       /* out of memory: the next time */
			next_in(svc, c, (uint64_t)a->qualify_frequency * 1000);
		return;
	}
	if (c->path.n)
		out->route = sip_out_dup(out, c->path);
	else if (a->outbound_proxy.n)
		out->route = arena_printf(out->arena, "<%.*s>", STR_ARG(a->outbound_proxy));
	prm = service_request_prm(svc->conf, ep);
	prm.out = out;
	prm.arg = prm.owner = c;
	prm.response = on_response;
	prm.failed = on_failed;
	prm.prepare = service_out_prepare;
	prm.agree = contact_agree(c, ep);
	prm.timeout_ms = (uint32_t)(a->qualify_timeout * 1000);
	contact_request_way(&prm, svc->conf, ep, c);
	c->qualify_sent_us = clock_us(svc->clock);
	obj_hold(c);
	if (ua_request_send(&svc->ua, &prm, &c->qualify_req))
		finish_qualify(svc, c, false);
	obj_drop(c);
	obj_drop(out);
}

static void on_timer(void *arg)
{
	struct contact *c = arg;

	contact_qualify_now(c->svc, c);
}

static void next_in(struct service *svc, struct contact *c, uint64_t ms)
{
	timer_start(svc->wheel, &c->qualify, ms, on_timer, c);
}

/* The first is at random within the frequency (or max_initial_qualify_time), so
 * that a start does not send to everybody at once. */
void contact_qualify_start(struct service *svc, struct contact *c, bool first)
{
	const struct aor *a = contact_aor(svc, c);
	const struct endpoint *ep = contact_endpoint(svc, c);
	uint32_t max;
	char tag[9];
	uint8_t r[4];

	timer_stop(&c->qualify);
	if (!a || !a->qualify_frequency) {
		if (c->status != CONTACT_NONQUALIFIED) {
			contact_stats_changed(svc, c->status, CONTACT_NONQUALIFIED);
			c->status = CONTACT_NONQUALIFIED;
			c->rtt_us = 0;
			contact_event(svc, c, CONTACT_NONQUALIFIED, ep ? ep->name : STR_NULL);
		}
		return;
	}
	/* Nobody knows yet whether it is there. */
	if (first)
		contact_event(svc, c, CONTACT_NONQUALIFIED, ep ? ep->name : STR_NULL);
	if (c->status == CONTACT_NONQUALIFIED) {
		c->status = CONTACT_UNKNOWN;    /* a reload says that it is asked from now on */
		if (ep)
			endpoint_changed(svc, ep->name);
	}
	if (!c->is_static && first && svc->state != SERVICE_STARTING) {
		next_in(svc, c, 0);     /* just registered: it is there to answer */
		return;
	}
	max = a->qualify_frequency;
	if (svc->conf->global->max_initial_qualify_time && svc->conf->global->max_initial_qualify_time < max)
		max = svc->conf->global->max_initial_qualify_time;
	sip_token(svc->sip, tag, 8);
	if (str_hex(str_z(tag), r, 4))
		return;
	next_in(svc, c, ((uint64_t)r[0] << 16 | (uint64_t)r[1] << 8 | r[2]) % ((uint64_t)max * 1000 + 1));
}

void contact_qualify_stop(struct contact *c)
{
	timer_stop(&c->qualify);
	if (c->qualify_req) {
		ua_request_detach(c->qualify_req);
		c->qualify_req = obj_drop(c->qualify_req);
	}
}
