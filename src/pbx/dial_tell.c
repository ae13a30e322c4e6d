/* Manager events of a dialled call: DialBegin, DialState, DialEnd. */
#include "pbx/dial_tell.h"
#include "pbx/event.h"

static struct event *begin(struct channel *caller, struct channel *peer, const char *name)
{
	struct event *e = peer->pbx->events ? event_new(peer->pbx->events, name, EV_CALL) : NULL;

	if (!e)
		return NULL;
	if (caller)
		event_channel(e, "", caller);
	event_channel(e, "Dest", peer);
	return e;
}

void dial_tell_begin(struct channel *caller, struct channel *peer, struct str dialstring)
{
	struct event *e = begin(caller, peer, "DialBegin");

	if (!e)
		return;
	event_put(e, "DialString", dialstring.n ? dialstring : STR("unknown"));
	event_send(peer->pbx->events, e);
}

static bool on_the_way(struct str status)
{
	return str_eq(status, STR("RINGING")) || str_eq(status, STR("PROGRESS")) || str_eq(status, STR("PROCEEDING"));
}

void dial_tell(struct channel *caller, struct channel *peer, const char *status, struct str forward)
{
	struct event *e = begin(caller, peer, on_the_way(str_z(status)) ? "DialState" : "DialEnd");

	if (!e)
		return;
	if (forward.n)
		event_put(e, "Forward", forward);
	event_put(e, "DialStatus", str_z(status));
	event_send(peer->pbx->events, e);
}

const char *dial_status_of(int cause)
{
	switch (cause) {
	case CAUSE_BUSY:
		return "BUSY";
	case CAUSE_NO_CIRCUIT:
		return "CONGESTION";
	case CAUSE_NO_ROUTE:
	case CAUSE_SUBSCRIBER_ABSENT:
		return "CHANUNAVAIL";
	default:
		return "NOANSWER";
	}
}
