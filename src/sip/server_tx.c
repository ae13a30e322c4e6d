/* Server transactions while they are alive (RFC 3261 17.2). What is remembered of
 * them after their final answer, and who makes how many, is finished.c's. */
#define LOG_MODULE "sip"
#include "base/log.h"
#include "sip/stack_private.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

#define UNACKED_MAX 1000        /* refused INVITEs of one source whose answer is repeated until an ACK comes */

/* RFC 3261 17.2 with RFC 6026: what a server transaction is doing. */
enum state { PROCEEDING, COMPLETED /* final sent */, ACCEPTED /* 2xx to INVITE */, GONE };

static void start_guard(struct sip_server_tx *tx);

void sip_server_tx_detach(struct sip_server_tx *tx)
{
	obj_unpoint(tx->user.owner);
	tx->user = (struct sip_server_tx_user){ 0 };
	start_guard(tx);
}

void sip_server_tx_attach(struct sip_server_tx *tx, const struct sip_server_tx_user *user)
{
	sip_server_tx_detach(tx);
	tx->user = *user;
	obj_point(tx->user.owner);
	/* A call may ring for as long as it likes; whoever rings is there to end it. */
	if (tx->state == PROCEEDING && tx->in_map && tx->invite)
		timer_stop(&tx->expire);
}

static void stx_free(void *arg)
{
	struct sip_server_tx *tx = arg;

	obj_unpoint(tx->user.owner);
	obj_drop(tx->req);
	obj_drop(tx->last);
}

static struct str key_view(const uint64_t *key)
{
	return str_mk((const char *)key, sizeof(*key));
}

static void unmap_merge(struct sip_server_tx *tx)
{
	if (tx->merge_in_map)
		map_del(tx->stack->merge, key_view(&tx->merge_key));
	tx->merge_in_map = false;
}

static void settle_account(struct sip_server_tx *tx)
{
	if (tx->account && tx->stack->prm.settled)
		tx->stack->prm.settled(tx->stack->prm.arg, tx->account);
	tx->account = NULL;
}

/* No longer counted as work of its source. */
static void leave_source(struct sip_server_tx *tx)
{
	if (tx->source)
		sip_source_leave(tx->source);
	tx->source = NULL;
	settle_account(tx);
}

/* Out of every table; the engine's reference goes. */
static void forget_tx(struct sip_server_tx *tx)
{
	if (tx->state == GONE)
		return;
	tx->state = GONE;
	timer_stop(&tx->retransmit);
	timer_stop(&tx->expire);
	unmap_merge(tx);
	if (tx->in_map)
		map_del(tx->stack->server_tx, key_view(&tx->key));
	tx->in_map = false;
	list_remove(&tx->link);
	if (list_linked(&tx->refused)) {
		list_remove(&tx->refused);
		tx->source->unacked--;
	}
	leave_source(tx);
	obj_drop(tx);
}

void sip_server_tx_free_all(struct sip_stack *s)
{
	list_each_safe(l, next, &s->server_tx_all) {
		struct sip_server_tx *tx = container_of(l, struct sip_server_tx, link);

		sip_server_tx_detach(tx);
		forget_tx(tx);
	}
}

/* RFC 3261 17.2.3. With the magic cookie: branch, sent-by and method (ACK and
 * CANCEL look for their INVITE's). Without: all that RFC 2543 lets compare.
 * The tables hold hashes of these, under the process's secret: nobody can choose
 * two that are equal, and by chance it takes 10^14 messages. */
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

/* Whoever had to answer could not, for want of memory perhaps. When the peer has given
 * up too (timers B and F), nobody needs it. */
static void on_guard(void *arg)
{
	struct sip_server_tx *tx = arg;

	tx->stack->count.timeouts++;
	forget_tx(tx);
}

/* With nobody to be told of its end, a transaction has one by itself. */
static void start_guard(struct sip_server_tx *tx)
{
	if (tx->state == PROCEEDING && tx->in_map)
		timer_start(tx->stack->prm.wheel, &tx->expire, 64 * tx->stack->t1, on_guard, tx);
}

static void user_ended(struct sip_server_tx *tx, bool acked)
{
	if (tx->user.ended)
		tx->user.ended(tx->user.arg, tx, acked);
}

static void repeat_last(struct sip_server_tx *tx)
{
	if (!tx->last)
		return;
	tx->stack->count.retransmits_out++;
	sip_stack_send(tx->stack, &tx->path, tx->last);
}

