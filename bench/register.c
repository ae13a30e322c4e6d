/* Registrations: each one REGISTER, 401, REGISTER with digest (MD5, qop=auth),
 * 200. A user keeps its Call-ID and counts its CSeq up, as RFC 3261 10.2 asks. */
#include "stream.h"
#include <openssl/evp.h>
#include <stdlib.h>

#define HEX 32
#define OPENING 64              /* connections that shake hands at a time, before anything is measured */

enum step { IDLE, CHALLENGE_DUE, OK_DUE };

struct user {
	struct tx tx;
	uint64_t began;
	uint32_t cseq;
	enum step step;
	bool ha1_known;
	char ha1[HEX];
};

struct registrar_load {
	struct load *l;
	struct tally tally;
	struct pace pace;
	struct user *users;
	uint64_t inflight;
	uint32_t next;
	EVP_MD *md5;
	EVP_MD_CTX *ctx;
	FILE *contacts;
	struct streams *streams;        /* NULL: datagrams */
	uint32_t opened;                /* users whose connection was begun */
	struct pace arrivals;
	bool arriving;
};

struct challenge {
	struct str realm, nonce, opaque;
	bool qop;
};

static void begin_user(struct registrar_load *r, uint32_t i);

static void on_up(void *arg, uint32_t user)
{
	begin_user(arg, user);
}

static void on_message(void *arg, struct str message)
{
	struct msg m;

	if (msg_scan(&m, message) && m.status && m.call_id.p[0] == 'r')
		register_answer(arg, &m);
}

/* Users beyond those that are there from the start. */
static uint32_t all_users(const struct load *l)
{
	return l->opt.users + (uint32_t)(l->opt.arrivals * (l->opt.seconds + l->opt.warmup + 1));
}

struct registrar_load *register_new(struct load *l)
{
	struct registrar_load *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->l = l;
	r->users = calloc(all_users(l), sizeof(*r->users));
	r->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	r->ctx = EVP_MD_CTX_new();
	if (l->opt.contacts)
		r->contacts = fopen(l->opt.contacts, "we");
	if (l->opt.carrier != CARRIER_UDP)
		r->streams = streams_new(l, all_users(l), on_up, on_message, r);
	if (!r->users || !r->md5 || !r->ctx || (l->opt.contacts && !r->contacts) ||
	    (l->opt.carrier != CARRIER_UDP && !r->streams)) {
		perror("register");
		register_free(r);
		return NULL;
	}
	return r;
}

void register_free(struct registrar_load *r)
{
	if (!r)
		return;
	if (r->contacts)
		fclose(r->contacts);
	streams_free(r->streams);
	EVP_MD_CTX_free(r->ctx);
	EVP_MD_free(r->md5);
	free(r->users);
	free(r);
}

uint64_t register_inflight(const struct registrar_load *r)
{
	return r->inflight;
}

struct tally *register_tally(struct registrar_load *r)
{
	return &r->tally;
}

static void md5_hex(struct registrar_load *r, const struct buf *in, char out[HEX])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	struct buf b;

	EVP_DigestInit_ex2(r->ctx, r->md5, NULL);
	EVP_DigestUpdate(r->ctx, in->p, in->n);
	EVP_DigestFinal_ex(r->ctx, hash, NULL);
	buf_init(&b, out, HEX, HEX);
	buf_hex(&b, hash, HEX / 2);
}

static void put_name(struct registrar_load *r, struct buf *b, uint32_t index)
{
	buf_put(b, r->l->opt.user_prefix);
	buf_u64(b, r->l->opt.first + index);
}

static const struct { struct str via, parameter; } transports[] = {
	[CARRIER_UDP] = { STR_INIT("UDP"), STR_INIT("udp") }, [CARRIER_TCP] = { STR_INIT("TCP"), STR_INIT("tcp") },
	[CARRIER_TLS] = { STR_INIT("TLS"), STR_INIT("tls") }, [CARRIER_WS] = { STR_INIT("WS"), STR_INIT("ws") },
	[CARRIER_WSS] = { STR_INIT("WSS"), STR_INIT("ws") },
};

static void put_contact(struct registrar_load *r, struct buf *b, uint32_t index)
{
	buf_put(b, STR("sip:"));
	put_name(r, b, index);
	if (r->l->opt.tag.n)
		buf_puts(b, STR("-"), r->l->opt.tag);
	buf_puts(b, STR("@"), r->l->opt.local_text, STR(":"));
	buf_u64(b, r->l->uac.port);
	if (r->streams)
		buf_puts(b, STR(";transport="), transports[r->l->opt.carrier].parameter);
}

