/* service/hash_openssl.h -- digest with OpenSSL's hash functions.
 * Threads: each object belongs to one thread. */
#ifndef SERVICE_HASH_OPENSSL_H
#define SERVICE_HASH_OPENSSL_H

#include "sip/digest.h"

/* NULL: out of memory, or without random numbers. */
struct digest_ctx *digest_openssl_new(const struct clock *clock);

#endif
