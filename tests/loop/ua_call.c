/* Two user agents facing each other, for tests of calls: the network of one wire, and users
 * that do what the test says. */
#include "ua_call.h"
#include "service/common/hash_openssl.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* ---- the network ----------------------------------------------------------------------- */

static int route(void *arg, struct net_path *path, struct str transport, const struct ua_target *to)
{
	const struct party *p = arg;

	(void)transport;
	*path = (struct net_path){ .transport = 1, .proto = to->proto, .local = p->node->addr, .peer = to->peer };
	return 0;
}

static int reach(void *arg, struct str transport, struct ua_reach *out)
{
	(void)arg;
	(void)transport;
	out->can_v4[NET_UDP] = true;
	return 0;
}

static bool usable(void *arg, const struct net_path *path)
{
	(void)arg;
	(void)path;
	return true;
}

static const struct ua_ways ways = { route, reach, usable };

/* ---- a user ------------------------------------------------------------------------------- */

static int write_word(struct party *p, const char *word, struct buf *b)
{
	if (p->fail)
		return p->fail;
	if (!word)
		return ENODATA;
	buf_put(b, str_z(word));
	return buf_err(b);
}

static int offer_make(void *arg, struct buf *b)
{
	struct party *p = arg;

	return write_word(p, p->offer, b);
}

static int answer_make(void *arg, struct buf *b)
{
	struct party *p = arg;

	return write_word(p, p->answer, b);
}

static unsigned offer_came(void *arg, struct str body)
{
	struct party *p = arg;

	p->offers++;
	str_copy(p->heard, sizeof(p->heard), body);
	return p->refuse_offer;
}

static unsigned answer_came(void *arg, struct str body)
{
	struct party *p = arg;

	p->answers++;
	str_copy(p->heard, sizeof(p->heard), body);
	return p->refuse_answer;
}

static void exchange_failed(void *arg)
{
	((struct party *)arg)->failed++;
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct party *p = arg;

	(void)rq;
	(void)path;
	o->contact = sip_out_dup(o, STR("<sip:alice@192.0.2.1:5060>"));
	if (!ua_invite_dialog(p->iv))
		o->from = STR("<sip:alice@192.0.2.1>");
	return 0;
}

static void headers(void *arg, enum ua_invite_message kind, unsigned status, struct buf *b)
{
	static const char *const names[] = { "request", "refresh", "response" };

	(void)arg;
	buf_printf(b, "X-Kind: %s %u\r\n", names[kind], status);
}

static void progress(void *arg, struct sip_msg *msg)
{
	struct party *p = arg;

	p->progress++;
	p->progress_status = msg->status;
}

static void answered(void *arg, struct sip_msg *msg)
{
	(void)msg;
	((struct party *)arg)->answered++;
}

static void acked(void *arg)
{
	((struct party *)arg)->acked++;
}

static void changed(void *arg, struct sip_msg *msg, bool offer)
{
	(void)msg;
	(void)offer;
	((struct party *)arg)->changed++;
}

static void refreshed(void *arg, const struct sip_msg *msg)
{
	struct party *p = arg;

	p->refreshed++;
	p->refreshed_status = msg ? msg->status : 0;
}

static void request(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct party *p = arg;

	p->requests++;
	p->method = msg->method;
	ua_invite_reply(p->iv, tx, 200, STR_NULL);
}

static void refer(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct party *p = arg;

	p->refers++;
	obj_drop(p->tx);
	obj_drop(p->msg);
	p->tx = obj_hold(tx);
	p->msg = obj_hold(msg);
}

static void ended(void *arg, enum ua_end why, struct sip_msg *msg, int err)
{
	struct party *p = arg;

	p->ended++;
	p->why = why;
	p->err = err;
	p->end_status = msg ? msg->status : 0;
	if (p->end_at_once)
		call_end(p);
}

static const struct ua_invite_user user = { .offer_make = offer_make, .answer_make = answer_make,
	.offer_came = offer_came, .answer_came = answer_came, .exchange_failed = exchange_failed, .prepare = prepare,
	.headers = headers, .progress = progress, .answered = answered, .acked = acked, .changed = changed,
	.refreshed = refreshed, .request = request, .refer = refer, .ended = ended };

