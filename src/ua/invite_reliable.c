/* Provisional responses that are acknowledged (RFC 3262), both sides. One of ours at a time
 * waits for its PRACK; others queue behind it. */
#define LOG_MODULE "invite"
#include "ua/invite_private.h"
#include <errno.h>
#include <stdlib.h>

bool ua_reliable_wanted(const struct ua_invite *iv)
{
	if (!ua_is_ringing(iv))
		return false;
	return iv->rel.required || (iv->rel.supported && (iv->prm.rel100 == UA_REL100_REQUIRED ||
							  iv->prm.rel100 == UA_REL100_PEER_SUPPORTED));
}

/* Section 3: T1 doubling; after 64*T1 the INVITE is refused with 5xx. */
static void on_timer(void *arg)
{
	struct ua_invite *iv = arg;
	struct ua_reliable *r = &iv->rel;
	uint32_t most = 64 * sip_stack_t1(iv->ua->sip);

	r->waited_ms += r->interval_ms;
	if (r->waited_ms >= most) {
		struct sip_server_tx *tx = obj_hold(ua_uas_waiting(iv));

		obj_hold(iv);
		if (tx)
			ua_invite_reply(iv, tx, 504, STR_NULL);
		ua_invite_ended(iv, UA_END_NO_PRACK, NULL, 0);
		obj_drop(tx);
		obj_drop(iv);
		return;
	}
	/* It runs only while the INVITE waits: ua_uas_clear() stops it. */
	sip_server_tx_repeat(iv->uas);
	r->interval_ms *= 2;
	if (r->interval_ms > most - r->waited_ms)
		r->interval_ms = most - r->waited_ms;
	timer_start(sip_stack_wheel(iv->ua->sip), &r->timer, r->interval_ms, on_timer, iv);
}

/* The first number is drawn, below 2^16 (section 3). */
static void next_rseq(struct ua_invite *iv)
{
	if (!iv->rel.rseq) {
		char tag[5];
		uint8_t r[2];

		sip_token(iv->ua->sip, tag, 4);
		if (str_hex(str_z(tag), r, 2) == 0)
			iv->rel.rseq = (uint32_t)r[0] << 8 | r[1];
	}
	iv->rel.rseq++;
}

static int send_now(struct ua_invite *iv, unsigned status, struct str headers, struct str type, struct str body)
{
	struct ua_reliable *r = &iv->rel;
	char room[2048];
	struct buf h;
	int err;

	next_rseq(iv);
	buf_init(&h, room, sizeof(room), 0);
	buf_put(&h, headers);
	buf_printf(&h, "Require: 100rel\r\nRSeq: %u\r\n", r->rseq);
	err = buf_err(&h);
	if (!err)
		err = sip_server_tx_respond(iv->uas, status, STR_NULL, buf_view(&h), type, body);
	buf_free(&h);
	if (!err) {
		r->pending = true;
		r->described |= body.n > 0;
		r->waited_ms = 0;
		r->interval_ms = sip_stack_t1(iv->ua->sip);
		timer_start(sip_stack_wheel(iv->ua->sip), &r->timer, r->interval_ms, on_timer, iv);
	}
	return err;
}

int ua_reliable_send(struct ua_invite *iv, unsigned status, struct str headers, const struct ua_body *body)
{
	struct ua_held_response *h;

	if (!iv->rel.pending)
		return send_now(iv, status, headers, body->type, buf_view(&body->b));
	h = calloc(1, sizeof(*h));
	if (!h)
		return ENOMEM;
	h->status = status;
	if (text_set(&h->headers, headers) || text_set(&h->type, body->type) || text_set(&h->body, buf_view(&body->b))) {
		ua_held_free(h);
		return ENOMEM;
	}
	list_append(&iv->rel.queue, &h->link);
	return 0;
}

