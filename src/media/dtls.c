/* media/dtls.c -- DTLS associations of wires: who may begin one, the handshake step by
 * step, keys at its end. Certificates and ciphers are dtls_identity.c's. */
#include "media/dtls_int.h"
#include "media/srtp.h"
#include "media/thread.h"
#include "media/trace.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>
#include "base/poison.h"

enum { RECORD = 13 /* RFC 6347 section 4.1: its header */, FIRST_US = 200000, LAST_US = 3200000, LOOK_US = 10000 };

struct waiting {                /* a datagram that the thread has not looked at */
	struct sa from;
	uint16_t n;
	uint8_t b[WIRE_DATAGRAM];
};

struct dtls {                   /* obj */
	struct dtls_identity *identity; /* held */
	struct dtls_prm prm;
	enum dtls_state state;
	bool active;            /* we begin */
	bool done;              /* a handshake was finished in this step */
	bool wrong;             /* the certificate was refused in this step */
	struct wire *w;         /* view; NULL: on no thread */
	struct ticker ticker;   /* in w->t->tickers, with w */
	SSL *ssl;               /* owned */
	struct sa to;           /* with whom the handshake is */
	uint64_t began_us;      /* it did */
	uint64_t rekey_us;      /* when new keys are due; 0: never */
	/* BIO: the datagram that OpenSSL may read */
	const uint8_t *in;
	size_t in_n;
	bool peek;              /* reading leaves it there */
	size_t nqueue;
	struct waiting queue[DTLS_QUEUE];
};

static size_t on_tick(struct ticker *k);

/* ---- BIO: one read or write is one datagram */

static int bio_read(BIO *b, char *p, int n)
{
	struct dtls *d = BIO_get_data(b);
	int got;

	BIO_clear_retry_flags(b);
	if (!d->in || n <= 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	got = d->in_n < (size_t)n ? (int)d->in_n : n;
	memcpy(p, d->in, (size_t)got);
	if (!d->peek)
		d->in = NULL;
	return got;
}

/* What the network does not take is lost, as on the network. */
static int bio_write(BIO *b, const char *p, int n)
{
	struct dtls *d = BIO_get_data(b);

	if (n > 0 && d->w && d->w->t && sa_is_set(&d->to))
		d->prm.owner->send(d->w, d->prm.rtcp, &d->to, (const uint8_t *)p, (size_t)n);
	return n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct dtls *d = BIO_get_data(b);

	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_SET_PEEK_MODE:
		d->peek = num != 0;
		return 1;
	default:
		return 0;
	}
}

BIO_METHOD *dtls_bio_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

	if (!m)
		return NULL;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

/* ---- callbacks of OpenSSL */

/* Only who receives at an address can know the cookie for it (RFC 6347 section 4.2.1). */
static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *n)
{
	const struct dtls *d = SSL_get_app_data(ssl);
	unsigned len = 0;
	char text[SA_TEXT];

	sa_text(&d->to, text);
	if (!HMAC(EVP_sha256(), d->identity->secret, sizeof(d->identity->secret), (const unsigned char *)text, strlen(text),
		  cookie, &len))
		return 0;
	*n = len;
	return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int n)
{
	unsigned char ours[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return make_cookie(ssl, ours, &len) && n == len && !CRYPTO_memcmp(ours, cookie, n);
}

/* Before the handshake may finish, and so before any key: is it the peer of the SDP? */
static int check_peer(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dtls *d = SSL_get_app_data(ssl);
	const struct crypto_fingerprint *want = &d->prm.fingerprint;
	enum dtls_verify verify = d->identity->verify;
	struct crypto_fingerprint got;
	X509 *cert = X509_STORE_CTX_get0_cert(ctx);

	(void)arg;
	if (verify == DTLS_CHECK_FINGERPRINT || verify == DTLS_CHECK_BOTH)
		d->wrong = !cert || !dtls_fingerprint_of(&got, (enum crypto_hash)want->hash, cert) ||
			   !crypto_fingerprint_eq(&got, want);
	if (!d->wrong && (verify == DTLS_CHECK_CHAIN || verify == DTLS_CHECK_BOTH)) {
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

		/* In a call either side is server: what the certificate is for does not matter. */
		X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_ANY);
		d->wrong = X509_verify_cert(ctx) != 1;
	}
	if (d->wrong)
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return !d->wrong;
}

