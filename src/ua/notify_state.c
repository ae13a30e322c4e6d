/* What is asked of a notifier. */
#include "ua/notify_private.h"

enum ua_notify_state ua_notify_state(const struct ua_notify *n)
{
	return n->state;
}

bool ua_notify_has_ended(const struct ua_notify *n)
{
	return n->state >= UA_NOTIFY_CLOSING;
}

uint64_t ua_notify_left_ms(const struct ua_notify *n)
{
	return timer_running(&n->expire) ? timer_left_ms(sip_stack_wheel(n->ua->sip), &n->expire) : 0;
}

struct sip_dialog *ua_notify_dialog(const struct ua_notify *n)
{
	return n->dlg;
}

struct str ua_notify_event(const struct ua_notify *n)
{
	return text_view(&n->event);
}
