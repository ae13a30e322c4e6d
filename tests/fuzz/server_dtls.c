/* DTLS of phones, by OpenSSL over memory, and SRTP with the keys that it gives or that SDP has. */
#include "server_secure.h"
#include "base/obj.h"
#include "media/srtp.h"
#include "server_hooks.h"
#include "server_media.h"
#include "server_wire.h"
#include "server_world.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

static SSL_CTX *ctx[SECURE_OWN];

static struct {
	uint8_t p[1600];        /* the last datagram of a phone */
	size_t n;
	int place;
	unsigned drop;          /* so many are lost on their way to the server */
} last;

static int take_any(int ok, X509_STORE_CTX *store)
{
	(void)ok, (void)store;
	return 1;
}

void dtls_once(void)
{
	if (srtp_setup())
		abort();
	for (unsigned i = 0; i < SECURE_OWN; i++) {
		ctx[i] = SSL_CTX_new(DTLS_method());
		if (!ctx[i] || SSL_CTX_use_certificate(ctx[i], secure_own(i)->cert) != 1 ||
		    SSL_CTX_use_PrivateKey(ctx[i], secure_own(i)->key) != 1 ||
		    SSL_CTX_set_tlsext_use_srtp(ctx[i], "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM"))
			abort();
		SSL_CTX_set_verify(ctx[i], SSL_VERIFY_PEER, take_any);
		SSL_CTX_set_options(ctx[i], SSL_OP_NO_QUERY_MTU);
	}
}

void dtls_end(struct secure_far *f)
{
	SSL_free(f->ssl);
	f->ssl = NULL;
}

void dtls_forget(void)
{
	memset(&last, 0, sizeof(last));
}

static void put(int place, const uint8_t *p, size_t n)
{
	if (n > sizeof(last.p))
		return;
	memcpy(last.p, p, n);
	last.n = n;
	last.place = place;
	if (last.drop)
		last.drop--;
	else
		secure_deliver(place, 0, p, n);
}

/* What it says, record by record. */
static void flush(int place, SSL *ssl)
{
	static uint8_t room[16384];
	int n = BIO_read(SSL_get_wbio(ssl), room, sizeof(room));

	for (size_t at = 0; n > 0 && at + 13 <= (size_t)n; ) {
		size_t len = 13 + ((size_t)room[at + 11] << 8 | room[at + 12]);

		if (at + len > (size_t)n)
			return;
		put(place, room + at, len);
		at += len;
	}
}

/* RFC 5764 4.2: client's key, server's, client's salt, server's. */
static void keys_of(struct secure_far *f)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(f->ssl);
	enum crypto_suite suite = p && p->id == SRTP_AEAD_AES_128_GCM ? CRYPTO_AEAD_AES_128_GCM : CRYPTO_AES_CM_128_HMAC_SHA1_80;
	const struct crypto_suite_row *row = crypto_suite(suite);
	bool client = !SSL_is_server(f->ssl);
	uint8_t all[2 * CRYPTO_KEY_MAX];

	if (!p || SSL_export_keying_material(f->ssl, all, 2 * crypto_key_bytes(suite), label, sizeof(label) - 1, NULL, 0, 0) != 1)
		return;
	if (wire_traced())
		printf("---- DTLS with port %u: keys\n", f->port);
	f->tx = (struct crypto_line){ .tag = 1, .suite = (uint8_t)suite };
	memcpy(f->tx.key, all + (client ? 0 : row->key), row->key);
	memcpy(f->tx.key + row->key, all + 2 * row->key + (client ? 0 : row->salt), row->salt);
}

static void step(int place, struct secure_far *f)
{
	char byte[64];

	ERR_clear_error();
	if (!SSL_is_init_finished(f->ssl)) {
		if (SSL_do_handshake(f->ssl) == 1)
			keys_of(f);
	} else {
		SSL_read(f->ssl, byte, sizeof(byte));
	}
	flush(place, f->ssl);
	ERR_clear_error();
}

void dtls_begin(int place, bool client, unsigned own)
{
	struct secure_far *f = secure_far_of(place);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (!f) {
		BIO_free(in);
		BIO_free(out);
		return;
	}
	dtls_end(f);
	f->ssl = SSL_new(ctx[own % SECURE_OWN]);
	BIO_set_mem_eof_return(in, -1);
	BIO_set_mem_eof_return(out, -1);
	SSL_set_bio(f->ssl, in, out);
	SSL_set_mtu(f->ssl, 1200);
	if (client)
		SSL_set_connect_state(f->ssl);
	else
		SSL_set_accept_state(f->ssl);
	step(place, f);
}