static void put_authorization(struct registrar_load *r, struct buf *b, uint32_t index, const struct challenge *c)
{
	struct user *u = &r->users[index];
	char space[512], ha2[HEX], response[HEX];
	struct str cnonce = STR("0a4f113b");
	struct buf s;

	buf_init(&s, space, sizeof(space), sizeof(space));
	if (!u->ha1_known) {
		put_name(r, &s, index);
		buf_puts(&s, STR(":"), c->realm, STR(":"), r->l->opt.password_prefix);
		buf_u64(&s, r->l->opt.first + index);
		md5_hex(r, &s, u->ha1);
		u->ha1_known = true;
	}
	buf_reset(&s);
	buf_puts(&s, STR("REGISTER:sip:"), r->l->opt.domain);
	md5_hex(r, &s, ha2);
	buf_reset(&s);
	buf_puts(&s, str_mk(u->ha1, HEX), STR(":"), c->nonce, STR(":"));
	if (c->qop)
		buf_puts(&s, STR("00000001:"), cnonce, STR(":auth:"));
	buf_put(&s, str_mk(ha2, HEX));
	md5_hex(r, &s, response);

	buf_put(b, STR("Authorization: Digest username=\""));
	put_name(r, b, index);
	buf_puts(b, STR("\",realm=\""), c->realm, STR("\",nonce=\""), c->nonce, STR("\",uri=\"sip:"),
		r->l->opt.domain, STR("\",response=\""), str_mk(response, HEX), STR("\",algorithm=MD5"));
	if (c->qop)
		buf_puts(b, STR(",qop=auth,nc=00000001,cnonce=\""), cnonce, STR("\""));
	if (c->opaque.n)
		buf_puts(b, STR(",opaque=\""), c->opaque, STR("\""));
	buf_put(b, STR("\r\n"));
}

static void send_register(struct registrar_load *r, uint32_t index, const struct challenge *c)
{
	struct user *u = &r->users[index];
	char space[WIRE_MESSAGE];
	struct str domain = r->l->opt.domain;
	struct buf b;

	u->cseq++;
	buf_init(&b, space, sizeof(space), sizeof(space));
	buf_puts(&b, STR("REGISTER sip:"), domain, STR(" SIP/2.0\r\nVia: SIP/2.0/"),
		transports[r->l->opt.carrier].via, STR(" "), r->l->opt.local_text, STR(":"));
	buf_u64(&b, r->l->uac.port);
	buf_put(&b, STR(";rport;branch=z9hG4bKr"));
	put_hex32(&b, index);
	put_hex32(&b, u->cseq);
	put_hex32(&b, r->l->run_id);
	buf_put(&b, STR("\r\nMax-Forwards: 70\r\nFrom: <sip:"));
	put_name(r, &b, index);
	buf_puts(&b, STR("@"), domain, STR(">;tag="));
	put_hex32(&b, u->cseq);
	buf_put(&b, STR("\r\nTo: <sip:"));
	put_name(r, &b, index);
	buf_puts(&b, STR("@"), domain, STR(">\r\nCall-ID: r"));
	put_hex32(&b, index);
	put_hex32(&b, r->l->run_id);
	buf_put(&b, STR("@load\r\nCSeq: "));
	buf_u64(&b, u->cseq);
	buf_put(&b, STR(" REGISTER\r\nContact: <"));
	put_contact(r, &b, index);
	buf_put(&b, STR(">\r\nExpires: 3600\r\n"));
	if (c)
		put_authorization(r, &b, index, c);
	buf_put(&b, STR("Content-Length: 0\r\n\r\n"));
	tx_start(&r->l->timers_uac, &u->tx, buf_view(&b), r->l->now);
	if (!r->streams) {
		sock_send(&r->l->uac, &r->l->opt.server, buf_view(&b));
		return;
	}
	tx_quiet(&r->l->timers_uac, &u->tx, r->l->now);      /* TCP sends it again (RFC 3261 17.1.2.2) */
	stream_send(r->streams, index, buf_view(&b));
}

static void begin_user(struct registrar_load *r, uint32_t i)
{
	struct user *u = &r->users[i];

	u->step = CHALLENGE_DUE;
	u->began = r->l->now;
	r->inflight++;
	r->tally.started++;
	send_register(r, i, NULL);
}

static bool begin(struct registrar_load *r)
{
	for (uint32_t tries = 0; tries < r->l->opt.users; tries++) {
		uint32_t i = r->next;
		const struct user *u = &r->users[i];

		r->next = (i + 1) % r->l->opt.users;
		if (u->step != IDLE || (r->streams && !stream_is_open(r->streams, i)))
			continue;
		begin_user(r, i);
		return true;
	}
	return false;
}

