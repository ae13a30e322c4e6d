/* media/dtls_hello.c -- ClientHellos of whoever says hello, and the cookies that they are
 * answered with. A flood of them costs a hash and a datagram each: no state, no OpenSSL
 * handshake, no place in a queue. */
#include "media/dtls_int.h"
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include "base/poison.h"

enum {
	MESSAGE = 12,           /* RFC 6347 section 4.2.2: the header of a handshake message */
	HANDSHAKE = 22, CLIENT_HELLO = 1, HELLO_VERIFY = 3,
	BODY = DTLS_RECORD + MESSAGE,
	SESSION = BODY + 2 + DTLS_RANDOM        /* behind version and random: the session's id */
};

static size_t get_24(const uint8_t *p)
{
	return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

static size_t get_16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

bool dtls_is_record(const uint8_t *p, size_t n)
{
	return n > DTLS_RECORD && p[1] == 0xfe && get_16(p + 11) && get_16(p + 11) <= n - DTLS_RECORD;
}

bool dtls_hello_parse(struct dtls_hello *h, const uint8_t *p, size_t n)
{
	size_t at = SESSION, all;

	if (n <= SESSION || p[0] != HANDSHAKE || get_16(p + 3) || p[DTLS_RECORD] != CLIENT_HELLO)
		return false;
	/* A later fragment begins nothing: it has neither random nor cookie. */
	if (get_24(p + DTLS_RECORD + 6))
		return false;
	*h = (struct dtls_hello){ .random = p + BODY + 2 };
	all = get_24(p + DTLS_RECORD + 1);
	h->whole = all == get_24(p + DTLS_RECORD + 9) && get_16(p + 11) >= MESSAGE + all && n >= BODY + all;
	at += 1u + p[at];
	if (at < n && at + 1 + p[at] <= n) {
		h->cookie = p + at + 1;
		h->cookie_n = p[at];
	}
	return true;
}

bool dtls_cookie_make(const struct dtls_identity *d, const struct sa *to, uint8_t cookie[static DTLS_COOKIE])
{
	unsigned len = 0;
	char text[SA_TEXT];

	sa_text(to, text);
	return HMAC(EVP_sha256(), d->secret, sizeof(d->secret), (const unsigned char *)text, strlen(text), cookie, &len) &&
	       len == DTLS_COOKIE;
}

bool dtls_cookie_is(const struct dtls_identity *d, const struct sa *from, const uint8_t *cookie, size_t n)
{
	uint8_t ours[DTLS_COOKIE];

	return n == DTLS_COOKIE && dtls_cookie_make(d, from, ours) && !CRYPTO_memcmp(ours, cookie, n);
}

/* RFC 6347 section 4.2.1: with the record number of the ClientHello, and the version 1.0, which
 * says nothing about the one to come. Never longer than what it answers. */
bool dtls_ask_cookie(const struct dtls_identity *d, const struct sa *to, const uint8_t *p, size_t n,
		     uint8_t out[static DTLS_ASK])
{
	static const uint8_t head[DTLS_ASK - DTLS_COOKIE] = {
		[0] = HANDSHAKE, [1] = 0xfe, [2] = 0xff, [12] = MESSAGE + 3 + DTLS_COOKIE,
		[DTLS_RECORD] = HELLO_VERIFY, [DTLS_RECORD + 3] = 3 + DTLS_COOKIE, [DTLS_RECORD + 11] = 3 + DTLS_COOKIE,
		[BODY] = 0xfe, [BODY + 1] = 0xff, [BODY + 2] = DTLS_COOKIE,
	};

	if (n < DTLS_ASK)
		return false;
	memcpy(out, head, sizeof(head));
	memcpy(out + 5, p + 5, 6);
	return dtls_cookie_make(d, to, out + sizeof(head));
}
