#define LOG_MODULE "sip"
#include "base/log.h"
#include "sip/stack_private.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

/* RFC 3261 17.2 with RFC 6026: what a server transaction is doing. */
enum state { PROCEEDING, COMPLETED /* final sent */, CONFIRMED /* ACK came */, ACCEPTED /* 2xx to INVITE */, GONE };

void sip_stx_detach(struct sip_stx *tx)
{
	obj_unpoint(tx->user.owner);
	tx->user = (struct sip_stx_user){ 0 };
}

void sip_stx_attach(struct sip_stx *tx, const struct sip_stx_user *user)
{
	sip_stx_detach(tx);
	tx->user = *user;
	obj_point(tx->user.owner);
}

static void stx_free(void *arg)
{
	struct sip_stx *tx = arg;

	sip_stx_detach(tx);
	obj_drop(tx->req);
	obj_drop(tx->last);
	free(tx->keys);
}

static void unmap_merge(struct sip_stx *tx)
{
	if (tx->merge_in_map)
		map_del(tx->stack->merge, tx->merge_key);
	tx->merge_in_map = false;
}

/* Out of every table; the engine's reference goes. */
static void forget(struct sip_stx *tx)
{
	if (tx->state == GONE)
		return;
	tx->state = GONE;
	timer_stop(&tx->retransmit);
	timer_stop(&tx->expire);
	unmap_merge(tx);
	if (tx->in_map)
		map_del(tx->stack->stx, tx->key);
	tx->in_map = false;
	list_remove(&tx->link);
	obj_drop(tx);
}

void sip_stx_free_all(struct sip_stack *s)
{
	list_each_safe(l, next, &s->stx_all) {
		struct sip_stx *tx = container_of(l, struct sip_stx, link);

		sip_stx_detach(tx);
		forget(tx);
	}
}

/* RFC 3261 17.2.3. With the magic cookie: branch, sent-by and method (ACK and
 * CANCEL look for their INVITE's). Without: all that RFC 2543 lets compare. */
static void write_key(struct buf *b, const struct sip_msg *m, enum sip_method as)
{
	static const struct str cookie = STR_INIT("z9hG4bK");
	struct str method = as == SIP_UNKNOWN ? m->method_name : sip_method_name(as);

	if (str_starts(m->via.branch, cookie)) {
		buf_puts(b, m->via.branch, STR("|"), m->via.host, STR(":"));
		buf_u64(b, m->via.port);
	} else {
		buf_puts(b, m->call_id, STR("|"), m->from.tag, STR("|"), m->via.host, STR("|"), m->via.params);
		buf_u64(b, m->cseq);
	}
	buf_puts(b, STR("|"), method);
}

static void write_merge_key(struct buf *b, const struct sip_msg *m)
{
	buf_puts(b, m->from.tag, STR("|"), m->call_id, STR("|"), m->method_name, STR("|"), m->ruri.text, STR("|"));
	buf_u64(b, m->cseq);
}

static void user_ended(struct sip_stx *tx, bool acked)
{
	if (tx->user.ended)
		tx->user.ended(tx->user.arg, tx, acked);
}

static void repeat_last(struct sip_stx *tx)
{
	if (!tx->last)
		return;
	tx->stack->count.retransmits_out++;
	sip_stack_send(tx->stack, &tx->path, tx->last);
}

void sip_stx_repeat(struct sip_stx *tx)
{
	if (tx->state == PROCEEDING)
		repeat_last(tx);
}

/* Timer G, and the same for 2xx that RFC 3261 13.3.1.4 asks of the core. */
static void on_retransmit(void *arg)
{
	struct sip_stx *tx = arg;

	repeat_last(tx);
	tx->interval_ms = tx->interval_ms * 2 > SIP_T2_MS ? SIP_T2_MS : tx->interval_ms * 2;
	timer_start(tx->stack->prm.wheel, &tx->retransmit, tx->interval_ms, on_retransmit, tx);
}