void dtls_take(int place, const uint8_t *p, size_t n)
{
	struct secure_far *f = secure_far_of(place);

	if (!f)
		return;
	/* A ClientHello: it begins anew. */
	if (p[0] == 22 && n > 13 && p[13] == 1 && (!f->ssl || SSL_is_init_finished(f->ssl)))
		dtls_begin(place, false, 0);
	if (!f->ssl)
		return;
	BIO_write(SSL_get_rbio(f->ssl), p, (int)n);
	step(place, f);
}

/* [0] place, [1] what, [2] from elsewhere, [3] more */
void secure_step_dtls(const struct step *s)
{
	static const uint8_t kinds[] = { 22, 20, 21, 23, 24, 63, 25, 22 };
	int place = media_net_nth(s->a[0]);
	struct secure_far *f = secure_far_of(place);
	uint8_t p[256] = { kinds[s->a[3] % ARRAY_LEN(kinds)], 0xfe, s->a[4] & 1 ? 0xff : 0xfd };

	if (place < 0 || world.dead)
		return;
	switch (s->a[1] % 9) {
	case 0:
	case 1:         /* a handshake; with the other certificate */
		dtls_begin(place, true, s->a[1]);
		break;
	case 2:
		last.drop = s->a[3] % 8;
		break;
	case 3:         /* the last one again, changed or from elsewhere */
		if (!last.n || !media_net_is_open(last.place))
			break;
		if (s->a[4])
			last.p[s->a[3] * last.n / 256] ^= s->a[4];
		secure_deliver(last.place, s->a[2], last.p, s->a[5] ? s->a[5] * last.n / 256 : last.n);
		break;
	case 4:         /* a record of any bytes; a handshake message with any lengths */
		p[12] = s->a[5];
		p[13] = s->a[6];
		for (unsigned i = 14; i < sizeof(p); i++)
			p[i] = (uint8_t)(s->a[7] + i * s->a[8]);
		secure_deliver(place, s->a[2], p, 13u + s->a[5] % 200u);
		break;
	case 5:
		if (f && f->ssl)
			SSL_shutdown(f->ssl);
		break;
	case 6:
		if (f && f->ssl && SSL_is_init_finished(f->ssl))
			SSL_write(f->ssl, "x", 1);
		break;
	case 7:         /* gone without a word */
		if (f)
			dtls_end(f);
		break;
	case 8:
		if (f && f->ssl)
			step(place, f);
		break;
	}
	f = secure_far_of(place);
	if (f && f->ssl)
		flush(place, f->ssl);
}

/* [0] place, [1] from elsewhere, [2] payload type, [3] size, [4] how many, [5] key: 0 right, 1 wrong, 2 none, 3 a
 * changed byte; [6] gap, [7] RTCP, [8] from which sequence number */
void secure_step_srtp(const struct step *s)
{
	static const uint8_t pts[] = { 111, 0, 8, 9, 96, 101, 110, 97, 126, 13 };
	static const uint16_t sizes[] = { 160, 3, 0, 1, 320, 960, 4, 1200, 80, 24 };
	int place = media_net_nth(s->a[0]);
	struct secure_far *f = secure_far_of(place);
	struct srtp_prm prm = { .replay = false };
	struct srtp *keys = NULL;
	uint8_t p[1400];
	bool sealed;

	if (!f || world.dead)
		return;
	prm.tx = prm.rx = f->tx;
	prm.tx.key[0] ^= s->a[5] % 4 == 1;
	if (f->tx.suite && s->a[5] % 4 != 2 && srtp_new(&keys, &prm))
		return;
	for (unsigned i = 0; i <= s->a[4] % 8u; i++) {
		size_t n = sizes[s->a[3] % ARRAY_LEN(sizes)] + 12u;

		memset(p, s->a[9], sizeof(p));
		media_net_head(p, place, pts[s->a[2] % ARRAY_LEN(pts)], s->a[6], (uint32_t)n);
		/* Opus: silence, or noise. */
		if (s->a[2] % ARRAY_LEN(pts) == 0 && n >= 15 && !s->a[9])
			memcpy(p + 12, "\xf8\xff\xfe", 3);
		if (s->a[7] & 1) {
			p[0] = (uint8_t)(0x80 | (s->a[7] >> 3));
			p[1] = (uint8_t)(200 + (s->a[7] >> 1 & 7));
			n = (n + 3) & ~(size_t)3;
			p[2] = 0;
			p[3] = (uint8_t)(n / 4 - 1);
		}
		sealed = !keys || srtp_seal(keys, s->a[7] & 1, p, &n, sizeof(p));
		if (s->a[5] % 4 == 3)
			p[s->a[10] * n / 256] ^= 1;
		if (sealed)
			secure_deliver(place, s->a[1], p, n);
	}
	obj_drop(keys);
}
