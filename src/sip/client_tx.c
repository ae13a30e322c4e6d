/* Client transactions (RFC 3261 17.1). */
#define LOG_MODULE "sip"
#include "base/log.h"
#include "sip/stack_private.h"
#include "base/obj.h"
#include <errno.h>

/* RFC 3261 17.1 with RFC 6026. */
enum state { CALLING /* Trying, for the others */, PROCEEDING, COMPLETED, ACCEPTED /* 2xx to INVITE */, GONE };

static void on_expire(void *arg);

void sip_client_tx_detach(struct sip_client_tx *tx)
{
	/* A provisional response has stopped timer B, and nobody is left to cancel. */
	if (tx->invite && tx->state == PROCEEDING && !timer_running(&tx->expire))
		timer_start(tx->stack->prm.wheel, &tx->expire, 64 * tx->stack->t1, on_expire, tx);
	obj_unpoint(tx->user.owner);
	tx->user = (struct sip_client_tx_user){ 0 };
}

static void ctx_free(void *arg)
{
	struct sip_client_tx *tx = arg;

	sip_client_tx_detach(tx);
	obj_drop(tx->out);
	obj_drop(tx->bytes);
	obj_drop(tx->ack);
	text_free(&tx->cancel_headers);
}

static void forget_tx(struct sip_client_tx *tx)
{
	if (tx->state == GONE)
		return;
	tx->state = GONE;
	timer_stop(&tx->retransmit);
	timer_stop(&tx->expire);
	if (tx->in_map)
		map_del(tx->stack->client_tx, tx->key);
	tx->in_map = false;
	list_remove(&tx->link);
	obj_drop(tx);
}

void sip_client_tx_free_all(struct sip_stack *s)
{
	list_each_safe(l, next, &s->client_tx_all) {
		struct sip_client_tx *tx = container_of(l, struct sip_client_tx, link);

		sip_client_tx_detach(tx);
		forget_tx(tx);
	}
}

static void fail_tx(struct sip_client_tx *tx, int err)
{
	struct sip_client_tx_user user = tx->user;

	obj_hold(tx);
	forget_tx(tx);
	if (user.failed)
		user.failed(user.arg, tx, err);
	obj_drop(tx);
}

static void on_expire(void *arg)
{
	struct sip_client_tx *tx = arg;

	if (tx->state == CALLING || tx->state == PROCEEDING) {
		tx->stack->count.timeouts++;
		fail_tx(tx, ETIMEDOUT);
	} else {
		forget_tx(tx);
	}
}

/* Timers A and E. */
static void on_retransmit(void *arg)
{
	struct sip_client_tx *tx = arg;

	tx->stack->count.retransmits_out++;
	sip_stack_send(tx->stack, &tx->path, tx->bytes);
	tx->interval_ms *= 2;
	if (!tx->invite && (tx->interval_ms > SIP_T2_MS || tx->state == PROCEEDING))
		tx->interval_ms = SIP_T2_MS;
	timer_start(tx->stack->prm.wheel, &tx->retransmit, tx->interval_ms, on_retransmit, tx);
}