void sip_server_tx_repeat(struct sip_server_tx *tx)
{
	if (tx->state == PROCEEDING)
		repeat_last(tx);
}

struct net_path sip_server_tx_path(const struct sip_msg *m, bool to_source)
{
	struct net_path path = m->from_path;

	if (!net_is_stream(path.proto) && !to_source)
		sa_set_port(&path.peer, m->via.port ? m->via.port : 5060);
	return path;
}

/* Timer G, and the same for 2xx that RFC 3261 13.3.1.4 asks of the core. */
static void on_retransmit(void *arg)
{
	struct sip_server_tx *tx = arg;

	repeat_last(tx);
	tx->interval_ms = tx->interval_ms * 2 > SIP_T2_MS ? SIP_T2_MS : tx->interval_ms * 2;
	timer_start(tx->stack->prm.wheel, &tx->retransmit, tx->interval_ms, on_retransmit, tx);
}

/* Timers H and L: the final answer to an INVITE was not acknowledged. */
static void on_expire(void *arg)
{
	struct sip_server_tx *tx = arg;

	obj_hold(tx);
	forget_tx(tx);
	tx->stack->count.timeouts++;
	user_ended(tx, false);
	obj_drop(tx);
}

static void on_confirmed(struct sip_server_tx *tx)
{
	obj_hold(tx);
	/* Timer I: absorb repeated ACKs on datagrams only. */
	if (!tx->reliable)
		sip_finished_add(tx, STR_NULL, STR_NULL);
	forget_tx(tx);
	user_ended(tx, true);
	obj_drop(tx);
}

/* A message that found its transaction. */
static void on_repeat(struct sip_server_tx *tx, struct sip_msg *msg)
{
	tx->stack->count.retransmits_in++;
	if (msg->method == SIP_ACK) {
		if (tx->state == COMPLETED)
			on_confirmed(tx);
	} else {
		repeat_last(tx);
	}
}

/* 0: out of memory. */
static uint64_t key_of(const struct sip_msg *m, enum sip_method as)
{
	char room[512];
	struct buf b;
	uint64_t key;

	buf_init(&b, room, sizeof(room), 0);
	write_key(&b, m, as);
	key = buf_err(&b) ? 0 : hash_str(buf_view(&b));
	buf_free(&b);
	return key;
}

static struct sip_server_tx *find_tx(struct sip_stack *s, uint64_t key)
{
	return map_get(s->server_tx, key_view(&key));
}

bool sip_server_tx_match(struct sip_stack *s, struct sip_msg *msg)
{
	uint64_t key = key_of(msg, msg->method == SIP_ACK ? SIP_INVITE : msg->method);
	struct sip_server_tx *tx = find_tx(s, key);
	struct sip_finished *f = tx ? NULL : sip_finished_find(s, key);

	/* The ACK of a 2xx may reuse the branch (RFC 2543 peers, many SIPp
	 * scenarios): it belongs to the dialog, not here. */
	if (msg->method == SIP_ACK && (tx ? tx->state == ACCEPTED : f && f->ack_passes))
		return false;
	if (tx) {
		on_repeat(tx, msg);
	} else if (f) {
		s->count.retransmits_in++;
		sip_finished_repeat(s, f, msg);
	}
	return tx || f;
}

static int make_keys(struct sip_server_tx *tx)
{
	char room[512];
	struct buf b;
	int err;

	tx->key = key_of(tx->req, tx->req->method);
	if (!tx->key)
		return ENOMEM;
	if (tx->req->to.tag.n)
		return 0;
	buf_init(&b, room, sizeof(room), 0);
	write_merge_key(&b, tx->req);
	err = buf_err(&b);
	if (!err)
		tx->merge_key = hash_str(buf_view(&b));
	buf_free(&b);
	return err;
}

/* RFC 3261 18.2.2 with RFC 3581: a stream answers on its connection; a datagram
 * goes back to where it came from when rport was asked for, else to the Via's
 * port at the address it came from. */
static void set_path(struct sip_server_tx *tx)
{
	tx->reliable = net_is_stream(tx->req->from_path.proto);
	tx->to_source = tx->req->via.has_rport;
	tx->path = sip_server_tx_path(tx->req, tx->to_source);
}

