/* A datagram of DTLS before anybody is known: what is found in it is in it, and the answer is no
 * longer than it. */
#include <stdlib.h>
#include <string.h>
#include "media/dtls_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void inside(const uint8_t *at, size_t len, const uint8_t *p, size_t n)
{
	if (at && (at < p || at + len > p + n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct dtls_identity identity;
	struct sa from = { 0 };
	struct dtls_hello h;
	uint8_t out[DTLS_ASK];

	if (n > WIRE_DATAGRAM || !dtls_is_record(data, n) || !dtls_hello_parse(&h, data, n))
		return 0;
	inside(h.random, DTLS_RANDOM, data, n);
	inside(h.cookie, h.cookie_n, data, n);
	if (dtls_ask_cookie(&identity, &from, data, n, out) && (n < sizeof(out) || memcmp(out + 5, data + 5, 6)))
		abort();
	if (dtls_cookie_is(&identity, &from, h.cookie, h.cookie_n) &&
	    (h.cookie_n != DTLS_COOKIE || memcmp(h.cookie, out + sizeof(out) - DTLS_COOKIE, DTLS_COOKIE)))
		abort();
	return 0;
}
