/* media/dtls.c -- DTLS associations of wires: who may begin one, several that shake hands at
 * once of whom one is the peer, keys at the end. A handshake's own steps are dtls_shake.c's,
 * cookies dtls_hello.c's, certificates and ciphers dtls_identity.c's. */
#include "media/dtls_int.h"
#include "media/srtp.h"
#include "media/thread.h"
#include "media/trace.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/err.h>
#include "base/poison.h"

enum { LOOK_US = 10000, OURS = 0 /* in d->shake: the peer's own, and the one that is up */ };

struct dtls {                   /* obj */
	struct dtls_identity *identity; /* held */
	struct dtls_prm prm;
	enum dtls_state state;
	bool active;            /* we begin */
	bool told_guest;        /* that one showed a wrong certificate */
	struct wire *w;         /* view; NULL: on no thread */
	struct ticker ticker;   /* in w->t->tickers, with w */
	uint64_t rekey_us;      /* when new keys are due; 0: never */
	/* Owned. [OURS] is always there, the others are guests': addresses that the SDP does
	 * not name, as behind a NAT. The first that finishes with the right certificate is
	 * the peer; nobody waits for another. NULL: free. */
	struct dtls_shake *shake[1 + DTLS_GUESTS];
	unsigned next;          /* whose datagram is looked at next */
};

static size_t on_tick(struct ticker *k);

static void write_to(void *arg, const struct sa *to, const uint8_t *p, size_t n)
{
	struct dtls *d = arg;

	if (d->w && d->w->t && sa_is_set(to))
		d->prm.owner->send(d->w, d->prm.rtcp, to, p, n);
}

/* ---- life */

static void dtls_free(void *arg)
{
	struct dtls *d = arg;

	for (size_t i = 0; i < ARRAY_LEN(d->shake); i++)
		dtls_shake_free(d->shake[i]);
	obj_drop(d->identity);
}

int dtls_new(struct dtls **out, const struct dtls_prm *prm)
{
	struct dtls *d = obj_new(sizeof(*d), dtls_free);

	if (!d)
		return ENOMEM;
	d->prm = *prm;
	if (!d->prm.mtu)
		d->prm.mtu = 1200;
	d->identity = obj_hold(prm->identity);
	d->active = prm->setup == SETUP_ACTIVE;
	d->state = prm->setup == SETUP_HOLDCONN ? DTLS_HELD : DTLS_WAITING;
	d->shake[OURS] = dtls_shake_new(d->identity, &d->prm, write_to, d);
	if (!d->shake[OURS] || !dtls_shake_anew(d->shake[OURS], d->active)) {
		obj_drop(d);
		return ENOMEM;
	}
	*out = d;
	return 0;
}

enum dtls_state dtls_state(const struct dtls *d) { return d->state; }

static void wake_at(struct dtls *d, uint64_t at)
{
	d->ticker.next_us = at;
	if (at < d->w->t->due_us)
		d->w->t->due_us = at;
}

static void arrive(struct dtls *d, struct wire *w)
{
	d->w = w;
	d->ticker = (struct ticker){ .tick = on_tick, .w = w, .next_us = UINT64_MAX };
	list_append(&w->t->tickers, &d->ticker.link);
	if (d->state != DTLS_HELD)
		wake_at(d, w->t->now_us);
}

void dtls_arrive(struct wire *w)
{
	for (int i = 0; i < 2; i++)
		if (w->dtls[i])
			arrive(w->dtls[i], w);
}

void dtls_leave(struct wire *w)
{
	for (int i = 0; i < 2; i++) {
		struct dtls *d = w->dtls[i];

		if (!d || !d->w)
			continue;
		list_remove(&d->ticker.link);
		d->w = NULL;
	}
}

/* ---- guests */

static void guest_leave(struct dtls *d, size_t i)
{
	dtls_shake_free(d->shake[i]);
	d->shake[i] = NULL;
}

static void guests_leave(struct dtls *d)
{
	for (size_t i = OURS + 1; i < ARRAY_LEN(d->shake); i++)
		guest_leave(d, i);
}

