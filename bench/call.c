/* Calls: this process is the caller and the callee. The caller sends INVITE,
 * ACK and, after the hold time, BYE; the callee answers 180 and 200 at once and
 * sends the 200 again until it is acknowledged (RFC 3261 13.3.1.4). */
#include "secure.h"
#include "base/hash.h"
#include <stdlib.h>

enum step { FREE, INVITED, UP, LEAVING };

struct call {
	struct tx tx;
	struct list link;               /* in free, or in held while UP */
	uint64_t began, up_at;
	uint32_t generation;
	enum step step;
	bool rang;
	char to[256], target[256];      /* the To with its tag, the remote Contact */
};

/* A leg that the server opened towards the callee. */
struct leg {
	struct tx tx;                   /* the 200 until its ACK */
	struct list link;               /* in spare */
	size_t key_n;
	uint32_t index;
	uint32_t crypto_tag;            /* of the line that we took from the last offer */
	char key[160];                  /* Call-ID */
};

struct call_load {
	struct load *l;
	struct rtp_load *rtp;
	struct dtls_load *dtls;         /* of the callers; NULL: none */
	struct tally tally;             /* delay: INVITE to 200 */
	struct hist ring, bye;
	struct pace pace;
	struct call *calls;
	struct list free, held, spare;
	struct map *legs;
	struct leg *leg;
	uint64_t inflight, up;
	uint64_t answered, byes, repeats, unacked, cancelled;
	uint16_t quiet_port;            /* media of calls without media goes here, unread */
	int quiet_fd;
	uint64_t max_up;
	bool leaving;
};

static void hang_up(struct call_load *c, struct call *k);

static void on_keys(void *arg, uint32_t call)
{
	struct call_load *c = arg;

	if (c->calls[call].step == UP)
		hang_up(c, &c->calls[call]);
}

struct call_load *call_new(struct load *l, struct rtp_load *rtp)
{
	struct call_load *c = calloc(1, sizeof(*c));
	uint32_t n = l->opt.calls;

	if (!c)
		return NULL;
	c->l = l;
	c->rtp = rtp;
	c->quiet_fd = wire_udp(l->opt.local, &c->quiet_port, 4096);
	c->calls = calloc(n, sizeof(*c->calls));
	c->leg = calloc(n, sizeof(*c->leg));
	c->legs = map_new(false);
	list_init(&c->free);
	list_init(&c->held);
	list_init(&c->spare);
	if (l->opt.dtls)
		c->dtls = dtls_load_new(l, n, on_keys, c);
	if (c->quiet_fd < 0 || !c->calls || !c->leg || !c->legs || (l->opt.dtls && !c->dtls)) {
		perror("call");
		call_free(c);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		c->leg[i].index = i;
		list_append(&c->free, &c->calls[i].link);
		list_append(&c->spare, &c->leg[i].link);
	}
	return c;
}

void call_free(struct call_load *c)
{
	if (!c)
		return;
	dtls_load_free(c->dtls);
	map_free(c->legs);
	free(c->leg);
	free(c->calls);
	free(c);
}

uint64_t call_inflight(const struct call_load *c)
{
	return c->inflight;
}

uint64_t call_legs(const struct call_load *c)
{
	return map_count(c->legs);
}

uint64_t call_up(const struct call_load *c)
{
	return c->up;
}

struct tally *call_tally(struct call_load *c)
{
	return &c->tally;
}

void call_report(const struct call_load *c, FILE *out)
{
	fprintf(out, "    \"answered\": %llu, \"byes_at_callee\": %llu, \"repeats_from_server\": %llu,\n"
		"    \"unacknowledged\": %llu, \"cancelled\": %llu, \"max_up\": %llu,\n",
		(unsigned long long)c->answered, (unsigned long long)c->byes, (unsigned long long)c->repeats,
		(unsigned long long)c->unacked, (unsigned long long)c->cancelled, (unsigned long long)c->max_up);
	report_hist(out, "ring_us", &c->ring);
	fprintf(out, ",\n");
	report_hist(out, "bye_us", &c->bye);
	fprintf(out, ",\n");
	if (c->dtls)
		dtls_report(c->dtls, out);
}

bool call_owns(const struct call_load *c, const void *data)
{
	return c && dtls_owns(c->dtls, data);
}

void call_read(struct call_load *c, void *data)
{
	dtls_read(c->dtls, data);
}

void call_mark(struct call_load *c)
{
	memset(&c->tally.delay, 0, sizeof(c->tally.delay));
	if (c->dtls)
		dtls_mark(c->dtls);
}

/* --- the caller --------------------------------------------------------- */