void sip_server_tx_force_rport(struct sip_server_tx *tx)
{
	if (!tx->req || tx->reliable)
		return;
	tx->to_source = true;
	/* Responses say so in their Via, as if it had been asked for. */
	tx->req->via.has_rport = true;
	tx->path = sip_server_tx_path(tx->req, true);
}

static int stx_new(struct sip_server_tx **out, struct sip_stack *s, struct sip_msg *msg)
{
	struct sip_server_tx *tx = obj_new(sizeof(*tx), stx_free);
	int err;

	if (!tx)
		return ENOMEM;
	tx->stack = s;
	tx->req = obj_hold(msg);
	tx->invite = msg->method == SIP_INVITE;
	set_path(tx);
	err = sip_source_enter(s, &msg->from_path.peer, &tx->source);
	if (!err)
		err = make_keys(tx);
	if (!err)
		err = map_add(s->server_tx, key_view(&tx->key), tx);
	if (err) {
		leave_source(tx);
		obj_drop(tx);
		return err;
	}
	tx->in_map = true;
	list_append(&s->server_tx_all, &tx->link);
	start_guard(tx);
	sip_token(s, tx->to_tag, SIP_TAG);
	*out = tx;
	return 0;
}

/* True when another branch of the same request is being served (8.2.2.2). */
static bool is_merged(struct sip_server_tx *tx)
{
	if (!tx->merge_key)
		return false;
	if (map_get(tx->stack->merge, key_view(&tx->merge_key)))
		return true;
	tx->merge_in_map = map_add(tx->stack->merge, key_view(&tx->merge_key), tx) == 0;
	return false;
}

static void on_cancel(struct sip_server_tx *tx, struct sip_msg *cancel)
{
	uint64_t key = key_of(cancel, SIP_INVITE);
	struct sip_server_tx *inv = find_tx(tx->stack, key);
	const struct sip_finished *f = inv ? NULL : sip_finished_find(tx->stack, key);

	if (!inv) {
		if (f)
			memcpy(tx->to_tag, f->to_tag, sizeof(tx->to_tag));
		sip_server_tx_reply(tx, f ? 200 : 481);
		return;
	}
	obj_hold(inv);
	/* The To tag of the CANCEL's answer is that of the INVITE's (9.2). */
	memcpy(tx->to_tag, inv->to_tag, sizeof(tx->to_tag));
	sip_server_tx_reply(tx, 200);
	if (inv->state == PROCEEDING) {
		if (inv->user.cancelled)
			inv->user.cancelled(inv->user.arg, inv, cancel);
		else
			sip_server_tx_reply(inv, 487);
	}
	obj_drop(inv);
}

/* 503 without a transaction. On datagrams only so many a second to one source, so
 * that refusing is no load of its own; what is not answered is repeated by its sender,
 * and by then there may be room. */
static void refuse_full(struct sip_stack *s, const struct sip_msg *msg)
{
	struct net_path path = sip_server_tx_path(msg, msg->via.has_rport);
	struct net_bytes *bytes = NULL;
	char room[2048];
	struct buf b;

	s->count.refused_full++;
	if (!net_is_stream(path.proto) && !sip_refusal_permitted(s, &path.peer))
		return;
	buf_init(&b, room, sizeof(room), 0);
	sip_write_response(&b, msg, 503, STR_NULL, STR("full"));
	buf_put(&b, STR("Retry-After: 10\r\n"));
	sip_write_body(&b, STR_NULL, STR_NULL);
	sip_stack_shorten(s, &b, 0, true);
	if (!buf_err(&b))
		bytes = net_bytes_new(buf_view(&b));
	if (bytes)
		sip_stack_send(s, &path, bytes);
	obj_drop(bytes);
	buf_free(&b);
}

void sip_server_tx_receive_new(struct sip_stack *s, struct sip_msg *msg)
{
	struct sip_server_tx *tx;

	if (stx_new(&tx, s, msg)) {
		refuse_full(s, msg);
		return;
	}
	obj_hold(tx);
	if (msg->fault) {
		if (s->prm.faulty)
			s->prm.faulty(s->prm.arg, msg);
		sip_server_tx_respond(tx, msg->fault, str_z(msg->fault_reason), STR_NULL, STR_NULL, STR_NULL);
	} else if (msg->method == SIP_CANCEL) {
		on_cancel(tx, msg);
	} else if (msg->to.tag.n && sip_dialog_receive(s, tx, msg)) {
		;
	} else if (is_merged(tx)) {
		s->count.merged++;
		sip_server_tx_reply(tx, 482);
	} else {
		s->prm.request(s->prm.arg, tx, msg);
	}
	obj_drop(tx);
}

