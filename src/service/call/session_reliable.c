/* service/call/session_reliable.c -- provisional responses that are acknowledged: RFC 3262,
 * both sides. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "service/call/session.h"
#include <errno.h>
#include <stdlib.h>

#define SDP STR("application/sdp")

/* RFC 3262. One reliable provisional at a time waits for its PRACK; others queue. */
struct held_response {
	struct list link;
	unsigned status;
	struct text headers, sdp;
};

bool session_reliable_wanted(const struct session *s)
{
	if (!s->incoming || s->st != SESSION_RINGING)
		return false;
	return s->rel_required || (s->ep->rel100 == REL100_REQUIRED && s->rel_supported) ||
	       (s->ep->rel100 == REL100_PEER_SUPPORTED && s->rel_supported);
}

static void free_queue(struct session *s)
{
	list_each_safe(p, next, &s->rel_queue) {
		struct held_response *h = container_of(p, struct held_response, link);

		list_remove(&h->link);
		text_free(&h->headers);
		text_free(&h->sdp);
		free(h);
	}
}

void session_reliable_stop(struct session *s)
{
	timer_stop(&s->rel_timer);
	s->rel_pending = false;
	free_queue(s);
}

/* Section 3: T1 doubling; after 64*T1 the INVITE is refused with 5xx. */
static void on_timer(void *arg)
{
	struct session *s = arg;
	uint32_t most = 64 * sip_stack_t1(s->svc->sip);

	s->rel_waited_ms += s->rel_interval_ms;
	if (s->rel_waited_ms >= most) {
		log_notice("'%.*s' never acknowledged a reliable response", STR_ARG(s->ep->name));
		obj_hold(s);
		session_refuse(s, 504, STR_NULL);
		session_peer_ended(s, CAUSE_INTERWORKING, 504);
		obj_drop(s);
		return;
	}
	/* It runs only while the INVITE waits: session_uas_set() stops it. */
	sip_server_tx_repeat(s->uas);
	s->rel_interval_ms *= 2;
	if (s->rel_interval_ms > most - s->rel_waited_ms)
		s->rel_interval_ms = most - s->rel_waited_ms;
	timer_start(s->svc->wheel, &s->rel_timer, s->rel_interval_ms, on_timer, s);
}

static int send_now(struct session *s, unsigned status, struct str headers, struct str sdp)
{
	char room[2048];
	struct buf h;
	int err;

	if (!s->rseq) {
		char tag[5];
		uint8_t r[2];

		sip_token(s->svc->sip, tag, 4);
		if (str_hex(str_z(tag), r, 2) == 0)
			s->rseq = (uint32_t)r[0] << 8 | r[1];
	}
	s->rseq++;
	buf_init(&h, room, sizeof(room), 0);
	buf_put(&h, headers);
	buf_printf(&h, "Require: 100rel\r\nRSeq: %u\r\n", s->rseq);
	err = buf_err(&h);
	if (!err)
		err = sip_server_tx_respond(s->uas, status, STR_NULL, buf_view(&h), sdp.n ? SDP : STR_NULL, sdp);
	buf_free(&h);
	if (!err) {
		s->rel_pending = true;
		s->rel_waited_ms = 0;
		s->rel_interval_ms = sip_stack_t1(s->svc->sip);
		timer_start(s->svc->wheel, &s->rel_timer, s->rel_interval_ms, on_timer, s);
	}
	return err;
}

int session_reliable_send(struct session *s, unsigned status, struct str headers, struct str sdp)
{
	struct held_response *h;

	if (!s->rel_pending)
		return send_now(s, status, headers, sdp);
	h = calloc(1, sizeof(*h));
	if (!h)
		return ENOMEM;
	h->status = status;
	if (text_set(&h->headers, headers) || text_set(&h->sdp, sdp)) {
		text_free(&h->headers);
		free(h);
		return ENOMEM;
	}
	list_append(&s->rel_queue, &h->link);
	return 0;
}

/* RAck: response-num CSeq-num method (7.2) */
static bool rack_fits(const struct session *s, const struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_RACK);
	struct str a = str_cut_raw(&v, ' '), b;
	uint32_t rseq, cseq;

	v = str_trim(v);
	b = str_cut_raw(&v, ' ');
	v = str_trim(v);
	return str_u32(a, &rseq) == 0 && str_u32(b, &cseq) == 0 && rseq == s->rseq && str_eq(v, STR("INVITE"));
}

/* The SDP of a PRACK: the answer to our offer in the response, or an offer of its
 * own once that exchange is over (section 5). The status to answer with. */
static unsigned take_sdp(struct session *s, struct str body, struct buf *headers, struct buf *answer)
{
	unsigned status;

	if (s->offer == OFFER_OURS) {
		status = session_answer_in(s, body);
		return status ? status : 200;
	}
	status = session_offer_glare(s, headers);
	if (!status)
		status = session_offer_in(s, body);
	if (status)
		return status;
	if (session_answer_out(s, answer))
		return 500;
	text_set(&s->local_sdp, buf_view(answer));
	return 200;
}

static void send_queued(struct session *s)
{
	struct held_response *h;

	if (list_empty(&s->rel_queue))
		return;
	h = container_of(s->rel_queue.next, struct held_response, link);
	list_remove(&h->link);
	if (s->st == SESSION_RINGING && session_uas_waiting(s))
		send_now(s, h->status, text_view(&h->headers), text_view(&h->sdp));
	text_free(&h->headers);
	text_free(&h->sdp);
	free(h);
}

void session_reliable_prack(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	char room[256];
	struct str body;
	struct buf h, b = BUF_INIT;
	unsigned status = 200;

	if (!s->rel_pending || !rack_fits(s, msg)) {
		service_reply(s->svc, tx, 481, STR_NULL);
		return;
	}
	timer_stop(&s->rel_timer);
	s->rel_pending = false;
	buf_init(&h, room, sizeof(room), sizeof(room));
	if (sip_body(msg, SDP, &body))
		status = take_sdp(s, body, &h, &b);
	buf_put(&h, service_server_header(s->svc));
	sip_server_tx_respond(tx, status, STR_NULL, buf_view(&h), status == 200 && b.n ? SDP : STR_NULL, buf_view(&b));
	buf_free(&b);
	buf_free(&h);
	send_queued(s);
	if (s->answer_wanted && !s->rel_pending && s->st == SESSION_RINGING)
		session_answer(s);
}

/* A reliable response of the peer: acknowledged with PRACK (section 4). */
void session_reliable_response(struct session *s, const struct sip_msg *msg)
{
	struct sip_out *o;
	uint32_t rseq;

	if (!sip_hdr_has_token(msg, SIP_H_REQUIRE, STR("100rel")) || sip_hdr_u32(msg, SIP_H_RSEQ, &rseq) ||
	    !msg->to.tag.n)
		return;
	if (s->rel_remote_rseq && rseq <= s->rel_remote_rseq)
		return;         /* repeated, or out of order */
	s->rel_remote_rseq = rseq;
	o = sip_dialog_request(s->dlg, SIP_PRACK);
	if (!o)
		return;
	buf_printf(&o->headers, "RAck: %u %u INVITE\r\n", rseq, msg->cseq);
	session_send(s, o, NULL, NULL);
	obj_drop(o);
}