/* `tag`: of the line a=crypto. A callee is in the clear when its caller does DTLS. */
static void put_sdp(const struct call_load *c, struct buf *b, uint32_t leg, uint16_t port, uint32_t tag)
{
	const struct options *o = &c->l->opt;
	bool dtls = c->dtls && !(leg & 1), sdes = c->rtp && o->srtp;
	char space[768];
	struct buf s;

	buf_init(&s, space, sizeof(space), sizeof(space));
	buf_puts(&s, STR("v=0\r\no=- 1 1 IN IP4 "), o->local_text, STR("\r\ns=-\r\nc=IN IP4 "), o->local_text,
		STR("\r\nt=0 0\r\nm=audio "));
	buf_u64(&s, port);
	buf_puts(&s, dtls ? STR(" UDP/TLS/RTP/SAVP") : sdes ? STR(" RTP/SAVP") : STR(" RTP/AVP"),
		STR(" 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"));
	if (dtls)
		dtls_put_lines(c->dtls, &s);
	else if (sdes)
		srtp_put_line(&s, tag, (enum srtp_suite)o->srtp, rtp_master(c->rtp, leg));
	buf_put(b, STR("Content-Type: application/sdp\r\nContent-Length: "));
	buf_u64(b, s.n);
	buf_puts(b, STR("\r\n\r\n"), buf_view(&s));
}

static uint16_t media_port(const struct call_load *c, uint32_t leg)
{
	return c->rtp ? rtp_port(c->rtp, leg) : c->quiet_port;
}

/* Where the peer's SDP wants the leg's packets, and under which key it sends its own. */
static void take_sdp(struct call_load *c, uint32_t leg, const struct msg *m, uint32_t *tag)
{
	uint8_t master[SRTP_MASTER];
	struct sockaddr_in media;

	if (!c->rtp || !msg_media(m, &media))
		return;
	if (c->l->opt.srtp && (!srtp_find_line(m, (enum srtp_suite)c->l->opt.srtp, tag, master) ||
			       !rtp_peer_master(c->rtp, leg, master)))
		return;
	rtp_peer(c->rtp, leg, &media);
}

static void put_request(const struct call_load *c, struct buf *b, const struct call *k, struct str method, uint32_t cseq)
{
	const struct options *o = &c->l->opt;
	uint32_t slot = (uint32_t)(k - c->calls);
	struct str branch = method.p[0] == 'A' ? STR("a") : method.p[0] == 'B' ? STR("b") : STR("i");

	buf_puts(b, method, STR(" "));
	if (k->target[0])
		buf_put(b, str_z(k->target));
	else
		buf_puts(b, STR("sip:"), o->exten, STR("@"), o->domain);
	buf_puts(b, STR(" SIP/2.0\r\nVia: SIP/2.0/UDP "), o->local_text, STR(":"));
	buf_u64(b, c->l->uac.port);
	buf_puts(b, STR(";rport;branch=z9hG4bK"), branch);
	put_hex32(b, slot);
	put_hex32(b, k->generation);
	put_hex32(b, c->l->run_id);
	buf_puts(b, STR("\r\nMax-Forwards: 70\r\nFrom: <sip:"), o->caller, STR("@"), o->domain, STR(">;tag="));
	put_hex32(b, k->generation);
	buf_put(b, STR("\r\nTo: "));
	if (k->to[0])
		buf_put(b, str_z(k->to));
	else
		buf_puts(b, STR("<sip:"), o->exten, STR("@"), o->domain, STR(">"));
	buf_put(b, STR("\r\nCall-ID: c"));
	put_hex32(b, slot);
	put_hex32(b, k->generation);
	put_hex32(b, c->l->run_id);
	buf_put(b, STR("@load\r\nCSeq: "));
	buf_u64(b, cseq);
	buf_puts(b, STR(" "), method, STR("\r\nContact: <sip:"), o->caller, STR("@"), o->local_text, STR(":"));
	buf_u64(b, c->l->uac.port);
	buf_put(b, STR(">\r\n"));
}

static void send_request(struct call_load *c, struct call *k, struct str method, uint32_t cseq)
{
	uint32_t slot = (uint32_t)(k - c->calls);
	char space[WIRE_MESSAGE];
	struct buf b;

	buf_init(&b, space, sizeof(space), sizeof(space));
	put_request(c, &b, k, method, cseq);
	if (method.p[0] == 'I')
		put_sdp(c, &b, 2 * slot, c->dtls ? dtls_open(c->dtls, slot) : media_port(c, 2 * slot), 1);
	else
		buf_put(&b, STR("Content-Length: 0\r\n\r\n"));
	if (method.p[0] != 'A')
		tx_start(&c->l->timers_uac, &k->tx, buf_view(&b), c->l->now);
	sock_send(&c->l->uac, &c->l->opt.server, buf_view(&b));
}

