/* Two SIP engines and a wire between them that loses and delays. */
#include "sip_link.h"
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

struct flight {
	struct timer timer;
	struct node *to;
	struct net_path path;
	struct str bytes;
};

static struct node *other(struct node *n)
{
	return n == &n->link->a ? &n->link->b : &n->link->a;
}

static void deliver(struct node *to, struct str bytes, const struct sa *from)
{
	/* An exact heap block, so that the sanitizer sees the first byte too many. */
	char *copy = malloc(bytes.n);
	struct sip_msg *msg;

	memcpy(copy, bytes.p, bytes.n);
	if (sip_msg_parse(&msg, str_mk(copy, bytes.n), to->proto == NET_UDP) == 0) {
		msg->from_path = (struct net_path){ .transport = 1, .proto = to->proto, .local = to->addr,
			.peer = *from, .conn = to->proto == NET_UDP ? 0 : 7 };
		sip_stack_recv(to->sip, msg);
	}
	free(copy);
}

static void arrive(void *arg)
{
	struct flight *f = arg;

	deliver(f->to, f->bytes, &f->path.peer);
	free((char *)(size_t)f->bytes.p);
	free(f);
}

static int send_bytes(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	struct node *n = arg;
	struct flight *f;

	n->sent++;
	n->said_to = path->peer;
	str_copy(n->said, sizeof(n->said), str_mk(bytes->p, bytes->n));
	if (n->lose) {
		n->lose--;
		return 0;
	}
	if (n->lose_every && n->sent % n->lose_every == 0)
		return 0;
	if (n->lose_all && str_starts(str_mk(bytes->p, bytes->n), str_z(n->lose_all)))
		return 0;
	f = calloc(1, sizeof(*f));
	f->to = other(n);
	f->path.peer = n->addr;
	f->bytes = str_mk(str_dup(str_mk(bytes->p, bytes->n)), bytes->n);
	timer_start(n->link->wheel, &f->timer, n->link->delay_ms, arrive, f);
	return 0;
}

static void on_cancelled(void *arg, struct sip_server_tx *tx, struct sip_msg *cancel)
{
	struct node *n = arg;

	(void)cancel;
	n->cancels++;
	sip_server_tx_reply(tx, 487);
}

static void on_ended(void *arg, struct sip_server_tx *tx, bool acked)
{
	struct node *n = arg;

	(void)tx;
	n->acked += acked;
	n->unacked += !acked;
}

static void on_request(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct node *n = arg;

	if (n->handle) {
		n->handle(n, tx, msg);
		return;
	}
	n->requests++;
	obj_drop(n->tx);
	obj_drop(n->msg);
	n->tx = obj_hold(tx);
	n->msg = obj_hold(msg);
	sip_server_tx_attach(tx, &(struct sip_server_tx_user){ .arg = n, .cancelled = on_cancelled, .ended = on_ended });
}

static void on_response(void *arg, struct sip_client_tx *tx, struct sip_msg *msg)
{
	struct node *n = arg;

	(void)tx;
	n->responses++;
	n->last_status = msg->status;
	obj_drop(n->last);
	n->last = obj_hold(msg);
}

static void on_failed(void *arg, struct sip_client_tx *tx, int err)
{
	struct node *n = arg;

	(void)tx;
	n->failures++;
	n->last_err = err;
}

static void node_init(struct link *l, struct node *n, const char *addr, enum net_proto proto,
		      const struct sip_stack_prm *limits)
{
	struct sip_stack_prm prm = *limits;

	prm.wheel = l->wheel;
	prm.arg = n;
	prm.send = send_bytes;
	prm.request = on_request;
	*n = (struct node){ .link = l, .proto = proto };
	sa_parse(&n->addr, str_z(addr));
	assert_int_equal(sip_stack_new(&n->sip, &prm), 0);
}

void link_init_limits(struct link *l, enum net_proto proto, const struct sip_stack_prm *limits)
{
	*l = (struct link){ .delay_ms = 1 };
	clock_fake_init(&l->clock, 1700000000);
	l->wheel = GOT(wheel_new(&l->clock.c));
	node_init(l, &l->a, "192.0.2.1:5060", proto, &(struct sip_stack_prm){ 0 });
	node_init(l, &l->b, "192.0.2.2:5060", proto, limits);
}

void link_init(struct link *l, enum net_proto proto)
{
	link_init_limits(l, proto, &(struct sip_stack_prm){ 0 });
}

static void node_free(struct node *n)
{
	obj_drop(n->tx);
	obj_drop(n->msg);
	obj_drop(n->last);
	sip_stack_free(n->sip);
}

void link_free(struct link *l)
{
	/* What still flies lands first, so that it is freed. */
	link_run(l, l->delay_ms + 1);
	node_free(&l->a);
	node_free(&l->b);
	wheel_free(l->wheel);
}

void link_run(struct link *l, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		clock_fake_add(&l->clock, 1000);
		wheel_run(l->wheel);
	}
}

struct sip_out *link_out(struct node *n, enum sip_method m)
{
	struct sip_out *o = GOT(sip_out_new(m));

	o->ruri = STR("sip:b@192.0.2.2");
	o->from = STR("<sip:a@192.0.2.1>;tag=from1");
	o->to = STR("<sip:b@192.0.2.2>");
	o->call_id = STR("call-1");
	o->cseq = 1;
	o->contact = STR("<sip:a@192.0.2.1:5060>");
	(void)n;
	return o;
}

struct sip_client_tx *link_send(struct node *n, struct sip_out *o)
{
	struct sip_client_tx_user user = { .arg = n, .response = on_response, .failed = on_failed };
	struct net_path path = { .transport = 1, .proto = n->proto, .local = n->addr, .peer = other(n)->addr };
	struct sip_client_tx *tx = NULL;

	assert_int_equal(sip_client_tx_send(n->sip, o, &path, &user, &tx), 0);
	obj_drop(o);
	return tx;
}

void link_inject(struct node *n, const char *text)
{
	deliver(n, str_z(text), &other(n)->addr);
}

void link_inject_from(struct node *n, const char *peer, const char *text)
{
	struct sa from;

	if (sa_parse(&from, str_z(peer)))
		abort();
	deliver(n, str_z(text), &from);
}