static int start_tx(struct sip_stack *s, struct sip_out *out, const struct net_path *path,
		    const struct sip_client_tx_user *user, const char *branch, struct sip_client_tx **txp)
{
	struct sip_client_tx *tx = obj_new(sizeof(*tx), ctx_free);
	struct buf key;
	int err;

	if (!tx)
		return ENOMEM;
	tx->stack = s;
	tx->out = obj_hold(out);
	tx->path = *path;
	tx->user = *user;
	obj_point(tx->user.owner);
	tx->invite = out->method == SIP_INVITE;
	tx->reliable = net_is_stream(path->proto);
	if (branch) {
		str_copy(tx->branch, sizeof(tx->branch), str_z(branch));
	} else {
		memcpy(tx->branch, "z9hG4bK", 7);
		sip_token(s, tx->branch + 7, 24);
	}
	buf_init(&key, tx->keybuf, sizeof(tx->keybuf), sizeof(tx->keybuf));
	buf_puts(&key, str_z(tx->branch), STR("|"), out->method_name);
	tx->key = buf_view(&key);
	tx->bytes = sip_out_encode(out, s, &tx->path, str_z(tx->branch));
	err = buf_err(&key);
	if (!err && !tx->bytes)
		err = ENOMEM;
	if (!err)
		err = map_add(s->client_tx, tx->key, tx);
	if (err) {
		obj_drop(tx);
		return err;
	}
	tx->in_map = true;
	list_append(&s->client_tx_all, &tx->link);
	obj_hold(tx);
	err = sip_stack_send(s, &tx->path, tx->bytes);
	if (err) {
		forget_tx(tx);
	} else if (tx->state == CALLING) {
		tx->interval_ms = s->t1;
		if (!tx->reliable)
			timer_start(s->prm.wheel, &tx->retransmit, s->t1, on_retransmit, tx);
		timer_start(s->prm.wheel, &tx->expire, s->timer_b, on_expire, tx);
	}
	if (txp && !err)
		*txp = obj_hold(tx);
	obj_drop(tx);
	return err;
}

int sip_client_tx_send(struct sip_stack *s, struct sip_out *out, const struct net_path *path,
		 const struct sip_client_tx_user *user, struct sip_client_tx **tx)
{
	return start_tx(s, out, path, user, NULL, tx);
}

/* What ACK and CANCEL take over from their INVITE (9.1, 17.1.1.3). */
static struct sip_out *derive_request(struct sip_client_tx *tx, enum sip_method m, struct str to)
{
	struct sip_out *o = sip_out_new(m);

	if (!o)
		return NULL;
	o->ruri = sip_out_dup(o, tx->out->ruri);
	o->from = sip_out_dup(o, tx->out->from);
	o->to = sip_out_dup(o, to);
	o->call_id = sip_out_dup(o, tx->out->call_id);
	o->cseq = tx->out->cseq;
	o->route = sip_out_dup(o, tx->out->route);
	o->via_host = sip_out_dup(o, tx->out->via_host);
	o->user_agent = sip_out_dup(o, tx->out->user_agent);
	o->no_rport = tx->out->no_rport;
	o->max_forwards = tx->out->max_forwards;
	return o;
}

static void send_ack(struct sip_client_tx *tx, const struct sip_msg *msg)
{
	struct sip_out *ack;

	if (!tx->ack) {
		ack = derive_request(tx, SIP_ACK, sip_hdr_value(msg, SIP_H_TO));
		if (!ack)
			return;
		tx->ack = sip_out_encode(ack, tx->stack, &tx->path, str_z(tx->branch));
		obj_drop(ack);
	}
	if (tx->ack)
		sip_stack_send(tx->stack, &tx->path, tx->ack);
}

/* After CANCEL a final answer is due within 64*T1 (9.1); on_expire makes it. */
static void send_cancel(struct sip_client_tx *tx)
{
	static const struct sip_client_tx_user nobody = { 0 };
	struct sip_out *c = derive_request(tx, SIP_CANCEL, tx->out->to);

	tx->cancel_sent = true;
	if (c) {
		buf_put(&c->headers, text_view(&tx->cancel_headers));
		if (start_tx(tx->stack, c, &tx->path, &nobody, tx->branch, NULL))
			log_debug(1, "CANCEL not sent");
		obj_drop(c);
	}
	timer_start(tx->stack->prm.wheel, &tx->expire, 64 * tx->stack->t1, on_expire, tx);
}

void sip_client_tx_cancel(struct sip_client_tx *tx, struct str headers)
{
	if (!tx->invite || tx->cancelled || tx->state >= COMPLETED)
		return;
	tx->cancelled = true;
	text_set(&tx->cancel_headers, headers);
	if (tx->state == PROCEEDING)
		send_cancel(tx);
}