static bool begin(struct call_load *c)
{
	struct call *k;

	if (list_empty(&c->free))
		return false;
	k = container_of(c->free.next, struct call, link);
	list_remove(&k->link);
	k->generation++;
	k->step = INVITED;
	k->rang = false;
	k->to[0] = k->target[0] = 0;
	k->began = c->l->now;
	c->inflight++;
	c->tally.started++;
	send_request(c, k, STR("INVITE"), 1);
	return true;
}

static void finish(struct call_load *c, struct call *k, bool ok)
{
	tx_stop(&k->tx);
	list_remove(&k->link);
	if (c->dtls)
		dtls_close(c->dtls, (uint32_t)(k - c->calls));
	if (k->step == UP || k->step == LEAVING)
		c->up--;
	k->step = FREE;
	list_append(&c->free, &k->link);
	c->inflight--;
	if (ok)
		c->tally.done++;
	else
		c->tally.failed++;
}

static void hang_up(struct call_load *c, struct call *k)
{
	list_remove(&k->link);
	k->step = LEAVING;
	k->up_at = c->l->now;
	send_request(c, k, STR("BYE"), 2);
}

void call_tick(struct call_load *c)
{
	uint64_t hold = (uint64_t)c->l->opt.hold_ms * 1000000u, due;

	if (c->dtls)
		dtls_tick(c->dtls);
	/* Media calls stay up until they are told; all others hold equally long,
	 * so the list is in the order of its ends. */
	while ((!c->rtp || c->leaving) && !list_empty(&c->held)) {
		struct call *k = container_of(c->held.next, struct call, link);

		if (!c->leaving && k->up_at + hold > c->l->now)
			break;
		hang_up(c, k);
	}
	due = pace_due(&c->pace, c->l, c->l->opt.call_rate, c->inflight);
	for (; due && (!c->l->opt.count || c->tally.started < c->l->opt.count); due--) {
		if (!begin(c)) {
			c->tally.busy += due;
			break;
		}
	}
}

void call_hang_up_all(struct call_load *c)
{
	c->leaving = true;
}

static void answered(struct call_load *c, struct call *k, const struct msg *m)
{
	uint32_t slot = (uint32_t)(k - c->calls), tag;

	tx_stop(&k->tx);
	str_copy(k->to, sizeof(k->to), m->to);
	str_copy(k->target, sizeof(k->target), msg_contact_uri(m));
	k->step = UP;
	k->up_at = c->l->now;
	if (++c->up > c->max_up)
		c->max_up = c->up;
	hist_add(&c->tally.delay, c->l->now - k->began);
	take_sdp(c, 2 * slot, m, &tag);
	send_request(c, k, STR("ACK"), 1);
	/* With a handshake it is held until that is done: on_keys(). */
	if (!c->dtls)
		list_append(&c->held, &k->link);
	else if (!dtls_begin(c->dtls, slot, m))
		finish(c, k, false);
}

static void refused(struct call_load *c, struct call *k, const struct msg *m)
{
	char space[WIRE_MESSAGE];
	struct buf b;

	/* Same branch, To with its tag (RFC 3261 17.1.1.3). */
	buf_init(&b, space, sizeof(space), sizeof(space));
	buf_puts(&b, STR("ACK sip:"), c->l->opt.exten, STR("@"), c->l->opt.domain, STR(" SIP/2.0\r\nVia: "), m->via[0],
		STR("\r\nMax-Forwards: 70\r\nFrom: "), m->from, STR("\r\nTo: "), m->to, STR("\r\nCall-ID: "), m->call_id,
		STR("\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"));
	sock_send(&c->l->uac, &c->l->opt.server, buf_view(&b));
	if (k->step != INVITED)
		return;
	tally_status(&c->tally, m->status);
	finish(c, k, false);
}

static void invite_answer(struct call_load *c, struct call *k, const struct msg *m)
{
	if (m->status < 200) {
		if (k->step != INVITED)
			return;
		if (m->status > 100 && !k->rang) {
			k->rang = true;
			hist_add(&c->ring, c->l->now - k->began);
		}
		tx_quiet(&c->l->timers_uac, &k->tx, c->l->now);
	} else if (m->status >= 300) {
		refused(c, k, m);
	} else if (k->step == INVITED) {
		answered(c, k, m);
	} else {
		c->repeats++;
		send_request(c, k, STR("ACK"), 1);
	}
}

void call_answer(struct call_load *c, const struct msg *m)
{
	uint32_t slot, generation;
	struct call *k;

	if (!msg_call_id_hex(m, 1, &slot) || !msg_call_id_hex(m, 9, &generation) || slot >= c->l->opt.calls)
		return;
	k = &c->calls[slot];
	if (k->generation != generation || k->step == FREE)
		return;
	if (msg_cseq_is(m, STR("INVITE"))) {
		invite_answer(c, k, m);
	} else if (k->step == LEAVING && m->status >= 200) {
		if (m->status >= 300)
			tally_status(&c->tally, m->status);
		else
			hist_add(&c->bye, c->l->now - k->up_at);
		finish(c, k, m->status < 300);
	}
}

