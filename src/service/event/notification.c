/* A subscription of the service's and its notifier (ua/notify.h): what is told when, and what
 * becomes of it at its end. What a NOTIFY holds is list_body.c's. */
#define LOG_MODULE "subscribe"
#include "service/event/private.h"
#include "service/place/endpoint_state.h"
#include "base/log.h"
#include "pbx/event.h"
#include <errno.h>

#define EACH_MAX 1000           /* subscriptions of one endpoint */
#define BODY_MAX 64000          /* [bytes] what a datagram can carry, less its headers */

/* ---- the manager's TestEvent -------------------------------------------------------------- */

struct event *subscription_test_new(struct service *svc, const char *state)
{
	struct event *e = event_test(svc->pbx->events, state, "subscribe.c", "notify");

	if (!e)
		return NULL;
	return e;
}

void subscription_test_event(struct subscription *s, const char *state)
{
	struct event *e = subscription_test_new(s->svc, state);

	if (!e)
		return;
	event_put(e, "Resource", text_view(&s->root->resource));
	event_send(s->svc->pbx->events, e);
}

static void test_sent(struct subscription *s, const char *state)
{
	struct event *e = subscription_test_new(s->svc, "SUBSCRIPTION_STATE_SET");

	if (!e)
		return;
	event_put(e, "StateText", str_z(state));
	event_put(e, "Endpoint", s->ep->name);
	event_send(s->svc->pbx->events, e);
}

/* ---- what a NOTIFY says ------------------------------------------------------------------ */

int subscription_say(void *arg, struct ua_notify *n, bool full, struct sip_out *out)
{
	struct subscription *s = arg;
	struct text type = { 0 };
	struct buf body = { .max = BODY_MAX }, names;
	char room[512];
	int err;

	s->told_ms = clock_ms(s->svc->clock);
	err = node_body(s->root, full, &type, &body);
	if (!err && buf_err(&body)) {
		log_warning("the states in list '%s' are more than a NOTIFY can hold", text_z(&s->root->resource));
		err = buf_err(&body);
	}
	subscription_keep_numbers(s, tree_version(s->root));
	buf_init(&names, room, sizeof(room), sizeof(room));
	package_names(&names, s->pkg->extra);
	sip_out_header(out, STR("Allow-Events"), buf_view(&names));
	if (s->is_list)
		sip_out_header(out, STR("Require"), STR("eventlist"));
	if (!err) {
		sip_out_body(out, text_view(&type), buf_view(&body));
		test_sent(s, ua_notify_has_ended(n) ? "TERMINATED" : "ACTIVE");
		if (!full)
			subscription_test_event(s, "SUBSCRIPTION_STATE_CHANGED");
	}
	text_free(&type);
	buf_free(&body);
	return err;
}

int subscription_count(struct subscription *s)
{
	struct endpoint_state *state = endpoint_state_get(s->svc, s->ep->name, true);

	if (!state || state->subscriptions >= EACH_MAX)
		return state ? ENOSPC : ENOMEM;
	state->subscriptions++;
	return 0;
}

void subscription_uncount(struct subscription *s)
{
	struct endpoint_state *state = endpoint_state_get(s->svc, s->ep->name, false);

	if (state)
		state->subscriptions--;
}

/* ---- the end ------------------------------------------------------------------------------- */

bool subscription_has_ended(const struct subscription *s)
{
	return !s->notify || ua_notify_has_ended(s->notify);
}

void subscription_leave(struct subscription *s)
{
	struct subscriptions *all = s->svc->subscriptions;

	subscription_uncount(s);
	flow_leave(all->flows, &s->on_flow);
	list_remove(&s->link);
	list_append(&all->ending, &s->link);
	/* The last NOTIFY waits for the one on its way. */
	if (s->notify && ua_notify_state(s->notify) == UA_NOTIFY_CLOSING)
		tree_keep(s->root);
	/* Nobody may call it for a resource any more, however long its NOTIFY is on the way. */
	tree_stop(s->root);
}

