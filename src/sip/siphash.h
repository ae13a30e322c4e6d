/* sip/siphash.h -- SipHash-2-4 with 128 bits (Aumasson, Bernstein 2012), the MAC
 * of our nonces. It was made for inputs this short under a key nobody else has:
 * about 40 ns, where HMAC-SHA256 through EVP takes some 700. base/hash.h has
 * SipHash-1-3, which is quick enough for tables and no MAC. Private to sip/. */
#ifndef SIP_SIPHASH_H
#define SIP_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

void siphash128(const uint8_t key[16], const void *data, size_t n, uint8_t out[16]);

#endif