static struct dtls_shake *guest_at(const struct dtls *d, const struct sa *from)
{
	for (size_t i = OURS + 1; i < ARRAY_LEN(d->shake); i++)
		if (d->shake[i] && sa_eq(&d->shake[i]->to, from))
			return d->shake[i];
	return NULL;
}

/* Whoever has one address of an IPv6 /64 has them all. */
static bool is_neighbour(const struct sa *a, const struct sa *b)
{
	if (!sa_is_v6(a) || !sa_is_v6(b) || IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr))
		return sa_eq_host(a, b);
	return memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 8) == 0;
}

/* Which place a guest may have: a free one, or that of whoever has got no further for the longest
 * time. One host has only so many of them. 0: none. */
static size_t guest_place(const struct dtls *d, const struct sa *from)
{
	uint64_t now = d->w->t->now_us, oldest = now;
	size_t same = 0, of_same = 0, empty = 0, stuck = 0;

	for (size_t i = OURS + 1; i < ARRAY_LEN(d->shake); i++) {
		const struct dtls_shake *s = d->shake[i];
		bool late = s && now - s->moved_us >= DTLS_STUCK_US;

		if (!s)
			empty = i;
		if (late && s->moved_us < oldest) {
			oldest = s->moved_us;
			stuck = i;
		}
		if (s && is_neighbour(&s->to, from)) {
			same++;
			of_same = late ? i : of_same;
		}
	}
	return same >= DTLS_OF_A_HOST ? of_same : empty ? empty : stuck;
}

/* One who has shown where it receives. NULL: there is no place, or no memory. */
static struct dtls_shake *guest_enter(struct dtls *d, const struct sa *from)
{
	size_t i = guest_place(d, from);
	struct dtls_shake *s = i ? dtls_shake_new(d->identity, &d->prm, write_to, d) : NULL, *was;

	if (!s)
		return NULL;
	was = d->shake[i];
	s->to = *from;
	s->began_us = s->moved_us = d->w->t->now_us;
	/* Nobody holds a place for ever by taking it from himself. */
	if (was && is_neighbour(&was->to, from)) {
		s->began_us = was->began_us;
		s->moved_us = was->moved_us;
		s->at = was->at;
	}
	guest_leave(d, i);
	d->shake[i] = s;
	return s;
}

/* ---- the end of a handshake */

static void tell(struct dtls *d, int err, const struct sa *peer, bool guest)
{
	struct media_event e = { .type = MEDIA_SECURE, .err = err, .guest = guest, .peer = *peer };

	d->prm.owner->tell(d->w, d->prm.rtcp, &e);
}

static void fail(struct dtls *d, size_t i, int err)
{
	struct dtls_shake *s = d->shake[i];

	if (s->wrong)
		err = EACCES;
	if (i == OURS) {
		d->state = DTLS_FAILED;
		tell(d, err, &s->to, false);
	} else {
		/* Once: what a stranger does shall not fill anybody's log. */
		if (err == EACCES && !d->told_guest)
			tell(d, err, &s->to, true);
		d->told_guest = d->told_guest || err == EACCES;
		guest_leave(d, i);
	}
	ERR_clear_error();
}

/* Both ends may have an interval: who is server waits a little longer, so that they do
 * not ask at the same time. */
static uint64_t next_rekey(const struct dtls *d)
{
	uint64_t every = num_us_of_ms(num_ms_of_s(d->identity->rekey_s));

	return every ? d->w->t->now_us + every + (d->active ? 0 : every / 4) : 0;
}

static void finish(struct dtls *d, size_t i)
{
	struct dtls_shake *s = d->shake[i];
	struct srtp *keys = NULL;
	int err = dtls_shake_keys(&keys, s, d->active);

	s->done = false;
	if (err) {
		fail(d, i, err);
		return;
	}
	obj_drop(srtp_install(d->w, d->prm.rtcp, keys));
	d->shake[i] = d->shake[OURS];
	d->shake[OURS] = s;
	guests_leave(d);
	d->state = DTLS_UP;
	d->rekey_us = next_rekey(d);
	tell(d, 0, &s->to, false);
}

/* ---- steps of it */