static void forget(struct subscription *s)
{
	list_remove(&s->link);
	ua_notify_free(s->notify);
	s->notify = NULL;
	obj_drop(s);
}

static void on_gone(struct subscription *s, unsigned status)
{
	if (status)
		log_notice("'%.*s' does not want to hear of '%s' any more (%u)", STR_ARG(s->ep->name),
			   text_z(&s->root->resource), status);
	else
		log_notice("NOTIFY of '%s' does not reach '%.*s'", text_z(&s->root->resource), STR_ARG(s->ep->name));
	s->svc->subscriptions->went(s, UA_EVENT_TIMEOUT);
	subscription_leave(s);
}

void subscription_changed(void *arg, struct ua_notify *n, const struct ua_notify_event *e)
{
	struct subscription *s = arg;

	(void)n;
	switch (e->state) {
	case UA_NOTIFY_CLOSING: case UA_NOTIFY_LAST:
		if (e->expired)
			log_debug(1, "'%.*s' did not renew its subscription to '%s'", STR_ARG(s->ep->name),
				  text_z(&s->root->resource));
		subscription_test_event(s, "SUBSCRIPTION_TERMINATED");
		subscription_unkeep(s);
		s->svc->subscriptions->went(s, UA_EVENT_TIMEOUT);
		subscription_leave(s);
		break;
	case UA_NOTIFY_OVER:
		subscription_unkeep(s);
		if (e->gone)
			on_gone(s, e->status);
		forget(s);
		break;
	default:
		subscription_test_event(s, "SUBSCRIPTION_REFRESHED");
		break;
	}
}

void subscription_end(struct subscription *s, enum ua_event_reason reason)
{
	if (subscription_has_ended(s))
		return;
	ua_notify_end(s->notify, reason, 0);
	subscription_unkeep(s);
	subscription_test_event(s, "SUBSCRIPTION_TERMINATED");
	s->svc->subscriptions->went(s, reason);
	subscription_leave(s);
}

void subscription_cut_off(struct subscription *s)
{
	log_notice("'%.*s' hears no more of '%s': its connection is closed", STR_ARG(s->ep->name), text_z(&s->root->resource));
	subscription_unkeep(s);
	subscription_test_event(s, "SUBSCRIPTION_TERMINATED");
	s->svc->subscriptions->went(s, UA_EVENT_TIMEOUT);
	ua_notify_free(s->notify);
	s->notify = NULL;
	subscription_leave(s);
	forget(s);
}

void subscription_abandon(struct subscription *s)
{
	bool ended = subscription_has_ended(s);

	/* What is kept goes on with the next process: its phone need not know. */
	if (s->kept.row && !s->prune_on_boot && !ended)
		ua_notify_free(s->notify);
	else
		ua_notify_abandon(s->notify, UA_EVENT_DEACTIVATED);
	s->notify = NULL;
	if (!ended)
		subscription_leave(s);
	forget(s);
}

/* ---- when --------------------------------------------------------------------------------- */

/* [ms] until it may be told. */
static uint32_t patience(const struct subscription *s)
{
	uint64_t since = clock_ms(s->svc->clock) - s->told_ms;
	uint32_t pace = s->pkg->pace_ms;

	/* What happens in one turn is told together. */
	pace = since < pace ? pace - (uint32_t)since : pace ? 1 : 0;
	return pace > s->batch_ms ? pace : s->batch_ms;
}

void node_changed(struct node *leaf, bool over)
{
	struct subscription *s = leaf->sub;

	if (subscription_has_ended(s))
		return;
	leaf->over |= over;
	leaf->changed = true;
	/* Not answered yet: what it says first is what is then. */
	if (s->waits)
		return;
	if (tree_over(s->root))
		subscription_end(s, UA_EVENT_NORESOURCE);
	else
		ua_notify_changed(s->notify, patience(s));
}