static void on_provisional(struct sip_client_tx *tx, struct sip_msg *msg)
{
	if (tx->state == CALLING) {
		tx->state = PROCEEDING;
		if (tx->invite) {
			timer_stop(&tx->retransmit);
			timer_stop(&tx->expire);        /* timer B is for no answer at all; ringing may last */
		}
		if (tx->cancelled && !tx->cancel_sent)
			send_cancel(tx);
	}
	if ((msg->status > 100 || tx->user.trying) && tx->user.response)
		tx->user.response(tx->user.arg, tx, msg);
}

static void on_final(struct sip_client_tx *tx, struct sip_msg *msg)
{
	struct wheel *w = tx->stack->prm.wheel;

	timer_stop(&tx->retransmit);
	if (tx->invite && msg->status < 300) {
		tx->state = ACCEPTED;           /* timer M, RFC 6026 7.2 */
		timer_start(w, &tx->expire, timer_coarse_ms(w, 64 * tx->stack->t1), on_expire, tx);
	} else {
		tx->state = COMPLETED;
		if (tx->invite)
			send_ack(tx, msg);
		/* Timers D and K */
		if (tx->reliable)
			timer_start(w, &tx->expire, 0, on_expire, tx);
		else
			timer_start(w, &tx->expire, timer_coarse_ms(w, tx->invite ? 64 * tx->stack->t1 : SIP_T4_MS),
				    on_expire, tx);
	}
	/* What is left only waits for repetitions: it needs no request any more. */
	tx->bytes = obj_drop(tx->bytes);
	if (!tx->invite || msg->status < 300 || tx->ack)
		tx->out = obj_drop(tx->out);
	if (tx->user.response)
		tx->user.response(tx->user.arg, tx, msg);
}

bool sip_client_tx_match(struct sip_stack *s, struct sip_msg *msg)
{
	struct sip_client_tx *tx;
	char room[128];
	struct buf b;

	if (msg->fault)
		return false;
	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_puts(&b, msg->via.branch, STR("|"), msg->cseq_method);
	tx = buf_err(&b) ? NULL : map_get(s->client_tx, buf_view(&b));
	if (!tx)
		return false;
	obj_hold(tx);
	if (tx->state == CALLING || tx->state == PROCEEDING) {
		tx->status = msg->status;
		if (msg->status < 200)
			on_provisional(tx, msg);
		else
			on_final(tx, msg);
	} else if (tx->state == COMPLETED) {
		s->count.retransmits_in++;
		if (tx->invite && msg->status >= 300)
			send_ack(tx, msg);
	} else if (tx->state == ACCEPTED && msg->status >= 200 && msg->status < 300) {
		/* Repeated, or from another fork: the dialog layer tells by the tag. */
		if (tx->user.response)
			tx->user.response(tx->user.arg, tx, msg);
	}
	obj_drop(tx);
	return true;
}

/* The transaction whose request `bytes` are. Its key, branch and method, stands in the first two
 * lines: we wrote them. */
static struct sip_client_tx *ctx_of_bytes(struct sip_stack *s, const struct net_bytes *bytes)
{
	struct str text = str_mk(bytes->p, bytes->n), line, via;
	struct sip_client_tx *tx = NULL;
	char room[128];
	struct buf key;

	if (!str_line(&text, &line) || !str_line(&text, &via))
		return NULL;
	via = str_skip(via, str_find(via, STR(";branch=")) + 8);
	buf_init(&key, room, sizeof(room), sizeof(room));
	buf_puts(&key, str_cut_raw(&via, ';'), STR("|"), str_cut_raw(&line, ' '));
	if (!buf_err(&key))
		tx = map_get(s->client_tx, buf_view(&key));
	return tx && tx->bytes == bytes ? tx : NULL;
}

void sip_client_tx_send_failed(struct sip_stack *s, const struct net_bytes *bytes, int err)
{
	struct sip_client_tx *tx = ctx_of_bytes(s, bytes);

	if (tx && tx->state == CALLING)
		fail_tx(tx, err);
}