/* Timers H, I, J and L. */
static void on_expire(void *arg)
{
	struct sip_stx *tx = arg;
	bool unacked = tx->invite && (tx->state == COMPLETED || (tx->state == ACCEPTED && !tx->answered_2xx));

	obj_hold(tx);
	forget(tx);
	if (unacked) {
		tx->stack->count.timeouts++;
		user_ended(tx, false);
	}
	obj_drop(tx);
}

static void on_confirmed(struct sip_stx *tx)
{
	tx->state = CONFIRMED;
	timer_stop(&tx->retransmit);
	obj_hold(tx);
	/* Timer I: absorb repeated ACKs on datagrams only. */
	if (tx->reliable)
		forget(tx);
	else
		timer_start(tx->stack->prm.wheel, &tx->expire, SIP_T4_MS, on_expire, tx);
	user_ended(tx, true);
	obj_drop(tx);
}

static void on_cancel(struct sip_stx *tx, struct sip_msg *cancel);

/* A message that found its transaction. */
static void on_repeat(struct sip_stx *tx, struct sip_msg *msg)
{
	tx->stack->count.retransmits_in++;
	if (msg->method == SIP_ACK) {
		if (tx->state == COMPLETED)
			on_confirmed(tx);
	} else if (tx->state == PROCEEDING || tx->state == COMPLETED) {
		repeat_last(tx);
	} else if (tx->state == ACCEPTED && !tx->answered_2xx) {
		repeat_last(tx);
	}
}

static struct sip_stx *find(struct sip_stack *s, const struct sip_msg *msg, enum sip_method as)
{
	char room[512];
	struct sip_stx *tx = NULL;
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	write_key(&b, msg, as);
	if (!buf_err(&b))
		tx = map_get(s->stx, buf_view(&b));
	buf_free(&b);
	return tx;
}

bool sip_stx_match(struct sip_stack *s, struct sip_msg *msg)
{
	struct sip_stx *tx = find(s, msg, msg->method == SIP_ACK ? SIP_INVITE : msg->method);

	if (!tx)
		return false;
	/* The ACK of a 2xx may reuse the branch (RFC 2543 peers, many SIPp
	 * scenarios): it belongs to the dialog, not here. */
	if (msg->method == SIP_ACK && tx->state == ACCEPTED)
		return false;
	on_repeat(tx, msg);
	return true;
}

static int make_keys(struct sip_stx *tx)
{
	char room[1024];
	struct buf b;
	size_t cut;
	int err;

	buf_init(&b, room, sizeof(room), 0);
	write_key(&b, tx->req, tx->req->method);
	cut = b.n;
	if (!tx->req->to.tag.n)
		write_merge_key(&b, tx->req);
	err = buf_err(&b);
	if (!err) {
		tx->keys = malloc(b.n);
		if (tx->keys) {
			memcpy(tx->keys, b.p, b.n);
			tx->key = str_mk(tx->keys, cut);
			tx->merge_key = str_mk(tx->keys + cut, b.n - cut);
		} else {
			err = ENOMEM;
		}
	}
	buf_free(&b);
	return err;
}

/* RFC 3261 18.2.2 with RFC 3581: a stream answers on its connection; a datagram
 * goes back to where it came from when rport was asked for, else to the Via's
 * port at the address it came from. */
static void set_path(struct sip_stx *tx)
{
	const struct sip_msg *m = tx->req;

	tx->path = m->from_path;
	tx->reliable = net_is_stream(tx->path.proto);
	if (!tx->reliable && !m->via.has_rport)
		sa_set_port(&tx->path.peer, m->via.port ? m->via.port : 5060);
}

void sip_stx_force_rport(struct sip_stx *tx)
{
	if (tx->req && !tx->reliable)
		sa_set_port(&tx->path.peer, sa_port(&tx->req->from_path.peer));
}