void call_refer_told(void *arg, unsigned status)
{
	struct party *p = arg;

	p->refer_told++;
	p->refer_status = status;
}

void call_done(void *arg, const struct sip_msg *final)
{
	struct party *p = arg;

	p->done++;
	p->done_status = final ? final->status : 0;
}

/* ---- both -------------------------------------------------------------------------------------- */

static void party_init(struct call_net *n, struct party *p, struct node *node, const char *offer, const char *answer)
{
	*p = (struct party){ .node = node, .offer = offer, .answer = answer };
	p->prm = (struct ua_invite_prm){ .body_type = STR("text/word"), .allow = STR("Allow: INVITE, ACK, BYE\r\n"),
		.supported = STR("timer, replaces"), .server = STR("Tester"), .user_agent = STR("Tester"), .max_forwards = 70,
		.rel100 = UA_REL100_SUPPORTED, .timers = UA_TIMERS_NO, .timers_expires_s = 1800, .timers_min_s = 90,
		.follow_forks = true, .user = &user, .arg = p };
	ua_init(&p->ua, node->sip, n->digest, &ways, p, NULL);
}

void call_open(struct call_net *n)
{
	*n = (struct call_net){ .objects = obj_live() };
	link_init(&n->l, NET_UDP);
	n->digest = GOT(digest_openssl_new(&n->l.clock.c));
	party_init(n, &n->a, &n->l.a, "offer-a", "answer-a");
	party_init(n, &n->b, &n->l.b, "offer-b", "answer-b");
}

void call_end(struct party *p)
{
	if (p->iv)
		ua_invite_end(p->iv, STR_NULL);
	p->iv = obj_drop(p->iv);
	p->tx = obj_drop(p->tx);
	p->msg = obj_drop(p->msg);
}

int call_close(struct call_net *n)
{
	call_end(&n->a);
	call_end(&n->b);
	link_run(&n->l, 70000);         /* what waits for an answer has given up */
	assert_true(list_empty(&n->a.ua.invites) && list_empty(&n->b.ua.invites));
	assert_true(list_empty(&n->a.ua.requests) && list_empty(&n->b.ua.requests));
	link_free(&n->l);
	obj_drop(n->digest);
	return obj_live() != n->objects;
}

void call_invite(struct call_net *n)
{
	struct sip_out *o = GOT(sip_out_new(SIP_INVITE));

	o->ruri = STR("sip:bob@192.0.2.2");
	o->to = STR("<sip:bob@192.0.2.2>");
	o->cseq = 1;
	assert_int_equal(ua_invite_new(&n->a.iv, &n->a.ua, &n->a.prm), 0);
	assert_int_equal(ua_invite_call(n->a.iv, o, NULL), 0);
	obj_drop(o);
	link_run(&n->l, 5);
}

unsigned call_take(struct call_net *n)
{
	struct node *b = &n->l.b;
	char room[256];
	struct buf extra;
	unsigned status;

	assert_true(b->tx && b->tx->req);       /* one that waits for its answer, not the one before */
	buf_init(&extra, room, sizeof(room), sizeof(room));
	assert_int_equal(ua_invite_new(&n->b.iv, &n->b.ua, &n->b.prm), 0);
	status = ua_invite_take(n->b.iv, b->tx, b->msg, STR("<sip:bob@192.0.2.2:5060>"), STR("192.0.2.2:5060"), &extra);
	if (status)
		ua_invite_reply(n->b.iv, b->tx, status, buf_view(&extra));
	link_run(&n->l, 5);
	return status;
}

void call_up(struct call_net *n)
{
	call_invite(n);
	assert_int_equal(call_take(n), 0);
	assert_int_equal(ua_invite_answer(n->b.iv), 0);
	link_run(&n->l, 5);
	assert_int_equal(ua_invite_state(n->a.iv), UA_INVITE_UP);
	assert_int_equal(ua_invite_state(n->b.iv), UA_INVITE_UP);
	assert_int_equal(n->a.answered, 1);
	assert_int_equal(n->b.acked, 1);
}