/* Before the measurement all users open their connections, and register as each is open. */
static void open_more(struct registrar_load *r)
{
	uint64_t due = r->arriving ? pace_due(&r->arrivals, r->l, r->l->opt.arrivals, 0) : 0;

	while (r->opened < r->l->opt.users && streams_opening(r->streams) < OPENING)
		stream_open(r->streams, r->opened++);
	for (; due && r->opened < all_users(r->l); due--)
		stream_open(r->streams, r->opened++);
}

bool register_ready(const struct registrar_load *r)
{
	return !r->streams || r->tally.done + r->tally.failed + streams_lost(r->streams) >= r->l->opt.users;
}

void register_mark(struct registrar_load *r)
{
	memset(&r->tally.delay, 0, sizeof(r->tally.delay));
	if (r->streams)
		streams_mark(r->streams);
}

uint64_t register_lost(const struct registrar_load *r)
{
	return r->streams ? streams_lost(r->streams) : 0;
}

bool register_owns(const struct registrar_load *r, const void *data)
{
	return r && streams_own(r->streams, data);
}

void register_read(struct registrar_load *r, void *data)
{
	streams_ready(r->streams, data);
}

void register_report(const struct registrar_load *r, FILE *out)
{
	if (r->streams)
		streams_report(r->streams, out);
}

void register_tick(struct registrar_load *r)
{
	uint64_t due;

	if (r->streams && !r->l->stopping)
		open_more(r);
	if (!r->arriving && !register_ready(r))
		return;
	r->arriving = r->l->opt.arrivals > 0;
	due = pace_due(&r->pace, r->l, r->l->opt.rate, r->inflight);
	for (; due && (!r->l->opt.count || r->tally.started < r->l->opt.count); due--) {
		if (!begin(r)) {
			r->tally.busy += due;
			break;
		}
	}
}

/* The MD5 challenge among those offered; false when there is none. */
static bool choose(const struct msg *m, struct challenge *c)
{
	for (size_t i = 0; i < m->auths; i++) {
		struct str rest = str_skip(m->auth[i], 7), algorithm = STR("MD5");

		if (!str_istarts(m->auth[i], STR("Digest ")))
			continue;
		*c = (struct challenge){ 0 };
		while (rest.n) {
			struct str value = str_trim(str_cut(&rest, ',')), name = str_trim(str_cut(&value, '='));

			value = str_unquote(str_trim(value));
			if (str_ieq(name, STR("realm")))
				c->realm = value;
			else if (str_ieq(name, STR("nonce")))
				c->nonce = value;
			else if (str_ieq(name, STR("opaque")))
				c->opaque = value;
			else if (str_ieq(name, STR("qop")))
				c->qop = str_ifind(value, STR("auth")) < value.n;
			else if (str_ieq(name, STR("algorithm")))
				algorithm = value;
		}
		if (c->nonce.n && str_ieq(algorithm, STR("MD5")))
			return true;
	}
	return false;
}

static void finish(struct registrar_load *r, struct user *u, bool ok)
{
	tx_stop(&u->tx);
	u->step = IDLE;
	r->inflight--;
	if (!ok) {
		r->tally.failed++;
		return;
	}
	r->tally.done++;
	hist_add(&r->tally.delay, r->l->now - u->began);
	if (r->contacts) {
		char space[256];
		struct buf b;

		buf_init(&b, space, sizeof(space), sizeof(space));
		put_name(r, &b, (uint32_t)(u - r->users));
		buf_char(&b, ' ');
		put_contact(r, &b, (uint32_t)(u - r->users));
		buf_char(&b, '\n');
		fwrite(b.p, 1, b.n, r->contacts);
	}
}

void register_answer(struct registrar_load *r, const struct msg *m)
{
	struct challenge c;
	struct user *u;
	uint32_t i;

	if (!msg_call_id_hex(m, 1, &i) || i >= all_users(r->l))
		return;
	u = &r->users[i];
	if (u->step == IDLE || msg_cseq(m) != u->cseq || m->status < 200)
		return;
	if (u->step == CHALLENGE_DUE && (m->status == 401 || m->status == 407) && choose(m, &c)) {
		u->step = OK_DUE;
		send_register(r, i, &c);
		return;
	}
	/* A server that answers the first one 200 asked for no password: that is
	 * not the work to be measured. */
	if (m->status != 200 || u->step != OK_DUE)
		tally_status(&r->tally, m->status);
	finish(r, u, m->status == 200 && u->step == OK_DUE);
}

bool register_timeout(struct registrar_load *r, struct tx *tx)
{
	uintptr_t at = (uintptr_t)tx, base = (uintptr_t)r->users;

	if (at < base || at >= base + all_users(r->l) * sizeof(*r->users))
		return false;
	finish(r, container_of(tx, struct user, tx), false);
	return true;
}
