/* DTLS handshakes of calls (RFC 5763, 5764), as a browser does them: an offer of either
 * role, a certificate that it signed itself, SRTP keys agreed by use_srtp. */
#include "secure.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#define TIMER_NS 50000000ull            /* how often DTLS's own timers are looked at */

struct dtls_leg {
	int fd;
	bool busy;                      /* the handshake is under way */
	SSL *ssl;
	uint64_t began;
};

struct dtls_load {
	struct load *l;
	SSL_CTX *ctx;
	char fingerprint[3 * EVP_MAX_MD_SIZE];
	struct dtls_leg *leg;
	uint32_t legs;
	uint64_t next_look, done, failed;
	struct hist delay;              /* from the answer to the keys */
	dtls_done_fn *fn;
	void *arg;
};

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;

	if (x && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) && X509_gmtime_adj(X509_getm_notAfter(x), 86400) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"load", -1, -1, 0) &&
	    X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) && X509_sign(x, key, EVP_sha256()))
		return x;
	X509_free(x);
	return NULL;
}

static void write_fingerprint(struct dtls_load *d, const X509 *x)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	X509_digest(x, EVP_sha256(), hash, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(d->fingerprint + 3 * i, 4, i + 1 < n ? "%02X:" : "%02X", hash[i]);
}

/* Whose certificate it is would be seen by its fingerprint; that is not what is measured. */
static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static bool make_context(struct dtls_load *d)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? make_certificate(key) : NULL;
	bool ok = false;

	d->ctx = SSL_CTX_new(DTLS_method());
	if (x && d->ctx) {
		write_fingerprint(d, x);
		SSL_CTX_set_verify(d->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
		ok = SSL_CTX_use_certificate(d->ctx, x) == 1 && SSL_CTX_use_PrivateKey(d->ctx, key) == 1 &&
		     SSL_CTX_set_tlsext_use_srtp(d->ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0;
	}
	X509_free(x);
	EVP_PKEY_free(key);
	return ok;
}

struct dtls_load *dtls_load_new(struct load *l, uint32_t calls, dtls_done_fn *done, void *arg)
{
	struct dtls_load *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->l = l;
	d->fn = done;
	d->arg = arg;
	d->leg = calloc(calls, sizeof(*d->leg));
	d->legs = d->leg ? calls : 0;
	for (uint32_t i = 0; i < d->legs; i++)
		d->leg[i].fd = -1;
	if (d->leg && make_context(d))
		return d;
	fprintf(stderr, "load: no context for DTLS\n");
	dtls_load_free(d);
	return NULL;
}

void dtls_load_free(struct dtls_load *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->legs; i++)
		dtls_close(d, i);
	SSL_CTX_free(d->ctx);
	free(d->leg);
	free(d);
}

uint16_t dtls_open(struct dtls_load *d, uint32_t call)
{
	struct dtls_leg *g = &d->leg[call];
	uint16_t port = 0;

	dtls_close(d, call);
	g->fd = wire_udp(d->l->opt.local, &port, 1 << 16);
	if (g->fd < 0)
		return 0;
	load_watch(d->l, g->fd, g);
	return port;
}

void dtls_close(struct dtls_load *d, uint32_t call)
{
	struct dtls_leg *g = &d->leg[call];

	SSL_free(g->ssl);
	if (g->fd >= 0)
		close(g->fd);
	*g = (struct dtls_leg){ .fd = -1 };
}

void dtls_put_lines(const struct dtls_load *d, struct buf *b)
{
	buf_puts(b, STR("a=rtcp-mux\r\na=setup:actpass\r\na=fingerprint:sha-256 "), str_z(d->fingerprint), STR("\r\n"));
}

static void step(struct dtls_load *d, struct dtls_leg *g)
{
	int ret;

	ERR_clear_error();
	ret = SSL_do_handshake(g->ssl);
	if (ret == 1) {
		g->busy = false;
		if (!SSL_get_selected_srtp_profile(g->ssl)) {
			d->failed++;
			return;
		}
		d->done++;
		hist_add(&d->delay, wire_now() - g->began);
		d->fn(d->arg, (uint32_t)(g - d->leg));
	} else if (SSL_get_error(g->ssl, ret) != SSL_ERROR_WANT_READ) {
		g->busy = false;
		d->failed++;
	}
}

bool dtls_begin(struct dtls_load *d, uint32_t call, const struct msg *m)
{
	struct dtls_leg *g = &d->leg[call];
	bool active = str_find(m->body, STR("a=setup:active")) < m->body.n;
	struct sockaddr_in peer;
	BIO *bio;

	if (!active && str_find(m->body, STR("a=setup:passive")) == m->body.n)
		return false;
	if (!msg_media(m, &peer) || connect(g->fd, (struct sockaddr *)&peer, sizeof(peer)))
		return false;
	g->ssl = SSL_new(d->ctx);
	bio = g->ssl ? BIO_new_dgram(g->fd, BIO_NOCLOSE) : NULL;
	if (!bio)
		return false;
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer);
	SSL_set_bio(g->ssl, bio, bio);
	if (active)
		SSL_set_accept_state(g->ssl);
	else
		SSL_set_connect_state(g->ssl);
	g->began = wire_now();
	g->busy = true;
	step(d, g);
	return true;
}

bool dtls_owns(const struct dtls_load *d, const void *data)
{
	return d && (uintptr_t)data >= (uintptr_t)d->leg && (uintptr_t)data < (uintptr_t)(d->leg + d->legs);
}

void dtls_read(struct dtls_load *d, void *data)
{
	struct dtls_leg *g = data;
	char drop[2048];

	/* A ClientHello may be here before the answer that says where it comes from: it waits. */
	if (g->busy)
		step(d, g);
	else if (g->ssl)
		while (recv(g->fd, drop, sizeof(drop), MSG_DONTWAIT) > 0)
			;
}

void dtls_tick(struct dtls_load *d)
{
	if (d->l->now < d->next_look)
		return;
	d->next_look = d->l->now + TIMER_NS;
	for (uint32_t i = 0; i < d->legs; i++)
		if (d->leg[i].busy && DTLSv1_handle_timeout(d->leg[i].ssl) > 0)
			step(d, &d->leg[i]);
}

void dtls_mark(struct dtls_load *d)
{
	memset(&d->delay, 0, sizeof(d->delay));
}

void dtls_report(const struct dtls_load *d, FILE *out)
{
	fprintf(out, "  \"dtls\": {\n    \"done\": %llu, \"failed\": %llu,\n", (unsigned long long)d->done,
		(unsigned long long)d->failed);
	report_hist(out, "delay_us", &d->delay);
	fprintf(out, "\n  },\n");
}