bool call_timeout(struct call_load *c, struct tx *tx)
{
	uintptr_t at = (uintptr_t)tx, base = (uintptr_t)c->calls;

	if (at < base || at >= base + c->l->opt.calls * sizeof(*c->calls))
		return false;
	finish(c, container_of(tx, struct call, tx), false);
	return true;
}

/* --- the callee --------------------------------------------------------- */

static void drop_leg(struct call_load *c, struct leg *g)
{
	tx_stop(&g->tx);
	map_del(c->legs, str_mk(g->key, g->key_n));
	list_append(&c->spare, &g->link);
}

static void answer(struct call_load *c, const struct sockaddr_in *to, const struct msg *m, struct str status)
{
	char space[WIRE_MESSAGE];
	struct buf b;

	buf_init(&b, space, sizeof(space), sizeof(space));
	put_answer(&b, status, m, STR("callee"));
	buf_put(&b, STR("Content-Length: 0\r\n\r\n"));
	sock_send(&c->l->uas, to, buf_view(&b));
}

static void answer_invite(struct call_load *c, const struct sockaddr_in *from, const struct msg *m, struct leg *g,
	bool ring)
{
	char space[WIRE_MESSAGE], contact[64];
	struct buf b, uri;

	buf_init(&uri, contact, sizeof(contact), sizeof(contact));
	buf_puts(&uri, STR("Contact: <sip:callee@"), c->l->opt.local_text, STR(":"));
	buf_u64(&uri, c->l->uas.port);
	buf_put(&uri, STR(">\r\n"));
	buf_init(&b, space, sizeof(space), sizeof(space));
	if (ring) {
		put_answer(&b, STR("180 Ringing"), m, STR("callee"));
		buf_puts(&b, buf_view(&uri), STR("Content-Length: 0\r\n\r\n"));
		sock_send(&c->l->uas, from, buf_view(&b));
		buf_reset(&b);
	}
	put_answer(&b, STR("200 OK"), m, STR("callee"));
	buf_put(&b, buf_view(&uri));
	put_sdp(c, &b, 2 * g->index + 1, media_port(c, 2 * g->index + 1), g->crypto_tag);
	tx_start(&c->l->timers_uas, &g->tx, buf_view(&b), c->l->now);
	sock_send(&c->l->uas, from, buf_view(&b));
}

static void on_invite(struct call_load *c, const struct sockaddr_in *from, const struct msg *m, struct leg *g)
{
	if (g) {
		bool again = str_ifind(m->to, STR(";tag=")) < m->to.n;

		take_sdp(c, 2 * g->index + 1, m, &g->crypto_tag);
		/* A re-INVITE is answered anew, a repeated INVITE with what was said. */
		if (again)
			answer_invite(c, from, m, g, false);
		else
			sock_send(&c->l->uas, from, str_mk(g->tx.msg, g->tx.n));
		c->repeats += !again;
		return;
	}
	if (list_empty(&c->spare) || m->call_id.n > sizeof(g->key)) {
		answer(c, from, m, STR("486 Busy Here"));
		return;
	}
	g = container_of(c->spare.next, struct leg, link);
	list_remove(&g->link);
	g->key_n = m->call_id.n;
	memcpy(g->key, m->call_id.p, g->key_n);
	if (map_add(c->legs, str_mk(g->key, g->key_n), g)) {
		list_append(&c->spare, &g->link);
		return;
	}
	c->answered++;
	take_sdp(c, 2 * g->index + 1, m, &g->crypto_tag);
	answer_invite(c, from, m, g, true);
}

void call_request(struct call_load *c, const struct sockaddr_in *from, const struct msg *m)
{
	struct leg *g = map_get(c->legs, m->call_id);

	if (str_eq(m->method, STR("INVITE"))) {
		on_invite(c, from, m, g);
		return;
	}
	if (str_eq(m->method, STR("ACK"))) {
		if (g)
			tx_stop(&g->tx);
		return;
	}
	if (str_eq(m->method, STR("BYE"))) {
		if (g) {
			c->byes++;
			drop_leg(c, g);
		} else {
			c->repeats++;
		}
	} else if (str_eq(m->method, STR("CANCEL"))) {
		c->cancelled++;
	}
	answer(c, from, m, STR("200 OK"));
}

void call_uas_timeout(struct call_load *c, struct tx *tx)
{
	c->unacked++;
	drop_leg(c, container_of(tx, struct leg, tx));
}