/* RAck: response-num CSeq-num method (7.2) */
static bool rack_fits(const struct ua_invite *iv, const struct sip_msg *msg)
{
	struct str v = sip_hdr_value(msg, SIP_H_RACK);
	struct str a = str_cut_raw(&v, ' '), b;
	uint32_t rseq, cseq;

	v = str_trim(v);
	b = str_cut_raw(&v, ' ');
	v = str_trim(v);
	return str_u32(a, &rseq) == 0 && str_u32(b, &cseq) == 0 && rseq == iv->rel.rseq && str_eq(v, STR("INVITE"));
}

/* The body of a PRACK: the answer to our offer in the response, or an offer of its
 * own once that exchange is over (section 5). The status to answer with. */
static unsigned take_body(struct ua_invite *iv, struct str body, struct buf *headers, struct buf *answer)
{
	unsigned status;

	if (iv->exchange == UA_EXCHANGE_OURS) {
		status = ua_exchange_answer_in(iv, body);
		return status ? status : 200;
	}
	status = ua_exchange_glare(iv, headers);
	if (!status)
		status = ua_exchange_offer_in(iv, body);
	if (status == UA_INVITE_LATER) {        /* the PRACK has to be answered now */
		ua_exchange_fail(iv);
		return 488;
	}
	if (status)
		return status;
	if (ua_exchange_answer_out(iv, answer))
		return 500;
	text_set(&iv->body, buf_view(answer));
	return 200;
}

static void send_queued(struct ua_invite *iv)
{
	struct ua_held_response *h;

	if (list_empty(&iv->rel.queue))
		return;
	h = container_of(iv->rel.queue.next, struct ua_held_response, link);
	list_remove(&h->link);
	if (ua_is_ringing(iv) && ua_uas_waiting(iv))
		send_now(iv, h->status, text_view(&h->headers), text_view(&h->type), text_view(&h->body));
	ua_held_free(h);
}

void ua_reliable_prack(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg)
{
	char room[512];
	struct str body;
	struct buf h, b = BUF_INIT;
	unsigned status = 200;

	if (!iv->rel.pending || !rack_fits(iv, msg)) {
		ua_invite_reply(iv, tx, 481, STR_NULL);
		return;
	}
	timer_stop(&iv->rel.timer);
	iv->rel.pending = false;
	buf_init(&h, room, sizeof(room), 0);
	if (ua_invite_body(iv, msg, &body))
		status = take_body(iv, body, &h, &b);
	ua_invite_write_server(iv, &h);
	sip_server_tx_respond(tx, status, STR_NULL, buf_view(&h),
			      status == 200 && b.n ? ua_invite_body_type(iv) : STR_NULL, buf_view(&b));
	buf_free(&b);
	buf_free(&h);
	send_queued(iv);
	if (iv->state == UA_INVITE_ANSWERING && !iv->rel.pending)
		ua_invite_answer(iv);
	if (iv->prm.user && iv->prm.user->pracked)
		iv->prm.user->pracked(iv->prm.arg);
}

/* ---- theirs (section 4) ------------------------------------------------------------------ */

bool ua_reliable_is_new(const struct sip_msg *msg, uint32_t last, uint32_t *rseq)
{
	if (!sip_hdr_has_token(msg, SIP_H_REQUIRE, STR("100rel")) || sip_hdr_u32(msg, SIP_H_RSEQ, rseq) ||
	    !msg->to.tag.n)
		return false;
	return !last || *rseq > last;   /* else repeated, or out of order */
}

void ua_reliable_send_prack(struct ua_invite *iv, struct sip_dialog *d, const struct sip_msg *msg, struct str body)
{
	struct sip_out *o = sip_dialog_request(d, SIP_PRACK);
	uint32_t rseq = 0;

	if (!o)
		return;
	sip_hdr_u32(msg, SIP_H_RSEQ, &rseq);
	buf_printf(&o->headers, "RAck: %u %u INVITE\r\n", rseq, msg->cseq);
	if (body.n)
		sip_out_body(o, ua_invite_body_type(iv), body);
	ua_invite_send_in(iv, d, o, (struct ua_done){ 0 });
	obj_drop(o);
}