/* Whatever there is to do, until OpenSSL waits for a datagram or is done. */
static void run_ssl(struct dtls *d, size_t i)
{
	struct dtls_shake *s = d->shake[i];
	bool up = i == OURS && d->state == DTLS_UP;
	uint8_t junk[256];
	int r, e;

	ERR_clear_error();
	r = up ? SSL_read(s->ssl, junk, sizeof(junk)) : SSL_do_handshake(s->ssl);
	e = r > 0 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, r);
	s->in = NULL;
	/* The states of a server are in the order in which it takes them. Who begins again has to come
	 * further than before. */
	if (SSL_get_state(s->ssl) > s->at) {
		s->moved_us = d->w->t->now_us;
		s->at = SSL_get_state(s->ssl);
	}
	if (s->done)
		finish(d, i);
	else if (e != SSL_ERROR_NONE && e != SSL_ERROR_WANT_READ && !up)
		fail(d, i, EPROTO);
	ERR_clear_error();
}

static void feed(struct dtls *d, size_t i, const struct dtls_datagram *q)
{
	d->shake[i]->heard = true;
	d->shake[i]->in = q->b;
	d->shake[i]->in_n = q->n;
	run_ssl(d, i);
}

static void begin(struct dtls *d, struct dtls_shake *s, const struct sa *to)
{
	s->to = *to;
	if (s == d->shake[OURS])
		d->state = DTLS_SHAKING;
}

/* As server: who said hello may begin. From the state of a handshake that came to nothing no
 * other can begin. */
static void take_hello(struct dtls *d, size_t i, const struct dtls_datagram *q)
{
	struct dtls_shake *s = d->shake[i];
	struct dtls_hello h;

	if (!dtls_hello_parse(&h, q->b, q->n))
		return;
	if (!dtls_shake_anew(s, false)) {
		/* no memory: its place is another's */
		if (i != OURS)
			guest_leave(d, i);
		return;
	}
	memcpy(s->random, h.random, sizeof(s->random));
	begin(d, s, &q->from);
	/* A pair that was checked has shown more than a cookie; what comes in fragments has none. */
	if (!d->w->ice && h.whole) {
		if (!dtls_shake_listen(s, q->b, q->n)) {
			fail(d, i, EPROTO);
			return;
		}
		s->proven = true;
	}
	feed(d, i, q);
}

/* Does a ClientHello begin another handshake than the one that is under way? Asked when it is looked
 * at: one that is sent again may have waited behind the first. */
static bool is_fresh(const struct dtls *d, size_t i, const struct dtls_datagram *q)
{
	const struct dtls_shake *s = d->shake[i];
	bool shaking = i == OURS ? d->state == DTLS_SHAKING : s->ssl != NULL;
	struct dtls_hello h;

	return q->hello && dtls_hello_parse(&h, q->b, q->n) &&
	       !(shaking && memcmp(s->random, h.random, sizeof(s->random)) == 0);
}

static void take_datagram(struct dtls *d, size_t i, const struct dtls_datagram *q)
{
	struct dtls_shake *s = d->shake[i];
	bool up = i == OURS && d->state == DTLS_UP;

	if (!up && is_fresh(d, i, q))
		take_hello(d, i, q);
	else if (s->ssl && (i != OURS || up || d->state == DTLS_SHAKING))
		feed(d, i, q);
}

/* As client: where the peer is; NULL: nobody knows yet. */
static const struct sa *peer_at(const struct dtls *d)
{
	const struct sa *to = d->prm.rtcp ? &d->w->rtcp_dst : &d->w->dst;

	return sa_is_set(to) && sa_port(to) ? to : NULL;
}

/* As client: begin, or begin again after it came to nothing. false: there was nothing to do. */
static bool call_peer(struct dtls *d)
{
	const struct sa *to = peer_at(d);

	if (!to || (d->state == DTLS_FAILED && !dtls_shake_anew(d->shake[OURS], true)))
		return false;
	d->shake[OURS]->heard = false;
	begin(d, d->shake[OURS], to);
	run_ssl(d, OURS);
	return true;
}

/* As client: what is sent again goes to where the peer is by now, as long as nobody has answered. */
static void follow_peer(struct dtls *d)
{
	const struct sa *to = peer_at(d);

	if (d->active && d->state == DTLS_SHAKING && !d->shake[OURS]->heard && !d->w->ice && to)
		d->shake[OURS]->to = *to;
}