static struct sip_stx *stx_new(struct sip_stack *s, struct sip_msg *msg)
{
	struct sip_stx *tx = obj_new(sizeof(*tx), stx_free);
	int err;

	if (!tx)
		return NULL;
	tx->stack = s;
	tx->req = obj_hold(msg);
	tx->invite = msg->method == SIP_INVITE;
	set_path(tx);
	err = make_keys(tx);
	if (!err)
		err = map_add(s->stx, tx->key, tx);
	if (err)
		return obj_drop(tx);
	tx->in_map = true;
	list_append(&s->stx_all, &tx->link);
	sip_token(s, tx->to_tag, SIP_TAG);
	return tx;
}

/* True when another branch of the same request is being served (8.2.2.2). */
static bool is_merged(struct sip_stx *tx)
{
	if (!tx->merge_key.n)
		return false;
	if (map_get(tx->stack->merge, tx->merge_key))
		return true;
	tx->merge_in_map = map_add(tx->stack->merge, tx->merge_key, tx) == 0;
	return false;
}

static void on_cancel(struct sip_stx *tx, struct sip_msg *cancel)
{
	struct sip_stx *inv = find(tx->stack, cancel, SIP_INVITE);

	if (!inv) {
		sip_stx_reply(tx, 481);
		return;
	}
	obj_hold(inv);
	/* The To tag of the CANCEL's answer is that of the INVITE's (9.2). */
	memcpy(tx->to_tag, inv->to_tag, sizeof(tx->to_tag));
	sip_stx_reply(tx, 200);
	if (inv->state == PROCEEDING) {
		if (inv->user.cancelled)
			inv->user.cancelled(inv->user.arg, inv, cancel);
		else
			sip_stx_reply(inv, 487);
	}
	obj_drop(inv);
}

/* One that is over and only waits for repetitions gives way: at worst such a
 * repetition is served again. The oldest stand in front. */
static bool make_room(struct sip_stack *s)
{
	struct sip_stx *oldest = container_of(s->stx_all.next, struct sip_stx, link);

	if (list_empty(&s->stx_all) || oldest->invite || oldest->state != COMPLETED)
		return false;
	forget(oldest);
	return true;
}

/* 503 without a transaction, for senders whose transport repeats nothing. */
static void refuse_full(struct sip_stack *s, const struct sip_msg *msg)
{
	struct net_path path = msg->from_path;
	struct net_bytes *bytes = NULL;
	char room[2048];
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	sip_write_response(&b, msg, 503, STR_NULL, STR("full"));
	buf_put(&b, STR("Retry-After: 10\r\n"));
	sip_write_body(&b, STR_NULL, STR_NULL);
	if (!buf_err(&b))
		bytes = net_bytes_new(buf_view(&b));
	if (bytes)
		sip_stack_send(s, &path, bytes);
	obj_drop(bytes);
	buf_free(&b);
}

void sip_stx_receive_new(struct sip_stack *s, struct sip_msg *msg)
{
	struct sip_stx *tx;

	if (map_count(s->stx) >= s->prm.max_tx && !make_room(s)) {
		s->count.refused_full++;
		if (net_is_stream(msg->from_path.proto))
			refuse_full(s, msg);
		return;         /* a datagram is repeated by its sender; by then there may be room */
	}
	tx = stx_new(s, msg);
	if (!tx)
		return;
	obj_hold(tx);
	if (msg->fault) {
		sip_stx_respond(tx, msg->fault, str_z(msg->fault_reason), STR_NULL, STR_NULL, STR_NULL);
	} else if (msg->method == SIP_CANCEL) {
		on_cancel(tx, msg);
	} else if (msg->to.tag.n && sip_dialog_receive(s, tx, msg)) {
		;
	} else if (is_merged(tx)) {
		s->count.merged++;
		sip_stx_reply(tx, 482);
	} else {
		s->prm.request(s->prm.arg, tx, msg);
	}
	obj_drop(tx);
}