static void on_info(const SSL *ssl, int where, int value)
{
	struct dtls *d = SSL_get_app_data(ssl);

	(void)value;
	if (where & SSL_CB_HANDSHAKE_DONE)
		d->done = true;
}

/* RFC 6347 section 4.2.4.1 begins at a second and lets real-time media begin earlier. */
static unsigned int retransmit_us(SSL *ssl, unsigned int was)
{
	(void)ssl;
	return !was ? FIRST_US : was >= LAST_US / 2 ? LAST_US : 2 * was;
}

void dtls_set_callbacks(struct dtls_identity *d)
{
	SSL_CTX_set_cookie_generate_cb(d->ctx, make_cookie);
	SSL_CTX_set_cookie_verify_cb(d->ctx, check_cookie);
	SSL_CTX_set_cert_verify_callback(d->ctx, check_peer, NULL);
	SSL_CTX_set_info_callback(d->ctx, on_info);
	SSL_CTX_set_verify(d->ctx, d->verify == DTLS_CHECK_NOTHING ? SSL_VERIFY_NONE :
			   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* ---- life */

static void dtls_free(void *arg)
{
	struct dtls *d = arg;

	SSL_free(d->ssl);
	obj_drop(d->identity);
}

/* An SSL that knows of no handshake. */
static bool start_anew(struct dtls *d)
{
	SSL *ssl = SSL_new(d->identity->ctx);
	BIO *b = ssl ? BIO_new(d->identity->bio) : NULL;

	if (!b) {
		SSL_free(ssl);
		return false;
	}
	BIO_set_data(b, d);
	BIO_set_init(b, 1);
	SSL_set_bio(ssl, b, b);
	SSL_set_app_data(ssl, d);
	SSL_set_mtu(ssl, d->prm.mtu);
	DTLS_set_timer_cb(ssl, retransmit_us);
	if (d->active)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	SSL_free(d->ssl);
	d->ssl = ssl;
	d->in = NULL;
	d->peek = d->done = d->wrong = false;
	return true;
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
	if (!start_anew(d)) {
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

/* ---- the end of a handshake */

static void tell(struct dtls *d, int err)
{
	d->prm.owner->tell(d->w, d->prm.rtcp, err, &d->to);
}

static void fail(struct dtls *d, int err)
{
	d->state = DTLS_FAILED;
	tell(d, d->wrong ? EACCES : err);
	ERR_clear_error();
}

static enum crypto_suite agreed_suite(SSL *ssl)
{
	const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(ssl);

	switch (p ? p->id : 0) {
	case SRTP_AES128_CM_SHA1_80:
		return CRYPTO_AES_CM_128_HMAC_SHA1_80;
	case SRTP_AES128_CM_SHA1_32:
		return CRYPTO_AES_CM_128_HMAC_SHA1_32;
	case SRTP_AEAD_AES_128_GCM:
		return CRYPTO_AEAD_AES_128_GCM;
	case SRTP_AEAD_AES_256_GCM:
		return CRYPTO_AEAD_AES_256_GCM;
	default:
		return CRYPTO_NONE;
	}
}

/* RFC 5764 section 4.2: both keys, then both salts, the client's first. */
static int take_keys(struct dtls *d)
{
	enum crypto_suite suite = agreed_suite(d->ssl);
	const struct crypto_suite_row *row = crypto_suite(suite);
	struct srtp_prm prm = { .tx.suite = (uint8_t)suite, .rx.suite = (uint8_t)suite, .replay = d->prm.replay };
	struct crypto_line *client = d->active ? &prm.tx : &prm.rx, *server = d->active ? &prm.rx : &prm.tx;
	uint8_t all[2 * CRYPTO_KEY_MAX];
	size_t n = 2 * crypto_key_bytes(suite);
	struct srtp *s = NULL;
	int err = EPROTO;

	if (suite != CRYPTO_NONE &&
	    SSL_export_keying_material(d->ssl, all, n, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) == 1) {
		memcpy(client->key, all, row->key);
		memcpy(server->key, all + row->key, row->key);
		memcpy(client->key + row->key, all + 2 * row->key, row->salt);
		memcpy(server->key + row->key, all + 2 * row->key + row->salt, row->salt);
		err = srtp_new(&s, &prm);
	}
	explicit_bzero(all, sizeof(all));
	explicit_bzero(&prm, sizeof(prm));
	if (!err)
		obj_drop(srtp_install(d->w, d->prm.rtcp, s));
	return err;
}

/* Both ends may have an interval: who is server waits a little longer, so that they do
 * not ask at the same time. */
static uint64_t next_rekey(const struct dtls *d)
{
	uint64_t every = num_us_of_ms(num_ms_of_s(d->identity->rekey_s));

	return every ? d->w->t->now_us + every + (d->active ? 0 : every / 4) : 0;
}

static void finish(struct dtls *d)
{
	int err = take_keys(d);

	d->done = false;
	if (err) {
		fail(d, err);
		return;
	}
	d->state = DTLS_UP;
	d->rekey_us = next_rekey(d);
	tell(d, 0);
}

/* ---- steps of it */

/* Whatever there is to do, until OpenSSL waits for a datagram or is done. */
static void run_ssl(struct dtls *d)
{
	uint8_t junk[256];
	int r, e;

	ERR_clear_error();
	r = d->state == DTLS_UP ? SSL_read(d->ssl, junk, sizeof(junk)) : SSL_do_handshake(d->ssl);
	e = r > 0 ? SSL_ERROR_NONE : SSL_get_error(d->ssl, r);
	d->in = NULL;
	if (d->done)
		finish(d);
	else if (e != SSL_ERROR_NONE && e != SSL_ERROR_WANT_READ && d->state == DTLS_SHAKING)
		fail(d, EPROTO);
	ERR_clear_error();
}

/* A record of epoch 0 that begins a ClientHello (RFC 6347 section 4.2.2). */
static bool is_hello(const struct waiting *q)
{
	return q->n > RECORD + 12 && q->b[0] == 22 && !q->b[3] && !q->b[4] && q->b[RECORD] == 1;
}

static bool is_stuck(const struct dtls *d)
{
	return d->state == DTLS_SHAKING && d->w->t->now_us - d->began_us >= DTLS_STUCK_US;
}

static void begin(struct dtls *d, const struct sa *to)
{
	d->to = *to;
	d->state = DTLS_SHAKING;
	d->began_us = d->w->t->now_us;
}

/* As server: somebody says hello. */
static void take_hello(struct dtls *d, const struct waiting *q)
{
	BIO_ADDR *nobody;

	/* From the state of a handshake that came to nothing no other can begin. */
	if (d->state != DTLS_WAITING && !start_anew(d))
		return;
	d->state = DTLS_WAITING;
	d->in = q->b;
	d->in_n = q->n;
	if (d->prm.owner->is_peer(d->w, d->prm.rtcp, &q->from)) {
		begin(d, &q->from);
		run_ssl(d);
		return;
	}
	nobody = BIO_ADDR_new();
	d->to = q->from;
	ERR_clear_error();
	/* 1: its cookie is right. Else OpenSSL has sent one, and knows nothing of it. */
	if (nobody && DTLSv1_listen(d->ssl, nobody) == 1) {
		begin(d, &q->from);
		run_ssl(d);
	}
	d->in = NULL;
	d->peek = false;
	BIO_ADDR_free(nobody);
	ERR_clear_error();
}

static void take_datagram(struct dtls *d, const struct waiting *q)
{
	const struct dtls_owner *o = d->prm.owner;
	/* The peer may have two addresses: that of the SDP and one that was learnt. */
	bool theirs = sa_eq(&q->from, &d->to) ||
		      (o->is_peer(d->w, d->prm.rtcp, &q->from) && o->is_peer(d->w, d->prm.rtcp, &d->to));

	if (d->state == DTLS_UP || (d->state == DTLS_SHAKING && (theirs || d->active))) {
		d->in = q->b;
		d->in_n = q->n;
		run_ssl(d);
	} else if (!d->active && is_hello(q)) {
		take_hello(d, q);
	}
}

/* As client: begin, or begin again after it came to nothing. */
static void call_peer(struct dtls *d)
{
	const struct sa *to = d->prm.rtcp ? &d->w->rtcp_dst : &d->w->dst;

	if (!sa_is_set(to) || !sa_port(to) || (d->state == DTLS_FAILED && !start_anew(d)))
		return;
	begin(d, to);
	run_ssl(d);
}

static void ask_new_keys(struct dtls *d)
{
	d->rekey_us = 0;
	ERR_clear_error();
	if (SSL_renegotiate(d->ssl) == 1)
		SSL_do_handshake(d->ssl);
	if (d->done)
		finish(d);
	ERR_clear_error();
}

/* When there is something to do by the clock. */
static uint64_t next_time(struct dtls *d)
{
	uint64_t now = d->w->t->now_us, at = UINT64_MAX;
	struct timeval left;

	if (d->nqueue)
		return now;
	if (d->active && d->state == DTLS_WAITING)
		return now + LOOK_US;
	if (d->active && d->state == DTLS_FAILED)
		return now + DTLS_STUCK_US;
	if (d->rekey_us)
		at = d->rekey_us;
	if (DTLSv1_get_timeout(d->ssl, &left) == 1) {
		uint64_t again = now + (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec + 1000;

		at = again < at ? again : at;
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

static void work(struct dtls *d)
{
	if (d->nqueue) {
		take_datagram(d, &d->queue[0]);
		d->nqueue--;
		memmove(&d->queue[0], &d->queue[1], d->nqueue * sizeof(d->queue[0]));
	} else if (d->active && (d->state == DTLS_WAITING || d->state == DTLS_FAILED)) {
		call_peer(d);
	} else if (d->rekey_us && d->w->t->now_us >= d->rekey_us) {
		ask_new_keys(d);
	} else if (DTLSv1_handle_timeout(d->ssl) < 0 && d->state == DTLS_SHAKING) {
		fail(d, ETIMEDOUT);
	}
}

static size_t on_tick(struct ticker *k)
{
	struct dtls *d = container_of(k, struct dtls, ticker);

	if (!may_work(d->w->t)) {
		k->next_us = d->w->t->now_us;
		return 0;
	}
	work(d);
	k->next_us = next_time(d);
	return 1;
}

/* ---- the step */

static bool may_speak(const struct dtls *d, const struct sa *from)
{
	if (d->prm.owner->is_peer(d->w, d->prm.rtcp, from) || (d->state != DTLS_WAITING && sa_eq(from, &d->to)))
		return true;
	if (d->active || d->state == DTLS_UP)
		return false;
	return d->state == DTLS_WAITING || d->state == DTLS_FAILED || is_stuck(d);
}

static enum wire_verdict on_recv(struct wire *w, uint8_t *p, size_t *n, const struct sa *from)
{
	struct dtls *d = w->dtls[w->at_rtcp];
	struct waiting *q;

	if (__builtin_expect(w->t->trace != NULL, 0))
		trace_raw(w->t, MEDIA_TRACE_DTLS, false, from, p, *n);
	if (!d || d->state == DTLS_HELD || *n <= RECORD || *n > WIRE_DATAGRAM || d->nqueue == DTLS_QUEUE || !may_speak(d, from))
		return WIRE_BAD;
	q = &d->queue[d->nqueue++];
	q->from = *from;
	q->n = (uint16_t)*n;
	memcpy(q->b, p, *n);
	wake_at(d, w->t->now_us);
	return WIRE_TAKEN;
}

const struct wire_step dtls_step = { .name = "dtls", .takes = WIRE_KIND(RTP_KIND_DTLS), .recv = on_recv };