/* A source that acknowledges no refusal has the oldest of them forgotten. */
static void add_unacked(struct sip_server_tx *tx)
{
	struct sip_source *src = tx->source;

	list_append(&src->refused, &tx->refused);
	if (++src->unacked > UNACKED_MAX)
		on_expire(container_of(src->refused.next, struct sip_server_tx, refused));
}

/* `rest`: of the answer, what is not copied from the request. */
static void enter_final(struct sip_server_tx *tx, unsigned status, struct str reason, struct str rest)
{
	struct wheel *w = tx->stack->prm.wheel;
	uint32_t t1 = tx->stack->t1;

	unmap_merge(tx);
	settle_account(tx);
	tx->interval_ms = t1;
	if (!tx->invite) {
		tx->state = COMPLETED;
		if (!tx->reliable)      /* timer J is 0 there */
			sip_finished_add(tx, reason, rest);
		forget_tx(tx);
	} else {
		/* RFC 6026 7.1; the repetition of a 2xx is 13.3.1.4's, on any transport */
		tx->state = status < 300 ? ACCEPTED : COMPLETED;
		if (status < 300 || !tx->reliable)
			timer_start(w, &tx->retransmit, t1, on_retransmit, tx);
		timer_start(w, &tx->expire, 64 * t1, on_expire, tx);
		if (status >= 300)
			add_unacked(tx);
	}
	/* What repeats is the answer; the request is not looked at again. */
	if (tx->state != ACCEPTED)
		tx->req = obj_drop(tx->req);
}

static struct net_bytes *encode_response(struct sip_server_tx *tx, unsigned status, struct str reason,
					 struct str headers, struct str body_type, struct str body, size_t *rest_at)
{
	char room[4096];
	struct net_bytes *bytes = NULL;
	struct buf b;

	buf_init(&b, room, sizeof(room), 0);
	sip_write_response(&b, tx->req, status, reason,
			   status == 100 ? STR_NULL : str_z(tx->to_tag));
	sip_stack_shorten(tx->stack, &b, 0, true);
	*rest_at = b.n;
	buf_put(&b, headers);
	sip_write_body(&b, body_type, body);
	sip_stack_shorten(tx->stack, &b, *rest_at, true);
	if (!buf_err(&b))
		bytes = net_bytes_new(buf_view(&b));
	buf_free(&b);
	return bytes;
}

int sip_server_tx_respond(struct sip_server_tx *tx, unsigned status, struct str reason, struct str headers,
		    struct str body_type, struct str body)
{
	struct net_bytes *bytes;
	size_t rest_at;
	int err;

	if (tx->state != PROCEEDING || !tx->req)
		return EALREADY;
	bytes = encode_response(tx, status, reason, headers, body_type, body, &rest_at);
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
		enter_final(tx, status, reason, str_skip(str_mk(bytes->p, bytes->n), rest_at));
	obj_drop(tx);
	return 0;
}

int sip_server_tx_respond_stateless(struct sip_server_tx *tx, unsigned status, struct str headers)
{
	struct net_bytes *bytes;
	size_t rest_at;

	if (tx->state != PROCEEDING || !tx->req)
		return EALREADY;
	bytes = encode_response(tx, status, STR_NULL, headers, STR_NULL, STR_NULL, &rest_at);
	if (!bytes)
		return ENOMEM;
	tx->status = status;
	sip_stack_send(tx->stack, &tx->path, bytes);
	obj_drop(bytes);
	forget_tx(tx);
	return 0;
}

int sip_server_tx_reply(struct sip_server_tx *tx, unsigned status)
{
	const struct sip_stack_prm *prm = &tx->stack->prm;
	struct str headers = prm->headers ? prm->headers(prm->arg) : STR_NULL;

	return sip_server_tx_respond(tx, status, STR_NULL, headers, STR_NULL, STR_NULL);
}

void sip_server_tx_acked(struct sip_server_tx *tx)
{
	if (tx->state != ACCEPTED)
		return;
	obj_hold(tx);
	sip_finished_add(tx, STR_NULL, STR_NULL);       /* timer L absorbs what is repeated */
	forget_tx(tx);
	tx->req = obj_drop(tx->req);
	tx->last = obj_drop(tx->last);
	user_ended(tx, true);
	obj_drop(tx);
}
