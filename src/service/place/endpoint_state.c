/* Whether an endpoint can be reached and talks, told to whoever watches its device state. */
#define LOG_MODULE "endpoint"
#include "service/place/endpoint_state.h"
#include "service/place/location.h"
#include "service/place/stats.h"
#include "pbx/devstate.h"
#include "pbx/dialplan.h"
#include "base/log.h"
#include <stdlib.h>

struct endpoint_state *endpoint_state_get(struct service *svc, struct str name, bool create)
{
	struct endpoint_state *s = map_get(svc->endpoint_states, name);

	if (s || !create)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	list_init(&s->sessions);
	if (text_set(&s->name, name) || map_add(svc->endpoint_states, text_view(&s->name), s)) {
		text_free(&s->name);
		free(s);
		return NULL;
	}
	return s;
}

/* Some contact of some AOR answered, or is never asked. Calls go to one that was
 * not heard yet all the same; nobody is told that it is there. */
static bool counts_as_online(const struct contact *c)
{
	return c->status == CONTACT_REACHABLE || c->status == CONTACT_NONQUALIFIED;
}

static bool is_reachable(struct service *svc, const struct endpoint *ep)
{
	for (size_t i = 0; i < ep->aor_n; i++) {
		struct location *l = location_get(svc, ep->aor_objs[i]->name, false);

		if (!l)
			continue;
		list_each(p, &l->contacts)
			if (counts_as_online(container_of(p, struct contact, link)))
				return true;
	}
	return false;
}

/* regcontext: an extension named as the endpoint exists while it is reachable. */
static void keep_regcontext(struct service *svc, const struct endpoint *ep, bool reachable)
{
	struct str ctx = svc->conf->global->regcontext;

	if (!ctx.n)
		return;
	if (reachable)
		dialplan_add(svc->pbx, ctx, ep->name, 1, STR("Noop"), ep->name);
	else
		dialplan_remove(svc->pbx, ctx, ep->name, 1);
}

static void send_peer_status(struct service *svc, struct str name, bool reachable)
{
	struct event *e = event_new(svc->pbx->events, "PeerStatus", EV_SYSTEM);

	event_put(e, "ChannelType", STR("PJSIP"));
	event_printf(e, "Peer", "PJSIP/%.*s", STR_ARG(name));
	event_put(e, "PeerStatus", reachable ? STR("Reachable") : STR("Unreachable"));
	event_send(svc->pbx->events, e);
}

void endpoint_changed(struct service *svc, struct str name)
{
	const struct endpoint *ep = snapshot_endpoint(svc->conf, name);
	struct endpoint_state *s;
	char device[128];
	struct buf b;
	bool reachable;

	if (ep) {
		reachable = is_reachable(svc, ep);
		s = endpoint_state_get(svc, name, reachable);
		if (s && s->reachable != reachable) {
			s->reachable = reachable;
			endpoint_stats_state(svc, reachable);
			send_peer_status(svc, name, reachable);
			log_verbose(2, "Endpoint %.*s is now %s", STR_ARG(name),
				    reachable ? "Reachable" : "Unreachable");
			keep_regcontext(svc, ep, reachable);
		}
	}
	buf_init(&b, device, sizeof(device), sizeof(device));
	buf_puts(&b, STR("PJSIP/"), name);
	if (!buf_err(&b))
		device_changed(svc->pbx, buf_view(&b));
}

int endpoint_device_state(struct service *svc, struct str name)
{
	const struct endpoint *ep = snapshot_endpoint(svc->conf, name);
	struct endpoint_state *s = endpoint_state_get(svc, name, false);

	if (!ep)
		return DEV_INVALID;
	if (s && s->channels) {
		/* A channel that has called and heard nothing yet does not use its device. */
		unsigned used = s->ringing + s->inuse;

		if (ep->device_state_busy_at && used >= ep->device_state_busy_at)
			return DEV_BUSY;
		if (s->onhold && s->onhold == s->channels)
			return DEV_ONHOLD;
		if (s->ringing && s->inuse)
			return DEV_RINGINUSE;
		if (s->ringing)
			return DEV_RINGING;
		return used ? DEV_INUSE : DEV_NOT_INUSE;
	}
	return is_reachable(svc, ep) ? DEV_NOT_INUSE : DEV_UNAVAILABLE;
}
