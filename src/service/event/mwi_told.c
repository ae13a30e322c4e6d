/* Waiting messages that other servers tell of: what a NOTIFY says, and those that nobody
 * asked for (incoming_mwi_mailbox). What was asked for is upstream.c's. */
#include "service/event/private.h"
#include "pbx/event.h"

/* "2/8" */
static bool read_pair(struct str v, uint32_t *a, uint32_t *b)
{
	struct str first = str_trim(str_cut_raw(&v, '/'));

	return !str_u32(first, a) && !str_u32(str_trim(v), b);
}

bool summary_read(struct str body, struct summary *out)
{
	bool found = false, waiting = false;

	*out = (struct summary){ 0 };
	while (body.n) {
		struct str line = str_trim(str_cut_raw(&body, '\n')), name = str_trim(str_cut_raw(&line, ':'));

		if (str_ieq(name, STR("Message-Account")))
			out->account = str_trim(line);
		if (str_ieq(name, STR("Messages-Waiting"))) {
			out->has_waiting = true;
			waiting = str_ieq(str_trim(line), STR("yes"));
		}
		if (!str_ieq(name, STR("Voice-Message")))
			continue;
		name = str_cut_raw(&line, '(');
		found = read_pair(name, &out->new_msgs, &out->old_msgs);
		(void)read_pair(str_cut_raw(&line, ')'), &out->urgent_new, &out->urgent_old);
	}
	if (!found)
		out->new_msgs = waiting;
	return found;
}

static void test_event(struct service *svc, const struct endpoint *ep, const struct summary *s)
{
	struct event *e = subscription_test_new(svc, s ? "PUBSUB_INCOMING_MWI_PUBLISH" : "PUBSUB_NO_INCOMING_MWI_MAILBOX");

	if (!e)
		return;
	event_put(e, "Endpoint", ep->name);
	if (s) {
		event_put(e, "Mailbox", ep->incoming_mwi_mailbox);
		event_put(e, "MessageAccount", s->account);
		event_printf(e, "VoiceMessagesNew", "%u", s->new_msgs);
		event_printf(e, "VoiceMessagesOld", "%u", s->old_msgs);
		event_printf(e, "VoiceMessagesUrgentNew", "%u", s->urgent_new);
		event_printf(e, "VoiceMessagesUrgentOld", "%u", s->urgent_old);
	}
	event_send(svc->pbx->events, e);
}

static bool is_summary(const struct sip_msg *msg)
{
	struct str event = sip_hdr_value(msg, SIP_H_EVENT), body;

	return str_ieq(str_trim(str_cut(&event, ';')), STR("message-summary")) ||
	       sip_body(msg, STR("application/simple-message-summary"), &body);
}

void notify_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct summary s;

	if (!is_summary(msg)) {
		service_reply(svc, tx, 489, STR("Allow-Events: message-summary\r\n"));
	} else if (!id->ep->incoming_mwi_mailbox.n) {
		service_reply(svc, tx, 404, STR_NULL);
		test_event(svc, id->ep, NULL);
	} else if (!summary_read(msg->body, &s)) {
		service_reply(svc, tx, 400, STR_NULL);
	} else {
		service_reply(svc, tx, 200, STR_NULL);
		(void)mailbox_set(svc, id->ep->incoming_mwi_mailbox, s.new_msgs, s.old_msgs);
		test_event(svc, id->ep, &s);
	}
}