static void ask_new_keys(struct dtls *d)
{
	struct dtls_shake *s = d->shake[OURS];

	d->rekey_us = 0;
	ERR_clear_error();
	if (SSL_renegotiate(s->ssl) == 1)
		SSL_do_handshake(s->ssl);
	if (s->done)
		finish(d, OURS);
	ERR_clear_error();
}

/* When a handshake has something to do: its queue, to send again, to be given up. */
static uint64_t shake_time(const struct dtls *d, const struct dtls_shake *s)
{
	uint64_t now = d->w->t->now_us, guests = d->w->t->dtls_guests_us;
	uint64_t at = s == d->shake[OURS] ? UINT64_MAX : s->began_us + DTLS_GUEST_US;
	struct timeval left;

	if (s->nqueue)
		return s == d->shake[OURS] || guests < now ? now : guests;
	if (s == d->shake[OURS] && d->state == DTLS_FAILED)
		return at;
	if (s->ssl && !s->stopped && DTLSv1_get_timeout(s->ssl, &left) == 1) {
		uint64_t again = now + (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec + 1000;

		at = again < at ? again : at;
	}
	return at;
}

/* When there is something to do by the clock. */
static uint64_t next_time(struct dtls *d)
{
	uint64_t now = d->w->t->now_us, at = d->rekey_us ? d->rekey_us : UINT64_MAX;

	if (d->active && d->state == DTLS_WAITING)
		at = now + LOOK_US;
	if (d->active && d->state == DTLS_FAILED)
		at = now + DTLS_AGAIN_US;
	for (size_t i = 0; i < ARRAY_LEN(d->shake); i++) {
		uint64_t t = d->shake[i] ? shake_time(d, d->shake[i]) : UINT64_MAX;

		at = t < at ? t : at;
	}
	return at;
}

/* How many more steps the thread has for handshakes in this turn. */
static bool may_work(struct mthread *t)
{
	uint64_t turn = atomic_load_explicit(&t->seen.turns, memory_order_relaxed);

	if (t->dtls_turn != turn)
		t->dtls_left = DTLS_TURN;
	t->dtls_turn = turn;
	if (!t->dtls_left)
		return false;
	t->dtls_left--;
	return true;
}

/* A guest's step costs what a peer's does, and there may be many guests: after each they all
 * rest for twice its time, so that a third of the thread's is what they can have. */
static void take_guests(struct dtls *d, size_t i, const struct dtls_datagram *q)
{
	struct mthread *t = d->w->t;
	uint64_t began = clock_us(t->prm.clock), now;

	take_datagram(d, i, q);
	now = clock_us(t->prm.clock);
	t->dtls_guests_us = now + 2 * (now - began);
}

/* Whose datagram is next: each in turn. false: none waits. */
static bool work_queue(struct dtls *d)
{
	for (size_t k = 0; k < ARRAY_LEN(d->shake); k++) {
		size_t i = (d->next + k) % ARRAY_LEN(d->shake);
		struct dtls_shake *s = d->shake[i];
		struct dtls_datagram q;

		if (!s || !s->nqueue || (i != OURS && d->w->t->now_us < d->w->t->dtls_guests_us))
			continue;
		/* A copy, because the handshake may be gone afterwards. */
		q = s->queue[0];
		s->nqueue--;
		memmove(&s->queue[0], &s->queue[1], s->nqueue * sizeof(s->queue[0]));
		d->next = (unsigned)(i + 1);
		if (i == OURS)
			take_datagram(d, i, &q);
		else
			take_guests(d, i, &q);
		return true;
	}
	return false;
}

/* false: no time had come. */
static bool work_timers(struct dtls *d)
{
	bool any = false;

	follow_peer(d);
	for (size_t i = 0; i < ARRAY_LEN(d->shake); i++) {
		struct dtls_shake *s = d->shake[i];
		long r;

		if (s && i != OURS && d->w->t->now_us >= s->began_us + DTLS_GUEST_US) {
			guest_leave(d, i);
			continue;
		}
		if (!s || !s->ssl || s->stopped)
			continue;
		ERR_clear_error();
		r = DTLSv1_handle_timeout(s->ssl);
		any = any || r != 0;
		if (r >= 0)
			continue;
		/* Its timer has run out for good, and would be due again at once. */
		s->stopped = true;
		/* New keys that were never agreed: the old ones stay. */
		if (i != OURS || d->state == DTLS_SHAKING)
			fail(d, i, ETIMEDOUT);
	}
	return any;
}

/* One step. false: there was nothing to do. */
static bool work(struct dtls *d)
{
	if (work_queue(d))
		return true;
	if (d->active && (d->state == DTLS_WAITING || d->state == DTLS_FAILED))
		return call_peer(d);
	if (!d->rekey_us || d->w->t->now_us < d->rekey_us)
		return work_timers(d);
	ask_new_keys(d);
	return true;
}

static size_t on_tick(struct ticker *k)
{
	struct dtls *d = container_of(k, struct dtls, ticker);

	struct mthread *t = d->w->t;
	bool did;

	if (!may_work(t)) {
		k->next_us = t->now_us;
		return 0;
	}
	did = work(d);
	/* Who only waits takes nobody's step away. */
	t->dtls_left += !did;
	k->next_us = next_time(d);
	return did;
}

/* ---- the step */

/* RFC 6347 section 4.2.1: who says hello is asked for a cookie, at once and without a trace,
 * unless ICE has checked where it is. Gives whose handshake the ClientHello is for; NULL:
 * nobody's, `*verdict` says what became of it. */
static struct dtls_shake *admit_hello(struct dtls *d, const struct dtls_hello *h, const uint8_t *p, size_t n,
				      const struct sa *from, enum wire_verdict *verdict)
{
	struct dtls_shake *ours = d->shake[OURS], *s;
	bool peer = d->prm.owner->is_peer(d->w, d->prm.rtcp, from);
	uint8_t ask[DTLS_ASK];

	*verdict = WIRE_BAD;
	/* OpenSSL takes no cookie out of fragments: only the peer's own address may send such, and
	 * only where nobody has shown to be there. */
	if (!d->w->ice && !h->whole)
		return peer && !(d->state == DTLS_SHAKING && ours->proven) ? ours : NULL;
	if (d->w->ice || dtls_cookie_is(d->identity, from, h->cookie, h->cookie_n)) {
		s = peer ? ours : guest_at(d, from);
		return s ? s : guest_enter(d, from);
	}
	if (dtls_ask_cookie(d->identity, from, p, n, ask)) {
		write_to(d, from, ask, sizeof(ask));
		*verdict = WIRE_TAKEN;
	}
	return NULL;
}

/* Not the beginning of one: for the handshake with that address. The peer may have two: that of
 * the SDP and one that was learnt. */
static struct dtls_shake *shake_with(const struct dtls *d, const struct sa *from)
{
	struct dtls_shake *ours = d->shake[OURS];

	if (d->prm.owner->is_peer(d->w, d->prm.rtcp, from) || (sa_is_set(&ours->to) && sa_eq(&ours->to, from)))
		return ours;
	return d->active || d->state == DTLS_UP ? NULL : guest_at(d, from);
}

static enum wire_verdict on_recv(struct wire *w, uint8_t *p, size_t *n, const struct sa *from)
{
	struct dtls *d = w->dtls[w->at_rtcp];
	enum wire_verdict verdict = WIRE_BAD;
	struct dtls_shake *s;
	struct dtls_hello h;
	bool hello;

	if (__builtin_expect(w->t->trace != NULL, 0))
		trace_raw(w->t, MEDIA_TRACE_DTLS, false, from, p, *n);
	if (!d || d->state == DTLS_HELD || *n > WIRE_DATAGRAM || !dtls_is_record(p, *n))
		return WIRE_BAD;
	hello = !d->active && d->state != DTLS_UP && dtls_hello_parse(&h, p, *n);
	s = hello ? admit_hello(d, &h, p, *n, from, &verdict) : shake_with(d, from);
	if (!s)
		return verdict;
	if (!dtls_shake_put(s, p, *n, from, hello))
		return WIRE_BAD;
	wake_at(d, w->t->now_us);
	return WIRE_TAKEN;
}

const struct wire_step dtls_step = { .name = "dtls", .takes = WIRE_KIND(RTP_KIND_DTLS), .recv = on_recv };