static void enter_final(struct sip_stx *tx, unsigned status)
{
	struct wheel *w = tx->stack->prm.wheel;
	uint32_t t1 = tx->stack->t1;

	unmap_merge(tx);
	tx->interval_ms = t1;
	if (!tx->invite) {
		tx->state = COMPLETED;
		if (tx->reliable) {     /* timer J is 0 there */
			forget(tx);
			return;
		}
		timer_start(w, &tx->expire, 64 * t1, on_expire, tx);
	} else if (status < 300) {
		tx->state = ACCEPTED;   /* RFC 6026 7.1; the repetition is 13.3.1.4's, on any transport */
		timer_start(w, &tx->retransmit, t1, on_retransmit, tx);
		timer_start(w, &tx->expire, 64 * t1, on_expire, tx);
	} else {
		tx->state = COMPLETED;
		if (!tx->reliable)
			timer_start(w, &tx->retransmit, t1, on_retransmit, tx);
		timer_start(w, &tx->expire, 64 * t1, on_expire, tx);
	}
	/* What repeats is the answer; the request is not looked at again. */
	if (tx->state != ACCEPTED)
		tx->req = obj_drop(tx->req);
}

static struct net_bytes *encode(struct sip_stx *tx, unsigned status, struct str reason, struct str headers,
				struct str body_type, struct str body)
{
	char room[4096];
	struct net_bytes *bytes = NULL;
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	sip_write_response(&b, tx->req, status, reason,
			   status == 100 ? STR_NULL : str_z(tx->to_tag));
	buf_put(&b, headers);
	sip_write_body(&b, body_type, body);
	if (!buf_err(&b))
		bytes = net_bytes_new(buf_view(&b));
	buf_free(&b);
	return bytes;
}

int sip_stx_respond(struct sip_stx *tx, unsigned status, struct str reason, struct str headers,
		    struct str body_type, struct str body)
{
	struct net_bytes *bytes;
	int err;

	if (tx->state != PROCEEDING || !tx->req)
		return EALREADY;
	bytes = encode(tx, status, reason, headers, body_type, body);
	if (!bytes)
		return ENOMEM;
	obj_hold(tx);
	obj_drop(tx->last);
	tx->last = bytes;
	tx->status = status;
	err = sip_stack_send(tx->stack, &tx->path, bytes);
	if (err)
		log_debug(1, "response %u not sent: %s", status, strerror(err));
	if (status >= 200)
		enter_final(tx, status);
	obj_drop(tx);
	return 0;
}

int sip_stx_respond_stateless(struct sip_stx *tx, unsigned status, struct str headers)
{
	struct net_bytes *bytes;

	if (tx->state != PROCEEDING || !tx->req)
		return EALREADY;
	bytes = encode(tx, status, STR_NULL, headers, STR_NULL, STR_NULL);
	if (!bytes)
		return ENOMEM;
	tx->status = status;
	sip_stack_send(tx->stack, &tx->path, bytes);
	obj_drop(bytes);
	forget(tx);
	return 0;
}

int sip_stx_reply(struct sip_stx *tx, unsigned status)
{
	return sip_stx_respond(tx, status, STR_NULL, STR_NULL, STR_NULL, STR_NULL);
}

void sip_stx_acked(struct sip_stx *tx)
{
	if (tx->state != ACCEPTED || tx->answered_2xx)
		return;
	tx->answered_2xx = true;
	timer_stop(&tx->retransmit);
	tx->req = obj_drop(tx->req);
	tx->last = obj_drop(tx->last);
	user_ended(tx, true);
}

bool sip_stx_send_failed(struct sip_stack *s, struct net_bytes *bytes, int err)
{
	list_each(l, &s->stx_all) {
		struct sip_stx *tx = container_of(l, struct sip_stx, link);

		if (tx->last == bytes) {
			log_debug(1, "response %u could not be delivered: %s", tx->status, strerror(err));
			return true;
		}
	}
	return false;
}
